"""A provider's result of a course in a file that the provider signed: one JWS in compact form (RFC 7515), Ed25519
(RFC 8037, alg EdDSA), under a key that an owner trusted before.

E4: signed by a third party. Whoever holds the source's key could have made it, and nobody here: neither who brings the
file nor this server. The file is kept whole, the key stands in an entry: anybody can check it again, without us.

    header   {"alg": "EdDSA"}, with "kid" and "typ" if it likes, and nothing more: a header that one reader obeys and
             another ignores (crit, b64, jwk, x5u) is refused
    payload  {"registration", "account", "course", "course_version", "result", "score"?, "attempts",
              "duration_seconds", "completed_at", "expires_at"?}
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework.errors import refuse
from casework.undeclared import UNDECLARED
from ledger.changes import Row
from ledger.errors import Refused
from ledger.notes import SignatureWrong
from verifiers import controllers
from verifiers.reading import instant_ms
from verifiers.work_items import RESULTS, SCORE_MAX

GRADE = "E4"
CHANNEL = "file"
FILE_CHARS_MAX = 16_384
TEXT_CHARS_MAX = 200
NUMBER_MAX = 10**9
PUBLIC_BYTES = 32
ALG = "EdDSA"
HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
_PART = re.compile(r"[A-Za-z0-9_-]+")
TEXTS = ("registration", "account", "course", "course_version")
NUMBERS = ("attempts", "duration_seconds")
OPTIONAL = ("score", "expires_at")
REQUIRED = (*TEXTS, "result", *NUMBERS, "completed_at")

Verify = Callable[[bytes, bytes, bytes], None]
"""Public key, message, signature; raises SignatureWrong."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A file taken apart: what was signed, by what, and what it says."""

    signed: bytes
    signature: bytes
    payload: Mapping[str, Any]


def key_name(public: bytes) -> str:
    """Return the name of a public key: hex SHA-256 of its 32 bytes."""
    return hashlib.sha256(public).hexdigest()


def read_public(text: str) -> bytes:
    """Return the bytes of a public key given in base64url. Raises Refused: value_invalid."""
    found = _decoded(text, "public")
    if len(found) != PUBLIC_BYTES or write_public(found) != text:
        raise refuse(
            "value_invalid", f"public: expected {PUBLIC_BYTES} bytes of an Ed25519 key, got others", "/public"
        )
    return found


def write_public(public: bytes) -> str:
    """Return a public key as base64url without padding."""
    return base64.urlsafe_b64encode(public).decode("ascii").rstrip("=")


def _decoded(text: str, what: str) -> bytes:
    try:
        if _PART.fullmatch(text) is None:
            raise ValueError("another alphabet")
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if write_public(found) != text:
            raise ValueError("loose bits")
    except (binascii.Error, ValueError):
        raise refuse(
            "file_unsigned", f"{what}: expected base64url without padding, got another text"
        ) from None
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member twice")
    return found


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(data, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        raise refuse(
            "file_unsigned", f"{what}: expected JSON without doubled members, got other bytes"
        ) from None
    if type(found) is not dict:
        raise refuse("file_unsigned", f"{what}: expected a JSON object, got another value")
    return found


def take_apart(file: str) -> Parts:
    """Read a file; nothing is checked by a key yet.

    Raises:
        Refused: file_unsigned (no compact JWS with alg EdDSA and a plain header).
    """
    parts = file.strip().split(".")
    if len(file) > FILE_CHARS_MAX or len(parts) != 3:
        raise refuse(
            "file_unsigned",
            f"expected a compact JWS of three parts, at most {FILE_CHARS_MAX} characters, got {len(parts)} parts",
        )
    header = _object(_decoded(parts[0], "header"), "header")
    if header.get("alg") != ALG or not header.keys() <= HEADER_MEMBERS:
        raise refuse("file_unsigned", f"header: expected alg {ALG}, kid and typ at most, got others")
    signed = f"{parts[0]}.{parts[1]}".encode("ascii")
    payload = _object(_decoded(parts[1], "payload"), "payload")
    return Parts(signed, _decoded(parts[2], "signature"), payload)


def signed_by(parts: Parts, keys: Iterable[Row], verify: Verify) -> Row:
    """Return the row of the trusted key that signed a file. Raises Refused: file_unsigned."""
    for row in keys:
        try:
            verify(read_public(row["public"]), parts.signed, parts.signature)
        except SignatureWrong:
            continue
        return row
    raise refuse(
        "file_unsigned", "expected a file signed by a key that is trusted for this source, got none such"
    )


def result_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a provider says of an attempt, from a payload or the values of a record.

    Raises:
        Refused: value_invalid (names the member, what was expected and what was got).
    """
    unknown = sorted(payload.keys() - {*REQUIRED, *OPTIONAL})
    if unknown:
        raise refuse(
            "value_invalid", f"expected {', '.join((*REQUIRED, *OPTIONAL))}, got {unknown[0][:60]} too"
        )
    found: dict[str, Any] = {}
    for name in TEXTS:
        found[name] = _checked(payload, name, _is_text, f"a text of 1 to {TEXT_CHARS_MAX} characters")
    found["result"] = _checked(payload, "result", lambda one: one in RESULTS, f"one of {', '.join(RESULTS)}")
    for name in NUMBERS:
        found[name] = _checked(payload, name, _is_number, f"an integer from 0 to {NUMBER_MAX}")
    found["completed_at"] = _checked(payload, "completed_at", _is_instant, "2026-11-23T16:10:00.000Z")
    found["expires_at"] = found["score"] = None
    if payload.get("expires_at") is not None:
        found["expires_at"] = _checked(payload, "expires_at", _is_instant, "2026-11-23T16:10:00.000Z")
    if payload.get("score") is not None:
        expected = f"hundredths of a percent from 0 to {SCORE_MAX}"
        found["score"] = _checked(
            payload, "score", lambda one: _is_number(one) and one <= SCORE_MAX, expected
        )
    return found


def _checked(payload: Mapping[str, Any], name: str, fits: Callable[[Any], bool], expected: str) -> Any:
    value = payload.get(name)
    if not fits(value):
        got = "nothing" if value is None else f"a {type(value).__name__}"
        raise refuse("value_invalid", f"{name}: expected {expected}, got {got}", f"/{name}")
    return value


def _is_text(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= TEXT_CHARS_MAX and value.isprintable()


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value <= NUMBER_MAX


def _is_instant(value: Any) -> bool:
    try:
        return type(value) is str and instant_ms(value) >= 0
    except ValueError:
        return False


def made_by(source: Row) -> controllers.Formula:
    """Return who could have made a file that the source's key signs. Raises FormulaInvalid."""
    parts: list[controllers.Formula] = [controllers.Party(f"source:{source['source']}")]
    registered = json.loads(source["controllers"])
    parts.append(controllers.parse_formula(registered) if registered else controllers.Party(UNDECLARED))
    return controllers.any_of(parts)


def check_again(file: bytes, keys: Iterable[Row], verify: Verify) -> dict[str, Any]:
    """Return what a file says, after it was checked as when it came; for an audit. Raises Refused."""
    try:
        text = file.decode("ascii")
    except UnicodeDecodeError:
        raise Refused("file_unsigned", "expected a JWS in compact form, got other bytes") from None
    parts = take_apart(text)
    signed_by(parts, keys, verify)
    return result_of(parts.payload)
