"""Planned work through the doors alone: a plan, its case at its time, a reading, a second look, an award, a miss."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from api import plans
from tests.api.house import House, Team
from tests.api.test_path import ROOT, decide

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLAN = """
v: 1
plan: fridge
title: Fridge temperature, cold room
policy: operational_check/v1
zone: UTC
days: [mon, tue, wed, thu, fri, sat, sun]
times: ["11:00", "18:00"]
early_minutes: 30
late_minutes: 30
to: role:staff
work:
  kind: check
  task: fridge
  place: cold-room
  unit: C
  scale: 1
  low: 0
  high: 50
"""
MINUTE = 60
HOUR = 3_600


async def planned(at: House, team: Team, plan: str = PLAN) -> None:
    owner = team.keys["owner"]
    policy = (ROOT / "verifiers" / "policies" / "operational_check.yaml").read_text()
    await at.done("/api/v1/policies", owner, {"yaml": policy})
    await at.done("/api/v1/plans", owner, {"yaml": plan})
    await at.done("/api/v1/authorities", owner, {"member": team.members["manager"], "about": "award"})
    budget = (await at.done("/api/v1/budgets", owner, {"amount_tokens": 100}))["ids"]["budget"]
    power = {"member": team.members["outsider"], "about": "award", "second_person": True}
    await at.done("/api/v1/authorities", owner, power)
    await at.done(f"/api/v1/budgets/{budget}/approve", team.keys["outsider"], {"amount_tokens": 100})
    team.members["budget"] = budget


async def cases(at: House, team: Team, **where: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in where.items())
    found = await at.ask("GET", f"/api/v1/cases?{asked}", team.keys["owner"])
    return [one for one in found.json()["items"] if one["origin"] == "schedule"]


async def case_of(at: House, team: Team, case: str) -> dict[str, Any]:
    told: dict[str, Any] = (await at.ask("GET", f"/api/v1/cases/{case}", team.keys["owner"])).json()
    return told


async def next_case(at: House, team: Team) -> str:
    """Wait until the next planned case opens (at most a day), and return it."""
    before = {one["case"] for one in await cases(at, team)}
    for _ in range(24 * 6):
        at.wait(10 * MINUTE)
        await at.tick()
        new = [one["case"] for one in await cases(at, team) if one["case"] not in before]
        if new:
            return str(new[0])
    raise AssertionError("no case was opened within a day")


async def test_a_check_from_the_plan_to_an_award(at: House, ours: Team) -> None:
    await planned(at, ours)
    staff, manager = ours.keys["staff"], ours.keys["manager"]
    await at.tick()
    assert await cases(at, ours) == []  # 10:00; it may begin at 10:30
    case = await next_case(at, ours)
    told = await case_of(at, ours, case)
    assert (told["case"]["state"], told["case"]["owner"]) == ("ASSIGNED", ours.members["staff"])
    assert told["texts"][told["case"]["facts_item"]]["due_at"] == "2026-11-20T11:00:00.000Z"
    at.wait(20 * MINUTE)
    first = await at.done(f"/api/v1/cases/{case}/work/reading", staff, {"value": 34})
    assert first["ids"]["case"] == case
    await at.tick()
    (verdict,) = (await case_of(at, ours, case))["verdicts"]
    assert (verdict["result"], verdict["missing"]) == (
        "insufficient",
        [
            "a check-in at the place, by whoever did the check, at the time of the reading",
            "at least 30 seconds since a check-in at another place",
        ],
    )
    # a colleague looks again, and says the same within the tolerance
    at.wait(10 * MINUTE)
    await at.done(f"/api/v1/cases/{case}/work/reading", manager, {"value": 35})
    judged = await at.done(f"/api/v1/cases/{case}/verdicts", manager, {})
    verdicts = (await case_of(at, ours, case))["verdicts"]
    assert [one["result"] for one in verdicts if one["verdict"] == judged["ids"]["verdict"]] == ["pass"]
    gift = {"beneficiaries": [ours.members["staff"]], "amount_tokens": 1, "budget": ours.members["budget"]}
    # who looked again is relied on, and so does not decide
    refused = await decide(at, case, manager, "award", **gift)
    assert (refused.status_code, refused.json()["code"]) == (403, "decider_is_submitter")
    done = await decide(at, case, ours.keys["outsider"], "award", **gift)
    assert done.status_code == 201, done.text
    at.wait(20)
    await at.tick()
    (award,) = (await case_of(at, ours, case))["awards"]
    assert (award["state"], award["k"], award["kind"]) == ("provisional", 2, "operational_check")
    at.wait(3 * 24 * HOUR)
    await at.tick()
    mine = (await at.ask("GET", "/api/v1/me/account", staff)).json()
    assert mine["sum_tokens"] == 1


async def test_a_failure_told_becomes_an_exception_of_its_own(at: House, theirs: Team) -> None:
    await planned(at, theirs)
    case = await next_case(at, theirs)
    body = {"value": 92, "wrong": "The door did not shut"}
    answer = await at.done(f"/api/v1/cases/{case}/work/reading", theirs.keys["staff"], body, key="reading-1")
    again = await at.done(f"/api/v1/cases/{case}/work/reading", theirs.keys["staff"], body, key="reading-1")
    assert again["ids"] == answer["ids"]
    found = (await at.ask("GET", "/api/v1/cases?limit=50", theirs.keys["owner"])).json()["items"]
    reports = [one for one in found if one["origin"] == "report"]
    assert len(reports) == 1
    (item,) = (await case_of(at, theirs, case))["evidence"]
    rows = (await at.app.state.installation.rooms(theirs.log)).rows
    facts = await rows.open(item["facts_item"])
    assert (facts["exception"], facts["value"]) == (reports[0]["case"], 92)


async def test_what_nobody_did_goes_to_a_lead_and_is_a_miss(at: House, theirs: Team) -> None:
    case = await next_case(at, theirs)
    at.wait(HOUR + 10 * MINUTE)
    await at.tick()
    told = await case_of(at, theirs, case)
    assert (told["case"]["state"], told["case"]["owner"]) == ("ASSIGNED", theirs.members["manager"])
    at.wait(12 * HOUR)
    await at.tick()
    told = await case_of(at, theirs, case)
    assert (told["case"]["state"], told["case"]["reason_code"]) == ("EXPIRED", "until_passed")
    late = await at.ask("POST", f"/api/v1/cases/{case}/work/reading", theirs.keys["staff"], json={"value": 1})
    assert (late.status_code, late.json()["code"]) == (409, "transition")


async def test_of_many_that_wait_none_is_left_out(
    at: House, theirs: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "CHUNK_ROWS", 1)
    waiting = [await next_case(at, theirs), await next_case(at, theirs)]
    at.wait(14 * HOUR)
    await at.tick()
    assert {(await case_of(at, theirs, case))["case"]["state"] for case in waiting} == {"EXPIRED"}


async def test_a_plan_that_ended_asks_for_nothing_and_times_that_passed_are_not_opened(
    at: House, theirs: Team
) -> None:
    before = len(await cases(at, theirs))
    at.wait(3 * 24 * HOUR + 15 * HOUR)  # nothing ran for three days
    await at.tick()
    assert len(await cases(at, theirs)) - before <= 1
    await at.done("/api/v1/plans/fridge/end", theirs.keys["owner"])
    before = len(await cases(at, theirs))
    for _ in range(30):
        at.wait(HOUR)
        await at.tick()
    assert len(await cases(at, theirs)) == before


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        (("policy: operational_check/v1", "policy: nothing/v1"), "unknown", "expected a published one"),
        (("zone: UTC", "zone: Nowhere"), "value_invalid", "expected a time zone"),
        (("v: 1", "v: [1"), "document_invalid", "expected YAML"),
    ],
)
async def test_a_plan_is_refused(
    at: House, ours: Team, changed: tuple[str, str], code: str, said: str
) -> None:
    answer = await at.ask(
        "POST", "/api/v1/plans", ours.keys["owner"], json={"yaml": PLAN.replace(*changed, 1)}
    )
    assert answer.status_code in (404, 409, 422) and said in answer.text, answer.text


async def test_an_account_is_linked_by_somebody_else(at: House, ours: Team) -> None:
    owner, manager = ours.keys["owner"], ours.keys["manager"]
    await at.done("/api/v1/kinds", owner, {"yaml": KINDS})
    await at.done("/api/v1/sources", owner, {"source": "lms", "kinds": ["course"]})
    body = {"source": "lms", "account": "ada.w", "member": ours.members["manager"]}
    own = await at.ask("POST", "/api/v1/accounts", manager, json=body)
    assert (own.status_code, own.json()["code"]) == (403, "second_person_needed")
    await at.done("/api/v1/accounts", owner, body)
    unknown = await at.ask("POST", "/api/v1/accounts", owner, json=body | {"account": "x", "member": None})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown")
    await at.done("/api/v1/accounts", owner, body | {"member": None})


KINDS = """
format: 1
zone: UTC
kinds:
  course:
    fields:
      account: string
"""


async def checks_done(at: House, team: Team, count: int, value: int = 34) -> list[str]:
    """Do so many checks, each looked at again by the manager; return their cases."""
    made = []
    for number in range(count):
        case = await next_case(at, team)
        at.wait(20 * MINUTE)
        await at.done(f"/api/v1/cases/{case}/work/reading", team.keys["staff"], {"value": value + number})
        await at.done(f"/api/v1/cases/{case}/work/reading", team.keys["manager"], {"value": value + number})
        await at.done(f"/api/v1/cases/{case}/verdicts", team.keys["manager"], {})
        made.append(case)
    return made


async def test_whoever_an_owner_named_says_what_they_saw(at: House, ours: Team, theirs: Team) -> None:
    policy = (ROOT / "verifiers" / "policies" / "training.yaml").read_text()
    await at.done("/api/v1/policies", ours.keys["owner"], {"yaml": policy})
    claim = {"policy": "training/v1", "course": "first-aid", "course_version": "3"}
    case = (await at.done("/api/v1/claims/training", ours.keys["staff"], claim))["ids"]["case"]
    path, seen = f"/api/v1/cases/{case}/work/assessment", {"passed": True}
    named = {"course": "first-aid", "member": ours.members["outsider"], "ground": "teaches"}
    tries: list[tuple[str, str, dict[str, Any], int, str]] = [
        # who, where, what, and the answer
        ("manager", path, seen, 403, "not_assessor"),
        ("owner", path, seen, 403, "not_assessor"),
        ("staff", path, seen, 403, "reviewer_is_beneficiary"),
        ("auditor", path, seen, 403, "not_allowed"),
        ("agent", path, seen, 403, "not_allowed"),
        ("manager", "/api/v1/assessors", named, 403, "not_allowed"),
        ("owner", "/api/v1/assessors", {**named, "ground": "friend"}, 422, "invalid_request"),
        ("owner", "/api/v1/assessors", {**named, "course": "flying"}, 404, "unknown"),
        ("owner", "/api/v1/assessors", {**named, "member": theirs.members["staff"]}, 404, "unknown"),
        ("owner", "/api/v1/assessors", {**named, "member": ours.members["auditor"]}, 404, "unknown"),
        (
            "owner",
            "/api/v1/assessors/end",
            {"course": "first-aid", "member": named["member"]},
            404,
            "unknown",
        ),
    ]
    for who, where, body, status, code in tries:
        answer = await at.ask("POST", where, ours.keys[who], json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (who, where, answer.text)
    await at.done("/api/v1/assessors", ours.keys["owner"], named)
    (row,) = (await at.ask("GET", "/api/v1/assessors", ours.keys["staff"])).json()["items"]
    assert {**named, "named_by": ours.members["owner"]}.items() <= row.items()
    assert (await at.ask("GET", "/api/v1/assessors", theirs.keys["owner"])).json()["items"] == []
    mine = (await at.ask("GET", "/api/v1/me/take-away", ours.keys["outsider"])).json()
    assert [one["course"] for one in mine["rows"]["assessor"]] == ["first-aid"]
    await at.done(path, ours.keys["outsider"], seen)
    await at.done(
        "/api/v1/assessors/end", ours.keys["owner"], {"course": "first-aid", "member": named["member"]}
    )
    answer = await at.ask("POST", path, ours.keys["outsider"], json=seen)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_assessor")


async def test_a_week_of_checks_is_recognised_at_once(at: House, ours: Team) -> None:
    mine = ours.keys["outsider"]
    await planned(at, ours)
    done = await checks_done(at, ours, 3)
    shown = (await at.ask("GET", "/api/v1/checks/waiting", mine)).json()["items"]
    assert [one["case"] for one in shown] == done
    assert {one["member"] for one in shown} == {ours.members["staff"]} and not any(
        one["failed"] for one in shown
    )
    # who looked again is relied on: nothing waits for the manager
    assert (await at.ask("GET", "/api/v1/checks/waiting", ours.keys["manager"])).json()["items"] == []
    # one of them is looked at once more before the yes comes: that one is not as it was shown
    await at.done(f"/api/v1/cases/{done[1]}/work/reading", ours.keys["owner"], {"value": 35})
    body = {
        "items": [{"case": one["case"], "binds": one["binds"]} for one in shown],
        "amount_tokens": 1,
        "budget": ours.members["budget"],
        "message": "Thank you for the week",
    }
    told = await at.done("/api/v1/checks/recognise", mine, body, key="week-1")
    assert sorted(told["decided"]) == sorted([done[0], done[2]])
    assert [(one["case"], one["code"]) for one in told["refused"]] == [(done[1], "stale")]
    again = await at.done("/api/v1/checks/recognise", mine, body, key="week-1")
    assert again["decided"] == told["decided"]
    other = await at.done("/api/v1/checks/recognise", mine, {**body, "message": "Never mind"}, key="week-1")
    assert other["decided"] == {}
    assert {one["code"] for one in other["refused"]} == {"idempotency_mismatch", "stale"}
    at.wait(20)
    await at.tick()
    for case in (done[0], done[2]):
        (award,) = (await case_of(at, ours, case))["awards"]
        assert (award["state"], award["amount_tokens"]) == ("provisional", 1)
    assert (await case_of(at, ours, done[1]))["awards"] == []


@pytest.mark.parametrize(
    ("items", "code"),
    [([], "invalid_request"), ([("none", "0" * 64)] * 2, "value_invalid"), ([("none", "0" * 64)], None)],
)
async def test_a_bundle_is_refused(
    at: House, ours: Team, items: list[tuple[str, str]], code: str | None
) -> None:
    body = {"items": [{"case": case, "binds": binds} for case, binds in items]}
    answer = await at.ask("POST", "/api/v1/checks/recognise", ours.keys["outsider"], json=body)
    if code is None:
        assert (answer.status_code, answer.json()["refused"][0]["code"]) == (201, "unknown")
    else:
        assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_server_that_starts_anew_opens_what_comes_next(at: House, tmp_path: Any) -> None:
    """What the one before it opened stays opened, also when that was at another moment; later times still come."""
    team = await at.organisation("Anew House")
    close = PLAN.replace('"11:00", "18:00"', '"11:00", "11:20"')
    await planned(at, team, close)
    first = await next_case(at, team)
    rooms = await at.app.state.installation.rooms(team.log)
    at.wait(2 * MINUTE)
    with capture_logs() as said:
        anew = plans.Plans()
        assert await anew.work(rooms) == 0
        at.wait(30 * MINUTE)
        assert await anew.work(rooms) == 1
    assert not [one for one in said if one["event"] == "plan_not_opened"]
    assert {one["case"] for one in await cases(at, team)} > {first}
