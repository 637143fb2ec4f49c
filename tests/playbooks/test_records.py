"""Records in the database: the engine on prefetched rows says what the engine in memory says, on both databases."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from api.scope import Scoped
from ledger.blobs import FolderBlobs
from ledger.clock import HandClock
from ledger.commands import Command
from ledger.entries import Draft
from ledger.entropy import SeededEntropy
from ledger.errors import Refused
from ledger.merkle import check_inclusion, leaf_hash, root_of
from ledger.reader import LogReader
from ledger.vault import Vault
from ledger.writer import Writer
from playbooks.backtest import Clockwork
from playbooks.calendars import HOUR_MS, instant_ms
from playbooks.engine import Engine
from playbooks.imports import (
    CHUNK_CHANGES_MAX,
    INSTANT_CHANGES_MAX,
    chunks_of,
    finish,
    import_id,
    import_items,
    membership,
    open_import,
)
from playbooks.records import (
    Chunk,
    ImportOf,
    backfill,
    bucketing,
    prepare,
    prepare_due,
    read_record,
    subject_id,
    timer_of,
    write_chunk,
)
from playbooks.shapes import ACTIVE
from playbooks.tables import import_file, record, record_index, record_version, timer
from playbooks.world import Cleared, RecordChange, Said, Signal
from tests.ledger.writing import LOG, OWNER, empty_store, opening
from tests.playbooks.test_engine import history
from tests.playbooks.venue import crew, engine, job

NOW = instant_ms("2026-12-01T00:00:00.000Z")


@dataclass
class Shop:
    """One organisation with its writer, rows and vault."""

    writer: Writer
    rows: Scoped
    vault: Vault
    engine: Engine
    count: int = 0

    async def write(self, chunk: Chunk) -> None:
        """Hand a chunk to the writer."""
        self.count += 1
        digest = hashlib.sha256(str(self.count).encode()).hexdigest()
        await self.writer.submit(
            Command(LOG, OWNER, f"chunk {self.count}", digest, chunk.needs, write_chunk, chunk)
        )

    async def take(
        self, changes: list[RecordChange], now_ms: int, name: str = "file", first_leaf: int = 0
    ) -> Chunk:
        """Prepare and write changes."""
        of = await open_import(self.rows, "shop", name, now_ms, "clerk")
        of = replace(of, first_leaf=first_leaf)
        chunk = await prepare(self.rows, self.engine, self.vault, changes, of, now_ms)
        await self.write(chunk)
        return chunk


@asynccontextmanager
async def _shop(url: str, folder: Path, *names: str) -> AsyncIterator[Shop]:
    async with empty_store(url) as store, Writer(store, (), HandClock(NOW)) as writer:
        await writer.submit(opening())
        vault = Vault(LOG, b"k" * 32, SeededEntropy("records"), FolderBlobs(folder / "blobs"))
        rows = Scoped(store.reader, LOG, vault, LogReader(store.reader, LOG))
        base = engine(*names)
        keyed = Engine(base.messages, list(base.watches.values()), bucketing(vault))
        yield Shop(writer, rows, vault, keyed)


@pytest.mark.parametrize("seed", [3, 11, 27])
async def test_the_database_says_what_memory_says(store_url: str, tmp_path: Path, seed: int) -> None:
    changes = history(seed, 60)
    memory = Clockwork(engine())
    memory.play(changes)
    said: list[Said] = []
    async with _shop(store_url, tmp_path) as shop:
        for start in range(0, len(changes), 13):
            part = changes[start : start + 13]
            now = part[-1].known_ms
            said += (await shop.take(part, now, "file", start)).said
            due = await prepare_due(shop.rows, shop.engine, now + 1)
            if due is not None:
                await shop.write(due)
                said += due.said
        stored = {(row["playbook"], row["subject"]): timer_of(row) for row in await shop.rows.find(timer)}
        latest = {(row["kind"], row["record"]): row["ord"] for row in await shop.rows.find(record)}
        again = await backfill(shop.rows, shop.engine, changes[-1].known_ms)
    raised = {(one.playbook, one.subject) for one in said if isinstance(one, Signal)}
    assert raised == {(one.playbook, one.subject) for one in memory.said if isinstance(one, Signal)}
    assert {key for key, row in stored.items() if row.state == ACTIVE} == {
        key for key, row in memory.world.timers.items() if row.state == ACTIVE
    }
    assert latest.keys() == memory.world.records.keys()
    assert not [change for change in again.rows if change.table == "record_index"]
    assert not again.said


async def test_a_signal_cites_sealed_versions_that_stand_under_the_import_root(
    store_url: str, tmp_path: Path
) -> None:
    async with _shop(store_url, tmp_path, "staffed") as shop:
        changes = [
            crew("c", "2026-03-01T09:00:00.000Z", state="off"),
            replace(job("j", "2026-03-02T09:00:00.000Z"), subject="guest-7"),
        ]
        chunk = await shop.take(changes, NOW)
        (said,) = chunk.said
        assert isinstance(said, Signal) and said.detected_ms == NOW
        item = said.records[0].item
        assert item is not None
        of = ImportOf("shop", import_id("shop", "file"), NOW, "clerk")
        done = await finish(shop.rows, shop.vault, of, "digest of the file", 0, {})
        await shop.write(done)
        (draft,) = done.drafts
        assert (draft.kind, draft.body["count"], draft.body["refused"]) == ("records_imported", 2, 0)
        found = await membership(shop.rows, item)
        assert found is not None
        root, index, size, proof = found
        assert root == draft.body["root"]
        leaf = leaf_hash(bytes.fromhex(item))
        check_inclusion(index, size, leaf, bytes.fromhex(root), [bytes.fromhex(node) for node in proof])
        view = await read_record(shop.rows, "job", "j")
        assert view is not None and view.fields is not None
        assert (view.item, view.source, view.version, view.fields["status"]) == (
            item,
            "shop",
            "2026-03-02T09:00:00.000Z/0",
            "open",
        )
        assert view.customer == subject_id(shop.vault, "shop", "guest-7")


async def _finish(shop: Shop, name: str, now_ms: int) -> list[Draft]:
    of = await open_import(shop.rows, "shop", name, now_ms, "clerk")
    done = await finish(shop.rows, shop.vault, of, name, 0, {})
    if done.drafts:
        await shop.write(done)
    return list(done.drafts)


async def _stands_under_its_root(shop: Shop, kind: str, name: str) -> str:
    view = await read_record(shop.rows, kind, name)
    assert view is not None
    found = await membership(shop.rows, view.item)
    assert found is not None
    root, index, size, proof = found
    leaf = leaf_hash(bytes.fromhex(view.item))
    check_inclusion(index, size, leaf, bytes.fromhex(root), [bytes.fromhex(node) for node in proof])
    return root


async def test_what_a_file_brings_later_is_an_import_of_its_own(store_url: str, tmp_path: Path) -> None:
    """A row ahead of our clock is refused; when its time has come the same file brings it, under another root."""
    late = "2026-12-01T00:05:30.000Z"
    changes = [job("a", "2026-03-02T09:00:00.000Z"), job("b", "2026-03-03T09:00:00.000Z"), job("c", late)]
    async with _shop(store_url, tmp_path, "staffed") as shop:
        first = await shop.take(changes, NOW)
        assert (first.imported, len(first.refused)) == (2, 1)
        (draft,) = await _finish(shop, "file", NOW)
        assert await _finish(shop, "file", NOW) == []  # nothing new: the file was recorded already
        root = await _stands_under_its_root(shop, "job", "a")
        assert (draft.body["count"], draft.body["root"]) == (2, root)

        again = await shop.take(changes, NOW + 45_000)
        assert (again.imported, again.repeated, again.refused) == (1, 2, ())
        assert await membership(shop.rows, (await shop.rows.find(record, {"record": "c"}))[0]["item"]) is None
        (draft,) = await _finish(shop, "file", NOW + 45_000)
        assert (draft.body["count"], draft.body["root"]) == (
            1,
            await _stands_under_its_root(shop, "job", "c"),
        )
        assert {await _stands_under_its_root(shop, "job", name) for name in "ab"} == {root}
        assert await _finish(shop, "file", NOW + 90_000) == []
        files = {row["import"]: row for row in await shop.rows.find(import_file)}
        assert files.keys() == {import_id("shop", "file"), import_id("shop", "file", 1)}
        for name, row in files.items():
            items = await import_items(shop.rows, name)
            assert root_of(leaf_hash(bytes.fromhex(one)) for one in items).hex() == row["root"]


async def test_a_finished_import_takes_no_more_versions(store_url: str, tmp_path: Path) -> None:
    async with _shop(store_url, tmp_path, "staffed") as shop:
        of = await open_import(shop.rows, "shop", "file", NOW, "clerk")
        change = [job("a", "2026-03-02T09:00:00.000Z")]
        chunk = await prepare(shop.rows, shop.engine, shop.vault, change, of, NOW)
        await _finish(shop, "file", NOW)
        with pytest.raises(Refused) as caught:
            await shop.write(chunk)
        assert caught.value.code == "stale"


async def test_a_source_whose_clock_runs_ahead_is_noticed_now(store_url: str, tmp_path: Path) -> None:
    ahead = "2026-12-01T00:01:15.000Z"
    async with _shop(store_url, tmp_path, "ranked") as shop:
        chunk = await shop.take([job("j", ahead, rank=9)], NOW)
        (signal,) = chunk.said
        assert isinstance(signal, Signal)
        assert (signal.onset_ms, signal.detected_ms) == (NOW, NOW)
        (cleared,) = (await shop.take([job("j", ahead, order=1, rank=1)], NOW + 1_000)).said
        assert isinstance(cleared, Cleared) and cleared.at_ms == NOW + 1_000
        base = engine("ranked", "staffed")
        late = Engine(base.messages, list(base.watches.values()), bucketing(shop.vault))
        (signal,) = (await backfill(shop.rows, late, NOW + 2_000)).said
        assert isinstance(signal, Signal)
        assert (signal.playbook, signal.onset_ms, signal.detected_ms) == ("staffed", NOW + 2_000, NOW + 2_000)


# ---------------------------------------------------------------------------------------------- parts of an import
@pytest.mark.parametrize(
    ("instants", "parts"),
    [
        ([], []),
        ([1] * 3, [3]),
        (list(range(1_200)), [500, 500, 200]),
        ([*range(499), 1_000, 1_000, 1_001], [501, 1]),
        ([0] * 2_000, [2_000]),
        ([*range(499), *[1_000] * 2_001, 1_001], [2_500, 1]),
        ([0] * 2_501, [2_500, 1]),  # beyond the bound an instant is cut
        ([*range(500), *[1_000] * 2_000], [500, 2_000]),
    ],
)
def test_a_part_ends_with_an_instant(instants: list[int], parts: list[int]) -> None:
    changes = [RecordChange("job", str(place), ms, ms, place, {}) for place, ms in enumerate(instants)]
    assert [len(part) for part in chunks_of(changes)] == parts
    assert [change for part in chunks_of(changes) for change in part] == changes


async def test_versions_of_one_instant_are_judged_together_wherever_they_stand(
    store_url: str, tmp_path: Path
) -> None:
    """499 rows, then two of one instant, of which the second takes back what the first would raise."""
    at = "2026-03-02T09:00:00.000Z"
    fillers = [job(f"f{n:03d}", "2026-03-01T09:00:00.000Z", rank=1) for n in range(499)]
    changes = [*fillers, job("z", at, order=0, rank=9), job("z", at, order=1, rank=1)]
    memory = Clockwork(engine("ranked"))
    memory.play(changes)
    async with _shop(store_url, tmp_path, "ranked") as shop:
        said = [one for part in chunks_of(changes) for one in (await shop.take(part, NOW)).said]
    assert said == memory.said == []


async def test_the_largest_part_fits_one_command(store_url: str, tmp_path: Path) -> None:
    at = "2026-03-02T09:00:00.000Z"
    changes = [job(f"j{n:04d}", at, rank=n % 10) for n in range(CHUNK_CHANGES_MAX + INSTANT_CHANGES_MAX)]
    async with _shop(store_url, tmp_path, "ranked") as shop:
        (part,) = chunks_of(changes)
        assert len((await shop.take(part, NOW)).said) == len(changes) / 2
        assert len(await shop.rows.find(record_version)) == len(changes)


async def test_a_version_has_its_place_within_its_instant(store_url: str, tmp_path: Path) -> None:
    """A file's order may be any number, the rows of a log for instance; evidence needs a small one."""
    at = "2026-03-02T09:00:00.000Z"
    async with _shop(store_url, tmp_path, "ranked") as shop:
        for place, order in enumerate((-7, 0, 1_000, 140_000)):
            await shop.take([job("j", at, order=order)], NOW)
            view = await read_record(shop.rows, "job", "j")
            assert view is not None and (view.version, view.place) == (f"{at}/{order}", place)


async def test_the_same_changes_twice_write_nothing(store_url: str, tmp_path: Path) -> None:
    async with _shop(store_url, tmp_path, "staffed", "answered") as shop:
        changes = [job("j", "2026-03-02T09:00:00.000Z"), crew("c", "2026-03-02T10:00:00.000Z")]
        assert (await shop.take(changes, NOW)).imported == 2
        again = await shop.take(changes, NOW, "other file")
        assert (again.imported, again.repeated, again.rows, again.said) == (0, 2, (), ())
        other = await shop.take([job("j", "2026-03-02T09:00:00.000Z", status="done")], NOW)
        assert other.refused == ((0, "job j: another content for the version of this instant"),)
        early = await shop.take([job("j", "2026-12-02T09:00:00.000Z")], NOW)
        assert "expected a record known by 2026-12-01" in early.refused[0][1]


async def test_a_chunk_prepared_on_old_rows_is_refused_as_stale(store_url: str, tmp_path: Path) -> None:
    async with _shop(store_url, tmp_path, "staffed") as shop:
        of = ImportOf("shop", import_id("shop", "a"), NOW, "clerk")
        first = await prepare(
            shop.rows, shop.engine, shop.vault, [job("j", "2026-03-02T09:00:00.000Z")], of, NOW
        )
        second = await prepare(
            shop.rows, shop.engine, shop.vault, [crew("c", "2026-03-02T09:00:00.000Z")], of, NOW
        )
        await shop.write(first)
        with pytest.raises(Refused, match="expected the rows the engine saw") as caught:
            await shop.write(second)
        assert caught.value.code == "stale"
        assert not await shop.rows.find(record_version, {"kind": "crew"})
        cleared = await shop.take([crew("c", "2026-03-02T09:00:00.000Z")], NOW)
        assert [type(said).__name__ for said in cleared.said] == ["Cleared"]


async def test_due_timers_fire_once(store_url: str, tmp_path: Path) -> None:
    async with _shop(store_url, tmp_path, "answered") as shop:
        start = instant_ms("2026-03-02T09:00:00.000Z")
        await shop.take([job("j", "2026-03-02T09:00:00.000Z")], start)
        assert await prepare_due(shop.rows, shop.engine, start + 48 * HOUR_MS) is None
        due = await prepare_due(shop.rows, shop.engine, start + 48 * HOUR_MS + 1)
        assert due is not None
        await shop.write(due)
        assert [type(said).__name__ for said in due.said] == ["Signal"]
        assert await prepare_due(shop.rows, shop.engine, start + 60 * HOUR_MS) is None


async def test_rows_name_no_value_and_no_join_key(store_url: str, tmp_path: Path) -> None:
    async with _shop(store_url, tmp_path, "staffed") as shop:
        await shop.take([crew("c", "2026-03-02T09:00:00.000Z", site="Secret Street 5")], NOW)
        found = (
            await shop.rows.find(record_index)
            + await shop.rows.find(record_version)
            + await shop.rows.find(record)
        )
        assert "Secret" not in str(found)
        assert len(found) == 3


async def test_a_playbook_published_after_its_records_catches_up(store_url: str, tmp_path: Path) -> None:
    async with _shop(store_url, tmp_path, "ranked") as shop:
        await shop.take(
            [job("j", "2026-03-02T09:00:00.000Z"), job("k", "2026-03-02T09:00:00.000Z", rank=9)], NOW
        )
        base = engine("ranked", "answered", "staffed")
        late = Engine(base.messages, list(base.watches.values()), bucketing(shop.vault))
        chunk = await backfill(shop.rows, late, NOW)
        await shop.write(chunk)
        assert sorted((said.playbook, said.subject) for said in chunk.said if isinstance(said, Signal)) == [
            ("answered", "j"), ("answered", "k"), ("staffed", "j"), ("staffed", "k"),
        ]  # fmt: skip
        assert not (await backfill(shop.rows, late, NOW)).rows


async def test_a_mail_address_names_one_person_whatever_the_source(store_url: str, tmp_path: Path) -> None:
    async with _shop(store_url, tmp_path) as shop:
        vault = shop.vault
        both = [(source, name) for source in ("shop", "crm") for name in ("Jo@q.example", "jo@q.example")]
        assert len({subject_id(vault, *one) for one in both}) == 1
        for odd in ("guest-7", "@q.example", "jo@", "jo @q.example", "a@b@c"):
            assert subject_id(vault, "shop", odd) != subject_id(vault, "crm", odd), odd
