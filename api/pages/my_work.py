"""My work: what somebody owns, what evidence is still missing, what waits for others and what happens if they do not
answer, what they reported. Only one's own: nothing here tells anything about a colleague but their name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from api.dossiers import Dossier, Staff, dossiers, staff_of
from api.matters import STEP_OF, waiting_of
from api.pages.cards import Card, People, Tile, came_back, card_of, was_found_lacking
from api.pages.doors import PageDoor, Seen, see
from api.pages.exception_list import OPEN_STATES
from api.pages.frame import show
from api.pages.inbox import Matter, bites_at, inbox, matter_of
from api.pages.names import people_of, watches_of
from api.pages.shifts import shift_of
from api.pages.staffed import who_can
from api.pages.words import Words
from api.problems import NotAllowed
from api.scope import first_owner
from api.whose import whose
from casework import cases, tables

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.read", here="work")]
OWNED_MAX, REPORTED_MAX = 100, 8
OPEN_LINK = "issued"


@dataclass(frozen=True, slots=True)
class Piece:
    """One exception that somebody owns. `due` in words; `waits` says for whom, `then` what happens without them;
    `back`: it was thought solved before."""

    card: Card
    due_at: str
    due: str
    late: bool
    waits: str
    then: str
    back: bool = False

    @property
    def missing(self) -> tuple[Tile, ...]:
        """Return the evidence that is still needed."""
        return tuple(tile for tile in self.card.tiles if tile.missing)


@dataclass(frozen=True, slots=True)
class Reported:
    """Something this person told us: with whom it is, and what happens there."""

    card: Card
    then: str


@router.get("/my-work")
async def my_work(seen: Sees) -> Response:
    """Show what is this person's."""
    if seen.caller.charter is not None:
        raise NotAllowed("not_allowed", "expected a person, got a digital employee")
    rows, words, now = seen.rooms.rows, seen.frame.words, seen.rooms.clock.now()
    member = seen.caller.member
    owned = await rows.find(
        tables.case_file,
        {"owner": member, "state": list(OPEN_STATES)},
        order="opened_seq",
        limit=OWNED_MAX + 1,
    )
    told = await rows.find(
        tables.case_file, {"opened_by": member}, order="opened_seq", limit=REPORTED_MAX + 1
    )
    staff, people = await staff_of(rows, now), await people_of(rows)
    watches = await watches_of(rows, {str(row["playbook"]) for row in owned if row["playbook"]})
    last = people.name(await first_owner(rows), words)
    pieces = [
        piece_of(one, watches.get(str(one.case["playbook"]), {}), staff, people, words, now, last)
        for one in await dossiers(rows, owned[:OWNED_MAX])
    ]
    pieces.sort(key=lambda one: (not one.back, not one.due_at, one.due_at))
    mine, waiting = [one for one in pieces if not one.waits], [one for one in pieces if one.waits]
    reported = [
        Reported(card_of(one, people, words, {}), _goes_on(one, people, words, last))
        for one in await dossiers(rows, told[:REPORTED_MAX])
        if one.case["owner"] != member
    ]
    matters = await inbox(rows, staff, member, now)
    if any(entry.key == "decisions" for entry in (*seen.frame.tabs, *seen.frame.more)):
        asked, counts = [], {"work": len(mine), "decisions": len(matters)}
    else:  # nobody is asked for a yes on a page that they have no way to
        asked = [card_of(one.dossier, people, words, {}, one) for one in matters if _of(one) != member]
        counts = {"work": len(mine) + len(asked)}
    return await show(
        replace(seen.frame, counts=counts),
        "my_work.html",
        asked=asked,
        shift=await shift_of(rows, await whose(seen.rooms), seen.frame.who, now),
        mine=mine,
        waiting=waiting,
        reported=reported,
        missing=[(one, tile) for one in pieces for tile in one.missing],
        beyond=len(owned) > OWNED_MAX,
        told_beyond=len(told) > REPORTED_MAX,
        first_name=seen.frame.who.partition(" ")[0],
        checked=words.clock(now),
    )


def _of(matter: Matter) -> str:
    return str(matter.dossier.case["owner"])


def piece_of(
    dossier: Dossier,
    watch: Mapping[str, Any],
    staff: Staff,
    people: People,
    words: Words,
    now: str,
    last: str,
) -> Piece:
    """Return one piece of work: by when, and whether it waits for somebody else. `last`: to whom it goes in the end."""
    kind, owner = waiting_of(dossier), str(dossier.case["owner"])
    mine = kind is not None and staff.may(owner, STEP_OF[kind], dossier)
    matter = matter_of(dossier, kind, now) if mine and kind is not None else None
    due_at, due = _due(dossier, words, now, last)
    waits, then = ("", "") if mine else _waits(dossier, kind, staff, people, words)
    card = card_of(dossier, people, words, watch, matter)
    return Piece(card, due_at, due, bool(due_at) and due_at < now, waits, then, came_back(dossier.case))


def _due(dossier: Dossier, words: Words, now: str, last: str) -> tuple[str, str]:
    until = dossier.case["ack_until"]
    if until and dossier.case["state"] == cases.ACKNOWLEDGED:
        return until, words.gettext(
            "You said until %(time)s. If nothing happened by then, it goes to %(who)s.",
            time=words.moment(until), who=last,
        )  # fmt: skip
    if came_back(dossier.case) and dossier.case["state"] != cases.ACKNOWLEDGED:
        return "", words.gettext("It came back: say that you have it in hand, or pass it on.")
    bites = bites_at(dossier, now)
    if bites is not None:
        return bites, words.gettext("The next moment that counts: %(time)s.", time=words.moment(bites))
    if dossier.case["state"] == cases.ASSIGNED:
        return "", words.gettext("Nobody has answered yet: say that you have it in hand, or pass it on.")
    return "", ""


def _waits(dossier: Dossier, kind: str | None, staff: Staff, people: People, words: Words) -> tuple[str, str]:
    link = next((one for one in dossier.links if one["state"] == OPEN_LINK), None)
    if kind is not None:
        answer = staff.answer(STEP_OF[kind], dossier)
        waits = words.gettext("Waits for a decision.")
        if kind == "review":
            waits = words.gettext("Waits for somebody to look at the evidence.")
        stays = words.gettext("Without an answer it stays open: silence is never a yes.")
        return f"{waits} {who_can(answer, people, words)}", stays
    if link is not None and not any(tile["type"] == "customer_confirmation" for tile in dossier.live):
        waits = words.gettext("Waits for the guest, until %(time)s.", time=words.moment(link["until"]))
        return waits, words.gettext("Without an answer the link ends; you can give another.")
    if was_found_lacking(dossier):
        return "", ""  # whoever owns it can see what, and bring it or ask for it
    if dossier.case["state"] == cases.AWAITING_REVIEW and not any(
        item["review"] is None for item in dossier.live
    ):
        return words.gettext("Is being checked."), words.gettext("You need not do anything.")
    return "", ""


def _goes_on(dossier: Dossier, people: People, words: Words, last: str) -> str:
    row = dossier.case
    if row["state"] in cases.ENDED:
        return ""
    owner = people.name(row["owner"], words)
    if row["state"] == cases.ACKNOWLEDGED and row["ack_until"]:
        return words.gettext(
            "%(who)s has it in hand until %(time)s; if nothing happened by then, it goes to %(last)s.",
            who=owner, time=words.moment(row["ack_until"]), last=last,
        )  # fmt: skip
    return words.gettext("It is with %(who)s. You do not need to chase.", who=owner)
