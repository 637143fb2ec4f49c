"""People and powers: who may decide what, up to how much, until when, and who gave them that power. To read only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.cards import People
from api.pages.doors import PageDoor, Seen, see
from api.pages.frame import show
from api.pages.names import people_of
from api.pages.sheets import sheet
from api.pages.words import Words, mark
from api.scope import Row
from casework import tables
from ledger.codec import loads

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("authority.read", here="powers")]
EVERYTHING = "*"
AWARD_KINDS = {"service_issue": mark("something put right for a guest")}
"""What is recognised, in words; another one is shown as its own name says it."""
ASSURANCES = {
    "passkey": mark("with a passkey"),
    "session": mark("signed in here"),
    "key": mark("signed in here, or a program with a key"),
    "pin": mark("signed in, a key or a PIN"),
    "link": mark("in any way"),
}
COLUMNS = (
    mark("Who"), mark("May decide"), mark("About"), mark("Up to"), mark("Until"), mark("Signed in how"),
    mark("Given by"), mark("How it stands"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Power:
    """One power of one person, in words."""

    who: str
    what: str
    about: str
    most: str
    until: str
    how: str
    by: str
    now: bool


@router.get("/powers")
async def powers(seen: Sees) -> Response:
    """Show every power, by name; those that ended stay visible."""
    words = seen.frame.words
    found = await powers_of(seen)
    if seen.request.query_params.get("as") == "csv":
        head = [words.gettext(one) for one in COLUMNS]
        rows = [
            (one.who, one.what, one.about, one.most, one.until, one.how, one.by, _stands(one, words))
            for one in found
        ]
        return sheet("powers", head, rows)
    return await show(
        seen.frame,
        "powers.html",
        active=[one for one in found if one.now],
        ended=[one for one in found if not one.now],
        checked=words.clock(seen.rooms.clock.now()),
    )


def _stands(one: Power, words: Words) -> str:
    return words.gettext("in force") if one.now else words.gettext("ended")


async def powers_of(seen: Seen) -> list[Power]:
    """Return every power, by the name of whoever holds it."""
    rows, words, now = seen.rooms.rows, seen.frame.words, seen.rooms.clock.now()
    found = await rows.find(tables.authority)
    people = await people_of(rows)
    members = {str(row["member"]): row for row in await rows.find(tables.member)}
    told = [_power(row, people, members, now, words) for row in found]
    return sorted(told, key=lambda one: (one.who.casefold(), one.what))


def _power(row: Row, people: People, members: dict[str, Row], now: str, words: Words) -> Power:
    about_award = row["about"] == "award"
    what = words.gettext("whether it is recognised") if about_award else words.gettext("what is done")
    if row["second_person"]:
        what = words.gettext("%(what)s, as a second person", what=what)
    member = members.get(str(row["member"]))
    until = row["until"]
    return Power(
        who=people.name(str(row["member"]), words),
        what=what,
        about=_scope(loads(row["scope"]), words),
        most=_most(row, words),
        until=words.full(str(until)) if until else words.gettext("no end set"),
        how=words.gettext(ASSURANCES.get(str(row["assurance_min"]), str(row["assurance_min"]))),
        by=people.name(str(row["granted_by"]), words),
        now=bool(row["active"]) and bool(member and member["active"]) and (until is None or now < until),
    )


def _most(row: Row, words: Words) -> str:
    if row["about"] == "award":
        most = row["tokens_max"]
        return (
            words.gettext("no limit")
            if most is None
            else words.ngettext("%(num)s token", "%(num)s tokens", most)
        )
    return words.gettext("no limit") if row["amount_max"] is None else words.money(loads(row["amount_max"]))


def _scope(scope: list[str], words: Words) -> str:
    if EVERYTHING in scope:
        return words.gettext("everything")
    told = [
        words.gettext(AWARD_KINDS[one])
        if one in AWARD_KINDS
        else one.replace("_", " ").replace("-", " ").capitalize()
        for one in scope
    ]
    return ", ".join(told) or words.gettext("nothing")
