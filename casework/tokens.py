"""Tokens that hold what the server would otherwise have to keep: a value, and an HMAC that says it was issued here.

    token = base64url(canonical value) "." base64url(HMAC-SHA-256(secret, domain canonical value))      no padding

Each use has a domain of its own, so that a token of one use never passes for one of another.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from typing import Any

from casework.errors import TokenInvalid
from ledger.canonical import encode

TOKEN_CHARS_MAX = 8_192


def seal(secret: bytes, domain: bytes, value: Mapping[str, Any]) -> str:
    """Return the token of a canonical JSON object; `domain` ends in 0x00."""
    data = encode(dict(value), size_max_bytes=TOKEN_CHARS_MAX // 2)
    return f"{to_text(data)}.{to_text(hmac.digest(secret, domain + data, 'sha256'))}"


def unseal(secret: bytes, domain: bytes, token: str, what: str) -> dict[str, Any]:
    """Return the value of a token issued here under this domain; `what` names it in the error.

    Raises:
        TokenInvalid: anything else.
    """
    head, _, mac = token.partition(".")
    try:
        if len(token) > TOKEN_CHARS_MAX:
            raise ValueError("too long")
        data, given = to_bytes(head), to_bytes(mac)
        if not hmac.compare_digest(hmac.digest(secret, domain + data, "sha256"), given):
            raise ValueError("another MAC")
        value: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise TokenInvalid(f"{what}: expected one that was issued here, got another ({error})") from error
    return value


def to_text(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def to_bytes(text: str) -> bytes:
    """Return the bytes of base64url without padding, in its one spelling.

    Raises:
        ValueError: other characters, padding, or loose bits at the end.
    """
    data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if to_text(data) != text:
        raise ValueError("not base64url without padding")
    return data
