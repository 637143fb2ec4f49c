"""Derived tables again, from log and vault, through the projections the writer used (DESIGN section 3).

One transaction: readers see the old tables until the new ones are whole, and a crash leaves the old. Entries are taken
in chunks, so memory does not grow with the log. Rows that no entry implies (vault, imported records) are not touched;
jobs come back as their entries made them, without leases.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import codec
from ledger.changes import Projection, Row
from ledger.commands import Need
from ledger.entries import ZERO_HASH, Entry
from ledger.errors import CanonicalError, EntryInvalid, LedgerError, Refused
from ledger.merkle import leaf_hash
from ledger.overlay import Overlay, Shape, Wanted
from ledger.reading import read_entry
from ledger.steps import Clear, CountRows, Load, Lock, ReadEntries, Step, Write

CHUNK_ENTRIES = 500

FILE_PATHS = frozenset({"content", "file"})
"""Private paths that hold a whole file: no projection reads them, and opening them would read every blob there is."""

OpenMany = Callable[[Iterable[Row], Iterable[Row]], Mapping[str, Any]]
"""(item rows, item_wrap rows) -> commitment -> value, erased ones left out: `Vault.open_many`."""


class RebuildFailed(LedgerError):
    """The tables could not be made again; the old ones stand. Says what is missing."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: entries read, and per table the rows before and after."""

    entries: int
    before: Mapping[str, int]
    after: Mapping[str, int]


def rebuild(
    log: str,
    projections: Sequence[Projection],
    shapes: Mapping[str, Shape],
    tables: Sequence[str],
    open_many: OpenMany,
) -> Generator[Step, Any, Rebuilt]:
    """Empty `tables` (store.tables.derived_tables(), parents first) and fill them again. For `Writer.maintain`.

    Raises:
        Refused: `unknown_log`.
        RebuildFailed: entries are missing or changed, or a table that had rows stays empty: its rows were not derived.
    """
    head = yield Lock(log)
    if head is None:
        raise Refused("unknown_log", f"log: expected one that was opened, got {log!r}")
    before = yield Clear(log, tuple(reversed(tables)))
    size, seq, prev = head[0], 0, ZERO_HASH
    while seq < size:
        chunk = yield ReadEntries(log, seq, min(CHUNK_ENTRIES, size - seq))
        entries, prev = _read(chunk, seq, prev)
        if not entries:
            raise RebuildFailed(f"entry {seq}: expected {size} entries, got none with this number")
        overlay = Overlay(shapes)
        values = yield from _opened(log, entries, overlay, open_many)
        for entry in entries:
            opened = {path: values.get(item) for path, item in entry.private.items()} or None
            for project in projections:
                overlay.apply(project(entry, opened))
        missing = overlay.missing()
        if missing:
            overlay.settle(missing, (yield Load(log, missing)))
        yield Write(log, [write for write in overlay.writes() if write.shape.name in before])
        seq += len(entries)
    if prev != bytes(head[1]).hex():
        raise RebuildFailed(
            f"entry {size - 1}: expected hash {bytes(head[1]).hex()}, got {prev}; run `tallystick audit`"
        )
    after = yield CountRows(log, tables)
    for table, rows in before.items():
        if rows and not after[table] and table != "job":
            raise RebuildFailed(f"table {table}: expected rows again from the log ({rows} before), got none")
    return Rebuilt(size, before, after)


def _read(chunk: Sequence[bytes], first: int, prev: str) -> tuple[list[Entry], str]:
    """Return the entries numbered from `first`, and the hash the next must name. No row comes from a changed one."""
    entries = []
    for seq, data in enumerate(chunk, first):
        try:
            entry = read_entry(data, codec.loads, codec.dumps)
        except (CanonicalError, EntryInvalid) as error:
            raise RebuildFailed(f"entry {seq}: {error}; run `tallystick audit`") from error
        if entry.seq != seq:
            raise RebuildFailed(f"entry {seq}: expected the entry with this number, got {entry.seq}")
        if entry.prev != prev:
            raise RebuildFailed(
                f"entry {seq}: expected it to follow {prev}, got {entry.prev}: one of the two was changed;"
                " run `tallystick audit`"
            )
        entries.append(entry)
        prev = leaf_hash(data).hex()
    return entries, prev


def _opened(
    log: str, entries: Sequence[Entry], overlay: Overlay, open_many: OpenMany
) -> Generator[Step, Any, Mapping[str, Any]]:
    """Return commitment -> value for the private values of these entries; erased ones and files are left out."""
    items = {item for entry in entries for path, item in entry.private.items() if path not in FILE_PATHS}
    if not items:
        return {}
    wanted: Wanted = {}
    overlay.want(wanted, [Need(table, (item,)) for item in items for table in ("item", "item_wrap")])
    overlay.admit(wanted, (yield Load(log, wanted)))
    item_rows = [row for item in sorted(items) if (row := overlay.get("item", (item,))) is not None]
    wrap_rows = [row for item in sorted(items) for row in overlay.scan("item_wrap", (item,))]
    return open_many(item_rows, wrap_rows)
