"""What is recognised: each policy in words, what a simulated year says of it, other numbers played first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api import simulated_years
from api.pages.recognised import facts
from api.pages.simulated_words import COUNTERS, HOUSES, WAYS
from api.pages.words import Words
from api.published import read_policy_text
from api.simulated_years import NotPlayed, play
from casework.laboratory import trial
from casework.laboratory.agents import CAREFUL
from casework.laboratory.plays import PLAYS
from tests.api.house import House, Team, house
from tests.page_words import NEVER_SAID, says
from tests.pages.reading import form, words
from tools import incentives
from verifiers.registry import load_policy

TRAINING = "/settings/recognised/training"
NUMBERS = f"{TRAINING}/numbers"
ENGLISH = Words("en", ZoneInfo("UTC"), "2026-11-20T10:00:00.000Z")
OTHER = "tokens=3&window_days=14&cap_tokens=15&cap_days=30"


async def versions(place: House, team: Team) -> list[str]:
    """Return the policies that are published."""
    told = (await place.ask("GET", "/api/v1/policies", team.keys["owner"])).json()["items"]
    return sorted(one["policy"] for one in told)


async def publish(place: House, team: Team, page: str, **changed: str) -> Any:
    sent = form(page, "/numbers")
    return await place.send(sent.action, team, "owner", {**sent.fields, **changed})


async def test_each_policy_is_told_with_its_simulated_year(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        listed = (await place.see("/settings", team, "owner")).text
        for name in PLAYS:
            assert f'href="/settings/recognised/{name}"' in listed
            page = (await place.see(f"/settings/recognised/{name}", team, "owner")).text
            said = words(page)
            assert "What a simulated year says of this" in said and "A model, not a gate." in said
            assert "Played when this version was made" in said and "Everybody is honest" in said
            for one in simulated_years.shipped_years().values():
                if one["policy"] == name:
                    permille = one["houses"]["all"]["gamed"]["permille"]
                    assert f"{permille // 10}.{permille % 10} %" in said
            assert not [word for word in NEVER_SAID if says(page, word)], name


async def test_only_an_owner_sees_and_changes_what_is_recognised(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        for role in ("manager", "staff", "auditor", "outsider"):
            for path in (TRAINING, f"{NUMBERS}?{OTHER}"):
                assert (await place.see(path, team, role)).status_code == 403, (role, path)
        assert (await place.see("/settings/recognised/nothing_here", team, "owner")).status_code == 404


async def test_other_numbers_are_played_and_then_published_as_a_new_version(tmp_path: Path) -> None:
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        page = (await place.see(f"{NUMBERS}?{OTHER}", team, "owner")).text
        said = words(page)
        assert "5 tokens at most becomes 3 tokens at most" in said
        assert "Played just now: 60 made-up people, 52 weeks." in said and "As it is now" in said
        assert await versions(place, team) == []  # looking changes nothing
        for _ in range(2):  # pressed twice, it is there once
            done = await publish(place, team, page)
            assert done.headers["location"] == f"{TRAINING}?said=published"
        assert await versions(place, team) == ["training/v2"]
        after = (await place.see(TRAINING, team, "owner")).text
        assert "Version 2" in words(after) and "Nobody has played these numbers yet" in words(after)
        assert "Played just now" in words((await place.see(f"{TRAINING}?play=1", team, "owner")).text)
        again = await publish(place, team, page, tokens="4")
        assert again.status_code == 409 and await versions(place, team) == ["training/v2"]


async def test_numbers_that_are_none_are_told_and_nothing_is_played(tmp_path: Path) -> None:
    cases = (
        ("tokens=-1", 422, "nothing was changed"),
        ("tokens=many", 422, "nothing was changed"),
        ("window_days=0", 422, "nothing was changed"),
        ("cap_tokens=5", 422, "nothing was changed"),  # half a cap is none
        ("cap_tokens=15&cap_days=30", 200, "These are the numbers it has."),
    )
    async with house(tmp_path, pages=True) as place:
        team = await place.organisation("The Quay")
        for numbers, status, sentence in cases:
            answer = await place.see(f"{NUMBERS}?{numbers}", team, "owner")
            assert answer.status_code == status and sentence in words(answer.text), (
                numbers,
                words(answer.text),
            )
            assert "Publish the new numbers" not in words(answer.text)


# ------------------------------------------------------------------------------------------- beside the server
async def test_what_takes_too_long_is_ended_and_the_server_goes_on_meanwhile() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    meanwhile = asyncio.create_task(others())
    with pytest.raises(NotPlayed, match=r"within 0\.3 seconds"):
        await play(incentives.shipped("operational_check"), seconds_max=0.3)
    meanwhile.cancel()
    assert turns > 5


async def test_what_is_no_policy_is_not_played() -> None:
    with pytest.raises(NotPlayed, match="expected exit code 0, got 2: policy: expected exactly"):
        await play({"v": 1})


async def test_a_play_beside_the_server_says_what_the_same_play_says_here() -> None:
    content = incentives.shipped("training")
    told = await play(content)
    assert dict(told.houses) == trial.tried(content, "training")["houses"] and told.fresh


def test_everything_that_may_be_told_has_its_words() -> None:
    """And what is told of the shipped policies is of those that are shipped now."""
    digests = {load_policy(incentives.shipped(name)).digest for name in PLAYS}
    assert set(simulated_years.shipped_years()) == digests
    counters = {
        one.name for name, made in PLAYS.items() for one in made("1", True, _parameters(name)).counters()
    }
    assert set(HOUSES) == set(trial.HOUSES) and set(COUNTERS) == counters and set(WAYS) == set(CAREFUL.sees)


def _parameters(name: str) -> Any:
    return incentives.shipped(name)["parameters"]


@pytest.mark.parametrize(("policy", "least"), [("service_issue", 1), ("training", 1), ("handover", 2)])
def test_how_safe_counts_the_evidence_and_not_the_yes(policy: str, least: int) -> None:
    """The number of the settings is the one that an award then shows, or the page promises more than it keeps."""
    text = (Path(incentives.__file__).parents[1] / "verifiers" / "policies" / f"{policy}.yaml").read_text()
    said = dict(facts(load_policy(dict(read_policy_text(text, policy).content)), ENGLISH))["How safe"]
    alone = "somebody alone could fake it, if whoever says yes believes them"
    together = f"at least {least} people would have to fake it together; whoever says yes is not counted"
    assert said == (alone if least == 1 else together)
