"""What we watch: everybody reads, an owner switches, and other numbers are tried before they are saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.house import House, Team, house
from tests.api.test_previews import MAPPING, WATCH, quotes
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words

PAGES = (
    "/watch",
    f"/watch/{WATCH}",
    "/watch/low_stock_before_service",
    "/watch/supplier_renewal",
    "/sources",
)


async def with_quotes(place: House, on: bool = True) -> Team:
    """An organisation whose watch over quotes was started on trial through its page, and whose quotes came in."""
    team = await place.organisation("The Quay")
    if on:
        sent = form((await place.see(f"/watch/{WATCH}", team, "owner")).text, "/switch")
        done = await place.send(sent.action, team, "owner", {**sent.fields, "to": "trial"})
        assert done.headers["location"] == f"/watch/{WATCH}?said=trial"
        await place.done("/api/v1/sources", team.keys["owner"], {"source": "crm", "kinds": ["quote"]})
        body = {"name": "quotes.csv", "mapping": MAPPING, "content": quotes()}
        await place.done("/api/v1/sources/crm/imports", team.keys["owner"], body)
    return team


async def mode_of(place: House, team: Team) -> Any:
    """Return how the watch runs, None when it is not published."""
    told = (await place.ask("GET", "/api/v1/playbooks", team.keys["owner"])).json()["items"]
    return next((one["mode"] for one in told if one["playbook"] == WATCH), None)


async def test_a_watch_not_used_yet_is_shown_and_a_trial_brings_what_it_needs(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place, on=False)
        said = words((await place.see("/watch", team, "owner")).text)
        assert "Nothing is watched yet." in said and "Quotes nobody followed up" in said
        page = (await place.see(f"/watch/{WATCH}", team, "owner")).text
        assert "Not used yet." in words(page) and "There are no records of this sort here yet" in words(page)
        sent = form(page, "/switch")
        for _ in range(2):  # pressed twice, it is there once
            done = await place.send(sent.action, team, "owner", {**sent.fields, "to": "trial"})
            assert done.headers["location"] == f"/watch/{WATCH}?said=trial"
        assert await mode_of(place, team) == "shadow"
        after = words((await place.see(done.headers["location"], team, "owner")).text)
        assert "On trial for 14 more days. It would have shown 0 things. Nobody was told." in after
        assert "It counts what it sees and tells nobody." in after


async def test_every_page_can_be_read_in_every_role_and_says_no_inside_word(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        for role in ("owner", "manager", "staff"):
            for path in PAGES:
                page = await place.see(path, team, role)
                assert page.status_code == 200, (role, path, page.text[:300])
                said = words(page.text)
                assert [word for word in NEVER_SAID if says(said, word)] == [], (role, path)
        assert "of the last" not in words((await place.see("/watch", team, "staff")).text)
        one = words((await place.see(f"/watch/{WATCH}", team, "staff")).text)
        assert "On the last 90 days this would have shown" in one and "has had no follow-up" in one
        assert "An owner switches it on and off." in one and "Start a trial" not in one


@pytest.mark.parametrize("role", ["manager", "staff", "auditor"])
async def test_only_an_owner_switches(tmp_path: Path, role: str) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        for path, fields in (
            (f"/watch/{WATCH}/switch", {"to": "on"}),
            (f"/watch/{WATCH}/numbers", {"n0": "9"}),
        ):
            answer = await place.send(path, team, role, {"key": "k", **fields})
            assert answer.status_code == 403
        assert await mode_of(place, team) == "shadow"


@pytest.mark.parametrize(("to", "mode"), [("on", "live"), ("off", "retired"), ("trial", "shadow")])
async def test_an_owner_switches(tmp_path: Path, to: str, mode: str) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        sent = form((await place.see(f"/watch/{WATCH}", team, "owner")).text, "/switch")
        await place.send(sent.action, team, "owner", {**sent.fields, "to": to})
        assert await mode_of(place, team) == mode


async def test_an_unknown_state_or_watch_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        answer = await place.send(f"/watch/{WATCH}/switch", team, "owner", {"key": "k", "to": "loud"})
        assert answer.status_code == 422 and "nothing was changed" in words(answer.text)
        assert (await place.see("/watch/no_such_watch", team, "owner")).status_code == 404


async def test_other_numbers_are_tried_first_and_saved_once(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        tried = await place.see(f"/watch/{WATCH}/numbers?n0=40&u0=h&n1=2&u1=h", team, "owner")
        said = words(tried.text)
        assert "16 hours becomes 40 hours" in said and "11 vanish, 0 appear" in said, said
        assert "Nothing is changed yet." in said and "guest-" in said
        sent = form(tried.text, "/numbers")
        for _ in range(2):
            done = await place.send(sent.action, team, "owner", sent.fields)
            assert done.headers["location"] == f"/watch/{WATCH}?said=changed", done.text[:2000]
        assert "It waits 40 hours for an answer" in words(
            (await place.see(f"/watch/{WATCH}", team, "owner")).text
        )
        assert await mode_of(place, team) == "shadow"
        stale = {**sent.fields, "key": "other", "n0": "50"}
        answer = await place.send(sent.action, team, "owner", stale)
        assert answer.status_code == 409 and "This changed while you were reading." in words(answer.text)


@pytest.mark.parametrize("query", ["n0=0", "n0=x", "n0=5&u0=d", "n0=9999999"])
async def test_numbers_out_of_range_are_refused(tmp_path: Path, query: str) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        answer = await place.see(f"/watch/{WATCH}/numbers?{query}", team, "owner")
        assert answer.status_code == 422


async def test_a_silent_source_makes_the_watch_blind_and_is_said_to_be_silent(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        assert "Cannot see" not in words((await place.see("/watch", team, "owner")).text)
        assert "Heard of" in words((await place.see("/sources", team, "owner")).text)
        place.wait(2 * 3_600 + 1)  # the watch needs its source within two hours
        said = words((await place.see(f"/watch/{WATCH}", team, "owner")).text)
        assert "It cannot see since 10:00 (Crm silent)." in said
        assert "Silent 10:00 at least every 2 hours" in words(
            (await place.see("/sources", team, "owner")).text
        )


async def test_lists_come_as_spreadsheets(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        for path in ("/watch?as=csv", "/sources?as=csv"):
            answer = await place.see(path, team, "staff")
            assert answer.headers["content-type"].startswith("text/csv")
            assert len(answer.text.splitlines()) >= 2
