"""A case that nobody answers goes one step up: the next rung of its playbook's route, after the time that rung set; a
report to the organisation's owner, when the time that its urgency leaves is over.

An answer is a step that whoever owns the case wrote since it was given to them, or one by a lead who did not open it:
nobody answers what they asked themselves, and nobody who took the case from whoever was asked. Saying that it is in
hand until a time is such a step. Waiting never approves: the case changes its owner and nothing else. Nobody gets a
case twice in this way, so it ends; handing it about in a circle gives nobody more time, and handing it down lets it
come up again. Looked at in every tick, cheaply: what was worked out for a case holds until the case changes, and that
there is nobody to ask for a while: people come back, and roles change.
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
NOBODY_SECONDS = 300
"""How long it holds that nobody can be asked."""
LEADS = (OWNER, MANAGER)


@dataclass(frozen=True, slots=True)
class _Next:
    """Who is asked next, from when on; never somebody who had the case already. None: nobody can be now."""

    at: str
    member: str | None


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
                if following is not None and following.member is None:
                    known = (row["changed_seq"], max(following.at, cases.later(now, seconds=NOBODY_SECONDS)))
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
            members = [] if at is None else [await over_report(rooms, row, await here())]
            if at is not None and await _is_known(rooms, row):
                return _Next(at, None)
        else:
            asked = asked_next(await self._playbook(rooms, row), await here(), str(row["owner"]))
            at = None if asked is None else instant_of(unix_ms_of(waiting.start["at"]) + span_ms(asked[0]))
            members = [] if asked is None else asked[1]
            members = [await in_for(rooms.intake.records, one, rooms.clock.now()) for one in members]
        if at is None:
            return None
        free = (one for one in members if one not in waiting.had and one != row["owner"])
        return _Next(at, next(free, None))

    async def _pass_on(self, rooms: Rooms, row: Row, here: Here) -> int:
        """Give the case to whoever is asked next, as things are now; what came between is seen in the next tick."""
        self._due.pop((rooms.log, row["case"]), None)
        following = await self._safely(rooms, row, here)
        if following is None or following.member is None or following.at > rooms.clock.now():
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
    """Return when a report that cannot wait goes to an owner of the organisation; None: it can wait."""
    facts = None if row["facts_item"] is None else await rooms.rows.open(row["facts_item"])
    if not facts or not facts.get("due"):
        return None
    # whoever is given it later has the time that the report left when it was told
    span = unix_ms_of(str(facts["due"])) - unix_ms_of(str(row["opened_at"]))
    return max(str(facts["due"]), instant_of(unix_ms_of(str(start["at"])) + span))


async def _is_known(rooms: Rooms, row: Row) -> bool:
    """Say whether a lead told of it and has it themselves; other people may have been given what they told of."""
    if row["owner"] != row["opened_by"]:
        return False
    reporter = await rooms.rows.need("member", tables.member, member=row["opened_by"])
    return not set(LEADS).isdisjoint(roles(reporter))


async def over_report(rooms: Rooms, row: Row, here: Sequence[Row]) -> str:
    """Return who is asked over a report: the first owner, or who stands in for them, but never one of the staff who
    told of it themselves, be it as a stand-in; then another owner is asked, and at last one who is away."""
    persons, leads = _persons(here), _leads(here)
    told_by = str(row["opened_by"])
    owners = [str(one["member"]) for one in here if OWNER in roles(one)] or [await first_owner(rooms.rows)]
    for owner in owners:
        now_in = await in_for(rooms.intake.records, owner, rooms.clock.now())
        if told_by in leads or persons.get(now_in, now_in) != persons.get(told_by, told_by):
            return now_in
    return owners[0]


def _leads(here: Sequence[Row]) -> set[str]:
    return {str(one["member"]) for one in here if not set(LEADS).isdisjoint(roles(one))}


def _persons(here: Sequence[Row]) -> dict[str, str]:
    """Return member -> the first account of the same person."""
    return {str(one["member"]): str(one["same_as"] or one["member"]) for one in here}


@dataclass(slots=True)
class _Waiting:
    """How long nobody has answered: since `start`, None where no entry says so. `had`: whom a route or a time gave it
    since a person last handed it to somebody or it came back. `asked`: who was asked by somebody who may ask, or by one
    of those; whoever took it from them is not. `by_lead`: whom a lead gave it to."""

    start: Row | None = None
    answered: bool = False
    by_lead: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    seen: set[str] = field(default_factory=set)
    had: set[str] = field(default_factory=set)
    owner: str = ""


async def _waiting(rooms: Rooms, row: Row, here: Sequence[Row]) -> _Waiting:
    """Return since when the case waits for an answer of whoever owns it.

    Somebody's time begins once, however they got it: handed in a circle it is as late as it was. After an answer it
    begins anew where whoever may ask hands it on, and where a lead hands it to somebody or takes it.
    """
    found = await rooms.rows.find(entry, {"case_id": row["case"]}, order="seq")  # the latest first
    known = _Known(_leads(here), _persons(here), str(row["opened_by"]), row["playbook"] is not None)
    now = _Waiting()
    for one in reversed(found):
        told = loads(one["canon"])
        if one["kind"] == "case_reopened":
            now = _Waiting(owner=now.owner, asked=now.asked, by_lead=now.by_lead)
        elif one["kind"] in GIVEN:
            _given(now, one, told, known)
        elif now.start is not None and one["cmd"] != now.start["cmd"]:
            now.answered = now.answered or _is_answer(told["actor"], now, known)
    return now


@dataclass(frozen=True, slots=True)
class _Known:
    """Who leads, who is whose second account, who told of the case, and whether a watch's route asks."""

    leads: Set[str]
    persons: Mapping[str, str]
    told_by: str
    by_route: bool

    def told_it(self, member: str) -> bool:
        """Say whether this member, by whatever account, told of the case."""
        return self.persons.get(member, member) == self.persons.get(self.told_by, self.told_by)


def _given(now: _Waiting, one: Row, told: Mapping[str, Any], known: _Known) -> None:
    reason, actor = told["body"]["reason_code"], told["actor"]
    by_hand, lead_acts = reason in cases.HAND_REASONS, actor["role"] in LEADS
    owner = str(told["body"].get("owner") or told["body"].get("to"))
    if by_hand and owner == now.owner:
        return  # given to whoever has it: nothing changed
    by_lead = by_hand and lead_acts and not known.told_it(actor["id"])
    if by_hand and now.owner and not lead_acts:
        # whoever was asked hands it on, and of a watch's route one of the staff may take it from another
        of_equal = known.by_route and now.owner not in known.leads
        if now.owner in now.asked and (actor["id"] == now.owner or of_equal):
            now.asked |= {owner}
    elif reason != "reopened":  # it comes back as it was
        now.asked, now.by_lead = frozenset((owner,)), frozenset((owner,) if by_lead else ())
    anew = (now.answered or owner not in now.seen) and (owner in now.asked or owner in known.leads)
    if now.start is None or anew or by_lead:
        now.start, now.answered = one, False
    now.owner = owner
    if owner in now.asked or owner in known.leads:
        now.seen.add(owner)
    now.had = set() if by_hand else now.had | {owner}


def _is_answer(actor: Mapping[str, str], now: _Waiting, known: _Known) -> bool:
    """Say whether whoever was asked wrote this, or a lead; nobody answers what they asked themselves, unless a lead
    gave it to them."""
    is_owner, leads = actor["id"] == now.owner, actor["role"] in LEADS
    if known.told_it(actor["id"]):
        return is_owner and (actor["id"] in now.by_lead or leads)
    return (is_owner and actor["id"] in now.asked) or leads
