"""Writes the vectors of the record's specifications: `python -m tests.vectors.regenerate_record`, from the root.

Run it only when a specification changed; tests/ledger/test_vectors.py fails when the files and the code differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ledger import canonical, commitments, merkle
from ledger.bundles import Bundle, proven, select, write_bundle
from ledger.checkpoints import Checkpoint, sign_checkpoint
from ledger.entries import KINDS, command_id
from ledger.merkle import consistency_proof, inclusion_proof, leaf_hash, nodes_over, root_at
from ledger.proofs import TlogProof
from ledger.reading import read_entry
from ledger.tiles import TileRef, bundle_path, pack_bundle, tile_path, tiles_at
from tests.ledger.logs import (
    CASE,
    LOG_KEY,
    LOG_SIGNER,
    NEXT_KEY,
    NEXT_SIGNER,
    ORIGIN,
    Scribe,
    checkpoint_at,
    grant,
    opened_log,
)

FOLDER = Path(__file__).resolve().parent

ACCEPTED = [
    {},
    [],
    0,
    "",
    None,
    True,
    {"b": 1, "a": [False, None, '\u20ac\u0000\u001f"\\/\b\f\n\r\t\u007f']},
    {"10": 1, "1": 2, "a": 3, "A": 4, "": 5},
    [2**53 - 1, -(2**53 - 1)],
    {"text": "A\u030a \U0001f602 \ufb33"},
]
REFUSED = [
    (b'{"a":1.5}', "FloatRefused"),
    (b"1e3", "FloatRefused"),
    (b"NaN", "FloatRefused"),
    (b"-0", "NegativeZero"),
    (b"[-0.0]", "NegativeZero"),
    (b"9007199254740992", "IntegerOutOfRange"),
    (b"-9007199254740992", "IntegerOutOfRange"),
    (b"123456789012345678901234567890", "IntegerOutOfRange"),
    ('{"\u00e9":1}'.encode(), "KeyNotAscii"),
    (b'{"\\u00e9":1}', "KeyNotAscii"),
    (b'{"a":1,"a":1}', "DuplicateKey"),
    (b'"\\ud800"', "LoneSurrogate"),
    (b'{"b":1,"a":1}', "NotCanonical"),
    (b'{"a": 1}', "NotCanonical"),
    (b'"\\u0041"', "NotCanonical"),
    (b'"\\u001F"', "NotCanonical"),
    (b'"\\/"', "NotCanonical"),
    (b"1\n", "NotCanonical"),
    (b"{}{}", "TrailingData"),
    (b"", "NotJson"),
    (b'{"a":1', "NotJson"),
    (b"\xef\xbb\xbf1", "NotJson"),
    (b"\xff", "BadUtf8"),
    (b'"\xed\xa0\x80"', "BadUtf8"),
    (b"[" * 33 + b"]" * 33, "NestingTooDeep"),
]


def canonical_vectors() -> dict[str, Any]:
    """Accepted values with their bytes, refused bytes with their error."""
    return {
        "accepted": [{"value": value, "bytes_hex": canonical.encode(value).hex()} for value in ACCEPTED],
        "refused": [{"bytes_hex": data.hex(), "error": error} for data, error in REFUSED],
    }


def chain_vectors() -> dict[str, Any]:
    """A short log: entries, leaf hashes, roots, one command id."""
    lines = opened_log(12).lines
    leaves = [leaf_hash(data) for data in lines]
    command = {
        "log": ORIGIN,
        "principal": "system",
        "key": "key 0",
        "cmd": command_id(ORIGIN, "system", "key 0"),
    }
    return {
        "command": command,
        "entries": [
            {"entry": data.decode(), "leaf": leaf.hex(), "root": merkle.root_of(leaves[: at + 1]).hex()}
            for at, (data, leaf) in enumerate(zip(lines, leaves, strict=True))
        ],
    }


def merkle_vectors() -> dict[str, Any]:
    """Leaf i is the text of i; every root up to 9, every proof up to size 6, one frontier."""
    leaves = [leaf_hash(str(at).encode()) for at in range(9)]
    nodes = nodes_over(leaves)
    frontier = merkle.Frontier()
    for leaf in leaves[:7]:
        frontier.append(leaf)
    return {
        "roots": [root_at(size, nodes).hex() for size in range(10)],
        "frontier_of_7_hex": frontier.to_bytes().hex(),
        "inclusion": [
            {"index": at, "size": size, "proof": [item.hex() for item in inclusion_proof(at, size, nodes)]}
            for size in range(1, 7)
            for at in range(size)
        ],
        "consistency": [
            {"old": old, "new": new, "proof": [item.hex() for item in consistency_proof(old, new, nodes)]}
            for new in range(1, 7)
            for old in range(1, new + 1)
        ],
    }


def tile_vectors() -> dict[str, Any]:
    """Paths, and which tiles a log of some sizes has."""
    return {
        "paths": [
            {"level": tile.level, "index": tile.index, "width": tile.width, "path": tile_path(tile)}
            for tile in (
                TileRef(0, 0, 256),
                TileRef(0, 1234067, 256),
                TileRef(2, 999, 1),
                TileRef(1, 1000, 17),
            )
        ],
        "bundles": [{"index": 273, "width": 112, "path": bundle_path(273, 112)}],
        "tiles": {str(size): [tile_path(tile) for tile in tiles_at(size)] for size in (0, 1, 256, 257, 600)},
        "packed_hex": pack_bundle([b"", b"abc"]).hex(),
    }


def note_vectors() -> dict[str, Any]:
    """Keys, a checkpoint, one with two signatures as at a rotation, a tlog-proof."""
    lines = opened_log(12).lines
    nodes = nodes_over([leaf_hash(data) for data in lines])
    note = checkpoint_at(lines, 12)
    proof = TlogProof(5, tuple(inclusion_proof(5, 12, nodes)), note, b"extra")
    both = [(LOG_KEY, LOG_SIGNER.sign), (NEXT_KEY, NEXT_SIGNER.sign)]
    return {
        "vkeys": [LOG_KEY.vkey(), NEXT_KEY.vkey()],
        "checkpoint": note.decode(),
        "rotation_checkpoint": sign_checkpoint(Checkpoint(ORIGIN, 12, root_at(12, nodes)), both).decode(),
        "tlog_proof": proof.to_bytes().decode(),
    }


def commitment_vectors() -> dict[str, Any]:
    """Commitments to values and to bytes."""
    salt = bytes(range(32))
    return {
        "values": [
            {
                "log": ORIGIN,
                "path": path,
                "salt": salt.hex(),
                "value": value,
                "commitment": commitments.commit_value(ORIGIN, path, salt, value),
            }
            for path, value in (("name", "Ada"), ("facts", {"room": 7, "note": "\u00fcber"}), ("note", ""))
        ],
        "bytes": [
            {
                "log": ORIGIN,
                "path": "content",
                "salt": salt.hex(),
                "bytes_hex": data.hex(),
                "commitment": commitments.commit_bytes(ORIGIN, "content", salt, data),
            }
            for data in (b"", b"\x00\xff")
        ],
    }


def example_bundle() -> Bundle:
    """One small award: the entries are of the right kinds and shapes; it tells no whole story."""
    scribe: Scribe = opened_log()
    scribe.write("member_joined", {"member": "somebody else", "roles": [], "same_as": None}, name="Eve")
    verdict, decision = _verdict(), _decision()
    scribe.write("verdict_given", verdict, CASE, input={"a": 1}, output={"b": 2})
    scribe.write("decision_made", decision, CASE)
    grant(scribe, "a1", 7)
    lines = scribe.lines
    nodes = nodes_over([leaf_hash(data) for data in lines])
    chosen = select(lambda: (read_entry(data) for data in lines), CASE)
    return Bundle(
        ORIGIN,
        CASE,
        "a1",
        tuple(proven(chosen, lambda seq: inclusion_proof(seq, len(lines), nodes))),
        checkpoint_at(lines, len(lines)),
        (LOG_KEY.vkey(),),
        tuple(item for item in scribe.opened if item.path == "message"),
    )


def _filled(kind: str, **given: Any) -> dict[str, Any]:
    """Return a body of this kind with plain values in every field that is not given."""
    from_type = {
        "int": 0, "bool": False, "text": "x", "id": "x", "ids": [], "texts": [], "hash": "0" * 64,
        "instant": "2026-11-24T10:00:00.000Z", "money": {"amount_minor": 0, "currency": "EUR"},
        "object": {}, "objects": [],
    }  # fmt: skip
    fields = KINDS[kind].fields
    return {name: given.get(name, None if of.endswith("?") else from_type[of]) for name, of in fields.items()}


def _verdict() -> dict[str, Any]:
    return _filled("verdict_given", verdict="verdict-a1", result="pass")


def _decision() -> dict[str, Any]:
    return _filled("decision_made", decision="decision-a1", about="award", verb="approved")


def bundle_vectors() -> dict[str, Any]:
    """One bundle that holds, as it is stored."""
    data = write_bundle(example_bundle())
    return {"bundle": data.decode(), "size": len(data)}


VECTORS: dict[str, Callable[[], dict[str, Any]]] = {
    "canonical": canonical_vectors,
    "chain": chain_vectors,
    "merkle": merkle_vectors,
    "tiles": tile_vectors,
    "notes": note_vectors,
    "commitments": commitment_vectors,
    "bundle": bundle_vectors,
}


def rendered(name: str) -> str:
    """Return the text of one vector file."""
    return json.dumps(VECTORS[name](), indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def main() -> None:
    """Write all files."""
    for name in VECTORS:
        (FOLDER / f"{name}.json").write_text(rendered(name), encoding="ascii")


if __name__ == "__main__":
    main()
