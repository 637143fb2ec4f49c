"""The pages put together: the `extend` of api.app.create_app."""

from __future__ import annotations

from fastapi import FastAPI

from api.pages import (
    budgets,
    decisions,
    doing,
    entering,
    exception_list,
    exceptions,
    files,
    gallery,
    me,
    my_work,
    powers,
    recognition,
    record,
    search,
    settings,
    source,
    team,
    why,
)
from api.pages.entering import Tries

ROUTERS = (
    budgets,
    decisions,
    doing,
    entering,
    exception_list,
    exceptions,
    files,
    gallery,
    me,
    my_work,
    powers,
    recognition,
    record,
    search,
    settings,
    source,
    team,
    why,
)
from api.pages import decisions, demo, entering, files, gallery, watch, watch_numbers

ROUTERS = (entering, files, decisions, watch, watch_numbers, gallery, demo)
from api.pages import decisions, demo, entering, files, gallery, sources, watch, watch_numbers

ROUTERS = (entering, files, decisions, watch, watch_numbers, sources, gallery, demo)
from api.pages import decisions, demo, entering, files, gallery, sources, uploading, watch, watch_numbers

ROUTERS = (entering, files, decisions, watch, watch_numbers, sources, uploading, gallery, demo)


def add_pages(app: FastAPI) -> None:
    """Put the pages beside the API's doors."""
    app.state.tries = Tries()
    for room in ROUTERS:
        app.include_router(room.router)
