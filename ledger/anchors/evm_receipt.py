"""The receipt of an EVM anchor, checked without a chain: docs/spec/anchoring.md section 3.

    header -> block hash        the header says what the block's receipts root, number and time are
    receipts root -> receipt    by the Merkle-Patricia nodes, under the transaction's place in the block
    receipt -> its log          of the contract, CheckpointAnchored, of this log: size and root

What stays open is only whether a block of that hash is part of its chain. Keccak-256 is an argument: the standard
library has none.

    ProofError
    |-- ReceiptMalformed   not the members, types and sizes of a receipt
    |-- ReceiptWrong       the parts do not prove what the receipt says
    |-- RlpMalformed       (strict_rlp.py)
    `-- TrieProofWrong     (patricia.py)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.anchors.patricia import NODES_MAX_COUNT, Keccak, value_at
from ledger.anchors.strict_rlp import Item, as_bytes, as_list, as_number, decode, encoded_number
from ledger.errors import ProofError
from ledger.merkle import SIZE_MAX

VERSION = 1
ANCHORED = b"CheckpointAnchored(bytes32,uint64,bytes32)"
SUPERSEDED = b"LogSupersededBy(bytes32,bytes32,bytes32,uint64,bytes32)"
ADDRESS_SIZE_BYTES = 20
HASH_SIZE_BYTES = 32
BLOOM_SIZE_BYTES = 256
HEADER_SIZE_MAX_BYTES = 4096
RECEIPT_SIZE_MAX_BYTES = 8192
"""Of the transaction that anchors: one log takes 600 bytes."""
NODE_SIZE_MAX_BYTES = RECEIPT_SIZE_MAX_BYTES + 256
"""The last node holds the whole receipt."""
TYPES_MAX = 4
"""Transaction types by EIP-2718: 0 legacy, 1 access list, 2 fees by EIP-1559, 3 blobs, 4 set code."""
TX_INDEX_MAX = 2**24
HEADER_FIELDS_MIN, HEADER_FIELDS_MAX = 15, 40
"""From the first block of all to far more than the 21 of Prague: later forks only add at the end."""
TIME_MAX_SECONDS = 253_402_300_799
"""The last second of the year 9999: what comes after is no instant of the record."""
_RECEIPTS_ROOT, _NUMBER, _TIME = 5, 8, 11

NUMBERS = ("v", "chain_id", "block_number", "tx_index", "log_index")
SIZES: Mapping[str, int] = {
    "contract": ADDRESS_SIZE_BYTES,
    "log_id": HASH_SIZE_BYTES,
    "block_hash": HASH_SIZE_BYTES,
    "tx_hash": HASH_SIZE_BYTES,
}
MEMBERS = frozenset((*NUMBERS, *SIZES, "header", "receipt", "proof"))


class ReceiptMalformed(ProofError):
    """Not the shape of a receipt. The caller asks for another copy."""


class ReceiptWrong(ProofError):
    """The parts do not prove what the receipt says. The caller trusts nothing of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """The block that a receipt names: all of it stands in a header of that hash."""

    number: int
    hash: bytes
    time_seconds: int


@dataclass(frozen=True, slots=True)
class EvmReceipt:
    """What a receipt proves, given that the block of `block_hash` is part of the chain.

    `chain_id` and `tx_hash` are as the receipt names them: no header holds the first, no receipt the second.
    """

    size: int
    root: bytes
    contract: bytes
    log_id: bytes
    block_number: int
    block_hash: bytes
    block_time_seconds: int
    tx_index: int
    log_index: int
    chain_id: int
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class EvmSuperseded:
    """What the receipt of `LogSupersededBy` proves, given the block: which log id goes on, why (SHA-256 of the reason),
    and the checkpoint that the contract held then (size 0: none)."""

    successor: bytes
    reason_hash: bytes
    size: int
    root: bytes
    contract: bytes
    log_id: bytes
    block: Block
    chain_id: int


def check_receipt(receipt: Mapping[str, Any], keccak: Keccak) -> EvmReceipt:
    """Return what the receipt of an anchoring proves.

    1. members, types and sizes   2. the header has the block hash, and the number that the receipt names
    3. the nodes lead from the header's receipts root to the receipt's bytes, under the transaction's place
    4. the transaction succeeded   5. the log at log_index: address, topics, size and root
    The caller still must know that the block is part of the chain of `chain_id`, and compare contract, log id, size
    and root with those it expects: size and root with a tree that it computed itself.

    Raises:
        ReceiptMalformed, ReceiptWrong, RlpMalformed, TrieProofWrong
    """
    parts = _read_parts(receipt)
    block, logs = _prove(parts, keccak)
    topics, data = _log_at(logs, parts, keccak(ANCHORED), 2, 2)
    return EvmReceipt(
        size=_size(data[0], 1),
        root=data[1],
        contract=parts.given["contract"],
        log_id=topics[1],
        block_number=block.number,
        block_hash=block.hash,
        block_time_seconds=block.time_seconds,
        tx_index=parts.numbers["tx_index"],
        log_index=parts.numbers["log_index"],
        chain_id=parts.numbers["chain_id"],
        tx_hash=parts.given["tx_hash"],
    )


def check_superseded(receipt: Mapping[str, Any], keccak: Keccak) -> EvmSuperseded:
    """Return what the receipt of a supersession proves, by the steps of `check_receipt` and with the same left to do.

    Raises:
        ReceiptMalformed, ReceiptWrong, RlpMalformed, TrieProofWrong
    """
    parts = _read_parts(receipt)
    block, logs = _prove(parts, keccak)
    topics, data = _log_at(logs, parts, keccak(SUPERSEDED), 3, 3)
    return EvmSuperseded(
        successor=topics[2],
        reason_hash=data[0],
        size=_size(data[1], 0),
        root=data[2],
        contract=parts.given["contract"],
        log_id=topics[1],
        block=block,
        chain_id=parts.numbers["chain_id"],
    )


# ---------------------------------------------------------------------------------------------------- the proof
@dataclass(frozen=True, slots=True)
class _Parts:
    """The members of a receipt, as bytes and numbers."""

    numbers: Mapping[str, int]
    given: Mapping[str, bytes]
    header: bytes
    receipt: bytes
    proof: list[bytes]


def _read_parts(receipt: Mapping[str, Any]) -> _Parts:
    """Step 1."""
    return _Parts(
        _numbers(receipt),
        {name: read_hex(receipt[name], name, size) for name, size in SIZES.items()},
        read_hex(receipt["header"], "header", most=HEADER_SIZE_MAX_BYTES),
        read_hex(receipt["receipt"], "receipt", most=RECEIPT_SIZE_MAX_BYTES),
        _nodes(receipt["proof"]),
    )


def _prove(parts: _Parts, keccak: Keccak) -> tuple[Block, list[Item]]:
    """Steps 2 to 4: return the block, and the logs of the transaction."""
    # 2. the header
    digest, expected = keccak(parts.header), parts.given["block_hash"]
    if digest != expected:
        raise ReceiptWrong(f"header: expected block hash {expected.hex()}, got {digest.hex()}")
    receipts_root, number, time_seconds = read_header(parts.header)
    if number != parts.numbers["block_number"]:
        raise ReceiptWrong(f"header: expected block {parts.numbers['block_number']}, got {number}")
    # 3. the receipt is in the block
    index = parts.numbers["tx_index"]
    value = value_at(receipts_root, encoded_number(index), parts.proof, keccak)
    if value != parts.receipt:
        raise ReceiptWrong(
            f"receipt of transaction {index}: expected {value[:40].hex()}..., got {parts.receipt[:40].hex()}..."
        )
    # 4. the transaction succeeded
    return Block(number, digest, time_seconds), _logs_of(value)


def read_header(header: bytes) -> tuple[bytes, int, int]:
    """Return receipts root, number and time (unix seconds) of a block's RLP header.

    Raises:
        RlpMalformed, ReceiptMalformed, ReceiptWrong (a time that is none)
    """
    fields = as_list(decode(header), "header")
    if not HEADER_FIELDS_MIN <= len(fields) <= HEADER_FIELDS_MAX:
        raise ReceiptMalformed(
            f"header: expected {HEADER_FIELDS_MIN} to {HEADER_FIELDS_MAX} fields, got {len(fields)}"
        )
    root = as_bytes(fields[_RECEIPTS_ROOT], "header, receipts root", HASH_SIZE_BYTES)
    number, time_seconds = (
        as_number(fields[_NUMBER], "header, number"),
        as_number(fields[_TIME], "header, time"),
    )
    if not 0 < time_seconds <= TIME_MAX_SECONDS:
        raise ReceiptWrong(f"header, time: expected seconds from 1970 to the year 9999, got {time_seconds}")
    return root, number, time_seconds


# -------------------------------------------------------------------------------------------------- the parts
def _numbers(receipt: Mapping[str, Any]) -> dict[str, int]:
    if set(receipt) != MEMBERS:
        got = ", ".join(sorted(map(str, receipt)))[:300]
        raise ReceiptMalformed(f"receipt: expected the members {', '.join(sorted(MEMBERS))}, got {got}")
    for name in NUMBERS:
        value = receipt[name]
        if type(value) is not int or not 0 <= value <= SIZE_MAX:
            raise ReceiptMalformed(f"{name}: expected a number from 0 to 2^53-1, got {value!a:.40}")
    if receipt["v"] != VERSION:
        raise ReceiptMalformed(f"v: expected {VERSION}, got {receipt['v']}")
    if receipt["tx_index"] > TX_INDEX_MAX:
        raise ReceiptMalformed(f"tx_index: expected at most {TX_INDEX_MAX}, got {receipt['tx_index']}")
    return {name: receipt[name] for name in NUMBERS}


def read_hex(value: Any, name: str, size: int | None = None, *, most: int = 0) -> bytes:
    """Return the bytes of `0x` and lower-case hex digits: `size` of them, or 1 to `most`.

    Raises:
        ReceiptMalformed
    """
    limit = most if size is None else size
    expected = f"{size} bytes" if size is not None else f"1 to {most} bytes"
    if type(value) is str and len(value) <= 2 + 2 * limit and value.startswith("0x"):
        try:
            data = bytes.fromhex(value[2:])
        except ValueError:
            data = b""
        if data and (size is None or len(data) == size) and "0x" + data.hex() == value:
            return data
    raise ReceiptMalformed(f"{name}: expected {expected} as 0x and lower-case hex, got {value!a:.60}")


def _nodes(value: Any) -> list[bytes]:
    if type(value) is not list or not 0 < len(value) <= NODES_MAX_COUNT:
        got = len(value) if type(value) is list else type(value).__name__
        raise ReceiptMalformed(f"proof: expected a list of 1 to {NODES_MAX_COUNT} nodes, got {got}")
    return [read_hex(one, f"proof, node {at}", most=NODE_SIZE_MAX_BYTES) for at, one in enumerate(value)]


def _logs_of(data: bytes) -> list[Item]:
    """Return the logs of an EIP-2718 receipt of a transaction that succeeded."""
    kind = data[0] if data[0] < 0x80 else 0
    if kind > TYPES_MAX or data[0] == 0:
        raise ReceiptWrong(f"receipt: expected a transaction of type 0 to {TYPES_MAX}, got byte {data[0]:#x}")
    fields = as_list(decode(data[1:] if data[0] < 0x80 else data), "receipt")
    if len(fields) != 4:
        raise ReceiptMalformed(f"receipt: expected status, gas, bloom and logs, got {len(fields)} fields")
    if fields[0] != b"\x01":
        raise ReceiptWrong(f"receipt: expected the status 1, got {as_bytes(fields[0], 'status').hex() or 0}")
    as_number(fields[1], "receipt, gas")
    as_bytes(fields[2], "receipt, bloom", BLOOM_SIZE_BYTES)
    return as_list(fields[3], "receipt, logs")


def _log_at(
    logs: list[Item], parts: _Parts, event: bytes, topics_count: int, words_count: int
) -> tuple[list[bytes], list[bytes]]:
    """Step 5: return topics and data, in words of 32 bytes, of the log at log_index: this event, of this log."""
    index, contract, log_id = parts.numbers["log_index"], parts.given["contract"], parts.given["log_id"]
    if index >= len(logs):
        raise ReceiptWrong(f"log_index: expected below {len(logs)}, got {index}")
    fields = as_list(logs[index], f"log {index}")
    if len(fields) != 3:
        raise ReceiptMalformed(f"log {index}: expected address, topics and data, got {len(fields)} fields")
    address = as_bytes(fields[0], f"log {index}, address", ADDRESS_SIZE_BYTES)
    if address != contract:
        raise ReceiptWrong(f"log {index}: expected the contract 0x{contract.hex()}, got 0x{address.hex()}")
    topics = [
        as_bytes(one, f"log {index}, topic", HASH_SIZE_BYTES)
        for one in as_list(fields[1], f"log {index}, topics")
    ]
    if topics[:2] != [event, log_id] or len(topics) != topics_count:
        got = ", ".join(one.hex() for one in topics) or "none"
        expected = f"{topics_count} topics, the event {event.hex()} of log id {log_id.hex()}"
        raise ReceiptWrong(f"log {index}: expected {expected}, got {got}")
    data = as_bytes(fields[2], f"log {index}, data", words_count * HASH_SIZE_BYTES)
    return topics, [data[at : at + HASH_SIZE_BYTES] for at in range(0, len(data), HASH_SIZE_BYTES)]


def _size(word: bytes, least: int) -> int:
    size = int.from_bytes(word, "big")
    if not least <= size <= SIZE_MAX:
        raise ReceiptWrong(f"size: expected {least} to 2^53-1, got {size}")
    return size
