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
EVENT = b"CheckpointAnchored(bytes32,uint64,bytes32)"
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


def check_receipt(receipt: Mapping[str, Any], keccak: Keccak) -> EvmReceipt:
    """Return what a receipt proves.

    1. members, types and sizes   2. the header has the block hash, and the number that the receipt names
    3. the nodes lead from the header's receipts root to the receipt's bytes, under the transaction's place
    4. the transaction succeeded   5. the log at log_index: address, topics, size and root
    The caller still must know that the block is part of the chain of `chain_id`, and compare contract, log id, size
    and root with those it expects: size and root with a tree that it computed itself.

    Raises:
        ReceiptMalformed, ReceiptWrong, RlpMalformed, TrieProofWrong
    """
    # 1. members, types and sizes
    numbers, given = _numbers(receipt), {name: _hex(receipt, name, size) for name, size in SIZES.items()}
    header, data = (
        _hex(receipt, "header", most=HEADER_SIZE_MAX_BYTES),
        _hex(receipt, "receipt", most=RECEIPT_SIZE_MAX_BYTES),
    )
    proof = _nodes(receipt["proof"])
    # 2. the header
    digest = keccak(header)
    if digest != given["block_hash"]:
        raise ReceiptWrong(f"header: expected block hash {given['block_hash'].hex()}, got {digest.hex()}")
    receipts_root, number, time_seconds = read_header(header)
    if number != numbers["block_number"]:
        raise ReceiptWrong(f"header: expected block {numbers['block_number']}, got {number}")
    # 3. the receipt is in the block
    value = value_at(receipts_root, encoded_number(numbers["tx_index"]), proof, keccak)
    if value != data:
        raise ReceiptWrong(
            f"receipt of transaction {numbers['tx_index']}: expected {value[:40].hex()}..., got {data[:40].hex()}..."
        )
    # 4. and 5. what it says
    size, root = _read_log(
        _logs_of(data), numbers["log_index"], given["contract"], given["log_id"], keccak(EVENT)
    )
    return EvmReceipt(
        size=size,
        root=root,
        contract=given["contract"],
        log_id=given["log_id"],
        block_number=number,
        block_hash=digest,
        block_time_seconds=time_seconds,
        tx_index=numbers["tx_index"],
        log_index=numbers["log_index"],
        chain_id=numbers["chain_id"],
        tx_hash=given["tx_hash"],
    )


def read_header(header: bytes) -> tuple[bytes, int, int]:
    """Return receipts root, number and time (unix seconds) of a block's RLP header. Raises RlpMalformed."""
    fields = as_list(decode(header), "header")
    if not HEADER_FIELDS_MIN <= len(fields) <= HEADER_FIELDS_MAX:
        raise ReceiptMalformed(
            f"header: expected {HEADER_FIELDS_MIN} to {HEADER_FIELDS_MAX} fields, got {len(fields)}"
        )
    return (
        as_bytes(fields[_RECEIPTS_ROOT], "header, receipts root", HASH_SIZE_BYTES),
        as_number(fields[_NUMBER], "header, number"),
        as_number(fields[_TIME], "header, time"),
    )


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


def _hex(receipt: Mapping[str, Any], name: str, size: int | None = None, *, most: int = 0) -> bytes:
    return read_hex(receipt[name], name, size, most=most)


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


def _read_log(
    logs: list[Item], index: int, contract: bytes, log_id: bytes, event: bytes
) -> tuple[int, bytes]:
    """Return size and root of the log at `index`, which must be the anchoring of this log by this contract."""
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
    if topics != [event, log_id]:
        got = ", ".join(one.hex() for one in topics)
        raise ReceiptWrong(
            f"log {index}: expected CheckpointAnchored ({event.hex()}) of log id {log_id.hex()}, got {got or 'none'}"
        )
    data = as_bytes(fields[2], f"log {index}, data", 2 * HASH_SIZE_BYTES)
    size = int.from_bytes(data[:HASH_SIZE_BYTES], "big")
    if not 0 < size <= SIZE_MAX:
        raise ReceiptWrong(f"log {index}: expected a size from 1 to 2^53-1, got {size}")
    return size, data[HASH_SIZE_BYTES:]
