"""Where the record lies: the tables, and one store for SQLite and one for PostgreSQL behind the same steps.

store = open_store("sqlite:////var/lib/tallystick/tallystick.db")
rows = await store.reader.rows(select(...))                  anybody reads, through SQLAlchemy
async with Writer(store, projections, clock) as writer: ...   only the writer writes (ledger/writer.py)
await store.close()
"""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ledger.errors import StoreError
from ledger.store.postgres import PostgresStore
from ledger.store.sqlite import SqliteStore

Store = SqliteStore | PostgresStore


_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


def database_url(url: str) -> URL:
    """Read `sqlite:///path` or `postgresql://user@host/name`, with or without a driver, and name ours.

    Raises:
        StoreError: another kind of URL.
    """
    try:
        parsed = make_url(url)
        return parsed.set(drivername=_DRIVERS[parsed.get_backend_name()])
    except ArgumentError as error:
        raise StoreError(
            "database URL: expected sqlite:///path or postgresql://user@host/name, got no URL"
        ) from error
    except KeyError as error:
        raise StoreError(f"database URL: expected sqlite or postgresql, got {error}") from error


def open_store(url: str) -> Store:
    """Open a database for reading, without touching it yet. Its schema is made by Alembic (api/migrations).

    Raises:
        StoreError: another kind of URL.
    """
    parsed = database_url(url)
    return SqliteStore(parsed) if parsed.get_backend_name() == "sqlite" else PostgresStore(parsed)
