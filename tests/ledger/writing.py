"""What the writer's tests share: an empty database of either kind, a log, small commands with rows easy to count."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

import casework.tables
from ledger import book
from ledger.changes import Add, Change, Delete, Insert, Projection
from ledger.clock import Clock, HandClock, unix_ms_of
from ledger.commands import Command, Decided, Need, Rule, View
from ledger.entries import Actor, Draft, Entry
from ledger.errors import Refused
from ledger.jobs import job_deleted, job_inserted
from ledger.store import Store, open_store
from ledger.store.tables import metadata
from ledger.writer import Writer

assert (
    casework.tables.award is not None
)  # imported for its tables: the award rule of the database is tested too

LOG = "writing-7f3.invalid"
OWNER = Actor("owner", "owner", "test")
NOON = "2026-11-23T12:00:00.000Z"


def project_notes(entry: Entry, opened: Mapping[str, Any] | None) -> Iterable[Change]:
    """A projection over tables of the ledger: notes counted per case, a job due for each, its text in `setting`."""
    if entry.kind == "note_added" and entry.case is not None:
        yield Add("account", (f"budget/notes-{entry.case}",), "balance_tokens", 1)
        yield from job_inserted("answer", str(entry.seq), entry.at, {"case": entry.case}, entry)
        if entry.private:
            value = None if opened is None else opened["note"]
            yield Insert("setting", {"name": f"note-{entry.seq}", "value": str(value), "seq": entry.seq})
    if entry.kind == "case_cleared":
        yield job_deleted("answer", str(entry.body["records"][0]["seq"]))
    if entry.kind == "case_closed" and entry.case is not None:
        yield Delete("account", (f"budget/notes-{entry.case}",))


PROJECTIONS: tuple[Projection, ...] = (book.project, project_notes)


@asynccontextmanager
async def empty_store(url: str) -> AsyncIterator[Store]:
    """Make all tables in an empty database and open it."""
    store = open_store(url)
    engine = create_async_engine(store.url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_writer(
    url: str, clock: Clock | None = None, projections: tuple[Projection, ...] = PROJECTIONS
) -> AsyncIterator[Writer]:
    """A writer over an empty database, with the log LOG opened."""
    async with empty_store(url) as store:
        async with Writer(store, projections, clock or HandClock(unix_ms_of(NOON))) as writer:
            await writer.submit(opening())
            yield writer


def command(key: str, rule: Rule, data: Any = None, needs: tuple[Need, ...] = (), log: str = LOG) -> Command:
    """A command of the owner; the digest follows from the data."""
    return Command(log, OWNER, key, hashlib.sha256(repr(data).encode()).hexdigest(), needs, rule, data)


def opening(log: str = LOG) -> Command:
    """Open a log and fill the budget `shop` with 1,000 tokens."""
    return command("open", _open, log, log=log)


def _open(view: View, command: Command, at: str) -> Decided:
    body = {"origin": command.data, "registry": 1, "log_key": "none", "simulated": True}
    budget = {"budget": "shop", "amount_tokens": 1_000}
    return Decided((Draft("log_opened", None, body), Draft("budget_approved", None, budget)))


def note(key: str, case: str = "case-1", rows: tuple[Change, ...] = (), log: str = LOG) -> Command:
    """Add a note; `rows` go along with it."""
    return command(key, _note, (case, rows), log=log)


def _note(view: View, command: Command, at: str) -> Decided:
    case, rows = command.data
    return Decided((Draft("note_added", case, {}),), rows, {"case": case})


def grant(key: str, amount: int, member: str = "m1", log: str = LOG) -> Command:
    """Grant tokens from the budget; refused when it holds too few."""
    return command(key, _grant, (key, amount, member), (Need("account", ("budget/shop",)),), log)


def _grant(view: View, command: Command, at: str) -> Decided:
    award, amount, member = command.data
    row = view.get("account", ("budget/shop",))
    left = 0 if row is None else row["balance_tokens"]
    if left < amount:
        raise Refused("budget_empty", f"budget: expected at least {amount} tokens, got {left}")
    body = {
        "award": award, "kind": "test", "decision": "d", "verdict": "v", "budget": "shop", "amount_tokens": amount,
        "shares": [{"member": member, "amount": amount}], "k": 2, "window_days": 1, "settle_not_before": at,
    }  # fmt: skip
    return Decided((Draft("award_granted", "case-1", body),), result={"left": left - amount})


async def fetch(store: Store, sql: str) -> list[tuple[Any, ...]]:
    """Read rows as any reader does."""
    return [tuple(row.values()) for row in await store.reader.rows(text(sql))]


async def tables_of(
    store: Store, log: str = LOG, leave_out: tuple[str, ...] = ()
) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of a log in every table, sorted: two databases, or before and after, are compared by this."""
    rows = {}
    for table in metadata.sorted_tables:
        if table.name in leave_out:
            continue
        found = await store.reader.rows(table.select().where(table.c.log == log))
        rows[table.name] = sorted((tuple(row.values()) for row in found), key=repr)
    return rows
