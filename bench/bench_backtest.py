"""Back-test: changes per second and CEL evaluations per change, on a made-up history and on the real files if present.

The history is drawn from a seed, so that the figures can be taken without the folder of real records.
"""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

from bench.figures import Figure
from playbooks.backtest import Result, backtest

ROOT = Path(__file__).resolve().parent.parent
ROWS = 20_000
_COLUMNS = (
    "row,number,incident_state,caller_id,opened_at,sys_updated_at,category,priority,assignment_group,assigned_to,"
    "closed_code,resolved_at,closed_at"
)


def run() -> list[Figure]:
    """Return changes/s and evaluations per change, each from one whole back-test: read, check, sort, judge."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "history.csv"
        file.write_text(_history())
        figures = _figures("made-up history", backtest(ROOT / "examples" / "servicenow_incidents", file))
    shared = Path(os.environ.get("TALLYSTICK_SHARED", ROOT.parent / "shared")) / "data"
    for example, name in (
        ("hotel_bookings", "dev_resort.csv.gz"),
        ("servicenow_incidents", "dev_events.csv.gz"),
    ):
        file = shared / example / name
        if file.is_file():
            figures += _figures(example, backtest(ROOT / "examples" / example, file))
    return figures


def _figures(name: str, result: Result) -> list[Figure]:
    noted = f"{result.changes:,} changes of {result.rows:,} rows, {len(result.hits):,} exceptions"
    per_change = result.evaluations / result.changes
    return [
        Figure(
            f"back-test, {name}: changes per second",
            result.changes / result.seconds,
            "changes/s",
            ">= 7000",
            noted,
        ),
        Figure(f"back-test, {name}: CEL evaluations per change", per_change, "evaluations", "<= 10", noted),
    ]


def _history() -> str:
    rng = random.Random(20_261_123)
    lines = [_COLUMNS]
    for row in range(ROWS):
        minute = row * 2
        opened = f"2026-03-{1 + minute // 1440 % 28:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}"
        owner = rng.choice(["?", "?", str(rng.randrange(40))])
        caller, priority = rng.randrange(500), rng.randrange(1, 5)
        lines.append(f"{row},{row // 4:07d},Active,{caller},{opened},{opened},1,{priority},70,{owner},?,?,?")
    return "\n".join(lines) + "\n"
