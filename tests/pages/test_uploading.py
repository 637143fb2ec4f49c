"""A spreadsheet through the page: taken once, refused by row or whole, never half."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from playbooks.tables import record_version
from tests.api.house import House, Team, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words
from tests.pages.test_watch import with_quotes

HEAD = "id,customer,status,sent_at,value,owner\n"
GOOD = HEAD + "A1,guest-1,sent,2026-11-19T10:00,100.00,Ana\nA2,guest-2,sent,2026-11-19T11:00,9.50,Ana\n"


async def send(
    place: House, team: Team, content: bytes, name: str = "q.csv", role: str = "manager"
) -> httpx.Response:
    """Choose a file on the page and send it."""
    sent = form((await place.see("/sources/upload", team, "manager")).text, "/sources/upload")
    return await place.send(sent.action, team, role, sent.fields, {"file": (name, content, "text/csv")})


async def test_a_file_is_taken_and_the_same_file_counts_once(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        first = await send(place, team, GOOD.encode())
        assert first.status_code == 200 and "2 rows are new." in words(first.text)
        again = await send(place, team, GOOD.encode())
        said = words(again.text)
        assert "This is here already. Nothing was counted twice." in said
        assert [word for word in NEVER_SAID if says(said, word)] == []


async def test_a_bad_row_is_named_and_the_others_are_taken(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        answer = await send(place, team, (GOOD + "A3,guest-3,sent,yesterday,1,Ana\n").encode())
        said = words(answer.text)
        assert "2 rows are new." in said and "1 row could not be read" in said and "Row 4:" in said
        assert "got &#39;yesterday&#39;" in answer.text


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (
            b"id,customer\n1,x\n",
            "q.csv",
            "These columns are missing: owner, sent_at, status, value, changed_at",
        ),
        (GOOD.encode(), "q.exe", "It is called q.exe. Save it as CSV"),
        (b"PK\x03\x04", "q.csv", "It has to be rows of text"),
        (GOOD.encode("utf-16"), "q.csv", "It has to be rows of text"),
        (
            GOOD.replace("guest-1", "Zoë").encode("latin-1"),
            "q.csv",
            "Row 2: It holds characters that cannot be read.",
        ),
        (b"\n", "q.csv", "It has to be rows of text"),
        (b"\xef\xbb\xbf", "q.csv", "These columns are missing"),
    ],
)
async def test_a_file_that_does_not_fit_is_refused_whole_with_a_sample(
    tmp_path: Path, content: bytes, name: str, sentence: str
) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        answer = await send(place, team, content, name)
        assert answer.status_code == 422 and sentence in words(answer.text), words(answer.text)
        assert "id,changed_at,customer" in answer.text


async def test_staff_may_not_upload(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        assert (await send(place, team, GOOD.encode(), role="staff")).status_code == 403


TYPED = {
    "id": "A9", "changed_at": "2026-11-19T16:05", "customer": "guest-9", "status": "sent",
    "sent_at": "2026-11-19T10:00", "value": "120.50", "owner": "Ana",
}  # fmt: skip


async def test_a_record_is_typed_in_by_hand_and_read_like_any_other(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await with_quotes(place)
        upload = (await place.see("/sources/upload", team, "manager")).text
        (path,) = set(re.findall(r'href="(/sources/type\?into=[^"]+/quote)"', upload))
        sent = form((await place.see(path, team, "manager")).text, "/sources/type")
        wrong = await place.send(sent.action, team, "manager", {**sent.fields, **TYPED, "value": "much"})
        assert wrong.status_code == 422 and "This could not be taken" in words(wrong.text)
        assert 'value="A9"' in wrong.text and 'value="guest-9"' in wrong.text, "what was typed stays"
        sent = form(wrong.text, "/sources/type")
        done = await place.send(sent.action, team, "manager", {**sent.fields, **TYPED})
        assert done.status_code == 303
        assert "Written down." in words((await place.see(done.headers["location"], team, "manager")).text)
        again = form((await place.see(path, team, "manager")).text, "/sources/type")
        changed = {**again.fields, **TYPED, "changed_at": "2026-11-20T09:00", "status": "won"}
        assert (await place.send(again.action, team, "manager", changed)).status_code == 303
        rows = (await place.app.state.installation.rooms(team.log)).rows
        versions = await rows.find(record_version, {"kind": "quote", "record": "A9"})
        assert len(versions) == 2
        assert (await place.send(again.action, team, "staff", changed)).status_code == 403


async def test_what_a_watch_in_use_waits_for_can_be_brought_by_an_owner(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        assert (await place.see("/sources/type?into=crm/quote", team, "owner")).status_code == 404
        page = await place.see("/watch/quote_not_followed_up", team, "owner")
        sent = form(page.text, "/watch/quote_not_followed_up/switch")
        await place.send(sent.action, team, "owner", {**sent.fields, "to": "live"})
        assert "crm/quote" not in (await place.see("/sources/upload", team, "manager")).text
        sent = form((await place.see("/sources/upload", team, "owner")).text, "/sources/upload")
        file = {"file": ("q.csv", GOOD.encode(), "text/csv")}
        answer = await place.send(sent.action, team, "owner", {**sent.fields, "into": "crm/quote"}, file)
        assert answer.status_code == 200 and "2 rows are new." in words(answer.text), words(answer.text)
        assert "crm/quote" in (await place.see("/sources/upload", team, "manager")).text
