"""Freeze golden verdicts: `.venv/bin/python -m tests.verifiers.freeze_verdicts` adds cases, and never touches one.

A frozen line is what `rejudge` must say for ever. Line: {name, result, input, output_digest, output (some), ...}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.verifiers.service_issue_cases import GOLDEN, REFUSED, changed
from verifiers.registry import judge

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "verdict_service_issue_v1.json"
SHOWN_WHOLE = ("record_and_guest_by_known_address", "guest_says_no", "no_evidence", "unknown_member")


def frozen() -> list[dict[str, Any]]:
    """Return the golden cases."""
    return json.loads(VECTORS.read_text("utf-8"))["cases"] if VECTORS.exists() else []


def line(name: str, value: Any) -> dict[str, Any]:
    """Return one case as it is frozen."""
    judged = judge(value, "service_issue", 1)
    return {
        "name": name,
        "result": judged.output["result"],
        "input_digest": judged.input_digest,
        "output_digest": judged.output_digest,
        "input": value,
        "output": judged.output if name in SHOWN_WHOLE else None,
    }


def main() -> None:
    """Write the cases that are not frozen yet behind those that are."""
    cases = frozen()
    known = {case["name"] for case in cases}
    wanted = [(case.name, case.input()) for case in GOLDEN] + [
        (name, changed(patch)) for name, patch, _ in REFUSED
    ]
    cases += [line(name, value) for name, value in wanted if name not in known]
    rows = ",\n".join(
        json.dumps(case, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for case in cases
    )
    about = "docs/spec/verdict.md; input is the decoded canonical input; output is shown whole for one case per result"
    VECTORS.write_text(
        f'{{"about":{json.dumps(about)},"verifier":"service_issue","version":1,"cases":[\n{rows}\n]}}\n',
        "utf-8",
    )
    sys.stdout.write(f"{len(cases)} golden cases, {len(cases) - len(known)} new\n")


if __name__ == "__main__":
    main()
