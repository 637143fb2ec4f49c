"""Forgeries that leave the record intact: one thing changed by somebody who controls database, keys and vault.

The table at the end says for each what the audit of meaning must answer; tests/casework/test_audit.py holds it to it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from ledger.clock import instant_of, unix_ms_of
from ledger.entries import Actor
from tests.casework import forged_inputs
from tests.casework.forging import Line, Story, fit_output
from tests.guests import guest
from verifiers.policy import policy_digest

Forgery = Callable[[Story], Line]
"""Changes the story and returns the line that the audit must name."""


def _award_decision(story: Story, case: str, nth: int = 0) -> Line:
    return story.find("decision_made", case, nth, about="award", verb="approved")


def _decided_by(name: str, role: str, case: str = "many") -> Forgery:
    """Somebody else approves the award, under their own authority if they have one."""

    def forge(story: Story) -> Line:
        line = _award_decision(story, case)
        line.by(story.named.get(name, name), role)
        line.body["authority"] = story.named.get(f"{name}_may", line.body["authority"])
        story.cut(line)
        return line

    return forge


def told(kind: str, case: str | None, cut: bool = False, **lies: Any) -> Forgery:
    """One entry says something else than it should."""

    def forge(story: Story) -> Line:
        line = story.find(kind, case)
        values = {name: value(story, line) if callable(value) else value for name, value in lies.items()}
        line.lie = lambda body: body.update(values)
        if cut:
            story.cut(line)
        return line

    return forge


def by(kind: str, case: str | None, name: str, role: str, nth: int = 0, cut: bool = False) -> Forgery:
    """Somebody else did it."""

    def forge(story: Story) -> Line:
        line = story.find(kind, case, nth)
        line.by(story.named.get(name, name), role)
        if cut:
            story.cut(line)
        return line

    return forge


def _plan(case: str, **changes: Any) -> Forgery:
    """The decision asked for something else; its record fits, its award follows it."""

    def forge(story: Story) -> Line:
        line = _award_decision(story, case)
        line.body.update(
            {name: value(story, line) if callable(value) else value for name, value in changes.items()}
        )
        story.cut(line)
        return line

    return forge


def _nonce(story: Story) -> Line:
    line = _award_decision(story, "plain")
    line.body["nonce"] = story.find("decision_made", "plain", about="action").body["nonce"]
    return line


def _as_of(story: Story) -> Line:
    line = _award_decision(story, "plain")
    earlier = story.find("decision_made", "plain", about="action")

    def lie(body: dict[str, Any]) -> None:
        body["as_of"] = {"size": body["as_of"]["size"], "root": earlier.body["as_of"]["root"]}

    line.lie = lie
    return line


def _late(story: Story) -> Line:
    line = _award_decision(story, "plain")
    line.body["expires"] = line.entry.at
    return line


def _other_proposal(story: Story) -> Line:
    line = story.find("decision_made", "thought", 1, about="action")
    first = story.find("proposal_made", "thought")
    line.body.update(proposal=first.body["proposal"], proposal_digest=first.body["digest"])
    story.cut(line)
    return line


def _second_decision(story: Story) -> Line:
    """A second approval while the first one waits."""
    first = _award_decision(story, "plain")
    line = story.again(first, first)
    line.body.update(decision="second", nonce="another")
    return line


def _withdrawn_by_another(story: Story) -> Line:
    line = story.find("decision_withdrawn", "thought")
    line.by(story.named["owner"], "owner")
    return line


def _acted_otherwise(story: Story) -> Line:
    line = story.find("action_taken", "thought")
    line.body["proposal"] = story.find("proposal_made", "thought").body["proposal"]
    return line


def _declined_by_the_earner(story: Story) -> Line:
    line = _award_decision(story, "many")
    line.by(story.named["double"], "manager")
    line.body.update(
        verb="declined", beneficiaries=[], amount_tokens=None, budget=None, reason_code="not_appropriate",
        authority=story.named["double_may"],
    )  # fmt: skip
    story.cut(line)
    return line


def _closed_over_approval(story: Story) -> Line:
    first = _award_decision(story, "plain")
    actor = Actor(story.named["owner"], "owner", "http")
    line = story.add(first, "case_closed", "plain", {"reason_code": "done"}, actor)
    story.cut(line)
    return line


def _acted_again(story: Story) -> Line:
    """Somebody else says afterwards that it was they who did it."""
    first = story.find("action_taken", "plain")
    line = story.again(first, first)
    line.by(story.named["cook"], "staff")
    story.cut(line)
    return line


def _reviewed_twice(story: Story) -> Line:
    first = story.find("evidence_reviewed", "back")
    return story.again(first, first)


def _record_of(story: Story, case: str) -> Line:
    return story.find("evidence_attached", case, type="system_record")


def _typed_confirmation(story: Story) -> Line:
    """Staff writes what the customer should have said."""
    line = story.find("evidence_attached", "plain", type="customer_confirmation")
    line.by(story.named["waiter"], "staff")
    line.body["submitter"] = f"member:{story.named['waiter']}"
    story.cut(line)
    return line


def _confirmed_without_link(story: Story) -> Line:
    answered = story.find("link_answered", "plain")
    line = story.find("evidence_attached", "plain", type="customer_confirmation")
    story.lines.remove(answered)
    story.cut(line)
    return line


def _answered_by_another(story: Story) -> Line:
    line = story.find("link_answered", "plain")
    line.by(guest("guest-2"))
    story.cut(line)
    return line


def _replaced(story: Story) -> Line:
    """The cook's own record takes the place of what the customer said."""
    said = story.find("evidence_attached", "back", type="customer_confirmation")
    line = story.again(_record_of(story, "back"), said)
    line.body.update(evidence="better", replaces=said.body["evidence"])
    story.cut(line)
    return line


def _under_award(kind: str, **body: Any) -> Forgery:
    """Something is done to a case whose award lives."""

    def forge(story: Story) -> Line:
        granted = story.find("award_granted", "plain")
        item = _record_of(story, "plain")
        filled = {name: item.body["evidence"] if value == "item" else value for name, value in body.items()}
        line = story.add(granted, kind, "plain", filled, item.entry.actor)
        story.cut(line)
        return line

    return forge


def _replaced_under_award(story: Story) -> Line:
    item = _record_of(story, "plain")
    line = story.again(item, story.find("award_granted", "plain"))
    line.body.update(evidence="better", replaces=item.body["evidence"])
    story.cut(line)
    return line


def _judged_under_award(story: Story) -> Line:
    first = story.find("verdict_given", "plain")
    line = story.again(first, story.find("award_granted", "plain"))
    line.body["verdict"] = "again"
    line.values["input"] = copy.deepcopy(first.values["input"])
    story.cut(line)
    return line


def _taken_back(story: Story) -> Line:
    item = _record_of(story, "many")
    actor = Actor(story.named["auditor"], "auditor", "test")
    body = {"evidence": item.body["evidence"], "reason_code": "mistaken"}
    line = story.add(item, "evidence_withdrawn", "many", body, actor)
    story.cut(line)
    return line


def _judge_shown(change: Callable[[Story, dict[str, Any]], None]) -> Forgery:
    """The judge was shown something else than what is on record; what it says then stands in the entry."""

    def forge(story: Story) -> Line:
        line = story.find("verdict_given", "plain")

        def lie(body: dict[str, Any]) -> None:
            change(story, line.values["input"])
            fit_output(line)

        line.lie = lie
        story.cut(line)
        return line

    return forge


def _behind_the_word(kind: str, **lies: Any) -> Forgery:
    """The link or its answer says something else than the evidence that came of it."""

    def forge(story: Story) -> Line:
        story.find(kind, "plain").lie = lambda body: body.update(lies)
        line = story.find("evidence_attached", "plain", type="customer_confirmation")
        story.cut(line)
        return line

    return forge


def _at_once(story: Story, line: Line) -> str:
    return line.entry.at


def _told_no(story: Story) -> Line:
    line = story.find("decision_made", "thought", verb="declined")
    line.lie = lambda body: body.update(reason_code=None)
    story.cut(line)
    return line


def _softer_policy(story: Story) -> Line:
    line = story.find("policy_published", None)
    terms = {**line.body["content"]["terms"], "k_min": 1}
    line.lie = lambda body: body.update(content={**body["content"], "terms": terms})
    story.cut(line)
    return line


def _hidden_award(story: Story) -> Line:
    """The judge was not told that the same guest's case was recognised before."""
    line = story.find("verdict_given", "many")
    assert line.values["input"]["prior"]["awards"]

    def lie(body: dict[str, Any]) -> None:
        line.values["input"]["prior"]["awards"] = []
        fit_output(line)

    line.lie = lie
    story.cut(line)
    return line


def _friendlier_policy(story: Story) -> Line:
    """Judged under an easier policy that was published by and by, and is not the case's."""
    line = story.find("verdict_given", "plain")
    published = story.find("policy_published", None)
    easier = story.again(published, published)
    content = json.loads(json.dumps(published.body["content"]))
    content["parameters"]["path_seconds_min"] = 0
    content["version"] = 2
    digest = policy_digest(content)
    easier.body.update(policy="service_issue/v2", digest=digest, content=content)
    line.values["input"]["policy"] = {"digest": digest, "content": content}
    line.body.update(policy="service_issue/v2", policy_digest=digest)
    story.cut(line)
    return line


def _verdict_says(**lies: Any) -> Forgery:
    return told("verdict_given", "plain", cut=True, **lies)


def _grant_of(decision: str) -> Forgery:
    """The award names a decision that is none for it."""

    def forge(story: Story) -> Line:
        line = story.find("award_granted", "thought")
        line.body["decision"] = story.named.get(decision, decision)
        story.cut(line)
        return line

    return forge


def _granted_to(**lies: Any) -> Forgery:
    return told("award_granted", "many", cut=True, **lies)


def _granted_after_no(story: Story) -> Line:
    """The approver declined in the end; the award is made of the declined decision."""
    line = story.find("award_granted", "thought")
    no = story.find("decision_made", "thought", about="award", verb="declined")
    line.body["decision"] = no.body["decision"]
    story.cut(line)
    return line


def _granted_twice(story: Story) -> Line:
    first = story.find("award_granted", "plain")
    line = story.again(first, first)
    line.body["award"] = "second"
    story.cut(line)
    return line


def _granted_early(story: Story) -> Line:
    line = story.find("award_granted", "plain")
    decision = _award_decision(story, "plain")
    line.at(decision.entry.at)
    line.body["settle_not_before"] = instant_of(unix_ms_of(decision.entry.at) + 14 * 86_400_000)
    return line


def _too_few_parties(story: Story) -> Line:
    """16 tokens, approved by who sent the record: two parties in all, where the policy wants three."""
    decision = _award_decision(story, "many")
    decision.by(story.named["host"], "manager")
    decision.body["authority"] = story.named["host_may"]
    line = story.find("award_granted", "many")
    line.body["k"] = 2
    story.cut(line)
    return line


def _settled_early(story: Story) -> Line:
    line = story.find("award_settled", "plain")
    story.move(line, story.find("award_granted", "plain"))
    return line


def _settled_held(story: Story) -> Line:
    line = story.find("award_settled", "plain")
    award = story.named["plain_award"]
    held = {"award": award, "reason_code": "under_question"}
    owner = Actor(story.named["owner"], "owner", "test")
    story.add(story.find("award_granted", "plain"), "award_held", "plain", held, owner)
    return line


def _settled_by_hand(story: Story) -> Line:
    line = story.find("award_settled", "plain")
    line.by(story.named["owner"], "owner")
    return line


def _settled_twice(story: Story) -> Line:
    first = story.find("award_settled", "plain")
    line = story.again(first, first)
    story.cut(line)
    return line


def _released_by_earner(story: Story) -> Line:
    line = story.find("award_released", "asked")
    line.by(story.named["double"], "manager")
    return line


def _shorter_window(story: Story) -> Line:
    line = story.find("award_released", "asked")
    line.lie = lambda body: body.update(settle_not_before=line.entry.at)
    return line


def _revoked_by_one(story: Story) -> Line:
    held = story.find("award_held", "false")
    held.by(story.named["owner"], "owner")
    return story.find("award_revoked", "false")


def _revoked_unheld(story: Story) -> Line:
    held = story.find("award_held", "false")
    story.lines.remove(held)
    return story.find("award_revoked", "false")


def _power_to_a_friend(story: Story) -> Line:
    """Staff grants itself an authority."""
    line = story.find("authority_granted", None, tokens_max=5)
    line.by(story.named["waiter"], "staff")
    return line


def _power_to_an_agent(story: Story) -> Line:
    line = story.find("authority_granted", None, tokens_max=5)
    line.body["member"] = story.named["agent"]
    return line


def _beyond_the_charter(story: Story) -> Line:
    story.find("agent_registered").body["charter"] = {"may_propose": ["call_back"], "may_read": ["*"]}
    return story.find("proposal_made", "back", 1)


def _waiting_skipped(story: Story) -> Line:
    """The outcome was recorded before anybody decided what to do."""
    line = story.find("outcome_recorded", "plain")
    story.move(line, story.find("proposal_made", "plain"))
    story.cut(line)
    return line


def _fixed_by_nobody(story: Story) -> Line:
    line = story.find("outcome_recorded", "plain")
    story.lines.remove(story.find("action_taken", "plain"))
    story.cut(line)
    return line


def _reworded(story: Story) -> Line:
    """Other words under the same proposal: the digest no longer binds them."""
    line = story.find("proposal_made", "plain")
    line.lie = lambda body: body.update(action="give_a_voucher")
    return line


def _fewer(story: Story, line: Line) -> Any:
    return line.body["evidence"][:1]


def _verdict_of_another(story: Story, line: Line) -> Any:
    return story.find("verdict_given", "plain").body["verdict"]


def _to(name: str, **amounts: int) -> Callable[[Story, Line], Any]:
    return lambda story, line: [{"member": story.named[name], **amounts}]


FORGERIES: list[tuple[str, Forgery, str]] = [
    # 1. who
    ("an agent approves the award", _decided_by("agent", "agent"), "agent_may_not"),
    ("a role that is not held", _decided_by("accountant", "owner"), "role_missing"),
    ("somebody who never joined", _decided_by("nobody", "manager"), "member_inactive"),
    ("staff grants itself an authority", _power_to_a_friend, "role_missing"),
    ("an agent gets an authority", _power_to_an_agent, "agent_may_not"),
    ("an agent proposes beyond its charter", _beyond_the_charter, "not_in_charter"),
    # 2. when
    ("the outcome before the decision", _waiting_skipped, "transition"),
    # 3. decisions
    ("self-approval by the maker", _decided_by("waiter", "staff", "plain"), "decider_is_maker"),
    ("by the maker of the proposal, not the earner", _decided_by("cook", "staff"), "decider_is_maker"),
    ("another answer than its evidence", _behind_the_word("link_answered", answer="not_resolved"), "as the link"),
    ("another bearer than its evidence", _behind_the_word("link_issued", handed_over_by="cook"), "as the link"),
    ("an effect before the undo time", told("decision_made", "plain", True, effects_at=_at_once), "effects_at"),
    ("a no without its reason", _told_no, "reason_missing"),
    ("an award declined for no known reason", told("award_declined", "ended", reason_code="so"), "reason_unknown"),
    ("a revocation for no known cause", told("award_revoked", "false", cause="so"), "reason_unknown"),
    ("a softer policy under the same digest", _softer_policy, "digest"),
    ("held by a digital employee", by("award_held", "asked", "agent", "agent"), "agent_may_not"),
    ("under another kind's policy", told("case_opened", "plain", True, award_kind="training"), "award_kind"),
    ("a link to the system", told("link_issued", "plain", True, customer="system"), "customer"),
    ("by who attached the evidence", _decided_by("clerk", "staff"), "decider_is_submitter"),
    ("by the earner's second account", _decided_by("double", "manager"), "decider_is_beneficiary"),
    ("a no by the earner's second account", _declined_by_the_earner, "decider_is_beneficiary"),
    ("without an authority", _decided_by("auditor", "auditor"), "no_authority"),
    ("after the authority ended", _decided_by("deputy", "manager"), "no_authority"),
    ("above the authority's amount", _decided_by("junior", "manager"), "no_authority"),
    ("with a weaker sign-in than asked for", _decided_by("cautious", "manager"), "assurance_too_low"),
    ("over another evidence set", _plan("plain", evidence=_fewer), "stale.*evidence"),
    ("over another proposal", _other_proposal, "stale.*proposal"),
    ("over another verdict", _plan("plain", verdict=None), "stale.*verdict"),
    ("under another policy", _plan("plain", policy="ab" * 32), "stale.*policy"),
    ("a replayed nonce", _nonce, "nonce_replayed"),
    ("a wrong root in as_of", _as_of, "as_of"),
    ("after it expired", _late, "expired"),
    ("a changed decision digest", told("decision_made", "plain", digest="cd" * 32), "decision record's digest"),
    ("a second approval while one waits", _second_decision, "already_awarded"),
    ("withdrawn by another person", _withdrawn_by_another, "no_authority"),
    ("another action than the approved one", _acted_otherwise, "not_decided"),
    ("an action taken by a second person", _acted_again, "already_acted"),
    ("fixed without an action", _fixed_by_nobody, "not_decided"),
    ("a proposal reworded", _reworded, "proposal's digest"),
    # 4. evidence
    ("review by the submitter", by("evidence_reviewed", "many", "clerk", "staff", cut=True), "reviewer_is_submitter"),
    ("review by the one who acted", by("evidence_reviewed", "many", "waiter", "staff", cut=True), "reviewer_is_ben"),
    ("review by the actor's second account", by("evidence_reviewed", "many", "double", "manager", cut=True), "r.*ben"),
    ("a second review", _reviewed_twice, "evidence_closed"),
    ("the customer's word typed by staff", _typed_confirmation, "type: expected what staff may say"),
    ("the customer's word without a link", _confirmed_without_link, "link_closed"),
    ("the link answered by another customer", _answered_by_another, "link_closed"),
    ("evidence under another name", told("evidence_attached", "many", cut=True, submitter="system"), "submitter"),
    ("the customer's answer replaced", _replaced, "evidence_closed"),
    ("withdrawn by another person than the submitter", _taken_back, "evidence_closed"),
    ("evidence withdrawn under a live award",
     _under_award("evidence_withdrawn", evidence="item", reason_code="mistaken"), "already_awarded"),
    ("evidence replaced under a live award", _replaced_under_award, "already_awarded"),
    ("closed as not recognised under a live award", _under_award("case_closed", reason_code="not_recognised"),
     "already_awarded"),
    ("closed over an approval that waits", _closed_over_approval, "already_awarded"),
    # 5. verdicts
    ("judged again under a live award", _judged_under_award, "already_awarded"),
    ("a verdict by an agent", by("verdict_given", "plain", "agent", "agent", cut=True), "agent_may_not"),
    ("a verdict that judges differently", _verdict_says(k_evidence=3), "judged again.*k_evidence"),
    ("another output digest", _verdict_says(output_digest="ef" * 32), "judged again.*output"),
    ("another input digest", _verdict_says(input_digest="ef" * 32), "input that was committed"),
    ("a verdict over fewer items", _verdict_says(evidence=_fewer), "evidence that stood"),
    ("a verdict over another outcome", _verdict_says(outcome_seq=3), "over outcome"),
    ("a verdict under another policy", _friendlier_policy, "no_policy"),
    ("the judge shown other facts", _judge_shown(forged_inputs.friendlier_facts), "evidence .* another facts"),
    ("the judge shown another maker", _judge_shown(forged_inputs.other_maker), "another proposal"),
    ("the judge shown less evidence", _judge_shown(forged_inputs.one_item_less), "evidence that stood"),
    ("the judge shown other accounts", _judge_shown(forged_inputs.forgot_second_account), "another member"),
    ("the judge shown another subject", _judge_shown(forged_inputs.other_subject), "another subject"),
    ("the judge shown another tree", _judge_shown(forged_inputs.later_root), "as_of"),
    ("the judge not told of an earlier award", _hidden_award, "award .* of a related case"),
    # 6. awards
    ("an award without a decision", _grant_of("none"), "not_decided"),
    ("an award of a declined decision", _granted_after_no, "not_decided"),
    ("an award of a withdrawn decision", _grant_of("withdrawn"), "decision_withdrawn"),
    ("an award granted twice", _granted_twice, "already_awarded"),
    ("an award granted by a person", by("award_granted", "many", "owner", "owner"), "agent_may_not"),
    ("an award before the undo time is over", _granted_early, "too_early"),
    ("an award of another verdict", _granted_to(verdict=_verdict_of_another), "verdict_outdated"),
    ("changed shares", _granted_to(shares=_to("cook", amount=16)), "shares"),
    ("a changed amount", _granted_to(amount_tokens=17, shares=_to("waiter", amount=17)), "amount_tokens"),
    ("k under the policy's minimum", _too_few_parties, "forgery_number_low"),
    ("another k", _granted_to(k=5), "expected k "),
    ("a shorter window", _granted_to(window_days=1), "window_days"),
    ("an earlier settling", _granted_to(settle_not_before="2026-11-21T00:00:00.000Z"), "settle_not_before"),
    # 7. windows
    ("settled too early", _settled_early, "too_early"),
    ("settled while held", _settled_held, "held"),
    ("settled by hand", _settled_by_hand, "agent_may_not"),
    ("settled twice", _settled_twice, "award_state"),
    ("settled wrongly", told("award_settled", "plain", True, shares=_to("waiter", to_settled=9, to_owed=1)), "share"),
    ("released by the earner's second account", _released_by_earner, "decider_is_beneficiary"),
    ("held by staff", by("award_held", "asked", "cook", "staff", cut=True), "no_authority"),
    ("released by staff", by("award_released", "asked", "cook", "staff", cut=True), "no_authority"),
    ("a release that shortens the window", _shorter_window, "settle_not_before"),
    ("declined by somebody without authority", by("award_declined", "ended", "auditor", "auditor"), "no_authority"),
    ("declined by the earner", by("award_declined", "ended", "double", "manager"), "decider_is_beneficiary"),
    ("revoked by one person", _revoked_by_one, "second_person_needed"),
    ("revoked without a hold", _revoked_unheld, "second_person_needed"),
    ("revoked into another budget", told("award_revoked", "false", budget="pocket"), "budget"),
    # 8. budgets
    ("a budget approved by its setter", by("budget_approved", None, "owner", "owner"), "second_person_needed"),
    ("a budget approved by somebody who may not", by("budget_approved", None, "waiter", "staff"), "no_authority"),
    ("a budget approved over another amount", told("budget_approved", None, amount_tokens=1000), "amount"),
]  # fmt: skip
