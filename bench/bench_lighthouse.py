"""Lighthouse against the pages people open most, on the small demo venue; where it is missing nothing is measured.

It is no part of the environment: `npm install --no-save lighthouse@12` in this folder's parent, and Chromium.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure
from tests.e2e.browsing import opened_browser, walking
from tests.served import serving

ROOT = Path(__file__).resolve().parents[1]
PLAYED_ON = "2026-11-20"
PAGES = {
    "/sign-in": "",
    "/decisions": "manager",
    "/my-work": "staff",
    "/recognition": "staff",
    "/report": "staff",
    "/me": "staff",
}
"""Each address and the role that opens it; nobody for the empty one."""
AIMS = {"accessibility": ">= 1", "best-practices": ">= 1", "performance": ""}
PLAY_SECONDS_MAX = 280
TRIES = 3
"""The browser's trace now and then lacks its beginning (NO_NAVSTART): Lighthouse itself says to run it again."""
PAGE_SECONDS_MAX = 180
CHROME_FLAGS = "--headless=new --no-sandbox --disable-gpu"


def run() -> list[Figure]:
    """Return the three scores (0 to 1) of each page, or one line that says they were not measured."""
    program = shutil.which(
        "lighthouse", path=f"{ROOT / 'node_modules' / '.bin'}:{os.environ.get('PATH', '')}"
    )
    if program is None or shutil.which("node") is None:
        return [_not_measured("no Node or lighthouse")]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return [_not_measured("no chromium")]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "demo"
        command = [
            sys.executable,
            "-m",
            "api.cli",
            "demo",
            "--at",
            PLAYED_ON,
            "--small",
            "--folder",
            str(folder),
        ]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=PLAY_SECONDS_MAX)
        (folder / "server.json").unlink(missing_ok=True)
        with serving(folder, "--demo") as (_, url, _said):
            cookies = {role: _cookie(url, role) for role in sorted(set(PAGES.values()))}
            scored = [
                (page, _scores(program, chromium, url + page, cookies[role], Path(place)))
                for page, role in PAGES.items()
            ]
    return [
        Figure(f"{page} {name}", scores[name], "of 1", aim)
        for page, scores in scored
        for name, aim in AIMS.items()
    ]


def _not_measured(reason: str) -> Figure:
    return Figure(f"not measured: {reason}", 0, "pages")


def _cookie(url: str, role: str) -> str:
    """Return the Cookie header of the first person of a role; empty for nobody."""
    if not role:
        return ""
    with opened_browser() as browser, walking(browser, url) as walk:
        walk.go("/")
        walk.look_as(role)
        return "; ".join(f"{one['name']}={one['value']}" for one in walk.context.cookies())


def _scores(program: str, chromium: str, address: str, cookie: str, place: Path) -> dict[str, float]:
    """Run Lighthouse once; a page that led elsewhere is a failure, not the other page's score."""
    headers, report = place / "headers.json", place / "report.json"
    headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}), encoding="utf-8")
    command = [
        program, address, "--quiet", "--output=json", f"--output-path={report}", f"--extra-headers={headers}",
        f"--only-categories={','.join(AIMS)}", f"--chrome-flags={CHROME_FLAGS}",
    ]  # fmt: skip
    for left in range(TRIES - 1, -1, -1):
        done = subprocess.run(
            command,
            env={**os.environ, "CHROME_PATH": chromium},
            check=not left,
            stdout=subprocess.DEVNULL,
            timeout=PAGE_SECONDS_MAX,
        )
        if done.returncode == 0:
            break
    read = json.loads(report.read_text(encoding="utf-8"))
    if read["finalDisplayedUrl"] != address:
        raise ValueError(f"lighthouse: expected to end at {address}, got {read['finalDisplayedUrl']}")
    _tell(address, read)
    return {name: float(read["categories"][name]["score"]) for name in AIMS}


def _tell(address: str, read: dict[str, dict[str, dict[str, object]]]) -> None:
    """Say on standard error which audits kept a gated score under 1."""
    for name in (name for name, aim in AIMS.items() if aim):
        refs = read["categories"][name]["auditRefs"]
        assert isinstance(refs, list)
        for ref in refs:
            audit = read["audits"][ref["id"]]
            if ref["weight"] and audit["score"] not in (1, None):
                print(f"{address} {name}: {ref['id']}: {audit['title']}", file=sys.stderr)
