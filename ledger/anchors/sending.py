"""Getting transactions of one address into a chain exactly once. docs/spec/anchoring.md, "The sender".

    Looking.begin_round   what became of each nonce                                    (ledger/anchors/looking.py)
    Sending.push          the newest bytes of every open nonce once more; a replacement when it waited too long
    Sending.send          fees, signature, journal, then the first push

Nobody's answer to a send is believed: the bytes are journalled before, and they are pushed again every round until a
receipt says that they got in. What a crash costs after each step stands beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from ledger.anchors.fees import (
    HISTORY_BLOCKS,
    HISTORY_PERCENTILE,
    FeeAboveCeiling,
    FeeHistoryMalformed,
    Fees,
    bumped,
    quantity,
    suggested,
    within,
)
from ledger.anchors.journal import FAILED, OPEN, Attempt, Checkpointing, Send
from ledger.anchors.looking import Halted, Looking, Round
from ledger.anchors.protocol import Trouble
from ledger.anchors.rpc import Block, RpcRefused, RpcUnreachable
from ledger.anchors.signer import SignedTransaction, Signer, checksummed

TRANSFER_GAS = 21_000
ATTEMPTS_MAX_COUNT = 40
SENDS_AHEAD_COUNT = 10
"""A balance that does not pay this many more at the price of now is low."""
FUNDS = ("insufficient funds", "insufficient balance")


Unlock = Callable[[], Awaitable[Signer]]


class Sending(Looking):
    """Sends for one address what it was told to, and nothing twice."""

    # ------------------------------------------------------------------------------------------ pushing
    async def push(self, now: Round, unlock: Unlock) -> None:
        """Send the newest bytes of every open nonce once more, replacing those that waited too long.

        `unlock` is asked for the key only where something is to be replaced: signed bytes are sent without it.

        Raises:
            Halted: `nonce_stuck`.
            RpcUnreachable, RpcDisagree, RpcRefused, SignerError, JournalMoved, StoreError
        """
        if now.stopped:
            return
        waiting = now.open()
        if waiting and now.count < now.driver.nonce_done:
            said = f"nonce {now.count} is missing in the chain and in the journal: cancel fills it"
            await self.halt(now, "nonce_stuck", f"{self.sender}: {said}")
        for send in waiting:
            if send is waiting[0] and now.head.number - send.last_height >= self.terms.replace_blocks:
                send = await self._replace(now, send, unlock)
            await self._push_one(now, now.attempts[send.nonce][-1].raw)

    async def _replace(self, now: Round, send: Send, unlock: Unlock) -> Send:
        attempts = now.attempts[send.nonce]
        best = attempts[-1]
        try:
            fresh = await self.fees()
            stuck = (
                now.head.number - send.first_height >= self.terms.stuck_blocks and fresh.cap <= best.fees.cap
            )
            if stuck or len(attempts) >= ATTEMPTS_MAX_COUNT:
                said = f"nonce {send.nonce} waits since block {send.first_height}, {len(attempts)} attempts"
                await self.halt(now, "nonce_stuck", f"{self.sender}: {said}")
            fees = bumped(best.fees, fresh, self.terms.ceiling_wei)
        except FeeAboveCeiling as error:
            now.troubles.append(Trouble("fee_ceiling", str(error)))
            return send
        signed = (await unlock()).sign_transaction(self._fields(send, fees, cancels=best.cancels))
        attempt = Attempt(signed.tx_hash, signed.raw, fees, best.cancels)
        # A crash before it: the old bytes are pushed on. After it: the new ones are.
        await self.journal.again(send, attempt, now.head.number)
        send = replace(send, last_height=now.head.number)
        now.sends[send.nonce] = send
        now.attempts[send.nonce] = (*attempts, attempt)
        return send

    async def _push_one(self, now: Round, raw: bytes) -> None:
        """Push to every RPC once. No answer says anything about the transaction, except that money is missing."""
        answers = await self.pool.ask("eth_sendRawTransaction", ["0x" + raw.hex()], str)
        refusals = [answer.error for answer in answers if isinstance(answer.error, RpcRefused)]
        poor = [one for one in refusals if any(words in one.message.lower() for words in FUNDS)]
        if poor and len(poor) == len(answers):
            now.troubles.append(Trouble("balance_low", f"{self.sender}: {poor[0].message}"))
        if answers and all(isinstance(answer.error, RpcUnreachable) for answer in answers):
            now.troubles.append(
                Trouble("rpc_unreachable", "; ".join(str(answer.error) for answer in answers))
            )

    # ------------------------------------------------------------------------------------------ sending
    async def send(self, now: Round, signer: Signer, send: Send, work: Checkpointing | None = None) -> Send:
        """Sign and journal a new transaction (built by `build`), then push it the first time.

        Raises:
            Halted: `fee_ceiling`, `balance_low`: nothing was signed.
            RpcUnreachable, RpcDisagree, RpcRefused, JournalMoved, StoreError
        """
        try:
            fees = within(await self.fees(), self.terms.ceiling_wei)
        except FeeAboveCeiling as error:
            raise Halted(Trouble("fee_ceiling", str(error))) from None
        await self._check_balance(now, send.gas * fees.cap)
        signed = self._signed(signer, send, fees)
        attempt = Attempt(signed.tx_hash, signed.raw, fees)
        # A crash before it: nothing was sent, the nonce is still free. After it: the next round pushes the same bytes.
        now.driver = await self.journal.sign(now.driver, send, attempt, work)
        now.sends[send.nonce] = send
        now.attempts[send.nonce] = (attempt,)
        # A crash before, in or after it: the chain may have the bytes or not; they are pushed again until it has.
        await self._push_one(now, signed.raw)
        return send

    def build(self, now: Round, name: str, action: str, target: str | None, data: bytes, gas: int) -> Send:
        """Return the send that would come next."""
        assert now.driver.nonce_next is not None
        height = now.head.number
        return Send(
            self.chain_id, self.sender, now.driver.nonce_next, name, action, target, data, gas, height, height
        )

    # ------------------------------------------------------------------------------------------ what a person may do
    async def resume(self) -> Round:
        """Send again after a stop: a person looked.

        What somebody else sent with the key is accepted as it is: nonces go on behind it, and what of ours stood there
        is taken up anew with others. It must be final: were it undone, nonces behind it would never come back, for no
        journal could push it again.

        Raises:
            Halted: also what was sent elsewhere is not final yet.
            RpcError, JournalMoved, StoreError
        """
        now = await self._alone()
        if now.driver.stopped == "key_used_elsewhere" and await self.count_at(now.final) < now.count:
            said = f"expected what was sent elsewhere to be final first, got a block above {now.final.number}"
            raise Halted(Trouble("key_used_elsewhere", f"{self.sender}: {said}", stops=True))
        for send in now.open():
            # Its nonce is used up and none of our attempts did it, or the round would have moved it.
            if send.nonce < now.count and now.driver.stopped == "key_used_elsewhere":
                await self._set(now, send, replace(send, state=FAILED, name=None))
        if now.count > (now.driver.nonce_next or 0):
            await self.journal.start_nonces(now.driver, now.count)
            now.driver = replace(now.driver, nonce_next=now.count, nonce_done=now.count)
        await self.journal.resume(now.driver)
        now.driver = replace(now.driver, stopped=None, detail=None)
        return now

    async def cancel(self, nonce: int, signer: Signer) -> None:
        """Free a stuck nonce by a transfer of nothing to oneself, in place of what waits there; fill a missing one.

        Raises:
            Halted: the nonce is neither open nor missing, or the fee is above the ceiling.
            RpcError, JournalMoved, StoreError
        """
        now = await self.resume()
        send = now.sends.get(nonce)
        missing = send is None and now.count == nonce < (now.driver.nonce_next or 0)
        if not missing and (send is None or send.state != OPEN):
            raise Halted(
                Trouble("nonce_stuck", f"nonce {nonce}: expected one that waits or is missing, got another")
            )
        attempts = now.attempts.get(nonce, ())
        try:
            fresh = within(await self.fees(), self.terms.ceiling_wei)
            fees = bumped(attempts[-1].fees, fresh, self.terms.ceiling_wei) if attempts else fresh
        except FeeAboveCeiling as error:
            raise Halted(Trouble("fee_ceiling", str(error))) from None
        height = now.head.number
        if send is None:
            send = Send(
                self.chain_id,
                self.sender,
                nonce,
                None,
                "cancel",
                self.sender,
                b"",
                TRANSFER_GAS,
                height,
                height,
            )
        signed = signer.sign_transaction(self._fields(send, fees, cancels=True))
        attempt = Attempt(signed.tx_hash, signed.raw, fees, cancels=True)
        if missing:
            await self.journal.fill(now.driver, send, attempt)
        else:
            await self.journal.again(send, attempt, height)
        await self._push_one(now, signed.raw)

    async def _alone(self) -> Round:
        now = await self.begin_round()
        if now is None:
            said = f"{self.sender}: expected nobody else to send for it now, got another driver's lease"
            raise Halted(Trouble("rpc_unreachable", said))
        return now

    # ------------------------------------------------------------------------------------------ what things cost
    async def gas(self, call: Mapping[str, Any], most: int, margin_percent: int) -> int:
        """Return the gas to give a call: the highest estimate and a margin.

        Raises:
            RpcUnreachable: no RPC estimated it within `most`.
        """
        answers = await self.pool.ask("eth_estimateGas", [call], quantity)
        found = [one.value for one in answers if one.value is not None and TRANSFER_GAS <= one.value <= most]
        if not found:
            said = "; ".join(str(one.error) for one in answers if one.error) or f"more than {most}"
            raise RpcUnreachable(f"gas: expected an estimate up to {most}, got {said}")
        return max(found) * (100 + margin_percent) // 100

    async def fees(self) -> Fees:
        """Return what to offer now: the middle of what the RPCs suggest, so that one of them cannot set the price.

        Raises:
            RpcUnreachable: none of them gave a fee history.
        """

        def read(history: Mapping[str, Any]) -> Fees:
            try:
                return suggested(history)
            except FeeHistoryMalformed as error:
                raise ValueError(str(error)) from None

        asked = [hex(HISTORY_BLOCKS), "latest", [HISTORY_PERCENTILE]]
        answers = await self.pool.ask("eth_feeHistory", asked, read)
        found = sorted((one.value for one in answers if one.value is not None), key=lambda fees: fees.cap)
        if not found:
            raise RpcUnreachable("; ".join(str(one.error) for one in answers) or "fee history: no RPC to ask")
        return found[len(found) // 2]

    async def balance(self, head: Block) -> int:
        """Return the wei that the address holds at a block."""
        return await self.pool.agreed("eth_getBalance", [self.sender, hex(head.number)], quantity)

    async def _check_balance(self, now: Round, needed_wei: int) -> None:
        balance = await self.balance(now.head)
        if balance < needed_wei:
            said = f"{self.sender}: expected at least {needed_wei} wei, got {balance}"
            raise Halted(Trouble("balance_low", said))
        if balance < needed_wei * SENDS_AHEAD_COUNT:
            said = f"{self.sender}: expected {needed_wei * SENDS_AHEAD_COUNT} wei for the next ones, got {balance}"
            now.troubles.append(Trouble("balance_low", said))

    def _signed(self, signer: Signer, send: Send, fees: Fees) -> SignedTransaction:
        return signer.sign_transaction(self._fields(send, fees, cancels=False))

    def _fields(self, send: Send, fees: Fees, cancels: bool) -> dict[str, Any]:
        """Return the fields of an EIP-1559 transaction; `to` is left out where it makes a contract."""
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self.chain_id,
            "nonce": send.nonce,
            "value": 0,
            "data": b"" if cancels else send.data,
            "gas": TRANSFER_GAS if cancels else send.gas,
            "maxFeePerGas": fees.cap,
            "maxPriorityFeePerGas": fees.tip,
        }
        target = self.sender if cancels else send.target
        return fields if target is None else fields | {"to": checksummed(target)}
