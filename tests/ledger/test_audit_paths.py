"""Three ways through one audit say the same of any damage: strict entry by entry, in runs, in runs on two processes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import ahead, codec
from ledger.audit import audit
from ledger.canonical import encode
from ledger.columns import column_test
from ledger.ed25519 import verify
from ledger.entries import FIELD_TYPES, KINDS
from ledger.errors import CanonicalError, EntryInvalid
from ledger.findings import FINDINGS_MAX_COUNT, Exit, Result
from ledger.folders import FolderFiles, FolderSource, write_log
from ledger.merkle import leaf_hash
from ledger.reading import QuickReader, read_entry
from ledger.tiles import pack_bundle
from tests.ledger.logs import LOG_KEY, ORIGIN, Held, checkpoint_at, opened_log, tiles_of

WHOLE = opened_log(300)
INTACT = Held.of(WHOLE, 100, 256)
LONG = opened_log(600)
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**53,
    1.0,
    "",
    "x",
    "é",
    "0" * 64,
    "G" * 64,
    "x" * 201,
    [],
    {},
    ["x"],
    [7],
]
VALUES += [
    {"x": 1},
    {"amount_minor": 1, "currency": "EUR"},
    "2026-11-23T08:00:02.000Z",
    "2026-11-24",
    "2" * 24,
]


def never(reader: QuickReader, lines: object, seq: int) -> None:
    """Stand for a quick reader that leaves everything to the strict one."""


def said(result: Result) -> tuple[Any, ...]:
    """Return everything a result says; of one entry, the order of findings is nobody's promise."""
    findings = sorted((f.code, f.what, f.seq or -1, f.detected_by) for f in result.findings)
    first = result.first
    if len(findings) == FINDINGS_MAX_COUNT:
        findings = []  # there were more, and which are left depends on their order
    return (
        result.exit,
        findings,
        first and first.seq,
        result.root,
        result.size,
        result.signed_size,
        result.registry,
    )


def both(held: Held) -> tuple[Result, Result]:
    quick = audit(held, verify, loads=codec.loads, dumps=codec.dumps)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QuickReader, "read", never)
        return quick, audit(held, verify, loads=codec.loads, dumps=codec.dumps)


@st.composite
def changed_line(draw: st.DrawFn, data: bytes) -> bytes:
    """Damage one entry: a bit, a member, a field of the body, a private path, or its spelling."""
    how = draw(st.sampled_from(["bit", "member", "body", "private", "actor", "spaces", "cut", "none"]))
    if how == "bit":
        at, bit = draw(st.integers(0, len(data) - 1)), draw(st.integers(0, 7))
        return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
    if how in ("spaces", "cut", "none"):
        return {"spaces": data + b" ", "cut": data[:-1], "none": b"{}"}[how]
    value = json.loads(data)
    inside = value if how == "member" else value[how]
    name = draw(st.sampled_from([*sorted(inside), "more"]))
    inside[name] = draw(st.sampled_from(VALUES))
    if draw(st.booleans()):
        del inside[name]
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@st.composite
def damaged(draw: st.DrawFn) -> Held:
    """A log of 300 entries with a few entries changed, lost, doubled or swapped; perhaps chained and signed anew."""
    held = replace(INTACT, lines=list(WHOLE.lines))
    for _ in range(draw(st.integers(1, 3))):
        # Near the ends of runs and tiles as often as anywhere.
        seq = draw(st.sampled_from([0, 1, 4, 127, 128, 255, 256, 257, 290]) | st.integers(0, 290))
        how = draw(st.sampled_from(["change", "change", "change", "delete", "double", "swap"]))
        if how == "change":
            held.lines[seq] = draw(changed_line(held.lines[seq]))
        elif how == "delete":
            del held.lines[seq]
        elif how == "double":
            held.lines.insert(seq, held.lines[seq])
        else:
            held.lines[seq : seq + 2] = held.lines[seq : seq + 2][::-1]
    if draw(st.booleans()):
        _chain_anew(held)
    if draw(st.booleans()):
        held.tiles = tiles_of(held.lines) if draw(st.booleans()) else None
        held.notes = [checkpoint_at(held.lines, len(held.lines))]
    return held


def _chain_anew(held: Held) -> None:
    """Make every link fit where the entry can be read, so that only what is inside the entries is wrong."""
    for at in range(1, len(held.lines)):
        try:
            read_entry(held.lines[at])
        except (CanonicalError, EntryInvalid):
            continue
        finally:
            prev = leaf_hash(held.lines[at - 1]).hex()
        if f'"prev":"{prev}"'.encode() not in held.lines[at]:
            held.lines[at] = encode({**json.loads(held.lines[at]), "prev": prev})


@given(damaged())
def test_runs_and_single_entries_give_the_same_answer(held: Held) -> None:
    quick, strict = both(held)
    assert said(quick) == said(strict)


def test_the_whole_log_is_read_in_runs() -> None:
    """Else the property above would compare the strict way with itself."""
    reader = QuickReader(ORIGIN, codec.loads, codec.dumps)
    run = reader.read(WHOLE.lines[1:], 1)
    assert run is not None and len(run.leaves) == 299 and len(run.moves) > 50
    quick, strict = both(INTACT)
    assert said(quick) == said(strict) and quick.exit == Exit.CONSISTENT_ONLY


def test_a_registry_that_lacks_the_kinds_is_said_by_both() -> None:
    first = json.loads(WHOLE.lines[0])
    first["body"]["registry"] = 0
    held = Held([encode(first), *WHOLE.lines[1:20]], [])
    _chain_anew(held)
    quick, strict = both(held)
    assert said(quick) == said(strict)
    assert {finding.code for finding in quick.findings} == {"kind_unknown"}


# ------------------------------------------------------------------------------------------------------------ columns
@pytest.mark.parametrize(
    "type_name", sorted({name for kind in KINDS.values() for name in kind.fields.values()})
)
@given(values=st.lists(st.sampled_from(VALUES), max_size=4))
def test_a_column_passes_if_each_value_does(type_name: str, values: list[Any]) -> None:
    single = FIELD_TYPES[type_name.removesuffix("?")]
    each = all(
        (value is None and type_name.endswith("?")) or (single(value) and value != 2**53) for value in values
    )
    try:
        passed = column_test(type_name)(values)
    except (TypeError, ValueError, AttributeError):
        passed = False
    assert passed == each


# ------------------------------------------------------------------------------------------------------ two processes
def folder_of(place: Path, lines: list[bytes]) -> FolderSource:
    for name, data in write_log(lines, checkpoint_at(lines, len(lines)), [LOG_KEY.vkey()]):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return FolderSource(FolderFiles(place), codec.loads, codec.dumps)


def audited(source: FolderSource, patch: pytest.MonkeyPatch, *, helped: bool) -> Result:
    patch.setattr("ledger.audit.is_worth_it", lambda size: helped)
    return audit(source, verify, loads=codec.loads, dumps=codec.dumps)


def keep(bundle: Path) -> None:
    """Damage nothing."""


def edit(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes().replace(b'"via":"test"', b'"via":"tost"', 1))


def cut_off(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-5])


def remove(bundle: Path) -> None:
    bundle.unlink()


def swap(bundle: Path) -> None:
    bundle.write_bytes(pack_bundle([*LONG.lines[257:255:-1], *LONG.lines[258:512]]))


@pytest.mark.parametrize("happen", [keep, edit, cut_off, remove, swap])
@pytest.mark.parametrize("index", [0, 1])
def test_a_second_process_changes_no_answer(
    happen: Any, index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = folder_of(tmp_path, LONG.lines)
    happen(tmp_path / f"tile/entries/00{index}")
    alone, helped = (audited(source, monkeypatch, helped=helped) for helped in (False, True))
    assert (alone.findings, said(alone)) == (helped.findings, said(helped))
    assert bool(alone.findings) == (happen is not keep)


def test_the_death_of_the_second_process_changes_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit(0)

    source = folder_of(tmp_path, LONG.lines)
    monkeypatch.setattr(ahead, "_help", die)
    assert audited(source, monkeypatch, helped=True).exit == Exit.CONSISTENT_ONLY


@pytest.mark.parametrize(
    ("size", "cores", "answer"),
    [(10**6, 2, True), (10**6, 1, False), (100, 2, False), (None, 2, False)],
)
def test_a_second_process_is_started_only_where_it_helps(
    size: int | None, cores: int, answer: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr("threading.active_count", lambda: 1)
    assert ahead.is_worth_it(size) is answer
    monkeypatch.setattr("threading.active_count", lambda: 2)
    assert ahead.is_worth_it(size) is False
