"""Slow hashes for what people type: argon2id in a thread, at most a few at once, so that nobody can fill the machine.

A password is judged by its length and by being no common one, never by its mix of characters (OWASP ASVS 5.0, 6.2).
A PIN of six digits is good for one act on a device that a manager has set up; what protects it is the count of tries.
"""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass, field

from pwdlib.hashers.argon2 import Argon2Hasher

PASSWORD_CHARS_MIN = 8
PASSWORD_CHARS_MAX = 200
AT_ONCE_MAX = 4
"""One hash takes 64 MiB and about a third of a second of one core."""


def _slow() -> Argon2Hasher:
    return Argon2Hasher()  # RFC 9106's second choice: 64 MiB, 3 passes, 4 lanes


@dataclass(slots=True)
class Passwords:
    """Makes and checks slow hashes. `hasher` is cheaper in tests."""

    hasher: Argon2Hasher = field(default_factory=_slow)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX))
    _nobody: str | None = None

    async def hash(self, secret: str) -> str:
        """Return the PHC string of a password or PIN."""
        async with self._turn:
            return await asyncio.to_thread(self.hasher.hash, plain(secret))

    async def check(self, secret: str, hashed: str | None) -> bool:
        """Say whether the secret is the one behind `hashed`; None takes as long and is never right, so that nobody
        learns from the time it takes which names exist."""
        if hashed is None and self._nobody is None:
            self._nobody = await self.hash("nobody's")
        async with self._turn:
            right = await asyncio.to_thread(self.hasher.verify, plain(secret), hashed or str(self._nobody))
        return right and hashed is not None


def plain(secret: str) -> str:
    """Return the one form of a secret, whatever keyboard typed it (NFKC, as NIST SP 800-63B 3.1.1.2 asks)."""
    # half a character is none that anybody set (casework/chosen.py), and no text that can be hashed
    return unicodedata.normalize("NFKC", secret).encode("utf-8", "replace").decode()
