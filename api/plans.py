"""Planned work comes by itself: a case for each time of each plan, and a miss where nobody did it.

Looked at in every tick: a plan is worked out once, and so is each of its times. A case opens when its time may begin;
when it should have been done and was not, it goes to a lead, once; when nothing can come any more, not even from a
phone that had no network, it is a miss. Times that passed while no server ran are not opened: nobody could say so.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable

import structlog

from api.rooms import Rooms
from api.scope import Row, first_owner
from casework import cases, tables
from casework.absence import in_for
from casework.intake import Done
from casework.people import MANAGER, roles
from casework.plans import HANDOVER, MINUTES_MAX, PLANS_MAX, Plan, Slot, read_plan, slots
from casework.requests import THE_SYSTEM, AssignOwner, CaseStep, OpenCase
from casework.routing import people_here
from ledger.clock import unix_ms_of
from ledger.codec import loads
from ledger.errors import LedgerError, Refused, StoreError

WAITING = (cases.ASSIGNED, cases.ACKNOWLEDGED, cases.AWAITING_DECISION)
CHUNK_ROWS = 2_000
"""Open planned cases read at once, the latest first."""
OFFLINE_MS = 12 * 3_600_000
"""How long after its time what a phone without a network kept may still come (offline_hours_max of the policy)."""
SEEN_MAX = 20_000
ROLE = "role:"
OPENED_BEFORE = "idempotency_mismatch"
"""What this process did not open was opened by the one before it, at another moment, under the same key."""

log = structlog.get_logger("api.plans")


class Seen:
    """Names that were met, the latest SEEN_MAX of them."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def add(self, name: str) -> None:
        """Keep a name, and forget the eldest where there are too many."""
        self._names[name] = None
        while len(self._names) > SEEN_MAX:
            self._names.popitem(last=False)


class Plans:
    """What this process knows of the plans. Forgetting it costs a few reads: each case is opened under a key of its own
    time, once."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, str], Plan] = {}
        self._opened = Seen()
        self._late = Seen()
        self._closes: OrderedDict[tuple[str, str], int | None] = OrderedDict()

    async def work(self, rooms: Rooms) -> int:
        """Open what may begin and end what was missed; return how many cases that were."""
        rows = await rooms.rows.find(tables.plan, {"active": 1}, limit=PLANS_MAX)
        done = 0
        for row in rows:
            try:
                done += await self._open_due(rooms, row)
            except StoreError:
                raise
            except LedgerError as error:
                log.error(
                    "plan_not_opened",
                    plan=row["plan"],
                    error_type=type(error).__name__,
                    detail=str(error)[:300],
                )
        return done + await self._overdue(rooms)

    async def _open_due(self, rooms: Rooms, row: Row) -> int:
        now = rooms.clock.unix_ms()
        plan = self._plan(row)
        longest = (plan.early_minutes + plan.late_minutes) * 60_000
        since = max(unix_ms_of(row["since"]), now - longest - 1)
        opened = 0
        for slot in slots(plan, since, now):
            known = f"{rooms.log} {plan.id} {slot.due_at}"
            if slot.closes_ms < now or known in self._opened:
                continue
            opened += await _open(rooms, slot)
            self._opened.add(known)
        return opened

    def _plan(self, row: Row) -> Plan:
        known = (str(row["plan"]), str(row["digest"]))
        if known not in self._plans:
            self._plans[known] = read_plan(loads(row["content"]))
        return self._plans[known]

    async def _overdue(self, rooms: Rooms) -> int:
        now, done = rooms.clock.unix_ms(), 0
        for row in await _waiting(rooms):
            closes = await self._closes_ms(rooms, row)
            if closes is None or closes >= now:
                continue
            if closes + OFFLINE_MS < now:
                done += await _missed(rooms, row)
            elif f"{rooms.log} {row['case']}" not in self._late:
                done += await _say_late(rooms, row)
                self._late.add(f"{rooms.log} {row['case']}")
        return done

    async def _closes_ms(self, rooms: Rooms, row: Row) -> int | None:
        known = (rooms.log, str(row["case"]))
        if known not in self._closes:
            self._closes[known] = await _closes_ms(rooms, row)
            while len(self._closes) > SEEN_MAX:
                self._closes.popitem(last=False)
        return self._closes[known]


async def _waiting(rooms: Rooms) -> list[Row]:
    """Return every planned case that waits to be done; the eldest must not be left out, whatever came after it."""
    where = {"origin": "schedule", "state": list(WAITING)}
    found: list[Row] = []
    below: int | None = None
    while True:
        read = await rooms.rows.find(
            tables.case_file, where, order="opened_seq", below=below, limit=CHUNK_ROWS
        )
        found += read
        if len(read) < CHUNK_ROWS:
            return found
        below = int(read[-1]["opened_seq"])


async def _open(rooms: Rooms, slot: Slot) -> int:
    plan = slot.plan
    policy = None if plan.policy is None else await rooms.rows.one(tables.policy, policy=plan.policy)
    kind = None if policy is None else str(loads(policy["content"])["award_kind"])
    now = rooms.clock.now()
    request = OpenCase(
        origin="schedule",
        owner=await _owner(rooms, plan.to),
        fingerprint=("plan", plan.id, slot.due_at),
        onset=now,
        detected_at=now,
        award_kind=kind,
        policy=None if kind is None else plan.policy,
        subject=slot.subject(),
        facts=slot.expected(),
        note=plan.title,
    )
    try:
        done = await rooms.desk.open_case(THE_SYSTEM, f"plan:{plan.id}:{slot.due_at}", request)
    except Refused as refusal:
        if refusal.code not in ("already_open", OPENED_BEFORE):
            raise
        return 0
    return 0 if done.outcome.replayed else 1


async def _owner(rooms: Rooms, to: str) -> str:
    """Return whose it is: the member named, or the first who came in the role; else a lead, at last the owner."""
    here = await people_here(rooms.intake.records)
    wanted = [row for row in here if row["member"] == to]
    if to.startswith(ROLE):
        wanted = [row for row in here if to.removeprefix(ROLE) in roles(row)]
    wanted += [row for row in here if MANAGER in roles(row)]
    owner = str(wanted[0]["member"]) if wanted else await first_owner(rooms.rows)
    return await in_for(rooms.intake.records, owner, rooms.clock.now())


async def _closes_ms(rooms: Rooms, row: Row) -> int | None:
    """Return until when the work may be done; None: what it was opened for is erased, so nobody can say."""
    facts = None if row["facts_item"] is None else await rooms.rows.open(row["facts_item"])
    if not facts or "due_at" not in facts:
        return None
    late_ms = int(facts.get("late_seconds") or 0) * 1000
    if facts.get("work") == HANDOVER:
        late_ms = MINUTES_MAX * 60_000
    return unix_ms_of(str(facts["due_at"])) + late_ms


async def _missed(rooms: Rooms, row: Row) -> int:
    request = CaseStep(row["case"], "until_passed")
    return await _step(rooms.desk.expire(THE_SYSTEM, f"missed:{row['case']}", request))


async def _say_late(rooms: Rooms, row: Row) -> int:
    """Give what is late to a lead; who leads already has it."""
    here = await people_here(rooms.intake.records)
    leads = [str(one["member"]) for one in here if MANAGER in roles(one)] or [await first_owner(rooms.rows)]
    owner = await in_for(rooms.intake.records, leads[0], rooms.clock.now())
    if row["owner"] in (owner, *leads):
        return 0
    request = AssignOwner(row["case"], owner, "ack_expired")
    return await _step(rooms.desk.assign_owner(THE_SYSTEM, f"late:{row['case']}", request))


async def _step(asked: Awaitable[Done]) -> int:
    try:
        done = await asked
    except Refused as refusal:
        if refusal.code not in ("transition", "owner_unknown"):
            raise
        return 0  # it was done, or they left, this very moment
    return 0 if done.outcome.replayed else 1
