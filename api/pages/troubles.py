"""What a page says when something was refused or failed: first what was not changed, then why, then what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.pages.trouble_words import ATTENTION, LATE, SAID, WAIT
from api.pages.words import Words, mark


@dataclass(frozen=True, slots=True)
class Trouble:
    """`lead` is complete in itself; `number` is what an operator looks for in the server's log."""

    title: str
    lead: str
    rest: str
    tone: str
    code: str
    detail: str


NOT_CHANGED = mark("Nothing was changed.")

MISSING = (
    mark("There is no such page here."),
    mark("It may have moved, or it belongs to somebody else. Nothing was changed."),
    WAIT,
)
INVALID = (
    mark("Something in this form is not as expected, and nothing was changed."),
    mark("Go back, mend it and send it again; what you typed is still there."),
    ATTENTION,
)
OURS = (
    mark("That did not work, and nothing was changed."),
    mark("Try again. If it stays, give this number to whoever runs the server: %(number)s."),
    LATE,
)
OTHER = (
    mark("That is not possible as it stands, and nothing was changed."),
    mark("Go back and look again."),
    WAIT,
)
FIELD_NAMES: Mapping[str, str] = {
    "since": mark("From"),
    "until": mark("Until the end of"),
    "stand_in": mark("Who stands in"),
    "limit": mark("Up to"),
    "amount_max": mark("Up to"),
    "tokens": mark("Tokens at most"),
    "tokens_max": mark("Tokens at most"),
    "amount_tokens": mark("How many tokens"),
    "purpose": mark("What for"),
    "name": mark("Name"),
    "zone": mark("Time zone"),
    "currency": mark("Currency"),
}
"""Field of a form, or of the request made of it -> how pages call it."""
_NUMBER = re.compile(r"number ([0-9a-f]+)")


def trouble_of(words: Words, body: Mapping[str, Any], method: str = "POST") -> Trouble:
    """Return the words of a problem document, as the answer to a form unless told otherwise."""
    code, status = str(body["code"]), int(body["status"])
    lead, rest, tone = SAID.get(code) or _by_status(status)
    if method == "GET" and (lead, rest, tone) == INVALID:
        lead, rest, tone = MISSING  # nothing was filled in: the address leads nowhere
    number = _NUMBER.search(str(body["detail"]))
    rest = words.gettext(rest, number=number[1].upper() if number else code)
    return Trouble(
        title=words.gettext(lead),
        lead=words.gettext(lead),
        rest=" ".join((rest, *_field_words(body, words))),
        tone=tone,
        code=code,
        detail=str(body["detail"]),
    )


def _field_words(body: Mapping[str, Any], words: Words) -> list[str]:
    """Return the sentence that names the field to blame; none where no field is, or pages have no name for it."""
    errors = body.get("errors") or ()
    name = str(errors[0]["pointer"]).lstrip("/") if errors else ""
    return (
        [words.gettext("Look at: %(field)s.", field=words.gettext(FIELD_NAMES[name]))]
        if name in FIELD_NAMES
        else []
    )


def _by_status(status: int) -> tuple[str, str, str]:
    if status == 404:
        return MISSING
    if status >= 500:
        return OURS
    return INVALID if status in (400, 415, 422) else OTHER
