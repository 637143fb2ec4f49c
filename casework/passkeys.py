"""Passkeys: what stands behind a decision of assurance `passkey`. docs/spec/decision.md section 6 is the specification.

    prepare -> digest of the whole record (the challenge), token with what the server drew for it
    decide  -> an assertion over that digest; checked before the writer, the rule derives the record once more

The signature check is an argument: the product passes casework/signatures.py, a stand-alone auditor its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework import tokens
from casework.errors import refuse
from ledger.changes import Row
from ledger.commands import View
from ledger.notes import SignatureWrong

PASSKEY = "passkey"
"""The assurance that only a signature over the decision itself gives."""
ES256, EDDSA, RS256 = -7, -8, -257
ALGS = (ES256, EDDSA, RS256)
"""COSE algorithms: ECDSA on P-256 with SHA-256, Ed25519, RSA PKCS#1 v1.5 with SHA-256."""
WAITING, CONFIRMED, ENDED = "waiting", "confirmed", "ended"
PREPARED_DOMAIN = b"tallystick/decision-prepared/v1\x00"

CREDENTIAL_SIZE_MAX_BYTES = 1_023  # Web Authentication, section 4
PART_SIZE_MAX_BYTES = 4_096
RP_ID_HASH_BYTES = 32
AUTHENTICATOR_DATA_SIZE_MIN_BYTES = 37  # Web Authentication, section 6.1: hash, flags, counter
FLAG_USER_PRESENT, FLAG_USER_VERIFIED = 0x01, 0x04

VerifySignature = Callable[[bytes, int, bytes, bytes], None]
"""(SPKI, COSE algorithm, message, signature); raises SignatureWrong."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an authenticator answered, the bytes as they came."""

    credential_id: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes

    def to_json(self) -> dict[str, str]:
        """Return the object that `private.passkey` commits to."""
        return {name: tokens.to_text(getattr(self, name)) for name in ASSERTION_PARTS}


ASSERTION_PARTS = ("credential_id", "client_data", "authenticator_data", "signature")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the browser is to sign: `digest` (hex) is the challenge; `keys` are rows of the passkeys that may do it."""

    digest: str
    token: str
    expires: str
    keys: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that was checked: by which passkey, over which record's digest, under which authority."""

    passkey: str
    digest: str
    authority: str


def read_assertion(value: Mapping[str, Any]) -> Assertion:
    """Read the four base64url members.

    Raises:
        Refused: passkey_invalid.
    """
    parts: dict[str, bytes] = {}
    for name in ASSERTION_PARTS:
        try:
            parts[name] = tokens.to_bytes(value[name])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise refuse(
                "passkey_invalid", f"{name}: expected base64url without padding ({error})"
            ) from error
        if not 0 < len(parts[name]) <= PART_SIZE_MAX_BYTES:
            raise refuse(
                "passkey_invalid",
                f"{name}: expected 1 to {PART_SIZE_MAX_BYTES} bytes, got {len(parts[name])}",
            )
    return Assertion(**parts)


def check(assertion: Assertion, row: Row, challenge: bytes, verify: VerifySignature) -> Assertion:
    """Return the assertion if it is one over `challenge` by the passkey of this row (columns of the table `passkey`).

    What the caller still must do: see that the passkey is the decider's, was confirmed by a second person and has not
    ended, and that `challenge` is the digest of the record as it stands.

    Raises:
        Refused: passkey_invalid.
    """
    # 1. client_data is what the browser saw: an assertion, over this challenge, on a page of an enrolled origin
    client = _client_data(assertion.client_data)
    if client.get("type") != "webauthn.get":
        raise refuse("passkey_invalid", "client_data: expected the type webauthn.get, got another")
    if client.get("challenge") != tokens.to_text(challenge):
        raise refuse("passkey_invalid", "client_data: expected the challenge of this decision, got another")
    origins = json.loads(row["origins"])
    if client.get("origin") not in origins:
        got = str(client.get("origin"))[:100]
        raise refuse("passkey_invalid", f"client_data: expected an origin of {', '.join(origins)}, got {got}")
    if client.get("crossOrigin") is True:
        raise refuse("passkey_invalid", "client_data: expected a page of our own, got one inside another's")
    # 2. authenticator_data is for this site, and a person was there and was recognised by the authenticator
    data = assertion.authenticator_data
    if len(data) < AUTHENTICATOR_DATA_SIZE_MIN_BYTES:
        raise refuse("passkey_invalid", "authenticator_data: expected 37 bytes or more, got fewer")
    if data[:RP_ID_HASH_BYTES] != hashlib.sha256(row["rp_id"].encode()).digest():
        raise refuse("passkey_invalid", f"authenticator_data: expected one for {row['rp_id']}, got another's")
    wanted = FLAG_USER_PRESENT | FLAG_USER_VERIFIED
    if data[RP_ID_HASH_BYTES] & wanted != wanted:
        raise refuse("passkey_invalid", "authenticator_data: expected a person present and verified")
    # 3. signature under the enrolled key over authenticator_data and the hash of client_data
    message = data + hashlib.sha256(assertion.client_data).digest()
    try:
        verify(tokens.to_bytes(row["spki"]), row["alg"], message, assertion.signature)
    except (SignatureWrong, ValueError) as error:
        raise refuse("passkey_invalid", f"signature: {error}") from error
    return assertion


def _client_data(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise refuse("passkey_invalid", f"client_data: expected JSON, got other bytes ({error})") from error
    if type(value) is not dict:
        raise refuse("passkey_invalid", f"client_data: expected an object, got {type(value).__name__}")
    return value


def find(rows: Iterable[Row], member: str, credential_id: bytes) -> Row:
    """Return the row of a member's passkey, whatever its state. Raises Refused: passkey_invalid."""
    credential = tokens.to_text(credential_id)
    for row in rows:
        if row["member"] == member and row["credential"] == credential:
            return row
    raise refuse("passkey_invalid", "expected a passkey of whoever decides, got an unknown one")


def confirmed(rows: Iterable[Row], member: str) -> tuple[Row, ...]:
    """Return the passkeys of a member that may stand behind a decision."""
    return tuple(row for row in rows if row["member"] == member and row["state"] == CONFIRMED)


def check_signed(view: View, member: str, signed: Signed | None, digest: str) -> None:
    """Check, in the writer, that what was signed is what is decided, by a passkey that counts now.

    Raises:
        Refused: passkey_invalid, stale (the record is another one by now).
    """
    if signed is None:
        raise refuse("passkey_invalid", "expected a signature over the decision, got none")
    row = view.get("passkey", (signed.passkey,))
    if row is None or row["member"] != member:
        raise refuse("passkey_invalid", "expected a passkey of whoever decides, got another's")
    if row["state"] != CONFIRMED:
        raise refuse(
            "passkey_invalid", f"expected a passkey confirmed by a second person, got one {row['state']}"
        )
    if signed.digest != digest:
        raise refuse(
            "stale",
            f"expected the decision that was signed (under authority {signed.authority}), got another: prepare again",
        )


def seal_prepared(
    secret: bytes, log: str, member: str, signed: str, authority: str, salt: bytes | None
) -> str:
    """Return the token of a prepared decision: the hex digest that the rule will derive, and the reason's salt."""
    value = {"v": 1, "log": log, "principal": member, "digest": signed, "authority": authority}
    return tokens.seal(secret, PREPARED_DOMAIN, value | {"salt": None if salt is None else salt.hex()})


def open_prepared(secret: bytes, token: str, log: str, member: str) -> tuple[str, str, bytes | None]:
    """Return digest, authority and the reason's salt of a decision prepared here for this member.

    Raises:
        TokenInvalid: never issued here.
        Refused: stale (prepared for somebody else).
    """
    value = tokens.unseal(secret, PREPARED_DOMAIN, token, "prepared decision")
    if (value["log"], value["principal"]) != (log, member):
        raise refuse("stale", "expected a decision prepared for whoever decides it, got another's")
    salt = value["salt"]
    return value["digest"], value["authority"], None if salt is None else bytes.fromhex(salt)
