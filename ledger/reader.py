"""Reading one log from its database: head, entries, tiles, checkpoints, keys. Never writes, never locks the head.

Tiles only ever widen and a wider tile begins with the narrower one, so a tree of any size up to the head can be read
without one snapshot over all queries: a reader may be slow, and the log goes on.

    LedgerError
    `-- EntryDamaged    a stored entry is none; says which
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Executable, LargeBinary, RowMapping, Table, cast, or_, select, tuple_

from ledger import codec
from ledger.book import Posting
from ledger.changes import Row
from ledger.checkpoints import KeyList, first_keys
from ledger.entries import Entry, check_body
from ledger.errors import CanonicalError, EntryInvalid, LedgerError, StoreError
from ledger.merkle import (
    EMPTY_ROOT,
    HASH_SIZE_BYTES,
    SIZE_MAX,
    Frontier,
    Nodes,
    consistency_proof,
    inclusion_proof,
    root_at,
)
from ledger.reading import read_entry
from ledger.store.readers import Reader
from ledger.store.tables import account, checkpoint, entry, item, item_wrap, log_head, metadata, posting, tile
from ledger.tiles import nodes_in

ENTRIES_PER_READ_MAX_COUNT = 512
TILES_PER_READ_MAX_COUNT = 200
ITEMS_PER_READ_MAX_COUNT = 500

T = TypeVar("T")


class EntryDamaged(LedgerError):
    """What is stored as an entry is none. The caller stops here and audits the database."""

    def __init__(self, seq: int, reason: Exception) -> None:
        super().__init__(f"entry {seq}: {reason}; run `tallystick audit`")
        self.seq = seq


@dataclass(frozen=True, slots=True)
class TreeHead:
    """How many entries the log holds, and the 32-byte root over them."""

    size: int
    root: bytes


def stored(table: Table, *names: str) -> list[ColumnElement[Any]]:
    """Return columns to read, all when none is named; those of bytes as bytes, whatever an edit made of them.

    SQLite keeps the type of each value: an edit in SQL (`replace()`) leaves text or a number where bytes were. What is
    hashed are the bytes, so they are what is read: changed ones are found by their hash, under their entry's name.
    """
    return [
        cast(column, LargeBinary).label(column.name) if isinstance(column.type, LargeBinary) else column
        for column in (table.c[name] for name in names or table.c.keys())
    ]


class LogReader:
    """One log through SQLAlchemy. Each call is a short transaction of its own; all raise StoreError if it fails."""

    def __init__(self, reader: Reader, log: str) -> None:
        """Read `log` by `reader`; nothing is read yet."""
        self._reader = reader
        self.log = log
        self._keys: tuple[int, KeyList] | None = None

    async def head(self) -> TreeHead:
        """Return size and root as last committed; size 0 when the log was never written."""
        rows = await self._rows(select(*stored(log_head, "frontier")).where(log_head.c.log == self.log))
        if not rows:
            return TreeHead(0, EMPTY_ROOT)
        frontier = Frontier.from_bytes(rows[0]["frontier"])
        return TreeHead(frontier.size, frontier.root())

    async def keys(self) -> KeyList:
        """Return the log's key list as its entries say it now.

        Raises:
            StoreError: the log has no first entry.
            KeyListMalformed, EntryDamaged: the log is damaged there.
        """
        size = (await self.head()).size
        start, keys = self._keys or (0, None)
        rows = await self._rows(
            select(*stored(entry, "seq", "canon"))
            .where(entry.c.log == self.log, entry.c.seq >= start, entry.c.seq < size)
            .where(entry.c.kind.in_(["log_opened", "key_rotated"]))
            .order_by(entry.c.seq)
        )
        for row in rows:
            read = _read(row["seq"], row["canon"])
            keys = first_keys(read) if keys is None else keys.extended(read)
        if keys is None:
            raise StoreError(f"log {self.log}: expected log_opened as its first entry, got no such log")
        self._keys = (size, keys)
        return keys

    async def latest_checkpoint(self) -> tuple[int, bytes] | None:
        """Return size and signed note of the largest checkpoint published, or None."""
        rows = await self._rows(
            select(checkpoint.c.size, checkpoint.c.note)
            .where(checkpoint.c.log == self.log)
            .order_by(checkpoint.c.size.desc())
            .limit(1)
        )
        return (int(rows[0]["size"]), rows[0]["note"].encode()) if rows else None

    async def checkpoints(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield every published checkpoint, ascending by size."""
        last = -1
        while rows := await self._rows(
            select(checkpoint.c.size, checkpoint.c.note)
            .where(checkpoint.c.log == self.log, checkpoint.c.size > last)
            .order_by(checkpoint.c.size)
            .limit(ENTRIES_PER_READ_MAX_COUNT)
        ):
            for row in rows:
                yield row["size"], row["note"].encode()
            last = rows[-1]["size"]

    async def entries(self, start: int = 0, end: int = SIZE_MAX) -> AsyncIterator[bytes]:
        """Yield the canonical bytes of stored entries with `start` <= seq < `end`, by seq.

        A missing one is left out and one beyond the head is given: an audit finds both.
        """
        while rows := await self._rows(
            select(*stored(entry, "seq", "canon"))
            .where(entry.c.log == self.log, entry.c.seq >= start, entry.c.seq < end)
            .order_by(entry.c.seq)
            .limit(ENTRIES_PER_READ_MAX_COUNT)
        ):
            for row in rows:
                yield row["canon"]
            start = rows[-1]["seq"] + 1

    async def read_entries(self, start: int = 0, end: int = SIZE_MAX) -> AsyncIterator[Entry]:
        """Yield stored entries as `entries` does, each well-formed and of its kind's shape.

        Whether they were changed, only an audit says.

        Raises:
            EntryDamaged: it names the first that is not.
        """
        async for data in self.entries(start, end):
            found = _read(start, data)
            try:
                check_body(found.kind, found.body, found.private)
            except EntryInvalid as error:
                raise EntryDamaged(start, error) from error
            yield found
            start += 1

    async def postings(self) -> AsyncIterator[Posting]:
        """Yield the stored book lines by (seq, n)."""
        last = (-1, -1)
        while rows := await self._rows(
            select(posting)
            .where(posting.c.log == self.log, tuple_(posting.c.seq, posting.c.n) > last)
            .order_by(posting.c.seq, posting.c.n)
            .limit(ENTRIES_PER_READ_MAX_COUNT)
        ):
            for row in rows:
                yield Posting(row["seq"], row["n"], row["account"], row["amount_tokens"])
            last = (rows[-1]["seq"], rows[-1]["n"])

    async def balances(self) -> AsyncIterator[tuple[str, int]]:
        """Yield the stored balance of each account, by name."""
        last = ""
        while rows := await self._rows(
            select(account)
            .where(account.c.log == self.log, account.c.account > last)
            .order_by(account.c.account)
            .limit(ENTRIES_PER_READ_MAX_COUNT)
        ):
            for row in rows:
                yield row["account"], row["balance_tokens"]
            last = rows[-1]["account"]

    async def rows(self, table: str) -> list[Row]:
        """Return all rows of one derived table, without `log`."""
        there = metadata.tables[table]
        names = [column.name for column in list(there.columns)[1:]]
        found = await self._rows(select(*stored(there, *names)).where(there.c.log == self.log))
        return [dict(row) for row in found]

    async def tiles(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        """Return (level, index) -> stored hashes, at least as many as the tile held at any earlier size."""
        keys = list(wanted)
        found: dict[tuple[int, int], bytes] = {}
        for at in range(0, len(keys), TILES_PER_READ_MAX_COUNT):
            rows = await self._rows(
                select(*stored(tile, "level", "idx", "hashes"))
                .where(tile.c.log == self.log)
                .where(tuple_(tile.c.level, tile.c.idx).in_(keys[at : at + TILES_PER_READ_MAX_COUNT]))
            )
            found |= {(row["level"], row["idx"]): row["hashes"] for row in rows}
        return found

    async def root(self, size: int) -> bytes:
        """Return the root at an earlier size. Raises NodeMissing, TileMalformed: tiles are lost or cut off."""
        return await self._over_tiles(size, lambda nodes: root_at(size, nodes)) if size else EMPTY_ROOT

    async def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """Return the proof between two sizes up to the head. Raises SizesRefused, NodeMissing, TileMalformed."""
        return await self._over_tiles(new_size, lambda nodes: consistency_proof(old_size, new_size, nodes))

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof of one entry. Raises IndexOutOfRange, NodeMissing, TileMalformed."""
        return await self._over_tiles(size, lambda nodes: inclusion_proof(index, size, nodes))

    async def inclusions(self, indices: Sequence[int], size: int) -> list[list[bytes]]:
        """Return one proof per entry, reading every tile once. Raises as `inclusion`."""
        return await self._over_tiles(
            size, lambda nodes: [inclusion_proof(at, size, nodes) for at in indices]
        )

    async def case_entries(self, case: str, kinds: Iterable[str], end: int) -> list[Entry]:
        """Return the entries below seq `end` that belong to a case or are of these kinds, by seq.

        Raises:
            EntryDamaged: it names the first that is.
        """
        rows = await self._rows(
            select(*stored(entry, "seq", "canon"))
            .where(entry.c.log == self.log, entry.c.seq < end)
            .where(or_(entry.c.case_id == case, entry.c.kind.in_(sorted(kinds))))
            .order_by(entry.c.seq)
        )
        return [_read(row["seq"], row["canon"]) for row in rows]

    async def items(self, commitments: Iterable[str]) -> tuple[list[Row], list[Row]]:
        """Return the vault's item rows and wrap rows of these commitments; the erased ones are absent."""
        keys = sorted(set(commitments))
        items: list[Row] = []
        wraps: list[Row] = []
        for at in range(0, len(keys), ITEMS_PER_READ_MAX_COUNT):
            part = keys[at : at + ITEMS_PER_READ_MAX_COUNT]
            query = select(*stored(item)).where(item.c.log == self.log, item.c.item.in_(part))
            items += [dict(row) for row in await self._rows(query)]
            query = select(*stored(item_wrap)).where(item_wrap.c.log == self.log, item_wrap.c.item.in_(part))
            wraps += [dict(row) for row in await self._rows(query)]
        return items, wraps

    async def _over_tiles(self, size: int, compute: Callable[[Nodes], T]) -> T:
        # Which nodes a proof takes depends on sizes alone, so a first run over zeros says which tiles to read.
        wanted: dict[tuple[int, int], None] = {}

        def note(level: int, index: int, width: int) -> bytes:
            wanted[level, index] = None
            return bytes(width * HASH_SIZE_BYTES)

        compute(nodes_in(size, note))
        found = await self.tiles(wanted)

        def held(level: int, index: int, width: int) -> bytes | None:
            return found.get((level, index))

        return compute(nodes_in(size, held))

    async def _rows(self, query: Executable) -> list[RowMapping]:
        return await self._reader.rows(query)


def _read(seq: int, data: bytes) -> Entry:
    try:
        return read_entry(data, codec.loads, codec.dumps)
    except (CanonicalError, EntryInvalid) as error:
        raise EntryDamaged(seq, error) from error
