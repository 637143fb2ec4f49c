"""Every verifier and version there ever was, and the one way to run one.

    judge(value, verifier, version)        decoded input -> Judged: bytes, digests and what it says
    rejudge(input_bytes, verifier, version)    the same from stored bytes; identical for ever

Adding a version adds a row; no row is ever changed or taken away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.canonical import decode, encode
from ledger.errors import CanonicalError
from verifiers import (
    handover,
    operational_check,
    referral,
    service_issue,
    service_issue_2,
    service_issue_policy,
    training,
)
from verifiers.errors import InputInvalid, PolicyInvalid, VerifierError, VerifierUnknown
from verifiers.inputs import INPUT_SIZE_MAX_BYTES, VerdictInput, read_input
from verifiers.policy import Policy, read_policy
from verifiers.verdicts import ERROR, Verdict, digest_input, digest_output, output_bytes

DETAIL_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class Verifier:
    """One version of one judge. `evidence_types` are those whose facts it can read, `input_version` what it is given.

    `routine`: work that a plan or a catalogue asks for. No proposal is decided on before it is done, and what the
    collectors checked is judged without a person having looked at each item.
    """

    judge: Callable[[VerdictInput], Verdict]
    read_parameters: Callable[[Any], object]
    evidence_types: tuple[str, ...]
    input_version: int = 1
    routine: bool = False


_OF_ISSUES = (
    "system_record",
    "customer_confirmation",
    "photo",
    "file",
    "statement",
    "signed_mail",
    "time_stamp",
)

VERIFIERS: Mapping[tuple[str, int], Verifier] = {
    ("service_issue", 1): Verifier(service_issue.judge, service_issue_policy.read_parameters, _OF_ISSUES),
    ("service_issue", 2): Verifier(
        service_issue_2.judge, service_issue_policy.read_parameters_2, _OF_ISSUES, input_version=2
    ),
    ("handover", 1): Verifier(
        handover.judge,
        handover.read_parameters,
        ("handover_note", "read_back", "snapshot", "system_record", "file", "statement"),
        input_version=2,
        routine=True,
    ),
    ("training", 1): Verifier(
        training.judge,
        training.read_parameters,
        ("training_result", "assessment", "file", "statement"),
        input_version=2,
        routine=True,
    ),
    ("referral", 1): Verifier(
        referral.judge,
        referral.read_parameters,
        ("system_record", "customer_confirmation", "signed_mail", "file", "statement"),
        input_version=2,
        routine=True,
    ),
    ("operational_check", 1): Verifier(
        operational_check.judge,
        operational_check.read_parameters,
        ("check_in", "reading", "photo", "file", "statement"),
        input_version=2,
        routine=True,
    ),
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with the bytes that prove it. `output` is the decoded output, ready to render."""

    input_bytes: bytes
    input_digest: str
    output_bytes: bytes
    output_digest: str
    output: Mapping[str, Any]


def find(verifier: str, version: int) -> Verifier:
    """Return a verifier.

    Raises:
        VerifierUnknown: not in this program.
    """
    found = VERIFIERS.get((verifier, version))
    if found is None:
        raise VerifierUnknown(f"verifier: expected one of {sorted(VERIFIERS)}, got {(verifier, version)}")
    return found


def load_policy(content: Any) -> Policy:
    """Check a whole policy, its verifier's parameters included; this is the door for publishing one.

    Raises:
        PolicyInvalid: says the path, what was expected and what was found.
    """
    policy = read_policy(content)
    try:
        found = find(policy.verifier, policy.verifier_version)
    except VerifierUnknown as error:
        raise PolicyInvalid(f"policy.{error}") from error
    found.read_parameters(policy.parameters)
    return policy


def judge(value: Any, verifier: str, version: int) -> Judged:
    """Judge a decoded input. A refused input or a verifier that breaks gives the result `error`.

    Raises:
        VerifierUnknown: not in this program.
        InputInvalid: the value has no canonical bytes, so there is nothing a verdict could be about.
    """
    try:
        # Over the size limit the bytes still exist, and `rejudge` answers them with `error`.
        data = encode(value, size_max_bytes=2**62)
    except CanonicalError as error:
        raise InputInvalid(f"input: expected values with canonical bytes, got {error}") from error
    return _judged(data, verifier, version)


def rejudge(input_bytes: bytes, verifier: str, version: int) -> bytes:
    """Return the canonical output for stored input bytes; the same bytes give the same output for ever.

    Raises:
        VerifierUnknown: not in this program.
    """
    return _judged(input_bytes, verifier, version).output_bytes


def _judged(data: bytes, verifier: str, version: int) -> Judged:
    found = find(verifier, version)
    input_digest = digest_input(data)
    written = output_bytes(_verdict(data, found, verifier, version), verifier, version, input_digest)
    return Judged(data, input_digest, written, digest_output(written), json.loads(written))


def _verdict(data: bytes, found: Verifier, verifier: str, version: int) -> Verdict:
    try:
        given = read_input(decode(data, size_max_bytes=INPUT_SIZE_MAX_BYTES), found.input_version)
        named = (given.policy.verifier, given.policy.verifier_version)
        if named != (verifier, version):
            raise InputInvalid(
                f"input.policy: expected a policy of {(verifier, version)}, got one of {named}"
            )
        return found.judge(given)
    except CanonicalError as error:
        # Only the class: the sentences of another package may change, and these bytes may not.
        return Verdict(ERROR, error=("input_refused", f"input bytes: {type(error).__name__}"))
    except VerifierError as error:
        return Verdict(ERROR, error=("input_refused", str(error)[:DETAIL_CHARS_MAX]))
    except (
        Exception
    ) as error:  # whatever broke, it is never an award; the name alone is the same on every machine
        return Verdict(ERROR, error=("verifier_broke", type(error).__name__))
