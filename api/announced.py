"""Recognitions that everybody who got them wants shown: the approver's sentence, who, when. Newest first.

No number stands beside a name and nobody is counted: the list is cut by time, not by person. What is no longer final
(taken back, or with a question open), whoever left, and a sentence that was erased are not shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.scope import Row, Scoped
from casework import announcing, awards, tables
from casework.cases import later

SHOWN_DAYS = 90
LOOKED_AT_MAX = 500
"""Settled awards looked through, the latest first."""
SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class Announced:
    """One recognition. `members` by id, sorted; `by` is whoever approved it."""

    award: str
    kind: str
    message: str
    members: tuple[str, ...]
    by: str | None
    at: str

    def told(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        named = {
            "award": self.award,
            "kind": self.kind,
            "message": self.message,
            "by": self.by,
            "at": self.at,
        }
        return named | {"members": list(self.members)}


async def choices_of(rows: Scoped, **where: str) -> dict[tuple[str, str], Row]:
    """Return (member, award or ALL) -> the choice."""
    found = await rows.find(tables.announcing, where)
    return {(row["member"], row["award"]): row for row in found}


async def announced(rows: Scoped, now: str) -> list[Announced]:
    """Return what may be shown of the last SHOWN_DAYS days."""
    choices = await choices_of(rows)
    if not any(row["may"] == 1 for row in choices.values()):
        return []
    since = tables.award.c.settled_at >= later(now, days=-SHOWN_DAYS)
    where = {"state": awards.SETTLED, "held_by": None}
    found = await rows.find(tables.award, where, also=(since,), order="settled_seq", limit=LOOKED_AT_MAX)
    shares = await _shares(rows, found)
    named = {row["member"] for row in await rows.find(tables.member_name)}  # whose data were erased has none
    here = named & {row["member"] for row in await rows.find(tables.member, {"active": 1})}
    shown = [
        row
        for row in found
        if shares[row["award"]] <= here
        and announcing.may_show(row["award"], shares[row["award"]], choices)
        and row["message_item"] is not None
    ][:SHOWN_MAX]
    said = await rows.open_all(row["message_item"] for row in shown)
    ids = [row["decision"] for row in shown]
    deciders = (
        {row["decision"]: row["decider"] for row in await rows.find(tables.decision, {"decision": ids})}
        if ids
        else {}
    )
    return [
        Announced(
            award=row["award"],
            kind=row["kind"],
            message=str(said[row["message_item"]]),
            members=tuple(sorted(shares[row["award"]])),
            by=deciders.get(row["decision"]),
            at=row["settled_at"],
        )
        for row in shown
        if said[row["message_item"]] is not None
    ]


async def _shares(rows: Scoped, found: list[Row]) -> Mapping[str, set[str]]:
    told: dict[str, set[str]] = {row["award"]: set() for row in found}
    for share in await rows.find(tables.award_share, {"award": list(told)}) if told else []:
        told[share["award"]].add(share["member"])
    return told
