"""Finding a value that occurs twice in a stream longer than memory: sorted runs in a temporary file, then one merge.

The integrity audit uses it for `cmd`. Memory stays at one run and a block of each written one, whatever the number of
entries; on disk a value takes 40 bytes. Sorting and merging is `list.sort` over many records at a time.
"""

from __future__ import annotations

import operator
import struct
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import IO

VALUE_SIZE_BYTES = 32
_RECORD_SIZE_BYTES = VALUE_SIZE_BYTES + 8
RUN_COUNT_MAX = 16_384
_BLOCK_COUNT = 1_024

_number_bytes = struct.Struct(">Q").pack


class Repeats:
    """Collects (32-byte value, number) and tells the values that came twice. Use as a context manager."""

    def __init__(self) -> None:
        self._run: list[bytes] = []
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._starts: list[tuple[int, int]] = []

    def __enter__(self) -> Repeats:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, values: Iterable[bytes], numbers: Iterable[int]) -> None:
        """Note values, each with its number; no more than a run at a time.

        Raises OSError: the disk of temporary files is full.
        """
        self._run += map(operator.add, values, map(_number_bytes, numbers))
        if len(self._run) >= RUN_COUNT_MAX:
            self._spill()

    def _spill(self) -> None:
        self._run.sort()
        at = self._file.seek(0, 2)
        self._file.write(b"".join(self._run))
        self._starts.append((at, at + len(self._run) * _RECORD_SIZE_BYTES))
        self._run = []

    def _blocks(self, start: int, end: int) -> Iterator[list[bytes]]:
        while start < end:
            self._file.seek(start)
            chunk = self._file.read(min(end - start, _BLOCK_COUNT * _RECORD_SIZE_BYTES))
            start += len(chunk)
            yield [chunk[at : at + _RECORD_SIZE_BYTES] for at in range(0, len(chunk), _RECORD_SIZE_BYTES)]

    def _sorted(self) -> Iterator[list[bytes]]:
        """Yield all records in order, in lists: of every run so much as no record still unread can come before."""
        self._run.sort()
        runs = [iter([self._run]), *(self._blocks(start, end) for start, end in self._starts)]
        held: list[tuple[list[bytes], Iterator[list[bytes]]]] = [(next(run, []), run) for run in runs]
        while held := [(block, run) for block, run in held if block]:
            bound = min(block[-1] for block, _ in held)
            merged: list[bytes] = []
            for at, (block, run) in enumerate(held):
                cut = bisect_right(block, bound)
                merged += block[:cut]
                held[at] = (block[cut:] or next(run, []), run)
            merged.sort()
            yield merged

    def found(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield (value, number of its first occurrence, number of a later one), by value."""
        last, first = b"", 0
        for records in self._sorted():
            values = [record[:VALUE_SIZE_BYTES] for record in records]
            if len(set(values)) == len(values) and values[0] != last:
                last, first = values[-1], _number(records[-1])
                continue
            for value, record in zip(values, records, strict=True):
                if value == last:
                    yield value, first, _number(record)
                else:
                    last, first = value, _number(record)


def _number(record: bytes) -> int:
    return int.from_bytes(record[VALUE_SIZE_BYTES:], "big")
