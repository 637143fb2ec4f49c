"""A witness for tests, in a process of its own: C2SP tlog-witness, add-checkpoint, as strictly as its text says.

`python -m tests.anchors.witness_server SEED ORIGIN LOG_VKEY` prints its port. The first part of the path is how it
behaves: `honest` keeps the specification, every other name breaks it in one way. Each remembers its own latest size.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from ledger.checkpoints import Checkpoint, cosignature_message, parse_text
from ledger.ed25519 import Ed25519Signer, verify
from ledger.errors import ProofError
from ledger.merkle import EMPTY_ROOT, check_witness_growth
from ledger.notes import (
    ED25519_COSIGNATURE,
    Note,
    Signature,
    VerifierKey,
    check_note,
    decode_base64,
    parse_note,
    parse_vkey,
)

NAME = "witness.invalid"
STEP_SECONDS = 0.2


class Answer(Exception):
    """What is answered in place of a cosignature."""

    def __init__(self, status: int, body: bytes = b"", media_type: str = "text/plain") -> None:
        super().__init__(status)
        self.status, self.body, self.media_type = status, body, media_type


@dataclass
class Witness:
    """The rule, over one log that it knows."""

    origin: str
    log_key: VerifierKey
    signer: Ed25519Signer
    held: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @property
    def key(self) -> VerifierKey:
        return VerifierKey(NAME, ED25519_COSIGNATURE, self.signer.public_key)

    def add(self, behaviour: str, body: bytes) -> bytes:
        """Return the cosignature lines. Raises Answer."""
        old, proof, note = parse_request(body)
        checkpoint = parse_text(note.text)
        if checkpoint.origin != self.origin:
            raise Answer(404)
        try:
            check_note(note, [self.log_key], verify)
        except ProofError:
            raise Answer(403) from None
        if old > checkpoint.size:
            raise Answer(400)
        with self.lock:
            size, root = self.held.get(behaviour, (0, EMPTY_ROOT))
            if old != size or (old == checkpoint.size and root != checkpoint.root):
                raise Answer(409, b"%d\n" % size, "text/x.tlog.size")
            try:
                check_witness_growth(old, checkpoint.size, root, checkpoint.root, proof)
            except ProofError:
                raise Answer(422) from None
            self.held[behaviour] = (checkpoint.size, checkpoint.root)
        return self.cosign(checkpoint, self.signer, int(time.time()))

    def cosign(self, checkpoint: Checkpoint, signer: Ed25519Signer, at: int) -> bytes:
        """Return one line; by another signer it is wrong, under our name and key id."""
        value = at.to_bytes(8, "big") + signer.sign(cosignature_message(at, checkpoint.text()))
        return Signature(NAME, self.key.key_id, value).line().encode()


def parse_request(body: bytes) -> tuple[int, list[bytes], Note]:
    """Return old size, proof and note. Raises Answer: 400."""
    head, empty, rest = body.partition(b"\n\n")
    first, *lines = head.decode("ascii", "replace").split("\n")
    digits = first.removeprefix("old ")
    hashes = [decode_base64(line) for line in lines]
    canonical = digits.isascii() and digits.isdigit() and str(int(digits)) == digits
    if not empty or digits == first or not canonical or len(lines) > 63:
        raise Answer(400)
    if any(one is None or len(one) != 32 for one in hashes):
        raise Answer(400)
    try:
        return int(digits), [one for one in hashes if one is not None], parse_note(rest)
    except ProofError:
        raise Answer(400) from None


def misbehaving(witness: Witness, behaviour: str, body: bytes) -> bytes:
    """Return the answer of a witness that breaks the specification. Raises Answer."""
    old, _, note = parse_request(body)
    checkpoint, now = parse_text(note.text), int(time.time())
    good = witness.cosign(checkpoint, witness.signer, now)
    other = Checkpoint(checkpoint.origin, checkpoint.size + 1, checkpoint.root)
    statuses = {
        "forbidden": 403,
        "unknown": 404,
        "broken": 500,
        "busy": 503,
        "teapot": 418,
        "unprocessable": 422,
    }
    if behaviour in statuses:
        raise Answer(statuses[behaviour], b"no\x1b[31m")
    conflicts = {
        "conflict-without-size": Answer(409),
        "conflict-in-words": Answer(409, b"seven\n", "text/x.tlog.size"),
        "conflict-in-html": Answer(409, b"7\n", "text/html"),
        "conflict-with-zero-first": Answer(409, b"007\n", "text/x.tlog.size"),
        "conflict-far-ahead": Answer(409, b"999999\n", "text/x.tlog.size"),
        "conflict-for-ever": Answer(
            409, b"%d\n" % (old + 1 if old < checkpoint.size else old - 1), "text/x.tlog.size"
        ),
        "redirect": Answer(307),
    }
    if behaviour in conflicts:
        raise conflicts[behaviour]
    stranger = Ed25519Signer(bytes([99]) * 32)
    by_stranger = Signature("stranger.invalid", bytes(4), bytes(72)).line().encode()
    return {
        "other-lines-too": by_stranger + good,
        "wrong-key": witness.cosign(checkpoint, stranger, now),
        "other-checkpoint": witness.cosign(other, witness.signer, now),
        "next-year": witness.cosign(checkpoint, witness.signer, now + 365 * 86_400),
        "last-year": witness.cosign(checkpoint, witness.signer, now - 365 * 86_400),
        "time-zero": witness.cosign(checkpoint, witness.signer, 0),
        "stranger-alone": by_stranger,
        "short-line": Signature(NAME, witness.key.key_id, bytes(71)).line().encode(),
        "cut-off": good[:-5],
        "without-newline": good[:-1],
        "empty": b"",
        "html": b"<!doctype html><title>Sign in</title>",
        "latin": b"\xe9" + good,
        "huge": good * 2_000,
        "many-lines": by_stranger * 200 + good,
    }[behaviour]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    witness: Witness

    def do_POST(self) -> None:
        _, behaviour, last = self.path.split("/", 2)
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            if last != "add-checkpoint":
                raise Answer(404)
            if behaviour in ("honest", "lost", "slow", "drip"):
                lines = self.witness.add(behaviour, body)
            else:
                lines = misbehaving(self.witness, behaviour, body)
        except Answer as answer:
            self._send(answer.status, answer.body, answer.media_type)
            return
        if behaviour == "slow":
            time.sleep(2)
        if behaviour == "lost":
            self.close_connection = True
            return
        self._send(200, lines, "text/plain", STEP_SECONDS if behaviour == "drip" else 0)

    def _send(self, status: int, body: bytes, media_type: str, step_seconds: float = 0) -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        if status == 307:
            self.send_header("location", "/honest/add-checkpoint")
        self.end_headers()
        try:
            for at in range(0, len(body), 10 if step_seconds else max(1, len(body))):
                self.wfile.write(body[at : at + 10] if step_seconds else body)
                time.sleep(step_seconds)
        except OSError:
            pass  # the client went away

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running_witness(origin: str, log_vkey: str, seed: int = 7) -> Iterator[tuple[str, str]]:
    """Start a witness; yield its address, to which a behaviour is added, and its vkey."""
    words = [sys.executable, "-m", "tests.anchors.witness_server", str(seed), origin, log_vkey]
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(words, cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        key = VerifierKey(NAME, ED25519_COSIGNATURE, Ed25519Signer(bytes([seed]) * 32).public_key)
        yield f"http://127.0.0.1:{port}", key.vkey()
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def main() -> None:
    """Serve until ended."""
    seed, origin, log_vkey = sys.argv[1:]
    Handler.witness = Witness(origin, parse_vkey(log_vkey), Ed25519Signer(bytes([int(seed)]) * 32))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
