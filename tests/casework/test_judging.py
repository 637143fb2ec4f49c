"""Judging: the input is what is on record, and a verdict over something else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from casework import judging
from casework.errors import Unjudgeable
from casework.intake import Done
from casework.requests import (
    THE_SYSTEM,
    AssignOwner,
    CaseStep,
    Judge,
    OpenCase,
    Propose,
    RecordOutcome,
    ReviewEvidence,
    Suggestion,
)
from ledger.canonical import encode
from ledger.changes import Delete
from ledger.commands import Command, Decided
from ledger.entries import Actor
from ledger.errors import Refused
from tests.casework.shop import GUEST, LOG, Shop
from verifiers import registry


async def test_the_input_is_whole_and_rejudges_to_the_same_bytes(here: Shop) -> None:
    case = await here.until("passed")
    row = (await here.rows.scan("verdict", (case,)))[0]
    given = await here.rows.open(row["input_item"])
    output = await here.rows.open(row["output_item"])
    assert registry.rejudge(encode(given, size_max_bytes=2**20), row["verifier"], row["version"]) == encode(
        output
    )
    assert given["as_of"]["size"] > max(item["seq"] for item in given["evidence"])
    assert given["facts"]["subject"]["customer"] == GUEST
    assert json.loads(row["beneficiaries"]) == [here.people["waiter"].id] == given["beneficiaries"]
    assert {here.people["waiter"].id, here.people["owner"].id} == set(given["people"])


async def test_a_proposal_of_the_watch_can_be_judged(here: Shop) -> None:
    case = await here.open(suggestion=Suggestion("call_back", "Call the guest"))
    row = await here.rows.get("case_file", (case,))
    assert row is not None
    await here.decide(case, "action", "owner")
    here.wait(minutes=5)
    await here.act(case, row["proposal"])
    evidence = [await here.record(case), await here.confirm(case)]
    await _fixed(here, case)
    for item in evidence:
        await here.review(case, item)
    verdict = await here.judge(case)
    assert verdict["result"] == "pass", await here.rows.open(verdict["output_item"])


async def _fixed(here: Shop, case: str) -> None:
    await here.desk.record_outcome(here.people["waiter"], here.key(), RecordOutcome(case, "fixed", "none"))


async def _judge_while(here: Shop, case: str, meanwhile: Any) -> Done:
    """Judge, with something happening between the reading and the recording."""

    async def read(*args: Any) -> judging.Basis:
        basis = await unpatched(*args)
        await meanwhile()
        return basis

    unpatched = judging.read
    judging.read = read  # type: ignore[assignment]
    try:
        return await here.desk.judge(here.people["owner"], here.key(), Judge(case))
    finally:
        judging.read = unpatched


async def test_a_verdict_is_stale_when_evidence_a_review_or_the_outcome_moved_on(here: Shop) -> None:
    case = await here.until("outcome")
    items = [row["evidence"] for row in await here.rows.scan("evidence", (case,))]

    async def attach() -> None:
        await here.record(case, version=9)

    async def review() -> None:
        await here.review(case, items[0])

    async def outcome() -> None:
        await _fixed(here, case)

    for meanwhile in (attach, review, outcome):
        with pytest.raises(Refused, match="stale"):
            await _judge_while(here, case, meanwhile)
    assert await here.rows.scan("verdict", (case,)) == []


async def test_a_verdict_is_stale_when_a_related_case_moved_on_or_this_one_goes_to_somebody_else(
    here: Shop,
) -> None:
    """What a judge was told of related cases is what stood when the verdict was recorded: the audit holds it so."""
    before = await here.until("passed", number="before")
    case = await here.until("reviewed")

    async def granted() -> None:
        done = await here.approve(before)
        here.wait(seconds=10)
        await here.grant(before, done.ids["decision"])

    async def held() -> None:
        award = (await here.rows.scan("award", ()))[0]["award"]
        await here.ask_first(before, "decline", "not_reached")
        await here.desk.decline_award(here.people["accountant"], here.key(), here.step(award, "not_reached"))

    async def opened() -> None:
        await here.open(number="after")

    async def handed_over() -> None:
        request = AssignOwner(case, here.people["owner"].id, "handed_over")
        await here.desk.assign_owner(here.people["waiter"], here.key(), request)

    async def again() -> None:
        await here.desk.reopen(THE_SYSTEM, here.key(), CaseStep(case, "signal_again"))

    for meanwhile in (granted, held, opened, handed_over):
        with pytest.raises(Refused, match="stale"):
            await _judge_while(here, case, meanwhile)
    with pytest.raises(Refused, match=r"stale|transition"):
        await _judge_while(here, case, again)
    assert await here.rows.scan("verdict", (case,)) == []


async def test_the_system_judges_only_when_it_says_something_new(here: Shop) -> None:
    case = await here.until("outcome")
    items = [row["evidence"] for row in await here.rows.scan("evidence", (case,))]
    with pytest.raises(Refused, match="expected every item reviewed"):
        await here.desk.judge(THE_SYSTEM, here.key(), Judge(case))
    for item in items:
        await here.review(case, item)
    await here.desk.judge(THE_SYSTEM, here.key(), Judge(case))
    with pytest.raises(Refused, match="something new"):
        await here.desk.judge(THE_SYSTEM, here.key(), Judge(case))
    assert await here.state(case) == "RESOLVED"


@pytest.mark.parametrize("who", ["agent"])
async def test_an_agent_judges_nothing(here: Shop, who: str) -> None:
    case = await here.until("reviewed")
    with pytest.raises(Refused, match="agent_may_not"):
        await here.desk.judge(here.people[who], here.key(), Judge(case))


async def test_no_policy_or_no_outcome_is_no_verdict(here: Shop) -> None:
    case = await here.until("acted")
    with pytest.raises(Refused, match="transition"):
        await here.judge(case)
    request = OpenCase(
        "report", here.people["waiter"].id, ("leak",), here.now(), here.now(), note="Ice machine leaks"
    )
    report = (await here.desk.open_case(here.people["waiter"], here.key(), request)).ids["case"]
    with pytest.raises(Refused, match="no_policy"):
        await here.judge(report)


async def test_one_issue_split_in_two_is_awarded_once(here: Shop) -> None:
    await here.awarded(number="4711")
    owner = here.people["owner"]
    first = (await here.rows.scan("case_file", ()))[0]
    await here.desk.close(owner, here.key(), CaseStep(first["case"], "done"))
    case = await here.open(number="4711")
    proposal = (
        await here.desk.propose(here.people["waiter"], here.key(), Propose(case, "again", "Again"))
    ).ids["proposal"]
    await here.decide(case, "action", "owner")
    here.wait(minutes=5)
    await here.act(case, proposal)
    evidence = [await here.record(case, version=7), await here.confirm(case)]
    await _fixed(here, case)
    for item in evidence:
        await here.review(case, item)
    verdict = await here.judge(case)
    assert verdict["result"] == "fail"
    output = await here.rows.open(verdict["output_item"])
    assert [check["id"] for check in output["checks"] if check["result"] == "fail"] == ["not_split"]


async def test_erased_facts_cannot_be_judged(here: Shop) -> None:
    case = await here.until("reviewed")
    item = (await here.rows.scan("evidence", (case,)))[0]["facts_item"]
    wraps = [(row["item"], row["subject"]) for row in await here.rows.scan("item_wrap", (item,))]

    def erase(view: Any, command: Any, at: str) -> Decided:
        return Decided((), tuple(Delete("item_wrap", wrap) for wrap in wraps))

    actor = Actor("system", "system", "test")
    await here.intake._writer.submit(Command(LOG, actor, "erase", "0" * 64, (), erase, None))
    with pytest.raises(Unjudgeable):
        await here.judge(case)


async def test_a_refused_item_does_not_count(here: Shop) -> None:
    case = await here.until("outcome")
    rows = await here.rows.scan("evidence", (case,))
    owner = here.people["owner"]
    for row, result, reason in zip(rows, ("accepted", "refused"), (None, "not_convincing"), strict=True):
        request = ReviewEvidence(case, row["evidence"], result, reason)
        await here.desk.review_evidence(owner, here.key(), request)
    verdict = await here.judge(case)
    assert verdict["result"] == "insufficient" and json.loads(verdict["missing"])
    assert await here.state(case) == "AWAITING_REVIEW"
