"""What one step of the record is: the envelope, and how a body is held against its kind (ledger/kinds.py).

Read this file first. The bytes are specified in docs/spec/log-format.md, the kinds and how they evolve in
docs/spec/entry-kinds.md.
A kind is past tense. `REGISTRY_VERSION` counts up whenever a kind or a field is added; a log announces the version it
writes (`log_opened`, `registry_published`), so that a reader can tell "newer than me" from "damaged".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.errors import EntryInvalid
from ledger.kinds import KINDS as KINDS
from ledger.kinds import SECRET as SECRET
from ledger.kinds import Kind as Kind

ENTRY_VERSION = 1
REGISTRY_VERSION = 1
SYSTEM = "system"
ZERO_HASH = "0" * 64
CMD_DOMAIN = b"tallystick/cmd/v1"

Body = Mapping[str, Any]
"""Canonical JSON object: ASCII keys; values null, bool, int, str, list, object; never float."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a member's, agent's or customer link's random id, the role used, the door it came through."""

    id: str
    role: str
    via: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf of the log. `private` maps a path to the hex commitment of a value that lies in the vault."""

    v: int
    log: str
    seq: int
    at: str
    kind: str
    actor: Actor
    case: str | None
    body: Body
    private: Mapping[str, str]
    cmd: str
    prev: str

    def to_json(self) -> dict[str, Any]:
        """Return the envelope as the object whose canonical bytes are hashed."""
        return {
            "v": self.v,
            "log": self.log,
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "actor": {"id": self.actor.id, "role": self.actor.role, "via": self.actor.via},
            "case": self.case,
            "body": self.body,
            "private": self.private,
            "cmd": self.cmd,
            "prev": self.prev,
        }


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before the writer gives it log, seq, at, actor, cmd and prev.

    `opened` holds the plain values behind `private` (same paths) for projections; it is never hashed or stored here.
    """

    kind: str
    case: str | None
    body: Body
    private: Mapping[str, str] = field(default_factory=dict)
    opened: Mapping[str, Any] | None = None


# ---------------------------------------------------------------------------------------------- field types
Check = Callable[[Any], bool]


def _is_int(value: Any) -> bool:
    return type(value) is int


def _is_text(value: Any) -> bool:
    return type(value) is str


def is_hash(value: Any) -> bool:
    """64 lower-case hex digits."""
    return type(value) is str and len(value) == 64 and not value.strip("0123456789abcdef")


def is_instant(value: Any) -> bool:
    """RFC 3339 UTC with milliseconds, 24 characters: 2026-11-23T16:10:00.000Z."""
    return (
        type(value) is str and len(value) == 24 and value[10] == "T" and value[19] == "." and value[23] == "Z"
    )


def _is_texts(value: Any) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


def _is_money(value: Any) -> bool:
    """{"amount_minor": int, "currency": "EUR"}."""
    return (
        type(value) is dict
        and value.keys() == {"amount_minor", "currency"}
        and type(value["amount_minor"]) is int
        and type(value["currency"]) is str
        and len(value["currency"]) == 3
    )


def _is_objects(value: Any) -> bool:
    return type(value) is list and all(type(item) is dict for item in value)


FIELD_TYPES: dict[str, Check] = {
    "int": _is_int,
    "bool": lambda value: type(value) is bool,
    "text": _is_text,
    "id": lambda value: type(value) is str and 0 < len(value) <= 200,
    "ids": _is_texts,
    "texts": _is_texts,
    "hash": is_hash,
    "instant": is_instant,
    "money": _is_money,
    "object": lambda value: type(value) is dict,
    "objects": _is_objects,
}


def check_body(kind: str, body: Body, private: Mapping[str, str]) -> None:
    """Refuse a body that is not exactly what its kind declares.

    Raises:
        EntryInvalid: unknown kind, missing or unknown field, wrong type, undeclared private path.
    """
    declared = KINDS.get(kind)
    if declared is None:
        raise EntryInvalid(f"unknown kind: expected one of registry {REGISTRY_VERSION}, got {kind!r}")
    if body.keys() != declared.fields.keys():
        missing = sorted(declared.fields.keys() - body.keys())
        unknown = sorted(body.keys() - declared.fields.keys())
        raise EntryInvalid(f"{kind}: missing fields {missing}, unknown fields {unknown}")
    for name, type_name in declared.fields.items():
        value = body[name]
        if type_name[-1] == "?":
            if value is None:
                continue
            type_name = type_name[:-1]
        if not FIELD_TYPES[type_name](value):
            raise EntryInvalid(f"{kind}.{name}: expected {type_name}, got {value!r}"[:300])
    for path, commitment in private.items():
        if path not in declared.private or not is_hash(commitment):
            expected = f"one of {declared.private} with a hex commitment"
            raise EntryInvalid(
                f"{kind}: private path {path!r}: expected {expected}, got {commitment!r}"[:300]
            )


def command_id(log: str, principal: str, key: str) -> str:
    """Return `cmd`: hex SHA-256(CMD_DOMAIN 0x00 log 0x00 principal 0x00 idempotency key), all UTF-8.

    The key comes last and the others hold no 0x00 (`log` and ids are checked where they are made), so no two different
    triples give the same bytes.
    """
    parts = (CMD_DOMAIN, log.encode(), principal.encode(), key.encode())
    return hashlib.sha256(b"\x00".join(parts)).hexdigest()


def parse_entry(value: Any) -> Entry:
    """Read a decoded envelope strictly: exactly the members of docs/spec/log-format.md, with their types.

    The body is not checked against its kind here, because an auditor must be able to read a newer kind.

    Raises:
        EntryInvalid: any other shape.
    """
    if type(value) is not dict or value.keys() != _ENVELOPE.keys():
        got = sorted(value) if type(value) is dict else value
        raise EntryInvalid(f"envelope: expected members {sorted(_ENVELOPE)}, got {got!r}"[:300])
    for name, check in _ENVELOPE.items():
        if not check(value[name]):
            raise EntryInvalid(f"envelope member {name}: got {value[name]!r}"[:300])
    actor = value["actor"]
    return Entry(
        value["v"],
        value["log"],
        value["seq"],
        value["at"],
        value["kind"],
        Actor(actor["id"], actor["role"], actor["via"]),
        value["case"],
        value["body"],
        value["private"],
        value["cmd"],
        value["prev"],
    )


_ENVELOPE: dict[str, Check] = {
    "v": lambda value: value == ENTRY_VERSION and type(value) is int,
    "log": lambda value: type(value) is str and 0 < len(value) <= 200,
    "seq": lambda value: type(value) is int and value >= 0,
    "at": is_instant,
    "kind": lambda value: type(value) is str and 0 < len(value) <= 60,
    "actor": lambda value: (
        type(value) is dict
        and value.keys() == {"id", "role", "via"}
        and all(type(member) is str for member in value.values())
    ),
    "case": lambda value: value is None or (type(value) is str and 0 < len(value) <= 200),
    "body": lambda value: type(value) is dict,
    "private": lambda value: type(value) is dict and all(is_hash(member) for member in value.values()),
    "cmd": is_hash,
    "prev": is_hash,
}
