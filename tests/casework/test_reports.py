"""A report: who gets it, how soon it is due, and the photo that is recorded with it or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from casework import reports
from casework.audit import audit
from casework.requests import OpenCase
from ledger.errors import Refused
from ledger.store.tables import shapes
from tests.casework.histories import read
from tests.casework.plain_view import member
from tests.casework.shop import PROJECTIONS, Shop
from tests.casework.test_captures import shown


def row(name: str, seq: int, *roles: str, active: int = 1) -> dict[str, Any]:
    return {**member(name, *roles, active=active), "seq": seq}


LEADS = [
    # members, reporter, who gets it
    ([row("o", 1, "owner"), row("w", 2, "staff")], "w", "o"),
    ([row("o", 1, "owner"), row("m", 2, "manager"), row("w", 3, "staff")], "w", "m"),
    ([row("o", 1, "owner"), row("m2", 5, "manager"), row("m1", 2, "manager")], "w", "m1"),
    ([row("o", 1, "owner"), row("m1", 2, "manager", active=0), row("m2", 3, "manager")], "w", "m2"),
    ([row("o", 1, "owner"), row("m1", 2, "manager"), row("m2", 3, "manager")], "m2", "m2"),
    ([row("o", 1, "owner"), row("m", 2, "manager")], "o", "o"),
    ([row("o", 1, "owner", active=0), row("o2", 2, "owner")], "w", "o2"),
    ([row("a", 1, "agent"), row("o", 2, "owner", "manager")], "a", "o"),
]


@pytest.mark.parametrize(("members", "reporter", "lead"), LEADS)
def test_a_report_goes_to_whoever_leads(members: list[dict[str, Any]], reporter: str, lead: str) -> None:
    assert reports.lead_of(members, reporter) == lead


def test_a_report_that_nobody_could_own_is_refused() -> None:
    with pytest.raises(Refused, match="owner_unknown"):
        reports.lead_of([row("w", 1, "staff"), row("o", 2, "owner", active=0)], "w")


DUE = [
    ("can_wait", "2026-11-20T10:00:00.000Z", "Europe/London", None),
    ("now", "2026-11-20T10:00:00.000Z", "Europe/London", "2026-11-20T10:15:00.000Z"),
    ("today", "2026-11-20T10:00:00.000Z", "Europe/London", "2026-11-21T00:00:00.000Z"),
    ("today", "2026-11-20T23:30:00.000Z", "Europe/Lisbon", "2026-11-21T00:00:00.000Z"),
    ("today", "2026-11-20T23:30:00.000Z", "Europe/Berlin", "2026-11-21T23:00:00.000Z"),
    ("today", "2026-10-25T00:30:00.000Z", "Europe/Berlin", "2026-10-25T23:00:00.000Z"),  # a day of 25 hours
]


@pytest.mark.parametrize(("urgency", "at", "zone", "due"), DUE)
def test_urgency_says_until_when(urgency: str, at: str, zone: str, due: str | None) -> None:
    assert reports.facts_of(urgency, at, ZoneInfo(zone)) == {"urgency": urgency, "due": due}


def test_an_unknown_urgency_is_refused() -> None:
    with pytest.raises(Refused, match="expected one of can_wait, today, now, got soon"):
        reports.facts_of("soon", "2026-11-20T10:00:00.000Z", ZoneInfo("UTC"))


def told(here: Shop, content: bytes, nonce: str) -> OpenCase:
    """Return the waiter's report with a photo."""
    return OpenCase(
        origin="report",
        owner=here.people["owner"].id,
        fingerprint=("report", nonce),
        onset=here.now(),
        detected_at=here.now(),
        note="The ice machine leaks",
        shows=shown(here, "", content, nonce),
    )


async def test_a_report_and_its_photo_are_one_command(here: Shop) -> None:
    request = told(here, b"leak", "nonce-1")
    done = await here.desk.open_case(here.people["waiter"], "report-1", request)
    assert done.outcome.count == 3
    assert await here.kinds(done.ids["case"]) == ["case_opened", "owner_assigned", "evidence_attached"]
    (item,) = await here.rows.scan("evidence", (done.ids["case"],))
    assert (item["type"], item["grade"], item["evidence"]) == ("photo", "E2", done.ids["evidence"])
    assert await here.rows.open(item["content_item"]) == b"leak"
    again = await here.desk.open_case(here.people["waiter"], "report-1", request)
    assert again.outcome.replayed and again.ids == done.ids
    found = audit((await read(here)).entries, shapes(), PROJECTIONS, (await read(here)).open)
    assert found.findings == []


async def test_a_photo_that_was_used_before_opens_no_case(here: Shop) -> None:
    await here.desk.open_case(here.people["waiter"], here.key(), told(here, b"leak", "nonce-1"))
    size, _ = await here.rows.head()
    for content, nonce in ((b"leak", "nonce-2"), (b"other", "nonce-1")):
        request = replace(told(here, content, nonce), fingerprint=("report", content.decode() + nonce))
        with pytest.raises(Refused, match="evidence_reused"):
            await here.desk.open_case(here.people["waiter"], here.key(), request)
    assert (await here.rows.head())[0] == size


async def test_a_digital_employee_reports_without_evidence(here: Shop) -> None:
    agent = here.people["agent"]
    request = told(here, b"leak", "nonce-1")
    with pytest.raises(Refused, match="agent_may_not"):
        await here.desk.open_case(agent, here.key(), request)
    await here.desk.open_case(agent, here.key(), replace(request, shows=None))
