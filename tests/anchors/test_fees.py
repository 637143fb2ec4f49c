"""What a transaction offers: settings parsed exactly, fees from history, replacements that every node takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.anchors.fees import (
    GWEI_WEI,
    TIP_MAX_WEI,
    FeeAboveCeiling,
    FeeHistoryMalformed,
    Fees,
    FeeSettingRefused,
    bumped,
    parse_gwei,
    quantity,
    suggested,
    within,
)

PARSED = (
    ("30", 30 * GWEI_WEI), ("1.5", 1_500_000_000), ("0.000000001", 1), ("0.05", 50_000_000), ("100000", 10**14),
    ("7.123456789", 7_123_456_789), ("2.0", 2 * GWEI_WEI),
)  # fmt: skip
REFUSED = (
    ("", "plain decimal"), ("30 gwei", "plain decimal"), ("1,5", "plain decimal"), ("-1", "plain decimal"),
    ("+1", "plain decimal"), ("1e9", "plain decimal"), (".5", "plain decimal"), ("5.", "plain decimal"),
    ("007", "plain decimal"), ("0x10", "plain decimal"), ("NaN", "plain decimal"), ("٣", "plain decimal"),
    ("1_000", "plain decimal"), (" 1", "plain decimal"), ("1\n", "plain decimal"), ("0", "more than 0"),
    ("0.0", "more than 0"), ("0.0000000001", "9 decimals of a gwei, got 10"), ("100000.1", "at most 100000 gwei"),
    ("30000000000", "plain decimal"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "wei"), PARSED)
def test_a_fee_in_gwei_is_read_to_the_wei(text: str, wei: int) -> None:
    assert parse_gwei(text) == wei


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_a_fee_with_other_decimals_is_refused(text: str, said: str) -> None:
    with pytest.raises(FeeSettingRefused, match=said):
        parse_gwei(text)


def history(base: int, *rewards: int) -> dict[str, Any]:
    return {"baseFeePerGas": ["0x1", hex(base)], "reward": [[hex(one)] for one in rewards]}


SUGGESTED = (
    # base, rewards, tip, cap
    (10, (1, 2, 9), 2, 22),
    (10, (1, 2, 3, 9), 2, 22),
    (10, (), 1, 21),
    (0, (0, 0, 0), 1, 1),
    (GWEI_WEI, (10**15,), TIP_MAX_WEI, 2 * GWEI_WEI + TIP_MAX_WEI),
)


@pytest.mark.parametrize(("base", "rewards", "tip", "cap"), SUGGESTED)
def test_fees_follow_what_the_last_blocks_paid(
    base: int, rewards: tuple[int, ...], tip: int, cap: int
) -> None:
    assert suggested(history(base, *rewards)) == Fees(tip, cap)


MALFORMED: tuple[Any, ...] = (
    {}, {"baseFeePerGas": []}, {"baseFeePerGas": ["1"]}, {"baseFeePerGas": [7]}, {"baseFeePerGas": ["0x01"]},
    {"baseFeePerGas": ["0x1"], "reward": [[]]}, {"baseFeePerGas": ["0x1"], "reward": [["0xZZ"]]}, None, [], "0x1",
    {"baseFeePerGas": ["0x" + "f" * 40]}, {"baseFeePerGas": ["-0x1"]}, {"baseFeePerGas": None},
)  # fmt: skip


@pytest.mark.parametrize("answer", MALFORMED)
def test_a_history_that_is_none_is_refused(answer: Any) -> None:
    with pytest.raises(FeeHistoryMalformed):
        suggested(answer)


@pytest.mark.parametrize(
    "value", ["0x", "0x00", "0X1", "1", "", None, 1, "0x1 ", "0xG", "-0x1", "0x" + "1" * 65]
)
def test_a_quantity_has_one_spelling(value: Any) -> None:
    with pytest.raises(ValueError, match="0x quantity"):
        quantity(value)


def test_the_cap_is_cut_to_the_ceiling_while_it_can_still_get_in() -> None:
    assert within(Fees(2, 22), 22) == Fees(2, 22)
    assert within(Fees(2, 22), 12) == Fees(2, 12)  # base 10 and tip 2
    with pytest.raises(FeeAboveCeiling, match="at most 11 wei per gas, got 12 needed"):
        within(Fees(2, 22), 11)


fee = st.integers(1, 10**12)


@given(tip=fee, more=fee, fresh_tip=fee, fresh_more=fee, ceiling=fee)
def test_a_replacement_raises_both_fees_enough_for_every_node(
    tip: int, more: int, fresh_tip: int, fresh_more: int, ceiling: int
) -> None:
    old, fresh = Fees(tip, tip + more), Fees(fresh_tip, fresh_tip + fresh_more)
    try:
        new = bumped(old, fresh, ceiling)
    except FeeAboveCeiling:
        assert ceiling * 8 < old.cap * 9 + 8
        return
    assert new.tip * 8 >= old.tip * 9 and new.cap * 8 >= old.cap * 9
    assert new.tip > old.tip and new.cap > old.cap
    assert new.tip <= new.cap <= ceiling


def test_a_replacement_follows_the_price_when_that_is_higher() -> None:
    assert bumped(Fees(8, 80), Fees(1, 10), 10**9) == Fees(9, 90)
    assert bumped(Fees(8, 80), Fees(50, 500), 10**9) == Fees(50, 500)
    assert bumped(Fees(8, 80), Fees(50, 500), 100) == Fees(50, 100)
    assert bumped(Fees(1, 1), Fees(1, 1), 10) == Fees(2, 2)
    with pytest.raises(FeeAboveCeiling, match="at most 89 wei per gas, got 90 to replace"):
        bumped(Fees(8, 80), Fees(1, 10), 89)
