"""The judgement as a table: timer row and reading in, next row and effects out. Due is 100, a window ends at 200."""

# ruff: noqa: E501 - tables, one line per case

from __future__ import annotations

import pytest

from playbooks.shapes import ACTIVE, ANSWERED, ARMED, Clear, Effect, Raise, Reading, TimerRow, judge

KEY = ("p", "s")


def _row(state: str, wake: int | None = None, due: int | None = 100, onset: int | None = None) -> TimerRow:
    return TimerRow(*KEY, state, wake, due, onset)


def _asked(due: int = 100, answered: int | None = None) -> Reading:
    return Reading(True, due, None, answered, is_response=True)


NOT_ASKED = Reading(False, is_response=True)
ARM, MISS, DONE = _row(ARMED, 100), _row(ACTIVE, None, 100, 100), _row(ANSWERED)

RESPONSE: list[tuple[str, TimerRow | None, Reading, int, TimerRow | None, tuple[Effect, ...]]] = [
    ("asked", None, _asked(), 50, ARM, ()),
    ("still waiting at exactly due", ARM, _asked(), 100, ARM, ()),
    ("one tick after due", ARM, _asked(), 101, MISS, (Raise(100),)),
    ("known too late to wait", None, _asked(), 500, MISS, (Raise(100),)),
    ("answered", ARM, _asked(answered=60), 60, DONE, ()),
    ("answered at exactly due", ARM, _asked(answered=100), 100, DONE, ()),
    ("answered in time, known late", None, _asked(answered=100), 300, DONE, ()),
    ("answered late, never waited for", None, _asked(answered=101), 101, _row(ANSWERED, None, 100, 100), (Raise(100), Clear("answered_late"))),
    ("missed, then answered", MISS, _asked(answered=150), 150, _row(ANSWERED, None, 100, 100), (Clear("answered_late"),)),
    ("missed and still missed", MISS, _asked(), 150, MISS, ()),
    ("answer taken back", DONE, _asked(), 150, DONE, ()),
    ("asked again", DONE, _asked(due=400), 150, _row(ARMED, 400, 400), ()),
    ("missed, asked again", MISS, _asked(due=400), 150, _row(ARMED, 400, 400), (Clear("moved"),)),
    ("missed, moved back further", MISS, _asked(due=90), 150, _row(ACTIVE, None, 90, 90), (Clear("moved"), Raise(90))),
    ("no longer asked", ARM, NOT_ASKED, 50, None, ()),
    ("missed, no longer asked", MISS, NOT_ASKED, 150, None, (Clear("no_longer_so"),)),
    ("answered, no longer asked", DONE, NOT_ASKED, 150, DONE, ()),
    ("never asked", None, NOT_ASKED, 150, None, ()),
]  # fmt: skip

SO, WINDOW = Reading(True), Reading(True, 100, 200)
NOT_SO = Reading(False)
STANDS = _row(ACTIVE, 200, 100, 100)

STANDING: list[tuple[str, TimerRow | None, Reading, int, TimerRow | None, tuple[Effect, ...]]] = [
    ("at once, since the change", None, SO, 50, _row(ACTIVE, None, None, 40), (Raise(40),)),
    ("stands", _row(ACTIVE, None, None, 40), SO, 60, _row(ACTIVE, None, None, 40), ()),
    ("gone", _row(ACTIVE, None, None, 40), NOT_SO, 60, None, (Clear("no_longer_so"),)),
    ("never so", None, NOT_SO, 60, None, ()),
    ("before the window", None, WINDOW, 50, _row(ARMED, 100), ()),
    ("at exactly its beginning", _row(ARMED, 100), WINDOW, 100, _row(ARMED, 100), ()),
    ("in the window", _row(ARMED, 100), WINDOW, 101, STANDS, (Raise(100),)),
    ("at exactly its end", STANDS, WINDOW, 200, STANDS, ()),
    ("after the window", STANDS, WINDOW, 201, None, (Clear("window_over"),)),
    ("first seen after the window", None, WINDOW, 201, None, ()),
    ("gone before the window", _row(ARMED, 100), NOT_SO, 50, None, ()),
    ("stands, then moved ahead", STANDS, Reading(True, 300, 400), 150, _row(ARMED, 300, 300), (Clear("moved"),)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "reading", "at", "then", "effects"),
    [case[1:] for case in RESPONSE + STANDING],
    ids=[case[0] for case in RESPONSE + STANDING],
)
def test_judge(
    row: TimerRow | None, reading: Reading, at: int, then: TimerRow | None, effects: tuple[Effect, ...]
) -> None:
    found = judge(KEY, row, reading, at, 40)
    assert (found.row, found.effects) == (then, effects)


def test_a_change_inside_the_window_begins_the_exception_then() -> None:
    assert judge(KEY, None, WINDOW, 150, 150).effects == (Raise(150),)
