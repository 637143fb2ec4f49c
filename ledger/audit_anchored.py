"""The audit of anchors: does each receipt hold, and is what it anchors this log? docs/spec/anchoring.md section 8.

A consistency proof does not bind the size of a tree, so neither does a contract: size and root are computed here, from
the entries.

    1. one reading for what is claimed: `claims_of`
    2. a second one that grows the tree; at each claimed size its root is kept
    3. each entry of an anchor: its order, its place, its sizes; the root is that of this log; the receipt by its type
    4. blocks that the trust policy knows
    5. chains that were asked: what a contract accepted lies on this log (ledger/audit_chain.py)

What is wrong becomes a finding (damage); what cannot be checked here is told with what it would take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from ledger.anchors.chain_view import ChainView
from ledger.anchors.evm_receipt import check_superseded
from ledger.anchors.places import check_place, check_receipt_shape
from ledger.anchors.protocol import DOUBLE, EVM, WITNESS
from ledger.anchors.told import NO_BLOCK, NO_WITNESS, Anchored, AnchorTold, Checks, Claim, Opening, Told, tell
from ledger.audit_chain import check_chain
from ledger.canonical import Dumps, Loads, json_dumps, json_loads
from ledger.checkpoints import parse_text
from ledger.entries import Entry
from ledger.errors import EntryInvalid, ProofError
from ledger.findings import Result
from ledger.merkle import Frontier, leaf_hash
from ledger.notes import parse_note
from ledger.reading import read_entry
from ledger.trust import TrustPolicy

OPENED, ANCHORED, SUPERSEDED, CLOSED = (
    "anchor_opened",
    "checkpoint_anchored",
    "anchor_superseded",
    "anchor_closed",
)
KINDS = frozenset((OPENED, ANCHORED, SUPERSEDED, CLOSED))
_MARKS = (b'"kind":"anchor_', b'"kind":"checkpoint_anchored"')
"""Canonical bytes of an entry of these kinds hold one of them; within a text a quote would be escaped."""
DETECTED_BY = "receipts"


class Readable(Protocol):
    """What of a source of the audit is read here (ledger.audit.Source)."""

    def entries(self) -> Iterator[bytes]:
        """Yield the canonical bytes of all entries."""
        ...

    def checkpoints(self) -> Iterator[bytes]:
        """Yield the signed notes."""
        ...


@dataclass(slots=True)
class Claims:
    """What a log's entries claim of anchors: how each was opened, and which sizes are anchored."""

    openings: dict[str, Opening] = field(default_factory=dict)
    sizes: set[int] = field(default_factory=set)
    blocks: dict[str, set[int]] = field(default_factory=dict)
    """Anchor -> block numbers that its receipts name."""

    def on_chains(self) -> list[Opening]:
        """Return the anchors of type evm, as they were opened."""
        return [one for one in self.openings.values() if one.type == EVM]


def claims_of(
    source: Readable, result: Result, loads: Loads = json_loads, dumps: Dumps = json_dumps
) -> Claims:
    """Return what the entries that were audited claim. Places that are none are left out: findings say so later."""
    found = Claims()
    if KINDS.isdisjoint(result.kinds):
        return found
    for entry in _of_anchors(islice(source.entries(), result.size), loads, dumps):
        if entry.kind in (ANCHORED, SUPERSEDED):
            if entry.kind == ANCHORED:
                found.sizes.add(entry.body["size"])
            number = entry.body["receipt"].get("block_number")
            if type(number) is int:
                found.blocks.setdefault(entry.body["anchor"], set()).add(number)
        elif entry.kind == OPENED:
            try:
                check_place(entry.body["type"], entry.body["place"])
            except EntryInvalid:
                continue
            opening = Opening(entry.body["anchor"], entry.body["type"], entry.body["place"])
            found.openings.setdefault(opening.anchor, opening)
    return found


def _of_anchors(lines: Iterable[bytes], loads: Loads, dumps: Dumps) -> Iterator[Entry]:
    for data in lines:
        if any(mark in data for mark in _MARKS):
            entry = read_entry(data, loads, dumps)
            if entry.kind in KINDS:
                yield entry


def audit_anchored(
    source: Readable,
    claims: Claims,
    result: Result,
    checks: Checks,
    *,
    trust: TrustPolicy | None = None,
    chains: Sequence[ChainView] = (),
    loads: Loads = json_loads,
    dumps: Dumps = json_dumps,
) -> Anchored:
    """Check the anchors of a log whose audit (ledger.audit) found nothing; what is wrong goes into `result`.

    The chains were asked before; entries that came in since the audit grow the tree, and are not audited themselves.
    """
    _check_known(claims, result, trust)
    if not claims.openings and not claims.sizes and KINDS.isdisjoint(result.kinds):
        return Anchored()
    sizes = claims.sizes | {event.size for view in chains for event in view.events}
    sizes |= {view.size for view in chains} | {result.size}
    run = _Run(result, checks, trust, _notes_of(source, claims.sizes), sizes)
    for data in source.entries():
        run.add(data, loads, dumps)
    run.check_same()
    for view in chains:
        check_chain(view, run.told.anchors, run.root_of, run.seen, result)
    asked = {view.opening.anchor for view in chains}
    run.told.unread += [
        f"anchor {one.opening.anchor}: no node that was asked confirmed the blocks of {one.open[NO_BLOCK]} receipts"
        for one in run.told.anchors
        if one.opening.anchor in asked and one.open.get(NO_BLOCK, 0) > 0
    ]
    return run.told


def _check_known(claims: Claims, result: Result, trust: TrustPolicy | None) -> None:
    """A log made anew may tell of no anchor, or of another: what the auditor knows of must be among its own."""
    there = {
        (one.place["chain_id"], one.place["contract"], one.place["log_id"]) for one in claims.on_chains()
    }
    for chain_id, contract, log_id in sorted((trust.anchors if trust is not None else frozenset()) - there):
        what = (
            f"expected an anchor opened on chain {chain_id}, contract {contract}, log id {log_id}, got none"
        )
        result.found("trust_anchor", what, None, "trust")


def _notes_of(source: Readable, sizes: set[int]) -> dict[int, bytes]:
    """Return the published note at each of these sizes that has one."""
    found: dict[int, bytes] = {}
    if sizes:
        for note in source.checkpoints():
            size = parse_text(parse_note(note).text).size
            if size in sizes:
                found.setdefault(size, note)
    return found


class _Run:
    """One reading of the entries."""

    def __init__(
        self,
        result: Result,
        checks: Checks,
        trust: TrustPolicy | None,
        notes: Mapping[int, bytes],
        sizes: set[int],
    ) -> None:
        self.told = Anchored()
        self._anchors: dict[str, AnchorTold] = {}
        self._result, self._checks, self._trust, self._notes = result, checks, trust, notes
        self._witnesses = {key.vkey() for key in trust.witnesses} if trust is not None else set[str]()
        self._tree, self._sizes = Frontier(), sizes
        self._roots: dict[int, bytes] = {}
        self.seen: dict[str, set[int]] = {}
        """Anchor -> sizes that entries tell of."""

    def root_of(self, size: int) -> bytes | None:
        """Return the root of the first `size` entries, one of the sizes asked for; None where there are fewer."""
        return self._roots.get(size)

    def add(self, data: bytes, loads: Loads, dumps: Dumps) -> None:
        """Take the next entry: look at it, then grow the tree."""
        audited = self._tree.size < self._result.size
        for entry in _of_anchors((data,) if audited else (), loads, dumps):
            try:
                _STEPS[entry.kind](self, entry)
            except (ProofError, EntryInvalid) as error:
                self._found("receipt", entry.seq, f"{error}")
        self._tree.append(leaf_hash(data))
        if self._tree.size in self._sizes:
            self._roots[self._tree.size] = self._tree.root()

    def check_same(self) -> None:
        """What was read is what the audit read before."""
        root = self._roots.get(self._result.size)
        if root != self._result.root:
            got = "fewer" if root is None else root.hex()
            what = f"{self._result.size} entries: expected the root {self._result.root.hex()} as read before, got {got}"
            self._result.found("entries", what, None, DETECTED_BY)

    def _found(self, code: str, seq: int, what: str) -> None:
        self._result.found(code, f"entry {seq}: {what}", seq, DETECTED_BY)

    # ----------------------------------------------------------------------------------------------- entry by entry
    def opened(self, entry: Entry) -> None:
        """A new anchor, at a place of its type."""
        opening = Opening(entry.body["anchor"], entry.body["type"], entry.body["place"])
        if opening.anchor in self._anchors:
            self._found("anchor", entry.seq, f"expected a new anchor, got {opening.anchor}, opened before")
            return
        try:
            check_place(opening.type, opening.place)
        except EntryInvalid as error:
            self._found("anchor", entry.seq, f"{error}")
            return
        one = AnchorTold(opening)
        if opening.type == EVM and self._checks.code_hash not in (None, opening.place["code_hash"]):
            one.notes.append(
                f"it was opened at code of hash {opening.place['code_hash']}, not the contract that is known here: what"
                " it refuses cannot be said"
            )
        if opening.type == DOUBLE:
            one.notes.append("nobody outside holds this log's checkpoints here")
        self._anchors[opening.anchor] = one
        self.told.anchors.append(one)

    def anchored(self, entry: Entry) -> None:
        """Of an open anchor, larger than the one before, the root of this log there, and a receipt that holds."""
        body, seq = entry.body, entry.seq
        claim = Claim(seq, body["anchor"], body["size"], bytes.fromhex(body["root"]), body["receipt"])
        one = self._in_use(claim.anchor, seq)
        if one is None:
            return
        if claim.size <= one.size:
            self._found("anchor", seq, f"expected a size above {one.size}, got {claim.size}")
            return
        self.seen.setdefault(claim.anchor, set()).add(claim.size)
        root = self._roots.get(claim.size)
        if root is None:
            self._found("anchor_root", seq, f"expected a size of 1 to {seq}, got {claim.size}")
            return
        if root != claim.root:
            also = self._size_of_root(claim.root)
            self._found(
                "anchor_root",
                seq,
                f"size {claim.size}: expected the root {root.hex()} of this log, got {claim.root.hex()}{also}",
            )
            return
        check_receipt_shape(one.opening.type, claim.receipt)
        told = tell(claim, one.opening, self._result.origin, self._notes.get(claim.size), self._checks)
        if one.opening.type == WITNESS and one.opening.place["vkey"] not in self._witnesses:
            told = replace(told, open=NO_WITNESS)
        self._take(one, told)

    def _take(self, one: AnchorTold, told: Told) -> None:
        """Take what a receipt told: it stands later on its chain than the one before, in a block we may know."""
        if told.block is not None:
            if one.last is not None and told.place <= one.last.place:
                self._found(
                    "receipt",
                    told.seq,
                    f"expected a later place than {one.last.place} for a larger size, got {told.place}",
                )
                return
            before = one.last.block if one.last is not None else None
            if before is not None and told.block.time_seconds < before.time_seconds:
                expected = f"expected a time not before {before.time_seconds} s of block {before.number}"
                self._found("receipt", told.seq, f"{expected}, got {told.block.time_seconds} s")
                return
            number, got = told.block.number, told.block.hash
            _, digest = one.by_block.setdefault(number, (told.seq, got))
            if digest != got:
                expected = f"block {number}: expected the hash {digest.hex()} of an earlier receipt"
                self._found("block", told.seq, f"{expected}, got {got.hex()}")
                return
            told = self._confirmed(told)
        one.take(told)

    def superseded(self, entry: Entry) -> None:
        """One open anchor goes on in place of another; on a chain its receipt names the same successor."""
        body, seq = entry.body, entry.seq
        one = self._in_use(body["anchor"], seq)
        if one is None:
            return
        one.state = SUPERSEDED.removeprefix("anchor_")
        if body["by"] == body["anchor"]:
            self._found("anchor", seq, "expected another anchor to go on, got the same")
            return
        by = self._in_use(body["by"], seq)
        if by is None or not body["receipt"]:
            return
        if one.opening.type != EVM:
            self._found("receipt", seq, f"expected no receipt of a {one.opening.type}, got one")
        elif self._checks.keccak is not None:
            self._check_superseded(seq, body["receipt"], one, by.opening)

    def _check_superseded(self, seq: int, receipt: Mapping[str, Any], one: AnchorTold, by: Opening) -> None:
        """The receipt names this log and its successor, in a block that is not before the last anchored one."""
        assert self._checks.keccak is not None
        place = one.opening.place
        proven = check_superseded(receipt, self._checks.keccak)
        expected = [place["chain_id"], place["contract"], place["log_id"]]
        got: list[Any] = [
            proven.chain_id,
            "0x" + proven.contract.hex(),
            "0x" + proven.log_id.hex(),
        ]
        if by.type == EVM and [by.place["chain_id"], by.place["contract"]] == expected[:2]:
            expected, got = [*expected, by.place["log_id"]], [*got, "0x" + proven.successor.hex()]
        if got != expected:
            self._found("receipt", seq, f"expected chain, contract, log ids {expected}, got {got}")
            return
        number, digest = proven.block.number, proven.block.hash
        if one.last is not None and number < one.last.place[0]:
            self._found("receipt", seq, f"expected a block not before {one.last.place[0]}, got {number}")
            return
        trusted = {} if self._trust is None else self._trust.blocks
        _, earlier = one.by_block.get(number, (seq, digest))
        for whose, known in (
            ("of an earlier receipt", earlier),
            ("of the trust policy", trusted.get((proven.chain_id, number), digest)),
        ):
            if known != digest:
                wanted = f"block {number}: expected the hash {known.hex()} {whose}"
                self._found("block", seq, f"{wanted}, got {digest.hex()}")
                return
        one.ended_in = (seq, number, digest)

    def closed(self, entry: Entry) -> None:
        """Of an open anchor."""
        one = self._in_use(entry.body["anchor"], entry.seq)
        if one is not None:
            one.state = CLOSED.removeprefix("anchor_")

    def _in_use(self, anchor: str, seq: int) -> AnchorTold | None:
        one = self._anchors.get(anchor)
        if one is None or one.state != "open":
            got = "one that was never opened" if one is None else f"one that is {one.state}"
            self._found("anchor", seq, f"expected an open anchor, got {got}: {anchor}")
            return None
        return one

    def _size_of_root(self, root: bytes) -> str:
        size = next((size for size, known in self._roots.items() if known == root), None)
        return "" if size is None else f", which is its root at size {size}"

    # ---------------------------------------------------------------------------------------------- trusted blocks
    def _confirmed(self, told: Told) -> Told:
        """Hold a receipt's block against the trust policy's."""
        assert told.block is not None and told.chain_id is not None
        blocks = {} if self._trust is None else self._trust.blocks
        known = blocks.get((told.chain_id, told.block.number))
        if known is None:
            return told
        if known != told.block.hash:
            self._found(
                "block",
                told.seq,
                f"{told.clock}: expected the hash {known.hex()} of the trust policy, got {told.block.hash.hex()}",
            )
            return told
        return told.confirmed_by("block trusted")


_STEPS: Mapping[str, Callable[[_Run, Entry], None]] = {
    OPENED: _Run.opened,
    ANCHORED: _Run.anchored,
    SUPERSEDED: _Run.superseded,
    CLOSED: _Run.closed,
}
