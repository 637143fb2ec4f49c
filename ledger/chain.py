"""The chain: every entry names the leaf hash of the one before it, over the same bytes that the tree covers.

docs/spec/log-format.md section 3. The chain gives an order that a person can follow, the tree gives proofs.

    ChainError
    |-- SeqBroken    an entry is missing, doubled or out of order
    |-- LinkBroken   `prev` is not the leaf hash of the entry before
    |-- LogMismatch  an entry of another log
    `-- TimeBackward `at` lies before that of the entry before
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.entries import ZERO_HASH, Entry
from ledger.errors import ChainError
from ledger.merkle import leaf_hash


class SeqBroken(ChainError):
    """The entry's own number is not the next one."""


class LinkBroken(ChainError):
    """The entry does not name the leaf hash of the entry before it."""


class LogMismatch(ChainError):
    """The entry belongs to another log."""


class TimeBackward(ChainError):
    """The entry is dated before the one it follows; the writer never does that."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Where the next entry joins: its number, the leaf hash (hex) it must name, and the earliest `at` it may carry."""

    size: int
    prev: str
    at: str


EMPTY_HEAD = ChainHead(0, ZERO_HASH, "")


def extend(head: ChainHead, at: str, data: bytes) -> ChainHead:
    """Return the head after the entry whose canonical bytes are `data` and whose time is `at`."""
    return ChainHead(head.size + 1, leaf_hash(data).hex(), at)


def check_link(head: ChainHead, log: str, entry: Entry) -> None:
    """Check that `entry` is the next one after `head` in `log`.

    The caller still must check that the entry's bytes are canonical and hash to the leaf it goes on with.

    Raises:
        LogMismatch, SeqBroken, LinkBroken, TimeBackward
    """
    if entry.log != log:
        raise LogMismatch(f"entry {entry.seq}: expected log {log}, got {entry.log}")
    if entry.seq != head.size:
        raise SeqBroken(f"seq: expected {head.size}, got {entry.seq}")
    if entry.prev != head.prev:
        raise LinkBroken(f"entry {entry.seq}: expected prev {head.prev}, got {entry.prev}")
    if entry.at < head.at:  # fixed-width UTC text sorts as time
        raise TimeBackward(f"entry {entry.seq}: expected at >= {head.at}, got {entry.at}")
