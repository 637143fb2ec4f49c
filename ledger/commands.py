"""A command is data plus a pure rule; this is what every door hands to the writer, and what it gets back.

    Command(...)  --writer-->  rule(view, command, at)  -->  Decided(drafts, rows, result)   or   raise Refused

Everything slow or random (ids, salts, sealing, running a verifier) happened before and travels in `data`. The rule only
compares it with the rows as they are now, and refuses `stale` when they moved on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ledger.changes import Change, Key, Row
from ledger.entries import Actor, Draft


@dataclass(frozen=True, slots=True)
class Need:
    """Rows a command may read: the one row of a full primary key, or all rows that start with a shorter one."""

    table: str
    key: Key


class View(Protocol):
    """The rows of one log as the batch sees them: loaded, plus what earlier commands of the batch decided.

    Reading a row that no `Need` names raises UndeclaredRead: it would silently look absent.
    """

    def get(self, table: str, key: Key) -> Row | None:
        """Return the row of this full key, or None."""
        ...

    def scan(self, table: str, prefix: Key) -> list[Row]:
        """Return the rows whose key starts with `prefix`, in key order."""
        ...


@dataclass(frozen=True, slots=True)
class Decided:
    """What a rule wants written: entries, rows that no entry implies (vault items, record versions, timers), an answer.

    `result` is small JSON for the caller (ids); it is not stored: a repeat renders the resource as it is then.
    """

    drafts: tuple[Draft, ...]
    rows: tuple[Change, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command:
    """One request to the record.

    `key` is the idempotency key in the scope of the actor, `digest` the hex SHA-256 of the canonical request: the same
    key with another digest is refused. A command that only cleans up rows may decide no drafts at all.
    """

    log: str
    actor: Actor
    key: str
    digest: str
    needs: tuple[Need, ...]
    rule: Rule
    data: Any


Rule = Callable[[View, "Command", str], Decided]
"""`at` is the entry time the drafts will carry, RFC 3339 UTC with milliseconds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the writer did: entries `first_seq .. first_seq+count-1` (count 0: none), or what the first try did."""

    first_seq: int
    count: int
    at: str
    replayed: bool
    result: Mapping[str, Any]
