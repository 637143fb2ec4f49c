# ruff: noqa: E501  (a table reads by its lines: one case, one line)
"""One referral as a verdict input, and the table of what is changed in it per case.

ada refers a guest on 1 October; ben finds them fitting; they pay on 10 October and agree by a link. Judged on 20 November.
"""

from __future__ import annotations

from typing import Any

from tests.verifiers.kit import (
    FAIL,
    INSUFFICIENT,
    PASS,
    Case,
    Json,
    Kit,
    clock,
    item,
    prior_award,
    routine_input,
)

GUEST = "a" * 64
SUBJECT = {"kind": "referral", "id": GUEST, "customer": GUEST}
FREE = "policy.content.parameters."
OCTOBER = "2026-10-{:02d}T12:00:00.000Z"


def content() -> Json:
    return {
        "v": 1, "id": "referral", "version": 1, "verifier": "referral", "verifier_version": 1, "award_kind": "referral",
        "terms": {"tokens": 20, "window_days": 30, "tokens_limit": 100, "k_min": 2, "k_min_above": 3},
        "parameters": {
            "evidence_sets": [
                {"grades": {"system_record": "E3", "customer_confirmation": "E3"}, "k_evidence_min": 1},
                {"grades": {"system_record": "E3", "signed_mail": "E4"}, "k_evidence_min": 1},
            ],
            "records": {
                "customer": {"kind": "lead", "qualified": {"status": ["qualified"]}, "by_field": "owner", "won": {"status": ["paid"]}, "days_min": 30},
                "candidate": {"kind": "candidate", "qualified": {"status": ["interviewed"]}, "by_field": "interviewer", "won": {"status": ["started"]}, "days_min": 90},
            },
        },
    }  # fmt: skip


def record(
    name: str = "rec",
    status: Any = "paid",
    day: int = 10,
    first: str = OCTOBER.format(2),
    controllers: Json | None = None,
    review: Json | None = None,
    kind: str = "lead",
    record: str = "l-1",
    customer: str | None = GUEST,
    **fields: Any,
) -> Json:
    said = {
        "kind": kind, "id": record, "version": day, "event_time": OCTOBER.format(day), "first_event_at": first, "customer": customer,
        "source": "crm", "fields": {"status": status, "owner": "ben", **fields},
    }  # fmt: skip
    return item(
        name,
        "system_record",
        "E3",
        15,
        clock("11:00"),
        "member:ada",
        controllers or {"party": "source:crm"},
        said,
        review,
    )


def consent(
    name: str = "yes",
    answer: str = "resolved",
    by: str = GUEST,
    at: str = OCTOBER.format(3),
    case: str = "case-1",
    review: Json | None = None,
    **facts: Any,
) -> Json:
    said = {
        "link": "link-1", "case": case, "customer": by, "issued_at": OCTOBER.format(2), "handed_over_by": "ben", "address_known_before_case": False,
        "answered_at": at, "answer": answer, **facts,
    }  # fmt: skip
    return item(
        name,
        "customer_confirmation",
        "E3",
        16,
        at,
        f"customer:{by}",
        {"any": [{"party": f"customer:{by}"}, {"party": "member:ben"}]},
        said,
        review,
    )


def mail(
    name: str = "mail",
    sender: str = GUEST,
    reference: bool = True,
    case: str = "case-1",
    received: str = OCTOBER.format(4),
    review: Json | None = None,
) -> Json:
    said: Json = {
        "domain": "example.org", "selector": "s1", "algorithm": "ed25519-sha256", "key": "v=DKIM1; k=ed25519; p=AAAA", "key_seen_at": received, "signed_at": None,
        "expires_at": None, "sent_at": received, "from": sender, "to": [], "message": "b" * 64, "reference": reference, "case": case, "size_bytes": 900,
    }  # fmt: skip
    formula = {"any": [{"party": f"customer:{sender}"}, {"party": "system:mail:example.org"}]}
    return item(name, "signed_mail", "E4", 17, received, "member:ada", formula, said, review)


def base() -> Json:
    return routine_input(
        "referral", content(), origin="claim", subject=SUBJECT, expected={"kind": "customer", "referred": GUEST},
        opened_at=OCTOBER.format(1), opened_by="ada", done_at=clock("12:00"), evidence=[record(), consent()],
    )  # fmt: skip


ACCEPTED = {"verdict": "accepted", "by": "cyn"}
REFUSED_BY_CYN = {"verdict": "refused", "by": "cyn"}
HIRED = {"facts.expected": {"kind": "candidate", "referred": GUEST}}
EARLIER = [{"case": "case-0", "opened_at": OCTOBER.format(1), "evidence": []}]


def hired(day: int = 1, status: str = "started", **more: Any) -> Json:
    made = record("hire", status, day, kind="candidate", record="c-1", interviewer="ben", **more)
    made["facts"]["event_time"] = f"2026-08-{day:02d}T12:00:00.000Z"
    made["facts"]["first_event_at"] = "2026-07-20T12:00:00.000Z"
    return made


WAGES = {
    **hired(),
    "id": "wages",
    "controllers": {"party": "source:payroll"},
    "facts": {**hired()["facts"], "source": "payroll"},
}
JULY = {"facts.opened_at": "2026-07-01T12:00:00.000Z", "facts.onset": "2026-07-01T12:00:00.000Z"}

TWO = [{"grades": {"system_record": "E3", "customer_confirmation": "E3"}, "k_evidence_min": 2}]

PASSING = (
    Case("paid_and_agreed", PASS, ("outcome_reached", "ok")),
    Case("agreed_by_a_signed_mail", PASS, ("consented", "ok"), {"evidence": [record(), mail(review=ACCEPTED)]}),
    Case("hired_and_stayed", PASS, ("held_long_enough", "ok"), {**HIRED, **JULY, "evidence": [hired(), consent()]}),
    Case("found_fitting_before_it_was_paid", PASS, ("qualified_by_another", "ok"), {"evidence": [record("q", "qualified", 5), record(), consent()]}),
    Case("hired_as_two_systems_say_where_the_rule_asks_for_two", PASS, ("forgery_number", "ok"), {**HIRED, **JULY, FREE + "evidence_sets": TWO, "evidence": [hired(), WAGES, consent()]}),
    Case("held_exactly_thirty_days", PASS, ("held_long_enough", "ok"), {"outcome.recorded_at": "2026-11-09T12:00:00.000Z"}),
    Case("a_colleagues_earlier_award_of_another", PASS, ("not_awarded_before", "ok"), {"prior.awards": [prior_award("referral", {**SUBJECT, "id": "b" * 64})]}),
    Case("record_of_somebody_else_beside_it", PASS, ("lodged_first", "ok"), {"evidence": [record(), consent(), record("other", first=OCTOBER.format(1), record="l-9", customer="b" * 64)]}),
)  # fmt: skip

FAILING = (
    Case("lodged_for_a_colleague", FAIL, ("lodged", "lodged_by_another"), {"facts.opened_by": "ben"}),
    Case("noticed_by_a_watch", FAIL, ("lodged", "lodged_by_another"), {"facts.origin": "signal", "facts.opened_by": "system"}),
    Case("of_nobody", FAIL, ("lodged", "nobody_referred"), {"facts.expected": {"kind": "customer"}}),
    Case("of_another_than_the_case", FAIL, ("lodged", "nobody_referred"), {"facts.expected": {"kind": "customer", "referred": "b" * 64}}),
    Case("of_no_kind_that_counts", FAIL, ("lodged", "nobody_referred"), {"facts.expected": {"kind": "friend", "referred": GUEST}}),
    Case("two_for_one_referral", FAIL, ("one_beneficiary", "not_one_beneficiary"), {"beneficiaries": ["ada", "ben"]}),
    Case("self_referral", FAIL, ("not_oneself", "refers_somebody_here"), {"people": {**routine_input("x", content(), origin="claim", subject=SUBJECT, expected={}, opened_at=clock("10:00"), done_at=clock("10:00"), evidence=[])["people"], GUEST: {"roles": [], "same_as": "ada"}}}),
    Case("referred_before", FAIL, ("not_known_before", "referred_before"), {"prior.earlier": EARLIER}),
    Case("after_first_contact", FAIL, ("lodged_first", "in_touch_before"), {"evidence": [record(first=OCTOBER.format(1)), consent()]}),
    Case("an_existing_lead_beside_a_new_one", FAIL, ("lodged_first", "in_touch_before"), {"evidence": [record(), record("old", "new", 3, first="2026-09-01T12:00:00.000Z", record="l-0"), consent()]}),
    Case("guest_says_no", FAIL, ("consented", "says_no"), {"evidence": [record(), consent(), consent("no", "not_resolved", at=OCTOBER.format(9))]}),
    Case("fake_customer_refunded_later", FAIL, ("record_agrees", "shown_otherwise_since"), {"evidence": [record(), record("back", "refunded", 20), consent()]}),
    Case("awarded_twice", FAIL, ("not_awarded_before", "already_awarded"), {"prior.awards": [prior_award("referral", SUBJECT, "case-1")]}),
)  # fmt: skip

LACKING = (
    Case("not_reported", INSUFFICIENT, ("one_beneficiary", "work_not_reported"), {"facts.action_taken": None}),
    Case("no_record", INSUFFICIENT, ("lodged_first", "no_record"), {"evidence": [consent()]}),
    Case("no_consent", INSUFFICIENT, ("consented", "no_consent"), {"evidence": [record()]}),
    Case("consent_of_another_case", INSUFFICIENT, ("consented", "no_consent"), {"evidence": [record(), consent(case="case-0")]}),
    Case("consent_of_somebody_else", INSUFFICIENT, ("consented", "no_consent"), {"evidence": [record(), consent(by="b" * 64)]}),
    Case("consent_from_before", INSUFFICIENT, ("consented", "no_consent"), {"evidence": [record(), consent(at="2026-09-30T12:00:00.000Z")]}),
    Case("mail_nobody_looked_at", INSUFFICIENT, ("consented", "no_consent"), {"evidence": [record(), mail()]}),
    Case("mail_without_the_reference", INSUFFICIENT, ("consented", "no_consent"), {"evidence": [record(), mail(reference=False, review=ACCEPTED)]}),
    Case("found_fitting_by_nobody", INSUFFICIENT, ("qualified_by_another", "nobody_named"), {"evidence": [record(owner=""), consent()]}),
    Case("found_fitting_by_oneself", INSUFFICIENT, ("qualified_by_another", "qualified_by_the_referrer"), {"evidence": [record(owner="ada"), consent()]}),
    Case("found_fitting_by_a_second_account", INSUFFICIENT, ("qualified_by_another", "qualified_by_the_referrer"), {"evidence": [record(owner="zoe"), consent()]}),
    Case("new_lead", INSUFFICIENT, ("qualified_by_another", "not_qualified"), {"evidence": [record(status="new"), consent()]}),
    Case("not_paid_yet", INSUFFICIENT, ("outcome_reached", "not_reached"), {"evidence": [record(status="qualified"), consent()]}),
    Case("paid_a_moment_too_late", INSUFFICIENT, ("held_long_enough", "too_soon"), {"outcome.recorded_at": "2026-11-09T11:59:59.999Z"}),
    Case("left_before_ninety_days", INSUFFICIENT, ("held_long_enough", "too_soon"), {**HIRED, **JULY, "evidence": [hired(day=25), consent()]}),
    Case("brought_the_record_themselves", INSUFFICIENT, ("not_self_made", "earners_could_make_it"), {FREE + "evidence_sets": [{"grades": {"system_record": "E3"}, "k_evidence_min": 1}], "evidence.0.controllers": {"any": [{"party": "member:ada"}, {"party": "source:crm"}]}}),
    Case("one_party_behind_it_all", INSUFFICIENT, ("forgery_number", "forged_too_easily"), {**HIRED, **JULY, FREE + "evidence_sets": TWO, "evidence": [hired(), consent()]}),
    Case("customer_who_may_be_the_referrer", INSUFFICIENT, ("forgery_number", "forged_too_easily"), {FREE + "evidence_sets": TWO}),
    Case("record_graded_down", INSUFFICIENT, ("evidence_suffices", "lacking_system_record"), {"evidence.0.grade": "E1"}),
)  # fmt: skip

REFUSED: tuple[tuple[str, Json, str], ...] = (
    ("policy_of_one_kind_only", {FREE + "records": {"customer": {}}}, "missing ['candidate']"),
    ("table_of_nothing", {FREE + "records.customer.won": {}}, "at least one field"),
    ("mail_without_a_key", {"evidence": [{**mail(), "facts": {}}]}, "missing"),
)  # fmt: skip

GAMING = {
    "self-referral": "self_referral",
    "self-referral, under an address nobody knows, where the rule asks for two": "customer_who_may_be_the_referrer",
    "self-referral, found fitting by a second account": "found_fitting_by_a_second_account",
    "claiming an existing lead": "after_first_contact",
    "claiming an existing lead beside a new one": "an_existing_lead_beside_a_new_one",
    "referred by two": "referred_before",
    "swapped bonus: lodged for a colleague": "lodged_for_a_colleague",
    "fake customer refunded later": "fake_customer_refunded_later",
    "hire who leaves": "left_before_ninety_days",
    "consent that was never given": "no_consent",
    "consent re-used from another case": "consent_of_another_case",
    "finds them fitting oneself": "found_fitting_by_oneself",
}

KIT = Kit(
    verifier="referral",
    version=1,
    checks=(
        "lodged", "one_beneficiary", "not_oneself", "not_known_before", "lodged_first", "consented", "qualified_by_another",
        "outcome_reached", "held_long_enough", "record_agrees", "not_awarded_before", "evidence_suffices", "forgery_number",
        "not_self_made",
    ),
    base=base,
    golden=(*PASSING, *FAILING, *LACKING),
    refused=REFUSED,
    gaming=GAMING,
    names=("ada", "ben", "cyn", "dov", "bot", "zoe", "crm", "l-1", "l-0", "l-9"),
    noise=(
        record(), record(status="qualified", day=5), record(status="refunded", day=20), record(first=OCTOBER.format(1)), record(owner="ada"), record(owner="zoe"),
        record(review=REFUSED_BY_CYN), record(status="new", day=12), consent(), consent(answer="not_resolved"), consent(case="case-0"), mail(), mail(review=ACCEPTED),
        mail(reference=False, review=ACCEPTED),
    ),
)  # fmt: skip
