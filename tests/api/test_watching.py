"""The watch through the doors: sources whose clock runs ahead, and how often each watch fired."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from api.watching import ORDERS_PER_MS, Watching
from casework.errors import refuse
from ledger.clock import instant_of, unix_ms_of
from tests.api.house import House, Team
from tests.api.test_path import KINDS, PLAYBOOK, ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

BATCH = "/api/v1/sources/desk/records:batch"
TIMED = PLAYBOOK.replace("complaint_open", "on_trial").replace("mode: live", "mode: shadow")
AT_ONCE = """
playbook: loud
title: Complaint {complaint.id} is loud
why: It is.
mode: live
signal:
  shape: conflict
  subject: complaint
  when: complaint.severity == 'loud'
  assert: complaint.status != 'open'
evidence:
  - type: system_record
    min_grade: E3
    says: The complaint
route:
  - to: role:staff
decision:
  action: call-the-guest
  minimum: key
measure:
  clock: onset
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(at: House, ours: Team) -> Team:
    """An organisation with one live watch that fires at once, and one on trial that a timer fires."""
    owner = ours.keys["owner"]
    await at.done("/api/v1/kinds", owner, {"yaml": KINDS + "      opened_at: instant\n"})
    await at.done(
        "/api/v1/policies", owner, {"yaml": (ROOT / "verifiers/policies/service_issue.yaml").read_text()}
    )
    for text in (AT_ONCE, TIMED):
        await at.done("/api/v1/playbooks", owner, {"yaml": text})
    await at.done("/api/v1/sources", owner, {"source": "desk", "kinds": ["complaint"]})
    return ours


def said(at: House, name: str, severity: str, ahead_seconds: int = 0, **more: Any) -> dict[str, Any]:
    """A batch of one complaint that is open, dated so many seconds ahead of our clock."""
    now = instant_of(at.clock.read().unix_ms + ahead_seconds * 1000)
    values = {"severity": severity, "status": "open", "opened_at": now}
    return {"records": [{"kind": "complaint", "id": name, "event_at": now, "values": values, **more}]}


async def noticed(at: House, team: Team) -> dict[str, int]:
    items = (await at.ask("GET", "/api/v1/playbooks", team.keys["owner"])).json()["items"]
    one = (await at.ask("GET", "/api/v1/playbooks/loud", team.keys["owner"])).json()
    counts = {item["playbook"]: item["noticed"] for item in items}
    assert one["noticed"] == counts["loud"]
    return counts


async def test_a_clock_that_runs_ahead_opens_its_case_and_stops_nobody(at: House, watched: Team) -> None:
    owner = watched.keys["owner"]
    now = instant_of(at.clock.read().unix_ms)
    taken = await at.done(BATCH, owner, said(at, "ahead", "loud", 75))
    assert (taken["imported"], taken["cases"]) == (1, 1)
    (case,) = (await at.ask("GET", "/api/v1/cases?playbook=loud", owner)).json()["items"]
    assert case["onset"] == case["detected_at"] == now
    assert (await at.done(BATCH, owner, said(at, "quiet", "low")))["imported"] == 1
    await at.done("/api/v1/playbooks", owner, {"yaml": AT_ONCE.replace("why: It is.", "why: Still.")})


async def test_what_cannot_be_acted_on_fails_no_other_request_and_waits(
    at: House, watched: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = watched.keys["owner"]

    async def refused(*_: Any) -> int:
        raise refuse("value_invalid", "expected something else")

    with monkeypatch.context() as patched:
        patched.setattr(Watching, "_act", refused)
        assert (await at.done(BATCH, owner, said(at, "waits", "loud")))["cases"] == 0
        await at.done("/api/v1/playbooks/on_trial/mode", owner, {"mode": "shadow"})
    assert (await at.done(BATCH, owner, said(at, "next", "low")))["cases"] == 1


async def test_watches_on_trial_are_counted_whatever_fired_them(at: House, watched: Team) -> None:
    owner = watched.keys["owner"]
    before = await noticed(at, watched)
    taken = await at.done(BATCH, owner, said(at, "slow", "high"))
    assert taken["shadowed"] == 0
    at.wait(3 * 3600)
    await at.tick()  # two hours without an answer: a timer fires
    assert await noticed(at, watched) == {**before, "on_trial": before["on_trial"] + 1}
    other = TIMED.replace("on_trial", "also_on_trial")
    await at.done("/api/v1/playbooks", owner, {"yaml": other})  # sees at once what stands
    assert (await noticed(at, watched))["also_on_trial"] == 1
    assert (await at.ask("GET", "/api/v1/cases?playbook=on_trial", owner)).json()["items"] == []


@pytest.mark.parametrize(
    ("order", "status"), [(0, 201), (ORDERS_PER_MS - 1, 201), (ORDERS_PER_MS, 422), (-1, 422)]
)
async def test_orders_of_one_instant_stay_apart_as_evidence(
    at: House, watched: Team, order: int, status: int
) -> None:
    batch = said(at, f"order-{order}", "low", order=order)
    assert (await at.ask("POST", BATCH, watched.keys["owner"], json=batch)).status_code == status


async def test_a_file_that_comes_again_has_an_entry_for_what_it_brings(at: House, watched: Team) -> None:
    owner = watched.keys["owner"]
    now_ms = at.clock.read().unix_ms
    mapping = (
        "format: 1\nsource: desk\nkind: complaint\nrows: changes\nzone: UTC\nid: id\norder: n\nchanges:\n"
        "  - change: seen\n    at: at\n    precision: millisecond\nfields:\n  severity:\n    column: severity\n"
        "  status:\n    column: status\n  opened_at:\n    column: at\n    precision: millisecond\n"
    )
    rows = [f"1,f-{n},{instant_of(now_ms + n * 330_000)},low,open\n" for n in (0, 1)]
    file = {"name": "a.csv", "mapping": mapping, "content": "n,id,at,severity,status\n" + "".join(rows)}
    taken = []
    for _ in range(3):
        done = await at.done("/api/v1/sources/desk/imports", owner, file)
        taken.append((done["imported"], done["repeated"], done["refused"]))
        at.wait(45)
    assert taken == [(1, 0, 1), (1, 1, 0), (0, 2, 0)]
    head = (await at.ask("GET", "/api/v1/log", owner)).json()["size"]
    page = (await at.ask("GET", f"/api/v1/log/entries?from={head - 2}&limit=2", owner)).json()["items"]
    counts = [(one["entry"]["kind"], one["entry"]["body"]["count"]) for one in page]
    assert counts == [("records_imported", 1), ("records_imported", 1)]
    assert len({one["entry"]["body"]["root"] for one in page}) == 2
    assert unix_ms_of(page[1]["entry"]["at"]) - unix_ms_of(page[0]["entry"]["at"]) == 45_000
