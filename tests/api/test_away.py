"""Away, leaves, the take-away file and who looked, through the doors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.canonical import json_dumps
from ledger.merkle import leaf_hash
from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEXT_WEEK = "2026-11-27T10:00:00.000Z"


async def got(at: House, path: str, who: str) -> Any:
    """Return the answer of a reading that must succeed."""
    answer = await at.ask("GET", f"/api/v1/{path}", who)
    assert answer.status_code == 200, (path, answer.text)
    return answer.json()


async def joined(at: House, team: Team, name: str, *roles: str) -> tuple[str, str]:
    """Let somebody join; return their id and key."""
    owner = team.keys["owner"]
    member = (await at.done("/api/v1/members", owner, {"name": name, "roles": list(roles)}))["ids"]["member"]
    return member, (await at.done("/api/v1/keys", owner, {"member": member}))["secret"]


# ---------------------------------------------------------------------------------------------- away
async def test_who_stands_in_for_whom_is_told(at: House) -> None:
    team = await at.organisation("Standing in")
    dev, key = await joined(at, team, "Dev", "manager")
    euro = {"amount_minor": 15_000, "currency": "EUR"}
    power = {"member": dev, "about": "action", "amount_max": {"amount_minor": 20_000, "currency": "EUR"}}
    own = (await at.done("/api/v1/authorities", team.keys["owner"], power))["ids"]["authority"]
    body = {"stand_in": team.members["staff"], "until": "2026-11-27T11:00:00+01:00", "amount_max": euro}
    given = await at.done(f"/api/v1/members/{dev}/away", key, body)
    assert given["resource"]["stand_in"] == team.members["staff"]
    (told,) = (await got(at, "away", team.keys["outsider"]))["items"]
    assert (told["giver_name"], told["stand_in_name"], told["until"]) == ("Dev", "Staff", NEXT_WEEK)
    assert (told["amount_max"], told["in_force"], len(told["authorities"])) == (euro, True, 1)
    page = await got(at, f"members/{team.members['staff']}", team.keys["auditor"])
    (lent,) = page["authorities"]
    assert (lent["delegated_from"], lent["giver"], lent["amount_max"]) == (own, dev, euro)
    assert [one["delegation"] for one in page["stands_in"]] == [told["delegation"]] and page["away"] == []
    end = f"/api/v1/members/{dev}/away/{told['delegation']}/end"
    await at.done(end, key, {})
    assert (await got(at, "away", key))["items"] == []
    again = await at.ask("POST", end, key, json={})
    assert (again.status_code, again.json()["code"]) == (404, "unknown")


BAD: list[tuple[str, dict[str, Any], int, str]] = [
    # who asks, what is wrong, status, code
    ("staff", {}, 403, "role_missing"),
    ("owner", {"stand_in": "nobody"}, 422, "stand_in_invalid"),
    ("owner", {"until": "2026-11-19T10:00:00Z"}, 422, "value_invalid"),
    ("owner", {"until": "tomorrow"}, 422, "invalid_request"),
    ("owner", {"tokens_max": -1}, 422, "invalid_request"),
    ("owner", {"authorities": ["nothing"]}, 404, "unknown"),
    ("owner", {"hours": 3}, 422, "invalid_request"),
    ("agent", {}, 403, "not_allowed"),
]


@pytest.mark.parametrize(("role", "more", "status", "code"), BAD)
async def test_going_away_is_refused(
    at: House, ours: Team, role: str, more: dict[str, Any], status: int, code: str
) -> None:
    body = {"stand_in": ours.members["staff"], "until": NEXT_WEEK, **more}
    answer = await at.ask(
        "POST", f"/api/v1/members/{ours.members['manager']}/away", ours.keys[role], json=body
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_report_for_somebody_who_is_away_opens_with_the_stand_in(at: House) -> None:
    team = await at.organisation("A report")
    body = {"stand_in": team.members["manager"], "until": NEXT_WEEK}
    await at.done(f"/api/v1/members/{team.members['owner']}/away", team.keys["owner"], body)
    report = await at.done("/api/v1/reports", team.keys["staff"], {"note": "The tap drips"})
    assert report["resource"]["owner"] == team.members["manager"]


# ---------------------------------------------------------------------------------------------- leaves
async def test_whoever_leaves_is_out_and_their_cases_go_to_the_successor(at: House) -> None:
    team = await at.organisation("Leaving")
    owner = team.keys["owner"]
    cook, key = await joined(at, team, "Cook", "staff")
    report = await at.done("/api/v1/reports", key, {"note": "The tap drips", "owner": cook})
    path = f"/api/v1/members/{cook}/leave"
    for successor in (cook, team.members["agent"], "nobody"):
        answer = await at.ask("POST", path, owner, json={"reason_code": "left", "successor": successor})
        assert (answer.status_code, answer.json()["code"]) == (422, "successor_invalid")
    left = await at.done(path, owner, {"reason_code": "left", "successor": team.members["manager"]})
    assert (left["ids"], left["resource"]["active"]) == ({"member": cook}, False)
    case = (await got(at, f"cases/{report['ids']['case']}", owner))["case"]
    assert case["owner"] == team.members["manager"]
    assert (await at.ask("GET", "/api/v1/me", key)).status_code == 401
    keys = (await got(at, "keys", owner))["items"]
    assert [one["active"] for one in keys if one["member"] == cook] == [False]
    # on their behalf, after they left
    file = await got(at, f"members/{cook}/take-away", owner)
    assert (file["person"]["name"], file["person"]["active"]) == ("Cook", False)
    assert [one["value"] for one in file["written"]] == ["The tap drips"]
    assert [(one["by"], one["what"]) for one in file["looks"]] == [(team.members["owner"], "take_away")]


# ---------------------------------------------------------------------------------------------- take away
async def test_the_file_holds_what_is_recorded_and_nothing_of_others(at: House) -> None:
    team = await at.organisation("Take away")
    staff, owner = team.keys["staff"], team.keys["owner"]
    case = (await at.done("/api/v1/reports", staff, {"note": "The tap drips"}))["ids"]["case"]
    await at.done(f"/api/v1/cases/{case}/notes", owner, {"note": "Words of the owner"})
    await at.done(f"/api/v1/cases/{case}/proposals", staff, {"action": "call", "text": "Call a plumber"})
    said = {"statement": "I saw it"}
    evidence = await at.done(f"/api/v1/cases/{case}/evidence/statement", staff, said)
    await at.ask("POST", "/api/v1/log/checkpoint", owner)
    answer = await at.ask("GET", "/api/v1/me/take-away", staff)
    file = answer.json()
    assert answer.content == json_dumps(file)
    assert (file["v"], file["type"], file["log"]) == (1, "tallystick/take-away", team.log)
    assert answer.headers["content-disposition"].startswith("attachment; filename=take-away-")
    assert file["checkpoint"].startswith(team.log)
    assert [one["value"] for one in file["written"] if one["path"] in ("note", "text")] == [
        "The tap drips",
        "Call a plumber",
        "I saw it",
    ]
    assert [one["evidence"] for one in file["evidence"]] == [evidence["ids"]["evidence"]]
    assert [(one["case"], one["reported"], one["owned"]) for one in file["cases"]] == [(case, True, False)]
    assert "Words of the owner" not in answer.text and "secret_digest" not in answer.text
    # every step it names is a step of the log, with its leaf
    entries = (await got(at, "log/entries?limit=1000", owner))["items"]
    mine = team.members["staff"]
    naming = [one for one in entries if f'"{mine}"' in json.dumps(one["entry"])]
    assert [(one["seq"], one["leaf"]) for one in file["steps"]] == [
        (one["entry"]["seq"], one["leaf"]) for one in naming
    ]
    assert naming[0]["leaf"] == leaf_hash(json_dumps(naming[0]["entry"])).hex()


async def test_values_that_concern_somebody_else_are_left_out(at: House) -> None:
    team = await at.organisation("Of others")
    staff = team.keys["staff"]
    named = {"note": "Loud", "subject": {"kind": "room", "id": "12", "customer": "Mrs Vane"}}
    case = (await at.done("/api/v1/reports", staff, named))["ids"]["case"]
    link = {"customer": "vane", "until": NEXT_WEEK, "address": "vane@example.org"}
    await at.done(f"/api/v1/cases/{case}/links", staff, link)
    file = await got(at, "me/take-away", staff)
    told = {one["path"]: (one["left_out"], one["value"]) for one in file["written"]}
    assert told == {"note": (False, "Loud"), "subject": (True, None), "address": (True, None)}


# ---------------------------------------------------------------------------------------------- record and looks
async def test_my_record_pages_through_the_steps_that_name_me(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = await at.organisation("Record")
    staff = team.keys["staff"]
    for number in range(5):
        await at.done("/api/v1/reports", staff, {"note": f"Tap {number}"})
    whole = (await got(at, "me/record?limit=200", staff))["items"]
    assert [one["seq"] for one in whole] == sorted((one["seq"] for one in whole), reverse=True)
    assert {(one["kind"], one["as"]) for one in whole} >= {
        ("member_joined", "named"),
        ("api_key_issued", "named"),
        ("case_opened", "actor"),
    }
    monkeypatch.setattr("api.naming.STEPS_PER_PAGE_MAX", 3)
    monkeypatch.setattr("api.naming.CHUNK_STEPS", 2)
    paged: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await got(at, f"me/record?limit=2{cursor and '&cursor=' + cursor}", staff)
        assert len(page["items"]) <= 2
        paged += page["items"]
        cursor = page["next_cursor"]
    assert paged == whole


async def test_a_look_is_noted_once_a_day_and_told_to_the_person_alone(at: House) -> None:
    team = await at.organisation("Looks")
    staff = team.members["staff"]
    size = (await got(at, "log", team.keys["owner"]))["size"]
    for _ in range(2):
        await got(at, f"members/{staff}", team.keys["manager"])
        await got(at, f"members/{staff}", team.keys["auditor"])
    await got(at, f"members/{team.members['manager']}", team.keys["manager"])
    told = (await got(at, "me/looks", team.keys["staff"]))["items"]
    assert sorted((one["by_name"], one["what"]) for one in told) == [
        ("Auditor", "member"),
        ("Manager", "member"),
    ]
    assert (await got(at, "me/looks", team.keys["manager"]))["items"] == []
    assert (await got(at, "log", team.keys["owner"]))["size"] == size
    at.wait(24 * 3600)
    await got(at, f"members/{staff}", team.keys["manager"])
    assert len((await got(at, "me/looks", team.keys["staff"]))["items"]) == 3
