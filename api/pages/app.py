"""The pages put together: the `extend` of api.app.create_app."""

from __future__ import annotations

from fastapi import FastAPI

from api.pages import (
    budgets,
    decisions,
    entering,
    files,
    gallery,
    me,
    powers,
    recognition,
    record,
    search,
    settings,
    team,
    why,
)
from api.pages.entering import Tries

ROUTERS = (
    entering, files, decisions, recognition, why, team, record, powers, search, me, settings, budgets, gallery,
)  # fmt: skip


def add_pages(app: FastAPI) -> None:
    """Put the pages beside the API's doors."""
    app.state.tries = Tries()
    for room in ROUTERS:
        app.include_router(room.router)
