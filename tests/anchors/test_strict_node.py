"""The node that the sender is tried against is as strict as a real one: these are geth's rules, held against ours."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from ledger.anchors.evm import checkpoint_digest, contract_calls
from ledger.anchors.fees import GWEI_WEI
from ledger.anchors.rpc import RpcRefused
from ledger.anchors.signer import checksummed
from tests.anchors.sender_world import ANVIL_OPTIONS, CHAIN_ID, KEY, OWNER, PAYER, contract_and_log, fund
from tests.anchors.strict_node import Chain, NodeError, nodes
from tests.anvil import running_anvil

REPLACEMENTS = (
    # tip and cap of the second in percent of the first's, whether it is taken
    (100, 100, False), (105, 105, False), (109, 109, False), (110, 109, False), (109, 110, False), (110, 110, True),
    (125, 100, False), (100, 125, False), (113, 113, True),
)  # fmt: skip


@contextlib.asynccontextmanager
async def chain() -> AsyncIterator[Chain]:
    with running_anvil(*ANVIL_OPTIONS) as anvil:
        async with nodes(anvil.url, 1) as (one, _):
            await fund(one, PAYER, OWNER)
            yield one


def signed(nonce: int, tip: int, cap: int, value: int = 1) -> str:
    fields: dict[str, Any] = {
        "type": 2, "chainId": CHAIN_ID, "nonce": nonce, "to": checksummed(OWNER.address), "value": value, "data": b"",
        "gas": 21_000, "maxFeePerGas": cap, "maxPriorityFeePerGas": tip,
    }  # fmt: skip
    return "0x" + PAYER.sign_transaction(fields).raw.hex()


async def test_a_replacement_raises_both_fees_by_a_tenth() -> None:
    async with chain() as one:
        for tip, cap, taken in REPLACEMENTS:
            one.pool.clear()
            await one.take(signed(0, GWEI_WEI, 10 * GWEI_WEI))
            again = signed(0, GWEI_WEI * tip // 100, 10 * GWEI_WEI * cap // 100, value=2)
            if taken:
                await one.take(again)
            else:
                with pytest.raises(NodeError, match="replacement transaction underpriced"):
                    await one.take(again)


async def test_known_old_and_cheap_transactions_are_as_on_a_real_node() -> None:
    async with chain() as one:
        cheap = signed(0, 1, 1)
        await one.take(cheap)
        with pytest.raises(NodeError, match="already known"):
            await one.take(cheap)
        await one.mine(3)
        assert [two.raw for two in one.pool.values()] == [
            cheap
        ]  # below the base fee: it waits, nobody throws it out
        await one.take(signed(2, GWEI_WEI, 10 * GWEI_WEI))  # a gap: it waits too
        await one.take(signed(0, GWEI_WEI, 10 * GWEI_WEI))
        await one.mine()
        assert (await one.nonce(PAYER.address), await one.pending_nonce(PAYER.address), len(one.pool)) == (
            1,
            1,
            1,
        )
        with pytest.raises(NodeError, match="nonce too low"):
            await one.take(cheap)
        await one.take(signed(1, GWEI_WEI, 10 * GWEI_WEI))
        assert await one.pending_nonce(PAYER.address) == 3
        await one.mine()
        assert (await one.nonce(PAYER.address), one.pool) == (3, {})
        before = await one.rpc("eth_getBlockByNumber", "latest", False)
        assert await one.reorg(1) == 2  # both are back in the pool, and get in again
        after = await one.rpc("eth_getBlockByNumber", "latest", False)
        assert (before["number"], len(one.pool)) == (after["number"], 2) and before["hash"] != after["hash"]
        await one.mine()
        assert (await one.nonce(PAYER.address), one.pool) == (3, {})
        final = await one.rpc("eth_getBlockByNumber", "finalized", False)
        head = await one.rpc("eth_blockNumber")
        assert int(final["number"], 16) == int(head, 16) - 2


async def test_what_is_signed_is_what_the_contract_checks() -> None:
    async with chain() as one:
        contract, log_id = await contract_and_log(one)
        calls = contract_calls()
        for size, root in ((1, b"\x01" * 32), (2**63, b"\xff" * 32)):
            digest = checkpoint_digest(CHAIN_ID, contract, log_id, size, root)
            data = calls.encode("digestOf", bytes.fromhex(log_id[2:]), size, root)
            assert (
                await one.rpc("eth_call", {"to": contract, "data": "0x" + data.hex()}, "latest")
                == "0x" + digest.hex()
            )
            typed = encode_typed_data(
                {"name": "TallystickCheckpointAnchor", "version": "1", "chainId": CHAIN_ID,
                 "verifyingContract": checksummed(contract)},
                {"Checkpoint": [{"name": "logId", "type": "bytes32"}, {"name": "treeSize", "type": "uint64"},
                                {"name": "root", "type": "bytes32"}]},
                {"logId": bytes.fromhex(log_id[2:]), "treeSize": size, "root": root},
            )  # fmt: skip
            assert KEY.sign_digest(digest) == bytes(KEY._account.sign_message(typed).signature)


ERRORS: tuple[Any, ...] = (
    # data of the revert, message of the node -> what is said
    ("LogUnknown(bytes32)", ["bytes32"], [b"\x01" * 32], "LogUnknown(logId=0x" + "01" * 32 + ")"),
    ("SizeNotLarger(uint64,uint64)", ["uint64", "uint64"], [9, 8], "SizeNotLarger(latest=9, given=8)"),
    ("ZeroAddress()", [], [], "ZeroAddress()"),
)


@pytest.mark.parametrize(("signature", "kinds", "values", "said"), ERRORS)
def test_an_error_of_the_contract_is_named(
    signature: str, kinds: list[str], values: list[Any], said: str
) -> None:
    data = "0x" + (keccak(signature.encode())[:4] + encode(kinds, values)).hex()
    assert contract_calls().error(data, "execution reverted") == said


@pytest.mark.parametrize("data", [None, "", "0x", "0xdeadbeef", "0xabc", "0xzz", "junk", "0x" + "00" * 40])
def test_what_is_no_error_of_the_contract_is_told_as_the_node_said_it(data: str | None) -> None:
    assert contract_calls().error(data, "execution reverted") == "execution reverted"


REFUSALS = (
    (3, "execution reverted", None, "Halted"), (-32000, "execution reverted: x", None, "Halted"),
    (-32000, "boom", "0x1234", "Halted"), (-32602, "BlockOutOfRangeError", None, "RpcUnreachable"),
    (-32000, "header not found", None, "RpcUnreachable"),
)  # fmt: skip


@pytest.mark.parametrize(("code", "message", "data", "kind"), REFUSALS)
def test_a_node_s_own_refusal_is_not_the_contract_s(
    code: int, message: str, data: str | None, kind: str
) -> None:
    assert type(contract_calls().refusal(RpcRefused("RPC 1", code, message, data))).__name__ == kind
