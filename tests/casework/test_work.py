"""Routine work: a plan asks, somebody does it and says so in one command, the verifier judges, another decides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from casework.assessors import EndAssessor
from casework.audit import audit
from casework.requests import THE_SYSTEM, AwardStep, Judge, ReportWork, WithdrawEvidence
from ledger.errors import Refused
from ledger.store.tables import shapes
from tests.casework import routine
from tests.casework.histories import read
from tests.casework.shop import PROJECTIONS, Shop, shop


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path) as opened:
        await routine.furnish(opened)
        yield opened


async def row(here: Shop, case: str) -> dict[str, Any]:
    found = await here.rows.get("case_file", (case,))
    assert found is not None
    return dict(found)


async def test_a_check_from_the_plan_to_the_token(here: Shop) -> None:
    case, slot = await routine.open_check(here)
    await routine.report(here, case, slot)
    after = await row(here, case)
    assert (after["state"], after["action_by"]) == ("AWAITING_REVIEW", here.people["waiter"].id)
    verdict = await here.judge(case)
    assert (verdict["result"], verdict["k_evidence"], verdict["missing"]) == ("pass", 1, "[]")
    done = await here.approve(case, amount=1)
    here.wait(seconds=10)
    award = await here.grant(case, done.ids["decision"])
    here.wait(days=3)
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    balance = await here.rows.get("account", (f"member/{here.people['waiter'].id}/settled",))
    assert balance is not None and balance["balance_tokens"] == 1


async def test_the_system_judges_without_a_look_at_each_item(here: Shop) -> None:
    case, slot = await routine.open_check(here)
    await routine.report(here, case, slot)
    await here.desk.judge(THE_SYSTEM, here.key(), Judge(case))
    assert (await row(here, case))["state"] == "RESOLVED"


REFUSED = [
    ("an agent", {"who": "agent"}, "agent_may_not"),
    ("nothing to report", {"items": (), "text": None, "outcome": False}, "value_invalid"),
    ("an outcome of nothing", {"items": (), "text": None, "outcome": True}, "not_decided"),
    ("a case that is none", {"case": "case-0"}, "unknown"),
]


@pytest.mark.parametrize(("name", "changed", "code"), REFUSED, ids=[name for name, _, _ in REFUSED])
async def test_report_is_refused(here: Shop, name: str, changed: dict[str, Any], code: str) -> None:
    case, slot = await routine.open_check(here)
    changed = dict(changed)
    who = here.people[changed.pop("who", "waiter")]
    request = ReportWork(case, (routine.reading(here, case, slot),), "done", True)
    with pytest.raises(Refused) as refused:
        await here.desk.report_work(who, here.key(), replace(request, **changed))
    assert refused.value.code == code
    assert (await row(here, case))["state"] == "ASSIGNED"


async def test_it_is_reported_once(here: Shop) -> None:
    case, slot = await routine.open_check(here)
    await routine.report(here, case, slot)
    with pytest.raises(Refused, match="nobody reported") as refused:
        await routine.report(here, case, slot, who="owner")
    assert refused.value.code == "already_acted"


@pytest.mark.parametrize("origin", ["signal", "report", "claim"])
async def test_where_a_proposal_is_decided_on_first_nobody_reports_work(here: Shop, origin: str) -> None:
    case = await here.open(origin=origin)
    with pytest.raises(Refused) as refused:
        await here.desk.report_work(here.people["waiter"], here.key(), ReportWork(case, (), "I did it", True))
    assert refused.value.code == "not_decided"


async def test_a_check_that_was_not_there_is_no_award(here: Shop) -> None:
    case, slot = await routine.open_check(here)
    request = ReportWork(case, (routine.reading(here, case, slot),), "done", True)
    await here.desk.report_work(here.people["waiter"], here.key(), request)
    verdict = await here.judge(case)
    assert verdict["result"] == "insufficient"
    with pytest.raises(Refused) as refused:
        await here.approve(case, amount=1)
    assert refused.value.code in ("verdict_not_pass", "transition")
    # what was missing is brought: a tap in time, and it is judged again
    await routine.tap(here, case)
    assert (await here.judge(case))["result"] == "pass"


async def test_who_did_the_check_does_not_decide_on_it(here: Shop) -> None:
    await here.may("owner", "award")
    case, slot = await routine.open_check(here)
    await routine.report(here, case, slot, who="owner")
    await here.judge(case)
    with pytest.raises(Refused) as refused:
        await here.approve(case, "owner", amount=1, beneficiaries=(here.people["owner"].id,))
    assert refused.value.code in ("decider_is_maker", "decider_is_beneficiary")


async def test_the_same_number_day_after_day_waits_for_a_person(here: Shop) -> None:
    results = []
    for _ in range(7):
        case, slot = await routine.open_check(here)
        await routine.report(here, case, slot)
        results.append((await here.judge(case))["result"])
    assert results == ["pass"] * 6 + ["needs_human"]


async def test_the_record_of_checks_is_earned(here: Shop) -> None:
    for value, exception in ((34, None), (35, None), (92, "case-9")):
        await routine.awarded(here, value=value, exception=exception)
    history = await read(here)
    found = audit(history.entries, shapes(), PROJECTIONS, history.open)
    assert (found.findings, found.unreplayable) == ([], [])


async def test_what_somebody_found_is_not_taken_back(here: Shop) -> None:
    """A bad reading that could be withdrawn would be replaced by a good one."""
    case, slot = await routine.open_check(here)
    await routine.report(here, case, slot, value=92)
    for row in await here.rows.scan("evidence", (case,)):
        with pytest.raises(Refused) as refused:
            request = WithdrawEvidence(case, row["evidence"], "mistaken")
            await here.desk.withdraw_evidence(here.people["waiter"], here.key(), request)
        assert refused.value.code == "evidence_closed"
    better = replace(routine.reading(here, case, slot, 34), replaces=row["evidence"])
    with pytest.raises(Refused) as refused:
        await here.desk.attach_evidence(here.people["waiter"], here.key(), better)
    assert refused.value.code == "evidence_closed"
    await here.desk.attach_evidence(here.people["waiter"], here.key(), replace(better, replaces=None))
    assert (await here.judge(case))["result"] == "insufficient"


ASSESSORS: list[tuple[str, str, tuple[str, ...], str | None]] = [
    # what, who says it, the courses they were named for, and the refusal
    ("a manager who is named", "chef", ("first-aid",), None),
    ("an owner who named themselves", "owner", ("first-aid",), None),
    ("a colleague who is named", "cook", ("first-aid",), None),
    ("somebody from outside who is named", "accountant", ("first-aid", "food-safety-2"), None),
    ("a manager", "chef", (), "not_assessor"),
    ("an owner", "owner", (), "not_assessor"),
    ("a colleague", "cook", (), "not_assessor"),
    ("named for another course", "chef", ("food-safety-2",), "not_assessor"),
    ("the learner", "waiter", (), "reviewer_is_beneficiary"),
    ("the learner, who is named", "waiter", ("first-aid",), "reviewer_is_beneficiary"),
    ("the learner by a second account that is named", "double", ("first-aid",), "reviewer_is_beneficiary"),
    ("a digital employee", "agent", (), "agent_may_not"),
]


@pytest.mark.parametrize(("why", "who", "courses", "code"), ASSESSORS, ids=[one[0] for one in ASSESSORS])
async def test_who_may_say_that_somebody_can_do_it(
    here: Shop, why: str, who: str, courses: tuple[str, ...], code: str | None
) -> None:
    await routine.publish_policy(here, "training")
    case = await routine.open_course(here)
    if who == "double":
        await here.join("double", "manager", same_as="waiter")
    if who == "cook":
        await here.join("cook", "staff")
    for course in courses:
        await routine.name(here, who, course)
    if code is None:
        assert await routine.assess(here, case, who)
        history = await read(here)
        assert audit(history.entries, shapes(), PROJECTIONS, history.open).findings == []
        return
    with pytest.raises(Refused) as refused:
        await routine.assess(here, case, who)
    assert refused.value.code == code
    assert not await here.rows.scan("evidence", (case,))


async def test_whoever_is_named_no_more_says_nothing_more(here: Shop) -> None:
    await routine.publish_policy(here, "training")
    case = await routine.open_course(here)
    await routine.name(here, "chef")
    chef, owner = here.people["chef"].id, here.people["owner"]
    await here.office.end_assessor(owner, here.key(), EndAssessor("first-aid", chef))
    with pytest.raises(Refused, match="not_assessor"):
        await routine.assess(here, case, "chef")
    with pytest.raises(Refused, match="unknown: expected an assessor"):
        await here.office.end_assessor(owner, here.key(), EndAssessor("first-aid", chef))
    await routine.name(here, "chef")
    await routine.assess(here, case, "chef")


async def test_a_newer_reason_replaces_the_older(here: Shop) -> None:
    await routine.publish_policy(here, "training")
    await routine.name(here, "chef", ground="experienced")
    await routine.name(here, "chef", ground="certified")
    (row,) = await here.rows.scan("assessor", ())
    assert (row["course"], row["ground"], row["named_by"]) == (
        "first-aid", "certified", here.people["owner"].id,
    )  # fmt: skip


NAMINGS: list[tuple[str, str, dict[str, str], str]] = [
    # what, by whom, what is said of whom, and the refusal
    ("by a manager", "chef", {}, "role_missing"),
    ("by a digital employee", "agent", {}, "agent_may_not|role_missing"),
    (
        "a course nobody published",
        "owner",
        {"course": "flying"},
        "unknown: expected a course of .*, got flying",
    ),
    ("a course of another kind", "owner", {"course": ""}, "unknown"),
    ("a digital employee", "owner", {"who": "agent"}, "unknown: expected an active person"),
    (
        "somebody who checks the record",
        "owner",
        {"who": "auditor"},
        "unknown: expected somebody who takes part",
    ),
    ("without a reason", "owner", {"ground": "friend"}, "reason_unknown"),
]


@pytest.mark.parametrize(("why", "by", "said", "code"), NAMINGS, ids=[one[0] for one in NAMINGS])
async def test_who_names_whom_for_what(
    here: Shop, why: str, by: str, said: dict[str, str], code: str
) -> None:
    await routine.publish_policy(here, "training")
    await here.join("auditor", "auditor")
    size = (await here.rows.head())[0]
    with pytest.raises(Refused, match=code):
        await routine.name(here, by=by, **{"who": "chef", **said})
    assert (await here.rows.head())[0] == size


async def test_nobody_is_named_while_no_course_is_published(here: Shop) -> None:
    with pytest.raises(Refused, match="expected a course of none, got first-aid"):
        await routine.name(here, "chef")


async def test_an_assessment_is_of_whoever_learned(here: Shop) -> None:
    await routine.publish_policy(here, "training")
    case = await routine.open_course(here)
    await routine.name(here, "owner")
    with pytest.raises(Refused) as refused:
        await routine.assess(here, case, "owner", learner="chef")
    assert refused.value.code == "stale"
    check, _ = await routine.open_check(here)
    with pytest.raises(Refused) as refused:
        await routine.assess(here, check, "owner")
    assert refused.value.code == "value_invalid"
