"""The list of abuses: each with a name, who plays false, and what the same people do in the usual product."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.abuse.ground import Ground
from tests.abuse.one_click import Intent

Play = Callable[[Ground], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Abuse:
    """One abuse. `members`: the roles that play false, who gains first; `intent`: the requests by which the same is
    tried where somebody claims and another clicks yes, None: the first member claims it."""

    name: str
    group: str
    members: tuple[str, ...]
    intent: Intent | None
    play: Play

    @property
    def coalition(self) -> frozenset[str]:
        """Return the roles that play false."""
        return frozenset(self.members)


ABUSES: dict[str, Abuse] = {}


def abuse(group: str, name: str, *members: str, intent: Intent | None = None) -> Callable[[Play], Play]:
    """Add an abuse to the list."""

    def add(play: Play) -> Play:
        assert name not in ABUSES, name
        ABUSES[name] = Abuse(name, group, members, intent, play)
        return play

    return add
