"""What is recorded about whoever asks, who looked, and a file of all of it to take along."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from api.bodies import Door
from api.caller import Caller
from api.identity import Visit, need
from api.naming import newest
from api.problems import PROBLEM_RESPONSES
from api.rooms import Rooms
from api.routes.answers import plain
from api.routes.packing import pack, sent, size_of
from api.routes.shapes import PAGE_ITEMS_DEFAULT, Cursor, IdInPath, Limit, Page
from api.routes.takeaway import take_away
from api.scope import read_cursor, write_cursor
from api.watched_people import watched_people
from casework import looks, tables

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["people"], responses=PROBLEM_RESPONSES)

LOOKS_MAX = 1_000
"""The newest looks; older ones are in the take-away file."""
FOLDER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.get("/me/record", operation_id="read_my_record")
async def read_my_record(
    visit: Annotated[Visit, need("me.read")], cursor: Cursor = None, limit: Limit = PAGE_ITEMS_DEFAULT
) -> Page:
    """List the steps that name the caller, newest first; a page may be short or empty while its cursor goes on."""
    found, below = await newest(visit.rooms.reader, visit.caller.member, read_cursor(cursor), limit)
    following = None if below is None else write_cursor(below)
    return Page(items=[named.told() for named in found], next_cursor=following)


@router.get("/me/looks", operation_id="read_my_looks")
async def read_my_looks(visit: Annotated[Visit, need("me.read")]) -> Page:
    """List who looked at something about the caller, newest first, once per person, page and day."""
    rows = visit.rooms.rows
    found = await rows.find(tables.look, {"member": visit.caller.member}, order="at", limit=LOOKS_MAX)
    seen = sorted({row["by"] for row in found})
    named = await rows.find(tables.member_name, {"member": seen}) if seen else []
    names = {row["member"]: row["name"] for row in named}
    return Page(items=[{**plain(row), "by_name": names.get(row["by"])} for row in found], next_cursor=None)


@router.get("/me/watches", operation_id="read_watches_on_people")
async def read_watches_on_people(visit: Annotated[Visit, need("me.read")]) -> Page:
    """List the watches on people that run here, each with what an owner wrote that it is for."""
    found = await watched_people(visit.rooms.rows)
    return Page(items=[{**one.told(), "mode": one.mode} for one in found], next_cursor=None)


@router.get("/me/take-away", operation_id="take_away_mine", response_class=Response, responses=FILE)
async def take_away_mine(visit: Annotated[Visit, need("me.read")]) -> Response:
    """Give everything recorded about the caller in one file."""
    return await _file(visit, visit.caller.member)


@router.get(
    "/me/take-away/folder",
    operation_id="take_away_my_folder",
    response_class=Response,
    responses=FOLDER,
)
async def take_away_my_folder(request: Request, visit: Annotated[Visit, need("me.read")]) -> Response:
    """Give everything recorded about the caller as a folder (zip): the file, the same to read, badges, own photos."""
    return await folder_of(request, visit.caller, visit.rooms)


async def folder_of(request: Request, caller: Caller, rooms: Rooms) -> Response:
    """Return the folder of whoever asks. Pages, where they are served, make the part to read."""
    member = caller.member
    page_for = getattr(request.app.state, "readable", None)
    readable = None if page_for is None else await page_for(request, caller, rooms)
    made = await pack(rooms, member, request.app.state.installation.settings.data_dir, readable)
    headers = {
        "Content-Disposition": f"attachment; filename=take-away-{member}.zip",
        "Content-Length": str(size_of(made)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(sent(made), media_type="application/zip", headers=headers)


@router.get(
    "/members/{member}/take-away",
    operation_id="take_away_of",
    response_class=Response,
    responses=FILE,
)
async def take_away_of(member: IdInPath, visit: Annotated[Visit, need("member.write")]) -> Response:
    """Give an owner the file of a member, on their behalf: also after they left. They see who looked."""
    rooms = visit.rooms
    await rooms.rows.need("member", tables.member, member=member)
    await looks.note(rooms.intake, visit.caller.who, (member,), looks.TAKE_AWAY, rooms.clock.now())
    return await _file(visit, member)


async def _file(visit: Visit, member: str) -> Response:
    data = await take_away(visit.rooms, member)
    name = f"attachment; filename=take-away-{member}.json"
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return Response(data, media_type="application/json", headers=headers)
