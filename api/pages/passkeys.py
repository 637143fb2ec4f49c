"""Passkeys on pages: signing in by one, one's own, and saying as a second person that another's is theirs.

Enrolling itself is a matter of the browser and the API (static/js/passkeys.js): a page only lists and ends. Signing in
answers JSON to that script; the options' token travels in a cookie of its own, so only the browser that asked answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from api import passkeys as doors
from api.pages.cards import People
from api.pages.doors import Acting, PageDoor, Seen, act, local
from api.pages.names import people_of
from api.pages.navigation import home_of
from api.pages.words import Words
from api.problems import NotSignedIn
from api.rooms import Rooms
from api.routes.passkeys import fingerprint
from api.scope import Row
from api.sessions import Shown, set_cookie
from casework import authority, passkeys, people, tables
from casework.passkey_rules import END_REASONS, LEADS
from casework.requests import PasskeyStep
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

OPTIONS_COOKIE = "__Host-passkey"
PasskeyId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]


@dataclass(frozen=True, slots=True)
class PasskeySeen:
    """One passkey that has not ended. `state`: waiting or confirmed."""

    id: str
    member: str
    who: str
    fingerprint: str
    state: str
    enrolled_at: str
    confirmed_by: str


def seen_passkeys(rows: Sequence[Row], names: People, words: Words) -> list[PasskeySeen]:
    """Return passkeys as pages show them, ended ones left out, the first enrolled first."""
    return [
        PasskeySeen(
            id=row["passkey"],
            member=row["member"],
            who=names.name(row["member"], words),
            fingerprint=fingerprint(row["spki"]),
            state=row["state"],
            enrolled_at=row["enrolled_at"],
            confirmed_by=names.name(row["confirmed_by"], words) if row["confirmed_by"] else "",
        )
        for row in sorted(rows, key=lambda row: int(row["seq"]))
        if row["state"] != passkeys.ENDED
    ]


async def own_passkeys(seen: Seen) -> list[PasskeySeen]:
    """Return the passkeys of whoever looks."""
    rows = await seen.rooms.rows.find(tables.passkey, {"member": seen.caller.member})
    return seen_passkeys(rows, await people_of(seen.rooms.rows), seen.frame.words)


async def waiting_passkeys(seen: Seen, names: People) -> list[PasskeySeen]:
    """Return the passkeys of others that whoever looks may confirm."""
    rooms, caller = seen.rooms, seen.caller
    powers = await rooms.rows.find(tables.authority, {"member": caller.member})
    if not set(LEADS) & set(caller.roles) and not authority.holds_second_person(powers, rooms.clock.now()):
        return []
    found = await rooms.rows.find(tables.passkey, {"state": passkeys.WAITING})
    members = {row["member"]: row for row in await rooms.rows.find(tables.member)} if found else {}
    mine = _person(members, caller.member) if found else ""
    fitting = [
        row for row in found if members[row["member"]]["active"] and _person(members, row["member"]) != mine
    ]
    return seen_passkeys(fitting, names, seen.frame.words)


def _person(members: dict[str, Row], member: str) -> str:
    return str(members[member]["same_as"] or member)


async def signing(rooms: Rooms, member: str, about: str, here: bool) -> str:
    """Return how a yes about `action` or `award` is signed: `passkey`, `session`, or `missing` where only a passkey
    counts and there is none that signs. `here`: this request came to the address of passkeys."""
    held = passkeys.confirmed(await rooms.rows.find(tables.passkey, {"member": member}), member)
    if held and here:
        return "passkey"
    powers = await rooms.rows.find(tables.authority, {"member": member, "about": about, "active": 1})
    now = rooms.clock.now()
    least = {row["assurance_min"] for row in powers if row["until"] is None or row["until"] > now}
    return "missing" if least == {passkeys.PASSKEY} else "session"


# ---------------------------------------------------------------------------------------------- forms
@router.post("/me/passkeys/{passkey}/end")
async def end_own(passkey: PasskeyId, acting: Annotated[Acting, act("passkey.write", here="me")]) -> Response:
    """End one's own passkey."""
    row = await acting.rooms.rows.need(
        "passkey", tables.passkey, passkey=passkey, member=acting.caller.member
    )
    await _end(acting, row["passkey"], "not_needed")
    return _to("/me?said=passkey-ended#sign-in")


@router.post("/passkeys/{passkey}/end")
async def end_of(
    passkey: PasskeyId, acting: Annotated[Acting, act("passkey.write", here="people")]
) -> Response:
    """End somebody's passkey, by an owner."""
    row = await acting.rooms.rows.need("passkey", tables.passkey, passkey=passkey)
    await _end(acting, passkey, acting.form.one_of("reason_code", END_REASONS))
    return _to(f"/people/{row['member']}?said=passkey-ended")


async def _end(acting: Acting, passkey: str, reason: str) -> None:
    request = PasskeyStep(passkey, reason)
    await acting.rooms.office.end_passkey(acting.who, acting.key, request)


@router.post("/passkeys/{passkey}/confirm")
async def confirm(
    passkey: PasskeyId, acting: Annotated[Acting, act("passkey.confirm", here="decisions")]
) -> Response:
    """Be the second person: say that this passkey is its holder's."""
    row = await acting.rooms.rows.need("passkey", tables.passkey, passkey=passkey)
    await acting.rooms.office.confirm_passkey(acting.who, acting.key, PasskeyStep(passkey))
    if acting.form.text("from") == "people":
        return _to(f"/people/{row['member']}?said=passkey-confirmed")
    return _to("/decisions?said=passkey-confirmed")


# ---------------------------------------------------------------------------------------------- signing in
@router.post("/sign-in/passkey/options")
async def options(request: Request) -> Response:
    """Give the browser what it asks an authenticator; no name is asked for, nothing is kept."""
    installation = request.app.state.installation
    await installation.tries.need_from(request)
    doors.check_address(installation.settings, request.headers.get("host"))
    offered = doors.sign_in_options(installation)
    answer = JSONResponse(offered.options, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        OPTIONS_COOKIE, offered.token, max_age=doors.LASTS_MS // 1_000, path="/", secure=True, httponly=True,
        samesite="strict",
    )  # fmt: skip
    return answer


@router.post("/sign-in/passkey")
async def sign_in(request: Request) -> Response:
    """Open a session for whoever signed the options; answers where to go, or 403."""
    installation = request.app.state.installation
    await installation.tries.need_from(request)
    try:
        told: Any = orjson.loads(await request.body())
        credential, back = dict(told["credential"]), str(told.get("next", "/"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _refused(422)
    try:
        held = await doors.verify_sign_in(installation, request.cookies.get(OPTIONS_COOKIE, ""), credential)
    except NotSignedIn:
        await request.app.state.journal.refused(request, 403, "sign_in_wrong")
        return _refused(403)
    rooms = await installation.rooms(held["log"])
    member = str(held["member"])
    row = await rooms.rows.need("member", tables.member, member=member)
    browser = request.headers.get("user-agent", "")
    shown = Shown("passkey", (held["passkey"],), "state", (passkeys.WAITING, passkeys.CONFIRMED))
    try:
        token = await installation.sessions.open(rooms.rows, member, "passkey", browser, shown)
    except Refused:
        return _refused(403)
    path = local(back)
    where = home_of(people.roles(row)) if path == "/" else path
    answer = JSONResponse({"next": where}, headers={"Cache-Control": "no-store"})
    set_cookie(answer, token, installation.settings.session_hours)
    answer.delete_cookie(OPTIONS_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


def _refused(status: int) -> Response:
    return JSONResponse({"code": "sign_in_wrong"}, status_code=status, headers={"Cache-Control": "no-store"})


def _to(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
