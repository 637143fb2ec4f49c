"""Which credentials were taken back: W3C Bitstring Status List 1.0, one bit each, the first bit of a list on the left.

A list holds BITS bits whoever asks, so that asking says nothing about whom it is asked for; an index is drawn, so that
neighbours say nothing about when. docs/spec/credential.md section 4.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from casework.data_integrity import ProofRefused

BITS = 131_072
"""16 KiB: the least that the specification asks for."""
SIZE_BYTES = BITS // 8
LIST_SIZE_MAX_BYTES = 1_048_576
"""Of a list when unpacked: a few packed bytes can hold gigabytes."""
ENCODED_CHARS_MAX = 262_144
HALF_FULL = BITS // 2
"""Where a list is this full the next one begins, so that a drawn index is soon a free one."""
FRESH_HOURS = 24
"""How long a list counts as new; whoever relies on an older one is told so."""
CONTEXT = "https://www.w3.org/ns/credentials/v2"
TYPE, SUBJECT_TYPE, ENTRY_TYPE = (
    "BitstringStatusListCredential",
    "BitstringStatusList",
    "BitstringStatusListEntry",
)
PURPOSE = "revocation"


def encoded(indexes: Iterable[int]) -> str:
    """Return a list in which these bits are set: `u`, base64url without padding, GZIP.

    Raises:
        ValueError: an index outside the list, a mistake of ours.
    """
    bits = bytearray(SIZE_BYTES)
    for index in indexes:
        if not 0 <= index < BITS:
            raise ValueError(f"index: expected 0 to {BITS - 1}, got {index}")
        bits[index // 8] |= 0x80 >> index % 8
    packed = gzip.compress(bytes(bits), mtime=0)
    return "u" + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def bit(text: Any, index: int) -> bool:
    """Return the bit of an encoded list.

    Raises:
        ProofRefused: status_list (it is none, or too large), status_index (the list has no such bit).
    """
    shown = ascii(text)[:60]
    if type(text) is not str or not text.startswith("u") or len(text) > ENCODED_CHARS_MAX:
        raise ProofRefused(
            "status_list", f"encodedList: expected u and base64url of at most 256 KiB, got {shown}"
        )
    try:
        packed = base64.b64decode(text[1:] + "=" * (-len(text[1:]) % 4), altchars=b"-_", validate=True)
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            bits = file.read(LIST_SIZE_MAX_BYTES + 1)
    except (binascii.Error, ValueError, OSError, EOFError, zlib.error):
        raise ProofRefused("status_list", f"encodedList: expected GZIP in base64url, got {shown}") from None
    if not SIZE_BYTES <= len(bits) <= LIST_SIZE_MAX_BYTES:
        raise ProofRefused(
            "status_list", f"encodedList: expected at least {SIZE_BYTES} bytes, got {len(bits)}"
        )
    if not 0 <= index < len(bits) * 8:
        raise ProofRefused("status_index", f"expected an index below {len(bits) * 8}, got {index}")
    return bool(bits[index // 8] & (0x80 >> index % 8))


def entry(list_url: str, index: int) -> dict[str, Any]:
    """Return the credentialStatus of a credential."""
    return {
        "id": f"{list_url}#{index}",
        "type": ENTRY_TYPE,
        "statusPurpose": PURPOSE,
        "statusListIndex": str(index),
        "statusListCredential": list_url,
    }


def document(list_url: str, issuer: Mapping[str, Any], indexes: Iterable[int], now: str) -> dict[str, Any]:
    """Return the status list as it stands now, unsigned. `issuer` is that of the credentials it speaks of."""
    until = datetime.fromisoformat(now) + timedelta(hours=FRESH_HOURS)
    return {
        "@context": [CONTEXT],
        "id": list_url,
        "type": ["VerifiableCredential", TYPE],
        "issuer": dict(issuer),
        "validFrom": now,
        "validUntil": f"{until.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z",
        "credentialSubject": {
            "id": f"{list_url}#list",
            "type": SUBJECT_TYPE,
            "statusPurpose": PURPOSE,
            "encodedList": encoded(indexes),
        },
    }
