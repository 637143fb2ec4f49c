"""What stood before an entry, for the checks of the audit of meaning (casework/audit.py), and how they say what is so.

A check is `check(standing, entry)`: it raises Refused when the rows before the entry, rebuilt from the log alone, do
not allow it. Codes are those of the desk's own refusals where it refuses the same thing, else `not_as_recorded`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from casework import cases
from casework.passkeys import VerifySignature
from ledger.canonical import encode
from ledger.changes import Row
from ledger.commands import View
from ledger.entries import Entry
from ledger.errors import Refused
from ledger.merkle import EMPTY_ROOT

OpenValue = Callable[[Entry, str], Any]
"""The private value of an entry at a path; None when it is erased or not at hand."""

INPUT_SIZE_MAX_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Owing:
    """An entry that promises another one of its command: who has to be in it, and which kind it is."""

    seq: int
    kind: str
    cmd: str
    wants: str
    about: str | None


@dataclass(slots=True)
class Standing:
    """What stood before an entry: the rows, the root at every size, and digests of what the vault showed so far."""

    view: View
    open_value: OpenValue | None
    roots: list[bytes] = field(default_factory=lambda: [EMPTY_ROOT])
    facts: dict[str, bytes] = field(default_factory=dict)  # evidence id -> digest of its facts
    records: dict[str, bytes] = field(
        default_factory=dict
    )  # id of a system_record -> canonical bytes of its facts
    accounts: dict[tuple[str, str], str] = field(default_factory=dict)  # (source, name) -> HMAC of the name
    named: dict[tuple[str, str], str] = field(default_factory=dict)  # (source, HMAC of a name) -> the name
    subjects: dict[str, bytes] = field(default_factory=dict)  # case -> digest of its subject
    expected: dict[str, bytes] = field(default_factory=dict)  # case -> digest of what it was opened for
    answered: tuple[str, Row, str] | None = None
    """Command, link and answer of the last link_answered: the answer's evidence comes in the same command."""
    used: tuple[str, Row, int] | None = None
    """Command, invite and seq of the last invite_used: what it sets comes in the same command."""
    chosen: set[str] = field(default_factory=set)
    """What was set in that command."""
    opened: tuple[str, str | None, tuple[str, ...]] | None = None
    """Command and case of the last case_opened or case_reopened, and why it may go to an owner in that command."""
    owing: list[Owing] = field(default_factory=list)
    """What the command at hand still has to hold."""
    checked_in: tuple[str, str, str, Any] | None = None
    """Command, point and member of the last check-in by a tag, and its facts: its tap comes in the same command."""
    call: tuple[Entry, Row, Row, Row, int | None] | None = None
    """The last hook_received, the rows of its hook, key and source, and how many bytes it brought (None: not at hand):
    evidence of type webhook comes in the same command."""
    heard: set[str] = field(default_factory=set)
    """Sources that sent something by a hook."""
    given_secrets: tuple[str, ...] = ()
    """Secrets of hooks that whoever audits brought along."""
    hook_keys: dict[tuple[str, str], bytes] = field(default_factory=dict)  # (hook, key) -> HMAC key
    calls_unchecked: set[int] = field(default_factory=set)
    """Calls whose key or bytes are not at hand."""
    files_unchecked: set[int] = field(default_factory=set)
    """Files that a provider signed, and that are erased or not at hand."""
    recovered: tuple[str, str] | None = None
    """Command and member of the last owner_recovered: its invite comes in the same command."""
    recalls: dict[str, str] = field(default_factory=dict)
    """Verdict -> the course whose questions have to be answered before its award settles, as judged again."""
    signing_in: set[str] = field(default_factory=set)
    """Members who have a password or a PIN, from the entries that say so."""
    unreplayable: set[int] = field(default_factory=set)
    verify: VerifySignature | None = None
    unsigned: set[int] = field(default_factory=set)
    """Decisions by passkey whose signature is erased or not at hand."""

    def open(self, entry: Entry, path: str) -> Any:
        """Return a private value of the entry, None when it has none or it is gone."""
        return self.open_value(entry, path) if self.open_value is not None and path in entry.private else None


Check = Callable[[Standing, Entry], None]


def expect(holds: bool, code: str, what: str) -> None:
    """Raise Refused unless it holds."""
    if not holds:
        raise Refused(code, what)


def wrong(what: str) -> NoReturn:
    """Raise the finding that has no refusal of the desk beside it."""
    raise Refused("not_as_recorded", what)


def find_case(standing: Standing, entry: Entry) -> Row:
    """Return the row of the entry's case. Raises Refused: unknown."""
    expect(entry.case is not None, "unknown", "expected an entry of a case")
    return cases.find(standing.view, str(entry.case))


def digest_of(value: Any) -> bytes:
    """Return the SHA-256 of a value's canonical bytes."""
    return hashlib.sha256(encode(value, size_max_bytes=INPUT_SIZE_MAX_BYTES)).digest()
