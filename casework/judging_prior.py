"""What a judge is told of related cases, those of the same subject or of the same customer and playbook: who was
recognised there, and what came back (docs/spec/verdict.md, `prior`).

It is read outside the writer. So the verdict's rule asks again whether it still is so, and the audit can hold the input
against the rows before the verdict without guessing what came in between.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework.errors import Unjudgeable, refuse
from casework.records import Records
from ledger.changes import Row
from ledger.commands import Need, View

PRIOR_CASES_MAX = 200
"""Related cases one verdict looks at, the latest first; docs/spec/verdict.md reads no more."""

ReadSubject = Callable[[Records, Row], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Prior:
    """What was told, and what it was read from: the ids of all related cases, the rows of those told of, their awards,
    and when this case came back."""

    value: dict[str, Any]
    related: frozenset[str]
    told: Mapping[str, Row]
    awards: Mapping[str, Row]
    again: tuple[str, ...]


def latest(related: Iterable[Row]) -> list[Row]:
    """Return the related cases that a judge is told of."""
    return sorted(related, key=lambda one: -int(one["opened_seq"]))[:PRIOR_CASES_MAX]


async def read(records: Records, row: Row, subject: Mapping[str, Any], read_subject: ReadSubject) -> Prior:
    """Read what came before and after a case. Raises Refused: stale."""
    related: dict[str, Row] = {}
    for group in json.loads(row["groups"]):
        for found in await records.scan("case_group", (group,)):
            other = await records.get("case_file", (found["case"],))
            if other is not None and other["case"] != row["case"]:
                related[other["case"]] = other
    kept: dict[str, Row] = {}
    awards, reopened = [], []
    told = {str(one["case"]): one for one in latest(related.values())}
    for _, other in sorted(told.items()):
        award = await _award(records, other, kept)
        try:
            theirs = await read_subject(records, other)
        except Unjudgeable:
            continue  # an erased case can no longer be compared; its award stands on its own record
        if award is not None:
            awards.append(told_award(other, award, theirs))
        if other["opened_seq"] > row["opened_seq"]:
            reopened.append(told_opening(other, theirs, other["opened_at"]))
    again = await records.scan("case_reopening", (row["case"],))
    reopened += [told_opening(row, subject, one["at"]) for one in again]
    own = await _award(records, row, kept)
    awards += [] if own is None else [told_award(row, own, subject)]
    value = {"awards": sorted(awards, key=lambda one: str(one["award"])), "reopened": reopened}
    return Prior(value, frozenset(related), told, kept, tuple(str(one["entry"]) for one in again))


async def _award(records: Records, row: Row, kept: dict[str, Row]) -> Row | None:
    if row["award"] is None:
        return None
    award = await records.get("award", (row["award"],))
    if award is None:
        raise refuse("stale", "an award changed while the case was read; look again")
    kept[award["award"]] = award
    return award


def told_award(row: Row, award: Row, subject: Mapping[str, Any]) -> dict[str, Any]:
    """Return an award as a judge is told of it."""
    return {
        "award": award["award"],
        "case": row["case"],
        "kind": award["kind"],
        "playbook": row["playbook"],
        "subject": dict(subject),
        "state": award["state"],
        "at": award["granted_at"],
    }


def told_opening(row: Row, subject: Mapping[str, Any], at: str) -> dict[str, Any]:
    """Return an opening, or a reopening, as a judge is told of it."""
    return {"case": row["case"], "playbook": row["playbook"], "subject": dict(subject), "at": at}


def needs(row: Row, prior: Prior) -> list[Need]:
    """Need the rows that say whether it still is so."""
    return [
        *(Need("case_group", (group,)) for group in json.loads(row["groups"])),
        *(Need("case_file", (case,)) for case in prior.told),
        *(Need("award", (award,)) for award in prior.awards),
        Need("case_reopening", (row["case"],)),
    ]


def moved(view: View, row: Row, prior: Prior) -> bool:
    """Say whether a related case was opened or recognised, an award ended, or this case came back meanwhile."""
    found = {one["case"] for group in json.loads(row["groups"]) for one in view.scan("case_group", (group,))}
    if found - {row["case"]} != prior.related:
        return True
    if tuple(str(one["entry"]) for one in view.scan("case_reopening", (row["case"],))) != prior.again:
        return True
    if any(_award_of(view, case) != one["award"] for case, one in prior.told.items()):
        return True
    return any(_state_of(view, award) != one["state"] for award, one in prior.awards.items())


def _award_of(view: View, case: str) -> Any:
    row = view.get("case_file", (case,))
    return None if row is None else row["award"]


def _state_of(view: View, award: str) -> Any:
    row = view.get("award", (award,))
    return None if row is None else row["state"]
