"""Publishing checkpoints: one per size, never too often, through any crash, and nothing for a restored log."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from ledger import ed25519
from ledger.checkpoints import open_checkpoint
from ledger.entries import Draft
from ledger.entropy import SeededEntropy
from ledger.guard import FileGuard, GuardMoved, GuardRefused, GuardUnknownLog, Signed
from ledger.keys import KeyMissing, rotation_draft
from ledger.merkle import leaf_hash, root_of
from ledger.publish import CheckpointContradicted, NothingToSign, Publisher
from ledger.reader import LogReader
from tests.ledger.painted_log import LOG, PaintedLog, RowShelf

pytestmark = pytest.mark.asyncio


class Bench:
    """A log, its guard, and publishers made like processes."""

    def __init__(self, log: PaintedLog, guard: FileGuard) -> None:
        self.log, self.guard = log, guard
        self.seconds = 1000.0
        self.reader = LogReader(log.rows, LOG)

    def publisher(self, **other: Any) -> Publisher:
        parts = {
            "reader": LogReader(self.log.rows, LOG),
            "shelf": RowShelf(self.log),
            "guard": FileGuard(self.log.folder / "guard"),
            "keys": self.log.keys,
            "seconds": lambda: self.seconds,
        }
        return Publisher(LOG, **{**parts, **other})

    async def grow(self, count: int = 1) -> None:
        await self.log.append([Draft("note_added", "case-1", {}) for _ in range(count)])

    async def published(self) -> list[int]:
        return [size async for size, _ in self.reader.checkpoints()]


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    log = await PaintedLog.open(tmp_path, notes=2)
    guard = FileGuard(tmp_path / "guard")
    guard.enrol(LOG)
    yield Bench(log, guard)
    await log.let_go()


async def test_publish_signs_the_log_as_it_is(bench: Bench) -> None:
    note = await bench.publisher().publish()
    opened = open_checkpoint(note, LOG, await bench.reader.keys(), ed25519.verify)
    assert opened.checkpoint.size == 3
    assert opened.checkpoint.root == root_of([leaf_hash(data) for data in bench.log.entries])
    assert await bench.reader.latest_checkpoint() == (3, note)
    assert bench.guard.last(LOG).size == 3


async def test_every_later_size_is_proven_to_continue_the_last(bench: Bench) -> None:
    for count in (1, 1, 2, 60, 200, 300):
        await bench.grow(count)
        await bench.publisher().publish()
    assert await bench.published() == [4, 5, 7, 67, 267, 567]


async def test_publish_again_at_one_size_gives_the_same_note(bench: Bench) -> None:
    first = await bench.publisher().publish()
    assert await bench.publisher().publish() == first
    assert await bench.published() == [3]


async def test_due_publishes_at_most_every_ten_seconds_and_only_growth(bench: Bench) -> None:
    publisher = bench.publisher()
    assert await publisher.publish_due() is not None
    bench.seconds += 60
    assert await publisher.publish_due() is None  # nothing grew
    await bench.grow()
    assert await publisher.publish_due() is not None  # the interval had long passed
    await bench.grow()
    bench.seconds += 9.9
    assert await publisher.publish_due() is None
    await bench.grow()
    bench.seconds += 0.1
    assert await publisher.publish_due() is not None
    assert await bench.published() == [3, 4, 6]


async def test_on_request_publishes_at_once_and_starts_the_interval_anew(bench: Bench) -> None:
    publisher = bench.publisher()
    await publisher.publish_due()
    await bench.grow()
    bench.seconds += 1
    await publisher.publish()
    await bench.grow()
    bench.seconds += 9.5
    assert await publisher.publish_due() is None
    assert await bench.published() == [3, 4]


async def test_a_clock_set_back_does_not_silence_publishing(bench: Bench) -> None:
    publisher = bench.publisher()
    await publisher.publish_due()
    await bench.grow()
    bench.seconds -= 3600
    assert await publisher.publish_due() is not None


async def test_an_empty_log_has_nothing_to_sign(bench: Bench, tmp_path: Path) -> None:
    class Empty(LogReader):
        pass

    bench.guard.enrol("empty.invalid")
    publisher = Publisher(
        "empty.invalid",
        Empty(bench.log.rows, "empty.invalid"),
        RowShelf(bench.log),
        bench.guard,
        bench.log.keys,
        lambda: 0,
    )
    assert await publisher.publish_due() is None
    with pytest.raises(NothingToSign):
        await publisher.publish()


# ---------------------------------------------------------------------------------------------- crashes
class Crash(BaseException):
    """The process ends here."""


class CrashingGuard(FileGuard):
    """Ends the process before or after the guard let a tree through."""

    after = False

    def advance(self, *arguments: Any) -> Signed:
        if self.after:
            super().advance(*arguments)
        raise Crash


class CrashingShelf(RowShelf):
    """Ends the process before or after the row is stored."""

    after = False

    async def put(self, size: int, note: bytes) -> None:
        if self.after:
            await super().put(size, note)
        raise Crash


def _crash_at_signing() -> Any:
    raise Crash


@pytest.mark.parametrize("growth", [0, 1, 300])
@pytest.mark.parametrize("step", ["keys", "before guard", "after guard", "before store", "after store"])
async def test_after_a_crash_at_any_step_the_same_path_goes_on(bench: Bench, step: str, growth: int) -> None:
    await bench.publisher().publish()
    await bench.grow(3)
    guard, shelf = CrashingGuard(bench.log.folder / "guard"), CrashingShelf(bench.log)
    guard.after, shelf.after = step == "after guard", step == "after store"
    broken: dict[str, dict[str, Any]] = {
        "keys": {"keys": _crash_at_signing},
        "before guard": {"guard": guard},
        "after guard": {"guard": guard},
        "before store": {"shelf": shelf},
        "after store": {"shelf": shelf},
    }
    with pytest.raises(Crash):
        await bench.publisher(**broken[step]).publish()
    await bench.grow(growth)
    note = await bench.publisher().publish()
    size = 6 + growth
    assert open_checkpoint(note, LOG, await bench.reader.keys(), ed25519.verify).checkpoint.size == size
    expected = {3, size} | ({6} if step == "after store" else set())
    assert await bench.published() == sorted(expected)
    assert bench.guard.last(LOG).size == size


# ---------------------------------------------------------------------------------------------- second histories
async def test_a_restored_older_log_is_not_signed(bench: Bench, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "log.db", tmp_path / "backup.db")
    await bench.grow(4)
    await bench.publisher().publish()
    await bench.log.let_go()
    shutil.copy(tmp_path / "backup.db", tmp_path / "log.db")
    bench.reader = LogReader(bench.log.rows, LOG)
    for publish in (bench.publisher().publish, bench.publisher().publish_due):
        with pytest.raises(GuardRefused, match="older than what was signed") as refused:
            await publish()
        assert (refused.value.expected_size, refused.value.got_size) == (7, 3)
    assert await bench.published() == []


async def test_a_restored_log_is_not_signed_even_where_its_backup_holds_that_checkpoint(
    bench: Bench, tmp_path: Path
) -> None:
    await bench.publisher().publish()
    await bench.log.let_go()
    shutil.copy(tmp_path / "log.db", tmp_path / "backup.db")
    await bench.grow(4)
    await bench.publisher().publish()
    await bench.log.let_go()
    shutil.copy(tmp_path / "backup.db", tmp_path / "log.db")
    bench.reader = LogReader(bench.log.rows, LOG)
    with pytest.raises(GuardRefused, match="expected a tree that continues size 7, got size 3"):
        await bench.publisher().publish()


@pytest.mark.parametrize("growth", [4, 5, 400])
async def test_a_restored_log_that_went_another_way_is_not_signed(
    bench: Bench, tmp_path: Path, growth: int
) -> None:
    await bench.log.let_go()
    shutil.copy(tmp_path / "log.db", tmp_path / "backup.db")
    before = list(bench.log.entries)
    await bench.grow(4)
    await bench.publisher().publish()
    await bench.log.let_go()
    shutil.copy(tmp_path / "backup.db", tmp_path / "log.db")
    bench.reader = LogReader(bench.log.rows, LOG)
    bench.log.entries[:] = before
    await bench.log.append([Draft("note_added", "another case", {}) for _ in range(growth)])
    with pytest.raises(GuardRefused, match="another root was signed" if growth == 4 else "rewritten"):
        await bench.publisher().publish()
    assert await bench.published() == []


async def test_a_lost_guard_is_not_taken_for_a_new_log(bench: Bench, tmp_path: Path) -> None:
    await bench.publisher().publish()
    await bench.grow()
    shutil.rmtree(tmp_path / "guard")
    with pytest.raises(GuardUnknownLog):
        await bench.publisher().publish()


async def test_a_published_checkpoint_that_the_log_contradicts_is_damage(bench: Bench) -> None:
    note = await bench.publisher().publish()
    await bench.grow()
    await RowShelf(bench.log).put(4, note.replace(b"\n3\n", b"\n4\n"))
    with pytest.raises(CheckpointContradicted, match="checkpoint 4"):
        await bench.publisher().publish()


# ---------------------------------------------------------------------------------------------- others at the same time
async def test_two_publishers_at_once_publish_each_size_once(bench: Bench) -> None:
    publishers = [bench.publisher() for _ in range(4)]
    for _ in range(5):
        await bench.grow()
        notes = await asyncio.gather(*(publisher.publish() for publisher in publishers))
        assert len(set(notes)) == 1
    assert await bench.published() == [4, 5, 6, 7, 8]


async def test_a_guard_that_moved_is_looked_at_again(bench: Bench) -> None:
    class Raced(FileGuard):
        left = 2

        def advance(self, log: str, *arguments: Any) -> Signed:
            if self.left:
                self.left -= 1
                raise GuardMoved(log, "another process was faster", 0, 0)
            return super().advance(log, *arguments)

    await bench.publisher(guard=Raced(bench.log.folder / "guard")).publish()
    hopeless = Raced(bench.log.folder / "guard")
    hopeless.left = 99
    await bench.grow()
    with pytest.raises(GuardMoved):
        await bench.publisher(guard=hopeless).publish()


# ---------------------------------------------------------------------------------------------- keys
async def test_the_first_checkpoint_over_a_rotation_is_signed_by_both_keys(bench: Bench) -> None:
    publisher = bench.publisher()
    await publisher.publish()
    keys = await bench.reader.keys()
    new = bench.log.key_folder.next_log_key(SeededEntropy("rotated"), keys)
    await bench.log.append([rotation_draft(keys, new)])
    signed: list[list[str]] = []
    for _ in range(2):
        opened = open_checkpoint(await publisher.publish(), LOG, await bench.reader.keys(), ed25519.verify)
        signed.append(sorted(key.key_id.hex() for key in opened.signed_by))
        await bench.grow()
    old = keys.spans[0].key
    assert signed == [sorted([old.key_id.hex(), new.key.key_id.hex()]), [new.key.key_id.hex()]]


async def test_a_key_that_is_not_held_uses_up_no_size(bench: Bench, tmp_path: Path) -> None:
    other = await PaintedLog.open(tmp_path / "other")
    other.key_folder.next_log_key(SeededEntropy("foreign"), await LogReader(other.rows, LOG).keys())
    foreign: Callable[[], Any] = other.keys
    first = foreign()
    lacking = type(first)(first.organisation, first.decision_token, first.credential, first.log_signers[1:])
    with pytest.raises(KeyMissing):
        await bench.publisher(keys=lambda: lacking).publish()
    assert bench.guard.last(LOG).size == 0
    await other.let_go()
