"""What is said about a person on several pages: their roles, and what they may decide."""

from __future__ import annotations

from api.pages.words import Words, mark
from api.permissions import AUDITOR, MANAGER, OUTSIDER, OWNER, STAFF
from api.scope import Row
from ledger.codec import loads

ROLE_WORDS = {
    OWNER: mark("Owner"),
    MANAGER: mark("Shift lead or manager"),
    STAFF: mark("Staff"),
    AUDITOR: mark("Auditor"),
    OUTSIDER: mark("From outside"),
}


def power_words(row: Row, words: Words) -> str:
    """Return one power as a sentence: what somebody may decide, up to how much, until when."""
    if row["about"] == "action":
        limit = loads(row["amount_max"]) if row["amount_max"] else None
        said = (
            words.gettext("What is done, up to %(money)s", money=words.money(limit))
            if limit
            else words.gettext("What is done, whatever it is worth")
        )
    elif row["tokens_max"] is not None:
        said = words.ngettext(
            "Thanks of up to %(num)s token", "Thanks of up to %(num)s tokens", row["tokens_max"]
        )
    else:
        said = words.gettext("Thanks, however many tokens")
    if row["until"] is not None:
        said = words.gettext("%(what)s, until %(day)s", what=said, day=words.day(row["until"]))
    if row["second_person"]:
        said = words.gettext("%(what)s; stands as the second person", what=said)
    return said
