"""A badge as the text of a code: base45 as the RFC has it, what comes back, what is refused."""

from __future__ import annotations

import re
import zlib

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from api.pages.qr import code_of
from casework.badge_text import PREFIX, TEXT_CHARS_MAX, base45, from_base45, from_text, to_text
from casework.data_integrity import DOCUMENT_SIZE_MAX_BYTES, ProofRefused
from ledger.canonical import encode
from tests.casework.test_badges import badge

RFC_9285 = [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]
"""Section 4.3 and 4.4."""


@pytest.mark.parametrize(("data", "text"), RFC_9285)
def test_the_examples_of_the_rfc(data: bytes, text: str) -> None:
    assert (base45(data), from_base45(text)) == (text, data)


@given(st.binary(max_size=200))
def test_base45_comes_back(data: bytes) -> None:
    assert from_base45(base45(data)) == data


@pytest.mark.parametrize("text", ["GGW", ":::", "A", "ABCD", "abc", "Ü00", "::"])
def test_what_is_no_base45_is_refused(text: str) -> None:
    assert from_base45(text) is None


def test_a_badge_fits_into_a_code_and_comes_back() -> None:
    text = to_text(badge())
    assert len(text) < 2_000
    assert from_text(text) == from_text(text + "\n") == encode(badge())


@pytest.mark.parametrize("turned", [0, 3])
def test_a_reader_of_codes_reads_it_from_the_sheet(turned: int) -> None:
    """The path is drawn as a browser draws it, three points a module, then turned a little."""
    text, scale = to_text(badge()), 3
    code = code_of(text, "l")
    image = Image.new("L", (code.size * scale, code.size * scale), 255)
    pen = ImageDraw.Draw(image)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", code.path):
        left, top, right = int(x) * scale, int(y) * scale, (int(x) + int(width)) * scale
        pen.rectangle((left, top, right - 1, top + scale - 1), fill=0)
    (found,) = zxingcpp.read_barcodes(image.rotate(turned, fillcolor=255, expand=True))
    assert found.text == text


@pytest.mark.parametrize(
    "text",
    [
        PREFIX,
        PREFIX + "ABCD",
        "TSB2:" + base45(zlib.compress(b"{}")),
        PREFIX + base45(b"plain"),
        PREFIX + base45(zlib.compress(b"{}")[:-2]),
        PREFIX + base45(zlib.compress(b"{}") + b"more"),
        PREFIX + base45(zlib.compress(bytes(DOCUMENT_SIZE_MAX_BYTES + 1))),
        PREFIX + "0" * 3 * TEXT_CHARS_MAX,
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ProofRefused, match="text"):
        from_text(text)


def test_a_badge_too_long_for_any_code_is_said() -> None:
    noise = "".join(chr(0x4E00 + (n * 7919) % 20_000) for n in range(6_000))
    with pytest.raises(ValueError, match="at most"):
        to_text({**badge(), "name": noise})
