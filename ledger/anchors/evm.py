"""The anchor in a public contract: what it says about a log, what may be sent to it, and how far a checkpoint is.

    advance(wanted)
      -> Sending.begin_round   what became of what is under way                       (ledger/anchors/sending.py)
      -> _follow               checkpoints move with their transactions; final ones get a receipt
      -> push                  what is under way, once more
      -> _take_up              contract read, size and root derived from the log again, dry run, sign, journal, send

The only module that imports web3, and only when an anchor is made: it encodes calls and decodes what comes back.
Requests go through ledger/anchors/rpc.py, because web3 repeats a send by itself and bounds no answer (docs/adr/0016).
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from eth_hash.auto import keccak

from ledger import codec
from ledger.anchors.artefact import load_artefact
from ledger.anchors.evm_receipt import check_receipt
from ledger.anchors.fees import quantity
from ledger.anchors.journal import (
    CANCELLED,
    FAILED,
    FINAL,
    INTENDED,
    MINED,
    OPEN,
    RECORDED,
    SIGNED,
    Checkpointing,
    Journal,
    JournalMoved,
    Send,
)
from ledger.anchors.looking import Halted, Round, Terms
from ledger.anchors.protocol import EVM, Anchored, Progress, Trouble, Wanted
from ledger.anchors.receipts import prove_receipt
from ledger.anchors.rpc import Block, Pool, RpcError, RpcRefused, RpcUnreachable, bytes_of, hash_of
from ledger.anchors.sending import Sending
from ledger.anchors.signer import Signer, SignerError
from ledger.errors import LedgerError, ProofError, StoreError
from ledger.reader import TreeHead

GAS_MAX = 2_000_000
"""An anchor takes some 100,000 at 10^9 entries, more where data is paid for as gas; what is above is not believed."""
GAS_MARGIN_PERCENT = 20
EVENT_BLOCKS_COUNT = 1_000
EVENT_RANGES_PER_CALL = 100
REVERTED = 3
"""The code of a JSON-RPC error that geth, and others after it, give for a call that reverted."""
CHECKPOINT_EVENT = "0x" + keccak(b"CheckpointAnchored(bytes32,uint64,bytes32)").hex()
_DOMAIN = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
_CHECKPOINT = keccak(b"Checkpoint(bytes32 logId,uint64 treeSize,bytes32 root)")
_NAME, _VERSION = keccak(b"TallystickCheckpointAnchor"), keccak(b"1")


class Tree(Protocol):
    """What is read of the log; `ledger.reader.LogReader` is one."""

    async def head(self) -> TreeHead:
        """Return size and root as last committed."""
        ...

    async def root(self, size: int) -> bytes:
        """Return the root at an earlier size."""
        ...

    async def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """Return the RFC 6962 proof between two sizes up to the head."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where an anchor of this type is: `place` of its entry (docs/spec/anchoring.md section 2)."""

    chain_id: int
    contract: str
    code_hash: str
    log_id: str
    owner: str
    anchor_key: str
    payer: str


@dataclass(frozen=True, slots=True)
class Signers:
    """The two keys that the server holds."""

    anchor_key: Signer
    payer: Signer


class Calls:
    """Encodes calls of the contract and decodes what it says."""

    def __init__(self) -> None:
        # Imported here: half a second, and only whoever has an anchor needs it.
        from web3 import AsyncWeb3

        web3: Any = AsyncWeb3()
        artefact = load_artefact()
        self.creation = artefact.creation
        self.code_hash = "0x" + artefact.code_hash.hex()
        self._codec = web3.codec
        self._contract: Any = web3.eth.contract(abi=list(artefact.abi))
        self._errors: dict[bytes, tuple[str, list[Any]]] = {}
        self._outputs: dict[str, list[str]] = {}
        for item in artefact.abi:
            kinds = [one["type"] for one in item.get("inputs", ())]
            if item["type"] == "error":
                selector = keccak(f"{item['name']}({','.join(kinds)})".encode())[:4]
                self._errors[selector] = (item["name"], list(item["inputs"]))
            elif item["type"] == "function":
                self._outputs[item["name"]] = [one["type"] for one in item["outputs"]]

    def encode(self, function: str, *arguments: Any) -> bytes:
        """Return calldata."""
        return bytes.fromhex(self._contract.encode_abi(function, list(arguments))[2:])

    def decode(self, function: str, data: bytes) -> tuple[Any, ...]:
        """Return what a call returned. Raises ValueError: bytes of another shape."""
        try:
            return tuple(self._codec.decode(self._outputs[function], data))
        except Exception as error:  # eth_abi raises its own kinds, which say nothing more
            raise ValueError(
                f"{function}: expected {self._outputs[function]}, got {len(data)} bytes"
            ) from error

    def refusal(self, refused: RpcRefused) -> LedgerError:
        """Return what to raise when a call was refused: by the contract, or by the node for reasons of its own."""
        reverted = refused.data is not None or refused.code == REVERTED or "revert" in refused.message.lower()
        if not reverted:
            return RpcUnreachable(str(refused))
        return Halted(Trouble("contract_refuses", self.error(refused.data, str(refused)), stops=True))

    def error(self, data: str | None, message: str) -> str:
        """Return the contract's error by name with its arguments, else what the node said."""
        try:
            raw = bytes_of(data)
        except ValueError:
            raw = b""
        known = self._errors.get(raw[:4])
        if known is None:
            return message
        name, inputs = known
        try:
            values = self._codec.decode([one["type"] for one in inputs], raw[4:])
        except Exception:
            return name
        said = (f"{one['name']}={_shown(value)}" for one, value in zip(inputs, values, strict=True))
        return f"{name}({', '.join(said)})"


@functools.cache
def contract_calls() -> Calls:
    """Return the one that everybody uses: it holds no state, and making it takes a while."""
    return Calls()


def checkpoint_digest(chain_id: int, contract: str, log_id: str, size: int, root: bytes) -> bytes:
    """Return what the anchor key signs (EIP-712; the contract's `digestOf` gives the same)."""
    address = bytes.fromhex(contract[2:]).rjust(32, b"\x00")
    domain = keccak(_DOMAIN + _NAME + _VERSION + chain_id.to_bytes(32, "big") + address)
    struct = keccak(_CHECKPOINT + bytes.fromhex(log_id[2:]) + size.to_bytes(32, "big") + root)
    return bytes(keccak(b"\x19\x01" + domain + struct))


class EvmAnchor:
    """Anchors the checkpoints of one log in the contract. `signers` is asked when something is to be signed."""

    type = EVM

    def __init__(
        self,
        anchor: str,
        place: Place,
        pool: Pool,
        journal: Journal,
        tree: Tree,
        signers: Callable[[], Signers],
        terms: Terms,
    ) -> None:
        self.anchor = anchor
        self.place = place
        self._pool = pool
        self._journal = journal
        self._tree = tree
        self._load_signers = signers
        self._signers: Signers | None = None
        self._calls = contract_calls()
        self._terms = terms
        self._search_below: int | None = None
        self._one_at_a_time = asyncio.Lock()
        self.sending = Sending(
            pool, journal, place.chain_id, place.payer, terms, place.contract, place.code_hash, self._explains
        )

    # ------------------------------------------------------------------------------------------ the protocol
    async def advance(self, wanted: Wanted | None) -> Progress:
        """Do what can be done now; see `ledger.anchors.protocol.Anchor`. Bounded by the lease."""
        troubles: list[Trouble] = []
        try:
            async with self._one_at_a_time, asyncio.timeout(self._terms.lease_seconds):
                await self._advance(wanted, troubles)
        except Halted as halted:
            troubles.append(halted.trouble)
        except JournalMoved:
            pass  # another driver was faster: the next round sees what it did
        except TimeoutError:
            said = f"expected a round to end in {self._terms.lease_seconds} s, it did not"
            troubles.append(Trouble("rpc_unreachable", said))
        except SignerError as error:
            troubles.append(Trouble("signer_missing", str(error)))
        except (RpcUnreachable, RpcRefused) as error:
            troubles.append(Trouble("rpc_unreachable", str(error)))
        except RpcError as error:
            troubles.append(Trouble("rpc_disagree", str(error)))
        outvoted, self._pool.outvoted = self._pool.outvoted, {}
        if outvoted:
            said = "; ".join(f"{name}: {what}" for name, what in sorted(outvoted.items()))
            troubles.append(Trouble("rpc_disagree", said))
        works = await self._journal.works(self.anchor)
        pending = [work.size for work in works if work.state not in (FINAL, RECORDED)]
        anchored = tuple(
            Anchored(work.size, work.root, codec.loads(work.receipt))
            for work in works
            if work.state == FINAL and work.receipt is not None
        )
        return Progress(anchored, max(pending, default=None), tuple(dict.fromkeys(troubles)))

    async def recorded(self, size: int) -> None:
        """Take note that the receipt of this size is an entry."""
        await self._journal.recorded(self.anchor, size)

    async def resume(self) -> None:
        """Send again after a stop: a person looked. Where the key was used elsewhere, go on behind what it sent.

        Raises:
            Halted, RpcError, JournalMoved, StoreError
        """
        async with self._one_at_a_time:
            await self.sending.resume()

    async def cancel(self, nonce: int) -> None:
        """Free a nonce that is stuck; the checkpoint behind it is taken up again with another.

        Raises:
            Halted, RpcError, SignerError, JournalMoved, StoreError
        """
        async with self._one_at_a_time:
            await self.sending.cancel(nonce, (await self._unlock()).payer)

    async def close(self) -> None:
        """Let go of the lease and the connections."""
        try:
            await self._journal.release(self.place.chain_id, self.place.payer, self._terms.name)
        except StoreError:
            pass  # the writer is closed already: the lease ends by itself
        await self._pool.close()

    async def _advance(self, wanted: Wanted | None, troubles: list[Trouble]) -> None:
        works = {work.size: work for work in await self._journal.works(self.anchor)}
        also = [work.nonce for work in works.values() if work.nonce is not None and work.state != RECORDED]
        now = await self.sending.begin_round(also)
        if now is None:
            return
        now.troubles, found = troubles, now.troubles
        troubles += found
        for work in sorted(works.values(), key=lambda one: one.size):
            await self._follow(now, works, work)
        if now.stopped:
            return
        under_way = [work for work in works.values() if work.state not in (FINAL, RECORDED)]
        await self.sending.push(now, self._payer)
        intended = [work for work in under_way if work.state == INTENDED]
        if intended and not now.open():  # its proof begins where those that wait will leave the contract
            await self._take_up(now, intended[0])
        elif wanted is not None and not under_way:
            await self._begin(now, works, wanted)

    async def _payer(self) -> Signer:
        return (await self._unlock()).payer

    async def _unlock(self) -> Signers:
        if self._signers is None:
            signers = await asyncio.to_thread(self._load_signers)
            for name, signer, address in (
                ("anchor key", signers.anchor_key, self.place.anchor_key),
                ("payer", signers.payer, self.place.payer),
            ):
                if signer.address != address:
                    raise SignerError(f"{name}: expected the key of {address}, got that of {signer.address}")
            self._signers = signers
        return self._signers

    # ------------------------------------------------------------------------------------------ following
    async def _follow(self, now: Round, works: dict[int, Checkpointing], work: Checkpointing) -> None:
        """Bring a checkpoint to where its transaction is."""
        send = now.sends.get(work.nonce) if work.nonce is not None else None
        if send is not None:
            moved = _after(work, send)
        elif work.nonce is None and work.state == MINED and work.block_number is not None:
            moved = await self._adopted(now, work)
        else:
            return
        if moved.state == FINAL and moved.receipt is None:
            moved = replace(moved, receipt=await self._receipt(moved))
        if moved != work:
            # A crash before it: the next round finds the same.
            await self._journal.set_work(work, moved)
            works[work.size] = moved

    async def _adopted(self, now: Round, work: Checkpointing) -> Checkpointing:
        assert work.block_number is not None
        if work.block_number > now.head.number:
            return work
        block = await self._pool.block_at(work.block_number)
        if block is None or block.hash != work.block_hash:
            return replace(work, state=INTENDED, tx_hash=None, block_number=None, block_hash=None)
        return replace(work, state=FINAL) if work.block_number <= now.final.number else work

    async def _receipt(self, work: Checkpointing) -> str:
        """Make the receipt from the first RPC whose block can be proven; what cannot is named.

        Raises:
            RpcUnreachable: none of them.
        """
        failures = []
        for rpc in self._pool.good():
            try:
                header = await rpc.request("eth_getBlockByHash", [work.block_hash, False])
                receipts = await rpc.request("eth_getBlockReceipts", [work.block_hash])
                made = self._prove(work, header, receipts)
            except RpcError as error:
                failures.append(str(error))
            except (ProofError, ValueError, TypeError, KeyError, AttributeError) as error:
                failures.append(f"{rpc.name}: {error}")
                self._pool.outvoted[rpc.name] = (
                    f"receipt of {work.tx_hash} does not prove: {str(error)[:200]}"
                )
            else:
                return codec.dumps(made).decode()
        raise RpcUnreachable(f"receipt of checkpoint {work.size}: {'; '.join(failures)}")

    def _prove(self, work: Checkpointing, header: Any, receipts: Any) -> dict[str, Any]:
        mine = [one for one in receipts if one["transactionHash"].lower() == work.tx_hash]
        if len(mine) != 1 or header["hash"].lower() != work.block_hash:
            raise ValueError(f"expected one receipt of {work.tx_hash} in {work.block_hash}, got {len(mine)}")
        logs = [self._anchors(log, work.size) for log in mine[0]["logs"]]
        if True not in logs:
            raise ValueError(f"expected the event of size {work.size}, got none")
        made = prove_receipt(
            header, receipts, quantity(mine[0]["transactionIndex"]), self.place.chain_id, self.place.contract,
            self.place.log_id, logs.index(True),
        )  # fmt: skip
        seen = check_receipt(made, keccak)
        if (seen.size, seen.root) != (work.size, work.root):
            raise ValueError(
                f"expected root {work.root.hex()} at {work.size}, got {seen.root.hex()} at {seen.size}"
            )
        return made

    def _anchors(self, log: Mapping[str, Any], size: int) -> bool:
        topics = [str(topic).lower() for topic in log["topics"]]
        mine = log["address"].lower() == self.place.contract and topics == [
            CHECKPOINT_EVENT,
            self.place.log_id,
        ]
        return mine and int.from_bytes(bytes_of(log["data"])[:32], "big") == size

    # ------------------------------------------------------------------------------------------ taking up
    async def _begin(self, now: Round, works: Mapping[int, Checkpointing], wanted: Wanted) -> None:
        done = max(works, default=0)
        if wanted.size <= done:
            return
        work = Checkpointing(self.anchor, wanted.size, wanted.root)
        if await self._ahead(now, work):
            return
        await self._derive(now, work)
        # A crash after it: the next round takes up what is intended, before any newer one.
        if await self._journal.intend(work):
            await self._take_up(now, work)

    async def _take_up(self, now: Round, work: Checkpointing) -> None:
        """Sign and send a checkpoint that is intended.

        1. What the contract holds already is not sent again.   2. Size and root are derived from the log once more.
        3. The contract's own answer to exactly this call.      4. Sign, journal, send.
        """
        if await self._ahead(now, work):
            return
        latest = await self._latest(now.head)
        await self._derive(now, work)
        proof = await self._tree.consistency(latest[0], work.size) if latest[0] else []
        signers = await self._unlock()
        digest = checkpoint_digest(
            self.place.chain_id, self.place.contract, self.place.log_id, work.size, work.root
        )
        signature = await asyncio.to_thread(signers.anchor_key.sign_digest, digest)
        data = self._calls.encode(
            "anchor", bytes.fromhex(self.place.log_id[2:]), work.size, work.root, proof, signature
        )
        gas = await self._dry_run(now, data)
        name = f"{self.anchor}/{work.size}"
        send = self.sending.build(now, name, "anchor", self.place.contract, data, gas)
        await self.sending.send(now, signers.payer, send, work)

    async def _derive(self, now: Round, work: Checkpointing) -> None:
        """Hold size and root against the log as it is now: what was published is not believed either."""
        head = await self._tree.head()
        root = await self._tree.root(work.size) if work.size <= head.size else b""
        if root != work.root:
            said = f"size {work.size}: expected root {work.root.hex()} as published, got {root.hex() or 'no such size'}"
            await self.sending.halt(now, "log_differs", said)

    async def _ahead(self, now: Round, work: Checkpointing) -> bool:
        """Return whether the contract holds this size or a larger one of our log already; that one is adopted.

        Raises:
            Halted: `log_differs`: what the contract holds is not of this log.
        """
        size, root = await self._latest(now.head)
        head = await self._tree.head()
        if size:
            ours = await self._tree.root(size) if size <= head.size else b""
            if ours != root:
                there = f"root {ours.hex()}" if ours else f"only {head.size} entries"
                said = f"size {size}: expected root {root.hex()} as in the contract, got {there}"
                await self.sending.halt(now, "log_differs", said)
        if size < work.size:
            return False
        found = await self._event(now, size, root)
        if found is None:
            return True  # the search goes on in the next round
        adopted = Checkpointing(
            self.anchor, size, root, MINED, None, found.tx_hash, found.block.number, found.block.hash
        )
        works = {one.size: one for one in await self._journal.works(self.anchor)}
        if size in works:
            if works[size].state == INTENDED:
                await self._journal.set_work(works[size], adopted)
        else:
            await self._journal.intend(adopted)
        if work.size in works and work.size < size:
            await self._journal.set_work(works[work.size], None)
        return True

    async def _latest(self, head: Block) -> tuple[int, bytes]:
        """Return the checkpoint that the contract holds; (0, zeros) before the first."""
        data = self._calls.encode("checkpoint", bytes.fromhex(self.place.log_id[2:]))
        try:
            answer = await self._pool.agreed(
                "eth_call",
                [{"to": self.place.contract, "data": "0x" + data.hex()}, hex(head.number)],
                bytes_of,
            )
        except RpcRefused as error:
            raise self._calls.refusal(error) from None
        try:
            size, root = self._calls.decode("checkpoint", answer)
        except ValueError as error:
            raise Halted(Trouble("contract_refuses", str(error), stops=True)) from None
        return size, root

    async def _dry_run(self, now: Round, data: bytes) -> int:
        """Have the contract try exactly this call, and return the gas to give.

        Raises:
            Halted: `contract_refuses`, with the contract's error by name.
        """
        call = {"from": self.place.payer, "to": self.place.contract, "data": "0x" + data.hex()}
        try:
            await self._pool.agreed("eth_call", [call, hex(now.head.number)], bytes_of)
        except RpcRefused as error:
            refusal = self._calls.refusal(error)
            if isinstance(refusal, Halted):
                await self.sending.halt(now, refusal.trouble.code, refusal.trouble.detail)
            raise refusal from None
        return await self.sending.gas(call, GAS_MAX, GAS_MARGIN_PERCENT)

    # ------------------------------------------------------------------------------------------ events
    async def _event(self, now: Round, size: int, root: bytes) -> Found | None:
        """Find the event of a checkpoint, from the head down; None while the search is not at its end.

        Raises:
            Halted: there is none down to block 0, or it says another root.
        """
        # A search that was broken off goes on where it was; blocks that came since are looked at by the next search.
        upper = now.head.number if self._search_below is None else self._search_below
        for _ in range(EVENT_RANGES_PER_CALL):
            lower = max(0, upper - EVENT_BLOCKS_COUNT + 1)
            asked = {
                "address": self.place.contract,
                "topics": [CHECKPOINT_EVENT, self.place.log_id],
                "fromBlock": hex(lower),
                "toBlock": hex(upper),
            }
            for found in reversed(await self._pool.agreed("eth_getLogs", [asked], _read_events)):
                if found.size == size:
                    self._search_below = None
                    return found
            if lower == 0:
                self._search_below = None
                said = f"size {size}: expected its event in the contract's history, got none"
                raise Halted(Trouble("rpc_disagree", said))
            upper = lower - 1
        self._search_below = upper
        return None

    async def _explains(self, now: Round) -> bool:
        """Return whether the newest transaction of the payer anchored a checkpoint of this log: then it was ours.

        Raises:
            Halted: it was, but its block is not final. Nonces that went on behind it would never come back when the
                block is undone, for no journal could push that transaction again.
        """
        size, root = await self._latest(now.head)
        head = await self._tree.head()
        known = max((work.size for work in await self._journal.works(self.anchor)), default=0)
        if not known < size <= head.size or await self._tree.root(size) != root:
            return False
        found = await self._event(now, size, root)
        if found is None:
            return False
        sent = await self._pool.agreed("eth_getTransactionByHash", [found.tx_hash], _read_sender)
        if sent != (self.place.payer, now.count - 1):
            return False
        if found.block.number > now.final.number:
            said = f"checkpoint {size}, not journalled, is in block {found.block.number}: expected it to become final"
            raise Halted(Trouble("rpc_disagree", said))
        return True


@dataclass(frozen=True, slots=True)
class Found:
    """An event of the contract: a checkpoint, and where it got in."""

    size: int
    root: bytes
    tx_hash: str
    block: Block


def _read_events(result: Any) -> tuple[Found, ...]:
    events = []
    for log in result:
        data = bytes_of(log["data"])
        if len(data) != 64:
            raise ValueError(f"expected 64 bytes of event data, got {len(data)}")
        block = Block(quantity(log["blockNumber"]), hash_of(log["blockHash"]))
        events.append(
            Found(int.from_bytes(data[:32], "big"), data[32:], hash_of(log["transactionHash"]), block)
        )
    return tuple(events)


def _read_sender(result: Any) -> tuple[str, int]:
    return str(result["from"]).lower(), quantity(result["nonce"])


def _after(work: Checkpointing, send: Send) -> Checkpointing:
    """Return the checkpoint as its transaction makes it."""
    if send.state in (FAILED, CANCELLED):
        return replace(
            work, state=INTENDED, nonce=None, tx_hash=None, block_number=None, block_hash=None, receipt=None
        )
    if send.state == OPEN:
        return replace(work, state=SIGNED, tx_hash=None, block_number=None, block_hash=None, receipt=None)
    there = (send.tx_hash, send.block_number, send.block_hash)
    if work.state in (FINAL, RECORDED) and there == (work.tx_hash, work.block_number, work.block_hash):
        return work  # given back and perhaps recorded already
    state = FINAL if send.state == FINAL else MINED
    return replace(
        work, state=state, tx_hash=there[0], block_number=there[1], block_hash=there[2], receipt=None
    )


def _shown(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
