"""The sheet of a recognition as a PDF of A4 pages, with its font inside: needs the extra `pdf` (docs/adr/0014).

Latin, Greek and Cyrillic letters are drawn, one beside the other. Nothing is dropped or replaced: a sheet with other
signs, or with letters that have to be joined or stacked, is not drawn, and whoever asked prints the page from the
browser instead, which has the fonts of its computer.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from api.pages.badge_sheets import Sheet
from api.pages.qr import Code

MEDIA_TYPE = "application/pdf"
FONT_PACKAGE, FONT_FILE = "fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf"
"""Only the file is read; the package's code is not run."""
FONT = "NotoSans"
WIDTH_PT, HEIGHT_PT = 595.28, 841.89
"""A4 (ISO 216: 210 by 297 mm) in points of 1/72 inch."""
MARGIN_PT = 56.7
CODE_PT = 300.0
"""Edge of the code, border included: about 0.8 mm a module for the longest recognition there is."""
GREY, INK = 0.35, 0.05
LETTERS_SHOWN_MAX = 8


class NoPdf(Exception):
    """The extra `pdf` is not installed. Whoever runs the server installs it, or people print from the browser."""


class LettersLacking(Exception):
    """The font has no sign for some letters of the sheet; `letters` are the first few of them."""

    def __init__(self, letters: str) -> None:
        super().__init__(
            f"expected letters of Latin, Greek or Cyrillic, got {letters}: print the page from the browser"
        )
        self.letters = letters


def may_draw() -> bool:
    """Say whether the extra is installed."""
    try:
        return find_spec("reportlab") is not None and find_spec(FONT_PACKAGE) is not None
    except ValueError:  # half a module: reported as not there
        return False


def lacking(sheet: Sheet) -> str:
    """Return the letters of a sheet that the font has no sign for, at most a few, each once. Raises NoPdf."""
    known = _font().face.charToGlyph
    signs = dict.fromkeys("".join(_plain(text) for text in sheet.texts()))
    found = [one for one in signs if one != "\n" and (ord(one) not in known or _is_joined(one))]
    return "".join(found[:LETTERS_SHOWN_MAX])


def _is_joined(sign: str) -> bool:
    """Say whether a sign has to be put on, under or into its neighbours, which nobody does here."""
    return unicodedata.category(sign)[0] == "M" or unicodedata.name(sign, "").startswith("DEVANAGARI")


def drawn(sheet: Sheet) -> bytes:
    """Return a sheet as a PDF: the same bytes for the same sheet. Slow: call it in a thread.

    Raises:
        NoPdf: the extra is not installed. LettersLacking: the font has not all letters.
    """
    letters = lacking(sheet)
    if letters:
        raise LettersLacking(letters)
    from reportlab.pdfgen.canvas import Canvas

    held = io.BytesIO()
    # invariant: no time of making and no random id, so that nobody learns from the file when it was printed
    canvas = Canvas(held, pagesize=(WIDTH_PT, HEIGHT_PT), invariant=1, lang=sheet.language)
    canvas.setTitle(sheet.title)
    canvas.setAuthor(sheet.place)
    _Pen(canvas, _font()).sheet(sheet)
    canvas.save()
    return held.getvalue()


@lru_cache(maxsize=1)
def _font() -> Any:
    """Return the font, registered once. Raises NoPdf."""
    if not may_draw():
        raise NoPdf("expected reportlab and its font, got none; install the extra `pdf`")
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    spec = find_spec(FONT_PACKAGE)
    if spec is None or spec.origin is None:
        raise NoPdf("expected a font, got none; install the extra `pdf`")
    font = TTFont(FONT, str(Path(spec.origin).parent / FONT_FILE))
    pdfmetrics.registerFont(font)
    return font


def _plain(text: str) -> str:
    """Return a text as it is drawn: composed letters, blanks for tabs and other ends of lines."""
    lines = unicodedata.normalize("NFC", text).splitlines()
    return "\n".join(" ".join(line.split()) for line in lines)


class _Pen:
    """Writes centred lines from the top down, and goes to a new page where the next line has no room."""

    def __init__(self, canvas: Any, font: Any) -> None:
        self.canvas, self.font, self.y_pt = canvas, font, HEIGHT_PT - MARGIN_PT

    def sheet(self, sheet: Sheet) -> None:
        self._text(sheet.place, 11, GREY)
        self._text(sheet.title, 26, INK, before=16)
        self._text(sheet.who, 18, INK, before=10)
        self._text(sheet.what, 12, INK, before=16)
        self._text(sheet.said, 14, INK, before=14)
        self._text(sheet.since, 11, GREY, before=14)
        self._text(sheet.criteria, 10, GREY, before=8)
        if sheet.code is None:
            self._text(sheet.too_long, 10, GREY, before=16)
        else:
            self._code(sheet.code)
            self._text(f"{sheet.to_check} {sheet.command}", 10, GREY, before=4)
        self._text(f"{sheet.signed_by} {sheet.issuer}", 8, GREY, before=8)

    def _text(self, text: str, size_pt: float, grey: float, before: float = 0) -> None:
        if not text:
            return
        self.y_pt -= before
        for line in self._lines(_plain(text), size_pt):
            self._room(size_pt * 1.35)
            self.canvas.setFont(FONT, size_pt)
            self.canvas.setFillGray(grey)
            self.canvas.drawCentredString(WIDTH_PT / 2, self.y_pt + size_pt * 0.35, line)

    def _lines(self, text: str, size_pt: float) -> Iterator[str]:
        """Yield lines that fit between the margins; a word that is longer than a line goes on in the next."""
        room = WIDTH_PT - 2 * MARGIN_PT
        for paragraph in text.split("\n"):
            line = ""
            for word in paragraph.split(" "):
                joined = f"{line} {word}" if line else word
                if self._width(joined, size_pt) <= room:
                    line = joined
                    continue
                if line:
                    yield line
                line = word
                while self._width(line, size_pt) > room:
                    fits = next(n for n in range(len(line), 0, -1) if self._width(line[:n], size_pt) <= room)
                    yield line[:fits]
                    line = line[fits:]
            yield line

    def _width(self, text: str, size_pt: float) -> float:
        return float(self.font.stringWidth(text, size_pt))

    def _room(self, height_pt: float) -> None:
        if self.y_pt - height_pt < MARGIN_PT:
            self.canvas.showPage()
            self.y_pt = HEIGHT_PT - MARGIN_PT
        self.y_pt -= height_pt

    def _code(self, code: Code) -> None:
        """Draw a code whole: one path over all its dark runs, so that no seam shows between rows."""
        self.y_pt -= 8
        self._room(CODE_PT)
        module, left, top = CODE_PT / code.size, (WIDTH_PT - CODE_PT) / 2, self.y_pt + CODE_PT
        path = self.canvas.beginPath()
        for x, y, width in code.runs:
            path.rect(left + x * module, top - (y + 1) * module, width * module, module)
        self.canvas.setFillGray(0)
        self.canvas.drawPath(path, stroke=0, fill=1)
