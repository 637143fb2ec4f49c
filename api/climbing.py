"""A case that nobody answers goes one step up: the next rung of its playbook's route, after the time that rung set; a
report to the organisation's owner, when the time that its urgency leaves is over.

An answer is a step that whoever owns the case wrote since it was given to them, or one by a lead who did not open it:
nobody answers what they asked themselves, and nobody who took the case from whoever was asked. Saying that it is in
hand until a time is such a step. Waiting never approves: the case changes its owner and nothing else. Nobody gets a
case twice in this way, so it ends; handing it about in a circle gives nobody more time, and handing it down lets it
come up again. Looked at in every tick, cheaply: what was worked out for a case holds until the case changes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import structlog

from api.published import playbook_of
from api.rooms import Rooms
from api.scope import Row, first_owner
from casework import cases, tables
from casework.absence import in_for
from casework.errors import refuse
from casework.people import MANAGER, OWNER, roles
from casework.requests import THE_SYSTEM, AssignOwner
from casework.routing import asked_next, people_here, span_ms
from ledger.clock import instant_of, unix_ms_of
from ledger.codec import loads
from ledger.errors import LedgerError, Refused, StoreError
from ledger.store.tables import entry
from playbooks.errors import PlaybookError
from playbooks.playbook import Playbook

WAITING = (cases.ASSIGNED, cases.AWAITING_DECISION, cases.ACKNOWLEDGED)
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


Here = Callable[[], Awaitable[list[Row]]]
"""The people who have come, read once in a tick and only where they are asked for."""


def _once(rooms: Rooms) -> Here:
    found: list[list[Row]] = []

    async def here() -> list[Row]:
        if not found:
            found.append(await people_here(rooms.intake.records))
        return found[0]

    return here


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
        elif sum(key[0] == rooms.log for key in self._due) > KNOWN_MAX:
            self._forget(rooms.log, set())
        now, passed, here = rooms.clock.now(), 0, _once(rooms)
        for row in open_cases:
            known = self._due.get((rooms.log, row["case"]))
            if known is None or known[0] != row["changed_seq"]:
                following = await self._safely(rooms, row, here)
                known = (row["changed_seq"], None if following is None else following.at)
                self._due[rooms.log, row["case"]] = known
            if known[1] is not None and known[1] <= now:
                passed += await self._pass_on(rooms, row, here)
        return passed

    async def _safely(self, rooms: Rooms, row: Row, here: Here) -> _Next | None:
        """As `_next`; a case that cannot be read keeps nobody else's from going on."""
        try:
            return await self._next(rooms, row, here)
        except StoreError:
            raise
        except (LedgerError, PlaybookError) as error:
            log.error("case_not_passed_on", case=row["case"], error_type=type(error).__name__)
            return None

    def _forget(self, log: str, still: set[str]) -> None:
        for key in [key for key in self._due if key[0] == log and key[1] not in still]:
            del self._due[key]

    async def _next(self, rooms: Rooms, row: Row, here: Here) -> _Next | None:
        waiting = await _waiting(rooms, row, await here())
        if waiting.start is None or waiting.answered:
            return None
        if row["playbook"] is None:
            at = await _after_report(rooms, row, waiting.start)
            members = [await first_owner(rooms.rows)]
        else:
            asked = asked_next(await self._playbook(rooms, row), await here(), str(row["owner"]))
            at = None if asked is None else instant_of(unix_ms_of(waiting.start["at"]) + span_ms(asked[0]))
            members = [] if asked is None else asked[1]
        for member in members:
            now_in = await in_for(rooms.intake.records, member, rooms.clock.now())
            if at is not None and now_in not in waiting.had and now_in != row["owner"]:
                return _Next(at, now_in)
        return None

    async def _pass_on(self, rooms: Rooms, row: Row, here: Here) -> int:
        """Give the case to whoever is asked next, as things are now; what came between is seen in the next tick."""
        self._due.pop((rooms.log, row["case"]), None)
        following = await self._safely(rooms, row, here)
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


async def _after_report(rooms: Rooms, row: Row, start: Row) -> str | None:
    """Return when a report that cannot wait goes to the organisation's owner; a lead who told of it and has it
    themselves knows of it, other people may have been given what they told of."""
    facts = None if row["facts_item"] is None else await rooms.rows.open(row["facts_item"])
    if not facts or not facts.get("due"):
        return None
    if row["owner"] == row["opened_by"]:
        reporter = await rooms.rows.need("member", tables.member, member=row["opened_by"])
        if not set(LEADS).isdisjoint(roles(reporter)):
            return None
    # whoever is given it later has the time that the report left when it was told
    span = unix_ms_of(str(facts["due"])) - unix_ms_of(str(row["opened_at"]))
    return max(str(facts["due"]), instant_of(unix_ms_of(str(start["at"])) + span))


@dataclass(slots=True)
class _Waiting:
    """How long nobody has answered: since `start`, None where no entry says so. `had`: whom a route or a time gave it
    since a person last handed it to somebody or it came back. `asked`: whoever owns it was asked by somebody who may
    ask, and did not take it from whoever was."""

    start: Row | None = None
    answered: bool = False
    by_lead: bool = False
    asked: bool = True
    seen: set[str] = field(default_factory=set)
    had: set[str] = field(default_factory=set)
    owner: str = ""


async def _waiting(rooms: Rooms, row: Row, here: Sequence[Row]) -> _Waiting:
    """Return since when the case waits for an answer of whoever owns it.

    Somebody's time begins once, however they got it: handed in a circle it is as late as it was. After an answer it
    begins anew, and where a lead hands it to somebody.
    """
    found = await rooms.rows.find(entry, {"case_id": row["case"]}, order="seq")  # the latest first
    leads = {str(one["member"]) for one in here if not set(LEADS).isdisjoint(roles(one))}
    now = _Waiting()
    for one in reversed(found):
        told = loads(one["canon"])
        if one["kind"] == "case_reopened":
            now = _Waiting(owner=now.owner)
        elif one["kind"] in GIVEN:
            _given(now, one, told, row, leads)
        elif now.start is not None and one["cmd"] != now.start["cmd"]:
            now.answered = now.answered or _is_answer(told["actor"], now, row)
    return now


def _given(now: _Waiting, one: Row, told: Mapping[str, Any], row: Row, leads: Set[str]) -> None:
    by_hand, actor = told["body"]["reason_code"] in cases.HAND_REASONS, told["actor"]
    lead_acts = actor["role"] in LEADS
    if by_hand and now.owner and not lead_acts:
        # whoever was asked hands it on, and of a watch's route one of the staff may take it from another
        from_equal = row["playbook"] is not None and now.owner not in leads
        now.asked = now.asked and (actor["id"] == now.owner or from_equal)
    else:
        now.asked = True
    now.owner = str(told["body"].get("owner") or told["body"].get("to"))
    now.asked = now.asked or now.owner in leads
    by_lead = lead_acts and actor["id"] not in (row["opened_by"], now.owner)
    anew = now.asked and now.owner not in now.seen
    if now.start is None or now.answered or anew or (by_hand and by_lead):
        now.start, now.answered = one, False
    now.by_lead = by_lead
    if now.asked:
        now.seen.add(now.owner)
    now.had = set() if by_hand else now.had | {now.owner}


def _is_answer(actor: Mapping[str, str], now: _Waiting, row: Row) -> bool:
    """Say whether whoever was asked wrote this, or a lead; nobody answers what they asked themselves, unless a lead
    gave it to them."""
    if actor["id"] == row["opened_by"]:
        return actor["id"] == now.owner and (now.by_lead or actor["role"] in LEADS)
    return (actor["id"] == now.owner and now.asked) or actor["role"] in LEADS
