"""The quick reader accepts what the strict one accepts; any departure sends an entry to the strict one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger import canonical, codec
from ledger.book import postings
from ledger.canonical import encode
from ledger.entries import Entry
from ledger.merkle import leaf_hash
from ledger.reading import QuickReader, Run, read_entry
from tests.ledger.logs import ORIGIN, opened_log


def quickly(reader: QuickReader, data: bytes, seq: int, prev: str, at: str) -> Run | None:
    """Read one entry as a run of its own; None unless it is as expected and follows."""
    run = reader.read([data], seq)
    return run if run is not None and run.prev == prev and run.at >= at else None


def run_of(data: bytes, entry: Entry) -> Run:
    """Return what the quick reader must say of an entry."""
    moves = [(entry.seq, entry.kind, entry.body)] if postings(entry) else []
    cmd, prev, at = bytes.fromhex(entry.cmd), entry.prev, entry.at
    kinds = frozenset({entry.kind})
    return Run(entry.seq, kinds, [leaf_hash(data)], cmd, prev, at, at, moves, (entry.private,))


LINES = opened_log(40).lines
CODECS = [(canonical.json_loads, canonical.json_dumps), (codec.loads, codec.dumps)]


@pytest.mark.parametrize(("loads", "dumps"), CODECS)
def test_every_entry_of_a_whole_log_is_read_quickly(loads: Any, dumps: Any) -> None:
    reader = QuickReader(ORIGIN, loads, dumps)
    at = ""
    for data in LINES:
        entry = read_entry(data)
        assert quickly(reader, data, entry.seq, entry.prev, at) == run_of(data, entry)
        at = entry.at


AWARD = json.loads(LINES[4])
BODY = AWARD["body"]
ACTOR = AWARD["actor"]
DEPARTURES: list[dict[str, Any]] = [
    {"v": 2},
    {"v": True},
    {"log": "another.invalid"},
    {"seq": 5},
    {"prev": "0" * 64},
    {"at": "2026-11-23T08:00:02.000Z"},
    {"at": "2026-11-24"},
    {"at": 7},
    {"kind": "moon_landed"},
    {"kind": ["award_granted"]},
    {"actor": {**ACTOR, "id": 7}},
    {"actor": {**ACTOR, "more": "x"}},
    {"actor": {"id": "x", "role": "x", "vib": "x"}},
    {"actor": None},
    {"case": ""},
    {"case": 7},
    {"case": "x" * 201},
    {"cmd": "0" * 63},
    {"cmd": "G" * 64},
    {"body": {**BODY, "more": 1}},
    {"body": {name: BODY[name] for name in BODY if name != "k"}},
    {"body": {("award2" if name == "award" else name): BODY[name] for name in BODY}},
    {"body": {**BODY, "amount_tokens": "5"}},
    {"body": {**BODY, "amount_tokens": True}},
    {"body": {**BODY, "shares": [7]}},
    {"body": []},
    {"private": {"secret": "0" * 64}},
    {"private": {"message": "0" * 63}},
    {"private": []},
    {"more": 1},
]


@pytest.mark.parametrize("change", DEPARTURES, ids=range(len(DEPARTURES)))
def test_any_departure_is_left_to_the_strict_reader(change: dict[str, Any]) -> None:
    before = read_entry(LINES[3])
    for loads, dumps in CODECS:
        reader = QuickReader(ORIGIN, loads, dumps)
        assert quickly(reader, LINES[4], 4, AWARD["prev"], before.at) is not None
        assert quickly(reader, encode({**AWARD, **change}), 4, AWARD["prev"], before.at) is None


@pytest.mark.parametrize(
    "data",
    [
        LINES[4].replace(b'"k":2', b'"k":2.0'),
        LINES[4].replace(b'"k":2', b'"k":9007199254740992'),
        LINES[4].replace(b'"amount":5', b'"amount":5.5'),
        LINES[4].replace(b'"amount":5', b'"amount":NaN'),
        LINES[4].replace(b'"k":2', b'"k": 2'),
        LINES[4].replace(b'"k":2', b'"k":2,"k":2'),
        LINES[4] + b" ",
        LINES[4][:-1],
        b"\xff",
    ],
    ids=range(9),
)
def test_bytes_that_are_not_canonical_are_left_to_the_strict_reader(data: bytes) -> None:
    for loads, dumps in CODECS:
        assert quickly(QuickReader(ORIGIN, loads, dumps), data, 4, AWARD["prev"], "") is None
