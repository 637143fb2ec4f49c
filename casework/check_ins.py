"""What a check-in shows, read and checked before the writer: keys are in the vault, and the vault is slow.

The rule (point_rules.checked_in) decides over the rows as they are by then; here nothing is decided for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casework import authority, cases, point_rules, presence
from casework.collectors import check_in
from casework.collectors.check_in import Shown
from casework.errors import refuse
from casework.intake import Intake
from casework.point_requests import NFC, PRINTED, CheckIn
from casework.requests import AttachEvidence, Principal
from casework.views_of_points import ENDED
from ledger.changes import Row
from ledger.clock import instant_of
from ledger.commands import Need

CODE_KEY = "check-in codes"
TRIES_MAX = 3
"""How often a check-in is looked at again where the point or the last check-in changed meanwhile."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A check-in ready for the writer."""

    item: AttachEvidence
    known: Mapping[str, Any]
    needs: tuple[Need, ...]


def code_key(intake: Intake) -> bytes:
    """Return the key of this log's check-in codes, derived from the organisation key: codes on paper outlive others."""
    return bytes.fromhex(intake.vault.fingerprint(CODE_KEY, intake.log))


async def look(intake: Intake, who: Principal, request: CheckIn) -> Looked:
    """Return what the check-in shows, as evidence, and the rows its rule may read.

    Raises:
        Refused: value_invalid, point_unknown, tap_invalid, code_expired.
        TokenInvalid: a code that was never issued here.
    """
    now, records = instant_of(intake.clock()), intake.records
    person = await _person(intake, who.id)
    shown, same_tag = await _shown(intake, request, person, now)
    before = await records.get("presence", (person,))
    item = check_in.collect(who, request.case, shown, now, request.at, before)
    known: dict[str, Any] = {"item": item, "point": shown.point, "person": person, "same_tag": same_tag}
    known["before"] = point_rules.last_of(before)
    needs = [*cases.rows(request.case), *await authority.involved(records, request.case)]
    needs += [Need("presence", (person,)), *(Need("point", (one,)) for one in same_tag)]
    return Looked(item, known, tuple(needs))


async def point_of(intake: Intake, who: Principal, request: CheckIn) -> Row:
    """Return the point that a tap or a code is of, if it may still be checked in by it; nothing is recorded.

    Raises:
        As `look`; Refused: tap_replayed.
    """
    shown, same_tag = await _shown(intake, request, await _person(intake, who.id), instant_of(intake.clock()))
    if shown.counter is not None:
        tags = [await intake.records.get("point", (one,)) for one in same_tag]
        point_rules.check_counter(shown.counter, (one for one in tags if one is not None))
    return shown.point


async def _person(intake: Intake, member: str) -> str:
    row = await intake.records.get("member", (member,))
    return member if row is None or row["same_as"] is None else str(row["same_as"])


async def _shown(intake: Intake, request: CheckIn, person: str, now: str) -> tuple[Shown, tuple[str, ...]]:
    """Return what was shown, and the points of the same tag (of a code: the point alone)."""
    tap = request.picc is not None and request.cmac is not None
    if (request.picc is None) != (request.cmac is None) or tap == (request.code is not None):
        raise refuse("value_invalid", "expected either picc and cmac of a tap, or a code")
    if request.code is not None:
        shown = await _by_code(intake, request, person, now)
        return shown, (str(shown.point["point"]),)
    rows = await intake.records.scan("point", ())
    row, tapped = await _by_tap(intake, request, rows)
    same_tag = tuple(str(one["point"]) for one in rows if one["uid"] == row["uid"])
    once = f"tap\x00{row['uid']}\x00{tapped.counter}".encode()
    return Shown(row, tapped.counter, once=(once,)), same_tag


async def _by_code(intake: Intake, request: CheckIn, person: str, now: str) -> Shown:
    code = presence.open_code(code_key(intake), intake.log, str(request.code))
    row = point_rules.in_use(await intake.records.get("point", (code.point,)), code.point)
    if request.point not in (None, code.point) or (code.issued_at is None) != (row["method"] == PRINTED):
        raise refuse("tap_invalid", f"code: expected one of {request.point}, got another's", "/code")
    presence.check_fresh(code, now)
    once = () if code.issued_at is None else (f"screen\x00{request.code}\x00{person}".encode(),)
    return Shown(row, issued_at=code.issued_at, once=once)


async def _by_tap(intake: Intake, request: CheckIn, rows: list[Row]) -> tuple[Row, presence.Tap]:
    """Return the point of a tap: the one that is named, else the one whose keys open it."""
    picc, cmac = _hex(request.picc, "picc"), _hex(request.cmac, "cmac")
    if request.point is not None:
        named = next((row for row in rows if row["point"] == request.point), None)
        row = point_rules.in_use(named, request.point)
        tapped = await _opened(intake, row, picc, cmac)
        if tapped is not None:
            return row, tapped
    for row in rows if request.point is None else ():
        if row["state"] != ENDED and (found := await _opened(intake, row, picc, cmac)) is not None:
            return row, found
    raise refuse("tap_invalid", "tap: expected one signed by a tag of this place, got another", "/cmac")


async def _opened(intake: Intake, row: Row, picc: bytes, cmac: bytes) -> presence.Tap | None:
    """Return the tap, if it is one of this point's tag. A key that was erased opens nothing."""
    kept = await intake.records.open(row["secret_item"]) if row["method"] == NFC else None
    return None if kept is None else presence.tap_of(presence.TagKeys.of(kept), row["uid"], picc, cmac)


def _hex(given: str | None, name: str) -> bytes:
    try:
        return bytes.fromhex(given or "")
    except ValueError as error:
        raise refuse("tap_invalid", f"{name}: expected hex digits, got others", f"/{name}") from error
