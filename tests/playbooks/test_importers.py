"""CSV in: which rows are refused with which reason, which are flagged, and which files are refused as a whole."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from playbooks import documents, importers
from playbooks.calendars import instant_text
from playbooks.errors import DocumentInvalid, ImportRefused
from playbooks.importers import Reading, file_text, read_changes, read_text
from playbooks.mapping import Mapping, read_mapping
from tests.playbooks.venue import kinds

MAPPING = """\
format: 1
source: shop
kind: job
rows: records
zone: Europe/Lisbon
file:
  absent:
    - "?"
id: id
subject_key: who
changes:
  - change: opened
    at: opened
    precision: minute
  - change: done
    at: done
    precision: minute
fields:
  status:
    column: status
  opened_at:
    column: opened
    precision: minute
  value:
    column: value
  site:
    column: site
  tags:
    column: tags
    separator: "|"
  done_at:
    column: done
    known: done
    precision: minute
  rank:
    column: rank
    known: done
  day:
    column: day
    precision: day
"""
HEADER = "id,who,opened,done,status,value,site,tags,rank,day\n"
GOOD = "j1,p1,2026-07-01T10:00,2026-07-02T10:00,open,12.50,a,x|y,3,2026-07-09\n"


def mapping(text: str = MAPPING) -> Mapping:
    return read_mapping(documents.parse(text.encode(), "mapping.yaml"), kinds())


def read(tmp_path: Path, body: str | bytes, text: str = MAPPING) -> Reading:
    file = tmp_path / "data.csv"
    file.write_bytes(body if isinstance(body, bytes) else body.encode())
    return read_changes(mapping(text), file)


def test_a_row_becomes_its_changes_with_what_was_known_then(tmp_path: Path) -> None:
    opened, done = read(tmp_path, HEADER + GOOD).changes()
    assert (opened.id, opened.subject, opened.line, opened.order) == ("j1", "p1", 2, 0)
    assert instant_text(opened.event_ms) == "2026-07-01T09:00:00.000Z"  # summer time in Lisbon
    assert opened.values == {
        "status": "open", "opened_at": "2026-07-01T09:00:00.000Z", "value": {"amount_minor": 1250, "currency": "EUR"},
        "site": "a", "tags": ["x", "y"], "day": "2026-07-09",
    }  # fmt: skip
    assert done.values == {**opened.values, "done_at": "2026-07-02T09:00:00.000Z", "rank": 3}
    assert done.order == 1


BAD_ROWS = [
    (GOOD.replace("j1,", ","), "id: expected an id of 1..200 characters, got ''"),
    (GOOD.replace("j1,", "?,"), "id: expected an id"),
    (GOOD.replace("12.50", "12.505"), "value: expected at most 2 decimals, got '12.505'"),
    (GOOD.replace("12.50", "1e3"), "value: expected a decimal number, got '1e3'"),
    (GOOD.replace("12.50", "NaN"), "value: expected a decimal number"),
    (GOOD.replace("12.50", "?"), "value: expected a value (value is required), got none"),
    (GOOD.replace(",3,", ",3.0,"), "rank: expected an integer within +-(2^53-1), got '3.0'"),
    (GOOD.replace(",3,", ",99999999999999999,"), "rank: expected an integer"),
    (
        GOOD.replace("2026-07-01T10:00", "01/07/2026"),
        "opened: expected an ISO 8601 time of precision minute, got '01/07/2026'",
    ),
    (
        GOOD.replace("2026-07-01T10:00", "2026-02-30T10:00"),
        "opened: expected a time that exists, got '2026-02-30T10:00'",
    ),
    (GOOD.replace("2026-07-01T10:00", "2026-07-01"), "opened: expected precision minute, got '2026-07-01'"),
    (GOOD.replace("2026-07-01T10:00", "2026-07-01T10:00:30"), "opened: expected precision minute"),
    (GOOD.replace("2026-07-01T10:00", "2026-07-01T00:00:00.5"), "opened: expected precision minute"),
    (
        GOOD.replace("2026-07-01T10:00", "2026-03-29T01:30"),
        "opened: the local time 2026-03-29T01:30:00 does not exist in Europe/Lisbon",
    ),
    (
        GOOD.replace("2026-07-01T10:00", "?"),
        "opened: expected the time of the record's first change, got none",
    ),
    (GOOD.replace("2026-07-01T10:00", "0026-07-01T10:00"), "opened: expected a year of 1900..2200"),
    (GOOD.replace("2026-07-09", "9.7.2026"), "day: expected a date like 2026-11-23, got '9.7.2026'"),
    (GOOD.replace(",a,", "," + "a" * 4001 + ","), "site: expected at most 4000 characters, got 4001"),
    (GOOD.replace("x|y", "|".join("x" * 201)), "tags: expected at most 200 items, got 201"),
    ("j1,p1\n", "expected 10 columns, got 2"),
    (GOOD.replace("open", '"op"en'), "expected CSV, got: ',' expected after '\"'"),
    (GOOD.replace("open", "op\x00en"), "expected text, got a NUL character"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_is_refused_with_its_line_and_the_rest_imported(
    tmp_path: Path, row: str, reason: str
) -> None:
    reading = read(tmp_path, HEADER + GOOD.replace("j1", "j0") + row + GOOD.replace("j1", "j2"))
    assert [(note.line, note.reason[: len(reason)]) for note in reading.refused] == [(3, reason)]
    assert {change.id for change in reading.changes()} == {"j0", "j2"}
    assert (reading.rows, reading.refused_count) == (3, 1)


@pytest.mark.parametrize("zeros", [":00", ":00.000", ":00.000000"])
def test_parts_below_the_precision_may_be_written_as_zeros(tmp_path: Path, zeros: str) -> None:
    row = GOOD.replace("2026-07-01T10:00", f"2026-07-01T10:00{zeros}")
    reading = read(tmp_path, HEADER + row)
    assert reading.refused == []
    assert instant_text(next(reading.changes()).event_ms) == "2026-07-01T09:00:00.000Z"


def test_bytes_that_are_no_text_cost_one_row(tmp_path: Path) -> None:
    reading = read(
        tmp_path,
        (HEADER + GOOD).encode() + GOOD.replace("j1", "j2").replace("open", "ope\xe9").encode("latin-1"),
    )
    assert [(note.line, note.reason) for note in reading.refused] == [
        (3, "expected utf-8, got other bytes at character 44")
    ]
    latin = MAPPING.replace("file:\n", "file:\n  encoding: latin-1\n")
    reading = read(tmp_path, (HEADER + GOOD.replace("open", "ope\xe9")).encode("latin-1"), latin)
    assert next(reading.changes()).values["status"] == "opeé"


@pytest.mark.parametrize(
    ("row", "flag"),
    [
        (
            GOOD.replace("2026-07-01T10:00", "2025-10-26T01:30"),
            "opened: '2025-10-26T01:30' happened twice that day",
        ),
        (
            GOOD.replace("2026-07-02T10:00", "2026-06-30T10:00"),
            "done: '2026-06-30T10:00' lies before 2026-07-01T09:00:00.000Z",
        ),
    ],
)
def test_a_doubtful_row_is_flagged_and_imported(tmp_path: Path, row: str, flag: str) -> None:
    reading = read(tmp_path, HEADER + row)
    assert flag in reading.flagged[0].reason
    assert reading.flagged[0].line == 2
    assert len(list(reading.changes())) == 2


def test_quoted_line_breaks_count_as_lines(tmp_path: Path) -> None:
    long = GOOD.replace(",a,", ',"a\n\nb",')
    rows = (
        long + GOOD.replace("j1", "j2").replace("12.50", "x") + long.replace("j1", "j3").replace("12.50", "x")
    )
    reading = read(tmp_path, HEADER + rows)
    assert [note.line for note in reading.refused] == [5, 6]  # the last row stands on 6, 7 and 8
    assert [change.line for change in reading.changes()] == [2, 2]


def test_a_row_given_twice_is_one_record_and_another_content_is_refused(tmp_path: Path) -> None:
    reading = read(tmp_path, HEADER + GOOD + GOOD + GOOD.replace(",a,", ",b,"))
    assert (reading.repeated, reading.change_count) == (1, 2)
    assert [(note.line, note.reason) for note in reading.refused] == [
        (4, "j1: an earlier row says something else about the same instant")
    ]


def test_a_second_row_of_a_record_with_other_times_is_refused(tmp_path: Path) -> None:
    later = GOOD.replace("2026-07-01", "2026-08-01").replace("2026-07-02", "2026-08-02")
    reading = read(tmp_path, HEADER + GOOD + later + GOOD)
    assert [(note.line, note.reason) for note in reading.refused] == [
        (3, "j1: expected one row per record, got another one with other times (first: 2)")
    ]
    assert (reading.repeated, reading.change_count) == (1, 2)


BAD_FILES = [
    (b"", "expected a header line, got an empty file"),
    (b"id,who\n", "line 1: expected the columns opened, done, status"),
    (HEADER.encode().replace(b"who", b"id"), "line 1: expected each column once, got id more than once"),
    (HEADER.encode() + b'j1,"p1', "expected CSV, got: unexpected end of data"),
    (HEADER.encode() + b'j1,"p"x,"\nj2,"\n', "line 2: expected CSV"),  # the third quote may run on
    (
        HEADER.encode() + b'j1,"p\n\nj2,"p1",\n',
        "line 4: expected CSV, got: ',' expected after '\"', in a row that begins on line 2",
    ),
    (HEADER.encode().replace(b"who", b'"w"ho'), "line 1: expected CSV"),
    (HEADER.encode().replace(b"who", b"w\xe9o"), "line 1: expected utf-8, got other bytes at character 5"),
    (HEADER.encode("utf-16"), "line 1: expected utf-8, got other bytes at character 1"),
    (HEADER.encode() + b"x" * 100_001, "line 2: expected at most 100000 characters, got more"),
    (",".join(f"c{n}" for n in range(501)).encode(), "line 1: expected at most 500 columns, got 501"),
]


@pytest.mark.parametrize(("body", "says"), BAD_FILES)
def test_a_file_that_cannot_be_read_is_refused_whole(tmp_path: Path, body: bytes, says: str) -> None:
    with pytest.raises(ImportRefused) as caught:
        read(tmp_path, body)
    assert str(caught.value).startswith("data.csv")
    assert says in str(caught.value)


def test_gzip_is_told_by_its_bytes_and_damage_is_named(tmp_path: Path) -> None:
    whole = gzip.compress((HEADER + "".join(GOOD.replace("j1", f"j{n}") for n in range(2000))).encode())
    assert len(list(read(tmp_path, whole).changes())) == 4000
    for damaged in (whole[: len(whole) // 2], whole[:-4], whole[:40] + b"\xff" * 20 + whole[60:]):
        with pytest.raises(ImportRefused, match="gzip data is damaged or cut off after line"):
            read(tmp_path, damaged)
    file = tmp_path / "x.csv.gz"
    file.write_text(HEADER)
    with pytest.raises(ImportRefused, match="expected gzip, got other bytes"):
        read_changes(mapping(), file)
    with pytest.raises(ImportRefused, match="cannot be read"):
        read_changes(mapping(), tmp_path / "none.csv")


def test_a_file_becomes_text_with_the_encoding_it_has(tmp_path: Path) -> None:
    text = HEADER + GOOD.replace("open", "opeé")
    for encoding in ("utf-8", "latin-1", "windows-1252", "utf-16"):
        for name, data in (
            ("a.csv", text.encode(encoding)),
            ("a.csv.gz", gzip.compress(text.encode(encoding))),
        ):
            (tmp_path / name).write_bytes(data)
            assert file_text(tmp_path / name, encoding) == text
            reading = read_text(
                mapping(MAPPING.replace("file:\n", f"file:\n  encoding: {encoding}\n")), text, name
            )
            assert next(reading.changes()).values["status"] == "opeé"  # text is text, whatever the file was


UNREADABLE = [
    ("a.csv", b"", "expected a header line, got an empty file"),
    ("a.csv", b"id\nx\xe9\n", "line 2: expected utf-8, got other bytes"),
    ("a.csv.gz", b"id\n", "expected gzip, got other bytes"),
    ("a.csv.gz", gzip.compress(b"id\n" * 99, mtime=0)[:-9], "gzip data is damaged or cut off"),
    ("a.csv.gz", gzip.compress(b"id\n" * 99, mtime=0)[:12] + b"\xff" * 20, "gzip data is damaged or cut off"),
    ("a.csv.gz", gzip.compress(b"x" * 10_001, mtime=0), "expected at most 10000 bytes, got more"),
]


@pytest.mark.parametrize(("name", "data", "says"), UNREADABLE)
def test_a_file_that_is_no_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, says: str
) -> None:
    monkeypatch.setattr(importers, "FILE_SIZE_MAX_BYTES", 10_000)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ImportRefused) as caught:
        file_text(tmp_path / name, "utf-8")
    assert str(caught.value).startswith(f"{name}: ") and says in str(caught.value)


def test_a_file_that_unpacks_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importers, "FILE_SIZE_MAX_BYTES", 10_000)
    with pytest.raises(ImportRefused, match="expected at most 10000 bytes, got more"):
        read(tmp_path, gzip.compress((HEADER + GOOD * 1000).encode()))


def test_changes_come_in_order_of_known_time_also_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(
        GOOD.replace("j1", f"j{n:03d}").replace("2026-07-02T10:00", f"2026-07-{2 + n * 7 % 29:02d}T10:00")
        for n in range(100)
    )
    in_memory = list(read(tmp_path, HEADER + rows).changes())
    monkeypatch.setattr(importers, "RUN_CHANGES_MAX", 16)
    reading = read(tmp_path, HEADER + rows)
    on_disk = list(reading.changes())
    assert on_disk == in_memory == list(reading.changes())
    assert [one.known_ms for one in on_disk] == sorted(one.known_ms for one in on_disk)
    assert len(on_disk) == 200


EVENTS = """\
format: 1
source: desk
kind: job
rows: changes
zone: UTC
id: id
order: row
changes:
  - change: updated
    at: updated
    precision: minute
fields:
  status:
    column: status
  opened_at:
    column: opened
    precision: minute
  value:
    column: value
  site:
    column: site
  done_at:
    column: done
    known_from: done
    precision: minute
"""


def test_an_event_log_orders_one_instant_and_hides_columns_that_lie_ahead(tmp_path: Path) -> None:
    rows = (
        "row,id,updated,opened,status,value,site,done\n"
        "2,j,2026-07-01T10:00,2026-07-01T09:00,b,1,a,2026-07-02T10:00\n"
        "1,j,2026-07-01T10:00,2026-07-01T09:00,a,1,a,2026-07-02T10:00\n"
        "3,j,2026-07-02T10:00,2026-07-01T09:00,c,1,a,2026-07-02T10:00\n"
        "x,j,2026-07-02T11:00,2026-07-01T09:00,c,1,a,\n"
    )
    reading = read(tmp_path, rows, EVENTS)
    assert [(one.order, one.values["status"], "done_at" in one.values) for one in reading.changes()] == [
        (1, "a", False), (2, "b", False), (3, "c", True),
    ]  # fmt: skip
    assert reading.refused[0].reason == "row: expected an integer within +-(2^53-1), got 'x'"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("kind: job", "kind: jub", "unknown kind 'jub'; known kinds: crew, job"),
        (
            "  status:\n    column: status\n",
            "  statsu:\n    column: status\n",
            "unknown field 'statsu' of job; known fields",
        ),
        (
            "  site:\n    column: site\n",
            "",
            "expected a column for every required field of job, got none for site",
        ),
        (
            "    column: value\n",
            "    column: value\n    known: done\n",
            "job.value is required, so it must be known from the first change on",
        ),
        (
            "    column: value\n",
            "    column: value\n    known_from: done\n    precision: minute\n",
            "job.value is required",
        ),
        ("zone: Europe/Lisbon\n", "", "expected a `zone` here or at the top of the mapping"),
        (
            "zone: Europe/Lisbon\n",
            "zone: Lisbon\n",
            "expected an IANA time zone like Europe/Lisbon, got 'Lisbon'",
        ),
        (
            "    at: opened\n    precision: minute\n",
            "    at: opened\n",
            "expected the field 'precision', got none",
        ),
        ("rows: records", "rows: changes", "expected one change per row, got 2"),
        ("id: id\n", "id: id\norder: row\n", "leave `order` out"),
        ("change: done", "change: opened", "each with a name of its own"),
        ("known: done", "known: dun", "expected one of opened, done, got 'dun'"),
        ("subject_key: who\n", "subject_key: who\ncolour: red\n", "unknown field 'colour'; known fields"),
    ],
)
def test_mapping_refused(before: str, after: str, says: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        mapping(MAPPING.replace(before, after, 1))
    assert says in str(caught.value)
    assert str(caught.value).startswith("mapping.yaml:")
