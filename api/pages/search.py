"""Search: exceptions by what they say, people by name, recognitions by what was said and to whom.

Texts are sealed one by one, so a search opens them: those of the last LOOKED_AT_MAX exceptions, and the page says so.
Nothing is found that the reader could not open: of other people's recognitions staff see only those they are part of.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.caller import Caller
from api.dossiers import Dossier, dossiers, sees_recognition
from api.pages.cards import STATES, People, title_of
from api.pages.doors import PageDoor, Seen, see
from api.pages.frame import show
from api.pages.names import people_of
from api.pages.team import ROLE_WORDS
from api.pages.thanks import state_chip
from api.pages.words import Words
from api.permissions import MATRIX
from api.rooms import Rooms
from api.scope import Row
from casework import tables
from ledger.codec import loads

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.read", here="search")]

LOOKED_AT_MAX = 300
FOUND_MAX = 20
QUERY_CHARS_MAX = 100


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found: where it is (empty: nowhere to go), what it is called, and how it stands."""

    path: str
    title: str
    detail: str
    chip: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, at most FOUND_MAX of each; `beyond` are more than are shown."""

    exceptions: tuple[Hit, ...]
    people: tuple[Hit, ...]
    awards: tuple[Hit, ...]
    beyond: int

    @property
    def nothing(self) -> bool:
        """Say whether nothing was found at all."""
        return not (self.exceptions or self.people or self.awards)


@router.get("/search")
async def search_page(seen: Sees, q: Annotated[str, Query(max_length=QUERY_CHARS_MAX)] = "") -> Response:
    """Ask, or show what was found."""
    asked = " ".join(q.split())
    found = await search(seen.rooms, seen.caller, asked, seen.frame.words) if asked else None
    return await show(seen.frame, "search.html", q=asked, found=found, most=LOOKED_AT_MAX)


async def search(rooms: Rooms, caller: Caller, q: str, words: Words) -> Found:
    """Return what fits all words of `q`, for this caller."""
    wanted = folded(q).split()
    people = await people_of(rooms.rows)
    rows = await rooms.rows.find(tables.case_file, order="opened_seq", limit=LOOKED_AT_MAX)
    read = [row for row in rows if caller.reads(row["subject_kind"])]
    files = await dossiers(rooms.rows, read)
    exceptions = [_exception(one, words) for one in files if _fits(_texts(one, words), wanted)]
    awards = [hit for one in files for hit in _awards(one, people, caller, wanted, words)]
    persons = await _people(rooms, people, wanted, words)
    parts = (exceptions, persons, awards)
    shown = [tuple(part[:FOUND_MAX]) for part in parts]
    beyond = sum(len(part) - len(cut) for part, cut in zip(parts, shown, strict=True))
    return Found(shown[0], shown[1], shown[2], beyond)


def folded(text: str) -> str:
    """Return a text without case and accents: `cafe` finds `Café`."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


def _fits(texts: list[str], wanted: list[str]) -> bool:
    there = folded("\n".join(texts))
    return bool(wanted) and all(word in there for word in wanted)


def _texts(dossier: Dossier, words: Words) -> list[str]:
    facts = [value for value in dossier.facts().values() if isinstance(value, str)]
    note = dossier.text(dossier.case, "note_item")
    texts = [str(dossier.text(one, "text_item") or "") for one in dossier.proposals]
    return [title_of(dossier, words), str(note or ""), *facts, *texts]


def _exception(dossier: Dossier, words: Words) -> Hit:
    chip, tone, _, _ = STATES[dossier.case["state"]]
    when = words.moment(str(dossier.case["detected_at"]))
    return Hit(f"/exceptions/{dossier.id}", title_of(dossier, words), when, words.gettext(chip), tone)


def _awards(dossier: Dossier, people: People, caller: Caller, wanted: list[str], words: Words) -> list[Hit]:
    """Return the recognitions of a case that fit and that this caller may open."""
    roles = set(caller.roles)
    if not MATRIX["award.read"] & roles:
        return []
    if not sees_recognition(dossier, caller.member, roles):
        return []
    told = []
    for row in dossier.awards:
        members = [str(one["member"]) for one in dossier.shares if one["award"] == row["award"]]
        names = words.listed(people.name(one, words) for one in members)
        message = str(dossier.text(row, "message_item") or "")
        if _fits([names, message, title_of(dossier, words)], wanted):
            told.append(_award(row, names, message, caller.member in members, words))
    return told


def _award(row: Row, names: str, message: str, own: bool, words: Words) -> Hit:
    held = row["held_by"] is not None
    chip, tone = state_chip(row["state"], held, str(row["settle_not_before"]), own, words)
    title = words.gettext("Thanks to %(people)s", people=names)
    return Hit(f"/recognition/{row['award']}", title, message, chip, tone)


async def _people(rooms: Rooms, people: People, wanted: list[str], words: Words) -> list[Hit]:
    """Return the people whose name fits, by name."""
    roles: Mapping[str, list[str]] = {
        str(row["member"]): loads(row["roles"]) for row in await rooms.rows.find(tables.member, {"active": 1})
    }
    named = sorted(
        ((str(name), member) for member, name in people.names.items() if member in roles),
        key=lambda pair: pair[0].casefold(),
    )
    return [
        Hit(
            "",
            name,
            words.listed(words.gettext(ROLE_WORDS[one]) for one in ROLE_WORDS if one in roles[member]),
        )
        for name, member in named
        if _fits([name], wanted)
    ]
