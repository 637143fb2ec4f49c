"""The incentive laboratory: the same seed gives the same year, and each rule that goes is felt where it should be."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli import run_verb
from casework.laboratory import agents, checks, handovers, issues, referrals, trainings
from casework.laboratory.agents import (
    CAREFUL,
    COLLUDER,
    GAMER,
    HONEST,
    LAZY,
    LOOK_SHOWS,
    ONLY_HONEST,
    Mix,
)
from casework.laboratory.chance import Chance
from casework.laboratory.plays import PLAYS
from casework.laboratory.report import Figures, document, figures, pooled, rows, sentences, share
from casework.laboratory.trial import HOUSES, people_of, tried
from casework.laboratory.year import NoPlay, Rules, Year, first_reason, judged, play_year
from tools import incentives
from verifiers import controllers
from verifiers.registry import find, judge, load_policy

ROOT = Path(__file__).resolve().parents[2]
POLICIES = ROOT / "verifiers" / "policies"
WEEKS = 6
PEOPLE = 12
SECONDS_MAX = 12
CHECK, ISSUE, HANDOVER, TRAINING, REFERRAL = incentives.VARIANTS
SHORT = {CHECK: 4, ISSUE: 6, HANDOVER: 4, TRAINING: 20, REFERRAL: 40}
"""Weeks in which each house has something to count."""
JUDGED_TWICE = 200
ALL = pytest.mark.parametrize("name", incentives.VARIANTS)


def play(name: str, seed: int = 1, weeks: int | None = None, **more: Any) -> Year:
    """Play some weeks of a shipped policy; `terms` and `sets` change it."""
    content = incentives.shipped(name)
    content["terms"] |= more.pop("terms", {})
    if "sets" in more:
        sets = more.pop("sets")
        content["parameters"]["evidence_sets"] = [{"grades": one, "k_evidence_min": 1} for one in sets]
    people = more.pop("people", people_of(name))
    return play_year(content, seed, people, weeks=weeks or SHORT[name], **more)


def gamed(year: Year) -> int:
    """Return the gamed share, in per mille."""
    return figures(year).gamed.permille


def tokens_of(year: Year, kind: str) -> int:
    return sum(one.settled_tokens for one in year.fates if one.kind == kind)


@ALL
def test_the_same_seed_gives_the_same_report_and_another_seed_another(name: str) -> None:
    first, again, other = (play(name, seed) for seed in (7, 7, 8))
    assert document(first, figures(first)) == document(again, figures(again))
    assert sentences(first, figures(first)) == sentences(again, figures(again))
    assert first.fates != other.fates


@ALL
def test_every_input_is_one_that_the_judge_reads(name: str) -> None:
    reasons = {one.reason for one in play(name).fates}
    assert not reasons & {"input_refused", "verifier_broke"}, reasons


@ALL
def test_what_the_laboratory_judges_is_what_the_registry_judges(name: str) -> None:
    policy = load_policy(incentives.shipped(name))
    verifier = find(policy.verifier, policy.verifier_version)
    here, seen = agents.staff(people_of(name), Mix()), 0
    play = PLAYS[name]("1", True, policy.parameters)
    for claim in (one for day in range(7 * SHORT[name]) for one in play.day(day, here)):
        claim.person.tally.learn(claim.learnt_as, 1, claim.seconds)
        claim.value["policy"] = {"digest": policy.digest, "content": policy.content}
        ours, theirs = judged(claim.value, verifier), judge(claim.value, name, policy.verifier_version).output
        assert ours.result == theirs["result"] and theirs["error"] is None
        if ours.result != "pass":
            worst = next(one for one in theirs["checks"] if one["result"] == theirs["result"])
            assert first_reason(ours) == f"{worst['id']}: {worst['reason']}"
        elif ours.controllers is not None:
            assert controllers.to_json(ours.controllers) == theirs["controllers"]
        seen += 1
        if seen == JUDGED_TWICE:
            break
    assert seen >= JUDGED_TWICE // 10


def test_an_input_that_is_none_is_refused_and_never_passes() -> None:
    verdict = judged({"v": 2}, find(CHECK, 1))
    assert (verdict.result, first_reason(verdict)) == ("error", "input_refused")


def test_chance_is_whole_numbers_that_never_change() -> None:
    """Drawn on any machine; a change here is another document."""
    drawn = Chance("tallystick")
    assert [drawn.below(1000) for _ in range(5)] == [348, 904, 622, 138, 766]
    some = list(range(6))
    drawn.shuffle(some)
    assert (some, drawn.around(340, 50), drawn.days(200), drawn.one_of("abc")) == (
        [2, 0, 3, 1, 5, 4],
        246,
        2,
        "b",
    )
    assert drawn.days(0) is None and not drawn.happens(0) and drawn.happens(1000)


@given(st.integers(1, 10_000), st.text(max_size=8))
def test_a_draw_stays_below(count: int, seed: str) -> None:
    assert 0 <= Chance(seed).below(count) < count


@ALL
def test_only_honest_people_leave_nothing_gamed(name: str) -> None:
    year = play(name, mix=ONLY_HONEST)
    assert gamed(year) == 0 and tokens_of(year, HONEST) > 0


@ALL
def test_tokens_are_never_negative_and_refused_work_has_none(name: str) -> None:
    for one in play(name).fates:
        assert one.tokens >= 0 and one.settled_tokens >= 0
        assert one.tokens == 0 or one.state not in ("refused", "declined")


@pytest.mark.parametrize(("name", "cap", "days"), [(CHECK, 3, 7), (ISSUE, 45, 30)])
def test_nobody_gets_more_than_the_cap(name: str, cap: int, days: int) -> None:
    weeks = WEEKS
    year = play(name, weeks=weeks, terms={"cap_tokens": cap, "cap_days": days})
    spans = -(-weeks * 7 // days) + 1  # the grants of the last days fall after the last day
    for person in {one.person for one in year.fates}:
        got = sum(one.settled_tokens for one in year.fates if one.person == person)
        assert got <= cap * spans
    assert any(one.capped for one in year.fates)
    assert not any(one.capped for one in play(name, terms={"cap_tokens": 10_000, "cap_days": days}).fates)


# ------------------------------------------------------------------------------- what each rule is worth
def test_without_any_verdict_who_games_earns_more() -> None:
    for name in (CHECK, ISSUE):
        with_rule, without = play(name), play(name, rules=Rules(LAZY, 0, judged=False))
        assert gamed(without) > gamed(with_rule)
        assert tokens_of(without, GAMER) > tokens_of(with_rule, GAMER)


def test_where_a_second_reading_is_never_enough_the_pair_has_to_find_another_way() -> None:
    def by_recheck(year: Year) -> int:
        ways = [one for one in year.fates if one.kind == COLLUDER and one.way == "office_recheck"]
        return sum(one.settled_tokens for one in ways)

    shipped, strict = play(CHECK), play(CHECK, sets=[{"check_in": "E3"}])
    assert by_recheck(shipped) > 10 * max(1, by_recheck(strict))
    assert gamed(shipped) > gamed(strict)


def test_who_answers_in_the_guests_place_needs_somebody_else() -> None:
    ways = {one.way for one in play(ISSUE, weeks=12).fates if one.settled_tokens}
    assert "own_card" not in ways and "partner_card" in ways


def test_where_nothing_is_judged_closing_early_pays() -> None:
    def early(year: Year) -> int:
        return sum(one.settled_tokens for one in year.fates if one.way == "closed_early")

    many = Mix(600, 0, 0)
    unjudged = play(ISSUE, mix=many, rules=Rules(LAZY, judged=False))
    assert early(unjudged) > 10 * max(1, early(play(ISSUE, mix=many)))


def test_a_longer_window_takes_more_back() -> None:
    def taken(days: int) -> int:
        return figures(play(ISSUE, terms={"window_days": days})).reversed

    assert taken(14) > taken(1)


def test_the_draw_ends_gamed_awards_only_where_there_is_one() -> None:
    none, some = (play(ISSUE, rules=Rules(draw_permille=one)) for one in (0, 500))
    assert figures(none).caught_by_draw.permille == 0 < figures(some).caught_by_draw.permille
    assert not any(one.drawn for one in none.fates)


def test_a_lazy_approver_lets_more_through_than_a_careful_one() -> None:
    assert gamed(play(ISSUE, rules=Rules(LAZY))) > gamed(play(ISSUE, rules=Rules(CAREFUL)))


def test_where_only_good_readings_pay_more_failures_are_missed() -> None:
    world = checks.World(fails_permille=200, hides_unpaid_permille=500)
    missed = []
    for pays in (True, False):
        here = checks.Checks("1", pays, world=world)
        play(CHECK, play=here, rules=Rules(pays_failures=pays), mix=ONLY_HONEST)
        missed.append(here.counters()[0].permille)
    assert missed[1] > 2 * missed[0]


def test_the_cherry_picker_spends_less_effort_and_games_nothing() -> None:
    for name in (CHECK, ISSUE):
        found = {one.kind: one for one in figures(play(name)).kinds}
        picker, honest = found["cherry_picker"], found["honest"]
        assert picker.gamed_tokens == 0
        assert (picker.tenths_of_minutes or 0) < (honest.tenths_of_minutes or 0)


def test_who_picks_what_is_easy_leaves_the_rest_undone() -> None:
    for name, weeks, place in ((CHECK, 4, 1), (HANDOVER, 8, 1), (TRAINING, 30, 1)):
        honest, picking = (
            figures(play(name, weeks=weeks, mix=HOUSES[key].mix)).counters[place]
            for key in ("honest", "picking")
        )
        assert picking.permille > 2 * honest.permille, (name, honest, picking)


def test_a_note_of_phrases_loses_what_was_open() -> None:
    honest, gaming = (
        figures(play(HANDOVER, mix=mix)).counters[0].permille for mix in (ONLY_HONEST, Mix(400, 0, 0))
    )
    assert gaming > 3 * honest


def test_where_somebody_has_to_see_it_less_is_gained_by_a_course_left_running() -> None:
    def courses(assessed: bool) -> Year:
        content = incentives.shipped(TRAINING)
        for course in content["parameters"]["catalogue"].values():
            course["assessed"] = assessed
        return play_year(content, 1, people_of(TRAINING), mix=Mix(300, 0, 0))

    assert gamed(courses(False)) > gamed(courses(True))


def test_questions_some_weeks_later_keep_what_was_not_learnt_from_settling() -> None:
    def played(right_min: int | None) -> Year:
        content = incentives.shipped(TRAINING)
        course = content["parameters"]["catalogue"]["food-safety-2"]
        course["recall"]["right_min"] = right_min
        if right_min is None:
            del course["recall"]
        return play_year(content, 1, people_of(TRAINING), mix=Mix(300, 0, 0))

    strict, nothing = played(3), played(None)
    waiting = [one for one in strict.fates if one.state == "waiting"]
    assert waiting and all(one.reason == "waiting" and not one.settled_tokens for one in waiting)
    assert not any(one.state == "waiting" for one in nothing.fates)
    assert gamed(strict) < gamed(nothing)


def test_a_certificate_that_somebody_brings_earns_nothing() -> None:
    brought = [one for one in play(TRAINING, weeks=52).fates if one.way == "certificate"]
    assert brought and not any(one.settled_tokens for one in brought)


def test_a_referral_is_claimed_once_it_has_held() -> None:
    content = incentives.shipped(REFERRAL)
    for one in content["parameters"]["records"].values():
        one["days_min"] = 300
    assert not any(one.settled_tokens for one in play_year(content, 1, 20, weeks=30).fates)
    assert any(one.settled_tokens for one in play(REFERRAL).fates)


def test_an_owner_sees_every_house() -> None:
    found = tried(incentives.shipped(TRAINING), TRAINING)
    assert set(found["houses"]) == set(HOUSES) and found["people"] == people_of(TRAINING)
    assert found["houses"]["honest"]["gamed"]["permille"] == 0 < found["houses"]["all"]["gamed"]["permille"]
    assert all(len(one["counters"]) == 2 for one in found["houses"].values())


# ------------------------------------------------------------------------------------ honest-fail parity
FAULTLESS = checks.World(
    forgets_permille=0,
    late_permille=0,
    no_tap_permille=0,
    no_network_permille=0,
    not_linked_permille=0,
    recheck_permille=0,
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_finds_failures_and_tells_them_earns_exactly_what_who_finds_none_earns(seed: int) -> None:
    approver = replace(CAREFUL, wrongs_permille=0)

    def earned(fails_permille: int, **more: Any) -> dict[str, int]:
        world = replace(FAULTLESS, fails_permille=fails_permille)
        here = checks.Checks(str(seed), True, world=world)
        # chance draws of temperatures differ; who takes which check does not matter to what all earn together
        year = play(CHECK, seed, mix=ONLY_HONEST, play=here, rules=Rules(approver, 0, **more))
        assert all(one.state == "settled" for one in year.fates)
        return {"tokens": tokens_of(year, HONEST), "claims": len(year.fates)}

    for found in (earned(0), earned(1000)):
        assert found["tokens"] == found["claims"] > 0
    unpaid = earned(1000, pays_failures=False)
    assert unpaid["tokens"] == 0  # the rule can break: where failures do not pay, they do not


# ------------------------------------------------------------------------------------------- the figures
@pytest.mark.parametrize(
    ("part", "total", "expected"),
    [
        (0, 10, (0, 0, 278)),  # Wilson's upper end for none of ten: 0.2775
        (10, 10, (1000, 722, 1000)),
        (5, 10, (500, 236, 764)),
        (1, 100, (10, 1, 55)),
        (0, 0, (0, 0, 0)),
    ],
)
def test_wilson_interval(part: int, total: int, expected: tuple[int, int, int]) -> None:
    found = share(part, total, total)
    assert (found.permille, found.low, found.high) == expected


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_lies_in_its_interval(numbers: tuple[int, int]) -> None:
    found = share(*numbers, numbers[1])
    assert 0 <= found.low <= found.permille <= found.high <= 1000


def test_the_report_counts_what_happened() -> None:
    year = play(ISSUE)
    found: Figures = figures(year)
    assert sum(one.asked for one in found.kinds) == len(year.fates)
    assert sum(one.tokens for one in found.kinds) == sum(one.settled_tokens for one in year.fates)
    assert [row["who"].split(" ")[1] for row in rows(found)] == [
        "honest",
        "gamer",
        "cherry-picker",
        "colluder",
    ]
    assert "no gate" in sentences(year, found)[0]


def test_years_of_one_house_are_counted_together() -> None:
    years = [figures(play(ISSUE, seed)) for seed in (1, 2)]
    both = pooled(years)
    assert both.gamed.part == sum(one.gamed.part for one in years) > 0
    assert both.gamed.total == sum(one.gamed.total for one in years)
    assert (
        min(one.gamed.permille for one in years)
        <= both.gamed.permille
        <= max(one.gamed.permille for one in years)
    )
    assert both.gamed.high - both.gamed.low < years[0].gamed.high - years[0].gamed.low
    assert [one.total for one in both.counters] == [
        sum(year.counters[at].total for year in years) for at in range(len(both.counters))
    ]
    assert sum(one.people for one in both.kinds) == 2 * PEOPLE
    assert dict(both.refusals).keys() == {reason for one in years for reason, _ in one.refusals}


def test_each_way_of_gaming_has_its_rates() -> None:
    worlds = (checks, issues, handovers, trainings, referrals)
    ways = {way for world in worlds for ways in world.WAYS.values() for way in ways}
    ways = (ways - {"visit", "fix", "whole", "learn", "refer"}) | {"not_looked", "hidden_failure"}
    assert ways == set(CAREFUL.sees) == set(LOOK_SHOWS)


@pytest.mark.parametrize("people", [4, 5, 9, 20, 60])
def test_a_house_has_the_people_it_was_asked_for(people: int) -> None:
    found = agents.staff(people, Mix())
    assert len(found) == people == len({one.id for one in found})
    partners = {one.id: one.partner for one in found if one.kind == COLLUDER}
    assert all(partners[str(partner)] == one for one, partner in partners.items())
    assert any(one.kind == HONEST for one in found)


def test_a_verifier_without_a_world_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casework.laboratory.year.PLAYS", {})
    with pytest.raises(NoPlay, match=r"expected one of \[\], got operational_check"):
        play(CHECK)


# --------------------------------------------------------------------------------- the verb, the document
def said(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run_verb(["--data-dir", str(folder), *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def test_the_verb_says_the_same_thing_byte_for_byte(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ("policy", "try", str(POLICIES / "service_issue.yaml"), "--seed", "3", "--people", "4")
    first, again = said(capsys, tmp_path, *arguments), said(capsys, tmp_path, *arguments)
    assert first == again and first[0] == 0
    assert "A model, and no gate" in first[1] and "Counter-metric" in first[1]
    as_json = said(capsys, tmp_path, "--json", *arguments)
    assert as_json[0] == 0 and '"model": true' in as_json[1]


def test_the_verb_refuses_with_a_sentence(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = str(POLICIES / "service_issue.yaml"), tmp_path / "bad.yaml"
    bad.write_text("v: 1\n")
    cases = (
        (("policy", "try", good, "--approver", "sleepy"), 2, "expected one of careful, lazy, got sleepy"),
        (("policy", "try", good, "--people", "3"), 2, "people"),
        (("policy", "try", str(bad)), 1, "expected exactly the members"),
    )
    for arguments, code, sentence in cases:
        found = said(capsys, tmp_path, *arguments)
        assert found[0] == code and sentence in found[2], found


@ALL
def test_the_document_holds_what_is_played(name: str) -> None:
    """The whole year of one seed, as shipped; `make prove` plays all of them."""
    text = incentives.DOCUMENT.read_text(encoding="utf-8")
    begun = time.process_time()
    assert incentives.again(name) in text
    assert time.process_time() - begun < SECONDS_MAX
    for variant in incentives.VARIANTS[name]:
        assert f"| {variant.name} |" in text
    assert "[[" not in text
    for world in incentives.WORLDS:
        assert "\n".join(incentives.assumed(incentives.source(world), "World")) in text
