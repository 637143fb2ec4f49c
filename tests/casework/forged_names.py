"""Names in records that mean somebody else than the record says: one table of forgeries for the audit of meaning."""

from __future__ import annotations

import dataclasses

from tests.casework.forgeries import Forgery, by, told
from tests.casework.forging import Line, Story

SHIFTS = "shifts"
"""The hand-over of routine.named_shifts: the rota names Jürgen (the chef), lee (nobody said who) and 7 (nobody now)."""


def _shown(place: int, person: str, field: str = "person") -> Forgery:
    """The judge was shown another person in a field of one of the shifts."""

    def forge(story: Story) -> Line:
        line = story.find("verdict_given", SHIFTS)
        value = line.values["input"]
        items = sorted(value["evidence"], key=lambda item: str(item["facts"]["id"]))
        who = story.named.get(person, person)
        items[place]["facts"]["fields"][field] = who
        if person in story.named:
            value["people"][who] = {"roles": ["staff"], "same_as": None}
        else:
            items[place].pop("named_by", None)
        story.cut(line)
        return line

    return forge


def _said_by(place: int, *said: str) -> Forgery:
    """The judge was shown that somebody else said whom a name means, or nobody."""

    def forge(story: Story) -> Line:
        line = story.find("verdict_given", SHIFTS)
        items = sorted(line.values["input"]["evidence"], key=lambda item: str(item["facts"]["id"]))
        items[place].pop("named_by", None)
        if said:
            items[place]["named_by"] = {"person": story.named[said[0]]}
        story.cut(line)
        return line

    return forge


def _other_name(story: Story) -> Line:
    """The vault says another name than the record was judged by."""
    line = story.find("account_linked", None, 2)
    assert line.values["name"] == "Jürgen"
    line.values["name"] = "lee"
    verdict = story.find("verdict_given", SHIFTS)
    story.cut(verdict)
    return verdict


def _without_name(story: Story) -> Line:
    """Nothing is committed to: nobody could ever tell which name was meant."""
    line = story.find("account_linked", None, 2)
    line.entry = dataclasses.replace(line.entry, private={})
    line.values.clear()
    story.cut(line)
    return line


def _two_names(story: Story) -> Line:
    """One HMAC that is said to be of two names."""
    line = story.find("account_linked", None, 3)
    line.body["account"] = story.find("account_linked", None, 2).body["account"]
    story.cut(line)
    return line


def _twice_declared(story: Story) -> Line:
    """One name under two HMACs, so that it means two people."""
    line = story.find("account_linked", None, 3)
    line.values["name"] = "Jürgen"
    story.cut(line)
    return line


def _an_id(story: Story) -> Line:
    """A name that is a member's id: what a record says of one member would be another's."""
    line = story.find("account_linked", None, 2)
    line.values["name"] = story.named["cook"]
    story.cut(line)
    return line


def _given_away(story: Story) -> Line:
    """Whoever has the name says that it is somebody else's."""
    first = story.find("account_linked", None, 2)
    line = story.again(first, first)
    line.by(first.body["member"], "manager")
    line.body["member"] = story.named["cook"]
    line.values["name"] = "Jürgen"
    line.entry = dataclasses.replace(line.entry, private=dict(first.entry.private))
    story.cut(line)
    return line


def _own_ended(story: Story) -> Line:
    """By a second account of the person whose it was."""
    line = story.find("account_unlinked", None, 1)
    line.by(story.named["double"], "manager")
    story.cut(line)
    return line


def _nobodys_ended(story: Story) -> Line:
    first = story.find("account_unlinked", None, 1)
    line = story.again(first, first)
    story.cut(line)
    return line


NAMES: list[tuple[str, Forgery, str]] = [
    ("a declared name that the judge was not told of", _shown(0, "Jürgen"), "person in the field person"),
    ("a declared name that means somebody else", _shown(0, "cook"), "person in the field person"),
    ("a member for a name that nobody declared", _shown(1, "cook"), "person in the field person"),
    ("a member for a name that is nobody's any more", _shown(2, "waiter"), "person in the field person"),
    ("a name for another name", _shown(1, "kim"), "person in the field person"),
    ("a name that nobody is shown to have said", _said_by(0), "who said it of the field person"),
    ("a name that somebody else is shown to have said", _said_by(0, "waiter"), "who said it of the field person"),
    ("somebody is shown to have said what nobody did", _said_by(1, "owner"), "who said it of the field person"),
    ("a number as a text", _shown(2, "7"), "person in the field person"),
    ("a member in a field that names nobody", _shown(0, "cook", "cover"), "another facts"),
    ("a name that was another one when it was judged", _other_name, "person in the field person"),
    ("a name without a commitment", _without_name, "name: expected it to be committed to"),
    ("two names under one HMAC", _two_names, "one HMAC for one name"),
    ("one name under two HMACs", _twice_declared, "one HMAC for one name"),
    ("a name that is a member's id", _an_id, "none that is a member's id"),
    ("a name of one's own given to somebody else", _given_away, "second_person_needed"),
    ("a name of one's own ended", _own_ended, "second_person_needed"),
    ("a name ended that nobody has", _nobodys_ended, "unknown"),
    ("a name ended by staff", by("account_unlinked", None, "cook", "staff", cut=True), "role_missing"),
    ("a name ended of another source", told("account_unlinked", None, True, source="nowhere"), "unknown"),
]  # fmt: skip
