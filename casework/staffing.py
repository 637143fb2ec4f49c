"""Who may take each step of a case, for a team of any size; where nobody may, the sentence that says what to do.

The same rules that decide inside the writer answer here, so that no page promises what the desk refuses. DESIGN
section 1: with one account tokens stay off and the page says why; everything else works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from casework import authority, charters, people
from casework.errors import refuse
from casework.requests import Principal
from ledger.commands import View
from ledger.errors import Refused


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a case stands: member ids, or `system` as the maker of the watch's own suggestion."""

    owner: str
    maker: str
    acted: str
    submitters: tuple[str, ...]
    beneficiaries: tuple[str, ...]
    playbook: str | None
    award_kind: str | None
    tokens: int
    budget_set_by: str | None = None
    held_by: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`members` may take the step; none: `sentence` says why, and what to do about it."""

    members: tuple[str, ...]
    sentence: str | None


STEPS = (
    "acknowledge", "propose", "decide_action", "take_action", "attach_evidence", "confirm", "review_evidence",
    "record_outcome", "set_budget", "approve_budget", "decide_award", "hold", "revoke",
)  # fmt: skip

ALONE = "You are the only one here, and nobody gives out tokens alone. Invite one more person; thank-yous work at once."
SENTENCES: Mapping[str, str] = {
    "acknowledge": "Nobody owns this. The owner of the place is asked.",
    "decide_action": "Whoever suggested this cannot decide it, and nobody else may. Invite one more person, give "
    "somebody the power to decide, or take the watch's own suggestion.",
    "review_evidence": "Whoever brought the evidence or did the work does not check it. Invite one more person; an "
    "outside accountant with a free account will do. Until then this can be closed, not recognised.",
    "approve_budget": "A budget needs a second person. Give somebody that power; an outside accountant will do.",
    "decide_award": "Everybody who may decide is part of this. Give one more person that power; an outside "
    "accountant with a free account will do.",
    "revoke": "Taking back needs two people who are not part of it: one asks, another decides.",
    "confirm": "The customer confirms through a link that works once.",
}


def who_may(view: View, members: Sequence[str], step: str, stand: Stand, at: str) -> Answer:
    """Return who of `members` may take a step now. `view` holds members and authorities.

    Raises:
        KeyError: no such step.
    """
    check = _CHECKS[step]
    able = tuple(member for member in members if _may(view, member, check, stand, at))
    if able:
        return Answer(able, None)
    persons = {people.person(view, member) for member in members if _is_person(view, member)}
    if len(persons) < 2 and step in ("set_budget", "approve_budget", "decide_award", "revoke"):
        return Answer((), ALONE)
    return Answer((), SENTENCES.get(step, "Nobody here may do this."))


def _may(
    view: View, member: str, check: Callable[[View, str, Stand, str], None], stand: Stand, at: str
) -> bool:
    try:
        check(view, member, stand, at)
    except Refused:
        return False
    return True


def _is_person(view: View, member: str) -> bool:
    row = view.get("member", (member,))
    return row is not None and bool(row["active"]) and people.AGENT not in people.roles(row)


def _human(view: View, member: str) -> None:
    people.employed(view, member, "agent_may_not")


def _acknowledge(view: View, member: str, stand: Stand, at: str) -> None:
    _human(view, member)
    if member != stand.owner:
        raise refuse("not_owner", f"expected {stand.owner}")


def _anyone(view: View, member: str, stand: Stand, at: str) -> None:
    row = view.get("member", (member,))
    if row is None or not row["active"]:
        raise refuse("member_inactive", f"expected an active member, got {member}")
    charter = charters.held(row["charter"])
    if charter is not None and not charter.may_propose:
        raise refuse("not_in_charter", f"expected an agent that may propose, got {member}")


def _person(view: View, member: str, stand: Stand, at: str) -> None:
    _human(view, member)


def _decide_action(view: View, member: str, stand: Stand, at: str) -> None:
    _human(view, member)
    authority.separate(view, member, stand.maker, (), ())
    authority.choose(view, member, "passkey", authority.Matter(authority.ACTION, stand.playbook), at)


def _review(view: View, member: str, stand: Stand, at: str) -> None:
    _human(view, member)
    if any(people.same_person(view, member, one) for one in stand.submitters):
        raise refuse("reviewer_is_submitter", "expected another person than the submitter")
    if people.same_person(view, member, stand.acted):
        raise refuse("reviewer_is_beneficiary", "expected another person than who took the action")


def _set_budget(view: View, member: str, stand: Stand, at: str) -> None:
    people.owner(view, Principal(member, people.OWNER, "staffing", "session"))
    everybody = view.scan("member", ())
    persons = {people.person(view, row["member"]) for row in everybody if _is_person(view, row["member"])}
    if len(persons) < 2:
        raise refuse("one_account", "expected at least two people")


def _approve_budget(view: View, member: str, stand: Stand, at: str) -> None:
    _human(view, member)
    if stand.budget_set_by is None or people.same_person(view, member, stand.budget_set_by):
        raise refuse("second_person_needed", "expected another person than who set the budget")
    row = view.get("member", (member,))
    if not (authority.is_second_person(view, member, at) or (row and people.OWNER in people.roles(row))):
        raise refuse("second_person_needed", "expected a holder of the second_person authority")


def _decide_award(view: View, member: str, stand: Stand, at: str) -> None:
    _human(view, member)
    authority.separate(view, member, stand.maker, stand.submitters, stand.beneficiaries)
    authority.choose(
        view, member, "passkey", authority.Matter(authority.AWARD, stand.award_kind, tokens=stand.tokens), at
    )


def _revoke(view: View, member: str, stand: Stand, at: str) -> None:
    _human(view, member)
    if any(people.same_person(view, member, one) for one in stand.beneficiaries):
        raise refuse("decider_is_beneficiary", "expected another person than a beneficiary")
    if stand.held_by is None or people.same_person(view, member, stand.held_by):
        raise refuse("second_person_needed", "expected an award held by another person")
    authority.choose(
        view, member, "passkey", authority.Matter(authority.AWARD, stand.award_kind, tokens=stand.tokens), at
    )


def _customer(view: View, member: str, stand: Stand, at: str) -> None:
    raise refuse("agent_may_not", "expected the customer")


_CHECKS: Mapping[str, Callable[[View, str, Stand, str], None]] = {
    "acknowledge": _acknowledge,
    "propose": _anyone,
    "decide_action": _decide_action,
    "take_action": _person,
    "attach_evidence": _anyone,
    "confirm": _customer,
    "review_evidence": _review,
    "record_outcome": _person,
    "set_budget": _set_budget,
    "approve_budget": _approve_budget,
    "decide_award": _decide_award,
    "hold": _person,
    "revoke": _revoke,
}
