"""Evidence of work that a plan or a catalogue asks for, as a verifier reads it (docs/spec/verdict.md, "Facts by type").

A check-in says where somebody was, a reading what they found there, a hand-over note and its read-back what one shift
told the next, a snapshot what the systems held at that moment, a training result what a provider says of a course.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from verifiers.known import Known, Scalar, read_fields, read_scalar
from verifiers.reading import INTEGER_MAX, Reader

METHODS = ("nfc", "screen", "printed")
"""How somebody showed that they were there: a tag that signs each tap, a screen whose code changes, a code on paper."""
RESULTS = ("satisfied", "passed", "failed", "waived", "voided")
CHANNELS = ("webhook", "file", "typed")
SCALE_MAX = 6
UNIT_CHARS_MAX = 20
ITEMS_MAX = 64
FIELDS_MAX = 64
SCORE_MAX = 10_000


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Somebody was at a place: `at_ms` by our clock, or by the phone's where it was `offline`. `before` is the same
    person's check-in before this one, as the server knew it: place and time."""

    place: str
    point: str
    method: str
    counter: int | None
    nonce_issued_at_ms: int | None
    at_ms: int
    offline: bool
    member: str
    before: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody found: `value` times 10^-scale in `unit`; `exception` is the case that reports it, if any."""

    task: str
    place: str
    value: int
    scale: int
    unit: str
    low: int | None
    high: int | None
    at_ms: int
    member: str
    exception: str | None


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something open: an object of a system of record or an exception, and who is to see to it until when."""

    kind: str
    id: str
    owner: str | None
    due_at_ms: int | None
    says: str


@dataclass(frozen=True, slots=True)
class Stated:
    """One fact that a note states of an object."""

    kind: str
    id: str
    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class HandoverNote:
    shift: str
    member: str
    at_ms: int
    status: str
    actions: str
    contingencies: str
    items: tuple[OpenItem, ...]
    stated: tuple[Stated, ...]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the receiver understood, in their own words. `opened_at_ms`: when the note was shown to them."""

    note: str
    member: str
    opened_at_ms: int
    at_ms: int
    text: str
    items: tuple[tuple[str, str, bool], ...]  # kind, id, accepted


@dataclass(frozen=True, slots=True)
class SnapshotObject:
    kind: str
    id: str
    fields: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the systems of record held open at an instant, as the server froze it."""

    shift: str
    at_ms: int
    open: tuple[SnapshotObject, ...]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a provider says of one attempt; `account` is its name for the person, `member` whom it maps to."""

    provider: str
    registration: str
    account: str
    member: str | None
    course: str
    course_version: str
    result: str
    score: int | None
    attempts: int
    duration_seconds: int
    completed_at_ms: int
    expires_at_ms: int | None
    channel: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an assessor saw of somebody's skill."""

    course: str
    course_version: str
    member: str
    assessor: str
    at_ms: int
    passed: bool


WorkFacts = CheckIn | Reading | HandoverNote | ReadBack | Snapshot | TrainingResult | Assessment


def _check_in(at: Reader, known: Known) -> CheckIn:
    member = at.members(
        "place", "point", "method", "counter", "nonce_issued_at", "at", "offline", "member", "before"
    )
    return CheckIn(
        place=member["place"].id(),
        point=member["point"].id(),
        method=member["method"].one_of(METHODS),
        counter=member["counter"].maybe(Reader.integer),
        nonce_issued_at_ms=member["nonce_issued_at"].maybe(Reader.instant),
        at_ms=member["at"].instant(),
        offline=member["offline"].boolean(),
        member=known.member(member["member"]),
        before=member["before"].maybe(_before),
    )


def _before(at: Reader) -> tuple[str, int]:
    member = at.members("place", "at")
    return member["place"].id(), member["at"].instant()


def _number(at: Reader) -> int:
    return at.integer(-INTEGER_MAX)


def _reading(at: Reader, known: Known) -> Reading:
    member = at.members("task", "place", "value", "scale", "unit", "low", "high", "at", "member", "exception")
    return Reading(
        task=member["task"].id(),
        place=member["place"].id(),
        value=_number(member["value"]),
        scale=member["scale"].integer(0, SCALE_MAX),
        unit=member["unit"].text(UNIT_CHARS_MAX),
        low=member["low"].maybe(_number),
        high=member["high"].maybe(_number),
        at_ms=member["at"].instant(),
        member=known.member(member["member"]),
        exception=member["exception"].maybe(Reader.id),
    )


def _handover_note(at: Reader, known: Known) -> HandoverNote:
    member = at.members("shift", "member", "at", "status", "actions", "contingencies", "items", "stated")
    return HandoverNote(
        shift=member["shift"].id(),
        member=known.member(member["member"]),
        at_ms=member["at"].instant(),
        status=member["status"].text(),
        actions=member["actions"].text(),
        contingencies=member["contingencies"].text(),
        items=tuple(_open_item(one, known) for one in member["items"].items(ITEMS_MAX)),
        stated=tuple(_stated(one) for one in member["stated"].items(ITEMS_MAX)),
    )


def _open_item(at: Reader, known: Known) -> OpenItem:
    member = at.members("kind", "id", "owner", "due_at", "says")
    return OpenItem(
        kind=member["kind"].id(),
        id=member["id"].id(),
        owner=member["owner"].maybe(known.member),
        due_at_ms=member["due_at"].maybe(Reader.instant),
        says=member["says"].text(),
    )


def _stated(at: Reader) -> Stated:
    member = at.members("kind", "id", "field", "value")
    return Stated(member["kind"].id(), member["id"].id(), member["field"].id(), read_scalar(member["value"]))


def _read_back(at: Reader, known: Known) -> ReadBack:
    member = at.members("note", "member", "opened_at", "at", "text", "items")
    items = []
    for one in member["items"].items(ITEMS_MAX):
        part = one.members("kind", "id", "accepted")
        items.append((part["kind"].id(), part["id"].id(), part["accepted"].boolean()))
    return ReadBack(
        note=member["note"].id(),
        member=known.member(member["member"]),
        opened_at_ms=member["opened_at"].instant(),
        at_ms=member["at"].instant(),
        text=member["text"].text(),
        items=tuple(items),
    )


def _snapshot(at: Reader, known: Known) -> Snapshot:
    member = at.members("shift", "at", "open")
    found = []
    for one in member["open"].items(ITEMS_MAX):
        part = one.members("kind", "id", "fields")
        found.append(
            SnapshotObject(part["kind"].id(), part["id"].id(), read_fields(part["fields"], FIELDS_MAX))
        )
    return Snapshot(member["shift"].id(), member["at"].instant(), tuple(found))


def _training_result(at: Reader, known: Known) -> TrainingResult:
    member = at.members(
        "provider",
        "registration",
        "account",
        "member",
        "course",
        "course_version",
        "result",
        "score",
        "attempts",
        "duration_seconds",
        "completed_at",
        "expires_at",
        "channel",
    )
    return TrainingResult(
        provider=member["provider"].id(),
        registration=member["registration"].id(),
        account=member["account"].id(),
        member=member["member"].maybe(known.member),
        course=member["course"].id(),
        course_version=member["course_version"].id(),
        result=member["result"].one_of(RESULTS),
        score=member["score"].maybe(lambda one: one.integer(0, SCORE_MAX)),
        attempts=member["attempts"].integer(),
        duration_seconds=member["duration_seconds"].integer(),
        completed_at_ms=member["completed_at"].instant(),
        expires_at_ms=member["expires_at"].maybe(Reader.instant),
        channel=member["channel"].one_of(CHANNELS),
    )


def _assessment(at: Reader, known: Known) -> Assessment:
    member = at.members("course", "course_version", "member", "assessor", "at", "passed")
    return Assessment(
        course=member["course"].id(),
        course_version=member["course_version"].id(),
        member=known.member(member["member"]),
        assessor=known.member(member["assessor"]),
        at_ms=member["at"].instant(),
        passed=member["passed"].boolean(),
    )


READERS: Mapping[str, Callable[[Reader, Known], WorkFacts]] = {
    "check_in": _check_in,
    "reading": _reading,
    "handover_note": _handover_note,
    "read_back": _read_back,
    "snapshot": _snapshot,
    "training_result": _training_result,
    "assessment": _assessment,
}
