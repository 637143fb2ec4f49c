"""The committed Caddyfile: accepted by caddy itself, planted faults reported, and run before the real server.

The run is the whole path of docs/hosting.md but the container engine: an authority of the house, a name, the proxy, the
server behind it, and `doctor` looking from outside.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cli import run_verb
from api.outside import examine
from tests.served import serving

ROOT = Path(__file__).resolve().parent.parent
CADDYFILE = ROOT / "deploy" / "Caddyfile"
NAME = "tally.test.internal"
START_SECONDS_MAX = 20

if shutil.which("caddy") is None:
    REASON = "proxy: expected caddy on this machine, got none (apt-get install caddy)"
    if os.environ.get("CI") == "true":
        pytest.fail(REASON, pytrace=False)
    pytest.skip(REASON, allow_module_level=True)


def caddy(
    folder: Path, *arguments: str, text: str | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    file = folder / "Caddyfile"
    file.write_text(CADDYFILE.read_text() if text is None else text)
    given = {"PATH": os.environ["PATH"], "HOME": str(folder), "TALLYSTICK_NAME": NAME, **env}
    command = ["caddy", *arguments, "--adapter", "caddyfile", "--config", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=given, check=False)


@pytest.mark.parametrize("certificate", [None, "automatic", "internal"])
@pytest.mark.parametrize("name", ["tally.example.org", "tally.lan", NAME])
def test_caddyfile_is_accepted(tmp_path: Path, name: str, certificate: str | None) -> None:
    env = {} if certificate is None else {"TALLYSTICK_CERTIFICATE": certificate}
    answer = caddy(tmp_path, "validate", **{"TALLYSTICK_NAME": name, **env})
    assert (answer.returncode, answer.stdout.strip()) == (0, "Valid configuration"), answer.stderr


FAULTS = [
    # what to replace, with what, environment, what the answer names
    ("reverse_proxy hosted", "revers_proxy hosted", {}, "revers_proxy"),
    ("hosted:8765", "ftp://hosted:8765/", {}, "upstreams only support"),
    ("tls internal", "tls", {"TALLYSTICK_CERTIFICATE": "internal"}, "tls"),
    ("admin off", "admin of course", {}, "admin"),
    ("header -Server", "heder -Server", {}, "heder"),
    ("", "", {"TALLYSTICK_CERTIFICATE": "selfmade"}, "not found: selfmade"),
    ("", "", {"TALLYSTICK_NAME": ""}, "server block without any key"),
]


@pytest.mark.parametrize(("right", "wrong", "env", "named"), FAULTS)
def test_planted_caddyfile_fault_is_reported(
    tmp_path: Path, right: str, wrong: str, env: dict[str, str], named: str
) -> None:
    text = CADDYFILE.read_text()
    assert right in text
    answer = caddy(tmp_path, "validate", text=text.replace(right, wrong, 1) if right else text, **env)
    assert answer.returncode != 0
    assert named in answer.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def at_ports(folder: Path, upstream: str, https: int, http: int) -> dict[str, Any]:
    """Return what caddy makes of the Caddyfile, at ports that a test may open, before the server of this test."""
    answer = caddy(folder, "adapt", TALLYSTICK_CERTIFICATE="internal")
    assert answer.returncode == 0, answer.stderr
    moved = answer.stdout.replace("hosted:8765", upstream).replace('":443"', f'"127.0.0.1:{https}"')
    assert moved.count(upstream) == 1 and moved.count(str(https)) == 1
    made: dict[str, Any] = json.loads(moved)
    made["apps"]["http"] |= {"http_port": http, "https_port": https}
    return made


@contextmanager
def proxy(folder: Path, made: dict[str, Any]) -> Iterator[Path]:
    """Run caddy until it listens; give the file of the authority of the house."""
    config, said = folder / "caddy.json", folder / "caddy.said"
    config.write_text(json.dumps(made))
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    with said.open("wb") as output:
        process = subprocess.Popen(
            ["caddy", "run", "--config", str(config)], stdout=output, stderr=subprocess.STDOUT, env=env
        )
    try:
        until = time.monotonic() + START_SECONDS_MAX
        root = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        while not (root.exists() and list(folder.glob(f"caddy/certificates/*/{NAME}/*.crt"))):
            assert process.poll() is None and time.monotonic() < until, said.read_text()
            time.sleep(0.05)
        yield root
    finally:
        process.terminate()
        process.wait(START_SECONDS_MAX)


def test_phones_meet_the_server_by_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, https, http = tmp_path / "data", free_port(), free_port()
    assert run_verb(["--data-dir", str(data), "init", "--name", "Harbour House", "--owner", "Ada"]) == 0
    monkeypatch.setenv("TALLYSTICK_PROXY", "127.0.0.1")
    monkeypatch.setenv("TALLYSTICK_ADDRESS", f"https://{NAME}")
    with serving(data) as (_, url, _):
        upstream = url.removeprefix("http://").replace("localhost", "127.0.0.1")
        with proxy(tmp_path, at_ports(tmp_path, upstream, https, http)) as root:
            ports = {443: https, 80: http}

            def connect(address: str, port: int) -> socket.socket:
                return socket.create_connection(("127.0.0.1", ports[port]), 5)

            look = functools.partial(
                examine, f"https://{NAME}", resolve=lambda name: ["192.0.2.7"], connect=connect
            )
            told = {one.check: one for one in look(root)}
            assert {name: one for name, one in told.items() if one.finding != "ok"} == {}
            assert told["answer"].seen == "Tallystick"
            unknown = {one.check for one in look() if one.finding != "ok"}
            assert unknown == {"certificate trusted"}
            # what a client says of itself is replaced on the way
            told_http = httpx.get(
                f"http://127.0.0.1:{http}/", headers={"Host": NAME, "X-Forwarded-Proto": "https"}, timeout=5
            )
            assert told_http.status_code == 308
        # past the proxy nothing says https any more, so the page explains
        bare = httpx.get(url, headers={"Host": NAME, "Accept": "text/html"}, timeout=5)
        assert bare.status_code == 403
        assert f"https://{NAME}/" in bare.text
