"""Coming in and going out: the first page, signing in with a name and a password, signing out, and looking as somebody
else in a demo."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from api.identity import signed_in
from api.pages.doors import Form, PageDoor, local, read_form
from api.pages.frame import frame_of_stranger, show
from api.pages.navigation import home_of
from api.pages.strip import LOOKS, Demo, demo_of
from api.pages.words import mark
from api.passkeys import is_at_address
from api.problems import NotFound, NotSignedIn
from api.scope import Row
from api.sessions import Shown, drop_cookie, set_cookie
from casework import chosen, tables
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

NAME_CHARS_MAX = 80
PASSWORD_CHARS_MAX = 200
SAME_NAME_MAX = 4
"""Organisations on one installation in which somebody may have the same name to sign in with."""
WRONG = mark("That name and password do not belong together.")


async def form(request: Request) -> Form:
    """Return what a stranger filled in."""
    return await read_form(request)


Given = Annotated[Form, Depends(form)]


@router.get("/")
async def first(request: Request) -> Response:
    """Go to the page that this person begins with; a demo begins as its owner."""
    try:
        caller = await signed_in(request, None)
    except NotSignedIn:
        demo = await demo_of(request)
        if demo is None:
            return _see("/sign-in")
        return await _look(request, demo, LOOKS[0][0])
    return _see(home_of(caller.roles))


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "/") -> Response:
    """Ask who is there."""
    return await _ask(request, local(next))


@router.post("/sign-in")
async def sign_in(request: Request, given: Given) -> Response:
    """Open a session for a name and a password that belong together."""
    name, password = given.text("name", chars_max=NAME_CHARS_MAX), _typed(given)
    place, back = given.text("place", chars_max=NAME_CHARS_MAX), local(given.text("next", "/"))
    installation = request.app.state.installation
    wanted = _as_kept(name)
    await installation.tries.need_from(request)
    await installation.tries.need_for(request, "name", wanted)
    found = await _right(installation, wanted, place, password)
    token = None if found is None else await _opened(request, found)
    if token is None:
        await _told(request, "sign_in_wrong")
        return await _ask(request, back, name=name, place=place, wrong=WRONG, status=403)
    answer = _see(back)
    set_cookie(answer, token, installation.settings.session_hours)
    return answer


def _as_kept(name: str) -> str:
    """Return a name in the form in which names to sign in with are kept; what can be none of them as it is."""
    try:
        return chosen.sign_in_name(name)
    except Refused:
        return name.casefold()


def _typed(given: Form) -> str:
    """Return the password exactly as typed: spaces count."""
    typed = [value for value in given.fields.get("password", ()) if isinstance(value, str)]
    return typed[-1][:PASSWORD_CHARS_MAX] if typed else ""


async def _right(installation: Any, name: str, place: str, password: str) -> Row | None:
    """Return the one way to sign in that fits; a name that nobody has takes as long as a wrong password."""
    rows = await installation.holders.named(name, SAME_NAME_MAX)
    fitting = [row for row in rows if not place or str(row["log"]).startswith(place.casefold())]
    for row in fitting or [None]:
        hashed = row["password_hash"] if row else None
        if await installation.passwords.check(password, hashed) and row is not None:
            return row  # type: ignore[no-any-return]
    return None


async def _opened(request: Request, found: Row) -> str | None:
    """Open a session for a password that was right a moment ago; None: it is not any more."""
    installation = request.app.state.installation
    rooms = await installation.rooms(found["log"])
    browser = request.headers.get("user-agent", "")
    shown = Shown("sign_in", (found["member"],), "password_hash", (found["password_hash"],))
    try:
        token: str = await installation.sessions.open(rooms.rows, found["member"], "password", browser, shown)
    except Refused:
        return None
    return token


async def _told(request: Request, code: str) -> None:
    journal = getattr(request.app.state, "journal", None)
    if journal is not None:
        await journal.refused(request, 403, code)


async def _ask(
    request: Request, back: str, *, name: str = "", place: str = "", wrong: str = "", status: int = 200
) -> Response:
    installation = request.app.state.installation
    frame = frame_of_stranger(request, installation.clock.now())
    several = len(await installation.logs()) > 1
    said = frame.words.gettext(wrong) if wrong else ""
    return await show(
        frame,
        "sign_in.html",
        status=status,
        next=back,
        name=name,
        place=place,
        several=several,
        wrong=said,
        demo=await demo_of(request) is not None,
        by_passkey=is_at_address(installation.settings, request.headers.get("host")),
    )


@router.post("/sign-out")
async def sign_out(request: Request, given: Given) -> Response:
    """End this session."""
    try:
        caller = await signed_in(request, None)
    except NotSignedIn:
        return _see("/sign-in")
    installation = request.app.state.installation
    rooms = await installation.rooms(caller.log)
    await installation.sessions.end(rooms.rows, caller.member, caller.key_id)
    answer = _see("/sign-in")
    drop_cookie(answer)
    return answer


# ---------------------------------------------------------------------------------------------- the demo
@router.post("/demo/as")
async def look_as(request: Request, given: Given) -> Response:
    """Look as somebody else of the demo venue."""
    demo = await demo_of(request)
    if demo is None:
        raise NotFound("page", request.url.path)
    return await _look(request, demo, given.need("role"))


async def _look(request: Request, demo: Demo, role: str) -> Response:
    installation = request.app.state.installation
    rooms = await installation.rooms(demo.log)
    rows = sorted(await rooms.rows.find(tables.member, {"active": 1}), key=lambda row: int(row["seq"]))
    fitting = [row for row in rows if role in loads(row["roles"])]
    if role not in dict(LOOKS) or not fitting:
        raise NotFound("role", role)
    browser = request.headers.get("user-agent", "")
    token = await installation.sessions.open(rooms.rows, fitting[0]["member"], "demo", browser)
    answer = _see(home_of(loads(fitting[0]["roles"])))
    set_cookie(answer, token, installation.settings.session_hours)
    return answer


def _see(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
