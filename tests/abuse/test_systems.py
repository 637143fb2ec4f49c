"""The Hats Off suite, "Systems that send": through the real API nothing settles beyond what was deserved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.abuse.abuses import of_group
from tests.abuse.register import Abuse
from tests.abuse.table import listed, played
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("abuse", of_group("Systems that send"), ids=lambda one: one.name)
async def test_nothing_settles(at: House, abuse: Abuse, shared_dir: Path) -> None:
    found, deserved, row = await played(at, abuse, shared_dir)
    assert found == deserved
    assert listed(row), f"expected this row in docs/abuse.md: {row}"
