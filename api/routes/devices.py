"""Shared devices: set up by an owner or a manager; on them a first name and a PIN grant one act.

The device shows its own token in `X-Device-Token`; the act's token is then sent as `Authorization: Bearer tsa_...` to
one of the routes in permissions.DEVICE_ACTS, within two minutes, for one effect.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.security import APIKeyHeader

from api import acts, permissions
from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.rooms import Rooms
from api.routes.answers import plain, tell
from api.routes.shapes import Asked, Id, IdInPath, Instant, Name, Page, Recorded, Told
from api.scope import Row
from casework import tables
from casework.joining_requests import EndDevice, ShareDevice

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["shared devices"], responses=PROBLEM_RESPONSES)

Writes = Annotated[Asking, need_to_write("device.write")]


class DeviceWanted(Asked):
    """What people call the device, and until when it is shared."""

    label: Name
    until: Instant | None = None


class DeviceTold(Recorded):
    """A shared device; `token` is told once: a repeat of the request tells null."""

    token: str | None


class PinTyped(Asked):
    """Who says they are at the device, and their PIN."""

    member: Id
    pin: Name


class ActTold(Told):
    """One act: `token` is good until then, for one effect."""

    token: str
    until: str
    member: str
    name: str


_given = APIKeyHeader(
    name="X-Device-Token",
    auto_error=False,
    scheme_name="device",
    description="A shared device's token: `tsd_...`",
)


class Shared:
    """Lets only a shared device through; its value is the organisation's rooms and the device's row."""

    permission = permissions.DEVICE

    async def __call__(
        self, request: Request, token: Annotated[str | None, Depends(_given)]
    ) -> tuple[Rooms, Row]:
        installation = request.app.state.installation
        if request.method == "POST":
            await installation.tries.need_from(request)
        return await acts.find_device(installation, token)


Device = Annotated[tuple[Rooms, Row], Depends(Shared())]


@router.get("/devices", operation_id="list_devices")
async def list_devices(visit: Annotated[Visit, need("device.read")]) -> Page:
    """List shared devices with what people call them, ended ones too."""
    rows = await visit.rooms.rows.find(tables.device)
    labels = await visit.rooms.rows.open_all(row["label_item"] for row in rows if row["label_item"])
    items = [{**plain(row), "label": labels.get(row["label_item"])} for row in rows]
    return Page(items=items, next_cursor=None)


@router.post("/devices", operation_id="share_device", status_code=201)
async def share_device(body: DeviceWanted, asking: Writes) -> DeviceTold:
    """Make a device a shared one; its token is told in this answer and nowhere else, ever."""
    request = ShareDevice(body.label, body.until)
    done = await asking.rooms.joining.share_device(asking.who, asking.key, request)
    told = await tell(asking, done)
    return DeviceTold(**told.model_dump(), token=done.secrets.get("token"))


@router.post("/devices/{device}/end", operation_id="end_device")
async def end_device(device: IdInPath, asking: Writes) -> Recorded:
    """A device is shared no more."""
    request = EndDevice(device)
    return await tell(asking, await asking.rooms.joining.end_device(asking.who, asking.key, request))


@router.get("/devices/here/people", operation_id="list_people_here")
async def list_people_here(device: Device) -> Page:
    """List who may act on this device: first names, of people who work here and have a PIN."""
    rooms, _ = device
    shown = await acts.people_here(rooms)
    return Page(items=[{"member": member, "name": name} for member, name in shown.items()], next_cursor=None)


@router.post("/devices/acts", operation_id="grant_act", status_code=201)
async def grant_act(body: PinTyped, request: Request, device: Device) -> ActTold:
    """Grant one act for a PIN."""
    rooms, row = device
    granted = await acts.grant(request.app.state.installation, rooms, row, body.member, body.pin)
    return ActTold(**asdict(granted))
