"""Anchors: the use cases beside office.py. What goes to the other side and comes back is ledger/anchors; this writes it
down.

Every method takes who asks, the idempotency key and the request; returns Done; raises Refused.
"""

from __future__ import annotations

from casework import anchor_rules
from casework.anchor_requests import CloseAnchor, OpenAnchor, RecordAnchored, SupersedeAnchor
from casework.intake import Done, Intake
from casework.requests import THE_SYSTEM, Principal
from ledger.commands import Need


class Anchoring:
    """The anchors of one organisation."""

    def __init__(self, intake: Intake) -> None:
        self._in = intake

    async def open(self, who: Principal, key: str, request: OpenAnchor) -> Done:
        """ids: anchor. Refused: see anchor_rules.opened."""
        needs = [Need("anchor", ())]
        return await self._in.submit(
            who, key, request, anchor_rules.opened, needs, ids=self._in.ids("anchor")
        )

    async def record(self, request: RecordAnchored, root: str | None) -> Done:
        """Write down, once for each anchor and size, that a checkpoint is anchored. ids: anchor.

        `root`: of the record at that size, hex, as the caller found it again; None: there is no such size.
        Refused: see anchor_rules.recorded, and idempotency_mismatch for another receipt of the same size.
        """
        key = f"anchored:{request.anchor}:{request.size}"
        needs = [Need("anchor", (request.anchor,))]
        return await self._in.submit(
            THE_SYSTEM, key, request, anchor_rules.recorded, needs, known={"root": root}
        )

    async def supersede(self, who: Principal, key: str, request: SupersedeAnchor) -> Done:
        """ids: anchor. Refused: see anchor_rules.superseded."""
        needs = [Need("anchor", (request.anchor,)), Need("anchor", (request.by,))]
        return await self._in.submit(who, key, request, anchor_rules.superseded, needs)

    async def close(self, who: Principal, key: str, request: CloseAnchor) -> Done:
        """ids: anchor. Refused: see anchor_rules.closed."""
        return await self._in.submit(
            who, key, request, anchor_rules.closed, [Need("anchor", (request.anchor,))]
        )
