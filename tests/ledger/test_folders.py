"""Log folders, bundles and trust policies: written, read back, and refused when changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.audit import audit
from ledger.bundles import BundleIncomplete, BundleMalformed, audit_bundle, parse_bundle, select, write_bundle
from ledger.canonical import encode
from ledger.checkpoints import Checkpoint, parse_text, sign_checkpoint
from ledger.ed25519 import Ed25519Signer, verify
from ledger.errors import TrustError
from ledger.findings import Exit
from ledger.folders import FolderFiles, FolderMalformed, FolderSource, write_log
from ledger.notes import ED25519_COSIGNATURE, VerifierKey, parse_note
from ledger.reading import read_entry
from ledger.repeats import RUN_COUNT_MAX, Repeats
from ledger.trust import TrustPolicy, parse_trust
from tests.ledger.logs import (
    CASE,
    LOG_KEY,
    LOG_SIGNER,
    ORIGIN,
    OTHER_KEY,
    OTHER_SIGNER,
    checkpoint_at,
    opened_log,
)
from tests.vectors.regenerate_record import example_bundle

LOG = opened_log(600)
TRUST = TrustPolicy(ORIGIN, (LOG_KEY,), minimum_size=600)


class Named:
    """Files in memory."""

    def __init__(self) -> None:
        older = [checkpoint_at(LOG.lines, 100)]
        newest = checkpoint_at(LOG.lines, 600)
        self.files = dict(write_log(LOG.lines, newest, [LOG_KEY.vkey()], older, LOG.opened))

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def names(self, prefix: str) -> Iterable[str]:
        return [name for name in self.files if name.startswith(prefix)]


def test_a_folder_on_disk_is_audited_whole(tmp_path: Path) -> None:
    for name, data in Named().files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    result = audit(FolderSource(FolderFiles(tmp_path)), verify, trust=TRUST)
    assert (result.exit, result.findings) == (Exit.INTACT, [])


def test_a_folder_has_the_names_of_the_specification() -> None:
    names = set(Named().files)
    assert {"checkpoint", "keys", "checkpoints/0000000000000100", "tile/0/000", "tile/0/002.p/88"} <= names
    assert {"tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88", "vault/000", "vault/002"} <= names
    assert len(names) == 3 + 4 + 3 + 3


@pytest.mark.parametrize("name", sorted(Named().files))
def test_every_file_counts(name: str) -> None:
    """A changed byte in any file is found; a lost one too, except those that a folder need not have."""
    folder = Named()
    data = bytearray(folder.files[name])
    data[len(data) // 2] ^= 1
    folder.files[name] = bytes(data)
    assert audit(FolderSource(folder), verify, trust=TRUST).exit == Exit.DAMAGED
    del folder.files[name]
    optional = name == "keys" or name.startswith(("vault/", "checkpoints/"))
    lost = audit(FolderSource(folder), verify, trust=TRUST).exit
    assert lost == (Exit.INTACT if optional else Exit.DAMAGED)


@given(st.data())
def test_a_file_of_any_bytes_gives_a_result(data: st.DataObject) -> None:
    folder = Named()
    name = data.draw(st.sampled_from(sorted(folder.files)))
    folder.files[name] = data.draw(st.binary(max_size=200))
    result = audit(FolderSource(folder), verify, trust=TRUST).exit
    optional = name.startswith("vault/") and not folder.files[name].strip(b"\n")
    assert result == Exit.DAMAGED or optional


def test_an_export_that_is_not_what_was_signed_is_refused() -> None:
    for lines in (LOG.lines[:-1], [*LOG.lines[:-1], LOG.lines[0]]):
        with pytest.raises(FolderMalformed):
            list(write_log(lines, checkpoint_at(LOG.lines, 600), [LOG_KEY.vkey()]))


# ----------------------------------------------------------------------------------------------------------- bundles
BUNDLE = write_bundle(example_bundle())


def test_a_bundle_reads_back_and_is_trusted() -> None:
    assert write_bundle(parse_bundle(BUNDLE)) == BUNDLE
    result = audit_bundle(BUNDLE, verify, trust=TrustPolicy(ORIGIN, (LOG_KEY,)))
    assert (result.exit, result.findings) == (Exit.INTACT, [])
    stranger = audit_bundle(BUNDLE, verify, trust=TrustPolicy(ORIGIN, (OTHER_KEY,)))
    assert stranger.exit == Exit.DAMAGED


@given(st.integers(0, len(BUNDLE) - 1), st.integers(0, 7))
def test_a_bundle_with_a_flipped_bit_is_never_believed(at: int, bit: int) -> None:
    data = bytearray(BUNDLE)
    data[at] ^= 1 << bit
    # A changed case, or a note by a stranger, may still be consistent; no flipped bit may leave it trusted.
    assert audit_bundle(bytes(data), verify, trust=TrustPolicy(ORIGIN, (LOG_KEY,))).exit == Exit.DAMAGED


def _known(size: int, root: bytes, origin: str = ORIGIN, signed_by: str = "log") -> bytes:
    key, signer = (LOG_KEY, LOG_SIGNER) if signed_by == "log" else (OTHER_KEY, OTHER_SIGNER)
    return sign_checkpoint(Checkpoint(origin, size, root), [(replace(key, name=origin), signer.sign)])


HEAD = parse_text(parse_note(parse_bundle(BUNDLE).checkpoint).text)
KNOWN: list[tuple[bytes, list[str], int, list[int]]] = [
    (_known(HEAD.size, HEAD.root), [], HEAD.size, []),
    (_known(HEAD.size, bytes(32)), ["root"], 0, []),
    (_known(HEAD.size + 1, bytes(32)), [], 0, [HEAD.size + 1]),
    (_known(HEAD.size - 1, bytes(32)), [], 0, [HEAD.size - 1]),
    (_known(HEAD.size, HEAD.root, "other.invalid"), ["checkpoint"], 0, []),
    (_known(HEAD.size, HEAD.root, signed_by="other"), ["checkpoint"], 0, []),
    (b"no note", ["checkpoint"], 0, []),
]


@pytest.mark.parametrize(("note", "codes", "known_size", "uncompared"), KNOWN)
def test_a_known_checkpoint_is_held_against_the_one_of_a_bundle(
    note: bytes, codes: list[str], known_size: int, uncompared: list[int]
) -> None:
    result = audit_bundle(BUNDLE, verify, known=[note])
    assert [(one.code, one.detected_by) for one in result.findings] == [(code, "known") for code in codes]
    assert (result.known_size, result.uncompared) == (known_size, uncompared)


CHANGES: list[tuple[str, Any]] = [
    ("type", "another"),
    ("award", "another award"),
    ("case", "another case"),
    ("keys", [OTHER_KEY.vkey()]),
    ("keys", [7]),
    ("entries", []),
    ("entries", 5),
    ("entries", [{"entry": {}, "proof": []}]),
    ("entries", [{"entry": 1}]),
    ("opened", [{"seq": 1}]),
    ("opened", [{"seq": 999, "path": "name", "salt": "00" * 32, "value": 1}]),
    ("checkpoint", ""),
]


@pytest.mark.parametrize(("member", "value"), CHANGES)
def test_a_changed_bundle_is_damaged(member: str, value: Any) -> None:
    data = encode({**json.loads(BUNDLE), member: value}, size_max_bytes=10**6)
    assert audit_bundle(data, verify).exit == Exit.DAMAGED


@pytest.mark.parametrize("seq", range(len(json.loads(BUNDLE)["entries"])))
def test_a_bundle_without_a_needed_entry_is_damaged(seq: int) -> None:
    value = json.loads(BUNDLE)
    kind = value["entries"].pop(seq)["entry"]["kind"]
    needed = kind in ("log_opened", "verdict_given", "decision_made", "award_granted")
    result = audit_bundle(encode(value, size_max_bytes=10**6), verify)
    assert result.exit == (Exit.DAMAGED if needed else Exit.CONSISTENT_ONLY)


@given(st.binary(max_size=80))
def test_any_bytes_are_no_bundle(data: bytes) -> None:
    with pytest.raises(BundleMalformed):
        parse_bundle(data)


def test_a_bundle_of_an_award_that_is_not_there_is_refused() -> None:
    bundle = example_bundle()
    with pytest.raises(BundleIncomplete):
        write_bundle(
            type(bundle)(bundle.log, bundle.case, "none", bundle.entries, bundle.checkpoint, bundle.keys)
        )


def test_what_a_case_rests_on_is_chosen_and_no_more() -> None:
    chosen = select(lambda: (read_entry(data) for data in LOG.lines), CASE)
    assert {entry.seq for entry in chosen if entry.case is None} == {0, 1, 2, 3}
    assert select(lambda: (read_entry(data) for data in LOG.lines), "none")[0].kind == "log_opened"


# ------------------------------------------------------------------------------------------------------ trust policy
WITNESS = VerifierKey("accountant.example", ED25519_COSIGNATURE, Ed25519Signer(bytes(32)).public_key)
POLICY = (
    f"# from the accountant\norigin {ORIGIN}\nlog {LOG_KEY.vkey()}\n\nwitness a {WITNESS.vkey()}\nquorum 1\n"
    "minimum 9\n"
)


def test_a_trust_policy_reads() -> None:
    assert parse_trust(POLICY.encode()) == TrustPolicy(ORIGIN, (LOG_KEY,), (WITNESS,), 1, 9)


def test_an_unmet_quorum_is_a_finding() -> None:
    result = audit_bundle(BUNDLE, verify, trust=TrustPolicy(ORIGIN, (LOG_KEY,), (WITNESS,), 1))
    assert [finding.code for finding in result.findings] == ["trust_witness"]


BAD_POLICIES = [
    b"",
    b"\xff",
    POLICY.replace("origin", "origins").encode(),
    POLICY.replace(f"log {LOG_KEY.vkey()}\n", "").encode(),
    POLICY.replace("quorum 1", "quorum 2").encode(),
    POLICY.replace("quorum 1", "quorum -1").encode(),
    POLICY.replace("minimum 9", "minimum 9 9").encode(),
    POLICY.replace("minimum 9", "minimum \u0669").encode(),
    POLICY.replace("log harbour", "log +harbour").encode(),
    POLICY.replace("witness a", "log").encode(),
    (POLICY + "origin twice.invalid\n").encode(),
    b"#" * 200_000,
]


@pytest.mark.parametrize("data", BAD_POLICIES, ids=range(len(BAD_POLICIES)))
def test_another_trust_policy_is_refused(data: bytes) -> None:
    with pytest.raises(TrustError):
        parse_trust(data)


# ----------------------------------------------------------------------------------------------------------- repeats
def value_of(number: int) -> bytes:
    """Return a value; those of numbers 2n and 2n+1 differ in their last byte only."""
    return (number // 2).to_bytes(8, "big") + bytes(23) + bytes([number % 2])


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 7))
def test_repeats_finds_every_value_that_came_back(values: list[int], together: int) -> None:
    first: dict[int, int] = {}
    expected = []
    with Repeats() as seen:
        for number, value in enumerate(values):
            if value in first and values[number - 1] != value:
                expected.append((value_of(value), first[value], number))
            first.setdefault(value, number)
        for at in range(0, len(values), together):
            seen.add(b"".join(map(value_of, values[at : at + together])))
        assert list(seen.found()) == expected


def test_repeats_finds_across_runs_on_disk() -> None:
    size = 2 * RUN_COUNT_MAX
    with Repeats() as seen:
        for number in range(0, size + 10, 10):
            numbers = (sha256(b"%d" % (at % size)).digest() for at in range(number, number + 10))
            seen.add(b"".join(numbers)[: 32 * (size + 10 - number)])
        assert [(one, two) for _, one, two in seen.found()] == [(at, at + size) for at in range(10)]


def test_a_value_that_cannot_be_told_is_no_repeat() -> None:
    with Repeats() as seen:
        seen.skip()
        seen.add(value_of(5))
        seen.skip()
        seen.add(value_of(5) + value_of(7) + value_of(5))
        assert list(seen.found()) == [(value_of(5), 1, 5)]
