"""Checkpoints: the log's signed promise "at this size the root is this", as C2SP tlog-checkpoint notes.

docs/spec/log-format.md section 6: the text, the key list, which key is in force at which size, rotation.

    ProofError
    |-- CheckpointMalformed  a note whose text is no checkpoint, or a cosignature of the wrong size
    |-- OriginMismatch       the checkpoint of another log
    `-- KeyListMalformed     keys of the log that do not follow each other
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.entries import Entry
from ledger.errors import ProofError
from ledger.merkle import HASH_SIZE_BYTES, SIZE_MAX
from ledger.notes import (
    ED25519,
    ED25519_COSIGNATURE,
    ED25519_SIGNATURE_SIZE_BYTES,
    Note,
    Sign,
    SignatureMissing,
    VerifierKey,
    Verify,
    check_note,
    decode_base64,
    encode_base64,
    parse_note,
    parse_vkey,
    sign_note,
)

LOG_KEY = "log"
"""`key_rotated.purpose` of the key that signs checkpoints."""
COSIGNATURE_TIME_SIZE_BYTES = 8


class CheckpointMalformed(ProofError):
    """The note's text is not origin, size and root. The caller asks for another copy."""


class OriginMismatch(ProofError):
    """A checkpoint of another log."""


class KeyListMalformed(ProofError):
    """The log's own entries about its key contradict each other. The log is damaged there."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Origin, size and 32-byte root of a log."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class KeySpan:
    """A log key and the first tree size at which it is in force."""

    since_size: int
    key: VerifierKey


@dataclass(frozen=True, slots=True)
class KeyList:
    """The log's keys, oldest to newest."""

    spans: tuple[KeySpan, ...]

    def listed(self) -> list[VerifierKey]:
        """Return the keys, oldest to newest."""
        return [span.key for span in self.spans]

    def in_force(self, size: int) -> VerifierKey:
        """Return the key that must sign a checkpoint of this size (the first one for an empty log)."""
        key = self.spans[0].key
        for span in self.spans:
            if span.since_size <= size:
                key = span.key
        return key

    def also_due(self, last_size: int, size: int) -> list[VerifierKey]:
        """Return the old keys that must sign too, because this checkpoint is the first to cover their rotation.

        `last_size` is the size of the checkpoint before it, 0 if there was none.
        """
        follow = zip(self.spans, self.spans[1:], strict=False)
        return [old.key for old, new in follow if last_size < new.since_size <= size and last_size > 0]

    def extended(self, entry: Entry) -> KeyList:
        """Return the list after an entry: `key_rotated` of the log key adds one, every other entry nothing.

        Raises:
            KeyListMalformed: the rotation does not start from the key in force, or repeats a key.
            KeyMalformed: the new key is no vkey.
        """
        if entry.kind != "key_rotated" or entry.body.get("purpose") != LOG_KEY:
            return self
        current = self.spans[-1].key
        if entry.body.get("old") != current.vkey():
            raise KeyListMalformed(
                f"key_rotated {entry.seq}: expected old {current.vkey()}, got {entry.body.get('old')!r}"
            )
        new = parse_vkey(str(entry.body.get("new")))
        if new.type != ED25519 or new.name != current.name or new in self.listed():
            raise KeyListMalformed(
                f"key_rotated {entry.seq}: expected a fresh Ed25519 key of {current.name}, got {new.vkey()}"
            )
        return KeyList((*self.spans, KeySpan(entry.seq + 1, new)))


def first_keys(entry: Entry) -> KeyList:
    """Return the key list that `log_opened` starts.

    Raises:
        KeyListMalformed: another kind or seq, or a key that is not named after the origin.
        KeyMalformed: no vkey.
    """
    if entry.kind != "log_opened" or entry.seq != 0:
        raise KeyListMalformed(f"entry {entry.seq}: expected log_opened at 0, got {entry.kind}")
    key = parse_vkey(str(entry.body.get("log_key")))
    if key.type != ED25519 or key.name != entry.body.get("origin"):
        raise KeyListMalformed(
            f"log_opened: expected an Ed25519 key named {entry.body.get('origin')!r}, got {key.vkey()}"
        )
    return KeyList((KeySpan(1, key),))


# ----------------------------------------------------------------------------------------------- making and opening
def parse_text(text: str) -> Checkpoint:
    """Read a checkpoint's text. Extension lines are refused: our logs write none, and not every signature covers them.

    Raises:
        CheckpointMalformed
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise CheckpointMalformed(
            f"checkpoint: expected three lines origin, size, root, got {len(lines) - 1}"
        )
    digits = lines[1]
    plain = (
        digits.isascii() and digits.isdigit() and len(digits) <= 16 and (digits == "0" or digits[0] != "0")
    )
    if not plain or int(digits) > SIZE_MAX:
        raise CheckpointMalformed(
            f"checkpoint size: expected a decimal number up to 2^53-1, got {digits[:40]!a}"
        )
    root = decode_base64(lines[2])
    if root is None or len(root) != HASH_SIZE_BYTES:
        raise CheckpointMalformed(f"checkpoint root: expected base64 of 32 bytes, got {lines[2][:80]!a}")
    return Checkpoint(lines[0], int(digits), root)


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[tuple[VerifierKey, Sign]]) -> bytes:
    """Return the signed note. The caller has asked its signing guard first, and signs by `KeyList.in_force`.

    Raises:
        OriginMismatch: a key that is not named after the origin.
    """
    for key, _ in signers:
        if key.name != checkpoint.origin:
            raise OriginMismatch(f"signing key: expected one named {checkpoint.origin}, got {key.name}")
    return sign_note(checkpoint.text(), signers).to_bytes()


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """A checkpoint whose signature holds: by which of the log's keys, and the note for its other signatures."""

    checkpoint: Checkpoint
    signed_by: tuple[VerifierKey, ...]
    note: Note


def open_checkpoint(data: bytes, origin: str, keys: KeyList, verify: Verify) -> OpenedCheckpoint:
    """Check that a note is a checkpoint of `origin`, signed by the key in force at its size.

    1. parse the note and its text   2. compare the origin   3. check the signatures of all the log's keys
    4. require the one in force
    The caller still must compare size and root with a tree, trust the key list from outside, and at a rotation
    ask for `KeyList.also_due`.

    Raises:
        NoteMalformed, CheckpointMalformed, OriginMismatch, SignatureWrong, SignatureMissing
    """
    note = parse_note(data)
    checkpoint = parse_text(note.text)
    if checkpoint.origin != origin:
        raise OriginMismatch(f"checkpoint: expected origin {origin}, got {checkpoint.origin}")
    signed = check_note(note, keys.listed(), verify)
    due = keys.in_force(checkpoint.size)
    if due not in signed:
        got = ", ".join(key.key_id.hex() for key in signed)
        raise SignatureMissing(
            f"checkpoint {checkpoint.size}: expected the key in force {due.key_id.hex()}, got {got}"
        )
    return OpenedCheckpoint(checkpoint, tuple(signed), note)


# ------------------------------------------------------------------------------------------------------ cosignatures
@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's signature over a checkpoint and a time (unix seconds, the witness's clock)."""

    witness: VerifierKey
    time: int


def cosignature_message(time: int, text: str) -> bytes:
    """Return what a cosignature/v1 signs."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def open_cosignatures(note: Note, witnesses: Sequence[VerifierKey], verify: Verify) -> list[Cosignature]:
    """Return the cosignatures of known witnesses, one per witness; unknown ones are ignored.

    Raises:
        CheckpointMalformed: a known witness's line has another size than time and signature.
        SignatureWrong: a known witness's cosignature does not verify.
    """
    known = {(key.name, key.key_id): key for key in witnesses if key.type == ED25519_COSIGNATURE}
    found: dict[bytes, Cosignature] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if len(signature.value) != COSIGNATURE_TIME_SIZE_BYTES + ED25519_SIGNATURE_SIZE_BYTES:
            raise CheckpointMalformed(
                f"cosignature of {key.name}: expected 72 bytes, got {len(signature.value)}"
            )
        time = int.from_bytes(signature.value[:COSIGNATURE_TIME_SIZE_BYTES], "big")
        verify(
            key.public_key,
            cosignature_message(time, note.text),
            signature.value[COSIGNATURE_TIME_SIZE_BYTES:],
        )
        found[key.public_key] = Cosignature(key, time)
    return list(found.values())
