"""What an award may be granted on, as a pure rule over rows given as literals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from casework import awards
from ledger.errors import Refused
from tests.casework.plain_view import PlainView, member
from tests.casework.shop import POLICY
from verifiers.verdicts import ERROR, FAIL, INSUFFICIENT, NEEDS_HUMAN, PASS

RESULTS = (PASS, FAIL, INSUFFICIENT, NEEDS_HUMAN, ERROR)
AT = "2026-11-20T12:00:00.000Z"
CASE = {
    "case": "c",
    "award_kind": "service_issue",
    "policy": "service_issue/v1",
    "award": None,
    "outcome_seq": 5,
}
FORMULA = {"all": [{"party": "source:pms"}, {"party": "customer:guest"}]}


def verdict(result: str = "pass", *earners: str) -> dict[str, Any]:
    """Return a verdict's row over no evidence, for these people."""
    named = sorted(earners or ("ana",))
    shares = [{"member": one, "weight": 1} for one in named]
    return {
        "verdict": "v", "result": result, "evidence": "[]", "seq": 8, "outcome_seq": 5, "policy_digest": "d",
        "beneficiaries": json.dumps(named), "shares": json.dumps(shares), "controllers": json.dumps(FORMULA),
    }  # fmt: skip


VIEW = PlainView(
    {
        "member": {
            (row["member"],): row
            for row in (
                member("ana", "staff"),
                member("ana2", "staff", same_as="ana"),
                member("ana3", "staff", same_as="ana"),
                member("ben", "staff"),
                member("ines", "outsider"),
                member("gone", "staff", active=0),
                member("robin", "agent"),
            )
        },
        "policy_content": {("d",): {"content": json.dumps(POLICY)}},
    }
)


def plan(judged: dict[str, Any] | None, *earners: str) -> awards.Plan:
    """Plan an award of no tokens."""
    return awards.plan(VIEW, CASE, judged, awards.Wanted(tuple(sorted(earners)), 0, None), "ines", AT)


@pytest.mark.parametrize("result", RESULTS)
def test_only_a_pass_is_granted(result: str) -> None:
    if result == PASS:
        assert plan(verdict(result), "ana").shares[0].member == "ana"
        return
    with pytest.raises(Refused, match=f"verdict_not_pass: expected a passing verdict, got {result}"):
        plan(verdict(result), "ana")


def test_no_verdict_is_no_pass() -> None:
    with pytest.raises(Refused, match="verdict_not_pass"):
        plan(None, "ana")


EARNERS: list[tuple[tuple[str, ...], bool]] = [
    (("ana",), True),
    (("ana", "ben"), True),
    (("ana2",), True),
    (("ana", "ana2"), False),  # one person would get two shares
    (("ana2", "ana3"), False),
    (("ana", "gone"), False),
    (("ana", "robin"), False),
]


@pytest.mark.parametrize(("earners", "granted"), EARNERS)
def test_beneficiaries_are_different_active_people(earners: tuple[str, ...], granted: bool) -> None:
    if granted:
        assert len(plan(verdict("pass", *earners), *earners).shares) == len(earners)
        return
    with pytest.raises(Refused, match="beneficiary_invalid"):
        plan(verdict("pass", *earners), *earners)
