"""The corpus of forged and lying proofs against the contract, ten times as long and from the run's seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from ledger.anchors.artefact import load_artefact
from tests.contracts import attempts, checks, forgeries
from tests.contracts.deployed import deployed
from tests.contracts.machine import new_machine

FORGED = 100_000
CONSISTENCY, INCLUSION, ANCHORS, ATTEMPTS = 45_000, 25_000, 15_000, 15_000
HONEST = 10_000

ProofReport = Callable[[str, "int | str"], None]


@pytest.mark.timeout(7200)
def test_forgeries(prove_seed: int, proof_report: ProofReport) -> None:
    artefact = load_artefact()
    counts = Counter[str]()
    counts.update(checks.forged_consistency(artefact, CONSISTENCY, prove_seed))
    counts.update(checks.forged_inclusion(artefact, INCLUSION, prove_seed))
    counts.update(checks.forged_anchors(artefact, ANCHORS, prove_seed))
    counts.update(checks.refused_attempts(artefact, ATTEMPTS, prove_seed))
    held, taken = counts.pop("hold by the rule"), counts.pop("taken")
    kinds = {*forgeries.CONSISTENCY_KINDS, *forgeries.INCLUSION_KINDS, *attempts.ATTEMPTS}
    assert set(counts) == kinds
    assert counts.total() == FORGED
    proof_report("forged or lying inputs", counts.total())
    proof_report("kinds", len(kinds))
    proof_report("accepted that the independent verifier refuses", 0)
    proof_report("lies about sizes that hold by the rule, as views", held)
    proof_report("the same as transactions", taken)


@pytest.mark.timeout(7200)
def test_honest_proofs(prove_seed: int, proof_report: ProofReport) -> None:
    contract, draw = deployed(new_machine(), load_artefact()), Random(prove_seed)
    accepted = Counter[str]()
    for case in forgeries.honest_consistency(draw, HONEST):
        assert contract.value("verifyConsistency", *case.arguments), case
        accepted["consistency"] += 1
    for path in forgeries.honest_inclusion(draw, HONEST):
        assert contract.value("verifyInclusion", *path.arguments), path
        accepted["inclusion"] += 1
    proof_report("honest consistency proofs accepted", accepted["consistency"])
    proof_report("honest inclusion proofs accepted", accepted["inclusion"])
