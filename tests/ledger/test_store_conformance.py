"""Both stores perform the same steps with the same answers; what one refuses, the other refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.changes import Add, Change, Delete, Insert, Set
from ledger.clock import HandClock
from ledger.errors import LedgerError, ProgrammingError, RowRefused, StoreError
from ledger.overlay import Overlay, Wanted
from ledger.steps import ClaimJobs, Clear, CountRows, FinishJobs, Load, Lock, ReleaseJob, Step, Work, Write
from ledger.store import open_store
from ledger.store.tables import shapes
from ledger.writer import Writer
from tests.ledger.writing import LOG, empty_store, fetch, open_writer

OTHER = "other-1.invalid"
Doing = Callable[[Step], Any]


def one(step: Step) -> Work:
    return (yield step)


def applied(log: str, *changes: Change) -> Work:
    """Changes through an overlay that loads what they touch, as a batch does."""
    overlay = Overlay(shapes())
    overlay.apply(changes)
    missing = overlay.missing()
    if missing:
        overlay.settle(missing, (yield Load(log, missing)))
    yield Write(log, overlay.writes())


def wrap(item: str, subject: str, wrapped: bytes = b"\x00\xff") -> Insert:
    return Insert("item_wrap", {"item": item, "subject": subject, "wrapped": wrapped})


def posting(seq: int, n: int, account: str = "issuer", amount: int = 1) -> Insert:
    return Insert("posting", {"seq": seq, "n": n, "account": account, "amount_tokens": amount})


async def load(writer: Writer, table: str, *keys: tuple[Any, ...], log: str = LOG) -> list[tuple[Any, ...]]:
    wanted: Wanted = {table: {}}
    for key in keys:
        wanted[table].setdefault(len(key), set()).add(key)
    answer = await writer.maintain(one(Load(log, wanted)))
    return sorted({tuple(row) for row in answer[table]})


async def test_load_finds_exact_keys_and_prefixes_of_every_length(store_url: str) -> None:
    async with open_writer(store_url) as writer:
        rows = [wrap("i1", "s1"), wrap("i1", "s2"), wrap("i2", "s1"), wrap("i'\"\\2", "ü"), wrap("i3", "")]
        numbers = [posting(9_000_000_000_000_000, 0), posting(77, 1), posting(77, 10), posting(77, 2)]
        await writer.maintain(applied(LOG, *rows, *numbers))
        await writer.maintain(applied(OTHER, wrap("i1", "elsewhere")))
        w = b"\x00\xff"
        cases: list[tuple[str, list[Any], list[Any]]] = [
            ("item_wrap", [("i1", "s2")], [("i1", "s2", w)]),
            ("item_wrap", [("i1", "s2"), ("i2", "s2"), ("i2", "s1")], [("i1", "s2", w), ("i2", "s1", w)]),
            ("item_wrap", [("i1",)], [("i1", "s1", w), ("i1", "s2", w)]),
            ("item_wrap", [("i1",), ("i3",)], [("i1", "s1", w), ("i1", "s2", w), ("i3", "", w)]),
            ("item_wrap", [("i'\"\\2", "ü"), ("x", "y")], [("i'\"\\2", "ü", w)]),
            ("item_wrap", [("i'\"\\2",), ("x",)], [("i'\"\\2", "ü", w)]),
            ("item_wrap", [("i1", "elsewhere")], []),
            ("posting", [(77,)], [(77, 1, "issuer", 1), (77, 2, "issuer", 1), (77, 10, "issuer", 1)]),
            ("posting", [(77, 10), (9_000_000_000_000_000, 0)],
             [(77, 10, "issuer", 1), (9_000_000_000_000_000, 0, "issuer", 1)]),
            ("posting", [(3,), (2,)], []),
            ("account", [()], [("budget/shop", 1000), ("issuer", -1000)]),
            ("account", [(), ("issuer",)], [("budget/shop", 1000), ("issuer", -1000)]),
        ]  # fmt: skip
        for table, keys, expected in cases:
            assert await load(writer, table, *keys) == expected, (table, keys)


async def test_write_folds_inserts_updates_and_deletes(store_url: str) -> None:
    async with open_writer(store_url) as writer:
        await writer.maintain(applied(LOG, wrap("i1", "s1"), wrap("i1", "s2"), posting(5, 0), posting(5, 1)))
        await writer.maintain(
            applied(
                LOG,
                Set("item_wrap", ("i1", "s1"), {"wrapped": b"new"}),
                Delete("item_wrap", ("i1", "s2")),
                Delete("item_wrap", ("no", "such")),
                wrap("i2", "s9"),
                Set("posting", (5, 0), {"account": "a"}),
                Set("posting", (5, 1), {"amount_tokens": -7}),
                Add("account", ("member/x/owed",), "balance_tokens", -3),
                Add("account", ("issuer",), "balance_tokens", -1),
                Delete("posting", (6, 0)),
                posting(6, 0, "made after a blind delete"),
            )
        )
        assert await load(writer, "item_wrap", ()) == [("i1", "s1", b"new"), ("i2", "s9", b"\x00\xff")]
        assert await load(writer, "posting", (5,)) == [(5, 0, "a", 1), (5, 1, "issuer", -7)]
        assert await load(writer, "posting", (6,)) == [(6, 0, "made after a blind delete", 1)]
        assert await load(writer, "account", ()) == [
            ("budget/shop", 1000),
            ("issuer", -1001),
            ("member/x/owed", -3),
        ]


def bare_award(decision: str) -> Insert:
    """An award row without the decision and verdict that it names."""
    shape = shapes()["award"]
    row: dict[str, Any] = {name: 1 if name in shape.integers else "x" for name in shape.columns}
    row |= {
        "decision": decision,
        "decision_about": "award",
        "decision_verb": "approved",
        "verdict_result": "pass",
    }
    return Insert("award", row)


REFUSED: list[tuple[str, list[Change], type[LedgerError]]] = [
    ("a key that is there", [posting(1, 0)], RowRefused),
    ("a balance below zero", [Add("account", ("budget/shop",), "balance_tokens", -1001)], RowRefused),
    ("a null where none may be", [Insert("reuse", {"digest": "d", "evidence": None})], RowRefused),
    ("a number beyond 64 bits", [posting(3, 0, amount=2**63)], RowRefused),
    ("half a surrogate pair", [wrap("i", "\ud800")], RowRefused),
    ("an award without decision and verdict", [bare_award("none")], RowRefused),
    ("a Set of a row that is not there", [Set("posting", (99, 0), {"account": "a"})], ProgrammingError),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_write_refuses_and_undoes_the_whole_transaction(
    store_url: str, changes: list[Change], error: type[LedgerError]
) -> None:
    async with open_writer(store_url) as writer:
        with pytest.raises(error):
            await writer.maintain(applied(LOG, wrap("innocent", "s"), *changes))
        assert await load(writer, "item_wrap", ()) == []
        await writer.maintain(applied(LOG, wrap("innocent", "s")))
        assert len(await load(writer, "item_wrap", ())) == 1
        assert writer.trouble is None


async def test_clear_and_count_touch_one_log(store_url: str) -> None:
    async with open_writer(store_url) as writer:
        await writer.maintain(applied(LOG, wrap("i1", "s1"), wrap("i1", "s2")))
        await writer.maintain(applied(OTHER, wrap("i1", "s1")))
        assert await writer.maintain(one(Clear(LOG, ("item_wrap", "item")))) == {"item_wrap": 2, "item": 0}
        assert await writer.maintain(one(CountRows(LOG, ("item_wrap",)))) == {"item_wrap": 0}
        assert await writer.maintain(one(CountRows(OTHER, ("item_wrap",)))) == {"item_wrap": 1}


def job(name: str, due: str, dead: int = 0) -> Insert:
    row = {"job": name, "kind": "k", "due": due, "payload": "{}", "cause_seq": 0, "attempt": 0}
    return Insert("job", {**row, "lease_until": None, "leased_by": None, "dead": dead, "error": None})


async def test_claim_leases_due_jobs_once_and_again_after_the_lease(store_url: str) -> None:
    t0, t1, t2, t3 = (f"2026-11-23T12:0{minute}:00.000Z" for minute in range(4))
    async with open_writer(store_url) as writer:
        mine = [job("late", t1), job("early", t0), job("later", t2), job("gone", t0, dead=1)]
        await writer.maintain(applied(LOG, *mine))
        await writer.maintain(applied(OTHER, job("theirs", t1)))

        async def claim(worker: str, now: str, until: str, count_max: int = 10) -> list[tuple[str, str, int]]:
            rows = await writer.maintain(one(ClaimJobs(worker, now, until, count_max)))
            return [(row[0], row[1], row[6]) for row in rows]

        assert await claim("w1", t1, t2, count_max=1) == [(LOG, "early", 1)]
        assert await claim("w2", t1, t2) == [(OTHER, "theirs", 1), (LOG, "late", 1)]
        assert await claim("w3", t1, t2) == []
        assert await claim("w3", t2, t3, count_max=3) == [
            (LOG, "early", 2),
            (OTHER, "theirs", 2),
            (LOG, "late", 2),
        ]
        assert await writer.maintain(one(FinishJobs("w2", [(LOG, "late"), (OTHER, "theirs")]))) == 0
        assert (
            await writer.maintain(one(FinishJobs("w3", [(LOG, "late"), (OTHER, "theirs"), (LOG, "no")]))) == 2
        )
        assert await writer.maintain(one(ReleaseJob("w1", LOG, "early", t1, "E", False))) == 0
        assert await writer.maintain(one(ReleaseJob("w3", LOG, "early", t1, "E: why", True))) == 1
        assert await claim("w4", t3, t3) == [(LOG, "later", 1)]


async def test_lock_gives_the_head_or_none(store_url: str) -> None:
    async with open_writer(store_url) as writer:
        assert await writer.maintain(one(Lock(OTHER))) is None
        size, last_leaf, _, at, stopped = await writer.maintain(one(Lock(LOG)))
        assert (size, len(last_leaf), at, stopped) == (2, 32, "2026-11-23T12:00:00.000Z", None)


async def test_reader_cannot_write(store_url: str) -> None:
    async with empty_store(store_url) as store:
        with pytest.raises(StoreError, match="could not be read"):
            await store.reader.rows(text("INSERT INTO reuse (log, digest, evidence) VALUES ('l', 'd', 'e')"))
        assert await fetch(store, "SELECT * FROM reuse") == []


@pytest.mark.parametrize("url", ["mysql://x/y", "no url", "sqlite://", "sqlite:///:memory:"])
def test_open_store_refuses_other_urls(url: str) -> None:
    with pytest.raises(StoreError, match="expected"):
        open_store(url)


SECOND_WRITER = """
import asyncio, sys
from ledger.clock import SystemClock
from ledger.store import open_store
from ledger.writer import Writer
async def main():
    async with Writer(open_store(sys.argv[1]), (), SystemClock()):
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def second_writer(url: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", SECOND_WRITER, url]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


async def test_sqlite_refuses_a_second_writing_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tallystick.db'}"
    async with open_writer(url) as writer:
        with second_writer(url) as refused:
            _, said = refused.communicate(timeout=60)
        assert refused.returncode != 0
        assert f"process {os.getpid()} writes to it already" in said
        with pytest.raises(StoreError, match="one writing process"):
            async with Writer(open_store(url), (), HandClock(0)):
                pass
        assert await writer.maintain(one(Lock(LOG))) is not None


async def test_sqlite_lock_goes_with_a_killed_holder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tallystick.db'}"
    with second_writer(url) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"process {holder.pid} writes"):
            async with Writer(open_store(url), (), HandClock(0)):
                pass
        holder.send_signal(signal.SIGKILL)
    async with open_writer(url) as writer:
        assert await writer.maintain(one(Lock(LOG))) is not None
