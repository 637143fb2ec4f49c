"""Mail for tests, signed as a sender's server would sign it: fresh keys, and any tag of the signature as one likes.

The hashing is the library's own signing half; only its clock is left out, so that a test can say when it was.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import dkim
import nacl.signing
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from dkim.canonicalization import CanonicalizationPolicy
from dkim.crypto import parse_pem_private_key

FIVE = ("from", "to", "subject", "date", "message-id")
LETTER = (
    b"From: Joe Bloggs <Joe@quay.example>\r\n"
    b"To: The House <house@harbour.example>\r\n"
    b"Subject: About the soup\r\n"
    b"Date: Fri, 20 Nov 2026 09:30:00 +0000\r\n"
    b"Message-ID: <soup-1@quay.example>\r\n"
    b"\r\n"
    b"It was warm the second time.\r\n"
)


@dataclass(frozen=True)
class Key:
    """A key of a domain: how it signs, and its TXT record."""

    algorithm: str
    private: Any
    record: str


def rsa_key(bits: int = 2048, pem: bytes | None = None, **tags: str) -> Key:
    """Return an RSA key; `pem` where it was made elsewhere and `record` is given as p=."""
    if pem is None:
        made = rsa.generate_private_key(65537, bits)
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        der = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        tags.setdefault("p", base64.b64encode(der).decode())
    return Key("rsa-sha256", parse_pem_private_key(pem), record(k="rsa", **tags))


def ed25519_key(**tags: str) -> Key:
    """Return an Ed25519 key (RFC 8463)."""
    made = nacl.signing.SigningKey.generate()
    return Key(
        "ed25519-sha256", made, record(k="ed25519", p=base64.b64encode(bytes(made.verify_key)).decode())
    )


def record(**tags: str) -> str:
    """Return the text of a key record."""
    return "; ".join(f"{name}={value}" for name, value in {"v": "DKIM1", **tags}.items())


def sign(
    mail: bytes,
    key: Key,
    domain: str = "quay.example",
    selector: str = "s1",
    headers: tuple[str, ...] = FIVE,
    forms: str = "relaxed/relaxed",
    **tags: str | None,
) -> bytes:
    """Return the mail with a DKIM-Signature before it; a tag given as None is left out, any other one is put in."""
    signer = dkim.DKIM(mail, signature_algorithm=key.algorithm.encode())
    signer.hasher = hashlib.sha256
    policy = CanonicalizationPolicy.from_c_value(forms.encode())
    body = policy.canonicalize_body(signer.body)
    if tags.get("l"):
        body = body[: int(str(tags["l"]))]
    told: dict[str, str | None] = {
        "v": "1",
        "a": key.algorithm,
        "c": forms,
        "d": domain,
        "s": selector,
        "t": "1795168800",  # 2026-11-20T10:00:00Z
        "h": " : ".join(headers),
        "bh": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        **tags,
        "b": "0" * 60,
    }
    fields = [(name.encode(), value.encode()) for name, value in told.items() if value is not None]
    names = tuple(one.encode() for one in headers)
    value: bytes = signer.gen_header(fields, names, policy, b"DKIM-Signature", key.private)
    return b"DKIM-Signature: " + value + mail
