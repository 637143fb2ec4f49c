"""Records in, exceptions out: the glue between playbooks and the desk, for one organisation.

    file or batch -> changes -> chunks -> one command each (record rows, timers, what was said as jobs)
                  -> records_imported, once                                   due timers take the same way
    job `said` -> casework.signals -> case opened, reopened or cleared; a broken rule is a case of its own

Only live playbooks speak; how often each fired is counted, those on trial (shadow) too. Imports of one organisation go
one after another in a process; another process that was quicker makes a chunk `stale`, and it is prepared again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from api.published import Published, load_published
from api.said import JOB_KIND, forgotten, outbox, read_said
from api.scope import Row, Scoped, first_owner
from casework import known_as, people, tables
from casework.collectors import system_record
from casework.desk import Desk
from casework.errors import refuse
from casework.hook_requests import HOOK_PARTY
from casework.intake import Intake, RequestKey
from casework.requests import THE_SYSTEM, AttachEvidence, OpenCase, Principal
from casework.signals import Signals
from ledger.changes import Add, Change, Delete
from ledger.clock import instant_of, unix_ms_of
from ledger.codec import loads
from ledger.commands import Command, Decided, Rule, View
from ledger.entries import Actor, Draft
from ledger.errors import Refused
from ledger.store.tables import job as _job
from ledger.vault import VaultError
from ledger.writer import Writer
from playbooks import documents
from playbooks.engine import Engine
from playbooks.errors import RecordInvalid
from playbooks.importers import read_text
from playbooks.imports import chunks_of, finish, open_import
from playbooks.kinds import check_values
from playbooks.mapping import read_mapping
from playbooks.playbook import Playbook
from playbooks.records import (
    Chunk,
    RecordView,
    backfill,
    bucketing,
    prepare,
    prepare_due,
    read_record,
    senders_of,
    write_chunk,
)
from playbooks.tables import noticed, record_version, timer
from playbooks.world import Broken, Cleared, RecordChange, Said, Signal

STALE_TRIES_MAX = 5
DUE_ROUNDS_MAX = 50
SPOKEN_PER_CALL_MAX = 10_000
"""The worker acts on what is left."""
NOTES_MAX = 100
ORDERS_PER_MS = 1_000

log = structlog.get_logger("api.watching")


@dataclass(slots=True)
class Imported:
    """What an import did; `refused_rows` are (line, reason), at most NOTES_MAX of them."""

    rows: int = 0
    changes: int = 0
    imported: int = 0
    repeated: int = 0
    refused: int = 0
    flagged: int = 0
    refused_rows: tuple[tuple[int, str], ...] = ()
    cases: int = 0
    shadowed: int = 0
    replayed: bool = False

    def refuse(self, notes: Iterable[tuple[int, str]]) -> None:
        """Count refused rows and keep the first of them."""
        found = tuple(notes)
        self.refused += len(found)
        self.refused_rows = (*self.refused_rows, *found)[:NOTES_MAX]


@dataclass(frozen=True, slots=True)
class Batched:
    """One record version as a batch gives it; `known_at` None: now."""

    kind: str
    id: str
    event_at: str
    known_at: str | None
    order: int
    values: Mapping[str, Any]
    subject: str | None


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch that came by a hook: `by` names hook and key (sent_by), `at` is when it came first."""

    by: str
    at: str


def sent_by(hook: str, key: str) -> str:
    """Return what stands in `received_from` for records that this key of a hook signed."""
    return f"{HOOK_PARTY}{hook}/{key}"


@dataclass(frozen=True, slots=True)
class _Running:
    published: Published
    engine: Engine


class Watching:
    """The watch of one organisation."""

    def __init__(self, writer: Writer, rows: Scoped, intake: Intake, desk: Desk) -> None:
        self._writer = writer
        self._rows = rows
        self._in = intake
        self._desk = desk
        self._signals = Signals(intake, desk)
        self._running: _Running | None = None
        self._one_at_a_time = asyncio.Lock()

    # ------------------------------------------------------------------------------------------ records in
    async def import_file(
        self, who: Principal, key: RequestKey, source: str, mapping: tuple[str, str], content: str, name: str
    ) -> Imported:
        """Import a CSV file by its mapping (text, name). Bad rows are refused with their line; what is there already
        counts as repeated.

        Raises:
            DocumentInvalid: the mapping. ImportRefused: the file as a whole. Refused: unknown source or kind,
            idempotency_mismatch.
        """
        running = await self._need_running()
        text, mapping_name = mapping
        compiled = read_mapping(documents.parse(text.encode(), mapping_name), running.published.kinds)
        await self._need_source(source, [compiled.kind.name])
        reading = await asyncio.to_thread(read_text, compiled, content, name)
        done = Imported(rows=reading.rows, changes=reading.change_count, flagged=reading.flagged_count)
        done.repeated = reading.repeated
        done.refuse((note.line, note.reason) for note in reading.refused)
        done.refused = reading.refused_count
        await self._take_in(who, key, source, reading.digest, name, reading.changes(), done)
        return done

    async def import_batch(
        self,
        who: Principal,
        key: RequestKey,
        source: str,
        given: Sequence[Batched],
        sent: Sent | None = None,
    ) -> Imported:
        """Import record versions that another system sends; `sent`: by its own hook, and not by a member's key.

        Raises:
            Refused: unknown source or kind, idempotency_mismatch.
        """
        running = await self.need_batch(source, given)
        done = Imported(rows=len(given))
        now = instant_of(self._in.clock()) if sent is None else sent.at
        changes: list[RecordChange] = []
        for line, one in enumerate(given, 1):
            try:
                changes.append(_change(running.published, one, line, now))
            except RecordInvalid as error:
                done.refuse([(line, str(error))])
        changes.sort(key=lambda change: (change.known_ms, change.event_ms, change.order, change.line))
        done.changes = len(changes)
        by = None if sent is None else sent.by
        await self._take_in(who, key, source, _batch_digest(given), "batch", iter(changes), done, by)
        return done

    async def need_batch(self, source: str, given: Sequence[Batched]) -> _Running:
        """Check that a source may bring these kinds. Raises Refused: unknown, value_invalid."""
        running = await self._need_running()
        await self._need_source(source, sorted({one.kind for one in given}))
        return running

    async def _take_in(
        self,
        who: Principal,
        key: RequestKey,
        source: str,
        digest: str,
        name: str,
        changes: Iterator[RecordChange],
        done: Imported,
        sent_by: str | None = None,
    ) -> None:
        """1. the key is taken  2. a command per chunk  3. one entry when the last chunk is in  4. what was said,
        acted on. A crash after 1 costs nothing: the same request goes on where it was, another one is refused."""
        async with self._one_at_a_time:
            running = await self._need_running()
            now_ms = self._in.clock()
            done.replayed = await self._take_key(who, key)
            of = await open_import(self._rows, source, digest, now_ms, sent_by or who.id)
            for part in chunks_of(changes):
                ready = partial(prepare, self._rows, running.engine, self._in.vault, part, of, now_ms)
                chunk = await self._write(who, running, ready)
                done.imported += chunk.imported
                done.repeated += chunk.repeated
                done.refuse(chunk.refused)
                done.shadowed += self._count_shadow(running, chunk)
                of = replace(of, first_leaf=of.first_leaf + len(part))
            file = self._in.seal((), file={"name": name, "sha256": digest})
            last = await finish(self._rows, self._in.vault, of, digest, done.refused, file.commitments)
            if last.drafts:
                await self._submit(who, replace(last, rows=(*last.rows, *file.rows)))
        done.cases = await self.speak()

    async def _take_key(self, who: Principal, key: RequestKey) -> bool:
        """Bind the caller's key to this request, by a command without entries; say whether it was bound before.

        Raises:
            Refused: idempotency_mismatch (bound to another request).
        """
        taken = await self._in.hand_in(who, str(key), key.digest, (), _by(who, _only_rows), ())
        return taken.replayed

    # ------------------------------------------------------------------------------------------ time passes
    async def fire(self) -> int:
        """Run the timers that are due now and return how many commands that took; cases open by jobs."""
        done = 0
        async with self._one_at_a_time:
            now_ms = self._in.clock()
            if not await self._any_due(now_ms):  # the usual answer, for one small question
                return 0
            running = await self._current()
            if running is None:
                return 0
            for _ in range(DUE_ROUNDS_MAX):
                if not await self._any_due(now_ms):
                    break

                async def due() -> Chunk:
                    return await prepare_due(self._rows, running.engine, now_ms) or Chunk((), {}, ())

                await self._write(THE_SYSTEM, running, due)
                done += 1
        return done

    async def _any_due(self, now_ms: int) -> bool:
        return bool(await self._rows.find(timer, also=(timer.c.wake < instant_of(now_ms),), limit=1))

    async def published_changed(self) -> int:
        """Run the engine over the records there are, after kinds, playbooks or modes changed; return cases opened."""
        async with self._one_at_a_time:
            running = await self._current()
            if running is None or await self._rows.one(record_version) is None:
                return 0
            now_ms = self._in.clock()
            await self._write(THE_SYSTEM, running, lambda: backfill(self._rows, running.engine, now_ms))
        return await self.speak()

    async def _write(
        self, who: Principal, running: _Running, prepared: Callable[[], Awaitable[Chunk]]
    ) -> Chunk:
        """Prepare a chunk and commit it with its outbox; prepare again while somebody else is quicker."""
        for left in range(STALE_TRIES_MAX - 1, -1, -1):
            chunk = await prepared()
            rows = (*chunk.rows, *self._kept(running, chunk.said), *_counted(chunk.said))
            if not rows and not chunk.drafts:
                return chunk
            try:
                await self._submit(who, replace(chunk, rows=rows))
            except Refused as refusal:
                if refusal.code != "stale" or not left:
                    raise
                continue
            return chunk
        raise AssertionError("the last try returns or raises")

    async def _submit(self, who: Principal, chunk: Chunk) -> None:
        # Records are known by their content, so a repeated import finds them there; the key only has to be fresh.
        key = f"records:{self._in.entropy.token(16).hex()}"
        digest = hashlib.sha256(key.encode()).hexdigest()
        await self._in.hand_in(who, key, digest, chunk.needs, _by(who, write_chunk), chunk)

    # ------------------------------------------------------------------------------------------ what was said
    def _kept(self, running: _Running, said: Iterable[Said]) -> list[Change]:
        now_ms = self._in.clock()
        due = instant_of(now_ms)
        kept: list[Change] = []
        for place, one in enumerate(said):
            if running.published.modes.get(one.playbook) == "live":
                # Named so that they are acted on in the order they were said: what went away came up before.
                name = f"{now_ms:015d}.{place:06d}.{self._in.entropy.token(12).hex()}"
                kept += outbox(self._in.vault, one, name, due)
        return kept

    @staticmethod
    def _count_shadow(running: _Running, chunk: Chunk) -> int:
        modes = running.published.modes
        return sum(1 for one in chunk.said if isinstance(one, Signal) and modes.get(one.playbook) == "shadow")

    async def speak(self) -> int:
        """Act on everything said and not acted on yet; return how many cases were opened or reopened.

        What cannot be acted on stays a job, which the worker tries again and shows in the end: it fails nobody's
        request that happened to come by.
        """
        opened = 0
        for row in await self._rows.find(_job, {"kind": JOB_KIND, "dead": 0}, limit=SPOKEN_PER_CALL_MAX):
            try:
                opened += await self.act(row["job"], loads(row["payload"])["item"])
            except (Refused, VaultError) as error:
                log.warning(
                    "said_waits", job=row["job"], error_type=type(error).__name__, detail=str(error)[:300]
                )
        return opened

    async def noticed(self) -> dict[str, int]:
        """Return how often each watch has fired so far, those on trial too."""
        return {row["playbook"]: row["count"] for row in await self._rows.find(noticed)}

    async def act(self, job: str, item: str) -> int:
        """Open, reopen or clear the case of one thing said, and forget it. Twice does it once."""
        value = await self._rows.open(item)
        opened = 0 if value is None else await self._act(read_said(value))
        await self._writer.submit(
            Command(
                self._in.log,
                Actor(THE_SYSTEM.id, THE_SYSTEM.role, THE_SYSTEM.via),
                f"done:{job}",
                hashlib.sha256(job.encode()).hexdigest(),
                (),
                _only_rows,
                (*forgotten(item), Delete("job", (job,))),
            )
        )
        return opened

    async def _act(self, said: Said) -> int:
        running = await self._current()
        watch = running.engine.watches.get(said.playbook) if running is not None else None
        if running is None or watch is None or running.published.modes.get(said.playbook) != "live":
            return 0  # retired meanwhile
        if isinstance(said, Broken):
            return await self._broken(said)
        if isinstance(said, Cleared):
            await self._signals.went_away(said)
            return 0
        view = await read_record(self._rows, said.subject_kind, said.subject)
        fields = {} if view is None or view.fields is None else view.fields
        customer = None if view is None else view.customer
        if view is not None:
            fields = await self._people_in(fields, view.source, watch.playbook)
        return 1 if await self._signals.noticed(said, watch.playbook, fields, customer) is not None else 0

    async def _people_in(
        self, fields: Mapping[str, Any], source: str, playbook: Playbook
    ) -> Mapping[str, Any]:
        """Return a record's fields with members for the names by which a rung of the watch may find its owner."""
        rungs = (line.to.partition(":") for line in playbook.route)
        routed = frozenset(name for kind, _, name in rungs if kind == "field")
        facts = {"source": source, "fields": fields}
        item = {"type": known_as.RECORD, "facts": facts}
        meant, _ = await known_as.looked_up(self._rows, (item,), routed, self._in.vault.fingerprint)
        shown: Mapping[str, Any] = known_as.as_judged(facts, routed, meant)["fields"]
        return shown

    async def _broken(self, said: Broken) -> int:
        """A rule that cannot run is never "false": one case per playbook and reason, for the owner."""
        name = self._in.vault.fingerprint(
            "broken", said.playbook, said.subject, said.reason_code, str(said.at_ms)
        )
        private = self._in.seal((), detail={"subject": said.subject, "detail": said.detail[:2000]})
        body = {"playbook": said.playbook, "subject_kind": said.subject_kind, "reason_code": said.reason_code}
        draft = Draft("signal_broken", None, body, private.commitments, private.opened)
        actor = Actor(THE_SYSTEM.id, THE_SYSTEM.role, THE_SYSTEM.via)
        digest = hashlib.sha256(name.encode()).hexdigest()
        await self._writer.submit(
            Command(self._in.log, actor, f"broken:{name}", digest, (), _append, (draft, private.rows))
        )
        at = instant_of(said.at_ms)
        request = OpenCase(
            origin="signal",
            owner=await first_owner(self._rows),
            fingerprint=("signal_broken", said.playbook, said.reason_code),
            onset=at,
            detected_at=at,
            playbook=said.playbook,
            note=f"The watch {said.playbook} cannot see: {said.reason_code}",
        )
        try:
            await self._desk.open_case(THE_SYSTEM, f"broken-case:{name}", request)
        except Refused as refusal:
            if refusal.code not in ("already_open", "stale", "idempotency_mismatch"):
                raise
            return 0
        return 1

    # ------------------------------------------------------------------------------------------ reading
    async def view(self, kind: str, record: str) -> RecordView:
        """Return the latest version of a record. Raises Refused: unknown."""
        found = await read_record(self._rows, kind, record)
        if found is None:
            raise no_record(kind)
        return found

    async def read_record(self, kind: str, record: str) -> dict[str, Any]:
        """Return the latest version of a record as JSON. Raises Refused: unknown."""
        found = await self.view(kind, record)
        return {name: getattr(found, name) for name in RecordView.__slots__}

    async def record_or_none(
        self, who: Principal, case: str, kind: str, record: str
    ) -> AttachEvidence | None:
        """As record_as_evidence; None where there is no such record, or nothing of it any more."""
        try:
            return await self.record_as_evidence(who, case, kind, record)
        except Refused as refusal:
            if refusal.code not in ("unknown", "evidence_missing"):
                raise
            return None

    async def record_as_evidence(self, who: Principal, case: str, kind: str, record: str) -> AttachEvidence:
        """Freeze the latest version of a record as evidence.

        Raises:
            Refused: unknown (record or source), or erased.
        """
        found = await self.view(kind, record)
        if found.fields is None:
            raise refuse(
                "evidence_missing", "expected a record whose values are kept, got one that was erased"
            )
        source = await self._source_of(found.source)
        if found.place >= ORDERS_PER_MS:
            raise refuse(
                "value_invalid", f"expected fewer than {ORDERS_PER_MS} versions of one instant, got more"
            )
        facts = {
            "kind": found.kind,
            "id": found.id,
            # one number per version, later versions larger: the instant, then the place within it
            "version": unix_ms_of(found.event_at) * ORDERS_PER_MS + found.place,
            "event_time": found.event_at,
            "first_event_at": found.first_event_at,
            "customer": found.customer,
            "source": found.source,
            "fields": {
                name: value
                for name, value in found.fields.items()
                if value is None or isinstance(value, bool | int | str)
            },
        }
        signed_with = await self._key_of(found.received_from)
        before = [
            (await self._source_of(name), sent_by, await self._key_of(sent_by))
            for name, sent_by in await senders_of(self._rows, kind, record)
        ]
        return system_record.collect(
            who,
            case,
            facts,
            source,
            found.received_at,
            found.received_from,
            signed_with=signed_with,
            before=before,
        )

    async def _source_of(self, name: str) -> Row:
        row = await self._rows.one(tables.source, source=name)
        if row is None:
            raise refuse("unknown", f"expected the registered source {name}, got none")
        return row

    async def _key_of(self, received_from: str) -> Row | None:
        """Return the row of the key that signed what came by a hook, None for what came otherwise."""
        if not received_from.startswith(HOOK_PARTY):
            return None
        hook, _, key = received_from.removeprefix(HOOK_PARTY).partition("/")
        return await self._rows.need("hook", tables.hook_key, hook=hook, key=key)

    # ------------------------------------------------------------------------------------------ what runs
    async def _current(self) -> _Running | None:
        before = self._running.published if self._running is not None else None
        published = await load_published(self._rows, before)
        if published is None:
            return None
        if self._running is None or published is not before:
            engine = Engine(published.messages, published.watches, bucketing(self._in.vault))
            self._running = _Running(published, engine)
        return self._running

    async def _need_running(self) -> _Running:
        running = await self._current()
        if running is None:
            raise refuse("unknown", "expected published kinds before records, got none")
        return running

    async def _need_source(self, source: str, kinds: Sequence[str]) -> Row:
        row = await self._rows.one(tables.source, source=source)
        if row is None:
            raise refuse("unknown", f"expected a registered source, got {source}")
        missing = [kind for kind in kinds if kind not in loads(row["kinds"])]
        if missing:
            raise refuse("value_invalid", f"source {source}: expected kinds of {row['kinds']}, got {missing}")
        return row


def no_record(kind: str) -> Refused:
    """Return the refusal of a record that is not there, for whoever asks."""
    return refuse("unknown", f"expected a record of kind {kind}, got none of that id")


def _batch_digest(given: Sequence[Batched]) -> str:
    """Return what names a batch: all that was sent, refused records too. Those may hold integers of any size and half
    surrogate pairs, which the product's codec does not encode; escaped ASCII takes both."""
    sent = [[one.kind, one.id, one.event_at, one.order, dict(one.values)] for one in given]
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode("ascii")).hexdigest()


def _change(published: Published, one: Batched, line: int, now: str) -> RecordChange:
    kind = published.kinds.kind(one.kind)
    if kind is None:
        raise RecordInvalid(
            f"unknown kind {one.kind!r}; known kinds: {', '.join(sorted(published.kinds.kinds))}"
        )
    check_values(kind, one.values)
    known = unix_ms_of(one.known_at or max(now, one.event_at))
    return RecordChange(
        one.kind, one.id, unix_ms_of(one.event_at), known, one.order, one.values, one.subject, line
    )


def _counted(said: Iterable[Said]) -> list[Change]:
    """Return how often each watch fired, those on trial too, as additions to what stands."""
    fired = Counter(one.playbook for one in said if isinstance(one, Signal))
    return [Add("noticed", (playbook,), "count", count) for playbook, count in sorted(fired.items())]


def _by(who: Principal, rule: Rule) -> Rule:
    """Return a rule for whoever may act by then: an import waits its turn, and takes a while.

    Raises:
        Refused: member_inactive, role_missing.
    """

    def checked(view: View, command: Command, at: str) -> Decided:
        people.acting(view, who)
        return rule(view, command, at)

    return checked


def _only_rows(view: View, command: Command, at: str) -> Decided:
    return Decided((), command.data)


def _append(view: View, command: Command, at: str) -> Decided:
    draft, rows = command.data
    return Decided((draft,), rows)
