"""What open pages are told while they are open: that something which waits for a decision has moved.

One look per second and log serves all who listen to that log, and only the newest state is kept for a slow reader: a
stream costs the database nothing and memory next to nothing. It carries numbers alone, which say "look again";
what is there to see is asked by the door that checks who may see it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from ledger.errors import StoreError

LISTENERS_MAX = 500
"""Of one process. Streams are not counted among the requests in flight (api/doorway.py), so this bounds them."""
LISTENERS_OF_ONE_MAX = 12
"""Of one member: their tabs on all their devices, and none left for everybody else to be shut out by."""
CLOSE_SECONDS_MAX = 5
LOOK_SECONDS = 1.0
BEAT_SECONDS = 15.0
"""At least so often something is sent, and whoever listens is looked up again: one who may no longer hears no more."""
STREAM_SECONDS_MAX = 3_600.0
"""Then it ends, and the browser comes again by itself."""

log = structlog.get_logger("api.streams")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Cases about one kind of subject in which a yes or a no may be wanted: how many, their latest `changed_seq`, and
    the sum of those, which tells two cases that changed places."""

    count: int
    changed_seq: int
    sum_of_seqs: int


State = Mapping[str | None, Waiting]
"""Kind of subject (None: about nothing named) -> what waits."""


class Rows(Protocol):
    """The rows of one log (api.scope.Scoped)."""

    log: str

    async def head(self) -> tuple[int, str]:
        """Return size and root of the log. Raises StoreError."""
        ...

    async def waiting(self) -> State:
        """Return what waits for a decision. Raises StoreError."""
        ...


class StreamsFull(Exception):
    """No more streams: of this member (`of_one`) or of this process. The caller comes again later."""

    def __init__(self, of_one: bool) -> None:
        super().__init__("too many streams")
        self.of_one = of_one


@dataclass(slots=True, eq=False)
class Channel:
    """One log, looked at for all who listen to it."""

    state: State | None = None
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    listeners: int = 0
    looking: asyncio.Task[None] | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        """Wake everybody who waits; whoever waits from now on waits for the next time."""
        turn, self.turn = self.turn, asyncio.Event()
        turn.set()

    async def look(self, rows: Rows, pause_seconds: float) -> None:
        """Look until `over`, and ring when what waits has moved. A database that is away is asked again.

        It is never cancelled while it reads: a driver that is cut off half way may not come back from closing.
        """
        size = -1
        while not self.over.is_set():
            try:
                now, _ = await rows.head()
                if now != size:
                    state = await rows.waiting()
                    size = now
                    if state != self.state:
                        self.state = state
                        self.ring()
            except StoreError as error:
                log.warning("looking failed", reason=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), pause_seconds)


class Streams:
    """All open streams of a process."""

    def __init__(
        self,
        *,
        look_seconds: float = LOOK_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        listeners_max: int = LISTENERS_MAX,
    ) -> None:
        self.beat_seconds = beat_seconds
        self.ended = False
        self._look_seconds = look_seconds
        self._listeners_max = listeners_max
        self._channels: dict[str, Channel] = {}
        self._open: dict[tuple[str, str], int] = {}
        self._ending: set[asyncio.Task[None] | asyncio.Task[bool]] = set()

    @property
    def count(self) -> int:
        """Return how many streams are open."""
        return sum(self._open.values())

    @contextmanager
    def listening(self, rows: Rows, member: str) -> Iterator[Channel]:
        """Give the channel of a log to one more listener.

        Raises:
            StreamsFull: there are as many as there may be.
        """
        one = (rows.log, member)
        if self._open.get(one, 0) >= LISTENERS_OF_ONE_MAX:
            raise StreamsFull(of_one=True)
        if self.count >= self._listeners_max:
            raise StreamsFull(of_one=False)
        self._open[one] = self._open.get(one, 0) + 1
        channel = self._channels.setdefault(rows.log, Channel())
        channel.listeners += 1
        if channel.looking is None:
            channel.looking = asyncio.create_task(channel.look(rows, self._look_seconds))
        try:
            yield channel
        finally:
            self._leave(rows.log, one, channel)

    def _leave(self, name: str, one: tuple[str, str], channel: Channel) -> None:
        self._open[one] -= 1
        if self._open[one] == 0:
            del self._open[one]
        channel.listeners -= 1
        if channel.listeners == 0 and channel.looking is not None:
            channel.over.set()
            self._ending.add(channel.looking)
            channel.looking.add_done_callback(self._ending.discard)
            if self._channels.get(name) is channel:
                del self._channels[name]

    async def whole(self, asked: Awaitable[bool]) -> bool:
        """Return what was asked. Whoever leaves meanwhile leaves the asking to end by itself: a driver that is cut off
        while it reads may not come back from closing, and then neither does the server."""
        asking = asyncio.ensure_future(_answer(asked))
        self._ending.add(asking)
        asking.add_done_callback(self._ending.discard)
        return await asyncio.shield(asking)

    def end(self) -> None:
        """Let every stream end by itself, at once: the server stops."""
        self.ended = True
        for channel in list(self._channels.values()):
            channel.ring()

    async def close(self) -> None:
        """Look no more."""
        self.end()
        for channel in self._channels.values():
            channel.over.set()
        looking = {one.looking for one in self._channels.values() if one.looking is not None}
        if looking | self._ending:
            await asyncio.wait(looking | self._ending, timeout=CLOSE_SECONDS_MAX)


async def _answer(asked: Awaitable[bool]) -> bool:
    return await asked


async def follow(
    streams: Streams, channel: Channel, may_listen: Callable[[], Awaitable[bool]]
) -> AsyncGenerator[State | None]:
    """Yield the state now, then each time it has moved; None: nothing moved for BEAT_SECONDS.

    Ends with the server, after STREAM_SECONDS_MAX, and as soon as `may_listen` says no.
    """
    until = time.monotonic() + STREAM_SECONDS_MAX
    known: State | None = None
    while not streams.ended and time.monotonic() < until:
        turn, state = channel.turn, channel.state
        if state == known:
            with suppress(TimeoutError):
                await asyncio.wait_for(turn.wait(), streams.beat_seconds)
        if not await streams.whole(may_listen()):
            return
        state = channel.state  # the newest: what was skipped meanwhile is told with it
        moved = state != known
        known = state
        if not streams.ended:
            yield state if moved else None
