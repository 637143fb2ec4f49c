"""Systems that send by themselves: let one, show its secret once, give it another one, end it; and the keys of those
whose files count.

A secret stands on the answer to the form that asked for it and nowhere else, so that answer is a page and no way on to
one; sent again, the form shows none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.pages import watch_words
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show, with_toast
from api.pages.names import people_of
from api.pages.signed_results import providers
from api.pages.slips import base_of
from api.pages.words import Words, mark
from api.permissions import role_for
from api.scope import Row
from casework import tables
from casework.hook_requests import (
    END_REASONS,
    GITHUB,
    STANDARD,
    EndHook,
    EndSourceKey,
    IssueHookKey,
    OpenHook,
    TrustSourceKey,
)
from casework.intake import Done

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("hook.read", here="sources")]
Acts = Annotated[Acting, act("hook.write", here="sources")]
HookId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]
LABEL_CHARS_MAX = 80
OVERLAPS = {"24": mark("for another day"), "168": mark("for another week"), "0": mark("no longer: it leaked")}
WAYS = {
    STANDARD: mark("Standard Webhooks (most systems)"),
    GITHUB: mark("As GitHub does (X-Hub-Signature-256)"),
}
REASONS = {
    "not_needed": mark("It is not needed any more"),
    "replaced": mark("Another one takes its place"),
    "leaked": mark("Its secret got into other hands"),
}
SAID = {
    "ended": mark("Ended. Nothing comes from there any more."),
    "trusted": mark("Its files count from now on."),
    "distrusted": mark("Files under that key count no more."),
}


@dataclass(frozen=True, slots=True)
class HookSeen:
    """One system that may send. `keys`: how many secrets it may sign with now; `ends`: when the older ones end."""

    id: str
    name: str
    source: str
    way: str
    who: str
    last: str
    count: int
    keys: int
    ends: str


@dataclass(frozen=True, slots=True)
class KeySeen:
    """One key whose files count."""

    source: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret, this once (None: it was shown before), and where the system sends."""

    secret: str | None
    address: str


@router.get("/sources/systems")
async def systems(seen: Sees, said: str = "") -> Response:
    """Show every system that may send by itself."""
    return await _page(seen, said=said)


@router.post("/sources/systems")
async def let_send(acting: Acts) -> Response:
    """Let a system send by itself; its secret stands on this answer alone."""
    form = acting.form
    request = OpenHook(
        form.need("source", chars_max=200), form.one_of("scheme", WAYS), form.maybe("label", LABEL_CHARS_MAX)
    )
    return await _told(acting, await acting.rooms.hooks.open_hook(acting.who, acting.key, request))


@router.post("/sources/systems/{hook}/secret")
async def another_secret(hook: HookId, acting: Acts) -> Response:
    """Give a system another secret."""
    await acting.rooms.rows.need("hook", tables.hook, hook=hook)
    hours = int(acting.form.one_of("overlap", OVERLAPS))
    done = await acting.rooms.hooks.issue_key(acting.who, acting.key, IssueHookKey(hook, hours))
    return await _told(acting, done)


async def _told(acting: Acting, done: Done) -> Response:
    address = f"{base_of(acting.request)}/api/v1/hooks/{done.ids['hook']}"
    return await _page(acting, Shown(done.secrets.get("secret"), address))


@router.post("/sources/systems/{hook}/end")
async def end(hook: HookId, acting: Acts) -> Response:
    """Let a system send no more."""
    request = EndHook(hook, acting.form.one_of("reason_code", END_REASONS))
    await acting.rooms.hooks.end_hook(acting.who, acting.key, request)
    return _to("ended")


@router.post("/sources/keys")
async def trust(acting: Acts) -> Response:
    """Let files count that a provider's key signed."""
    form = acting.form
    request = TrustSourceKey(form.need("source", chars_max=200), form.need("public", chars_max=100))
    await acting.rooms.hooks.trust_key(acting.who, acting.key, request)
    return _to("trusted")


@router.post("/sources/keys/end")
async def distrust(acting: Acts) -> Response:
    """Let files under a key count no more."""
    form = acting.form
    request = EndSourceKey(
        form.need("source", chars_max=200), form.need("trusted", chars_max=64), "not_needed"
    )
    await acting.rooms.hooks.end_key(acting.who, acting.key, request)
    return _to("distrusted")


async def _page(seen: Seen, shown: Shown | None = None, said: str = "") -> Response:
    rows, words = seen.rooms.rows, seen.frame.words
    sources = [row["source"] for row in await rows.find(tables.source)]
    keys = [row for row in await rows.find(tables.source_key) if row["active"]]
    frame = with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame
    return await show(
        frame,
        "systems.html",
        hooks=await _hooks(seen),
        keys=[KeySeen(row["source"], watch_words.plain(row["source"]), row["key"]) for row in keys],
        shown=shown,
        providers=await providers(seen) if role_for("record.write", seen.caller.roles) else (),
        sources=[(one, watch_words.plain(one)) for one in sources],
        ways=[(one, words.gettext(said)) for one, said in WAYS.items()],
        overlaps=[(one, words.gettext(said)) for one, said in OVERLAPS.items()],
        reasons=[(one, words.gettext(said)) for one, said in REASONS.items()],
        may_change=role_for("hook.write", seen.caller.roles) is not None,
        key=seen.fresh_key(),
    )


async def _hooks(seen: Seen) -> list[HookSeen]:
    rows, words = seen.rooms.rows, seen.frame.words
    found = [row for row in await rows.find(tables.hook) if row["active"]]
    labels = await rows.open_all(row["label_item"] for row in found if row["label_item"])
    people, keys = await people_of(rows), await rows.find(tables.hook_key)
    listed = []
    for row in sorted(found, key=lambda one: int(one["seq"])):
        good = [
            key
            for key in keys
            if key["hook"] == row["hook"] and (key["until"] is None or key["until"] > words.now)
        ]
        source, way = watch_words.plain(row["source"]), WAYS[row["scheme"]]
        listed.append(
            HookSeen(
                id=row["hook"],
                name=str(labels.get(row["label_item"]) or source),
                source=source,
                way=words.gettext(way),
                who=people.name(row["opened_by"], words),
                last=words.moment(row["last_at"]) if row["last_at"] else words.gettext("never"),
                count=int(row["received"]),
                keys=len(good),
                ends=_ends(good, words),
            )
        )
    return listed


def _ends(keys: list[Row], words: Words) -> str:
    """Return when the last of the older secrets ends, empty where there is one only."""
    ends = [key["until"] for key in keys if key["until"] is not None]
    return words.moment(max(ends)) if ends else ""


def _to(said: str) -> Response:
    return RedirectResponse(
        f"/sources/systems?said={said}", status_code=303, headers={"Cache-Control": "no-store"}
    )
