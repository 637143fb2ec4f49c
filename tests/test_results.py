"""What `make prove` and `make bench` write: figures against their aims, and no result without its circumstances."""

from __future__ import annotations

import pytest

from bench.figures import Figure, shown
from bench.run import Outcome, results_text
from tests.proof_plugin import results_text as proofs_text


@pytest.mark.parametrize(
    ("value", "aim", "met"),
    [
        (5.0, ">= 5", True),
        (4.99, ">= 5", False),
        (1.2, "<= 1.2", True),
        (1.21, "<= 1.2", False),
        (7.0, "", None),
    ],
)
def test_figure_meets_its_aim(value: float, aim: str, met: bool | None) -> None:
    assert Figure("speed", value, "x", aim).met is met


@pytest.mark.parametrize("aim", ["5", "> 5", ">=5", "about 5"])
def test_figure_refuses_an_aim_it_cannot_judge(aim: str) -> None:
    with pytest.raises(ValueError, match="expected '>= number'"):
        Figure("speed", 1.0, "x", aim)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (0.01234, "0.0123"), (6.126, "6.13"), (99.96, "100"), (19500.4, "19,500")]
)
def test_shown_keeps_three_digits(value: float, text: str) -> None:
    assert shown(value) == text


def test_bench_results_name_missed_aims_and_crashed_modules() -> None:
    text = results_text(
        [
            Outcome("writer", (Figure("ratio", 4.0, "x", ">= 5", "64 in flight"),)),
            Outcome("audit", (), "exit code 1"),
        ]
    )
    assert "| ratio | 4 x | >= 5 | missed | 64 in flight |" in text
    assert "FAILED: exit code 1" in text
    assert "- cores: " in text and "- date: 20" in text


def test_proof_results_show_each_test_with_its_figures() -> None:
    failed = pytest.TestReport(
        "tests/prove/test_b.py::test_b", ("", 0, ""), {}, "failed", None, "call", duration=2.0
    )
    passed = pytest.TestReport(
        "tests/prove/test_a.py::test_a",
        ("", 0, ""),
        {},
        "passed",
        None,
        "call",
        user_properties=[("kills", 40), ("lost", 0)],
        duration=61.25,
    )
    text = proofs_text([failed, passed], "passed=1 failed=1")
    assert "- commit: " in text and "- seed: 1\n" in text and "- counts: passed=1 failed=1\n" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `tests/prove/test_a.py::test_a` | passed | 61.2 | kills 40; lost 0 |",
        "| `tests/prove/test_b.py::test_b` | failed | 2.0 |  |",
    ]
