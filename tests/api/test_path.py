"""One award through the doors alone: records in, a case, two decisions, a customer's link, the worker, a
bundle to keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.watching import Watching
from ledger import codec, ed25519
from ledger.bundles import audit_bundle
from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).resolve().parents[2]
DAY_SECONDS = 86_400
EARLY = "2026-11-20T05:00:00.000Z"
KINDS = """
format: 1
zone: UTC
kinds:
  complaint:
    fields:
      severity: string
      status: string
"""
DESK = {"source": "desk", "kinds": ["complaint"], "controllers": {"party": "source:desk"}}
"""A system in which nobody of the house writes alone."""
PLAYBOOK = """
playbook: complaint_open
title: Complaint {complaint.id} is still open
why: A complaint that nobody answers is told to everybody else.
mode: live
signal:
  shape: response
  subject: complaint
  when: complaint.severity == 'high' && complaint.status == 'open'
  expect: complaint.status != 'open'
  from: complaint.opened_at
  within: 2h
evidence:
  - type: system_record
    min_grade: E3
    says: The complaint, closed
route:
  - to: role:staff
decision:
  action: call-the-guest
  minimum: key
verifier: service_issue/v2
award:
  kind: service_issue
  amount_tokens: 5
measure:
  clock: onset
"""


def record(name: str, status: str, at: str, opened: str = "2026-11-20T09:00:00.000Z") -> dict[str, Any]:
    """One version of a complaint."""
    values = {"severity": "high", "status": status, "opened_at": opened}
    return {"kind": "complaint", "id": name, "event_at": at, "values": values, "subject": f"guest-{name}"}


@pytest.fixture(scope="module")
def kinds() -> str:
    """The vocabulary with the field that the playbook counts from."""
    return KINDS + "      opened_at: instant\n"


async def publish(at: House, team: Team, kinds: str) -> None:
    owner = team.keys["owner"]
    await at.done("/api/v1/kinds", owner, {"yaml": kinds})
    policy = (ROOT / "verifiers" / "policies" / "service_issue.yaml").read_text()
    await at.done("/api/v1/policies", owner, {"yaml": policy})
    await at.done("/api/v1/playbooks", owner, {"yaml": PLAYBOOK})
    await at.done("/api/v1/sources", owner, DESK)
    for role in ("owner", "manager"):
        await at.done("/api/v1/authorities", owner, {"member": team.members[role], "about": "action"})
    power = {"member": team.members["outsider"], "about": "award", "second_person": True}
    await at.done("/api/v1/authorities", owner, power)
    budget = (await at.done("/api/v1/budgets", owner, {"amount_tokens": 100}))["ids"]["budget"]
    await at.done(f"/api/v1/budgets/{budget}/approve", team.keys["outsider"], {"amount_tokens": 100})


async def decide(at: House, case: str, who: str, about: str, **more: Any) -> httpx.Response:
    card = await at.ask("GET", f"/api/v1/cases/{case}/card?about={about}", who)
    assert card.status_code == 200, card.text
    body = {"token": card.json()["token"], "verb": "approved", **more}
    return await at.ask(
        "POST", f"/api/v1/cases/{case}/decisions", who, json=body, headers={"If-Match": card.headers["etag"]}
    )


async def settle_and_take_along(at: House, ours: Team, award: str) -> None:
    """The window passes, the award settles, and its bundle passes the audit."""
    owner, staff = ours.keys["owner"], ours.keys["staff"]
    mine = (await at.ask("GET", "/api/v1/me/account", staff)).json()
    assert mine["sum_tokens"] == 5
    at.wait(15 * DAY_SECONDS)
    await at.tick()
    row = (await at.ask("GET", f"/api/v1/awards/{award}", staff)).json()
    assert (row["award"]["state"], row["message"]) == ("settled", "Well done")
    assert (await at.ask("GET", "/api/v1/accounts", owner)).json()["sum_tokens"] == 0

    for private in ("false", "true"):
        bundle = await at.ask("GET", f"/api/v1/awards/{award}/bundle?private={private}", owner)
        assert bundle.status_code == 200, bundle.text
        found = audit_bundle(bundle.content, ed25519.verify, loads=codec.loads, dumps=codec.dumps)
        assert found.findings == []


async def read_by(at: House, ours: Team, award: str) -> None:
    """Recognition and its thank-you are for who leads, audits or has a part in it; for others it is not there."""
    case = (await at.ask("GET", f"/api/v1/awards/{award}", ours.keys["owner"])).json()["award"]["case"]
    stranger = (await at.done("/api/v1/members", ours.keys["owner"], {"name": "Nobody", "roles": ["staff"]}))[
        "ids"
    ]
    key = await at.done("/api/v1/keys", ours.keys["owner"], {"member": stranger["member"]})
    keys = {role: ours.keys[role] for role in ("owner", "manager", "auditor", "staff", "outsider")}
    for role, asked in (keys | {"stranger": key["secret"]}).items():
        parted = role != "stranger"
        listed = (await at.ask("GET", "/api/v1/awards", asked)).json()["items"]
        assert [one["award"] for one in listed] == [award] * parted, role
        assert (await at.ask("GET", f"/api/v1/awards/{award}", asked)).status_code == (
            200 if parted else 404
        ), role
        told = (await at.ask("GET", f"/api/v1/cases/{case}", asked)).json()
        assert ("Well done" in told["texts"].values()) is parted, role
        assert (told["awards"] != []) is parted, "nobody's tokens can be pieced together from cases"
    late = {"statement": "me too"}
    await at.done(f"/api/v1/cases/{case}/evidence/statement", key["secret"], late)
    assert (await at.ask("GET", f"/api/v1/awards/{award}", key["secret"])).status_code == 404
    told = (await at.ask("GET", f"/api/v1/cases/{case}", ours.keys["agent"])).json()
    assert "Well done" not in told["texts"].values() and told["awards"] == []


async def search_for(at: House, ours: Team, award: str) -> None:
    """Found by its sentence, its id and who earned it: by those who read the accounts, and by who earned it."""
    sees = {"owner": 1, "manager": 1, "auditor": 1, "staff": 1, "outsider": 0, "agent": 0}
    for role, count in sees.items():
        for asked in ("well done", "staf", award):
            hits = (await at.ask("GET", f"/api/v1/search?q={asked}", ours.keys[role])).json()["awards"]
            assert [one["award"] for one in hits] == [award] * count, (role, asked)


async def notice(at: House, ours: Team) -> str:
    """Two records come in, one of them unreadable; nobody answers the other in time. Return the case that opens."""
    owner = ours.keys["owner"]
    batch = {
        "records": [
            record("c-1", "open", "2026-11-20T09:00:00Z"),
            {**record("c-2", "open", "2026-11-20T09:00:00Z"), "values": {"severity": 1}},
        ]
    }
    taken = await at.done("/api/v1/sources/desk/records:batch", owner, batch)
    assert (taken["imported"], taken["refused"], taken["cases"]) == (1, 1, 0)
    assert "complaint." in taken["refused_rows"][0]["reason"]
    again = await at.done("/api/v1/sources/desk/records:batch", owner, batch)
    assert (again["imported"], again["repeated"]) == (0, 1)

    at.wait(3 * 3600)  # two hours have passed without an answer: the timer fires, the case opens by a job
    await at.tick()
    cases = (await at.ask("GET", "/api/v1/cases?playbook=complaint_open", owner)).json()["items"]
    assert [case["owner"] for case in cases] == [ours.members["staff"]]
    opened: str = cases[0]["case"]
    return opened


async def test_from_a_record_to_a_token(at: House, ours: Team, kinds: str) -> None:
    await publish(at, ours, kinds)
    owner, staff, outsider = (ours.keys[role] for role in ("owner", "staff", "outsider"))
    case = await notice(at, ours)
    path = f"/api/v1/cases/{case}"

    proposal = (await at.done(f"{path}/proposals", staff, {"action": "call", "text": "Call the guest"}))[
        "ids"
    ]["proposal"]
    assert (await at.ask("GET", f"{path}/card?about=action", ours.keys["agent"])).status_code == 403
    assert (await decide(at, case, staff, "action")).json()["code"] in ("decider_is_maker", "no_authority")
    assert (await decide(at, case, owner, "action")).status_code == 201
    no_match = await at.ask("POST", f"{path}/decisions", owner, json={"token": "x", "verb": "approved"})
    assert (no_match.status_code, no_match.json()["code"]) == (428, "if_match_missing")
    at.wait(60)
    await at.done(f"{path}/actions", staff, {"proposal": proposal})

    seen = (await at.ask("GET", path, owner)).json()
    customer = seen["texts"][seen["case"]["subject_item"]]["customer"]
    unseen = {"handed_over": False, "address": "me@example.org", "address_known_before": True}
    wanted = {"customer": customer, "until": "2026-11-25T10:00:00Z", **unseen}
    # the asker would see it all the same
    not_sent = await at.ask("POST", f"{path}/links", staff, json=wanted)
    assert (not_sent.status_code, not_sent.json()["code"]) == (422, "link_not_sent")
    link = await at.done(f"{path}/links", staff, {"customer": customer, "until": "2026-11-25T10:00:00Z"})
    assert link["path"].startswith("/l/")
    page = await at.client.get(link["path"])
    assert page.status_code == 200 and "<script" not in page.text
    assert (await at.client.get("/l/" + "0" * 64)).status_code == 404
    at.wait(600)
    answered = await at.client.post(link["path"], data={"answer": "resolved", "note": "Thank you"})
    assert answered.status_code == 200, answered.text
    assert (await at.client.post(link["path"], data={"answer": "not_resolved"})).status_code == 404
    assert (
        await at.client.post(link["path"], data={"answer": "resolved", "note": "Thank you"})
    ).status_code == 200

    closed = {"records": [record("c-1", "closed", "2026-11-20T13:11:00Z")]}
    await at.done("/api/v1/sources/desk/records:batch", owner, closed)
    await at.done(f"{path}/evidence/record", staff, {"kind": "complaint", "record": "c-1"})
    for item in (await at.ask("GET", path, owner)).json()["evidence"]:
        await at.done(f"{path}/evidence/{item['evidence']}/review", owner, {"result": "accepted"})
    await at.done(f"{path}/outcome", staff, {"resolution": "fixed", "impact": "none"})
    await at.tick()
    told = (await at.ask("GET", path, owner)).json()
    verdict = next(one for one in told["verdicts"] if one["verdict"] == told["case"]["verdict"])
    assert (verdict["result"], verdict["missing"]) == ("pass", [])

    budget = (await at.ask("GET", "/api/v1/budgets", owner)).json()["items"][0]["budget"]
    given = {
        "beneficiaries": [ours.members["staff"]],
        "amount_tokens": 5,
        "budget": budget,
        "message": "Well done",
    }
    own = await decide(at, case, staff, "award", **given)
    assert own.status_code == 403, own.text
    yes = await decide(at, case, outsider, "award", **given)
    assert yes.status_code == 201, yes.text
    await at.tick()
    assert (await at.ask("GET", path, owner)).json()["awards"] == []  # ten seconds in which it may be undone
    at.wait(11)
    await at.tick()
    award = (await at.ask("GET", path, owner)).json()["awards"][0]["award"]
    await settle_and_take_along(at, ours, award)
    await read_by(at, ours, award)
    await search_for(at, ours, award)


async def test_a_crash_between_noticing_and_opening_loses_no_case(
    at: House, ours: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = ours.keys["owner"]
    before = len((await at.ask("GET", "/api/v1/cases", owner)).json()["items"])

    async def crash(*_: Any) -> int:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patched:
        patched.setattr(Watching, "speak", crash)
        late = {"records": [record("c-9", "open", "2026-11-20T09:00:00Z", EARLY)]}
        answer = await at.ask("POST", "/api/v1/sources/desk/records:batch", owner, json=late)
        assert answer.status_code == 500
    await at.tick()
    assert len((await at.ask("GET", "/api/v1/cases", owner)).json()["items"]) == before + 1
    await at.tick()
    again = await at.done("/api/v1/sources/desk/records:batch", owner, late)
    assert (again["imported"], again["cases"]) == (0, 0)
    assert len((await at.ask("GET", "/api/v1/cases", owner)).json()["items"]) == before + 1


async def test_a_playbook_published_later_sees_the_records_there_are(
    at: House, theirs: Team, kinds: str
) -> None:
    owner = theirs.keys["owner"]
    await at.done("/api/v1/kinds", owner, {"yaml": kinds})
    await at.done("/api/v1/sources", owner, DESK)
    await at.done(
        "/api/v1/sources/desk/records:batch",
        owner,
        {"records": [record("old", "open", "2026-11-20T09:00:00Z", EARLY)]},
    )
    policy = (ROOT / "verifiers" / "policies" / "service_issue.yaml").read_text()
    await at.done("/api/v1/policies", owner, {"yaml": policy})
    await at.done("/api/v1/playbooks", owner, {"yaml": PLAYBOOK, "mode": "draft"})
    assert (await at.ask("GET", "/api/v1/cases", owner)).json()["items"] == []
    await at.done("/api/v1/playbooks/complaint_open/mode", owner, {"mode": "live"})
    cases = (await at.ask("GET", "/api/v1/cases", owner)).json()["items"]
    assert [case["playbook"] for case in cases] == ["complaint_open"]
