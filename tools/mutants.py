"""`make mutants`: break the contract in every listed way and see each broken one found by the checks of the tests.

    contracts/mutants/mutants.json --> one change of one source --> solc --> tests/contracts/checks.py, in process
                                                                              first AssertionError: killed
Writes contracts/MUTANTS.md. A mutant that no check can tell from the contract carries `equivalent`, with the
reason; it is not counted, and reported if a check does tell it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ledger.anchors.artefact import Artefact, load_artefact
from tests.contracts.checks import CHECKS, SEED
from tools.contract import COMPILER, CONTRACTS, FILE, NAME, ROOT, compiler_version, sources, standard_input

LISTED = CONTRACTS / "mutants" / "mutants.json"
WRITTEN = CONTRACTS / "MUTANTS.md"
WORKERS = 2
JUDGE_SECONDS_MAX = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: `find` stands exactly once in the file. `equivalent`: why nothing can tell it, "" else."""

    id: str
    file: str
    what: str
    find: str
    replace: str
    equivalent: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`killed_by`: the first check that failed, "" if none did. `seconds` of the checks alone."""

    mutant: Mutant
    killed_by: str
    seconds: float


def listed() -> list[Mutant]:
    """Return the mutants in their order."""
    return [Mutant(**entry) for entry in json.loads(LISTED.read_text(encoding="utf-8"))]


def mutated(texts: Mapping[str, str], mutant: Mutant) -> dict[str, str]:
    """Return the sources with the change.

    Raises:
        ValueError: the text to be changed does not stand there exactly once, or the change changes nothing.
    """
    count = texts[mutant.file].count(mutant.find)
    if count != 1 or mutant.find == mutant.replace:
        raise ValueError(f"mutant {mutant.id}: expected its text once in {mutant.file}, got it {count} times")
    return {**texts, mutant.file: texts[mutant.file].replace(mutant.find, mutant.replace)}


def compiled_many(mutants: list[Mutant]) -> Iterator[tuple[Mutant, Artefact]]:
    """Yield each mutant compiled, by one compiler that starts once.

    Raises:
        RuntimeError: a mutant does not compile, or compiles to the very code of the contract.
    """
    texts, original = sources(), load_artefact()
    with subprocess.Popen(
        ["node", str(COMPILER), "--many"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as compiler:
        assert compiler.stdin is not None and compiler.stdout is not None
        for mutant in mutants:
            request = standard_input(mutated(texts, mutant))
            compiler.stdin.write(json.dumps(request) + "\n")
            compiler.stdin.flush()
            yield mutant, _artefact(mutant, json.loads(compiler.stdout.readline()), original)
        compiler.stdin.close()


def judged(mutant: Mutant, artefact: Artefact) -> Verdict:
    """Ask one check after the other until one fails."""
    begun = time.monotonic()
    for name, check in CHECKS.items():
        try:
            check(artefact)
        except AssertionError:
            return Verdict(mutant, name, time.monotonic() - begun)
    return Verdict(mutant, "", time.monotonic() - begun)


def verdicts(mutants: list[Mutant]) -> Iterator[Verdict]:
    """Compile in threads, one compiler each, and judge in processes; in the order of the list."""
    lots = [mutants[at::WORKERS] for at in range(WORKERS)]
    with get_context("spawn").Pool(WORKERS) as pool, ThreadPoolExecutor(WORKERS) as threads:

        def handed_in(lot: list[Mutant]) -> list[Any]:
            return [pool.apply_async(judged, pair) for pair in compiled_many(lot)]

        waiting = [result for results in threads.map(handed_in, lots) for result in results]
        yield from sorted((one.get(JUDGE_SECONDS_MAX) for one in waiting), key=lambda v: v.mutant.id)


def text_of(found: list[Verdict], commit: str) -> str:
    """Return contracts/MUTANTS.md."""
    counted = [one for one in found if not one.mutant.equivalent]
    killed = [one for one in counted if one.killed_by]
    lines = [
        "# Mutants of the contract",
        "",
        "Written by `make mutants`; do not edit. Each line is one change of one source; what it was caught by is the",
        "first of the checks of `tests/contracts/checks.py` that failed, in their order. The changes themselves stand",
        "in `mutants/mutants.json`.",
        "",
        f"- commit: {commit}",
        f"- compiler: {compiler_version()}",
        f"- seed of the corpus: {SEED}",
        f"- mutants: {len(counted)}; killed: {len(killed)}; survived: {len(counted) - len(killed)}",
        f"- equivalent, not counted: {len(found) - len(counted)}",
        "",
        "| no. | source | what is broken | caught by |",
        "|---|---|---|---|",
    ]
    for one in counted:
        source = Path(one.mutant.file).name
        lines.append(f"| {one.mutant.id} | {source} | {one.mutant.what} | {one.killed_by or '**nothing**'} |")
    equivalent = [one.mutant for one in found if one.mutant.equivalent]
    if equivalent:
        lines += [
            "",
            "## Changes that change nothing",
            "",
            "| no. | source | change | why nothing can tell it |",
            "|---|---|---|---|",
        ]
        lines += [f"| {m.id} | {Path(m.file).name} | {m.what} | {m.equivalent} |" for m in equivalent]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Judge all mutants, or those named; return 0 only when every one that counts was killed."""
    parser = argparse.ArgumentParser(prog="mutants", description="Break the contract and see it found.")
    parser.add_argument(
        "ids", nargs="*", help="numbers of mutants; without them all, and MUTANTS.md is written"
    )
    asked = parser.parse_args(arguments)
    mutants = [one for one in listed() if not asked.ids or one.id in asked.ids]
    commit, found = _commit(), list(verdicts(mutants))
    wrong = 0
    for one in found:
        if bool(one.killed_by) == bool(one.mutant.equivalent):
            wrong += 1
            said = f"told by {one.killed_by}, listed as equivalent" if one.killed_by else "survived"
            print(f"{one.mutant.id} {one.mutant.file}: {one.mutant.what}: {said}")
    print(f"mutants: judged={len(found)} wrong={wrong}")
    if not asked.ids:
        WRITTEN.write_text(text_of(found, commit), encoding="utf-8")
        print(f"written: {WRITTEN.relative_to(ROOT)}")
    return 1 if wrong else 0


def _artefact(mutant: Mutant, answer: Mapping[str, Any], original: Artefact) -> Artefact:
    errors = [one["formattedMessage"] for one in answer.get("errors", []) if one["severity"] == "error"]
    if errors:
        raise RuntimeError(f"mutant {mutant.id}: expected it to compile, got {errors[0]}")
    made = answer["contracts"][FILE][NAME]["evm"]
    creation, runtime = (bytes.fromhex(made[kind]["object"]) for kind in ("bytecode", "deployedBytecode"))
    if runtime == original.runtime and not mutant.equivalent:
        raise RuntimeError(f"mutant {mutant.id}: expected other code than the contract's, got the same")
    return Artefact(original.abi, creation, runtime, original.code_hash)


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "contracts/src", "tests/contracts")
    return (git("rev-parse", "HEAD") or "none") + (" with uncommitted changes" if changed else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
