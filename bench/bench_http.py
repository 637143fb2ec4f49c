"""Durable commands per second through the HTTP door, 64 in flight, against the same door without storage.

A note on a case is one command: identity, validation, sealing, writer, one entry. The server is the product's own in a
process of its own; the client speaks bare HTTP/1.1 over kept connections, so that it is not what is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import Figure

IN_FLIGHT = 64
SECONDS = 4.0
ROUNDS = 3
START_SECONDS_MAX = 60.0
PROGRAM = (sys.executable, "-c", "from api.cli import main; main()")


def run() -> list[Figure]:
    """Return commands per second over HTTP on SQLite, and as a share of the same requests without storage."""
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "TALLYSTICK_DATA_DIR": place, "TALLYSTICK_LOG_LEVEL": "error"}
        key = _verb(environment, "init", "--name", "bench", "--owner", "Marta")["key"]
        server = subprocess.Popen(
            [*PROGRAM, "run", "--port", "0"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = _port(Path(place), server)
            case = asyncio.run(_report(port, key))
            rounds = [asyncio.run(_round(port, key, case)) for _ in range(ROUNDS)]
        finally:
            server.terminate()
            server.wait(30)
    durable, plain = sorted(rounds, key=lambda one: one[0] / one[1])[ROUNDS // 2]
    told = f"median of {ROUNDS} rounds of {SECONDS:.0f} s, {IN_FLIGHT} in flight, SQLite FULL, client on the same cores"
    return [
        Figure("commands over HTTP", durable, "commands/s", "", f"reported, no gate; {told}"),
        Figure("commands over HTTP / GET /livez", durable / plain, "x", "", f"rates; {told}"),
    ]


def _verb(environment: dict[str, str], *words: str) -> dict[str, str]:
    done = subprocess.run(
        [*PROGRAM, "--json", *words], env=environment, capture_output=True, text=True, check=True
    )
    answer: dict[str, str] = json.loads(done.stdout)
    return answer


def _port(place: Path, server: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and server.poll() is None:
        try:
            url: str = json.loads((place / "server.json").read_text(encoding="utf-8"))["url"]
            return int(url.rpartition(":")[2])
        except (OSError, ValueError, KeyError):
            time.sleep(0.05)
    raise SystemExit("expected a server that starts, got none")


async def _report(port: int, key: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    status, body = await _ask(reader, writer, _post("/api/v1/reports", key, "first", {"note": "Bench"}))
    writer.close()
    if status != 201:
        raise SystemExit(f"report: expected 201, got {status} {body!r}")
    case: str = json.loads(body)["ids"]["case"]
    return case


async def _round(port: int, key: str, case: str) -> tuple[float, float]:
    """Return requests per second, with storage and without."""
    count = iter(range(10**9))
    stamp = time.monotonic_ns()

    def note() -> bytes:
        return _post(f"/api/v1/cases/{case}/notes", key, f"{stamp}-{next(count)}", {"note": "As agreed"})

    durable = await _rate(port, note, 201)
    plain = await _rate(port, lambda: b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 200)
    return durable, plain


async def _rate(port: int, request: Callable[[], bytes], expected: int) -> float:
    done = 0
    until = time.perf_counter() + SECONDS

    async def client() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < until:
            status, body = await _ask(reader, writer, request())
            if status != expected:
                raise SystemExit(f"expected {expected}, got {status} {body[:300]!r}")
            done += 1
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(IN_FLIGHT)))
    return done / (time.perf_counter() - started)


def _post(path: str, key: str, idempotency_key: str, body: dict[str, str]) -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Idempotency-Key: {idempotency_key}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    length = next(int(line[15:]) for line in lines if line.lower().startswith("content-length:"))
    return int(lines[0].split(" ")[1]), await reader.readexactly(length)
