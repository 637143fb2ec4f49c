"""Writes evm_receipts.json: `python -m tests.vectors.regenerate_receipts`, from the root.

`accepted` are made from evm_blocks.json, which holds blocks as a real node (anvil) answered them, one transaction of
each type, and from blocks drawn by tests/anchors/blocks.py. `refused` name what differs from `base`, an honest one.
Run it only when docs/spec/anchoring.md changed; tests/anchors/test_receipts.py fails when file and code differ.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from ledger.anchors.evm_receipt import check_receipt
from ledger.anchors.receipts import prove_receipt
from tests.anchors.blocks import CHAIN_ID, CONTRACT, FORKS, LOG_ID, block, shown
from tests.anchors.forged_receipts import forged, honest

FOLDER = Path(__file__).resolve().parent
FILE = FOLDER / "evm_receipts.json"
SIZE_MAX_CHARS = 50_000
"""A forgery of more is made in the test alone."""


def recorded() -> list[dict[str, Any]]:
    """Return the recorded blocks."""
    found: list[dict[str, Any]] = json.loads((FOLDER / "evm_blocks.json").read_text(encoding="ascii"))
    return found


def facts(receipt: dict[str, Any]) -> dict[str, Any]:
    """Return what a receipt proves, as JSON."""
    found = asdict(check_receipt(receipt, keccak))
    return {name: shown(value) if isinstance(value, bytes) else value for name, value in found.items()}


def vectors() -> dict[str, Any]:
    """Return all of the file."""
    accepted = []
    for one in recorded():
        for at in range(len(one["receipts"])):
            where = (one["chain_id"], one["contract"], one["log_id"], 0)
            accepted.append(
                (
                    f"anvil, {one['fork']}, transaction {at}",
                    prove_receipt(one["block"], one["receipts"], at, *where),
                )
            )
    for fork in FORKS:
        for count, at in ((1, 0), (17, 16), (200, 129)) if fork == "prague" else ((5, 3),):
            made, receipts = block(fork, tuple(number % 5 for number in range(count)), at)
            name = f"drawn, {fork}, transaction {at} of {count}"
            accepted.append((name, prove_receipt(made, receipts, at, CHAIN_ID, CONTRACT, LOG_ID, 1)))
    base = honest()
    refused = []
    for name, receipt, error in forged():
        change = {
            member: value for member, value in receipt.items() if _text(base.get(member)) != _text(value)
        }
        lacks = sorted(base.keys() - receipt.keys())
        if len(json.dumps(change)) <= SIZE_MAX_CHARS:
            refused.append({"name": name, "change": change, "lacks": lacks, "error": error.__name__})
    return {
        "accepted": [
            {"name": name, "receipt": receipt, "facts": facts(receipt)} for name, receipt in accepted
        ],
        "base": base,
        "refused": refused,
    }


def _text(value: Any) -> str:
    """JSON text tells true from 1, which Python does not."""
    return json.dumps(value)


def rendered() -> str:
    """Return the text of the file."""
    return json.dumps(vectors(), indent=1, sort_keys=True, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="ascii")
