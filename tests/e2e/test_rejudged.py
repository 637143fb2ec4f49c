"""Every verdict of the demo is said again byte for byte from its exported folder: by a bare Python without packages, a
database or a network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from api.cli import run_verb
from ledger.folders import FolderFiles, FolderSource
from ledger.reading import read_entry

ROOT = Path(__file__).resolve().parents[2]
BARE = """
import sys
sys.path.insert(0, {root!r})
import socket
def gone(*_, **__): raise AssertionError("judging reached outside")
socket.socket = socket.create_connection = socket.getaddrinfo = gone
for name in ("sqlite3", "_sqlite3", "sqlalchemy", "asyncpg", "cryptography", "orjson", "fastapi"):
    sys.modules[name] = None
from casework.rejudging import main
main()
"""


def bare(folder: Path) -> tuple[int, dict[str, Any]]:
    """Judge a folder again in a process of its own: isolated (-I), without site-packages (-S)."""
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", BARE.format(root=str(ROOT)), str(folder)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd="/",
        env={},
    )
    assert run.stdout, run.stderr[-2_000:]
    told: dict[str, Any] = json.loads(run.stdout)
    return run.returncode, told


@pytest.fixture(scope="module")
def exported(venue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's record with its private values, as `tallystick export --private` writes it."""
    data = tmp_path_factory.mktemp("rejudged") / "demo"
    shutil.copytree(venue, data)
    (data / "server.json").unlink(missing_ok=True)
    out = data.parent / "log"
    assert run_verb(["--data-dir", str(data), "export", str(out), "--private"]) == 0
    return out


def given(folder: Path) -> list[Mapping[str, Any]]:
    entries = (read_entry(data) for data in FolderSource(FolderFiles(folder)).entries())
    return [entry.body for entry in entries if entry.kind == "verdict_given"]


def verdicts(folder: Path) -> list[str]:
    return [body["verdict"] for body in given(folder)]


def test_every_verdict_of_the_demo_is_said_again(exported: Path) -> None:
    expected = verdicts(exported)
    assert len(expected) >= 8
    judges = {(body["verifier"], body["version"]) for body in given(exported)}
    assert {("service_issue", 2), ("operational_check", 1), ("handover", 1)} <= judges
    assert bare(exported) == (0, {"same": len(expected), "erased": [], "different": [], "newer": []})
    assert run_verb(["rejudge", "--folder", str(exported)]) == 0
    assert run_verb(["rejudge", "--folder", str(exported), expected[0]]) == 0
    assert run_verb(["rejudge", "--folder", str(exported), "none"]) == 2
    assert run_verb(["rejudge", "--folder", str(exported / "vault")]) == 2


def changed(exported: Path, to: Path, change: Any) -> tuple[int, dict[str, Any]]:
    """Change the values of the first verdict in a copy, and judge it again."""
    shutil.copytree(exported, to)
    for path in sorted((to / "vault").rglob("*")):
        lines = path.read_bytes().splitlines() if path.is_file() else []
        there = [json.loads(line) for line in lines]
        first = next((one["seq"] for one in there if one["path"] == "input" and "value" in one), None)
        if first is None:
            continue
        kept = []
        for one in there:
            one = change(one) if one["seq"] == first else one
            kept += (
                []
                if one is None
                else [json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False)]
            )
        path.write_bytes("".join(f"{line}\n" for line in kept).encode())
        return bare(to)
    raise AssertionError("no verdict in the folder")


def test_an_input_that_was_changed_is_named(exported: Path, tmp_path: Path) -> None:
    def later(one: dict[str, Any]) -> dict[str, Any]:
        if one["path"] == "input":
            one["value"]["outcome"]["resolution"] = "duplicate"
        return one

    code, told = changed(exported, tmp_path / "log", later)
    assert (code, len(told["different"])) == (1, 1)


def test_an_output_that_was_changed_is_named(exported: Path, tmp_path: Path) -> None:
    def kinder(one: dict[str, Any]) -> dict[str, Any]:
        if one["path"] == "output":
            one["value"]["amount_tokens"] = 9
        return one

    code, told = changed(exported, tmp_path / "log", kinder)
    assert (code, len(told["different"])) == (1, 1)


def test_what_was_erased_cannot_be_judged_and_the_rest_still_is(exported: Path, tmp_path: Path) -> None:
    code, told = changed(exported, tmp_path / "log", lambda one: None)
    assert (code, len(told["erased"]), told["different"]) == (5, 1, [])
    assert told["same"] == len(verdicts(exported)) - 1
