"""The reference of a case: a short code that a customer can repeat in a mail, and that nobody else can guess.

It comes from a keyed digest of the case's id, so nothing is kept and the same case always has the same one. That it
stands in a mail says that the writer was told it, and nothing about what the mail means.
"""

from __future__ import annotations

PREFIX = "TS-"
CHARS = 10
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base32 after Douglas Crockford: no I, L, O and U, so that it can be read aloud."""
PURPOSE = "case-reference"
"""First part of the keyed digest (Vault.fingerprint), the case's id being the second."""


def reference(digest: str) -> str:
    """Return the code for a keyed digest (64 hex digits): its first 50 bits."""
    bits = int(digest[:16], 16) >> (64 - 5 * CHARS)
    return PREFIX + "".join(ALPHABET[(bits >> 5 * place) & 31] for place in reversed(range(CHARS)))
