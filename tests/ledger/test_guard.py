"""The signing guard: whatever is restored, raced or crashed, never two signed roots at one size."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.guard import (
    FileGuard,
    GuardDamaged,
    GuardRefused,
    GuardUnknownLog,
    InsecureGuard,
    Signed,
    SigningGuard,
)
from ledger.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, nodes_over, root_of

LOG = "tallystick.example/guard-1a2b"
ROOT = Path(__file__).resolve().parents[2]


class Tree:
    """A log's leaves, forked at will."""

    def __init__(self, *entries: str) -> None:
        self.leaves = [leaf_hash(entry.encode()) for entry in entries]

    def root(self, size: int) -> bytes:
        return root_of(self.leaves[:size])

    def proof(self, old: int, new: int) -> list[bytes]:
        return consistency_proof(old, new, nodes_over(self.leaves)) if 0 < old <= new else []


TREE = Tree(*(f"entry {n}" for n in range(40)))
FORKED = Tree(*(f"entry {n}" for n in range(6)), *(f"other {n}" for n in range(34)))  # the same up to size 6


def _advance(guard: SigningGuard, tree: Tree, size: int, old: Signed | None = None) -> Signed:
    last = old or guard.last(LOG)
    return guard.advance(LOG, last, size, tree.root(size), tree.proof(last.size, size))


def _guard(folder: Path) -> FileGuard:
    guard = FileGuard(folder)
    guard.enrol(LOG)
    return guard


def test_a_growing_log_passes_and_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    guard = _guard(tmp_path)
    assert guard.last(LOG) == Signed(0, EMPTY_ROOT, 0)
    for size in (1, 2, 7, 8, 40):
        _advance(guard, TREE, size)
        assert FileGuard(tmp_path).last(LOG) == Signed(size, TREE.root(size), size)


def test_the_same_tree_passes_again_after_a_crash_before_publishing(tmp_path: Path) -> None:
    guard = _guard(tmp_path)
    first = _advance(guard, TREE, 7)
    assert _advance(guard, TREE, 7) == first


@pytest.mark.parametrize(
    ("case", "tree", "size", "says"),
    [
        ("restored older backup", TREE, 9, "older than what was signed"),
        ("empty database", TREE, 0, "older than what was signed"),
        ("rewritten at the same size", FORKED, 10, "another root was signed"),
        ("rewritten and grown", FORKED, 20, "rewritten"),
    ],
)
def test_advance_fails_on(tmp_path: Path, case: str, tree: Tree, size: int, says: str) -> None:
    guard = _guard(tmp_path)
    _advance(guard, TREE, 10)
    with pytest.raises(GuardRefused, match=says) as refused:
        _advance(guard, tree, size)
    assert (refused.value.expected_size, refused.value.got_size) == (10, size), case
    assert guard.last(LOG) == Signed(10, TREE.root(10), 10)


def test_advance_fails_if_another_process_was_faster(tmp_path: Path) -> None:
    slow, fast = _guard(tmp_path), FileGuard(tmp_path)
    seen = slow.last(LOG)
    _advance(fast, TREE, 5)
    with pytest.raises(GuardRefused, match=r"another process was faster; .*size 5, got size 7"):
        _advance(slow, TREE, 7, old=seen)


def test_advance_fails_if_the_caller_lies_about_the_past(tmp_path: Path) -> None:
    guard = _guard(tmp_path)
    _advance(guard, TREE, 10)
    with pytest.raises(GuardRefused, match="faster"):
        _advance(guard, FORKED, 20, old=Signed(10, FORKED.root(10), 10))


def test_an_unknown_log_is_refused_never_taken_as_new(tmp_path: Path) -> None:
    guard = FileGuard(tmp_path)
    with pytest.raises(GuardUnknownLog, match="got none"):
        guard.last(LOG)
    with pytest.raises(GuardUnknownLog):
        guard.advance(LOG, Signed(0, EMPTY_ROOT, 0), 1, TREE.root(1), [])


def test_enrol_happens_once(tmp_path: Path) -> None:
    _advance(_guard(tmp_path), TREE, 3)
    with pytest.raises(FileExistsError):
        FileGuard(tmp_path).enrol(LOG)
    assert FileGuard(tmp_path).last(LOG).size == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data.replace(b"\n5\n", b"\n4\n"),
        lambda data: data.replace(LOG.encode(), LOG.encode()[:-1] + b"x"),
        lambda data: data + b"x",
        lambda data: b"\xff" * 4000,
        lambda data: data.replace(b"v1", b"v2"),
    ],
)
def test_a_changed_guard_file_is_damage(tmp_path: Path, damage: object) -> None:
    guard = _guard(tmp_path)
    _advance(guard, TREE, 5)
    (file,) = tmp_path.glob("*.guard")
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    with pytest.raises(GuardDamaged, match="expected the file it wrote"):
        guard.last(LOG)


def test_an_accepted_restore_goes_on_without_a_second_root_at_any_size(tmp_path: Path) -> None:
    guard = _guard(tmp_path)
    _advance(guard, TREE, 12)
    accepted = guard.accept_restore(LOG, guard.last(LOG), 6, FORKED.root(6))
    assert accepted == Signed(6, FORKED.root(6), 13)
    for size in range(6, 13):
        with pytest.raises(GuardRefused, match="before a restore"):
            _advance(guard, FORKED, size)
    assert _advance(guard, FORKED, 13) == Signed(13, FORKED.root(13), 13)
    with pytest.raises(GuardRefused, match="faster"):
        guard.accept_restore(LOG, accepted, 6, FORKED.root(6))


@pytest.mark.parametrize("failing", ["open", "write", "fsync", "replace"])
def test_a_crash_at_any_step_leaves_the_old_or_the_new_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Fail the n-th call of one system call, for every n that advancing makes, then go on as a new process."""
    for nth in range(1, 6):
        folder = tmp_path / f"{failing}-{nth}"
        guard = _guard(folder)
        _advance(guard, TREE, 5)
        real, calls = getattr(os, failing), 0

        def flaky(*arguments: object, _real: object = real, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls == nth:  # noqa: B023
                raise OSError(5, "Input/output error")
            return _real(*arguments, **named)  # type: ignore[operator]

        with monkeypatch.context() as patch:
            patch.setattr(os, failing, flaky)
            try:
                _advance(guard, TREE, 9)
                failed = False
            except OSError:
                failed = True
        later = FileGuard(folder)
        assert later.last(LOG).size in ((5, 9) if failed else (9,))
        assert failed == (calls >= nth)
        _advance(later, TREE, 9)
        _advance(later, TREE, 10)
        assert not list(folder.glob("*.incoming")) and not list(folder.glob(".*.incoming"))


_RACER = """
import sys
from pathlib import Path
from ledger.guard import FileGuard, GuardRefused
from ledger.merkle import consistency_proof, leaf_hash, nodes_over, root_of
folder, name, log = sys.argv[1:]
leaves = [leaf_hash(f"{name} {n}".encode()) for n in range(120)]
nodes = nodes_over(leaves)
guard = FileGuard(Path(folder))
print("ready", flush=True)
sys.stdin.readline()
for size in range(1, 121):
    last = guard.last(log)
    if size <= last.size:
        continue
    try:
        proof = consistency_proof(last.size, size, nodes) if last.size else []
        root = root_of(leaves[:size])
        guard.advance(log, last, size, root, proof)
        print(size, root.hex(), flush=True)
    except GuardRefused:
        pass
"""


def test_two_processes_racing_with_different_histories_sign_one(tmp_path: Path) -> None:
    _guard(tmp_path)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(tmp_path), name, LOG],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("left", "right")
    ]
    for racer in racers:
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    signed: list[str] = []
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    counts = []
    for racer in racers:
        out, _ = racer.communicate(timeout=60)
        assert racer.returncode == 0
        counts.append(len(out.splitlines()))
        signed += out.splitlines()
    sizes = [line.split()[0] for line in signed]
    assert len(sizes) == len(set(sizes)), "one size was let through twice"
    assert sorted(count > 0 for count in counts) == [False, True], "both histories were let through"


@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["tree", "fork", "accept tree", "accept fork"]), st.integers(1, 40)),
        max_size=25,
    )
)
def test_no_size_ever_gets_two_roots(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, int]]
) -> None:
    name = hashlib.sha256(repr(moves).encode()).hexdigest()
    folder = tmp_path_factory.getbasetemp() / "guards" / name
    guard = FileGuard(folder)
    if not list(folder.glob("*.guard")):
        guard.enrol(LOG)
    signed: dict[int, bytes] = {}
    for move, size in moves:
        tree = TREE if move.endswith("tree") else FORKED
        last = guard.last(LOG)
        if move.startswith("accept"):
            guard.accept_restore(LOG, last, size, tree.root(size))
            continue
        try:
            new = guard.advance(LOG, last, size, tree.root(size), tree.proof(last.size, size))
        except GuardRefused:
            continue
        if (new.size, new.root) != (
            last.size,
            last.root,
        ):  # letting the last one through again signs nothing new
            assert signed.setdefault(new.size, new.root) == new.root


def test_the_insecure_guard_warns_and_forgets() -> None:
    with pytest.warns(UserWarning, match="forgets"):
        guard = InsecureGuard()
    _advance(guard, TREE, 8)
    with pytest.raises(GuardRefused):
        _advance(guard, TREE, 7)
