"""Away: who stands in for whom until when, up to how much; said on the page of a person, and of oneself under Me."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import me, person
from api.pages.doors import Acting, PageDoor, act
from api.pages.mending import to_mend
from api.pages.people import to
from api.pages.person import MONEY_MAX, MemberId, OtherId, end_of, start_of, words_money
from api.pages.words import mark
from api.permissions import role_for
from api.problems import BadRequest
from casework import tables
from casework.absence import EndAway, GoAway
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Ways = Annotated[Acting, act("away.write", here="people")]
WHOLE = mark("A whole number from 0 to %(most)s, or nothing.")
WRONG: Mapping[str, tuple[str, str]] = {
    "stand_in": ("stand_in", mark("Somebody else who works here.")),
    "since": ("since", mark("A day, or nothing.")),
    "already_away": (
        "since",
        mark("Somebody stands in at that time already. End that first, or choose other days."),
    ),
    "until": ("until", mark("A day after it begins, and at most a year later.")),
    "limit": ("limit", WHOLE),
    "amount_max": (
        "limit",
        mark("One of these powers counts in another currency. Leave this empty, or end that power first."),
    ),
    "tokens": ("tokens", WHOLE),
}
"""See api.pages.mending."""


@router.post("/people/{member}/away")
async def go_away(member: MemberId, acting: Ways) -> Response:
    """Say that somebody is away and who stands in; oneself, or anybody for an owner."""
    try:
        await acting.rooms.office.give_delegation(acting.who, acting.key, _asked(acting, member))
    except (BadRequest, Refused) as refusal:
        return await _again(acting, member, refusal)
    return to(_back(acting, member, "away"))


def _asked(acting: Acting, member: str) -> GoAway:
    """Return what the form asks for. Raises BadRequest."""
    form, words = acting.form, acting.frame.words
    until = end_of(form, "until", words)
    limit = form.whole("limit", 0, MONEY_MAX)
    if until is None:
        raise BadRequest("missing", "until: expected a day, got nothing", field="/until")
    return GoAway(
        giver=member,
        stand_in=form.need("stand_in", chars_max=64),
        until=until,
        since=start_of(form, "since", words),
        amount_max=None if limit is None else words_money(limit, words),
        tokens_max=form.whole("tokens", 0, MONEY_MAX),
    )


@router.post("/people/{member}/away/{delegation}/end")
async def end_away(member: MemberId, delegation: OtherId, acting: Ways) -> Response:
    """Say that somebody is back, or hand it back."""
    row = await acting.rooms.rows.need("delegation", tables.delegation, giver=member, delegation=delegation)
    reason = {row["giver"]: "back", row["stand_in"]: "handed_back"}.get(
        acting.caller.member, "ended_by_owner"
    )
    try:
        await acting.rooms.office.end_delegation(acting.who, acting.key, EndAway(member, delegation, reason))
    except Refused as refusal:
        return await _refused(acting, member, refusal)
    return to(_back(acting, member, "away-ended"))


async def _again(acting: Acting, member: str, refusal: BadRequest | Refused) -> Response:
    """Show the form again on the page it came from, with what to mend."""
    most = acting.frame.words.number(MONEY_MAX)
    mended = await to_mend(acting, refusal, WRONG, most=most) if _may_see(acting) else None
    if mended is None:
        return await _refused(acting, member, refusal)
    if _is_mine(acting):
        return await me.page(acting, acting.frame, away_again=mended, status=422)
    return await person.page(acting, member, away_again=mended, status=422)


async def _refused(acting: Acting, member: str, refusal: BadRequest | Refused) -> Response:
    if _is_mine(acting) or not _may_see(acting):
        raise refusal
    return await person.refused(acting, member, refusal)


def _may_see(acting: Acting) -> bool:
    """Say whether the page to show again is theirs to see: staff say that they are away, but see nobody's page."""
    return _is_mine(acting) or role_for("member.read", acting.caller.roles) is not None


def _is_mine(acting: Acting) -> bool:
    return acting.form.text("from") == "me"


def _back(acting: Acting, member: str, said: str) -> str:
    return f"/me?said={said}" if _is_mine(acting) else f"/people/{member}?said={said}"
