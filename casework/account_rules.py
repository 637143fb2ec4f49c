"""Whom a source means by one of its names for people: a learning platform, a rota or a booking system knows them by
names of its own (casework/known_as.py says what a judge makes of it).

Somebody who said of themselves that they are "Kelly" could take Kelly's course, shift or work for their own; and
somebody who said that a name of theirs is nobody's, or somebody else's, could pass for another person where a judge
asks for one. So it is for a lead to say whose a name is, that it is nobody's any more, or that it is another's, and
never where the name is, was or would be their own, by whatever account. Who said it stands beside the name.
"""

from __future__ import annotations

from casework import people
from casework.errors import refuse
from casework.requests import Asked, LinkAccount
from ledger.commands import Command, Decided, View
from ledger.entries import Draft

LEADS = (people.OWNER, people.MANAGER)


def account_linked(view: View, command: Command, at: str) -> Decided:
    """Rule of link_account. `known`: held_by (whose the name was when the request was read, None: nobody's),
    is_id (whether the name is a member's id).

    Raises:
        Refused: role_missing, unknown (source, member, or a name nobody has), value_invalid (a member's id),
            second_person_needed (oneself), stale.
    """
    asked: Asked = command.data
    request: LinkAccount = asked.request
    people.human(view, asked.who)
    if asked.who.role not in LEADS:
        raise refuse("role_missing", f"expected the role owner or manager, got {asked.who.role}")
    row = view.get("account_link", (request.source, request.account))
    held_by = None if row is None else str(row["member"])
    if held_by != asked.known["held_by"]:
        raise refuse("stale", "somebody else said meanwhile whose this name is; look again")
    body = {"source": request.source, "account": request.account}
    if request.member is None:
        if held_by is None:
            raise refuse("unknown", "expected an account that is linked, got none", "/account")
        check_not_own(view, asked.who.id, held_by)
        return Decided((Draft("account_unlinked", None, body),), (), {})
    if asked.known["is_id"]:
        raise refuse(
            "value_invalid",
            "account: expected a name of the source's own, got the id of a member",
            "/account",
        )
    check_linked(view, asked.who.id, request.source, request.member, held_by)
    body["member"] = request.member
    draft = Draft("account_linked", None, body, asked.private.commitments, asked.private.opened)
    return Decided((draft,), asked.private.rows, {})


def check_linked(view: View, who: str, source: str, member: str, held_by: str | None) -> None:
    """Check that this person may say so of that member, and take the name from whoever had it.

    Raises:
        Refused: unknown, second_person_needed.
    """
    if view.get("source", (source,)) is None:
        raise refuse("unknown", f"expected a registered source, got {source}", "/source")
    people.employed(view, member, "unknown", "/member")
    check_not_own(view, who, member)
    if held_by is not None:
        check_not_own(view, who, held_by)


def check_not_own(view: View, who: str, member: str) -> None:
    """Check that a name of this member is no name of whoever speaks. Raises Refused: second_person_needed."""
    if people.same_person(view, who, member):
        raise refuse("second_person_needed", "expected somebody else to say whose a name of yours is")
