"""Durable award commands per second: the writer with 64 in flight against one transaction per command.

A real shop is played up to approved award decisions once; the grant commands are kept instead of submitted. Every
measurement begins with a copy of that database and runs the same commands through `run_batch` (ledger/batch.py):

    writer     64 clients, one Writer: what the product does
    naive      64 clients with a connection each; lock the head row, one command, commit
    single     one connection, nobody else there; lock the head row, one command, commit

Rounds are interleaved and medians are compared, because a shared machine drifts. Connections are warmed by a command
that is rolled back, so that nobody pays for preparing statements.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from bench.figures import Figure
from casework.requests import THE_SYSTEM, ApproveBudget, Grant, SetBudget
from ledger.batch import run_batch
from ledger.clock import ClockWatch, HandClock
from ledger.commands import Command, Outcome
from ledger.store import open_store
from ledger.store.postgres import PostgresConnection, PostgresStore
from ledger.store.sqlite import SqliteConnection
from ledger.store.tables import metadata, shapes
from ledger.writer import Writer
from tests.casework.shop import PROJECTIONS, Shop, shop
from tests.postgres_server import execute_apart, running_postgres

AWARDS = 192
IN_FLIGHT = 64
ROUNDS = 5
BUSY_TIMEOUT_MS = 120_000
SYNC_TRIES = 300
SHAPES = shapes()


@dataclass(slots=True)
class Scene:
    """The database to start from, the commands to run, and the time at which they may run."""

    database: Path
    commands: list[Command]
    now_ms: int


@dataclass(slots=True)
class Runs:
    """What was measured on one database: commands per second per mode, seconds per command of the writer."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def add(self, mode: str, count: int, took_seconds: float) -> None:
        """Count one round."""
        self.rates.setdefault(mode, []).append(count / took_seconds)


class _Keeper:
    """Takes the place of the writer for grants: keeps the command and answers that it was done."""

    def __init__(self) -> None:
        self.kept: list[Command] = []

    async def submit(self, command: Command) -> Outcome:
        self.kept.append(command)
        return Outcome(0, 0, "", False, {"award": "kept"})


def run() -> list[Figure]:
    """Measure both databases."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = asyncio.run(_scene(folder))
        sync_seconds = _fdatasync_seconds(folder)
        figures = [
            Figure("one fdatasync", sync_seconds * 1000, "ms", note="median of 4 KiB appended and synced")
        ]
        figures += _figures("SQLite FULL", _sqlite(scene, folder), sync_seconds)
        figures += _figures("PostgreSQL", _postgres(scene), sync_seconds)
    return figures


def _figures(name: str, runs: Runs, sync_seconds: float) -> list[Figure]:
    rate = {mode: statistics.median(rates) for mode, rates in runs.rates.items()}
    cuts = statistics.quantiles(runs.seconds, n=100)
    against = f"{rate['writer']:,.0f} awards/s against"
    return [
        Figure(f"{name}: writer, {IN_FLIGHT} in flight, against naive", rate["writer"] / rate["naive"], "x", ">= 5",
               f"{against} {rate['naive']:,.0f} by {IN_FLIGHT} connections, one transaction per award"),
        Figure(f"{name}: writer against one uncontended connection", rate["writer"] / rate["single"], "x", "",
               f"{against} {rate['single']:,.0f}"),
        Figure(f"{name}: p50 of an award, {IN_FLIGHT} in flight", cuts[49] / sync_seconds, "fdatasync"),
        Figure(f"{name}: p99 of an award, {IN_FLIGHT} in flight", cuts[98] / sync_seconds, "fdatasync"),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------ the scene
async def _scene(folder: Path) -> Scene:
    """Play AWARDS cases up to an approved award decision."""
    database = folder / "scene.db"
    keeper = _Keeper()
    async with shop(f"sqlite:///{database}", folder) as stage:
        await _fill_budget(stage)
        stage.wait = lambda **passed: _tick(stage)  # type: ignore[method-assign]
        decided = []
        for _ in range(AWARDS):  # all are of one guest: a verdict beside another one of theirs is stale
            case = await stage.until("passed")
            decided.append((case, (await stage.approve(case, amount=1)).ids["decision"]))
        stage.clock.advance(60_000)
        stage.intake._writer = (
            keeper  # the one place where a bench must reach inside: to hold the command in the hand
        )
        for case, decision in decided:
            await stage.desk.grant(THE_SYSTEM, f"grant:{decision}", Grant(case, decision))
        return Scene(database, keeper.kept, stage.clock.read().unix_ms)


def _tick(stage: Shop) -> str:
    """A second at a time: the stories run beside each other, and minutes of one would be too late for another."""
    stage.clock.advance(1_000)
    return stage.now()


async def _fill_budget(stage: Shop) -> None:
    request = SetBudget(AWARDS, "bench")
    stage.budget = (await stage.office.set_budget(stage.people["owner"], "budget", request)).ids["budget"]
    await stage.office.approve_budget(
        stage.people["accountant"], "approve", ApproveBudget(stage.budget, AWARDS)
    )


def _fdatasync_seconds(folder: Path) -> float:
    took = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNC_TRIES):
            file.write(bytes(4096))
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - start)
    return statistics.median(took)


def _batch(scene: Scene, command: Command) -> Any:
    look = ClockWatch(HandClock(scene.now_ms)).look
    return run_batch(command.log, [command], look, PROJECTIONS, SHAPES)


def _check(answer: Any) -> None:
    if not isinstance(answer, Outcome):
        raise answer


# ------------------------------------------------------------------------------------------------------ the writer
async def _writer(scene: Scene, url: str) -> tuple[float, list[float]]:
    store = open_store(url)
    seconds: list[float] = []
    commands = iter(scene.commands)

    async def client(writer: Writer) -> None:
        for command in commands:
            start = time.perf_counter()
            await writer.submit(command)
            seconds.append(time.perf_counter() - start)

    async with Writer(store, PROJECTIONS, HandClock(scene.now_ms)) as writer:
        if isinstance(store, PostgresStore):
            async with store.writing() as connection:
                await _postgres_one(scene, connection, scene.commands[0], keep=False)
        else:
            await store.in_writer(
                lambda connection: _sqlite_one(scene, connection, scene.commands[0], keep=False)
            )
        start = time.perf_counter()
        await asyncio.gather(*(client(writer) for _ in range(IN_FLIGHT)))
        took = time.perf_counter() - start
    await store.close()
    return took, seconds


# ------------------------------------------------------------------------------------------------------ SQLite
def _sqlite(scene: Scene, folder: Path) -> Runs:
    runs = Runs()
    for number in range(ROUNDS):
        for mode in ("writer", "naive", "single"):
            database = folder / f"{mode}-{number}.db"
            shutil.copy(scene.database, database)
            if mode == "writer":
                took, seconds = asyncio.run(_writer(scene, f"sqlite:///{database}"))
                runs.seconds += seconds
            else:
                took = _sqlite_threads(scene, database, IN_FLIGHT if mode == "naive" else 1)
            runs.add(mode, len(scene.commands), took)
    return runs


def _sqlite_threads(scene: Scene, database: Path, count: int) -> float:
    commands, failures = iter(scene.commands), list[BaseException]()
    taking, ready = threading.Lock(), threading.Barrier(count + 1)

    def client() -> None:
        try:
            connection = SqliteConnection(database, SHAPES)
            connection.raw.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
            _sqlite_one(scene, connection, scene.commands[0], keep=False)
            ready.wait()
            while (command := _next(commands, taking)) is not None:
                _sqlite_one(scene, connection, command, keep=True)
            connection.close()
        except BaseException as error:
            failures.append(error)
            ready.abort()

    threads = [threading.Thread(target=client) for _ in range(count)]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - start


def _next(commands: Iterator[Command], taking: threading.Lock) -> Command | None:
    with taking:
        return next(commands, None)


def _sqlite_one(scene: Scene, connection: SqliteConnection, command: Command, keep: bool) -> None:
    connection.begin()
    batch, answer = _batch(scene, command), None
    while True:
        try:
            answer = connection.perform(batch.send(answer))
        except StopIteration as done:
            _check(done.value.answers[0])
            break
    connection.raw.execute("COMMIT" if keep else "ROLLBACK")


# ------------------------------------------------------------------------------------------------------ PostgreSQL
def _postgres(scene: Scene) -> Runs:
    runs = Runs()
    with running_postgres() as server:
        template = _database(server, "bench_scene")
        asyncio.run(_copy_into(scene.database, template))
        for number in range(ROUNDS):
            for mode in ("writer", "naive", "single"):
                url = _database(server, f"bench_{mode}_{number}", "bench_scene")
                if mode == "writer":
                    took, seconds = asyncio.run(_writer(scene, url))
                    runs.seconds += seconds
                else:
                    took = asyncio.run(_postgres_clients(scene, url, IN_FLIGHT if mode == "naive" else 1))
                runs.add(mode, len(scene.commands), took)
                execute_apart(server, f"DROP DATABASE bench_{mode}_{number} WITH (FORCE)")
        execute_apart(server, "DROP DATABASE bench_scene WITH (FORCE)")
    return runs


def _database(server: str, name: str, template: str = "template1") -> str:
    execute_apart(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def _copy_into(database: Path, url: str) -> None:
    """Make the schema and take over all rows; both databases hold the same values, so nothing is converted."""
    store = open_store(url)
    assert isinstance(store, PostgresStore)
    source = create_engine(f"sqlite:///{database}")
    engine = create_async_engine(store.url)
    async with engine.begin() as making:
        await making.run_sync(metadata.create_all)
    await engine.dispose()
    await store.start_writing(SHAPES)
    async with store.writing() as connection:
        with source.connect() as rows:
            for table in metadata.sorted_tables:
                records = [tuple(row) for row in rows.execute(table.select())]
                await connection.raw.copy_records_to_table(table.name, records=records)
        await connection.raw.execute("ANALYZE")
    source.dispose()
    await store.close()


async def _postgres_clients(scene: Scene, url: str, count: int) -> float:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    raws = [await asyncpg.connect(plain, statement_cache_size=1000) for _ in range(count)]
    connections = [PostgresConnection(raw, SHAPES) for raw in raws]
    for connection in connections:
        await _postgres_one(scene, connection, scene.commands[0], keep=False)
    commands = iter(scene.commands)

    async def client(connection: PostgresConnection) -> None:
        for command in commands:
            await _postgres_one(scene, connection, command, keep=True)

    start = time.perf_counter()
    await asyncio.gather(*(client(connection) for connection in connections))
    took = time.perf_counter() - start
    for raw in raws:
        await raw.close()
    return took


async def _postgres_one(scene: Scene, connection: PostgresConnection, command: Command, keep: bool) -> None:
    await connection.begin()
    batch, answer = _batch(scene, command), None
    while True:
        try:
            step = batch.send(answer)
        except StopIteration as done:
            _check(done.value.answers[0])
            break
        answer = await connection.perform(step)
    await connection.raw.execute("COMMIT" if keep else "ROLLBACK")
