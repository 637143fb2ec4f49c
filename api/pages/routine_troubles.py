"""The words of refusals about courses and hand-overs: who says that somebody can do it, the questions some days later,
a note that was not opened. A part of trouble_words.py."""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.words import mark

WAIT, ATTENTION = "wait", "attention"

ROUTINE: Mapping[str, tuple[str, str, str]] = {
    "note_not_shown": (
        mark("This note was not opened here by you."),
        mark("Nothing was recorded. It stands below as it is now: read it, then answer."),
        ATTENTION,
    ),
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
