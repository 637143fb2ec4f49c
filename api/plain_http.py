"""Pages asked for in the clear from another machine: one page that explains, never an app that half works.

Over http a browser trusts a page only on the machine itself (localhost). Under any other name it has no passkeys, no
camera, no offline reports, and drops the session's cookie (`__Host-`), so that nobody could stay signed in. Programs
are not stopped here: a key works over http too, and whoever runs the network decides about that.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.settings import is_loopback

Explain = Callable[[Request], Response]
"""Answers a page that cannot be shown; says where to go, and keeps PAGE_STATUS."""

PAGE_STATUS = 403
"""Not 421, on which browsers ask again on another connection, and not a redirect: the address may be another's."""
NOT_PAGES = ("/api/", "/static/")
NOT_PAGES_EXACTLY = frozenset({"/livez", "/readyz", "/metrics"})


class PlainHttp:
    """Answers with `explain` instead of the page; everything else passes."""

    def __init__(self, app: ASGIApp, *, explain: Explain) -> None:
        self._app = app
        self._explain = explain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or explain."""
        if scope["type"] == "http" and is_page_in_the_clear(scope):
            await self._explain(Request(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_page_in_the_clear(scope: Scope) -> bool:
    """Return whether a browser asks for a page over http under a name that is not this machine's own.

    1. https, also by the word of the proxy that is believed, may pass   2. so may what is no page
    3. so may this machine itself
    """
    if scope["scheme"] == "https":
        return False
    path = scope["path"]
    if path in NOT_PAGES_EXACTLY or path.startswith(NOT_PAGES):
        return False
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    if "text/html" not in headers.get(b"accept", "").lower():
        return False
    return not is_loopback(host_of(headers.get(b"host", "")))


def host_of(header: str) -> str:
    """Return the name or address of a Host header, without port and brackets."""
    header = header.strip()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def in_english(address: str) -> Explain:
    """Return an `explain` without any design, for a server without pages; `address`: see Settings.address."""

    def explain(request: Request) -> Response:
        return HTMLResponse(_page(_where(address, request.url.path)), PAGE_STATUS)

    return explain


def _where(address: str, path: str) -> str:
    if address.startswith("https://"):
        there = escape(address + path, quote=True)
        return f'<p>Open this instead: <a href="{there}">{there}</a></p>'
    return (
        "<p>Ask whoever set up Tallystick here for its safe address. It begins with https://. If there is none yet, "
        "docs/hosting.md shows how to get one.</p>"
    )


def _page(where: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>This address is not safe</title>'
        "</head><body><main><h1>This address is not safe</h1>"
        "<p>Tallystick was opened at an address that begins with http://. What you type and see could be read by "
        "others on the same network, and your browser would not let you sign in, take photos or report offline.</p>"
        f"{where}<p>Nothing was changed.</p></main></body></html>"
    )
