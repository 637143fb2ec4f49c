"""Judging: the canonical input of docs/spec/verdict.md built from rows and opened facts, the verifier run, the verdict
recorded.

The verifier runs outside the writer. Its rule compares what it read with the rows as they are then, and refuses `stale`
when the owner, evidence, a review, the outcome, the proposal, the policy or a related case moved on; the caller reads
and runs again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework import (
    awards,
    cases,
    judging_prior,
    judging_routine,
    known_as,
    people,
    undeclared,
    work,
)
from casework.errors import Unjudgeable, refuse
from casework.records import Records
from casework.requests import Asked
from ledger.changes import Row
from ledger.commands import Command, Decided, View
from ledger.entries import SYSTEM, Draft
from ledger.errors import Refused
from verifiers import controllers, registry
from verifiers.errors import VerifierUnknown


@dataclass(frozen=True, slots=True)
class Basis:
    """What was read for one verdict. `marks` is what must not have moved on when the verdict is recorded, `prior` what
    came before and after it in related cases, and `links` whom records mean by names."""

    case: Row
    policy: Row
    beneficiaries: tuple[str, ...]
    evidence: tuple[str, ...]
    marks: Mapping[str, Any]
    value: Mapping[str, Any]
    concerns: tuple[str, ...]
    prior: judging_prior.Prior
    links: tuple[known_as.Link, ...] = ()


def marks(row: Row, items: Iterable[Row], policy: Row | None) -> dict[str, Any]:
    """Return what a verdict depends on, as ids and seqs."""
    return {
        "owner": row["owner"],
        "outcome_seq": row["outcome_seq"],
        "proposal": row["proposal"],
        "action_seq": row["action_seq"],
        "award": row["award"],
        "policy": None if policy is None else policy["digest"],
        "evidence": [[item["evidence"], item["review_seq"]] for item in cases.live(items)],
    }


async def read(
    records: Records,
    log: str,
    case: str,
    beneficiaries: tuple[str, ...] | None,
    fingerprint: known_as.Fingerprint,
) -> Basis:
    """Read what a verdict on this case rests on and build the verifier's input.

    Raises:
        Refused: unknown, no_policy, transition (no outcome yet).
        Unjudgeable: a private value it needs is erased.
    """
    row = await records.get("case_file", (case,))
    if row is None:
        raise refuse("unknown", f"expected a case of this organisation, got {case}")
    policy = None if row["policy"] is None else await records.get("policy", (row["policy"],))
    if policy is None:
        raise refuse("no_policy", "expected a case with a published policy, got none")
    if row["outcome_seq"] is None:
        raise refuse("transition", "verdict_given: expected an outcome on record, got none")
    items = cases.live(await records.scan("evidence", (case,)))
    chosen = beneficiaries if beneficiaries is not None else tuple(filter(None, (row["action_by"],)))
    content = json.loads(policy["content"])
    version = input_version(content)
    facts = await _facts(records, row)
    before = await judging_prior.read(records, row, facts["subject"], _subject)
    prior = before.value
    shown = [await _item(records, item) for item in items]
    for one in shown:
        one["controllers"] = undeclared.as_judged(one["controllers"], chosen)
    links: tuple[known_as.Link, ...] = ()
    if version > 1:
        links = await _name_members(records, shown, content, fingerprint)
        facts["expected"] = await judging_routine.expected(records, row)
        prior["earlier"] = await judging_routine.earlier(records, row, _item)
        for one in prior["awards"]:
            one["beneficiaries"] = await judging_routine.recognised(records, one["award"])
    value: dict[str, Any] = {
        "v": version,
        "log": log,
        "case": case,
        "policy": {"digest": policy["digest"], "content": content},
        "facts": facts,
        "outcome": {
            "resolution": row["resolution"],
            "seq": row["outcome_seq"],
            "recorded_at": row["outcome_at"],
            "recorded_by": row["outcome_by"],
        },
        "evidence": shown,
        "beneficiaries": sorted(chosen),
        "prior": prior,
    }
    named = _members(value)
    if version > 1:
        named |= {
            one
            for one in judging_routine.named_in_records(shown)
            if await records.get("member", (one,)) is not None
        }
    value["people"] = await _people(records, named)
    size, root = await records.head()  # last: every seq read above is below it
    value["as_of"] = {"size": size, "root": root}
    customer = facts["subject"]["customer"]
    concerns = tuple(sorted({*chosen, *((customer,) if customer else ())}))
    ids = tuple(sorted(item["evidence"] for item in items))
    seen = marks(row, items, policy)
    return Basis(row, policy, tuple(sorted(chosen)), ids, seen, value, concerns, before, links)


async def _name_members(
    records: Records,
    shown: Iterable[dict[str, Any]],
    content: Mapping[str, Any],
    fingerprint: known_as.Fingerprint,
) -> tuple[known_as.Link, ...]:
    """Put members in the place of the names that records have for them; return what was looked up."""
    fields, items = known_as.person_fields(content), tuple(shown)
    meant, links = await known_as.looked_up(records, items, fields, fingerprint)
    for one in items:
        if one["type"] == known_as.RECORD:
            if by := known_as.named_by(one["facts"], fields, meant):
                one["named_by"] = by
            one["facts"] = known_as.as_judged(one["facts"], fields, meant)
    return links


def input_version(content: Mapping[str, Any]) -> int:
    """Return which input a policy's verifier reads. Raises Refused: no_policy (this program has no such verifier)."""
    try:
        return registry.find(content["verifier"], content["verifier_version"]).input_version
    except VerifierUnknown as error:
        raise refuse("no_policy", f"expected a policy of a verifier that is here: {error}") from error


async def check_useful(records: Records, case: str) -> None:
    """Refuse `transition` when a verdict now would say nothing new: items wait, or the last one holds."""
    row = await records.get("case_file", (case,))
    items = cases.live(await records.scan("evidence", (case,)))
    policy = None if row is None or row["policy"] is None else await records.get("policy", (row["policy"],))
    waits = any(item["review"] is None for item in items) and not work.is_routine(policy)
    if row is None or waits:
        raise refuse("transition", "verdict_given: expected every item reviewed, got one that waits")
    last = None if row["verdict"] is None else await records.get("verdict", (case, row["verdict"]))
    if last is not None:
        try:
            awards.check_current(row, last, items)
        except Refused:
            return
        raise refuse(
            "transition", "verdict_given: expected something new since the last verdict, got nothing"
        )


async def _facts(records: Records, row: Row) -> dict[str, Any]:
    case = row["case"]
    decisions = [one for one in await records.scan("decision", (case,)) if one["about"] == "action"]
    approved = [one for one in decisions if one["verb"] == "approved" and not one["withdrawn"]]
    decision = max(approved, key=lambda one: one["seq"], default=None)
    wanted = row["proposal"] if decision is None else decision["proposal"]
    proposal = None if wanted is None else await records.get("proposal", (case, wanted))
    playbook = None if row["playbook"] is None else await records.get("playbook", (row["playbook"],))
    return {
        "origin": row["origin"],
        "onset": row["onset"],
        "opened_at": row["opened_at"],
        "opened_seq": row["opened_seq"],
        "opened_by": row["opened_by"],
        "subject": await _subject(records, row),
        "playbook": None if playbook is None else {"id": row["playbook"], "digest": playbook["digest"]},
        "owner": row["owner"],
        "proposal": None
        if proposal is None
        else {
            "id": proposal["proposal"],
            "digest": proposal["digest"],
            "maker": proposal["maker"],
            "seq": proposal["seq"],
        },
        "action_decision": None
        if decision is None
        else {
            "seq": decision["seq"],
            "at": decision["decided_at"],
            "approver": decision["decider"],
            "verb": decision["verb"],
            "proposal_digest": decision["proposal_digest"],
        },
        "action_taken": None
        if row["action_seq"] is None
        else {"seq": row["action_seq"], "at": row["action_at"], "by": row["action_by"]},
    }


async def _subject(records: Records, row: Row) -> dict[str, Any]:
    """Return {kind, id, customer} of a case; a case without a subject (a report) is its own subject."""
    if row["subject_item"] is None:
        return {"kind": "case", "id": row["case"], "customer": None}
    opened = await records.open(row["subject_item"])
    if opened is None:
        raise Unjudgeable(f"case {row['case']}: expected its subject, got an erased value")
    return {"kind": opened["kind"], "id": opened["id"], "customer": opened.get("customer")}


async def _item(records: Records, item: Row) -> dict[str, Any]:
    facts = None if item["facts_item"] is None else await records.open(item["facts_item"])
    if facts is None and item["facts_item"] is not None:
        raise Unjudgeable(f"evidence {item['evidence']}: expected its facts, got an erased value")
    commitments = {"facts": item["facts_item"], "content": item["content_item"]}
    review = None if item["review"] is None else {"verdict": item["review"], "by": item["reviewer"]}
    return {
        "id": item["evidence"],
        "type": item["type"],
        "grade": item["grade"],
        "seq": item["seq"],
        "attached_at": item["attached_at"],
        "received_at": item["received_at"],
        "submitter": item["submitter"],
        "controllers": json.loads(item["controllers"]),
        "commitments": {path: item_id for path, item_id in commitments.items() if item_id is not None},
        "facts": {} if facts is None else facts,
        "review": review,
    }


def _members(value: Mapping[str, Any]) -> set[str]:
    """Return every member id that the input names and `people` must therefore hold."""
    facts = value["facts"]
    named = {facts["opened_by"], facts["owner"], value["outcome"]["recorded_by"], *value["beneficiaries"]}
    for part, member in (("proposal", "maker"), ("action_decision", "approver"), ("action_taken", "by")):
        if facts[part] is not None:
            named.add(facts[part][member])
    prior = value["prior"]
    for award in prior["awards"]:
        named.update(award.get("beneficiaries", ()))
    for item in [*value["evidence"], *(one for case in prior.get("earlier", ()) for one in case["evidence"])]:
        named.add(people.member_of(item["submitter"]))
        named.add(None if item["review"] is None else item["review"]["by"])
        named.update(item.get("named_by", {}).values())
        if "versions_by" in item["facts"]:
            named.update(awards.formula_members(controllers.parse_formula(item["facts"]["versions_by"])))
        named.update(judging_routine.named_in(item["facts"]))
        named.update(awards.formula_members(controllers.parse_formula(item["controllers"])))
    return {member for member in named if member is not None and member != SYSTEM}


async def _people(records: Records, named: set[str]) -> dict[str, Any]:
    """Roles and second accounts of the named; the account they are a second account of stands there too."""
    found: dict[str, Any] = {}
    waiting = sorted(named)
    while waiting:
        member = waiting.pop()
        row = await records.get("member", (member,))
        if row is None:
            raise Unjudgeable(f"member {member}: expected an account of this organisation, got none")
        found[member] = {"roles": sorted(people.roles(row)), "same_as": row["same_as"]}
        if row["same_as"] is not None and row["same_as"] not in found:
            waiting.append(row["same_as"])
    return found


def judge(basis: Basis) -> registry.Judged:
    """Run the policy's verifier over what was read: pure, and the same for ever."""
    content = basis.value["policy"]["content"]
    return registry.judge(basis.value, content["verifier"], content["verifier_version"])


def body(basis: Basis, judged: registry.Judged, verdict: str) -> dict[str, Any]:
    """Return the body of verdict_given."""
    output = judged.output
    return {
        "verdict": verdict,
        "verifier": output["verifier"],
        "version": output["version"],
        "policy": basis.policy["policy"],
        "policy_digest": basis.policy["digest"],
        "result": output["result"],
        "evidence": list(basis.evidence),
        "relied_on": list(output["relied_on"]),
        "beneficiaries": list(basis.beneficiaries),
        "outcome_seq": basis.case["outcome_seq"],
        "shares": list(output["shares"]),
        "controllers": output["controllers"],
        "k_evidence": output["k_evidence"],
        "witnessing": list(output["witnessing"]),
        "missing": list(output["missing"]),
        "input_digest": judged.input_digest,
        "output_digest": judged.output_digest,
    }


def given(view: View, command: Command, at: str) -> Decided:
    """Rule of judge. `known`: body (of verdict_given); marks, prior and links (what the input was read from).

    Raises:
        Refused: stale, transition, agent_may_not, already_awarded.
    """
    asked: Asked = command.data
    if asked.who.id != SYSTEM:
        people.human(view, asked.who)
    row = cases.find(view, asked.request.case)
    draft = Draft(
        "verdict_given", row["case"], asked.known["body"], asked.private.commitments, asked.private.opened
    )
    cases.advance(row, draft)
    cases.without_award(row)
    policy = None if row["policy"] is None else view.get("policy", (row["policy"],))
    if marks(row, view.scan("evidence", (row["case"],)), policy) != asked.known["marks"]:
        raise refuse(
            "stale",
            "the owner, evidence, a review, the outcome, the proposal or the policy changed; judge again",
        )
    if judging_prior.moved(view, row, asked.known["prior"]):
        raise refuse("stale", "a related case changed meanwhile, or this one came back; judge again")
    if known_as.moved(view, asked.known["links"]):
        raise refuse("stale", "it was said meanwhile whom a name in a record means; judge again")
    ids = {"case": row["case"], "verdict": asked.ids["verdict"]}
    return Decided((draft,), asked.private.rows, ids)
