"""The words of refusals about courses: who says that somebody can do it, and the questions some days later. A part of
trouble_words.py."""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.words import mark

WAIT, ATTENTION = "wait", "attention"

COURSES: Mapping[str, tuple[str, str, str]] = {
    "not_assessor": (
        mark("For this course somebody else says so."),
        mark("Nothing was changed. An owner names who may, on the page of courses."),
        ATTENTION,
    ),
    "recall_answered": (
        mark("You have answered these already."),
        mark("Nothing was changed."),
        WAIT,
    ),
    "recall_not_asked": (
        mark("Nothing is asked about this."),
        mark("Nothing was changed."),
        WAIT,
    ),
    "recall_awaited": (
        mark("A few questions about it have to be answered first."),
        mark("Nothing was changed."),
        WAIT,
    ),
}
