"""What the doors may ask about check-in points, beside casework/requests.py. Data only.

The keys of a tag stand in RegisterPoint, so the digest that tells a retry from another request must be keyed by the
door (Vault.fingerprint), never a plain one of the body.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NFC, SCREEN, PRINTED = "nfc", "screen", "printed"
METHODS = (NFC, SCREEN, PRINTED)
"""How somebody shows that they are there; verifiers.work_items reads the same words."""
SCREEN_SECONDS = 45
"""How long a screen's code is good."""
END_REASONS = ("moved", "lost", "replaced", "closed")
REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class RegisterPoint:
    """A check-in point at a place. A tag (nfc) has a UID of 14 hex digits and two keys of 32, the others none."""

    place: str
    method: str
    label: str | None = None
    uid: str | None = None
    meta_key: str | None = field(default=None, repr=False)
    file_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EndPoint:
    """A point shows nothing any more."""

    point: str
    reason_code: str


@dataclass(frozen=True, slots=True)
class DoubtPoint:
    """Somebody says that a point is not where it belongs."""

    point: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Whoever asks was at a point: by a tap (`picc`, `cmac`, hex) or a code. `at` is the time by the phone where it had
    no network then; None: now."""

    case: str
    point: str | None = None
    picc: str | None = None
    cmac: str | None = None
    code: str | None = None
    at: str | None = None
