"""Watches on people: which run, what for, and who said so. Everybody here reads it, for everybody may be meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.scope import Row, Scoped
from casework import tables
from casework.purposes import RUNNING, is_on_person
from ledger.codec import loads


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a watch on a person is for. `words` None: erased. `mode` is how the watch runs; None: not published."""

    playbook: str
    words: str | None
    by: str
    at: str
    seq: int
    mode: str | None

    def told(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"playbook": self.playbook, "words": self.words, "by": self.by, "at": self.at, "seq": self.seq}


async def purpose_of(rows: Scoped, playbook: str) -> Purpose | None:
    """Return the purpose of one watch, None where none stands."""
    row = await rows.one(tables.watch_purpose, playbook=playbook)
    watch = await rows.one(tables.playbook, playbook=playbook)
    return None if row is None else await _purpose(rows, row, None if watch is None else watch["mode"])


async def on_person(
    rows: Scoped, row: Row | None, kinds: Mapping[str, Any], content: Mapping[str, Any]
) -> bool:
    """Say whether a watch is on a person, by the kinds it was published under; `kinds`: those it would bring."""
    published = None if row is None else await rows.one(tables.kind_set, digest=row["kinds"])
    return is_on_person(kinds if published is None else loads(published["content"]), content)


async def watched_people(rows: Scoped) -> list[Purpose]:
    """Return the watches on people that run, on trial too, by id."""
    modes = {row["playbook"]: row["mode"] for row in await rows.find(tables.playbook)}
    found = await rows.find(tables.watch_purpose)
    return [
        await _purpose(rows, row, modes[row["playbook"]])
        for row in found
        if modes.get(row["playbook"]) in RUNNING
    ]


async def _purpose(rows: Scoped, row: Row, mode: str | None) -> Purpose:
    words = None if row["item"] is None else await rows.open(row["item"])
    return Purpose(row["playbook"], words, row["written_by"], row["at"], int(row["seq"]), mode)
