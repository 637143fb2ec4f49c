"""Nobody gives a yes back: for one kind, within the days of the policy, nobody recognises whoever recognised them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from casework import reciprocity
from casework.audit import audit
from casework.requests import THE_SYSTEM, EscalateAward, PublishPolicy
from ledger.commands import Need
from ledger.errors import Refused
from ledger.store.tables import shapes
from tests.casework import routine
from tests.casework.histories import read
from tests.casework.shop import PROJECTIONS, Shop, shop
from verifiers.errors import PolicyInvalid
from verifiers.policy import policy_digest, read_policy

DAYS = 3
PLAN = routine.fridge(policy="operational_check/v2")


def content(days: Any = DAYS) -> dict[str, Any]:
    made = routine.shipped("operational_check")
    made["version"] = 2
    made["terms"]["reciprocity_days"] = days
    made["parameters"]["same_readings_max"] = 0
    return made


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Shop]:
    """Give a shop where the cook and the waiter may recognise checks, and each has a second account."""
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path) as opened:
        await routine.furnish(opened)
        made = content()
        request = PublishPolicy(
            "operational_check/v2", made["verifier"], made["verifier_version"], policy_digest(made), made
        )
        await opened.office.publish_policy(opened.people["owner"], opened.key(), request)
        await routine.publish_plan(opened, PLAN)
        await opened.join("cook", "staff")
        await opened.join("double", "staff", same_as="cook")
        for name in ("waiter", "cook", "double"):
            await opened.may(name, "award")
        yield opened


async def done(here: Shop, who: str) -> str:
    """Let somebody do a check that passes; return its case."""
    case, slot = await routine.open_check(here, PLAN)
    await routine.report(here, case, slot, who=who)
    await here.judge(case)
    return case


async def recognised(here: Shop, who: str, by: str) -> str:
    case = await done(here, who)
    given = (here.people[who].id,)
    decided = await here.approve(case, by, amount=1, beneficiaries=given)
    here.wait(seconds=10)
    return await here.grant(case, decided.ids["decision"])


async def refused(here: Shop, who: str, by: str) -> None:
    case = await done(here, who)
    with pytest.raises(Refused, match="reciprocal"):
        await here.approve(case, by, amount=1, beneficiaries=(here.people[who].id,))


async def test_a_yes_is_not_given_back(here: Shop) -> None:
    await recognised(here, "waiter", "cook")
    await refused(here, "cook", "waiter")
    await refused(here, "double", "waiter")  # by a second account neither
    await recognised(here, "cook", "accountant")  # anybody else may
    await recognised(here, "waiter", "cook")  # and the same way round again


async def test_by_a_second_account_neither(here: Shop) -> None:
    await recognised(here, "waiter", "double")
    await refused(here, "cook", "waiter")


async def test_after_the_days_it_is(here: Shop) -> None:
    await recognised(here, "waiter", "cook")
    here.wait(days=DAYS)
    await recognised(here, "cook", "waiter")


async def test_both_at_once_is_seen_at_the_grant(here: Shop) -> None:
    first, second = await done(here, "waiter"), await done(here, "cook")
    one = await here.approve(first, "cook", amount=1, beneficiaries=(here.people["waiter"].id,))
    two = await here.approve(second, "waiter", amount=1, beneficiaries=(here.people["cook"].id,))
    here.wait(seconds=10)
    await here.grant(first, one.ids["decision"])
    with pytest.raises(Refused, match="reciprocal"):
        await here.grant(second, two.ids["decision"])


@pytest.mark.parametrize(("by", "asked"), [("accountant", "waiter"), ("cook", "accountant")])
async def test_nobody_is_asked_for_a_yes_that_they_would_give_back(here: Shop, by: str, asked: str) -> None:
    """The cook's check waits for three days; meanwhile the waiter, who is asked first, was recognised by the cook, or
    by somebody else."""
    case = await done(here, "cook")
    here.wait(days=2)
    await recognised(here, "waiter", by)
    here.wait(days=1)
    await here.desk.escalate_award(THE_SYSTEM, here.key(), EscalateAward(case))
    row = await here.rows.get("case_file", (case,))
    assert row is not None and row["asked_to"] == here.people[asked].id
    assert await findings(here) == []


async def test_who_is_recognised_meanwhile_is_told_to_look_again(
    here: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the decision needs was read before the grant of another that lies before it."""
    await recognised(here, "cook", "accountant")
    case = await done(here, "waiter")

    async def before(records: Any, kind: str, accounts: Any) -> list[Need]:
        return [Need("recognised", (account,)) for account in accounts]

    given = (here.people["waiter"].id,)
    with monkeypatch.context() as broken:
        broken.setattr(reciprocity, "needs", before)
        with pytest.raises(Refused, match=r"stale: expected what .* was recognised for, got more meanwhile"):
            await here.approve(case, "cook", amount=1, beneficiaries=given)
    await here.approve(case, "cook", amount=1, beneficiaries=given)


async def test_the_audit_asks_the_same(here: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await recognised(here, "waiter", "cook")
    here.wait(days=DAYS)
    await recognised(here, "cook", "waiter")
    assert await findings(here) == []
    with monkeypatch.context() as broken:
        broken.setattr(reciprocity, "check", lambda *_: None)
        await recognised(here, "waiter", "cook")
    (found,) = await findings(here)
    assert "reciprocal" in found or "for this within 3 days" in found


async def findings(here: Shop) -> list[str]:
    history = await read(here)
    return [one.what for one in audit(history.entries, shapes(), PROJECTIONS, history.open).findings]


@pytest.mark.parametrize("days", [0, -1, 367, "3", True, None])
def test_days_out_of_bounds(days: Any) -> None:
    with pytest.raises(PolicyInvalid, match="reciprocity_days"):
        read_policy(content(days))
