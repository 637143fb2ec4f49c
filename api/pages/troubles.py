"""What a page says when something was refused or failed: first what was not changed, then why, then what to do next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.pages.words import Words, mark

LATE, WAIT, ATTENTION = "late", "wait", "attention"


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
SAID: Mapping[str, tuple[str, str, str]] = {
    "stale": (
        mark("This changed while you were reading."),
        mark("Nothing was recorded. Here is how it stands now: look again, then decide."),
        WAIT,
    ),
    "expired": (
        mark("This page was open for too long."),
        mark("Nothing was recorded. Look at it as it stands now, then decide."),
        WAIT,
    ),
    "nonce_replayed": (
        mark("This was answered already."),
        mark("A yes or a no counts once; the second one changed nothing."),
        WAIT,
    ),
    "transition": (
        mark("It is not the moment for this step any more."),
        mark("Somebody went on with it meanwhile. Nothing was changed; look at how it stands now."),
        WAIT,
    ),
    "idempotency_mismatch": (
        mark("This form was sent before with something else in it."),
        mark("The first one counts. Open the page again if you want to add something."),
        WAIT,
    ),
    "decider_is_maker": (
        mark("You suggested this, so somebody else decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "decider_is_submitter": (
        mark("You brought the evidence, so somebody else decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "decider_is_beneficiary": (
        mark("This is about your own recognition, so somebody else decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "undecided": (
        mark("Somebody earned thanks here, and nobody said yes or no yet."),
        mark("Nothing was changed. Decide that first, under Decisions; then close it."),
        ATTENTION,
    ),
    "not_asked_first": (
        mark("Whoever is recognised is asked about this first."),
        mark("Nothing was changed. Ask them, for the same reason; they have some days to answer."),
        ATTENTION,
    ),
    "reply_awaited": (
        mark("They still have time to answer."),
        mark("Nothing was changed. Nothing is taken before they answered, or their time is over."),
        ATTENTION,
    ),
    "dispute_open": (
        mark("Something is asked about this already."),
        mark("Nothing was changed. One question at a time: look at the answer first, or close it."),
        WAIT,
    ),
    "dispute_over": (
        mark("This question is closed."),
        mark("Nothing was changed. Look at how it stands now."),
        WAIT,
    ),
    "asked_before": (
        mark("You asked this before."),
        mark("Nothing was changed. Nobody is asked the same thing twice by the same person."),
        ATTENTION,
    ),
    "too_many_questions": (
        mark("You asked enough for today."),
        mark("Nothing was changed. Three questions a day are as many as anybody asks."),
        ATTENTION,
    ),
    "not_asked": (
        mark("This question is for somebody else to answer."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "answered_before": (
        mark("You answered this already."),
        mark("Your first answer stands, and is not changed."),
        WAIT,
    ),
    "reviewer_is_submitter": (
        mark("You brought this evidence, so somebody else looks at it."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "reviewer_is_beneficiary": (
        mark("You did the work, so somebody else looks at the evidence."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "no_authority": (
        mark("This is beyond what you may decide."),
        mark("Nothing was changed. Ask the owner, who can decide it or give you that power."),
        ATTENTION,
    ),
    "assurance_too_low": (
        mark("This needs a stronger sign-in."),
        mark("Nothing was changed. Decide it with your passkey, on your own device."),
        ATTENTION,
    ),
    "passkey_missing": (
        mark("Your passkey did not sign this."),
        mark("Nothing was recorded. Try again; under Me stands which of your passkeys sign decisions."),
        ATTENTION,
    ),
    "passkey_invalid": (
        mark("Your passkey did not sign this."),
        mark("Nothing was recorded. Try again; under Me stands which of your passkeys sign decisions."),
        ATTENTION,
    ),
    "passkey_state": (
        mark("This passkey is confirmed already, or has ended."),
        mark("Nothing was changed."),
        WAIT,
    ),
    "not_allowed": (
        mark("This page is not part of your role here."),
        mark("Nothing was changed. If you need it, ask the owner."),
        ATTENTION,
    ),
    "agent_may_not": (
        mark("A digital employee suggests; it never decides."),
        mark("Nothing was changed."),
        ATTENTION,
    ),
    "one_account": (
        mark("You are the only one here, and nobody gives out tokens alone."),
        mark("Invite one more person; thank-yous work at once."),
        ATTENTION,
    ),
    "second_person_needed": (
        mark("This takes a second person."),
        mark("Nothing was changed. Somebody else with that power has to do it."),
        ATTENTION,
    ),
    "evidence_reused": (
        mark("This was used as evidence before."),
        mark("It counts once. Take a new picture, or say why it is the same."),
        ATTENTION,
    ),
    "evidence_missing": (
        mark("Evidence is still missing."),
        mark("Nothing was changed. Bring what is asked for first."),
        ATTENTION,
    ),
    "evidence_closed": (
        mark("This piece of evidence has been looked at already."),
        mark("Nothing was changed."),
        WAIT,
    ),
    "reason_missing": (
        mark("A no needs a reason."),
        mark("Nothing was recorded. Choose one of the reasons; the person is told."),
        ATTENTION,
    ),
    "budget_missing": (
        mark("There is no budget for this many tokens."),
        mark("Two people have to set one aside first. Thanks without tokens work at once."),
        ATTENTION,
    ),
    "budget_short": (
        mark("The budget does not hold that many tokens."),
        mark("Give fewer, or let two people set more aside."),
        ATTENTION,
    ),
    "reciprocal": (
        mark("They recognised you for the same kind of thing a short while ago."),
        mark("Nothing was recorded. Somebody else says yes this time."),
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
    "decision_has_effect": (
        mark("It is too late to undo this."),
        mark("Something followed from it already. It can be put right from its own page."),
        WAIT,
    ),
    "already_open": (
        mark("This is being handled already."),
        mark("Nothing was added. Look at it, and say there what you know."),
        WAIT,
    ),
    "too_many_tries": (
        mark("Too many tries."),
        mark("Wait a minute, then try again. Nothing was changed."),
        ATTENTION,
    ),
    "cross_origin": (
        mark("This came from another site, so it was not taken."),
        mark("Nothing was changed. Open the page here and do it again."),
        LATE,
    ),
    "report_empty": (
        mark("Nothing was sent yet."),
        mark("Take a photo or write a sentence, then send it."),
        ATTENTION,
    ),
    "photo_too_large": (
        mark("This photo is too large."),
        mark("Nothing was recorded. It may have at most 8 MB; take it in the page, which makes it smaller."),
        ATTENTION,
    ),
    "media_type": (
        mark("This file is not a picture that can be taken."),
        mark("Nothing was recorded. Choose a JPEG, PNG or WebP, or take the photo in the page."),
        ATTENTION,
    ),
    "photo_unreadable": (
        mark("This picture is damaged, or more than a picture."),
        mark("Nothing was recorded. Take the photo again in the page."),
        ATTENTION,
    ),
    "photo_trailing": (
        mark("This picture is damaged, or more than a picture."),
        mark("Nothing was recorded. Take the photo again in the page."),
        ATTENTION,
    ),
    "photo_animated": (
        mark("This is a moving picture."),
        mark("Nothing was recorded. Send a photo of it."),
        ATTENTION,
    ),
    "photo_pixels": (
        mark("This photo has too many points."),
        mark("Nothing was recorded. Take it in the page, which makes it smaller."),
        ATTENTION,
    ),
    "another_member": (
        mark("Somebody else is signed in here now."),
        mark("Nothing was recorded under their name. Whoever wrote this has to sign in again."),
        ATTENTION,
    ),
    "body_too_large": (
        mark("That is too large to be taken."),
        mark("Nothing was saved. A photo is made smaller by the page itself; a file may have at most 8 MB."),
        ATTENTION,
    ),
    "disk_full": (
        mark("Nothing more can be saved: the disk is full."),
        mark("What was saved is safe. Reading works."),
        LATE,
    ),
    "store_failed": (
        mark("The record cannot be reached right now, and nothing was changed."),
        mark("Try again in a minute."),
        LATE,
    ),
    "outcome_unknown": (
        mark("The connection to the record broke while this was saved."),
        mark("It was saved whole or not at all. Send it again: it counts once."),
        LATE,
    ),
    "clock": (
        mark("The server's clock jumped, so nothing more is recorded."),
        mark("What was saved is safe. An owner has to confirm the time."),
        LATE,
    ),
    "busy": (
        mark("The server has too much to do right now, and nothing was changed."),
        mark("Try again in a few seconds."),
        WAIT,
    ),
}
"""Code -> first words, the rest, tone."""

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
