"""Looking into uploaded files before anybody relies on them: is it what it says it is, whole, and of a size to handle?

    1. size   2. the first bytes tell the type; the declared one must agree   3. where the picture ends, what follows
    4. pixels, by the header alone   5. moving pictures are none   6. the picture is decoded once

Evidence is never altered: what cannot be taken as it is, is refused with a sentence. Decoding runs in a thread, few at
once, so that nobody can fill the machine. Pillow is asked for exactly the one format that the bytes begin with.
"""

from __future__ import annotations

import asyncio
import io
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageOps

from api.likeness import likeness_of
from api.making import made_of
from api.problems import BadRequest
from casework.collectors import photo, upload
from casework.collectors.photo import Picture

TRAILING_BYTES_MAX = 64 * 1024
"""Some phones put a few bytes behind a picture; a film, or another file, is more."""
NAME_CHARS_MAX = 120
AT_ONCE_MAX = 2
"""One picture of PIXELS_MAX takes up to 160 MB while it is decoded."""
DRAFT_PX_MIN = 256
"""What a picture is decoded to at least, so that it can be known again (api/likeness.py)."""
THUMBNAIL_PX_MAX = 640
THUMBNAIL_QUALITY = 80
THUMBNAILS_BYTES_MAX = 16 * 1024 * 1024

FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
HEIC = "image/heic"
HEIC_SENTENCE = (
    "expected JPEG, PNG or WebP, got HEIC or AVIF, which many browsers cannot show; take the photo in the page, or set "
    "the phone's camera to its most compatible format"
)
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif"))
_TEXT_TYPES = frozenset(("text/plain", "text/csv"))
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def sniff(content: bytes) -> str | None:
    """Return the media type that the first bytes tell, None for anything not taken as evidence. Text is `text/plain`,
    whatever is written in it."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(_PNG_SIGNATURE):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        return HEIC
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    return "text/plain" if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text) and all(letter >= " " or letter in "\t\n\r\f" for letter in text)


def check_type(content: bytes, declared: str, taken: tuple[str, ...]) -> str:
    """Return the media type of a file that is what it was declared as, and one of those taken here.

    Raises:
        BadRequest: media_type (415), says expected and got.
    """
    found = sniff(content)
    expected = ", ".join(taken)
    if found == HEIC:
        raise BadRequest("media_type", HEIC_SENTENCE, status=415)
    if declared not in taken:
        raise BadRequest("media_type", f"expected one of {expected}, got {declared or 'none'}", status=415)
    if found != declared and not (found == "text/plain" and declared in _TEXT_TYPES):
        said = found or ("bytes that are no UTF-8 text" if declared in _TEXT_TYPES else "something else")
        raise BadRequest(
            "media_type", f"expected {declared}, as declared, got {said} by its bytes", status=415
        )
    return declared


def plain_name(given: str | None) -> str | None:
    """Return the name of an uploaded file without folders, None where none was given.

    Raises:
        BadRequest: file_name, it holds control characters or is too long.
    """
    last = (given or "").replace("\\", "/").rpartition("/")[2].strip()
    if not last or not last.strip("."):
        return None
    if not last.isprintable() or len(last) > NAME_CHARS_MAX:
        raise BadRequest(
            "file_name",
            f"expected a name of at most {NAME_CHARS_MAX} printable characters, got {last[:40]!a}",
        )
    return last


def look(content: bytes, declared: str, name: str | None = None) -> Picture:
    """Return a picture whose bytes were looked into. Slow: call it in a thread.

    Raises:
        BadRequest: photo_too_large (413), media_type (415), photo_animated, photo_pixels, photo_trailing,
            photo_unreadable, file_name.
    """
    # 1. size
    if not 0 < len(content) <= photo.SIZE_MAX_BYTES:
        expected = f"expected a photo of 1 to {photo.SIZE_MAX_BYTES} bytes, got {len(content)}"
        raise BadRequest(
            "photo_too_large" if content else "photo_unreadable", expected, status=413 if content else 422
        )
    # 2. type
    media_type = check_type(content, declared, photo.MEDIA_TYPES)
    # 3. the end
    try:
        ends = _END[media_type](content)
    except (IndexError, struct.error, _NoEnd):
        raise _unreadable("a whole picture", "one that is cut off or damaged") from None
    if len(content) - ends > TRAILING_BYTES_MAX:
        raise BadRequest(
            "photo_trailing",
            f"expected the file to end with its picture, got {len(content) - ends} more bytes behind it, such as the "
            "film of a moving photo; take the photo in the page, or save it as a plain picture",
        )
    try:
        with Image.open(io.BytesIO(content), formats=[FORMATS[media_type]]) as image:
            # 4. pixels, before any is decoded
            width, height = image.size
            _check_pixels(width, height)
            # 5. one picture
            if getattr(image, "n_frames", 1) > 1 and media_type != "image/jpeg":
                raise BadRequest(
                    "photo_animated", "expected one picture, got a moving one; send a photo of it"
                )
            # 6. decode; a JPEG at an eighth of its size reads every byte all the same
            image.draft("RGB", (max(DRAFT_PX_MIN, width // 8), max(DRAFT_PX_MIN, height // 8)))
            image.load()
            made, likeness = made_of(image, content), likeness_of(image)
    except Image.DecompressionBombError:
        raise BadRequest(
            "photo_pixels", f"expected at most {photo.PIXELS_MAX} pixels, got far more; send a smaller photo"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError, struct.error):
        raise _unreadable(f"a readable {media_type}", "one that is cut off or damaged") from None
    hashes = None if likeness is None else likeness.to_json()
    return Picture(content, media_type, width, height, plain_name(name), made, hashes)


def _check_pixels(width: int, height: int) -> None:
    if width * height > photo.PIXELS_MAX:
        expected = f"expected at most {photo.PIXELS_MAX} pixels"
        raise BadRequest("photo_pixels", f"{expected}, got {width} x {height}; send a smaller photo")


def _unreadable(expected: str, got: str) -> BadRequest:
    return BadRequest("photo_unreadable", f"expected {expected}, got {got}; take it again")


def check_document(content: bytes, declared: str) -> None:
    """Check that a file of the other door is what it was declared as; a picture among them is looked into like a photo.

    Raises:
        BadRequest: as `look`.
    """
    if declared in photo.MEDIA_TYPES:
        look(content, declared)
    else:
        check_type(content, declared, upload.MEDIA_TYPES)


# ---------------------------------------------------------------------------------------------- where a picture ends
class _NoEnd(Exception):
    """The picture has no end: the file was cut off."""


def _jpeg_end(content: bytes) -> int:
    """Return the offset behind the end-of-image marker (ITU T.81, B.1.1): segments by their length, scans by marker."""
    at = 2
    while True:
        if content[at] != 0xFF:
            raise _NoEnd
        while content[at + 1] == 0xFF:  # fill bytes
            at += 1
        marker = content[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        at += 2 + max(2, int(struct.unpack_from(">H", content, at + 2)[0]))
        if marker == 0xDA:
            at = _scan_end(content, at)


def _scan_end(content: bytes, at: int) -> int:
    """Return the offset of the marker that ends a scan: stuffed zeros and restart markers belong to it."""
    while True:
        at = content.find(b"\xff", at)
        if at < 0:
            raise _NoEnd
        after = content[at + 1]
        if after != 0 and not 0xD0 <= after <= 0xD7:
            return at
        at += 2


def _png_end(content: bytes) -> int:
    """Return the offset behind the chunk IEND."""
    at = len(_PNG_SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", content, at)
        at += 12 + int(length)
        if at > len(content):
            raise _NoEnd
        if kind == b"IEND":
            return at


def _webp_end(content: bytes) -> int:
    """Return the offset behind the RIFF container."""
    ends = 8 + int(struct.unpack_from("<I", content, 4)[0])
    if ends > len(content):
        raise _NoEnd
    return ends


_END: Mapping[str, Callable[[bytes], int]] = {
    "image/jpeg": _jpeg_end,
    "image/png": _png_end,
    "image/webp": _webp_end,
}


# ---------------------------------------------------------------------------------------------- serving
def served_type(content: bytes, media_type: str | None) -> str:
    """Return the type under which stored bytes may be shown: theirs, or none at all when they are another."""
    found = sniff(content)
    if media_type is not None and (found == media_type or (found, media_type) == ("text/plain", "text/csv")):
        return media_type
    return "application/octet-stream"


def thumbnail(content: bytes, media_type: str) -> bytes:
    """Return a JPEG of at most THUMBNAIL_PX_MAX, upright, with nothing but pixels. Slow: call it in a thread.

    Raises:
        BadRequest: as `look`.
    """
    look(content, media_type)
    with Image.open(io.BytesIO(content), formats=[FORMATS[media_type]]) as image:
        image.draft("RGB", (THUMBNAIL_PX_MAX, THUMBNAIL_PX_MAX))
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((THUMBNAIL_PX_MAX, THUMBNAIL_PX_MAX))
        small = upright.convert("RGBA")
    paper = Image.new("RGB", small.size, "white")
    paper.paste(small, mask=small.getchannel("A"))
    told = io.BytesIO()
    paper.save(told, "JPEG", quality=THUMBNAIL_QUALITY)
    return told.getvalue()


@dataclass(slots=True)
class Pictures:
    """Looks into pictures, few at once, and keeps the thumbnails used last: THUMBNAILS_BYTES_MAX of them in memory.

    Whoever asks for a kept one has shown before that the item is still there: what was erased is not served.
    """

    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX))
    _kept: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    _kept_bytes: int = 0

    async def look(self, content: bytes, declared: str, name: str | None = None) -> Picture:
        """Return a picture whose bytes were looked into. Raises BadRequest."""
        async with self._turn:
            return await asyncio.to_thread(look, content, declared, name)

    async def check_document(self, content: bytes, declared: str) -> None:
        """Check a file of the other door. Raises BadRequest."""
        async with self._turn:
            await asyncio.to_thread(check_document, content, declared)

    async def thumbnail(self, content: bytes, media_type: str) -> bytes:
        """Return a small JPEG of a picture. Raises BadRequest."""
        async with self._turn:
            return await asyncio.to_thread(thumbnail, content, media_type)

    def kept(self, item: str) -> bytes | None:
        """Return the thumbnail kept of an item (its commitment), or None."""
        found = self._kept.get(item)
        if found is not None:
            self._kept.move_to_end(item)
        return found

    def keep(self, item: str, small: bytes) -> None:
        """Keep a thumbnail; those not used for longest go."""
        self.drop(item)
        self._kept[item] = small
        self._kept_bytes += len(small)
        while self._kept_bytes > THUMBNAILS_BYTES_MAX:
            self.drop(next(iter(self._kept)))

    def drop(self, item: str) -> None:
        """Forget the thumbnail of an item."""
        self._kept_bytes -= len(self._kept.pop(item, b""))
