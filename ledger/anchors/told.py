"""What the receipt of one anchored checkpoint says, by the anchor's type. docs/spec/anchoring.md sections 3 and 8.

    Opening, Claim -> tell -> Told: whose clock says that so many entries stood at that time, and what stays open
                           -> ProofError: the receipt is wrong, or another anchor's

That size and root are those of this log is for whoever has the entries (ledger/audit_anchored.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ledger.anchors.evm_receipt import TIME_MAX_SECONDS, Block, ReceiptWrong, check_receipt
from ledger.anchors.patricia import Keccak
from ledger.anchors.protocol import DOUBLE, EVM, TIMESTAMP, WITNESS
from ledger.anchors.stamp_receipt import CheckStamp, check_stamp_receipt
from ledger.anchors.witness_receipt import check_witness_receipt
from ledger.checkpoints import Checkpoint
from ledger.notes import Verify, parse_vkey


@dataclass(frozen=True, slots=True)
class Opening:
    """An anchor as its entry `anchor_opened` says it, its place checked."""

    anchor: str
    type: str
    place: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """An entry `checkpoint_anchored`: its seq, and its body."""

    seq: int
    anchor: str
    size: int
    root: bytes
    receipt: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Checks:
    """What is at hand to check receipts with. None: receipts that need it cannot be checked here."""

    verify: Verify
    keccak: Keccak | None = None
    stamps: CheckStamp | None = None
    code_hash: str | None = None
    """keccak256 of the contract that is known here (`0x` hex); None: any code that the opening names will do."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a receipt says: at `at` (an instant, by the clock of `clock`) the first `size` entries stood.

    `open`: why it is not known yet to be so, in words; None if nothing is left to ask. `confirmed`: by whom the block
    of a chain was found to be part of it. `block`, `chain_id` and `tx` are of type evm alone.
    """

    seq: int
    size: int
    at: str | None
    clock: str
    open: str | None
    confirmed: tuple[str, ...] = ()
    chain_id: int | None = None
    block: Block | None = None
    tx: str | None = None
    place: tuple[int, int, int] = (0, 0, 0)
    """Block number, place in the block, place among its logs: they rise with the sizes."""

    def confirmed_by(self, who: str) -> Told:
        """Return the same, its block known to be part of the chain."""
        return replace(self, open=None, confirmed=(*self.confirmed, who))

    def sentence(self) -> str:
        """Return what it says in one sentence."""
        last = f"entries up to {self.size - 1}"
        if self.at is None:
            return f"{last}: {self.open}"
        by = f" ({self.clock}{', ' if self.confirmed else ''}{', '.join(self.confirmed)})"
        return f"{last} stood before {self.at}{by}{f'; {self.open}' if self.open else ''}"


@dataclass(slots=True)
class AnchorTold:
    """One anchor: whether it still takes checkpoints, how many receipts it has, and what the last one says.

    `unrecorded`: sizes that its contract accepted, on this log, without an entry here.
    """

    opening: Opening
    state: str = "open"
    size: int = 0
    count: int = 0
    last: Told | None = None
    """What the newest receipt says."""
    sure: Told | None = None
    """What the newest says of which nothing is left to ask."""
    open: dict[str, int] = field(default_factory=dict)
    """What could not be told of receipts -> of how many."""
    notes: list[str] = field(default_factory=list)
    unrecorded: list[int] = field(default_factory=list)
    by_block: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """Block number -> seq of the first entry whose receipt names it, and its hash."""
    ended_in: tuple[int, int, bytes] | None = None
    """Of its supersession on chain: seq of the entry, number and hash of the block that its receipt names."""
    of_block: dict[int, Told] = field(default_factory=dict)
    """Block number -> what the last receipt in it says."""
    open_in_block: dict[int, int] = field(default_factory=dict)
    """Block number -> how many receipts in it are counted in `open`."""

    def take(self, told: Told) -> None:
        """Take what the next receipt says."""
        self.size, self.count, self.last = told.size, self.count + 1, told
        if told.block is not None:
            self.of_block[told.block.number] = told
        if told.open is None:
            self.sure = told
        else:
            self.open[told.open] = self.open.get(told.open, 0) + 1
            if told.block is not None:
                self.open_in_block[told.block.number] = self.open_in_block.get(told.block.number, 0) + 1

    def confirm(self, number: int, who: str) -> None:
        """Take note that the block of this number is part of the chain, says somebody."""
        told = self.of_block[number]
        if told.open is not None:
            self.open[told.open] -= self.open_in_block.pop(number)
        told = self.of_block[number] = told.confirmed_by(who)
        if self.sure is None or self.sure.size <= told.size:
            self.sure = told
        if self.last is not None and self.last.seq == told.seq:
            self.last = told

    def sentences(self) -> list[str]:
        """Return what is known of it, for a person."""
        about = f"anchor {self.opening.anchor} ({self.opening.type}, {self.state})"
        said = [
            f"{about}: {self.count} receipts; {self.last.sentence()}" if self.last else f"{about}: no receipt"
        ]
        if self.sure is not None and self.sure is not self.last:
            said.append(f"{about}: nothing is left to ask of: {self.sure.sentence()}")
        said += [f"{about}: of {count} receipts: {what}" for what, count in self.open.items() if count > 0]
        said += [f"{about}: {note}" for note in self.notes]
        if self.unrecorded:
            shown = ", ".join(map(str, self.unrecorded[:10]))
            said.append(f"{about}: the contract accepted sizes of this log that no entry tells of: {shown}")
        return said


@dataclass(slots=True)
class Anchored:
    """What the audit of anchors tells: each anchor in the order they were opened, and notes on chains asked.

    `unread`: what was asked for, a chain, and could not be read; then the record is not found intact and trusted.
    """

    anchors: list[AnchorTold] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """Return all of it, for a person."""
        return [line for one in self.anchors for line in one.sentences()] + self.notes + self.unread

    def reaching(self) -> Told | None:
        """Return what reaches furthest of all that nothing is left to ask of: up to there the record is anchored."""
        known = [one.sure for one in self.anchors if one.sure is not None]
        return max(known, key=lambda told: told.size, default=None)


NO_KECCAK = "cannot be checked here: expected a Keccak-256, got none"
NO_ROOTS = "cannot be checked here: expected root certificates of time authorities, got none"
NO_NOTE = "cannot be checked here: expected the note that was published at this size, got none"
NO_BLOCK = "whether that block is part of its chain is not known here: ask a node (--chain) or trust it (`block` line)"
NO_WITNESS = "no trust policy names this witness: whose it is, and whether it is independent, nobody said"
NOTHING = "a double stands in for an anchor here, and proves nothing"


def tell(claim: Claim, opening: Opening, origin: str, note: bytes | None, checks: Checks) -> Told:
    """Check a receipt and return what it says. `note`: as it was published at this size, if it is here.

    Raises:
        ProofError: the receipt does not hold, or is of another anchor, size or root.
    """
    return _BY_TYPE[opening.type](claim, opening, origin, note, checks)


def _evm(claim: Claim, opening: Opening, origin: str, note: bytes | None, checks: Checks) -> Told:
    if checks.keccak is None:
        return Told(claim.seq, claim.size, None, "", NO_KECCAK)
    proven, place = check_receipt(claim.receipt, checks.keccak), opening.place
    for name, got in (
        ("chain_id", proven.chain_id),
        ("contract", "0x" + proven.contract.hex()),
        ("log_id", "0x" + proven.log_id.hex()),
    ):
        if got != place[name]:
            raise ReceiptWrong(f"{name}: expected {place[name]} as the anchor was opened, got {got}")
    if (proven.size, proven.root) != (claim.size, claim.root):
        raise ReceiptWrong(
            f"receipt: expected size {claim.size} and root {claim.root.hex()}, got {proven.size} and"
            f" {proven.root.hex()}"
        )
    return Told(
        claim.seq,
        claim.size,
        _instant(proven.block_time_seconds),
        f"block {proven.block_number}, chain {proven.chain_id}",
        NO_BLOCK,
        (),
        proven.chain_id,
        Block(proven.block_number, proven.block_hash, proven.block_time_seconds),
        "0x" + proven.tx_hash.hex(),
        (proven.block_number, proven.tx_index, proven.log_index),
    )


def _witness(claim: Claim, opening: Opening, origin: str, note: bytes | None, checks: Checks) -> Told:
    checkpoint, witness = Checkpoint(origin, claim.size, claim.root), parse_vkey(opening.place["vkey"])
    cosignature = check_witness_receipt(claim.receipt, checkpoint, witness, checks.verify)
    return Told(claim.seq, claim.size, _instant(cosignature.time), f"witness {witness.name}", None)


def _timestamp(claim: Claim, opening: Opening, origin: str, note: bytes | None, checks: Checks) -> Told:
    if checks.stamps is None:
        return Told(claim.seq, claim.size, None, "", NO_ROOTS)
    if note is None:
        return Told(claim.seq, claim.size, None, "", NO_NOTE)
    stamped = check_stamp_receipt(claim.receipt, note, checks.stamps)
    return Told(claim.seq, claim.size, stamped.at, f"time authority {stamped.authority}", None)


def _double(claim: Claim, opening: Opening, origin: str, note: bytes | None, checks: Checks) -> Told:
    return Told(claim.seq, claim.size, None, "", NOTHING)


def _instant(seconds: int) -> str:
    if not 0 < seconds <= TIME_MAX_SECONDS:
        raise ReceiptWrong(f"time: expected seconds from 1970 to the year 9999, got {seconds}")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.000Z"


_BY_TYPE: Mapping[str, Callable[[Claim, Opening, str, bytes | None, Checks], Told]] = {
    EVM: _evm,
    WITNESS: _witness,
    TIMESTAMP: _timestamp,
    DOUBLE: _double,
}
