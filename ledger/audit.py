"""The audit of integrity: is the record intact? (casework/audit.py asks whether each award was earned.)

One recipe over a `Source`: a folder, a database or a test's lists. It streams: memory does not grow with the entries.

    1. entry 0 opens the log: origin, first key, announced registry
    2. every entry: canonical bytes, envelope, kind and body, its place in the chain
    3. tree: leaf hashes and tiles as stored; the root at every checkpoint's size
    4. checkpoints: signed by the key in force, both keys at a rotation, root as computed; none beyond the entries
    5. known checkpoints: the same, from outside; they show a rebuilt, truncated or restored log
    6. key list as stored
    7. book: postings as stored, balances as stored, no account below zero that may not
    8. vault: every opened value opens the commitment of its entry
    9. commands: none twice
   10. trust policy: origin, keys, witnesses, minimum size

Anchors are a recipe of their own, over a log in which this one found nothing: ledger/audit_anchored.py.

What the caller still must do: bring trust policy and known checkpoints from somewhere the operator cannot write.
Without a trust policy the best answer is "consistent with itself; origin and freshness not checked".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from typing import Protocol

from ledger.ahead import Bundled, ReadBundle, is_worth_it, read_runs
from ledger.audit_derived import BookCheck, VaultCheck
from ledger.audit_signed import Marks
from ledger.book import Posting
from ledger.canonical import Dumps, Loads, json_dumps, json_loads
from ledger.chain import ChainHead, LinkBroken, SeqBroken, check_link
from ledger.checkpoints import (
    KeyList,
    first_keys,
)
from ledger.commitments import Opened
from ledger.entries import KINDS, REGISTRY_VERSION, ZERO_HASH, Entry, check_body
from ledger.errors import BundleError, CanonicalError, ChainError, EntryInvalid, ProofError
from ledger.findings import Result
from ledger.merkle import HASH_SIZE_BYTES, leaf_hash
from ledger.notes import Verify
from ledger.reading import QuickReader, Run, read_entry
from ledger.repeats import Repeats
from ledger.tiles import TILE_WIDTH, TileEdge, TileRef
from ledger.trust import TrustPolicy, check_trust

_ABOUT_THE_LOG = frozenset({"log_opened", "registry_published", "key_rotated"})


class Source(Protocol):
    """Where a log is read from. What a source does not hold it returns as None, and that step is left out."""

    def entries(self) -> Iterator[bytes]:
        """Yield the canonical bytes of all entries, in the order they are stored."""
        ...

    def checkpoints(self) -> Iterator[bytes]:
        """Yield the signed notes, by size."""
        ...

    def keys(self) -> Sequence[str] | None:
        """Return the vkeys stored beside the log, oldest to newest."""
        ...

    def size(self) -> int | None:
        """Return how many entries the source says it holds."""
        ...

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return the first `width` hashes of a stored tile, or None if it is missing or tiles are not stored."""
        ...

    def has_tiles(self) -> bool:
        """Say whether missing tiles are damage."""
        ...

    def opened(self) -> Iterator[Opened] | None:
        """Yield the private values that may be shown, by seq; erased ones are left out."""
        ...

    def postings(self) -> Iterator[Posting] | None:
        """Yield the stored book lines by (seq, n)."""
        ...

    def balances(self) -> Iterator[tuple[str, int]] | None:
        """Yield the stored balance of each account."""
        ...


def audit(
    source: Source,
    verify: Verify,
    *,
    trust: TrustPolicy | None = None,
    known: Sequence[bytes] = (),
    loads: Loads = json_loads,
    dumps: Dumps = json_dumps,
    repeats: bool = True,
) -> Result:
    """Check the whole log; see the recipe at the top. `repeats=False` leaves out step 9 and its temporary file.

    Damage is reported, not raised.

    Raises:
        OSError: the source or the temporary file could not be read or written.
    """
    run = _Run(source, verify, loads, dumps, known)
    if repeats:
        with Repeats() as seen:
            run.read_all(seen)
            run.check_repeats(seen)
    else:
        run.read_all(None)
    run.check_end(trust)
    return run.result


class _Run:
    """The state of one audit. Its methods are the steps; `read_all` is the one loop over the entries."""

    def __init__(
        self, source: Source, verify: Verify, loads: Loads, dumps: Dumps, known: Sequence[bytes]
    ) -> None:
        self.result = Result()
        self._source, self._verify, self._loads, self._dumps = source, verify, loads, dumps
        self._log = ""
        self._reader: QuickReader | None = None  # there once the log is known
        self._keys: KeyList | None = None
        self._size, self._prev, self._at = 0, ZERO_HASH, ""  # where the next entry must join
        self._suspect: int | None = None  # does not follow; the next entry tells which side was changed
        self._edge = TileEdge()
        self._has_tiles = source.has_tiles()
        self._book = BookCheck(source.postings(), self.result)
        self._vault = VaultCheck(source.opened(), self.result)
        self._marks = Marks(source.checkpoints(), known, verify, self.result)

    # ------------------------------------------------------------------------------------- steps 1 and 2: entries
    def read_all(self, seen: Repeats | None) -> None:
        """Read every entry once, as many at a time as a tile covers, so that runs and tiles close together."""
        try:
            source = self._source
            size = source.size() if isinstance(source, Bundled) else None
            if size is not None and isinstance(source, Bundled) and is_worth_it(size):
                self._read_bundles(source.bundle, size // TILE_WIDTH, seen)
            else:
                for lines in self._batches():
                    self._read_lines(lines, seen)
        except (ProofError, BundleError) as error:
            seq = self._edge.size
            what = f"entry {seq} and those after it cannot be read: {error}"
            self.result.found("entries", what, seq, "entries")
        if self._suspect is not None:
            self._settle_suspect(self._suspect, next_is_broken=False, at_end=True)

    def _batches(self) -> Iterator[list[bytes]]:
        lines: list[bytes] = []
        entries = self._source.entries()
        while True:
            try:
                data = next(entries, None)
            except (ProofError, BundleError):
                if lines:
                    yield lines
                raise
            if data is not None:
                lines.append(data)
            if len(lines) == TILE_WIDTH or (lines and data is None):
                yield lines
                lines = []
            if data is None:
                return

    def _read_bundles(self, bundle: ReadBundle, full: int, seen: Repeats | None) -> None:
        """Read a folder's bundles, `full` full ones and what is left, with the help of a second process."""
        with ExitStack() as helped:
            runs: Iterator[Run | None] = iter(())
            for index in range(full + 1):
                if index == 1 and self._reader is not None:
                    private = not self._vault.is_done
                    runs = helped.enter_context(closing(read_runs(self._reader, bundle, 1, full, private)))
                run = next(runs, None)
                if run is not None and self._fits(run):
                    self._take(run, seen)
                    continue
                lines = bundle(index)
                if lines is None:
                    return
                self._read_lines(lines, seen)

    def _read_lines(self, lines: Sequence[bytes], seen: Repeats | None) -> None:
        """Read entries quickly if all are as expected, else by halves; strictly what is left, to say why it is not."""
        if self._reader is not None and self._suspect is None:
            run = self._reader.read(lines, self._size)
            if run is not None and self._fits(run):
                self._take(run, seen)
                return
        if len(lines) == 1:
            self._read_line(lines[0], seen)
        else:
            half = len(lines) // 2
            self._read_lines(lines[:half], seen)
            self._read_lines(lines[half:], seen)

    def _read_line(self, data: bytes, seen: Repeats | None) -> None:
        self._marks.check_due(self._edge, self._log, self._keys)
        entry = self._read_strictly(data)
        leaf = leaf_hash(data)
        self._add_leaves([leaf])
        self._prev = leaf.hex()
        self._at = max(self._at, entry.at) if entry is not None else self._at
        self._size = entry.seq + 1 if entry is not None else self._size + 1
        last = self._edge.size - 1
        self._vault.check(last, [entry.private if entry is not None else {}], self._log)
        if seen is not None and entry is not None:
            seen.add(bytes.fromhex(entry.cmd))
        elif seen is not None:
            seen.skip()
        if self._reader is None and self._log:
            self._reader = QuickReader(self._log, self._loads, self._dumps)

    def _fits(self, run: Run) -> bool:
        """Say whether a run follows what was read, and all its kinds are announced and none is about the log."""
        return (
            self._suspect is None
            and (run.seq, run.prev) == (self._size, self._prev)
            and run.at >= self._at
            and _ABOUT_THE_LOG.isdisjoint(run.kinds)
            and all(KINDS[kind].since <= self.result.registry for kind in run.kinds)
        )

    def _take(self, run: Run, seen: Repeats | None) -> None:
        first = self._edge.size
        for seq, kind, body in run.moves:
            self._book.check(kind, seq, body)
        self._add_leaves(run.leaves, run.top)
        self._size += len(run.leaves)
        self.result.kinds |= run.kinds
        self._prev, self._at = run.leaves[-1].hex(), run.at_last
        self._vault.check(first, run.privates, self._log)
        if seen is not None:
            seen.add(run.cmds)

    def _read_strictly(self, data: bytes) -> Entry | None:
        """Read one entry in the slow way, reporting each thing that is wrong with it; None if it is no entry at all."""
        seq = self._size
        try:
            entry = read_entry(data, self._loads, self._dumps)
        except CanonicalError as error:
            self.result.found("canonical", f"entry {seq}: {error}", seq, "entries")
            return None
        except EntryInvalid as error:
            self.result.found("envelope", f"entry {seq}: {error}", seq, "entries")
            return None
        self._log = self._log or entry.log
        self.result.kinds.add(entry.kind)
        if self._edge.size == 0:
            self._open_log(entry)
        self._check_chain(entry)
        self._check_kind(entry)
        self._book.check(entry.kind, entry.seq, entry.body)
        return entry

    def _open_log(self, entry: Entry) -> None:
        self.result.origin = entry.log
        try:
            self._keys = first_keys(entry)
            check_body(entry.kind, entry.body, entry.private)
        except (ProofError, EntryInvalid) as error:
            self.result.found("log_opened", f"entry 0: {error}", 0, "entries")
            return
        self.result.registry = entry.body["registry"]
        self.result.simulated = entry.body["simulated"]
        if entry.body["origin"] != entry.log:
            self.result.found(
                "log_opened",
                f"entry 0: expected origin {entry.log}, got {entry.body['origin']}",
                0,
                "entries",
            )

    def _check_chain(self, entry: Entry) -> None:
        broken = False
        try:
            check_link(ChainHead(self._size, self._prev, self._at), self._log, entry)
        except LinkBroken:
            broken = True
        except SeqBroken as error:
            seq = min(self._size, entry.seq)
            self.result.found("seq", f"entry {seq} missing, doubled or out of order: {error}", seq, "entries")
        except ChainError as error:
            self.result.found("chain", str(error), entry.seq, "entries")
        if self._suspect is not None:
            was, self._suspect = self._suspect, None
            self._settle_suspect(was, next_is_broken=broken, at_end=False)
        elif broken:
            self._suspect = entry.seq

    def _settle_suspect(self, seq: int, *, next_is_broken: bool, at_end: bool) -> None:
        """Name the damaged side of a broken link.

        If the entry after `seq` does not fit either, `seq` itself was changed (its `prev` is part of its bytes);
        otherwise the entry before it was. At the very end the stored tiles decide.
        """
        self._suspect = None
        if at_end and self._has_tiles and seq > 0:
            stored = self._source.tile(0, (seq - 1) // TILE_WIDTH, (seq - 1) % TILE_WIDTH + 1)
            before = self._leaf_at(seq - 1)
            next_is_broken = stored is not None and before is not None and stored[-HASH_SIZE_BYTES:] == before
        damaged = seq if next_is_broken or seq == 0 else seq - 1
        self.result.found(
            "chain", f"entry {damaged} was changed: entry {seq} does not follow it", damaged, "entries"
        )

    def _leaf_at(self, index: int) -> bytes | None:
        """Return a leaf hash of the current partial tile, if it is still there."""
        for tile, hashes in self._edge.partials():
            offset = index - tile.index * TILE_WIDTH
            if tile.level == 0 and 0 <= offset < tile.width:
                return hashes[offset * HASH_SIZE_BYTES : (offset + 1) * HASH_SIZE_BYTES]
        return None

    def _check_kind(self, entry: Entry) -> None:
        kind = KINDS.get(entry.kind)
        if (
            entry.kind == "registry_published"
            and kind is not None
            and type(entry.body.get("registry")) is int
        ):
            self.result.registry = entry.body["registry"]
        if self.result.registry > REGISTRY_VERSION:
            self.result.newer = (
                True  # kinds and fields may be unknown to us; chain, tree and signatures are checked
            )
            return
        if kind is None or kind.since > self.result.registry:
            what = (
                f"entry {entry.seq}: expected a kind of registry {self.result.registry}, got {entry.kind!r}"
            )
            self.result.found("kind_unknown", what, entry.seq, "entries")
            return
        try:
            check_body(entry.kind, entry.body, entry.private)
            if self._keys is not None:
                self._keys = self._keys.extended(entry)
        except EntryInvalid as error:
            self.result.found("body", f"entry {entry.seq}: {error}", entry.seq, "entries")
        except ProofError as error:
            self.result.found("key", f"entry {entry.seq}: {error}", entry.seq, "entries")

    # ----------------------------------------------------------------------------------------------- step 3: tree
    def _add_leaves(self, leaves: Sequence[bytes], top: bytes | None = None) -> None:
        """Grow the tree, stopping at every size that a checkpoint covers."""
        at = 0
        while at < len(leaves):
            self._marks.check_due(self._edge, self._log, self._keys)
            reached = self._marks.next_size
            end = len(leaves) if reached is None else at + reached - self._edge.size
            part = leaves[at:end]
            for tile, hashes in self._edge.extend(part, top if len(part) == len(leaves) else None):
                if self._has_tiles:
                    self._check_tile(tile, hashes)
            at += len(part)

    def _check_tile(self, tile: TileRef, hashes: bytes) -> None:
        stored = self._source.tile(tile.level, tile.index, tile.width)
        if stored == hashes:
            return
        name = f"tile {tile.level}/{tile.index}"
        if stored is None or len(stored) != len(hashes):
            self.result.found(
                "tile", f"{name}: expected {tile.width} hashes, got {len(stored or b'') // 32}", None, "tiles"
            )
            return
        differs = (
            next(at for at in range(0, len(hashes), 32) if stored[at : at + 32] != hashes[at : at + 32]) // 32
        )
        if tile.level == 0:
            seq = tile.index * TILE_WIDTH + differs
            self.result.found("leaf", f"entry {seq}: its hash is not the one stored in {name}", seq, "tiles")
        elif not any(finding.detected_by == "tiles" for finding in self.result.findings):
            self.result.found("tile", f"{name}: hash {differs} is not that of the tile below", None, "tiles")

    # -------------------------------------------------------------------------------- steps 6, 9 and 10, at the end
    def check_repeats(self, seen: Repeats) -> None:
        """Report a command that took effect twice."""
        for cmd, first, again in seen.found():
            what = f"entry {again}: command {cmd.hex()} took effect before, at entry {first}"
            self.result.found("cmd_repeated", what, again, "entries")

    def check_end(self, trust: TrustPolicy | None) -> None:
        """Check what can be said only after the last entry."""
        size = self._edge.size
        self.result.size, self.result.root = size, self._edge.root()
        if self._has_tiles:
            for tile, hashes in self._edge.partials():
                self._check_tile(tile, hashes)
        self._check_truncation(size)
        self._check_key_file()
        self._book.check_end(size, self._source.balances())
        self._vault.check_end(size)
        if trust is not None:
            before = len(self.result.findings)
            check_trust(trust, self.result, self._keys, self._marks.opened, self._verify)
            self.result.trusted = len(self.result.findings) == before

    def _check_truncation(self, size: int) -> None:
        if size == 0:
            self.result.found("empty", "entries: expected log_opened at 0, got none", None, "entries")
        claimed = self._claimed_size()
        if claimed is not None and claimed != size:
            what = (
                f"entries {size}..{claimed - 1} are missing"
                if claimed > size
                else f"{size - claimed} entries too many"
            )
            self.result.found("truncated", f"{what}: expected {claimed} entries, got {size}", None, "size")
        self._marks.check_rest(self._edge, self._log, self._keys)

    def _claimed_size(self) -> int | None:
        try:
            return self._source.size()
        except ProofError as error:
            self.result.found("head", f"size and root as the source says them: {error}", None, "size")
            return None

    def _check_key_file(self) -> None:
        stored = self._source.keys()
        if stored is None or self._keys is None:
            return
        expected = [key.vkey() for key in self._keys.listed()]
        if list(stored) != expected:
            first = (
                f"first checkpoint {self._marks.last_stored_size}"
                if self._marks.last_stored_size
                else "no checkpoint"
            )
            self.result.found(
                "key", f"key list ({first}): expected {expected}, got {list(stored)}", None, "keys"
            )
