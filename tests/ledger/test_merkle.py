"""The tree: public proof vectors, another library's roots, and proofs that were changed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import ProofError
from ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    FrontierMalformed,
    ProofLength,
    RootMismatch,
    SizesRefused,
    check_consistency,
    check_inclusion,
    check_witness_growth,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    nodes_over,
    root_at,
    root_of,
)

LEAVES = [leaf_hash(str(at).encode()) for at in range(300)]
NODES = nodes_over(LEAVES)


def vectors(shared_dir: Path, folder: str) -> list[tuple[str, dict[str, Any]]]:
    root = shared_dir / "vectors" / "rfc6962" / "testdata" / folder
    return [(path.name, json.loads(path.read_text())) for path in sorted(root.rglob("*.json"))]


def raw(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def accepted(check: Any, *arguments: Any) -> bool:
    try:
        check(*arguments)
    except ProofError:
        return False
    return True


def test_inclusion_vectors(shared_dir: Path) -> None:
    cases = vectors(shared_dir, "inclusion")
    assert len(cases) == 98
    for name, case in cases:
        proof = [raw(item) for item in case["proof"] or []]
        arguments = (case["leafIdx"], case["treeSize"], raw(case["leafHash"]), raw(case["root"]), proof)
        assert accepted(check_inclusion, *arguments) is not case["wantErr"], name


def test_consistency_vectors(shared_dir: Path) -> None:
    cases = vectors(shared_dir, "consistency")
    assert len(cases) == 98
    for name, case in cases:
        proof = [raw(item) for item in case["proof"] or []]
        arguments = (case["size1"], case["size2"], raw(case["root1"]), raw(case["root2"]), proof)
        # Our rule for size 0 is that of these vectors: refused. A witness's rule differs, see below.
        assert accepted(check_consistency, *arguments) is not case["wantErr"], name
        if case["size1"] == 0:
            with pytest.raises(SizesRefused):
                check_consistency(*arguments)
        else:
            assert accepted(check_witness_growth, *arguments) is not case["wantErr"], name


def test_subtree_vectors_that_start_at_a_whole_tree(shared_dir: Path) -> None:
    """A subtree proof that starts at 0 is a consistency proof; empty subtrees are another rule that we do not use."""
    count = 0
    for name, case in vectors(shared_dir, "subtreeconsistency"):
        if case["start"] == 0 < case["end"]:
            count += 1
            proof = [raw(item) for item in case["proof"] or []]
            arguments = (case["end"], case["size"], raw(case["root1"]), raw(case["root2"]), proof)
            assert accepted(check_consistency, *arguments) is not case["wantErr"], name
    assert count > 80


def test_subtree_inclusion_vectors_of_valid_subtrees(shared_dir: Path) -> None:
    """Inclusion in the subtree start..end is inclusion of index - start in a tree of end - start leaves."""
    count = 0
    for name, case in vectors(shared_dir, "subtreeinclusion"):
        start, width = case["start"], case["end"] - case["start"]
        if width <= 0 or start % (1 << (width - 1).bit_length()):
            assert case["wantErr"], name  # no such subtree exists
            continue
        count += 1
        proof = [raw(item) for item in case["proof"] or []]
        arguments = (case["leafIdx"] - start, width, raw(case["leafHash"]), raw(case["root"]), proof)
        assert accepted(check_inclusion, *arguments) is not case["wantErr"], name
    assert count > 90


def test_size_zero_is_stated_per_call_site() -> None:
    root = root_at(5, NODES)
    with pytest.raises(SizesRefused):
        check_consistency(0, 5, EMPTY_ROOT, root, [])
    check_witness_growth(0, 5, EMPTY_ROOT, root, [])
    check_witness_growth(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    with pytest.raises(ProofLength):
        check_witness_growth(0, 5, EMPTY_ROOT, root, [root])
    with pytest.raises(RootMismatch):
        check_witness_growth(0, 5, root, root, [])
    with pytest.raises(RootMismatch):
        check_witness_growth(0, 0, EMPTY_ROOT, root, [])


def test_the_empty_root_is_the_published_one() -> None:
    assert base64.b64encode(root_of([])) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 64, 100, 255, 256, 300])
def test_roots_agree_with_pymerkle(size: int) -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for at in range(size):
        tree.append_entry(str(at).encode())
    assert tree.get_root() == root_at(size, NODES) == root_of(LEAVES[:size])


def test_every_proof_up_to_40_checks() -> None:
    for size in range(1, 41):
        root = root_at(size, NODES)
        for index in range(size):
            check_inclusion(index, size, LEAVES[index], root, inclusion_proof(index, size, NODES))
        for old in range(1, size + 1):
            check_consistency(old, size, root_at(old, NODES), root, consistency_proof(old, size, NODES))


@given(st.data())
def test_a_changed_inclusion_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 300))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, NODES)
    root = root_at(size, NODES)
    change = data.draw(st.sampled_from(["flip", "drop", "add", "swap", "leaf", "index"]))
    leaf, asked = LEAVES[index], index
    at = data.draw(st.integers(0, len(proof) - 1))
    if change == "flip":
        proof[at] = bytes([proof[at][0] ^ 1]) + proof[at][1:]
    elif change == "drop":
        del proof[at]
    elif change == "add":
        proof.insert(at, LEAVES[0])
    elif change == "swap":
        other = (at + 1) % len(proof)
        proof[at], proof[other] = proof[other], proof[at]
        if at == other:
            proof = []
    elif change == "leaf":
        leaf = leaf_hash(b"another")
    else:
        asked = (index + data.draw(st.integers(1, size - 1))) % size
    with pytest.raises(ProofError):
        check_inclusion(asked, size, leaf, root, proof)


@given(st.data())
def test_a_changed_consistency_proof_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 300))
    old = data.draw(st.integers(1, new - 1))
    proof = consistency_proof(old, new, NODES)
    old_root, new_root = root_at(old, NODES), root_at(new, NODES)
    check_consistency(old, new, old_root, new_root, proof)
    at = data.draw(st.integers(0, len(proof) - 1))
    change = data.draw(st.sampled_from(["flip", "drop", "add", "roots", "old", "new"]))
    if change == "flip":
        proof[at] = proof[at][:-1] + bytes([proof[at][-1] ^ 128])
    elif change == "drop":
        del proof[at]
    elif change == "add":
        proof.insert(at, LEAVES[1])
    elif change == "roots":
        old_root, new_root = new_root, old_root
    elif change == "old":
        old_root = bytes(32)
    else:
        new_root = bytes(32)
    with pytest.raises(ProofError):
        check_consistency(old, new, old_root, new_root, proof)


def test_a_frontier_survives_its_bytes_and_a_copy_is_independent() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES[:70]):
        again = Frontier.from_bytes(frontier.to_bytes())
        assert (again.size, again.root()) == (size, root_at(size, NODES))
        copy = frontier.copy()
        frontier.append(leaf)
        assert copy.root() != frontier.root()


@pytest.mark.parametrize(
    "data", [b"", b"1234567", bytes(8) + bytes(32), (1).to_bytes(8, "big"), b"\xff" * 8, bytes(9)]
)
def test_other_frontier_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FrontierMalformed):
        Frontier.from_bytes(data)
