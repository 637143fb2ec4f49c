"""Derived tables rebuilt from log and vault equal what the writer made, on both databases."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest

from ledger import rebuild as rebuilding
from ledger.blobs import FolderBlobs
from ledger.changes import Change, Insert
from ledger.clock import HandClock, unix_ms_of
from ledger.commands import Command, Decided, View
from ledger.entries import Draft
from ledger.entropy import SeededEntropy
from ledger.errors import Refused
from ledger.rebuild import RebuildFailed, Rebuilt, rebuild
from ledger.steps import Clear, Work
from ledger.store import Store
from ledger.store.tables import derived_tables, shapes
from ledger.vault import Vault
from ledger.writer import Writer
from tests.ledger.writing import (
    LOG,
    NOON,
    PROJECTIONS,
    command,
    empty_store,
    fetch,
    grant,
    note,
    opening,
    tables_of,
)

OTHER = "other-1.invalid"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(LOG, b"k" * 32, SeededEntropy("rebuild"), FolderBlobs(tmp_path / "blobs"))


def secret_note(vault: Vault, key: str, text: str) -> Command:
    return command(key, _secret_note, (vault.seal(text, "note", ["person"]), text))


def _secret_note(view: View, command: Command, at: str) -> Decided:
    sealed, text = command.data
    draft = Draft("note_added", "case-s", {}, {"note": sealed.commitment}, {"note": text})
    return Decided((draft,), tuple(sealed.changes))


def clear(view: View, command: Command, at: str) -> Decided:
    return Decided((Draft("case_cleared", "case-1", {"records": [{"seq": command.data}]}),))


def close(view: View, command: Command, at: str) -> Decided:
    return Decided((Draft("case_closed", command.data, {"reason_code": "done"}),))


async def filled(store: Store, vault: Vault) -> None:
    """A log with notes, grants, cleared jobs, closed cases and private texts, in batches of random size."""
    draw = random.Random(7)
    async with Writer(store, PROJECTIONS, HandClock(unix_ms_of(NOON))) as writer:
        await asyncio.gather(
            *(writer.submit(one) for one in (opening(), opening(OTHER), note("o", log=OTHER)))
        )
        seq = 2
        for _ in range(20):
            batch = []
            for turn in range(draw.randint(1, 8)):
                key = f"{seq}-{turn}"
                choices = [
                    note(key, f"case-{draw.randint(1, 4)}"),
                    grant(key, draw.randint(1, 4), f"m{draw.randint(1, 3)}"),
                    secret_note(vault, key, f"text of {key}"),
                    command(key, clear, draw.randint(2, seq)),
                    command(key, close, f"case-{draw.randint(1, 4)}"),
                ]
                batch.append(writer.submit(draw.choice(choices)))
            await asyncio.gather(*batch)
            seq += len(batch)


def work(vault: Vault) -> Work:
    return rebuild(LOG, PROJECTIONS, shapes(), derived_tables(), vault.open_many)


async def rebuilt(store: Store, vault: Vault) -> Rebuilt:
    async with Writer(store, PROJECTIONS, HandClock(unix_ms_of(NOON))) as writer:
        result: Rebuilt = await writer.maintain(work(vault))
        return result


@pytest.mark.parametrize("chunk", [500, 7])
async def test_rebuild_gives_the_same_rows(
    store_url: str, vault: Vault, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "CHUNK_ENTRIES", chunk)
    async with empty_store(store_url) as store:
        await filled(store, vault)
        before, others = await tables_of(store), await tables_of(store, OTHER)
        for table in ("account", "posting", "job", "setting", "item", "item_wrap", "command"):
            assert before[table], f"{table}: the test must fill it"
        async with Writer(store, PROJECTIONS, HandClock(unix_ms_of(NOON))) as writer:
            await writer.maintain(_empty())
        result = await rebuilt(store, vault)
        assert await tables_of(store) == before
        assert await tables_of(store, OTHER) == others
        assert result.entries == len(before["entry"])
        again = await rebuilt(store, vault)
        assert again.before == again.after


def _empty() -> Work:
    """Lose the derived tables, jobs and all."""
    return (yield Clear(LOG, tuple(reversed(derived_tables()))))


async def test_an_erased_value_still_gives_a_row(store_url: str, vault: Vault) -> None:
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, HandClock(unix_ms_of(NOON))) as writer:
            await writer.submit(opening())
            await writer.submit(secret_note(vault, "k", "Ada Lovelace"))
            assert await fetch(store, "SELECT value FROM setting") == [("Ada Lovelace",)]
            rows = await tables_of(store)
            names = ("item", "sealed", "blob")
            items = [dict(zip(names, row[1:], strict=True)) for row in rows["item"]]
            wraps = [
                dict(zip(("item", "subject", "wrapped"), row[1:], strict=True)) for row in rows["item_wrap"]
            ]
            gone: tuple[Change, ...] = vault.erase("person", items, wraps).changes
            await writer.submit(command("erase", lambda view, command, at: Decided((), gone)))
            await writer.maintain(work(vault))
        assert await fetch(store, "SELECT value FROM setting") == [("None",)]


async def test_rebuild_keeps_a_job_that_no_entry_caused(store_url: str, vault: Vault) -> None:
    job = {
        "job": "said:x", "kind": "said", "due": NOON, "payload": "{}", "cause_seq": -1, "attempt": 0,
        "lease_until": None, "leased_by": None, "dead": 0, "error": None,
    }  # fmt: skip
    async with empty_store(store_url) as store:
        async with Writer(store, PROJECTIONS, HandClock(unix_ms_of(NOON))) as writer:
            await writer.submit(opening())
            await writer.submit(command("said", lambda view, asked, at: Decided((), (Insert("job", job),))))
            await writer.maintain(work(vault))
        assert await fetch(store, "SELECT job, cause_seq FROM job") == [("said:x", -1)]


async def test_rebuild_refuses_what_it_cannot_make_again(store_url: str, vault: Vault) -> None:
    async with empty_store(store_url) as store:
        await filled(store, vault)
        before = await tables_of(store)
        async with Writer(store, PROJECTIONS, HandClock(unix_ms_of(NOON))) as writer:
            with pytest.raises(RebuildFailed, match=r"table (account|posting|setting): expected rows again"):
                await writer.maintain(rebuild(LOG, (), shapes(), derived_tables(), vault.open_many))
            with pytest.raises(Refused, match="unknown_log"):
                await writer.maintain(
                    rebuild("none.invalid", PROJECTIONS, shapes(), derived_tables(), vault.open_many)
                )
        assert await tables_of(store) == before, "a failed rebuild leaves the old rows"


EDITS = [
    (
        "UPDATE entry SET canon = replace(canon, 'case-', 'CASE-') WHERE seq = 5",
        "entry 6: expected it to follow",
    ),
    ("UPDATE entry SET canon = replace(canon, '\"v\":1', '\"v\":2') WHERE seq = 5", "entry 5: "),
    ("UPDATE entry SET canon = x'7b' WHERE seq = 5", "entry 5: "),
    ("DELETE FROM entry WHERE seq = 5", "entry 5: expected the entry with this number, got 6"),
    ("UPDATE log_head SET last_leaf = zeroblob(32)", "expected hash 0000"),
]


@pytest.mark.parametrize(("edit", "words"), EDITS)
async def test_rebuild_makes_no_row_from_an_entry_that_was_changed(
    tmp_path: Path, vault: Vault, edit: str, words: str
) -> None:
    """`replace()` also leaves text where bytes were."""
    path = tmp_path / "edited.db"
    async with empty_store(f"sqlite+aiosqlite:///{path}") as store:
        await filled(store, vault)
        before = await tables_of(store)
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(edit)
        async with Writer(store, PROJECTIONS, HandClock(unix_ms_of(NOON))) as writer:
            with pytest.raises(RebuildFailed, match=words):
                await writer.maintain(work(vault))
        after = await tables_of(store)
        assert {name: after[name] for name in derived_tables()} == {
            name: before[name] for name in derived_tables()
        }
