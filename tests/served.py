"""The real program as a process of its own, for tests of what it does with signals, ports and its data folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS_MAX = 60
END_SECONDS_MAX = 30


@contextmanager
def started(
    folder: Path, *arguments: str, env: dict[str, str] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Start `tallystick --data-dir FOLDER ARGUMENTS`; give the process and the file that holds what it printed."""
    said = folder.with_name(f"{folder.name}-{arguments[0]}.said")
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "--data-dir", str(folder), *arguments],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})},
        )  # fmt: skip
    try:
        yield process, said
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """Start `tallystick run MORE` on a free port; give the process, its address and what it printed."""
    with started(folder, "run", "--port", "0", *more) as (process, said):
        until = time.monotonic() + START_SECONDS_MAX
        while not (folder / "server.json").exists() and time.monotonic() < until:
            assert process.poll() is None, said.read_text()
            time.sleep(0.1)
        yield process, json.loads((folder / "server.json").read_text())["url"], said
