"""Routine work: what a plan or a catalogue asks for is said to be done, with what shows it, in one command.

No proposal is decided on before it: the plan asked. So whoever did it proposes that it be recognised, says that it is
done and names the outcome; the verifier judges, and somebody else decides on the recognition, as ever.
"""

from __future__ import annotations

import json
from typing import Any

from casework import assessors, cases, evidence, people, proposals
from casework.errors import refuse
from casework.requests import Asked, ReportWork
from ledger.changes import Change, Row
from ledger.commands import Command, Decided, View
from ledger.entries import Draft
from verifiers import registry
from verifiers.errors import VerifierUnknown

ORIGINS = ("claim", "schedule")
RECOGNISE = "recognise"
DONE = {"resolution": "fixed", "impact": "none"}


def is_routine_origin(origin: str) -> bool:
    """Say whether routine work may be reported of a case that came like this."""
    return origin in ORIGINS


def is_routine(policy: Row | None) -> bool:
    """Say whether a policy's verifier judges routine work."""
    if policy is None:
        return False
    content = json.loads(policy["content"])
    try:
        return registry.find(content["verifier"], content["verifier_version"]).routine
    except VerifierUnknown:
        return False


def check_routine(view: View, row: Row) -> None:
    """Check that work of this case may be reported without a decision before it.

    Raises:
        Refused: not_decided.
    """
    policy = None if row["policy"] is None else view.get("policy", (row["policy"],))
    planned = row["origin"] == "schedule" and row["policy"] is None
    if row["origin"] not in ORIGINS or not (planned or is_routine(policy)):
        raise refuse(
            "not_decided",
            "expected work that a plan or a catalogue asks for; here a proposal is decided on first",
        )


def learner_of(row: Row) -> str | None:
    """Return whose course a case is: whoever reported it done, else whoever claimed it. None: it is nobody's course."""
    by = row["action_by"] or (row["opened_by"] if row["origin"] == "claim" else None)
    return None if by is None else str(by)


def check_assessor(view: View, row: Row, who: str) -> None:
    """Check that somebody may say what they saw of this learner's skill: never the learner by any account.

    Raises:
        Refused: value_invalid (nobody's course), reviewer_is_beneficiary.
    """
    learner = learner_of(row)
    if learner is None:
        raise refuse("value_invalid", "expected a case of somebody's course, got another")
    claimed = (learner, str(row["opened_by"]))
    if any(people.same_person(view, who, one) for one in claimed):
        raise refuse("reviewer_is_beneficiary", "expected another person than whoever took the course")


def assessed(view: View, command: Command, at: str) -> Decided:
    """Rule of assess: as evidence.attached, by somebody whom an owner named for the course.

    Raises:
        Refused: agent_may_not, not_assessor, as check_assessor and as evidence.attached.
    """
    asked: Asked = command.data
    people.human(view, asked.who)
    row = cases.find(view, asked.request.case)
    check_assessor(view, row, asked.who.id)
    assessors.check_assesses(view, asked.request.facts["course"], asked.who.id)
    if (learner := learner_of(row)) != asked.request.facts["member"]:
        raise refuse("stale", f"expected the skill of {learner}, who reported it meanwhile; look again")
    return evidence.attached(view, command, at)


def reported(view: View, command: Command, at: str) -> Decided:
    """Rule of report_work. `known`: shown (the Asked of each item), words (the Private of the text; None: said before).

    Raises:
        Refused: not_decided, already_acted (somebody said so already), not_owner (on a shared device), and as
            `evidence.attached`.
    """
    asked: Asked = command.data
    request: ReportWork = asked.request
    people.human(view, asked.who)
    row = cases.find(view, request.case)
    check_routine(view, row)
    drafts: list[Draft] = []
    rows: list[Change] = []
    for shown in asked.known["shown"]:
        drafts.append(evidence.item_draft(view, shown, shown.request, at))
        rows += [*shown.private.rows, *evidence.once(view, shown)]
    result: dict[str, Any] = {"case": request.case}
    if drafts:
        result["evidence"] = drafts[0].body["evidence"]
    if request.text is not None:
        if row["action_seq"] is not None:
            raise refuse("already_acted", f"expected work nobody reported, got entry {row['action_seq']}")
        words = asked.known["words"]
        made = proposals.body(
            command.log, request.case, asked.ids["proposal"], RECOGNISE, words.commitments["text"], None, ()
        )
        drafts.append(Draft("proposal_made", request.case, made, words.commitments, words.opened))
        drafts.append(Draft("work_reported", request.case, {"proposal": asked.ids["proposal"]}))
        rows += words.rows
        result["proposal"] = asked.ids["proposal"]
    if request.outcome:
        if request.text is None and row["action_seq"] is None:
            raise refuse("not_decided", "expected work that somebody reported before, got none")
        drafts.append(Draft("outcome_recorded", request.case, dict(DONE)))
    if not drafts:
        raise refuse("value_invalid", "expected something to report, got nothing")
    cases.advance(row, *drafts)
    return Decided(tuple(drafts), tuple(rows), result)
