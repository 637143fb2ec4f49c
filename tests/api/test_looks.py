"""Who looked at a person's page, recognition, proof or account is told to that person, and goes after its time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from casework import looks, tables
from casework.requests import THE_SYSTEM, Principal
from ledger.changes import Delete
from ledger.commands import Command, Decided, View
from ledger.entries import Draft
from ledger.errors import Refused
from ledger.overlay import Overlay
from ledger.store.tables import shapes
from tests.api.house import Team, house
from tests.api.test_steps import DAY_SECONDS, Stage
from tests.casework.teams import Scene
from tests.pages.reading import words

pytestmark = pytest.mark.asyncio(loop_scope="module")

Played = tuple[Stage, dict[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """A team of three in which Ana was recognised for good; Otto is its auditor."""
    async with house(tmp_path_factory.mktemp("looks"), pages=True) as at:
        here = Stage(at)
        await here.furnish(3)
        otto = await here.do("marta", "/members", {"name": "otto", "roles": ["auditor"]})
        here.members["otto"] = otto["member"]
        issued = await at.done("/api/v1/keys", here.keys["marta"], {"member": otto["member"]})
        here.keys["otto"] = issued["secret"]
        yield here, await here.play(Scene(3, "settled", worker="ana", maker="ana"))


async def told(here: Stage, who: str = "ana") -> set[tuple[str, str, str]]:
    """Return (by whom, in which role, what) of the looks at somebody, as they are told them, since the last day."""
    answer = await here.at.ask("GET", "/api/v1/me/looks", here.keys[who])
    day = here.at.app.state.installation.clock.now()[:10]
    return {(one["by_name"], one["role"], one["what"]) for one in answer.json()["items"] if one["day"] == day}


async def team(here: Stage) -> Team:
    return Team((await here.told("/log"))["log"], here.members, here.keys)


LOOKS: list[tuple[str, str, str, set[tuple[str, str, str]]]] = [
    # by whom, path, what is looked at -> what Ana is told
    ("otto", "/members/{ana}", "a page", {("otto", "auditor", "member")}),
    ("marta", "/members/{ana}/take-away", "the file", {("Marta", "owner", "take_away")}),
    ("otto", "/awards/{award}", "a recognition", {("otto", "auditor", "awards")}),
    ("ines", "/awards/{award}", "by whoever decided on it", {("ines", "outsider", "awards")}),
    ("otto", "/awards/{award}/bundle", "its proof", {("otto", "auditor", "proof")}),
    ("otto", "/postings?account=member/{ana}/settled", "an account", {("otto", "auditor", "account")}),
    ("ana", "/awards/{award}", "one's own", set()),
    ("ana", "/awards/{award}/badge", "one's own badge", set()),
    ("otto", "/awards", "a list of all", set()),
    ("otto", "/accounts", "a list of all", set()),
    ("otto", "/postings?account=issuer", "an account of nobody", set()),
    ("otto", "/postings?account=member/nobody/settled", "of somebody unknown", set()),
]


@pytest.mark.parametrize(("by", "path", "what", "expected"), LOOKS, ids=lambda one: str(one)[:40])
async def test_a_look_is_told_to_the_person(
    played: Played, by: str, path: str, what: str, expected: set[tuple[str, str, str]]
) -> None:
    here, ids = played
    here.at.wait(DAY_SECONDS)
    size = (await here.told("/log"))["size"]
    for _ in range(2):  # told once a day
        where = path.format(ana=here.members["ana"], award=ids["award"])
        answer = await here.at.ask("GET", f"/api/v1{where}", here.keys[by])
        assert answer.status_code == 200, (what, answer.text)
    assert await told(here) == expected
    assert await told(here, by) == set(), "whoever looked is told of nobody's looks but their own"
    assert (await here.told("/log"))["size"] == size, "a look leaves no entry"


async def test_a_look_on_a_page_is_told_on_ones_own_page(played: Played) -> None:
    here, ids = played
    here.at.wait(DAY_SECONDS)
    for path in (f"/recognition/{ids['award']}", f"/recognition/{ids['award']}/proof"):
        assert (await here.at.see(path, await team(here), "otto")).status_code == 200
        assert (await here.at.see(path, await team(here), "ana")).status_code == 200
    said = words((await here.at.see("/me", await team(here), "ana")).text)
    assert "otto (Auditor) looked at a recognition of yours" in said
    assert "otto (Auditor) took the proof of a recognition of yours as a file" in said
    assert "ana (" not in said and "kept for 365 days" in said


async def test_what_is_refused_is_no_look(played: Played) -> None:
    here, ids = played
    here.at.wait(DAY_SECONDS)
    for path in (f"/members/{here.members['ana']}/take-away", f"/awards/{ids['award']}/badge"):
        answer = await here.at.ask("GET", f"/api/v1{path}", here.keys["ines"])
        assert answer.status_code in (403, 404), path
    assert await told(here) == set()


async def test_a_look_goes_when_its_time_is_over(played: Played) -> None:
    here, _ = played
    rows = (await here.at.app.state.installation.rooms((await team(here)).log)).rows
    path = f"/api/v1/members/{here.members['ana']}"
    here.at.wait(DAY_SECONDS)
    await here.at.ask("GET", path, here.keys["otto"])
    last = max(row["at"] for row in await rows.find(tables.look))
    here.at.wait((looks.KEPT_DAYS - 1) * DAY_SECONDS)
    await here.at.tick()
    assert last in [row["at"] for row in await rows.find(tables.look)], "not before its time"
    here.at.wait(2 * DAY_SECONDS)
    await here.at.ask("GET", path, here.keys["otto"])
    await here.at.tick()
    left = await rows.find(tables.look, {"member": here.members["ana"]})
    assert len(left) == 1 and left[0]["at"] > last


async def test_a_look_goes_with_the_person_whose_data_are_erased(played: Played) -> None:
    here, _ = played
    rooms = await here.at.app.state.installation.rooms((await team(here)).log)
    ines, ana = here.members["ines"], here.members["ana"]
    for member in (ines, ana):
        await here.at.ask("GET", f"/api/v1/members/{member}", here.keys["otto"])
    assert await rooms.rows.find(tables.look, {"member": ines})

    def erased(view: View, command: Command, at: str) -> Decided:
        body = {"subject": ines, "items": 0, "reason_code": "asked"}
        return Decided((Draft("subject_erased", None, body),))

    owner = Principal(here.members["marta"], "owner", "cli", "key")
    await rooms.intake.hand_in(owner, "erased", "0" * 64, (), erased, None)
    here.at.wait(3600)
    await here.at.tick()
    assert await rooms.rows.find(tables.look, {"member": ines}) == []
    assert await rooms.rows.find(tables.look, {"member": ana}), "others keep theirs"


async def test_nobody_makes_a_look_unseen() -> None:
    """The rule behind the sweep is the system's alone."""
    who = Principal("m1", "owner", "http", "key")

    class Given:
        data: Any = type(
            "Asked", (), {"who": who, "request": looks.Sweep((("look", ("m2", "m1", "d", "member")),))}
        )

    with pytest.raises(Refused) as refused:
        looks.swept(Overlay(shapes()), Given(), "2026-11-20T10:00:00.000Z")  # type: ignore[arg-type]
    assert refused.value.code == "role_missing"
    Given.data.who = THE_SYSTEM
    assert looks.swept(Overlay(shapes()), Given(), "").rows == (  # type: ignore[arg-type]
        Delete("look", ("m2", "m1", "d", "member")),
    )
