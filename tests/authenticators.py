"""A passkey in software: builds what a browser's authenticator would answer, from keys that the test chose.

`create` answers a registration with attestation "none" (CBOR by cbor2, which the product's parser uses too), `sign` a
challenge. Every member can be spoiled, so that refused cases differ from good ones in one thing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ES256, EDDSA, RS256 = -7, -8, -257
UP, UV, ATTESTED = 0x01, 0x04, 0x40
AAGUID = bytes(15) + b"\x01"


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    """Return the bytes of base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _new_key(alg: int) -> Any:
    if alg == EDDSA:
        return Ed25519PrivateKey.generate()
    return (
        rsa.generate_private_key(65_537, 2_048) if alg == RS256 else ec.generate_private_key(ec.SECP256R1())
    )


@dataclass
class Authenticator:
    """One passkey of one site. `key` is made from `alg` unless given."""

    rp_id: str = "localhost"
    origin: str = "http://localhost"
    alg: int = ES256
    credential_id: bytes = b"credential-1-of-the-test"
    key: Any = None
    user_handle: bytes = b""
    count: int = field(default=0)

    def __post_init__(self) -> None:
        if self.key is None:
            self.key = _new_key(self.alg)

    # ------------------------------------------------------------------------------------------ parts
    @property
    def spki(self) -> bytes:
        """Return the public key as DER SubjectPublicKeyInfo."""
        public: bytes = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return public

    def cose(self) -> bytes:
        """Return the public key as a COSE key."""
        if self.alg == EDDSA:
            return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: self.key.public_key().public_bytes_raw()})
        numbers = self.key.public_key().public_numbers()
        if self.alg == RS256:
            return cbor2.dumps({1: 3, 3: RS256, -1: numbers.n.to_bytes(256, "big"), -2: b"\x01\x00\x01"})
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: x, -3: y})

    def client_data(self, type_: str, challenge: bytes, /, **more: Any) -> bytes:
        """Return what the browser saw."""
        seen = {"type": type_, "challenge": b64(challenge), "origin": self.origin, "crossOrigin": False}
        return json.dumps(seen | more, separators=(",", ":")).encode()

    def data(self, flags: int = UP | UV) -> bytes:
        """Return authenticator data without attested credential."""
        self.count += 1
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes((flags,)) + self.count.to_bytes(4, "big")

    def signature(self, message: bytes) -> bytes:
        """Return a signature under this passkey."""
        signed: bytes
        if self.alg == EDDSA:
            signed = self.key.sign(message)
        elif self.alg == RS256:
            signed = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        else:
            signed = self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        return signed

    # ------------------------------------------------------------------------------------------ answers
    def assertion(self, challenge: bytes, /, flags: int = UP | UV, **client: Any) -> dict[str, str]:
        """Return {credential_id, client_data, authenticator_data, signature}, base64url; `client` spoils the data."""
        seen = self.client_data(client.pop("type", "webauthn.get"), challenge, **client)
        data = self.data(flags)
        return {
            "credential_id": b64(self.credential_id),
            "client_data": b64(seen),
            "authenticator_data": b64(data),
            "signature": b64(self.signature(data + hashlib.sha256(seen).digest())),
        }

    def get(self, challenge: bytes, /, **more: Any) -> dict[str, Any]:
        """Return the JSON of a browser's `PublicKeyCredential.toJSON()` after `navigator.credentials.get`."""
        made = self.assertion(challenge, **more)
        response = {
            "clientDataJSON": made["client_data"],
            "authenticatorData": made["authenticator_data"],
            "signature": made["signature"],
            "userHandle": b64(self.user_handle) if self.user_handle else None,
        }
        credential = made["credential_id"]
        return {"id": credential, "rawId": credential, "type": "public-key", "response": response}

    def create(self, options: dict[str, Any], flags: int = UP | UV, **client: Any) -> dict[str, Any]:
        """Return the JSON of a browser's answer to creation options, and remember the user handle in them."""
        self.user_handle = unb64(options["user"]["id"])
        seen = self.client_data(client.pop("type", "webauthn.create"), unb64(options["challenge"]), **client)
        length = len(self.credential_id).to_bytes(2, "big")
        data = self.data(flags | ATTESTED) + AAGUID + length + self.credential_id + self.cose()
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        credential = b64(self.credential_id)
        response = {
            "clientDataJSON": b64(seen),
            "attestationObject": b64(attestation),
            "transports": ["internal"],
        }
        return {"id": credential, "rawId": credential, "type": "public-key", "response": response}
