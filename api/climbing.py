"""A case that nobody answers goes one step up: the next rung of its playbook's route, after the time that rung set; a
report to the organisation's owner, when the time that its urgency leaves is over.

An answer is a step that whoever owns the case wrote since it was given to them, or one by a lead who did not open it:
nobody answers what they asked themselves. Waiting never approves: the case changes its owner and nothing else. Nobody
gets a case twice in this way, so it ends; handing it about stops nothing. Looked at in every tick, cheaply: what was
worked out for a case holds until the case changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from api.published import playbook_of
from api.rooms import Rooms
from api.scope import Row, first_owner
from casework import cases, tables
from casework.absence import in_for
from casework.errors import refuse
from casework.people import MANAGER, OWNER
from casework.requests import THE_SYSTEM, AssignOwner
from casework.routing import asked_next, people_here, span_ms
from ledger.clock import instant_of, unix_ms_of
from ledger.codec import loads
from ledger.errors import LedgerError, Refused, StoreError
from ledger.store.tables import entry
from playbooks.errors import PlaybookError
from playbooks.playbook import Playbook

WAITING = (cases.ASSIGNED, cases.AWAITING_DECISION)
GIVEN = ("owner_assigned", "escalated")
log = structlog.get_logger("api.climbing")
LOOKED_AT_MAX = 2_000
"""Open cases looked at in one tick, the latest first; where there are more, the next tick goes on from there."""
KNOWN_MAX = 50_000
LEADS = (OWNER, MANAGER)


@dataclass(frozen=True, slots=True)
class _Next:
    """Who is asked next, from when on; never somebody who had the case already."""

    at: str
    member: str


class Climbing:
    """What this process knows about who is asked next. Forgetting it costs a few reads and nothing else."""

    def __init__(self) -> None:
        self._due: dict[tuple[str, str], tuple[int, str | None]] = {}
        self._playbooks: dict[str, Playbook] = {}
        self._below: dict[str, int | None] = {}

    async def climb(self, rooms: Rooms) -> int:
        """Pass on what nobody answered in time; return how many cases that were."""
        where = {"state": list(WAITING)}
        below = self._below.get(rooms.log)
        open_cases = await rooms.rows.find(
            tables.case_file, where, order="opened_seq", below=below, limit=LOOKED_AT_MAX
        )
        more = len(open_cases) == LOOKED_AT_MAX
        self._below[rooms.log] = int(open_cases[-1]["opened_seq"]) if more else None
        if not more and below is None:
            self._forget(rooms.log, {str(row["case"]) for row in open_cases})
        elif len(self._due) > KNOWN_MAX:
            self._due.clear()
        now, passed = rooms.clock.now(), 0
        for row in open_cases:
            known = self._due.get((rooms.log, row["case"]))
            if known is None or known[0] != row["changed_seq"]:
                following = await self._safely(rooms, row)
                known = (row["changed_seq"], None if following is None else following.at)
                self._due[rooms.log, row["case"]] = known
            if known[1] is not None and known[1] <= now:
                passed += await self._pass_on(rooms, row)
        return passed

    async def _safely(self, rooms: Rooms, row: Row) -> _Next | None:
        """As `_next`; a case that cannot be read keeps nobody else's from going on."""
        try:
            return await self._next(rooms, row)
        except StoreError:
            raise
        except (LedgerError, PlaybookError) as error:
            log.error("case_not_passed_on", case=row["case"], error_type=type(error).__name__)
            return None

    def _forget(self, log: str, still: set[str]) -> None:
        for key in [key for key in self._due if key[0] == log and key[1] not in still]:
            del self._due[key]

    async def _next(self, rooms: Rooms, row: Row) -> _Next | None:
        given, had = await _given(rooms, row)
        if given is None:
            return None
        if row["playbook"] is None:
            at, members = await _after_report(rooms, row), [await first_owner(rooms.rows)]
        else:
            here = await people_here(rooms.intake.records)
            asked = asked_next(await self._playbook(rooms, row), here, str(row["owner"]))
            at = None if asked is None else instant_of(unix_ms_of(given["at"]) + span_ms(asked[0]))
            members = [] if asked is None else asked[1]
        for member in members:
            now_in = await in_for(rooms.intake.records, member, rooms.clock.now())
            if at is not None and now_in not in had and now_in != row["owner"]:
                return _Next(at, now_in)
        return None

    async def _pass_on(self, rooms: Rooms, row: Row) -> int:
        """Give the case to whoever is asked next, as things are now; what came between is seen in the next tick."""
        self._due.pop((rooms.log, row["case"]), None)
        following = await self._safely(rooms, row)
        if following is None or following.at > rooms.clock.now():
            return 0
        request = AssignOwner(row["case"], following.member, "ack_expired")
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


async def _after_report(rooms: Rooms, row: Row) -> str | None:
    """Return when a report that cannot wait goes to the organisation's owner; a lead who told of it and has it
    themselves knows of it."""
    facts = None if row["facts_item"] is None else await rooms.rows.open(row["facts_item"])
    if not facts or not facts.get("due") or row["owner"] == row["opened_by"]:
        return None
    return str(facts["due"])


async def _given(rooms: Rooms, row: Row) -> tuple[Row | None, set[str]]:
    """Return the entry by which the case came to its owner (None: it was answered since, in another request), and
    everybody to whom a route or a time gave it."""
    found = await rooms.rows.find(entry, {"case_id": row["case"]}, order="seq")  # the latest first
    steps = [(one, loads(one["canon"])) for one in found]
    had = {
        str(told["body"].get("owner") or told["body"].get("to"))
        for one, told in steps
        if one["kind"] in GIVEN and told["body"]["reason_code"] not in cases.HAND_REASONS
    }
    given = next((one for one, _ in steps if one["kind"] in GIVEN), None)
    if given is None:
        return None, had
    since = [told for one, told in steps if one["seq"] > given["seq"] and one["cmd"] != given["cmd"]]
    answered = any(_is_answer(told["actor"], row) for told in since)
    return (None if answered else given), had


def _is_answer(actor: Mapping[str, str], row: Row) -> bool:
    return actor["id"] == row["owner"] or (actor["role"] in LEADS and actor["id"] != row["opened_by"])
