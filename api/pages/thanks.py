"""Recognition in words: how it stands, why it ended or was not given. The same on every page that names it.

Tokens are tokens: nothing here speaks of money.
"""

from __future__ import annotations

from collections.abc import Mapping

from api.pages.words import Words, mark
from casework import awards

STATE_OF_KIND: Mapping[str, str] = {
    "award_granted": awards.PROVISIONAL,
    "award_settled": awards.SETTLED,
    "award_declined": awards.DECLINED,
    "award_revoked": awards.REVOKED,
}
"""The last entry of these about an award -> its state."""

STATES: Mapping[str, tuple[str, str, str]] = {
    awards.PROVISIONAL: (mark("Waiting until %(day)s"), mark("Waiting until %(day)s"), "wait"),
    awards.SETTLED: (mark("Yours for good"), mark("Theirs for good"), "done"),
    awards.DECLINED: (mark("Ended while waiting"), mark("Ended while waiting"), "quiet"),
    awards.REVOKED: (mark("Taken back"), mark("Taken back"), "quiet"),
}
"""State -> what the recognised reads, what others read, tone."""
QUESTION = (mark("There is a question"), "attention")
LIVE = (awards.PROVISIONAL, awards.SETTLED)


def state_chip(state: str, held: bool, until: str, own: bool, words: Words) -> tuple[str, str]:
    """Return chip and tone of an award; `until` is the instant before which it does not become theirs."""
    if held and state in LIVE:
        return words.gettext(QUESTION[0]), QUESTION[1]
    mine, theirs, tone = STATES[state]
    if state == awards.PROVISIONAL and until < words.now:
        return words.gettext(
            "Still waiting"
        ), tone  # something is asked about it; the day said before is over
    return words.gettext(mine if own else theirs, day=words.day(until)), tone


def tokens_words(amount: int, words: Words) -> str:
    """Return "6 tokens"; thanks may come without any."""
    if not amount:
        return words.gettext("Thanks, without tokens")
    return words.ngettext("%(num)s token", "%(num)s tokens", amount)


ENDED: Mapping[str, str] = {
    "not_reached": mark("What was agreed was not reached."),
    "reopened": mark("It was not over: the matter came back."),
    "evidence_weak": mark("The evidence did not hold."),
    "evidence_false": mark("The evidence turned out to be wrong."),
    "duplicate": mark("It was recognised twice."),
    "customer_disputes": mark("The guest says otherwise."),
    "misconduct": mark("Something was done that must not be done."),
    "granted_in_error": mark("It was given by mistake."),
}
"""Why a recognition ended while it waited, or was taken back."""
NOT_GIVEN: Mapping[str, str] = {
    "not_reached": mark("What was agreed was not reached."),
    "evidence_weak": mark("There was not enough evidence."),
    "already_recognised": mark("This was recognised already."),
    "not_appropriate": mark("It does not fit here."),
    "wrong_person": mark("It was meant for somebody else."),
    "other": mark("For another reason."),
    "outside_policy": mark("It is outside what is recognised here."),
    "duplicate": mark("It was asked for twice."),
    "other_solution": mark("It was solved in another way."),
    "too_costly": mark("It cost too much."),
    "no_longer_needed": mark("It was not needed any more."),
}
"""Why no recognition was given."""
PLANNED_NO: Mapping[str, str] = {
    "other": mark("For another reason, which stands below."),
}
"""Why no recognition is meant to be given, where that is said otherwise than afterwards."""
QUESTIONS: Mapping[str, str] = {
    "how_earned": mark("How was this earned?"),
    "who_took_part": mark("Who took part in it?"),
    "evidence_unclear": mark("The evidence is not clear."),
    "seems_mistaken": mark("This seems to be a mistake."),
}
"""What a question about a recognition asks."""
ASKED: Mapping[str, str] = {
    "under_question": mark("Something about it is not clear."),
    "customer_disputes": mark("The guest says otherwise."),
    "case_reopened": mark("The matter was opened again."),
    "revocation_asked": mark("Somebody asks to take it back."),
    "audit_draw": mark("It was drawn to be looked at again."),
}
"""Why there is a question about a recognition."""


def reason(table: Mapping[str, str], code: str | None, words: Words) -> str:
    """Return a coded reason in words; one that this table lacks is shown as its own name says it."""
    if not code:
        return ""
    known = table.get(code)
    if known is not None:
        return words.gettext(known)
    plain = code.replace("_", " ")
    return f"{plain[:1].upper()}{plain[1:]}."
