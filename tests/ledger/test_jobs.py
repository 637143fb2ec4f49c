"""Jobs: made with their entry, run once, taken over, tried again, given up on; on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ledger.clock import HandClock, unix_ms_of
from ledger.commands import Command, Decided, View
from ledger.entries import Draft
from ledger.errors import Refused, StoreError
from ledger.jobs import ATTEMPTS_MAX, CLAIM_COUNT_MAX, LEASE_SECONDS, STOPPED, Job, JobGone, Worker
from ledger.store import Store
from ledger.writer import Writer
from tests.ledger.writing import NOON, PROJECTIONS, command, empty_store, fetch, note, opening


class Bench:
    """A writer with a log and a clock, and what the handlers were called with."""

    def __init__(self, store: Store, writer: Writer, clock: HandClock) -> None:
        self.store, self.writer, self.clock = store, writer, clock
        self.calls: list[tuple[str, int]] = []

    def worker(self, name: str = "w1", work: Callable[[Job], Awaitable[None]] | None = None) -> Worker:
        async def handler(job: Job) -> None:
            self.calls.append((job.job, job.attempt))
            if work is not None:
                await work(job)

        return Worker(self.writer, {"answer": handler}, name)

    async def jobs(self) -> list[tuple[object, ...]]:
        return await fetch(
            self.store, "SELECT job, attempt, dead, leased_by, error FROM job ORDER BY cause_seq"
        )


@pytest.fixture
async def bench(store_url: str):  # type: ignore[no-untyped-def]
    clock = HandClock(unix_ms_of(NOON))
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, clock) as writer:
            await writer.submit(opening())
            yield Bench(store, writer, clock)


async def test_a_job_is_made_with_its_entry_run_once_and_gone(bench: Bench) -> None:
    await bench.writer.submit(note("a"))
    with pytest.raises(Refused):
        await bench.writer.submit(note("a", case="other"))
    assert await bench.jobs() == [("answer:2", 0, 0, None, None)]
    worker = bench.worker()
    assert [await worker.run_once(), await worker.run_once()] == [1, 0]
    assert bench.calls == [("answer:2", 1)]
    assert await bench.jobs() == []


async def test_a_job_waits_for_its_time(bench: Bench) -> None:
    await bench.writer.submit(note("a"))
    bench.clock.advance(-1)
    assert await bench.worker().run_once() == 0
    bench.clock.advance(1)
    assert await bench.worker().run_once() == 1


async def test_a_failure_is_tried_again_later_and_given_up_at_last(bench: Bench) -> None:
    await bench.writer.submit(note("a"))

    async def fail(job: Job) -> None:
        raise ValueError("no luck")

    worker = bench.worker(work=fail)
    for attempt in range(1, ATTEMPTS_MAX + 1):
        assert await worker.run_once() == 1
        dead = int(attempt == ATTEMPTS_MAX)
        assert await bench.jobs() == [("answer:2", attempt, dead, None, "ValueError: no luck")]
        assert await worker.run_once() == 0, "not due again at once"
        bench.clock.advance(3_600_000)
    assert await worker.run_once() == 0, "dead: it waits for a person"


async def test_a_database_that_fails_never_kills_a_job(bench: Bench) -> None:
    await bench.writer.submit(note("a"))

    async def fail(job: Job) -> None:
        raise StoreError("away")

    worker = bench.worker(work=fail)
    for _ in range(ATTEMPTS_MAX + 3):
        await worker.run_once()
        bench.clock.advance(3_600_000)
    assert [row[2] for row in await bench.jobs()] == [0]


async def test_another_worker_takes_over_when_the_lease_ran_out(bench: Bench) -> None:
    await bench.writer.submit(note("a"))
    started, never = asyncio.Event(), asyncio.Event()

    async def hang(job: Job) -> None:
        started.set()
        await never.wait()

    stuck = asyncio.create_task(bench.worker("stuck", hang).run_once())
    await started.wait()
    assert await bench.worker("w2").run_once() == 0
    bench.clock.advance(LEASE_SECONDS * 1000)
    assert await bench.worker("w2").run_once() == 1
    assert bench.calls == [("answer:2", 1), ("answer:2", 2)]
    never.set()
    assert await stuck == 1
    assert await bench.jobs() == []


async def test_an_unknown_kind_is_dead_at_once_and_named(bench: Bench) -> None:
    await bench.writer.submit(note("a"))
    assert await Worker(bench.writer, {}, "w1").run_once() == 1
    ((_, _, dead, _, error),) = await bench.jobs()
    assert dead == 1 and "got 'answer'" in str(error)


async def test_a_pointless_job_goes_without_a_failure(bench: Bench) -> None:
    await bench.writer.submit(note("a"))

    async def gone(job: Job) -> None:
        raise JobGone("nothing to do")

    assert await bench.worker(work=gone).run_once() == 1
    assert await bench.jobs() == []


def clear(view: View, command: Command, at: str) -> Decided:
    return Decided((Draft("case_cleared", "case-1", {"records": [{"seq": command.data}]}),))


async def test_a_handler_that_writes_through_a_command_does_it_once(bench: Bench) -> None:
    await bench.writer.submit(note("a"))

    async def answer(job: Job) -> None:
        await bench.writer.submit(command(job.job, clear, job.cause_seq))
        if job.attempt == 1:
            # Killed after the command and before the job was finished: the projection took the row away with it.
            raise ValueError("crash")

    worker = bench.worker(work=answer)
    assert [await worker.run_once(), await worker.run_once()] == [1, 0]
    assert await fetch(bench.store, "SELECT count(*) FROM entry WHERE kind = 'case_cleared'") == [(1,)]
    assert await bench.jobs() == []


async def test_two_workers_share_the_work_and_no_job_runs_twice(bench: Bench) -> None:
    count = CLAIM_COUNT_MAX * 3
    await asyncio.gather(*(bench.writer.submit(note(f"k{number}")) for number in range(count)))
    workers = [bench.worker("w1"), bench.worker("w2")]
    done = 0
    while step := sum(await asyncio.gather(*(worker.run_once() for worker in workers))):
        done += step
    assert done == len(set(bench.calls)) == len(bench.calls) == count


async def test_run_works_until_it_is_stopped(bench: Bench) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(bench.worker().run(stop))
    await bench.writer.submit(note("a"))
    for _ in range(200):
        if bench.calls:
            break
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert bench.calls == [("answer:2", 1)]


async def test_a_worker_cancelled_gives_its_jobs_back_at_once(bench: Bench) -> None:
    await bench.writer.submit(note("a"))
    started = asyncio.Event()

    async def hang(job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    working = asyncio.create_task(bench.worker("stopped", hang).run_once())
    await started.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert await bench.jobs() == [("answer:2", 1, 0, None, STOPPED)]
    assert await bench.worker("w2").run_once() == 1, "due without waiting for the lease"
