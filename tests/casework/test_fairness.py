"""Recognition against hours: how it is grouped, and that no table lets a group under five be computed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casework.fairness import (
    GROUP_MIN,
    NO_SHIFT,
    Group,
    Recognised,
    Shift,
    Shown,
    Table,
    groups_of,
    months_of,
    part_of,
    quarters_before,
    table_of,
)

HOUR = 3_600_000


def group(name: str, people: str, recognised: int, hours: int = 10) -> Group:
    """A group of one-letter people."""
    return Group((name, ""), set(people), hours * HOUR, recognised)


# ---------------------------------------------------------------------------------------------- what may be shown
TABLES: list[tuple[str, list[Group], list[str], bool]] = [
    # groups -> which are shown, whether the total is
    ("nothing", [], [], False),
    ("one of five", [group("a", "12345", 1)], ["a"], True),
    ("one of four", [group("a", "1234", 1)], [], False),
    ("two of five", [group("a", "12345", 1), group("b", "67890", 2)], ["a", "b"], True),
    # the small one would be the total less the other: the other is hidden too
    ("one small", [group("a", "12345", 1), group("b", "678", 2)], [], True),
    (
        "the smallest goes with it",
        [group("a", "123456", 1), group("b", "12345", 2), group("c", "78", 1)],
        ["a"],
        True,
    ),
    (
        "two small ones, five together",
        [group("a", "12345", 1), group("b", "67", 1), group("c", "890", 1)],
        ["a"],
        True,
    ),
    (
        "two small ones, four together",
        [group("a", "12345", 1), group("b", "67", 1), group("c", "89", 1)],
        [],
        True,
    ),
    ("the same people twice", [group("a", "12345", 1), group("b", "67", 1), group("c", "67", 1)], [], True),
    ("small ones alone, five together", [group("b", "12", 1), group("c", "345", 1)], [], True),
    ("small ones alone, four together", [group("b", "12", 1), group("c", "34", 1)], [], False),
    # a sum of zero would say that each of them is zero
    ("hidden without any", [group("a", "12345", 3), group("b", "67", 0), group("c", "890", 0)], [], True),
    # those without a shift have no hours: the other's would be all that is left
    ("without a shift", [group("a", "12345", 3), group("b", "67", 1), group("", "89", 1, 0)], [], True),
    ("none anywhere", [group("a", "12345", 0), group("b", "67", 0), group("c", "890", 0)], [], False),
]


@pytest.mark.parametrize(
    ("groups", "rows", "total"), [row[1:] for row in TABLES], ids=[row[0] for row in TABLES]
)
def test_what_is_shown(groups: list[Group], rows: list[str], total: bool) -> None:
    found = table_of(groups)
    assert [one.key[0] for one in found.rows] == rows
    assert found.hidden == len(groups) - len(rows)
    assert (found.total is not None) is total
    if found.total is not None:
        assert found.total.recognised == sum(one.recognised for one in groups)


def worlds(groups: list[Group], told: Table, of: str = "recognised") -> list[tuple[int, ...]]:
    """Return every way in which recognition, or hours, could lie with the groups, so that the same table would be
    told: what an onlooker knows who may compute as much as they like. Who has a shift has hours."""
    shown = {one.key: getattr(one, of) for one in told.rows}
    total = None if told.total is None else getattr(told.total, of)
    most = 4 if total is None else total
    ranges = []
    for one in groups:
        least = 1 if of == "hours" and one.key != NO_SHIFT else 0
        highest = 0 if of == "hours" and one.key == NO_SHIFT else most
        ranges.append([shown[one.key]] if one.key in shown else range(least, highest + 1))
    return [counts for counts in itertools.product(*ranges) if total is None or sum(counts) == total]


def derivable(groups: list[Group], told: Table, of: str = "recognised") -> list[tuple[str, ...]]:
    """Return the sets of groups, of fewer than GROUP_MIN people together, whose sum is the same in every world."""
    possible, found = worlds(groups, told, of), []
    for size in range(1, len(groups) + 1):
        for chosen in itertools.combinations(range(len(groups)), size):
            people: set[str] = set().union(*(groups[one].people for one in chosen))
            sums = {sum(world[one] for one in chosen) for world in possible}
            known = of == "hours" and all(groups[one].key == NO_SHIFT for one in chosen)
            if len(people) < GROUP_MIN and len(sums) == 1 and not known:
                found.append(tuple(groups[one].key[0] for one in chosen))
    return found


PEOPLE = st.frozensets(st.sampled_from("123456789"), min_size=1, max_size=9)
DRAWN = st.lists(st.tuples(PEOPLE, st.integers(0, 3)), max_size=5)


@settings(max_examples=300, deadline=None)
@given(DRAWN)
def test_no_table_lets_a_small_group_be_computed(drawn: list[tuple[frozenset[str], int]]) -> None:
    groups = [group(chr(97 + place), "".join(people), count) for place, (people, count) in enumerate(drawn)]
    told = table_of(groups)
    assert derivable(groups, told) == []
    sizes = {one.key: len(one.people) for one in groups}
    assert all(sizes[row.key] >= GROUP_MIN for row in told.rows)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(PEOPLE, st.integers(0, 2), st.integers(2, 3)), max_size=3),
    st.none() | st.tuples(PEOPLE, st.integers(1, 2)),
)
def test_nor_its_hours(
    drawn: list[tuple[frozenset[str], int, int]], without: tuple[frozenset[str], int] | None
) -> None:
    groups = [group(chr(97 + place), "".join(people), *rest) for place, (people, *rest) in enumerate(drawn)]
    groups += [] if without is None else [group("", "".join(without[0]), without[1], 0)]
    told = table_of(groups)
    assert derivable(groups, told, "hours") == [] and derivable(groups, told) == []


def test_the_search_finds_what_hiding_small_groups_alone_would_give_away() -> None:
    """The oracle can fail: without the second step of the recipe a small group follows from the total."""
    groups = [group("a", "12345", 1), group("b", "678", 2)]
    naive = Table((Shown(("a", ""), 10, 1),), 1, Shown(NO_SHIFT, 20, 3))
    assert derivable(groups, naive) == [("b",)]
    zero = [group("a", "12345", 3), group("b", "67", 0), group("c", "890", 0)]
    told = Table((Shown(("a", ""), 10, 3),), 2, Shown(NO_SHIFT, 30, 3))
    assert ("b",) in derivable(zero, told)
    without = [group("a", "12345", 3, 1), group("b", "67", 1, 1), group("", "890", 1, 0)]
    told = Table((Shown(("a", ""), 1, 3),), 2, Shown(NO_SHIFT, 2, 5))
    assert ("b",) in derivable(without, told, "hours")


# ---------------------------------------------------------------------------------------------- grouping
def shift(person: str, begins: int, ends: int, team: str = "bar", part: str = "evening") -> Shift:
    return Shift(person, team, part, begins * HOUR, ends * HOUR)


def test_hours_and_recognition_lie_with_the_shift() -> None:
    shifts = [
        shift("ana", 17, 23),
        shift("ben", 17, 24),
        shift("ana", 41, 47, part="midday"),
        shift("chi", 8, 8),  # says nothing sensible of its time
        shift("chi", 0, 25),
    ]
    recognised = [
        Recognised("ana", 18 * HOUR),  # on the shift
        Recognised("ana", 24 * HOUR),  # after it
        Recognised("ana", 42 * HOUR),
        Recognised("ben", 40 * HOUR),  # too long after any
        Recognised("dev", 18 * HOUR),  # no shift of theirs is known
    ]
    found = {
        one.key: (one.people, one.worked_ms // HOUR, one.recognised) for one in groups_of(shifts, recognised)
    }
    assert found == {
        ("bar", "evening"): ({"ana", "ben"}, 13, 2),
        ("bar", "midday"): ({"ana"}, 6, 1),
        NO_SHIFT: ({"ben", "dev"}, 0, 2),
    }


@pytest.mark.parametrize(
    ("hour", "part"),
    [(0, "night"), (3, "night"), (4, "morning"), (9, "morning"), (10, "midday"), (15, "midday"), (16, "evening"),
     (21, "evening"), (22, "night"), (23, "night")],
)  # fmt: skip
def test_parts_of_the_day(hour: int, part: str) -> None:
    assert part_of(hour) == part


@pytest.mark.parametrize(
    ("hours", "count", "tenths"),
    [(0, 0, None), (0, 3, None), (100, 1, 10), (300, 1, 3), (80, 2, 25), (7, 0, 0)],
)
def test_the_rate(hours: int, count: int, tenths: int | None) -> None:
    assert Shown(NO_SHIFT, hours, count).per_hundred_tenths == tenths


def test_only_quarters_that_are_over() -> None:
    assert quarters_before(2026, 11, 2) == [(2026, 2), (2026, 3)]
    assert quarters_before(2026, 1, 1) == [(2025, 4)]
    assert quarters_before(2026, 3, 4) == [(2025, 1), (2025, 2), (2025, 3), (2025, 4)]
    assert months_of((2025, 4)) == ((2025, 10), (2026, 1))
    assert months_of((2026, 1)) == ((2026, 1), (2026, 4))
