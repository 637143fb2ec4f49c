"""An address as somebody's phone meets it: name, connection, certificate, time, and whether Tallystick answers there.

Nothing secret is sent, so what answers is asked on even where its certificate is not trusted: one look tells all
there is to do. Each step has CONNECT_SECONDS_MAX.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from cryptography import x509

CONNECT_SECONDS_MAX = 5
ANSWER_BYTES_MAX = 4_096
CLOCK_SECONDS_MAX = 60
DAYS_LEFT_MIN = 14
LIFE_LEFT_MIN = 4
"""Of a certificate that lives shorter than that: at least one part in so many must be left. Who issues such ones renews
them by itself, at a third."""
HTTPS_PORT, HTTP_PORT = 443, 80
OK = "ok"
_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # X509_V_FLAG_NO_CHECK_TIME: dates are a finding of their own


class AddressInvalid(Exception):
    """There is nothing to look at: no address, or no certificates in the file. The sentence says expected and got."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, `ok` or what to do, and what was seen."""

    check: str
    finding: str
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to one GET."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


Resolve = Callable[[str], list[str]]
"""Name -> its IP addresses. Raises OSError."""
Connect = Callable[[str, int], socket.socket]
"""IP address and port -> a connected socket that times out. Raises OSError."""


def resolve(name: str) -> list[str]:
    """Return the addresses of a name as this machine finds them, each once. Raises OSError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def connect(address: str, port: int) -> socket.socket:
    """Return a connection that times out at every step. Raises OSError."""
    return socket.create_connection((address, port), CONNECT_SECONDS_MAX)


def examine(
    address: str,
    ca: Path | None = None,
    *,
    resolve: Resolve = resolve,
    connect: Connect = connect,
    now: datetime | None = None,
) -> list[Finding]:
    """Return the findings about an address, in the order in which somebody would mend them.

    `ca` is a PEM file of authorities to trust beside the system's; `now` is our time.

    Raises:
        AddressInvalid: `address` is none, or `ca` holds no certificate.
    """
    parts = _parts(address)
    trust = _trusting(ca)
    return list(_look(parts, trust, resolve, connect, now))


def _parts(address: str) -> SplitResult:
    expected = f"--address: expected https://name or https://name:port, got {address[:200]!r}"
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise AddressInvalid(f"{expected} ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise AddressInvalid(expected)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise AddressInvalid(expected)
    return parts


def _trusting(ca: Path | None) -> ssl.SSLContext:
    """Return a context that checks who issued a certificate, and neither its name nor its dates."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_flags |= _NO_CHECK_TIME
    if ca is not None:
        try:
            context.load_verify_locations(cafile=ca)
        except (ssl.SSLError, OSError) as error:
            raise AddressInvalid(f"--ca {ca}: expected certificates in PEM, got {error}") from error
    return context


def _look(
    parts: SplitResult, trust: ssl.SSLContext, resolve: Resolve, connect: Connect, now: datetime | None
) -> Iterator[Finding]:
    """1. what kind of address   2. its name   3. a connection   4. its certificate   5. who answers   6. plain http"""
    name = str(parts.hostname)
    # 1. what kind of address
    if parts.scheme == "http":
        yield Finding(
            "address", "use https: over http nobody can sign in, see docs/hosting.md", parts.geturl()
        )
        return
    # 2. its name
    named, found = _name(name, resolve)
    yield named
    if not found:
        return
    # 3. a connection
    port = parts.port or HTTPS_PORT
    reached, there = _connection(found, port, connect)
    yield reached
    if there is None:
        return
    # 4. its certificate
    presented = _certificate(name, lambda: connect(there, port))
    if isinstance(presented, Finding):
        yield presented
        return
    yield _trust(name, trust, lambda: connect(there, port))
    yield _names(presented, name)
    yield _dates(presented, now or datetime.now(UTC))
    # 5. who answers
    yield from _answers(parts.netloc, name, lambda: connect(there, port), now)
    # 6. plain http
    if port != HTTPS_PORT:
        yield Finding("http", OK, "not looked at: the address has a port of its own")
        return
    yield _plain(name, lambda: connect(there, HTTP_PORT))


def _name(name: str, resolve: Resolve) -> tuple[Finding, list[str]]:
    if _is_number(name):
        said = "give it a name: passkeys hold for names alone, and hardly anybody certifies a number"
        return Finding("name", said, name), [name]
    try:
        found = resolve(name)
    except (OSError, UnicodeError) as error:
        said = f"let {name} point to the server, in the router or where the name was bought"
        return Finding("name", said, str(error)), []
    return Finding("name", kind_of(found), ", ".join(found)), found


def kind_of(addresses: list[str]) -> str:
    """Return `ok` for a name that others can reach, in the house or everywhere, or what to do."""
    if not addresses:
        return "let the name point to the server: it has no address"
    if all(ipaddress.ip_address(one.partition("%")[0]).is_loopback for one in addresses):
        return "let the name point to the server: for this machine it means this machine alone"
    return OK


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _connection(found: list[str], port: int, connect: Connect) -> tuple[Finding, str | None]:
    errors = []
    for address in found:
        try:
            connect(address, port).close()
        except OSError as error:
            errors.append(f"{address}: {error}")
        else:
            return Finding("connection", OK, f"{address} port {port}"), address
    said = f"start the proxy, and let the firewall and the router pass port {port}"
    return Finding("connection", said, "; ".join(errors)), None


# ---------------------------------------------------------------------------------------------- the certificate
def _certificate(name: str, connect: Callable[[], socket.socket]) -> x509.Certificate | Finding:
    """Return what the server presents, whoever issued it."""
    try:
        with connect() as plain, _unchecked().wrap_socket(plain, server_hostname=name) as secured:
            given = secured.getpeercert(binary_form=True)
        if given is None:
            raise ValueError("none")
        return x509.load_der_x509_certificate(given)
    except (OSError, ValueError) as error:
        said = "let the proxy speak https on this port: what answers there does not, or has no certificate"
        return Finding("certificate", said, str(error))


def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trust(name: str, trust: ssl.SSLContext, connect: Callable[[], socket.socket]) -> Finding:
    try:
        with connect() as plain, trust.wrap_socket(plain, server_hostname=name):
            return Finding("certificate trusted", OK)
    except ssl.SSLCertVerificationError as error:
        said = (
            "take a certificate that phones trust (docs/hosting.md), or pass the authority of the house by --ca and "
            "install it on every phone"
        )
        return Finding("certificate trusted", said, error.verify_message)
    except OSError as error:
        return Finding("certificate trusted", "look again: the connection broke", str(error))


def _names(certificate: x509.Certificate, name: str) -> Finding:
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        names: list[str] = []
    else:
        names = [*listed.get_values_for_type(x509.DNSName)]
        names += [str(one) for one in listed.get_values_for_type(x509.IPAddress)]
    seen = ", ".join(names)[:300] or "no name"
    if any(_matches(one.lower(), name.lower()) for one in names):
        return Finding("certificate name", OK, seen)
    return Finding("certificate name", f"take a certificate for {name}", seen)


def _matches(pattern: str, name: str) -> bool:
    """RFC 9525 6.3: a star stands for the whole first label and for no more."""
    if pattern.startswith("*."):
        first, _, rest = name.partition(".")
        return bool(first) and rest == pattern[2:]
    return pattern == name


def _dates(certificate: x509.Certificate, now: datetime) -> Finding:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    seen = f"{begins:%Y-%m-%dT%H:%M:%SZ} to {ends:%Y-%m-%dT%H:%M:%SZ}"
    margin = min(timedelta(days=DAYS_LEFT_MIN), (ends - begins) / LIFE_LEFT_MIN)
    if now < begins:
        said = "set the clocks right, here and on the server: it is not valid yet"
    elif now >= ends:
        said = "renew it: it has ended; look into the proxy's log why that did not happen by itself"
    elif ends - now <= margin:
        said = "look into the proxy's log why it was not renewed: it ends soon"
    else:
        said = OK
    return Finding("certificate dates", said, seen)


# ---------------------------------------------------------------------------------------------- who answers
def _answers(
    netloc: str, name: str, connect: Callable[[], socket.socket], now: datetime | None
) -> Iterator[Finding]:
    def get(path: str) -> Answer:
        with connect() as plain, _unchecked().wrap_socket(plain, server_hostname=name) as secured:
            return _get(secured, netloc, path)

    begun = datetime.now(UTC)
    try:
        alive, stranger = get("/livez"), get("/api/v1/me")
    except (OSError, http.client.HTTPException) as error:
        said = "start Tallystick behind the proxy: nothing that can be read came back"
        yield Finding("answer", said, f"{type(error).__name__}: {error}")
        return
    yield _answer(alive, stranger)
    yield _time(alive, now or begun)
    sent = alive.headers.get("strict-transport-security", "")
    lasts = re.search(r"max-age=\"?([1-9]\d*)", sent, re.IGNORECASE)
    said = "set TALLYSTICK_PROXY to the proxy's address: browsers are not told to use https only"
    yield Finding("https only", OK if lasts else said, sent or "no Strict-Transport-Security")


def _get(connected: socket.socket, netloc: str, path: str) -> Answer:
    """Raises OSError, http.client.HTTPException."""
    client = http.client.HTTPConnection(netloc, timeout=CONNECT_SECONDS_MAX)
    client.sock = connected
    try:
        client.request(
            "GET", path, headers={"Host": netloc, "Accept": "application/json", "Connection": "close"}
        )
        answer = client.getresponse()
        return Answer(answer.status, answer.headers, answer.read(ANSWER_BYTES_MAX))
    finally:
        client.close()


def _answer(alive: Answer, stranger: Answer) -> Finding:
    """Ours says that it lives, and sends a stranger away in our name."""
    try:
        status = json.loads(alive.body)
    except (ValueError, RecursionError):
        status = None
    realm = 'realm="tallystick"' in stranger.headers.get("www-authenticate", "")
    if alive.status == http.HTTPStatus.OK and status == {"status": "ok"} and realm:
        return Finding("answer", OK, "Tallystick")
    if alive.status in (502, 503, 504):
        said = "start Tallystick behind the proxy: the proxy answers and has nobody to ask"
    else:
        said = "let the proxy pass everything on to Tallystick: something else answers there"
    return Finding("answer", said, f"{alive.status} {alive.body[:60]!r}")


def _time(alive: Answer, now: datetime) -> Finding:
    sent = alive.headers.get("date", "")
    try:
        theirs = parsedate_to_datetime(sent)
        apart = round(abs((theirs.replace(tzinfo=theirs.tzinfo or UTC) - now).total_seconds()))
    except (ValueError, TypeError):
        return Finding("time", "let the proxy send the header Date", sent[:60] or "no Date")
    said = f"let this machine and the server set their clocks by the network: {apart} s apart"
    return Finding("time", OK if apart <= CLOCK_SECONDS_MAX else said, sent)


def _plain(name: str, connect: Callable[[], socket.socket]) -> Finding:
    try:
        with connect() as plain:
            answer = _get(plain, name, "/")
    except (OSError, http.client.HTTPException) as error:
        said = f"let the proxy listen on port {HTTP_PORT} too: whoever types the name alone does not arrive"
        return Finding("http", said, f"{type(error).__name__}: {error}")
    to = answer.headers.get("location", "")
    there = re.match(rf"https://{re.escape(name)}(:443)?(/|$)", to, re.IGNORECASE)
    moved = answer.status in (301, 302, 307, 308) and there is not None
    said = f"let port {HTTP_PORT} send everybody on to https://{name}"
    return Finding("http", OK if moved else said, f"{answer.status} {to[:200]}".rstrip())
