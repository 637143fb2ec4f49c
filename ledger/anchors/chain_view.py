"""What a node answered about one anchor's contract, as data. Read by ledger/anchors/chain.py, judged by
ledger/audit_chain.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.anchors.told import Opening

NO_SUCCESSOR = bytes(32)


@dataclass(frozen=True, slots=True)
class AnchorEvent:
    """A checkpoint that the contract accepted, and the block it did so in."""

    size: int
    root: bytes
    block_number: int
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class ChainView:
    """What one node says of one anchor: at its block `final_number`, the newest that it calls final.

    `node`: its host, without what a URL may hold of secrets. `size`, `root`: what the contract holds, 0 for nothing.
    `blocks`: number -> hash in the chain, of blocks that receipts name, None beyond its end. `missing`: why not all
    events could be read; None if they were.
    """

    node: str
    opening: Opening
    chain_id: int
    final_number: int
    code_hash: bytes | None
    size: int
    root: bytes
    successor: bytes
    events: tuple[AnchorEvent, ...]
    blocks: Mapping[int, bytes | None]
    missing: str | None = None
