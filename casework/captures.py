"""Capture nonces: what a photo taken in the page brings along, and the grade that follows from it.

A nonce is `<issue time, unix ms>.<32 hex>.<64 hex of an HMAC>`, bound to one log and one member. Nothing is kept when
it is issued, so a phone takes some along and can take photos where there is no network. Each counts once: its digest
goes into the re-use index with the photo.

E2 says: captured in our app, with a nonce of this member not older than NONCE_HOURS, and received within FRESH_MINUTES
of the capture as the phone told it. Anything less is E1, a file (DESIGN section 7); facts keep what was told.
"""

from __future__ import annotations

import hmac

from casework.cases import later
from casework.errors import TokenInvalid
from ledger.clock import instant_of

NONCE_HOURS = 24
NONCES_PER_BATCH = 10
NONCE_CHARS_MAX = 128
FRESH_MINUTES = 15
SKEW_MINUTES = 5
"""How far a phone's clock may differ from ours before its word about the time counts for nothing."""
DRAWN_BYTES = 16

CAMERA, FILE = "camera", "file"
HOW = (CAMERA, FILE)
DOMAIN = b"tallystick/capture/v1\x00"


def seal_nonce(secret: bytes, log: str, member: str, issued_ms: int, drawn: bytes) -> str:
    """Return a nonce; `drawn` is DRAWN_BYTES of the injected entropy."""
    head = f"{issued_ms}.{drawn.hex()}"
    return f"{head}.{_mac(secret, log, member, head)}"


def open_nonce(secret: bytes, log: str, member: str, nonce: str) -> str:
    """Return when a nonce was issued to this member, RFC 3339 UTC. The caller decides whether it is too old, and marks
    it as used.

    Raises:
        TokenInvalid: it was never issued to this member of this log.
    """
    head, _, mac = nonce.rpartition(".")
    issued, _, _ = head.partition(".")
    right = len(nonce) <= NONCE_CHARS_MAX and nonce.isascii()
    if not right or not hmac.compare_digest(_mac(secret, log, member, head), mac):
        raise TokenInvalid("capture nonce: expected one that was issued to you here, got another")
    return instant_of(int(issued))


def _mac(secret: bytes, log: str, member: str, head: str) -> str:
    data = b"\x00".join((log.encode(), member.encode(), head.encode()))
    return hmac.digest(secret, DOMAIN + data, "sha256").hex()


def grade(how: str, issued_at: str | None, captured_at: str | None, received_at: str) -> str:
    """Return E2 or E1. `issued_at` is of the nonce, `captured_at` what the phone says; both None: none was given."""
    if how != CAMERA or issued_at is None or captured_at is None:
        return "E1"
    skew_seconds = SKEW_MINUTES * 60
    fresh = (
        received_at <= later(issued_at, seconds=NONCE_HOURS * 3_600)
        and received_at <= later(captured_at, seconds=FRESH_MINUTES * 60)
        and captured_at <= later(received_at, seconds=skew_seconds)
        and issued_at <= later(captured_at, seconds=skew_seconds)
    )
    return "E2" if fresh else "E1"
