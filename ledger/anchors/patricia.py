"""The proof that a value lies under a key of a Merkle-Patricia trie (Ethereum Yellow Paper, appendix D).

Made for the receipts of a block: values of more than 32 bytes under keys of which none begins another. So every node
below the root is there by its hash, and no branch holds a value itself; a proof that shows otherwise is refused.

    ProofError
    `-- TrieProofWrong
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.anchors.strict_rlp import Item, as_bytes, as_list, decode
from ledger.errors import ProofError

HASH_SIZE_BYTES = 32
NODES_MAX_COUNT = 16
"""A key of a block's tries has at most 9 bytes, 18 nibbles; a block of a million transactions needs 8 nodes."""

Keccak = Callable[[bytes], bytes]
"""Keccak-256, as Ethereum has it (not SHA3-256)."""


class TrieProofWrong(ProofError):
    """The nodes do not lead from the root to a value under the key."""


def value_at(root: bytes, key: bytes, nodes: Sequence[bytes], keccak: Keccak) -> bytes:
    """Return the value under `key` in the trie of this root, as the nodes show it, root first, none to spare.

    Raises:
        TrieProofWrong: a node is not the one its parent names, leads elsewhere, or is one too many or too few.
        RlpMalformed: a node is no canonical RLP.
    """
    if not 0 < len(nodes) <= NODES_MAX_COUNT:
        raise TrieProofWrong(f"trie proof: expected 1 to {NODES_MAX_COUNT} nodes, got {len(nodes)}")
    wanted, path = root, _nibbles(key)
    for number, data in enumerate(nodes):
        digest = keccak(data)
        if digest != wanted:
            raise TrieProofWrong(f"trie node {number}: expected hash {wanted.hex()}, got {digest.hex()}")
        found, path, is_value = _step(number, as_list(decode(data), f"trie node {number}"), path)
        if is_value:
            if number != len(nodes) - 1:
                raise TrieProofWrong(f"trie proof: expected {number + 1} nodes, got {len(nodes)}")
            return found
        if len(found) != HASH_SIZE_BYTES:
            raise TrieProofWrong(f"trie node {number}: expected the hash of a node below, got {found.hex()}")
        wanted = found
    raise TrieProofWrong(f"trie proof: expected a node of hash {wanted.hex()} more, got the end")


def _step(number: int, node: list[Item], path: list[int]) -> tuple[bytes, list[int], bool]:
    """Return what a node has for a path: a hash or the value, the path that is left, and whether it is the value."""
    if len(node) == 17:
        if not path:
            raise TrieProofWrong(f"trie node {number}: expected a leaf at the end of the key, got a branch")
        if as_bytes(node[16], f"trie node {number}, value"):
            raise TrieProofWrong(f"trie node {number}: expected a branch without a value, got one")
        return as_bytes(node[path[0]], f"trie node {number}, child {path[0]:x}"), path[1:], False
    if len(node) != 2:
        raise TrieProofWrong(f"trie node {number}: expected 17 or 2 items, got {len(node)}")
    part, is_leaf = _compact(as_bytes(node[0], f"trie node {number}, path"), number)
    found = as_bytes(node[1], f"trie node {number}, what it leads to")
    rest = path[len(part) :]
    if path[: len(part)] != part or (is_leaf and rest) or not (is_leaf or part):
        raise TrieProofWrong(f"trie node {number}: expected the way to {_text(path)}, got {_text(part)}")
    return found, rest, is_leaf


def _compact(data: bytes, number: int) -> tuple[list[int], bool]:
    """Return the nibbles of a compact path and whether it ends in a leaf (appendix C)."""
    flag = data[0] >> 4 if data else -1
    if flag not in (0, 1, 2, 3) or (flag in (0, 2) and data[0] & 15):
        raise TrieProofWrong(f"trie node {number}: expected a compact path, got {data[:40].hex()}")
    nibbles = _nibbles(data)
    return nibbles[1 if flag & 1 else 2 :], flag >= 2


def _nibbles(data: bytes) -> list[int]:
    return [half for byte in data for half in (byte >> 4, byte & 15)]


def _text(path: Sequence[int]) -> str:
    return "".join(f"{nibble:x}" for nibble in path[:40]) or "the end"
