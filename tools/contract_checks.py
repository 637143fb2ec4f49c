"""`make contracts`: everything that needs the compiler, the fuzzer or slither, one verdict at the end.

A tool that is missing is a failure, never a skip: `make chain` brings the first two from npm, and slither has a hashed
lock and an environment of its own, because it wants another major version of web3 than the anchor.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.contracts.gas import BARE_ROOT
from tools.contract import CONTRACTS, FORGE, ROOT, compiled, differences, sources, standard_input
from tools.mutants import listed, mutated

SLITHER_BIN = CONTRACTS / ".venv" / "bin"
ALLOWED = CONTRACTS / "slither.json"
BARE = "test/bare/BareRoot.sol"
STEP_SECONDS_MAX = 200


def artefact() -> list[str]:
    """Compile by two routes and compare with what is committed."""
    return differences()


def bare_root() -> list[str]:
    """Compile the contract that the gas table is held against."""
    answer = compiled(standard_input({BARE: (CONTRACTS / BARE).read_text(encoding="utf-8")}))
    code = answer["contracts"][BARE]["BareRoot"]["evm"]["bytecode"]["object"]
    return (
        []
        if bytes.fromhex(code) == BARE_ROOT
        else ["tests/contracts/gas.py: expected BARE_ROOT as compiled, got other"]
    )


def mutants() -> list[str]:
    """See that every listed mutant still has its place in the sources; `make mutants` judges them."""
    texts, found = sources(), []
    for mutant in listed():
        try:
            mutated(texts, mutant)
        except ValueError as error:
            found.append(str(error))
    return found


def formatted() -> list[str]:
    """Ask forge whether the Solidity is in its format."""
    return _forge("fmt", "--check")


def fuzz() -> list[str]:
    """Run the fuzz tests with the seed and the runs of foundry.toml."""
    return _forge("test")


def slither() -> list[str]:
    """Compare what slither finds with the allow-list: nothing new, and nothing allowed that is gone."""
    program = SLITHER_BIN / "slither"
    if not program.is_file():
        raise FileNotFoundError(
            "slither: expected it in contracts/.venv, got none (make contracts brings it)"
        )
    allowed = {(one["check"], one["where"]) for one in json.loads(ALLOWED.read_text(encoding="utf-8"))}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "found.json")
        path = os.pathsep.join((str(SLITHER_BIN), str(FORGE.parent), os.environ.get("PATH", "")))
        said = _run(
            [str(program), ".", "--filter-paths", "test|node_modules", "--json", str(report)],
            environment=os.environ | {"PATH": path},
            expected=None,
        )
        if not report.is_file():
            return [f"slither: expected a report, got none\n{said}"]
        made: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    if not made["success"]:
        return [f"slither: expected success, got {made['error']}"]
    return unlike(allowed, {finding_key(one) for one in made["results"].get("detectors", ())})


def finding_key(finding: dict[str, Any]) -> tuple[str, str]:
    """Return a finding's detector and the first line of what it says, without places in files."""
    return finding["check"], re.sub(r" \(src/[^)]*\)", "", finding["description"].splitlines()[0])


def unlike(allowed: set[tuple[str, str]], found: set[tuple[str, str]]) -> list[str]:
    """Return what was found and is not allowed, and what is allowed and was not found."""
    new = [f"slither: {check}: {where}: not in contracts/slither.json" for check, where in found - allowed]
    gone = [f"slither: {check}: {where}: allowed, but no longer found" for check, where in allowed - found]
    return sorted(new) + sorted(gone)


STEPS: dict[str, Callable[[], list[str]]] = {
    "artefact": artefact,
    "bare root": bare_root,
    "mutants": mutants,
    "format": formatted,
    "fuzz": fuzz,
    "slither": slither,
}


def main(names: list[str]) -> int:
    """Run the named steps (all without names) one after the other; return 0 only when every one passed."""
    unknown = sorted(set(names) - set(STEPS))
    if unknown:
        print(f"contracts: expected names among {', '.join(STEPS)}, got {', '.join(unknown)}")
        return 2
    failed = 0
    for name in names or STEPS:
        begun = time.monotonic()
        try:
            faults = STEPS[name]()
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            faults = [str(error)]
        failed += bool(faults)
        print(
            "\n".join(
                [*faults, f"{'FAILED' if faults else 'passed'}  {name}  {time.monotonic() - begun:.1f} s"]
            )
        )
    print(f"contracts: passed={len(names or STEPS) - failed} failed={failed}")
    return 1 if failed else 0


def _forge(*arguments: str) -> list[str]:
    if not FORGE.is_file():
        raise FileNotFoundError(f"forge: expected {FORGE.relative_to(ROOT)}, got none (make chain)")
    said = _run([str(FORGE), *arguments], environment=dict(os.environ), expected=0)
    if arguments == ("test",) and not re.search(r"[1-9]\d* tests? passed, 0 failed, 0 skipped", said):
        return [f"forge test: expected tests that passed, got\n{said}"]
    return []


def _run(command: list[str], environment: dict[str, str], expected: int | None) -> str:
    done = subprocess.run(
        command,
        cwd=CONTRACTS,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_SECONDS_MAX,
        check=False,
    )
    if expected is not None and done.returncode != expected:
        raise RuntimeError(
            f"{Path(command[0]).name}: expected exit code {expected}, got {done.returncode}\n{done.stdout}"
        )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
