"""Writing down what a judge is given: verdict inputs of docs/spec/verdict.md, made of what was played."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
YEAR_STARTS = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday. Which year is played changes nothing."""
MS_PER_SECOND = 1_000
MS_PER_MINUTE = 60 * MS_PER_SECOND
MS_PER_HOUR = 60 * MS_PER_MINUTE
MS_PER_DAY = 24 * MS_PER_HOUR
DIGEST = "0" * 64
LEAD, BOOKS, DESK = "lead", "books", "desk"
"""Who leads the shift and reviews evidence; who keeps the books and decides about awards; who hands cards over."""

_days: dict[int, str] = {}


def instant(at_ms: int) -> str:
    """Return an instant as the record writes it; `at_ms` counts from the first Monday."""
    day, rest = divmod(at_ms, MS_PER_DAY)
    if day not in _days:
        _days[day] = (YEAR_STARTS + timedelta(days=day)).strftime("%Y-%m-%d")
    seconds, ms = divmod(rest, 1000)
    return f"{_days[day]}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}Z"


def item(
    name: str,
    type_name: str,
    grade: str,
    seq: int,
    at_ms: int,
    submitter: str,
    controllers: Json,
    facts: Mapping[str, Any],
    reviewed_by: str | None = None,
) -> Json:
    """Return one piece of evidence, received when it was made and, where somebody reviewed it, accepted."""
    return {
        "id": name,
        "type": type_name,
        "grade": grade,
        "seq": seq,
        "attached_at": instant(at_ms),
        "received_at": instant(at_ms),
        "submitter": submitter,
        "controllers": controllers,
        "commitments": {},
        "facts": dict(facts),
        "review": None if reviewed_by is None else {"verdict": "accepted", "by": reviewed_by},
    }


def member(name: str) -> Json:
    """Return the formula of what one member could have made alone."""
    return {"party": f"member:{name}"}


def routine_facts(
    origin: str, subject: Json, expected: Json, opened_ms: int, opened_by: str, by: str, at_ms: int
) -> Json:
    """Return the facts of a case of planned or claimed work: nothing was proposed, and `by` did it at `at_ms`."""
    return {
        "origin": origin,
        "onset": instant(opened_ms),
        "opened_at": instant(opened_ms),
        "opened_seq": 10,
        "opened_by": opened_by,
        "subject": subject,
        "playbook": None,
        "owner": by,
        "proposal": None,
        "action_decision": None,
        "action_taken": {"seq": 21, "at": instant(at_ms), "by": by},
        "expected": expected,
    }


def undeclared(source: str, earner: str) -> Json:
    """Return the formula of a record of which nobody declared who can write there: it counts as made by who earns."""
    return {"any": [{"party": f"source:{source}"}, member(earner)]}


def verdict_input(
    version: int,
    case: str,
    facts: Json,
    outcome_ms: int,
    by: str,
    evidence: list[Json],
    people: Iterable[str],
    prior: Json,
) -> Json:
    """Return a verdict input without its policy, which year.py puts in. `people`: every member named in it."""
    return {
        "v": version,
        "log": "laboratory.invalid",
        "case": case,
        "as_of": {"size": 100, "root": DIGEST},
        "policy": {},
        "facts": facts,
        "outcome": {"resolution": "fixed", "seq": 30, "recorded_at": instant(outcome_ms), "recorded_by": by},
        "evidence": evidence,
        "beneficiaries": [by],
        "people": {name: {"roles": ["staff"], "same_as": None} for name in sorted({by, *people})},
        "prior": prior,
    }
