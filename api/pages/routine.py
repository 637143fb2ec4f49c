"""Routine work on its own page: what was filled in is taken.

A refused form is shown again with what was typed. What comes after the work was reported is judged anew at once, so
that whoever brought it sees what is still missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.dossiers import dossiers
from api.pages.doors import Acting, PageDoor, act
from api.pages.exceptions import CaseId, case_row, page
from api.pages.names import people_of
from api.pages.reporting import asking_of
from api.pages.routine_words import EXTRA_ID, EXTRA_KIND, instant_of_local, note_of
from api.pages.troubles import trouble_of
from api.problems import BadRequest, of_error
from api.routes.work import (
    ItemHandedOver,
    ItemReadBack,
    NoteHandedOver,
    ReadBackGiven,
    ResultShown,
    SkillSeen,
    WorkDone,
    assess_skill,
    hand_over,
    read_back,
    report_work,
    show_result,
)
from api.workbench import exceptions_open, judge_again
from casework.tokens import TOKEN_CHARS_MAX
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Shows = Annotated[Acting, act("case.evidence", here="")]
Assesses = Annotated[Acting, act("case.assess", here="")]
TEXT_CHARS_MAX = 2_000
YES, NO = "yes", "no"
Work = Callable[[], Awaitable[object]]


async def _take(acting: Acting, case: str, said: str, work: Work) -> Response:
    """Take the form; refused, it is shown again with what was typed in it."""
    try:
        await case_row(acting, case)
        await work()
        await judge_again(acting.rooms, case)
    except (Refused, BadRequest) as error:
        body, _ = of_error(error)
        await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
        trouble = trouble_of(acting.frame.words, body, "POST")
        typed = acting.form.typed()
        return await page(acting, case, acting.frame, trouble=trouble, status=body["status"], typed=typed)
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"/exceptions/{case}?said={said}", status_code=303, headers=headers)


@router.post("/exceptions/{case}/work/handover")
async def write_note(case: CaseId, acting: Shows) -> Response:
    """Write the note of a shift."""

    async def work() -> None:
        form = acting.form
        items = [_item(acting, one["id"], "case", one["id"]) for one in await exceptions_open(acting.rooms)]
        if form.maybe("says-extra", TEXT_CHARS_MAX) is not None:
            items.append(_item(acting, "extra", EXTRA_KIND, EXTRA_ID))
        note = NoteHandedOver(
            status=form.need("status", TEXT_CHARS_MAX),
            actions=form.need("actions", TEXT_CHARS_MAX),
            contingencies=form.need("contingencies", TEXT_CHARS_MAX),
            items=items,
        )
        await hand_over(case, note, asking_of(acting))

    return await _take(acting, case, "handed-over", work)


def _item(acting: Acting, key: str, kind: str, name: str) -> ItemHandedOver:
    form = acting.form
    typed = form.need(f"due-{key}", 40)
    due = instant_of_local(typed, acting.frame.words.zone)
    if due is None:
        raise BadRequest(
            "value_invalid", f"due-{key}: expected a day and a time, got {typed}", field=f"/due-{key}"
        )
    owner, says = form.need(f"owner-{key}", 64), form.need(f"says-{key}", TEXT_CHARS_MAX)
    return ItemHandedOver(kind=kind, id=name, owner=owner, due_at=due, says=says)


@router.post("/exceptions/{case}/work/read-back")
async def confirm_note(case: CaseId, acting: Shows) -> Response:
    """Say what the next shift understood."""

    async def work() -> None:
        form, people = acting.form, await people_of(acting.rooms.rows)
        (dossier,) = await dossiers(acting.rooms.rows, [await case_row(acting, case)])
        note = note_of(dossier, people, {}, acting.frame.words)
        if note is None or note.evidence != form.need("note", 64):
            raise BadRequest(
                "value_invalid", "note: expected the one that was shown, got another", field="/note"
            )
        items = [
            ItemReadBack(kind=one.kind, id=one.id, accepted=form.one_of(f"taken-{one.key}", (YES, NO)) == YES)
            for one in note.things
        ]
        shown = form.need("shown", TOKEN_CHARS_MAX)
        given = ReadBackGiven(
            note=note.evidence, shown=shown, text=form.need("text", TEXT_CHARS_MAX), items=items
        )
        await read_back(case, given, asking_of(acting))

    return await _take(acting, case, "read-back", work)


@router.post("/exceptions/{case}/work/result")
async def bring_result(case: CaseId, acting: Shows) -> Response:
    """Bring a provider's result."""

    async def work() -> None:
        given = ResultShown(record=acting.form.need("record", 200))
        await show_result(case, given, asking_of(acting))

    return await _take(acting, case, "result-here", work)


@router.post("/exceptions/{case}/work/assessment")
async def assess(case: CaseId, acting: Assesses) -> Response:
    """Say what one saw of somebody's skill."""

    async def work() -> None:
        passed = acting.form.one_of("passed", (YES, NO)) == YES
        given = SkillSeen(passed=passed, note=acting.form.maybe("note", TEXT_CHARS_MAX))
        await assess_skill(case, given, asking_of(acting))

    return await _take(acting, case, "assessed", work)


@router.post("/exceptions/{case}/work/done")
async def say_done(case: CaseId, acting: Shows) -> Response:
    """Say that it is done, with what was brought before."""

    async def work() -> None:
        await report_work(case, WorkDone(text=acting.form.need("text", TEXT_CHARS_MAX)), asking_of(acting))

    return await _take(acting, case, "work-done", work)
