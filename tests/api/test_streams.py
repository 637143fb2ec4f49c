"""Streams of what waits for a decision: told when it moves and to whom it may be told; they end when they must, and
cost nobody else a place."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli import run_verb
from api.sessions import COOKIE
from api.streams import LISTENERS_OF_ONE_MAX, Channel, State, Streams, Waiting, follow
from ledger.errors import StoreError
from tests.api.house import House, Team, house
from tests.served import serving

PATH = "/api/v1/decisions/events"
WAIT_SECONDS_MAX = 10
FAST = {"look_seconds": 0.02, "beat_seconds": 0.1}


class Listener:
    """A client of the application that reads a stream as it comes (httpx gives an answer only when it is whole)."""

    def __init__(self, at: House, key: str) -> None:
        """`key`: an API key, or the cookie of a session."""
        self.at = at
        self.shown = (
            (b"cookie", key.encode()) if "=" in key else (b"authorization", b"Bearer " + key.encode())
        )
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.ended = asyncio.Event()
        self._begun, self._gone = asyncio.Event(), asyncio.Event()

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
        self._begun.set()

    async def run(self) -> None:
        headers = [(b"host", b"localhost"), (b"accept", b"text/event-stream"), self.shown]
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
            "method": "GET", "scheme": "http", "path": PATH, "raw_path": PATH.encode(), "query_string": b"",
            "root_path": "", "headers": headers, "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        }  # fmt: skip
        try:
            await self.at.app(scope, self._receive, self._send)
        finally:
            self.ended.set()

    async def begun(self) -> None:
        await asyncio.wait_for(self._begun.wait(), WAIT_SECONDS_MAX)

    def go(self) -> None:
        self._gone.set()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the data of the events that came, oldest first."""
        blocks = [
            block.splitlines() for block in self.body.decode().split("\n\n") if "event: decisions" in block
        ]
        return [json.loads(line[6:]) for block in blocks for line in block if line.startswith("data: ")]

    async def told(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many events came."""
        until = time.monotonic() + WAIT_SECONDS_MAX
        while len(self.events) < count:
            assert time.monotonic() < until, self.body
            await asyncio.sleep(0.01)
        return self.events


@asynccontextmanager
async def open_stream(at: House, key: str) -> AsyncIterator[Listener]:
    listener = Listener(at, key)
    task = asyncio.create_task(listener.run())
    try:
        await listener.begun()
        yield listener
    finally:
        listener.go()
        await asyncio.wait_for(task, WAIT_SECONDS_MAX)


@asynccontextmanager
async def shop(folder: Path, **settings: Any) -> AsyncIterator[tuple[House, Team]]:
    async with house(folder, **settings) as at:
        at.app.state.streams = Streams(**FAST)  # type: ignore[arg-type]
        yield at, await at.organisation("Harbour House")


async def decidable(at: House, team: Team) -> str:
    """Bring a case to where somebody must decide; return it."""
    case: str = (await at.done("/api/v1/reports", team.keys["staff"], {"note": "The ice machine leaks"}))[
        "ids"
    ]["case"]
    owner = team.keys["owner"]
    await at.done(f"/api/v1/cases/{case}/proposals", owner, {"action": "call", "text": "Call the engineer"})
    return case


@pytest.mark.asyncio
async def test_it_tells_how_things_stand_and_each_move(tmp_path: Path) -> None:
    async with shop(tmp_path) as (at, team), open_stream(at, team.keys["manager"]) as listener:
        assert listener.status == 200
        assert listener.headers["content-type"].startswith("text/event-stream")
        assert listener.headers["cache-control"] == "no-store"
        assert (await listener.told(1))[0] == {"count": 0, "changed_seq": 0}
        case = await decidable(at, team)
        first = (await listener.told(2))[1]
        assert first["count"] == 1
        row = (await at.ask("GET", f"/api/v1/cases/{case}", team.keys["manager"])).json()["case"]
        assert first["changed_seq"] == row["changed_seq"]
        await at.done("/api/v1/members", team.keys["owner"], {"name": "Kim", "roles": ["staff"]})
        await asyncio.sleep(0.3)
        assert len(listener.events) == 2, "the log went on, what waits did not"
        await decidable(at, team)
        assert (await listener.told(3))[-1]["count"] == 2
        assert b": beat\n\n" in listener.body


@pytest.mark.asyncio
async def test_without_a_stream_the_same_is_told_once(tmp_path: Path) -> None:
    async with shop(tmp_path) as (at, team):
        await decidable(at, team)
        told = await at.ask("GET", PATH, team.keys["manager"])
        assert (told.status_code, told.json()["count"]) == (200, 1)
        assert at.app.state.streams.count == 0


@pytest.mark.asyncio
async def test_another_organisation_is_never_heard(tmp_path: Path) -> None:
    async with shop(tmp_path) as (at, ours):
        theirs = await at.organisation("Other House")
        async with open_stream(at, theirs.keys["owner"]) as listener:
            await listener.told(1)
            await decidable(at, ours)
            await asyncio.sleep(0.3)
            assert listener.events == [{"count": 0, "changed_seq": 0}]


@pytest.mark.asyncio
async def test_a_digital_employee_hears_of_what_it_may_read(tmp_path: Path) -> None:
    async with shop(tmp_path) as (at, team):
        charter = {"responsibility": "bookings", "may_read": ["booking"], "may_propose": ["*"]}
        body = {"name": "Bo", "charter": charter, "answers_to": team.members["owner"]}
        agent = (await at.done("/api/v1/agents", team.keys["owner"], body))["ids"]["member"]
        key = (await at.done("/api/v1/keys", team.keys["owner"], {"member": agent}))["secret"]
        note = {"note": "The lift is stuck", "subject": {"kind": "lift", "id": "1"}}
        case = (await at.done("/api/v1/reports", team.keys["staff"], note))["ids"]["case"]
        proposal = {"action": "call", "text": "Call the engineer"}
        await at.done(f"/api/v1/cases/{case}/proposals", team.keys["owner"], proposal)
        assert (await at.ask("GET", PATH, team.keys["manager"])).json()["count"] == 1
        assert (await at.ask("GET", PATH, key)).json() == {"count": 0, "changed_seq": 0}
        async with open_stream(at, key) as listener:
            assert (await listener.told(1))[0]["count"] == 0


@pytest.mark.asyncio
async def test_it_ends_with_the_key_and_with_the_member(tmp_path: Path) -> None:
    async with shop(tmp_path) as (at, team):
        owner, member = team.keys["owner"], team.members["manager"]
        issued = await at.done("/api/v1/keys", owner, {"member": member})
        async with open_stream(at, issued["secret"]) as one, open_stream(at, team.keys["manager"]) as other:
            await one.told(1)
            await at.done(f"/api/v1/keys/{issued['ids']['key']}/end", owner, {})
            await asyncio.wait_for(one.ended.wait(), WAIT_SECONDS_MAX)
            assert not other.ended.is_set()
            await at.done(f"/api/v1/members/{member}/leave", owner, {"reason_code": "left"})
            await asyncio.wait_for(other.ended.wait(), WAIT_SECONDS_MAX)
        assert at.app.state.streams.count == 0


@pytest.mark.asyncio
async def test_it_ends_with_the_session(tmp_path: Path) -> None:
    async with shop(tmp_path) as (at, team):
        installation, member = at.app.state.installation, team.members["staff"]
        rows = (await installation.rooms(team.log)).rows
        token = await installation.sessions.open(rows, member, "password", "a browser")
        async with open_stream(at, f"{COOKIE}={token}") as listener:
            await listener.told(1)
            await installation.sessions.end_all(rows, member)
            await asyncio.wait_for(listener.ended.wait(), WAIT_SECONDS_MAX)


@pytest.mark.asyncio
async def test_whoever_goes_leaves_no_place_taken_and_nobody_looking(tmp_path: Path) -> None:
    async with shop(tmp_path) as (at, team):
        streams: Streams = at.app.state.streams
        async with open_stream(at, team.keys["owner"]), open_stream(at, team.keys["staff"]):
            assert streams.count == 2
            channel = next(iter(streams._channels.values()))
            assert len(streams._channels) == 1, "one look serves both"
        assert (streams.count, streams._channels) == (0, {})
        assert channel.looking is not None and channel.over.is_set()


@pytest.mark.asyncio
async def test_too_many_are_refused_each_and_all(tmp_path: Path) -> None:
    async with shop(tmp_path) as (at, team):
        streams = at.app.state.streams = Streams(listeners_max=LISTENERS_OF_ONE_MAX + 1)
        async with AsyncExitStack() as opened:  # a failure below must not leave twelve listeners behind
            for _ in range(LISTENERS_OF_ONE_MAX):
                await opened.enter_async_context(open_stream(at, team.keys["owner"]))
            async with open_stream(at, team.keys["owner"]) as refused:
                assert (refused.status, json.loads(refused.body)["code"]) == (503, "streams_full")
                assert "of this member" in json.loads(refused.body)["detail"]
                assert refused.headers["retry-after"] == "60"
            async with open_stream(at, team.keys["staff"]) as listener:
                assert listener.status == 200, "one member's tabs shut nobody else out"
                async with open_stream(at, team.keys["manager"]) as refused:
                    assert refused.status == 503
                    assert "as many streams are open" in json.loads(refused.body)["detail"]
        assert streams.count == 0


@pytest.mark.asyncio
async def test_open_streams_are_no_requests_in_flight(tmp_path: Path) -> None:
    async with (
        shop(tmp_path, requests_in_flight_max=2) as (at, team),
        open_stream(at, team.keys["owner"]),
        open_stream(at, team.keys["staff"]),
        open_stream(at, team.keys["manager"]) as third,
    ):
        assert third.status == 200
        assert (await at.ask("GET", "/api/v1/me", team.keys["owner"])).status_code == 200
        measured = (await at.ask("GET", "/metrics")).text
        assert f'tallystick_requests_total{{method="GET",route="{PATH}",status="200"}} 3.0' in measured


class Away:
    """Rows of a database that fails now and then."""

    log = "away"

    def __init__(self) -> None:
        self.size = 0
        self.fails = True

    async def head(self) -> tuple[int, str]:
        if self.fails:
            raise StoreError("away")
        return self.size, ""

    async def waiting(self) -> State:
        return {None: Waiting(self.size, self.size, self.size)}


async def always() -> bool:
    return True


@pytest.mark.asyncio
async def test_a_database_that_is_away_for_a_while_ends_nothing() -> None:
    streams, rows = Streams(look_seconds=0.01, beat_seconds=0.05), Away()
    with streams.listening(rows, "ada") as channel:
        following = follow(streams, channel, always)
        assert await anext(following) is None
        rows.fails, rows.size = False, 3
        until = time.monotonic() + WAIT_SECONDS_MAX
        while (state := await anext(following)) is None:
            assert time.monotonic() < until
        assert state[None].count == 3
        await following.aclose()
    await streams.close()


@pytest.mark.asyncio
async def test_whoever_goes_while_looked_up_cuts_nothing_off() -> None:
    """A driver that is cancelled while it reads may never come back from closing: the server would not stop either."""
    streams, channel = Streams(beat_seconds=0.01), Channel()
    begun, go_on, read = asyncio.Event(), asyncio.Event(), []

    async def slowly() -> bool:
        begun.set()
        await go_on.wait()
        read.append("whole")
        return True

    async def listen() -> None:
        async for _ in follow(streams, channel, slowly):
            pass

    listening = asyncio.create_task(listen())
    await begun.wait()
    for _ in range(3):  # as the framework does it: again and again until whoever is told to go has gone
        listening.cancel()
        await asyncio.sleep(0)
    assert listening.cancelled() and not read
    asyncio.get_running_loop().call_later(0.05, go_on.set)
    await streams.close()
    assert read == ["whole"], "closing waits for it"


@pytest.mark.asyncio
async def test_a_slow_reader_gets_the_newest_state_alone() -> None:
    streams, channel = Streams(beat_seconds=5), Channel()
    following = follow(streams, channel, always)
    channel.state = {None: Waiting(1, 1, 1)}
    assert await anext(following) == {None: Waiting(1, 1, 1)}
    for seq in (2, 3, 4):
        channel.state = {None: Waiting(1, seq, seq)}
        channel.ring()
    assert await anext(following) == {None: Waiting(1, 4, 4)}
    streams.end()
    with pytest.raises(StopAsyncIteration):
        await anext(following)


@contextmanager
def reading(url: str, key: str, came: list[bytes], began: threading.Event) -> Iterator[threading.Thread]:
    def read() -> None:
        headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
        with httpx.stream("GET", url + PATH, headers=headers, timeout=30) as answer:
            for part in answer.iter_bytes():
                came.append(part)
                began.set()

    thread = threading.Thread(target=read)
    thread.start()
    yield thread
    thread.join(WAIT_SECONDS_MAX)
    assert not thread.is_alive()


def test_open_streams_do_not_hold_up_a_server_that_is_told_to_stop(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert run_verb(["--data-dir", str(folder), "init", "--name", "Harbour House", "--owner", "Ada"]) == 0
    key, began = (folder / "cli.key").read_text().strip(), threading.Event()
    came: list[bytes] = []
    with serving(folder) as (server, url, said), reading(url, key, came, began):
        assert began.wait(WAIT_SECONDS_MAX)
        begun = time.monotonic()
        server.terminate()
        assert server.wait(WAIT_SECONDS_MAX) == 0, said.read_text()
        assert time.monotonic() - begun < 5
    assert b"event: decisions" in b"".join(came)
    assert "Traceback" not in said.read_text()
