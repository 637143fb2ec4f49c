"""A tag as a phone sees it: what an NTAG 424 DNA with these keys sends at its n-th tap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.cmac import CMAC

META, FILE, UID = "0f" * 16, "1e" * 16, "04de5f1eacc040"


def _signed(key: bytes, message: bytes) -> bytes:
    made = CMAC(AES(key))
    made.update(message)
    return made.finalize()


@dataclass(frozen=True)
class Tag:
    """A tag with its keys and UID in hex; `first` says what it mirrors."""

    uid: str = UID
    meta_key: str = META
    file_key: str = FILE
    first: int = 0xC7

    def tapped(self, counter: int, padding: bytes = b"\xda\x5c\xf6\x09\x41") -> tuple[str, str]:
        """Return picc and cmac of a tap, hex as an address carries them."""
        uid, counted = bytes.fromhex(self.uid), counter.to_bytes(3, "little")
        # One block under a zero IV: the same as a block of ECB.
        lock = Cipher(AES(bytes.fromhex(self.meta_key)), ECB()).encryptor()
        picc = lock.update(bytes((self.first,)) + uid + counted + padding) + lock.finalize()
        session = _signed(bytes.fromhex(self.file_key), b"\x3c\xc3\x00\x01\x00\x80" + uid + counted)
        whole = _signed(session, b"")
        return picc.hex().upper(), bytes(whole[index] for index in range(1, 16, 2)).hex().upper()

    def cloned(self, **other: Any) -> Tag:
        """Return a copy with another key or UID."""
        return replace(self, **other)
