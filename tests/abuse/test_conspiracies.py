"""Those who are enough: what they make up settles, its k is told, and the draw holds it."""

from __future__ import annotations

import pytest

from tests.abuse.abuses import ABUSES
from tests.abuse.conspiracies import CONSPIRACIES, Conspiracy
from tests.abuse.table import DOC, DRAWS, conspired, drawn_of, listed
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("one", CONSPIRACIES, ids=[f"{one.part}: {one.name}" for one in CONSPIRACIES])
async def test_what_enough_people_make_up_settles_and_is_drawn(at: House, one: Conspiracy) -> None:
    told, row = await conspired(at, one, 300 + CONSPIRACIES.index(one))
    assert told["tokens"] > 0 and told["drawn"] and told["k"] == told["k_evidence"] + 1
    assert listed(row), f"expected this row in docs/abuse.md: {row}"


async def test_the_list_is_long_enough_and_the_share_drawn_is_the_one_told() -> None:
    assert len(ABUSES) >= 60
    assert f"{drawn_of()} of {DRAWS:,} awards" in DOC.read_text()
