"""Who may say of somebody that they can do what a course teaches: whom an owner named for that course, and why them.

Where people could be hurt, a provider's result is not enough: somebody has to have seen it who knows the thing. A role
says nothing of that. So an owner names each assessor for each course, with one of a few reasons, and answers for it by
an entry; what they say counts while they are named. Nobody assesses themselves, whoever named them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from casework import cases, people
from casework.errors import refuse
from casework.requests import Asked
from ledger.changes import Change, Delete, Insert
from ledger.commands import Command, Decided, Need, View
from ledger.entries import Draft, Entry

TRAINING = "training"
"""The verifier whose policies hold the catalogue of courses."""
GROUNDS = ("teaches", "certified", "experienced")
"""Why somebody can tell: they teach it, hold a certificate of it, or have done it for long."""
AUDITOR = "auditor"
"""A role that takes no part in what it checks: nobody with it alone is named."""


@dataclass(frozen=True, slots=True)
class NameAssessor:
    """Say that somebody may assess a course, and why. Named again: the newer reason stands."""

    course: str
    member: str
    ground: str


@dataclass(frozen=True, slots=True)
class EndAssessor:
    """Say that somebody assesses a course no more; what they said stays."""

    course: str
    member: str


# ---------------------------------------------------------------------------------------------- naming
def needs(course: str, member: str) -> list[Need]:
    """Need what `named` and `ended` look at: the catalogues, the member, whether they are named."""
    return [Need("policy", ()), Need("assessor", (course, member)), *people.rows([member])]


def courses(view: View) -> set[str]:
    """Return the courses of every published catalogue."""
    contents = (json.loads(row["content"]) for row in view.scan("policy", ()))
    return {
        name for one in contents if one["verifier"] == TRAINING for name in one["parameters"]["catalogue"]
    }


def named(view: View, command: Command, at: str) -> Decided:
    """Rule of name_assessor, for owners.

    Raises:
        Refused: role_missing, agent_may_not, unknown (course, member), reason_missing, reason_unknown.
    """
    asked: Asked = command.data
    request: NameAssessor = asked.request
    people.owner(view, asked.who)
    check_named(view, request.course, request.member, request.ground)
    body = {"course": request.course, "member": request.member, "ground": request.ground}
    return Decided((Draft("assessor_named", None, body),), (), {})


def check_named(view: View, course: str, member: str, ground: str | None) -> None:
    """Check that somebody can be named for a course. Raises Refused: unknown, reason_missing, reason_unknown."""
    known = courses(view)
    if course not in known:
        raise refuse(
            "unknown", f"expected a course of {', '.join(sorted(known)) or 'none'}, got {course}", "/course"
        )
    row = people.employed(view, member, "unknown", "/member")
    if set(people.roles(row)) <= {AUDITOR}:
        raise refuse("unknown", f"expected somebody who takes part in the work, got {member}", "/member")
    cases.one_of(ground, GROUNDS, "ground")


def ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_assessor, for owners.

    Raises:
        Refused: role_missing, agent_may_not, unknown (nobody named).
    """
    asked: Asked = command.data
    request: EndAssessor = asked.request
    people.owner(view, asked.who)
    check_is_named(view, request.course, request.member)
    body = {"course": request.course, "member": request.member}
    return Decided((Draft("assessor_ended", None, body),), (), {})


def check_is_named(view: View, course: str, member: str) -> None:
    """Check that there is something to end. Raises Refused: unknown."""
    if view.get("assessor", (course, member)) is None:
        raise refuse("unknown", f"expected an assessor of {course}, got {member}", "/member")


# ---------------------------------------------------------------------------------------------- assessing
def check_assesses(view: View, course: str, member: str) -> None:
    """Check that somebody is named for this course now. Raises Refused: not_assessor."""
    if view.get("assessor", (course, member)) is None:
        raise refuse("not_assessor", f"expected somebody whom an owner named for {course}, got {member}")


# ---------------------------------------------------------------------------------------------- rows
def _named(entry: Entry, opened: Mapping[str, Any] | None) -> list[Change]:
    row = {name: entry.body[name] for name in ("course", "member", "ground")}
    row |= {"named_by": entry.actor.id, "at": entry.at, "seq": entry.seq}
    return [*_ended(entry, opened), Insert("assessor", row)]


def _ended(entry: Entry, opened: Mapping[str, Any] | None) -> list[Change]:
    return [Delete("assessor", (entry.body["course"], entry.body["member"]))]


ROWS: Mapping[str, Callable[[Entry, Mapping[str, Any] | None], list[Change]]] = {
    "assessor_named": _named,
    "assessor_ended": _ended,
}
