"""What a person does about a log's contract, each as one transaction through the same journal as the anchors.

    deploy   any payer         open_log      opener; names owner and anchor key
    supersede, rotate_key, propose_owner     the owner's key      accept_owner    the new owner's key

Every command has a name of its own. One that was broken off (a crash, a closed terminal, a slow chain) is given again
with the same name and goes on where it was: it is never sent twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import dataclass
from typing import Any

from eth_hash.auto import keccak

from ledger.anchors.evm import contract_calls
from ledger.anchors.journal import FINAL, MINED, JournalMoved, Send
from ledger.anchors.looking import Halted, Round, read_receipt
from ledger.anchors.protocol import Trouble
from ledger.anchors.rpc import RpcRefused, RpcUnreachable, bytes_of
from ledger.anchors.sending import Sending
from ledger.anchors.signer import Signer, checksummed

DEPLOY_GAS_MAX = 3_000_000
COMMAND_GAS_MAX = 300_000
GAS_MARGIN_PERCENT = 20
WAIT_SECONDS_MAX = 900.0
POLL_SECONDS = 2.0
LOOK_BACK_COUNT = 64
NAME_SIZE_MAX_CHARACTERS = 200
ZERO = "0x" + "0" * 40


@dataclass(frozen=True, slots=True)
class Done:
    """A command that is in a block; `final` says whether for good. `made` is the address of a deployed contract."""

    tx_hash: str
    block_number: int
    block_hash: str
    final: bool
    made: str | None


class Owning:
    """Commands of one key. `sending` is that of its address; `contract` is None only for `deploy`."""

    def __init__(
        self,
        sending: Sending,
        signer: Signer,
        contract: str | None = None,
        wait_seconds: float = WAIT_SECONDS_MAX,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._sending = sending
        self._signer = signer
        self._contract = contract
        self._wait_seconds = wait_seconds
        self._poll_seconds = poll_seconds
        self._calls = contract_calls()

    async def deploy(self, name: str) -> Done:
        """Put the committed contract on the chain. `made` is where.

        Raises (as every command):
            Halted: `contract_refuses` (the contract's error by name), `balance_low`, `fee_ceiling`, `rpc_unreachable`
                (not in a block in time: give the command again), or what stopped the address.
            RpcError, JournalMoved, StoreError
        """
        return await self._do(name, "deploy", None, self._calls.creation, DEPLOY_GAS_MAX)

    async def open_log(
        self, name: str, owner: str, anchor_key: str, salt: bytes, origin: str
    ) -> tuple[str, Done]:
        """Open a log and return its id on the chain. `origin` is the log's; its SHA-256 goes to the chain."""
        data = self._calls.encode(
            "openLog", _address(owner), _address(anchor_key), salt, hashlib.sha256(origin.encode()).digest()
        )
        done = await self._do(name, "open", self._named(), data, COMMAND_GAS_MAX)
        return self.log_id(salt), done

    def log_id(self, salt: bytes) -> str:
        """Return the id of the log that this key opens with `salt`: keccak256 of chain, contract, opener, salt."""
        words = (self._named(), self._sending.sender)
        padded = b"".join(bytes.fromhex(word[2:]).rjust(32, b"\x00") for word in words)
        return "0x" + bytes(keccak(self._sending.chain_id.to_bytes(32, "big") + padded + salt)).hex()

    async def rotate_key(self, name: str, log_id: str, anchor_key: str) -> Done:
        """Let another key sign the log's checkpoints. The anchor's place names the old one: open it anew."""
        return await self._call(name, "rotate", "rotateAnchorKey", _word(log_id), _address(anchor_key))

    async def propose_owner(self, name: str, log_id: str, owner: str) -> Done:
        """Offer the log to another owner; the zero address takes an offer back."""
        return await self._call(name, "propose", "proposeOwner", _word(log_id), _address(owner))

    async def accept_owner(self, name: str, log_id: str) -> Done:
        """Take over a log that was offered to this key."""
        return await self._call(name, "accept", "acceptOwner", _word(log_id))

    async def supersede(self, name: str, log_id: str, successor: str, reason: str) -> Done:
        """End a log and name the one that goes on; SHA-256 of `reason` goes to the chain."""
        reason_hash = hashlib.sha256(reason.encode()).digest()
        return await self._call(name, "supersede", "supersede", _word(log_id), _word(successor), reason_hash)

    async def log_of(self, log_id: str) -> dict[str, Any]:
        """Return what the contract holds: owner, proposed_owner, anchor_key, successor, size, root; read at the head.

        Raises:
            Halted: `contract_refuses`.
            RpcError
        """
        await self._sending.check_place()
        head = await self._sending.pool.block("latest")
        owner, proposed, key, successor = await self._read(head.number, "logOf", log_id)
        size, root = await self._read(head.number, "checkpoint", log_id)
        return {
            "owner": str(owner).lower(),
            "proposed_owner": str(proposed).lower(),
            "anchor_key": str(key).lower(),
            "successor": "0x" + successor.hex(),
            "size": size,
            "root": root.hex(),
        }

    async def balance(self) -> int:
        """Return the wei that this key's address holds. Raises Halted, RpcError."""
        await self._sending.check_place()
        return await self._sending.balance(await self._sending.pool.block("latest"))

    # ------------------------------------------------------------------------------------------ doing
    async def _call(self, name: str, action: str, function: str, *arguments: Any) -> Done:
        data = self._calls.encode(function, *arguments)
        return await self._do(name, action, self._named(), data, COMMAND_GAS_MAX)

    async def _do(self, name: str, action: str, target: str | None, data: bytes, gas_max: int) -> Done:
        """Send it unless one of that name is under way or done, and wait until it is in a block."""
        if not 0 < len(name) <= NAME_SIZE_MAX_CHARACTERS:
            raise ValueError(f"name: expected 1 to {NAME_SIZE_MAX_CHARACTERS} characters, got {len(name)}")
        try:
            return await self._until_done(name, action, target, data, gas_max)
        finally:
            terms = self._sending.terms
            await self._sending.journal.release(self._sending.chain_id, self._sending.sender, terms.name)

    async def _until_done(
        self, name: str, action: str, target: str | None, data: bytes, gas_max: int
    ) -> Done:
        deadline = time.monotonic() + self._wait_seconds
        back: range = range(0)
        while True:
            try:
                now = await self._sending.begin_round(back)
                if now is not None:
                    last = now.driver.nonce_next or 0
                    wider = range(max(0, last - LOOK_BACK_COUNT), last)
                    if wider != back:
                        back = wider  # the first look learns the nonces, the next sees what was done before
                        continue
                    found = await self._step(now, name, action, target, data, gas_max)
                    if found is not None:
                        return found
            except JournalMoved:
                pass  # somebody else drove meanwhile: look again
            if time.monotonic() >= deadline:
                said = f"{name}: expected it in a block in {self._wait_seconds} s; it is under way, give it again"
                raise Halted(Trouble("rpc_unreachable", said))
            await asyncio.sleep(self._poll_seconds)

    async def _step(
        self, now: Round, name: str, action: str, target: str | None, data: bytes, gas_max: int
    ) -> Done | None:
        mine = [send for send in now.sends.values() if send.name == name]
        if now.stopped:
            raise Halted(now.troubles[-1])
        if mine and mine[0].data != data:
            raise Halted(Trouble("contract_refuses", f"{name}: expected the same command again, got another"))
        if mine and mine[0].state in (MINED, FINAL):
            return await self._done(mine[0])
        if not mine:
            call = {"from": self._sending.sender, "data": "0x" + data.hex()}
            call |= {} if target is None else {"to": target}
            gas = await self._dry_run(now, call, gas_max)
            await self._sending.send(
                now, self._signer, self._sending.build(now, name, action, target, data, gas)
            )
        else:
            await self._sending.push(now, self._key)
        return None

    async def _dry_run(self, now: Round, call: dict[str, Any], gas_max: int) -> int:
        try:
            await self._sending.pool.agreed("eth_call", [call, hex(now.head.number)], bytes_of)
        except RpcRefused as error:
            raise self._calls.refusal(error) from None
        return await self._sending.gas(call, gas_max, GAS_MARGIN_PERCENT)

    async def _done(self, send: Send) -> Done | None:
        seen = await self._sending.pool.agreed("eth_getTransactionReceipt", [send.tx_hash], read_receipt)
        if seen is None or seen.block.hash != send.block_hash:
            return None
        if not seen.success:
            said = f"{send.name}: expected the transaction {send.tx_hash} to succeed, it was reverted"
            raise Halted(Trouble("contract_refuses", said, stops=True))
        assert send.tx_hash is not None
        final = send.state == FINAL
        return Done(send.tx_hash, seen.block.number, seen.block.hash, final, seen.made)

    async def _read(self, height: int, function: str, log_id: str) -> tuple[Any, ...]:
        call = {"to": self._named(), "data": "0x" + self._calls.encode(function, _word(log_id)).hex()}
        try:
            answer = await self._sending.pool.agreed("eth_call", [call, hex(height)], bytes_of)
            return self._calls.decode(function, answer)
        except RpcRefused as error:
            raise self._calls.refusal(error) from None
        except ValueError as error:
            raise RpcUnreachable(str(error)) from None

    async def _key(self) -> Signer:
        return self._signer

    def _named(self) -> str:
        if self._contract is None:
            raise ValueError("contract: expected an address, got none")
        return self._contract


def _word(value: str) -> bytes:
    raw = bytes_of(value)
    if len(raw) != 32:
        raise ValueError(f"id: expected 32 bytes in hex, got {len(raw)}")
    return raw


def _address(value: str) -> str:
    if len(bytes_of(value)) != 20:
        raise ValueError(f"address: expected 20 bytes in hex, got {value[:60]!r}")
    return checksummed(value)
