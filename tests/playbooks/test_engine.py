"""The engine against a brute-force oracle: no index, no timers, no CEL; everything recomputed at every instant."""

# ruff: noqa: E501 - tables, one line per case

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from playbooks.backtest import Clockwork
from playbooks.calendars import DAY_MS, HOUR_MS, MINUTE_MS, instant_ms, instant_text
from playbooks.engine import BUCKET_RECORDS_MAX, Engine
from playbooks.errors import RecordConflict
from playbooks.messages import Messages
from playbooks.rules import Meter
from playbooks.shapes import ACTIVE
from playbooks.world import Broken, Cleared, RecordChange, Signal
from tests.playbooks.venue import SIGNALS, crew, engine, job, kinds, watch

T0 = instant_ms("2026-03-02T09:00:00.000Z")
Values = Mapping[str, Any]


# ---------------------------------------------------------------------------------------------- the oracle
def _ms(text: str) -> int:
    return instant_ms(text)


def _day(text: str) -> int:
    return instant_ms(f"{text}T00:00:00.000Z")  # March: Lisbon is UTC


def _on(matches: Sequence[Values]) -> Sequence[Values]:
    return [one for one in matches if one["state"] == "on"]


STANDING: dict[
    str, tuple[Callable[[Values, Sequence[Values]], bool], Callable[[Values], tuple[int | None, int | None]]]
] = {
    "ranked": (lambda v, m: v.get("rank") is not None and not v["rank"] < 5, lambda v: (None, None)),
    "staffed": (lambda v, m: v["status"] == "open" and not _on(m), lambda v: (None, None)),
    "windowed": (
        lambda v, m: v["status"] == "open" and not _on(m),
        lambda v: (_ms(v["opened_at"]) - 2 * HOUR_MS, _ms(v["opened_at"]) + 3 * HOUR_MS),
    ),
    "dated": (
        lambda v, m: v.get("day") is not None and v["status"] != "done",
        lambda v: (_day(v["day"]) - 2 * DAY_MS, None),
    ),
}
RESPONSES: dict[str, tuple[Callable[[Values], bool], Callable[[Values, Sequence[Values]], bool], int]] = {
    "answered": (lambda v: v["status"] != "void", lambda v, m: v.get("done_at") is not None, 48 * HOUR_MS),
    "skilled": (
        lambda v: v["status"] == "open",
        lambda v, m: any(one.get("skill") in v["tags"] for one in _on(m) if one.get("skill") is not None),
        6 * HOUR_MS,
    ),
}
Pair = tuple[str, str]


def oracle(changes: Sequence[RecordChange]) -> tuple[set[Pair], set[Pair]]:
    """Return (ever raised, active after the last instant) as (playbook, job) pairs."""
    raised: set[Pair] = set()
    active: set[Pair] = set()
    memory: dict[Pair, int] = {}
    latest: dict[tuple[str, str], RecordChange] = {}
    instants = sorted({change.known_ms for change in changes})
    for place, at in enumerate(instants):
        end = instants[place + 1] if place + 1 < len(instants) else at + 1
        group = [change for change in changes if change.known_ms == at]
        for change in group:
            old = latest.get((change.kind, change.id))
            if old is None or change.version > old.version:
                latest[change.kind, change.id] = change
        crews = [one.values for one in latest.values() if one.kind == "crew"]
        active = set()
        for one in [one for one in latest.values() if one.kind == "job"]:
            matches = [member for member in crews if member["site"] == one.values["site"]]
            for name in STANDING:
                _standing(name, one, matches, at, end, raised, active)
            for name in RESPONSES:
                _response(name, one, matches, group, at, end, raised, active, memory)
    return raised, active


def _standing(
    name: str,
    one: RecordChange,
    matches: Sequence[Values],
    at: int,
    end: int,
    raised: set[Pair],
    active: set[Pair],
) -> None:
    holds, window = STANDING[name]
    if not holds(one.values, matches):
        return
    due, until = window(one.values)
    moments = [at] + ([due + 1] if due is not None and at <= due < end else [])
    if any((due is None or m > due) and (until is None or m <= until) for m in moments):
        raised.add((name, one.id))
    if (due is None or due < end) and (until is None or until >= end):
        active.add((name, one.id))


def _response(
    name: str, one: RecordChange, matches: Sequence[Values], group: list[RecordChange], at: int, end: int,
    raised: set[Pair], active: set[Pair], memory: dict[Pair, int],
) -> None:  # fmt: skip
    when, expect, within = RESPONSES[name]
    if not when(one.values):
        return
    due = _ms(one.values["opened_at"]) + within
    key = (name, one.id)
    if memory.get(key) == due:
        return
    memory.pop(key, None)
    own = [change for change in group if change.kind == "job" and change.id == one.id]
    answers = [
        c.event_ms
        for c in own
        if when(c.values) and _ms(c.values["opened_at"]) + within == due and expect(c.values, matches)
    ]
    if expect(one.values, matches):
        answers.append(one.event_ms if any(c is one for c in own) else at)
    if answers:
        memory[key] = due
        if min(answers) > due:
            raised.add(key)
        return
    if due < end:
        raised.add(key)
        active.add(key)


# ---------------------------------------------------------------------------------------------- random histories
def history(seed: int, size: int) -> list[RecordChange]:
    """Random versions of a few jobs and crews: same instants, late arrivals, repetitions, moved keys and due times."""
    rng = random.Random(seed)
    found: list[RecordChange] = []
    seen: set[tuple[str, str, int]] = set()
    for _ in range(size):
        at = T0 + rng.randrange(0, 96 * 6) * 10 * MINUTE_MS
        event = instant_text(at)
        if rng.random() < 0.3:
            change = crew(
                f"c{rng.randrange(4)}",
                event,
                rng.choice("ab"),
                rng.choice(["on", "off"]),
                **_maybe(rng, "skill", ["x", "y"]),
            )
        else:
            late = rng.random() < 0.15
            known = instant_text(at + rng.randrange(0, 60) * 10 * MINUTE_MS) if late else event
            opened = instant_text(T0 + rng.choice([0, 0, 0, 24]) * HOUR_MS)
            change = job(
                f"j{rng.randrange(5)}", event, known, 0, status=rng.choice(["open", "open", "done", "void"]), site=rng.choice("ab"),
                opened_at=opened, tags=rng.choice([[], ["x"], ["y", "x"]]), **_maybe(rng, "rank", [1, 7]),
                **_maybe(rng, "done_at", [event], 0.25), **_maybe(rng, "day", ["2026-03-03", "2026-03-06"]),
            )  # fmt: skip
        if (change.kind, change.id, change.event_ms) in seen:
            continue
        seen.add((change.kind, change.id, change.event_ms))
        found.append(change)
        if rng.random() < 0.05:
            found.append(change)
    return sorted(found, key=lambda one: (one.known_ms, one.event_ms, one.order))


def _maybe(rng: random.Random, name: str, values: list[Any], chance: float = 0.6) -> dict[str, Any]:
    return {name: rng.choice(values)} if rng.random() < chance else {}


@pytest.mark.parametrize("seed", range(120))
def test_the_engine_equals_the_oracle_on_random_histories(seed: int) -> None:
    changes = history(seed, 10 + seed % 50)
    run = Clockwork(engine())
    run.play(changes)
    raised = {(said.playbook, said.subject) for said in run.said if isinstance(said, Signal)}
    active = {key for key, row in run.world.timers.items() if row.state == ACTIVE}
    assert not [said for said in run.said if isinstance(said, Broken)]
    assert (raised, active) == oracle(changes)


def test_one_timer_row_per_playbook_and_subject_and_signals_alternate() -> None:
    for seed in range(40):
        run = Clockwork(engine())
        run.play(history(seed, 60))
        standing: set[Pair] = set()
        for said in run.said:
            key = (said.playbook, said.subject)
            if isinstance(said, Signal):
                assert key not in standing
                standing.add(key)
            elif isinstance(said, Cleared):
                standing.remove(key)
        assert standing == {key for key, row in run.world.timers.items() if row.state == ACTIVE}


def test_the_same_changes_twice_change_nothing() -> None:
    changes = history(7, 60)
    once, twice = Clockwork(engine()), Clockwork(engine())
    once.play(changes)
    doubled = [copy for change in changes for copy in (change, change)]
    twice.play(doubled)
    assert twice.said == once.said
    assert twice.world.timers == once.world.timers


# ---------------------------------------------------------------------------------------------- boundaries
def _said(changes: list[RecordChange], *names: str) -> list[Any]:
    run = Clockwork(engine(*names))
    run.play(changes)
    return run.said


END = job("z", "2026-03-09T00:00:00.000Z", opened_at="2026-03-09T00:00:00.000Z")


@pytest.mark.parametrize(
    ("answered", "onset"),
    [
        ("2026-03-04T08:59:00.000Z", None),
        ("2026-03-04T09:00:00.000Z", None),  # exactly 48 h: in time
        ("2026-03-04T09:00:00.001Z", "2026-03-04T09:00:00.000Z"),
        ("2026-03-04T09:01:00.000Z", "2026-03-04T09:00:00.000Z"),
        (None, "2026-03-04T09:00:00.000Z"),
    ],
)
def test_an_answer_at_exactly_the_due_instant_is_in_time(answered: str | None, onset: str | None) -> None:
    changes = [job("j", "2026-03-02T09:00:00.000Z")]
    if answered is not None:
        changes.append(job("j", answered, done_at=answered))
    signals = [
        said
        for said in _said([*changes, END], "answered")
        if isinstance(said, Signal) and said.subject == "j"
    ]
    assert [instant_text(said.onset_ms) for said in signals] == ([] if onset is None else [onset])


def test_a_slow_worker_cannot_hide_that_an_answer_was_late() -> None:
    first, late = (
        job("j", "2026-03-02T09:00:00.000Z"),
        job("j", "2026-03-05T00:00:00.000Z", done_at="2026-03-05T00:00:00.000Z"),
    )
    run = Clockwork(engine("answered"))
    run.world.apply(run.engine.step([first], run.world))
    step = run.engine.step([late], run.world)  # no timer fired in between
    assert [type(said).__name__ for said in step.said] == ["Signal", "Cleared"]
    assert instant_text(step.said[0].onset_ms) == "2026-03-04T09:00:00.000Z"  # type: ignore[union-attr]


def test_a_slow_worker_cannot_hide_what_was_mended_after_it_was_due() -> None:
    run = Clockwork(engine("dated"))
    run.world.apply(run.engine.step([job("j", "2026-03-02T09:00:00.000Z", day="2026-03-06")], run.world))
    mended = job("j", "2026-03-05T00:00:00.000Z", day="2026-03-06", status="done")
    assert [type(said).__name__ for said in run.engine.step([mended], run.world).said] == [
        "Signal",
        "Cleared",
    ]


def test_a_timer_due_on_the_very_tick_of_another_is_not_lost() -> None:
    first = job("j", "2026-03-02T09:00:00.000Z")
    second = job("k", "2026-03-02T09:00:01.000Z", opened_at="2026-03-02T09:00:01.000Z")
    said = _said([first, second, END], "answered")
    assert [(one.subject, instant_text(one.detected_ms)[11:19]) for one in said] == [
        ("j", "09:00:01"),
        ("k", "09:00:02"),
    ]


def test_an_answer_that_becomes_known_late_but_was_in_time_clears() -> None:
    late = job(
        "j", "2026-03-03T00:00:00.000Z", "2026-03-06T00:00:00.000Z", done_at="2026-03-03T00:00:00.000Z"
    )
    said = _said([job("j", "2026-03-02T09:00:00.000Z"), late, END], "answered")
    assert [type(one).__name__ for one in said] == ["Signal", "Cleared"]


def test_an_answer_taken_back_stays_an_answer() -> None:
    changes = [
        job("j", "2026-03-02T09:00:00.000Z"), job("j", "2026-03-02T10:00:00.000Z", done_at="2026-03-02T10:00:00.000Z"),
        job("j", "2026-03-02T11:00:00.000Z"), END,
    ]  # fmt: skip
    assert _said(changes, "answered") == []


def test_a_question_first_seen_after_its_answer_came_late_was_missed() -> None:
    said = _said([job("j", "2026-03-08T00:00:00.000Z", done_at="2026-03-08T00:00:00.000Z")], "answered")
    assert [type(one).__name__ for one in said] == ["Signal", "Cleared"]


def test_a_window_past_the_end_is_not_yet_known() -> None:
    last = job("z", "2026-03-04T08:59:59.999Z", opened_at="2026-03-04T08:59:59.999Z")
    assert _said([job("j", "2026-03-02T09:00:00.000Z"), last], "answered") == []
    closes_with_it = job("z", "2026-03-04T09:00:00.000Z", opened_at="2026-03-04T09:00:00.000Z")
    assert len(_said([job("j", "2026-03-02T09:00:00.000Z"), closes_with_it], "answered")) == 1


def test_conflict_inside_one_record() -> None:
    changes = [
        job("j", "2026-03-02T09:00:00.000Z", rank=4),
        job("j", "2026-03-02T10:00:00.000Z", rank=5),
        job("j", "2026-03-02T11:00:00.000Z", rank=1),
    ]
    said = _said(changes, "ranked")
    assert [type(one).__name__ for one in said] == ["Signal", "Cleared"]
    assert instant_text(said[0].onset_ms) == "2026-03-02T10:00:00.000Z"


def test_records_of_one_instant_are_judged_together() -> None:
    at = "2026-03-02T09:00:00.000Z"
    assert _said([job("j", at), crew("c", at)], "staffed") == []


def test_a_changed_counterpart_opens_and_closes_the_conflict() -> None:
    said = _said(
        [
            crew("c", "2026-03-01T00:00:00.000Z"), job("j", "2026-03-02T09:00:00.000Z"),
            crew("c", "2026-03-02T10:00:00.000Z", state="off"), crew("d", "2026-03-02T11:00:00.000Z"),
            crew("d", "2026-03-02T12:00:00.000Z", site="b"), job("j", "2026-03-02T13:00:00.000Z", site="b"),
        ],
        "staffed",
    )  # fmt: skip
    assert [(type(one).__name__, instant_text(getattr(one, "onset_ms", 0) or one.at_ms)[11:13]) for one in said] == [
        ("Signal", "10"), ("Cleared", "11"), ("Signal", "12"), ("Cleared", "13"),
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------- what a signal holds
def test_a_signal_cites_the_versions_that_made_it_true() -> None:
    change = job("j", "2026-03-02T09:00:00.000Z", rank=9, value={"amount_minor": 1234, "currency": "EUR"})
    (said,) = _said([change], "ranked")
    assert isinstance(said, Signal)
    assert (said.playbook, said.subject_kind, said.subject, said.title) == ("ranked", "job", "j", "Job j")
    assert said.value is not None and (said.value.amount_minor, said.value.currency) == (1234, "EUR")
    assert [(fact.field, fact.value, fact.cite.id, fact.cite.event_ms) for fact in said.facts] == [
        ("status", "open", "j", change.event_ms)
    ]
    assert [(cite.kind, cite.id, cite.order) for cite in said.records] == [("job", "j", 0)]
    assert len(said.digest) == len(said.fingerprint) == 64


def test_another_content_for_the_same_version_is_refused() -> None:
    first = job("j", "2026-03-02T09:00:00.000Z")
    with pytest.raises(RecordConflict, match="other content"):
        _said([first, job("j", "2026-03-02T09:00:00.000Z", rank=1)], "ranked")


def test_a_bucket_beyond_its_cap_breaks_the_signal_and_is_not_false() -> None:
    at = "2026-03-02T09:00:00.000Z"
    crews = [crew(f"c{number}", at, state="off") for number in range(BUCKET_RECORDS_MAX + 1)]
    said = _said([*crews, job("j", "2026-03-02T10:00:00.000Z")], "staffed")
    assert [(type(one).__name__, getattr(one, "reason_code", "")) for one in said] == [
        ("Broken", "bucket_full")
    ]


def test_unrelated_fields_cost_no_evaluation() -> None:
    meter, messages = Meter(), Messages(kinds())
    run = Clockwork(Engine(messages, [watch("ranked", SIGNALS["ranked"], meter, messages)]))
    run.play(
        [job("j", f"2026-03-02T09:{minute:02d}:00.000Z", rank=1, site=f"s{minute}") for minute in range(50)]
    )
    assert meter.evaluations == 2
