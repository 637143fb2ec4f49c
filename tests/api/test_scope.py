"""Reading while the database goes away: our own error, so that a door answers 503, and the next read works."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.scope import KeyHolders, logs
from ledger.errors import StoreError
from tests.casework.shop import shop
from tests.postgres_server import execute_apart

END_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


async def test_reading_fails_with_our_own_error_when_the_server_ends_the_connection(
    fresh_postgres_url: str, tmp_path: Path
) -> None:
    async with shop(fresh_postgres_url, tmp_path) as here:
        reads = (
            lambda: here.rows.get("budget", (here.budget,)),
            lambda: KeyHolders(here.store.reader).link("00" * 32),
            lambda: logs(here.store.reader),
        )
        for read in reads:
            await read()
            execute_apart(fresh_postgres_url, END_ALL)
            with pytest.raises(StoreError, match="could not be read"):
                await read()
            await read()
