"""The corpus: honest proofs, and proofs forged or lied about in every way we could think of. Seeded, without end.

Each kind is a function from a drawn ground (a history, an old and a new size) to one case. Whether a case holds is for
the verifiers to say: some lies about sizes do hold, by the rule of the RFC (contracts/README.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from tests.contracts.recursive import Proof, Tree, consistent, included, leaf, node, split

SMALL = 80
UINT64 = 2**64 - 1
HONEST = "honest"


@dataclass(frozen=True, slots=True)
class Consistency:
    """Arguments of verifyConsistency, and the kind of case."""

    kind: str
    old_size: int
    old_root: bytes
    new_size: int
    new_root: bytes
    proof: Proof

    @property
    def holds(self) -> bool:
        """What the independent verifier says."""
        return consistent(self.old_size, self.old_root, self.new_size, self.new_root, self.proof)

    @property
    def arguments(self) -> tuple[int, bytes, int, bytes, Proof]:
        """As the contract takes them."""
        return self.old_size, self.old_root, self.new_size, self.new_root, self.proof


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Arguments of verifyInclusion, and the kind of case."""

    kind: str
    entry: bytes
    index: int
    size: int
    root: bytes
    proof: Proof

    @property
    def holds(self) -> bool:
        """What the independent verifier says."""
        return included(self.entry, self.index, self.size, self.root, self.proof)

    @property
    def arguments(self) -> tuple[bytes, int, int, bytes, Proof]:
        """As the contract takes them."""
        return self.entry, self.index, self.size, self.root, self.proof


class Ground:
    """A drawn history with an old and a new size; `tree` makes another view of the same history."""

    def __init__(self, draw: Random, old: int, new: int) -> None:
        self.draw = draw
        self.old, self.new = old, new
        self._seed = draw.randbytes(8)

    def tree(self, *cuts: int, fork: int | None = None) -> Tree:
        """Return the history with these sizes (and those of the ground) to be asked about."""
        return Tree(self._seed, (self.old, self.new, *cuts), fork)

    def hash(self) -> bytes:
        """Return any hash."""
        return self.draw.randbytes(32)

    def consistency(self, kind: str = HONEST) -> Consistency:
        """Return the honest case of this ground."""
        tree = self.tree()
        old, new = self.old, self.new
        return Consistency(kind, old, tree.root(old), new, tree.root(new), tree.consistency(old, new))

    def inclusion(self, kind: str = HONEST) -> Inclusion:
        """Return the honest inclusion of the last entry of the old size in the new size."""
        index = self.old - 1
        tree = self.tree(index)
        path = tree.inclusion(index, self.new)
        return Inclusion(kind, tree.entry(index), index, self.new, tree.root(self.new), path)


ConsistencyKind = Callable[[Ground], Consistency]
InclusionKind = Callable[[Ground], Inclusion]


def sizes(draw: Random) -> tuple[int, int]:
    """Draw old < new, over all magnitudes, old often where the proof is long, short or begins with nothing."""
    magnitude = draw.choice((SMALL, SMALL, 2**20, 2**53 - 1, 2**63))
    new = draw.randint(2, magnitude)
    if magnitude > SMALL and draw.random() < 0.5:
        new = max(2, min(new >> draw.randrange(0, 50), magnitude))
    olds = (
        draw.randint(1, new - 1),
        new - 1,
        split(new),
        max(1, split(new) - 1),
        max(1, new - draw.randint(1, 60)),
        1 << draw.randrange((new - 1).bit_length()),
    )
    return draw.choice(olds), new


def honest_consistency(draw: Random, random_count: int) -> Iterator[Consistency]:
    """Yield the honest proof of every old <= new <= SMALL, then of random sizes up to 2^63."""
    for new in range(1, SMALL + 1):
        for old in range(1, new + 1):
            yield Ground(draw, old, new).consistency()
    for _ in range(random_count):
        yield Ground(draw, *sizes(draw)).consistency()


def honest_inclusion(draw: Random, random_count: int) -> Iterator[Inclusion]:
    """Yield the honest proof of every index < size <= SMALL, then of random ones up to 2^63."""
    for new in range(1, SMALL + 1):
        for old in range(1, new + 1):
            yield Ground(draw, old, new).inclusion()
    for _ in range(random_count):
        yield Ground(draw, *sizes(draw)).inclusion()


def forged_consistency(draw: Random, count: int) -> Iterator[Consistency]:
    """Yield `count` cases, the kinds in turn."""
    names = list(CONSISTENCY_KINDS)
    for at in range(count):
        name = names[at % len(names)]
        yield replace(CONSISTENCY_KINDS[name](Ground(draw, *sizes(draw))), kind=name)


def forged_inclusion(draw: Random, count: int) -> Iterator[Inclusion]:
    """Yield `count` cases, the kinds in turn."""
    names = list(INCLUSION_KINDS)
    for at in range(count):
        name = names[at % len(names)]
        yield replace(INCLUSION_KINDS[name](Ground(draw, *sizes(draw))), kind=name)


# ------------------------------------------------------------------------------------------- changes of the hashes
def flipped(draw: Random, data: bytes) -> bytes:
    """Return the bytes with one bit changed."""
    bit = draw.randrange(8 * len(data))
    return (int.from_bytes(data, "big") ^ (1 << bit)).to_bytes(len(data), "big")


def _one_flipped(ground: Ground, proof: Proof) -> Proof:
    if not proof:
        return (ground.hash(),)
    at = ground.draw.randrange(len(proof))
    return (*proof[:at], flipped(ground.draw, proof[at]), *proof[at + 1 :])


def _added(ground: Ground, proof: Proof) -> Proof:
    at = ground.draw.randrange(len(proof) + 1)
    return (*proof[:at], ground.hash(), *proof[at:])


def _dropped(ground: Ground, proof: Proof) -> Proof:
    if not proof:
        return (ground.hash(),)
    at = ground.draw.randrange(len(proof))
    return proof[:at] + proof[at + 1 :]


def _doubled(ground: Ground, proof: Proof) -> Proof:
    if not proof:
        return (ground.hash(),) * 2
    at = ground.draw.randrange(len(proof))
    return (*proof[: at + 1], *proof[at:])


def _swapped(ground: Ground, proof: Proof) -> Proof:
    if len(proof) < 2:
        return _one_flipped(ground, proof)
    first, second = sorted(ground.draw.sample(range(len(proof)), 2))
    changed = list(proof)
    changed[first], changed[second] = changed[second], changed[first]
    return tuple(changed)


def _zeroed(ground: Ground, proof: Proof) -> Proof:
    if not proof:
        return (bytes(32),)
    at = ground.draw.randrange(len(proof))
    return (*proof[:at], bytes(32), *proof[at + 1 :])


def _as_leaf(ground: Ground, proof: Proof) -> Proof:
    """One hash is replaced by that of its own bytes as an entry: an inner node posing as a leaf."""
    if not proof:
        return (leaf(ground.hash()),)
    at = ground.draw.randrange(len(proof))
    return (*proof[:at], leaf(proof[at]), *proof[at + 1 :])


HASH_CHANGES: dict[str, Callable[[Ground, Proof], Proof]] = {
    "a bit of a hash flipped": _one_flipped,
    "a hash added at the front": lambda ground, proof: (ground.hash(), *proof),
    "a hash added at the end": lambda ground, proof: (*proof, ground.hash()),
    "a hash added anywhere": _added,
    "the first hash dropped": lambda ground, proof: proof[1:] if proof else (ground.hash(),),
    "the last hash dropped": lambda ground, proof: proof[:-1] if proof else (ground.hash(),),
    "any hash dropped": _dropped,
    "a hash doubled": _doubled,
    "two hashes swapped": _swapped,
    "the hashes reversed": lambda ground, proof: (
        proof[::-1] if proof[::-1] != proof else _added(ground, proof)
    ),
    "no hashes at all": lambda ground, proof: () if proof else (ground.hash(),),
    "every hash made up": lambda ground, proof: tuple(ground.hash() for _ in proof) or (ground.hash(),),
    "a hash of zeros": _zeroed,
    "a hash posing as an entry": _as_leaf,
    "absurdly many hashes": lambda ground, proof: tuple(
        ground.hash() for _ in range(ground.draw.choice((64, 65, 66, 67, 100, 300)))
    ),
    "absurdly many hashes after the true ones": lambda ground, proof: (*proof, *([ground.hash()] * 66)),
}


# --------------------------------------------------------------------------------------------- kinds of consistency
def _changed_hashes(change: Callable[[Ground, Proof], Proof]) -> ConsistencyKind:
    def kind(ground: Ground) -> Consistency:
        case = ground.consistency()
        return replace(case, proof=change(ground, case.proof))

    return kind


def _old_root_flipped(ground: Ground) -> Consistency:
    case = ground.consistency()
    return replace(case, old_root=flipped(ground.draw, case.old_root))


def _new_root_flipped(ground: Ground) -> Consistency:
    case = ground.consistency()
    return replace(case, new_root=flipped(ground.draw, case.new_root))


def _forked(ground: Ground) -> Consistency:
    """A history rewritten before the old size, with its own honest proof, held against the true old root."""
    fork = ground.draw.randrange(ground.old)
    other = ground.tree(fork=fork)
    case = ground.consistency()
    proof = other.consistency(ground.old, ground.new)
    return replace(case, new_root=other.root(ground.new), proof=proof)


def _forked_with_the_true_proof(ground: Ground) -> Consistency:
    fork = ground.draw.randrange(ground.old)
    return replace(ground.consistency(), new_root=ground.tree(fork=fork).root(ground.new))


def _last_old_entry_rewritten(ground: Ground) -> Consistency:
    other = ground.tree(ground.old - 1, fork=ground.old - 1)
    proof = other.consistency(ground.old, ground.new)
    return replace(ground.consistency(), new_root=other.root(ground.new), proof=proof)


def _old_as_new(ground: Ground) -> Consistency:
    case = ground.consistency()
    return replace(case, new_root=case.old_root)


def _new_as_old(ground: Ground) -> Consistency:
    case = ground.consistency()
    return replace(case, old_root=case.new_root)


def _roots_swapped(ground: Ground) -> Consistency:
    case = ground.consistency()
    return replace(case, old_root=case.new_root, new_root=case.old_root)


def _of_another_old_size(ground: Ground) -> Consistency:
    other = ground.draw.randint(1, ground.new)
    tree = ground.tree(other)
    old_root, new_root = tree.root(ground.old), tree.root(ground.new)
    proof = tree.consistency(other, ground.new)
    return Consistency("", ground.old, old_root, ground.new, new_root, proof)


def _of_another_new_size(ground: Ground) -> Consistency:
    other = ground.new + ground.draw.randint(1, 70)
    tree = ground.tree(other)
    old_root, new_root = tree.root(ground.old), tree.root(ground.new)
    proof = tree.consistency(ground.old, other)
    return Consistency("", ground.old, old_root, ground.new, new_root, proof)


def _new_size_lie(ground: Ground) -> Consistency:
    near = ground.draw.choice((1, -1, 2, -2, ground.draw.randint(1, ground.new)))
    new = min(max(ground.old + 1, ground.new + near), UINT64)
    return replace(ground.consistency(), new_size=new)


def _huge_size_lie(ground: Ground) -> Consistency:
    new = ground.draw.choice((2**63, 2**63 + 1, 2**63 - 1, 2**64 - 1, ground.draw.randint(2**62, UINT64)))
    return replace(ground.consistency(), new_size=new)


def _old_size_lie(ground: Ground) -> Consistency:
    return replace(ground.consistency(), old_size=ground.draw.randint(1, ground.new - 1))


def _both_sizes_lie(ground: Ground) -> Consistency:
    old = ground.draw.randint(1, ground.new)
    return replace(ground.consistency(), old_size=old, new_size=old + ground.draw.randint(0, ground.new))


def _sizes_swapped(ground: Ground) -> Consistency:
    return replace(ground.consistency(), old_size=ground.new, new_size=ground.old)


def _backwards(ground: Ground) -> Consistency:
    """Shrinking, with everything else turned round as well."""
    case = ground.consistency()
    return Consistency("", case.new_size, case.new_root, case.old_size, case.old_root, case.proof)


def _backwards_without_a_proof(ground: Ground) -> Consistency:
    """Shrinking to the very same root: where nothing is hashed, only the comparison of the sizes is left."""
    case = ground.consistency()
    larger = ground.draw.choice((ground.new, 1 << (ground.new - 1).bit_length()))
    return Consistency("", larger, case.old_root, ground.draw.randint(1, larger - 1), case.old_root, ())


def _from_nothing(ground: Ground) -> Consistency:
    case = ground.consistency()
    proof = ground.draw.choice(((), case.proof, (case.new_root,)))
    old_root = ground.draw.choice((bytes(32), case.old_root, case.new_root))
    return replace(case, old_size=0, old_root=old_root, proof=proof)


def _equal_sizes(ground: Ground) -> Consistency:
    case = ground.consistency()
    forms = (
        replace(case, old_size=case.new_size, proof=()),
        replace(case, old_size=case.new_size),
        replace(case, new_size=case.old_size),
        replace(case, old_size=case.new_size, old_root=case.new_root),
        replace(case, old_size=case.new_size, old_root=case.new_root, proof=(ground.hash(),)),
        replace(case, old_size=0, new_size=0, old_root=case.new_root, proof=()),
    )
    return ground.draw.choice(forms)


def _root_after_one_more(ground: Ground) -> Consistency:
    """One hash more than the sizes ask for, and both roots computed with it: only the length gives it away."""
    case, extra = ground.consistency(), ground.hash()
    new_root = ground.draw.choice((node(case.new_root, extra), node(extra, case.new_root)))
    old_root = ground.draw.choice((case.old_root, node(extra, case.old_root)))
    return replace(case, old_root=old_root, new_root=new_root, proof=(*case.proof, extra))


def _root_after_one_less(ground: Ground) -> Consistency:
    """The top of the tree left out, and the roots computed without it."""
    old, new = ground.old, ground.new
    if old <= (k := split(new)) and new - k:
        tree = ground.tree(k)
        lower_new, offset = k, 0
    else:
        tree, lower_new, offset = ground.tree(), new - k, k
    if offset or old > lower_new:
        # The right part alone, as if it were the tree.
        lifted = Ground(ground.draw, max(1, old - k), max(2, lower_new))
        case = lifted.consistency()
        return replace(case, old_size=old, new_size=new)
    roots = tree.root(old), tree.root(k)
    return Consistency("", old, roots[0], new, roots[1], tree.consistency(old, k))


def _path_as_consistency(ground: Ground) -> Consistency:
    case = ground.inclusion()
    return replace(ground.consistency(), proof=case.proof)


def _old_root_in_front(ground: Ground) -> Consistency:
    """The form of other implementations, which name the old root also where it is known."""
    case = ground.consistency()
    return replace(case, proof=(case.old_root, *case.proof))


def _node_as_old_root(ground: Ground) -> Consistency:
    """An inner node of the true tree poses as the root of the old tree of half its size."""
    case = ground.consistency()
    return replace(case, old_root=case.proof[0] if case.proof else ground.hash())


CONSISTENCY_KINDS: dict[str, ConsistencyKind] = {
    **{f"consistency: {name}": _changed_hashes(change) for name, change in HASH_CHANGES.items()},
    "consistency: a bit of the old root flipped": _old_root_flipped,
    "consistency: a bit of the new root flipped": _new_root_flipped,
    "consistency: a forked history with its own proof": _forked,
    "consistency: a forked history with the true proof": _forked_with_the_true_proof,
    "consistency: the last old entry rewritten": _last_old_entry_rewritten,
    "consistency: the old root as the new": _old_as_new,
    "consistency: the new root as the old": _new_as_old,
    "consistency: the roots swapped": _roots_swapped,
    "consistency: the proof of another old size": _of_another_old_size,
    "consistency: the proof of another new size": _of_another_new_size,
    "consistency: a lie about the new size": _new_size_lie,
    "consistency: a lie about the new size, huge": _huge_size_lie,
    "consistency: a lie about the old size": _old_size_lie,
    "consistency: a lie about both sizes": _both_sizes_lie,
    "consistency: the sizes swapped": _sizes_swapped,
    "consistency: backwards": _backwards,
    "consistency: backwards without a proof": _backwards_without_a_proof,
    "consistency: from nothing": _from_nothing,
    "consistency: equal sizes": _equal_sizes,
    "consistency: roots computed after one hash more": _root_after_one_more,
    "consistency: roots computed after one hash less": _root_after_one_less,
    "consistency: an inclusion path": _path_as_consistency,
    "consistency: the old root in front": _old_root_in_front,
    "consistency: an inner node as the old root": _node_as_old_root,
}


# ----------------------------------------------------------------------------------------------- kinds of inclusion
def _changed_path(change: Callable[[Ground, Proof], Proof]) -> InclusionKind:
    def kind(ground: Ground) -> Inclusion:
        case = ground.inclusion()
        return replace(case, proof=change(ground, case.proof))

    return kind


def _root_flipped(ground: Ground) -> Inclusion:
    case = ground.inclusion()
    return replace(case, root=flipped(ground.draw, case.root))


def _entry_flipped(ground: Ground) -> Inclusion:
    case = ground.inclusion()
    return replace(case, entry=flipped(ground.draw, case.entry))


def _entry_longer(ground: Ground) -> Inclusion:
    case = ground.inclusion()
    return replace(
        case, entry=ground.draw.choice((case.entry + b"\0", b"\0" + case.entry, b"", case.entry[:-1]))
    )


def _index_lie(ground: Ground) -> Inclusion:
    return replace(ground.inclusion(), index=ground.draw.randrange(ground.new))


def _index_outside(ground: Ground) -> Inclusion:
    case = ground.inclusion()
    beyond = ground.draw.choice((case.size, case.size + 1, case.size + case.index, 2 * case.size, UINT64))
    return replace(case, index=min(beyond, UINT64))


def _tree_size_lie(ground: Ground) -> Inclusion:
    case = ground.inclusion()
    near = ground.draw.choice((1, -1, 2, ground.draw.randint(-case.size, case.size)))
    return replace(case, size=min(max(0, case.size + near), UINT64))


def _tree_size_huge(ground: Ground) -> Inclusion:
    return replace(ground.inclusion(), size=ground.draw.choice((0, 2**63, UINT64)))


def _inner_node_as_entry(ground: Ground) -> Inclusion:
    """The 64 bytes under an inner node pose as an entry one level up: what the prefixes 0x00 and 0x01 are for."""
    draw = ground.draw
    new = max(4, ground.new)
    index = draw.randrange(new - 1) & ~1
    tree = Ground(draw, 1, new).tree(index, index + 1, index + 2)
    path = tree.inclusion(index, new)
    children = leaf(tree.entry(index)) + leaf(tree.entry(index + 1))
    entry = draw.choice((children, b"\1" + children, node(children[:32], children[32:])))
    halved = draw.choice((True, False))
    if halved:
        return Inclusion("", entry, index // 2, (new + 1) // 2, tree.root(new), path[1:])
    return Inclusion("", entry, index, new, tree.root(new), path[1:])


def _leaf_hash_as_entry(ground: Ground) -> Inclusion:
    case = ground.inclusion()
    return replace(case, entry=leaf(case.entry))


def _path_of_another(ground: Ground) -> Inclusion:
    index, other = ground.old - 1, ground.draw.randrange(ground.new)
    tree = ground.tree(index, other, other + 1)
    entry = tree.entry(index)
    return Inclusion("", entry, other, ground.new, tree.root(ground.new), tree.inclusion(other, ground.new))


def _path_of_another_size(ground: Ground) -> Inclusion:
    index, other = ground.old - 1, ground.new + ground.draw.randint(1, 70)
    tree = ground.tree(index, other)
    root = tree.root(ground.new)
    return Inclusion("", tree.entry(index), index, ground.new, root, tree.inclusion(index, other))


def _path_of_a_fork(ground: Ground) -> Inclusion:
    index = ground.old - 1
    other = ground.tree(index, fork=ground.draw.randint(0, index))
    path = other.inclusion(index, ground.new)
    return Inclusion("", other.entry(index), index, ground.new, ground.tree(index).root(ground.new), path)


def _root_after_one_hash_more(ground: Ground) -> Inclusion:
    case, extra = ground.inclusion(), ground.hash()
    root = ground.draw.choice((node(case.root, extra), node(extra, case.root)))
    return replace(case, root=root, proof=(*case.proof, extra))


def _root_after_one_hash_less(ground: Ground) -> Inclusion:
    """A lone entry as the whole tree, at an index of a larger one."""
    case = ground.inclusion()
    return replace(case, root=leaf(case.entry), proof=())


def _consistency_as_path(ground: Ground) -> Inclusion:
    return replace(ground.inclusion(), proof=ground.consistency().proof)


INCLUSION_KINDS: dict[str, InclusionKind] = {
    **{f"inclusion: {name}": _changed_path(change) for name, change in HASH_CHANGES.items()},
    "inclusion: a bit of the root flipped": _root_flipped,
    "inclusion: a bit of the entry flipped": _entry_flipped,
    "inclusion: the entry longer, shorter or empty": _entry_longer,
    "inclusion: a lie about the index": _index_lie,
    "inclusion: an index outside": _index_outside,
    "inclusion: a lie about the size": _tree_size_lie,
    "inclusion: a size of nothing or huge": _tree_size_huge,
    "inclusion: an inner node as an entry": _inner_node_as_entry,
    "inclusion: the leaf hash as an entry": _leaf_hash_as_entry,
    "inclusion: the path of another entry": _path_of_another,
    "inclusion: the path of another size": _path_of_another_size,
    "inclusion: the path of a forked history": _path_of_a_fork,
    "inclusion: the root computed after one hash more": _root_after_one_hash_more,
    "inclusion: the root computed after one hash less": _root_after_one_hash_less,
    "inclusion: a consistency proof": _consistency_as_path,
}
