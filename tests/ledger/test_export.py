"""Taking the record along: folders that audit, restart and grow; bundles; the database as a source."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Table, TextClause, delete, text, update

from ledger import codec, ed25519
from ledger.audit import audit
from ledger.blobs import FolderBlobs
from ledger.bundles import BundleIncomplete, audit_bundle
from ledger.changes import Row
from ledger.entries import Draft
from ledger.entropy import SeededEntropy
from ledger.errors import ProgrammingError
from ledger.export import DatabaseSource, Exported, ExportRefused, export_award, export_log
from ledger.findings import Exit, Result
from ledger.folders import FolderFiles, FolderMalformed, FolderSource
from ledger.guard import FileGuard
from ledger.publish import Publisher
from ledger.reader import LogReader
from ledger.store.tables import checkpoint, entry, item, item_wrap, log_head, tile
from ledger.trust import TrustPolicy
from ledger.vault import Sealed, Vault
from tests.ledger.painted_log import LOG, PaintedLog, RowShelf, made_up

pytestmark = pytest.mark.asyncio


class Desk:
    """A log with a vault and a publisher."""

    def __init__(self, log: PaintedLog) -> None:
        self.log = log
        self.reader = LogReader(log.rows, LOG)
        guard = FileGuard(log.folder / "guard")
        guard.enrol(LOG)
        self.publisher = Publisher(LOG, self.reader, RowShelf(log), guard, log.keys, lambda: 0.0)
        self.blobs = FolderBlobs(log.folder / "blobs")
        self.vault = Vault(LOG, log.keys().organisation, SeededEntropy("vault"), self.blobs)

    async def note(self, text: str, *subjects: str) -> Sealed:
        sealed = self.vault.seal(text, "note", subjects)
        await self.log.keep(sealed)
        await self.log.append([Draft("note_added", "case-1", {}, {"note": sealed.commitment})])
        return sealed

    async def grow(self, count: int) -> None:
        await self.log.append([Draft("note_added", "case-1", {}) for _ in range(count)])

    async def export(self, folder: Path, vault: Vault | None = None) -> Exported:
        return await export_log(self.reader, folder, await self.publisher.publish(), vault)

    async def audited(self, vault: Vault | None = None) -> Result:
        source = DatabaseSource(self.reader, asyncio.get_running_loop(), vault)
        return await asyncio.to_thread(audit, source, ed25519.verify, loads=codec.loads, dumps=codec.dumps)


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    log = await PaintedLog.open(tmp_path / "log", notes=300)
    yield Desk(log)
    await log.let_go()


def _audit(folder: Path, trust: TrustPolicy | None = None) -> Result:
    return audit(FolderSource(FolderFiles(folder)), ed25519.verify, trust=trust)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


# ---------------------------------------------------------------------------------------------- a whole log
async def test_a_folder_is_intact_and_trusted_by_who_knows_the_key(desk: Desk, tmp_path: Path) -> None:
    done = await desk.export(tmp_path / "out")
    assert done == Exported(301, 7, 0)
    trust = TrustPolicy(LOG, tuple((await desk.reader.keys()).listed()), minimum_size=301)
    assert _audit(tmp_path / "out", trust).exit == Exit.INTACT
    assert _audit(tmp_path / "out").exit == Exit.CONSISTENT_ONLY


async def test_export_again_writes_nothing_and_after_growth_only_what_changed(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.export(tmp_path / "out")
    assert (await desk.export(tmp_path / "out")).written_count == 0
    full = (tmp_path / "out" / "tile" / "0" / "000").stat().st_mtime_ns
    await desk.grow(3)
    done = await desk.export(tmp_path / "out")
    assert (done.size, done.written_count) == (304, 4)  # last tile and bundle, checkpoint, the older one
    assert (tmp_path / "out" / "tile" / "0" / "000").stat().st_mtime_ns == full
    assert _audit(tmp_path / "out").exit == Exit.CONSISTENT_ONLY


@pytest.mark.parametrize("nth", range(1, 8))
async def test_an_export_stopped_anywhere_is_finished_by_the_next(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    await desk.export(tmp_path / "whole")
    calls = 0
    real = os.replace

    def stops(*names: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(28, "No space left on device")
        real(*names)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stops)
        with pytest.raises(OSError, match="No space"):
            await desk.export(tmp_path / "out")
    assert not (tmp_path / "out" / "checkpoint").exists()
    (tmp_path / "out" / ".keys.1.2.3.incoming").write_bytes(b"left by a killed process")
    done = await desk.export(tmp_path / "out")
    assert done.kept_count == nth - 1
    assert _files(tmp_path / "out") == _files(tmp_path / "whole")


async def test_values_go_along_only_if_asked_for_and_leave_when_they_are_erased(
    desk: Desk, tmp_path: Path
) -> None:
    hers = await desk.note("Ana called twice", "ana")
    await desk.note("Ben paid", "ben")
    await desk.export(tmp_path / "plain")
    assert not (tmp_path / "plain" / "vault").exists()
    await desk.export(tmp_path / "out", desk.vault)
    values = [opened.value for opened in FolderSource(FolderFiles(tmp_path / "out")).opened() or ()]
    assert values == ["Ana called twice", "Ben paid"]
    assert _audit(tmp_path / "out").findings == []
    (value_file,) = [path for path in (tmp_path / "out" / "vault").rglob("*") if path.is_file()]
    assert value_file.stat().st_mode & 0o777 == 0o600
    await _erase(desk, "ana", [hers])
    await desk.export(tmp_path / "out", desk.vault)
    assert b"Ana called twice" not in b"".join(_files(tmp_path / "out").values())
    assert _audit(tmp_path / "out").findings == []
    await desk.export(tmp_path / "out")
    assert b"Ben paid" not in b"".join(_files(tmp_path / "out").values())


async def test_export_refuses_a_folder_of_another_or_a_longer_log(desk: Desk, tmp_path: Path) -> None:
    short = await desk.publisher.publish()
    await desk.grow(2)
    await desk.export(tmp_path / "out")
    with pytest.raises(ExportRefused, match="at most 301 entries"):
        await export_log(desk.reader, tmp_path / "out", short)
    (tmp_path / "out" / "checkpoint").write_bytes(short.replace(LOG.encode(), b"other.invalid"))
    with pytest.raises(ExportRefused, match=r"got one of other\.invalid"):
        await desk.export(tmp_path / "out")
    (tmp_path / "out" / "checkpoint").write_bytes(b"my shopping list")
    with pytest.raises(ExportRefused, match="expected a checkpoint"):
        await desk.export(tmp_path / "out")


async def test_export_refuses_a_checkpoint_that_this_log_did_not_sign(desk: Desk, tmp_path: Path) -> None:
    note = await desk.publisher.publish()
    with pytest.raises(ExportRefused):
        await export_log(desk.reader, tmp_path / "out", note.replace(b"\n301\n", b"\n300\n"))
    assert not (tmp_path / "out").exists()


async def test_export_fails_if_an_entry_changed_and_leaves_no_checkpoint(desk: Desk, tmp_path: Path) -> None:
    note = await desk.publisher.publish()
    async with desk.log.engine.begin() as connection:
        await connection.execute(update(entry).where(entry.c.seq == 7).values(canon=b"{}"))
    with pytest.raises(FolderMalformed, match="expected 301 entries"):
        await export_log(desk.reader, tmp_path / "out", note)
    assert not (tmp_path / "out" / "checkpoint").exists()


# ---------------------------------------------------------------------------------------------- the database
async def test_the_database_audits_as_its_folder_does(desk: Desk, tmp_path: Path) -> None:
    await desk.note("Ana called twice", "ana")
    await desk.export(tmp_path / "out")
    result, exported = await desk.audited(desk.vault), _audit(tmp_path / "out")
    assert result.findings == exported.findings == []
    assert (result.size, result.root, result.signed_size) == (
        exported.size,
        exported.root,
        exported.signed_size,
    )


def as_text(table: Table, column: str, old: str, new: str, **where: Any) -> TextClause:
    """Edit as somebody does in a SQLite shell: `replace()` leaves text where bytes were."""
    of = " AND ".join(f"{name} = {value}" for name, value in where.items()) or "1"
    return text(f"UPDATE {table.name} SET {column} = replace({column}, '{old}', '{new}') WHERE {of}")


@pytest.mark.parametrize(
    ("change", "code", "seq"),
    [
        (lambda: update(entry).where(entry.c.seq == 7).values(canon=b"{}"), "envelope", 7),
        (lambda: as_text(entry, "canon", "note_added", "note_ended", seq=7), "leaf", 7),
        (lambda: as_text(entry, "canon", '"v"', '"w"', seq=7), "envelope", 7),
        (lambda: update(entry).where(entry.c.seq == 7).values(canon=text("7")), "envelope", 7),
        (lambda: update(tile).values(hashes=text("'changed'")), "tile", None),
        (lambda: update(item).values(sealed=text("'changed'")), "vault", None),
        (lambda: update(item_wrap).values(wrapped=text("'changed'")), "vault", None),
        (lambda: update(log_head).values(frontier=text("'changed'")), "head", None),
        (lambda: delete(entry).where(entry.c.seq == 7), "seq", 7),
        (
            lambda: update(tile).where(tile.c.level == 0, tile.c.idx == 0).values(hashes=bytes(256 * 32)),
            "leaf",
            0,
        ),
        (lambda: delete(tile).where(tile.c.level == 0, tile.c.idx == 0), "tile", None),
        (lambda: update(item).values(sealed=b"changed"), "vault", None),
        (lambda: update(item_wrap).values(wrapped=b"changed"), "vault", None),
        (lambda: update(checkpoint).values(note="changed"), "checkpoint", None),
    ],
)
async def test_the_audit_of_the_database_finds(desk: Desk, change: Any, code: str, seq: int | None) -> None:
    await desk.note("Ana called twice", "ana")
    await desk.publisher.publish()
    async with desk.log.engine.begin() as connection:
        await connection.execute(change())
    result = await desk.audited(desk.vault)
    assert (code, seq) in [(finding.code, finding.seq) for finding in result.findings]


async def test_the_same_bytes_as_text_are_the_same_record(desk: Desk) -> None:
    """SQLite keeps a type per value; what is hashed are the bytes, and reading goes by them."""
    await desk.note("Ana called twice", "ana")
    columns = ["entry.canon", "tile.hashes", "item.sealed", "item_wrap.wrapped", "log_head.frontier"]
    async with desk.log.engine.begin() as connection:
        for table, column in (name.split(".") for name in columns):
            await connection.execute(text(f"UPDATE {table} SET {column} = CAST({column} AS TEXT)"))
    assert (await desk.audited(desk.vault)).findings == []
    assert (await desk.reader.case_entries("case-1", (), 301))[0].seq == 1


async def test_the_source_refuses_to_block_its_own_loop(desk: Desk) -> None:
    source = DatabaseSource(desk.reader, asyncio.get_running_loop())
    with pytest.raises(ProgrammingError, match="in a thread"):
        source.size()


async def test_an_audit_given_up_midway_leaves_no_reader_behind(desk: Desk) -> None:
    source = DatabaseSource(desk.reader, asyncio.get_running_loop())

    def first() -> bytes:
        entries = source.entries()
        data = next(entries)
        entries.close()  # type: ignore[attr-defined]
        return data

    assert await asyncio.to_thread(first) == desk.log.entries[0]


# ---------------------------------------------------------------------------------------------- one award
def _award(message: Sealed) -> list[Draft]:
    return [
        made_up("member_joined", None, member="m2"),
        made_up("verdict_given", "case-2", verdict="v1", result="pass"),
        made_up(
            "decision_made", "case-2", decision="d1", about="award", verb="approved", beneficiaries=["m2"]
        ),
        made_up(
            "award_granted",
            "case-2",
            {"message": message.commitment},
            award="w1",
            decision="d1",
            verdict="v1",
        ),
    ]


async def test_one_award_is_one_file_that_audits(desk: Desk) -> None:
    message = desk.vault.seal("Thank you, Ben", "message", ["m2"])
    await desk.log.keep(message)
    await desk.log.append(_award(message))
    note = await desk.publisher.publish()
    await desk.grow(50)
    data = await export_award(desk.reader, "case-2", "w1", note, desk.vault)
    trust = TrustPolicy(LOG, tuple((await desk.reader.keys()).listed()))
    result = audit_bundle(data, ed25519.verify, trust=trust)
    assert (result.findings, result.exit) == ([], Exit.INTACT)
    assert b"Thank you, Ben" in data
    assert b"Thank you, Ben" not in await export_award(desk.reader, "case-2", "w1", note)
    assert audit_bundle(data.replace(b"Thank you", b"Thank YOU"), ed25519.verify).exit == Exit.DAMAGED


async def test_an_award_that_is_not_in_the_case_makes_no_file(desk: Desk) -> None:
    note = await desk.publisher.publish()
    with pytest.raises(BundleIncomplete):
        await export_award(desk.reader, "case-1", "w1", note)


async def _erase(desk: Desk, subject: str, concerned: list[Sealed]) -> None:
    rows: tuple[list[Row], list[Row]] = await desk.reader.items(sealed.commitment for sealed in concerned)
    erasure = desk.vault.erase(subject, *rows)
    async with desk.log.engine.begin() as connection:
        for change in erasure.changes:
            if change.table == "item":
                await connection.execute(delete(item).where(item.c.item == change.key[0]))  # type: ignore[union-attr]
            else:
                where = (item_wrap.c.item == change.key[0]) & (item_wrap.c.subject == change.key[1])  # type: ignore[union-attr]
                await connection.execute(delete(item_wrap).where(where))
    for address in erasure.blobs:
        desk.blobs.delete(address)
