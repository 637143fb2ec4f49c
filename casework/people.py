"""Who is acting: active members, roles held, and several accounts of one person counted as that person.

Rows only. A member whose `same_as` names another account is the same person as that account; the office keeps such
chains one step long, so one look-up tells the person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from casework.errors import refuse
from casework.requests import Principal
from ledger.changes import Row
from ledger.commands import Need, View
from ledger.entries import SYSTEM

AGENT = "agent"
CUSTOMER = "customer"
OWNER = "owner"
MANAGER = "manager"
ROLES = (OWNER, MANAGER, "staff", "auditor", "outsider")
"""What a person may be; `agent`, `customer` and `system` are no person's roles."""

WEB = "web"
"""The door (`via`) of whoever signed in: pages, and the API by their session."""
DEVICE = "device"
"""The door (`via`) of an act signed with a PIN on a shared device."""
MEMBER_PARTY = "member:"
PSEUDONYM_CHARS = 64


def roles(row: Row) -> list[str]:
    """Return the roles of a member row."""
    return list(json.loads(row["roles"]))


def acting(view: View, who: Principal) -> None:
    """Check that the actor is an active member in a role it holds; the system and a link's customer have no row.

    Raises:
        Refused: member_inactive, role_missing.
    """
    if who.id == SYSTEM or who.role == CUSTOMER:
        return
    row = view.get("member", (who.id,))
    if row is None or not row["active"]:
        raise refuse("member_inactive", f"expected an active member, got {who.id}")
    if who.role not in roles(row):
        raise refuse("role_missing", f"expected a role of {', '.join(roles(row)) or 'none'}, got {who.role}")


def human(view: View, who: Principal) -> None:
    """Check that a person acts: no agent, no system, no customer, by whatever door and in whatever role.

    Raises:
        Refused: agent_may_not, member_inactive, role_missing.
    """
    if who.id == SYSTEM or who.role in (AGENT, CUSTOMER):
        raise refuse("agent_may_not", f"expected a person of the organisation, got the role {who.role}")
    acting(view, who)
    row = view.get("member", (who.id,))
    if row is not None and AGENT in roles(row):
        raise refuse("agent_may_not", f"expected a person, got the agent {who.id}")


def own_device(who: Principal) -> None:
    """Check that this is not done on a shared device. Raises Refused: own_device_needed."""
    if who.via == DEVICE:
        raise refuse("own_device_needed", "expected the person's own device, got a shared one")


def signed_in(who: Principal) -> None:
    """Check that a person is there and no key acts: a key ends, and nothing that outlives it is made with it.

    Raises:
        Refused: session_needed.
    """
    if who.via != WEB:
        raise refuse("session_needed", f"expected whoever signed in themselves, got {who.via}")


def own_work(who: Principal, owner: str | None) -> None:
    """Check that on a shared device people only do what is theirs. Raises Refused: not_owner."""
    if who.via == DEVICE and who.id != owner:
        raise refuse("not_owner", f"expected {owner} on a shared device, got {who.id}")


def no_agent(view: View, who: Principal) -> None:
    """Check that a person, the system or a link's customer acts: a digital employee reports and suggests, no more.

    Raises:
        Refused: agent_may_not, and as `acting`.
    """
    acting(view, who)
    if who.role == AGENT:
        raise refuse("agent_may_not", "expected a person or the system, got a digital employee")


def owner(view: View, who: Principal) -> None:
    """Check that an owner acts as owner.

    Raises:
        Refused: role_missing, and as `human`.
    """
    human(view, who)
    if who.role != OWNER:
        raise refuse("role_missing", f"expected the role owner, got {who.role}")


def employed(view: View, member: str, code: str, field: str | None = None) -> Row:
    """Return the row of an active person (no agent), or refuse with `code`."""
    row = view.get("member", (member,))
    if row is None or not row["active"] or AGENT in roles(row):
        raise refuse(code, f"expected an active person of this organisation, got {member}", field)
    return row


def person(view: View, member: str) -> str:
    """Return the id that stands for the person behind an account; ids without a row stand for themselves."""
    row = None if member == SYSTEM else view.get("member", (member,))
    return member if row is None or row["same_as"] is None else str(row["same_as"])


def persons(view: View) -> set[str]:
    """Return the active people of an organisation, several accounts of one counted once; agents are none.

    The command's needs must name all members.
    """
    active = (row for row in view.scan("member", ()) if row["active"] and AGENT not in roles(row))
    return {str(row["same_as"] or row["member"]) for row in active}


def owners(view: View) -> list[str]:
    """Return the active owners, in key order. The command's needs must name all members."""
    return [row["member"] for row in view.scan("member", ()) if row["active"] and OWNER in roles(row)]


def check_two(view: View) -> None:
    """Check that there are two people at all: nobody mints alone. Raises Refused: one_account."""
    if len(persons(view)) < 2:
        raise refuse("one_account", "expected a second person; everything but tokens works without one")


def same_person(view: View, one: str, other: str) -> bool:
    """Say whether two accounts are one person."""
    return one == other or person(view, one) == person(view, other)


def accounts(view: View, member: str) -> list[str]:
    """Return every account of the person behind this one. The command's needs must name all members."""
    one = person(view, member)
    return [row["member"] for row in view.scan("member", ()) if one in (row["member"], row["same_as"])]


def same_as(view: View, members: Iterable[str]) -> dict[str, str | None]:
    """Return member id -> the account it is a second account of, for the forgery number."""
    rows = ((member, view.get("member", (member,))) for member in members)
    return {member: None if row is None else row["same_as"] for member, row in rows}


def rows(named: Iterable[str | None]) -> list[Need]:
    """Need the rows of these members; `system` has none."""
    return [Need("member", (member,)) for member in sorted({one for one in named if one and one != SYSTEM})]


def is_pseudonym(customer: str) -> bool:
    """Say whether this has the form of a pseudonym: 64 lower-case hex digits."""
    return len(customer) == PSEUDONYM_CHARS and not customer.strip("0123456789abcdef")


def pseudonym(customer: str, field: str) -> str:
    """Check that a customer is named by a pseudonym (playbooks.records.subject_id).

    Entries hold it for ever and in clear, and a customer's answer has it as its actor: so it is never a name, and never
    the id of a member or the system.

    Raises:
        Refused: value_invalid.
    """
    if not is_pseudonym(customer):
        raise refuse(
            "value_invalid", "customer: expected a pseudonym of 64 hex digits, got something else", field
        )
    return customer


def member_of(party: str) -> str | None:
    """Return the member id of a `member:<id>` party, None for every other party."""
    return party[len(MEMBER_PARTY) :] if party.startswith(MEMBER_PARTY) else None


def readable(log: str) -> str:
    """Return the part of a log's origin that somebody can read: "The Corner Shop"."""
    return re.sub(r"-[0-9a-f]{8}(\.invalid)?$", "", log).replace("-", " ").title()
