"""Credentials without a server: the W3C's vectors, our documents, an implementation that is not ours, and mutations."""

from __future__ import annotations

import copy
import gzip
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openvc import VerificationPolicy, verify_credential
from openvc.errors import OpenvcError

from casework import badges, data_integrity, status_lists
from casework.badges import Earned, Outcome
from casework.data_integrity import ProofRefused
from ledger import ed25519
from ledger.canonical import encode
from ledger.ed25519 import Ed25519Signer

URL = "https://quay.example/status/the-quay/1"
SETTLED, NOW = "2026-11-20T10:00:00.000Z", "2026-11-26T18:00:00.000Z"
SIGNER = Ed25519Signer(bytes(range(32)))
DID = data_integrity.did_of(SIGNER.public_key)
INDEX = 70_001
EARNED = Earned(
    credential="01a1f866-0d00-7944-b5ab-9b1aa0731dd3",
    log="the-quay-dc6e1fac.invalid",
    kind="service_issue",
    policy="service_issue",
    policy_digest="ab" * 32,
    k=3,
    settled_at=SETTLED,
    settled_seq=412,
    name="Zoë Ångström",
    salt="00112233445566778899aabbccddeeff",
    organisation="The Quay",
    message="Thank you: the guest stayed.",
)


def signed(document: dict[str, Any], at: str = SETTLED, signer: Ed25519Signer = SIGNER) -> dict[str, Any]:
    return data_integrity.signed(document, at, data_integrity.did_of(signer.public_key), signer.sign)


def badge(**lies: Any) -> dict[str, Any]:
    return signed({**badges.build(EARNED, DID, URL, INDEX), **lies})


def status_list(
    *taken_back: int, at: str = NOW, signer: Ed25519Signer = SIGNER, url: str = URL
) -> dict[str, Any]:
    issuer = badges.profile(data_integrity.did_of(signer.public_key), "The Quay")
    return signed(status_lists.document(url, issuer, taken_back, at), at, signer)


def told(document: Any, listed: Any = None, at: str = NOW) -> Outcome:
    return badges.check(document, at, ed25519.verify, listed)


def codes(outcome: Outcome) -> list[str]:
    return [line.code for line in outcome.lines]


# ---------------------------------------------------------------------------------------------- the W3C's vectors
@pytest.fixture
def vectors(shared_dir: Path) -> Path:
    return shared_dir / "vectors" / "vc-di-eddsa"


def test_every_step_of_the_published_example_comes_out_byte_for_byte(vectors: Path) -> None:
    def text(name: str) -> str:
        return (vectors / "eddsa-jcs-2022" / name).read_text().strip()

    pair = json.loads((vectors / "keyPair.json").read_text())
    secret = data_integrity.from_base58(pair["privateKeyMultibase"][1:])
    assert secret is not None and secret[:2] == b"\x80\x26"
    signer = Ed25519Signer(secret[2:])
    assert data_integrity.multikey(signer.public_key) == pair["publicKeyMultibase"]
    document = json.loads((vectors / "unsigned.json").read_text())
    did = data_integrity.did_of(signer.public_key)
    options = data_integrity.options_of(document, "2023-02-24T23:36:38Z", did)
    assert options == json.loads(text("proofConfigJCS.json"))
    assert encode(document).decode() == text("canonDocJCS.txt")
    assert encode(options).decode() == text("proofCanonJCS.txt")
    both = data_integrity.hashed(document, options)
    assert both.hex() == text("combinedHashJCS.txt") == text("proofHashJCS.txt") + text("docHashJCS.txt")
    assert signer.sign(both).hex() == text("sigHexJCS.txt")
    assert "z" + data_integrity.base58(signer.sign(both)) == text("sigBTC58JCS.txt")
    whole = data_integrity.signed(document, "2023-02-24T23:36:38Z", did, signer.sign)
    assert whole == json.loads(text("signedJCS.json"))
    assert data_integrity.check(whole, whole["proof"], ed25519.verify) == did


@given(st.binary(max_size=80))
def test_base58_comes_back(data: bytes) -> None:
    assert data_integrity.from_base58(data_integrity.base58(data)) == data


# ---------------------------------------------------------------------------------------------- ours
def test_a_badge_holds_with_a_fresh_list_of_its_issuer() -> None:
    outcome = told(badge(), status_list(1, 2, 3))
    assert outcome.holds and not outcome.refused
    assert [line.what for line in outcome.lines] == ["form", "signed", "valid", "not taken back"]


def test_a_badge_says_who_only_to_who_knows_the_name() -> None:
    document = badge()
    assert EARNED.name not in json.dumps(document, ensure_ascii=False)
    (identifier,) = document["credentialSubject"]["identifier"]
    assert badges.identity(EARNED.name, EARNED.salt) == identifier
    assert badges.identity("Zoe Angstrom", EARNED.salt) != identifier


STATUS = [
    # the list at hand, what is answered; never yes
    (lambda: status_list(INDEX), "revoked", badges.NO),
    (lambda: None, "status_missing", badges.UNKNOWN),
    (lambda: status_list(at="2026-11-24T18:00:00.000Z"), "status_stale", badges.UNKNOWN),
    (lambda: status_list(at="2026-11-26T18:00:00.001Z"), "status_stale", badges.UNKNOWN),
    (lambda: status_list(INDEX, at="2026-11-24T18:00:00.000Z"), "revoked", badges.NO),
    (lambda: status_list(signer=Ed25519Signer(bytes(32))), "status_issuer", badges.UNKNOWN),
    (lambda: status_list(url=URL + "0"), "status_other", badges.UNKNOWN),
    (lambda: badge(), "status_shape", badges.UNKNOWN),
    (list, "status_shape", badges.UNKNOWN),
    (lambda: {**status_list(), "proof": []}, "status_shape", badges.UNKNOWN),
    (lambda: {**status_list(), "validUntil": "2030-01-01T00:00:00.000Z"}, "status_signature", badges.UNKNOWN),
]


@pytest.mark.parametrize(("listed", "code", "answer"), STATUS)
def test_without_a_fresh_list_nobody_says_that_it_counts(listed: Any, code: str, answer: str) -> None:
    outcome = told(badge(), listed())
    assert (outcome.lines[-1].code, outcome.lines[-1].answer, outcome.holds) == (code, answer, False)


@pytest.mark.parametrize("size_bytes", [16, 2 * status_lists.LIST_SIZE_MAX_BYTES])
def test_a_list_too_short_or_a_bomb_is_refused(size_bytes: int) -> None:
    packed = urlsafe_b64encode(gzip.compress(bytes(size_bytes))).rstrip(b"=").decode()
    for text in ("u" + packed, packed, "u!", "u" + packed[:-9], 7, None, "u" + "A" * 300_000):
        with pytest.raises(ProofRefused, match="status_list"):
            status_lists.bit(text, 0)


@settings(max_examples=20)
@given(st.sets(st.integers(0, status_lists.BITS - 1), max_size=40), st.integers(0, status_lists.BITS - 1))
def test_exactly_the_bits_that_were_set_are_set(indexes: set[int], other: int) -> None:
    text = status_lists.encoded(indexes)
    assert all(status_lists.bit(text, index) for index in indexes)
    assert status_lists.bit(text, other) is (other in indexes)


WRONG = [
    # what is signed over all the same, by the issuer; the code
    ({"@context": [*badges.CONTEXTS, "https://w3id.org/security/undefined-term/v2"]}, "shape"),
    ({"@context": [badges.CONTEXTS[0]]}, "shape"),
    ({"@context": [badges.CONTEXTS[0], "https://purl.imsglobal.org/spec/ob/v3p0/context.json"]}, "shape"),
    ({"type": ["VerifiableCredential"]}, "shape"),
    ({"issuer": DID}, "shape"),
    ({"validFrom": "2026-11-26T18:00:00.001Z"}, "not_yet"),
    ({"validFrom": "yesterday"}, "shape"),
    ({"validUntil": NOW}, "expired"),
    ({"issuer": badges.profile(data_integrity.did_of(bytes(32)), "The Quay")}, "issuer"),
]


@pytest.mark.parametrize(("lies", "code"), WRONG)
def test_what_an_issuer_signs_is_not_enough(lies: dict[str, Any], code: str) -> None:
    outcome = told(badge(**lies), status_list())
    assert outcome.refused and codes(outcome)[-1] == code


def test_a_credential_without_a_status_of_the_known_kind_leaves_it_open() -> None:
    others: list[Any] = [{}, None, [], {**badge()["credentialStatus"], "statusPurpose": "suspension"}]
    for status in others:
        outcome = told(badge(credentialStatus=status), status_list())
        assert (codes(outcome)[-1], outcome.holds) == ("status_entry", False)
    for index in ("-1", "01", 7, str(status_lists.BITS), "9" * 30):
        named = {**badge()["credentialStatus"], "statusListIndex": index}
        assert not told(badge(credentialStatus=named), status_list()).holds


# ---------------------------------------------------------------------------------------------- mutations
def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every leaf and of every member of an object or a list."""
    yield path
    if isinstance(value, dict):
        for name in value:
            yield from leaves(value[name], (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from leaves(one, (*path, index))


def changed(value: Any) -> Iterator[Any]:
    """Yield other values in the place of one."""
    yield None
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, str):
        yield value + " "
        yield value[:-1]
        yield value.swapcase()
    elif isinstance(value, list):
        yield [*value, "x"]
        yield value[:-1]
        yield value[::-1]
    elif isinstance(value, dict):
        yield {**value, "x": 1}


def mutants(document: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield a copy for each change of each leaf, and one without it."""
    for path in leaves(document):
        if not path:
            continue
        for drop in (False, True):
            copies = copy.deepcopy(document)
            at: Any = copies
            for name in path[:-1]:
                at = at[name]
            if drop:
                del at[path[-1]]
                yield path, copies
                continue
            for other in changed(at[path[-1]]):
                if other != at[path[-1]]:
                    again = copy.deepcopy(copies)
                    spot: Any = again
                    for name in path[:-1]:
                        spot = spot[name]
                    spot[path[-1]] = other
                    yield path, again


def test_every_change_of_a_badge_is_refused() -> None:
    count, listed = 0, status_list()
    for path, mutant in mutants(badge()):
        outcome = told(mutant, listed)
        assert outcome.refused, (path, codes(outcome))
        count += 1
    assert count > 150


def test_every_change_of_a_status_list_leaves_it_unknown() -> None:
    document = badge()
    for path, mutant in mutants(status_list(5)):
        outcome = told(document, mutant)
        assert not outcome.holds, (path, codes(outcome))


@pytest.mark.parametrize("document", [None, [], "x", 7, {}, {"issuer": {}}, {"proof": 1}, {"@context": 1.5}])
def test_anything_else_is_refused_by_name(document: Any) -> None:
    assert told(document).refused


def test_a_proof_of_a_suite_that_is_not_checked_here_leaves_it_open() -> None:
    document = badge()
    other = {**document["proof"], "cryptosuite": "eddsa-rdfc-2022"}
    outcome = told({**document, "proof": [document["proof"], other]}, status_list())
    assert "suite_unknown" in codes(outcome) and not outcome.holds and not outcome.refused
    assert told({**document, "proof": other}, status_list()).refused


LOW_ORDER = [  # RFC 7748's curve has eight such points; as keys, with and without the sign
    "00" * 32,
    "01" + "00" * 31,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
]


@pytest.mark.parametrize(
    "key", [*LOW_ORDER, *(key[:62] + f"{int(key[62:], 16) | 0x80:02x}" for key in LOW_ORDER)]
)
def test_a_key_under_which_one_signature_fits_everything_signs_nothing(key: str) -> None:
    did = data_integrity.did_of(bytes.fromhex(key))
    document = badge(issuer=badges.profile(did, "The Quay"))
    for point in ("01" + "00" * 31, key):
        value = "z" + data_integrity.base58(bytes.fromhex(point) + bytes(32))
        proof = {
            **document["proof"],
            "verificationMethod": data_integrity.method_of(did),
            "proofValue": value,
        }
        for narrative in (
            "well done",
            "promoted",
            "once",
            "more",
            "again",
            "and",
            "so",
            "on",
        ):  # one in 8 fits
            changed_ = {**document, "name": narrative, "proof": proof}
            assert told(changed_).refused, (key, codes(told(changed_)))


def test_a_fraction_has_no_proof_here() -> None:
    assert codes(told({**badge(), "extra": 0.5}, status_list()))[-1] == "canonical"


# ---------------------------------------------------------------------------------------------- not by us
def asked_elsewhere(document: dict[str, Any], listed: dict[str, Any]) -> Any:
    """Ask an implementation that nobody here wrote, the status list included."""

    def resolve(url: str) -> Any:
        assert url == URL
        return verify_credential(listed, policy=VerificationPolicy(require_status=False)).credential

    return verify_credential(
        document, policy=VerificationPolicy(require_status_issuer_binding=True), resolve_status_list=resolve
    )


def test_another_implementation_says_the_same() -> None:
    now = status_lists.document(URL, badges.profile(DID, "The Quay"), (1,), "2026-11-20T10:00:00.000Z")
    now["validUntil"] = "2099-01-01T00:00:00.000Z"  # it asks the wall clock
    listed = signed(now)
    result = asked_elsewhere(badge(), listed)
    assert (result.issuer, result.status.revoked) == (DID, False)
    now["credentialSubject"]["encodedList"] = status_lists.encoded((INDEX,))
    with pytest.raises(OpenvcError, match="revoked"):
        asked_elsewhere(badge(), signed(now))
    refused = 0
    for path, mutant in mutants(badge()):
        if path == ("proof",) or path[0] in ("issuer", "credentialSubject", "evidence", "name", "proof"):
            with pytest.raises(OpenvcError):
                asked_elsewhere(mutant, listed)
            refused += 1
    assert refused > 100
