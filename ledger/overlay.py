"""Rows in memory while a batch is decided: what was loaded, and over it what the batch has decided so far.

A rule reads through a `CommandView`, which lets it see only what its command's needs name. Changes are folded row by
row, so that however often a batch touches a row (a budget granted from sixty times), the database writes it once.
A change to a row that nobody loaded waits in `missing()` for one second load before the write. Inserts and deletes
need no load: the primary key refuses the one, the other may find nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.changes import Add, Change, Delete, Insert, Key, Row, Set
from ledger.commands import Need
from ledger.errors import ProgrammingError, Refused, UndeclaredRead

Wanted = dict[str, dict[int, set[Key]]]
"""table -> length -> key prefixes of that length; the full length is one row, 0 is the whole table of the log."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the writer must know of a table. `columns` and `key` leave out `log`; `key` is a prefix of `columns`."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    integers: frozenset[str]
    blobs: frozenset[str]
    rank: int
    """Parents have a lower one than the tables that refer to them."""


@dataclass(frozen=True, slots=True)
class TableWrite:
    """What the batch does to one table, each row once. Order for the store: deletes of all tables, children first; then
    per table, parents first, updates and inserts."""

    shape: Shape
    deletes: Sequence[Key]
    update_columns: tuple[str, ...]
    updates: Sequence[tuple[Any, ...]]
    """The key, then the values of `update_columns`."""
    inserts: Sequence[tuple[Any, ...]]
    """Values of `shape.columns`."""


class _Unknown:
    """The state of a row nobody loaded: not the same as absent."""


_UNKNOWN = _Unknown()
_State = dict[str, Any] | None | _Unknown


class Overlay:
    """All rows of one log that a batch knows."""

    __slots__ = ("_before", "_covered", "_groups", "_rows", "_shapes", "_waiting")

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        self._covered: Wanted = {}
        self._rows: dict[str, dict[Key, dict[str, Any] | None]] = {}
        self._before: dict[str, dict[Key, _State]] = {}
        self._waiting: dict[str, dict[Key, list[Change]]] = {}
        self._groups: dict[tuple[str, int], dict[Key, dict[Key, None]]] = {}

    # ------------------------------------------------------------------------------------------ loading
    def want(self, wanted: Wanted, needs: Iterable[Need]) -> None:
        """Add needs to what is to be loaded. Raises ProgrammingError: an unknown table, or a key that is too long."""
        for need in needs:
            shape = self._shape(need.table)
            if len(need.key) > len(shape.key):
                raise ProgrammingError(
                    f"need {need.table}: expected a prefix of {shape.key}, got {need.key!r}"
                )
            wanted.setdefault(need.table, {}).setdefault(len(need.key), set()).add(need.key)

    def admit(self, wanted: Wanted, loaded: Mapping[str, Iterable[Sequence[Any]]]) -> None:
        """Take the rows that a load of `wanted` gave: values of `shape.columns`. What did not come is known absent."""
        for table, lengths in wanted.items():
            covered = self._covered.setdefault(table, {})
            for length, prefixes in lengths.items():
                covered.setdefault(length, set()).update(prefixes)
        for table, rows in loaded.items():
            shape = self._shapes[table]
            width = len(shape.key)
            known = self._rows.setdefault(table, {})
            for values in rows:
                known.setdefault(tuple(values)[:width], dict(zip(shape.columns, values, strict=True)))

    def missing(self) -> Wanted:
        """Return what must be loaded before `settle`; empty when nothing waits."""
        return {
            table: {len(self._shapes[table].key): set(keys)} for table, keys in self._waiting.items() if keys
        }

    def settle(self, wanted: Wanted, loaded: Mapping[str, Iterable[Sequence[Any]]]) -> None:
        """Take the rows of the second load and apply the changes that waited for them."""
        self.admit(wanted, loaded)
        waiting, self._waiting = self._waiting, {}
        for keys in waiting.values():
            for changes in keys.values():
                self.apply(changes)

    # ------------------------------------------------------------------------------------------ reading
    def get(self, table: str, key: Key) -> Row | None:
        """Return the row, or None when it is absent. The caller has checked that it was declared."""
        return self._rows.get(table, {}).get(key)

    def scan(self, table: str, prefix: Key) -> list[Row]:
        """Return the rows under a prefix in key order."""
        rows = self._rows.get(table, {})
        keys = self._group(table, len(prefix)).get(prefix, {})
        return [row for key in sorted(keys) if (row := rows.get(key)) is not None]

    def _group(self, table: str, length: int) -> dict[Key, dict[Key, None]]:
        # Made on the first scan of this length, then kept: without it a batch of scans costs rows times commands.
        groups = self._groups.get((table, length))
        if groups is None:
            groups = self._groups[table, length] = {}
            for key in self._rows.get(table, {}):
                groups.setdefault(key[:length], {})[key] = None
        return groups

    # ------------------------------------------------------------------------------------------ changing
    def apply(self, changes: Iterable[Change]) -> None:
        """Fold changes in.

        Raises:
            ProgrammingError: an Insert of a row that is there, a Set of one that is not, unknown columns. Some changes
                may have been applied: the caller drops this overlay.
            Refused: a text holds NUL, which PostgreSQL cannot store.
        """
        for change in changes:
            shape = self._shape(change.table)
            key = _key_of(change, shape)
            waiting = self._waiting.get(change.table)
            if waiting and key in waiting:
                waiting[key].append(change)
                continue
            state = self._state(change.table, key, len(shape.key))
            if state is _UNKNOWN and isinstance(change, (Set, Add)):
                self._waiting.setdefault(change.table, {}).setdefault(key, []).append(change)
                continue
            self._put(shape, key, state, _changed(shape, change, state))

    def _state(self, table: str, key: Key, width: int) -> _State:
        rows = self._rows.get(table)
        if rows is not None and key in rows:
            return rows[key]
        covered = self._covered.get(table)
        if covered is None:
            return _UNKNOWN
        known = any(key[:length] in prefixes for length, prefixes in covered.items())
        return None if known else _UNKNOWN

    def _put(self, shape: Shape, key: Key, state: _State, row: dict[str, Any] | None) -> None:
        rows = self._rows.setdefault(shape.name, {})
        if row is None and state is None:
            return  # nothing was there, nothing is left
        self._before.setdefault(shape.name, {}).setdefault(
            key, None if state is _UNKNOWN and row is not None else state
        )
        if key not in rows:
            for (table, length), groups in self._groups.items():
                if table == shape.name:
                    groups.setdefault(key[:length], {})[key] = None
        rows[key] = row

    def _shape(self, table: str) -> Shape:
        shape = self._shapes.get(table)
        if shape is None:
            raise ProgrammingError(f"table: expected one on the MetaData, got {table!r}")
        return shape

    # ------------------------------------------------------------------------------------------ writing
    def writes(self) -> list[TableWrite]:
        """Return what the database must do, tables in rank order. Raises ProgrammingError: changes still wait."""
        if any(self._waiting.values()):
            raise ProgrammingError("writes: expected every touched row loaded, got changes that wait")
        result = []
        for table, before in self._before.items():
            write = _table_write(self._shapes[table], before, self._rows[table])
            if write.deletes or write.updates or write.inserts:
                result.append(write)
        return sorted(result, key=lambda write: write.shape.rank)


class CommandView:
    """The view of one rule: the overlay behind the fence of its command's needs."""

    __slots__ = ("_declared", "_overlay")

    def __init__(self, overlay: Overlay, needs: Iterable[Need]) -> None:
        self._overlay = overlay
        self._declared: dict[str, set[Key]] = {}
        for need in needs:
            self._declared.setdefault(need.table, set()).add(need.key)

    def get(self, table: str, key: Key) -> Row | None:
        """Return the row of this full key, or None. Raises UndeclaredRead."""
        self._check(table, key)
        return self._overlay.get(table, key)

    def scan(self, table: str, prefix: Key) -> list[Row]:
        """Return the rows whose key starts with `prefix`, in key order. Raises UndeclaredRead."""
        self._check(table, prefix)
        return self._overlay.scan(table, prefix)

    def _check(self, table: str, key: Key) -> None:
        declared = self._declared.get(table)
        if declared is None or not any(key[:length] in declared for length in range(len(key) + 1)):
            raise UndeclaredRead(
                f"read {table} {key!r}: expected a need that names it, got {declared or 'none'}"
            )


def _key_of(change: Change, shape: Shape) -> Key:
    if isinstance(change, Insert):
        if len(change.row) != len(shape.columns) or not all(name in change.row for name in shape.columns):
            raise ProgrammingError(
                f"insert into {shape.name}: expected columns {shape.columns}, got {tuple(change.row)}"
            )
        return tuple(change.row[name] for name in shape.key)
    if len(change.key) != len(shape.key):
        raise ProgrammingError(f"change of {shape.name}: expected a key of {shape.key}, got {change.key!r}")
    return change.key


def _changed(shape: Shape, change: Change, state: _State) -> dict[str, Any] | None:
    """Return the row after the change; None: gone."""
    if isinstance(change, Insert):
        if isinstance(state, dict):
            raise ProgrammingError(
                f"insert into {shape.name}: expected no row {_key_of(change, shape)!r}, got one"
            )
        _check_texts(shape, change.row)
        return dict(change.row)
    if isinstance(change, Delete):
        return None
    if isinstance(change, Set):
        if not isinstance(state, dict):
            raise ProgrammingError(f"set {shape.name}: expected a row {change.key!r}, got none")
        if not change.values.keys() <= state.keys() or any(name in change.values for name in shape.key):
            raise ProgrammingError(
                f"set {shape.name}: expected columns of {shape.columns} outside the key, got {tuple(change.values)}"
            )
        _check_texts(shape, change.values)
        return {**state, **change.values}
    if change.column not in shape.integers or change.column in shape.key:
        raise ProgrammingError(
            f"add to {shape.name}: expected an integer outside the key, got {change.column!r}"
        )
    if not isinstance(state, dict):
        state = {name: 0 if name in shape.integers else None for name in shape.columns}
        state.update(zip(shape.key, change.key, strict=True))
    return {**state, change.column: state[change.column] + change.delta}


def _check_texts(shape: Shape, values: Row) -> None:
    for name, value in values.items():
        if type(value) is str and "\x00" in value:
            raise Refused(
                "text_refused", f"{shape.name}.{name}: expected text without NUL characters, got one"
            )


def _table_write(
    shape: Shape, before: Mapping[Key, _State], rows: Mapping[Key, dict[str, Any] | None]
) -> TableWrite:
    deletes: list[Key] = []
    inserts: list[tuple[Any, ...]] = []
    changed: list[dict[str, Any]] = []
    moved: set[str] = set()
    for key, old in before.items():
        new = rows[key]
        if isinstance(old, dict):
            if new is None:
                deletes.append(key)
            elif new != old:
                changed.append(new)
                moved.update(name for name in shape.columns if new[name] != old[name])
            continue
        if old is _UNKNOWN:
            deletes.append(key)
        if new is not None:
            inserts.append(tuple(new[name] for name in shape.columns))
    # One statement for all updates of a table: columns that only some rows changed are written back as they were.
    columns = tuple(name for name in shape.columns if name in moved)
    updates = [tuple(row[name] for name in (*shape.key, *columns)) for row in changed]
    return TableWrite(shape, deletes, columns, updates, inserts)
