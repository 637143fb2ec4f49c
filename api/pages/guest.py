"""What a guest sees behind a one-time link: one question, in their own language, and thanks for the answer."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request
from starlette.responses import Response

from api.joining import organisation_name
from api.pages.frame import frame_of_stranger, show
from api.rooms import Rooms


async def guest_page(
    request: Request, rooms: Rooms, consent: bool, answered: bool, note_chars_max: int
) -> Response:
    """Ask whether it is solved, or for the yes of somebody who was brought; after the answer, say thanks.

    api.routes.links calls it where there are pages.
    """
    frame = frame_of_stranger(request, rooms.clock.now())
    frame = replace(frame, venue=await organisation_name(rooms))
    return await show(frame, "guest.html", consent=consent, answered=answered, note_chars_max=note_chars_max)
