"""Freeze golden verdicts of the kits: `.venv/bin/python -m tests.verifiers.freeze_kits` adds cases, never touches one.

A frozen line is what `rejudge` must say for ever. Line: {name, result, input, output_digest, output (some), ...}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.verifiers.kit import Kit
from tests.verifiers.kits import KITS
from verifiers.registry import judge

FOLDER = Path(__file__).resolve().parents[1] / "vectors"
ABOUT = "docs/spec/verdict.md; input is the decoded canonical input; output is shown whole for the first of each result"


def path_of(kit: Kit) -> Path:
    """Return where a kit's verdicts are frozen."""
    return FOLDER / f"verdict_{kit.verifier}_v{kit.version}.json"


def frozen(kit: Kit) -> list[dict[str, Any]]:
    """Return the golden cases of a kit as they were frozen."""
    path = path_of(kit)
    return json.loads(path.read_text("utf-8"))["cases"] if path.exists() else []


def _freeze(kit: Kit) -> str:
    cases = frozen(kit)
    before, shown = len(cases), {case["result"] for case in cases}
    known = {case["name"] for case in cases}
    wanted = [(case.name, case.patch) for case in kit.golden] + [
        (name, patch) for name, patch, _ in kit.refused
    ]
    for name, patch in wanted:
        if name in known:
            continue
        judged = judge(kit.input(patch), kit.verifier, kit.version)
        result = judged.output["result"]
        cases.append(
            {
                "name": name,
                "result": result,
                "input_digest": judged.input_digest,
                "output_digest": judged.output_digest,
                "input": json.loads(judged.input_bytes),
                "output": None if result in shown else judged.output,
            }
        )
        shown.add(result)
    rows = ",\n".join(
        json.dumps(one, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for one in cases
    )
    head = f'{{"about":{json.dumps(ABOUT)},"verifier":"{kit.verifier}","version":{kit.version},"cases":[\n'
    path_of(kit).write_text(f"{head}{rows}\n]}}\n", "utf-8")
    return f"{kit.verifier} {kit.version}: {len(cases)} golden cases, {len(cases) - before} new\n"


def main() -> None:
    """Write the cases that are not frozen yet behind those that are."""
    for kit in KITS:
        sys.stdout.write(_freeze(kit))


if __name__ == "__main__":
    main()
