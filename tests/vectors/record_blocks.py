"""Writes evm_blocks.json anew: `python -m tests.vectors.record_blocks`, from the root; needs anvil (tests/anvil.py).

One block for each of three forks, with a transaction of every type that the fork has. A contract of a few bytes logs
what it is told as CheckpointAnchored: size 100 + the type, and a root of that byte. Hashes differ in each recording.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
from eth_account import Account
from eth_utils.address import to_checksum_address

from tests.anchors.blocks import EVENT, LOG_ID, raw
from tests.anvil import anvil_program

FILE = Path(__file__).resolve().parent / "evm_blocks.json"
TYPES = {"london": (0, 1, 2), "cancun": (0, 1, 2, 3), "prague": (0, 1, 2, 3, 4)}
ACCOUNT = Account.from_key("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
"""The first account of every anvil, by its published mnemonic."""
RUNTIME = bytes.fromhex("60406020600037600035" + "7f" + EVENT.hex() + "60406000a200")
"""calldata: log id, size, root. Copies the last 64 bytes to memory and logs them with two topics (LOG2)."""
CREATION = bytes.fromhex(f"60{len(RUNTIME):02x}600c60003960{len(RUNTIME):02x}6000f3") + RUNTIME
PORT, START_SECONDS_MAX, GWEI = 18_599, 20, 10**9


class Recorder:
    """One node of one fork."""

    def __init__(self) -> None:
        self.url, self.nonce, self.chain_id = f"http://127.0.0.1:{PORT}", 0, 31_337

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of one call."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = httpx.post(self.url, json=request, timeout=20, trust_env=False).json()
        assert "error" not in answer, answer
        return answer["result"]

    def send(self, kind: int, to: str | bytes, data: bytes) -> str:
        """Send a transaction of this type; return its hash."""
        fees: dict[str, Any] = {"maxFeePerGas": 4 * GWEI, "maxPriorityFeePerGas": GWEI}
        more: dict[int, dict[str, Any]] = {
            0: {"gasPrice": 3 * GWEI},
            1: {"gasPrice": 3 * GWEI, "accessList": [], "type": 1},
            2: {**fees, "type": 2},
            3: {**fees, "maxFeePerBlobGas": GWEI, "type": 3},
            4: {**fees, "type": 4},
        }
        tx: dict[str, Any] = {
            "gas": 200_000,
            "chainId": self.chain_id,
            "value": 0,
            "nonce": self.nonce,
            "to": to,
        }
        tx |= {"data": "0x" + data.hex()} | more[kind]
        if kind == 4:
            given = {"chainId": self.chain_id, "address": to, "nonce": self.nonce + 1}
            tx["authorizationList"] = [ACCOUNT.sign_authorization(given)]
        signed = ACCOUNT.sign_transaction(tx, blobs=[bytes(131_072)] if kind == 3 else None)
        self.nonce += 1
        return str(self.rpc("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex()))


def recorded(fork: str) -> dict[str, Any]:
    """Return one block of a fork, as a node of that fork answers it."""
    options = ["--host", "127.0.0.1", "--port", str(PORT), "--silent", "--no-mining", "--hardfork", fork]
    process = subprocess.Popen([anvil_program(), *options, "--timestamp", "1790000000"])
    try:
        node, deadline = Recorder(), time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                node.rpc("eth_chainId")
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        made = node.send(0, b"", CREATION)
        node.rpc("evm_mine")
        contract = node.rpc("eth_getTransactionReceipt", made)["contractAddress"]
        for kind in TYPES[fork]:
            told = raw(LOG_ID) + (100 + kind).to_bytes(32, "big") + bytes([kind] * 32)
            node.send(kind, to_checksum_address(contract), told)
        node.rpc("evm_mine")
        block = node.rpc("eth_getBlockByNumber", "latest", False)
        block.pop("transactions")
        receipts = node.rpc("eth_getBlockReceipts", block["number"])
        about = {"fork": fork, "chain_id": node.chain_id, "contract": contract, "log_id": LOG_ID}
        return about | {"block": block, "receipts": receipts}
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    FILE.write_text(
        json.dumps([recorded(fork) for fork in TYPES], indent=1, sort_keys=True) + "\n", encoding="ascii"
    )
