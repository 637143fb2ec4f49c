"""Five hundred anchors while RPCs fail and lie, blocks are undone, prices jump, and the sender is killed everywhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.anchors.killed_sender import STEPS
from tests.anchors.killing_sender import CHAIN, LIES, OUTAGES, anchored
from tests.anchors.sender_world import ANVIL_OPTIONS
from tests.anvil import running_anvil

ANCHORS = {"sqlite": 500, "postgresql": 60}
RARE = ("before start_nonces", "after start_nonces")
"""Of the first use of an address alone."""


def kills_of(draw: random.Random, most: int) -> list[tuple[str, int]]:
    """Every step once, those of the first use first, the others in any order and after any number of times."""
    others = [step for step in STEPS if step not in RARE]
    draw.shuffle(others)
    return [(step, 1) for step in RARE] + [
        (step, draw.randint(1, 3 if step.endswith("again") else most)) for step in others
    ]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.timeout(7200)
async def test_anchors(
    database: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    prove_seed: int,
    proof_report: Callable[[str, int | str], None],
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'anchors.db'}"
    if database == "postgresql":
        url = request.getfixturevalue("fresh_postgres_url")
    draw = random.Random(prove_seed)
    kills, target = kills_of(draw, 30 if database == "sqlite" else 4), ANCHORS[database]
    with running_anvil(*ANVIL_OPTIONS) as anvil:
        seen = await anchored(anvil.url, url, tmp_path, target, kills, draw, faults=True)
    proof_report("anchors final once, in order", seen.anchored)
    proof_report("kills", sum(seen.kills.values()))
    proof_report("at different steps", f"{len(seen.kills)} of {len(STEPS)}")
    proof_report("fault kinds", len(seen.faults))
    proof_report("faults acted on", sum(seen.faults.values()))
    proof_report("transactions", seen.sends)
    proof_report("signed attempts", seen.attempts)
    proof_report("replaced in a pool", seen.replaced)
    proof_report("receipts given again", seen.given_again)
    proof_report("of them after a final block was undone", seen.undone)
    proof_report("reverted and made good", seen.failed)
    assert seen.anchored == target and set(seen.kills) == set(STEPS)
    if database == "sqlite":
        assert [fault for fault in (*LIES, *OUTAGES, *CHAIN) if not seen.faults[fault]] == []
        assert seen.replaced > 0 and seen.attempts > seen.sends
