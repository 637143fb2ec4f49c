"""Forged anchors: which entry of tests/anchors/anchored_logs.py says something else, and what the audit must say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.ed25519 import Ed25519Signer
from tests.anchors.anchored_logs import FIRST_BLOCK, NEXT_ID, TIME, Body, cosigned, on_chain, superseding
from tests.anchors.blocks import LOG_ID


def at(name: str, **other: Any) -> Callable[[str, Body], Body]:
    """The entry of this name says something else."""
    return lambda entry, body: body | other if entry == name else body


def receipt_at(name: str, make: Callable[[Body], Body]) -> Callable[[str, Body], Body]:
    """The entry of this name has another receipt."""
    return lambda entry, body: body | {"receipt": make(body)} if entry == name else body


def place_at(name: str, **other: Any) -> Callable[[str, Body], Body]:
    return lambda entry, body: body | {"place": body["place"] | other} if entry == name else body


def without(name: str) -> Callable[[str, Body], Body | None]:
    return lambda entry, body: None if entry == name else body


def then(name: str, kind: str, **more: Any) -> Callable[[str, Body], Any]:
    """After the entry of this name comes one more."""

    def edit(entry: str, body: Body) -> Any:
        kinds = {"open": "anchor_opened", "clos": "anchor_closed", "supe": "anchor_superseded"}
        own = kinds.get(entry[:4], "checkpoint_anchored")
        return [(own, body), (kind, body | more if kind == own else more)] if entry == name else body

    return edit


def root(body: Body) -> bytes:
    return bytes.fromhex(body["root"])


def real(body: Body, **other: Any) -> Body:
    """The receipt of a chain over what the entry says, but for `other`."""
    given = {"size": body["size"], "root": root(body), "number": FIRST_BLOCK + 1} | other
    return on_chain(**given)


CLOSE = {"anchor": "contract", "reason": "moved"}
STRANGER = Ed25519Signer(bytes([8]) * 32)

OTHER_LOG_IDS, NOT_OVER_THIS = "expected chain, contract, log ids", "expected one over this message"

FORGED: list[tuple[str, Callable[[str, Body], Any], str, str]] = [
    # order
    (
        "anchored without an opening",
        without("open contract"),
        "anchor",
        "got one that was never opened: contract",
    ),
    ("opened twice", then("open contract", "anchor_opened"), "anchor", "expected a new anchor, got contract"),
    ("opened at no place", at("open contract", place={}), "anchor", "place of evm: expected"),
    ("opened as no type", at("open contract", type="blockchain"), "anchor", "type: expected one of"),
    (
        "opened at a contract in capitals",
        place_at("open contract", contract="0x" + "C0" * 20),
        "anchor",
        "place.contract",
    ),
    ("witness without a key", place_at("open witness", vkey="x"), "anchor", "place.vkey"),
    (
        "anchored after it was closed",
        then("contract 0", "anchor_closed", **CLOSE),
        "anchor",
        "got one that is closed",
    ),
    ("closed twice", then("close stamps", "anchor_closed"), "anchor", "got one that is closed: stamps"),
    ("superseded by itself", at("supersede", by="contract"), "anchor", "expected another anchor to go on"),
    (
        "superseded by one that is closed",
        at("supersede", by="stamps"),
        "anchor",
        "got one that is closed: stamps",
    ),
    (
        "superseded by one that is none",
        at("supersede", by="nobody"),
        "anchor",
        "got one that was never opened",
    ),
    ("superseded twice", then("supersede", "anchor_superseded"), "anchor", "got one that is superseded"),
    (
        "the same checkpoint twice",
        then("contract 0", "checkpoint_anchored"),
        "anchor",
        "expected a size above",
    ),
    (
        "sizes that fall",
        lambda entry, body: (
            body
            if entry != "contract 0"
            else [("checkpoint_anchored", body), ("checkpoint_anchored", body | {"size": 3})]
        ),
        "anchor",
        "got 3",
    ),
    # size and root
    ("another root", at("contract 1", root="00" * 32), "anchor_root", "expected the root"),
    ("another root by a witness", at("witness 1", root="00" * 32), "anchor_root", "expected the root"),
    ("another root by a double", at("double 0", root="00" * 32), "anchor_root", "expected the root"),
    (
        "a size one too small",
        lambda entry, body: body | {"size": body["size"] - 1} if entry == "contract 1" else body,
        "anchor_root",
        "expected the root",
    ),
    (
        "a size one too large",
        lambda entry, body: body | {"size": body["size"] + 1} if entry == "witness 0" else body,
        "anchor_root",
        "which is its root at size",
    ),
    ("a size beyond the entries", at("contract 2", size=5_000), "anchor_root", "expected a size of 1 to"),
    ("size 0", at("contract 0", size=0), "anchor", "expected a size above 0"),
    (
        "a false size that the contract took",
        lambda entry, body: (
            body | {"size": body["size"] - 2, "receipt": real(body | {"size": body["size"] - 2})}
            if entry == "contract 1"
            else body
        ),
        "anchor_root",
        "expected the root",
    ),
    # receipts
    (
        "receipt of another size",
        receipt_at("contract 1", lambda body: real(body, size=body["size"] - 1)),
        "receipt",
        "expected size",
    ),
    (
        "receipt of another root",
        receipt_at("contract 1", lambda body: real(body, root=bytes(32))),
        "receipt",
        "expected size",
    ),
    (
        "receipt of another log",
        receipt_at("contract 1", lambda body: real(body, log_id=NEXT_ID)),
        "receipt",
        "log_id: expected",
    ),
    (
        "receipt that names another log",
        receipt_at("contract 1", lambda body: body["receipt"] | {"log_id": NEXT_ID}),
        "receipt",
        "expected 2 topics",
    ),
    (
        "receipt of another chain",
        receipt_at("contract 1", lambda body: body["receipt"] | {"chain_id": 1}),
        "receipt",
        "chain_id: expected",
    ),
    (
        "receipt of another contract",
        place_at("open contract", contract="0x" + "c1" * 20),
        "receipt",
        "contract: expected",
    ),
    (
        "receipt of the checkpoint before",
        lambda entry, body: body | {"receipt": real(body, size=11)} if entry == "contract 1" else body,
        "receipt",
        "expected size",
    ),
    (
        "receipt of a supersession",
        receipt_at(
            "contract 1", lambda body: superseding(NEXT_ID, body["size"], root(body), FIRST_BLOCK + 1)
        ),
        "receipt",
        "expected 2 topics",
    ),
    (
        "receipt of the same place in another block of that number",
        receipt_at("contract 1", lambda body: real(body, number=FIRST_BLOCK)),
        "receipt",
        "expected a later place",
    ),
    (
        "receipt of a block before the last one",
        receipt_at("contract 1", lambda body: real(body, number=FIRST_BLOCK - 1)),
        "receipt",
        "expected a later place",
    ),
    (
        "receipt of a later block with an earlier time",
        receipt_at("contract 1", lambda body: real(body, time=TIME - 1)),
        "receipt",
        "expected a time not before",
    ),
    (
        "receipt without its nodes",
        receipt_at("contract 1", lambda body: body["receipt"] | {"proof": []}),
        "receipt",
        "proof: expected",
    ),
    (
        "receipt with another header",
        receipt_at("contract 1", lambda body: body["receipt"] | {"header": "0xc0"}),
        "receipt",
        "expected block hash",
    ),
    (
        "receipt of version 2",
        receipt_at("contract 1", lambda body: body["receipt"] | {"v": 2}),
        "receipt",
        "receipt.v: expected 1",
    ),
    ("receipt that is empty", at("contract 1", receipt={}), "receipt", "receipt of evm: expected"),
    (
        "receipt of a witness on a chain",
        at("contract 1", receipt={"v": 1, "cosignature": "x"}),
        "receipt",
        "receipt of evm: expected",
    ),
    (
        "cosignature by a stranger",
        receipt_at("witness 1", lambda body: cosigned(body["size"], root(body), signer=STRANGER)),
        "receipt",
        NOT_OVER_THIS,
    ),
    (
        "cosignature of another size",
        receipt_at("witness 1", lambda body: cosigned(body["size"] + 1, root(body))),
        "receipt",
        NOT_OVER_THIS,
    ),
    (
        "cosignature of another root",
        receipt_at("witness 1", lambda body: cosigned(body["size"], bytes(32))),
        "receipt",
        NOT_OVER_THIS,
    ),
    (
        "cosignature at a time beyond all",
        receipt_at("witness 1", lambda body: cosigned(body["size"], root(body), 2**60)),
        "receipt",
        "time: expected seconds",
    ),
    (
        "cosignature that is no line",
        at("witness 1", receipt={"v": 1, "cosignature": "x"}),
        "receipt",
        "signature line: expected",
    ),
    ("token that is none", at("stamps 0", receipt={"v": 1, "token": "AAAA"}), "receipt", "expected"),
    (
        "double with more",
        at("double 0", receipt={"v": 1, "tx": "0x"}),
        "receipt",
        "receipt of double: expected",
    ),
    (
        "supersession on another log id",
        at("supersede", receipt=superseding(LOG_ID, 0, bytes(32), FIRST_BLOCK, NEXT_ID)),
        "receipt",
        OTHER_LOG_IDS,
    ),
    (
        "supersession by another log id",
        at("supersede", receipt=superseding("0x" + "3d" * 32, 0, bytes(32), FIRST_BLOCK)),
        "receipt",
        OTHER_LOG_IDS,
    ),
    (
        "supersession in another block of the last receipt's number",
        at("supersede", receipt=superseding(NEXT_ID, 0, bytes(32), FIRST_BLOCK + 2)),
        "block",
        "of an earlier receipt, got",
    ),
    (
        "supersession before the last checkpoint",
        at("supersede", receipt=superseding(NEXT_ID, 0, bytes(32), FIRST_BLOCK - 1)),
        "receipt",
        "expected a block not before",
    ),
    (
        "supersession with an anchoring's receipt",
        at("supersede", receipt=on_chain(9, bytes(32), FIRST_BLOCK)),
        "receipt",
        "expected 3 topics",
    ),
]
