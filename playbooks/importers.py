"""Reading a CSV file (plain or .gz) into record changes, in order of known time, with bounded memory.

    reading = read_changes(mapping, path)      the whole file is read and checked once
    reading.refused, reading.flagged           rows with line number and reason; the rest goes on
    for change in reading.changes(): ...       sorted; more than RUN_CHANGES_MAX are sorted on disk

A bad row is refused and the rest imported. A file that cannot be read as a whole (cut off, wrong header, too large) is
refused before anything is yielded, so nothing is ever half imported. A row given twice is one record; a row that says
something else about the same version, or about the one record of an earlier row, is refused.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import heapq
import io
import marshal
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

from playbooks.calendars import instant_text
from playbooks.cells import moment, parser_of, whole_number
from playbooks.errors import ImportRefused
from playbooks.mapping import Mapping, TimeColumn
from playbooks.world import RecordChange

FILE_SIZE_MAX_BYTES = 2 * 1024**3
"""After decompression: a small .gz may hold a large file."""
LINE_SIZE_MAX_CHARACTERS = 100_000
COLUMNS_MAX = 500
RUN_CHANGES_MAX = 200_000
"""Changes held in memory before they are sorted and put aside on disk."""
SHOWN_ROWS_MAX = 1_000
"""Refused and flagged rows kept with their reasons; all are counted."""
ID_SIZE_MAX_CHARACTERS = 200
GZIP_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class RowNote:
    """A row that was refused or flagged: physical line number in the file (the header is 1) and the reason."""

    line: int
    reason: str


@dataclass(slots=True)
class Reading:
    """One file, read. `digest` is the hex SHA-256 of its bytes as stored."""

    digest: str = ""
    rows: int = 0
    repeated: int = 0
    refused: list[RowNote] = field(default_factory=list)
    refused_count: int = 0
    flagged: list[RowNote] = field(default_factory=list)
    flagged_count: int = 0
    change_count: int = 0
    _kind: str = ""
    _runs: list[IO[bytes]] = field(default_factory=list)
    _last: list[tuple[Any, ...]] = field(default_factory=list)

    def changes(self) -> Iterator[RecordChange]:
        """Yield the changes sorted by (known time, event time, order, line). May be called again when done."""
        for known, event, order, line, record, values, subject in heapq.merge(*self._parts()):
            yield RecordChange(self._kind, record, event, known, order, marshal.loads(values), subject, line)

    def _parts(self) -> list[Iterator[tuple[Any, ...]]]:
        return [*(_stored(run) for run in self._runs), iter(self._last)]

    def refuse(self, line: int, reason: str) -> None:
        """Count a refused row and keep its reason."""
        self.refused_count += 1
        if len(self.refused) < SHOWN_ROWS_MAX:
            self.refused.append(RowNote(line, reason))

    def flag(self, line: int, reason: str) -> None:
        """Count a row that was imported although something about it is doubtful."""
        self.flagged_count += 1
        if len(self.flagged) < SHOWN_ROWS_MAX:
            self.flagged.append(RowNote(line, reason))

    def add(self, rows: list[tuple[Any, ...]]) -> None:
        """Take the changes of one row; puts a sorted run aside when memory is full."""
        self._last.extend(rows)
        self.change_count += len(rows)
        if len(self._last) >= RUN_CHANGES_MAX:
            self._last.sort()
            run = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the reading
            for row in self._last:
                marshal.dump(row, run)
            run.flush()
            self._runs.append(run)
            self._last = []

    def close(self) -> None:
        """Sort what is still in memory; the reading is complete."""
        self._last.sort()


def _stored(run: IO[bytes]) -> Iterator[tuple[Any, ...]]:
    """Read one sorted run back from its beginning; one reader at a time, because they share the file's position."""
    with open(run.fileno(), "rb", closefd=False, buffering=1 << 20) as source:
        source.seek(0)
        while True:
            try:
                yield marshal.load(source)
            except EOFError:
                return


# ---------------------------------------------------------------------------------------------- the file
def read_changes(mapping: Mapping, path: Path) -> Reading:
    """Read and check a whole file.

    Raises:
        ImportRefused: the file cannot be read as a whole; the text names the line where known. Nothing was imported.
    """
    try:
        with path.open("rb") as raw:
            return read_stream(mapping, raw, path.name)
    except OSError as error:
        raise ImportRefused(f"{path.name}: cannot be read: {error.strerror or error}") from error


def read_stream(mapping: Mapping, raw: IO[bytes], name: str) -> Reading:
    """Read and check an open binary file, gzip or plain by its first bytes. Raises ImportRefused, OSError."""
    digest = hashlib.file_digest(cast(Any, raw), "sha256").hexdigest()
    reading = Reading(digest=digest, _kind=mapping.kind.name)
    lines = _Lines(_unpacked(raw, name), mapping.encoding, name)
    try:
        _read_rows(mapping, lines, reading, name)
    except GZIP_DAMAGE as error:
        raise ImportRefused(
            f"{name}: gzip data is damaged or cut off after line {lines.count}: {error}"
        ) from error
    except UnicodeError as error:
        raise ImportRefused(
            f"{name}: after line {lines.count}: expected {mapping.encoding}, got other bytes"
        ) from error
    reading.close()
    return reading


def read_text(mapping: Mapping, text: str, name: str) -> Reading:
    """Read and check the text of a file; whoever sent it has unpacked and decoded it. Raises ImportRefused."""
    return read_stream(
        replace(mapping, encoding="utf-8"), io.BytesIO(text.encode()), name.removesuffix(".gz")
    )


def file_text(path: Path, encoding: str) -> str:
    """Return the text of a file, gzip or plain by its first bytes, for a door that takes text.

    Raises:
        ImportRefused: unreadable, empty, damaged, too large, or other bytes than `encoding`; names the line.
    """
    try:
        with path.open("rb") as raw:
            data = io.BufferedReader(_Limited(_unpacked(raw, path.name), path.name)).read()
    except GZIP_DAMAGE as error:
        raise ImportRefused(f"{path.name}: gzip data is damaged or cut off: {error}") from error
    except OSError as error:
        raise ImportRefused(f"{path.name}: cannot be read: {error.strerror or error}") from error
    if not data:
        raise ImportRefused(f"{path.name}: expected a header line, got an empty file")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ImportRefused(f"{path.name}: line {line}: expected {encoding}, got other bytes") from error


def _unpacked(raw: IO[bytes], name: str) -> Any:
    raw.seek(0)
    zipped = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    if not zipped and name.endswith(".gz"):
        raise ImportRefused(f"{name}: expected gzip, got other bytes")
    return gzip.GzipFile(fileobj=raw) if zipped else raw


class _Lines:
    """Text lines of a binary file, decoded one by one, so that one bad line costs one row and not the file."""

    def __init__(self, source: Any, encoding: str, name: str) -> None:
        self._name = name
        self.count = 0
        self.last = ""
        self.bad: dict[int, str] = {}
        self._text = io.TextIOWrapper(
            io.BufferedReader(_Limited(source, name), 1 << 16), encoding, errors="surrogateescape", newline=""
        )

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(LINE_SIZE_MAX_CHARACTERS + 1):
            self.count += 1
            if len(line) > LINE_SIZE_MAX_CHARACTERS:
                raise ImportRefused(
                    f"{self._name}: line {self.count}: expected at most {LINE_SIZE_MAX_CHARACTERS} characters, got more"
                )
            if self.count == 1:
                line = line.removeprefix("\ufeff")
            if not line.isascii():
                self._check(line)
            if "\x00" in line:
                self.bad.setdefault(self.count, "expected text, got a NUL character")
                line = line.replace("\x00", "")
            self.last = line
            yield line

    def _check(self, line: str) -> None:
        try:
            line.encode("utf-8")
        except UnicodeEncodeError as error:
            self.bad[self.count] = (
                f"expected {self._text.encoding}, got other bytes at character {error.start + 1}"
            )


class _Limited(io.RawIOBase):
    """Counts decompressed bytes against FILE_SIZE_MAX_BYTES."""

    def __init__(self, source: Any, name: str) -> None:
        self._source = source
        self._name = name
        self._left = FILE_SIZE_MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise ImportRefused(f"{self._name}: expected at most {FILE_SIZE_MAX_BYTES} bytes, got more")
        buffer[: len(data)] = data
        return len(data)


def _read_rows(mapping: Mapping, lines: _Lines, reading: Reading, name: str) -> None:
    rows = _rows(mapping, lines, reading, name)
    header = next(rows, None)
    if header is None:
        raise ImportRefused(f"{name}: expected a header line, got an empty file")
    if lines.bad:
        line, reason = min(lines.bad.items())
        raise ImportRefused(f"{name}: line {line}: {reason}")
    places = _places(mapping, header[1], name)
    read_row = _RowReader(mapping, places, reading).read
    width = len(header[1])
    kept = _Kept(mapping.rows == "records", reading)
    for line, row in rows:
        if not row:
            continue
        reading.rows += 1
        if lines.bad and (
            reason := next((lines.bad[n] for n in range(line, lines.count + 1) if n in lines.bad), "")
        ):
            reading.refuse(line, reason)
            continue
        if len(row) != width:
            reading.refuse(line, f"expected {width} columns, got {len(row)}")
            continue
        try:
            found = read_row(row, line)
        except _RowRefused as error:
            reading.refuse(line, str(error))
            continue
        kept.keep(found, line)


def _rows(mapping: Mapping, lines: _Lines, reading: Reading, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line it begins on; a row over several lines is named by its first.

    A row with a misplaced quote is refused alone if its end is beyond doubt: it stands on one line and that line's
    quotes come in pairs. Otherwise nobody can tell which of the following lines belong to it, and the file is refused.
    """
    csv.field_size_limit(LINE_SIZE_MAX_CHARACTERS)
    rows = csv.reader(lines, delimiter=mapping.delimiter, strict=True)
    while True:
        line = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            begun = "" if line == rows.line_num else f", in a row that begins on line {line}"
            if line == 1 or begun or lines.last.count('"') % 2:
                raise ImportRefused(
                    f"{name}: line {rows.line_num}: expected CSV, got: {error}{begun}"
                ) from error
            reading.rows += 1
            reading.refuse(line, f"expected CSV, got: {error}")
            continue
        yield line, row


def _places(mapping: Mapping, header: list[str], name: str) -> dict[str, int]:
    if len(header) > COLUMNS_MAX:
        raise ImportRefused(f"{name}: line 1: expected at most {COLUMNS_MAX} columns, got {len(header)}")
    places = {column: place for place, column in enumerate(header)}
    if len(places) != len(header):
        twice = sorted({column for column in header if header.count(column) > 1})
        raise ImportRefused(
            f"{name}: line 1: expected each column once, got {', '.join(twice)} more than once"
        )
    lacking = [column for column in mapping.columns if column not in places]
    if lacking:
        raise ImportRefused(
            f"{name}: line 1: expected the columns {', '.join(lacking)}, got: {', '.join(header)[:1000]}"
        )
    return places


class _Kept:
    """What was kept so far, so that a row given twice is one record and a contradiction is refused."""

    def __init__(self, one_row_each: bool, reading: Reading) -> None:
        """`one_row_each`: a file with one row per record, so a second row of an id can only repeat the first."""
        self._reading = reading
        self._one_row_each = one_row_each
        self._contents: dict[bytes, bytes] = {}
        self._lines: dict[str, int] = {}

    def keep(self, found: list[tuple[Any, ...]], line: int) -> None:
        """Keep a row's changes unless they are there already; refuse what contradicts an earlier row."""
        digests = []
        for _, event, order, _, record, values, _ in found:
            key = hashlib.blake2b(f"{record}\x00{event}\x00{order}".encode(), digest_size=16).digest()
            digests.append((key, hashlib.blake2b(values, digest_size=16).digest()))
        known = [self._contents.get(key) for key, _ in digests]
        name = found[0][4]
        if any(was is not None and was != content for was, (_, content) in zip(known, digests, strict=True)):
            self._reading.refuse(line, f"{name}: an earlier row says something else about the same instant")
            return
        fresh = [change for was, change in zip(known, found, strict=True) if was is None]
        if not fresh:
            self._reading.repeated += 1
            return
        if self._one_row_each:
            first = self._lines.setdefault(name, line)
            if first != line:
                self._reading.refuse(
                    line,
                    f"{name}: expected one row per record, got another one with other times (first: {first})",
                )
                return
        self._contents.update(digests)
        self._reading.add(fresh)


# ---------------------------------------------------------------------------------------------- one row
class _RowRefused(Exception):
    """This row cannot be imported; the text says expected and got."""


class _RowReader:
    """Turns one row into its changes. Values are parsed once per row, whatever the number of changes."""

    def __init__(self, mapping: Mapping, places: dict[str, int], reading: Reading) -> None:
        self._mapping = mapping
        self._reading = reading
        self._places = places
        self._absent = mapping.absent
        self._id = places[mapping.id_column]
        self._subject = places[mapping.subject_column] if mapping.subject_column else None
        self._order = places[mapping.order_column] if mapping.order_column else None
        self._parsers = [
            (rule.field.name, places[rule.column], parser_of(mapping, rule), rule) for rule in mapping.fields
        ]
        self._later = [(rule.field.name, rule.known) for rule in mapping.fields if rule.known > 0]
        self._from = [
            (rule.field.name, places[rule.known_from.column], rule.known_from)
            for rule in mapping.fields
            if rule.known_from is not None
        ]

    def read(self, row: list[str], line: int) -> list[tuple[Any, ...]]:
        """Return the row's changes. Raises _RowRefused."""
        record = row[self._id].strip()
        if record in self._absent or len(record) > ID_SIZE_MAX_CHARACTERS:
            raise _RowRefused(
                f"{self._mapping.id_column}: expected an id of 1..{ID_SIZE_MAX_CHARACTERS} characters, "
                f"got {record[:60]!r}"
            )
        subject = row[self._subject].strip() if self._subject is not None else ""
        order = self._order_of(row)
        times = self._times(row, line)
        values = self._values(row, line)
        found: list[tuple[Any, ...]] = []
        for place, event, known in times:
            version = self._version(values, times, place, event, row, line)
            stored = marshal.dumps(version, 2)
            found.append(
                (
                    known,
                    event,
                    place if order is None else order,
                    line,
                    record,
                    stored,
                    subject if subject not in self._absent else None,
                )
            )
        return found

    def _order_of(self, row: list[str]) -> int | None:
        if self._order is None:
            return None
        try:
            return whole_number(row[self._order].strip())
        except ValueError as error:
            raise _RowRefused(f"{self._mapping.order_column}: {error}") from error

    def _times(self, row: list[str], line: int) -> list[tuple[int, int, int]]:
        """Return (place, event, known) of the changes this row has; a change without a time has not happened."""
        found: list[tuple[int, int, int]] = []
        for place, rule in enumerate(self._mapping.changes):
            text = row[self._places[rule.at.column]].strip()
            if text in self._absent:
                if place == 0:
                    raise _RowRefused(
                        f"{rule.at.column}: expected the time of the record's first change, got none"
                    )
                continue
            event = self._instant(rule.at, text, line)
            known = event
            if rule.known_at is not None:
                known_text = row[self._places[rule.known_at.column]].strip()
                known = (
                    event if known_text in self._absent else self._instant(rule.known_at, known_text, line)
                )
            if found and event < found[0][1]:
                self._reading.flag(
                    line,
                    f"{rule.at.column}: {text!r} lies before {instant_text(found[0][1])}, "
                    "when the record began; taken as of then",
                )
                event, known = found[0][1], max(known, found[0][1])
            if known < event:
                raise _RowRefused(
                    f"{rule.at.column}: known {instant_text(known)}, before it happened, {instant_text(event)}"
                )
            found.append((place, event, known))
        return found

    def _values(self, row: list[str], line: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, place, parse, rule in self._parsers:
            text = row[place].strip()
            if text in self._absent:
                if not rule.field.optional and rule.field.type != "list":
                    raise _RowRefused(f"{rule.column}: expected a value ({name} is required), got none")
                continue
            try:
                value, doubtful = parse(text)
            except ValueError as error:
                raise _RowRefused(f"{rule.column}: {error}") from error
            if doubtful:
                self._reading.flag(
                    line, f"{rule.column}: {text!r} happened twice that day; the earlier one was taken"
                )
            values[name] = value
        return values

    def _version(
        self,
        values: dict[str, Any],
        times: list[tuple[int, int, int]],
        place: int,
        event: int,
        row: list[str],
        line: int,
    ) -> dict[str, Any]:
        """Return what was known at one change: fields of changes that happened by then, in their declared order."""
        version = dict(values)
        if self._later:
            happened = {other for other, at, _ in times if (at, other) <= (event, place)}
            for name, known in self._later:
                if known not in happened:
                    version.pop(name, None)
        for name, column, known_from in self._from:
            if name in version:
                text = row[column].strip()
                if text in self._absent or self._instant(known_from, text, line) > event:
                    del version[name]
        return version

    def _instant(self, column: TimeColumn, text: str, line: int) -> int:
        try:
            ms, ambiguous = moment(column, text)
        except ValueError as error:
            raise _RowRefused(f"{column.column}: {error}") from error
        if ambiguous:
            self._reading.flag(
                line, f"{column.column}: {text!r} happened twice that day; the earlier one was taken"
            )
        return ms
