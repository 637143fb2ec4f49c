"""Tests of the desk get a furnished shop in a database of their own; `store_url` runs once on each database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from casework.joining import Joining
from tests.casework.shop import Furnished, Shop, furnish_once, reopened


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    """A furnished shop, made once."""
    return asyncio.run(furnish_once(tmp_path_factory.mktemp("furnished")))


@pytest_asyncio.fixture
async def here(furnished: Furnished, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop of its own on SQLite."""
    async with reopened(furnished, tmp_path) as opened:
        yield opened


@pytest.fixture
def door(here: Shop) -> Joining:
    """The use cases of joining on the shop's log."""
    return Joining(here.intake)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}"
    url: str = request.getfixturevalue("fresh_postgres_url")
    return url
