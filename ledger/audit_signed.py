"""Steps 4 and 5 of the audit of integrity: checkpoints as stored and from outside, at the sizes they name."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence

from ledger.checkpoints import KeyList, OpenedCheckpoint, open_checkpoint, parse_text
from ledger.errors import ProofError
from ledger.findings import Result
from ledger.merkle import EMPTY_ROOT
from ledger.notes import SignatureMissing, SignatureWrong, Verify, parse_note
from ledger.tiles import TileEdge

Mark = tuple[int, int, bytes]
"""(size, 1 if it comes from outside, the signed note)"""


class Marks:
    """The checkpoints of one audit, by size. What is wrong with one goes into the result."""

    def __init__(
        self, stored: Iterable[bytes], known: Sequence[bytes], verify: Verify, result: Result
    ) -> None:
        self._result, self._verify = result, verify
        inside = ((size, 0, note) for size, note in self._sized(stored, "checkpoints"))
        outside = sorted((size, 1, note) for size, note in self._sized(known, "known"))
        self._marks: Iterator[Mark] = heapq.merge(inside, outside)
        self._mark = next(self._marks, None)
        self.last_stored_size = 0
        self.opened: list[OpenedCheckpoint] = []  # the first, those of rotations, and the last

    @property
    def next_size(self) -> int | None:
        """The size of the next checkpoint, or None after the last."""
        return None if self._mark is None else self._mark[0]

    def check_due(self, edge: TileEdge, log: str, keys: KeyList | None) -> None:
        """Check every checkpoint whose size the tree has reached."""
        while self._mark is not None and self._mark[0] <= edge.size:
            self._check(self._mark, edge, log, keys)
            self._mark = next(self._marks, None)

    def check_rest(self, edge: TileEdge, log: str, keys: KeyList | None) -> None:
        """Check those at the end of the entries; those beyond it are truncation."""
        self.check_due(edge, log, keys)
        while self._mark is not None:
            size, outside, _ = self._mark
            if size <= edge.size:
                self._check(self._mark, edge, log, keys)
            else:
                what = f"entries {edge.size}..{size - 1} are missing: a checkpoint is signed at {size}"
                self._result.found("truncated", what, None, "known" if outside else "checkpoints")
            self._mark = next(self._marks, None)

    def _sized(self, notes: Iterable[bytes], detected_by: str) -> Iterator[tuple[int, bytes]]:
        for number, note in enumerate(notes):
            try:
                size = parse_text(parse_note(note).text).size
            except ProofError as error:
                self._result.found("checkpoint", f"checkpoint number {number}: {error}", None, detected_by)
                continue
            yield size, note

    def _check(self, mark: Mark, edge: TileEdge, log: str, keys: KeyList | None) -> None:
        """Check a checkpoint whose size has been reached."""
        size, outside, note = mark
        source = "known" if outside else "checkpoints"
        if size == 0 and parse_text(parse_note(note).text).root != EMPTY_ROOT:
            self._result.found(
                "root", "checkpoint 0: expected the root of the empty tree, got another", None, source
            )
        if size == 0 or keys is None:
            return  # nothing to prove yet; or entry 0 is damaged, which is said already
        try:
            opened = open_checkpoint(note, log, keys, self._verify)
        except (SignatureMissing, SignatureWrong) as error:
            self._result.found(
                "key", f"checkpoint {size} is not signed by the log's key: {error}", None, source
            )
            return
        except ProofError as error:
            self._result.found("checkpoint", f"checkpoint {size}: {error}", None, source)
            return
        if size != edge.size:
            self._result.found(
                "checkpoint",
                f"checkpoint {size}: expected sizes in order, got it after {edge.size}",
                None,
                source,
            )
            return
        root = edge.root()
        if opened.checkpoint.root != root:
            lower = self._result.known_size if outside else self.last_stored_size
            what = (
                f"checkpoint {size}: entries {lower}..{size - 1} are not those that were signed:"
                f" expected root {opened.checkpoint.root.hex()}, got {root.hex()}"
            )
            self._result.found("root", what, None, source)
            return
        if outside:
            self._result.known_size = size
        else:
            for old in keys.also_due(self.last_stored_size, size):
                if old not in opened.signed_by:
                    what = f"checkpoint {size} covers a key rotation: expected one of {old.vkey()} too"
                    self._result.found("key", what, None, source)
            self.last_stored_size = self._result.signed_size = size
        if len(self.opened) > 1 and len(self.opened[-1].signed_by) == 1:
            self.opened.pop()
        self.opened.append(opened)
