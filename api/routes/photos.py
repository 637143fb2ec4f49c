"""Photos: nonces for the camera in the page, the photo itself, and evidence shown again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile as Uploaded

from api.bodies import FORM_LIMITS, Door
from api.identity import Asking, Visit, need, need_to_write
from api.likeness import NEAR_BITS, distance, kept, read_likeness
from api.pictures import served_type
from api.problems import PROBLEM_RESPONSES, BadRequest, NotAllowed, NotFound
from api.rooms import Rooms
from api.routes.answers import tell
from api.routes.cases import need_case
from api.routes.shapes import Id, IdInPath, Instant, Recorded, Told
from api.scope import Row
from casework import captures, tables
from casework.cases import later
from casework.collectors import photo
from casework.collectors.photo import Capture, Picture
from casework.errors import TokenInvalid
from casework.requests import AttachEvidence
from ledger.clock import instant_of
from ledger.codec import loads

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["photos"], responses=PROBLEM_RESPONSES)

SANDBOX = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
"""What somebody uploaded is shown, never run."""
LOOKED_THROUGH_MAX = 20_000
"""Earlier photos compared with a new one, the latest first."""
BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}


class PartsAsked(BaseModel):
    """The parts of a form: texts, and at most one photo; no unknown part. `member`: who wrote it, where it may have
    waited on a phone that several people use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    member: Id | None = None
    idempotency_key: Annotated[str | None, Field(max_length=200)] = None


class CaptureAsked(PartsAsked):
    """How the photo of this form came to be. `nonce`, `captured_at`: of the camera in the page."""

    how: Annotated[str, Field(pattern="^(camera|file)$")] = captures.FILE
    nonce: Annotated[str | None, Field(max_length=captures.NONCE_CHARS_MAX)] = None
    captured_at: Instant | None = None


class PhotoShown(CaptureAsked):
    """A photo of this case; `replaces`: the item that was the wrong one, which stays visible."""

    photo: UploadFile
    replaces: Id | None = None


class Nonces(Told):
    """Nonces for photos, each good for one, until `until`."""

    nonces: list[str]
    issued_at: str
    until: str


@router.post("/captures/nonces", operation_id="issue_nonces")
async def issue_nonces(asking: Annotated[Asking, need_to_write("case.evidence")]) -> Nonces:
    """Take some nonces along, for photos taken where there may be no network. Nothing is recorded."""
    rooms = asking.rooms
    now_ms = rooms.clock.unix_ms()
    nonces = [
        captures.seal_nonce(
            rooms.keys.decision_token,
            rooms.log,
            asking.caller.member,
            now_ms,
            rooms.entropy.token(captures.DRAWN_BYTES),
        )
        for _ in range(captures.NONCES_PER_BATCH)
    ]
    until = instant_of(now_ms + captures.NONCE_HOURS * 3_600_000)
    return Nonces(nonces=nonces, issued_at=instant_of(now_ms), until=until)


@router.post(
    "/cases/{case}/evidence/photo", operation_id="attach_photo", status_code=201, form_limits=FORM_LIMITS
)
async def attach_photo(
    case: IdInPath,
    form: Annotated[PhotoShown, Form(media_type="multipart/form-data")],
    asking: Annotated[Asking, need_to_write("case.evidence", form=True)],
) -> Recorded:
    """Attach a photo: E2 when captured in the page with a fresh nonce, else E1."""
    check_member(asking, form)
    item = await photo_item(asking, case, form.photo, form, form.replaces)
    return await tell(asking, await asking.rooms.desk.attach_evidence(asking.who, asking.key, item))


def check_member(asking: Asking, form: PartsAsked) -> None:
    """Refuse what somebody else wrote: it waits on the phone for its own person. Raises NotAllowed."""
    if form.member not in (None, asking.caller.member):
        raise NotAllowed(
            "another_member", f"expected {form.member}, who wrote this, got {asking.caller.member} signed in"
        )


async def photo_item(
    asking: Asking, case: str, sent: Uploaded, told: CaptureAsked, replaces: str | None = None
) -> AttachEvidence:
    """Return the evidence of a photo that came with a form, looked into and graded.

    Raises:
        BadRequest: the file is not what it should be (api/pictures.py), or the nonce was never issued to this member.
    """
    picture = await read_photo(asking, sent)
    now = asking.rooms.clock.now()
    alike = await seen_before(asking.rooms, picture, now)
    return photo.collect(asking.who, case, picture, capture_of(asking, told), now, replaces, alike)


async def seen_before(rooms: Rooms, picture: Picture, now: str) -> list[dict[str, Any]]:
    """Return the items of the last months that show the same picture, {evidence, bits}, the nearest first."""
    if picture.likeness is None:
        return []
    since = later(now, days=-photo.ALIKE_DAYS)
    rows = await rooms.rows.find(
        tables.likeness, also=(tables.likeness.c.at >= since,), order="at", limit=LOOKED_THROUGH_MAX
    )
    return await asyncio.to_thread(_nearest, picture.likeness, rows)


def _nearest(hashes: Mapping[str, Any], rows: Sequence[Row]) -> list[dict[str, Any]]:
    new = read_likeness(hashes)
    near = [(distance(new, kept(loads(row["hashes"]))), str(row["evidence"])) for row in rows]
    found = sorted(one for one in near if one[0] <= NEAR_BITS)[: photo.ALIKE_MAX]
    return [{"evidence": evidence, "bits": bits} for bits, evidence in found]


async def read_photo(asking: Asking, sent: Uploaded) -> Picture:
    """Return the picture of an upload. Raises BadRequest."""
    await sent.seek(0)
    content = await sent.read(photo.SIZE_MAX_BYTES + 1)
    declared = (sent.content_type or "").partition(";")[0].strip().lower()
    return await asking.rooms.pictures.look(content, declared, sent.filename)


def capture_of(asking: Asking, told: CaptureAsked) -> Capture:
    """Return how a photo came to be, its nonce checked. Raises BadRequest."""
    if told.nonce is None:
        return Capture(told.how, told.captured_at)
    try:
        issued_at = captures.open_nonce(
            asking.rooms.keys.decision_token, asking.rooms.log, asking.caller.member, told.nonce
        )
    except TokenInvalid as error:
        raise BadRequest("nonce_invalid", str(error), field="/nonce") from error
    return Capture(told.how, told.captured_at, told.nonce, issued_at)


# ---------------------------------------------------------------------------------------------- shown again
@router.get(
    "/cases/{case}/evidence/{evidence}/content",
    operation_id="read_evidence_content",
    response_class=Response,
    responses=BYTES,
)
async def read_content(
    case: IdInPath, evidence: IdInPath, visit: Annotated[Visit, need("case.read")]
) -> Response:
    """Give the file of one item as it was sent, opened from the vault."""
    item, content, facts = await stored(visit, case, evidence)
    media_type = served_type(content, facts.get("media_type"))
    shown = "inline" if media_type in photo.MEDIA_TYPES else "attachment"
    name = facts.get("name") or f"{item['type']}-{evidence}"
    headers = {"Content-Disposition": f"{shown}; filename*=UTF-8''{quote(str(name), safe='')}"}
    return Response(content, media_type=media_type, headers=SANDBOX | headers)


@router.get(
    "/cases/{case}/evidence/{evidence}/thumbnail",
    operation_id="read_evidence_thumbnail",
    response_class=Response,
    responses=JPEG,
)
async def read_thumbnail(
    case: IdInPath, evidence: IdInPath, visit: Annotated[Visit, need("case.read")]
) -> Response:
    """Give a small picture of one item: upright, at most 640 pixels, without anything the phone wrote into it."""
    pictures = visit.rooms.pictures
    row = await _item(visit, case, evidence)
    commitment = str(row["content_item"])
    small = pictures.kept(commitment)
    there, wraps = await visit.rooms.reader.items([commitment])
    if small is None or not there or not wraps:  # an erased item is no more, whatever memory still holds
        pictures.drop(commitment)
        _, content, facts = await stored(visit, case, evidence)
        if served_type(content, facts.get("media_type")) not in photo.MEDIA_TYPES:
            raise NotFound("thumbnail", evidence)
        small = await pictures.thumbnail(content, facts["media_type"])
        pictures.keep(commitment, small)
    return Response(small, media_type="image/jpeg", headers=SANDBOX | {"Content-Disposition": "inline"})


async def _item(visit: Visit, case: str, evidence: str) -> Row:
    await need_case(visit, case)
    row = await visit.rooms.rows.need("evidence", tables.evidence, case=case, evidence=evidence)
    if row["content_item"] is None:
        raise NotFound("content", evidence)
    return row


async def stored(visit: Visit, case: str, evidence: str) -> tuple[Row, bytes, dict[str, Any]]:
    """Return the row, the bytes and the facts of an item. Raises NotFound: there are none, or they were erased."""
    row = await _item(visit, case, evidence)
    content = await visit.rooms.rows.open(row["content_item"])
    if content is None:
        raise NotFound("content", evidence)
    facts = None if row["facts_item"] is None else await visit.rooms.rows.open(row["facts_item"])
    return row, content, facts or {}
