"""Small pictures made on the spot, whole ones and such as no camera makes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image


def painted(kind: str, width: int = 64, height: int = 48, colour: str = "teal", **more: Any) -> bytes:
    """Return a picture in one of Pillow's formats."""
    made = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(made, kind, **more)
    return made.getvalue()


def jpeg(width: int = 64, height: int = 48, colour: str = "teal", **more: Any) -> bytes:
    """Return a JPEG."""
    return painted("JPEG", width, height, colour, **more)


def png(width: int = 64, height: int = 48, colour: str = "teal") -> bytes:
    """Return a PNG."""
    return painted("PNG", width, height, colour)


def moving(kind: str) -> bytes:
    """Return a picture of two frames."""
    made = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(made, kind, save_all=True, append_images=frames[1:], duration=100)
    return made.getvalue()


def bomb(width: int, height: int) -> bytes:
    """Return a PNG whose header promises many pixels and whose data is a few bytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\x00" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def turned(degrees_tag: int) -> bytes:
    """Return a JPEG of 40 x 20 whose EXIF says how it was held, and where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = degrees_tag
    exif.get_ifd(0x8825)[1] = "N"
    return jpeg(40, 20, exif=exif)
