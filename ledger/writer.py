"""The writer: the only place that commits. Every door hands its commands here.

    submit(command)  ->  a queue per log  ->  run_batch (ledger/batch.py) over all that waits  ->  commit  ->  answers

There is no artificial delay: while one batch is being written the next one gathers. A batch that fails is rolled back
whole and replayed one command per transaction, so that the culprit alone gets the error. What a crash costs at each
point: before the commit nothing was written and nobody was told; after it everything stands and a client that was not
told retries with the same key and gets the first answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from ledger.batch import Answer, BatchDone, run_batch
from ledger.changes import Projection
from ledger.clock import SIMULATED_SUFFIX, Clock, ClockWatch
from ledger.commands import Command, Outcome
from ledger.errors import LedgerError, OutcomeUnknown, ProgrammingError, Refused, RowRefused, StoreError
from ledger.steps import Work
from ledger.store import Store
from ledger.store.postgres import PostgresConnection, PostgresStore
from ledger.store.postgres import store_error as postgres_error
from ledger.store.sqlite import SqliteConnection, SqliteStore
from ledger.store.sqlite import store_error as sqlite_error
from ledger.store.tables import shapes

BATCH_COMMANDS_MAX = 256
QUEUE_COMMANDS_MAX = 10_000
KEY_SIZE_MAX_CHARACTERS = 255

_journal = logging.getLogger(__name__)

_Waiting = tuple[Command, "asyncio.Future[Outcome]"]


class _Lane:
    """What waits for one log, and the task that writes it."""

    __slots__ = ("queue", "task")

    def __init__(self) -> None:
        self.queue: deque[_Waiting] = deque()
        self.task: asyncio.Task[None] | None = None


class Writer:
    """Turns commands into entries, for any number of logs in one database.

    `projections` are those of all packages. Use as `async with Writer(store, projections, clock) as writer`.
    `trouble` is None, or the sentence that says why the last write failed (the database, not a command): for `/readyz`.
    """

    def __init__(self, store: Store, projections: Sequence[Projection], clock: Clock) -> None:
        self._store = store
        self._projections = tuple(projections)
        self._simulated = clock.simulated
        self._watch = ClockWatch(clock)
        self._shapes = shapes()
        self._lanes: dict[str, _Lane] = {}
        self._waiting_count = 0
        self._open = False
        self.trouble: str | None = None

    async def __aenter__(self) -> Writer:
        """Begin. Raises StoreError: the database is not ours to write, or not fit."""
        await self._store.start_writing(self._shapes)
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Refuse new commands, write what waits, give the database back."""
        self._open = False
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._store.stop_writing()

    def now(self) -> str:
        """Return the time as the writer's clock tells it, RFC 3339 UTC. Raises Stopped."""
        return self._watch.now()

    async def submit(self, command: Command) -> Outcome:
        """Have one command decided, written and made durable. Cancelling the wait does not take the command back.

        Raises:
            Refused: by the rule, or `idempotency_mismatch`, `unknown_log`, `simulated_clock`, `busy`, `malformed_key`.
            Stopped: the log waits for a person.
            StoreError: the database failed and nothing was written.
            OutcomeUnknown: the connection was lost while committing; the same key again gives the one answer.
        """
        self._check(command)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        lane = self._lanes.get(command.log)
        if lane is None:
            lane = self._lanes[command.log] = _Lane()
        lane.queue.append((command, future))
        self._waiting_count += 1
        if lane.task is None:
            lane.task = asyncio.create_task(self._drain(command.log, lane))
        return await future

    async def maintain(self, work: Work) -> Any:
        """Run other work that writes (job leases, rebuild) in one transaction of its own and return its value.

        Raises:
            StoreError: the database failed; nothing was written.
        """
        if not self._open:
            raise StoreError("writer: expected an open one, got one that is closed")
        return await self._transact(work)

    def _check(self, command: Command) -> None:
        if not self._open:
            raise StoreError("writer: expected an open one, got one that is closed")
        if self._waiting_count >= QUEUE_COMMANDS_MAX:
            raise Refused(
                "busy", f"queue: expected fewer than {QUEUE_COMMANDS_MAX} waiting commands, got as many"
            )
        if self._simulated and not command.log.endswith(SIMULATED_SUFFIX):
            raise Refused(
                "simulated_clock",
                f"log: expected an origin that ends in {SIMULATED_SUFFIX}, got {command.log!r}",
            )
        if not 0 < len(command.key) <= KEY_SIZE_MAX_CHARACTERS or not command.key.isprintable():
            raise Refused(
                "malformed_key", f"key: expected 1 to {KEY_SIZE_MAX_CHARACTERS} printable characters", "/key"
            )
        texts = [command.log, command.actor.id, *(part for need in command.needs for part in need.key)]
        if not all(_is_storable(text) for text in texts):
            raise Refused(
                "malformed_id", "id: expected text without NUL characters and lone surrogates, got one"
            )

    # ------------------------------------------------------------------------------------------ batches
    async def _drain(self, log: str, lane: _Lane) -> None:
        batch: list[_Waiting] = []
        try:
            while lane.queue:
                batch = [lane.queue.popleft() for _ in range(min(len(lane.queue), BATCH_COMMANDS_MAX))]
                self._waiting_count -= len(batch)
                await self._write(log, batch)
        finally:
            # In the good case nobody is left. Otherwise the loop is ending, and nobody may wait for ever.
            del self._lanes[log]
            self._waiting_count -= len(lane.queue)
            for _, future in batch:
                _resolve(future, OutcomeUnknown("writer: expected to finish, was stopped in the middle"))
            for _, future in lane.queue:
                _resolve(future, StoreError("writer: expected to begin, was stopped; nothing was recorded"))

    async def _write(self, log: str, batch: Sequence[_Waiting]) -> None:
        """Write one batch and answer everybody in it."""
        commands = [command for command, _ in batch]
        try:
            done: BatchDone = await self._transact(
                run_batch(log, commands, self._watch.look, self._projections, self._shapes)
            )
        except Exception as error:
            if len(batch) == 1 or _is_database_trouble(error):
                for _, future in batch:
                    _resolve(future, _answer_of(error))
                return
            _journal.warning("batch of %d commands failed, replaying one by one: %s", len(batch), error)
            for waiting in batch:
                await self._write(log, [waiting])
            return
        self._watch.accept(log, done.tick)
        for (_, future), answer in zip(batch, done.answers, strict=True):
            _resolve(future, answer)

    async def _transact(self, work: Work) -> Any:
        try:
            if isinstance(self._store, SqliteStore):
                value = await self._store.in_writer(lambda connection: _drive_sqlite(connection, work))
            else:
                value = await _drive_postgres(self._store, work)
        except Exception as error:
            if _is_database_trouble(error):
                self.trouble = str(error)
                _journal.error("the database cannot be written: %s", error)
            raise
        self.trouble = None
        return value


def _drive_sqlite(connection: SqliteConnection, work: Work) -> Any:
    """Perform work in one transaction, in the writer's thread."""
    committing = False
    try:
        connection.begin()
        answer: Any = None
        while True:
            try:
                step = work.send(answer)
            except StopIteration as done:
                value = done.value
                break
            answer = connection.perform(step)
        committing = True
        connection.commit()
        return value
    except BaseException as error:
        work.close()
        connection.rollback()
        ours = sqlite_error(error, committing) if isinstance(error, Exception) else error
        if ours is error:
            raise
        raise ours from error


async def _drive_postgres(store: PostgresStore, work: Work) -> Any:
    """Perform work in one transaction, on a connection of the store's writing pool."""
    connection: PostgresConnection | None = None
    committing = False
    try:
        async with store.writing() as connection:
            await connection.begin()
            answer: Any = None
            while True:
                try:
                    step = work.send(answer)
                except StopIteration as done:
                    value = done.value
                    break
                answer = await connection.perform(step)
            committing = True
            await connection.commit()
            return value
    except BaseException as error:
        work.close()
        ours = postgres_error(error, committing) if isinstance(error, Exception) else error
        if ours is error:
            raise
        raise ours from error


def _is_storable(part: Any) -> bool:
    if type(part) is int:
        return -(2**63) <= part < 2**63
    if type(part) is not str or "\x00" in part:
        return False
    return part.isascii() or not any("\ud800" <= character <= "\udfff" for character in part)


def _is_database_trouble(error: Exception) -> bool:
    return isinstance(error, StoreError) and not isinstance(error, RowRefused)


def _answer_of(error: Exception) -> LedgerError:
    """Return what a caller is told. Trouble of the database is told to many, each with an error of its own."""
    if isinstance(error, LedgerError) and not _is_database_trouble(error):
        return error
    if isinstance(error, StoreError):
        told: LedgerError = type(error)(str(error))
    else:
        told = ProgrammingError(f"batch: expected to be written, got {error!r}")
    told.__cause__ = error
    return told


def _resolve(future: asyncio.Future[Outcome], answer: Answer) -> None:
    if future.done():
        return  # the caller went away; what was written stays
    if isinstance(answer, Outcome):
        future.set_result(answer)
    else:
        future.set_exception(answer)
