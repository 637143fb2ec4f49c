"""Finding a value that comes back later in a stream longer than memory. The integrity audit uses it for `cmd`.

Values go to a temporary file as they come. Of each only the first 8 bytes are sorted, as numbers: in runs, on disk, and
then in one merge. Where such a number occurs twice, which no honest log of hashes does, the file of values is read once
more and whole values are compared. Memory stays at one run and a block of each written one, whatever the number of
values; on disk a value takes 40 bytes.
"""

from __future__ import annotations

import operator
import struct
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import compress
from types import TracebackType
from typing import IO

VALUE_SIZE_BYTES = 32
RUN_COUNT_MAX = 16_384
SUSPECTS_COUNT_MAX = 1_000
"""More only repeat the same damage."""

_PARTS = VALUE_SIZE_BYTES // 8
_BLOCK_COUNT = 1_024


class Repeats:
    """Collects 32-byte values, numbered from 0, and tells which came back. Use as a context manager.

    Equal values next to each other count as one.
    """

    def __init__(self) -> None:
        self._values: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._runs: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._run: list[int] = []
        self._spans: list[tuple[int, int]] = []  # where each sorted run begins and ends, in bytes
        self._last = b""

    def __enter__(self) -> Repeats:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._values.close()
        self._runs.close()

    def add(self, values: bytes) -> None:
        """Note some values, one after the other, no more than a run at a time.

        Raises OSError: the disk of temporary files is full.
        """
        self._values.write(values)
        whole = _cut(values)
        begins = map(operator.ne, whole, [self._last, *whole])
        self._run += compress(_numbers(values)[::_PARTS], begins)
        self._last = whole[-1] if whole else self._last
        if len(self._run) >= RUN_COUNT_MAX:
            self._spill()

    def skip(self) -> None:
        """Count one value that cannot be told as equal to the one before."""
        if self._last:
            self.add(self._last)
        else:
            self._values.write(bytes(VALUE_SIZE_BYTES))

    def _spill(self) -> None:
        self._run.sort()
        at = self._runs.seek(0, 2)
        self._runs.write(array("Q", self._run).tobytes())
        self._spans.append((at, at + 8 * len(self._run)))
        self._run = []

    def _blocks(self, start: int, end: int) -> Iterator[list[int]]:
        for at in range(start, end, 8 * _BLOCK_COUNT):
            self._runs.seek(at)
            yield array("Q", self._runs.read(min(end - at, 8 * _BLOCK_COUNT))).tolist()

    def _sorted(self) -> Iterator[list[int]]:
        """Yield all numbers in order, in lists: of every run so much as no number still unread can come before."""
        self._run.sort()
        runs = [iter([self._run]), *(self._blocks(start, end) for start, end in self._spans)]
        held = [(next(run, []), run) for run in runs]
        while held := [(block, run) for block, run in held if block]:
            bound = min(block[-1] for block, _ in held)
            merged: list[int] = []
            for at, (block, run) in enumerate(held):
                cut = bisect_right(block, bound)
                merged += block[:cut]
                held[at] = (block[cut:] or next(run, []), run)
            merged.sort()
            yield merged

    def _suspects(self) -> set[int]:
        """Return the numbers that occur more than once."""
        found: set[int] = set()
        last = -1
        for numbers in self._sorted():
            if numbers[0] == last or len(set(numbers)) < len(numbers):
                found.update(
                    one for one, other in zip([last, *numbers], numbers, strict=False) if one == other
                )
                if len(found) > SUSPECTS_COUNT_MAX:
                    break
            last = numbers[-1]
        return found

    def found(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield (value, number of its first occurrence, number of a later one), in the order they came back."""
        suspects = self._suspects()
        if not suspects:
            return
        first: dict[bytes, int] = {}
        self._values.seek(0)
        number, last = 0, b""
        while values := self._values.read(_BLOCK_COUNT * VALUE_SIZE_BYTES):
            for value, begin in zip(_cut(values), _numbers(values)[::_PARTS], strict=True):
                if value != last and begin in suspects:
                    if value in first:
                        yield value, first[value], number
                    else:
                        first[value] = number
                last = value
                number += 1


def _cut(values: bytes) -> list[bytes]:
    return [values[at : at + VALUE_SIZE_BYTES] for at in range(0, len(values), VALUE_SIZE_BYTES)]


def _numbers(values: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(values) // 8}Q", values)
