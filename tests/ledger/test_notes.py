"""Signed notes, checkpoints, key rotation, cosignatures and tlog-proofs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.checkpoints import (
    Checkpoint,
    CheckpointMalformed,
    KeyList,
    KeyListMalformed,
    KeySpan,
    OriginMismatch,
    cosignature_message,
    first_keys,
    open_checkpoint,
    open_cosignatures,
    parse_text,
    sign_checkpoint,
)
from ledger.ed25519 import Ed25519Signer, verify
from ledger.entries import Actor, Entry
from ledger.errors import LedgerError, ProofError
from ledger.merkle import RootMismatch, inclusion_proof, leaf_hash, nodes_over
from ledger.notes import (
    ED25519_COSIGNATURE,
    KeyMalformed,
    Note,
    NoteMalformed,
    Signature,
    SignatureMissing,
    SignatureWrong,
    VerifierKey,
    check_note,
    parse_note,
    parse_vkey,
)
from ledger.proofs import ProofTextMalformed, TlogProof, check_proof, parse_proof
from tests.ledger.logs import (
    LOG_KEY,
    LOG_SIGNER,
    NEXT_KEY,
    NEXT_SIGNER,
    ORIGIN,
    OTHER_KEY,
    OTHER_SIGNER,
    checkpoint_at,
    opened_log,
)

# The example of C2SP signed-note v1.0.0.
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXs"
    "YjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

KEYS = KeyList((KeySpan(1, LOG_KEY),))
LINES = opened_log(12).lines
NOTE = checkpoint_at(LINES, 12)


def test_the_note_of_the_specification_verifies() -> None:
    key = parse_vkey(C2SP_VKEY)
    assert key.vkey() == C2SP_VKEY
    note = parse_note(C2SP_NOTE)
    assert check_note(note, [key], verify) == [key]
    assert note.to_bytes() == C2SP_NOTE
    with pytest.raises(SignatureWrong):
        check_note(Note("This is an example message!\n", note.signatures), [key], verify)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "example.com/foo+530d903b" + C2SP_VKEY[24:],
        C2SP_VKEY[:-4],
        "a b+00000000+AQ==",
        "+00000000+AQ==",
    ],
)
def test_other_vkeys_are_refused(text: str) -> None:
    with pytest.raises(KeyMalformed):
        parse_vkey(text)


GOOD = NOTE.decode()
BAD_NOTES = [
    b"",
    b"text\n",
    b"text\n\n",
    NOTE[:-1],
    NOTE.replace(b"\n\n", b"\n"),
    NOTE + b"\xff",
    NOTE.replace(b"harbour", b"har\tbour", 1),
    NOTE.replace("\u2014".encode(), b"-"),
    GOOD.replace("\u2014 ", "\u2014  ").encode(),
    NOTE[:-6] + b"!!!!=\n",
    NOTE[:-2] + b"\n",
    b"\n\n" + "\u2014 a AAAA\n".encode(),
    b"text\n\n" + "\u2014 a AAAAAAAA\n".encode() * 101,
]


@pytest.mark.parametrize("data", BAD_NOTES, ids=range(len(BAD_NOTES)))
def test_other_bytes_are_no_note(data: bytes) -> None:
    with pytest.raises(NoteMalformed):
        parse_note(data)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_any_bytes_give_a_note_that_round_trips_or_our_own_error(data: bytes) -> None:
    for parse in (parse_note, parse_proof):
        try:
            parsed: Any = parse(data)
        except LedgerError:
            continue
        assert parse(parsed.to_bytes()) == parsed


def test_unknown_signatures_are_ignored_and_16_are_accepted() -> None:
    note = parse_note(NOTE)
    strangers = tuple(Signature(f"w{at}", b"abcd", bytes(64)) for at in range(16))
    crowded = Note(note.text, (*strangers, *note.signatures)).to_bytes()
    assert open_checkpoint(crowded, ORIGIN, KEYS, verify).signed_by == (LOG_KEY,)
    with pytest.raises(SignatureMissing):
        open_checkpoint(Note(note.text, strangers).to_bytes(), ORIGIN, KEYS, verify)


BAD_TEXTS = [
    "",
    f"{ORIGIN}\n1\n",
    f"{ORIGIN}\n01\n{'A' * 43}=\n",
    f"{ORIGIN}\n-1\n{'A' * 43}=\n",
    f"{ORIGIN}\n\u0663\n{'A' * 43}=\n",
    f"{ORIGIN}\n99999999999999999\n{'A' * 43}=\n",
    f"{ORIGIN}\n9999999999999999\n{'A' * 43}=\n",
    f"{ORIGIN}\n1\n{'A' * 42}==\n",
    f"{ORIGIN}\n1\n{'A' * 42}B=\n",
    f"{ORIGIN}\n1\nAAAA\n",
    f"\n1\n{'A' * 43}=\n",
    f"{ORIGIN}\n1\n{'A' * 43}=\nextension\n",
]


@pytest.mark.parametrize("text", BAD_TEXTS, ids=range(len(BAD_TEXTS)))
def test_other_texts_are_no_checkpoint(text: str) -> None:
    with pytest.raises(CheckpointMalformed):
        parse_text(text)


def test_a_checkpoint_reads_back() -> None:
    checkpoint = Checkpoint(ORIGIN, 0, bytes(32))
    assert parse_text(checkpoint.text()) == checkpoint


def test_a_checkpoint_of_another_log_or_key_is_refused() -> None:
    with pytest.raises(OriginMismatch):
        open_checkpoint(NOTE, "another.invalid", KEYS, verify)
    with pytest.raises(SignatureMissing):
        open_checkpoint(checkpoint_at(LINES, 12, (OTHER_KEY, OTHER_SIGNER)), ORIGIN, KEYS, verify)
    with pytest.raises(OriginMismatch):
        sign_checkpoint(Checkpoint("another.invalid", 1, bytes(32)), [(LOG_KEY, LOG_SIGNER.sign)])


# --------------------------------------------------------------------------------------------------------- rotation
def rotation(seq: int, old: str, new: str) -> Entry:
    body = {"purpose": "log", "old": old, "new": new}
    return Entry(1, ORIGIN, seq, "", "key_rotated", Actor("a", "b", "c"), None, body, {}, "", "")


ROTATED = KEYS.extended(rotation(6, LOG_KEY.vkey(), NEXT_KEY.vkey()))
IN_FORCE = [(0, LOG_KEY), (1, LOG_KEY), (6, LOG_KEY), (7, NEXT_KEY), (12, NEXT_KEY)]


@pytest.mark.parametrize(("size", "key"), IN_FORCE)
def test_the_key_in_force_changes_with_the_size_that_covers_the_rotation(size: int, key: VerifierKey) -> None:
    assert ROTATED.in_force(size) == key
    signer = LOG_SIGNER if key == LOG_KEY else NEXT_SIGNER
    right = sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), [(key, signer.sign)])
    assert open_checkpoint(right, ORIGIN, ROTATED, verify).signed_by == (key,)
    other, other_signer = (NEXT_KEY, NEXT_SIGNER) if key == LOG_KEY else (LOG_KEY, LOG_SIGNER)
    wrong = sign_checkpoint(Checkpoint(ORIGIN, size, bytes(32)), [(other, other_signer.sign)])
    with pytest.raises(SignatureMissing):
        open_checkpoint(wrong, ORIGIN, ROTATED, verify)


def test_the_first_checkpoint_after_a_rotation_is_due_from_both() -> None:
    assert ROTATED.also_due(6, 7) == [LOG_KEY]
    assert ROTATED.also_due(7, 12) == []
    assert ROTATED.also_due(2, 6) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OTHER_KEY.vkey(), NEXT_KEY.vkey()),
        (LOG_KEY.vkey(), LOG_KEY.vkey()),
        (LOG_KEY.vkey(), C2SP_VKEY),
        (LOG_KEY.vkey(), VerifierKey(ORIGIN, ED25519_COSIGNATURE, NEXT_KEY.public_key).vkey()),
    ],
)
def test_a_rotation_that_does_not_follow_is_refused(old: str, new: str) -> None:
    with pytest.raises(KeyListMalformed):
        KEYS.extended(rotation(6, old, new))


def test_the_key_list_starts_with_log_opened() -> None:
    with pytest.raises(KeyListMalformed):
        first_keys(rotation(0, "", ""))


# ----------------------------------------------------------------------------------------------------- cosignatures
def test_a_cosignature_covers_time_and_text() -> None:
    made = Ed25519Signer(bytes(32))
    witness = VerifierKey("accountant.example", ED25519_COSIGNATURE, made.public_key)
    note = parse_note(NOTE)
    value = (1_790_000_000).to_bytes(8, "big") + made.sign(cosignature_message(1_790_000_000, note.text))
    cosigned = Note(note.text, (*note.signatures, Signature(witness.name, witness.key_id, value)))
    assert open_checkpoint(cosigned.to_bytes(), ORIGIN, KEYS, verify).checkpoint.size == 12
    [cosignature] = open_cosignatures(cosigned, [witness], verify)
    assert (cosignature.witness, cosignature.time) == (witness, 1_790_000_000)
    assert open_cosignatures(note, [witness], verify) == []
    for wrong in (value[:-1], bytes([1]) + value[1:]):
        bad = Note(note.text, (Signature(witness.name, witness.key_id, wrong),))
        with pytest.raises(ProofError):
            open_cosignatures(bad, [witness], verify)


# ------------------------------------------------------------------------------------------------------- tlog-proof
def proof_of(index: int) -> TlogProof:
    nodes = nodes_over([leaf_hash(data) for data in LINES])
    return TlogProof(index, tuple(inclusion_proof(index, 12, nodes)), NOTE)


@pytest.mark.parametrize("index", range(12))
def test_a_tlog_proof_reads_back_and_checks(index: int) -> None:
    proof = parse_proof(proof_of(index).to_bytes())
    assert proof == proof_of(index)
    assert check_proof(proof, LINES[index], ORIGIN, KEYS, verify).checkpoint.size == 12
    with pytest.raises(RootMismatch):
        check_proof(proof, LINES[index] + b" ", ORIGIN, KEYS, verify)


TEXT = proof_of(5).to_bytes()
BAD_PROOFS = [
    b"",
    TEXT.replace(b"@v1", b"@v2"),
    TEXT.replace(b"index 5", b"index 05"),
    TEXT.replace(b"index 5", b"index x"),
    TEXT.replace(b"index 5\n", b""),
    TEXT.replace(b"index 5\n", b"index 5\nAAAA\n"),
    TEXT.replace(b"index 5\n", b"index 5\n!\n"),
    TEXT.replace(b"index 5\n", b"extra ?\nindex 5\n"),
    TEXT.replace(b"\n\n", b"\n"),
    TEXT.replace(b"index 5", "index \u0665".encode()),
]


@pytest.mark.parametrize("data", BAD_PROOFS, ids=range(len(BAD_PROOFS)))
def test_other_text_is_no_tlog_proof(data: bytes) -> None:
    with pytest.raises(ProofTextMalformed):
        parse_proof(data)
        check_proof(parse_proof(data), LINES[5], ORIGIN, KEYS, verify)


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 7))
def test_a_tlog_proof_with_a_flipped_bit_is_never_believed(at: int, bit: int) -> None:
    data = bytearray(TEXT)
    data[at] ^= 1 << bit
    with pytest.raises(LedgerError):
        check_proof(parse_proof(bytes(data)), LINES[5], ORIGIN, KEYS, verify)
