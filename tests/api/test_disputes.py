"""The right of reply over HTTP: who reads what was asked, a retry, bad input, and the worker that passes things on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from ledger.store.tables import job
from tests.abuse.flows import honest_issue, opened
from tests.abuse.ground import DAY, Ground
from tests.api.house import House, house

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("house")) as started:
        yield started


async def ground(at: House, number: int, *, awarded: bool = True) -> tuple[Ground, str]:
    """An organisation in which staff resolved something, and an award for it that waits (or not yet)."""
    g = await opened(at, number, frozenset())
    issue = await honest_issue(g)
    await g.examined()
    if awarded:
        assert await g.decide(issue.case, "outsider", **g.gift("service_issue", "staff"))
        await g.wait(20)
    return g, issue.case


async def told(g: Ground, case: str, role: str) -> list[dict[str, Any]]:
    """Return what somebody is told of what was asked."""
    answer = await g.ask("GET", f"/cases/{case}/disputes", role)
    return list(answer.json()["items"]) if answer.status_code == 200 else []


async def test_what_was_asked_and_answered_is_read_by_who_may_and_by_nobody_else(at: House) -> None:
    g, case = await ground(at, 1)
    asked = {"about": "decline", "reason_code": "duplicate", "note": "Was this the one of Monday?"}
    made = await g.must(f"/cases/{case}/disputes", "manager", asked, key="ask-once")
    again = await g.must(f"/cases/{case}/disputes", "manager", asked, key="ask-once")
    assert again["ids"] == made["ids"] and made["ids"].keys() == {"case", "dispute", "award"}
    path = f"/cases/{case}/disputes/{made['ids']['dispute']}"
    reply = {"reply": "No, another table"}
    first = await g.must(f"{path}/answers", "staff", reply, key="reply-once")
    assert (await g.must(f"{path}/answers", "staff", reply, key="reply-once"))["ids"] == first["ids"]
    for role in ("staff", "manager", "owner", "auditor", "outsider"):
        (one,) = await told(g, case, role)
        assert one["note"] == asked["note"] and one["members"] == [g.who("staff")], role
        assert [said["reply"] for said in one["answers"]] == ["No, another table"], role
    assert await told(g, case, "second") == []
    seen = (await g.ask("GET", f"/cases/{case}", "second")).json()
    assert seen["disputes"] == [] and "Monday" not in str(seen)
    entries = (await g.ask("GET", "/log/entries?limit=1000", "owner")).text
    assert "Monday" not in entries and "another table" not in entries


BAD: list[tuple[str, dict[str, Any], int, str]] = [
    # body of a dispute, status, code
    ("no words about what", {"reason_code": "duplicate"}, 422, "invalid_request"),
    ("about something else", {"about": "reward", "reason_code": "duplicate"}, 422, "invalid_request"),
    ("a reason of another end", {"about": "decline", "reason_code": "granted_in_error"}, 422, "reason_unknown"),
    ("a member of ours", {"about": "decline", "reason_code": "duplicate", "reply_until": "now"}, 422,
     "invalid_request"),
    ("a note without an end", {"about": "decline", "reason_code": "duplicate", "note": "x" * 50_000}, 422,
     "invalid_request"),
    ("of what is not for good", {"about": "revoke", "reason_code": "duplicate"}, 409, "award_state"),
]  # fmt: skip


async def test_bad_input_is_refused_with_what_was_expected(at: House) -> None:
    g, case = await ground(at, 2)
    size = (await g.ask("GET", "/log", "owner")).json()["size"]
    for why, body, status, code in BAD:
        answer = await g.ask("POST", f"/cases/{case}/disputes", "manager", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (why, answer.text)
    for path in ("nothing/answers", "nothing/close"):
        body = {"reply": "x"} if path.endswith("answers") else {"reason_code": "answered"}
        answer = await g.ask("POST", f"/cases/{case}/disputes/{path}", "manager", json=body)
        assert answer.status_code == 404
    assert (await g.ask("GET", "/log", "owner")).json()["size"] == size


async def test_the_worker_settles_nothing_over_an_open_question_and_all_of_it_afterwards(at: House) -> None:
    g, case = await ground(at, 3)
    asked = {"about": "question", "reason_code": "how_earned"}
    made = await g.must(f"/cases/{case}/disputes", "auditor", asked)
    award = made["ids"]["award"]
    await g.must(f"/awards/{award}/hold", "owner", {"reason_code": "under_question"})
    await g.wait(20 * DAY)
    # the hold ends first: its job finds the question, and the question's end makes another
    await g.must(f"/awards/{award}/release", "owner", {"reason_code": "answered"})
    await g.wait(60)
    assert (await g.case(case))["awards"][0]["state"] == "provisional"
    rows = (await at.app.state.installation.rooms(g.team.log)).rows
    assert await rows.find(job, {"kind": "settle"}) == []
    path = f"/cases/{case}/disputes/{made['ids']['dispute']}/close"
    await g.must(path, "owner", {"reason_code": "answered"})
    await g.wait(60)
    assert (await g.case(case))["awards"][0]["state"] == "settled"


async def test_what_nobody_decides_goes_to_a_second_approver_then_to_an_owner(at: House) -> None:
    """Staff was recognised by nobody yet; the manager said yes to the action, so the outsider is second."""
    g, case = await ground(at, 4, awarded=False)
    seen = []
    for _ in range(9):
        row = (await g.case(case))["case"]
        seen.append((row["asked_rung"], row["asked_to"]))
        await g.wait(DAY)
    assert list(dict.fromkeys(seen)) == [(0, None), (1, g.who("outsider")), (2, g.who("owner"))]
    assert seen.index((1, g.who("outsider"))) == 3 and seen.index((2, g.who("owner"))) == 6
    assert await g.decide(case, "manager", **g.gift("service_issue", "staff")), "everybody else still may"
    await g.wait(20)
    assert (await g.case(case))["case"]["asked_to"] is None


async def test_a_dispute_nobody_settles_goes_on_when_its_time_is_over(at: House) -> None:
    g, case = await ground(at, 5)
    await g.must("/settings", "owner", {"settings": {"reply_days": 2, "decide_days": 1}})
    await g.must(f"/cases/{case}/disputes", "manager", {"about": "decline", "reason_code": "duplicate"})
    seen = []
    for _ in range(5):
        await g.wait(DAY)
        row = (await g.case(case))["case"]
        seen.append((row["asked_rung"], row["asked_to"]))
    who = [(0, None), (1, g.who("outsider")), (2, g.who("owner"))]
    assert seen == [who[0], who[1], who[2], who[2], who[2]]
