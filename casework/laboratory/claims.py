"""What a world hands to the year: a claim with the truth behind it, and the counter-metric at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from casework.laboratory.agents import Person


@dataclass(frozen=True, slots=True)
class Claim:
    """One piece of work that somebody wants recognised, and what is true of it.

    `way` names how it was done, for whoever approves or looks again. `found_at_ms`: when what is false about it comes
    out by itself, None for never. `good_news`: False for a check that found a failure.
    `settles`: False where a condition beside the window is never met, as questions never answered well.
    """

    person: Person
    at_ms: int
    approved_at_ms: int
    way: str
    learnt_as: str
    truth: str
    seconds: int
    value: dict[str, Any]
    found_at_ms: int | None = None
    good_news: bool = True
    settles: bool = True


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter-metric: `count` of `total`. Lower is better."""

    name: str
    count: int
    total: int

    @property
    def permille(self) -> int:
        """Return the share in per mille, rounded."""
        return (2 * 1_000 * self.count + self.total) // (2 * self.total) if self.total else 0


class Play(Protocol):
    """A world for one verifier. It is made with the seed, whether failures pay, and the parameters of the policy."""

    def day(self, day: int, people: Sequence[Person]) -> Iterator[Claim]:
        """Play one day; claims come in the order in which they are granted."""
        ...

    def told(self, claim: Claim, granted: bool) -> None:
        """Hear what became of a claim before the next one is asked for."""
        ...

    def counters(self) -> tuple[Counter, ...]:
        """Return the counter-metrics of the year."""
        ...
