"""The erasure drill: a person asks to be forgotten. Nothing of her stays readable, and every proof ever given holds."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from casework.views import project as project_casework
from ledger import book, codec, ed25519
from ledger.audit import audit
from ledger.blobs import BlobMissing, FolderBlobs
from ledger.changes import Change, Delete, Insert
from ledger.checkpoints import open_checkpoint
from ledger.clock import HandClock, unix_ms_of
from ledger.commands import Command, Decided, View
from ledger.entries import Draft
from ledger.entropy import SeededEntropy
from ledger.export import DatabaseSource, export_log
from ledger.findings import Exit
from ledger.folders import FolderFiles, FolderSource
from ledger.guard import FileGuard
from ledger.keys import KeyFolder
from ledger.merkle import check_consistency, check_inclusion, leaf_hash
from ledger.publish import CommandShelf, Publisher
from ledger.reader import LogReader
from ledger.scrub import scrub
from ledger.store import Store
from ledger.vault import INLINE_SIZE_MAX_BYTES, Sealed, Vault
from ledger.writer import Writer
from tests.ledger.painted_log import made_up
from tests.ledger.writing import LOG, NOON, command, empty_store, fetch

pytestmark = pytest.mark.asyncio

NAME = "Ana Quintanilha-Wirth"
MAIL = "ana.quintanilha@example.org"
LETTER = f"Dear Sirs, my room was cold. {NAME}, {MAIL} ".encode()
SCAN = LETTER * (1 + INLINE_SIZE_MAX_BYTES // len(LETTER))
BENS = "Ben waited for an hour"


def _append(view: View, command: Command, at: str) -> Decided:
    drafts, rows = command.data
    return Decided(tuple(drafts), tuple(rows))


class Drill:
    """A real log on a real store, with everything that belongs to it in one folder."""

    def __init__(self, folder: Path, store: Store, writer: Writer) -> None:
        self.folder, self.store, self.writer = folder, store, writer
        keys = KeyFolder(folder / "keys", LOG)
        held = keys.create(SeededEntropy("drill"))
        guard = FileGuard(folder / "guard")
        guard.enrol(LOG)
        self.log_key = held.log_signers[0].key.vkey()
        self.reader = LogReader(store.reader, LOG)
        self.blobs = FolderBlobs(folder / "blobs")
        self.vault = Vault(LOG, held.organisation, SeededEntropy("vault"), self.blobs)
        shelf = CommandShelf(LOG, writer.submit)
        self.publisher = Publisher(LOG, self.reader, shelf, guard, keys.load, lambda: 0.0)
        self.count = 0

    async def append(self, *drafts: Draft, rows: tuple[Change, ...] = ()) -> None:
        self.count += 1
        await self.writer.submit(command(f"drill-{self.count}", _append, (drafts, rows)))

    async def attach(self, sealed: Sealed, path: str, rows: tuple[Change, ...] = ()) -> None:
        kind = "note_added" if path == "note" else "evidence_attached"
        draft = made_up(kind, f"case-{self.count}", {path: sealed.commitment})
        # Entries only; the projections of cases are tested where they live.
        await self.append(Draft(kind, draft.case, draft.body, draft.private), rows=(*sealed.changes, *rows))

    async def bytes_on_disk(self) -> bytes:
        """Everything under the folder: database, write-ahead log, blobs; on PostgreSQL all rows of the log instead."""
        data = b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())
        if self.store.dialect == "postgresql":
            for table in ("entry", "item", "item_wrap", "reuse", "member_name", "command"):
                for row in await fetch(self.store, f'SELECT * FROM "{table}"'):
                    data += b"".join(
                        value if isinstance(value, bytes) else str(value).encode() for value in row
                    )
        return data


def _projections(entry: Any, opened: Mapping[str, Any] | None) -> Any:
    """People only: the member's name is the plain copy that a read model keeps."""
    return project_casework(entry, opened) if entry.kind in ("member_joined", "subject_erased") else ()


async def check_every_proof(
    drill: Drill,
    before: bytes,
    entries: list[bytes],
    proofs: Sequence[Sequence[bytes]],
    root: bytes,
    out: Path,
) -> None:
    """Every proof ever given still holds, byte for byte; the log goes on, and both audits of it pass."""
    reader, vault, size = drill.reader, drill.vault, len(entries)
    assert [data async for data in reader.entries(0, size)] == entries
    for seq, proof in enumerate(proofs):
        check_inclusion(seq, size, leaf_hash(entries[seq]), root, proof)
    checkpoint = open_checkpoint(await drill.publisher.publish(), LOG, await reader.keys(), ed25519.verify)
    grown = checkpoint.checkpoint
    check_consistency(size, grown.size, root, grown.root, await reader.consistency(size, grown.size))
    source = DatabaseSource(reader, asyncio.get_running_loop(), vault)
    result = await asyncio.to_thread(
        audit, source, ed25519.verify, known=[before], loads=codec.loads, dumps=codec.dumps
    )
    assert (result.findings, result.exit, result.known_size) == ([], Exit.CONSISTENT_ONLY, size)
    await export_log(reader, out, await drill.publisher.publish(), vault)
    exported = FolderSource(FolderFiles(out))
    assert [item.value for item in exported.opened() or ()] == [BENS]
    assert audit(exported, ed25519.verify, known=[before]).findings == []


async def test_after_an_erasure_nothing_of_her_is_left_and_every_proof_holds(
    store_url: str, tmp_path: Path
) -> None:
    async with (
        empty_store(store_url) as store,
        Writer(store, (book.project, _projections), HandClock(unix_ms_of(NOON))) as writer,
    ):
        drill = Drill(tmp_path, store, writer)
        vault, reader = drill.vault, drill.reader

        # --- a log that knows Ana: name, note, small file, large file, and one note that concerns Ben as well
        opened = {"origin": LOG, "registry": 1, "log_key": drill.log_key, "simulated": True}
        await drill.append(Draft("log_opened", None, opened))
        name = vault.seal(NAME, "name", ["ana"])
        joined = made_up("member_joined", None, {"name": name.commitment}, member="ana", roles=["staff"])
        joined = Draft(joined.kind, None, joined.body, joined.private, {"name": NAME})
        await drill.append(joined, rows=name.changes)
        note = vault.seal({"from": MAIL, "says": LETTER.decode()}, "note", ["ana"])
        letter = vault.seal(LETTER, "content", ["ana"], content=True)
        scan = vault.seal(SCAN, "content", ["ana"], content=True)
        both = vault.seal(f"{NAME} and Ben spoke", "note", ["ana", "ben"])
        bens = vault.seal(BENS, "note", ["ben"])
        used = vault.reuse_digest(SCAN)
        await drill.attach(note, "note")
        await drill.attach(letter, "content")
        await drill.attach(scan, "content", (Insert("reuse", {"digest": used, "evidence": "e1"}),))
        await drill.attach(both, "note")
        await drill.attach(bens, "note")

        # --- what others took away before: checkpoint, proofs of every entry
        before = await drill.publisher.publish()
        entries = [data async for data in reader.entries()]
        size = len(entries)
        proofs = await reader.inclusions(range(size), size)
        root = (await reader.head()).root
        _, wraps = await reader.items([name.commitment, note.commitment, letter.commitment, scan.commitment])
        item_rows, wrap_rows = await reader.items(
            sealed.commitment for sealed in (name, note, letter, scan, both, bens)
        )
        hers = [row for row in item_rows if row["item"] != bens.commitment]
        sealed_bytes = [row["sealed"] for row in hers if row["sealed"]]
        on_disk = await drill.bytes_on_disk()
        assert NAME.encode() in on_disk  # the search can find
        assert all(row["wrapped"] in on_disk for row in wraps)
        assert LETTER not in on_disk and MAIL.encode() not in on_disk  # sealed even before

        # --- the erasure: one command; the shared note goes for both by a recorded choice
        erasure = vault.erase("ana", hers, wrap_rows)
        assert set(erasure.shared) == {both.commitment}
        (shared,) = [row for row in hers if row["item"] == both.commitment]
        destroyed = vault.destroy(shared, [row for row in wrap_rows if row["subject"] == "ben"])
        gone = made_up("subject_erased", None, subject="ana", items=len(erasure.gone) + 1)
        await drill.append(gone, rows=(*erasure.changes, *destroyed.changes, Delete("reuse", (used,))))
        for address in erasure.blobs:
            drill.blobs.delete(address)
        assert await scrub(store)

        # --- nothing of her is left
        after = await drill.bytes_on_disk()
        for planted in (NAME.encode(), MAIL.encode(), LETTER, used.encode(), *sealed_bytes):
            assert planted not in after
        for row in wraps:
            assert row["wrapped"] not in after
        assert list(drill.blobs.digests()) == []
        with pytest.raises(BlobMissing):
            drill.blobs.get(erasure.blobs[0])
        remaining = await reader.items(sealed.commitment for sealed in (name, note, letter, scan, both, bens))
        assert vault.open_many(*remaining) == {bens.commitment: BENS}

        await check_every_proof(drill, before, entries, proofs, root, tmp_path / "out")


async def test_the_staff_list_and_the_log_do_not_tell_whose_an_erased_value_was(tmp_path: Path) -> None:
    """A dictionary attack: without the salt, which lay inside the sealed item, no guess can be checked."""
    vault = Vault(LOG, bytes(32), SeededEntropy("salts"), FolderBlobs(tmp_path))
    committed = vault.seal(NAME, "name", ["ana"]).commitment
    guesses = [NAME, MAIL, "Ben", "", "yes"]
    salts = [bytes(32), bytes(range(32))]
    from_guesses = {vault.seal(guess, "name", ["x"]).commitment for guess in guesses}
    plain = {codec.dumps(guess) for guess in guesses}
    assert committed not in from_guesses
    assert all(leaf_hash(salt + data).hex() != committed for salt in salts for data in plain)


async def test_scrub_gives_up_while_a_reader_holds_the_log_and_says_so(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'tallystick.db'}"
    async with (
        empty_store(url) as store,
        Writer(store, (book.project,), HandClock(unix_ms_of(NOON))) as writer,
    ):
        drill = Drill(tmp_path, store, writer)
        opened = {"origin": LOG, "registry": 1, "log_key": drill.log_key, "simulated": True}
        await drill.append(Draft("log_opened", None, opened))
        with closing(sqlite3.connect(tmp_path / "tallystick.db", isolation_level=None)) as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM entry").fetchall()
            await drill.append(made_up("note_added", "case-1"))
            assert await scrub(store) is False
        assert await scrub(store) is True
        assert (tmp_path / "tallystick.db-wal").stat().st_size == 0
