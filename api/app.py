"""The HTTP application: one function that puts the doors together. What is behind them is opened by installation.py."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.doorway import Doorway
from api.house import check_house
from api.installation import open_installation
from api.plain_http import Explain, PlainHttp, in_english
from api.problems import ProblemDocument, install
from api.routes import (
    anchor_chain,
    anchors,
    announcing,
    assessors,
    awards,
    away,
    badges,
    cases,
    decisions,
    devices,
    disputes,
    fairness,
    health,
    hooks,
    installing,
    jobs,
    joining,
    links,
    myself,
    naming,
    passkeys,
    people,
    photos,
    points,
    recalls,
    record,
    records,
    reports,
    searching,
    signed,
    steps,
    watching,
    work,
)
from api.settings import Settings
from api.stopping import finish
from api.streams import Streams
from api.worker import Worker
from ledger.clock import Clock
from ledger.durable import replace_file
from ledger.entropy import Entropy

OPERATOR_TOKEN_BYTES = 32
SERVER_FILE = "server.json"
OPERATOR_TOKEN_FILE = "operator.token"
ROUTERS = (
    people,
    joining,
    devices,
    fairness,
    disputes,
    passkeys,
    watching,
    records,
    cases,
    decisions,
    away,
    myself,
    naming,
    reports,
    photos,
    signed,
    points,
    steps,
    awards,
    recalls,
    announcing,
    badges,
    jobs,
    record,
    installing,
    links,
    health,
    searching,
    work,
    assessors,
    hooks,
    anchors,
    anchor_chain,
)


class LateDoorway:
    """The doorway needs the metrics registry, which the installation makes when it opens."""

    def __init__(self, app: Any, settings: Settings, state: Any) -> None:
        self._app, self._settings, self._state = app, settings, state
        self._doorway: Doorway | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass lifespan through, requests by the doorway."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._doorway is None:
            self._doorway = Doorway(
                self._app,
                body_bytes_max=self._settings.body_bytes_max,
                in_flight_max=self._settings.requests_in_flight_max,
                registry=self._state.registry,
            )
        await self._doorway(scope, receive, send)


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    extend: Callable[[FastAPI], None] | None = None,
    explain: Explain | None = None,
) -> FastAPI:
    """Return the application. It opens its installation when it starts and closes it when it stops.

    `clock` and `entropy` are given by simulations and tests; `extend` adds pages; `explain` answers a page that was
    asked for in the clear from another machine.

    Raises:
        ForeignPackage: a first-party package was loaded from elsewhere.
    """
    check_house()
    app = FastAPI(
        title="Tallystick",
        version="0.1.0",
        summary="Exceptions noticed, decided with evidence, recognised, and kept in a record that anyone can check.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # the bundled viewer loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lambda app: _lifespan(app, settings, clock, entropy),
    )
    app.state.streams = Streams()
    install(app)
    app.router.routes.extend(_DOORS.routes)
    if extend is not None:
        extend(app)
    # the last one added is the first to be passed: the proxy's word, then the doorway, then the refusal of plain http
    app.add_middleware(PlainHttp, explain=explain or in_english(settings.address))
    app.add_middleware(LateDoorway, settings=settings, state=app.state)
    if settings.proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=settings.proxies)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def routes_of(*routers: APIRouter) -> APIRouter:
    """Return the routes of all routers in one, made once.

    What FastAPI works out of a route at the first request to it is kept with it, so that a second application of the
    same process, as tests and previews start them, finds it done.
    """
    every = APIRouter(generate_unique_id_function=_operation_id)
    for router in routers:
        every.include_router(router)
    return every


_DOORS = routes_of(*(room.router for room in ROUTERS))


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document; the Problem schema is referred to by every route and declared once, here."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            openapi_version="3.1.0",
            routes=app.routes,
        )
        schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(schema.pop("$defs", {}))
        schemas["ProblemDocument"] = schema
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema


@asynccontextmanager
async def _lifespan(
    app: FastAPI, settings: Settings, clock: Clock | None, entropy: Entropy | None
) -> AsyncIterator[None]:
    async with open_installation(settings, clock, entropy) as installation:
        app.state.installation = installation
        app.state.journal = installation.journal
        app.state.registry = installation.registry
        token = await asyncio.to_thread(_leave_token, settings)
        app.state.is_operator = lambda given: _is_same(given, token)
        app.state.worker = Worker(installation)
        stop = asyncio.Event()
        working = asyncio.create_task(app.state.worker.run(stop)) if settings.worker_inside else None
        try:
            yield
        finally:
            await app.state.streams.close()
            if working is not None:
                await finish(working, stop)


def _leave_token(settings: Settings) -> str:
    """Write a fresh operator token: whoever can read the data folder is the operator."""
    token = secrets.token_hex(OPERATOR_TOKEN_BYTES)
    replace_file(settings.data_dir / OPERATOR_TOKEN_FILE, token.encode())
    return token


def _is_same(given: str | None, token: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def tell_address(settings: Settings, url: str) -> None:
    """Leave the server's address for the command line."""
    replace_file(settings.data_dir / SERVER_FILE, json.dumps({"url": url, "pid": os.getpid()}).encode())
