"""Routine work that was never done as the record says: one table of forgeries for the audit of meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.casework.forgeries import Forgery, by, told
from tests.casework.forging import Line, Story


def _shown(change: Callable[[dict[str, Any]], None], case: str = "later_check") -> Forgery:
    """The judge was shown something else beside the case; what it said follows from that."""

    def forge(story: Story) -> Line:
        line = story.find("verdict_given", case)
        change(line.values["input"])
        story.cut(line)
        return line

    return forge


def _due_later(value: dict[str, Any]) -> None:
    value["facts"]["expected"]["due_at"] = "2027-01-01T00:00:00.000Z"


def _other_number(value: dict[str, Any]) -> None:
    (earlier,) = value["prior"]["earlier"]
    next(one for one in earlier["evidence"] if one["type"] == "reading")["facts"]["value"] = 1


SERVER = {"party": "server"}


def _of_yesterday(**said: Any) -> Callable[[dict[str, Any]], None]:
    """The reading of yesterday is said to be another in something else than its facts."""

    def change(value: dict[str, Any]) -> None:
        (earlier,) = value["prior"]["earlier"]
        next(one for one in earlier["evidence"] if one["type"] == "reading").update(said)

    return change


def _part_of_yesterday(value: dict[str, Any]) -> None:
    (earlier,) = value["prior"]["earlier"]
    earlier["evidence"] = [one for one in earlier["evidence"] if one["type"] != "reading"]


def _yesterday_opened(value: dict[str, Any]) -> None:
    value["prior"]["earlier"][0]["opened_at"] = "2026-01-01T00:00:00.000Z"


def _yesterday_twice(value: dict[str, Any]) -> None:
    value["prior"]["earlier"] *= 2


def _no_earlier(value: dict[str, Any]) -> None:
    value["prior"]["earlier"] = []


def _another_recognised(value: dict[str, Any]) -> None:
    (award,) = value["prior"]["awards"]
    award["beneficiaries"] = []


def _twice(story: Story) -> Line:
    """It is reported a second time, by a colleague, after it came back."""
    first = story.find("work_reported", "check")
    line = story.again(first, first)
    story.cut(line)
    return line


def _of_a_signal(story: Story) -> Line:
    """What a proposal has to be decided on for is said to be done as routine."""
    decided = story.find("decision_made", "plain", about="action")
    report = story.find("work_reported", "check")
    proposal = story.find("proposal_made", "plain")
    line = story.add(
        proposal, "work_reported", "plain", {"proposal": proposal.body["proposal"]}, report.entry.actor
    )
    assert decided is not line
    story.cut(line)
    return line


def _assessed(who: str, role: str) -> Forgery:
    """The assessment of a course was by somebody who may give none."""

    def forge(story: Story) -> Line:
        line = story.find("evidence_attached", "course")
        line.by(story.named[who], role)
        line.body["submitter"] = f"member:{story.named[who]}"
        line.body["controllers"] = {"party": line.body["submitter"]}
        story.cut(line)
        return line

    return forge


def _namings(story: Story) -> list[Line]:
    return [story.find("assessor_named", None, ground=ground) for ground in ("certified", "teaches")]


def _never_named(story: Story) -> Line:
    """Nobody had named them."""
    for line in _namings(story):
        story.lines.remove(line)
    line = story.find("evidence_attached", "course")
    story.cut(line)
    return line


def _named_later(story: Story) -> Line:
    """They were named once they had said it."""
    said = story.find("evidence_attached", "course")
    for line in _namings(story):
        story.move(line, said)
    story.cut(_namings(story)[0])
    return said


def _ended_before(story: Story) -> Line:
    """It had ended."""
    story.find("assessor_ended", None).body["member"] = story.named["chef"]
    line = story.find("evidence_attached", "course")
    story.cut(line)
    return line


def _assessed_for_another(story: Story) -> Line:
    """One lead brings what another is said to have seen."""
    line = story.find("evidence_attached", "course")
    line.by(story.named["deputy"], "manager")
    story.cut(line)
    return line


def _other_plan(story: Story) -> Line:
    line = story.find("plan_published", None)
    line.body["content"]["late_minutes"] = 600
    story.cut(line)
    return line


def _own_account(story: Story) -> Line:
    """By a second account of the person whose it is said to be."""
    line = story.find("account_linked", None)
    line.by(story.named["double"], "manager")
    story.cut(line)
    return line


ROUTINE: list[tuple[str, Forgery, str]] = [
    ("work reported by a digital employee", by("work_reported", "check", "agent", "agent", cut=True), "agent_may_not"),
    ("work reported by another", by("work_reported", "check", "cook", "staff", cut=True), "not_decided"),
    ("work of a case that a proposal is decided on for", _of_a_signal, "not_decided"),
    ("work reported twice", _twice, "transition|already_acted"),
    ("another due time than the case was opened for", _shown(_due_later), "what the case was opened for"),
    ("another reading of yesterday", _shown(_other_number), "earlier case .* as it was attached"),
    ("yesterday without its reading", _shown(_part_of_yesterday), "earlier case .* whole"),
    ("yesterday at another time", _shown(_yesterday_opened), "earlier case .* whole"),
    ("yesterday twice", _shown(_yesterday_twice), "each earlier case once"),
    ("yesterday's reading by the system", _shown(_of_yesterday(submitter="system")), "earlier case .* as it"),
    ("yesterday's reading of another grade", _shown(_of_yesterday(grade="E4")), "earlier case .* as it"),
    ("yesterday's reading by the server", _shown(_of_yesterday(controllers=SERVER)), "earlier case .* as it"),
    ("no yesterday", _shown(_no_earlier), "expected the earlier case"),
    ("nobody recognised before", _shown(_another_recognised), "for .*, got"),
    ("a plan that says something else than its digest", _other_plan, "plan: expected|value_invalid"),
    ("an account linked to oneself", _own_account, "second_person_needed"),
    ("an account linked by staff", by("account_linked", None, "cook", "staff", cut=True), "role_missing"),
    ("a plan by a manager", by("plan_published", None, "deputy", "manager", cut=True), "role_missing"),
    ("an assessment by a colleague", _assessed("cook", "staff"), "not_assessor"),
    ("an assessment by another manager", _assessed("deputy", "manager"), "not_assessor"),
    ("an assessment by an owner who is named no more", _assessed("owner", "owner"), "not_assessor"),
    ("an assessment by the learner", _assessed("waiter", "staff"), "reviewer_is_beneficiary"),
    ("an assessment by a digital employee", _assessed("agent", "agent"), "agent_may_not|not_assessor"),
    ("an assessor whom nobody named", _never_named, "not_assessor"),
    ("an assessor who was named afterwards", _named_later, "not_assessor"),
    ("an assessor who was named no more", _ended_before, "not_assessor"),
    ("an assessor named by a manager", by("assessor_named", None, "deputy", "manager", cut=True), "role_missing"),
    ("an assessor of a course nobody has", told("assessor_named", None, True, course="flying"), "expected a course of"),
    ("an assessor for no reason", told("assessor_named", None, True, ground="friend"), "reason_unknown"),
    ("an assessor ended whom nobody named", told("assessor_ended", None, True, course="food-safety-2"), "unknown"),
    ("an assessment by the learner's second account", _assessed("double", "manager"), "reviewer_is_beneficiary"),
    ("an assessment brought for another lead", _assessed_for_another, "submitter: expected"),
    ("an account that says another source", told("account_linked", None, True, source="nowhere"), "unknown"),
]  # fmt: skip
