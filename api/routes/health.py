"""For machines that watch this machine: alive, ready, measured. No key, no personal data."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: Annotated[str, Field(pattern="^ok$")]


class Ready(BaseModel):
    """Whether requests can be served now, and why not: check name -> `ok` or a sentence."""

    status: Annotated[str, Field(pattern="^(ok|failing)$")]
    checks: dict[str, str]


@router.get("/livez", operation_id="livez")
async def livez() -> Alive:
    """The process answers."""
    return Alive(status="ok")


@router.get("/readyz", operation_id="readyz", responses={503: {"model": Ready}})
async def readyz(request: Request) -> Response:
    """The database answers, the writer writes, and each log's head is what its last entry and tiles say."""
    checks = await request.app.state.installation.ready()
    ok = all(value == "ok" for value in checks.values())
    body = Ready(status="ok" if ok else "failing", checks=checks)
    return JSONResponse(body.model_dump(), status_code=200 if ok else 503)


@router.get("/metrics", operation_id="metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Prometheus text."""
    await request.app.state.installation.measure()
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
