"""Questions some time after a course: what is left of it. Answered well, the recognition settles.

    recall: {after_days, again_days, ask, right_min, questions: {id: {text, answers: [text], right: index}}}

Which questions are asked follows from the award and the number of the attempt alone, so that anybody can look again and
whoever repeats it meets others. docs/spec/recall.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verifiers.reading import Reader

DOMAIN = b"tallystick/recall/v1\x00"
SETTLES = "recall_answered:"
"""Prefix of the settle condition; the course follows."""
QUESTIONS_MAX = 64
ASK_MAX = 10
ANSWERS_MIN, ANSWERS_MAX = 2, 6
TEXT_CHARS_MAX = 300
DAYS_MAX = 366
MEMBERS = ("after_days", "again_days", "ask", "right_min", "questions")


@dataclass(frozen=True, slots=True)
class Question:
    """One question, its possible answers, and the index of the right one."""

    text: str
    answers: tuple[str, ...]
    right: int


@dataclass(frozen=True, slots=True)
class Recall:
    """`ask` of the questions are put `after_days` after the grant; `right_min` have to be right, or it is done again
    `again_days` later."""

    after_days: int
    again_days: int
    ask: int
    right_min: int
    questions: Mapping[str, Question]


def read_recall(at: Reader) -> Recall:
    """Read the questions of a course.

    Raises:
        VerifierError (the reader's): another shape, fewer questions than are asked, a right answer that is none.
    """
    member = at.members(*MEMBERS)
    ask = member["ask"].integer(1, ASK_MAX)
    questions = {name: _question(one) for name, one in member["questions"].entries(QUESTIONS_MAX)}
    if len(questions) < ask:
        raise member["questions"].refuse(f"at least {ask} questions, as many as are asked")
    return Recall(
        after_days=member["after_days"].integer(0, DAYS_MAX),
        again_days=member["again_days"].integer(1, DAYS_MAX),
        ask=ask,
        right_min=member["right_min"].integer(1, ask),
        questions=questions,
    )


def _question(at: Reader) -> Question:
    member = at.members("text", "answers", "right")
    answers = tuple(
        one.text(TEXT_CHARS_MAX) for one in member["answers"].items(ANSWERS_MAX, count_min=ANSWERS_MIN)
    )
    if len(set(answers)) != len(answers):
        raise member["answers"].refuse("answers that differ")
    return Question(
        member["text"].text(TEXT_CHARS_MAX), answers, member["right"].integer(0, len(answers) - 1)
    )


def drawn(recall: Recall, award: str, attempt: int) -> tuple[str, ...]:
    """Return the ids of the questions of an attempt (1, 2, ...), in the order they are asked: the first `ask` by
    SHA-256(domain || award || "/" || attempt || "/" || id)."""

    def place(name: str) -> bytes:
        return hashlib.sha256(DOMAIN + f"{award}/{attempt}/{name}".encode()).digest()

    return tuple(sorted(recall.questions, key=place)[: recall.ask])


def count_right(recall: Recall, asked: Sequence[str], answers: Sequence[int]) -> int:
    """Return how many answers (indices, in the order asked) are right."""
    return sum(recall.questions[name].right == given for name, given in zip(asked, answers, strict=True))


def course_of(settle_conditions: Sequence[str]) -> str | None:
    """Return the course whose questions have to be answered before it settles, None: there is no such condition."""
    found = [one.removeprefix(SETTLES) for one in settle_conditions if one.startswith(SETTLES)]
    return found[0] if found else None
