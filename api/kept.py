"""Answers that cost seconds, kept until what they rest on changes; asked twice at once, they are worked out once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

KEPT_MAX = 64
T = TypeVar("T")


class Kept:
    """The last KEPT_MAX answers by what they rest on. One is worked out at a time: each takes a whole core."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def get(self, rests_on: tuple[Any, ...], work_out: Callable[[], Awaitable[T]]) -> T:
        """Return the answer for exactly this, working it out if nobody has."""
        async with self._one_at_a_time:
            if rests_on not in self._answers:
                self._answers[rests_on] = await work_out()
                while len(self._answers) > KEPT_MAX:
                    self._answers.popitem(last=False)
            self._answers.move_to_end(rests_on)
            answer: T = self._answers[rests_on]
            return answer
