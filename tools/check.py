"""`make check`: every static check at once, each with its own output, one verdict at the end.

A tool that is missing is a failure, never a skip: the lock installs all of them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECK_SECONDS_MAX = 600

PACKAGES = ("ledger", "playbooks", "verifiers", "casework", "api")
TYPED = (*PACKAGES, "tests", "tools", "bench")

CHECKS: dict[str, tuple[str, ...]] = {
    "format": ("ruff", "format", "--check", "--output-format", "concise", "."),
    "lint": ("ruff", "check", "--output-format", "concise", "."),
    "types": ("mypy", *TYPED),
    "imports": ("lint-imports",),
    "compose": (
        "docker-compose",
        "-f",
        "docker-compose.yml",
        "--profile",
        "grown",
        "--profile",
        "https",
        "config",
        "-q",
    ),
    "dockerfile": ("hadolint", "Dockerfile"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one tool said. `seconds` is wall time beside the other tools."""

    name: str
    passed: bool
    output: str
    seconds: float


def main(names: list[str]) -> int:
    """Run the named checks (all without names) in parallel; return 0 only when every one passed."""
    unknown = sorted(set(names) - set(CHECKS))
    if unknown:
        print(f"check: expected names among {', '.join(CHECKS)}, got {', '.join(unknown)}")
        return 2
    with ThreadPoolExecutor(max_workers=len(CHECKS)) as pool:
        results = list(pool.map(lambda name: run(name, CHECKS[name]), names or CHECKS))
    for result in results:
        if not result.passed:
            print(f"--- {result.name}\n{result.output.strip()}\n")
    for result in results:
        print(f"{'passed' if result.passed else 'FAILED'}  {result.name}  {result.seconds:.1f} s")
    failed = sum(not result.passed for result in results)
    print(f"checks: passed={len(results) - failed} failed={failed}")
    return 1 if failed else 0


def run(name: str, command: tuple[str, ...]) -> Result:
    """Run one check from the repository's root with the environment's own tools."""
    program, *arguments = command
    begun = time.monotonic()
    try:
        done = subprocess.run(
            [str(BIN / program), *arguments],
            cwd=ROOT,
            env={
                "PATH": f"{BIN}:/usr/bin:/bin",
                "PYTHONPATH": ".",
                "HOME": str(Path.home()),
                "COLUMNS": "200",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=CHECK_SECONDS_MAX,
            check=False,
        )
    except FileNotFoundError:
        return Result(name, False, f"expected {program} in {BIN}, got none: run make setup", 0.0)
    except subprocess.TimeoutExpired:
        return Result(
            name, False, f"{program}: no end within {CHECK_SECONDS_MAX} s", float(CHECK_SECONDS_MAX)
        )
    return Result(name, done.returncode == 0, done.stdout, time.monotonic() - begun)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
