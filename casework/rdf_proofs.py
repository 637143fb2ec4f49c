"""The cryptosuite eddsa-rdfc-2022 (W3C vc-di-eddsa, section 3.2) over our own credentials: needs the extra `rdfc`.

Some verifiers of Open Badges read a document as RDF and accept no other suite. The same rule of 64 bytes, with the
canonical N-Quads of document and proof options (RDF Dataset Canonicalization 1.0) in place of their JCS bytes.

Contexts are never fetched. TERMS says what the members of our documents mean, term for term as the two contexts that
they name; a member that stands in neither is refused, because RDF would silently lose it and no signature would cover
it. A test compares the N-Quads with those of the published contexts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from casework.badges import CONTEXTS
from casework.data_integrity import (
    PURPOSE,
    TYPE,
    Document,
    ProofRefused,
    base58,
    check_signature,
    key_of,
    options_of,
)
from casework.errors import CaseworkError
from ledger.notes import Verify

SUITE = "eddsa-rdfc-2022"
_CRED, _STATUS = "https://www.w3.org/2018/credentials#", "https://www.w3.org/ns/credentials/status#"
_SEC, _OB = "https://w3id.org/security#", "https://purl.imsglobal.org/spec/vc/ob/vocab.html#"
_TIME = "http://www.w3.org/2001/XMLSchema#dateTime"
_V2: Mapping[str, Any] = {
    "id": "@id",
    "type": "@type",
    "name": "https://schema.org/name",
    "description": "https://schema.org/description",
    **{name: _CRED + name for name in ("VerifiableCredential",)},
    **{
        name: {"@id": _CRED + name, "@type": "@id"}
        for name in ("issuer", "credentialSubject", "credentialStatus", "evidence")
    },
    **{name: {"@id": _CRED + name, "@type": _TIME} for name in ("validFrom", "validUntil")},
    **{name: _STATUS + name for name in ("BitstringStatusListEntry", "statusPurpose", "statusListIndex")},
    "statusListCredential": {"@id": _STATUS + "statusListCredential", "@type": "@id"},
    "DataIntegrityProof": _SEC + "DataIntegrityProof",
    "created": {"@id": "http://purl.org/dc/terms/created", "@type": _TIME},
    "cryptosuite": {"@id": _SEC + "cryptosuite", "@type": _SEC + "cryptosuiteString"},
    "proofPurpose": {"@id": _SEC + "proofPurpose", "@type": "@vocab"},
    "assertionMethod": _SEC + "assertionMethod",
    "verificationMethod": {"@id": _SEC + "verificationMethod", "@type": "@id"},
}
_OPEN_BADGES: Mapping[str, Any] = {
    **{
        name: _OB + name
        for name in (
            "OpenBadgeCredential", "Profile", "AchievementSubject", "Achievement", "Evidence", "IdentityObject",
            "narrative", "identityHash", "identityType", "salt",
        )
    },
    **{name: {"@id": _OB + name, "@type": "@id"} for name in ("achievement", "identifier")},
    "criteria": {"@id": _OB + "Criteria", "@type": "@id"},
    "hashed": {"@id": _OB + "hashed", "@type": "https://www.w3.org/2001/XMLSchema#boolean"},
}  # fmt: skip
TERMS: Mapping[str, Mapping[str, Any]] = {CONTEXTS[0]: _V2, CONTEXTS[1]: _OPEN_BADGES}
"""Context -> the terms of it that our documents use, each with its IRI and the type of its values."""


class NoRdf(CaseworkError):
    """PyLD is not installed. Whoever runs the server installs the extra `rdfc`, or does without this suite."""


def canonical(document: Document) -> str:
    """Return the canonical N-Quads of a credential of ours, or of its proof options.

    Raises:
        NoRdf: PyLD is not installed. ProofRefused: other contexts, or a member that has no meaning in them.
    """
    try:
        from pyld import jsonld
    except ImportError:
        raise NoRdf("expected PyLD, got none; install the extra `rdfc`") from None
    if document.get("@context") != CONTEXTS:
        raise ProofRefused("context", f"@context: expected {' and '.join(CONTEXTS)}, got others")
    _check_terms({name: value for name, value in document.items() if name != "@context"})
    plain = {**document, "@context": [dict(TERMS[one]) for one in CONTEXTS]}
    given = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": _no_loader}
    try:
        return str(jsonld.normalize(plain, given))
    except jsonld.JsonLdError as error:
        raise ProofRefused("canonical", f"expected a credential, got {type(error).__name__}") from None


def _check_terms(value: Any) -> None:
    if type(value) is list:
        for one in value:
            _check_terms(one)
    elif type(value) is dict:
        for name, member in value.items():
            if not any(name in terms for terms in TERMS.values()):
                raise ProofRefused("canonical", f"expected members of a badge, got {ascii(name)[:60]}")
            if name == "type":
                known = all(
                    one in _V2 or one in _OPEN_BADGES
                    for one in (member if type(member) is list else [member])
                )
                if not known:
                    raise ProofRefused(
                        "canonical", f"type: expected those of a badge, got {ascii(member)[:80]}"
                    )
            _check_terms(member)


def _no_loader(url: str, options: Any = None) -> Any:
    raise ProofRefused("context", f"expected no context but ours, got {ascii(url)[:80]}")


def hashed(document: Document, options: Mapping[str, Any]) -> bytes:
    """Return the 64 bytes that are signed. Raises as `canonical`."""
    return b"".join(hashlib.sha256(canonical(part).encode()).digest() for part in (options, document))


def signed(document: Document, created: str, did: str, sign: Callable[[bytes], bytes]) -> dict[str, Any]:
    """Return a proof of this suite over a document without one; what is stored has no contexts of its own.

    Raises as `canonical`.
    """
    options = {**options_of(document, created, did), "cryptosuite": SUITE}
    value = "z" + base58(sign(hashed(document, options)))
    return {name: one for name, one in options.items() if name != "@context"} | {"proofValue": value}


def check(document: Document, proof: Mapping[str, Any], verify: Verify) -> str:
    """Check one proof of this suite and return the DID whose key made it.

    Raises:
        NoRdf: PyLD is not installed. ProofRefused: as casework.data_integrity.check.
    """
    if (proof.get("type"), proof.get("cryptosuite")) != (TYPE, SUITE):
        raise ProofRefused("suite", f"expected {TYPE} {SUITE}, got {proof.get('cryptosuite')!r}"[:200])
    expected = {"type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"}
    if set(proof) != expected:
        raise ProofRefused("shape", f"proof: expected {', '.join(sorted(expected))}, got others")
    if proof["proofPurpose"] != PURPOSE:
        raise ProofRefused("purpose", f"expected {PURPOSE}, got {proof['proofPurpose']!r}"[:200])
    key = key_of(proof["verificationMethod"])
    unsecured = {name: value for name, value in document.items() if name != "proof"}
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    message = hashed(unsecured, {**options, "@context": unsecured.get("@context")})
    check_signature(key, message, proof["proofValue"], verify)
    return str(proof["verificationMethod"]).partition("#")[0]
