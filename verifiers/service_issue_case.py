"""Checks 1 to 9 of `service_issue`: what the case itself must show, whatever the evidence says.

Each function answers one line of the table in docs/spec/verdict.md. Sentences name no person and no subject: what is
missing goes into an entry, which holds no private text.
"""

from __future__ import annotations

from verifiers.inputs import Subject, VerdictInput
from verifiers.items import SYSTEM
from verifiers.reading import MS_PER_SECOND
from verifiers.service_issue_policy import Parameters
from verifiers.verdicts import FAIL, INSUFFICIENT, PASS, Check

MS_PER_HOUR = 3_600 * MS_PER_SECOND
MS_PER_DAY = 24 * MS_PER_HOUR
AGENT = "agent"
LIVE_STATES = ("provisional", "settled")
OK = "ok"


def case_checks(given: VerdictInput, parameters: Parameters) -> tuple[Check, ...]:
    """Return checks 1 to 9 in their order."""
    return (
        _issue_came_first(given),
        _raised_by_another(given),
        _proposal_approved(given),
        _approver_independent(given),
        _action_after_approval(given),
        _outcome_fixed(given),
        _beneficiaries_acted(given),
        _not_reopened(given),
        _not_split(given, parameters),
    )


def earners(given: VerdictInput) -> tuple[str, ...]:
    """Return the members who resolved it or would gain by it."""
    action = given.facts.action_taken
    return given.beneficiaries if action is None else (action.by, *given.beneficiaries)


def benefits(given: VerdictInput, member: str) -> bool:
    """Say whether this member is a beneficiary, or the second account of one."""
    return any(given.same(member, one) for one in given.beneficiaries)


def is_agent(given: VerdictInput, member: str) -> bool:
    """Say whether this member is a digital employee: it proposes, it never decides and never earns."""
    return AGENT in given.roles.get(member, ())


def _line(check_id: str, reason: str, observed: str, required: str, otherwise: str = FAIL) -> Check:
    return Check(check_id, PASS if reason == OK else otherwise, reason, (), observed, required)


def _issue_came_first(given: VerdictInput) -> Check:
    facts = given.facts
    required = "an action recorded after the issue was opened"
    if facts.action_taken is None:
        return _line("issue_came_first", "no_action", "no action recorded", required, INSUFFICIENT)
    in_order = facts.opened_seq < facts.action_taken.seq
    in_time = facts.onset_ms <= facts.opened_at_ms <= facts.action_taken.at_ms
    reason = OK if in_order and in_time else "action_before_issue"
    observed = f"opened at step {facts.opened_seq}, action at step {facts.action_taken.seq}"
    return _line("issue_came_first", reason, observed, required)


def _raised_by_another(given: VerdictInput) -> Check:
    facts = given.facts
    required = "an issue that its resolver did not raise, from a customer who is not one of them"
    reason = OK
    by_a_person = facts.origin != "claim" and facts.opened_by != SYSTEM
    if by_a_person and any(given.same(facts.opened_by, one) for one in earners(given)):
        reason = "raised_by_resolver"
    if any(given.same(one, facts.subject.customer) for one in earners(given)):
        reason = "customer_is_resolver"
    return _line("raised_by_another", reason, f"opened by {facts.origin}", required)


def _proposal_approved(given: VerdictInput) -> Check:
    proposal, decision = given.facts.proposal, given.facts.action_decision
    required = "a proposal, approved as it stands"
    if proposal is None:
        return _line("proposal_approved", "no_proposal", "no proposal", required, INSUFFICIENT)
    if decision is None:
        return _line("proposal_approved", "no_decision", "no decision", required, INSUFFICIENT)
    reason = OK
    if decision.verb != "approved":
        reason = "declined"
    elif decision.proposal_digest != proposal.digest:
        reason = "proposal_changed"
    elif decision.seq <= proposal.seq:
        reason = "decided_before_proposed"
    return _line("proposal_approved", reason, f"{decision.verb} at step {decision.seq}", required)


def _approver_independent(given: VerdictInput) -> Check:
    proposal, decision = given.facts.proposal, given.facts.action_decision
    required = "a decision by a person who neither made the proposal nor gains by it"
    if proposal is None or decision is None:
        return _line("approver_independent", "no_decision", "no decision", required, INSUFFICIENT)
    reason = OK
    if given.same(decision.approver, proposal.maker):
        reason = "approver_is_maker"
    elif benefits(given, decision.approver):
        reason = "approver_benefits"
    elif is_agent(given, decision.approver):
        reason = "approver_is_agent"
    return _line("approver_independent", reason, "one approver", required)


def _action_after_approval(given: VerdictInput) -> Check:
    decision, action = given.facts.action_decision, given.facts.action_taken
    required = "an action recorded after its approval"
    if decision is None or action is None:
        return _line("action_after_approval", "no_action", "no approved action", required, INSUFFICIENT)
    reason = OK if action.seq > decision.seq and action.at_ms >= decision.at_ms else "action_before_approval"
    observed = f"approved at step {decision.seq}, action at step {action.seq}"
    return _line("action_after_approval", reason, observed, required)


def _outcome_fixed(given: VerdictInput) -> Check:
    outcome, action = given.outcome, given.facts.action_taken
    reason = OK
    if outcome.resolution != "fixed":
        reason = "not_fixed"
    elif action is not None and outcome.recorded_at_ms < action.at_ms:
        reason = "outcome_before_action"
    return _line(
        "outcome_fixed", reason, outcome.resolution, "the outcome `fixed`, recorded after the action"
    )


def _beneficiaries_acted(given: VerdictInput) -> Check:
    required = "one or more beneficiaries, each of whom owned the case, made the proposal or took the action"
    reason = OK
    if not given.beneficiaries:
        reason = "no_beneficiary"
    elif any(is_agent(given, one) for one in given.beneficiaries):
        reason = "beneficiary_is_agent"
    elif len({given.person.get(one, one) for one in given.beneficiaries}) < len(given.beneficiaries):
        reason = "one_person_twice"
    elif any(not parts_of(given, one) for one in given.beneficiaries):
        reason = "beneficiary_did_nothing"
    return _line("beneficiaries_acted", reason, f"beneficiaries: {len(given.beneficiaries)}", required)


def parts_of(given: VerdictInput, member: str) -> tuple[str, ...]:
    """Return which parts this very account had in the case: took_action, owned, proposed."""
    facts = given.facts
    parts = []
    if facts.action_taken is not None and facts.action_taken.by == member:
        parts.append("took_action")
    if facts.owner == member:
        parts.append("owned")
    if facts.proposal is not None and facts.proposal.maker == member:
        parts.append("proposed")
    return tuple(parts)


def _same_matter(given: VerdictInput, subject: Subject, playbook: str | None) -> bool:
    """Say whether another case is about this one's object, or about the same customer and cause."""
    mine = given.facts.subject
    if (subject.kind, subject.id) == (mine.kind, mine.id):
        return True
    same_cause = playbook is not None and playbook == given.facts.playbook
    return same_cause and mine.customer is not None and given.same(mine.customer, subject.customer)


def _not_reopened(given: VerdictInput) -> Check:
    since = (
        given.outcome.recorded_at_ms if given.facts.action_taken is None else given.facts.action_taken.at_ms
    )
    until = given.outcome.recorded_at_ms + given.policy.terms.window_days * MS_PER_DAY
    found = [
        one
        for one in given.reopened
        if since <= one.at_ms <= until
        and (one.case == given.case or _same_matter(given, one.subject, one.playbook))
    ]
    reason = "reopened" if found else OK
    required = f"no return of the issue within {given.policy.terms.window_days} days"
    return _line("not_reopened", reason, f"returns: {len(found)}", required)


def _not_split(given: VerdictInput, parameters: Parameters) -> Check:
    span_ms = parameters.split_hours * MS_PER_HOUR
    reason, count = OK, 0
    for award in given.awards:
        if award.state not in LIVE_STATES:
            continue
        if award.case == given.case:
            reason, count = "already_awarded", count + 1
        elif (
            award.kind == given.policy.award_kind
            and abs(award.at_ms - given.outcome.recorded_at_ms) <= span_ms
            and _same_matter(given, award.subject, award.playbook)
        ):
            reason, count = "already_awarded" if reason == "already_awarded" else "split", count + 1
    required = f"no other award for the same matter within {parameters.split_hours} hours"
    return _line("not_split", reason, f"awards: {count}", required)
