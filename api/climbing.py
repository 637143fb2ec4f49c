"""A case that nobody answers goes one step up: the next rung of its playbook's route, after the time that rung set; a
report to the organisation's owner, when the time that its urgency leaves is over.

An answer is any step of the case that a person wrote since the case was given to whoever owns it. Waiting never
approves: the case changes its owner and nothing else. Looked at in every tick, cheaply: what was worked out for a case
holds until the case changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.published import playbook_of
from api.rooms import Rooms
from api.scope import Row, first_owner
from casework import cases, tables
from casework.absence import in_for
from casework.errors import refuse
from casework.requests import THE_SYSTEM, AssignOwner
from casework.routing import asked_next, people_here, span_ms
from ledger.clock import instant_of, unix_ms_of
from ledger.codec import loads
from ledger.entries import SYSTEM
from ledger.errors import Refused
from ledger.store.tables import entry
from playbooks.playbook import Playbook

WAITING = (cases.ASSIGNED, cases.AWAITING_DECISION)
GIVEN = ("owner_assigned", "escalated")
LOOKED_AT_MAX = 2_000
"""Open cases looked at in one tick, the latest first."""


@dataclass(frozen=True, slots=True)
class _Next:
    """Who is asked next, from when on."""

    at: str
    member: str


class Climbing:
    """What this process knows about who is asked next. Forgetting it costs a few reads and nothing else."""

    def __init__(self) -> None:
        self._due: dict[tuple[str, str], tuple[int, str | None]] = {}
        self._playbooks: dict[str, Playbook] = {}

    async def climb(self, rooms: Rooms) -> int:
        """Pass on what nobody answered in time; return how many cases that were."""
        where = {"state": list(WAITING)}
        open_cases = await rooms.rows.find(tables.case_file, where, order="opened_seq", limit=LOOKED_AT_MAX)
        self._forget(rooms.log, {str(row["case"]) for row in open_cases})
        now, passed = rooms.clock.now(), 0
        for row in open_cases:
            known = self._due.get((rooms.log, row["case"]))
            if known is None or known[0] != row["changed_seq"]:
                following = await self._next(rooms, row)
                known = (row["changed_seq"], None if following is None else following.at)
                self._due[rooms.log, row["case"]] = known
            if known[1] is not None and known[1] <= now:
                passed += await self._pass_on(rooms, row)
        return passed

    def _forget(self, log: str, still: set[str]) -> None:
        for key in [key for key in self._due if key[0] == log and key[1] not in still]:
            del self._due[key]

    async def _next(self, rooms: Rooms, row: Row) -> _Next | None:
        given = await _given(rooms, row)
        if given is None:
            return None
        if row["playbook"] is None:
            return await _after_report(rooms, row)
        here = await people_here(rooms.intake.records)
        asked = asked_next(await self._playbook(rooms, row), here, str(row["owner"]))
        if asked is None:
            return None
        return _Next(instant_of(unix_ms_of(given["at"]) + span_ms(asked[0])), asked[1])

    async def _pass_on(self, rooms: Rooms, row: Row) -> int:
        """Give the case to whoever is asked next, as things are now; what came between is seen in the next tick."""
        self._due.pop((rooms.log, row["case"]), None)
        following = await self._next(rooms, row)
        if following is None:
            return 0
        member = await in_for(rooms.intake.records, following.member, rooms.clock.now())
        request = AssignOwner(row["case"], member, "ack_expired")
        try:
            done = await rooms.desk.assign_owner(
                THE_SYSTEM, f"climb:{row['case']}:{row['changed_seq']}", request
            )
        except Refused as refusal:
            if refusal.code not in ("transition", "owner_unknown"):
                raise
            return 0  # it was answered, or they left, this very moment
        return 0 if done.outcome.replayed else 1

    async def _playbook(self, rooms: Rooms, row: Row) -> Playbook:
        held = await rooms.rows.one(tables.playbook, playbook=row["playbook"])
        if held is None:
            raise refuse("unknown", f"playbook: expected a published one, got {row['playbook']}")
        digest = str(held["digest"])
        if digest not in self._playbooks:
            self._playbooks[digest] = playbook_of(loads(held["content"]), str(row["playbook"]))
        return self._playbooks[digest]


async def _after_report(rooms: Rooms, row: Row) -> _Next | None:
    """A report that could not wait goes to the organisation's owner when its time is over; a lead who told of it and
    has it themselves knows of it."""
    facts = None if row["facts_item"] is None else await rooms.rows.open(row["facts_item"])
    owner = await first_owner(rooms.rows)
    if not facts or not facts.get("due") or row["owner"] in (owner, row["opened_by"]):
        return None
    return _Next(str(facts["due"]), owner)


async def _given(rooms: Rooms, row: Row) -> Row | None:
    """Return the entry by which the case came to its owner; None: a person has written something in it since, in
    another request."""
    found = await rooms.rows.find(entry, {"case_id": row["case"]}, order="seq")  # the latest first
    given = next((one for one in found if one["kind"] in GIVEN), None)
    if given is None:
        return None
    since = (one for one in found if one["seq"] > given["seq"] and one["cmd"] != given["cmd"])
    return None if any(loads(one["canon"])["actor"]["id"] != SYSTEM for one in since) else given
