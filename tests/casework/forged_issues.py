"""What a judge of service issues, version 2, is shown, told differently: each changes the input of one verdict.

Over the history of issues.py: `named` by a declared name, `another` by a colleague's, `nobody` by one that means
nobody, `back` was reported again before it was judged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.casework.forging import Line, Story, fit_output

Change = Callable[[Story, dict[str, Any]], None]


def forged(story: Story, case: str, change: Change) -> Line:
    """Let the judge be shown something else, and the entry say what it says then; end the history there."""
    line = story.find("verdict_given", case)

    def lie(body: dict[str, Any]) -> None:
        change(story, line.values["input"])
        fit_output(line)

    line.lie = lie
    story.cut(line)
    return line


def _done_by(who: str, field: str = "done_by") -> Change:
    def change(story: Story, value: dict[str, Any]) -> None:
        shown = next(one for one in value["evidence"] if one["facts"].get("kind") == "complaint")
        shown["facts"]["fields"][field] = story.named.get(who, who)
        if who in story.named:
            value["people"].setdefault(story.named[who], {"roles": ["staff"], "same_as": None})

    return change


def _without(type_: str, kind: str | None = None) -> Change:
    def change(story: Story, value: dict[str, Any]) -> None:
        kept = [
            one for one in value["evidence"] if (one["type"], one["facts"].get("kind", kind)) != (type_, kind)
        ]
        assert len(kept) < len(value["evidence"])
        value["evidence"] = kept

    return change


def _person(who: str, **said: Any) -> Change:
    def change(story: Story, value: dict[str, Any]) -> None:
        told = {
            name: story.named.get(one, one) if isinstance(one, str) else one for name, one in said.items()
        }
        member = story.named.get(who, who)
        value["people"][member] = {
            "roles": ["staff"],
            "same_as": None,
            **value["people"].get(member, {}),
            **told,
        }

    return change


def _award(**said: Any) -> Change:
    def change(story: Story, value: dict[str, Any]) -> None:
        value["prior"]["awards"][0].update(said)

    return change


def _opening(**said: Any) -> Change:
    def change(story: Story, value: dict[str, Any]) -> None:
        value["prior"]["reopened"][0].update(said)

    return change


def _prior(**said: Any) -> Change:
    def change(story: Story, value: dict[str, Any]) -> None:
        value["prior"].update(said)

    return change


def _twice(part: str) -> Change:
    def change(story: Story, value: dict[str, Any]) -> None:
        value["prior"][part].append(dict(value["prior"][part][0]))

    return change


def _facts(**said: Any) -> Change:
    def change(story: Story, value: dict[str, Any]) -> None:
        value["facts"].update(said)

    return change


def _bystander_owns(story: Story, value: dict[str, Any]) -> None:
    value["facts"]["owner"] = story.named["cook"]
    value["people"][story.named["cook"]] = {"roles": ["staff"], "same_as": None}


def _without_cook(story: Story, value: dict[str, Any]) -> None:
    del value["people"][story.named["cook"]]


def _never_was(story: Story, value: dict[str, Any]) -> None:
    value["prior"]["awards"].append({**value["prior"]["awards"][0], "award": "none"})


NO_GUEST = {"kind": "complaint", "id": "named", "customer": None}
OTHER = {"kind": "complaint", "id": "another", "customer": None}
LATER = "2027-06-01T00:00:00.000Z"

ISSUES: list[tuple[str, str, Change, str]] = [
    ("the work of a colleague as one's own", "another", _done_by("waiter"), "person in the field done_by"),
    ("the name of a colleague left as it stood", "another", _done_by("Jürgen"), "person in the field done_by"),
    ("a member for a name that nobody declared", "nobody", _done_by("waiter"), "person in the field done_by"),
    ("one's own name left as it stood", "named", _done_by("kelly"), "person in the field done_by"),
    ("somebody else than a name means", "named", _done_by("owner"), "person in the field done_by"),
    ("a member in a field that names nobody", "named", _done_by("owner", "table"), "another facts"),
    ("a colleague who is nobody", "another", _without_cook, "another member"),
    ("a colleague who is oneself", "another", _person("cook", same_as="waiter"), "another member"),
    ("a name that is somebody of itself", "nobody", _person("lee", same_as="waiter"), "another member"),
    ("an approver who is a digital employee", "named", _person("owner", roles=["agent"]), "another member"),
    ("the record that knew the guest left out", "named", _without("system_record", "bill"), "evidence that stood"),
    ("the record of a colleague left out", "another", _without("system_record", "complaint"), "evidence that stood"),
    ("the guest's answer left out", "named", _without("customer_confirmation"), "evidence that stood"),
    ("the guest's answer for nobody", "named", _facts(subject=NO_GUEST), "another subject"),
    ("a bystander as owner", "named", _bystander_owns, "another owner"),
    ("another cause", "named", _facts(playbook={"id": "other", "digest": "00" * 32}), "another playbook"),
    ("something it was opened for", "named", _facts(expected={"task": "soup"}), "what the case was opened for"),
    ("the return of it left out", "back", _prior(reopened=[]), "was opened at .*, got nothing"),
    ("its return after the window", "back", _opening(at=LATER), "was opened at .*, got nothing"),
    ("its return as another matter", "back", _opening(subject=OTHER), "another subject or playbook"),
    ("its return for another cause", "back", _opening(playbook="other"), "another subject or playbook"),
    ("a return twice", "back", _twice("reopened"), "openings on record"),
    ("an earlier award left out", "another", _prior(awards=[]), "award .* of a related case, got none"),
    ("an earlier award that is said to be taken back", "another", _award(state="revoked"), "got another state"),
    ("an earlier award long ago", "another", _award(at="2020-01-01T00:00:00.000Z"), "got another at"),
    ("an earlier award of another kind", "another", _award(kind="training"), "got another kind"),
    ("an earlier award of another matter", "another", _award(subject=OTHER), "got another subject"),
    ("an earlier award of another case", "another", _award(case="another"), "got another case"),
    ("an earlier award for nobody", "another", _award(beneficiaries=[]), "for .*, got"),
    ("an earlier award twice", "another", _twice("awards"), "each award once"),
    ("an award that never was", "nobody", _never_was, "awards of related cases on record"),
]  # fmt: skip
