"""The search finds by beginnings of words what the caller may open, and nothing else; for awards see test_path."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def found(at: House, key: str, asked: str) -> dict[str, Any]:
    """Return what a search tells."""
    answer = await at.ask("GET", f"/api/v1/search?q={asked}", key)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_exceptions_are_found_by_words_and_by_id_ended_ones_too(
    at: House, ours: Team, theirs: Team
) -> None:
    staff = ours.keys["staff"]
    case = (await at.done("/api/v1/reports", staff, {"note": "Kühlschrank im Lager kaputt"}))["ids"]["case"]
    for asked in ("kuehl lager", "KAPUTT", case):
        (one,) = (await found(at, staff, asked))["cases"]
        assert (one["case"], one["said"], one["ended"]) == (case, "Kühlschrank im Lager kaputt", False)
    assert (await found(at, staff, "schrank"))["cases"] == []
    assert (await found(at, theirs.keys["owner"], "kaputt"))["cases"] == []
    await at.done(f"/api/v1/cases/{case}/close", ours.keys["manager"], {"reason_code": "duplicate"})
    (one,) = (await found(at, staff, "kaputt"))["cases"]
    assert one["ended"] is True


async def test_at_most_ten_of_each(at: House, ours: Team) -> None:
    for number in range(12):
        await at.done("/api/v1/reports", ours.keys["staff"], {"note": f"Shower {number} drips"})
    hits = (await found(at, ours.keys["staff"], "shower drips"))["cases"]
    assert [one["said"] for one in hits] == [f"Shower {number} drips" for number in range(11, 1, -1)]


ROLES = [
    ("owner", True),
    ("manager", True),
    ("auditor", True),
    ("staff", False),
    ("outsider", False),
    ("agent", False),
]


@pytest.mark.parametrize(("role", "sees"), ROLES)
async def test_people_are_found_by_those_who_may_list_them(
    at: House, ours: Team, theirs: Team, role: str, sees: bool
) -> None:
    people = (await found(at, ours.keys[role], "mana"))["people"]
    assert [(one["member"], one["name"]) for one in people] == (
        [(ours.members["manager"], "Manager")] if sees else []
    )


async def test_a_charter_bounds_the_search_and_the_offered_doubles(at: House, ours: Team) -> None:
    owner = ours.keys["owner"]
    await at.done(
        "/api/v1/reports", owner, {"note": "Terrace heater broken", "subject": {"kind": "room", "id": "7"}}
    )
    charter = {"responsibility": "x", "may_read": ["booking"], "may_propose": []}
    body = {"name": "Narrow", "charter": charter, "answers_to": ours.members["owner"]}
    agent = (await at.done("/api/v1/agents", owner, body))["ids"]["member"]
    key = (await at.done("/api/v1/keys", owner, {"member": agent}))["secret"]
    for reader, count in ((owner, 1), (ours.keys["agent"], 1), (key, 0)):
        assert len((await found(at, reader, "terrace heater"))["cases"]) == count
        asked = "/api/v1/reports/similar?text=terrace heater broken"
        assert len((await at.ask("GET", asked, reader)).json()["items"]) == count


@pytest.mark.parametrize("asked", ["", "x", "x" * 101])
async def test_too_little_or_too_much_is_refused(at: House, ours: Team, asked: str) -> None:
    answer = await at.ask("GET", f"/api/v1/search?q={asked}", ours.keys["owner"])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
