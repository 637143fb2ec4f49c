"""Puts a journal back as it was: what a database restored from an older backup holds."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ledger.changes import Insert
from ledger.overlay import Overlay
from ledger.steps import Clear, Lock, Step, Write
from ledger.store.tables import shapes
from ledger.writer import Writer
from tests.ledger.writing import LOG


async def put_back(writer: Writer, saved: dict[str, list[dict[str, Any]]]) -> None:
    """Empty the journal's tables and fill them with these rows."""

    def work() -> Generator[Step, Any, None]:
        yield Lock(LOG)
        yield Clear(LOG, tuple(saved))
        rows = Overlay(shapes())
        rows.apply(Insert(table, row) for table, found in saved.items() for row in found)
        yield Write(LOG, rows.writes())

    await writer.maintain(work())
