"""A credential as text short enough for a code on paper: `TSB1:` and base45 (RFC 9285) of its packed canonical bytes.

Nothing is looked up anywhere: the whole signed document is in the code. docs/spec/credential.md section 7.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from casework.data_integrity import DOCUMENT_SIZE_MAX_BYTES, ProofRefused
from ledger.canonical import encode

PREFIX = "TSB1:"
TEXT_CHARS_MAX = 4_296
"""What the largest code holds in its alphanumeric mode (ISO/IEC 18004, table 7)."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE = {char: value for value, char in enumerate(_DIGITS)}


def to_text(document: Mapping[str, Any]) -> str:
    """Return a credential as text.

    Raises:
        ValueError: it is too long for any code.
    """
    packed = zlib.compress(encode(dict(document), size_max_bytes=DOCUMENT_SIZE_MAX_BYTES), 9)
    text = PREFIX + base45(packed)
    if len(text) > TEXT_CHARS_MAX:
        raise ValueError(f"badge: expected at most {TEXT_CHARS_MAX} characters, got {len(text)}")
    return text


def from_text(text: str) -> bytes:
    """Return the canonical bytes behind a text; whether they are a credential that holds is badges.check's to say.

    Raises:
        ProofRefused: text.
    """
    packed = from_base45(text.strip().removeprefix(PREFIX)) if len(text) <= 2 * TEXT_CHARS_MAX else None
    if packed is None or not text.startswith(PREFIX):
        raise ProofRefused("text", f"expected {PREFIX} and base45, got {text[:40]!a}")
    opened = zlib.decompressobj()
    try:
        data = opened.decompress(packed, DOCUMENT_SIZE_MAX_BYTES + 1)
    except zlib.error:
        raise ProofRefused("text", "expected a badge packed by zlib, got other bytes") from None
    if len(data) > DOCUMENT_SIZE_MAX_BYTES or not opened.eof or opened.unused_data:
        raise ProofRefused("text", f"expected at most {DOCUMENT_SIZE_MAX_BYTES} bytes, whole and no more")
    return data


def base45(data: bytes) -> str:
    """Return bytes in base45: two bytes as three digits, the lowest first, a last one as two."""
    text = []
    for at in range(0, len(data), 2):
        part = data[at : at + 2]
        number = int.from_bytes(part, "big")
        for _ in range(len(part) + 1):
            number, digit = divmod(number, 45)
            text.append(_DIGITS[digit])
    return "".join(text)


def from_base45(text: str) -> bytes | None:
    """Return the bytes of base45 text, None where it is none."""
    if len(text) % 3 == 1 or any(char not in _VALUE for char in text):
        return None
    data = bytearray()
    for at in range(0, len(text), 3):
        part = text[at : at + 3]
        number = sum(_VALUE[char] * 45**place for place, char in enumerate(part))
        size = len(part) - 1
        if number >= 256**size:
            return None
        data += number.to_bytes(size, "big")
    return bytes(data)
