"""Data Integrity proofs over JSON documents: the cryptosuite eddsa-jcs-2022 of W3C vc-di-eddsa, sections 3.3 and 3.4.

    document, options -> SHA-256(JCS(options)) || SHA-256(JCS(document))   64 bytes, the options' hash first
                      -> Ed25519 -> "z" + base58btc = proofValue

docs/spec/credential.md section 2 is our profile. A key is named by itself (did:key), so nothing has to be fetched. The
codec is the restricted one of ledger.canonical: a document with a fraction has no proof here and is refused.

    ProofRefused   a document whose proof is not one, or does not hold
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from casework.errors import CaseworkError
from ledger.canonical import encode
from ledger.errors import CanonicalError
from ledger.notes import SignatureWrong, Verify

SUITE = "eddsa-jcs-2022"
TYPE = "DataIntegrityProof"
PURPOSE = "assertionMethod"
DID_KEY = "did:key:"
DOCUMENT_SIZE_MAX_BYTES = 262_144
PROOFS_MAX = 4
MULTIKEY_CHARS_MAX = 100
SIGNATURE_CHARS_MAX = 100
ED25519_PUBLIC = b"\xed\x01"
"""The multicodec prefix of an Ed25519 public key, 32 bytes."""
KEY_SIZE_BYTES = 32
SIGNATURE_SIZE_BYTES = 64
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_OPTIONS = ("type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "@context")

Document = Mapping[str, Any]


class ProofRefused(CaseworkError):
    """A document that its proof does not cover as it stands. `code` is stable; nothing of it may be relied on."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


# ---------------------------------------------------------------------------------------------- multibase
def base58(data: bytes) -> str:
    """Return base58btc (the alphabet of Bitcoin) without a prefix."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _ALPHABET[digit] + text
    zeros = len(data) - len(data.lstrip(b"\x00"))
    return "1" * zeros + text


def from_base58(text: str) -> bytes | None:
    """Return the bytes of base58btc text, None where it is none."""
    number = 0
    for char in text:
        digit = _ALPHABET.find(char)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def multikey(public_key: bytes) -> str:
    """Return an Ed25519 public key as a multikey, `z6Mk...`."""
    return "z" + base58(ED25519_PUBLIC + public_key)


def did_of(public_key: bytes) -> str:
    """Return the did:key of an Ed25519 public key."""
    return DID_KEY + multikey(public_key)


def method_of(did: str) -> str:
    """Return the one verification method of a did:key."""
    return f"{did}#{did.removeprefix(DID_KEY)}"


def key_of(method: Any) -> bytes:
    """Return the public key that a verification method `did:key:zM#zM` names.

    Raises:
        ProofRefused: method.
    """
    expected = f"a verification method {DID_KEY}zM#zM of an Ed25519 key"
    if type(method) is not str or len(method) > 2 * MULTIKEY_CHARS_MAX:
        raise ProofRefused("method", f"expected {expected}, got {ascii(method)[:80]}")
    did, _, fragment = method.partition("#")
    data = from_base58(fragment[1:]) if fragment.startswith("z") else None
    if did != DID_KEY + fragment or data is None or multikey(data[2:]) != fragment:
        raise ProofRefused("method", f"expected {expected}, got {ascii(method)[:80]}")
    if len(data) != 2 + KEY_SIZE_BYTES:
        raise ProofRefused("method", f"expected {expected}, got one of {len(data) - 2} bytes")
    return data[2:]


# ---------------------------------------------------------------------------------------------- signing
def options_of(document: Document, created: str, did: str) -> dict[str, Any]:
    """Return proof options for a document; `created` is RFC 3339 UTC."""
    options: dict[str, Any] = {
        "type": TYPE,
        "cryptosuite": SUITE,
        "created": created,
        "verificationMethod": method_of(did),
        "proofPurpose": PURPOSE,
    }
    if "@context" in document:
        options["@context"] = document["@context"]
    return options


def hashed(document: Document, options: Mapping[str, Any]) -> bytes:
    """Return the 64 bytes that are signed.

    Raises:
        CanonicalError: a value outside the restricted profile (a fraction, a member name that is not ASCII).
    """
    return b"".join(
        hashlib.sha256(encode(dict(part), size_max_bytes=DOCUMENT_SIZE_MAX_BYTES)).digest()
        for part in (options, document)
    )


def signed(document: Document, created: str, did: str, sign: Callable[[bytes], bytes]) -> dict[str, Any]:
    """Return the document with its proof; `sign` gives the 64-byte Ed25519 signature by the key of `did`.

    Raises:
        CanonicalError: as `hashed`.
    """
    options = options_of(document, created, did)
    value = "z" + base58(sign(hashed(document, options)))
    return {**document, "proof": {**options, "proofValue": value}}


# ---------------------------------------------------------------------------------------------- checking
def proofs_of(document: Document) -> list[Mapping[str, Any]]:
    """Return the proofs of a document, one or a set.

    Raises:
        ProofRefused: shape.
    """
    given = document.get("proof")
    found: list[Any] = given if type(given) is list else [given]
    if not 0 < len(found) <= PROOFS_MAX or not all(type(one) is dict for one in found):
        raise ProofRefused("shape", f"proof: expected 1 to {PROOFS_MAX} objects, got {ascii(given)[:80]}")
    return found


def check(document: Document, proof: Mapping[str, Any], verify: Verify) -> str:
    """Check one proof of this suite over a document and return the DID whose key made it.

    Raises:
        ProofRefused: suite, purpose, method, context, shape, canonical, signature.
    """
    # 1. which proof this is  2. whose key  3. the contexts that were signed still begin the document's
    # 4. both hashes  5. the signature in its one spelling
    if (proof.get("type"), proof.get("cryptosuite")) != (TYPE, SUITE):
        got = f"{proof.get('type')!r} {proof.get('cryptosuite')!r}"
        raise ProofRefused("suite", f"expected {TYPE} {SUITE}, got {got}"[:200])
    unknown = sorted(set(proof) - {*_OPTIONS, "proofValue"})
    if unknown or type(proof.get("created")) is not str:
        raise ProofRefused("shape", f"proof: expected {', '.join(_OPTIONS)}, got also {unknown}"[:200])
    if proof.get("proofPurpose") != PURPOSE:
        raise ProofRefused("purpose", f"expected {PURPOSE}, got {proof.get('proofPurpose')!r}"[:200])
    method = proof.get("verificationMethod")
    key = key_of(method)
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    if unsecured.get("@context") != proof.get("@context"):
        raise ProofRefused("context", "expected the contexts of the document to be those that were signed")
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    try:
        message = hashed(unsecured, options)
    except CanonicalError as error:
        raise ProofRefused("canonical", str(error)[:200]) from None
    check_signature(key, message, proof.get("proofValue"), verify)
    return str(method).partition("#")[0]


def check_signature(key: bytes, message: bytes, value: Any, verify: Verify) -> None:
    """Check a proofValue, in its one spelling, over the 64 bytes that were hashed.

    Raises:
        ProofRefused: signature.
    """
    fits = type(value) is str and value[:1] == "z" and len(value) <= SIGNATURE_CHARS_MAX
    signature = from_base58(str(value)[1:]) if fits else None
    if signature is None or len(signature) != SIGNATURE_SIZE_BYTES or "z" + base58(signature) != value:
        raise ProofRefused("signature", "proofValue: expected z and the base58 of 64 bytes, got another")
    try:
        verify(key, message, signature)
    except SignatureWrong:
        raise ProofRefused("signature", "expected a signature over this document, got another's") from None
