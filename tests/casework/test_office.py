"""The office: owners administer, agents never do, a budget takes two people, one account goes without tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from casework import presets
from casework.desk import Desk
from casework.errors import REFUSALS, PresetInvalid, refuse
from casework.office_rules import SETTINGS
from casework.requests import (
    ApproveBudget,
    ChangeSettings,
    GrantAuthority,
    IssueApiKey,
    JoinMember,
    MemberStep,
    OpenLog,
    Principal,
    PublishKinds,
    PublishPlaybook,
    PublishPolicy,
    RegisterAgent,
    RegisterSource,
    SetBudget,
)
from ledger.errors import Refused
from tests.casework.shop import POLICY, Shop
from verifiers.policy import policy_digest

Act = Callable[[Shop, Principal], Awaitable[object]]
ADMINISTRATION: list[Act] = [
    lambda here, who: here.office.join_member(who, here.key(), JoinMember("Eve", ("staff",))),
    lambda here, who: here.office.grant_role(
        who, here.key(), MemberStep(here.people["waiter"].id, "manager")
    ),
    lambda here, who: here.office.end_role(who, here.key(), MemberStep(here.people["waiter"].id, "staff")),
    lambda here, who: here.office.register_agent(
        who, here.key(), RegisterAgent("x", {}, here.people["owner"].id)
    ),
    lambda here, who: here.office.grant_authority(
        who, here.key(), GrantAuthority(here.people["waiter"].id, "award")
    ),
    lambda here, who: here.office.issue_api_key(
        who, here.key(), IssueApiKey(here.people["waiter"].id, "cd" * 32)
    ),
    lambda here, who: here.office.set_budget(who, here.key(), SetBudget(10)),
    lambda here, who: here.office.change_settings(who, here.key(), ChangeSettings({"undo_seconds": 0})),
    lambda here, who: here.office.register_source(who, here.key(), RegisterSource("crm", ("lead",), {})),
]


@pytest.mark.parametrize("act", ADMINISTRATION)
async def test_only_owners_administer(here: Shop, act: Act) -> None:
    for name, code in (
        ("waiter", "role_missing"),
        ("accountant", "role_missing"),
        ("agent", "agent_may_not"),
    ):
        with pytest.raises(Refused, match=code):
            await act(here, here.people[name])
    await act(here, here.people["owner"])


JOINING = [
    (JoinMember("Eve", ()), "value_invalid"),
    (JoinMember("Eve", ("agent",)), "value_invalid"),
    (JoinMember("Eve", ("emperor",)), "value_invalid"),
    (JoinMember("Eve", ("staff",), "nobody"), "unknown"),
]


@pytest.mark.parametrize(("request_", "code"), JOINING)
async def test_join_refuses(here: Shop, request_: JoinMember, code: str) -> None:
    with pytest.raises(Refused, match=code):
        await here.office.join_member(here.people["owner"], here.key(), request_)


async def test_second_accounts_name_the_first_one(here: Shop) -> None:
    await here.join("double", "staff", same_as="waiter")
    with pytest.raises(Refused, match="value_invalid"):
        await here.join("triple", "staff", same_as="double")


async def test_the_last_owner_stays(here: Shop) -> None:
    owner = here.people["owner"]
    with pytest.raises(Refused, match="second_person_needed"):
        await here.office.member_left(owner, here.key(), MemberStep(owner.id, reason_code="left"))
    with pytest.raises(Refused, match="second_person_needed"):
        await here.office.end_role(owner, here.key(), MemberStep(owner.id, "owner"))
    await here.office.grant_role(owner, here.key(), MemberStep(here.people["waiter"].id, "owner"))
    await here.office.end_role(owner, here.key(), MemberStep(owner.id, "owner"))


async def test_agents_hold_no_authority_and_no_persons_role(here: Shop) -> None:
    owner, agent = here.people["owner"], here.people["agent"].id
    with pytest.raises(Refused, match="agent_may_not"):
        await here.office.grant_authority(owner, here.key(), GrantAuthority(agent, "action"))
    with pytest.raises(Refused, match="value_invalid"):
        await here.office.grant_role(owner, here.key(), MemberStep(agent, "manager"))


@pytest.mark.parametrize(
    "changes",
    [
        {"about": "everything"},
        {"assurance_min": "shouted"},
        {"tokens_max": 5},  # about action
        {"about": "award", "amount_max": {"amount_minor": 1, "currency": "EUR"}},
        {"until": "2020-01-01T00:00:00.000Z"},
        {"amount_max": {"amount_minor": -1, "currency": "EUR"}},
        {"about": "award", "tokens_max": -1},
    ],
)
async def test_grant_authority_refuses(here: Shop, changes: dict[str, object]) -> None:
    request = GrantAuthority(**({"member": here.people["waiter"].id, "about": "action"} | changes))  # type: ignore[arg-type]
    with pytest.raises(Refused, match="value_invalid"):
        await here.office.grant_authority(here.people["owner"], here.key(), request)


async def test_a_key_ends_in_the_future(here: Shop) -> None:
    request = IssueApiKey(here.people["waiter"].id, "0" * 64, here.now())
    with pytest.raises(Refused, match="until: expected after"):
        await here.office.issue_api_key(here.people["owner"], here.key(), request)


@pytest.mark.parametrize("fresh_within", ["xx", "", "1", "0.5h", "-2h", "999999d"])
async def test_a_source_is_fresh_within_a_span(here: Shop, fresh_within: str) -> None:
    request = RegisterSource("till", ("sale",), {}, fresh_within)
    with pytest.raises(Refused, match="fresh_within: expected a span"):
        await here.office.register_source(here.people["owner"], here.key(), request)


# ------------------------------------------------------------------------------------------ budgets
async def test_a_budget_takes_two_people(here: Shop) -> None:
    owner = here.people["owner"]
    budget = (await here.office.set_budget(owner, here.key(), SetBudget(50, "spring"))).ids["budget"]
    await here.join("double", "owner", same_as="owner")
    refusals = [
        ("owner", 50, "second_person_needed"),
        ("double", 50, "second_person_needed"),
        ("waiter", 50, "no_authority"),
        ("agent", 50, "agent_may_not"),
        ("accountant", 5000, "stale"),
    ]
    for who, amount, code in refusals:
        with pytest.raises(Refused, match=code):
            await here.office.approve_budget(here.people[who], here.key(), ApproveBudget(budget, amount))
    assert await here.balance(f"budget/{budget}") == 0
    await here.office.approve_budget(here.people["accountant"], here.key(), ApproveBudget(budget, 50))
    assert (await here.balance(f"budget/{budget}"), await here.balance("issuer")) == (50, -150)
    with pytest.raises(Refused, match="award_state"):
        await here.office.approve_budget(here.people["accountant"], here.key(), ApproveBudget(budget, 50))


async def test_with_one_account_tokens_stay_off_and_the_rest_works(here: Shop) -> None:
    owner = here.people["owner"]
    for name in ("waiter", "accountant"):
        await here.office.member_left(owner, here.key(), MemberStep(here.people[name].id, reason_code="left"))
    with pytest.raises(Refused, match="one_account: expected a second person; everything but tokens works"):
        await here.office.set_budget(owner, here.key(), SetBudget(50))
    await here.join("double", "owner", same_as="owner")  # a second account is no second person
    with pytest.raises(Refused, match="one_account"):
        await here.office.set_budget(owner, here.key(), SetBudget(50))
    case = await here.open(owner=owner.id)
    proposal = await here.propose(case, "owner")
    with pytest.raises(Refused, match="decider_is_maker"):
        await here.decide(case, "action", "owner")
    assert proposal


# ------------------------------------------------------------------------------------------ publishing and settings
@pytest.mark.parametrize(
    "settings",
    [
        {"undo_seconds": -1},
        {"undo_seconds": 3601},
        {"undo_seconds": True},
        {"undo": 5},
        {"currency": ""},
        {"zone": 5},
    ],
)
async def test_settings_refuse(here: Shop, settings: dict[str, object]) -> None:
    with pytest.raises(Refused, match="value_invalid"):
        await here.office.change_settings(here.people["owner"], here.key(), ChangeSettings(settings))


async def test_a_published_policy_version_never_changes(here: Shop) -> None:
    owner = here.people["owner"]
    softer = {**POLICY, "terms": {**POLICY["terms"], "tokens": 1000}}
    request = PublishPolicy("service_issue/v1", "service_issue", 1, policy_digest(softer), softer)
    with pytest.raises(Refused, match="value_invalid"):
        await here.office.publish_policy(owner, here.key(), request)
    next_ = {**softer, "version": 2}
    request = PublishPolicy("service_issue/v2", "service_issue", 1, policy_digest(next_), next_)
    await here.office.publish_policy(owner, here.key(), request)
    for wrong in (
        PublishPolicy("service_issue/v3", "service_issue", 1, policy_digest(next_), next_),
        PublishPolicy("service_issue/v2", "service_issue", 1, "00" * 32, next_),
        PublishPolicy("service_issue/v2", "service_issue", 1, policy_digest(next_), {"v": 1}),
    ):
        with pytest.raises(Refused, match="value_invalid"):
            await here.office.publish_policy(owner, here.key(), wrong)


async def test_a_playbook_needs_its_kinds_and_policy(here: Shop) -> None:
    owner = here.people["owner"]
    request = PublishPlaybook("p", "bb" * 32, "aa" * 32, "live", None, {})
    with pytest.raises(Refused, match="unknown: kinds"):
        await here.office.publish_playbook(owner, here.key(), request)
    await here.office.publish_kinds(owner, here.key(), PublishKinds("aa" * 32, {}))
    award = {"award": {"kind": "completed_training", "amount_tokens": 5}}
    for policy, content, code in (
        ("service_issue/v9", {}, "unknown: policy"),
        ("service_issue/v1", award, "award_kind: expected service_issue"),
    ):
        request = PublishPlaybook("p", "bb" * 32, "aa" * 32, "live", policy, content)
        with pytest.raises(Refused, match=code):
            await here.office.publish_playbook(owner, here.key(), request)


async def test_a_log_is_opened_once(here: Shop) -> None:
    with pytest.raises(Refused, match="log_exists"):
        await here.office.open_log("again", OpenLog("none", True, "Olga"))
    assert isinstance(here.desk, Desk)


# ------------------------------------------------------------------------------------------ codes and presets
def test_presets_hold_the_settled_figures_and_are_settings() -> None:
    found = presets.load()
    assert found.settings == {
        "undo_seconds": 10, "issue_window_days": 14, "interruptions_per_day_max": 6, "draw_permille": 50,
        "reply_days": 7, "decide_days": 3,
    }  # fmt: skip
    assert (found.recognition["k_min_above"], found.recognition["tokens_limit"]) == (3, 100)
    assert (found.limits["shift_lead_amount_minor"], found.limits["manager_amount_minor"]) == (5000, 25000)
    assert found.settings.keys() <= SETTINGS.keys()


@pytest.mark.parametrize("text", ["", "a: [", "settings: {}", "settings: 3\nrecognition: {}\nlimits: {}"])
def test_presets_refuse(tmp_path: Path, text: str) -> None:
    path = tmp_path / "presets.yaml"
    path.write_text(text)
    with pytest.raises(PresetInvalid):
        presets.load(path)


def test_a_refusal_has_a_known_code() -> None:
    assert all(sentence for sentence in REFUSALS.values())
    with pytest.raises(KeyError):
        refuse("made_up", "")
