"""A policy is refused at load with path, expected and got; what is published has one digest."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.verifiers.service_issue_cases import changed, policy_content
from verifiers.errors import PolicyInvalid
from verifiers.policy import policy_digest
from verifiers.registry import VERIFIERS, load_policy

FILES = sorted((Path(__file__).resolve().parents[2] / "verifiers" / "policies").glob("*.yaml"))
TERMS = {
    "service_issue": (14, 100, 2, 3),
    "operational_check": (3, 10, 2, 3),
    "handover": (2, 50, 2, 3),
    "training": (14, 50, 2, 3),
    "referral": (30, 100, 2, 3),
}
"""Window in days, tokens above which more must stand behind it, k up to there and above."""
SETS = "parameters.evidence_sets"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_policy_is_publishable(path: Path) -> None:
    policy = load_policy(YAML(typ="safe").load(path))
    assert policy.id == path.stem and policy.terms.k_min >= 2
    limit = policy.terms.tokens_limit
    found = (
        policy.terms.window_days,
        limit,
        policy.terms.k_required(limit),
        policy.terms.k_required(limit + 1),
    )
    assert found == TERMS[path.stem]


def test_digest_is_of_the_domain_and_the_canonical_content() -> None:
    content = policy_content()
    assert policy_digest(content) == "c54f869340876f40485677ebe9a1a25370cd84d2a25808c007f30eefd4815a56"
    turned = dict(reversed(list(copy.deepcopy(content).items())))
    assert policy_digest(turned) == policy_digest(content)
    assert policy_digest({**content, "version": 2}) != policy_digest(content)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("v", 2, "policy.v: expected an integer from 1 to 1, got 2"),
        ("id", "", "policy.id: expected an id"),
        (
            "verifier",
            "oracle",
            f"policy.verifier: expected one of {sorted(VERIFIERS)}, got ('oracle', 1)",
        ),
        ("verifier_version", 9, "got ('service_issue', 9)"),
        ("terms.tokens", -1, "policy.terms.tokens: expected an integer from 0"),
        ("terms.tokens", 1.5, "got 1.5"),
        ("terms.window_days", 0, "policy.terms.window_days: expected an integer from 1"),
        ("terms.k_min", 1, "policy.terms.k_min: expected an integer from 2 to 5, got 1"),
        ("terms.k_min_above", 1, "policy.terms.k_min_above: expected an integer from 2"),
        ("terms.colour", "red", "got unknown ['colour'], missing []"),
        ("parameters", [], "policy.parameters: expected an object, got []"),
        ("parameters.window", 1, "policy.parameters: expected exactly the members"),
        (SETS, [], "policy.parameters.evidence_sets: expected a list of 1 to 8 items, got []"),
        (SETS + ".0.grades", {}, "expected at least one evidence type"),
        (SETS + ".0.grades", {"rumour": "E3"}, "expected evidence types out of"),
        (SETS + ".0.grades", {"system_record": "E0"}, "expected one of ['E1', 'E2', 'E3', 'E4'], got 'E0'"),
        (SETS + ".0.k_evidence_min", 0, "expected an integer from 1 to 5, got 0"),
        ("parameters.record_state", {"quote": {}}, "expected at least one field"),
        ("parameters.record_state", {"quote": {"status": []}}, "expected a list of 1 to 32 items"),
        ("parameters.record_state", {"quote": {"status": "sent"}}, "expected a list"),
        ("parameters.record_state", {"quote": {"status": [["sent"]]}}, "expected a text"),
        (
            "parameters.record_changed_after",
            "later",
            "expected one of ['action', 'approval', 'onset'], got 'later'",
        ),
        ("parameters.share_weights.owned", True, "expected an integer from 0 to 1000, got True"),
    ],
)
def test_policy_is_refused(path: str, value: Any, said: str) -> None:
    content = changed({"policy.content." + path: value, "policy.digest": ""})["policy"]["content"]
    with pytest.raises(PolicyInvalid) as refused:
        load_policy(content)
    assert said in str(refused.value)
