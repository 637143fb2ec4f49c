"""Recognition and hours through the doors: from shift records, by quarter, for owners alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.api.house import Team, house
from tests.api.test_path import KINDS
from tests.api.test_steps import DAY_SECONDS, Stage
from tests.casework.teams import Scene
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import words

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHIFT = """  shift:
    fields:
      site: string
      person: string
      status: string
      starts_at: instant
      ends_at: instant
"""
WAITERS = ("ana", "Ben", "Chi", "Dev", "Eva")
COOKS = ("Flo", "Gil", "Hana", "Ida", "Jo")
FEW = ("Kim", "Lou")


def shift(
    number: int, person: str, day: datetime, hour: int, site: str, status: str = "confirmed"
) -> dict[str, Any]:
    begins = day + timedelta(hours=hour)
    values = {"site": site, "person": person, "status": status}
    times = {"starts_at": begins, "ends_at": begins + timedelta(hours=6)}
    values |= {name: f"{at.isoformat(timespec='milliseconds')}Z" for name, at in times.items()}
    return {
        "kind": "shift", "id": f"s-{number}", "values": values, "event_at": "2026-11-20T09:00:00.000Z",
    }  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Stage, Team]]:
    """Ana was recognised on 20 Nov, on her evening in the bar; five work there, five in the kitchen, two elsewhere."""
    async with house(tmp_path_factory.mktemp("hours"), pages=True) as at:
        here = Stage(at)
        await here.furnish(3)
        yield here, Team((await here.told("/log"))["log"], here.members, here.keys)


async def told(here: Stage) -> dict[tuple[int, int], Any]:
    return {(one["year"], one["quarter"]): one for one in (await here.told("/fairness"))["items"]}


async def test_without_hours_it_says_so(played: tuple[Stage, Team]) -> None:
    here, team = played
    found = await told(here)
    assert list(found) == [(2025, 4), (2026, 1), (2026, 2), (2026, 3)]
    assert all(
        one == {"year": year, "quarter": number, "hours_known": False}
        for (year, number), one in found.items()
    )
    assert "No hours known." in words((await here.at.see("/hours", team, "marta")).text)


async def test_it_is_for_owners(played: tuple[Stage, Team]) -> None:
    here, _ = played
    for who in ("ana", "ines", "robin"):
        answer = await here.at.ask("GET", "/api/v1/fairness", here.keys[who])
        assert answer.status_code == 403, who


async def test_by_team_and_part_of_the_day_once_the_quarter_is_over(played: tuple[Stage, Team]) -> None:
    here, team = played
    await here.do("marta", "/kinds", {"yaml": KINDS + "      opened_at: instant\n" + SHIFT})
    await here.do("marta", "/sources", {"source": "rota", "kinds": ["shift"]})
    await here.play(Scene(3, "provisional", worker="ana", maker="ana"))
    acted = (await here.told("/awards"))["items"][0]["granted_at"]
    day = (
        datetime.fromisoformat(acted)
        .astimezone(UTC)
        .replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    )
    rows = [shift(number, name, day, 10, "bar") for number, name in enumerate(WAITERS)]
    rows += [shift(20 + number, name, day, 17, "kitchen") for number, name in enumerate(COOKS)]
    rows += [shift(40 + number, name, day, 17, "terrace") for number, name in enumerate(FEW)]
    rows.append(shift(60, "Ben", day, 17, "bar", status="cancelled"))
    sent = await here.at.ask(
        "POST", "/api/v1/sources/rota/records:batch", here.keys["marta"], json={"records": rows}
    )
    assert sent.status_code == 201, sent.text
    assert sent.json().get("refused", []) in ([], 0), sent.text
    assert (2026, 4) not in await told(here), "not before it is over"
    here.at.wait(45 * DAY_SECONDS)
    here.at.cookies.clear()  # a session lasts a shift
    quarter = (await told(here))[2026, 4]
    # the terrace is two people: it would be the total less the others, so one of them is hidden with it
    assert quarter["hours_known"] and quarter["hidden"] == 2
    assert quarter["rows"] == [{"team": "kitchen", "part": "evening", "hours": 30, "recognised": 0}]
    assert quarter["total"] == {"hours": 72, "recognised": 1}
    said = words((await here.at.see("/hours", team, "marta")).text)
    assert (
        "Quarter 4 of 2026" in said
        and "2 groups are not shown." in said
        and "Everybody together 72 1 1.4" in said
    )
    assert [name for name in (*WAITERS[1:], *COOKS, *FEW) if name in said] == [], "never per person"
    assert [word for word in NEVER_SAID if says(said, word)] == []


async def test_large_groups_are_shown(played: tuple[Stage, Team]) -> None:
    here, team = played
    day = datetime(2026, 11, 19)  # noqa: DTZ001
    people = ("Kim", "Lou", "Mia", "Noa", "Oda")
    rows = [shift(80 + number, name, day, 17, "terrace") for number, name in enumerate(people)]
    sent = await here.at.ask(
        "POST", "/api/v1/sources/rota/records:batch", here.keys["marta"], json={"records": rows}
    )
    assert sent.status_code == 201, sent.text
    quarter = (await told(here))[2026, 4]
    assert quarter["hidden"] == 0 and quarter["total"] == {"hours": 102, "recognised": 1}
    assert {(one["team"], one["part"]): (one["hours"], one["recognised"]) for one in quarter["rows"]} == {
        ("bar", "midday"): (30, 1),
        ("kitchen", "evening"): (30, 0),
        ("terrace", "evening"): (42, 0),
    }
    said = words((await here.at.see("/hours", team, "marta")).text)
    assert "Bar, middays 30 1 3.3" in said and "not shown" not in said.replace("is not shown, nor", "")


async def test_a_linked_account_is_the_same_person(played: tuple[Stage, Team]) -> None:
    """A rota that calls Ana A17 still means Ana: her recognition lies with that shift."""
    here, _ = played
    await here.do("marta", "/accounts", {"source": "rota", "account": "A17", "member": here.members["ana"]})
    day = datetime(2026, 11, 20)  # noqa: DTZ001
    rows = [shift(0, "A17", day, 10, "bar")]  # another version of Ana's own
    await here.at.ask(
        "POST", "/api/v1/sources/rota/records:batch", here.keys["marta"], json={"records": rows}
    )
    quarter = (await told(here))[2026, 4]
    bar = next(one for one in quarter["rows"] if one["team"] == "bar")
    assert (bar["hours"], bar["recognised"]) == (30, 1)
