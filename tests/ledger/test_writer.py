"""The writer over real databases: what many clients at once, retries, failures and clocks must not be able to break."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from ledger import codec, writer
from ledger.batch import CONFIRM_NEEDS, confirm_clock
from ledger.chain import EMPTY_HEAD, check_link, extend
from ledger.changes import Insert
from ledger.clock import HandClock, SystemClock, unix_ms_of
from ledger.commands import Command, Need, Outcome
from ledger.entries import parse_entry
from ledger.errors import DiskFull, OutcomeUnknown, ProgrammingError, Refused, RowRefused, Stopped, StoreError
from ledger.merkle import Frontier, leaf_hash, root_of
from ledger.steps import Lock
from ledger.store import Store
from ledger.store.postgres import PostgresConnection, PostgresStore
from ledger.store.postgres import store_error as postgres_error
from ledger.store.sqlite import SqliteConnection, SqliteStore
from ledger.writer import Writer
from tests.ledger.writing import (
    LOG,
    NOON,
    PROJECTIONS,
    command,
    empty_store,
    fetch,
    grant,
    note,
    open_writer,
    opening,
    tables_of,
)

OTHER = "other-1.invalid"


def clock() -> HandClock:
    return HandClock(unix_ms_of(NOON), steady_ms=0)


async def check_log(store: Store, log: str = LOG) -> int:
    """Walk the chain, compare head and tiles with the tree over the entries, add up the book; return the size."""
    rows = await fetch(store, f"SELECT seq, canon FROM entry WHERE log = '{log}' ORDER BY seq")
    head, leaves = EMPTY_HEAD, []
    for _, canon in rows:
        entry = parse_entry(codec.loads(canon))
        check_link(head, log, entry)
        head = extend(head, entry.at, canon)
        leaves.append(leaf_hash(canon))
    ((size, last_leaf, frontier, at),) = await fetch(
        store, f"SELECT size, last_leaf, frontier, at FROM log_head WHERE log = '{log}'"
    )
    assert (size, last_leaf.hex(), at) == (head.size, head.prev, head.at)
    assert Frontier.from_bytes(frontier).root() == root_of(leaves)
    tiles = await fetch(store, f"SELECT hashes FROM tile WHERE log = '{log}' AND level = 0 ORDER BY idx")
    assert b"".join(hashes for (hashes,) in tiles) == b"".join(leaves)
    balances = f"SELECT sum(balance_tokens) FROM account WHERE log = '{log}' AND account NOT LIKE '%notes%'"
    ((total,),) = await fetch(store, balances)
    assert total == 0
    return head.size


def trouble(writer: Writer) -> str | None:
    return writer.trouble


async def answers_of(writer: Writer, *commands: Command) -> list[Any]:
    """Submit at once, so that all are in one batch; return outcomes and errors in order."""
    return await asyncio.gather(*(writer.submit(one) for one in commands), return_exceptions=True)


async def test_64_clients_get_distinct_entries_and_the_book_adds_up(store_url: str) -> None:
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await writer.submit(opening())
            granted: list[Outcome] = []
            refused = 0

            async def client(number: int) -> None:
                nonlocal refused
                for turn in range(5):
                    try:
                        granted.append(await writer.submit(grant(f"{number}-{turn}", 7, f"m{number % 5}")))
                    except Refused as error:
                        assert error.code == "budget_empty"
                        refused += 1

            await asyncio.gather(*(client(number) for number in range(64)))
        assert len(granted) == 1_000 // 7
        assert refused == 320 - len(granted)
        assert sorted(one.first_seq for one in granted) == list(range(2, 2 + len(granted)))
        assert await check_log(store) == 2 + len(granted)
        assert await fetch(store, "SELECT balance_tokens FROM account WHERE account = 'budget/shop'") == [
            (6,)
        ]


async def test_one_schedule_gives_the_same_rows_on_both_databases(
    tmp_path: Path, fresh_postgres_url: str
) -> None:
    draw = random.Random(20261123)
    batches = []
    for number in range(25):
        keys = [f"{number}-{turn}" for turn in range(draw.randint(1, 9))]
        grants = [grant(key, draw.randint(0, 60), f"m{draw.randint(1, 3)}") for key in keys]
        batch = [draw.choice([note(key), one]) for key, one in zip(keys, grants, strict=True)]
        batches.append([*batch, draw.choice([note("again"), grant("again", 1)])])
    tables, said = [], []
    for url in (f"sqlite:///{tmp_path / 'a.db'}", fresh_postgres_url):
        ticking = clock()
        async with empty_store(url) as store:
            async with Writer(store, PROJECTIONS, ticking) as writer:
                await writer.submit(opening())
                answers = []
                for batch in batches:
                    ticking.advance(1_500)
                    answers.append([str(answer) for answer in await answers_of(writer, *batch)])
            await check_log(store)
            tables.append(await tables_of(store))
            said.append(answers)
    assert said[0] == said[1]
    assert tables[0] == tables[1]
    for seen in ("idempotency_mismatch", "replayed=True", "budget_empty"):
        assert seen in str(said[0]), "the schedule must hold every kind of answer"


async def test_a_repeat_gets_the_same_seqs_across_restarts(store_url: str) -> None:
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await writer.submit(opening())
            first = await writer.submit(note("k"))
        async with Writer(store, PROJECTIONS, clock()) as writer:
            again = await writer.submit(note("k"))
            assert (again.first_seq, again.count, again.at, again.replayed) == (
                first.first_seq,
                1,
                first.at,
                True,
            )
            with pytest.raises(Refused, match="idempotency_mismatch"):
                await writer.submit(note("k", case="another"))
        assert await check_log(store) == 3


async def test_a_batch_that_cannot_be_written_is_replayed_to_find_the_culprit(store_url: str) -> None:
    row = Insert("reuse", {"digest": "same", "evidence": "e"})
    null = Insert("reuse", {"digest": "null", "evidence": None})
    unknown = command("unknown", note("x").rule, ("c", ()), needs=(Need("no_such_table", ()),))
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await writer.submit(opening())
            await writer.submit(note("first", rows=(row,)))
            wrong = [note("doubled", rows=(row,)), note("null", rows=(null,)), unknown]
            answers = await answers_of(writer, note("a"), wrong[0], note("b"), *wrong[1:], note("c"))
            said = ["ok" if isinstance(answer, Outcome) else type(answer) for answer in answers]
            assert said == ["ok", RowRefused, "ok", RowRefused, ProgrammingError, "ok"]
            assert trouble(writer) is None, "the database is not to blame"
            assert (await writer.submit(note("after"))).first_seq == 6
        assert await check_log(store) == 7


async def test_many_logs_do_not_meet(store_url: str) -> None:
    logs = [f"shop-{number}.invalid" for number in range(6)]
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await asyncio.gather(*(writer.submit(opening(log)) for log in logs))
            await asyncio.gather(
                *(writer.submit(grant(f"k{n}", 1, log=log)) for n in range(10) for log in logs)
            )
            with pytest.raises(Refused, match="unknown_log"):
                await writer.submit(note("k1", log=OTHER))
        for log in logs:
            assert await check_log(store, log) == 12
        assert await fetch(store, f"SELECT * FROM entry WHERE log = '{OTHER}'") == []


async def test_two_writers_take_turns_on_one_postgres_log(fresh_postgres_url: str) -> None:
    async with empty_store(fresh_postgres_url) as store, empty_store(fresh_postgres_url) as second_store:
        async with (
            Writer(store, PROJECTIONS, clock()) as one,
            Writer(second_store, PROJECTIONS, clock()) as two,
        ):
            opened = await asyncio.gather(one.submit(opening()), two.submit(opening()))
            assert sorted(answer.replayed for answer in opened) == [False, True]
            commands = [grant(f"k{number}", 3, f"m{number % 4}") for number in range(200)]
            # Every command goes to both: as a client does that got no answer from the first.
            answers = await asyncio.gather(
                *(writer.submit(grant) for grant in commands for writer in (one, two))
            )
            assert sum(answer.replayed for answer in answers) == 200
            assert len({answer.first_seq for answer in answers}) == 200
        assert await check_log(store) == 202


REFUSED: list[tuple[str, Command, str]] = [
    ("another log under a moving clock", note("k", log="real.example"), "simulated_clock"),
    ("no key", note(""), "malformed_key"),
    ("a long key", note("k" * 256), "malformed_key"),
    ("NUL in the key", note("a\x00b"), "malformed_key"),
    ("NUL in a need", command("k", note("x").rule, needs=(Need("account", ("a\x00",)),)), "malformed_id"),
    (
        "half a pair in a need",
        command("k", note("x").rule, needs=(Need("account", ("\ud800",)),)),
        "malformed_id",
    ),
    ("a number too large", command("k", note("x").rule, needs=(Need("posting", (2**63,)),)), "malformed_id"),
    ("NUL in a row", note("k", rows=(Insert("reuse", {"digest": "\x00", "evidence": "e"}),)), "text_refused"),
]


@pytest.mark.parametrize(("wrong", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_submit_refuses(tmp_path: Path, wrong: Command, code: str) -> None:
    async with open_writer(f"sqlite:///{tmp_path / 'a.db'}") as writer:
        with pytest.raises(Refused) as caught:
            await writer.submit(wrong)
        assert caught.value.code == code
        assert (await writer.submit(note("k"))).first_seq == 2


async def test_a_full_queue_refuses_and_recovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "QUEUE_COMMANDS_MAX", 5)
    async with open_writer(f"sqlite:///{tmp_path / 'a.db'}") as one:
        answers = await answers_of(one, *(note(f"k{number}") for number in range(8)))
        assert [getattr(answer, "code", "ok") for answer in answers] == ["ok"] * 5 + ["busy"] * 3
        assert (await one.submit(note("k7"))).first_seq == 7


async def test_a_caller_who_goes_away_takes_nothing_back(store_url: str) -> None:
    async with open_writer(store_url) as writer:
        waiting = asyncio.create_task(writer.submit(note("k")))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        again = await writer.submit(note("k"))
        assert (again.first_seq, again.replayed) == (2, True)


async def test_close_writes_what_waits_and_refuses_more(store_url: str) -> None:
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await writer.submit(opening())
            waiting = [asyncio.create_task(writer.submit(note(f"k{number}"))) for number in range(600)]
            await asyncio.sleep(0)
        assert {outcome.first_seq for outcome in await asyncio.gather(*waiting)} == set(range(2, 602))
        with pytest.raises(StoreError, match="closed"):
            await writer.submit(note("late"))
        assert await check_log(store) == 602


async def test_a_full_disk_fails_the_command_and_says_so(tmp_path: Path) -> None:
    async with empty_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        assert isinstance(store, SqliteStore)
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await writer.submit(opening())

            ((pages,),) = await fetch(store, "PRAGMA page_count")
            limit = f"PRAGMA max_page_count = {pages + 8}"
            await store.in_writer(lambda connection: connection.raw.execute(limit).close())
            acknowledged, failed = 0, []
            for number in range(500):
                answers = await answers_of(writer, *(note(f"{number}-{turn}") for turn in range(5)))
                failed = [answer for answer in answers if not isinstance(answer, Outcome)]
                if failed:
                    break
                acknowledged += 5
            assert len(failed) == 5
            assert all(type(error) is DiskFull and "full" in str(error) for error in failed)
            assert "SQLITE_FULL" in str(trouble(writer))
            assert await check_log(store) == 2 + acknowledged
            await store.in_writer(
                lambda connection: connection.raw.execute("PRAGMA max_page_count = 1000000").close()
            )
            assert isinstance(await writer.submit(note(f"{number}-0")), Outcome)
            assert trouble(writer) is None
        assert await check_log(store) == 3 + acknowledged


async def test_a_lost_connection_fails_the_batch_and_the_next_one_connects_again(
    fresh_postgres_url: str,
) -> None:
    async with empty_store(fresh_postgres_url) as store:
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await writer.submit(opening())
            assert isinstance(store, PostgresStore)
            async with store.writing() as connection:
                # A connection that the pool takes for a good one, and the server has ended meanwhile.
                name = await connection.raw.fetchval("SELECT pg_backend_pid()")
            await store.reader.rows(text(f"SELECT pg_terminate_backend({name})"))
            assert [type(answer) for answer in await answers_of(writer, note("a"), note("b"))] == [
                Outcome,
                Outcome,
            ]
            # And one that the server ends in the middle of the batch: the lock of another session holds it there.
            async with store.writing() as holder:
                await holder.begin()
                await holder.perform(Lock(LOG))
                waiting = [asyncio.create_task(writer.submit(note(key))) for key in ("c", "d")]
                await asyncio.sleep(0.3)
                others = (
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                )
                await store.reader.rows(text(others))
                answers = await asyncio.gather(*waiting, return_exceptions=True)
                assert [type(answer) for answer in answers] == [StoreError, StoreError]
                assert trouble(writer) is not None
                await holder.raw.execute("ROLLBACK")
            assert [type(answer) for answer in await answers_of(writer, note("c"), note("d"))] == [
                Outcome,
                Outcome,
            ]
            assert trouble(writer) is None
        assert await check_log(store) == 6


@pytest.mark.parametrize("kept", [True, False], ids=["committed", "rolled back"])
async def test_a_database_lost_while_committing_leaves_the_outcome_open_and_the_same_key_tells_it(
    store_url: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed_disk() -> sqlite3.OperationalError:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        return error

    sqlite_commit, postgres_commit = SqliteConnection.commit, PostgresConnection.commit

    def commit(connection: SqliteConnection) -> None:
        if kept:
            sqlite_commit(connection)
        raise failed_disk()

    async def commit_far_away(connection: PostgresConnection) -> None:
        if kept:
            await postgres_commit(connection)
        raise ConnectionResetError("connection reset by peer")

    async with open_writer(store_url) as writer:
        with monkeypatch.context() as patched:
            patched.setattr(SqliteConnection, "commit", commit)
            patched.setattr(PostgresConnection, "commit", commit_far_away)
            answers = await answers_of(writer, note("a"), note("b"))
            assert [type(answer) for answer in answers] == [OutcomeUnknown, OutcomeUnknown]
        again = [await writer.submit(note(key)) for key in ("a", "b")]
        assert [(one.first_seq, one.replayed) for one in again] == [(2, kept), (3, kept)]


STORE_ERRORS: list[tuple[Exception, bool, type[Exception]]] = [
    # what asyncpg says, whether a commit was on its way, what we say
    (asyncpg.DiskFullError("no room"), False, DiskFull),
    (asyncpg.DiskFullError("no room"), True, DiskFull),
    (asyncpg.ConnectionDoesNotExistError("gone"), False, StoreError),
    (asyncpg.ConnectionDoesNotExistError("gone"), True, OutcomeUnknown),
    (asyncpg.AdminShutdownError("going down"), True, OutcomeUnknown),
    (asyncpg.InterfaceError("closed"), True, OutcomeUnknown),
    (TimeoutError(), True, OutcomeUnknown),
    (asyncpg.SerializationError("try again"), True, StoreError),
    (asyncpg.UniqueViolationError("twice"), True, RowRefused),
]


@pytest.mark.parametrize(
    ("error", "committing", "expected"), STORE_ERRORS, ids=[f"{row[0]!r}-{row[1]}" for row in STORE_ERRORS]
)
async def test_what_is_known_after_an_error_of_the_database(
    error: Exception, committing: bool, expected: type[Exception]
) -> None:
    assert type(postgres_error(error, committing)) is expected


async def test_a_clock_step_is_recorded_and_a_large_one_stops_the_log(store_url: str) -> None:
    async with empty_store(store_url) as store:
        stepping = clock()
        async with Writer(store, PROJECTIONS, stepping) as writer:
            await writer.submit(opening())
            stepping.advance(7_200_000)  # time that passed is no step
            await writer.submit(note("a"))
            stepping.set(stepping.reading.unix_ms + 59_000)  # below the limit it is followed
            await writer.submit(note("b"))
            stepping.set(stepping.reading.unix_ms + 3_600_000)
            await writer.submit(note("c"))
            stepping.set(stepping.reading.unix_ms - 400 * 86_400_000)
            for answer in await answers_of(writer, note("d"), note("e")):
                assert isinstance(answer, Stopped)
            with pytest.raises(Stopped, match="person confirms"):
                await writer.submit(note("d"))
        async with Writer(store, PROJECTIONS, stepping) as writer:  # a restart does not forget
            with pytest.raises(Stopped):
                await writer.submit(note("d"))
            await writer.submit(command("yes", confirm_clock, needs=CONFIRM_NEEDS))
            await writer.submit(note("d"))
        steps = await fetch(store, "SELECT kind, canon FROM entry WHERE kind LIKE 'clock%' ORDER BY seq")
        seconds = [codec.loads(canon)["body"].get("seconds") for _, canon in steps]
        # Stepped, stopped; after the restart the clock lies before the log's last entry, which is a step again.
        assert seconds[:2] == [3600, -400 * 86_400]
        assert [kind for kind, _ in steps] == [*["clock_stepped"] * 3, "clock_confirmed"]
        await check_log(store)


BEHIND: list[tuple[int, list[tuple[int, bool]]]] = [
    # seconds by which the clock lies behind the log's last entry at start, the steps recorded and whether they stop it
    (0, []),
    (60, []),
    (61, [(-61, False)]),
    (86_400, [(-86_400, False)]),
    (86_401, [(-86_401, True)]),
    (2 * 86_400, [(-2 * 86_400, True)]),
]


@pytest.mark.parametrize(("seconds", "steps"), BEHIND)
async def test_a_clock_behind_the_log_at_start_has_stepped(
    tmp_path: Path, seconds: int, steps: list[tuple[int, bool]]
) -> None:
    async with empty_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await writer.submit(opening())
        restarted = HandClock(unix_ms_of(NOON) - seconds * 1000, 5)
        async with Writer(store, PROJECTIONS, restarted) as writer:
            if steps and steps[-1][1]:
                with pytest.raises(Stopped, match="person confirms"):
                    await writer.submit(note("k"))
            else:
                assert (await writer.submit(note("k"))).at == NOON  # never before the entry it follows
        found = await fetch(store, "SELECT canon FROM entry WHERE kind = 'clock_stepped' ORDER BY seq")
        bodies = [codec.loads(canon)["body"] for (canon,) in found]
        assert [(body["seconds"], body["stopped"]) for body in bodies] == steps


async def test_a_server_that_was_off_has_not_stepped(store_url: str) -> None:
    async with empty_store(store_url) as store:
        slept = clock()
        async with Writer(store, PROJECTIONS, slept) as writer:
            await writer.submit(opening())
        async with Writer(store, PROJECTIONS, HandClock(unix_ms_of(NOON) + 90 * 86_400_000, 5)) as writer:
            assert (await writer.submit(note("k"))).first_seq == 2


async def test_the_system_clock_may_write_a_real_log(tmp_path: Path) -> None:
    async with empty_store(f"sqlite:///{tmp_path / 'a.db'}") as store:
        async with Writer(store, PROJECTIONS, SystemClock()) as writer:
            outcome = await writer.submit(opening("shop-1.example"))
            assert abs(unix_ms_of(outcome.at) - SystemClock().read().unix_ms) < 60_000


async def test_a_stopped_lane_leaves_nobody_waiting_and_the_next_command_works(tmp_path: Path) -> None:
    async with open_writer(f"sqlite:///{tmp_path / 'a.db'}") as one:
        waiting = [asyncio.create_task(one.submit(note(f"k{number}"))) for number in range(300)]
        await asyncio.sleep(0)
        (lane,) = one._lanes.values()
        assert lane.task is not None
        await asyncio.sleep(0)
        lane.task.cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        # the batch in hand may have been written, what waited behind it was not
        assert [type(answer) for answer in answers] == [OutcomeUnknown] * 256 + [StoreError] * 44
        outcomes = [await one.submit(note(f"k{number}")) for number in range(300)]
        assert sorted(outcome.first_seq for outcome in outcomes) == list(range(2, 302))


WRONG_HEADS = [
    (
        f"UPDATE log_head SET last_leaf = (SELECT leaf FROM entry WHERE seq = 0 AND log = '{LOG}')",
        "expected last_leaf ",
    ),
    (
        "UPDATE log_head SET at = '2026-11-23T11:59:59.999Z'",
        f"expected at {NOON} as of entry 2, got 2026-11-23T11:59",
    ),
    ("DELETE FROM entry WHERE seq = 2", "expected entry 2 as its last, got no entry 2"),
]


@pytest.mark.parametrize(("edit", "words"), WRONG_HEADS)
async def test_nothing_is_appended_after_a_head_that_is_not_the_last_entry(
    store_url: str, edit: str, words: str
) -> None:
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, clock()) as writer:
            await writer.submit(opening())
            await writer.submit(note("k1"))
            engine = create_async_engine(store.url)
            async with engine.begin() as connection:
                await connection.execute(text(edit))
            await engine.dispose()
            before = await tables_of(store)
            for answer in await answers_of(writer, note("k2"), grant("k3", 5)):
                assert isinstance(answer, Stopped) and answer.code == "head_differs"
                assert words in answer.detail and "tallystick audit" in answer.detail
        assert await tables_of(store) == before
