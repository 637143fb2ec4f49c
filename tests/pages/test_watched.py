"""What stands around an exception: where it comes from, the list of all, and my work."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from api.pages.sheets import cell
from api.pages.shifts import shift_of
from api.whose import whose
from tests.api.house import House, Team, house
from tests.api.test_path import KINDS, publish, record
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import words

OPENED = "      opened_at: instant\n"
SHIFTS = """  shift:
    fields:
      person: string
      status: string
      starts_at: instant
      ends_at: instant
"""


async def watched(place: House) -> tuple[Team, str]:
    """An organisation with one live watch and one case that staff owns: a complaint nobody answered for two hours."""
    team = await place.organisation("The Quay")
    await publish(place, team, KINDS + OPENED)
    await bring(place, team, record("c-1", "open", "2026-11-20T09:00:00Z"))
    place.wait(3 * 3600)
    await place.tick()
    (row,) = (await place.ask("GET", "/api/v1/cases?playbook=complaint_open", team.keys["owner"])).json()[
        "items"
    ]
    return team, row["case"]


async def bring(place: House, team: Team, *records: dict[str, Any], source: str = "desk") -> None:
    body = {"records": list(records)}
    await place.done(f"/api/v1/sources/{source}/records:batch", team.keys["owner"], body)


async def test_the_source_says_whether_it_was_edited_since_and_what_was_known_when(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await watched(place)
        before = words((await place.see(f"/exceptions/{case}/source", team, "auditor")).text)
        assert "Not edited since." in before and "the complaint c-1 · from the complaints desk" in before
        assert [word for word in NEVER_SAID if says(before, word)] == []
        await bring(place, team, record("c-1", "closed", "2026-11-20T12:30:00Z"))
        page = await place.see(f"/exceptions/{case}/source", team, "auditor")
        after = words(page.text)
        assert "1 thing was changed since." in after and "Status changed open closed" in after
        assert after.index("Fri 20 Nov 13:00") < after.index("Fri 20 Nov 10:00"), (
            "what was known last stands first"
        )
        assert "what the watch looked at" in after and "as it stands now" in after
        exact = page.text[page.text.index('<details class="record"') :]
        told = (await place.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()["case"]
        assert told["records"][0]["item"] in exact, "the commitment that the record of the product names"


async def test_the_list_can_be_narrowed_paged_and_taken_along(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await watched(place)
        owner = team.keys["owner"]
        for number in range(31):
            await place.done("/api/v1/reports", owner, {"note": f"=Tap {number} drips"})
        first = await place.see("/exceptions", team, "staff")
        said = words(first.text)
        assert "Open exceptions" in said and "=Tap 30 drips" in said and "and 2 more" in said
        assert [word for word in NEVER_SAID if says(said, word)] == []
        more = (
            first.text[first.text.index('href="/exceptions?ended=open') :].split('"')[1].replace("&amp;", "&")
        )
        if "as=csv" in more:
            rest = first.text[first.text.index("cursor=") - 60 :]
            more = rest[rest.index("/exceptions?") :].split('"')[0].replace("&amp;", "&")
        older = words((await place.see(more, team, "staff")).text)
        assert (
            f"x-{case}" not in older
            and "Complaint c-1 is still open" in older
            and "=Tap 30 drips" not in older
        )
        mine = words((await place.see("/exceptions?ended=mine", team, "staff")).text)
        assert "Complaint c-1" in mine and "=Tap" not in mine
        narrowed = words(
            (await place.see("/exceptions?watch=complaint_open&state=AWAITING_DECISION", team, "staff")).text
        )
        assert "Complaint c-1" in narrowed and "=Tap" not in narrowed
        nothing = words((await place.see("/exceptions?state=EXPIRED", team, "staff")).text)
        assert "Nothing here." in nothing
        sheet = await place.see("/exceptions?as=csv", team, "staff")
        rows = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
        assert sheet.headers["content-type"] == "text/csv; charset=utf-8" and len(rows) == 33
        assert rows[0][0] == "What" and rows[1][0] == "'=Tap 30 drips", "no cell is run as a formula"
        assert (await place.see("/exceptions?cursor=made-up", team, "staff")).status_code == 422


async def test_what_others_ended_today_is_listed_as_decisions_counts_it(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await watched(place)
        await place.done(f"/api/v1/cases/{case}/close", team.keys["manager"], {"reason_code": "false_alarm"})
        counted = words((await place.see("/decisions", team, "owner")).text)
        assert "1 more was handled without you today." in counted
        listed = words((await place.see("/exceptions?ended=today", team, "owner")).text)
        assert "Handled today without you" in listed and "Complaint c-1" in listed
        own = words((await place.see("/exceptions?ended=today", team, "manager")).text)
        assert "Complaint c-1" not in own


@pytest.mark.parametrize(
    ("value", "kept"), [("=1+1", "'=1+1"), ("-5", "'-5"), ("@x", "'@x"), ("\tx", "'\tx"), ("Ana", "Ana")]
)
def test_no_cell_begins_a_formula(value: str, kept: str) -> None:
    assert cell(value) == kept


# ---------------------------------------------------------------------------------------------- my work
async def test_my_work_is_mine_alone(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, case = await watched(place)
        told = await place.done("/api/v1/reports", team.keys["staff"], {"note": "The lift stops"})
        page = await place.see("/my-work", team, "staff")
        said = words(page.text)
        assert "1 thing waits for somebody else" in said and "Complaint c-1 is still open" in said
        assert "The complaint, closed" in said and f'href="/exceptions/{case}?do=bring#bring"' in page.text
        assert "What you told us" in said and "It is with Manager. You do not need to chase." in said
        assert [word for word in NEVER_SAID if says(said, word)] == []
        other = words((await place.see("/my-work", team, "owner")).text)
        assert "You are done." in other and "Complaint" not in other and "The lift" not in other
        mine = await place.see("/my-work", team, "manager")
        assert "1 thing is with you The lift stops" in words(mine.text).replace("Somebody owns it ", "")
        assert '<span aria-hidden="true">1</span>' in mine.text and told["ids"]["case"], (
            "the count of the navigation"
        )


async def test_what_waits_for_others_says_for_whom_and_what_happens_without_them(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team, _ = await watched(place)
        # the watch's own suggestion waits for a decision that staff may not give
        said = words((await place.see("/my-work", team, "staff")).text)
        assert "Waits for a decision. Ada or Manager can." in said
        assert "silence is never a yes" in said and "You are done." in said


async def test_a_forgotten_promise_goes_one_up_and_my_work_said_so_before(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        report = {"note": "The ice machine leaks", "owner": team.members["staff"]}
        case = (await place.done("/api/v1/reports", team.keys["manager"], report))["ids"]["case"]
        until = {"until": "2026-11-20T12:00:00Z"}
        await place.done(f"/api/v1/cases/{case}/acknowledge", team.keys["staff"], until)
        mine = words((await place.see("/my-work", team, "staff")).text)
        assert "You said until 12:00. If nothing happened by then, it goes to Ada." in mine
        theirs = words((await place.see("/my-work", team, "manager")).text)
        assert "Staff has it in hand until 12:00; if nothing happened by then, it goes to Ada." in theirs
        place.wait(3 * 3600)
        await place.tick()
        assert "The ice machine leaks" in words((await place.see("/my-work", team, "owner")).text)
        assert "You are done." in words((await place.see("/my-work", team, "staff")).text)


async def test_the_shift_is_what_the_records_say_and_nothing_else(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        assert "Your work, Staff" in words((await place.see("/my-work", team, "staff")).text)
        await publish(place, team, KINDS + OPENED + SHIFTS)
        await place.done("/api/v1/sources", team.keys["owner"], {"source": "rota", "kinds": ["shift"]})

        def shift(person: str, begins: str, ends: str, status: str = "confirmed") -> dict[str, Any]:
            values = {"person": person, "status": status, "starts_at": begins, "ends_at": ends}
            return {
                "kind": "shift",
                "id": f"{person}-{begins}",
                "event_at": "2026-11-19T08:00:00Z",
                "values": values,
            }

        now, noon, night = "2026-11-20T08:00:00.000Z", "2026-11-20T12:00:00.000Z", "2026-11-20T23:00:00.000Z"
        given = [shift("Staff", now, night), shift("Ben", now, night), shift("Chi", now, night, "asked"),
                 shift("Dev", noon, night)]  # fmt: skip
        await bring(place, team, *given, source="rota")
        said = words((await place.see("/my-work", team, "staff")).text)
        assert "Your shift, Staff" in said and "Until 23:00, with Ben ·" in said
        rooms = await place.app.state.installation.rooms(team.log)
        rows, known = rooms.rows, await whose(rooms)
        assert await shift_of(rows, known, "Dev", "2026-11-20T10:00:00.000Z") is None
        later = await shift_of(rows, known, "Dev", "2026-11-20T12:00:00.000Z")
        assert later is not None and later.others == ("Ben", "Staff")
