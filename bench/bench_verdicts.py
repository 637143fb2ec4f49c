"""Verdicts a second per kind, over the frozen golden inputs, against reading and hashing the same bytes.

The whole path of a re-judging counts: stored bytes, strict reading, every check, the forgery number, canonical output.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.figures import Figure
from ledger.canonical import encode
from verifiers.inputs import INPUT_SIZE_MAX_BYTES
from verifiers.registry import rejudge

VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors"
ROUNDS = 5
SECONDS = 0.6


def run() -> list[Figure]:
    """Return the figures of each kind that has a frozen version."""
    figures = []
    for path in sorted(VECTORS.glob("verdict_*_v*.json")):
        held = json.loads(path.read_text())
        named = (held["verifier"], held["version"])
        inputs = [
            encode(case["input"], size_max_bytes=INPUT_SIZE_MAX_BYTES)
            for case in held["cases"]
            if case["result"] != "error"
        ]
        judged = _rate(inputs, lambda data, named=named: rejudge(data, *named))  # type: ignore[misc]
        read = _rate(inputs, lambda data: hashlib.sha256(json.dumps(json.loads(data)).encode()).digest())
        told = f"{len(inputs)} golden inputs in turn, best of {ROUNDS} runs of {SECONDS} s, one thread"
        name = f"{named[0]} {named[1]}"
        figures += [
            Figure(f"verdicts, {name}", judged, "/s", "", f"reported, no gate; {told}"),
            Figure(
                f"verdict / parsing and hashing its input, {name}", judged / read, "x", "", f"rates; {told}"
            ),
        ]
    return figures


def _rate(inputs: Sequence[bytes], work: Callable[[bytes], object]) -> float:
    """Return how many of the inputs a second are worked through."""
    best = 0.0
    for _ in range(ROUNDS):
        count, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < SECONDS:
            for data in inputs:
                work(data)
            count += len(inputs)
        best = max(best, count / (time.perf_counter() - begun))
    return best
