"""`tallystick doctor --address` against real servers of this test, with certificates made here: each fault is named."""

from __future__ import annotations

import functools
import http.server
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.cli import run_verb
from api.outside import AddressInvalid, examine, kind_of
from api.verbs import doctor

NAME = "tally.example.org"
ADDRESS = "192.0.2.7"
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
LIVES = '{"status":"ok"}'
GOOD = {"Strict-Transport-Security": "max-age=31536000"}
STRANGER = {"WWW-Authenticate": 'Bearer realm="tallystick"'}

Key = ec.EllipticCurvePrivateKey


class Authority:
    """An authority of the house, made for one test run, which issues what it is asked for."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The house")])
        made = _builder(self.subject, self.subject, self.key, NOW - DAY, NOW + 3650 * DAY)
        basic = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = made.add_extension(basic, critical=True).sign(self.key, hashes.SHA256())

    def issue(
        self, name: str, begins: datetime, ends: datetime, by_itself: bool = False
    ) -> tuple[bytes, bytes]:
        """Return certificate and key in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The shop")])
        made = _builder(subject, subject if by_itself else self.subject, key, begins, ends)
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        certificate = made.add_extension(names, critical=False).sign(
            key if by_itself else self.key, hashes.SHA256()
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM), private


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def ca(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's certificate as a file."""
    path = tmp_path_factory.mktemp("ca") / "root.pem"
    path.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    return path


def handler(
    headers: dict[str, str], body: str = LIVES, status: int = 200, apart: int = 0, ours: bool = True
) -> type[http.server.BaseHTTPRequestHandler]:
    """Return a class that answers /livez so, and everything else as Tallystick answers a stranger (if `ours`)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stranger = self.path.startswith("/api/") and ours
            self.send_response_only(401 if stranger else status)
            self.send_header(
                "Date", format_datetime(datetime.now(UTC) + timedelta(seconds=apart), usegmt=True)
            )
            for name, value in {**headers, **(STRANGER if stranger else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler


class Quiet(http.server.ThreadingHTTPServer):
    """Says nothing of clients that go away in the middle of a handshake."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextmanager
def listening(
    kind: type[http.server.BaseHTTPRequestHandler], pem: tuple[bytes, bytes] | None, folder: Path
) -> Iterator[int]:
    """Serve on a free port, with TLS if a certificate is given; give the port."""
    server = Quiet(("127.0.0.1", 0), kind)
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        for name, content in zip(("certificate.pem", "key.pem"), pem, strict=True):
            (folder / name).write_bytes(content)
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def to(ports: dict[int, int]) -> functools.partial[socket.socket]:
    """Return a `connect` that takes the ports of the world to those of this test."""
    return functools.partial(_connect, ports)


def _connect(ports: dict[int, int], address: str, port: int) -> socket.socket:
    assert address == ADDRESS
    if port not in ports:
        raise ConnectionRefusedError(111, "Connection refused")
    return socket.create_connection(("127.0.0.1", ports[port]), 5)


REDIRECT = handler({"Location": f"https://{NAME}/"}, "", 308)
CHECKS = (
    "name", "connection", "certificate trusted", "certificate name", "certificate dates", "answer", "time",
    "https only", "http",
)  # fmt: skip

FAULTS: list[tuple[str, dict[str, object], dict[str, str]]] = [
    # what, what is another than it should be, check -> a part of what to do
    ("good", {}, {}),
    ("a star for its first label", {"name": "*.example.org"}, {}),
    ("an automatic one of a short life", {"begins": NOW - DAY / 8, "ends": NOW + DAY / 4}, {}),
    ("expired", {"begins": NOW - 90 * DAY, "ends": NOW - DAY}, {"certificate dates": "it has ended"}),
    ("ends soon", {"begins": NOW - 80 * DAY, "ends": NOW + 10 * DAY}, {"certificate dates": "it ends soon"}),
    ("not yet", {"begins": NOW + DAY, "ends": NOW + 90 * DAY}, {"certificate dates": "set the clocks right"}),
    ("wrong name", {"name": "other.example.org"}, {"certificate name": f"take a certificate for {NAME}"}),
    ("a star too high", {"name": "*.org"}, {"certificate name": f"take a certificate for {NAME}"}),
    ("self-signed", {"by_itself": True}, {"certificate trusted": "take a certificate that phones trust"}),
    ("wrong time", {"kind": handler(GOOD, apart=-90)}, {"time": "set their clocks by the network: "}),
    ("a little apart", {"kind": handler(GOOD, apart=50)}, {}),
    ("no such header", {"kind": handler({})}, {"https only": "set TALLYSTICK_PROXY"}),
    (
        "a header that ends it",
        {"kind": handler({"Strict-Transport-Security": "max-age=0"})},
        {"https only": "set TALLYSTICK_PROXY"},
    ),
    (
        "something else answers",
        {"kind": handler(GOOD, "<h1>It works</h1>", ours=False)},
        {"answer": "something else answers there"},
    ),
    ("something else lives", {"kind": handler(GOOD, ours=False)}, {"answer": "something else answers there"}),
    ("nested without end", {"kind": handler(GOOD, "[" * 4_000)}, {"answer": "something else answers there"}),
    ("nobody behind the proxy", {"kind": handler(GOOD, "", 502)}, {"answer": "has nobody to ask"}),
    ("plain http where https should be", {"tls": False}, {"certificate": "let the proxy speak https"}),
    ("nothing on port 80", {"plain": None}, {"http": "listen on port 80 too"}),
    ("port 80 answers itself", {"plain": handler({})}, {"http": f"on to https://{NAME}"}),
    (
        "port 80 sends elsewhere",
        {"plain": handler({"Location": f"https://{NAME}.evil.example/"}, "", 308)},
        {"http": f"on to https://{NAME}"},
    ),
]


@pytest.mark.parametrize(("what", "other", "todo"), FAULTS, ids=[row[0] for row in FAULTS])
def test_each_fault_is_named_and_nothing_else(
    what: str, other: dict[str, object], todo: dict[str, str], authority: Authority, ca: Path, tmp_path: Path
) -> None:
    given = {"name": NAME, "begins": NOW - DAY, "ends": NOW + 89 * DAY, "by_itself": False}
    pem = authority.issue(**{key: other.get(key, value) for key, value in given.items()})  # type: ignore[arg-type]
    plain = other.get("plain", REDIRECT)
    with ExitStack() as stack:
        kind: type[http.server.BaseHTTPRequestHandler] = other.get("kind", handler(GOOD))  # type: ignore[assignment]
        ports = {443: stack.enter_context(listening(kind, pem if other.get("tls", True) else None, tmp_path))}
        if plain is not None:
            ports[80] = stack.enter_context(listening(plain, None, tmp_path))  # type: ignore[arg-type]
        found = examine(f"https://{NAME}", ca, resolve=lambda name: [ADDRESS], connect=to(ports))
    told = {one.check: one.finding for one in found}
    assert {name: said for name, said in told.items() if said != "ok"}.keys() == todo.keys(), told
    for check, part in todo.items():
        assert part in told[check]
    if "certificate" not in told:
        assert tuple(told) == CHECKS, "one fault hides no other"


def test_an_authority_that_nobody_named_is_not_trusted(authority: Authority, tmp_path: Path) -> None:
    pem = authority.issue(NAME, NOW - DAY, NOW + 89 * DAY)
    with listening(handler(GOOD), pem, tmp_path) as port:
        found = examine(f"https://{NAME}:8443", resolve=lambda name: [ADDRESS], connect=to({8443: port}))
    told = {one.check: one for one in found}
    assert "take a certificate that phones trust" in told["certificate trusted"].finding
    assert told["answer"].finding == "ok", "who is not trusted is still looked at"
    assert told["http"].seen == "not looked at: the address has a port of its own"


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        def connect(address: str, given: int) -> socket.socket:
            return socket.create_connection(("127.0.0.1", port), 0.2)

        begun = time.monotonic()
        found = examine(f"https://{NAME}", resolve=lambda name: [ADDRESS], connect=connect)
        assert time.monotonic() - begun < 3
    assert "let the proxy speak https" in found[-1].finding
    assert found[-1].seen


def test_what_cannot_be_reached_ends_the_look() -> None:
    def nowhere(name: str) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    found = examine(f"https://{NAME}", resolve=nowhere)
    assert [(one.check, one.finding) for one in found] == [
        ("name", f"let {NAME} point to the server, in the router or where the name was bought")
    ]
    found = examine(f"https://{NAME}", resolve=lambda name: [ADDRESS], connect=to({}))
    assert [one.check for one in found] == ["name", "connection"]
    assert "pass port 443" in found[1].finding
    assert [one.check for one in examine(f"http://{NAME}")] == ["address"]


KINDS = [
    # addresses of the name, fit
    (["192.168.1.20"], True),
    (["93.184.216.34", "2606:2800::1"], True),
    (["fe80::1%eth0"], True),
    (["127.0.0.1", "::1"], False),
    ([], False),
]


@pytest.mark.parametrize(("addresses", "fit"), KINDS)
def test_a_name_must_mean_more_than_this_machine(addresses: list[str], fit: bool) -> None:
    assert (kind_of(addresses) == "ok") is fit


def test_a_number_is_no_name() -> None:
    found = examine(f"https://{ADDRESS}", connect=to({}))
    assert "passkeys hold for names alone" in found[0].finding


NO_ADDRESS = [
    "",
    "tally.example.org",
    "ftp://tally.example.org",
    "https://",
    "https://a/b",
    "https://a:b",
    "https://me@a",
]


@pytest.mark.parametrize("given", NO_ADDRESS)
def test_what_is_no_address_is_misuse(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AddressInvalid, match="expected https://name"):
        examine(given)
    assert run_verb(["doctor", "--address", given]) == 2
    assert "expected https://name" in capsys.readouterr().err


def test_the_verb_prints_lines_and_ends_with_its_codes(
    authority: Authority,
    ca: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run_verb(["doctor", "--ca", str(ca)]) == 2
    (tmp_path / "none.pem").write_text("nothing")
    assert run_verb(["doctor", "--address", f"https://{NAME}", "--ca", str(tmp_path / "none.pem")]) == 2
    assert "expected certificates in PEM" in capsys.readouterr().err
    pem = authority.issue(NAME, NOW - DAY, NOW + 89 * DAY)
    with listening(handler(GOOD), pem, tmp_path) as port, listening(REDIRECT, None, tmp_path) as plain:
        looking = functools.partial(
            examine, resolve=lambda name: [ADDRESS], connect=to({443: port, 80: plain})
        )
        monkeypatch.setattr(doctor, "examine", looking)
        asked = ["--json", "doctor", "--address", f"https://{NAME}"]
        assert run_verb([*asked, "--ca", str(ca)]) == 0
        told = json.loads(capsys.readouterr().out)
        assert tuple(row["check"] for row in told) == CHECKS
        assert {row["finding"] for row in told} == {"ok"}
        assert run_verb(asked) == 1
        told = json.loads(capsys.readouterr().out)
        assert [row["check"] for row in told if row["finding"] != "ok"] == ["certificate trusted"]
