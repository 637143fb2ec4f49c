"""Recognition to take along: one's own credential, the file with its proof, and the status lists that anybody asks."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.badge_files import badge_file, credential_of, status_list_of
from api.bodies import Door
from api.identity import Visit, need
from api.problems import PROBLEM_RESPONSES, BadRequest, NotFound
from api.routes.shapes import IdInPath
from api.tries import PER_ADDRESS, address_of
from casework.credentials import LISTS_MAX, PROOFS
from casework.data_integrity import ProofRefused
from casework.rdf_proofs import NoRdf
from ledger.canonical import encode
from ledger.codec import dumps

router = APIRouter(route_class=Door, tags=["badges"], responses=PROBLEM_RESPONSES)

MEDIA_TYPE = "application/vc"
"""A verifiable credential with its proof inside (VC Data Model 2.0, section 6.1)."""
LOG_CHARS_MAX = 120
ListNumber = Annotated[int, Path(ge=1, le=LISTS_MAX)]
LogName = Annotated[str, Path(max_length=LOG_CHARS_MAX, pattern=r"^[a-z0-9.-]+$")]
_JSON: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}}}
_PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.get(
    "/api/v1/awards/{award}/credential",
    operation_id="read_credential",
    response_class=Response,
    responses=_JSON,
)
async def read_credential(
    award: IdInPath,
    visit: Annotated[Visit, need("me.read")],
    proofs: Annotated[
        str, Query(pattern=f"^({'|'.join(PROOFS)})$", description="eddsa-jcs-2022, eddsa-rdfc-2022, or both.")
    ] = "jcs",
) -> Response:
    """Give the caller's own credential of a settled award: Open Badges 3.0 with a Data Integrity proof. `rdfc` and
    `both` need the extra `rdfc` on the server."""
    document = await credential_of(visit.rooms, award, visit.caller.member)
    try:
        document = await asyncio.to_thread(visit.rooms.credentials.proven, document, proofs)
    except NoRdf as error:
        raise BadRequest("rdfc_missing", str(error), field="#query/proofs", status=409) from error
    except ProofRefused as error:
        raise BadRequest("key_replaced", error.detail, field="#query/proofs", status=409) from error
    name = f"attachment; filename=credential-{award}.json"
    return Response(dumps(document), media_type=MEDIA_TYPE, headers={"Content-Disposition": name})


@router.get(
    "/api/v1/awards/{award}/badge", operation_id="read_badge", response_class=Response, responses=_FILE
)
async def read_badge(award: IdInPath, visit: Annotated[Visit, need("me.read")]) -> Response:
    """Give the caller's own credential with the record's proof and the status list of now, in one file."""
    data = await badge_file(visit.rooms, award, visit.caller.member)
    name = f"attachment; filename=badge-{award}.json"
    return Response(data, media_type="application/json", headers={"Content-Disposition": name})


@router.get(
    "/api/v1/awards/{award}/sheet", operation_id="read_sheet", response_class=Response, responses=_PDF
)
async def read_sheet(award: IdInPath, request: Request, visit: Annotated[Visit, need("me.read")]) -> Response:
    """Give the caller's own recognition as a sheet to print, with the whole credential in a code, in the caller's
    language. Needs pages and the extra `pdf` on the server."""
    await credential_of(visit.rooms, award, visit.caller.member)  # to others there is none, PDF or not
    draw = getattr(request.app.state, "drawn_sheet", None)
    if draw is None:
        raise BadRequest(
            "pdf_missing", "expected a server with pages, which draw sheets, got none", status=409
        )
    sheet: Response = await draw(request, visit.caller, visit.rooms, award)
    return sheet


@router.get(
    "/status/{log}/{number}", operation_id="read_status_list", response_class=Response, responses=_JSON
)
async def read_status_list(log: LogName, number: ListNumber, request: Request) -> Response:
    """Give a status list as it stands at this moment, to anybody who holds a credential that names it."""
    installation = request.app.state.installation
    await installation.tries.need(PER_ADDRESS, "status", address_of(request))
    if log not in await installation.logs():
        raise NotFound("status_list", str(number))
    document = await status_list_of(await installation.rooms(log), number)
    return Response(encode(document), media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})
