"""A real organisation on a given store, that can be stopped at any step and opened again: for machines and kills.

Real parts throughout: store, writer, vault, keys, guard, publisher, desk. Clock and entropy are given (by hand,
seeded), so one schedule on two databases must leave the same bytes. Only two things stand between: a gate that lets
prepared commands into the writer together, and a fault that breaks the database at a step, in the driver's words.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from api.scope import Scoped
from casework.audit import Earned
from casework.audit import audit as audit_earned
from casework.desk import Desk
from casework.intake import Done, Intake
from casework.office import Office
from casework.requests import (
    ApproveBudget,
    GrantAuthority,
    JoinMember,
    OpenLog,
    Principal,
    PublishPolicy,
    RegisterAgent,
    RegisterSource,
    SetBudget,
)
from ledger import codec, ed25519
from ledger.audit import audit as audit_intact
from ledger.blobs import FolderBlobs
from ledger.book import Book, postings
from ledger.clock import Clock, HandClock, unix_ms_of
from ledger.commands import Command, Outcome
from ledger.entries import Entry
from ledger.entropy import Entropy, SeededEntropy
from ledger.export import DatabaseSource
from ledger.findings import Result
from ledger.guard import FileGuard
from ledger.keys import KeyFolder
from ledger.publish import CommandShelf, Publisher
from ledger.reader import LogReader
from ledger.reading import read_entry
from ledger.rebuild import rebuild
from ledger.store import Store, open_store
from ledger.store.postgres import PostgresConnection
from ledger.store.sqlite import SqliteStore
from ledger.store.tables import derived_tables, metadata, shapes
from ledger.vault import Vault
from ledger.writer import Writer
from tests.casework.shop import POLICY, PROJECTIONS
from verifiers.policy import policy_digest

START = "2026-11-20T10:00:00.000Z"
FAULTS = ("Lock", "Load", "Write", "commit", "committed")
"""Where the database may break: at a step of the batch, before its commit, or after it and before anybody is told."""


@dataclass
class Fault:
    """Breaks the database once, at the point it is set to."""

    point: str | None = None

    def at(self, point: str, error: Callable[[], Exception]) -> None:
        """Break if this is the point."""
        if self.point == point:
            self.point = None
            raise error()


class Gate:
    """Holds commands until they are let in together; open, it lets each one pass."""

    def __init__(self) -> None:
        self.writer: Writer | None = None
        self.closed = False
        self.waiting: list[tuple[Command, asyncio.Future[Outcome]]] = []
        self.arrived = asyncio.Event()

    async def submit(self, command: Command) -> Outcome:
        """Stand in for the writer."""
        assert self.writer is not None
        if not self.closed:
            return await self.writer.submit(command)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.waiting.append((command, future))
        self.arrived.set()
        return await future

    async def let_in(self) -> None:
        """Hand over everything that waits, in order and in one turn of the loop: one batch."""
        assert self.writer is not None
        waiting, self.waiting = self.waiting, []
        tasks = [asyncio.create_task(self.writer.submit(command)) for command, _ in waiting]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for (_, future), answer in zip(waiting, answers, strict=True):
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)


@dataclass(frozen=True)
class Terms:
    """What an organisation begins with. `path_seconds_min`: how fast a case may be solved and still be believed."""

    budget_tokens: int = 200
    undo_seconds: int = 10
    path_seconds_min: int = 120


@dataclass
class World:
    """One organisation and everything a process holds open for it. Use `World.open` and `reopen`."""

    log: str
    url: str
    folder: Path
    clock: Clock
    entropy: Entropy
    gate: Gate = field(default_factory=Gate)
    fault: Fault = field(default_factory=Fault)
    people: dict[str, Principal] = field(default_factory=dict)
    budget: str = ""
    store: Store = field(init=False)
    writer: Writer = field(init=False)
    vault: Vault = field(init=False)
    rows: Scoped = field(init=False)
    reader: LogReader = field(init=False)
    desk: Desk = field(init=False)
    office: Office = field(init=False)
    publisher: Publisher = field(init=False)

    @classmethod
    async def open(
        cls, log: str, url: str, folder: Path, clock: Clock | None = None, terms: Terms | None = None
    ) -> World:
        """Make keys and guard, open the log, furnish it: people, powers, a source, a policy, a budget."""
        world = cls(log, url, folder, clock or HandClock(unix_ms_of(START)), SeededEntropy(log))
        KeyFolder(folder / "keys", log).create(world.entropy)
        FileGuard(folder / "guard").enrol(log)
        await world.reopen()
        await _furnish(world, terms or Terms())
        return world

    async def reopen(self) -> None:
        """Begin as a process does: nothing is known but files and database (and, for tests, people's names)."""
        self.store = open_store(self.url)
        self.writer = await Writer(self.store, PROJECTIONS, self.clock).__aenter__()
        self.gate.writer, self.fault.point = self.writer, None
        _break_at(self.store, self.fault)
        keys = KeyFolder(self.folder / "keys", self.log).load()
        self.vault = Vault(self.log, keys.organisation, self.entropy, FolderBlobs(self.folder / "blobs"))
        self.reader = LogReader(self.store.reader, self.log)
        self.rows = Scoped(self.store.reader, self.log, self.vault, self.reader)
        intake = Intake(
            self.log, self.gate, self.rows, self.vault, self.entropy, self.unix_ms, keys.decision_token
        )
        self.desk, self.office = Desk(intake), Office(intake)
        shelf = CommandShelf(self.log, self.writer.submit)
        load = KeyFolder(self.folder / "keys", self.log).load
        guard = FileGuard(self.folder / "guard")
        self.publisher = Publisher(self.log, self.reader, shelf, guard, load, lambda: self.unix_ms() / 1000)

    async def drop(self) -> None:
        """End as a crash does: nobody says goodbye, what was not committed is gone, the lock is free."""
        await self.store.close()

    def unix_ms(self) -> int:
        """Return the time."""
        return self.clock.read().unix_ms

    # ------------------------------------------------------------------------------------------ together
    async def together(self, calls: Sequence[Coroutine[Any, Any, Done]]) -> list[Done | Exception]:
        """Prepare calls one after the other, then let their commands in as one batch; errors stand in their place."""
        self.gate.closed = True
        tasks: list[asyncio.Task[Done]] = []
        try:
            for call in calls:
                self.gate.arrived.clear()
                tasks.append(asyncio.create_task(call))
                arrived = asyncio.create_task(self.gate.arrived.wait())
                # Either it stands at the gate, or it was refused before: then the next one is prepared.
                await asyncio.wait((tasks[-1], arrived), return_when=asyncio.FIRST_COMPLETED)
                arrived.cancel()
        finally:
            self.gate.closed = False
        await self.gate.let_in()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        for one in found:
            if isinstance(one, BaseException) and not isinstance(one, Exception):
                raise one
        return [one for one in found if isinstance(one, (Done, Exception))]

    # ------------------------------------------------------------------------------------------ looking
    async def entries(self) -> list[Entry]:
        """Return all entries."""
        size, _ = await self.rows.head()
        return await self.rows.entries(0, size)

    async def tables(self, names: Iterable[str] | None = None) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of this log, by table; two databases, or before and after, are compared by this."""
        wanted = None if names is None else set(names)
        found = {}
        for table in metadata.sorted_tables:
            if wanted is None or table.name in wanted:
                rows = await self.store.reader.rows(table.select().where(table.c.log == self.log))
                found[table.name] = sorted((tuple(row.values()) for row in rows), key=repr)
        return found

    async def audited(self) -> tuple[Result, Earned]:
        """Ask both audits, with the vault."""
        loop = asyncio.get_running_loop()

        def work() -> tuple[Result, Earned]:
            source = DatabaseSource(self.reader, loop, self.vault)
            intact = audit_intact(source, ed25519.verify, loads=codec.loads, dumps=codec.dumps)
            values = {(one.seq, one.path): one.value for one in source.opened() or ()}
            entries = ((data, read_entry(data, codec.loads, codec.dumps)) for data in source.entries())
            earned = audit_earned(
                entries, shapes(), PROJECTIONS, lambda entry, path: values.get((entry.seq, path))
            )
            return intact, earned

        return await asyncio.to_thread(work)

    async def rebuilt(self) -> None:
        """Make the derived tables again and hold them against what the writer left."""
        before = await self.tables(derived_tables())
        await self.writer.maintain(
            rebuild(self.log, PROJECTIONS, shapes(), derived_tables(), self.vault.open_many)
        )
        after = await self.tables(derived_tables())
        for table, rows in before.items():
            assert after[table] == rows, f"{table}: expected the same rows again"


async def check(world: World) -> dict[str, int]:
    """Hold one log against everything that must always be true of it; return what there was to look at.

    Tokens: every account sums to zero after every entry, none is negative that may not be, stored balances are those of
    the entries. Awards: each rests on its own approved award decision and on a passing verdict, both before it and of
    its case. Commands: the entries of one `cmd` stand together, as its row says. Both audits. Rebuild.
    """
    entries = await world.entries()
    book = Book()
    for entry in entries:
        book.post(postings(entry))
        assert sum(book.balances.values()) == 0, f"entry {entry.seq}"
    stored = {row["account"]: row["balance_tokens"] for row in await world.rows.scan("account", ())}
    assert stored == book.balances
    awards = _check_awards(entries)
    await _check_commands(world, entries)
    intact, earned = await world.audited()
    assert intact.findings == []
    assert (earned.findings, earned.unreplayable, earned.size) == ([], [], len(entries))
    await world.rebuilt()
    settled = sum(entry.kind == "award_settled" for entry in entries)
    return {"entries": len(entries), "awards": awards, "settled": settled}


def _check_awards(entries: Sequence[Entry]) -> int:
    decisions: dict[str, Entry] = {}
    verdicts: dict[str, Entry] = {}
    used: set[str] = set()
    for entry in entries:
        body = entry.body
        if entry.kind == "decision_made":
            decisions[body["decision"]] = entry
        elif entry.kind == "decision_withdrawn":
            del decisions[body["decision"]]
        elif entry.kind == "verdict_given":
            verdicts[body["verdict"]] = entry
        elif entry.kind == "award_granted":
            decision, verdict = decisions[body["decision"]], verdicts[body["verdict"]]
            assert (decision.body["about"], decision.body["verb"], decision.case) == (
                "award",
                "approved",
                entry.case,
            )
            assert (verdict.body["result"], verdict.case) == ("pass", entry.case)
            assert decision.body["verdict"] == body["verdict"]
            assert body["decision"] not in used, "an award was granted twice"
            used.add(body["decision"])
            earners = {share["member"] for share in body["shares"]}
            assert decision.actor.id not in earners
    return len(used)


async def _check_commands(world: World, entries: Sequence[Entry]) -> None:
    spans: dict[str, list[int]] = {}
    for entry in entries:
        spans.setdefault(entry.cmd, []).append(entry.seq)
    rows = {row["cmd"]: row for row in await _commands(world)}
    assert spans.keys() <= rows.keys()
    for cmd, row in rows.items():
        seqs = spans.get(cmd, [])
        assert seqs == list(range(row["first_seq"], row["first_seq"] + row["count"])), f"command {cmd}"


async def _commands(world: World) -> list[dict[str, Any]]:
    query = text("SELECT * FROM command WHERE log = :log").bindparams(log=world.log)
    return [dict(row) for row in await world.store.reader.rows(query)]


# ---------------------------------------------------------------------------------------------- databases
async def make_tables(url: str) -> None:
    """Make all tables in an empty database."""
    store = open_store(url)
    engine = create_async_engine(store.url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    await store.close()


def _disk_error() -> Exception:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR"
    return error


def _lost_error() -> Exception:
    error: Exception = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    return error


def _break_at(store: Store, fault: Fault) -> None:
    """Put the fault between the store and its driver."""
    if isinstance(store, SqliteStore):
        held: Any = store._connection
        step, commit = held.perform, held.commit

        def perform(wanted: Any) -> Any:
            fault.at(type(wanted).__name__, _disk_error)
            return step(wanted)

        def committing() -> None:
            fault.at("commit", _disk_error)
            commit()
            fault.at("committed", _disk_error)

        held.perform, held.commit = perform, committing
        return
    writing = store.writing

    @asynccontextmanager
    async def breaking() -> AsyncIterator[PostgresConnection]:
        async with writing() as connection:
            yield _Breaking(connection, fault)

    store.writing = breaking  # type: ignore[method-assign]


class _Breaking(PostgresConnection):
    """A connection to PostgreSQL that may be lost."""

    def __init__(self, real: PostgresConnection, fault: Fault) -> None:
        super().__init__(real.raw, real._shapes)
        self._fault = fault

    async def perform(self, step: Any) -> Any:
        self._fault.at(type(step).__name__, _lost_error)
        return await super().perform(step)

    async def commit(self) -> None:
        self._fault.at("commit", _lost_error)
        await super().commit()
        self._fault.at("committed", _lost_error)


# ---------------------------------------------------------------------------------------------- furnishing
async def _furnish(world: World, terms: Terms) -> None:
    office = world.office
    log_key = KeyFolder(world.folder / "keys", world.log).load().log_signers[-1].key.vkey()
    opened = await office.open_log(
        "open", OpenLog(log_key, True, "Olga", {"undo_seconds": terms.undo_seconds})
    )
    owner = world.people["owner"] = Principal(opened.ids["member"], "owner", "web", "key")
    for name, role in (
        ("waiter", "staff"), ("cook", "staff"), ("lead", "manager"), ("accountant", "outsider"), ("double", "manager"),
    ):  # fmt: skip
        same_as = world.people["waiter"].id if name == "double" else None
        joined = await office.join_member(owner, f"join:{name}", JoinMember(name, (role,), same_as))
        world.people[name] = Principal(joined.ids["member"], role, "web", "key")
    agent = RegisterAgent("watcher", {"may_propose": ["*"], "may_read": ["*"]}, owner.id)
    registered = await office.register_agent(owner, "join:agent", agent)
    world.people["agent"] = Principal(registered.ids["member"], "agent", "web", "key")
    for name, about, limits in (
        ("owner", "action", {}), ("lead", "action", {}), ("accountant", "award", {"second_person": True}),
        ("lead", "award", {"tokens_max": 12}), ("double", "award", {}),
    ):  # fmt: skip
        held = GrantAuthority(world.people[name].id, about, **limits)
        await office.grant_authority(owner, f"may:{name}:{about}", held)
    source = RegisterSource("pms", ("complaint",), {"party": "source:pms"})
    await office.register_source(owner, "source", source)
    content = json.loads(json.dumps(POLICY))
    content["parameters"]["path_seconds_min"] = terms.path_seconds_min
    policy = PublishPolicy("service_issue/v1", "service_issue", 1, policy_digest(content), content)
    await office.publish_policy(owner, "policy", policy)
    budget = await office.set_budget(owner, "budget", SetBudget(terms.budget_tokens, "thank-yous"))
    world.budget = budget.ids["budget"]
    asked = ApproveBudget(world.budget, terms.budget_tokens)
    await office.approve_budget(world.people["accountant"], "budget:yes", asked)
