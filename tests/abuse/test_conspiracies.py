"""Those who are enough: what they make up settles, no award shows more people than they are, and the draw holds it. Any
smaller part of them gets nothing that was not deserved."""

from __future__ import annotations

import pytest

from tests.abuse.abuses import ABUSES
from tests.abuse.conspiracies import CONSPIRACIES, Conspiracy, work_of_another_renamed
from tests.abuse.flows import opened
from tests.abuse.table import DOC, DRAWS, conspired, drawn_of, enough, listed
from tests.api.house import House

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMALLER = [
    pytest.param(one, liars, 2_000 + 10 * number + part, id=f"{one.name}: {', '.join(sorted(liars))}")
    for number, one in enumerate(CONSPIRACIES, 300)
    for part, liars in enumerate(one.smaller())
]


@pytest.mark.parametrize("one", CONSPIRACIES, ids=[one.name for one in CONSPIRACIES])
async def test_what_enough_people_make_up_settles_and_is_drawn(at: House, one: Conspiracy) -> None:
    came, row = await enough(at, one, 300 + CONSPIRACIES.index(one))
    assert came.tokens > 0 and came.drawn and came.k_shown is not None
    assert came.k_shown <= len(one.members), "no award shows more people than made it up"
    assert came.k_with_yes == came.k_shown + 1  # the approver is no party of the evidence in any of them
    assert listed(row), f"expected this row in docs/abuse.md: {row}"


@pytest.mark.parametrize(("one", "liars", "number"), SMALLER)
async def test_a_smaller_part_gets_nothing_undeserved(
    at: House, one: Conspiracy, liars: frozenset[str], number: int
) -> None:
    came = await conspired(at, one, liars, number)
    assert came.tokens == 0, came


async def test_whoever_says_whose_a_name_is_adds_nobody_by_their_yes(at: House) -> None:
    g = await opened(at, 4_000, frozenset({"staff", "manager"}))
    await work_of_another_renamed(g, g.coalition)
    await g.examined()
    (case,) = [one for one in await g.cases() if one["award_kind"] == "service_issue"]
    assert await g.decide(case["case"], "manager", **g.gift("service_issue", "staff"))
    await g.wait(20)
    (award,) = (await g.case(case["case"]))["awards"]
    assert award["k"] == 2


async def test_the_list_is_long_enough_and_the_share_drawn_is_the_one_told() -> None:
    assert len(ABUSES) >= 60
    told = DOC.read_text()
    assert f"{drawn_of()} of {DRAWS:,} awards" in told
    assert f"{len(SMALLER)} plays" in told and "0 tokens settled beyond what was deserved" in told
