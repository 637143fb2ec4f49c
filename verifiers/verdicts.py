"""What a verifier says: the verdict, its canonical bytes and digests (docs/spec/verdict.md, "Output, version 1")."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from ledger.canonical import encode
from verifiers.controllers import Formula, to_json

OUTPUT_VERSION = 1
OUTPUT_SIZE_MAX_BYTES = 1_048_576  # what the largest input can lead to, twice over
INPUT_DOMAIN = b"tallystick/verdict-input/v1\x00"
OUTPUT_DOMAIN = b"tallystick/verdict/v1\x00"

PASS = "pass"
FAIL = "fail"
INSUFFICIENT = "insufficient"
NEEDS_HUMAN = "needs_human"
ERROR = "error"
NOT_NEEDED = "not_needed"
WORST_FIRST = (FAIL, NEEDS_HUMAN, INSUFFICIENT)
"""The first of these that any check has is the result; none: pass."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a verdict; `observed` and `required` are for people, `reason` is the stable code."""

    id: str
    result: str
    reason: str
    evidence: tuple[str, ...]
    observed: str
    required: str

    def to_json(self) -> dict[str, Any]:
        """Return the line as the object of the specification."""
        return {
            "id": self.id,
            "result": self.result,
            "reason": self.reason,
            "evidence": list(self.evidence),
            "observed": self.observed,
            "required": self.required,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier's own function returns; registry.py adds who judged what."""

    result: str
    checks: tuple[Check, ...] = ()
    missing: tuple[str, ...] = ()
    controllers: Formula | None = None
    k_evidence: int | None = None
    witnessing: tuple[str, ...] = ()
    relied_on: tuple[str, ...] = ()
    counter_evidence: tuple[str, ...] = ()
    amount_tokens: int = 0
    shares: tuple[tuple[str, int], ...] = ()  # (member id, weight), by member id
    window_days: int = 0
    settle_conditions: tuple[str, ...] = ()
    reversal_causes: tuple[str, ...] = ()
    error: tuple[str, str] | None = None  # code, detail


def result_of(checks: tuple[Check, ...]) -> str:
    """Return the result that these checks add up to."""
    found = {check.result for check in checks}
    return next((result for result in WORST_FIRST if result in found), PASS)


def output_bytes(verdict: Verdict, verifier: str, version: int, input_digest: str) -> bytes:
    """Return the canonical output of a verdict."""
    return encode(
        {
            "v": OUTPUT_VERSION,
            "verifier": verifier,
            "version": version,
            "input_digest": input_digest,
            "result": verdict.result,
            "checks": [check.to_json() for check in verdict.checks],
            "missing": list(verdict.missing),
            "controllers": None if verdict.controllers is None else to_json(verdict.controllers),
            "k_evidence": verdict.k_evidence,
            "witnessing": list(verdict.witnessing),
            "relied_on": list(verdict.relied_on),
            "counter_evidence": list(verdict.counter_evidence),
            "amount_tokens": verdict.amount_tokens,
            "shares": [{"member": member, "weight": weight} for member, weight in verdict.shares],
            "window": {"days": verdict.window_days},
            "settle_conditions": list(verdict.settle_conditions),
            "reversal_causes": list(verdict.reversal_causes),
            "error": None
            if verdict.error is None
            else {"code": verdict.error[0], "detail": verdict.error[1]},
        },
        size_max_bytes=OUTPUT_SIZE_MAX_BYTES,
    )


def digest_input(data: bytes) -> str:
    """Return the hex digest of a verdict's input bytes."""
    return hashlib.sha256(INPUT_DOMAIN + data).hexdigest()


def digest_output(data: bytes) -> str:
    """Return the hex digest of a verdict's output bytes."""
    return hashlib.sha256(OUTPUT_DOMAIN + data).hexdigest()
