"""Why this recognition: who stood behind it, its story step by step, its proof to take along, and the right of reply.

The story is told from sealed entries alone (api/pages/vouched.py). It is there for whoever is part of it, for leads and
for auditors; for everybody else it does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.badge_files import badge_file, credential_of
from api.dossiers import Dossier, dossiers, sees_recognition, staff_of
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.qr import Code, code_of
from api.pages.thanks import ASKED, ENDED
from api.pages.troubles import Trouble, trouble_of
from api.pages.vouched import Reader, Told, tell_award
from api.pages.words import Words, mark
from api.permissions import AUDITOR, MATRIX
from api.problems import NotFound, of_error
from api.routes.recalls import due_of
from api.routes.record import NotPublished
from api.venue.files import PROOF_NAME
from casework import awards, looks, tables
from casework.badge_text import to_text
from casework.requests import AddNote, AwardStep
from ledger.errors import Refused
from ledger.export import export_award

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("award.read", here="recognition")]
Holds = Annotated[Acting, act("award.hold", here="recognition")]
Ends = Annotated[Acting, act("award.decide", here="recognition")]
Replies = Annotated[Acting, act("case.work", here="recognition")]
AwardId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]

BADGE_NAME = "badge.json"
SHEET_NAME = "badge.txt"
HOLDING = ("under_question", "customer_disputes", "revocation_asked")
RELEASED: Mapping[str, str] = {
    "answered": mark("The question was answered"),
    "no_ground": mark("There was no ground for it"),
    "mistaken": mark("It was asked by mistake"),
}
AT_ONCE = mark("Choose why; it is written down at once.")
STEPS: tuple[tuple[str, str, str, str], ...] = (
    ("hold", mark("This is not right…"), mark("It waits until somebody answers."), "hold"),
    ("release", mark("Let it go on…"), mark("The question is closed."), "release"),
    ("decline_award", mark("End it…"), mark("The tokens go back to where they came from."), "decline"),
    ("revoke", mark("Take it back…"), mark("Two people take it back: one asked, you decide."), "revoke"),
)
"""Step of casework/staffing.py, button, what follows, last part of the form's address."""
SAID: Mapping[str, str] = {
    "held": mark("Noted. It waits until somebody answers."),
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
    moves = () if result is None else await _moves(seen, dossier, award)
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
        reply=recognised and may(seen, "case.work"),
        with_values=may(seen, "log.export"),
        tool=".venv/bin/tallystick" if frame.strip else "tallystick",
        proof_name=PROOF_NAME,
        takes=recognised and await _has_badge(seen, award),
        asks_now=asked is not None and asked.at <= seen.rooms.clock.now(),
        asks_later=None if asked is None else seen.frame.words.day(asked.at),
        check_badge=f"badge verify {BADGE_NAME}",
        keys={move.action: seen.fresh_key() for move in moves} | {"reply": seen.fresh_key()},
        trouble=trouble,
    )


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


async def _moves(seen: Seen, dossier: Dossier, award: str) -> tuple[Move, ...]:
    """Return what the reader may do about the award, by the rules that decide inside the writer."""
    if dossier.award is None or dossier.award["award"] != award:
        return ()
    staff = await staff_of(seen.rooms.rows, seen.rooms.clock.now())
    words, member = seen.frame.words, seen.caller.member
    settled = dossier.award["state"] == awards.SETTLED
    return tuple(
        Move(
            action=f"/recognition/{award}/{part}",
            button=words.gettext(button),
            follows=f"{words.gettext(follows)} {words.gettext(AT_ONCE)}",
            reasons=_reasons(step, settled, words),
            may_say=may(seen, "case.work"),
        )
        for step, button, follows, part in STEPS
        if staff.may(member, step, dossier)
    )


def _reasons(step: str, settled: bool, words: Words) -> tuple[tuple[str, str], ...]:
    if step == "hold":
        return tuple(
            (code, words.gettext(ASKED[code])) for code in HOLDING if settled or code != "revocation_asked"
        )
    if step == "release":
        return tuple((code, words.gettext(said)) for code, said in RELEASED.items())
    codes = awards.DECLINE_REASONS if step == "decline_award" else awards.REVOKE_CAUSES
    return tuple((code, words.gettext(ENDED[code])) for code in codes)


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
    document = await credential_of(seen.rooms, award, seen.caller.member)
    name = await seen.rooms.rows.one(tables.member_name, member=seen.caller.member)
    return await show(
        seen.frame,
        "sheet.html",
        award=award,
        document=document,
        place=document["issuer"]["name"],
        name="" if name is None else name["name"],
        day=seen.frame.words.day_and_year(str(document["validFrom"])),
        code=await asyncio.to_thread(_code, document),
        check=f"tallystick badge verify {SHEET_NAME}",
    )


def _code(document: Mapping[str, Any]) -> Code | None:
    """Return the code of a credential, None where it says more than a code can hold. Slow: call it in a thread."""
    try:
        return code_of(to_text(document), error="l")
    except ValueError:
        return None


# ---------------------------------------------------------------------------------------------- what one may do
@router.post("/recognition/{award}/hold")
async def hold(award: AwardId, acting: Holds) -> Response:
    """Ask a question about it: nothing goes on until somebody answers."""
    return await _step(acting, award, "hold", "held")


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
    use_case = {"hold": desk.hold, "release": desk.release, "decline_award": desk.decline_award}.get(
        step, desk.revoke
    )
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
