"""The vectors of docs/spec/anchor-contract.md are what the model makes, and the contract does just that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_account import Account

from ledger.anchors.artefact import load_artefact
from tests.contracts.deployed import Deployed
from tests.contracts.machine import Machine, Pyevm, Pyrevm, has_pyrevm, new_machine
from tests.vectors.regenerate_anchor import ANCHOR, rendered
from tests.vectors.regenerate_record import FOLDER

FILE = FOLDER / "anchor_contract.json"


def load() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(FILE.read_text(encoding="ascii"))
    return made


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def test_the_file_equals_what_the_code_makes() -> None:
    assert FILE.read_text(encoding="ascii") == rendered()


@pytest.mark.parametrize("engine", [Pyrevm, Pyevm] if has_pyrevm() else [Pyevm])
def test_the_contract_does_every_step(engine: type[Pyrevm] | type[Pyevm]) -> None:
    """Calldata in; logs, revert data and storage out, byte for byte."""
    found = load()
    machine: Machine = engine(found["chain_id"])
    contract = raw(found["contract"])
    machine.place(contract, load_artefact().runtime)
    for step in found["steps"]:
        ran = machine.send(raw(step["sender"]), contract, raw(step["calldata"]))
        assert ran.success is (step["error"] is None)
        assert ran.success or ran.output == raw(step["error"])
        assert [
            {"topics": ["0x" + topic.hex() for topic in topics], "data": "0x" + data.hex()}
            for topics, data in ran.logs
        ] == step["logs"]
        for slot, word in step["storage"].items():
            assert machine.slot(contract, int(slot, 16)) == int(word, 16)


def test_the_views_give_log_id_and_digests() -> None:
    found = load()
    machine = new_machine(found["chain_id"])
    contract = Deployed(machine, load_artefact(), raw(found["contract"]))
    machine.place(contract.address, load_artefact().runtime)
    log_id = found["log_id"]
    assert contract.value("logIdOf", raw(log_id["opener"]), raw(log_id["salt"])) == raw(log_id["is"])
    for step in found["steps"]:
        if step["function"] == "anchor":
            words = raw(step["calldata"])[4 : 4 + 3 * 32]
            digest = contract.value("digestOf", words[:32], int.from_bytes(words[32:64], "big"), words[64:])
            assert digest == raw(step["signing"]["digest"])


def test_eth_account_recovers_the_anchor_key_from_the_signatures() -> None:
    signed = [
        step["signing"] for step in load()["steps"] if step["function"] == "anchor" and not step["error"]
    ]
    assert len(signed) == 3
    for one in signed:
        signer = Account._recover_hash(raw(one["digest"]), signature=raw(one["signature"]))
        assert raw(signer) == ANCHOR.address
