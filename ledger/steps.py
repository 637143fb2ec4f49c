"""What a unit of writing asks of the database, as data: generators yield these, and both stores perform them.

    work = a generator that yields steps and returns a value
    the writer opens a transaction, performs each step, sends its answer back in, and commits when the work returns

So there is one copy of every rule for both databases, and it runs without either.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.overlay import TableWrite, Wanted


@dataclass(frozen=True, slots=True)
class Lock:
    """Lock the head row of a log for this transaction. Answer: (size, last_leaf, frontier, at, stopped), or None."""

    log: str


@dataclass(frozen=True, slots=True)
class Load:
    """Read rows, one statement per table and key length. Answer: table -> rows of `Shape.columns`, perhaps doubled."""

    log: str
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Write:
    """Write rows in bulk. Answer: None. Raises RowRefused when a constraint refuses one."""

    log: str
    tables: Sequence[TableWrite]


@dataclass(frozen=True, slots=True)
class ReadEntries:
    """Read canonical bytes in order. Answer: list of bytes, at most `count_max`, from `first_seq` on."""

    log: str
    first_seq: int
    count_max: int


KEPT = {"job": " AND cause_seq >= 0"}
"""What `Clear` leaves alone: a job that no entry caused (cause_seq -1) could not be made again from the log."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Delete the rows of a log in these tables but for KEPT, in this order. Answer: table -> rows that were there."""

    log: str
    tables: Sequence[str]


@dataclass(frozen=True, slots=True)
class CountRows:
    """Count the rows of a log in these tables. Answer: table -> count."""

    log: str
    tables: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClaimJobs:
    """Lease due jobs of all logs to a worker, passing over what another one holds. Answer: rows of JOB_COLUMNS."""

    worker: str
    now: str
    lease_until: str
    count_max: int


@dataclass(frozen=True, slots=True)
class FinishJobs:
    """Delete jobs still leased to this worker: [(log, job)]. Answer: how many."""

    worker: str
    jobs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """Give a job still leased to this worker back with a new due time, or as dead. Answer: how many (0 or 1)."""

    worker: str
    log: str
    job: str
    due: str
    error: str
    dead: bool


Step = Lock | Load | Write | ReadEntries | Clear | CountRows | ClaimJobs | FinishJobs | ReleaseJob
Work = Generator[Step, Any, Any]
"""Returns its value when done; the transaction is committed after that and before anybody is told."""

JOB_COLUMNS = ("log", "job", "kind", "due", "payload", "cause_seq", "attempt")
"""What ClaimJobs answers per job; `attempt` counts this one."""
