# ruff: noqa: E501  (a table reads by its lines: one case, one line)
"""One fridge check as a verdict input, and the table of what is changed in it per case.

Due at 10:30, from 10:00 to 11:00: ada taps the tag at the cold room and writes down 3.4 degrees; ben reads again.
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

SUBJECT = {"kind": "check", "id": "fridge@cold-room", "customer": None}


def content() -> Json:
    return {
        "v": 1,
        "id": "operational_check",
        "version": 1,
        "verifier": "operational_check",
        "verifier_version": 1,
        "award_kind": "operational_check",
        "terms": {"tokens": 1, "window_days": 3, "tokens_limit": 10, "k_min": 2, "k_min_above": 3},
        "parameters": {
            "evidence_sets": [
                {"grades": {"check_in": "E3"}, "k_evidence_min": 1},
                {"grades": {"recheck": "E3"}, "k_evidence_min": 1},
                {"grades": {"check_in": "E3", "recheck": "E3"}, "k_evidence_min": 2},
            ],
            "together_minutes_max": 10,
            "offline_hours_max": 12,
            "travel_seconds_min": 30,
            "same_readings_max": 3,
            "recheck_minutes_max": 60,
            "recheck_tolerance_percent": 10,
            "clock_skew_seconds_max": 300,
        },
    }


def expected(**changed: Any) -> Json:
    return {
        "task": "fridge",
        "place": "cold-room",
        "due_at": clock("10:30"),
        "early_seconds": 1800,
        "late_seconds": 1800,
        **changed,
    }


def reading(
    name: str = "read",
    by: str = "ada",
    at: str = "10:31",
    value: int = 34,
    received: str | None = None,
    review: Json | None = None,
    **facts: Any,
) -> Json:
    said = {
        "task": "fridge",
        "place": "cold-room",
        "value": value,
        "scale": 1,
        "unit": "C",
        "low": 0,
        "high": 50,
        "at": clock(at),
        "member": by,
        "exception": None,
        **facts,
    }
    grade = "E0" if by == "ada" else "E3"
    return item(
        name,
        "reading",
        grade,
        15,
        clock(received or at),
        f"member:{by}",
        {"party": f"member:{by}"},
        said,
        review,
    )


def check_in(
    name: str = "tap",
    by: str = "ada",
    at: str = "10:30",
    grade: str = "E4",
    review: Json | None = None,
    **facts: Any,
) -> Json:
    said = {
        "place": "cold-room",
        "point": "tag-1",
        "method": "nfc",
        "counter": 61,
        "nonce_issued_at": None,
        "at": clock(at),
        "offline": False,
        "member": by,
        "before": None,
        **facts,
    }
    return item(
        name,
        "check_in",
        grade,
        14,
        clock(at),
        f"member:{by}",
        {"party": f"system:point:{said['point']}"},
        said,
        review,
    )


def earlier(count: int, value: int = 34) -> list[Json]:
    return [
        {
            "case": f"case-0{n}",
            "opened_at": clock("10:00", 19 - n),
            "evidence": [{**reading("read", value=value), "id": f"old{n}"}],
        }
        for n in range(count)
    ]


def base() -> Json:
    return routine_input(
        "operational_check", content(), origin="schedule", subject=SUBJECT, expected=expected(),
        opened_at=clock("10:00"), done_at=clock("10:31"), evidence=[check_in(), reading()],
    )  # fmt: skip


REFUSED_BY_CYN = {"verdict": "refused", "by": "cyn"}
FREE = "policy.content.parameters."

PASSING = (
    Case("tapped_and_written_down", PASS, ("present", "ok")),
    Case("screen_code", PASS, ("present", "ok"), {"evidence.0": check_in(grade="E3", method="screen", counter=None, nonce_issued_at=clock("10:29"))}),
    Case("colleague_read_the_same", PASS, ("recheck_agrees", "ok"), {"evidence": [reading(), reading("again", "ben", "10:50", 35)]}),
    Case("tapped_and_read_by_two", PASS, ("forgery_number", "ok"), {"evidence": [check_in(), reading(), reading("again", "ben", "10:50", 35)], "policy.content.terms.tokens": 11}),
    Case("failure_told_honestly", PASS, ("failure_reported", "ok"), {"evidence.1": reading(value=92, exception="case-9")}),
    Case("in_time_on_a_phone_without_a_network", PASS, ("on_time", "ok"), {"evidence.1": reading(received="21:00")}),
    Case("at_the_first_moment", PASS, ("on_time", "ok"), {"evidence": [check_in(at="10:00"), reading(at="10:00")]}),
    Case("at_the_last_moment", PASS, ("on_time", "ok"), {"evidence": [check_in(at="11:00"), reading(at="11:00")]}),
    Case("same_number_three_times", PASS, ("not_copied", "ok"), {"prior.earlier": earlier(2)}),
    Case("another_number_between", PASS, ("not_copied", "ok"), {"prior.earlier": [*earlier(2), *[{**one, "opened_at": clock("09:00", 10)} for one in earlier(1, 40)]]}),
    Case("walked_over_in_time", PASS, ("not_elsewhere", "ok"), {"evidence.0": check_in(before={"place": "bar", "at": clock("10:29:30.000")})}),
    Case("just_tapped_here_too", PASS, ("not_elsewhere", "ok"), {"evidence.0": check_in(before={"place": "cold-room", "at": clock("10:29:59.000")})}),
    Case("recheck_of_an_hour_later", PASS, ("recheck_agrees", "ok"), {"evidence": [check_in(), reading(), reading("again", "ben", "11:31:00.001", 80)]}),
    Case("award_of_yesterday", PASS, ("not_awarded_before", "ok"), {"prior.awards": [prior_award("operational_check", SUBJECT)]}),
    Case("award_that_was_taken_back", PASS, ("not_awarded_before", "ok"), {"prior.awards": [prior_award("operational_check", SUBJECT, "case-1", state="revoked")]}),
    Case("photo_that_the_rule_asks_for", PASS, ("evidence_suffices", "ok"), {
        FREE + "evidence_sets": [{"grades": {"check_in": "E3", "photo": "E2"}, "k_evidence_min": 1}],
        "evidence": [check_in(), reading(), item("pic", "photo", "E2", 16, clock("10:32"), "member:ada", {"party": "member:ada"},
            {"media_type": "image/jpeg", "size_bytes": 1, "width_px": 1, "height_px": 1, "how": "camera", "captured_at": None, "nonce_issued_at": None, "name": None},
            {"verdict": "accepted", "by": "cyn"})]}),
)  # fmt: skip

FAILING = (
    Case("one_who_was_not_asked", FAIL, ("planned", "not_planned"), {"facts.origin": "claim", "facts.opened_by": "ada"}),
    Case("plan_without_a_time", FAIL, ("planned", "plan_incomplete"), {"facts.expected": expected(due_at="soon")}),
    Case("plan_with_a_yes_for_a_number", FAIL, ("planned", "plan_incomplete"), {"facts.expected": expected(late_seconds=True)}),
    Case("plan_without_a_place", FAIL, ("planned", "plan_incomplete"), {"facts.expected": {"task": "fridge"}}),
    Case("credit_to_a_bystander", FAIL, ("one_beneficiary", "beneficiary_did_nothing"), {"beneficiaries": ["ben"]}),
    Case("two_for_one_check", FAIL, ("one_beneficiary", "not_one_beneficiary"), {"beneficiaries": ["ada", "ben"]}),
    Case("nobody_for_it", FAIL, ("one_beneficiary", "not_one_beneficiary"), {"beneficiaries": []}),
    Case("digital_employee", FAIL, ("one_beneficiary", "beneficiary_is_agent"), {"facts.action_taken.by": "bot", "beneficiaries": ["bot"]}),
    Case("a_moment_too_early", FAIL, ("on_time", "too_early"), {"evidence.1": reading(at="09:59:59.999")}),
    Case("a_moment_too_late", FAIL, ("on_time", "too_late"), {"evidence.1": reading(at="11:00:00.001")}),
    Case("ticked_at_the_end_of_the_shift", FAIL, ("on_time", "too_late"), {"evidence.1": reading(at="17:00")}),
    Case("kept_on_the_phone_too_long", FAIL, ("on_time", "received_too_late"), {"evidence.1": reading(received="22:31:00.001")}),
    Case("phone_that_is_ahead", FAIL, ("on_time", "from_the_future"), {"evidence.1": reading(received="10:25")}),
    Case("recheck_says_otherwise", FAIL, ("recheck_agrees", "recheck_contradicts"), {"evidence": [check_in(), reading(), reading("again", "ben", "10:50", 80)]}),
    Case("recheck_in_another_unit", FAIL, ("recheck_agrees", "recheck_contradicts"), {"evidence": [check_in(), reading(), reading("again", "ben", "10:50", 34, unit="F")]}),
    Case("awarded_twice", FAIL, ("not_awarded_before", "already_awarded"), {"prior.awards": [prior_award("operational_check", SUBJECT, "case-1")]}),
)  # fmt: skip

LACKING = (
    Case("work_not_reported", INSUFFICIENT, ("one_beneficiary", "work_not_reported"), {"facts.action_taken": None}),
    Case("in_two_places_at_once", INSUFFICIENT, ("not_elsewhere", "elsewhere_just_before"), {"evidence.0": check_in(before={"place": "bar", "at": clock("10:29:30.001")})}),
    Case("nothing_written_down", INSUFFICIENT, ("reading_recorded", "no_reading"), {"evidence": [check_in()]}),
    Case("reading_of_another_task", INSUFFICIENT, ("reading_recorded", "no_reading"), {"evidence.1": reading(task="oven")}),
    Case("reading_by_a_colleague", INSUFFICIENT, ("reading_recorded", "no_reading"), {"evidence": [check_in(), reading(by="ben")]}),
    Case("reading_that_was_refused", INSUFFICIENT, ("reading_recorded", "no_reading"), {"evidence.1": reading(review=REFUSED_BY_CYN)}),
    Case("written_in_the_office", INSUFFICIENT, ("present", "no_check_in"), {"evidence": [reading()]}),
    Case("tapped_elsewhere", INSUFFICIENT, ("present", "another_place"), {"evidence.0": check_in(place="bar")}),
    Case("colleague_tapped", INSUFFICIENT, ("present", "another_person"), {"evidence.0": check_in(by="ben")}),
    Case("tapped_long_before", INSUFFICIENT, ("present", "not_at_the_time"), {"evidence.0": check_in(at="10:20:59.999")}),
    Case("tap_that_was_refused", INSUFFICIENT, ("present", "no_check_in"), {"evidence.0": check_in(review=REFUSED_BY_CYN)}),
    Case("code_on_paper", INSUFFICIENT, ("evidence_suffices", "lacking_check_in"), {"evidence.0": check_in(grade="E1", method="printed", counter=None)}),
    Case("failure_kept_quiet", INSUFFICIENT, ("failure_reported", "failure_not_reported"), {"evidence.1": reading(value=92)}),
    Case("too_cold_kept_quiet", INSUFFICIENT, ("failure_reported", "failure_not_reported"), {"evidence.1": reading(value=-1)}),
    Case("own_second_account_reads_again", INSUFFICIENT, ("evidence_suffices", "lacking_check_in"), {"evidence": [reading(), reading("again", "zoe", "10:50", 34)]}),
    Case("a_program_reads_again", INSUFFICIENT, ("evidence_suffices", "lacking_check_in"), {"evidence": [reading(), reading("again", "bot", "10:50", 34)]}),
    Case("own_tag", INSUFFICIENT, ("not_self_made", "earners_could_make_it"), {"evidence.0": {**check_in(), "controllers": {"party": "member:ada"}}}),
    Case("worth_more_than_one_can_vouch_for", INSUFFICIENT, ("forgery_number", "forged_too_easily"), {"policy.content.terms.tokens": 11}),
    Case("photo_nobody_looked_at", INSUFFICIENT, ("evidence_suffices", "lacking_photo"), {FREE + "evidence_sets": [{"grades": {"check_in": "E3", "photo": "E2"}, "k_evidence_min": 1}]}),
)  # fmt: skip

UNDECIDED = (
    Case(
        "same_number_a_fourth_time",
        NEEDS_HUMAN,
        ("not_copied", "same_number_again"),
        {"prior.earlier": earlier(3)},
    ),
)

REFUSED: tuple[tuple[str, Json, str], ...] = (
    ("another_input_version", {"v": 1}, "expected an integer from 2 to 2, got 1"),
    ("float_reading", {"evidence.1.facts.scale": "1"}, "evidence[1].facts.scale: expected an integer from 0 to 6"),
    ("unknown_method", {"evidence.0.facts.method": "shout"}, "expected one of ['nfc', 'printed', 'screen']"),
    ("member_nobody_knows", {"evidence.0.facts.member": "eve"}, "expected an id that stands in people"),
    ("policy_that_lets_an_assertion_earn", {FREE + "evidence_sets": [{"grades": {"check_in": "E0"}, "k_evidence_min": 1}]}, "expected one of ['E1', 'E2', 'E3', 'E4']"),
    ("policy_of_another_type", {FREE + "evidence_sets": [{"grades": {"file": "E1"}, "k_evidence_min": 1}]}, "evidence types out of"),
    ("policy_without_a_set", {FREE + "evidence_sets": []}, "expected a list of 1 to 8 items"),
)  # fmt: skip

GAMING = {
    "pencil-whipping from the office": "written_in_the_office",
    "photographed code: only the paper one can be": "code_on_paper",
    "old photo or none looked at": "photo_nobody_looked_at",
    "batch ticking at the end of the shift": "ticked_at_the_end_of_the_shift",
    "always-pass bias: a failure kept quiet": "failure_kept_quiet",
    "the same number every day": "same_number_a_fourth_time",
    "colleague taps for me": "colleague_tapped",
    "in two places at once": "in_two_places_at_once",
    "rechecked by my own second account": "own_second_account_reads_again",
    "rechecked by a program of mine": "a_program_reads_again",
    "the tag is mine": "own_tag",
    "at the place, and the number made up, where the rule asks for two": "worth_more_than_one_can_vouch_for",
    "credit to a bystander": "credit_to_a_bystander",
    "a check that nobody asked for": "one_who_was_not_asked",
    "late, with the phone's clock set back": "kept_on_the_phone_too_long",
}

KIT = Kit(
    verifier="operational_check",
    version=1,
    checks=(
        "planned", "one_beneficiary", "reading_recorded", "on_time", "present", "not_elsewhere", "not_copied",
        "failure_reported", "recheck_agrees", "not_awarded_before", "evidence_suffices", "forgery_number", "not_self_made",
    ),
    base=base,
    golden=(*PASSING, *FAILING, *LACKING, *UNDECIDED),
    refused=REFUSED,
    gaming=GAMING,
    names=("ada", "ben", "cyn", "dov", "bot", "zoe", "case-9", "tag-1"),
    noise=(
        check_in(), check_in(at="10:20"), check_in(grade="E1", method="printed", counter=None), check_in(by="ben"),
        check_in(before={"place": "bar", "at": clock("10:29:50.000")}), check_in(review=REFUSED_BY_CYN),
        reading(), reading(value=92), reading(value=92, exception="case-9"), reading(at="11:30"), reading(received="23:00"),
        reading(by="ben", at="10:50", value=35), reading(by="ben", at="10:50", value=80), reading(by="zoe", at="10:50"),
        reading(review=REFUSED_BY_CYN),
    ),
)  # fmt: skip
