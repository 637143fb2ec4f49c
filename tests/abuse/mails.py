"""Mail as a guest's provider signs it, and as somebody bends it afterwards."""

from __future__ import annotations

import base64
from typing import Any

from tests.mail_signer import ed25519_key, rsa_key, sign

KEYS = {"s1._domainkey.quay.example": rsa_key(), "s1._domainkey.elsewhere.example": ed25519_key()}
GUESTS, OTHERS = KEYS.values()


def mail(
    number: int, subject: str, sender: str = "new@quay.example", body: str = "Yes, please do.\r\n"
) -> bytes:
    """Return a mail of its own, not signed."""
    head = (
        f"From: {sender}\r\nTo: house@ours.example\r\nSubject: {subject}\r\n"
        f"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nMessage-ID: <m-{number}@quay.example>\r\n\r\n"
    )
    return (head + body).encode()


def signed(number: int, subject: str, sender: str = "new@quay.example", **tags: Any) -> bytes:
    """Return a mail as the guest's provider signs it."""
    return sign(mail(number, subject, sender), GUESTS, **tags)


def sent(content: bytes) -> dict[str, str]:
    """Return the body of the door for mail."""
    return {"mail": base64.b64encode(content).decode()}
