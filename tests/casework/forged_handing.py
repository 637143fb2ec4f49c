"""Cases that went to somebody as no rule would have it: forgeries for the audit of meaning."""

from __future__ import annotations

import dataclasses

from tests.casework.forgeries import Forgery
from tests.casework.forging import Line, Story


def _first(story: Story, kind: str, case: str) -> tuple[Line, Line]:
    """Return the entry that opens a case or brings it back, and that which gives it to its owner."""
    began = story.find(kind, case)
    given = next(
        line for line in story.lines if line.kind == "owner_assigned" and line.entry.cmd == began.entry.cmd
    )
    return began, given


def _to_another(kind: str, reason: str) -> Forgery:
    def forge(story: Story) -> Line:
        _, given = _first(story, kind, "back")
        given.body.update(owner=story.named["cook"], reason_code=reason)
        story.cut(given)
        return given

    return forge


def _to_nobody(kind: str) -> Forgery:
    def forge(story: Story) -> Line:
        began, given = _first(story, kind, "back")
        story.lines.remove(given)
        story.cut(began)
        return began

    return forge


def _twice(kind: str) -> Forgery:
    """Back to its owner, and on to somebody else in the same breath."""

    def forge(story: Story) -> Line:
        _, given = _first(story, kind, "back")
        line = story.again(given, given)
        line.entry = dataclasses.replace(line.entry, cmd=given.entry.cmd)
        line.body["owner"] = story.named["cook"]
        story.cut(line)
        return line

    return forge


HANDING: list[tuple[str, Forgery, str]] = [
    ("come back, to another", _to_another("case_reopened", "reopened"), "owner_unknown.*as before"),
    (
        "come back, to another at last",
        _to_another("case_reopened", "last_resort"),
        "owner_unknown.*as before",
    ),
    ("come back, to the owner at last", _to_another("case_reopened", "route"), "reason_unknown"),
    ("come back, to nobody", _to_nobody("case_reopened"), "owner_assigned in the same command"),
    ("come back, and passed on at once", _twice("case_reopened"), "reason_unknown"),
    ("opened, for nobody", _to_nobody("case_opened"), "owner_assigned in the same command"),
    ("opened, and passed on at once", _twice("case_opened"), "reason_unknown"),
    ("opened, for nobody who stands in", _to_another("case_opened", "absent"), "stands in at that time"),
    ("opened, as if it had come back", _to_another("case_opened", "reopened"), "reason_unknown"),
]
