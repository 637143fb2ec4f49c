"""The venue's days: eight weeks that end on a Friday at 16:10, and local times of The Harbour House as instants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Dublin")
FRIDAY = 4
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
MORNING_HOUR, NIGHT_HOUR = 8, 23


@dataclass(frozen=True, slots=True)
class Size:
    """How large a venue to play. The demo is `WHOLE`; tests play `SMALL`, which has the same parts."""

    days: int
    quiet_days: int
    """So many first days have records only: the baseline, before anything is watched."""
    bookings_a_day: int
    whole: bool
    """Whether all planned exceptions happen, or a few."""


WHOLE = Size(days=56, quiet_days=21, bookings_a_day=24, whole=True)
SMALL = Size(days=21, quiet_days=1, bookings_a_day=3, whole=False)


@dataclass(frozen=True, slots=True)
class Span:
    """The days that are played: day 0 is the first, the last is a Friday."""

    last: date
    size: Size

    def day(self, number: int) -> date:
        """Return a day by its number; beyond the last it is in the future."""
        return self.last - timedelta(days=self.size.days - 1 - number)

    def at(self, number: int, hhmm: str) -> int:
        """Return a local time of a day as unix milliseconds."""
        return instant_ms(self.day(number), hhmm)

    @property
    def start_ms(self) -> int:
        """Return when the organisation is opened: the first day, early."""
        return self.at(0, "06:00")

    @property
    def watch_ms(self) -> int:
        """Return when the watches are switched on."""
        return self.at(self.size.quiet_days, "09:00")

    @property
    def end_ms(self) -> int:
        """Return the venue's now: Friday 16:10."""
        return self.at(self.size.days - 1, "16:10")


def instant_ms(day: date, hhmm: str) -> int:
    """Return a local time as unix milliseconds; "24:30" and later is the next day."""
    hour, minute = (int(part) for part in hhmm.split(":"))
    local = datetime.combine(day + timedelta(days=hour // 24), time(hour % 24, minute), ZONE)
    return int(local.astimezone(UTC).timestamp() * 1000)


def last_friday(day: date) -> date:
    """Return the last Friday that is not after a day."""
    return day - timedelta(days=(day.weekday() - FRIDAY) % 7)


def awake_ms(moment_ms: int) -> int:
    """Return the moment itself, or the next morning when it falls into the night: people sleep."""
    local = datetime.fromtimestamp(moment_ms / 1000, ZONE)
    if MORNING_HOUR <= local.hour < NIGHT_HOUR:
        return moment_ms
    day = local.date() if local.hour < MORNING_HOUR else local.date() + timedelta(days=1)
    return instant_ms(day, f"{MORNING_HOUR:02d}:{10 + local.minute // 2:02d}")
