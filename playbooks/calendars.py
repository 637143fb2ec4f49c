"""Time as playbooks mean it: instants, local times with their zone, and three clocks that count towards a due time.

- elapsed: `48h`, `30m` count every minute;
- calendar days: `2d`, `1w` are the same wall-clock time so many days later, in the kinds' zone;
- business time: hours and minutes in a named calendar count only while it is open, and the counted intervals are
  listed, so that a person can see why something was due when it was.

Inside the engine an instant is an int, milliseconds since 1970-01-01T00:00Z; on every border it is RFC 3339 UTC text.
Pure: standard library only (`holidays` is imported when a calendar names a country).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from playbooks.errors import CalendarUnknown

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
CALENDAR_DAYS_MAX = 800
"""A due time that lies further ahead in business days is a mistake in the calendar."""
SPAN_DAYS_MAX = 3_660
YEARS = (1900, 2200)
"""Instants outside are refused: they are typing errors, and CEL's own range ends at 9999."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_SPAN = re.compile(r"([1-9][0-9]{0,5})(m|h|d|w)")
_HOURS = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")


# ---------------------------------------------------------------------------------------------- instants
def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970 of an aware datetime (microseconds are cut off)."""
    return (moment - _EPOCH) // _MS


@lru_cache(maxsize=65_536)
def instant_text(ms: int) -> str:
    """Return RFC 3339 UTC with milliseconds, 24 characters."""
    moment = _EPOCH + timedelta(milliseconds=ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


@lru_cache(maxsize=65_536)
def instant_ms(text: str) -> int:
    """Read RFC 3339 text with an offset or Z. Raises ValueError: another form, or no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected an instant with Z or an offset, got {text!r}")
    return to_ms(moment)


_MACHINES_OWN = ("localtime", "posixrules", "Factory", "posix/", "right/")
"""Files beside the zones: what this machine happens to be set to, and copies that count otherwise (leap seconds)."""


def zone_named(name: str) -> ZoneInfo:
    """Return the IANA zone. Raises ValueError: no such zone, or one that means something else on another machine."""
    try:
        if name.startswith(_MACHINES_OWN):
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"expected an IANA time zone like Europe/Lisbon, got {name!r}") from error


@dataclass(frozen=True, slots=True)
class LocalInstant:
    """What a local time is in UTC, and whether the clock showed it twice (then the earlier one is taken)."""

    ms: int
    ambiguous: bool


def resolve_local(local: datetime, zone: ZoneInfo) -> LocalInstant:
    """Place a naive local time in its zone.

    Raises:
        ValueError: the time was skipped when the clocks went forward, so it never was.
    """
    first = local.replace(tzinfo=zone, fold=0)
    second = local.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    if before == after:
        return LocalInstant(to_ms(first), False)
    if before is not None and after is not None and before < after:
        raise ValueError(
            f"the local time {local.isoformat()} does not exist in {zone.key}: the clocks skipped it"
        )
    return LocalInstant(to_ms(first), True)


@lru_cache(maxsize=65_536)
def day_start_ms(day: str, zone: ZoneInfo) -> int:
    """Return when the day `YYYY-MM-DD` starts in the zone; where midnight is skipped, the first moment that exists."""
    local = datetime.combine(date.fromisoformat(day), time())
    return to_ms(local.replace(tzinfo=zone).astimezone(UTC))


# ---------------------------------------------------------------------------------------------- spans
@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as it was written: `count` minutes, hours, days or weeks."""

    count: int
    unit: str

    @property
    def in_days(self) -> bool:
        """Whether it counts calendar days instead of elapsed time."""
        return self.unit in ("d", "w")

    @property
    def days(self) -> int:
        """Calendar days (spans of days and weeks only)."""
        return self.count * (7 if self.unit == "w" else 1)

    @property
    def ms(self) -> int:
        """Milliseconds (spans of minutes and hours only)."""
        return self.count * (HOUR_MS if self.unit == "h" else MINUTE_MS)

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


def parse_span(text: str) -> Span:
    """Read `30m`, `48h`, `2d`, `1w`. Raises ValueError."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a span like 30m, 48h, 2d or 1w, got {text!r}")
    span = Span(int(found[1]), found[2])
    days = span.days if span.in_days else span.ms // DAY_MS
    if days > SPAN_DAYS_MAX:
        raise ValueError(f"expected a span of at most {SPAN_DAYS_MAX} days, got {text!r}")
    return span


@dataclass(frozen=True, slots=True)
class Interval:
    """Time that counted towards a due time, from start (inclusive) to end (exclusive), in ms."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Due:
    """A due time and, for business time, the intervals whose lengths add up to the span (every minute else)."""

    at_ms: int
    counted: tuple[Interval, ...] = ()


def due_after(start_ms: int, span: Span, zone: ZoneInfo, calendar: Calendar | None = None) -> Due:
    """Return when `span` after `start_ms` is over.

    Raises:
        CalendarUnknown: the calendar is not open long enough in CALENDAR_DAYS_MAX days.
    """
    if span.in_days:
        return Due(shift_days(start_ms, span.days, zone))
    if calendar is None:
        return Due(start_ms + span.ms)
    return calendar.count(start_ms, span.ms)


def before(moment_ms: int, lead: Span, zone: ZoneInfo) -> int:
    """Return the instant that lies `lead` before: elapsed for hours and minutes, calendar days for days and weeks."""
    return shift_days(moment_ms, -lead.days, zone) if lead.in_days else moment_ms - lead.ms


def shift_days(moment_ms: int, days: int, zone: ZoneInfo) -> int:
    """Return the same wall-clock time `days` later (or earlier); a skipped time becomes the one an hour later."""
    local = (_EPOCH + timedelta(milliseconds=moment_ms)).astimezone(zone)
    wall = local.replace(tzinfo=None, fold=0) + timedelta(days=days)
    return to_ms(wall.replace(tzinfo=zone).astimezone(UTC))


# ---------------------------------------------------------------------------------------------- business time
@dataclass(frozen=True, slots=True)
class Calendar:
    """Opening hours. `hours` maps a weekday 0..6 to (from, to) in minutes after midnight; `to` may lie after 24:00,
    for a shift that ends on the next day. `closed` days have no opening that begins on them."""

    name: str
    zone: ZoneInfo
    hours: Mapping[int, tuple[tuple[int, int], ...]]
    closed: frozenset[date] = frozenset()
    country: str | None = None

    def count(self, start_ms: int, wanted_ms: int) -> Due:
        """Return when the calendar has been open for `wanted_ms` since `start_ms`. Raises CalendarUnknown."""
        left = wanted_ms
        counted: list[Interval] = []
        for opening in self._openings(start_ms):
            begin = max(opening.start_ms, start_ms)
            if begin >= opening.end_ms:
                continue
            end = min(opening.end_ms, begin + left)
            counted.append(Interval(begin, end))
            left -= end - begin
            if left == 0:
                return Due(end, tuple(counted))
        raise CalendarUnknown(
            f"calendar {self.name}: expected {wanted_ms // MINUTE_MS} open minutes within {CALENDAR_DAYS_MAX} days "
            f"after {instant_text(start_ms)}, got {(wanted_ms - left) // MINUTE_MS}"
        )

    def _openings(self, start_ms: int) -> Iterator[Interval]:
        """Yield openings in order, beginning the day before, whose night shift may still be running."""
        day = (_EPOCH + timedelta(milliseconds=start_ms)).astimezone(self.zone).date() - timedelta(days=1)
        for _ in range(CALENDAR_DAYS_MAX):
            if day not in self.closed and not self._is_holiday(day):
                for opens, closes in self.hours.get(day.weekday(), ()):
                    start, end = self._at(day, opens), self._at(day, closes)
                    if start < end:  # an opening that lies in a skipped hour is none
                        yield Interval(start, end)
            day += timedelta(days=1)

    def _at(self, day: date, minutes: int) -> int:
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        return to_ms(wall.replace(tzinfo=self.zone).astimezone(UTC))

    def _is_holiday(self, day: date) -> bool:
        return self.country is not None and day in public_holidays(self.country, day.year)


@lru_cache(maxsize=256)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """Return the public holidays of `GB`, `GB-ENG`, `PT` ... in a year. Raises ValueError: unknown country."""
    import holidays  # 0.2 s to import, and most installations name no country

    name, _, part = country.partition("-")
    try:
        return frozenset(holidays.country_holidays(name, subdiv=part or None, years=year))
    except (NotImplementedError, KeyError) as error:
        raise ValueError(f"expected a country like PT or GB-ENG, got {country!r}") from error


def parse_hours(text: str) -> tuple[int, int]:
    """Read `09:00-17:30`, or `22:00-02:00` for a night shift, as minutes after midnight. Raises ValueError."""
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ValueError(f"expected opening hours like 09:00-17:30, got {text!r}")
    opens, closes = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if opens >= 24 * 60 or closes > 24 * 60 or opens == closes:
        raise ValueError(f"expected opening hours within a day, got {text!r}")
    return opens, closes if closes > opens else closes + 24 * 60
