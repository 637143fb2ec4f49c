"""Forgeries about check-in points: who set one up, what a check-in there is said to be worth, and taps used again."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

from ledger.entries import Actor
from tests.casework.forgeries import Forgery
from tests.casework.forging import Line, Story

FACTS = "facts"


def _by(kind: str, name: str, role: str) -> Forgery:
    """Somebody else did it."""

    def forge(story: Story) -> Line:
        line = story.find(kind)
        line.by(story.named[name], role)
        story.cut(line)
        return line

    return forge


def _told(kind: str, nth: int = 0, **body: Any) -> Forgery:
    """An entry says something else; names stand for ids."""

    def forge(story: Story) -> Line:
        line = story.find(kind, nth=nth)
        line.body.update({name: story.named.get(value, value) for name, value in body.items()})
        story.cut(line)
        return line

    return forge


def _check_in(nth: int, change: Callable[[Story, Line], None], blind: bool = False) -> Forgery:
    """The nth check-in says something else; `blind`: its facts are erased. Its tap stays beside it."""

    def forge(story: Story) -> Line:
        line = story.find("evidence_attached", nth=nth, type="check_in")
        change(story, line)
        if blind:
            line.values.pop(FACTS)
            line.entry = dataclasses.replace(line.entry, private={})
        last = [one for one in story.lines if one.entry.cmd == line.entry.cmd][-1]
        story.cut(last)
        return line

    return forge


def _body(**given: Any) -> Callable[[Story, Line], None]:
    return lambda story, line: line.body.update(given)


def _fact(**given: Any) -> Callable[[Story, Line], None]:
    return lambda story, line: line.values[FACTS].update({k: story.named.get(v, v) for k, v in given.items()})


def _at_another(name: str) -> Callable[[Story, Line], None]:
    def change(story: Story, line: Line) -> None:
        line.body["controllers"] = {"party": f"system:point:{story.named.get(name, name)}"}

    return change


def _by_tag(story: Story, point: str) -> dict[str, Any]:
    registered = next(
        line for line in story.lines if line.kind == "point_registered" and line.body["method"] == "nfc"
    )
    return {"any": [{"party": f"member:{registered.entry.actor.id}"}, {"party": f"system:point:{point}"}]}


def _at_an_ended(story: Story) -> Line:
    """The tag is registered anew, and a check-in still names the point that ended."""
    line = story.find("evidence_attached", nth=5, type="check_in")
    line.body["controllers"] = _by_tag(story, story.named["the_tag"])
    story.cut(line)
    return line


def _on_a_device(story: Story, line: Line) -> None:
    actor = line.entry.actor
    line.entry = dataclasses.replace(line.entry, actor=Actor(actor.id, actor.role, "device"))
    device = {"device": "0" * 32, "secret_digest": "0" * 64, "until": None}
    host = Actor(story.named["host"], "manager", "http")
    story.add(story.lines[story.lines.index(line) - 1], "device_shared", None, device, host)


def _by_the_system(story: Story, line: Line) -> None:
    line.by("system", "system")
    line.body["submitter"] = "system"


def _without(kind: str) -> Forgery:
    """The first tap's check-in without its tap, or the tap without its check-in."""

    def forge(story: Story) -> Line:
        item = story.find("evidence_attached", type="check_in")
        tapped = story.find("point_tapped")
        gone, left = (tapped, item) if kind == "point_tapped" else (item, tapped)
        story.lines.remove(gone)
        story.cut(left)
        return left

    return forge


def _tap(nth: int, counter: int) -> Forgery:
    """The nth tap has another counter, and its facts say so too."""

    def forge(story: Story) -> Line:
        line = story.find("point_tapped", nth=nth)
        item = next(
            one for one in story.lines if one.entry.cmd == line.entry.cmd and one.kind == "evidence_attached"
        )
        item.values[FACTS]["counter"] = counter
        line.body["counter"] = counter
        story.cut(line)
        return line

    return forge


def _tap_told(**body: Any) -> Forgery:
    return _told("point_tapped", **body)


def _tapped_by_another(story: Story) -> Line:
    line = story.find("point_tapped")
    line.by(story.named["clerk"])
    story.cut(line)
    return line


def _twice(story: Story) -> Line:
    """The same tap, with another check-in in a command of its own."""
    item, tapped = story.find("evidence_attached", type="check_in"), story.find("point_tapped")
    again = story.again(item, tapped)
    again.body["evidence"] = "0" * 32
    again.values = copy.deepcopy(item.values)
    again.entry = dataclasses.replace(again.entry, private=dict(item.entry.private))
    line = story.again(tapped, again)
    line.entry = dataclasses.replace(line.entry, cmd=again.entry.cmd)
    story.cut(line)
    return line


def _still_there(story: Story) -> Line:
    """A tag is registered anew, and nothing says that the doubted point ended."""
    line = story.find("point_registered", point=story.named["anew"])
    story.lines.remove(story.find("point_ended", point=story.named["the_tag"]))
    story.cut(line)
    return line


def _registered_twice(story: Story) -> Line:
    line = story.again(story.find("point_registered", nth=1), story.find("point_ended", nth=1))
    story.cut(line)
    return line


def _after_its_end(kind: str) -> Forgery:
    def forge(story: Story) -> Line:
        ended = story.find("point_ended", point=story.named["the_screen"])
        body = {"point": story.named["the_screen"]}
        body |= {"reason_code": "lost"} if kind == "point_ended" else {}
        line = story.add(ended, kind, None, body, ended.entry.actor)
        story.cut(line)
        return line

    return forge


LATE = "2026-11-19T00:00:00.000Z"
POINTS: list[tuple[str, Forgery, str]] = [
    # 11. places
    ("a point registered by staff", _by("point_registered", "cook", "staff"), "role_missing"),
    ("a point registered by an agent", _by("point_registered", "agent", "agent"), "agent_may_not"),
    ("a point ended by staff", _by("point_ended", "cook", "staff"), "role_missing"),
    ("a point doubted by an agent", _by("point_doubted", "agent", "agent"), "agent_may_not"),
    ("a point of no known way", _told("point_registered", method="gps"), "reason_unknown"),
    ("a tag without a UID", _told("point_registered", uid=None), "uid"),
    ("a screen with a UID", _told("point_registered", 1, uid="04de5f1eacc041"), "uid"),
    ("a second point of one place and way", _told("point_registered", 2, place="bar", method="screen"), "same tag or"),
    ("a second point of one tag", _still_there, "same tag or place, to end"),
    ("a point registered twice", _registered_twice, "registered once"),
    ("a point ended for no known reason", _told("point_ended", reason_code="tired"), "reason_unknown"),
    ("a point ended that never was", _told("point_ended", point="0" * 32), "point_unknown"),
    ("a point ended twice", _after_its_end("point_ended"), "point_unknown"),
    ("a point doubted after its end", _after_its_end("point_doubted"), "point_unknown"),
    ("a check-in worth more than its screen", _check_in(2, _body(grade="E4")), "screen point: E3, got E4"),
    ("a check-in worth more than its paper", _check_in(3, _body(grade="E3")), "printed point: E1, got E3"),
    ("a late tap worth as much as one at once", _check_in(1, _body(grade="E4")), "nfc point: E3, got E4"),
    ("a tap at a doubted point", _check_in(4, _body(grade="E4")), "doubted nfc point: E1, got E4"),
    ("the same, its facts erased", _check_in(4, _body(grade="E4"), True), "doubted nfc point: E1, got E4"),
    ("paper worth more, its facts erased", _check_in(3, _body(grade="E3"), True), "worth E1, by the member"),
    ("a screen worth more, its facts erased", _check_in(2, _body(grade="E4"), True), "screen point: E3, got E4"),
    ("a check-in at paper as if it were a place", _check_in(3, _at_another("the_paper")), "printed point"),
    ("a check-in at no point", _check_in(2, _at_another("0" * 32)), "point_unknown"),
    ("a check-in at a point that has ended", _at_an_ended, "point_unknown"),
    ("a check-in at another point than it says", _check_in(2, _fact(point="the_paper")), "facts.*point"),
    ("a check-in at another place", _check_in(2, _fact(place="bar-2")), "facts.*place"),
    ("a check-in by another way", _check_in(2, _fact(method="nfc")), "facts.*method"),
    ("a check-in of somebody else", _check_in(2, _fact(member="waiter")), "facts.*member"),
    ("a check-in at another time", _check_in(2, _fact(at=LATE)), "facts.*at"),
    ("a check-in by a code of yesterday", _check_in(2, _fact(nonce_issued_at=LATE)), "code_expired"),
    ("a check-in by a code issued at no time", _check_in(2, _fact(nonce_issued_at=None)), "nonce_issued_at"),
    ("a tap that counts nothing", _check_in(0, _fact(counter=None)), "facts.*counter"),
    ("a tap that waited too long", _check_in(1, _fact(at=LATE)), "code_expired"),
    ("a code on paper at a shared device", _check_in(3, _on_a_device), "own_device_needed"),
    ("a check-in by the system", _check_in(2, _by_the_system), "agent_may_not"),
    ("a check-in without its tap", _without("point_tapped"), "expected point_tapped in the same command"),
    ("a tap without its check-in", _without("evidence_attached"), "expected a check-in at this point"),
    ("a tap used twice", _twice, "tap_replayed.*above 4, got 4"),
    ("a tap out of order", _tap(1, 3), "tap_replayed.*above 4, got 3"),
    ("an old tap of a tag registered anew", _tap(3, 5), "tap_replayed.*above 7, got 5"),
    ("a tap that is not the check-in's", _tap_told(counter=99), "counter: expected 4"),
    ("a tap of another point", _tap_told(point="the_screen"), "expected a check-in at this point"),
    ("a tap by another member", _tapped_by_another, "expected a check-in at this point"),
]  # fmt: skip
