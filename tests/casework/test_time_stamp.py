"""Time stamps: tokens of a real `openssl ts` and of others, what is refused and why, and what can be checked later."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from casework.cases import later
from casework.collectors import time_stamp
from casework.collectors.time_stamp import Stamped
from casework.requests import AttachEvidence, Principal
from casework.time_tokens import REASONS, StampFault, Trust, check_token, der, fingerprint, trust_of
from ledger.errors import Refused
from tests.casework.shop import Shop
from tests.time_authority import TIME_STAMPING, Holder, holder, signer, stamp
from verifiers.errors import InputInvalid
from verifiers.reading import Reader
from verifiers.signed_facts import read_stamp

CONTENT = b"hello"
CASE, EVIDENCE = "01a1f866-0d00-7944-b5ab-9b1aa0731dd3", "01a1f866-0d00-7944-b5ab-9b1aa0731dd5"
WHO = Principal("01a1f866-0d00-7944-b5ab-9b1aa0731dd4", "staff", "web", "session")
GUEST = "a" * 64
LATE = "2099-01-01T00:00:00.000Z"
ROOT = holder("Root")
BETWEEN = holder("Between", ROOT)
CLOCK = signer(BETWEEN)
TRUST = trust_of(ROOT.pem + BETWEEN.pem)


def collect(
    token: bytes, trust: Trust = TRUST, content: bytes = CONTENT, received_at: str = LATE
) -> AttachEvidence:
    """Return the evidence of a token."""
    return time_stamp.collect(WHO, CASE, Stamped(EVIDENCE, content, (GUEST,)), token, trust, received_at)


def reason_of(make: Callable[..., Any], *given: Any, **named: Any) -> str:
    """Return the reason for which a call is refused."""
    with pytest.raises(Refused) as caught:
        make(*given, **named)
    assert caught.value.code == "time_stamp_invalid"
    reason, _, said = str(caught.value.detail).partition(": ")
    assert reason in REASONS and "expected" in said and "got" in said
    return reason


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A plain token over CONTENT, with the signer's certificate inside."""
    return stamp(tmp_path_factory.mktemp("tsa"), CLOCK, CONTENT)


# ---------------------------------------------------------------------------------------------- what counts
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_a_time_stamp_is_e4_and_its_authority_could_have_made_it_alone(tmp_path: Path, digest: str) -> None:
    made = stamp(
        tmp_path, CLOCK, CONTENT, digest=digest, more="accuracy = secs:1, millisecs:500, microsecs:1"
    )
    item = collect(made)
    root = fingerprint(ROOT.certificate)
    assert (item.type, item.grade, item.submitter) == ("time_stamp", "E4", f"member:{WHO.id}")
    assert item.controllers == {"party": f"system:tsa:{root[:16]}"}
    assert item.content == made and item.concerns == (GUEST,)
    assert set(item.facts) == {
        "evidence", "authority", "policy", "serial", "stamped_at", "accuracy_ms", "hash", "roots", "chain",
    }  # fmt: skip
    assert (item.facts["evidence"], item.facts["authority"]) == (EVIDENCE, "CN=Clock")
    assert (item.facts["policy"], item.facts["serial"]) == ("1.2.3.4.1", "4097")
    assert (item.facts["hash"], item.facts["roots"], item.facts["accuracy_ms"]) == (digest, [root], 1_501)
    kept = [x509.load_der_x509_certificate(base64.b64decode(one)) for one in item.facts["chain"]]
    assert kept == [BETWEEN.certificate, ROOT.certificate]  # the token brings the signer's own
    assert read_stamp(Reader(json.loads(json.dumps(item.facts)), "facts", InputInvalid)).accuracy_ms == 1_501


def test_a_fraction_of_a_second_and_no_accuracy(tmp_path: Path) -> None:
    item = collect(stamp(tmp_path, CLOCK, CONTENT, more="clock_precision_digits = 6"))
    assert item.facts["accuracy_ms"] is None
    assert str(item.facts["stamped_at"]).endswith("Z") and len(str(item.facts["stamped_at"])) == 24


def test_a_token_without_certificates_needs_them_in_the_file(tmp_path: Path) -> None:
    bare = stamp(tmp_path, CLOCK, CONTENT, certificates=False)
    assert reason_of(collect, bare) == "signer"
    item = collect(bare, trust_of(ROOT.pem + BETWEEN.pem + CLOCK.pem))
    assert len(item.facts["chain"]) == 3


# ---------------------------------------------------------------------------------------------- what does not
def test_another_content_is_refused(token: bytes) -> None:
    assert reason_of(collect, token, content=CONTENT + b" ") == "other_content"


def test_sha1_is_refused(tmp_path: Path) -> None:
    assert reason_of(collect, stamp(tmp_path, CLOCK, CONTENT, digest="sha1")) == "hash"
    weak = stamp(tmp_path, CLOCK, CONTENT, more="signer_digest = sha1")
    assert reason_of(collect, weak) == "hash"


@pytest.mark.parametrize("made", [b"", b"x" * 20_000], ids=["nothing", "too much"])
def test_sizes(made: bytes) -> None:
    assert reason_of(collect, made) == "size"


def test_what_was_not_granted_is_refused(token: bytes) -> None:
    # PKIStatusInfo { status rejection(2) } alone, and granted without a token
    for status, reason in ((2, "not_granted"), (0, "unreadable")):
        assert reason_of(collect, bytes((0x30, 5, 0x30, 3, 2, 1, status))) == reason
    # grantedWithMods(1), which is no part of what is signed
    granted = bytes((0x30, 3, 2, 1, 0))
    assert granted in token
    assert reason_of(collect, token.replace(granted, bytes((0x30, 3, 2, 1, 1)), 1)) == "not_granted"


def test_a_time_later_than_now_is_refused(token: bytes) -> None:
    at = str(collect(token).facts["stamped_at"])
    assert collect(token, received_at=later(at, seconds=-300)).grade == "E4"
    assert reason_of(collect, token, received_at=later(at, seconds=-301)) == "in_future"


def test_another_root_is_refused(token: bytes) -> None:
    other = holder("Root")
    assert reason_of(collect, token, trust_of(other.pem + BETWEEN.pem)) == "path"
    assert reason_of(collect, token, trust_of(ROOT.pem)) == "path"  # nothing leads there


PATHS: list[tuple[str, Callable[[], tuple[Holder, tuple[Holder, ...]]], str]] = []


def path(what: str, reason: str) -> Callable[[Callable[[], tuple[Holder, tuple[Holder, ...]]]], None]:
    """Note a way to a signer: it returns the signer, and the certificates in the file of trust."""

    def note(make: Callable[[], tuple[Holder, tuple[Holder, ...]]]) -> None:
        PATHS.append((what, make, reason))

    return note


@path("signed by what is no authority", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    between = holder("Between", ROOT, authority=False)
    return signer(between), (ROOT, between)


@path("signed by a key that signs no certificates", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    between = holder("Between", ROOT, usage="crl_sign")
    return signer(between), (ROOT, between)


@path("over before", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    return signer(ROOT, days=(-9, -8)), (ROOT,)


@path("not yet", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    return signer(ROOT, days=(8, 9)), (ROOT,)


@path("under an authority that is over", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    between = holder("Between", ROOT, days=(-9, -8))
    return signer(between), (ROOT, between)


@path("under a root that is over", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    root = holder("Old", days=(-9, -8))
    return signer(root), (root,)


@path("deeper than an authority allows", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    root = holder("Root", path_length=0)
    between = holder("Between", root)
    return signer(between), (root, between)


@path("deeper than we look", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    line = [ROOT]
    for number in range(6):
        line.append(holder(f"B{number}", line[-1]))
    return signer(line[-1]), tuple(line)


@path("by a certificate that signed itself", "path")
def _() -> tuple[Holder, tuple[Holder, ...]]:
    alone = holder("Alone", authority=False, purposes=TIME_STAMPING)
    return alone, (alone,)


@pytest.mark.parametrize(("what", "make", "reason"), PATHS, ids=[row[0] for row in PATHS])
def test_paths_that_lead_nowhere(
    tmp_path: Path, what: str, make: Callable[[], tuple[Holder, tuple[Holder, ...]]], reason: str
) -> None:
    by, file = make()
    made = stamp(tmp_path, by, CONTENT)
    trust = Trust(
        tuple(one.certificate for one in file if one.certificate.issuer == one.certificate.subject),
        tuple(one.certificate for one in file),
    )
    assert reason_of(collect, made, trust) == reason


PURPOSES: list[tuple[str, dict[str, Any]]] = [
    ("none", {"purposes": ()}),
    ("a key that signs nothing", {"usage": "key_agreement"}),
    ("not critical", {"critical": False}),
    ("another", {"purposes": (ExtendedKeyUsageOID.CODE_SIGNING,)}),
    ("another beside it", {"purposes": (*TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)}),
]


@pytest.mark.parametrize(("what", "more"), PURPOSES, ids=[row[0] for row in PURPOSES])
def test_a_certificate_for_more_than_time_stamps_is_refused(
    tmp_path: Path, what: str, more: dict[str, Any]
) -> None:
    good = signer(ROOT)
    bare = stamp(tmp_path, good, CONTENT, certificates=False)
    same = signer(ROOT, like=good)
    for fit in (same, signer(ROOT, like=good, usage="digital_signature")):
        assert collect(bare, trust_of(ROOT.pem + fit.pem)).grade == "E4"
    bad = signer(ROOT, like=good, **more)
    assert reason_of(collect, bare, trust_of(ROOT.pem + bad.pem)) == "purpose"


def test_two_certificates_of_one_name_and_number_are_refused(tmp_path: Path) -> None:
    good = signer(ROOT)
    made = stamp(tmp_path, good, CONTENT)
    twin = signer(ROOT, like=good)
    assert reason_of(collect, made, trust_of(ROOT.pem + twin.pem)) == "signer"


def test_a_path_that_would_fill_the_facts_is_refused(tmp_path: Path) -> None:
    named = [ROOT]
    for number in range(3):
        named.append(holder(f"{'N' * 63}{number}", named[-1], bulk=1_500))
    by = signer(named[-1])
    trust = Trust((ROOT.certificate,), tuple(one.certificate for one in named))
    assert reason_of(collect, stamp(tmp_path, by, CONTENT), trust) == "chain"


NAMESAKE = holder("Same", holder("Same"))
PEMS = {
    "nothing": b"", "text": b"no certificates", "no root": CLOCK.pem, "a root by name only": NAMESAKE.pem,
    "no root, in DER": der(CLOCK.certificate), "DER and a byte more": der(ROOT.certificate) + b"\n",
    "two in DER": der(ROOT.certificate) * 2, "DER cut off": der(ROOT.certificate)[:-1],
    "another thing in DER": b"0\x03\x02\x01\x00", "PEM behind DER": der(ROOT.certificate) + ROOT.pem,
}  # fmt: skip


def test_one_root_may_come_in_der_whatever_its_file_is_called(tmp_path: Path) -> None:
    by = signer(ROOT)
    trust = trust_of(der(ROOT.certificate))
    assert trust == trust_of(ROOT.pem) and len(trust.roots) == 1
    assert collect(stamp(tmp_path, by, CONTENT), trust).grade == "E4"


@pytest.mark.parametrize("pem", PEMS.values(), ids=list(PEMS))
def test_a_file_of_roots_has_roots(pem: bytes) -> None:
    with pytest.raises(StampFault, match="roots: expected"):
        trust_of(pem)


# ---------------------------------------------------------------------------------------------- never an exception
@given(data=st.data())
def test_a_byte_changed_is_refused_or_changes_nothing(token: bytes, data: st.DataObject) -> None:
    at, by = data.draw(st.integers(0, len(token) - 1)), data.draw(st.integers(1, 255))
    flipped = token[:at] + bytes((token[at] ^ by,)) + token[at + 1 :]
    first = time_stamp.told(check_token(token, CONTENT, TRUST))
    try:
        assert time_stamp.told(check_token(flipped, CONTENT, TRUST)) == first
    except StampFault as fault:
        assert fault.reason in REASONS


@given(data=st.data())
def test_bytes_put_in_or_cut_off_are_refused(token: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(token) - 1))
    more = data.draw(st.binary(max_size=12))
    changed = token[:at] + more + (b"" if data.draw(st.booleans()) else token[at:])
    if changed != token:
        reason_of(collect, changed)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_and_never_break(made: bytes) -> None:
    reason_of(collect, made)


async def test_one_stamp_counts_once_whatever_certificates_lie_beside_it(
    here: Shop, shared_dir: Path
) -> None:
    folder = shared_dir / "data/evidence_files/rfc3161/test_tsa"
    trust = trust_of((folder / "ts_chain.pem").read_bytes())
    case = await here.open()

    def brought(name: str) -> AttachEvidence:
        who, made = here.people["waiter"], (folder / name).read_bytes()
        return time_stamp.collect(who, case, Stamped(EVIDENCE, CONTENT), made, trust, here.now())

    await here.attach(brought("response.tsr"))
    for name in ("response.tsr", "response-injected-certs.tsr"):
        with pytest.raises(Refused, match="evidence_reused"):
            await here.attach(brought(name))


# ---------------------------------------------------------------------------------------------- checked again
def test_recheck_needs_token_facts_and_content_alone(token: bytes) -> None:
    item = collect(token)
    assert time_stamp.recheck(token, item.facts, CONTENT).authority == "CN=Clock"
    assert reason_of(time_stamp.recheck, token, item.facts, b"hallo") == "other_content"
    assert reason_of(time_stamp.recheck, token, {**item.facts, "chain": []}, CONTENT) == "path"
    assert reason_of(time_stamp.recheck, token, {**item.facts, "chain": ["?"]}, CONTENT) == "chain"
    assert reason_of(time_stamp.recheck, token, {**item.facts, "roots": ["0" * 64]}, CONTENT) == "path"
    for member, value in (
        ("serial", "1"),
        ("stamped_at", LATE),
        ("authority", "CN=Other"),
        ("accuracy_ms", 5),
    ):
        assert reason_of(time_stamp.recheck, token, {**item.facts, member: value}, CONTENT) == "facts_differ"
