"""The record in one SQLite file: WAL, synchronous=FULL, one writing process.

The writer's steps run on a connection of the standard driver in one thread of its own; readers go through
ledger/store/readers.py on connections that cannot write. The writing process holds an operating-system lock on
`<file>.writer-lock` as long as it lives, so a crash frees it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Executable, RowMapping, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

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

READ_THREADS_MAX = 4
BUSY_TIMEOUT_MS = 5_000
VERSION_MIN = (3, 38, 0)  # json_each without a build option, RETURNING
PAGE_CACHE_KIB = 64 * 1024

T = TypeVar("T")


class SqliteStore:
    """One database file. `reader` never writes; `in_writer` runs on the writing connection."""

    dialect = "sqlite"

    def __init__(self, url: URL) -> None:
        """Open for reading. Raises StoreError: no file path in the URL, or the library is too old."""
        if url.database in (None, "", ":memory:"):
            raise StoreError(f"database: expected the path of a file, got {url.database!r}")
        if sqlite3.sqlite_version_info < VERSION_MIN:
            raise StoreError(f"SQLite: expected at least {VERSION_MIN}, got {sqlite3.sqlite_version}")
        self.path = Path(str(url.database))
        self.url = url
        self.reader: Reader = SqliteReader(url)
        self._thread: ThreadPoolExecutor | None = None
        self._connection: SqliteConnection | None = None
        self._lock_handle: int | None = None

    async def start_writing(self, shapes: Mapping[str, Shape]) -> None:
        """Become the one writing process. Raises StoreError: another process is, or the file cannot be opened."""
        self._lock_handle = _take_lock(self.path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-writer")
        try:
            self._connection = await self._run(lambda: SqliteConnection(self.path, shapes))
        except BaseException:
            await self.stop_writing()
            raise

    async def stop_writing(self) -> None:
        """Give the lock back. Work in the thread is finished first."""
        thread, connection = self._thread, self._connection
        self._thread = self._connection = None
        if thread is not None:
            if connection is not None:
                await asyncio.get_running_loop().run_in_executor(thread, connection.close)
            thread.shutdown(wait=True)
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None

    async def in_writer(self, work: Callable[[SqliteConnection], T]) -> T:
        """Run a function on the writing connection in the writer's thread. Raises StoreError: not writing."""
        connection = self._connection
        if connection is None:
            raise StoreError("writer: expected start_writing first, got a store that only reads")
        return await self._run(lambda: work(connection))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise StoreError("writer: expected start_writing first, got a store that only reads")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def close(self) -> None:
        """Stop writing and close the readers."""
        await self.stop_writing()
        await self.reader.close()


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
        event.listen(self._engine, "connect", _prepare_reader)
        self._threads = ThreadPoolExecutor(READ_THREADS_MAX, thread_name_prefix="ledger-reader")

    async def rows(self, query: Executable) -> list[RowMapping]:
        """Return all rows of a query, read in a thread. Raises StoreError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)
        except (SQLAlchemyError, OSError, RuntimeError) as error:  # the last: it was closed
            raise unread(error) from error

    def _read(self, query: Executable) -> list[RowMapping]:
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    async def close(self) -> None:
        """Wait for what is being read, and close the file."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()


class SqliteConnection:
    """The writing connection. Everything here runs in the writer's thread, inside a transaction of the writer."""

    def __init__(self, path: Path, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes
        # isolation_level=None: transactions are begun and ended by us alone, never by the driver.
        self.raw = sqlite3.connect(
            path, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1000, cached_statements=1024
        )
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"cache_size=-{PAGE_CACHE_KIB}",
        ):
            self.raw.execute(f"PRAGMA {pragma}")
        self.raw.execute(
            "PRAGMA secure_delete=ON"
        )  # erasure: a deleted row's bytes are overwritten (ledger/scrub.py)
        checks = (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1))
        for pragma, expected in checks:
            found = self.raw.execute(f"PRAGMA {pragma}").fetchone()[0]
            if found != expected:
                raise StoreError(f"SQLite {pragma}: expected {expected}, got {found}")

    def begin(self) -> None:
        """Begin the transaction that locks out every other writer."""
        self.raw.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make it durable."""
        self.raw.execute("COMMIT")

    def rollback(self) -> None:
        """Undo everything; after a full disk SQLite may have done so already."""
        if self.raw.in_transaction:
            self.raw.execute("ROLLBACK")

    def close(self) -> None:
        """Close, undoing what is open."""
        self.raw.close()

    def perform(self, step: Step) -> Any:
        """Do one step. Raises sqlite3.Error (see `store_error`), ProgrammingError."""
        match step:
            case Lock():
                return self._lock(step)
            case Load():
                return self._load(step)
            case Write():
                return self._write(step)
            case ReadEntries():
                sql = "SELECT CAST(canon AS BLOB) FROM entry WHERE log = ? AND seq >= ? ORDER BY seq LIMIT ?"
                return [row[0] for row in self.raw.execute(sql, (step.log, step.first_seq, step.count_max))]
            case Clear():
                return {
                    table: self.raw.execute(
                        f'DELETE FROM "{table}" WHERE log = ?{KEPT.get(table, "")}', (step.log,)
                    ).rowcount
                    for table in step.tables
                }
            case CountRows():
                return {
                    table: self.raw.execute(
                        f'SELECT count(*) FROM "{table}" WHERE log = ?', (step.log,)
                    ).fetchone()[0]
                    for table in step.tables
                }
            case ClaimJobs():
                return self._claim(step)
            case FinishJobs():
                sql = "DELETE FROM job WHERE leased_by = ? AND log = ? AND job = ?"
                return self.raw.executemany(sql, [(step.worker, *names) for names in step.jobs]).rowcount
            case ReleaseJob():
                sql = (
                    "UPDATE job SET leased_by = NULL, lease_until = NULL, due = ?, error = ?, dead = ?"
                    " WHERE leased_by = ? AND log = ? AND job = ?"
                )
                values = (step.due, step.error, int(step.dead), step.worker, step.log, step.job)
                return self.raw.execute(sql, values).rowcount

    def _lock(self, step: Lock) -> tuple[Any, ...] | None:
        # BEGIN IMMEDIATE has locked the whole file already.
        sql = "SELECT size, CAST(last_leaf AS BLOB), CAST(frontier AS BLOB), at, stopped FROM log_head WHERE log = ?"
        row: tuple[Any, ...] | None = self.raw.execute(sql, (step.log,)).fetchone()
        return row

    def _load(self, step: Load) -> dict[str, list[tuple[Any, ...]]]:
        loaded: dict[str, list[tuple[Any, ...]]] = {}
        for table, lengths in step.wanted.items():
            shape = self._shapes[table]
            rows = loaded.setdefault(table, [])
            for length, prefixes in lengths.items():
                rows += self._load_prefixes(step.log, shape, length, prefixes)
        return loaded

    def _load_prefixes(
        self, log: str, shape: Shape, length: int, prefixes: set[Key]
    ) -> list[tuple[Any, ...]]:
        # An edit in SQL leaves text where bytes were; bytes are what is hashed and opened (ledger/reader.py: stored).
        columns = ", ".join(
            f'CAST(t."{name}" AS BLOB)' if name in shape.blobs else f't."{name}"' for name in shape.columns
        )
        if length == 0:
            return self.raw.execute(
                f'SELECT {columns} FROM "{shape.name}" t WHERE t.log = ?', (log,)
            ).fetchall()
        if len(prefixes) == 1:
            where = " AND ".join(f't."{name}" = ?' for name in shape.key[:length])
            sql = f'SELECT {columns} FROM "{shape.name}" t WHERE t.log = ? AND {where}'
            return self.raw.execute(sql, (log, *next(iter(prefixes)))).fetchall()
        if length == 1:
            sql = (
                f'SELECT {columns} FROM "{shape.name}" t'
                f' WHERE t.log = ? AND t."{shape.key[0]}" IN (SELECT value FROM json_each(?))'
            )
            return self.raw.execute(
                sql, (log, orjson.dumps([key[0] for key in prefixes]).decode())
            ).fetchall()
        # CROSS JOIN keeps the keys on the outside, so that each is looked up in the primary key.
        names = enumerate(shape.key[:length])
        on = " AND ".join(f"t.\"{name}\" = json_extract(j.value, '$[{at}]')" for at, name in names)
        sql = f'SELECT {columns} FROM json_each(?) j CROSS JOIN "{shape.name}" t ON t.log = ? AND {on}'
        return self.raw.execute(sql, (orjson.dumps(list(prefixes)).decode(), log)).fetchall()

    def _write(self, step: Write) -> None:
        for write in reversed(step.tables):
            if write.deletes:
                where = " AND ".join(f'"{name}" = ?' for name in ("log", *write.shape.key))
                sql = f'DELETE FROM "{write.shape.name}" WHERE {where}'
                self.raw.executemany(sql, [(step.log, *key) for key in write.deletes])
        for write in step.tables:
            if write.updates:
                self._update(step.log, write)
            if write.inserts:
                names = ", ".join(f'"{name}"' for name in ("log", *write.shape.columns))
                marks = ", ".join("?" * (len(write.shape.columns) + 1))
                sql = f'INSERT INTO "{write.shape.name}" ({names}) VALUES ({marks})'
                self.raw.executemany(sql, [(step.log, *row) for row in write.inserts])

    def _update(self, log: str, write: TableWrite) -> None:
        width = len(write.shape.key)
        values = ", ".join(f'"{name}" = ?' for name in write.update_columns)
        where = " AND ".join(f'"{name}" = ?' for name in ("log", *write.shape.key))
        sql = f'UPDATE "{write.shape.name}" SET {values} WHERE {where}'
        count = self.raw.executemany(
            sql, [(*row[width:], log, *row[:width]) for row in write.updates]
        ).rowcount
        if count != len(write.updates):
            raise ProgrammingError(
                f"update {write.shape.name}: expected {len(write.updates)} rows, got {count}"
            )

    def _claim(self, step: ClaimJobs) -> list[tuple[Any, ...]]:
        sql = (
            "UPDATE job SET leased_by = ?, lease_until = ?, attempt = attempt + 1 WHERE rowid IN ("
            " SELECT rowid FROM job WHERE dead = 0 AND due <= ? AND (lease_until IS NULL OR lease_until <= ?)"
            f" ORDER BY due, log, job LIMIT ?) RETURNING {', '.join(JOB_COLUMNS)}"
        )
        values = (step.worker, step.lease_until, step.now, step.now, step.count_max)
        return sorted(self.raw.execute(sql, values).fetchall(), key=lambda row: (row[3], row[0], row[1]))


def store_error(error: Exception, committing: bool = False) -> Exception:
    """Return the error of ours for one of the driver's: RowRefused blames the rows, StoreError the database.

    A disk that fails while `committing` may have kept the commit: the next process to open the file would find it.
    """
    if isinstance(error, sqlite3.IntegrityError):
        return RowRefused(f"SQLite refused a row: {error}")
    if isinstance(error, sqlite3.OperationalError):
        said = f"{error} ({error.sqlite_errorname})"
        if error.sqlite_errorname == "SQLITE_FULL":
            return DiskFull(f"SQLite could not write, nothing was recorded: {said}")
        if committing and error.sqlite_errorname.startswith("SQLITE_IOERR"):
            return OutcomeUnknown(f"SQLite failed while committing: {said}")
        return StoreError(f"SQLite could not write, nothing was recorded: {said}")
    if isinstance(error, (sqlite3.Error, OverflowError, UnicodeError)):
        return RowRefused(f"SQLite cannot hold a value: {error}")
    return error


def _take_lock(path: Path) -> int:
    lock_path = path.with_name(path.name + ".writer-lock")
    try:
        handle = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"{lock_path}: expected a folder that this process may write, got {error.strerror}"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise StoreError(
            f"{path}: expected to be its one writing process, but process {holder} writes to it already;"
            " stop that one, or let it do the work"
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def _prepare_reader(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("foreign_keys=ON", "query_only=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
