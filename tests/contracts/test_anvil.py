"""The shared chain of the tests runs the committed artefact, and is gone when it was ended."""

from __future__ import annotations

import os

import httpx
import pytest

from ledger.anchors.artefact import load_artefact
from tests import anvil


def test_anvil_deploys_the_artefact_and_its_code_has_the_hash_of_the_artefact() -> None:
    artefact = load_artefact()
    with anvil.running_anvil("--chain-id", "4242") as node:
        assert node.rpc("eth_chainId") == hex(4242)
        (payer, *_) = node.rpc("eth_accounts")
        sent = node.rpc("eth_sendTransaction", {"from": payer, "data": "0x" + artefact.creation.hex()})
        receipt = node.receipt(sent)
        assert int(receipt["status"], 16) == 1
        assert node.rpc("eth_getCode", receipt["contractAddress"], "latest") == "0x" + artefact.runtime.hex()
        proof = node.rpc("eth_getProof", receipt["contractAddress"], [], "latest")
        assert proof["codeHash"] == "0x" + artefact.code_hash.hex()
    with pytest.raises(httpx.ConnectError):
        node.rpc("eth_chainId")
    with pytest.raises(ProcessLookupError):
        os.kill(node.pid, 0)


def test_without_anvil_a_test_is_skipped_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anvil, "FROM_NPM", ())
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="expected anvil, got none"):
        anvil.anvil_program()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="expected anvil, got none"):
        anvil.anvil_program()
