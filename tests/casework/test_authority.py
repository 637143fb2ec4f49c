"""Who may decide: powers in force, their limits, and standing outside what is decided."""

from __future__ import annotations

import json
from typing import Any

import pytest

from casework import authority, people
from casework.authority import ACTION, AWARD, Matter
from casework.requests import THE_SYSTEM, Principal
from ledger.errors import Refused
from tests.casework.plain_view import PlainView, member

AT = "2026-11-20T12:00:00.000Z"
EUR_50 = {"amount_minor": 5000, "currency": "EUR"}
EUR_51 = {"amount_minor": 5001, "currency": "EUR"}
REFUND_51 = {"amount_minor": -5001, "currency": "EUR"}
GBP_1 = {"amount_minor": 100, "currency": "GBP"}


def power(about: str = ACTION, **more: Any) -> dict[str, Any]:
    row = {
        "member": "ben", "authority": "p1", "about": about, "scope": ["*"], "amount_max": None, "tokens_max": None,
        "until": None, "assurance_min": "key", "second_person": 0, "active": 1, "since": None, "delegation": None,
        "giver_person": None,
    } | more  # fmt: skip
    amount = row["amount_max"]
    return row | {
        "scope": json.dumps(row["scope"]),
        "amount_max": None if amount is None else json.dumps(amount),
    }


def view(*powers: dict[str, Any]) -> PlainView:
    return PlainView({"authority": {(row["member"], row["authority"]): row for row in powers}})


CHOOSE = [
    # powers held, matter, assurance, refusal (None: granted)
    ([], Matter(ACTION, "quote"), "key", "no_authority"),
    ([power()], Matter(ACTION, "quote"), "key", None),
    ([power()], Matter(ACTION, None), "key", None),
    ([power()], Matter(AWARD, "service_issue", tokens=1), "key", "no_authority"),
    ([power(AWARD)], Matter(ACTION, "quote"), "key", "no_authority"),
    ([power(active=0)], Matter(ACTION, "quote"), "key", "no_authority"),
    ([power(until=AT)], Matter(ACTION, "quote"), "key", "no_authority"),
    ([power(until="2026-11-20T12:00:00.001Z")], Matter(ACTION, "quote"), "key", None),
    ([power(scope=["quote"])], Matter(ACTION, "quote"), "key", None),
    ([power(scope=["quote"])], Matter(ACTION, "stock"), "key", "no_authority"),
    ([power(scope=["quote"])], Matter(ACTION, None), "key", "no_authority"),
    ([power(amount_max=EUR_50)], Matter(ACTION, "quote", value=EUR_50), "key", None),
    ([power(amount_max=EUR_50)], Matter(ACTION, "quote", value=EUR_51), "key", "no_authority"),
    ([power(amount_max=EUR_50)], Matter(ACTION, "quote", value=REFUND_51), "key", "no_authority"),
    ([power(amount_max=EUR_50)], Matter(ACTION, "quote", value=GBP_1), "key", "no_authority"),
    ([power(amount_max=EUR_50)], Matter(ACTION, "quote"), "key", None),
    ([power(AWARD, tokens_max=10)], Matter(AWARD, "service_issue", tokens=10), "key", None),
    ([power(AWARD, tokens_max=10)], Matter(AWARD, "service_issue", tokens=11), "key", "no_authority"),
    ([power(AWARD, tokens_max=0)], Matter(AWARD, "service_issue", tokens=0), "key", None),
    ([power(AWARD, scope=["handover"])], Matter(AWARD, "service_issue", tokens=0), "key", "no_authority"),
    # a second power may reach where the first does not
    ([power(active=0), power(authority="p2")], Matter(ACTION, "quote"), "key", None),
]


@pytest.mark.parametrize(("powers", "matter", "assurance", "code"), CHOOSE)
def test_choose(powers: list[dict[str, Any]], matter: Matter, assurance: str, code: str | None) -> None:
    if code is None:
        assert authority.choose(view(*powers), "ben", assurance, matter, AT, ())["active"] == 1
    else:
        with pytest.raises(Refused, match=code):
            authority.choose(view(*powers), "ben", assurance, matter, AT, ())


# rows: least assurance of the power; columns: how the decider is signed in; x: let through
ASSURANCE = """
         passkey session key pin link
passkey  x       .       .   .   .
session  x       x       x   .   .
key      x       x       x   .   .
pin      x       x       x   x   .
link     x       x       x   x   x
"""


@pytest.mark.parametrize("about", [ACTION, AWARD])
def test_choose_asks_for_the_least_assurance(about: str) -> None:
    header, *rows = [line.split() for line in ASSURANCE.strip("\n").splitlines()]
    for least, *marks in rows:
        for given, mark in zip(header, marks, strict=True):
            held = view(power(about, assurance_min=least))
            if mark == "x":
                authority.choose(held, "ben", given, Matter(about, "quote"), AT, ())
            else:
                with pytest.raises(Refused, match="assurance_too_low"):
                    authority.choose(held, "ben", given, Matter(about, "quote"), AT, ())


def test_choose_refuses_an_assurance_it_does_not_know() -> None:
    with pytest.raises(Refused, match="assurance_too_low"):
        authority.choose(view(power(assurance_min="link")), "ben", "shouted", Matter(ACTION, "quote"), AT, ())


PEOPLE = PlainView(
    {
        "member": {
            ("ada",): member("ada", "staff"),
            ("zoe",): member("zoe", "staff", same_as="ada"),
            ("ben",): member("ben", "manager"),
            ("bot",): member("bot", "agent"),
            ("odd",): member("odd", "agent", "manager"),
            ("gone",): member("gone", "manager", active=0),
        }
    }
)
SEPARATE = [
    # decider, maker, submitters, beneficiaries, refusal
    ("ben", "ada", ["ada"], ["ada"], None),
    ("ada", "ada", [], [], "decider_is_maker"),
    ("zoe", "ada", [], [], "decider_is_maker"),
    ("ada", "zoe", [], [], "decider_is_maker"),
    ("ben", "system", [], [], None),
    ("ada", "ben", ["ada"], [], "decider_is_submitter"),
    ("zoe", "ben", ["ada"], [], "decider_is_submitter"),
    ("ada", "ben", [], ["ada"], "decider_is_beneficiary"),
    ("zoe", "ben", [], ["ada"], "decider_is_beneficiary"),
    ("ada", "ben", [], ["zoe"], "decider_is_beneficiary"),
    ("ben", "bot", ["guest-1"], ["ada"], None),
]


@pytest.mark.parametrize(("decider", "maker", "submitters", "beneficiaries", "code"), SEPARATE)
def test_separate(
    decider: str, maker: str, submitters: list[str], beneficiaries: list[str], code: str | None
) -> None:
    if code is None:
        authority.separate(PEOPLE, decider, maker, submitters, beneficiaries)
    else:
        with pytest.raises(Refused, match=code):
            authority.separate(PEOPLE, decider, maker, submitters, beneficiaries)


def item(type: str = "file", submitter: str = "member:ada", attached_by: str = "ada", of: Any = None) -> Any:
    made = of or {"party": "server"}
    return {"type": type, "submitter": submitter, "attached_by": attached_by, "controllers": json.dumps(made)}


BEARER = {"any": [{"party": "customer:guest"}, {"party": "member:zoe"}]}
SUBMITTERS = [
    # items, whose they are
    ([], set()),
    ([item()], {"ada"}),
    ([item(attached_by="ben")], {"ada", "ben"}),  # whoever put it there stands behind it too
    ([item(submitter="system", attached_by="ben")], {"ben"}),
    ([item("customer_confirmation", "customer:guest", "guest", BEARER)], {"guest", "zoe"}),
    ([item(), item(submitter="member:ben", attached_by="ben")], {"ada", "ben"}),
]


@pytest.mark.parametrize(("items", "whose"), SUBMITTERS)
def test_submitters(items: list[Any], whose: set[str]) -> None:
    assert whose <= authority.submitters(items)
    assert authority.submitters(items) - whose <= {"system"}


HUMAN = [
    (Principal("ben", "manager", "http", "key"), None),
    (Principal("bot", "agent", "http", "key"), "agent_may_not"),
    (Principal("bot", "manager", "cli", "key"), "role_missing"),
    (
        Principal("odd", "manager", "cli", "key"),
        "agent_may_not",
    ),  # an agent stays one, whatever roles it was given
    (THE_SYSTEM, "agent_may_not"),
    (Principal("guest-1", "customer", "link", "link"), "agent_may_not"),
    (Principal("gone", "manager", "http", "key"), "member_inactive"),
    (Principal("nobody", "owner", "http", "key"), "member_inactive"),
    (Principal("ben", "owner", "http", "key"), "role_missing"),
]


@pytest.mark.parametrize(("who", "code"), HUMAN)
def test_human(who: Principal, code: str | None) -> None:
    if code is None:
        people.human(PEOPLE, who)
    else:
        with pytest.raises(Refused, match=code):
            people.human(PEOPLE, who)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (power(AWARD, second_person=1), True),
        (power(AWARD), False),
        (power(AWARD, second_person=1, active=0), False),
        (power(AWARD, second_person=1, until=AT), False),
    ],
)
def test_second_person(row: dict[str, Any], expected: bool) -> None:
    assert authority.is_second_person(view(row), "ben", AT) is expected
