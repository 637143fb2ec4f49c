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
from casework.laboratory import agents, checks, issues
from casework.laboratory.agents import (
    CAREFUL,
    COLLUDER,
    GAMED,
    GAMER,
    HONEST,
    LAZY,
    LOOK_SHOWS,
    ONLY_HONEST,
    Mix,
)
from casework.laboratory.report import Figures, document, figures, rows, sentences, share
from casework.laboratory.year import NoPlay, Rules, Year, play_year
from tools import incentives

ROOT = Path(__file__).resolve().parents[2]
POLICIES = ROOT / "verifiers" / "policies"
WEEKS = 6
PEOPLE = 12
SECONDS_MAX = 20
CHECK, ISSUE = "operational_check", "service_issue"


def play(name: str, seed: int = 1, weeks: int = WEEKS, **more: Any) -> Year:
    """Play some weeks of a shipped policy; `terms` and `sets` change it."""
    content = incentives.shipped(name)
    content["terms"] |= more.pop("terms", {})
    if "sets" in more:
        sets = more.pop("sets")
        content["parameters"]["evidence_sets"] = [{"grades": one, "k_evidence_min": 1} for one in sets]
    return play_year(content, seed, more.pop("people", PEOPLE), weeks=weeks, **more)


def gamed(year: Year) -> int:
    """Return the gamed share, in per mille."""
    return figures(year).gamed.permille


def tokens_of(year: Year, kind: str) -> int:
    return sum(one.settled_tokens for one in year.fates if one.kind == kind)


@pytest.mark.parametrize("name", [CHECK, ISSUE])
def test_the_same_seed_gives_the_same_report_and_another_seed_another(name: str) -> None:
    first, again, other = (play(name, seed) for seed in (7, 7, 8))
    assert document(first, figures(first)) == document(again, figures(again))
    assert sentences(first, figures(first)) == sentences(again, figures(again))
    assert first.fates != other.fates


@pytest.mark.parametrize("name", [CHECK, ISSUE])
def test_every_input_is_one_that_the_judge_reads(name: str) -> None:
    reasons = {one.reason for one in play(name).fates}
    assert not reasons & {"input_refused", "verifier_broke"}, reasons


@pytest.mark.parametrize("name", [CHECK, ISSUE])
def test_only_honest_people_leave_nothing_gamed(name: str) -> None:
    year = play(name, mix=ONLY_HONEST)
    assert gamed(year) == 0 and tokens_of(year, HONEST) > 0


@pytest.mark.parametrize("name", [CHECK, ISSUE])
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


def test_without_the_guest_closing_early_pays() -> None:
    def early(year: Year) -> int:
        return sum(one.settled_tokens for one in year.fates if one.way == "closed_early")

    assert early(play(ISSUE, sets=[{"system_record": "E3"}])) > early(play(ISSUE))


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
        here = checks.Checks("1", pays, world)
        play(CHECK, play=here, rules=Rules(pays_failures=pays), mix=ONLY_HONEST)
        missed.append(here.counters()[0].figure)
    assert missed[1] > 2 * missed[0]


def test_the_cherry_picker_spends_less_effort_and_games_nothing() -> None:
    for name in (CHECK, ISSUE):
        found = {one.kind: one for one in figures(play(name)).kinds}
        picker, honest = found["cherry_picker"], found["honest"]
        assert picker.gamed_tokens == 0
        assert (picker.minutes_per_token or 0) < (honest.minutes_per_token or 0)


# ------------------------------------------------------------------------------------ honest-fail parity
FAULTLESS = checks.World(
    forgets_permille=0, late_permille=0, no_tap_permille=0, not_linked_permille=0, recheck_permille=0
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_finds_failures_and_tells_them_earns_exactly_what_who_finds_none_earns(seed: int) -> None:
    approver = replace(CAREFUL, wrongs_permille=0)

    def earned(fails_permille: int, **more: Any) -> dict[str, int]:
        world = replace(FAULTLESS, fails_permille=fails_permille)
        here = checks.Checks(str(seed), True, world)
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


def test_each_way_of_gaming_has_its_rates() -> None:
    ways = {way for world in (checks, issues) for ways in world.WAYS.values() for way in ways}
    ways = (ways - {"visit", "fix"}) | {"not_looked", "hidden_failure"}
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


def test_a_year_of_twenty_people_takes_less_than_twenty_seconds() -> None:
    begun = time.process_time()
    year = play(CHECK, people=20, weeks=52)
    assert time.process_time() - begun < SECONDS_MAX
    assert len(year.fates) > 5_000
    assert any(one.truth == GAMED for one in year.fates)


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


@pytest.mark.parametrize("name", [CHECK, ISSUE])
def test_the_document_holds_what_is_played(name: str) -> None:
    text = incentives.DOCUMENT.read_text(encoding="utf-8")
    assert incentives.again(name) in text
    for variant in incentives.VARIANTS[name]:
        assert f"| {variant.name} |" in text
    for source in (checks, issues):
        assert "\n".join(incentives.assumed(Path(str(source.__file__)), "World")) in text
