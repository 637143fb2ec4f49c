"""What an item of evidence says, in words: whoever looks at it has to be able to read it. Pure.

Nothing here names a guest: a customer stands in facts as a code, and codes are not told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from api.pages.assessors import course_words
from api.pages.cards import field_words, value_words
from api.pages.doing_words import kind_words
from api.pages.planned_words import number_words, range_words
from api.pages.story import ANSWERS
from api.pages.watch_names import source_words
from api.pages.watch_words import plain
from api.pages.words import Words, mark

Told = list[tuple[str, str]]
"""(what, how it is) in the order it is read."""

RECORD = "system_record"
RESULTS: Mapping[str, str] = {"passed": mark("passed"), "failed": mark("not passed")}


def told_of(kind: str, facts: Mapping[str, Any], words: Words) -> Told:
    """Return what an item of this type says; [] where its file or its sentence under "What was checked" says it all."""
    teller = _TELLERS.get(kind)
    return [] if teller is None else [(what, how) for what, how in teller(facts, words) if how]


def _record(facts: Mapping[str, Any], words: Words) -> Told:
    known = [
        (words.gettext("Which record"), f"{kind_words(str(facts['kind']), words)} {facts['id']}"),
        (words.gettext("From where"), source_words(str(facts["source"]), words)),
        (words.gettext("So since"), words.moment(str(facts["event_time"]))),
    ]
    fields = facts.get("fields") or {}
    return known + [(field_words(str(name), words), value_words(fields[name], words)) for name in fields]


def _reading(facts: Mapping[str, Any], words: Words) -> Told:
    value = f"{number_words(facts['value'], facts, words)} {facts.get('unit') or ''}".strip()
    return [
        (words.gettext("What was read"), value),
        (words.gettext("What it should be"), range_words(facts, words)),
        (words.gettext("When"), words.moment(str(facts["at"]))),
    ]


def _note(facts: Mapping[str, Any], words: Words) -> Told:
    return [
        (words.gettext("How things stand"), str(facts.get("status") or "")),
        (words.gettext("What was done"), str(facts.get("actions") or "")),
        (words.gettext("What to do if something happens"), str(facts.get("contingencies") or "")),
        *((words.gettext("Still open"), str(one.get("says") or "")) for one in facts.get("items") or ()),
    ]


def _read_back(facts: Mapping[str, Any], words: Words) -> Told:
    return [
        (words.gettext("What they understood"), str(facts.get("text") or "")),
        (words.gettext("The note was opened"), words.moment(str(facts["opened_at"]))),
    ]


def _snapshot(facts: Mapping[str, Any], words: Words) -> Told:
    return [(words.gettext("Open at that moment"), words.number(len(facts.get("open") or ())))]


def _check_in(facts: Mapping[str, Any], words: Words) -> Told:
    return [
        (words.gettext("Where"), plain(str(facts["place"]))),
        (words.gettext("When"), words.moment(str(facts["at"]))),
    ]


def _assessment(facts: Mapping[str, Any], words: Words) -> Told:
    said = words.gettext("They can do it.") if facts.get("passed") else words.gettext("Not yet.")
    return [(words.gettext("Course"), _course(facts, words)), (words.gettext("What they saw"), said)]


def _training(facts: Mapping[str, Any], words: Words) -> Told:
    result = str(facts.get("result") or "")
    return [
        (words.gettext("Course"), _course(facts, words)),
        (words.gettext("Result"), words.gettext(RESULTS[result]) if result in RESULTS else plain(result)),
        (words.gettext("Completed"), words.moment(str(facts["completed_at"]))),
    ]


def _course(facts: Mapping[str, Any], words: Words) -> str:
    return words.gettext(
        "%(course)s, version %(version)s",
        course=course_words(str(facts["course"])),
        version=str(facts["course_version"]),
    )


def _answer(facts: Mapping[str, Any], words: Words) -> Told:
    known = facts.get("address_known_before_case")
    return [
        (words.gettext("The answer"), words.gettext(ANSWERS.get(str(facts["answer"]), "The guest answered"))),
        (words.gettext("Their address"), words.gettext("known here before") if known else ""),
    ]


def _mail(facts: Mapping[str, Any], words: Words) -> Told:
    return [(words.gettext("Signed by"), str(facts.get("domain") or ""))]


def _stamp(facts: Mapping[str, Any], words: Words) -> Told:
    stamped = facts.get("stamped_at")
    return [(words.gettext("Stamped"), words.moment(str(stamped)) if stamped else "")]


_TELLERS: Mapping[str, Callable[[Mapping[str, Any], Words], Told]] = {
    RECORD: _record,
    "reading": _reading,
    "handover_note": _note,
    "read_back": _read_back,
    "snapshot": _snapshot,
    "check_in": _check_in,
    "assessment": _assessment,
    "training_result": _training,
    "customer_confirmation": _answer,
    "signed_mail": _mail,
    "time_stamp": _stamp,
}
