"""A digital employee at the doors: what its charter does not name is there for others only."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cases(at: House, ours: Team) -> dict[str | None, str]:
    """Return a case about a room, one about a booking, one about nothing of the vocabulary."""
    found = {}
    for kind in ("room", "booking", None):
        subject = None if kind is None else {"kind": kind, "id": "7"}
        body = {"note": f"about {kind}", "subject": subject}
        found[kind] = (await at.done("/api/v1/reports", ours.keys["staff"], body))["ids"]["case"]
    return found


async def employ(at: House, team: Team, **charter: Any) -> str:
    """Register a digital employee; return its key."""
    owner = team.keys["owner"]
    body = {"name": "Bot", "charter": charter, "answers_to": team.members["owner"]}
    member = (await at.done("/api/v1/agents", owner, body))["ids"]["member"]
    secret: str = (await at.done("/api/v1/keys", owner, {"member": member}))["secret"]
    return secret


READERS: list[tuple[list[str], set[str | None]]] = [
    # may_read, subject kinds of the cases that are there
    ([], set()),
    (["room"], {"room"}),
    (["room", "booking"], {"room", "booking"}),
    (["*"], {"room", "booking", None}),
]


@pytest.mark.parametrize(("may_read", "there"), READERS)
async def test_it_reads_what_its_charter_names(
    at: House, ours: Team, cases: dict[str | None, str], may_read: list[str], there: set[str | None]
) -> None:
    key = await employ(at, ours, may_read=may_read, may_propose=["move_the_guest"])
    listed = (await at.ask("GET", "/api/v1/cases?limit=200", key)).json()["items"]
    assert {case["subject_kind"] for case in listed if case["case"] in cases.values()} == there
    for kind, case in cases.items():
        for path in (f"/api/v1/cases/{case}", f"/api/v1/cases/{case}/steps"):
            answer = await at.ask("GET", path, key)
            assert answer.status_code == (200 if kind in there else 404), (path, kind)
        body = {"action": "move_the_guest", "text": "To room 8"}
        answer = await at.ask("POST", f"/api/v1/cases/{case}/proposals", key, json=body)
        assert answer.status_code == (201 if kind in there else 404), answer.text
    unknown = await at.ask("GET", "/api/v1/cases/nothing", key)
    for case in (cases[kind] for kind in cases.keys() - there):
        hidden = (await at.ask("GET", f"/api/v1/cases/{case}", key)).json()
        assert {**hidden, "detail": ""} == {**unknown.json(), "detail": ""}


async def test_a_hidden_record_reads_like_one_that_is_not_there(at: House, theirs: Team) -> None:
    owner = theirs.keys["owner"]
    kinds = "format: 1\nzone: UTC\nkinds:\n  stay:\n    fields:\n      room: string\n"
    await at.done("/api/v1/kinds", owner, {"yaml": kinds})
    await at.done("/api/v1/sources", owner, {"source": "pms", "kinds": ["stay"]})
    one = {"kind": "stay", "id": "1", "event_at": "2026-11-20T09:00:00Z", "values": {"room": "7"}}
    await at.done("/api/v1/sources/pms/records:batch", owner, {"records": [one]})
    reader, stranger = await employ(at, theirs, may_read=["stay"]), await employ(at, theirs)
    assert (await at.ask("GET", "/api/v1/records/stay/1", reader)).status_code == 200
    hidden = await at.ask("GET", "/api/v1/records/stay/1", stranger)
    assert hidden.status_code == 404
    assert hidden.json() == (await at.ask("GET", "/api/v1/records/stay/2", reader)).json()


async def test_it_proposes_what_its_charter_names(
    at: House, ours: Team, cases: dict[str | None, str]
) -> None:
    key = await employ(at, ours, may_read=["room"], may_propose=["move_the_guest"])
    path = f"/api/v1/cases/{cases['room']}/proposals"
    answer = await at.ask("POST", path, key, json={"action": "give_it_away", "text": "All of it"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_in_charter")
    assert answer.json()["detail"] == "action: expected one of move_the_guest, got give_it_away"


async def test_awards_are_for_people(at: House, ours: Team) -> None:
    answer = await at.ask("GET", "/api/v1/awards", ours.keys["agent"])
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


@pytest.mark.parametrize("charter", [{"purpose": "x"}, {"may_read": "*"}, {"may_read": ["a b"]}])
async def test_its_shape_is_checked(at: House, ours: Team, charter: dict[str, Any]) -> None:
    body = {"name": "Bot", "charter": charter, "answers_to": ours.members["owner"]}
    answer = await at.ask("POST", "/api/v1/agents", ours.keys["owner"], json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/charter/")


async def test_its_responsibility_is_told_and_stands_nowhere_in_the_log(at: House, ours: Team) -> None:
    words = "Helps Ines with the rooms"
    await employ(at, ours, responsibility=words)
    members = (await at.ask("GET", "/api/v1/members", ours.keys["owner"])).json()["items"]
    assert words in [member["responsibility"] for member in members]
    entries = await at.ask("GET", "/api/v1/log/entries?limit=200", ours.keys["owner"])
    assert entries.status_code == 200 and words not in entries.text
