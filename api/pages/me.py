"""Me: how I am spoken to, how I sign in and where I am signed in, what is recorded about me. For phones, the way to the
rest of the navigation too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api import tables as own
from api.pages.about_me import about_me
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import THEMES, Frame, show, with_toast
from api.pages.mending import Mended
from api.pages.passkeys import own_passkeys
from api.pages.persons import ROLE_WORDS, power_words
from api.pages.words import OFFERED, Words, mark
from api.preferences import prefer, preferences
from api.problems import BadRequest, NotFound
from api.rooms import Rooms
from api.sessions import drop_cookie
from casework import tables
from ledger.codec import loads

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("me.read", here="me")]
Changes = Annotated[Acting, act("me.read", here="me")]
SessionId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]
INTERRUPTIONS_MAX = 50
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
LANGUAGE_NAMES = {"en": "English", "de": "Deutsch"}
"""Each in its own language: whoever cannot read this page still finds theirs."""
THEME_WORDS = (("", mark("As the device does")), ("light", mark("Light")), ("dark", mark("Dark")))
HOW_WORDS = {
    "password": mark("with a password"),
    "passkey": mark("with a passkey"),
    "invite": mark("with an invitation"),
    "recovery": mark("with a recovery link"),
    "demo": mark("in the demo"),
}
SAID = {
    "saved": mark("Saved."),
    "passkey-added": mark(
        "Added. It signs you in from now on; it signs decisions once a second person confirmed it."
    ),
    "passkey-ended": mark("That passkey has ended. What it signed stays signed."),
    "away": mark("Noted. The stand-in sees it under Me."),
    "away-ended": mark("Ended."),
    "sign-in": mark("Changed. Your other devices are signed out if the password is a new one."),
    "ended": mark("That device is signed out."),
    "all-ended": mark("Every other device is signed out."),
}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """One session in the list."""

    id: str
    browser: str
    how: str
    seen_at: str
    ends_at: str
    here: bool


@router.get("/me")
async def me(seen: Sees, said: str = "") -> Response:
    """Show what is mine."""
    words = seen.frame.words
    return await page(seen, with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame)


async def page(
    seen: Seen,
    frame: Frame,
    *,
    wrong: Mapping[str, str] | None = None,
    name: str | None = None,
    away_again: Mended | None = None,
    status: int = 200,
) -> Response:
    """Return the page. `wrong`: field -> sentence of a refused change of how I sign in; `name` as it was typed;
    `away_again`: the refused form of being away."""
    rooms, words = seen.rooms, seen.frame.words
    settings = {row["name"]: loads(row["value"]) for row in await rooms.rows.find(tables.setting)}
    kept = await rooms.rows.one(own.sign_in, member=seen.caller.member)
    return await show(
        frame,
        "me.html",
        status=status,
        roles=[words.gettext(ROLE_WORDS[role]) for role in seen.caller.roles if role in ROLE_WORDS],
        liked=await preferences(rooms, seen.caller.member),
        languages=[(one, LANGUAGE_NAMES[one]) for one in OFFERED],
        themes=[(value, words.gettext(name)) for value, name in THEME_WORDS],
        usual=settings.get("interruptions_per_day_max", 6),
        most=INTERRUPTIONS_MAX,
        sessions=await _sessions(seen, words),
        sign_in=kept,
        typed_name=name if name is not None else kept["name"] if kept else "",
        passkeys=await own_passkeys(seen),
        about=await about_me(seen),
        wrong=wrong or {},
        away_again=away_again,
        me=seen.caller.member,
        recorded=await _recorded(rooms, seen.caller.member),
        powers=await _powers(rooms, seen.caller.member, words),
        key=seen.fresh_key(),
    )


async def _sessions(seen: Seen, words: Words) -> list[SignedIn]:
    found = await seen.request.app.state.installation.sessions.of(seen.rooms.rows, seen.caller.member)
    return [
        SignedIn(
            id=row["session"],
            browser=browser_words(row["browser"], words),
            how=words.gettext(HOW_WORDS.get(row["how"], row["how"])),
            seen_at=row["seen_at"],
            ends_at=row["ends_at"],
            here=row["session"] == seen.caller.session,
        )
        for row in found
        if row["ends_at"] > words.now
    ]


BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"),
           ("Linux", "Linux"))  # fmt: skip


def browser_words(agent: str, words: Words) -> str:
    """Return what a browser calls itself, in two words: enough to recognise one's own phone in a list."""
    name = next((said for part, said in BROWSERS if part in agent), "")
    system = next((said for part, said in SYSTEMS if part in agent), "")
    if name and system:
        return words.gettext("%(browser)s on %(system)s", browser=name, system=system)
    return name or system or words.gettext("A browser")


async def _recorded(rooms: Rooms, member: str) -> dict[str, int]:
    """Return how much of what stands in the record is about this person."""
    return {
        "owned": await rooms.rows.count(tables.case_file, owner=member),
        "told": await rooms.rows.count(tables.case_file, opened_by=member, origin="report"),
        "evidence": await rooms.rows.count(tables.evidence, submitter=f"member:{member}"),
        "decided": await rooms.rows.count(tables.decision, decider=member),
        "recognised": await rooms.rows.count(tables.award_share, member=member),
    }


async def _powers(rooms: Rooms, member: str, words: Words) -> list[str]:
    rows = await rooms.rows.find(tables.authority, {"member": member, "active": 1})
    return [power_words(row, words) for row in rows if row["until"] is None or row["until"] > words.now]


# ---------------------------------------------------------------------------------------------- forms
@router.post("/me/preferences")
async def change(acting: Changes) -> Response:
    """Keep how I like to be spoken to."""
    form = acting.form
    chosen: dict[str, Any] = {
        "language": form.one_of("language", ("", *OFFERED)) or None,
        "theme": form.one_of("theme", ("", *THEMES)) or None,
        "keys_off": 0 if form.text("keys") else 1,
        "interruptions_max": form.whole("interruptions_max", 0, INTERRUPTIONS_MAX),
        "quiet_from": _time(form.text("quiet_from", chars_max=10), "quiet_from"),
        "quiet_until": _time(form.text("quiet_until", chars_max=10), "quiet_until"),
    }
    await prefer(acting.rooms, acting.who, chosen)
    return back("saved")


def _time(text: str, name: str) -> str | None:
    if text and not _TIME.fullmatch(text):
        raise BadRequest("value_invalid", f"{name}: expected a time like 22:00, got {text}", field=f"/{name}")
    return text or None


@router.post("/me/sessions/{session}/end")
async def end_session(session: SessionId, acting: Changes) -> Response:
    """Sign one device out."""
    sessions = acting.request.app.state.installation.sessions
    if not await sessions.end(acting.rooms.rows, acting.caller.member, session, by=acting.caller.session):
        raise NotFound("session", session)
    if session == acting.caller.session:
        gone = RedirectResponse("/sign-in", status_code=303)
        drop_cookie(gone)
        return gone
    return back("ended")


@router.post("/me/sessions/end")
async def end_others(acting: Changes) -> Response:
    """Sign every other device out."""
    sessions = acting.request.app.state.installation.sessions
    own = acting.caller.session
    await sessions.end_all(acting.rooms.rows, acting.caller.member, but=own, by=own)
    return back("all-ended")


def back(said: str) -> Response:
    """Go back to the page with one sentence."""
    return RedirectResponse(f"/me?said={said}", status_code=303, headers={"Cache-Control": "no-store"})
