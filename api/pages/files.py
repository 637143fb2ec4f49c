"""Stylesheets, scripts and marks: from the package, packed once, and kept by browsers until they change.

An address carries the file's digest (`?v=...`), so a browser may keep it for a year and still never shows an old one.
Only these are packed: a page holds what somebody typed beside what is secret, and packing those tells one by the other.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.pages.words import WEB
from api.problems import NotFound

STATIC = WEB / "static"
YEAR_SECONDS = 365 * 24 * 3_600
TAG_CHARS = 16
PACKED = frozenset({".css", ".js", ".svg", ".txt", ".md", ".webmanifest"})
TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".md": "text/plain"}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class File:
    """One file as it is served."""

    plain: bytes
    packed: bytes | None
    media_type: str
    tag: str


@lru_cache(maxsize=1)
def files() -> dict[str, File]:
    """Return every static file by its path below /static/. A name from outside is only ever looked up here."""
    return {
        path.relative_to(STATIC).as_posix(): _file(path.read_bytes(), path.suffix)
        for path in sorted(STATIC.rglob("*"))
        if path.is_file()
    }


def _file(plain: bytes, suffix: str) -> File:
    packed = gzip.compress(plain, mtime=0) if suffix in PACKED else None
    media_type = TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    return File(plain, packed, media_type, hashlib.sha256(plain).hexdigest()[:TAG_CHARS])


def asset(name: str) -> str:
    """Return the address of a static file. Raises KeyError: there is none, which a test of the templates finds."""
    return f"/static/{name}?v={files()[name].tag}"


@router.get("/static/{name:path}")
async def static(name: str, request: Request) -> Response:
    """Give one file."""
    return serve(request, name)


@router.get("/sw.js")
async def service_worker(request: Request) -> Response:
    """Give the script that keeps the page Report at hand without a connection; its place says which pages it serves."""
    given = serve(request, "js/sw.js")
    # what the worker itself may fetch is said by the policy of its own file
    given.headers["Content-Security-Policy"] = "default-src 'none'; connect-src 'self'"
    return given


def serve(request: Request, name: str) -> Response:
    """Return a static file, packed where the browser takes that, for ever under its own digest."""
    found = files().get(name)
    if found is None:
        raise NotFound("file", name)
    fits = request.query_params.get("v") == found.tag
    headers = {
        "ETag": f'"{found.tag}"',
        "Vary": "Accept-Encoding",
        "Cache-Control": f"public, max-age={YEAR_SECONDS}, immutable" if fits else "no-cache",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.packed, media_type=found.media_type, headers=headers)
    return Response(found.plain, media_type=found.media_type, headers=headers)
