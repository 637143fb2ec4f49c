"""The owner's commands on a real chain: each once, however often it is given; wrong ones are refused by name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.anchors.artefact import load_artefact
from ledger.anchors.looking import Halted
from ledger.anchors.owning import ZERO, Done, Owning
from ledger.anchors.signer import checksummed
from tests.anchors.sender_world import ANVIL_OPTIONS, KEY, OWNER, PAYER, SenderWorld, mined, opened, owning
from tests.anchors.strict_node import nodes
from tests.anvil import running_anvil

SALT = b"\x09" * 32


@contextlib.asynccontextmanager
async def world(tmp_path: Path) -> AsyncIterator[SenderWorld]:
    with running_anvil(*ANVIL_OPTIONS) as anvil:
        async with nodes(anvil.url, 1) as (chain, made):
            async with opened(chain, made, f"sqlite+aiosqlite:///{tmp_path / 'a.db'}") as one:
                yield one


def as_owner(one: SenderWorld, contract: str | None) -> Owning:
    return owning(one.chain, one.nodes, one.writer, contract)


async def test_from_deploying_to_superseding(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        artefact = load_artefact()
        done = await mined(one.chain, as_owner(one, None).deploy("deploy-2"))
        assert await one.chain.rpc("eth_getCode", done.made, "latest") == "0x" + artefact.runtime.hex()
        owner = as_owner(one, done.made)
        log_id, _ = await mined(
            one.chain, owner.open_log("open-2", OWNER.address, KEY.address, SALT, "a.invalid")
        )
        data = owner._calls.encode("logIdOf", checksummed(OWNER.address), SALT)
        called = await one.chain.rpc("eth_call", {"to": done.made, "data": "0x" + data.hex()}, "latest")
        assert log_id == called
        # Given again, under the same name: nothing is sent, the same answer comes.
        again, first = await mined(
            one.chain, owner.open_log("open-2", OWNER.address, KEY.address, SALT, "a.invalid")
        )
        assert (again, first.tx_hash) == (log_id, (await owner.open_log(
            "open-2", OWNER.address, KEY.address, SALT, "a.invalid"))[1].tx_hash)  # fmt: skip
        with pytest.raises(Halted, match="expected the same command again"):
            await owner.open_log("open-2", OWNER.address, PAYER.address, SALT, "a.invalid")
        # The contract's own errors, by name, before anything is sent.
        before = await one.chain.nonce(OWNER.address)
        with pytest.raises(Halted, match=rf"contract_refuses: LogExists\(logId={log_id}\)"):
            await owner.open_log("open-3", OWNER.address, KEY.address, SALT, "a.invalid")
        with pytest.raises(Halted, match="ZeroAddress"):
            await owner.rotate_key("rotate-0", log_id, ZERO)
        with pytest.raises(Halted, match=r"NotAllowed\(expected=0x0000"):
            await owner.accept_owner("accept-0", log_id)
        with pytest.raises(Halted, match="SuccessorRefused"):
            await owner.supersede("supersede-0", log_id, log_id, "damaged")
        assert await one.chain.nonce(OWNER.address) == before
        # Key, owner, successor.
        await mined(one.chain, owner.rotate_key("rotate-1", log_id, PAYER.address))
        await mined(one.chain, owner.propose_owner("propose-1", log_id, PAYER.address))
        there = await owner.log_of(log_id)
        assert (there["anchor_key"], there["proposed_owner"], there["size"]) == (
            PAYER.address,
            PAYER.address,
            0,
        )
        other = owning(one.chain, one.nodes, one.writer, done.made, PAYER)
        await mined(one.chain, other.accept_owner("accept-1", log_id))
        following, _ = await mined(
            one.chain, other.open_log("open-4", PAYER.address, KEY.address, SALT, "a.invalid")
        )
        await mined(one.chain, other.supersede("supersede-1", log_id, following, "chain_ended"))
        there = await owner.log_of(log_id)
        assert (there["owner"], there["successor"]) == (PAYER.address, following)
        with pytest.raises(Halted, match="LogSuperseded"):
            await other.rotate_key("rotate-2", log_id, KEY.address)
        assert await owner.balance() > 10**19


async def test_a_command_that_was_broken_off_goes_on_and_is_not_sent_twice(tmp_path: Path) -> None:
    async with world(tmp_path) as one:

        def rotate(owner: Owning) -> Coroutine[Any, Any, Done]:
            return owner.rotate_key("rotate-1", one.place.log_id, PAYER.address)

        hasty = as_owner(one, one.place.contract)
        hasty._wait_seconds = 0.1
        with pytest.raises(Halted, match="under way, give it again"):
            await rotate(hasty)
        task = asyncio.create_task(rotate(as_owner(one, one.place.contract)))
        await asyncio.sleep(0.2)
        task.cancel()
        nonce = await one.chain.nonce(OWNER.address)
        done = await mined(one.chain, rotate(as_owner(one, one.place.contract)))
        assert await one.chain.nonce(OWNER.address) == nonce + 1
        await one.chain.mine(3)
        assert await rotate(as_owner(one, one.place.contract)) == replace(done, final=True)
        assert len((await one.journal())["anchor_send"]) == 1


async def test_a_command_that_cannot_be_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        owner = as_owner(one, one.place.contract)
        poor = owning(one.chain, one.nodes, one.writer, one.place.contract, KEY)
        with pytest.raises(Halted, match=r"balance_low: 0x.* got 0$"):
            await poor.open_log("open-5", KEY.address, KEY.address, SALT, "a.invalid")
        with pytest.raises(ValueError, match="expected 32 bytes in hex, got 31"):
            await owner.supersede("s", "0x" + "00" * 31, one.place.log_id, "moved")
        with pytest.raises(ValueError, match="expected 20 bytes"):
            await owner.propose_owner("p", one.place.log_id, "0x00")
        with pytest.raises(ValueError, match="1 to 200 characters, got 0"):
            await owner.accept_owner("", one.place.log_id)
        with pytest.raises(ValueError, match="expected an address, got none"):
            await as_owner(one, None).accept_owner("a", one.place.log_id)
