"""Where a code or a tag leads: what is due at that place, and one button that says "I am here".

Looking changes nothing: a phone opens an address by itself. A screen's code is good for 45 seconds and a tap counts
once, so what is pressed here is the check-in alone; what was found is written down on the page after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.dossiers import Dossier, dossiers
from api.pages.cards import title_of
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show
from api.pages.planned_words import FIRST, instant
from api.pages.points import METHOD_WORDS, place_words
from api.scope import Row
from api.workbench import judge_again
from casework import cases, presence, tables
from casework.plans import CHECK
from casework.point_requests import CheckIn
from casework.views_of_points import DOUBTED

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.evidence", here="work")]
Shows = Annotated[Acting, act("case.evidence", here="work")]
ScannedCode = Annotated[str, Path(max_length=presence.CODE_CHARS_MAX, pattern=r"^[A-Za-z0-9_-]+$")]
Picc = Annotated[str, Path(pattern=r"^[0-9A-Fa-f]{32}$")]
Cmac = Annotated[str, Path(pattern=r"^[0-9A-Fa-f]{16}$")]
LOOKED_MAX = 200
"""Planned checks that are open, the latest first, out of which those of a place are found."""
JUST_DONE_MINUTES = 10
"""How long after a reading its own check-in may still come (together_minutes_max of the policy)."""
DONE_STATES = (cases.AWAITING_REVIEW, cases.RESOLVED)


@dataclass(frozen=True, slots=True)
class Due:
    """One check of the place: its address, what, when; `done`: the reader wrote it down a moment ago."""

    case: str
    title: str
    when: str
    done: bool


@router.get("/here/{code}")
async def scanned(code: ScannedCode, seen: Sees) -> Response:
    """Show what is due where this code hangs or shines."""
    return await _page(seen, CheckIn("", code=code), f"/here/{code}")


@router.get("/tap/{picc}/{cmac}")
async def tapped(picc: Picc, cmac: Cmac, seen: Sees) -> Response:
    """Show what is due at the tag that a phone was held to."""
    return await _page(seen, CheckIn("", picc=picc, cmac=cmac), f"/tap/{picc}/{cmac}")


async def _page(seen: Seen, request: CheckIn, path: str) -> Response:
    words = seen.frame.words
    row = await seen.rooms.desk.point_of(seen.who, request)
    said = METHOD_WORDS[row["method"]]
    label = await seen.rooms.rows.open(row["label_item"]) if row["label_item"] else None
    return await show(
        seen.frame,
        "arriving.html",
        place=place_words(row["place"]),
        label=str(label or ""),
        method=words.gettext(said),
        doubted=row["state"] == DOUBTED,
        due=await due_at(seen, row),
        path=path,
        key=seen.fresh_key(),
    )


async def due_at(seen: Seen, point: Row) -> list[Due]:
    """Return the checks of a point's place that may be done now, and the reader's own of a moment ago."""
    rows, words, now = seen.rooms.rows, seen.frame.words, seen.rooms.clock.now()
    where = {"origin": "schedule", "subject_kind": CHECK, "state": [*FIRST, *DONE_STATES], "award": None}
    found = await rows.find(tables.case_file, where, order="opened_seq", limit=LOOKED_MAX)
    mine = seen.caller.member
    told = []
    for one in await dossiers(rows, list(reversed(found))):
        facts, state = one.facts(), one.case["state"]
        if facts.get("place") != point["place"]:
            continue
        done = state in DONE_STATES
        if done and (one.case["action_by"] != mine or not _just_done(one, now)):
            continue
        told.append(Due(one.id, title_of(one, words), words.moment(str(facts["due_at"])), done))
    return told


def _just_done(dossier: Dossier, now: str) -> bool:
    """Say whether it was written down a moment ago and nobody checked in for it yet."""
    readings = [item for item in dossier.live if item["type"] == "reading"]
    if not readings or any(item["type"] == "check_in" for item in dossier.live):
        return False
    since = datetime.fromisoformat(now) - timedelta(minutes=JUST_DONE_MINUTES)
    return str(readings[0]["received_at"]) >= instant(since)


@router.post("/here/{code}/check-in")
async def by_code(code: ScannedCode, acting: Shows) -> Response:
    """Say that one is there, by a code."""
    return await _check_in(acting, CheckIn(acting.form.need("case", chars_max=64), code=code))


@router.post("/tap/{picc}/{cmac}/check-in")
async def by_tap(picc: Picc, cmac: Cmac, acting: Shows) -> Response:
    """Say that one is there, by a tap."""
    return await _check_in(acting, CheckIn(acting.form.need("case", chars_max=64), picc=picc, cmac=cmac))


async def _check_in(acting: Acting, request: CheckIn) -> Response:
    await acting.rooms.rows.need("case", tables.case_file, case=request.case)
    await acting.rooms.desk.check_in(acting.who, acting.key, request)
    await judge_again(acting.rooms, request.case)
    where = f"/exceptions/{request.case}?said=checked-in&do=check"
    return RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})
