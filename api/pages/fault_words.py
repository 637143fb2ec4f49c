"""Why a row of a file was not read, in the reader's language: which column, what was expected, what was got.

The readers of files (playbooks/cells.py, playbooks/importers.py, api/roster.py) say it in one form, "column: expected
this, got that". What has no words here is shown as they say it.
"""

from __future__ import annotations

import re

from api.pages.words import Words, mark

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
        (r"a time that exists", mark("a time that exists: the clocks change")),
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
        (r"one that you may let in", mark("a role that you may let in")),
        (r"a name of its own", mark("a name that nobody else here signs in with")),
        (r"somebody", mark("at least one person")),
        (r"the columns (?P<values>.*)", mark("the columns %(values)s")),
    )
)
"""What a reader says it expected -> the same in words."""
GOT = {"none": mark("nothing"), "nobody": mark("nobody"), "more": mark("more")}
ROW_AND_COLUMN = mark("Row %(row)s, %(column)s: expected %(wanted)s, got %(got)s")
ROW = mark("Row %(row)s: expected %(wanted)s, got %(got)s")
COLUMN = mark("%(column)s: expected %(wanted)s, got %(got)s")
ALONE = mark("expected %(wanted)s, got %(got)s")


def fault_words(reason: str, words: Words) -> str | None:
    """Return a reader's reason in words; None: there are none for it."""
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


def _wanted(phrase: str, words: Words) -> str | None:
    for pattern, said in WANTED:
        found = pattern.fullmatch(phrase)
        if found is not None:
            return words.gettext(said, **found.groupdict()) if found.groupdict() else words.gettext(said)
    return None
