"""Tests of many values of one field at once, for reading long logs: loops run inside built-in functions, not here.

A column holds the values of one field over some entries. Each test says what `ledger.entries.FIELD_TYPES` says of
every single value; tests/ledger/test_columns.py holds them to that. A value of another type may make a test raise
TypeError, ValueError or AttributeError instead of answering False: the caller takes that as False.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from typing import Any

from ledger.canonical import INTEGER_MAX, NESTING_MAX_LEVELS, is_plain
from ledger.entries import FIELD_TYPES

Column = Sequence[Any]
ColumnTest = Callable[[Column], bool]

_HASH_CHARACTERS = 64
_INSTANT_CHARACTERS = 24
_ID_CHARACTERS_MAX = 200
_LEVELS_INSIDE_BODY = NESTING_MAX_LEVELS - 2


def all_text(column: Column) -> bool:
    """Say whether all are text."""
    return set(map(type, column)) <= {str}


def all_ids(column: Column) -> bool:
    """Say whether all are text of 1 to 200 characters."""
    lengths = set(map(len, column))
    return all_text(column) and 0 not in lengths and max(lengths, default=0) <= _ID_CHARACTERS_MAX


def all_integers(column: Column) -> bool:
    """Say whether all are integers that canonical bytes may hold."""
    within = min(column, default=0) >= -INTEGER_MAX and max(column, default=0) <= INTEGER_MAX
    return set(map(type, column)) <= {int} and within


def raw_hashes(column: Column) -> bytes | None:
    """Return the bytes of hashes in lower-case hex, one after the other; None if one of them is no such text."""
    joined = "".join(column)
    raw = bytes.fromhex(joined)
    # What fromhex also takes, capitals and spaces, does not come back.
    return raw if set(map(len, column)) <= {_HASH_CHARACTERS} and raw.hex() == joined else None


def all_instants(column: Column) -> bool:
    """Say whether all are instants: 24 characters with T, point and Z in their places."""
    joined, count = "".join(column), len(column)
    return (
        set(map(len, column)) <= {_INSTANT_CHARACTERS}
        and joined[10::_INSTANT_CHARACTERS] == "T" * count
        and joined[19::_INSTANT_CHARACTERS] == "." * count
        and joined[23::_INSTANT_CHARACTERS] == "Z" * count
    )


def _all_lists_of_text(column: Column) -> bool:
    return set(map(type, column)) <= {list} and all_text(list(chain.from_iterable(column)))


def _each(type_name: str) -> ColumnTest:
    """Return the test of a type that nests: value by value, with all numbers in range and not too deep."""
    test = FIELD_TYPES[type_name]
    return lambda column: all(test(value) and is_plain(value, _LEVELS_INSIDE_BODY) for value in column)


def _or_null(test: ColumnTest) -> ColumnTest:
    return lambda column: test([value for value in column if value is not None])


_TESTS: dict[str, ColumnTest] = {
    "int": all_integers,
    "bool": lambda column: set(map(type, column)) <= {bool},
    "text": all_text,
    "id": all_ids,
    "ids": _all_lists_of_text,
    "texts": _all_lists_of_text,
    "hash": lambda column: raw_hashes(column) is not None,
    "instant": all_instants,
}


@cache
def column_test(type_name: str) -> ColumnTest:
    """Return the test of a field type of `ledger.entries`; `?` at its end allows null."""
    if type_name.endswith("?"):
        return _or_null(column_test(type_name[:-1]))
    return _TESTS[type_name] if type_name in _TESTS else _each(type_name)
