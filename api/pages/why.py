"""Why this recognition: who stood behind it, its story step by step, its proof to take along, and the right of reply.

The story is told from sealed entries alone (api/pages/vouched.py). It is there for whoever is part of it, for leads and
for auditors; for everybody else it does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.badge_files import badge_file
from api.caller import Caller
from api.dossiers import Dossier, Staff, dossiers, sees_recognition, staff_of
from api.pages import badge_pdf
from api.pages.badge_sheets import sheet_of
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import Frame, frame_of, show, with_toast
from api.pages.names import people_of
from api.pages.questions import Looking, Question, question_reasons, questions_of
from api.pages.stamps import Stamp, first_stamp_over
from api.pages.thanks import ENDED
from api.pages.troubles import Trouble, trouble_of
from api.pages.vouched import Reader, Told, tell_award
from api.pages.words import Words, mark
from api.permissions import AUDITOR, MATRIX
from api.problems import BadRequest, NotFound, of_error
from api.rooms import Rooms
from api.routes.recalls import due_of
from api.routes.record import NotPublished
from api.venue.files import PROOF_NAME
from casework import awards, looks, replies, tables
from casework.requests import AddNote, AwardStep, CloseDispute, Dispute
from ledger.errors import Refused
from ledger.export import export_award

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("award.read", here="recognition")]
Holds = Annotated[Acting, act("award.hold", here="recognition")]
Disputes = Annotated[Acting, act("award.dispute", here="recognition")]
Ends = Annotated[Acting, act("award.decide", here="recognition")]
Replies = Annotated[Acting, act("case.work", here="recognition")]
AwardId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]

BADGE_NAME = "badge.json"
PDF_NAME = "recognition.pdf"
RELEASED: Mapping[str, str] = {
    "answered": mark("The question was answered"),
    "no_ground": mark("There was no ground for it"),
    "mistaken": mark("It was asked by mistake"),
}
AT_ONCE = mark("Choose why; it is written down at once.")
STEPS: tuple[tuple[str, str, str, str], ...] = (
    (
        "question",
        mark("This is not right…"),
        mark("Whoever is recognised is asked; it waits until somebody closes it."),
        "ask",
    ),
    (
        "dispute",
        mark("Ask before it ends…"),
        mark("Whoever is recognised is asked first, and has some days to answer."),
        "plan",
    ),
    ("release", mark("Let it go on…"), mark("What it waited for is closed."), "release"),
    ("decline_award", mark("End it…"), mark("The tokens go back to where they came from."), "decline"),
    ("revoke", mark("Take it back…"), mark("Two people take it back: one asked, you decide."), "revoke"),
)
"""Step of casework/staffing.py (a question: whoever sees it), button, what follows, last part of the form's address."""
PLANNED = {"decline_award": replies.DECLINE, "revoke": replies.REVOKE}
"""Step -> what whoever is recognised was asked about before."""
SAID: Mapping[str, str] = {
    "asked": mark("Asked. Whoever is recognised sees it first, and nothing goes on until it is closed."),
    "closed": mark("Closed. Nothing was taken, and it goes on."),
    "released": mark("Noted. It goes on."),
    "ended": mark("Ended. The person is told why, and may answer."),
    "taken-back": mark("Taken back. The person is told why, and may answer."),
    "replied": mark("Your answer stands beside it."),
}


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that the reader may do about it: the button, what follows, the reasons to choose from."""

    action: str
    button: str
    follows: str
    reasons: tuple[tuple[str, str], ...]
    may_say: bool


@router.get("/recognition/{award}")
async def why(award: AwardId, seen: Sees, said: str = "") -> Response:
    """Tell why somebody was recognised."""
    frame = with_toast(seen.frame, seen.frame.words.gettext(SAID[said])) if said in SAID else seen.frame
    return await page(seen, award, frame)


async def page(
    seen: Seen, award: str, frame: Frame, trouble: Trouble | None = None, status: int = 200
) -> Response:
    """Return the page of an award, with what the reader may do about it."""
    dossier = await _mine(seen, award)
    await _look(seen, dossier, award, looks.AWARDS)
    told = await _tell(seen, dossier, award)
    result = told.result
    staff = await staff_of(seen.rooms.rows, seen.rooms.clock.now())
    questions = await _questions(seen, dossier, award, staff)
    moves = () if result is None else _moves(seen, dossier, award, staff, questions)
    recognised = result is not None and seen.caller.member in result.recognised
    asked = await due_of(seen.rooms, award, seen.caller.member) if recognised else None
    asked = None if asked is None or asked.passed else asked
    return await show(
        frame,
        "why.html",
        status=status,
        told=told,
        award=award,
        case=dossier.id,
        moves=moves,
        questions=questions,
        reply=recognised and may(seen, "case.work"),
        with_values=may(seen, "log.export"),
        tool=".venv/bin/tallystick" if frame.strip else "tallystick",
        proof_name=PROOF_NAME,
        stamp=await _stamped(seen, award),
        takes=recognised and await _has_badge(seen, award),
        asks_now=asked is not None and asked.at <= seen.rooms.clock.now(),
        asks_later=None if asked is None else seen.frame.words.day(asked.at),
        check_badge=f"badge verify {BADGE_NAME}",
        keys={move.action: seen.fresh_key() for move in moves}
        | {"reply": seen.fresh_key(), "question": seen.fresh_key()},
        trouble=trouble,
    )


async def _stamped(seen: Seen, award: str) -> Stamp | None:
    """Return the first public stamp that covers the recognition."""
    row = await seen.rooms.rows.need("award", tables.award, award=award)
    return await first_stamp_over(seen, int(row["seq"]))


async def _has_badge(seen: Seen, award: str) -> bool:
    """Say whether the reader has something of it to take along, that still counts."""
    rows = seen.rooms.rows
    row = await rows.one(tables.award, award=award, state=awards.SETTLED)
    return (
        row is not None
        and await rows.one(tables.credential, award=award, member=seen.caller.member) is not None
    )


def may(seen: Seen, permission: str) -> bool:
    """Say whether the reader's roles hold a permission."""
    return bool(MATRIX[permission] & set(seen.caller.roles))


async def _mine(seen: Seen, award: str) -> Dossier:
    """Return the dossier behind an award, if it is there for the reader.

    Raises:
        NotFound: there is none, or the reader has no part in it and neither leads nor audits.
    """
    rows = seen.rooms.rows
    row = await rows.need("award", tables.award, award=award)
    case = await rows.need("award", tables.case_file, case=row["case"])
    (dossier,) = await dossiers(rows, [case], with_texts=False)
    if not sees_recognition(dossier, seen.caller.member, seen.caller.roles):
        raise NotFound("award", award)
    return dossier


async def _look(seen: Seen, dossier: Dossier, award: str, what: str) -> None:
    """Note that the reader looks at the recognition of others: they see who did."""
    whose = [str(share["member"]) for share in dossier.shares if share["award"] == award]
    await looks.note(seen.rooms.intake, seen.who, whose, what, seen.rooms.clock.now())


async def _tell(seen: Seen, dossier: Dossier, award: str) -> Told:
    leads = may(seen, "log.read")
    reader = Reader(seen.caller.member, leads, AUDITOR in seen.caller.roles)
    folder = seen.request.app.state.installation.settings.data_dir
    return await tell_award(seen.rooms, seen.frame.words, folder, dossier.id, award, reader)


async def _questions(seen: Seen, dossier: Dossier, award: str, staff: Staff) -> list[Question]:
    """Return what was asked about this award, and about this recognition before there was an award."""
    rows, words = seen.rooms.rows, seen.frame.words
    looking = Looking(rows, seen.caller.member, await people_of(rows), words, seen.rooms.clock.now(), staff)
    of_award = {str(one["dispute"]) for one in dossier.disputes if one["award"] in (None, award)}
    return [one for one in await questions_of(dossier, looking) if one.dispute in of_award]


def _moves(
    seen: Seen, dossier: Dossier, award: str, staff: Staff, questions: list[Question]
) -> tuple[Move, ...]:
    """Return what the reader may do about the award, by the rules that decide inside the writer."""
    if dossier.award is None or dossier.award["award"] != award:
        return ()
    words, member = seen.frame.words, seen.caller.member
    moves = []
    for step, button, follows, part in STEPS:
        reasons = _reasons(step, dossier, questions, words)
        may_ask = step == "question" and dossier.dispute is None and may(seen, "award.dispute")
        if reasons and (may_ask or (step != "question" and staff.may(member, step, dossier))):
            followed = f"{words.gettext(follows)} {words.gettext(AT_ONCE)}"
            says = step in ("question", "dispute") or may(seen, "case.work")
            moves.append(Move(f"/recognition/{award}/{part}", words.gettext(button), followed, reasons, says))
    return tuple(moves)


def _reasons(
    step: str, dossier: Dossier, questions: list[Question], words: Words
) -> tuple[tuple[str, str], ...]:
    """Return the reasons to choose from; none where nothing can be done: an end waits for the reply to its reason."""
    if step == "question":
        return question_reasons(words)
    if step == "release":
        return tuple((code, words.gettext(said)) for code, said in RELEASED.items())
    if step == "dispute":
        settled = dossier.award is not None and dossier.award["state"] == awards.SETTLED
        codes = awards.REVOKE_CAUSES if settled else awards.DECLINE_REASONS
        return tuple((code, words.gettext(ENDED[code])) for code in codes)
    ready = [one.reason_code for one in questions if one.ready and one.about == PLANNED[step]]
    return tuple((code, words.gettext(ENDED[code])) for code in ready)


@router.get("/recognition/{award}/proof")
async def proof(award: AwardId, seen: Sees, values: str = "") -> Response:
    """Give the award in one file that anybody can check; with private values for leads and auditors alone."""
    dossier = await _mine(seen, award)
    row = await seen.rooms.rows.need("award", tables.award, award=award)
    latest = await seen.rooms.reader.latest_checkpoint()
    if latest is None or latest[0] <= row["seq"]:
        raise NotPublished("not_published", f"expected a seal that covers step {row['seq']}, got none")
    await _look(seen, dossier, award, looks.PROOF)
    vault = seen.rooms.vault if values == "with" and may(seen, "log.export") else None
    data = await export_award(seen.rooms.reader, dossier.id, award, latest[1], vault)
    headers = {
        "Content-Disposition": f"attachment; filename={PROOF_NAME}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type="application/json", headers=headers)


@router.get("/recognition/{award}/badge")
async def badge(award: AwardId, seen: Sees) -> Response:
    """Give the reader's own credential with its proof, in one file to take along."""
    data = await badge_file(seen.rooms, award, seen.caller.member)
    headers = {
        "Content-Disposition": f"attachment; filename={BADGE_NAME}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type="application/json", headers=headers)


@router.get("/recognition/{award}/sheet")
async def sheet(award: AwardId, seen: Sees) -> Response:
    """Show the reader's own recognition as a sheet to print, with the whole credential in a code."""
    one = await sheet_of(seen.rooms, award, seen.caller.member, seen.frame.words)
    lacking = await asyncio.to_thread(badge_pdf.lacking, one) if badge_pdf.may_draw() else None
    return await show(seen.frame, "sheet.html", award=award, sheet=one, lacking=lacking)


@router.get("/recognition/{award}/sheet.pdf")
async def sheet_pdf(award: AwardId, seen: Sees) -> Response:
    """Give the same sheet as a PDF."""
    return await badge_pdf_of(seen.rooms, award, seen.caller.member, seen.frame.words)


async def drawn_sheet(request: Request, caller: Caller, rooms: Rooms, award: str) -> Response:
    """Give it at the API's door, in the language of the member; api.pages.app hangs this up there."""
    frame = await frame_of(request, caller, rooms, "recognition")
    return await badge_pdf_of(rooms, award, caller.member, frame.words)


async def badge_pdf_of(rooms: Rooms, award: str, member: str, words: Words) -> Response:
    """Return the sheet of a member's own recognition as a PDF, for the page and for the API.

    Raises:
        NotFound: there is none of this member. BadRequest: pdf_missing, pdf_letters.
    """
    one = await sheet_of(rooms, award, member, words)
    try:
        data = await asyncio.to_thread(badge_pdf.drawn, one)
    except badge_pdf.NoPdf as error:
        raise BadRequest("pdf_missing", str(error), status=409) from error
    except badge_pdf.LettersLacking as error:
        raise BadRequest("pdf_letters", str(error), status=409) from error
    headers = {
        "Content-Disposition": f"attachment; filename={PDF_NAME}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, media_type=badge_pdf.MEDIA_TYPE, headers=headers)


# ---------------------------------------------------------------------------------------------- what one may do
@router.post("/recognition/{award}/ask")
async def ask(award: AwardId, acting: Disputes) -> Response:
    """Ask whoever is recognised a question about it: nothing goes on until it is closed."""
    return await _ask(acting, award, replies.QUESTION)


@router.post("/recognition/{award}/plan")
async def plan(award: AwardId, acting: Disputes) -> Response:
    """Ask whoever is recognised before it ends, or is taken back."""
    row = await acting.rooms.rows.need("award", tables.award, award=award)
    return await _ask(acting, award, replies.REVOKE if row["state"] == awards.SETTLED else replies.DECLINE)


async def _ask(acting: Acting, award: str, about: str) -> Response:
    dossier = await _mine(acting, award)
    reason = acting.form.need("reason_code", chars_max=64)
    try:
        request = Dispute(dossier.id, about, reason, acting.form.maybe("reason"))
        await acting.rooms.desk.dispute(acting.who, acting.key, request)
    except Refused as refusal:
        return await _refused(acting, award, refusal)
    return _back(award, "asked")


@router.post("/recognition/{award}/close")
async def close(award: AwardId, acting: Disputes) -> Response:
    """Close what was asked: nothing is taken."""
    dossier = await _mine(acting, award)
    reason = acting.form.need("reason_code", chars_max=64)
    try:
        request = CloseDispute(dossier.id, acting.form.need("dispute", chars_max=64), reason)
        await acting.rooms.desk.close_dispute(acting.who, acting.key, request)
    except Refused as refusal:
        return await _refused(acting, award, refusal)
    return _back(award, "closed")


@router.post("/recognition/{award}/release")
async def release(award: AwardId, acting: Holds) -> Response:
    """Close the question."""
    return await _step(acting, award, "release", "released")


@router.post("/recognition/{award}/decline")
async def decline(award: AwardId, acting: Ends) -> Response:
    """End it while it waits."""
    return await _step(acting, award, "decline_award", "ended")


@router.post("/recognition/{award}/revoke")
async def revoke(award: AwardId, acting: Ends) -> Response:
    """Take it back, as the second of two people."""
    return await _step(acting, award, "revoke", "taken-back")


async def _step(acting: Acting, award: str, step: str, said: str) -> Response:
    dossier = await _mine(acting, award)
    request = AwardStep(award, acting.form.need("reason_code", chars_max=64))
    note = acting.form.maybe("reason") if may(acting, "case.work") else None
    desk = acting.rooms.desk
    use_case = {"release": desk.release, "decline_award": desk.decline_award}.get(step, desk.revoke)
    try:
        await use_case(acting.who, acting.key, request)
        if note is not None:
            await desk.add_note(acting.who, acting.then("note"), AddNote(dossier.id, note))
    except Refused as refusal:
        return await _refused(acting, award, refusal)
    return _back(award, said)


@router.post("/recognition/{award}/reply")
async def reply(award: AwardId, acting: Replies) -> Response:
    """Let the recognised answer; the answer becomes part of the story and stays."""
    dossier = await _mine(acting, award)
    if all(share["member"] != acting.caller.member or share["award"] != award for share in dossier.shares):
        raise NotFound("award", award)
    try:
        request = AddNote(dossier.id, acting.form.need("reply"))
        await acting.rooms.desk.add_note(acting.who, acting.key, request)
    except Refused as refusal:
        return await _refused(acting, award, refusal)
    return _back(award, "replied")


async def _refused(acting: Acting, award: str, refusal: Refused) -> Response:
    """Show the page as it stands now, with a note that says why nothing was done."""
    body, _ = of_error(refusal)
    await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
    trouble = trouble_of(acting.frame.words, body)
    return await page(acting, award, acting.frame, trouble, body["status"])


def _back(award: str, said: str) -> Response:
    where = f"/recognition/{award}?said={said}"
    return RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})
