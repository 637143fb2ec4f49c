"""The demo as somebody meets it: made by the command line, served on loopback, read in a browser, its proof checked.

The small venue is played for the whole suite by the very commands that README shows.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import httpx
import pytest

from api.app import create_app
from api.pages.app import add_pages
from api.settings import Settings
from playbooks.playbook import load_library
from tests.e2e.browsing import NARROW, PHONE, WIDE, opened_browser, walking
from tests.e2e.played import played_once
from tests.page_words import NEVER_SAID, says
from tests.served import serving
from tools import readme_demo

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 60
SECOND_START_SECONDS_MAX = 25
"""A play takes longer than that, a start a few seconds."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give what the commands of README's first screen made, in a folder of our own, and what they printed."""
    venue, printed = played_once(tmp_path_factory)
    folder = tmp_path_factory.mktemp("demo")
    shutil.copytree(venue, folder / readme_demo.FOLDER)
    return folder, printed


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


def test_second_start_is_quick(made: tuple[Path, str]) -> None:
    """The venue is played once: `run --demo`, begun and ended again and again, serves what is there.

    Stands before the tests that read the pages, because one process serves a data folder at a time.
    """
    folder = made[0] / readme_demo.FOLDER
    before = (folder / "demo.json").read_bytes()
    for _ in range(2):
        begun = time.monotonic()
        with serving(folder, "--demo") as (server, address, said):
            assert httpx.get(f"{address}/readyz").status_code == 200
            assert time.monotonic() - begun < SECOND_START_SECONDS_MAX
            server.terminate()
            assert server.wait(START_SECONDS_MAX) == 0
        assert "Playing" not in said.read_text()
        assert (folder / "demo.json").read_bytes() == before
        assert not (made[0] / f"{readme_demo.FOLDER}.making").exists()


def test_demo_holds_every_ending_and_refusals_that_left_nothing(made: tuple[Path, str]) -> None:
    told = json.loads((made[0] / readme_demo.FOLDER / "demo.json").read_text())
    assert told["log"].endswith(".invalid")
    assert told["left_behind"] == 0
    assert {"missed", "false alarms", "sorted themselves out", "open"} <= set(told["exceptions"])
    assert {"yours for good", "waiting", "questioned"} <= set(told["awards"])
    assert told["now"] == "2026-11-20T16:10:00.000Z"
    assert told["routine"] == {"done": 9, "due": 2, "missed": 1}, "a week of checks and hand-overs by plan"


def test_every_watch_of_the_library_fires_in_the_small_venue(made: tuple[Path, str]) -> None:
    """The seven run in the demo, those on trial too: their firings are counted, and nobody is told."""
    told = json.loads((made[0] / readme_demo.FOLDER / "demo.json").read_text())
    _, playbooks = load_library()
    assert set(told["watches"]) == {one.id for one in playbooks} and len(playbooks) == 7
    assert {name: count for name, count in told["watches"].items() if count < 1} == {}
    assert told["on_trial"] == ["low_stock_before_service", "supplier_renewal"]
    assert "(on trial)" in made[1]


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    """Return the header of the session that an answer opened: a jar keeps a Secure cookie from plain http."""
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def award_of(folder: Path) -> str:
    """Return the address of the page of the award that the demo names."""
    return f"/recognition/{json.loads((folder / 'demo.json').read_text())['story_award']}"


@pytest.fixture(scope="module")
def why(made: tuple[Path, str], url: str) -> tuple[str, dict[str, str]]:
    """Give the address of the story's page, and the session that the first page of a demo opens."""
    return url + award_of(made[0] / readme_demo.FOLDER), cookie_of(httpx.get(url))


def test_page_needs_a_session_and_no_script_of_its_own(why: tuple[str, dict[str, str]], url: str) -> None:
    assert httpx.get(why[0]).headers["location"].startswith("/sign-in?next=/recognition/")
    answer = httpx.get(why[0], headers=why[1])
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "style=" not in answer.text and not re.search(r"<script(?![^>]* src=)", answer.text)
    for name in ("tokens.css", "ui.css", "mark.svg", "vendor/pico-2.1.1.min.css"):
        static = httpx.get(f"{url}/static/{name}")
        assert static.status_code == 200 and static.headers["x-content-type-options"] == "nosniff"


def test_no_session_is_opened_under_another_name(url: str) -> None:
    """A page elsewhere that points its own name at this machine must not read the demo."""
    answer = httpx.get(url, headers={"Host": "harbour.example"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert "set-cookie" not in answer.headers


def test_page_tells_the_story_with_its_refusals(why: tuple[str, dict[str, str]]) -> None:
    text = httpx.get(why[0], headers=why[1]).text
    assert text.count('data-kind="refused"') >= 3
    said = _plain(text)
    places = [said.index(part) for part in ("Noticed: ", "suggested: ", "approved the suggestion", "The guest answered",
              "checks passed", "approved the recognition", "Recognised: ")]  # fmt: skip
    assert places == sorted(places)
    assert "tried to approve their own suggestion" in said
    assert "Theirs for good" in said
    assert "It is for Tue 3 Nov 18:00." in said, (
        "the evening that was covered is not the night it was noticed"
    )


def test_page_says_none_of_the_words_that_stay_inside(why: tuple[str, dict[str, str]]) -> None:
    said = _plain(httpx.get(why[0], headers=why[1]).text)
    found = [word for word in NEVER_SAID if says(said, word)]
    assert found == []


@pytest.mark.parametrize("word", ["case", "Merkle", "E3", "AI"])
def test_word_list_would_be_noticed(word: str) -> None:
    assert says(f"This {word} was here.", word)
    assert not says("Said in a showcase of mails, E31.", word)


# ------------------------------------------------------------------------------------------- a record that was changed
OF_STORY = "case_id = :case"
EDITS: list[tuple[str, str, str | None]] = [
    # an edit in SQL, the kind of the first step it changed, what may not be told any more
    ("UPDATE entry SET canon = CAST(replace(canon, '\"amount\":6', '\"amount\":9') AS BLOB)"
     f" WHERE {OF_STORY} AND kind = 'award_granted'", "award_granted", "9 tokens"),
    ("UPDATE entry SET canon = replace(canon, '\"amount\":6', '\"amount\":9')"
     f" WHERE {OF_STORY} AND kind = 'award_granted'", "award_granted", "9 tokens"),
    ("UPDATE entry SET canon = CAST(replace(canon, 'fixed', 'duplicate') AS BLOB)"
     f" WHERE {OF_STORY} AND kind = 'outcome_recorded'", "outcome_recorded", "the same as another one"),
    (f"UPDATE entry SET canon = x'7b7d' WHERE {OF_STORY} AND kind = 'verdict_given'", "verdict_given", "21 of 21"),
    (f"DELETE FROM entry WHERE {OF_STORY} AND kind = 'link_answered'", "link_answered", "it is solved"),
    ("UPDATE item SET sealed = zeroblob(length(sealed)) WHERE item = (SELECT json_extract(CAST(canon AS TEXT),"
     f" '$.private.text') FROM entry WHERE {OF_STORY} AND kind = 'proposal_made' ORDER BY seq)", "proposal_made",
     "remembered longer"),
]  # fmt: skip


def edited(made: tuple[Path, str], place: Path, edit: str) -> tuple[str, dict[str, int]]:
    """Edit a copy of the demo and give its front page, and kind -> its first step in the story, as it was."""
    data = place / "data"
    shutil.copytree(made[0] / readme_demo.FOLDER, data)
    case = json.loads((data / "demo.json").read_text())["story_case"]
    with sqlite3.connect(data / "tallystick.db") as connection:
        query = "SELECT kind, min(seq) FROM entry WHERE case_id = ? GROUP BY kind"
        first = dict(connection.execute(query, (case,)).fetchall())
        assert connection.execute(edit, {"case": case}).rowcount > 0
    return asyncio.run(_front_page(data)), first


async def _front_page(data: Path) -> str:
    app = create_app(Settings(data_dir=data, clock_file=data / "clock"), extend=add_pages)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        session = cookie_of(await client.get("/"))
        answer = await client.get(award_of(data), headers=session)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize(("edit", "kind", "gone"), EDITS, ids=range(len(EDITS)))
def test_page_vouches_for_nothing_that_was_changed(
    made: tuple[Path, str], tmp_path: Path, edit: str, kind: str, gone: str
) -> None:
    html, first = edited(made, tmp_path, edit)
    said, seq = _plain(html), first[kind]
    assert f"Step {seq} was changed. Everything up to step {seq - 1} is sound." in said
    assert '<p class="note" data-tone="late">' in html
    assert "Complete and sealed" not in said and gone not in said and "Theirs for good" not in said
    assert "Noticed: " in said, "what is before it is told as ever"
    assert [word for word in NEVER_SAID if says(said, word)] == []


IN_ROWS = ["UPDATE award SET amount_tokens = 600 WHERE budget IS NOT NULL", "UPDATE award SET state = 'revoked'",
           "UPDATE member_name SET name = 'Eve'", "UPDATE account SET balance_tokens = balance_tokens + 1"]  # fmt: skip


@pytest.mark.parametrize("edit", IN_ROWS)
def test_page_tells_nothing_from_rows_that_no_entry_vouches_for(
    made: tuple[Path, str], tmp_path: Path, edit: str
) -> None:
    said = _plain(edited(made, tmp_path, edit)[0])
    assert "Complete and sealed." in said
    assert (
        "Theirs for good" in said
        and "6 tokens" in said
        and "Chidi Okafor was thanked for this" in said
        and not says(said, "Eve")
    )


def test_proof_can_be_downloaded_and_checked(why: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    page, session = why
    assert "<code>.venv/bin/tallystick audit award.json</code>" in httpx.get(page, headers=session).text
    answer = httpx.get(f"{page}/proof?values=with", headers=session)
    assert answer.headers["content-disposition"] == "attachment; filename=award.json"
    proof = tmp_path / "award.json"
    proof.write_bytes(answer.content)
    assert _audit(proof) == 3  # consistent with itself; nobody named whom to trust
    proof.write_bytes(answer.content.replace(b'"amount_tokens":6', b'"amount_tokens":9'))
    assert _audit(proof) == 1


def test_a_plain_export_of_it_holds_no_private_values_and_nothing_was_erased(
    made: tuple[Path, str], url: str, tmp_path: Path
) -> None:
    # the running server signs the export, in the demo's own time
    assert (
        _run("--data-dir", str(made[0] / readme_demo.FOLDER), "export", str(tmp_path / "log")).returncode == 0
    )
    audited = _run("audit", str(tmp_path / "log"))
    assert audited.returncode == 3
    assert re.search(r"\d+ verdicts not judged again: the target holds no private values", audited.stdout)
    assert "erased" not in audited.stdout


STICKS_OUT = """[...document.querySelectorAll('.card, .note')].flatMap(box => [...box.querySelectorAll('*')]
    .filter(e => e.getBoundingClientRect().right > box.getBoundingClientRect().right
        - parseFloat(getComputedStyle(box).paddingRight) + 0.5).map(e => e.outerHTML.slice(0, 80)))"""
TEXT_IN_BUTTON = """(() => { const button = document.querySelector('a.btn'), range = document.createRange()
    range.selectNodeContents(button)
    const outer = button.getBoundingClientRect(), text = range.getBoundingClientRect()
    return [text.top - outer.top, outer.bottom - text.bottom] })()"""


def test_page_fits_every_width_in_a_browser(why: tuple[str, dict[str, str]], url: str) -> None:
    """At 320 px nothing sticks out; no console error, which is also how a broken content policy would show."""
    with opened_browser() as browser, walking(browser, url) as walk:
        walk.go("/")
        for width in (NARROW, PHONE, 1024, WIDE):
            for scheme in SCHEMES:
                walk.page.set_viewport_size({"width": width, "height": 800})
                walk.page.emulate_media(color_scheme=scheme)
                walk.go(why[0].removeprefix(url))
                assert walk.page.evaluate("document.documentElement.scrollWidth") == width, (width, scheme)
                targets = "[...document.querySelectorAll('main a.btn, main summary')]"
                heights = walk.page.evaluate(f"{targets}.map(e => e.getBoundingClientRect().height)")
                assert heights and min(heights) >= 44
                assert walk.page.evaluate(STICKS_OUT) == []
                above, below = walk.page.evaluate(TEXT_IN_BUTTON)
                assert abs(above - below) <= 2
                walk.shot(f"story_{scheme}_{width}")


def _plain(html: str) -> str:
    """Return the words of a page without its exact records, styles and tags."""
    body = html[html.index("<main") :]
    body = re.sub(r"<details.*?</details>|<code>.*?</code>", " ", body, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def _audit(proof: Path) -> int:
    return _run("audit", str(proof)).returncode


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from api.cli import main; main()", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, check=False, text=True, timeout=120
    )
