"""How one cell's text becomes a value of its field's type, exactly: nothing is rounded, guessed or cut.

`parser_of(mapping, rule)` gives the parser of a column once per file; it raises ValueError with expected and got. A
local time that the clocks showed twice comes back as doubtful, the earlier one taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from ledger.canonical import INTEGER_MAX
from playbooks.calendars import YEARS, instant_text, resolve_local, to_ms
from playbooks.kinds import LIST_ITEMS_MAX, STRING_SIZE_MAX_CHARACTERS
from playbooks.mapping import PRECISIONS, FieldRule, Mapping, TimeColumn

_INT = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"([-+]?)([0-9]{1,15})(?:\.([0-9]{1,15}))?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,6}))?)?(Z|[+-]\d\d:?\d\d)?")
_MINOR_DIGITS = {
    "JPY": 0,
    "KRW": 0,
    "ISK": 0,
    "CLP": 0,
    "VND": 0,
    "KWD": 3,
    "BHD": 3,
    "OMR": 3,
    "TND": 3,
    "JOD": 3,
}


@lru_cache(maxsize=131_072)
def moment(column: TimeColumn, text: str) -> tuple[int, bool]:
    """Return (ms, the clock showed it twice). Raises ValueError: no time, finer than stated, skipped, or out of
    range."""
    local = _parsed(column, text)
    if not YEARS[0] <= local.year <= YEARS[1]:
        raise ValueError(f"expected a year of {YEARS[0]}..{YEARS[1]}, got {text!r}")
    if local.tzinfo is not None:
        return to_ms(local), False
    placed = resolve_local(local, column.zone)
    # A date means the start of its day: nobody wrote an hour that could be doubtful.
    return placed.ms, placed.ambiguous and column.precision != "day"


def _parsed(column: TimeColumn, text: str) -> datetime:
    if column.format is not None:
        try:
            return datetime.strptime(text, column.format)  # noqa: DTZ007 - placed in the mapping's zone by the caller
        except ValueError as error:
            raise ValueError(f"expected a time like {column.format}, got {text[:60]!r}") from error
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"expected an ISO 8601 time of precision {column.precision}, got {text[:60]!r}")
    stated = PRECISIONS.index(column.precision)
    parts = found.groups()[1:4]  # hours and minutes, seconds, fraction
    # An export that always writes seconds writes zeros: those state nothing finer than the column's precision.
    finer = any(part is not None and part.strip(":0") for part in parts[stated:])
    if finer or (stated > 0 and parts[0] is None):
        raise ValueError(f"expected precision {column.precision}, got {text!r}")
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expected a time that exists, got {text!r}") from error


Parse = Callable[[str], tuple[Any, bool]]


def parser_of(mapping: Mapping, rule: FieldRule) -> Parse:
    """Return the parser of one column: text -> (stored value, doubtful). It raises ValueError."""
    if rule.field.type == "list":
        single = _single(mapping, rule, rule.field.element or "string")

        def parse_list(text: str) -> tuple[Any, bool]:
            parts = [part.strip() for part in text.split(rule.separator) if part.strip()]
            if len(parts) > LIST_ITEMS_MAX:
                raise ValueError(f"expected at most {LIST_ITEMS_MAX} items, got {len(parts)}")
            read = [single(part) for part in parts]
            return [value for value, _ in read], any(doubtful for _, doubtful in read)

        return parse_list
    return _single(mapping, rule, rule.field.type)


def _single(mapping: Mapping, rule: FieldRule, type_name: str) -> Parse:
    if type_name == "string":
        return _string
    if type_name == "bool":
        return lambda text: (_bool(text, rule), False)
    if type_name == "int":
        return lambda text: (whole_number(text), False)
    if type_name == "quantity":
        return lambda text: (_scaled(text, rule.field.scale), False)
    if type_name == "money":
        currency = mapping.kind.currency or ""
        digits = _MINOR_DIGITS.get(currency, 2)
        return lambda text: ({"amount_minor": _scaled(text, digits), "currency": currency}, False)
    time = rule.time
    assert time is not None
    if type_name == "date":
        return lambda text: (_date(time, text), False)

    def instant(text: str) -> tuple[Any, bool]:
        ms, ambiguous = moment(time, text)
        return instant_text(ms), ambiguous

    return instant


def _string(text: str) -> tuple[Any, bool]:
    if len(text) > STRING_SIZE_MAX_CHARACTERS:
        raise ValueError(f"expected at most {STRING_SIZE_MAX_CHARACTERS} characters, got {len(text)}")
    return text, False


def _bool(text: str, rule: FieldRule) -> bool:
    if text in rule.true:
        return True
    if text in rule.false:
        return False
    raise ValueError(f"expected one of {', '.join(sorted(rule.true | rule.false))}, got {text[:60]!r}")


def whole_number(text: str) -> int:
    """Read an integer within +-(2^53-1). Raises ValueError."""
    if not _INT.fullmatch(text) or abs(int(text)) > INTEGER_MAX:
        raise ValueError(f"expected an integer within +-(2^53-1), got {text[:60]!r}")
    return int(text)


def _scaled(text: str, digits: int) -> int:
    """Read a decimal exactly as an integer scaled by 10^digits; more decimals than that are refused, never rounded."""
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a decimal number, got {text[:60]!r}")
    decimals = (found[3] or "").rstrip("0")
    if len(decimals) > digits:
        raise ValueError(f"expected at most {digits} decimals, got {text!r}")
    scaled: int = int(found[2]) * 10**digits + int(decimals.ljust(digits, "0") or "0")
    return -scaled if found[1] == "-" else scaled


def _date(column: TimeColumn, text: str) -> str:
    """Return the day itself: a date has no zone, and placeholder ends like 9999-12-31 are dates too."""
    if column.format is not None:
        return _parsed(column, text).date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ValueError(f"expected a date like 2026-11-23, got {text[:60]!r}") from error
