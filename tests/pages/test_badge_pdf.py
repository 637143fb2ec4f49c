"""The sheet of a recognition as a PDF: the words of the page, in both languages, and the code as a reader reads it."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from api.pages import badge_pdf
from api.pages.badge_pdf import LettersLacking, drawn, lacking
from api.pages.badge_sheets import Sheet, told
from api.pages.words import Words
from casework.badge_text import to_text
from tests.casework.test_badges import badge

WHO = "Łukasz Grünwald-Ğüven"


def sheet(language: str = "en", **changed: object) -> Sheet:
    words = Words(language, ZoneInfo("Europe/Berlin"), "2026-11-20T10:00:00.000Z")
    return replace(told(badge(), WHO, words), **changed)  # type: ignore[arg-type]


def pages(data: bytes) -> list[str]:
    """Return the text of each page, in one line."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(data)).pages]


def told_by_code(data: bytes, page: int = 0) -> str:
    """Return what a reader of codes reads off a page painted at 150 dots an inch."""
    (found,) = zxingcpp.read_barcodes(pypdfium2.PdfDocument(data)[page].render(scale=150 / 72).to_pil())
    corners = found.position
    assert corners.top_left.x < corners.top_right.x and corners.top_left.y < corners.bottom_left.y, (
        "in a mirror"
    )
    return str(found.text)


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_page_says_what_the_sheet_says_and_its_code_is_the_whole_credential(language: str) -> None:
    one = sheet(language)
    data = drawn(one)
    (text,) = pages(data)
    squeezed = text.replace(" ", "")  # a long word goes on in the next line
    assert [said for said in one.texts() if said.replace(" ", "") not in squeezed] == []
    assert WHO in text and ("Endgültig seit 20. November 2026" if language == "de" else "Final since") in text
    assert told_by_code(data) == to_text(badge())
    about = PdfReader(io.BytesIO(data))
    assert (
        about.metadata is not None
        and about.metadata.title == one.title
        and about.metadata.author == one.place
    )
    assert [round(float(side) / 72 * 25.4) for side in about.pages[0].mediabox[2:]] == [210, 297]
    root: Any = about.trailer["/Root"]
    assert root["/Lang"] == language
    page: Any = about.pages[0]
    fonts = page["/Resources"]["/Font"].values()
    inside = [
        font.get_object()["/FontDescriptor"]["/FontFile2"]
        for font in fonts
        if "Noto" in str(font.get_object())
    ]
    assert inside, "the font travels with the page"


def test_the_same_sheet_is_the_same_file_and_says_no_time_of_printing() -> None:
    assert drawn(sheet()) == drawn(sheet())
    assert PdfReader(io.BytesIO(drawn(sheet()))).metadata.creation_date.year == 2000  # type: ignore[union-attr]


def test_a_long_thank_you_goes_on_and_a_code_stays_whole() -> None:
    words = " ".join(f"word{number}" for number in range(700))
    data = drawn(sheet(said=f"{words}\n\n{'x' * 300}"))
    texts = pages(data)
    assert len(texts) == 4 and "word699" in " ".join(texts)
    assert "".join(texts).replace(" ", "").count("x" * 300) == 1
    assert told_by_code(data, 3) == to_text(badge())
    long = drawn(sheet(code=None))
    assert "too long for a code on paper" in pages(long)[0]
    assert zxingcpp.read_barcodes(pypdfium2.PdfDocument(long)[0].render(scale=2).to_pil()) == []


DRAWN = ["Łukasz", "Şule Ğ", "Őrsi Ű", "Олена Їжак", "Ελένη", "Nguyễn Thị", "Zoë\tÖ", "e\u0301", "a\u200bb"]
NOT_DRAWN = [("שרה", "שרה"), ("田中", "田中"), ("आशा", "आशा"), ("Well done 🎉", "🎉"), ("q\u0301", "\u0301")]


@pytest.mark.parametrize("name", DRAWN)
def test_names_that_are_written(name: str) -> None:
    assert lacking(sheet(who=name)) == "" and drawn(sheet(who=name))


@pytest.mark.parametrize(("name", "letters"), NOT_DRAWN)
def test_a_letter_that_cannot_be_written_is_said_and_never_left_out(name: str, letters: str) -> None:
    assert lacking(sheet(who=name)) == letters
    with pytest.raises(LettersLacking, match="expected letters of Latin, Greek or Cyrillic, got"):
        drawn(sheet(who=name))


def test_without_the_extra_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("reportlab", badge_pdf.FONT_PACKAGE):
        badge_pdf._font.cache_clear()
        monkeypatch.setattr(badge_pdf, "find_spec", lambda one, gone=name: None if one == gone else object())
        assert not badge_pdf.may_draw()
        with pytest.raises(badge_pdf.NoPdf, match="expected reportlab and its font, got none"):
            drawn(sheet())
    monkeypatch.undo()
    badge_pdf._font.cache_clear()
