"""Work that is due later, as rows of the table `job`: written in the transaction of the entry that caused it.

    projection inserts a row  ->  due  ->  claimed with a lease  ->  handler  ->  finished (row gone)
                                                                `->  failed: due again later, after the last try dead

Any worker takes over a lease that ran out, so nothing waits for a process that died. A handler may therefore run
twice: it does its work through a command whose key is the job's name, and gets the first outcome again. A dead job
stays in the table until a person looks at it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ledger import codec
from ledger.changes import Change, Delete, Insert
from ledger.clock import instant_of, unix_ms_of
from ledger.entries import Entry
from ledger.errors import LedgerError, StoreError
from ledger.steps import ClaimJobs, FinishJobs, ReleaseJob, Work

LEASE_SECONDS = 60
CLAIM_COUNT_MAX = 32
ATTEMPTS_MAX = 8
RETRY_FIRST_SECONDS = 5
RETRY_MAX_SECONDS = 3600
POLL_SECONDS = 1.0
ERROR_SIZE_MAX_CHARACTERS = 300
STOPPED = "the worker was stopped before it was done"

_journal = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One leased row of work. `attempt` counts from 1."""

    log: str
    job: str
    kind: str
    due: str
    payload: Mapping[str, Any]
    cause_seq: int
    attempt: int


Handler = Callable[[Job], Awaitable[None]]
"""Does the work of one job. An error makes it due again; it must bear being called twice."""


class JobGone(LedgerError):
    """Raised by a handler whose job has become pointless: the row goes, and nothing is counted as a failure."""


class Writing(Protocol):
    """What the worker needs of the writer."""

    async def maintain(self, work: Work) -> Any:
        """Run work in one transaction and return its value."""
        ...

    def now(self) -> str:
        """Return the time, RFC 3339 UTC."""
        ...


def job_inserted(kind: str, cause: str, due: str, payload: Mapping[str, Any], entry: Entry) -> list[Change]:
    """Return the changes that make a job due; `kind:cause` names it, and one of that name is replaced."""
    job = f"{kind}:{cause}"
    row = {
        "job": job,
        "kind": kind,
        "due": due,
        "payload": codec.dumps(payload).decode(),
        "cause_seq": entry.seq,
        "attempt": 0,
        "lease_until": None,
        "leased_by": None,
        "dead": 0,
        "error": None,
    }
    return [Delete("job", (job,)), Insert("job", row)]


def job_deleted(kind: str, cause: str) -> Change:
    """Return the change that takes a job away; none of that name is no error."""
    return Delete("job", (f"{kind}:{cause}",))


def why_of(error: str | None) -> str:
    """Return the part of a job's error that is safe to show: its type, and the code of a refusal. What an error of
    another kind says may hold a value."""
    found = _WHY.match(error or "")
    return found[0] if found else "unknown"


_WHY = re.compile(r"Refused: [a-z_]+(?=:)|Stopped: [a-z_]+(?=:)|[A-Za-z]+")


class Worker:
    """Claims due jobs of all logs and runs their handlers.

    `handlers` maps a job kind to the function that does it; a kind that nobody handles becomes dead at once.
    `name` must differ between workers (process id and a counter will do).
    """

    def __init__(
        self,
        writer: Writing,
        handlers: Mapping[str, Handler],
        name: str,
        claim_count: int = CLAIM_COUNT_MAX,
    ) -> None:
        """`claim_count` jobs are run at once; 1 where the order of everything must be the same each time."""
        self._claim_count = claim_count
        self._writer = writer
        self._handlers = dict(handlers)
        self._name = name

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set. A database that fails is waited for, not given up on."""
        while not stop.is_set():
            try:
                if await self.run_once():
                    continue
            except LedgerError as error:
                _journal.error("worker %s: %s", self._name, error)
            try:
                await asyncio.wait_for(stop.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def run_once(self) -> int:
        """Claim what is due now, run it, and return how many jobs that were.

        Raises:
            StoreError, Stopped: claiming failed; nothing was leased.
            CancelledError: what was claimed was given back.
        """
        now = self._writer.now()
        until = instant_of(unix_ms_of(now) + LEASE_SECONDS * 1000)
        rows = await self._writer.maintain(_one(ClaimJobs(self._name, now, until, self._claim_count)))
        jobs = [_job(*row) for row in rows]
        try:
            failures = await asyncio.gather(*(self._handle(job) for job in jobs))
        except asyncio.CancelledError:
            # Stopped: the jobs are due again at once, instead of when the leases run out. Those already done are
            # repeated under the same key, which changes nothing.
            for job in jobs:
                await self._writer.maintain(
                    _one(ReleaseJob(self._name, job.log, job.job, job.due, STOPPED, dead=False))
                )
            raise
        done = [(job.log, job.job) for job, failure in zip(jobs, failures, strict=True) if failure is None]
        if done:
            # Jobs whose command replaced or deleted the row already are no longer leased to us, and stay as they are.
            await self._writer.maintain(_one(FinishJobs(self._name, done)))
        for job, failure in zip(jobs, failures, strict=True):
            if failure is not None:
                await self._writer.maintain(_one(self._release(job, failure)))
        return len(jobs)

    async def _handle(self, job: Job) -> Exception | None:
        handler = self._handlers.get(job.kind)
        if handler is None:
            return LookupError(f"job kind: expected one of {sorted(self._handlers)}, got {job.kind!r}")
        try:
            async with asyncio.timeout(LEASE_SECONDS):
                await handler(job)
        except JobGone:
            return None
        except Exception as error:
            _journal.warning("job %s of %s, attempt %d: %r", job.job, job.log, job.attempt, error)
            return error
        return None

    def _release(self, job: Job, failure: Exception) -> ReleaseJob:
        dead = isinstance(failure, LookupError) or (
            job.attempt >= ATTEMPTS_MAX and not isinstance(failure, StoreError)
        )
        wait_seconds = min(RETRY_FIRST_SECONDS * 2 ** (job.attempt - 1), RETRY_MAX_SECONDS)
        due = instant_of(unix_ms_of(self._writer.now()) + wait_seconds * 1000)
        error = f"{type(failure).__name__}: {failure}"[:ERROR_SIZE_MAX_CHARACTERS].replace("\x00", "")
        return ReleaseJob(self._name, job.log, job.job, due, error, dead)


def _job(log: str, job: str, kind: str, due: str, payload: str, cause_seq: int, attempt: int) -> Job:
    """Read a row of JOB_COLUMNS."""
    return Job(log, job, kind, due, codec.loads(payload), cause_seq, attempt)


def _one(step: ClaimJobs | FinishJobs | ReleaseJob) -> Work:
    return (yield step)
