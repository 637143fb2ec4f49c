"""Nobody is stuck without a sentence: a door tells who may take each step of a case, or what to do about it."""

from __future__ import annotations

import pytest

from casework.staffing import SENTENCES, STEPS
from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_steps_of_a_report_name_people_or_say_a_sentence(at: House, ours: Team) -> None:
    case = (await at.done("/api/v1/reports", ours.keys["staff"], {"note": "The lift stops"}))["ids"]["case"]
    answer = await at.ask("GET", f"/api/v1/cases/{case}/steps", ours.keys["manager"])
    assert answer.status_code == 200
    told = {item["step"]: item for item in answer.json()["items"]}
    assert set(told) == set(STEPS)
    assert told["acknowledge"]["members"] == [ours.members["owner"]]
    assert ours.members["staff"] in told["take_action"]["members"]
    assert ours.members["agent"] not in told["take_action"]["members"]
    assert ours.members["agent"] in told["propose"]["members"]
    # nobody was given the power to decide yet
    assert told["decide_action"] == {
        "step": "decide_action",
        "members": [],
        "sentence": SENTENCES["decide_action"],
    }


async def test_steps_of_an_unknown_case_are_not_found(at: House, ours: Team, theirs: Team) -> None:
    case = (await at.done("/api/v1/reports", theirs.keys["staff"], {"note": "The lift stops"}))["ids"]["case"]
    answer = await at.ask("GET", f"/api/v1/cases/{case}/steps", ours.keys["manager"])
    assert answer.status_code == 404
