"""How Alembic reaches the database: one asynchronous way for SQLite and PostgreSQL, each upgrade in one transaction.

`api/schema.py` calls it. The URL comes in the option `sqlalchemy.url`, with or without our drivers.
"""

from __future__ import annotations

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from api import tables as api_tables
from casework import tables as casework_tables
from ledger.store import database_url
from ledger.store.tables import metadata
from playbooks import tables as playbooks_tables

TABLES_OF = (casework_tables, playbooks_tables, api_tables)
"""Imported so that their tables stand on the MetaData."""


def _engine(url: str) -> AsyncEngine:
    engine = create_async_engine(database_url(url), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        # The driver would commit before each change of the schema; with these two BEGIN is ours, nothing is half done.
        event.listen(engine.sync_engine, "connect", _no_own_transactions)
        event.listen(
            engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE")
        )
    return engine


def _no_own_transactions(connection: Any, record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    # SQLite changes a table by making a new one and dropping the old: with the keys on, that would delete its children.
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,  # Alembic does not expect it of SQLite; with a BEGIN of ours it holds
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            orphans = connection.execute(text("PRAGMA foreign_key_check")).all()
            if orphans:
                raise RuntimeError(f"migration: expected every row to keep its parent, got {orphans[:5]}")


async def _run() -> None:
    url = context.config.get_main_option("sqlalchemy.url")
    if url is None or context.is_offline_mode():
        raise RuntimeError(
            "migration: expected a database URL and a connection, got none (no SQL is written offline)"
        )
    engine = _engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
    finally:
        await engine.dispose()


asyncio.run(_run())
