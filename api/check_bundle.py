"""Checks of some days, recognised at once: each was judged one by one, and nobody approves two hundred clicks.

A yes binds each check as it was shown, by a digest of what its decision would rest on; one that changed meanwhile is
left out and named, and the others are decided. Each gets a decision of its own on record, as if pressed alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.dossiers import Dossier, Staff, dossiers
from api.matters import AWARD, BUNDLED_KIND, STEP_OF, waiting_of
from api.rooms import Rooms
from casework import cases, tables
from casework.errors import refuse
from casework.intake import RequestKey
from casework.requests import Decide, Principal
from ledger.canonical import encode
from ledger.codec import loads
from ledger.errors import Refused

BUNDLE_MAX = 200
"""Checks of one bundle; what is beyond waits for the next."""
FLEETING = ("as_of", "nonce", "expires")
"""Members of what a decision was shown that differ each time it is shown."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One check that waits: who did it, what it was about, whether a failure was told, and what a yes would bind."""

    dossier: Dossier
    member: str
    task: str
    place: str
    due_at: str
    failed: bool
    binds: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a bundle: case -> decision, and case -> why not."""

    done: Mapping[str, str]
    refused: Mapping[str, Refused]


async def waiting(rooms: Rooms, staff: Staff, who: Principal) -> list[Waiting]:
    """Return the checks that wait for this member's yes, of the latest done, the oldest of them first."""
    where = {"state": cases.RESOLVED, "award_kind": BUNDLED_KIND, "award": None}
    found = await rooms.rows.find(tables.case_file, where, order="opened_seq", limit=BUNDLE_MAX * 2)
    told = []
    for dossier in reversed(await dossiers(rooms.rows, found)):
        if waiting_of(dossier) == AWARD and staff.may(who.id, STEP_OF[AWARD], dossier):
            told.append(await _told(rooms, dossier, who))
        if len(told) == BUNDLE_MAX:
            break
    return told


async def count_waiting(rooms: Rooms, staff: Staff, member: str) -> int:
    """Return how many checks wait for this member's yes, at most BUNDLE_MAX."""
    where = {"state": cases.RESOLVED, "award_kind": BUNDLED_KIND, "award": None}
    found = await rooms.rows.find(tables.case_file, where, order="opened_seq", limit=BUNDLE_MAX)
    told = await dossiers(rooms.rows, found, with_texts=False)
    return sum(waiting_of(one) == AWARD and staff.may(member, STEP_OF[AWARD], one) for one in told)


async def _told(rooms: Rooms, dossier: Dossier, who: Principal) -> Waiting:
    facts = dossier.facts()
    shown = await rooms.desk.show(who, dossier.id, AWARD)
    verdict = dossier.verdict
    judged = loads(verdict["beneficiaries"]) if verdict else []
    readings = [dossier.text(item, "facts_item") or {} for item in dossier.live if item["type"] == "reading"]
    return Waiting(
        dossier=dossier,
        member=str(judged[0]) if judged else "",
        task=str(facts.get("task", "")),
        place=str(facts.get("place", "")),
        due_at=str(facts.get("due_at", dossier.case["opened_at"])),
        failed=any(one.get("exception") is not None for one in readings),
        binds=binding(shown.basis),
    )


def binding(basis: Mapping[str, Any]) -> str:
    """Return the hex digest of what a decision would rest on, without what differs each time it is shown."""
    lasting = {name: value for name, value in basis.items() if name not in FLEETING}
    return hashlib.sha256(encode(lasting)).hexdigest()


async def decide(
    rooms: Rooms,
    who: Principal,
    key: str,
    items: Sequence[tuple[str, str]],
    *,
    amount_tokens: int,
    budget: str | None,
    message: str | None,
) -> Decided:
    """Recognise each of these checks, (case, what was bound); what cannot be is named, and keeps no other from it.

    Raises:
        Refused: value_invalid (none, too many, or one twice).
    """
    if not 0 < len(items) <= BUNDLE_MAX or len({case for case, _ in items}) != len(items):
        raise refuse("value_invalid", f"items: expected 1 to {BUNDLE_MAX} different checks, got {len(items)}")
    done: dict[str, str] = {}
    refused: dict[str, Refused] = {}
    for case, bound in items:
        try:
            done[case] = await _decide(rooms, who, key, case, bound, amount_tokens, budget, message)
        except Refused as refusal:
            refused[case] = refusal
    return Decided(done, refused)


async def _decide(
    rooms: Rooms,
    who: Principal,
    key: str,
    case: str,
    bound: str,
    tokens: int,
    budget: str | None,
    message: str | None,
) -> str:
    row = await rooms.rows.one(tables.case_file, case=case)
    if row is None or row["award_kind"] != BUNDLED_KIND:
        raise refuse("unknown", f"expected a check of this organisation, got {case}", "/items")
    # sent again after a lost answer, what was decided then is what is told: it is no longer as it was shown
    asked = encode([case, bound, tokens, budget, message])
    mine = RequestKey.of(f"{key}:{case}", hashlib.sha256(asked).hexdigest())
    shown = await rooms.desk.show(who, case, AWARD)
    if not await rooms.desk.was_taken(who, mine) and binding(shown.basis) != bound:
        raise refuse("stale", "expected the check as it was shown, got one that changed since")
    verdict = await rooms.rows.one(tables.verdict, case=case, verdict=row["verdict"] or "")
    request = Decide(
        token=shown.token,
        verb="approved",
        beneficiaries=tuple(loads(verdict["beneficiaries"])) if verdict else (),
        amount_tokens=tokens,
        budget=budget if tokens else None,
        message=message,
    )
    return (await rooms.desk.decide(who, mine, request)).ids["decision"]
