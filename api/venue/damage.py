"""Damaging a copy of the demo, to see that it shows: one step backdated by whoever can write to the database.

    live database -> copy in a folder of its own -> one step changed in SQL -> audit -> folder removed

`CHANGED` changes the step and nothing else. `REBUILT` covers the tracks as well as somebody can who has the whole
database but not what was told to others: every later step, all tiles and the head are made again, and the checkpoints
that say otherwise are gone. By itself such a copy looks whole; held against a checkpoint kept outside, it does not.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from api.rooms import Rooms
from ledger import codec, ed25519
from ledger.audit import audit
from ledger.chain import ChainHead
from ledger.clock import unix_ms_of
from ledger.export import DatabaseSource
from ledger.findings import Result
from ledger.merkle import Frontier, leaf_hash
from ledger.reader import LogReader
from ledger.store import open_store
from ledger.tiles import TileEdge

COPY_BYTES_MAX = 512 * 1024 * 1024
COPY_PAGES_PER_STEP = 256
"""The copy lets go of the live database in between, so that nobody waits for it."""
STEPS_MAX = 100_000
MOVED_MS_MIN = 60_000
"""A step is dated as early as the step before it; less than a minute would not show."""
CHANGED, REBUILT = "changed", "rebuilt"


class NotDamaged(Exception):
    """There is nothing to show: says expected and got. Nothing was changed, in the copy or elsewhere."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the audits said of the two copies, and of the record itself before and after."""

    seq: int
    was: str
    became: str
    """When the step was recorded, and what the copy says instead."""
    found_seq: int | None
    """The step that the audit names in the first copy."""
    looks_whole: bool
    """Whether the second copy agrees with itself."""
    sealed_at: str
    sealed_size: int
    contradicted: bool
    """Whether the second copy disagrees with the checkpoint kept outside."""
    steps: int
    root_before: str
    root_after: str


@dataclass(frozen=True, slots=True)
class _Step:
    """The step that is changed: its number, its time, and that of the step before it, which it is moved to."""

    seq: int
    at: str
    became: str


async def damage_copies(rooms: Rooms, database: Path, case: str) -> Shown:
    """Change one step of a case in two copies of a SQLite database, audit them and remove them.

    Raises:
        NotDamaged: too large to copy, no step that can be backdated, or no checkpoint that covers it.
    """
    before = await rooms.reader.head()
    size_bytes = (await asyncio.to_thread(database.stat)).st_size
    if size_bytes > COPY_BYTES_MAX or before.size > STEPS_MAX:
        raise NotDamaged(
            f"expected at most {COPY_BYTES_MAX} bytes, {STEPS_MAX} steps; got {size_bytes}, {before.size}"
        )
    step = await _step_of(rooms, case)
    sealed = [(size, note) async for size, note in rooms.reader.checkpoints() if size > step.seq]
    if not sealed:
        raise NotDamaged(f"expected a checkpoint beyond step {step.seq}, got none")
    size, note = sealed[-1]
    changed = await _one_copy(rooms.log, database, step, CHANGED, ())
    alone = await _one_copy(rooms.log, database, step, REBUILT, ())
    held = await _one_copy(rooms.log, database, step, REBUILT, (note,))
    first = changed.first
    after = await rooms.reader.head()
    return Shown(
        seq=step.seq,
        was=step.at,
        became=step.became,
        found_seq=None if first is None else first.seq,
        looks_whole=not alone.findings,
        sealed_at=await _sealed_at(rooms, size),
        sealed_size=size,
        contradicted=any(finding.detected_by == "known" for finding in held.findings),
        steps=before.size,
        root_before=before.root.hex(),
        root_after=(await rooms.reader.root(before.size)).hex() if after.size >= before.size else "",
    )


async def _sealed_at(rooms: Rooms, size: int) -> str:
    return next(str(row["at"]) for row in await rooms.reader.rows("checkpoint") if row["size"] == size)


async def _step_of(rooms: Rooms, case: str) -> _Step:
    """Return the step of the case's story to backdate: a yes or a no if one can be, the last one of them."""
    before, decided, other = "", None, None
    async for entry in rooms.reader.read_entries():
        if entry.case == case and before and unix_ms_of(entry.at) - unix_ms_of(before) >= MOVED_MS_MIN:
            step = _Step(entry.seq, entry.at, before)
            decided, other = (step, other) if entry.kind == "decision_made" else (decided, step)
        before = entry.at
    found = decided or other
    if found is None:
        raise NotDamaged(f"expected a step of case {case} that can be backdated, got none")
    return found


async def _one_copy(log: str, database: Path, step: _Step, how: str, known: tuple[bytes, ...]) -> Result:
    with tempfile.TemporaryDirectory(prefix="tallystick-copy-") as folder:
        copy = Path(folder) / "copy.db"
        await asyncio.to_thread(_damage, database, copy, log, step, how)
        store = open_store(f"sqlite:///{copy}")
        try:
            source = DatabaseSource(LogReader(store.reader, log), asyncio.get_running_loop())
            return await asyncio.to_thread(
                audit, source, ed25519.verify, known=known, loads=codec.loads, dumps=codec.dumps
            )
        finally:
            await store.close()


def _damage(database: Path, copy: Path, log: str, step: _Step, how: str) -> None:
    with (
        closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(copy)) as into,
    ):
        live.backup(into, pages=COPY_PAGES_PER_STEP, sleep=0.0)
        into.execute("PRAGMA synchronous=OFF")  # a copy that lives for a second needs no disk
        with into:
            sql = (
                "UPDATE entry SET canon = CAST(replace(CAST(canon AS TEXT), ?, ?) AS BLOB), at = ?"
                " WHERE log = ? AND seq = ?"
            )
            into.execute(sql, (f'"at":"{step.at}"', f'"at":"{step.became}"', step.became, log, step.seq))
            if how == REBUILT:
                _rebuild(into, log, step.seq)


def _rebuild(copy: sqlite3.Connection, log: str, seq: int) -> None:
    """Make every step after `seq` follow the changed one: 1. the chain  2. the tiles  3. the head  4. no checkpoint
    that says otherwise: they are signed, and the key is not in the database."""
    edge, frontier, head = TileEdge(), Frontier(), ChainHead(0, "", "")
    rows = copy.execute(
        "SELECT seq, CAST(canon AS BLOB), at FROM entry WHERE log = ? ORDER BY seq", (log,)
    ).fetchall()
    tiles = []
    for number, canon, at in rows:
        data = bytes(canon)
        if number > seq:  # 1
            was = codec.loads(data)["prev"]
            data = data.replace(f'"prev":"{was}"'.encode(), f'"prev":"{head.prev}"'.encode(), 1)
        leaf = leaf_hash(data)
        if number >= seq:
            copy.execute(
                "UPDATE entry SET canon = ?, leaf = ? WHERE log = ? AND seq = ?", (data, leaf, log, number)
            )
        head = ChainHead(number + 1, leaf.hex(), at)
        tiles += edge.append(leaf)
        frontier.append(leaf)
    for tile, hashes in (*tiles, *edge.partials()):  # 2
        sql = "UPDATE tile SET hashes = ? WHERE log = ? AND level = ? AND idx = ?"
        copy.execute(sql, (hashes, log, tile.level, tile.index))
    sql = "UPDATE log_head SET last_leaf = ?, frontier = ? WHERE log = ?"
    copy.execute(sql, (bytes.fromhex(head.prev), frontier.to_bytes(), log))  # 3
    copy.execute("DELETE FROM checkpoint WHERE log = ? AND size > ?", (log, seq))  # 4
