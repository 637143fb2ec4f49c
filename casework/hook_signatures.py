"""How a call that another system sends is signed, and which key signed it. Pure: the audit checks again with it.

    standard   Standard Webhooks 1.0.0: base64 of HMAC-SHA-256 over `id.timestamp.body`, one or more after `v1,`, the
               key is what base64 behind `whsec_` says
    github     X-Hub-Signature-256: hex of HMAC-SHA-256 over the body; the key is the secret's own bytes. Neither the
               id (X-GitHub-Delivery) nor a time is signed, so the same bytes count once, under whatever id

The published library (standardwebhooks) asks the machine's clock; ours is an argument, and so it is the oracle of the
tests and not the code. MACs are compared in constant time, and every key is tried.

    SignatureMalformed    headers or a secret are not of this form; nothing was checked
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from casework.errors import CaseworkError
from casework.hook_requests import GITHUB, STANDARD

SECRET_PREFIX = "whsec_"
KEY_BYTES = 32
SKEW_SECONDS_MAX = 300
"""How far the sender's clock may be from ours, either way."""
ID_CHARS_MAX = 200
SIGNATURES_MAX = 8
KEYS_MAX = 4
"""Keys of one hook that are good at one time: so many MACs a call costs at most."""
HEADERS: Mapping[str, tuple[str, ...]] = {
    STANDARD: ("webhook-id", "webhook-timestamp", "webhook-signature"),
    GITHUB: ("x-github-delivery", "x-hub-signature-256"),
}
_ID = re.compile(rf"[\x21-\x7e]{{1,{ID_CHARS_MAX}}}")
_SECONDS = re.compile(r"[0-9]{1,11}")
_HUB = re.compile(r"sha256=([0-9a-f]{64})")
_MAC_BYTES = 32
_DOMAIN = b"tallystick/hook-key/v1\x00"


class SignatureMalformed(CaseworkError):
    """Headers or a secret are not of the form that the scheme has. The caller sends others; nothing was checked."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What the headers of a call say: its id, when it was signed (unix seconds; None: not told), one of these MACs."""

    scheme: str
    id: str
    at_seconds: int | None
    macs: tuple[bytes, ...]


def secret_of(scheme: str, drawn: bytes) -> str:
    """Return 32 drawn bytes as the other system takes them: `whsec_...`, or text that is the key as it stands."""
    if scheme == STANDARD:
        return SECRET_PREFIX + base64.b64encode(drawn).decode("ascii")
    return base64.urlsafe_b64encode(drawn).decode("ascii").rstrip("=")


def key_of(scheme: str, secret: str) -> bytes:
    """Return the HMAC key of a secret. Raises SignatureMalformed."""
    if scheme != STANDARD:
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureMalformed("secret: expected whsec_ and base64, got another text") from None


def fingerprint(log: str, scheme: str, secret: str) -> str:
    """Return the name of a key, 64 hex digits: it tells nothing of 32 random bytes, and whoever has them can make it.

    Raises:
        SignatureMalformed: the secret.
    """
    named = _DOMAIN + log.encode() + b"\x00" + scheme.encode() + b"\x00"
    return hashlib.sha256(named + key_of(scheme, secret)).hexdigest()


def read_headers(scheme: str, headers: Mapping[str, str]) -> Signed:
    """Read the headers of a call; names in lower case.

    Raises:
        SignatureMalformed: one is missing, or has another form. Says which and what was expected, never what was sent.
    """
    given = [headers.get(name, "") for name in HEADERS[scheme]]
    for name, value in zip(HEADERS[scheme], given, strict=True):
        if not value:
            raise SignatureMalformed(f"expected the header {name}, got none")
    if not _ID.fullmatch(given[0]):
        raise SignatureMalformed(f"{HEADERS[scheme][0]}: expected 1 to {ID_CHARS_MAX} printable characters")
    if scheme == GITHUB:
        found = _HUB.fullmatch(given[1])
        if found is None:
            raise SignatureMalformed("x-hub-signature-256: expected sha256= and 64 hex digits")
        return Signed(scheme, given[0], None, (bytes.fromhex(found[1]),))
    if "." in given[0]:  # `id.timestamp.body` would have two readings
        raise SignatureMalformed("webhook-id: expected no full stop in it")
    if not _SECONDS.fullmatch(given[1]):
        raise SignatureMalformed("webhook-timestamp: expected seconds since 1970, digits only")
    return Signed(scheme, given[0], int(given[1]), _macs(given[2]))


def _macs(text: str) -> tuple[bytes, ...]:
    """Return the MACs of version 1; those of other versions (v1a: Ed25519) are for others."""
    parts = text.split(" ")
    if len(parts) > SIGNATURES_MAX:
        raise SignatureMalformed(f"webhook-signature: expected at most {SIGNATURES_MAX} signatures")
    found = []
    for part in parts:
        version, _, value = part.partition(",")
        if version != "v1":
            continue
        found.append(_mac(value))
    if not found or b"" in found:
        raise SignatureMalformed("webhook-signature: expected v1, and base64 of 32 bytes, once or more")
    return tuple(found)


def _mac(text: str) -> bytes:
    """Return the 32 bytes that base64 says in its one strict spelling, nothing where it is another text."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    strict = len(found) == _MAC_BYTES and base64.b64encode(found).decode("ascii") == text
    return found if strict else b""


def mac_of(key: bytes, signed: Signed, body: bytes) -> bytes:
    """Return the MAC that this key makes of a call."""
    head = b"" if signed.scheme == GITHUB else f"{signed.id}.{signed.at_seconds}.".encode()
    return hmac.new(key, head + body, hashlib.sha256).digest()


def which_key(keys: Iterable[tuple[str, bytes]], signed: Signed, body: bytes) -> str | None:
    """Return the name of the key that signed a call, None where none did. `keys`: (name, key), all of them tried."""
    found = None
    for name, key in keys:
        made = mac_of(key, signed, body)
        for mac in signed.macs:
            if hmac.compare_digest(mac, made) and found is None:
                found = name
    return found
