"""Every file of shared/data/evidence_files against what its SOURCE.md says of it. No file is left out: the table lists
all of them, quotes the sentence that is held, and says what our collectors make of the file. Where SOURCE.md only says
that a file is there, the outcome that we find stands here with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.pictures import look
from casework import mail_guard
from casework.collectors import photo, signed_mail, time_stamp
from casework.collectors.photo import Capture
from casework.collectors.time_stamp import Stamped
from casework.mail_reasons import MailFault
from casework.requests import Principal
from casework.time_tokens import StampFault, check_token, trust_of
from ledger.errors import Refused
from tests.casework.mail_scenes import CASE, customer

AT = "2026-11-20T10:00:00.000Z"
WHO = Principal("01a1f866-0d00-7944-b5ab-9b1aa0731dd4", "staff", "web", "session")

# ---------------------------------------------------------------------------------------------- what SOURCE.md says
EARLIER = '= "taken before the task / edited later"'
NO_TIME = "earth_apollo17 = no camera, no capture time"
SIGNED = "3 signed messages, keys in keys.json; verified True offline with dkimpy 1.1.8 + pynacl"
ADDED = "all fail (ValidationError) when one line is appended"
HOLDS = 'verify over b"hello" with ts_chain.pem'
FAILS = "response-invalid-signature.tsr fails"
PRESENT = "request.der, expired, injected-certs, no-embedded-cert cases also present (not all run)"
ORIGIN = "trailofbits/rfc3161-client @886f40b2 test/fixtures"
LICENCE = "licence"
MISMATCH = {
    "C.jpg": "C, CA Valid (signer untrusted test cert)",
    "CA.jpg": "C, CA Valid (signer untrusted test cert)",
    "E-sig-CA.jpg": "E-sig-CA claimSignature.mismatch",
    "E-dat-CA.jpg": "E-dat-CA and XCA assertion.dataHash.mismatch",
    "XCA.jpg": "E-dat-CA and XCA assertion.dataHash.mismatch",
    "E-uri-CA.jpg": "E-uri-CA, E-clm-CAICAI assertion.hashedURI.mismatch",
    "E-clm-CAICAI.jpg": "E-uri-CA, E-clm-CAICAI assertion.hashedURI.mismatch",
}

# ---------------------------------------------------------------------------------------------- what we make of it
# file -> (the sentence of SOURCE.md, what is asked of it, what comes out)
Row = tuple[str, str, Any]
PHOTOS: dict[str, Row] = {
    # when it says that it was taken; when changed; whether it carries content credentials
    "exif/c2pa-python_P1000827.jpg": (EARLIER, "photo", ("2019-06-07T14:56:19", "2022", False)),
    "exif/c2pa-python_IMG_0003.jpg": (EARLIER, "photo", ("2011-07-30T15:41:25", "2022", False)),
    "exif/c2pa-python_earth_apollo17.jpg": (NO_TIME, "photo", (None, "2020", False)),
    "c2pa/adobe-20220124-A.jpg": ("A has no manifest", "photo", ("2011-07-30T15:41:25", "2022", False)),
    # Valid or not, by whomever signed: a plain photo that carries credentials, which are not checked.
    **{f"c2pa/adobe-20220124-{name}": (said, "photo", (None, None, True)) for name, said in MISMATCH.items()},
    "c2pa/truepic-20230212-camera.jpg": (
        "truepic-20230212-camera reads Invalid (dataHash mismatch) with this SDK",
        "photo",
        ("2023-02-12T13:44:28", None, True),
    ),
}
MAILS: dict[str, Row] = {
    # the algorithms that hold; the grade; whether the sender's own domain signed
    "dkim/dkimpy_rfc6376.signed.msg": (SIGNED, "mail", ({"rsa-sha256", "ed25519-sha256"}, "E4", True)),
    "dkim/mailauth_ec_signed.eml": (SIGNED, "mail", ({"rsa-sha256", "ed25519-sha256"}, "E4", True)),
    # From: is at strace.org, and gmail.com signed: the signature holds and says nothing of who wrote it.
    "dkim/dkimpy_test2.message": (SIGNED, "mail", ({"rsa-sha256"}, "E1", False)),
}
KEYS: dict[str, Row] = {
    "dkim/keys.json": ("keys in keys.json", "keys", 3),
    # The same RSA key once more, as it stands in the DNS; g= is a tag that RFC 6376 no longer knows: passed over.
    "dkim/dkimpy_test.txt": ("RFC 6376/8463 samples", "key", None),
    "dkim/dkimpy_test2.txt": ("RFC 6376/8463 samples", "key", None),
    "dkim/mailauth_ec_dns.json": ("RFC 6376/8463 samples", "zone", None),
}
TOKENS: dict[str, Row] = {
    # None: it holds; else the reason for which it does not
    "rfc3161/sigstage/response-sha256.tsr": (HOLDS, "token", None),
    "rfc3161/sigstage/response-sha512.tsr": (HOLDS, "token", None),
    "rfc3161/test_tsa/response.tsr": (HOLDS, "token", None),
    "rfc3161/sigstage/response-invalid-signature.tsr": (FAILS, "token", "wrong_signature"),
    "rfc3161/sigstage/response-sha384.tsr": (ORIGIN, "token", None),
    # Its signer's certificate stands in the file of roots.
    "rfc3161/sigstage/response-no-embedded-cert.tsr": (PRESENT, "token", None),
    # Strangers' certificates beside the right ones lead nowhere.
    "rfc3161/test_tsa/response-injected-certs.tsr": (PRESENT, "token", None),
    # The certificate is over by now and was not at the time in the token, which is the time that counts.
    "rfc3161/sigstore.mock/response-expired.tsr": (PRESENT, "token", None),
    # An authority of the same names with another key: its root is not in the folder.
    "rfc3161/test_tsa/other_response.tsr": (ORIGIN, "token", "path"),
    # A commercial authority: three certificates up to a root that lies there as DER.
    "rfc3161/identrust/issue-104.tsr": (ORIGIN, "token", None),
    # Requests are no answers of an authority.
    "rfc3161/sigstage/request.der": (PRESENT, "token", "unreadable"),
    "rfc3161/test_tsa/request.der": (PRESENT, "token", "unreadable"),
    "rfc3161/test_tsa/other_request.der": (ORIGIN, "token", "unreadable"),
}
ROOTS: dict[str, Row] = {
    # roots, and certificates that may lie on the way
    "rfc3161/sigstage/ts_chain.pem": ("with ts_chain.pem", "roots", (1, 1)),
    "rfc3161/test_tsa/ts_chain.pem": ("with ts_chain.pem", "roots", (1, 2)),
    "rfc3161/sigstore.mock/ts_chain.pem": (ORIGIN, "roots", (1, 1)),
    # Called .pem and DER inside: one certificate and nothing behind it.
    "rfc3161/identrust/ts_chain.pem": (ORIGIN, "roots", (1, 0)),
}
NO_EVIDENCE: dict[str, Row] = {
    "SOURCE.md": ("# Evidence files", "nothing", None),
    "dkim/LICENSE.dkimpy.txt": ("LICENSE.dkimpy.txt", "nothing", None),
    "dkim/LICENSE.mailauth.txt": ("LICENSE.mailauth.txt", "nothing", None),
    "exif/LICENSE-MIT": ("MIT or Apache-2.0 (LICENSE-MIT)", "nothing", None),
    "rfc3161/LICENSE": ("Apache-2.0 (LICENSE)", "nothing", None),
    "rfc3161/sigstage/README.md": (ORIGIN, "nothing", None),
    "rfc3161/test_tsa/README.md": (ORIGIN, "nothing", None),
    "rfc3161/sigstore.mock/payload": (ORIGIN, "nothing", None),  # what response-expired.tsr was made over
}
ALL = {**PHOTOS, **MAILS, **KEYS, **TOKENS, **ROOTS, **NO_EVIDENCE}


@pytest.fixture(scope="module")
def folder(shared_dir: Path) -> Path:
    """The folder of the files."""
    return shared_dir / "data" / "evidence_files"


def test_every_file_is_in_the_table_and_every_sentence_in_its_source(folder: Path) -> None:
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == set(ALL)
    source = " ".join((folder / "SOURCE.md").read_text().split())
    assert [name for name, (said, _, _) in ALL.items() if " ".join(said.split()) not in source] == []
    assert ADDED in source


# ---------------------------------------------------------------------------------------------- one way each
def as_photo(folder: Path, name: str) -> Any:
    """A photo of a file is E1 whatever it says of itself, and what it says is put down."""
    picture = look((folder / name).read_bytes(), "image/jpeg")
    item = photo.collect(WHO, CASE.id, picture, Capture(), AT)
    made = item.facts["made"]
    assert (item.grade, item.controllers) == ("E1", {"party": f"member:{WHO.id}"})
    assert NO_TIME not in ALL[name][0] or made["camera"] is None
    return made["taken_at"], made["changed_at"] and made["changed_at"][:4], made["credentials"]


def answers(folder: Path) -> dict[str, tuple[str, ...]]:
    return {name: (text,) for name, text in json.loads((folder / "dkim/keys.json").read_text()).items()}


def as_mail(folder: Path, name: str) -> Any:
    """Each signature holds, and none with a line more; then what is concluded of the mail, now and checked again."""
    keys, raw, found = answers(folder), (folder / name).read_bytes(), set()
    mail, more = signed_mail.read(raw), signed_mail.read(raw + b"one line more\n")
    for one in mail_guard.candidates(mail, AT):
        mail_guard.check_signature(mail, one, keys[one.name][0])
        with pytest.raises(MailFault, match="wrong_signature"):
            mail_guard.check_signature(more, one, keys[one.name][0])
        alone = signed_mail.collect(WHO, CASE, mail, {one.name: keys[one.name]}, AT, customer)
        assert alone.content == raw and signed_mail.recheck(raw, alone.facts).raw == raw
        found.add(one.algorithm)
    with pytest.raises(Refused, match="wrong_signature"):
        signed_mail.collect(WHO, CASE, more, keys, AT, customer)
    item = signed_mail.collect(WHO, CASE, mail, keys, AT, customer)
    return found, item.grade, item.facts["aligned"]


def as_keys(folder: Path, name: str) -> Any:
    return len(answers(folder))


def as_key(folder: Path, name: str) -> Any:
    """A TXT record by which the RSA signature of the sample holds: true mail, and no other selector's."""
    mail = signed_mail.read((folder / "dkim/dkimpy_rfc6376.signed.msg").read_bytes())
    record = ((folder / name).read_text().strip(),)
    item = signed_mail.collect(
        WHO, CASE, mail, {"test._domainkey.football.example.com": record}, AT, customer
    )
    assert item.facts["algorithm"] == "rsa-sha256" and item.grade == "E4"


def as_zone(folder: Path, name: str) -> Any:
    """The same two keys as in keys.json, in the strings of a TXT record, which are joined."""
    zone = json.loads((folder / name).read_text())
    joined = {one: tuple("".join(text) for text in zone[one]["TXT"]) for one in zone if "_domainkey" in one}
    assert {one: keys for one, keys in answers(folder).items() if one in joined} == joined and len(
        joined
    ) == 2


def as_token(folder: Path, name: str) -> Any:
    path = folder / name
    content = (path.parent / "payload").read_bytes() if (path.parent / "payload").exists() else b"hello"
    trust, made = trust_of((path.parent / "ts_chain.pem").read_bytes()), path.read_bytes()
    try:
        check_token(made, content, trust)
    except StampFault as fault:
        with pytest.raises(Refused, match=fault.reason):
            time_stamp.collect(WHO, CASE.id, Stamped("e", content), made, trust, AT)
        return fault.reason
    item = time_stamp.collect(WHO, CASE.id, Stamped("e", content), made, trust, AT)
    assert item.grade == "E4"
    assert time_stamp.recheck(made, item.facts, content).stamped_at == item.facts["stamped_at"]
    with pytest.raises(StampFault, match="other_content"):
        check_token(made, content + b"!", trust)
    return None


def as_roots(folder: Path, name: str) -> Any:
    trust = trust_of((folder / name).read_bytes())
    return len(trust.roots), len(trust.others)


WAYS: dict[str, Callable[[Path, str], Any]] = {
    "photo": as_photo,
    "mail": as_mail,
    "keys": as_keys,
    "key": as_key,
    "zone": as_zone,
    "token": as_token,
    "roots": as_roots,
}


@pytest.mark.parametrize("name", [name for name, row in ALL.items() if row[1] != "nothing"])
def test_a_file_comes_out_as_its_source_says(folder: Path, name: str) -> None:
    _, way, outcome = ALL[name]
    assert WAYS[way](folder, name) == outcome


def test_a_token_of_one_authority_leads_to_no_root_of_another(folder: Path) -> None:
    chains = {path.parent.name: trust_of(path.read_bytes()) for path in folder.rglob("ts_chain.pem")}
    for name, (_, _, reason) in TOKENS.items():
        for of, trust in chains.items():
            if reason is None and of != Path(name).parent.name:
                with pytest.raises(StampFault, match=r"path|signer|other_content"):
                    check_token((folder / name).read_bytes(), b"hello", trust)
