"""Colours and sizes: one file holds them, every pair can be read, and the other stylesheet only names them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "web" / "static"
TEMPLATES = STATIC.parent / "templates"
TOKENS = (STATIC / "tokens.css").read_text()
UI = re.sub(r"/\*.*?\*/", "", (STATIC / "ui.css").read_text(), flags=re.DOTALL)
THEMES = ("light", "dark")
TONES = ("attention", "late", "done", "wait", "quiet", "helper")

# WCAG 2.2: 1.4.3 asks 4.5 for text, 1.4.11 asks 3 for controls and marks.
TEXT, MARK = 4.5, 3.0
PAIRS: list[tuple[str, str, float]] = [
    ("ink", "page", TEXT), ("ink", "surface", TEXT), ("ink", "sunken", TEXT),
    ("muted", "page", TEXT), ("muted", "surface", TEXT), ("muted", "sunken", TEXT),
    ("link", "page", TEXT), ("link", "surface", TEXT), ("link", "accent-soft", TEXT),
    ("on-accent", "accent", TEXT), ("on-accent", "accent-hover", TEXT),
    ("on-danger", "danger", TEXT), ("on-danger", "danger-hover", TEXT), ("danger", "surface", TEXT),
    ("page", "ink", TEXT),  # the toast turns them round
    ("edge", "surface", MARK), ("edge", "page", MARK), ("focus", "surface", MARK), ("focus", "page", MARK),
    ("accent", "surface", MARK),
    *((f"{tone}-ink", f"{tone}-bg", TEXT) for tone in TONES),
    *((f"{tone}-ink", "surface", TEXT) for tone in TONES),
    *((f"{tone}-mark", "surface", MARK) for tone in TONES),
    *((f"{tone}-mark", f"{tone}-bg", MARK) for tone in TONES),
]  # fmt: skip


def colours(theme: str) -> dict[str, str]:
    """Return token -> #RRGGBB of a theme, as the person's own choice sets it."""
    start = r"\n\[data-theme=dark\]\s*\{(.*?)\}" if theme == "dark" else r"\{(.*?)\}"
    block = re.search(start, TOKENS, re.DOTALL)
    assert block is not None
    return dict(re.findall(r"--ts-([a-z-]+):\s*(#[0-9A-Fa-f]{6})", block[1]))


def luminance(colour: str) -> float:
    """WCAG 2.2 relative luminance of #RRGGBB."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_every_pair_can_be_read(theme: str, front: str, back: str, least: float) -> None:
    found = colours(theme)
    assert contrast(found[front], found[back]) >= least, (front, back, contrast(found[front], found[back]))


def test_contrast_is_that_of_the_standard() -> None:
    assert round(contrast("#FFFFFF", "#000000"), 2) == 21.0
    assert round(contrast("#777777", "#FFFFFF"), 2) == 4.48, "the well-known grey that just fails"


def test_both_themes_have_the_same_colours_and_the_system_s_dark_is_the_chosen_dark() -> None:
    assert colours("light").keys() == colours("dark").keys()
    system = re.search(r"prefers-color-scheme:\s*dark[^{]*\{[^{]*\{(.*?)\}", TOKENS, re.DOTALL)
    assert system is not None
    assert dict(re.findall(r"--ts-([a-z-]+):\s*(#[0-9A-Fa-f]{6})", system[1])) == colours("dark")


COLOUR = re.compile(
    r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|color-mix)\(|\b(?:white|black|red|green|gray|grey)\b"
)
SIZE = re.compile(r"(?<![\w-])-?(?:\d+\.?\d*|\.\d+)(?:px|rem|em|pt|vh|vw|ch)\b")
ALLOWED_SIZES = frozenset({"1px", "-1px", "0px"})


def in_ui() -> list[str]:
    """Return the declarations of ui.css, without the conditions of media queries."""
    return re.findall(r"[\w-]+\s*:\s*[^;{}]+(?=[;}])", re.sub(r"@media[^{]*\{", "{", UI))


def test_no_colour_outside_the_tokens() -> None:
    assert [one for one in in_ui() if COLOUR.search(one.partition(":")[2])] == []


def test_no_size_outside_the_tokens() -> None:
    assert [one for one in in_ui() if set(SIZE.findall(one)) - ALLOWED_SIZES] == []


def test_every_token_that_is_named_exists() -> None:
    named = set(re.findall(r"var\(--ts-([a-z0-9-]+)", UI + TOKENS))
    made = set(re.findall(r"--ts-([a-z0-9-]+)\s*:", TOKENS))
    assert named - made == set()


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_templates_hold_no_style_no_script_and_no_old_htmx(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|hx-on|hx-vals=.js:", text)
    assert not re.search(r"hx-disabled-elt|hx-ext\b|htmx:[a-z]+[A-Z]", text), (
        "htmx 2 words do nothing in htmx 4"
    )
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text), "nothing comes from elsewhere"


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_every_class_of_a_template_is_one_the_stylesheet_knows(path: Path) -> None:
    known = set(re.findall(r"\.([a-z][a-z0-9-]*)", UI)) | {"list", "open", "fields", "home", "widewords"}
    text = re.sub(r"\{[{%].*?[%}]\}", " ", path.read_text(), flags=re.DOTALL)
    used = {name for given in re.findall(r'class="([^"]*)"', text) for name in given.split()}
    assert used - known == set()
