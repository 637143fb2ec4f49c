"""The trust policy: what an auditor knows from outside, as one small text file. docs/spec/bundle.md section 4.

origin harbour-hotel-7f3a.invalid
log harbour-hotel-7f3a.invalid+1a2b3c4d+AQ...
witness accountant accountant.example+5e6f7081+BA...
quorum 1
minimum 1200
block 11155111 9500000 0x6b1f...
anchor 11155111 0x5fbd... 0x2c1d...

LedgerError
`-- TrustError   a line that is not one of these
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger.checkpoints import KeyList, OpenedCheckpoint, open_cosignatures
from ledger.errors import ProofError, TrustError
from ledger.findings import Result
from ledger.merkle import HASH_SIZE_BYTES, SIZE_MAX
from ledger.notes import ED25519, ED25519_COSIGNATURE, KeyMalformed, VerifierKey, Verify, parse_vkey

LINES_MAX_COUNT = 1000
ADDRESS_SIZE_BYTES = 20
POLICY_SIZE_MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """The origin and log keys the auditor trusts, the witnesses that count, and how long the log must be at least."""

    origin: str
    keys: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...] = ()
    quorum: int = 0
    minimum_size: int = 0
    blocks: Mapping[tuple[int, int], bytes] = field(default_factory=dict)
    """(chain id, number) -> hash of a block that the auditor knows to be part of its chain."""
    anchors: frozenset[tuple[int, str, str]] = frozenset()
    """(chain id, contract, log id), as `0x` hex, where the auditor knows this log to be anchored."""


def parse_trust(data: bytes) -> TrustPolicy:
    """Read a trust policy file. Empty lines and lines that start with `#` say nothing.

    Raises:
        TrustError: not UTF-8, too long, an unknown word, a wrong number of words, no origin, no log key, a quorum
            none can meet.
    """
    if len(data) > POLICY_SIZE_MAX_BYTES:
        raise TrustError(f"trust policy: expected at most {POLICY_SIZE_MAX_BYTES} bytes, got {len(data)}")
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise TrustError("trust policy: expected UTF-8 text, got other bytes") from None
    if len(lines) > LINES_MAX_COUNT:
        raise TrustError(f"trust policy: expected at most {LINES_MAX_COUNT} lines, got {len(lines)}")
    origin, quorum, minimum = "", 0, 0
    keys: list[VerifierKey] = []
    witnesses: list[VerifierKey] = []
    blocks: dict[tuple[int, int], bytes] = {}
    anchors: set[tuple[int, str, str]] = set()
    for number, line in enumerate(lines, start=1):
        match line.split():
            case []:
                continue
            case [word, *_] if word.startswith("#"):
                continue
            case ["origin", text] if not origin:
                origin = text
            case ["log", text]:
                keys.append(_key(text, ED25519, number))
            case ["witness", _, text]:
                witnesses.append(_key(text, ED25519_COSIGNATURE, number))
            case ["quorum", text]:
                quorum = _number(text, number)
            case ["minimum", text]:
                minimum = _number(text, number)
            case ["block", chain, height, text]:
                where = (_number(chain, number), _number(height, number))
                digest = bytes.fromhex(_hex(text, number, HASH_SIZE_BYTES)[2:])
                if blocks.setdefault(where, digest) != digest:
                    raise TrustError(
                        f"trust policy line {number}: expected one hash of block {height}, got two"
                    )
            case ["anchor", chain, contract, log_id]:
                address = _hex(contract, number, ADDRESS_SIZE_BYTES)
                anchors.add((_number(chain, number), address, _hex(log_id, number, HASH_SIZE_BYTES)))
            case _:
                raise TrustError(
                    f"trust policy line {number}: expected one origin, log VKEY, witness NAME VKEY, quorum N,"
                    f" minimum SIZE, block CHAIN_ID NUMBER HASH or anchor CHAIN_ID CONTRACT LOG_ID, got {line[:120]!a}"
                )
    if not origin or not keys:
        raise TrustError("trust policy: expected one origin line and a log line, got none")
    if quorum > len(witnesses):
        raise TrustError(
            f"trust policy: expected a quorum of at most {len(witnesses)} witnesses, got {quorum}"
        )
    return TrustPolicy(origin, tuple(keys), tuple(witnesses), quorum, minimum, blocks, frozenset(anchors))


def _key(text: str, key_type: int, number: int) -> VerifierKey:
    try:
        key = parse_vkey(text)
    except KeyMalformed as error:
        raise TrustError(f"trust policy line {number}: {error}") from None
    if key.type != key_type:
        raise TrustError(f"trust policy line {number}: expected a key of type {key_type}, got {key.type}")
    return key


def _number(text: str, number: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 16) or int(text) > SIZE_MAX:
        raise TrustError(f"trust policy line {number}: expected a number up to 2^53-1, got {text[:40]!a}")
    return int(text)


def _hex(text: str, number: int, size: int) -> str:
    digits = text.removeprefix("0x")
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        data = b""
    if len(data) != size or text != "0x" + data.hex():
        raise TrustError(
            f"trust policy line {number}: expected 0x and {2 * size} lower-case hex digits, got {text[:80]!a}"
        )
    return text


def check_trust(
    trust: TrustPolicy,
    result: Result,
    keys: KeyList | None,
    opened: Sequence[OpenedCheckpoint],
    verify: Verify,
) -> None:
    """Compare what an audit saw with the trust policy; what does not fit becomes a finding of `result`.

    1. origin   2. the last checkpoint is signed by a trusted key, or by one that a trusted key led to by a rotation
    3. witnesses   4. minimum size
    `opened` are the first checkpoint, those of the rotations, and the last, all signed as the log demands.
    """
    if trust.origin != result.origin:
        result.found("trust_origin", f"origin: expected {trust.origin}, got {result.origin}", None, "trust")
    trusted = set(trust.keys)
    for checkpoint in opened:
        if keys is not None and trusted & set(checkpoint.signed_by):
            trusted.add(keys.in_force(checkpoint.checkpoint.size))
    if not opened:
        result.found("trust_key", "checkpoint: expected one signed by a trusted key, got none", None, "trust")
    elif not trusted & set(opened[-1].signed_by):
        got = ", ".join(key.vkey() for key in opened[-1].signed_by)
        what = (
            f"first checkpoint {opened[0].checkpoint.size}: expected a signature by a trusted key, got {got}"
        )
        result.found("trust_key", what, None, "trust")
    if opened and trust.quorum:
        _check_quorum(trust, result, opened[-1], verify)
    if result.signed_size < trust.minimum_size:
        what = f"entries {result.signed_size}..{trust.minimum_size - 1} are missing: the trust policy knows of them"
        result.found("truncated", what, None, "trust")


def _check_quorum(trust: TrustPolicy, result: Result, last: OpenedCheckpoint, verify: Verify) -> None:
    try:
        count = len(open_cosignatures(last.note, trust.witnesses, verify))
    except ProofError as error:
        result.found("trust_witness", f"checkpoint {last.checkpoint.size}: {error}", None, "trust")
        return
    if count < trust.quorum:
        what = f"checkpoint {last.checkpoint.size}: expected {trust.quorum} witnesses, got {count}"
        result.found("trust_witness", what, None, "trust")
