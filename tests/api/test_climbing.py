"""A case that nobody answers goes one step up, once for each rung, and stays where the route ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api import climbing
from casework import routing, tables
from ledger.codec import loads
from ledger.store.tables import entry
from ledger.vault import VaultDamaged
from tests.api.house import House, Team, house
from tests.api.painted import jpeg
from tests.api.test_path import KINDS, PLAYBOOK, ROOT, decide, record

HALF_HOUR = 1800
ROUTE = """
route:
  - to: role:staff
    ack_within: 30m
  - to: role:manager
    ack_within: 2h
  - to: owner
decision:"""


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as place:
        yield place


async def opened(at: House) -> tuple[Team, str]:
    """A complaint that nobody dealt with in two hours, given to staff."""
    team = await at.organisation("The Quay")
    owner = team.keys["owner"]
    await at.done("/api/v1/kinds", owner, {"yaml": KINDS + "      opened_at: instant\n"})
    policy = (ROOT / "verifiers" / "policies" / "service_issue.yaml").read_text()
    await at.done("/api/v1/policies", owner, {"yaml": policy})
    route = PLAYBOOK[PLAYBOOK.index("\nroute:") : PLAYBOOK.index("decision:") + len("decision:")]
    await at.done("/api/v1/playbooks", owner, {"yaml": PLAYBOOK.replace(route, ROUTE)})
    await at.done("/api/v1/sources", owner, {"source": "desk", "kinds": ["complaint"]})
    records = [record("c-1", "open", "2026-11-20T09:00:00Z")]
    await at.done("/api/v1/sources/desk/records:batch", owner, {"records": records})
    at.wait(3 * 3600)
    await settled(at)
    (case,) = (await at.ask("GET", "/api/v1/cases", owner)).json()["items"]
    assert case["owner"] == team.members["staff"]
    return team, str(case["case"])


async def settled(at: House) -> None:
    """Tick until nothing is due; not for ever."""
    for _ in range(20):
        if not await at.tick():
            return
    raise AssertionError("something is due in every tick")


async def owner_after(at: House, team: Team, case: str, seconds: int) -> str:
    at.wait(seconds)
    await settled(at)
    row: dict[str, Any] = (await at.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()["case"]
    return next(role for role, member in team.members.items() if member == row["owner"])


async def test_each_rung_has_its_time_and_the_last_one_keeps_it(at: House) -> None:
    team, case = await opened(at)
    assert await owner_after(at, team, case, HALF_HOUR - 1) == "staff"
    assert await owner_after(at, team, case, 1) == "manager"
    assert await owner_after(at, team, case, 2 * 3600 - 1) == "manager"
    assert await owner_after(at, team, case, 1) == "owner"
    assert await owner_after(at, team, case, 100 * 3600) == "owner"
    rows = (await at.app.state.installation.rooms(team.log)).rows
    passed = await rows.find(entry, {"case_id": case, "kind": "escalated"}, order="seq")
    assert [loads(one["canon"])["body"]["reason_code"] for one in passed] == ["ack_expired", "ack_expired"]


async def test_whoever_answered_is_left_alone(at: House) -> None:
    team, case = await opened(at)
    await at.done(f"/api/v1/cases/{case}/notes", team.keys["staff"], {"note": "I am calling them"})
    assert await owner_after(at, team, case, 100 * 3600) == "staff"


WHO_WRITES = [
    # who writes a note in an urgent report that staff opened and the manager owns; whose it is a day later
    ("staff", "owner"),  # nobody answers what they asked themselves
    ("colleague", "owner"),
    ("manager", "manager"),
    ("owner", "manager"),  # somebody above knows of it
]


@pytest.mark.parametrize(("who", "owner"), WHO_WRITES)
async def test_an_answer_comes_from_whoever_was_asked_or_from_a_lead(at: House, who: str, owner: str) -> None:
    team = await at.organisation("The Quay")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    joined = await at.done("/api/v1/members", team.keys["owner"], {"name": "Kim", "roles": ["staff"]})
    issued = await at.done("/api/v1/keys", team.keys["owner"], {"member": joined["ids"]["member"]})
    team.keys["colleague"] = issued["secret"]
    at.wait(60)
    await at.done(f"/api/v1/cases/{case}/notes", team.keys[who], {"note": "Still so"})
    assert await owner_after(at, team, case, 86_400) == owner


async def test_handing_a_case_about_keeps_it_from_nobody(at: House) -> None:
    team, case = await opened(at)
    for whose, to in (("staff", "manager"), ("manager", "owner"), ("manager", "staff")):
        handed = {"owner": team.members[to], "reason_code": "handed_over"}
        await at.done(f"/api/v1/cases/{case}/owner", team.keys[whose], handed)
    assert await owner_after(at, team, case, HALF_HOUR) == "manager"
    assert await owner_after(at, team, case, 2 * 3600) == "owner"


async def test_handing_it_to_and_fro_gives_nobody_more_time(at: House) -> None:
    team, case = await opened(at)
    owners = []
    for to in ("manager", "staff", "staff", "manager", "staff", "manager", "staff", "manager"):
        at.wait(20 * 60)
        handed = {"owner": team.members[to], "reason_code": "handed_over"}
        await at.done(f"/api/v1/cases/{case}/owner", team.keys["staff"], handed)
        owners.append(await owner_after(at, team, case, 0))
    assert "owner" in owners, owners


async def test_handed_down_from_the_top_it_comes_up_again(at: House) -> None:
    team, case = await opened(at)
    for seconds in (HALF_HOUR, 2 * 3600):
        await owner_after(at, team, case, seconds)
    handed = {"owner": team.members["outsider"], "reason_code": "handed_over"}
    await at.done(f"/api/v1/cases/{case}/owner", team.keys["staff"], handed)
    assert [await owner_after(at, team, case, seconds) for seconds in (HALF_HOUR, 2 * 3600)] == [
        "manager",
        "owner",
    ]


TAKEN = [
    # how a report came to be its reporter's own, what they write then, whose it is a day later
    ("took it", None, "owner"),
    ("took it", "Looks fine", "owner"),
    ("named themselves", "Looks fine", "owner"),
    ("given by a lead", None, "owner"),
    ("given by a lead", "Done on Friday", "staff"),
]


@pytest.mark.parametrize(("how", "note", "owner"), TAKEN)
async def test_whoever_reported_it_does_not_keep_it_from_going_up(
    at: House, how: str, note: str | None, owner: str
) -> None:
    team = await at.organisation("The Quay")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    if how == "named themselves":
        report["owner"] = team.members["staff"]
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    handed = {"owner": team.members["staff"], "reason_code": "handed_over"}
    if how != "named themselves":
        by = "staff" if how == "took it" else "manager"
        await at.done(f"/api/v1/cases/{case}/owner", team.keys[by], handed)
    if note is not None:
        await at.done(f"/api/v1/cases/{case}/notes", team.keys["staff"], {"note": note})
    assert await owner_after(at, team, case, 86_400) == owner


IN_HAND = [
    # who has an urgent report of one of the staff and says again and again that it is in hand; whose it is then
    ("the reporter, who took it", "owner"),
    ("the reporter, whom a lead gave it", "staff"),
    ("a lead", "manager"),
]


@pytest.mark.parametrize(("who", "owner"), IN_HAND)
async def test_in_hand_counts_where_an_answer_does(at: House, who: str, owner: str) -> None:
    team = await at.organisation("The Quay")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    holder = "manager" if who == "a lead" else "staff"
    if holder == "staff":
        handed = {"owner": team.members["staff"], "reason_code": "handed_over"}
        by = "staff" if "took" in who else "manager"
        await at.done(f"/api/v1/cases/{case}/owner", team.keys[by], handed)
    until = {"until": "2026-12-10T09:00:00.000Z"}
    await at.done(f"/api/v1/cases/{case}/acknowledge", team.keys[holder], until)
    assert await owner_after(at, team, case, 14 * 60) == holder
    assert await owner_after(at, team, case, 86_400) == owner


TAKEN_OVER = [
    # who gives an urgent report that the manager has to a colleague of the staff, who writes a note; whose it is then
    ("colleague", "owner"),
    ("staff", "owner"),  # who reported it
    ("manager", "colleague"),
]


@pytest.mark.parametrize(("giver", "owner"), TAKEN_OVER)
async def test_whoever_takes_a_report_from_a_lead_does_not_answer_it(
    at: House, giver: str, owner: str
) -> None:
    team = await at.organisation("The Quay")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    joined = await at.done("/api/v1/members", team.keys["owner"], {"name": "Kim", "roles": ["staff"]})
    team.members["colleague"] = joined["ids"]["member"]
    issued = await at.done("/api/v1/keys", team.keys["owner"], {"member": joined["ids"]["member"]})
    team.keys["colleague"] = issued["secret"]
    handed = {"owner": team.members["colleague"], "reason_code": "handed_over"}
    await at.done(f"/api/v1/cases/{case}/owner", team.keys[giver], handed)
    at.wait(60)
    await at.done(f"/api/v1/cases/{case}/notes", team.keys["colleague"], {"note": "Nothing there"})
    assert await owner_after(at, team, case, 13 * 60) == "colleague"
    assert await owner_after(at, team, case, 86_400) == owner


async def test_one_of_the_staff_takes_what_a_watch_asks_the_staff(at: House) -> None:
    team, case = await opened(at)
    joined = await at.done("/api/v1/members", team.keys["owner"], {"name": "Kim", "roles": ["staff"]})
    team.members["colleague"] = joined["ids"]["member"]
    issued = await at.done("/api/v1/keys", team.keys["owner"], {"member": joined["ids"]["member"]})
    handed = {"owner": team.members["colleague"], "reason_code": "handed_over"}
    await at.done(f"/api/v1/cases/{case}/owner", issued["secret"], handed)
    await at.done(f"/api/v1/cases/{case}/notes", issued["secret"], {"note": "I am calling them"})
    assert await owner_after(at, team, case, 100 * 3600) == "colleague"


async def test_a_lead_gives_what_is_late_to_somebody_who_then_has_time_for_it(at: House) -> None:
    team = await at.organisation("The Quay")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    assert await owner_after(at, team, case, 31 * 60) == "owner"
    handed = {"owner": team.members["manager"], "reason_code": "handed_over"}
    await at.done(f"/api/v1/cases/{case}/owner", team.keys["owner"], handed)
    assert await owner_after(at, team, case, 14 * 60) == "manager"
    await at.done(f"/api/v1/cases/{case}/notes", team.keys["manager"], {"note": "Calling them"})
    assert await owner_after(at, team, case, 86_400) == "manager"
    handed["owner"] = team.members["outsider"]
    await at.done(f"/api/v1/cases/{case}/owner", team.keys["manager"], handed)
    assert await owner_after(at, team, case, 14 * 60) == "outsider"
    assert await owner_after(at, team, case, 60) == "owner"


async def test_people_are_read_once_in_a_tick(at: House, monkeypatch: pytest.MonkeyPatch) -> None:
    team, _ = await opened(at)
    kept = [record(f"c-{number}", "open", "2026-11-20T09:00:00Z") for number in range(2, 7)]
    await at.done("/api/v1/sources/desk/records:batch", team.keys["owner"], {"records": kept})
    await settled(at)
    count = 0
    people_here = routing.people_here

    async def counted(records: Any) -> Any:
        nonlocal count
        count += 1
        return await people_here(records)

    monkeypatch.setattr(climbing, "people_here", counted)
    at.app.state.worker._climbing.__init__()
    rooms = await at.app.state.installation.rooms(team.log)
    await at.app.state.worker._climbing.climb(rooms)
    assert count == 1


async def test_where_too_many_are_open_for_one_tick_the_next_goes_on(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(climbing, "LOOKED_AT_MAX", 2)
    team = await at.organisation("The Quay")
    report = {"note": "The ice machine leaks", "urgency": "now"}
    told = [(await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"] for _ in range(5)]
    at.wait(15 * 60)
    for _ in range(4):
        await at.tick()
    rows = await (await rooms_of(at, team)).find(tables.case_file, {"owner": team.members["owner"]})
    assert {row["case"] for row in rows} == set(told)


async def test_a_colleague_it_was_passed_to_has_the_time_of_the_first_rung(at: House) -> None:
    team, case = await opened(at)
    handed = {"owner": team.members["outsider"], "reason_code": "handed_over"}
    await at.done(f"/api/v1/cases/{case}/owner", team.keys["staff"], handed)
    assert await owner_after(at, team, case, HALF_HOUR - 1) == "outsider"
    assert await owner_after(at, team, case, 1) == "manager"


async def test_it_goes_to_the_stand_in_of_whoever_is_away(at: House) -> None:
    team, case = await opened(at)
    away = {"stand_in": team.members["outsider"], "until": "2026-11-30T09:00:00.000Z"}
    await at.done(f"/api/v1/members/{team.members['manager']}/away", team.keys["owner"], away)
    assert await owner_after(at, team, case, HALF_HOUR) == "outsider"


async def test_a_process_that_begins_anew_passes_on_once(at: House) -> None:
    team, case = await opened(at)
    at.wait(HALF_HOUR)
    at.app.state.worker._climbing.__init__()
    assert await owner_after(at, team, case, 0) == "manager"
    at.app.state.worker._climbing.__init__()
    assert await owner_after(at, team, case, 0) == "manager"


GOES_ON = [
    # what happened until the time that the owner named, whose it is then
    ("nothing", "owner"),
    ("suggested", "owner"),  # and nobody decided
    ("approved", "staff"),
]


@pytest.mark.parametrize(("happened", "owner"), GOES_ON)
async def test_in_hand_until_a_time_goes_on_or_is_passed_on(at: House, happened: str, owner: str) -> None:
    team = await at.organisation("The Quay")
    power = {"member": team.members["manager"], "about": "action", "assurance_min": "key"}
    await at.done("/api/v1/authorities", team.keys["owner"], power)
    report = {"note": "The ice machine leaks", "owner": team.members["staff"]}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    staff, until = team.keys["staff"], {"until": "2026-11-20T12:00:00.000Z"}
    await at.done(f"/api/v1/cases/{case}/acknowledge", staff, until)
    if happened != "nothing":
        suggested = {"action": "call", "text": "Call Otto"}
        await at.done(f"/api/v1/cases/{case}/proposals", staff, suggested)
    if happened == "approved":
        assert (await decide(at, case, team.keys["manager"], "action")).status_code == 201
    assert await owner_after(at, team, case, 3 * 3600) == owner


URGENT = [
    # how urgent, who told, seconds until it changes hands, whose it is then
    ("now", "staff", 15 * 60, "owner"),
    ("today", "staff", 14 * 3600, "owner"),  # midnight, ten in the morning now
    ("can_wait", "staff", 90 * 86_400, "manager"),
    ("now", "manager", 15 * 60, "manager"),  # knows of it
]


@pytest.mark.parametrize(("urgency", "who", "seconds", "owner"), URGENT)
async def test_a_report_that_cannot_wait_goes_to_the_owner(
    at: House, urgency: str, who: str, seconds: int, owner: str
) -> None:
    team = await at.organisation("The Quay")
    report = {"note": "The ice machine leaks", "urgency": urgency}
    case = (await at.done("/api/v1/reports", team.keys[who], report))["ids"]["case"]
    assert await owner_after(at, team, case, seconds - 1) == "manager"
    assert await owner_after(at, team, case, 1) == owner
    assert await owner_after(at, team, case, 86_400) == owner


async def test_a_photo_that_came_along_is_no_answer(at: House) -> None:
    team = await at.organisation("The Quay")
    parts = {
        "note": (None, "It leaks"),
        "urgency": (None, "now"),
        "photo": ("a.jpg", jpeg(60, 60), "image/jpeg"),
    }
    sent = await at.done("/api/v1/reports/form", team.keys["staff"], files=parts)
    assert await owner_after(at, team, sent["ids"]["case"], 15 * 60) == "owner"


async def test_nobody_gets_a_case_twice_in_this_way(at: House) -> None:
    """The owner is away, and the stand-in has it already: there is nobody else, and nothing more is written."""
    team = await at.organisation("The Quay")
    away = {"stand_in": team.members["manager"], "until": "2026-11-30T09:00:00.000Z"}
    await at.done(f"/api/v1/members/{team.members['owner']}/away", team.keys["owner"], away)
    report = {"note": "The ice machine leaks", "urgency": "now"}
    case = (await at.done("/api/v1/reports", team.keys["staff"], report))["ids"]["case"]
    for seconds in (15 * 60, 3600, 86_400):
        assert await owner_after(at, team, case, seconds) == "manager"
    assert len(await (await rooms_of(at, team)).find(entry, {"case_id": case})) == 2


async def test_a_stand_in_does_not_keep_a_case_from_the_last_rung(at: House) -> None:
    team, case = await opened(at)
    away = {"stand_in": team.members["outsider"], "until": "2026-11-30T09:00:00.000Z"}
    await at.done(f"/api/v1/members/{team.members['manager']}/away", team.keys["owner"], away)
    assert await owner_after(at, team, case, HALF_HOUR) == "outsider"
    assert await owner_after(at, team, case, HALF_HOUR) == "owner"
    size = len(await (await rooms_of(at, team)).find(entry, {"case_id": case}))
    assert await owner_after(at, team, case, 50 * 3600) == "owner"
    assert len(await (await rooms_of(at, team)).find(entry, {"case_id": case})) == size


async def test_an_owner_who_is_a_manager_too_is_asked_once(at: House) -> None:
    team, case = await opened(at)
    await at.done(f"/api/v1/members/{team.members['owner']}/roles", team.keys["owner"], {"role": "staff"})
    owners = []
    for _ in range(8):
        owners.append(await owner_after(at, team, case, 3 * 3600))
    assert owners == ["manager", *["owner"] * 7]


async def test_what_a_digital_employee_writes_is_no_answer(at: House) -> None:
    team, case = await opened(at)
    await at.done(
        f"/api/v1/cases/{case}/proposals", team.keys["agent"], {"action": "call", "text": "Call them"}
    )
    assert await owner_after(at, team, case, HALF_HOUR) == "manager"


async def test_a_case_that_cannot_be_read_keeps_no_other_from_going_on(at: House) -> None:
    team, case = await opened(at)
    running = at.app.state.worker._climbing
    next_of = running._next

    async def one_is_damaged(rooms: Any, row: Any, here: Any) -> Any:
        if row["case"] != case:
            raise VaultDamaged("a value is not what its entry commits to")
        return await next_of(rooms, row, here)

    running._next = one_is_damaged
    await at.done("/api/v1/reports", team.keys["staff"], {"note": "It leaks", "urgency": "now"})
    assert await owner_after(at, team, case, HALF_HOUR) == "manager"


async def rooms_of(at: House, team: Team) -> Any:
    return (await at.app.state.installation.rooms(team.log)).rows
