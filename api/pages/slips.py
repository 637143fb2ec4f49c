"""Invitations as they are handed over: the link, its QR, and a slip to print. A token is told once, so these pages are
answers to forms and have no address of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import segno
from fastapi import Request
from starlette.responses import Response

from api.joining import JOIN_PATH, organisation_name
from api.pages.doors import Acting
from api.pages.frame import show


@dataclass(frozen=True, slots=True)
class Handed:
    """Somebody and the token of their invitation."""

    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Slip:
    """One slip. `size` and `path` are the QR: a square of so many modules, and its strokes in SVG's words."""

    name: str
    address: str
    size: int
    path: str


def base_of(request: Request) -> str:
    """Return where people reach these pages: the address that was set, else the one this request came to."""
    settings = request.app.state.installation.settings
    asked = f"{request.url.scheme}://{request.headers.get('host', '')}"
    return str(settings.address or asked).rstrip("/")


def slip_of(name: str, address: str) -> Slip:
    """Return the slip of an address; without colours and styles, so that it is ink on paper in every theme."""
    code = segno.make_qr(address, error="m")
    rows = [bytes(row) for row in code.matrix_iter(border=QUIET)]
    strokes = [f"M{start} {y}.5h{length}" for y, row in enumerate(rows) for start, length in runs(row)]
    return Slip(name, address, len(rows), "".join(strokes))


QUIET = 4
"""Modules of quiet paper around the code."""


def runs(row: bytes) -> Iterable[tuple[int, int]]:
    """Yield (start, length) of the dark runs of one row."""
    start = None
    for at, dark in enumerate([*row, 0]):
        if dark and start is None:
            start = at
        elif not dark and start is not None:
            yield start, at - start
            start = None


async def show_slips(acting: Acting, handed: Sequence[Handed], until: str | None) -> Response:
    """Return the page of these invitations; of none when the form was sent before, because tokens are told once."""
    base = base_of(acting.request)
    return await show(
        acting.frame,
        "slips.html",
        slips=[slip_of(one.name, f"{base}{JOIN_PATH}{one.token}") for one in handed],
        place=await organisation_name(acting.rooms),
        until=until,
    )
