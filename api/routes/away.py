"""Who is away and who stands in, and one member with their powers: the page about a person."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import plain, tell
from api.routes.shapes import (
    Asked,
    Code,
    Id,
    IdInPath,
    Instant,
    Money,
    Page,
    Recorded,
    Tokens,
    Told,
)
from api.scope import Row, Scoped
from casework import absence, looks, tables
from casework.absence import EndAway, GoAway

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["people"], responses=PROBLEM_RESPONSES)


class AwayGiven(Asked):
    """Who stands in, from when (null: now) until when, with which of the powers (null: all), up to how much."""

    stand_in: Id
    until: Instant
    since: Instant | None = None
    authorities: Annotated[list[Id], Field(max_length=absence.LENT_MAX)] | None = None
    amount_max: Money | None = None
    tokens_max: Tokens | None = None


class AwayEnded(Asked):
    """Why it ends before its time: back, handed_back, ended_by_owner."""

    reason_code: Code = "back"


class MemberTold(Told):
    """One member with the name; powers (lent ones name their delegation); when away; for whom they stand in."""

    member: dict[str, Any]
    authorities: list[dict[str, Any]]
    away: list[dict[str, Any]]
    stands_in: list[dict[str, Any]]


@router.get("/away", operation_id="list_away")
async def list_away(visit: Annotated[Visit, need("away.read")]) -> Page:
    """List who stands in for whom, in force or to come: "stands in for Dev until 30 Nov, up to 150"."""
    rows = await visit.rooms.rows.find(tables.delegation, {"active": 1})
    return Page(items=await _told(visit.rooms.rows, rows, visit.rooms.clock.now()), next_cursor=None)


async def _told(rows: Scoped, found: list[Row], now: str) -> list[dict[str, Any]]:
    people = sorted({one[part] for one in found for part in ("giver", "stand_in")})
    named = await rows.find(tables.member_name, {"member": people}) if people else []
    names = {row["member"]: row["name"] for row in named}
    return [
        {
            **plain(row, tables.delegation),
            "giver_name": names.get(row["giver"]),
            "stand_in_name": names.get(row["stand_in"]),
            "in_force": row["since"] <= now,
        }
        for row in found
        if now < row["until"]
    ]


@router.post("/members/{member}/away", operation_id="give_delegation", status_code=201)
async def give_delegation(
    member: IdInPath, body: AwayGiven, asking: Annotated[Asking, need_to_write("away.write")]
) -> Recorded:
    """Say that a member is away: oneself, or, for an owner, anybody."""
    request = GoAway(
        giver=member,
        stand_in=body.stand_in,
        until=body.until,
        since=body.since,
        authorities=None if body.authorities is None else tuple(body.authorities),
        amount_max=body.amount_max.model_dump() if body.amount_max else None,
        tokens_max=body.tokens_max,
    )
    return await tell(asking, await asking.rooms.office.give_delegation(asking.who, asking.key, request))


@router.post("/members/{member}/away/{delegation}/end", operation_id="end_delegation")
async def end_delegation(
    member: IdInPath,
    delegation: IdInPath,
    body: AwayEnded,
    asking: Annotated[Asking, need_to_write("away.write")],
) -> Recorded:
    """Somebody is back, or the stand-in hands it back."""
    request = EndAway(member, delegation, body.reason_code)
    return await tell(asking, await asking.rooms.office.end_delegation(asking.who, asking.key, request))


@router.get("/members/{member}", operation_id="read_member")
async def read_member(member: IdInPath, visit: Annotated[Visit, need("member.read")]) -> MemberTold:
    """Tell one member; they see who looked."""
    rows, now = visit.rooms.rows, visit.rooms.clock.now()
    row = await rows.need("member", tables.member, member=member)
    await looks.note(visit.rooms.intake, visit.caller.who, (member,), looks.MEMBER, now)
    name = await rows.one(tables.member_name, member=member)
    given = await rows.find(tables.delegation, {"giver": member, "active": 1})
    taken = await rows.find(tables.delegation, {"stand_in": member, "active": 1})
    return MemberTold(
        member={**plain(row, tables.member), "name": name["name"] if name else None},
        authorities=[plain(one) for one in await rows.find(tables.authority, {"member": member})],
        away=await _told(rows, given, now),
        stands_in=await _told(rows, taken, now),
    )
