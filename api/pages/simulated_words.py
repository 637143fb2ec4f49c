"""What a simulated year says of a policy, in words: who works there, what was gained for nothing, what was missed.

Figures of a model stand beside a policy and decide nothing; the sentences say so before they say any number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal

from api.pages.words import Words, mark
from api.simulated_years import Told

HOUSES: Mapping[str, str] = {
    "honest": mark("Everybody is honest"),
    "picking": mark("One in three picks what is easy"),
    "alone": mark("Some cheat, each alone"),
    "pair": mark("Two cheat together"),
    "all": mark("All of these in one place"),
    "yes": mark("The same, and every request gets a yes"),
}
COUNTERS: Mapping[str, str] = {
    "failures that checks missed": mark("Failures that checks missed"),
    "checks that nobody took": mark("Checks that nobody did"),
    "guests who came back about the same matter": mark("Guests who came back about the same thing"),
    "complaints left lying for the lead": mark("Complaints left lying"),
    "hard ones left lying": mark("Hard complaints left lying"),
    "open points that fell between two shifts": mark("Open points that got lost"),
    "changes of shift without a note": mark("Changes of shift without a note"),
    "people who hold a course and cannot do it": mark("Who passed and cannot do it"),
    "assigned courses that were not taken": mark("Courses not taken"),
    "recognised referrals that did not last": mark("Referrals that did not last"),
    "recognised ones who would have come anyway": mark("Who would have come anyway"),
}
WAYS: Mapping[str, str] = {
    "office": mark("a number written down without going there"),
    "printed": mark("a photo of the code on paper"),
    "office_recheck": mark("a colleague who confirms without looking"),
    "second_account": mark("a second sign-in that nobody knows of"),
    "lent_phone": mark("a phone lent to a colleague"),
    "not_looked": mark("going there and not looking"),
    "hidden_failure": mark("a good number in place of a bad one"),
    "closed_early": mark("closing it without having solved it"),
    "own_card": mark("answering in the guest's place"),
    "partner_card": mark("a colleague who answers in the guest's place"),
    "invented": mark("a guest who does not exist"),
    "invented_by_partner": mark("a guest whom a colleague made up"),
    "phrases": mark("a note of set phrases"),
    "hidden_point": mark("leaving out what only they know"),
    "waved_through": mark("a colleague who reads back without reading"),
    "left_running": mark("a course left running"),
    "certificate": mark("a certificate from somewhere"),
    "sat_by_partner": mark("a colleague who sits the course for them"),
    "seen_by_partner": mark("a colleague who says they saw it"),
    "own_household": mark("their own household"),
    "overheard": mark("somebody a colleague was talking with"),
    "own_yes": mark("a yes given in somebody's name"),
    "found_by_partner": mark("a colleague who lets their candidate through"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of place, and the shares there."""

    name: str
    gamed: str
    refused: str
    counters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Simulated:
    """What is shown beside a policy."""

    sentence: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    ways: str
    origin: str


def simulated(told: Told, words: Words) -> Simulated:
    """Return the table of a simulated year, and where its figures are from."""
    houses = [(name, told.houses[key]) for key, name in HOUSES.items() if key in told.houses]
    counters = [one["name"] for one in houses[0][1]["counters"]]
    ways = [words.gettext(WAYS.get(way, way)) for way in told.houses["all"]["ways"]]
    return Simulated(
        sentence=_sentence(told.houses["all"], words),
        heads=tuple(words.gettext(COUNTERS.get(one, one)) for one in counters),
        rows=tuple(_row(words.gettext(name), found, words) for name, found in houses),
        ways=words.listed(ways) if ways else "",
        origin=_origin(told, words),
    )


def _sentence(found: Mapping[str, Any], words: Words) -> str:
    if not found["gamed"]["of"] or not found["refused"]["of"]:
        return words.gettext("Nobody was recognised, so there is nothing to count.")
    return words.gettext(
        "Where all of these work, %(gamed)s of the tokens went to work not truly done, and %(refused)s of honest work "
        "got no recognition.",
        gamed=_percent(found["gamed"]["permille"], words),
        refused=_percent(found["refused"]["permille"], words),
    )


def _row(name: str, found: Mapping[str, Any], words: Words) -> Row:
    counters = tuple(_percent(one["permille"], words) for one in found["counters"])
    return Row(name, _share(found["gamed"], words), _share(found["refused"], words), counters)


def _share(one: Mapping[str, int], words: Words) -> str:
    if not one["of"]:
        return words.gettext("nothing to count")
    shown = {
        "share": _percent(one["permille"], words),
        "low": _number(one["low"], words),
        "high": _number(one["high"], words),
    }
    return words.gettext("%(share)s (likely %(low)s to %(high)s)", **shown)


def _number(permille: int, words: Words) -> str:
    return format_decimal(Decimal(permille) / 10, "0.0", locale=words.locale)


def _percent(permille: int, words: Words) -> str:
    return words.gettext("%(number)s %%", number=_number(permille, words))


def _origin(told: Told, words: Words) -> str:
    people = words.number(told.people)
    if told.fresh:
        return words.gettext(
            "Played just now: %(people)s made-up people, %(weeks)s weeks.",
            people=people,
            weeks=words.number(told.weeks),
        )
    return words.gettext(
        "Played when this version was made: %(people)s made-up people, %(years)s × 52 weeks.",
        people=people,
        years=words.number(told.years),
    )
