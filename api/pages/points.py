"""Check-in points on pages: which there are, setting one up and ending it, the sheet of a code on paper, saying that
one was moved. The keys of a tag are typed once and shown nobody again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.joining import keyed
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show, with_toast
from api.pages.mending import Mended, to_mend
from api.pages.names import people_of
from api.pages.qr import code_of
from api.pages.slips import base_of
from api.pages.words import Words, mark
from api.permissions import role_for
from api.problems import BadRequest, NotFound
from api.rooms import Rooms
from api.routes.points import CODE_PATH
from casework import tables
from casework.plans import PLANS_MAX
from casework.point_requests import METHODS, NFC, PRINTED, SCREEN, DoubtPoint, EndPoint, RegisterPoint
from casework.views_of_points import ACTIVE, DOUBTED, ENDED
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("point.read", here="people")]
SeesCode = Annotated[Seen, see("point.code", here="people")]
Writes = Annotated[Acting, act("point.write", here="people")]
Doubts = Annotated[Acting, act("point.doubt", here="people")]
PointId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]
SPACES = str.maketrans("", "", " :-")
"""What people leave between the digits of a number; a tag's own number has none of it."""

METHOD_WORDS: Mapping[str, str] = {
    NFC: mark("A tag to hold the phone to"),
    SCREEN: mark("A code on a shared screen"),
    PRINTED: mark("A code on paper"),
}
WORTH: Mapping[str, str] = {
    NFC: mark("Shows that somebody stood there: the tag signs each tap."),
    SCREEN: mark("Shows that somebody stood there: the code changes all the time."),
    PRINTED: mark("Shows little: a photo of it does as well."),
}
STATES: Mapping[str, tuple[str, str]] = {
    ACTIVE: (mark("in use"), "done"),
    DOUBTED: (mark("said to be moved"), "attention"),
    ENDED: (mark("ended"), "quiet"),
}
END_WORDS: tuple[tuple[str, str], ...] = (
    ("moved", mark("It was moved")),
    ("lost", mark("It is lost")),
    ("replaced", mark("Another one takes its place")),
    ("closed", mark("Nobody checks in there any more")),
)
SAID: Mapping[str, str] = {
    "set-up": mark("Set up. From now on people can check in there."),
    "ended": mark("Ended. Nobody checks in there any more."),
    "doubted": mark("Noted. Until somebody has looked, a check-in there counts for little."),
}
WRONG: Mapping[str, tuple[str, str]] = {
    "place": (
        "place",
        mark("Name a place, in at most 200 signs, that has no other point of this sort in use."),
    ),
    "method": ("method", mark("Choose one of the three.")),
    "uid": (
        "uid",
        mark("14 signs, 0 to 9 and a to f, of a tag that has no other place; only a tag has them."),
    ),
    "meta_key": ("meta_key", mark("32 signs, 0 to 9 and a to f; only a tag has them.")),
    "file_key": ("file_key", mark("32 signs, 0 to 9 and a to f; only a tag has them.")),
    "label": ("label", mark("At most 80 signs.")),
}


@dataclass(frozen=True, slots=True)
class PointSeen:
    """One point in words. `doubt`: what was said of it, for leads; `paper`, `screen`: it has a code of that sort."""

    id: str
    place: str
    label: str
    method: str
    worth: str
    state: str
    tone: str
    doubt: str
    who: str
    in_use: bool
    paper: bool
    screen: bool


def place_words(place: str) -> str:
    """Return a place as people read it: `cold-room` is "cold room"."""
    return place.replace("-", " ").replace("_", " ")


@router.get("/points")
async def points(seen: Sees, said: str = "") -> Response:
    """List check-in points; leads set them up and end them, everybody may say that one was moved."""
    return await _page(seen, said=said)


async def _page(seen: Seen, said: str = "", again: Mended | None = None, status: int = 200) -> Response:
    words, rooms = seen.frame.words, seen.rooms
    listed = await points_of(rooms, words, _leads(seen))
    frame = with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame
    return await show(
        frame,
        "points.html",
        status=status,
        points=[one for one in listed if one.in_use],
        ended=[one for one in listed if not one.in_use],
        leads=_leads(seen),
        doubts=_may(seen, "point.doubt"),
        methods=[(method, words.gettext(METHOD_WORDS[method])) for method in METHODS],
        reasons=[(code, words.gettext(text)) for code, text in END_WORDS],
        places=await _places(rooms),
        tap_address=f"{base_of(seen.request)}/tap/PICC/CMAC",
        again=again,
        key=seen.fresh_key(),
    )


def _may(seen: Seen, permission: str) -> bool:
    return role_for(permission, seen.caller.roles) is not None


def _leads(seen: Seen) -> bool:
    return _may(seen, "point.write")


async def points_of(rooms: Rooms, words: Words, leads: bool) -> list[PointSeen]:
    """Return every point, by place; those in use first."""
    rows = await rooms.rows.find(tables.point)
    items = {row[name] for row in rows for name in ("label_item", "doubt_item") if row[name] is not None}
    texts: dict[str, Any] = await rooms.rows.open_all(items)
    people = await people_of(rooms.rows)
    told = []
    for row in rows:
        state, tone = STATES[row["state"]]
        in_use, method = row["state"] != ENDED, str(row["method"])
        told.append(
            PointSeen(
                id=row["point"],
                place=place_words(row["place"]),
                label=str(texts.get(row["label_item"] or "") or ""),
                method=words.gettext(METHOD_WORDS[method]),
                worth=words.gettext(WORTH[method]),
                state=words.gettext(state),
                tone=tone,
                doubt=str(texts.get(row["doubt_item"] or "") or "") if leads else "",
                who=people.name(row["registered_by"], words),
                in_use=in_use,
                paper=in_use and method == PRINTED,
                screen=in_use and method == SCREEN,
            )
        )
    return sorted(told, key=lambda one: (not one.in_use, one.place, one.id))


async def ways_there(rooms: Rooms, place: str, words: Words) -> tuple[str, ...]:
    """Return by what one shows that one is at a place: what each point is called, else what sort it is."""
    rows = await rooms.rows.find(tables.point, {"place": place, "state": ACTIVE}) if place else []
    texts = await rooms.rows.open_all(row["label_item"] for row in rows if row["label_item"])
    sorts = {row["point"]: METHOD_WORDS[row["method"]] for row in rows}
    told = []
    for row in rows:
        sort = sorts[row["point"]]
        told.append(str(texts.get(row["label_item"] or "") or words.gettext(sort)))
    return tuple(told)


async def _places(rooms: Rooms) -> list[str]:
    """Return the places that plans name: a check counts only where the point's place is the plan's."""
    plans = await rooms.rows.find(tables.plan, {"active": 1}, limit=PLANS_MAX)
    found = (loads(row["content"])["work"].get("place") for row in plans)
    return sorted({str(place) for place in found if place})


@router.post("/points")
async def register(acting: Writes) -> Response:
    """Set up a point."""
    try:
        request = _wanted(acting)
        key = keyed(acting.rooms, acting.key)
        await acting.rooms.office.register_point(acting.who, key, request)
    except (BadRequest, Refused) as refusal:
        again = await to_mend(acting, refusal, WRONG)
        if again is None:
            raise
        typed = {name: value for name, value in again.typed.items() if name not in ("meta_key", "file_key")}
        return await _page(acting, again=Mended(typed, again.wrong), status=422)
    return _to("/points?said=set-up")


def _wanted(acting: Acting) -> RegisterPoint:
    form = acting.form
    method = form.one_of("method", METHODS)
    tag = {
        name: (form.text(name, chars_max=80).translate(SPACES).lower() or None)
        for name in ("uid", "meta_key", "file_key")
    }
    return RegisterPoint(
        place=form.need("place", chars_max=200).replace(" ", "-"),
        method=method,
        label=form.maybe("label", chars_max=80),
        **tag,
    )


@router.post("/points/{point}/end")
async def end(point: PointId, acting: Writes) -> Response:
    """End a point."""
    request = EndPoint(point, acting.form.need("reason_code", chars_max=20))
    await acting.rooms.office.end_point(acting.who, acting.key, request)
    return _to("/points?said=ended")


@router.post("/points/{point}/doubt")
async def doubt(point: PointId, acting: Doubts) -> Response:
    """Say that a point is not where it belongs."""
    request = DoubtPoint(point, acting.form.maybe("note", chars_max=1_000))
    await acting.rooms.office.doubt_point(acting.who, acting.key, request)
    return _to("/points?said=doubted")


@router.get("/points/{point}/sheet")
async def sheet(point: PointId, seen: SeesCode) -> Response:
    """Show the sheet of a code on paper, to be printed and hung up there."""
    words = seen.frame.words
    row = await seen.rooms.rows.one(tables.point, point=point)
    if row is None or row["state"] == ENDED or row["method"] != PRINTED:
        raise NotFound("point", point)
    code, _ = await seen.rooms.desk.code_of(point)
    address = f"{base_of(seen.request)}{CODE_PATH}{code}"
    label = await seen.rooms.rows.open(row["label_item"]) if row["label_item"] else None
    return await show(
        seen.frame,
        "point_sheet.html",
        place=place_words(row["place"]),
        label=str(label or ""),
        address=address,
        code=code_of(address, error="l"),
        worth=words.gettext(WORTH[PRINTED]),
    )


def _to(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
