"""Reading stored entries: strictly, so that a refusal has a name, and quickly, so that an audit of a long log ends.

`read_entry` is the strict way. `QuickReader.read` gives the same value for an entry that is as expected in every
respect, and None for any other; the caller then reads it again strictly to learn why. It is quick because types are
compared in one pass that was compiled per kind, and nothing is built that the check does not need.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.canonical import (
    DOCUMENT_SIZE_MAX_BYTES,
    INTEGER_MAX,
    NESTING_MAX_LEVELS,
    Dumps,
    Loads,
    decode,
    is_plain,
    json_dumps,
    json_loads,
)
from ledger.entries import ENTRY_VERSION, FIELD_TYPES, KINDS, Entry, Kind, parse_entry

_MEMBERS_COUNT = 11
_AT_CHARACTERS = 24
_HASH_CHARACTERS = 64
_LEVELS_INSIDE_BODY = NESTING_MAX_LEVELS - 2

Test = Callable[[Any], bool]


def read_entry(data: bytes, loads: Loads = json_loads, dumps: Dumps = json_dumps) -> Entry:
    """Return the entry of canonical bytes. The body is not compared with its kind.

    Raises:
        CanonicalError: the bytes are outside the profile.
        EntryInvalid: the envelope has another shape.
    """
    return parse_entry(decode(data, loads, dumps))


def _whole(value: Any) -> bool:
    return type(value) is int and -INTEGER_MAX <= value <= INTEGER_MAX


def _plain(test: Test) -> Test:
    return lambda value: test(value) and is_plain(value, _LEVELS_INSIDE_BODY)


def _or_null(test: Test) -> Test:
    return lambda value: value is None or test(value)


def _test_of(type_name: str) -> Test:
    if type_name.endswith("?"):
        return _or_null(_test_of(type_name[:-1]))
    if type_name == "int":
        return _whole
    if type_name in ("object", "objects", "money"):
        return _plain(FIELD_TYPES[type_name])
    return FIELD_TYPES[type_name]


def _compiled(kind: Kind) -> tuple[tuple[str, Test | None], ...]:
    # Plain text is so common that None stands for its test: a type comparison in the loop.
    return tuple(
        (name, None if wanted == "text" else _test_of(wanted)) for name, wanted in kind.fields.items()
    )


class QuickReader:
    """Reads the entries of one log in order."""

    __slots__ = ("_dumps", "_loads", "_log", "_shapes")

    def __init__(self, log: str, loads: Loads, dumps: Dumps) -> None:
        self._log = log
        self._loads = loads
        self._dumps = dumps
        self._shapes = {name: (_compiled(kind), frozenset(kind.private)) for name, kind in KINDS.items()}

    def read(self, data: bytes, seq: int, prev: str, at: str) -> dict[str, Any] | None:
        """Return the envelope if `data` is canonical, of a known kind in its shape, and next in the chain; or None."""
        try:
            value = self._loads(data)
            if self._dumps(value) != data or not data.isascii() or len(data) > DOCUMENT_SIZE_MAX_BYTES:
                return None
            version, number, when, actor, body = (
                value["v"],
                value["seq"],
                value["at"],
                value["actor"],
                value["body"],
            )
            private, case, cmd = value["private"], value["case"], value["cmd"]
            if (
                len(value) != _MEMBERS_COUNT
                or type(version) is not int
                or version != ENTRY_VERSION
                or value["log"] != self._log
                or type(number) is not int
                or number != seq
                or value["prev"] != prev
                or not FIELD_TYPES["instant"](when)
                or when < at
                or len(actor) != 3
                or type(actor["id"]) is not str
                or type(actor["role"]) is not str
                or type(actor["via"]) is not str
                or not (case is None or (type(case) is str and 0 < len(case) <= 200))
                or len(cmd) != _HASH_CHARACTERS
                or cmd.strip("0123456789abcdef")
            ):
                return None
            fields, paths = self._shapes[value["kind"]]
            if len(body) != len(fields):
                return None
            for name, test in fields:
                item = body[name]
                if type(item) is not str if test is None else not test(item):
                    return None
            if private:
                is_hash = FIELD_TYPES["hash"]
                for path, commitment in private.items():
                    if path not in paths or not is_hash(commitment):
                        return None
            elif type(private) is not dict:
                return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return value  # type: ignore[no-any-return]
