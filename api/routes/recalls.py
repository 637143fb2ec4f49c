"""Questions some days after a course: whoever is recognised for it answers them, and the recognition settles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES, NotFound
from api.rooms import Rooms
from api.routes.answers import tell
from api.routes.shapes import Asked, IdInPath, Recorded, Told
from casework import recalls, tables
from casework.recalls import Due
from casework.requests import AnswerRecall
from verifiers.recall import ANSWERS_MAX, ASK_MAX

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["awards"], responses=PROBLEM_RESPONSES)


class QuestionTold(Told):
    """One question and its possible answers."""

    id: str
    text: str
    answers: list[str]


class RecallTold(Told):
    """What is asked, from `due_at` on: before it, and once it is passed, `questions` is empty."""

    course: str
    attempt: int
    due_at: str
    passed: bool
    questions: list[QuestionTold]


class RecallAnswered(Asked):
    """Indices of the chosen answers, in the order of the questions."""

    answers: Annotated[
        list[Annotated[int, Field(ge=0, lt=ANSWERS_MAX)]], Field(min_length=1, max_length=ASK_MAX)
    ]


async def due_of(rooms: Rooms, award: str, member: str) -> Due | None:
    """Return what this member is asked about an award of theirs that waits; None: it is not theirs, not waiting, or
    waits for no questions."""
    rows = rooms.rows
    row = await rows.one(tables.award, award=award, state="provisional")
    if row is None or await rows.one(tables.award_share, award=award, member=member) is None:
        return None
    course = await recalls.course(rooms.rows, row)
    if course is None:
        return None
    verdict = await rows.need("verdict", tables.verdict, case=row["case"], verdict=row["verdict"])
    content = await rows.one(tables.policy_content, digest=verdict["policy_digest"])
    last = await rows.one(tables.recall, award=award, member=member)
    return recalls.due(row, course, recalls.of_course(content, course), last)


@router.get("/awards/{award}/recall", operation_id="read_recall")
async def read_recall(award: IdInPath, visit: Annotated[Visit, need("award.read")]) -> RecallTold:
    """Tell the caller what they are asked about a recognition of theirs; for others it is not there."""
    due = await due_of(visit.rooms, award, visit.caller.member)
    if due is None:
        raise NotFound("recall", award)
    now = visit.rooms.clock.now()
    shown = due.questions if due.at <= now and not due.passed else ()
    questions = [QuestionTold(id=one, text=text, answers=list(answers)) for one, text, answers in shown]
    return RecallTold(
        course=due.course, attempt=due.attempt, due_at=due.at, passed=due.passed, questions=questions
    )


@router.post("/awards/{award}/recall", operation_id="answer_recall", status_code=201)
async def answer_recall(
    award: IdInPath, body: RecallAnswered, asking: Annotated[Asking, need_to_write("award.read")]
) -> Recorded:
    """Answer the questions."""
    request = AnswerRecall(award, tuple(body.answers))
    return await tell(asking, await asking.rooms.desk.answer_recall(asking.who, asking.key, request))
