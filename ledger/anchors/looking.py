"""What a chain says about the transactions of one address, and what that moves in the journal.

    Looking.check_place   which RPCs are of this chain and hold this contract
    Looking.begin_round   lease; head, final block, and what became of each nonce: open -> mined -> final, or back

Only a receipt in a block that enough RPCs name alike says that a transaction got in, and only `finalized` of the chain
says for good. Nothing is sent here.

    LedgerError
    `-- Halted   nothing more is done in this round; carries the Trouble that says why
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from eth_hash.auto import keccak

from ledger.anchors.fees import quantity
from ledger.anchors.journal import (
    CANCELLED,
    FAILED,
    FINAL,
    LEASE_SECONDS,
    MINED,
    OPEN,
    Attempt,
    Driver,
    Journal,
    Send,
    Sight,
)
from ledger.anchors.protocol import Trouble
from ledger.anchors.rpc import Block, Pool, Rpc, RpcDisagree, bytes_of, hash_of
from ledger.errors import LedgerError

UNDONE_MAX_COUNT = 64


class Halted(LedgerError):
    """Nothing more is done in this round. The caller reports the trouble."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"{trouble.code}: {trouble.detail}")
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Terms:
    """How one address sends. `name` must differ between drivers; blocks are counted in heights of the chain."""

    name: str
    ceiling_wei: int
    replace_blocks: int = 10
    stuck_blocks: int = 600
    lease_seconds: int = LEASE_SECONDS


@dataclass(slots=True)
class Round:
    """One look at the chain, and what it moved. Not kept: the next round reads everything again."""

    driver: Driver
    sends: dict[int, Send]
    attempts: dict[int, tuple[Attempt, ...]]
    head: Block
    final: Block
    count: int
    """Transactions of the address in the chain up to `head`: the nonce it expects next."""
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        """Return whether a person must look first."""
        return self.driver.stopped is not None

    def open(self) -> list[Send]:
        """Return the sends that are not in a block, by nonce."""
        return [self.sends[nonce] for nonce in sorted(self.sends) if self.sends[nonce].state == OPEN]


Explain = Callable[[Round], Awaitable[bool]]
"""Says whether the newest transaction of the address is ours although the journal does not have it."""


class Looking:
    """The nonces of one address on one chain, as seen. Any number may exist; the lease lets one work at a time."""

    def __init__(
        self,
        pool: Pool,
        journal: Journal,
        chain_id: int,
        sender: str,
        terms: Terms,
        contract: str | None = None,
        code_hash: str | None = None,
        explain: Explain | None = None,
    ) -> None:
        """`contract` and `code_hash` (keccak256 of its runtime code) are looked for before anything else is asked.

        `explain` is asked before the driver stops because the chain has more transactions than the journal: a journal
        restored from a backup lacks the newest of our own.
        """
        self.pool = pool
        self.journal = journal
        self.chain_id = chain_id
        self.sender = sender
        self.terms = terms
        self._contract = contract
        self._code_hash = code_hash
        self._explain = explain

    # ------------------------------------------------------------------------------------------ a round
    async def check_place(self) -> list[Trouble]:
        """Look at chain id and code of every RPC that is new or failed since, and leave out those of another chain.

        Raises:
            Halted: too few are left; `wrong_chain`, `code_differs` or `rpc_unreachable`.
        """
        troubles: dict[str, list[str]] = {}
        for answer in await self.pool.ask("eth_chainId", [], quantity, self._unchecked()):
            if answer.value is None:
                troubles.setdefault("rpc_unreachable", []).append(str(answer.error))
            elif answer.value != self.chain_id:
                said = f"{answer.rpc.name}: expected chain {self.chain_id}, got {answer.value}"
                troubles.setdefault("wrong_chain", []).append(said)
            elif self._contract is None:
                answer.rpc.checked = True
            else:
                found = (
                    await self.pool.ask("eth_getCode", [self._contract, "latest"], bytes_of, [answer.rpc])
                )[0]
                code = None if found.value is None else "0x" + bytes(keccak(found.value)).hex()
                if code == self._code_hash:
                    answer.rpc.checked = True
                elif code is None:
                    troubles.setdefault("rpc_unreachable", []).append(str(found.error))
                else:
                    got = code if found.value else "no code"
                    said = (
                        f"{answer.rpc.name}: expected code {self._code_hash} at {self._contract}, got {got}"
                    )
                    troubles.setdefault("code_differs", []).append(said)
        enough = len(self.pool.good()) >= self.pool.quorum
        # One that is wrong beside enough good ones is told, not stopped for.
        found_troubles = [
            Trouble(code, "; ".join(said), stops=not enough and code != "rpc_unreachable")
            for code, said in sorted(troubles.items(), key=lambda item: item[0] == "rpc_unreachable")
        ]
        if not enough:
            raise Halted(
                found_troubles[0] if found_troubles else Trouble("rpc_unreachable", "no RPC answered")
            )
        return found_troubles

    def _unchecked(self) -> list[Rpc]:
        return [rpc for rpc in self.pool.rpcs if not rpc.checked]

    async def begin_round(self, also: Sequence[int] = ()) -> Round | None:
        """Look at the chain and move what can be moved; None while another driver has the lease.

        `also` names nonces whose sends the caller wants to see although they are final.

        Raises:
            Halted, RpcUnreachable, RpcDisagree, RpcRefused, JournalMoved, StoreError
        """
        driver = await self.journal.lease(
            self.chain_id, self.sender, self.terms.name, self.terms.lease_seconds
        )
        if driver is None:
            return None
        troubles = await self.check_place()
        head, final = await self.pool.block("latest"), await self.pool.block("finalized")
        final = min(final, head, key=lambda block: block.number)  # what is above the head cannot be looked at
        count = await self.count_at(head)
        if driver.nonce_next is None:
            driver = await self._first_nonce(driver, count)
        newest = [driver.nonce_done - 1] if driver.nonce_done else []
        sight = await self.journal.sight(driver, [*also, *newest])
        now = Round(
            driver, {send.nonce: send for send in sight.sends}, dict(sight.attempts), head, final, count
        )
        now.troubles += troubles
        await self._undo(now)
        await self._observe(now, sight)
        if now.stopped:
            now.troubles.append(Trouble(str(now.driver.stopped), now.driver.detail or "", stops=True))
        return now

    async def count_at(self, head: Block) -> int:
        """Return how many transactions the address has in the chain up to a block."""
        return await self.pool.agreed("eth_getTransactionCount", [self.sender, hex(head.number)], quantity)

    async def _first_nonce(self, driver: Driver, count: int) -> Driver:
        pending = [
            answer.value
            for answer in await self.pool.ask("eth_getTransactionCount", [self.sender, "pending"], quantity)
            if answer.value is not None
        ]
        if pending and max(pending) > count:
            # Perhaps ours, from a journal that was lost: it gets in or is dropped, and then the nonce is known.
            said = f"expected nothing under way that is not journalled, got {max(pending) - count}"
            raise Halted(Trouble("key_used_elsewhere", f"{self.sender}: {said}"))
        await self.journal.start_nonces(driver, count)
        return replace(driver, nonce_next=count, nonce_done=count)

    # ------------------------------------------------------------------------------------------ observing
    async def _undo(self, now: Round) -> None:
        """Take final sends back whose block is gone. The chain decides what happened, not what we remember."""
        undone = 0
        while now.driver.nonce_done and undone < UNDONE_MAX_COUNT:
            nonce = now.driver.nonce_done - 1
            if nonce not in now.sends:
                sight = await self.journal.sight(now.driver, [nonce])
                now.sends |= {send.nonce: send for send in sight.sends}
                now.attempts |= sight.attempts
            send = now.sends.get(nonce)
            if send is None or send.block_number is None or await self._stands(now, send):
                break
            await self._set(now, send, _reopened(send))
            await self.journal.done(now.driver, nonce)
            now.driver = replace(now.driver, nonce_done=nonce)
            undone += 1
            said = f"block {send.block_number} was final and is gone: nonce {nonce} is under way again"
            now.troubles.append(Trouble("final_undone", said))
        if now.count < now.driver.nonce_done and not self._misses_one(now):
            said = f"expected nonce {now.driver.nonce_done} of {self.sender}, got {now.count}"
            raise RpcDisagree(f"head {now.head.number} is too old: {said}")

    def _misses_one(self, now: Round) -> bool:
        """Return whether what is below our first nonce went missing: nothing of ours is final, and the head is new."""
        newest, first = now.sends.get(now.driver.nonce_done - 1), now.sends.get(now.driver.nonce_done)
        return newest is None and first is not None and now.head.number >= first.first_height

    async def _stands(self, now: Round, send: Send) -> bool:
        """Return whether the block of a send is still in the chain; one above the head cannot be judged and stands."""
        if send.block_number is None or send.block_number > now.head.number:
            return True
        found = await self.pool.block_at(send.block_number)
        return found is not None and found.hash == send.block_hash

    async def _observe(self, now: Round, sight: Sight) -> None:
        for nonce in range(now.driver.nonce_done, now.driver.nonce_next or 0):
            send = now.sends.get(nonce)
            if send is None:
                continue
            if send.state == MINED and not await self._stands(now, send):
                send = await self._set(now, send, _reopened(send))
            if send.state == OPEN and nonce < now.count:
                send = await self._mined(now, send)
            if send.state == MINED and (send.block_number or 0) <= now.final.number:
                send = await self._finished(now, send)
            if send.state in (FINAL, FAILED, CANCELLED) and nonce == now.driver.nonce_done:
                await self.journal.done(now.driver, nonce + 1)
                now.driver = replace(now.driver, nonce_done=nonce + 1)
        if now.driver.nonce_next is not None and now.count > now.driver.nonce_next:
            if now.driver.nonce_next == now.driver.nonce_done and self._explain and await self._explain(now):
                await self.journal.start_nonces(now.driver, now.count)
                now.driver = replace(now.driver, nonce_next=now.count, nonce_done=now.count)
                return
            said = f"expected nonce {now.driver.nonce_next} next, the chain has {now.count} transactions"
            await self._stop(now, "key_used_elsewhere", f"{self.sender}: {said}")

    async def _mined(self, now: Round, send: Send) -> Send:
        """Find the attempt that used the nonce up. None of ours: somebody else holds the key."""
        unsure = False
        for attempt in reversed(now.attempts[send.nonce]):
            found = await self._receipt(attempt.tx_hash)
            if found is None:
                continue
            block = await self.pool.block_at(found.block.number)
            if found.block.number > now.head.number or block != found.block:
                unsure = True  # a newer head, or a reorg at this moment: the next round sees it
                continue
            mined = replace(
                send, state=MINED, tx_hash=attempt.tx_hash, block_number=block.number, block_hash=block.hash
            )
            return await self._set(now, send, mined)
        if not unsure:
            said = f"nonce {send.nonce} was used by a transaction that is not in the journal"
            await self._stop(now, "key_used_elsewhere", f"{self.sender}: {said}")
        return send

    async def _finished(self, now: Round, send: Send) -> Send:
        found = await self._receipt(str(send.tx_hash))
        if found is None or found.block.hash != send.block_hash:
            return send
        ended = next((one for one in now.attempts[send.nonce] if one.tx_hash == send.tx_hash), None)
        if ended is not None and ended.cancels:
            return await self._set(now, send, replace(send, state=CANCELLED, name=None))
        if not found.success:
            return await self._set(now, send, replace(send, state=FAILED, name=None))
        return await self._set(now, send, replace(send, state=FINAL))

    async def _receipt(self, tx_hash: str) -> Seen | None:
        return await self.pool.agreed("eth_getTransactionReceipt", [tx_hash], read_receipt)

    async def _set(self, now: Round, old: Send, new: Send) -> Send:
        # A crash after it: the next round finds the same on the chain.
        await self.journal.moved(old, new)
        now.sends[new.nonce] = new
        return new

    async def _stop(self, now: Round, code: str, detail: str) -> None:
        # What was asked one after the other is of one state only while the head is the same: a reorg in between would
        # look like somebody's fault.
        if await self.pool.block_at(now.head.number) != now.head:
            raise RpcDisagree(f"head {now.head.number}: expected it to stand for a round, it was undone")
        if not now.stopped:
            await self.journal.stop(now.driver, code, detail)
            now.driver = replace(now.driver, stopped=code, detail=detail)

    async def halt(self, now: Round, code: str, detail: str) -> NoReturn:
        """Stop until a person looked, and end the round.

        Raises:
            Halted
            RpcDisagree: the head was undone meanwhile, so nothing is concluded.
        """
        await self._stop(now, code, detail)
        raise Halted(Trouble(code, detail, stops=True))


@dataclass(frozen=True, slots=True)
class Seen:
    """What a receipt says, as far as RPCs must agree on it."""

    block: Block
    tx_index: int
    success: bool
    made: str | None


def read_receipt(result: Any) -> Seen | None:
    """Read an eth_getTransactionReceipt. Raises ValueError, KeyError, TypeError: it is none."""
    if result is None or result.get("blockHash") is None:
        return None
    block = Block(quantity(result["blockNumber"]), hash_of(result["blockHash"]))
    made = result.get("contractAddress")
    status = quantity(result["status"])
    return Seen(block, quantity(result["transactionIndex"]), status == 1, made.lower() if made else None)


def _reopened(send: Send) -> Send:
    return replace(send, state=OPEN, tx_hash=None, block_number=None, block_hash=None)
