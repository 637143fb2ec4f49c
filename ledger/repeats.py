"""Finding a value that occurs twice in a stream longer than memory: sorted runs in a temporary file, then one merge.

The integrity audit uses it for `cmd`. Memory stays at one run, whatever the number of entries; on disk a value takes
40 bytes.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO

VALUE_SIZE_BYTES = 32
_RECORD_SIZE_BYTES = VALUE_SIZE_BYTES + 8
RUN_COUNT_MAX = 16_384
_READ_COUNT = 256


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

    def add(self, value: bytes, number: int) -> None:
        """Note one value. Raises OSError: the disk of temporary files is full."""
        self._run.append(value + number.to_bytes(8, "big"))
        if len(self._run) == RUN_COUNT_MAX:
            self._spill()

    def _spill(self) -> None:
        self._run.sort()
        at = self._file.seek(0, 2)
        self._file.write(b"".join(self._run))
        self._starts.append((at, at + len(self._run) * _RECORD_SIZE_BYTES))
        self._run = []

    def _records(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            self._file.seek(start)
            chunk = self._file.read(min(end - start, _READ_COUNT * _RECORD_SIZE_BYTES))
            start += len(chunk)
            for at in range(0, len(chunk), _RECORD_SIZE_BYTES):
                yield chunk[at : at + _RECORD_SIZE_BYTES]

    def found(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield (value, number of its first occurrence, number of a later one), by value."""
        self._run.sort()
        runs = [self._records(start, end) for start, end in self._starts]
        last, first = b"", 0
        for record in heapq.merge(self._run, *runs) if runs else self._run:
            value, number = record[:VALUE_SIZE_BYTES], int.from_bytes(record[VALUE_SIZE_BYTES:], "big")
            if value == last:
                yield value, first, number
            else:
                last, first = value, number
