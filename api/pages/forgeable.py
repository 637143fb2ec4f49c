"""The recognitions that are the easiest to fake, for owners and auditors: how many would have had to lie, and who."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.forgeable import Floor, cheapest, floors
from api.pages import watch_words
from api.pages.cards import People
from api.pages.doors import PageDoor, Seen, see
from api.pages.frame import show
from api.pages.names import people_of
from api.pages.thanks import state_chip, tokens_words
from api.pages.words import Words, mark
from api.scope import Row
from casework import tables
from ledger.codec import loads

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("award.weigh", here="awards")]
From = Annotated[int, Query(alias="from", ge=0, le=2**31 - 1)]
SHOWN_MAX = 25
KINDS: Mapping[str, str] = {
    "service_issue": mark("Something put right for a guest"),
    "operational_check": mark("A check in time"),
    "handover": mark("A hand-over"),
    "training": mark("A course"),
    "referral": mark("Somebody referred"),
}
"""Kind of recognition -> its words."""


@dataclass(frozen=True, slots=True)
class Line:
    """One recognition. `needed` is empty where it is as hard to fake as is asked today."""

    path: str
    people: str
    kind: str
    tokens: str
    chip: str
    tone: str
    fewest: str
    who: str
    needed: str
    given: str
    instant: str


@router.get("/record/forgeable")
async def forgeable(seen: Sees, kind: str = "", below: str = "", skip: From = 0) -> Response:
    """List live recognitions, the easiest to fake first."""
    rows, words = seen.rooms.rows, seen.frame.words
    limits = await floors(rows)
    chosen = kind if kind in KINDS else None
    found = await cheapest(rows, limits, kind=chosen, below=below == "yes", skip=skip, limit=SHOWN_MAX)
    ids = [str(row["award"]) for row in found.rows]
    shares = await rows.find(tables.award_share, {"award": ids}) if ids else []
    recognised: dict[str, list[str]] = {award: [] for award in ids}
    for share in shares:
        recognised[str(share["award"])].append(str(share["member"]))
    people = await people_of(rows)
    points = {str(row["point"]): str(row["place"]) for row in await rows.find(tables.point)}
    return await show(
        seen.frame,
        "forgeable.html",
        lines=[
            _line(row, recognised[str(row["award"])], limits, Parties(people, points, words))
            for row in found.rows
        ],
        kinds=[
            ("", words.gettext("Every kind")),
            *((name, words.gettext(said)) for name, said in KINDS.items()),
        ],
        kind=chosen or "",
        below=below == "yes",
        skip=skip,
        further=skip + SHOWN_MAX if found.beyond else None,
        checked=words.clock(seen.rooms.clock.now()),
    )


@dataclass(frozen=True, slots=True)
class Parties:
    """What parties of a formula are called. `points`: point -> place."""

    people: People
    points: Mapping[str, str]
    words: Words

    def said(self, party: str, recognised: list[str]) -> str:
        """Return a party in words; a guest is never named."""
        kind, _, name = party.partition(":")
        gettext = self.words.gettext
        if kind == "member" and name in recognised:
            return gettext("%(name)s, who was recognised", name=self.people.name(name, self.words))
        if kind == "member" and name in self.people.helpers:
            return gettext("%(name)s (digital employee)", name=self.people.name(name, self.words))
        if kind == "member":
            return self.people.name(name, self.words)
        if kind == "customer":
            return gettext("the guest")
        if kind == "source":
            return gettext("whoever runs %(source)s", source=watch_words.plain(name))
        if name.startswith("point:"):
            place = self.points.get(name.removeprefix("point:"), "")
            return gettext("whoever stands at %(place)s", place=watch_words.plain(place) or "?")
        if name.startswith("mail:"):
            return gettext("whoever runs the mail of %(domain)s", domain=name.removeprefix("mail:"))
        return gettext("whoever runs this server") if party == "server" else gettext("somebody outside")


def _line(row: Row, recognised: list[str], limits: Mapping[str, Floor], parties: Parties) -> Line:
    words, k = parties.words, int(row["k_evidence"])
    chip, tone = state_chip(
        row["state"], row["held_by"] is not None, str(row["settle_not_before"]), False, words
    )
    floor = limits.get(str(row["kind"]))
    needed = 0 if floor is None else floor.needed(int(row["amount_tokens"]))
    kind = KINDS.get(str(row["kind"]))
    told = [parties.said(one, recognised) for one in loads(row["witnessing"])]
    names = sorted(parties.people.name(one, words) for one in recognised)
    return Line(
        path=f"/recognition/{row['award']}",
        people=words.listed(names),
        kind=watch_words.plain(str(row["kind"])) if kind is None else words.gettext(kind),
        tokens=tokens_words(int(row["amount_tokens"]), words),
        chip=chip,
        tone=tone,
        fewest=words.ngettext("%(num)s person", "%(num)s people", k),
        who=words.listed(told) if told else words.gettext("five or more"),
        needed=words.gettext("today %(num)s are asked for", num=needed) if k < needed else "",
        given=words.full(str(row["granted_at"])),
        instant=str(row["granted_at"]),
    )
