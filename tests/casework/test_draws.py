"""Which recognitions are looked at again is drawn, fair, by nobody's choice, and anybody can draw again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casework.audit import audit
from casework.draws import BY_OPERATOR, DOMAIN, RATE_SETTING, is_drawn
from casework.requests import THE_SYSTEM, AwardStep, ChangeSettings, DrawAward
from ledger.errors import Refused
from ledger.reader import LogReader
from ledger.store.tables import shapes
from tests.casework.histories import read
from tests.casework.shop import LOG, PROJECTIONS, Shop, shop

AWARD = "01930000-0000-7000-8000-00000000aaaa"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Shop]:
    async with shop(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}", tmp_path) as opened:
        yield opened


async def rate(here: Shop, permille: int) -> None:
    await here.office.change_settings(
        here.people["owner"], here.key(), ChangeSettings({RATE_SETTING: permille})
    )


async def draw(here: Shop, award: str, size: int | None = None, who: Any = THE_SYSTEM) -> Any:
    """Draw from the log as it is now, or at another size."""
    reader = LogReader(here.store.reader, LOG)
    head = await reader.head()
    root = (await reader.root(head.size if size is None else size)).hex()
    return await here.desk.draw(who, here.key(), DrawAward(award, head.size if size is None else size, root))


async def award_row(here: Shop, award: str) -> dict[str, Any]:
    row = await here.rows.get("award", (award,))
    assert row is not None
    return dict(row)


def test_vector_of_the_spec() -> None:
    digest = hashlib.sha256(DOMAIN + bytes(32) + AWARD.encode()).digest()
    assert digest[:8].hex() == "4e056ff9c7b3cd7b"
    assert [is_drawn(bytes(32), AWARD, permille) for permille in (0, 304, 305, 1_000)] == [
        False,
        False,
        True,
        True,
    ]


def test_none_at_0_and_all_at_1000() -> None:
    for number in range(1_000):
        assert not is_drawn(bytes(32), f"a{number}", 0) and is_drawn(bytes(32), f"a{number}", 1_000)


def test_fair_over_100_000_awards() -> None:
    """One in twenty; in each tenth of the awards as often as in any other (chi-square, 9 degrees, p = 0.001)."""
    tenths = [0] * 10
    root = hashlib.sha256(b"any root").digest()
    for number in range(100_000):
        tenths[number // 10_000] += is_drawn(root, f"award-{number}", 50)
    expected = 500 * 0.95
    assert abs(sum(tenths) - 5_000) < 4 * (100_000 * 0.05 * 0.95) ** 0.5
    assert sum((one - sum(tenths) / 10) ** 2 for one in tenths) / expected < 27.88


@given(
    st.binary(min_size=32, max_size=32),
    st.text("0123456789abcdef-", min_size=36, max_size=36),
    st.integers(0, 999),
)
def test_a_higher_rate_draws_no_less(root: bytes, award: str, permille: int) -> None:
    assert is_drawn(root, award, permille) <= is_drawn(root, award, permille + 1)


async def test_drawn_is_held_until_somebody_looked(here: Shop) -> None:
    await rate(here, 1_000)
    _, award = await here.awarded(number="a")
    await draw(here, award)
    row = await award_row(here, award)
    assert (row["drawn"], row["held_by"], row["hold_reason"]) == (1, "system", "audit_draw")
    here.wait(days=30)
    with pytest.raises(Refused, match="held"):
        await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))
    await here.desk.release(here.people["accountant"], here.key(), AwardStep(award, "no_ground"))
    await here.desk.settle(THE_SYSTEM, here.key(), AwardStep(award))


async def test_not_drawn_is_left_alone(here: Shop) -> None:
    await rate(here, 0)
    _, award = await here.awarded(number="a")
    await draw(here, award)
    row = await award_row(here, award)
    assert (row["drawn"], row["held_by"]) == (0, None)


async def test_above_the_limit_all_are_drawn(here: Shop) -> None:
    await rate(here, 0)
    await here.may("owner", "award", tokens_max=None)
    _, award = await here.awarded(number="a", amount=16)  # the shop's policy has its limit at 15
    await draw(here, award)
    assert (await award_row(here, award))["drawn"] == 1


async def test_whoever_is_recognised_does_not_release_it(here: Shop) -> None:
    await rate(here, 1_000)
    await here.join("double", "manager", same_as="waiter")
    _, award = await here.awarded(number="a")
    await draw(here, award)
    with pytest.raises(Refused, match="decider_is_beneficiary"):
        await here.desk.release(here.people["double"], here.key(), AwardStep(award, "no_ground"))


async def test_a_draw_is_refused(here: Shop) -> None:
    await rate(here, 0)
    _, award = await here.awarded(number="a")
    seq = (await award_row(here, award))["seq"]
    for changed, code in (
        ({"who": here.people["owner"]}, "agent_may_not"),
        ({"award": "none"}, "unknown"),
        ({"size": seq}, "value_invalid"),
    ):
        with pytest.raises(Refused) as refused:
            await draw(here, **({"award": award} | changed))
        assert refused.value.code == code
    await draw(here, award)
    with pytest.raises(Refused, match="no draw was made"):
        await draw(here, award)


FORGED = [
    ("another result", {"drawn": True}, "drawn"),
    ("another rate", {"rate_permille": 1}, "rate_permille"),
    ("another root", {"root": "0" * 64}, "root of a size between"),
    ("a root from before the grant", {"size": 1}, "root of a size between"),
    ("by somebody else", {"drawn_by": "witness"}, "drawn_by"),
]


@pytest.mark.parametrize(("name", "lie", "said"), FORGED, ids=[row[0] for row in FORGED])
async def test_the_audit_draws_again(here: Shop, name: str, lie: dict[str, Any], said: str) -> None:
    await rate(here, 0)
    _, award = await here.awarded(number="a")
    await draw(here, award)
    history = await read(here)
    assert audit(history.entries, shapes(), PROJECTIONS, history.open).findings == []
    (number,) = [place for place, (_, entry) in enumerate(history.entries) if entry.kind == "draw_made"]
    data, entry = history.entries[number]
    assert entry.body["drawn_by"] == BY_OPERATOR
    history.entries[number] = (data, replace(entry, body={**entry.body, **lie}))
    del history.entries[number + 1 :]
    found = audit(history.entries, shapes(), PROJECTIONS, history.open).findings
    assert [(one.seq, said in one.what) for one in found] == [(entry.seq, True)], found


async def test_a_hold_by_the_draw_needs_a_draw(here: Shop) -> None:
    await rate(here, 1_000)
    _, award = await here.awarded(number="a")
    await draw(here, award)
    history = await read(here)
    (number,) = [place for place, (_, entry) in enumerate(history.entries) if entry.kind == "draw_made"]
    data, entry = history.entries[number]
    history.entries[number] = (data, replace(entry, body={**entry.body, "drawn": False}))
    found = audit(history.entries, shapes(), PROJECTIONS, history.open).findings
    assert any("expected a draw that said so" in one.what for one in found)
