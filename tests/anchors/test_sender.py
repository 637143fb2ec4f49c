"""The sender against a real chain behind strict nodes: every fault, every trouble, each anchored once and in order."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.anchors.evm import Signers
from ledger.anchors.fees import GWEI_WEI
from ledger.anchors.looking import Halted
from ledger.anchors.protocol import Progress, Wanted
from ledger.anchors.signer import KeystoreMissing, checksummed
from ledger.reader import LogReader, TreeHead
from tests.anchors.restoring import put_back
from tests.anchors.sender_world import (
    ANVIL_OPTIONS,
    KEY,
    OWNER,
    PAYER,
    TERMS,
    SenderWorld,
    fund,
    mined,
    opened,
    owning,
    pool_of,
)
from tests.anchors.strict_node import nodes
from tests.anvil import running_anvil


@contextlib.asynccontextmanager
async def world(tmp_path: Path, rpcs: int = 3) -> AsyncIterator[SenderWorld]:
    with running_anvil(*ANVIL_OPTIONS) as anvil:
        async with nodes(anvil.url, rpcs) as (chain, made):
            async with opened(chain, made, f"sqlite+aiosqlite:///{tmp_path / 'a.db'}") as one:
                yield one


def codes(seen: list[Progress]) -> set[str]:
    return {trouble.code for progress in seen for trouble in progress.troubles}


def details(seen: list[Progress], code: str) -> str:
    return " | ".join(trouble.detail for one in seen for trouble in one.troubles if trouble.code == code)


async def settled(one: SenderWorld, lost: tuple[int, ...] = ()) -> None:
    """What always holds in the end: each size once, in order; no nonce skipped but `lost` ones; nothing left open."""
    sizes = [size for size, _ in one.recorded]
    events = await one.events()
    assert events == sorted(set(events))
    assert sizes == sorted(set(sizes)) and set(sizes) <= set(events)
    rows = await one.journal()
    mine = [row for row in rows["anchor_send"] if row["sender"] == PAYER.address]
    nonces = sorted({row["nonce"] for row in mine} | set(lost))
    assert nonces == list(range(len(nonces)))
    assert await one.chain.nonce(PAYER.address) == len(nonces)
    assert {row["state"] for row in mine} <= {"final", "failed", "cancelled"}
    assert {row["state"] for row in rows["anchor_work"]} == {"recorded"}


ONE_OF_THREE = (
    # fault of one RPC, the trouble that names it (None: it harms nobody)
    ("lost_before", None), ("lost_after", None), ("rate_limit", "rpc_unreachable"), ("malformed", "rpc_unreachable"),
    ("not_json", "rpc_unreachable"), ("down", "rpc_unreachable"), ("server_error", "rpc_unreachable"),
    ("slow", "rpc_unreachable"), ("wrong_chain", "wrong_chain"), ("old_head", None), ("wrong_receipts", "rpc_disagree"),
    ("wrong_proof", "rpc_disagree"), ("fake_finalized", None), ("wrong_block", "rpc_disagree"), ("wrong_fees", None),
    ("wrong_count", "rpc_disagree"),
)  # fmt: skip


async def test_one_rpc_that_fails_or_lies_is_outvoted_and_named(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        for fault, code in ONE_OF_THREE:
            one.anchor = one.another(pool=pool_of(one.nodes, 0.5 if fault == "slow" else 20.0))
            one.nodes[0].faults = {fault}
            seen = await one.until_recorded(await one.grow(2))
            assert one.nodes[0].told[fault] > 0, fault
            assert codes(seen) == ({code} if code else set()), (fault, seen)
            if code is not None:
                assert "RPC 1" in details(seen, code), fault
            assert not any(trouble.stops for progress in seen for trouble in progress.troubles), fault
            one.nodes[0].faults = set()
            await one.anchor.close()
        await settled(one)
        assert len(one.recorded) == len(ONE_OF_THREE)


ONLY_ONE = (
    # fault of the only RPC for a while, what is said meanwhile
    ("lost_before", {"rpc_unreachable"}), ("lost_after", {"rpc_unreachable"}), ("rate_limit", {"rpc_unreachable"}),
    ("malformed", {"rpc_unreachable"}), ("down", {"rpc_unreachable"}), ("server_error", {"rpc_unreachable"}),
    ("old_head", {"rpc_disagree"}), ("wrong_proof", {"rpc_disagree", "rpc_unreachable"}),
)  # fmt: skip


async def test_a_fault_of_the_only_rpc_passes_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    async with world(tmp_path, rpcs=1) as one:
        await one.until_recorded(await one.grow())
        await one.chain.mine(12)
        for fault, expected in ONLY_ONE:
            wanted = await one.grow()
            await one.step(wanted, blocks=0)
            for node in one.nodes:
                node.faults = {fault}
            seen = [await one.step(wanted) for _ in range(4)]
            for node in one.nodes:
                node.faults = set()
            assert codes(seen) == expected, (fault, seen)
            assert all(node.told.get(fault, 0) > 0 for node in one.nodes), fault
            if not any(size == wanted.size for size, _ in one.recorded):
                await one.until_recorded(wanted)
        await settled(one)
        assert len(one.recorded) == len(ONLY_ONE) + 1


async def test_a_transaction_that_is_evicted_reorganised_or_priced_out_gets_in_once(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        for undo in ("evicted", "reorg", "reorg_of_a_sibling", "fee_spike", "evicted_at_all"):
            wanted = await one.grow(2)
            await one.step(wanted, blocks=0)
            if undo == "evicted":
                assert one.chain.evict(PAYER.address) == 1
            elif undo == "reorg":
                await one.chain.mine()
                await one.step(blocks=0)
                assert await one.chain.reorg(1) == 1
            elif undo == "reorg_of_a_sibling":
                await one.chain.mine(2)
                await one.step(blocks=0)
                await one.chain.reorg(2)
                one.chain.evict(PAYER.address)  # a node that did not put it back
            elif undo == "fee_spike":
                one.chain.spike_wei = 20 * GWEI_WEI
                before = one.chain.replaced
                for _ in range(12):
                    await one.step()
                one.chain.spike_wei = 0
                assert one.chain.replaced > before
            await one.until_recorded(wanted)
        await settled(one)
        assert len(one.recorded) == 5
        by_nonce: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for row in (await one.journal())["anchor_attempt"]:
            by_nonce.setdefault((row["sender"], row["nonce"]), []).append(row)
        climbed = [
            sorted(rows, key=lambda row: row["cap_wei"]) for rows in by_nonce.values() if len(rows) > 1
        ]
        assert climbed
        for rows in climbed:
            for low, high in itertools.pairwise(rows):
                assert high["tip_wei"] * 8 >= low["tip_wei"] * 9 and high["cap_wei"] * 8 >= low["cap_wei"] * 9


async def test_a_reorg_below_a_final_block_is_told_and_made_good(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        sizes = [(await one.grow()).size]
        await one.until_recorded(await one.wanted())
        sizes.append((await one.grow()).size)
        await one.until_recorded(await one.wanted())
        before = {size: receipt["block_hash"] for size, receipt in one.recorded}
        assert await one.chain.reorg(8) == 2
        one.chain.evict(PAYER.address)
        await one.chain.mine()
        seen = [await one.step() for _ in range(8)]
        assert "final_undone" in codes(seen)
        assert [size for size, _ in one.recorded] == sizes + sizes  # given again, with other blocks
        after = {size: receipt["block_hash"] for size, receipt in one.recorded}
        assert all(after[size] != before[size] for size in sizes)
        assert await one.events() == sizes
        await one.until_recorded(await one.grow())


async def test_a_reorg_between_two_questions_stops_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        for _ in range(2):
            await one.until_recorded(await one.grow())
        wanted = await one.grow()
        asked = one.anchor._dry_run

        async def undone(now: Any, data: bytes) -> int:
            await one.chain.reorg(8)  # the contract is back where it was, and the proof begins elsewhere
            one.chain.evict(PAYER.address)
            return await asked(now, data)

        one.anchor._dry_run = undone  # type: ignore[method-assign]
        seen = [await one.step(wanted, blocks=0)]
        assert codes(seen) == {"rpc_disagree"} and "undone" in details(seen, "rpc_disagree")
        one.anchor._dry_run = asked  # type: ignore[method-assign]
        assert codes(await one.until_recorded(wanted)) == {"final_undone"}


async def test_what_stops_the_sender_is_told_and_nothing_is_sent_until_a_person_looked(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as one:
        # 1. The key is used elsewhere: another transaction takes the nonce.
        wanted = await one.grow()
        await one.step(wanted, blocks=0)
        one.chain.evict(PAYER.address)
        foreign = PAYER.sign_transaction(transfer(0))
        await one.chain.take("0x" + foreign.raw.hex())
        await one.chain.mine()
        seen = [await one.step(wanted) for _ in range(3)]
        assert codes(seen) == {"key_used_elsewhere"} and all(one.troubles[0].stops for one in seen)
        assert "nonce 0" in seen[0].troubles[0].detail
        pushes = one.chain.pushes
        await one.step(wanted)
        assert one.chain.pushes == pushes and one.recorded == []
        await one.anchor.resume()
        await one.until_recorded(wanted)
        # 2. The key is used elsewhere while nothing is under way.
        foreign = PAYER.sign_transaction(transfer(2))
        await one.chain.take("0x" + foreign.raw.hex())
        await one.chain.mine()
        wanted = await one.grow()
        assert codes([await one.step(wanted, blocks=0)]) == {"key_used_elsewhere"}
        with pytest.raises(
            Halted, match="to be final first"
        ):  # undone, it would leave a nonce that nobody can fill
            await one.anchor.resume()
        await one.chain.mine(2)
        await one.anchor.resume()
        await one.until_recorded(wanted)
        # 3. The contract refuses: another key signs since.
        wanted = await one.grow()
        owner = owning(one.chain, one.nodes, one.writer, one.place.contract)
        await mined(one.chain, owner.rotate_key("rotate-1", one.place.log_id, OWNER.address))
        seen = [await one.step(wanted) for _ in range(2)]
        assert (
            codes(seen) == {"contract_refuses"} and "SignatureWrong(expected=0x" in seen[0].troubles[0].detail
        )
        await mined(one.chain, owner.rotate_key("rotate-2", one.place.log_id, KEY.address))
        assert codes([await one.step(wanted)]) == {"contract_refuses"}
        await one.anchor.resume()
        await one.until_recorded(wanted)
        assert await one.events() == [size for size, _ in one.recorded]


def transfer(nonce: int) -> dict[str, Any]:
    """A transaction that no journal knows."""
    return {
        "type": 2, "chainId": 31337, "nonce": nonce, "to": "0x" + "00" * 20, "value": 1, "data": b"", "gas": 21_000,
        "maxFeePerGas": 100 * GWEI_WEI, "maxPriorityFeePerGas": GWEI_WEI,
    }  # fmt: skip


class LyingTree:
    """A log that was rewritten: all roots are others."""

    async def head(self) -> TreeHead:
        return TreeHead(1000, b"\x01" * 32)

    async def root(self, size: int) -> bytes:
        return b"\x02" * 32

    async def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        return []


class Rewritten:
    """A log of which one root alone is another, and whose proofs are as before."""

    def __init__(self, log: LogReader, size: int) -> None:
        self._log, self._size = log, size

    async def head(self) -> TreeHead:
        return await self._log.head()

    async def root(self, size: int) -> bytes:
        return b"\x02" * 32 if size == self._size else await self._log.root(size)

    async def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        return await self._log.consistency(old_size, new_size)


async def test_a_log_that_differs_is_never_signed(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        wanted = await one.grow()
        # What was to be signed is not what the log says.
        seen = [await one.step(replace(wanted, root=b"\x07" * 32))]
        assert codes(seen) == {"log_differs"} and "07070707" in details(seen, "log_differs")
        assert (await one.journal())["anchor_send"] == (await one.journal())["anchor_work"] == []
        await one.anchor.resume()
        seen = [await one.step(Wanted(wanted.size + 50, wanted.root, b""))]
        assert codes(seen) == {"log_differs"}
        await one.anchor.resume()
        await one.until_recorded(await one.grow())

        # What is taken up later is derived once more: the log was rewritten after it was intended.
        def missing() -> Signers:
            raise KeystoreMissing("keystore: expected payer.json, got no such file")

        one.anchor = one.another(signers=missing)
        wanted = await one.grow()
        assert codes([await one.step(wanted)]) == {"signer_missing"}
        one.anchor = one.another(tree=Rewritten(one.reader, wanted.size))
        seen = [await one.step()]
        assert codes(seen) == {"log_differs"} and "0202020202" in details(seen, "log_differs")
        assert (
            len([row for row in (await one.journal())["anchor_send"] if row["sender"] == PAYER.address]) == 1
        )
        one.anchor = one.another()
        await one.anchor.resume()
        await one.until_recorded(wanted)
        # The log was rewritten: the contract holds what this log has not.
        one.anchor = one.another(tree=LyingTree())
        seen = [await one.step(Wanted(1000, b"\x02" * 32, b""))]
        assert codes(seen) == {"log_differs"} and seen[0].troubles[0].stops
        assert len(await one.events()) == 2


async def test_money_price_key_and_place_are_told(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        wanted = await one.grow()
        await one.chain.rpc("anvil_setBalance", PAYER.address, "0x1")
        seen = [await one.step(wanted)]
        assert codes(seen) == {"balance_low"} and not seen[0].troubles[0].stops
        needed = re.search(r"at least (\d+) wei, got 1$", seen[0].troubles[0].detail)
        assert needed is not None
        await fund(one.chain, PAYER, wei=int(needed[1]) * 2)
        seen = await one.until_recorded(wanted)
        assert codes(seen) == {"balance_low"}  # enough for this one, not for the next ones
        assert "for the next ones" in details(seen, "balance_low")
        await fund(one.chain, PAYER)
        wanted = await one.grow()
        one.anchor = one.another(terms=replace(TERMS, ceiling_wei=1000))
        assert codes([await one.step(wanted)]) == {"fee_ceiling"}
        one.anchor = one.another(place=replace(one.place, code_hash="0x" + "00" * 32))
        seen = [await one.step(wanted)]
        assert codes(seen) == {"code_differs"} and seen[0].troubles[0].stops
        one.anchor = one.another(place=replace(one.place, contract="0x" + "11" * 20))
        seen = [await one.step(wanted)]
        assert "no code" in details(seen, "code_differs")
        for node in one.nodes:
            node.faults = {"wrong_chain"}
        one.anchor = one.another()
        seen = [await one.step(wanted)]
        assert codes(seen) == {"wrong_chain"} and "expected chain 31337, got 31338" in details(
            seen, "wrong_chain"
        )
        for node in one.nodes:
            node.faults = set()

        def missing() -> Signers:
            raise KeystoreMissing("keystore: expected payer.json, got no such file")

        one.anchor = one.another(signers=missing)
        assert codes([await one.step(wanted)]) == {"signer_missing"}
        one.anchor = one.another(signers=lambda: Signers(PAYER, KEY))
        assert codes([await one.step(wanted)]) == {"signer_missing"}
        one.anchor = one.another()
        await one.until_recorded(wanted)
        await settled(one)


async def test_a_stuck_nonce_stops_and_is_freed_by_a_transfer_of_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        one.anchor = one.another(terms=replace(TERMS, stuck_blocks=8, ceiling_wei=5 * GWEI_WEI))
        wanted = await one.grow()
        await one.step(wanted, blocks=0)
        seen = []
        for _ in range(20):  # the nodes take it and never mine it
            one.chain.pool.clear()
            await one.chain.mine()
            seen.append(await one.step(wanted, blocks=0))
        assert codes(seen) == {"nonce_stuck"} and seen[-1].troubles[0].stops
        with pytest.raises(Halted, match="nonce 5"):
            await one.anchor.cancel(5)
        await one.anchor.cancel(0)
        await one.until_recorded(wanted)
        rows = (await one.journal())["anchor_send"]
        assert {(row["nonce"], row["state"]) for row in rows if row["sender"] == PAYER.address} >= {
            (0, "cancelled"),
            (1, "final"),
        }
        await settled(one)


async def test_a_nonce_that_went_missing_below_ours_is_told_and_filled(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        first = PAYER.sign_transaction(transfer(0))  # of before there was a journal
        await one.chain.take("0x" + first.raw.hex())
        await one.chain.mine()
        wanted = await one.grow()
        await one.step(wanted, blocks=0)
        assert [row["nonce"] for row in (await one.journal())["anchor_send"]] == [1]
        await one.chain.reorg(1)
        one.chain.pool.pop((PAYER.address, 0))
        seen = [await one.step(wanted) for _ in range(2)]
        assert codes(seen) == {"nonce_stuck"} and "nonce 0 is missing" in details(seen, "nonce_stuck")
        await one.anchor.cancel(0)
        await one.until_recorded(wanted)
        await settled(one)


async def test_a_nonce_is_begun_with_when_nothing_waits_that_is_not_journalled(tmp_path: Path) -> None:
    """A lost journal leaves a transaction in the pools: a second one of its nonce would replace it."""
    async with world(tmp_path) as one:
        await one.chain.take("0x" + PAYER.sign_transaction(transfer(0)).raw.hex())
        wanted = await one.grow()
        seen = [await one.step(wanted, blocks=0) for _ in range(2)]
        assert codes(seen) == {"key_used_elsewhere"} and not seen[0].troubles[0].stops
        assert (await one.journal())["anchor_send"] == [] and one.chain.replaced == 0
        await one.chain.mine()
        assert codes(await one.until_recorded(wanted)) == set()
        await settled(one, lost=(0,))


async def test_what_the_contract_has_already_is_adopted(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        await one.until_recorded(await one.grow())
        saved = await one.journal()
        await one.until_recorded(await one.grow())
        wanted = await one.wanted()
        (lost,) = [row for row in (await one.journal())["anchor_work"] if row["size"] == wanted.size]
        # A journal from before the second anchor: rows put back as a restored backup has them.
        await put_back(one.writer, saved)
        one.recorded.clear()
        seen = await one.until_recorded(wanted)
        assert codes(seen) == set()
        assert one.recorded[0][1]["tx_hash"] == lost["tx_hash"]
        await one.until_recorded(await one.grow())
        # Somebody else relays what we signed, and ours comes too late: theirs counts.
        wanted = await one.grow()
        await one.step(wanted, blocks=0)
        (waiting,) = one.chain.pool.values()
        one.chain.pool.clear()
        hash_ = await relayed(one)
        await one.chain.take(waiting.raw)
        seen = await one.until_recorded(wanted)
        assert one.recorded[-1][1]["tx_hash"] == hash_
        await settled(one, lost=(1,))


async def test_a_checkpoint_of_ours_explains_no_transaction_but_its_own(tmp_path: Path) -> None:
    """A restored journal, and behind the anchor that it lacks one that somebody else sent with the key."""
    async with world(tmp_path) as one:
        await one.until_recorded(await one.grow())
        saved = await one.journal()
        await one.until_recorded(await one.grow())
        await one.chain.take("0x" + PAYER.sign_transaction(transfer(2)).raw.hex())
        await one.chain.mine(3)
        await put_back(one.writer, saved)
        seen = [await one.step(await one.wanted()) for _ in range(2)]
        assert codes(seen) == {"key_used_elsewhere"} and seen[0].troubles[0].stops


async def relayed(one: SenderWorld) -> str:
    """Somebody else gets in what we signed and what waits; return their transaction's hash."""
    data = next(row for row in (await one.journal())["anchor_send"] if row["state"] == "open")["data"]
    theirs = OWNER.sign_transaction(
        {"type": 2, "chainId": 31337, "nonce": await one.chain.nonce(OWNER.address), "value": 0, "gas": 200_000,
         "to": checksummed(one.place.contract), "data": bytes(data), "maxFeePerGas": 100 * GWEI_WEI,
         "maxPriorityFeePerGas": GWEI_WEI}
    )  # fmt: skip
    hash_ = await one.chain.take("0x" + theirs.raw.hex())
    await one.chain.mine()
    return hash_


async def test_what_was_adopted_and_is_undone_before_it_is_final_is_sent_again(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        await one.until_recorded(await one.grow())
        for whose in ("somebody's", "ours"):
            wanted, saved = await one.grow(), await one.journal()
            await one.step(wanted, blocks=0)
            if whose == "ours":  # sent by a journal of which we have an older backup
                await one.chain.mine()
                await put_back(one.writer, saved)
                seen = [await one.step(wanted, blocks=0)]
                assert codes(seen) == {"rpc_disagree"} and "to become final" in details(seen, "rpc_disagree")
            else:
                one.chain.pool.clear()
                await relayed(one)
                await put_back(one.writer, saved)
                assert codes([await one.step(wanted, blocks=0)]) == set()
                (work,) = [row for row in (await one.journal())["anchor_work"] if row["size"] == wanted.size]
                assert (work["state"], work["nonce"]) == ("mined", None)
            await one.chain.reorg(1)
            one.chain.pool.clear()
            await one.chain.mine()
            assert not codes(await one.until_recorded(wanted))
        await settled(one)
        assert len(one.recorded) == 3


async def test_two_senders_over_one_journal_anchor_once(tmp_path: Path) -> None:
    async with world(tmp_path) as one:
        other = one.another(terms=replace(TERMS, name="sender-2"))
        wanted = await one.grow()
        first, second = await asyncio.gather(one.anchor.advance(wanted), other.advance(wanted))
        assert {first.pending_size, second.pending_size} <= {wanted.size, None}
        await one.anchor.close()
        one.anchor = one.another()
        sends = [row for row in (await one.journal())["anchor_send"] if row["sender"] == PAYER.address]
        assert len(sends) == 1
        # With one name both hold the lease: the rows still let only one of them take the nonce.
        await other.close()
        await one.chain.mine()
        await one.until_recorded(wanted)
        twin = one.another()
        wanted = await one.grow()
        await asyncio.gather(*(sender.advance(wanted) for sender in (one.anchor, twin) for _ in range(3)))
        sends = [row for row in (await one.journal())["anchor_send"] if row["sender"] == PAYER.address]
        assert len(sends) == 2
        await one.until_recorded(wanted)
        await settled(one)
