"""How rows are read: one query at a time, whole, on connections that cannot write.

SQLite's driver blocks, so each query runs in a thread, from checkout to the last row in one go: a driver that hops
between loop and thread for every step costs several times the query. A caller that goes away leaves nothing half done
behind: its thread ends the query and gives the connection back.
"""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Executable, RowMapping

from ledger.errors import StoreError


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


def unread(error: Exception) -> StoreError:
    """Return what a reader raises for an error of the driver."""
    return StoreError(f"the database could not be read: {type(error).__name__}")
