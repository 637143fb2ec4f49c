"""The double of an anchor: for demos and tests, where nobody outside holds anything. Every page and audit says so."""

from __future__ import annotations

import warnings

from ledger.anchors.protocol import DOUBLE, Anchored, Progress, Wanted

VERSION = 1
WARNING = "a double stands in for an anchor: nobody outside holds this log's checkpoints, and nothing may be claimed"


class DoubleAnchor:
    """Says at once that a checkpoint is anchored, and warns. Implements ledger.anchors.protocol.Anchor."""

    type = DOUBLE

    def __init__(self, anchor: str, size: int = 0) -> None:
        """`size` is the largest whose receipt is an entry. Warns."""
        warnings.warn(WARNING, stacklevel=2)
        self.anchor = anchor
        self._recorded = size
        self._final: Anchored | None = None

    async def advance(self, wanted: Wanted | None) -> Progress:
        """Give back the newest checkpoint until it was recorded."""
        if self._final is None and wanted is not None and wanted.size > self._recorded:
            self._final = Anchored(wanted.size, wanted.root, {"v": VERSION})
        return Progress(anchored=(self._final,) if self._final is not None else ())

    async def recorded(self, size: int) -> None:
        """Forget what is an entry."""
        self._recorded = max(self._recorded, size)
        if self._final is not None and self._final.size <= size:
            self._final = None

    async def close(self) -> None:
        """Nothing is held open."""
