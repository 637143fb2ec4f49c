"""A log with anchors of every type, real in every byte; a test changes what one of its entries says.

contract   opened, three checkpoints, superseded by `second`, which goes on
witness    opened, two checkpoints
stamps     opened, one checkpoint, closed
double     opened, one checkpoint
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth_hash.auto import keccak

from ledger.anchors.chain_view import ChainView
from ledger.anchors.evm_receipt import check_superseded
from ledger.anchors.receipts import prove_receipt
from ledger.anchors.stamp_receipt import CheckStamp, receipt_of, token_in
from ledger.anchors.told import Anchored, Checks
from ledger.audit import audit
from ledger.audit_anchored import audit_anchored, claims_of
from ledger.checkpoints import Checkpoint, cosignature_message
from ledger.ed25519 import Ed25519Signer, verify
from ledger.findings import Result
from ledger.merkle import leaf_hash, root_of
from ledger.notes import ED25519_COSIGNATURE, Signature, VerifierKey
from ledger.trust import TrustPolicy
from tests.anchors.blocks import CHAIN_ID, CONTRACT, LOG_ID, anchoring, header, receipt, shown
from tests.ledger.logs import CASE, ORIGIN, Held, Scribe, checkpoint_at, opened_log

CODE_HASH = "0x" + "5c" * 32
NEXT_ID = "0x" + "2d" * 32
ADDRESS = "0x" + "ad" * 20
SUPERSEDED = keccak(b"LogSupersededBy(bytes32,bytes32,bytes32,uint64,bytes32)")
WITNESS_SIGNER = Ed25519Signer(bytes([7]) * 32)
WITNESS_KEY = VerifierKey("witness.invalid", ED25519_COSIGNATURE, WITNESS_SIGNER.public_key)
FIRST_BLOCK, TIME = 9_500_000, 1_790_000_000
COSIGNED_AT = 1_790_000_500

Body = dict[str, Any]
Edit = Callable[[str, Body], "Body | list[tuple[str, Body]] | None"]
"""(name of an entry, its body) -> another body, several entries in its place, or None: left out."""


def place(log_id: str = LOG_ID) -> Body:
    """Return the place of an anchor on the chain."""
    return {
        "chain_id": CHAIN_ID, "contract": CONTRACT, "code_hash": CODE_HASH, "log_id": log_id, "owner": ADDRESS,
        "anchor_key": ADDRESS, "payer": ADDRESS,
    }  # fmt: skip


def on_chain(size: int, root: bytes, number: int, log_id: str = LOG_ID, **given: Any) -> Body:
    """Return the receipt of a block that was made for it: as good as one of a chain, but for the block's hash."""
    log = anchoring(size, root, log_id=log_id)
    return _proven(log, number, log_id, **given)


def superseding(successor: str, size: int, root: bytes, number: int, log_id: str = LOG_ID) -> Body:
    """Return the receipt of a supersession."""
    data = bytes(32) + size.to_bytes(32, "big") + root
    log = {"address": CONTRACT, "topics": [shown(SUPERSEDED), log_id, successor], "data": shown(data)}
    return _proven(log, number, log_id, check=check_superseded)


def _proven(
    log: Body, number: int, log_id: str, tx_index: int = 1, time: int | None = None, **given: Any
) -> Body:
    receipts = [receipt(at, 2, [log] if at == tx_index else []) for at in range(tx_index + 1)]
    block = header(receipts, number=number, timestamp=time or TIME + 12 * (number - FIRST_BLOCK))
    return prove_receipt(block, receipts, tx_index, CHAIN_ID, CONTRACT, log_id, 0, **given)


def cosigned(size: int, root: bytes, at: int = COSIGNED_AT, signer: Ed25519Signer = WITNESS_SIGNER) -> Body:
    """Return a witness's receipt."""
    message = cosignature_message(at, Checkpoint(ORIGIN, size, root).text())
    value = at.to_bytes(8, "big") + signer.sign(message)
    return {"v": 1, "cosignature": Signature(WITNESS_KEY.name, WITNESS_KEY.key_id, value).line().rstrip("\n")}


class AnchoredLog:
    """The log, written entry by entry; `roots` are those of its own prefixes."""

    def __init__(self, stamp: Callable[[bytes], bytes], edit: Edit | None = None) -> None:
        """`stamp`: bytes -> TimeStampResp."""
        self.scribe: Scribe = opened_log()
        self.notes: list[int] = []
        self.seqs: dict[str, int] = {}
        self._stamp, self._edit = stamp, edit
        self._write_all()

    def _write_all(self) -> None:
        for name, type_, where in (
            ("contract", "evm", place()),
            ("witness", "witness", {"url": "https://witness.invalid", "vkey": WITNESS_KEY.vkey()}),
            ("stamps", "timestamp", {"url": "https://time.invalid"}),
            ("double", "double", {}),
        ):
            self._write(f"open {name}", "anchor_opened", {"anchor": name, "type": type_, "place": where})
        for number in range(3):
            self.fill(7)
            size, root = self.state()
            self._anchored("contract", number, size, root, on_chain(size, root, FIRST_BLOCK + number))
            if number < 2:
                self._anchored("witness", number, size, root, cosigned(size, root, COSIGNED_AT + number))
            if number == 1:
                token = token_in(self._stamp(checkpoint_at(self.scribe.lines, size)))
                self._anchored("stamps", 0, size, root, receipt_of(token))
                self._anchored("double", 0, size, root, {"v": 1})
        self._write("close stamps", "anchor_closed", {"anchor": "stamps", "reason": "not_wanted"})
        self._write(
            "open second", "anchor_opened", {"anchor": "second", "type": "evm", "place": place(NEXT_ID)}
        )
        told = superseding(NEXT_ID, size, root, FIRST_BLOCK + 9)
        moved = {"anchor": "contract", "by": "second", "reason": "moved", "receipt": told}
        self._write("supersede", "anchor_superseded", moved)
        self.fill(3)
        size, root = self.state()
        self._anchored("second", 0, size, root, on_chain(size, root, FIRST_BLOCK + 10, NEXT_ID))

    def _anchored(self, anchor: str, number: int, size: int, root: bytes, told: Body) -> None:
        body = {"anchor": anchor, "size": size, "root": root.hex(), "receipt": told}
        self._write(f"{anchor} {number}", "checkpoint_anchored", body)

    def _write(self, name: str, kind: str, body: Body) -> None:
        edited = body if self._edit is None else self._edit(name, body)
        entries = [(kind, edited)] if isinstance(edited, dict) else edited or []
        for each, what in entries:
            self.seqs[name] = self.scribe.write(each, what)

    def fill(self, count: int) -> None:
        """Add entries about something else."""
        for _ in range(count):
            self.scribe.write("acknowledged", {"until": "2026-11-24T10:00:00.000Z"}, CASE)

    def state(self) -> tuple[int, bytes]:
        """Return size and root, which are published."""
        size = len(self.scribe.lines)
        self.notes.append(size)
        return size, self.root(size)

    def root(self, size: int) -> bytes:
        """Return the root of the first entries."""
        return root_of(leaf_hash(data) for data in self.scribe.lines[:size])

    def held(self) -> Held:
        """Return it as a source of the audit."""
        return Held.of(self.scribe, *self.notes)


def audited(
    source: Any,
    stamps: CheckStamp | None,
    *,
    trust: TrustPolicy | None = None,
    chains: list[ChainView] | None = None,
    with_keccak: bool = True,
    code_hash: str | None = None,
) -> tuple[Result, Anchored]:
    """Run the audit of integrity, which finds nothing, and that of the anchors."""
    result = audit(source, verify, trust=trust)
    assert result.findings == []
    claims = claims_of(source, result)
    checks = Checks(verify, keccak if with_keccak else None, stamps, code_hash)
    return result, audit_anchored(source, claims, result, checks, trust=trust, chains=chains or [])
