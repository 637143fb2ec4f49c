"""The committed contract, run in this process: its rules, honest and forged proofs, every error and event.

What each check holds stands in tests/contracts/checks.py, where `make mutants` asks the same of broken contracts.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.anchors.artefact import Artefact, load_artefact
from ledger.errors import ProofError
from tests.contracts import attempts, checks, forgeries, rules
from tests.contracts.checks import CHECKS
from tests.contracts.deployed import Deployed, deployed, encoded, signature_of
from tests.contracts.machine import Pyevm, Pyrevm, has_pyrevm, new_machine
from tests.contracts.recursive import Tree, consistent
from tests.contracts.rules import ROWS, Row
from tests.contracts.world import OWNER, RELAY, World

KINDS_LEAST = 28
FORGED = 10_000


@pytest.fixture(scope="module")
def artefact() -> Artefact:
    return load_artefact()


@pytest.fixture(scope="module")
def world(artefact: Artefact) -> World:
    return World(artefact)


@pytest.mark.parametrize("name", CHECKS)
def test_the_contract_holds(name: str, artefact: Artefact) -> None:
    assert sum(CHECKS[name](artefact).values()) > 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}-{row.error or 'taken'}")
def test_rule(row: Row, world: World) -> None:
    rules.play(world, row)


def test_the_corpus_has_the_promised_size_and_kinds() -> None:
    counts = (checks.FORGED_CONSISTENCY, checks.FORGED_INCLUSION, checks.FORGED_ANCHORS, checks.ATTEMPTS)
    kinds = {*forgeries.CONSISTENCY_KINDS, *forgeries.INCLUSION_KINDS, *attempts.ATTEMPTS}
    assert sum(counts) == FORGED and len(kinds) >= KINDS_LEAST


def test_lies_about_sizes_that_hold_by_the_rule_are_in_the_corpus(artefact: Artefact) -> None:
    """A consistency proof does not bind the sizes: contract and verifiers accept some lies (contracts/README.md)."""
    draw = Random(7)
    kind = forgeries.CONSISTENCY_KINDS["consistency: a lie about the new size"]
    contract = deployed(new_machine(), artefact)
    held = 0
    for _ in range(300):
        ground = forgeries.Ground(draw, *forgeries.sizes(draw))
        case = kind(ground)
        held += case.new_size != ground.new and bool(contract.value("verifyConsistency", *case.arguments))
    assert held > 100


# ----------------------------------------------------------------------------------- the Python side of the corpus
def by_the_ledger(case: forgeries.Consistency) -> bool:
    try:
        merkle.check_consistency(case.old_size, case.new_size, case.old_root, case.new_root, case.proof)
    except ProofError:
        return False
    return True


def path_by_the_ledger(case: forgeries.Inclusion) -> bool:
    try:
        merkle.check_inclusion(case.index, case.size, merkle.leaf_hash(case.entry), case.root, case.proof)
    except ProofError:
        return False
    return True


def test_the_ledger_judges_the_corpus_as_the_independent_verifier_does() -> None:
    draw, judged = Random(11), 0
    for case in forgeries.forged_consistency(draw, 3_000):
        if max(case.old_size, case.new_size) <= merkle.SIZE_MAX:
            assert by_the_ledger(case) is case.holds, case
            judged += 1
    for path in forgeries.forged_inclusion(draw, 3_000):
        if path.size <= merkle.SIZE_MAX:
            assert path_by_the_ledger(path) is path.holds, path
            judged += 1
    assert judged > 4_000


def test_the_provers_make_the_same_proofs_and_roots() -> None:
    size = forgeries.SMALL
    tree = Tree(b"same", range(size + 1))
    nodes = merkle.nodes_over([merkle.leaf_hash(tree.entry(at)) for at in range(size)])
    for new in range(1, size + 1):
        assert tree.root(new) == merkle.root_at(new, nodes)
        for old in range(1, new + 1):
            assert list(tree.consistency(old, new)) == merkle.consistency_proof(old, new, nodes)
            assert list(tree.inclusion(old - 1, new)) == merkle.inclusion_proof(old - 1, new, nodes)


# ------------------------------------------------------------------------------------------------ how it is called
def test_our_encoder_is_that_of_eth_abi() -> None:
    types = ("uint64", "bytes32", "bytes32[]", "bytes", "address", "bytes32[]")
    for count in (0, 1, 33):
        hashes = [bytes([at]) * 32 for at in range(count)]
        values = (2**64 - 1, b"\x05" * 32, hashes, b"\x06" * count, b"\x07" * 20, hashes)
        assert encoded(types, values) == encode(types, values)


def test_no_ether_is_taken_and_unknown_calls_are_refused(artefact: Artefact) -> None:
    payable = [one for one in artefact.abi if one.get("stateMutability") == "payable"]
    assert payable == [] and not {one["type"] for one in artefact.abi} & {
        "receive",
        "fallback",
        "constructor",
    }
    machine = new_machine()
    contract = deployed(machine, artefact)
    for data in (b"", b"\x01", b"\xde\xad\xbe\xef", bytes(36)):
        ran = machine.send(RELAY.address, contract.address, data)
        assert not ran.success and ran.output == b""


@pytest.mark.parametrize("change", ["truncated", "a dirty address", "a size of 65 bits"])
def test_malformed_calldata_is_refused(artefact: Artefact, change: str) -> None:
    machine = new_machine()
    contract = deployed(machine, artefact)
    if change == "a size of 65 bits":
        data = bytearray(contract.data("digestOf", bytes(32), 1, bytes(32)))
        data[4 + 32 + 23] = 1
    else:
        data = bytearray(contract.data("openLog", b"\x01" * 20, b"\x01" * 20, bytes(32), bytes(32)))
        if change == "truncated":
            del data[-1]
        else:
            data[4] = 1
    ran = machine.send(RELAY.address, contract.address, bytes(data))
    assert not ran.success and ran.output == b""


# -------------------------------------------------------------------------------------------------- two engines
def test_both_engines_give_the_same_answers_and_the_same_gas(artefact: Artefact) -> None:
    if not has_pyrevm():
        reason = "engines: expected pyrevm beside py-evm, got none (no wheel for this machine)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    fast, slow = World(artefact, Pyrevm()), World(artefact, Pyevm())
    assert fast.contract.address == slow.contract.address
    assert slow.machine.code(slow.contract.address) == artefact.runtime
    assert fast.machine.code(fast.contract.address).rstrip(b"\0") == artefact.runtime.rstrip(b"\0")
    opened = [
        world.send(RELAY, "openLog", OWNER.address, OWNER.address, bytes(32), bytes(32))
        for world in (fast, slow)
    ]
    assert opened[0] == opened[1]
    for row in ROWS[::6]:
        rules.play(fast, row)
        rules.play(slow, row)
    draw = Random(3)
    for case in (*forgeries.honest_consistency(draw, 20),)[-20:]:
        answers = [world.contract.look("verifyConsistency", *case.arguments) for world in (fast, slow)]
        assert answers[0].said == answers[1].said == ("", (True,), ())
        # Short calls cost more as calldata than as work (EIP-7623), which only the slow engine counts.
        assert answers[0].gas == answers[1].gas or answers[1].gas == floor(slow.contract, case)
    forged = [*forgeries.forged_consistency(draw, 40)]
    assert [fast.contract.value("verifyConsistency", *case.arguments) for case in forged] == [
        slow.contract.value("verifyConsistency", *case.arguments) for case in forged
    ]


def floor(contract: Deployed, case: forgeries.Consistency) -> int:
    """Return 21,000 and ten gas per token of calldata: a zero byte is one token, another four (EIP-7623)."""
    data = contract.data("verifyConsistency", *case.arguments)
    return 21_000 + 10 * (4 * len(data) - 3 * data.count(0))


# ----------------------------------------------------------------------------------------------------- properties
@given(st.integers(1, 2**64 - 1), st.integers(1, 2**64 - 1), st.binary(max_size=8), st.data())
def test_any_sizes_and_hashes_are_judged_alike(old: int, new: int, seed: bytes, data: st.DataObject) -> None:
    contract = _shared()
    hashes = data.draw(st.lists(st.binary(min_size=32, max_size=32), max_size=66))
    tree = Tree(seed, (min(old, new), max(old, new)))
    proof = tree.consistency(min(old, new), max(old, new)) if data.draw(st.booleans()) else tuple(hashes)
    arguments = (old, tree.root(old), new, tree.root(new), proof)
    assert contract.value("verifyConsistency", *arguments) is consistent(*arguments)


_SHARED: list[Deployed] = []


def _shared() -> Deployed:
    if not _SHARED:
        _SHARED.append(deployed(new_machine()))
    return _SHARED[0]


def test_signatures_of_the_abi_are_those_of_the_specification(artefact: Artefact) -> None:
    names = {signature_of(one) for one in artefact.abi if one["type"] == "function"}
    assert "anchor(bytes32,uint64,bytes32,bytes32[],bytes)" in names and len(names) == 12
