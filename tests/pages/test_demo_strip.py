"""The demo's own pages: there for demo logs on loopback and nowhere else; what is tried there is refused, what is moved
moves by its hours, what is damaged is a copy."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.pages.app import add_pages
from api.settings import Settings
from api.venue.attempts import AFTER_YES, AGAIN, HELPER, OWN, TWICE
from api.venue.hours import NotAhead, is_moment, next_moment_ms
from ledger.clock import instant_of
from tests.e2e.conftest import venue as venue
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words

PAGES = ("/demo/cheat", "/demo/jump", "/demo/damage")
FORMS = (*PAGES, "/demo/as")
ROOT = Path(__file__).resolve().parents[2]
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Played:
    """The venue's server, a browser on it that looks as its owner, and its folder."""

    app: FastAPI
    client: httpx.AsyncClient
    folder: Path

    @property
    def clock(self) -> str:
        return (self.folder / "clock").read_text().strip()

    async def size(self) -> int:
        installation = self.app.state.installation
        rooms = await installation.rooms((await installation.logs())[0])
        return int((await rooms.reader.head()).size)

    async def look_as(self, role: str) -> None:
        answer = await self.client.post("/demo/as", data={"role": role}, headers=SAME_ORIGIN)
        token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
        self.client.headers["Cookie"] = f"__Host-session={token}"

    async def press(self, path: str) -> httpx.Response:
        """Open a page and press its button."""
        page = await self.client.get(path)
        assert page.status_code == 200, page.text[:300]
        return await self.send(path, form(page.text, path).fields)

    async def send(self, path: str, data: dict[str, str]) -> httpx.Response:
        return await self.client.post(path, data=data, headers=SAME_ORIGIN)


@asynccontextmanager
async def playing(folder: Path, **settings: Any) -> AsyncIterator[Played]:
    chosen = {"clock_file": folder / "clock", **settings}
    made = Settings(data_dir=folder, worker_inside=False, **chosen).in_one_folder()
    app = create_app(made, extend=add_pages)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield Played(app, client, folder)


@pytest.fixture
def folder(venue: Path, tmp_path: Path) -> Path:
    """Return a copy of the small venue that a test may write into."""
    return Path(shutil.copytree(venue, tmp_path / "demo"))


@pytest.fixture
async def at(folder: Path) -> AsyncIterator[Played]:
    async with playing(folder) as played:
        await played.look_as("owner")
        yield played


# ---------------------------------------------------------------------------------------------- where it is not
async def refused_everywhere(played: Played, host: str) -> None:
    for path in PAGES:
        assert (await played.client.get(path, headers={"Host": host})).status_code == 404, path
    for path in FORMS:
        headers = {"Host": host, **SAME_ORIGIN}
        data = {"role": "owner", "until": "2026-11-21T19:30:00.000Z"}
        assert (await played.client.post(path, data=data, headers=headers)).status_code == 404, path


async def test_a_foreign_name_finds_no_demo_even_for_somebody_who_is_signed_in(at: Played) -> None:
    size = await at.size()
    await refused_everywhere(at, "harbour.example")
    del at.client.headers["Cookie"]
    await refused_everywhere(at, "harbour.example")
    assert await at.size() == size


@pytest.mark.parametrize("case", ["not on loopback", "a log that is no demo", "another log", "no demo.json"])
async def test_no_demo_anywhere_else(folder: Path, case: str) -> None:
    told = orjson.loads((folder / "demo.json").read_bytes())
    settings: dict[str, Any] = {}
    if case == "not on loopback":
        settings["host"] = "0.0.0.0"
    elif case == "no demo.json":
        (folder / "demo.json").unlink()
    else:
        named = "the-quay-1" if case == "a log that is no demo" else "the-quay-1.invalid"
        (folder / "demo.json").write_bytes(orjson.dumps({**told, "log": named}))
    async with playing(folder, **settings) as played:
        await refused_everywhere(played, "localhost")


async def test_the_strip_is_there_only_in_the_demo(at: Played) -> None:
    there = (await at.client.get("/me")).text
    assert 'class="demo"' in there and 'href="/demo/cheat"' in there
    assert 'class="demo"' not in (await at.client.get("/me", headers={"Host": "harbour.example"})).text


async def test_whoever_is_not_signed_in_is_asked_who_they_are(at: Played) -> None:
    del at.client.headers["Cookie"]
    assert (await at.client.get("/demo/cheat")).headers["location"] == "/sign-in?next=/demo/cheat"


async def test_without_the_demos_own_clock_nothing_moves_it(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "clock"
    other.write_text((folder / "clock").read_text())
    async with playing(folder, clock_file=other) as played:
        await played.look_as("owner")
        assert "/demo/jump" not in (await played.client.get("/me")).text
        assert (await played.client.get("/demo/jump")).status_code == 404


# ---------------------------------------------------------------------------------------------- try to cheat
@pytest.mark.parametrize("role", ["owner", "manager", "staff", "auditor"])
async def test_five_attempts_are_refused_and_leave_nothing(at: Played, role: str) -> None:
    await at.look_as(role)
    before = await at.size()
    page = await at.press("/demo/cheat")
    said = words(page.text)
    assert page.status_code == 200 and "5 attempts were refused. None of them left anything behind." in said
    assert page.text.count('<li data-kind="refused">') == 5 and said.count("Nothing was changed.") == 5
    written = await at.size() - before
    assert f"{written} steps were written on purpose" in said and written == 6
    tokens = re.search(r"Tokens people hold (\d+) (\d+) before", said)
    assert tokens and tokens[1] == tokens[2] != "0"
    assert not [word for word in NEVER_SAID if says(said, word)]


async def test_each_attempt_is_refused_for_its_own_reason(at: Played) -> None:
    page = await at.press("/demo/cheat")
    found = re.findall(r"<dt>refused because</dt><dd><code>(\w+)</code>", page.text)
    wanted = {
        OWN: "decider_is_maker", AGAIN: "evidence_reused", TWICE: "nonce_replayed", AFTER_YES: "stale",
        HELPER: "agent_may_not",
    }  # fmt: skip
    assert found == list(wanted.values())


async def test_the_refusals_stand_in_the_story_of_the_exception_made_for_it(at: Played) -> None:
    page = await at.press("/demo/cheat")
    path = re.search(r'href="(/exceptions/[0-9a-f-]+)">Read its story', page.text)
    assert path
    await at.look_as("auditor")
    story = (await at.client.get(path[1])).text
    assert story.count('data-kind="refused"') == 5


async def test_the_same_form_sent_twice_plays_once(at: Played) -> None:
    fields = form((await at.client.get("/demo/cheat")).text, "/demo/cheat").fields
    assert (await at.send("/demo/cheat", fields)).status_code == 200
    size = await at.size()
    again = await at.send("/demo/cheat", fields)
    assert again.status_code == 409 and "this was sent before" in words(again.text)
    assert await at.size() == size


# ---------------------------------------------------------------------------------------------- jump
async def test_the_jump_runs_the_hours_and_says_what_came_due(at: Played) -> None:
    size = await at.size()
    gone = await at.press("/demo/jump")
    assert (gone.status_code, gone.headers["location"]) == (303, f"/demo/jump?since={size}")
    assert at.clock == "2026-11-21T19:30:00.000Z"
    token = gone.headers["set-cookie"].partition("=")[2].partition(";")[0]
    at.client.headers["Cookie"] = f"__Host-session={token}"  # the old one ended with its shift
    page = await at.client.get(gone.headers["location"])
    said = words(page.text)
    assert "It is Sat 21 Nov 19:30" in said and "3 recognitions are theirs now." in said
    assert not [word for word in NEVER_SAID if says(said, word)]
    told = orjson.loads((at.folder / "demo.json").read_bytes())
    assert (told["now"], told["steps"]) == (at.clock, await at.size())


async def test_the_same_jump_sent_twice_moves_the_clock_once(at: Played) -> None:
    fields = form((await at.client.get("/demo/jump")).text, "/demo/jump").fields
    await at.send("/demo/jump", fields)
    await at.look_as("owner")
    assert (await at.send("/demo/jump", fields)).status_code == 303
    assert at.clock == "2026-11-21T19:30:00.000Z"


@pytest.mark.parametrize("until", ["2027-11-21T19:30:00.000Z", "tomorrow", "9"])
async def test_the_clock_moves_nowhere_else(at: Played, until: str) -> None:
    before = at.clock
    answer = await at.send("/demo/jump", {"until": until})
    assert answer.status_code == 422 and at.clock == before


@pytest.mark.parametrize(
    ("now", "text", "then"),
    [
        ("2026-11-20T16:10:00.000Z", "sat 19:30", "2026-11-21T19:30:00.000Z"),
        ("2026-11-20T16:10:00.000Z", "Friday 16:11", "2026-11-20T16:11:00.000Z"),
        ("2026-11-20T16:10:00.000Z", "fri 16:10", "2026-11-27T16:10:00.000Z"),
        ("2026-11-21T19:30:00.000Z", "sat 19:30", "2026-11-28T19:30:00.000Z"),
        (
            "2026-10-24T20:00:00.000Z",
            "sun 19:30",
            "2026-10-25T19:30:00.000Z",
        ),  # the clocks go back that night
        ("2026-07-03T16:10:00.000Z", "sat 19:30", "2026-07-04T18:30:00.000Z"),
    ],
)
def test_a_moment_of_the_week_is_the_next_one_at_the_venue(now: str, text: str, then: str) -> None:
    assert instant_of(next_moment_ms(now, text)) == then


@pytest.mark.parametrize("text", ["", "sat", "19:30", "sat 24:00", "sat 9:30", "2026-11-20", "xyz 19:30"])
def test_other_texts_are_no_moment(text: str) -> None:
    assert not is_moment(text)
    with pytest.raises(NotAhead):
        next_moment_ms("2026-11-20T16:10:00.000Z", text)


def tallystick(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_line_moves_a_demo_on_that_is_there(folder: Path, tmp_path: Path) -> None:
    moved = tallystick("demo", "--at", "sat 19:30", "--folder", str(folder))
    assert moved.returncode == 0, moved.stderr
    assert "from Fri 20 Nov 16:10 to Sat 21 Nov 19:30: 13 steps recorded" in moved.stdout
    assert (folder / "clock").read_text() == "2026-11-21T19:30:00.000Z\n"
    missing = tallystick("demo", "--at", "sat 19:30", "--folder", str(tmp_path / "nowhere"))
    assert (
        missing.returncode == 2
        and "expected a demo" in missing.stderr
        and not (tmp_path / "nowhere").exists()
    )


# ---------------------------------------------------------------------------------------------- damage
async def test_a_damaged_copy_is_found_out_and_the_record_is_untouched(at: Played) -> None:
    before = await at.size()
    page = await at.press("/demo/damage")
    said = words(page.text)
    found = re.search(r"Step (\d+) was changed\. Up to (\d+) is sound\.", said)
    assert found and int(found[2]) == int(found[1]) - 1
    assert f"In the copy, step {found[1]} is dated" in said
    assert "It does not match what was sealed Fri 20 Nov 16:10." in said
    assert "Looked at alone, this copy seems whole" in said
    assert f"The real record is untouched. All {before} steps have the same seal before and after." in said
    assert await at.size() == before
    assert not [word for word in NEVER_SAID if says(said, word)]
    assert not list(Path(tempfile.gettempdir()).glob("tallystick-copy-*"))


async def test_a_demo_whose_story_was_never_sealed_says_so(at: Played) -> None:
    told = orjson.loads((at.folder / "demo.json").read_bytes())
    (at.folder / "demo.json").write_bytes(orjson.dumps({**told, "story_case": "0" * 8}))
    page = await at.press("/demo/damage")
    assert page.status_code == 409 and "There is no copy that could be damaged here." in words(page.text)
