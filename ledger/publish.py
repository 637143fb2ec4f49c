"""Publishing checkpoints: guard, sign, store; at most every ten seconds while the log grows, at once on request.

    head, last checkpoint, key list    (read)
      -> guard    lets the tree through, durably, if it continues what was signed last
      -> sign     Ed25519, so the same tree gives the same bytes
      -> store    one row per size; doors serve the row, so storing it is publishing it

There is no recovery code: after a crash the next call takes this same path. What a crash costs after each step stands
beside it in `_publish_once`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from ledger.changes import Insert
from ledger.checkpoints import Checkpoint, KeyList, parse_text, sign_checkpoint
from ledger.commands import Command, Decided, Need, Outcome, View
from ledger.entries import SYSTEM, Actor
from ledger.errors import LedgerError
from ledger.guard import GuardMoved, SigningGuard
from ledger.keys import Keys, signers_due
from ledger.notes import parse_note
from ledger.reader import TreeHead

INTERVAL_SECONDS = 10
TRIES_MAX_COUNT = 5


class NothingToSign(LedgerError):
    """The log holds no entry: there is no tree to sign. The caller opens the log first."""


class CheckpointContradicted(LedgerError):
    """The published checkpoint of this size has another root than the log: damage. Nothing is signed meanwhile."""


class TreeReader(Protocol):
    """What is read of the log; `ledger.reader.LogReader` is one."""

    async def head(self) -> TreeHead:
        """Return size and root as last committed."""
        ...

    async def keys(self) -> KeyList:
        """Return the log's key list as its entries say it now."""
        ...

    async def latest_checkpoint(self) -> tuple[int, bytes] | None:
        """Return size and note of the largest checkpoint published."""
        ...

    async def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """Return the RFC 6962 proof between two sizes up to the head."""
        ...


class Shelf(Protocol):
    """Where a signed checkpoint is published."""

    async def put(self, size: int, note: bytes) -> None:
        """Store durably. The same note again is no error; a size that has another note keeps it."""
        ...


class CommandShelf:
    """Stores through the writer, as a command without entries: only the writer commits."""

    def __init__(self, log: str, submit: Callable[[Command], Awaitable[Outcome]]) -> None:
        """`submit` is the writer's."""
        self._log = log
        self._submit = submit

    async def put(self, size: int, note: bytes) -> None:
        """Store the row unless the size has one."""
        data = {"size": size, "note": note.decode()}
        await self._submit(
            Command(
                log=self._log,
                actor=Actor(SYSTEM, SYSTEM, "publish"),
                key=f"checkpoint/{size}",
                digest=hashlib.sha256(f"checkpoint/{size}".encode()).hexdigest(),
                needs=(Need("checkpoint", (size,)),),
                rule=_shelve,
                data=data,
            )
        )


def _shelve(view: View, command: Command, at: str) -> Decided:
    size, note = command.data["size"], command.data["note"]
    if view.get("checkpoint", (size,)) is not None:
        return Decided(())
    return Decided((), (Insert("checkpoint", {"size": size, "note": note, "at": at}),))


class Publisher:
    """Publishes the checkpoints of one log. Any number of them may run, in any number of processes, over one guard."""

    def __init__(
        self,
        log: str,
        reader: TreeReader,
        shelf: Shelf,
        guard: SigningGuard,
        keys: Callable[[], Keys],
        seconds: Callable[[], float],
        interval_seconds: int = INTERVAL_SECONDS,
    ) -> None:
        """`keys` is asked at each signing, so that a rotation needs no restart; `seconds` times the interval."""
        self._log = log
        self._reader = reader
        self._shelf = shelf
        self._guard = guard
        self._keys = keys
        self._seconds = seconds
        self._interval_seconds = interval_seconds
        self._last_at: float | None = None
        self._one_at_a_time = asyncio.Lock()

    async def publish_due(self) -> bytes | None:
        """Publish if the log grew and the interval has passed since this publisher's last one; else None.

        Called by the worker as often as it likes; it looks at the guard even when nothing grew, so that a restored log
        is told of at once. Raises as `publish`, but an empty log is nothing to do.
        """
        now = self._seconds()
        # A clock set back must not silence publishing: only a time within the interval waits.
        if self._last_at is not None and 0 <= now - self._last_at < self._interval_seconds:
            return None
        try:
            published = await self._publish()
        except NothingToSign:
            return None
        return published.note if published.fresh else None

    async def publish(self) -> bytes:
        """Return the signed checkpoint of the log as it is now, publishing one if its size has none yet.

        Raises:
            NothingToSign: the log is empty.
            GuardRefused, GuardUnknownLog, GuardDamaged: nothing may be signed; a person is told.
            KeyMissing: the key in force is not held here.
            CheckpointContradicted: the published checkpoint of this size says another root.
            StoreError: the database failed; a later call goes on.
        """
        return (await self._publish()).note

    async def _publish(self) -> _Published:
        async with self._one_at_a_time:
            for _ in range(TRIES_MAX_COUNT - 1):
                try:
                    return await self._publish_once()
                except GuardMoved:
                    pass  # another process signed a larger tree between our reading and our asking: look again
            return await self._publish_once()

    async def _publish_once(self) -> _Published:
        # 1. The guard is read before the head: whatever was let through until then is committed, so a healthy head
        #    is at least as large, and only a restored log is smaller.
        old = await asyncio.to_thread(self._guard.last, self._log)
        head = await self._reader.head()
        latest = await self._reader.latest_checkpoint()
        if head.size == 0 and old.size == 0:
            raise NothingToSign(f"log {self._log}: expected at least one entry, got none")
        # 2. Never two at one size: what is published is the answer.
        if latest is not None and latest[0] == head.size and head.size >= old.size:
            _check_same(latest[1], head)
            return _Published(latest[1], fresh=False)
        # 3. Signers before the guard: a missing key must not use up a size.
        last_size = latest[0] if latest else 0
        signers = signers_due(self._keys(), await self._reader.keys(), last_size, head.size)
        # 4. Guard. A crash after it: the guard knows a tree that nobody saw. The next call asks for the same tree,
        #    which passes again, or for a larger one, which is proven to continue it: one checkpoint less, no more.
        proof = await self._reader.consistency(old.size, head.size) if 0 < old.size < head.size else []
        await asyncio.to_thread(self._guard.advance, self._log, old, head.size, head.root, proof)
        # 5. Sign. A crash after it: as after 4; signing the same tree again gives the same bytes.
        checkpoint = Checkpoint(self._log, head.size, head.root)
        note = sign_checkpoint(checkpoint, [(signer.key, signer.sign) for signer in signers])
        # 6. Store. A crash before the commit: as after 5. After it: published; the next call returns it in step 2.
        await self._shelf.put(head.size, note)
        self._last_at = self._seconds()
        return _Published(note, fresh=True)


@dataclass(frozen=True, slots=True)
class _Published:
    """A published checkpoint, and whether this call signed it."""

    note: bytes
    fresh: bool


def _check_same(note: bytes, head: TreeHead) -> None:
    published = parse_text(parse_note(note).text)
    if published.root != head.root:
        raise CheckpointContradicted(
            f"checkpoint {head.size}: expected root {published.root.hex()} as published, got {head.root.hex()}"
        )
