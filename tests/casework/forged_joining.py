"""Forgeries about joining and shared devices, beside forgeries.py: who let whom in, and what a shared device wrote."""

from __future__ import annotations

import dataclasses
from typing import Any

from ledger.entries import Actor
from tests.casework.forgeries import Forgery
from tests.casework.forging import Line, Story


def _by(kind: str, name: str, role: str, nth: int = 0) -> Forgery:
    """Somebody else did it."""

    def forge(story: Story) -> Line:
        line = story.find(kind, None, nth)
        line.by(story.named.get(name, name), role)
        story.cut(line)
        return line

    return forge


def _used_unissued(story: Story) -> Line:
    """The invite that was used never was given."""
    line = story.find("invite_used", member=story.named["chi"])
    issued = story.find("invite_issued", invite=line.body["invite"])
    story.lines.remove(issued)
    story.cut(line)
    return line


def _used_twice(story: Story) -> Line:
    first = story.find("invite_used", member=story.named["chi"])
    last = [one for one in story.lines if one.entry.cmd == first.entry.cmd][-1]
    line = story.again(first, last)
    line.by(story.named["chi"])
    story.cut(line)
    return line


def _older_used(story: Story) -> Line:
    """The slip that was replaced is used all the same, and nothing says that it had ended."""
    line = story.find("invite_used", member=story.named["chi"])
    first = story.find("invite_issued", member=story.named["chi"])
    line.body["invite"] = first.body["invite"]
    story.lines.remove(story.find("invite_ended", member=story.named["chi"]))
    story.cut(line)
    return line


def _before_use(member: str, kind: str, roles: list[str]) -> Forgery:
    """Roles change between Chi's last slip, which a manager gave, and its use."""

    def forge(story: Story) -> Line:
        line = story.find("invite_used", member=story.named["chi"])
        before = story.lines[story.lines.index(line) - 1]
        body = {"member": story.named[member], "role": "manager", "roles": roles}
        story.add(before, kind, None, body, Actor(story.named["owner"], "owner", "http"))
        story.cut(line)
        return line

    return forge


def _for_a_pin(story: Story) -> Line:
    """A manager invites somebody who works with a PIN by now, though no invite of theirs was ever used."""
    used = story.find("invite_used", member=story.named["chi"])
    story.lines.remove(used)
    owners = story.find("sign_in_set", member=story.named["chi"], by="owner")
    chi = [
        one for one in story.lines if one.kind == "sign_in_set" and one.body["member"] == story.named["chi"]
    ]
    for one in chi:
        if one is not owners:
            story.lines.remove(one)
    line = story.again(story.find("invite_issued", member=story.named["chi"]), owners)
    line.body.update(invite="0" * 32, token_digest="0" * 64)
    story.cut(line)
    return line


def _invite(by: tuple[str, str] | None = None, nth: int = 0, **body: Any) -> Forgery:
    """The first slip for Chi says something else, or comes from somebody else."""

    def forge(story: Story) -> Line:
        line = story.find("invite_issued", nth=nth, how="slip")
        line.body.update({name: story.named.get(value, value) for name, value in body.items()})
        if by is not None:
            line.by(story.named.get(by[0], by[0]), by[1])
        story.cut(line)
        return line

    return forge


def _joined_by_a_manager(story: Story) -> Line:
    line = story.find("member_joined", member=story.named["chi"])
    line.body["roles"] = ["manager"]
    story.cut(line)
    return line


def _sign_in(method: str, by: str, name: str, role: str, via: str = "http") -> Forgery:
    """Another sign-in is set after Chi's own."""

    def forge(story: Story) -> Line:
        first = story.find("sign_in_set", member=story.named["chi"], by="self")
        line = story.again(first, first)
        line.body.update(method=method, by=by)
        line.entry = dataclasses.replace(line.entry, actor=Actor(story.named[name], role, via))
        story.cut(line)
        return line

    return forge


def _left_behind(kind: str) -> Forgery:
    """The owner comes in by an invite, and a way in that was added before goes on."""

    def forge(story: Story) -> Line:
        used = story.find("invite_used", member=story.named["owner"])
        owner, before = story.named["owner"], story.lines[story.lines.index(used) - 1]
        body: dict[str, Any] = {"key": "0" * 32, "member": owner, "secret_digest": "0" * 64, "until": None}
        if kind == "passkey_enrolled":
            body = {"passkey": "0" * 32, "member": owner, "credential": "AAAA", "spki": "AAAA", "alg": -7}
            body |= {"rp_id": "localhost", "origins": ["http://localhost"]}
        story.add(before, kind, None, body, Actor(owner, "owner", "web"))
        story.cut(used)
        return used

    return forge


def _nothing_chosen(story: Story) -> Line:
    """An invite is used, and nobody signs in by it."""
    line = story.find("invite_used", member=story.named["chi"])
    story.cut(line)
    return line


def _added_after(story: Story) -> Line:
    """The command that uses an invite adds a passkey at its end."""
    used = story.find("invite_used", member=story.named["owner"])
    last = [one for one in story.lines if one.entry.cmd == used.entry.cmd][-1]
    owner = story.named["owner"]
    body = {"passkey": "0" * 32, "member": owner, "credential": "AAAA", "spki": "AAAA", "alg": -7}
    body |= {"rp_id": "localhost", "origins": ["http://localhost"]}
    line = story.add(last, "passkey_enrolled", None, body, Actor(owner, "owner", "web"))
    line.entry = dataclasses.replace(line.entry, cmd=used.entry.cmd)
    story.cut(line)
    return used


def _first_key_by(via: str) -> Forgery:
    """The system's first key, said to come in by another door than that of whoever runs the server."""

    def forge(story: Story) -> Line:
        owner = story.named["owner"]
        used = story.find("sign_in_set", member=owner, method="password")
        key = {"key": "1" * 32, "member": owner, "secret_digest": "1" * 64, "until": None}
        line = story.add(used, "api_key_issued", None, key, Actor("system", "system", via))
        story.cut(line)
        return line

    return forge


def _key_by_the_system(story: Story) -> Line:
    """Whoever runs the server issues a second key, long after the first."""
    owner = story.named["owner"]
    used = story.find("sign_in_set", member=owner, method="password")
    key = {"key": "1" * 32, "member": owner, "secret_digest": "1" * 64, "until": None}
    first = story.add(used, "api_key_issued", None, key, Actor(owner, "owner", "web"))
    line = story.again(first, first)
    line.body.update(key="2" * 32, secret_digest="2" * 64)
    line.by("system", "system")
    story.cut(line)
    return line


def _passkey_by(via: str) -> Forgery:
    def forge(story: Story) -> Line:
        owner = story.named["owner"]
        after = story.find("sign_in_set", member=owner, method="password")
        body = {"passkey": "0" * 32, "member": owner, "credential": "AAAA", "spki": "AAAA", "alg": -7}
        body |= {"rp_id": "localhost", "origins": ["http://localhost"]}
        line = story.add(after, "passkey_enrolled", None, body, Actor(owner, "owner", via))
        story.cut(line)
        return line

    return forge


def _recovered_without(story: Story) -> Line:
    """The system's invite for an owner, and nothing that says so."""
    line = story.find("invite_issued", how="recovery")
    story.lines.remove(story.find("owner_recovered"))
    story.cut(line)
    return line


def _on_a_device(kind: str, case: str) -> Forgery:
    def forge(story: Story) -> Line:
        line = story.find(kind, case)
        line.entry = dataclasses.replace(
            line.entry, actor=Actor(line.entry.actor.id, line.entry.actor.role, "device")
        )
        story.cut(line)
        return line

    return forge


def _in_hand_for_ever(story: Story) -> Line:
    line = story.find("acknowledged", "plain")
    line.body["until"] = "2027-11-20T10:00:00.000Z"
    story.cut(line)
    return line


JOINING: list[tuple[str, Forgery, str]] = [
    # 9. joining
    ("an invite used that nobody gave", _used_unissued, "invite_closed"),
    ("an older invite used", _older_used, "invite_closed"),
    ("an invite used twice", _used_twice, "invite_closed"),
    ("an invite used after a promotion", _before_use("chi", "role_granted", ["manager", "staff"]), "invite_closed"),
    ("an invite used after its giver's fall", _before_use("host", "role_ended", ["staff"]), "invite_closed"),
    ("an invite by a manager for staff with a PIN", _for_a_pin, "no_authority"),
    ("an invite used by another member", _by("invite_used", "waiter", "staff", 1), "role_missing"),
    ("an invite by staff", _invite(by=("waiter", "staff")), "role_missing"),
    ("an invite by an agent", _invite(by=("agent", "agent")), "agent_may_not"),
    ("an invite by a manager for a manager", _invite(member="junior"), "role_missing"),
    ("an invite by a manager for staff with a power", _invite(member="clerk"), "no_authority"),
    ("an invite for an agent", _invite(member="agent"), "unknown"),
    ("a slip by the system", _invite(by=("system", "system")), "role_missing"),
    ("a second first invite", _invite(by=("system", "system"), how="first_run"), "transition"),
    ("an invite by no known way", _invite(how="rumour"), "reason_unknown"),
    ("a manager let in by a manager", _joined_by_a_manager, "role_missing"),
    ("an owner's way in set by another owner", _sign_in("password", "owner", "owner", "owner"), "role_missing"),
    ("a PIN set by a manager", _sign_in("pin", "owner", "host", "manager"), "role_missing"),
    ("a sign-in set by another member", _sign_in("password", "self", "waiter", "staff"), "role_missing"),
    ("a sign-in by an invite that was not used", _sign_in("password", "invite", "chi", "staff"), "invite_closed"),
    ("a sign-in set on a shared device", _sign_in("password", "self", "chi", "staff", "device"), "own_device"),
    ("a sign-in set with an API key", _sign_in("password", "self", "chi", "staff"), "session_needed"),
    ("a sign-in set by a link", _sign_in("password", "self", "chi", "staff", "link"), "session_needed"),
    ("an invite used for nothing", _nothing_chosen, "expected a name, and a password"),
    ("a passkey added as an invite is used", _added_after, "invite_closed.*passkey"),
    ("a passkey enrolled with an API key", _passkey_by("http"), "session_needed"),
    ("a passkey enrolled by a link", _passkey_by("link"), "session_needed"),
    ("a second key by the system", _key_by_the_system, "role_missing.*first one"),
    ("the first key by a job", _first_key_by("job"), "role_missing.*runs the server"),
    ("a passkey that outlives an invite's use", _left_behind("passkey_enrolled"), "invite_closed.*passkey"),
    ("a key that outlives an invite's use", _left_behind("api_key_issued"), "invite_closed.*api_key"),
    ("a recovery that is not told", _recovered_without, "transition"),
    ("an owner let in by themselves", _by("owner_recovered", "owner", "owner"), "agent_may_not"),
    ("a device shared by staff", _by("device_shared", "waiter", "staff"), "role_missing"),
    ("a decision on a shared device", _on_a_device("decision_made", "plain"), "own_device_needed"),
    ("work in hand for ever", _in_hand_for_ever, "until: expected .* at the latest"),
    ("work taken on at a device that is shared no more", _on_a_device("acknowledged", "plain"), "device_ended"),
]  # fmt: skip
