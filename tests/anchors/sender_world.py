"""A log, its database, a contract on a real chain behind strict nodes, and a sender over all: what its tests share."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_hash.auto import keccak

from ledger.anchors.artefact import load_artefact
from ledger.anchors.evm import EvmAnchor, Place, Signers, contract_calls
from ledger.anchors.evm_receipt import check_receipt
from ledger.anchors.fees import GWEI_WEI
from ledger.anchors.journal import Journal
from ledger.anchors.looking import Terms
from ledger.anchors.owning import Owning
from ledger.anchors.protocol import Progress, Wanted
from ledger.anchors.rpc import Pool, Rpc
from ledger.anchors.sending import Sending
from ledger.anchors.signer import LocalSigner, checksummed
from ledger.clock import SystemClock
from ledger.reader import LogReader
from ledger.store.tables import metadata
from ledger.writer import Writer
from tests.anchors.strict_node import Chain, Node
from tests.ledger.writing import LOG, PROJECTIONS, empty_store, note, opening

ANVIL_OPTIONS = ("--no-mining", "--slots-in-an-epoch", "1", "--chain-id", "31337")
CHAIN_ID = 31337
ANCHOR = "anchor-1"
OWNER, PAYER, KEY = (LocalSigner(hashlib.sha256(name).digest()) for name in (b"owner", b"payer", b"key"))
SALT = hashlib.sha256(b"salt").digest()
TERMS = Terms("sender-1", ceiling_wei=300 * GWEI_WEI, replace_blocks=3, stuck_blocks=60)
ETHER = 10**18
ROUNDS_MAX = 60


def pool_of(nodes: Sequence[Node], timeout_seconds: float = 20.0) -> Pool:
    """The RPCs as a sender sees them, more than half of which must agree."""
    rpcs = [Rpc(node.url, number, timeout_seconds) for number, node in enumerate(nodes, 1)]
    return Pool(rpcs, len(rpcs) // 2 + 1)


@dataclass
class SenderWorld:
    """Everything a test of the sender turns. `recorded` holds the receipts in the order in which they were given."""

    chain: Chain
    nodes: list[Node]
    writer: Writer
    reader: LogReader
    place: Place
    anchor: EvmAnchor
    recorded: list[tuple[int, dict[str, Any]]]
    notes: int = 0

    async def grow(self, count: int = 1) -> Wanted:
        """Append entries, and return the checkpoint of the log as it is then."""
        for _ in range(count):
            self.notes += 1
            await self.writer.submit(note(f"note-{self.notes}"))
        return await self.wanted()

    async def wanted(self) -> Wanted:
        head = await self.reader.head()
        return Wanted(head.size, head.root, b"")

    def another(self, **changed: Any) -> EvmAnchor:
        """The sender as another process would make it."""
        given: dict[str, Any] = {
            "tree": self.reader,
            "terms": TERMS,
            "place": self.place,
            "pool": pool_of(self.nodes),
        } | changed
        signers = given.pop("signers", lambda: Signers(KEY, PAYER))
        journal = Journal(self.writer, LOG)
        return EvmAnchor(
            ANCHOR, given["place"], given["pool"], journal, given["tree"], signers, given["terms"]
        )

    async def step(self, wanted: Wanted | None = None, blocks: int = 1) -> Progress:
        """One round, receipts recorded as the worker does, then as many blocks."""
        progress = await self.anchor.advance(wanted)
        for one in progress.anchored:
            seen = check_receipt(one.receipt, keccak)
            assert (seen.size, seen.root) == (one.size, one.root)
            self.recorded.append((one.size, dict(one.receipt)))
            await self.anchor.recorded(one.size)
        if blocks:
            await self.chain.mine(blocks)
        return progress

    async def until_recorded(self, wanted: Wanted, rounds: int = ROUNDS_MAX) -> list[Progress]:
        """Turn until this checkpoint is recorded; fails when it does not come."""
        seen = []
        for _ in range(rounds):
            seen.append(await self.step(wanted))
            if any(size == wanted.size for size, _ in self.recorded):
                return seen
        raise AssertionError(f"expected checkpoint {wanted.size} in {rounds} rounds, got {seen[-1]}")

    async def events(self) -> list[int]:
        """The sizes that the contract took, in the order of the chain."""
        topics = [["0x" + keccak(b"CheckpointAnchored(bytes32,uint64,bytes32)").hex()], [self.place.log_id]]
        asked = {"fromBlock": "0x0", "toBlock": "latest", "address": self.place.contract, "topics": topics}
        return [int(log["data"][2:66], 16) for log in await self.chain.rpc("eth_getLogs", asked)]

    async def journal(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of the journal."""
        return await journal_of(self.reader)


async def journal_of(reader: LogReader) -> dict[str, list[dict[str, Any]]]:
    """All rows of a journal."""
    names = ("anchor_driver", "anchor_work", "anchor_send", "anchor_attempt")
    return {name: [dict(row) for row in await reader.rows(name)] for name in names}


async def fund(chain: Chain, *signers: LocalSigner, wei: int = 100 * ETHER) -> None:
    """Give money, as a faucet does."""
    for signer in signers:
        await chain.rpc("anvil_setBalance", signer.address, hex(wei))


async def mined(chain: Chain, doing: Any) -> Any:
    """Await a command of the owner while blocks are made."""
    task = asyncio.ensure_future(doing)
    while not task.done():
        await chain.mine()
        await asyncio.sleep(0.02)
    return await task


def owning(
    chain: Chain, nodes: Sequence[Node], writer: Writer, contract: str | None, who: LocalSigner = OWNER
) -> Owning:
    """The owner's commands."""
    terms = replace(TERMS, name="owner")
    sending = Sending(pool_of(nodes), Journal(writer, LOG), CHAIN_ID, who.address, terms)
    return Owning(sending, who, contract, wait_seconds=20, poll_seconds=0.01)


async def contract_and_log(chain: Chain) -> tuple[str, str]:
    """Deploy and open a log by hand: tests/anchors/test_owning.py shows the commands that do it."""
    calls = contract_calls()
    hashes: list[str] = []
    contract: str | None = None
    opening_data = calls.encode("openLog", checksummed(OWNER.address), checksummed(KEY.address), SALT, SALT)
    for data in (calls.creation, opening_data):
        fields = {"type": 2, "chainId": CHAIN_ID, "nonce": len(hashes), "value": 0, "data": data, "gas": 3_000_000,
                  "maxFeePerGas": 100 * GWEI_WEI, "maxPriorityFeePerGas": GWEI_WEI}  # fmt: skip
        signed = OWNER.sign_transaction(fields | ({} if contract is None else {"to": checksummed(contract)}))
        hashes.append(await chain.take("0x" + signed.raw.hex()))
        await chain.mine()
        receipt = await chain.rpc("eth_getTransactionReceipt", hashes[-1])
        assert receipt["status"] == "0x1"
        contract = contract or receipt["contractAddress"]
    assert contract is not None
    return contract, receipt["logs"][0]["topics"][1]


@contextlib.asynccontextmanager
async def opened(chain: Chain, nodes: list[Node], url: str) -> AsyncIterator[SenderWorld]:
    """A log in the database at `url`, and the same log opened in a fresh contract."""
    assert "anchor_send" in metadata.tables
    async with empty_store(url) as store, Writer(store, PROJECTIONS, SystemClock()) as writer:
        await writer.submit(opening())
        await fund(chain, OWNER, PAYER)
        contract, log_id = await contract_and_log(chain)
        code_hash = "0x" + load_artefact().code_hash.hex()
        place = Place(CHAIN_ID, contract, code_hash, log_id, OWNER.address, KEY.address, PAYER.address)
        world = SenderWorld(chain, nodes, writer, LogReader(store.reader, LOG), place, None, [])  # type: ignore[arg-type]
        world.anchor = world.another()
        yield world
        await world.anchor.close()
