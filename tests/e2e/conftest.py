"""The demo venue, made once per run of the suite, and a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.browsing import opened_browser
from tests.e2e.page_promises import Windows
from tests.e2e.played import played_once
from tests.served import serving


@pytest.fixture(scope="session")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small venue; do not write into it, serve a copy."""
    return played_once(tmp_path_factory)[0]


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


@pytest.fixture(scope="module")
def windows(browser: Browser, demo_url: str) -> Iterator[Windows]:
    """Windows on the venue that stay open from test to test, one per role."""
    kept = Windows(browser, demo_url)
    yield kept
    kept.close()
