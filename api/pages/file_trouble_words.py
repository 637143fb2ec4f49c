"""The words of refusals about files that are brought in or taken along: part of the table of trouble_words.py."""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.words import mark

LATE, WAIT, ATTENTION = "late", "wait", "attention"

FILES: Mapping[str, tuple[str, str, str]] = {
    "writers_missing": (
        mark("It is not said who they are."),
        mark("Nothing was changed. Name one person to eight, or choose another answer."),
        ATTENTION,
    ),
    "writers_unsaid": (
        mark("People are named, and another answer is chosen."),
        mark("Nothing was changed. Choose “These people”, or take the names away."),
        ATTENTION,
    ),
    "file_unsigned": (
        mark("This file carries no signature of a provider that is trusted here."),
        mark("Nothing was recorded. Ask the provider for the signed file, or an owner to trust its key."),
        ATTENTION,
    ),
    "mail_unsigned": (
        mark("This mail does not show who sent it."),
        mark(
            "Nothing was recorded. It needs the whole signature of the mail server that sent it; save "
            "the mail itself as a file, not a copy of its text."
        ),
        ATTENTION,
    ),
    "time_stamp_invalid": (
        mark("This time stamp is not one of this evidence."),
        mark("Nothing was recorded. Ask for a new stamp of exactly this file."),
        ATTENTION,
    ),
    "pdf_missing": (
        mark("There is no PDF here."),
        mark("This server cannot draw one. Print the sheet from the browser instead."),
        ATTENTION,
    ),
    "pdf_letters": (
        mark("The PDF cannot show every letter of this sheet."),
        mark("Print the sheet from the browser instead; it has more letters."),
        ATTENTION,
    ),
    "not_a_badge": (
        mark("This file is no recognition to take along."),
        mark("Nothing was changed. Choose the file that was downloaded here."),
        ATTENTION,
    ),
    "not_published": (
        mark("This is not to be had yet."),
        mark("It comes with the next seal; try again in a minute."),
        WAIT,
    ),
}
"""Code -> first words, the rest, tone."""
