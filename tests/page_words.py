"""Words that stay inside: what a page never says outside "Exact record"."""

from __future__ import annotations

import re

# The right column of the words of the pages: what a page never says outside "Exact record".
NEVER_SAID = (
    "case", "alert", "incident", "ticket", "playbook", "rule", "signal", "CEL", "shadow", "back-test",
    "backtest", "value at risk", "E0", "E1", "E2", "E3", "E4", "grade", "verdict", "insufficient",
    "forgery", "provisional", "settled", "revoked", "log", "entry", "seq", "hash", "chain", "checkpoint",
    "anchored", "blockchain", "transaction", "Merkle", "root", "consistency proof", "UNKNOWN", "stale",
    "watermark", "quarantine", "suppressed", "inhibited", "silenced", "CLEARED", "auto-resolved", "EXPIRED",
    "breached", "delegation", "authority grant", "Kaplan-Meier", "confidence interval", "attention budget",
    "agent", "bot", "AI", "model output", "successfully", "please note", "oops",
)  # fmt: skip


def says(text: str, word: str) -> bool:
    """Return whether a text says a word, or its plural, as a word of its own."""
    flags = 0 if word.isupper() else re.IGNORECASE
    return re.search(rf"(?<![\w-]){re.escape(word)}s?(?![\w-])", text, flags) is not None
