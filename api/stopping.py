"""How `run` and `worker` end: SIGTERM or Ctrl-C asks them to finish what they hold, a second one to let go of it.

uvicorn's own handlers are not used: they raise the signal again once the server is done, and a raised SIGTERM ends the
process before the database is closed and `server.json` is gone.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress

import uvicorn

SIGNALS = (signal.SIGTERM, signal.SIGINT)
REQUESTS_SECONDS_MAX = 20
"""How long requests in hand may still take."""
WORK_SECONDS_MAX = 8
"""How long the worker's jobs in hand may still take; both together stay below the 30 s of docker-compose.yml."""


@contextmanager
def stopping(ask: Callable[[], object], insist: Callable[[], object]) -> Iterator[None]:
    """Call `ask` at the first signal and `insist` at every later one, in the running loop."""
    loop = asyncio.get_running_loop()
    asked = False

    def told() -> None:
        nonlocal asked
        (insist if asked else ask)()
        asked = True

    for number in SIGNALS:
        loop.add_signal_handler(number, told)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextmanager
def hearing() -> Iterator[Callable[[], None]]:
    """Let a signal interrupt what runs in this block, and yield what asks whether one came.

    Python drops an exception that a handler raises inside a destructor or a callback of C code. So whoever works long
    asks again at each step; else one Ctrl-C out of some fifty went unheard. Elsewhere than in the main thread signals
    are not ours, and nothing changes.

    Raises (the yielded function too):
        KeyboardInterrupt: a signal came.
    """
    told = threading.Event()

    def hear(*_: object) -> None:
        told.set()
        raise KeyboardInterrupt

    def ask() -> None:
        if told.is_set():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield ask
        return
    say = sys.unraisablehook

    def hush(dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is not KeyboardInterrupt:  # that one is heard at the next step
            say(dropped)

    before = {number: signal.signal(number, hear) for number in SIGNALS}
    sys.unraisablehook = hush
    try:
        yield ask
    finally:
        sys.unraisablehook = say
        for number, handler in before.items():
            signal.signal(number, handler)


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own; `stopping` sets `should_exit`.

    `let_go` is called when it begins to stop: it ends requests that would stay open for hours (api/streams.py).
    """

    def __init__(self, config: uvicorn.Config, let_go: Callable[[], object]) -> None:
        super().__init__(config)
        self._let_go = let_go

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let go of what would not end, wait for the rest."""
        self._let_go()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs the server."""
        yield


async def finish(working: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Let a worker that watches `stop` end; after WORK_SECONDS_MAX its jobs in hand are given back."""
    stop.set()
    try:
        await asyncio.wait({working}, timeout=WORK_SECONDS_MAX)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


async def work_until_told(work: Callable[[asyncio.Event], Coroutine[object, object, None]]) -> None:
    """Run `work(stop)` until a signal; raises CancelledError at the second one."""
    whole = asyncio.current_task()
    assert whole is not None
    stop = asyncio.Event()
    with stopping(stop.set, whole.cancel):
        working = asyncio.create_task(work(stop))
        told = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            await finish(working, stop)
