"""Two kills on each database; tests/prove/test_kill.py does forty."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.killing import killed

ROUNDS = 2


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.timeout(240)
async def test_nothing_acknowledged_is_lost_by_a_kill(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'kill.db'}"
    if database == "postgresql":
        url = request.getfixturevalue("fresh_postgres_url")
    seen = await killed(url, tmp_path, ROUNDS, random.Random(1))
    assert (seen.rounds, seen.lost, seen.doubled, seen.checkpoints) == (ROUNDS, 0, 0, ROUNDS)
    assert seen.acknowledged
