"""What an anchor's place says by its type, and which members a receipt has. docs/spec/anchoring.md sections 2 and 3.

Shapes alone: whether a contract stands there, and whether a receipt holds, is asked elsewhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ledger.anchors.protocol import DOUBLE, EVM, TIMESTAMP, TYPES, WITNESS
from ledger.canonical import INTEGER_MAX, encode
from ledger.errors import CanonicalError, EntryInvalid
from ledger.notes import ED25519_COSIGNATURE, KeyMalformed, parse_vkey

URL_CHARS_MAX = 400
RECEIPT_SIZE_MAX_BYTES = 40_000
"""Of a receipt's canonical bytes; an entry has at most 60,000."""
RECEIPT_VERSION = 1

_HASH_DIGITS, _ADDRESS_DIGITS = 64, 40


def _is_hex(digits: int) -> Callable[[Any], bool]:
    def is_hex(value: Any) -> bool:
        return (
            type(value) is str
            and len(value) == digits + 2
            and value.startswith("0x")
            and not value[2:].strip("0123456789abcdef")
        )

    return is_hex


_is_hash = _is_hex(_HASH_DIGITS)
_is_address = _is_hex(_ADDRESS_DIGITS)


def _is_chain(value: Any) -> bool:
    return type(value) is int and 0 < value <= INTEGER_MAX


def is_place_url(value: Any) -> bool:
    """Say whether an address may be asked: https, or http to this very machine; no user, query or fragment."""
    if type(value) is not str or not value.isascii() or not value.isprintable() or len(value) > URL_CHARS_MAX:
        return False
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.query or parts.fragment or "@" in parts.netloc or " " in value:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_vkey(value: Any) -> bool:
    try:
        return type(value) is str and parse_vkey(value).type == ED25519_COSIGNATURE
    except KeyMalformed:
        return False


Member = tuple[Callable[[Any], bool], str]
"""Test of one value, and what was expected."""
_URL: Member = (is_place_url, "https://..., or http:// to this machine")
_HASH: Member = (_is_hash, "0x and 64 lower-case hex digits")
_ADDRESS: Member = (_is_address, "0x and 40 lower-case hex digits")

PLACES: Mapping[str, Mapping[str, Member]] = {
    EVM: {
        "chain_id": (_is_chain, "a whole number from 1 on"),
        "contract": _ADDRESS,
        "code_hash": _HASH,
        "log_id": _HASH,
        "owner": _ADDRESS,
        "anchor_key": _ADDRESS,
        "payer": _ADDRESS,
    },
    WITNESS: {"url": _URL, "vkey": (_is_vkey, "the verifier key of a witness (cosignature/v1)")},
    TIMESTAMP: {"url": _URL},
    DOUBLE: {},
}
"""Type -> members of its place."""

RECEIPTS: Mapping[str, frozenset[str]] = {
    EVM: frozenset(
        {
            "v", "chain_id", "contract", "log_id", "block_number", "block_hash", "header", "tx_hash", "tx_index",
            "receipt", "proof", "log_index",
        }
    ),
    WITNESS: frozenset({"v", "cosignature"}),
    TIMESTAMP: frozenset({"v", "token"}),
    DOUBLE: frozenset({"v"}),
}  # fmt: skip
"""Type -> members of its receipt."""

SAME: Mapping[str, tuple[str, ...]] = {
    EVM: ("chain_id", "contract", "log_id"),
    WITNESS: ("vkey",),
    TIMESTAMP: ("url",),
    DOUBLE: (),
}
"""Type -> the members by which two anchors are one place."""


def check_place(type_: str, place: Mapping[str, Any]) -> None:
    """Check that a place is what its type asks for.

    Raises:
        EntryInvalid: another type, a member too many or too few, or one that is not what it should be.
    """
    expected = PLACES.get(type_)
    if expected is None:
        raise EntryInvalid(f"type: expected one of {', '.join(TYPES)}, got {type_[:40]!r}")
    if place.keys() != expected.keys():
        raise EntryInvalid(f"place of {type_}: expected {sorted(expected)}, got {sorted(place)}"[:300])
    for name, (holds, wanted) in expected.items():
        if not holds(place[name]):
            raise EntryInvalid(f"place.{name}: expected {wanted}, got {place[name]!r}"[:300])


def check_receipt_shape(type_: str, receipt: Mapping[str, Any]) -> None:
    """Check that a receipt has the members of its type and fits an entry; whether it holds is not asked here.

    Raises:
        EntryInvalid: other members, another version, or too long.
    """
    expected = RECEIPTS[type_]
    if receipt.keys() != expected:
        raise EntryInvalid(f"receipt of {type_}: expected {sorted(expected)}, got {sorted(receipt)}"[:300])
    if type(receipt["v"]) is not int or receipt["v"] != RECEIPT_VERSION:
        raise EntryInvalid(f"receipt.v: expected {RECEIPT_VERSION}, got {receipt['v']!r}"[:300])
    try:
        encode(dict(receipt), size_max_bytes=RECEIPT_SIZE_MAX_BYTES)
    except CanonicalError as error:
        raise EntryInvalid(f"receipt: {error}"[:300]) from error


def same_place(type_: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two places of one type are the same one."""
    return all(one[name] == other[name] for name in SAME[type_])
