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

_MEMBERS = ("actor", "at", "body", "case", "cmd", "kind", "log", "prev", "private", "seq", "v")
_ACTOR = ("id", "role", "via")
_HASH_CHARACTERS = 64
_CASE_CHARACTERS_MAX = 200
_LEVELS_INSIDE_BODY = NESTING_MAX_LEVELS - 2

Test = Callable[[Any], bool]
_is_instant, _is_hash = FIELD_TYPES["instant"], FIELD_TYPES["hash"]


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


def _compiled(kind: Kind) -> tuple[tuple[str, ...], tuple[Test | None, ...], frozenset[str]]:
    # Plain text is so common that None stands for its test: a type comparison in the loop.
    names = tuple(sorted(kind.fields))
    tests = tuple(None if kind.fields[name] == "text" else _test_of(kind.fields[name]) for name in names)
    return names, tests, frozenset(kind.private)


class QuickReader:
    """Reads the entries of one log in order."""

    __slots__ = ("_dumps", "_loads", "_log", "_shapes")

    def __init__(self, log: str, loads: Loads, dumps: Dumps) -> None:
        self._log = log
        self._loads = loads
        self._dumps = dumps
        self._shapes = {name: _compiled(kind) for name, kind in KINDS.items()}

    def read(self, data: bytes, seq: int, prev: str, at: str) -> dict[str, Any] | None:
        """Return the envelope if `data` is canonical, of a known kind in its shape, and next in the chain; or None."""
        try:
            value = self._loads(data)
            if self._dumps(value) != data or not data.isascii() or len(data) > DOCUMENT_SIZE_MAX_BYTES:
                return None
            # Canonical bytes are sorted, so order tells the members, and the last two can be read off the bytes.
            if (*value,) != _MEMBERS or not data.endswith(b',"seq":%d,"v":%d}' % (seq, ENTRY_VERSION)):
                return None
            actor, when, body, case, cmd, kind, log, link, private, _, _ = value.values()
            if link != prev or log != self._log or (when != at and (when < at or not _is_instant(when))):
                return None
            who, role, via = actor.values()
            if type(who) is not str or type(role) is not str or type(via) is not str or (*actor,) != _ACTOR:
                return None
            if len(cmd) != _HASH_CHARACTERS or cmd.strip("0123456789abcdef"):
                return None
            if case is not None and not (type(case) is str and 0 < len(case) <= _CASE_CHARACTERS_MAX):
                return None
            names, tests, paths = self._shapes[kind]
            if (*body,) != names:
                return None
            for item, test in zip(body.values(), tests, strict=True):
                if type(item) is not str if test is None else not test(item):
                    return None
            for path, commitment in private.items():
                if path not in paths or not _is_hash(commitment):
                    return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return value  # type: ignore[no-any-return]
