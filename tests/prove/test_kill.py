"""kill -9 while 32 clients lead cases to awards, forty times on each database, and the server under them as well."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.killing import killed

ROUNDS = 40


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.timeout(7200)
async def test_kill(
    database: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    prove_seed: int,
    proof_report: Callable[[str, int | str], None],
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'kill.db'}"
    if database == "postgresql":
        url = request.getfixturevalue("fresh_postgres_url")
    seen = await killed(url, tmp_path, ROUNDS, random.Random(prove_seed))
    proof_report("rounds", seen.rounds)
    proof_report("of them with the server killed", seen.server_kills)
    proof_report("acknowledged commands", len(seen.acknowledged))
    proof_report("retries that found their first effect", seen.found_again)
    proof_report("entries", seen.entries)
    proof_report("awards", seen.awards)
    proof_report("lost", seen.lost)
    proof_report("doubled", seen.doubled)
    proof_report("checkpoints signed after a kill", seen.checkpoints)
    assert (seen.rounds, seen.lost, seen.doubled, seen.checkpoints) == (ROUNDS, 0, 0, ROUNDS)
    assert seen.awards > 0 and seen.found_again > 0
