"""Every line of the table in docs/spec/verdict.md can fail, every gaming line is tried, and the promises hold."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verifiers.service_issue_cases import (
    FAILING,
    GAMING,
    GOLDEN,
    LACKING,
    PASSING,
    REFUSED,
    UNDECIDED,
    Case,
    Json,
    at,
    changed,
    confirmation,
    handed_over,
    record,
)
from verifiers.controllers import award_k, parse_formula
from verifiers.registry import judge

CHECKS = [
    "issue_came_first",
    "raised_by_another",
    "proposal_approved",
    "approver_independent",
    "action_after_approval",
    "outcome_fixed",
    "beneficiaries_acted",
    "not_reopened",
    "not_split",
    "not_disputed",
    "record_agrees",
    "record_attached",
    "record_changed",
    "record_state",
    "record_accepted",
    "confirmation_answered",
    "confirmation_controlled",
    "confirmation_accepted",
    "evidence_suffices",
    "forgery_number",
    "not_self_made",
]
RANK = {"pass": 3, "needs_human": 2, "insufficient": 1, "fail": 0}
ROOT = Path(__file__).resolve().parents[2]


def verdict(value: Json) -> Mapping[str, Any]:
    return judge(value, "service_issue", 1).output


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_verdict_of(case: Case) -> None:
    output = verdict(case.input())
    checks = {check["id"]: check for check in output["checks"]}
    assert (output["result"], checks[case.line[0]]["reason"]) == (case.result, case.line[1]), output
    assert [check["id"] for check in output["checks"]] == CHECKS
    assert bool(output["missing"]) == ("insufficient" in {check["result"] for check in output["checks"]})
    if case.result == "pass":
        assert (
            output["k_evidence"] >= 2 and output["relied_on"] and output["shares"] and not output["missing"]
        )
    else:
        assert output["amount_tokens"] == 0 and output["shares"] == []


@pytest.mark.parametrize(("name", "patch", "said"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_refused_input_is_error_and_says_expected_and_got(
    name: str, patch: Mapping[str, Any], said: str
) -> None:
    output = verdict(changed(patch))
    assert output["result"] == "error" and output["checks"] == [] and output["k_evidence"] is None
    assert output["error"]["code"] == "input_refused" and said in output["error"]["detail"]


def test_enough_cases_of_each_result() -> None:
    assert (len(PASSING), len(FAILING), len(LACKING), len(UNDECIDED)) >= (5, 10, 3, 1)
    names = [case.name for case in GOLDEN]
    assert len(set(names)) == len(names)


def test_every_check_is_seen_to_fail() -> None:
    failing = {case.line[0] for case in (*FAILING, *LACKING, *UNDECIDED)}
    assert failing == set(CHECKS)


def test_every_reason_in_the_code_is_seen() -> None:
    seen = {check["reason"] for case in GOLDEN for check in verdict(case.input())["checks"]}
    files = sorted(
        set((ROOT / "verifiers").glob("service_issue*.py")) - {ROOT / "verifiers/service_issue_2.py"}
    )
    code = "".join(path.read_text("utf-8") for path in files)
    written = set(
        re.findall(r'(?:return|reason =|reason, result =|else|OK if [^"\n]* else) "([a-z]+_[a-z_]+)"', code)
    )
    assert written <= seen, written - seen
    assert len(written) > 30


@pytest.mark.parametrize("line", GAMING)
def test_no_award_by(line: str) -> None:
    by_name = {case.name: case for case in GOLDEN}
    assert by_name[GAMING[line]].result in ("fail", "insufficient")
    assert verdict(by_name[GAMING[line]].input())["result"] != "pass"


def test_three_person_shop_reaches_k_3_with_its_accountant() -> None:
    output = verdict(changed({"evidence": [record(), handed_over()]}))
    formula = parse_formula(output["controllers"])
    assert output["witnessing"] == ["customer:cus", "source:pms"]
    assert award_k(formula, "cyn", {}).k == 3
    assert award_k(formula, "ada", {}).k == 2  # whoever handed the link over adds nobody by approving


def test_missing_speaks_plainly_and_names_nobody() -> None:
    for case in LACKING:
        value = case.input()
        text = " ".join(verdict(value)["missing"])
        for name in ("ada", "ben", "cus", "4711", "pms", "rec", "link-1", "Suppe"):
            assert not re.search(rf"\b{name}\b", text), (case.name, text)


def test_shares_weigh_what_each_did() -> None:
    output = verdict(changed({"beneficiaries": ["cyn", "ada"], "facts.owner": "cyn"}))
    assert output["shares"] == [{"member": "ada", "weight": 4}, {"member": "cyn", "weight": 2}]


def test_null_matches_only_a_field_that_is_there() -> None:
    table = {"policy.content.parameters.record_state": {"complaint": {"open_until": [None]}}}
    there = verdict(changed({**table, "evidence.0.facts.fields": {"open_until": None}}))
    absent = verdict(changed({**table, "evidence.0.facts.fields": {}}))
    assert (there["result"], absent["result"]) == ("pass", "fail")


@pytest.mark.parametrize("value", [1, "true", None])
def test_true_is_not_1(value: Any) -> None:
    fields = {"status": "closed", "refunded": value}
    assert verdict(changed({"evidence.0.facts.fields": fields}))["result"] == "fail"


# ------------------------------------------------------------------------------------------------- promises
REVIEWS = [
    None,
    {"verdict": "accepted", "by": "ben"},
    {"verdict": "refused", "by": "ben"},
    {"verdict": "accepted", "by": "ada"},
]
ITEMS = st.lists(
    st.one_of(
        st.builds(
            lambda facts, grade, review, received, controllers: {
                **record(**facts),
                "grade": grade,
                "review": review,
                "attached_at": received,
                "controllers": controllers,
            },
            st.fixed_dictionaries(
                {
                    "version": st.integers(2, 4),
                    "event_time": st.sampled_from([at("09:30"), at("10:20"), at("10:50")]),
                    "source": st.sampled_from(["pms", "till"]),
                    "fields": st.sampled_from([{"status": "closed", "refunded": True}, {"status": "open"}]),
                }
            ),
            st.sampled_from(["E1", "E3", "E4"]),
            st.sampled_from(
                [
                    None,
                    {"verdict": "accepted", "by": "ben"},
                    {"verdict": "refused", "by": "ben"},
                    {"verdict": "accepted", "by": "ada"},
                ]
            ),
            st.sampled_from([at("10:00"), at("11:00")]),
            st.sampled_from(
                [
                    {"any": [{"party": "source:pms"}, {"party": "source:till"}]},
                    {"any": [{"party": "source:pms"}, {"party": "source:till"}, {"party": "member:ada"}]},
                    {"party": "source:pms"},
                    {"party": "source:till"},
                ]
            ),
        ),
        st.builds(
            lambda facts, by: {**(confirmation(**facts) if by is None else handed_over(by, **facts))},
            st.fixed_dictionaries(
                {
                    "answer": st.sampled_from(["resolved", "resolved", "not_resolved"]),
                    "answered_at": st.sampled_from([at("10:10"), at("12:00")]),
                    "issued_at": st.sampled_from([at("09:00"), at("09:30")]),
                }
            ),
            st.sampled_from([None, "ada", "cyn"]),
        ),
    ),
    max_size=6,
).map(lambda items: [{**item, "id": f"e{n}", "seq": 16 + n} for n, item in enumerate(items)])
STARTS = st.sampled_from(
    [
        {},
        {"facts.origin": "claim", "facts.opened_by": "ada"},
        {"outcome.resolution": "duplicate"},
        {"facts.subject.customer": None},
    ]
)


def _built(evidence: list[Json], start: Mapping[str, Any]) -> Json:
    return changed({**start, "evidence": evidence})


@given(ITEMS, STARTS, st.data())
def test_dropping_evidence_never_improves(
    evidence: list[Json], start: Mapping[str, Any], data: st.DataObject
) -> None:
    whole = verdict(_built(evidence, start))
    droppable = [item["id"] for item in evidence if item["id"] not in whole["counter_evidence"]]
    dropped = data.draw(st.sets(st.sampled_from(droppable)) if droppable else st.just(set()))
    less = verdict(_built([item for item in evidence if item["id"] not in dropped], start))
    assert RANK[less["result"]] <= RANK[whole["result"]]


@given(ITEMS, STARTS, st.randoms(use_true_random=False))
def test_order_changes_only_the_input_digest(
    evidence: list[Json], start: Mapping[str, Any], random: Any
) -> None:
    mixed = list(evidence)
    random.shuffle(mixed)
    one, other = dict(verdict(_built(evidence, start))), dict(verdict(_built(mixed, start)))
    del one["input_digest"], other["input_digest"]
    assert one == other


@given(ITEMS, STARTS)
def test_renaming_ids_changes_nothing_else(evidence: list[Json], start: Mapping[str, Any]) -> None:
    """An order-keeping renaming of people, customers, sources and evidence gives the same verdict, renamed."""
    value = _built(evidence, start)
    names = ["ada", "ben", "cyn", "bot", "zoe", "cus", "pms", "till", *(f"e{n}" for n in range(6))]

    def renamed(text: str) -> str:
        for name in names:
            text = re.sub(rf'(?<=[":]){name}(?=")', f"x-{name}", text)
        return text

    expected = json.loads(renamed(json.dumps(dict(verdict(value)))))
    found = dict(verdict(json.loads(renamed(json.dumps(value)))))
    del expected["input_digest"], found["input_digest"]
    assert found == expected


def test_judging_changes_nothing_it_was_given() -> None:
    value = changed({})
    before = copy.deepcopy(value)
    verdict(value)
    assert value == before
