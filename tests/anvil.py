"""A real chain on loopback for tests: anvil, found, started, and ended by its process id.

`npm ci --ignore-scripts` in contracts/ brings the program; one on PATH does as well. Without one the test is skipped,
and fails under CI=true.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent
FROM_NPM = (
    ROOT / "contracts" / "node_modules" / "@foundry-rs" / "anvil-linux-amd64" / "bin" / "anvil",
    ROOT / "contracts" / "node_modules" / ".bin" / "anvil",
)
ALWAYS = ("--host", "127.0.0.1", "--silent", "--hardfork", "prague")
"""The hard fork is named: what anvil takes without it changes with its version."""
START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 10.0
STARTS_MAX = 5
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running node. `url` is its HTTP address on loopback, `pid` the process that this test may signal."""

    url: str
    pid: int

    def rpc(self, method: str, *params: Any) -> Any:
        """Return the result of one JSON-RPC call.

        Raises:
            AssertionError: the node answered with an error.
        """
        return _rpc(self.url, method, *params)

    def receipt(self, transaction: str) -> dict[str, Any]:
        """Return the receipt of a transaction that is mined at once: the answer to sending may come before that.

        Raises:
            AssertionError: no receipt in time.
        """
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            found: dict[str, Any] | None = self.rpc("eth_getTransactionReceipt", transaction)
            if found is not None:
                return found
            time.sleep(LOOK_SECONDS)
        raise AssertionError(f"transaction: expected a receipt within {START_SECONDS_MAX} s, got none")


def anvil_program() -> str:
    """Return the path of anvil; without one the test is skipped, and fails under CI=true."""
    for path in FROM_NPM:
        if path.is_file():
            return str(path)
    found = shutil.which("anvil")
    if found is not None:
        return found
    reason = "chain: expected anvil, got none (npm ci --ignore-scripts in contracts/)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_anvil(*options: str, port: int | None = None) -> Iterator[Anvil]:
    """Start anvil with these options more, for instance `--no-mining`, `--chain-id 99`, `--slots-in-an-epoch 2`.

    `port` asks for one certain port, so that a node can come back where it was; else a free one is taken.
    """
    program = anvil_program()
    process, url = _started(program, options, port)
    try:
        yield Anvil(url, process.pid)
    finally:
        _end(process)


def _started(program: str, options: tuple[str, ...], port: int | None) -> tuple[subprocess.Popen[bytes], str]:
    # Between looking for a free port and taking it somebody else may take it: then once more, with another.
    for _ in range(STARTS_MAX):
        wanted = port or _free_port()
        url = f"http://127.0.0.1:{wanted}"
        process = subprocess.Popen(
            [program, *ALWAYS, "--port", str(wanted), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if _answers(process, url):
            return process, url
        _end(process)
    raise AssertionError(f"anvil: expected an answer within {START_SECONDS_MAX} s, got none")


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _rpc(url, "eth_chainId")
        except httpx.HTTPError:
            time.sleep(LOOK_SECONDS)
        else:
            return process.poll() is None
    return False


def _rpc(url: str, method: str, *params: Any) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = httpx.post(url, json=request, timeout=START_SECONDS_MAX, trust_env=False).json()
    assert "error" not in answer, f"{method}: expected a result, got {answer['error']}"
    return answer["result"]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS_MAX)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
