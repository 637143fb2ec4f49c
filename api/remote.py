"""How a verb reaches the product: through the running server over loopback, or, when none runs, through the same doors
inside this process. Both send the same requests, so a verb has one way of working (SETTLED 2).

A running server leaves `server.json` {url, pid} and a fresh `operator.token` (mode 0600) in its data folder. The second
is what makes somebody the operator: being able to read the data folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from api.app import create_app
from api.problems import NOTHING
from api.settings import Settings

ANSWER_SECONDS_MAX = 120
PROBE_SECONDS_MAX = 2
SERVER_FILE = "server.json"
OPERATOR_TOKEN_FILE = "operator.token"
CLI_KEY_FILE = "cli.key"


class RemoteRefused(Exception):
    """The product refused; `problem` is its problem document. Nothing was changed unless that says so."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(_sentence(problem))
        self.status = status
        self.problem = problem


def _sentence(problem: Mapping[str, Any]) -> str:
    """Return code, detail, each member to blame with what was expected of it and got, and what was recorded."""
    said = f"{problem.get('code', 'refused')}: {problem.get('detail', '')}"
    for one in problem.get("errors") or ():
        # one member to blame is often the whole detail already
        more = "" if one["detail"] == problem.get("detail") else f": {one['detail']}"
        said += f"; {one['pointer'] or 'the whole body'}{more}"
    # that nothing was recorded goes without saying; anything else does not
    return said if problem.get("effect", NOTHING) == NOTHING else f"{said}. {problem['effect']}"


class NoKey(Exception):
    """No key to sign in with. The caller passes --key-file or runs `tallystick init`."""


@dataclass(slots=True)
class Remote:
    """A client bound to one running product."""

    client: httpx.AsyncClient
    settings: Settings

    async def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send one request and return the decoded answer (bytes when it is no JSON).

        Raises:
            RemoteRefused: any status of 400 or more.
        """
        sent = dict(headers or {})
        if key is not None:
            sent["Authorization"] = f"Bearer {key}"
        answer = await self.client.request(
            method, path, json=json, content=content, headers=sent, params=dict(params or {})
        )
        kind = answer.headers.get("content-type", "")
        body = answer.json() if "json" in kind and answer.content else answer.content
        if answer.status_code >= 400:
            raise RemoteRefused(
                answer.status_code, body if isinstance(body, dict) else {"detail": answer.text[:200]}
            )
        return body

    def operator_headers(self) -> dict[str, str]:
        """Return what proves that the caller can read the data folder."""
        token = (self.settings.data_dir / OPERATOR_TOKEN_FILE).read_text(encoding="ascii").strip()
        return {"X-Operator-Token": token}


def running_server(data_dir: Path) -> str | None:
    """Return the address of a server that serves this data folder now, or None."""
    try:
        told = json.loads((data_dir / SERVER_FILE).read_text(encoding="utf-8"))
        os.kill(told["pid"], 0)
        httpx.get(told["url"] + "/livez", timeout=PROBE_SECONDS_MAX).raise_for_status()
    except (OSError, ValueError, KeyError, TypeError, httpx.HTTPError):
        return None
    return str(told["url"])


def page_address(settings: Settings, path: str) -> str:
    """Return where a page lies: at the running server, or where one would serve by these settings."""
    url = settings.server_url or running_server(settings.data_dir)
    if url is None:
        url = f"http://{'localhost' if settings.on_loopback else settings.host}:{settings.port}"
    return url.rstrip("/") + path


@asynccontextmanager
async def reach(settings: Settings) -> AsyncIterator[Remote]:
    """Give a Remote: the running server's, or one inside this process that takes the writer's lock meanwhile."""
    url = settings.server_url or running_server(settings.data_dir)
    if url is not None:
        async with httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS_MAX) as client:
            yield Remote(client, settings)
        return
    app = create_app(settings.model_copy(update={"worker_inside": False}))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", timeout=ANSWER_SECONDS_MAX
        ) as client:
            yield Remote(client, settings)


def read_key(settings: Settings, key_file: Path | None) -> str:
    """Return the key of whoever runs the verb: the file given, else the one `init` left in the data folder.

    Raises:
        NoKey: there is none.
    """
    path = key_file or settings.data_dir / CLI_KEY_FILE
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoKey(
            f"expected a key in {path}, got none: pass --key-file or run `tallystick init`"
        ) from error
