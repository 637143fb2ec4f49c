"""The gas table in git is what is measured, within the limits; a real chain's receipts say the same."""

from __future__ import annotations

import pytest

from tests.anvil import running_anvil
from tests.contracts import gas
from tests.contracts.gas import LIMITS, MORE, OVERWRITE, TABLE, WORST, Line, measured, text_of
from tests.contracts.machine import CHAIN_ID, Pyevm
from tests.contracts.on_anvil import OnAnvil


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return measured(Pyevm())


def test_the_table_in_git_is_what_is_measured(lines: list[Line]) -> None:
    assert TABLE.read_text(encoding="utf-8") == text_of(lines)


@pytest.mark.parametrize("what", LIMITS)
def test_gas_is_within_its_limit(lines: list[Line], what: str) -> None:
    (line,) = [line for line in lines if line.what == what]
    assert line.gas <= LIMITS[what]


def test_a_proof_costs_more_than_a_bare_overwrite_and_by_how_much(lines: list[Line]) -> None:
    """The price of a rule: a bare overwrite takes any root, from anybody."""
    by_name = {line.what: line.gas for line in lines}
    assert 15_000 < by_name[MORE] - by_name[OVERWRITE] < 30_000
    assert 35_000 < by_name[WORST] - by_name[OVERWRITE] < 60_000


def test_the_worst_case_has_as_many_hashes_as_a_proof_can_have(lines: list[Line]) -> None:
    hashes = {line.what: line.hashes for line in lines}
    for name, size in gas.SIZES.items():
        assert hashes[f"anchor at {name}, worst case"] == (size - 1).bit_length() + 1


def test_receipts_of_a_real_chain_say_the_same(lines: list[Line]) -> None:
    with running_anvil("--chain-id", str(CHAIN_ID)) as node:
        machine = OnAnvil(node)
        try:
            assert measured(machine) == lines
        finally:
            machine.close()
