"""Strict reading of decoded JSON: exact members, exact types, named limits; every refusal says path, expected and got.

A `Reader` walks one value and raises the error class it was made with: inputs and policies share one strictness.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from verifiers.errors import VerifierError

ID_CHARS_MAX = 200
TEXT_CHARS_MAX = 2_000
INTEGER_MAX = 2**53 - 1
SHOWN_CHARS_MAX = 80
MS_PER_SECOND = 1_000

T = TypeVar("T")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_ms(text: str) -> int:
    """Return milliseconds since 1970 of `2026-11-23T16:10:00.000Z`.

    Raises:
        ValueError: any other form, or a day that does not exist.
    """
    # Not datetime.fromisoformat: it reads week dates too, and newer Pythons read more than older ones.
    if _INSTANT.fullmatch(text) is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, ms = (int(part) for part in re.split("[-T:.Z]", text)[:7])
    delta = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * MS_PER_SECOND + ms


@dataclass(frozen=True, slots=True)
class Reader:
    """A value and where it stands; each method returns it typed or raises `error`."""

    value: Any
    path: str
    error: type[VerifierError]

    def refuse(self, expected: str) -> VerifierError:
        """Return (for `raise`) the refusal of this value."""
        shown = ascii(self.value)
        if len(shown) > SHOWN_CHARS_MAX:
            shown = shown[:SHOWN_CHARS_MAX] + "..."
        return self.error(f"{self.path}: expected {expected}, got {shown}")

    def members(self, *names: str) -> Mapping[str, Reader]:
        """Read an object that has exactly these members."""
        if type(self.value) is not dict:
            raise self.refuse("an object")
        unknown = sorted(str(name) for name in self.value.keys() - set(names))
        missing = sorted(set(names) - self.value.keys())
        if unknown or missing:
            raise self.error(
                f"{self.path}: expected exactly the members {sorted(names)}, got unknown {unknown}, missing {missing}"
            )
        return {name: Reader(self.value[name], f"{self.path}.{name}", self.error) for name in names}

    def entries(self, count_max: int) -> list[tuple[str, Reader]]:
        """Read an object whose member names are data (ids, fields), in name order."""
        if type(self.value) is not dict or len(self.value) > count_max:
            raise self.refuse(f"an object of at most {count_max} members")
        for name in self.value:
            if type(name) is not str or not 0 < len(name) <= ID_CHARS_MAX:
                raise self.refuse(f"member names of 1 to {ID_CHARS_MAX} characters")
        return [
            (name, Reader(self.value[name], f"{self.path}.{name}", self.error)) for name in sorted(self.value)
        ]

    def items(self, count_max: int, count_min: int = 0) -> list[Reader]:
        """Read a list of count_min..count_max items."""
        if type(self.value) is not list or not count_min <= len(self.value) <= count_max:
            raise self.refuse(f"a list of {count_min} to {count_max} items")
        return [Reader(item, f"{self.path}[{index}]", self.error) for index, item in enumerate(self.value)]

    def maybe(self, read: Callable[[Reader], T]) -> T | None:
        """Read null as None, anything else with `read`."""
        return None if self.value is None else read(self)

    def integer(self, low: int = 0, high: int = INTEGER_MAX) -> int:
        """Read an integer in low..high (never a bool)."""
        if type(self.value) is not int or not low <= self.value <= high:
            raise self.refuse(f"an integer from {low} to {high}")
        return self.value

    def boolean(self) -> bool:
        """Read true or false."""
        if type(self.value) is not bool:
            raise self.refuse("true or false")
        return self.value

    def text(self, chars_max: int = TEXT_CHARS_MAX) -> str:
        """Read a text of 0..chars_max characters."""
        if type(self.value) is not str or len(self.value) > chars_max:
            raise self.refuse(f"a text of at most {chars_max} characters")
        return self.value

    def id(self) -> str:
        """Read an id: 1..200 characters."""
        if type(self.value) is not str or not 0 < len(self.value) <= ID_CHARS_MAX:
            raise self.refuse(f"an id of 1 to {ID_CHARS_MAX} characters")
        return self.value

    def one_of(self, choices: Collection[str]) -> str:
        """Read one of the listed words."""
        if type(self.value) is not str or self.value not in choices:
            raise self.refuse(f"one of {sorted(choices)}")
        return self.value

    def digest(self) -> str:
        """Read a SHA-256 as 64 lower-case hex digits."""
        if type(self.value) is not str or len(self.value) != 64 or self.value.strip("0123456789abcdef"):
            raise self.refuse("64 lower-case hex digits")
        return self.value

    def instant(self) -> int:
        """Read an RFC 3339 UTC instant with milliseconds as milliseconds since 1970."""
        if type(self.value) is not str:
            raise self.refuse("an instant like 2026-11-23T16:10:00.000Z")
        try:
            return instant_ms(self.value)
        except ValueError:
            raise self.refuse("an instant like 2026-11-23T16:10:00.000Z") from None
