"""Who may take each step of a case, for a team of any size; where nobody may, the sentence that says what to do.

The same rules that decide inside the writer answer here, after the same matrix of roles that stands at the doors, so
that no page promises what the desk refuses. Whether the case has come to a step is told by its state and not here:
what has not happened yet is taken as its owner's to do. What does not exist at all (an award, a hold, a decision that
can be taken back) nobody may touch, and the sentence says so. DESIGN section 1: with one account tokens stay off and
the page says why; everything else works.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casework import authority, awards, charters, people, reciprocity, replies
from casework.errors import refuse
from casework.requests import Principal
from ledger.commands import View
from ledger.entries import SYSTEM
from ledger.errors import Refused


@dataclass(frozen=True, slots=True)
class Item:
    """One item of evidence that counts: who stands behind it, and whether a verdict (before one: anything) needs it."""

    submitters: frozenset[str]
    reviewed: bool = False
    relied_on: bool = True
    by_customer: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """The case's award while it lives."""

    state: str
    kind: str
    tokens: int
    beneficiaries: tuple[str, ...]
    held_by: str | None = None


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a case stands: member ids, or `system` as the maker of the watch's own suggestion."""

    owner: str
    maker: str = SYSTEM
    action_by: str | None = None
    items: tuple[Item, ...] = ()
    judged: tuple[str, ...] = ()
    """The beneficiaries of the latest verdict."""
    playbook: str | None = None
    award_kind: str | None = None
    value: Mapping[str, Any] | None = None
    deciders: tuple[str, ...] = ()
    """Who made the decisions that nothing followed from yet."""
    award: Given | None = None
    asked: tuple[str, str] | None = None
    """Who asked what is open about the recognition, and about what; None: nothing is."""
    budgets_set_by: tuple[str, ...] = ()
    """Who set each budget that waits for its second person; none waits: any owner might."""
    terms: Mapping[str, Any] | None = None
    """Terms of the policy it is judged by. None: there is none."""
    said_yes: tuple[reciprocity.Yes, ...] = ()
    """Who recognised whom, as far back as these terms ask."""

    @property
    def acts(self) -> str:
        """Return who took the action, or is to."""
        return self.action_by or self.owner

    @property
    def brought(self) -> tuple[Item, ...]:
        """Return the evidence, or what its owner is to bring."""
        return self.items or (Item(frozenset({self.acts})),)

    @property
    def earns(self) -> tuple[str, ...]:
        """Return who is to be recognised: who was judged, or else who acts."""
        return self.judged or (self.acts,)


@dataclass(frozen=True, slots=True)
class Answer:
    """`members` may take the step; none: `sentence` says why, and what to do about it."""

    members: tuple[str, ...]
    sentence: str | None
    reciprocal: tuple[str, ...] = ()
    """Who could, but for a yes that they would give back."""


Allowed = Mapping[str, Sequence[str]]
"""Step -> the roles that may try it, strongest first: what the doors let through (api/permissions.py)."""

ALONE = "You are the only one here, and nobody gives out tokens alone. Invite one more person; thank-yous work at once."
_OUTSIDER = "an outside accountant with a free account will do."
SENTENCES: Mapping[str, str] = {
    "acknowledge": "Whoever owns this cannot take it on. Give it to somebody who works here.",
    "propose": "Nobody who works here is left. Invite one more person.",
    "decide_action": "Whoever suggested this or brought evidence cannot decide it, and nobody else may. Invite one "
    "more person, give somebody the power to decide, or take the watch's own suggestion.",
    "withdraw_decision": "Only whoever decided can take it back, and they are not here any more.",
    "take_action": "Nobody who works here is left. Invite one more person.",
    "attach_evidence": "Nobody who works here is left. Invite one more person.",
    "withdraw_evidence": "Only whoever brought it can take it back. Somebody else may look at it and refuse it.",
    "issue_link": "Nobody who works here is left. Invite one more person.",
    "confirm": "The customer confirms through a link that works once.",
    "review_evidence": "Whoever brought the evidence or did the work does not check it. Invite one more person; an "
    "outside accountant with a free account will do. Until then this can be closed, not recognised.",
    "record_outcome": "Nobody who works here is left. Invite one more person.",
    "set_budget": "An owner names a budget. Nobody here is one.",
    "approve_budget": f"A budget needs a second person. Give somebody that power; {_OUTSIDER}",
    "decide_award": f"Everybody who may decide is part of this. Give one more person that power; {_OUTSIDER}",
    "hold": f"An owner, a manager or a second person stops it. Give somebody that power; {_OUTSIDER}",
    "release": "Whoever is recognised does not answer the question about it. Give one more person the power of a "
    f"second person; {_OUTSIDER}",
    "dispute": f"Everybody who may plan to end it is part of it. Give one more person that power; {_OUTSIDER}",
    "close_dispute": "Whoever is recognised does not close the question about it. Give one more person the power of a "
    f"second person; {_OUTSIDER}",
    "decline_award": f"Everybody who may end it is part of it. Give one more person the power to award; {_OUTSIDER}",
    "revoke": "Taking back needs two people who are not part of it: one stops it, another decides.",
    "reopen": "Nobody who works here is left. Invite one more person.",
    "close": "An owner or a manager closes this. Nobody here is one.",
}
STEPS = tuple(SENTENCES)
"""Every kind of step, in the order of the story."""

BECAUSE: Mapping[tuple[str, str], str] = {
    (
        "withdraw_decision",
        "not_decided",
    ): "No decision can be taken back: there is none, or something followed from it.",
    ("withdraw_evidence", "already_awarded"): "A recognition rests on the evidence. Stop or end that first.",
    (
        "withdraw_evidence",
        "evidence_missing",
    ): "There is no evidence to take back. What a customer said stays.",
    ("review_evidence", "evidence_closed"): "All the evidence has been looked at.",
    ("decide_award", "no_policy"): "Nothing is recognised for this kind of thing.",
    (
        "decide_award",
        "reciprocal",
    ): "Whoever may decide was recognised by them for the same kind of thing a short "
    "while ago, and nobody gives a yes back. Let some time pass, or give one more person that power.",
    ("hold", "award_state"): "Nothing is recognised here that could be stopped.",
    ("hold", "held"): "It is stopped already.",
    ("release", "award_state"): "Nothing is stopped here.",
    ("dispute", "dispute_open"): "Something is asked about this already.",
    ("close_dispute", "dispute_over"): "Nothing is asked about this.",
    ("decline_award", "award_state"): "Nothing is recognised here that still waits.",
    ("revoke", "award_state"): "Nothing is recognised here for good. What still waits can be ended.",
}
"""(step, refusal that everybody meets) -> the sentence, where it is not for want of a person. A yes given back is the
last thing that is looked at: one whom only this keeps away is enough for its sentence."""

RECOGNITION = frozenset({
    "set_budget", "approve_budget", "decide_award", "hold", "release", "dispute", "close_dispute", "decline_award",
    "revoke",
})  # fmt: skip
"""What stays off with one account only."""


def who_may(view: View, members: Sequence[str], step: str, stand: Stand, allowed: Allowed, at: str) -> Answer:
    """Return who of `members` may take a step. `view` holds all members and authorities.

    A strong enough sign-in is taken for granted, and that an award decision is a yes, about few tokens or none: a no
    may also be said by somebody who would give a yes back.

    Raises:
        KeyError: no such step.
    """
    check, roles = _CHECKS[step], allowed[step]
    refusals = {member: _refusal(view, member, roles, check, stand, at) for member in members}
    able = tuple(member for member, code in refusals.items() if code is None)
    back = tuple(member for member, code in refusals.items() if code == _RECIPROCAL)
    if able:
        return Answer(able, None, back)
    if step in RECOGNITION and len(people.persons(view)) < 2:
        return Answer((), ALONE)
    codes = {_RECIPROCAL} if back else set(refusals.values()) - {_ROLE}
    sentence = BECAUSE.get((step, str(next(iter(codes))))) if len(codes) == 1 else None
    return Answer((), sentence or SENTENCES[step], back)


Check = Callable[[View, Principal, Stand, str], None]
_ROLE, _RECIPROCAL = "role_missing", reciprocity.REFUSED


def _refusal(
    view: View, member: str, roles: Sequence[str], check: Check, stand: Stand, at: str
) -> str | None:
    """Return the code with which this member is refused, or None."""
    row = view.get("member", (member,))
    held = [] if row is None or not row["active"] else people.roles(row)
    role = next((role for role in roles if role in held), None)
    if role is None:
        return _ROLE
    try:
        check(view, Principal(member, role, "staffing", "passkey"), stand, at)
    except Refused as refused:
        return refused.code
    return None


# ---------------------------------------------------------------------------------------------- the case
def _acknowledge(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.human(view, who)
    if who.id != stand.owner:
        raise refuse("not_owner", f"expected {stand.owner}, got {who.id}")


def _anyone(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.acting(view, who)
    row = view.get("member", (who.id,))
    charter = None if row is None else charters.held(row["charter"])
    if charter is not None and not charter.may_propose:
        raise refuse("not_in_charter", f"expected an agent that may propose, got {who.id}")


def _person(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.human(view, who)


def _decide_action(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.human(view, who)
    submitters = {one for item in stand.items for one in item.submitters}
    authority.separate(view, who.id, stand.maker, submitters, ())
    matter = authority.Matter(authority.ACTION, stand.playbook, value=stand.value)
    authority.choose(view, who.id, who.assurance, matter, at, {stand.maker, *submitters})


def _withdraw_decision(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.human(view, who)
    if not stand.deciders:
        raise refuse("not_decided", "expected a decision that nothing followed from yet, got none")
    if not any(people.same_person(view, who.id, one) for one in stand.deciders):
        raise refuse("no_authority", "expected whoever decided it")


# ---------------------------------------------------------------------------------------------- evidence
def _withdraw_evidence(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.acting(view, who)
    if stand.award is not None:
        raise refuse("already_awarded", "expected a case without a live award")
    items = [item for item in stand.items if not item.by_customer]
    if not items:
        raise refuse("evidence_missing", "expected evidence that can be taken back, got none")
    if not any(_brought(view, who.id, item) for item in items):
        raise refuse("evidence_closed", "expected its own submitter")


def _customer(view: View, who: Principal, stand: Stand, at: str) -> None:
    raise refuse("agent_may_not", "expected the customer")


def _review(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.human(view, who)
    items = [item for item in stand.brought if not item.reviewed]
    if not items:
        raise refuse("evidence_closed", "expected evidence not reviewed yet, got none")
    if all(_brought(view, who.id, item) for item in items):
        raise refuse("reviewer_is_submitter", "expected another person than the submitter")
    actor = stand.action_by if stand.items else stand.acts
    if actor is not None and people.same_person(view, who.id, actor):
        raise refuse("reviewer_is_beneficiary", "expected another person than who took the action")


def _brought(view: View, member: str, item: Item) -> bool:
    return any(people.same_person(view, member, one) for one in item.submitters)


# ---------------------------------------------------------------------------------------------- recognition
def _set_budget(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.owner(view, who)
    people.check_two(view)


def _approve_budget(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.human(view, who)
    owners = [row["member"] for row in view.scan("member", ()) if row["active"] and _owns(row)]
    for set_by in stand.budgets_set_by or owners:
        try:
            return authority.check_second(view, who, set_by, at)
        except Refused as refused:
            last = refused
    raise last


def _owns(row: Mapping[str, Any]) -> bool:
    return people.OWNER in people.roles(row)


def _decide_award(view: View, who: Principal, stand: Stand, at: str) -> None:
    _say_no(view, who, stand, at)
    if stand.terms is not None and reciprocity.TERM in stand.terms:
        kind, said = str(stand.award_kind), stand.said_yes
        reciprocity.check_among(view, stand.terms, kind, who.id, stand.earns, at, said)


def _say_no(view: View, who: Principal, stand: Stand, at: str) -> None:
    people.human(view, who)
    if stand.award_kind is None:
        raise refuse("no_policy", "expected a case that names an award kind")
    submitters = {one for item in stand.brought if item.relied_on for one in item.submitters}
    authority.separate(view, who.id, stand.maker, submitters, stand.earns)
    matter = authority.Matter(authority.AWARD, stand.award_kind, tokens=0)
    involved = {stand.maker, *submitters, *stand.earns}
    authority.choose(view, who.id, who.assurance, matter, at, involved)


def _hold(view: View, who: Principal, stand: Stand, at: str) -> None:
    award = _given(stand, awards.PROVISIONAL, awards.SETTLED)
    if award.held_by is not None:
        raise refuse("held", "expected an award without a hold")
    awards.check_watcher(view, who, at)


def _release(view: View, who: Principal, stand: Stand, at: str) -> None:
    award = _given(stand, awards.PROVISIONAL, awards.SETTLED)
    if award.held_by is None:
        raise refuse("award_state", "expected an award that is held")
    awards.check_watcher(view, who, at)
    awards.check_outside(view, who.id, award.beneficiaries)


def _dispute(view: View, who: Principal, stand: Stand, at: str) -> None:
    """Ask about an end before it is decided; a mere question anybody may ask who sees it."""
    if stand.asked is not None:
        raise refuse("dispute_open", f"expected no open question, got one of {stand.asked[0]}")
    if stand.award is None:
        _say_no(view, who, stand, at)
        return
    people.human(view, who)
    award = stand.award
    awards.check_outside(view, who.id, award.beneficiaries)
    row = {"kind": award.kind, "amount_tokens": award.tokens}
    if award.state == awards.SETTLED or not awards.may_end(view, who.id, row, at):
        awards.check_watcher(view, who, at)


def _close_dispute(view: View, who: Principal, stand: Stand, at: str) -> None:
    if stand.asked is None:
        raise refuse("dispute_over", "expected an open question")
    people.human(view, who)
    named = stand.earns if stand.award is None else stand.award.beneficiaries
    asker, about = stand.asked
    if about == replies.REVOKE or not people.same_person(view, who.id, asker):
        awards.check_outside(view, who.id, named)
        awards.check_watcher(view, who, at)


def _decline_award(view: View, who: Principal, stand: Stand, at: str) -> None:
    _check_ender(view, who, _given(stand, awards.PROVISIONAL), at)


def _revoke(view: View, who: Principal, stand: Stand, at: str) -> None:
    award = _given(stand, awards.SETTLED)
    _check_ender(view, who, award, at)
    if not awards.is_second_voice(view, award.held_by, who.id):
        raise refuse("second_person_needed", "expected an award held by another person")


def _given(stand: Stand, *states: str) -> Given:
    if stand.award is None or stand.award.state not in states:
        raise refuse("award_state", f"expected an award that is {' or '.join(states)}")
    return stand.award


def _check_ender(view: View, who: Principal, award: Given, at: str) -> None:
    people.human(view, who)
    awards.check_outside(view, who.id, award.beneficiaries)
    matter = authority.Matter(authority.AWARD, award.kind, tokens=award.tokens)
    involved = awards.ender_outside(award.beneficiaries, {"held_by": award.held_by, "state": award.state})
    authority.choose(view, who.id, who.assurance, matter, at, involved)


_CHECKS: Mapping[str, Check] = {
    "acknowledge": _acknowledge,
    "propose": _anyone,
    "decide_action": _decide_action,
    "withdraw_decision": _withdraw_decision,
    "take_action": _person,
    "attach_evidence": _anyone,
    "withdraw_evidence": _withdraw_evidence,
    "issue_link": _person,
    "confirm": _customer,
    "review_evidence": _review,
    "record_outcome": _person,
    "set_budget": _set_budget,
    "approve_budget": _approve_budget,
    "decide_award": _decide_award,
    "hold": _hold,
    "release": _release,
    "dispute": _dispute,
    "close_dispute": _close_dispute,
    "decline_award": _decline_award,
    "revoke": _revoke,
    "reopen": _anyone,
    "close": _person,
}
