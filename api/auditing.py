"""Both audits over one target: intact? (ledger/audit.py) and earned? (casework/audit.py), with one exit code
(SETTLED 18).

A target is a log folder, a bundle file, or a database. A bundle holds one award, so only the first audit can be done
on it: whether nothing was left out, a part cannot show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.anchor_audits import Outside, audit_anchors
from api.installation import PROJECTIONS
from api.settings import Settings
from casework import signatures, weighing
from casework.audit import Earned
from casework.audit import audit as audit_earned
from ledger import codec, ed25519
from ledger.anchors.told import Anchored
from ledger.audit import Source
from ledger.audit import audit as audit_intact
from ledger.audit_head import HeadCheck
from ledger.blobs import FolderBlobs
from ledger.bundles import BUNDLE_SIZE_MAX_BYTES, audit_bundle
from ledger.commitments import Opened
from ledger.entries import Entry
from ledger.entropy import SystemEntropy
from ledger.export import DatabaseSource
from ledger.findings import Exit, Result
from ledger.folders import CHECKPOINT, FolderFiles, FolderSource
from ledger.merkle import Frontier
from ledger.overlay import Overlay
from ledger.reader import LogReader
from ledger.reading import read_entry
from ledger.store.tables import derived_tables, shapes
from ledger.trust import TrustPolicy
from ledger.vault import Vault

COMPARED = frozenset(derived_tables()) - {"account", "posting", "job", "member_name"}
"""The book has its own check, jobs go when done, names need the vault."""
NOBODY = Outside()
"""An auditor who asks no chain and trusts no time authority."""
EASIEST_SHOWN_MAX = 3
"""Awards that are named as the easiest to fake."""


@dataclass(frozen=True, slots=True)
class Audited:
    """What both audits say about one target.

    `earned` None: it was not asked, because the record is damaged or a part. `anchored` None: no anchor was opened, or
    it was not asked either.
    """

    target: str
    intact: Result
    earned: Earned | None
    anchored: Anchored | None = None

    @property
    def exit(self) -> Exit:
        """Return the exit code: damage first, then what could not be known."""
        if self.intact.findings or (self.earned is not None and self.earned.findings):
            return Exit.DAMAGED
        if self.intact.newer:
            return Exit.NEWER
        earned = self.earned
        if earned is not None and earned.with_values and (earned.unreplayable or earned.unsigned):
            return Exit.UNREPLAYABLE
        if self.anchored is not None and self.anchored.unread and self.intact.exit == Exit.INTACT:
            return Exit.CONSISTENT_ONLY
        return self.intact.exit

    def sentences(self) -> list[str]:
        """Return what was found, for a person."""
        said = [self.intact.sentence()]
        said += [
            f"  {finding.code} ({finding.detected_by}): {finding.what}" for finding in self.intact.findings
        ]
        said += [
            f"  the known checkpoint of size {size} cannot be compared: the bundle's is of size {self.intact.size};"
            " audit the whole log with it"
            for size in self.intact.uncompared
        ]
        said += [f"  {line}" for line in (self.anchored.sentences() if self.anchored is not None else ())]
        if self.earned is None:
            part = (
                "a bundle shows one award, not the whole log"
                if not self.intact.findings
                else "the record is damaged"
            )
            said.append(f"earned? not asked: {part}")
            return said
        said.append(self.earned.sentence())
        said += [f"  entry {finding.seq}: {finding.what}" for finding in self.earned.findings]
        return [*said, *weighing.sentences(self.weights(), EASIEST_SHOWN_MAX)]

    def weights(self) -> list[weighing.Weight]:
        """Return the live awards, the easiest to fake first; none where only one award was at hand."""
        if self.earned is None or self.earned.rows is None:
            return []
        return weighing.weights(self.earned.rows)


def is_folder(target: Path) -> bool:
    """Return whether a path is a log folder."""
    return target.is_dir() and (target / CHECKPOINT).is_file()


def audit_file(target: Path, trust: TrustPolicy | None, known: Sequence[bytes]) -> Audited:
    """Audit one bundle. Raises OSError."""
    if target.stat().st_size > BUNDLE_SIZE_MAX_BYTES:
        result = Result()
        result.found("bundle", f"{target}: expected at most {BUNDLE_SIZE_MAX_BYTES} bytes", None, "entries")
        return Audited(str(target), result, None)
    return Audited(
        str(target),
        audit_bundle(
            target.read_bytes(),
            ed25519.verify,
            trust=trust,
            known=known,
            loads=codec.loads,
            dumps=codec.dumps,
        ),
        None,
    )


def audit_folder(
    target: Path,
    trust: TrustPolicy | None,
    known: Sequence[bytes],
    hook_secrets: Sequence[str] = (),
    outside: Outside = NOBODY,
) -> Audited:
    """Audit a log folder; `hook_secrets` are of hooks, which no folder holds. Raises OSError."""

    def source() -> FolderSource:
        return FolderSource(FolderFiles(target), codec.loads, codec.dumps)

    with_vault = (target / "vault").is_dir()
    return _both(str(target), source(), source(), with_vault, trust, known, None, hook_secrets, outside)


async def audit_database(
    reader: LogReader,
    vault: Vault | None,
    trust: TrustPolicy | None,
    known: Sequence[bytes],
    outside: Outside = NOBODY,
) -> Audited:
    """Audit one log in its database; with `vault` the private values too. Raises StoreError."""
    loop = asyncio.get_running_loop()
    head = HeadCheck()

    def work() -> Audited:
        first, second = (DatabaseSource(reader, loop, vault) for _ in range(2))
        return _both(reader.log, first, second, vault is not None, trust, known, head, outside=outside)

    found = await asyncio.to_thread(work)
    if found.earned is not None:
        await _compare_head(reader, found.intact, head)
    if found.earned is not None and found.earned.rows is not None and not found.earned.findings:
        await _compare_rows(reader, found.intact, found.earned.rows)
    return found


async def _compare_head(reader: LogReader, intact: Result, head: HeadCheck) -> None:
    """Report a head row that is not as the entries leave it: the next entry would chain to it."""
    row = next(iter(await reader.rows("log_head")), None)
    if row is None or Frontier.from_bytes(row["frontier"]).size == intact.size:  # else it grew meanwhile
        head.check(row, intact)


async def _compare_rows(reader: LogReader, intact: Result, expected: Overlay) -> None:
    """Report each row that is not as the entries leave it: decisions are made over rows, people read them."""
    faults = []
    for table, shape in shapes().items():
        if table not in COMPARED:
            continue
        there = {tuple(row[name] for name in shape.key): row for row in await reader.rows(table)}
        wanted = {tuple(row[name] for name in shape.key): dict(row) for row in expected.scan(table, ())}
        for key in sorted(there.keys() | wanted.keys()):
            row, due = there.get(key), wanted.get(key)
            if row != due:
                other = [name for name in shape.columns if row and due and row[name] != due[name]]
                got = f"another {', '.join(other)}" if other else "none" if due else "one that no entry made"
                faults.append(
                    f"{table} {'/'.join(map(str, key))}: expected the row its entries leave, got {got}"
                )
    if (await reader.head()).size == intact.size:  # a log that grew meanwhile has newer rows
        for fault in faults:
            intact.found("row", fault, None, "rows")


def _both(
    name: str,
    source: Source,
    again: Source,
    with_vault: bool,
    trust: TrustPolicy | None,
    known: Sequence[bytes],
    head: HeadCheck | None = None,
    hook_secrets: Sequence[str] = (),
    outside: Outside = NOBODY,
) -> Audited:
    """1. intact? Only over an intact record: 2. anchored? 3. earned? It reads the entries again, `head` with it."""
    intact = audit_intact(
        source, ed25519.verify, trust=trust, known=known, loads=codec.loads, dumps=codec.dumps
    )
    if intact.findings or intact.newer:
        return Audited(name, intact, None)
    anchored = audit_anchors(source, intact, trust, outside)
    values = _Values(again.opened())
    entries = ((data, read_entry(data, codec.loads, codec.dumps)) for data in again.entries())
    try:
        earned = audit_earned(
            entries if head is None else head.follow(entries),
            shapes(),
            PROJECTIONS,
            values.of if with_vault else None,
            signatures.verify,
            hook_secrets,
        )
    finally:
        values.close()
    return Audited(name, intact, earned, anchored)


class _Values:
    """Private values in the order of the log: only those of the entry asked for last are held."""

    def __init__(self, opened: Iterator[Opened] | None) -> None:
        self._opened = opened or iter(())
        self._next = next(self._opened, None)

    def of(self, entry: Entry, path: str) -> object:
        """Return the value of an entry at a path, of a file its bytes; None when it is erased. Entries are asked for in
        order, and within an entry paths."""
        while self._next is not None and self._next.seq <= entry.seq:
            one = self._next
            if one.seq == entry.seq and one.path > path:
                break
            self._next = next(self._opened, None)
            if (one.seq, one.path) == (entry.seq, path):
                return one.value if one.content is None else one.content
        return None

    def close(self) -> None:
        """Let go of the source while its loop still runs: values after the last verdict are never asked for."""
        if isinstance(self._opened, Generator):
            self._opened.close()


def vault_of(settings: Settings, log: str) -> Vault | None:
    """Return the vault of a log when its keys are here, else None: then nothing private can be checked."""
    folder = settings.key_folder(log)
    if not folder.exists():
        return None
    keys = folder.load()
    return Vault(log, keys.organisation, SystemEntropy(), FolderBlobs(settings.data_dir / "blobs" / log))
