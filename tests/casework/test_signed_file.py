"""A file that a provider signed: the example of RFC 8037, what a header may not say, and what a payload has to."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from casework.collectors import signed_file
from ledger import ed25519
from ledger.errors import Refused

# RFC 8037, appendix A.1, A.2 and A.4
RFC_PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_SEED = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_JWS = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
SAID = {
    "registration": "r-1", "account": "ada.w", "course": "food-safety-2", "course_version": "2026", "result": "passed",
    "score": 9150, "attempts": 1, "duration_seconds": 3000, "completed_at": "2026-11-20T11:00:00.000Z",
}  # fmt: skip


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def seed() -> bytes:
    return base64.urlsafe_b64decode(RFC_SEED + "=")


def file_of(payload: Any = SAID, header: Any = None) -> str:
    """Return a file signed with the RFC's key."""
    head = json.dumps({"alg": "EdDSA"} if header is None else header).encode()
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = f"{b64(head)}.{b64(body)}"
    return f"{signed}.{b64(ed25519.Ed25519Signer(seed()).sign(signed.encode()))}"


def keys(*public: str) -> list[dict[str, Any]]:
    return [{"public": one, "key": signed_file.key_name(signed_file.read_public(one))} for one in public]


def test_the_example_of_rfc_8037() -> None:
    # Its payload is a text and no JSON, so only what is signed and the signature are looked at.
    signed, _, signature = RFC_JWS.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    ed25519.verify(signed_file.read_public(RFC_PUBLIC), signed.encode(), raw)
    assert ed25519.Ed25519Signer(seed()).sign(signed.encode()) == raw
    with pytest.raises(Refused, match="payload: expected JSON"):
        signed_file.take_apart(RFC_JWS)


def test_a_file_says_what_was_signed_and_no_bit_of_it_changes() -> None:
    file = file_of()
    other = signed_file.write_public(ed25519.Ed25519Signer(bytes(32)).public_key)
    trusted = keys(other, RFC_PUBLIC)
    assert signed_file.check_again(file.encode(), trusted, ed25519.verify) == {**SAID, "expires_at": None}
    parts = signed_file.take_apart(file)
    assert signed_file.signed_by(parts, trusted, ed25519.verify)["public"] == RFC_PUBLIC
    with pytest.raises(Refused, match="none such"):
        signed_file.check_again(file.encode(), keys(other), ed25519.verify)
    for place, char in enumerate(file):
        changed = file[:place] + ("B" if char != "B" else "C") + file[place + 1 :]
        with pytest.raises(Refused):
            signed_file.check_again(changed.encode(), trusted, ed25519.verify)


FILES: list[tuple[str, str, str]] = [
    ("nothing", "", "three parts"),
    ("two parts", "e30.e30", "three parts"),
    ("too long", "a" * 16_385, "three parts"),
    ("padded", file_of() + "=", "base64url without padding"),
    ("no algorithm", file_of(header={}), "expected alg EdDSA"),
    ("none", file_of(header={"alg": "none"}), "expected alg EdDSA"),
    ("an HMAC", file_of(header={"alg": "HS256"}), "expected alg EdDSA"),
    ("its own key", file_of(header={"alg": "EdDSA", "jwk": {}}), "kid and typ at most"),
    ("critical", file_of(header={"alg": "EdDSA", "crit": ["b64"]}), "kid and typ at most"),
    ("another payload form", file_of(header={"alg": "EdDSA", "b64": False}), "kid and typ at most"),
    ("a header that is a list", file_of(header=["EdDSA"]), "a JSON object"),
    ("doubled", file_of(b'{"score": 1, "score": 9}'), "without doubled members"),
]


@pytest.mark.parametrize(("file", "said"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_what_is_no_signed_file(file: str, said: str) -> None:
    with pytest.raises(Refused) as error:
        signed_file.take_apart(file)
    assert error.value.code == "file_unsigned" and said in error.value.detail


PAYLOADS: list[tuple[str, dict[str, Any], str]] = [
    ("no account", {"account": None}, "account: expected a text"),
    ("a number for a course", {"course": 7}, "course: expected a text"),
    ("an empty registration", {"registration": ""}, "registration: expected a text"),
    ("a result nobody knows", {"result": "brilliant"}, "result: expected one of"),
    ("a score of 101 percent", {"score": 10_100}, "score: expected hundredths"),
    ("a score in words", {"score": "9150"}, "score: expected hundredths"),
    ("true attempts", {"attempts": True}, "attempts: expected an integer"),
    ("negative time", {"duration_seconds": -1}, "duration_seconds: expected an integer"),
    ("a day that is none", {"completed_at": "2026-02-30T11:00:00.000Z"}, "completed_at: expected 2026"),
    ("an end without a zone", {"expires_at": "2027-01-01"}, "expires_at: expected 2026"),
    ("more than it may say", {"member": "ada"}, "got member too"),
]


@pytest.mark.parametrize(("changed", "said"), [row[1:] for row in PAYLOADS], ids=[row[0] for row in PAYLOADS])
def test_what_is_no_result(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as error:
        signed_file.result_of({**SAID, **changed})
    assert error.value.code == "value_invalid" and said in error.value.detail


@pytest.mark.parametrize("public", ["", "A" * 42, "A" * 44, "?" * 43, RFC_PUBLIC[:-1] + "p"])
def test_what_is_no_public_key(public: str) -> None:
    with pytest.raises(Refused):
        signed_file.read_public(public)
