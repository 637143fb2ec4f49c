"""What the engine sees and what it says, as data: record versions, the world it reads, the step it returns.

The same engine runs on two worlds: `MemoryWorld` (back-test, tests) and rows prefetched from the database (records.py).
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from playbooks.errors import RecordConflict
from playbooks.shapes import TimerRow

VersionKey = tuple[int, int]
"""(event_ms, order): which of two versions of a record is the later one, whenever they became known."""


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One version of one record, as an importer gives it: all values known at that moment, canonical JSON types.

    `event_ms` is when it happened, `known_ms` when the organisation could know, `order` breaks ties of one instant;
    `subject` is the data subject's own id in the source, or None; `line` is where it stood in the file; `item` is the
    commitment of the sealed version, once it has one.
    """

    kind: str
    id: str
    event_ms: int
    known_ms: int
    order: int
    values: Mapping[str, Any]
    subject: str | None = None
    line: int = 0
    item: str | None = None

    @property
    def version(self) -> VersionKey:
        """Which version of the record this is."""
        return self.event_ms, self.order


@dataclass(slots=True)
class Version:
    """The latest version of a record in a world. `item` is its commitment in the vault (None in memory).

    `message` and `facts` are caches of the engine: the filled protobuf message and the bound CEL variables.
    """

    kind: str
    id: str
    event_ms: int
    order: int
    values: Mapping[str, Any]
    item: str | None = None
    message: Any = None
    facts: Any = None

    @property
    def version(self) -> VersionKey:
        """Which version of the record this is."""
        return self.event_ms, self.order


# ---------------------------------------------------------------------------------------------- signals
@dataclass(frozen=True, slots=True)
class Cite:
    """One record version that a signal rests on."""

    kind: str
    id: str
    event_ms: int
    order: int
    item: str | None


@dataclass(frozen=True, slots=True)
class Fact:
    """One value to show, with the record version and field it comes from. `value` None: the field was absent."""

    field: str
    value: Any
    cite: Cite


@dataclass(frozen=True, slots=True)
class Money:
    """Minor units of a currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Signal:
    """An exception was noticed. Onset is when it began, detected when the engine said so (both ms since 1970)."""

    playbook: str
    digest: str
    subject_kind: str
    subject: str
    fingerprint: str
    title: str
    onset_ms: int
    detected_ms: int
    value: Money | None
    facts: tuple[Fact, ...]
    records: tuple[Cite, ...]


@dataclass(frozen=True, slots=True)
class Cleared:
    """The condition of a signal went away by itself: answered_late, no_longer_so, moved or window_over."""

    playbook: str
    digest: str
    subject_kind: str
    subject: str
    fingerprint: str
    reason: str
    at_ms: int
    records: tuple[Cite, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """An expression, bucket or calendar failed for this subject: not true, not false. `detail` may hold private
    values."""

    playbook: str
    digest: str
    subject_kind: str
    subject: str
    reason_code: str
    detail: str
    at_ms: int


Said = Signal | Cleared | Broken


def not_after(said: Said, now_ms: int) -> Said:
    """Return what was said, dated no later than now. A source's clock may run ahead of ours; a case cannot."""
    if isinstance(said, Signal):
        return replace(said, onset_ms=min(said.onset_ms, now_ms), detected_ms=min(said.detected_ms, now_ms))
    return replace(said, at_ms=min(said.at_ms, now_ms))


# ---------------------------------------------------------------------------------------------- the step
TimerKey = tuple[str, str]
"""(playbook id, subject id)."""


@dataclass(frozen=True, slots=True)
class IndexChange:
    """A record enters (`added`) or leaves a bucket of a join index."""

    index: str
    bucket: str
    id: str
    added: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from changes or due timers. Apply it to the world, or write it as rows; nothing was changed yet."""

    records: Mapping[tuple[str, str], Version]
    index: tuple[IndexChange, ...]
    timers: Mapping[TimerKey, TimerRow | None]
    said: tuple[Said, ...]


class World(Protocol):
    """The rows the engine reads."""

    def record(self, kind: str, record_id: str) -> Version | None:
        """Return the latest version of a record."""
        ...

    def bucket(self, index: str, bucket: str) -> Iterable[str]:
        """Return the ids of the records in one bucket of a join index."""
        ...

    def timer(self, playbook: str, subject: str) -> TimerRow | None:
        """Return the timer row of (playbook, subject)."""
        ...


Bucketing = Callable[[list[Any]], str]
"""Key values -> bucket name; the two sides of a join share it."""


def plain_bucket(values: list[Any]) -> str:
    """Name a bucket by its values. In memory only: stored bucket names are keyed hashes (records.py)."""
    return json.dumps(values, ensure_ascii=False)


@dataclass(slots=True)
class MemoryWorld:
    """A world in memory, with its timers in a heap; stale heap entries are skipped when they come up."""

    records: dict[tuple[str, str], Version] = field(default_factory=dict)
    buckets: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    timers: dict[TimerKey, TimerRow] = field(default_factory=dict)
    _heap: list[tuple[int, str, str]] = field(default_factory=list)

    def record(self, kind: str, record_id: str) -> Version | None:
        """Return the latest version of a record."""
        return self.records.get((kind, record_id))

    def bucket(self, index: str, bucket: str) -> Iterable[str]:
        """Return the ids of the records in one bucket."""
        return self.buckets.get((index, bucket), ())

    def timer(self, playbook: str, subject: str) -> TimerRow | None:
        """Return the timer row of (playbook, subject)."""
        return self.timers.get((playbook, subject))

    def apply(self, step: Step) -> None:
        """Make a step so."""
        self.records.update(step.records)
        for change in step.index:
            bucket = self.buckets.setdefault((change.index, change.bucket), set())
            if change.added:
                bucket.add(change.id)
            else:
                bucket.discard(change.id)
        for key, row in step.timers.items():
            if row is None:
                self.timers.pop(key, None)
                continue
            self.timers[key] = row
            if row.wake_ms is not None:
                heapq.heappush(self._heap, (row.wake_ms, *key))

    def next_wake(self) -> int | None:
        """Return when the next timer is due, or None."""
        while self._heap:
            wake, playbook, subject = self._heap[0]
            row = self.timers.get((playbook, subject))
            if row is not None and row.wake_ms == wake:
                return wake
            heapq.heappop(self._heap)
        return None

    def due(self, now_ms: int) -> Iterator[TimerRow]:
        """Take the timers whose due instant lies before `now_ms`, in order of (due, playbook, subject)."""
        while (wake := self.next_wake()) is not None and wake < now_ms:
            _, playbook, subject = heapq.heappop(self._heap)
            yield self.timers[playbook, subject]


def same_version(old: Version, change: RecordChange) -> bool:
    """Whether a change repeats the latest version exactly. Raises RecordConflict: same version, other content."""
    if old.version != change.version:
        return False
    if old.values == change.values:
        return True
    raise RecordConflict(
        f"{change.kind} {change.id}: the version of this instant and order is there with other content"
    )
