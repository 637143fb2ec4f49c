"""What shows that somebody stood at a place: a tag that signs each tap, a screen whose code changes, a code on paper.

A tag is an NXP NTAG 424 DNA with Secure Dynamic Messaging (AN12196, "SUN"): each tap opens an address that carries
the encrypted UID and read counter (`picc`) and a MAC under a key of this tag (`cmac`). A counter never comes back, so
an address that was used is worth nothing; whoever calls compares it with the last one. The tap carries no time.

A code is base64url of a head and an HMAC-SHA-256 of it under a key of this log. The head of a screen's code is
0x01, the point's UUID (16 bytes), the issue time (unix ms, 8 bytes, big endian) and a nonce; of a code on paper 0x02
and the UUID. A screen's code is good for SCREEN_SECONDS; one on paper always, so it shows little.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.cmac import CMAC

from casework import cases, tokens
from casework.errors import TokenInvalid, refuse
from casework.point_requests import SCREEN_SECONDS
from ledger.clock import instant_of
from ledger.errors import Refused

KEY_BYTES = 16
PICC_BYTES = 16
CMAC_BYTES = 8
UID_BYTES = 7
COUNTER_BYTES = 3
TAG_BYTE = 0xC7
"""PICCDataTag: UID mirrored (bit 7), counter mirrored (bit 6), UID of 7 bytes (bits 3 to 0). AN12196 rev. 1.5, 4.4."""
SV2_PREFIX = bytes.fromhex("3cc300010080")
"""Of the session vector for MACs. Data sheet NT4H2421Gx rev. 3.0, section 9.3."""

NONCE_BYTES = 8
DOMAIN = b"tallystick/check-in-code/v1\x00"
SCREEN, PRINTED = b"\x01", b"\x02"
UUID_BYTES = 16
ISSUED_BYTES = 8
CODE_CHARS_MAX = 128


# ------------------------------------------------------------------------------------------------ tags
@dataclass(frozen=True, slots=True)
class TagKeys:
    """The two keys of one tag, KEY_BYTES each: `meta` opens what a tap carries, `file` signs it."""

    meta: bytes = field(repr=False)
    file: bytes = field(repr=False)

    @classmethod
    def of(cls, kept: Mapping[str, str]) -> TagKeys:
        """Return the keys as the vault keeps them, {meta_key, file_key} in hex."""
        return cls(bytes.fromhex(kept["meta_key"]), bytes.fromhex(kept["file_key"]))


@dataclass(frozen=True, slots=True)
class Tap:
    """What a tap says: the tag's UID (14 lower-case hex digits) and how often it was read by then."""

    uid: str
    counter: int


def read_tap(keys: TagKeys, picc: bytes, cmac: bytes) -> Tap:
    """Return the tap that these bytes are; they may come from anywhere.

    The caller still checks that the UID is the tag of that place, and that the counter is above the last one.

    Raises:
        Refused: tap_invalid (another key, a changed bit, another length).
    """
    # 1. Open the data under the meta key: AES-128-CBC, IV zero (AN12196 rev. 1.5, section 4.4).
    if (len(picc), len(cmac)) != (PICC_BYTES, CMAC_BYTES):
        got = f"{len(picc)} and {len(cmac)}"
        raise refuse("tap_invalid", f"tap: expected {PICC_BYTES} and {CMAC_BYTES} bytes, got {got}")
    opener = Cipher(AES(keys.meta), CBC(bytes(PICC_BYTES))).decryptor()
    plain = opener.update(picc) + opener.finalize()
    # 2. Read the tag byte, the UID and the counter (least significant byte first); the rest is padding.
    end = 1 + UID_BYTES
    uid, counted = plain[1:end], plain[end : end + COUNTER_BYTES]
    # 3. Compare the MAC, whatever the tag byte says, so that the time taken tells nothing.
    same = hmac.compare_digest(tap_mac(keys.file, uid, counted), cmac)
    if plain[0] != TAG_BYTE or not same:
        raise refuse("tap_invalid", "tap: expected one signed by the tag of this place, got another")
    return Tap(uid.hex(), int.from_bytes(counted, "little"))


def tap_of(keys: TagKeys, uid: str, picc: bytes, cmac: bytes) -> Tap | None:
    """Return the tap if it is one of the tag with these keys and this UID, else None."""
    try:
        tap = read_tap(keys, picc, cmac)
    except Refused:
        return None
    return tap if tap.uid == uid else None


def tap_mac(file_key: bytes, uid: bytes, counted: bytes) -> bytes:
    """Return the MAC of a tap over no further data: session key from SV2, CMAC, every second byte (section 4.4.4)."""
    session = CMAC(AES(file_key))
    session.update(SV2_PREFIX + uid + counted)
    whole = CMAC(AES(session.finalize()))
    whole.update(b"")
    return whole.finalize()[1::2]


# ------------------------------------------------------------------------------------------------ codes
@dataclass(frozen=True, slots=True)
class Code:
    """What a code says: the point, and when it was issued (None: it stands on paper)."""

    point: str
    issued_at: str | None


def seal_screen(secret: bytes, log: str, point: str, issued_ms: int, drawn: bytes) -> str:
    """Return a fresh code of a screen; `drawn` is NONCE_BYTES of the injected entropy."""
    return _sealed(secret, log, SCREEN + uuid.UUID(point).bytes + issued_ms.to_bytes(ISSUED_BYTES) + drawn)


def seal_printed(secret: bytes, log: str, point: str) -> str:
    """Return the code of a point to be printed: the same each time."""
    return _sealed(secret, log, PRINTED + uuid.UUID(point).bytes)


def _sealed(secret: bytes, log: str, head: bytes) -> str:
    return tokens.to_text(head + _mac(secret, log, head))


def _mac(secret: bytes, log: str, head: bytes) -> bytes:
    return hmac.digest(secret, DOMAIN + log.encode() + b"\x00" + head, "sha256")


def open_code(secret: bytes, log: str, code: str) -> Code:
    """Return what a code says. Whether a screen's is still good says `check_fresh`.

    Raises:
        TokenInvalid: it was never issued here.
    """
    try:
        data = tokens.to_bytes(code) if len(code) <= CODE_CHARS_MAX else b""
    except ValueError:
        data = b""
    head, mac = data[:-32], data[-32:]
    if not head or not hmac.compare_digest(_mac(secret, log, head), mac):
        raise TokenInvalid("check-in code: expected one that was issued here, got another")
    point = str(uuid.UUID(bytes=head[1 : 1 + UUID_BYTES]))
    if head[:1] == PRINTED:
        return Code(point, None)
    issued = head[1 + UUID_BYTES : 1 + UUID_BYTES + ISSUED_BYTES]
    return Code(point, instant_of(int.from_bytes(issued)))


def check_fresh(code: Code, now: str) -> None:
    """Check that a screen's code was issued a moment ago. Raises Refused: code_expired."""
    if code.issued_at is None:
        return
    until = cases.later(code.issued_at, seconds=SCREEN_SECONDS)
    if now > until:
        raise refuse("code_expired", f"expected a code until {until}, got it at {now}", "/code")
