"""A store that would not keep what it acknowledges is refused before the first entry is written."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import StoreError
from ledger.store.postgres import PostgresConnection
from ledger.store.sqlite import SqliteConnection

# what the library makes of a pragma that it was built without or that something overrides
WEAK = [("journal_mode", "DELETE"), ("synchronous", "OFF"), ("foreign_keys", "OFF"), ("secure_delete", "OFF")]


@pytest.mark.parametrize(("pragma", "instead"), WEAK)
def test_sqlite_without_a_pragma_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pragma: str, instead: str
) -> None:
    class Deaf(sqlite3.Connection):
        def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
            return super().execute(
                f"PRAGMA {pragma}={instead}" if sql.startswith(f"PRAGMA {pragma}=") else sql, *more
            )

    monkeypatch.setattr("ledger.store.sqlite.sqlite3.connect", partial(sqlite3.connect, factory=Deaf))
    with pytest.raises(StoreError, match=f"SQLite {pragma}: expected"):
        SqliteConnection(tmp_path / "a.db", {})


def test_sqlite_with_all_pragmas_is_taken(tmp_path: Path) -> None:
    SqliteConnection(tmp_path / "a.db", {}).close()


class Server:
    """A PostgreSQL that only answers SHOW."""

    def __init__(self, **settings: str) -> None:
        good = {
            "server_version_num": "150000",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
        }
        self.settings = good | settings

    async def fetchval(self, sql: str) -> str:
        """Answer SHOW <name>."""
        return self.settings[sql.removeprefix("SHOW ")]


SERVERS: list[tuple[dict[str, str], str | None]] = [
    ({}, None),
    ({"server_version_num": "180001"}, None),
    ({"synchronous_commit": "remote_apply"}, None),
    ({"server_version_num": "149999"}, "PostgreSQL: expected at least 150000, got 149999"),
    ({"fsync": "off"}, "PostgreSQL fsync: expected on"),
    ({"synchronous_commit": "off"}, "PostgreSQL synchronous_commit: expected on"),
    ({"full_page_writes": "off"}, "PostgreSQL full_page_writes: expected on"),
]


@pytest.mark.parametrize(("settings", "refused"), SERVERS)
async def test_postgres_that_is_too_old_or_not_durable_is_refused(
    settings: dict[str, str], refused: str | None
) -> None:
    connection = PostgresConnection(Server(**settings), {})
    if refused is None:
        await connection.check_server()
        return
    with pytest.raises(StoreError, match=refused):
        await connection.check_server()
