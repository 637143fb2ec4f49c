"""A whole log as named files: the C2SP tlog-tiles layout plus `keys`, older checkpoints and, if asked for, `vault/`.

docs/spec/bundle.md section 3. Reading and writing go over `Files`, a mapping from names to bytes, so that the same code
serves a folder, an archive or rows of a database.

    BundleError
    `-- FolderMalformed   a file of the folder is not what its name says
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ledger.book import Posting
from ledger.canonical import Dumps, Loads, encode, json_dumps, json_loads
from ledger.checkpoints import parse_text
from ledger.commitments import Opened, parse_opened
from ledger.errors import BundleError, ProofError
from ledger.merkle import leaf_hash
from ledger.notes import parse_note
from ledger.tiles import (
    TILE_WIDTH,
    TileEdge,
    TileRef,
    bundle_path,
    pack_bundle,
    tile_path,
    unpack_bundle,
    width_at,
)

CHECKPOINT = "checkpoint"
KEYS = "keys"
OLDER_CHECKPOINTS = "checkpoints/"
OPENED_SIZE_MAX_BYTES = 40_000_000


class FolderMalformed(BundleError):
    """A file of the folder is not what its name says. The caller asks for another copy."""


class Files(Protocol):
    """Named bytes, read only."""

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file, or None."""
        ...

    def names(self, prefix: str) -> Iterable[str]:
        """Yield the names that start with `prefix`, in any order."""
        ...


class FolderFiles:
    """`Files` over a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> bytes | None:
        """Return the bytes of a file, or None. Raises OSError: it exists and cannot be read."""
        path = self._root / name
        return path.read_bytes() if path.is_file() else None

    def names(self, prefix: str) -> Iterable[str]:
        """Yield the names of files below `prefix` (a directory name that ends in a slash)."""
        for path in (self._root / prefix).glob("*"):
            if path.is_file():
                yield path.relative_to(self._root).as_posix()


def _vault_path(index: int) -> str:
    return bundle_path(index, TILE_WIDTH).replace("tile/entries/", "vault/", 1)


# ----------------------------------------------------------------------------------------------------------- writing
def write_log(
    entries: Iterable[bytes],
    checkpoint: bytes,
    keys: Sequence[str],
    older: Iterable[bytes] = (),
    opened: Iterable[Opened] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of every file of the folder; memory holds 256 entries.

    `entries` are exactly those that `checkpoint` covers, `older` are earlier checkpoints, `opened` is sorted by seq.
    `checkpoint` comes last: a folder without it is an unfinished one.

    Raises:
        FolderMalformed: another number of entries, or another root than the checkpoint says.
    """
    promised = parse_text(parse_note(checkpoint).text)
    edge = TileEdge()
    batch: list[bytes] = []
    for data in entries:
        batch.append(data)
        for tile, hashes in edge.append(leaf_hash(data)):
            yield tile_path(tile), hashes
        if len(batch) == TILE_WIDTH:
            yield bundle_path(edge.size // TILE_WIDTH - 1, TILE_WIDTH), pack_bundle(batch)
            batch = []
    if batch:
        yield bundle_path(edge.size // TILE_WIDTH, len(batch)), pack_bundle(batch)
    for tile, hashes in edge.partials():
        yield tile_path(tile), hashes
    if edge.size != promised.size or edge.root() != promised.root:
        raise FolderMalformed(
            f"export: expected {promised.size} entries with root {promised.root.hex()},"
            f" got {edge.size} with root {edge.root().hex()}"
        )
    yield from _vault_files(opened or ())
    yield KEYS, "".join(f"{vkey}\n" for vkey in keys).encode()
    for note in older:
        yield f"{OLDER_CHECKPOINTS}{parse_text(parse_note(note).text).size:016d}", note
    yield CHECKPOINT, checkpoint


def _vault_files(opened: Iterable[Opened]) -> Iterator[tuple[str, bytes]]:
    lines: list[bytes] = []
    index = -1
    for item in opened:
        if item.seq // TILE_WIDTH != index:
            if lines:
                yield _vault_path(index), b"".join(lines)
            lines, index = [], item.seq // TILE_WIDTH
        lines.append(encode(item.to_json(), size_max_bytes=OPENED_SIZE_MAX_BYTES) + b"\n")
    if lines:
        yield _vault_path(index), b"".join(lines)


# ----------------------------------------------------------------------------------------------------------- reading
class FolderSource:
    """A log folder as a source of `ledger.audit`."""

    def __init__(self, files: Files, loads: Loads = json_loads, dumps: Dumps = json_dumps) -> None:
        """Read the size from the checkpoint. Without a readable one the entries say how many there are."""
        self._files = files
        self._loads, self._dumps = loads, dumps
        note = files.read(CHECKPOINT)
        self._size: int | None = None
        if note is not None:
            try:
                self._size = parse_text(parse_note(note).text).size
            except ProofError:
                self._size = None  # the audit reads it again and says what is wrong with it

    def size(self) -> int | None:
        """Return the size of the checkpoint."""
        return self._size

    def entries(self) -> Iterator[bytes]:
        """Yield the entries, bundle by bundle, until one is missing.

        Raises:
            TileMalformed: a bundle is cut off or too long.
        """
        index = 0
        while (lines := self.bundle(index)) is not None:
            yield from lines
            index += 1

    def bundle(self, index: int) -> list[bytes] | None:
        """Return the entries of one bundle, None if it is missing or beyond the size.

        Raises:
            TileMalformed: it is cut off or too long.
        """
        width = TILE_WIDTH if self._size is None else width_at(self._size, 0, index)
        data = self._files.read(bundle_path(index, width)) if width else None
        return None if data is None else unpack_bundle(data, width)

    def checkpoints(self) -> Iterator[bytes]:
        """Yield the older checkpoints by size, then the newest."""
        for name in sorted(self._files.names(OLDER_CHECKPOINTS)):
            yield self._files.read(name) or b""
        note = self._files.read(CHECKPOINT)
        if note is not None:
            yield note

    def keys(self) -> list[str] | None:
        """Return the vkeys of the file `keys`."""
        data = self._files.read(KEYS)
        return None if data is None else data.decode("utf-8", "replace").split("\n")[:-1]

    def has_tiles(self) -> bool:
        """Tiles belong to the layout."""
        return True

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return the first `width` hashes of a tile."""
        stored = TILE_WIDTH if self._size is None else width_at(self._size, level, index)
        if stored < width:
            return None
        data = self._files.read(tile_path(TileRef(level, index, stored)))
        return None if data is None else data[: width * 32] if width < stored else data

    def opened(self) -> Iterator[Opened] | None:
        """Yield the opened values of `vault/`; None when the folder has none."""
        if self._size is None:
            return None
        return self._read_opened((self._size + TILE_WIDTH - 1) // TILE_WIDTH)

    def _read_opened(self, count: int) -> Iterator[Opened]:
        for index in range(count):
            for line in (self._files.read(_vault_path(index)) or b"").splitlines():
                yield parse_opened(self._decoded(line, index))

    def _decoded(self, line: bytes, index: int) -> object:
        try:
            value = self._loads(line)
            if self._dumps(value) == line:
                return value
        except (ValueError, TypeError, RecursionError):
            pass
        raise FolderMalformed(f"{_vault_path(index)}: expected canonical JSON in each line, got another")

    def postings(self) -> Iterator[Posting] | None:
        """A folder holds no derived rows."""
        return None

    def balances(self) -> Iterator[tuple[str, int]] | None:
        """A folder holds no derived rows."""
        return None
