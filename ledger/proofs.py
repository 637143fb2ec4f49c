"""One entry's proof as a text file: C2SP tlog-proof v1. docs/spec/log-format.md section 7.

c2sp.org/tlog-proof@v1
extra <base64>            (optional, not authenticated)
index <N>
<base64 hash>             (leaf to root, none for a tree of one)
<empty line>
<checkpoint note>

ProofError
`-- ProofTextMalformed   text that is no tlog-proof
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.checkpoints import KeyList, OpenedCheckpoint, open_checkpoint
from ledger.errors import ProofError
from ledger.merkle import HASH_SIZE_BYTES, SIZE_MAX, check_inclusion, leaf_hash
from ledger.notes import NOTE_SIZE_MAX_BYTES, Verify, decode_base64, encode_base64

HEADER = "c2sp.org/tlog-proof@v1"
HASHES_MAX_COUNT = 63


class ProofTextMalformed(ProofError):
    """Text that is no tlog-proof. The caller asks for another copy."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """Leaf index, sibling hashes from leaf to root, the checkpoint note as published, unauthenticated extra bytes."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def to_bytes(self) -> bytes:
        """Return the file."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {encode_base64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [encode_base64(item) for item in self.hashes]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint


def parse_proof(data: bytes) -> TlogProof:
    """Read a tlog-proof without checking it.

    Raises:
        ProofTextMalformed
    """
    if len(data) > NOTE_SIZE_MAX_BYTES:
        raise ProofTextMalformed(f"tlog-proof: expected at most {NOTE_SIZE_MAX_BYTES} bytes, got {len(data)}")
    head, gap, checkpoint = data.partition(b"\n\n")
    if not gap or not head.isascii():
        raise ProofTextMalformed(
            "tlog-proof: expected ASCII lines, an empty line and a checkpoint, got something else"
        )
    lines = head.decode("ascii").split("\n")
    if lines.pop(0) != HEADER:
        raise ProofTextMalformed(f"tlog-proof: expected first line {HEADER}, got another")
    extra: bytes | None = None
    if lines and lines[0].startswith("extra "):
        extra = _decoded(lines.pop(0)[6:])
    digits = lines.pop(0).removeprefix("index ") if lines and lines[0].startswith("index ") else ""
    if (
        not digits.isdigit()
        or len(digits) > 16
        or (digits != "0" and digits[0] == "0")
        or int(digits) > SIZE_MAX
    ):
        raise ProofTextMalformed(f"tlog-proof: expected 'index <decimal>', got {digits[:40]!a}")
    if len(lines) > HASHES_MAX_COUNT:
        raise ProofTextMalformed(f"tlog-proof: expected at most {HASHES_MAX_COUNT} hashes, got {len(lines)}")
    hashes = tuple(_decoded(line) for line in lines)
    for item in hashes:
        if len(item) != HASH_SIZE_BYTES:
            raise ProofTextMalformed(f"tlog-proof hash: expected {HASH_SIZE_BYTES} bytes, got {len(item)}")
    return TlogProof(int(digits), hashes, checkpoint, extra)


def _decoded(text: str) -> bytes:
    data = decode_base64(text)
    if data is None:
        raise ProofTextMalformed(f"tlog-proof: expected base64, got {text[:80]!a}")
    return data


def check_proof(
    proof: TlogProof, entry: bytes, origin: str, keys: KeyList, verify: Verify
) -> OpenedCheckpoint:
    """Check that `entry` (canonical bytes) stands in the log at the proof's index; return its checkpoint.

    1. open the checkpoint   2. hash the entry   3. check inclusion under the checkpoint's size and root
    The caller still must trust `keys` from outside, and compare the entry's own seq with the index.

    Raises:
        ProofError: any of the subclasses of notes.py, checkpoints.py and merkle.py.
    """
    opened = open_checkpoint(proof.checkpoint, origin, keys, verify)
    size, root = opened.checkpoint.size, opened.checkpoint.root
    check_inclusion(proof.index, size, leaf_hash(entry), root, proof.hashes)
    return opened
