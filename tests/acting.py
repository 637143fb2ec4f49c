"""What people may try in a world, as data: the natural next step of a case, and everything they should not do.

An act is resolved against the rows as they are, so one list of acts is one schedule on any database.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from casework.collectors import system_record
from casework.intake import Done
from casework.requests import (
    THE_SYSTEM,
    Acknowledge,
    AddNote,
    AnswerDispute,
    AnswerLink,
    AssignOwner,
    AwardStep,
    CaseStep,
    CloseDispute,
    Decide,
    Dispute,
    EndAuthority,
    EscalateAward,
    Grant,
    GrantAuthority,
    IssueLink,
    JoinMember,
    Judge,
    OpenCase,
    Principal,
    Propose,
    RecordOutcome,
    ReviewEvidence,
    SetBudget,
    TakeAction,
    WithdrawDecision,
    WithdrawEvidence,
)
from ledger.changes import Row
from ledger.clock import instant_of
from ledger.entries import SYSTEM
from tests.guests import guest
from tests.world import START, World

SLOTS = 3
PEOPLE = ("owner", "waiter", "cook", "lead", "accountant", "double", "agent")
DAY_MS = 86_400_000


Method = Callable[..., Coroutine[Any, Any, Done]]


@dataclass(frozen=True)
class Prepared:
    """A request and who makes it (None: the holder of a link). `call` takes the idempotency key; again is a retry."""

    who: Principal | None
    call: Callable[[str], Coroutine[Any, Any, Done]]


@dataclass(frozen=True)
class Act:
    """`verb` in the case of a slot by somebody; `amount` is what the verb makes of it."""

    verb: str
    slot: int = 0
    who: str = "owner"
    amount: int = 10


@dataclass
class Desktop:
    """What is on the tables of one world: the case of each slot, open pages, links."""

    world: World
    cases: dict[int, str] = field(default_factory=dict)
    tokens: dict[tuple[int, str], str] = field(default_factory=dict)
    links: dict[int, tuple[str, str]] = field(default_factory=dict)
    count: int = 0

    # ------------------------------------------------------------------------------------------ the natural way
    async def next_act(self, slot: int, amount: int) -> Act:
        """Return what a diligent organisation would do next in this case."""
        row = await self._row(slot)
        if row is None or row["state"] in ("CLOSED", "CLEARED", "EXPIRED"):
            return Act("open", slot, "system")
        match row["state"]:
            case "ASSIGNED":
                return Act("acknowledge", slot, self._name(row["owner"]))
            case "ACKNOWLEDGED":
                return Act("propose", slot, "waiter")
            case "AWAITING_DECISION":
                return Act("decide_action", slot, "owner")
            case "IN_ACTION" if row["action_seq"] is None:
                return Act("take_action", slot, "waiter")
            case "IN_ACTION" | "AWAITING_REVIEW":
                return await self._show_and_judge(slot, row)
            case "RESOLVED":
                return await self._recognise(slot, row, amount)
        return Act("reassign", slot, "owner")

    async def _show_and_judge(self, slot: int, row: Row) -> Act:
        items = [
            item for item in await self.world.rows.scan("evidence", (row["case"],)) if not item["withdrawn"]
        ]
        there = {item["type"] for item in items}
        if "system_record" not in there:
            return Act("record", slot, "waiter")
        if "customer_confirmation" not in there:
            return Act("answer" if slot in self.links else "link", slot, "waiter")
        if row["outcome_seq"] is None or row["outcome_seq"] < row["action_seq"]:
            return Act("outcome", slot, "waiter")
        if any(item["review"] is None for item in items):
            return Act("review", slot, "lead")
        return Act("judge", slot, "system")

    async def _recognise(self, slot: int, row: Row, amount: int) -> Act:
        decisions = await self.world.rows.scan("decision", (row["case"],))
        if row["award"] is None:
            waits = [
                one
                for one in decisions
                if (one["about"], one["verb"], one["withdrawn"], one["effect_seq"])
                == ("award", "approved", 0, None)
            ]
            return Act("grant", slot, "system") if waits else Act("approve", slot, "accountant", amount)
        award = await self._award(row)
        if award is None or award["state"] != "provisional":
            return Act("close", slot, "owner")
        if row["dispute"] is not None:
            return Act("drop", slot, "accountant")
        return Act("release", slot, "owner") if award["held_by"] else Act("settle", slot, "system")

    # ------------------------------------------------------------------------------------------ one act
    async def prepare(self, act: Act) -> Prepared | None:
        """Return the call an act stands for; None when there is nothing it could be about. Pages are shown here."""
        row = await self._row(act.slot)
        if row is None and act.verb not in _WITHOUT_CASE:
            return None
        return await getattr(self, f"_{act.verb}")(act, row)  # type: ignore[no-any-return]

    def done(self, act: Act, done: Done) -> None:
        """Note what later acts build on."""
        if act.verb == "open":
            self.cases[act.slot] = done.ids["case"]
            self.links.pop(act.slot, None)
        elif act.verb == "link" and done.secrets:
            self.links[act.slot] = (done.ids["link"], done.secrets["token"])
        elif act.verb == "answer":
            self.links.pop(act.slot, None)

    def _who(self, act: Act) -> Principal:
        return THE_SYSTEM if act.who == "system" else self.world.people[act.who]

    def _name(self, member: str) -> str:
        return next((name for name, who in self.world.people.items() if who.id == member), "owner")

    async def _row(self, slot: int) -> Row | None:
        case = self.cases.get(slot)
        return None if case is None else await self.world.rows.get("case_file", (case,))

    async def _award(self, row: Row) -> Row | None:
        if row["award"] is not None:
            return await self.world.rows.get("award", (row["award"],))
        return None

    def _later(self, ms: int) -> str:
        return instant_of(self.world.unix_ms() + ms)

    def _now(self) -> str:
        return self._later(0)

    def _plain(self, act: Act, method: Method, request: Any) -> Prepared:
        who = self._who(act)
        # Looked up again at each call: after a crash there is another desk, over another pool of connections.
        world, name = self.world, method.__name__
        place = "desk" if hasattr(world.desk, name) else "office"
        return Prepared(who, lambda key: getattr(getattr(world, place), name)(who, key, request))

    async def _open(self, act: Act, row: Row | None) -> Prepared:
        # The same thing may happen twice: then the second case is refused, or disproves the first.
        self.count += 1 if row is None or row["state"] != "RESOLVED" else 0
        subject = f"complaint-{act.slot}-{self.count}"
        request = OpenCase(
            origin="signal" if act.who == "system" else "report", owner=self.world.people["waiter"].id,
            fingerprint=("complaint", subject), onset=self._now(), detected_at=self._now(), award_kind="service_issue",
            policy="service_issue/v1", subject={"kind": "complaint", "id": subject, "customer": guest(str(act.slot))},
            note="Cold soup", concerns=(guest(str(act.slot)),),
        )  # fmt: skip
        return self._plain(act, self.world.desk.open_case, request)

    async def _note(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.add_note, AddNote(row["case"], f"note {act.amount}"))

    async def _reassign(self, act: Act, row: Row) -> Prepared:
        owner = self.world.people[PEOPLE[act.amount % len(PEOPLE)]].id
        return self._plain(act, self.world.desk.assign_owner, AssignOwner(row["case"], owner, "handed_over"))

    async def _acknowledge(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.acknowledge, Acknowledge(row["case"], self._later(DAY_MS)))

    async def _propose(self, act: Act, row: Row) -> Prepared:
        value = {"amount_minor": 100 * act.amount, "currency": "EUR"} if act.amount % 2 else None
        request = Propose(row["case"], "refund", f"Refund {act.amount}", value)
        return self._plain(act, self.world.desk.propose, request)

    async def _decide_action(self, act: Act, row: Row) -> Prepared:
        token = await self._page(act, row, "action")
        verb = "declined" if act.amount == 17 else "approved"
        reason = "too_costly" if verb == "declined" else None
        return self._plain(act, self.world.desk.decide, Decide(token, verb, reason_code=reason))

    async def _approve(self, act: Act, row: Row) -> Prepared:
        token = await self._page(act, row, "award")
        request = Decide(
            token,
            "approved",
            (self.world.people["waiter"].id,),
            act.amount,
            self.world.budget,
            message="Thank you",
        )
        return self._plain(act, self.world.desk.decide, request)

    async def _decline(self, act: Act, row: Row) -> Prepared:
        token = await self._page(act, row, "award")
        return self._plain(
            act, self.world.desk.decide, Decide(token, "declined", reason_code="evidence_weak")
        )

    async def _page(self, act: Act, row: Row, about: str) -> str:
        """Return the token of a page shown now, or (every fifth time) of one that lies open since earlier."""
        kept = self.tokens.get((act.slot, about))
        if kept is not None and act.amount % 5 == 4:
            return kept
        shown = await self.world.desk.show(self._who(act), row["case"], about)
        self.tokens[act.slot, about] = shown.token
        return shown.token

    async def _take_action(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.take_action, TakeAction(row["case"], str(row["proposal"])))

    async def _record(self, act: Act, row: Row) -> Prepared:
        subject = await self.world.rows.open(row["subject_item"])
        source = await self.world.rows.get("source", ("pms",))
        assert source is not None
        record = {
            "kind": "complaint", "id": subject["id"], "version": act.amount, "event_time": self._now(),
            "first_event_at": START, "customer": subject["customer"], "source": "pms", "fields": {"status": "closed"},
        }  # fmt: skip
        request = system_record.collect(self._who(act), row["case"], record, source, self._now(), SYSTEM)
        return self._plain(act, self.world.desk.attach_evidence, request)

    async def _link(self, act: Act, row: Row) -> Prepared:
        request = IssueLink(row["case"], guest(str(act.slot)), self._later(DAY_MS))
        return self._plain(act, self.world.desk.issue_link, request)

    async def _answer(self, act: Act, row: Row) -> Prepared | None:
        if act.slot not in self.links:
            return None
        link, token = self.links[act.slot]
        request = AnswerLink(token, "not_resolved" if act.amount == 13 else "resolved")
        return Prepared(None, lambda key: self.world.desk.answer_link(key, link, request))

    async def _outcome(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.record_outcome, RecordOutcome(row["case"], "fixed", "none"))

    async def _review(self, act: Act, row: Row) -> Prepared | None:
        items = await self.world.rows.scan("evidence", (row["case"],))
        waiting = [item for item in items if item["review"] is None and not item["withdrawn"]] or items
        if not waiting:
            return None
        refused = act.amount % 11 == 5
        request = ReviewEvidence(
            row["case"], waiting[0]["evidence"], "refused" if refused else "accepted",
            "not_convincing" if refused else None,
        )  # fmt: skip
        return self._plain(act, self.world.desk.review_evidence, request)

    async def _take_back(self, act: Act, row: Row) -> Prepared | None:
        items = await self.world.rows.scan("evidence", (row["case"],))
        if not items:
            return None
        request = WithdrawEvidence(row["case"], items[act.amount % len(items)]["evidence"], "mistaken")
        return self._plain(act, self.world.desk.withdraw_evidence, request)

    async def _judge(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.judge, Judge(row["case"]))

    async def _undo(self, act: Act, row: Row) -> Prepared | None:
        decision = await self._decision(row)
        request = WithdrawDecision(row["case"], decision)
        return self._plain(act, self.world.desk.withdraw_decision, request)

    async def _decision(self, row: Row) -> str:
        decisions = await self.world.rows.scan("decision", (row["case"],))
        last = max(decisions, key=lambda one: int(one["seq"]), default=None)
        return "none" if last is None else str(last["decision"])

    async def _grant(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.grant, Grant(row["case"], await self._decision(row)))

    async def _step(self, act: Act, row: Row, method: Method, reason: str | None) -> Prepared | None:
        if row["award"] is None:
            return None
        return self._plain(act, method, AwardStep(row["award"], reason))

    async def _hold(self, act: Act, row: Row) -> Prepared | None:
        return await self._step(act, row, self.world.desk.hold, "under_question")

    async def _release(self, act: Act, row: Row) -> Prepared | None:
        return await self._step(act, row, self.world.desk.release, "answered")

    async def _settle(self, act: Act, row: Row) -> Prepared | None:
        return await self._step(act, row, self.world.desk.settle, None)

    async def _end(self, act: Act, row: Row) -> Prepared | None:
        return await self._step(act, row, self.world.desk.decline_award, "evidence_weak")

    async def _revoke(self, act: Act, row: Row) -> Prepared | None:
        return await self._step(act, row, self.world.desk.revoke, "evidence_false")

    async def _ask_first(self, act: Act, row: Row) -> Prepared:
        about = ("question", "decline", "revoke")[act.amount % 3]
        reason = ("how_earned", "evidence_weak", "evidence_false")[act.amount % 3]
        return self._plain(act, self.world.desk.dispute, Dispute(row["case"], about, reason, "Was it so?"))

    async def _reply(self, act: Act, row: Row) -> Prepared:
        who = self.world.people["waiter"].id if act.amount % 2 else self._who(act).id
        request = AnswerDispute(row["case"], row["dispute"] or "none", who, "It was so")
        return self._plain(act, self.world.desk.answer_dispute, request)

    async def _drop(self, act: Act, row: Row) -> Prepared:
        dispute = await self.world.rows.get("dispute", (row["case"], row["dispute"] or "none"))
        own = dispute is not None and dispute["asked_by"] == self._who(act).id
        reason = "withdrawn" if own else "no_ground"
        request = CloseDispute(row["case"], row["dispute"] or "none", reason)
        return self._plain(act, self.world.desk.close_dispute, request)

    async def _pass_on(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.escalate_award, EscalateAward(row["case"]))

    async def _reopen(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.reopen, CaseStep(row["case"], "customer_disputes"))

    async def _clear(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.clear, CaseStep(row["case"]))

    async def _expire(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.expire, CaseStep(row["case"], "not_answered"))

    async def _close(self, act: Act, row: Row) -> Prepared:
        return self._plain(act, self.world.desk.close, CaseStep(row["case"], "done"))

    async def _set_budget(self, act: Act, row: Row | None) -> Prepared:
        return self._plain(act, self.world.office.set_budget, SetBudget(act.amount))

    async def _join(self, act: Act, row: Row | None) -> Prepared:
        request = JoinMember(f"new {act.amount}", ("staff",), None)
        return self._plain(act, self.world.office.join_member, request)

    async def _empower(self, act: Act, row: Row | None) -> Prepared:
        member = self.world.people[PEOPLE[act.amount % len(PEOPLE)]].id
        request = GrantAuthority(member, "award", tokens_max=act.amount)
        return self._plain(act, self.world.office.grant_authority, request)

    async def _disempower(self, act: Act, row: Row | None) -> Prepared | None:
        lead = self.world.people["lead"].id
        held = [one for one in await self.world.rows.scan("authority", (lead,)) if one["active"]]
        if not held:
            return None
        return self._plain(act, self.world.office.end_authority, EndAuthority(lead, held[-1]["authority"]))


_WITHOUT_CASE = frozenset({"open", "set_budget", "join", "empower", "disempower"})
MEDDLING = (
    "open", "note", "reassign", "propose", "decide_action", "approve", "decline", "take_action", "record", "link",
    "answer", "outcome", "review", "take_back", "judge", "undo", "grant", "hold", "release", "settle", "end", "revoke",
    "ask_first", "reply", "drop", "pass_on", "reopen", "clear", "expire", "close", "set_budget", "join", "empower",
    "disempower",
)  # fmt: skip
"""What anybody may try at any time."""


def another_body(desktop: Desktop, prepared: Prepared, slot: int) -> Prepared | None:
    """Return another request by the same principal, to be sent under a key already used."""
    case = desktop.cases.get(slot)
    if case is None or prepared.who is None:
        return None
    who, method = prepared.who, desktop.world.desk.add_note
    return Prepared(who, lambda key: method(who, key, AddNote(case, "something else")))
