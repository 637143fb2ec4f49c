"""The steps of an exception that are taken on its own page: each is one form, sent twice it counts once.

A form that replaces or ends something carries the step of the record it was shown at (`seen`); if the exception has
moved on since, nothing is recorded and the page is shown as it stands now.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from babel.numbers import get_currency_precision
from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.pages.cards import act_words
from api.pages.doing_words import OTHER_ACT, until_of
from api.pages.doors import Acting, PageDoor, act
from api.pages.exceptions import CaseId, Issued, case_row, page
from api.pages.qr import code_of
from api.pages.troubles import trouble_of
from api.problems import BadRequest, of_error
from api.workbench import judge_again
from casework import tables
from casework.collectors import upload
from casework.errors import refuse
from casework.requests import (
    Acknowledge,
    AddNote,
    AssignOwner,
    AttachEvidence,
    CaseStep,
    IssueLink,
    Propose,
    RecordOutcome,
    TakeAction,
    WithdrawEvidence,
)
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Works = Annotated[Acting, act("case.work", here="")]
Proposes = Annotated[Acting, act("case.propose", here="")]
Shows = Annotated[Acting, act("case.evidence", here="")]
ShowsFile = Annotated[Acting, act("case.evidence", here="", large_body=True)]
Closes = Annotated[Acting, act("case.close", here="")]

AMOUNT = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,2}))?")
ID_CHARS_MAX = 200
LINK_DAYS = frozenset({"1", "3", "7"})
SIGNS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "application/pdf": b"%PDF-"}
"""How a file of a type begins: what it says it is and what it is must agree."""

Work = Callable[[], Awaitable[object]]


async def take(acting: Acting, case: str, said: str, work: Work) -> Response:
    """Take the step and go back to the page with one sentence; a refusal is shown on the page as it stands now."""
    try:
        await case_row(acting, case)
        await work()
    except (Refused, BadRequest) as error:
        return await _refused(acting, case, error)
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"/exceptions/{case}?said={said}", status_code=303, headers=headers)


async def _refused(acting: Acting, case: str, error: Exception) -> Response:
    body, _ = of_error(error)
    await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
    trouble = trouble_of(acting.frame.words, body, "POST")
    return await page(acting, case, acting.frame, trouble=trouble, status=body["status"])


async def _still(acting: Acting, case: str) -> None:
    """Check that the exception is as the form was shown, or that this very form was sent before.

    Raises:
        Refused: stale.
    """
    row = await case_row(acting, case)
    shown = acting.form.text("seen")
    if shown == str(row["changed_seq"]) or await acting.rooms.intake.is_repeat(acting.who, acting.key):
        return
    raise refuse("stale", f"expected the page as of step {row['changed_seq']}, got {shown or 'none'}")


@router.post("/exceptions/{case}/in-hand")
async def in_hand(case: CaseId, acting: Works) -> Response:
    """Say that the owner has it in hand, until when."""

    async def work() -> None:
        code = acting.form.need("until")
        until = until_of(code, acting.frame.words, acting.rooms.clock.now())
        if until is None:
            raise BadRequest(
                "value_invalid", f"until: expected one of the choices, got {code}", field="/until"
            )
        await acting.rooms.desk.acknowledge(acting.who, acting.key, Acknowledge(case, until))

    return await take(acting, case, "in-hand", work)


@router.post("/exceptions/{case}/propose")
async def propose(case: CaseId, acting: Proposes) -> Response:
    """Suggest what to do: one of the watch's own ways, or own words."""

    async def work() -> None:
        form, words = acting.form, acting.frame.words
        action = form.need("action", chars_max=ID_CHARS_MAX)
        text = form.need("text") if action == OTHER_ACT else form.text("text")
        await _known_act(acting, case, action)
        await _still(acting, case)
        value = amount_of(form.text("amount", chars_max=20), words.currency)
        flags = ("money",) if value is not None else ()
        request = Propose(case, action, text or act_words(action, words), value, flags)
        await acting.rooms.desk.propose(acting.who, acting.key, request)

    return await take(acting, case, "suggested", work)


async def _known_act(acting: Acting, case: str, action: str) -> None:
    row = await case_row(acting, case)
    watch = await acting.rooms.rows.one(tables.playbook, playbook=row["playbook"] or "")
    decision = (loads(watch["content"]).get("decision") if watch else None) or {}
    known = {OTHER_ACT, decision.get("action"), *decision.get("options", ())}
    if action not in known:
        raise BadRequest(
            "value_invalid", f"action: expected one of the choices, got {action}", field="/action"
        )


def amount_of(typed: str, currency: str) -> dict[str, Any] | None:
    """Return an amount as typed ("75", "75.50", "75,50") as money in minor units; None: nothing was typed.

    Raises:
        BadRequest: it is no amount.
    """
    if not typed:
        return None
    found = AMOUNT.fullmatch(typed)
    digits = get_currency_precision(currency)
    if found is None or len(found[2] or "") > digits:
        raise BadRequest(
            "value_invalid", f"amount: expected one like 75 or 75.50, got {typed}", field="/amount"
        )
    minor = int(found[1]) * 10**digits + int((found[2] or "").ljust(digits, "0") or 0)
    return {"amount_minor": minor, "currency": currency}


@router.post("/exceptions/{case}/done")
async def done(case: CaseId, acting: Works) -> Response:
    """Say that what was approved is done, by whoever asks."""

    async def work() -> None:
        await _still(acting, case)
        proposal = (await case_row(acting, case))["proposal"]
        request = TakeAction(case, proposal or "", acting.form.maybe("note"))
        await acting.rooms.desk.take_action(acting.who, acting.key, request)

    return await take(acting, case, "done", work)


# ---------------------------------------------------------------------------------------------- evidence
@router.post("/exceptions/{case}/evidence/record")
async def bring_record(case: CaseId, acting: Shows) -> Response:
    """Bring a record of a system, as it is now."""

    async def work() -> None:
        kind, record = (acting.form.need(name, chars_max=ID_CHARS_MAX) for name in ("kind", "record"))
        item = await acting.rooms.watching.record_as_evidence(acting.who, case, kind, record)
        await _attach(acting, item)

    return await take(acting, case, "evidence", work)


@router.post("/exceptions/{case}/evidence/statement")
async def bring_statement(case: CaseId, acting: Shows) -> Response:
    """Say how it was, in own words."""

    async def work() -> None:
        item = upload.statement(acting.who, case, acting.rooms.clock.now())
        await _attach(acting, replace(item, note=acting.form.need("statement")))

    return await take(acting, case, "evidence", work)


@router.post("/exceptions/{case}/evidence/file")
async def bring_file(case: CaseId, acting: ShowsFile) -> Response:
    """Bring a file; it counts as an uploaded file, and says so."""

    async def work() -> None:
        sent = acting.form.file("file")
        if sent is None:
            raise BadRequest("missing", "file: expected one, got none", field="/file")
        content = await sent.read(upload.FILE_SIZE_MAX_BYTES + 1)
        media_type = (sent.content_type or "").partition(";")[0].strip().lower()
        check_content(media_type, content)
        await _attach(acting, upload.file(acting.who, case, content, media_type, acting.rooms.clock.now()))

    return await take(acting, case, "evidence", work)


def check_content(media_type: str, content: bytes) -> None:
    """Check that a file is what it says it is. Raises BadRequest."""
    fits = content.startswith(SIGNS.get(media_type, b""))
    if media_type == "text/plain":
        try:
            fits = "\x00" not in content.decode("utf-8")
        except UnicodeDecodeError:
            fits = False
    if not fits:
        raise BadRequest(
            "value_invalid", f"file: expected content of {media_type}, got another", field="/file"
        )


async def _attach(acting: Acting, item: AttachEvidence) -> None:
    request = replace(item, replaces=acting.form.maybe("replaces", chars_max=64))
    await acting.rooms.desk.attach_evidence(acting.who, acting.key, request)
    await judge_again(acting.rooms, item.case)


@router.post("/exceptions/{case}/evidence/{evidence}/withdraw")
async def withdraw(case: CaseId, evidence: CaseId, acting: Shows) -> Response:
    """Take back what one brought oneself; it stays visible."""
    return await _withdraw(case, evidence, acting)


@router.post("/exceptions/{case}/withdraw")
async def withdraw_chosen(case: CaseId, acting: Shows) -> Response:
    """Take back one of the items that one brought oneself."""
    return await _withdraw(case, acting.form.text("evidence", chars_max=64), acting)


async def _withdraw(case: str, evidence: str, acting: Acting) -> Response:
    async def work() -> None:
        request = WithdrawEvidence(case, evidence, acting.form.need("reason_code"))
        await acting.rooms.desk.withdraw_evidence(acting.who, acting.key, request)

    return await take(acting, case, "withdrawn", work)


@router.post("/exceptions/{case}/link")
async def give_link(case: CaseId, acting: Shows) -> Response:
    """Make a link for the guest and show it, once."""
    try:
        row = await case_row(acting, case)
        days = acting.form.need("days")
        if days not in LINK_DAYS:
            raise BadRequest("value_invalid", f"days: expected one of the choices, got {days}", field="/days")
        subject = await acting.rooms.rows.open(row["subject_item"]) if row["subject_item"] else None
        customer = (subject or {}).get("customer") or acting.rooms.customer(
            acting.form.need("guest", ID_CHARS_MAX)
        )
        at = datetime.fromisoformat(acting.rooms.clock.now()) + timedelta(days=int(days))
        until = f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
        made = await acting.rooms.desk.issue_link(acting.who, acting.key, IssueLink(case, customer, until))
    except (Refused, BadRequest) as error:
        return await _refused(acting, case, error)
    token = made.secrets.get("token")
    url = (
        None if token is None else str(acting.request.url.replace(path=f"/l/{token}", query="", fragment=""))
    )
    issued = Issued(url, acting.frame.words.moment(until), None if url is None else code_of(url))
    return await page(acting, case, acting.frame, issued=issued)


# ---------------------------------------------------------------------------------------------- how it goes on
@router.post("/exceptions/{case}/result")
async def result(case: CaseId, acting: Works) -> Response:
    """Write down what came of it."""

    async def work() -> None:
        form = acting.form
        await _still(acting, case)
        request = RecordOutcome(case, form.need("resolution"), form.need("impact"), form.maybe("note"))
        await acting.rooms.desk.record_outcome(acting.who, acting.key, request)

    return await take(acting, case, "result", work)


@router.post("/exceptions/{case}/pass")
async def pass_on(case: CaseId, acting: Works) -> Response:
    """Give it to somebody else."""

    async def work() -> None:
        reason = acting.form.need("reason_code")
        if reason not in ("handed_over", "absent"):
            raise BadRequest("value_invalid", f"reason_code: expected one of the choices, got {reason}")
        request = AssignOwner(case, acting.form.need("owner", chars_max=64), reason)
        await acting.rooms.desk.assign_owner(acting.who, acting.key, request)

    return await take(acting, case, "passed", work)


@router.post("/exceptions/{case}/no-problem")
async def no_problem(case: CaseId, acting: Closes) -> Response:
    """Close it as a false alarm."""

    async def work() -> None:
        await _still(acting, case)
        await _close(acting, case, "false_alarm")

    return await take(acting, case, "no-problem", work)


@router.post("/exceptions/{case}/close")
async def close(case: CaseId, acting: Closes) -> Response:
    """Say that nothing is left to do."""

    async def work() -> None:
        await _still(acting, case)
        await _close(acting, case, acting.form.need("reason_code"))

    return await take(acting, case, "closed", work)


async def _close(acting: Acting, case: str, reason: str) -> None:
    """1. it ends  2. why, in own words, as a remark: an exception that has ended still takes one."""
    await acting.rooms.desk.close(acting.who, acting.key, CaseStep(case, reason))
    if (note := acting.form.maybe("note")) is not None:
        await acting.rooms.desk.add_note(acting.who, acting.then("note"), AddNote(case, note))


@router.post("/exceptions/{case}/reopen")
async def reopen(case: CaseId, acting: Works) -> Response:
    """Say that it is back."""

    async def work() -> None:
        request = CaseStep(case, acting.form.need("reason_code"))
        await acting.rooms.desk.reopen(acting.who, acting.key, request)

    return await take(acting, case, "reopened", work)


@router.post("/exceptions/{case}/note")
async def note(case: CaseId, acting: Works) -> Response:
    """Add a remark."""

    async def work() -> None:
        await acting.rooms.desk.add_note(acting.who, acting.key, AddNote(case, acting.form.need("note")))

    return await take(acting, case, "noted", work)
