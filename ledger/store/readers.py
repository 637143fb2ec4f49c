"""How rows are read: one query at a time, whole, on connections that cannot write.

SQLite's driver blocks, so each query runs in a thread, from checkout to the last row in one go: a driver that hops
between loop and thread for every step costs several times the query. A caller that goes away leaves nothing half done
behind: its thread ends the query and gives the connection back.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from sqlalchemy import Executable, RowMapping, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ledger.errors import StoreError

READ_CONNECTIONS_MAX = 16
READ_THREADS_MAX = 4
BUSY_TIMEOUT_MS = 5_000


class Reader(Protocol):
    """Reads rows; any number of callers at once."""

    async def rows(self, query: Executable) -> list[RowMapping]:
        """Return all rows of a query.

        Raises:
            StoreError: the database is away or failed. The driver's own words stay in its cause: they hold values.
        """
        ...

    async def close(self) -> None:
        """Let the connections go, once what is being read was read."""
        ...


class SqliteReader:
    """Reads one SQLite file."""

    def __init__(self, url: URL) -> None:
        """Nothing is opened before the first query."""
        # A query is a transaction of its own: there is nothing to begin and nothing to undo.
        self._engine = create_engine(
            url.set(drivername="sqlite"),
            pool_size=READ_THREADS_MAX,
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
        )
        event.listen(self._engine, "connect", _prepare)
        self._threads = ThreadPoolExecutor(READ_THREADS_MAX, thread_name_prefix="ledger-reader")

    async def rows(self, query: Executable) -> list[RowMapping]:
        """Return all rows of a query, read in a thread. Raises StoreError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)
        except (SQLAlchemyError, OSError, RuntimeError) as error:  # the last: it was closed
            raise _unread(error) from error

    def _read(self, query: Executable) -> list[RowMapping]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    async def close(self) -> None:
        """Wait for what is being read, and close the file."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


class PostgresReader:
    """Reads one PostgreSQL database, on sessions that cannot write."""

    def __init__(self, url: URL) -> None:
        """Nothing is opened before the first query."""
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=READ_CONNECTIONS_MAX,
            max_overflow=0,
            connect_args={"server_settings": {"default_transaction_read_only": "on"}},
        )

    async def rows(self, query: Executable) -> list[RowMapping]:
        """Return all rows of a query. Raises StoreError."""
        try:
            async with self._engine.connect() as connection:
                return list((await connection.execute(query)).mappings())
        except (SQLAlchemyError, OSError) as error:
            raise _unread(error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


def _unread(error: Exception) -> StoreError:
    return StoreError(f"the database could not be read: {type(error).__name__}")


def _prepare(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("foreign_keys=ON", "query_only=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
