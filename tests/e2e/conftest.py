"""The demo venue, made once per run of the suite, and a browser."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.browsing import ROOT, opened_browser
from tests.served import serving

PLAY_SECONDS_MAX = 280
PLAYED_ON = "2026-11-20"


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small venue; do not write into it, serve a copy. Made by whoever comes first."""
    base = tmp_path_factory.getbasetemp()
    # several workers of one run share the folder above theirs; alone, that folder belongs to other runs too
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "venue"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            command = [
                sys.executable,
                "-m",
                "api.cli",
                "demo",
                "--at",
                PLAYED_ON,
                "--small",
                "--folder",
                str(place),
            ]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=PLAY_SECONDS_MAX)
    return place


@pytest.fixture(scope="module")
def demo_url(venue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a copy of the venue as `make run` does; give its address."""
    folder = tmp_path_factory.mktemp("served") / "demo"
    shutil.copytree(venue, folder)
    (folder / "server.json").unlink(missing_ok=True)
    with serving(folder, "--demo") as (_, url, _said):
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the browser once per file."""
    with opened_browser() as started:
        yield started
