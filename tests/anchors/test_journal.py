"""The journal's rules as tables, on both databases: what may follow what, what is refused, and of many one signs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from ledger.anchors.evm import _after
from ledger.anchors.fees import Fees
from ledger.anchors.journal import (
    CANCELLED,
    FAILED,
    FINAL,
    INTENDED,
    KEPT_WORKS_COUNT,
    MINED,
    OPEN,
    RECORDED,
    SIGNED,
    Attempt,
    Checkpointing,
    Driver,
    Journal,
    JournalMoved,
    Send,
)
from ledger.clock import HandClock, unix_ms_of
from ledger.errors import RowRefused
from ledger.rebuild import rebuild
from ledger.store.tables import derived_tables, shapes
from ledger.writer import Writer
from tests.ledger.writing import LOG, NOON, PROJECTIONS, empty_store, opening

CHAIN, ADDRESS, ANCHOR = 31337, "0x" + "ab" * 20, "anchor-1"
ROOT = b"\x07" * 32
OTHER_LOG = "writing-8a1.invalid"


@contextlib.asynccontextmanager
async def journals(url: str) -> AsyncIterator[tuple[Journal, Writer, HandClock]]:
    clock = HandClock(unix_ms_of(NOON))
    async with empty_store(url) as store, Writer(store, PROJECTIONS, clock) as writer:
        await writer.submit(opening())
        yield Journal(writer, LOG), writer, clock


async def begun(journal: Journal, nonce: int = 5) -> Driver:
    driver = await journal.lease(CHAIN, ADDRESS, "one")
    assert driver is not None
    await journal.start_nonces(driver, nonce)
    return replace(driver, nonce_next=nonce, nonce_done=nonce)


def send(nonce: int = 5, name: str | None = "anchor-1/8") -> Send:
    return Send(CHAIN, ADDRESS, nonce, name, "anchor", "0x" + "cd" * 20, b"data", 60_000, 100, 100)


def attempt(number: int = 1, cancels: bool = False) -> Attempt:
    return Attempt(f"0x{number:064x}", bytes([2, number]), Fees(number, number * 10), cancels)


async def test_a_lease_is_one_driver_s_until_it_ends(store_url: str) -> None:
    async with journals(store_url) as (journal, _, clock):
        assert (await journal.lease(CHAIN, ADDRESS, "one", 60)) is not None
        assert await journal.lease(CHAIN, ADDRESS, "two", 60) is None
        assert (await journal.lease(CHAIN + 1, ADDRESS, "two", 60)) is not None
        clock.advance(59_000)
        assert await journal.lease(CHAIN, ADDRESS, "two", 60) is None
        assert (await journal.lease(CHAIN, ADDRESS, "one", 60)) is not None  # goes on
        clock.advance(59_000)
        assert await journal.lease(CHAIN, ADDRESS, "two", 60) is None
        clock.advance(2_000)
        taken = await journal.lease(CHAIN, ADDRESS, "two", 60)
        assert taken is not None and taken.leased_by == "two"
        await journal.release(CHAIN, ADDRESS, "one")  # no longer its own
        assert await journal.lease(CHAIN, ADDRESS, "one", 60) is None
        await journal.release(CHAIN, ADDRESS, "two")
        assert (await journal.lease(CHAIN, ADDRESS, "one", 60)) is not None


async def test_what_was_signed_is_read_again_as_it_was(store_url: str) -> None:
    async with journals(store_url) as (journal, writer, _):
        driver = await begun(journal)
        work = Checkpointing(ANCHOR, 8, ROOT)
        assert await journal.intend(work)
        assert not await journal.intend(replace(work, root=b"\x08" * 32))
        driver = await journal.sign(driver, send(), attempt(), work)
        assert driver.nonce_next == 6
        await journal.again(send(), attempt(3), 110)
        sight = await journal.sight(driver)
        assert sight.sends == (replace(send(), last_height=110),)
        assert sight.attempts == {5: (attempt(1), attempt(3))}
        assert await journal.works(ANCHOR) == (replace(work, state=SIGNED, nonce=5),)
        # Nothing here comes from entries: a rebuild keeps it.
        await writer.maintain(rebuild(LOG, PROJECTIONS, shapes(), derived_tables(), lambda rows, wraps: {}))
        assert await journal.works(ANCHOR) == (replace(work, state=SIGNED, nonce=5),)
        assert (await journal.sight(driver)).attempts == sight.attempts


Refusing = Callable[[Journal, Driver], Awaitable[Any]]
WORK = Checkpointing(ANCHOR, 8, ROOT)
OPENED = replace(send(), last_height=100)
REFUSED: tuple[tuple[str, Refusing], ...] = (
    ("a nonce that is taken", lambda journal, driver: journal.sign(driver, send(5, "x"), attempt(9), None)),
    ("a nonce that skips one", lambda journal, driver: journal.sign(driver, send(7, "x"), attempt(9), None)),
    ("a size that is signed", lambda journal, driver: journal.sign(driver, send(6, "x"), attempt(9), WORK)),
    ("a size that nobody intended",
     lambda journal, driver: journal.sign(driver, send(6, "x"), attempt(9), replace(WORK, size=9))),
    ("nonces set anew by who has not seen the last", lambda journal, driver: journal.start_nonces(driver, 9)),
    ("a stop by who has not seen the last",
     lambda journal, driver: journal.stop(replace(driver, nonce_done=4), "nonce_stuck", "")),
    ("a replacement of what is not there", lambda journal, driver: journal.again(send(6), attempt(9), 110)),
    ("a replacement of what was replaced meanwhile",
     lambda journal, driver: journal.again(replace(send(), last_height=99), attempt(9), 110)),
    ("a send that moved meanwhile",
     lambda journal, driver: journal.moved(replace(send(), state=MINED, block_hash="0x1"), send())),
    ("a checkpoint that moved meanwhile", lambda journal, driver: journal.set_work(WORK, None)),
    ("filling what is there", lambda journal, driver: journal.fill(driver, send(5, None), attempt(9))),
)  # fmt: skip


@pytest.mark.parametrize(("what", "act"), REFUSED, ids=[row[0] for row in REFUSED])
async def test_who_was_too_late_is_refused_and_nothing_is_written(
    what: str, act: Refusing, tmp_path: Any
) -> None:
    async with journals(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}") as (journal, _, _):
        driver = await begun(journal)
        await journal.intend(WORK)
        now = await journal.sign(driver, send(), attempt(), WORK)
        before = (await journal.sight(now), await journal.works(ANCHOR))
        with pytest.raises(JournalMoved):
            await act(journal, driver)
        assert (await journal.sight(now), await journal.works(ANCHOR)) == before


async def test_while_stopped_nothing_is_signed(store_url: str) -> None:
    async with journals(store_url) as (journal, _, _):
        driver = await begun(journal)
        await journal.stop(driver, "key_used_elsewhere", "nonce 5\x00" + "x" * 900)
        with pytest.raises(JournalMoved):
            await journal.sign(driver, send(), attempt(), None)
        found = await journal.lease(CHAIN, ADDRESS, "one")
        assert found is not None and found.stopped == "key_used_elsewhere" and len(found.detail or "") == 499
        await journal.resume(driver)
        await journal.sign(driver, send(), attempt(), None)


async def test_a_name_counts_once_and_is_free_again_after_a_failure(store_url: str) -> None:
    async with journals(store_url) as (journal, _, _):
        driver = await begun(journal)
        driver = await journal.sign(driver, send(5), attempt(1), None)
        with pytest.raises(RowRefused):
            await journal.sign(driver, send(6), attempt(2), None)
        await journal.moved(send(5), replace(send(5), state=FAILED, name=None))
        await journal.sign(driver, send(6), attempt(2), None)


async def test_one_address_sends_for_one_log(store_url: str) -> None:
    async with journals(store_url) as (journal, writer, _):
        await writer.submit(opening(OTHER_LOG))
        other = Journal(writer, OTHER_LOG)
        mine, theirs = await begun(journal), await begun(other)
        await journal.sign(mine, send(), attempt(), None)
        with pytest.raises(RowRefused):
            await other.sign(theirs, send(), attempt(2), None)


async def test_of_many_at_once_one_signs(store_url: str) -> None:
    async with journals(store_url) as (journal, _, _):
        driver = await begun(journal)
        await journal.intend(WORK)
        done = await asyncio.gather(
            *(journal.sign(driver, send(), attempt(number), WORK) for number in range(1, 9)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Driver) for one in done) == 1
        assert sum(isinstance(one, JournalMoved) for one in done) == 7
        (kept,) = (await journal.sight(replace(driver, nonce_next=6))).attempts[5]
        assert (
            kept.tx_hash == f"0x{1 + next(at for at, one in enumerate(done) if isinstance(one, Driver)):064x}"
        )


async def test_old_checkpoints_go_when_they_are_recorded(tmp_path: Any) -> None:
    async with journals(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}") as (journal, _, _):
        for size in range(1, KEPT_WORKS_COUNT + 4):
            await journal.intend(Checkpointing(ANCHOR, size, ROOT, FINAL, receipt="{}"))
            await journal.recorded(ANCHOR, size)
        await journal.recorded(ANCHOR, 9999)
        await journal.intend(replace(WORK, size=500))
        await journal.recorded(ANCHOR, 500)  # not final: nothing to record
        works = await journal.works(ANCHOR)
        assert len(works) <= KEPT_WORKS_COUNT + 2 and works[-2].size == KEPT_WORKS_COUNT + 3
        assert {(work.state, work.receipt) for work in works} == {(RECORDED, None), (INTENDED, None)}


HERE = {"tx_hash": "0x1", "block_number": 7, "block_hash": "0xa"}
GONE: dict[str, Any] = dict.fromkeys(HERE)
AFTER: tuple[tuple[str, dict[str, Any], str, dict[str, Any], str, bool], ...] = (
    # checkpoint before and where, its transaction and where -> checkpoint after; whether its receipt is kept
    (SIGNED, GONE, OPEN, GONE, SIGNED, False),
    (SIGNED, GONE, MINED, HERE, MINED, False),
    (SIGNED, GONE, FINAL, HERE, FINAL, False),
    (SIGNED, GONE, FAILED, HERE, INTENDED, False),
    (SIGNED, GONE, CANCELLED, HERE, INTENDED, False),
    (MINED, HERE, OPEN, GONE, SIGNED, False),
    (MINED, HERE, FINAL, HERE, FINAL, False),
    (MINED, HERE, FAILED, HERE, INTENDED, False),
    (FINAL, HERE, FINAL, HERE, FINAL, True),
    (FINAL, HERE, OPEN, GONE, SIGNED, False),
    (FINAL, HERE, FINAL, HERE | {"block_hash": "0xb"}, FINAL, False),
    (RECORDED, HERE, FINAL, HERE, RECORDED, True),
    (RECORDED, HERE, OPEN, GONE, SIGNED, False),
    (RECORDED, HERE, MINED, HERE | {"block_number": 8, "block_hash": "0xb"}, MINED, False),
    (RECORDED, HERE, FINAL, HERE | {"block_number": 8, "block_hash": "0xb"}, FINAL, False),
)


@pytest.mark.parametrize(("before", "was", "of", "where", "after", "kept"), AFTER)
def test_a_checkpoint_goes_where_its_transaction_goes(
    before: str, was: dict[str, Any], of: str, where: dict[str, Any], after: str, kept: bool
) -> None:
    work = replace(WORK, state=before, nonce=5, receipt="{}" if before in (FINAL, RECORDED) else None, **was)
    moved = _after(work, replace(send(), state=of, **where))
    assert (moved.state, moved.receipt) == (after, work.receipt if kept else None)
    assert moved.nonce == (None if after == INTENDED else 5)
    expected = GONE if after in (INTENDED, SIGNED) else where
    assert {name: getattr(moved, name) for name in HERE} == expected
