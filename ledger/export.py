"""Taking the record along: a whole log as a folder, one award as a file, and the database as a source of the audit.

docs/spec/bundle.md says what the files hold; ledger/folders.py and ledger/bundles.py write and read them. Here the
database is brought to them: reading is async and those are plain loops, so they run in a thread that asks the event
loop for the next rows. Memory holds one chunk of rows and one tile per level, however long the log is.

    LedgerError
    `-- ExportRefused   the folder is another log's, or holds a longer export, or the checkpoint is not this log's
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from ledger import codec, ed25519
from ledger.book import Posting
from ledger.bundles import (
    ALWAYS,
    CREDENTIAL_TYPE,
    PASSKEY_ENROLLED,
    RESTS_ON,
    Bundle,
    Proven,
    select,
    write_bundle,
)
from ledger.checkpoints import Checkpoint, open_checkpoint, parse_text
from ledger.commitments import Opened
from ledger.durable import INCOMING_SUFFIX, replace_file
from ledger.entries import SECRET
from ledger.errors import LedgerError, ProgrammingError, ProofError
from ledger.folders import CHECKPOINT, write_log
from ledger.notes import parse_note
from ledger.reader import ENTRIES_PER_READ_MAX_COUNT, LogReader
from ledger.vault import Vault, VaultDamaged

VAULT_FOLDER = "vault"
PUBLIC_MODE = 0o644
PRIVATE_MODE = 0o600
ENTRIES_PER_HOP_MAX_COUNT = ENTRIES_PER_READ_MAX_COUNT

VALUES_PER_HOP_MAX_COUNT = 64
"""Entries whose values are open at once: each may hold a file of 25 MiB."""

T = TypeVar("T")
Private = tuple[int, Mapping[str, str]]
"""An entry's seq and its commitments by path."""


class ExportRefused(LedgerError):
    """Nothing was written: another log lies there, a longer export, or the checkpoint is not this log's."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did: the size it holds, files written now, files that were there already with the same bytes."""

    size: int
    written_count: int
    kept_count: int


# ---------------------------------------------------------------------------------------------------- a whole log
async def export_log(
    reader: LogReader, folder: Path, checkpoint: bytes, vault: Vault | None = None
) -> Exported:
    """Write the log up to `checkpoint` (from the publisher: an export is signed at once) into a folder.

    With `vault`, the private values that may still be opened go along. May be stopped anywhere and run again, also to
    bring a folder up to date: files that hold the right bytes are left alone, and the file `checkpoint` is replaced
    last, so that a folder is complete for the checkpoint it shows. Values erased since an earlier export are removed.

    Raises:
        ExportRefused: see the class.
        FolderMalformed: the entries are not those that the checkpoint promises; audit the database.
        StoreError, OSError: the database or the disk failed; run it again.
    """
    promised = await _checked(reader, checkpoint)
    keys = [key.vkey() for key in (await reader.keys()).listed()]
    source = DatabaseSource(reader, asyncio.get_running_loop(), vault, promised.size)
    return await asyncio.to_thread(_write_folder, source, folder, checkpoint, promised, keys)


async def _checked(reader: LogReader, note: bytes) -> Checkpoint:
    try:
        opened = open_checkpoint(note, reader.log, await reader.keys(), ed25519.verify)
    except ProofError as error:
        raise ExportRefused(
            f"export: expected a signed checkpoint of {reader.log}, got one where {error}"
        ) from error
    return opened.checkpoint


def _write_folder(
    source: DatabaseSource, folder: Path, checkpoint: bytes, promised: Checkpoint, keys: Sequence[str]
) -> Exported:
    folder.mkdir(parents=True, exist_ok=True)
    _check_folder(folder, promised)
    for rest in folder.rglob(f".*{INCOMING_SUFFIX}"):
        rest.unlink(missing_ok=True)  # of an export that was stopped
    older = (note for note in source.checkpoints() if parse_text(parse_note(note).text).size < promised.size)
    written = kept = 0
    values: set[Path] = set()
    for name, data in write_log(source.entries(), checkpoint, keys, older, leaving(source.opened())):
        path = folder / name
        private = name.startswith(f"{VAULT_FOLDER}/")
        if private:
            values.add(path)
        if name == CHECKPOINT:
            _remove_other_values(folder, values)
        if _holds(path, data):
            kept += 1
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data, PRIVATE_MODE if private else PUBLIC_MODE)
        written += 1
    return Exported(promised.size, written, kept)


def leaving(opened: Iterable[Opened] | None) -> Iterator[Opened] | None:
    """Return the private values that may leave: keys are used where they lie."""
    return None if opened is None else (one for one in opened if one.path != SECRET)


def _check_folder(folder: Path, promised: Checkpoint) -> None:
    note = folder / CHECKPOINT
    if not note.exists():
        return
    try:
        there = parse_text(parse_note(note.read_bytes()).text)
    except ProofError as error:
        raise ExportRefused(
            f"{note}: expected a checkpoint of {promised.origin}, got a file where {error}"
        ) from error
    if there.origin != promised.origin or there.size > promised.size:
        raise ExportRefused(
            f"{folder}: expected an export of {promised.origin} of at most {promised.size} entries,"
            f" got one of {there.origin} of {there.size}"
        )


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _remove_other_values(folder: Path, values: set[Path]) -> None:
    for path in (folder / VAULT_FOLDER).rglob("*"):
        if path.is_file() and path not in values:
            path.unlink()


# ------------------------------------------------------------------------------------------------------- one award
async def export_award(
    reader: LogReader, case: str, award: str, checkpoint: bytes, vault: Vault | None = None
) -> bytes:
    """Return one award as a bundle file: its case, what it rests on, proofs under `checkpoint`, keys, opened values.

    Raises:
        ExportRefused: the checkpoint is not this log's.
        BundleIncomplete: the case holds no such award below the checkpoint's size.
        StoreError, NodeMissing, EntryDamaged: the database failed or is damaged.
    """
    promised = await _checked(reader, checkpoint)
    kinds = {*ALWAYS, *RESTS_ON, PASSKEY_ENROLLED, "key_rotated"}
    candidates = await reader.case_entries(case, kinds, promised.size)
    chosen = select(lambda: candidates, case)
    proofs = await reader.inclusions([entry.seq for entry in chosen], promised.size)
    keys = tuple(key.vkey() for key in (await reader.keys()).listed())
    opened = (
        []
        if vault is None
        else await _opened(reader, vault, [(entry.seq, entry.private) for entry in chosen])
    )
    return await asyncio.to_thread(
        write_bundle,
        Bundle(
            reader.log,
            case,
            award,
            tuple(Proven(entry, tuple(proof)) for entry, proof in zip(chosen, proofs, strict=True)),
            checkpoint,
            keys,
            tuple(opened),
        ),
        codec.dumps,
    )


async def export_credential(
    reader: LogReader, case: str, award: str, seq: int, checkpoint: bytes, vault: Vault
) -> bytes:
    """Return one credential as a bundle file: the entry that issued it, opened, and the log's keys; nobody else's
    share, and nothing else of the case.

    Raises:
        ExportRefused, BundleIncomplete, StoreError, NodeMissing, EntryDamaged: as `export_award`.
    """
    promised = await _checked(reader, checkpoint)
    kinds = {*ALWAYS, "key_rotated"} - {"settings_changed"}
    candidates = await reader.case_entries(case, kinds, promised.size)
    chosen = [entry for entry in candidates if entry.seq == seq or entry.kind in kinds]
    proofs = await reader.inclusions([entry.seq for entry in chosen], promised.size)
    keys = tuple(key.vkey() for key in (await reader.keys()).listed())
    private = [(entry.seq, entry.private) for entry in chosen if entry.seq == seq]
    proven = tuple(Proven(entry, tuple(proof)) for entry, proof in zip(chosen, proofs, strict=True))
    opened = tuple(await _opened(reader, vault, private))
    bundle = Bundle(reader.log, case, award, proven, checkpoint, keys, opened, CREDENTIAL_TYPE)
    return await asyncio.to_thread(write_bundle, bundle, codec.dumps)


async def _opened(reader: LogReader, vault: Vault, entries: Sequence[Private]) -> list[Opened]:
    """Open the private values of some entries, by seq and path; erased ones are left out. Raises VaultDamaged."""
    wanted = [(seq, path, commitments[path]) for seq, commitments in entries for path in sorted(commitments)]
    item_rows, wrap_rows = await reader.items(commitment for _, _, commitment in wanted)
    try:
        openings = await asyncio.to_thread(vault.disclose_many, item_rows, wrap_rows)
    except VaultDamaged as error:
        places = ", ".join(
            f"entry {seq}, {path}" for seq, path, commitment in wanted if commitment in str(error)
        )
        raise VaultDamaged(f"{places}: {error}") from error
    found: list[Opened] = []
    for seq, path, commitment in wanted:
        opening = openings.get(commitment)
        if opening is not None:
            value, content = (None, opening.data) if opening.content else (opening.value(), None)
            found.append(Opened(seq, path, opening.salt, value, content))
    return found


# ---------------------------------------------------------------------------------------------- the database as source
class DatabaseSource:
    """A log in its database, as `ledger.audit.Source`. Used in a thread (asyncio.to_thread) beside the loop it asks."""

    def __init__(
        self,
        reader: LogReader,
        loop: asyncio.AbstractEventLoop,
        vault: Vault | None = None,
        end_size: int | None = None,
    ) -> None:
        """Read by `reader` on `loop`; entries up to `end_size`, or all that are stored; values if `vault` is given."""
        self._reader = reader
        self._loop = loop
        self._vault = vault
        self._end_size = end_size

    def entries(self) -> Iterator[bytes]:
        """Yield the canonical bytes of all stored entries, by seq."""
        return self._pull(self._all_entries())

    def checkpoints(self) -> Iterator[bytes]:
        """Yield the published notes, by size."""
        return (note for _, note in self._pull(self._reader.checkpoints()))

    def keys(self) -> Sequence[str] | None:
        """Return None: the database has no key list beside the one in its entries."""
        return None

    def size(self) -> int | None:
        """Return the size that the head row says."""
        return self._call(self._reader.head()).size

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return the first `width` hashes of a tile row, or None."""
        found = self._call(self._reader.tiles([(level, index)])).get((level, index))
        return None if found is None or len(found) < width * 32 else found[: width * 32]

    def has_tiles(self) -> bool:
        """Tiles are rows of the log: a missing one is damage."""
        return True

    def opened(self) -> Iterator[Opened] | None:
        """Yield the private values that still open, by seq; None without a vault. Raises VaultDamaged."""
        return None if self._vault is None else self._pull(self._all_opened(self._vault))

    def postings(self) -> Iterator[Posting] | None:
        """Yield the stored book lines by (seq, n)."""
        return self._pull(self._reader.postings())

    def balances(self) -> Iterator[tuple[str, int]] | None:
        """Yield the stored balance of each account."""
        return self._pull(self._reader.balances())

    def _all_entries(self) -> AsyncIterator[bytes]:
        return self._reader.entries() if self._end_size is None else self._reader.entries(0, self._end_size)

    async def _all_opened(self, vault: Vault) -> AsyncIterator[Opened]:
        chunk: list[Private] = []
        async for data in self._all_entries():
            private = _private_of(data)
            if not private[1]:
                continue
            chunk.append(private)
            if len(chunk) == VALUES_PER_HOP_MAX_COUNT:
                for item in await _opened(self._reader, vault, chunk):
                    yield item
                chunk = []
        for item in await _opened(self._reader, vault, chunk):
            yield item

    def _pull(self, source: AsyncIterator[T]) -> Iterator[T]:
        """Turn an async iterator on the loop into a plain one here, a chunk per hop."""
        try:
            while chunk := self._call(_some(source)):
                yield from chunk
        finally:
            if isinstance(source, AsyncGenerator):
                self._call(cast("AsyncGenerator[T, None]", source).aclose())

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        if here is self._loop:
            work.close()
            raise ProgrammingError("database source: expected to be used in a thread, got its own event loop")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


async def _some(source: AsyncIterator[T]) -> list[T]:
    chunk: list[T] = []
    async for item in source:
        chunk.append(item)
        if len(chunk) == ENTRIES_PER_HOP_MAX_COUNT:
            break
    return chunk


def _private_of(data: bytes) -> Private:
    """Return what an entry commits to; nothing for bytes that are no entry, which the audit names by itself."""
    try:
        value = codec.loads(data)
        seq, private = value["seq"], value["private"]
    except (ValueError, TypeError, KeyError):
        return -1, {}
    if (
        type(seq) is not int
        or type(private) is not dict
        or not all(type(item) is str for item in private.values())
    ):
        return -1, {}
    return seq, private
