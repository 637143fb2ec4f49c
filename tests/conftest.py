"""What every test may ask for: the folder of real records, a real PostgreSQL, a hypothesis profile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.postgres_server import new_database, running_postgres

pytest_plugins = ["tests.proof_plugin"]

ROOT = Path(__file__).resolve().parent.parent

# `test`: the same few examples every time. `prove`: many, from the run's seed, which proofs/RESULTS.md records.
hypothesis.settings.register_profile(
    "test", derandomize=True, max_examples=60, deadline=None, database=None, print_blob=True
)
hypothesis.settings.register_profile(
    "prove",
    max_examples=2000,
    stateful_step_count=60,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile(os.environ.get("TALLYSTICK_TEST_PROFILE", "test"))


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of real records and public vectors, which is not part of this repository.

    Named by TALLYSTICK_SHARED (default `../shared` beside the checkout). Without it the test is skipped,
    and fails under CI=true, where a silent skip would pass for a proof.
    """
    named = os.environ.get("TALLYSTICK_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if folder.is_dir():
        return folder.resolve()
    reason = f"real records: expected the folder {folder}, got none (set TALLYSTICK_SHARED)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real server's URL (`postgresql+asyncpg://`); do not write into its database, ask for `fresh_postgres_url`."""
    with running_postgres() as url:
        yield url


@pytest.fixture
def fresh_postgres_url(postgres_url: str) -> Iterator[str]:
    """The URL of an empty database made for this one test on the real server."""
    with new_database(postgres_url) as url:
        yield url
