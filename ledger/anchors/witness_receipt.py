"""The receipt of a witness: its cosignature over a checkpoint, checked offline. docs/spec/anchoring.md section 3.

A cosignature (C2SP tlog-cosignature, cosignature/v1) signs the checkpoint's text and the witness's time, and says:
this is the largest tree of this log that I have seen, and it continues the one before.

    ProofError
    `-- CosignatureMissing   not one line of this witness (others: notes.py, checkpoints.py)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.checkpoints import Checkpoint, Cosignature, open_cosignatures
from ledger.errors import ProofError
from ledger.notes import Note, VerifierKey, Verify, parse_note

VERSION = 1
LINE_CHARS_MAX = 1000


class CosignatureMissing(ProofError):
    """The receipt does not hold one cosignature of this witness over this checkpoint."""


def cosignature_of(text: str, checkpoint: Checkpoint, witness: VerifierKey, verify: Verify) -> Cosignature:
    """Return the cosignature of the witness that stands among signature lines over a checkpoint's text.

    Lines of other keys are ignored, as C2SP asks.

    Raises:
        CosignatureMissing: the witness has no line.
        NoteMalformed: something that is no signature line.
        CheckpointMalformed, SignatureWrong: its line is another size, or does not verify over this checkpoint.
    """
    note = parse_note(f"{checkpoint.text()}\n{text}".encode())
    found = open_cosignatures(note, [witness], verify)
    if not found:
        got = ", ".join(f"{one.name}+{one.key_id.hex()}" for one in note.signatures)[:300]
        raise CosignatureMissing(
            f"cosignature: expected one of {witness.name}+{witness.key_id.hex()}, got {got}"
        )
    return found[0]


def line_of(text: str, checkpoint: Checkpoint, witness: VerifierKey) -> str:
    """Return the witness's last line among those over a checkpoint, without its newline: the one that is believed."""
    note: Note = parse_note(f"{checkpoint.text()}\n{text}".encode())
    mine = [one for one in note.signatures if (one.name, one.key_id) == (witness.name, witness.key_id)]
    return mine[-1].line().rstrip("\n")


def check_witness_receipt(
    receipt: Mapping[str, Any], checkpoint: Checkpoint, witness: VerifierKey, verify: Verify
) -> Cosignature:
    """Return what a witness's receipt proves about a checkpoint of this size and root: its cosignature, with its time.

    The caller still must compare size and root with a tree that it computed itself, and trust the witness's key.

    Raises:
        CosignatureMissing: other members or another version, more than one line, or a line of somebody else.
        NoteMalformed, CheckpointMalformed, SignatureWrong
    """
    line = receipt.get("cosignature")
    if receipt.keys() != {"v", "cosignature"} or receipt["v"] != VERSION or type(line) is not str:
        raise CosignatureMissing(
            f"receipt: expected v 1 and a cosignature, got {sorted(map(str, receipt))!a:.200}"
        )
    if len(line) > LINE_CHARS_MAX or "\n" in line:
        raise CosignatureMissing(
            f"cosignature: expected one line of at most {LINE_CHARS_MAX} characters, got {line!a:.80}"
        )
    return cosignature_of(f"{line}\n", checkpoint, witness, verify)
