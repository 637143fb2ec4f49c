"""Who opens, supersedes and closes an anchor, what is written down as anchored, and what is refused. A line each."""

# ruff: noqa: E501  (a table reads by its lines)

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from casework.anchor_requests import REASONS, CloseAnchor, OpenAnchor, RecordAnchored, SupersedeAnchor
from casework.anchor_rules import ANCHORS_MAX
from casework.anchoring import Anchoring
from casework.requests import Principal
from ledger.errors import Refused
from tests.casework.anchors import (
    CHAIN,
    COSIGNED,
    DOUBLED,
    EVM_RECEIPT,
    STAMPED,
    STAMPS,
    WITNESS,
    held,
)
from tests.casework.shop import Shop, shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOME_ID = "01a1f866-0d00-7944-b5ab-9b1aa0731dd3"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    """A shop in which nothing is anchored before a test."""
    folder = tmp_path_factory.mktemp("anchoring")
    async with shop(f"sqlite+aiosqlite:///{folder / 'shop.db'}", folder) as made:
        await made.join("boss", "manager")
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def doors(here: Shop) -> AsyncIterator[Anchoring]:
    """The use cases; whatever a test leaves open is closed."""
    made = Anchoring(here.intake)
    yield made
    for row in await here.rows.scan("anchor", ()):
        if row["state"] == "open":
            await made.close(here.people["owner"], here.key(), CloseAnchor(row["anchor"], "not_wanted"))


async def opened(
    here: Shop, doors: Anchoring, type_: str = "double", place: dict[str, Any] | None = None
) -> str:
    request = OpenAnchor(type_, place or {})
    return (await doors.open(here.people["owner"], here.key(), request)).ids["anchor"]


async def refused(work: Any) -> str:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code


# ------------------------------------------------------------------------------------------------ opening
OPENINGS = [
    # who asks, type, place, id, the refusal
    ("a manager", "boss", "double", {}, None, "role_missing"),
    ("staff", "waiter", "double", {}, None, "role_missing"),
    ("a digital employee", "agent", "double", {}, None, "agent_may_not"),
    ("no such type", "owner", "blockchain", {}, None, "reason_unknown"),
    ("a double with a place", "owner", "double", {"url": "https://x.example"}, None, "value_invalid"),
    ("an id that is none", "owner", "double", {}, "one", "value_invalid"),
    ("a chain without its payer", "owner", "evm", {k: v for k, v in CHAIN.items() if k != "payer"}, None, "value_invalid"),
    ("a chain with a secret", "owner", "evm", {**CHAIN, "key": "x"}, None, "value_invalid"),
    ("chain 0", "owner", "evm", {**CHAIN, "chain_id": 0}, None, "value_invalid"),
    ("a chain id as text", "owner", "evm", {**CHAIN, "chain_id": "1"}, None, "value_invalid"),
    ("an address in capitals", "owner", "evm", {**CHAIN, "contract": "0x" + "AB" * 20}, None, "value_invalid"),
    ("an address without 0x", "owner", "evm", {**CHAIN, "owner": "ab" * 21}, None, "value_invalid"),
    ("a hash too short", "owner", "evm", {**CHAIN, "log_id": "0x" + "ab" * 31}, None, "value_invalid"),
    ("a witness by plain http", "owner", "witness", {**WITNESS, "url": "http://witness.example"}, None, "value_invalid"),
    ("a witness with a password", "owner", "witness", {**WITNESS, "url": "https://a:b@w.example"}, None, "value_invalid"),
    ("a witness with a query", "owner", "witness", {**WITNESS, "url": "https://w.example/?k=1"}, None, "value_invalid"),
    ("a witness with a log's key", "owner", "witness", {**WITNESS, "vkey": "log.example+00000000+AQ=="}, None, "value_invalid"),
    ("stamps from a file", "owner", "timestamp", {"url": "file:///etc/passwd"}, None, "value_invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "type_", "place", "anchor", "code"), [one[1:] for one in OPENINGS], ids=[one[0] for one in OPENINGS])  # fmt: skip
async def test_opening_is_refused(
    here: Shop, doors: Anchoring, name: str, type_: str, place: dict[str, Any], anchor: str | None, code: str
) -> None:
    assert await refused(doors.open(here.people[name], here.key(), OpenAnchor(type_, place, anchor))) == code
    assert [row for row in await here.rows.scan("anchor", ()) if row["state"] == "open"] == []


async def test_nobody_opens_an_anchor_on_a_shared_device(here: Shop, doors: Anchoring) -> None:
    owner = here.people["owner"]
    shared = Principal(owner.id, "owner", "device", "pin")
    assert await refused(doors.open(shared, here.key(), OpenAnchor("double", {}))) == "own_device_needed"


async def test_a_place_is_opened_once_while_it_is_open_and_a_log_on_a_chain_never_again(
    here: Shop, doors: Anchoring
) -> None:
    owner = here.people["owner"]
    chain = await opened(here, doors, "evm", CHAIN)
    assert await refused(doors.open(owner, here.key(), OpenAnchor("evm", CHAIN))) == "anchor_known"
    other = {**CHAIN, "log_id": "0x" + "11" * 32}
    second = await opened(here, doors, "evm", other)
    witness = await opened(here, doors, "witness", WITNESS)
    assert await refused(doors.open(owner, here.key(), OpenAnchor("witness", WITNESS))) == "anchor_known"
    again = OpenAnchor("double", {}, witness)
    assert await refused(doors.open(owner, here.key(), again)) == "anchor_known"
    for anchor in (chain, second, witness):
        await doors.close(owner, here.key(), CloseAnchor(anchor, "not_wanted"))
    assert await refused(doors.open(owner, here.key(), OpenAnchor("evm", CHAIN))) == "anchor_known"
    assert await opened(here, doors, "witness", WITNESS) != witness


async def test_an_id_may_be_given_and_a_repeat_opens_nothing_twice(here: Shop, doors: Anchoring) -> None:
    owner, key = here.people["owner"], here.key()
    first = await doors.open(owner, key, OpenAnchor("double", {}, SOME_ID))
    second = await doors.open(owner, key, OpenAnchor("double", {}, SOME_ID))
    assert first.ids == second.ids == {"anchor": SOME_ID} and second.outcome.replayed


async def test_so_many_are_open_at_once(here: Shop, doors: Anchoring) -> None:
    for number in range(ANCHORS_MAX):
        await opened(here, doors, "timestamp", {"url": f"https://t{number}.example"})
    owner = here.people["owner"]
    assert await refused(doors.open(owner, here.key(), OpenAnchor("double", {}))) == "value_invalid"


# ------------------------------------------------------------------------------------------------ what it holds
HOLDING = [
    # type, place, receipt
    ("evm", {**CHAIN, "log_id": "0x" + "22" * 32}, EVM_RECEIPT),
    ("witness", WITNESS, COSIGNED),
    ("timestamp", STAMPS, STAMPED),
    ("double", {}, DOUBLED),
]


@pytest.mark.parametrize(("type_", "place", "receipt"), HOLDING, ids=[one[0] for one in HOLDING])
async def test_each_type_holds_its_checkpoints_in_rising_sizes(
    here: Shop, doors: Anchoring, type_: str, place: dict[str, Any], receipt: dict[str, Any]
) -> None:
    anchor = await opened(here, doors, type_, place)
    first = await held(here, anchor, receipt)
    second = await held(here, anchor, receipt)
    row = await here.rows.get("anchor", (anchor,))
    assert row is not None and (row["size"], row["state"]) == (second, "open") and first < second
    rows = await here.rows.scan("anchored", (anchor,))
    assert [one["size"] for one in rows] == [first, second]


RECORDS = [
    # what the request says otherwise, the root that the record has, the refusal
    ("a size of before", {"size": -1}, "same", "anchor_not_newer"),
    ("another root than the record's", {"root": "11" * 32}, "theirs", "value_invalid"),
    ("a size that the record has not", {}, "none", "value_invalid"),
    ("a receipt of another type", {"receipt": STAMPED}, "same", "value_invalid"),
    ("a receipt with more in it", {"receipt": {**EVM_RECEIPT, "more": 1}}, "same", "value_invalid"),
    ("a receipt of version 2", {"receipt": {**EVM_RECEIPT, "v": 2}}, "same", "value_invalid"),
    ("a receipt that is too long", {"receipt": {**EVM_RECEIPT, "header": "0x" + "a" * 50_000}}, "same", "value_invalid"),
    ("an anchor of nobody", {"anchor": SOME_ID[:-1] + "9"}, "same", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("other", "root", "code"), [one[1:] for one in RECORDS], ids=[one[0] for one in RECORDS])  # fmt: skip
async def test_what_is_not_written_down(
    here: Shop, doors: Anchoring, other: dict[str, Any], root: str, code: str
) -> None:
    log_id = "0x" + hashlib.sha256(repr((other, root)).encode()).hexdigest()
    anchor = await opened(here, doors, "evm", {**CHAIN, "log_id": log_id})
    last = await held(here, anchor, EVM_RECEIPT)
    size, now = await here.rows.head()
    asked = {"anchor": anchor, "size": size, "root": now, "receipt": EVM_RECEIPT, **other}
    asked["size"] = last + other["size"] if "size" in other else size
    known = {"same": str(asked["root"]), "theirs": now, "none": None}[root]
    assert await refused(doors.record(RecordAnchored(**asked), known)) == code
    row = await here.rows.get("anchor", (anchor,))
    assert row is not None and row["size"] == last


async def test_a_checkpoint_is_written_down_once_and_another_receipt_of_its_size_is_refused(
    here: Shop, doors: Anchoring
) -> None:
    anchor = await opened(here, doors, "timestamp", STAMPS)
    size, root = await here.rows.head()
    request = RecordAnchored(anchor, size, root, STAMPED)
    first, second = [await doors.record(request, root) for _ in range(2)]
    assert not first.outcome.replayed and second.outcome.replayed
    other = RecordAnchored(anchor, size, root, {"v": 1, "token": "BBBB"})
    assert await refused(doors.record(other, root)) == "idempotency_mismatch"
    assert len(await here.rows.scan("anchored", (anchor,))) == 1


async def test_nothing_is_written_down_after_the_end(here: Shop, doors: Anchoring) -> None:
    owner = here.people["owner"]
    one, other = await opened(here, doors, "double", {}), await opened(here, doors, "timestamp", STAMPS)
    await doors.supersede(owner, here.key(), SupersedeAnchor(one, other, "moved"))
    size, root = await here.rows.head()
    over = RecordAnchored(one, size, root, DOUBLED)
    assert await refused(doors.record(over, root)) == "anchor_over"
    assert (
        await refused(doors.supersede(owner, here.key(), SupersedeAnchor(one, other, "moved")))
        == "anchor_over"
    )
    assert await refused(doors.close(owner, here.key(), CloseAnchor(one, "moved"))) == "anchor_over"
    assert (
        await refused(doors.supersede(owner, here.key(), SupersedeAnchor(other, one, "moved")))
        == "anchor_over"
    )


# ------------------------------------------------------------------------------------------------ ends
@pytest.mark.parametrize("reason", REASONS)
async def test_an_anchor_ends_for_each_reason(here: Shop, doors: Anchoring, reason: str) -> None:
    owner = here.people["owner"]
    one, other = await opened(here, doors, "double", {}), await opened(here, doors, "timestamp", STAMPS)
    await doors.supersede(owner, here.key(), SupersedeAnchor(one, other, reason))
    await doors.close(owner, here.key(), CloseAnchor(other, reason))
    rows = {row["anchor"]: row for row in await here.rows.scan("anchor", ())}
    assert (rows[one]["state"], rows[one]["superseded_by"], rows[one]["reason"]) == (
        "superseded",
        other,
        reason,
    )
    assert (rows[other]["state"], rows[other]["superseded_by"], rows[other]["reason"]) == (
        "closed",
        None,
        reason,
    )


ENDS = [
    # who, what is superseded, by what, why, receipt, the refusal
    ("a manager", "boss", "one", "other", "moved", {}, "role_missing"),
    ("a digital employee", "agent", "one", "other", "moved", {}, "agent_may_not"),
    ("for no reason of the list", "owner", "one", "other", "bored", {}, "reason_unknown"),
    ("by itself", "owner", "one", "one", "moved", {}, "value_invalid"),
    ("by none", "owner", "one", SOME_ID[:-1] + "9", "moved", {}, "unknown"),
    ("one that is none", "owner", SOME_ID[:-1] + "9", "one", "moved", {}, "unknown"),
    ("with the receipt of a chain where none is", "owner", "one", "other", "moved", EVM_RECEIPT, "value_invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "which", "by", "reason", "receipt", "code"), [one[1:] for one in ENDS], ids=[one[0] for one in ENDS])  # fmt: skip
async def test_superseding_is_refused(
    here: Shop,
    doors: Anchoring,
    name: str,
    which: str,
    by: str,
    reason: str,
    receipt: dict[str, Any],
    code: str,
) -> None:
    ids = {"one": await opened(here, doors), "other": await opened(here, doors, "timestamp", STAMPS)}
    request = SupersedeAnchor(ids.get(which, which), ids.get(by, by), reason, receipt)
    assert await refused(doors.supersede(here.people[name], here.key(), request)) == code
    if by == "other":
        ended = CloseAnchor(request.anchor, reason)
        if not receipt:
            assert await refused(doors.close(here.people[name], here.key(), ended)) == code
