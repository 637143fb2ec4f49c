"""Tiles: the tree cut into files or rows of 256 hashes, as C2SP tlog-tiles v0.1 names and packs them.

docs/spec/log-format.md section 5. A tile of level L holds hashes of perfect subtrees of 256**L leaves. A full tile is
8,192 bytes and never changes; the last tile of a level may be partial, and is replaced as the log grows.

    ProofError
    `-- TileMalformed   a tile's bytes or path have the wrong shape
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ledger.errors import ProofError
from ledger.merkle import EMPTY_ROOT, HASH_SIZE_BYTES, NodeMissing, Nodes, node_hash, node_hashes

TILE_HEIGHT = 8
TILE_WIDTH = 256
LEVEL_MAX = 63
ENTRY_SIZE_MAX_BYTES = 65_535  # uint16 length; our own profile stops at 60,000


class TileMalformed(ProofError):
    """A tile or entry bundle is cut off, too long or wrongly named."""


@dataclass(frozen=True, slots=True, order=True)
class TileRef:
    """Which tile: level, index in the level, and how many hashes it holds (1..256; 256 = full)."""

    level: int
    index: int
    width: int


Read = Callable[[int, int, int], bytes | None]
"""(level, index, width) -> the bytes of a tile of at least that width, or None when the source does not hold it."""


# ---------------------------------------------------------------------------------------------------------- names
def _number_path(index: int) -> str:
    digits = f"{index % 1000:03d}"
    while index >= 1000:
        index //= 1000
        digits = f"x{index % 1000:03d}/{digits}"
    return digits


def tile_path(tile: TileRef) -> str:
    """Return the C2SP path without a leading slash, e.g. `tile/0/x001/x234/067.p/12`."""
    return f"tile/{tile.level}/{_number_path(tile.index)}{_partial(tile.width)}"


def bundle_path(index: int, width: int) -> str:
    """Return the C2SP path of an entry bundle, e.g. `tile/entries/000.p/5`."""
    return f"tile/entries/{_number_path(index)}{_partial(width)}"


def _partial(width: int) -> str:
    if not 1 <= width <= TILE_WIDTH:
        raise TileMalformed(f"tile width: expected 1..{TILE_WIDTH}, got {width}")
    return "" if width == TILE_WIDTH else f".p/{width}"


# ------------------------------------------------------------------------------------------------ which tiles exist
def _hashes_at(size: int, level: int) -> int:
    return size >> (TILE_HEIGHT * level)


def tiles_at(size: int) -> Iterator[TileRef]:
    """Yield every tile of a log of this size, level by level."""
    yield from tiles_touched(0, size)


def tiles_touched(old_size: int, new_size: int) -> Iterator[TileRef]:
    """Yield the tiles that a growth from `old_size` to `new_size` fills or widens, at their new width."""
    level = 0
    while (total := _hashes_at(new_size, level)) > 0:
        before = _hashes_at(old_size, level)
        if before < total:
            for index in range(before // TILE_WIDTH, (total - 1) // TILE_WIDTH + 1):
                yield TileRef(level, index, min(TILE_WIDTH, total - index * TILE_WIDTH))
        level += 1


def width_at(size: int, level: int, index: int) -> int:
    """Return how many hashes tile (level, index) holds in a log of this size; 0: there is no such tile."""
    return max(0, min(TILE_WIDTH, _hashes_at(size, level) - index * TILE_WIDTH))


# ------------------------------------------------------------------------------------------------------------ growth
class TileEdge:
    """The partial tiles at the right edge of a growing tree: enough to go on, to give the root and to write tiles.

    Costs one hash per leaf on average, done 255 at a time when a tile fills. Memory is one tile per level.
    """

    __slots__ = ("_edges", "size")

    def __init__(self) -> None:
        self.size = 0
        self._edges: list[list[bytes]] = [[]]

    @classmethod
    def at(cls, size: int, read: Read) -> TileEdge:
        """Return the edge of a stored tree.

        Raises:
            NodeMissing: the source lacks a partial tile.
            TileMalformed: one is too short.
        """
        edge = cls()
        edge.size = size
        edge._edges = []
        level = 0
        while level == 0 or _hashes_at(size, level):
            index, width = divmod(_hashes_at(size, level), TILE_WIDTH)
            edge._edges.append(unpack(_read(read, level, index, width), width) if width else [])
            level += 1
        return edge

    def append(self, leaf: bytes) -> list[tuple[TileRef, bytes]]:
        """Add a leaf hash; return the tiles that it filled (none, mostly)."""
        self.size += 1
        edge = self._edges[0]
        edge.append(leaf)
        return [] if len(edge) < TILE_WIDTH else self._close()

    def extend(self, leaves: Sequence[bytes], top: bytes | None = None) -> list[tuple[TileRef, bytes]]:
        """Add leaf hashes; return the tiles that they filled.

        `top` is `perfect_hash(leaves)` if these are the 256 of one tile and the caller has it already.
        """
        closed: list[tuple[TileRef, bytes]] = []
        at = 0
        while at < len(leaves):
            edge = self._edges[0]
            part = leaves[at : at + TILE_WIDTH - len(edge)]
            edge.extend(part)
            self.size += len(part)
            at += len(part)
            if len(edge) == TILE_WIDTH:
                closed += self._close(top if len(part) == TILE_WIDTH == len(leaves) else None)
        return closed

    def _close(self, top: bytes | None = None) -> list[tuple[TileRef, bytes]]:
        closed: list[tuple[TileRef, bytes]] = []
        level = 0
        while len(edge := self._edges[level]) == TILE_WIDTH:
            closed.append(
                (TileRef(level, (_hashes_at(self.size, level) - 1) // TILE_WIDTH, TILE_WIDTH), b"".join(edge))
            )
            if level + 1 == len(self._edges):
                self._edges.append([])
            self._edges[level + 1].append(perfect_hash(edge) if top is None or level else top)
            self._edges[level] = []
            level += 1
        return closed

    def partials(self) -> list[tuple[TileRef, bytes]]:
        """Return the partial tiles at this size."""
        return [
            (TileRef(level, _hashes_at(self.size, level) // TILE_WIDTH, len(edge)), b"".join(edge))
            for level, edge in enumerate(self._edges)
            if edge
        ]

    def root(self) -> bytes:
        """Return the root at this size."""
        root: bytes | None = None
        for edge in self._edges:
            for start, end in reversed(_perfect_runs(len(edge))):
                run = perfect_hash(edge[start:end])
                root = run if root is None else node_hash(run, root)
        return EMPTY_ROOT if root is None else root


def _perfect_runs(count: int) -> list[tuple[int, int]]:
    """Cut `count` hashes into perfect subtrees, largest first."""
    runs, start = [], 0
    while start < count:
        width = 1 << ((count - start).bit_length() - 1)
        runs.append((start, start + width))
        start += width
    return runs


def perfect_hash(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of the perfect subtree over 1, 2, 4 .. 256 hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = node_hashes(row)
    return row[0]


def grow(old_size: int, leaves: Iterable[bytes], read: Read) -> tuple[bytes, list[tuple[TileRef, bytes]]]:
    """Return the new root and every tile that these leaf hashes fill or widen, ready to be stored.

    `read` is asked only for the partial tiles of the old size. A tile that was partial and is now wider or full comes
    back whole, so it replaces the row of its (level, index).

    Raises:
        NodeMissing, TileMalformed: the stored edge is incomplete.
    """
    edge = TileEdge.at(old_size, read)
    changed: list[tuple[TileRef, bytes]] = []
    for leaf in leaves:
        changed += edge.append(leaf)
    touched = {(tile.level, tile.index) for tile in tiles_touched(old_size, edge.size)}
    changed += [(tile, data) for tile, data in edge.partials() if (tile.level, tile.index) in touched]
    return edge.root(), changed


# ------------------------------------------------------------------------------------------------------ reading back
def nodes_in(size: int, read: Read) -> Nodes:
    """Return a source of nodes over stored tiles, for proofs; every tile is read once.

    Its NodeMissing names the tile that the source lacks.
    """
    kept: dict[tuple[int, int], list[bytes]] = {}

    def nodes(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        tile_index, offset = divmod(first, TILE_WIDTH)
        key = (tile_level, tile_index)
        if key not in kept:
            width = width_at(size, tile_level, tile_index)
            kept[key] = unpack(_read(read, tile_level, tile_index, width), width)
        run = kept[key][offset : offset + (1 << height)]
        if len(run) != 1 << height:
            raise NodeMissing(f"node at level {level}, index {index}: not in a tree of {size} leaves")
        return perfect_hash(run)

    return nodes


def _read(read: Read, level: int, index: int, width: int) -> bytes:
    data = read(level, index, width) if width else None
    if data is None:
        raise NodeMissing(f"tile level {level}, index {index}: expected {width} hashes, got no tile")
    return data


def unpack(data: bytes, width: int) -> list[bytes]:
    """Return the first `width` hashes of a tile's bytes.

    Raises:
        TileMalformed: fewer bytes, or no whole hashes.
    """
    if len(data) < width * HASH_SIZE_BYTES or len(data) % HASH_SIZE_BYTES:
        raise TileMalformed(
            f"tile: expected {width} hashes of {HASH_SIZE_BYTES} bytes, got {len(data)} bytes"
        )
    return [data[at : at + HASH_SIZE_BYTES] for at in range(0, width * HASH_SIZE_BYTES, HASH_SIZE_BYTES)]


def pack_bundle(entries: Iterable[bytes]) -> bytes:
    """Return an entry bundle: for each entry a big-endian uint16 length and its bytes.

    Raises:
        TileMalformed: an entry of more than 65,535 bytes.
    """
    parts: list[bytes] = []
    for data in entries:
        if len(data) > ENTRY_SIZE_MAX_BYTES:
            raise TileMalformed(f"entry: expected at most {ENTRY_SIZE_MAX_BYTES} bytes, got {len(data)}")
        parts += (len(data).to_bytes(2, "big"), data)
    return b"".join(parts)


def unpack_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the `width` entries of a bundle.

    Raises:
        TileMalformed: cut off, or bytes left over.
    """
    entries: list[bytes] = []
    at, size = 0, len(data)
    for _ in range(width):
        start = at + 2
        end = start + (data[at] << 8 | data[at + 1]) if start <= size else size + 1
        if end > size:
            raise TileMalformed(f"entry bundle: expected {width} entries, got {len(entries)} and a rest")
        entries.append(data[start:end])
        at = end
    if at != size:
        raise TileMalformed(f"entry bundle: expected {width} entries, got {len(data) - at} bytes more")
    return entries
