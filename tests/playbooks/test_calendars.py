"""Three clocks: elapsed, calendar days, business time with the intervals it counted; DST in all of them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbooks.calendars import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Calendar,
    before,
    day_start_ms,
    due_after,
    instant_ms,
    instant_text,
    parse_hours,
    parse_span,
    public_holidays,
    resolve_local,
    zone_named,
)
from playbooks.errors import CalendarUnknown
from tests.playbooks.venue import kinds

LISBON, NEW_YORK, SAO_PAULO = (
    ZoneInfo("Europe/Lisbon"),
    ZoneInfo("America/New_York"),
    ZoneInfo("America/Sao_Paulo"),
)


@pytest.mark.parametrize(
    ("start", "span", "due"),
    [
        # Clocks go forward on 2026-03-29 at 01:00 UTC in Lisbon: 48 hours are not two days there.
        ("2026-03-28T12:00:00.000Z", "48h", "2026-03-30T12:00:00.000Z"),
        ("2026-03-28T12:00:00.000Z", "2d", "2026-03-30T11:00:00.000Z"),
        ("2026-10-24T11:00:00.000Z", "48h", "2026-10-26T11:00:00.000Z"),
        ("2026-10-24T11:00:00.000Z", "2d", "2026-10-26T12:00:00.000Z"),
        # 01:30 does not exist on the 29th: an hour later.
        ("2026-03-28T01:30:00.000Z", "1d", "2026-03-29T01:30:00.000Z"),
        ("2026-03-02T09:00:00.000Z", "30m", "2026-03-02T09:30:00.000Z"),
        ("2026-03-02T09:00:00.000Z", "1w", "2026-03-09T09:00:00.000Z"),
    ],
)
def test_hours_are_elapsed_and_days_are_calendar_days(start: str, span: str, due: str) -> None:
    assert instant_text(due_after(instant_ms(start), parse_span(span), LISBON).at_ms) == due


@pytest.mark.parametrize("text", ["", "48", "h", "0h", "-1h", "1.5h", "48H", "48 h", "9999999h", "99999d"])
def test_spans_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a span"):
        parse_span(text)


@pytest.mark.parametrize(
    ("start", "span", "due", "counted"),
    [
        # Monday 2026-03-02, 09-12 and 13-17.
        ("2026-03-02T10:00:00.000Z", "1h", "2026-03-02T11:00:00.000Z", ["10:00-11:00"]),
        ("2026-03-02T11:00:00.000Z", "2h", "2026-03-02T14:00:00.000Z", ["11:00-12:00", "13:00-14:00"]),
        ("2026-03-02T12:30:00.000Z", "1h", "2026-03-02T14:00:00.000Z", ["13:00-14:00"]),
        ("2026-03-02T16:30:00.000Z", "30m", "2026-03-02T17:00:00.000Z", ["16:30-17:00"]),
        # Friday night into Saturday, then Monday.
        ("2026-03-06T23:00:00.000Z", "2h", "2026-03-07T01:00:00.000Z", ["23:00-01:00"]),
        ("2026-03-07T00:30:00.000Z", "3h", "2026-03-09T10:30:00.000Z", ["00:30-02:00", "09:00-10:30"]),
    ],
)
def test_business_time_counts_open_hours_and_lists_them(
    start: str, span: str, due: str, counted: list[str]
) -> None:
    found = due_after(instant_ms(start), parse_span(span), LISBON, kinds().calendars["office"])
    assert instant_text(found.at_ms) == due
    shown = [
        f"{instant_text(one.start_ms)[11:16]}-{instant_text(one.end_ms)[11:16]}" for one in found.counted
    ]
    assert shown == counted
    assert sum(one.end_ms - one.start_ms for one in found.counted) == parse_span(span).ms


@given(st.integers(0, 400 * DAY_MS), st.integers(1, 2000))
def test_counted_intervals_add_up_and_end_at_the_due_time(offset: int, minutes: int) -> None:
    calendar = kinds().calendars["office"]
    start = instant_ms("2026-01-01T00:00:00.000Z") + offset
    due = calendar.count(start, minutes * MINUTE_MS)
    assert sum(one.end_ms - one.start_ms for one in due.counted) == minutes * MINUTE_MS
    assert due.counted[-1].end_ms == due.at_ms
    assert all(one.start_ms < one.end_ms for one in due.counted)
    assert all(a.end_ms <= b.start_ms for a, b in zip(due.counted, due.counted[1:], strict=False))


def test_a_calendar_that_never_opens_long_enough_says_so() -> None:
    calendar = Calendar("rare", LISBON, {0: (parse_hours("09:00-09:01"),)})
    with pytest.raises(CalendarUnknown, match="expected 60000 open minutes"):
        calendar.count(0, 1000 * HOUR_MS)


def test_public_holidays_are_closed() -> None:
    calendar = Calendar(
        "office", LISBON, {day: (parse_hours("09:00-17:00"),) for day in range(5)}, country="PT"
    )
    # 2026-12-25 is a Friday.
    assert (
        instant_text(calendar.count(instant_ms("2026-12-24T16:00:00.000Z"), 2 * HOUR_MS).at_ms)
        == "2026-12-28T10:00:00.000Z"
    )
    with pytest.raises(ValueError, match="expected a country"):
        public_holidays("XX", 2026)


def test_local_times_that_exist_twice_or_never() -> None:
    assert resolve_local(datetime.fromisoformat("2026-10-25T01:30"), LISBON).ambiguous
    shown = resolve_local(datetime.fromisoformat("2026-10-25T01:30"), LISBON)
    assert instant_text(shown.ms) == "2026-10-25T00:30:00.000Z"
    assert not resolve_local(datetime.fromisoformat("2026-10-25T02:30"), LISBON).ambiguous
    with pytest.raises(ValueError, match="does not exist in Europe/Lisbon"):
        resolve_local(datetime.fromisoformat("2026-03-29T01:30"), LISBON)


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        ("2026-07-01", LISBON, "2026-06-30T23:00:00.000Z"),
        ("2026-01-01", NEW_YORK, "2026-01-01T05:00:00.000Z"),
        ("2018-11-04", SAO_PAULO, "2018-11-04T03:00:00.000Z"),  # midnight was skipped that day
        ("9999-12-31", NEW_YORK, "9999-12-31T05:00:00.000Z"),
    ],
)
def test_the_start_of_a_day(day: str, zone: ZoneInfo, start: str) -> None:
    assert instant_text(day_start_ms(day, zone)) == start


def test_a_lead_is_taken_off_in_its_own_clock() -> None:
    date = instant_ms("2026-03-30T11:00:00.000Z")
    assert instant_text(before(date, parse_span("2d"), LISBON)) == "2026-03-28T12:00:00.000Z"
    assert instant_text(before(date, parse_span("48h"), LISBON)) == "2026-03-28T11:00:00.000Z"


@given(st.integers(-2_000_000_000_000, 6_000_000_000_000))
def test_instants_survive_the_border(ms: int) -> None:
    assert instant_ms(instant_text(ms)) == ms
    assert len(instant_text(ms)) == 24


@pytest.mark.parametrize(
    "name", ["Mars/Base", "", "localtime", "posixrules", "Factory", "right/UTC", "posix/Europe/Lisbon"]
)
def test_a_zone_that_means_something_else_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected an IANA time zone like Europe/Lisbon"):
        zone_named(name)
    assert zone_named("UTC").key == "UTC"
