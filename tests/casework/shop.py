"""The smallest shop that can do everything: an owner, a waiter, an outside accountant, and a booking system.

Real parts throughout: writer, store, vault, verifier, desk. `Shop` only shortens what tests say: who asks, a fresh
idempotency key per step, a clock that moves by hand.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import create_async_engine

from api.scope import Scoped
from casework import views
from casework.collectors import system_record
from casework.credentials import Credentials
from casework.desk import Desk
from casework.intake import Done, Intake
from casework.office import Office
from casework.requests import (
    THE_SYSTEM,
    Acknowledge,
    AnswerDispute,
    AnswerLink,
    ApproveBudget,
    AttachEvidence,
    AwardStep,
    Decide,
    Dispute,
    Grant,
    GrantAuthority,
    IssueLink,
    JoinMember,
    Judge,
    OpenCase,
    OpenLog,
    Principal,
    Propose,
    PublishPolicy,
    RecordOutcome,
    RegisterAgent,
    RegisterSource,
    ReviewEvidence,
    SetBudget,
    TakeAction,
)
from ledger import book
from ledger.blobs import FolderBlobs
from ledger.clock import HandClock, instant_of, unix_ms_of
from ledger.entries import SYSTEM
from ledger.entropy import SeededEntropy
from ledger.reader import LogReader
from ledger.store import open_store
from ledger.store.tables import metadata
from ledger.vault import Vault
from ledger.writer import Writer
from tests.guests import guest
from verifiers.policy import policy_digest

LOG = "harbour-house-7f3.invalid"
START = "2026-11-20T10:00:00.000Z"
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
GUEST = guest("guest-1")
PROJECTIONS = (book.project, views.project)

POLICY: dict[str, Any] = {
    "v": 1,
    "id": "service_issue",
    "version": 1,
    "verifier": "service_issue",
    "verifier_version": 1,
    "award_kind": "service_issue",
    "terms": {"tokens": 20, "window_days": 14, "tokens_limit": 15, "k_min": 2, "k_min_above": 3},
    "parameters": {
        "evidence_sets": [
            {"grades": {"system_record": "E3", "customer_confirmation": "E3"}, "k_evidence_min": 2}
        ],
        "record_state": {"complaint": {"status": ["closed", "resolved"]}},
        "record_changed_after": "approval",
        "path_seconds_min": 120,
        "split_hours": 72,
        "clock_skew_seconds_max": 300,
        "share_weights": {"took_action": 3, "owned": 2, "proposed": 1},
    },
}


CREDENTIAL_SEED = bytes(range(32))


@dataclass
class Shop:
    """One log with its people. `owner`, `waiter`, `accountant`, `lead` and `agent` are principals."""

    desk: Desk
    office: Office
    intake: Intake
    rows: Scoped
    clock: HandClock
    store: Any
    people: dict[str, Principal] = field(default_factory=dict)
    budget: str = ""
    count: int = 0

    @property
    def credentials(self) -> Credentials:
        """Return the door that makes credentials, with a key of its own."""
        return Credentials(
            self.intake, CREDENTIAL_SEED, lambda number: f"https://quay.example/status/{number}"
        )

    def key(self) -> str:
        """Return a fresh idempotency key."""
        self.count += 1
        return f"key-{self.count}"

    def now(self) -> str:
        """Return the time."""
        return instant_of(self.clock.read().unix_ms)

    def wait(self, *, minutes: int = 0, days: int = 0, seconds: int = 0) -> str:
        """Let time pass and return it."""
        self.clock.advance(minutes * MINUTE_MS + days * DAY_MS + seconds * 1000)
        return self.now()

    async def join(self, name: str, *roles: str, same_as: str | None = None) -> Principal:
        """Let a person join, under the name tests use."""
        first = None if same_as is None else self.people[same_as].id
        done = await self.office.join_member(self.people["owner"], self.key(), JoinMember(name, roles, first))
        self.people[name] = Principal(done.ids["member"], roles[0], "web", "key")
        return self.people[name]

    async def may(self, name: str, about: str, **limits: Any) -> str:
        """Grant an authority and return its id."""
        request = GrantAuthority(self.people[name].id, about, **limits)
        return (await self.office.grant_authority(self.people["owner"], self.key(), request)).ids["authority"]

    # ------------------------------------------------------------------------------------------ steps of the story
    async def open(self, origin: str = "signal", **more: Any) -> str:
        """Open a complaint's case owned by the waiter; return its id."""
        who = (
            THE_SYSTEM
            if origin in ("signal", "schedule")
            else self.people.get("reporter", self.people["owner"])
        )
        number = more.pop("number", str(self.count))
        request = OpenCase(
            origin=origin,
            owner=more.pop("owner", self.people["waiter"].id),
            fingerprint=("complaint-to-escalate", number),
            onset=self.now(),
            detected_at=self.now(),
            award_kind=more.pop("award_kind", "service_issue"),
            policy="service_issue/v1",
            subject={"kind": "complaint", "id": number, "customer": GUEST},
            concerns=(GUEST,),
            **more,
        )
        return (await self.desk.open_case(who, self.key(), request)).ids["case"]

    async def propose(self, case: str, who: str = "waiter", **more: Any) -> str:
        """Make a proposal; return its id."""
        request = Propose(case, "apologise_and_refund", "Refund the soup", **more)
        return (await self.desk.propose(self.people[who], self.key(), request)).ids["proposal"]

    async def decide(self, case: str, about: str, who: str, **more: Any) -> Done:
        """Be shown the matter and decide it at once; approved unless `verb` says otherwise."""
        person = self.people[who]
        shown = await self.desk.show(person, case, about)
        return await self.desk.decide(
            person, self.key(), Decide(shown.token, more.pop("verb", "approved"), **more)
        )

    async def act(self, case: str, proposal: str, who: str = "waiter") -> Done:
        """Take the action."""
        return await self.desk.take_action(self.people[who], self.key(), TakeAction(case, proposal))

    async def record(self, case: str, who: str = "waiter", received_from: str = SYSTEM, **facts: Any) -> str:
        """Attach the complaint's record as it is now, as sent by that member; return the evidence id."""
        row = await self.rows.get("case_file", (case,))
        assert row is not None
        subject = await self.rows.open(row["subject_item"])
        record = {
            "kind": "complaint", "id": subject["id"], "version": 3, "event_time": self.now(), "first_event_at": START,
            "customer": GUEST, "source": "pms", "fields": {"status": "closed"}, **facts,
        }  # fmt: skip
        source = await self.rows.get("source", ("pms",))
        assert source is not None
        request = system_record.collect(self.people[who], case, record, source, self.now(), received_from)
        return await self.attach(request, who)

    async def attach(self, request: AttachEvidence, who: str = "waiter") -> str:
        """Attach one item; return its id."""
        return (await self.desk.attach_evidence(self.people[who], self.key(), request)).ids["evidence"]

    async def confirm(self, case: str, who: str = "waiter", answer: str = "resolved", **more: Any) -> str:
        """Issue a link and let the guest answer it a minute later; return the evidence id."""
        request = IssueLink(case, GUEST, instant_of(self.clock.read().unix_ms + DAY_MS), **more)
        link = await self.desk.issue_link(self.people[who], self.key(), request)
        self.wait(minutes=1)
        answered = AnswerLink(link.secrets["token"], answer)
        return (await self.desk.answer_link(self.key(), link.ids["link"], answered)).ids["evidence"]

    async def review(
        self, case: str, evidence: str, who: str = "owner", result: str = "accepted", **more: Any
    ) -> Done:
        """Review one item."""
        request = ReviewEvidence(case, evidence, result, **more)
        return await self.desk.review_evidence(self.people[who], self.key(), request)

    async def judge(self, case: str, beneficiaries: tuple[str, ...] | None = None) -> dict[str, Any]:
        """Judge and return the verdict's row."""
        done = await self.desk.judge(self.people["owner"], self.key(), Judge(case, beneficiaries))
        row = await self.rows.get("verdict", (case, done.ids["verdict"]))
        assert row is not None
        return dict(row)

    async def approve(self, case: str, who: str = "accountant", amount: int = 10, **more: Any) -> Done:
        """Approve the award for the waiter."""
        return await self.decide(
            case, "award", who, beneficiaries=more.pop("beneficiaries", (self.people["waiter"].id,)),
            amount_tokens=amount, budget=more.pop("budget", self.budget), **more,
        )  # fmt: skip

    async def ask(
        self, case: str, about: str, reason: str, who: str = "accountant", note: str | None = None
    ) -> str:
        """Ask whoever is recognised first; return the dispute's id."""
        request = Dispute(case, about, reason, note)
        return (await self.desk.dispute(self.people[who], self.key(), request)).ids["dispute"]

    async def answer(self, case: str, dispute: str, who: str = "waiter", reply: str = "I was there.") -> Done:
        """Reply to a dispute, for oneself."""
        person = self.people[who]
        request = AnswerDispute(case, dispute, person.id, reply)
        return await self.desk.answer_dispute(person, self.key(), request)

    async def ask_first(
        self, case: str, about: str, reason: str, who: str = "accountant", *answers: str
    ) -> str:
        """Ask about an end, of a case or of its award, and let everybody answer (the waiter, unless named); return the
        dispute's id."""
        row = await self.rows.get("award", (case,))
        case = case if row is None else str(row["case"])
        dispute = await self.ask(case, about, reason, who)
        for one in answers or ("waiter",):
            await self.answer(case, dispute, one)
        return dispute

    async def grant(self, case: str, decision: str) -> str:
        """Let the system grant what was approved; return the award's id."""
        done = await self.desk.grant(THE_SYSTEM, f"grant:{decision}", Grant(case, decision))
        return done.ids["award"]

    async def until(self, step: str, **more: Any) -> str:
        """Play the story up to and including a step: opened, proposed, approved, acted, outcome, reviewed, passed."""
        case = await self.open(**more)
        if step == "opened":
            return case
        self.wait(minutes=5)
        waiter = self.people["waiter"]
        await self.desk.acknowledge(
            waiter, self.key(), Acknowledge(case, instant_of(self.clock.read().unix_ms + DAY_MS))
        )
        proposal = await self.propose(case)
        if step == "proposed":
            return case
        await self.decide(case, "action", "owner")
        if step == "approved":
            return case
        self.wait(minutes=5)
        await self.act(case, proposal)
        if step == "acted":
            return case
        self.wait(minutes=5)
        evidence = [await self.record(case), await self.confirm(case)]
        await self.desk.record_outcome(waiter, self.key(), RecordOutcome(case, "fixed", "none"))
        if step == "outcome":
            return case
        for item in evidence:
            await self.review(case, item)
        if step == "reviewed":
            return case
        verdict = await self.judge(case)
        assert verdict["result"] == "pass", (verdict, await self.rows.open(verdict["output_item"]))
        assert step == "passed"
        return case

    async def awarded(self, amount: int = 10, **more: Any) -> tuple[str, str]:
        """Play the story up to a provisional award; return case and award."""
        case = await self.until("passed", **more)
        done = await self.approve(case, amount=amount)
        self.wait(seconds=10)
        return case, await self.grant(case, done.ids["decision"])

    # ------------------------------------------------------------------------------------------ looking
    async def state(self, case: str) -> str:
        """Return the case's state."""
        row = await self.rows.get("case_file", (case,))
        assert row is not None
        return str(row["state"])

    async def balance(self, account: str) -> int:
        """Return an account's balance in tokens."""
        row = await self.rows.get("account", (account,))
        return 0 if row is None else int(row["balance_tokens"])

    async def jobs(self) -> list[str]:
        """Return the names of the jobs that wait."""
        return [row["job"] for row in await self.rows.scan("job", ())]

    async def kinds(self, case: str | None = None) -> list[str]:
        """Return the kinds of all entries (of one case) in log order."""
        size, _ = await self.rows.head()
        return [
            entry.kind for entry in await self.rows.entries(0, size) if case is None or entry.case == case
        ]

    def step(self, award: str, reason: str | None = None) -> AwardStep:
        """Return the request of an award's step."""
        return AwardStep(award, reason)


@dataclass(frozen=True)
class Furnished:
    """A closed shop's SQLite file and what its next opening must know: tests copy it instead of furnishing anew."""

    file: Path
    organisation: bytes
    secret: bytes
    entropy: SeededEntropy
    people: dict[str, Principal]
    budget: str
    count: int


async def furnish_once(folder: Path) -> Furnished:
    """Furnish a shop in `folder` and close it."""
    file = folder / "furnished.db"
    async with shop(f"sqlite+aiosqlite:///{file}", folder) as opened:
        organisation, secret = _keys(SeededEntropy("shop"))
        entropy = opened.intake.entropy
        assert isinstance(entropy, SeededEntropy)
        people, budget, count = dict(opened.people), opened.budget, opened.count
    return Furnished(file, organisation, secret, entropy, people, budget, count)


def _keys(entropy: SeededEntropy) -> tuple[bytes, bytes]:
    return entropy.token(32), entropy.token(32)


@asynccontextmanager
async def reopened(template: Furnished, folder: Path) -> AsyncIterator[Shop]:
    """Open a copy of a furnished shop."""
    file = folder / "shop.db"
    shutil.copyfile(template.file, file)
    store = open_store(f"sqlite+aiosqlite:///{file}")
    clock = HandClock(unix_ms_of(START))
    entropy = copy.deepcopy(template.entropy)
    try:
        async with Writer(store, PROJECTIONS, clock) as writer:
            opened = _opened(writer, store, clock, entropy, folder, (template.organisation, template.secret))
            opened.people, opened.budget, opened.count = (
                dict(template.people),
                template.budget,
                template.count,
            )
            yield opened
    finally:
        await store.close()


def _opened(
    writer: Writer,
    store: Any,
    clock: HandClock,
    entropy: SeededEntropy,
    folder: Path,
    keys: tuple[bytes, bytes],
) -> Shop:
    vault = Vault(LOG, keys[0], entropy, FolderBlobs(folder / "blobs"))
    rows = Scoped(store.reader, LOG, vault, LogReader(store.reader, LOG))
    intake = Intake(LOG, writer, rows, vault, entropy, lambda: clock.read().unix_ms, keys[1])
    return Shop(Desk(intake), Office(intake), intake, rows, clock, store)


@asynccontextmanager
async def shop(
    url: str, folder: Path, *, undo_seconds: int = 10, projections: Any = PROJECTIONS
) -> AsyncIterator[Shop]:
    """Open a shop in an empty database: three people and an agent, authorities, a source, a policy, a budget of 100."""
    store = open_store(url)
    engine = create_async_engine(store.url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    clock = HandClock(unix_ms_of(START))
    entropy = SeededEntropy("shop")
    keys = _keys(entropy)
    try:
        async with Writer(store, projections, clock) as writer:
            opened = _opened(writer, store, clock, entropy, folder, keys)
            await _furnish(opened, undo_seconds)
            yield opened
    finally:
        await store.close()


async def _furnish(shop: Shop, undo_seconds: int) -> None:
    office = shop.office
    log = OpenLog("none", True, "Olga", {"undo_seconds": undo_seconds})
    owner = Principal((await office.open_log("open", log)).ids["member"], "owner", "web", "key")
    shop.people["owner"] = owner
    await shop.join("waiter", "staff")
    await shop.join("accountant", "outsider")
    agent = await office.register_agent(
        owner, shop.key(), RegisterAgent("watcher", {"may_propose": ["*"], "may_read": ["*"]}, owner.id)
    )
    shop.people["agent"] = Principal(agent.ids["member"], "agent", "web", "key")
    await shop.may("owner", "action")
    await shop.may("accountant", "award", second_person=True, tokens_max=50)
    source = RegisterSource("pms", ("complaint",), {"party": "source:pms"})
    await office.register_source(owner, shop.key(), source)
    digest = policy_digest(POLICY)
    policy = PublishPolicy("service_issue/v1", "service_issue", 1, digest, json.loads(json.dumps(POLICY)))
    await office.publish_policy(owner, shop.key(), policy)
    budget = await office.set_budget(owner, shop.key(), SetBudget(100, "thank-yous"))
    shop.budget = budget.ids["budget"]
    await office.approve_budget(shop.people["accountant"], shop.key(), ApproveBudget(shop.budget, 100))
