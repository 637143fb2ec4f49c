"""The one source of randomness: ids, salts, data keys, nonces, tokens. Injected, so that a demo can be repeated."""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol


class Entropy(Protocol):
    """Where unpredictable bytes come from."""

    def token(self, size_bytes: int) -> bytes:
        """Return `size_bytes` unpredictable bytes."""
        ...


class SystemEntropy:
    """The operating system's random numbers: the only source a production log may use."""

    def token(self, size_bytes: int) -> bytes:
        """Return `size_bytes` from the operating system."""
        return secrets.token_bytes(size_bytes)


class SeededEntropy:
    """A repeatable stream (SHA-256 in counter mode) for logs whose origin ends in `.invalid`, keys included.

    Anyone who knows the seed knows every key, so whoever builds one must have checked the origin: see `for_origin`.
    """

    def __init__(self, seed: str) -> None:
        self._seed = hashlib.sha256(b"tallystick/entropy/v1\x00" + seed.encode()).digest()
        self._count = 0
        self._left = b""

    def token(self, size_bytes: int) -> bytes:
        """Return the next `size_bytes` of the stream."""
        while len(self._left) < size_bytes:
            self._left += hashlib.sha256(self._seed + self._count.to_bytes(8, "big")).digest()
            self._count += 1
        out, self._left = self._left[:size_bytes], self._left[size_bytes:]
        return out


def for_origin(origin: str, seed: str | None) -> Entropy:
    """Return the entropy a log may use.

    Raises:
        ValueError: a seed was given for an origin that does not end in `.invalid` (a programming or settings error).
    """
    if seed is None:
        return SystemEntropy()
    if not origin.endswith(".invalid"):
        raise ValueError(f"seeded entropy: expected an origin that ends in .invalid, got {origin}")
    return SeededEntropy(seed)


def uuid7(entropy: Entropy, unix_ms: int) -> str:
    """Return a UUIDv7 as text (RFC 9562 section 5.7): 48 bits of milliseconds, then random bits."""
    raw = bytearray(unix_ms.to_bytes(6, "big") + entropy.token(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
