"""Where the record lies: the tables, and one store for SQLite and one for PostgreSQL behind the same steps.

    store = open_store("sqlite+aiosqlite:////var/lib/tallystick/tallystick.db")
    async with store.reader.connect() as connection: ...      anybody reads, through SQLAlchemy
    async with Writer(store, projections, clock) as writer: ...   only the writer writes (ledger/writer.py)
    await store.close()
"""

from __future__ import annotations

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ledger.errors import StoreError
from ledger.store.postgres import PostgresStore
from ledger.store.sqlite import SqliteStore

Store = SqliteStore | PostgresStore


def open_store(url: str) -> Store:
    """Open a database for reading, without touching it yet.

    `sqlite+aiosqlite:///path` or `postgresql+asyncpg://user@host/name`; the drivers may be left out. The schema is made
    by Alembic (api/migrations).

    Raises:
        StoreError: another kind of URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("database URL: expected sqlite:///path or postgresql://user@host/name, got no URL") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return SqliteStore(parsed.set(drivername="sqlite+aiosqlite"))
    if backend == "postgresql":
        return PostgresStore(parsed.set(drivername="postgresql+asyncpg"))
    raise StoreError(f"database URL: expected sqlite or postgresql, got {backend}")
