"""Who may take each step of a case; where nobody may, the sentence that says what to do about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.bodies import Door
from api.dossiers import dossiers, staff_of
from api.identity import Visit, need
from api.problems import PROBLEM_RESPONSES
from api.routes.cases import need_case
from api.routes.shapes import IdInPath, Told
from casework.staffing import STEPS

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["cases"], responses=PROBLEM_RESPONSES)


class StepTold(Told):
    """One step: the members who may take it, in the order they joined; none: `sentence` says why and what to do."""

    step: str
    members: list[str]
    sentence: str | None


class StepsTold(Told):
    """Every step of a case, in the order of the story."""

    items: list[StepTold]


@router.get("/cases/{case}/steps", operation_id="read_steps")
async def read_steps(case: IdInPath, visit: Annotated[Visit, need("case.read")]) -> StepsTold:
    """Tell who may take each step, by the rules that decide inside the writer; the case's state says which is next."""
    row = await need_case(visit, case)
    (dossier,) = await dossiers(visit.rooms.rows, [row])
    staff = await staff_of(visit.rooms.rows, visit.rooms.clock.now())
    told = []
    for step in STEPS:
        answer = staff.answer(step, dossier)
        told.append(StepTold(step=step, members=list(answer.members), sentence=answer.sentence))
    return StepsTold(items=told)
