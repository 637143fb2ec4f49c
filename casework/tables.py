"""The desk's tables: read models of the log, all of them derived (`rebuild` makes them again).

Only Text, BigInteger and LargeBinary, so that both databases hold the same values; JSON is canonical text, flags are
0 or 1. An award row cannot exist without its approved award decision and its passing verdict: the constant columns
and the two composite foreign keys make both databases refuse it, whatever the code above does.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    UniqueConstraint,
)

from casework.absence_tables import announcing as announcing
from casework.absence_tables import assignment as assignment
from casework.absence_tables import delegation as delegation
from casework.absence_tables import look as look
from casework.anchor_tables import anchor as anchor
from casework.anchor_tables import anchored as anchored
from casework.hook_tables import hook as hook
from casework.hook_tables import hook_key as hook_key
from casework.hook_tables import hook_seen as hook_seen
from casework.hook_tables import source_key as source_key
from casework.point_tables import point as point
from casework.point_tables import presence as presence
from ledger.store.tables import VAULT, metadata


def _text(name: str, null: bool = False) -> Column[Any]:
    return Column(name, Text, nullable=null)


def _int(name: str, null: bool = False) -> Column[Any]:
    return Column(name, BigInteger, nullable=null)


def _key(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, primary_key=True) for name in ("log", *names)]


# ------------------------------------------------------------------------------------------ people and powers
member = Table(
    "member",
    metadata,
    *_key("member"),
    _text("roles"),  # canonical JSON list of text
    _text("same_as", null=True),  # the account this is a second account of
    _int("active"),
    _text("charter", null=True),  # agents only: canonical JSON {may_propose, may_read}
    _text("responsibility_item", null=True),  # agents only: commitment
    _text("answers_to", null=True),  # agents only
    _int("seq"),
)
member_name = Table("member_name", metadata, *_key("member"), _text("name"))
authority = Table(
    "authority",
    metadata,
    *_key("member", "authority"),
    _text("about"),  # action | award
    _text("scope"),  # canonical JSON list of text, "*" is everything
    _text("amount_max", null=True),  # canonical JSON money
    _int("tokens_max", null=True),
    _text("until", null=True),
    _text("assurance_min"),
    _int("second_person"),
    _int("active"),
    _text("granted_by"),
    _text("since", null=True),  # the rest: of a stand-in only, null where it is the holder's own
    _text("delegation", null=True),
    _text("giver", null=True),  # the account it was lent by
    _text("giver_person", null=True),  # the first account of that person
    _text("delegated_from", null=True),  # the giver's authority
    _int("seq"),
)
api_key = Table(
    "api_key",
    metadata,
    *_key("key"),
    _text("member"),
    _text("secret_digest"),
    _text("until", null=True),
    _int("active"),
    _text("issued_by"),
    _int("seq"),
    Index(None, "secret_digest", unique=True),
)
invite = Table(
    "invite",
    metadata,
    *_key("member", "invite"),
    _text("token_digest"),
    _text("until"),
    _text("how"),  # link | slip | first_run | recovery
    _text("state"),  # issued | used | ended
    _text("issued_by"),
    _text("issued_at"),
    _int("seq"),
    Index(None, "token_digest", unique=True),
)
device = Table(
    "device",
    metadata,
    *_key("device"),
    _text("secret_digest"),
    _text("until", null=True),
    _text("label_item", null=True),
    _int("active"),
    _text("shared_by"),
    _int("seq"),
    Index(None, "secret_digest", unique=True),
)
passkey = Table(
    "passkey",
    metadata,
    *_key("passkey"),
    _text("member"),
    _text("credential"),  # base64url
    _text("spki"),  # base64url of DER
    _int("alg"),  # COSE number
    _text("rp_id"),
    _text("origins"),  # canonical JSON list of text
    _text("state"),  # waiting | confirmed | ended
    _text("enrolled_at"),
    _text("confirmed_by", null=True),
    _text("reason_code", null=True),  # of its end
    _int("seq"),
    Index(None, "credential"),
)
setting = Table("setting", metadata, *_key("name"), _text("value"), _int("seq"))  # value: canonical JSON

# ------------------------------------------------------------------------------------------ what is published
kind_set = Table("kind_set", metadata, *_key("digest"), _text("content"), _int("seq"))
playbook = Table(
    "playbook",
    metadata,
    *_key("playbook"),
    _text("digest"),
    _text("kinds"),
    _text("mode"),
    _text("policy", null=True),
    _text("content"),
    _int("seq"),
)
watch_purpose = Table(
    "watch_purpose",
    metadata,
    *_key("playbook"),
    _text("purpose"),
    _text("item", null=True),  # commitment: the vault holds the words
    _text("written_by"),
    _text("at"),
    _int("seq"),
)
"""What a watch on a person is for, while it may run."""
policy = Table(
    "policy",
    metadata,
    *_key("policy"),
    _text("verifier"),
    _int("version"),
    _text("digest"),
    _text("content"),
    _int("seq"),
)
policy_content = Table(
    "policy_content", metadata, *_key("digest"), _text("content"), _int("seq")
)  # every version
assessor = Table(
    "assessor",
    metadata,
    *_key("course", "member"),
    _text("ground"),
    _text("named_by"),
    _text("at"),
    _int("seq"),
)
"""Who may say of somebody that they can do what a course teaches, while they are named."""
account_link = Table(
    "account_link",
    metadata,
    *_key("source", "account"),
    _text("member"),
    _text("item"),  # the sealed name
    _text("linked_by"),
    _int("seq"),
)
"""Whom a source means by one of its names for people; `account` is an HMAC of the name."""
plan = Table(
    "plan",
    metadata,
    *_key("plan"),
    _text("digest"),
    _text("policy", null=True),
    _text("content"),
    _text("since"),  # nothing is due before it
    _int("active"),
    _int("seq"),
)
source = Table(
    "source",
    metadata,
    *_key("source"),
    _text("kinds"),
    _text("controllers"),
    _text("fresh_within", null=True),
    _int("seq"),
)

# ------------------------------------------------------------------------------------------ cases
case_file = Table(
    "case_file",
    metadata,
    *_key("case"),
    _text("origin"),
    _text("playbook", null=True),
    _text("award_kind", null=True),
    _text("policy", null=True),
    _text("subject_kind", null=True),
    _text("fingerprint"),
    _text("groups"),
    _text("onset"),
    _text("detected_at"),
    _text("value", null=True),
    _text("records"),
    _text("state"),
    _text("owner", null=True),
    _text("ack_until", null=True),
    _text("opened_by"),
    _text("opened_at"),
    _int("opened_seq"),
    _text("subject_item", null=True),  # commitments: the vault holds the values
    _text("facts_item", null=True),
    _text("note_item", null=True),
    _text("proposal", null=True),  # the latest
    _text("action_by", null=True),
    _text("action_at", null=True),
    _int("action_seq", null=True),
    _text("resolution", null=True),
    _text("impact", null=True),
    _text("outcome_by", null=True),
    _text("outcome_at", null=True),
    _int("outcome_seq", null=True),
    _text("verdict", null=True),  # the latest
    _text("award", null=True),  # the live one; null again after it was declined or revoked
    _text("reason_code", null=True),  # of the last suppression, expiry, reopening or closing
    _text("dispute", null=True),  # the open one
    _text("undecided_since", null=True),  # a passing verdict waits for a yes or a no since then
    _text("asked_to", null=True),  # who was asked last to decide about the recognition, by time alone
    _int("asked_rung"),  # 0: nobody yet, 1: a second approver, 2: an owner
    _int("changed_seq"),  # the last entry of this case: the ETag of the doors
    Index(None, "log", "state"),
    Index(None, "log", "owner"),
)
fingerprint = Table("fingerprint", metadata, *_key("fingerprint", "case"), _int("seq"))
case_group = Table("case_group", metadata, *_key("group", "case"), _int("seq"))
case_reopening = Table("case_reopening", metadata, *_key("case", "entry"), _text("at"))  # entry: seq as text
likeness = Table(
    "likeness",
    metadata,
    *_key("evidence"),
    _text("case"),
    _text("at"),
    _text("hashes"),  # canonical JSON of api.likeness.Likeness.to_json
    Index(None, "log", "at"),
    info=VAULT,
)
"""Hashes of photos that were shown, by which the same picture is known again; no entry implies them."""
proposal = Table(
    "proposal",
    metadata,
    *_key("case", "proposal"),
    _text("digest"),
    _text("action"),
    _text("value", null=True),
    _text("flags"),
    _text("maker"),
    _text("made_at"),
    _text("text_item", null=True),
    _int("seq"),
)
evidence = Table(
    "evidence",
    metadata,
    *_key("case", "evidence"),
    _text("type"),
    _text("grade"),
    _text("submitter"),  # party
    _text("attached_by"),
    _text("via"),  # the door; `device`: a shared one
    _text("attached_at"),
    _text("controllers"),
    _text("received_at"),
    _text("replaces", null=True),
    _int("withdrawn"),
    _text("review", null=True),  # accepted | refused
    _text("reviewer", null=True),
    _text("review_reason", null=True),
    _int("review_seq", null=True),
    _text("facts_item", null=True),
    _text("content_item", null=True),
    _int("seq"),
)
decision = Table(
    "decision",
    metadata,
    *_key("case", "decision"),
    _text("digest"),
    _text("about"),
    _text("verb"),
    _text("proposal"),
    _text("proposal_digest"),
    _text("evidence"),
    _text("verdict", null=True),
    _text("policy", null=True),
    _text("authority"),
    _text("beneficiaries"),
    _int("amount_tokens", null=True),
    _text("budget", null=True),
    _text("reason_code", null=True),
    _text("reason_item", null=True),
    _text("message_item", null=True),
    _text("as_of"),
    _text("nonce"),
    _text("expires"),
    _text("assurance"),
    _text("effects_at"),
    _text("decider"),
    _text("decided_at"),
    _int("withdrawn"),
    _int("effect_seq", null=True),
    _int("seq"),
    UniqueConstraint("log", "decision", "case", "about", "verb", "verdict", name="uq_decision_for_award"),
)
decision_nonce = Table("decision_nonce", metadata, *_key("nonce"), _text("case"), _text("decision"))
link = Table(
    "link",
    metadata,
    *_key("link"),
    _text("case"),
    _text("customer"),
    _text("token_digest"),
    _text("until"),
    _text("handed_over_by", null=True),
    _int("address_known_before"),
    _text("state"),  # issued | answered | expired
    _text("answer", null=True),
    _text("address_item", null=True),
    _text("issued_by"),
    _text("issued_at"),
    _int("seq"),
    Index(None, "token_digest", unique=True),
    Index(None, "log", "case"),
)

# ------------------------------------------------------------------------------------------ judging and awards
verdict = Table(
    "verdict",
    metadata,
    *_key("case", "verdict"),
    _text("verifier"),
    _int("version"),
    _text("policy"),
    _text("policy_digest"),
    _text("result"),
    _text("evidence"),
    _text("relied_on"),
    _text("beneficiaries"),
    _int("outcome_seq"),
    _text("shares"),
    _text("controllers", null=True),
    _int("k_evidence", null=True),
    _text("witnessing"),
    _text("missing"),
    _text("input_digest"),
    _text("output_digest"),
    _text("input_item", null=True),
    _text("output_item", null=True),
    _text("given_at"),
    _int("seq"),
    UniqueConstraint("log", "verdict", "case", "result", name="uq_verdict_for_award"),
)
# Tokens that an approved award decision waits for: they still lie in the budget, and are spoken for.
promise = Table("promise", metadata, *_key("case"), _text("budget"), _int("amount_tokens"))
award = Table(
    "award",
    metadata,
    *_key("award"),
    _text("case"),
    _text("kind"),
    _text("decision"),
    _text("decision_about"),
    _text("decision_verb"),
    _text("verdict"),
    _text("verdict_result"),
    _text("budget", null=True),
    _int("amount_tokens"),
    _int("k"),
    _int("window_days"),
    _text("settle_not_before"),
    _text("granted_at"),
    _text("message_item", null=True),
    _text("state"),  # provisional | settled | declined | revoked
    _text("held_by", null=True),
    _text("hold_reason", null=True),
    _text("ended_reason", null=True),
    _text("settled_at", null=True),
    _int("settled_seq", null=True),
    _int("drawn", null=True),  # 1: a draw said that it is looked at again, 0: that it is not
    _int("seq"),
    CheckConstraint("decision_about = 'award'", name="decision_about"),
    CheckConstraint("decision_verb = 'approved'", name="decision_verb"),
    CheckConstraint("verdict_result = 'pass'", name="verdict_result"),
    CheckConstraint("amount_tokens = 0 OR budget IS NOT NULL", name="budget"),
    ForeignKeyConstraint(
        ["log", "decision", "case", "decision_about", "decision_verb", "verdict"],
        [f"decision.{name}" for name in ("log", "decision", "case", "about", "verb", "verdict")],
        name="fk_award_decision",
    ),
    ForeignKeyConstraint(
        ["log", "verdict", "case", "verdict_result"],
        [f"verdict.{name}" for name in ("log", "verdict", "case", "result")],
        name="fk_award_verdict",
    ),
    UniqueConstraint("log", "decision", name="uq_award_decision"),
)
award_share = Table(
    "award_share",
    metadata,
    *_key("award", "member"),
    _int("amount"),
    ForeignKeyConstraint(["log", "award"], ["award.log", "award.award"], name="fk_award_share_award"),
    Index(None, "log", "member"),
)
recognised = Table(
    "recognised", metadata, *_key("member", "award"), _text("kind"), _text("granted_at"), _int("amount")
)
"""What somebody got, while it is waiting or settled: what a cap counts."""
recall = Table(
    "recall",
    metadata,
    *_key("award", "member"),
    _int("attempt"),
    _int("right"),
    _int("passed"),
    _text("answered_at"),
    _int("seq"),
)
"""The last attempt of somebody at the questions of a course."""
dispute = Table(
    "dispute",
    metadata,
    *_key("case", "dispute"),
    _text("award", null=True),
    _text("verdict", null=True),
    _text("about"),  # question | decline | revoke
    _text("reason_code"),
    _text("members"),  # canonical JSON list: who is asked
    _text("reply_until"),
    _text("asked_by"),
    _text("asked_at"),
    _text("note_item", null=True),
    _int("dropped"),
    _text("close_reason", null=True),
    _int("seq"),
)
"""Open is the one that the case names. `dropped`: closed by somebody, so that no end rests on it."""
dispute_answer = Table(
    "dispute_answer",
    metadata,
    *_key("case", "dispute", "member"),
    _text("reply_item", null=True),
    _text("at"),
    _int("seq"),
)
asked_by = Table(
    "asked_by", metadata, *_key("member", "dispute"), _text("case"), _text("about"), _text("at"), _int("seq")
)
"""What each account asked: bounded, so that nobody is harassed by questions."""
credential = Table(
    "credential",
    metadata,
    *_key("award", "member"),
    _text("credential"),
    _text("issuer"),
    _int("list"),
    _int("index"),
    _text("item"),  # commitment: the vault holds the signed document
    _text("issued_at"),
    _int("seq"),
    ForeignKeyConstraint(["log", "award"], ["award.log", "award.award"], name="fk_credential_award"),
)
credential_slot = Table("credential_slot", metadata, *_key("slot"), _text("credential"))
"""Bits of status lists that are taken: `list/index`."""
budget = Table(
    "budget",
    metadata,
    *_key("budget"),
    _int("amount_tokens"),
    _text("until", null=True),
    _text("set_by"),
    _text("approved_by", null=True),
    _text("purpose_item", null=True),
    _int("seq"),
)
