"""The list of abuses: each with a name, who plays false, and the same thing tried in the usual product."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.abuse.ground import Ground

Play = Callable[[Ground], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Abuse:
    """One abuse. `coalition`: the roles that play false; `one_click`: what the usual product would make of it."""

    name: str
    group: str
    coalition: frozenset[str]
    one_click: str
    play: Play


ABUSES: dict[str, Abuse] = {}
CREDITED, REFUSED = "credited", "refused"


def abuse(group: str, name: str, *coalition: str, one_click: str = CREDITED) -> Callable[[Play], Play]:
    """Add an abuse to the list. `one_click`: what "somebody claims, somebody else clicks yes" does with it, reasoned
    in docs/abuse.md: it refuses who says yes to their own claim under one account, and asks nothing else."""

    def add(play: Play) -> Play:
        assert name not in ABUSES, name
        ABUSES[name] = Abuse(name, group, frozenset(coalition), one_click, play)
        return play

    return add
