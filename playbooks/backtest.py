"""A back-test: the real engine over a file of history with a moving clock, to see what a playbook would have noticed.

The clock visits every instant at which something became known, and between them the first whole second after each due
timer. A window past the last instant of the file is not a miss: it is not yet known (`pending`).
"""

from __future__ import annotations

import csv
import gc
import io
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from playbooks.calendars import instant_text
from playbooks.engine import Engine
from playbooks.errors import BacktestRefused, RecordConflict
from playbooks.importers import Reading, RowNote, read_changes
from playbooks.kinds import Kinds, load_kinds
from playbooks.mapping import Mapping, load_mapping
from playbooks.messages import Messages
from playbooks.playbook import Playbook, Watch, compile_playbook, load_playbook
from playbooks.rules import Meter
from playbooks.shapes import ARMED
from playbooks.world import Broken, Cleared, MemoryWorld, RecordChange, Said, Signal

TICK_MS = 1_000
"""The clock between changes stands on whole seconds; a timer fires at the first one after its due instant."""
PLAYBOOKS_MAX = 200
BROKEN_SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Example:
    """A folder with kinds.yaml, mapping.yaml and playbooks/*.yaml, loaded and checked against each other."""

    kinds: Kinds
    messages: Messages
    mapping: Mapping
    playbooks: tuple[Playbook, ...]

    def watches(self, meter: Meter | None = None) -> tuple[Watch, ...]:
        """Compile the playbooks; `meter` counts their evaluations."""
        return tuple(compile_playbook(playbook, self.messages, meter) for playbook in self.playbooks)


@dataclass(frozen=True, slots=True)
class Hit:
    """One noticed exception: the first onset of (playbook, subject, onset)."""

    playbook: str
    subject: str
    onset_ms: int
    detected_ms: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a back-test found, and what it cost. `pending` counts windows that end after the file does."""

    hits: tuple[Hit, ...]
    pending: dict[str, int]
    cleared: dict[str, int]
    broken: tuple[Broken, ...]
    broken_count: int
    rows: int
    changes: int
    refused: tuple[RowNote, ...]
    refused_count: int
    flagged: tuple[RowNote, ...]
    flagged_count: int
    repeated: int
    evaluations: int
    seconds: float
    first_ms: int | None
    last_ms: int | None

    def subjects(self, playbook: str) -> set[str]:
        """Return the subjects a playbook noticed."""
        return {hit.subject for hit in self.hits if hit.playbook == playbook}


def load_example(folder: Path) -> Example:
    """Load an example folder. Raises BacktestRefused (a part is missing), DocumentInvalid (file and line)."""
    for part in ("kinds.yaml", "mapping.yaml"):
        if not (folder / part).is_file():
            raise BacktestRefused(f"{folder}: expected the file {part}, got none")
    files = sorted((folder / "playbooks").glob("*.yaml"))
    if not files or len(files) > PLAYBOOKS_MAX:
        raise BacktestRefused(
            f"{folder}/playbooks: expected 1 to {PLAYBOOKS_MAX} files *.yaml, got {len(files)}"
        )
    kinds = load_kinds(folder / "kinds.yaml")
    messages = Messages(kinds)
    mapping = load_mapping(folder / "mapping.yaml", kinds)
    playbooks = tuple(load_playbook(file) for file in files)
    twice = [name for name, count in Counter(one.id for one in playbooks).items() if count > 1]
    if twice:
        raise BacktestRefused(
            f"{folder}/playbooks: expected each id once, got {', '.join(twice)} more than once"
        )
    example = Example(kinds, messages, mapping, playbooks)
    example.watches()
    return example


def backtest(folder: Path, data: Path, playbooks: Sequence[str] = ()) -> Result:
    """Run an example's playbooks (all, or the named ones) over a data file.

    Raises:
        BacktestRefused, DocumentInvalid: the example; ImportRefused: the data file as a whole.
    """
    example = load_example(folder)
    unknown = sorted(set(playbooks) - {one.id for one in example.playbooks})
    if unknown:
        known = ", ".join(one.id for one in example.playbooks)
        raise BacktestRefused(f"expected playbooks of {known}, got {', '.join(unknown)}")
    meter = Meter()
    watches = [watch for watch in example.watches(meter) if not playbooks or watch.id in playbooks]
    begun = time.perf_counter()
    with _collector_paused():
        reading = read_changes(example.mapping, data)
        run = Clockwork(Engine(example.messages, watches))
        run.play(reading.changes())
    return _result(run, reading, meter, time.perf_counter() - begun)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """A back-test keeps its whole history and makes no cycles: walking it for garbage took a fifth of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class Clockwork:
    """The moving clock: plays changes in order of known time into a world in memory and keeps what was said."""

    def __init__(self, engine: Engine) -> None:
        """Start with an empty world."""
        self.engine = engine
        self.world = MemoryWorld()
        self.said: list[Said] = []
        self.first_ms: int | None = None
        self.last_ms: int | None = None

    def play(self, changes: Iterable[RecordChange]) -> None:
        """Play changes to the end of the file, and the ticks up to its last instant."""
        for now_ms, group in groupby(changes, key=lambda change: change.known_ms):
            self.tick_until(now_ms)
            step = self.engine.step(group, self.world)
            self.world.apply(step)
            self.said.extend(step.said)
            self.first_ms = now_ms if self.first_ms is None else self.first_ms
            self.last_ms = now_ms
        if self.last_ms is not None:
            # A window that closes with the file is complete: everything of its last instant is known.
            self.tick_until(_tick_after(self.last_ms), self.last_ms)

    def tick_until(self, now_ms: int, due_max_ms: int | None = None) -> None:
        """Fire the timers whose first tick lies at or before `now_ms`, and that are due by `due_max_ms`."""
        while (wake := self.world.next_wake()) is not None and (tick := _tick_after(wake)) <= now_ms:
            if due_max_ms is not None and wake > due_max_ms:
                return
            step = self.engine.fire(
                list(self.world.due(min(tick, (due_max_ms or tick) + 1))), self.world, tick
            )
            self.world.apply(step)
            self.said.extend(step.said)


def _tick_after(ms: int) -> int:
    return (ms // TICK_MS + 1) * TICK_MS


def _result(run: Clockwork, reading: Reading, meter: Meter, seconds: float) -> Result:
    hits: dict[tuple[str, str, int], Hit] = {}
    cleared: Counter[str] = Counter()
    broken: list[Broken] = []
    for said in run.said:
        if isinstance(said, Signal):
            hit = Hit(said.playbook, said.subject, said.onset_ms, said.detected_ms)
            hits.setdefault((hit.playbook, hit.subject, hit.onset_ms), hit)
        elif isinstance(said, Cleared):
            cleared[said.playbook] += 1
        else:
            broken.append(said)
    pending = Counter(row.playbook for row in run.world.timers.values() if row.state == ARMED)
    ordered = sorted(hits.values(), key=lambda hit: (hit.onset_ms, hit.playbook, hit.subject))
    return Result(
        tuple(ordered), dict(pending), dict(cleared), tuple(broken[:BROKEN_SHOWN_MAX]), len(broken), reading.rows,
        reading.change_count, tuple(reading.refused), reading.refused_count, tuple(reading.flagged),
        reading.flagged_count, reading.repeated, meter.evaluations, seconds, run.first_ms, run.last_ms,
    )  # fmt: skip


def hits_csv(result: Result) -> str:
    """Return `playbook,subject,onset,detected_at`, sorted by onset, playbook, subject; instants in RFC 3339 UTC
    with Z."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("playbook", "subject", "onset", "detected_at"))
    for hit in result.hits:
        writer.writerow(
            (hit.playbook, hit.subject, instant_text(hit.onset_ms), instant_text(hit.detected_ms))
        )
    return out.getvalue()


def write_hits(result: Result, path: Path) -> None:
    """Write the hits as UTF-8 with LF lines, the same bytes for the same input."""
    path.write_text(hits_csv(result), encoding="utf-8", newline="\n")


__all__ = [
    "BacktestRefused", "Clockwork", "Example", "Hit", "RecordConflict", "Result", "backtest", "hits_csv",
    "load_example", "write_hits",
]  # fmt: skip
