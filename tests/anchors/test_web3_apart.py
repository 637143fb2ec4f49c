"""web3 is imported in one module, and only when an anchor is made: everything else starts without it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("ledger", "playbooks", "verifiers", "casework", "api")
HEAVY = ("web3", "eth_account", "eth_keyfile", "eth_abi")
MAY = {"web3": {"ledger/anchors/evm.py"}, "eth_account": {"ledger/anchors/signer.py"},
       "eth_keyfile": {"ledger/anchors/signer.py"}, "eth_abi": set()}  # fmt: skip

STARTS = ("ledger.anchors.evm", "ledger.anchors.owning", "ledger.anchors.signer")


def test_only_one_module_imports_each_and_not_at_its_own_import() -> None:
    found: dict[str, set[str]] = {name: set() for name in HEAVY}
    line = re.compile(rf"^(\s*)(?:import|from)\s+({'|'.join(HEAVY)})\b", re.MULTILINE)
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for indent, name in line.findall(path.read_text()):
                found[name].add(path.relative_to(ROOT).as_posix())
                assert indent.strip("\n"), f"{path}: expected the import of {name} inside a function"
    assert found == MAY


def test_nothing_loads_them_before_an_anchor_is_opened() -> None:
    code = f"""
import sys, {", ".join(STARTS)}
print([name for name in {HEAVY!r} if name in sys.modules])
ledger.anchors.evm.contract_calls()
print("web3" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "[]\nTrue\n"
