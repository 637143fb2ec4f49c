"""Away: what a stand-in may do, until when, and what whoever is away may not do either."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from casework import absence
from casework.absence import EndAway, GoAway
from casework.requests import THE_SYSTEM, AwardStep, EndAuthority, MemberStep, SetBudget
from ledger.errors import Refused
from tests.casework.shop import START, Shop

NEXT_WEEK = "2026-11-27T10:00:00.000Z"
TOMORROW = "2026-11-21T10:00:00.000Z"
LATER = "2026-12-20T10:00:00.000Z"
EUR_150 = {"amount_minor": 15_000, "currency": "EUR"}
EUR_200 = {"amount_minor": 20_000, "currency": "EUR"}
GBP_1 = {"amount_minor": 100, "currency": "GBP"}


async def away(here: Shop, giver: str, stand_in: str, by: str | None = None, **more: Any) -> str:
    """Let somebody be away until next week; return the delegation's id."""
    request = GoAway(here.people[giver].id, here.people[stand_in].id, more.pop("until", NEXT_WEEK), **more)
    done = await here.office.give_delegation(here.people[by or giver], here.key(), request)
    return done.ids["delegation"]


async def lent(here: Shop, name: str) -> list[dict[str, Any]]:
    """Return the authorities that were lent to somebody."""
    rows = await here.rows.scan("authority", (here.people[name].id,))
    return [dict(row) for row in rows if row["delegation"] is not None]


# ---------------------------------------------------------------------------------------------- deciding
async def test_a_stand_in_decides_under_an_authority_of_its_own_that_names_the_delegation(here: Shop) -> None:
    await here.join("dev", "manager")
    await here.join("jo", "manager")
    own = await here.may("dev", "action", amount_max=EUR_200)
    delegation = await away(here, "dev", "jo", amount_max=EUR_150)
    (row,) = await lent(here, "jo")
    assert (row["delegated_from"], row["delegation"], row["giver"]) == (
        own,
        delegation,
        here.people["dev"].id,
    )
    assert (row["amount_max"], row["until"]) == ('{"amount_minor":15000,"currency":"EUR"}', NEXT_WEEK)
    case = await here.open()
    await here.propose(case, value=EUR_150)
    decided = await here.decide(case, "action", "jo")
    decision = await here.rows.get("decision", (case, decided.ids["decision"]))
    assert decision is not None and decision["authority"] == row["authority"]


BEYOND = [
    # what the delegation says, the money at stake, days later, the refusal
    ({"amount_max": EUR_150}, EUR_200, 0, "no_authority"),
    ({"amount_max": {"amount_minor": 90_000, "currency": "EUR"}}, {"amount_minor": 20_001, "currency": "EUR"}, 0,
     "no_authority"),
    ({}, {"amount_minor": 20_001, "currency": "EUR"}, 0, "no_authority"),
    ({}, EUR_150, 7, "no_authority"),
    ({"since": TOMORROW}, EUR_150, 0, "no_authority"),
]  # fmt: skip


@pytest.mark.parametrize(("limits", "value", "days", "code"), BEYOND)
async def test_a_stand_in_decides_never_beyond_either(
    here: Shop, limits: dict[str, Any], value: dict[str, Any], days: int, code: str
) -> None:
    await here.join("dev", "manager")
    await here.join("jo", "manager")
    await here.may("dev", "action", amount_max=EUR_200)
    await away(here, "dev", "jo", **limits)
    here.wait(days=days)
    case = await here.open()
    await here.propose(case, value=value)
    with pytest.raises(Refused) as refused:
        await here.decide(case, "action", "jo")
    assert refused.value.code == code


async def test_what_was_to_come_is_in_force_from_then_on(here: Shop) -> None:
    await here.join("jo", "manager")
    await away(here, "owner", "jo", since=TOMORROW)
    here.wait(days=1)
    case = await here.open()
    await here.propose(case)
    assert (await here.decide(case, "action", "jo")).ids["decision"]


async def test_a_stand_in_does_not_decide_what_the_giver_may_not(here: Shop) -> None:
    """As maker, as submitter, as beneficiary: what is theirs is not decided under a power they lent."""
    await here.join("jo", "manager")
    await here.join("dev", "manager")
    for about in ("action", "award"):
        await here.may("dev", about)
    await away(here, "dev", "jo")
    case = await here.open(owner=here.people["owner"].id)
    await here.propose(case, "dev")
    with pytest.raises(Refused, match="giver_involved"):
        await here.decide(case, "action", "jo")
    # the waiter earns: lent by the waiter it decides nothing about that
    passed = await here.until("passed", number="earned")
    await here.may("waiter", "award")
    await here.join("kim", "manager")
    await away(here, "waiter", "kim", by="owner")
    with pytest.raises(Refused, match="giver_involved"):
        await here.approve(passed, "kim")
    assert (await here.approve(passed, "jo")).ids["decision"]


async def test_a_second_account_of_the_giver_counts_as_the_giver(here: Shop) -> None:
    await here.join("double", "manager", same_as="waiter")
    await here.may("double", "award")
    await here.join("kim", "manager")
    await away(here, "double", "kim", by="owner")
    with pytest.raises(Refused, match="giver_involved"):
        await here.approve(await here.until("passed"), "kim")


async def test_an_own_power_is_used_before_a_lent_one(here: Shop) -> None:
    await here.join("kim", "manager")
    await away(here, "accountant", "kim")
    own = await here.may("kim", "award")
    passed = await here.until("passed")
    decided = await here.approve(passed, "kim")
    row = await here.rows.get("decision", (passed, decided.ids["decision"]))
    assert row is not None and row["authority"] == own


async def test_who_holds_an_award_does_not_let_it_be_revoked_by_a_stand_in(here: Shop) -> None:
    _, award = await here.awarded()
    here.wait(days=14)
    await here.join("kim", "manager")
    await here.may("owner", "award")
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    await here.desk.hold(here.people["owner"], here.key(), AwardStep(award, "revocation_asked"))
    await away(here, "owner", "kim", until=LATER)
    with pytest.raises(Refused, match="giver_involved"):
        await here.desk.revoke(here.people["kim"], here.key(), AwardStep(award, "misconduct"))


# ---------------------------------------------------------------------------------------------- how it ends
Ending = Callable[[Shop, str], Awaitable[Any]]


async def _giver_back(here: Shop, delegation: str) -> None:
    dev = here.people["dev"]
    await here.office.end_delegation(dev, here.key(), EndAway(dev.id, delegation, "back"))


async def _handed_back(here: Shop, delegation: str) -> None:
    request = EndAway(here.people["dev"].id, delegation, "handed_back")
    await here.office.end_delegation(here.people["jo"], here.key(), request)


async def _power_ended(here: Shop, delegation: str) -> None:
    (row,) = await lent(here, "jo")
    request = EndAuthority(here.people["dev"].id, row["delegated_from"])
    await here.office.end_authority(here.people["owner"], here.key(), request)


async def _giver_left(here: Shop, delegation: str) -> None:
    request = MemberStep(here.people["dev"].id, reason_code="left")
    await here.office.member_left(here.people["owner"], here.key(), request)


@pytest.mark.parametrize("end", [_giver_back, _handed_back, _power_ended, _giver_left])
async def test_nothing_is_decided_once_it_has_ended(here: Shop, end: Ending) -> None:
    await here.join("dev", "manager")
    await here.join("jo", "manager")
    await here.may("dev", "action")
    await end(here, await away(here, "dev", "jo"))
    assert [row["active"] for row in await lent(here, "jo")] == [0]
    case = await here.open()
    await here.propose(case)
    with pytest.raises(Refused, match="no_authority"):
        await here.decide(case, "action", "jo")


LESSER = [
    # the giver's authority, the delegation's limits, what is lent
    ({"tokens_max": 50}, {"tokens_max": 20}, {"tokens_max": 20, "until": NEXT_WEEK}),
    ({"tokens_max": 20}, {"tokens_max": 50}, {"tokens_max": 20, "until": NEXT_WEEK}),
    ({"tokens_max": None}, {"tokens_max": 20}, {"tokens_max": 20, "until": NEXT_WEEK}),
    ({"tokens_max": 50}, {"tokens_max": None}, {"tokens_max": 50, "until": NEXT_WEEK}),
    ({"tokens_max": None}, {}, {"tokens_max": None, "until": NEXT_WEEK}),
    ({"tokens_max": None}, {"amount_max": EUR_150}, {"tokens_max": None, "amount_max": None}),
    ({"until": TOMORROW}, {}, {"until": TOMORROW}),
    ({"until": LATER}, {}, {"until": NEXT_WEEK}),
]


@pytest.mark.parametrize(("own", "limits", "expected"), LESSER)
def test_what_is_lent_is_the_lesser_of_both(
    own: dict[str, Any], limits: dict[str, Any], expected: dict[str, Any]
) -> None:
    row: dict[str, Any] = {"authority": "own", "about": "award", "scope": '["*"]', "assurance_min": "key"}
    row |= {"amount_max": None, "tokens_max": None, "until": None, **own}
    body = {"amount_max": None, "tokens_max": None, "until": NEXT_WEEK, **limits}
    told = absence.lent(row, "new", body)
    assert {name: told[name] for name in expected} == expected
    assert (told["authority"], told["of"], told["scope"]) == ("new", "own", ["*"])


# ---------------------------------------------------------------------------------------------- refused
REFUSED = [
    # giver, stand-in, who asks, what it says, the code
    ("waiter", "jo", "jo", {}, "role_missing"),
    ("waiter", "jo", "agent", {}, "agent_may_not"),
    ("agent", "jo", "owner", {}, "unknown"),
    ("waiter", "agent", "waiter", {}, "stand_in_invalid"),
    ("waiter", "waiter", "waiter", {}, "stand_in_invalid"),
    ("waiter", "double", "waiter", {}, "stand_in_invalid"),
    ("waiter", "gone", "waiter", {}, "stand_in_invalid"),
    ("waiter", "jo", "waiter", {"until": START}, "value_invalid"),
    ("waiter", "jo", "waiter", {"since": "2026-11-20T09:59:59.999Z"}, "value_invalid"),
    ("waiter", "jo", "waiter", {"since": NEXT_WEEK}, "value_invalid"),
    ("waiter", "jo", "waiter", {"until": "2028-01-01T00:00:00.000Z"}, "value_invalid"),
    ("waiter", "jo", "waiter", {"tokens_max": -1}, "value_invalid"),
    ("waiter", "jo", "waiter", {"amount_max": {"amount_minor": -1, "currency": "EUR"}}, "value_invalid"),
    ("waiter", "jo", "waiter", {"authorities": ("nothing",)}, "unknown"),
    ("owner", "jo", "owner", {"amount_max": GBP_1}, None),
]


@pytest.mark.parametrize(("giver", "stand_in", "who", "more", "code"), REFUSED)
async def test_going_away_is_refused(
    here: Shop, giver: str, stand_in: str, who: str, more: dict[str, Any], code: str | None
) -> None:
    await here.join("jo", "manager")
    await here.join("double", "staff", same_as="waiter")
    gone = await here.join("gone", "staff")
    step = MemberStep(gone.id, reason_code="left")
    await here.office.member_left(here.people["owner"], here.key(), step)
    if code is None:
        assert await away(here, giver, stand_in, by=who, **more)
        return
    with pytest.raises(Refused) as refused:
        await away(here, giver, stand_in, by=who, **more)
    assert refused.value.code == code


async def test_a_limit_in_another_currency_than_the_power_is_refused(here: Shop) -> None:
    await here.join("jo", "manager")
    await here.may("waiter", "action", amount_max=EUR_150)
    with pytest.raises(Refused, match="value_invalid"):
        await away(here, "waiter", "jo", amount_max=GBP_1)


async def test_what_was_lent_is_not_lent_on(here: Shop) -> None:
    await here.join("jo", "manager")
    await here.join("kim", "manager")
    await away(here, "owner", "jo")
    (row,) = await lent(here, "jo")
    with pytest.raises(Refused, match="delegation_chained"):
        await away(here, "jo", "kim", authorities=(row["authority"],))
    await away(here, "jo", "kim")
    assert await lent(here, "kim") == []


async def test_one_person_has_one_stand_in_at_a_time(here: Shop) -> None:
    await here.join("jo", "manager")
    await here.join("kim", "manager")
    first = await away(here, "owner", "jo", since=TOMORROW)
    with pytest.raises(Refused, match="already_away"):
        await away(here, "owner", "kim")
    await away(here, "owner", "kim", until=TOMORROW)
    await away(here, "owner", "kim", since=NEXT_WEEK, until=LATER)
    owner = here.people["owner"]
    await here.office.end_delegation(owner, here.key(), EndAway(owner.id, first, "ended_by_owner"))
    await away(here, "owner", "kim", since=TOMORROW)


async def test_the_voice_of_a_second_person_is_not_lent(here: Shop) -> None:
    await here.join("jo", "staff")
    await away(here, "accountant", "jo")
    assert [(row["about"], row["second_person"]) for row in await lent(here, "jo")] == [("award", 0)]
    _, award = await here.awarded()
    with pytest.raises(Refused, match="no_authority"):
        await here.desk.hold(here.people["jo"], here.key(), AwardStep(award, "under_question"))
    budget = await here.office.set_budget(here.people["owner"], here.key(), SetBudget(5))
    assert budget.ids["budget"]


@pytest.mark.parametrize(
    ("who", "reason", "code"),
    [
        ("kim", "back", "role_missing"),
        ("agent", "back", "agent_may_not"),
        ("jo", "because", "reason_unknown"),
    ],
)
async def test_ending_is_refused(here: Shop, who: str, reason: str, code: str) -> None:
    await here.join("jo", "manager")
    await here.join("kim", "manager")
    delegation = await away(here, "owner", "jo")
    with pytest.raises(Refused) as refused:
        request = EndAway(here.people["owner"].id, delegation, reason)
        await here.office.end_delegation(here.people[who], here.key(), request)
    assert refused.value.code == code


async def test_a_repeat_of_going_away_names_the_same_ids(here: Shop) -> None:
    jo = await here.join("jo", "manager")
    owner = here.people["owner"]
    request = GoAway(owner.id, jo.id, NEXT_WEEK)
    first = await here.office.give_delegation(owner, "same", request)
    again = await here.office.give_delegation(owner, "same", request)
    assert again.outcome.replayed and dict(again.ids) == dict(first.ids)


# ---------------------------------------------------------------------------------------------- new work
async def test_new_cases_of_whoever_is_away_open_with_the_stand_in(here: Shop) -> None:
    jo = await here.join("jo", "staff")
    kim = await here.join("kim", "staff")
    await away(here, "waiter", "jo", since=TOMORROW)
    assert await _owner(here, "before") == (here.people["waiter"].id, "route")
    here.wait(days=1)
    assert await _owner(here, "while") == (jo.id, "absent")
    await away(here, "jo", "kim", until=LATER)
    assert await _owner(here, "both") == (kim.id, "absent")
    await away(here, "kim", "waiter", until=LATER)
    assert await _owner(here, "all") == (here.people["waiter"].id, "route")
    here.wait(days=7)
    assert await _owner(here, "after") == (here.people["waiter"].id, "route")


async def _owner(here: Shop, number: str) -> tuple[str, str]:
    case = await here.open(number=number)
    row = await here.rows.get("case_file", (case,))
    assert row is not None
    size, _ = await here.rows.head()
    (entry,) = [
        one for one in await here.rows.entries(0, size) if one.case == case and one.kind == "owner_assigned"
    ]
    return str(row["owner"]), str(entry.body["reason_code"])
