"""Moving the demo on: its clock file goes from one due moment to the next, and the worker does what is due at each.

    clock -> next due moment (job, timer), at most six hours on -> worker until nothing is due -> again, until the end

Nothing is skipped: what would have happened in those hours by itself happens at its own time. The venue's people and
systems do nothing meanwhile, since nobody has written what they would do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from api.installation import Installation
from api.rooms import Rooms
from api.venue.calendar import HOUR_MS, ZONE, instant_ms
from api.venue.files import CLOCK_FILE, DEMO_FILE
from api.worker import Worker
from ledger.clock import instant_of, unix_ms_of
from ledger.durable import replace_file
from ledger.store.tables import job
from playbooks.tables import timer

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SATURDAY_EVENING = "sat 19:30"
STOPS_MAX = 600
"""Moments at which the worker is asked what is due; a week of the venue has a few hundred timers."""
STOP_HOURS_MAX = 6
TICKS_PER_STOP_MAX = 200
DUE_ROWS_MAX = 2_000
_MOMENT = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]* +([01]\d|2[0-3]):([0-5]\d)")


class NotAhead(Exception):
    """The demo cannot be moved there. Says expected and got; the clock stands where it stood."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What moving on did: from step and time, to step and time."""

    first_step: int
    steps: int
    since: str
    now: str


def is_moment(text: str) -> bool:
    """Return whether a text names a moment of the week, like "sat 19:30"."""
    return _MOMENT.fullmatch(text.strip().lower()) is not None


def next_moment_ms(now: str, text: str) -> int:
    """Return the next time, after `now`, that a moment of the week comes at the venue, unix milliseconds.

    Raises:
        NotAhead: `text` names none.
    """
    found = _MOMENT.fullmatch(text.strip().lower())
    if found is None:
        raise NotAhead(f"expected a moment like sat 19:30, got {text[:40]}")
    today = datetime.fromtimestamp(unix_ms_of(now) / 1000, UTC).astimezone(ZONE).date()
    day = today + timedelta(days=(DAYS.index(found[1]) - today.weekday()) % 7)
    moment = instant_ms(day, f"{found[2]}:{found[3]}")
    return (
        moment if moment > unix_ms_of(now) else instant_ms(day + timedelta(days=7), f"{found[2]}:{found[3]}")
    )


async def move_on(installation: Installation, log: str, folder: Path, until_ms: int) -> Moved:
    """Run the hours until then, at most a week of them, and leave clock and `demo.json` at the new time.

    Raises:
        NotAhead: `until_ms` is not ahead, or more than a week ahead.
    """
    rooms = await installation.rooms(log)
    since = rooms.clock.now()
    ahead_ms = until_ms - unix_ms_of(since)
    if not 0 < ahead_ms <= 7 * 24 * HOUR_MS:
        raise NotAhead(f"expected a moment within a week after {since}, got {instant_of(until_ms)}")
    first_step = (await rooms.reader.head()).size
    worker = Worker(installation)
    for _ in range(STOPS_MAX):
        if rooms.clock.unix_ms() >= until_ms:
            break
        _set_clock(folder, await _next_stop(rooms, until_ms))
        await _do_all(worker)
    else:
        _set_clock(folder, until_ms)
        await _do_all(worker)
    size = (await rooms.reader.head()).size
    _tell(folder, rooms.clock.now(), size)
    return Moved(first_step, size - first_step, since, rooms.clock.now())


async def _next_stop(rooms: Rooms, until_ms: int) -> int:
    now_ms = rooms.clock.unix_ms()
    now, end = instant_of(now_ms), instant_of(min(now_ms + STOP_HOURS_MAX * HOUR_MS, until_ms))
    jobs = await rooms.rows.find(
        job, {"dead": 0}, also=(job.c.due > now, job.c.due < end), limit=DUE_ROWS_MAX
    )
    # a timer runs once its moment has passed, so the clock goes a millisecond beyond it
    timers = await rooms.rows.find(timer, also=(timer.c.wake >= now, timer.c.wake < end), limit=DUE_ROWS_MAX)
    due = [unix_ms_of(row["due"]) for row in jobs] + [unix_ms_of(row["wake"]) + 1 for row in timers]
    return min([*due, unix_ms_of(end)])


async def _do_all(worker: Worker) -> None:
    for _ in range(TICKS_PER_STOP_MAX):
        if not await worker.tick():
            return


def _set_clock(folder: Path, unix_ms: int) -> None:
    replace_file(folder / CLOCK_FILE, (instant_of(unix_ms) + "\n").encode())


def _tell(folder: Path, now: str, steps: int) -> None:
    """Let `demo.json` say the new time. How the exceptions ended was counted at the end of the play, and is left out
    from now on."""
    told = orjson.loads((folder / DEMO_FILE).read_bytes())
    told |= {"now": now, "steps": steps, "moved_on": True}
    replace_file(folder / DEMO_FILE, orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
