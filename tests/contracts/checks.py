"""Everything that a contract must hold, as functions of an artefact: the tests ask them of the committed one, and
`make mutants` of many broken ones, each of which must fail at least one.

Each raises AssertionError; the counts they return are shown by the tests.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from eth_account import Account
from eth_account.messages import encode_typed_data

from ledger.anchors.artefact import Artefact
from tests.contracts import attempts, forgeries, rules
from tests.contracts.deployed import BARE, Deployed, deployed
from tests.contracts.forgeries import Consistency, Ground, Inclusion
from tests.contracts.machine import CHAIN_ID, new_machine
from tests.contracts.signing import ORDER, hashed, key_with_s, recovered
from tests.contracts.world import ANCHOR, NEXT, OTHER, OWNER, World

SEED = 20261127
HONEST_RANDOM = 1_000
FORGED_CONSISTENCY, FORGED_INCLUSION, FORGED_ANCHORS, ATTEMPTS = 4_500, 2_500, 1_500, 1_500
"""10,000 together; tests/prove/test_forgeries.py plays ten times as many, from the run's seed."""
SHA256_CALL = bytes.fromhex("60025afa")
"""PUSH1 2, GAS, STATICCALL: where the runtime code calls the precompile of SHA-256."""
ELSEWHERE = 0xF7
REVERTS_WITH_A_WORD = bytes.fromhex("60205ffd")
GIVES_31_BYTES = bytes.fromhex("601f5ff3")
GIVES_33_BYTES = bytes.fromhex("60215ff3")
FORWARDS = bytes.fromhex("601436038060145f375f5f825f5f5f3560601c5af13d5f5f3e3d5f82602057fd5bf3")
"""A wallet: calls the address in its first 20 bytes with the rest, and gives back what came of it."""

Check = Callable[[Artefact], dict[str, int]]


def honest(artefact: Artefact) -> dict[str, int]:
    """Every honest proof is accepted, of every old <= new <= 80 and of random sizes up to 2^63."""
    contract = deployed(new_machine(), artefact)
    draw = Random(SEED)
    counts = Counter[str]()
    for case in forgeries.honest_consistency(draw, HONEST_RANDOM):
        assert case.holds and contract.value("verifyConsistency", *case.arguments), case
        counts["consistency"] += 1
    for path in forgeries.honest_inclusion(draw, HONEST_RANDOM):
        assert path.holds and contract.value("verifyInclusion", *path.arguments), path
        counts["inclusion"] += 1
    return counts


def honest_anchors(artefact: Artefact) -> dict[str, int]:
    """A log of random steps up to 2^63 is anchored whole."""
    world, draw = World(artefact), Random(SEED + 1)
    counts = Counter[str]()
    for _ in range(40):
        sizes = sorted({draw.randint(1, 2 ** draw.randint(1, 63)) for _ in range(8)})
        tree = Ground(draw, sizes[0], sizes[-1]).tree(*sizes)
        log_id = world.anchored(sizes[0], tree.root(sizes[0]))
        for old, new in itertools.pairwise(sizes):
            answer = world.anchor(log_id, new, tree.root(new), tree.consistency(old, new))
            assert answer.error == "", (old, new, answer)
            counts["anchors"] += 1
    return counts


def forged_consistency(
    artefact: Artefact, count: int = FORGED_CONSISTENCY, seed: int = SEED
) -> dict[str, int]:
    """The view says of every forged or lying proof what the independent verifier says."""
    contract = deployed(new_machine(), artefact)
    return _judged(contract, "verifyConsistency", forgeries.forged_consistency(Random(seed), count))


def forged_inclusion(artefact: Artefact, count: int = FORGED_INCLUSION, seed: int = SEED) -> dict[str, int]:
    """The same of inclusion, with an entry's bytes."""
    contract = deployed(new_machine(), artefact)
    return _judged(contract, "verifyInclusion", forgeries.forged_inclusion(Random(seed), count))


def forged_anchors(artefact: Artefact, count: int = FORGED_ANCHORS, seed: int = SEED) -> dict[str, int]:
    """Forged and lying proofs as well signed transactions: state, error and its arguments are the model's."""
    world = World(artefact)
    counts = Counter[str]()
    for case in forgeries.forged_consistency(Random(seed + 2), count):
        counts[case.kind] += 1
        counts["taken"] += attempts.anchored_case(world, case)
    return counts


def refused_attempts(artefact: Artefact, count: int = ATTEMPTS, seed: int = SEED) -> dict[str, int]:
    """Foreign and malformed signatures, wrong states, starved gas: nothing of it is ever taken."""
    taken = attempts.play(World(artefact), Random(seed + 3), count)
    assert not any(taken.values()), {kind: times for kind, times in taken.items() if times}
    return {kind: len(range(at, count, len(taken))) for at, kind in enumerate(taken)}


def state_rules(artefact: Artefact) -> dict[str, int]:
    """Every row of the table of rules; all errors and events of the ABI come in it."""
    world = World(artefact)
    for row in rules.ROWS:
        rules.play(world, row)
    named = {one["name"] for one in artefact.abi if one["type"] in ("error", "event")}
    assert world.seen == named, world.seen ^ named
    return {"rows": len(rules.ROWS), "errors and events": len(named)}


def digests(artefact: Artefact) -> dict[str, int]:
    """Log ids and digests are those of the specification, and the digests those of another EIP-712 implementation."""
    draw = Random(SEED + 4)
    counts = Counter[str]()
    for chain_id in (1, CHAIN_ID, 11155111):
        world = World(artefact, new_machine(chain_id))
        address = world.contract.address
        for _ in range(20):
            log_id, root, salt, opener = (draw.randbytes(n) for n in (32, 32, 32, 20))
            size = draw.getrandbits(64)
            digest = world.contract.value("digestOf", log_id, size, root)
            assert digest == world.model.digest(log_id, size, root)
            assert digest == _by_eth_account(chain_id, address, log_id, size, root)
            assert world.contract.value("logIdOf", opener, salt) == world.model.log_id(opener, salt)
            counts["digests"] += 1
    return counts


def recovery(artefact: Artefact) -> dict[str, int]:
    """What a foreign signature recovers to stands in the error, as eth_keys recovers it."""
    world, draw = World(artefact), Random(SEED + 5)
    log_id = world.opened()
    for at in range(24):
        digest = world.model.digest(log_id, 9, bytes(32))
        signature = ANCHOR.sign(draw.randbytes(32)) if at % 2 else draw.randbytes(64) + b"\x1c"
        expected = recovered(digest, signature)
        answer = world.send(OWNER, "anchor", log_id, 9, bytes(32), (), signature)
        assert (answer.error, answer.values) == ("SignatureWrong", (ANCHOR.address, expected))
    signed = bytes(Account.unsafe_sign_hash(digest, ANCHOR.secret.to_bytes(32, "big")).signature)
    world.model.signers[digest, signed] = ANCHOR.address
    assert world.send(OWNER, "anchor", log_id, 9, bytes(32), (), signed).error == ""
    for s, error in (
        (1, ""),
        (ORDER // 2, ""),
        (ORDER // 2 + 1, "SignatureWrong"),
        (ORDER - 1, "SignatureWrong"),
    ):
        salt = world.salt()
        log_id = world.model.log_id(OWNER.address, salt)
        digest = world.model.digest(log_id, 9, bytes(32))
        key, signature = key_with_s(digest, s)
        world.model.signers[digest, signature] = key.address
        world.send(OWNER, "openLog", OWNER.address, key.address, salt, bytes(32))
        assert world.send(OWNER, "anchor", log_id, 9, bytes(32), (), signature).error == error, s
    return {"signatures": 29}


def without_sha256(artefact: Artefact) -> dict[str, int]:
    """Where the precompile is missing, fails or gives another length, there is no answer at all, never a false one."""
    consistency = Ground(Random(1), 5, 8).consistency()
    path = Ground(Random(1), 5, 8).inclusion()
    assert artefact.runtime.count(SHA256_CALL) >= 2
    for there in (b"", REVERTS_WITH_A_WORD, GIVES_31_BYTES, GIVES_33_BYTES):
        machine = new_machine()
        contract = Deployed(machine, artefact, b"\xc0" * 20)
        patched = SHA256_CALL.replace(b"\x60\x02", bytes([0x60, ELSEWHERE]))
        machine.place(contract.address, artefact.runtime.replace(SHA256_CALL, patched))
        if there:
            machine.place(ELSEWHERE.to_bytes(20, "big"), there)
        assert contract.look("verifyConsistency", *consistency.arguments).error == BARE, there
        assert contract.look("verifyInclusion", *path.arguments).error == BARE, there
        lone = (path.entry, 0, 1, path.root, ())
        assert contract.look("verifyInclusion", *lone).error == BARE, there
    return {"precompiles": 4}


def neighbours(artefact: Artefact) -> dict[str, int]:
    """What is done to one log leaves every other as it is."""
    world, draw = World(artefact), Random(SEED + 6)
    logs = [world.anchored(3, draw.randbytes(32)) for _ in range(3)]
    logs += [world.opened(NEXT, OTHER), world.opened()]
    kept = {log_id: _kept(world.contract, log_id) for log_id in logs}
    touched = world.anchored(5, draw.randbytes(32))
    for name, arguments in (
        ("rotateAnchorKey", (NEXT.address,)),
        ("proposeOwner", (OTHER.address,)),
        ("supersede", (logs[0], bytes(32))),
    ):
        assert world.send(OWNER, name, touched, *arguments).error == ""
        assert {log_id: _kept(world.contract, log_id) for log_id in logs} == kept
    return {"logs": len(logs)}


def contract_owners(artefact: Artefact) -> dict[str, int]:
    """A contract may open, own and take over logs; who sent the transaction to it may not."""
    world, wallet = World(artefact), b"\xfa" * 20
    world.machine.place(wallet, FORWARDS)
    salt = world.salt()
    log_id = world.model.log_id(wallet, salt)
    steps: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("openLog", (wallet, ANCHOR.address, salt, bytes(32))),
        ("rotateAnchorKey", (log_id, NEXT.address)),
        ("proposeOwner", (log_id, wallet)),
        ("acceptOwner", (log_id,)),
        ("supersede", (log_id, bytes(32), bytes(32))),
    )
    for name, arguments in steps:
        if name != "openLog":
            assert world.send(OWNER, name, *arguments).error == "NotAllowed"
        data = world.contract.address + world.contract.data(name, *arguments)
        ran = world.machine.send(OWNER.address, wallet, data)
        error, _, events = world.model.send(wallet, name, *arguments)
        assert ran.success is (error == "") and len(ran.logs) == len(events), (name, ran, error)
        world.compare(log_id)
    return {"steps": len(steps)}


CHECKS: dict[str, Check] = {
    "rules of the state": state_rules,
    "honest anchors": honest_anchors,
    "honest proofs": honest,
    "digests and ids": digests,
    "recovered signers": recovery,
    "no SHA-256": without_sha256,
    "neighbours": neighbours,
    "contracts as owners": contract_owners,
    "forged consistency": forged_consistency,
    "forged inclusion": forged_inclusion,
    "forged anchors": forged_anchors,
    "refused attempts": refused_attempts,
}


def _judged(contract: Deployed, view: str, cases: Iterable[Consistency | Inclusion]) -> dict[str, int]:
    counts = Counter[str]()
    for case in cases:
        holds = case.holds
        assert contract.value(view, *case.arguments) is holds, case
        counts[case.kind] += 1
        counts["hold by the rule"] += holds
    return counts


def _kept(contract: Deployed, log_id: bytes) -> object:
    return contract.look("logOf", log_id).values, contract.look("checkpoint", log_id).values


def _by_eth_account(chain_id: int, contract: bytes, log_id: bytes, size: int, root: bytes) -> bytes:
    message = encode_typed_data(
        domain_data={
            "name": "TallystickCheckpointAnchor",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": "0x" + contract.hex(),
        },
        message_types={
            "Checkpoint": [
                {"name": "logId", "type": "bytes32"},
                {"name": "treeSize", "type": "uint64"},
                {"name": "root", "type": "bytes32"},
            ]
        },
        message_data={"logId": log_id, "treeSize": size, "root": root},
    )
    return hashed(b"\x19" + message.version + message.header + message.body)
