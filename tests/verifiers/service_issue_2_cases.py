# ruff: noqa: E501  (a table reads by its lines: one case, one line)
"""One resolved service issue as an input of version 2, and the table of what is changed in it per case.

The venue of service_issue_cases.py. The record says besides that ada did it, and the till knew the guest before. Every
golden case of version 1 is asked again: what its own lines say did not change, what its number says did.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.verifiers import service_issue_cases as first
from tests.verifiers.kit import Case, Json, Kit
from tests.verifiers.service_issue_cases import FREE, TERMS, at, confirmation, handed_over, record

PASS, FAIL, INSUFFICIENT, NEEDS_HUMAN = "pass", "fail", "insufficient", "needs_human"
SET, NAMED, KNOWN = "forgery_number", "work_is_theirs", "customer_known"


def content() -> Json:
    made = first.policy_content()
    made["verifier_version"] = 2
    made["parameters"] |= {"done_by_field": {"complaint": "done_by"}, "customer_known_days": 0}
    made["parameters"]["customer_known_by"] = {"bill": {"paid": [True]}}
    made["parameters"]["evidence_sets"][0]["k_evidence_min"] = 1
    return made


def done(name: str = "rec", by: Any = "ada", **facts: Any) -> Json:
    """The record, which says who did it."""
    return record(name, fields={"status": "closed", "refunded": True, "done_by": by}, **facts)


def bill(name: str = "stay-1", controllers: Json | None = None, review: Any = "ben", **facts: Any) -> Json:
    """An earlier record of the same guest, of something else, by another system."""
    said = {
        "kind": "bill",
        "id": "b-1",
        "event_time": at("12:00", 2),
        "first_event_at": at("11:00", 2),
        "source": "till",
    }
    made = {**record(name, **{**said, "fields": {"paid": True}, **facts}), "seq": 18}
    if controllers is not None:
        made["controllers"] = controllers
    return {**made, "review": None if review is None else {"verdict": "accepted", "by": review}}


def base() -> Json:
    value = first.base()
    value["v"] = 2
    value["policy"]["content"] = content()
    value["facts"]["expected"] = {}
    value["prior"]["earlier"] = []
    value["evidence"] = [done(), confirmation(), bill()]
    return value


def _again(case: first.Case) -> Case:
    """A case of version 1 over the base of this one; an award names whom it recognised."""
    patch = {**case.patch}
    if "prior.awards" in patch:
        patch["prior.awards"] = [{**one, "beneficiaries": []} for one in patch["prior.awards"]]
    if FREE + "evidence_sets" not in patch and "evidence" not in patch:
        patch.setdefault("evidence.2", bill())
    result, line = OTHERWISE.get(case.name, (case.result, case.line))
    return Case(f"as_before_{case.name}", result, line, patch)


NO_GUEST = (INSUFFICIENT, ("evidence_suffices", "lacking_customer_confirmation"))
OTHERWISE: Mapping[str, tuple[str, tuple[str, str]]] = {
    # Two systems that say it is mended do not say by whom, so one person is enough to claim the work of another.
    "two_independent_sources_no_guest": NO_GUEST,
    "case_that_names_no_customer": NO_GUEST,
    "five_or_more": NO_GUEST,
    # One is enough for the policy now; that who earns could have made it all is another line.
    "resolver_imports_and_hands_over": (INSUFFICIENT, ("not_self_made", "resolvers_could_make_it")),
}
"""Golden cases of version 1 that this version answers otherwise."""

UPLOADED = {"any": [{"party": "source:pms"}, {"party": "member:ada"}]}
KEPT_BY_ADA = {"any": [{"party": "source:till"}, {"party": "member:ada"}]}
ALIAS = {"people.kim": {"roles": [], "same_as": "ada"}, "people.lou": {"roles": [], "same_as": "cyn"}}
TWO = {
    FREE + "evidence_sets": [
        {"grades": {"system_record": "E3", "customer_confirmation": "E3"}, "k_evidence_min": 2}
    ]
}
LATER = {"version": 4, "event_time": at("10:50")}

OWN = (
    Case("named_and_known", PASS, (SET, "ok")),
    Case("nobody_named", PASS, (NAMED, "nobody_named"), {"evidence": [record(), confirmation(), bill()]}),
    Case("customer_not_known", PASS, (KNOWN, "customer_not_known"), {"evidence": [done(), confirmation()]}),
    Case("no_customer", INSUFFICIENT, (KNOWN, "no_customer"), {"facts.subject.customer": None, "evidence": [done(customer=None)]}),
    Case("no_field_in_policy", PASS, (NAMED, "no_field_in_policy"), {FREE + "done_by_field": {}}),
    Case("named_by_another_name", PASS, (NAMED, "ok"), {**ALIAS, "evidence.0.facts.fields.done_by": "kim"}),
    Case("named_by_a_second_account", PASS, (NAMED, "ok"), {"evidence.0.facts.fields.done_by": "zoe"}),
    Case("a_name_that_means_nobody_here", PASS, (NAMED, "nobody_named"), {"evidence.0.facts.fields.done_by": "K. Smith"}),
    Case("a_number_is_no_name", PASS, (NAMED, "nobody_named"), {"evidence.0.facts.fields.done_by": 7}),
    Case("another_is_named", NEEDS_HUMAN, (NAMED, "record_names_another"), {"evidence.0.facts.fields.done_by": "cyn"}),
    Case("another_is_named_by_another_name", NEEDS_HUMAN, (NAMED, "record_names_another"), {**ALIAS, "evidence.0.facts.fields.done_by": "lou"}),
    Case("another_is_named_later", NEEDS_HUMAN, (NAMED, "record_names_another"), {"evidence": [done(), done("late", "cyn", **LATER), confirmation(), bill()]}),
    Case("another_is_named_at_the_same_time", NEEDS_HUMAN, (NAMED, "record_names_another"), {"evidence": [done(), done("till", "cyn", source="till"), confirmation(), bill()]}),
    Case("another_is_named_at_the_same_time_by_a_system_that_counts_lower", NEEDS_HUMAN, (NAMED, "record_names_another"), {"evidence": [done(), done("till", "cyn", source="till", version=1), confirmation(), bill()]}),
    Case("another_was_named_by_the_version_before_of_the_same_moment", PASS, (NAMED, "ok"), {"evidence": [done(by="cyn"), done("late", version=4), confirmation(), bill()]}),
    Case("another_was_named_before", PASS, (NAMED, "ok"), {"evidence": [done(by="cyn"), done("late", **LATER), confirmation(), bill()]}),
    Case("owner_is_recognised_for_the_work_of_another", FAIL, (NAMED, "doer_left_out"), {"facts.owner": "cyn", "beneficiaries": ["cyn"]}),
    Case("owner_shares_with_who_did_it", PASS, (NAMED, "ok"), {"facts.owner": "cyn", "beneficiaries": ["ada", "cyn"]}),
    Case("named_because_ben_said_whom_a_name_means", PASS, (SET, "ok"), {"evidence.0.named_by": {"done_by": "ben"}}),
    Case("named_because_its_bearer_said_whom_a_name_means", PASS, (SET, "ok"), {"evidence.0.named_by": {"done_by": "cyn"}, "evidence.1": handed_over("cyn")}),
    Case("somebody_else_said_it_of_another_field", PASS, (SET, "ok"), {"evidence.0.named_by": {"sold_by": "ben"}}),
    Case("raised_by_a_version_of_ones_own", INSUFFICIENT, (SET, "forged_too_easily"), {**TWO, "evidence.0.facts.versions_by": UPLOADED, "evidence.1": handed_over()}),
    Case("raised_by_a_version_of_a_colleague", PASS, (SET, "ok"), {**TWO, "evidence.0.facts.versions_by": {"any": [{"party": "source:pms"}, {"party": "member:cyn"}]}}),
    Case("raised_in_a_source_that_nobody_declared", INSUFFICIENT, (SET, "forged_too_easily"), {**TWO, "evidence.0.facts.versions_by": {"any": [{"party": "source:pms"}, {"party": "system:undeclared"}]}, "evidence.1": handed_over()}),
    Case("known_since_a_version_of_ones_own", INSUFFICIENT, (KNOWN, "known_by_earners_only"), {**TWO, "evidence": [done(), confirmation(), bill(versions_by=KEPT_BY_ADA)]}),
    Case("two_asked_for_and_nobody_named", INSUFFICIENT, (NAMED, "nobody_named"), {**TWO, "evidence": [record(), confirmation(), bill()]}),
    Case("two_asked_for_and_no_field", INSUFFICIENT, (NAMED, "no_field_in_policy"), {**TWO, FREE + "done_by_field": {}}),
    Case("two_asked_for_and_not_known", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation()]}),
    Case("two_asked_for_and_both_there", PASS, (KNOWN, "ok"), TWO),
    Case("three_asked_for", INSUFFICIENT, (SET, "forged_too_easily"), {FREE + "evidence_sets.0.k_evidence_min": 3}),
    Case("above_the_limit_with_both", PASS, (SET, "ok"), {TERMS + "tokens": 150}),
    Case("above_the_limit_with_nobody_named", INSUFFICIENT, (SET, "forged_too_easily"), {TERMS + "tokens": 150, "evidence": [record(), confirmation(), bill()]}),
    Case("known_by_a_record_of_their_own", INSUFFICIENT, (KNOWN, "known_by_earners_only"), {**TWO, "evidence": [done(), confirmation(), bill(controllers=KEPT_BY_ADA)]}),
    Case("known_by_a_record_nobody_looked_at", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), bill(review=None)]}),
    Case("known_by_a_record_that_claims_too_much", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), bill(controllers={"all": [{"party": "source:till"}, {"party": "member:cyn"}]})]}),
    Case("known_by_a_low_grade", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), {**bill(), "grade": "E2"}]}),
    Case("known_by_the_matter_itself", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(first_event_at=at("08:00")), confirmation()]}),
    Case("known_at_the_onset_only", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), bill(first_event_at=at("09:00"))]}),
    Case("known_a_moment_before_the_onset", PASS, (KNOWN, "ok"), {**TWO, "evidence": [done(), confirmation(), bill(first_event_at=first.at_ms("08:59:59.999"))]}),
    Case("known_for_fewer_days_than_asked", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, FREE + "customer_known_days": 18}),
    Case("known_for_as_many_days_as_asked", PASS, (KNOWN, "ok"), {**TWO, FREE + "customer_known_days": 17}),
    Case("another_guest_was_known", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), bill(customer="eve")]}),
    Case("known_by_an_earlier_complaint", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), bill(kind="complaint", fields={"status": "closed", "paid": True})]}),
    Case("known_by_a_bill_that_nobody_paid", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), bill(fields={"paid": False})]}),
    Case("known_by_a_bill_that_says_nothing", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), bill(fields={})]}),
    Case("policy_that_knows_nobody", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, FREE + "customer_known_by": {}}),
    Case("known_by_a_record_that_names_nobody", INSUFFICIENT, (KNOWN, "customer_not_known"), {**TWO, "evidence": [done(), confirmation(), bill(customer=None)]}),
)  # fmt: skip

GOLDEN = (*map(_again, first.GOLDEN), *OWN)

REFUSED: tuple[tuple[str, Mapping[str, Any], str], ...] = (
    ("input_of_version_1", {"v": 1}, "input.v: expected an integer from 2 to 2"),
    ("field_that_is_none", {FREE + "done_by_field": {"complaint": ""}}, "done_by_field.complaint: expected"),
    ("known_by_anything", {FREE + "customer_known_by": {"bill": {}}}, "customer_known_by.bill: expected at least one field"),
    ("days_below_none", {FREE + "customer_known_days": -1}, "customer_known_days: expected an integer from 0 to 366"),
    ("named_by_somebody_unknown", {"evidence.0.named_by": {"done_by": "nobody"}}, "named_by.done_by: expected an id that stands in people"),
    ("versions_by_somebody_unknown", {"evidence.0.facts.versions_by": {"party": "member:nobody"}}, "expected members that stand in people"),
    ("policy_of_version_1", {"policy.content.verifier_version": 1}, "expected a policy of ('service_issue', 2)"),
    ("parameter_left_out", {"policy.content.parameters": first.policy_content()["parameters"]}, "expected exactly the members"),
    ("too_many_persons", {"evidence": [{**record(f"r{n}", version=n + 3, source=f"s{n}"), "seq": 16} for n in range(13)]}, "at most 12 persons"),
)  # fmt: skip

KIT = Kit(
    verifier="service_issue",
    version=2,
    checks=(
        "issue_came_first", "raised_by_another", "proposal_approved", "approver_independent", "action_after_approval",
        "outcome_fixed", "beneficiaries_acted", "not_reopened", "not_split", "not_disputed", "record_agrees",
        "record_attached", "record_changed", "record_state", "record_accepted", "confirmation_answered",
        "confirmation_controlled", "confirmation_accepted", "evidence_suffices", "work_is_theirs", "customer_known",
        "forgery_number", "not_self_made",
    ),
    base=base,
    golden=GOLDEN,
    refused=REFUSED,
    gaming={
        **{line: f"as_before_{name}" for line, name in first.GAMING.items()},
        "the work of a colleague who says nothing, where the system names them": "another_is_named",
        "a complaint of one's own under an address nobody knows, where two are asked for": "two_asked_for_and_not_known",
        "a guest of one's own who only complained before": "known_by_an_earlier_complaint",
        "the work of a colleague, by whoever was given the case": "owner_is_recognised_for_the_work_of_another",
        "an own issue: the record's first version is of who resolves it": "raised_by_a_version_of_ones_own",
        "a guest who was made known by a record of one's own": "known_by_a_record_of_their_own",
    },
    names=("ada", "ben", "cyn", "bot", "zoe", "cus", "pms", "till", "stay-1", "rec", "yes"),
    noise=(
        done("later", **LATER), done("cyns", "cyn"), done("cyns-later", "cyn", **LATER), record("silent"),
        {**done("unseen"), "review": None}, {**done("mine"), "controllers": UPLOADED},
        done("open-later", version=5, event_time=at("10:55"), source="till"),
        record("open", version=4, event_time=at("10:50"), fields={"status": "open"}),
        bill("old"), bill("own", controllers=KEPT_BY_ADA), bill("unread", review=None), bill("others", customer="eve"),
        confirmation("no", answer="not_resolved"), handed_over(), handed_over("cyn"),
        {**record("word"), "type": "statement", "grade": "E1", "facts": {}},
    ),
)  # fmt: skip
