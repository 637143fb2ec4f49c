"""A log painted straight into database rows, for tests of what reads logs: any size and any damage is cheap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_leave
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ledger import canonical, codec
from ledger.entries import KINDS, Actor, Draft, Entry, command_id
from ledger.entropy import SeededEntropy
from ledger.keys import KeyFolder, Keys
from ledger.merkle import Frontier, leaf_hash
from ledger.store import open_store
from ledger.store.readers import Reader
from ledger.store.tables import checkpoint, entry, item, item_wrap, log_head, metadata, tile
from ledger.tiles import grow
from ledger.vault import Sealed

LOG = "painted-5e1.invalid"
AT = "2026-11-23T16:10:00.000Z"
TABLES = {"item": item, "item_wrap": item_wrap}


BLANKS: dict[str, Any] = {
    "int": 0,
    "bool": False,
    "text": "t",
    "id": "i",
    "ids": [],
    "texts": [],
    "hash": "ab" * 32,
}
BLANKS |= {"instant": AT, "object": {}, "objects": [], "money": {"amount_minor": 0, "currency": "EUR"}}


def made_up(kind: str, case: str | None, private: dict[str, str] | None = None, **fields: Any) -> Draft:
    """A draft of this kind: the given fields, and something of the right type in all others."""
    body = {name: None if text[-1] == "?" else BLANKS[text] for name, text in KINDS[kind].fields.items()}
    return Draft(kind, case, body | fields, private or {})


class PaintedLog:
    """One log in a SQLite file, with keys of its own. `append` keeps chain, tree and head right."""

    def __init__(self, folder: Path, engine: AsyncEngine, keys: KeyFolder) -> None:
        self.folder = folder
        self.engine = engine
        self.rows: Reader = open_store(f"sqlite:///{folder / 'log.db'}").reader
        self.key_folder = keys
        self.entries: list[bytes] = []

    @classmethod
    async def open(cls, folder: Path, notes: int = 0) -> PaintedLog:
        """Make the database and the first entry, then `notes` more."""
        folder.mkdir(parents=True, exist_ok=True)
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'log.db'}")
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        keys = KeyFolder(folder / "keys", LOG)
        held = keys.create(SeededEntropy("painted"))
        log = cls(folder, engine, keys)
        body = {"origin": LOG, "registry": 1, "log_key": held.log_signers[0].key.vkey(), "simulated": True}
        await log.append([Draft("log_opened", None, body)])
        await log.append([Draft("note_added", "case-1", {}) for _ in range(notes)])
        return log

    async def let_go(self) -> None:
        """Close every connection, as a process that stops; the next use opens the file anew."""
        await self.engine.dispose()
        await self.rows.close()
        self.rows = open_store(f"sqlite:///{self.folder / 'log.db'}").reader

    def keys(self) -> Keys:
        return self.key_folder.load()

    async def append(self, drafts: list[Draft]) -> None:
        first = len(self.entries)
        rows: list[dict[str, Any]] = []
        leaves = [leaf_hash(data) for data in self.entries]
        for draft in drafts:
            seq = len(self.entries)
            prev = leaves[-1].hex() if leaves else "0" * 64
            cmd = command_id(LOG, "m1", f"key-{seq}")
            made = Entry(
                1,
                LOG,
                seq,
                AT,
                draft.kind,
                Actor("m1", "owner", "test"),
                draft.case,
                draft.body,
                draft.private,
                cmd,
                prev,
            )
            data = canonical.encode(made.to_json(), codec.dumps)
            self.entries.append(data)
            leaves.append(leaf_hash(data))
            row = {
                "log": LOG,
                "seq": seq,
                "canon": data,
                "leaf": leaves[-1],
                "kind": draft.kind,
                "case_id": draft.case,
            }
            rows.append({**row, "at": AT, "cmd": cmd})
        if not rows:
            return
        async with self.engine.begin() as connection:
            stored = {
                (row.level, row.idx): row.hashes
                for row in await connection.execute(select(tile).where(tile.c.log == LOG))
            }
            _, changed = grow(first, leaves[first:], lambda level, index, width: stored.get((level, index)))
            await connection.execute(insert(entry), rows)
            for ref, hashes in changed:
                key = {"log": LOG, "level": ref.level, "idx": ref.index}
                if (ref.level, ref.index) in stored:
                    where = (tile.c.log == LOG) & (tile.c.level == ref.level) & (tile.c.idx == ref.index)
                    await connection.execute(update(tile).where(where).values(hashes=hashes))
                else:
                    await connection.execute(insert(tile).values(**key, hashes=hashes))
            frontier = Frontier()
            for leaf in leaves:
                frontier.append(leaf)
            head = {
                "size": len(leaves),
                "last_leaf": leaves[-1],
                "frontier": frontier.to_bytes(),
                "at": AT,
                "stopped": None,
            }
            if first:
                await connection.execute(update(log_head).where(log_head.c.log == LOG).values(**head))
            else:
                await connection.execute(insert(log_head).values(log=LOG, **head))

    async def keep(self, *sealed: Sealed) -> None:
        """Store vault rows."""
        async with self.engine.begin() as connection:
            for change in (change for one in sealed for change in one.changes):
                await connection.execute(insert(TABLES[change.table]).values(log=LOG, **change.row))  # type: ignore[union-attr]


class RowShelf:
    """Publishes into the checkpoint table of a painted log."""

    def __init__(self, log: PaintedLog) -> None:
        self._log = log

    async def put(self, size: int, note: bytes) -> None:
        row = insert_or_leave(checkpoint).values(log=LOG, size=size, note=note.decode(), at=AT)
        async with self._log.engine.begin() as connection:
            await connection.execute(row.on_conflict_do_nothing())
