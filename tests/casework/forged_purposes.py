"""Watches on people whose purpose nobody wrote in time: one table of forgeries for the audit of meaning."""

from __future__ import annotations

from tests.casework.forgeries import Forgery, by
from tests.casework.forging import Line, Story

WRITTEN, PUBLISHED, SWITCHED = "watch_purpose_written", "playbook_published", "mode_changed"


def _never(story: Story) -> Line:
    """It runs, and nobody ever said what for."""
    story.lines.remove(story.find(WRITTEN))
    line = story.find(PUBLISHED)
    story.cut(line)
    return line


def _afterwards(story: Story) -> Line:
    """It is said once the watch runs."""
    line = story.find(PUBLISHED)
    story.move(story.find(WRITTEN), line)
    story.cut(story.find(WRITTEN))
    return line


def _for_another(story: Story) -> Line:
    """It was said of another watch."""
    story.find(WRITTEN).body["playbook"] = "short_shift"
    line = story.find(PUBLISHED)
    story.cut(line)
    return line


def _again(story: Story) -> Line:
    """It is switched on again after its purpose ended with it."""
    ended = story.find(SWITCHED, mode="retired")
    line = story.add(ended, SWITCHED, None, {"playbook": "long_shift", "mode": "live"}, ended.entry.actor)
    story.cut(line)
    return line


def _other_vocabulary(story: Story) -> Line:
    """It is published under kinds that nobody published, in which a shift names nobody."""
    story.lines.remove(story.find(WRITTEN))
    line = story.find(PUBLISHED)
    line.body["kinds"] = "dd" * 32
    story.cut(line)
    return line


def _without_words(story: Story) -> Line:
    line = story.find(WRITTEN)
    line.values["purpose"] = "because"
    return line


PURPOSES: list[tuple[str, Forgery, str]] = [
    ("a watch on a person without a purpose", _never, "purpose_missing"),
    ("a purpose written afterwards", _afterwards, "purpose_missing"),
    ("a purpose of another watch", _for_another, "purpose_missing"),
    ("a watch switched on after its purpose ended", _again, "purpose_missing"),
    ("a watch under another vocabulary", _other_vocabulary, "unknown: kinds"),
    ("a purpose that says nothing", _without_words, "value_invalid: purpose"),
    ("a purpose by a manager", by(WRITTEN, None, "host", "manager", cut=True), "role_missing"),
]
