"""Steps 3 to 5 of the audit of meaning (casework/audit.py): decisions, evidence, verdicts.

What a check is, and what it is given: audit_standing.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework import (
    audit_names,
    audit_prior,
    audit_routine,
    authority,
    cases,
    charters,
    decisions,
    evidence,
    judging_routine,
    known_as,
    mail_worth,
    people,
    plan_rules,
    proposals,
    purposes,
    replies,
    undeclared,
    work,
)
from casework.audit_standing import (
    INPUT_SIZE_MAX_BYTES,
    Check,
    Standing,
    digest_of,
    expect,
    find_case,
    wrong,
)
from casework.collectors import customer_link
from casework.errors import refuse
from casework.requests import Principal, PublishPlan
from ledger.canonical import encode
from ledger.changes import Row
from ledger.commands import View
from ledger.entries import SYSTEM, Entry
from ledger.errors import Refused
from verifiers.policy import policy_digest
from verifiers.recall import course_of
from verifiers.registry import find, rejudge
from verifiers.verdicts import digest_input, digest_output


def _check_as_of(standing: Standing, entry: Entry, as_of: Mapping[str, Any]) -> None:
    size = as_of["size"]
    known = type(size) is int and 0 <= size <= entry.seq and standing.roots[size].hex() == as_of["root"]
    expect(known, "not_as_recorded", f"as_of: expected a size and root of this log before {entry.seq}")


# ---------------------------------------------------------------------------------------------- opening, proposing
def check_policy(standing: Standing, entry: Entry) -> None:
    """A policy's content is what its digest names: verdicts cite the digest, awards are planned by the content."""
    expected = policy_digest(entry.body["content"])
    if entry.body["digest"] != expected:
        wrong(f"digest: expected {expected}, of the content, got {entry.body['digest']}")


def check_plan(standing: Standing, entry: Entry) -> None:
    """A plan is what its digest names, under a policy that can judge it."""
    body = entry.body
    plan_rules.check_plan(
        standing.view, PublishPlan(body["plan"], body["digest"], body["policy"], body["content"])
    )


def check_watch(standing: Standing, entry: Entry) -> None:
    """A watch on a person runs only with a purpose that an owner wrote before."""
    body, view = entry.body, standing.view
    published = entry.kind == "playbook_published"
    row = view.get("playbook", (body["playbook"],))
    if not published and row is None:
        raise refuse("unknown", f"expected a published playbook, got {body['playbook']}")
    digest = body["kinds"] if published or row is None else row["kinds"]
    content = body["content"] if published or row is None else json.loads(row["content"])
    kinds = view.get("kind_set", (digest,))
    if kinds is None:
        raise refuse("unknown", f"kinds: expected published ones, got {digest}")
    purposes.check_running(view, body["playbook"], body["mode"], json.loads(kinds["content"]), content)


def check_purpose(standing: Standing, entry: Entry) -> None:
    """It says something, where its words are at hand."""
    expect("purpose" in entry.private, "value_invalid", "expected a purpose in words, got none")
    said = standing.open(entry, "purpose")
    if said is not None:
        purposes.check_words(said)


def check_opened(standing: Standing, entry: Entry) -> None:
    """A case opens by the system for a signal or a schedule, else by somebody; under a policy of its award kind."""
    by_system = entry.body["origin"] in ("signal", "schedule")
    if by_system != (entry.actor.id == SYSTEM):
        wrong(f"origin: expected what {entry.actor.role} may open, got {entry.body['origin']}")
    if entry.body["policy"] is not None:
        cases.recognises(standing.view, entry.body["policy"], entry.body["award_kind"])
    subject = standing.open(entry, "subject")
    if subject is not None:
        named = {"kind": subject["kind"], "id": subject["id"], "customer": subject.get("customer")}
        standing.subjects[str(entry.case)] = digest_of(named)
    elif "subject" not in entry.private:  # a report is about itself
        named = {"kind": "case", "id": str(entry.case), "customer": None}
        standing.subjects[str(entry.case)] = digest_of(named)
    facts = standing.open(entry, "facts") if "facts" in entry.private else {}
    if isinstance(facts, dict):
        standing.expected[str(entry.case)] = digest_of(judging_routine.plain(facts))


def check_acknowledged(standing: Standing, entry: Entry) -> None:
    """Only the owner has seen it, and says until when."""
    cases.check_in_hand(entry.body["until"], entry.at)
    owner = find_case(standing, entry)["owner"]
    expect(owner == entry.actor.id, "not_owner", f"expected the owner {owner}, got {entry.actor.id}")


def check_proposal(standing: Standing, entry: Entry) -> None:
    """The digest binds the words, the action and the value; an agent stays within its charter."""
    body, actor = entry.body, entry.actor
    who = Principal(actor.id, actor.role, actor.via, "key")
    charters.check_proposal(standing.view, who, find_case(standing, entry), body["action"])
    bound = proposals.body(
        entry.log, str(entry.case), body["proposal"], body["action"], entry.private["text"], body["value"],
        tuple(body["flags"]),
    )  # fmt: skip
    if bound["digest"] != body["digest"]:
        wrong("expected the proposal's digest")


# ---------------------------------------------------------------------------------------------- 3. decisions
def check_decision(standing: Standing, entry: Entry) -> None:
    """Over what stood, by somebody outside who may, once, in time, and exactly as the record says."""
    body, view = entry.body, standing.view
    row = find_case(standing, entry)
    proposal = None if row["proposal"] is None else view.get("proposal", (row["case"], row["proposal"]))
    policy = None if row["policy"] is None else view.get("policy", (row["policy"],))
    stood = decisions.basis(row, proposal, view.scan("evidence", (row["case"],)), policy, body["about"])
    named = {
        "case": entry.case,
        "about": body["about"],
        "proposal": {"id": body["proposal"], "digest": body["proposal_digest"]},
        "evidence": sorted(body["evidence"]),
        "verdict": body["verdict"],
        "policy": body["policy"],
    }
    changed = sorted(name for name in stood if stood[name] != named[name])
    expect(not changed, "stale", f"expected the state that stood, got another {', '.join(changed)}")
    expect(
        view.get("decision_nonce", (body["nonce"],)) is None, "nonce_replayed", "expected a nonce never used"
    )
    expect(entry.at < body["expires"], "expired", f"expected before {body['expires']}, got {entry.at}")
    _check_as_of(standing, entry, body["as_of"])
    undo = int(cases.setting(view, "undo_seconds", decisions.UNDO_SECONDS_DEFAULT))
    leaves = cases.later(entry.at, seconds=undo)
    if body["effects_at"] != leaves:
        wrong(f"effects_at: expected {leaves}, after the undo time then in force, got {body['effects_at']}")
    if body["verb"] == decisions.DECLINED:
        cases.one_of(body["reason_code"], decisions.DECLINE_REASONS, "reason_code")
    if body["about"] == authority.AWARD:
        waits = cases.waiting(row, view.scan("decision", (row["case"],)))
        expect(waits is None, "already_awarded", f"expected no award decision that waits, got {waits}")
    assert proposal is not None  # basis refused otherwise
    _check_decider(standing, entry, row, proposal)
    if (body["about"], body["verb"]) == (authority.AWARD, decisions.DECLINED):
        replies.check_replied(view, row, replies.DECLINE, body["reason_code"], entry.at)
    if decisions.record_digest(_record(entry, proposal)) != body["digest"]:
        wrong("expected the decision record's digest")


def _check_decider(standing: Standing, entry: Entry, row: Row, proposal: Row) -> None:
    body, view = entry.body, standing.view
    verdict = None if row["verdict"] is None else view.get("verdict", (row["case"], row["verdict"]))
    about_award = body["about"] == authority.AWARD
    items = cases.live(view.scan("evidence", (row["case"],)))
    relied = decisions.relied_on(items, verdict if about_award else None)
    concerned = json.loads(verdict["beneficiaries"]) if about_award and verdict is not None else []
    submitters, earners = authority.submitters(relied), {*concerned, *body["beneficiaries"]}
    authority.separate(view, entry.actor.id, proposal["maker"], submitters, earners)
    held = view.get("authority", (entry.actor.id, body["authority"]))
    matter = _matter(row, proposal, body)
    if held is None or not authority.covers(held, matter, entry.at):
        raise Refused("no_authority", f"expected authority {body['authority']} in force that covers it")
    authority.check_lent(view, held, matter, entry.at, {proposal["maker"], *submitters, *earners})
    least = authority.ASSURANCE_RANK[held["assurance_min"]]
    reached = authority.ASSURANCE_RANK.get(body["assurance"], 0)
    expect(
        reached >= least,
        "assurance_too_low",
        f"expected at least {held['assurance_min']}, got {body['assurance']}",
    )


def _matter(row: Row, proposal: Row, body: Mapping[str, Any]) -> authority.Matter:
    if body["about"] == authority.AWARD:
        return authority.Matter(authority.AWARD, row["award_kind"], tokens=body["amount_tokens"] or 0)
    return authority.Matter(authority.ACTION, row["playbook"], value=proposals.value_of(proposal))


def _record(entry: Entry, proposal: Row) -> dict[str, Any]:
    """Return the canonical decision record that the entry stands for, docs/spec/decision.md."""
    body = entry.body
    amount: Any = None
    if body["about"] == authority.ACTION:
        amount = proposals.value_of(proposal)
    elif body["amount_tokens"] is not None:
        amount = {"tokens": body["amount_tokens"], "budget": body["budget"]}
    same = (
        "about", "verb", "evidence", "verdict", "policy", "authority", "beneficiaries", "reason_code", "as_of", "nonce",
        "expires",
    )  # fmt: skip
    return {name: body[name] for name in same} | {
        "v": 1,
        "log": entry.log,
        "case": entry.case,
        "proposal": {"id": body["proposal"], "digest": body["proposal_digest"]},
        "amount": amount,
        "reason": entry.private.get("reason"),
    }


def check_withdrawn(standing: Standing, entry: Entry) -> None:
    """By its decider, while it has no effect."""
    row = standing.view.get("decision", (entry.case, entry.body["decision"]))
    if row is None or row["about"] != entry.body["about"]:
        raise Refused("unknown", "expected a decision of this case")
    expect(not row["withdrawn"], "decision_withdrawn", "expected a decision that stands")
    expect(
        row["effect_seq"] is None, "decision_has_effect", f"expected no effect, got entry {row['effect_seq']}"
    )
    mine = people.same_person(standing.view, entry.actor.id, row["decider"])
    expect(mine, "no_authority", "expected whoever decided it")


def _approved_action(view: View, case: str) -> Row | None:
    approved = [
        one
        for one in view.scan("decision", (case,))
        if one["about"] == authority.ACTION and one["verb"] == decisions.APPROVED and not one["withdrawn"]
    ]
    return max(approved, key=lambda one: int(one["seq"]), default=None)


def check_action(standing: Standing, entry: Entry) -> None:
    """What was done is what was approved last, and it was done once."""
    last = _approved_action(standing.view, str(entry.case))
    named = (entry.body["decision"], entry.body["proposal"])
    done = last is not None and (last["decision"], last["proposal"]) == named
    if last is None or not done:
        raise Refused("not_decided", "expected the proposal approved last")
    effect = last["effect_seq"]
    expect(effect is None, "already_acted", f"expected an approval not acted on yet, got entry {effect}")


def check_reported(standing: Standing, entry: Entry) -> None:
    """Work that a plan or a catalogue asks for, once, by whoever proposes that it be recognised in the same command."""
    row = find_case(standing, entry)
    work.check_routine(standing.view, row)
    acted = row["action_seq"]
    expect(acted is None, "already_acted", f"expected work nobody reported, got entry {acted}")
    proposal = standing.view.get("proposal", (row["case"], entry.body["proposal"]))
    own = proposal is not None and (proposal["maker"], proposal["seq"]) == (entry.actor.id, entry.seq - 1)
    expect(own, "not_decided", "expected the proposal that this person made just before")


def check_outcome(standing: Standing, entry: Entry) -> None:
    """`fixed` needs an action."""
    acted = find_case(standing, entry)["action_seq"] is not None
    expect(
        acted or entry.body["resolution"] != "fixed", "not_decided", "fixed: expected an action taken before"
    )


def check_closed(standing: Standing, entry: Entry) -> None:
    """`not_recognised` while an award lives would be a contradiction; what was approved comes before the end."""
    row = find_case(standing, entry)
    if entry.body["reason_code"] == "not_recognised":
        cases.without_award(row)
    cases.none_waits(row, standing.view.scan("decision", (row["case"],)))
    cases.decided_first(row)


# ---------------------------------------------------------------------------------------------- 4. evidence
def _submitted(standing: Standing, entry: Entry, item: Row) -> bool:
    return any(people.same_person(standing.view, entry.actor.id, one) for one in authority.submitters([item]))


def _item(standing: Standing, entry: Entry, name: str) -> Row:
    item = standing.view.get("evidence", (entry.case, name))
    if item is None or item["withdrawn"]:
        raise Refused("evidence_closed", "expected evidence of this case that still counts")
    return item


def check_attached(standing: Standing, entry: Entry) -> Any:
    """From its submitter; a customer's word only through the customer's own link; replaced by its own submitter.

    Returns its facts, None where they are gone: a value is opened once."""
    body, actor = entry.body, entry.actor
    customer = actor.role == people.CUSTOMER
    party = f"customer:{actor.id}" if customer else SYSTEM if actor.id == SYSTEM else f"member:{actor.id}"
    if body["submitter"] != party:
        wrong(f"submitter: expected {party}, got {body['submitter']}")
    if customer != (body["type"] == "customer_confirmation"):
        wrong(f"type: expected what {actor.role} may say, got {body['type']}")
    if body["replaces"] is not None:
        _check_taken_back(standing, entry, body["replaces"])
    facts = standing.open(entry, "facts")
    if facts is not None:
        standing.facts[body["evidence"]] = digest_of(facts)
        audit_names.keep(standing, entry, facts)
    if customer:
        _check_confirmation(standing, entry, facts)
    if body["type"] == mail_worth.TYPE and facts is not None:
        worth = mail_worth.worth(facts, body["submitter"])
        if worth != (body["grade"], body["controllers"]):
            wrong(f"expected grade {worth[0]} and controllers of whoever signed it, got others")
    return facts


def _check_confirmation(standing: Standing, entry: Entry, facts: Any) -> None:
    """What a customer's answer says, and who could have given it, follows from the link and the answer on record."""
    if standing.answered is None or standing.answered[0] != entry.cmd:
        raise Refused("link_closed", "expected a customer's answer through a link")
    _, link, answer = standing.answered
    body = entry.body
    said = customer_link.collect(link, answer, body["received_at"])
    same = (said.grade, said.controllers) == (body["grade"], body["controllers"])
    if not same or (facts is not None and facts != said.facts):
        wrong("expected grade, controllers and facts as the link and its answer give them")


def _check_taken_back(standing: Standing, entry: Entry, name: str) -> None:
    cases.without_award(find_case(standing, entry))
    item = _item(standing, entry, name)
    mine = item["type"] not in evidence.KEPT and _submitted(standing, entry, item)
    expect(mine, "evidence_closed", "expected an item of its own submitter, never a customer's answer")


def check_taken_back(standing: Standing, entry: Entry) -> None:
    """Withdrawn by its own submitter, never a customer's answer."""
    _check_taken_back(standing, entry, entry.body["evidence"])


def check_link(standing: Standing, entry: Entry) -> None:
    """For a customer, who is no member and not the system."""
    people.pseudonym(entry.body["customer"], "/customer")


def check_answered(standing: Standing, entry: Entry) -> None:
    """Once, in time, by the customer the link was issued for."""
    link = standing.view.get("link", (entry.body["link"],))
    good = link is not None and all((
        link["state"] == "issued",
        link["case"] == entry.case,
        link["customer"] == entry.actor.id,
        entry.at < link["until"],
        entry.actor.role == people.CUSTOMER,
    ))  # fmt: skip
    expect(good, "link_closed", "expected an open link of this case and customer")
    assert link is not None  # expected above
    standing.answered = (entry.cmd, link, entry.body["answer"])


def check_review(standing: Standing, entry: Entry) -> None:
    """Once, by somebody who neither submitted the item nor took the action."""
    row = find_case(standing, entry)
    item = _item(standing, entry, entry.body["evidence"])
    expect(item["review"] is None, "evidence_closed", f"expected no review yet, got {item['review']}")
    mine = _submitted(standing, entry, item)
    expect(not mine, "reviewer_is_submitter", "expected another person than the submitter")
    by = row["action_by"]
    acted = by is not None and people.same_person(standing.view, entry.actor.id, by)
    expect(not acted, "reviewer_is_beneficiary", "expected another person than who took the action")


# ---------------------------------------------------------------------------------------------- 5. verdicts
def check_verdict(standing: Standing, entry: Entry) -> None:
    """Over what stood; judged again from the committed input. One whose input is gone is noted, not blamed."""
    body, view = entry.body, standing.view
    if entry.actor.id != SYSTEM and entry.actor.role == people.AGENT:
        raise Refused("agent_may_not", "expected the system or a person")
    row = find_case(standing, entry)
    cases.without_award(row)
    live = sorted(item["evidence"] for item in cases.live(view.scan("evidence", (row["case"],))))
    if sorted(body["evidence"]) != live:
        wrong("expected a verdict over the evidence that stood")
    if body["outcome_seq"] != row["outcome_seq"]:
        wrong(f"expected a verdict over outcome {row['outcome_seq']}, got {body['outcome_seq']}")
    policy = None if row["policy"] is None else view.get("policy", (row["policy"],))
    if policy is None or (policy["policy"], policy["digest"]) != (body["policy"], body["policy_digest"]):
        raise Refused("no_policy", "expected a verdict under the policy published for this case")
    value = standing.open(entry, "input")
    if value is None:
        standing.unreplayable.add(entry.seq)
        return
    course = course_of(_check_judgement(body, value)["settle_conditions"])
    if course is not None:
        standing.recalls[body["verdict"]] = course
    if value["log"] != entry.log or value["policy"]["digest"] != body["policy_digest"]:
        wrong("input: expected this log and policy")
    _check_as_of(standing, entry, value["as_of"])
    _check_shown(standing, value, row)
    _check_shown_evidence(standing, value, row)
    audit_prior.check(standing, value, row)
    if find(body["verifier"], body["version"]).input_version > 1:
        audit_routine.check_added(standing, value, row)
    if sorted(value["beneficiaries"]) != sorted(body["beneficiaries"]):
        wrong("input: expected the beneficiaries of the verdict")


def _check_judgement(body: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    given = encode(value, size_max_bytes=INPUT_SIZE_MAX_BYTES)
    if digest_input(given) != body["input_digest"]:
        wrong("expected the input that was committed")
    again = rejudge(given, body["verifier"], body["version"])
    output: dict[str, Any] = json.loads(again)
    told = ("result", "controllers", "k_evidence", "shares", "relied_on", "witnessing", "missing")
    other = sorted(name for name in told if output[name] != body[name])
    if other or digest_output(again) != body["output_digest"]:
        wrong(f"judged again: expected the same verdict, got another {', '.join(other) or 'output'}")
    return output


def _check_shown(standing: Standing, value: Mapping[str, Any], row: Row) -> None:
    """Hold the facts shown to the judge against the rows. A role may have changed since they were read; whether
    somebody is a digital employee never does, and no judge asks for more."""
    view, case = standing.view, row["case"]
    last = _approved_action(view, case)
    wanted = row["proposal"] if last is None else last["proposal"]
    proposal = None if wanted is None else view.get("proposal", (case, wanted))
    stood: dict[str, Any] = {
        name: row[name] for name in ("origin", "onset", "opened_at", "opened_seq", "opened_by", "owner")
    }
    stood["proposal"] = proposal and {
        "id": proposal["proposal"], "digest": proposal["digest"], "maker": proposal["maker"], "seq": proposal["seq"],
    }  # fmt: skip
    stood["action_decision"] = last and {
        "seq": last["seq"], "at": last["decided_at"], "approver": last["decider"], "verb": last["verb"],
        "proposal_digest": last["proposal_digest"],
    }  # fmt: skip
    stood["action_taken"] = None
    if row["action_seq"] is not None:
        stood["action_taken"] = {"seq": row["action_seq"], "at": row["action_at"], "by": row["action_by"]}
    facts = value["facts"]
    other = sorted(name for name in stood if facts[name] != stood[name])
    if standing.subjects.get(case, digest_of(facts["subject"])) != digest_of(facts["subject"]):
        other.append("subject")
    if (facts["playbook"] and facts["playbook"]["id"]) != row["playbook"]:
        other.append("playbook")
    outcome = {
        "resolution": row["resolution"], "seq": row["outcome_seq"], "recorded_at": row["outcome_at"],
        "recorded_by": row["outcome_by"],
    }  # fmt: skip
    other += [] if value["outcome"] == outcome else ["outcome"]
    for member, said in value["people"].items():
        known = view.get("member", (member,))
        same = known is not None and (people.AGENT in people.roles(known), known["same_as"]) == (
            people.AGENT in said["roles"], said["same_as"],
        )  # fmt: skip
        other += [] if same else [f"member {member}"]
    if value["v"] > 1:
        unsaid = judging_routine.named_in_records(value["evidence"]) - set(value["people"])
        other += [f"member {one}" for one in sorted(unsaid) if view.get("member", (one,)) is not None]
    if other or value["case"] != case:
        wrong(f"input: expected the case as it stood, got another {', '.join(other) or 'case'}")


def _check_shown_evidence(standing: Standing, value: Mapping[str, Any], row: Row) -> None:
    live = {item["evidence"]: item for item in cases.live(standing.view.scan("evidence", (row["case"],)))}
    if sorted(item["id"] for item in value["evidence"]) != sorted(live):
        wrong("input: expected the evidence that stood")
    named = value["v"] > 1
    fields = known_as.person_fields(value["policy"]["content"]) if named else frozenset[str]()
    for item in value["evidence"]:
        row = live[item["id"]]
        same = ("type", "grade", "seq", "attached_at", "received_at", "submitter")
        stood: dict[str, Any] = {name: row[name] for name in same}
        formula = json.loads(row["controllers"])
        stood["controllers"] = undeclared.as_judged(formula, value["beneficiaries"])
        stood["review"] = row["review"] and {"verdict": row["review"], "by": row["reviewer"]}
        items = {"facts": row["facts_item"], "content": row["content_item"]}
        stood["commitments"] = {path: one for path, one in items.items() if one is not None}
        other = sorted(name for name in stood if item[name] != stood[name])
        other += audit_names.faults(standing, item, fields)
        if other:
            wrong(f"input: expected evidence {item['id']} as it stood, got another {', '.join(other)}")


CHECKS: Mapping[str, Check] = {
    "policy_published": check_policy,
    "plan_published": check_plan,
    "playbook_published": check_watch,
    "mode_changed": check_watch,
    "watch_purpose_written": check_purpose,
    "assessor_named": audit_routine.check_naming,
    "assessor_ended": audit_routine.check_naming,
    "case_opened": check_opened,
    "acknowledged": check_acknowledged,
    "proposal_made": check_proposal,
    "decision_made": check_decision,
    "decision_withdrawn": check_withdrawn,
    "action_taken": check_action,
    "work_reported": check_reported,
    "outcome_recorded": check_outcome,
    "case_closed": check_closed,
    "evidence_withdrawn": check_taken_back,
    "link_issued": check_link,
    "link_answered": check_answered,
    "evidence_reviewed": check_review,
    "verdict_given": check_verdict,
}
