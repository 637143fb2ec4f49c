"""Forged receipts: what was changed, and which error must say so."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import rlp
from eth_hash.auto import keccak

from ledger.anchors.evm_receipt import ReceiptMalformed, ReceiptWrong
from ledger.anchors.patricia import TrieProofWrong
from ledger.anchors.receipts import prove_receipt
from ledger.anchors.strict_rlp import RlpMalformed
from tests.anchors.blocks import (
    CHAIN_ID,
    CONTRACT,
    LOG_ID,
    ROOT,
    SIZE,
    anchoring,
    bytes_of,
    header,
    raw,
    receipt,
    shown,
    trie_of,
)

Receipt = dict[str, Any]
AT, COUNT = 3, 20
"""The forged transaction, and how many the block has: three nodes lead to it."""
OTHER_HASH = shown(bytes([9]) * 32)
FOREIGN = {"address": "0x" + "ab" * 20, "topics": [shown(keccak(b"Other()"))], "data": "0x"}


def receipts_with(logs: list[dict[str, Any]], *, kind: int = 2, status: int = 1) -> list[dict[str, Any]]:
    """Return the receipts of a block in which transaction AT has these logs."""
    return [
        receipt(at, kind, logs, status=status) if at == AT else receipt(at, at % 5, [FOREIGN])
        for at in range(COUNT)
    ]


def honest() -> Receipt:
    """Return the receipt that is forged below: its log is the second of three."""
    receipts = receipts_with([FOREIGN, anchoring(), anchoring(SIZE + 1)])
    return prove_receipt(header(receipts), receipts, AT, CHAIN_ID, CONTRACT, LOG_ID, 1)


def in_a_block(logs: list[dict[str, Any]], *, kind: int = 2, status: int = 1) -> Receipt:
    """Return a receipt whose every hash is right, over a block that no chain has: only what the log says is wrong."""
    receipts = receipts_with(logs, kind=kind, status=status)
    return over(bytes_of(receipts[AT]), receipts)


def over(data: bytes, receipts: list[dict[str, Any]]) -> Receipt:
    """Return a receipt with these receipt bytes in the trie in place of those of AT, hashes recomputed."""
    trie = trie_of(receipts)
    trie[rlp.encode(AT)] = data
    found = honest()
    fields = rlp.decode(raw(found["header"]))
    fields[5] = trie.root_hash
    block = rlp.encode(fields)
    nodes = [shown(rlp.encode(node)) for node in trie.get_proof(rlp.encode(AT))]
    return found | {
        "header": shown(block),
        "block_hash": shown(keccak(block)),
        "receipt": shown(data),
        "proof": nodes,
    }


def with_header(change: Callable[[list[bytes]], None]) -> Receipt:
    """Return the honest receipt with another header, and that header's hash."""
    found = honest()
    fields = list(rlp.decode(raw(found["header"])))
    change(fields)
    block = rlp.encode(fields)
    return found | {"header": shown(block), "block_hash": shown(keccak(block))}


def changed(name: str, value: Any) -> Receipt:
    """Return the honest receipt with another member."""
    return honest() | {name: value}


def with_node(at: int, change: Callable[[bytes], bytes]) -> Receipt:
    """Return the honest receipt with one node changed."""
    found = copy.deepcopy(honest())
    found["proof"][at] = shown(change(raw(found["proof"][at])))
    return found


def under_root(nodes: list[bytes]) -> Receipt:
    """Return the honest receipt with these nodes and a header whose receipts root is the hash of the first."""

    def change(fields: list[bytes]) -> None:
        fields[5] = keccak(nodes[0])

    return with_header(change) | {"proof": [shown(node) for node in nodes]}


def other_bytes(old: bytes, new: bytes) -> Receipt:
    """Return the honest receipt with bytes replaced in receipt and leaf, but not in the nodes above."""
    found = copy.deepcopy(honest())
    assert old in raw(found["receipt"])
    found["receipt"] = shown(raw(found["receipt"]).replace(old, new))
    found["proof"][-1] = shown(raw(found["proof"][-1]).replace(old, new))
    return found


def _long_form(data: bytes) -> bytes:
    """Return a node's RLP with its length spelled one byte longer than needed."""
    return bytes([data[0] + 1]) + b"\x00" + data[1:]


def _set(at: int, value: bytes) -> Callable[[list[bytes]], None]:
    def change(fields: list[bytes]) -> None:
        fields[at] = value

    return change


Forged = tuple[str, Receipt, type[Exception]]
"""What was changed, the receipt, and the error that refuses it."""


def forged() -> Iterator[Forged]:
    """Yield all of them."""
    yield from of_other_parts()
    yield from of_nodes()
    yield from of_logs()
    yield from of_receipt_bytes()
    yield from of_members()
    yield from of_headers()


def of_other_parts() -> Iterator[Forged]:
    """Parts that are not those of the block."""
    good, of_another = honest(), receipts_with([FOREIGN, anchoring()])
    another = trie_of(of_another).get_proof(rlp.encode(AT + 1))
    right = raw(anchoring()["data"])
    yield "root in receipt and leaf", other_bytes(ROOT, bytes(32)), TrieProofWrong
    yield "size in receipt and leaf", other_bytes(right[:32], (99).to_bytes(32, "big")), TrieProofWrong
    yield (
        "size in the receipt alone",
        changed("receipt", good["receipt"].replace(f"{SIZE:064x}", f"{99:064x}")),
        ReceiptWrong,
    )
    yield "block hash", changed("block_hash", OTHER_HASH), ReceiptWrong
    yield "header, last byte", changed("header", good["header"][:-2] + "00"), ReceiptWrong
    yield "header's time", with_header(_set(11, b"\x01")) | {"block_hash": good["block_hash"]}, ReceiptWrong
    yield "header's receipts root, rehashed", with_header(_set(5, bytes(32))), TrieProofWrong
    yield "header's number, rehashed", with_header(_set(8, b"\x05")), ReceiptWrong
    yield "block number", changed("block_number", good["block_number"] + 1), ReceiptWrong
    yield "place of another transaction", changed("tx_index", AT + 1), TrieProofWrong
    yield "place beyond the block", changed("tx_index", COUNT), TrieProofWrong
    yield "place far beyond", changed("tx_index", 2**24 + 1), ReceiptMalformed
    yield (
        "receipt of another transaction",
        changed("receipt", shown(bytes_of(of_another[AT + 1]))),
        ReceiptWrong,
    )
    yield (
        "nodes of another transaction",
        changed("proof", [shown(rlp.encode(one)) for one in another]),
        TrieProofWrong,
    )


def of_nodes() -> Iterator[Forged]:
    """Other nodes, and such that no trie has, under a root that was made for them."""
    good = honest()
    nodes = [raw(node) for node in good["proof"]]
    leaf = rlp.decode(nodes[-1])
    yield "two nodes swapped", changed("proof", [*good["proof"][1::-1], *good["proof"][2:]]), TrieProofWrong
    yield "first node missing", changed("proof", good["proof"][1:]), TrieProofWrong
    yield "last node missing", changed("proof", good["proof"][:-1]), TrieProofWrong
    yield "last node twice", changed("proof", [*good["proof"], good["proof"][-1]]), TrieProofWrong
    yield "no nodes", changed("proof", []), ReceiptMalformed
    yield "seventeen nodes", changed("proof", good["proof"][:1] * 17), ReceiptMalformed
    yield "node cut off", with_node(1, lambda node: node[:-1]), TrieProofWrong
    yield "node with a byte more", with_node(1, lambda node: node + b"\x00"), TrieProofWrong
    yield "root node with a byte more, rehashed", under_root([nodes[0] + b"\x00", *nodes[1:]]), RlpMalformed
    yield "root node in a longer form, rehashed", under_root([_long_form(nodes[0]), *nodes[1:]]), RlpMalformed
    yield "root node is a string", under_root([rlp.encode(b"x" * 40)]), RlpMalformed
    yield "root node of three items", under_root([rlp.encode([b"", b"", b""])]), TrieProofWrong
    yield "leaf as root under another path", under_root([nodes[-1]]), TrieProofWrong
    yield "leaf as root under no path", under_root([rlp.encode([b"\x20", leaf[1]])]), TrieProofWrong
    yield "branch with a value", under_root([rlp.encode([*[bytes(32)] * 16, b"value"])]), TrieProofWrong
    yield "branch without the child", under_root([rlp.encode([b""] * 17)]), TrieProofWrong
    yield "extension without a path", under_root([rlp.encode([b"\x00", bytes(32)])]), TrieProofWrong
    yield "extension past the key", under_root([rlp.encode([b"\x00\x03\x01", bytes(32)])]), TrieProofWrong
    yield "compact path of flag 4", under_root([rlp.encode([b"\x40", bytes(32)])]), TrieProofWrong
    yield "compact path, padded wrongly", under_root([rlp.encode([b"\x21\x03", leaf[1]])]), TrieProofWrong
    yield "compact path that is empty", under_root([rlp.encode([b"", bytes(32)])]), TrieProofWrong


def of_logs() -> Iterator[Forged]:
    """What the log says, in a block that was made for it."""
    three = [anchoring(), anchoring(), anchoring()]
    yield "status 0", in_a_block(three, status=0), ReceiptWrong
    yield "status 2", in_a_block(three, status=2), ReceiptWrong
    yield "transaction of type 5", in_a_block(three, kind=5), ReceiptWrong
    yield "log of another contract", in_a_block([anchoring(contract="0x" + "ee" * 20)] * 3), ReceiptWrong
    yield "log of another log id", in_a_block([anchoring(log_id=OTHER_HASH)] * 3), ReceiptWrong
    yield (
        "log of another event",
        in_a_block([anchoring() | {"topics": [OTHER_HASH, LOG_ID]}] * 3),
        ReceiptWrong,
    )
    yield (
        "log without the log id",
        in_a_block([anchoring() | {"topics": three[0]["topics"][:1]}] * 3),
        ReceiptWrong,
    )
    yield (
        "log with a topic more",
        in_a_block([anchoring() | {"topics": [*three[0]["topics"], LOG_ID]}] * 3),
        ReceiptWrong,
    )
    yield (
        "log with data cut off",
        in_a_block([anchoring() | {"data": anchoring()["data"][:-2]}] * 3),
        RlpMalformed,
    )
    yield (
        "log with data to spare",
        in_a_block([anchoring() | {"data": anchoring()["data"] + "00"}] * 3),
        RlpMalformed,
    )
    yield "size 0", in_a_block([anchoring(0)] * 3), ReceiptWrong
    yield "size 2^53", in_a_block([anchoring(2**53)] * 3), ReceiptWrong
    yield "size 2^255", in_a_block([anchoring(2**255)] * 3), ReceiptWrong
    yield "no logs", in_a_block([]), ReceiptWrong
    yield "address of 19 bytes", in_a_block([anchoring(contract="0x" + "c0" * 19)] * 3), RlpMalformed
    yield "topic of 31 bytes", in_a_block([anchoring(log_id="0x" + "1d" * 31)] * 3), RlpMalformed


def of_receipt_bytes() -> Iterator[Forged]:
    """Receipts that no transaction leaves, in a block that was made for them."""
    good, of_another = honest(), receipts_with([FOREIGN, anchoring()])
    data = raw(good["receipt"])
    yield "receipt with a byte more", over(data + b"\x00", of_another), RlpMalformed
    yield "receipt cut off", over(data[:-1], of_another), RlpMalformed
    yield "receipt of type 0, said", over(b"\x00" + data[1:], of_another), ReceiptWrong
    yield "receipt without its list", over(b"\x02" + rlp.encode(b"x" * 40), of_another), RlpMalformed
    yield (
        "receipt of three fields",
        over(b"\x02" + rlp.encode([b"\x01", b"\x01", bytes(256)]), of_another),
        ReceiptMalformed,
    )
    yield (
        "bloom of 255 bytes",
        over(b"\x02" + rlp.encode([b"\x01", b"\x01", bytes(255), []]), of_another),
        RlpMalformed,
    )
    yield (
        "gas with a leading zero",
        over(b"\x02" + rlp.encode([b"\x01", b"\x00\x01", bytes(256), []]), of_another),
        RlpMalformed,
    )
    yield (
        "logs in each other",
        over(b"\x02" + rlp.encode([b"\x01", b"\x01", bytes(256), [[[[[[b""]]]]]]]), of_another),
        RlpMalformed,
    )
    yield "huge length", over(b"\x02\xbf" + b"\xff" * 40, of_another), RlpMalformed
    yield "huge length of a list", over(b"\x02\xff" + b"\xff" * 40, of_another), RlpMalformed


def of_members() -> Iterator[Forged]:
    """Members of other values, types and sizes."""
    good = honest()
    yield "log index of the foreign log", changed("log_index", 0), ReceiptWrong
    yield "log index beyond the logs", changed("log_index", 3), ReceiptWrong
    yield "other contract", changed("contract", "0x" + "ee" * 20), ReceiptWrong
    yield "other log id", changed("log_id", OTHER_HASH), ReceiptWrong
    yield "version 2", changed("v", 2), ReceiptMalformed
    yield "log index true", changed("log_index", True), ReceiptMalformed
    yield "negative place", changed("tx_index", -1), ReceiptMalformed
    yield "number as text", changed("block_number", "5"), ReceiptMalformed
    yield (
        "hash in capitals",
        changed("block_hash", good["block_hash"].upper().replace("X", "x")),
        ReceiptMalformed,
    )
    yield "hash without 0x", changed("block_hash", good["block_hash"][2:]), ReceiptMalformed
    yield "hex with a space", changed("block_hash", good["block_hash"][:-2] + " 0"), ReceiptMalformed
    yield "contract of 21 bytes", changed("contract", good["contract"] + "00"), ReceiptMalformed
    yield "header empty", changed("header", "0x"), ReceiptMalformed
    yield "header of a megabyte", changed("header", "0x" + "00" * 1_000_000), ReceiptMalformed
    yield "proof as text", changed("proof", good["proof"][0]), ReceiptMalformed
    yield "node that is no text", changed("proof", [None]), ReceiptMalformed
    yield (
        "member missing",
        {name: value for name, value in good.items() if name != "tx_hash"},
        ReceiptMalformed,
    )
    yield "member more", good | {"size": SIZE}, ReceiptMalformed


def of_headers() -> Iterator[Forged]:
    """Headers of a shape that no chain has, with a hash of their own."""
    yield (
        "header of 14 fields",
        with_header(lambda fields: fields.__delitem__(slice(14, None))),
        ReceiptMalformed,
    )
    yield "header of 41 fields", with_header(lambda fields: fields.extend([b""] * 20)), ReceiptMalformed
    yield "header's number with a leading zero", with_header(_set(8, b"\x00\x01")), RlpMalformed
    yield "header's time after the year 9999", with_header(_set(11, b"\x01" * 8)), ReceiptWrong
    yield "header's time 0", with_header(_set(11, b"")), ReceiptWrong
    yield "header's time of 9 bytes", with_header(_set(11, b"\x01" * 9)), RlpMalformed
    yield "header's receipts root of 31 bytes", with_header(_set(5, bytes(31))), RlpMalformed
