"""Evidence that a third party signed: mail with the signature of its domain, time stamps over what is there already."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.mail_keys import look_up
from api.problems import PROBLEM_RESPONSES, BadRequest
from api.rooms import Rooms
from api.routes.answers import tell
from api.routes.cases import need_case
from api.routes.photos import stored
from api.routes.shapes import Asked, Id, IdInPath, Recorded, Told
from casework.collectors import signed_mail, time_stamp
from casework.collectors.signed_mail import Case
from casework.collectors.time_stamp import Stamped
from casework.errors import refuse
from casework.mail_reading import MAIL_SIZE_MAX_BYTES
from casework.requests import AttachEvidence
from casework.time_tokens import TOKEN_SIZE_MAX_BYTES, StampFault, Trust, trust_of
from ledger.vault import ORGANISATION

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["signed"], responses=PROBLEM_RESPONSES)

ROOTS_SIZE_MAX_BYTES = 1024 * 1024


def _base64_chars(size_bytes: int) -> int:
    return -(-size_bytes // 3) * 4


class MailShown(Asked):
    """A mail as it came, head and all (message/rfc822), base64; `replaces`: the item that was the wrong one."""

    mail: Annotated[str, Field(min_length=1, max_length=_base64_chars(MAIL_SIZE_MAX_BYTES))]
    replaces: Id | None = None


class StampShown(Asked):
    """A time-stamp token (TimeStampResp of RFC 3161, DER), base64."""

    token: Annotated[str, Field(min_length=1, max_length=_base64_chars(TOKEN_SIZE_MAX_BYTES))]


class ReferenceTold(Told):
    """The code of a case. Who repeats it in a mail shows that they were told it; `subject_hint` is it for a subject."""

    reference: str
    subject_hint: str


@router.get("/cases/{case}/reference", operation_id="read_reference")
async def read_reference(case: IdInPath, visit: Annotated[Visit, need("case.evidence")]) -> ReferenceTold:
    """Tell the code that a customer may repeat in a mail; always the same one, and nobody can guess it."""
    await need_case(visit, case)
    code = visit.rooms.reference(case)
    return ReferenceTold(reference=code, subject_hint=f"[{code}]")


@router.post("/cases/{case}/evidence/mail", operation_id="attach_mail", status_code=201)
async def attach_mail(
    case: IdInPath,
    body: MailShown,
    asking: Annotated[Asking, need_to_write("case.evidence", large_body=True)],
) -> Recorded:
    """Attach a mail that its sender's domain signed (DKIM): E4. The key is looked up now and frozen with it."""
    await need_case(Visit(asking.caller, asking.rooms), case)
    item = await mail_item(asking, case, decoded(body.mail, "/mail"), body.replaces)
    return await tell(asking, await asking.rooms.desk.attach_evidence(asking.who, asking.key, item))


async def mail_item(asking: Asking, case: str, raw: bytes, replaces: str | None = None) -> AttachEvidence:
    """Return the evidence of one mail, its keys looked up.

    Raises:
        Refused: mail_unsigned.
    """
    rooms = asking.rooms
    if await rooms.intake.is_repeat(asking.who, asking.key):
        return _repeated(asking, case, signed_mail.TYPE)
    mail = await asyncio.to_thread(signed_mail.read, raw)
    names = await asyncio.to_thread(signed_mail.names, mail, rooms.clock.now())
    answers = await look_up(rooms.mail_keys, names)
    seen_at, told = rooms.clock.now(), Case(case, rooms.reference(case))
    return await asyncio.to_thread(
        signed_mail.collect, asking.who, told, mail, answers, seen_at, rooms.customer, replaces
    )


def _repeated(asking: Asking, case: str, kind: str) -> AttachEvidence:
    """Return what stands in for an item that is there already: its keys may be gone, and its first answer is told."""
    submitter = f"member:{asking.who.id}"
    return AttachEvidence(case, kind, "E0", submitter, {"party": submitter}, asking.rooms.clock.now(), {})


@router.post(
    "/cases/{case}/evidence/{evidence}/time-stamp", operation_id="attach_time_stamp", status_code=201
)
async def attach_time_stamp(
    case: IdInPath,
    evidence: IdInPath,
    body: StampShown,
    asking: Annotated[Asking, need_to_write("case.evidence")],
) -> Recorded:
    """Attach a time stamp over the bytes of one item of this case (RFC 3161): E4."""
    rooms = asking.rooms
    stamped = await _stamped(asking, case, evidence)
    token = decoded(body.token, "/token")
    if await rooms.intake.is_repeat(asking.who, asking.key):
        item = _repeated(asking, case, time_stamp.TYPE)
    else:
        trust = await asyncio.to_thread(read_roots, rooms)
        now = rooms.clock.now()
        item = await asyncio.to_thread(time_stamp.collect, asking.who, case, stamped, token, trust, now)
    return await tell(asking, await rooms.desk.attach_evidence(asking.who, asking.key, item))


async def _stamped(asking: Asking, case: str, evidence: str) -> Stamped:
    """Return the item that a stamp is brought for. Raises NotFound: there is no content. Refused: evidence_closed."""
    row, content, _ = await stored(Visit(asking.caller, asking.rooms), case, evidence)
    if row["withdrawn"]:
        raise refuse(
            "evidence_closed", f"expected an item that still counts, got {evidence}, withdrawn", "/evidence"
        )
    _, wraps = await asking.rooms.reader.items([row["content_item"]])
    subjects = sorted({str(one["subject"]) for one in wraps} - {ORGANISATION})
    return Stamped(evidence, content, tuple(subjects))


def read_roots(rooms: Rooms) -> Trust:
    """Return the certificates of TALLYSTICK_TSA_ROOTS. Slow: call it in a thread.

    Raises:
        Refused: time_stamp_invalid, where none are set or none can be read.
    """
    try:
        if rooms.tsa_roots is None:
            raise StampFault(
                "roots", "expected TALLYSTICK_TSA_ROOTS, the file of the roots trusted here, got none"
            )
        return trust_of(_bytes_of(rooms.tsa_roots))
    except StampFault as fault:
        raise time_stamp.refused(fault) from fault


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(ROOTS_SIZE_MAX_BYTES)
    except OSError as error:
        got = type(error).__name__
        raise StampFault(
            "roots", f"TALLYSTICK_TSA_ROOTS: expected a file that can be read, got {got}"
        ) from error


def decoded(text: str, field: str) -> bytes:
    """Return the bytes of a base64 text. Raises BadRequest."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadRequest("invalid_base64", f"expected base64, got {error}", field=field) from error
