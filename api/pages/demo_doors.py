"""Doors of the demo's own pages: whoever asks for anything but a demo log on loopback finds no such page.

That is asked before who they are, so that nobody learns elsewhere that there could be something to sign in for.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from api.caller import Caller
from api.identity import signed_in
from api.pages.doors import Acting, NeedToAct, NeedToSee, Seen
from api.pages.strip import Demo, demo_of
from api.problems import NotFound

_SEE, _ACT = NeedToSee("me.read", here=""), NeedToAct("me.read", here="")


@dataclass(frozen=True, slots=True)
class SeenDemo:
    """A page of the demo, and what `demo.json` says."""

    seen: Seen
    demo: Demo


@dataclass(frozen=True, slots=True)
class ActingDemo:
    """A form of the demo; `busy` is held by whoever plays, so that two plays never measure each other."""

    acting: Acting
    demo: Demo
    busy: asyncio.Lock


async def _in_demo(request: Request) -> tuple[Demo, Caller]:
    """Return the demo and who looks at it.

    Raises:
        NotFound: this is no demo, or they are signed in elsewhere.
        NotSignedIn: it is one, and nobody is signed in.
    """
    demo = await demo_of(request)
    if demo is None:
        raise NotFound("page", request.url.path)
    caller = await signed_in(request, None)
    if caller.log != demo.log:
        raise NotFound("page", request.url.path)
    return demo, caller


async def _seen(request: Request) -> SeenDemo:
    demo, caller = await _in_demo(request)
    return SeenDemo(await _SEE(request, caller), demo)


async def _acting(request: Request) -> ActingDemo:
    demo, caller = await _in_demo(request)
    return ActingDemo(await _ACT(request, caller), demo, request.app.state.demo_busy)


def need_clock(demo: Demo, request: Request) -> None:
    """Refuse a page about moving the clock where the clock is not the demo's own. Raises NotFound."""
    if not demo.moves:
        raise NotFound("page", request.url.path)


SeesDemo: Any = Annotated[SeenDemo, Depends(_seen)]
ActsInDemo: Any = Annotated[ActingDemo, Depends(_acting)]
