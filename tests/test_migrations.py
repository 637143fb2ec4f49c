"""Migrations make the schema that the code has, on both databases, and an upgrade keeps the rows that are there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from api import schema
from casework import tables as casework_tables
from ledger.store import database_url, open_store
from ledger.store.tables import metadata

ADD_A_COLUMN = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "0001", None, None
def upgrade():
    again = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    for table in ("decision", "verdict", "log_head"):
        with op.batch_alter_table(table, recreate=again) as batch:
            batch.add_column(sa.Column("extra", sa.Text(), nullable=False, server_default="none"))
    FAIL
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a.db'}"
    fresh: str = request.getfixturevalue("fresh_postgres_url")
    return fresh


def described(connection: Connection) -> dict[str, Any]:
    """Everything the database says about its tables, in an order of its own."""
    seen = inspect(connection)
    tables: dict[str, Any] = {}
    for table in sorted(set(seen.get_table_names()) - {"alembic_version"}):
        checks = [
            (check["name"], check["sqltext"].replace(" ", "")) for check in seen.get_check_constraints(table)
        ]
        tables[table] = {
            "columns": [(one["name"], str(one["type"]), one["nullable"]) for one in seen.get_columns(table)],
            "key": seen.get_pk_constraint(table),
            "parents": sorted(seen.get_foreign_keys(table), key=repr),
            "unique": sorted(seen.get_unique_constraints(table), key=repr),
            "indexes": sorted(seen.get_indexes(table), key=repr),
            "checks": sorted(checks),
        }
    return tables


async def described_at(url: str, make: bool = False) -> dict[str, Any]:
    engine = create_async_engine(database_url(url))
    async with engine.begin() as connection:
        if make:
            await connection.run_sync(metadata.create_all)
        found = await connection.run_sync(described)
    await engine.dispose()
    return found


async def test_migrations_make_the_schema_of_the_code(url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(schema.upgrade, url)
    await asyncio.to_thread(schema.upgrade, url)  # nothing to do is no error
    made = await described_at(url)
    assert set(made) == set(metadata.tables)
    engine = create_async_engine(database_url(url))
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
        store = open_store(url)
        await schema.check_schema(store.reader)
        await store.close()
        await connection.run_sync(lambda sync: sync.rollback())
        if connection.dialect.name == "sqlite":
            assert made == await described_at(f"sqlite:///{tmp_path / 'made.db'}", make=True)
        else:
            await connection.run_sync(metadata.drop_all)
            await connection.commit()
            assert made == await described_at(url, make=True)
    await engine.dispose()
    assert differences == [], "write a migration: python -m tools.new_migration"


def with_another(tmp_path: Path, url: str, fail: str = "") -> Config:
    """Our migrations and one more that changes tables with rows and children."""
    versions = tmp_path / "versions"
    versions.mkdir(exist_ok=True)
    (versions / "9999_add.py").write_text(ADD_A_COLUMN.replace("FAIL", fail))
    config = schema._config(url)
    config.set_main_option("version_locations", f"{schema.MIGRATIONS / 'versions'}:{versions}")
    config.set_main_option("path_separator", ":")
    return config


def filled(name: str, **given: Any) -> dict[str, Any]:
    """A row with something in every column."""
    table = metadata.tables[name]
    row = {column.name: b"b" if "hash" in column.name or column.name in {"last_leaf", "frontier"}
           else 1 if str(column.type) == "BIGINT" else "x" for column in table.columns}  # fmt: skip
    return row | given


async def fill(url: str) -> None:
    engine = create_async_engine(database_url(url))
    rule = {"decision_about": "award", "decision_verb": "approved", "verdict_result": "pass"}
    async with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        for row in (
            ("log_head", filled("log_head")),
            ("decision", filled("decision", about="award", verb="approved")),
            ("verdict", filled("verdict", result="pass")),
            ("award", filled("award", **rule)),
            ("award_share", filled("award_share")),
        ):
            await connection.execute(metadata.tables[row[0]].insert(), row[1])
    await engine.dispose()


async def rows_at(url: str) -> dict[str, list[Any]]:
    store = open_store(url)
    found = {
        t.name: [tuple(row.values()) for row in await store.reader.rows(t.select())]
        for t in metadata.sorted_tables
    }
    await store.close()
    return found


async def test_an_upgrade_keeps_rows_and_their_children(url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(schema.upgrade, url)
    await fill(url)
    before = await rows_at(url)
    assert before["award_share"], "the test needs a child of a child"
    await asyncio.to_thread(command.upgrade, with_another(tmp_path, url), "head")
    assert await rows_at(url) == before
    store = open_store(url)
    (row,) = await store.reader.rows(text("SELECT extra FROM decision"))
    assert row["extra"] == "none"
    with pytest.raises(schema.SchemaBehind, match="expected schema 0001, got 9999"):
        await schema.check_schema(store.reader)
    await store.close()
    # The rule of the database stands after the change: an award without its decision is refused.
    bare = filled("award", award="bare", decision="none", decision_about="award", decision_verb="approved")
    engine = create_async_engine(database_url(url))
    with pytest.raises(IntegrityError):
        async with engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                await connection.exec_driver_sql("PRAGMA foreign_keys=ON")
            await connection.execute(casework_tables.award.insert(), bare | {"verdict_result": "pass"})
    await engine.dispose()


@pytest.mark.parametrize(
    ("fail", "error"),
    [
        ("raise KeyError('half way')", KeyError),
        ("op.execute('DELETE FROM decision')", (RuntimeError, DBAPIError)),
    ],
    ids=["an error half way", "rows that lost their parent"],
)
async def test_an_upgrade_that_fails_changes_nothing(url: str, tmp_path: Path, fail: str, error: Any) -> None:
    await asyncio.to_thread(schema.upgrade, url)
    await fill(url)
    before, tables = await rows_at(url), await described_at(url)
    with pytest.raises(error):
        await asyncio.to_thread(command.upgrade, with_another(tmp_path, url, fail), "head")
    assert (await rows_at(url), await described_at(url)) == (before, tables)
    await asyncio.to_thread(schema.upgrade, url)
