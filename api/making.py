"""What a picture's file says of its own making: EXIF, and whether it carries content credentials.

Anybody can write all of it, so nothing rests on it: it is put down for whoever looks at the evidence, who may find
that a photo of tonight says that it was taken in 2011. What cannot be read says nothing and is no error.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from PIL import Image

TEXT_CHARS_MAX = 80
MAKE, MODEL, SOFTWARE, CHANGED = 0x010F, 0x0110, 0x0131, 0x0132
EXIF, TAKEN, TAKEN_OFFSET, OFFSET = 0x8769, 0x9003, 0x9011, 0x9010
"""Tags of Exif 2.32, 4.6.3 to 4.6.5; 0x9011 is OffsetTimeOriginal, 0x9010 OffsetTime."""
_TIME = re.compile(r"([0-9]{4}):([0-9]{2}):([0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})")
_ZONE = re.compile(r"[+-][0-9]{2}:[0-9]{2}")
JUMBF = (b"jumb", b"c2pa")
"""A file with content credentials holds both, the first as a box type and the second as its label (C2PA 2.1, 11.3)."""


def made_of(image: Image.Image, content: bytes) -> dict[str, Any]:
    """Return what a file says of its making (casework.collectors.photo.MADE); None for what it does not say."""
    try:
        tags = image.getexif()
        inner = tags.get_ifd(EXIF)
    except (
        Exception
    ):  # Pillow raises what it meets in a damaged directory: struct.error, ValueError, SyntaxError ...
        tags, inner = Image.Exif(), {}
    taken = _time(inner.get(TAKEN), inner.get(TAKEN_OFFSET))
    changed = _time(tags.get(CHANGED), inner.get(OFFSET))
    make, model = _text(tags.get(MAKE)) or "", _text(tags.get(MODEL)) or ""
    camera = model if model.startswith(make) else f"{make} {model}".strip()
    return {
        "taken_at": taken,
        "changed_at": None if changed is not None and changed[:19] == (taken or "")[:19] else changed,
        "camera": camera[:TEXT_CHARS_MAX] or None,
        "software": _text(tags.get(SOFTWARE)),
        "credentials": all(label in content for label in JUMBF),
    }


def _time(given: Any, offset: Any) -> str | None:
    """Return "2019-06-07T14:56:19-07:00", without an offset where the file has none: the camera's own clock."""
    fits = _TIME.fullmatch(given.strip("\x00 ")) if type(given) is str else None
    if fits is None:
        return None
    zone = offset.strip("\x00 ") if type(offset) is str else ""
    year, month, day, clock = fits.groups()
    told = f"{year}-{month}-{day}T{clock}{zone if _ZONE.fullmatch(zone) else ''}"
    try:
        datetime.fromisoformat(told)
    except ValueError:  # a month 13, or an offset of 99 hours
        return None
    return told


def _text(given: Any) -> str | None:
    if type(given) is not str:
        return None
    plain = "".join(char for char in given if char.isprintable()).strip()
    return plain[:TEXT_CHARS_MAX] or None
