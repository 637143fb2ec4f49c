"""A stage for rehearsals: the real server on a loopback port, its clock moved by hand, its worker run between the acts.

`simulate` and the demo venue play on it. Everything goes through HTTP, the writer, the engine and the verifiers as for
anybody else; only time is the stage's own, and only for logs whose origin ends in `.invalid`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.cast import REQUEST_SECONDS_MAX, RehearsalBroken, Steps
from api.installation import Opened
from api.listening import answer_at_once
from api.settings import Settings
from api.stopping import hearing
from ledger.clock import HandClock, instant_of
from ledger.entropy import SeededEntropy

START_SECONDS_MAX = 30.0
TICKS_MAX = 100_000
HOUR_MS = 3_600_000


class Stage:
    """One organisation on a running server, and what its people will do next."""

    def __init__(
        self,
        app: FastAPI,
        loop: asyncio.AbstractEventLoop,
        clock: HandClock,
        url: str,
        ask_told: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._ask_told = ask_told
        self._loop = loop
        self._clock = clock
        self.client = httpx.Client(base_url=url, timeout=REQUEST_SECONDS_MAX)
        self._waiting: list[tuple[int, int, Steps]] = []
        self._number = itertools.count()

    # ------------------------------------------------------------------------------------------ time
    @property
    def now_ms(self) -> int:
        """Return the stage's time, milliseconds since 1970."""
        return self._clock.read().unix_ms

    def now(self) -> str:
        """Return the stage's time, RFC 3339 UTC."""
        return instant_of(self.now_ms)

    def later(self, hours: float) -> str:
        """Return an instant that many hours from now."""
        return instant_of(self.now_ms + int(hours * HOUR_MS))

    def move_to(self, unix_ms: int) -> None:
        """Let time pass, then let the worker do all that has become due."""
        self.pass_to(unix_ms)
        self.work()

    def pass_to(self, unix_ms: int) -> None:
        """Let time pass, with nobody at work yet: for whoever has more to bring before the worker looks."""
        if unix_ms > self.now_ms:
            self._clock.set(unix_ms)

    def work(self) -> None:
        """Run the worker until nothing is due. Raises KeyboardInterrupt: told to stop."""
        self._ask_told()
        for _ in range(TICKS_MAX):
            if not asyncio.run_coroutine_threadsafe(self._app.state.worker.tick(), self._loop).result():
                return
        raise RehearsalBroken(f"worker: expected an end of its work at {self.now()}, got {TICKS_MAX} ticks")

    # ------------------------------------------------------------------------------------------ people
    def play(self, steps: Steps, after_hours: float = 0.0) -> None:
        """Put a script on the stage; its first act comes that many hours from now."""
        heapq.heappush(self._waiting, (self.now_ms + int(after_hours * HOUR_MS), next(self._number), steps))

    def next_act_ms(self) -> int | None:
        """Return when somebody acts next."""
        return self._waiting[0][0] if self._waiting else None

    def act(self) -> None:
        """Let everybody act whose moment has come; scripts that say so come again later."""
        while self._waiting and self._waiting[0][0] <= self.now_ms:
            _, _, steps = heapq.heappop(self._waiting)
            wait_hours = next(steps, None)
            self.work()
            if wait_hours is not None:
                self.play(steps, wait_hours)

    # ------------------------------------------------------------------------------------------ the organisation
    def open_organisation(self, name: str, owner: str) -> Opened:
        """Make the organisation that plays, as `tallystick init --simulated` does."""
        opening = self._app.state.installation.open_organisation(name, owner, True)
        opened: Opened = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        return opened


@contextmanager
def stage(folder: Path, seed: str, start_ms: int, checkpoint_seconds: int = 10) -> Iterator[Stage]:
    """Serve a data folder on a free loopback port until the play is over. The folder has its schema already.

    `checkpoint_seconds` of the stage's time lie at least between two checkpoints.

    Raises:
        RehearsalBroken: the server did not start.
    """
    settings = Settings(
        data_dir=folder, worker_inside=False, port=0, checkpoint_interval_seconds=checkpoint_seconds
    ).in_one_folder()
    clock = HandClock(start_ms)
    app = create_app(settings, clock=clock, entropy=SeededEntropy(seed))
    with hearing() as ask_told, socket.create_server(("127.0.0.1", 0)) as listening:
        answer_at_once(listening)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on"))
        loops: list[asyncio.AbstractEventLoop] = []

        async def serve() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve(sockets=[listening])

        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="stage", daemon=True)
        thread.start()
        _wait_for(server, thread)
        play = Stage(app, loops[0], clock, f"http://127.0.0.1:{listening.getsockname()[1]}", ask_told)
        try:
            yield play
        finally:
            play.client.close()
            server.should_exit = True
            thread.join(START_SECONDS_MAX)


def _wait_for(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(int(START_SECONDS_MAX / 0.02)):
        if server.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.02)
    raise RehearsalBroken("server: expected it to start, got none")


def ms_of_day(day: str, hour: int = 0) -> int:
    """Return the milliseconds of an hour (UTC) of a calendar day "2015-07-01"."""
    return int(datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC).timestamp() * 1000)
