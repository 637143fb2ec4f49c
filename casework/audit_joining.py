"""Step 10 of the audit of meaning (casework/audit.py): who let whom in, how sign-ins were set, shared devices.

What was set as a password or PIN is in no entry, so the audit says who set what and not what it was. A database
administrator who exchanges a hash leaves no entry at all: that row is not derived from the log (docs/threat-model.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from casework import device_rules, joining_rules, people
from casework.audit_standing import Check, Standing, expect
from ledger.changes import Row
from ledger.entries import SYSTEM, Entry

INVITE = "invite"
"""The door (`via`) of somebody who has only their invite."""


def check_joined(standing: Standing, entry: Entry) -> None:
    """Owners let anybody join; a manager staff only, as nobody's second account."""
    actor, body = entry.actor, entry.body
    if actor.role == people.OWNER or entry.seq == 1:
        return  # entry 1 is the first owner, in the command that opens the log
    staff_only = body["roles"] == [joining_rules.STAFF] and body["same_as"] is None
    expect(
        actor.role == people.MANAGER and staff_only,
        "role_missing",
        f"expected an owner, or a manager for staff only, got {actor.role}",
    )


def check_issued(standing: Standing, entry: Entry) -> None:
    """By somebody who may invite this member; the system's own follow a recovery, or begin the organisation."""
    view, body, actor = standing.view, entry.body, entry.actor
    row = people.employed(view, body["member"], "unknown")
    expect(
        body["until"] > entry.at, "value_invalid", f"until: expected after {entry.at}, got {body['until']}"
    )
    joining_rules.check_how(view, actor.id, body["how"])
    if body["how"] == "recovery":
        expect(
            standing.recovered == (entry.cmd, body["member"]),
            "transition",
            "expected an owner_recovered of this member before it, in the same command",
        )
    expect(
        actor.id != SYSTEM or body["how"] not in joining_rules.HOWS_OF_PEOPLE,
        "role_missing",
        "expected a person to give a link or slip",
    )
    holds = joining_rules.held(view, body["member"], body["member"] in standing.signing_in)
    joining_rules.check_inviter(view, actor.id, actor.role, people.roles(row), holds)


def check_used(standing: Standing, entry: Entry) -> None:
    """By the invited, by way of the invite, the last one they have, once, in time, while its giver could give it."""
    body = entry.body
    expect(
        entry.actor.id == body["member"] and entry.actor.via == INVITE,
        "role_missing",
        "expected the invited member, by way of the invite",
    )
    row = joining_rules.open_invite(standing.view, body["member"], body["invite"], entry.at)
    joining_rules.check_still_given(standing.view, row, body["member"] in standing.signing_in)
    standing.used, standing.chosen = (entry.cmd, row, entry.seq), set()


def check_settled(standing: Standing) -> None:
    """The command that used an invite, `standing.used`, leaves a name, a password or PIN, and no way in from before."""
    assert standing.used is not None
    member, standing.used = str(standing.used[1]["member"]), None
    left = joining_rules.own_ways_in(standing.view, member)
    expect(not left, "invite_closed", f"expected what was set before to end with an invite's use, got {left}")
    chosen = "name" in standing.chosen and len(standing.chosen) > 1
    expect(
        chosen, "invite_closed", "expected a name, and a password or a PIN, to be set with an invite's use"
    )


def check_ended(standing: Standing, entry: Entry) -> None:
    """An invite that waited; by an owner, a manager for staff, or in the command that gives a newer one."""
    view, body, actor = standing.view, entry.body, entry.actor
    row = view.get("invite", (body["member"], body["invite"]))
    expect(
        row is not None and row["state"] == joining_rules.ISSUED, "invite_closed", "expected one that waits"
    )
    if actor.id == SYSTEM:
        newer = standing.recovered == (entry.cmd, body["member"])
        expect(newer, "role_missing", "expected the system to end an invite only for a recovery")
        return
    joining_rules.check_lead(view, actor.id, actor.role, people.roles(_member(standing, body["member"])))


def check_set(standing: Standing, entry: Entry) -> None:
    """By the member, by an owner (a PIN), or in the command that uses an invite, whose kind it names."""
    _check_set(standing, entry)
    if entry.body["method"] != "name":
        standing.signing_in.add(entry.body["member"])


def _check_set(standing: Standing, entry: Entry) -> None:
    body, actor = entry.body, entry.actor
    row = _member(standing, body["member"])
    expect(bool(row["active"]), "member_inactive", f"expected an active member, got {body['member']}")
    if body["by"] == "owner":
        is_pin = body["method"] == "pin" and actor.id != body["member"]
        expect(
            actor.role == people.OWNER and is_pin, "role_missing", "expected an owner to set another's PIN"
        )
        return
    expect(actor.id == body["member"], "role_missing", f"expected {body['member']}, got {actor.id}")
    used: Row | None = None
    if standing.used is not None and standing.used[0] == entry.cmd:
        used = standing.used[1]
    if used is not None:
        standing.chosen.add(body["method"])
    expected = "self" if used is None else joining_rules.setter_of(used)
    expect(body["by"] == expected, "invite_closed", f"by: expected {expected}, got {body['by']}")
    expect(
        actor.via == (people.WEB if used is None else INVITE),
        "session_needed",
        f"expected the member signed in, got {actor.via}",
    )


def check_recovered(standing: Standing, entry: Entry) -> None:
    """An active owner; that the system wrote it is checked with the actor."""
    row = people.employed(standing.view, entry.body["member"], "unknown")
    expect(people.OWNER in people.roles(row), "role_missing", "expected an owner to be let in")
    standing.recovered = (entry.cmd, entry.body["member"])


def check_device(standing: Standing, entry: Entry) -> None:
    """By an owner or a manager; what ends was shared."""
    expect(
        entry.actor.role in device_rules.DEVICE_ROLES,
        "role_missing",
        f"expected the role owner or manager, got {entry.actor.role}",
    )
    if entry.kind == "device_ended":
        row = standing.view.get("device", (entry.body["device"],))
        expect(row is not None and bool(row["active"]), "device_ended", "expected a shared device")


def check_device_act(standing: Standing, entry: Entry) -> None:
    """From a shared device only its few acts come, and an action only from the case's owner; some device is shared."""
    if entry.actor.via != people.DEVICE:
        return
    expect(entry.kind in device_rules.KINDS, "own_device_needed", "expected what a shared device may write")
    shared = any(
        row["active"] and (row["until"] is None or row["until"] > entry.at)
        for row in standing.view.scan("device", ())
    )
    expect(shared, "device_ended", "expected a shared device, got none at that time")
    if entry.kind == "action_taken":
        row = standing.view.get("case_file", (entry.case,))
        owner = None if row is None else row["owner"]
        expect(owner == entry.actor.id, "not_owner", f"expected {owner} on a shared device")


def _member(standing: Standing, member: str) -> Row:
    row = standing.view.get("member", (member,))
    expect(row is not None, "unknown", f"expected a member, got {member}")
    assert row is not None
    return row


CHECKS: Mapping[str, Check] = {
    "member_joined": check_joined,
    "invite_issued": check_issued,
    "invite_used": check_used,
    "invite_ended": check_ended,
    "sign_in_set": check_set,
    "owner_recovered": check_recovered,
    "device_shared": check_device,
    "device_ended": check_device,
}
