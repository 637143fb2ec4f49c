"""The composition root: opens store, writer, vaults, keys and guard from the settings, for any number of organisations.

<data>/tallystick.db     the database, unless TALLYSTICK_DATABASE_URL names another
<keys>/<log>/            secret keys of one organisation (docs/keys.md); belong on a volume of their own
<data>/blobs/<log>/      sealed files
<guard>/                 the signing guard's memory; belongs on a volume of its own
                         both lie in <data> unless TALLYSTICK_KEYS_DIR and TALLYSTICK_GUARD_DIR say otherwise
<data>/refusals.jsonl    the security journal
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Gauge

from api.anchor_gauges import AnchorGauges
from api.caller import draw_key
from api.journal import Journal
from api.mail_keys import DnsKeys
from api.passwords import Passwords
from api.pictures import Pictures
from api.rooms import Rooms
from api.schema import SchemaBehind, check_schema, keep_private
from api.scope import KeyHolders, Scoped, dead_jobs, logs
from api.sessions import Sessions
from api.settings import Settings, SettingsInvalid
from api.tries import Tries
from api.watching import Watching
from casework.anchoring import Anchoring
from casework.credentials import Credentials
from casework.desk import Desk
from casework.hooks import Hooks
from casework.intake import Intake
from casework.joining import THE_OPERATOR, Joining
from casework.office import Office
from casework.requests import IssueApiKey, OpenLog
from casework.views import project as project_casework
from ledger.blobs import FolderBlobs
from ledger.book import project as project_book
from ledger.changes import Projection
from ledger.clock import SIMULATED_SUFFIX, Clock, FileClock, SystemClock, instant_of
from ledger.entropy import Entropy, SystemEntropy
from ledger.errors import LedgerError, StoreError
from ledger.guard import FileGuard
from ledger.merkle import check_inclusion, leaf_hash
from ledger.publish import CommandShelf, Publisher
from ledger.reader import LogReader
from ledger.store import open_store
from ledger.store.postgres import PostgresStore
from ledger.store.sqlite import SqliteStore
from ledger.vault import Vault
from ledger.writer import Writer

PROJECTIONS: tuple[Projection, ...] = (project_book, project_casework)
"""Everything that entries leave in tables: the writer, `rebuild` and the audit of meaning use this one list."""
LOGS_CHECKED_MAX = 100
SUFFIX_BYTES = 4


class Instants:
    """The installation's clock as text and milliseconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> str:
        """Return RFC 3339 UTC with milliseconds. Raises Stopped."""
        return instant_of(self._clock.read().unix_ms)

    def unix_ms(self) -> int:
        """Return milliseconds since 1970. Raises Stopped."""
        return self._clock.read().unix_ms


@dataclass(frozen=True, slots=True)
class Opened:
    """A new organisation: its log, its owner, and the owner's key, told once."""

    log: str
    member: str
    key: str


@dataclass(slots=True)
class Installation:
    """What one process holds open."""

    settings: Settings
    store: SqliteStore | PostgresStore
    writer: Writer
    clock: Instants
    entropy: Entropy
    simulated: bool
    holders: KeyHolders
    guard: FileGuard
    registry: CollectorRegistry
    journal: Journal
    dead_jobs: Gauge
    anchors: AnchorGauges
    sessions: Sessions
    passwords: Passwords = field(default_factory=Passwords)
    tries: Tries = field(default_factory=Tries)
    pictures: Pictures = field(default_factory=Pictures)
    _rooms: dict[str, Rooms] = field(default_factory=dict)

    async def rooms(self, log: str) -> Rooms:
        """Return the rooms of an organisation.

        Raises:
            KeyFileError: its keys are not here.
        """
        known = self._rooms.get(log)
        if known is None:
            known = self._rooms[log] = self._build(log)
        return known

    def _build(self, log: str) -> Rooms:
        keys = self.settings.key_folder(log).load()
        vault = Vault(
            log, keys.organisation, self.entropy, FolderBlobs(self.settings.data_dir / "blobs" / log)
        )
        reader = LogReader(self.store.reader, log)
        rows = Scoped(self.store.reader, log, vault, reader)
        intake = Intake(log, self.writer, rows, vault, self.entropy, self.clock.unix_ms, keys.decision_token)
        desk = Desk(intake)
        credentials = Credentials(
            intake, keys.credential, lambda number: list_url(self.settings, log, number)
        )
        publisher = Publisher(
            log,
            reader,
            CommandShelf(log, self.writer.submit),
            self.guard,
            self.settings.key_folder(log).load,
            lambda: self.clock.unix_ms() / 1000,
            self.settings.checkpoint_interval_seconds,
        )
        return Rooms(
            log=log,
            clock=self.clock,
            entropy=self.entropy,
            rows=rows,
            reader=reader,
            vault=vault,
            keys=keys,
            writer=self.writer,
            intake=intake,
            desk=desk,
            office=Office(intake),
            joining=Joining(intake),
            hooks=Hooks(intake),
            anchoring=Anchoring(intake),
            credentials=credentials,
            publisher=publisher,
            watching=Watching(self.writer, rows, intake, desk),
            pictures=self.pictures,
            mail_keys=DnsKeys(self.settings.dns),
            tsa_roots=self.settings.tsa_roots,
        )

    async def measure(self) -> None:
        """Bring the gauges up to date; a database that does not answer leaves them unknown, not as they were."""
        try:
            self.dead_jobs.set(await dead_jobs(self.store.reader))
        except StoreError:
            self.dead_jobs.set(float("nan"))

    async def logs(self) -> list[str]:
        """Return the logs of this installation, by name."""
        return await logs(self.store.reader)

    async def open_organisation(self, name: str, owner_name: str, simulated: bool) -> Opened:
        """Make a new organisation: keys, guard, first entries, the owner and a key for the owner.

        A crash in between leaves keys without a log, which nothing uses; the next try draws another name.
        """
        log = f"{slug(name)}-{self.entropy.token(SUFFIX_BYTES).hex()}" + (
            SIMULATED_SUFFIX if simulated else ""
        )
        if self.simulated and not simulated:
            raise SettingsInvalid(
                f"clock: expected the machine's for a real organisation, got a simulated one for {log}"
            )
        keys = self.settings.key_folder(log).create(self.entropy)
        self.guard.enrol(log)
        rooms = await self.rooms(log)
        log_key = keys.log_signers[-1].key.vkey()
        undo = {"undo_seconds": self.settings.undo_seconds}
        opened = await rooms.office.open_log("open", OpenLog(log_key, simulated, owner_name, undo))
        member = opened.ids["member"]
        key, digest = draw_key(self.entropy)
        await rooms.office.issue_api_key(THE_OPERATOR, "first-key", IssueApiKey(member, digest))
        return Opened(log, member, key)

    async def checks(self) -> dict[str, str]:
        """Return check -> `ok` or a sentence: the database answers, the writer writes, each head is what its tree says.

        A log's check bears its name, so this is for the operator; /readyz asks for `ready`.
        """
        found: dict[str, str] = {"database": "ok", "writer": self.writer.trouble or "ok"}
        try:
            for log in (await self.logs())[:LOGS_CHECKED_MAX]:
                found[log] = await self._check_head(log)
        except LedgerError as error:
            found["database"] = str(error)[:200]
        return found

    async def ready(self) -> dict[str, str]:
        """Return the checks for anybody who asks: logs are counted, and nobody learns whose they are."""
        found = await self.checks()
        shared = {name: found.pop(name) for name in ("database", "writer")}
        failing = sum(value != "ok" for value in found.values())
        said = (
            f"{failing} of {len(found)}: the head is not what entries and tiles say; run `tallystick audit`"
        )
        return {**shared, "logs": said if failing else "ok"}

    async def _check_head(self, log: str) -> str:
        """Say whether a head, once read, agrees with tiles and entries read after it. The log may go on meanwhile:
        what stood below a size never changes."""
        reader = LogReader(self.store.reader, log)
        try:
            head = await reader.head()
            root = await reader.root(head.size)
            if root != head.root:
                return f"tiles: expected root {head.root.hex()} at size {head.size}, got {root.hex()}"
            last = [data async for data in reader.entries(head.size - 1, head.size)]
            if len(last) != 1:
                return f"entries: expected the last at {head.size - 1}, got none there"
            proof = await reader.inclusion(head.size - 1, head.size)
            check_inclusion(head.size - 1, head.size, leaf_hash(last[0]), head.root, proof)
        except LedgerError as error:
            return f"{type(error).__name__}: {error}"[:200]
        return "ok"


def list_url(settings: Settings, log: str, number: int) -> str:
    """Return the address of a status list: where anybody may fetch it, or a name where the place has no address."""
    return (
        f"{settings.address}/status/{log}/{number}"
        if settings.address
        else f"urn:tallystick:status:{log}:{number}"
    )


def slug(name: str) -> str:
    """Return a name as the readable part of a log's origin: lower-case ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "log"


@asynccontextmanager
async def open_installation(
    settings: Settings, clock: Clock | None = None, entropy: Entropy | None = None
) -> AsyncIterator[Installation]:
    """Open everything and close it again. `clock` and `entropy` are given by simulations and tests only.

    Raises:
        SchemaBehind: the database has no or an older schema.
        StoreError: another process writes this database, or it does not answer.
        SettingsInvalid: a simulated clock over real organisations.
    """
    if not settings.data_dir.is_dir():
        raise SchemaBehind(f"expected the data folder {settings.data_dir}, got none; run `tallystick init`")
    if settings.sqlite_path is not None and not settings.sqlite_path.is_file():
        raise SchemaBehind(f"expected the database {settings.url}, got no such file; run `tallystick init`")
    if settings.sqlite_path is not None:
        keep_private(settings.sqlite_path)  # made by an earlier version, it may be open to others
    clock = clock or (FileClock(settings.clock_file) if settings.clock_file else SystemClock())
    instants = Instants(clock)
    store = open_store(settings.url)
    registry = CollectorRegistry()

    def journal_now() -> str:
        # a refusal is told even when a real clock has stopped; in a simulation it stands in the simulation's time
        return instants.now() if clock.simulated else instant_of(time.time_ns() // 1_000_000)

    journal = Journal(settings.data_dir / "refusals.jsonl", registry, journal_now)
    try:
        await check_schema(store.reader)
        async with Writer(store, PROJECTIONS, clock) as writer:
            drawn = entropy or SystemEntropy()
            installation = Installation(
                settings=settings,
                store=store,
                writer=writer,
                clock=instants,
                entropy=drawn,
                simulated=clock.simulated,
                holders=KeyHolders(store.reader),
                guard=FileGuard(settings.guard_folder),
                registry=registry,
                journal=journal,
                dead_jobs=Gauge(
                    "tallystick_jobs_dead", "Jobs given up, which wait for a person", registry=registry
                ),
                anchors=AnchorGauges(registry),
                sessions=Sessions(writer, drawn, instants, settings.session_hours),
            )
            real = [log for log in await installation.logs() if not log.endswith(SIMULATED_SUFFIX)]
            if clock.simulated and real:
                raise SettingsInvalid(
                    f"TALLYSTICK_CLOCK_FILE: expected none beside the real organisation {real[0]}"
                )
            yield installation
    finally:
        journal.close()
        await store.close()
