"""Forgeries about what systems send: who opened a hook, which key signed, when, how often, and what it is worth."""

# ruff: noqa: E501  (a table reads by its lines: one forgery, one line)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.clock import instant_of, unix_ms_of
from ledger.ed25519 import Ed25519Signer
from ledger.entries import Actor
from tests.casework.forgeries import Forgery
from tests.casework.forging import Line, Story
from tests.casework.systems import RESULT, file_of

SYSTEM = Actor("system", "system", "hook")


def _told(kind: str, nth: int = 0, **body: Any) -> Forgery:
    """An entry says something else; names stand for ids."""

    def forge(story: Story) -> Line:
        line = story.find(kind, nth=nth)
        line.body.update({name: story.named.get(str(value), value) for name, value in body.items()})
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


def _kept(kind: str, path: str, change: Callable[[Any], Any], nth: int = 0) -> Forgery:
    """What the vault holds is another value."""

    def forge(story: Story) -> Line:
        line = story.find(kind, nth=nth)
        line.values[path] = change(line.values[path])
        story.cut(line)
        return line

    return forge


def _moved(nth: int, seconds: int) -> Forgery:
    """A call is said to have been signed at another time; its headers say so too, and nobody has its key."""

    def forge(story: Story) -> Line:
        line = story.find("hook_received", nth=nth)
        line.body["signed_at"] = instant_of(unix_ms_of(line.entry.at) + seconds * 1_000)
        line.values.clear()
        story.cut(line)
        return line

    return forge


def _again(**changed: Any) -> Forgery:
    """A call of the till counts a second time."""

    def forge(story: Story) -> Line:
        first = story.find("hook_received", nth=2)
        line = story.again(first, first)
        line.by("system", "system")
        line.body.update(changed)
        story.cut(line)
        return line

    return forge


def _hub_again(story: Story) -> Line:
    """The same bytes under another id, by a scheme that signs no id."""
    first = story.find("hook_received", hook=story.named["hub"])
    line = story.again(first, first)
    line.body["delivery"] = "0" * 64
    story.cut(line)
    return line


def _after_the_end(kind: str, of: str, **found: Any) -> Forgery:
    """Something comes by what had ended."""

    def forge(story: Story) -> Line:
        end = story.find(of)
        line = story.again(story.find(kind, **found), end)
        line.body.update({name: "0" * 64 for name in ("delivery", "content") if name in line.body})
        if "signed_at" in line.body:
            line.body["signed_at"] = line.entry.at
        story.cut(line)
        return line

    return forge


def _old_key(story: Story) -> Line:
    """The replaced key signs a call an hour later."""
    line = story.find("hook_received", hook=story.named["hub"])
    line.body.update(hook=story.named["till"], key=story.named["first_key"], signed_at=line.entry.at)
    line.values.clear()
    story.cut(line)
    return line


def _imported(source: str) -> Forgery:
    """The system itself is said to have brought records."""

    def forge(story: Story) -> Line:
        last = story.lines[-1]
        body = {"source": source, "count": 1, "refused": 0, "root": "0" * 64}
        return story.add(last, "records_imported", None, body, SYSTEM)

    return forge


def _item(type_name: str, **changed: Any) -> Forgery:
    def forge(story: Story) -> Line:
        line = story.find("evidence_attached", type=type_name, case="sent")
        line.body.update(changed)
        story.cut(line)
        return line

    return forge


def _fact(type_name: str, **changed: Any) -> Forgery:
    def forge(story: Story) -> Line:
        line = story.find("evidence_attached", type=type_name, case="sent")
        line.values["facts"].update(changed)
        story.cut(line)
        return line

    return forge


def _without_its_call(story: Story) -> Line:
    line = story.find("evidence_attached", type="webhook")
    story.lines.remove(story.find("hook_received"))
    story.cut(line)
    return line


def _under_another_call(story: Story) -> Line:
    line = story.find("evidence_attached", type="webhook")
    story.move(line, story.find("hook_received", nth=1))
    story.cut(line)
    return line


def _a_minute_on(story: Story) -> Line:
    """The entry says another time than the headers, one that would do."""
    line = story.find("hook_received", nth=1)
    line.body["signed_at"] = instant_of(unix_ms_of(line.body["signed_at"]) + 60_000)
    story.cut(line)
    return line


def _another_file(story: Story) -> Line:
    """The file says what the facts say, and another key signed it."""
    line = story.find("evidence_attached", type="training_result", case="sent")
    line.values["content"] = file_of(RESULT, Ed25519Signer(bytes(32)))
    story.cut(line)
    return line


def _short_file(story: Story) -> Line:
    line = story.find("evidence_attached", type="training_result", case="sent")
    line.values["content"] = line.values["content"][:-1]
    story.cut(line)
    return line


def _late_file(story: Story) -> Line:
    line = story.find("evidence_attached", type="training_result", case="sent")
    story.move(line, story.find("source_key_ended"))
    story.cut(line)
    return line


SYSTEMS: list[tuple[str, Forgery, str]] = [
    ("a hook opened by a manager", _by("hook_opened", "host", "manager"), "role_missing"),
    ("a hook of no source", _told("hook_opened", source="nowhere"), "expected a registered source"),
    ("a hook signed in a way that is none", _told("hook_opened", scheme="basic"), "reason_unknown"),
    ("a hook's key under another name", _told("hook_opened", key="0" * 64), "expected the fingerprint"),
    ("a key issued by staff", _by("hook_key_issued", "waiter", "staff"), "role_missing"),
    ("a key that ends none before it", _told("hook_key_issued", old=[]), "old: expected"),
    ("a key whose elder goes on for a year", _told("hook_key_issued", old_until="2027-11-20T09:00:00.000Z"), "old_until"),
    ("a key issued again", _told("hook_key_issued", key="first_key"), "expected a key that is new"),
    ("a hook ended by a manager", _by("hook_ended", "host", "manager"), "role_missing"),
    ("a hook ended for no reason", _told("hook_ended", reason_code="bored"), "reason_unknown"),
    ("a call written by an owner", _by("hook_received", "owner", "owner", 1), "expected the system's own job"),
    ("a call whose bytes are others", _kept("hook_received", "body", lambda _: b"other", 1), "signed by the key"),
    ("a call whose headers are others", _kept("hook_received", "headers", lambda told: told | {"webhook-id": "x"}, 1), "signed by the key"),
    ("a call without a header", _kept("hook_received", "headers", lambda _: {}, 1), "expected the header"),
    ("a call signed by another key", _told("hook_received", 2, key="first_key"), "signed by the key"),
    ("a call at another time", _told("hook_received", 1, signed_at="2026-11-20T09:00:00.000Z"), "hook_clock"),
    ("a call signed five minutes and a second ago", _moved(1, -301), "hook_clock"),
    ("a call signed five minutes and a second ahead", _moved(1, 301), "hook_clock"),
    ("a call by a key that had ended", _old_key, "hook_key_ended"),
    ("a call by a key of nobody", _told("hook_received", 1, key="0" * 64), "hook_key_ended"),
    ("a call by no hook", _told("hook_received", 1, hook="nothing"), "expected an open hook"),
    ("a call that counts twice", _again(), "delivery_repeated"),
    ("a call whose id comes with other bytes", _again(content="0" * 64), "delivery_changed"),
    ("the same bytes under another id", _hub_again, "delivery_repeated"),
    ("a call after the end", _after_the_end("hook_received", "hook_ended"), "one that has ended"),
    ("records that nobody brought", _imported("academy"), "expected records that a hook of academy brought"),
    ("what a system said, without its call", _without_its_call, "expected a call of a hook before it"),
    ("what a system said, under another call", _under_another_call, "expected a call of a hook before it"),
    ("a call that says another time than its headers", _a_minute_on, "signed_at: expected"),
    ("what a system said, worth more", _item("webhook", grade="E4"), "expected grade E3"),
    ("what a system said, made by the source alone", _item("webhook", controllers={"party": "source:till"}), "expected grade E3"),
    ("what a system said, signed by another key", _fact("webhook", key="0" * 64), "another key"),
    ("what a system said, longer than its call", _fact("webhook", size_bytes=9_999), "another size_bytes"),
    ("a file made by somebody more", _item("training_result", controllers={"party": "source:till"}), "expected grade E4"),
    ("a file that another key signed", _another_file, "file_unsigned"),
    ("a file that says less", _fact("training_result", score=10_000), "another score"),
    ("a file cut short", _short_file, "file_unsigned"),
    ("a key trusted by a manager", _by("source_key_trusted", "host", "manager"), "role_missing"),
    ("a key trusted under another name", _told("source_key_trusted", key="0" * 64), "key: expected"),
    ("a key of no source", _told("source_key_trusted", source="nowhere"), "expected a registered source"),
    ("a key ended twice", _after_the_end("source_key_ended", "source_key_ended"), "expected a key that is trusted"),
    ("a file after its key ended", _late_file, "file_unsigned"),
]  # fmt: skip
