"""Who can change what stands in a source: asked wherever one begins, honest where nobody knows, never answered for
anybody. What follows is held at the record: the formula that a judge reads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.pages.writers import WRITERS_MAX
from tests.api.house import House, Team, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words
from tests.pages.test_first_run import QUOTES

pytestmark = pytest.mark.asyncio(loop_scope="module")
WATCH = "quote_not_followed_up"
STEP = f"/start?step=4&watch={WATCH}"
LATER = "Nobody is recognised on what comes from there alone, until an owner says it."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A product with pages."""
    async with house(tmp_path_factory.mktemp("writers"), pages=True) as started:
        yield started


async def declared(place: House, team: Team) -> dict[str, Any]:
    """Return source -> its registered formula."""
    rows = (await place.ask("GET", "/api/v1/sources", team.keys["owner"])).json()["items"]
    return {row["source"]: row["controllers"] for row in rows}


async def size(place: House, team: Team) -> int:
    return int((await place.ask("GET", "/api/v1/log", team.keys["owner"])).json()["size"])


def answers(team: Team) -> list[tuple[str, dict[str, Any], int, Any]]:
    """Return what is filled in, the status, and the formula or the words."""
    staff, manager = team.members["staff"], team.members["manager"]
    return [
        ("nothing is chosen", {}, 303, {}),
        ("it is not known", {"writer": "unknown"}, 303, {}),
        ("nobody here", {"writer": "nobody"}, 303, {"party": "source:crm"}),
        ("one", {"writer": "these", "people": [staff]}, 303, {"party": f"member:{staff}"}),
        (
            "two",
            {"writer": "these", "people": [staff, manager]},
            303,
            {"any": [{"party": f"member:{one}"} for one in sorted((staff, manager))]},
        ),
        ("these, and no names", {"writer": "these"}, 422, "It is not said who they are."),
        ("names, and not known", {"people": [staff]}, 422, "People are named, and another answer is chosen."),
        ("names, and nobody", {"writer": "nobody", "people": [staff]}, 422, "People are named"),
        (
            "too many",
            {"writer": "these", "people": [f"m{n}" for n in range(WRITERS_MAX + 1)]},
            422,
            "who they are",
        ),
        ("somebody unknown", {"writer": "these", "people": ["m-1"]}, 422, "nothing was changed"),
        ("another word", {"writer": "everybody"}, 422, "nothing was changed"),
    ]


@pytest.mark.parametrize("row", range(11))
async def test_the_first_run_asks_and_says_what_follows(place: House, row: int) -> None:
    team = await place.organisation("The Quay")
    page = (await place.see(STEP, team, "owner")).text
    said = words(page)
    for one in (
        "Who can change what stands in there?",
        "Nobody who works here, on their own",
        "I do not know",
        LATER,
    ):
        assert one in said
    assert [word for word in NEVER_SAID if says(said, word)] == []
    sent = form(page, "/start/data")
    assert (
        sent.fields["writer"] == "unknown" and "people" not in sent.fields
    )  # nothing is answered for the owner
    _, given, status, outcome = answers(team)[row]
    before = await size(place, team)
    file = {"file": ("quotes.csv", QUOTES.encode(), "text/csv")}
    answer = await place.send(sent.action, team, "owner", {**sent.fields, **given}, files=file)
    assert answer.status_code == status, answer.text
    if status == 303:
        assert await declared(place, team) == {"crm": outcome}
        later = words((await place.see(STEP, team, "owner")).text)
        assert ("Who can change what stands in there?" in later) == (outcome == {})
    else:
        assert outcome in words(answer.text) and await size(place, team) == before
        if "these" in given.values() and len(given.get("people", [])) > WRITERS_MAX:
            assert "Who can change what stands in there?" in words(answer.text)


async def test_where_data_comes_from_takes_several_and_takes_it_back(place: House) -> None:
    team = await place.organisation("The Quay")
    file = {"file": ("quotes.csv", QUOTES.encode(), "text/csv")}
    sent = form((await place.see(STEP, team, "owner")).text, "/start/data")
    assert (await place.send(sent.action, team, "owner", sent.fields, files=file)).status_code == 303
    page = words((await place.see("/sources", team, "owner")).text)
    assert "Of 1 source nobody said who can write in it alone." in page and "not said" in page
    assert "writer" not in (await place.see("/sources", team, "manager")).text
    for _, given, status, outcome in answers(team):
        asked = form((await place.see("/sources", team, "owner")).text, "/sources/writer")
        assert asked.fields["writer"] == "unknown"
        before, size_before = await declared(place, team), await size(place, team)
        answer = await place.send(asked.action, team, "owner", {**asked.fields, **given})
        assert answer.status_code == status, (given, answer.text)
        now = await declared(place, team)
        assert now == ({"crm": outcome} if status == 303 else before)
        assert (await size(place, team) == size_before) == (now == before), given
    told = (await place.see("/sources?as=csv", team, "owner")).text
    assert "Manager" in told and "Staff" in told
    back = await place.send(
        "/sources/writer", team, "owner", {"source": "crm", "writer": "unknown", "key": "b"}
    )
    assert back.headers["location"] == "/sources?said=unknown"
    assert "Noted that it is not known." in words(
        (await place.see(back.headers["location"], team, "owner")).text
    )
    assert await declared(place, team) == {"crm": {}}
    gone = await place.send(
        "/sources/writer", team, "owner", {"source": "none", "writer": "nobody", "key": "k"}
    )
    assert gone.status_code == 404
    assert (await place.send("/sources/writer", team, "manager", {"source": "crm"})).status_code == 403


async def test_an_upload_asks_an_owner_once_and_tells_a_manager(place: House) -> None:
    team = await place.organisation("The Quay")
    file = {"file": ("quotes.csv", QUOTES.encode(), "text/csv")}
    sent = form((await place.see(STEP, team, "owner")).text, "/start/data")
    assert (await place.send(sent.action, team, "owner", sent.fields, files=file)).status_code == 303
    by_manager = form((await place.see("/sources/upload", team, "manager")).text, "/sources/upload")
    assert "writer" not in by_manager.fields
    given = {**by_manager.fields, "writer": "nobody"}  # not for a manager to say: passed over
    answer = await place.send("/sources/upload", team, "manager", given, files=file)
    assert answer.status_code == 200 and "Nobody said who can change what stands in there." in words(
        answer.text
    )
    assert await declared(place, team) == {"crm": {}}
    page = (await place.see("/sources/upload", team, "owner")).text
    by_owner = form(page, "/sources/upload")
    assert by_owner.fields["writer"] == "unknown"
    answer = await place.send(
        "/sources/upload", team, "owner", {**by_owner.fields, "writer": "nobody"}, files=file
    )
    assert answer.status_code == 200 and "Nobody said who" not in words(answer.text)
    assert await declared(place, team) == {"crm": {"party": "source:crm"}}
    assert (
        "writer"
        not in form((await place.see("/sources/upload", team, "owner")).text, "/sources/upload").fields
    )
    # what was said before stands, whatever a page that was open still sends
    again = {**by_owner.fields, "writer": "these", "people": [team.members["staff"]], "key": "other"}
    assert (await place.send("/sources/upload", team, "owner", again, files=file)).status_code == 200
    assert await declared(place, team) == {"crm": {"party": "source:crm"}}


async def test_a_record_typed_in_asks_too(place: House) -> None:
    team = await place.organisation("The Quay")
    begun = form(
        (await place.see("/start?step=4&watch=complaint_to_escalate", team, "owner")).text, "/start/by-hand"
    )
    there = (await place.send(begun.action, team, "owner", begun.fields)).headers["location"]
    asked = form((await place.see(there, team, "owner")).text, "/sources/type")
    assert asked.fields["writer"] == "unknown"
    typed = {
        "id": "K1", "changed_at": "2026-11-19T09:00", "site": "main", "severity": "high", "status": "open",
        "opened_at": "2026-11-19T09:00", "value": "120", "writer": "these", "people": [team.members["staff"]],
    }  # fmt: skip
    done = await place.send(asked.action, team, "owner", {**asked.fields, **typed})
    assert done.status_code == 303, words(done.text)
    staff = {"party": f"member:{team.members['staff']}"}
    assert (await declared(place, team))["desk"] == staff
    assert "writer" not in form((await place.see(there, team, "owner")).text, "/sources/type").fields
    # what a judge reads of a record from there names them
    case = await place.done("/api/v1/reports", team.keys["staff"], {"note": "Look at K1"})
    shown = await place.ask(
        "POST", f"/api/v1/cases/{case['ids']['case']}/evidence/record", team.keys["manager"],
        json={"kind": "complaint", "record": "K1"},
    )  # fmt: skip
    assert shown.status_code == 201, shown.text
    told = (await place.ask("GET", f"/api/v1/cases/{case['ids']['case']}", team.keys["owner"])).json()
    formulas = json.dumps([one["controllers"] for one in told["evidence"]])
    assert staff["party"] in formulas and "system:undeclared" not in formulas
