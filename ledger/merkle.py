"""The Merkle tree of RFC 6962 section 2.1 / RFC 9162 section 2.1, and nothing cleverer.

leaf = SHA-256(0x00 || bytes), node = SHA-256(0x01 || left || right); a tree of n > 1 leaves splits at the largest power
of two below n; a lone node is never doubled. `nodes(level, index)` is the hash of the perfect subtree over leaves
`index * 2**level .. (index + 1) * 2**level - 1`; level 0 are leaf hashes. All hashes are 32 raw bytes.

Size 0, stated per call site: the empty tree has the root SHA-256(""), but a consistency proof from it proves nothing,
so `check_consistency` refuses old_size 0 (as transparency-dev/merkle does). A witness must accept it with an empty
proof (C2SP tlog-witness): that call site uses `check_witness_growth`.

    ProofError
    |-- IndexOutOfRange   |-- SizesRefused  |-- ProofLength  |-- RootMismatch
    `-- HashMalformed     |-- FrontierMalformed  `-- NodeMissing (raised by sources of nodes)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from ledger.errors import ProofError

HASH_SIZE_BYTES = 32
SIZE_MAX = 2**53 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()

Nodes = Callable[[int, int], bytes]
"""(level, index) -> hash of a perfect subtree. Raises NodeMissing when the source does not hold it."""

_sha256 = hashlib.sha256


class IndexOutOfRange(ProofError):
    """The leaf index does not lie in a tree of that size."""


class SizesRefused(ProofError):
    """Old and new size cannot be joined by a proof: old is 0, or larger than new."""


class ProofLength(ProofError):
    """Too few or too many hashes for this index and size."""


class RootMismatch(ProofError):
    """The proof computes another root than the one given."""


class HashMalformed(ProofError):
    """A hash is not 32 bytes."""


class FrontierMalformed(ProofError):
    """Stored frontier bytes are not what `Frontier.to_bytes` writes."""


class NodeMissing(ProofError):
    """The source of nodes does not hold this one: a tile or an entry is lost."""


def leaf_hash(data: bytes) -> bytes:
    """Return SHA-256(0x00 || data)."""
    return _sha256(b"\x00" + data).digest()


def leaf_hashes(lines: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hash of each; without a call of ours per leaf, for long logs."""
    sha256 = _sha256
    return [sha256(b"\x00" + data).digest() for data in lines]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return _sha256(b"\x01" + left + right).digest()


def node_hashes(row: Iterable[bytes]) -> list[bytes]:
    """Return the row above an even number of hashes; without a call of ours per node."""
    sha256, hashes = _sha256, iter(row)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(hashes, hashes, strict=True)]


class Frontier:
    """The right edge of a growing tree: one hash per set bit of its size, largest subtree first.

    Appending costs one hash per leaf on average. `to_bytes` is 8 bytes of big-endian size, then the hashes: at most
    8 + 53 * 32 bytes, stored in the head row.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self._hashes = list(hashes)
        if size < 0 or size > SIZE_MAX or len(self._hashes) != size.bit_count():
            raise FrontierMalformed(
                f"frontier of size {size}: expected {size.bit_count()} hashes, got {len(self._hashes)}"
            )
        for item in self._hashes:
            _check_hash(item)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        size = self.size
        hashes = self._hashes
        while size & 1:
            leaf = _sha256(b"\x01" + hashes.pop() + leaf).digest()
            size >>= 1
        hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root at this size; EMPTY_ROOT at size 0."""
        if not self._hashes:
            return EMPTY_ROOT
        root = self._hashes[-1]
        for left in self._hashes[-2::-1]:
            root = node_hash(left, root)
        return root

    def copy(self) -> Frontier:
        """Return an independent frontier, so that a batch can be dropped."""
        return Frontier(self.size, self._hashes)

    def to_bytes(self) -> bytes:
        """Return the stored form."""
        return self.size.to_bytes(8, "big") + b"".join(self._hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Frontier:
        """Read the stored form.

        Raises:
            FrontierMalformed: another length than the size in it asks for.
        """
        if len(data) < 8 or (len(data) - 8) % HASH_SIZE_BYTES:
            raise FrontierMalformed(f"frontier: expected 8 bytes and whole hashes, got {len(data)} bytes")
        return cls(int.from_bytes(data[:8], "big"), [data[at : at + 32] for at in range(8, len(data), 32)])


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def nodes_over(leaves: Sequence[bytes]) -> Nodes:
    """Return a source of nodes over leaf hashes in memory; perfect subtrees are kept once computed."""
    kept: dict[tuple[int, int], bytes] = {}

    def nodes(level: int, index: int) -> bytes:
        if level == 0:
            if index >= len(leaves):
                raise NodeMissing(f"leaf {index}: expected below {len(leaves)}")
            return leaves[index]
        key = (level, index)
        if key not in kept:
            kept[key] = node_hash(nodes(level - 1, 2 * index), nodes(level - 1, 2 * index + 1))
        return kept[key]

    return nodes


# ------------------------------------------------------------------------------------------------- making proofs
def range_hash(start: int, end: int, nodes: Nodes) -> bytes:
    """Return MTH over leaves start .. end-1, where start is a multiple of a power of two >= end - start."""
    width = end - start
    level = (width - 1).bit_length()
    if width == 1 << level:
        return nodes(level, start >> level)
    middle = start + (1 << (level - 1))
    return node_hash(range_hash(start, middle, nodes), range_hash(middle, end, nodes))


def root_at(size: int, nodes: Nodes) -> bytes:
    """Return the root of the first `size` leaves."""
    return range_hash(0, size, nodes) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the sibling hashes from leaf to root (PATH of RFC 6962 section 2.1.1).

    Raises:
        IndexOutOfRange: not 0 <= index < size.
        NodeMissing: the source lacks a hash.
    """
    _check_index(index, size)
    start, end = 0, size
    proof: list[bytes] = []
    while end - start > 1:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < middle:
            proof.append(range_hash(middle, end, nodes))
            end = middle
        else:
            proof.append(range_hash(start, middle, nodes))
            start = middle
    return proof[::-1]


def consistency_proof(old_size: int, new_size: int, nodes: Nodes) -> list[bytes]:
    """Return the proof that the first tree is a prefix of the second (PROOF of RFC 6962 section 2.1.2).

    Raises:
        SizesRefused: not 0 < old_size <= new_size.
    """
    _check_sizes(old_size, new_size)
    start, end = 0, new_size
    proof: list[bytes] = []
    while old_size != end:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if old_size <= middle:
            proof.append(range_hash(middle, end, nodes))
            end = middle
        else:
            proof.append(range_hash(start, middle, nodes))
            start = middle
    if (
        start
    ):  # the old tree's last part is no left edge, so the checker cannot know its hash from the old root
        proof.append(range_hash(start, end, nodes))
    return proof[::-1]


# ------------------------------------------------------------------------------------------------ checking proofs
def check_inclusion(index: int, size: int, leaf: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that `leaf` is the leaf hash at `index` of the tree of `size` leaves (RFC 9162 section 2.1.3.2).

    The caller still must have `root` and `size` from a checkpoint it trusts, and `leaf` from the bytes it shows.

    Raises:
        IndexOutOfRange, ProofLength, HashMalformed, RootMismatch
    """
    _check_index(index, size)
    _check_hashes(leaf, root, *proof)
    first, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofLength(
                f"inclusion proof: expected fewer hashes for index {index} of {size}, got {len(proof)}"
            )
        if first & 1 or first == last:
            computed = node_hash(sibling, computed)
            while first and not first & 1:
                first >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, sibling)
        first >>= 1
        last >>= 1
    if last:
        raise ProofLength(
            f"inclusion proof: expected more hashes for index {index} of {size}, got {len(proof)}"
        )
    _check_root(computed, root, f"inclusion of {index} in {size}")


def check_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the new tree begins with the old one (RFC 9162 section 2.1.4.2). old_size 0 is refused.

    The caller still must trust one of the two roots. A consistency proof does not bind the sizes by itself.

    Raises:
        SizesRefused, ProofLength, HashMalformed, RootMismatch
    """
    _check_sizes(old_size, new_size)
    if old_size == new_size:
        if proof:
            raise ProofLength(f"consistency proof at equal sizes: expected no hashes, got {len(proof)}")
        _check_root(old_root, new_root, f"consistency at size {new_size}")
        return
    _check_hashes(old_root, new_root, *proof)
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofLength(f"consistency proof from {old_size} to {new_size}: expected hashes, got none")
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first >>= 1
        last >>= 1
    old_computed = new_computed = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofLength(
                f"consistency proof from {old_size} to {new_size}: expected fewer hashes, got {len(proof)}"
            )
        if first & 1 or first == last:
            old_computed = node_hash(sibling, old_computed)
            new_computed = node_hash(sibling, new_computed)
            while first and not first & 1:
                first >>= 1
                last >>= 1
        else:
            new_computed = node_hash(new_computed, sibling)
        first >>= 1
        last >>= 1
    if last:
        raise ProofLength(
            f"consistency proof from {old_size} to {new_size}: expected more hashes, got {len(proof)}"
        )
    _check_root(old_computed, old_root, f"old tree of {old_size}")
    _check_root(new_computed, new_root, f"new tree of {new_size}")


def check_witness_growth(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check growth as a witness must: as `check_consistency`, but from size 0 an empty proof is accepted.

    C2SP tlog-witness: "if the old size is 0, the proof MUST be empty". The old root must then be EMPTY_ROOT.
    """
    if old_size != 0:
        check_consistency(old_size, new_size, old_root, new_root, proof)
        return
    _check_hashes(old_root, new_root)
    if proof:
        raise ProofLength(f"consistency proof from size 0: expected no hashes, got {len(proof)}")
    _check_root(old_root, EMPTY_ROOT, "empty tree")
    if new_size == 0:
        _check_root(new_root, EMPTY_ROOT, "empty tree")


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size <= SIZE_MAX:
        raise IndexOutOfRange(
            f"leaf index: expected 0 <= index < size <= 2^53-1, got index {index}, size {size}"
        )


def _check_sizes(old_size: int, new_size: int) -> None:
    if not 0 < old_size <= new_size <= SIZE_MAX:
        raise SizesRefused(
            f"tree sizes: expected 0 < old <= new <= 2^53-1, got old {old_size}, new {new_size}"
        )


def _check_hash(item: bytes) -> None:
    if len(item) != HASH_SIZE_BYTES:
        raise HashMalformed(f"hash: expected {HASH_SIZE_BYTES} bytes, got {len(item)}")


def _check_hashes(*items: bytes) -> None:
    for item in items:
        _check_hash(item)


def _check_root(computed: bytes, expected: bytes, what: str) -> None:
    if computed != expected:
        raise RootMismatch(f"{what}: expected root {expected.hex()}, got {computed.hex()}")
