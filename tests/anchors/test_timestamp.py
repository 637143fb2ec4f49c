"""The client of a time authority, against the real `openssl ts` behind HTTP, and against authorities that lie."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from casework.anchor_stamps import stamps_by
from casework.time_tokens import Trust
from ledger.anchors.protocol import Anchor, Wanted
from ledger.anchors.stamp_receipt import (
    StampWrong,
    answer_around,
    check_stamp_receipt,
    receipt_of,
    token_in,
)
from ledger.anchors.timestamp import TimestampAnchor
from tests.time_authority import CONFIG, Holder, holder, signer, stamp

NOTE = b"harbour-hotel-7f3a.invalid\n9\n...\n\n\xe2\x80\x94 harbour-hotel-7f3a.invalid xx\n"
WANTED = Wanted(9, bytes(32), NOTE)


class Authority:
    """A time authority on loopback; how it behaves is the path of the request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = holder("Root")
        self.clock = signer(self.root)
        self.stranger = holder("Other root")
        self.strange_clock = signer(self.stranger)
        self.url = ""
        self.trust = Trust((self.root.certificate,))

    def reply(self, query: bytes, by: Holder, more: tuple[str, str] = ("", "")) -> bytes:
        """Return what `openssl ts` answers."""
        (self.folder / "ask.tsq").write_bytes(query)
        (self.folder / "signer.pem").write_bytes(by.pem)
        key = by.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "signer.key").write_bytes(key)
        (self.folder / "serial").write_text("1000\n")
        settings = CONFIG.format(folder=self.folder, more="")
        (self.folder / "tsa.cnf").write_text(settings.replace(*more))
        answer = [
            "-reply", "-config", "tsa.cnf", "-section", "one", "-queryfile", "ask.tsq", "-signer", "signer.pem",
            "-inkey", "signer.key", "-out", "answer.tsr",
        ]  # fmt: skip
        subprocess.run(["openssl", "ts", *answer], cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "answer.tsr").read_bytes()

    def answer(self, behaviour: str, query: bytes) -> bytes:
        good = self.reply(query, self.clock)
        if behaviour == "other-root":
            return self.reply(query, self.strange_clock)
        if behaviour == "refused":
            return self.reply(query, self.clock, ("digests = sha1, sha256", "digests = sha1"))
        if behaviour in ("other-note", "replayed", "sha512"):
            content = b"another" if behaviour == "other-note" else NOTE
            return stamp(
                self.folder, self.clock, content, digest="sha512" if behaviour == "sha512" else "sha256"
            )
        lies = {
            "garbage": b"\x30\x03\x02\x01\x00garbage",
            "html": b"<!doctype html><title>Sign in</title>",
            "empty": b"",
            "cut-off": good[:-10],
            "more-behind": good + b"\x00",
            "long-form": b"\x30\x83\x00" + good[2:],
            "flipped": good[:-5] + bytes([good[-5] ^ 1]) + good[-4:],
            "huge": good * 40,
            "no-token": good[:2] + good[2:],
        }
        return lies.get(behaviour, good)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    made = Authority(tmp_path_factory.mktemp("authority"))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            behaviour = self.path.strip("/")
            query = self.rfile.read(int(self.headers["content-length"]))
            status = int(behaviour) if behaviour.isdigit() else 200
            if behaviour == "slow":
                time.sleep(5)
            body = made.answer(behaviour, query) if self.headers["content-type"] == QUERY else b""
            self.send_response(status)
            self.send_header("content-type", "text/html" if behaviour == "wrong-type" else REPLY)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass  # the client went away

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"


@asynccontextmanager
async def asking(
    authority: Authority,
    behaviour: str,
    *,
    size: int = 0,
    policy: str | None = None,
    seconds_max: float = 10.0,
    now: float = 0.0,
    trust: Trust | None = None,
) -> AsyncIterator[TimestampAnchor]:
    check = stamps_by(trust or authority.trust)
    place = {"url": f"{authority.url}/{behaviour}"}
    made = TimestampAnchor("a1", place, check, lambda: now or time.time(), size, policy, seconds_max)
    try:
        yield made
    finally:
        await made.close()


async def test_a_checkpoint_is_stamped_and_the_receipt_holds_offline(authority: Authority) -> None:
    async with asking(authority, "honest", policy="1.2.3.4.1") as anchor:
        as_protocol: Anchor = anchor
        (got,) = (await as_protocol.advance(WANTED)).anchored
        told = check_stamp_receipt(got.receipt, NOTE, stamps_by(authority.trust))
        assert (told.authority, told.policy) == ("CN=Clock", "1.2.3.4.1")
        assert (await anchor.advance(WANTED)).anchored == (got,)  # until it was recorded
        await anchor.recorded(9)
        assert (await anchor.advance(WANTED)).anchored == ()
        assert (await anchor.advance(None)).anchored == ()
    async with asking(authority, "honest", size=9) as anchor:
        assert (await anchor.advance(WANTED)).anchored == ()


REFUSED = [
    ("other-note", "other_content"),
    ("other-root", "expected a path to a trusted root"),
    ("refused", "expected a token, got a refusal"),
    ("replayed", "expected the nonce of our question"),
    ("sha512", "expected one over sha256, got one over sha512"),
    ("garbage", "expected a SEQUENCE at byte 2"),
    ("html", "expected a SEQUENCE at byte 0"),
    ("empty", "expected a SEQUENCE at byte 0"),
    ("cut-off", "expected"),
    ("more-behind", "expected a TimeStampResp of status and token"),
    ("long-form", "expected a length in DER"),
    ("flipped", "wrong_signature"),
    ("huge", "expected"),
    ("wrong-type", "expected 200 and application/timestamp-reply, got 'text/html'"),
    ("500", "expected 200"),
    ("302", "expected 200"),
]


@pytest.mark.parametrize(("behaviour", "says"), REFUSED, ids=[one[0] for one in REFUSED])
async def test_advance_tells_and_believes_nothing_if_the_authority(
    authority: Authority, behaviour: str, says: str
) -> None:
    async with asking(authority, behaviour) as anchor:
        progress = await anchor.advance(WANTED)
        (trouble,) = progress.troubles
        assert (trouble.code, trouble.stops, progress.anchored) == ("other_side_refuses", False, ())
        assert says in trouble.detail, trouble.detail
        assert "got " in trouble.detail


async def test_advance_fails_if_policy_clock_or_time_to_answer_are_others(authority: Authority) -> None:
    async with asking(authority, "honest", policy="1.2.3.4.5") as anchor:
        assert "policy 1.2.3.4.5, got 1.2.3.4.1" in (await anchor.advance(WANTED)).troubles[0].detail
    async with asking(authority, "honest", now=time.time() + 8_000) as anchor:
        assert "within 3600 s of ours" in (await anchor.advance(WANTED)).troubles[0].detail
    async with asking(authority, "slow", seconds_max=0.4) as anchor:
        started = time.monotonic()
        assert (await anchor.advance(WANTED)).troubles[0].code == "other_side_refuses"
        assert time.monotonic() - started < 4


async def test_check_stamp_receipt_fails_if_something_else_was_stamped(authority: Authority) -> None:
    async with asking(authority, "honest") as anchor:
        (got,) = (await anchor.advance(WANTED)).anchored
    check, token = stamps_by(authority.trust), base64.b64decode(str(got.receipt["token"]))
    other = stamps_by(Trust((authority.stranger.certificate,)))
    assert token_in(answer_around(token)) == token
    check_stamp_receipt(got.receipt, NOTE, check)
    for receipt, note, by in (
        (got.receipt, NOTE + b"x", check),
        (got.receipt, NOTE, other),
        (receipt_of(token[:-1]), NOTE, check),
        (receipt_of(token + b"\x00"), NOTE, check),
        (receipt_of(bytes(20_000)), NOTE, check),
        (receipt_of(b""), NOTE, check),
        ({"v": 1, "token": "no base64!"}, NOTE, check),
        ({"v": 1, "token": 7}, NOTE, check),
        ({"v": 2, "token": got.receipt["token"]}, NOTE, check),
        ({"v": 1}, NOTE, check),
        ({"v": 1, "token": got.receipt["token"], "more": 1}, NOTE, check),
    ):
        with pytest.raises(StampWrong, match=r"expected .*got "):
            check_stamp_receipt(receipt, note, by)


@pytest.mark.parametrize("size", [1, 100, 120, 130, 240, 260, 60_000, 70_000])
def test_what_is_put_around_a_token_comes_off_again(size: int) -> None:
    inner = b"\x04" * size
    if size < 128:
        token = b"\x30" + bytes([size]) + inner
    elif size < 256:
        token = b"\x30\x81" + bytes([size]) + inner
    else:
        digits = size.to_bytes(3, "big").lstrip(b"\x00")
        token = b"\x30" + bytes([0x80 + len(digits)]) + digits + inner
    assert token_in(answer_around(token)) == token
