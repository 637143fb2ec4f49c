"""Anchors of a shop: one on a chain that gives way to a witness, a time stamp that is closed, and what they hold.

What stands on the other side is not asked here: receipts have their shape alone.
"""

from __future__ import annotations

from typing import Any

from casework.anchor_requests import CloseAnchor, OpenAnchor, RecordAnchored, SupersedeAnchor
from casework.anchoring import Anchoring
from ledger.ed25519 import Ed25519Signer
from ledger.notes import ED25519_COSIGNATURE, VerifierKey
from tests.casework.shop import Shop

ADDRESS, HASH = "0x" + "ab" * 20, "0x" + "cd" * 32
CHAIN: dict[str, Any] = {
    "chain_id": 31337, "contract": ADDRESS, "code_hash": HASH, "log_id": HASH, "owner": ADDRESS, "anchor_key": ADDRESS,
    "payer": ADDRESS,
}  # fmt: skip
EVM_RECEIPT: dict[str, Any] = {
    "v": 1, "chain_id": 31337, "contract": ADDRESS, "log_id": HASH, "block_number": 7, "block_hash": HASH,
    "header": "0x", "tx_hash": HASH, "tx_index": 0, "receipt": "0x", "proof": [], "log_index": 0,
}  # fmt: skip
WITNESS_KEY = VerifierKey("witness.example/1", ED25519_COSIGNATURE, Ed25519Signer(bytes(32)).public_key)
WITNESS: dict[str, Any] = {"url": "https://witness.example", "vkey": WITNESS_KEY.vkey()}
STAMPS: dict[str, Any] = {"url": "https://time.example/tsa"}
COSIGNED: dict[str, Any] = {"v": 1, "cosignature": "\u2014 witness.example/1 AAAA"}
STAMPED: dict[str, Any] = {"v": 1, "token": "AAAA"}
DOUBLED: dict[str, Any] = {"v": 1}


async def held(here: Shop, anchor: str, receipt: dict[str, Any]) -> int:
    """Let an anchor hold the record as it is now; return the size."""
    size, root = await here.rows.head()
    await Anchoring(here.intake).record(RecordAnchored(anchor, size, root, receipt), root)
    return size


async def lived(here: Shop) -> dict[str, str]:
    """Open, hold, supersede, close; return names."""
    doors, owner = Anchoring(here.intake), here.people["owner"]
    named = {}
    for name, type_, place in (
        ("chain", "evm", CHAIN),
        ("witness", "witness", WITNESS),
        ("stamps", "timestamp", STAMPS),
    ):
        named[name] = (await doors.open(owner, here.key(), OpenAnchor(type_, place))).ids["anchor"]
    await held(here, named["chain"], EVM_RECEIPT)
    await held(here, named["witness"], COSIGNED)
    await held(here, named["chain"], EVM_RECEIPT)
    await held(here, named["stamps"], STAMPED)
    moved = SupersedeAnchor(named["chain"], named["witness"], "chain_ended", EVM_RECEIPT)
    await doors.supersede(owner, here.key(), moved)
    await doors.close(owner, here.key(), CloseAnchor(named["stamps"], "not_wanted"))
    await held(here, named["witness"], COSIGNED)
    return named
