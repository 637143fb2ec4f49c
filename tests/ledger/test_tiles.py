"""Tiles: names, packing, growth in any steps, and proofs made from stored tiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.merkle import (
    NodeMissing,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    nodes_over,
    root_at,
)
from ledger.tiles import (
    TileEdge,
    TileMalformed,
    TileRef,
    bundle_path,
    grow,
    nodes_in,
    pack_bundle,
    tile_path,
    tiles_at,
    tiles_touched,
    unpack_bundle,
)

LEAVES = [leaf_hash(str(at).encode()) for at in range(70_000)]
NODES = nodes_over(LEAVES)

PATHS = [
    (TileRef(0, 0, 256), "tile/0/000"),
    (TileRef(0, 1234067, 256), "tile/0/x001/x234/067"),
    (TileRef(1, 1000, 17), "tile/1/x001/000.p/17"),
    (TileRef(63, 999, 1), "tile/63/999.p/1"),
]


@pytest.mark.parametrize(("tile", "path"), PATHS)
def test_a_tile_has_the_path_of_the_specification(tile: TileRef, path: str) -> None:
    assert tile_path(tile) == path


@pytest.mark.parametrize("width", [0, 257, -1])
def test_an_empty_or_overfull_tile_has_no_path(width: int) -> None:
    with pytest.raises(TileMalformed):
        bundle_path(0, width)


def test_a_log_of_70_000_has_the_tiles_that_the_specification_counts() -> None:
    tiles = list(tiles_at(70_000))
    assert [(tile.level, tile.width) for tile in tiles if tile.width < 256] == [(0, 112), (1, 17), (2, 1)]
    assert len(tiles) == 273 + 1 + 1 + 1 + 1


def test_a_log_of_256_has_a_full_tile_and_one_hash_above() -> None:
    assert list(tiles_at(256)) == [TileRef(0, 0, 256), TileRef(1, 0, 1)]


@given(st.lists(st.sampled_from([1, 2, 100, 255, 256, 257, 511, 3000]), min_size=1, max_size=8))
def test_growth_in_any_steps_stores_the_same_tiles(steps: list[int]) -> None:
    stored: dict[tuple[int, int], bytes] = {}
    size = 0
    for step in steps:
        root, changed = grow(
            size, LEAVES[size : size + step], lambda level, index, _: stored.get((level, index))
        )
        assert {tile for tile, _ in changed} == set(tiles_touched(size, size + step))
        for tile, data in changed:
            assert len(data) == 32 * tile.width
            stored[(tile.level, tile.index)] = data
        size += step
        assert root == root_at(size, NODES)
    assert set(stored) == {(tile.level, tile.index) for tile in tiles_at(size)}
    nodes = nodes_in(size, lambda level, index, _: stored.get((level, index)))
    for index in {0, size // 2, size - 1}:
        check_inclusion(index, size, LEAVES[index], root, inclusion_proof(index, size, nodes))
        old = index + 1
        check_consistency(old, size, root_at(old, NODES), root, consistency_proof(old, size, nodes))


def test_the_edge_gives_every_root() -> None:
    edge = TileEdge()
    for size in range(600):
        assert edge.root() == root_at(size, NODES)
        edge.append(LEAVES[size])


def test_a_lost_tile_is_named() -> None:
    with pytest.raises(NodeMissing, match="level 0, index 2: expected 88 hashes"):
        inclusion_proof(300, 600, nodes_in(600, lambda *_: None))
    with pytest.raises(NodeMissing):
        grow(5, LEAVES[:1], lambda *_: None)
    with pytest.raises(TileMalformed):
        grow(5, LEAVES[:1], lambda *_: bytes(64))


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_bundle_unpacks_to_its_entries_and_a_cut_one_is_refused(entries: list[bytes]) -> None:
    data = pack_bundle(entries)
    assert unpack_bundle(data, len(entries)) == entries
    for wrong in (data + b"\0", data[:-1]):
        if wrong != data:
            with pytest.raises(TileMalformed):
                unpack_bundle(wrong, len(entries))
    with pytest.raises(TileMalformed):
        unpack_bundle(data, len(entries) + 1)


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(TileMalformed):
        pack_bundle([bytes(65_536)])
