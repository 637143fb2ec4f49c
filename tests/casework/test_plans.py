# ruff: noqa: E501  (a table reads by its lines: one case, one line)
"""Plans as pure data: what a file may say, when it is due, and what its cases are opened for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.plans import read_plan, slots
from ledger.clock import instant_of, unix_ms_of
from ledger.errors import Refused
from tests.casework.routine import fridge

DAY_MS = 86_400_000


def handover(**changed: Any) -> dict[str, Any]:
    work = {
        "kind": "handover", "site": "house", "shift": "{date}-early", "next_shift": "{date}-late",
        "next_after_minutes": 0,
    }  # fmt: skip
    content = fridge(
        plan="handover", policy="handover/v1", times=["15:00"], early_minutes=60, work=work | changed
    )
    return content


def due(content: dict[str, Any], start: str, until: str) -> list[str]:
    return [slot.due_at for slot in slots(read_plan(content), unix_ms_of(start), unix_ms_of(until))]


def test_a_check_says_what_it_expects() -> None:
    (slot, *_) = slots(
        read_plan(fridge()), unix_ms_of("2026-11-20T10:00:00.000Z"), unix_ms_of("2026-11-20T11:00:00.000Z")
    )
    assert slot.subject() == {"kind": "check", "id": "fridge@cold-room", "customer": None}
    assert slot.expected() == {
        "plan": "fridge", "work": "check", "due_at": "2026-11-20T11:10:00.000Z", "early_seconds": 1800,
        "late_seconds": 1800, "task": "fridge", "place": "cold-room", "unit": "C", "scale": 1, "low": 0, "high": 50,
    }  # fmt: skip
    assert (instant_of(slot.opens_ms), instant_of(slot.closes_ms)) == (
        "2026-11-20T10:40:00.000Z",
        "2026-11-20T11:40:00.000Z",
    )


def test_a_hand_over_names_both_shifts_by_the_local_day() -> None:
    content = handover() | {"zone": "Pacific/Auckland", "times": ["01:00"]}
    (slot,) = slots(
        read_plan(content), unix_ms_of("2026-11-20T10:00:00.000Z"), unix_ms_of("2026-11-20T12:00:00.000Z")
    )
    expected = slot.expected()
    assert (slot.due_at, expected["shift"], expected["next_shift"]) == (
        "2026-11-20T12:00:00.000Z",
        "2026-11-21-early",
        "2026-11-21-late",
    )


@pytest.mark.parametrize(
    ("times", "zone", "start", "until", "expected"),
    [
        # the clocks skip 01:30 on 28 March 2027, and show 01:30 twice on 31 October
        (["01:30"], "Europe/London", "2027-03-28T00:00:00.000Z", "2027-03-28T03:00:00.000Z", ["2027-03-28T01:30:00.000Z"]),
        (["01:30"], "Europe/London", "2027-10-30T23:00:00.000Z", "2027-10-31T03:00:00.000Z", ["2027-10-31T00:30:00.000Z"]),
        (["00:00", "23:59"], "UTC", "2027-01-01T12:00:00.000Z", "2027-01-02T12:00:00.000Z",
         ["2027-01-01T23:59:00.000Z", "2027-01-02T00:00:00.000Z"]),
    ],
)  # fmt: skip
def test_due_by_the_local_clock(
    times: list[str], zone: str, start: str, until: str, expected: list[str]
) -> None:
    content = fridge(times=times, zone=zone, early_minutes=0)
    assert sorted(due(content, start, until)) == expected


def test_only_on_its_days() -> None:
    content = fridge(days=["mon", "fri"], times=["10:00"])
    found = due(content, "2026-11-16T00:00:00.000Z", "2026-11-30T00:00:00.000Z")
    assert [datetime.fromisoformat(one).strftime("%a") for one in found] == ["Mon", "Fri", "Mon", "Fri"]


@given(st.integers(0, 4_000), st.integers(1, 30 * 24), st.integers(0, 720))
def test_two_looks_one_after_the_other_see_each_time_once(start_h: int, hours: int, early: int) -> None:
    """However often somebody looks, each time is seen once: the windows that open in (a, b] and in (b, c]."""
    content = fridge(early_minutes=early, times=["00:00", "06:30", "23:59"], zone="Europe/London")
    begin = datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000 + start_h * 3_600_000
    a, b, c = (int(begin) + step * 3_600_000 for step in (0, hours // 2, hours))
    plan = read_plan(content)
    once = [slot.due_ms for slot in slots(plan, a, c)]
    twice = [slot.due_ms for slot in (*slots(plan, a, b), *slots(plan, b, c))]
    assert sorted(once) == sorted(twice) and len(set(once)) == len(once)


REFUSED = [
    ("another version", {"v": 2}, "plan.v: expected an integer from 1 to 1, got 2"),
    ("a zone that is none", {"zone": "Middle/Earth"}, "expected a time zone such as Europe/London"),
    ("a zone that is a path", {"zone": "../etc/passwd"}, "expected a time zone"),
    ("no day", {"days": []}, "expected a list of 1 to 7 items"),
    ("a day of another calendar", {"days": ["sol"]}, "expected one of"),
    ("half past ten", {"times": ["10.30"]}, "expected a time such as 10:30"),
    ("a time of no day", {"times": ["24:00"]}, "expected a time from 00:00 to 23:59"),
    ("a longer window than half a day", {"late_minutes": 721}, "expected an integer from 0 to 720"),
    ("a word too many", {"colour": "red"}, "got unknown ['colour']"),
    ("work of no kind", {"work": {"kind": "dance"}}, "expected work of kind check or handover"),
    ("work that is a list", {"work": []}, "expected work of kind check or handover"),
    ("a range upside down", {"work": fridge()["work"] | {"low": 51}}, "expected low at most high"),
    ("a reading with a point", {"work": fridge()["work"] | {"low": 0.5}}, "expected an integer"),
    ("a shift that is the same each day", handover(shift="early"), "expected a name with {date} in it"),
]


@pytest.mark.parametrize(("name", "changed", "said"), REFUSED, ids=[name for name, _, _ in REFUSED])
def test_a_plan_is_refused(name: str, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match="value_invalid") as refused:
        read_plan(fridge(**changed))
    assert said in str(refused.value)
