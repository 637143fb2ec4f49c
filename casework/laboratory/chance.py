"""Chance from a seed, in whole numbers only, so that a year comes out the same on every machine and every Python.

Of `random.Random` only `random()` is promised to stay the same for ever; it is a whole number of 2^-53, of which 32
bits are taken exactly. What is usually drawn with logarithms and square roots is drawn here from sums and repeated
throws: the last bit of those functions differs between machines, and one bit is enough to play another year.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

ALL_PERMILLE = 1_000
DAYS_MAX = 400
"""After so many throws it does not happen any more."""
_BITS = 32

T = TypeVar("T")


class Chance:
    """A stream of draws; another seed is another stream."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random

    def below(self, count: int) -> int:
        """Return a whole number from 0 to count - 1; `count` is at least 1 and far below 2^32."""
        return int(self._random() * (1 << _BITS)) * count >> _BITS

    def between(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + self.below(high - low + 1)

    def happens(self, permille: int) -> bool:
        """Draw once; 0 is never, 1000 always."""
        return self.below(ALL_PERMILLE) < permille

    def one_of(self, some: Sequence[T]) -> T:
        """Return one of them; there is at least one."""
        return some[self.below(len(some))]

    def shuffle(self, some: list[T]) -> None:
        """Bring a list into any order, in place."""
        for last in range(len(some) - 1, 0, -1):
            other = self.below(last + 1)
            some[last], some[other] = some[other], some[last]

    def around(self, middle: int, spread: int) -> int:
        """Return a number near the middle: three throws of -spread..spread, whose deviation is about `spread`."""
        return middle + sum(self.between(-spread, spread) for _ in range(3))

    def days(self, daily_permille: int) -> int | None:
        """Return after how many whole days it happens that happens on any day with this chance; None for never."""
        return next((day for day in range(DAYS_MAX) if self.happens(daily_permille)), None)
