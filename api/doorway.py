"""What every request passes before any route: size, load, headers, one log line, one measurement. Pure ASGI.

The log line holds the route's template, never its path, query, headers or body: a link's token is part of a path, and
a key is a header.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.origins import refused_origin
from api.problems import answer, document

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; "
        b"frame-ancestors 'none'; base-uri 'none'",
    ),
)
"""No script at all in this issue; a page that needs more sends its own policy, which then stands."""

HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000")
"""Told over https alone: a browser that once came safely never again asks this name in the clear. Other names of the
same domain are not ours to bind."""

log = structlog.get_logger("api.http")


class Doorway:
    """The outermost layer of the application."""

    def __init__(
        self, app: ASGIApp, *, body_bytes_max: int, in_flight_max: int, registry: CollectorRegistry
    ) -> None:
        self._app = app
        self._body_bytes_max = body_bytes_max
        self._in_flight_max = in_flight_max
        self._in_flight = 0
        names = ["method", "route", "status"]
        self._count = Counter("tallystick_requests", "HTTP requests", names, registry=registry)
        self._seconds = Histogram(
            "tallystick_request_seconds", "Time to answer", ["route"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status, counted = 500, True

        def settle() -> None:
            nonlocal counted
            if counted:
                counted = False
                self._in_flight -= 1
                self._note(scope, status, time.perf_counter() - started)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, scope.get("scheme") == "https")
                if _is_stream(message):
                    settle()  # begun is done: an open stream is no load, and api/streams.py bounds how many there are
            await send(message)

        self._in_flight += 1
        try:
            refusal = self._refuse_early(scope)
            if refusal is not None:
                await answer(refusal, _headers_of(refusal))(scope, receive, sending)
            else:
                await self._app(scope, counting(receive, self._body_bytes_max), sending)
        finally:
            settle()

    def _refuse_early(self, scope: Scope) -> dict[str, Any] | None:
        if self._in_flight > self._in_flight_max:
            return document(
                503, "busy", f"more than {self._in_flight_max} requests at once; try again in a second"
            )
        if (crossed := refused_origin(scope["method"], scope["headers"])) is not None:
            return document(403, "cross_origin", crossed)
        refused = length_refused(scope, self._body_bytes_max)
        return None if refused is None else document(413, "body_too_large", refused)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "none"
        self._count.labels(scope["method"][:10], route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        log.info(
            "request", method=scope["method"][:10], route=route, status=status, ms=round(seconds * 1000, 1)
        )


def length_refused(scope: Scope, limit: int) -> str | None:
    """Return the sentence that refuses the announced length of a body, None where it is within `limit` bytes."""
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value[:20]) > limit):
            return _too_large(limit, value.decode("latin-1")[:20])
    return None


def _too_large(limit: int, got: str) -> str:
    return f"expected a body of at most {limit} bytes, got {got}"


def _headers_of(refusal: dict[str, Any]) -> dict[str, str]:
    return {"Retry-After": "1"} if refusal["status"] == 503 else {}


def _is_stream(message: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in message.get("headers", ())
    )


def _add_headers(message: MutableMapping[str, Any], by_https: bool) -> None:
    headers = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    headers.extend(pair for pair in SECURITY_HEADERS if pair[0] not in present)
    if by_https and HTTPS_ONLY[0] not in present:
        headers.append(HTTPS_ONLY)
    if b"cache-control" not in present:
        headers.append((b"cache-control", b"no-store"))
    message["headers"] = headers


def counting(receive: Receive, limit: int) -> Receive:
    """Wrap `receive` so that a body without a length, sent in chunks, cannot pass the limit either."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise HTTPException(413, _too_large(limit, f"more than {limit}"))
        return message

    return counted
