"""What the doors may ask of the desk: who asks, and one frozen record per use case. Data only; rules do the refusing.

Instants are RFC 3339 UTC with milliseconds, money is {"amount_minor": int, "currency": "EUR"}, ids are UUIDv7 text.
Texts that concern people (notes, reasons, names) are sealed into the vault by the desk; entries hold commitments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.changes import Change
from ledger.entries import SYSTEM

Money = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    """What somebody came in by: a session of the pages, a key, or the act that a PIN granted on a shared device."""

    table: str  # session | api_key | act
    id: str
    device: str | None = None  # of an act


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a member's (or a link's customer's) id, the role used, the door, how surely we know."""

    id: str
    role: str  # owner | manager | staff | auditor | outsider | agent | customer | system
    via: str  # http | cli | job | link | simulate | agent
    assurance: str  # passkey | session | key | pin | link
    way: Way | None = None
    """What it comes by: the writer looks once more whether that goes on."""


THE_SYSTEM = Principal(SYSTEM, SYSTEM, "job", "key")


@dataclass(frozen=True, slots=True)
class Private:
    """Sealed values on their way into entries: path -> commitment, path -> plain value, and the vault's rows."""

    commitments: Mapping[str, str] = field(default_factory=dict)
    opened: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule gets as `command.data`: the request, drawn ids, sealed values, and what the desk knew beforehand."""

    who: Principal
    request: Any
    ids: Mapping[str, str] = field(default_factory=dict)
    private: Private = field(default_factory=Private)
    known: Mapping[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------------------------------------- the case
@dataclass(frozen=True, slots=True)
class Suggestion:
    """A proposal made together with the opening: by the watch itself (maker `system`) or by the claimant."""

    action: str
    text: str
    value: Money | None = None
    flags: tuple[str, ...] = ()  # money | outbound | people | low_confidence


@dataclass(frozen=True, slots=True)
class OpenCase:
    """Something is outside the pattern. `fingerprint` parts group repeats; `concerns` are the data subjects."""

    origin: str  # signal | report | claim | schedule
    owner: str
    fingerprint: tuple[str, ...]
    onset: str
    detected_at: str
    playbook: str | None = None
    award_kind: str | None = None
    policy: str | None = None
    subject: Mapping[str, Any] | None = None  # {"kind": text, "id": text, "customer": text | null}
    facts: Mapping[str, Any] | None = None
    note: str | None = None
    value: Money | None = None
    records: tuple[str, ...] = ()  # commitments of the record versions that made it true
    concerns: tuple[str, ...] = ()
    suggestion: Suggestion | None = None
    shows: AttachEvidence | None = None  # its first item of evidence; the desk fills in the case


@dataclass(frozen=True, slots=True)
class AssignOwner:
    """Somebody else owns it now; before a proposal the case goes back to ASSIGNED, after it the case is escalated."""

    case: str
    owner: str
    reason_code: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The owner has seen it and says until when it will not be forgotten."""

    case: str
    until: str


@dataclass(frozen=True, slots=True)
class AddNote:
    """A remark on the case."""

    case: str
    note: str


@dataclass(frozen=True, slots=True)
class Propose:
    """What should be done. A later proposal replaces an earlier one."""

    case: str
    action: str
    text: str
    value: Money | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PasskeySigned:
    """An authenticator's answer to a prepared decision: `prepared` is the token of Desk.prepare, the rest base64url."""

    prepared: str
    credential_id: str
    client_data: str
    authenticator_data: str
    signature: str


@dataclass(frozen=True, slots=True)
class Decide:
    """A yes or a no to exactly what `token` was issued for (Desk.show). about=award, approved: who and how many."""

    token: str
    verb: str  # approved | declined
    beneficiaries: tuple[str, ...] = ()
    amount_tokens: int | None = None
    budget: str | None = None  # about=award with tokens: where they come from
    reason_code: str | None = None  # declining needs one of decisions.DECLINE_REASONS
    reason: str | None = None
    message: str | None = None  # about=award, approved: the thank-you sentence
    passkey: PasskeySigned | None = None  # the decision is signed (Desk.prepare)


@dataclass(frozen=True, slots=True)
class WithdrawDecision:
    """Undo, while the decision has no effect."""

    case: str
    decision: str


@dataclass(frozen=True, slots=True)
class TakeAction:
    """The approved proposal was carried out, by whoever asks."""

    case: str
    proposal: str
    note: str | None = None


# ---------------------------------------------------------------------------------------------- evidence and outcome
@dataclass(frozen=True, slots=True)
class AttachEvidence:
    """One item as a collector froze it. Doors call the collectors; nobody types a grade or controllers."""

    case: str
    type: str  # one of evidence.TYPES
    grade: str  # E0..E4
    submitter: str  # party
    controllers: Mapping[str, Any]  # formula, docs/spec/verdict.md
    received_at: str
    facts: Mapping[str, Any]
    content: bytes | None = None
    replaces: str | None = None
    concerns: tuple[str, ...] = ()
    once: tuple[
        bytes, ...
    ] = ()  # what may count once only here: file bytes, a record version's name, a nonce
    note: str | None = None  # the words of a statement: a note of the case, in the same command
    likeness: Mapping[str, Any] | None = None  # hashes of a photo, by which a later one is found alike


@dataclass(frozen=True, slots=True)
class ReportWork:
    """Work that a plan or a catalogue asks for: what shows it, in one command with saying that it was done.

    `text`: that it was done, in words (null: it was said before, and this only adds to it); `outcome`: nothing more is
    to come, it may be judged.
    """

    case: str
    items: tuple[AttachEvidence, ...]
    text: str | None
    outcome: bool


@dataclass(frozen=True, slots=True)
class WithdrawEvidence:
    """The submitter takes an item back. It stays visible as withdrawn."""

    case: str
    evidence: str
    reason_code: str


@dataclass(frozen=True, slots=True)
class ReviewEvidence:
    """Somebody other than the submitter looked at it."""

    case: str
    evidence: str
    result: str  # accepted | refused
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class IssueLink:
    """A one-time link by which the customer confirms. `handed_over`: staff sees the token and passes it on."""

    case: str
    customer: str
    until: str
    address: str | None = None
    handed_over: bool = True
    address_known_before: bool = False


@dataclass(frozen=True, slots=True)
class AnswerLink:
    """What the customer says; once."""

    token: str
    answer: str  # resolved | not_resolved
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ExpireLink:
    """A link's time is over: the system's job."""

    case: str
    link: str


@dataclass(frozen=True, slots=True)
class RecordOutcome:
    """What came of it."""

    case: str
    resolution: str  # fixed | accepted_risk | false_alarm | duplicate
    impact: str  # harm | none | unknown
    note: str | None = None


# ---------------------------------------------------------------------------------------------- judging and awards
@dataclass(frozen=True, slots=True)
class Judge:
    """Run the policy's verifier over what is on record now, for these beneficiaries.

    None: whoever took the action. The award decision may then name exactly the same people.
    """

    case: str
    beneficiaries: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """The effect of an award decision, after its undo time: made by the system's job."""

    case: str
    decision: str


@dataclass(frozen=True, slots=True)
class AwardStep:
    """Hold, release, settle, decline or revoke one award; `reason_code` says why (settling needs none)."""

    award: str
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """Ask whoever is recognised by a case, or was judged to be, about it: a question, or an end that is planned.

    about: question | decline | revoke; `reason_code` is that of the end, or of the question.
    """

    case: str
    about: str
    reason_code: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerDispute:
    """The reply of somebody who was asked, once and unchangeable. `member`: whom of the asked it is the reply of."""

    case: str
    dispute: str
    member: str
    reply: str


@dataclass(frozen=True, slots=True)
class CloseDispute:
    """Nothing is taken: the question is answered, or what was planned is dropped."""

    case: str
    dispute: str
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class EscalateAward:
    """The recognition of a case waits too long for a decision: somebody else is asked, by the system."""

    case: str


@dataclass(frozen=True, slots=True)
class DrawAward:
    """Whether an award is looked at again: by the root of a checkpoint that covers it (casework/draws.py)."""

    award: str
    size: int
    root: str


@dataclass(frozen=True, slots=True)
class AnswerRecall:
    """Answer the questions of a course (casework/recalls.py): indices, in the order they are asked."""

    award: str
    answers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CaseStep:
    """Clear, expire, reopen or close one case."""

    case: str
    reason_code: str | None = None
    records: tuple[str, ...] = ()  # clearing: commitments of the record versions that show it


# ---------------------------------------------------------------------------------------------- administration
@dataclass(frozen=True, slots=True)
class OpenLog:
    """The first command of a log: who it is, and its owner."""

    log_key: str
    simulated: bool
    owner_name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JoinMember:
    """A person joins; `same_as` names the account this one is a second account of."""

    name: str
    roles: tuple[str, ...]
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class MemberStep:
    """A member leaves, or gets or loses one role.

    `successor` takes over the open cases of whoever leaves; None: the owner who joined first.
    """

    member: str
    role: str | None = None
    reason_code: str | None = None
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class RegisterAgent:
    """A digital employee and its charter (casework/charters.py); it proposes, it never decides."""

    name: str
    charter: Mapping[str, Any]
    answers_to: str


@dataclass(frozen=True, slots=True)
class GrantAuthority:
    """Who may decide what, up to which amount, until when, how surely signed in."""

    member: str
    about: str  # action | award
    scope: tuple[str, ...] = ("*",)  # playbook ids (action), award kinds (award)
    amount_max: Money | None = None
    tokens_max: int | None = None
    until: str | None = None
    assurance_min: str = "key"
    second_person: bool = False


@dataclass(frozen=True, slots=True)
class EndAuthority:
    """An authority ends now."""

    member: str
    authority: str


@dataclass(frozen=True, slots=True)
class IssueApiKey:
    """A key for one member or agent. The secret is returned once and never stored; its SHA-256 is."""

    member: str
    secret_digest: str
    until: str | None = None


@dataclass(frozen=True, slots=True)
class EndApiKey:
    """A key stops working now."""

    key: str


@dataclass(frozen=True, slots=True)
class EnrolPasskey:
    """A passkey of whoever asks, its attestation checked by the door. `credential` and `spki` are base64url."""

    credential: str
    spki: str
    alg: int  # COSE number
    rp_id: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PasskeyStep:
    """A second person confirms a passkey, or it ends; ending needs one of passkey_rules.END_REASONS."""

    passkey: str
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class SetBudget:
    """One person names a budget; it holds nothing before another approves it."""

    amount_tokens: int
    purpose: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class ApproveBudget:
    """The second person: issues the tokens into the budget."""

    budget: str
    amount_tokens: int


@dataclass(frozen=True, slots=True)
class PublishKinds:
    """The typed kinds of records this organisation knows."""

    digest: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PublishPlaybook:
    """One playbook file, content-hashed."""

    playbook: str
    digest: str
    kinds: str
    mode: str
    policy: str | None
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChangeMode:
    """draft | shadow | live | retired."""

    playbook: str
    mode: str


@dataclass(frozen=True, slots=True)
class WritePurpose:
    """What a watch on a person is for; before it runs."""

    playbook: str
    purpose: str


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """A verifier's policy; a changed one has another digest and is never retroactive."""

    policy: str
    verifier: str
    version: int
    digest: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LinkAccount:
    """Whom a source means by one of its accounts; `account` is the HMAC of its name. None: nobody any more."""

    source: str
    account: str
    member: str | None


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """Work that is due at set times (casework/plans.py); a changed one has another digest."""

    plan: str
    digest: str
    policy: str | None
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EndPlan:
    """A plan asks for nothing more."""

    plan: str


@dataclass(frozen=True, slots=True)
class RegisterSource:
    """Where records come from, and who could have made them."""

    source: str
    kinds: tuple[str, ...]
    controllers: Mapping[str, Any]
    fresh_within: str | None = None


@dataclass(frozen=True, slots=True)
class RunJob:
    """Work that was given up is to be done again."""

    job: str


@dataclass(frozen=True, slots=True)
class ConfirmClock:
    """A person says that the time shown is right, after a step that stopped the log."""


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """Settings by name; casework/presets.yaml lists them with units."""

    settings: Mapping[str, Any]
