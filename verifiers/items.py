"""One piece of evidence as a verifier reads it: grade, submitter, controllers, review, and typed facts.

Facts by type: docs/spec/verdict.md. A new type is a new class here and a new verifier version that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifiers.controllers import Formula
from verifiers.known import SYSTEM as SYSTEM
from verifiers.known import Known as Known
from verifiers.known import Scalar as Scalar
from verifiers.known import read_fields
from verifiers.known import read_scalar as read_scalar
from verifiers.reading import Reader
from verifiers.signed_facts import SignedMail, TimeStamp, read_call, read_mail, read_stamp
from verifiers.work_items import FIELDS_MAX as FIELDS_MAX
from verifiers.work_items import READERS, WorkFacts

COMMITMENTS_MAX = 8
ALIKE_MAX = 8

GRADES = ("E0", "E1", "E2", "E3", "E4")

ITEM = (
    "id", "type", "grade", "seq", "attached_at", "received_at", "submitter", "controllers", "commitments", "facts",
    "review",
)  # fmt: skip
LATER_TYPES = frozenset({"photo", "signed_mail", "time_stamp", "webhook", *READERS})
"""Types that came later than the first verdicts."""


@dataclass(frozen=True, slots=True)
class SystemRecord:
    """One version of a record as its source had it."""

    kind: str
    id: str
    version: int
    event_time_ms: int
    first_event_at_ms: int
    customer: str | None
    source: str
    fields: Mapping[str, Scalar]
    versions_by: Formula | None = None
    """Who could have made one of its versions, where that is not only who could have made this one."""


@dataclass(frozen=True, slots=True)
class CustomerConfirmation:
    """A customer's answer by one-time link."""

    link: str
    case: str
    customer: str
    issued_at_ms: int
    handed_over_by: str | None
    address_known_before_case: bool
    answered_at_ms: int
    answer: str


@dataclass(frozen=True, slots=True)
class Neutral:
    """A file, a statement, a mail that another domain signed: kept and shown, counts for nothing yet."""


Facts = SystemRecord | CustomerConfirmation | SignedMail | TimeStamp | WorkFacts | Neutral


@dataclass(frozen=True, slots=True)
class Review:
    accepted: bool
    by: str


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence. `submitter` is a party or `system`."""

    id: str
    type: str
    grade: str
    seq: int
    attached_at_ms: int
    received_at_ms: int
    submitter: str
    controllers: Formula
    facts: Facts
    review: Review | None
    named_by: Mapping[str, str] = field(default_factory=dict)
    """Of a record, by field that holds a member in place of a name: the member who said whom the name means."""


def read_item(at: Reader, known: Known) -> Item:
    """Read one piece of evidence; its facts by its type."""
    member = at.members(*ITEM, *_later(at, "named_by"))
    for _, commitment in member["commitments"].entries(COMMITMENTS_MAX):
        commitment.digest()
    type_name = _type(member["type"])
    return Item(
        id=member["id"].id(),
        type=type_name,
        grade=member["grade"].one_of(GRADES),
        seq=known.seq(member["seq"]),
        attached_at_ms=member["attached_at"].instant(),
        received_at_ms=member["received_at"].instant(),
        submitter=known.party(member["submitter"]),
        controllers=known.formula(member["controllers"]),
        facts=_item_facts(type_name, member["facts"], known),
        review=member["review"].maybe(lambda one: _review(one, known)),
        named_by=_named_by(member["named_by"], known) if "named_by" in member else {},
    )


def _later(at: Reader, name: str) -> tuple[str, ...]:
    """Return the name of a member that came later than the first verdicts, where it is there."""
    return (name,) if type(at.value) is dict and name in at.value else ()


def _named_by(at: Reader, known: Known) -> dict[str, str]:
    return {name: known.member(one) for name, one in at.entries(FIELDS_MAX)}


def _type(at: Reader) -> str:
    # An unknown type is still refused in the words that the first verdicts were frozen with.
    if type(at.value) is str and at.value in LATER_TYPES:
        return str(at.value)
    return at.one_of(("system_record", "customer_confirmation", "file", "statement"))


def _review(at: Reader, known: Known) -> Review:
    member = at.members("verdict", "by")
    return Review(member["verdict"].one_of(("accepted", "refused")) == "accepted", known.member(member["by"]))


def _item_facts(type_name: str, at: Reader, known: Known) -> Facts:
    if type_name in READERS:
        return READERS[type_name](at, known)
    match type_name:
        case "system_record":
            return _record(at, known)
        case "customer_confirmation":
            return _confirmation(at, known)
        case "signed_mail":
            return read_mail(at) or Neutral()
        case "time_stamp":
            return read_stamp(at)
        case "webhook":
            read_call(at)
        case "photo":
            _photo(at)
        case "file":
            member = at.members("media_type", "size_bytes")
            member["media_type"].text()
            member["size_bytes"].integer()
        case _:
            at.members()
    return Neutral()


def _photo(at: Reader) -> None:
    """Check the shape; what a photo shows is judged later. What it says of itself, and what it looks like, came later
    than the first verdicts."""
    names = (
        "media_type",
        "size_bytes",
        "width_px",
        "height_px",
        "how",
        "captured_at",
        "nonce_issued_at",
        "name",
    )
    newer = type(at.value) is dict and "made" in at.value
    member = at.members(*names, "made", "alike") if newer else at.members(*names)
    if newer:
        made = member["made"].members("taken_at", "changed_at", "camera", "software", "credentials")
        made["credentials"].maybe(Reader.boolean)
        for name in ("taken_at", "changed_at", "camera", "software"):
            made[name].maybe(Reader.text)
        for one in member["alike"].items(ALIKE_MAX):
            seen = one.members("evidence", "bits")
            seen["evidence"].id()
            seen["bits"].integer(0, 64)
    member["media_type"].text()
    for name in ("size_bytes", "width_px", "height_px"):
        member[name].integer()
    member["how"].one_of(("camera", "file"))
    for name in ("captured_at", "nonce_issued_at"):
        member[name].maybe(Reader.instant)
    member["name"].maybe(Reader.text)


def _record(at: Reader, known: Known) -> SystemRecord:
    names = ("kind", "id", "version", "event_time", "first_event_at", "customer", "source", "fields")
    member = at.members(*names, *_later(at, "versions_by"))
    return SystemRecord(
        kind=member["kind"].id(),
        id=member["id"].id(),
        version=member["version"].integer(),
        event_time_ms=member["event_time"].instant(),
        first_event_at_ms=member["first_event_at"].instant(),
        customer=member["customer"].maybe(Reader.id),
        source=member["source"].id(),
        fields=read_fields(member["fields"], FIELDS_MAX),
        versions_by=known.formula(member["versions_by"]) if "versions_by" in member else None,
    )


def _confirmation(at: Reader, known: Known) -> CustomerConfirmation:
    member = at.members(
        "link",
        "case",
        "customer",
        "issued_at",
        "handed_over_by",
        "address_known_before_case",
        "answered_at",
        "answer",
    )
    return CustomerConfirmation(
        link=member["link"].id(),
        case=member["case"].id(),
        customer=member["customer"].id(),
        issued_at_ms=member["issued_at"].instant(),
        handed_over_by=member["handed_over_by"].maybe(known.member),
        address_known_before_case=member["address_known_before_case"].boolean(),
        answered_at_ms=member["answered_at"].instant(),
        answer=member["answer"].one_of(("resolved", "not_resolved")),
    )
