"""How the desk reads what is committed, as a port: a door gives it, tests give it.

Every command names the rows its rule may read before it enters the writer, and those names are found by reading here.
What is read may be old by the time the rule runs. That is safe: ids found in rows that never change (who made a
proposal, who submitted an item) stay right, and where a set has grown meanwhile the rule refuses `stale` before it
would look at somebody not named.
"""

from __future__ import annotations

from typing import Any, Protocol

from ledger.changes import Key, Row
from ledger.entries import Entry


class Records(Protocol):
    """Reads what one log has committed. Outside the writer, so what it says may be old when the rule runs."""

    async def get(self, table: str, key: Key) -> Row | None:
        """Return one row by its key without log."""
        ...

    async def scan(self, table: str, prefix: Key) -> list[Row]:
        """Return the rows whose key starts with `prefix`, in key order."""
        ...

    async def owned(self, member: str) -> list[str]:
        """Return the ids of the cases that this member owns and that are not over for good, by id."""
        ...

    async def head(self) -> tuple[int, str]:
        """Return size and hex root of the log."""
        ...

    async def entries(self, first_seq: int, count: int) -> list[Entry]:
        """Return committed entries by seq."""
        ...

    async def open(self, commitment: str) -> Any:
        """Return the private value behind a commitment, None when erased."""
        ...
