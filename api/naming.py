"""The steps of a log that name one member, as actor or in what they say, newest first.

Nothing indexes them: every step that a person appears in would cost a row of its own. A page looks at a bounded number
of steps instead, and may be short or empty while its cursor goes on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from ledger.codec import dumps, loads
from ledger.entries import Entry
from ledger.merkle import leaf_hash
from ledger.reader import LogReader
from ledger.reading import read_entry

STEPS_PER_PAGE_MAX = 20_000
"""Steps looked at for one page, whoever they name."""
CHUNK_STEPS = 512


@dataclass(frozen=True, slots=True)
class Named:
    """One step that names somebody, with the hex hash of its leaf."""

    entry: Entry
    leaf: str
    acted: bool

    def told(self) -> dict[str, Any]:
        """Return what lists show of it; `as`: actor, or named in it."""
        entry = self.entry
        role = "actor" if self.acted else "named"
        place = {"seq": entry.seq, "at": entry.at, "kind": entry.kind, "case": entry.case}
        return {**place, "as": role, "leaf": self.leaf}


def read_named(data: bytes, member: str) -> Named | None:
    """Return the step if it names the member: as a whole text of it, or as the party `member:<id>`."""
    if f'"{member}"'.encode() not in data and f'"member:{member}"'.encode() not in data:
        return None
    entry = read_entry(data, loads, dumps)
    return Named(entry, leaf_hash(data).hex(), entry.actor.id == member)


async def newest(
    reader: LogReader, member: str, below: int | None, limit: int
) -> tuple[list[Named], int | None]:
    """Return at most `limit` steps below `below` (None: the head), and where to go on (None: that is all)."""
    size = (await reader.head()).size
    top = size if below is None else min(below, size)
    last = max(0, top - STEPS_PER_PAGE_MAX)
    found: list[Named] = []
    for end in range(top, last, -CHUNK_STEPS):
        start = max(last, end - CHUNK_STEPS)
        stored = [data async for data in reader.entries(start, end)]
        for data in reversed(stored):
            named = read_named(data, member)
            if named is not None:
                found.append(named)
                if len(found) == limit:
                    return found, named.entry.seq or None
    return found, last or None


async def oldest(reader: LogReader, member: str, end: int) -> AsyncIterator[Named]:
    """Yield every step below `end` that names the member, by seq."""
    async for data in reader.entries(0, end):
        named = read_named(data, member)
        if named is not None:
            yield named
