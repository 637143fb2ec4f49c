"""What is taken as a photo: by its bytes, whole, still and of a size to handle; every refusal says expected and got."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from api.pictures import (
    THUMBNAIL_PX_MAX,
    THUMBNAILS_BYTES_MAX,
    TRAILING_BYTES_MAX,
    Pictures,
    check_document,
    look,
    plain_name,
    served_type,
    thumbnail,
)
from api.problems import BadRequest
from casework.collectors.photo import SIZE_MAX_BYTES
from tests.api.painted import bomb, jpeg, moving, painted, png, turned

WEBP = painted("WEBP")
HEIC = b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40
PDF = b"%PDF-1.7\n1 0 obj\n"

TAKEN = [
    # what, content, declared
    ("JPEG", jpeg(), "image/jpeg"),
    ("progressive JPEG", jpeg(300, 200, progressive=True), "image/jpeg"),
    ("JPEG with EXIF", turned(6), "image/jpeg"),
    ("PNG", png(), "image/png"),
    ("WebP", WEBP, "image/webp"),
    ("WebP without loss", painted("WEBP", lossless=True), "image/webp"),
    ("a phone's few bytes behind it", jpeg() + b"\x00" * TRAILING_BYTES_MAX, "image/jpeg"),
    ("one pixel", png(1, 1), "image/png"),
]


@pytest.mark.parametrize(("what", "content", "declared"), TAKEN, ids=[row[0] for row in TAKEN])
def test_taken(what: str, content: bytes, declared: str) -> None:
    seen = look(content, declared, "IMG_1.jpg")
    assert (seen.content, seen.media_type, seen.name) == (content, declared, "IMG_1.jpg")
    with Image.open(io.BytesIO(content)) as image:
        assert (seen.width_px, seen.height_px) == image.size


REFUSED = [
    # what, content, declared, status, code, words
    ("nothing", b"", "image/jpeg", 422, "photo_unreadable", "got 0"),
    ("too many bytes", jpeg() + b"\x00" * SIZE_MAX_BYTES, "image/jpeg", 413, "photo_too_large", "got 8"),
    ("PNG as JPEG", png(), "image/jpeg", 415, "media_type", "expected image/jpeg, as declared, got image/png"),
    ("text as JPEG", b"hello", "image/jpeg", 415, "media_type", "got text/plain by its bytes"),
    ("HTML as PNG", b"<script>1</script>", "image/png", 415, "media_type", "got text/plain by its bytes"),
    ("an unknown thing", b"\x00\x01\x02", "image/jpeg", 415, "media_type", "got something else"),
    ("a document", PDF, "application/pdf", 415, "media_type", "expected one of image/jpeg"),
    ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", 415, "media_type", "image/svg+xml"),
    ("GIF", painted("GIF"), "image/gif", 415, "media_type", "got image/gif"),
    ("no type", jpeg(), "", 415, "media_type", "got none"),
    ("HEIC", HEIC, "image/heic", 415, "media_type", "take the photo in the page"),
    ("HEIC as JPEG", HEIC, "image/jpeg", 415, "media_type", "got HEIC"),
    ("cut JPEG", jpeg(300, 200)[:-200], "image/jpeg", 422, "photo_unreadable", "cut off"),
    ("JPEG's first bytes", jpeg()[:3], "image/jpeg", 422, "photo_unreadable", "cut off"),
    ("cut PNG", png()[:-20], "image/png", 422, "photo_unreadable", "cut off"),
    ("cut WebP", WEBP[:-20], "image/webp", 422, "photo_unreadable", "cut off"),
    ("damaged PNG", png()[:45] + b"\x00" * 8 + png()[53:], "image/png", 422, "photo_unreadable", "damaged"),
    ("moving PNG", moving("PNG"), "image/png", 422, "photo_animated", "a moving one"),
    ("moving WebP", moving("WEBP"), "image/webp", 422, "photo_animated", "a moving one"),
    ("a film behind it", jpeg() + b"\x00" * (TRAILING_BYTES_MAX + 1), "image/jpeg", 422, "photo_trailing", "65537"),
    ("a document behind it", png() + PDF * 9_000, "image/png", 422, "photo_trailing", "moving photo"),
    ("41 megapixels", bomb(8_200, 5_000), "image/png", 422, "photo_pixels", "got 8200 x 5000"),
    ("a bomb", bomb(60_000, 60_000), "image/png", 422, "photo_pixels", "far more"),
    ("promised pixels that are not there", bomb(4_000, 4_000), "image/png", 422, "photo_unreadable", "cut off"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "content", "declared", "status", "code", "words"), REFUSED, ids=[row[0] for row in REFUSED]
)
def test_refused(what: str, content: bytes, declared: str, status: int, code: str, words: str) -> None:
    with pytest.raises(BadRequest) as refused:
        look(content, declared)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert words in refused.value.detail and "expected" in refused.value.detail


DOCUMENTS = [
    (PDF, "application/pdf", None),
    (b"a;b\r\n1;2\r\n", "text/csv", None),
    ("Grüße".encode(), "text/plain", None),
    (png(), "image/png", None),
    (b"a;b", "application/pdf", "got text/plain"),
    (PDF, "text/plain", "got application/pdf"),
    ("Grüße".encode("latin-1"), "text/plain", "no UTF-8 text"),
    (b"a\x00b", "text/csv", "no UTF-8 text"),
    (b"MZ\x90\x00", "application/x-msdownload", "got application/x-msdownload"),
    (b"PK\x03\x04", "application/pdf", "something else"),
    (moving("PNG"), "image/png", "a moving one"),
]


@pytest.mark.parametrize(("content", "declared", "words"), DOCUMENTS)
def test_documents(content: bytes, declared: str, words: str | None) -> None:
    if words is None:
        check_document(content, declared)
    else:
        with pytest.raises(BadRequest) as refused:
            check_document(content, declared)
        assert words in refused.value.detail


NAMES = [
    ("IMG_1.jpg", "IMG_1.jpg"),
    ("../../etc/passwd", "passwd"),
    ("C:\\Users\\ana\\fridge.png", "fridge.png"),
    ("..", None),
    ("/", None),
    ("", None),
    (None, None),
    ("Kühlschrank.jpg", "Kühlschrank.jpg"),
]


@pytest.mark.parametrize(("given", "kept"), NAMES)
def test_a_name_is_kept_without_folders(given: str | None, kept: str | None) -> None:
    assert plain_name(given) == kept


@pytest.mark.parametrize("given", ["a\x00.jpg", "a\r\nSet-Cookie: x", "a\u202egpj.exe", "x" * 121])
def test_a_name_with_control_characters_is_refused(given: str) -> None:
    with pytest.raises(BadRequest, match="file_name"):
        plain_name(given)


def test_a_thumbnail_is_small_upright_and_tells_nothing() -> None:
    with Image.open(io.BytesIO(thumbnail(jpeg(2_000, 1_000), "image/jpeg"))) as small:
        assert (small.format, max(small.size)) == ("JPEG", THUMBNAIL_PX_MAX)
    with Image.open(io.BytesIO(thumbnail(turned(6), "image/jpeg"))) as upright:
        assert upright.size == (20, 40)
        assert not upright.getexif()
        assert "exif" not in upright.info


SERVED = [
    (jpeg(), "image/jpeg", "image/jpeg"),
    (b"a;b", "text/csv", "text/csv"),
    (b"<script>", "image/png", "application/octet-stream"),
    (png(), "image/jpeg", "application/octet-stream"),
    (b"\x00", None, "application/octet-stream"),
]


@pytest.mark.parametrize(("content", "media_type", "told"), SERVED)
def test_stored_bytes_are_shown_under_their_own_type_only(
    content: bytes, media_type: str | None, told: str
) -> None:
    assert served_type(content, media_type) == told


def test_kept_thumbnails_stay_within_their_bytes() -> None:
    pictures = Pictures()
    for number in range(20):
        pictures.keep(str(number), bytes(THUMBNAILS_BYTES_MAX // 10))
        assert pictures.kept("0") is not None  # asked for each time, so it stays
    kept = [number for number in range(20) if pictures.kept(str(number)) is not None]
    assert kept == [0, *range(11, 20)]
    pictures.drop("19")
    assert pictures.kept("19") is None
