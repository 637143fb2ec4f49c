"""What a transaction offers for its place in a block (EIP-1559), from what the last blocks paid. Pure.

    eth_feeHistory -> suggested -> Fees(tip, cap)      -> within(ceiling): never above what the settings allow
                                   `-> bumped: both up -> the same nonce again, where the first offer was too low

All amounts are wei per gas.

    LedgerError
    |-- FeeSettingRefused    a fee in the settings is not a number of gwei as it must be written
    |-- FeeHistoryMalformed  an RPC answered something that is no fee history
    `-- FeeAboveCeiling      the chain asks for more than the ceiling: an owner decides
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.errors import LedgerError

GWEI_WEI = 10**9
GWEI_DECIMALS = 9
CEILING_MAX_GWEI = 100_000
"""A ceiling above this is a mistake: an anchor of 60,000 gas would cost 6 ether."""
TIP_MIN_WEI = 1
TIP_MAX_WEI = 100 * GWEI_WEI
BASE_FEE_MAX_WEI = 2**62
HISTORY_BLOCKS = 20
HISTORY_PERCENTILE = 50

# A node refuses a replacement that raises either fee by less than 10 %; 12.5 % is one step of the base fee itself.
_BUMP_NUMERATOR, _BUMP_DENOMINATOR = 9, 8
_GWEI = re.compile(r"(0|[1-9][0-9]{0,8})(?:\.([0-9]+))?")
_QUANTITY = re.compile(r"0x(?:0|[1-9a-f][0-9a-f]{0,63})")


class FeeSettingRefused(LedgerError):
    """A fee in the settings is not written as gwei. The operator mends the setting; nothing is sent."""


class FeeHistoryMalformed(LedgerError):
    """An RPC answered something that is no fee history. The caller asks another."""


class FeeAboveCeiling(LedgerError):
    """The chain asks for more than the ceiling. Nothing is sent at that price; an owner raises the ceiling or waits."""


@dataclass(frozen=True, slots=True)
class Fees:
    """The two fees of a transaction, wei per gas: `tip` to the proposer, `cap` for all together."""

    tip: int
    cap: int


def parse_gwei(text: str) -> int:
    """Return wei for a decimal number of gwei: `30` or `1.5`, at most nine decimals and CEILING_MAX_GWEI.

    Raises:
        FeeSettingRefused: a sign, an exponent, a comma, more decimals than a wei has, zero, or too much.
    """
    found = _GWEI.fullmatch(text)
    if found is None:
        raise FeeSettingRefused(
            f"fee: expected gwei as a plain decimal number such as 1.5, got {text[:40]!r}"
        )
    decimals = found[2] or ""
    if len(decimals) > GWEI_DECIMALS:
        raise FeeSettingRefused(
            f"fee: expected at most {GWEI_DECIMALS} decimals of a gwei, got {len(decimals)}"
        )
    wei = int(found[1]) * GWEI_WEI + int(decimals.ljust(GWEI_DECIMALS, "0"))
    if not 0 < wei <= CEILING_MAX_GWEI * GWEI_WEI:
        raise FeeSettingRefused(f"fee: expected more than 0 and at most {CEILING_MAX_GWEI} gwei, got {text}")
    return wei


def quantity(value: Any) -> int:
    """Read a JSON-RPC quantity: `0x` and hex digits without leading zeros.

    Raises:
        ValueError: anything else. The callers name what was asked.
    """
    if type(value) is not str or not _QUANTITY.fullmatch(value):
        raise ValueError(f"expected a 0x quantity, got {str(value)[:40]!r}")
    return int(value, 16)


def suggested(history: Mapping[str, Any]) -> Fees:
    """Return what to offer: tip = median of what the last blocks' median transactions paid, cap = 2 * base + tip.

    `history` is the answer of eth_feeHistory(HISTORY_BLOCKS, "latest", [HISTORY_PERCENTILE]); its last base fee is that
    of the next block. Twice that outlasts six full blocks in a row.

    Raises:
        FeeHistoryMalformed
    """
    try:
        base = quantity(history["baseFeePerGas"][-1])
        rewards = [quantity(row[0]) for row in history.get("reward") or ()]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise FeeHistoryMalformed(f"fee history: expected base fees and rewards, got {error!r}") from None
    if base > BASE_FEE_MAX_WEI:
        raise FeeHistoryMalformed(
            f"fee history: expected a base fee up to {BASE_FEE_MAX_WEI} wei, got {base}"
        )
    paid = int(statistics.median_low(rewards)) if rewards else TIP_MIN_WEI
    tip = min(max(paid, TIP_MIN_WEI), TIP_MAX_WEI)
    return Fees(tip, 2 * base + tip)


def within(fees: Fees, ceiling_wei: int) -> Fees:
    """Return the fees with the cap cut to the ceiling, as long as they could still get in.

    Raises:
        FeeAboveCeiling: even the next block's base fee and the tip are above it.
    """
    if fees.cap <= ceiling_wei:
        return fees
    least = (fees.cap - fees.tip) // 2 + fees.tip
    if least > ceiling_wei:
        raise FeeAboveCeiling(f"fee: expected at most {ceiling_wei} wei per gas, got {least} needed")
    return Fees(min(fees.tip, ceiling_wei), ceiling_wei)


def bumped(old: Fees, fresh: Fees, ceiling_wei: int) -> Fees:
    """Return the fees of a replacement: each at least 12.5 % above the old one, and at least what is suggested now.

    Raises:
        FeeAboveCeiling: a replacement that a node would take costs more than the ceiling.
    """
    least = Fees(_raised(old.tip), _raised(old.cap))
    if least.cap > ceiling_wei:
        raise FeeAboveCeiling(f"fee: expected at most {ceiling_wei} wei per gas, got {least.cap} to replace")
    cap = min(max(least.cap, fresh.cap), ceiling_wei)
    return Fees(min(max(least.tip, fresh.tip), cap), cap)


def _raised(fee: int) -> int:
    return max(-(-fee * _BUMP_NUMERATOR // _BUMP_DENOMINATOR), fee + 1)
