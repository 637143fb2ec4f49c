"""The audit of a live database and of an exported folder against a real chain, and by the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from api.anchor_audits import Outside
from api.auditing import Audited, audit_database, audit_folder, vault_of
from api.cli import run_verb
from casework.anchor_requests import OpenAnchor, RecordAnchored
from casework.requests import Principal
from ledger.export import export_log
from ledger.findings import Exit
from ledger.reader import LogReader
from ledger.store import open_store
from ledger.trust import TrustPolicy, parse_trust
from tests.anchors.contract_on_anvil import OnChain
from tests.anvil import running_anvil
from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 2


@dataclass
class Anchored:
    """An organisation whose record was anchored."""

    chain: OnChain
    rooms: Any
    log: str
    sizes: list[int]
    receipts: list[dict[str, Any]]


@pytest.fixture(scope="module")
def chain() -> Iterator[OnChain]:
    with running_anvil("--slots-in-an-epoch", "1") as anvil:
        yield OnChain.deployed(anvil)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anchored(at: House, ours: Team, chain: OnChain) -> Anchored:
    """Open an anchor and anchor the record twice; what the worker does, step by step."""
    rooms = await at.app.state.installation.rooms(ours.log)
    log_id = chain.open(1)
    owner = Principal(ours.members["owner"], "owner", "web", "key")
    opened = await rooms.anchoring.open(owner, "open", OpenAnchor("evm", chain.place(log_id)))
    made = Anchored(chain, rooms, ours.log, [], [])
    for amount in range(ROUNDS):
        await at.done("/api/v1/budgets", ours.keys["owner"], {"amount_tokens": 100 + amount})
        head = await rooms.reader.head()
        proof = await rooms.reader.consistency(made.sizes[-1], head.size) if made.sizes else []
        receipt = chain.prove(chain.anchor(log_id, head.size, head.root, proof), log_id)
        request = RecordAnchored(opened.ids["anchor"], head.size, head.root.hex(), receipt)
        await rooms.anchoring.record(request, head.root.hex())
        made.sizes.append(head.size)
        made.receipts.append(receipt)
    chain.mine(10)
    return made


async def of_database(at: House, log: str, *chains: str, trust: TrustPolicy | None = None) -> Audited:
    store = open_store(at.settings.url)
    try:
        reader, vault = LogReader(store.reader, log), vault_of(at.settings, log)
        return await audit_database(reader, vault, trust, (), Outside(chains))
    finally:
        await store.close()


async def test_a_live_database_is_confirmed_by_the_chain(at: House, anchored: Anchored) -> None:
    found = await of_database(at, anchored.log, anchored.chain.anvil.url)
    assert found.intact.findings == [] and found.anchored is not None
    assert found.earned is not None and found.earned.findings == []
    reaching = found.anchored.reaching()
    assert reaching is not None and reaching.size == anchored.sizes[-1]
    said = "\n".join(found.sentences())
    assert f"entries up to {anchored.sizes[-1] - 1} stood before " in said
    assert "2 of 2 blocks of receipts are in the chain and final" in said


async def test_an_exported_folder_is_confirmed_by_chain_or_kept_block(
    at: House, anchored: Anchored, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rooms, out = anchored.rooms, tmp_path / "log"
    await rooms.publisher.publish()
    _, note = await rooms.reader.latest_checkpoint()
    await export_log(rooms.reader, out, note)
    vkey = (out / "keys").read_text().split()[0]
    last = anchored.receipts[-1]
    block = f"block {last['chain_id']} {last['block_number']} {last['block_hash']}"
    trust = tmp_path / "trust"
    trust.write_text(f"origin {anchored.log}\nlog {vkey}\n{block}\n")
    url = anchored.chain.anvil.url
    told = await asyncio.to_thread(audit_folder, out, parse_trust(trust.read_bytes()), ())
    assert (told.exit, told.intact.findings) == (Exit.INTACT, [])
    assert told.anchored is not None and told.anchored.reaching() is not None

    async def by_verb(*more: str, code: int) -> Any:
        words = ["--data-dir", str(at.settings.data_dir), "--json", "audit", str(out), *more]
        capsys.readouterr()
        got = await asyncio.to_thread(run_verb, words)
        printed = capsys.readouterr()
        assert got == code, (printed.out, printed.err)
        return json.loads(printed.out)[0]

    (one,) = (await by_verb("--trust", str(trust), code=0))["anchors"]
    assert (one["anchored_up_to"], one["confirmed_by"]) == (anchored.sizes[-1] - 1, ["block trusted"])
    found = await by_verb("--trust", str(trust), "--chain", url, "--chain", url, code=0)
    assert (found["chains_unread"], found["findings"]) == ([], [])
    assert len(found["anchors"][0]["confirmed_by"]) == 3
    assert (await by_verb("--chain", url, code=3))["anchors"][0]["anchored_up_to"] == anchored.sizes[-1] - 1
    # nobody answers: what was asked for is not known, so not "intact and trusted"
    unread = await by_verb("--trust", str(trust), "--chain", "http://127.0.0.1:9", code=3)
    assert "got ConnectError" in unread["chains_unread"][0]


async def test_a_log_without_anchors_says_nothing_of_them(at: House, theirs: Team) -> None:
    found = await of_database(at, theirs.log)
    assert found.anchored is None
    asked = await of_database(at, theirs.log, "http://127.0.0.1:9")
    assert asked.anchored is not None and len(asked.anchored.unread) == 1


async def test_a_false_size_on_chain_is_damage(at: House, theirs: Team, chain: OnChain) -> None:
    """The contract takes the first checkpoint as it is told; no rule of ours would have written it down."""
    rooms = await at.app.state.installation.rooms(theirs.log)
    log_id = chain.open(2)
    owner = Principal(theirs.members["owner"], "owner", "web", "key")
    await rooms.anchoring.open(owner, "open", OpenAnchor("evm", chain.place(log_id)))
    head = await rooms.reader.head()
    chain.anchor(log_id, head.size - 1, head.root, [])
    chain.mine(10)
    found = await of_database(at, theirs.log, chain.anvil.url)
    assert found.exit == Exit.DAMAGED
    wrong = found.intact.findings[0]
    assert (wrong.code, wrong.detected_by) == ("chain_root", "chain")
    assert (
        f"holds size {head.size - 1}, root {head.root.hex()}; this log at {head.size - 1} has" in wrong.what
    )
