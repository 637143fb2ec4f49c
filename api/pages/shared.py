"""Shared devices: set up by a lead from People; on the device itself first names, a PIN, one act, and out again.

What stands on the device before a PIN is first names alone. A PIN grants one act (api/acts.py); its token goes from
the page that offers the acts into the form of the one that is chosen, and is used up by it. No recognition opens here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from api import acts
from api.acts import DEVICE_COOKIE, DEVICE_DAYS
from api.caller import Caller
from api.dossiers import dossiers
from api.identity import Asking
from api.pages.cards import title_of
from api.pages.doors import Acting, Form, PageDoor, Seen, act, read_form, see
from api.pages.exception_list import OPEN_STATES
from api.pages.frame import Frame, frame_of_stranger, show, with_toast
from api.pages.names import people_of
from api.pages.points import place_words
from api.pages.qr import code_of
from api.pages.slips import base_of
from api.pages.troubles import trouble_of
from api.pages.words import Words, mark, zone_of
from api.permissions import role_for
from api.problems import BadRequest, NotAllowed, NotFound, NotSignedIn, of_error
from api.rooms import Rooms
from api.routes.cases import ActionTaken, NoteWritten, StatementMade, add_note, attach_statement, take_action
from api.routes.photos import PhotoShown, attach_photo
from api.routes.points import CODE_PATH
from api.routes.reports import ReportSent, send_report
from api.scope import Row
from api.sessions import drop_cookie
from casework import cases, reports, tables
from casework.errors import CaseworkError
from casework.intake import RequestKey
from casework.joining_requests import EndDevice, ShareDevice
from casework.point_requests import SCREEN
from casework.views_of_points import ENDED
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Leads = Annotated[Acting, act("device.write", here="people")]
Id = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]
MINE_MAX = 20
NEW_CODE_SECONDS = 20
"""After how long the page of a code comes anew; the code before it is good for some seconds still (SCREEN_SECONDS)."""
PERMISSIONS = {
    "report": "case.report",
    "note": "case.work",
    "statement": "case.evidence",
    "photo": "case.evidence",
    "done": "case.work",
}
"""Act -> the permission of its door."""
SAID = {"ended": mark("That device is shared no more.")}
URGENCY_WORDS = (
    (reports.CAN_WAIT, mark("Can wait")),
    (reports.TODAY, mark("Today")),
    (reports.NOW, mark("Now")),
)


# ---------------------------------------------------------------------------------------------- set up by a lead
@dataclass(frozen=True, slots=True)
class DeviceSeen:
    """One shared device; `here`: this browser."""

    id: str
    label: str
    who: str
    here: bool


@router.get("/device")
async def devices(seen: Annotated[Seen, see("device.read", here="people")], said: str = "") -> Response:
    """List shared devices and offer to set this browser up as one."""
    rows, words = seen.rooms.rows, seen.frame.words
    names = await people_of(rows)
    found = [row for row in await rows.find(tables.device) if row["active"]]
    labels = await rows.open_all(row["label_item"] for row in found if row["label_item"])
    here = await _this(seen.request)
    listed = [
        DeviceSeen(
            row["device"],
            str(labels.get(row["label_item"]) or ""),
            names.name(row["shared_by"], words),
            row["device"] == here,
        )
        for row in sorted(found, key=lambda row: int(row["seq"]))
        if row["until"] is None or row["until"] > words.now
    ]
    frame = with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame
    with_pin = len(await acts.people_here(seen.rooms))
    return await show(frame, "devices.html", devices=listed, with_pin=with_pin, key=seen.fresh_key())


async def _this(request: Request) -> str | None:
    try:
        _, row = await acts.find_device(request.app.state.installation, request.cookies.get(DEVICE_COOKIE))
    except NotSignedIn:
        return None
    return str(row["device"])


@router.post("/device")
async def share(acting: Leads) -> Response:
    """Make this browser a shared one; whoever set it up is signed out of it."""
    request = ShareDevice(acting.form.need("label", chars_max=80))
    done = await acting.rooms.joining.share_device(acting.who, acting.key, request)
    token = done.secrets.get("token")
    if (
        token is None
    ):  # the form was sent before: the browser has its cookie, or whoever set it up does it again
        return _to("/device")
    answer = _to("/here")
    answer.set_cookie(
        DEVICE_COOKIE,
        token,
        max_age=DEVICE_DAYS * 86_400,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
    if acting.caller.session is not None:
        sessions = acting.request.app.state.installation.sessions
        await sessions.end(acting.rooms.rows, acting.caller.member, acting.caller.session)
        drop_cookie(answer)
    return answer


@router.post("/device/{device}/end")
async def end(device: Id, acting: Leads) -> Response:
    """End a shared device."""
    await acting.rooms.joining.end_device(acting.who, acting.key, EndDevice(device))
    return _to("/device?said=ended")


# ---------------------------------------------------------------------------------------------- on the device
async def form(request: Request) -> Form:
    """Return what somebody at the device filled in."""
    return await read_form(request)


class LargeForm:
    """A form that may hold a photo; read by PageDoor for how much may be sent."""

    large_body = True

    async def __call__(self, request: Request) -> Form:
        return await read_form(request)


Given = Annotated[Form, Depends(form)]
GivenLarge = Annotated[Form, Depends(LargeForm())]


@router.get("/here")
async def here(request: Request, done: str = "", who: str = "") -> Response:
    """Show first names; of one who was tapped, the pad for the PIN."""
    try:
        rooms, _ = await _device(request)
    except NotSignedIn:
        frame = frame_of_stranger(request, request.app.state.installation.clock.now())
        return await show(frame, "here_not.html")
    frame = await _frame(request, rooms)
    shown = await acts.people_here(rooms)
    if who in shown:
        return await _pad(frame, who, shown[who])
    if done in shown:
        frame = with_toast(frame, frame.words.gettext("Done. %(name)s, you are out again.", name=shown[done]))
    return await show(frame, "here.html", people=list(shown.items()), screens=await _screens(rooms))


@router.get("/here/screen/{point}")
async def screen(point: Id, request: Request) -> Response:
    """Show the code of a place on the device that stands there; it comes anew by itself, also without scripts."""
    rooms, _ = await _device(request)
    code, until = await rooms.desk.code_of(point)
    row = await rooms.rows.need("point", tables.point, point=point)
    if until is None:  # one on paper does not change, and its sheet is a lead's to print
        raise NotFound("point", point)
    label = await rooms.rows.open(row["label_item"]) if row["label_item"] else None
    address = f"{base_of(request)}{CODE_PATH}{code}"
    page = await show(
        await _frame(request, rooms),
        "screen.html",
        place=place_words(row["place"]),
        label=str(label or ""),
        code=code_of(address, error="l"),
    )
    page.headers["Refresh"] = str(NEW_CODE_SECONDS)
    return page


async def _screens(rooms: Rooms) -> list[tuple[str, str]]:
    """Return (point, place) of each screen that is in use."""
    found = await rooms.rows.find(tables.point, {"method": SCREEN})
    return sorted(
        ((str(row["point"]), place_words(row["place"])) for row in found if row["state"] != ENDED),
        key=lambda one: one[1],
    )


async def _pad(frame: Frame, member: str, name: str, wrong: str = "", status: int = 200) -> Response:
    return await show(frame, "here_pin.html", status=status, member=member, name=name, wrong=wrong)


@router.post("/here/pin")
async def pin(request: Request, given: Given) -> Response:
    """Check a PIN and offer the acts; one of them may be done, within two minutes."""
    rooms, device = await _device(request)
    installation = request.app.state.installation
    await installation.tries.need_from(request)
    frame, member = await _frame(request, rooms), given.text("member", chars_max=64)
    shown = await acts.people_here(rooms)
    if member not in shown:
        raise NotFound("person", "(not repeated)")
    try:
        granted = await acts.grant(installation, rooms, device, member, given.text("pin", chars_max=20))
    except NotAllowed as refusal:
        await request.app.state.journal.refused(request, 403, refusal.code)
        said = {
            "pin_wrong": frame.words.gettext(
                "That is another PIN. After five wrong ones it rests for 15 minutes."
            ),
            "pin_locked": frame.words.gettext(
                "Too many wrong PINs. It works again in 15 minutes, or with a new PIN from the owner."
            ),
        }
        return await _pad(frame, member, shown[member], said.get(refusal.code, ""), 403)
    return await _choose(frame, rooms, granted)


async def _choose(frame: Frame, rooms: Rooms, granted: acts.Act) -> Response:
    wanted = {"owner": granted.member, "state": list(OPEN_STATES)}
    owned = await rooms.rows.find(tables.case_file, wanted, order="opened_seq", limit=MINE_MAX)
    mine = [(one.id, title_of(one, frame.words)) for one in await dossiers(rooms.rows, owned)]
    approved = {row["case"] for row in owned if row["state"] in cases.TRANSITIONS["action_taken"].allowed}
    return await show(
        frame,
        "here_act.html",
        token=granted.token,
        name=granted.name,
        mine=mine,
        to_do=[one for one in mine if one[0] in approved],
        urgencies=[(code, frame.words.gettext(said)) for code, said in URGENCY_WORDS],
    )


@router.post("/here/act")
async def one_act(request: Request, given: GivenLarge) -> Response:
    """Do the one act, and be out again."""
    rooms, device = await _device(request)
    installation = request.app.state.installation
    caller: Caller | None = await installation.holders.act(
        given.text("token", chars_max=200), installation.clock.now()
    )
    frame = await _frame(request, rooms)
    if caller is None or caller.act is None or (caller.log, caller.key_id) != (rooms.log, device["device"]):
        return await show(frame, "here_over.html", status=403, trouble=None)
    what = given.one_of("what", PERMISSIONS)
    role = role_for(PERMISSIONS[what], caller.roles)
    if role is None:
        raise NotAllowed("not_allowed", f"{PERMISSIONS[what]} needs another role than {caller.roles}")
    asking = Asking(replace(caller, role=role), rooms, _key(caller.act, given), Response())
    try:
        await _do(what, asking, given)
    except (Refused, CaseworkError, BadRequest) as refusal:
        body, _ = of_error(refusal)
        await request.app.state.journal.refused(request, body["status"], body["code"])
        trouble = trouble_of(frame.words, body)
        return await show(frame, "here_over.html", status=body["status"], trouble=trouble)
    return _to(f"/here?done={caller.member}")


def _key(name: str, given: Form) -> RequestKey:
    """Return the key that the act is used up by: the same form again is the same act, another one is refused."""
    digest = hashlib.sha256(b"tallystick/act/v1\x00")
    for field in sorted(given.fields):
        for value in given.fields[field]:
            plain = value if isinstance(value, str) else f"file {value.filename} {value.size}"
            digest.update(f"{field}={plain}".encode("utf-8", "surrogateescape") + b"\x00")
    return RequestKey.of(f"act:{name}", digest.hexdigest())


async def _do(what: str, asking: Asking, given: Form) -> None:
    if what == "report":
        photo = picture(given)
        note, urgency = given.need("note"), given.one_of("urgency", reports.URGENCIES)
        await send_report(ReportSent(note=note, urgency=urgency, photo=photo), asking)
        return
    case = given.need("case", chars_max=64)
    row = await asking.rooms.rows.need("case", tables.case_file, case=case)
    if row["owner"] != asking.caller.member:
        raise NotFound("case", case)
    if what == "note":
        await add_note(case, NoteWritten(note=given.need("note")), asking)
    elif what == "statement":
        await attach_statement(case, StatementMade(statement=given.need("note")), asking)
    elif what == "photo":
        photo = picture(given)
        if photo is None:
            raise BadRequest("missing", "photo: expected a picture, got none", field="/photo")
        await attach_photo(case, PhotoShown(photo=photo), asking)
    else:
        await take_action(case, ActionTaken(proposal=row["proposal"] or "", note=given.maybe("note")), asking)


def picture(given: Form) -> UploadFile | None:
    """Return the photo that was chosen, None where none was."""
    sent = given.file("photo")
    return (
        None
        if sent is None
        else UploadFile(sent.file, size=sent.size, filename=sent.filename, headers=sent.headers)
    )


async def _device(request: Request) -> tuple[Rooms, Row]:
    """Return where this device is shared. Raises NotSignedIn."""
    return await acts.find_device(request.app.state.installation, request.cookies.get(DEVICE_COOKIE))


async def _frame(request: Request, rooms: Rooms) -> Frame:
    """Return the frame of a device: the place's name, zone and currency, and nobody's tabs."""
    stranger = frame_of_stranger(request, rooms.clock.now())
    held = {row["name"]: loads(row["value"]) for row in await rooms.rows.find(tables.setting)}
    words = Words(
        stranger.words.language, zone_of(held.get("zone")), stranger.words.now, held.get("currency", "EUR")
    )
    return replace(stranger, words=words, venue=held.get("name", "Tallystick"))


def _to(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
