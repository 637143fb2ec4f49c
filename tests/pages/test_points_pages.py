"""Check-in points on pages: set up, printed, shown on a screen, scanned, tapped, doubted, ended; and why not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.acts import DEVICE_COOKIE
from tests.api import test_work
from tests.api.house import House, Team, house
from tests.api.test_work import MINUTE, case_of, planned
from tests.casework.tags import Tag
from tests.pages.reading import words
from tests.pages.test_planned import hidden

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAG = Tag("04de5f1eacc041", "5a" * 16, "6b" * 16)
KEYS = {"uid": "04:DE:5F:1E:AC:C0:41", "meta_key": "5A" * 16, "file_key": "6b" * 16}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The started product with its pages."""
    async with house(tmp_path_factory.mktemp("house"), pages=True) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours(at: House) -> Team:
    team = await at.organisation("Harbour House")
    await planned(at, team)
    return team


async def next_case(at: House, team: Team) -> str:
    """Wait for the next planned check; who was signed in before is so anew, since half a day has passed."""
    case = await test_work.next_case(at, team)
    at.cookies.clear()
    return case


async def set_up(at: House, team: Team, role: str = "manager", **fields: str) -> Any:
    page = (await at.see("/points", team, role)).text
    return await at.send("/points", team, role, hidden(page, "/points") | fields)


async def point_of(at: House, team: Team, method: str, place: str = "cold-room") -> str:
    """Return the point of this sort in use at a place, set up through the page where there is none."""
    for _ in range(2):
        found = (await at.ask("GET", "/api/v1/points", team.keys["owner"])).json()["items"]
        for one in found:
            if (one["method"], one["place"]) == (method, place) and one["state"] != "ended":
                return str(one["point"])
        tag = KEYS if method == "nfc" else {}
        done = await set_up(at, team, place=place, method=method, label=f"By {method}", **tag)
        assert done.status_code == 303, words(done.text)
    raise AssertionError("the point was not set up")


async def test_a_tag_is_set_up_and_its_keys_are_shown_nobody(at: House, ours: Team) -> None:
    page = (await at.see("/points", ours, "manager")).text
    assert "No point is set up." in page and 'value="cold-room"' in page
    assert "Set one up" not in (await at.see("/points", ours, "staff")).text
    await point_of(at, ours, "nfc")
    page = (await at.see("/points?said=set-up", ours, "manager")).text
    assert "From now on people can check in there." in page and "By nfc" in page
    for secret in (KEYS["meta_key"], KEYS["file_key"], TAG.uid):
        assert secret.lower() not in page.lower()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"place": "", "method": "screen"}, "Name a place, in at most 200 signs"),
        ({"place": "bar", "method": "bell"}, "Choose one of the three."),
        ({"place": "bar", "method": "nfc"}, "14 signs, 0 to 9 and a to f"),
        ({"place": "bar", "method": "nfc", **KEYS}, "of a tag that has no other place"),
        ({"place": "bar", "method": "nfc", "uid": "04" * 7, "meta_key": "5a"}, "32 signs, 0 to 9 and a to f"),
        ({"place": "bar", "method": "screen", "uid": "04" * 7}, "only a tag has them"),
        ({"place": "bar", "method": "screen", "label": "x" * 81}, "At most 80 signs."),
    ],
)
async def test_what_does_not_fit_is_said_at_its_field(
    at: House, ours: Team, fields: dict[str, str], said: str
) -> None:
    await point_of(at, ours, "nfc")
    answer = await set_up(at, ours, **fields)
    assert answer.status_code == 422 and said in words(answer.text), words(answer.text)
    assert 'aria-invalid="true"' in answer.text
    if fields.get("meta_key"):
        assert f'value="{fields["meta_key"]}"' not in answer.text


async def test_staff_set_no_point_up_and_end_none(at: House, ours: Team) -> None:
    point = await point_of(at, ours, "nfc")
    sent = {"place": "bar", "method": "screen", "key": "k"}
    for path, data in (("/points", sent), (f"/points/{point}/end", {"reason_code": "lost", "key": "k"})):
        answer = await at.send(path, ours, "staff", data)
        assert answer.status_code == 403 and "not part of your role here" in answer.text
    assert (await at.see(f"/points/{point}/sheet", ours, "staff")).status_code == 403


async def arrived(at: House, team: Team, path: str, role: str = "staff") -> Any:
    """Press "I am here" of the first check that is due there."""
    page = (await at.see(path, team, role)).text
    return await at.send(f"{path}/check-in", team, role, hidden(page, f"{path}/check-in"))


async def test_a_tap_leads_to_the_check_and_counts_once(at: House, ours: Team) -> None:
    await point_of(at, ours, "nfc")
    picc, cmac = TAG.tapped(1)
    path = f"/tap/{picc}/{cmac}"
    assert "Nothing is due here now." in (await at.see(path, ours, "staff")).text
    case = await next_case(at, ours)
    at.wait(20 * MINUTE)
    size = (await at.ask("GET", "/api/v1/log", ours.keys["owner"])).json()["size"]
    page = words((await at.see(path, ours, "staff")).text)
    assert "I am here: write it down" in page and "Fridge temperature, cold room" in page
    assert (await at.ask("GET", "/api/v1/log", ours.keys["owner"])).json()["size"] == size, "looking wrote"
    done = await arrived(at, ours, path)
    assert done.status_code == 303, words(done.text)
    assert done.headers["location"] == f"/exceptions/{case}?said=checked-in&do=check"
    shown = (await at.see(done.headers["location"], ours, "staff")).text
    assert "You are checked in." in shown and "Write down what you find" in shown
    again = await at.see(path, ours, "staff")
    assert again.status_code == 409 and "This tap was used already." in words(again.text)
    to = f"/exceptions/{case}/work/reading"
    assert (await at.send(to, ours, "staff", hidden(shown, to) | {"value": "3.1"})).status_code == 303
    await at.tick()
    (verdict,) = (await case_of(at, ours, case))["verdicts"]
    assert verdict["result"] == "pass"


async def test_a_code_on_paper_is_printed_and_scanned(at: House, ours: Team) -> None:
    point = await point_of(at, ours, "printed")
    sheet = (await at.see(f"/points/{point}/sheet", ours, "owner")).text
    found = re.search(r"<code>http://localhost(/here/[A-Za-z0-9_-]+)</code>", sheet)
    assert found and 'class="qr"' in sheet
    case = await next_case(at, ours)
    at.wait(20 * MINUTE)
    done = await arrived(at, ours, found[1])
    assert done.headers["location"].startswith(f"/exceptions/{case}?"), words(done.text)
    # who wrote it down first and scans then, has the way to say so still; a second check-in is not asked for
    assert "I am here: write it down" in words((await at.see(found[1], ours, "manager")).text)
    await at.done(f"/api/v1/cases/{case}/work/reading", ours.keys["staff"], {"value": 30})
    assert "Nothing is due here now." in (await at.see(found[1], ours, "staff")).text
    assert "Nothing is due here now." in (await at.see(found[1], ours, "manager")).text
    answer = await at.client.get(found[1])
    assert answer.status_code == 303 and answer.headers["location"] == f"/sign-in?next={found[1]}"
    assert (await at.see(found[1], ours, "auditor")).status_code == 403


async def test_who_wrote_it_down_first_checks_in_after(at: House, ours: Team) -> None:
    await point_of(at, ours, "nfc")
    case = await next_case(at, ours)
    at.wait(20 * MINUTE)
    await at.done(f"/api/v1/cases/{case}/work/reading", ours.keys["staff"], {"value": 31})
    picc, cmac = TAG.tapped(20)
    path = f"/tap/{picc}/{cmac}"
    page = words((await at.see(path, ours, "staff")).text)
    assert "You wrote it down a moment ago; what is missing is that you were here." in page
    assert "Nothing is due here now." in (await at.see(path, ours, "manager")).text
    assert (await arrived(at, ours, path)).status_code == 303
    at.wait(11 * MINUTE)


async def test_a_screen_shows_a_code_that_goes_stale(at: House, ours: Team) -> None:
    point = await point_of(at, ours, "screen")
    shared = await at.done("/api/v1/devices", ours.keys["owner"], {"label": "Screen at the bar"})
    device = {"Cookie": f"{DEVICE_COOKIE}={shared['token']}"}
    names = (await at.client.get("/here", headers=device)).text
    assert f'href="/here/screen/{point}"' in names
    shown = await at.client.get(f"/here/screen/{point}", headers=device)
    assert shown.status_code == 200 and shown.headers["refresh"] == "20" and 'class="qr"' in shown.text
    assert (await at.client.get(f"/here/screen/{point}")).status_code == 303, "only a device that is shared"
    paper = await point_of(at, ours, "printed")
    assert (await at.client.get(f"/here/screen/{paper}", headers=device)).status_code == 404
    told = await at.ask(
        "GET", f"/api/v1/devices/here/code?point={point}", headers={"X-Device-Token": shared["token"]}
    )
    path = told.json()["path"]
    await next_case(at, ours)
    stale = await at.see(path, ours, "staff")
    assert stale.status_code == 409 and "This code is too old." in words(stale.text)
    assert "scan it again" in words(stale.text)
    made_up = await at.see("/here/" + "A" * 60, ours, "staff")
    assert made_up.status_code == 403 and "This was not made here" in words(made_up.text)


async def test_a_doubt_is_told_to_leads_and_an_end_is_an_end(at: House, ours: Team) -> None:
    point = await point_of(at, ours, "printed")
    sheet = (await at.see(f"/points/{point}/sheet", ours, "owner")).text
    found = re.search(r"<code>http://localhost(/here/[A-Za-z0-9_-]+)</code>", sheet)
    assert found
    sent = {"note": "It hangs in the bar now", "key": "d1"}
    told = await at.send(f"/points/{point}/doubt", ours, "staff", sent)
    assert told.headers["location"] == "/points?said=doubted"
    assert "It hangs in the bar now" in (await at.see("/points", ours, "manager")).text
    assert "It hangs in the bar now" not in (await at.see("/points", ours, "staff")).text
    assert "counts for little" in (await at.see(found[1], ours, "staff")).text
    nothing = await at.send(f"/points/{point}/end", ours, "manager", {"reason_code": "bored", "key": "e0"})
    assert nothing.status_code == 422 and "Choose one of the reasons." in nothing.text
    ended = await at.send(f"/points/{point}/end", ours, "manager", {"reason_code": "moved", "key": "e1"})
    assert ended.status_code == 303
    page = words((await at.see("/points", ours, "manager")).text)
    assert "1 point has ended" in page
    gone = await at.see(found[1], ours, "staff")
    assert gone.status_code == 404 and "Nobody checks in at this place any more" in words(gone.text)
