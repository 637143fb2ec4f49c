"""Recognition is shown to the others only as whoever got it wants: off until they say yes, gone when they say no."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from casework import announcing
from tests.api.house import Team, house
from tests.api.test_steps import DAY_SECONDS, Stage
from tests.casework.teams import Scene
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words

pytestmark = pytest.mark.asyncio(loop_scope="module")

Played = tuple[Stage, list[dict[str, str]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Played]:
    """A team of three: Ana was recognised twice for good, and a third time that waits."""
    async with house(tmp_path_factory.mktemp("announcing"), pages=True) as at:
        here = Stage(at)
        await here.furnish(3)
        thanked = here.awarded

        async def with_words(case: str, who: str, worker: str) -> Any:
            earned = {"beneficiaries": [here.members[worker]], "amount_tokens": 5, "budget": here.budget}
            return await here.decided(case, who, "award", **earned, message=f"Thank you for {case[-6:]}")

        here.awarded = with_words  # type: ignore[method-assign]
        ids = [
            await here.play(Scene(3, stage, "ana", "ana")) for stage in ("settled", "settled", "provisional")
        ]
        here.awarded = thanked  # type: ignore[method-assign]
        yield here, ids


async def team(here: Stage) -> Team:
    return Team((await here.told("/log"))["log"], here.members, here.keys)


async def choose(here: Stage, award: str | None, may: bool | None, who: str = "ana") -> int:
    answer = await here.at.ask(
        "POST", "/api/v1/me/announcing", here.keys[who], json={"award": award, "may": may}
    )
    return answer.status_code


async def shown(here: Stage) -> list[str]:
    """Return the awards on the page, the newest first."""
    return [one["award"] for one in (await here.told("/announced"))["items"]]


def said_of(one: dict[str, str]) -> str:
    return f"Thank you for {one['case'][-6:]}"


async def test_nothing_is_shown_before_somebody_says_yes(played: Played) -> None:
    here, _ = played
    assert await shown(here) == []


async def test_the_choice_for_one_goes_before_the_choice_for_all(played: Played) -> None:
    here, (first, second, waiting) = played
    one, two, three = first["award"], second["award"], waiting["award"]
    size = (await here.told("/log"))["size"]
    # (for all, for the first, for the second) -> what is shown; the waiting one never
    table: list[tuple[bool | None, bool | None, bool | None, list[str]]] = [
        (None, None, None, []),
        (None, True, None, [one]),
        (True, None, None, [two, one]),
        (True, False, None, [two]),
        (False, True, True, [two, one]),
        (False, None, True, [two]),
        (True, False, False, []),
        (None, None, None, []),
    ]
    for every, of_one, of_two, expected in table:
        for award, may in ((None, every), (one, of_one), (two, of_two), (three, True)):
            assert await choose(here, award, may) == 200
        assert await shown(here) == expected, (every, of_one, of_two)
        mine = (await here.at.ask("GET", "/api/v1/me/announcing", here.keys["ana"])).json()
        assert mine["always"] is bool(every)
        told = {one: of_one, two: of_two, three: True}
        assert mine["awards"] == {award: may for award, may in told.items() if may is not None}
    assert (await here.told("/log"))["size"] == size, "a choice leaves no entry"


async def test_it_is_ones_own_choice(played: Played) -> None:
    here, (first, *_) = played
    for who in ("marta", "ines", "robin"):
        assert await choose(here, first["award"], True, who) in (403, 404, 409, 422), who
        await choose(here, None, True, who)
    assert await choose(here, "nothing", True) != 200
    assert await shown(here) == [], "nobody says yes for another"


async def test_what_it_tells_and_what_not(played: Played) -> None:
    here, (first, *_) = played
    await choose(here, first["award"], True)
    (told,) = (await here.told("/announced"))["items"]
    assert set(told) == {"award", "kind", "message", "members", "by", "at"}
    assert (told["message"], told["members"], told["by"]) == (
        said_of(first), [here.members["ana"]], here.members["ines"],
    )  # fmt: skip
    for who, status in (("marta", 200), ("ana", 200), ("ines", 403), ("robin", 403)):
        assert (await here.at.ask("GET", "/api/v1/announced", here.keys[who])).status_code == status, who
    await choose(here, first["award"], None)


async def test_on_the_pages(played: Played) -> None:
    here, (first, second, waiting) = played
    people = await team(here)
    before = (await here.at.see("/recognition", people, "ana")).text
    assert "Yours are not shown" in words(before) and before.count('name="may" value="yes"') == 3
    assert "Nothing is shared right now." in words((await here.at.see("/thanks", people, "marta")).text)
    form(before, "/recognition/sharing")
    sent = {"key": "7" * 32, "award": second["award"], "may": "yes"}
    done = await here.at.send("/recognition/sharing", people, "ana", sent)
    assert done.headers["location"] == "/recognition?said=shared"
    said = words((await here.at.see("/thanks", people, "marta")).text)
    assert said_of(second) in said and "For ana" in said and "ines" in said
    assert said_of(first) not in said and said_of(waiting) not in said and "token" not in said
    assert [word for word in NEVER_SAID if says(said, word)] == []
    assert "The others here may see this." in words((await here.at.see("/recognition", people, "ana")).text)
    await here.at.send("/recognition/sharing", people, "ana", sent | {"key": "8" * 32, "may": "no"})
    assert said_of(second) not in (await here.at.see("/thanks", people, "marta")).text, "gone at once"
    wrong = await here.at.send(
        "/recognition/sharing", people, "ana", sent | {"key": "9" * 32, "may": "maybe"}
    )
    assert wrong.status_code == 422


async def test_what_is_questioned_or_old_is_not_shown(played: Played) -> None:
    here, (first, second, _) = played
    await choose(here, None, True)
    await choose(here, first["award"], None)
    await choose(here, second["award"], None)
    assert len(await shown(here)) == 2
    await here.do("marta", f"/awards/{second['award']}/hold", {"reason_code": "under_question"})
    assert await shown(here) == [first["award"]]
    await here.do("marta", f"/awards/{second['award']}/release", {"reason_code": "answered"})
    assert len(await shown(here)) == 2
    here.at.wait(91 * DAY_SECONDS)
    assert await shown(here) == []


# ---------------------------------------------------------------------------------------------- several people
SHARED: list[tuple[str, dict[tuple[str, str], int], bool]] = [
    ("nobody chose", {}, False),
    ("one of two", {("a", "w"): 1}, False),
    ("both, each in another way", {("a", "w"): 1, ("b", "*"): 1}, True),
    ("one hides this one", {("a", "*"): 1, ("b", "*"): 1, ("b", "w"): 0}, False),
    ("another award", {("a", "v"): 1, ("b", "v"): 1}, False),
]


@pytest.mark.parametrize(("choices", "expected"), [row[1:] for row in SHARED], ids=[row[0] for row in SHARED])
async def test_what_several_share_is_shown_when_all_agree(
    choices: dict[tuple[str, str], int], expected: bool
) -> None:
    rows = {key: {"may": may} for key, may in choices.items()}
    assert announcing.may_show("w", ["a", "b"], rows) is expected
    assert announcing.may_show("w", [], rows) is False


async def test_whoever_left_is_not_shown(played: Played) -> None:
    here, (_, _, waiting) = played
    await here.at.tick()  # its waiting is over since
    assert await shown(here) == [waiting["award"]], "what was chosen while it waited counts once it is final"
    await here.do("marta", f"/members/{here.members['ana']}/leave", {"reason_code": "left"})
    assert await shown(here) == []
