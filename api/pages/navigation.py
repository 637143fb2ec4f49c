"""Which pages somebody sees, by role: the bar of at most five entries, and the group "Running the place".

A person with several roles gets the union; the order never changes. An entry leads to a page that the role may read:
a test holds each against the matrix.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.pages.words import mark
from api.permissions import AUDITOR, MANAGER, OUTSIDER, OWNER, STAFF

BAR_ENTRIES_MAX = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `key` names the page, `icon` a symbol of components/icons.html."""

    key: str
    path: str
    words: str
    icon: str


ENTRIES: tuple[Entry, ...] = (
    Entry("decisions", "/decisions", mark("Decisions"), "scales"),
    Entry("work", "/my-work", mark("My work"), "list"),
    Entry("recognition", "/recognition", mark("Recognition"), "tally"),
    Entry("hours", "/hours", mark("Recognition and hours"), "tally"),
    Entry("report", "/report", mark("Report"), "plus"),
    Entry("watch", "/watch", mark("What we watch"), "eye"),
    Entry("team", "/team", mark("Team"), "people"),
    Entry("sources", "/sources", mark("Where data comes from"), "inlet"),
    Entry("people", "/people", mark("People"), "card"),
    Entry("settings", "/settings", mark("Settings"), "gear"),
    Entry("record", "/record", mark("The record"), "book"),
    Entry("awards", "/record/awards", mark("Awards"), "tally"),
    Entry("powers", "/powers", mark("People and powers"), "key"),
    Entry("me", "/me", mark("Me"), "person"),
)
"""All pages of the navigation, in the order in which they always stand."""

BAR = {
    STAFF: ("work", "recognition", "report", "me"),
    MANAGER: ("decisions", "work", "report", "team", "me"),
    OWNER: ("decisions", "report", "watch", "team", "me"),
    AUDITOR: ("record", "awards", "powers", "me"),
    OUTSIDER: ("decisions", "recognition", "me"),
}
MORE = {
    STAFF: (),
    MANAGER: ("watch", "recognition", "people", "record"),
    OWNER: ("work", "recognition", "hours", "sources", "people", "settings", "record"),
    AUDITOR: (),
    OUTSIDER: (),
}


def entries_of(roles: Iterable[str], decides: bool = False) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Return the bar and the rest; who holds a power to decide has a way to Decisions, whatever their role.

    With several roles the bar is that of the first role here, and what the others add stands in the rest: a bar never
    holds more than BAR_ENTRIES_MAX.
    """
    held = [role for role in BAR if role in set(roles)]
    order = [role for role in (OWNER, MANAGER, STAFF, AUDITOR, OUTSIDER) if role in held]
    bar = set(BAR[order[0]]) if order else {"me"}
    wanted = {key for role in order for key in (*BAR[role], *MORE[role])}
    if decides and "decisions" not in wanted:
        wanted.add("decisions")
        bar |= {"decisions"} if len(bar) < BAR_ENTRIES_MAX else set()
    return (
        tuple(entry for entry in ENTRIES if entry.key in bar),
        tuple(entry for entry in ENTRIES if entry.key in wanted - bar),
    )


def home_of(roles: Iterable[str]) -> str:
    """Return the address of the page that somebody begins with."""
    return entries_of(roles)[0][0].path
