"""The words of the pages in one person's language: sentences from the catalogue, times, numbers and money by locale.

The English sentence in the code is its own key; `web/locale/<language>.po` holds the others, and a test extracts every
sentence and finds it there. Times are told in the organisation's zone, money in its currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.core import negotiate_locale
from babel.dates import format_date, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_precision

WEB = Path(__file__).resolve().parents[2] / "web"
LANGUAGES: Mapping[str, str] = {"en": "en_GB", "de": "de_DE"}
"""Language -> locale of its numbers and dates."""
FALLBACK = "en"
OFFERED: tuple[str, ...] = ("en", "de")
"""What a person can choose and a browser can ask for. A language joins when no sentence of it is missing: half a
page in another language is worse than a whole one in English. A test holds every offered language to that."""
ACCEPTED_MAX = 20


def mark(message: str) -> str:
    """Return a sentence of a table as it stands: it is translated where it is shown, and extracted here."""
    return message


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Sentences of one language. Plurals follow German and English alike: one, or not one."""

    messages: Mapping[str, str]
    plurals: Mapping[str, tuple[str, str]]

    def one(self, message: str) -> str:
        """Return the sentence in this language; one that the catalogue lacks stays English."""
        return self.messages.get(message) or message

    def counted(self, singular: str, plural: str, n: int) -> str:
        """Return the sentence for `n` things."""
        found = self.plurals.get(singular) or (singular, plural)
        return found[0 if n == 1 else 1]


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> Catalogue:
    """Return the catalogue of a language; English needs none."""
    path = WEB / "locale" / f"{language}.po"
    if language == FALLBACK:
        return Catalogue({}, {})
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    messages: dict[str, str] = {}
    plurals: dict[str, tuple[str, str]] = {}
    for message in found:
        if message.fuzzy or not message.id:
            continue
        if isinstance(message.id, (list, tuple)):
            one, many = tuple(message.string or ())
            plurals[str(message.id[0])] = (str(one), str(many))
        else:
            messages[str(message.id)] = str(message.string)
    return Catalogue(messages, plurals)


@dataclass(frozen=True, slots=True)
class Words:
    """How one person is spoken to. `now` is the instant of the page, RFC 3339 UTC."""

    language: str
    zone: ZoneInfo
    now: str
    currency: str = "EUR"

    @property
    def locale(self) -> Locale:
        """Return the locale of numbers and dates."""
        return Locale.parse(LANGUAGES[self.language])

    def gettext(self, message: str, **values: Any) -> str:
        """Return a sentence, with `%(name)s` filled in."""
        said = catalogue(self.language).one(message)
        return said % values if values else said

    def ngettext(self, singular: str, plural: str, n: int, **values: Any) -> str:
        """Return the sentence for `n` things; `%(num)s` is the number itself."""
        said = catalogue(self.language).counted(singular, plural, n)
        return said % {"num": self.number(n), **values}

    # ------------------------------------------------------------------------------------------ times
    def _local(self, instant: str) -> datetime:
        return datetime.fromisoformat(instant).astimezone(self.zone)

    def clock(self, instant: str) -> str:
        """Return "16:05"."""
        return format_time(self._local(instant), "HH:mm", locale=self.locale)

    def day(self, instant: str) -> str:
        """Return "4 Dec", with the year where it is not this one."""
        local = self._local(instant).date()
        return self._day(local)

    def midnight(self, now: str) -> str:
        """Return when today began in the organisation's zone, RFC 3339 UTC."""
        local = self._local(now).replace(hour=0, minute=0, second=0, microsecond=0)
        utc = local.astimezone(UTC).replace(tzinfo=None)
        return f"{utc.isoformat(timespec='milliseconds')}Z"

    def _day(self, local: date, weekday: bool = False) -> str:
        same_year = local.year == self._local(self.now).year
        if self.language == "de":
            pattern = "d. MMM" if same_year else "d. MMM y"
        else:
            pattern = "d MMM" if same_year else "d MMM y"
        said = format_date(local, pattern, locale=self.locale)
        return f"{format_date(local, 'EEE', locale=self.locale).rstrip('.')} {said}" if weekday else said

    def date(self, text: str) -> str:
        """Return a calendar date (YYYY-MM-DD) as "Fri 20 Nov"."""
        return self._day(date.fromisoformat(text[:10]), weekday=True)

    def day_and_year(self, instant: str) -> str:
        """Return "5 December 2026", for what is read in other years."""
        pattern = "d. MMMM y" if self.language == "de" else "d MMMM y"
        return format_date(self._local(instant), pattern, locale=self.locale)

    def moment(self, instant: str) -> str:
        """Return "16:05" for today, "yesterday 16:05", "tomorrow 09:00", else "Fri 20 Nov 16:05"."""
        local, today = self._local(instant), self._local(self.now).date()
        clock = format_time(local, "HH:mm", locale=self.locale)
        if local.date() == today:
            return clock
        if local.date() == today - timedelta(days=1):
            return self.gettext("yesterday %(time)s", time=clock)
        if local.date() == today + timedelta(days=1):
            return self.gettext("tomorrow %(time)s", time=clock)
        return f"{self._day(local.date(), weekday=True)} {clock}"

    def full(self, instant: str) -> str:
        """Return "Fri 20 Nov 16:05", whatever day it is now."""
        local = self._local(instant)
        return f"{self._day(local.date(), weekday=True)} {format_time(local, 'HH:mm', locale=self.locale)}"

    def span(self, seconds: float) -> str:
        """Return a length of time in its largest fitting unit: "40 minutes", "6 hours", "3 days"."""
        minutes = round(seconds / 60)
        if minutes < 90:
            return self.ngettext("%(num)s minute", "%(num)s minutes", max(minutes, 1))
        if minutes < 48 * 60:
            return self.ngettext("%(num)s hour", "%(num)s hours", round(minutes / 60))
        return self.ngettext("%(num)s day", "%(num)s days", round(minutes / 1_440))

    # ------------------------------------------------------------------------------------------ numbers
    def number(self, value: int) -> str:
        """Return "1,234" or "1.234"."""
        return str(format_decimal(value, locale=self.locale))

    def tenths(self, value: int) -> str:
        """Return a number of tenths as "2.5" or "2,5"."""
        return str(format_decimal(Decimal(value) / 10, format="#,##0.0", locale=self.locale))

    def minor_digits(self) -> int:
        """Return how many digits the minor unit of the place's currency has."""
        return int(get_currency_precision(self.currency))

    def money(self, amount: Mapping[str, Any]) -> str:
        """Return {"amount_minor", "currency"} as "£180" or "180 €"; minor units only where they are not zero."""
        digits = get_currency_precision(amount["currency"])
        whole, rest = divmod(int(amount["amount_minor"]), 10**digits)
        if rest == 0:
            short = self.locale.currency_formats["standard"].pattern.replace(".00", "")
            return str(
                format_currency(whole, amount["currency"], short, locale=self.locale, currency_digits=False)
            )
        value = Decimal(int(amount["amount_minor"])).scaleb(-digits)
        return str(format_currency(value, amount["currency"], locale=self.locale))

    def inside(self, sentence: str) -> str:
        """Return a sentence as it stands inside another: English begins small there, German keeps its nouns."""
        return sentence[:1].lower() + sentence[1:] if self.language == FALLBACK else sentence

    def listed(self, names: Iterable[str]) -> str:
        """Return "Ana, Ben and Chi"."""
        given = list(names)
        if len(given) < 2:
            return "".join(given)
        return self.gettext("%(first)s and %(last)s", first=", ".join(given[:-1]), last=given[-1])


def language_of(accept_language: str) -> str:
    """Return the language that a browser prefers among those we offer."""
    wanted = []
    for part in accept_language.split(",")[:ACCEPTED_MAX]:
        name, _, quality = part.strip().partition(";q=")
        try:
            wanted.append((-float(quality or 1), name.strip().partition("-")[0].lower()))
        except ValueError:
            continue
    names = [name for _, name in sorted(wanted, key=lambda one: one[0]) if name]
    return negotiate_locale(names, list(OFFERED), sep="-") or FALLBACK


def zone_of(name: str | None) -> ZoneInfo:
    """Return a zone by name; UTC for one that does not exist (the door that set it refuses those)."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
