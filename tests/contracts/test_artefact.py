"""What is committed of the compiled contract belongs to the sources beside it; its loader believes no damaged file."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ledger.anchors import artefact as loader
from ledger.anchors.artefact import ArtefactDamaged, load_artefact, read_artefact
from tests.contracts.deployed import deployed, signature_of
from tests.contracts.machine import new_machine
from tests.contracts.signing import hashed
from tools import contract, contract_checks, mutants

MUTANTS_LEAST = 30
FOLDER = contract.ARTEFACTS


def committed() -> dict[str, Any]:
    made: dict[str, Any] = json.loads((FOLDER / "CheckpointAnchor.json").read_text())
    return made


def changed(**members: object) -> bytes:
    return json.dumps({**committed(), **members}).encode()


# -------------------------------------------------------------------------------------------------- the committed files
def test_the_artefact_was_made_of_these_sources() -> None:
    """Without a compiler; `make contracts` compiles again and compares every byte."""
    texts = contract.sources()
    assert committed()["sources"] == {
        path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()
    }
    assert json.loads((FOLDER / "CheckpointAnchor.input.json").read_text()) == contract.standard_input(texts)


def test_method_ids_are_those_of_the_abi() -> None:
    functions = {signature_of(one) for one in committed()["abi"] if one["type"] == "function"}
    assert committed()["methods"] == {one: hashed(one.encode())[:4].hex() for one in functions}


def test_what_is_deployed_has_the_code_hash() -> None:
    machine, artefact = new_machine(), load_artefact()
    code = machine.code(deployed(machine, artefact).address)[: len(artefact.runtime)]
    assert hashed(code) == artefact.code_hash == bytes.fromhex(committed()["runtime_keccak256"][2:])


def test_the_code_is_below_the_limit_of_chains() -> None:
    assert len(load_artefact().runtime) <= 24_576  # EIP-170


def test_the_interface_in_the_sources_has_every_error_and_event_of_the_abi() -> None:
    text = contract.sources()["src/interfaces/ICheckpointAnchor.sol"]
    declared = set(re.findall(r"^    (?:error|event) (\w+)\(", text, re.MULTILINE))
    assert {one["name"] for one in committed()["abi"] if one["type"] in ("error", "event")} == declared


# ----------------------------------------------------------------------------------------------------------- the loader
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "expected ABI, code and its hash as JSON"),
        (b"{}", "KeyError"),
        (b"[]", "TypeError"),
        (b"\xff", "UnicodeDecodeError"),
        (changed(runtime="0xzz"), "ValueError"),
        (changed(creation=None), "AttributeError"),
        (changed(runtime="0x00"), "expected runtime code of hash"),
        (changed(runtime_keccak256="0x" + "00" * 32), "expected runtime code of hash 0000"),
        (changed(creation="0x"), "expected runtime code of hash"),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else None,
)
def test_a_damaged_artefact_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ArtefactDamaged, match=re.escape(said)):
        read_artefact(data)


def test_the_artefact_is_found_in_the_wheel_and_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (FOLDER / "CheckpointAnchor.json").read_bytes()
    for here in (tmp_path / "first", tmp_path / "second"):
        monkeypatch.setattr(loader, "FOLDERS", (tmp_path / "first", tmp_path / "second"))
        here.mkdir()
        (here / "CheckpointAnchor.json").write_bytes(data)
        assert load_artefact() == read_artefact(data)
        (here / "CheckpointAnchor.json").unlink()
    with pytest.raises(ArtefactDamaged, match=r"expected CheckpointAnchor\.json"):
        load_artefact()


# ------------------------------------------------------------------------------------------------------------ the tools
def test_a_changed_comment_compiles_to_the_same_and_a_changed_line_to_other_code() -> None:
    if not (contract.CONTRACTS / "node_modules" / "solc").is_dir():
        reason = "compiler: expected contracts/node_modules/solc, got none (make chain)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    texts = contract.sources()
    text = texts[contract.FILE]
    for find, put, same in (
        ("// 1. The sizes", "// First: the sizes", True),
        ("<= latest", "< latest", False),
    ):
        answer = contract.compiled(contract.standard_input({**texts, contract.FILE: text.replace(find, put)}))
        made = answer["contracts"][contract.FILE][contract.NAME]["evm"]["deployedBytecode"]["object"]
        assert (bytes.fromhex(made) == load_artefact().runtime) is same


def test_a_compiler_error_and_a_warning_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"errors": [{"severity": "warning", "formattedMessage": "Warning: unused"}]}
    monkeypatch.setattr(contract, "_node", lambda arguments, given: json.dumps(answer))
    with pytest.raises(RuntimeError, match="expected no errors and no warnings, got\nWarning: unused"):
        contract.compiled({})


def test_the_lock_of_npm_names_versions_and_hashes_and_no_address() -> None:
    locked = json.loads((contract.CONTRACTS / "package-lock.json").read_text())["packages"]
    packages = {name: entry for name, entry in locked.items() if name}
    assert len(packages) >= 3 and all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert [name for name, entry in packages.items() if "resolved" in entry] == []


def test_a_missing_tool_fails_the_checks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(contract_checks, "FORGE", contract.ROOT / "no-such-forge")
    monkeypatch.setattr(contract_checks, "SLITHER_BIN", tmp_path)
    assert contract_checks.main(["format", "fuzz", "slither"]) == 1
    said = capsys.readouterr().out
    assert "contracts: passed=0 failed=3" in said and said.count("got none") == 3
    assert contract_checks.main(["typos"]) == 2


def test_the_allow_list_of_slither_is_exact() -> None:
    one, other = ("assembly", "a uses assembly"), ("pragma", "2 versions")
    assert contract_checks.unlike({one}, {one}) == []
    assert "not in contracts/slither.json" in contract_checks.unlike({one}, {one, other})[0]
    assert "no longer found" in contract_checks.unlike({one, other}, {one})[0]
    finding = {"check": "x", "description": "A.b(bytes) (src/a.sol#1-2) uses c\nmore"}
    assert contract_checks.finding_key(finding) == ("x", "A.b(bytes) uses c")
    allowed = json.loads(contract_checks.ALLOWED.read_text())
    assert all(len(one["reason"]) > 10 for one in allowed)


def test_the_mutants_fit_the_sources_and_the_report_has_each_killed() -> None:
    found = contract_checks.mutants()
    assert found == []
    listed = mutants.listed()
    counted = [one for one in listed if not one.equivalent]
    assert len(counted) >= MUTANTS_LEAST and len({one.id for one in listed}) == len(listed)
    report = mutants.WRITTEN.read_text()
    assert f"- mutants: {len(counted)}; killed: {len(counted)}; survived: 0" in report
    for one in listed:
        assert re.search(rf"^\| {one.id} \| \S+ \| {re.escape(one.what)} \| [^*|]+ \|$", report, re.MULTILINE)


def test_a_mutant_without_its_place_is_refused() -> None:
    lost = mutants.Mutant("1", contract.FILE, "lost", "no such text", "")
    with pytest.raises(ValueError, match="expected its text once"):
        mutants.mutated(contract.sources(), lost)


# -------------------------------------------------------------------------------------------------------- the documents
def test_the_readme_has_every_error_and_finding_and_the_gas_that_was_measured() -> None:
    text = (contract.CONTRACTS / "README.md").read_text()
    table = (contract.CONTRACTS / "GAS.md").read_text()
    errors = [one["name"] for one in committed()["abi"] if one["type"] == "error"]
    assert [name for name in errors if f"| `{name}` |" not in text] == []
    limited = [line for line in table.splitlines() if re.search(r"\d \|$", line)]
    assert len(limited) == 3 and [line for line in limited if line not in text] == []
    overwrite = next(line for line in table.splitlines() if "overwrite, again" in line)
    assert overwrite in text
    for one in json.loads(contract_checks.ALLOWED.read_text()):
        place = re.search(r"\.(\w+)\(", one["where"])
        assert f"| `{one['check']}`" in text and (place is None or f"`{place[1]}`" in text)


def test_the_specification_has_every_event() -> None:
    text = (contract.ROOT / "docs" / "spec" / "anchor-contract.md").read_text()
    events = [signature_of(one) for one in committed()["abi"] if one["type"] == "event"]
    assert [one for one in events if f"`{one}`" not in text] == []
