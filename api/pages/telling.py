"""One exception's story read from the record: its entries, the private values they open, and what was refused.

Refusals are told to the people concerned and to auditors, not to colleagues.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from api.dossiers import Dossier, sees_recognition
from api.pages.cards import People
from api.pages.doors import Seen
from api.pages.refusals import JOURNAL_FILE, refusals_of
from api.pages.story import Refusal, Step, Telling, tell_steps
from api.permissions import AUDITOR
from api.scope import Scoped
from ledger.codec import dumps, loads
from ledger.entries import SYSTEM, Entry
from ledger.merkle import leaf_hash
from ledger.reading import read_entry
from ledger.store.tables import entry as entries

STEPS_MAX = 400
"""Steps of one story that a page tells; a case with more says how many were left out."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody added in their own words."""

    who: str
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """The steps in order of time, the remarks among them, and how many steps the page leaves out."""

    steps: tuple[Step, ...]
    remarks: tuple[Remark, ...]
    beyond: int


def concerned(dossier: Dossier) -> frozenset[str]:
    """Return the members whom a refusal in this story concerns: owner, makers, deciders, beneficiaries."""
    row = dossier.case
    people = {row["owner"], row["opened_by"], row["action_by"]}
    people |= {one["maker"] for one in dossier.proposals}
    people |= {one["decider"] for one in dossier.decisions}
    people |= {share["member"] for share in dossier.shares}
    for verdict in dossier.verdicts:
        people |= set(loads(verdict["beneficiaries"]))
    return frozenset(str(one) for one in people if one and one != SYSTEM)


def _is_recognition(one: Entry) -> bool:
    """Say whether a step tells of who was recognised, or was not, and why: that is theirs."""
    about_decisions = one.kind.startswith("decision_") and one.body.get("about") == "award"
    return one.kind.startswith(("award_", "dispute_")) or about_decisions


async def story_of(seen: Seen, dossier: Dossier, people: People) -> Story:
    """Return the story as this reader is told it."""
    told, beyond = await _entries(seen.rooms.rows, dossier.id)
    if not sees_recognition(dossier, seen.caller.member, seen.caller.roles):
        told = [one for one in told if not _is_recognition(one)]
    wanted = {(one.seq, path): item for one in told for path, item in one.private.items()}
    values = await seen.rooms.rows.open_all(wanted.values())
    opened: dict[tuple[int, str], Any] = {place: values[item] for place, item in wanted.items()}
    tell = Telling(
        names=people.names,
        opened=opened,
        words=seen.frame.words,
        evidence={str(item["evidence"]): str(item["type"]) for item in dossier.evidence},
        actions={str(one["proposal"]): str(one["action"]) for one in dossier.proposals},
        helpers=people.helpers,
    )
    digests = {one.seq: leaf_hash(dumps(one.to_json())).hex() for one in told}
    refusals: tuple[Refusal, ...] = ()
    if AUDITOR in seen.caller.roles or seen.caller.member in concerned(dossier):
        path = seen.request.app.state.installation.settings.data_dir / JOURNAL_FILE
        refusals = await asyncio.to_thread(refusals_of, path, seen.rooms.log, dossier.id)
    remarks = tuple(
        Remark(tell.name(one.actor.id), one.at, str(tell.secret(one, "note")))
        for one in told
        if one.kind == "note_added" and tell.secret(one, "note")
    )
    return Story(tell_steps(told, digests, refusals, tell), remarks, beyond)


async def _entries(rows: Scoped, case: str) -> tuple[list[Entry], int]:
    found = await rows.find(entries, {"case_id": case}, order="seq", limit=STEPS_MAX + 1)
    beyond = await rows.count(entries, case_id=case) - STEPS_MAX if len(found) > STEPS_MAX else 0
    kept = sorted(found[:STEPS_MAX], key=lambda row: int(row["seq"]))
    return [read_entry(row["canon"], loads, dumps) for row in kept], beyond
