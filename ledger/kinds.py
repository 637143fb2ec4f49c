"""The closed list of kinds of entries, and what each holds. Who writes each, how they evolve: docs/spec/entry-kinds.md.

The types of fields are those of `ledger.entries.FIELD_TYPES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SECRET = "secret"
"""The private path of keys: they are used where they lie, and never leave with an export."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry: its fields (name -> type, `?` at the end: null allowed; every field is always present),
    the paths it may commit to in `private`, and the registry version that brought it."""

    name: str
    fields: Mapping[str, str]
    private: tuple[str, ...] = ()
    since: int = 1


def _kinds(*kinds: Kind) -> dict[str, Kind]:
    return {kind.name: kind for kind in kinds}


KINDS: dict[str, Kind] = _kinds(
    # --- the log itself
    Kind("log_opened", {"origin": "text", "registry": "int", "log_key": "text", "simulated": "bool"}),
    Kind("registry_published", {"registry": "int"}),
    Kind("key_rotated", {"purpose": "text", "old": "text", "new": "text"}),
    Kind("clock_stepped", {"seconds": "int", "stopped": "bool"}),
    Kind("clock_confirmed", {"at": "instant"}),
    Kind("settings_changed", {"settings": "object"}),
    Kind("restore_accepted", {"size": "int", "root": "hash"}),
    Kind("checkpoint_sent", {"size": "int", "root": "hash", "how": "text"}),
    # --- a checkpoint in somebody else's hands (docs/spec/anchoring.md)
    Kind("anchor_opened", {"anchor": "id", "type": "text", "place": "object"}),  # type: evm | witness | ...
    Kind("checkpoint_anchored", {"anchor": "id", "size": "int", "root": "hash", "receipt": "object"}),
    Kind("anchor_superseded", {"anchor": "id", "by": "id", "reason": "text", "receipt": "object"}),
    Kind("anchor_closed", {"anchor": "id", "reason": "text"}),
    # --- data that go
    Kind("subject_erased", {"subject": "id", "items": "int", "reason_code": "text"}),
    Kind("retention_purged", {"before": "instant", "items": "int"}),
    # --- people, keys, powers
    Kind("member_joined", {"member": "id", "roles": "texts", "same_as": "id?"}, ("name",)),
    Kind("member_left", {"member": "id", "reason_code": "text"}),
    Kind("role_granted", {"member": "id", "role": "text", "roles": "texts"}),  # roles: what they are then
    Kind("role_ended", {"member": "id", "role": "text", "roles": "texts"}),  # roles: what they are then
    Kind(
        "authority_granted",
        {
            "authority": "id",
            "member": "id",
            "about": "text",  # action | award
            "scope": "texts",  # playbook ids, award kinds, or "*"
            "amount_max": "money?",  # about action: value at stake; null: no limit
            "tokens_max": "int?",  # about award; null: no limit
            "until": "instant?",
            "assurance_min": "text",  # passkey | session | key | pin | link
            "second_person": "bool",
        },
    ),
    Kind("authority_ended", {"member": "id", "authority": "id"}),
    Kind(
        "delegation_given",
        {
            "delegation": "id",
            "giver": "id",
            "person": "id",  # the first account of the giver
            "stand_in": "id",
            # [{"authority": new id, "of": the giver's, "about", "scope", "amount_max", "tokens_max", "until",
            #   "assurance_min"}]: what the stand-in holds from then on
            "authorities": "objects",
            "amount_max": "money?",
            "tokens_max": "int?",
            "since": "instant",
            "until": "instant",
        },
    ),
    Kind(
        "delegation_ended",
        {"delegation": "id", "giver": "id", "stand_in": "id", "authorities": "ids", "reason_code": "text"},
    ),
    Kind(
        "agent_registered",
        {"member": "id", "charter": "object", "answers_to": "id"},
        ("name", "responsibility"),
    ),
    Kind("agent_stopped", {"member": "id"}),
    Kind("api_key_issued", {"key": "id", "member": "id", "secret_digest": "hash", "until": "instant?"}),
    Kind("api_key_ended", {"key": "id"}),
    # --- joining: invites, ways to sign in, shared devices
    Kind(
        "invite_issued",
        {
            "invite": "id",
            "member": "id",
            "token_digest": "hash",
            "until": "instant",
            "how": "text",  # link | slip | first_run | recovery
        },
    ),
    Kind("invite_used", {"invite": "id", "member": "id"}),
    Kind("invite_ended", {"invite": "id", "member": "id", "reason_code": "text"}),
    Kind(
        "sign_in_set",
        {
            "member": "id",
            "method": "text",  # name | password | pin
            "by": "text",  # invite | self | owner | recovery
        },
    ),
    Kind("owner_recovered", {"member": "id"}),
    Kind("device_shared", {"device": "id", "secret_digest": "hash", "until": "instant?"}, ("label",)),
    Kind("device_ended", {"device": "id"}),
    Kind(
        "passkey_enrolled",
        {
            "passkey": "id",
            "member": "id",
            "credential": "text",  # base64url, as are the bytes of spki
            "spki": "text",
            "alg": "int",  # COSE: -7 ES256, -8 EdDSA, -257 RS256
            "rp_id": "text",
            "origins": "texts",
        },
    ),
    Kind("passkey_confirmed", {"passkey": "id"}),
    Kind("passkey_ended", {"passkey": "id", "reason_code": "text"}),
    # --- check-in points
    Kind(
        "point_registered",
        {"point": "id", "place": "text", "method": "text", "uid": "text?"},  # method: nfc | screen | printed
        ("label", SECRET),
    ),
    Kind("point_ended", {"point": "id", "reason_code": "text"}),
    Kind("point_doubted", {"point": "id"}, ("note",)),
    # --- watching
    Kind("kinds_published", {"digest": "hash", "content": "object"}),
    Kind(
        "playbook_published",
        {
            "playbook": "id",
            "digest": "hash",
            "kinds": "hash",
            "mode": "text",
            "policy": "id?",
            "content": "object",
        },
    ),
    Kind("mode_changed", {"playbook": "id", "mode": "text"}),
    Kind("watch_purpose_written", {"purpose": "id", "playbook": "id"}, ("purpose",)),
    Kind(
        "policy_published",
        {"policy": "id", "verifier": "text", "version": "int", "digest": "hash", "content": "object"},
    ),
    Kind("plan_published", {"plan": "id", "digest": "hash", "policy": "id?", "content": "object"}),
    Kind("plan_ended", {"plan": "id"}),
    Kind(
        "source_registered",
        {"source": "id", "kinds": "texts", "controllers": "object", "fresh_within": "text?"},
    ),
    # --- what other systems send by themselves
    Kind(
        "hook_opened",
        {"hook": "id", "source": "id", "scheme": "text", "key": "hash"},  # scheme: standard | github
        ("label", SECRET),
    ),
    Kind("hook_key_issued", {"hook": "id", "key": "hash", "old": "texts", "old_until": "instant"}, (SECRET,)),
    Kind("hook_ended", {"hook": "id", "reason_code": "text"}),
    Kind(
        "hook_received",
        {"hook": "id", "key": "hash", "delivery": "hash", "content": "hash", "signed_at": "instant?"},
        ("body", "headers"),
    ),
    Kind("source_key_trusted", {"source": "id", "key": "hash", "public": "text"}),  # base64url, 32 bytes
    Kind("source_key_ended", {"source": "id", "key": "hash", "reason_code": "text"}),
    Kind("assessor_named", {"course": "text", "member": "id", "ground": "text"}),
    Kind("assessor_ended", {"course": "text", "member": "id"}),
    Kind("account_linked", {"source": "id", "account": "hash", "member": "id"}, ("name",)),
    Kind("account_unlinked", {"source": "id", "account": "hash"}),
    Kind("records_imported", {"source": "id", "count": "int", "refused": "int", "root": "hash"}, ("file",)),
    Kind("signal_broken", {"playbook": "id", "subject_kind": "text", "reason_code": "text"}, ("detail",)),
    # --- cases
    Kind(
        "case_opened",
        {
            "origin": "text",  # signal | report | claim | schedule
            "playbook": "id?",
            "award_kind": "text?",  # what it may be recognised as; null: nothing
            "policy": "id?",
            "subject_kind": "text?",
            "fingerprint": "hash",  # HMAC under the vault key: groups repeats without naming the subject
            "groups": "texts",  # HMACs of subject, and of customer with playbook: what splitting and reopening look at
            "onset": "instant",
            "detected_at": "instant",
            "value": "money?",
            "records": "objects",  # [{"item": commitment hex}] of the record versions that made it true
        },
        ("subject", "facts", "note"),
    ),
    Kind("case_suppressed", {"reason_code": "text", "until": "instant?"}),
    Kind("owner_assigned", {"owner": "id", "reason_code": "text"}),
    Kind("acknowledged", {"until": "instant"}),
    Kind("escalated", {"to": "id", "reason_code": "text"}),
    Kind("note_added", {}, ("note",)),
    Kind(
        "proposal_made",
        {"proposal": "id", "digest": "hash", "action": "text", "value": "money?", "flags": "texts"},
        ("text",),
    ),
    Kind(
        "decision_made",
        {
            "decision": "id",
            "digest": "hash",  # of the canonical decision record, docs/spec/decision.md
            "about": "text",  # action | award
            "verb": "text",  # approved | declined
            "proposal": "id",
            "proposal_digest": "hash",
            "evidence": "ids",
            "verdict": "id?",
            "policy": "hash?",
            "authority": "id",
            "beneficiaries": "ids",
            "amount_tokens": "int?",
            "budget": "id?",  # about award: where the tokens come from
            "reason_code": "text?",
            "as_of": "object",  # {"size": int, "root": hex}
            "nonce": "text",
            "expires": "instant",
            "assurance": "text",
            "effects_at": "instant",  # until then, and until an effect has an entry, it may be withdrawn
        },
        ("reason", "message", "passkey"),
    ),
    Kind("decision_withdrawn", {"decision": "id", "about": "text"}),
    Kind("action_taken", {"proposal": "id", "decision": "id"}, ("note",)),
    Kind("work_reported", {"proposal": "id"}),
    Kind(
        "evidence_attached",
        {
            "evidence": "id",
            "type": "text",  # system_record | customer_confirmation | ...
            "grade": "text",  # E0..E4
            "submitter": "text",  # party: "member:<id>" | "customer:<id>" | "system"
            "controllers": "object",
            "received_at": "instant",
            "replaces": "id?",
        },
        ("facts", "content"),
    ),
    Kind("point_tapped", {"point": "id", "counter": "int"}),
    Kind("evidence_withdrawn", {"evidence": "id", "reason_code": "text"}),
    Kind("evidence_reviewed", {"evidence": "id", "result": "text", "reason_code": "text?"}),
    Kind(
        "link_issued",
        {
            "link": "id",
            "customer": "id",  # random id of the data subject
            "token_digest": "hash",
            "until": "instant",
            "handed_over_by": "id?",  # SETTLED 26: that person is a controller too
            "address_known_before": "bool",
        },
        ("address",),
    ),
    Kind("link_answered", {"link": "id", "answer": "text"}, ("note",)),
    Kind("link_expired", {"link": "id"}),
    Kind("outcome_recorded", {"resolution": "text", "impact": "text"}, ("note",)),
    Kind("case_cleared", {"records": "objects"}),
    Kind("case_expired", {"reason_code": "text"}),
    Kind("case_reopened", {"reason_code": "text"}),
    Kind("case_closed", {"reason_code": "text"}),
    # --- judging and awards
    Kind(
        "verdict_given",
        {
            "verdict": "id",
            "verifier": "text",
            "version": "int",
            "policy": "id",
            "policy_digest": "hash",
            "result": "text",  # pass | fail | insufficient | needs_human | error
            "evidence": "ids",
            "relied_on": "ids",
            "beneficiaries": "ids",
            "outcome_seq": "int",
            "shares": "objects",  # [{"member": id, "weight": int}]; empty unless pass
            "controllers": "object?",
            "k_evidence": "int?",
            "witnessing": "texts",
            "missing": "texts",
            "input_digest": "hash",
            "output_digest": "hash",
        },
        ("input", "output"),
    ),
    Kind(
        "award_granted",
        {
            "award": "id",
            "kind": "text",
            "decision": "id",
            "verdict": "id",
            "budget": "id?",  # null only for zero tokens
            "amount_tokens": "int",
            "shares": "objects",  # [{"member": id, "amount": int}] sorted by member
            "k": "int",
            "window_days": "int",
            "settle_not_before": "instant",
        },
        ("message",),
    ),
    Kind(
        "draw_made",
        {
            "award": "id",
            "size": "int",  # of the checkpoint whose root it was drawn from
            "root": "hash",
            "drawn_by": "text",
            "rate_permille": "int",
            "drawn": "bool",
        },
    ),
    Kind("award_held", {"award": "id", "reason_code": "text"}),
    Kind("award_released", {"award": "id", "reason_code": "text", "settle_not_before": "instant"}),
    Kind(
        "award_settled", {"award": "id", "shares": "objects"}
    ),  # [{"member", "to_settled": int, "to_owed": int}]
    Kind(
        "credential_issued",
        {
            "credential": "id",
            "award": "id",
            "member": "id",
            "issuer": "text",  # did:key of the key that signed it
            "list": "int",
            "index": "int",
        },
        ("credential",),
    ),
    Kind(
        "recall_answered",
        {
            "award": "id",
            "member": "id",
            "attempt": "int",  # 1, 2, ...
            "right": "int",
            "passed": "bool",
            "settle_not_before": "instant?",  # null: not passed, or the award is held
        },
        ("answers",),  # [index], in the order asked
    ),
    Kind("award_declined", {"award": "id", "budget": "id?", "shares": "objects", "reason_code": "text"}),
    Kind(  # shares: [{"member", "from_settled": int, "from_owed": int}]
        "award_revoked", {"award": "id", "budget": "id?", "shares": "objects", "cause": "text"}
    ),
    Kind(
        "award_disputed",
        {
            "dispute": "id",
            "award": "id?",  # null: a planned no, before there is an award
            "verdict": "id?",  # the case's latest
            "about": "text",  # question | decline | revoke
            "reason_code": "text",
            "members": "ids",  # who is asked, sorted
            "reply_until": "instant",
        },
        ("note",),
    ),
    Kind("dispute_answered", {"dispute": "id", "member": "id"}, ("reply",)),
    Kind(
        "dispute_closed",
        {"dispute": "id", "award": "id?", "reason_code": "text", "settle_not_before": "instant?"},
    ),
    Kind("award_escalated", {"to": "id", "rung": "int", "verdict": "id?", "dispute": "id?"}),
    Kind("budget_set", {"budget": "id", "amount_tokens": "int", "until": "instant?"}, ("purpose",)),
    Kind("budget_approved", {"budget": "id", "amount_tokens": "int"}),
)
