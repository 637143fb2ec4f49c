"""What evidence says can be read by whoever has to say whether it holds: from the tile to its own page."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.pages.evidence_words import told_of
from api.pages.shipped import title_words
from api.pages.thanks import state_chip
from api.pages.words import Words
from casework import awards
from tests.api.house import House, Team, house
from tests.pages.reading import form, words
from tests.pages.test_exceptions import PDF, approved, step, told, with_case


async def opened(place: House, team: Team, case: str, kind: str) -> str:
    """Follow the link of an item of evidence from the page of its exception, as the manager."""
    item = next(one for one in (await told(place, team, case))["evidence"] if one["type"] == kind)
    path = f"/exceptions/{case}/evidence/{item['evidence']}"
    page = (await place.see(f"/exceptions/{case}", team, "manager")).text
    assert f'<a class="says" href="{path}">' in page
    seen = await place.see(path, team, "manager")
    assert seen.status_code == 200
    return seen.text


async def test_a_file_opens_from_its_tile(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await with_case(place)
        await approved(place, team, case)
        await step(place, team, "staff", case, "done")
        sent = form((await place.see(f"/exceptions/{case}", team, "staff")).text, "/evidence/file")
        files = {"file": ("bill.pdf", PDF, "application/pdf")}
        assert (await place.send(sent.action, team, "staff", sent.fields, files)).status_code == 303
        assert "Open the file" in words(await opened(place, team, case, "file"))
        review = words((await place.see(f"/exceptions/{case}", team, "manager")).text)
        assert "Which evidence A file: Staff, 10:00" in review


ENGLISH = Words("en", ZoneInfo("UTC"), "2026-11-20T12:00:00.000Z")
RECORD = {
    "kind": "booking", "id": "H101", "version": 2, "event_time": "2026-11-19T10:00:00.000Z",
    "first_event_at": "2026-11-01T10:00:00.000Z", "customer": "0" * 64, "source": "bookings",
    "fields": {"request_met": True, "covers": 6, "note": ""},
}  # fmt: skip
READING = {"task": "t", "place": "cold-room", "scale": 1, "unit": "°C", "low": None, "high": 50, "value": 42,
           "at": "2026-11-20T10:30:00.000Z", "member": "m", "exception": None}  # fmt: skip
SAYS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("system_record", RECORD, ["the booking H101", "from the booking system", "yes", "6"]),
    ("reading", READING, ["4.2 °C", "at most 5.0 °C"]),
    ("handover_note", {"status": "Two rooms wait", "actions": "Linen changed", "contingencies": "Call Otto",
                       "items": [{"says": "Room 4 leaks"}]},
     ["Two rooms wait", "Linen changed", "Call Otto", "Room 4 leaks"]),
    ("read_back", {"text": "Room 4 first", "opened_at": "2026-11-20T10:30:00.000Z"}, ["Room 4 first"]),
    ("snapshot", {"open": [{}, {}]}, ["2"]),
    ("check_in", {"place": "cold-room", "at": "2026-11-20T10:30:00.000Z"}, ["Cold room"]),
    ("assessment", {"course": "first-aid", "course_version": "3", "passed": False},
     ["first aid, version 3", "Not yet."]),
    ("training_result", {"course": "first-aid", "course_version": "3", "result": "passed",
                         "completed_at": "2026-11-20T10:30:00.000Z"}, ["first aid, version 3", "passed"]),
    ("customer_confirmation", {"answer": "not_resolved", "address_known_before_case": True},
     ["The guest answered: it is not solved", "known here before"]),
    ("signed_mail", {"domain": "example.org"}, ["example.org"]),
    ("time_stamp", {"stamped_at": "2026-11-18T10:30:00.000Z"}, ["Wed 18 Nov 10:30"]),
    ("statement", {}, []),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "facts", "says"), SAYS)
def test_each_type_is_told_in_words(kind: str, facts: dict[str, Any], says: list[str]) -> None:
    found = [how for _, how in told_of(kind, facts, ENGLISH)]
    assert [one for one in says if one not in found] == []
    assert "0" * 64 not in found and "" not in found


@pytest.mark.parametrize(
    ("until", "chip"),
    [("2026-12-04T12:00:00.000Z", "Waiting until 4 Dec"), ("2026-11-18T12:00:00.000Z", "Still waiting")],
)
def test_no_recognition_waits_until_a_day_that_is_over(until: str, chip: str) -> None:
    assert state_chip(awards.PROVISIONAL, False, until, True, ENGLISH) == (chip, "wait")


@pytest.mark.parametrize(
    ("said", "title"),
    [("first-aid", "First aid"), ("Ice machine leaks", "Ice machine leaks"), ("K-9", "K-9")],
)
def test_a_course_is_told_in_words_where_it_is_a_title(said: str, title: str) -> None:
    assert title_words(said, ENGLISH) == title
