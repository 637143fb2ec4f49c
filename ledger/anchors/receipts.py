"""Makes the receipt of an EVM anchor from what a node says, and believes the node nothing that it can recompute.

    eth_getBlockByHash, eth_getBlockReceipts -> prove_receipt -> docs/spec/anchoring.md section 3

The checking side is ledger/anchors/evm_receipt.py, which needs no library.

    ProofError
    `-- NodeContradicts   block hash or receipts root are not those of what the node answered
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rlp
from eth_hash.auto import keccak

from ledger.anchors.evm_receipt import ANCHORED, VERSION, check_receipt
from ledger.anchors.patricia import Keccak
from ledger.errors import ProofError

RECEIPTS_MAX_COUNT = 100_000
DEPOSIT_TYPE = 0x7E
"""Blocks of OP-stack chains begin with such transactions; since Canyon their receipts have two fields more."""
EMPTY_TRIE_ROOT = keccak(b"\x80")

_HEADER = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
)
_LATER = (
    ("baseFeePerGas", True),  # London, EIP-1559
    ("withdrawalsRoot", False),  # Shanghai, EIP-4895
    ("blobGasUsed", True),  # Cancun, EIP-4844
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),  # EIP-4788
    ("requestsHash", False),  # Prague, EIP-7685
)
"""Each is there from its fork on, after all that came before it: the header ends with the first that is missing."""


Check = Callable[[Mapping[str, Any], Keccak], object]
"""`check_receipt` or `check_superseded`."""


class NodeContradicts(ProofError):
    """What the node answered does not belong together: it lies, or its chain has another header. Ask another node."""


def prove_receipt(
    header: Mapping[str, Any],
    receipts: Sequence[Mapping[str, Any]],
    tx_index: int,
    chain_id: int,
    contract: str,
    log_id: str,
    log_index: int,
    check: Check = check_receipt,
) -> dict[str, Any]:
    """Return the receipt for the log at `log_index` of the receipt (counted within it) of transaction `tx_index`.

    `header` and `receipts` are as JSON-RPC gives them (0x text) or as web3 does (int, bytes); the receipts are all
    of the block. What is returned was checked with `check`: `check_superseded` for the log of a supersession.

    Raises:
        NodeContradicts: a field is missing or unreadable; the header's hash, the receipts root or a receipt's place
            is not what the node says.
        ReceiptWrong, ReceiptMalformed: it is no anchoring of this log by this contract.
    """
    data, block_hash = _header(header)
    if not 0 <= tx_index < len(receipts) <= RECEIPTS_MAX_COUNT:
        raise NodeContradicts(
            f"receipts: expected transaction {tx_index} among up to {RECEIPTS_MAX_COUNT}, got {len(receipts)}"
        )
    encoded = [encode_receipt(one, at) for at, one in enumerate(receipts)]
    root, proof = prove_index(encoded, tx_index)
    if root != _data(header, "receiptsRoot", "header"):
        raise NodeContradicts(
            f"receipts root: expected {_data(header, 'receiptsRoot', 'header').hex()}, got {root.hex()}"
            f" over {len(receipts)} receipts"
        )
    receipt = {
        "v": VERSION,
        "chain_id": chain_id,
        "contract": contract.lower(),
        "log_id": log_id.lower(),
        "block_number": _number(header, "number", "header"),
        "block_hash": "0x" + block_hash.hex(),
        "header": "0x" + data.hex(),
        "tx_hash": "0x" + _data(receipts[tx_index], "transactionHash", "receipt").hex(),
        "tx_index": tx_index,
        "receipt": "0x" + encoded[tx_index].hex(),
        "proof": ["0x" + node.hex() for node in proof],
        "log_index": log_index,
    }
    check(receipt, keccak)
    return receipt


def find_log(receipt: Mapping[str, Any], contract: str, log_id: str, event: bytes = ANCHORED) -> int | None:
    """Return where in a transaction's receipt this contract logged this event of this log, from 0; None: nowhere.

    Raises:
        NodeContradicts: the logs cannot be read.
    """
    address, topics = bytes.fromhex(contract[2:]), [keccak(event), bytes.fromhex(log_id[2:])]
    for at, log in enumerate(_logs(receipt, "receipt")):
        if log[0] == address and log[1][:2] == topics:
            return at
    return None


# ------------------------------------------------------------------------------------------------- header, receipts
def _header(header: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return the header's RLP and its hash, which is the one the node names."""
    later = []
    for name, is_number in _LATER:
        if header.get(name) is None:
            break
        later.append((name, is_number))
    fields = [
        rlp.encode(_number(header, name, "header") if is_number else _data(header, name, "header"))
        for name, is_number in (*_HEADER, *later)
    ]
    data = _joined(fields)
    named, digest = _data(header, "hash", "header"), keccak(data)
    if named != digest:
        raise NodeContradicts(
            f"block {_number(header, 'number', 'header')}: expected hash {named.hex()}, got {digest.hex()} from its"
            f" {len(fields)} fields"
        )
    return data, digest


def _joined(fields: Sequence[bytes]) -> bytes:
    """Return the RLP list of items that are encoded already."""
    payload = b"".join(fields)
    if len(payload) <= 55:
        return bytes([0xC0 + len(payload)]) + payload
    size = len(payload).to_bytes(8, "big").lstrip(b"\x00")
    return bytes([0xF7 + len(size)]) + size + payload


def encode_receipt(receipt: Mapping[str, Any], tx_index: int) -> bytes:
    """Return the EIP-2718 bytes of the receipt of transaction `tx_index`, as they lie in the block's trie.

    Raises:
        NodeContradicts: a field is missing or unreadable, or it is the receipt of another transaction of the block.
    """
    what = f"receipt {tx_index}"
    if _number(receipt, "transactionIndex", what) != tx_index:
        raise NodeContradicts(f"{what}: expected transaction {tx_index}, got {receipt['transactionIndex']!a}")
    kind = _number(receipt, "type", what) if receipt.get("type") is not None else 0
    if not 0 <= kind < 0x80:
        raise NodeContradicts(f"{what}: expected a type below 128, got {kind}")
    fields: list[Any] = [
        _number(receipt, "status", what),
        _number(receipt, "cumulativeGasUsed", what),
        _data(receipt, "logsBloom", what),
        _logs(receipt, what),
    ]
    if kind == DEPOSIT_TYPE and receipt.get("depositReceiptVersion") is not None:
        fields += [_number(receipt, "depositNonce", what), _number(receipt, "depositReceiptVersion", what)]
    data: bytes = rlp.encode(fields)
    return bytes([kind]) + data if kind else data


def _logs(receipt: Mapping[str, Any], what: str) -> list[list[Any]]:
    logs = receipt.get("logs")
    if not isinstance(logs, Sequence) or isinstance(logs, str):
        raise NodeContradicts(f"{what}: expected a list of logs, got {type(logs).__name__}")
    found: list[list[Any]] = []
    for at, log in enumerate(logs):
        if not isinstance(log, Mapping) or not isinstance(log.get("topics"), Sequence):
            raise NodeContradicts(f"{what}, log {at}: expected an object with topics, got {log!a:.60}")
        topics = [_read_data(one, f"{what}, topic") for one in log["topics"]]
        found.append([_data(log, "address", what), topics, _data(log, "data", what)])
    return found


def _number(values: Mapping[str, Any], name: str, what: str) -> int:
    """Return a quantity: an int, or 0x and digits."""
    value = values.get(name)
    if type(value) is int and value >= 0:
        return value
    if type(value) is str and value.startswith("0x") and 2 < len(value) <= 66:
        try:
            return int(value[2:], 16)
        except ValueError:
            pass
    raise NodeContradicts(f"{what}, {name}: expected a quantity in 0x hex, got {value!a:.60}")


def _data(values: Mapping[str, Any], name: str, what: str) -> bytes:
    return _read_data(values.get(name), f"{what}, {name}")


def _read_data(value: Any, what: str) -> bytes:
    """Return bytes as they are, or those of 0x and hex digits."""
    if isinstance(value, bytes):
        return bytes(value)
    if type(value) is str and value.startswith("0x"):
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            pass
    raise NodeContradicts(f"{what}: expected bytes in 0x hex, got {value!a:.60}")


# ------------------------------------------------------------------------------------------------------------- trie
def prove_index(values: Sequence[bytes], index: int) -> tuple[bytes, list[bytes]]:
    """Return the root of the Merkle-Patricia trie rlp(i) -> values[i], and the nodes from it to values[index].

    Nodes of less than 32 bytes would stand inside their parents; receipts are longer, so there are none.
    """
    wanted = _nibbles(rlp.encode(index))
    items = sorted((_nibbles(rlp.encode(at)), value) for at, value in enumerate(values))
    proof: list[bytes] = []
    root = _build(items, 0, wanted, proof) if items else EMPTY_TRIE_ROOT
    return root, proof[::-1]


def _build(
    items: Sequence[tuple[tuple[int, ...], bytes]],
    depth: int,
    wanted: tuple[int, ...] | None,
    proof: list[bytes],
) -> bytes:
    """Return the hash of the node over sorted items that agree in the first `depth` nibbles.

    The nodes on the way to `wanted`, None when it does not lie here, are added to `proof`, lowest first.
    """
    first, last = items[0][0], items[-1][0]
    if len(items) == 1:
        node = rlp.encode([_compact(first[depth:], is_leaf=True), items[0][1]])
    else:
        same = depth
        while first[same] == last[same]:
            same += 1
        if same > depth:
            below = _build(items, same, wanted, proof)
            node = rlp.encode([_compact(first[depth:same], is_leaf=False), below])
        else:
            children: list[bytes] = []
            for nibble in range(16):
                part = [item for item in items if item[0][depth] == nibble]
                leads = wanted if wanted is not None and wanted[depth] == nibble else None
                children.append(_build(part, depth + 1, leads, proof) if part else b"")
            node = rlp.encode([*children, b""])
    if wanted is not None:
        proof.append(node)
    return keccak(node)


def _compact(nibbles: Sequence[int], *, is_leaf: bool) -> bytes:
    flag = 2 * is_leaf + len(nibbles) % 2
    whole = [flag, *nibbles] if len(nibbles) % 2 else [flag, 0, *nibbles]
    return bytes(16 * high + low for high, low in zip(whole[::2], whole[1::2], strict=True))


def _nibbles(data: bytes) -> tuple[int, ...]:
    return tuple(half for byte in data for half in (byte >> 4, byte & 15))
