"""Recognition shown to the others with the consent of whoever got it: what is shown, and one's own choice."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.announced import announced, choices_of
from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.shapes import Asked, Id, Page, Told
from casework import announcing

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["awards"], responses=PROBLEM_RESPONSES)


class ChoiceGiven(Asked):
    """May it be shown to the others? `award` null: for all of one's own; `may` null: back to how it was before."""

    award: Id | None = None
    may: bool | None


class ChoiceTold(Told):
    """One's own choices: for all, and about single recognitions (award -> may)."""

    always: bool
    awards: dict[str, bool]


@router.get("/announced", operation_id="list_announced")
async def list_announced(visit: Annotated[Visit, need("announced.read")]) -> Page:
    """List the recognitions that everybody who got them wants shown, the newest first."""
    found = await announced(visit.rooms.rows, visit.rooms.clock.now())
    return Page(items=[one.told() for one in found], next_cursor=None)


@router.get("/me/announcing", operation_id="read_my_announcing")
async def read_my_announcing(visit: Annotated[Visit, need("award.read")]) -> ChoiceTold:
    """Tell what the caller chose."""
    return await _told(visit)


@router.post("/me/announcing", operation_id="choose_announcing")
async def choose_announcing(
    body: ChoiceGiven, asking: Annotated[Asking, need_to_write("award.announce")]
) -> ChoiceTold:
    """Say whether one's own recognition may be shown; taken back, it is gone from the page at once."""
    request = announcing.Choose(body.award, body.may)
    await announcing.choose(asking.rooms.intake, asking.who, asking.key, request)
    return await _told(asking)


async def _told(visit: Visit | Asking) -> ChoiceTold:
    found = await choices_of(visit.rooms.rows, member=visit.caller.member)
    awards = {award: row["may"] == 1 for (_, award), row in found.items() if award != announcing.ALL}
    always = found.get((visit.caller.member, announcing.ALL))
    return ChoiceTold(always=always is not None and always["may"] == 1, awards=awards)
