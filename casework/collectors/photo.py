"""A photo: E2 when it was captured in our page with a fresh nonce, else E1 like every file. Facts say which, and when.

Whoever attached it could have made it alone, whatever the grade: a fresh picture of the wrong thing is fresh too.
Whether the same scene was shown before, and what the picture itself says about its making, comes with judging
(SETTLED 30); the same bytes and the same nonce count once from the start.
"""

from __future__ import annotations

from dataclasses import dataclass

from casework import captures
from casework.errors import refuse
from casework.requests import AttachEvidence, Principal

TYPE = "photo"
SIZE_MAX_BYTES = 8 * 1024 * 1024
PIXELS_MAX = 40_000_000
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture whose bytes were looked into: what it is, whatever it was called."""

    content: bytes
    media_type: str
    width_px: int
    height_px: int
    name: str | None = None


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
) -> AttachEvidence:
    """Return the evidence of one photo; its bytes count once in this organisation, and so does its nonce.

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
        },
        content=picture.content,
        replaces=replaces,
        concerns=(who.id,),
        once=(picture.content, *nonce),
    )
