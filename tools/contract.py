"""Compile contracts/ and keep the committed artefact true: `python tools/contract.py build | check`.

    sources --standard JSON--> solc (npm, run by node) --> contracts/artifacts/CheckpointAnchor.json
                                                           contracts/artifacts/CheckpointAnchor.input.json

`check` compiles again, compares both files byte for byte, and compares the bytecode of forge's own build with them.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
ARTEFACTS = CONTRACTS / "artifacts"
COMPILER = CONTRACTS / "tools" / "compile.js"
FORGE = CONTRACTS / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
NAME = "CheckpointAnchor"
FILE = f"src/{NAME}.sol"
COMPILE_SECONDS_MAX = 120
SETTINGS: dict[str, Any] = {
    "evmVersion": "prague",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 10_000},
    "outputSelection": {
        "*": {"*": ["abi", "evm.bytecode", "evm.deployedBytecode", "evm.methodIdentifiers", "storageLayout"]}
    },
}
"""foundry.toml says the same; `check` finds it out if not."""


def sources() -> dict[str, str]:
    """Return path below contracts/ -> text of every source of the contract."""
    return {
        path.relative_to(CONTRACTS).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted((CONTRACTS / "src").rglob("*.sol"))
    }


def standard_input(texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the compiler's whole input, as an explorer takes it to verify the contract."""
    return {
        "language": "Solidity",
        "settings": SETTINGS,
        "sources": {path: {"content": text} for path, text in texts.items()},
    }


def compiled(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compiler's answer.

    Raises:
        RuntimeError: the compiler is missing, or it reported an error or a warning.
    """
    answer: dict[str, Any] = json.loads(_node([str(COMPILER)], json.dumps(request)))
    found = [one["formattedMessage"] for one in answer.get("errors", []) if one["severity"] != "info"]
    if found:
        raise RuntimeError("solc: expected no errors and no warnings, got\n" + "\n".join(found))
    return answer


def compiler_version() -> str:
    """Return what the compiler calls itself."""
    return _node([str(COMPILER), "--version"], "").strip()


def artefact(texts: Mapping[str, str], answer: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return what is committed of a compiled contract. Code is hex with 0x; `sources` are SHA-256 of the files."""
    made = answer["contracts"][FILE][NAME]
    runtime = made["evm"]["deployedBytecode"]["object"]
    return {
        "abi": made["abi"],
        "compiler": version,
        "contract": NAME,
        "creation": "0x" + made["evm"]["bytecode"]["object"],
        "methods": made["evm"]["methodIdentifiers"],
        "runtime": "0x" + runtime,
        "runtime_keccak256": "0x" + keccak(bytes.fromhex(runtime)).hex(),
        "settings": {key: value for key, value in SETTINGS.items() if key != "outputSelection"},
        "sources": {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()},
        "storage": [
            {"label": one["label"], "slot": one["slot"], "type": one["type"]}
            for one in made["storageLayout"]["storage"]
        ],
    }


def files() -> dict[Path, str]:
    """Compile, and return path -> text of the two committed files."""
    texts = sources()
    request = standard_input(texts)
    made = artefact(texts, compiled(request), compiler_version())
    return {
        ARTEFACTS / f"{NAME}.json": _text(made),
        ARTEFACTS / f"{NAME}.input.json": _text(request),
    }


def forge_code() -> tuple[str, str]:
    """Build with forge, which reads foundry.toml, into a folder of its own; return creation and runtime code."""
    if not FORGE.is_file():
        raise RuntimeError(f"forge: expected {FORGE.relative_to(ROOT)}, got none (npm ci in contracts/)")
    with tempfile.TemporaryDirectory() as folder:
        command = [str(FORGE), "build", "--force", "--skip", "test", "--out", f"{folder}/out"]
        command += ["--cache-path", f"{folder}/cache"]
        done = subprocess.run(
            command, cwd=CONTRACTS, capture_output=True, text=True, timeout=COMPILE_SECONDS_MAX, check=False
        )
        if done.returncode:
            raise RuntimeError(f"forge build: expected exit code 0, got {done.returncode}\n{done.stderr}")
        made = json.loads(Path(folder, "out", f"{NAME}.sol", f"{NAME}.json").read_text())
    return made["bytecode"]["object"], made["deployedBytecode"]["object"]


def differences() -> list[str]:
    """Return what of the committed files is not what the sources compile to; empty when all is well."""
    found = []
    fresh = files()
    for path, text in fresh.items():
        name = path.relative_to(ROOT)
        if not path.is_file():
            found.append(f"{name}: expected the file, got none")
        elif path.read_text(encoding="utf-8") != text:
            found.append(f"{name}: expected the bytes that the sources compile to, got others")
    made = json.loads(fresh[ARTEFACTS / f"{NAME}.json"])
    if forge_code() != (made["creation"], made["runtime"]):
        found.append("forge: expected the same bytecode as of solc alone, got another")
    return found


def main(arguments: list[str]) -> int:
    """Run one verb; return 0 only when the committed files are true."""
    if arguments == ["build"]:
        for path, text in files().items():
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}, {len(text)} bytes")
        return 0
    if arguments == ["check"]:
        found = differences()
        print("\n".join(found) or "contract: sources, artefact and forge's build agree byte for byte")
        return 1 if found else 0
    print(f"contract: expected build or check, got {' '.join(arguments)!r}")
    return 2


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"


def _node(arguments: list[str], given: str) -> str:
    if not (CONTRACTS / "node_modules" / "solc").is_dir():
        raise RuntimeError("solc: expected contracts/node_modules/solc, got none (npm ci in contracts/)")
    done = subprocess.run(
        ["node", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=COMPILE_SECONDS_MAX,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"node: expected exit code 0, got {done.returncode}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
