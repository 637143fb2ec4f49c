"""Every error leaves in one shape: RFC 9457 `application/problem+json` with a code, a pointer per field, and
what was not changed.

Problem                     an error of the doors themselves; carries its status
|-- NotSignedIn         401 no key, or one that is unknown, ended or expired
|-- NotAllowed          403 the matrix refuses the role
|-- NotFound            404 unknown here; another organisation's ids read the same
|-- TooManyTries        429 too often in a while, from one address or for one account
|-- RowsRefused         422 rows of a table that was sent
`-- BadRequest      400-428 doubled member, size, media type, header, cursor
ledger.Refused      by code see STATUS_BY_CODE; 409 otherwise
casework.TokenInvalid   403 a decision or link token that was never issued here
playbooks.DocumentInvalid and its like, verifiers.PolicyInvalid    422 a file is not what its format says
ledger.GuardError       409 nothing may be signed: an older copy, another history, or a guard that is not there
ledger.Stopped          503 the log takes no command until somebody acts
ledger.StoreError       503 by what is known, see STORE_TROUBLE; a retry with the same key is safe
a client that went away 400 nobody reads it; it is no error of ours
anything else           500 with an error number; the cause stands in the server's log, never in the answer
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from casework.errors import CaseworkError, TokenInvalid, WayInEnded
from ledger.errors import (
    CanonicalError,
    DiskFull,
    EntryInvalid,
    LedgerError,
    OutcomeUnknown,
    Refused,
    Stopped,
    StoreError,
)
from ledger.guard import GuardDamaged, GuardError, GuardMoved, GuardRefused, GuardUnknownLog
from playbooks.errors import (
    DocumentInvalid,
    EvolutionRefused,
    ImportRefused,
    PlaybookError,
    RecordConflict,
    RecordInvalid,
)
from verifiers.errors import PolicyInvalid, VerifierError

MEDIA_TYPE = "application/problem+json"
NOTHING = "Nothing was recorded."
UNSIGNED = "Nothing was signed and nothing was recorded."
ERRORS_PER_PROBLEM_MAX = 20
INPUT_SHOWN_CHARS_MAX = 80

_CHOICES = re.compile(r"\^\(([\w|]+)\)\$")
"""A pattern that only lists words; people are told the words."""

log = structlog.get_logger("api.problems")

STATUS_BY_CODE: Mapping[str, int] = {
    # there is no such thing here
    "unknown": 404,
    "link_closed": 404,
    "invite_closed": 404,
    "device_ended": 404,
    "point_unknown": 404,
    # this person may not
    "member_inactive": 403,
    "role_missing": 403,
    "agent_may_not": 403,
    "not_in_charter": 403,
    "not_owner": 403,
    "decider_is_maker": 403,
    "decider_is_submitter": 403,
    "decider_is_beneficiary": 403,
    "reviewer_is_submitter": 403,
    "reviewer_is_beneficiary": 403,
    "no_authority": 403,
    "giver_involved": 403,
    "assurance_too_low": 403,
    "second_person_needed": 403,
    "not_asked": 403,
    "not_assessor": 403,
    "note_not_shown": 403,
    "own_device_needed": 403,
    "session_needed": 403,
    "tap_invalid": 403,
    "hook_key_ended": 401,
    "hook_clock": 401,
    "passkey_invalid": 403,
    "passkey_missing": 403,
    # the request itself is wrong
    "owner_unknown": 422,
    "stand_in_invalid": 422,
    "successor_invalid": 422,
    "delegation_chained": 422,
    "reason_missing": 422,
    "reason_unknown": 422,
    "value_invalid": 422,
    "mail_unsigned": 422,
    "time_stamp_invalid": 422,
    "file_unsigned": 422,
    "beneficiary_invalid": 422,
    "idempotency_mismatch": 422,
    "invalid": 422,
}
"""Refusal codes with a status of their own; every other refusal conflicts with the state: 409."""


FAILED_ALONE = "The command that failed recorded nothing."
STORE_TROUBLE: Sequence[tuple[type[StoreError], str, str, str, str]] = (
    (DiskFull, "disk_full", "the database's disk is full", FAILED_ALONE, "60"),
    (
        OutcomeUnknown, "outcome_unknown", "the database was lost while it recorded this",
        "Recorded whole or not at all; which of the two is not known.", "1",
    ),
    (StoreError, "store_failed", "the database could not do it", FAILED_ALONE, "1"),
)  # fmt: skip
"""Error -> code, what happened, what that left, seconds to wait. A large import is several commands: those before the
one that failed stand."""


class FieldProblem(BaseModel):
    """One member to blame: a JSON pointer into the request, and what was expected and got."""

    model_config = ConfigDict(extra="forbid")

    pointer: str
    detail: str


class ProblemDocument(BaseModel):
    """RFC 9457 problem details; `code` is stable, `effect` says what was not changed."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    code: str
    detail: str
    effect: str
    errors: list[FieldProblem] = []


class Problem(Exception):
    """An error of a door. `code` is stable; `detail` says expected and got."""

    status = 400

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})
        if status is not None:
            self.status = status


class NotSignedIn(Problem):
    """No key, or one that is unknown, ended or expired: the three read the same. The caller brings a valid key."""

    status = 401

    def __init__(self, detail: str) -> None:
        super().__init__("not_signed_in", detail, headers={"WWW-Authenticate": 'Bearer realm="tallystick"'})


class NotAllowed(Problem):
    """The matrix refuses every role of this person. The caller asks somebody who may."""

    status = 403


class TooManyTries(Problem):
    """Too often in a while, from one address or for one account. The caller waits as long as it says."""

    status = 429

    def __init__(self, wait_seconds: int) -> None:
        detail = f"expected fewer tries in this time; try again in {wait_seconds} seconds"
        super().__init__("too_many_tries", detail, headers={"Retry-After": str(wait_seconds)})


class NotFound(Problem):
    """Unknown in this organisation; whether another one has it is never told."""

    status = 404

    def __init__(self, what: str, given: str, field: str | None = None) -> None:
        super().__init__(f"unknown_{what}", f"no {what} {given[:INPUT_SHOWN_CHARS_MAX]!r} here", field=field)


class RowsRefused(Problem):
    """Rows of a table that was sent are not as expected; all are told, up to a bound. The caller mends the file."""

    status = 422

    def __init__(self, count: int, errors: Sequence[FieldProblem]) -> None:
        super().__init__("rows_refused", f"{count} thing(s) in these rows are not as expected; nobody joined")
        self.errors = errors


class BadRequest(Problem):
    """The request cannot be read as it stands; `status` is one of 400, 412, 413, 415, 422, 428. The caller mends it."""

    status = 422


def document(
    status: int, code: str, detail: str, errors: Sequence[FieldProblem] = (), effect: str = NOTHING
) -> dict[str, Any]:
    """Return the problem as JSON-ready data."""
    return {
        "type": f"urn:tallystick:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "effect": effect,
        "errors": [error.model_dump() for error in errors],
    }


def answer(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return the HTTP answer of a problem document."""
    return Response(
        orjson.dumps(dict(body)),
        status_code=body["status"],
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def pointer(location: Sequence[Any]) -> str:
    """Return pydantic's location as RFC 6901: body members as `/a/0`, others as `#query/limit`."""
    head, rest = (location[0], location[1:]) if location else ("body", ())
    # a member name may hold half a surrogate pair, which no JSON document of ours could repeat
    parts = (str(part)[:200].encode("utf-8", "replace").decode() for part in rest)
    path = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    return path if head == "body" else f"#{head}{path}"


def status_of(code: str) -> int:
    """Return the HTTP status of a refusal code."""
    return STATUS_BY_CODE.get(code, 409)


def of_validation(error: RequestValidationError) -> dict[str, Any]:
    """Return the problem of a body, path or query that is not of the declared shape; the input itself is not repeated
    beyond a few characters, because it may hold a person's words."""
    found = error.errors()[:ERRORS_PER_PROBLEM_MAX]
    if found and found[0]["type"] == "json_invalid":
        return document(422, "malformed_json", f"expected one JSON document, got: {found[0]['ctx']['error']}")
    fields = [FieldProblem(pointer=pointer(item["loc"]), detail=_said(item)) for item in found]
    return document(422, "invalid_request", f"{len(error.errors())} member(s) are not as expected", fields)


def _said(item: Mapping[str, Any]) -> str:
    if item["type"] in ("missing", "extra_forbidden"):
        return {"missing": "expected this member, got none", "extra_forbidden": "unknown member"}[
            item["type"]
        ]
    words = _CHOICES.fullmatch(item.get("ctx", {}).get("pattern", ""))
    wanted = (
        f"expected one of {words[1].replace('|', ', ')}"
        if words
        else item["msg"].removeprefix("Value error, ")
    )
    return f"{wanted}, got {type(item['input']).__name__} {item['input']!r}"[: 200 + INPUT_SHOWN_CHARS_MAX]


def of_error(error: Exception) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the problem document and headers of any error that a door lets through."""
    if isinstance(error, WayInEnded):
        error = NotSignedIn(str(error))
    if isinstance(error, RowsRefused):
        return document(error.status, error.code, error.detail, error.errors), {}
    if isinstance(error, Problem):
        fields = [FieldProblem(pointer=error.field, detail=error.detail)] if error.field else []
        return document(error.status, error.code, error.detail, fields), error.headers
    if isinstance(error, Refused):
        fields = [FieldProblem(pointer=error.field, detail=error.detail)] if error.field else []
        return document(status_of(error.code), error.code, error.detail, fields), {}
    if isinstance(error, DocumentInvalid | EvolutionRefused | ImportRefused | RecordInvalid | PolicyInvalid):
        return document(422, "document_invalid", str(error)[:2000]), {}
    if isinstance(error, RecordConflict):
        return document(409, "record_conflict", str(error)[:2000]), {}
    if isinstance(error, TokenInvalid):
        return document(403, "token_invalid", str(error)), {}
    if isinstance(error, GuardError):
        return document(409, "signing_refused", _guard_said(error), effect=UNSIGNED), {}
    if isinstance(error, Stopped):
        return document(503, error.code, error.detail), {"Retry-After": "60"}
    if isinstance(error, StoreError):
        code, happened, effect, wait_seconds = next(
            row for kind, *row in STORE_TROUBLE if isinstance(error, kind)
        )
        detail = f"{happened}; send it again with the same Idempotency-Key, it has one effect"
        return document(503, code, detail, effect=effect), {"Retry-After": wait_seconds}
    if isinstance(error, CanonicalError | EntryInvalid):
        return document(422, "invalid_request", str(error)), {}
    if isinstance(error, ClientDisconnect):
        return document(400, "client_gone", "expected the whole request, the client went away before"), {}
    number = secrets.token_hex(6)
    log.error("internal_error", number=number, error_type=type(error).__name__, exc_info=error)
    detail = f"an error of our own, number {number}; repeat with the same Idempotency-Key to learn what was recorded"
    return document(500, "internal", detail, effect="A command is recorded whole or not at all."), {}


def _guard_said(error: GuardError) -> str:
    """Say what was refused and what a person can do; folders and the guard's bytes stay out of the answer."""
    if isinstance(error, GuardMoved):
        return f"{error}; ask again"
    if isinstance(error, GuardRefused) and error.got_size < error.expected_size:
        missing = f"this copy is missing entries {error.got_size} up to size {error.expected_size}"
        return f"{error}; {missing}: restore the newer copy"
    if isinstance(error, GuardRefused):
        return f"{error}; this is not the log that was signed: restore that one and run `tallystick audit`"
    if isinstance(error, GuardUnknownLog):
        return "signing guard: expected a memory of this log, got none; mount the guard's volume (TALLYSTICK_GUARD_DIR)"
    if isinstance(error, GuardDamaged):
        return "signing guard: expected the file it wrote, got another; restore the guard's volume"
    return str(error)


def _pages(request: Request) -> Any:
    """Return what makes a page of an error, for whoever asked for a page (api.pages.app leaves it); else None."""
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    return getattr(request.app.state, "page_of", None) if wants_page else None


async def _on_error(request: Request, error: Exception) -> Response:
    if (page_of := _pages(request)) is not None:
        page: Response = await page_of(request, error)
        return page
    body, headers = of_error(error)
    await _tell(request, body)
    return answer(body, headers)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    body = of_validation(error)
    await _tell(request, body)
    return answer(body)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if (page_of := _pages(request)) is not None:
        page: Response = await page_of(request, error)
        return page
    codes = {404: "unknown_path", 405: "method_not_allowed", 413: "body_too_large", 400: "unreadable_body"}
    status = 422 if error.status_code == 400 else error.status_code
    detail = f"{request.method} {request.url.path[:200]}: {error.detail}"
    body = document(status, codes.get(error.status_code, "refused"), detail)
    await _tell(request, body)
    # 405 must carry Allow, 401 its challenge: starlette puts them on the exception
    return answer(body, error.headers)


async def _tell(request: Request, body: Mapping[str, Any]) -> None:
    """Count the refusal and, if it is one of somebody's acts, journal it: see api.journal."""
    journal = getattr(request.app.state, "journal", None)
    if journal is not None:
        await journal.refused(request, body["status"], body["code"])


def install(app: FastAPI) -> None:
    """Make every error of `app` leave as a problem."""
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    for kind in (
        ClientDisconnect,
        Problem,
        LedgerError,
        CaseworkError,
        PlaybookError,
        VerifierError,
        Exception,
    ):
        app.add_exception_handler(kind, _on_error)


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
    for status in (400, 401, 403, 404, 405, 409, 413, 415, 422, 428, 429, 500, 503)
}
"""Declared on every route, so that the OpenAPI document says what may come back."""
