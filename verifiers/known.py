"""What a verdict input may name: members that stand in `people`, seqs below `as_of`, parties, plain values."""

from __future__ import annotations

from dataclasses import dataclass

from verifiers.controllers import SERVER, Formula, is_party, parse_formula, parties
from verifiers.reading import INTEGER_MAX, Reader

SYSTEM = "system"
Scalar = None | bool | int | str


@dataclass(frozen=True, slots=True)
class Known:
    """What ids and seqs may be named."""

    size: int
    people: frozenset[str]

    def seq(self, at: Reader) -> int:
        return at.integer(0, self.size - 1)

    def member(self, at: Reader) -> str:
        if at.id() not in self.people:
            raise at.refuse("an id that stands in people")
        return at.id()

    def actor(self, at: Reader) -> str:
        return SYSTEM if at.value == SYSTEM else self.member(at)

    def party(self, at: Reader) -> str:
        text = at.id()
        if text != SYSTEM and not is_party(text):
            raise at.refuse("a party or system")
        self.check(text, at)
        return text

    def formula(self, at: Reader) -> Formula:
        formula = parse_formula(at.value, at.path)
        for text in sorted(parties(formula)):
            self.check(text, at)
        return formula

    def check(self, party: str, at: Reader) -> None:
        kind, _, name = party.partition(":")
        if party != SERVER and kind == "member" and name not in self.people:
            raise at.refuse("members that stand in people")


def read_scalar(at: Reader) -> Scalar:
    """Read null, a bool, an integer or a text."""
    if at.value is None or type(at.value) is bool:
        return at.value
    if type(at.value) is int:
        return at.integer(-INTEGER_MAX)
    return at.text()


def read_fields(at: Reader, count_max: int) -> dict[str, Scalar]:
    """Read an object of plain values."""
    return {name: read_scalar(field) for name, field in at.entries(count_max)}
