"""The engine: record changes and due timers in, signals and the next rows out. Pure over a `World`.

    needs(changes, world) -> Lookups        which rows to prefetch; ask again until nothing is missing
    step(changes, world)  -> Step           changes in order of known time
    fire(rows, world, now) -> Step          timer rows whose instant lies before now

Cost is O(changes + due timers): a change touches its own subject and, through the hash-indexed join, the subjects of
its bucket; time enters only as one timer row per (playbook, subject). At firing everything is evaluated again, so a
lost or late timer heals. Before a change is applied, the timers of what it touches that are already due fire on the
state before it: a late answer cannot hide that it was late, however slow the worker was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol

from playbooks.calendars import before, due_after
from playbooks.errors import CalendarUnknown, SignalBroken
from playbooks.kinds import content_digest
from playbooks.messages import Messages
from playbooks.playbook import Watch
from playbooks.rules import Scope
from playbooks.shapes import Clear, Raise, Reading, TimerRow, judge
from playbooks.world import (
    Broken,
    Bucketing,
    Cite,
    Cleared,
    Fact,
    IndexChange,
    Money,
    RecordChange,
    Said,
    Signal,
    Step,
    TimerKey,
    Version,
    World,
    plain_bucket,
    same_version,
)

BUCKET_RECORDS_MAX = 1_000
"""Records one join may look at. A fuller bucket breaks the signal instead of slowing everybody down."""
SHOWN_MATCHES_MAX = 5
CITED_MATCHES_MAX = 20


@dataclass(slots=True)
class Lookups:
    """Rows to load: records by (kind, id), buckets by (index, bucket), timers by (playbook, subject)."""

    records: set[tuple[str, str]] = field(default_factory=set)
    buckets: set[tuple[str, str]] = field(default_factory=set)
    timers: set[TimerKey] = field(default_factory=set)

    def __bool__(self) -> bool:
        """Whether anything is missing."""
        return bool(self.records or self.buckets or self.timers)


class LoadedWorld(World, Protocol):
    """A world that knows what was loaded into it: `needs` asks it what is still missing."""

    def missing(self, wanted: Lookups) -> Lookups:
        """Return the part of `wanted` that was not loaded yet."""
        ...


class Engine:
    """The watches of one organisation over one vocabulary."""

    def __init__(
        self, messages: Messages, watches: Sequence[Watch], bucketing: Bucketing = plain_bucket
    ) -> None:
        """Arrange the watches by the kinds they look at."""
        self.messages = messages
        self.watches = {watch.id: watch for watch in watches}
        self._bucketing = bucketing
        self._own: dict[str, list[Watch]] = {}
        self._matched: dict[str, list[Watch]] = {}
        self._indexes: dict[str, dict[str, tuple[str, ...]]] = {}
        self._scopes = {name: Scope(messages, {name: name}) for name in messages.kinds.kinds}
        reads: dict[str, set[str]] = {}
        for watch in sorted(watches, key=lambda one: one.id):
            subject_reads = reads.setdefault(watch.playbook.subject, set())
            subject_reads |= watch.subject_reads | {
                path[1] for path in (watch.value.reads if watch.value else ())
            }
            match = watch.playbook.match
            self._own.setdefault(watch.playbook.subject, []).append(watch)
            if match is not None:
                reads.setdefault(match.kind, set()).update(watch.match_reads)
                self._matched.setdefault(match.kind, []).append(watch)
                self._add_index(match.kind, match.key)
                self._add_index(watch.playbook.subject, match.local_key)

        self._fill = {kind: messages.filler(kind, fields) for kind, fields in reads.items()}

    # ------------------------------------------------------------------------------------------ doors
    def step(self, changes: Iterable[RecordChange], world: World, now_ms: int | None = None) -> Step:
        """Apply changes, which come in order of `known_ms`; those of one instant are applied together, then judged.

        Each is judged as of its own `known_ms`; `now_ms` (the wall clock) only dates the detection if it is later.

        Raises:
            RecordConflict: other content for a version that is the latest one already.
            WorldIncomplete: a row was not prefetched.
        """
        run = _Run(self, world, now_ms)
        for at_ms, group in groupby(changes, key=lambda change: change.known_ms):
            run.apply(tuple(group), at_ms)
        return run.result()

    def fire(self, rows: Iterable[TimerRow], world: World, now_ms: int) -> Step:
        """Evaluate due timers again. Rows that moved on, or are not due before `now_ms`, do nothing."""
        run = _Run(self, world, now_ms)
        for row in rows:
            run.fire(row.playbook, row.subject, now_ms)
        return run.result()

    # ------------------------------------------------------------------------------------------ prefetching
    def needs(self, changes: Sequence[RecordChange], world: LoadedWorld) -> Lookups:
        """Return rows that `step` will read and `world` lacks. Load them and ask again until it is empty (at most 4
        times)."""
        wanted = Lookups(records={(change.kind, change.id) for change in changes})
        if missing := world.missing(wanted):
            return missing
        subjects: set[tuple[str, str]] = set()
        counterparts: list[tuple[Watch, str]] = []
        keys: dict[tuple[str, str], list[Any]] = {}
        for change in changes:
            old = world.record(change.kind, change.id)
            keys.setdefault((change.kind, change.id), [old.values] if old is not None else []).append(
                change.values
            )
            for watch in self._own.get(change.kind, ()):
                subjects.add((watch.id, change.id))
            for watch in self._matched.get(change.kind, ()):
                match = watch.playbook.match
                assert match is not None
                index = index_name(watch.playbook.subject, match.local_key)
                for values in (old.values if old is not None else None, change.values):
                    bucket = self.bucket(values, match.key, change.id)
                    if bucket is not None:
                        wanted.buckets.add((index, bucket))
                        counterparts.append((watch, bucket))
        if missing := world.missing(wanted):
            return missing
        for watch, bucket in counterparts:
            match = watch.playbook.match
            assert match is not None
            for subject in world.bucket(index_name(watch.playbook.subject, match.local_key), bucket):
                subjects.add((watch.id, subject))
        return self._needs_of(subjects, keys, wanted, world)

    def needs_to_fire(self, rows: Iterable[TimerRow], world: LoadedWorld) -> Lookups:
        """Return rows that `fire` will read and `world` lacks; as `needs`."""
        subjects = {(row.playbook, row.subject) for row in rows if row.playbook in self.watches}
        return self._needs_of(subjects, {}, Lookups(), world)

    def _needs_of(
        self,
        subjects: set[tuple[str, str]],
        keys: dict[tuple[str, str], list[Any]],
        wanted: Lookups,
        world: LoadedWorld,
    ) -> Lookups:
        wanted.timers |= subjects
        wanted.records |= {
            (self.watches[playbook].playbook.subject, subject) for playbook, subject in subjects
        }
        if missing := world.missing(wanted):
            return missing
        candidates: list[tuple[str, str, str]] = []
        for playbook, subject in subjects:
            play = self.watches[playbook].playbook
            if play.match is None:
                continue
            latest = world.record(play.subject, subject)
            seen = keys.get((play.subject, subject)) or ([latest.values] if latest is not None else [])
            index = index_name(play.match.kind, play.match.key)
            for values in seen:
                bucket = self.bucket(values, play.match.local_key, subject)
                if bucket is not None:
                    wanted.buckets.add((index, bucket))
                    candidates.append((play.match.kind, index, bucket))
        if missing := world.missing(wanted):
            return missing
        for kind, index, bucket in candidates:
            wanted.records |= {(kind, found) for found in world.bucket(index, bucket)}
        return world.missing(wanted)

    # ------------------------------------------------------------------------------------------ joins
    def _add_index(self, kind: str, fields: tuple[str, ...]) -> None:
        self._indexes.setdefault(kind, {})[index_name(kind, fields)] = fields

    def bucket(self, values: Any, fields: tuple[str, ...], record_id: str) -> str | None:
        """Return the bucket of these values; None when a key field is absent. Both sides of a join share the names."""
        if values is None:
            return None
        parts = [record_id if name == "id" else values.get(name) for name in fields]
        return None if None in parts else self._bucketing(parts)


def index_name(kind: str, fields: tuple[str, ...]) -> str:
    """Name the join index of a kind by its fields."""
    return f"{kind}:{','.join(fields)}"


class _Run:
    """One call of step or fire: the world, and over it what this run has decided so far."""

    def __init__(self, engine: Engine, world: World, now_ms: int | None) -> None:
        self._engine = engine
        self._world = world
        self._now_ms = now_ms
        self._records: dict[tuple[str, str], Version] = {}
        self._moved: dict[tuple[str, str], dict[str, bool]] = {}
        self._timers: dict[TimerKey, TimerRow | None] = {}
        self._index: list[IndexChange] = []
        self._said: list[Said] = []

    def result(self) -> Step:
        return Step(self._records, tuple(self._index), self._timers, tuple(self._said))

    # ------------------------------------------------------------------------------------------ overlay
    def _record(self, kind: str, record_id: str) -> Version | None:
        found = self._records.get((kind, record_id))
        return found if found is not None else self._world.record(kind, record_id)

    def _timer(self, playbook: str, subject: str) -> TimerRow | None:
        key = (playbook, subject)
        return self._timers[key] if key in self._timers else self._world.timer(playbook, subject)

    def _bucket(self, index: str, bucket: str) -> list[str]:
        moved = self._moved.get((index, bucket))
        stored = self._world.bucket(index, bucket)
        if moved is None:
            return sorted(stored)
        return sorted(
            {found for found in stored if moved.get(found, True)}
            | {new for new, added in moved.items() if added}
        )

    def _move(self, index: str, bucket: str, record_id: str, added: bool) -> None:
        self._moved.setdefault((index, bucket), {})[record_id] = added
        self._index.append(IndexChange(index, bucket, record_id, added))

    # ------------------------------------------------------------------------------------------ changes
    def apply(self, group: tuple[RecordChange, ...], at_ms: int) -> None:
        """1. who is touched  2. fire what is due, on the state before  3. apply  4. judge on the state after."""
        touched = self._touched(group)
        watches = self._engine.watches
        for playbook, subject in touched:
            watch = watches[playbook]
            row = self._timer(playbook, subject)
            if row is not None and row.wake_ms is not None and row.wake_ms < at_ms:
                self._evaluate(watch, subject, at_ms, None, ())
        seen: dict[tuple[str, str], list[Version]] = {}
        for change in group:
            version = self._put(change)
            if version is not None:
                seen.setdefault((change.kind, change.id), []).append(version)
        for (playbook, subject), changed_ms in touched.items():
            watch = watches[playbook]
            versions = seen.get((watch.playbook.subject, subject), ())
            self._evaluate(watch, subject, at_ms, changed_ms, versions)

    def _touched(self, group: tuple[RecordChange, ...]) -> dict[TimerKey, int]:
        """Return (playbook, subject) -> event time of the newest change that may matter to it."""
        touched: dict[TimerKey, int] = {}
        before_it: dict[tuple[str, str], Any] = {}
        for change in group:
            key = (change.kind, change.id)
            if key in before_it:
                old_values = before_it[key]
            else:
                old = self._record(*key)
                old_values = old.values if old is not None else None
            before_it[key] = change.values
            for watch in self._engine._own.get(change.kind, ()):
                if _differs(watch.subject_reads, old_values, change.values):
                    _touch(touched, (watch.id, change.id), change.event_ms)
            for watch in self._engine._matched.get(change.kind, ()):
                if _differs(watch.match_reads, old_values, change.values):
                    for subject in self._counterparts(watch, change, old_values):
                        _touch(touched, (watch.id, subject), change.event_ms)
        return touched

    def _counterparts(self, watch: Watch, change: RecordChange, old_values: Any) -> Iterator[str]:
        match = watch.playbook.match
        assert match is not None
        index = index_name(watch.playbook.subject, match.local_key)
        buckets = {
            self._engine.bucket(values, match.key, change.id) for values in (old_values, change.values)
        }
        for bucket in sorted(bucket for bucket in buckets if bucket is not None):
            yield from self._bucket(index, bucket)

    def _put(self, change: RecordChange) -> Version | None:
        """Store a change as the latest version if it is later; return it, or None for a repetition."""
        key = (change.kind, change.id)
        old = self._record(*key)
        if old is not None and same_version(old, change):
            return None
        version = Version(change.kind, change.id, change.event_ms, change.order, change.values, change.item)
        if old is not None and old.version > change.version:
            return version
        self._records[key] = version
        for index, fields in self._engine._indexes.get(change.kind, {}).items():
            was = self._engine.bucket(old.values if old is not None else None, fields, change.id)
            now = self._engine.bucket(change.values, fields, change.id)
            if was != now:
                if was is not None:
                    self._move(index, was, change.id, False)
                if now is not None:
                    self._move(index, now, change.id, True)
        return version

    # ------------------------------------------------------------------------------------------ judging
    def fire(self, playbook: str, subject: str, now_ms: int) -> None:
        """Evaluate one due timer again."""
        watch = self._engine.watches.get(playbook)
        row = self._timer(playbook, subject)
        if row is None or row.wake_ms is None or row.wake_ms >= now_ms:
            return
        if watch is None:  # its playbook is not watched any more
            self._timers[playbook, subject] = None
            return
        self._evaluate(watch, subject, now_ms, None, ())

    def _evaluate(
        self, watch: Watch, subject_id: str, at_ms: int, changed_ms: int | None, versions: Sequence[Version]
    ) -> None:
        subject = self._record(watch.playbook.subject, subject_id)
        if subject is None:
            return
        key = (watch.id, subject_id)
        row = self._timer(*key)
        looked = _Look(self, watch, subject)
        since = subject.event_ms if changed_ms is None else changed_ms
        try:
            reading = looked.read(versions, since)
        except (SignalBroken, CalendarUnknown) as error:
            code = error.reason_code if isinstance(error, SignalBroken) else "calendar_unknown"
            self._break(watch, subject_id, code, str(error), at_ms)
            if row is not None and row.wake_ms is not None and row.wake_ms < at_ms:
                # The timer is spent: it would fire for ever. The next change of the record tries again.
                self._timers[key] = TimerRow(
                    row.playbook, row.subject, row.state, None, row.due_ms, row.onset_ms
                )
            return
        judgement = judge(key, row, reading, at_ms, since)
        if judgement.row != row:
            self._timers[key] = judgement.row
        for effect in judgement.effects:
            self._say(looked, effect, at_ms)

    def _say(self, looked: _Look, effect: Raise | Clear, at_ms: int) -> None:
        play, detected = looked.watch.playbook, max(at_ms, self._now_ms or at_ms)
        head = (play.id, play.digest, play.subject, looked.subject.id, looked.fingerprint())
        if isinstance(effect, Clear):
            self._said.append(Cleared(*head, effect.reason, detected, looked.cites()))
            return
        try:
            value = looked.value()
        except SignalBroken as error:
            value = None
            self._break(looked.watch, looked.subject.id, "value_error", error.detail, at_ms)
        self._said.append(
            Signal(*head, looked.title(), effect.onset_ms, detected, value, looked.shown(), looked.cites())
        )

    def _break(self, watch: Watch, subject: str, code: str, detail: str, at_ms: int) -> None:
        play = watch.playbook
        detected = max(at_ms, self._now_ms or at_ms)
        self._said.append(Broken(play.id, play.digest, play.subject, subject, code, detail, detected))

    def candidates(self, watch: Watch, subject: Version) -> list[Version]:
        """Return the records of the subject's bucket, in order of id. Raises SignalBroken: too many."""
        match = watch.playbook.match
        assert match is not None
        index = index_name(match.kind, match.key)
        bucket = self._engine.bucket(subject.values, match.local_key, subject.id)
        if bucket is None:
            return []
        found = self._bucket(index, bucket)
        if len(found) > BUCKET_RECORDS_MAX:
            raise SignalBroken(
                "bucket_full",
                f"expected at most {BUCKET_RECORDS_MAX} {match.kind} records of one key, got {len(found)}",
            )
        records = (self._record(match.kind, one) for one in found)
        return [
            one
            for one in records
            if one is not None and not (one.kind == subject.kind and one.id == subject.id)
        ]

    def message(self, version: Version) -> Any:
        """Return the filled message of a version, made once."""
        if version.message is None:
            version.message = self._engine._fill[version.kind](version.id, version.values)
        return version.message

    def facts(self, version: Version) -> Any:
        """Return a version bound to its kind's name, made once for all playbooks."""
        if version.facts is None:
            version.facts = self._engine._scopes[version.kind].facts({version.kind: self.message(version)})
        return version.facts


class _Look:
    """One watch looking at one subject: evaluates each expression at most once."""

    def __init__(self, run: _Run, watch: Watch, subject: Version) -> None:
        self._run = run
        self.watch = watch
        self.subject = subject
        self._matches: list[Version] | None = None

    def read(self, versions: Sequence[Version], since_ms: int) -> Reading:
        """Return what the records say now. Raises SignalBroken, CalendarUnknown."""
        watch, facts = self.watch, self._run.facts(self.subject)
        if watch.playbook.shape == "response":
            return self._read_response(facts, versions, since_ms)
        if not watch.when.truth(facts):
            return Reading(False)
        if watch.asserted is not None and watch.asserted.truth(self._joined(self.subject)):
            return Reading(False)
        if watch.unless is not None and watch.unless.truth(self._joined(self.subject)):
            return Reading(False)
        due = watch.due.instant_ms(facts) if watch.due is not None else None
        if due is not None and watch.lead is not None:
            due = before(due, watch.lead, self._run._engine.messages.kinds.zone)
        until = watch.until.instant_ms(facts) if watch.until is not None else None
        return Reading(True, due, until)

    def _read_response(self, facts: Any, versions: Sequence[Version], since_ms: int) -> Reading:
        watch = self.watch
        if not watch.when.truth(facts):
            return Reading(False, is_response=True)
        due = self._response_due(facts)
        answered: list[int] = []
        assert watch.expect is not None
        if watch.expect.truth(self._joined(self.subject)):
            answered.append(since_ms)
        for version in versions:
            # Earlier versions of the same instant, and versions that came late: their answer counts too.
            if version is self.subject:
                continue
            own = self._run.facts(version)
            if (
                watch.when.truth(own)
                and self._response_due(own) == due
                and watch.expect.truth(self._joined(version))
            ):
                answered.append(version.event_ms)
        return Reading(True, due, None, min(answered) if answered else None, is_response=True)

    def _response_due(self, facts: Any) -> int:
        watch = self.watch
        assert watch.start is not None and watch.within is not None
        start = watch.start.instant_ms(facts)
        return due_after(start, watch.within, self._run._engine.messages.kinds.zone, watch.calendar).at_ms

    def _joined(self, subject: Version) -> Any:
        """Bind subject and matches; without a join the subject alone."""
        match = self.watch.playbook.match
        if match is None:
            return self._run.facts(subject)
        message = self._run.message
        matches = self._matching(subject)
        return self.watch.joined.facts(
            {self.watch.playbook.subject: message(subject), "matches": [message(one) for one in matches]}
        )

    def _matching(self, subject: Version) -> list[Version]:
        if subject is self.subject and self._matches is not None:
            return self._matches
        watch, message = self.watch, self._run.message
        match = watch.playbook.match
        found = self._run.candidates(watch, subject)
        if watch.filter is not None and watch.pair is not None and match is not None:
            name, mine = watch.playbook.subject, message(subject)
            found = [
                one
                for one in found
                if watch.filter.truth(watch.pair.facts({name: mine, match.name: message(one)}))
            ]
        if subject is self.subject:
            self._matches = found
        return found

    # ------------------------------------------------------------------------------------------ saying
    def title(self) -> str:
        """Return the title sentence with its fields filled in."""
        return "".join(
            text + ("" if name is None else _shown(self._value(self.subject, name)))
            for text, name in self.watch.title_parts
        )

    def fingerprint(self) -> str:
        """Return hex SHA-256 over the playbook and the fingerprint's values; casework keys it before it is recorded."""
        parts = [
            self._value(self.subject, path.partition(".")[2]) for path in self.watch.playbook.fingerprint
        ]
        return content_digest(
            "tallystick/fingerprint/v1", [self.watch.id, self.watch.playbook.subject, *parts]
        )

    def value(self) -> Money | None:
        """Return the value at risk. Raises SignalBroken."""
        rule, currency = self.watch.value, self.watch.currency
        if rule is None or currency is None:
            return None
        return Money(rule.amount_minor(self._run.facts(self.subject)), currency)

    def shown(self) -> tuple[Fact, ...]:
        """Return the facts to show, each with the record version and field it comes from."""
        facts: list[Fact] = []
        for path in self.watch.playbook.facts:
            name, _, field_name = path.partition(".")
            shown = [self.subject] if name != "matches" else (self._matches or [])[:SHOWN_MATCHES_MAX]
            facts.extend(Fact(field_name, self._value(one, field_name), _cite(one)) for one in shown)
        return tuple(facts)

    def cites(self) -> tuple[Cite, ...]:
        """Return the record versions behind the signal: the subject, and what it was compared with."""
        return tuple(_cite(one) for one in (self.subject, *(self._matches or [])[:CITED_MATCHES_MAX]))

    @staticmethod
    def _value(version: Version, name: str) -> Any:
        return version.id if name == "id" else version.values.get(name)


def _cite(version: Version) -> Cite:
    return Cite(version.kind, version.id, version.event_ms, version.order, version.item)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['amount_minor'] // 100}.{value['amount_minor'] % 100:02d} {value['currency']}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _differs(reads: frozenset[str], old: Any, new: Any) -> bool:
    """Whether a field that the expressions read has changed; a first version always counts."""
    if old is None or "*" in reads:
        return True
    return any(old.get(name) != new.get(name) for name in reads)


def _touch(touched: dict[TimerKey, int], key: TimerKey, event_ms: int) -> None:
    touched[key] = max(event_ms, touched.get(key, event_ms))
