"""What a field of an entry's body may hold: the types that ledger/entries.py declares its kinds with.

Each is a test of one decoded value; docs/spec/entry-kinds.md names them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Check = Callable[[Any], bool]


def _is_int(value: Any) -> bool:
    return type(value) is int


def _is_text(value: Any) -> bool:
    return type(value) is str


def is_hash(value: Any) -> bool:
    """64 lower-case hex digits."""
    return type(value) is str and len(value) == 64 and not value.strip("0123456789abcdef")


def is_instant(value: Any) -> bool:
    """RFC 3339 UTC with milliseconds, 24 characters: 2026-11-23T16:10:00.000Z."""
    return (
        type(value) is str and len(value) == 24 and value[10] == "T" and value[19] == "." and value[23] == "Z"
    )


def _is_texts(value: Any) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


def _is_money(value: Any) -> bool:
    """{"amount_minor": int, "currency": "EUR"}."""
    return (
        type(value) is dict
        and value.keys() == {"amount_minor", "currency"}
        and type(value["amount_minor"]) is int
        and type(value["currency"]) is str
        and len(value["currency"]) == 3
    )


def _is_objects(value: Any) -> bool:
    return type(value) is list and all(type(item) is dict for item in value)


FIELD_TYPES: dict[str, Check] = {
    "int": _is_int,
    "bool": lambda value: type(value) is bool,
    "text": _is_text,
    "id": lambda value: type(value) is str and 0 < len(value) <= 200,
    "ids": _is_texts,
    "texts": _is_texts,
    "hash": is_hash,
    "instant": is_instant,
    "money": _is_money,
    "object": lambda value: type(value) is dict,
    "objects": _is_objects,
}
