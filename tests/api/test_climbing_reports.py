"""Urgent reports among people who would rather keep them down, or who mean well: who is asked in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ledger.store.tables import entry
from tests.api.house import House, Team, house
from tests.api.test_climbing import owner_after, rooms_of

MINUTE, DAY = 60, 86_400
TOMORROW = "2026-11-21T09:00:00.000Z"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as place:
        yield place


async def joined(at: House, team: Team, name: str, role: str, **more: Any) -> None:
    """Let somebody join, under the name tests use."""
    body = {"name": name.title(), "roles": [role], **more}
    team.members[name] = (await at.done("/api/v1/members", team.keys["owner"], body))["ids"]["member"]
    issued = await at.done("/api/v1/keys", team.keys["owner"], {"member": team.members[name]})
    team.keys[name] = issued["secret"]


async def reported(at: House, who: str = "staff") -> tuple[Team, str]:
    """Somebody told of the ice machine, now; the manager is asked. Kim is one more of the staff."""
    team = await at.organisation("The Quay")
    await joined(at, team, "kim", "staff")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    return team, (await at.done("/api/v1/reports", team.keys[who], report))["ids"]["case"]


async def hand(at: House, team: Team, case: str, by: str, to: str) -> None:
    handed = {"owner": team.members[to], "reason_code": "handed_over"}
    await at.done(f"/api/v1/cases/{case}/owner", team.keys[by], handed)


async def note(at: House, team: Team, case: str, by: str) -> None:
    await at.done(f"/api/v1/cases/{case}/notes", team.keys[by], {"note": "Looks fine"})


async def away(at: House, team: Team, who: str, stand_in: str, until: str = TOMORROW) -> None:
    body = {"stand_in": team.members[stand_in], "until": until}
    await at.done(f"/api/v1/members/{team.members[who]}/away", team.keys["owner"], body)


async def test_it_never_goes_to_whoever_of_the_staff_told_of_it(at: House) -> None:
    """The first owner is away, and the reporter stands in: another owner is asked."""
    team = await at.organisation("The Quay")
    await joined(at, team, "olga", "owner")
    await away(at, team, "owner", "staff", "2026-12-20T09:00:00.000Z")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    assert await owner_after(at, team, case, 15 * MINUTE) == "olga"
    assert await owner_after(at, team, case, 3 * DAY) == "olga"


async def test_what_was_in_hand_goes_past_the_reporter_who_stands_in_too(at: House) -> None:
    team, case = await reported(at)
    await away(at, team, "owner", "staff", "2026-12-20T09:00:00.000Z")
    until = {"until": "2026-11-20T12:00:00.000Z"}
    await at.done(f"/api/v1/cases/{case}/acknowledge", team.keys["manager"], until)
    assert await owner_after(at, team, case, 3 * 3600) == "owner"


async def test_where_nobody_else_is_there_it_waits_for_the_owner_who_is_away(at: House) -> None:
    team = await at.organisation("The Quay")
    await away(at, team, "owner", "staff", "2026-12-20T09:00:00.000Z")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    assert await owner_after(at, team, case, 15 * MINUTE) == "owner"


async def test_whoever_comes_back_is_asked_though_the_case_did_not_change(at: House) -> None:
    team = await at.organisation("The Quay")
    await away(at, team, "owner", "manager")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    assert await owner_after(at, team, case, 20 * 3600) == "manager"  # who stands in for the owner too
    assert await owner_after(at, team, case, 4 * 3600) == "owner"


async def test_a_manager_who_kept_their_own_report_and_leads_no_more_does_not_keep_it(at: House) -> None:
    team, case = await reported(at, "manager")
    assert await owner_after(at, team, case, DAY) == "manager"
    role = f"/api/v1/members/{team.members['manager']}/roles"
    await at.done(role, team.keys["owner"], {"role": "staff"})
    await at.done(f"{role}/manager/end", team.keys["owner"])
    assert await owner_after(at, team, case, 6 * MINUTE) == "owner"


AFTER_REOPENING = [
    # who reopens what somebody took and a manager closed; who writes a note then; whose it is in the end
    ("staff", "kim", "owner"),
    ("staff", None, "owner"),
    ("kim", "kim", "owner"),
    ("staff", "manager", "kim"),  # a lead answered
]


@pytest.mark.parametrize(("by", "writes", "owner"), AFTER_REOPENING)
async def test_reopening_asks_nobody_who_was_not_asked_before(
    at: House, by: str, writes: str | None, owner: str
) -> None:
    team, case = await reported(at)
    await hand(at, team, case, "kim", "kim")
    await at.done(f"/api/v1/cases/{case}/close", team.keys["manager"], {"reason_code": "false_alarm"})
    await at.done(f"/api/v1/cases/{case}/reopen", team.keys[by], {"reason_code": "not_fixed"})
    if writes is not None:
        await note(at, team, case, writes)
    assert await owner_after(at, team, case, 7 * DAY) == owner


@pytest.mark.parametrize("answer", ["note", "in hand"])
async def test_an_honest_answer_stays_one_whoever_hands_it_about(at: House, answer: str) -> None:
    team, case = await reported(at)
    if answer == "note":
        await note(at, team, case, "manager")
    else:
        until = {"until": TOMORROW}
        await at.done(f"/api/v1/cases/{case}/acknowledge", team.keys["manager"], until)
    await hand(at, team, case, "staff", "manager")
    assert await owner_after(at, team, case, 20 * MINUTE) == "manager"
    await hand(at, team, case, "kim", "kim")
    await note(at, team, case, "kim")
    assert await owner_after(at, team, case, 20 * MINUTE) == "kim"


async def test_whom_a_lead_asked_stays_asked_whoever_hands_it_about(at: House) -> None:
    team, case = await reported(at)
    await hand(at, team, case, "manager", "kim")
    await hand(at, team, case, "staff", "staff")
    await hand(at, team, case, "staff", "kim")
    await note(at, team, case, "kim")
    assert await owner_after(at, team, case, DAY) == "kim"


async def test_who_told_of_it_and_was_asked_by_a_lead_answers_after_a_colleague_had_it_too(at: House) -> None:
    team, case = await reported(at)
    await joined(at, team, "lee", "staff")
    await hand(at, team, case, "manager", "staff")
    await hand(at, team, case, "staff", "lee")
    await hand(at, team, case, "lee", "staff")
    await note(at, team, case, "staff")
    assert await owner_after(at, team, case, DAY) == "staff"


async def test_whom_a_lead_asked_is_asked_when_it_comes_back(at: House) -> None:
    team, case = await reported(at)
    await hand(at, team, case, "manager", "staff")
    await at.done(f"/api/v1/cases/{case}/close", team.keys["manager"], {"reason_code": "false_alarm"})
    await at.done(f"/api/v1/cases/{case}/reopen", team.keys["manager"], {"reason_code": "not_fixed"})
    await note(at, team, case, "staff")
    assert await owner_after(at, team, case, DAY) == "staff"


@pytest.mark.parametrize("taken", ["by a lead", "by the time"])
async def test_whoever_it_was_taken_from_does_not_take_it_back(at: House, taken: str) -> None:
    team, case = await reported(at)
    await hand(at, team, case, "manager", "kim")
    if taken == "by a lead":
        await hand(at, team, case, "owner", "manager")
    else:
        assert await owner_after(at, team, case, 15 * MINUTE) == "owner"
    await hand(at, team, case, "kim", "kim")
    await note(at, team, case, "kim")
    assert await owner_after(at, team, case, DAY) == "owner"


async def test_a_lead_who_answered_and_hands_it_to_themselves_has_answered(at: House) -> None:
    team, case = await reported(at)
    await note(at, team, case, "manager")
    await hand(at, team, case, "manager", "manager")
    assert await owner_after(at, team, case, DAY) == "manager"


async def test_a_lead_who_takes_it_has_the_time_to_answer(at: House) -> None:
    team, case = await reported(at)
    assert await owner_after(at, team, case, 15 * MINUTE) == "owner"
    await hand(at, team, case, "owner", "manager")
    assert await owner_after(at, team, case, 15 * MINUTE) == "owner"
    await hand(at, team, case, "manager", "manager")
    assert await owner_after(at, team, case, 14 * MINUTE) == "manager"
    await note(at, team, case, "manager")
    assert await owner_after(at, team, case, DAY) == "manager"


async def test_taking_it_from_a_colleague_gives_a_lead_the_time_too(at: House) -> None:
    team, case = await reported(at)
    await hand(at, team, case, "kim", "kim")
    at.wait(14 * MINUTE)
    await hand(at, team, case, "manager", "manager")
    assert await owner_after(at, team, case, 14 * MINUTE) == "manager"
    assert await owner_after(at, team, case, MINUTE) == "owner"


async def test_a_second_account_of_the_reporter_answers_nothing(at: House) -> None:
    team = await at.organisation("The Quay")
    await joined(at, team, "double", "manager", same_as=team.members["staff"])
    report = {"note": "The ice machine leaks", "urgency": "now", "owner": team.members["manager"]}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    await note(at, team, case, "double")
    assert await owner_after(at, team, case, 15 * MINUTE) == "owner"


async def test_nobody_to_ask_writes_nothing(at: House) -> None:
    team = await at.organisation("The Quay")
    await away(at, team, "owner", "manager", "2026-12-20T09:00:00.000Z")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    for _ in range(5):
        assert await owner_after(at, team, case, 10 * MINUTE) == "manager"
    assert len(await (await rooms_of(at, team)).find(entry, {"case_id": case})) == 2
