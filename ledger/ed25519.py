"""Ed25519 by pyca/cryptography, in the shapes that ledger.notes takes as arguments."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.notes import SignatureWrong

SEED_SIZE_BYTES = 32
_SIGN_BIT = 1 << 255
_PRIME = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
LOW_ORDER = frozenset({0, 1, _ORDER_8, _PRIME - _ORDER_8, _PRIME - 1, _PRIME, _PRIME + 1})
"""The y of the eight points of low order, the two that can be spelled otherwise as well. Under such a key one
signature fits any message (or one of eight), which RFC 8032 does not refuse: it signs nothing."""


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature (RFC 8032).

    Raises:
        SignatureWrong: it does not verify, the key is one of low order, or key or signature have the wrong size.
    """
    if int.from_bytes(public_key, "little") & ~_SIGN_BIT in LOW_ORDER:
        raise SignatureWrong(f"signature by key {public_key.hex()}: expected a key that is not of low order")
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
