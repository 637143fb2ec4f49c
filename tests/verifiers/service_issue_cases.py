# ruff: noqa: E501  (a table reads by its lines: one case, one line)
"""One resolved service issue as a verdict input, and the table of what is changed in it per case.

The venue: ada waits tables, ben leads the shift, cyn keeps the books; cus is a guest, pms the booking system. `zoe` is a
second account of ada, `bot` a digital employee. Expected results are written by hand; the bytes are frozen from them.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from verifiers.policy import policy_digest

Json = dict[str, Any]
DROP = object()


def at(clock: str, day: int = 20) -> str:
    return f"2026-11-{day:02d}T{clock}:00.000Z"


def at_ms(clock: str, day: int = 20) -> str:
    """`10:00:00.001`, for the edges."""
    return f"2026-11-{day:02d}T{clock}Z"


def policy_content() -> Json:
    return {
        "v": 1,
        "id": "service_issue",
        "version": 1,
        "verifier": "service_issue",
        "verifier_version": 1,
        "award_kind": "service_issue",
        "terms": {"tokens": 20, "window_days": 14, "tokens_limit": 100, "k_min": 2, "k_min_above": 3},
        "parameters": {
            "evidence_sets": [
                {"grades": {"system_record": "E3", "customer_confirmation": "E3"}, "k_evidence_min": 2},
                {"grades": {"system_record": "E3"}, "k_evidence_min": 2},
            ],
            "record_state": {"complaint": {"status": ["closed", "resolved"], "refunded": [True]}},
            "record_changed_after": "approval",
            "path_seconds_min": 120,
            "split_hours": 72,
            "clock_skew_seconds_max": 300,
            "share_weights": {"took_action": 3, "owned": 2, "proposed": 1},
        },
    }


def record(name: str = "rec", **facts: Any) -> Json:
    return {
        "id": name,
        "type": "system_record",
        "grade": "E3",
        "seq": 16,
        "attached_at": at("11:00"),
        "received_at": at("11:00"),
        "submitter": "member:ada",
        "controllers": {"party": "source:" + facts.get("source", "pms")},
        "commitments": {"content": "c" * 64, "facts": "f" * 64},
        "facts": {
            "kind": "complaint",
            "id": "4711",
            "version": 3,
            "event_time": at("10:20"),
            "first_event_at": at("09:00"),
            "customer": "cus",
            "source": "pms",
            "fields": {"status": "closed", "refunded": True, "note": "Suppe war kalt"},
            **facts,
        },
        "review": {"verdict": "accepted", "by": "ben"},
    }


def confirmation(name: str = "yes", **facts: Any) -> Json:
    return {
        "id": name,
        "type": "customer_confirmation",
        "grade": "E3",
        "seq": 17,
        "attached_at": at("12:00"),
        "received_at": at("12:00"),
        "submitter": "customer:cus",
        "controllers": {"any": [{"party": "customer:cus"}, {"party": "system:mail"}]},
        "commitments": {"facts": "a" * 64},
        "facts": {
            "link": "link-1",
            "case": "case-1",
            "customer": "cus",
            "issued_at": at("11:05"),
            "handed_over_by": None,
            "address_known_before_case": True,
            "answered_at": at("12:00"),
            "answer": "resolved",
            **facts,
        },
        "review": {"verdict": "accepted", "by": "ben"},
    }


def handed_over(by: str = "ada", **facts: Any) -> Json:
    item = confirmation("card", handed_over_by=by, address_known_before_case=False, link="link-2", **facts)
    return {**item, "controllers": {"any": [{"party": "customer:cus"}, {"party": f"member:{by}"}]}}


def subject(name: str = "4711", customer: str | None = "cus") -> Json:
    return {"kind": "complaint", "id": name, "customer": customer}


def prior_award(case: str, **changed: Any) -> Json:
    return {
        "award": "award-0",
        "case": case,
        "kind": "service_issue",
        "playbook": "complaint-to-escalate",
        "subject": subject(),
        "state": "settled",
        "at": at("08:00", 19),
        **changed,
    }


def base() -> Json:
    """A plain pass: signal, proposal by ada, approved by ben, done by ada, record closed, guest says yes."""
    person: Json = {"roles": ["member"], "same_as": None}
    return {
        "v": 1,
        "log": "tallystick.test/7",
        "case": "case-1",
        "as_of": {"size": 30, "root": "0" * 64},
        "policy": {"digest": "", "content": policy_content()},
        "facts": {
            "origin": "signal",
            "onset": at("09:00"),
            "opened_at": at("09:05"),
            "opened_seq": 10,
            "opened_by": "system",
            "subject": subject(),
            "playbook": {"id": "complaint-to-escalate", "digest": "b" * 64},
            "owner": "ada",
            "proposal": {"id": "prop-1", "digest": "d" * 64, "maker": "ada", "seq": 12},
            "action_decision": {
                "seq": 14,
                "at": at("10:00"),
                "approver": "ben",
                "verb": "approved",
                "proposal_digest": "d" * 64,
            },
            "action_taken": {"seq": 15, "at": at("10:30"), "by": "ada"},
        },
        "outcome": {"resolution": "fixed", "seq": 20, "recorded_at": at("12:10"), "recorded_by": "ada"},
        "evidence": [record(), confirmation()],
        "beneficiaries": ["ada"],
        "people": {
            "ada": dict(person),
            "ben": dict(person),
            "cyn": dict(person),
            "bot": {"roles": ["agent"], "same_as": None},
            "zoe": {"roles": ["member"], "same_as": "ada"},
        },
        "prior": {"awards": [], "reopened": []},
    }


def changed(patch: Mapping[str, Any], start: Json | None = None) -> Json:
    """Return the base input with members replaced; a path is dotted, digits are list places."""
    value = copy.deepcopy(base() if start is None else start)
    for path, new in patch.items():
        *way, last = path.split(".")
        at_: Any = value
        for step in way:
            at_ = at_[int(step)] if isinstance(at_, list) else at_[step]
        key: Any = int(last) if isinstance(at_, list) else last
        if new is DROP:
            del at_[key]
        else:
            at_[key] = copy.deepcopy(new)
    if "policy.digest" not in patch:
        value["policy"]["digest"] = policy_digest(value["policy"]["content"])
    return value


@dataclass(frozen=True)
class Case:
    """`line` is (check id, its reason) that decides; for a pass a check worth seeing."""

    name: str
    result: str
    line: tuple[str, str]
    patch: Mapping[str, Any] = field(default_factory=dict)

    def input(self) -> Json:
        return changed(self.patch)


TERMS = "policy.content.terms."
FREE = "policy.content.parameters."
TWO_SOURCES = [record(), {**record("till", source="till"), "seq": 18}]
BY_HAND = [record(), handed_over()]
IMPORTED = {"any": [{"party": "source:pms"}, {"party": "member:ada"}]}
REFUSED_BY_BEN = {"verdict": "refused", "by": "ben"}

PASSING = (
    Case("record_and_guest_by_known_address", "pass", ("forgery_number", "ok")),
    Case("three_person_shop_link_handed_over", "pass", ("confirmation_controlled", "ok"), {"evidence": BY_HAND}),
    Case("two_independent_sources_no_guest", "pass", ("evidence_suffices", "ok"), {"evidence": TWO_SOURCES}),
    Case("report_by_a_colleague", "pass", ("raised_by_another", "ok"), {"facts.origin": "report", "facts.opened_by": "cyn"}),
    Case("claim_backed_by_an_older_record", "pass", ("evidence_suffices", "ok"), {"facts.origin": "claim", "facts.opened_by": "ada"}),
    Case(
        "two_people_share",
        "pass",
        ("beneficiaries_acted", "ok"),
        {"beneficiaries": ["cyn", "ada"], "facts.owner": "cyn"},
    ),
    Case("above_limit_with_three_sides", "pass", ("forgery_number", "ok"), {TERMS + "tokens": 150}),
    Case(
        "old_dispute_before_the_last_action",
        "pass",
        ("not_disputed", "ok"),
        {"evidence": [record(), confirmation(), confirmation("no", answer="not_resolved", answered_at=at("10:10"))]},
    ),
    Case("earlier_award_was_revoked", "pass", ("not_split", "ok"), {"prior.awards": [prior_award("case-0", state="revoked")]}),
    Case("earlier_award_long_ago", "pass", ("not_split", "ok"), {"prior.awards": [prior_award("case-0", at=at("08:00", 16))]}),
    Case("a_file_beside_it_changes_nothing", "pass", ("evidence_suffices", "ok"),
         {"evidence": [record(), confirmation(), {**record("photo"), "type": "file", "grade": "E1",
                                                  "facts": {"media_type": "image/jpeg", "size_bytes": 9}}]}),
    Case("a_photo_beside_it_changes_nothing", "pass", ("evidence_suffices", "ok"),
         {"evidence": [record(), confirmation(), {**record("photo"), "type": "photo", "grade": "E2", "facts": {
             "media_type": "image/jpeg", "size_bytes": 9, "width_px": 4, "height_px": 3, "how": "camera",
             "captured_at": at("10:50"), "nonce_issued_at": at("10:40"), "name": None}}]}),
)  # fmt: skip

FAILING = (
    Case("action_before_issue", "fail", ("issue_came_first", "action_before_issue"), {"facts.opened_seq": 16}),
    Case("raised_by_its_resolver", "fail", ("raised_by_another", "raised_by_resolver"), {"facts.origin": "report", "facts.opened_by": "ada"}),
    Case("raised_by_second_account", "fail", ("raised_by_another", "raised_by_resolver"), {"facts.origin": "report", "facts.opened_by": "zoe"}),
    Case("customer_is_the_resolver", "fail", ("raised_by_another", "customer_is_resolver"),
         {"people.cus": {"roles": ["customer"], "same_as": "ada"}}),
    Case("declined_action", "fail", ("proposal_approved", "declined"), {"facts.action_decision.verb": "declined"}),
    Case("proposal_changed_after_yes", "fail", ("proposal_approved", "proposal_changed"), {"facts.proposal.digest": "e" * 64}),
    Case("decided_before_proposed", "fail", ("proposal_approved", "decided_before_proposed"), {"facts.proposal.seq": 14}),
    Case("maker_approves", "fail", ("approver_independent", "approver_is_maker"), {"facts.action_decision.approver": "zoe"}),
    Case("beneficiary_approves", "fail", ("approver_independent", "approver_benefits"),
         {"facts.proposal.maker": "cyn", "facts.action_decision.approver": "ada"}),
    Case("agent_approves", "fail", ("approver_independent", "approver_is_agent"), {"facts.action_decision.approver": "bot"}),
    Case("action_before_approval", "fail", ("action_after_approval", "action_before_approval"), {"facts.action_taken.seq": 13}),
    Case("outcome_accepted_risk", "fail", ("outcome_fixed", "not_fixed"), {"outcome.resolution": "accepted_risk"}),
    Case("outcome_before_action", "fail", ("outcome_fixed", "outcome_before_action"), {"outcome.recorded_at": at("10:29")}),
    Case("credit_to_a_bystander", "fail", ("beneficiaries_acted", "beneficiary_did_nothing"), {"beneficiaries": ["ada", "cyn"]}),
    Case("credit_to_an_agent", "fail", ("beneficiaries_acted", "beneficiary_is_agent"), {"beneficiaries": ["bot"], "facts.owner": "bot"}),
    Case("credit_to_one_person_twice", "fail", ("beneficiaries_acted", "one_person_twice"),
         {"beneficiaries": ["ada", "zoe"], "facts.owner": "zoe"}),
    Case("nobody_to_credit", "fail", ("beneficiaries_acted", "no_beneficiary"), {"beneficiaries": []}),
    Case("reopened_in_window", "fail", ("not_reopened", "reopened"),
         {"prior.reopened": [{"case": "case-1", "playbook": None, "subject": subject("x", None), "at": at("09:00", 28)}]}),
    Case("returned_under_another_cause", "fail", ("not_reopened", "reopened"),
         {"prior.reopened": [{"case": "case-2", "playbook": "other", "subject": subject(), "at": at("09:00", 28)}]}),
    Case("returned_as_another_ticket", "fail", ("not_reopened", "reopened"),
         {"prior.reopened": [{"case": "case-2", "playbook": "complaint-to-escalate", "subject": subject("4712"), "at": at("09:00", 28)}]}),
    Case("split_into_two", "fail", ("not_split", "split"), {"prior.awards": [prior_award("case-0")]}),
    Case("awarded_twice", "fail", ("not_split", "already_awarded"), {"prior.awards": [prior_award("case-1", at=at("08:00", 1))]}),
    Case("guest_says_no", "fail", ("not_disputed", "customer_says_not_resolved"),
         {"evidence": [record(), {**confirmation("no", answer="not_resolved"), "review": REFUSED_BY_BEN}, handed_over()]}),
    Case("guest_only_says_no", "fail", ("confirmation_answered", "not_resolved"), {"evidence.1.facts.answer": "not_resolved"}),
    Case("record_still_open", "fail", ("record_state", "other_state"), {"evidence.0.facts.fields.status": "open"}),
    Case("record_without_the_field", "fail", ("record_state", "field_absent"),
         {FREE + "record_state": {"complaint": {"open_until": [None]}}}),
    Case("later_record_shows_open", "fail", ("record_agrees", "later_state_differs"),
         {"evidence": [record(), confirmation(), record("open", version=4, event_time=at("10:50"), fields={"status": "open"})]}),
)  # fmt: skip

LACKING = (
    Case("no_evidence", "insufficient", ("record_attached", "nothing_left"), {"evidence": []}),
    Case("record_alone_is_one_party", "insufficient", ("evidence_suffices", "lacking_customer_confirmation"), {"evidence": [record()]}),
    Case("guest_alone", "insufficient", ("record_attached", "nothing_left"), {"evidence": [confirmation()]}),
    Case("one_source_where_two_are_asked", "insufficient", ("forgery_number", "forged_too_easily"),
         {"evidence": [record(), record("again", version=4)], FREE + "evidence_sets": [{"grades": {"system_record": "E3"}, "k_evidence_min": 2}]}),
    Case("no_action_yet", "insufficient", ("issue_came_first", "no_action"), {"facts.action_taken": None}),
    Case("no_proposal", "insufficient", ("proposal_approved", "no_proposal"), {"facts.proposal": None}),
    Case("no_decision", "insufficient", ("proposal_approved", "no_decision"), {"facts.action_decision": None}),
    Case("record_of_another_subject", "insufficient", ("record_attached", "another_subject"), {"evidence.0.facts.id": "4712"}),
    Case("record_of_another_customer", "insufficient", ("record_attached", "another_subject"), {"evidence.0.facts.customer": "eve"}),
    Case("record_taken_before_action", "insufficient", ("record_attached", "taken_before_action"), {"evidence.0.attached_at": at("10:29")}),
    Case("record_from_the_future", "insufficient", ("record_attached", "from_the_future"), {"evidence.0.facts.event_time": at("11:06")}),
    Case("record_unchanged_since_approval", "insufficient", ("record_changed", "not_changed_since"), {"evidence.0.facts.event_time": at("09:59")}),
    Case("closed_in_passing", "insufficient", ("record_changed", "closed_in_passing"),
         {FREE + "record_changed_after": "onset", "evidence.0.facts.event_time": at("09:06")}),
    Case("record_unreviewed", "insufficient", ("record_accepted", "unreviewed"), {"evidence.0.review": None}),
    Case("record_refused", "insufficient", ("record_accepted", "refused"), {"evidence.0.review": REFUSED_BY_BEN}),
    Case("reviewed_by_its_submitter", "insufficient", ("record_accepted", "reviewed_by_submitter"), {"evidence.0.review.by": "zoe"}),
    Case("reviewed_by_a_beneficiary", "insufficient", ("confirmation_accepted", "reviewer_benefits"), {"evidence.1.review.by": "ada"}),
    Case("reviewed_by_an_agent", "insufficient", ("confirmation_accepted", "reviewer_is_agent"), {"evidence.1.review.by": "bot"}),
    Case("reviewed_by_its_bearer", "insufficient", ("confirmation_accepted", "reviewed_by_bearer"),
         {"evidence": [record(), handed_over("ben")]}),
    Case("record_claims_too_much", "insufficient", ("record_accepted", "controllers_overstated"),
         {"evidence.0.controllers": {"all": [{"party": "source:pms"}, {"party": "member:cyn"}]}}),
    Case("record_grade_too_low", "insufficient", ("evidence_suffices", "lacking_system_record"), {"evidence.0.grade": "E1"}),
    Case("answer_of_another_guest", "insufficient", ("confirmation_answered", "another_customer"), {"evidence.1.facts.customer": "eve"}),
    Case("link_of_another_case", "insufficient", ("confirmation_answered", "another_case"), {"evidence.1.facts.case": "case-0"}),
    Case("link_older_than_case", "insufficient", ("confirmation_answered", "link_older_than_case"), {"evidence.1.facts.issued_at": at("09:04")}),
    Case("answered_before_action", "insufficient", ("confirmation_answered", "answered_before_action"),
         {"evidence.1.facts.issued_at": at("10:05"), "evidence.1.facts.answered_at": at("10:29")}),
    Case("answered_after_received", "insufficient", ("confirmation_answered", "from_the_future"), {"evidence.1.facts.answered_at": at("12:06")}),
    Case("address_typed_in_during_the_case", "insufficient", ("confirmation_controlled", "address_not_known_before"),
         {"evidence.1.facts.address_known_before_case": False}),
    Case("bearer_left_out_of_controllers", "insufficient", ("confirmation_controlled", "bearer_not_named"), {"evidence.1.facts.handed_over_by": "ada"}),
    Case("sender_left_out_of_controllers", "insufficient", ("confirmation_controlled", "sender_not_named"),
         {"evidence.1.controllers": {"party": "customer:cus"}}),
    Case("resolver_imports_and_hands_over", "insufficient", ("forgery_number", "forged_too_easily"),
         {"evidence": [{**record(), "controllers": IMPORTED}, handed_over()]}),
    Case("two_resolvers_make_it_all", "insufficient", ("not_self_made", "resolvers_could_make_it"),
         {"evidence": [{**record(), "controllers": IMPORTED}, handed_over("cyn")], "beneficiaries": ["ada", "cyn"], "facts.owner": "cyn"}),
    Case("claim_on_a_record_born_after", "insufficient", ("evidence_suffices", "claim_not_backed"),
         {"facts.origin": "claim", "facts.opened_by": "ada", "evidence.0.facts.first_event_at": at("10:31")}),
    Case("claim_on_an_own_record", "insufficient", ("evidence_suffices", "claim_not_backed"),
         {"facts.origin": "claim", "facts.opened_by": "ada", "evidence.0.controllers": IMPORTED}),
    Case("other_kind_than_the_policy_knows", "insufficient", ("record_state", "no_state_in_policy"),
         {"facts.subject.kind": "booking", "evidence.0.facts.kind": "booking"}),
    Case("above_limit_three_needed_of_one", "insufficient", ("forgery_number", "forged_too_easily"),
         {TERMS + "tokens": 150, FREE + "evidence_sets": [{"grades": {"system_record": "E3"}, "k_evidence_min": 1}]}),
)  # fmt: skip

UNDECIDED = (
    Case("copies_of_one_version_differ", "needs_human", ("record_agrees", "copies_differ"),
         {"evidence": [record(), confirmation(), record("copy", fields={"status": "resolved", "refunded": True})]}),
    Case("later_open_record_unreviewed", "needs_human", ("record_agrees", "later_state_unreviewed"),
         {"evidence": [record(), confirmation(), {**record("open", version=4, event_time=at("10:50"), fields={"status": "open"}), "review": None}]}),
)  # fmt: skip

REFUSED: tuple[tuple[str, Mapping[str, Any], str], ...] = (
    ("unknown_member", {"facts.weather": "rain"}, "input.facts: expected exactly the members"),
    ("missing_member", {"outcome.seq": DROP}, "missing ['seq']"),
    ("unknown_evidence_type", {"evidence.0.type": "hearsay"}, "input.evidence[0].type: expected one of"),
    ("unknown_fact", {"evidence.1.facts.mood": "happy"}, "input.evidence[1].facts: expected exactly"),
    ("wrong_type", {"evidence.0.facts.version": "3"}, "version: expected an integer"),
    ("bool_is_no_integer", {"facts.opened_seq": True}, "opened_seq: expected an integer"),
    ("unknown_member_of_staff", {"facts.owner": "eve"}, "input.facts.owner: expected an id that stands in people"),
    ("unknown_controller", {"evidence.0.controllers": {"party": "member:eve"}}, "expected members that stand in people"),
    ("step_not_yet_written", {"facts.opened_seq": 30}, "expected an integer from 0 to 29"),
    ("one_id_twice", {"evidence": [record(), record()]}, "expected evidence ids that differ"),
    ("policy_digest_of_another", {"policy.digest": "0" * 64}, "input.policy.digest: expected the digest of the content"),
    ("policy_of_another_verifier", {"policy.content.verifier": "handover"}, "expected a policy of ('service_issue', 1)"),
    ("k_below_two", {TERMS + "k_min": 1}, "policy.terms.k_min: expected an integer from 2"),
    ("an_assertion_suffices", {FREE + "evidence_sets.0.grades.system_record": "E0"}, "expected one of ['E1'"),
    ("empty_formula", {"evidence.0.controllers": {"any": []}}, "expected a list of 1 to 64 items"),
    ("no_such_day", {"facts.onset": "2026-02-30T00:00:00.000Z"}, "input.facts.onset: expected an instant"),
    ("too_much_evidence", {"evidence": [record(str(n)) for n in range(33)]}, "expected a list of 0 to 32 items"),
    ("too_many_persons",
     {"evidence": [{**record(f"r{n}", version=n + 3, source=f"s{n}"), "seq": 16} for n in range(13)]}, "at most 12 persons"),
)  # fmt: skip


def returned(when: str, case: str = "case-2", playbook: str | None = "other", **about: Any) -> Json:
    return {"prior.reopened": [{"case": case, "playbook": playbook, "subject": subject(**about), "at": when}]}


NO = {"answer": "not_resolved"}
OPEN = {"status": "open", "refunded": False}
CAUSE = "complaint-to-escalate"
ALONE = {"facts.subject.customer": None, "evidence": TWO_SOURCES}
ONE_INSTANT = {
    **{
        path: at("10:00") for path in ("facts.opened_at", "facts.action_decision.at", "facts.action_taken.at")
    },
    **{
        path: at("10:00")
        for path in ("outcome.recorded_at", "evidence.0.attached_at", "evidence.1.received_at")
    },
    **{"evidence.1.facts." + name: at("10:00") for name in ("issued_at", "answered_at")},
    "evidence.0.facts.event_time": at("10:00"),
    "facts.onset": at("09:59"),
}

EDGES = (
    Case("everything_at_one_instant", "pass", ("record_changed", "ok"), ONE_INSTANT),
    Case("imported_before_done_was_said", "pass", ("record_attached", "ok"), {"evidence.0.received_at": at("10:21")}),
    Case("noticed_the_moment_it_began", "pass", ("issue_came_first", "ok"), {"facts.onset": at("09:05")}),
    Case("one_step_cannot_be_both_opening_and_action", "fail", ("issue_came_first", "action_before_issue"), {"facts.opened_seq": 15}),
    Case("one_step_cannot_be_both_approval_and_action", "fail", ("action_after_approval", "action_before_approval"), {"facts.action_taken.seq": 14}),
    Case("action_a_moment_before_approval", "fail", ("action_after_approval", "action_before_approval"), {"facts.action_taken.at": at_ms("09:59:59.999")}),
    Case("record_ahead_by_the_whole_skew", "pass", ("record_attached", "ok"), {"evidence.0.facts.event_time": at("11:05")}),
    Case("record_ahead_by_more", "insufficient", ("record_attached", "from_the_future"), {"evidence.0.facts.event_time": at_ms("11:05:00.001")}),
    Case("answer_ahead_by_the_whole_skew", "pass", ("confirmation_answered", "ok"), {"evidence.1.facts.answered_at": at("12:05")}),
    Case("answer_ahead_by_more", "insufficient", ("confirmation_answered", "from_the_future"), {"evidence.1.facts.answered_at": at_ms("12:05:00.001")}),
    Case("record_from_the_onset_itself", "insufficient", ("record_changed", "not_changed_since"),
         {FREE + "record_changed_after": "onset", "facts.onset": at("09:05"), "evidence.0.facts.event_time": at("09:05"), FREE + "path_seconds_min": 0}),
    Case("closed_after_exactly_two_minutes", "pass", ("record_changed", "ok"),
         {FREE + "record_changed_after": "onset", "evidence.0.facts.event_time": at("09:07")}),
    Case("closed_a_moment_sooner", "insufficient", ("record_changed", "closed_in_passing"),
         {FREE + "record_changed_after": "onset", "evidence.0.facts.event_time": at_ms("09:06:59.999")}),
    Case("policy_wants_a_version_after_the_action", "insufficient", ("record_changed", "not_changed_since"), {FREE + "record_changed_after": "action"}),
    Case("returned_at_the_action", "fail", ("not_reopened", "reopened"), returned(at("10:30"))),
    Case("returned_before_the_action", "pass", ("not_reopened", "ok"), returned(at("10:29"))),
    Case("returned_at_the_end_of_the_window", "fail", ("not_reopened", "reopened"), returned("2026-12-04T12:10:00.000Z")),
    Case("returned_after_the_window", "pass", ("not_reopened", "ok"), returned("2026-12-04T12:10:00.001Z")),
    Case("another_matter_opened", "pass", ("not_reopened", "ok"), returned(at("09:00", 28), name="x", customer="eve")),
    Case("same_guest_another_cause", "pass", ("not_reopened", "ok"), returned(at("09:00", 28), name="x")),
    Case("same_cause_another_guest", "pass", ("not_reopened", "ok"), returned(at("09:00", 28), playbook=CAUSE, name="x", customer="eve")),
    Case("no_playbook_is_no_common_cause", "pass", ("not_reopened", "ok"), {**returned(at("09:00", 28), playbook=None, name="x"), "facts.playbook": None}),
    Case("award_of_another_kind", "pass", ("not_split", "ok"), {"prior.awards": [prior_award("case-0", kind="training")]}),
    Case("award_of_another_matter", "pass", ("not_split", "ok"), {"prior.awards": [prior_award("case-0", subject=subject("x", "eve"))]}),
    Case("award_exactly_72_hours_before", "fail", ("not_split", "split"), {"prior.awards": [prior_award("case-0", at=at("12:10", 17))]}),
    Case("award_a_moment_earlier", "pass", ("not_split", "ok"), {"prior.awards": [prior_award("case-0", at=at_ms("12:09:59.999", 17))]}),
    Case("record_that_names_no_customer", "pass", ("record_attached", "ok"), {"evidence.0.facts.customer": None}),
    Case("case_that_names_no_customer", "pass", ("record_attached", "ok"), ALONE),
    Case("anybody_may_dispute_where_no_customer_is_named", "fail", ("not_disputed", "customer_says_not_resolved"),
         {**ALONE, "evidence": [*TWO_SOURCES, confirmation("no", customer="eve", **NO)]}),
    Case("dispute_at_the_action", "fail", ("not_disputed", "customer_says_not_resolved"),
         {"evidence": [record(), confirmation(), confirmation("no", answered_at=at("10:30"), **NO)]}),
    Case("dispute_without_an_action", "insufficient", ("not_disputed", "ok"), {"facts.action_taken": None, "evidence": [confirmation("no", **NO)]}),
    Case("dispute_of_another_case", "pass", ("not_disputed", "ok"), {"evidence": [record(), confirmation(), confirmation("no", case="case-0", **NO)]}),
    Case("dispute_by_another_guest", "pass", ("not_disputed", "ok"), {"evidence": [record(), confirmation(), confirmation("no", customer="eve", **NO)]}),
    Case("later_open_record_was_refused", "pass", ("record_agrees", "ok"),
         {"evidence": [record(), confirmation(), {**record("open", version=4, event_time=at("10:50"), fields=OPEN), "review": REFUSED_BY_BEN}]}),
    Case("later_open_record_of_another_subject", "pass", ("record_agrees", "ok"),
         {"evidence": [record(), confirmation(), record("open", id="4712", version=4, event_time=at("10:50"), fields=OPEN)]}),
    Case("open_record_taken_before_the_action", "pass", ("record_agrees", "ok"),
         {"evidence": [record(), confirmation(), {**record("open", version=4, event_time=at("10:25"), fields=OPEN), "attached_at": at("10:29")}]}),
    Case("open_record_of_before", "pass", ("record_agrees", "ok"),
         {"evidence": [record(), confirmation(), record("open", version=2, event_time=at("10:10"), fields=OPEN)]}),
    Case("open_record_unchanged_since_approval", "insufficient", ("record_agrees", "ok"),
         {"evidence": [record(event_time=at("09:59"), fields=OPEN), confirmation()]}),
    Case("two_sources_disagree_at_one_moment", "fail", ("record_agrees", "later_state_differs"),
         {"evidence": [record(), confirmation(), record("open", source="till", fields=OPEN)]}),
    Case("copy_of_another_subject_may_differ", "pass", ("record_agrees", "ok"),
         {"evidence": [record(), confirmation(), record("copy", id="4712", fields=OPEN)]}),
    Case("claim_on_a_record_as_old_as_the_action", "insufficient", ("evidence_suffices", "claim_not_backed"),
         {"facts.origin": "claim", "facts.opened_by": "ada", "evidence.0.facts.first_event_at": at("10:30")}),
    Case("nearest_set_is_the_one_begun", "insufficient", ("forgery_number", "forged_too_easily"),
         {"evidence": [record()], FREE + "evidence_sets": [{"grades": {"customer_confirmation": "E3"}, "k_evidence_min": 2},
                                                           {"grades": {"system_record": "E3"}, "k_evidence_min": 2}]}),
    Case("five_or_more", "pass", ("forgery_number", "ok"), {"evidence": [record(f"r{n}", source=f"s{n}") for n in range(5)]}),
    Case("weights_of_nothing_still_share", "pass", ("beneficiaries_acted", "ok"),
         {FREE + "share_weights": {"took_action": 0, "owned": 0, "proposed": 0}}),
    Case("long_record_is_shown_short", "fail", ("record_state", "other_state"),
         {"evidence.0.facts.fields": {"note": "x" * 400, "status": "open"}}),
)  # fmt: skip

GOLDEN = (*PASSING, *FAILING, *LACKING, *UNDECIDED, *EDGES)

# recognition 2.4, one line each -> the case that tries it. Two lines are no verifier's: cherry-picking (value is set by
# the policy, not by the resolver) and a call-back in a random audit.
GAMING = {
    "close early, the issue comes back": "reopened_in_window",
    "close early, in passing": "closed_in_passing",
    "split one issue into five": "split_into_two",
    "award the same case again": "awarded_twice",
    "raise own tickets": "raised_by_its_resolver",
    "raise own tickets by a second account": "raised_by_second_account",
    "raise own tickets as a customer": "customer_is_the_resolver",
    "press the customer: a no is hidden by refusing it": "guest_says_no",
    "answer the link oneself": "resolver_imports_and_hands_over",
    "answer the link oneself, sent to a new address": "address_typed_in_during_the_case",
    "re-use a confirmation of another case": "link_of_another_case",
    "re-label the cause to dodge the match": "returned_under_another_cause",
    "swap credits": "credit_to_a_bystander",
    "two colleagues make it all up": "two_resolvers_make_it_all",
    "claim an issue that nobody had": "claim_on_a_record_born_after",
}
