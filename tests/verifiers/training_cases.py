# ruff: noqa: E501  (a table reads by its lines: one case, one line)
"""One course as a verdict input, and the table of what is changed in it per case.

ada passed food-safety-2 (2026) with 91.50 percent after 50 minutes; the learning platform said so by its own webhook.
"""

from __future__ import annotations

from typing import Any

from tests.verifiers.kit import (
    FAIL,
    INSUFFICIENT,
    NEEDS_HUMAN,
    PASS,
    Case,
    Json,
    Kit,
    clock,
    item,
    prior_award,
    routine_input,
)

SUBJECT = {"kind": "training", "id": "food-safety-2@2026", "customer": None}
FREE = "policy.content.parameters."


def content() -> Json:
    return {
        "v": 1, "id": "training", "version": 1, "verifier": "training", "verifier_version": 1, "award_kind": "training",
        "terms": {"tokens": 5, "window_days": 14, "tokens_limit": 50, "k_min": 2, "k_min_above": 3},
        "parameters": {
            "evidence_sets": [
                {"grades": {"training_result": "E3"}, "k_evidence_min": 1},
                {"grades": {"training_result": "E3", "assessment": "E3"}, "k_evidence_min": 2},
            ],
            "catalogue": {
                "food-safety-2": {"versions": ["2026"], "pass_score": 8000, "minutes_min": 45, "assessed": False},
                "first-aid": {"versions": ["3"], "pass_score": 0, "minutes_min": 120, "assessed": True},
            },
            "attempts_max": 3, "session_minutes_max": 1440, "again_days": 365, "clock_skew_seconds_max": 300,
        },
    }  # fmt: skip


def result(
    name: str = "res",
    grade: str = "E4",
    received: str = "12:00",
    controllers: Json | None = None,
    review: Json | None = None,
    **facts: Any,
) -> Json:
    said = {
        "provider": "lms", "registration": "r-1", "account": "ada.w", "member": "ada", "course": "food-safety-2", "course_version": "2026",
        "result": "passed", "score": 9150, "attempts": 1, "duration_seconds": 3000, "completed_at": clock("11:00"), "expires_at": None, "channel": "webhook", **facts,
    }  # fmt: skip
    return item(
        name,
        "training_result",
        grade,
        15,
        clock(received),
        "member:ada",
        controllers or {"party": "source:lms"},
        said,
        review,
    )


def seen(
    name: str = "seen", by: str = "ben", passed: bool = True, review: Json | None = None, **facts: Any
) -> Json:
    said = {
        "course": "food-safety-2",
        "course_version": "2026",
        "member": "ada",
        "assessor": by,
        "at": clock("11:30"),
        "passed": passed,
        **facts,
    }
    return item(
        name, "assessment", "E3", 16, clock("11:30"), f"member:{by}", {"party": f"member:{by}"}, said, review
    )


def base() -> Json:
    return routine_input(
        "training", content(), origin="claim", subject=SUBJECT, expected={"course": "food-safety-2", "course_version": "2026"},
        opened_at=clock("10:00"), opened_by="ada", done_at=clock("12:00"), evidence=[result()],
    )  # fmt: skip


REFUSED_BY_CYN = {"verdict": "refused", "by": "cyn"}
AID = {"facts.expected": {"course": "first-aid", "course_version": "3"}}
AID_RESULT = result(course="first-aid", course_version="3", duration_seconds=7200)
AID_SEEN = seen(course="first-aid", course_version="3")

PASSING = (
    Case("passed_at_the_provider", PASS, ("passed", "ok")),
    Case("satisfied_at_the_provider", PASS, ("passed", "ok"), {"evidence.0.facts.result": "satisfied"}),
    Case("assigned_by_the_plan", PASS, ("in_catalogue", "ok"), {"facts.origin": "schedule", "facts.opened_by": "system"}),
    Case("exactly_the_score", PASS, ("score_reached", "ok"), {"evidence.0.facts.score": 8000}),
    Case("exactly_the_time", PASS, ("long_enough", "ok"), {"evidence.0.facts.duration_seconds": 2700}),
    Case("third_attempt", PASS, ("attempts_within", "ok"), {"evidence.0.facts.attempts": 3}),
    Case("first_aid_that_somebody_saw", PASS, ("assessed", "ok"), {**AID, "evidence": [AID_RESULT, AID_SEEN]}),
    Case("failed_before_and_passed_now", PASS, ("passed", "ok"), {"evidence": [result("old", result="failed", registration="r-0"), result()]}),
    Case("passed_again_after_it_was_voided", PASS, ("not_voided", "ok"), {"evidence": [result("void", result="voided", completed_at=clock("10:30")), result()]}),
    Case("another_version_last_year", PASS, ("not_awarded_before", "ok"), {"prior.awards": [prior_award("training", {**SUBJECT, "id": "food-safety-2@2025"})]}),
    Case("a_colleagues_award", PASS, ("not_awarded_before", "ok"), {"prior.awards": [prior_award("training", SUBJECT, beneficiaries=["ben"])]}),
)  # fmt: skip

FAILING = (
    Case("endless_easy_courses", FAIL, ("in_catalogue", "not_in_the_catalogue"), {"facts.expected": {"course": "how-to-smile", "course_version": "1"}}),
    Case("version_that_counts_no_more", FAIL, ("in_catalogue", "another_version"), {"facts.expected": {"course": "food-safety-2", "course_version": "2024"}}),
    Case("nothing_said_of_the_version", FAIL, ("in_catalogue", "another_version"), {"facts.expected": {"course": "food-safety-2"}}),
    Case("a_watch_noticed_it", FAIL, ("in_catalogue", "not_claimed"), {"facts.origin": "signal", "facts.opened_by": "system"}),
    Case("credit_to_a_colleague", FAIL, ("one_beneficiary", "beneficiary_did_nothing"), {"beneficiaries": ["ben"]}),
    Case("two_for_one_course", FAIL, ("one_beneficiary", "not_one_beneficiary"), {"beneficiaries": ["ada", "ben"]}),
    Case("digital_employee", FAIL, ("one_beneficiary", "beneficiary_is_agent"), {"facts.action_taken.by": "bot", "beneficiaries": ["bot"]}),
    Case("provider_took_it_back", FAIL, ("not_voided", "result_voided"), {"evidence": [result(), result("void", result="voided", completed_at=clock("11:30"))]}),
    Case("waived", FAIL, ("passed", "waived"), {"evidence.0.facts.result": "waived"}),
    Case("awarded_twice", FAIL, ("not_awarded_before", "already_awarded"), {"prior.awards": [prior_award("training", SUBJECT, "case-1")]}),
    Case("awarded_this_year", FAIL, ("not_awarded_before", "awarded_before"), {"prior.awards": [prior_award("training", SUBJECT)]}),
    Case("awarded_by_a_second_account", FAIL, ("not_awarded_before", "awarded_before"), {"prior.awards": [prior_award("training", SUBJECT, beneficiaries=["zoe"])]}),
)  # fmt: skip

LACKING = (
    Case("not_reported", INSUFFICIENT, ("one_beneficiary", "work_not_reported"), {"facts.action_taken": None}),
    Case("no_result", INSUFFICIENT, ("result_received", "no_result"), {"evidence": []}),
    Case("result_that_was_refused", INSUFFICIENT, ("result_received", "no_result"), {"evidence": [result(review=REFUSED_BY_CYN)]}),
    Case("account_of_nobody", INSUFFICIENT, ("result_received", "account_of_nobody_here"), {"evidence": [result(member=None)]}),
    Case("somebody_else_sat_it", INSUFFICIENT, ("result_received", "account_of_somebody_else"), {"evidence": [result(member="ben")]}),
    Case("another_course", INSUFFICIENT, ("result_received", "no_result"), {"evidence": [result(course="first-aid")]}),
    Case("failed", INSUFFICIENT, ("passed", "not_passed"), {"evidence.0.facts.result": "failed"}),
    Case("below_the_score", INSUFFICIENT, ("score_reached", "below_the_score"), {"evidence.0.facts.score": 7999}),
    Case("no_score", INSUFFICIENT, ("score_reached", "no_score"), {"evidence.0.facts.score": None}),
    Case("clicked_through", INSUFFICIENT, ("long_enough", "clicked_through"), {"evidence.0.facts.duration_seconds": 2699}),
    Case("left_open_over_night", INSUFFICIENT, ("long_enough", "left_open"), {"evidence.0.facts.duration_seconds": 86401}),
    Case("guessed_until_it_fitted", INSUFFICIENT, ("attempts_within", "too_many_attempts"), {"evidence.0.facts.attempts": 4}),
    Case("expired", INSUFFICIENT, ("in_date", "expired"), {"evidence.0.facts.expires_at": clock("12:00")}),
    Case("from_the_future", INSUFFICIENT, ("in_date", "from_the_future"), {"evidence.0.facts.completed_at": clock("12:05:00.001")}),
    Case("of_two_years_ago", INSUFFICIENT, ("in_date", "too_old"), {"evidence.0.facts.completed_at": "2024-11-20T12:00:00.000Z"}),
    Case("certificate_as_a_file", INSUFFICIENT, ("evidence_suffices", "lacking_training_result"), {"evidence": [result(grade="E1", channel="file", controllers={"any": [{"party": "member:ada"}, {"party": "source:lms"}]})]}),
    Case("brought_it_themselves", INSUFFICIENT, ("not_self_made", "earners_could_make_it"), {"evidence.0.controllers": {"any": [{"party": "member:ada"}, {"party": "source:lms"}]}}),
    Case("worth_more_than_one_can_vouch_for", INSUFFICIENT, ("forgery_number", "forged_too_easily"), {"policy.content.terms.tokens": 51}),
    Case("nobody_saw_it", INSUFFICIENT, ("assessed", "not_assessed"), {**AID, "evidence": [AID_RESULT]}),
    Case("assessed_by_oneself", INSUFFICIENT, ("assessed", "assessed_by_oneself"), {**AID, "evidence": [AID_RESULT, seen(by="zoe", course="first-aid", course_version="3")]}),
)  # fmt: skip

UNDECIDED = (
    Case(
        "assessor_doubts",
        NEEDS_HUMAN,
        ("assessed", "assessor_doubts"),
        {"evidence": [result(), seen(passed=False)]},
    ),
)

REFUSED: tuple[tuple[str, Json, str], ...] = (
    ("score_of_101_percent", {"evidence.0.facts.score": 10_100}, "expected an integer from 0 to 10000"),
    ("result_nobody_knows", {"evidence.0.facts.result": "brilliant"}, "expected one of"),
    ("catalogue_without_a_version", {FREE + "catalogue": {"x": {"versions": [], "pass_score": 0, "minutes_min": 0, "assessed": False}}}, "expected a list of 1 to 16 items"),
    ("assessor_nobody_knows", {"evidence": [seen(by="eve")]}, "expected members that stand in people"),
)  # fmt: skip

GAMING = {
    "click-through": "clicked_through",
    "left open over night": "left_open_over_night",
    "guessed until it fitted": "guessed_until_it_fitted",
    "someone else sits it": "somebody_else_sat_it",
    "someone else sits it: assessed by a second account": "assessed_by_oneself",
    "endless easy courses": "endless_easy_courses",
    "forged certificate": "certificate_as_a_file",
    "waived training": "waived",
    "the same course again": "awarded_this_year",
    "the same course again by a second account": "awarded_by_a_second_account",
    "a certificate of long ago": "of_two_years_ago",
    "keeping a result that was taken back": "provider_took_it_back",
}

KIT = Kit(
    verifier="training",
    version=1,
    checks=(
        "in_catalogue", "one_beneficiary", "result_received", "not_voided", "passed", "score_reached", "long_enough",
        "attempts_within", "in_date", "assessed", "not_awarded_before", "evidence_suffices", "forgery_number", "not_self_made",
    ),
    base=base,
    golden=(*PASSING, *FAILING, *LACKING, *UNDECIDED),
    refused=REFUSED,
    gaming=GAMING,
    names=("ada", "ben", "cyn", "dov", "bot", "zoe", "lms", "r-1", "r-0"),
    noise=(
        result(), result(result="failed"), result(result="waived"), result(result="voided", completed_at=clock("11:30")), result(member="ben"), result(member=None),
        result(score=1), result(grade="E1"), result(registration="r-0"), result(attempts=9), result(review=REFUSED_BY_CYN),
        result(controllers={"any": [{"party": "member:ada"}, {"party": "source:lms"}]}), seen(), seen(by="zoe"), seen(passed=False),
    ),
)  # fmt: skip
