"""The overlay equals the plain thing it saves work for: applying every change to the rows one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.changes import Add, Change, Delete, Insert, Set
from ledger.commands import Need
from ledger.errors import ProgrammingError, Refused, UndeclaredRead
from ledger.overlay import CommandView, Overlay, Shape, Wanted

SHAPE = Shape("t", ("a", "b", "n", "s"), ("a", "b"), frozenset({"b", "n"}), frozenset(), 0)
SHAPES = {"t": SHAPE}
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def insert(key: tuple[str, int], n: int = 0, s: str = "") -> Insert:
    return Insert("t", {"a": key[0], "b": key[1], "n": n, "s": s})


KEYS = st.tuples(st.sampled_from("xyz"), st.integers(0, 2))
CHANGES = st.one_of(
    st.builds(insert, KEYS, st.integers(0, 3)),
    st.builds(lambda key, n: Set("t", key, {"n": n}), KEYS, st.integers(0, 3)),
    st.builds(lambda key, s: Set("t", key, {"s": s}), KEYS, st.sampled_from(["", "p", "q"])),
    st.builds(lambda key, d: Add("t", key, "n", d), KEYS, st.integers(-2, 2)),
    st.builds(lambda key: Delete("t", key), KEYS),
)


def naive(rows: Rows, change: Change) -> None:
    """One change on plain rows, as the docstrings of ledger/changes.py say."""
    if isinstance(change, Insert):
        row = tuple(change.row[name] for name in SHAPE.columns)
        if row[:2] in rows:
            raise ProgrammingError("there")
        rows[row[:2]] = row
    elif isinstance(change, Delete):
        rows.pop(change.key, None)
    elif isinstance(change, Set):
        if change.key not in rows:
            raise ProgrammingError("absent")
        rows[change.key] = tuple(
            {**dict(zip(SHAPE.columns, rows[change.key], strict=True)), **change.values}.values()
        )
    else:
        old = rows.get(change.key, (*change.key, 0, None))
        rows[change.key] = (*change.key, old[2] + change.delta, old[3])


def select(rows: Rows, wanted: Wanted) -> dict[str, list[tuple[Any, ...]]]:
    """What a database answers to a load."""
    lengths = wanted.get("t", {})
    return {"t": [row for row in rows.values() for length in lengths if row[:length] in lengths[length]]}


def write(rows: Rows, overlay: Overlay) -> None:
    """What a database does with the writes; refuses a second row of one key."""
    for table in overlay.writes():
        for key in table.deletes:
            rows.pop(key, None)
        for update in table.updates:
            row = dict(zip(SHAPE.columns, rows[update[:2]], strict=True))
            row.update(zip(table.update_columns, update[2:], strict=True))
            rows[update[:2]] = tuple(row.values())
        for values in table.inserts:
            if values[:2] in rows:
                raise ProgrammingError("unique")
            rows[values[:2]] = values


@given(
    st.dictionaries(KEYS, st.integers(0, 3)),
    st.lists(CHANGES, max_size=14),
    st.lists(KEYS, max_size=5),
    st.booleans(),
)
def test_overlay_writes_what_one_by_one_would(
    start: dict[Any, int], changes: list[Change], loaded: list[Any], prefix_too: bool
) -> None:
    rows: Rows = {key: (*key, n, "") for key, n in start.items()}
    expected = dict(rows)
    fails = False
    try:
        for change in changes:
            naive(expected, change)
    except ProgrammingError:
        fails = True
    overlay = Overlay(SHAPES)
    wanted: Wanted = {}
    overlay.want(wanted, [Need("t", key) for key in loaded] + [Need("t", ("x",))] * prefix_too)
    overlay.admit(wanted, select(rows, wanted))
    try:
        overlay.apply(changes)
        missing = overlay.missing()
        overlay.settle(missing, select(rows, missing))
        for prefix in [("x",), ("y",), ()]:
            # Only what was declared may be read in earnest; here it shows that the overlay and its groups agree.
            assert overlay.scan("t", prefix) == [overlay.get("t", key) for key in _known(overlay, prefix)]
        write(rows, overlay)
    except ProgrammingError:
        assert fails
        return
    assert not fails
    assert rows == expected


def _known(overlay: Overlay, prefix: tuple[Any, ...]) -> list[tuple[str, int]]:
    keys = [(a, b) for a in "xyz" for b in range(3)]
    return [key for key in keys if key[: len(prefix)] == prefix and overlay.get("t", key) is not None]


def test_a_row_touched_often_is_written_once() -> None:
    overlay = Overlay(SHAPES)
    overlay.apply([Add("t", ("x", 1), "n", -5)] * 60)
    missing = overlay.missing()
    assert missing == {"t": {2: {("x", 1)}}}
    overlay.settle(missing, {"t": [("x", 1, 1000, "s")]})
    (table,) = overlay.writes()
    assert (table.update_columns, table.updates, table.inserts) == (("n",), [("x", 1, 700)], [])


def test_a_change_that_ends_where_it_began_is_not_written() -> None:
    overlay = Overlay(SHAPES)
    overlay.admit({"t": {0: {()}}}, {"t": [("x", 1, 7, "s")]})
    overlay.apply(
        [Add("t", ("x", 1), "n", 1), Add("t", ("x", 1), "n", -1), insert(("y", 1)), Delete("t", ("y", 1))]
    )
    assert overlay.writes() == []


READS = [  # needs, read key, allowed
    ([("x", 1)], ("x", 1), True),
    ([("x", 1)], ("x", 2), False),
    ([("x", 1)], ("x",), False),
    ([("x",)], ("x", 2), True),
    ([("x",)], ("x",), True),
    ([("x",)], ("y", 2), False),
    ([("x",)], (), False),
    ([()], ("y", 2), True),
    ([], ("x", 1), False),
]


@pytest.mark.parametrize(("needs", "key", "allowed"), READS)
def test_view_shows_only_what_needs_name(needs: list[Any], key: tuple[Any, ...], allowed: bool) -> None:
    overlay = Overlay(SHAPES)
    overlay.admit({"t": {0: {()}}}, {"t": [("x", 1, 0, ""), ("x", 2, 0, ""), ("y", 2, 0, "")]})
    view = CommandView(overlay, [Need("t", need) for need in needs])
    if allowed:
        view.scan("t", key)
        view.get("t", key)
        return
    with pytest.raises(UndeclaredRead, match="expected a need that names it"):
        view.get("t", key)
    with pytest.raises(UndeclaredRead):
        view.scan("t", key)


def test_scan_is_in_key_order_and_sees_what_the_batch_did() -> None:
    overlay = Overlay(SHAPES)
    overlay.admit({"t": {0: {()}}}, {"t": [("x", 10, 0, ""), ("x", 9, 0, ""), ("y", 1, 0, "")]})
    assert [row["b"] for row in overlay.scan("t", ("x",))] == [9, 10]
    overlay.apply([insert(("x", 3)), Delete("t", ("x", 9))])
    assert [row["b"] for row in overlay.scan("t", ("x",))] == [3, 10]


WRONG: list[tuple[Change, type[Exception]]] = [
    (Insert("t", {"a": "x", "b": 1, "n": 1}), ProgrammingError),
    (Insert("t", {"a": "x", "b": 1, "n": 1, "s": "", "log": "other"}), ProgrammingError),
    (Insert("u", {}), ProgrammingError),
    (Set("t", ("here", 1), {"nope": 1}), ProgrammingError),
    (Set("t", ("here", 1), {"a": "moved"}), ProgrammingError),
    (Set("t", ("absent", 1), {"n": 1}), ProgrammingError),
    (Set("t", ("here",), {"n": 1}), ProgrammingError),
    (Add("t", ("here", 1), "s", 1), ProgrammingError),
    (Add("t", ("here", 1), "b", 1), ProgrammingError),
    (insert(("here", 1)), ProgrammingError),
    (insert(("new", 1), s="nul \x00 inside"), Refused),
    (Set("t", ("here", 1), {"s": "\x00"}), Refused),
]


@pytest.mark.parametrize(("change", "error"), WRONG)
def test_apply_refuses(change: Change, error: type[Exception]) -> None:
    overlay = Overlay(SHAPES)
    overlay.admit({"t": {0: {()}}}, {"t": [("here", 1, 0, "")]})
    with pytest.raises(error, match="expected"):
        overlay.apply([change])


def test_want_refuses_a_key_that_is_too_long_or_a_table_that_is_not() -> None:
    overlay = Overlay(SHAPES)
    for need in (Need("t", ("x", 1, 2)), Need("u", ())):
        with pytest.raises(ProgrammingError, match="expected"):
            overlay.want({}, [need])


def test_a_row_nobody_loaded_is_deleted_all_the_same_and_may_be_made_anew() -> None:
    overlay = Overlay(SHAPES)
    overlay.apply([Delete("t", ("x", 1)), Delete("t", ("y", 1)), insert(("y", 1), 5)])
    assert overlay.missing() == {}
    (table,) = overlay.writes()
    assert (table.deletes, table.inserts) == ([("x", 1), ("y", 1)], [("y", 1, 5, "")])
