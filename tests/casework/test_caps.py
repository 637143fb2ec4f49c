"""Caps without cliffs: beyond what one person can get in a time, recognition goes on and has no tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from casework.audit import audit
from casework.requests import THE_SYSTEM, AwardStep, PublishPolicy
from ledger.store.tables import shapes
from tests.casework import routine
from tests.casework.histories import read
from tests.casework.shop import PROJECTIONS, Shop, shop
from verifiers.errors import PolicyInvalid
from verifiers.policy import policy_digest, read_policy
from verifiers.registry import load_policy


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path) as opened:
        await routine.furnish(opened)
        await capped(opened, 3, 2)
        yield opened


def content(tokens: int, days: int, version: int) -> dict[str, Any]:
    """Return the shipped policy of checks with another cap, and awards of up to 2 tokens."""
    made = routine.shipped("operational_check")
    made["version"] = version
    made["terms"] |= {"cap_tokens": tokens, "cap_days": days, "tokens": 2}
    made["parameters"]["same_readings_max"] = 0
    return made


async def capped(here: Shop, tokens: int, days: int, version: int = 2) -> None:
    """Publish a policy with another cap, and a plan under it."""
    made = content(tokens, days, version)
    name = f"operational_check/v{version}"
    request = PublishPolicy(name, made["verifier"], made["verifier_version"], policy_digest(made), made)
    await here.office.publish_policy(here.people["owner"], here.key(), request)
    await routine.publish_plan(here, routine.fridge(policy=name))


async def got(here: Shop, who: str = "waiter", policy: str = "operational_check/v2", amount: int = 2) -> int:
    """Do one check, have it recognised with `amount` tokens and return what was granted."""
    _, award = await routine.awarded(here, routine.fridge(policy=policy), who=who, amount=amount)
    row = await here.rows.get("award", (award,))
    assert row is not None and row["state"] == "provisional"
    return int(row["amount_tokens"])


async def test_beyond_the_cap_recognition_has_no_tokens(here: Shop) -> None:
    assert [await got(here) for _ in range(4)] == [2, 1, 0, 0]
    here.wait(days=2)
    assert await got(here) == 2  # what is older than the cap's days counts no more


async def test_each_has_their_own_cap(here: Shop) -> None:
    await here.join("cook", "staff")
    assert [await got(here), await got(here, "cook"), await got(here), await got(here, "cook")] == [
        2,
        2,
        1,
        1,
    ]


async def test_a_second_account_has_no_cap_of_its_own(here: Shop) -> None:
    await here.join("double", "staff", same_as="waiter")
    assert [await got(here), await got(here, "double"), await got(here, "double")] == [2, 1, 0]


async def test_what_was_declined_counts_no_more(here: Shop) -> None:
    _, first = await routine.awarded(here, routine.fridge(policy="operational_check/v2"), amount=2)
    assert await got(here) == 1
    await here.ask_first(first, "decline", "not_reached")
    await here.desk.decline_award(here.people["accountant"], here.key(), AwardStep(first, "not_reached"))
    assert await got(here) == 2


async def test_tokens_beyond_the_cap_stay_in_the_budget(here: Shop) -> None:
    before = await here.rows.get("account", (f"budget/{here.budget}",))
    assert [await got(here) for _ in range(3)] == [2, 1, 0]
    after = await here.rows.get("account", (f"budget/{here.budget}",))
    assert before is not None and after is not None
    assert before["balance_tokens"] - after["balance_tokens"] == 3
    assert await here.rows.scan("promise", ()) == []


async def test_an_award_without_tokens_settles_and_can_be_taken_along(here: Shop) -> None:
    for _ in range(2):
        await got(here)
    _, award = await routine.awarded(here, routine.fridge(policy="operational_check/v2"), amount=2)
    here.wait(days=3)
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    await here.credentials.issue(THE_SYSTEM, here.key(), AwardStep(award))
    (credential,) = await here.rows.scan("credential", (award,))
    assert credential["member"] == here.people["waiter"].id


async def test_the_audit_counts_again(here: Shop) -> None:
    for _ in range(3):
        await got(here)
    history = await read(here)
    found = audit(history.entries, shapes(), PROJECTIONS, history.open)
    assert found.findings == []
    for number, (data, entry) in enumerate(history.entries):
        if entry.kind == "award_granted" and entry.body["amount_tokens"] == 1:
            shares = [{**share, "amount": 2} for share in entry.body["shares"]]
            changed = replace(entry, body={**entry.body, "amount_tokens": 2, "shares": shares})
            history.entries[number] = (data, changed)
    found = audit(history.entries, shapes(), PROJECTIONS, history.open)
    assert "amount_tokens" in found.findings[0].what and "shares" in found.findings[0].what


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cap_tokens": -1, "cap_days": 7}, "cap_tokens: expected an integer from 0"),
        ({"cap_tokens": 5, "cap_days": 0}, "cap_days: expected an integer from 1 to 366"),
        ({"cap_tokens": 5}, "missing ['cap_days']"),
    ],
)
def test_a_cap_is_refused(changed: dict[str, Any], said: str) -> None:
    made = routine.shipped("service_issue")
    made["terms"] |= changed
    with pytest.raises(PolicyInvalid) as refused:
        load_policy(made)
    assert said in str(refused.value)


def test_a_policy_without_a_cap_has_the_digest_it_always_had() -> None:
    first = routine.shipped("service_issue") | {"version": 1, "verifier_version": 1}
    for newer in ("done_by_field", "customer_known_by", "customer_known_days"):
        del first["parameters"][newer]
    first["parameters"]["evidence_sets"][0]["k_evidence_min"] = 2
    assert read_policy(first).terms.cap_tokens is None
    assert policy_digest(first) == SERVICE_ISSUE_V1


SERVICE_ISSUE_V1 = "fade4d1363acdab4e3169badc1cd100d07df2a7aa21e1bb6ac0ea7878fe76214"
