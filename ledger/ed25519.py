"""Ed25519 by pyca/cryptography, in the shapes that ledger.notes takes as arguments."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.notes import SignatureWrong

SEED_SIZE_BYTES = 32


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature (RFC 8032).

    Raises:
        SignatureWrong: it does not verify, or key or signature have the wrong size.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureWrong(
            f"signature by key {public_key.hex()}: expected one over this message, got another"
        ) from None


class Ed25519Signer:
    """One private key, made from 32 seed bytes of the injected entropy or of a key file."""

    def __init__(self, seed: bytes) -> None:
        """Raises ValueError: not 32 bytes (a programming error; key files are checked where they are read)."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature; the same message gives the same bytes."""
        return self._key.sign(message)
