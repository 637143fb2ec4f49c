"""Questions after a course: the recognition settles once whoever got it answers them well (docs/spec/recall.md).

It is never taken away for a wrong answer, and never lapses: the questions come again, others of them, some days later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from casework import awards, cases, people
from casework.errors import refuse
from casework.records import Records
from casework.requests import AnswerRecall, Asked
from ledger.changes import Row
from ledger.commands import Command, Decided, Need, View
from ledger.entries import Draft
from verifiers import recall
from verifiers.recall import Recall
from verifiers.training import read_parameters

CODE = "recall_awaited"


@dataclass(frozen=True, slots=True)
class Due:
    """What somebody is asked now or later: `questions` are (id, text, answers) of the attempt at hand."""

    course: str
    attempt: int
    at: str
    passed: bool
    questions: tuple[tuple[str, str, tuple[str, ...]], ...]


async def course(records: Records, award: Row | None) -> str | None:
    """Return the course whose questions this award waits for: its verdict says so. None: for none, or it was erased."""
    verdict = None if award is None else await records.get("verdict", (award["case"], award["verdict"]))
    if verdict is None or verdict["verifier"] != "training" or verdict["output_item"] is None:
        return None
    output = await records.open(verdict["output_item"])
    return None if output is None else recall.course_of(output["settle_conditions"])


def needs(award: str, verdict: Row | None) -> list[Need]:
    """Need what `answered` and `check` look at, beside the award's own rows."""
    content = [] if verdict is None else [Need("policy_content", (verdict["policy_digest"],))]
    named = [] if verdict is None else [Need("verdict", (verdict["case"], verdict["verdict"]))]
    return [Need("recall", (award,)), *named, *content]


def of_course(content: Row | None, name: str) -> Recall:
    """Return the questions of a course under a published policy.

    Raises:
        Refused: recall_not_asked.
    """
    found = None
    if content is not None:
        found = read_parameters(json.loads(content["content"])["parameters"]).catalogue.get(name)
    if found is None or found.recall is None:
        raise refuse("recall_not_asked", f"expected a course with questions, got {name}")
    return found.recall


def due_at(award: Row, asked: Recall, last: Row | None) -> str:
    """Return the instant from which the next attempt may be made."""
    if last is None:
        return cases.later(award["granted_at"], days=asked.after_days)
    return cases.later(last["answered_at"], days=asked.again_days)


def due(award: Row, name: str, asked: Recall, last: Row | None) -> Due:
    """Return what somebody is asked, without the right answers."""
    attempt = 1 if last is None else last["attempt"] + 1
    questions = tuple(
        (one, asked.questions[one].text, asked.questions[one].answers)
        for one in recall.drawn(asked, award["award"], attempt)
    )
    passed = last is not None and bool(last["passed"])
    return Due(name, attempt, due_at(award, asked, last), passed, questions)


def answered(view: View, command: Command, at: str) -> Decided:
    """Rule of answer_recall: whoever is recognised, themselves, when the questions are due. known: recall (the course).

    Raises:
        Refused: agent_may_not, unknown, award_state, not_beneficiary, recall_not_asked, recall_answered, too_early,
            value_invalid (answers).
    """
    asked: Asked = command.data
    request: AnswerRecall = asked.request
    people.human(view, asked.who)
    row = view.get("award", (request.award,))
    if row is None:
        raise refuse("unknown", f"expected an award of this organisation, got {request.award}")
    if row["state"] != awards.PROVISIONAL:
        raise refuse("award_state", f"expected an award that is provisional, got {row['state']}")
    if asked.who.id not in awards.beneficiaries(view, row):
        raise refuse("not_beneficiary", "expected whoever is recognised, got somebody else")
    if asked.known["recall"] is None:
        raise refuse("recall_not_asked", "expected a recognition that waits for questions")
    verdict = view.get("verdict", (row["case"], row["verdict"]))
    content = None if verdict is None else view.get("policy_content", (verdict["policy_digest"],))
    questions = of_course(content, asked.known["recall"])
    last = view.get("recall", (request.award, asked.who.id))
    if last is not None and last["passed"]:
        raise refuse("recall_answered", "expected questions that were not answered well before")
    if at < due_at(row, questions, last):
        raise refuse("too_early", f"expected {due_at(row, questions, last)} or later, got {at}")
    body = outcome(row, asked.who.id, questions, last, request.answers, at)
    draft = Draft("recall_answered", row["case"], body, asked.private.commitments, asked.private.opened)
    cases.advance(cases.find(view, row["case"]), draft)
    return Decided((draft,), asked.private.rows, {"case": row["case"], "award": row["award"]})


def outcome(
    row: Row, member: str, questions: Recall, last: Row | None, answers: tuple[int, ...], at: str
) -> dict[str, Any]:
    """Return the body of recall_answered.

    Raises:
        Refused: value_invalid.
    """
    attempt = 1 if last is None else last["attempt"] + 1
    names = recall.drawn(questions, row["award"], attempt)
    if len(answers) != len(names):
        raise refuse("value_invalid", f"answers: expected {len(names)}, got {len(answers)}", "/answers")
    for place, (name, given) in enumerate(zip(names, answers, strict=True)):
        count = len(questions.questions[name].answers)
        if not 0 <= given < count:
            raise refuse(
                "value_invalid", f"answers: expected 0 to {count - 1}, got {given}", f"/answers/{place}"
            )
    right = recall.count_right(questions, names, answers)
    passed = right >= questions.right_min
    # Held: whoever releases it lets it settle. Not passed: nothing settles.
    settles = max(row["settle_not_before"], at) if passed and row["held_by"] is None else None
    return {
        "award": row["award"],
        "member": member,
        "attempt": attempt,
        "right": right,
        "passed": passed,
        "settle_not_before": settles,
    }


def check(view: View, row: Row, name: str | None) -> None:
    """Check that nobody recognised has questions to answer before it settles.

    Raises:
        Refused: recall_awaited.
    """
    if name is None:
        return
    for member in awards.beneficiaries(view, row):
        last = view.get("recall", (row["award"], member))
        if last is None or not last["passed"]:
            raise refuse(CODE, f"expected the questions of {name} answered well, got none yet")


def settled(view: View, command: Command, at: str) -> Decided:
    """Rule of settle: as awards.settled, once the questions are answered. known: recall (the course, or None).

    Raises:
        Refused: recall_awaited, and as awards.settled.
    """
    asked: Asked = command.data
    row = view.get("award", (asked.request.award,))
    if row is not None and row["state"] == awards.PROVISIONAL:
        check(view, row, asked.known["recall"])
    return awards.settled(view, command, at)
