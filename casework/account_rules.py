"""Whom a source means by one of its accounts: a learning platform knows people by names of its own.

Somebody who linked an account to themselves could take a colleague's course for their own. So it is for a lead to say,
and never about themselves.
"""

from __future__ import annotations

from casework import people
from casework.errors import refuse
from casework.requests import Asked, LinkAccount
from ledger.commands import Command, Decided, View
from ledger.entries import Draft

LEADS = (people.OWNER, people.MANAGER)


def account_linked(view: View, command: Command, at: str) -> Decided:
    """Rule of link_account.

    Raises:
        Refused: role_missing, unknown (source, member, or an account nobody has), second_person_needed (oneself).
    """
    asked: Asked = command.data
    request: LinkAccount = asked.request
    people.human(view, asked.who)
    if asked.who.role not in LEADS:
        raise refuse("role_missing", f"expected the role owner or manager, got {asked.who.role}")
    body = {"source": request.source, "account": request.account}
    if request.member is None:
        if view.get("account_link", (request.source, request.account)) is None:
            raise refuse("unknown", "expected an account that is linked, got none", "/account")
        return Decided((Draft("account_unlinked", None, body),), (), {})
    check_linked(view, asked.who.id, request.source, request.member)
    return Decided((Draft("account_linked", None, body | {"member": request.member}),), (), {})


def check_linked(view: View, who: str, source: str, member: str) -> None:
    """Check that this person may say so of that member. Raises Refused: unknown, second_person_needed."""
    if view.get("source", (source,)) is None:
        raise refuse("unknown", f"expected a registered source, got {source}", "/source")
    people.employed(view, member, "unknown", "/member")
    if people.same_person(view, who, member):
        raise refuse("second_person_needed", "expected somebody else to link an account of yours")
