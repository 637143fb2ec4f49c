"""Which steps of an exception somebody may take now: what its state allows, and what staffing lets this person do.

Pure: a dossier, a member and staffing's answers in; the names of steps out, in the order of the story. The desk decides
all the same; this only keeps the page from offering what would be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.dossiers import Dossier
from api.scope import Row
from casework import cases
from casework.evidence import KEPT
from casework.staffing import Answer

IN_HAND, PROPOSE, DONE, EVIDENCE, LINK = "in_hand", "propose", "done", "evidence", "link"
WITHDRAW, RESULT, PASS, NOTE = "withdraw", "result", "pass", "note"
TRAINING, REFERRAL, SERVICE_ISSUE = "training", "referral", "service_issue"
CATALOGUED = (TRAINING, REFERRAL)
"""Kinds of claims that are routine work: what shows them is known beforehand."""
NO_PROBLEM, CLOSE, REOPEN = "no_problem", "close", "reopen"


@dataclass(frozen=True, slots=True)
class Possible:
    """One step: who may, as staffing calls it; the entries one of which the state must allow; what else must be so."""

    step: str
    staffed: str
    entries: tuple[str, ...]
    also: Callable[[Dossier, str], bool] | None = None


def approved(dossier: Dossier) -> Row | None:
    """Return the approved decision that nobody has acted on yet, None: there is none."""
    made = [
        one
        for one in dossier.decisions
        if one["about"] == "action" and one["verb"] == "approved" and not one["withdrawn"]
    ]
    last = max(made, key=lambda one: int(one["seq"]), default=None)
    return last if last is not None and last["effect_seq"] is None else None


def is_asked_for(dossier: Dossier) -> bool:
    """Say whether a plan or a catalogue asks for this work: whoever did it says so in one step."""
    row = dossier.case
    return row.get("origin") == "schedule" or (
        row.get("origin") == "claim" and row.get("award_kind") in CATALOGUED
    )


def asks_somebody(dossier: Dossier) -> bool:
    """Say whether there is somebody to be asked by a link: a guest, or whoever was brought."""
    return not is_asked_for(dossier) or dossier.case.get("award_kind") == REFERRAL


def own_items(dossier: Dossier, member: str) -> list[Row]:
    """Return the evidence that this member brought and may still take back: never what a guest said."""
    if dossier.case["award"] is not None:
        return []
    return [
        item
        for item in dossier.live
        if item["submitter"] == f"member:{member}" or item["attached_by"] == member
        if item["type"] not in KEPT
    ]


def close_reasons(dossier: Dossier) -> tuple[str, ...]:
    """Return why this may be closed as it stands, but for "not a problem", which is a step of its own."""
    row = dossier.case
    state = row["state"]
    if state == cases.CLOSED or (state == cases.RESOLVED and cases.waiting(row, dossier.decisions)):
        return ()
    checked = all(item["review"] == "accepted" for item in dossier.live)
    done = state == cases.RESOLVED or (state == cases.AWAITING_REVIEW and row["policy"] is None and checked)
    judged = state in (cases.RESOLVED, cases.AWAITING_REVIEW) and row["award"] is None
    return (
        *(("done",) if done else ()),
        *(("not_recognised",) if judged else ()),
        *(("duplicate", "accepted_risk") if state != cases.RESOLVED else ()),
        *(("self_cleared",) if row["action_seq"] is None and state != cases.RESOLVED else ()),
    )


def resolutions(dossier: Dossier) -> tuple[str, ...]:
    """Return what may have come of it: "solved" needs something that was done."""
    acted = dossier.case["action_seq"] is not None
    return (*(("fixed",) if acted else ()), "accepted_risk", "false_alarm", "duplicate")


POSSIBLE: tuple[Possible, ...] = (
    Possible(IN_HAND, "acknowledge", ("acknowledged",)),
    # a plan or a catalogue asks for the work itself: nothing has to be suggested first
    Possible(PROPOSE, "propose", ("proposal_made",), lambda dossier, member: not is_asked_for(dossier)),
    Possible(DONE, "take_action", ("action_taken",), lambda dossier, member: approved(dossier) is not None),
    Possible(EVIDENCE, "attach_evidence", ("evidence_attached",)),
    Possible(LINK, "issue_link", ("link_issued",), lambda dossier, member: asks_somebody(dossier)),
    Possible(
        WITHDRAW,
        "withdraw_evidence",
        ("evidence_withdrawn",),
        lambda dossier, member: bool(own_items(dossier, member)),
    ),
    # of routine work the result is that it was done: its own forms say so
    Possible(
        RESULT, "record_outcome", ("outcome_recorded",), lambda dossier, member: not is_asked_for(dossier)
    ),
    # whoever may work on it may pass it on: the same door, the same people
    Possible(PASS, "take_action", ("owner_assigned", "escalated")),
    Possible(
        NO_PROBLEM,
        "close",
        ("case_closed",),
        lambda dossier, member: dossier.case["state"] != cases.RESOLVED and dossier.case["award"] is None,
    ),
    Possible(CLOSE, "close", ("case_closed",), lambda dossier, member: bool(close_reasons(dossier))),
    Possible(REOPEN, "reopen", ("case_reopened",)),
    Possible(NOTE, "take_action", ("note_added",)),
)
"""Every step of the page, in the order of the story."""

ASKED = tuple(dict.fromkeys(one.staffed for one in POSSIBLE))
"""The steps of staffing that `possible_steps` wants the answers of."""


def possible_steps(dossier: Dossier, member: str, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """Return the steps that this member may take now."""
    state = dossier.case["state"]
    return tuple(
        one.step
        for one in POSSIBLE
        if any(state in cases.TRANSITIONS[entry].allowed for entry in one.entries)
        and member in answers[one.staffed].members
        and (one.also is None or one.also(dossier, member))
    )
