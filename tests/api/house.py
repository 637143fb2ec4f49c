"""A started product without a network: the real application over a fresh SQLite file, with people of every role.

`House` shortens what tests say: who asks, fresh keys, forms of pages, a clock that moves by hand. Nothing is replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from api import schema
from api.app import create_app
from api.pages.app import add_pages
from api.remote import OPERATOR_TOKEN_FILE
from api.sessions import COOKIE
from api.settings import Settings
from ledger.clock import HandClock, unix_ms_of
from ledger.entropy import SeededEntropy

START = "2026-11-20T10:00:00.000Z"
CHARTER = {"responsibility": "watch the inbox", "may_read": ["*"], "may_propose": ["*"]}
ROLES = ("owner", "manager", "staff", "auditor", "outsider")


@dataclass
class Team:
    """One organisation: its log, and per role a member id and a key; `agent` is a digital employee."""

    log: str
    members: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


@dataclass
class House:
    """The application, a client on it, and its clock."""

    app: FastAPI
    client: httpx.AsyncClient
    clock: HandClock
    settings: Settings
    count: int = 0
    cookies: dict[tuple[str, str], str] = field(default_factory=dict)

    async def ask(
        self,
        method: str,
        path: str,
        who: str | None = None,
        *,
        json: Any = None,
        content: bytes | None = None,
        files: Any = None,
        headers: dict[str, str] | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        """Send one request under `who`'s API key, or the cookie of their session; `key` is the idempotency key, a fresh
        one when left out."""
        sent = dict(headers or {})
        if who is not None and who.startswith(f"{COOKIE}="):
            sent |= {"Cookie": who, "Sec-Fetch-Site": "same-origin"}
        elif who is not None:
            sent["Authorization"] = f"Bearer {who}"
        if method == "POST":
            self.count += 1
            sent.setdefault("Idempotency-Key", key or f"test-{self.count}")
        return await self.client.request(method, path, json=json, content=content, files=files, headers=sent)

    async def done(self, path: str, who: str, json: Any = None, **more: Any) -> dict[str, Any]:
        """Send a change that must succeed and return its answer."""
        answer = await self.ask("POST", path, who, json=json, **more)
        assert answer.status_code in (200, 201), (path, answer.status_code, answer.text)
        told: dict[str, Any] = answer.json()
        return told

    async def organisation(self, name: str) -> Team:
        """Open an organisation and give it one person per role, and an agent."""
        token = (self.settings.data_dir / OPERATOR_TOKEN_FILE).read_text()
        body = {"name": name, "owner_name": "Ada", "simulated": True}
        opened = (
            await self.client.post("/api/v1/organisations", json=body, headers={"X-Operator-Token": token})
        ).json()
        team = Team(opened["log"], {"owner": opened["member"]}, {"owner": opened["key"]})
        owner = opened["key"]
        for role in ROLES[1:]:
            joined = await self.done("/api/v1/members", owner, {"name": role.title(), "roles": [role]})
            team.members[role] = joined["ids"]["member"]
        agent = {"name": "Robin", "charter": CHARTER, "answers_to": opened["member"]}
        team.members["agent"] = (await self.done("/api/v1/agents", owner, agent))["ids"]["member"]
        for role, member in team.members.items():
            if role != "owner":
                issued = await self.done("/api/v1/keys", owner, {"member": member})
                team.keys[role] = issued["secret"]
        return team

    async def asked_first(
        self, case: str, about: str, reason: str, asker: str, answerer: str, reply: str = "It was so"
    ) -> str:
        """Ask about an end and let whoever is asked answer, as every end needs it; return the dispute's id."""
        path, asked = f"/api/v1/cases/{case}/disputes", {"about": about, "reason_code": reason}
        dispute: str = (await self.done(path, asker, asked))["ids"]["dispute"]
        await self.done(f"{path}/{dispute}/answers", answerer, {"reply": reply})
        return dispute

    # ------------------------------------------------------------------------------------------ pages
    async def cookie(self, team: Team, role: str) -> dict[str, str]:
        """Return the header of a session of this person, opened once per test."""
        if (team.log, role) not in self.cookies:
            installation = self.app.state.installation
            rows = (await installation.rooms(team.log)).rows
            token = await installation.sessions.open(rows, team.members[role], "password", "Test")
            self.cookies[team.log, role] = token
        return {"Cookie": f"{COOKIE}={self.cookies[team.log, role]}"}

    async def signed_in(self, team: Team) -> Team:
        """Return the same team with the session of each person in the place of a key."""
        people = {role: (await self.cookie(team, role))["Cookie"] for role in ROLES}
        return replace(team, keys=team.keys | people)

    async def see(self, path: str, team: Team, role: str, **headers: str) -> httpx.Response:
        """Open a page as somebody."""
        return await self.client.get(path, headers={**await self.cookie(team, role), **headers})

    async def send(
        self, path: str, team: Team, role: str, data: dict[str, Any], files: Any = None, **headers: str
    ) -> httpx.Response:
        """Send a page's form as somebody; the answer is the 303 itself, not where it leads."""
        sent = {**await self.cookie(team, role), "Sec-Fetch-Site": "same-origin", **headers}
        return await self.client.post(path, data=data, files=files, headers=sent)

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.advance(seconds * 1000)

    async def tick(self) -> int:
        """Let the worker do what is due."""
        done: int = await self.app.state.worker.tick()
        return done


@asynccontextmanager
async def house(folder: Path, *, pages: bool = False, **settings: Any) -> AsyncIterator[House]:
    """Start the product in a folder; `pages`: with its pages, as `tallystick run` does."""
    chosen = Settings(data_dir=folder / "data", worker_inside=False, **settings)
    chosen.data_dir.mkdir(mode=0o700, exist_ok=True)
    await asyncio.to_thread(schema.upgrade, chosen.url)
    clock = HandClock(unix_ms_of(START))
    app = create_app(chosen, clock=clock, entropy=SeededEntropy("doors"), extend=add_pages if pages else None)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield House(app, client, clock, chosen)
