"""Every component in every state on one page, for whoever changes one: `/ui`, with TALLYSTICK_GALLERY=true only."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.pages.cards import STATES, Card, Claim, Suggested, Tile
from api.pages.decisions import REASONS, Bar, Listed
from api.pages.doors import PageDoor
from api.pages.frame import Toast, frame_of_stranger, show
from api.pages.navigation import entries_of
from api.pages.story import Step
from api.permissions import OWNER
from api.problems import NotFound

router = APIRouter(route_class=PageDoor, include_in_schema=False)

TONES = ("attention", "late", "done", "wait", "quiet", "helper")
CARD = Card(
    case="0000",
    path="/ui",
    title="Table 12 needs a step-free seat at 19:30; nobody on shift is briefed",
    chip="Decide by 18:00",
    tone="attention",
    at_stake="about €180 at stake",
    done=2,
    now=3,
    failed=False,
    happened="A watch noticed it: 14:02. It has been so since 12:00.",
    claims=(
        Claim("Starts at", "19:30", "/ui"),
        Claim("Covers", "6", "/ui"),
        Claim("Note", "Window", "/ui"),
    ),
    why="A guest who cannot reach the table leaves, and tells it.",
    owner="Ana",
    suggested=Suggested(
        "Suggested by Rota watcher (digital employee)", "Ben takes Section B", "Change the rota", True
    ),
    tiles=(
        Tile(
            "A record of the system", "from the system, 14:02", "held against an independent record", "file"
        ),
        Tile("A photo", "brought by Ana, 14:10", "taken here", "camera", withdrawn=True),
        Tile("A photo of the ramp", "Still needed", "", "camera", missing=True),
    ),
    ago="14:02",
)
BY_PERSON = Suggested("Suggested by Ana", "Ben takes Section B", "Change the rota", False)
BARS = (
    Bar("action", "Approve: change the rota", "Your yes covers exactly this.", "t", "k1", REASONS),
    Bar("review", "It holds", "You say whether it holds.", "", "k2", (), items=(("e1", "Ana, 14:10"),)),
    Bar("award", "Thank Chi", "Your yes covers exactly this result.", "t", "k3", REASONS, people="Chi", tokens=6,
        tokens_max=20, budgets=(("b", "180 tokens left"),)),
)  # fmt: skip
STEPS = (
    Step(
        "2026-11-20T14:02:00.000Z",
        "14:02",
        "Noticed: table 12",
        "A watch noticed it.",
        "",
        (("Kind", "case_opened"),),
    ),
    Step("2026-11-20T14:05:00.000Z", "14:05", "Suggested: Ben moves", "", "helper", ()),
    Step(
        "2026-11-20T14:06:00.000Z", "14:06", "Refused: own suggestion", "Nothing was changed.", "refused", ()
    ),
)


@router.get("/ui")
async def gallery(request: Request) -> Response:
    """Show every component."""
    installation = request.app.state.installation
    if not installation.settings.gallery:
        raise NotFound("page", request.url.path)
    bar, more = entries_of([OWNER])
    frame = frame_of_stranger(request, installation.clock.now())
    framed = replace(frame, tabs=bar, more=more, here="decisions", counts={"decisions": 3}, venue="Gallery")
    shown = replace(framed, toast=Toast("Approved. It is passed on in 10 seconds.", "/ui"))
    return await show(
        shown,
        "gallery.html",
        tones=TONES,
        cards=[replace(CARD, case=f"000{number}", suggested=BY_PERSON if number else CARD.suggested)
               for number in range(len(BARS))],
        bars=BARS,
        states=[(frame.words.gettext(chip), tone, done, now) for chip, tone, done, now in STATES.values()],
        listed=[Listed(CARD, "/ui", True), Listed(replace(CARD, tone="wait", chip="Being done"), "/ui", False)],
        steps=STEPS,
    )  # fmt: skip
