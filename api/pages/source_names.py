"""Who is who in a source: the names in its records that nobody is known by yet, each with a choice of people; and those
that are somebody's, with who said so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.pages import watch_words
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show, with_toast
from api.pages.names import people_of
from api.pages.troubles import Trouble, trouble_of
from api.pages.words import Words, mark
from api.problems import BadRequest, of_error
from api.scope import Row
from api.whose import Unknown, known, likely, others_of, unknown
from casework import tables
from casework.known_as import NAME_CHARS_MAX
from casework.requests import LinkAccount
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("account.link", here="sources")]
Says = Annotated[Acting, act("account.link", here="sources")]
SourceId = Annotated[str, Path(max_length=200)]
QUOTED_CHARS_MAX = 12 * NAME_CHARS_MAX
"""Each of a name's characters has at most four bytes, each of three in an address."""
SHOWN_MAX = 30
"""Names offered at once, those that stand in most records first."""
SAID = {
    "known": mark("Noted. It holds for what is judged from now on."),
    "ended": mark("Nobody is meant by it any more."),
}


@dataclass(frozen=True, slots=True)
class Offered:
    """A name that is nobody's yet: where it stands, and who it may be (empty: no one of that name)."""

    name: str
    quoted: str
    where: str
    likely: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A name that is somebody's, and who said so. `may_end`: it is not the reader's own."""

    name: str
    quoted: str
    who: str
    by: str
    may_end: bool


@router.get("/sources/{source}/names")
async def names(source: SourceId, seen: Sees, said: str = "") -> Response:
    """Show who is who in a source."""
    row = await seen.rooms.rows.need("source", tables.source, source=source)
    return await page(seen, row, said=said)


@router.post("/sources/{source}/names")
async def say(source: SourceId, acting: Says) -> Response:
    """Say whose a name is, or that it is nobody's any more."""
    row = await acting.rooms.rows.need("source", tables.source, source=source)
    form, rooms = acting.form, acting.rooms
    # A name counts letter by letter, and a text of a form loses the spaces around it: so it comes as in an address.
    name, ends = unquote(form.need("name", chars_max=QUOTED_CHARS_MAX)), form.text("verb") == "end"
    if len(name) > NAME_CHARS_MAX:
        raise BadRequest("too_long", f"name: expected at most {NAME_CHARS_MAX} characters, got {len(name)}")
    member = None if ends else form.need("member", chars_max=64)
    try:
        await rooms.office.link_account(acting.who, acting.key, LinkAccount(source, name, member))
    except Refused as refusal:
        body, _ = of_error(refusal)
        await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
        return await page(acting, row, trouble_of(acting.frame.words, body), body["status"])
    where = acting.request.url.path
    return RedirectResponse(f"{where}?said={'ended' if ends else 'known'}", status_code=303)


async def page(
    seen: Seen, row: Row, trouble: Trouble | None = None, status: int = 200, said: str = ""
) -> Response:
    """Return the page of one source."""
    rows, words = seen.rooms.rows, seen.frame.words
    others, called = await others_of(rows, seen.caller.member), await people_of(rows)
    there = {one: called.name(one, words) for one in others}
    found = await unknown(seen.rooms, row)
    linked = [
        Linked(
            one.name or "",
            quote(one.name or ""),
            called.name(one.member, words),
            called.name(one.linked_by, words),
            one.name is not None and await _not_own(seen, one.member),
        )
        for one in await known(rows, source=row["source"])
    ]
    frame = with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame
    return await show(
        frame,
        "source_names.html",
        status=status,
        path=seen.request.url.path,
        source=watch_words.plain(row["source"]),
        offered=[_offered(one, there, words) for one in found[:SHOWN_MAX]],
        beyond=max(0, len(found) - SHOWN_MAX),
        linked=linked,
        people=[("", words.gettext("Choose…")), *sorted(there.items(), key=lambda one: one[1].casefold())],
        trouble=trouble,
        key=seen.fresh_key(),
    )


async def _not_own(seen: Seen, member: str) -> bool:
    rows = {
        row["member"]: row["same_as"] or row["member"] for row in await seen.rooms.rows.find(tables.member)
    }
    return rows.get(member) != rows.get(seen.caller.member)


def _offered(one: Unknown, there: Mapping[str, str], words: Words) -> Offered:
    where = words.ngettext(
        "in %(num)s record, the latest of %(day)s",
        "in %(num)s records, the latest of %(day)s",
        one.records,
        day=words.day(one.last),
    )
    return Offered(one.name, quote(one.name), where, likely(one.name, there) or "")
