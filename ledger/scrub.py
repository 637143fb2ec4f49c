"""Making deleted rows unreadable on disk: a database forgets a row at once and its bytes much later.

Run after an erasure and the purge of retention, in the background; it never holds up a command for long.

- SQLite: the writing connection runs with `secure_delete`, so freed bytes are overwritten with zeros when the row goes;
  what is left is the write-ahead log, which is emptied here.
- PostgreSQL: VACUUM frees the dead rows. Their bytes stay in the free part of a page until it is used again, and in
  WAL segments until those are recycled. What a person's wraps protected is unreadable all the same, for whoever lacks
  the organisation key; docs/threat-model.md says so.
"""

from __future__ import annotations

import sqlite3

from ledger.errors import StoreError
from ledger.store import Store
from ledger.store.postgres import store_error
from ledger.store.sqlite import BUSY_TIMEOUT_MS, SqliteConnection, SqliteStore
from ledger.store.tables import LOG, metadata

PATIENCE_MS = 100


async def scrub(store: Store) -> bool:
    """Return True when done; False when a reader held it up: the caller tries again later.

    Raises:
        StoreError: the database failed, or this process does not write it.
    """
    if isinstance(store, SqliteStore):
        return await store.in_writer(_empty_write_ahead_log)
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables if table.info != LOG)
    try:
        async with store.writing() as connection:
            await connection.raw.execute(f"VACUUM {names}")
    except Exception as error:
        raise store_error(error) from error
    return True


def _empty_write_ahead_log(connection: SqliteConnection) -> bool:
    try:
        connection.raw.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")  # commands wait in line behind this
        busy, _, _ = connection.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"SQLite could not empty its write-ahead log: {error}") from error
    finally:
        connection.raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    return bool(busy == 0)
