"""What version 2 of the judge of service issues adds to its kit: the lines of version 1 are those of version 1."""

from __future__ import annotations

import copy

import pytest

from tests.verifiers import service_issue_2_cases, service_issue_cases
from tests.verifiers.kit import Json
from verifiers.controllers import award_k, parse_formula
from verifiers.policy import policy_digest
from verifiers.registry import judge

SAME_LINES = 18
KIT = service_issue_2_cases.KIT


def as_newer(value: Json) -> Json:
    """Return an input of version 1 as one of version 2, with the policy's own numbers."""
    newer = copy.deepcopy(value)
    newer["v"] = 2
    newer["facts"]["expected"] = {}
    newer["prior"]["earlier"] = []
    newer["prior"]["awards"] = [{**one, "beneficiaries": []} for one in newer["prior"]["awards"]]
    content = newer["policy"]["content"]
    content["verifier_version"] = 2
    content["parameters"] |= {"done_by_field": {"complaint": "done_by"}, "customer_known_days": 0}
    content["parameters"]["customer_known_by"] = {"bill": {"paid": [True]}}
    newer["policy"]["digest"] = policy_digest(content)
    return newer


@pytest.mark.parametrize("case", service_issue_cases.GOLDEN, ids=lambda case: case.name)
def test_the_lines_of_version_1_say_the_same(case: service_issue_cases.Case) -> None:
    before = judge(case.input(), "service_issue", 1).output
    after = judge(as_newer(case.input()), "service_issue", 2).output
    named = {one["id"] for one in before["checks"][:SAME_LINES]}
    assert len(named) == SAME_LINES
    if before["relied_on"] == after["relied_on"]:  # the same set is the nearest, and asks for the same types
        assert after["checks"][:SAME_LINES] == before["checks"][:SAME_LINES]
    else:
        assert [(one["id"], one["reason"]) for one in after["checks"][:SAME_LINES]] == [
            (one["id"], one["reason"]) for one in before["checks"][:SAME_LINES]
        ]


def test_no_pass_of_version_2_shows_more_people_than_version_1() -> None:
    """Version 1 took the customer and the work for granted; what it overlooked can only make the number smaller."""
    smaller = 0
    for case in service_issue_cases.GOLDEN:
        before = judge(case.input(), "service_issue", 1).output
        after = judge(as_newer(case.input()), "service_issue", 2).output
        if before["k_evidence"] is not None and before["relied_on"] == after["relied_on"]:
            assert after["k_evidence"] <= before["k_evidence"], case.name
            smaller += after["k_evidence"] < before["k_evidence"]
    assert smaller > 10


def test_the_formula_lists_who_together_are_enough() -> None:
    output = judge(KIT.input({}), "service_issue", 2).output
    assert output["controllers"] == {
        "any": [
            {"all": [{"party": "customer:cus"}, {"party": "member:ada"}]},
            {"all": [{"party": "customer:cus"}, {"party": "source:pms"}]},
            {"all": [{"party": "member:ada"}, {"party": "source:pms"}]},
            {"all": [{"party": "member:ada"}, {"party": "source:till"}]},
            {"all": [{"party": "source:pms"}, {"party": "system:mail"}]},
        ]
    }
    parse_formula(output["controllers"])


def test_twenty_who_share_do_not_make_it_too_large() -> None:
    """Whoever could have made none of the items is counted once, however many earn."""
    people = {f"m{number:02d}": {"roles": ["staff"], "same_as": None} for number in range(18)}
    value = KIT.input({"beneficiaries": ["ada", "cyn"], "facts.owner": "cyn"})
    value["people"] |= people
    output = judge(value, "service_issue", 2).output
    assert (output["result"], output["k_evidence"]) == ("pass", 2)


@pytest.mark.parametrize(("named_by", "k"), [({}, 3), ({"done_by": "ben"}, 2), ({"sold_by": "ben"}, 3)])
def test_whoever_said_whom_a_name_means_adds_nobody_by_their_yes(named_by: dict[str, str], k: int) -> None:
    output = judge(KIT.input({"evidence.0.named_by": named_by}), "service_issue", 2).output
    assert (output["result"], output["k_evidence"]) == ("pass", 2)
    assert award_k(parse_formula(output["controllers"]), "ben", {}).k == k
