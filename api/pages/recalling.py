"""Questions some days after a course, on their own page: answered well, the recognition is really theirs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show
from api.pages.troubles import Trouble, trouble_of
from api.pages.why import AwardId
from api.problems import BadRequest, NotFound, of_error
from api.routes.recalls import due_of
from casework.requests import AnswerRecall
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("award.read", here="recognition")]
Answers = Annotated[Acting, act("award.read", here="recognition")]


@router.get("/recognition/{award}/questions")
async def questions(award: AwardId, seen: Sees) -> Response:
    """Ask, or say when it will be asked, or that it was answered."""
    return await _page(seen, award)


async def _page(seen: Seen, award: str, trouble: Trouble | None = None, status: int = 200) -> Response:
    due = await due_of(seen.rooms, award, seen.caller.member)
    if due is None:
        raise NotFound("recall", award)
    words = seen.frame.words
    return await show(
        seen.frame,
        "questions.html",
        status=status,
        award=award,
        due=due,
        asks=not due.passed and due.at <= seen.rooms.clock.now(),
        again=due.attempt > 1,
        day=words.day_and_year(due.at),
        key_=seen.fresh_key(),
        trouble=trouble,
    )


@router.post("/recognition/{award}/questions")
async def answer(award: AwardId, acting: Answers) -> Response:
    """Take the answers: all of them, or none."""
    due = await due_of(acting.rooms, award, acting.caller.member)
    if due is None:
        raise NotFound("recall", award)
    try:
        chosen = tuple(_chosen(acting, f"q{place}") for place in range(len(due.questions)))
        request = AnswerRecall(award, chosen)
        await acting.rooms.desk.answer_recall(acting.who, acting.key, request)
    except (Refused, BadRequest) as refusal:
        body, _ = of_error(refusal)
        await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
        return await _page(acting, award, trouble_of(acting.frame.words, body), body["status"])
    where = f"/recognition/{award}/questions"
    return RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})


def _chosen(acting: Acting, name: str) -> int:
    given = acting.form.whole(name, 0, 9)
    if given is None:
        raise BadRequest("missing", f"{name}: expected an answer, got none", field=f"/{name}")
    return given
