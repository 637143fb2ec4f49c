"""What needs this person's decision: which cases wait for a yes or a no that they, and not just anybody, may give.

Three kinds of matter: may this be done (action)? does the evidence hold (review)? was it earned (award)? Ordered by how
soon it bites, then by what is at stake, then by age.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from api.dossiers import Dossier, Staff, dossiers
from api.matters import AWARD, BUNDLED_KIND, STEP_OF, waiting_of
from api.scope import Row, Scoped
from casework import cases, proposals, tables
from ledger.codec import loads
from ledger.store.tables import entry

SHOWN_MAX = 6
LOOKED_AT_MAX = 300
"""Open cases looked through for one page, the latest first; what is beyond is counted as "more"."""
OPEN = (cases.AWAITING_DECISION, cases.IN_ACTION, cases.AWAITING_REVIEW, cases.RESOLVED)
ENDING_KINDS = ("case_cleared", "case_closed", "outcome_recorded", "case_expired", "decision_made")
HANDLED_MAX = 200


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to decide. `due`: the instant by which it bites, None where nothing says so."""

    dossier: Dossier
    kind: str
    due: str | None
    value: Mapping[str, Any] | None


def matter_of(dossier: Dossier, kind: str, now: str) -> Matter:
    """Return the matter of a case, with when it bites and what is at stake."""
    proposal = dossier.proposal
    value = proposals.value_of(proposal) if proposal else None
    if value is None and dossier.case["value"] is not None:
        value = loads(dossier.case["value"])
    return Matter(dossier, kind, bites_at(dossier, now), value)


def bites_at(dossier: Dossier, now: str) -> str | None:
    """Return the next instant that the facts name: a table at 19:30, a contract that ends."""
    ahead = [value for value in _instants(dossier.facts().values()) if value > now]
    return min(ahead, default=None)


def _instants(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str) and len(value) in (20, 24) and value[10:11] == "T" and value.endswith("Z"):
            yield value
        elif isinstance(value, list):
            yield from _instants(value)


def order_of(matter: Matter) -> tuple[bool, str, int, str]:
    """Return the sort key: what bites soonest, then what is worth most, then what is oldest."""
    at_stake = -int(matter.value["amount_minor"]) if matter.value else 0
    return (matter.due is None, matter.due or "", at_stake, str(matter.dossier.case["opened_at"]))


async def inbox(rows: Scoped, staff: Staff, member: str, now: str) -> list[Matter]:
    """Return everything that waits for this member, in order."""
    found = await rows.find(tables.case_file, {"state": list(OPEN)}, order="opened_seq", limit=LOOKED_AT_MAX)
    matters = []
    for dossier in await dossiers(rows, found):
        kind = waiting_of(dossier)
        if kind == AWARD and dossier.case["award_kind"] == BUNDLED_KIND:
            continue  # recognised many at once, on a page of their own
        if kind is not None and staff.may(member, STEP_OF[kind], dossier):
            matters.append(matter_of(dossier, kind, now))
    return sorted(matters, key=order_of)


async def handled_since(rows: Scoped, since: str, but: str) -> list[str]:
    """Return the cases that others, or nobody, brought to an end since an instant: what did not need `but`."""
    found: list[Row] = await rows.find(
        entry, {"kind": list(ENDING_KINDS)}, order="seq", limit=HANDLED_MAX, also=[entry.c.at >= since]
    )
    mine: set[str] = set()
    others: dict[str, None] = {}
    for row in found:
        if loads(row["canon"])["actor"]["id"] == but:
            mine.add(row["case_id"])
        else:
            others.setdefault(row["case_id"])
    return [case for case in others if case and case not in mine]
