"""Proofs over RDF: the W3C's vectors, the published contexts, an implementation that is not ours, mutations."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from openbadgeslib.ob3 import OB3LdpVerifier, OB3VerificationError
from pyld import jsonld

from casework import badges, data_integrity, rdf_proofs
from casework.credentials import Credentials
from casework.data_integrity import ProofRefused
from ledger import ed25519
from ledger.ed25519 import Ed25519Signer
from tests.casework.test_badges import DID, NOW, SETTLED, SIGNER, badge, mutants, status_list

PUBLISHED = resources.files("openbadgeslib.ob3") / "contexts"


def plain() -> dict[str, Any]:
    return {name: value for name, value in badge().items() if name != "proof"}


def proven(both: bool = False) -> dict[str, Any]:
    document = plain()
    proof = rdf_proofs.signed(document, SETTLED, DID, SIGNER.sign)
    return {**document, "proof": [badge()["proof"], proof] if both else proof}


def published(document: dict[str, Any]) -> str:
    """Return the canonical N-Quads under the contexts as they were published."""
    files = dict(zip(badges.CONTEXTS, ("credentials-v2.json", "ob-v3p0-context-3.0.3.json"), strict=True))

    def load(url: str, options: Any = None) -> dict[str, Any]:
        return {
            "contextUrl": None,
            "documentUrl": url,
            "document": json.loads((PUBLISHED / files[url]).read_text()),
        }

    given = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": load}
    return str(jsonld.normalize(document, given))


def test_our_terms_mean_what_the_published_contexts_say() -> None:
    document = plain()
    options = data_integrity.options_of(document, SETTLED, DID) | {"cryptosuite": rdf_proofs.SUITE}
    assert rdf_proofs.canonical(document) == published(document)
    assert rdf_proofs.canonical(options) == published(options)
    until = {**document, "validUntil": NOW}
    assert rdf_proofs.canonical(until) == published(until)


def test_the_contexts_at_hand_are_those_of_the_specification_but_for_two_terms() -> None:
    held = json.loads((PUBLISHED / "ob-v3p0-context-3.0.3.json").read_text())
    assert {"endorsementJwt", "jti"}.isdisjoint(set(rdf_proofs.TERMS[badges.CONTEXTS[1]]))
    assert set(rdf_proofs.TERMS[badges.CONTEXTS[1]]) <= terms_of(held)


def terms_of(value: Any) -> set[str]:
    """Return every member name of a context, at any depth."""
    if isinstance(value, dict):
        return set(value).union(*(terms_of(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(terms_of(one) for one in value))
    return set()


@pytest.mark.parametrize("folder", [".", "employ"])
def test_the_published_example_from_its_canonical_text_on(shared_dir: Path, folder: str) -> None:
    """From N-Quads to the signed document."""
    where = shared_dir / "vectors" / "vc-di-eddsa" / "eddsa-rdfc-2022" / folder

    def text(name: str) -> str:
        return (where / name).read_text()

    pair = json.loads((shared_dir / "vectors" / "vc-di-eddsa" / "keyPair.json").read_text())
    secret = data_integrity.from_base58(pair["privateKeyMultibase"][1:])
    assert secret is not None
    signer = Ed25519Signer(secret[2:])
    digests = [
        hashlib.sha256(text(name).encode()).hexdigest()
        for name in ("proofCanonDataInt.txt", "canonDocDataInt.txt")
    ]
    assert digests == [text("proofHashDataInt.txt").strip(), text("docHashDataInt.txt").strip()]
    assert "".join(digests) == text("combinedHashDataInt.txt").strip()
    signature = signer.sign(bytes.fromhex("".join(digests)))
    assert signature.hex() == text("sigHexDataInt.txt").strip()
    assert "z" + data_integrity.base58(signature) == text("sigBTC58DataInt.txt").strip()
    assert (
        json.loads(text("signedDataInt.json"))["proof"]["proofValue"] == text("sigBTC58DataInt.txt").strip()
    )


_CITIZEN, _SCHEMA = "https://w3id.org/citizenship#", "https://schema.org/"
_DAY = {"@type": "http://www.w3.org/2001/XMLSchema#dateTime"}
EXAMPLES = {
    # what it is: every name it does not know stands under that address
    "https://www.w3.org/ns/credentials/examples/v2": {
        "@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}
    },
    # not at hand: its terms as the expected text has them, so this shows order and labels and not the context
    "https://w3id.org/citizenship/v4rc1": {
        "@context": {
            **{
                name: _CITIZEN + name
                for name in (
                    "EmploymentAuthorizationDocumentCredential", "EmployablePerson", "EmploymentAuthorizationDocument",
                    "birthCountry", "employmentAuthorizationDocument", "lprCategory", "lprNumber",
                )
            },
            **{
                name: _SCHEMA + name
                for name in ("Person", "additionalName", "familyName", "givenName", "gender", "identifier")
            },
            "image": {"@id": _SCHEMA + "image", "@type": "@id"},
            "birthDate": {"@id": _SCHEMA + "birthDate", **_DAY},
            "residentSince": {"@id": _CITIZEN + "residentSince", **_DAY},
        }
    },
}  # fmt: skip


def n_quads(document: dict[str, Any]) -> str:
    """Return the canonical text of a document of the W3C, under the contexts that it names."""
    held = {
        "https://www.w3.org/ns/credentials/v2": json.loads((PUBLISHED / "credentials-v2.json").read_text()),
        **EXAMPLES,
    }

    def load(url: str, options: Any = None) -> dict[str, Any]:
        return {"contextUrl": None, "documentUrl": url, "document": held[url]}

    given = {"algorithm": "URDNA2015", "format": "application/n-quads", "documentLoader": load}
    return str(jsonld.normalize(document, given))


@pytest.mark.parametrize("folder", [".", "employ"])
def test_the_published_example_from_its_document_to_its_canonical_text(shared_dir: Path, folder: str) -> None:
    where = shared_dir / "vectors" / "vc-di-eddsa" / "eddsa-rdfc-2022" / folder
    document = json.loads((where / "signedDataInt.json").read_text())
    del document["proof"]
    if folder == ".":
        assert document == json.loads((where.parent / "unsigned.json").read_text())
    assert n_quads(document) == (where / "canonDocDataInt.txt").read_text()
    options = json.loads((where / "proofConfigDataInt.json").read_text())
    assert n_quads(options) == (where / "proofCanonDataInt.txt").read_text()


@pytest.mark.parametrize("both", [False, True])
def test_another_implementation_accepts_it_and_no_change_of_it(both: bool) -> None:
    elsewhere = OB3LdpVerifier.for_issuer_did(DID)
    assert elsewhere.verify(proven(both)).name == "Resolved service issue"
    refused = 0
    for path, mutant in mutants(proven()):
        if path[0] in ("credentialSubject", "evidence", "name", "validFrom"):
            with pytest.raises(OB3VerificationError):
                elsewhere.verify(mutant)
            refused += 1
    assert refused > 60


@pytest.mark.parametrize("both", [False, True])
def test_ours_says_the_same(both: bool) -> None:
    document = proven(both)
    outcome = badges.check(document, NOW, ed25519.verify, status_list(), rdf_proofs.check)
    assert outcome.holds, outcome.lines
    for path, mutant in mutants(document):
        outcome = badges.check(mutant, NOW, ed25519.verify, status_list(), rdf_proofs.check)
        if path == ("proof", 0) or path == ("proof", 1) or path == ("proof",):
            assert outcome.refused or both, path  # without one of two proofs the other still holds
            continue
        assert not outcome.holds, path


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"@context": badges.CONTEXTS[:1]}, "context"),
    ({"@context": [*badges.CONTEXTS, {"x": "urn:x"}]}, "context"),
    ({"unknown": 1}, "canonical"),
    ({"type": ["VerifiableCredential", "Unheard"]}, "canonical"),
    ({"name": {"@value": "x"}}, "canonical"),
]


@pytest.mark.parametrize(("lies", "code"), WRONG)
def test_what_rdf_would_lose_is_refused(lies: dict[str, Any], code: str) -> None:
    with pytest.raises(ProofRefused, match=code):
        rdf_proofs.canonical({**plain(), **lies})


def test_without_pyld_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyld", None)
    with pytest.raises(rdf_proofs.NoRdf):
        rdf_proofs.canonical(plain())


def test_a_credential_of_an_earlier_key_gets_no_new_proof() -> None:
    door = Credentials(None, bytes(32), str)  # type: ignore[arg-type]
    assert door.proven(badge(), "jcs") == badge()
    with pytest.raises(ProofRefused, match="issuer"):
        door.proven(badge(), "both")
