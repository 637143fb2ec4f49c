"""A case that nobody answers goes one step up: the next rung of its playbook's route, after the time that rung set.

An answer is any step of the case that a person wrote since the case was given to whoever owns it. Waiting never
approves: the case changes its owner and nothing else. Looked at in every tick, cheaply: what was worked out for a case
holds until the case changes.
"""

from __future__ import annotations

from api.published import playbook_of
from api.rooms import Rooms
from api.scope import Row
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
            if row["playbook"] is None:
                continue
            known = self._due.get((rooms.log, row["case"]))
            if known is None or known[0] != row["changed_seq"]:
                known = (row["changed_seq"], await self._due_of(rooms, row))
                self._due[rooms.log, row["case"]] = known
            if known[1] is not None and known[1] <= now:
                passed += await self._pass_on(rooms, row)
        return passed

    def _forget(self, log: str, still: set[str]) -> None:
        for key in [key for key in self._due if key[0] == log and key[1] not in still]:
            del self._due[key]

    async def _due_of(self, rooms: Rooms, row: Row) -> str | None:
        given = await _given(rooms, row)
        asked = None if given is None else asked_next(
            await self._playbook(rooms, row), await people_here(rooms.intake.records), str(row["owner"])
        )  # fmt: skip
        if given is None or asked is None:
            return None
        return instant_of(unix_ms_of(given["at"]) + span_ms(asked[0]))

    async def _pass_on(self, rooms: Rooms, row: Row) -> int:
        """Give the case to whoever is asked next. What came between is looked at again in the next tick."""
        self._due.pop((rooms.log, row["case"]), None)
        given = await _given(rooms, row)
        here = await people_here(rooms.intake.records)
        asked = asked_next(await self._playbook(rooms, row), here, str(row["owner"]))
        if given is None or asked is None:
            return 0
        member = await in_for(rooms.intake.records, asked[1], rooms.clock.now())
        key = f"climb:{row['case']}:{given['seq']}"
        try:
            done = await rooms.desk.assign_owner(
                THE_SYSTEM, key, AssignOwner(row["case"], member, "ack_expired")
            )
        except Refused as refusal:
            if refusal.code not in ("transition", "owner_unknown"):
                raise
            return 0  # answered, or left, this very moment
        return 0 if done.outcome.replayed else 1

    async def _playbook(self, rooms: Rooms, row: Row) -> Playbook:
        held = await rooms.rows.one(tables.playbook, playbook=row["playbook"])
        if held is None:
            raise refuse("unknown", f"playbook: expected a published one, got {row['playbook']}")
        digest = str(held["digest"])
        if digest not in self._playbooks:
            self._playbooks[digest] = playbook_of(loads(held["content"]), str(row["playbook"]))
        return self._playbooks[digest]


async def _given(rooms: Rooms, row: Row) -> Row | None:
    """Return the entry by which the case came to its owner; None: a person has written something in it since."""
    found = await rooms.rows.find(entry, {"case_id": row["case"]}, order="seq")
    for one in found:  # the latest first
        if one["kind"] in GIVEN:
            return one
        if loads(one["canon"])["actor"]["id"] != SYSTEM:
            return None
    return None
