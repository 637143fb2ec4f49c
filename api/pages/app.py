"""The pages put together: the `extend` of api.app.create_app."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from api.app import routes_of
from api.pages import (
    about_me,
    arriving,
    away,
    budgets,
    check_week,
    claiming,
    decisions,
    demo_cheat,
    demo_damage,
    demo_jump,
    doing,
    entering,
    exception_list,
    exceptions,
    files,
    first_run,
    forgeable,
    gallery,
    hand_typed,
    hooks,
    hours,
    joining,
    me,
    my_work,
    own_sign_in,
    passkeys,
    people,
    person,
    planned,
    points,
    powers,
    recalling,
    recognised,
    recognition,
    record,
    reporting,
    routine,
    search,
    settings,
    shared,
    sharing,
    shown,
    signed_results,
    source,
    source_names,
    sources,
    stamps,
    team,
    uploading,
    watch,
    watch_numbers,
    why,
)
from api.pages.doors import page_of
from api.pages.guest import guest_page
from api.pages.taken_along import readable
from api.pages.waiting import Counts
from api.pages.why import drawn_sheet

ROUTERS = (
    about_me,
    arriving,
    away,
    budgets,
    check_week,
    claiming,
    decisions,
    demo_cheat,
    demo_damage,
    demo_jump,
    doing,
    entering,
    exception_list,
    exceptions,
    files,
    first_run,
    forgeable,
    gallery,
    hand_typed,
    hooks,
    hours,
    joining,
    me,
    my_work,
    own_sign_in,
    passkeys,
    people,
    person,
    planned,
    points,
    powers,
    recalling,
    recognised,
    recognition,
    record,
    reporting,
    routine,
    search,
    settings,
    shared,
    sharing,
    shown,
    signed_results,
    source,
    source_names,
    sources,
    stamps,
    team,
    uploading,
    watch,
    watch_numbers,
    why,
)


_PAGES = routes_of(*(room.router for room in ROUTERS))


def add_pages(app: FastAPI) -> None:
    """Put the pages beside the API's doors."""
    app.state.page_of = page_of
    app.state.guest_page = guest_page
    app.state.drawn_sheet = drawn_sheet
    app.state.readable = readable
    app.state.demo_busy = asyncio.Lock()
    app.state.waiting = Counts()
    app.router.routes.extend(_PAGES.routes)
