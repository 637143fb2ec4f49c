"""Row changes: what a projection says should happen to the tables, as data.

A projection is `project(entry, opened) -> Iterable[Change]`: pure, and it never reads rows, so that the writer and
`rebuild` get the same tables from the same entries. Keys leave out the leading `log` column: whoever applies a change
supplies it, so no rule can reach another organisation's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.entries import Entry

Key = tuple[Any, ...]
"""Primary key values after `log`, in the table's column order."""

Row = Mapping[str, Any]
"""Column -> value without `log`: str, int, bytes or None."""


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row; every column of the table but `log` is given. A row of that key must not exist."""

    table: str
    row: Row


@dataclass(frozen=True, slots=True)
class Set:
    """New values for some columns of a row that exists."""

    table: str
    key: Key
    values: Row


@dataclass(frozen=True, slots=True)
class Add:
    """Add to an integer column. A row that does not exist yet is made with the delta and its other columns zero."""

    table: str
    key: Key
    column: str
    delta: int


@dataclass(frozen=True, slots=True)
class Delete:
    """The row goes; none of that key is no error."""

    table: str
    key: Key


Change = Insert | Set | Add | Delete
Projection = Callable[[Entry, Mapping[str, Any] | None], Iterable[Change]]
"""`opened` are the private values by path; None where they were erased (a row is still made)."""
