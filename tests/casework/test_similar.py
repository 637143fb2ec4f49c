"""Which reports are about the same thing: words folded in two languages, near words counted, numbers exact."""

from __future__ import annotations

import pytest

from casework.similar import TEXT_CHARS_MAX, holds, most_alike, score, words

SAME = [
    ("The ice machine leaks", "Ice machine is leaking again"),
    ("Kühlschrank im Lager kaputt", "Der Kuehlschrank im Lager ist kaputt"),
    ("KÜHLSCHRANK KAPUTT", "kuhlschrank kaputt"),
    ("Größe der Tür falsch", "GROESSE DER TUER FALSCH"),
    ("Spülmaschine läuft aus", "Die Spülmaschine in der Küche läuft aus"),
    ("Table 12 wobbles", "table 12 is wobbling, the guest complained"),
    (
        "Dish washer shows error E4",
        "Since this morning the dish washer shows error E4 and nobody could start it, we called the "
        "service but they come on Friday at the earliest, until then somebody has to wash by hand",
    ),
    ("Café door stuck", "cafe door is stuck"),
]
OTHER = [
    ("The ice machine leaks", "The coffee machine is empty"),
    ("Table 12 wobbles", "Table 14 wants to pay"),
    ("Room 201 has no towels", "Room 202 has no hot water"),
    ("The guest is unhappy", "The and is of"),
    ("", "The ice machine leaks"),
    ("!!!", "???"),
    ("Milk", "Milk delivery was late and the invoice is wrong"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_about_the_same(one: str, other: str) -> None:
    assert most_alike(one, {"x": other}, 3) and most_alike(other, {"x": one}, 3)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_about_something_else(one: str, other: str) -> None:
    assert most_alike(one, {"x": other}, 3) == []


def test_the_most_alike_come_first_and_no_more_than_asked() -> None:
    others = {
        "far": "Pizza oven door hangs",
        "near": "The pizza oven is cold again",
        "same": "pizza oven cold",
        "other": "Chairs",
    }
    assert [name for name, _ in most_alike("Pizza oven cold", others, 2)] == ["same", "near"]


def test_a_score_is_between_nothing_and_one() -> None:
    assert score(words("ice machine"), words("ice machine")) == 1.0
    assert score((), ("ice",)) == score(("ice",), ()) == 0.0
    assert 0.0 <= score(("leak", "leaks", "leaking"), ("leak",)) <= 1.0


def test_a_long_text_is_cut() -> None:
    assert len(words("ab " * TEXT_CHARS_MAX)) == 1
    assert len(words(" ".join(str(number) for number in range(10_000)))) <= 60


HELD = [
    ("The ice machine leaks", "mach", True),
    ("The ice machine leaks", "leak ICE", True),
    ("Kühlschrank kaputt", "kuehl", True),
    ("The ice machine leaks", "chine", False),
    ("The ice machine leaks", "ice cream", False),
    ("The ice machine leaks", "  ", False),
]


@pytest.mark.parametrize(("text", "asked", "found"), HELD)
def test_the_search_finds_beginnings_of_words(text: str, asked: str, found: bool) -> None:
    assert holds(text, asked) is found
