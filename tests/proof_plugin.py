"""Keeps the long suites apart, writes what they proved to proofs/RESULTS.md, prints the counts that close every run.

A prove test asks for the fixture `proof_report` and states its figures: `proof_report("kills", 40)`.
"""

from __future__ import annotations

import datetime
import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

ROOT = Path(__file__).resolve().parent.parent
LONG_SUITES = ROOT / "tests" / "prove"
RESULTS = ROOT / "proofs" / "RESULTS.md"
SEED_VARIABLE = "TALLYSTICK_PROVE_SEED"
LONG_FIRST = ("tests/e2e/", "tests/abuse/", "tests/test_", "tests/api/", "tests/pages/", "tests/casework/")
"""Folders in the order in which their files are handed out: two workers end together when the long files come first."""
OUTCOMES = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "deselected")

ProofReport = Callable[[str, "int | str"], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that `make prove` gives."""
    parser.addoption(
        "--prove", action="store_true", help="run the long suites only and write proofs/RESULTS.md"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the long suites with `--prove`, all others without; a file named on the command line is always kept."""
    proving = bool(config.getoption("--prove"))
    asked = [Path(argument.partition("::")[0]).resolve() for argument in config.args]
    named = any(LONG_SUITES in [path, *path.parents] for path in asked)
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        if LONG_SUITES in item.path.parents:
            item.add_marker(pytest.mark.prove)
        is_long = item.get_closest_marker("prove") is not None
        (kept if is_long == proving or (is_long and named) else left).append(item)
    items[:] = kept if named else sorted(kept, key=_place)
    if left:
        config.hook.pytest_deselected(items=left)


def _place(item: pytest.Item) -> int:
    """Return where the folder of a test stands; within a folder the order stays."""
    path = item.path.relative_to(ROOT).as_posix() if item.path.is_relative_to(ROOT) else ""
    return next((place for place, start in enumerate(LONG_FIRST) if path.startswith(start)), len(LONG_FIRST))


@pytest.fixture
def proof_report(request: pytest.FixtureRequest) -> ProofReport:
    """State one figure of a prove test, `proof_report(name, value)`; under `make prove` it stands in RESULTS.md."""

    def report(name: str, value: int | str) -> None:
        request.node.user_properties.append((name, value))

    return report


@pytest.fixture(scope="session")
def prove_seed() -> int:
    """The run's seed: `make prove` draws a new one each time and records it; elsewhere it is always 1."""
    return int(os.environ.get(SEED_VARIABLE, "1"))


def pytest_terminal_summary(
    terminalreporter: TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Print one line of counts, and write the results file of a prove run."""
    stats = terminalreporter.stats
    counts = " ".join(f"{outcome}={len(stats.get(outcome, []))}" for outcome in OUTCOMES)
    terminalreporter.write_line(f"counts: {counts}")
    if config.getoption("--prove"):
        reports = [
            r for outcome in OUTCOMES for r in stats.get(outcome, []) if isinstance(r, pytest.TestReport)
        ]
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(results_text(reports, counts), encoding="utf-8")
        terminalreporter.write_line(f"written: {RESULTS.relative_to(ROOT)}")


def results_text(reports: Iterable[pytest.TestReport], counts: str) -> str:
    """Return proofs/RESULTS.md: when, on which commit, with which seed; then one line per test with its figures."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)*/RESULTS.md")
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = [
        "# What the long suites proved",
        "",
        "Written by `make prove`; do not edit. Repeat a run with `make prove SEED=<seed>`.",
        "",
        f"- commit: {_git('rev-parse', 'HEAD') or 'none'}{' with uncommitted changes' if changed else ''}",
        f"- date: {now}",
        f"- seed: {os.environ.get(SEED_VARIABLE, '1')}",
        f"- cores: {os.cpu_count()}",
        f"- counts: {counts}",
        "",
        "| test | result | seconds | figures |",
        "|---|---|---|---|",
    ]
    for report in sorted(reports, key=lambda r: r.nodeid):
        figures = "; ".join(f"{name} {value}" for name, value in report.user_properties)
        lines.append(f"| `{report.nodeid}` | {report.outcome} | {report.duration:.1f} | {figures} |")
    return "\n".join(lines) + "\n"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
