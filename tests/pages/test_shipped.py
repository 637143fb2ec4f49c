"""What the shipped watches say is said in the reader's language; what anybody wrote themselves stays as it is."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest

from api.pages.shipped import sentences, title_words
from api.pages.words import LANGUAGES, OFFERED, Words, catalogue
from api.watches import library

NOW = "2026-11-20T16:10:00.000Z"
PLACE = re.compile(r"\{([^{}]+)\}")
TITLES = sorted(watch.title for watch in library()[1].values())
OTHERS = [language for language in LANGUAGES if language in OFFERED and language != "en"]


def words(language: str) -> Words:
    return Words(language, ZoneInfo("Europe/Dublin"), NOW)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_said_again_with_the_same_values(title: str, language: str) -> None:
    values = {place: f"K{number}-{place}" for number, place in enumerate(PLACE.findall(title))}
    said = PLACE.sub(lambda place: values[place[1]], title)
    again = title_words(said, words(language))
    assert again != said and "{" not in again
    assert all(value in again for value in values.values())
    assert title_words(said, words("en")) == said


def test_a_value_that_has_words_is_said_in_them() -> None:
    said = "Complaint C-1 (critical) still waits for an answer"
    assert title_words(said, words("de")) == "Beschwerde C-1 (kritisch) wartet noch auf eine Antwort"


@pytest.mark.parametrize("language", OTHERS)
def test_no_place_is_lost_or_invented(language: str) -> None:
    for title in TITLES:
        assert sorted(PLACE.findall(catalogue(language).one(title))) == sorted(PLACE.findall(title))


def test_there_is_a_sentence_of_every_part() -> None:
    told = set(sentences())
    assert set(TITLES) <= told
    assert {"Starts at", "Severity", "The new count, or the delivery"} <= told


@pytest.mark.parametrize(
    "said",
    [
        "The pipe drips",
        "Booking has a special request",
        "Booking H1 has a special request, and nobody on the rota who can meet it, I think",
        "",
        "{quote.id}",
        "100 % %(name)s",
    ],
)
def test_what_somebody_wrote_stays_as_it_is(said: str) -> None:
    assert title_words(said, words("de")) == said
