"""Write tests/vectors/decision.json anew: run only when docs/spec/decision.md says something new.

python -m tests.casework.freeze_decisions
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from casework import decisions, proposals
from casework.passkeys import EDDSA, ES256
from casework.requests import Decide

FILE = Path(__file__).resolve().parent.parent / "vectors" / "decision.json"
LOG = "harbour-house-7f3.invalid"
SECRET = bytes(range(32))


def shown(about: str, verdict: str | None) -> dict[str, Any]:
    """Return a basis."""
    return {
        "v": 1, "log": LOG, "case": "case-1", "about": about,
        "proposal": {"id": "proposal-1", "digest": proposal()["digest"]},
        "evidence": [] if verdict is None else ["evidence-1", "evidence-2"], "verdict": verdict, "policy": "ab" * 32,
        "as_of": {"size": 17, "root": "cd" * 32}, "nonce": "00112233445566778899aabbccddeeff",
        "expires": "2026-11-20T10:30:00.000Z", "principal": "member-1",
    }  # fmt: skip


def proposal() -> dict[str, Any]:
    """Return the body of a proposal."""
    value = {"amount_minor": 1250, "currency": "EUR"}
    return proposals.body(LOG, "case-1", "proposal-1", "refund", "ef" * 32, value, ("outbound", "money"))


def cases() -> list[dict[str, Any]]:
    """Return named records."""
    value = {"amount_minor": 1250, "currency": "EUR"}
    tokens = {"tokens": 10, "budget": "budget-1"}
    yes = Decide("", "approved")
    award = Decide("", "approved", ("member-3", "member-2"), 10, "budget-1")
    no = Decide("", "declined", reason_code="evidence_weak")
    table = [
        ("action approved", shown("action", None), yes, value, None),
        ("award approved", shown("award", "verdict-1"), award, tokens, None),
        ("award declined", shown("award", "verdict-1"), no, None, "12" * 32),
    ]
    found = []
    for name, basis, request, amount, reason in table:
        record = decisions.record(basis, request, "authority-1", amount, reason)
        found.append({"name": name, "record": record, "digest": decisions.record_digest(record)})
    return found


def passkey(name: str, digest: str, alg: int, origin: str) -> dict[str, Any]:
    """Return an assertion over a decision's digest by a fixed key, signed deterministically (RFC 6979, RFC 8032)."""
    rp_id = origin.split("//")[1].split(":")[0]
    seen = {
        "type": "webauthn.get",
        "challenge": _b64(bytes.fromhex(digest)),
        "origin": origin,
        "crossOrigin": False,
    }
    client = json.dumps(seen, separators=(",", ":")).encode()
    data = hashlib.sha256(rp_id.encode()).digest() + bytes((0x05,)) + (7).to_bytes(4, "big")
    spki, signature = _signed(alg, data + hashlib.sha256(client).digest())
    return {
        "name": name, "digest": digest, "rp_id": rp_id, "origins": [origin], "alg": alg, "spki": _b64(spki),
        "assertion": {
            "credential_id": _b64(b"credential-1"), "client_data": _b64(client), "authenticator_data": _b64(data),
            "signature": _b64(signature),
        },
    }  # fmt: skip


def _signed(alg: int, message: bytes) -> tuple[bytes, bytes]:
    key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey
    if alg == EDDSA:
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        signature = key.sign(message)
    else:
        key = ec.derive_private_key(0x7A11, ec.SECP256R1())
        signature = key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return spki, signature


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def main() -> None:
    """Write the file."""
    frozen = cases()
    basis = shown("award", "verdict-1")
    content = {
        "about": "docs/spec/decision.md",
        "proposal": {"log": LOG, "case": "case-1", "text": "ef" * 32, "body": proposal()},
        "records": frozen,
        "token": {"secret": SECRET.hex(), "basis": basis, "token": decisions.seal_token(SECRET, basis)},
        "passkeys": [
            passkey("ES256", frozen[1]["digest"], ES256, "http://localhost:8000"),
            passkey("EdDSA", frozen[2]["digest"], EDDSA, "https://tally.example.org"),
        ],
    }
    FILE.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
