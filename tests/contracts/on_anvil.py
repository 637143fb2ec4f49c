"""A real chain as one more machine, so that what was measured in process is measured in receipts as well."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.anvil import Anvil
from tests.contracts.machine import GAS, PAYER, WEALTH_WEI, Ran

NAME = "anvil"
ANSWER_SECONDS_MAX = 20.0
LOOK_SECONDS = 0.002
_REVERTED = 3
"""The code of JSON-RPC errors that carry revert data."""


class OnAnvil:
    """See tests/contracts/machine.py; senders need no keys, because the node sends for anybody."""

    name = NAME

    def __init__(self, node: Anvil) -> None:
        self._client = httpx.Client(base_url=node.url, timeout=ANSWER_SECONDS_MAX, trust_env=False)
        self._rich: set[bytes] = set()
        self._result("anvil_autoImpersonateAccount", True)
        self.chain_id = int(self._result("eth_chainId"), 16)

    def deploy(self, code: bytes) -> bytes:
        """See Machine."""
        receipt = self._sent(PAYER, b"", code, GAS)
        return bytes.fromhex(receipt["contractAddress"][2:])

    def send(self, sender: bytes, to: bytes, data: bytes, gas: int = GAS) -> Ran:
        """See Machine. The output is that of a call just before, because a receipt has none."""
        before = self.look(to, data, gas, sender) if to else Ran(True, b"", 0)
        receipt = self._sent(sender, to, data, gas)
        logs = tuple(
            (tuple(bytes.fromhex(topic[2:]) for topic in log["topics"]), bytes.fromhex(log["data"][2:]))
            for log in receipt["logs"]
        )
        return Ran(int(receipt["status"], 16) == 1, before.output, int(receipt["gasUsed"], 16), logs)

    def look(self, to: bytes, data: bytes, gas: int = GAS, sender: bytes = PAYER) -> Ran:
        """See Machine; gas is not told."""
        self._pay(sender)
        answer = self._asked("eth_call", _transaction(sender, to, data, gas), "latest")
        if "result" in answer:
            return Ran(True, bytes.fromhex(answer["result"][2:]), 0)
        assert answer["error"]["code"] == _REVERTED, answer
        return Ran(False, bytes.fromhex(answer["error"]["data"][2:]), 0)

    def place(self, address: bytes, code: bytes) -> None:
        """See Machine."""
        self._result("anvil_setCode", "0x" + address.hex(), "0x" + code.hex())

    def code(self, address: bytes) -> bytes:
        """See Machine."""
        return bytes.fromhex(self._result("eth_getCode", "0x" + address.hex(), "latest")[2:])

    def slot(self, address: bytes, number: int) -> int:
        """See Machine."""
        return int(self._result("eth_getStorageAt", "0x" + address.hex(), hex(number), "latest"), 16)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _sent(self, sender: bytes, to: bytes, data: bytes, gas: int) -> dict[str, Any]:
        self._pay(sender)
        sent = self._result("eth_sendTransaction", _transaction(sender, to, data, gas))
        # It is mined at once, but the answer to sending may come before that.
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while time.monotonic() < deadline:
            receipt: dict[str, Any] | None = self._result("eth_getTransactionReceipt", sent)
            if receipt is not None:
                return receipt
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"transaction: expected a receipt within {ANSWER_SECONDS_MAX} s, got none")

    def _pay(self, sender: bytes) -> None:
        if sender not in self._rich:
            self._result("anvil_setBalance", "0x" + sender.hex(), hex(WEALTH_WEI))
            self._rich.add(sender)

    def _result(self, method: str, *params: Any) -> Any:
        answer = self._asked(method, *params)
        assert "error" not in answer, f"{method}: expected a result, got {answer['error']}"
        return answer["result"]

    def _asked(self, method: str, *params: Any) -> dict[str, Any]:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer: dict[str, Any] = self._client.post("", json=request).json()
        return answer


def _transaction(sender: bytes, to: bytes, data: bytes, gas: int) -> dict[str, str]:
    made = {"from": "0x" + sender.hex(), "data": "0x" + data.hex(), "gas": hex(gas)}
    return {**made, "to": "0x" + to.hex()} if to else made
