"""The first run: six screens from an empty place to a watch, a second person and powers, each recorded."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest

from api.pages.first_run import CHOICES
from tests.api.house import House, Team, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import FormSeen, form, words

PLACE = {"name": "The Quay", "zone": "Europe/London", "currency": "GBP"}
QUOTES = """id,customer,status,sent_at,value,owner
q1,guest-1,sent,2026-11-02T09:00:00.000Z,8000.00,ada
q2,guest-2,sent,2026-11-10T09:00:00.000Z,950.00,ada
"""


async def send(place: House, team: Team, step: str, action: str, data: dict[str, str], **more: object) -> str:
    sent = form((await place.see(f"/start?{step}", team, "owner")).text, action)
    answer = await place.send(sent.action, team, "owner", {**sent.fields, **data}, **more)  # type: ignore[arg-type]
    assert answer.status_code in (200, 303), answer.text
    return answer.headers.get("location") or answer.text


async def test_six_screens_from_an_empty_place_to_a_watch_on_trial(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        owner = team.keys["owner"]
        for step in range(1, 7):
            page = words((await place.see(f"/start?step={step}", team, "owner")).text)
            assert f"Question {step} of 6" in page
            assert [word for word in NEVER_SAID if says(page, word)] == []
        assert await send(place, team, "step=1", "/start/place", PLACE) == "/start?step=2"
        told = (await place.ask("GET", "/api/v1/settings", owner)).json()["items"]
        assert {row["name"]: row["value"] for row in told}.items() >= PLACE.items()
        shown = await send(place, team, "step=2", "/start/second", {"name": "Ines", "role": "outsider"})
        assert "/join/" in shown and "This is shown once." in words(shown)
        powers = (await place.ask("GET", "/api/v1/authorities", owner)).json()["items"]
        second = [row for row in powers if row["second_person"]]
        assert {row["about"] for row in second} == {"action", "award"}
        assert {row["about"] for row in powers if row["member"] == team.members["owner"]} == {
            "action",
            "award",
        }
        watch = "quote_not_followed_up"
        file = {"file": ("quotes.csv", QUOTES.encode(), "text/csv")}
        there = await send(place, team, f"step=4&watch={watch}", "/start/data", {}, files=file)
        assert there == f"/start?step=5&watch={watch}"
        preview = words((await place.see(there, team, "owner")).text)
        assert "would have shown 2 things" in preview and "q2" in preview
        on = await send(place, team, f"step=6&watch={watch}", "/start/on", {"mode": "shadow"})
        assert on == "/decisions"
        (row,) = (await place.ask("GET", "/api/v1/playbooks", owner)).json()["items"]
        assert (row["playbook"], row["mode"]) == (watch, "shadow")
        assert "Nothing needs you." in words((await place.see("/decisions", team, "owner")).text)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "quotes.csv",
            b"id,customer\nq1,guest\n",
            "These columns are missing: status, sent_at, value, owner, changed_at.",
        ),
        ("quotes.xlsx", b"PK\x03\x04", "Save it as CSV"),
        ("quotes.csv", b"", "It has to be rows of text"),
    ],
)
async def test_a_file_that_does_not_fit_is_refused_with_a_sample_beside_it(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        sent = form(
            (await place.see("/start?step=4&watch=quote_not_followed_up", team, "owner")).text, "/start/data"
        )
        file = {"file": (name, content, "text/csv")}
        answer = await place.send(sent.action, team, "owner", sent.fields, files=file)
        assert answer.status_code == 422
        page = words(answer.text)
        assert "This file was not taken, and nothing was changed." in page and said in page
        assert (await place.ask("GET", "/api/v1/playbooks", team.keys["owner"])).json()["items"] == []


@pytest.mark.parametrize("role", ["manager", "staff", "auditor", "outsider"])
async def test_only_an_owner_answers_the_first_questions(tmp_path: Path, role: str) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        assert (await place.see("/start", team, role)).status_code == 403
        assert (await place.send("/start/place", team, role, PLACE)).status_code == 403


async def test_a_place_that_is_not_as_expected_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        before = (await place.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"]
        for change in ({"zone": "Mars/Base"}, {"currency": "XYZQ"}, {"currency": "ABC"}, {"name": ""}):
            answer = await place.send("/start/place", team, "owner", {**PLACE, **change})
            assert answer.status_code == 422 and "nothing was changed" in words(answer.text)
        assert (await place.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"] == before


async def test_rows_that_could_not_be_read_are_said_with_why(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        text = QUOTES + "q3,guest-3,sent,yesterday,100.00,ada\n"
        file = {"file": ("quotes.csv", text.encode(), "text/csv")}
        page = await send(place, team, "step=4&watch=quote_not_followed_up", "/start/data", {}, files=file)
        shown = words(page)
        for said in ("2 rows are new.", "1 row could not be read"):
            assert said in shown
        assert "yesterday" in page
        assert "Go on with what was read" in shown


async def test_a_place_where_nothing_is_watched_says_so_and_leads_to_the_first_watch(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        page = (await place.see("/decisions", team, "owner")).text
        assert "Nothing is watched yet." in words(page) and 'href="/start"' in page
        upload = (await place.see("/sources/upload", team, "owner")).text
        assert "No source takes a file yet." in words(upload) and 'href="/start?step=3"' in upload


@pytest.mark.parametrize(
    ("languages", "zone", "currency"),
    [
        ("en-GB,en;q=0.9", "Europe/London", "GBP"),
        ("de-CH,de;q=0.9", "Europe/Zurich", "CHF"),
        ("de;q=0.9,fr-FR", "Europe/Paris", "EUR"),
        ("en-US", "UTC", "EUR"),  # several zones: nobody can say
        ("", "UTC", "EUR"),
        ("xx-;q=,,--", "UTC", "EUR"),
    ],
)
async def test_zone_and_currency_are_guessed_until_somebody_says(
    tmp_path: Path, languages: str, zone: str, currency: str
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        page = (await place.see("/start", team, "owner", **{"Accept-Language": languages})).text
        assert f" selected>{zone}</option>" in page and f'<option value="{currency}" selected>' in page
        assert "data-guess" in page
        assert "http://localhost" in words(page), "the address that passkeys will belong to"
        await send(place, team, "step=1", "/start/place", PLACE)
        again = (await place.see("/start", team, "owner", **{"Accept-Language": languages})).text
        assert " selected>Europe/London</option>" in again and "data-guess" not in again


async def test_the_sample_is_no_record_of_anything_and_fits_when_filled_in(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        for watch in CHOICES:  # two of them share a source
            page = await place.see(f"/start?step=4&watch={watch}", team, "owner")
            sent = form(page.text, "/start/data")
            (shown,) = re.findall(r"<code>(id,.*?)</code>", page.text, re.DOTALL)
            own = html.unescape(shown)

            async def send_in(text: str, sent: FormSeen = sent) -> httpx.Response:
                file = {"file": ("mine.csv", text.encode(), "text/csv")}
                return await place.send(sent.action, team, "owner", sent.fields, files=file)

            answer = await send_in(own)
            assert answer.status_code == 422 and "This is the sample itself" in words(answer.text)
            taken = await send_in(own.replace("sample-1", "q-7"))
            assert taken.status_code == 303, (watch, words(taken.text))


async def test_what_was_said_of_the_examples_and_who_is_asked_stand_on_the_last_screen(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        last = "/start?step=6&watch=complaint_to_escalate"
        page = await place.see(f"{last}&example0=real&example1=not&example2=not", team, "owner")
        said = words(page.text)
        assert "You called 1 of 3 examples real ones. Begin with a trial" in said
        assert "First asked: Manager. Without an answer after 30 minutes it goes to Ada." in said
        assert "You called" not in words((await place.see(f"{last}&example0=x", team, "owner")).text)


async def test_somebody_who_has_not_come_is_not_asked_and_the_owner_hears_so(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        left = {"reason_code": "left"}
        await place.done(f"/api/v1/members/{team.members['manager']}/leave", team.keys["owner"], left)
        await send(place, team, "step=2", "/start/second", {"name": "Ben", "role": "manager"})
        said = words((await place.see("/start?step=6&watch=complaint_to_escalate", team, "owner")).text)
        assert "First asked: Ada. Ben has not opened the invitation yet and is not asked until then." in said


async def test_without_a_spreadsheet_a_record_is_typed_in_and_the_first_steps_go_on(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        watch = "watch=complaint_to_escalate"
        asked = await send(place, team, f"step=4&{watch}", "/start/by-hand", {})
        assert asked == "/sources/type?into=desk/complaint&first=complaint_to_escalate"
        sent = form((await place.see(asked, team, "owner")).text, "/sources/type")
        typed = {
            "id": "K1", "changed_at": "2026-11-19T09:00", "site": "main", "severity": "high", "status": "open",
            "opened_at": "2026-11-19T09:00", "value": "120",
        }  # fmt: skip
        done = await place.send(sent.action, team, "owner", {**sent.fields, **typed})
        assert done.status_code == 303, words(done.text)
        page = await place.see(done.headers["location"], team, "owner")
        assert "Written down." in words(page.text) and f'href="/start?step=5&amp;{watch}"' in page.text
        said = words((await place.see(f"/start?step=5&{watch}", team, "owner")).text)
        assert "would have shown 1 thing" in said
