"""The demo strip, and the demo itself as the doors know it: for demo logs on loopback only (SETTLED 29)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import orjson
from fastapi import Request

from api.pages.frame import Frame, Strip
from api.pages.words import mark
from api.permissions import AUDITOR, MANAGER, OWNER, STAFF
from api.settings import LOOPBACK
from api.venue.files import CLOCK_FILE, DEMO_FILE
from casework import tables
from ledger.clock import SIMULATED_SUFFIX
from ledger.codec import loads

LOOKS = (
    (OWNER, mark("the owner")),
    (MANAGER, mark("the shift lead")),
    (STAFF, mark("a waiter")),
    (AUDITOR, mark("the auditor")),
)
"""As whom one may look: role, words. It is the first active member of that role."""
JUMP = ("/demo/jump", mark("Jump to Saturday 19:30"))
TRY = (
    ("/demo/cheat", mark("Try to cheat")),
    JUMP,
    ("/demo/damage", mark("Damage the record (a copy)")),
)
"""What one may try: page, words. The jump only where the clock is the demo's own."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What `demo.json` says: which log, and which award is its story."""

    log: str
    venue: str
    case: str
    award: str
    moves: bool
    """Whether its clock is the demo's own, so that the strip may move it."""


async def demo_of(request: Request) -> Demo | None:
    """Return the demo that this server may show to this request, None where there is none or this is no loopback.

    The name in the address must be a loopback one too: a foreign name that resolves to this machine gets nothing.
    """
    installation = request.app.state.installation
    settings = installation.settings
    asked_for = (request.url.hostname or "").strip("[]")
    if not settings.on_loopback or asked_for not in LOOPBACK:
        return None
    try:
        told = orjson.loads(await asyncio.to_thread((settings.data_dir / DEMO_FILE).read_bytes))
        log, case, award, venue = (str(told[name]) for name in ("log", "story_case", "story_award", "venue"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not log.endswith(SIMULATED_SUFFIX) or log not in await installation.logs():
        return None
    moves = settings.clock_file == settings.data_dir / CLOCK_FILE
    return Demo(log, venue, case, award, moves)


async def with_strip(request: Request, frame: Frame) -> Frame:
    """Return the frame with the demo strip, where this is a demo."""
    demo = await demo_of(request)
    if demo is None or frame.caller is None or frame.caller.log != demo.log:
        return frame
    rooms = await request.app.state.installation.rooms(demo.log)
    members = await rooms.rows.find(tables.member, {"active": 1})
    held = {role for row in members for role in loads(row["roles"])}
    looks = tuple((role, words) for role, words in LOOKS if role in held)
    now = frame.words.full(rooms.clock.now())
    role = next((role for role in frame.caller.roles if role in dict(looks)), "")
    tries = tuple(one for one in TRY if demo.moves or one is not JUMP)
    return replace(frame, venue=demo.venue, strip=Strip(demo.venue, now, looks, role, tries))
