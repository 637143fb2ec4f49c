"""The signature of a mail (DKIM, RFC 6376 and 8463), checked by our own guard first and by the library after it.

    1. the mail can be read in one way (casework.mail_reading)   2. which signatures could count, and the names of
    their keys (`candidates`)   3. the caller looks the names up, once   4. the key fits (`read_key`)
    5. the library checks body hash and signature over the very headers that the guard read (`check_signature`)

A signature of another domain than the sender's is looked at only where none claims to be of the sender's own: it says
that nothing was changed since, and not who wrote it (`Signature.aligned`, casework/mail_worth.py).

The library alone takes a second Subject put before the signed one, and text added behind a signature with l=. So
nothing reaches it that the guard did not pass, and its own checks of time are not used: ours have the time of receipt.
The caller still decides what a signature of that domain is worth.
"""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from casework.mail_reading import DOMAIN, ONCE, Mail
from casework.mail_reasons import MailFault
from ledger.clock import instant_of, unix_ms_of

SIGNATURES_MAX = 5
"""Signatures looked at, from the top; the other ones are as if they were not there."""
SIGNATURE_SIZE_MAX_BYTES = 8 * 1024
FUTURE_SECONDS_MAX = 300
ALGORITHMS: Mapping[str, str] = {"rsa-sha256": "rsa", "ed25519-sha256": "ed25519"}
"""a= -> k= of its key. rsa-sha1 counts for nothing (RFC 8301 section 3.1)."""
RSA_BITS_MIN = 1024
RSA_BITS_MAX = 8192
"""RFC 8301 section 3.2 asks for 1024 at least; above 4096 only time is lost."""
RSA_EXPONENT_MAX = 2**33
KEY_CHARS_MAX = 2_000
ED25519_SIZE_BYTES = 32
_QUIET = logging.Logger("dkim", logging.CRITICAL + 1)
_TAG = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?)*")
_NUMBER = re.compile(rb"[0-9]{1,12}")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,100}")
_LONG_BLANK = re.compile(rb"\s{100}")
_TWO_B = re.compile(rb"[;\s]b\s*=")
SECONDS_MAX = 253_402_300_799
"""The last second of the year 9999."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature that the guard passed; its key is not looked at yet."""

    index: int
    """Its place among the DKIM-Signature headers, from the top."""
    domain: str
    selector: str
    algorithm: str
    identity: str
    """The domain of i=; d= where there is none."""
    aligned: bool
    """d= is the sender's domain or above it."""
    signed: frozenset[str]
    """Names in h=, lower case."""
    signed_at: str | None
    expires_at: str | None
    tags: Mapping[bytes, bytes]

    @property
    def name(self) -> str:
        """Return where its key stands in the DNS (RFC 6376 section 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that holds, and the text of the key that it holds by."""

    signature: Signature
    key: str


# ---------------------------------------------------------------------------------------------- the guard
def candidates(mail: Mail, at: str) -> list[Signature]:
    """Return the signatures that may count for a mail received at that instant, from the top: those of the sender's
    own domain, and those of others only where no signature that can be read claims to be of it. So nobody makes
    a mail worth less by what they put before it, and none that its own domain's signature does not fit is kept
    for the signature of another.

    Raises:
        MailFault: none does; of several faults that of the first signature whose domain is the sender's.
    """
    given = mail.values("dkim-signature")
    if not given:
        raise MailFault("no_signature", "expected a DKIM-Signature header, got none")
    own, others = _Seen(), _Seen()
    for index, value in enumerate(given[:SIGNATURES_MAX]):
        seen = others  # one that cannot be read is as if it were not there
        try:
            tags, domain, selector = _whose(value)
            seen = own if below(mail.domain, domain) else others
            seen.found.append(_weighed(mail, index, tags, domain, selector, at))
        except MailFault as fault:
            seen.faults.append(fault)
    counts = own if own.found or own.faults else others
    if counts is others and len(given) > SIGNATURES_MAX:
        expected = f"expected at most {SIGNATURES_MAX} signatures, or one of {mail.domain} among the first"
        raise MailFault("signatures_too_many", f"{expected}, got {len(given)}")
    if not counts.found:
        raise counts.faults[0]
    return counts.found


@dataclass(frozen=True, slots=True)
class _Seen:
    found: list[Signature] = field(default_factory=list)
    faults: list[MailFault] = field(default_factory=list)


def _whose(value: bytes) -> tuple[dict[bytes, bytes], str, str]:
    """Return tags, domain and selector of a signature in the one way that it can be read."""
    if len(value) > SIGNATURE_SIZE_MAX_BYTES or _LONG_BLANK.search(value) or len(_TWO_B.findall(value)) != 1:
        raise _unreadable("one signature of usual size", "another")
    tags = read_tags(value, "signature_unreadable")
    for name in (b"v", b"a", b"b", b"bh", b"d", b"h", b"s"):
        if not tags.get(name):
            raise _unreadable(f"the tag {name.decode()}=", "none")
    if tags[b"v"] != b"1" or tags.get(b"q", b"dns/txt") != b"dns/txt":
        raise _unreadable("v=1 and q=dns/txt", "others")
    if tags.get(b"c", b"simple") not in _FORMS:
        raise _unreadable("c= of simple and relaxed", "another")
    return tags, *_domain(tags)


def _weighed(
    mail: Mail, index: int, tags: Mapping[bytes, bytes], domain: str, selector: str, at: str
) -> Signature:
    """Return a signature that may count, weighed without its key.

    Raises:
        MailFault: signature_unreadable, algorithm, body_length, not_covered, in_future, expired.
    """
    # 1. who signed, and how
    identity = _identity(tags, domain)
    algorithm = tags[b"a"].decode("latin-1").lower()
    if algorithm not in ALGORITHMS:
        raise MailFault("algorithm", f"a=: expected {' or '.join(ALGORITHMS)}, got {algorithm[:40]!r}")
    # 2. what it covers
    if b"l" in tags:
        raise MailFault("body_length", "expected a signature over the whole body, got the tag l=")
    signed = frozenset(one.decode("latin-1") for one in covered(tags))
    if not all(_FIELD_NAME.fullmatch(one) for one in signed):
        raise _unreadable("h= of names of headers", "another")
    lacking = [name for name in ONCE if name not in signed]
    if lacking:
        raise MailFault("not_covered", f"h=: expected {', '.join(ONCE)}, got none of {', '.join(lacking)}")
    # 3. when
    signed_at, expires_at = _times(tags, at)
    aligned = below(mail.domain, domain)
    return Signature(
        index, domain, selector, algorithm, identity, aligned, signed, signed_at, expires_at, tags
    )


def covered(tags: Mapping[bytes, bytes]) -> list[bytes]:
    """Return the names in h=, lower case, in their order."""
    return [one.lower() for one in re.split(rb"\s*:\s*", tags[b"h"])]


_FORMS = frozenset(
    (b"simple", b"relaxed", b"simple/simple", b"simple/relaxed", b"relaxed/simple", b"relaxed/relaxed")
)


def below(name: str, domain: str) -> bool:
    """Say whether a name is a domain or stands below it. No list of public suffixes is asked."""
    return name == domain or name.endswith(f".{domain}")


def _domain(tags: Mapping[bytes, bytes]) -> tuple[str, str]:
    domain, selector = (tags[name].decode("latin-1").lower() for name in (b"d", b"s"))
    if not DOMAIN.fullmatch(domain) or not _SELECTOR.fullmatch(selector):
        raise _unreadable("d= and s= of ASCII labels, d= with a dot", "others")
    if len(selector) + len("._domainkey.") + len(domain) > 253:
        raise _unreadable("a name of at most 253 characters for its key", "a longer one")
    return domain, selector


def _identity(tags: Mapping[bytes, bytes], domain: str) -> str:
    """Return the domain of i=, which is d= or below it (RFC 6376 section 3.5)."""
    given = tags.get(b"i", b"@" + domain.encode()).decode("latin-1").lower()
    identity = given.rpartition("@")[2]
    if "@" not in given or not below(identity, domain):
        raise _unreadable(f"i= at {domain} or below it", "another")
    return identity


def _times(tags: Mapping[bytes, bytes], at: str) -> tuple[str | None, str | None]:
    signed, expires = (_seconds(tags, name) for name in (b"t", b"x"))
    now_ms = unix_ms_of(at)
    if signed is not None and signed * 1000 > now_ms + FUTURE_SECONDS_MAX * 1000:
        expected = f"t=: expected at most {FUTURE_SECONDS_MAX} s after {at}"
        raise MailFault("in_future", f"{expected}, got {instant_of(signed * 1000)}")
    if expires is not None and expires * 1000 < now_ms:
        raise MailFault("expired", f"x=: expected {at} or later, got {instant_of(expires * 1000)}")
    if signed is not None and expires is not None and expires <= signed:
        raise _unreadable("x= after t=", "an earlier one")
    return _instant(signed), _instant(expires)


def _instant(seconds: int | None) -> str | None:
    return None if seconds is None else instant_of(seconds * 1000)


def _seconds(tags: Mapping[bytes, bytes], name: bytes) -> int | None:
    if name not in tags:
        return None
    if not _NUMBER.fullmatch(tags[name]) or int(tags[name]) > SECONDS_MAX:
        raise _unreadable(f"{name.decode()}= in seconds since 1970", "another")
    return int(tags[name])


def read_tags(value: bytes, reason: str) -> dict[bytes, bytes]:
    """Return tag -> value of a list (RFC 6376 section 3.2), blanks around both left out.

    Raises:
        MailFault: the reason given; no tag may stand twice.
    """
    specs = value.strip().split(b";")
    if not specs[-1].strip():
        specs.pop()
    tags: dict[bytes, bytes] = {}
    for spec in specs:
        name, equals, told = (part.strip() for part in spec.partition(b"="))
        if not equals or not _TAG.fullmatch(name) or name in tags:
            raise MailFault(reason, f"expected tag=value, each tag once, got {spec.strip()[:40]!r}")
        tags[name] = told
    return tags


def _unreadable(expected: str, got: str) -> MailFault:
    return MailFault("signature_unreadable", f"expected {expected}, got {got}")


# ---------------------------------------------------------------------------------------------- the key
_HAS_KEY = re.compile(r"(?:^|;)\s*p\s*=")


def one_key(texts: tuple[str, ...], name: str) -> str:
    """Return the one text that is a key among the TXT records of a name. Raises MailFault: key_missing, key_twice."""
    keys = [text for text in texts if _HAS_KEY.search(text)]
    if len(keys) != 1:
        reason = "key_twice" if keys else "key_missing"
        raise MailFault(reason, f"expected one TXT record with p= at {name}, got {len(keys)}")
    return keys[0]


def check_key(text: str, signature: Signature, mail: Mail) -> None:
    """Check that a key record (RFC 6376 section 3.6.1) may speak for this signature.

    Raises:
        MailFault: key_unreadable, key_revoked, key_testing, key_unfit, key_strict, key_size.
    """
    if not text.isascii() or len(text) > KEY_CHARS_MAX:
        raise MailFault("key_unreadable", f"expected at most {KEY_CHARS_MAX} ASCII characters, got others")
    tags = read_tags(text.encode(), "key_unreadable")
    if tags.get(b"v", b"DKIM1") != b"DKIM1" or (b"v" in tags and next(iter(tags)) != b"v"):
        raise MailFault("key_unreadable", "expected v=DKIM1 first or none, got another")
    if not tags.get(b"p"):
        raise MailFault("key_revoked", "p=: expected a key, got none: it was taken back")
    kind = ALGORITHMS[signature.algorithm]
    if (got := tags.get(b"k", b"rsa").decode()) != kind:
        raise MailFault("key_unfit", f"k=: expected {kind}, got {got[:40]!r}")
    if b"h" in tags and b"sha256" not in _words(tags[b"h"]):
        raise MailFault("key_unfit", "h=: expected sha256 among them, got others")
    if b"s" in tags and not {b"*", b"email"} & _words(tags[b"s"]):
        raise MailFault("key_unfit", "s=: expected * or email, got others")
    flags = _words(tags.get(b"t", b""))
    if b"y" in flags:
        raise MailFault("key_testing", "t=: expected a key in use, got y: mail counts as not signed")
    strict = {signature.identity, mail.domain if signature.aligned else signature.domain}
    if b"s" in flags and strict != {signature.domain}:
        raise MailFault("key_strict", f"t=s: expected From and i= at {signature.domain}, got one below it")
    _check_size(tags[b"p"], kind)


def _words(value: bytes) -> set[bytes]:
    return {one.strip() for one in value.split(b":")}


def _check_size(given: bytes, kind: str) -> None:
    try:
        key = base64.b64decode(re.sub(rb"\s", b"", given), validate=True)
        public = load_der_public_key(key) if kind == "rsa" else None
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MailFault("key_unreadable", "p=: expected a public key in base64, got another text") from error
    if kind == "ed25519":
        if len(key) != ED25519_SIZE_BYTES:
            raise MailFault("key_size", f"p=: expected {ED25519_SIZE_BYTES} bytes, got {len(key)}")
        return
    if not isinstance(public, RSAPublicKey) or public.public_numbers().e > RSA_EXPONENT_MAX:
        raise MailFault("key_unreadable", "p=: expected an RSA key, got another")
    if not RSA_BITS_MIN <= public.key_size <= RSA_BITS_MAX:
        expected = f"expected {RSA_BITS_MIN} to {RSA_BITS_MAX} bits"
        raise MailFault("key_size", f"p=: {expected}, got {public.key_size}")


# ---------------------------------------------------------------------------------------------- the signature
def check_signature(mail: Mail, signature: Signature, key: str) -> None:
    """Check body hash and signature with the library, by this text of a key and nothing else. It looks nothing up.

    This is the signature alone: what it covers and whether its key may speak is the guard's to say.

    Raises:
        MailFault: wrong_signature.
    """
    try:
        message = dkim.DKIM(mail.wire, logger=_QUIET, minkey=RSA_BITS_MIN)
        theirs = [(bytes(name).decode().lower(), bytes(value)) for name, value in message.headers]
        if theirs != list(mail.headers):  # what is hashed has to be what the guard read
            raise MailFault("header_unreadable", "expected one reading of the head, got two")
        header = [one for one in message.headers if one[0].lower() == b"dkim-signature"][signature.index]
        tags = {**signature.tags, b"a": signature.algorithm.encode()}
        right = message.verify_sig(tags, covered(tags), header, lambda name, timeout=0: key.encode())
    except MailFault:
        raise
    except Exception as error:  # the library raises what it meets: its own errors, ValueError, IndexError ...
        said = "the body that was signed" if "body hash" in str(error) else "a signature that can be checked"
        raise MailFault("wrong_signature", f"expected {said}, got another") from error
    if right is not True:
        raise MailFault("wrong_signature", f"expected one made with the key of {signature.name}, got another")


def weigh(mail: Mail, at: str, answers: Mapping[str, tuple[str, ...] | MailFault]) -> Signed:
    """Return the first signature that counts for a mail received at that instant. `answers`: name of a key -> the TXT
    records there, or why there is no answer; a name that is not there was not looked up.

    Raises:
        MailFault: none counts; of several faults that of the signature that came furthest.
    """
    faults: list[tuple[int, MailFault]] = []
    for signature in candidates(mail, at):
        step = 0
        try:
            answer = answers.get(signature.name, ())
            if isinstance(answer, MailFault):
                raise answer
            key = one_key(answer, signature.name)
            step = 1
            check_key(key, signature, mail)
            step = 2
            check_signature(mail, signature, key)
            return Signed(signature, key)
        except MailFault as fault:
            faults.append((step, fault))
    raise max(faults, key=lambda one: one[0])[1]
