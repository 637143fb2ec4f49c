"""The signing guard: remembers, apart from the log, what was signed last, so that no second history is ever signed.

It stands before the log key: size and root enter here first, durably, and only then is the checkpoint signed. It
asks for a consistency proof from the last signed tree, so that it refuses a log that was restored from an older backup
(it is smaller), rewritten (another root at that size), or rewritten and grown (no proof).

It must not lie where a restore of the database puts it back too: a volume of its own, or a witness. A snapshot that
also holds the guard is caught only by a checkpoint that somebody outside kept.

    GuardError
    |-- GuardRefused      signing this tree would make a second history; expected and got are given
    |   `-- GuardMoved    only that another process advanced it meanwhile: read again and retry
    |-- GuardUnknownLog   this guard was never told of the log: another volume, or a lost file. Never treated as "new"
    `-- GuardDamaged      the guard's file is not what it wrote
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ledger.durable import INCOMING_SUFFIX, create_file, replace_file
from ledger.errors import LedgerError, ProofError
from ledger.merkle import EMPTY_ROOT, check_witness_growth

GUARD_FILE_SIZE_MAX_BYTES = 1_024
_HEADER = "tallystick/guard/v1"


class GuardError(LedgerError):
    """Nothing may be signed now. Appending goes on; a person is told."""


class GuardRefused(GuardError):
    """Signing would make a second history. Restore the newer log, or accept this one by a recorded act."""

    def __init__(self, log: str, reason: str, expected_size: int, got_size: int) -> None:
        super().__init__(
            f"signing guard of {log}: {reason}; "
            f"expected a tree that continues size {expected_size}, got size {got_size}"
        )
        self.expected_size = expected_size
        self.got_size = got_size


class GuardMoved(GuardRefused):
    """Another process advanced the guard since it was read. The caller reads it again and retries."""


class GuardUnknownLog(GuardError):
    """The guard has no memory of this log. Mount its volume, or accept the log as it is by a recorded act."""


class GuardDamaged(GuardError):
    """The guard's file is not what it wrote. Restore the volume; the last published checkpoint says what it held."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The last tree let through: its size in entries and its 32-byte root.

    `least_size` is the least size that may be let through: normally `size` (the same tree once more); after an accepted
    restore one above everything signed before, so that even then no size ever gets two roots.
    """

    size: int
    root: bytes
    least_size: int


class SigningGuard(Protocol):
    """What the publisher needs. Calls block: async callers use a thread."""

    def last(self, log: str) -> Signed:
        """Return the last tree let through. Raises GuardUnknownLog, GuardDamaged."""
        ...

    def advance(self, log: str, old: Signed, size: int, root: bytes, proof: Sequence[bytes]) -> Signed:
        """Let a tree through, durably, if it continues `old` and `old` is still the last; then it may be signed.

        The tree that is the last already is let through again: a crash came between this and the publishing.
        `proof` is the RFC 6962 consistency proof from `old.size` to `size`, empty when they are equal or old is 0.

        Raises:
            GuardRefused: smaller, another root, no consistency, or another process was faster.
        """
        ...


class FileGuard:
    """One small file per log in a folder of its own; processes on one machine are serialised by a lock file."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, making it when it is not there. Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def enrol(self, log: str) -> Signed:
        """Begin to guard a new log at size 0. Called once, by `init`.

        Raises:
            FileExistsError: it is guarded already.
        """
        first = Signed(0, EMPTY_ROOT, 0)
        create_file(self._path(log), _to_bytes(log, first))
        return first

    def last(self, log: str) -> Signed:
        """Return the last tree let through."""
        try:
            with self._path(log).open("rb") as file:
                data = file.read(GUARD_FILE_SIZE_MAX_BYTES + 1)
        except FileNotFoundError:
            raise GuardUnknownLog(
                f"signing guard: expected a memory of {log} in {self._folder}, got none"
            ) from None
        return _from_bytes(log, data)

    def advance(self, log: str, old: Signed, size: int, root: bytes, proof: Sequence[bytes]) -> Signed:
        """Let a tree through, durably, if it continues `old` and `old` is still the last."""
        with self._locked(log):
            now = self.last(log)
            new = _continued(log, now, old, size, root, proof)
            if new != now:
                replace_file(self._path(log), _to_bytes(log, new))
            return new

    def accept_restore(self, log: str, old: Signed, size: int, root: bytes) -> Signed:
        """Take a restored log as it is, by the choice of a person that `restore_accepted` records.

        Checkpoints published for larger sizes stay contradicted for ever, which every auditor who kept one will see;
        what this keeps is that no size gets two signed roots.

        Raises:
            GuardRefused: the guard has moved since `old` was read.
        """
        with self._locked(log):
            now = self.last(log)
            if now != old:
                raise GuardMoved(log, "another process was faster", now.size, size)
            new = Signed(size, root, max(now.least_size, now.size, size) + 1)
            replace_file(self._path(log), _to_bytes(log, new))
            return new

    def _path(self, log: str) -> Path:
        return self._folder / f"{hashlib.sha256(log.encode()).hexdigest()}.guard"

    @contextlib.contextmanager
    def _locked(self, log: str) -> Iterator[None]:
        # The lock file is never removed: unlinking a held lock file lets two holders in.
        path = self._path(log).with_suffix(".lock")
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            for rest in self._folder.glob(f".{self._path(log).name}.*{INCOMING_SUFFIX}"):
                rest.unlink(missing_ok=True)  # of a writer that crashed: whoever writes now holds the lock
            yield
        finally:
            os.close(handle)


class InsecureGuard:
    """A guard that forgets with its process. For tests and for logs nobody relies on; it warns when built."""

    def __init__(self) -> None:
        """Warn, then start without any memory."""
        warnings.warn("InsecureGuard forgets what was signed: a restored log will be signed", stacklevel=2)
        self._lock = threading.Lock()
        self._signed: dict[str, Signed] = {}

    def last(self, log: str) -> Signed:
        """Return the last tree let through; an unknown log starts at size 0."""
        return self._signed.get(log, Signed(0, EMPTY_ROOT, 0))

    def advance(self, log: str, old: Signed, size: int, root: bytes, proof: Sequence[bytes]) -> Signed:
        """Let a tree through if it continues `old` and `old` is still the last."""
        with self._lock:
            self._signed[log] = _continued(log, self.last(log), old, size, root, proof)
            return self._signed[log]


def _continued(log: str, now: Signed, old: Signed, size: int, root: bytes, proof: Sequence[bytes]) -> Signed:
    # 1. compare (the swap follows)  2. not back  3. not over an accepted restore  4. the same again, or proven growth
    if now != old:
        raise GuardMoved(log, "another process was faster", now.size, size)
    if size < now.size:
        raise GuardRefused(log, "the log is older than what was signed", now.size, size)
    if size == now.size and root != now.root:
        raise GuardRefused(log, "another root was signed at this size", now.size, size)
    if size < now.least_size:
        raise GuardRefused(log, "a root was signed at this size before a restore", now.least_size, size)
    if size == now.size:
        return now
    try:
        check_witness_growth(now.size, size, now.root, root, proof)
    except ProofError as error:
        raise GuardRefused(log, f"the log was rewritten ({error})", now.size, size) from error
    return Signed(size, root, size)


def _to_bytes(log: str, signed: Signed) -> bytes:
    text = f"{_HEADER}\n{log}\n{signed.size}\n{signed.root.hex()}\n{signed.least_size}\n"
    return (text + hashlib.sha256(text.encode()).hexdigest() + "\n").encode()


def _from_bytes(log: str, data: bytes) -> Signed:
    lines = data.decode("utf-8", "replace").split("\n")
    if len(lines) == 7 and lines[2].isdecimal() and lines[4].isdecimal():
        try:
            signed = Signed(int(lines[2]), bytes.fromhex(lines[3]), int(lines[4]))
        except ValueError:
            signed = None
        if signed is not None and _to_bytes(log, signed) == data:
            return signed
    raise GuardDamaged(f"signing guard of {log}: expected the file it wrote, got {data[:120]!r}")
