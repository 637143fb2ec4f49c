"""Reading by organisation: in one place of the source, with our own error while the database goes away, and never a
list that was cut without a word."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from api import scope
from api.scope import KeyHolders, logs
from casework.tables import member
from ledger.errors import ProgrammingError, StoreError
from tests.api.house import House, Team
from tests.casework.shop import shop
from tests.postgres_server import execute_apart

API = Path(__file__).resolve().parents[2] / "api"
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


async def test_a_list_without_a_limit_is_whole_or_refused(
    at: House, ours: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (await at.app.state.installation.rooms(ours.log)).rows
    there = await rows.find(member)
    monkeypatch.setattr(scope, "SCAN_ROWS_MAX", len(there))
    assert await rows.find(member) == await rows.scan("member", ()) == there
    monkeypatch.setattr(scope, "SCAN_ROWS_MAX", len(there) - 1)
    expected = f"member: expected at most {len(there) - 1} rows at once, got more"
    for read in (rows.find(member), rows.scan("member", ())):
        with pytest.raises(ProgrammingError, match=expected):
            await read
    assert await rows.find(member, limit=2) == there[:2]


def test_the_log_column_is_named_in_one_place() -> None:
    """Only scope.py may write `<table>.c.log`: a query elsewhere could forget it, or name another's."""
    for file in sorted(API.rglob("*.py")):
        if file.name == "scope.py" or "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                assert (node.value.attr, node.attr) != ("c", "log"), (file, node.lineno)
            assert not (isinstance(node, ast.Name) and node.id == "select"), (
                file,
                getattr(node, "lineno", 0),
            )
