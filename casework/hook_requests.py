"""What the doors may ask about hooks and trusted keys of sources, beside casework/requests.py. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STANDARD, GITHUB = "standard", "github"
SCHEMES = (STANDARD, GITHUB)
"""How a call is signed; casework/hook_signatures.py."""
END_REASONS = ("not_needed", "replaced", "leaked")
HOOK_PARTY = "hook:"
"""Who sent a record that came by a hook: this and the fingerprint of the key that signed it."""


@dataclass(frozen=True, slots=True)
class OpenHook:
    """A source may send by itself; a key is drawn and told once."""

    source: str
    scheme: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class IssueHookKey:
    """Another key for a hook; the ones before it stay good for so many hours."""

    hook: str
    overlap_hours: int


@dataclass(frozen=True, slots=True)
class EndHook:
    """Nothing comes by a hook any more."""

    hook: str
    reason_code: str


@dataclass(frozen=True, slots=True)
class TakeDelivery:
    """One call whose signature holds. `delivery` and `content`: HMACs of its id and its bytes; `headers`: those that
    the signature is checked with; `signed_at`: by the sender's clock, None where the scheme tells none."""

    hook: str
    key: str
    delivery: str
    content: str
    signed_at: str | None
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrustSourceKey:
    """What this key (Ed25519, base64url of 32 bytes) signs is the source's word."""

    source: str
    public: str


@dataclass(frozen=True, slots=True)
class EndSourceKey:
    """A source's key is trusted no more."""

    source: str
    key: str
    reason_code: str
