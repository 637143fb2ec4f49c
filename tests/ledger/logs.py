"""Logs made for tests: small, real in every byte, and damaged on purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ledger.book import Book, Posting, postings
from ledger.canonical import encode
from ledger.chain import EMPTY_HEAD, extend
from ledger.checkpoints import Checkpoint, sign_checkpoint
from ledger.commitments import Opened, commit_value
from ledger.ed25519 import Ed25519Signer
from ledger.entries import ENTRY_VERSION, SYSTEM, command_id
from ledger.merkle import leaf_hash, root_of
from ledger.notes import ED25519, VerifierKey
from ledger.reading import read_entry
from ledger.tiles import TileEdge

ORIGIN = "harbour-hotel-7f3a.invalid"
CASE = "01930000-0000-7000-8000-00000000ca5e"
MANAGER, STAFF, ACCOUNTANT = "member-manager", "member-staff", "member-accountant"


def signer(name: str) -> tuple[VerifierKey, Ed25519Signer]:
    """Return a key that anybody could make again."""
    made = Ed25519Signer(hashlib.sha256(name.encode()).digest())
    return VerifierKey(ORIGIN, ED25519, made.public_key), made


LOG_KEY, LOG_SIGNER = signer("log key")
NEXT_KEY, NEXT_SIGNER = signer("next log key")
OTHER_KEY, OTHER_SIGNER = signer("somebody else's key")


class Scribe:
    """Writes entries one after the other, as the writer would."""

    def __init__(self, log: str = ORIGIN) -> None:
        self.log = log
        self.head = EMPTY_HEAD
        self.lines: list[bytes] = []
        self.opened: list[Opened] = []

    def write(self, kind: str, body: dict[str, Any], case: str | None = None, **private: Any) -> int:
        """Append one entry, each as a command of its own; `private` values are committed to. Return its seq."""
        seq = self.head.size
        commitments = {}
        for path, value in sorted(private.items()):
            salt = hashlib.sha256(f"{seq} {path}".encode()).digest()
            commitments[path] = commit_value(self.log, path, salt, value)
            self.opened.append(Opened(seq, path, salt, value))
        at = f"2026-11-23T{8 + seq // 3600 % 12:02d}:{seq // 60 % 60:02d}:{seq % 60:02d}.000Z"
        at = max(at, self.head.at)
        value = {
            "v": ENTRY_VERSION,
            "log": self.log,
            "seq": seq,
            "at": at,
            "kind": kind,
            "actor": {"id": SYSTEM, "role": SYSTEM, "via": "test"},
            "case": case,
            "body": body,
            "private": commitments,
            "cmd": command_id(self.log, SYSTEM, f"key {seq}"),
            "prev": self.head.prev,
        }
        data = encode(value)
        self.lines.append(data)
        self.head = extend(self.head, at, data)
        return seq


def opened_log(count: int = 0) -> Scribe:
    """Return a log with its first entries, and padded with notes to `count` entries; some move tokens."""
    scribe = Scribe()
    vkey = LOG_KEY.vkey()
    scribe.write("log_opened", {"origin": ORIGIN, "registry": 1, "log_key": vkey, "simulated": True})
    scribe.write("member_joined", {"member": STAFF, "roles": ["staff"], "same_as": None}, name="Ada")
    scribe.write("budget_set", {"budget": "b1", "amount_tokens": 100_000, "until": None}, purpose="service")
    scribe.write("budget_approved", {"budget": "b1", "amount_tokens": 100_000})
    number = 0
    while scribe.head.size < count:
        number += 1
        award = f"award-{number}"
        grant(scribe, award, 5)
        scribe.write("note_added", {}, CASE, note=f"note {number}")
        settled = [{"member": STAFF, "to_settled": 5, "to_owed": 0}]
        scribe.write("award_settled", {"award": award, "shares": settled}, CASE)
        for _ in range(6):
            scribe.write("acknowledged", {"until": "2026-11-24T10:00:00.000Z"}, CASE)
    return cut(scribe, count) if count else scribe


def cut(scribe: Scribe, count: int) -> Scribe:
    """Return the same log, as if nothing had been written after `count` entries."""
    short = Scribe(scribe.log)
    short.lines = scribe.lines[:count]
    short.opened = [item for item in scribe.opened if item.seq < count]
    for data in short.lines:
        short.head = extend(short.head, read_entry(data).at, data)
    return short


def grant(scribe: Scribe, award: str, amount: int) -> int:
    """Append an award_granted entry."""
    return scribe.write(
        "award_granted",
        {
            "award": award,
            "kind": "service_issue",
            "decision": f"decision-{award}",
            "verdict": f"verdict-{award}",
            "budget": "b1",
            "amount_tokens": amount,
            "shares": [{"member": STAFF, "amount": amount}],
            "k": 2,
            "window_days": 14,
            "settle_not_before": "2026-12-07T10:00:00.000Z",
        },
        CASE,
        message="well done",
    )


def checkpoint_at(lines: Sequence[bytes], size: int, *signers: tuple[VerifierKey, Ed25519Signer]) -> bytes:
    """Return a signed checkpoint over the first `size` entries."""
    root = root_of(leaf_hash(data) for data in lines[:size])
    pairs = [(key, made.sign) for key, made in signers or ((LOG_KEY, LOG_SIGNER),)]
    return sign_checkpoint(Checkpoint(ORIGIN, size, root), pairs)


def rows_of(lines: Sequence[bytes]) -> tuple[list[Posting], dict[str, int]]:
    """Return postings and balances as a database would hold them."""
    book = Book()
    stored: list[Posting] = []
    for data in lines:
        made = postings(read_entry(data))
        book.post(made)
        stored += made
    return stored, book.balances


def tiles_of(lines: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
    """Return tiles as a database would hold them."""
    edge = TileEdge()
    rows = {}
    for data in lines:
        rows.update({(tile.level, tile.index): hashes for tile, hashes in edge.append(leaf_hash(data))})
    rows.update({(tile.level, tile.index): hashes for tile, hashes in edge.partials()})
    return rows


@dataclass
class Held:
    """A source of the audit that holds everything in lists, which a test then damages."""

    lines: list[bytes]
    notes: list[bytes]
    vkeys: list[str] | None = field(default_factory=lambda: [LOG_KEY.vkey()])
    claimed: int | None = None
    tiles: dict[tuple[int, int], bytes] | None = None
    rows: list[Posting] | None = None
    accounts: dict[str, int] | None = None
    values: list[Opened] | None = None

    @classmethod
    def of(cls, scribe: Scribe, *sizes: int) -> Held:
        """Return the whole log with everything a database holds, signed at these sizes and at its end."""
        lines = list(scribe.lines)
        rows, accounts = rows_of(lines)
        notes = [checkpoint_at(lines, size) for size in (*sizes, len(lines))]
        return cls(
            lines,
            notes,
            claimed=len(lines),
            tiles=tiles_of(lines),
            rows=rows,
            accounts=accounts,
            values=scribe.opened,
        )

    def entries(self) -> Iterator[bytes]:
        return iter(self.lines)

    def checkpoints(self) -> Iterator[bytes]:
        return iter(self.notes)

    def keys(self) -> list[str] | None:
        return self.vkeys

    def size(self) -> int | None:
        return self.claimed

    def has_tiles(self) -> bool:
        return self.tiles is not None

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        found = (self.tiles or {}).get((level, index))
        return None if found is None else found[: width * 32]

    def opened(self) -> Iterator[Opened] | None:
        return None if self.values is None else iter(self.values)

    def postings(self) -> Iterator[Posting] | None:
        return None if self.rows is None else iter(self.rows)

    def balances(self) -> Iterator[tuple[str, int]] | None:
        return None if self.accounts is None else iter(self.accounts.items())
