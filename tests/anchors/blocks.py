"""Blocks for tests, as JSON-RPC shows them, with anchorings in them. Hashes are made by `rlp` and `trie`, not by us."""

from __future__ import annotations

import random
from typing import Any

import rlp
from eth_hash.auto import keccak
from trie.hexary import HexaryTrie

CONTRACT = "0x" + "c0" * 19 + "de"
LOG_ID = "0x" + "1d" * 32
CHAIN_ID = 11155111
EVENT = keccak(b"CheckpointAnchored(bytes32,uint64,bytes32)")
SIZE, ROOT = 77, bytes(range(32))

FORKS = {
    "berlin": 15,
    "london": 16,
    "shanghai": 17,
    "cancun": 20,
    "prague": 21,
}
"""Fork -> how many fields a header has."""
FIELDS = (
    "parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom difficulty number gasLimit gasUsed"
    " timestamp extraData mixHash nonce baseFeePerGas withdrawalsRoot blobGasUsed excessBlobGas parentBeaconBlockRoot"
    " requestsHash"
)
WIDTHS = {"miner": 20, "logsBloom": 256, "nonce": 8, "extraData": 7}
QUANTITIES = {
    "difficulty": 0,
    "number": 4_200_000,
    "gasLimit": 30_000_000,
    "gasUsed": 1_234_567,
    "timestamp": 1_790_000_000,
    "baseFeePerGas": 7,
    "blobGasUsed": 0,
    "excessBlobGas": 131_072,
}


def shown(value: bytes | int) -> str:
    """Return bytes or a quantity as JSON-RPC writes it."""
    return hex(value) if isinstance(value, int) else "0x" + value.hex()


def anchoring(
    size: int = SIZE, root: bytes = ROOT, *, contract: str = CONTRACT, log_id: str = LOG_ID
) -> dict[str, Any]:
    """Return the log of an anchoring."""
    data = size.to_bytes(32, "big") + root
    return {"address": contract, "topics": [shown(EVENT), log_id], "data": shown(data)}


def receipt(
    at: int, kind: int, logs: list[dict[str, Any]], *, status: int = 1, gas: int = 21_000
) -> dict[str, Any]:
    """Return the receipt of transaction `at`."""
    return {
        "transactionHash": shown(keccak(b"transaction" + bytes([at % 256, at // 256]))),
        "transactionIndex": shown(at),
        "type": shown(kind),
        "status": shown(status),
        "cumulativeGasUsed": shown(gas * (at + 1)),
        "logsBloom": shown(bytes([at % 256]) * 256),
        "logs": logs,
    }


def bytes_of(one: dict[str, Any]) -> bytes:
    """Return the EIP-2718 bytes of a receipt."""
    logs = [
        [raw(log["address"]), [raw(topic) for topic in log["topics"]], raw(log["data"])]
        for log in one["logs"]
    ]
    fields = [int(one["status"], 16), int(one["cumulativeGasUsed"], 16), raw(one["logsBloom"]), logs]
    kind = int(one["type"], 16)
    return (bytes([kind]) if kind else b"") + bytes(rlp.encode(fields))


def raw(text: str) -> bytes:
    """Return the bytes of 0x text."""
    return bytes.fromhex(text[2:])


def trie_of(receipts: list[dict[str, Any]]) -> Any:
    """Return the trie of a block's receipts."""
    trie: Any = HexaryTrie({})
    for at, one in enumerate(receipts):
        trie[rlp.encode(at)] = bytes_of(one)
    return trie


def header(
    receipts: list[dict[str, Any]], fork: str = "prague", seed: int = 1, **given: int
) -> dict[str, Any]:
    """Return the header over these receipts, its other fields drawn."""
    draw = random.Random(f"{fork} {seed}")
    values: dict[str, bytes | int] = {}
    for name in FIELDS.split()[: FORKS[fork]]:
        values[name] = (
            given.get(name, QUANTITIES[name]) if name in QUANTITIES else draw.randbytes(WIDTHS.get(name, 32))
        )
    values["receiptsRoot"] = trie_of(receipts).root_hash
    values["hash"] = keccak(rlp.encode(list(values.values())))
    return {name: shown(value) for name, value in values.items()} | {"transactions": [], "size": "0x1"}


def block(
    fork: str = "prague", kinds: tuple[int, ...] = (0, 1, 2, 3, 4), anchored: int = 2, seed: int = 1
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return header and receipts of a block with one transaction per kind; the one at `anchored` has a foreign log,
    then an anchoring."""
    foreign = {"address": "0x" + "ab" * 20, "topics": [shown(keccak(b"Other()"))], "data": "0x"}
    receipts = [
        receipt(at, kind, [foreign, anchoring()] if at == anchored else [foreign] * (at % 3))
        for at, kind in enumerate(kinds)
    ]
    return header(receipts, fork, seed), receipts
