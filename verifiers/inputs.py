"""What a verifier reads: the verdict input as typed, frozen data (docs/spec/verdict.md, "Input, version 1").

Instants become milliseconds since 1970. Evidence, people and prior rows are sorted here, so that the order in which
they were written down can change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from verifiers.controllers import persons
from verifiers.errors import InputInvalid
from verifiers.items import Item, read_item
from verifiers.known import Known, Scalar, read_fields
from verifiers.policy import Policy, read_policy
from verifiers.reading import Reader

INPUT_VERSIONS = (1, 2)
"""2 adds what a routine case was opened for, earlier cases of the same thing, and who was recognised before."""
INPUT_SIZE_MAX_BYTES = 262_144
EVIDENCE_MAX = 32
PEOPLE_MAX = 200
ROLES_MAX = 20
BENEFICIARIES_MAX = 20
PRIOR_MAX = 200
EARLIER_MAX = 10
EXPECTED_MAX = 32

ORIGINS = ("signal", "report", "claim", "schedule")
RESOLUTIONS = ("fixed", "accepted_risk", "false_alarm", "duplicate")
AWARD_STATES = ("provisional", "settled", "declined", "revoked")


@dataclass(frozen=True, slots=True)
class Subject:
    """What the case is about; `customer` is the data subject behind it, where there is one."""

    kind: str
    id: str
    customer: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    id: str
    digest: str
    maker: str
    seq: int


@dataclass(frozen=True, slots=True)
class ActionDecision:
    seq: int
    at_ms: int
    approver: str
    verb: str
    proposal_digest: str


@dataclass(frozen=True, slots=True)
class ActionTaken:
    seq: int
    at_ms: int
    by: str


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """The case as the log shows it at `as_of`; proposal, decision and action are the last ones."""

    origin: str
    onset_ms: int
    opened_at_ms: int
    opened_seq: int
    opened_by: str
    subject: Subject
    playbook: str | None
    owner: str | None
    proposal: Proposal | None
    action_decision: ActionDecision | None
    action_taken: ActionTaken | None
    expected: Mapping[str, Scalar] = field(default_factory=dict)
    """What the case was opened for, as it stood then (input version 2): of a plan, the place, when it is due ..."""


@dataclass(frozen=True, slots=True)
class OutcomeFacts:
    resolution: str
    recorded_at_ms: int


@dataclass(frozen=True, slots=True)
class PriorAward:
    case: str
    kind: str
    playbook: str | None
    subject: Subject
    state: str
    at_ms: int
    beneficiaries: tuple[str, ...] = ()  # input version 2


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier case of the same subject and what its evidence said (input version 2), the latest first."""

    case: str
    opened_at_ms: int
    evidence: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Reopening:
    """This case reopened, or a later case of the same subject, or of the same customer and playbook."""

    case: str
    playbook: str | None
    subject: Subject
    at_ms: int


@dataclass(frozen=True, slots=True)
class VerdictInput:
    """Everything that exists for a verifier. `person` maps an id to the one person behind it."""

    case: str
    policy: Policy
    facts: CaseFacts
    outcome: OutcomeFacts
    evidence: tuple[Item, ...]
    beneficiaries: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]
    same_as: Mapping[str, str | None]
    person: Mapping[str, str]
    awards: tuple[PriorAward, ...]
    reopened: tuple[Reopening, ...]
    earlier: tuple[Earlier, ...] = ()

    def same(self, left: str, right: str | None) -> bool:
        """Say whether two ids are one person; nobody is the same as None."""
        return right is not None and self.person.get(left, left) == self.person.get(right, right)


def read_input(value: Any, version: int = 1) -> VerdictInput:
    """Read a decoded verdict input of one version strictly.

    Raises:
        InputInvalid: any other shape, an unknown type, an id that is not in `people`, a seq at or past `as_of`.
        PolicyInvalid: the policy's content is none, or its digest another.
    """
    root = Reader(value, "input", InputInvalid).members(
        "v",
        "log",
        "case",
        "as_of",
        "policy",
        "facts",
        "outcome",
        "evidence",
        "beneficiaries",
        "people",
        "prior",
    )
    root["v"].integer(version, version)
    root["log"].id()
    as_of = root["as_of"].members("size", "root")
    size = as_of["size"].integer(1)
    as_of["root"].digest()
    roles, same_as = _people(root["people"])
    known = Known(size, frozenset(roles))
    newer = version > 1
    prior = root["prior"].members("awards", "reopened", *(("earlier",) if newer else ()))
    evidence = [read_item(at, known) for at in root["evidence"].items(EVIDENCE_MAX)]
    if len({item.id for item in evidence}) != len(evidence):
        raise root["evidence"].refuse("evidence ids that differ")
    beneficiaries = [known.member(at) for at in root["beneficiaries"].items(BENEFICIARIES_MAX)]
    if len(set(beneficiaries)) != len(beneficiaries):
        raise root["beneficiaries"].refuse("beneficiaries that differ")
    return VerdictInput(
        case=root["case"].id(),
        policy=_policy(root["policy"]),
        facts=_facts(root["facts"], known, newer),
        outcome=_outcome(root["outcome"], known),
        evidence=tuple(sorted(evidence, key=lambda item: (item.seq, item.id))),
        beneficiaries=tuple(sorted(beneficiaries)),
        roles=roles,
        same_as=same_as,
        person=persons(same_as),
        awards=tuple(_award(at, known, newer) for at in prior["awards"].items(PRIOR_MAX)),
        reopened=tuple(_reopening(at) for at in prior["reopened"].items(PRIOR_MAX)),
        earlier=_earlier(prior["earlier"], known) if newer else (),
    )


def _people(at: Reader) -> tuple[dict[str, tuple[str, ...]], dict[str, str | None]]:
    roles: dict[str, tuple[str, ...]] = {}
    same_as: dict[str, str | None] = {}
    for name, person in at.entries(PEOPLE_MAX):
        member = person.members("roles", "same_as")
        roles[name] = tuple(sorted(role.id() for role in member["roles"].items(ROLES_MAX)))
        same_as[name] = member["same_as"].maybe(Reader.id)
    return roles, same_as


def _policy(at: Reader) -> Policy:
    member = at.members("digest", "content")
    policy = read_policy(member["content"].value)
    if member["digest"].digest() != policy.digest:
        raise member["digest"].refuse(f"the digest of the content, {policy.digest}")
    return policy


def _subject(at: Reader) -> Subject:
    member = at.members("kind", "id", "customer")
    return Subject(member["kind"].id(), member["id"].id(), member["customer"].maybe(Reader.id))


def _facts(at: Reader, known: Known, newer: bool) -> CaseFacts:
    member = at.members(
        "origin",
        "onset",
        "opened_at",
        "opened_seq",
        "opened_by",
        "subject",
        "playbook",
        "owner",
        "proposal",
        "action_decision",
        "action_taken",
        *(("expected",) if newer else ()),
    )
    return CaseFacts(
        origin=member["origin"].one_of(ORIGINS),
        onset_ms=member["onset"].instant(),
        opened_at_ms=member["opened_at"].instant(),
        opened_seq=known.seq(member["opened_seq"]),
        opened_by=known.actor(member["opened_by"]),
        subject=_subject(member["subject"]),
        playbook=member["playbook"].maybe(_playbook),
        owner=member["owner"].maybe(known.member),
        proposal=member["proposal"].maybe(lambda one: _proposal(one, known)),
        action_decision=member["action_decision"].maybe(lambda one: _decision(one, known)),
        action_taken=member["action_taken"].maybe(lambda one: _action(one, known)),
        expected=read_fields(member["expected"], EXPECTED_MAX) if newer else {},
    )


def _playbook(at: Reader) -> str:
    member = at.members("id", "digest")
    member["digest"].digest()
    return member["id"].id()


def _proposal(at: Reader, known: Known) -> Proposal:
    member = at.members("id", "digest", "maker", "seq")
    return Proposal(
        member["id"].id(), member["digest"].digest(), known.actor(member["maker"]), known.seq(member["seq"])
    )


def _decision(at: Reader, known: Known) -> ActionDecision:
    member = at.members("seq", "at", "approver", "verb", "proposal_digest")
    return ActionDecision(
        known.seq(member["seq"]),
        member["at"].instant(),
        known.member(member["approver"]),
        member["verb"].one_of(("approved", "declined")),
        member["proposal_digest"].digest(),
    )


def _action(at: Reader, known: Known) -> ActionTaken:
    member = at.members("seq", "at", "by")
    return ActionTaken(known.seq(member["seq"]), member["at"].instant(), known.member(member["by"]))


def _outcome(at: Reader, known: Known) -> OutcomeFacts:
    member = at.members("resolution", "seq", "recorded_at", "recorded_by")
    known.seq(member["seq"])
    known.actor(member["recorded_by"])
    return OutcomeFacts(member["resolution"].one_of(RESOLUTIONS), member["recorded_at"].instant())


def _award(at: Reader, known: Known, newer: bool) -> PriorAward:
    names = ("award", "case", "kind", "playbook", "subject", "state", "at")
    member = at.members(*names, "beneficiaries") if newer else at.members(*names)
    member["award"].id()
    people = member["beneficiaries"].items(BENEFICIARIES_MAX) if newer else []
    return PriorAward(
        member["case"].id(),
        member["kind"].id(),
        member["playbook"].maybe(Reader.id),
        _subject(member["subject"]),
        member["state"].one_of(AWARD_STATES),
        member["at"].instant(),
        tuple(sorted(known.member(one) for one in people)),
    )


def _earlier(at: Reader, known: Known) -> tuple[Earlier, ...]:
    found = []
    for one in at.items(EARLIER_MAX):
        member = one.members("case", "opened_at", "evidence")
        items = tuple(read_item(item, known) for item in member["evidence"].items(EVIDENCE_MAX))
        found.append(Earlier(member["case"].id(), member["opened_at"].instant(), items))
    return tuple(sorted(found, key=lambda one: (-one.opened_at_ms, one.case)))


def _reopening(at: Reader) -> Reopening:
    member = at.members("case", "playbook", "subject", "at")
    return Reopening(
        member["case"].id(),
        member["playbook"].maybe(Reader.id),
        _subject(member["subject"]),
        member["at"].instant(),
    )
