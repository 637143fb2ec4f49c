"""Every list that can grow is read page by page, newest first, nothing twice and nothing left out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTS = [
    # path, what names a row, asked whole when no limit is given
    ("/api/v1/members", "member", True),
    ("/api/v1/keys", "key", True),
    ("/api/v1/authorities", "authority", True),
    ("/api/v1/budgets", "budget", True),
    ("/api/v1/cases", "case", False),
]


async def fill(at: House, team: Team) -> None:
    owner = team.keys["owner"]
    for number in range(3):
        await at.done("/api/v1/reports", team.keys["staff"], {"note": f"The ice machine leaks, {number}"})
        await at.done("/api/v1/budgets", owner, {"amount_tokens": 10 + number})
        granted = {"member": team.members["manager"], "about": "action", "scope": ["*"]}
        await at.done("/api/v1/authorities", owner, granted)


async def pages(at: House, key: str, path: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    asked = f"{path}?limit={limit}"
    while True:
        told = (await at.ask("GET", asked, key)).json()
        found += told["items"]
        if told["next_cursor"] is None:
            return found
        asked = f"{path}?limit={limit}&cursor={told['next_cursor']}"


@pytest.mark.parametrize(("path", "name", "whole"), LISTS, ids=[row[0] for row in LISTS])
async def test_pages_hold_every_row_once_and_newest_first(
    at: House, ours: Team, path: str, name: str, whole: bool
) -> None:
    await fill(at, ours)
    key = ours.keys["owner"]
    found = await pages(at, key, path, 2)
    assert len(found) >= 3
    assert len({str(row[name]) for row in found}) == len(found)
    order = [int(row["seq"] if "seq" in row else row["opened_seq"]) for row in found]
    assert order == sorted(order, reverse=True)
    if whole:
        told = (await at.ask("GET", path, key)).json()
        assert told["next_cursor"] is None
        assert {str(row[name]) for row in told["items"]} == {str(row[name]) for row in found}
    strange = await at.ask("GET", f"{path}?cursor=nonsense", key)
    assert (strange.status_code, strange.json()["code"]) == (422, "invalid_cursor")
