"""A file of results that a provider signed, on its page: brought by a lead, and told line by line what was made of it.

Where a line names an account that nobody here was said to have, the page asks whose it is (source_names.py takes the
answer); the file is sent again then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import watch_words
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show
from api.pages.names import people_of
from api.pages.trouble_words import SAID as TROUBLES
from api.pages.words import Words, mark
from api.permissions import role_for
from api.problems import BadRequest
from api.signed_results import (
    FILE_BYTES_MAX,
    HERE,
    LINES_MAX,
    NO_CLAIM,
    NO_KEY,
    NO_RESULT,
    NOBODY,
    REFUSED,
    TAKEN,
    Brought,
    NoLines,
    bring,
)
from api.whose import others_of
from casework import tables

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("record.write", here="sources")]
Brings = Annotated[Acting, act("record.write", here="sources", large_body=True)]
WAYS: Mapping[str, tuple[str, str, str]] = {
    TAKEN: (mark("Taken"), "done", ""),
    HERE: (mark("Here already"), "quiet", mark("It was brought before and counts once.")),
    NO_RESULT: (
        mark("Not taken"),
        "late",
        mark("This line is no signed result, or says something we cannot read."),
    ),
    NO_KEY: (
        mark("Not taken"),
        "late",
        mark("No key that counts here signed it, or it was changed afterwards."),
    ),
    NOBODY: (mark("Not taken yet"), "attention", mark("Nobody said whose account this is.")),
    NO_CLAIM: (
        mark("Not taken yet"),
        "attention",
        mark("They did not write down yet that they do this course. They do it under Recognition."),
    ),
    REFUSED: (mark("Not taken"), "late", mark("It could not be put down.")),
}
"""Outcome -> chip, tone, why."""
TAKEN_SAID = mark("%(who)s says that it is done, then it is checked.")
PASSED, NOT_PASSED = mark("passed"), mark("not passed")
NOT_READ = mark("This file was not taken, and nothing was changed.")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file in words. `asks`: whose account it is can be said beside it."""

    number: int
    chip: str
    tone: str
    why: str
    who: str
    what: str
    account: str
    quoted: str
    case: str | None
    asks: bool
    detail: str


@router.get("/sources/results")
async def choose(seen: Sees, source: str = "") -> Response:
    """Ask for a file."""
    return await _page(seen, source=source)


@router.post("/sources/results")
async def take(acting: Brings) -> Response:
    """Take a file in, line by line."""
    source = acting.form.need("source", chars_max=200)
    file = acting.form.file("file")
    if file is None:
        raise BadRequest("missing", "file: expected a file, got none", field="/file")
    try:
        data = await file.read(FILE_BYTES_MAX + 1)
        done = await bring(acting.rooms, acting.who, acting.then, source, data)
    except NoLines as error:
        words = acting.frame.words
        why = words.gettext(
            "It needs a text file with 1 to %(num)s lines, one signed result a line.", num=LINES_MAX
        )
        return await _page(
            acting, source=source, problem=(words.gettext(NOT_READ), why, str(error)), status=422
        )
    return await _page(acting, source=source, done=done)


async def _page(
    seen: Seen,
    source: str = "",
    done: list[Brought] | None = None,
    problem: tuple[str, str, str] | None = None,
    status: int = 200,
) -> Response:
    rows, words = seen.rooms.rows, seen.frame.words
    names = (await people_of(rows)).names
    may_link = role_for("account.link", seen.caller.roles) is not None
    lines = [_line(one, names, may_link, words) for one in done or ()]
    return await show(
        seen.frame,
        "signed_results.html",
        status=status,
        providers=await providers(seen),
        source=source,
        done=done is not None,
        lines=lines,
        said=_said(done or [], words),
        whole=all(one.outcome in (TAKEN, HERE) for one in done or ()),
        people=await _others(seen, names, words) if any(one.asks for one in lines) else (),
        problem=problem,
        key=seen.fresh_key(),
    )


async def providers(seen: Seen) -> list[tuple[str, str]]:
    """Return the sources whose files count, each once."""
    found = await seen.rooms.rows.find(tables.source_key, {"active": 1})
    return [(one, watch_words.plain(one)) for one in sorted({str(row["source"]) for row in found})]


async def _others(seen: Seen, names: Mapping[str, str], words: Words) -> list[tuple[str, str]]:
    """Return whose account it may be: never the reader's own, which is for somebody else to say."""
    others = await others_of(seen.rooms.rows, seen.caller.member)
    named = sorted(
        ((one, names.get(one, words.gettext("somebody"))) for one in others),
        key=lambda one: one[1].casefold(),
    )
    return [("", words.gettext("Choose…")), *named]


def _said(done: list[Brought], words: Words) -> str:
    count = sum(one.outcome == TAKEN for one in done)
    return words.ngettext("%(num)s result was taken.", "%(num)s results were taken.", count)


def _line(one: Brought, names: Mapping[str, str], may_link: bool, words: Words) -> Line:
    chip, tone, why = WAYS[one.outcome]
    who = names.get(one.member, words.gettext("somebody")) if one.member else ""
    told = words.gettext(why) if why else words.gettext(TAKEN_SAID, who=who)
    if one.outcome == REFUSED and one.code in TROUBLES:
        told = " ".join(words.gettext(part) for part in TROUBLES[one.code][:2])
    result = words.gettext(PASSED) if one.passed else words.gettext(NOT_PASSED)
    return Line(
        one.line,
        words.gettext(chip),
        tone,
        told,
        who,
        f"{one.course} {one.version}, {result}" if one.course else "",
        one.account,
        quote(one.account),
        one.case,
        may_link and one.outcome == NOBODY,
        "" if one.outcome == HERE else one.detail,
    )
