"""The state machine of tests/test_state_machine.py for long: many histories with shrinking, and one long one."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.acting import MEDDLING, PEOPLE, SLOTS, Act
from tests.test_state_machine import DAY_MS, Pair, Stage, run_machine, stage
from tests.world import FAULTS

HISTORIES = 40
STEPS = 25
LONG_STEPS = 400
FIGURES = ("commands", "batches", "done", "replayed", "mismatched", "crashes", "entries", "awards", "settled")

__all__ = ["stage"]

ProofReport = Callable[[str, "int | str"], None]


def report(stage: Stage, proof_report: ProofReport) -> None:
    """State what the histories held; each was on both databases, with equal answers, roots and rows."""
    for name in FIGURES:
        proof_report(name, stage.seen[name])
    refusals = {name: count for name, count in stage.seen.items() if name.startswith("refused:")}
    proof_report("refused", sum(refusals.values()))
    proof_report("kinds of refusal", len(refusals))


@pytest.mark.timeout(7200)
def test_histories(stage: Stage, proof_report: ProofReport) -> None:
    run_machine(stage, HISTORIES, STEPS)
    proof_report("histories on both databases", stage.histories)
    report(stage, proof_report)
    assert stage.seen["crashes"] > 0 and stage.seen["replayed"] > 0


@pytest.mark.timeout(7200)
def test_a_long_history(stage: Stage, prove_seed: int, proof_report: ProofReport) -> None:
    draw = random.Random(prove_seed)
    pair = stage.open()
    for _ in range(LONG_STEPS):
        step(pair, draw)
    stage.seen.update(pair.close())
    proof_report("steps", LONG_STEPS)
    report(stage, proof_report)
    assert stage.seen["settled"] > 0 and stage.seen["crashes"] > 0


def step(pair: Pair, draw: random.Random) -> None:
    """One step of a long history: mostly the natural way, so that cases reach their ends."""
    natural = [pair.natural(slot, draw.randint(1, 3)) for slot in range(SLOTS)]
    meddling = [
        Act(
            draw.choice(MEDDLING),
            draw.randrange(SLOTS),
            draw.choice((*PEOPLE, "system")),
            draw.randint(0, 20),
        )
        for _ in range(draw.choice((0, 0, 1, 2)))
    ]
    if draw.random() < 0.1:
        pair.pass_time(15 * DAY_MS)
    pair.act([*natural, *meddling], draw.choice(FAULTS) if draw.random() < 0.2 else None)
    used = sorted(pair.used)
    if draw.random() < 0.2:
        pair.send([draw.choice(used) for _ in range(3)])
    if draw.random() < 0.1:
        pair.other_body(draw.choice(used), draw.randrange(SLOTS))
    if draw.random() < 0.05:
        pair.reopen()
    if draw.random() < 0.05:
        pair.publish()
    if draw.random() < 0.01:
        pair.rebuild()
