"""The forgery number: hand-worked vectors, and equality with a truth table that shares no code with it."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.controllers import (
    K_OR_MORE,
    NODES_MAX,
    Party,
    all_of,
    any_of,
    award_k,
    coalitions,
    forgery_number,
    holds,
    parse_formula,
    parties,
    party_person,
    persons,
    stored_formula,
    to_json,
)
from verifiers.errors import FormulaInvalid

VECTORS = json.loads(
    (Path(__file__).resolve().parents[1] / "vectors" / "verdict_controllers.json").read_text("utf-8")
)
NAMES = ["member:a", "member:b", "member:c", "member:d", "customer:e", "source:f", "system:g", "server"]
PARTIES = st.sampled_from(NAMES).map(lambda text: {"party": text})
FORMULAS = st.recursive(
    PARTIES,
    lambda inner: st.builds(
        lambda operator, parts: {operator: parts},
        st.sampled_from(["any", "all"]),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=14,
).filter(lambda value: _levels(value) <= 6)
SAME_AS = st.dictionaries(st.sampled_from("abcde"), st.sampled_from("abcde"), max_size=3)


def _levels(value: dict[str, Any]) -> int:
    (parts,) = value.values()
    return 1 if isinstance(parts, str) else 1 + max(_levels(part) for part in parts)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_forgery_number_of_vectors(case: dict[str, Any]) -> None:
    found = forgery_number(parse_formula(case["formula"]), case["same_as"])
    assert (found.k, list(found.witnessing)) == (case["k"], case["witnessing"])


@pytest.mark.parametrize("case", VECTORS["award"], ids=lambda case: case["name"])
def test_award_k_of_vectors(case: dict[str, Any]) -> None:
    found = award_k(parse_formula(case["formula"]), case["approver"], case["same_as"])
    assert (found.k, list(found.witnessing)) == (case["k"], case["witnessing"])


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["name"])
def test_parse_refuses(case: dict[str, Any]) -> None:
    with pytest.raises(FormulaInvalid, match="controllers"):
        parse_formula(case["formula"])


def test_limits_are_exact() -> None:
    wide: dict[str, Any] = {"any": [{"party": "server"}] * (NODES_MAX - 1)}
    assert to_json(parse_formula(wide)) == {"party": "server"}
    wide["any"].append({"party": "server"})
    with pytest.raises(FormulaInvalid, match="64 nodes"):
        parse_formula(wide)
    assert parse_formula({"party": "customer:" + "x" * 200}) is not None
    with pytest.raises(FormulaInvalid, match="a party"):
        parse_formula({"party": "member:" + "x" * 201})
    twelve = parse_formula({"all": [{"party": f"source:{n:02d}"} for n in range(12)]})
    assert forgery_number(twelve, {}).k == K_OR_MORE
    thirteen = all_of([twelve, parse_formula({"party": "server"})])
    with pytest.raises(FormulaInvalid, match="at most 12 persons, got 13"):
        forgery_number(thirteen, {})


# ------------------------------------------------------------------------------------------------- truth table
def _components(same_as: dict[str, str]) -> dict[str, str]:
    """Label propagation until nothing changes: slow, plain, and not the code under test."""
    label = {name: name for name in "abcde"}
    for _ in range(len(label) + 1):
        for left, right in same_as.items():
            label[left] = label[right] = min(label[left], label[right])
    return label


def _true(value: dict[str, Any], who: set[str], label: dict[str, str]) -> bool:
    ((operator, parts),) = value.items()
    if operator == "party":
        return _who(parts, label) in who
    results = [_true(part, who, label) for part in parts]
    return any(results) if operator == "any" else all(results)


def _who(text: str, label: dict[str, str]) -> str:
    kind, _, name = text.partition(":")
    return label[name] if kind in ("member", "customer") else text


def _brute(value: dict[str, Any], same_as: dict[str, str]) -> tuple[int, list[str]]:
    label = _components(same_as)
    named: dict[str, str] = {}

    def walk(part: dict[str, Any]) -> None:
        ((operator, inner),) = part.items()
        if operator == "party":
            who = _who(inner, label)
            named[who] = min(named.get(who, inner), inner)
        else:
            for one in inner:
                walk(one)

    walk(value)
    best: list[list[str]] = []
    for size in range(1, len(named) + 1):
        best = [
            sorted(named[who] for who in chosen)
            for chosen in combinations(named, size)
            if _true(value, set(chosen), label)
        ]
        if best:
            return (size, min(best)) if size <= 4 else (5, [])
    raise AssertionError("a monotone formula without empty lists is true of everybody")


@given(FORMULAS, SAME_AS)
def test_forgery_number_equals_brute_force(value: dict[str, Any], same_as: dict[str, str]) -> None:
    found = forgery_number(parse_formula(value), same_as)
    assert (found.k, list(found.witnessing)) == _brute(value, same_as)


@given(FORMULAS, FORMULAS, SAME_AS)
def test_more_evidence_never_lowers_and_an_alternative_never_raises(
    left: dict[str, Any], right: dict[str, Any], same_as: dict[str, str]
) -> None:
    one, other = parse_formula(left), parse_formula(right)
    k = forgery_number(one, same_as).k
    assert forgery_number(all_of([one, other]), same_as).k >= k
    assert forgery_number(any_of([one, other]), same_as).k <= k
    assert k <= award_k(one, "a", same_as).k <= min(k + 1, K_OR_MORE)


@given(FORMULAS, SAME_AS, st.permutations("abcde"))
def test_renaming_people_changes_no_number(
    value: dict[str, Any], same_as: dict[str, str], order: list[str]
) -> None:
    new = dict(zip("abcde", order, strict=True))

    def rename(part: dict[str, Any]) -> dict[str, Any]:
        ((operator, inner),) = part.items()
        if operator == "party":
            kind, _, name = inner.partition(":")
            return {"party": f"{kind}:{new[name]}" if kind in ("member", "customer") else inner}
        return {operator: [rename(one) for one in inner]}

    renamed = {new[left]: new[right] for left, right in same_as.items()}
    before = forgery_number(parse_formula(value), same_as).k
    assert forgery_number(parse_formula(rename(value)), renamed).k == before


@given(FORMULAS, SAME_AS)
def test_coalitions_say_the_same_flat(value: dict[str, Any], same_as: dict[str, str]) -> None:
    formula, person = parse_formula(value), persons(same_as)
    flat = coalitions(formula, same_as)
    assert _levels(to_json(flat)) <= 3 and parse_formula(to_json(flat)) == flat
    names = sorted({party_person(text, person) for text in parties(formula)})
    for size in range(len(names) + 1):
        for chosen in combinations(names, size):
            assert holds(flat, frozenset(chosen), person) == holds(formula, frozenset(chosen), person)
    for approver in "abc":
        assert award_k(flat, approver, same_as).k == award_k(formula, approver, same_as).k


def test_too_many_coalitions_keep_the_smallest() -> None:
    """Six pairs, one of each: 64 coalitions of six, beside one of two."""
    pairs = [{"any": [{"party": f"source:{n}a"}, {"party": f"source:{n}b"}]} for n in range(6)]
    formula = parse_formula(
        {"any": [{"all": pairs}, {"all": [{"party": "source:0a"}, {"party": "source:1b"}]}]}
    )
    flat = coalitions(formula, {})
    parse_formula(to_json(flat))
    assert forgery_number(flat, {}) == forgery_number(formula, {})
    assert forgery_number(flat, {}).k == 2


@pytest.mark.parametrize(("left", "right"), [(2, 9), (5, 6), (6, 5), (8, 3)])
def test_too_many_smallest_coalitions_keep_everybody_who_adds_nobody_by_a_yes(left: int, right: int) -> None:
    """Each of some with each of others: whoever of them approves stands in a smallest coalition."""
    sides = [[f"a{n}" for n in range(left)], [f"b{n}" for n in range(right)]]
    formula = all_of(any_of(Party(f"member:{one}") for one in side) for side in sides)
    flat = coalitions(formula, {})
    assert parse_formula(to_json(flat)) == flat
    for approver in (*sides[0], *sides[1], "nobody"):
        assert award_k(flat, approver, {}) == award_k(formula, approver, {})


@given(FORMULAS)
def test_canonical_form_is_stable_and_ignores_order(value: dict[str, Any]) -> None:
    def turned(part: dict[str, Any]) -> dict[str, Any]:
        ((operator, inner),) = part.items()
        return part if operator == "party" else {operator: [turned(one) for one in reversed(inner)]}

    formula = parse_formula(value)
    assert parse_formula(to_json(formula)) == formula
    assert parse_formula(turned(value)) == formula


@given(FORMULAS)
def test_a_stored_formula_reads_back_as_it_was(value: dict[str, Any]) -> None:
    formula = parse_formula(value)
    assert stored_formula(to_json(formula)) == formula


@pytest.mark.parametrize("value", [None, {}, {"party": 1}, {"any": "server"}, {"all": [1]}, {"not": []}])
def test_a_stored_formula_that_we_never_wrote_is_refused(value: Any) -> None:
    with pytest.raises(FormulaInvalid):
        stored_formula(value)
