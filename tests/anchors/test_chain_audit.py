"""The audit against a real chain: the committed contract on anvil, and nodes that do not answer as they should."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from eth_hash.auto import keccak

from api.anchor_audits import Outside, audit_anchors
from ledger.anchors.chain import ChainNode, ChainUnread, read_chain_id
from ledger.anchors.evm_receipt import SUPERSEDED, check_superseded
from ledger.anchors.receipts import prove_receipt
from ledger.anchors.told import Anchored
from ledger.audit import audit
from ledger.ed25519 import verify
from ledger.findings import Result
from ledger.trust import TrustPolicy
from tests.anchors.bad_node import before
from tests.anchors.blocks import header, raw, receipt, shown
from tests.anchors.contract_on_anvil import AnchoredThere, OnChain
from tests.anvil import running_anvil
from tests.ledger.logs import LOG_KEY, ORIGIN, Held, cut


@pytest.fixture(scope="module")
def chain() -> Iterator[OnChain]:
    with running_anvil("--slots-in-an-epoch", "1") as anvil:
        yield OnChain.deployed(anvil)


@pytest.fixture(scope="module")
def sound(chain: OnChain) -> AnchoredThere:
    """A log with three anchored checkpoints, all final."""
    log = AnchoredThere(chain, chain.open(1))
    for _ in range(3):
        log.fill(5)
        log.anchored()
    chain.mine(10)
    return log


@pytest.fixture(scope="module")
def bad(chain: OnChain) -> Iterator[str]:
    with before(chain.anvil.url) as url:
        yield url


def audited(source: Held, *urls: str, trust: TrustPolicy | None = None) -> tuple[Result, Anchored]:
    result = audit(source, verify)
    assert result.findings == []
    told = audit_anchors(source, result, trust, Outside(urls))
    assert told is not None
    return result, told


# -------------------------------------------------------------------------------------------------- a sound record
def test_a_chain_confirms_every_receipt(chain: OnChain, sound: AnchoredThere) -> None:
    result, told = audited(sound.held(), chain.anvil.url)
    (one,) = told.anchors
    assert (result.findings, told.unread, one.unrecorded, one.count) == ([], [], [], 3)
    assert one.sure is one.last and one.sure is not None and one.sure.size == sound.sizes[-1]
    said = "\n".join(told.sentences())
    assert f"entries up to {sound.sizes[-1] - 1} stood before 20" in said
    assert "3 of 3 blocks of receipts are in the chain and final" in said


def test_the_same_offline_by_a_kept_block(chain: OnChain, sound: AnchoredThere) -> None:
    _, told = audited(sound.held(), chain.anvil.url)
    last = told.anchors[0].last
    assert last is not None and last.block is not None
    trust = TrustPolicy(ORIGIN, (LOG_KEY,), blocks={(chain.chain_id, last.block.number): last.block.hash})
    result, told = audited(sound.held(), trust=trust)
    reaching = told.reaching()
    assert (result.findings, told.unread) == ([], [])
    assert reaching is not None and (reaching.size, reaching.confirmed) == (
        sound.sizes[-1],
        ("block trusted",),
    )


def test_events_are_read_in_ranges_that_a_node_serves(chain: OnChain, sound: AnchoredThere, bad: str) -> None:
    for behaviour in ("narrow", "busy"):
        result, told = audited(sound.held(), f"{bad}/{behaviour}")
        assert (result.findings, told.unread) == ([], []), behaviour
        assert told.anchors[0].sure is told.anchors[0].last


def test_a_move_to_another_log_id_is_proven(chain: OnChain) -> None:
    log, successor = AnchoredThere(chain, chain.open(2)), chain.open(3)
    log.fill(4)
    log.anchored()
    told = chain.prove(chain.supersede(log.log_id, successor), log.log_id, superseded=True)
    opened = {"anchor": "a2", "type": "evm", "place": chain.place(successor)}
    log.scribe.write("anchor_opened", opened)
    moved = {"anchor": "a1", "by": "a2", "reason": "moved", "receipt": told}
    log.scribe.write("anchor_superseded", moved)
    chain.mine(10)
    result, anchored = audited(log.held(), chain.anvil.url)
    assert result.findings == []
    assert [one.state for one in anchored.anchors] == ["superseded", "open"]
    assert not any("successor" in note for one in anchored.anchors for note in one.notes)


def test_a_move_that_never_was_is_contradicted(chain: OnChain) -> None:
    """A receipt of a supersession in a block that the operator made: it proves itself, and the chain knows better."""
    log, successor = AnchoredThere(chain, chain.open(22)), chain.open(23)
    log.fill(4)
    log.anchored()
    chain.mine(2)
    number = int(chain.anvil.rpc("eth_blockNumber"), 16)
    event = {
        "address": chain.contract,
        "topics": [shown(keccak(SUPERSEDED)), log.log_id, successor],
        "data": shown(bytes(96)),
    }
    receipts = [receipt(0, 2, [event])]
    made = prove_receipt(
        header(receipts, number=number, timestamp=2_000_000_000),
        receipts,
        0,
        chain.chain_id,
        chain.contract,
        log.log_id,
        0,
        check=check_superseded,
    )
    log.scribe.write("anchor_opened", {"anchor": "a2", "type": "evm", "place": chain.place(successor)})
    log.scribe.write("anchor_superseded", {"anchor": "a1", "by": "a2", "reason": "moved", "receipt": made})
    chain.mine(10)
    result, _ = audited(log.held(), chain.anvil.url)
    assert [one.code for one in result.findings] == ["block"]
    assert f"expected block {number} to have the hash" in result.findings[0].what


# ------------------------------------------------------------------------------------------------ what a chain shows
def test_a_false_size_is_named(chain: OnChain) -> None:
    """The contract takes it: a consistency proof does not bind the size, and the first checkpoint has none."""
    log = AnchoredThere(chain, chain.open(4))
    log.fill(20)
    size = len(log.scribe.lines)
    log.anchored(recorded=False, claimed=size - 3)
    chain.mine(10)
    result, _ = audited(log.held(), chain.anvil.url)
    assert [one.code for one in result.findings] == ["chain_root"]
    expected = (
        f"the contract holds size {size - 3}, root {log.root(size).hex()}; this log at {size - 3} has root"
    )
    assert f"{expected} {log.root(size - 3).hex()}" in result.findings[0].what


def test_a_rewritten_record_is_consistent_with_itself_and_damaged_on_chain(chain: OnChain) -> None:
    """Made anew with the log's own key, tiles and checkpoints: nothing in it shows that, the chain does."""
    log = AnchoredThere(chain, chain.open(5))
    log.fill(10)
    log.anchored(recorded=False)
    chain.mine(10)
    other = AnchoredThere(chain, log.log_id)
    other.fill(4)
    other.scribe.write("budget_set", {"budget": "b2", "amount_tokens": 7, "until": None}, purpose="other")
    other.fill(9)
    result, _ = audited(other.held(), chain.anvil.url)
    assert [one.code for one in result.findings] == ["chain_root"]
    assert "this log at 15 has root" in result.findings[0].what


def test_an_old_backup_is_told_by_what_is_missing(chain: OnChain, sound: AnchoredThere) -> None:
    old = cut(sound.scribe, sound.sizes[1])
    result, _ = audited(Held.of(old, sound.sizes[0]), chain.anvil.url)
    assert {one.code for one in result.findings} == {"chain_root"}
    assert f"{sound.sizes[1]}..{sound.sizes[2] - 1} are missing" in result.findings[0].what


def test_a_checkpoint_without_an_entry_is_told_and_no_damage(chain: OnChain) -> None:
    log = AnchoredThere(chain, chain.open(6))
    log.fill(10)
    log.anchored(recorded=False)
    chain.mine(10)
    result, told = audited(log.held(), chain.anvil.url)
    assert (result.findings, told.anchors[0].unrecorded) == ([], log.sizes)


def test_a_block_that_is_not_final_yet_is_told(chain: OnChain) -> None:
    log = AnchoredThere(chain, chain.open(7))
    log.fill(3)
    log.anchored()
    result, told = audited(log.held(), chain.anvil.url)
    assert result.findings == []
    assert "is not final yet" in "\n".join(told.sentences())
    assert told.reaching() is None


def test_a_receipt_of_a_block_that_the_chain_gave_up_is_found(chain: OnChain) -> None:
    log_id = chain.open(8)
    kept = chain.anvil.rpc("evm_snapshot")
    log = AnchoredThere(chain, log_id)
    log.fill(3)
    log.anchored()
    chain.anvil.rpc("evm_revert", kept)
    chain.anvil.rpc("evm_increaseTime", 7)
    chain.mine(20)
    result, _ = audited(log.held(), chain.anvil.url)
    assert [one.code for one in result.findings] == ["block"]
    assert "to have the hash" in result.findings[0].what


def test_another_contract_at_the_address_is_found(chain: OnChain) -> None:
    other = OnChain(chain.anvil, chain.chain_id, chain.sender, chain.contract, "0x" + "ab" * 32)
    log = AnchoredThere(other, chain.open(9))
    result, _ = audited(log.held(), chain.anvil.url)
    assert [one.code for one in result.findings] == ["chain_code"]
    nowhere = OnChain(chain.anvil, chain.chain_id, chain.sender, "0x" + "ab" * 20, chain.code_hash)
    result, _ = audited(AnchoredThere(nowhere, chain.open(10)).held(), chain.anvil.url)
    assert "got none" in result.findings[0].what


def test_a_contract_of_the_operators_own_is_told(chain: OnChain, sound: AnchoredThere) -> None:
    """It stands at its address with the code that the opening names: only whoever knows the contract can tell."""
    address = "0x" + "ac" * 20
    code = bytes.fromhex(chain.anvil.rpc("eth_getCode", chain.contract, "latest")[2:]) + b"\x00"
    chain.anvil.rpc("anvil_setCode", address, "0x" + code.hex())
    chain.mine(10)
    own = OnChain(chain.anvil, chain.chain_id, chain.sender, address, "0x" + keccak(code).hex())
    result, told = audited(AnchoredThere(own, chain.open(11)).held(), chain.anvil.url)
    assert result.findings == [] and "not the contract that is known here" in "\n".join(told.sentences())
    _, told = audited(sound.held(), chain.anvil.url)
    assert "known here" not in "\n".join(told.sentences())


# --------------------------------------------------------------------------------------------------------- bad nodes
UNREAD = [
    ("html", "expected JSON"),
    ("list", "expected an answer of id"),
    ("other-id", "expected an answer of id"),
    ("huge", "expected at most 16000000 bytes"),
    ("500", "expected JSON, got 500"),
    ("302", "expected JSON, got 302"),
    ("chain-7", "expected the chain of an anchor of this log, got chain 7"),
    ("chain-in-words", "expected a quantity"),
    ("no-finality", "expected an object, got NoneType"),
    ("half-a-checkpoint", "expected 64 bytes in 0x hex"),
    ("no-logs", "not all events could be read"),
    ("text-for-logs", "not all events could be read"),
    ("none-for-logs", "not all events could be read"),
    ("logs-of-another", "not all events could be read"),
    ("logs-of-another-id", "not all events could be read"),
    ("logs-beyond", "not all events could be read"),
    ("logs-cut-off", "not all events could be read"),
]


@pytest.mark.parametrize(("behaviour", "says"), UNREAD, ids=[one[0] for one in UNREAD])
def test_the_audit_says_what_it_could_not_read_if_a_node(
    sound: AnchoredThere, bad: str, behaviour: str, says: str
) -> None:
    """No damage: the receipts hold by themselves, and other nodes can be asked."""
    result, told = audited(sound.held(), f"{bad}/{behaviour}/secret-key")
    assert result.findings == []
    assert says in "\n".join(told.unread), told.unread
    said = "\n".join(told.sentences())
    assert "secret-key" not in said and "\x1b" not in said
    assert told.anchors[0].count == 3


def test_a_node_that_lies_about_events_is_contradicted_and_named(
    sound: AnchoredThere, bad: str, chain: OnChain
) -> None:
    result, _ = audited(sound.held(), chain.anvil.url, f"{bad}/logs-lying")
    assert {one.code for one in result.findings} == {"chain_root"}
    assert all(f"(asked {bad.removeprefix('http://')})" in one.what for one in result.findings)


def test_nobody_there_and_no_url_and_too_slow(sound: AnchoredThere, bad: str) -> None:
    _, told = audited(sound.held(), "http://127.0.0.1:9", "ftp://x", "http://[", "http://127.0.0.1:99999")
    assert len(told.unread) == 4
    node = ChainNode(f"{bad}/slow", seconds_max=0.4)
    started = time.monotonic()
    with pytest.raises(ChainUnread, match="got ReadTimeout"):
        read_chain_id(node)
    node.close()
    assert time.monotonic() - started < 4
    assert raw(sound.log_id)
