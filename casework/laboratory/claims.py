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
    """

    person: Person
    at_ms: int
    approved_at_ms: int
    way: str
    learnt_as: str
    truth: str
    minutes: float
    value: dict[str, Any]
    found_at_ms: int | None = None
    good_news: bool = True


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter-metric: `count` of `total`, or a mean where `unit` says so. Lower is better."""

    name: str
    count: float
    total: float
    unit: str = "permille"

    @property
    def figure(self) -> float:
        """Return the share in per mille, or the mean."""
        if not self.total:
            return 0.0
        return self.count / self.total * (1_000 if self.unit == "permille" else 1)


class Play(Protocol):
    """A world for one verifier. It is made with the seed, the parameters of the policy, and whether failures pay."""

    def day(self, day: int, people: Sequence[Person]) -> Iterator[Claim]:
        """Play one day; claims come in the order in which they are granted."""
        ...

    def told(self, claim: Claim, granted: bool) -> None:
        """Hear what became of a claim before the next one is asked for."""
        ...

    def counters(self) -> tuple[Counter, ...]:
        """Return the counter-metrics of the year."""
        ...
