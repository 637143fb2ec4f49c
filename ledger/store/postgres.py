"""The record in PostgreSQL 15 to 18: any number of processes may write, the head row decides whose turn it is.

Write transactions use the asyncpg connection below SQLAlchemy's pool, and only it: SQLAlchemy begins lazily, so that a
COPY before its own first statement would run outside any transaction. Here BEGIN and COMMIT are sent by us. Readers go
through ledger/store/readers.py on sessions that cannot write.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import Executable, RowMapping
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ledger.changes import Key
from ledger.errors import DiskFull, OutcomeUnknown, ProgrammingError, RowRefused, StoreError
from ledger.overlay import Shape, TableWrite
from ledger.steps import (
    JOB_COLUMNS,
    KEPT,
    ClaimJobs,
    Clear,
    CountRows,
    FinishJobs,
    Load,
    Lock,
    ReadEntries,
    ReleaseJob,
    Step,
    Write,
)
from ledger.store.readers import Reader, unread

WRITE_CONNECTIONS_MAX = 4
READ_CONNECTIONS_MAX = 16
LOCK_TIMEOUT_SECONDS = 30
STATEMENTS_KEPT = 1_000
VERSION_NUM_MIN = 150_000
CONNECTION_ENDED = ("08", "57P")
"""SQLSTATEs (PostgreSQL, appendix A) of a connection that ended: connection exceptions, operator intervention."""

_WRITER_SETTINGS = {
    "application_name": "tallystick-writer",
    "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
    # The writer's statements go by primary key. A plan made while a table was small must not read it whole later.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class PostgresStore:
    """One database. `reader` never writes; `writing` gives a connection for one transaction."""

    dialect = "postgresql"

    def __init__(self, url: URL) -> None:
        self.url = url
        self.reader: Reader = PostgresReader(url)
        self._writer: AsyncEngine | None = None
        self._shapes: Mapping[str, Shape] = {}

    async def start_writing(self, shapes: Mapping[str, Shape]) -> None:
        """Check the server. Raises StoreError: it is too old, does not commit durably, or cannot be reached."""
        self._shapes = shapes
        self._writer = create_async_engine(
            self.url,
            pool_size=WRITE_CONNECTIONS_MAX,
            max_overflow=0,
            pool_reset_on_return=None,  # `writing` has ended its transaction, or thrown the connection away
            connect_args={"server_settings": _WRITER_SETTINGS, "statement_cache_size": STATEMENTS_KEPT},
        )
        try:
            async with self.writing() as connection:
                await connection.check_server()
        except BaseException as error:
            await self.stop_writing()
            if isinstance(error, Exception):
                raise store_error(error) from error
            raise

    async def stop_writing(self) -> None:
        """Close the writing connections."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[PostgresConnection]:
        """Give a connection; if the block raises, its transaction is undone. Raises StoreError: not writing."""
        if self._writer is None:
            raise StoreError("writer: expected start_writing first, got a store that only reads")
        pooled = await self._writer.connect()
        try:
            driver: Any = (await pooled.get_raw_connection()).driver_connection
            if driver.is_closed():
                # The server ended it while it lay in the pool (a restart, a failover); nothing was begun on it.
                await pooled.invalidate()
                await pooled.close()
                pooled = await self._writer.connect()
                driver = (await pooled.get_raw_connection()).driver_connection
            connection = PostgresConnection(driver, self._shapes)
            yield connection
        except BaseException:
            # A new connection costs less than finding out in what state this one is; the server undoes what was open.
            await pooled.invalidate()
            raise
        finally:
            await pooled.close()

    async def close(self) -> None:
        """Stop writing and close the readers."""
        await self.stop_writing()
        await self.reader.close()


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
            raise unread(error) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


class PostgresConnection:
    """A writing connection, inside a transaction of the writer."""

    def __init__(self, raw: Any, shapes: Mapping[str, Shape]) -> None:
        self.raw = raw
        self._shapes = shapes

    async def check_server(self) -> None:
        """Raises StoreError: too old, or commits are not durable."""
        version = int(await self.raw.fetchval("SHOW server_version_num"))
        if version < VERSION_NUM_MIN:
            raise StoreError(f"PostgreSQL: expected at least {VERSION_NUM_MIN}, got {version}")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            if await self.raw.fetchval(f"SHOW {name}") == "off":
                raise StoreError(
                    f"PostgreSQL {name}: expected on, got off; an acknowledged entry could be lost"
                )

    async def begin(self) -> None:
        """Begin. READ COMMITTED: what is loaded after the lock is what the last holder committed."""
        await self.raw.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")

    async def commit(self) -> None:
        """Make it durable. An error here leaves it unknown whether it was; the idempotency key tells on the retry."""
        await self.raw.execute("COMMIT")

    async def perform(self, step: Step) -> Any:
        """Do one step. Raises asyncpg errors (see `store_error`), ProgrammingError."""
        if not self.raw.is_in_transaction():
            raise ProgrammingError("step: expected an open transaction, got none")
        match step:
            case Lock():
                return await self._lock(step)
            case Load():
                return await self._load(step)
            case Write():
                return await self._write(step)
            case ReadEntries():
                sql = "SELECT canon FROM entry WHERE log = $1 AND seq >= $2 ORDER BY seq LIMIT $3"
                return [row[0] for row in await self.raw.fetch(sql, step.log, step.first_seq, step.count_max)]
            case Clear():
                return {
                    table: _count(
                        await self.raw.execute(
                            f'DELETE FROM "{table}" WHERE log = $1{KEPT.get(table, "")}', step.log
                        )
                    )
                    for table in step.tables
                }
            case CountRows():
                return {
                    table: await self.raw.fetchval(f'SELECT count(*) FROM "{table}" WHERE log = $1', step.log)
                    for table in step.tables
                }
            case ClaimJobs():
                return await self._claim(step)
            case FinishJobs():
                sql = (
                    "DELETE FROM job USING unnest($2::text[], $3::text[]) AS u(log, job)"
                    " WHERE job.log = u.log AND job.job = u.job AND leased_by = $1"
                )
                logs, names = [log for log, _ in step.jobs], [job for _, job in step.jobs]
                return _count(await self.raw.execute(sql, step.worker, logs, names))
            case ReleaseJob():
                sql = (
                    "UPDATE job SET leased_by = NULL, lease_until = NULL, due = $4, error = $5, dead = $6"
                    " WHERE leased_by = $1 AND log = $2 AND job = $3"
                )
                values = (step.worker, step.log, step.job, step.due, step.error, int(step.dead))
                return _count(await self.raw.execute(sql, *values))

    async def _lock(self, step: Lock) -> tuple[Any, ...] | None:
        sql = "SELECT size, last_leaf, frontier, at, stopped FROM log_head WHERE log = $1 FOR UPDATE"
        row = await self.raw.fetchrow(sql, step.log)
        if row is None:
            # No row to lock yet: whoever opens the log first holds this lock until then, the others look again.
            await self.raw.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", step.log)
            row = await self.raw.fetchrow(sql, step.log)
        return None if row is None else tuple(row)

    async def _load(self, step: Load) -> dict[str, list[Any]]:
        loaded: dict[str, list[Any]] = {}
        for table, lengths in step.wanted.items():
            shape = self._shapes[table]
            rows = loaded.setdefault(table, [])
            for length, prefixes in lengths.items():
                rows += await self._load_prefixes(step.log, shape, length, prefixes)
        return loaded

    async def _load_prefixes(self, log: str, shape: Shape, length: int, prefixes: set[Key]) -> list[Any]:
        columns = ", ".join(f't."{name}"' for name in shape.columns)
        if length == 0:
            rows: list[Any] = await self.raw.fetch(
                f'SELECT {columns} FROM "{shape.name}" t WHERE t.log = $1', log
            )
            return rows
        names = shape.key[:length]
        if length == 1:
            where = f't."{names[0]}" = ANY($2::{_array(shape, names[0])})'
            sql = f'SELECT {columns} FROM "{shape.name}" t WHERE t.log = $1 AND {where}'
            rows = await self.raw.fetch(sql, log, [key[0] for key in prefixes])
            return rows
        join = " AND ".join(f't."{name}" = u.k{at}' for at, name in enumerate(names))
        sql = (
            f"SELECT {columns} FROM unnest({_arrays(shape, names, 2)}) AS u({_aliases('k', len(names))})"
            f' JOIN "{shape.name}" t ON {join} WHERE t.log = $1'
        )
        rows = await self.raw.fetch(sql, log, *_columns(list(prefixes), length))
        return rows

    async def _write(self, step: Write) -> None:
        for write in reversed(step.tables):
            if write.deletes:
                shape = write.shape
                where = " AND ".join(f't."{name}" = u.k{at}' for at, name in enumerate(shape.key))
                sql = f'DELETE FROM "{shape.name}" t USING unnest({_arrays(shape, shape.key, 2)})'
                sql += f" AS u({_aliases('k', len(shape.key))}) WHERE t.log = $1 AND {where}"
                await self.raw.execute(sql, step.log, *_columns(write.deletes, len(shape.key)))
        for write in step.tables:
            if write.updates:
                await self._update(step.log, write)
            if write.inserts:
                await self._insert(step.log, write)

    async def _insert(self, log: str, write: TableWrite) -> None:
        records = [(log, *row) for row in write.inserts]
        columns = ("log", *write.shape.columns)
        try:
            await self.raw.copy_records_to_table(write.shape.name, records=records, columns=columns)
        except (TypeError, ValueError, OverflowError) as error:
            # COPY encodes here, not on the server, and says so in Python's own words.
            raise RowRefused(f"PostgreSQL cannot hold a value in {write.shape.name}: {error}") from error

    async def _update(self, log: str, write: TableWrite) -> None:
        shape = write.shape
        values = ", ".join(f'"{name}" = u.v{at}' for at, name in enumerate(write.update_columns))
        where = "".join(f' AND t."{name}" = u.k{at}' for at, name in enumerate(shape.key))
        names = (*shape.key, *write.update_columns)
        aliases = [f"k{at}" for at in range(len(shape.key))] + [
            f"v{at}" for at in range(len(write.update_columns))
        ]
        sql = (
            f'UPDATE "{shape.name}" t SET {values} FROM unnest({_arrays(shape, names, 2)})'
            f" AS u({', '.join(aliases)}) WHERE t.log = $1{where}"
        )
        count = _count(await self.raw.execute(sql, log, *_columns(write.updates, len(names))))
        if count != len(write.updates):
            raise ProgrammingError(f"update {shape.name}: expected {len(write.updates)} rows, got {count}")

    async def _claim(self, step: ClaimJobs) -> list[tuple[Any, ...]]:
        sql = (
            "UPDATE job t SET leased_by = $1, lease_until = $2, attempt = t.attempt + 1 FROM ("
            " SELECT log, job FROM job WHERE dead = 0 AND due <= $3 AND (lease_until IS NULL OR lease_until <= $3)"
            " ORDER BY due, log, job LIMIT $4 FOR UPDATE SKIP LOCKED) u WHERE t.log = u.log AND t.job = u.job"
            f" RETURNING {', '.join(f't.{name}' for name in JOB_COLUMNS)}"
        )
        rows = await self.raw.fetch(sql, step.worker, step.lease_until, step.now, step.count_max)
        return sorted((tuple(row) for row in rows), key=lambda row: (row[3], row[0], row[1]))


def store_error(error: Exception, committing: bool = False) -> Exception:
    """Return the error of ours for one of the driver's: RowRefused blames the rows, StoreError the database.

    asyncpg raises its own errors; SQLAlchemy's come from its pool alone. A connection that ends while `committing`
    leaves open whether the server committed.
    """
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return RowRefused(f"PostgreSQL refused a row: {error}")
    if isinstance(error, asyncpg.DataError) or (
        isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "").startswith("22")
    ):
        return RowRefused(f"PostgreSQL cannot hold a value: {error}")
    if isinstance(
        error, (asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, OSError, TimeoutError)
    ):
        state = (error.sqlstate or "") if isinstance(error, asyncpg.PostgresError) else None
        said = str(error) or type(error).__name__
        if state == asyncpg.DiskFullError.sqlstate:
            return DiskFull(f"PostgreSQL could not write, nothing was recorded: {said}")
        if committing and (state is None or state.startswith(CONNECTION_ENDED)):
            return OutcomeUnknown(f"PostgreSQL went away while committing: {said}")
        return StoreError(f"PostgreSQL could not write, nothing was recorded: {said}")
    return error


def _count(status: str) -> int:
    """Read the row count from a command tag such as `UPDATE 3`."""
    return int(status.rsplit(" ", 1)[-1])


def _array(shape: Shape, name: str) -> str:
    return "int8[]" if name in shape.integers else "bytea[]" if name in shape.blobs else "text[]"


def _arrays(shape: Shape, names: tuple[str, ...], first: int) -> str:
    return ", ".join(f"${at}::{_array(shape, name)}" for at, name in enumerate(names, first))


def _aliases(letter: str, count: int) -> str:
    return ", ".join(f"{letter}{at}" for at in range(count))


def _columns(rows: Any, width: int) -> list[list[Any]]:
    """Turn rows into one list per column."""
    return [[row[at] for row in rows] for at in range(width)]
