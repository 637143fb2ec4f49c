"""Every sentence of every page comes from the catalogue, German has all of them, and none says what stays inside."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.pages.words import FALLBACK, OFFERED, Words, language_of
from tests.page_words import NEVER_SAID, says
from tools.words import LANGUAGES, extracted, missing

TEMPLATES = Path(__file__).resolve().parents[2] / "web" / "templates"
SAID_BARE = frozenset({"Tallystick", "htmx-config", "audit", "export", "record-"})
# the gallery is for developers: its words are examples
SPOKEN = sorted(path for path in TEMPLATES.rglob("*.html") if path.name != "gallery.html")


@pytest.mark.parametrize("path", SPOKEN, ids=lambda path: path.name)
def test_no_template_holds_a_sentence_of_its_own(path: Path) -> None:
    text = re.sub(r"\{% block width %\}.*?\{% endblock %\}", " ", path.read_text())
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.DOTALL)
    shown = re.findall(r"(?:aria-label|title|placeholder|alt)=\"([^\"]*)\"", text)
    bare = re.sub(r"<[^>]*>", "\n", re.sub(r"<svg.*?</svg>", " ", text, flags=re.DOTALL)) + "\n".join(shown)
    bare = re.sub(r"[\w-]+=\"[^\"]*\"", " ", bare)  # attributes that a macro hands out
    found = set(re.findall(r"[A-Za-z][A-Za-z-]{2,}", bare)) - SAID_BARE
    assert found == set()


@pytest.mark.parametrize("language", sorted({*OFFERED, *LANGUAGES}))
def test_every_sentence_of_an_offered_language_has_words(language: str) -> None:
    if language != FALLBACK:
        lacking = missing(language)
        assert (language in OFFERED) is (lacking == []), f"{language}: {len(lacking)} sentences lack words"


def test_no_sentence_says_what_stays_inside() -> None:
    loud = {}
    for message in extracted():
        sentences = (message.id,) if isinstance(message.id, str) else message.id
        for sentence in sentences:
            found = [word for word in NEVER_SAID if says(re.sub(r"%\(\w+\)s", "", sentence), word)]
            if found:
                loud[sentence] = found
    assert loud == {}


@pytest.mark.parametrize(
    ("asked", "language"),
    [("de-DE,de;q=0.9,en;q=0.8", "de"), ("en-GB", "en"), ("fr,de;q=0.5", "de"), ("fr", "en"), ("", "en"),
     ("de;q=0.2,en;q=0.9", "en"), (";q=x,,de", "de")],
)  # fmt: skip
def test_the_browser_s_first_language_of_ours(
    asked: str, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.pages.words.OFFERED", ("en", "de"))
    assert language_of(asked) == language


NOW = "2026-11-20T16:10:00.000Z"


@pytest.mark.parametrize(
    ("language", "instant", "said"),
    [
        ("en", "2026-11-20T15:00:00.000Z", "16:00"),
        ("en", "2026-11-19T15:00:00.000Z", "yesterday 16:00"),
        ("en", "2026-11-21T15:00:00.000Z", "tomorrow 16:00"),
        ("en", "2026-11-19T23:30:00.000Z", "00:30"),  # today, in the organisation's zone
        ("en", "2026-12-04T08:05:00.000Z", "Fri 4 Dec 09:05"),
        ("en", "2027-01-04T08:05:00.000Z", "Mon 4 Jan 2027 09:05"),
        ("de", "2026-12-04T08:05:00.000Z", "Fr 4. Dez. 09:05"),
    ],
)
def test_times_are_said_in_the_organisation_s_zone(language: str, instant: str, said: str) -> None:
    assert Words(language, ZoneInfo("Europe/Berlin"), NOW).moment(instant) == said


@pytest.mark.parametrize(
    ("language", "amount", "currency", "said"),
    [
        ("en", 18_000, "GBP", "£180"),
        ("en", 18_050, "GBP", "£180.50"),
        ("en", 123_456_700, "EUR", "€1,234,567"),
        ("de", 18_000, "EUR", "180\xa0€"),
        ("de", 123_456_789, "EUR", "1.234.567,89\xa0€"),
        ("en", 5_000, "JPY", "JP¥5,000"),
    ],
)
def test_money_is_said_by_locale(language: str, amount: int, currency: str, said: str) -> None:
    words = Words(language, ZoneInfo("UTC"), NOW)
    assert words.money({"amount_minor": amount, "currency": currency}) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(20, "1 minute"), (3_000, "50 minutes"), (6 * 3_600, "6 hours"), (8 * 86_400, "8 days")],
)
def test_lengths_of_time_are_said_in_their_largest_unit(seconds: int, said: str) -> None:
    assert Words("en", ZoneInfo("UTC"), NOW).span(seconds) == said
