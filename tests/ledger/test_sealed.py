"""What a page may vouch for: all that a checkpoint covers is as sealed, or the first entry that is not is named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from ledger.checkpoints import Checkpoint, sign_checkpoint
from ledger.entropy import SeededEntropy
from ledger.guard import FileGuard
from ledger.keys import KeyFolder
from ledger.publish import Publisher
from ledger.reader import LogReader
from ledger.sealed import SealBroken, read_sealed
from tests.ledger.painted_log import LOG, PaintedLog, RowShelf

SIZE = 301


@pytest_asyncio.fixture
async def log(tmp_path: Path) -> AsyncIterator[PaintedLog]:
    painted = await PaintedLog.open(tmp_path / "log", notes=SIZE - 1)
    yield painted
    await painted.let_go()


async def sealed_note(log: PaintedLog, reader: LogReader) -> bytes:
    guard = FileGuard(log.folder / "guard")
    guard.enrol(LOG)
    return await Publisher(LOG, reader, RowShelf(log), guard, log.keys, lambda: 0.0).publish()


async def test_all_wanted_entries_come_back_once_the_seal_holds(log: PaintedLog) -> None:
    reader = LogReader(log.rows, LOG)
    note = await sealed_note(log, reader)
    found = await read_sealed(reader, note, lambda entry: entry.seq % 100 == 0)
    assert [entry.seq for entry in found] == [0, 100, 200, 300]


EDIT = "UPDATE entry SET canon = CAST(replace(canon, 'note_added', 'note_ended') AS BLOB) WHERE seq = {}"
DAMAGE: list[tuple[tuple[str, ...], int | None]] = [
    # edits in SQL, the first entry that is not as sealed
    ((EDIT.format(7),), 7),
    ((EDIT.format(300), EDIT.format(258)), 258),
    ((EDIT.format(0).replace("note_added", "log_opened"),), 0),
    (("UPDATE entry SET canon = replace(canon, 'note_added', 'note_ended') WHERE seq = 7",), 7),
    (("UPDATE entry SET canon = x'7b' WHERE seq = 7",), 7),
    (("DELETE FROM entry WHERE seq = 7",), 7),
    (("DELETE FROM entry WHERE seq = 300",), 300),
    (("DELETE FROM entry WHERE seq >= 256",), 256),
    # tiles that were changed too cannot tell which entry was
    ((EDIT.format(7), "UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE level = 0 AND idx = 1"), None),
    ((EDIT.format(7), "DELETE FROM tile WHERE level = 0"), None),
]


@pytest.mark.parametrize(("edits", "seq"), DAMAGE, ids=range(len(DAMAGE)))
async def test_the_first_entry_that_is_not_as_sealed_is_named(
    log: PaintedLog, edits: tuple[str, ...], seq: int | None
) -> None:
    reader = LogReader(log.rows, LOG)
    note = await sealed_note(log, reader)
    async with log.engine.begin() as connection:
        for edit in edits:
            await connection.execute(text(edit))
    with pytest.raises(SealBroken) as broken:
        await read_sealed(LogReader(log.rows, LOG), note, lambda entry: True)
    assert broken.value.seq == seq
    assert [entry.seq for entry in broken.value.before] == list(range(seq or 0))


async def test_damaged_tiles_alone_are_no_changed_entry(log: PaintedLog) -> None:
    """An audit reports them; what is shown is what was sealed."""
    reader = LogReader(log.rows, LOG)
    note = await sealed_note(log, reader)
    async with log.engine.begin() as connection:
        await connection.execute(text("UPDATE tile SET hashes = zeroblob(length(hashes))"))
    assert len(await read_sealed(reader, note, lambda entry: True)) == SIZE


async def test_a_seal_by_another_key_is_none(log: PaintedLog, tmp_path: Path) -> None:
    """The same log, signed by somebody else."""
    reader = LogReader(log.rows, LOG)
    head = await reader.head()
    other = KeyFolder(tmp_path / "other", LOG).create(SeededEntropy("another")).log_signers[0]
    note = sign_checkpoint(Checkpoint(LOG, head.size, head.root), [(other.key, other.sign)])
    with pytest.raises(SealBroken) as broken:
        await read_sealed(reader, note, lambda entry: True)
    assert broken.value.seq is None
