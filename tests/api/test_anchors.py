"""Anchors by the worker's turns: when one is due, what is written down, what goes wrong, and that nobody waits for it.

The witness is a process of its own, the chain that hangs a real socket. A real chain: tests/anchors.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from api.anchor_cases import LASTS_SECONDS, Cases
from api.anchor_sights import Sight
from api.remote import OPERATOR_TOKEN_FILE
from tests.anchors.witness_server import running_witness
from tests.api.house import House, Team, house
from tests.casework.anchors import CHAIN

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENTRIES = 20
OTHER_CHAIN = {**CHAIN, "chain_id": 99}


@contextlib.asynccontextmanager
async def hanging() -> AsyncIterator[tuple[int, list[int], asyncio.Event]]:
    """Listen, take what comes and never answer; give the port, what was heard in bytes, and whether anything was."""
    heard: list[int] = []
    came = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            heard.append(len(await reader.read(65_536)))
            came.set()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], heard, came
    finally:
        server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain() -> AsyncIterator[tuple[int, list[int], asyncio.Event]]:
    """A chain that takes every request and answers none."""
    async with hanging() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at(
    tmp_path_factory: pytest.TempPathFactory, chain: tuple[int, list[int], asyncio.Event]
) -> AsyncIterator[House]:
    """The product with its pages; a chain is set that hangs."""
    settings: dict[str, Any] = {
        "anchor_rpc": f"{CHAIN['chain_id']}=http://127.0.0.1:{chain[0]}", "anchor_rpc_seconds": 60,
        "anchor_entries": ENTRIES, "anchor_minutes": 60, "anchor_poll_ms": 100,
        "anchor_explorer": "https://look.example/{tx}",
    }  # fmt: skip
    async with house(tmp_path_factory.mktemp("anchors"), pages=True, **settings) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ours(at: House) -> Team:
    """An organisation with one person per role."""
    return await at.organisation("Harbour House")


@pytest_asyncio.fixture(loop_scope="module")
async def opened(at: House, ours: Team) -> AsyncIterator[list[str]]:
    """The anchors of a test, closed at its end."""
    made: list[str] = []
    yield made
    for anchor in made:
        await at.ask("POST", f"/api/v1/anchors/{anchor}/close", ours.keys["owner"], json={"reason": "moved"})
    await at.app.state.worker.anchors.close()


@pytest.fixture(scope="module")
def witness(ours: Team, at: House) -> Iterator[dict[str, str]]:
    """A witness that knows this log: its place."""
    key = at.settings.key_folder(ours.log).load().log_signers[-1].key.vkey()
    with running_witness(ours.log, key) as (url, vkey):
        yield {"url": f"{url}/honest", "vkey": vkey}


async def open_one(at: House, ours: Team, made: list[str], type_: str, place: dict[str, Any]) -> str:
    told = await at.done("/api/v1/anchors", ours.keys["owner"], {"type": type_, "place": place})
    made.append(told["ids"]["anchor"])
    await (await at.app.state.installation.rooms(ours.log)).publisher.publish()
    return made[-1]


async def seen(at: House, ours: Team, anchor: str) -> dict[str, Any]:
    """Give the anchors a turn, and return what the API tells of one."""
    await at.app.state.worker.anchors.turn()
    items = (await at.ask("GET", "/api/v1/anchors", ours.keys["auditor"])).json()["items"]
    return next(one for one in items if one["anchor"] == anchor)


async def write(at: House, ours: Team, count: int) -> None:
    """Let so many entries come, and a checkpoint over them."""
    for number in range(count):
        await at.done("/api/v1/settings", ours.keys["owner"], {"settings": {"undo_seconds": number % 9}})
    await (await at.app.state.installation.rooms(ours.log)).publisher.publish()


# ------------------------------------------------------------------------------------------------ nobody waits
async def test_nothing_waits_for_a_chain_that_hangs(
    at: House, ours: Team, opened: list[str], chain: tuple[int, list[int], asyncio.Event]
) -> None:
    """While the chain has a request and does not answer, entries, checkpoints and jobs go on."""
    anchor = await open_one(at, ours, opened, "evm", CHAIN)
    stop = asyncio.Event()
    working = asyncio.create_task(at.app.state.worker.run(stop))
    try:
        await at.done(f"/api/v1/anchors/{anchor}/now", ours.keys["owner"], {})
        await asyncio.wait_for(chain[2].wait(), 30)
        before = (await at.ask("GET", "/api/v1/log", ours.keys["owner"])).json()
        await at.done("/api/v1/reports", ours.keys["staff"], {"note": "The lamp is out"})
        note = await at.ask("POST", "/api/v1/log/checkpoint", ours.keys["owner"])
        after = (await at.ask("GET", "/api/v1/log", ours.keys["owner"])).json()
        assert note.status_code == 200 and after["size"] > before["size"] == after["size"] - 2
        assert len(chain[1]) == 1, "expected the first request still unanswered, got another"
    finally:
        stop.set()
        await asyncio.wait_for(working, 10)


async def test_an_anchor_without_its_chain_says_so_and_keeps_no_other_from_its_turn(
    at: House, ours: Team, opened: list[str], witness: dict[str, str]
) -> None:
    without = await open_one(at, ours, opened, "evm", OTHER_CHAIN)
    other = await open_one(at, ours, opened, "witness", witness)
    await at.done(f"/api/v1/anchors/{other}/now", ours.keys["owner"], {})
    told = await seen(at, ours, without)
    assert [(one["code"], one["stops"]) for one in told["troubles"]] == [("rpc_unreachable", False)]
    assert "expected an RPC of chain 99, got none" in told["troubles"][0]["detail"]
    assert (await seen(at, ours, other))["size"] > 0
    measured = (await at.ask("GET", "/metrics")).text
    assert "tallystick_anchors_open 2.0" in measured and "tallystick_anchors_troubled 1.0" in measured


# ------------------------------------------------------------------------------------------------ when it is due
async def test_it_is_anchored_by_entries_by_time_and_when_asked_and_never_for_its_own_receipts(
    at: House, ours: Team, opened: list[str], witness: dict[str, str]
) -> None:
    await write(at, ours, ENTRIES)
    anchor = await open_one(at, ours, opened, "witness", witness)
    start = (await seen(at, ours, anchor))["size"]
    assert start >= ENTRIES, "what was there before the anchor"
    await write(at, ours, 3)
    assert (await seen(at, ours, anchor))["size"] == start, "neither enough entries nor time"
    at.wait(61 * 60)
    first = (await seen(at, ours, anchor))["size"]
    assert first > start, "by time"
    for _ in range(3):
        at.wait(61 * 60)
        await (await at.app.state.installation.rooms(ours.log)).publisher.publish()
        assert (await seen(at, ours, anchor))["size"] == first, "only its own receipt came since"
    await write(at, ours, ENTRIES)
    second = (await seen(at, ours, anchor))["size"]
    assert second > first, "by entries"
    await at.done(f"/api/v1/anchors/{anchor}/now", ours.keys["owner"], {})
    third = (await seen(at, ours, anchor))["size"]
    assert third == second + 1, "asked for, though only the receipt came since"
    held = (await at.ask("GET", f"/api/v1/anchors/{anchor}/checkpoints", ours.keys["auditor"])).json()[
        "items"
    ]
    assert [one["size"] for one in held] == [third, second, first, start]
    assert (await seen(at, ours, anchor))["size"] == third


async def test_nobody_but_an_owner_asks_and_a_chain_needs_the_operator_too(
    at: House, ours: Team, opened: list[str]
) -> None:
    anchor = await open_one(at, ours, opened, "double", {})
    for role in ("manager", "staff", "auditor", "outsider", "agent"):
        answer = await at.ask("POST", f"/api/v1/anchors/{anchor}/now", ours.keys[role], json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), role
    body = {"keystore": "owner", "chain_id": 31337}
    answer = await at.ask("POST", "/api/v1/anchor-chain/deploy", ours.keys["owner"], json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "operator_needed")
    token = {"X-Operator-Token": (at.settings.data_dir / OPERATOR_TOKEN_FILE).read_text()}
    answer = await at.ask("POST", "/api/v1/anchor-chain/deploy", ours.keys["owner"], json=body, headers=token)
    assert (answer.status_code, answer.json()["code"]) == (409, "signer_missing")
    answer = await at.ask(
        "POST", "/api/v1/anchor-chain/deploy", ours.keys["manager"], json=body, headers=token
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


# ------------------------------------------------------------------------------------------------ what goes wrong
async def test_a_trouble_that_lasts_is_one_case_and_is_cleared_when_it_is_over(
    at: House, ours: Team, opened: list[str]
) -> None:
    anchor = await open_one(at, ours, opened, "evm", OTHER_CHAIN | {"log_id": "0x" + "77" * 32})

    async def mine() -> list[dict[str, Any]]:
        items = (await at.ask("GET", "/api/v1/cases?limit=200", ours.keys["owner"])).json()["items"]
        return [one for one in items if one["origin"] == "signal"]

    await seen(at, ours, anchor)
    assert await mine() == [], "a moment is no trouble"
    for _ in range(3):
        at.wait(LASTS_SECONDS)
        told = await seen(at, ours, anchor)
    (case,) = await mine()
    assert case["owner"] == ours.members["owner"] and told["troubles"][0]["since"] < case["opened_at"]
    page = await at.see(f"/exceptions/{case['case']}", ours, "owner")
    assert "not publicly stamped any more" in page.text
    rooms = await at.app.state.installation.rooms(ours.log)
    (row,) = [one for one in await rooms.rows.scan("anchor", ()) if one["anchor"] == anchor]
    await Cases().follow(rooms, row, Sight(rooms.clock.now()))
    assert (await mine())[0]["state"] == "CLEARED"
    await seen(at, ours, anchor)
    assert len(await mine()) == 1, "not again on the same day"


# ------------------------------------------------------------------------------------------------ pages
async def test_the_page_tells_each_place_what_is_wrong_and_what_to_do(
    at: House, ours: Team, opened: list[str]
) -> None:
    await open_one(at, ours, opened, "evm", OTHER_CHAIN | {"log_id": "0x" + "78" * 32})
    double = await open_one(at, ours, opened, "double", {})
    answer = await at.send(f"/record/stamps/{double}/now", ours, "owner", {"key": "k-1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/record/stamps?said=asked")
    with pytest.warns(UserWarning, match="nothing may be claimed"):
        assert (await seen(at, ours, double))["size"] > 0
    page = (await at.see("/record/stamps", ours, "owner")).text
    for words in (
        "Public register 99", "The public register does not answer.", "It is tried again by itself.",
        "expected an RPC of chain 99", "This is a stand-in.", "A stand-in took note up to step", "Stamp it now",
    ):  # fmt: skip
        assert words in page, words
    german = (await at.see("/record/stamps", ours, "owner", **{"Accept-Language": "de"})).text
    assert "Öffentliches Register 99" in german and "Das ist ein Platzhalter." in german
    assert "Stamp it now" not in (await at.see("/record/stamps", ours, "auditor")).text
    assert (await at.see("/record/stamps", ours, "staff")).status_code == 403
    record = (await at.see("/record", ours, "owner")).text
    assert "Something is the matter with a place for stamps." in record and "publicly stamped " not in record
    assert "blockchain" not in page.lower()


async def test_a_stamp_of_nobody_is_asked_for_in_vain(at: House, ours: Team, opened: list[str]) -> None:
    gone = await open_one(at, ours, opened, "double", {})
    await at.done(f"/api/v1/anchors/{gone}/close", ours.keys["owner"], {"reason": "moved"})
    answer = await at.ask("POST", f"/api/v1/anchors/{gone}/now", ours.keys["owner"], json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "anchor_over")
    page = await at.send(f"/record/stamps/{gone}/now", ours, "owner", {"key": "k-2"})
    assert page.status_code == 409 and "This place for public stamps was given up." in page.text
