"""The conformance kit: what every judge of routine work ships, as data, and the helpers that build its cases.

A kit is a module `<name>_cases.py` with KIT = Kit(...). test_kits.py holds all kits to the same promises; the bytes of
their verdicts are frozen by `.venv/bin/python -m tests.verifiers.freeze_kits`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verifiers.policy import policy_digest

Json = dict[str, Any]
PASS, FAIL, INSUFFICIENT, NEEDS_HUMAN = "pass", "fail", "insufficient", "needs_human"
ROOM_CHARS = 40
"""A lower-case letter and digits: names that may be renamed one for one."""


@dataclass(frozen=True, slots=True)
class Case:
    """One change to the kit's passing input: the expected result, and the line (check, reason) that says so."""

    name: str
    result: str
    line: tuple[str, str]
    patch: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kit:
    """`base` returns an input that passes. `names` are the ids in it that may be renamed; `noise` are further items
    of evidence, good and bad, that the promises are tried with; `gaming` names the golden case that tries each line of
    the research."""

    verifier: str
    version: int
    checks: Sequence[str]
    base: Callable[[], Json]
    golden: Sequence[Case]
    refused: Sequence[tuple[str, Mapping[str, Any], str]]
    gaming: Mapping[str, str]
    names: Sequence[str]
    noise: Sequence[Json]

    def input(self, patch: Mapping[str, Any]) -> Json:
        """Return the base with a patch: `path.to.member` -> value; numbers are places in lists."""
        value = copy.deepcopy(self.base())
        for path, new in patch.items():
            put(value, path, copy.deepcopy(new))
        value["policy"]["digest"] = policy_digest(value["policy"]["content"])
        return value


def put(value: Json, path: str, new: Any) -> None:
    """Set one member of a nested value."""
    at: Any = value
    *way, last = path.split(".")
    for part in way:
        at = at[int(part)] if isinstance(at, list) else at[part]
    if isinstance(at, list):
        at[int(last)] = new
    else:
        at[last] = new


def clock(text: str, day: int = 20) -> str:
    """Return an instant of November 2026: `10:30` or `10:30:00.001`."""
    rest = text if "." in text else f"{text}:00.000"
    return f"2026-11-{day:02d}T{rest}Z"


def item(
    name: str,
    type_name: str,
    grade: str,
    seq: int,
    received_at: str,
    submitter: str,
    controllers: Json,
    facts: Json,
    review: Json | None = None,
) -> Json:
    """Return one piece of evidence as it stands in an input."""
    return {
        "id": name,
        "type": type_name,
        "grade": grade,
        "seq": seq,
        "attached_at": received_at,
        "received_at": received_at,
        "submitter": submitter,
        "controllers": controllers,
        "commitments": {"facts": "f" * 64},
        "facts": facts,
        "review": review,
    }


def routine_input(
    kind: str,
    content: Json,
    *,
    origin: str,
    subject: Json,
    expected: Json,
    opened_at: str,
    done_at: str,
    evidence: list[Json],
    opened_by: str = "system",
    by: str = "ada",
) -> Json:
    """Return the input of a routine case: `by` reported the work at `done_at` and is to be recognised for it."""
    people: Json = {name: {"roles": ["staff"], "same_as": None} for name in ("ada", "ben", "dov")}
    people |= {"cyn": {"roles": ["manager"], "same_as": None}, "bot": {"roles": ["agent"], "same_as": None}}
    people |= {"zoe": {"roles": ["staff"], "same_as": "ada"}}
    return {
        "v": 2,
        "log": "log-1",
        "case": "case-1",
        "as_of": {"size": 100, "root": "0" * 64},
        "policy": {"digest": policy_digest(content), "content": content},
        "facts": {
            "origin": origin,
            "onset": opened_at,
            "opened_at": opened_at,
            "opened_seq": 10,
            "opened_by": opened_by,
            "subject": subject,
            "playbook": None,
            "owner": by,
            "proposal": {"id": "prop-1", "digest": "a" * 64, "maker": by, "seq": 20},
            "action_decision": None,
            "action_taken": {"seq": 21, "at": done_at, "by": by},
            "expected": expected,
        },
        "outcome": {"resolution": "fixed", "seq": 30, "recorded_at": done_at, "recorded_by": by},
        "evidence": evidence,
        "beneficiaries": [by],
        "people": people,
        "prior": {"awards": [], "reopened": [], "earlier": []},
    }


def prior_award(kind: str, subject: Json, case: str = "case-0", **changed: Any) -> Json:
    """Return an earlier award of ada's."""
    return {
        "award": "award-0",
        "case": case,
        "kind": kind,
        "playbook": None,
        "subject": subject,
        "state": "settled",
        "at": clock("10:00", 19),
        "beneficiaries": ["ada"],
        **changed,
    }
