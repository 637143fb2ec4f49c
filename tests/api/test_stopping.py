"""Told to stop, the real processes finish what they hold and leave nothing behind that says they still run."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from api.cli import run_verb
from tests.served import END_SECONDS_MAX, START_SECONDS_MAX, serving, started

ROOT = Path(__file__).resolve().parents[2]
LEFT_BY_A_RUN = ("server.json", "tallystick.db-wal", "tallystick.db-shm")
CLIENTS = 4
ANSWERS_BEFORE_THE_SIGNAL = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one organisation."""
    made = tmp_path_factory.mktemp("stopping") / "data"
    assert run_verb(["--data-dir", str(made), "init", "--name", "Harbour House", "--owner", "Ada"]) == 0
    return made


DROPPED = """
import os, signal, sys
from api.stopping import hearing

class Gone:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        sum(range(1000))

try:
    with hearing() as ask:
        Gone()
        ask()
        print("went on")
except KeyboardInterrupt:
    print("heard")
print(signal.getsignal(signal.{name}) is {before})
"""


@pytest.mark.parametrize(
    ("name", "before"), [("SIGINT", "signal.default_int_handler"), ("SIGTERM", "signal.SIG_DFL")]
)
def test_a_signal_that_came_in_a_destructor_is_heard_at_the_next_step(name: str, before: str) -> None:
    code = DROPPED.format(name=name, before=before)
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert (run.stdout, run.stderr) == ("heard\nTrue\n", "")


def left(folder: Path) -> list[str]:
    """Return what a server left behind that only a running one may have."""
    return [name for name in LEFT_BY_A_RUN if (folder / name).exists()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_run_ends_clean_when_told_to(folder: Path, number: signal.Signals) -> None:
    with serving(folder) as (server, _, said):
        server.send_signal(number)
        assert server.wait(END_SECONDS_MAX) == 0, said.read_text()
    assert left(folder) == []
    assert "Traceback" not in said.read_text()


def test_run_told_to_stop_in_the_middle_of_requests_keeps_what_it_acknowledged(folder: Path) -> None:
    key = (folder / "cli.key").read_text().strip()
    acknowledged: list[str] = []

    def join(url: str, client: int) -> None:
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
            for count in range(1_000):
                body = {"name": f"Guest {client}-{count}", "roles": ["staff"]}
                sent = {"Idempotency-Key": f"guest-{client}-{count}"}
                try:
                    answer = http.post("/api/v1/members", json=body, headers=sent)
                except httpx.TransportError:
                    return  # the server is gone; nobody was told anything
                assert answer.status_code == 201, answer.text
                acknowledged.append(answer.json()["ids"]["member"])

    with serving(folder) as (server, url, said):
        clients = [threading.Thread(target=join, args=(url, number)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        until = time.monotonic() + START_SECONDS_MAX
        while len(acknowledged) < ANSWERS_BEFORE_THE_SIGNAL and time.monotonic() < until:
            time.sleep(0.01)
        server.terminate()
        assert server.wait(END_SECONDS_MAX) == 0, said.read_text()
        for client in clients:
            client.join(END_SECONDS_MAX)
    assert left(folder) == []
    with serving(folder) as (_, url, _):
        rows = httpx.get(
            f"{url}/api/v1/members", headers={"Authorization": f"Bearer {key}"}, timeout=30
        ).json()["items"]
    assert len(acknowledged) >= ANSWERS_BEFORE_THE_SIGNAL
    assert set(acknowledged) <= {row["member"] for row in rows}


def test_run_lets_go_of_a_slow_request_at_the_second_signal(folder: Path) -> None:
    key = (folder / "cli.key").read_text().strip()
    with serving(folder) as (server, url, said):
        with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as slow:
            head = f"POST /api/v1/members HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
            slow.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode())
            time.sleep(0.5)
            server.terminate()
            with pytest.raises(subprocess.TimeoutExpired):
                server.wait(2)
            server.terminate()
            assert server.wait(10) == 130, said.read_text()
    assert left(folder) == []
    assert said.read_text().rstrip().endswith("stopped before it was done")
    assert "Traceback" not in said.read_text()


def test_worker_ends_clean_when_told_to(tmp_path: Path, fresh_postgres_url: str) -> None:
    env = {"TALLYSTICK_DATABASE_URL": fresh_postgres_url, "TALLYSTICK_WORKER_INSIDE": "false"}
    folder = tmp_path / "data"
    with started(folder, "init", "--name", "Harbour House", "--owner", "Ada", env=env) as (process, said):
        assert process.wait(START_SECONDS_MAX) == 0, said.read_text()
    log = _sql(fresh_postgres_url, "SELECT log FROM log_head")[0][0]
    # A job nobody knows becomes dead at once: that tells that the worker works.
    _sql(
        fresh_postgres_url,
        "INSERT INTO job (log, job, kind, due, payload, cause_seq, attempt, dead)"
        f" VALUES ('{log}', 'nothing:1', 'nothing', '2020-01-01T00:00:00.000Z', '{{}}', 1, 0, 0)",
    )
    with started(folder, "worker", env=env) as (process, said):
        until = time.monotonic() + START_SECONDS_MAX
        while _sql(fresh_postgres_url, "SELECT dead FROM job") != [(1,)] and time.monotonic() < until:
            assert process.poll() is None, said.read_text()
            time.sleep(0.1)
        process.terminate()
        assert process.wait(END_SECONDS_MAX) == 0, said.read_text()
    assert _sql(fresh_postgres_url, "SELECT dead, leased_by FROM job") == [(1, None)]
    assert "Traceback" not in said.read_text()


def _sql(url: str, statement: str) -> list[tuple[object, ...]]:
    async def work() -> list[tuple[object, ...]]:
        engine = create_async_engine(url)
        try:
            async with engine.begin() as connection:
                result = await connection.execute(text(statement))
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            await engine.dispose()

    return asyncio.run(work())
