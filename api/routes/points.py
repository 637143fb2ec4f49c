"""Check-in points, the codes they show, and checking in.

A point is an NFC tag that signs each tap, a screen whose code changes, or a code on paper. The keys of a tag are sent
once, when it is registered, and never told again.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import StringConstraints

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.joining import keyed
from api.permissions import MANAGER, OWNER
from api.problems import PROBLEM_RESPONSES
from api.rooms import Rooms
from api.routes.answers import plain, tell
from api.routes.devices import Device
from api.routes.shapes import (
    ID_CHARS_MAX,
    Asked,
    Code,
    Id,
    IdInPath,
    Instant,
    Name,
    Page,
    Recorded,
    Text,
    Told,
)
from api.scope import Row
from casework import presence, tables
from casework.errors import refuse
from casework.point_requests import PRINTED, CheckIn, DoubtPoint, EndPoint, RegisterPoint

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["check-in points"], responses=PROBLEM_RESPONSES)

CODE_PATH = "/here/"
"""What a code in a QR is an address of."""
Method = Annotated[str, StringConstraints(pattern="^(nfc|screen|printed)$")]
Uid = Annotated[str, StringConstraints(pattern="^[0-9A-Fa-f]{14}$")]
Key = Annotated[str, StringConstraints(pattern="^[0-9A-Fa-f]{32}$")]
Picc = Annotated[str, StringConstraints(pattern="^[0-9A-Fa-f]{32}$")]
Cmac = Annotated[str, StringConstraints(pattern="^[0-9A-Fa-f]{16}$")]
ScannedCode = Annotated[
    str, StringConstraints(min_length=1, max_length=presence.CODE_CHARS_MAX, pattern="^[A-Za-z0-9_-]+$")
]


class PointWanted(Asked):
    """A point at a place. `uid`, `meta_key` (SDM meta read key) and `file_key` (SDM file read key): of a tag."""

    place: Name
    method: Method
    label: Name | None = None
    uid: Uid | None = None
    meta_key: Key | None = None
    file_key: Key | None = None


class PointEnded(Asked):
    """Why: moved, lost, replaced or closed."""

    reason_code: Code


class PointDoubted(Asked):
    """What somebody saw."""

    note: Text | None = None


class CodeTold(Told):
    """A code to be shown: `path` goes into the QR, after this server's address; good until then (null: always)."""

    point: str
    code: str
    path: str
    until: str | None


class CheckInMade(Asked):
    """Either `picc` and `cmac` of a tap, or a `code`. `at`: when it was by the phone, where it had no network then."""

    point: Id | None = None
    picc: Picc | None = None
    cmac: Cmac | None = None
    code: ScannedCode | None = None
    at: Instant | None = None


@router.get("/points", operation_id="list_points")
async def list_points(visit: Annotated[Visit, need("point.read")]) -> Page:
    """List check-in points, ended ones too; what was said of a doubted one is for owners and managers."""
    rows = await visit.rooms.rows.find(tables.point)
    leads = bool({OWNER, MANAGER} & set(visit.caller.roles))
    items = {row[name] for row in rows for name in ("label_item", "doubt_item") if row[name] is not None}
    texts = await visit.rooms.rows.open_all(items)
    return Page(items=[_told(row, texts, leads) for row in rows], next_cursor=None)


def _told(row: Row, texts: dict[str, Any], leads: bool) -> dict[str, Any]:
    doubt = texts.get(row["doubt_item"] or "") if leads else None
    return {**plain(row), "label": texts.get(row["label_item"] or ""), "doubt": doubt}


@router.post("/points", operation_id="register_point", status_code=201)
async def register_point(
    body: PointWanted, asking: Annotated[Asking, need_to_write("point.write")]
) -> Recorded:
    """Set up a check-in point; a doubted one of the same tag or place ends with it. Its keys are told nobody."""
    given = {
        name: value.lower() if name in ("uid", "meta_key", "file_key") and value is not None else value
        for name, value in body.model_dump().items()
    }
    request = RegisterPoint(**given)
    key = keyed(asking.rooms, asking.key)
    return await tell(asking, await asking.rooms.office.register_point(asking.who, key, request))


@router.post("/points/{point}/end", operation_id="end_point")
async def end_point(
    point: IdInPath, body: PointEnded, asking: Annotated[Asking, need_to_write("point.write")]
) -> Recorded:
    """Nobody checks in there any more."""
    request = EndPoint(point, body.reason_code)
    return await tell(asking, await asking.rooms.office.end_point(asking.who, asking.key, request))


@router.post("/points/{point}/doubt", operation_id="doubt_point", status_code=201)
async def doubt_point(
    point: IdInPath, body: PointDoubted, asking: Annotated[Asking, need_to_write("point.doubt")]
) -> Recorded:
    """Say that a point is not where it belongs. Until it is registered anew, check-ins there are worth little (E1)."""
    request = DoubtPoint(point, body.note)
    return await tell(asking, await asking.rooms.office.doubt_point(asking.who, asking.key, request))


@router.get("/points/{point}/code", operation_id="read_code")
async def read_code(point: IdInPath, visit: Annotated[Visit, need("point.code")]) -> CodeTold:
    """Give the code that is to be printed. A screen's is for the device that stands there: it shows who is there."""
    row = await visit.rooms.rows.need("point", tables.point, point=point)
    if row["method"] != PRINTED:
        expected = f"expected a point with a code on paper, got one of method {row['method']}"
        raise refuse("point_unknown", expected, "/point")
    return await _code(visit.rooms, point)


@router.get("/devices/here/code", operation_id="read_code_here")
async def read_code_here(
    device: Device, point: Annotated[str, Query(min_length=1, max_length=ID_CHARS_MAX)]
) -> CodeTold:
    """Give the code of a point to the shared device that shows it there."""
    rooms, _ = device
    return await _code(rooms, point)


async def _code(rooms: Rooms, point: str) -> CodeTold:
    code, until = await rooms.desk.code_of(point)
    return CodeTold(point=point, code=code, path=CODE_PATH + code, until=until)


@router.post("/cases/{case}/evidence/check-in", operation_id="check_in", status_code=201)
async def check_in(
    case: IdInPath, body: CheckInMade, asking: Annotated[Asking, need_to_write("case.evidence")]
) -> Recorded:
    """Show that you are at a place, by a tap or a code; it is evidence of this case, by whoever asks."""
    request = CheckIn(case, **body.model_dump())
    return await tell(asking, await asking.rooms.desk.check_in(asking.who, asking.key, request))
