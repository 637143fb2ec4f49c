"""Kills a real sender at chosen steps while its RPCs and its chain misbehave, and counts what came of it.

Used for a few kills by tests/anchors/test_sender_kills.py and for hundreds of anchors by tests/prove/test_anchors.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from ledger.anchors.evm_receipt import check_receipt
from ledger.anchors.fees import GWEI_WEI
from ledger.reader import LogReader
from ledger.store import open_store
from tests.anchors.killed_sender import NEVER
from tests.anchors.sender_world import PAYER, journal_of, opened
from tests.anchors.strict_node import Chain, Node, nodes
from tests.ledger.writing import LOG

ROOT = Path(__file__).resolve().parents[2]
RPCS = 3
START_SECONDS_MAX = 120
BLOCK_SECONDS = 0.03
FAULT_SECONDS = (0.05, 0.5)
CALM_SECONDS = (0.1, 0.6)
SPIKE_GWEI = (5, 60)
DEEP_BLOCKS = (4, 10)
"""Final is what has two blocks on top."""
CALM_ANCHORS = 15
"""At the end, so that what the last storm undid is made good."""
LIES = (
    "wrong_chain", "old_head", "wrong_receipts", "wrong_proof", "fake_finalized", "wrong_block", "wrong_fees",
    "wrong_count",
)  # fmt: skip
"""What one RPC may say while the others tell the truth."""
OUTAGES = ("lost_before", "lost_after", "rate_limit", "slow", "malformed", "not_json", "down", "server_error")
"""What may befall all of them."""
CHAIN = ("evicted", "reorg", "reorg_below_final", "fee_spike", "no_blocks")


@dataclass
class Ended:
    """What happened. `faults` counts what was acted on, `kills` the steps at which a process ended."""

    anchored: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    given_again: int = 0
    replaced: int = 0
    sends: int = 0
    attempts: int = 0
    failed: int = 0
    undone: int = 0


async def anchored(
    anvil_url: str, database_url: str, folder: Path, target: int, kills: list[tuple[str, int]], draw: random.Random,
    faults: bool,
) -> Ended:  # fmt: skip
    """Anchor `target` checkpoints with a process that is killed at these steps, and look at what is left."""
    seen = Ended()
    receipts = folder / "receipts.jsonl"
    receipts.touch()
    async with nodes(anvil_url, RPCS) as (chain, made):
        async with opened(chain, made, database_url) as world:
            place = json.dumps(asdict(world.place))
            await world.anchor.close()
        # The database is the child's from here on: only one process writes.
        weather = Weather(chain, made, draw, faults, lambda: target - len(set(_sizes(receipts))), seen)
        turning = [asyncio.create_task(weather.blocks()), asyncio.create_task(weather.faults())]
        try:
            for number, (step, occurrence) in enumerate([*kills, (NEVER, 1)]):
                name = f"sender-{number % 3 == 2}"  # every third is another worker, which waits for the lease to end
                weather.starving = step.endswith("again")
                await _run(database_url, made, place, receipts, target, name, step, occurrence, seen)
        finally:
            for task in turning:
                task.cancel()
            done = await asyncio.gather(*turning, return_exceptions=True)
        broken = [one for one in done if isinstance(one, Exception)]
        assert broken == [], broken
        for node in made:
            node.faults = set()
            seen.faults.update({fault: count for fault, count in node.told.items() if count})
        seen.replaced = chain.replaced
        await _look(seen, chain, place, receipts, target)
        await _look_at_rows(seen, database_url, chain)
    return seen


def _sizes(receipts: Path) -> list[int]:
    lines = receipts.read_text().splitlines(keepends=True)
    return [json.loads(line)["size"] for line in lines if line.endswith("\n")]


async def _run(
    url: str,
    made: list[Node],
    place: str,
    receipts: Path,
    target: int,
    name: str,
    step: str,
    occurrence: int,
    seen: Ended,
) -> None:
    complaints = receipts.with_name("sender.stderr")
    with complaints.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "tests" / "anchors" / "killed_sender.py"), url,
            ",".join(node.url for node in made), place, str(receipts), str(target), name, step, str(occurrence),
            stdout=asyncio.subprocess.PIPE, stderr=stderr, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = await asyncio.wait_for(process.stdout.readline(), START_SECONDS_MAX)
        assert ready == b"ready\n", complaints.read_text()[-4000:]
        code = await asyncio.wait_for(process.wait(), 120 + 10 * target)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert code in (0, -signal.SIGKILL), complaints.read_text()[-4000:]
    if code != 0:
        seen.kills[step] += 1


class Weather:
    """Makes blocks, and goes through the faults one after the other."""

    def __init__(
        self,
        chain: Chain,
        made: list[Node],
        draw: random.Random,
        faults: bool,
        left: Callable[[], int],
        seen: Ended,
    ) -> None:
        """`left` says how many checkpoints are still to come."""
        self._left = left
        self._chain = chain
        self._made = made
        self._draw = draw
        self._stormy = faults
        self._seen = seen
        self._still = False
        self.starving = False
        """No transaction of ours gets in, so that it is replaced."""
        self._turn = asyncio.Lock()

    async def blocks(self) -> None:
        while True:
            await asyncio.sleep(BLOCK_SECONDS)
            if not self._still:
                async with self._turn:
                    if self.starving:
                        self._chain.evict(PAYER.address)
                    await self._chain.mine()

    async def faults(self) -> None:
        order: list[str] = []
        while self._stormy and self._left() > CALM_ANCHORS:
            await asyncio.sleep(self._draw.uniform(*CALM_SECONDS))
            if not order:
                order = [*LIES, *OUTAGES, *CHAIN]
                self._draw.shuffle(order)
            await self._one(order.pop())

    async def _one(self, fault: str) -> None:
        seconds = self._draw.uniform(*FAULT_SECONDS)
        if fault in CHAIN:
            await self._chain_fault(fault, seconds)
            return
        # Lies are of one; an outage may be of all.
        hit = [self._draw.choice(self._made)] if fault in LIES or self._draw.random() < 0.5 else self._made
        if fault == "wrong_chain":  # a node is asked for its chain at the start and after it failed
            for node in hit:
                node.faults = {"server_error"}
            await asyncio.sleep(0.1)
        for node in hit:
            node.faults = {fault}
        await asyncio.sleep(seconds)
        for node in hit:
            node.faults = set()

    async def _chain_fault(self, fault: str, seconds: float) -> None:
        async with self._turn:
            if fault == "evicted":
                self._seen.faults[fault] += self._chain.evict(PAYER.address)
            elif fault == "reorg":
                self._seen.faults[fault] += 1
                await self._chain.reorg(self._draw.choice((1, 2)))
            elif fault == "reorg_below_final":
                self._seen.faults[fault] += 1
                await self._chain.reorg(self._draw.randint(*DEEP_BLOCKS))
            elif fault == "fee_spike":
                self._seen.faults[fault] += 1
                self._chain.spike_wei = self._draw.randint(*SPIKE_GWEI) * GWEI_WEI
        self._still = fault == "no_blocks"
        self._seen.faults["no_blocks"] += self._still
        await asyncio.sleep(seconds)
        self._still = False
        self._chain.spike_wei = 0


async def _look(seen: Ended, chain: Chain, place: str, receipts: Path, target: int) -> None:
    """Each checkpoint is final once, in order, with one receipt that holds."""
    where = json.loads(place)
    topics = [["0x" + keccak(b"CheckpointAnchored(bytes32,uint64,bytes32)").hex()], [where["log_id"]]]
    asked = {"fromBlock": "0x0", "toBlock": "latest", "address": where["contract"], "topics": topics}
    events = [
        (int(log["data"][2:66], 16), log["transactionHash"], log["blockHash"])
        for log in await chain.rpc("eth_getLogs", asked)
    ]
    given: dict[int, list[dict[str, Any]]] = {}
    for line in receipts.read_text().splitlines():
        one = json.loads(line)
        given.setdefault(one["size"], []).append(one["receipt"])
    seen.anchored = len(given)
    seen.given_again = sum(len(one) - 1 for one in given.values())
    assert len(given) == target
    sizes = [size for size, _, _ in events]
    assert sizes == sorted(set(sizes)) == sorted(given), "events in order, each size once, each recorded"
    for size, tx_hash, block_hash in events:
        # One that was given again is the same, unless its block was final and was undone: then the last one holds.
        blocks = {receipt["block_hash"] for receipt in given[size]}
        seen.undone += len(blocks) - 1
        assert len(blocks) == 1 or seen.faults["reorg_below_final"]
        assert (given[size][-1]["tx_hash"], given[size][-1]["block_hash"]) == (tx_hash, block_hash)
        assert all(check_receipt(receipt, keccak).size == size for receipt in given[size])


async def _look_at_rows(seen: Ended, url: str, chain: Chain) -> None:
    """No nonce is left out, nothing is open, and the chain knows no transaction that the journal does not."""
    store = open_store(url)
    rows = await journal_of(LogReader(store.reader, LOG))
    await store.close()
    sends = sorted(
        (row for row in rows["anchor_send"] if row["sender"] == PAYER.address), key=lambda row: row["nonce"]
    )
    assert [row["nonce"] for row in sends] == list(range(len(sends)))
    assert await chain.nonce(PAYER.address) == len(sends)
    assert {row["state"] for row in sends} <= {"final", "failed"}
    assert {row["state"] for row in rows["anchor_work"]} == {"recorded"}
    seen.sends = len(sends)
    seen.failed = sum(row["state"] == "failed" for row in sends)
    seen.attempts = len(rows["anchor_attempt"])
