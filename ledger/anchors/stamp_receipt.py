"""The receipt of a time authority: an RFC 3161 token over a published checkpoint. docs/spec/anchoring.md section 3.

The receipt keeps the TimeStampToken; what reads and checks tokens (casework/time_tokens.py) takes the whole answer it
came in, TimeStampResp, so one is put around it and taken off again. The check itself is an argument: it needs trusted
root certificates, and a library.

    ProofError
    `-- StampWrong
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.errors import ProofError
from ledger.notes import decode_base64, encode_base64

VERSION = 1
TOKEN_SIZE_MAX_BYTES = 16 * 1024
_GRANTED = bytes.fromhex("3003020100")
"""PKIStatusInfo with the status 0, granted, and nothing else (RFC 3161 section 2.4.2)."""
_SEQUENCE = 0x30


class StampWrong(ProofError):
    """A time-stamp token does not hold over these bytes. The caller trusts nothing of it."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """What a token says that holds: whose clock, and its time as an instant of the record."""

    authority: str
    policy: str
    at: str


CheckStamp = Callable[[bytes, bytes], Stamped]
"""(TimeStampResp in DER, the bytes that were stamped) -> what it says. Raises StampWrong."""


def receipt_of(token: bytes) -> dict[str, Any]:
    """Return the receipt of a TimeStampToken in DER."""
    return {"v": VERSION, "token": encode_base64(token)}


def check_stamp_receipt(receipt: Mapping[str, Any], note: bytes, check: CheckStamp) -> Stamped:
    """Return what a receipt says of a note as it was published.

    The caller still must trust the roots that `check` goes by, and compare the note's size and root with a tree that
    it computed itself.

    Raises:
        StampWrong: other members or another version, no token, or one that does not hold over the note.
    """
    if receipt.keys() != {"v", "token"} or receipt["v"] != VERSION or type(receipt["token"]) is not str:
        raise StampWrong(f"receipt: expected v 1 and a token, got {sorted(map(str, receipt))!a:.200}")
    token = decode_base64(receipt["token"])
    if not token or len(token) > TOKEN_SIZE_MAX_BYTES:
        got = "no base64" if token is None else f"{len(token)} bytes"
        raise StampWrong(f"token: expected base64 of 1 to {TOKEN_SIZE_MAX_BYTES} bytes, got {got}")
    return check(answer_around(token), note)


def answer_around(token: bytes) -> bytes:
    """Return a TimeStampResp with the status granted and this token."""
    return bytes([_SEQUENCE]) + _length(len(_GRANTED) + len(token)) + _GRANTED + token


def token_in(answer: bytes) -> bytes:
    """Return the TimeStampToken of a TimeStampResp: whatever follows its status.

    Raises:
        StampWrong: it is no DER SEQUENCE of two.
    """
    start, end = _content(answer, 0)
    _, status_end = _content(answer, start)
    if status_end == end == len(answer):
        raise StampWrong("time stamp: expected a token, got a refusal without one")
    _, token_end = _content(answer, status_end)
    if end != len(answer) or token_end != end:
        raise StampWrong("time stamp: expected a TimeStampResp of status and token, got another")
    return answer[status_end:]


def _content(data: bytes, at: int) -> tuple[int, int]:
    """Return start and end of the content of the SEQUENCE at `at`, lengths in DER."""
    head = data[at : at + 2]
    if len(head) < 2 or head[0] != _SEQUENCE:
        raise StampWrong(f"time stamp: expected a SEQUENCE at byte {at}, got {head.hex() or 'the end'}")
    start, size = at + 2, head[1]
    if size >= 0x80:
        width = size - 0x80
        size = int.from_bytes(data[start : start + width], "big")
        start += width
        if not 0 < width <= 3 or data[at + 1 : start] != _length(size):
            raise StampWrong(f"time stamp: expected a length in DER at byte {at + 1}, got another")
    if start + size > len(data):
        raise StampWrong(f"time stamp: expected {size} bytes from byte {start}, got {len(data) - start}")
    return start, start + size


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    digits = size.to_bytes(4, "big").lstrip(b"\x00")
    return bytes([0x80 + len(digits)]) + digits
