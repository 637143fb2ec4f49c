"""Records in the database: versions sealed in the vault, and the engine run on rows prefetched for one chunk of
changes.

    chunk = await prepare(rows, engine, vault, changes, of, now_ms)     before the writer: seal, prefetch, run the
    engine Command(..., needs=chunk.needs, rule=write_chunk, data=chunk)       inside: still current? then these rows
    chunk.said                                                          after: cases open and clear
    imports.py                                                          around it: which import, and its one entry

    chunk = await prepare_due(rows, engine, vault, now_ms)              the same for timers that are due

A crash between chunks costs nothing: the place of a version under the root follows from the file alone, what is there
already counts as repeated, and the entry is appended when the last chunk is in. Nothing here commits or reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Table

from ledger import canonical
from ledger.changes import Change, Delete, Insert, Key, Row, Set
from ledger.commands import Command, Decided, Need, View
from ledger.entries import Draft
from ledger.errors import CanonicalError, Refused
from ledger.vault import Vault
from playbooks.backtest import Clockwork
from playbooks.calendars import instant_ms, instant_text
from playbooks.engine import Engine, Lookups
from playbooks.errors import WorldIncomplete
from playbooks.playbook import Playbook
from playbooks.shapes import ACTIVE, TimerRow
from playbooks.tables import record, record_index, record_version, timer
from playbooks.world import Bucketing, RecordChange, Said, Signal, Step, TimerKey, Version, not_after

NAMED = "named"
"""The space of names that hold whatever source they come from: those that people give by hand, mail addresses."""
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
DUE_TIMERS_MAX = 500
ROWS_PER_READ_MAX = 10_000
KEYS_PER_READ_MAX = 400
CLOCK_SKEW_MAX_MS = 300_000
"""A source's clock may run this much ahead; what is known later than that is refused, not believed."""
BACKFILL_VERSIONS_MAX = 500_000
PREFETCH_ROUNDS_MAX = 6

RECORD_PATH = "record"
"""The vault path of a record version: {kind, id, event_at, order, known_at, source, subject, values}."""


T = TypeVar("T")


class Rows(Protocol):
    """Reading the rows of one organisation."""

    async def find(
        self,
        table: Table,
        where: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
        also: Sequence[ColumnElement[bool]] = (),
    ) -> list[Row]:
        """Return rows whose columns equal `where` (a list: any of), in primary-key order; without `limit` all."""
        ...

    async def open_all(self, commitments: Iterable[str]) -> dict[str, Any]:
        """Return commitment -> private value, None when it was erased."""
        ...


@dataclass(frozen=True, slots=True)
class ImportOf:
    """Which import a chunk belongs to, and who sends it (a member's id, or `system`). `first_leaf` is the place of its
    first change in the whole import, `round` how often this file was imported and finished before."""

    source: str
    id: str
    received_ms: int
    received_from: str
    first_leaf: int = 0
    round: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one command writes, what it rests on, and what the engine said.

    `refused` are (line, reason); `said` is to be acted on only after the command was accepted.
    """

    rows: tuple[Change, ...]
    expected: Mapping[tuple[str, Key], Any]
    said: tuple[Said, ...]
    imported: int = 0
    repeated: int = 0
    refused: tuple[tuple[int, str], ...] = ()
    drafts: tuple[Draft, ...] = ()

    @property
    def needs(self) -> tuple[Need, ...]:
        """Rows the rule compares: they must be as they were when the engine looked."""
        return tuple(Need(table, key) for table, key in self.expected)


def write_chunk(view: View, command: Command, at: str) -> Decided:
    """Rule: write the chunk if everything it rests on is unchanged. Raises Refused: stale (prepare it again)."""
    chunk: Chunk = command.data
    for (table, key), seen in chunk.expected.items():
        if table == "record_index":
            now: Any = frozenset(row["record"] for row in view.scan(table, key))
        else:
            now = _plain_row(view.get(table, key))
        if now != seen:
            raise Refused("stale", f"{table}: expected the rows the engine saw, got newer ones")
    return Decided(chunk.drafts, chunk.rows)


def subject_id(vault: Vault, source: str, subject: str) -> str:
    """Return the pseudonymous id of a source's data subject, the same for every version that concerns her.

    A mail address names one person wherever it stands; any other name means something within its source alone.
    """
    if _ADDRESS.fullmatch(subject):
        return vault.fingerprint("data-subject", NAMED, subject.casefold())
    return vault.fingerprint("data-subject", source, subject)


def bucketing(vault: Vault) -> Bucketing:
    """Return how join keys are named in the database: keyed, so that the index tells nothing without the key."""
    return lambda values: vault.fingerprint("bucket", canonical.encode(values).decode())


# ---------------------------------------------------------------------------------------------- the prefetched world
class RowWorld:
    """The rows of one chunk. Reading what was not loaded raises: it would silently look absent."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], Version | None] = {}
        self.record_rows: dict[tuple[str, str], Row | None] = {}
        self.buckets: dict[tuple[str, str], frozenset[str]] = {}
        self.timers: dict[TimerKey, TimerRow | None] = {}

    def record(self, kind: str, record_id: str) -> Version | None:
        """Return the latest version of a record. Raises WorldIncomplete."""
        return _loaded(self.records, (kind, record_id), "record")

    def bucket(self, index: str, bucket: str) -> Iterable[str]:
        """Return the ids of the records in one bucket. Raises WorldIncomplete."""
        return _loaded(self.buckets, (index, bucket), "bucket")

    def timer(self, playbook: str, subject: str) -> TimerRow | None:
        """Return the timer row of (playbook, subject). Raises WorldIncomplete."""
        return _loaded(self.timers, (playbook, subject), "timer")

    def missing(self, wanted: Lookups) -> Lookups:
        """Return the part of `wanted` that was not loaded yet."""
        return Lookups(
            wanted.records - self.records.keys(),
            wanted.buckets - self.buckets.keys(),
            wanted.timers - self.timers.keys(),
        )

    async def load(self, rows: Rows, wanted: Lookups) -> None:
        """Load records with their values, buckets and timers."""
        await self._load_records(rows, wanted.records)
        found: dict[tuple[str, str], set[str]] = {key: set() for key in wanted.buckets}
        for idx, buckets in _grouped(wanted.buckets):
            for row in await _find_all(rows, record_index, {"idx": idx}, "bucket", buckets):
                found[idx, row["bucket"]].add(row["record"])
        self.buckets.update({key: frozenset(members) for key, members in found.items()})
        self.timers.update(dict.fromkeys(wanted.timers))
        for playbook, subjects in _grouped(wanted.timers):
            for row in await _find_all(rows, timer, {"playbook": playbook}, "subject", subjects):
                self.timers[playbook, row["subject"]] = timer_of(row)

    async def _load_records(self, rows: Rows, wanted: Iterable[tuple[str, str]]) -> None:
        found: dict[tuple[str, str], Row] = {}
        for kind, ids in _grouped(wanted):
            for row in await _find_all(rows, record, {"kind": kind}, "record", ids):
                found[kind, row["record"]] = row
        opened = await rows.open_all([row["item"] for row in found.values()])
        for key in wanted:
            latest = found.get(key)
            self.record_rows[key] = latest
            value = opened.get(latest["item"]) if latest is not None else None
            self.records[key] = None if latest is None or value is None else _version(latest, value)

    def expected(self) -> dict[tuple[str, Key], Any]:
        """Return what the engine saw, for the rule to compare."""
        seen: dict[tuple[str, Key], Any] = {
            ("record", key): _plain_row(row) for key, row in self.record_rows.items()
        }
        seen |= {("timer", key): _plain_row(_timer_values(row)) for key, row in self.timers.items()}
        return seen | {("record_index", key): members for key, members in self.buckets.items()}


def _loaded(rows: Mapping[tuple[str, str], T], key: tuple[str, str], what: str) -> T:
    try:
        return rows[key]
    except KeyError:
        raise WorldIncomplete(f"{what} {key[0]}: expected it to be prefetched, got no such row") from None


# ---------------------------------------------------------------------------------------------- preparing
async def prepare(
    rows: Rows, engine: Engine, vault: Vault, changes: Sequence[RecordChange], of: ImportOf, now_ms: int
) -> Chunk:
    """Prepare changes, sorted by known time, for one command (imports.chunks_of).

    1. what is known only after `now_ms`, or has no canonical form, is refused  2. what is there already is repeated, or
    refused if it says something else  3. the rest is sealed  4. the rows the engine reads are loaded  5. the engine
    runs  6. rows follow.

    Raises:
        VaultDamaged, SealRefused: the vault; WorldIncomplete: our own mistake.
    """
    there = await _versions_there(rows, changes)
    fresh: list[RecordChange] = []
    sealed: list[Change] = []
    refused: list[tuple[int, str]] = []
    repeated = 0
    for leaf, change in enumerate(changes, of.first_leaf):
        if change.known_ms > now_ms + CLOCK_SKEW_MAX_MS:
            refused.append(
                (
                    change.line,
                    f"expected a record known by {instant_text(now_ms)}, got {instant_text(change.known_ms)}",
                )
            )
            continue
        key = (change.kind, change.id, instant_text(change.event_ms), change.order)
        try:
            digest = vault.reuse_digest(canonical.encode(dict(change.values)))
        except CanonicalError as error:  # too large, or half a surrogate pair
            refused.append((change.line, f"{change.kind} {change.id}: {error}"))
            continue
        if key in there:
            if there[key] == digest:
                repeated += 1
            else:
                refused.append(
                    (
                        change.line,
                        f"{change.kind} {change.id}: another content for the version of this instant",
                    )
                )
            continue
        there[key] = digest
        item, written = _seal(vault, change, of, leaf, digest)
        sealed.extend(written)
        fresh.append(replace(change, item=item))
    world = RowWorld()
    await _prefetch(rows, world, lambda: engine.needs(fresh, world))
    step = engine.step(fresh, world, now_ms)
    # The root of an import that was finished meanwhile cannot take another version.
    expected = {**world.expected(), ("import_file", (of.id,)): None}
    said = tuple(not_after(one, now_ms) for one in step.said)
    return Chunk((*sealed, *_rows_of(step, world)), expected, said, len(fresh), repeated, tuple(refused))


async def prepare_due(rows: Rows, engine: Engine, now_ms: int, limit: int = DUE_TIMERS_MAX) -> Chunk | None:
    """Prepare the timers whose instant lies before `now_ms` for one command; None when there are none.

    Raises:
        VaultDamaged: the vault; WorldIncomplete: our own mistake.
    """
    found = await rows.find(timer, also=(timer.c.wake < instant_text(now_ms),), limit=limit)
    due = sorted(
        (timer_of(row) for row in found), key=lambda row: (row.wake_ms or 0, row.playbook, row.subject)
    )
    if not due:
        return None
    world = RowWorld()
    await world.load(rows, Lookups(timers={(row.playbook, row.subject) for row in due}))
    await _prefetch(rows, world, lambda: engine.needs_to_fire(due, world))
    step = engine.fire(due, world, now_ms)
    return Chunk(_rows_of(step, world), world.expected(), step.said)


async def _prefetch(rows: Rows, world: RowWorld, needs: Any) -> None:
    for _ in range(PREFETCH_ROUNDS_MAX):
        lookups = needs()
        if not lookups:
            return
        await world.load(rows, lookups)
    raise WorldIncomplete(f"prefetch: expected to be complete after {PREFETCH_ROUNDS_MAX} rounds")


async def _versions_there(
    rows: Rows, changes: Sequence[RecordChange]
) -> dict[tuple[str, str, str, int], str]:
    found: dict[tuple[str, str, str, int], str] = {}
    for kind, ids in _grouped((change.kind, change.id) for change in changes):
        for row in await _find_all(rows, record_version, {"kind": kind}, "record", ids):
            found[kind, row["record"], row["event_at"], row["ord"]] = row["digest"]
    return found


def _seal(
    vault: Vault, change: RecordChange, of: ImportOf, leaf: int, digest: str
) -> tuple[str, list[Change]]:
    subject = subject_id(vault, of.source, change.subject) if change.subject is not None else None
    event_at, known_at = instant_text(change.event_ms), instant_text(change.known_ms)
    value = {
        "kind": change.kind, "id": change.id, "event_at": event_at, "order": change.order, "known_at": known_at,
        "source": of.source, "subject": subject, "values": dict(change.values),
    }  # fmt: skip
    sealed = vault.seal(value, RECORD_PATH, [subject] if subject is not None else [])
    row = {
        "kind": change.kind, "record": change.id, "event_at": event_at, "ord": change.order, "known_at": known_at,
        "item": sealed.commitment, "digest": digest, "source": of.source, "subject": subject, "import": of.id,
        "leaf": leaf, "received_at": instant_text(of.received_ms), "received_from": of.received_from,
    }  # fmt: skip
    return sealed.commitment, [*sealed.changes, Insert("record_version", row)]


def _rows_of(step: Step, world: RowWorld) -> tuple[Change, ...]:
    """Return the row changes of a step against the rows that were loaded."""
    changes: list[Change] = []
    for key, version in step.records.items():
        values = {"event_at": instant_text(version.event_ms), "ord": version.order, "item": version.item}
        if world.record_rows[key] is None:
            changes.append(Insert("record", {"kind": key[0], "record": key[1], **values}))
        else:
            changes.append(Set("record", key, values))
    # The first move of a record in a bucket tells whether it was there before, the last one whether it stays.
    first: dict[tuple[str, str, str], bool] = {}
    last: dict[tuple[str, str, str], bool] = {}
    for moved in step.index:
        place = (moved.index, moved.bucket, moved.id)
        first.setdefault(place, moved.added)
        last[place] = moved.added
    for (index, bucket, record_id), added in last.items():
        was_there = not first[index, bucket, record_id]
        if added and not was_there:
            changes.append(Insert("record_index", {"idx": index, "bucket": bucket, "record": record_id}))
        elif was_there and not added:
            changes.append(Delete("record_index", (index, bucket, record_id)))
    for timer_key, row in step.timers.items():
        changes.extend(_timer_change(timer_key, row, world.timers.get(timer_key)))
    return tuple(changes)


def _timer_change(key: TimerKey, row: TimerRow | None, old: TimerRow | None) -> list[Change]:
    if row is None:
        return [Delete("timer", key)] if old is not None else []
    values = _timer_values(row)
    assert values is not None
    if old is None:
        return [Insert("timer", values)]
    return [
        Set(
            "timer",
            key,
            {name: value for name, value in values.items() if name not in ("playbook", "subject")},
        )
    ]


# ---------------------------------------------------------------------------------------------- reading
@dataclass(frozen=True, slots=True)
class RecordView:
    """One version of a record as pages and collectors show it."""

    kind: str
    id: str
    version: str
    event_at: str
    first_event_at: str
    known_at: str
    received_at: str
    received_from: str
    source: str
    customer: str | None
    item: str
    fields: Mapping[str, Any] | None
    """None: the values were erased."""
    place: int
    """How many versions of the same instant come before it; `order` may be any number, as a file has it."""


async def read_record(rows: Rows, kind: str, record_id: str) -> RecordView | None:
    """Return the latest version of a record, or None."""
    versions = await rows.find(record_version, {"kind": kind, "record": record_id})
    if not versions:
        return None
    latest = max(versions, key=lambda row: (row["event_at"], row["ord"]))
    opened = (await rows.open_all([latest["item"]])).get(latest["item"])
    return RecordView(
        kind, record_id, version_name(latest["event_at"], latest["ord"]), latest["event_at"],
        min(row["event_at"] for row in versions), latest["known_at"], latest["received_at"],
        latest["received_from"], latest["source"], latest["subject"], latest["item"],
        None if opened is None else opened["values"],
        sum(row["event_at"] == latest["event_at"] for row in versions) - 1,
    )  # fmt: skip


async def senders_of(rows: Rows, kind: str, record_id: str) -> list[tuple[str, str]]:
    """Return source and sender of the versions of a record, each pair once."""
    versions = await rows.find(record_version, {"kind": kind, "record": record_id})
    return sorted({(str(row["source"]), str(row["received_from"])) for row in versions})


def version_name(event_at: str, order: int) -> str:
    """Return how a version is called where one text is wanted."""
    return f"{event_at}/{order}"


def timer_of(row: Row) -> TimerRow:
    """Return a timer row as the engine knows it."""
    wake, due, onset = (
        instant_ms(row[name]) if row[name] is not None else None for name in ("wake", "due", "onset")
    )
    return TimerRow(row["playbook"], row["subject"], row["state"], wake, due, onset)


# ---------------------------------------------------------------------------------------------- a new playbook
async def backfill(rows: Rows, engine: Engine, now_ms: int) -> Chunk:
    """Run the engine over all versions there are, and return the index and timer rows that differ.

    For a playbook published after its records, and to make timers and index again. `said` holds only exceptions that
    still stand: nobody is bothered with what has passed.

    Raises:
        WorldIncomplete: more than BACKFILL_VERSIONS_MAX versions.
    """
    clock = Clockwork(engine)
    kinds = {kind for watch in engine.watches.values() for kind in kinds_of(watch.playbook)}
    clock.play(await history(rows, kinds))
    clock.tick_until(now_ms)
    world = RowWorld()
    playbooks = sorted(engine.watches)
    stored = {
        (row["playbook"], row["subject"]): timer_of(row)
        for playbook in playbooks
        for row in await _find_paged(rows, timer, {"playbook": playbook}, "subject")
    }
    changes: list[Change] = []
    for key in sorted(clock.world.timers.keys() | stored.keys()):
        new, old = clock.world.timers.get(key), stored.get(key)
        if new != old:
            changes.extend(_timer_change(key, new, old))
        world.timers[key] = old
    for (index, bucket), members in sorted(clock.world.buckets.items()):
        there = {row["record"] for row in await rows.find(record_index, {"idx": index, "bucket": bucket})}
        changes += [
            Insert("record_index", {"idx": index, "bucket": bucket, "record": one})
            for one in sorted(members - there)
        ]
        changes += [Delete("record_index", (index, bucket, one)) for one in sorted(there - members)]
    standing = {key for key, row in clock.world.timers.items() if row.state == ACTIVE}
    last: dict[TimerKey, Signal] = {}
    for said in clock.said:
        if isinstance(said, Signal):
            last[said.playbook, said.subject] = said
    fresh = {key for key in standing if (old := stored.get(key)) is None or old.state != ACTIVE}
    return Chunk(
        tuple(changes), {}, tuple(not_after(last[key], now_ms) for key in sorted(fresh) if key in last)
    )


def kinds_of(playbook: Playbook) -> set[str]:
    """Return the kinds of record that a playbook looks at."""
    return {playbook.subject} | ({playbook.match.kind} if playbook.match is not None else set())


async def history(
    rows: Rows, kinds: Iterable[str], versions_max: int = BACKFILL_VERSIONS_MAX, since_ms: int | None = None
) -> list[RecordChange]:
    """Return the record versions of these kinds as the changes they came in, sorted by known time; only those known at
    or after `since_ms`, if given. Erased ones are left out.

    Raises:
        WorldIncomplete: more than `versions_max` versions; nothing was opened yet.
    """
    known = () if since_ms is None else (record_version.c.known_at >= instant_text(since_ms),)
    versions: list[Row] = []
    for kind in sorted(kinds):
        versions += await _find_paged(rows, record_version, {"kind": kind}, "record", known)
        if len(versions) > versions_max:
            raise WorldIncomplete(f"history: expected at most {versions_max} record versions, got more")
    changes: list[RecordChange] = []
    for start in range(0, len(versions), KEYS_PER_READ_MAX):
        part = versions[start : start + KEYS_PER_READ_MAX]
        opened = await rows.open_all([row["item"] for row in part])
        changes += [_change(row, opened[row["item"]]) for row in part if opened[row["item"]] is not None]
    changes.sort(key=lambda change: (change.known_ms, change.event_ms, change.order, change.kind, change.id))
    return changes


def _change(row: Row, value: Mapping[str, Any]) -> RecordChange:
    return RecordChange(
        row["kind"], row["record"], instant_ms(row["event_at"]), instant_ms(row["known_at"]), row["ord"],
        value["values"], None, 0, row["item"],
    )  # fmt: skip


def _version(row: Row, value: Mapping[str, Any]) -> Version:
    return Version(
        row["kind"], row["record"], instant_ms(row["event_at"]), row["ord"], value["values"], row["item"]
    )


# ---------------------------------------------------------------------------------------------- rows
def _timer_values(row: TimerRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    wake, due, onset = (
        instant_text(ms) if ms is not None else None for ms in (row.wake_ms, row.due_ms, row.onset_ms)
    )
    return {
        "playbook": row.playbook,
        "subject": row.subject,
        "state": row.state,
        "wake": wake,
        "due": due,
        "onset": onset,
    }


def _plain_row(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {name: value for name, value in row.items() if name != "log"}


def _grouped(keys: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    grouped: dict[str, set[str]] = {}
    for first, second in keys:
        grouped.setdefault(first, set()).add(second)
    return [(first, sorted(seconds)) for first, seconds in sorted(grouped.items())]


async def _find_all(
    rows: Rows, table: Table, where: Mapping[str, Any], column: str, values: list[str]
) -> list[Row]:
    """Return the rows of many keys, some at a time; a page that may have been cut is read key by key."""
    found: list[Row] = []
    for start in range(0, len(values), KEYS_PER_READ_MAX):
        part = values[start : start + KEYS_PER_READ_MAX]
        page = await rows.find(table, {**where, column: part}, limit=ROWS_PER_READ_MAX)
        if len(page) >= ROWS_PER_READ_MAX:
            page = [row for value in part for row in await rows.find(table, {**where, column: value})]
        found.extend(page)
    return found


async def _find_paged(
    rows: Rows,
    table: Table,
    where: Mapping[str, Any],
    column: str,
    also: Sequence[ColumnElement[bool]] = (),
) -> list[Row]:
    """Return all rows by pages in order of `column`, which follows `where` in the primary key."""
    found: list[Row] = []
    after = ""
    while True:
        page = await rows.find(table, where, limit=ROWS_PER_READ_MAX, also=(table.c[column] > after, *also))
        if len(page) < ROWS_PER_READ_MAX:
            return found + page
        last = page[-1][column]
        whole = [row for row in page if row[column] != last]
        found += whole + await rows.find(table, {**where, column: last}, also=also)
        after = last
