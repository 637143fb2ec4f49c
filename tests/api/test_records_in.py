"""Records through the doors: a bad one is refused by its line and costs the good ones nothing; a key names one import;
what was imported can be read."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
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
IMPORT = "/api/v1/sources/pms/imports"
MAPPING = """
format: 1
source: pms
kind: stay
rows: records
zone: UTC
id: id
changes:
  - change: booked
    at: booked
    precision: minute
fields:
  room:
    column: room
  nights:
    column: nights
"""
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


def batch(*names: str) -> dict[str, Any]:
    """Return a batch of these stays."""
    return {"records": [stay(name) for name in names]}


async def test_a_key_stands_for_one_import(at: House, hotel: Team) -> None:
    owner = hotel.keys["owner"]
    first = await at.ask("POST", BATCH, owner, json=batch("k-1"), key="import-1")
    again = await at.ask("POST", BATCH, owner, json=batch("k-1"), key="import-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert ("idempotent-replay" in first.headers, again.headers["idempotent-replay"]) == (False, "true")
    assert (first.json()["imported"], again.json()["imported"], again.json()["repeated"]) == (1, 0, 1)
    other = await at.ask("POST", BATCH, owner, json=batch("k-2"), key="import-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    moved = await at.ask("POST", "/api/v1/reports", owner, json={"note": "x"}, key="import-1")
    assert (moved.status_code, moved.json()["code"]) == (422, "idempotency_mismatch")
    assert (await at.done(BATCH, owner, batch("k-2"), key="import-2"))["imported"] == 1


async def test_a_key_stands_for_one_file(at: House, hotel: Team) -> None:
    owner = hotel.keys["owner"]

    async def send(name: str) -> httpx.Response:
        content = f"id,booked,room,nights\n{name},2026-11-20T09:00,7,2\n"
        body = {"name": "stays.csv", "mapping": MAPPING, "content": content}
        return await at.ask("POST", IMPORT, owner, json=body, key="file-1")

    first, again, other = await send("f-1"), await send("f-1"), await send("f-2")
    assert (first.status_code, first.json()["imported"]) == (201, 1), first.text
    assert (again.json()["repeated"], again.headers["idempotent-replay"]) == (1, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_an_import_that_brings_nothing_new_takes_its_key_too(at: House, hotel: Team) -> None:
    owner = hotel.keys["owner"]
    await at.done(BATCH, owner, batch("n-1"), key="new-1")
    assert (await at.done(BATCH, owner, batch("n-1"), key="new-2"))["repeated"] == 1
    other = await at.ask("POST", BATCH, owner, json=batch("n-2"), key="new-2")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_refused_import_does_not_use_up_its_key(at: House, hotel: Team) -> None:
    owner = hotel.keys["owner"]
    unknown = await at.ask("POST", "/api/v1/sources/none/records:batch", owner, json=batch("r-1"), key="r")
    assert unknown.status_code == 404
    assert (await at.done(BATCH, owner, batch("r-1"), key="r"))["imported"] == 1


@pytest.mark.parametrize("name", ["room 7", "Küche", "a/b", "100%", "4711?x#y", "日本"])
async def test_whatever_its_id_a_record_can_be_read(at: House, hotel: Team, name: str) -> None:
    owner = hotel.keys["owner"]
    assert (await at.done(BATCH, owner, batch(name)))["imported"] == 1
    answer = await at.ask("GET", f"/api/v1/records/stay/{quote(name, safe='')}", owner)
    assert (answer.status_code, answer.json().get("id")) == (200, name), answer.text
