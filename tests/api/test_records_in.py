"""Records through the doors: a bad one is refused by its line and costs the good ones nothing; a key names one import;
what was imported can be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pytest_asyncio

from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = """
format: 1
zone: UTC
kinds:
  stay:
    currency: EUR
    fields:
      room: string
      nights: int
      price:
        type: money
        optional: true
""" + "".join(f"      note_{n}:\n        type: string\n        optional: true\n" for n in range(20))
BATCH = "/api/v1/sources/pms/records:batch"
JSON = {"Content-Type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hotel(at: House) -> Team:
    """Return an organisation with one kind and one source."""
    team = await at.organisation("The Records")
    await at.done("/api/v1/kinds", team.keys["owner"], {"yaml": KINDS})
    await at.done("/api/v1/sources", team.keys["owner"], {"source": "pms", "kinds": ["stay"]})
    return team


def stay(name: str, **values: Any) -> dict[str, Any]:
    """Return one record as a batch gives it."""
    return {
        "kind": "stay",
        "id": name,
        "event_at": "2026-11-20T09:00:00Z",
        "values": {"room": "7", "nights": 2, **values},
    }


BAD_VALUES: list[tuple[str, dict[str, Any], str]] = [
    # what, values, words of the reason
    ("an integer of 2^70", {"nights": 2**70}, "stay.nights: expected a value of type int, got 1180591620717411303424"),
    ("half a pair", {"room": "\ud800"}, "stay half a pair 2: string: expected Unicode text"),
    ("a value too large", {f"note_{n}": "x" * 4_000 for n in range(20)}, "document: expected at most 60000 bytes"),
    ("half a pair as a name", {"\ud800": 1}, "stay: unknown field '\\ud800'"),
    ("half a pair deeper", {"price": {"\ud800": 1}}, "stay.price: expected money in EUR, got {'\\ud800': 1}"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "values", "reason"), BAD_VALUES, ids=[row[0] for row in BAD_VALUES])
async def test_a_bad_record_is_refused_by_its_line(
    at: House, hotel: Team, what: str, values: dict[str, Any], reason: str
) -> None:
    records = [stay(f"{what} 1"), stay(f"{what} 2", **values), stay(f"{what} 3")]
    content = json.dumps({"records": records}).encode()
    answer = await at.ask("POST", BATCH, hotel.keys["owner"], content=content, headers=JSON)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["imported"], told["refused"], told["refused_rows"][0]["line"]) == (2, 1, 2)
    assert reason in told["refused_rows"][0]["reason"]
