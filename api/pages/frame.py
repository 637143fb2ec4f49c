"""What every page prints around its own part (language, theme, tabs by role, demo strip), and how a template is made.

A page is a route that returns `await show(frame, "name.html", ...)`. The templates see `frame`, `words`, the gettext
functions and the formats of `words`; everything is escaped, and a missing name is an error of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api import tables as own
from api.caller import Caller
from api.pages.fault_words import fault_words
from api.pages.files import asset
from api.pages.navigation import Entry, entries_of
from api.pages.words import FALLBACK, LANGUAGES, WEB, Words, catalogue, language_of, zone_of
from api.rooms import Rooms
from casework import authority, people, tables
from ledger.codec import loads

THEMES = ("light", "dark")
DECISIONS = "decisions"
COUNTING = ("/decisions", "/my-work")
"""Pages that look through what waits themselves, and say how much it is."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # no-referrer would make Origin "null" in our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Toast:
    """What the person just did, in one sentence; `undo` is the address of the form that takes it back."""

    text: str
    undo: str | None = None


@dataclass(frozen=True, slots=True)
class Strip:
    """The demo strip: venue, its time, whom one may look as, what one may try."""

    venue: str
    now_text: str
    looks: tuple[tuple[str, str], ...]
    """(key, words) of each role one may look as."""
    as_key: str = ""
    tries: tuple[tuple[str, str], ...] = ()
    """(path, words) of each page on which one may try something."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Around one page. `here` is the key of its entry in the navigation; `caller` None: nobody is signed in."""

    words: Words
    path: str
    venue: str = "Tallystick"
    who: str = ""
    theme: str | None = None
    keys_off: bool = False
    here: str = ""
    caller: Caller | None = None
    tabs: tuple[Entry, ...] = ()
    more: tuple[Entry, ...] = ()
    counts: Mapping[str, int] | None = None
    strip: Strip | None = None
    toast: Toast | None = None

    @property
    def language(self) -> str:
        """Return the language of the page."""
        return self.words.language


@lru_cache(maxsize=len(LANGUAGES))
def environment(language: str) -> jinja2.Environment:
    """Return the templates in one language: the gettext functions stand in an environment's globals."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.globals |= {"asset": asset, "fault_words": fault_words}
    said = catalogue(language)
    made.install_gettext_callables(said.one, said.counted, newstyle=True)  # type: ignore[attr-defined]
    return made


def rendered(frame: Frame, template: str, values: Mapping[str, Any]) -> str:
    """Return the page as text. Slow: call it in a thread."""
    found = environment(frame.language).get_template(template)
    return found.render(frame=frame, words=frame.words, **values)


async def show(frame: Frame, template: str, *, status: int = 200, **values: Any) -> Response:
    """Return the page."""
    text = await asyncio.to_thread(rendered, frame, template, values)
    return HTMLResponse(text, status_code=status, headers=HEADERS)


async def frame_of(request: Request, caller: Caller, rooms: Rooms, here: str) -> Frame:
    """Return the frame of somebody who is signed in."""
    liked = await rooms.rows.one(own.preference, member=caller.member)
    named = await rooms.rows.one(tables.member_name, member=caller.member)
    settings = {row["name"]: loads(row["value"]) for row in await rooms.rows.find(tables.setting)}
    language = (liked["language"] if liked else None) or language_of(
        request.headers.get("accept-language", "")
    )
    words = Words(
        language,
        zone_of(settings.get("zone") or await _zone_of_kinds(rooms)),
        rooms.clock.now(),
        settings.get("currency", "EUR"),
    )
    powers = await rooms.rows.find(tables.authority, {"member": caller.member, "active": 1})
    tabs, more = entries_of(caller.roles, any(authority.is_in_force(row, words.now) for row in powers))
    counts = None
    if (
        here not in COUNTING
        and request.method == "GET"
        and any(entry.key == DECISIONS for entry in (*tabs, *more))
    ):
        counts = {DECISIONS: await request.app.state.waiting.of(rooms, caller.member)}
    return Frame(
        words=words,
        path=request.url.path,
        venue=settings.get("name") or people.readable(rooms.log),
        who=named["name"] if named else "",
        theme=liked["theme"] if liked else None,
        keys_off=bool(liked and liked["keys_off"]),
        here=here,
        caller=caller,
        tabs=tabs,
        more=more,
        counts=counts,
    )


async def _zone_of_kinds(rooms: Rooms) -> str | None:
    found = await rooms.rows.find(tables.kind_set, order="seq", limit=1)
    return loads(found[0]["content"]).get("zone") if found else None


def frame_of_stranger(request: Request, now: str) -> Frame:
    """Return the frame of somebody who is not signed in."""
    words = Words(language_of(request.headers.get("accept-language", FALLBACK)), zone_of(None), now)
    return Frame(words=words, path=request.url.path)


def with_toast(frame: Frame, text: str, undo: str | None = None) -> Frame:
    """Return the frame with one toast."""
    return replace(frame, toast=Toast(text, undo))
