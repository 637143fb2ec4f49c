"""Step 5 of the audit of meaning, for verdicts over input version 2: what was shown to the judge beside the case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework import assessors, cases, judging_routine, work
from casework.audit_standing import Standing, digest_of, find_case, wrong
from ledger.changes import Row
from ledger.entries import Entry
from verifiers.inputs import EARLIER_MAX

ASSESSMENT = "assessment"
"""The type of evidence that check_assessment looks at."""
TRAINING = "training"


def check_added(standing: Standing, value: Mapping[str, Any], row: Row) -> None:
    """Hold what was expected, the earlier cases and who was recognised before against what stood. What is erased
    cannot be compared."""
    _check_expected(standing, value["facts"]["expected"], row["case"])
    _check_earlier(standing, value["prior"]["earlier"], row)
    for award in value["prior"]["awards"]:
        shares = standing.view.scan("award_share", (award["award"],))
        named = sorted(share["member"] for share in shares)
        if award["beneficiaries"] != named:
            wrong(f"input: expected award {award['award']} for {named}, got {award['beneficiaries']}")


def check_assessment(standing: Standing, entry: Entry) -> None:
    """What somebody saw of a learner's skill was said by somebody whom an owner had named for that course, and never by
    the learner. Where the words are erased, nobody knows which course: the case's own is at hand neither."""
    row = find_case(standing, entry)
    if row["award_kind"] != TRAINING:
        wrong("expected an assessment in a case of a course")
    work.check_assessor(standing.view, row, entry.actor.id)
    facts = standing.open(entry, "facts")
    if facts is not None:
        assessors.check_assesses(standing.view, facts["course"], entry.actor.id)


def check_naming(standing: Standing, entry: Entry) -> None:
    """For a course of a published catalogue, somebody who is here, for a reason of the list; ended: who was named."""
    body = entry.body
    if entry.kind == "assessor_named":
        assessors.check_named(standing.view, body["course"], body["member"], body["ground"])
    else:
        assessors.check_is_named(standing.view, body["course"], body["member"])


def _check_expected(standing: Standing, expected: Mapping[str, Any], case: str) -> None:
    known = standing.expected.get(case)
    if known is not None and known != digest_of(expected):
        wrong("input: expected what the case was opened for, got something else")


def _check_earlier(standing: Standing, shown: list[dict[str, Any]], row: Row) -> None:
    view = standing.view
    groups = [view.scan("case_group", (group,)) for group in json.loads(row["groups"])]
    related = {one["case"] for found in groups for one in found}
    rows = [cases.find(view, case) for case in sorted(related)]
    before = [other for other in rows if judging_routine.comes_before(other, row)]
    latest = sorted(before, key=lambda one: -int(one["opened_seq"]))[:EARLIER_MAX]
    named = {one["case"] for one in shown}
    if len(named) < len(shown):
        wrong("input: expected each earlier case once, got one twice")
    if not named <= {one["case"] for one in latest}:
        wrong("input: expected earlier cases of the same subject, got another")
    for other in latest:
        told = next((one for one in shown if one["case"] == other["case"]), None)
        _check_one(standing, other, told, row["outcome_seq"])


def _check_one(standing: Standing, row: Row, shown: Mapping[str, Any] | None, until: int) -> None:
    """Each item as it was attached, and all of them. Evidence may be brought or withdrawn between reading and judging,
    and be looked at; what was attached before `until` and still counts was there, and it never changes."""
    case = row["case"]
    items = {item["evidence"]: item for item in standing.view.scan("evidence", (case,))}
    live = judging_routine.work_items(items.values())
    readable = all(item["evidence"] in standing.facts for item in live)
    if shown is None:
        if live and readable:
            wrong(f"input: expected the earlier case {case}, got none")
        return
    there = {item["id"] for item in shown["evidence"]}
    left_out = sorted({item["evidence"] for item in live if item["seq"] < until} - there)
    if left_out or shown["opened_at"] != row["opened_at"] or len(there) < len(shown["evidence"]):
        what = left_out[0] if left_out else "another opening, or an item twice"
        wrong(
            f"input: expected the earlier case {case} whole and as it stood, got {what} left out or changed"
        )
    same = ("type", "grade", "seq", "attached_at", "received_at", "submitter")
    for item in shown["evidence"]:
        known = items.get(item["id"])
        facts = digest_of(item["facts"])
        stood = known is not None and all(item[name] == known[name] for name in same)
        stood = stood and item["controllers"] == json.loads(items[item["id"]]["controllers"])
        if not stood or standing.facts.get(item["id"], facts) != facts:
            wrong(f"input: expected evidence of the earlier case {case} as it was attached, got {item['id']}")
