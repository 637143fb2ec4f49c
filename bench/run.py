"""`make bench`: runs every module of this folder that has `run() -> list[Figure]`, writes bench/RESULTS.md.

Each module runs in a process of its own, one after the other, so that none measures another's memory or load.
A figure that misses its aim is shown as missed and is no failure; a module that crashes is one.

    python -m bench.run              all modules, results written
    python -m bench.run NAME...      these only, printed and not written
"""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, shown

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "RESULTS.md"
NOT_A_BENCH = {"run", "figures"}
MODULE_SECONDS_MAX = 1800
ANSWER = "figures: "


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one module gave: its figures, or the last lines of its failure."""

    name: str
    figures: tuple[Figure, ...]
    failure: str = ""


def main(names: list[str]) -> int:
    """Run the modules, print a table of each, write the results of a full run; return 1 if one crashed."""
    if names[:1] == ["--inside"]:
        print(ANSWER + json.dumps([dataclasses.asdict(figure) for figure in measure(names[1])]))
        return 0
    known = sorted(path.stem for path in (ROOT / "bench").glob("*.py") if path.stem not in NOT_A_BENCH)
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"bench: expected names among {', '.join(known) or 'none'}, got {', '.join(unknown)}")
        return 2
    outcomes = []
    for name in names or known:
        print(f"bench: {name} ...", flush=True)
        outcomes.append(run_apart(name))
        print("\n".join(section(outcomes[-1])), flush=True)
    if not names:
        RESULTS.write_text(results_text(outcomes), encoding="utf-8")
        print(f"written: {RESULTS.relative_to(ROOT)}")
    return 1 if any(outcome.failure for outcome in outcomes) else 0


def measure(name: str) -> list[Figure]:
    """Import one bench module and return its figures."""
    figures: list[Figure] = importlib.import_module(f"bench.{name}").run()
    return figures


def run_apart(name: str) -> Outcome:
    """Run one module in its own process; its standard error goes to the terminal."""
    command = [sys.executable, "-m", "bench.run", "--inside", name]
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=MODULE_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(name, (), f"no end within {MODULE_SECONDS_MAX} s")
    answers = [line for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    if done.returncode != 0 or not answers:
        return Outcome(name, (), f"exit code {done.returncode}, no figures")
    return Outcome(name, tuple(Figure(**one) for one in json.loads(answers[-1].removeprefix(ANSWER))))


def section(outcome: Outcome) -> list[str]:
    """Return the Markdown lines of one module."""
    if outcome.failure:
        return [f"## {outcome.name}", "", f"FAILED: {outcome.failure}", ""]
    lines = [f"## {outcome.name}", "", "| figure | value | aim | | note |", "|---|---|---|---|---|"]
    for figure in outcome.figures:
        verdict = {None: "", True: "met", False: "missed"}[figure.met]
        lines.append(
            f"| {figure.name} | {shown(figure.value)} {figure.unit} | {figure.aim} | {verdict} | {figure.note} |"
        )
    return [*lines, ""]


def results_text(outcomes: list[Outcome]) -> str:
    """Return bench/RESULTS.md: when, on how many cores, then one table per module."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        "# What was measured",
        "",
        "Written by `make bench`; do not edit. Ratios compare two numbers of the same run on the same machine;",
        "absolute numbers say little about another one.",
        "",
        f"- date: {now}",
        f"- cores: {os.cpu_count()}, {platform.machine()}",
        f"- Python {platform.python_version()}, {platform.system()}",
        "",
    ]
    for outcome in outcomes:
        lines += section(outcome)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
