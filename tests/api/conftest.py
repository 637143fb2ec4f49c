"""One started product per test module, with two organisations: what one knows, the other must never see."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from api.tellings import configure
from tests.api.house import House, Team, house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Return the started product."""
    configure("error", True)
    async with house(tmp_path_factory.mktemp("house")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours(at: House) -> Team:
    """Return an organisation with one person per role."""
    return await at.organisation("Harbour House")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theirs(at: House) -> Team:
    """Return another organisation on the same installation."""
    return await at.organisation("Other House")
