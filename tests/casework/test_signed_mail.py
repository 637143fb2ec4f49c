"""Signed mail: what counts, what is refused and why, and that nothing that was changed afterwards ever counts."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from casework import mail_guard
from casework.audit import audit
from casework.collectors import signed_mail
from casework.mail_reading import MAIL_SIZE_MAX_BYTES, read_mail
from casework.mail_reasons import MailFault
from casework.requests import AttachEvidence
from ledger.errors import Refused
from ledger.store.tables import shapes
from tests.casework.forging import Story
from tests.casework.histories import read
from tests.casework.mail_scenes import (
    AT,
    AT_SECONDS,
    CASE,
    ED,
    NAME,
    RSA,
    SIGNED,
    WHO,
    collect,
    customer,
    reason_of,
    replaced,
)
from tests.casework.shop import PROJECTIONS, Shop
from tests.mail_signer import FIVE, LETTER, Key, ed25519_key, record, rsa_key, sign
from verifiers.errors import InputInvalid
from verifiers.reading import Reader
from verifiers.signed_facts import read_mail as read_facts

FACTS = {
    "domain", "selector", "aligned", "algorithm", "key", "key_seen_at", "signed_at", "expires_at", "sent_at", "from",
    "to", "message", "reference", "case", "size_bytes",
}  # fmt: skip


# ---------------------------------------------------------------------------------------------- what counts
@pytest.mark.parametrize("key", [RSA, ED], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("forms", ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"])
def test_a_signed_mail_is_e4_and_its_domain_could_have_made_it_alone(key: Key, forms: str) -> None:
    item = collect(sign(LETTER, key, forms=forms, x=str(AT_SECONDS + 60)), key.record)
    assert (item.type, item.grade, item.submitter) == ("signed_mail", "E4", f"member:{WHO.id}")
    joe = customer("joe@quay.example")
    parties = [{"party": f"customer:{joe}"}, {"party": "system:mail:quay.example"}]
    assert item.controllers == {"any": parties}
    assert set(item.facts) == FACTS
    assert item.facts["key"] == key.record and item.facts["key_seen_at"] == item.received_at == AT
    assert (item.facts["signed_at"], item.facts["expires_at"]) == (AT, "2026-11-20T10:01:00.000Z")
    assert item.facts["sent_at"] == "2026-11-20T09:30:00.000Z"
    assert (item.facts["from"], item.facts["to"]) == (joe, [customer("house@harbour.example")])
    assert item.facts["reference"] is False and item.facts["case"] == CASE.id
    assert item.concerns == (joe,) and item.content in item.once
    known = read_facts(Reader(json.loads(json.dumps(item.facts)), "facts", InputInvalid))
    assert known is not None and known.sender == joe


def test_whoever_gives_a_mail_on_does_not_change_what_it_is() -> None:
    """A file with LF alone, headers put before by servers, and blanks that the relaxed form allows."""
    for raw in (
        SIGNED.replace(b"\r\n", b"\n"),
        b"Received: from a by b\r\nReturn-Path: <joe@quay.example>\r\n" + SIGNED,
        SIGNED.replace(b"Subject: About", b"subject:   About "),
    ):
        assert collect(raw, RSA.record).facts["message"] == collect(SIGNED, RSA.record).facts["message"]


def test_the_first_signature_that_counts_is_taken() -> None:
    other = rsa_key()
    both = sign(sign(LETTER, RSA), other, domain="relay.example", selector="r")
    assert collect(both, RSA.record).facts["domain"] == "quay.example"
    three = sign(both, ED, selector="gone")
    assert collect(three, RSA.record).facts["selector"] == "s1"
    many = SIGNED
    for number in range(mail_guard.SIGNATURES_MAX):
        many = sign(many, other, domain="relay.example", selector=f"r{number}")
    assert reason_of(collect, many, RSA.record) == "signatures_too_many"


def test_names_are_asked_once_each_and_five_at_most() -> None:
    raw = LETTER
    for number in range(8):
        raw = sign(raw, ED, selector=f"s{number // 2}")
    names = signed_mail.names(signed_mail.read(raw), AT)
    assert names == tuple(f"s{number}._domainkey.quay.example" for number in (3, 2, 1))


def test_a_domain_above_may_sign_and_one_beside_may_not() -> None:
    letter = LETTER.replace(b"Joe@quay.example>", b"Joe@mail.quay.example>")
    item = collect(sign(letter, RSA), RSA.record)
    assert item.facts["domain"] == "quay.example" and item.facts["from"] == customer("joe@mail.quay.example")
    assert (item.facts["aligned"], item.grade) == (True, "E4")
    for domain in ("quay.example.", "example"):
        assert reason_of(collect, sign(letter, RSA, domain=domain), RSA.record) == "signature_unreadable"


# ---------------------------------------------------------------------------------------------- another domain's
ELSE = rsa_key()
BESIDE = [
    # a name that only looks like the sender's, a sister of it, one below it, another altogether
    "mail.quay.example.net", "ail.quay.example", "shop.quay.example", "joe.mail.quay.example", "else.example",
]  # fmt: skip


def by(domain: str, raw: bytes = LETTER, key: Key = ELSE, **tags: Any) -> bytes:
    """Return a mail signed by a domain under the selector e1."""
    return sign(raw, key, domain=domain, selector="e1", **tags)


@pytest.mark.parametrize("domain", BESIDE)
def test_signed_by_another_domain_it_is_kept_as_a_file_of_whoever_brought_it(domain: str) -> None:
    letter = LETTER.replace(b"Joe@quay.example>", b"Joe@mail.quay.example>")
    item = collect(by(domain, letter), ELSE.record, name=f"e1._domainkey.{domain}")
    assert (item.grade, item.facts["aligned"], item.facts["domain"]) == ("E1", False, domain)
    # whoever brought it may have an account there: nothing says that the sender wrote it
    assert item.controllers == {"any": [{"party": f"member:{WHO.id}"}, {"party": f"system:mail:{domain}"}]}
    assert item.concerns == (customer("joe@mail.quay.example"),)
    facts = json.loads(json.dumps(item.facts))
    assert set(facts) == FACTS and read_facts(Reader(facts, "facts", InputInvalid)) is None
    assert item.content is not None
    assert signed_mail.recheck(item.content, item.facts).sender == "joe@mail.quay.example"
    lied = {**item.facts, "aligned": True}
    assert reason_of(signed_mail.recheck, item.content, lied) == "facts_differ"
    unsaid = {name: value for name, value in item.facts.items() if name != "aligned"}
    assert reason_of(signed_mail.recheck, item.content, unsaid) == "facts_differ"


OWN, OTHER = (RSA.record,), (ELSE.record,)
OVER: dict[str, Any] = {"t": str(AT_SECONDS - 9), "x": str(AT_SECONDS - 1)}
ALONE, BOTH = by("else.example"), by("else.example", SIGNED)
BENT = replaced(b"soup", b"soap", SIGNED)
BELOW, STRICT = by("else.example", i="@a.else.example"), (f"{ELSE.record}; t=s",)
TRIED: list[tuple[str, bytes, tuple[str, ...], tuple[str, ...], str]] = [
    # what is tried, the mail, the keys of quay.example and of else.example, the grade or the reason
    ("signed by another", ALONE, (), OTHER, "E1"),
    ("changed afterwards", ALONE + b"more\r\n", (), OTHER, "wrong_signature"),
    ("a part of it", by("else.example", l="10"), (), OTHER, "body_length"),
    ("not the sender's line", by("else.example", headers=FIVE[1:]), (), OTHER, "not_covered"),
    ("for somebody of the sender's", by("else.example", i="joe@quay.example"), (), OTHER, "signature_unreadable"),
    ("for somebody below it", BELOW, (), OTHER, "E1"),
    ("the same, by a key for itself alone", BELOW, (), STRICT, "key_strict"),
    ("by a key for itself alone", ALONE, (), STRICT, "E1"),
    ("over", by("else.example", **OVER), (), OTHER, "expired"),
    ("without a key", ALONE, (), (), "key_missing"),
    ("one that cannot be read beside it", b"DKIM-Signature: v=1\r\n" + ALONE, (), OTHER, "E1"),
    # the sender's own domain signed too: what its signature says is what counts, and no other makes up for it
    ("own too, which fits", BOTH, OWN, OTHER, "E4"),
    ("own too, and the other has no key", BOTH, OWN, (), "E4"),
    ("own too, its key gone for a moment", BOTH, (), OTHER, "key_missing"),
    ("own too, its key taken back", BOTH, ("v=DKIM1; p=",), OTHER, "key_revoked"),
    ("own too, which does not fit", by("else.example", BENT), OWN, OTHER, "wrong_signature"),
    ("own too, over a part", by("else.example", sign(LETTER, RSA, l="10")), OWN, OTHER, "body_length"),
    ("own too, which is over", by("else.example", sign(LETTER, RSA, **OVER)), OWN, OTHER, "expired"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "raw", "own", "other", "outcome"), TRIED, ids=[row[0] for row in TRIED])
def test_another_domain_lowers_and_raises_nothing(
    what: str, raw: bytes, own: tuple[str, ...], other: tuple[str, ...], outcome: str
) -> None:
    given = signed_mail.collect, WHO, CASE, signed_mail.read(raw), answers(own, other), AT, customer
    if outcome in ("E1", "E4"):
        item = given[0](*given[1:])
        assert (item.grade, item.facts["aligned"]) == (outcome, outcome == "E4")
    else:
        assert reason_of(*given) == outcome


def answers(own: tuple[str, ...], other: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    return {NAME: own, "e1._domainkey.else.example": other}


async def test_another_domain_uses_up_no_mail_of_the_sender_and_the_audit_knows_its_worth(here: Shop) -> None:
    """Anybody can sign any sender and any Message-ID with a domain of their own: the true mail counts all the same."""
    case = await here.open()

    async def bring(raw: bytes) -> str:
        mail, told = signed_mail.read(raw), replace(CASE, id=case)
        item = signed_mail.collect(
            here.people["waiter"], told, mail, answers(OWN, OTHER), here.now(), customer
        )
        return await here.attach(item)

    beside = await bring(ALONE)
    with pytest.raises(Refused, match="evidence_reused"):
        await bring(b"Received: from a by b\r\n" + ALONE)
    await bring(SIGNED)
    with pytest.raises(Refused, match="evidence_reused"):
        await bring(BOTH)
    history = await read(here)
    assert audit(history.entries, shapes(), PROJECTIONS, history.open).findings == []
    # somebody who holds the database writes another worth over it
    for lie in ({"grade": "E4"}, {"controllers": {"party": "system:mail:quay.example"}}):
        story = Story.of(history)
        story.find("evidence_attached", evidence=beside).body.update(lie)
        forged = story.told()
        found = audit(forged.entries, shapes(), PROJECTIONS, forged.open).findings
        assert any("expected grade E1 and controllers of whoever signed it" in one.what for one in found)


# ---------------------------------------------------------------------------------------------- what does not
def before(head: bytes) -> bytes:
    return head + b"\r\n" + SIGNED


ALTERED: list[tuple[str, bytes, str]] = [
    ("one line more", SIGNED + b"And send it to another account.\r\n", "wrong_signature"),
    ("a second Subject", before(b"Subject: Paid"), "header_twice"),
    ("a second From", before(b"From: boss@quay.example"), "header_twice"),
    ("a second From in capitals", before(b"FROM: boss@quay.example"), "header_twice"),
    ("a second To", before(b"To: you@quay.example"), "header_twice"),
    ("a second Date", before(b"Date: Fri, 20 Nov 2026 09:31:00 +0000"), "header_twice"),
    ("a second Message-ID", before(b"Message-ID: <x@quay.example>"), "header_twice"),
    ("another subject", replaced(b"soup", b"soap", SIGNED), "wrong_signature"),
    ("a blank before the colon", before(b"Subject : Paid"), "header_unreadable"),
    ("a line that is no header", before(b"From nobody at all"), "header_unreadable"),
    ("no subject", SIGNED.replace(b"Subject: About the soup\r\n", b""), "header_missing"),
    ("no signature", LETTER, "no_signature"),
    ("nothing", b"", "size"),
    ("too large", SIGNED + b"x" * MAIL_SIZE_MAX_BYTES, "size"),
    ("a NUL", replaced(b"soup", b"so\0p", SIGNED), "line_ends"),
    ("a bare LF", replaced(b"Subject:", b"\nSubject:", SIGNED), "line_ends"),
    ("a bare CR", replaced(b"soup\r\n", b"soup\rX: y\r\n", SIGNED), "line_ends"),
    ("too many headers", b"X: y\r\n" * 200 + SIGNED, "headers_too_many"),
    ("a long header", b"X: " + b"y " * 9_000 + b"\r\n" + SIGNED, "headers_too_many"),
    ("many blanks in the signature", replaced(b" s=s1;", b" " * 150 + b"s=s1;", SIGNED), "signature_unreadable"),
    ("many blanks", SIGNED + b" " * 1_000 + b"x\r\n", "blanks"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "raw", "reason"), ALTERED, ids=[row[0] for row in ALTERED])
def test_altered_mail_is_refused(what: str, raw: bytes, reason: str) -> None:
    assert reason_of(collect, raw, RSA.record) == reason


def test_the_library_alone_takes_what_the_guard_refuses() -> None:
    """Why there is a guard: should this fail one day, the library has become stricter and docs/evidence.md says so."""
    plain, part = sign(LETTER, RSA, t=None), sign(LETTER, RSA, t=None, l="10")
    for raw, reason in (
        (b"Subject: Paid\r\n" + plain, "header_twice"),
        (part + b"And send it to another account.\r\n", "body_length"),
    ):
        assert dkim.verify(raw, dnsfunc=lambda name, timeout=0: RSA.record.encode()) is True
        assert reason_of(collect, raw, RSA.record) == reason


T, X = str(AT_SECONDS), str(AT_SECONDS + 60)
TAGS: list[tuple[str, dict[str, Any], str]] = [
    ("a length", {"l": "10"}, "body_length"),
    ("a length of nothing", {"l": "0"}, "body_length"),
    ("a domain without a dot", {"domain": "example"}, "signature_unreadable"),
    ("the future", {"t": str(AT_SECONDS + 301)}, "in_future"),
    ("the past", {"t": str(AT_SECONDS - 9), "x": str(AT_SECONDS - 1)}, "expired"),
    ("over before it began", {"t": X, "x": T}, "signature_unreadable"),
    ("no time at all", {"t": "soon"}, "signature_unreadable"),
    ("a year beyond years", {"x": "999999999999"}, "signature_unreadable"),
    ("sha1", {"a": "rsa-sha1"}, "algorithm"),
    ("another version", {"v": "2"}, "signature_unreadable"),
    ("no selector", {"s": None}, "signature_unreadable"),
    ("a selector that is a path", {"s": "../x"}, "signature_unreadable"),
    ("an unknown form", {"c": "nofws"}, "signature_unreadable"),
    ("another way to a key", {"q": "http"}, "signature_unreadable"),
    ("the name of another domain", {"i": "joe@else.example"}, "signature_unreadable"),
    ("no Message-ID", {"headers": FIVE[:4]}, "not_covered"),
    ("no Subject", {"headers": ("from", "to", "date", "message-id")}, "not_covered"),
    ("a second b= inside another tag", {"n": "x b=y"}, "signature_unreadable"),
    ("names that only look alike", {"h": "from:to:sub ject:date:message-id"}, "signature_unreadable"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "tags", "reason"), TAGS, ids=[row[0] for row in TAGS])
def test_signatures_that_do_not_count(what: str, tags: dict[str, Any], reason: str) -> None:
    name = f"s1._domainkey.{tags.get('domain', 'quay.example')}"
    assert reason_of(collect, sign(LETTER, RSA, **tags), RSA.record, name=name) == reason


def test_a_tag_twice_is_refused() -> None:
    doubled = SIGNED.replace(b" s=s1;", b" s=s1; s=s1;")
    assert doubled != SIGNED
    assert reason_of(collect, doubled, RSA.record) == "signature_unreadable"


def short_key(bits: int) -> Key:
    """Return a key that the library of keys does not make any more; openssl does."""
    pem = subprocess.run(
        ["openssl", "genrsa", "-traditional", str(bits)], capture_output=True, check=True
    ).stdout
    made = subprocess.run(
        ["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, capture_output=True, check=True
    ).stdout
    return rsa_key(pem=pem, p=base64.b64encode(made).decode())


def with_tags(key: Key, **tags: str) -> tuple[str]:
    return (f"{key.record}; " + "; ".join(f"{name}={value}" for name, value in tags.items()),)


def numbers(exponent: int, bits: int) -> str:
    """Return the record of an RSA key that nobody holds."""
    public = rsa.RSAPublicNumbers(exponent, 2 ** (bits - 1) + 1).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return record(k="rsa", p=base64.b64encode(der).decode())


KEYS: list[tuple[str, tuple[str, ...], str]] = [
    ("none", (), "key_missing"),
    ("a record that is no key", ("v=spf1 -all",), "key_missing"),
    ("two", (RSA.record, ED.record), "key_twice"),
    ("the same one twice", (RSA.record, RSA.record), "key_twice"),
    ("revoked", ("v=DKIM1; k=rsa; p=",), "key_revoked"),
    ("testing", with_tags(RSA, t="y"), "key_testing"),
    ("for another hash", with_tags(RSA, h="sha1"), "key_unfit"),
    ("for another service", with_tags(RSA, s="tlsrpt"), "key_unfit"),
    ("of another kind", (ED.record,), "key_unfit"),
    ("of another version", (RSA.record.replace("DKIM1", "DKIM2"),), "key_unreadable"),
    ("a version that is not first", ("k=rsa; v=DKIM1; p=AA",), "key_unreadable"),
    ("no base64", ("v=DKIM1; k=rsa; p=(none)",), "key_unreadable"),
    ("no key inside", ("v=DKIM1; k=rsa; p=AAAA",), "key_unreadable"),
    ("a tag twice", (f"{RSA.record}; p=AA",), "key_unreadable"),
    ("not ASCII", (f"{RSA.record}; n=ü",), "key_unreadable"),
    ("without end", (f"{RSA.record}; n={'x' * 2_000}",), "key_unreadable"),
    ("too long", (numbers(65_537, 8_208),), "key_size"),
    ("an exponent without end", (numbers(2**40 + 1, 2_048),), "key_unreadable"),
    ("another key", (rsa_key().record,), "wrong_signature"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "keys", "reason"), KEYS, ids=[row[0] for row in KEYS])
def test_keys_that_do_not_count(what: str, keys: tuple[str, ...], reason: str) -> None:
    assert reason_of(collect, SIGNED, *keys) == reason


def test_flags_and_lists_of_a_key_are_taken_as_they_are_meant() -> None:
    for tags in ({"t": "s"}, {"h": "sha1:sha256"}, {"s": "email"}, {"s": "*"}, {"t": "x"}):
        assert collect(SIGNED, *with_tags(RSA, **tags)).grade == "E4"
    letter = LETTER.replace(b"Joe@quay.example>", b"Joe@mail.quay.example>")
    strict = with_tags(RSA, t="s")
    assert reason_of(collect, sign(letter, RSA), *strict) == "key_strict"
    assert reason_of(collect, sign(LETTER, RSA, i="@a.quay.example"), *strict) == "key_strict"


@pytest.mark.parametrize("bits", [512, 768, 1016])
def test_a_short_key_is_refused_and_its_bits_are_said(bits: int) -> None:
    key = short_key(bits)
    with pytest.raises(Refused, match=f"key_size: .*1024.*got {bits}"):
        collect(sign(LETTER, key), key.record)


def test_an_answer_that_did_not_come_is_said() -> None:
    fault = MailFault("key_unreachable", "expected an answer, got none")
    mail = signed_mail.read(SIGNED)
    assert reason_of(signed_mail.collect, WHO, CASE, mail, {NAME: fault}, AT, customer) == fault.reason


# ---------------------------------------------------------------------------------------------- never an exception
def refused_or_same(raw: bytes) -> None:
    """A mail that differs is refused, or is one whose signed parts are what they were."""
    try:
        item = collect(raw, RSA.record)
    except Refused as refused:
        assert refused.code == "mail_unsigned"
        return
    first = collect(SIGNED, RSA.record)
    for member in ("from", "to", "message", "sent_at", "domain"):
        assert item.facts[member] == first.facts[member]
    ours, theirs = read_mail(raw), read_mail(SIGNED)
    assert ours.value("subject").split() == theirs.value("subject").split()
    assert ours.body.split() == theirs.body.split()


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_a_byte_changed_never_changes_what_counts(at: int, by: int) -> None:
    refused_or_same(SIGNED[:at] + bytes((SIGNED[at] ^ by,)) + SIGNED[at + 1 :])


BODY_AT = SIGNED.index(b"\r\n\r\n") + 4


@given(st.integers(BODY_AT, len(SIGNED) - 3), st.integers(1, 255))
def test_a_byte_of_the_body_changed_is_refused(at: int, by: int) -> None:
    flipped = SIGNED[:at] + bytes((SIGNED[at] ^ by,)) + SIGNED[at + 1 :]
    if flipped.split() != SIGNED.split():  # the relaxed form takes a tab for a blank
        reason_of(collect, flipped, RSA.record)


@given(st.integers(0, len(SIGNED)), st.binary(min_size=1, max_size=40))
def test_bytes_put_in_never_change_what_counts(at: int, more: bytes) -> None:
    refused_or_same(SIGNED[:at] + more + SIGNED[at:])


HEADS = st.sampled_from(
    [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"DKIM-Signature", b"Content-Type", b"X", b""]
)
LINES = st.tuples(HEADS, st.sampled_from([b": ", b":", b" : ", b"\t"]), st.binary(max_size=60)).map(b"".join)


@given(st.lists(LINES, max_size=8), st.binary(max_size=60))
def test_any_bytes_are_refused_and_never_break(lines: list[bytes], body: bytes) -> None:
    reason_of(collect, b"\r\n".join(lines) + b"\r\n\r\n" + body, RSA.record)


@given(st.text(max_size=120))
def test_any_key_is_refused_and_never_breaks(text: str) -> None:
    reason_of(collect, SIGNED, f"v=DKIM1; p={text}")
    reason_of(collect, SIGNED, text)


@given(st.binary(max_size=200))
def test_any_text_of_a_signature_is_refused_and_never_breaks(value: bytes) -> None:
    reason_of(collect, b"DKIM-Signature: " + value + b"\r\n" + LETTER, RSA.record)


# ---------------------------------------------------------------------------------------------- checked again
def test_recheck_needs_bytes_and_facts_alone_and_years_later_still_holds() -> None:
    item = collect(sign(LETTER, ED, x=str(AT_SECONDS + 60)), ED.record)
    assert item.content is not None
    assert signed_mail.recheck(item.content, item.facts).sender == "joe@quay.example"
    content = item.content
    for member, value in (
        ("sent_at", "2026-11-20T09:31:00.000Z"),
        ("signed_at", None),
        ("expires_at", None),
        ("algorithm", "rsa-sha256"),
        ("size_bytes", 1),
    ):
        changed = {**item.facts, member: value}
        assert reason_of(signed_mail.recheck, content, changed) == "facts_differ"
    later = {**item.facts, "key_seen_at": "2026-11-21T10:00:00.000Z"}
    assert reason_of(signed_mail.recheck, content, later) == "expired"
    other = {**item.facts, "key": ed25519_key().record}
    assert reason_of(signed_mail.recheck, content, other) == "wrong_signature"
    assert reason_of(signed_mail.recheck, content + b"x", item.facts) == "wrong_signature"
    assert reason_of(signed_mail.recheck, content, {**item.facts, "selector": "s2"}) == "key_missing"


# ---------------------------------------------------------------------------------------------- at the desk
async def test_one_mail_counts_once_whatever_servers_put_before_it(here: Shop) -> None:
    def brought(case: str, raw: bytes) -> AttachEvidence:
        at = here.now()
        mail = signed_mail.read(raw)
        item = signed_mail.collect(
            here.people["waiter"], replace(CASE, id=case), mail, {NAME: (RSA.record,)}, at, customer
        )
        return item

    first, second = await here.open(), await here.open()
    await here.attach(brought(first, SIGNED))
    for raw in (
        SIGNED,
        b"Received: from a by b\r\n" + SIGNED,
        SIGNED.replace(b"\r\n", b"\n"),
        sign(LETTER, RSA),
    ):
        for case in (first, second):
            with pytest.raises(Refused, match="evidence_reused"):
                await here.attach(brought(case, raw))
    # somebody else's mail with the same Message-ID is another mail: nobody uses up the id of another
    other = LETTER.replace(b"Joe@", b"Jim@")
    await here.attach(brought(second, sign(other, RSA)))


async def test_a_case_with_a_mail_is_judged_as_without_it_and_its_history_is_earned(here: Shop) -> None:
    case = await here.until("reviewed")
    mail = signed_mail.read(sign(LETTER, RSA, t=None))
    told = replace(CASE, id=case)
    who = here.people["waiter"]
    evidence = await here.attach(
        signed_mail.collect(who, told, mail, {NAME: (RSA.record,)}, here.now(), customer)
    )
    await here.review(case, evidence)
    verdict = await here.judge(case)
    assert verdict["result"] == "pass"
    given = await here.rows.open(verdict["input_item"])
    assert [one["facts"]["domain"] for one in given["evidence"] if one["type"] == "signed_mail"] == [
        "quay.example"
    ]
    done = await here.approve(case)
    here.wait(seconds=10)
    await here.grant(case, done.ids["decision"])
    history = await read(here)
    earned = audit(history.entries, shapes(), PROJECTIONS, history.open)
    assert (earned.findings, earned.awards) == ([], 1)


# ---------------------------------------------------------------------------------------------- real mail
def test_the_two_kinds_of_signature_of_one_mail_hold_each(shared_dir: Path) -> None:
    folder = shared_dir / "data/evidence_files/dkim"
    keys = json.loads((folder / "keys.json").read_text())
    mail = signed_mail.read((folder / "mailauth_ec_signed.eml").read_bytes())
    for name, text in keys.items():
        if "football" in name:
            item = signed_mail.collect(WHO, CASE, mail, {name: (text,)}, AT, customer)
            assert item.facts["key"] == text
