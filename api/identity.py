"""Who asks, for which organisation, in which role: the dependencies that every route declares.

A key or a session names exactly one member of exactly one log, so a route gets its rooms from here and from nowhere
else: an id of another organisation is looked up in the caller's own log and found unknown. Assurance of a key is
`key`, of a session `session`; whether it belongs to a person or an agent is the member's role.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.datastructures import FormData

from api.caller import KEY_PREFIX, Caller, key_digest
from api.permissions import AGENT, DEVICE_ACTS, role_for
from api.problems import BadRequest, NotAllowed, NotSignedIn
from api.rooms import Rooms
from api.sessions import token_digest, token_of
from casework.intake import RequestKey
from casework.joining import ACT_PREFIX
from casework.requests import Principal
from ledger.codec import dumps

IDEMPOTENCY_KEY_CHARS_MAX = 200
_KEY = re.compile(rf"[\x21-\x7e]{{1,{IDEMPOTENCY_KEY_CHARS_MAX}}}")
JSON_TYPE = "application/json"
FORM_TYPE = "multipart/form-data"
FORM_KEY = "idempotency_key"
"""The hidden field of a form that is sent without any script: the same as the header of that name."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that reads: who, and the rooms of their organisation."""

    caller: Caller
    rooms: Rooms


@dataclass(frozen=True, slots=True)
class Asking:
    """A request that changes something: who, under which idempotency key (with the digest of what was asked)."""

    caller: Caller
    rooms: Rooms
    key: RequestKey
    response: Response

    @property
    def who(self) -> Principal:
        """Return what the desk wants to know about whoever asks."""
        return self.caller.who


_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="A member's or an agent's key: `tsk_...`"
)


async def signed_in(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Return who asks: the holder of a key or of one act, or of a session of the pages where neither is given.

    Raises:
        NotSignedIn: neither, or one that is not in force.
    """
    if given is None and "authorization" not in request.headers and (token := token_of(request)) is not None:
        return await _of_session(request, token)
    if given is not None and given.credentials.startswith(ACT_PREFIX):
        return await _of_act(request, given.credentials)
    if given is None or not given.credentials.startswith(KEY_PREFIX):
        raise NotSignedIn(f"expected Authorization: Bearer {KEY_PREFIX}..., got none or another scheme")
    installation = request.app.state.installation
    holder: Caller | None = await installation.holders.holder(
        key_digest(given.credentials), installation.clock.now()
    )
    if holder is None:
        raise NotSignedIn("expected a key in force, got one that is unknown, ended or expired")
    request.state.caller = holder
    return holder


async def _of_session(request: Request, token: str) -> Caller:
    installation = request.app.state.installation
    found = await installation.holders.session(token_digest(token), installation.clock.now())
    if found is None:
        raise NotSignedIn("expected a session that goes on, got one that is unknown or has ended")
    caller: Caller = found[0]
    request.state.caller = caller
    await installation.sessions.seen(caller.log, caller.member, caller.key_id, found[1])
    return caller


async def _of_act(request: Request, token: str) -> Caller:
    installation = request.app.state.installation
    found: Caller | None = await installation.holders.act(token, installation.clock.now())
    if found is None:
        raise NotSignedIn(
            "expected an act granted a moment ago, got one that is unknown, over or of no device"
        )
    request.state.caller = found
    if getattr(request.scope.get("route"), "name", None) not in DEVICE_ACTS:
        raise NotAllowed("own_device_needed", "expected the person's own device, got a shared one")
    return found


async def holder_now(request: Request) -> Caller | None:
    """Return who is behind the key or session of this request by now, None once it has ended; no sign of use.

    For requests that stay open: what held when they began may not hold any more.
    """
    installation = request.app.state.installation
    now = installation.clock.now()
    if "authorization" in request.headers:
        given = await _bearer(request)
        found: Caller | None = None
        if given is not None:
            found = await installation.holders.holder(key_digest(given.credentials), now)
        return found
    token = token_of(request)
    session = None if token is None else await installation.holders.session(token_digest(token), now)
    return None if session is None else session[0]


async def sign_in(request: Request) -> Caller:
    """Return who asks, before anything else of the request is read. Raises NotSignedIn."""
    return await signed_in(request, await _bearer(request))


class Need:
    """A dependency that lets only roles of one permission through; `permission` is read by the route walk."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    def check(self, caller: Caller) -> Caller:
        """Return the caller in the role that has the permission. Raises NotAllowed."""
        role = role_for(self.permission, caller.roles)
        if role is None:
            held = ", ".join(caller.roles) or "none"
            raise NotAllowed("not_allowed", f"{self.permission} needs another role than {held}")
        return replace(caller, role=role, via="agent" if role == AGENT else caller.via)


class NeedToRead(Need):
    """For a route that reads: its value is the Visit."""

    async def __call__(self, request: Request, caller: Annotated[Caller, Depends(signed_in)]) -> Visit:
        allowed = self.check(caller)
        return Visit(allowed, await request.app.state.installation.rooms(allowed.log))


def need(permission: str) -> Any:
    """Return the dependency of a route that reads under `permission`; its value is the Visit."""
    return Depends(NeedToRead(permission))


def idempotency_key(
    given: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="Same key and same body: the same answer, one effect. Same key and another body: 422.",
            min_length=1,
            max_length=IDEMPOTENCY_KEY_CHARS_MAX,
            pattern=r"^[\x21-\x7e]+$",
        ),
    ] = None,
) -> str | None:
    """Return the caller's idempotency key, or None."""
    return given


class NeedToWrite(Need):
    """For a route that changes something: its value is the Asking."""

    def __init__(self, permission: str, large_body: bool, form: bool = False) -> None:
        super().__init__(permission)
        self.large_body = large_body
        self.media_type = FORM_TYPE if form else JSON_TYPE

    async def __call__(
        self,
        request: Request,
        response: Response,
        caller: Annotated[Caller, Depends(signed_in)],
        given_key: Annotated[str | None, Depends(idempotency_key)],
    ) -> Asking:
        allowed = self.check(caller)
        body = await request.body()
        got = media_type(request)
        if body and got != self.media_type:
            raise BadRequest("media_type", f"expected {self.media_type}, got {got or 'none'}", status=415)
        if got == FORM_TYPE:
            form = await request.form()  # parsed by the framework already, under the route's limits
            body = await form_bytes(form)
            given_key = given_key or _key_field(form)
        installation = request.app.state.installation
        # a request without a key cannot be recognised again; a random key keeps it from colliding with another
        key = given_key or f"door:{installation.entropy.token(16).hex()}"
        if allowed.act is not None:
            key = f"act:{allowed.act}"  # so that it is used up by the one thing it did (docs/adr/0009)
        if got == JSON_TYPE:
            with suppress(ValueError, TypeError, RecursionError):
                body = dumps(await request.json())  # another order of members or layout is the same request
        digest = request_digest(request.method, request.url.path, request.url.query, body)
        return Asking(allowed, await installation.rooms(allowed.log), RequestKey.of(key, digest), response)


def need_to_write(permission: str, *, large_body: bool = False, form: bool = False) -> Any:
    """Return the dependency of a route that changes something under `permission`; its value is the Asking.

    `large_body`: it takes files or whole documents, up to `body_bytes_max`; every other JSON up to `json_bytes_max`.
    `form`: it takes multipart/form-data with at most one photo instead of JSON, up to FORM_BYTES_MAX (api/bodies.py).
    """
    return Depends(NeedToWrite(permission, large_body, form))


async def form_bytes(form: FormData) -> bytes:
    """Return what a form says as canonical bytes: the boundary between its parts differs each time it is sent.

    Raises:
        BadRequest: a part comes twice.
    """
    parts = []
    if len(form) < len(form.multi_items()):
        raise BadRequest("member_twice", "expected each part of a form once, got one again", status=400)
    for name, value in form.multi_items():
        if isinstance(value, str):
            parts.append([name, value])
        else:
            await value.seek(0)
            digest = hashlib.sha256(await value.read()).hexdigest()
            await value.seek(0)
            parts.append([name, digest, value.filename or "", value.content_type or ""])
    return dumps(sorted(parts))


def _key_field(form: FormData) -> str | None:
    given = form.get(FORM_KEY)
    if given is None:
        return None
    if not isinstance(given, str) or not _KEY.fullmatch(given):
        raise BadRequest(
            "invalid_request", f"{FORM_KEY}: expected 1 to {IDEMPOTENCY_KEY_CHARS_MAX} printable characters"
        )
    return given


def media_type(request: Request) -> str:
    """Return the media type of the body without its parameters, lower case; empty: none was given."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def request_digest(method: str, path: str, query: str, body: bytes) -> str:
    """Return hex SHA-256 of what was asked: method, path, query and the body, canonical where it has such a form."""
    head = f"{method} {path}?{query}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(b"tallystick/request/v1\x00" + head + b"\x00" + body).hexdigest()
