"""Ends without a reply, replies by others, questions nobody may ask: forgeries for the audit of meaning."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ledger.entries import Actor
from tests.casework.forgeries import Forgery, by, told
from tests.casework.forging import Line, Story


def _unasked(kind: str, case: str, **body: Any) -> Forgery:
    """The end stands as it does, and nobody was asked about it."""

    def forge(story: Story) -> Line:
        gone = [story.find("award_disputed", case)]
        gone += [
            line
            for line in story.lines
            if line.kind == "dispute_answered" and line.entry.case == gone[0].entry.case
        ]
        for line in gone:
            story.lines.remove(line)
        return story.find(kind, case, **body)

    return forge


def _unanswered(kind: str, case: str, **body: Any) -> Forgery:
    """They had said nothing yet."""

    def forge(story: Story) -> Line:
        story.lines.remove(story.find("dispute_answered", case))
        return story.find(kind, case, **body)

    return forge


def _early(story: Story) -> Line:
    line = story.find("award_declined", "ended")
    story.move(line, story.find("award_disputed", "ended"))
    return line


def _again(kind: str, case: str, after: str, cut: bool = True) -> Forgery:
    """The same once more."""

    def forge(story: Story) -> Line:
        line = story.again(story.find(kind, case), story.find(after, case))
        if "dispute" in line.body and kind == "award_disputed":
            line.body["dispute"] = "another"
        if cut:
            story.cut(line)
        return line

    return forge


def _without_words(story: Story) -> Line:
    line = story.find("dispute_answered", "thought")
    line.entry = dataclasses.replace(line.entry, private={})
    line.values.clear()
    return line


def _settled_over_it(story: Story) -> Line:
    line = story.find("award_settled", "queried")
    story.move(line, story.find("award_disputed", "queried"))
    line.at(story.find("dispute_closed", "queried").entry.at)
    story.cut(line)
    return line


def _climbed(change: Callable[[Story, Line], None]) -> Forgery:
    def forge(story: Story) -> Line:
        line = story.find("award_escalated", "queried")
        change(story, line)
        story.cut(line)
        return line

    return forge


def _closed_over(story: Story) -> Line:
    """Somebody closes it instead of saying no."""
    no = story.find("decision_made", "thought", about="award", verb="declined")
    line = story.add(no, "case_closed", "thought", {"reason_code": "not_recognised"}, OWNER)
    line.by(story.named["owner"], "owner")
    story.lines.remove(no)
    story.cut(line)
    return line


def _closed_undecided(story: Story) -> Line:
    """The same before anybody planned a no."""
    judged = story.find("verdict_given", "thought")
    line = story.add(judged, "case_closed", "thought", {"reason_code": "done"}, OWNER)
    line.by(story.named["owner"], "owner")
    story.cut(line)
    return line


OWNER = Actor("owner", "owner", "web")
NO = {"about": "award", "verb": "declined"}
DISPUTES: list[tuple[str, Forgery, str]] = [
    ("a no that nobody was asked about", _unasked("decision_made", "thought", **NO), "not_asked_first"),
    ("a no before the reply", _unanswered("decision_made", "thought", **NO), "reply_awaited"),
    ("an end that nobody was asked about", _unasked("award_declined", "ended"), "not_asked_first"),
    ("an end before the time was over", _early, "reply_awaited"),
    ("an end for another reason", told("award_declined", "ended", reason_code="duplicate"), "not_asked_first"),
    ("taken back and nobody was asked", _unasked("award_revoked", "false"), "not_asked_first"),
    ("taken back before the reply", _unanswered("award_revoked", "false"), "reply_awaited"),
    ("taken back for another reason", told("award_revoked", "false", cause="misconduct"), "not_asked_first"),
    ("less time to reply than was set", told("award_disputed", "ended", reply_until=lambda story, line: line.entry.at),
     "reply_until as worked out"),
    ("not everybody asked", told("award_disputed", "ended", members=[]), "members as worked out"),
    ("asked about an earlier verdict", told("award_disputed", "thought", cut=True, verdict="earlier"),
     "verdict as worked out"),
    ("asked for no known reason", told("award_disputed", "ended", cut=True, reason_code="so"), "reason_unknown"),
    ("an end planned by its earner", by("award_disputed", "ended", "double", "manager", cut=True),
     "decider_is_beneficiary"),
    ("an end planned by somebody without a part", by("award_disputed", "ended", "auditor", "auditor", cut=True),
     "no_authority"),
    ("a no planned by somebody who could not say it", by("award_disputed", "thought", "auditor", "auditor", cut=True),
     "no_authority"),
    ("asked by a digital employee", by("award_disputed", "ended", "agent", "agent", cut=True), "agent_may_not"),
    ("two questions at a time", _again("award_disputed", "ended", "award_disputed"), "dispute_open"),
    ("the same question again", _again("award_disputed", "queried", "dispute_closed"), "asked_before"),
    ("answered by somebody else", by("dispute_answered", "thought", "cook", "staff"), "not_asked"),
    ("answered by the asker", by("dispute_answered", "false", "owner", "owner"), "not_asked"),
    ("answered twice", _again("dispute_answered", "thought", "dispute_answered"), "answered_before"),
    ("answered when it was over", _again("dispute_answered", "queried", "dispute_closed"), "dispute_over"),
    ("answered without a word", _without_words, "value_invalid"),
    ("closed by the earner", by("dispute_closed", "queried", "double", "manager"), "decider_is_beneficiary"),
    ("closed by staff", by("dispute_closed", "queried", "clerk", "staff"), "no_authority"),
    ("closed for no known reason", told("dispute_closed", "queried", reason_code="so"), "reason_unknown"),
    ("closed, and a shorter window", told("dispute_closed", "queried", cut=True,
     settle_not_before="2026-11-21T00:00:00.000Z"), "settle_not_before as worked out"),
    ("closed over a planned no", _closed_over, "dispute_open"),
    ("closed instead of a yes or a no", _closed_undecided, "undecided"),
    ("settled while it was open", _settled_over_it, "held"),
    ("passed on before its time",
     _climbed(lambda story, line: story.move(line, story.find("award_disputed", "queried"))), "too_early"),
    ("passed on to a friend", _climbed(lambda story, line: line.body.update(to=story.named["cook"])),
     "to as worked out"),
    ("passed over the second approver", _climbed(lambda story, line: line.body.update(rung=2)), "rung as worked out"),
    ("passed on by hand", _climbed(lambda story, line: line.by(story.named["owner"], "owner")), "system's own job"),
]  # fmt: skip
