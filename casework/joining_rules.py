"""Rules of joining: who may invite whom, what an invite does when it is used, how an owner gets in again.

Owners invite anybody. Managers invite staff who hold no power to decide and have no way in yet: an invite lets
whoever holds it choose how that member signs in, so for everybody else it is the owner's to give, and on record.
An invite is worth what its giver may give when it is used: it does not outlive a promotion of the invited, nor the
role or the job of the giver. Who comes in by one has the ways in that they choose there and those that an owner gave
them: whoever was in their place before may have added others.
Hashes are rows of the command (table `sign_in`, a vault table of the doors); entries say only what was set, by whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from casework import passkeys, people
from casework.errors import refuse
from casework.joining_requests import Chosen, EndInvite, Invite, InviteAll, RecoverOwner, SetSignIn, UseInvite
from casework.requests import Asked
from ledger.changes import Change, Delete, Insert, Row
from ledger.commands import Command, Decided, View
from ledger.entries import SYSTEM, Draft
from ledger.errors import Refused

HOWS = ("link", "slip", "first_run", "recovery")
HOWS_OF_PEOPLE = ("link", "slip")
END_REASONS = ("replaced", "withdrawn")
METHODS = ("name", "password", "pin")
SETTERS = ("invite", "self", "owner", "recovery")
ISSUED = "issued"
STAFF = "staff"
HANDS_MAX = 500
"""People on one list; two entries each, and a command writes at most 1,000."""


# ---------------------------------------------------------------------------------------------- inviting
def invited(view: View, command: Command, at: str) -> Decided:
    """Rule of invite: joining first where a name is given. `known`: token_digest, until.

    Raises:
        Refused: role_missing, unknown, value_invalid, no_authority.
    """
    asked: Asked = command.data
    request: Invite = asked.request
    check_how(view, asked.who.id, request.how)
    if (request.member is None) == (request.name is None) or (request.member and request.roles):
        raise refuse("value_invalid", "expected either a member, or a name and roles", "/member")
    drafts: list[Draft] = []
    member = request.member
    if member is None:
        member = asked.ids["member"]
        drafts.append(joins(asked, member, request.roles, asked.private.commitments, asked.private.opened))
        check_inviter(view, asked.who.id, asked.who.role, sorted(request.roles), None)
    else:
        row = people.employed(view, member, "unknown", "/member")
        if member == asked.who.id:
            people.signed_in(asked.who)
        holds = held(view, member, signs_in(view.get("sign_in", (member,))))
        check_inviter(view, asked.who.id, asked.who.role, people.roles(row), holds)
    return _issued(view, asked, member, drafts, request.how)


def _issued(
    view: View, asked: Asked, member: str, drafts: list[Draft], how: str, rows: Iterable[Change] = ()
) -> Decided:
    invite = asked.ids["invite"]
    drafts.append(_invite(invite, member, asked.known["token_digest"], asked.known["until"], how))
    drafts += _replaced(view.scan("invite", (member,)) if asked.ids.get("member") != member else ())
    return Decided(tuple(drafts), (*asked.private.rows, *rows), {"member": member, "invite": invite})


def _signed_out(view: View, member: str, but: str | None = None) -> list[Change]:
    """End every session of a member but one, and an act granted for a PIN; the needs name all of `session`, so none
    that opens just now is missed."""
    ending = [row for row in view.scan("session", ()) if row["member"] == member and row["session"] != but]
    return [Delete("act", (member,)), *(Delete("session", (row["session"],)) for row in ending)]


def joins(
    asked: Asked,
    member: str,
    roles: Iterable[str],
    private: Mapping[str, str],
    opened: Mapping[str, Any] | None,
) -> Draft:
    """Return the entry of somebody who joins; who may let them is check_inviter's to say.

    Raises:
        Refused: value_invalid (no role, or none of a person).
    """
    unknown = sorted(set(roles) - set(people.ROLES))
    if unknown or not list(roles):
        got = unknown or "none"
        raise refuse("value_invalid", f"roles: expected of {', '.join(people.ROLES)}, got {got}", "/roles")
    body = {"member": member, "roles": sorted(set(roles)), "same_as": None}
    return Draft("member_joined", None, body, private, opened)


def _invite(invite: str, member: str, token_digest: str, until: str, how: str) -> Draft:
    body = {"invite": invite, "member": member, "token_digest": token_digest, "until": until, "how": how}
    return Draft("invite_issued", None, body)


def _replaced(before: Iterable[Row]) -> list[Draft]:
    return [
        Draft(
            "invite_ended",
            None,
            {"invite": row["invite"], "member": row["member"], "reason_code": "replaced"},
        )
        for row in before
        if row["state"] == ISSUED
    ]


def check_how(view: View, who: str, how: str) -> None:
    """Check the kind of an invite: people give links and slips, the system the very first one and recoveries.

    Raises:
        Refused: value_invalid, transition (the first one was given already).
    """
    allowed = HOWS_OF_PEOPLE if who != SYSTEM else HOWS
    if how not in allowed:
        raise refuse("value_invalid", f"how: expected one of {', '.join(allowed)}, got {how}", "/how")
    if how == "first_run" and view.scan("invite", ()):
        raise refuse("transition", "expected an organisation that nobody was invited to yet")


def check_inviter(view: View, who: str, role: str, roles: list[str], holds: str | None) -> None:
    """Check that somebody in `role` may invite a member of these roles who holds what `held` says.

    Raises:
        Refused: role_missing, no_authority, member_inactive, agent_may_not.
    """
    if who == SYSTEM:
        if people.OWNER not in roles:
            raise refuse("role_missing", f"expected an owner to be let in, got {', '.join(roles)}")
        return
    check_lead(view, who, role, roles)
    if role != people.OWNER and holds is not None:
        raise refuse("no_authority", f"expected staff {holds}; an owner invites them")


def held(view: View, member: str, signs_in: bool) -> str | None:
    """Return which expectation of somebody whom a manager may invite a member breaks; None: none.

    Rows that the needs must name: invite and authority of the member, all of member, api_key and passkey.
    """
    if len(people.accounts(view, member)) > 1:
        return "who have no other account"
    used = any(row["state"] == "used" for row in view.scan("invite", (member,)))
    if used or signs_in or any(_of(view, member, "passkey", "state", passkeys.ENDED)):
        return "who have not signed in yet"
    if any(_of(view, member, "api_key", "active", 0)):
        return "who work without a key"
    if any(row["active"] for row in view.scan("authority", (member,))):
        return "without a power to decide"
    return None


def _of(view: View, member: str, table: str, column: str, over: object) -> Iterable[Row]:
    return (row for row in view.scan(table, ()) if row["member"] == member and row[column] != over)


def signs_in(row: Row | None) -> bool:
    """Say whether a row of `sign_in` lets somebody in: a name alone, from a staff list, does not."""
    return row is not None and (row["password_hash"] is not None or row["pin_hash"] is not None)


def check_still_given(view: View, invite: Row, signs_in: bool) -> None:
    """Check that whoever gave this invite could give it now.

    Raises:
        Refused: invite_closed.
    """
    member, giver = view.get("member", (invite["member"],)), str(invite["issued_by"])
    row = None if giver == SYSTEM else view.get("member", (giver,))
    role = people.MANAGER if row is None or people.OWNER not in people.roles(row) else people.OWNER
    roles = [] if member is None or not member["active"] else people.roles(member)
    try:
        check_inviter(view, giver, role, roles, held(view, invite["member"], signs_in))
    except Refused as refusal:
        raise refuse(
            "invite_closed", f"expected an invite that its giver could give today: {refusal}"
        ) from refusal


def check_lead(view: View, who: str, role: str, roles: list[str]) -> None:
    """Check that an owner acts, or a manager on somebody who is staff only."""
    row = view.get("member", (who,))
    if row is None or not row["active"] or role not in people.roles(row):
        raise refuse("member_inactive", f"expected an active member in the role {role}, got {who}")
    if role == people.OWNER or (role == people.MANAGER and roles == [STAFF]):
        return
    raise refuse("role_missing", f"expected an owner, or a manager for staff only, got {role}")


def all_invited(view: View, command: Command, at: str) -> Decided:
    """Rule of invite_all. `known`: until, tokens (their digests), names (commitments and plain values), in the order
    of the list. Names to sign in are kept for whom they are meant; without a password they let nobody in.

    Raises:
        Refused: value_invalid, role_missing, name_taken.
    """
    asked: Asked = command.data
    request: InviteAll = asked.request
    if not 0 < len(request.hands) <= HANDS_MAX:
        raise refuse("value_invalid", f"expected 1 to {HANDS_MAX} people, got {len(request.hands)}")
    check_how(view, asked.who.id, request.how)
    drafts, rows = [], list(asked.private.rows)
    for number, hand in enumerate(request.hands):
        member, invite = asked.ids[f"member{number}"], asked.ids[f"invite{number}"]
        check_inviter(view, asked.who.id, asked.who.role, [hand.role], None)
        private, opened = asked.known["names"][number]
        drafts.append(joins(asked, member, (hand.role,), private, opened))
        digest = asked.known["tokens"][number]
        drafts.append(_invite(invite, member, digest, asked.known["until"], request.how))
        if hand.sign_in is not None:
            check_free(view, member, hand.sign_in)
            rows += _sign_in(member, None, Chosen(name=hand.sign_in), at)
    return Decided(
        tuple(drafts), tuple(rows), {"member": asked.ids["member0"], "invite": asked.ids["invite0"]}
    )


def invite_ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_invite: by an owner, or a manager for staff.

    Raises:
        Refused: invite_closed, role_missing, reason_unknown.
    """
    asked: Asked = command.data
    request: EndInvite = asked.request
    row, member = view.get("invite", (request.member, request.invite)), view.get("member", (request.member,))
    if row is None or member is None or row["state"] != ISSUED:
        raise refuse("invite_closed", f"expected an invite that waits, got {request.invite}")
    check_lead(view, asked.who.id, asked.who.role, people.roles(member))
    if request.reason_code not in END_REASONS:
        raise refuse("reason_unknown", f"expected one of {', '.join(END_REASONS)}, got {request.reason_code}")
    body = {"invite": request.invite, "member": request.member, "reason_code": request.reason_code}
    return Decided((Draft("invite_ended", None, body),), (), {k: body[k] for k in ("member", "invite")})


# ---------------------------------------------------------------------------------------------- signing in
def invite_used(view: View, command: Command, at: str) -> Decided:
    """Rule of use_invite: the last invite of this member, once, before it expires, while its giver could give it.

    What was set before is replaced, and ways in that the member gave themselves end.

    Raises:
        Refused: invite_closed, value_invalid (no name, or neither password nor PIN), name_taken, member_inactive.
    """
    asked: Asked = command.data
    request: UseInvite = asked.request
    people.human(view, asked.who)
    row = open_invite(view, request.member, request.invite, at)
    check_still_given(view, row, signs_in(view.get("sign_in", (request.member,))))
    chosen = request.chosen
    if chosen.name is None or (chosen.password_hash is None and chosen.pin_hash is None):
        raise refuse("value_invalid", "expected a name, and a password or a PIN or both")
    check_free(view, request.member, chosen.name)
    ids = {"invite": request.invite, "member": request.member}
    drafts = [Draft("invite_used", None, ids)]
    drafts += [_ended(*way) for way in own_ways_in(view, request.member)]
    drafts += _set(request.member, chosen, setter_of(row))
    rows = _signed_out(view, request.member)
    rows += _sign_in(request.member, None, chosen, at)
    return Decided(tuple(drafts), tuple(rows), ids)


def own_ways_in(view: View, member: str) -> list[tuple[str, str]]:
    """Return (table, id) of passkeys and API keys in force that a member gave themselves; the needs name all of both
    and of member.

    A key that another owner issued is theirs to end: its secret was never with whoever sat in the member's place. An
    owner's account can issue itself one by another's key, so of an owner's keys only the operator's goes on.
    """
    row = view.get("member", (member,))
    is_owner = row is not None and people.OWNER in people.roles(row)
    ways = [("passkey", row["passkey"]) for row in _of(view, member, "passkey", "state", passkeys.ENDED)]
    keys = _of(view, member, "api_key", "active", 0)
    own = [row for row in keys if row["issued_by"] == member or (is_owner and row["issued_by"] != SYSTEM)]
    return ways + [("api_key", row["key"]) for row in own]


def _ended(table: str, way: str) -> Draft:
    if table == "passkey":
        return Draft("passkey_ended", None, {"passkey": way, "reason_code": "replaced"})
    return Draft("api_key_ended", None, {"key": way})


def open_invite(view: View, member: str, invite: str, at: str) -> Row:
    """Return the row of an invite that may be used at `at`: the member's last one, unused. Raises Refused:
    invite_closed."""
    rows = view.scan("invite", (member,))
    row = next((row for row in rows if row["invite"] == invite), None)
    if row is None or row["state"] != ISSUED or row["until"] <= at:
        raise refuse("invite_closed", "expected an invite that waits, got one used, ended or expired")
    if any(other["seq"] > row["seq"] for other in rows):
        raise refuse("invite_closed", "expected the last invite of this member, got an older one")
    return row


def setter_of(invite: Row) -> str:
    """Return who is said to have set a sign-in that came by this invite."""
    return "recovery" if invite["how"] == "recovery" else "invite"


def sign_in_set(view: View, command: Command, at: str) -> Decided:
    """Rule of set_sign_in: a member their own and not by a key, an owner anybody's PIN. What is not given stays; with
    another password every other session ends.

    Raises:
        Refused: value_invalid, name_taken, role_missing, session_needed, unknown.
    """
    asked: Asked = command.data
    request: SetSignIn = asked.request
    people.human(view, asked.who)
    people.employed(view, request.member, "unknown", "/member")
    chosen, before = request.chosen, view.get("sign_in", (request.member,))
    if request.member == asked.who.id:
        people.signed_in(asked.who)
    else:
        people.owner(view, asked.who)
        if chosen.pin_hash is None or chosen.name is not None or chosen.password_hash is not None:
            raise refuse("role_missing", "expected only a PIN to be set for somebody else")
    if chosen == Chosen() or (before is None and chosen.name is None):
        raise refuse("value_invalid", "expected something to set, and a name the first time")
    if chosen.name is not None:
        check_free(view, request.member, chosen.name)
    by = "self" if request.member == asked.who.id else "owner"
    drafts, rows = tuple(_set(request.member, chosen, by)), _sign_in(request.member, before, chosen, at)
    if chosen.password_hash is not None:  # whoever has the old one may be signed in by it
        kept = None if asked.who.way is None else asked.who.way.id
        rows = [*_signed_out(view, request.member, kept), *rows]
    return Decided(drafts, tuple(rows), {"member": request.member})


def check_free(view: View, member: str, name: str) -> None:
    """Check that nobody else signs in under this name; the command's needs name all of `sign_in`.

    Raises:
        Refused: name_taken.
    """
    if any(row["name"] == name and row["member"] != member for row in view.scan("sign_in", ())):
        raise refuse("name_taken", "expected a name that nobody else here signs in under", "/name")


def _set(member: str, chosen: Chosen, by: str) -> list[Draft]:
    given = {"name": chosen.name, "password": chosen.password_hash, "pin": chosen.pin_hash}
    return [
        Draft("sign_in_set", None, {"member": member, "method": method, "by": by})
        for method in METHODS
        if given[method] is not None
    ]


def _sign_in(member: str, before: Row | None, chosen: Chosen, at: str) -> list[Change]:
    """Return the member's row with what was chosen over what was there; a new PIN counts its tries from none."""
    row: dict[str, Any] = {"member": member, "name": None, "password_hash": None, "pin_hash": None}
    row |= dict(before or {})
    given = {"name": chosen.name, "password_hash": chosen.password_hash, "pin_hash": chosen.pin_hash}
    row |= {column: value for column, value in given.items() if value is not None} | {"changed_at": at}
    changes: list[Change] = [Delete("sign_in", (member,)), Insert("sign_in", row)]
    if chosen.pin_hash is not None:
        changes += [Delete("pin_tries", (member,)), Delete("act", (member,))]
    return changes


def check_first_key(view: View) -> None:
    """Check that no key was given yet. Raises Refused: role_missing."""
    if view.scan("api_key", ()):
        raise refuse("role_missing", "expected an owner to issue a key, but for the first one")


# ---------------------------------------------------------------------------------------------- owners
def owner_recovered(view: View, command: Command, at: str) -> Decided:
    """Rule of recover: the system lets an active owner in again, by an invite that says so; their sessions end.

    There always is one: the last owner neither leaves nor loses the role (office_rules.py).

    Raises:
        Refused: unknown, role_missing, agent_may_not.
    """
    asked: Asked = command.data
    request: RecoverOwner = asked.request
    if asked.who.id != SYSTEM:
        raise refuse("agent_may_not", "expected whoever runs the server")
    row = people.employed(view, request.member, "unknown", "/member")
    check_inviter(view, SYSTEM, SYSTEM, people.roles(row), None)
    recovered = Draft("owner_recovered", None, {"member": request.member})
    return _issued(view, asked, request.member, [recovered], "recovery", _signed_out(view, request.member))
