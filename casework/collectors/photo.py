"""A photo: E2 when it was captured in our page with a fresh nonce, else E1 like every file. Facts say which, and when.

Whoever attached it could have made it alone, whatever the grade: a fresh picture of the wrong thing is fresh too.
The same bytes and the same nonce count once. What the file itself says of its making is put down and never believed:
anybody can write it. Whether the same picture was shown before, cropped, turned or mirrored, is put down too, for
whoever looks at the evidence: a picture of the same thing taken anew may look alike (docs/evidence.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from casework import captures
from casework.errors import refuse
from casework.requests import AttachEvidence, Principal

TYPE = "photo"
SIZE_MAX_BYTES = 8 * 1024 * 1024
PIXELS_MAX = 40_000_000
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")

MADE = ("taken_at", "changed_at", "camera", "software", "credentials")
"""What a file may say of its making: instants as the camera wrote them (its own clock, with or without an offset),
texts, and whether it carries content credentials (C2PA), which are not checked here."""
ALIKE_DAYS = 180
"""How far back the same picture is looked for."""
ALIKE_MAX = 3


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture whose bytes were looked into: what it is, whatever it was called."""

    content: bytes
    media_type: str
    width_px: int
    height_px: int
    name: str | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    """What the file says of its making (MADE); empty: nothing was looked for."""
    likeness: Mapping[str, Any] | None = None
    """Hashes of what it shows, by which it is known again; None: not worked out."""


@dataclass(frozen=True, slots=True)
class Capture:
    """How a picture came to be, as told. `nonce` and `issued_at` (checked by the door) belong together."""

    how: str = captures.FILE
    captured_at: str | None = None
    nonce: str | None = None
    issued_at: str | None = None


def collect(
    who: Principal,
    case: str,
    picture: Picture,
    capture: Capture,
    received_at: str,
    replaces: str | None = None,
    alike: Sequence[Mapping[str, Any]] = (),
) -> AttachEvidence:
    """Return the evidence of one photo; its bytes count once in this organisation, and so does its nonce. `alike`:
    items that show the same picture, {evidence, bits}, the nearest first.

    Raises:
        Refused: value_invalid (type, size, pixels, how).
    """
    if picture.media_type not in MEDIA_TYPES:
        raise refuse(
            "value_invalid", f"media type: expected one of {', '.join(MEDIA_TYPES)}, got {picture.media_type}"
        )
    if not 0 < len(picture.content) <= SIZE_MAX_BYTES:
        raise refuse(
            "value_invalid", f"photo: expected 1 to {SIZE_MAX_BYTES} bytes, got {len(picture.content)}"
        )
    if not 0 < picture.width_px * picture.height_px <= PIXELS_MAX:
        got = f"{picture.width_px} x {picture.height_px}"
        raise refuse("value_invalid", f"photo: expected at most {PIXELS_MAX} pixels, got {got}")
    if capture.how not in captures.HOW:
        raise refuse("value_invalid", f"how: expected one of {', '.join(captures.HOW)}, got {capture.how}")
    nonce = () if capture.nonce is None else (b"capture\x00" + capture.nonce.encode(),)
    return AttachEvidence(
        case=case,
        type=TYPE,
        grade=captures.grade(capture.how, capture.issued_at, capture.captured_at, received_at),
        submitter=f"member:{who.id}",
        controllers={"party": f"member:{who.id}"},
        received_at=received_at,
        facts={
            "media_type": picture.media_type,
            "size_bytes": len(picture.content),
            "width_px": picture.width_px,
            "height_px": picture.height_px,
            "how": capture.how,
            "captured_at": capture.captured_at,
            "nonce_issued_at": capture.issued_at,
            "name": picture.name,
            "made": {name: picture.made.get(name) for name in MADE},
            "alike": [dict(one) for one in alike],
        },
        content=picture.content,
        replaces=replaces,
        concerns=(who.id,),
        once=(picture.content, *nonce),
        likeness=picture.likeness,
    )
