"""Recognition against hours worked, by team and shift, of the last quarters: what casework/fairness.py lets be shown.

Hours come from records of the kind `shift` (site, person, starts_at, ends_at, status); without any the answer says so.
People are matched by the account that a lead linked, else by the one member of that name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.rooms import Rooms
from api.scope import Row
from api.whose import Whose, whose
from casework import tables
from casework.fairness import (
    Recognised,
    Shift,
    Table,
    groups_of,
    months_of,
    part_of,
    quarters_before,
    table_of,
)
from ledger.clock import instant_of, unix_ms_of
from playbooks.calendars import DAY_MS
from playbooks.tables import record

QUARTERS_SHOWN = 4
SHIFT_KIND, CONFIRMED = "shift", "confirmed"
SHIFTS_MAX = 20_000
"""Shift records looked through, those planned last first. Older quarters are not told where there are more."""
AWARDS_MAX = 20_000
"""Recognitions of these quarters that are counted, the latest first."""
IDS_AT_ONCE = 500
ACTED_BEFORE_DAYS = 31
"""How long before a quarter somebody may have done what is recognised in it, and still be found on their shift."""
PLANNED_AHEAD_DAYS = 120
"""A shift is planned at most this long before it begins."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """One quarter: (year, 1 to 4). `table` None: no hours of it are known."""

    quarter: tuple[int, int]
    table: Table | None

    def told(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        year, number = self.quarter
        named: dict[str, Any] = {"year": year, "quarter": number, "hours_known": self.table is not None}
        if self.table is None:
            return named
        rows = [
            {"team": one.key[0], "part": one.key[1], "hours": one.hours, "recognised": one.recognised}
            for one in self.table.rows
        ]
        total = self.table.total
        told = None if total is None else {"hours": total.hours, "recognised": total.recognised}
        return named | {"rows": rows, "hidden": self.table.hidden, "total": told}


async def quarters(rooms: Rooms, zone: ZoneInfo) -> list[Quarter]:
    """Return the last QUARTERS_SHOWN quarters that are over, the oldest first; worked out once a day and size."""
    now = rooms.clock.now()
    local = datetime.fromisoformat(now).astimezone(zone)
    wanted = quarters_before(local.year, local.month, QUARTERS_SHOWN)
    size = (await rooms.reader.head()).size
    rests_on = ("hours", size, tuple(wanted), zone.key)
    return await rooms.previews.get(rests_on, lambda: _quarters(rooms, zone, wanted))


async def _quarters(rooms: Rooms, zone: ZoneInfo, wanted: Sequence[tuple[int, int]]) -> list[Quarter]:
    spans = []
    for quarter in wanted:
        begins, ends = months_of(quarter)
        spans.append((_begins_ms(begins, zone), _begins_ms(ends, zone)))
    since_ms = spans[0][0]
    shifts, known_since_ms = await _shifts(rooms, zone, since_ms)
    recognised = await _recognised(rooms, since_ms)
    told = []
    for quarter, (begins_ms, ends_ms) in zip(wanted, spans, strict=True):
        of = [shift for shift in shifts if begins_ms <= shift.begins_ms < ends_ms]
        before = [
            shift for shift in shifts if begins_ms - ACTED_BEFORE_DAYS * DAY_MS <= shift.begins_ms < begins_ms
        ]
        given = [one for granted_ms, one in recognised if begins_ms <= granted_ms < ends_ms]
        known = bool(of) and begins_ms >= known_since_ms
        groups = await asyncio.to_thread(groups_of, of, given, before) if known else []
        told.append(Quarter(quarter, table_of(groups) if known else None))
    return told


def _begins_ms(month: tuple[int, int], zone: ZoneInfo) -> int:
    return int(datetime(month[0], month[1], 1, tzinfo=zone).astimezone(UTC).timestamp() * 1000)


async def _shifts(rooms: Rooms, zone: ZoneInfo, since_ms: int) -> tuple[list[Shift], int]:
    """Return the confirmed shifts from a month before `since_ms` on, and from when on none is missing."""
    since = record.c.event_at >= instant_of(since_ms - PLANNED_AHEAD_DAYS * DAY_MS)
    found = await rooms.rows.find(
        record, {"kind": SHIFT_KIND}, also=(since,), order="event_at", limit=SHIFTS_MAX
    )
    opened = await rooms.rows.open_all(str(row["item"]) for row in found)
    known = await whose(rooms)
    named = _alone(known.names)
    shifts = []
    for value in opened.values():
        shift = _shift(value or {}, known, named, zone)
        if shift is not None and shift.begins_ms >= since_ms - ACTED_BEFORE_DAYS * DAY_MS:
            shifts.append(shift)
    if len(found) < SHIFTS_MAX:
        return shifts, since_ms
    return shifts, unix_ms_of(str(found[-1]["event_at"])) + PLANNED_AHEAD_DAYS * DAY_MS


def _alone(names: Mapping[str, str]) -> dict[str, str]:
    """Return name -> the one member who is called so; `names`: member -> name."""
    found: dict[str, list[str]] = {}
    for member, name in names.items():
        found.setdefault(name, []).append(member)
    return {name: members[0] for name, members in found.items() if len(members) == 1}


def _shift(
    version: Mapping[str, Any], known: Whose, named: Mapping[str, str], zone: ZoneInfo
) -> Shift | None:
    """Return a record version as a shift, None where it is none that was worked."""
    values = version.get("values") or {}
    begins, ends, name = values.get("starts_at"), values.get("ends_at"), values.get("person")
    if values.get("status") != CONFIRMED or not begins or not ends or not name:
        return None
    begins_ms = unix_ms_of(str(begins))
    hour = datetime.fromtimestamp(begins_ms / 1000, zone).hour
    linked = known.member(str(version.get("source")), name)
    person = linked or named.get(str(name)) or f"name:{name}"
    return Shift(person, str(values.get("site") or ""), part_of(hour), begins_ms, unix_ms_of(str(ends)))


async def _recognised(rooms: Rooms, since_ms: int) -> list[tuple[int, Recognised]]:
    """Return (when it was given, who was recognised for what they did when), whatever came of it."""
    since = tables.award.c.granted_at >= instant_of(since_ms)
    given = await rooms.rows.find(tables.award, also=(since,), order="seq", limit=AWARDS_MAX)
    cases = {row["case"]: row for row in await _in_parts(rooms, tables.case_file, "case", given)}
    by_award = {row["award"]: row for row in given}
    told = []
    for share in await _in_parts(rooms, tables.award_share, "award", given):
        row = by_award[share["award"]]
        acted = cases[row["case"]]["action_at"] or row["granted_at"]
        one = Recognised(str(share["member"]), unix_ms_of(str(acted)))
        told.append((unix_ms_of(str(row["granted_at"])), one))
    return told


async def _in_parts(rooms: Rooms, table: Any, column: str, given: Sequence[Row]) -> list[Row]:
    """Return the rows of a table that these awards name, a bounded number of ids at a time."""
    ids = sorted({str(row[column]) for row in given})
    found: list[Row] = []
    for place in range(0, len(ids), IDS_AT_ONCE):
        found += await rooms.rows.find(table, {column: ids[place : place + IDS_AT_ONCE]})
    return found
