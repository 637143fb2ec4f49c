"""The page behind an invitation: who invites you to which place, and how you sign in from now on.

The address is the key, so nobody signs in to see it. What was typed stays when something has to be mended, never a
password or a PIN. Used, ended, expired and made up read the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import RedirectResponse, Response

from api.joining import Invitation, Typed, find_invite, invitation, use_invite
from api.pages.doors import SIGN_IN, Form, PageDoor, read_form
from api.pages.frame import Frame, frame_of_stranger, show
from api.pages.navigation import home_of
from api.pages.persons import ROLE_WORDS
from api.pages.words import mark
from api.permissions import OWNER
from api.rooms import Rooms
from api.sessions import Shown, set_cookie
from api.tries import PER_INVITE
from casework import chosen, people, tables
from casework.joining import token_digest
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

TOKEN_CHARS = 64
Token = Annotated[str, Path(pattern=r"^[0-9a-f]+$", min_length=TOKEN_CHARS, max_length=TOKEN_CHARS)]
SAID: Mapping[str, Mapping[str, str]] = {
    "name": {
        "name_taken": mark("Somebody here signs in with this name already. Choose another."),
        "value_invalid": mark("3 to 64 letters, digits or . _ @ + -, without spaces."),
    },
    "password": {
        "value_invalid": mark(
            "At least 8 characters, and none that anybody would try first: no sequence, no repetition, no name of "
            "yours or of the place."
        ),
        "repeat": mark("The two are not the same. Type it twice alike."),
        "missing": mark("Choose a password or a PIN, or both."),
    },
    "pin": {"value_invalid": mark("Six digits, and neither a sequence nor a repetition.")},
}
"""Field -> what was refused -> what stands beside it."""


async def form(request: Request) -> Form:
    """Return what a stranger filled in."""
    return await read_form(request)


@router.get("/join/{token}")
async def join_page(token: Token, request: Request) -> Response:
    """Say who invites to what."""
    rooms, row, frame = await _open(request, token)
    return await _ask(frame, token, await invitation(rooms, row))


@router.post("/join/{token}")
async def join(token: Token, request: Request, given: Annotated[Form, Depends(form)]) -> Response:
    """Join, and be signed in."""
    rooms, row, frame = await _open(request, token)
    installation = request.app.state.installation
    told = await invitation(rooms, row)
    typed = Typed(
        given.text("name", chars_max=200) or None,
        secret(given, "password") or None,
        secret(given, "pin").strip() or None,
    )
    wrong = refused_before(given, typed)
    if not wrong:
        try:
            done = await use_invite(installation, rooms, row, typed)
        except Refused as refusal:
            wrong = refused_by(refusal)
    if wrong:
        journal = request.app.state.journal
        await journal.refused(request, 422, next(iter(wrong.values())))
        return await _ask(frame, token, told, typed.name or "", wrong)
    how = "recovery" if row["how"] == "recovery" else "invite"
    browser = request.headers.get("user-agent", "")
    shown = Shown("sign_in", (row["member"],), "changed_at", (str(done.outcome.at),))
    try:
        opened = await installation.sessions.open(rooms.rows, row["member"], how, browser, shown)
    except Refused:  # set anew by another invite meanwhile: what was chosen here lets nobody in
        return RedirectResponse(SIGN_IN, status_code=303, headers={"Cache-Control": "no-store"})
    answer = RedirectResponse(await _home(rooms, row["member"]), status_code=303)
    answer.headers["Cache-Control"] = "no-store"
    set_cookie(answer, opened, installation.settings.session_hours)
    return answer


async def _open(request: Request, token: str) -> tuple[Rooms, Mapping[str, str], Frame]:
    """Return the rooms and the row of an invite that waits. Raises NotFound, TooManyTries."""
    installation = request.app.state.installation
    await installation.tries.need_from(request)
    await installation.tries.need(PER_INVITE, "invite", token_digest(token))
    frame = frame_of_stranger(request, installation.clock.now())
    rooms, row = await find_invite(installation, token)
    return rooms, row, frame


async def _ask(
    frame: Frame, token: str, told: Invitation, name: str = "", wrong: Mapping[str, str] | None = None
) -> Response:
    said = {
        field: frame.words.gettext(SAID[field].get(code, SAID[field]["value_invalid"]))
        for field, code in (wrong or {}).items()
    }
    return await show(
        frame,
        "join.html",
        status=422 if wrong else 200,
        path=f"/join/{token}",
        told=told,
        roles=[frame.words.gettext(ROLE_WORDS[role]) for role in told.roles if role in ROLE_WORDS],
        name=name or told.sign_in or "",
        wrong=said,
        advised=chosen.PASSWORD_CHARS_ADVISED,
    )


def secret(given: Form, name: str) -> str:
    """Return a password or PIN exactly as typed: spaces count."""
    typed = [value for value in given.fields.get(name, ()) if isinstance(value, str)]
    return typed[-1] if typed else ""


def refused_before(given: Form, typed: Typed) -> dict[str, str]:
    """Return field -> code of what the page sees by itself."""
    if typed.name is None:
        return {"name": "value_invalid"}
    if typed.password is None and typed.pin is None:
        return {"password": "missing"}
    if typed.password is not None and secret(given, "again") != typed.password:
        return {"password": "repeat"}
    return {}


def refused_by(refusal: Refused) -> dict[str, str]:
    """Return field -> code of a refusal about what was typed. Raises the refusal: it is about something else."""
    field = (refusal.field or "").lstrip("/")
    if field not in SAID:
        raise refusal
    return {field: refusal.code}


async def _home(rooms: Rooms, member: str) -> str:
    """Return where somebody begins: an owner whose place watches nothing yet with the first run."""
    row = await rooms.rows.need("member", tables.member, member=member)
    roles = people.roles(row)
    if OWNER in roles and not await rooms.rows.find(tables.playbook, limit=1):
        return "/start"
    return home_of(roles)
