"""Forgeries about anchors: who opened or ended one, and what is said to be held."""

from __future__ import annotations

from typing import Any

from ledger.entries import Actor
from tests.casework.anchors import CHAIN, EVM_RECEIPT, STAMPED
from tests.casework.forgeries import Forgery
from tests.casework.forging import Line, Story

OPENED, HELD, SUPERSEDED, CLOSED = (
    "anchor_opened",
    "checkpoint_anchored",
    "anchor_superseded",
    "anchor_closed",
)
SYSTEM = Actor("system", "system", "job")


def _told(kind: str, nth: int = 0, **body: Any) -> Forgery:
    """An entry says something else; names stand for ids."""

    def forge(story: Story) -> Line:
        line = story.find(kind, nth=nth)
        said = {
            name: story.named.get(value, value) if isinstance(value, str) else value
            for name, value in body.items()
        }
        line.lie = lambda told: told.update(said)
        story.cut(line)
        return line

    return forge


def _by(kind: str, name: str, role: str, nth: int = 0) -> Forgery:
    def forge(story: Story) -> Line:
        line = story.find(kind, nth=nth)
        line.by(story.named.get(name, name), role)
        story.cut(line)
        return line

    return forge


def _sized(nth: int, by: int) -> Forgery:
    """What is held has another size than its root."""

    def forge(story: Story) -> Line:
        line = story.find(HELD, nth=nth)
        line.lie = lambda told: told.update(size=told["size"] + by)
        story.cut(line)
        return line

    return forge


def _again(end: str, what: str) -> Forgery:
    """Something of an anchor after its end."""

    def forge(story: Story) -> Line:
        last = story.find(end)
        first = story.find(what)
        line = story.add(
            last,
            what,
            None,
            {**first.body, "anchor": last.body["anchor"]},
            SYSTEM if what == HELD else first.entry.actor,
        )
        story.cut(line)
        return line

    return forge


ANCHORS: list[tuple[str, Forgery, str]] = [
    ("an anchor opened by a manager", _by(OPENED, "host", "manager"), "role_missing"),
    ("an anchor opened by the system", _by(OPENED, "system", "system"), "agent_may_not"),
    ("an anchor of no type", _told(OPENED, type="blockchain"), "reason_unknown"),
    ("an anchor in no place", _told(OPENED, place={}), "place of evm: expected"),
    (
        "an anchor with more to its place",
        _told(OPENED, place={**CHAIN, "secret": "x"}),
        "place of evm: expected",
    ),
    ("an anchor of an id that is none", _told(OPENED, anchor="one"), "expected a UUID"),
    ("an anchor opened twice", _told(OPENED, 1, anchor="chain"), "anchor_known"),
    ("a checkpoint held, written by an owner", _by(HELD, "owner", "owner"), "expected the system's own job"),
    (
        "a checkpoint held by no anchor",
        _told(HELD, anchor="01a1f866-0d00-7944-b5ab-9b1aa0731dd9"),
        "expected an anchor",
    ),
    ("a checkpoint of another root", _told(HELD, root="11" * 32), "root: expected"),
    ("a checkpoint of a larger size than its root", _sized(0, 1), "root: expected"),
    ("a checkpoint of a smaller size than its root", _sized(0, -1), "root: expected"),
    ("a checkpoint of the future", _sized(0, 100_000), "no such size"),
    ("a checkpoint of size 0", _told(HELD, size=0), "anchor_not_newer"),
    ("a checkpoint older than the one before", _told(HELD, 2, size=1), "anchor_not_newer"),
    (
        "a checkpoint with the receipt of another type",
        _told(HELD, receipt=STAMPED),
        "receipt of evm: expected",
    ),
    ("a checkpoint with an empty receipt", _told(HELD, receipt={}), "receipt of evm: expected"),
    ("a checkpoint held after the anchor was superseded", _again(SUPERSEDED, HELD), "anchor_over"),
    ("a checkpoint held after the anchor was closed", _again(CLOSED, HELD), "anchor_over"),
    ("an anchor superseded by a manager", _by(SUPERSEDED, "host", "manager"), "role_missing"),
    ("an anchor superseded by itself", _told(SUPERSEDED, by="chain"), "expected another anchor"),
    (
        "an anchor superseded by none",
        _told(SUPERSEDED, by="01a1f866-0d00-7944-b5ab-9b1aa0731dd9"),
        "expected an anchor",
    ),
    ("an anchor superseded for no reason", _told(SUPERSEDED, reason="bored"), "reason_unknown"),
    (
        "an anchor superseded with another's receipt",
        _told(SUPERSEDED, receipt=STAMPED),
        "receipt of evm: expected",
    ),
    ("an anchor superseded twice", _again(SUPERSEDED, SUPERSEDED), "anchor_over"),
    (
        "a witness superseded with a chain's receipt",
        _told(SUPERSEDED, anchor="witness", by="stamps", receipt=EVM_RECEIPT),
        "expected none of a witness",
    ),
    ("an anchor closed by staff", _by(CLOSED, "waiter", "staff"), "role_missing"),
    ("an anchor closed for no reason", _told(CLOSED, reason="bored"), "reason_unknown"),
    ("an anchor closed twice", _again(CLOSED, CLOSED), "anchor_over"),
    ("a superseded anchor closed", _told(CLOSED, anchor="chain"), "anchor_over"),
]
"""Name, forgery, and what the finding says."""
