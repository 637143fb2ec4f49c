"""Step 5 of the audit of meaning, for every verdict: what the judge was told of related cases, whole and as it stood.

A reopening that was left out, or an award that is said to be another, turns a no into a yes as well as evidence that
was changed. What the judge was told was asked again when the verdict was recorded (judging_prior.py), so it equals the
rows before the verdict. A case whose subject is erased, or not at hand, may be missing and is compared but for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework import cases, judging_prior
from casework.audit_standing import Standing, digest_of, wrong
from ledger.changes import Row


def check(standing: Standing, value: Mapping[str, Any], row: Row) -> None:
    """Hold related awards and reopenings, as a judge was told of them, against the rows."""
    view, told = standing.view, value["prior"]
    groups = [view.scan("case_group", (group,)) for group in json.loads(row["groups"])]
    named = {one["case"] for found in groups for one in found if one["case"] != row["case"]}
    rows = [cases.find(view, case) for case in sorted(named)]
    related = {one["case"]: one for one in (*judging_prior.latest(rows), row)}
    _check_awards(standing, told["awards"], related)
    _check_openings(standing, told["reopened"], related, row)


def _check_awards(standing: Standing, told: list[dict[str, Any]], related: Mapping[str, Row]) -> None:
    shown = {one["award"]: one for one in told}
    if len(shown) != len(told):
        wrong("input: expected each award once, got one twice")
    for case, row in sorted(related.items()):
        name = row["award"]
        award = None if name is None else standing.view.get("award", (name,))
        if award is None:
            continue
        one = shown.pop(name, None)
        if one is None:
            if case in standing.subjects:
                wrong(f"input: expected award {name} of a related case, got none")
            continue
        stood = judging_prior.told_award(row, award, one["subject"])
        other = sorted(field for field in stood if one[field] != stood[field])
        if other or not _same_subject(standing, case, one):
            wrong(f"input: expected award {name} as it stood, got another {', '.join(other) or 'subject'}")
    if shown:
        wrong(f"input: expected awards of related cases on record, got {sorted(shown)[0]}")


def _check_openings(
    standing: Standing, told: list[dict[str, Any]], related: Mapping[str, Row], row: Row
) -> None:
    later = [one for one in related.values() if one["opened_seq"] > row["opened_seq"]]
    openings = [(one["case"], one["opened_at"], one) for one in later]
    again = standing.view.scan("case_reopening", (row["case"],))
    openings += [(row["case"], one["at"], row) for one in again]
    waiting = list(told)
    for case, at, opened in openings:
        one = next((one for one in waiting if (one["case"], one["at"]) == (case, at)), None)
        if one is None:
            if case in standing.subjects:
                wrong(f"input: expected that case {case} was opened at {at}, got nothing of it")
            continue
        waiting.remove(one)
        if one["playbook"] != opened["playbook"] or not _same_subject(standing, case, one):
            wrong(f"input: expected the opening of case {case} as it stood, got another subject or playbook")
    if waiting:
        wrong(f"input: expected openings on record, got one of case {waiting[0]['case']}")


def _same_subject(standing: Standing, case: str, one: Mapping[str, Any]) -> bool:
    known = standing.subjects.get(case)
    return known is None or known == digest_of(one["subject"])
