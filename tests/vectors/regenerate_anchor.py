"""Writes the vectors of docs/spec/anchor-contract.md: `python -m tests.vectors.regenerate_anchor`, from the root.

Made by the model and by hand-written encodings, not by the contract; tests/contracts/test_vectors.py plays them to it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ledger.anchors.artefact import load_artefact
from tests.contracts.deployed import Event, Value, encoded, signature_of
from tests.contracts.model import Kept, Model
from tests.contracts.recursive import Tree
from tests.contracts.signing import Key, domain_hash, hashed, struct_hash
from tests.vectors.regenerate_record import FOLDER

CHAIN_ID = 11155111
CONTRACT = b"\xc0" * 20
ORIGIN = "log.example/vectors"
OPENER, OWNER, HEIR, ANCHOR, NEXT = (Key(n) for n in (1, 2, 3, 4, 5))
SALT, OTHER_SALT = bytes(32), b"\x01" * 32
REASON = "damaged"
SIZES = (5, 8, 1_000_000)
WORD = 32


def sha256(text: str) -> bytes:
    """Return SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).digest()


def steps(model: Model) -> list[tuple[Key, str, tuple[Any, ...]]]:
    """Return the transactions that are played, in order."""
    log_id, heir = model.log_id(OPENER.address, SALT), model.log_id(OPENER.address, OTHER_SALT)
    tree = Tree(b"vectors", SIZES)
    checkpoints = [
        (OPENER, "anchor", (log_id, new, tree.root(new), proof, signed(model, log_id, new, tree.root(new))))
        for new, proof in (
            (SIZES[0], ()),
            (SIZES[1], tree.consistency(SIZES[0], SIZES[1])),
            (SIZES[2], tree.consistency(SIZES[1], SIZES[2])),
        )
    ]
    opened = (OWNER.address, ANCHOR.address)
    return [
        (OPENER, "openLog", (*opened, SALT, sha256(ORIGIN))),
        *checkpoints,
        (OWNER, "rotateAnchorKey", (log_id, NEXT.address)),
        (OWNER, "proposeOwner", (log_id, HEIR.address)),
        (HEIR, "acceptOwner", (log_id,)),
        (OPENER, "openLog", (HEIR.address, NEXT.address, OTHER_SALT, sha256(ORIGIN))),
        (HEIR, "supersede", (log_id, heir, sha256(REASON))),
        (OPENER, "anchor", (log_id, 9, bytes(32), (), bytes(65))),
    ]


def signed(model: Model, log_id: bytes, size: int, root: bytes) -> bytes:
    """Return the first anchor key's signature, which the model then knows."""
    digest = model.digest(log_id, size, root)
    signature = ANCHOR.sign(digest)
    model.signers[digest, signature] = ANCHOR.address
    return signature


def storage_of(log_id: bytes, log: Kept) -> dict[str, str]:
    """Return slot -> word of everything that is kept of a log."""
    begin = int.from_bytes(hashed(log_id + bytes(WORD)), "big")
    packed = log.size | int.from_bytes(log.anchor_key, "big") << 64 | (log.successor != bytes(32)) << 224
    words = (
        packed,
        *(int.from_bytes(one, "big") for one in (log.root, log.owner, log.proposed, log.successor)),
    )
    return {_hex(_word((begin + at) % 2**256)): _hex(_word(word)) for at, word in enumerate(words)}


def log_line(event: Event) -> dict[str, Any]:
    """Return topics and data of an event."""
    name, values = event
    (entry,) = [one for one in load_artefact().abi if one["type"] == "event" and one["name"] == name]
    pairs = list(zip(entry["inputs"], values, strict=True))
    topics = [hashed(signature_of(entry).encode())]
    topics += [encoded([one["type"]], [value]) for one, value in pairs if one["indexed"]]
    plain = [(one["type"], value) for one, value in pairs if not one["indexed"]]
    data = encoded([kind for kind, _ in plain], [value for _, value in plain])
    return {"topics": [_hex(topic) for topic in topics], "data": _hex(data)}


def error_data(name: str, values: tuple[Value, ...]) -> str:
    """Return the revert data of an error."""
    (entry,) = [one for one in load_artefact().abi if one["type"] == "error" and one["name"] == name]
    return _hex(
        hashed(signature_of(entry).encode())[:4] + encoded([one["type"] for one in entry["inputs"]], values)
    )


def vectors() -> dict[str, Any]:
    """Return everything that docs/spec/anchor-contract.md promises, as data."""
    model = Model(CHAIN_ID, CONTRACT)
    log_id = model.log_id(OPENER.address, SALT)
    return {
        "chain_id": CHAIN_ID,
        "contract": _hex(CONTRACT),
        "domain_separator": _hex(domain_hash(CHAIN_ID, CONTRACT)),
        "log_id": {"opener": _hex(OPENER.address), "salt": _hex(SALT), "is": _hex(log_id)},
        "origin": {"text": ORIGIN, "hash": _hex(sha256(ORIGIN))},
        "reason": {"text": REASON, "hash": _hex(sha256(REASON))},
        "steps": [_step(model, *one) for one in steps(model)],
    }


def rendered() -> str:
    """Return the text of the file."""
    return json.dumps(vectors(), indent=1, sort_keys=True, ensure_ascii=True) + "\n"


def _step(model: Model, sender: Key, name: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
    (entry,) = [one for one in load_artefact().abi if one["type"] == "function" and one["name"] == name]
    data = hashed(signature_of(entry).encode())[:4] + encoded(
        [one["type"] for one in entry["inputs"]], arguments
    )
    error, values, events = model.send(sender.address, name, *arguments)
    log_id = values[0] if name == "openLog" else arguments[0]
    assert isinstance(log_id, bytes)
    step: dict[str, Any] = {
        "calldata": _hex(data),
        "error": error_data(error, values) if error else None,
        "function": name,
        "logs": [log_line(event) for event in events],
        "sender": _hex(sender.address),
        "storage": storage_of(log_id, model.logs[log_id]),
    }
    if name == "anchor":
        size, root, signature = arguments[1], arguments[2], arguments[4]
        step["signing"] = {
            "digest": _hex(model.digest(log_id, size, root)),
            "signature": _hex(signature),
            "struct_hash": _hex(struct_hash(log_id, size, root)),
        }
    return step


def _word(number: int) -> bytes:
    return number.to_bytes(WORD, "big")


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


if __name__ == "__main__":
    (FOLDER / "anchor_contract.json").write_text(rendered(), encoding="ascii")
