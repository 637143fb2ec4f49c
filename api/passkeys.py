"""Passkeys at the doors: enrolling one, signing in by one. What one signs and who confirms it stands in casework.

    1. enrolling   options (challenge in a token, nothing stored) -> the browser's answer -> what the office records
    2. signing in  options without any name -> the browser's answer -> who it is, over all organisations

A passkey is bound to the address of its pages for good, so neither happens on another address than TALLYSTICK_ADDRESS.

What the caller of a sign-in still must do: give the token to the browser that asked, in a cookie, and take it back from
there; limit the tries; open a session. Signing in by passkey is a `session`, whether it was confirmed or not.
"""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn import verify_registration_response
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.cose import COSEAlgorithmIdentifier

from api.installation import Installation
from api.problems import BadRequest, NotSignedIn, TooManyTries
from api.rooms import Rooms
from api.scope import Row
from api.settings import Settings
from api.tries import PER_OPTIONS
from casework import passkeys, signatures, tokens
from casework.errors import TokenInvalid
from casework.requests import EnrolPasskey
from ledger.clock import instant_of
from ledger.durable import create_file
from ledger.errors import Refused
from ledger.keys import KeyFileMalformed

ENROL_DOMAIN = b"tallystick/passkey-enrol/v1\x00"
SIGN_IN_DOMAIN = b"tallystick/passkey-sign-in/v1\x00"
HANDLE_DOMAIN = b"tallystick/user-handle/v1\x00"
CHALLENGE_BYTES = 32
SECRET_BYTES = 32
LASTS_MS = 5 * 60_000
"""How long the browser's dialogue may lie open."""
CANDIDATES_MAX = 100
SIGN_IN_KEY_FILE = "sign-in.key"
REFUSED_CHARS_MAX = 200
_SECRET = re.compile(f"[0-9a-f]{{{2 * SECRET_BYTES}}}")


# ---------------------------------------------------------------------------------------------- the address
@dataclass(frozen=True, slots=True)
class Address:
    """Where people reach the pages: origin "https://tally.example.org", host as in the Host header, rp_id its name."""

    origin: str
    host: str
    rp_id: str


def address_of(settings: Settings) -> Address:
    """Return the one address that passkeys are bound to."""
    parts = urlsplit(settings.public_address)
    return Address(settings.public_address, parts.netloc, parts.hostname or "")


def check_address(settings: Settings, host: str | None) -> Address:
    """Return the address if this request came to it; `host` is its Host header.

    Raises:
        BadRequest: 409 `address_differs`; says what the operator sets or the person opens.
    """
    address = address_of(settings)
    if not is_at_address(settings, host):
        raise BadRequest(
            "address_differs",
            f"passkeys belong to the final address {address.origin} and work nowhere else; this request came to"
            f" {(host or 'none')[:100]}: open {address.origin}, or set TALLYSTICK_ADDRESS to the final address first",
            status=409,
        )
    return address


def is_at_address(settings: Settings, host: str | None) -> bool:
    """Return whether a request with this Host header came to the one address of passkeys."""
    address = address_of(settings)
    default_port = ":443" if address.origin.startswith("https:") else ":80"
    return (host or "").lower().removesuffix(default_port) == address.host


# ---------------------------------------------------------------------------------------------- 1. enrolling
@dataclass(frozen=True, slots=True)
class Offered:
    """Options for the browser and the token that its answer comes back with, until `expires`."""

    options: dict[str, Any]
    token: str
    expires: str


def user_handle(log: str, member: str) -> bytes:
    """Return the 32 bytes by which an authenticator knows an account; they say nothing about the person."""
    return hashlib.sha256(HANDLE_DOMAIN + log.encode() + b"\x00" + member.encode()).digest()


def enrol_options(
    rooms: Rooms, address: Address, member: str, name: str, house: str, held: Sequence[Row]
) -> Offered:
    """Return creation options (parseCreationOptionsFromJSON) for a member; `held` are the passkeys they have."""
    challenge = rooms.entropy.token(CHALLENGE_BYTES)
    expires = instant_of(rooms.clock.unix_ms() + LASTS_MS)
    options = {
        "rp": {"id": address.rp_id, "name": house},
        "user": {"id": tokens.to_text(user_handle(rooms.log, member)), "name": name, "displayName": name},
        "challenge": tokens.to_text(challenge),
        "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in passkeys.ALGS],
        "timeout": LASTS_MS,
        "excludeCredentials": [
            {"type": "public-key", "id": row["credential"]} for row in held if row["state"] != passkeys.ENDED
        ],
        # discoverable, so that signing in needs no name; verified, so that a decision shows more than possession
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
    }
    value = {"v": 1, "log": rooms.log, "member": member, "challenge": challenge.hex(), "expires": expires}
    return Offered(options, tokens.seal(rooms.keys.decision_token, ENROL_DOMAIN, value), expires)


def read_enrolment(
    rooms: Rooms, address: Address, member: str, token: str, credential: Mapping[str, Any], *, again: bool
) -> EnrolPasskey:
    """Return what the office records of a browser's answer. `again`: this request had its effect already, any time.

    Raises:
        TokenInvalid: not a token of this log and member.
        BadRequest: 409 `expired`; 422 `passkey_refused`, the answer does not hold.
    """
    value = tokens.unseal(rooms.keys.decision_token, ENROL_DOMAIN, token, "passkey options")
    if (value["log"], value["member"]) != (rooms.log, member):
        raise TokenInvalid("passkey options: expected those of whoever asks, got another's")
    if not again and value["expires"] <= rooms.clock.now():
        raise BadRequest(
            "expired", f"expected an answer before {value['expires']}; ask for new options", status=409
        )
    try:
        verified = verify_registration_response(
            credential=dict(credential),
            expected_challenge=bytes.fromhex(value["challenge"]),
            expected_rp_id=address.rp_id,
            expected_origin=address.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(alg) for alg in passkeys.ALGS],
        )
        decoded = decode_credential_public_key(verified.credential_public_key)
        key = decoded_public_key_to_cryptography(decoded)
        alg = int(decoded.alg)
        spki = signatures.check_key(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), alg)
    except Exception as error:  # the parsers inside let errors of every kind through
        said = f"{type(error).__name__}: {error}"[:REFUSED_CHARS_MAX]
        raise BadRequest(
            "passkey_refused",
            f"expected a browser's answer to these options, got another ({said})",
            field="/credential",
        ) from error
    return EnrolPasskey(
        tokens.to_text(verified.credential_id), tokens.to_text(spki), alg, address.rp_id, (address.origin,)
    )


# ---------------------------------------------------------------------------------------------- signing a decision
def decision_options(address: Address, digest: str, held: Sequence[Row]) -> dict[str, Any]:
    """Return request options (parseRequestOptionsFromJSON) for signing a decision; `digest` is its challenge."""
    allowed = [{"type": "public-key", "id": row["credential"]} for row in held]
    return _request_options(address, bytes.fromhex(digest)) | {"allowCredentials": allowed}


def _request_options(address: Address, challenge: bytes) -> dict[str, Any]:
    return {
        "challenge": tokens.to_text(challenge),
        "rpId": address.rp_id,
        "timeout": LASTS_MS,
        "userVerification": "required",
    }


# ---------------------------------------------------------------------------------------------- 2. signing in
def sign_in_options(installation: Installation) -> Offered:
    """Return request options for whoever holds a discoverable passkey of this site; no name is asked for."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    expires = instant_of(installation.clock.unix_ms() + LASTS_MS)
    options = _request_options(address_of(installation.settings), challenge) | {"allowCredentials": []}
    value = {"v": 1, "challenge": challenge.hex(), "expires": expires}
    return Offered(options, tokens.seal(_sign_in_secret(installation), SIGN_IN_DOMAIN, value), expires)


async def verify_sign_in(installation: Installation, token: str, response: Mapping[str, Any]) -> Row:
    """Return the row of the passkey that signed the challenge, with its log.

    `response` is the browser's PublicKeyCredential.toJSON().

    Raises:
        NotSignedIn: for every reason the same; the cause stands behind it.
    """
    # 1. options of ours, in time  2. an assertion, in its one spelling  3. passkeys of active members under this id
    # 4. the account the authenticator means  5. the recipe of docs/spec/decision.md section 6 over the challenge
    # 6. a challenge that let nobody in yet
    try:
        value = tokens.unseal(_sign_in_secret(installation), SIGN_IN_DOMAIN, token, "sign-in options")  # 1
        if value["expires"] <= installation.clock.now():
            raise TokenInvalid("sign-in options: expected ones in time, got older ones")
        assertion, handle = _read_response(response)  # 2
    except (TokenInvalid, Refused, UnicodeError) as error:
        raise _not_signed_in() from error
    credential = tokens.to_text(assertion.credential_id)
    rp_id = address_of(installation.settings).rp_id
    for row in await installation.holders.passkeys(credential, CANDIDATES_MAX):  # 3
        meant = tokens.to_text(user_handle(row["log"], row["member"]))
        if row["rp_id"] != rp_id or handle not in (None, meant):  # 4
            continue
        try:
            passkeys.check(assertion, row, bytes.fromhex(value["challenge"]), signatures.verify)  # 5
        except Refused:
            continue
        await _first_time(installation, value["challenge"])  # 6
        return row
    raise _not_signed_in()


async def _first_time(installation: Installation, challenge: str) -> None:
    """Check that these options let nobody in yet: an answer that somebody overheard is worth nothing."""
    try:
        await installation.tries.need(PER_OPTIONS, "options", challenge)
    except TooManyTries as error:
        raise _not_signed_in() from error


def _read_response(response: Mapping[str, Any]) -> tuple[passkeys.Assertion, str | None]:
    given = response.get("response")
    inner: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    named = {
        "credential_id": response.get("id"),
        "client_data": inner.get("clientDataJSON"),
        "authenticator_data": inner.get("authenticatorData"),
        "signature": inner.get("signature"),
    }
    handle = inner.get("userHandle")
    return passkeys.read_assertion(named), handle if isinstance(handle, str) and handle else None


def _not_signed_in() -> NotSignedIn:
    return NotSignedIn(
        "expected a passkey enrolled here, got one that is unknown, ended or of another address"
    )


def _sign_in_secret(installation: Installation) -> bytes:
    return _secret(installation.settings.keys_folder / SIGN_IN_KEY_FILE)


@functools.lru_cache(maxsize=16)
def _secret(path: Path) -> bytes:
    """Read the installation's key for sign-in challenges; the first process that needs it makes it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        try:
            create_file(path, secrets.token_bytes(SECRET_BYTES).hex().encode())
        except FileExistsError:
            pass  # another process was first
    given = path.read_text("ascii", "replace")
    if _SECRET.fullmatch(given) is None:
        raise KeyFileMalformed(f"{path}: expected {SECRET_BYTES} bytes in hex, got other content")
    return bytes.fromhex(given)
