"""Canonical bytes: RFC 8785 under a restricted profile, so that any JSON library gives the same bytes.

docs/spec/log-format.md section 1 is the specification, tests/vectors/canonical.json its vectors. The profile refuses
what makes full RFC 8785 hard (floats, non-ASCII member names, integers beyond 2^53-1); what is left is a sorted dump
without spaces. The codec is an argument: the stand-alone auditor passes nothing and gets the standard library, the
product passes `ledger.codec` (orjson). Both give the same bytes and, on refusal, the same error.

    CanonicalError
    |-- FloatRefused  |-- KeyNotAscii    |-- IntegerOutOfRange  |-- NegativeZero  |-- LoneSurrogate  |-- UnsupportedType
    |-- NestingTooDeep  |-- DuplicateKey |-- TooLarge           |-- BadUtf8       |-- TrailingData   |-- NotJson
    `-- NotCanonical
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from ledger.errors import CanonicalError

INTEGER_MAX = 2**53 - 1
DOCUMENT_SIZE_MAX_BYTES = 60_000
NESTING_MAX_LEVELS = 32

Dumps = Callable[[Any], bytes]
"""value -> JSON bytes, members sorted, no spaces, UTF-8 unescaped."""

Loads = Callable[[bytes], Any]
"""JSON bytes -> value. Raises ValueError (any subclass) on what is no JSON."""


class FloatRefused(CanonicalError):
    """A number with a fraction or exponent, NaN or infinity. Amounts are integers, quantities scaled integers."""


class KeyNotAscii(CanonicalError):
    """A member name that is no string or not ASCII: sorting those differs between languages."""


class IntegerOutOfRange(CanonicalError):
    """An integer beyond +-(2^53-1): readers that hold numbers as doubles would change it."""


class NegativeZero(CanonicalError):
    """-0 or -0.0, which RFC 8785 writes as 0."""


class LoneSurrogate(CanonicalError):
    """A string holds half of a surrogate pair and has no UTF-8 form."""


class UnsupportedType(CanonicalError):
    """A value that is not null, bool, int, str, list or dict."""


class NestingTooDeep(CanonicalError):
    """More than NESTING_MAX_LEVELS lists and objects inside each other."""


class DuplicateKey(CanonicalError):
    """One object holds a member name twice; parsers disagree on which one counts."""


class TooLarge(CanonicalError):
    """More bytes than the profile allows; large values lie in the vault and the entry holds their commitment."""


class BadUtf8(CanonicalError):
    """Bytes that are no UTF-8."""


class TrailingData(CanonicalError):
    """Something follows the document."""


class NotJson(CanonicalError):
    """Bytes that are no JSON document."""


class NotCanonical(CanonicalError):
    """A JSON document whose canonical bytes are others: spaces, order of members, escapes."""


def json_dumps(value: Any) -> bytes:
    """Encode with the standard library. The value must have passed `check_value`."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def json_loads(data: bytes) -> Any:
    """Decode with the standard library, leniently; `decode` does the refusing."""
    return json.loads(data)


def check_value(value: Any) -> None:
    """Refuse a value outside the profile.

    Raises:
        CanonicalError: one subclass per reason, its `path` leading to the value.
    """
    _check(value, NESTING_MAX_LEVELS)


def _check(value: Any, levels_left: int) -> None:
    kind = type(value)
    if kind is str:
        if not value.isascii():
            _check_text(value)
    elif kind is int:
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise IntegerOutOfRange(f"integer: expected at most 2^53-1 in magnitude, got {_shown(value)}")
    elif kind is dict:
        if levels_left == 0:
            raise NestingTooDeep(f"nesting: expected at most {NESTING_MAX_LEVELS} levels, got more")
        for name, member in value.items():
            _check_name(name)
            try:
                _check(member, levels_left - 1)
            except CanonicalError as error:
                error.path.insert(0, name)
                raise
    elif kind is list or kind is tuple:
        if levels_left == 0:
            raise NestingTooDeep(f"nesting: expected at most {NESTING_MAX_LEVELS} levels, got more")
        for position, item in enumerate(value):
            try:
                _check(item, levels_left - 1)
            except CanonicalError as error:
                error.path.insert(0, position)
                raise
    elif kind is float:
        if value == 0 and math.copysign(1, value) < 0:
            raise NegativeZero("number: expected 0, got -0.0")
        raise FloatRefused(f"number: expected an integer, got {value!r}")
    elif value is not None and kind is not bool:
        raise UnsupportedType(f"value: expected null, bool, int, str, list or object, got {kind.__name__}")


def _check_name(name: Any) -> None:
    if type(name) is not str:
        raise KeyNotAscii(f"member name: expected ASCII text, got {type(name).__name__}")
    if not name.isascii():
        raise KeyNotAscii(f"member name: expected ASCII text, got {ascii(name)[:80]}")


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = ascii(text[error.start])
        raise LoneSurrogate(
            f"string: expected Unicode text, got lone surrogate {half} at {error.start}"
        ) from None


def _shown(value: int) -> str:
    # str() of a huge int is quadratic and, beyond 4,300 digits, a ValueError.
    return str(value) if value.bit_length() < 256 else f"an integer of {value.bit_length()} bits"


def encode(value: Any, dumps: Dumps = json_dumps, size_max_bytes: int = DOCUMENT_SIZE_MAX_BYTES) -> bytes:
    """Return the canonical bytes of `value`.

    Raises:
        CanonicalError: the value is outside the profile, or its bytes are too many.
    """
    _check(value, NESTING_MAX_LEVELS)
    data = dumps(value)
    if len(data) > size_max_bytes:
        raise TooLarge(f"document: expected at most {size_max_bytes} bytes, got {len(data)}")
    return data


def decode(
    data: bytes,
    loads: Loads = json_loads,
    dumps: Dumps = json_dumps,
    size_max_bytes: int = DOCUMENT_SIZE_MAX_BYTES,
) -> Any:
    """Return the value of canonical bytes; any other bytes are refused, even when they are valid JSON.

    Bytes that re-encode to themselves and are ASCII have ASCII names, no duplicates and no lone surrogates; only
    numbers and depth are left to look at. Everything else is diagnosed with the standard library, so that every codec
    gives the same error.

    Raises:
        CanonicalError: one subclass per reason.
    """
    if len(data) > size_max_bytes:
        raise TooLarge(f"document: expected at most {size_max_bytes} bytes, got {len(data)}")
    try:
        value = loads(data)
        same = dumps(value) == data
    except (ValueError, TypeError, RecursionError):
        return _diagnose(data)
    if same and data.isascii() and is_plain(value, NESTING_MAX_LEVELS):
        return value
    return _diagnose(data)


def is_plain(value: Any, levels_left: int) -> bool:
    """Say whether a decoded value holds integers in range only and is not too deep; strings were seen to before."""
    kind = type(value)
    if kind is dict:
        items = value.values()
    elif kind is list:
        items = value
    else:
        return (
            value is None
            or kind is str
            or kind is bool
            or (kind is int and -INTEGER_MAX <= value <= INTEGER_MAX)
        )
    if levels_left == 0:
        return False
    for item in items:
        kind = type(item)
        if kind is str or item is None:
            continue
        if not is_plain(item, levels_left - 1):
            return False
    return True


def _diagnose(data: bytes) -> Any:
    """Decode slowly and strictly, naming the first reason for a refusal."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadUtf8(
            f"document: expected UTF-8, got byte 0x{data[error.start]:02x} at {error.start}"
        ) from None
    _check_depth(text)
    decoder = json.JSONDecoder(
        object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_float
    )
    stripped = text.lstrip(" \t\r\n")
    try:
        value, end = decoder.raw_decode(stripped)
    except json.JSONDecodeError as error:
        raise NotJson(f"document: expected JSON, got {error.msg} at character {error.pos}") from None
    rest = stripped[end:].strip(" \t\r\n")
    if rest:
        raise TrailingData(f"document: expected its end, got {rest[:20]!a}")
    _check(value, NESTING_MAX_LEVELS)
    if json_dumps(value) != data:
        raise NotCanonical(
            "document: expected canonical bytes (sorted members, no spaces, shortest escapes), got others"
        )
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise DuplicateKey(f"object: expected each member once, got {ascii(name)[:80]} twice")
        members[name] = value
    return members


def _integer(text: str) -> int:
    if text == "-0":
        raise NegativeZero("number: expected 0, got -0")
    if len(text) > 17:
        raise IntegerOutOfRange(f"integer: expected at most 2^53-1 in magnitude, got {text[:40]}")
    return int(text)


def _float(text: str) -> float:
    if text.startswith("-0") and not text.strip("-0.eE+"):
        raise NegativeZero(f"number: expected 0, got {text[:40]}")
    raise FloatRefused(f"number: expected an integer, got {text[:40]}")


def _check_depth(text: str) -> None:
    """Count brackets outside strings before any recursive parser sees them."""
    if text.count("{") + text.count("[") <= NESTING_MAX_LEVELS:
        return
    level, in_string, escaped = 0, False, False
    for character in text:
        if in_string:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                in_string = False
        elif character == '"':
            in_string = True
        elif character in "{[":
            level += 1
            if level > NESTING_MAX_LEVELS:
                raise NestingTooDeep(f"nesting: expected at most {NESTING_MAX_LEVELS} levels, got more")
        elif character in "}]":
            level -= 1
