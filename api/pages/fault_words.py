"""Why a file or a row of it was not read, in the reader's language: which column, what was expected, what was got.

The readers of files (playbooks/cells.py, playbooks/importers.py, playbooks/records.py, api/uploads.py, api/roster.py)
say it in one form, "column: expected this, got that"; what is wrong with a row or a file as a whole has a sentence of
its own. What has no words here is shown as they say it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from api.pages.words import Words, mark
from api.uploads import ColumnsMissing, OnlyTheSample

_SAID = re.compile(
    r"(?:row (?P<row>\d+): )?(?:(?P<column>[^:]{1,200}): )?expected (?P<wanted>.+?), got (?P<got>.+)", re.S
)
WANTED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"an integer .*", mark("a whole number")),
        (r"a decimal number", mark("an amount such as 120.50")),
        (r"at most (?P<num>\d+) decimals", mark("at most %(num)s digits after the point")),
        (r"a date like .*", mark("a date such as 2026-11-23")),
        (r"(an ISO 8601 time|a time like|precision) .*", mark("a time such as 2026-11-23T19:30")),
        (r"a time that exists", mark("a day and a time that there are")),
        (r"a year of .*", mark("a year that can be")),
        (r"one of (?P<values>.*)", mark("one of %(values)s")),
        (r"(?P<num>\d+) (columns|cells)", mark("%(num)s cells, as in the first row")),
        (r"a value .*", mark("something: it is needed")),
        (r"an id of .*", mark("a number or a name of its own")),
        (r"a record known by .*", mark("nothing from the future")),
        (r"the time of the record's first change", mark("the time when it began")),
        (r"at most (?P<num>\d+) characters", mark("at most %(num)s characters")),
        (r"at most (?P<num>\d+) items", mark("at most %(num)s of them")),
        (r"at most (?P<num>\d+) people", mark("at most %(num)s people")),
        (r"1 to (?P<num>\d+) letters, no formula", mark("a name of at most %(num)s letters, no formula")),
        (
            r"(?P<least>\d+) to (?P<most>\d+) letters, digits or \. _ @ \+ -",
            mark("%(least)s to %(most)s letters, digits or . _ @ + -"),
        ),
        (r"one that you may let in", mark("a role that you may let in")),
        (r"somebody", mark("at least one person")),
    )
)
"""What a reader says it expected -> the same in words."""
QUOTES = mark("The quotation marks do not fit: one stands before and one after what is in a cell.")
CHARACTERS = mark("It holds characters that cannot be read. Save the file as UTF-8.")
ROWS: Sequence[tuple[str, str]] = (
    (r"expected CSV, got.*|expected a CSV file, got.*", QUOTES),
    (r"expected text, got a NUL character|expected \S+, got other bytes at .*", CHARACTERS),
    (
        r"(?P<id>.*): an earlier row says something else about the same instant",
        mark("An earlier row says something else about %(id)s at the same time."),
    ),
    (
        r"(?P<id>.*): expected one row per record, got another one with other times \(first: (?P<first>\d+)\)",
        mark("%(id)s stands in row %(first)s already, with other times; each has one row."),
    ),
    (
        r"\S+ (?P<id>.*): another content for the version of this instant",
        mark("Something else is known of %(id)s at that time already; what has changed needs a later time."),
    ),
    (
        r"(?P<column>.*): the local time (?P<got>\S+) does not exist in .*",
        mark("%(column)s: the clocks skipped %(got)s; it needs a time that there was."),
    ),
    (
        r"sign_in: expected a name of its own, got '(?P<got>.*)': row (?P<first>\d+) has it",
        mark("sign_in: %(got)s stands in row %(first)s already; each needs a name of their own."),
    ),
    (
        r"sign_in: expected a name of its own, got '(?P<got>.*)': somebody here has it",
        mark("sign_in: somebody here signs in with %(got)s already; each needs a name of their own."),
    ),
    (
        r"expected the columns name, role and perhaps sign_in, got (?P<got>.*)",
        mark("The first row has to name the columns name, role and perhaps sign_in; there stands: %(got)s."),
    ),
)
"""What is wrong with a row as a whole -> the same in words."""
FILES: Sequence[tuple[str, str]] = (
    (
        r"expected a file that ends in (?P<endings>.*), got (?P<got>.*)",
        mark("It is called %(got)s. Save it as CSV; then its name ends in %(endings)s."),
    ),
    (r"expected at most \d+ bytes, got more", mark("It is larger than 8 MB.")),
    (r".*line (?P<row>\d+): expected \S+, got (?:other bytes|a NUL).*", CHARACTERS),
    (r".*line (?P<row>\d+): expected (?:CSV|column names), got.*", QUOTES),
    (
        r".*line (?P<row>\d+): expected at most (?P<most>\d+) characters, got more",
        mark("It is longer than %(most)s characters."),
    ),
    (
        r".*line (?P<row>\d+): expected at most (?P<most>\d+) columns, got (?P<got>\d+)",
        mark("It has %(got)s columns, more than %(most)s."),
    ),
    (
        r".*line (?P<row>\d+): expected each column once, got (?P<got>.*) more than once",
        mark("These columns stand there more than once: %(got)s."),
    ),
)
"""What is wrong with a file as a whole -> the same in words; `row` is where."""
NO_TABLE = mark("It has to be rows of text, saved as CSV in UTF-8, of at most 8 MB.")
ROW_SAID = mark("Row %(row)s: %(said)s")
REASON_CHARS_MAX = 2_000
"""Of a reason; some repeat the cell whole."""
_ROW = re.compile(r"(?:row (?P<row>\d+): )?(?P<said>.*)", re.S)
GOT = {"none": mark("nothing"), "nobody": mark("nobody"), "more": mark("more")}
ROW_AND_COLUMN = mark("Row %(row)s, %(column)s: expected %(wanted)s, got %(got)s")
ROW = mark("Row %(row)s: expected %(wanted)s, got %(got)s")
COLUMN = mark("%(column)s: expected %(wanted)s, got %(got)s")
ALONE = mark("expected %(wanted)s, got %(got)s")


def fault_words(reason: str, words: Words) -> str | None:
    """Return a reader's reason in words; None: there are none for it."""
    reason = reason[:REASON_CHARS_MAX]
    if (whole := _whole(reason, words)) is not None:
        return whole
    said = _SAID.fullmatch(reason)
    found = None if said is None else _wanted(said["wanted"], words)
    if said is None or found is None:
        return None
    form = {(True, True): ROW_AND_COLUMN, (True, False): ROW, (False, True): COLUMN, (False, False): ALONE}[
        said["row"] is not None, said["column"] is not None
    ]
    got = GOT.get(said["got"])
    return words.gettext(
        form,
        row=said["row"],
        column=said["column"],
        wanted=found,
        got=words.gettext(got) if got is not None else said["got"],
    )


def why_not(error: Exception, words: Words) -> str:
    """Return why a file was not taken, in a sentence."""
    if isinstance(error, OnlyTheSample):
        return words.gettext(
            "This is the sample itself, and its row is made up. Put your own rows in its place."
        )
    if isinstance(error, ColumnsMissing):
        names = ", ".join(error.names)
        return words.gettext(
            "These columns are missing: %(names)s. Name them so in the first row.", names=names
        )
    said = _of(FILES, str(error)[:REASON_CHARS_MAX], words)
    if said is None:
        return words.gettext(NO_TABLE)
    row, sentence = said
    return sentence if row is None else words.gettext(ROW_SAID, row=row, said=sentence)


def _whole(reason: str, words: Words) -> str | None:
    found = _ROW.fullmatch(reason)
    said = None if found is None else _of(ROWS, found["said"], words)
    if found is None or said is None:
        return None
    return said[1] if found["row"] is None else words.gettext(ROW_SAID, row=found["row"], said=said[1])


def _of(table: Sequence[tuple[str, str]], reason: str, words: Words) -> tuple[str | None, str] | None:
    """Return (row, sentence) of a reason, None where the table has no words for it."""
    for pattern, sentence in table:
        if found := re.fullmatch(pattern, reason, re.S):
            values = {
                name: words.gettext(GOT[value]) if value in GOT else value
                for name, value in found.groupdict().items()
            }
            return values.get("row"), words.gettext(sentence, **values)
    return None


def _wanted(phrase: str, words: Words) -> str | None:
    for pattern, said in WANTED:
        found = pattern.fullmatch(phrase)
        if found is not None:
            return words.gettext(said, **found.groupdict()) if found.groupdict() else words.gettext(said)
    return None
