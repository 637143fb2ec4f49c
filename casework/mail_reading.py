"""A mail as it came: its head in one reading only, who it says wrote it, and the plain bytes of its text parts.

Two programs that read one head in two ways are how signed mail is forged, so whatever could be read twice is refused:
RFC 5322 is wider than this, and what honest programs send is narrower. Nothing is concluded from the text.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime

from casework.mail_reasons import MailFault
from ledger.clock import instant_of

MAIL_SIZE_MAX_BYTES = 1024 * 1024
HEADERS_MAX = 200
HEADER_SIZE_MAX_BYTES = 16 * 1024
BLANKS_MAX = 256
"""Blanks in a row: the work of the relaxed form of a body grows with their square."""
ADDRESSES_MAX = 32
ADDRESS_CHARS_MAX = 254
"""RFC 5321 section 4.5.3.1.3: a path of 256 octets with its angle brackets."""
PARTS_MAX = 50
DEPTH_MAX = 5
BOUNDARY_SIZE_MAX_BYTES = 70
"""RFC 2046 section 5.1.1."""
ONCE = ("from", "to", "subject", "date", "message-id")
"""Headers that stand in the head exactly once, and are signed."""
MEANS_BODY = ("content-type", "content-transfer-encoding")
"""Headers that say how the body is read: whoever can change them can make another text of the same bytes."""

_NAME = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,100}):")
_BLANKS = re.compile(rb"[\t ]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})+")
"""Labels of letters, digits and hyphens, and at least one dot (RFC 1035 section 2.3.1), lower case."""
_LOCAL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_ADDRESS = re.compile(rf"({_LOCAL})@([a-z0-9.-]+)")
_ASIDE = re.compile(r'"(?:[^"\\]|\\.)*"|\([^()"\\]*\)')
"""A quoted name or a comment, whichever begins first."""
_NAMED = re.compile(r"[^<>@,:;\"()\\]*<\s*([^<>\s]+)\s*>\s*")
_MESSAGE_ID = re.compile(rb"<[\x21-\x3b\x3d\x3f-\x7e]{1,990}>")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that can be read in one way. `raw` is as it came, `wire` the same with CRLF."""

    raw: bytes
    wire: bytes
    headers: tuple[tuple[str, bytes], ...]
    """(name in lower case, value as it stands with its folds and line end), in their order."""
    body: bytes
    sender: str
    """The one address of From, lower case."""
    to: tuple[str, ...]
    message_id: bytes
    sent_at: str | None
    """Date as an instant in UTC; None: it cannot be read."""

    @property
    def domain(self) -> str:
        """Return the sender's domain."""
        return self.sender.rpartition("@")[2]

    def values(self, name: str) -> list[bytes]:
        """Return the values of a header, given in lower case."""
        return [value for one, value in self.headers if one == name]

    def value(self, name: str) -> str:
        """Return the value of a header that stands there once, unfolded, without blanks around it."""
        return _unfolded(self.values(name)[0])

    def mentions(self, code: str, signed: frozenset[str]) -> bool:
        """Say whether a code stands by itself in Subject or in a text part, whatever its case.

        `signed`: the headers that a signature covers. Where those that say how the body is read are there and not
        signed, only Subject is looked at. Raises MailFault: parts.
        """
        alone = rf"(?<![0-9a-z]){re.escape(code)}(?![0-9a-z])".encode()
        wanted = re.compile(alone, re.IGNORECASE)
        held = all(name in signed and len(self.values(name)) < 2 for name in MEANS_BODY if self.values(name))
        places = [_subject(self.value("subject")), *(self.texts() if held else ())]
        return any(wanted.search(place) for place in places)

    def texts(self) -> list[bytes]:
        """Return the bytes of each text part, its transfer encoding undone. Raises MailFault: parts."""
        return list(_texts(self.headers, self.body, 0, [PARTS_MAX]))


def read_mail(raw: bytes) -> Mail:
    """Read a mail (RFC 5322) in the one way that it can be read.

    Raises:
        MailFault: size, line_ends, blanks, header_unreadable, headers_too_many, header_missing, header_twice,
            address_unreadable, message_id_unreadable.
    """
    wire = _wire(raw)
    headers, body = split(wire)
    for name in ONCE:
        count = sum(one == name for one, _ in headers)
        if count != 1:
            reason = "header_twice" if count else "header_missing"
            raise MailFault(reason, f"{name}: expected the header once, got it {count} times")
    once = {name: value for name, value in headers if name in ONCE}
    senders = addresses(once["from"], "from")
    if len(senders) != 1:
        raise MailFault("address_unreadable", f"from: expected one address, got {len(senders)}")
    message_id = once["message-id"].replace(b"\r\n", b"").strip(b" \t")
    if not _MESSAGE_ID.fullmatch(message_id):
        raise MailFault("message_id_unreadable", "message-id: expected <id> without blanks, got another form")
    return Mail(
        raw, wire, headers, body, senders[0], addresses(once["to"], "to"), message_id, _sent_at(once["date"])
    )


def _wire(raw: bytes) -> bytes:
    """Return a mail with CRLF. A file may hold LF alone, where whoever stored it made its lines those of its system."""
    if not 0 < len(raw) <= MAIL_SIZE_MAX_BYTES:
        raise MailFault("size", f"expected 1 to {MAIL_SIZE_MAX_BYTES} bytes, got {len(raw)}")
    pairs = raw.count(b"\r\n")
    mixed = raw.count(b"\r") != pairs or (pairs > 0 and raw.count(b"\n") != pairs)
    if mixed or b"\0" in raw:
        raise MailFault(
            "line_ends", "expected CRLF after each line, or LF after each, got a mixture or a NUL"
        )
    longest = max((len(run) for run in _BLANKS.findall(raw)), default=0)
    if longest > BLANKS_MAX:
        raise MailFault("blanks", f"expected at most {BLANKS_MAX} blanks in a row, got {longest}")
    return raw if pairs else raw.replace(b"\n", b"\r\n")


def split(wire: bytes) -> tuple[tuple[tuple[str, bytes], ...], bytes]:
    """Return the headers, (name in lower case, value with folds and line end), and the body.

    Raises:
        MailFault: header_unreadable, headers_too_many.
    """
    head, gap, body = wire.partition(b"\r\n\r\n")
    found: list[tuple[str, bytes]] = []
    for line in head.split(b"\r\n") if gap else wire.removesuffix(b"\r\n").split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and found:
            name, value = found.pop()
            found.append((name, value + line + b"\r\n"))
        else:
            fits = _NAME.match(line)
            if fits is None:
                raise MailFault("header_unreadable", f"expected name: value, got {line[:60]!r}")
            found.append((fits[1].decode().lower(), line[fits.end() :] + b"\r\n"))
        if len(found) > HEADERS_MAX or len(found[-1][1]) > HEADER_SIZE_MAX_BYTES:
            limits = f"{HEADERS_MAX} headers of {HEADER_SIZE_MAX_BYTES} bytes"
            raise MailFault("headers_too_many", f"expected at most {limits}, got more")
    return tuple(found), body


# ---------------------------------------------------------------------------------------------- what the head says
def addresses(value: bytes, name: str) -> tuple[str, ...]:
    """Return the addresses of a header in lower case, in their order; a group of nobody has none.

    Only `address`, `name <address>` and lists of those are read, with quoted names and comments of one level; an
    address is a dot-atom at a domain of ASCII labels (RFC 5322 section 3.4 without its obsolete forms).

    Raises:
        MailFault: address_unreadable.
    """
    text = _ASIDE.sub(" ", _unfolded(value))
    group = re.fullmatch(r"[^<>@,:;\"()\\]+:([^:;]*);\s*", text)
    if group is not None:
        text = group[1]
    listed = [one.strip() for one in text.split(",")] if text.strip() else []
    if len(listed) > ADDRESSES_MAX:
        raise MailFault("address_unreadable", f"{name}: expected at most {ADDRESSES_MAX} addresses, got more")
    return tuple(_address(one, name) for one in listed)


def _address(text: str, name: str) -> str:
    named = _NAMED.fullmatch(text)
    plain = (named[1] if named else text).lower()
    fits = _ADDRESS.fullmatch(plain)
    if fits is None or len(plain) > ADDRESS_CHARS_MAX or not DOMAIN.fullmatch(fits[2]):
        raise MailFault("address_unreadable", f"{name}: expected name@domain in ASCII, got another form")
    return plain


def _unfolded(value: bytes) -> str:
    # Latin-1 keeps every byte apart: nothing here looks like ASCII that is not.
    return value.replace(b"\r\n", b"").decode("latin-1").strip(" \t")


def _sent_at(value: bytes) -> str | None:
    try:
        told = parsedate_to_datetime(_unfolded(value))
        aware = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
        since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    ms = (since.days * 86_400 + since.seconds) * 1000
    return instant_of(ms) if ms >= 0 else None


def _subject(text: str) -> bytes:
    """Return a subject with its encoded words decoded (RFC 2047); one that cannot be decoded stays as it is."""
    try:
        chunks = decode_header(text)
    except (MessageError, ValueError):
        return text.encode("latin-1")
    return b"".join(one if isinstance(one, bytes) else one.encode("latin-1", "replace") for one, _ in chunks)


# ---------------------------------------------------------------------------------------------- the text parts
def _texts(headers: Sequence[tuple[str, bytes]], body: bytes, depth: int, left: list[int]) -> Iterator[bytes]:
    left[0] -= 1
    if depth > DEPTH_MAX or left[0] < 0:
        raise MailFault("parts", f"expected at most {PARTS_MAX} parts, {DEPTH_MAX} deep, got more")
    kind, boundary, encoding = _kind(headers)
    if kind == "multipart" and 0 < len(boundary) <= BOUNDARY_SIZE_MAX_BYTES:
        for part in _parts(body, boundary, left[0]):
            yield from _texts(*_part(part), depth + 1, left)
    elif kind == "text":
        yield _plain(body, encoding)


def _kind(headers: Sequence[tuple[str, bytes]]) -> tuple[str, bytes, str]:
    """Return the main type of a part, its boundary and its transfer encoding (RFC 2045 sections 5 and 6)."""
    told = Message()
    for name in MEANS_BODY:
        for value in [given for one, given in headers if one == name][:1]:
            told[name] = _unfolded(value)
    try:
        boundary = str(told.get_boundary() or "").encode("latin-1", "replace")
    except (ValueError, TypeError) as error:  # a parameter continued some 10^4300 times
        raise MailFault("parts", "content-type: expected parameters, got others") from error
    encoding = str(told.get("content-transfer-encoding", "")).strip().lower()
    return told.get_content_maintype(), boundary, encoding


def _parts(body: bytes, boundary: bytes, left: int) -> list[bytes]:
    """Return the parts between boundaries (RFC 2046 section 5.1.1), at most one more than may be left."""
    line = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r\n|\Z)")
    found: list[bytes] = []
    start: int | None = None
    for border in line.finditer(body):
        if start is not None:
            found.append(body[start : border.start()])
        start = border.end()
        if border[1] or len(found) > left:
            return found
    return found if start is None else [*found, body[start:]]


def _part(part: bytes) -> tuple[tuple[tuple[str, bytes], ...], bytes]:
    """Return headers and body of a part, which may have no headers. Raises MailFault."""
    given = part.removeprefix(b"\r\n")
    if given.startswith(b"\r\n") or not given:
        return (), given[2:]
    return split(given)


def _plain(body: bytes, encoding: str) -> bytes:
    """Return the bytes of a part, base64 and quoted-printable undone; what cannot be undone stays as it is."""
    try:
        if encoding == "base64":
            return binascii.a2b_base64(body)
        if encoding == "quoted-printable":
            return binascii.a2b_qp(body)
    except (binascii.Error, ValueError):
        return body
    return body
