"""What can go wrong at the desk.

Refused (ledger.errors)         this command fails, nothing was written; `code` is one of REFUSALS
CaseworkError                   root of this package's own errors
|-- TokenInvalid                a decision token or link token that this log never issued; the door answers 403
|-- WayInEnded                  the session, key or act that this came by ended meanwhile; the door answers 401
|-- MailFault                   why a mail does not count (mail_reasons.py); its collector refuses with it
|-- StampFault                  why a time stamp does not count (time_tokens.py); its collector refuses with it
|-- PresetInvalid               presets.yaml is not what it should be; start-up stops
`-- Unjudgeable                 a verdict cannot be computed (erased or damaged private values); a person must look
"""

from __future__ import annotations

from ledger.errors import Refused

REFUSALS: dict[str, str] = {
    # the case
    "unknown": "there is no such thing in this organisation",
    "transition": "this step is not possible in the state the case is in",
    "stale": "what this request was based on has changed since; look again",
    "already_open": "a case for the same thing is open already",
    "owner_unknown": "the owner is not an active person of this organisation",
    "not_owner": "only the case's owner may do this",
    "reason_missing": "a coded reason is needed here",
    "reason_unknown": "the reason code is not one of the list",
    "value_invalid": "a value is outside what this field takes",
    "purpose_missing": "a watch on a person needs a purpose that an owner wrote before",
    # who
    "member_inactive": "the acting account is not an active member",
    "role_missing": "the role used is not one this member holds",
    "agent_may_not": "a digital employee suggests; it never decides, reviews, grants or administers",
    "not_in_charter": "the charter of this digital employee does not name this",
    "decider_is_maker": "the maker of a proposal does not decide on it",
    "decider_is_submitter": "a submitter of evidence relied on does not decide on it",
    "decider_is_beneficiary": "nobody decides on their own recognition",
    "reviewer_is_submitter": "the submitter of evidence does not review it",
    "reviewer_is_beneficiary": "who is proposed to be recognised does not review the evidence",
    "giver_involved": "a stand-in does not decide what whoever is away may not decide",
    "stand_in_invalid": "the stand-in is not another active person of this organisation",
    "already_away": "somebody stands in at that time already",
    "delegation_chained": "a power that was lent is not lent on",
    "successor_invalid": "the successor is not another active person of this organisation",
    "too_many_cases": "too many open cases to hand over at once; give some to somebody else first",
    "no_authority": "no authority in force covers this",
    "assurance_too_low": "the authority asks for a stronger sign-in",
    "second_person_needed": "a second, different person has to do this",
    "one_account": "with one account only, tokens stay off: nobody mints alone",
    # joining
    "invite_closed": "this invite was used, ended or replaced, has expired or is unknown",
    "name_taken": "somebody else here signs in under this name",
    "device_ended": "this device is not, or no longer, a shared one",
    "own_device_needed": "this is not done on a shared device",
    "session_needed": "this is not done with an API key",
    # evidence
    "note_not_shown": "the note was not shown to whoever reads it back, by this token",
    "not_assessor": "only somebody whom an owner named for this course says what they saw of it",
    "evidence_missing": "required evidence is missing, under its grade or not accepted",
    "evidence_reused": "this evidence was used before",
    "evidence_closed": "this evidence was withdrawn, replaced or reviewed already",
    "mail_unsigned": "the mail carries no signature that counts",
    "time_stamp_invalid": "the time stamp does not hold for this evidence",
    "link_closed": "this link was answered, has expired or is unknown",
    "point_unknown": "there is no such check-in point in use",
    "tap_invalid": "the tap or code is not one of this check-in point",
    "tap_replayed": "this tap of the tag, or a later one, was used before",
    "code_expired": "this came too late to show that somebody was there",
    "file_unsigned": "the file is not signed by a key that is trusted for this source",
    # what other systems send
    "hook_key_ended": "the key that signed this is good no more",
    "hook_clock": "the sender's clock is too far from this server's, or this was signed long ago",
    "delivery_repeated": "this came before",
    "delivery_changed": "under this id something else came before",
    # anchors
    "anchor_known": "there is an anchor at this place, or of this id, already",
    "anchor_over": "this anchor was superseded or closed",
    "anchor_not_newer": "a checkpoint of this size, or a larger one, is anchored here already",
    # decisions
    "nonce_replayed": "this decision was already used once",
    "expired": "this was valid until an earlier instant",
    "decision_withdrawn": "the decision was withdrawn",
    "decision_has_effect": "the decision has taken effect and cannot be withdrawn",
    "not_decided": "there is no approved decision to act on",
    "already_acted": "what was approved was done already, by whoever the record names",
    # passkeys
    "passkey_invalid": "the signature is not one by a confirmed passkey of whoever decides, over this decision",
    "passkey_missing": "whoever decides holds no passkey that a second person confirmed",
    "passkey_known": "this passkey is enrolled already",
    "passkey_state": "the passkey is not in a state that allows this",
    # verdicts and awards
    "verdict_not_pass": "only a passing verdict can be recognised",
    "verdict_outdated": "the verdict does not rest on the present evidence, outcome and policy",
    "no_policy": "the case names no policy, so nothing can be judged or recognised",
    "beneficiary_invalid": "a beneficiary is unknown, inactive, an agent or named twice",
    "reciprocal": "whoever is to be recognised recognised the approver for the same kind of thing a short while ago",
    "forgery_number_low": "too few independent parties stand behind this",
    "budget_missing": "tokens need a budget approved by two people",
    "budget_short": "the budget does not hold that many tokens, beside those that wait for others",
    "already_awarded": "the case is recognised already",
    "recall_awaited": "the questions of the course are not answered yet",
    "recall_not_asked": "this recognition waits for no questions",
    "recall_answered": "the questions were answered already",
    "not_beneficiary": "only whoever is recognised may do this",
    "too_early": "the window is still open",
    "held": "a hold or a question is open",
    "award_state": "the award is not in a state that allows this",
    "undecided": "the recognition waits for a yes or a no; that comes first",
    "not_asked_first": "whoever is recognised is asked about this before it is decided",
    "reply_awaited": "whoever is recognised has not answered yet, and still has time",
    "dispute_open": "a question about this is open already",
    "dispute_over": "this question is not open, or not open any more",
    "asked_before": "the same person asked this before",
    "too_many_questions": "nobody asks more than a few questions a day",
    "not_asked": "only whoever is asked answers, for themselves",
    "answered_before": "this was answered already, and an answer is not changed",
}
"""Every refusal code this package uses, with the sentence the doors translate."""


class CaseworkError(Exception):
    """Root of this package's own errors."""


class TokenInvalid(CaseworkError):
    """A decision or link token that this log never issued, or that was changed."""


class WayInEnded(CaseworkError):
    """The session, key or act that a request came by ended while it was under way. Nothing was written; whoever asked
    signs in again."""


class PresetInvalid(CaseworkError):
    """presets.yaml is not what it should be."""


class Unjudgeable(CaseworkError):
    """The verifier's input cannot be built: a private value is erased or damaged."""


def refuse(code: str, detail: str, field: str | None = None) -> Refused:
    """Return the refusal to raise; a code outside REFUSALS is our own mistake and a KeyError."""
    REFUSALS[code]
    return Refused(code, detail, field)
