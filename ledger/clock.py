"""The one clock: entry times come from here and nowhere else. DESIGN section 3 `at`, SETTLED 8.

A `Clock` is a port; the system's clock reads wall and monotonic time together, so that the writer can tell a step of
the wall clock from time that passed. The file clock moves by hand (demos, `simulate`) and only for origins that end in
`.invalid`: no production door moves the clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from ledger.errors import Stopped

STEP_RECORDED_MIN_SECONDS = 60
STEP_STOPS_MIN_SECONDS = 24 * 3600
SIMULATED_SUFFIX = ".invalid"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clock: milliseconds since 1970 UTC, and milliseconds that no setting moves (None: no such)."""

    unix_ms: int
    steady_ms: int | None


class Clock(Protocol):
    """Where time comes from."""

    simulated: bool

    def read(self) -> Reading:
        """Return the time now. Raises Stopped when it cannot be told."""
        ...


class SystemClock:
    """The machine's clock."""

    simulated = False

    def read(self) -> Reading:
        """Return wall and boot time; the latter runs on while the machine sleeps, so waking up is no step."""
        return Reading(time.time_ns() // 1_000_000, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000)


class FileClock:
    """A clock that stands in a file as one RFC 3339 instant and moves when the file is rewritten.

    Only for logs whose origin ends in `.invalid`: the writer refuses any other log under a simulated clock.
    """

    simulated = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Reading:
        """Return the file's instant. Raises Stopped: there is no such file or it holds something else."""
        try:
            return Reading(unix_ms_of(self._path.read_text(encoding="ascii").strip()), None)
        except (OSError, ValueError) as error:
            raise Stopped(
                "clock_file", f"{self._path}: expected one RFC 3339 UTC instant, got {error}"
            ) from error


class HandClock:
    """A clock in memory that moves by hand: tests, `simulate` and demos inside one process."""

    simulated = True

    def __init__(self, unix_ms: int, steady_ms: int | None = None) -> None:
        self.reading = Reading(unix_ms, steady_ms)

    def read(self) -> Reading:
        """Return the time it was set to."""
        return self.reading

    def advance(self, ms: int) -> None:
        """Let time pass."""
        steady = self.reading.steady_ms
        self.reading = Reading(self.reading.unix_ms + ms, None if steady is None else steady + ms)

    def set(self, unix_ms: int) -> None:
        """Put the clock elsewhere; with a steady time that is a step."""
        self.reading = Reading(unix_ms, self.reading.steady_ms)


@dataclass(frozen=True, slots=True)
class Tick:
    """What the clock says to one batch: the time, by how many seconds it stepped (0: it did not), and the base that
    holds once the batch is committed."""

    now: str
    stepped_seconds: int
    base_ms: int | None

    @property
    def stops(self) -> bool:
        """Whether the step is so large that a person must confirm the time."""
        return abs(self.stepped_seconds) > STEP_STOPS_MIN_SECONDS


class ClockWatch:
    """Tells a step of the wall clock from time that passed, per log, within this process.

    The base is wall minus monotonic. `look` changes nothing, so a batch that fails and runs again sees the step again;
    `accept` is called after the commit.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bases_ms: dict[str, int | None] = {}

    def look(self, log: str, last_at: str) -> Tick:
        """Return the time for a batch. `last_at` is that of the log's last entry, "" for none. Raises Stopped."""
        reading = self._clock.read()
        base_ms = None if reading.steady_ms is None else reading.unix_ms - reading.steady_ms
        stepped_ms = 0
        if log not in self._bases_ms:
            # At start only a clock behind the log is a step: a gap forward is a server that was off.
            if last_at:
                stepped_ms = min(0, reading.unix_ms - unix_ms_of(last_at))
        elif base_ms is not None and (known_ms := self._bases_ms[log]) is not None:
            stepped_ms = base_ms - known_ms
        whole_seconds = int(stepped_ms / 1000)
        if abs(stepped_ms) <= STEP_RECORDED_MIN_SECONDS * 1000:
            # Slewing by a time daemon: below the limit it is followed without a word, and never adds up to a step.
            whole_seconds = 0
        return Tick(instant_of(reading.unix_ms), whole_seconds, base_ms)

    def accept(self, log: str, tick: Tick) -> None:
        """Take the tick's base as the one to compare with from now on: its batch is committed."""
        self._bases_ms[log] = tick.base_ms

    def now(self) -> str:
        """Return the time as text. Raises Stopped."""
        return instant_of(self._clock.read().unix_ms)


def instant_of(unix_ms: int) -> str:
    """Return RFC 3339 UTC with milliseconds, e.g. `2026-11-23T16:10:00.000Z`."""
    seconds, ms = divmod(unix_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"


def unix_ms_of(instant: str) -> int:
    """Return milliseconds since 1970 of an RFC 3339 UTC instant with milliseconds. Raises ValueError."""
    moment = datetime.strptime(instant, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
