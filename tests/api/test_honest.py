"""Honest histories of all that the audit of meaning asks of a hand-over: it blames none of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.auditing import Audited, audit_database, vault_of
from casework import absence
from tests.api.house import House, Team, house
from tests.api.test_climbing import opened, owner_after, settled
from tests.api.test_climbing_reports import away, hand, joined
from tests.api.test_path import record

TOMORROW = "2026-11-21T09:00:00.000Z"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as place:
        yield place


async def audited(at: House, team: Team) -> Audited:
    installation = at.app.state.installation
    rooms = await installation.rooms(team.log)
    return await audit_database(rooms.reader, vault_of(installation.settings, team.log), None, ())


async def blamed(at: House, team: Team) -> list[Any]:
    earned = (await audited(at, team)).earned
    assert earned is not None
    return list(earned.findings)


async def report(at: House, team: Team, who: str = "staff") -> str:
    told = {"note": "The ice machine leaks", "urgency": "now"}
    return str((await at.done("/api/v1/reports", team.keys[who], told))["ids"]["case"])


async def test_reports_while_people_are_away_and_stand_in_for_each_other(at: House) -> None:
    team = await at.organisation("The Quay")
    await joined(at, team, "dora", "manager")
    await away(at, team, "manager", "dora")
    await report(at, team)
    await away(at, team, "dora", "outsider")
    case = await report(at, team)
    assert await owner_after(at, team, case, 0) == "outsider"
    at.wait(20 * 3600)
    await settled(at)
    at.wait(4 * 3600)  # everybody is back
    await report(at, team, "manager")
    await settled(at)
    assert await blamed(at, team) == []


async def test_a_watch_asks_whoever_stands_in_and_what_it_noticed_comes_back(at: House) -> None:
    team, case = await opened(at)
    await away(at, team, "staff", "manager")
    send = "/api/v1/sources/desk/records:batch"
    more = [record("c-2", "open", "2026-11-20T12:00:00Z")]
    await at.done(send, team.keys["owner"], {"records": more})
    at.wait(3 * 3600)
    await settled(at)
    for status in ("closed", "open"):
        now = at.app.state.installation.clock.now()
        sent = [record("c-1", status, now, "2026-11-20T09:00:00Z")]
        await at.done(send, team.keys["owner"], {"records": sent})
        at.wait(3 * 3600)
        await settled(at)
    found = (await at.ask("GET", "/api/v1/cases", team.keys["owner"])).json()["items"]
    assert case in {one["case"] for one in found} and len(found) >= 2
    assert await blamed(at, team) == []


async def test_what_comes_back_when_its_owner_has_left_goes_to_an_owner(at: House) -> None:
    team = await at.organisation("The Quay")
    await joined(at, team, "olga", "owner")
    case = await report(at, team)
    await hand(at, team, case, "manager", "staff")
    close, reopen = f"/api/v1/cases/{case}/close", f"/api/v1/cases/{case}/reopen"
    await at.done(close, team.keys["manager"], {"reason_code": "false_alarm"})
    gone = {"reason_code": "left", "successor": team.members["olga"]}
    await at.done(f"/api/v1/members/{team.members['staff']}/leave", team.keys["owner"], gone)
    await at.done(reopen, team.keys["manager"], {"reason_code": "not_fixed"})
    assert await owner_after(at, team, case, 0) == "owner"
    await at.done(close, team.keys["manager"], {"reason_code": "accepted_risk"})
    await at.done(reopen, team.keys["olga"], {"reason_code": "closed_in_error"})
    assert await blamed(at, team) == []


async def test_who_leaves_hands_over_what_is_open_at_every_stage(at: House) -> None:
    team = await at.organisation("The Quay")
    await joined(at, team, "olga", "owner")
    power = {"member": team.members["owner"], "about": "action"}
    await at.done("/api/v1/authorities", team.keys["owner"], power)
    cases = [await report(at, team) for _ in range(3)]
    suggested = {"action": "call", "text": "Call Otto"}
    await at.done(f"/api/v1/cases/{cases[1]}/proposals", team.keys["manager"], suggested)
    until = {"until": TOMORROW}
    await at.done(f"/api/v1/cases/{cases[2]}/acknowledge", team.keys["manager"], until)
    gone = {"reason_code": "left", "successor": team.members["olga"]}
    await at.done(f"/api/v1/members/{team.members['manager']}/leave", team.keys["owner"], gone)
    for case in cases:
        assert await owner_after(at, team, case, 0) == "olga"
    at.wait(25 * 3600)
    await settled(at)
    assert await blamed(at, team) == []


@pytest.mark.parametrize("meanwhile", ["the time is over", "it is ended", "nothing"])
async def test_whoever_comes_back_while_a_report_is_under_way(
    at: House, meanwhile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is away is looked up before the writer; an entry that says so when it is no more would be blamed for ever."""
    team = await at.organisation("The Quay")
    body = {"stand_in": team.members["outsider"], "until": TOMORROW}
    path = f"/api/v1/members/{team.members['manager']}/away"
    given = await at.done(path, team.keys["owner"], body)
    in_for, waits = absence.in_for, [True]

    async def late(records: Any, member: str, now: str) -> str:
        found = await in_for(records, member, now)
        if waits and found == team.members["outsider"]:
            waits.clear()
            if meanwhile == "the time is over":
                at.wait(86_400)
            elif meanwhile == "it is ended":
                end = f"{path}/{given['ids']['delegation']}/end"
                await at.done(end, team.keys["owner"], {"reason_code": "ended_by_owner"})
        return found

    monkeypatch.setattr(absence, "in_for", late)
    told = {"note": "It leaks", "owner": team.members["manager"]}
    answer = await at.ask("POST", "/api/v1/reports", team.keys["staff"], json=told)
    expected = (201, None) if meanwhile == "nothing" else (409, "stale")
    assert (answer.status_code, answer.json().get("code")) == expected, answer.text
    assert await blamed(at, team) == []
