"""Who may say of somebody that they can do what a course teaches, on the page of courses: everybody reads who is named,
an owner names and ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from api.pages.doors import Acting, Seen
from api.pages.names import people_of
from api.pages.words import Words, mark
from api.permissions import role_for
from api.scope import Scoped
from casework import tables
from casework.assessors import AUDITOR, EndAssessor, NameAssessor
from casework.people import AGENT
from ledger.codec import loads

GROUND_WORDS: Mapping[str, str] = {
    "teaches": mark("teaches it"),
    "certified": mark("holds a certificate of it"),
    "experienced": mark("has done it for long"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """One assessor of a course. `words`: who, why, and who named them when."""

    member: str
    words: str


@dataclass(frozen=True, slots=True)
class Course:
    """A course that somebody has to have seen, or for which somebody is named all the same."""

    id: str
    title: str
    needed: bool
    named: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Assessors:
    """What stands on the page. `courses`, `members`, `grounds`: what an owner chooses from; empty for others."""

    of: tuple[Course, ...]
    courses: tuple[tuple[str, str], ...] = ()
    members: tuple[tuple[str, str], ...] = ()
    grounds: tuple[tuple[str, str], ...] = ()


def course_words(course: str) -> str:
    """Return a course as it is written on pages."""
    return course.replace("-", " ")


async def named_for(rows: Scoped, member: str) -> frozenset[str]:
    """Return the courses for which somebody is named."""
    return frozenset(str(row["course"]) for row in await rows.find(tables.assessor, {"member": member}))


async def assessors_of(seen: Seen, catalogue: Mapping[str, Mapping[str, object]]) -> Assessors:
    """Return who is named for the courses of a catalogue, and the form where the reader may use it."""
    rows, words, people = seen.rooms.rows, seen.frame.words, await people_of(seen.rooms.rows)
    here = {
        str(row["member"]): set(loads(row["roles"]))
        for row in await rows.find(tables.member, {"active": 1})
        if AGENT not in loads(row["roles"])
    }
    by_course: dict[str, list[Named]] = {}
    for row in await rows.find(tables.assessor):
        if row["member"] in here:
            said = words.gettext(
                "%(who)s: %(ground)s. Since %(day)s, named by %(by)s.",
                who=people.name(row["member"], words), ground=_ground(row["ground"], words),
                by=people.name(row["named_by"], words), day=words.day(row["at"]),
            )  # fmt: skip
            by_course.setdefault(str(row["course"]), []).append(Named(str(row["member"]), said))
    told = tuple(
        Course(course, course_words(course), bool(said["assessed"]), tuple(by_course.get(course, ())))
        for course, said in sorted(catalogue.items())
        if said["assessed"] or course in by_course
    )
    if role_for("assessor.write", seen.caller.roles) is None:
        return Assessors(told)
    named = ((one, people.name(one, words)) for one, roles in here.items() if roles - {AUDITOR})
    return Assessors(
        told,
        courses=tuple((course, course_words(course)) for course in _first_needed(catalogue)),
        members=tuple(sorted(named, key=lambda one: one[1].casefold())),
        grounds=tuple((code, words.gettext(said)) for code, said in GROUND_WORDS.items()),
    )


def _first_needed(catalogue: Mapping[str, Mapping[str, object]]) -> Iterable[str]:
    return sorted(catalogue, key=lambda course: (not catalogue[course]["assessed"], course))


def _ground(code: str, words: Words) -> str:
    said = GROUND_WORDS[code]
    return words.gettext(said)


async def name(acting: Acting, courses: Collection[str]) -> None:
    """Take the form by which an owner names somebody. Raises Refused, BadRequest."""
    form = acting.form
    request = NameAssessor(
        form.one_of("course", courses), form.need("member", 64), form.one_of("ground", GROUND_WORDS)
    )
    await acting.rooms.office.name_assessor(acting.who, acting.key, request)


async def end(acting: Acting) -> None:
    """Take the form by which an owner ends it. Raises Refused, BadRequest."""
    request = EndAssessor(acting.form.need("course", 200), acting.form.need("member", 64))
    await acting.rooms.office.end_assessor(acting.who, acting.key, request)
