"""What the doors may ask about anchors, beside casework/requests.py. Data only; docs/spec/anchoring.md section 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DAMAGED, SIZE_WRONG, KEY_STOLEN, KEY_LOST = "damaged", "size_wrong", "key_stolen", "key_lost"
CHAIN_ENDED, MOVED, NOT_WANTED = "chain_ended", "moved", "not_wanted"
REASONS = (DAMAGED, SIZE_WRONG, KEY_STOLEN, KEY_LOST, CHAIN_ENDED, MOVED, NOT_WANTED)
"""Why an anchor is superseded or closed."""


@dataclass(frozen=True, slots=True)
class OpenAnchor:
    """Checkpoints go to this place from now on. `anchor`: its id where the place had to know it first, a UUIDv7."""

    type: str
    place: Mapping[str, Any]
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class RecordAnchored:
    """Somebody else holds the checkpoint of this size and root (hex) for good, as the receipt shows."""

    anchor: str
    size: int
    root: str
    receipt: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SupersedeAnchor:
    """Another open anchor goes on in place of this one. `receipt`: empty where no chain is."""

    anchor: str
    by: str
    reason: str
    receipt: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class CloseAnchor:
    """Nothing is anchored here any more."""

    anchor: str
    reason: str
