"""What rows an entry leaves: one pure function per kind, no row is ever read.

The writer, `rebuild` and the audit of meaning use the same `project`. `opened` are the private values of the entry by
path; None where they were erased: the row is made all the same, with the commitment and without the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from casework import (
    assessors,
    cases,
    passkey_rules,
    views_joining,
    views_of_anchors,
    views_of_disputes,
    views_of_hooks,
    views_of_people,
    views_of_points,
    views_of_watches,
)
from casework.cases import done, job, settle
from ledger.canonical import json_dumps
from ledger.changes import Change, Delete, Insert, Set
from ledger.entries import Entry

Opened = Mapping[str, Any] | None


def project(entry: Entry, opened: Opened) -> Iterable[Change]:
    """Return the row changes of one entry; none for a kind that the desk's tables do not show."""
    projection = _KINDS.get(entry.kind)
    changes = [] if projection is None else projection(entry, opened)
    if entry.case is not None and entry.kind in _CASE_KINDS and entry.kind != "case_opened":
        changes.append(_case(entry, changes))
    return changes


def text(value: Any) -> str:
    """Return canonical JSON text, the form in which rows hold structured values."""
    return json_dumps(value).decode()


def _maybe(value: Any) -> str | None:
    return None if value is None else text(value)


def _case(entry: Entry, changes: list[Change]) -> Change:
    """Return the one change to the case's row: its new state, what the kind adds, and the entry that did it."""
    values: dict[str, Any] = {"changed_seq": entry.seq}
    state = cases.target(entry.kind, entry.body)
    if state is not None:
        values["state"] = state
    adds = _CASE_COLUMNS.get(entry.kind)
    if adds is not None:
        values.update(adds(entry))
    return Set("case_file", (entry.case,), values)


# ---------------------------------------------------------------------------------------------- people and powers
_AGENT_COLUMNS = ("charter", "responsibility_item", "answers_to")


def _member_joined(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {"member": body["member"], "roles": text(body["roles"]), "same_as": body["same_as"], "active": 1}
    return [
        Insert("member", row | dict.fromkeys(_AGENT_COLUMNS) | {"seq": entry.seq}),
        *_name(body["member"], opened),
    ]


def _agent_registered(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {"member": body["member"], "roles": text(["agent"]), "same_as": None, "active": 1}
    row |= {"charter": text(body["charter"]), "responsibility_item": entry.private.get("responsibility")}
    row |= {"answers_to": body["answers_to"], "seq": entry.seq}
    return [Insert("member", row), *_name(body["member"], opened)]


def _name(member: str, opened: Opened) -> list[Change]:
    # A row of its own, so that erasing a person deletes it and leaves the account that entries speak of.
    if opened is None or "name" not in opened:
        return []
    return [Insert("member_name", {"member": member, "name": opened["name"]})]


def _member_left(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("member", (entry.body["member"],), {"active": 0})]


def _subject_erased(entry: Entry, opened: Opened) -> list[Change]:
    return [Delete("member_name", (entry.body["subject"],))]


def _roles_changed(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("member", (entry.body["member"],), {"roles": text(entry.body["roles"])})]


def _authority_granted(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {
        name: body[name] for name in ("member", "authority", "about", "tokens_max", "until", "assurance_min")
    }
    row |= {"scope": text(body["scope"]), "amount_max": _maybe(body["amount_max"])}
    row |= {
        "second_person": int(body["second_person"]),
        "active": 1,
        "granted_by": entry.actor.id,
        "seq": entry.seq,
    }
    return [Insert("authority", row | dict.fromkeys(views_of_people.LENT_COLUMNS))]


def _authority_ended(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("authority", (entry.body["member"], entry.body["authority"]), {"active": 0})]


def _api_key_issued(entry: Entry, opened: Opened) -> list[Change]:
    row = {name: entry.body[name] for name in ("key", "member", "secret_digest", "until")}
    return [Insert("api_key", row | {"active": 1, "issued_by": entry.actor.id, "seq": entry.seq})]


def _api_key_ended(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("api_key", (entry.body["key"],), {"active": 0})]


def _settings_changed(entry: Entry, opened: Opened) -> list[Change]:
    changes: list[Change] = []
    for name, value in sorted(entry.body["settings"].items()):
        changes.append(Delete("setting", (name,)))
        changes.append(Insert("setting", {"name": name, "value": text(value), "seq": entry.seq}))
    return changes


def _budget_set(entry: Entry, opened: Opened) -> list[Change]:
    row = {name: entry.body[name] for name in ("budget", "amount_tokens", "until")}
    row |= {"set_by": entry.actor.id, "approved_by": None, "purpose_item": entry.private.get("purpose")}
    return [Insert("budget", row | {"seq": entry.seq})]


def _budget_approved(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("budget", (entry.body["budget"],), {"approved_by": entry.actor.id})]


# ---------------------------------------------------------------------------------------------- what is published
def _replace(table: str, key: str, row: Mapping[str, Any]) -> list[Change]:
    return [Delete(table, (key,)), Insert(table, row)]


def _policy_published(entry: Entry, opened: Opened) -> list[Change]:
    content = text(entry.body["content"])
    row = {name: entry.body[name] for name in ("policy", "verifier", "version", "digest")}
    row |= {"content": content, "seq": entry.seq}
    version = {"digest": entry.body["digest"], "content": content, "seq": entry.seq}
    return _replace("policy", entry.body["policy"], row) + _replace(
        "policy_content", entry.body["digest"], version
    )


def _plan_published(entry: Entry, opened: Opened) -> list[Change]:
    row = {name: entry.body[name] for name in ("plan", "digest", "policy")}
    row |= {"content": text(entry.body["content"]), "since": entry.at, "active": 1, "seq": entry.seq}
    return _replace("plan", entry.body["plan"], row)


def _plan_ended(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("plan", (entry.body["plan"],), {"active": 0, "seq": entry.seq})]


def _source_registered(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {"source": body["source"], "kinds": text(body["kinds"]), "controllers": text(body["controllers"])}
    row |= {"fresh_within": body["fresh_within"], "seq": entry.seq}
    return _replace("source", body["source"], row)


# ---------------------------------------------------------------------------------------------- cases
_CASE_EMPTY = (
    "owner", "ack_until", "proposal", "action_by", "action_at", "action_seq", "resolution", "impact", "outcome_by",
    "outcome_at", "outcome_seq", "verdict", "award", "reason_code", "dispute", "undecided_since", "asked_to",
)  # fmt: skip


def _case_opened(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    names = (
        "origin",
        "playbook",
        "award_kind",
        "policy",
        "subject_kind",
        "fingerprint",
        "onset",
        "detected_at",
    )
    row: dict[str, Any] = {name: body[name] for name in names}
    row |= dict.fromkeys(_CASE_EMPTY)
    row |= {
        "case": entry.case,
        "value": _maybe(body["value"]),
        "records": text(body["records"]),
        "groups": text(body["groups"]),
        "state": cases.DETECTED,
        "opened_by": entry.actor.id,
        "opened_at": entry.at,
        "opened_seq": entry.seq,
        "subject_item": entry.private.get("subject"),
        "facts_item": entry.private.get("facts"),
        "note_item": entry.private.get("note"),
        "asked_rung": 0,
        "changed_seq": entry.seq,
    }
    seen = {"case": entry.case, "seq": entry.seq}
    return [
        Insert("case_file", row),
        Insert("fingerprint", {"fingerprint": body["fingerprint"], **seen}),
        *(Insert("case_group", {"group": group, **seen}) for group in body["groups"]),
    ]


def _case_reopened(entry: Entry, opened: Opened) -> list[Change]:
    row = {"case": entry.case, "entry": str(entry.seq), "at": entry.at}
    return [Insert("case_reopening", row), _kept(entry)]


def _acknowledged(entry: Entry, opened: Opened) -> list[Change]:
    return job("acknowledgement", str(entry.case), entry.body["until"], entry, {"case": entry.case})


def _proposal_made(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {name: body[name] for name in ("proposal", "digest", "action")}
    row |= {"case": entry.case, "value": _maybe(body["value"]), "flags": text(body["flags"])}
    row |= {
        "maker": entry.actor.id,
        "made_at": entry.at,
        "text_item": entry.private.get("text"),
        "seq": entry.seq,
    }
    return [Insert("proposal", row)]


def _decision_made(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    names = (
        "decision", "digest", "about", "verb", "proposal", "proposal_digest", "verdict", "policy", "authority",
        "amount_tokens", "budget", "reason_code", "nonce", "expires", "assurance", "effects_at",
    )  # fmt: skip
    row = {name: body[name] for name in names}
    row |= {name: text(body[name]) for name in ("evidence", "beneficiaries", "as_of")}
    row |= {
        "case": entry.case,
        "reason_item": entry.private.get("reason"),
        "message_item": entry.private.get("message"),
        "decider": entry.actor.id,
        "decided_at": entry.at,
        "withdrawn": 0,
        "effect_seq": None,
        "seq": entry.seq,
    }
    nonce = {"nonce": body["nonce"], "case": entry.case, "decision": body["decision"]}
    changes: list[Change] = [Insert("decision", row), Insert("decision_nonce", nonce)]
    if body["about"] == "award" and body["verb"] == "approved":
        payload = {"case": entry.case, "decision": body["decision"]}
        changes += job("grant", body["decision"], body["effects_at"], entry, payload)
        changes += _promised(entry)
    return changes


def _promised(entry: Entry) -> list[Change]:
    """Tokens are spoken for from the approval on. One per case: while it waits there is no second approval."""
    body = entry.body
    if body["budget"] is None:
        return []
    row = {"case": entry.case, "budget": body["budget"], "amount_tokens": body["amount_tokens"]}
    return [_kept(entry), Insert("promise", row)]


def _kept(entry: Entry) -> Change:
    """The promise of this case, if any, ends: granted or withdrawn, or it can be granted no more."""
    return Delete("promise", (entry.case,))


def _decision_withdrawn(entry: Entry, opened: Opened) -> list[Change]:
    decision = entry.body["decision"]
    changes = [Set("decision", (entry.case, decision), {"withdrawn": 1}), done("grant", decision)]
    return [*changes, _kept(entry)] if entry.body["about"] == "award" else changes


def _action_taken(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("decision", (entry.case, entry.body["decision"]), {"effect_seq": entry.seq})]


def _evidence_attached(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    names = ("evidence", "type", "grade", "submitter", "received_at", "replaces")
    row: dict[str, Any] = {name: body[name] for name in names}
    row |= dict.fromkeys(("review", "reviewer", "review_reason", "review_seq"))
    row |= {
        "case": entry.case,
        "attached_by": entry.actor.id,
        "via": entry.actor.via,
        "attached_at": entry.at,
        "controllers": text(body["controllers"]),
        "withdrawn": 0,
        "facts_item": entry.private.get("facts"),
        "content_item": entry.private.get("content"),
        "seq": entry.seq,
    }
    changes: list[Change] = [Insert("evidence", row)]
    if body["replaces"] is not None:
        changes.append(Set("evidence", (entry.case, body["replaces"]), {"withdrawn": 1}))
    return changes


def _evidence_withdrawn(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("evidence", (entry.case, entry.body["evidence"]), {"withdrawn": 1}), *_judge(entry)]


def _evidence_reviewed(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    values = {"review": body["result"], "reviewer": entry.actor.id, "review_reason": body["reason_code"]}
    return [
        Set("evidence", (entry.case, body["evidence"]), values | {"review_seq": entry.seq}),
        *_judge(entry),
    ]


def _judge(entry: Entry, opened: Opened = None) -> list[Change]:
    """Ask for a verdict; the job looks whether one is of use now."""
    return job("judge", f"{entry.case}:{entry.seq}", entry.at, entry, {"case": entry.case})


def _link_issued(entry: Entry, opened: Opened) -> list[Change]:
    row = {name: entry.body[name] for name in ("link", "customer", "token_digest", "until", "handed_over_by")}
    row |= {
        "case": entry.case,
        "address_known_before": int(entry.body["address_known_before"]),
        "state": "issued",
        "answer": None,
        "address_item": entry.private.get("address"),
        "issued_by": entry.actor.id,
        "issued_at": entry.at,
        "seq": entry.seq,
    }
    link = entry.body["link"]
    return [
        Insert("link", row),
        *job("link", link, entry.body["until"], entry, {"case": entry.case, "link": link}),
    ]


def _link_answered(entry: Entry, opened: Opened) -> list[Change]:
    link = entry.body["link"]
    return [Set("link", (link,), {"state": "answered", "answer": entry.body["answer"]}), done("link", link)]


def _link_expired(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("link", (entry.body["link"],), {"state": "expired"}), done("link", entry.body["link"])]


# ---------------------------------------------------------------------------------------------- judging and awards
def _verdict_given(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    names = (
        "verdict", "verifier", "version", "policy", "policy_digest", "result", "outcome_seq", "k_evidence",
        "input_digest", "output_digest",
    )  # fmt: skip
    row = {name: body[name] for name in names}
    row |= {
        name: text(body[name])
        for name in ("evidence", "relied_on", "beneficiaries", "shares", "witnessing", "missing")
    }
    row |= {
        "case": entry.case,
        "controllers": _maybe(body["controllers"]),
        "input_item": entry.private.get("input"),
        "output_item": entry.private.get("output"),
        "given_at": entry.at,
        "seq": entry.seq,
    }
    # What was approved over an earlier verdict is never granted.
    return [Insert("verdict", row), _kept(entry)]


def _award_granted(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    names = (
        "award",
        "kind",
        "decision",
        "verdict",
        "budget",
        "amount_tokens",
        "k",
        "window_days",
        "settle_not_before",
    )
    row = {name: body[name] for name in names}
    row |= {
        "case": entry.case,
        "decision_about": "award",
        "decision_verb": "approved",
        "verdict_result": "pass",
        "granted_at": entry.at,
        "message_item": entry.private.get("message"),
        "state": "provisional",
        "held_by": None,
        "hold_reason": None,
        "ended_reason": None,
        "settled_at": None,
        "settled_seq": None,
        "drawn": None,
        "seq": entry.seq,
    }
    changes: list[Change] = [
        Insert("award", row),
        Set("decision", (entry.case, body["decision"]), {"effect_seq": entry.seq}),
        done("grant", body["decision"]),
        _kept(entry),
    ]
    for share in body["shares"]:
        changes.append(Insert("award_share", {"award": body["award"], **share}))
        got = {"member": share["member"], "award": body["award"], "kind": body["kind"]}
        changes.append(Insert("recognised", got | {"granted_at": entry.at, "amount": share["amount"]}))
    # A minute later: the checkpoint that covers it is out by then.
    changes += job("draw", body["award"], cases.later(entry.at, seconds=60), entry, {"award": body["award"]})
    return changes + settle(entry, body["settle_not_before"])


def _draw_made(entry: Entry, opened: Opened) -> list[Change]:
    award = entry.body["award"]
    return [Set("award", (award,), {"drawn": int(entry.body["drawn"])}), done("draw", award)]


def _award_held(entry: Entry, opened: Opened) -> list[Change]:
    values = {"held_by": entry.actor.id, "hold_reason": entry.body["reason_code"]}
    return [Set("award", (entry.body["award"],), values), done("settle", entry.body["award"])]


def _award_released(entry: Entry, opened: Opened) -> list[Change]:
    values = {"held_by": None, "hold_reason": None}
    return [Set("award", (entry.body["award"],), values), *settle(entry, entry.body["settle_not_before"])]


def _award_settled(entry: Entry, opened: Opened) -> list[Change]:
    award = entry.body["award"]
    values = {"state": "settled", "settled_at": entry.at, "settled_seq": entry.seq}
    changes = [Set("award", (award,), values), done("settle", award)]
    return [*changes, *job("credential", award, entry.at, entry, {"award": award})]


def _credential_issued(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {name: body[name] for name in ("award", "member", "credential", "issuer", "list", "index")}
    row |= {"item": entry.private["credential"], "issued_at": entry.at, "seq": entry.seq}
    slot = {"slot": f"{body['list']}/{body['index']}", "credential": body["credential"]}
    return [Insert("credential", row), Insert("credential_slot", slot), done("credential", body["award"])]


def _recall_answered(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {name: body[name] for name in ("award", "member", "attempt", "right")} | {
        "passed": int(body["passed"])
    }
    row |= {"answered_at": entry.at, "seq": entry.seq}
    due = body["settle_not_before"]
    return [
        Delete("recall", (body["award"], body["member"])),
        Insert("recall", row),
        *(settle(entry, due) if due else ()),
    ]


def _ended(state: str, reason: str) -> Callable[[Entry, Opened], list[Change]]:
    def projection(entry: Entry, opened: Opened) -> list[Change]:
        award = entry.body["award"]
        values = {"state": state, "ended_reason": entry.body[reason]}
        gone = [Delete("recognised", (share["member"], award)) for share in entry.body["shares"]]
        return [Set("award", (award,), values), done("settle", award), *gone]

    return projection


_KINDS: Mapping[str, Callable[[Entry, Opened], list[Change]]] = {
    "member_joined": _member_joined,
    "agent_registered": _agent_registered,
    "member_left": _member_left,
    "agent_stopped": _member_left,
    "subject_erased": _subject_erased,
    "role_granted": _roles_changed,
    "role_ended": _roles_changed,
    "authority_granted": _authority_granted,
    "authority_ended": _authority_ended,
    **views_of_people.KINDS,
    "api_key_issued": _api_key_issued,
    "api_key_ended": _api_key_ended,
    **views_joining.KINDS,
    **passkey_rules.ROWS,
    **assessors.ROWS,
    **views_of_points.KINDS,
    **views_of_hooks.KINDS,
    **views_of_anchors.KINDS,
    "settings_changed": _settings_changed,
    "budget_set": _budget_set,
    "budget_approved": _budget_approved,
    **views_of_watches.KINDS,
    "policy_published": _policy_published,
    "plan_published": _plan_published,
    "plan_ended": _plan_ended,
    "source_registered": _source_registered,
    "case_opened": _case_opened,
    "case_reopened": _case_reopened,
    "acknowledged": _acknowledged,
    "proposal_made": _proposal_made,
    "decision_made": _decision_made,
    "decision_withdrawn": _decision_withdrawn,
    "action_taken": _action_taken,
    "evidence_attached": _evidence_attached,
    "evidence_withdrawn": _evidence_withdrawn,
    "evidence_reviewed": _evidence_reviewed,
    "link_issued": _link_issued,
    "link_answered": _link_answered,
    "link_expired": _link_expired,
    "outcome_recorded": _judge,
    "verdict_given": _verdict_given,
    "award_granted": _award_granted,
    "draw_made": _draw_made,
    "recall_answered": _recall_answered,
    "award_held": _award_held,
    "award_released": _award_released,
    "award_settled": _award_settled,
    "credential_issued": _credential_issued,
    "award_declined": _ended("declined", "reason_code"),
    "award_revoked": _ended("revoked", "cause"),
    **views_of_disputes.KINDS,
}

_CASE_KINDS = frozenset(step.partition(":")[0] for step in cases.TRANSITIONS)


def _decided(entry: Entry) -> Mapping[str, Any]:
    if entry.body["about"] != "award":
        return {}
    # An approved one can be taken back until it has its effect: what was planned instead is open until then.
    over = {"undecided_since": None, **views_of_disputes.ASKED_NOBODY}
    return over if entry.body["verb"] == "approved" else {**over, "dispute": None}


_CASE_COLUMNS: Mapping[str, Callable[[Entry], Mapping[str, Any]]] = {
    "owner_assigned": lambda entry: {"owner": entry.body["owner"], "ack_until": None},
    "escalated": lambda entry: {"owner": entry.body["to"]},
    "acknowledged": lambda entry: {"ack_until": entry.body["until"]},
    "proposal_made": lambda entry: {"proposal": entry.body["proposal"]},
    **dict.fromkeys(
        ("action_taken", "work_reported"),
        lambda entry: {
            "action_by": entry.actor.id,
            "action_at": entry.at,
            "action_seq": entry.seq,
        },
    ),
    "outcome_recorded": lambda entry: {
        "resolution": entry.body["resolution"],
        "impact": entry.body["impact"],
        "outcome_by": entry.actor.id,
        "outcome_at": entry.at,
        "outcome_seq": entry.seq,
    },
    "verdict_given": lambda entry: {
        "verdict": entry.body["verdict"],
        **views_of_disputes.judged(entry),
    },
    "award_granted": lambda entry: {"award": entry.body["award"], **views_of_disputes.DECIDED},
    "award_declined": lambda entry: {"award": None, **views_of_disputes.DECIDED},
    "award_revoked": lambda entry: {"award": None, **views_of_disputes.DECIDED},
    "decision_made": _decided,
    "decision_withdrawn": lambda entry: (
        {"undecided_since": entry.at} if entry.body["about"] == "award" else {}
    ),
    **views_of_disputes.CASE_COLUMNS,
    "case_suppressed": lambda entry: {"reason_code": entry.body["reason_code"]},
    "case_expired": lambda entry: {"reason_code": entry.body["reason_code"]},
    "case_reopened": lambda entry: {"reason_code": entry.body["reason_code"]},
    "case_closed": lambda entry: {"reason_code": entry.body["reason_code"]},
}
