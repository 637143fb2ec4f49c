"""The demo as somebody meets it: made by the command line, served on loopback, read in a browser, its proof checked.

One small venue is played for all tests here, by the very commands that README shows.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tools import readme_demo

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 60
SCREENS = ROOT / "build" / "screens"
CHROMIUM_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

# The right column of the words of the pages: what a page never says outside "Exact record".
NEVER_SAID = (
    "case", "alert", "incident", "ticket", "playbook", "rule", "signal", "CEL", "shadow", "back-test",
    "backtest", "value at risk", "E0", "E1", "E2", "E3", "E4", "grade", "verdict", "insufficient",
    "forgery", "provisional", "settled", "revoked", "log", "entry", "seq", "hash", "chain", "checkpoint",
    "anchored", "blockchain", "transaction", "Merkle", "root", "consistency proof", "UNKNOWN", "stale",
    "watermark", "quarantine", "suppressed", "inhibited", "silenced", "CLEARED", "auto-resolved", "EXPIRED",
    "breached", "delegation", "authority grant", "Kaplan-Meier", "confidence interval", "attention budget",
    "agent", "bot", "AI", "model output", "successfully", "please note", "oops",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the commands of README's first screen; give the folder they ran in and what they printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, readme_demo.first_screen(folder)


@pytest.fixture(scope="module")
def url(made: tuple[Path, str]) -> Iterator[str]:
    """Serve the demo as `make run` does, and give its address."""
    code = "from api.cli import main; main()"
    data = made[0] / readme_demo.FOLDER
    command = [sys.executable, "-c", code, "--data-dir", str(data), "run", "--demo", "--port", "0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            said = [server.stdout.readline().strip() for _ in range(4)]
            assert said[0] == "Ready.", said
            assert re.fullmatch(
                r"The Harbour House, Fri 20 Nov 16:10: [\d,]+ steps recorded, 31 people, .+", said[1]
            )
            assert re.fullmatch(r"http://localhost:\d+", said[2])
            assert said[3].startswith("Try first: ")
            yield said[2]
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(START_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                server.kill()


def test_readme_shows_what_the_demo_prints(made: tuple[Path, str]) -> None:
    """Root included: same seed, same date and same version give the same record, in another process and folder."""
    assert readme_demo.printed() == made[1], "renew it with `.venv/bin/python tools/readme_demo.py`"


def test_demo_holds_every_ending_and_refusals_that_left_nothing(made: tuple[Path, str]) -> None:
    told = json.loads((made[0] / readme_demo.FOLDER / "demo.json").read_text())
    assert told["log"].endswith(".invalid")
    assert told["left_behind"] == 0
    assert {"missed", "false alarms", "sorted themselves out", "open"} <= set(told["exceptions"])
    assert {"yours for good", "waiting", "questioned"} <= set(told["awards"])
    assert told["now"] == "2026-11-20T16:10:00.000Z"


def test_page_needs_no_key_and_no_script(url: str) -> None:
    answer = httpx.get(url)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'none'")
    assert "<script" not in answer.text and "style=" not in answer.text
    for name in ("tokens.css", "ui.css", "mark.svg", "vendor/pico-2.1.1.min.css"):
        static = httpx.get(f"{url}/static/{name}")
        assert static.status_code == 200 and static.headers["x-content-type-options"] == "nosniff"


def test_page_is_unknown_under_another_name(url: str) -> None:
    """A page elsewhere that points its own name at this machine must not read the demo."""
    for path in ("/", "/demo/award.json"):
        answer = httpx.get(url + path, headers={"Host": "harbour.example"})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_page_tells_the_story_with_its_refusals(url: str) -> None:
    text = httpx.get(url).text
    assert text.count('data-kind="refused"') >= 3
    said = _plain(text)
    places = [said.index(part) for part in ("Noticed: ", "suggested: ", "approved the suggestion", "The guest answered",
              "checks passed", "approved the recognition", "Recognised: ")]  # fmt: skip
    assert places == sorted(places)
    assert "tried to approve their own suggestion" in said
    assert "Yours for good" in said


def test_page_says_none_of_the_words_that_stay_inside(url: str) -> None:
    said = _plain(httpx.get(url).text)
    found = [word for word in NEVER_SAID if _says(said, word)]
    assert found == []


@pytest.mark.parametrize("word", ["case", "Merkle", "E3", "AI"])
def test_word_list_would_be_noticed(word: str) -> None:
    assert _says(f"This {word} was here.", word)
    assert not _says("Said in a showcase of mails, E31.", word)


def test_proof_can_be_downloaded_and_checked(url: str, tmp_path: Path) -> None:
    answer = httpx.get(f"{url}/demo/award.json")
    assert answer.headers["content-disposition"] == "attachment; filename=award.json"
    proof = tmp_path / "award.json"
    proof.write_bytes(answer.content)
    assert _audit(proof) == 3  # consistent with itself; nobody named whom to trust
    proof.write_bytes(answer.content.replace(b'"amount_tokens":6', b'"amount_tokens":9'))
    assert _audit(proof) == 1


def test_page_fits_every_width_in_a_browser(url: str) -> None:
    """At 320 px nothing sticks out; no console error, which is also how a broken content policy would show."""
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser_path is None:
        reason = "browser: expected chromium on this machine, got none (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    sync_api = pytest.importorskip("playwright.sync_api")
    SCREENS.mkdir(parents=True, exist_ok=True)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(CHROMIUM_ARGS))
        for width in (320, 360, 1280):
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
                page = context.new_page()
                errors: list[str] = []
                page.on("console", lambda message, errors=errors: errors.append(message.text))
                page.goto(url)
                page.wait_for_load_state("networkidle")
                assert page.evaluate("document.documentElement.scrollWidth") == width, (width, scheme)
                assert errors == []
                targets = "[...document.querySelectorAll('a.btn,summary')]"
                heights = page.evaluate(f"{targets}.map(e => e.getBoundingClientRect().height)")
                assert heights and min(heights) >= 44
                page.screenshot(path=SCREENS / f"story_{scheme}_{width}.png", full_page=True)
                context.close()
        browser.close()


def test_second_start_is_quick(made: tuple[Path, str], url: str) -> None:
    """The venue is played once: what serves it now was ready without playing."""
    begun = time.monotonic()
    assert httpx.get(f"{url}/readyz").status_code == 200
    assert time.monotonic() - begun < START_SECONDS_MAX
    assert not (made[0] / f"{readme_demo.FOLDER}.making").exists()


def _plain(html: str) -> str:
    """Return the words of a page without its exact records, styles and tags."""
    body = html[html.index("<body") :]
    body = re.sub(r"<details.*?</details>|<code>.*?</code>", " ", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def _says(text: str, word: str) -> bool:
    flags = 0 if word.isupper() else re.IGNORECASE
    return re.search(rf"(?<![\w-]){re.escape(word)}s?(?![\w-])", text, flags) is not None


def _audit(proof: Path) -> int:
    command = [sys.executable, "-c", "from api.cli import main; main()", "audit", str(proof)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, check=False, timeout=120
    ).returncode
