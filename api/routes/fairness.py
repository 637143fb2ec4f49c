"""Recognition against hours worked, by team and shift, of the last quarters that are over."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.bodies import Door
from api.hours import quarters
from api.identity import Visit, need
from api.problems import PROBLEM_RESPONSES
from api.published import latest_kinds
from api.routes.shapes import Page

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["awards"], responses=PROBLEM_RESPONSES)


@router.get("/fairness", operation_id="read_fairness")
async def read_fairness(visit: Annotated[Visit, need("fairness.read")]) -> Page:
    """Tell the quarters that are over, the oldest first: never per person, nothing of fewer than five people."""
    kinds = await latest_kinds(visit.rooms.rows)
    found = [] if kinds is None else await quarters(visit.rooms, kinds.zone)
    return Page(items=[one.told() for one in found], next_cursor=None)
