"""What every kind of anchor does, and what it gives back. docs/spec/anchoring.md section 1.

    worker -> advance(newest checkpoint) -> Progress: what became final, what is under way, what went wrong
           <- recorded(size) once the receipt is an entry

An anchor may be asked as often as one likes and by a process that knows nothing of the last one: what it must remember
it has journalled. What became final is given back again until it was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

EVM = "evm"
WITNESS = "witness"
TIMESTAMP = "timestamp"
DOUBLE = "double"
"""Stands in for a chain where nothing may be claimed: every page and audit warns of it."""
TYPES = (EVM, WITNESS, TIMESTAMP, DOUBLE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A published checkpoint that shall be anchored: size, 32-byte root, the signed note as it was published."""

    size: int
    root: bytes
    note: bytes


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint that somebody else holds for good, and the receipt that shows it, as canonical JSON."""

    size: int
    root: bytes
    receipt: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong, by a code of docs/spec/anchoring.md and in words that say expected and got, without secrets.

    `stops`: nothing is sent any more until a person looked; else the next call tries again by itself.
    """

    code: str
    detail: str
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """What one call brought. `pending_size` is of the checkpoint under way, None if there is none."""

    anchored: tuple[Anchored, ...] = ()
    pending_size: int | None = None
    troubles: tuple[Trouble, ...] = ()


class Anchor(Protocol):
    """One place where checkpoints of one log are anchored."""

    @property
    def anchor(self) -> str:
        """The id of this anchor: that of its entry `anchor_opened`."""
        ...

    @property
    def type(self) -> str:
        """One of TYPES."""
        ...

    async def advance(self, wanted: Wanted | None) -> Progress:
        """Take `wanted` up if nothing is under way, move what is under way on by what can be done now, and return.

        Waits for no block. A failure of the other side is a Trouble, never an exception.

        Raises:
            StoreError: the journal could not be read or written; a later call goes on.
        """
        ...

    async def recorded(self, size: int) -> None:
        """Take note that the receipt of this size is an entry, so that it is not given back again."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
