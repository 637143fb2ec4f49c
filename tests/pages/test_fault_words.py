"""Why a row was not read, in words: every reason that a reader of files can give has some, or is shown as it is."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.pages.fault_words import fault_words
from api.pages.words import Words
from tests.api.house import house
from tests.pages.reading import form, words
from tests.pages.test_uploading import GOOD, send
from tests.pages.test_watch import with_quotes

ENGLISH, GERMAN = (Words(one, ZoneInfo("UTC"), "2026-11-20T10:00:00.000Z") for one in ("en", "de"))
REASONS = [
    ("value: expected a decimal number, got 'much'", "value: expected an amount such as 120.50, got 'much'"),
    ("value: expected at most 2 decimals, got '1.234'",
     "value: expected at most 2 digits after the point, got '1.234'"),
    ("covers: expected an integer within +-(2^53-1), got 'x'", "covers: expected a whole number, got 'x'"),
    ("expected 6 columns, got 5", "expected 6 cells, as in the first row, got 5"),
    ("sent_at: expected an ISO 8601 time of precision millisecond, got 'x, got y'",
     "sent_at: expected a time such as 2026-11-23T19:30, got 'x, got y'"),
    ("owner: expected a value (owner is required), got none", "owner: expected something: it is needed, got nothing"),
    ("row 3: role: expected one of owner, staff, got 'cook'", "Row 3, role: expected one of owner, staff, got 'cook'"),
    ("expected a record known by 2026-11-20T10:00:00.000Z, got 2027-01-01T00:00:00.000Z",
     "expected nothing from the future, got 2027-01-01T00:00:00.000Z"),
    ("100%s: expected a date like 2026-11-23, got '%(num)s'",
     "100%s: expected a date such as 2026-11-23, got '%(num)s'"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "said"), REASONS)
def test_a_reason_has_words(reason: str, said: str) -> None:
    assert fault_words(reason, ENGLISH) == said
    german = fault_words(reason, GERMAN)
    assert german is not None and "gebraucht" in german and "expected" not in german


@pytest.mark.parametrize("reason", ["", "no such thing", "expected a quote", "expected the moon, got cheese"])
def test_a_reason_without_words_has_none(reason: str) -> None:
    assert fault_words(reason, ENGLISH) is None


async def test_pages_say_it_in_the_readers_language(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        bad = (GOOD + "A3,guest-3,sent,2026-11-19T10:00,much,Ana\n").encode()
        assert "Row 4: value: expected an amount such as 120.50, got 'much'" in words(
            (await send(place, team, bad)).text
        )
        german = {"Accept-Language": "de"}
        sent = form((await place.see("/people", team, "owner")).text, "/people/import")
        roster = {**sent.fields, "csv": "name,role\nAna,cook\n"}
        answer = await place.send(sent.action, team, "owner", roster, **german)
        assert "Zeile 2, role: gebraucht: eines von owner" in words(answer.text)
