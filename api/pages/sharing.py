"""Thank-yous that people here want shown, in the words of whoever gave them; and one's own choice about that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.announced import announced
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show
from api.pages.names import people_of
from api.problems import BadRequest
from casework import announcing
from casework.announcing import Choose

router = APIRouter(route_class=PageDoor, include_in_schema=False)

CHOICES = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class Shared:
    """One thank-you on the page."""

    said: str
    who: str
    by: str
    day: str
    instant: str


@router.get("/thanks")
async def shared_thanks(seen: Annotated[Seen, see("announced.read", here="team")]) -> Response:
    """Show what people here want shown."""
    words = seen.frame.words
    names = await people_of(seen.rooms.rows)
    found = await announced(seen.rooms.rows, seen.rooms.clock.now())
    return await show(
        seen.frame,
        "thanks.html",
        thanks=[
            Shared(
                said=one.message,
                who=words.listed(sorted(names.name(member, words) for member in one.members)),
                by=names.name(one.by, words),
                day=words.day(one.at),
                instant=one.at,
            )
            for one in found
        ],
        checked=words.clock(seen.rooms.clock.now()),
    )


@router.post("/recognition/sharing")
async def share(acting: Annotated[Acting, act("award.announce", here="recognition")]) -> Response:
    """Keep whether one's own recognition may be shown: one of them, or all."""
    given = acting.form.text("may", chars_max=10)
    if given not in CHOICES:
        raise BadRequest("value_invalid", f"may: expected yes or no, got {given}", field="/may")
    award = acting.form.maybe("award", chars_max=64)
    await announcing.choose(acting.rooms.intake, acting.who, acting.key, Choose(award, CHOICES[given]))
    said = "shared" if CHOICES[given] else "unshared"
    return RedirectResponse(
        f"/recognition?said={said}", status_code=303, headers={"Cache-Control": "no-store"}
    )
