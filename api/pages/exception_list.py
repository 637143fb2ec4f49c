"""All exceptions as a list: what is open, what is mine, what others handled today; page by page, and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dossiers import Dossier, dossiers
from api.pages.cards import STATES, Card, People, card_of
from api.pages.doing_words import Options
from api.pages.doors import PageDoor, Seen, see
from api.pages.frame import show
from api.pages.inbox import handled_since
from api.pages.names import people_of
from api.pages.sheets import sheet
from api.pages.watch_names import watch_words
from api.pages.words import Words, mark
from api.problems import NotAllowed
from api.scope import Row, read_cursor, write_cursor
from casework import cases, tables

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.read", here="")]
TODAY, OPEN, MINE, ALL = "today", "open", "mine", "all"
WHICH: tuple[tuple[str, str], ...] = (
    (OPEN, mark("Open")),
    (MINE, mark("Mine")),
    (TODAY, mark("Handled by others today")),
    (ALL, mark("All")),
)
TITLES = {
    OPEN: mark("Open exceptions"),
    MINE: mark("What is with you"),
    TODAY: mark("Handled today without you"),
    ALL: mark("All exceptions"),
}
HEAD = (
    mark("What"),
    mark("Where it stands"),
    mark("Watch"),
    mark("Who owns it"),
    mark("Noticed"),
    mark("At stake"),
    mark("Address"),
)
PAGE_ROWS = 30
AHEAD_MAX = 500
"""How far beyond the page is counted; what lies further is "more than that"."""
SHEET_ROWS_MAX = 1_000
OPEN_STATES = tuple(state for state in cases.STATES if state not in cases.ENDED)


@dataclass(frozen=True, slots=True)
class Line:
    """One exception in the list."""

    card: Card
    watch: str
    opened_at: str


@router.get("/exceptions")
async def exceptions(
    seen: Sees,
    ended: Annotated[str, Query(max_length=20)] = OPEN,
    state: Annotated[str, Query(max_length=40)] = "",
    watch: Annotated[str, Query(max_length=200)] = "",
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    as_: Annotated[str, Query(alias="as", max_length=10)] = "",
) -> Response:
    """List exceptions, the latest first."""
    if seen.caller.charter is not None:
        raise NotAllowed("not_allowed", "expected a person, got a digital employee")
    which = ended if ended in TITLES else OPEN
    words, rows = seen.frame.words, seen.rooms.rows
    most = SHEET_ROWS_MAX if as_ == "csv" else PAGE_ROWS
    found = await _found(seen, which, state, watch, cursor, most + AHEAD_MAX)
    kept, beyond = found[:most], len(found) - most
    people = await people_of(rows)
    lines = [_line(one, people, words, {}) for one in await dossiers(rows, kept)]
    if as_ == "csv":
        return _sheet(lines, words)
    asked = {"ended": which, "state": state, "watch": watch}
    more = None
    if beyond > 0:
        last = int(kept[-1]["opened_seq"])
        more = f"/exceptions?{urlencode({**asked, 'cursor': write_cursor(last)})}"
    return await show(
        seen.frame,
        "exceptions.html",
        title=words.gettext(TITLES[which]),
        which=[(code, words.gettext(said)) for code, said in WHICH],
        chosen=asked,
        states=_states(words),
        watches=await _watches(seen),
        lines=lines,
        beyond=_beyond(beyond, words),
        more=more,
        sheet=f"/exceptions?{urlencode({**asked, 'as': 'csv'})}",
        checked=words.clock(seen.rooms.clock.now()),
    )


async def _found(seen: Seen, which: str, state: str, watch: str, cursor: str | None, most: int) -> list[Row]:
    rows, words, now = seen.rooms.rows, seen.frame.words, seen.rooms.clock.now()
    where: dict[str, Any] = {}
    if which == TODAY:
        ids = await handled_since(rows, words.midnight(now), seen.caller.member)
        if not ids:
            return []
        where["case"] = ids
    if which == MINE:
        where["owner"] = seen.caller.member
    if which in (OPEN, MINE):
        where["state"] = list(OPEN_STATES)
    if state in STATES:
        where["state"] = state
    if watch:
        where["playbook"] = watch
    return await rows.find(tables.case_file, where, order="opened_seq", below=read_cursor(cursor), limit=most)


def _line(dossier: Dossier, people: People, words: Words, wanted: dict[str, Any]) -> Line:
    card = card_of(dossier, people, words, wanted)
    playbook = dossier.case["playbook"]
    name = watch_words(playbook, words) if playbook else words.gettext("Told by somebody")
    return Line(card, name, str(dossier.case["opened_at"]))


def _states(words: Words) -> Options:
    return tuple((state, words.gettext(said[0])) for state, said in STATES.items())


async def _watches(seen: Seen) -> Options:
    found = await seen.rooms.rows.find(tables.playbook)
    named = ((str(row["playbook"]), watch_words(row["playbook"], seen.frame.words)) for row in found)
    return tuple(sorted(named, key=lambda one: one[1].casefold()))


def _beyond(beyond: int, words: Words) -> str:
    if beyond <= 0:
        return ""
    if beyond >= AHEAD_MAX:
        return words.gettext("and more than %(num)s others", num=words.number(AHEAD_MAX - 1))
    return words.ngettext("and %(num)s more", "and %(num)s more", beyond)


def _sheet(lines: Sequence[Line], words: Words) -> Response:
    return sheet(
        "exceptions",
        [words.gettext(name) for name in HEAD],
        [
            (
                one.card.title,
                one.card.chip,
                one.watch,
                one.card.owner,
                one.opened_at,
                one.card.at_stake,
                one.card.path,
            )
            for one in lines
        ],
    )
