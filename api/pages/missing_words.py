"""What a judge found missing, in words, and the step of the page that brings it. Pure: the lines of a verdict in.

A line that only follows from another (nothing was left to look at) is not told. Where the reason says more than the
line, the reason has words of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.pages.words import Words, mark

CHECK, COME, SECOND, BRING, LINK = "check", "come", "second", "bring", "link"
NOTE, BACK, RESULT, ASSESS, DONE = "handover", "read-back", "course", "assess", "work-done"
SUGGEST, ACT, REPORT, WAIT = "suggest", "done", "report", "wait"
INSUFFICIENT, FOLLOWS = "insufficient", "nothing_left"
BEGIN = ("record_attached", "confirmation_answered")
"""Lines at which a row of lines begins: nothing there means that it is missing, not that it follows."""
LAST = ("evidence_suffices", "forgery_number", "not_self_made")
"""Lines that add the others up: told only where nothing else is."""

SAID: Mapping[str, tuple[str, str]] = {
    # every judge
    "one_beneficiary": (mark("Nobody has said yet that it is done."), DONE),
    "evidence_suffices": (mark("Something that shows it, beside the word of whoever did it."), BRING),
    "forgery_number": (mark("Something by one more person, so that it could not be made up alone."), SECOND),
    "not_self_made": (mark("Something that whoever did it could not have made themselves."), SECOND),
    # a planned check
    "reading_recorded": (mark("What was found, written down by whoever did the check."), CHECK),
    "on_time": (mark("What was found, written down in the time that the plan gives."), CHECK),
    "present": (
        mark("That somebody was there: a check-in at the place, or a second look by a colleague."),
        COME,
    ),
    "present:another_place": (
        mark(
            "A check-in at this place; the one that is there was at another. A colleague's second look does, too."
        ),
        COME,
    ),
    "present:another_person": (
        mark(
            "A check-in by whoever wrote it down; another person's is there. A colleague's second look does, too."
        ),
        COME,
    ),
    "present:not_at_the_time": (
        mark("A check-in within ten minutes or so of what was written down, or a colleague's second look."),
        SECOND,
    ),
    "not_elsewhere": (
        mark("A second look by a colleague: a moment before there was a check-in somewhere else."),
        SECOND,
    ),
    "failure_reported": (
        mark("What is the matter: it was not as it should be, and nobody was told."),
        REPORT,
    ),
    # a hand-over
    "note_complete": (
        mark("The note: how things stand, what was done, and what to do if something happens."),
        NOTE,
    ),
    "note_complete:form_incomplete": (
        mark(
            "The rest of the note: everything that is open needs somebody who has it, a time and a sentence."
        ),
        NOTE,
    ),
    "note_in_time": (mark("A note from the end of the shift."), NOTE),
    "snapshot_fresh": (
        mark("What was open when the note was written; it is kept with a new note by itself."),
        NOTE,
    ),
    "received_by_the_next": (
        mark("That somebody of the next shift has read it and says what they understood."),
        BACK,
    ),
    "received_by_the_next:read_back_by_its_author": (
        mark("Somebody else's reading: whoever wrote the note does not confirm it."),
        BACK,
    ),
    "received_by_the_next:not_on_the_next_shift": (
        mark("A reading by somebody whom the rota has on the next shift."),
        BACK,
    ),
    "read_back_in_time": (
        mark("A reading after the note was written, and near the start of the shift."),
        BACK,
    ),
    "read_back_in_time:not_read": (
        mark("A reading that took longer: the answer came almost at once."),
        BACK,
    ),
    "read_back_in_time:read_too_late": (
        mark("A reading near the start of the shift; the one that is there came too late."),
        WAIT,
    ),
    "own_words": (mark("What the next shift understood, in their own words, with every open point."), BACK),
    "own_words:copied_from_the_note": (mark("Their own words: the answer repeats the note."), BACK),
    "own_words:too_few_words": (mark("A few more words on what they understood."), BACK),
    "own_words:point_not_named": (mark("An answer to every open point of the note."), BACK),
    "covered": (mark("A note to hold against what was open."), NOTE),
    "note_agrees": (mark("A note to hold against what was open."), NOTE),
    "nothing_disputed": (mark("An answer to every open point of the note."), BACK),
    # a course
    "result_received": (mark("The provider's result of this course."), RESULT),
    "result_received:account_of_nobody_here": (
        mark("Whose account it is with the provider: a manager has to say so."),
        WAIT,
    ),
    "result_received:account_of_somebody_else": (
        mark("A result of your own account; the one that is there is somebody else's."),
        RESULT,
    ),
    "not_voided": (mark("A result that the provider has not taken back."), RESULT),
    "passed": (mark("A result that says passed."), RESULT),
    "score_reached": (mark("A result with enough points."), RESULT),
    "long_enough": (mark("A result of somebody who took their time over the course, in one go."), RESULT),
    "attempts_within": (mark("A result with fewer tries."), RESULT),
    "in_date": (mark("A result that is in date."), RESULT),
    "assessed": (
        mark("Somebody who is named for this course, saw that they can do it, and says so."),
        ASSESS,
    ),
    "assessed:assessed_by_oneself": (mark("Somebody else who saw it: nobody says it of themselves."), ASSESS),
    # somebody who was brought
    "lodged_first": (mark("The record of whoever was brought, from after it was written down here."), BRING),
    "consented": (mark("Their own yes: give them a link, and they answer with one tap."), LINK),
    "qualified_by_another": (mark("A record by somebody else, who found them fitting."), BRING),
    "outcome_reached": (mark("A record that says that they paid, or began."), BRING),
    "held_long_enough": (
        mark("Time: it has to last for a while before it counts. Bring the record again then."),
        WAIT,
    ),
    "record_agrees": (mark("A record that shows how it stands."), BRING),
    # something that was put right
    "issue_came_first": (mark("That something was done about it."), ACT),
    "proposal_approved": (mark("A suggestion, and somebody's yes to it, before it was done."), SUGGEST),
    "approver_independent": (mark("A yes by somebody who neither suggested it nor gains by it."), SUGGEST),
    "action_after_approval": (mark("That it was done after somebody had said yes."), ACT),
    "record_attached": (mark("A record of the system that shows it."), BRING),
    "record_changed": (
        mark("The record as it stands now: the one that is there is from before it was done."),
        BRING,
    ),
    "record_state": (mark("A record that says that it is solved."), BRING),
    "record_accepted": (mark("Somebody's look at the record: it holds, or it does not."), WAIT),
    "confirmation_answered": (mark("The guest's own answer, through a link that works once."), LINK),
    "confirmation_controlled": (mark("An answer through a link that the guest was given here."), LINK),
    "confirmation_accepted": (mark("Somebody's look at the guest's answer."), WAIT),
    "work_is_theirs": (mark("A record that says who did it."), BRING),
    "work_is_theirs:no_field_in_policy": (
        mark("Where the record says who did it: an owner writes that into the policy."),
        WAIT,
    ),
    "customer_known": (mark("A record of something else that shows they were a guest before."), BRING),
    "customer_known:known_by_earners_only": (
        mark("A record of the guest from before, by somebody other than whoever did it."),
        BRING,
    ),
}
"""Line, or line:reason, of a verdict -> what is missing, and the step that brings it."""
OTHER = (mark("Something more that shows it."), BRING)

BUTTONS: Mapping[str, str] = {
    CHECK: mark("Write down what you find"),
    BRING: mark("Bring evidence"),
    LINK: mark("Make a link for them"),
    NOTE: mark("Write the note"),
    BACK: mark("Read it and confirm"),
    RESULT: mark("Bring the result"),
    ASSESS: mark("Say what you saw"),
    DONE: mark("Say that it is done"),
    ACT: mark("Say that it is done"),
    SUGGEST: mark("Suggest what to do"),
}
"""Step of this page -> its button; a step that the reader may not take has none."""
ELSEWHERE: Mapping[str, tuple[str, str]] = {
    COME: ("/points", mark("Where to check in")),
    REPORT: ("/report", mark("Tell what is the matter")),
}
BY_OTHERS: Mapping[str, str] = {
    SECOND: mark("Ask a colleague to open this page and look again."),
    BACK: mark("Somebody of the next shift does this on this page."),
    ASSESS: mark("Whoever is named for this course does this on this page."),
    NOTE: mark("Whoever hands over does this on this page."),
    RESULT: mark("Whoever took the course does this on this page."),
}


@dataclass(frozen=True, slots=True)
class Lacking:
    """One thing that is missing: the words, the address that brings it and its button ("" where others bring it), and
    who does where the reader cannot."""

    words: str
    path: str
    button: str
    by: str


def lacking_of(
    checks: Sequence[Mapping[str, Any]], case: str, can: frozenset[str], words: Words
) -> tuple[Lacking, ...]:
    """Return what the lines of a verdict lack, each once. `can`: steps of this page that the reader may take."""
    open_ = [
        one
        for one in checks
        if one["result"] == INSUFFICIENT and (one["reason"] != FOLLOWS or one["id"] in BEGIN)
    ]
    own = [one for one in open_ if one["id"] not in LAST] or open_
    found: dict[str, Lacking] = {}
    for one in own:
        said, step = SAID.get(f"{one['id']}:{one['reason']}") or SAID.get(one["id"]) or OTHER
        sentence = words.gettext(said)
        found.setdefault(sentence, _lacking(sentence, step, case, can, words))
    return tuple(found.values())


def _lacking(sentence: str, step: str, case: str, can: frozenset[str], words: Words) -> Lacking:
    if step in ELSEWHERE:
        path, button = ELSEWHERE[step]
        return Lacking(sentence, path, words.gettext(button), "")
    if step in BUTTONS and step in can:
        button = BUTTONS[step]
        return Lacking(sentence, f"/exceptions/{case}?do={step}#{step}", words.gettext(button), "")
    by = BY_OTHERS.get(step)
    return Lacking(sentence, "", "", words.gettext(by) if by else "")
