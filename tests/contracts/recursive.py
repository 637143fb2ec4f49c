"""RFC 6962 once more, by its recursive definitions, so that neither the contract's loop nor ledger/merkle.py is its own
judge. Sizes up to 2^64 - 1; trees whose whole subtrees are pseudo-random hashes, so that 2^63 entries cost nothing.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable

Proof = tuple[bytes, ...]


def leaf(entry: bytes) -> bytes:
    """MTH of one entry: SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\0" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def split(size: int) -> int:
    """Return k: the largest power of two below `size`, which is above 1."""
    return 1 << ((size - 1).bit_length() - 1)


class _Refused(Exception):
    """The proof has too few hashes."""


# ------------------------------------------------------------------------------------------------------- judging
def consistent(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Iterable[bytes]
) -> bool:
    """Undo SUBPROOF of RFC 6962 section 2.1.2: take its last hash first, as its outermost call added it last."""
    if not 0 < old_size <= new_size:
        return False
    rest = list(proof)
    if old_size == new_size:
        return not rest and old_root == new_root
    try:
        computed = _old_and_new(old_size, new_size, old_root, rest)
    except _Refused:
        return False
    return not rest and computed == (old_root, new_root)


def included(entry: bytes, index: int, size: int, root: bytes, proof: Iterable[bytes]) -> bool:
    """Undo PATH of RFC 6962 section 2.1.1."""
    if not 0 <= index < size:
        return False
    rest = list(proof)
    try:
        computed = _path_root(leaf(entry), index, size, rest)
    except _Refused:
        return False
    return not rest and computed == root


def _old_and_new(old: int, size: int, known: bytes | None, rest: list[bytes]) -> tuple[bytes, bytes]:
    """Return the hashes of the old and the new part of a subtree; `known`: the old root, on the left edge."""
    if old == size:
        one = known if known is not None else _last(rest)
        return one, one
    k = split(size)
    other = _last(rest)
    if old <= k:
        old_hash, new_hash = _old_and_new(old, k, known, rest)
        return old_hash, node(new_hash, other)
    old_hash, new_hash = _old_and_new(old - k, size - k, None, rest)
    return node(other, old_hash), node(other, new_hash)


def _path_root(hash_: bytes, index: int, size: int, rest: list[bytes]) -> bytes:
    if size == 1:
        return hash_
    k = split(size)
    other = _last(rest)
    if index < k:
        return node(_path_root(hash_, index, k, rest), other)
    return node(other, _path_root(hash_, index - k, size - k, rest))


def _last(rest: list[bytes]) -> bytes:
    if not rest:
        raise _Refused
    return rest.pop()


# -------------------------------------------------------------------------------------------------------- proving
class Tree:
    """A log of any size. `cuts` are the sizes that will be asked about: a whole subtree with none of them inside is one
    pseudo-random hash, or the leaf of `entry(index)`.

    `fork`: from this index on the history is another one.
    """

    def __init__(self, seed: bytes, cuts: Iterable[int], fork: int | None = None) -> None:
        self._seed = seed
        self._fork = fork
        self._cuts = sorted({*cuts, *(() if fork is None else (fork,))})

    def entry(self, index: int) -> bytes:
        """Return the bytes of an entry."""
        forked = self._fork is not None and index >= self._fork
        return b"%d of %s%s" % (index, self._seed.hex().encode(), b" rewritten" if forked else b"")

    def root(self, size: int) -> bytes:
        """Return MTH of the first `size` entries."""
        return self._hash(0, size)

    def consistency(self, old: int, new: int) -> Proof:
        """Return PROOF(old, D[new])."""
        return tuple(self._subproof(old, 0, new, True))

    def inclusion(self, index: int, size: int) -> Proof:
        """Return PATH(index, D[size])."""
        return tuple(self._path(index, 0, size))

    def _hash(self, start: int, end: int) -> bytes:
        size = end - start
        if size == 1:
            return leaf(self.entry(start))
        if size & (size - 1) == 0 and bisect_right(self._cuts, start) == bisect_right(self._cuts, end - 1):
            forked = self._fork is not None and start >= self._fork
            return hashlib.sha256(b"%d %d %d " % (start, end, forked) + self._seed).digest()
        middle = start + split(size)
        return node(self._hash(start, middle), self._hash(middle, end))

    def _subproof(self, old: int, start: int, end: int, whole: bool) -> list[bytes]:
        size = end - start
        if old == size:
            return [] if whole else [self._hash(start, end)]
        k = split(size)
        if old <= k:
            return [*self._subproof(old, start, start + k, whole), self._hash(start + k, end)]
        return [*self._subproof(old - k, start + k, end, False), self._hash(start, start + k)]

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        size = end - start
        if size == 1:
            return []
        k = split(size)
        if index < k:
            return [*self._path(index, start, start + k), self._hash(start + k, end)]
        return [*self._path(index - k, start + k, end), self._hash(start, start + k)]
