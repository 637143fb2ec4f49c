"""Who may say of somebody that they can do what a course teaches: named by an owner, course by course. Saying it is
`assess_skill` (work.py)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import plain, tell
from api.routes.shapes import Asked, Id, Page, Recorded
from casework import tables
from casework.assessors import EndAssessor, NameAssessor

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["work"], responses=PROBLEM_RESPONSES)

Names = Annotated[Asking, need_to_write("assessor.write")]
Course = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Ground = Annotated[str, StringConstraints(pattern="^(teaches|certified|experienced)$")]


class AssessorNamed(Asked):
    """Who may assess a course of a published catalogue, and why them: they teach it, hold a certificate of it, or have
    done it for long."""

    course: Course
    member: Id
    ground: Ground


class AssessorEnded(Asked):
    """Who assesses a course no more."""

    course: Course
    member: Id


@router.get("/assessors", operation_id="list_assessors")
async def list_assessors(visit: Annotated[Visit, need("assessor.read")]) -> Page:
    """List who is named for which course, by whom and since when."""
    rows = await visit.rooms.rows.find(tables.assessor)
    return Page(items=[plain(row, tables.assessor) for row in rows], next_cursor=None)


@router.post("/assessors", operation_id="name_assessor", status_code=201)
async def name_assessor(body: AssessorNamed, asking: Names) -> Recorded:
    """Name somebody who may assess a course; named again, the newer reason stands."""
    request = NameAssessor(body.course, body.member, body.ground)
    return await tell(asking, await asking.rooms.office.name_assessor(asking.who, asking.key, request))


@router.post("/assessors/end", operation_id="end_assessor")
async def end_assessor(body: AssessorEnded, asking: Names) -> Recorded:
    """Let somebody assess a course no more; what they said stays."""
    request = EndAssessor(body.course, body.member)
    return await tell(asking, await asking.rooms.office.end_assessor(asking.who, asking.key, request))
