"""A mail is read in one way or not at all: addresses, dates, parts; and whether the reference of a case is there."""

from __future__ import annotations

import hashlib
import time

import pytest

from casework import references
from casework.mail_reading import addresses
from casework.mail_reasons import MailFault
from ledger.errors import Refused
from tests.casework.mail_scenes import RSA, collect, reason_of, replaced
from tests.mail_signer import FIVE, LETTER, sign

# ---------------------------------------------------------------------------------------------- one reading
ADDRESSES = [
    ("joe@quay.example", ("joe@quay.example",)),
    ("Joe <JOE@Quay.Example>", ("joe@quay.example",)),
    ('"Bloggs, Joe <x@y.example>" <joe@quay.example>', ("joe@quay.example",)),
    ("joe@quay.example (Joe)", ("joe@quay.example",)),
    ("=?utf-8?q?J=C3=B6?= <joe@quay.example>", ("joe@quay.example",)),
    ("a@b.example, C <c@d.example>", ("a@b.example", "c@d.example")),
    ("Us: a@b.example, c@d.example;", ("a@b.example", "c@d.example")),
    ("undisclosed-recipients:;", ()),
    ("joe@quay", None),
    ("joe", None),
    ("<>", None),
    ("boss@bank.example <joe@quay.example>", None),
    ("<joe@quay.example> <boss@bank.example>", None),
    ("joe@quay.example boss@bank.example", None),
    ('"joe smith"@quay.example', None),
    ("joe@[10.0.0.1]", None),
    ("joe@qu\u00e4y.example", None),
    ('(c ") <joe@quay.example> (" ) boss@bank.example', None),
    ('(c ") <joe@quay.example>', None),
    ('"open <joe@quay.example>', None),
    ("joe@quay.example,", None),
    (", ".join(f"p{n}@quay.example" for n in range(33)), None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "found"), ADDRESSES)
def test_addresses_are_read_in_one_way_or_not_at_all(value: str, found: tuple[str, ...] | None) -> None:
    if found is None:
        with pytest.raises(MailFault, match="address_unreadable"):
            addresses(value.encode("latin-1"), "from")
    else:
        assert addresses(value.encode("latin-1"), "from") == found


@pytest.mark.parametrize(
    "sender", [b"a@quay.example, b@quay.example", b"nobody:;", b"a@quay.example\r\n b@x.example"]
)
def test_from_is_one_address(sender: bytes) -> None:
    letter = replaced(b"Joe Bloggs <Joe@quay.example>", sender)
    assert reason_of(collect, sign(letter, RSA), RSA.record) == "address_unreadable"


DATES = [
    (b"Fri, 11 Jul 2003 21:00:37 -0700 (PDT)", "2003-07-12T04:00:37.000Z"),
    (b"11 Jul 2003 21:00:37 -0000", "2003-07-11T21:00:37.000Z"),
    (b"yesterday", None),
    (b"Fri, 99 Foo 2026 09:30:00 +0000", None),
    (b"Fri, 20 Nov 99999999999999999999 09:30:00 +0000", None),
    (b"Fri, 20 Nov 2026 09:30:00 +999999", None),
    (b"Wed, 31 Dec 1969 23:59:59 +0000", None),
]


@pytest.mark.parametrize(("value", "instant"), DATES)
def test_a_date_is_an_instant_or_none(value: bytes, instant: str | None) -> None:
    letter = replaced(b"Fri, 20 Nov 2026 09:30:00 +0000", value)
    assert collect(sign(letter, RSA), RSA.record).facts["sent_at"] == instant


# ---------------------------------------------------------------------------------------------- the reference
def test_the_reference_is_short_and_differs_by_every_bit_it_shows() -> None:
    assert references.reference("0" * 64) == "TS-0000000000"
    assert references.reference("f" * 64) == "TS-ZZZZZZZZZZ"
    assert references.reference("0000000000004000" + "0" * 48) == "TS-0000000001"
    many = {references.reference(hashlib.sha256(str(number).encode()).hexdigest()) for number in range(2_000)}
    assert len(many) == 2_000 and all(len(one) == 13 and not set(one[3:]) & set("ILOU") for one in many)


def letter_of(subject: str, head: str, body: bytes) -> bytes:
    text = LETTER.replace(b"About the soup", subject.encode("latin-1"))
    top, _, _ = text.partition(b"\r\n\r\n")
    return top + head.encode() + b"\r\n\r\n" + body


TWO_PARTS = (
    b"--cut\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"It is TS-01234=\r\n56789, yes\r\n"
    b"--cut\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nVFMtMDEyMzQ1Njc4OQ==\r\n--cut--\r\n"
)
PICTURE_ONLY = TWO_PARTS.replace(b"TS-01234=\r\n56789", b"nothing")
BASE64 = "\r\nContent-Transfer-Encoding: base64"
MULTI = "\r\nContent-Type: multipart/mixed; boundary=cut"
COVERED = (*FIVE, "content-type", "content-transfer-encoding")
MENTIONS = [
    ("in the subject", "Re: [TS-0123456789]", "", b"x", FIVE, True),
    ("in small letters", "re ts-0123456789", "", b"x", FIVE, True),
    ("in an encoded word", "=?utf-8?b?VFMtMDEyMzQ1Njc4OQ==?=", "", b"x", FIVE, True),
    ("in the text", "Hello", "", b"about TS-0123456789.\r\n", FIVE, True),
    ("quoted", "Hello", "", b"> TS-0123456789\r\n", FIVE, True),
    ("of another case", "TS-0123456788", "", b"x", FIVE, False),
    ("as a part of a longer word", "TS-01234567890", "", b"XTS-0123456789", FIVE, False),
    ("in base64", "Hello", BASE64, b"VFMtMDEyMzQ1Njc4OQ==\r\n", COVERED, True),
    ("in base64 that is not signed", "Hello", BASE64, b"VFMtMDEyMzQ1Njc4OQ==\r\n", FIVE, False),
    ("in a part", "Hello", MULTI, TWO_PARTS, COVERED, True),
    ("in parts whose border is not signed", "Hello", MULTI, TWO_PARTS, FIVE, False),
    ("in a picture", "Hello", MULTI, PICTURE_ONLY, COVERED, False),
    ("after the last part", "Hello", MULTI, PICTURE_ONLY + b"TS-0123456789\r\n", COVERED, False),
    ("in what is no text", "Hello", "\r\nContent-Type: application/pdf", b"TS-0123456789\r\n", COVERED, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "subject", "head", "body", "headers", "stands"), MENTIONS, ids=[row[0] for row in MENTIONS]
)
def test_reference_says_that_the_code_stands_there(
    what: str, subject: str, head: str, body: bytes, headers: tuple[str, ...], stands: bool
) -> None:
    mail = sign(letter_of(subject, head, body), RSA, headers=headers)
    assert collect(mail, RSA.record).facts["reference"] is stands


def test_a_header_put_before_does_not_make_a_text_of_what_was_none() -> None:
    letter = letter_of("Hello", "\r\nContent-Type: application/pdf", b"TS-0123456789\r\n")
    raw = b"Content-Type: text/plain\r\n" + sign(letter, RSA, headers=COVERED)
    assert collect(raw, RSA.record).facts["reference"] is False


def nested(levels: int) -> bytes:
    body = b"TS-0123456789\r\n"
    for level in range(levels):
        kind = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (level - 1) if level else b"\r\n"
        body = b"--b%d\r\n" % level + kind + body + b"\r\n--b%d--\r\n" % level
    return letter_of("Hello", f"\r\nContent-Type: multipart/mixed; boundary=b{levels - 1}", body)


def test_parts_have_limits() -> None:
    assert collect(sign(nested(5), RSA, headers=COVERED), RSA.record).facts["reference"] is True
    many = letter_of("Hello", MULTI, b"--cut\r\n\r\nx\r\n" * 50 + b"--cut--\r\n")
    for letter in (nested(6), many):
        assert reason_of(collect, sign(letter, RSA, headers=COVERED), RSA.record) == "parts"


@pytest.mark.parametrize(
    "body",
    [b"x" + b" \t" * 128 + b"y\r\n", b"(" * 500_000, b'"' * 500_000, b"\r\n" * 400_000, b"--cut\r\n" * 100_000,
     (b" " * 256 + b"x") * 3_500],
    ids=["blanks", "brackets", "quotes", "lines", "borders", "many runs of blanks"],
)  # fmt: skip
def test_a_mail_of_any_shape_takes_no_longer_than_a_second_or_two(body: bytes) -> None:
    begun = time.monotonic()
    for head in ("", MULTI):
        try:
            collect(sign(letter_of("Hello", head, body), RSA, headers=FIVE), RSA.record)
        except Refused as refused:
            assert refused.code == "mail_unsigned"
    assert time.monotonic() - begun < 10
