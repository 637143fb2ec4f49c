# ruff: noqa: E501  (a table reads by its lines: one case, one line)
"""One hand-over as a verdict input, and the table of what is changed in it per case.

The early shift ends at 15:00. ada writes the note at 14:50, when one exception is open; ben, on the late shift, reads it back.
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

SUBJECT = {"kind": "handover", "id": "2026-11-20-early", "customer": None}
OWN = "Table twelve is mine until seven, the ice machine man comes tomorrow and I ring if he does not"


def content() -> Json:
    return {
        "v": 1, "id": "handover", "version": 1, "verifier": "handover", "verifier_version": 1, "award_kind": "handover",
        "terms": {"tokens": 5, "window_days": 2, "tokens_limit": 50, "k_min": 2, "k_min_above": 3},
        "parameters": {
            "evidence_sets": [{"grades": {"handover_note": "E1", "read_back": "E3", "snapshot": "E3"}, "k_evidence_min": 2}],
            "note_minutes_before_max": 60, "snapshot_minutes_max": 10, "read_back_minutes_max": 30, "dwell_seconds_min": 30,
            "words_min": 8, "similar_permille_max": 800, "person_field": "person",
        },
    }  # fmt: skip


def expected(**changed: Any) -> Json:
    return {
        "shift": "2026-11-20-early",
        "site": "house",
        "ends_at": clock("15:00"),
        "next_shift": "2026-11-20-late",
        "next_starts_at": clock("15:00"),
        **changed,
    }


def point(
    name: str = "case-7",
    owner: str | None = "ben",
    due: str | None = "19:00",
    says: str = "Ice machine leaks, repair booked",
) -> Json:
    return {
        "kind": "case",
        "id": name,
        "owner": owner,
        "due_at": None if due is None else clock(due),
        "says": says,
    }


def note(
    name: str = "ev-note", by: str = "ada", at: str = "14:50", review: Json | None = None, **facts: Any
) -> Json:
    said = {
        "shift": "2026-11-20-early", "member": by, "at": clock(at), "status": "Full tonight, two cooks",
        "actions": "Fridge moved, bar stocked", "contingencies": "If the machine leaks again, turn the tap off",
        "items": [point()], "stated": [{"kind": "case", "id": "case-7", "field": "state", "value": "ASSIGNED"}], **facts,
    }  # fmt: skip
    return item(
        name, "handover_note", "E1", 14, clock(at), f"member:{by}", {"party": f"member:{by}"}, said, review
    )


def snapshot(
    name: str = "held",
    at: str = "14:50",
    open_: list[Json] | None = None,
    review: Json | None = None,
    **facts: Any,
) -> Json:
    held = (
        [{"kind": "case", "id": "case-7", "fields": {"state": "ASSIGNED", "late": True}}]
        if open_ is None
        else open_
    )
    said = {"shift": "2026-11-20-early", "at": clock(at), "open": held, **facts}
    return item(name, "snapshot", "E3", 15, clock(at), "member:ada", {"party": "server"}, said, review)


def back(
    name: str = "back",
    by: str = "ben",
    opened: str = "15:05",
    at: str = "15:10",
    text: str = OWN,
    taken: bool = True,
    points: tuple[str, ...] = ("case-7",),
    review: Json | None = None,
    **facts: Any,
) -> Json:
    said = {
        "note": "ev-note", "member": by, "opened_at": clock(opened), "at": clock(at), "text": text,
        "items": [{"kind": "case", "id": one, "accepted": taken} for one in points], **facts,
    }  # fmt: skip
    return item(
        name, "read_back", "E3", 16, clock(at), f"member:{by}", {"party": f"member:{by}"}, said, review
    )


def rota(
    name: str = "rota", person: str = "ben", shift: str = "2026-11-20-late", review: Json | None = None
) -> Json:
    said = {
        "kind": "shift",
        "id": shift,
        "version": 1,
        "event_time": clock("09:00"),
        "first_event_at": clock("09:00"),
        "customer": None,
        "source": "rota",
        "fields": {"person": person},
    }
    return item(
        name,
        "system_record",
        "E3",
        17,
        clock("15:10"),
        f"member:{person}",
        {"party": "source:rota"},
        said,
        review,
    )


def whole(*changed: Json) -> list[Json]:
    """The evidence of the base with items of the same id replaced."""
    named = {one["id"]: one for one in changed}
    return [named.pop(one["id"], one) for one in (note(), snapshot(), back(), rota())] + list(named.values())


def base() -> Json:
    return routine_input(
        "handover", content(), origin="schedule", subject=SUBJECT, expected=expected(),
        opened_at=clock("14:00"), done_at=clock("14:50"), evidence=whole(),
    )  # fmt: skip


REFUSED_BY_CYN = {"verdict": "refused", "by": "cyn"}
COPY = "Full tonight, two cooks Fridge moved, bar stocked If the machine leaks again, turn the tap off"

PASSING = (
    Case("handed_over_and_read_back", PASS, ("covered", "ok")),
    Case("nothing_was_open", PASS, ("covered", "ok"), {"evidence": whole(note(items=[], stated=[]), snapshot(open_=[]), back(points=()))}),
    Case("more_in_the_note_than_open", PASS, ("covered", "ok"), {"evidence": whole(note(items=[point(), point("t-9")]), back(points=("case-7", "t-9")))}),
    Case("at_the_last_moment", PASS, ("note_in_time", "ok"), {"evidence": whole(note(at="15:00"), snapshot(at="15:00"))}),
    Case("read_back_half_an_hour_later", PASS, ("read_back_in_time", "ok"), {"evidence": whole(back(opened="15:29:30.000", at="15:30"))}),
    Case("a_second_reader_who_was_quicker", PASS, ("own_words", "ok"), {"evidence": whole(back("b2", "dov", text=COPY), rota("r2", "dov"))}),
    Case("award_of_the_shift_before", PASS, ("not_awarded_before", "ok"), {"prior.awards": [prior_award("handover", {**SUBJECT, "id": "2026-11-19-early"})]}),
    Case("mended_note_beside_the_first", PASS, ("covered", "ok"), {"evidence": whole(note("ev-0", items=[]), back("b0", note="ev-0"))}),
)  # fmt: skip

FAILING = (
    Case("one_that_nobody_planned", FAIL, ("planned", "not_planned"), {"facts.origin": "claim", "facts.opened_by": "ada"}),
    Case("plan_without_the_next_shift", FAIL, ("planned", "plan_incomplete"), {"facts.expected": expected(next_shift=None)}),
    Case("plan_with_no_instant", FAIL, ("planned", "plan_incomplete"), {"facts.expected": expected(ends_at="three")}),
    Case("credit_to_the_receiver", FAIL, ("one_beneficiary", "beneficiary_did_nothing"), {"beneficiaries": ["ben"]}),
    Case("both_for_one_note", FAIL, ("one_beneficiary", "not_one_beneficiary"), {"beneficiaries": ["ada", "ben"]}),
    Case("back_dated_note", FAIL, ("note_in_time", "written_too_late"), {"evidence": whole(note(at="15:00:00.001"))}),
    Case("note_of_the_morning", FAIL, ("note_in_time", "written_too_early"), {"evidence": whole(note(at="13:59:59.999"))}),
    Case("problem_kept_out_of_the_note", FAIL, ("covered", "item_omitted"), {"evidence": whole(note(items=[], stated=[]), back(points=()))}),
    Case("boilerplate", FAIL, ("covered", "item_omitted"), {"evidence": whole(note(items=[point("all-fine")], stated=[]), back(points=("all-fine",)))}),
    Case("note_that_says_otherwise", FAIL, ("note_agrees", "note_contradicts"), {"evidence": whole(note(stated=[{"kind": "case", "id": "case-7", "field": "state", "value": "CLOSED"}]))}),
    Case("one_is_not_yes", FAIL, ("note_agrees", "note_contradicts"), {"evidence": whole(note(stated=[{"kind": "case", "id": "case-7", "field": "late", "value": 1}]))}),
    Case("awarded_twice", FAIL, ("not_awarded_before", "already_awarded"), {"prior.awards": [prior_award("handover", SUBJECT, "case-1")]}),
)  # fmt: skip

LACKING = (
    Case("nobody_reported_it", INSUFFICIENT, ("one_beneficiary", "work_not_reported"), {"facts.action_taken": None}),
    Case("no_note", INSUFFICIENT, ("note_complete", "no_note"), {"evidence": [snapshot(), rota()]}),
    Case("note_without_what_to_do_if", INSUFFICIENT, ("note_complete", "form_incomplete"), {"evidence": whole(note(contingencies="  "))}),
    Case("point_that_is_nobodys", INSUFFICIENT, ("note_complete", "form_incomplete"), {"evidence": whole(note(items=[point(owner=None)]))}),
    Case("note_that_was_refused", INSUFFICIENT, ("note_complete", "no_note"), {"evidence": whole(note(review=REFUSED_BY_CYN))}),
    Case("nothing_frozen", INSUFFICIENT, ("snapshot_fresh", "no_snapshot"), {"evidence": [note(), back(), rota()]}),
    Case("frozen_an_hour_before", INSUFFICIENT, ("snapshot_fresh", "not_at_the_time"), {"evidence": whole(snapshot(at="14:39:59.999"))}),
    Case("rubber_stamp", INSUFFICIENT, ("read_back_in_time", "not_read"), {"evidence": whole(back(opened="15:09:30.001"))}),
    Case("read_back_before_it_was_written", INSUFFICIENT, ("read_back_in_time", "read_before_it_was_written"), {"evidence": whole(back(opened="14:49"))}),
    Case("read_back_too_late", INSUFFICIENT, ("read_back_in_time", "read_too_late"), {"evidence": whole(back(at="15:30:00.001"))}),
    Case("not_read_back", INSUFFICIENT, ("received_by_the_next", "no_read_back"), {"evidence": [note(), snapshot(), rota()]}),
    Case("reads_it_back_themselves", INSUFFICIENT, ("received_by_the_next", "read_back_by_its_author"), {"evidence": whole(back(by="ada"), rota(person="ada"))}),
    Case("second_account_reads_it_back", INSUFFICIENT, ("received_by_the_next", "read_back_by_its_author"), {"evidence": whole(back(by="zoe"), rota(person="zoe"))}),
    Case("a_friend_who_is_off_duty", INSUFFICIENT, ("received_by_the_next", "not_on_the_next_shift"), {"evidence": whole(back(by="dov"))}),
    Case("a_friend_of_another_shift", INSUFFICIENT, ("received_by_the_next", "not_on_the_next_shift"), {"evidence": whole(rota(shift="2026-11-21-late"))}),
    Case("copied_read_back", INSUFFICIENT, ("own_words", "copied_from_the_note"), {"evidence": whole(back(text=COPY))}),
    Case("two_words_back", INSUFFICIENT, ("own_words", "too_few_words"), {"evidence": whole(back(text="All clear"))}),
    Case("a_point_not_named", INSUFFICIENT, ("own_words", "point_not_named"), {"evidence": whole(back(points=()))}),
    Case("one_word_would_not_suffice", INSUFFICIENT, ("forgery_number", "forged_too_easily"), {"policy.content.parameters.evidence_sets": [{"grades": {"handover_note": "E1"}, "k_evidence_min": 2}]}),
    Case("own_word_would_suffice", INSUFFICIENT, ("not_self_made", "earners_could_make_it"), {"policy.content.parameters.evidence_sets": [{"grades": {"handover_note": "E1"}, "k_evidence_min": 1}]}),
    Case("read_back_graded_down", INSUFFICIENT, ("evidence_suffices", "lacking_read_back"), {"evidence": whole({**back(), "grade": "E1"})}),
)  # fmt: skip

UNDECIDED = (
    Case("receiver_disputes_a_point", NEEDS_HUMAN, ("nothing_disputed", "point_disputed"), {"evidence": whole(back(taken=False))}),
    Case("stated_of_something_unknown", NEEDS_HUMAN, ("note_agrees", "stated_of_something_unknown"), {"evidence": whole(note(stated=[{"kind": "booking", "id": "4711", "field": "covers", "value": 4}]))}),
)  # fmt: skip

REFUSED: tuple[tuple[str, Json, str], ...] = (
    ("another_input_version", {"v": 1}, "expected an integer from 2 to 2, got 1"),
    ("owner_nobody_knows", {"evidence": whole(note(items=[point(owner="eve")]))}, "expected an id that stands in people"),
    ("sixty_five_points", {"evidence": whole(note(items=[point(f"c{n}") for n in range(65)]))}, "expected a list of 0 to 64 items"),
    ("note_with_a_word_too_many", {"evidence": whole(note(colour="red"))}, "got unknown ['colour']"),
    ("policy_of_another_type", {"policy.content.parameters.evidence_sets": [{"grades": {"photo": "E2"}, "k_evidence_min": 1}]}, "evidence types out of"),
)  # fmt: skip

GAMING = {
    "boilerplate note": "boilerplate",
    "rubber-stamp read-back": "rubber_stamp",
    "copied read-back": "copied_read_back",
    "read back by the author's second account": "second_account_reads_it_back",
    "a friend who is off duty reads it back": "a_friend_who_is_off_duty",
    "hiding an issue to look clean": "problem_kept_out_of_the_note",
    "saying of it what is not so": "note_that_says_otherwise",
    "trivial items instead of the open one": "boilerplate",
    "back-dated note": "back_dated_note",
    "written before anything happened": "note_of_the_morning",
    "credit to the receiver": "credit_to_the_receiver",
    "a hand-over that nobody planned": "one_that_nobody_planned",
}

KIT = Kit(
    verifier="handover",
    version=1,
    checks=(
        "planned", "one_beneficiary", "note_complete", "note_in_time", "snapshot_fresh", "covered", "note_agrees",
        "received_by_the_next", "read_back_in_time", "own_words", "nothing_disputed", "not_awarded_before",
        "evidence_suffices", "forgery_number", "not_self_made",
    ),
    base=base,
    golden=(*PASSING, *FAILING, *LACKING, *UNDECIDED),
    refused=REFUSED,
    gaming=GAMING,
    names=("ada", "ben", "cyn", "dov", "bot", "zoe", "case-7", "ev-note", "ev-0"),
    noise=(
        note(), note(at="15:30"), note(items=[], stated=[]), note(by="ben"), note(review=REFUSED_BY_CYN),
        snapshot(), snapshot(open_=[]), snapshot(at="13:00"),
        back(), back(by="ada"), back(by="zoe"), back(by="dov"), back(text=COPY), back(taken=False), back(opened="15:09:50.000"), back(at="16:00"),
        rota(), rota(person="dov"), rota(shift="x"),
    ),
)  # fmt: skip
