"""What a planned check asks for, in words, and what was typed into it as a whole number of the plan's scale."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal

from api.dossiers import Dossier
from api.pages.words import Words, mark
from api.problems import BadRequest
from casework import cases

READ = re.compile(r"([-\u2212]?)([0-9]{1,12})(?:[.,]([0-9]{1,6}))?")
FIRST = (cases.ASSIGNED, cases.ACKNOWLEDGED)
AGAIN = (cases.AWAITING_REVIEW, cases.RESOLVED)


BROUGHT = {"customer": mark("A guest or a customer"), "candidate": mark("Somebody who wants to work here")}
"""Whom somebody brought; who it is is kept as a code that no page shows."""


@dataclass(frozen=True, slots=True)
class Check:
    """The form of a check. `range` in words ("0 to 5 C"), "" where the plan sets none; `again`: a second look; `there`:
    by what one shows first that one is at the place."""

    what: str
    due: str
    unit: str
    range: str
    again: bool
    key: str
    opened: bool
    there: tuple[str, ...] = ()


def check_of(
    dossier: Dossier, member: str, words: Words, key: str, opened: str, there: tuple[str, ...] = ()
) -> Check | None:
    """Return the form of a planned check, None: it is none, or this member has nothing to write down here."""
    facts, row = dossier.facts(), dossier.case
    if row["origin"] != "schedule" or facts.get("work") != "check":
        return None
    again = row["action_by"] is not None
    if (
        row["state"] not in (AGAIN if again else FIRST)
        or row["action_by"] == member
        or row["award"] is not None
    ):
        return None
    return Check(
        what=str(dossier.text(row, "note_item") or facts.get("task", "")),
        due=words.moment(str(facts["due_at"])),
        unit=str(facts.get("unit", "")),
        range=range_words(facts, words),
        again=again,
        key=key,
        opened=opened == "check" or not again,
        there=() if again or any(item["type"] == "check_in" for item in dossier.live) else there,
    )


def planned_facts(facts: Mapping[str, Any], words: Words) -> list[tuple[str, str]]:
    """Return (label, words) of what a plan says: where, when it may be done, what it should be, which shift."""
    told = []
    place, should_be = str(facts.get("place") or facts.get("site") or ""), range_words(facts, words)
    if place:
        told.append((words.gettext("Where"), place.replace("-", " ")))
    if should_be:
        told.append((words.gettext("It should be"), should_be))
    if facts.get("due_at") and "late_seconds" in facts:
        due = datetime.fromisoformat(str(facts["due_at"]))
        first, last = (
            words.moment(instant(due + timedelta(seconds=seconds)))
            for seconds in (-int(facts["early_seconds"]), int(facts["late_seconds"]))
        )
        told.append((words.gettext("It may be done"), f"{first} – {last}"))
    if facts.get("shift"):
        told.append((words.gettext("Shift"), str(facts["shift"])))
    if facts.get("course"):
        told.append((words.gettext("Course"), str(facts["course"]).replace("-", " ")))
        told.append((words.gettext("Version"), str(facts.get("course_version", ""))))
    brought = BROUGHT.get(str(facts.get("kind"))) if facts.get("work") == "referral" else None
    if brought is not None:
        told.append((words.gettext("Who is it"), words.gettext(brought)))
    return told


def instant(moment: datetime) -> str:
    """Return a moment as RFC 3339 UTC with milliseconds."""
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def range_words(facts: Mapping[str, Any], words: Words) -> str:
    """Return the range that a plan sets: "0 to 5 °C", "at most 5 °C"; "" where it sets none."""
    low, high = (number_words(facts.get(name), facts, words) for name in ("low", "high"))
    unit = str(facts.get("unit", ""))
    if low and high:
        return words.gettext("%(low)s to %(high)s %(unit)s", low=low, high=high, unit=unit)
    if high:
        return words.gettext("at most %(high)s %(unit)s", high=high, unit=unit)
    return words.gettext("at least %(low)s %(unit)s", low=low, unit=unit) if low else ""


def number_words(value: object, facts: Mapping[str, Any], words: Words) -> str:
    """Return a number of a plan or a reading as people write it; "" where there is none."""
    if type(value) is not int:
        return ""
    scale = int(facts.get("scale") or 0)
    pattern = "#,##0." + "0" * scale if scale else "#,##0"
    return str(format_decimal(Decimal(value).scaleb(-scale), pattern, locale=words.locale))


def read_number(typed: str, scale: int) -> int:
    """Return what was typed ("3.4", "3,4", "-18") as a whole number, the value times 10^scale.

    Raises:
        BadRequest: no number, or one finer than the plan's scale.
    """
    found = READ.fullmatch(typed.replace(" ", ""))
    digits = "" if found is None else found[3] or ""
    if found is None or len(digits.rstrip("0")) > scale:
        wanted = f"a number with at most {scale} digits after the point" if scale else "a whole number"
        raise BadRequest("value_invalid", f"value: expected {wanted}, got {typed}", field="/value")
    whole: int = int(found[2]) * 10**scale + int(digits[:scale].ljust(scale, "0") or 0)
    return -whole if found[1] else whole


def is_outside(value: int, facts: Mapping[str, Any]) -> bool:
    """Say whether a reading lies outside the range that the plan sets."""
    low, high = facts.get("low"), facts.get("high")
    return (low is not None and value < low) or (high is not None and value > high)
