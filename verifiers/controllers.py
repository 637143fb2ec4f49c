"""Who could have made the evidence: the controllers formula, and its forgery number.

Monotone formulas over parties (docs/spec/verdict.md, "Controllers and the forgery number"). The number is found by
trying every set of up to 4 of at most 12 persons: 793 tries at most, so a verdict needs no clever solver to be checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ledger.canonical import encode
from verifiers.errors import FormulaInvalid
from verifiers.reading import ID_CHARS_MAX, Reader

PERSONS_MAX = 12
SET_SIZE_MAX = 4
K_OR_MORE = SET_SIZE_MAX + 1
"""As a forgery number: "5 or more"."""
NODES_MAX = 64
DEPTH_MAX = 6

PARTY_KINDS = ("member", "customer", "source", "system")
SERVER = "server"
UNDECLARED = "system:undeclared"
"""Whoever writes in a source of which nobody declared that: a collector names them so (docs/spec/verdict.md)."""


@dataclass(frozen=True, slots=True)
class Party:
    """One who can make evidence: `member:<id>`, `customer:<id>`, `source:<id>`, `system:<name>` or `server`."""

    text: str


@dataclass(frozen=True, slots=True)
class All:
    """Only all members together could have made it."""

    of: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Any_:
    """Each member alone could have made it."""

    of: tuple[Formula, ...]


Formula = Party | All | Any_
SameAs = Mapping[str, str | None]
"""Member or customer id -> the id it is declared to be the same person as."""


@dataclass(frozen=True, slots=True)
class Forgery:
    """`k` 1..4, or 5 for "5 or more"; `witnessing` is the least smallest set of party texts, empty for 5."""

    k: int
    witnessing: tuple[str, ...]


# ------------------------------------------------------------------------------------------ reading and writing
def is_party(text: str) -> bool:
    """Say whether this text names a party."""
    kind, _, name = text.partition(":")
    return text == SERVER or (kind in PARTY_KINDS and 0 < len(name) <= ID_CHARS_MAX)


def parse_formula(value: Any, path: str = "controllers") -> Formula:
    """Read a formula and return it in canonical form.

    Raises:
        FormulaInvalid: another shape, an empty list, more than 64 nodes or 6 levels.
    """
    return _read(Reader(value, path, FormulaInvalid), DEPTH_MAX, [NODES_MAX])


def _read(at: Reader, levels_left: int, nodes_left: list[int]) -> Formula:
    nodes_left[0] -= 1
    if nodes_left[0] < 0 or levels_left == 0:
        raise at.refuse(f"a formula of at most {NODES_MAX} nodes and {DEPTH_MAX} levels")
    if type(at.value) is not dict or len(at.value) != 1:
        raise at.refuse('exactly one of {"party": ...}, {"any": [...]}, {"all": [...]}')
    (name,) = at.value
    if name == "party":
        text = at.members("party")["party"].text(ID_CHARS_MAX + 20)
        if not is_party(text):
            raise at.refuse("a party member:<id>, customer:<id>, source:<id>, system:<name> or server")
        return Party(text)
    if name not in ("any", "all"):
        raise at.refuse('one of the operators "party", "any", "all"')
    # An empty `any` would say that nobody could have forged it, an empty `all` that it forges itself.
    members = at.members(name)[name].items(NODES_MAX, count_min=1)
    parts = [_read(member, levels_left - 1, nodes_left) for member in members]
    return any_of(parts) if name == "any" else all_of(parts)


def stored_formula(value: Any) -> Formula:
    """Read back what `to_json` wrote into a row of ours; anything from outside goes through `parse_formula`.

    Raises:
        FormulaInvalid: it is nothing `to_json` writes.
    """
    match value:
        case {"party": str(text)}:
            return Party(text)
        case {"all": list(parts)}:
            return All(tuple(stored_formula(part) for part in parts))
        case {"any": list(parts)}:
            return Any_(tuple(stored_formula(part) for part in parts))
    raise FormulaInvalid(f"stored formula: expected one that was written here, got {value!r}"[:300])


def to_json(formula: Formula) -> dict[str, Any]:
    """Return the formula as the JSON object of the specification."""
    match formula:
        case Party(text):
            return {"party": text}
        case All(of):
            return {"all": [to_json(part) for part in of]}
        case Any_(of):
            return {"any": [to_json(part) for part in of]}


def all_of(parts: Iterable[Formula]) -> Formula:
    """Join formulas: all of them had to be made. At least one is expected.

    Raises:
        FormulaInvalid: none given.
    """
    return _joined(All, parts)


def any_of(parts: Iterable[Formula]) -> Formula:
    """Join formulas: one of them was enough. At least one is expected.

    Raises:
        FormulaInvalid: none given.
    """
    return _joined(Any_, parts)


def _joined(operator: type[All] | type[Any_], parts: Iterable[Formula]) -> Formula:
    flat: set[Formula] = set()
    for part in parts:
        flat.update(part.of if isinstance(part, operator) else (part,))
    if not flat:
        raise FormulaInvalid("controllers: expected at least one party, got none")
    ordered = tuple(sorted(flat, key=lambda part: encode(to_json(part))))
    return ordered[0] if len(ordered) == 1 else operator(ordered)


def substituted(formula: Formula, party: str, by: Formula) -> Formula:
    """Return the formula, canonical, with another one in the place of this party."""
    match formula:
        case Party(text):
            return by if text == party else formula
        case All(of):
            return all_of(substituted(part, party, by) for part in of)
        case Any_(of):
            return any_of(substituted(part, party, by) for part in of)


def parties(formula: Formula) -> frozenset[str]:
    """Return the texts of all parties named."""
    if isinstance(formula, Party):
        return frozenset((formula.text,))
    return frozenset().union(*(parties(part) for part in formula.of))


# ------------------------------------------------------------------------------------------------------ persons
def persons(same_as: SameAs) -> dict[str, str]:
    """Map each id that stands in a `same_as` relation to its person: the least id that chains join it with."""
    person: dict[str, str] = {}
    joined: dict[str, set[str]] = {}
    for left, right in sorted(same_as.items()):
        group = joined.get(left, {left}) | (set() if right is None else joined.get(right, {right}))
        for member in group:
            joined[member] = group
    for member, group in joined.items():
        person[member] = min(group)
    return person


def party_person(text: str, person: Mapping[str, str]) -> str:
    """Return the one who stands behind a party: members and customers are persons, other parties themselves."""
    kind, _, name = text.partition(":")
    return "person:" + person.get(name, name) if kind in ("member", "customer") else text


def holds(formula: Formula, who: frozenset[str], person: Mapping[str, str]) -> bool:
    """Say whether the persons `who` (see `party_person`) together could have made it."""
    match formula:
        case Party(text):
            return party_person(text, person) in who
        case All(of):
            return all(holds(part, who, person) for part in of)
        case Any_(of):
            return any(holds(part, who, person) for part in of)


def alone(formula: Formula, party: str, same_as: SameAs) -> bool:
    """Say whether this one party could have made it."""
    person = persons(same_as)
    return holds(formula, frozenset((party_person(party, person),)), person)


# ---------------------------------------------------------------------------------------------- forgery numbers
def forgery_number(formula: Formula, same_as: SameAs) -> Forgery:
    """Return the size of a smallest set of persons that makes the formula true, and the least such set.

    Raises:
        FormulaInvalid: more than 12 persons.
    """
    person = persons(same_as)
    shown = _named(formula, person)
    who = sorted(shown, key=lambda one: shown[one])
    for size in range(1, SET_SIZE_MAX + 1):
        # combinations of a sorted sequence come in lexicographic order, so the first that holds is the least.
        for chosen in combinations(who, size):
            if holds(formula, frozenset(chosen), person):
                return Forgery(size, tuple(shown[one] for one in chosen))
    return Forgery(K_OR_MORE, ())


def coalitions(formula: Formula, same_as: SameAs) -> Formula:
    """Return the same formula as `any` over the smallest coalitions, each person named by its least party text.

    So it stays flat however deep it was, and a reader sees who together suffices. Where that is more than 64 nodes some
    are left out, as `_shown_of` says; neither k nor k with an approver is another for that.

    Raises:
        FormulaInvalid: more than 12 persons.
    """
    person = persons(same_as)
    who = _named(formula, person)
    names = sorted(who, key=lambda one: who[one])
    found: list[frozenset[str]] = []
    for size in range(1, len(names) + 1):
        # A coalition that holds a smaller one in it says nothing new.
        found += [
            coalition
            for coalition in map(frozenset, combinations(names, size))
            if not any(one <= coalition for one in found) and holds(formula, coalition, person)
        ]
        if _nodes_of(found) > NODES_MAX:
            break
    return any_of(all_of(Party(who[one]) for one in sorted(coalition)) for coalition in _shown_of(found))


def _shown_of(found: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    """Return the coalitions that fit into 64 nodes, out of those found, the smallest first.

    An approver who stands in a smallest one adds nobody. So everybody who stands in any of them is seen in one that is
    shown: those come first, and there are at most as many as persons.
    """
    first: list[frozenset[str]] = []
    seen: frozenset[str] = frozenset()
    for coalition in found:
        if len(coalition) == len(found[0]) and not coalition <= seen:
            first.append(coalition)
            seen |= coalition
    shown: list[frozenset[str]] = []
    for coalition in (*first, *(one for one in found if one not in first)):
        if _nodes_of((*shown, coalition)) > NODES_MAX:
            break
        shown.append(coalition)
    return shown


def _nodes_of(found: Iterable[frozenset[str]]) -> int:
    return 1 + sum(len(one) + (len(one) > 1) for one in found)


def _named(formula: Formula, person: Mapping[str, str]) -> dict[str, str]:
    """Return each person of a formula with the least text that names it there. Raises FormulaInvalid: more than 12."""
    shown: dict[str, str] = {}
    for text in sorted(parties(formula), reverse=True):
        shown[party_person(text, person)] = text  # the least text comes last and stays
    if len(shown) > PERSONS_MAX:
        raise FormulaInvalid(f"controllers: expected at most {PERSONS_MAX} persons, got {len(shown)}")
    return shown


def award_k(formula: Formula, approver: str, same_as: SameAs) -> Forgery:
    """Return the forgery number of evidence and approval together; `approver` is a member id.

    An approver who already stands in a smallest set adds nothing. `same_as` is that of the moment of the decision.

    Raises:
        FormulaInvalid: more than 12 persons.
    """
    return forgery_number(all_of((formula, Party(f"member:{approver}"))), same_as)
