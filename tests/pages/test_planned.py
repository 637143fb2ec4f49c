"""A check is written down on its page and recognised with others on one: forms, words, refusals."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from api.pages.planned_words import is_outside, range_words, read_number
from api.pages.words import Words
from api.problems import BadRequest
from tests.api.house import House, Team, house
from tests.api.test_work import HOUR, MINUTE, case_of, next_case, planned

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENGLISH, GERMAN = (Words(one, ZoneInfo("UTC"), "2026-11-20T10:00:00.000Z") for one in ("en", "de"))
TYPED = [
    ("3.4", 1, 34), ("3,4", 1, 34), ("-18", 1, -180), ("\u22122,5", 1, -25), ("4", 0, 4), ("1 204", 0, 1204),
    ("3.40", 1, 34), ("0.05", 3, 50),
]  # fmt: skip
NO_NUMBERS = [
    ("", 1), ("warm", 1), ("3.45", 1), ("3.5", 0), ("1e3", 0), ("--3", 0), ("3..4", 1), ("9" * 13, 0),
]  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The started product with its pages."""
    async with house(tmp_path_factory.mktemp("house"), pages=True) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours(at: House) -> Team:
    return await at.organisation("Harbour House")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def theirs(at: House) -> Team:
    return await at.organisation("Other House")


@pytest.mark.parametrize(("typed", "scale", "value"), TYPED)
async def test_a_number_as_people_type_it(typed: str, scale: int, value: int) -> None:
    assert read_number(typed, scale) == value


@pytest.mark.parametrize(("typed", "scale"), NO_NUMBERS)
async def test_what_is_no_number_is_refused(typed: str, scale: int) -> None:
    with pytest.raises(BadRequest, match="expected"):
        read_number(typed, scale)


async def test_a_range_in_words() -> None:
    facts: dict[str, Any] = {"unit": "°C", "scale": 1, "low": 0, "high": 50}
    assert range_words(facts, ENGLISH) == "0.0 to 5.0 °C"
    assert range_words(facts, GERMAN) == "0,0 bis 5,0 °C"
    assert range_words(facts | {"low": None}, ENGLISH) == "at most 5.0 °C"
    assert range_words(facts | {"high": None, "low": None}, ENGLISH) == ""
    assert (is_outside(51, facts), is_outside(50, facts), is_outside(-1, facts)) == (True, False, True)


def hidden(page: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form with this action."""
    form = page[page.index(f'action="{action}"') :]
    form = form[: form.index("</form>")]
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', form))


async def write_down(at: House, team: Team, role: str, case: str, **fields: str) -> Any:
    page = (await at.see(f"/exceptions/{case}", team, role)).text
    to = f"/exceptions/{case}/work/reading"
    return await at.send(to, team, role, hidden(page, to) | fields)


async def test_a_check_on_its_page_and_a_second_look(at: House, ours: Team) -> None:
    await planned(at, ours)
    case = await next_case(at, ours)
    page = (await at.see(f"/exceptions/{case}", ours, "staff")).text
    assert "Write down what you find" in page and "It should be 0.0 to 5.0 C." in page
    assert "Suggest what to do" not in page
    at.wait(20 * MINUTE)
    refused = await write_down(at, ours, "staff", case, value="9,2")
    assert refused.status_code == 422 and "Write down what you find" in refused.text
    done = await write_down(at, ours, "staff", case, value="3,4")
    assert done.status_code == 303, done.text
    assert "Write down what you find" not in (await at.see(f"/exceptions/{case}", ours, "staff")).text
    again = (await at.see(f"/exceptions/{case}", ours, "manager")).text
    assert (
        "Look at it a second time" in again and "3.4" not in again.split("Look at it a second time")[1][:900]
    )
    assert (await write_down(at, ours, "manager", case, value="3.5")).status_code == 303
    await at.done(f"/api/v1/cases/{case}/verdicts", ours.keys["manager"], {})
    assert (await case_of(at, ours, case))["case"]["state"] == "RESOLVED"


async def test_a_failure_is_told_on_the_page(at: House, ours: Team) -> None:
    case = await next_case(at, ours)
    done = await write_down(at, ours, "staff", case, value="9.2", wrong="The door stood open")
    assert done.status_code == 303, done.text
    found = (await at.ask("GET", "/api/v1/cases?limit=50", ours.keys["owner"])).json()["items"]
    assert [one["origin"] for one in found].count("report") == 1


async def test_checks_are_recognised_together(at: House, ours: Team) -> None:
    mine = "outsider"
    page = (await at.see("/decisions", ours, mine)).text
    assert "1 check is done and waits for your yes." in page
    page = (await at.see("/decisions/checks", ours, mine)).text
    (tick,) = re.findall(r'name="check" value="([^"]+)" checked', page)
    fields = hidden(page, "/decisions/checks")
    none = await at.send("/decisions/checks", ours, mine, fields)
    assert none.status_code == 422
    fields |= {"tokens": "1", "budget": ours.members["budget"], "message": "Thank you"}
    wrong = await at.send(
        "/decisions/checks",
        ours,
        mine,
        fields | {"check": tick[:-1] + "0" if tick[-1] != "0" else tick[:-1] + "1"},
    )
    assert wrong.status_code == 409, wrong.text
    page = (await at.see("/decisions/checks", ours, mine)).text
    fields |= hidden(page, "/decisions/checks")
    done = await at.send("/decisions/checks", ours, mine, fields | {"check": tick})
    assert (done.status_code, done.headers["location"]) == (303, "/decisions/checks?done=1&left=0")
    shown = (await at.see(done.headers["location"], ours, mine)).text
    assert "1 check recognised." in shown and "No check waits for you." in shown
    at.wait(HOUR)
    await at.tick()
    (award,) = (await case_of(at, ours, tick.partition(".")[0]))["awards"]
    assert award["amount_tokens"] == 1


async def test_my_work_shows_a_check_that_is_due(at: House, theirs: Team) -> None:
    await planned(at, theirs)
    case = await next_case(at, theirs)
    page = (await at.see("/my-work", theirs, "staff")).text
    assert f"/exceptions/{case}" in page and "Fridge temperature, cold room" in page
