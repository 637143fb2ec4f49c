"""The few numbers of a watch that can be changed in place: lengths of time, and thresholds that are plain literals.

    dials(content)           what can be turned, in the order of the file, with its value now
    turned(content, given)   the same watch with other numbers: a new version, with a digest of its own

Pure. Whatever else a watch says stays as it was written; the format and the compiler judge the result.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

WITHIN, LEAD, FRESH, LENGTH, LIMIT = "within", "lead", "fresh", "length", "limit"
COUNT_MAX = 999_999
"""Of a length of time, in its unit, and of a threshold."""
EXPRESSIONS = ("when", "expect", "assert", "unless", "due", "until")
ELAPSED, ANY = ("m", "h"), ("m", "h", "d", "w")

_SPAN = re.compile(r"([1-9][0-9]{0,5})(m|h|d|w)")
_LENGTH = re.compile(r"duration\('([1-9][0-9]{0,5})(m|h)'\)")
_LIMIT = re.compile(r"(?<![\w.])([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*) *(>=|<=|>|<) *([0-9]{1,6})(?![\w.'])")


@dataclass(frozen=True, slots=True)
class Dial:
    """One number: `path` leads to its text in the content, `start` to `end` is its place in that text.

    `units` are the units a length of time may have, none for a plain number; `about` is the source or field, `sign` how
    a threshold is compared.
    """

    role: str
    path: tuple[str | int, ...]
    start: int
    end: int
    count: int
    unit: str
    units: tuple[str, ...]
    about: str = ""
    sign: str = ""


def dials(content: Mapping[str, Any]) -> tuple[Dial, ...]:
    """Return what can be turned."""
    signal = content["signal"]
    in_calendar = ELAPSED if "calendar" in signal else ANY
    found = [
        *_span(content, ("signal", "within"), WITHIN, in_calendar),
        *_span(content, ("signal", "lead"), LEAD, ANY),
    ]
    for name in EXPRESSIONS:
        found += _in_expression(content, ("signal", name))
    found += _in_expression(content, ("signal", "match", "filter"))
    for place, need in enumerate(content.get("needs") or ()):
        found += _span(content, ("needs", place, "fresh_within"), FRESH, ANY, str(need["source"]))
    return tuple(found)


def _at(content: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(content, Mapping) and step not in content:
            return None
        content = content[step]
    return content


def _span(
    content: Mapping[str, Any],
    path: tuple[str | int, ...],
    role: str,
    units: tuple[str, ...],
    about: str = "",
) -> Iterator[Dial]:
    text = _at(content, path)
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is not None:
        yield Dial(role, path, 0, len(found[0]), int(found[1]), found[2], units, about)


def _in_expression(content: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Dial]:
    text = _at(content, path)
    if not isinstance(text, str):
        return
    for found in _LENGTH.finditer(text):
        yield Dial(
            LENGTH, path, found.start(1), found.end(2), int(found[1]), found[2], ELAPSED, str(path[-1])
        )
    for found in _LIMIT.finditer(text):
        yield Dial(LIMIT, path, found.start(3), found.end(3), int(found[3]), "", (), found[1], found[2])


def turned(content: Mapping[str, Any], given: Mapping[int, tuple[int, str]]) -> dict[str, Any]:
    """Return the content with other numbers: place in `dials` -> (count, unit).

    Raises:
        ValueError: no such number, one out of range, or a unit that it cannot have; says expected and got.
    """
    new = copy.deepcopy(dict(content))
    known = dials(content)
    unknown = sorted(set(given) - set(range(len(known))))
    if unknown:
        raise ValueError(f"expected numbers 0 to {len(known) - 1}, got {unknown}")
    for place in sorted(given, key=lambda one: -known[one].start):  # from the right: places further left stay
        dial, (count, unit) = known[place], given[place]
        least = 1 if dial.units else 0
        if not least <= count <= COUNT_MAX:
            raise ValueError(f"expected a number from {least} to {COUNT_MAX}, got {count}")
        if unit not in (dial.units or ("",)):
            raise ValueError(f"expected a unit of {', '.join(dial.units) or 'none'}, got {unit!r}")
        holder = _at(new, dial.path[:-1])
        text = str(holder[dial.path[-1]])
        holder[dial.path[-1]] = f"{text[: dial.start]}{count}{unit}{text[dial.end :]}"
    return new
