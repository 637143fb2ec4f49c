"""A node that stands before a real one and misbehaves; how, is the path of its URL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx

RANGE_MAX = 3


def misbehaved(behaviour: str, asked: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Return what this node makes of a true answer."""
    method, params = asked["method"], asked["params"]
    if behaviour == "narrow" and method == "eth_getLogs":
        width = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
        if width > RANGE_MAX:
            return {
                "jsonrpc": "2.0",
                "id": asked["id"],
                "error": {"code": -32005, "message": "range too wide"},
            }
    if behaviour == "no-logs" and method == "eth_getLogs":
        return {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "not\x1b served"}}
    if behaviour.startswith("logs-") and method == "eth_getLogs":
        return answer | {"result": [_other_log(behaviour, dict(log)) for log in answer["result"]]}
    results: dict[tuple[str, str], Any] = {
        ("text-for-logs", "eth_getLogs"): "0x",
        ("none-for-logs", "eth_getLogs"): [],
        ("chain-7", "eth_chainId"): "0x7",
        ("chain-in-words", "eth_chainId"): "seven",
        ("no-finality", "eth_getBlockByNumber"): None,
        ("half-a-checkpoint", "eth_call"): "0x" + "00" * 32,
        ("no-code", "eth_getCode"): "0x",
    }
    if (behaviour, method) in results:
        return answer | {"result": results[behaviour, method]}
    return answer | {"id": 999} if behaviour == "other-id" else answer


def _other_log(behaviour: str, log: dict[str, Any]) -> dict[str, Any]:
    log["topics"] = list(log["topics"])
    if behaviour == "logs-of-another":
        log["address"] = "0x" + "ee" * 20
    if behaviour == "logs-of-another-id":
        log["topics"][1] = "0x" + "ee" * 32
    if behaviour == "logs-beyond":
        log["blockNumber"] = "0xffffff"
    if behaviour == "logs-cut-off":
        log["data"] = log["data"][:-2]
    if behaviour == "logs-lying":
        log["data"] = log["data"][:-2] + "00"
    return log


@contextmanager
def before(url: str) -> Iterator[str]:
    """Stand before the node at this URL; yield the URL to which a behaviour is added."""
    busy = {"left": 2}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            behaviour = self.path.strip("/").split("/")[0]
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            true = httpx.post(url, json=asked, timeout=20, trust_env=False).json()
            status, body = 200, json.dumps(misbehaved(behaviour, asked, true)).encode()
            if behaviour in ("html", "list", "huge"):
                body = {"html": b"<!doctype html>", "list": b"[]", "huge": b" " * 17_000_000}[behaviour]
            if behaviour in ("500", "302"):
                status, body = int(behaviour), b""
            if behaviour == "slow":
                time.sleep(5)
            if behaviour == "busy" and busy["left"]:
                busy["left"] -= 1
                status, body = 429, b"too many"
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.send_header("retry-after", "0")
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass  # the client went away

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
