"""What the shipped watches say, in the reader's language; what an organisation wrote itself stays as it was written.

A case keeps the sentence with which its watch named it, its values filled in. Here it is held against the sentences of
the shipped watches; one that fits is said again in another language, with the same values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from api.pages.words import FALLBACK, Words, mark
from api.watches import library

REPORTED = ("Due", "Urgency")
"""Facts of what somebody reported."""
VALUES: Mapping[str, str] = {
    "open": mark("open"),
    "closed": mark("closed"),
    "resolved": mark("resolved"),
    "confirmed": mark("confirmed"),
    "cancelled": mark("cancelled"),
    "no_show": mark("did not come"),
    "seated": mark("seated"),
    "sent": mark("sent"),
    "won": mark("won"),
    "lost": mark("lost"),
    "active": mark("active"),
    "ended": mark("ended"),
    "planned": mark("planned"),
    "low": mark("low"),
    "medium": mark("medium"),
    "high": mark("high"),
    "critical": mark("critical"),
    "warm": mark("warm"),
    "cold": mark("cold"),
    "can_wait": mark("can wait"),
    "today": mark("today"),
    "now": mark("now"),
}
"""Values of the shipped kinds, and of reports, in words; others are shown as they are."""
OWNER, IN_CHARGE = "owner", "In charge"
"""Of a record, who looks after it: no owner of the place."""
_PLACE = re.compile(r"\{([^{}]+)\}")
_COURSE = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
"""A course's id as it is claimed; a reporter writes sentences."""


def field_name(name: str) -> str:
    """Return a field's name as a sentence of the catalogue: `booking.starts_at` is "Starts at"."""
    plain = name.rpartition(".")[2].replace("_", " ")
    if plain == OWNER:
        return IN_CHARGE
    return plain[:1].upper() + plain[1:]


def sentences() -> Iterator[str]:
    """Yield every sentence of the shipped watches and their vocabulary; each needs words in each offered language.
    Places in a title stay as the watch writes them: "Booking {booking.id} has …"."""
    kinds, watches = library()
    for watch in watches.values():
        yield from (watch.title, watch.why)
        if watch.basis is not None:
            yield watch.basis
        yield from (asked.says for asked in watch.evidence)
        yield from (field_name(field) for field in watch.facts)
    yield from REPORTED
    for kind in kinds.kinds.values():
        yield from (field_name(field) for field in kind.fields)


@lru_cache(maxsize=1)
def _titles() -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    for watch in library()[1].values():
        parts = _PLACE.split(watch.title)
        fixed = [re.escape(part) if at % 2 == 0 else "(.+?)" for at, part in enumerate(parts)]
        found.append((re.compile("".join(fixed)), watch.title))
    return tuple(found)


def title_words(said: str, words: Words) -> str:
    """Return the sentence by which a case is known, in the reader's language where a shipped watch said it. A claimed
    course says its id: `first-aid` is "First aid"."""
    if _COURSE.fullmatch(said):
        return said[:1].upper() + said[1:].replace("-", " ")
    if words.language == FALLBACK:
        return said
    for pattern, title in _titles():
        fits = pattern.fullmatch(said)
        if fits is not None:
            values = zip(_PLACE.findall(title), fits.groups(), strict=True)
            return _filled(words.gettext(title), {name: _said(value, words) for name, value in values})
    return said


def _said(value: str, words: Words) -> str:
    return words.gettext(VALUES[value]) if value in VALUES else value


def _filled(title: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], title)
