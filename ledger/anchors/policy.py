"""When a checkpoint goes to an anchor: every so many entries, or so long after the last one, or because somebody asked.

Pure: the worker counts and reads the clock, this says whether it is time. What an anchor gives back is itself an entry;
those do not count, or an idle log would anchor its own receipts for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

ENTRIES_MAX = 1_000_000
MINUTES_MAX = 30 * 24 * 60

UNCOUNTED = ("checkpoint_anchored",)
"""Kinds of entries that alone never make an anchor due."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Anchor after `entries` counted entries, or `minutes` after the last anchor if any entry counts."""

    entries: int
    minutes: int

    def __post_init__(self) -> None:
        if not 1 <= self.entries <= ENTRIES_MAX:
            raise ValueError(f"entries: expected 1 to {ENTRIES_MAX}, got {self.entries}")
        if not 1 <= self.minutes <= MINUTES_MAX:
            raise ValueError(f"minutes: expected 1 to {MINUTES_MAX}, got {self.minutes}")


@dataclass(frozen=True, slots=True)
class Since:
    """What happened since the last checkpoint that this anchor holds, or since it was opened: entries that count, whole
    minutes, and whether somebody asked for an anchor of what is not anchored yet."""

    entries: int
    minutes: int
    asked: bool = False


def is_due(policy: Policy, since: Since) -> bool:
    """Say whether the newest checkpoint goes to the anchor now."""
    if since.asked:
        return True
    if since.entries <= 0:
        return False
    return since.entries >= policy.entries or since.minutes >= policy.minutes
