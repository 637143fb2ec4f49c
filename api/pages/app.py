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
    first_run,
    gallery,
    me,
    my_work,
    powers,
    recognition,
    record,
    search,
    settings,
    source,
    sources,
    team,
    uploading,
    watch,
    watch_numbers,
    why,
)
from api.pages.doors import page_of
from api.pages.entering import Tries

ROUTERS = (
    budgets,
    decisions,
    doing,
    entering,
    exception_list,
    exceptions,
    files,
    first_run,
    gallery,
    me,
    my_work,
    powers,
    recognition,
    record,
    search,
    settings,
    source,
    sources,
    team,
    uploading,
    watch,
    watch_numbers,
    why,
)


def add_pages(app: FastAPI) -> None:
    """Put the pages beside the API's doors."""
    app.state.tries = Tries()
    app.state.page_of = page_of
    for room in ROUTERS:
        app.include_router(room.router)
