"""A process that is going to be killed: 32 clients each lead one case after the other from trigger to award.

    killed_organisation.py URL FOLDER LOG BUDGET PEOPLE(JSON)

Clients retry what failed under the same key, and go on as the next process where they were: what they remember stands
in FOLDER/memory.json, some of it is asked again all the same, and what nobody told them is answered from the record.
Every answer is written to standard output as `key first_seq leaf replayed ids` before it counts. Checkpoints are signed
all the while.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from casework.collectors import system_record
from casework.intake import Done, RequestKey
from casework.requests import (
    THE_SYSTEM,
    Acknowledge,
    AnswerLink,
    Decide,
    IssueLink,
    Judge,
    OpenCase,
    Principal,
    Propose,
    RecordOutcome,
    ReviewEvidence,
    TakeAction,
)
from ledger.changes import Row
from ledger.clock import SystemClock, instant_of
from ledger.commands import Outcome
from ledger.entries import SYSTEM
from ledger.entropy import SystemEntropy
from ledger.errors import StoreError
from ledger.store.tables import entry
from tests.guests import guest
from tests.world import START, World

CLIENTS = 32
DAY_MS = 86_400_000
PAUSE_SECONDS = 0.05
LAST_STEP = "award"
ASKED_AGAIN_OF_256 = 40


class Client:
    """One client and the case it is at."""

    def __init__(self, world: World, number: int, memory: dict[str, dict[str, str]]) -> None:
        self.world, self.number, self.memory, self.turn = world, number, memory, 0
        while f"{number}-{self.turn}-{LAST_STEP}" in memory:
            self.turn += 1

    def key(self, step: str) -> RequestKey:
        """Return the key of a step of this case: the same in every process."""
        key = f"{self.number}-{self.turn}-{step}"
        return RequestKey.of(key, hashlib.sha256(key.encode()).hexdigest())

    async def done(self, step: str, call: Callable[[RequestKey], Awaitable[Done]]) -> Done:
        """Do one step, again and again under one key while the database is away; tell the parent."""
        key = self.key(step)
        known = self.memory.get(str(key))
        if (
            known is not None
            and hashlib.sha256(f"{os.getpid()}{key}".encode()).digest()[0] >= ASKED_AGAIN_OF_256
        ):
            return Done(Outcome(0, 0, "", True, {}), known, {})
        while True:
            try:
                answer = await call(key)
                leaf = await self._leaf(answer.outcome.first_seq)
                break
            except (StoreError, OSError):
                await asyncio.sleep(PAUSE_SECONDS)
        outcome, ids = answer.outcome, json.dumps(dict(answer.ids))
        told = f"{key} {outcome.first_seq} {leaf} {int(outcome.replayed)} {ids}\n"
        os.write(1, told.encode())  # one write per line, unbuffered
        return answer

    async def _leaf(self, seq: int) -> str:
        query = select(entry.c.leaf).where(entry.c.log == self.world.log, entry.c.seq == seq)
        (row,) = await self.world.store.reader.rows(query)
        return bytes(row["leaf"]).hex()

    async def run(self) -> None:
        """Lead cases for ever."""
        while True:
            await self.award()
            self.turn += 1

    async def award(self) -> None:
        """One award: the steps of the story, by whoever takes them."""
        world, desk = self.world, self.world.desk
        waiter, owner, lead = (world.people[name] for name in ("waiter", "owner", "lead"))
        name = f"{self.number}-{self.turn}"
        now = instant_of(world.unix_ms())
        subject = {"kind": "complaint", "id": name, "customer": guest(name)}
        asked = OpenCase(
            "signal", waiter.id, (name,), now, now, award_kind="service_issue", policy="service_issue/v1",
            subject=subject, concerns=(guest(name),),
        )  # fmt: skip
        case = (await self.done("open", lambda key: desk.open_case(THE_SYSTEM, key, asked))).ids["case"]
        until = instant_of(world.unix_ms() + DAY_MS)
        await self.done("seen", lambda key: desk.acknowledge(waiter, key, Acknowledge(case, until)))
        idea = Propose(case, "refund", "Refund the soup")
        proposal = (await self.done("propose", lambda key: desk.propose(waiter, key, idea))).ids["proposal"]
        await self.decide("yes", owner, case, "action", {})
        await self.done("act", lambda key: desk.take_action(waiter, key, TakeAction(case, proposal)))
        record = await self.record(case, subject)
        answer = await self.answer(case, subject["customer"])
        came = RecordOutcome(case, "fixed", "none")
        await self.done("outcome", lambda key: desk.record_outcome(waiter, key, came))
        for step, item in (("look-1", record), ("look-2", answer)):
            review = ReviewEvidence(case, item, "accepted")
            await self.done(step, partial(_review, world, lead, review))
        await self.done("judge", lambda key: desk.judge(THE_SYSTEM, key, Judge(case)))
        wanted = {"beneficiaries": (waiter.id,), "amount_tokens": 1, "budget": world.budget}
        await self.decide("award", world.people["accountant"], case, "award", wanted)

    async def decide(self, step: str, who: Principal, case: str, about: str, wanted: dict[str, Any]) -> None:
        """Look at the page and say yes; a page that has changed is looked at again, under the same key."""

        async def call(key: RequestKey) -> Done:
            shown = await self.world.desk.show(who, case, about)
            return await self.world.desk.decide(who, key, Decide(shown.token, "approved", **wanted))

        await self.done(step, call)

    async def record(self, case: str, subject: dict[str, str]) -> str:
        """Attach the record."""
        waiter, now = self.world.people["waiter"], instant_of(self.world.unix_ms())
        record = {
            **subject, "version": 1, "event_time": now, "first_event_at": START, "source": "pms",
            "fields": {"status": "closed"},
        }  # fmt: skip

        async def call(key: RequestKey) -> Done:
            source = await self.world.rows.get("source", ("pms",))
            assert source is not None
            item = system_record.collect(waiter, case, record, source, now, SYSTEM)
            return await self.world.desk.attach_evidence(waiter, key, item)

        return (await self.done("record", call)).ids["evidence"]

    async def _evidence(self, case: str) -> list[Row]:
        while True:
            try:
                return await self.world.rows.scan("evidence", (case,))
            except StoreError:
                await asyncio.sleep(PAUSE_SECONDS)

    async def answer(self, case: str, customer: str) -> str:
        """Let the customer answer. A link's token is shown once: after a restart another link is needed."""
        items = await self._evidence(case)
        said = [item["evidence"] for item in items if item["type"] == "customer_confirmation"]
        if said:
            return str(said[0])
        waiter, tries = self.world.people["waiter"], 0
        while True:
            asked = IssueLink(case, customer, instant_of(self.world.unix_ms() + DAY_MS))
            link = await self.done(f"link-{tries}", partial(_issue, self.world, waiter, asked))
            if link.secrets:
                break
            tries += 1
        request, name = AnswerLink(link.secrets["token"], "resolved"), link.ids["link"]
        done = await self.done("answer", lambda key: self.world.desk.answer_link(key, name, request))
        return done.ids["evidence"]


async def _review(world: World, who: Principal, asked: ReviewEvidence, key: RequestKey) -> Done:
    return await world.desk.review_evidence(who, key, asked)


async def _issue(world: World, who: Principal, asked: IssueLink, key: RequestKey) -> Done:
    return await world.desk.issue_link(who, key, asked)


async def main(url: str, folder: str, log: str, budget: str, people: str) -> None:
    """Run until killed."""
    world = World(log, url, Path(folder), SystemClock(), SystemEntropy())
    world.budget = budget
    world.people = {name: Principal(*who) for name, who in json.loads(people).items()}
    memory = json.loads((world.folder / "memory.json").read_text())
    await world.reopen()
    os.write(1, b"ready\n")
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(Client(world, number, memory).run())
        group.create_task(_publish(world))


async def _publish(world: World) -> None:
    while True:
        try:
            await world.publisher.publish()
        except (StoreError, OSError):
            pass
        await asyncio.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
