"""Planned work on its own page: what a check asks for is written down, and looked at a second time.

A reading outside its range asks for what is the matter: that becomes an exception of its own, and counts the same as a
good reading.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.doing import take
from api.pages.doors import Acting, PageDoor, act
from api.pages.exceptions import CaseId
from api.pages.planned_words import is_outside, read_number
from api.pages.reporting import asking_of
from api.problems import BadRequest
from api.routes.work import ReadingTaken, planned, take_reading
from api.workbench import judge_again

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Shows = Annotated[Acting, act("case.evidence", here="")]


@router.post("/exceptions/{case}/work/reading")
async def write_down(case: CaseId, acting: Shows) -> Response:
    """Write down what was found, or look at it a second time."""

    async def work() -> None:
        asking = asking_of(acting)
        row, facts = await planned(asking, case)
        value = read_number(acting.form.need("value", chars_max=30), int(facts.get("scale") or 0))
        wrong = acting.form.maybe("wrong")
        if wrong is None and row["action_by"] is None and is_outside(value, facts):
            raise BadRequest(
                "missing", "wrong: expected what is the matter, since it is outside its range", field="/wrong"
            )
        await take_reading(case, ReadingTaken(value=value, wrong=wrong), asking)
        await judge_again(acting.rooms, case)

    return await take(acting, case, "written-down", work)
