"""Routine work, as whoever did it brings it: a reading, a hand-over note, a read-back, a course; and how it is claimed.

A plan's case is there already; a course or a referral is claimed first. What is brought is judged without anybody
having to look at each item; recognition is decided on by another person, as ever.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from api.bodies import Door
from api.check_bundle import BUNDLE_MAX, decide, waiting
from api.dossiers import staff_of
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES, NotFound
from api.routes.answers import tell
from api.routes.reports import opening
from api.routes.shapes import Asked, Code, Id, IdInPath, Instant, Name, Recorded, Text, Tokens, Told
from api.scope import Row
from api.workbench import exceptions_open, expected_of, shows_already, signed_result, training_of
from casework import cases, tables
from casework.collectors import work as collected
from casework.collectors.signed_file import FILE_CHARS_MAX
from casework.errors import refuse
from casework.reports import NOW
from casework.requests import OpenCase, ReportWork
from casework.tokens import TOKEN_CHARS_MAX
from casework.work import learner_of

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["work"], responses=PROBLEM_RESPONSES)

Works = Annotated[Asking, need_to_write("case.evidence")]
NUMBER_MAX = 10**12
ITEMS_MAX = 64
NOTE = "handover_note"


class ReadingTaken(Asked):
    """What was found, as an integer in the plan's scale. `read_at`: by the phone's clock, where it had no network;
    `wrong`: what is the matter, in words, where it is outside its range: it becomes an exception of its own."""

    value: Annotated[int, Field(ge=-NUMBER_MAX, le=NUMBER_MAX)]
    read_at: Instant | None = None
    wrong: Text | None = None


class ItemHandedOver(Asked):
    """Something open that the next shift gets: what it is, whose it is, until when, what to do if ..."""

    kind: Code
    id: Name
    owner: Id | None = None
    due_at: Instant | None = None
    says: Text


class FactStated(Asked):
    """One fact of an object, as the note states it."""

    kind: Code
    id: Name
    field: Code
    value: bool | int | str | None


class NoteHandedOver(Asked):
    """A hand-over note in its fixed form."""

    status: Text
    actions: Text
    contingencies: Text
    items: Annotated[list[ItemHandedOver], Field(max_length=ITEMS_MAX)] = []
    stated: Annotated[list[FactStated], Field(max_length=ITEMS_MAX)] = []


class ItemReadBack(Asked):
    """Whether the receiver takes over an open item as it was handed."""

    kind: Code
    id: Name
    accepted: bool


class ReadBackGiven(Asked):
    """What the receiver understood, in their own words. `shown`: the token that came with the note (`read_note`), by
    which the server knows since when they had it."""

    note: Id
    shown: Annotated[str, Field(min_length=1, max_length=TOKEN_CHARS_MAX)]
    text: Text
    items: Annotated[list[ItemReadBack], Field(max_length=ITEMS_MAX)] = []


class CourseClaimed(Asked):
    """A course of the policy's catalogue that the caller has done, or is about to do."""

    policy: Id
    course: Name
    course_version: Name


class ReferralLodged(Asked):
    """Somebody whom the caller refers, before anybody here was in touch. `referred` is kept as a pseudonym."""

    policy: Id
    kind: Annotated[str, Field(pattern="^(customer|candidate)$")]
    referred: Name
    note: Text | None = None


class ResultShown(Asked):
    """A provider's result as it came in as a record."""

    record: Name


class SkillSeen(Asked):
    """What somebody saw of the learner's skill: whether they can do it, and in words what was seen."""

    passed: bool
    note: Text | None = None


class FileShown(Asked):
    """A provider's result as a file that the provider signed: a JWS in compact form, EdDSA."""

    source: Id
    file: Annotated[str, Field(min_length=1, max_length=FILE_CHARS_MAX, pattern=r"^[A-Za-z0-9_.\s-]+$")]


class WorkDone(Asked):
    """That it is done, in words."""

    text: Text


async def planned(asking: Asking, case: str) -> tuple[Row, dict[str, Any]]:
    """Return a case and what it was opened for. Raises NotFound; Refused: evidence_missing (erased)."""
    row = await asking.rooms.rows.need("case", tables.case_file, case=case)
    return row, await expected_of(asking.rooms, row)


@router.post("/cases/{case}/work/reading", operation_id="take_reading", status_code=201)
async def take_reading(case: IdInPath, body: ReadingTaken, asking: Works) -> Recorded:
    """Write down what was found. The first reading reports the work; another person's is a second look at it."""
    row, expected = await planned(asking, case)
    if expected.get("work") != "check":
        raise refuse("value_invalid", "expected a case of a planned check, got another")
    now = asking.rooms.clock.now()
    again = row["action_by"] is not None
    exception = None
    if body.wrong is not None and not again:
        exception = await _reported(asking, row, body.wrong)
    item = collected.reading(
        asking.who, case, expected, body.value, body.read_at or now, now, exception, again
    )
    if again:
        return await tell(asking, await asking.rooms.desk.attach_evidence(asking.who, asking.key, item))
    request = ReportWork(case, (item,), str(expected["task"]), True)
    return await tell(asking, await asking.rooms.desk.report_work(asking.who, asking.key, request))


async def _reported(asking: Asking, row: Row, wrong: str) -> str:
    """Open an exception for what was found, under a key of its own so that a repeat opens it once; return its id."""
    request = await opening(asking, wrong, NOW)
    key = f"{asking.key}:exception:{row['case']}"
    return (await asking.rooms.desk.open_case(asking.who, key, request)).ids["case"]


@router.post("/cases/{case}/work/handover", operation_id="hand_over", status_code=201)
async def hand_over(case: IdInPath, body: NoteHandedOver, asking: Works) -> Recorded:
    """Write the note of a shift. What the systems hold open at this moment is frozen beside it."""
    _, expected = await planned(asking, case)
    if expected.get("work") != "handover":
        raise refuse("value_invalid", "expected a case of a planned hand-over, got another")
    rooms, now = asking.rooms, asking.rooms.clock.now()
    shift = str(expected["shift"])
    note = {"shift": shift, **body.model_dump()}
    items = (
        collected.snapshot(asking.who, case, shift, await exceptions_open(rooms), now),
        collected.handover_note(asking.who, case, note, now),
    )
    request = ReportWork(case, items, shift, False)
    return await tell(asking, await rooms.desk.report_work(asking.who, asking.key, request))


class NoteTold(Told):
    """The note of a shift as whoever comes next reads it. `facts`: see docs/spec/verdict.md, handover_note; `shown`:
    the token that a read-back needs."""

    case: str
    note: str
    facts: dict[str, Any]
    shown: str


@router.get("/cases/{case}/work/handover", operation_id="read_note")
async def read_note(case: IdInPath, visit: Annotated[Visit, need("case.evidence")]) -> NoteTold:
    """Open the note of a shift: the time until it is read back counts from now."""
    rows = visit.rooms.rows
    await rows.need("case", tables.case_file, case=case)
    found = await rows.find(tables.evidence, {"case": case, "type": NOTE})
    notes = cases.live(found)
    facts = await rows.open(notes[-1]["facts_item"]) if notes else None
    if facts is None:
        raise NotFound("note", case)
    note = str(notes[-1]["evidence"])
    shown = visit.rooms.desk.note_shown(visit.caller.who, case, note)
    return NoteTold(case=case, note=note, facts=facts, shown=shown)


@router.post("/cases/{case}/work/read-back", operation_id="read_back", status_code=201)
async def read_back(case: IdInPath, body: ReadBackGiven, asking: Works) -> Recorded:
    """Say what the next shift understood of the note that they opened (`read_note`); then it can be judged."""
    _, expected = await planned(asking, case)
    now = asking.rooms.clock.now()
    opened_at = asking.rooms.desk.note_opened(asking.who, case, body.note, body.shown)
    answer = {**body.model_dump(exclude={"shown"}), "opened_at": opened_at}
    items = [collected.read_back(asking.who, case, answer, now)]
    rota = await asking.rooms.watching.record_or_none(
        asking.who, case, "shift", str(expected.get("next_shift"))
    )
    # the same version of a record counts once: a second reading of the note rests on what is there
    items += [] if rota is None or await shows_already(asking.rooms, case, rota) else [rota]
    request = ReportWork(case, tuple(items), None, True)
    return await tell(asking, await asking.rooms.desk.report_work(asking.who, asking.key, request))


@router.post("/claims/training", operation_id="claim_training", status_code=201)
async def claim_training(
    body: CourseClaimed, asking: Annotated[Asking, need_to_write("case.claim")]
) -> Recorded:
    """Claim a course; the provider's result shows it."""
    subject = {"kind": "training", "id": f"{body.course}@{body.course_version}", "customer": None}
    facts = {"work": "training", "course": body.course, "course_version": body.course_version}
    return await _claim(asking, body.policy, subject, facts, body.course)


@router.post("/claims/referral", operation_id="lodge_referral", status_code=201)
async def lodge_referral(
    body: ReferralLodged, asking: Annotated[Asking, need_to_write("case.claim")]
) -> Recorded:
    """Lodge a referral before first contact; the order of the record shows that it came first."""
    referred = asking.rooms.customer(body.referred)
    subject = {"kind": "referral", "id": referred, "customer": referred}
    facts = {"work": "referral", "kind": body.kind, "referred": referred}
    return await _claim(asking, body.policy, subject, facts, body.note)


async def _claim(
    asking: Asking, policy: str, subject: dict[str, Any], facts: dict[str, Any], note: str | None
) -> Recorded:
    row = await asking.rooms.rows.one(tables.policy, policy=policy)
    if row is None:
        raise NotFound("policy", policy)
    now, me = asking.rooms.clock.now(), asking.caller.member
    customer = subject["customer"]
    request = OpenCase(
        origin="claim",
        owner=me,
        fingerprint=("claim", policy, str(subject["id"]), me),
        onset=now,
        detected_at=now,
        award_kind=str(facts["work"]),
        policy=policy,
        subject=subject,
        facts=facts,
        note=note,
        concerns=(me, *([] if customer is None else [customer])),
    )
    return await tell(asking, await asking.rooms.desk.open_case(asking.who, asking.key, request))


@router.post("/cases/{case}/work/result", operation_id="show_result", status_code=201)
async def show_result(case: IdInPath, body: ResultShown, asking: Works) -> Recorded:
    """Show a provider's result, and say that the course is done."""
    row, expected = await planned(asking, case)
    if expected.get("work") != "training":
        raise refuse("value_invalid", "expected a case of a course, got another")
    item = await training_of(asking.rooms, asking.who, case, body.record)
    text = None if row["action_by"] is not None else str(expected["course"])
    request = ReportWork(case, (item,), text, row["outcome_seq"] is None)
    return await tell(asking, await asking.rooms.desk.report_work(asking.who, asking.key, request))


@router.post("/cases/{case}/work/assessment", operation_id="assess_skill", status_code=201)
async def assess_skill(
    case: IdInPath, body: SkillSeen, asking: Annotated[Asking, need_to_write("case.assess")]
) -> Recorded:
    """Say what you saw of somebody's skill after a course: whoever is named for it (`name_assessor`), never the
    learner."""
    row, expected = await planned(asking, case)
    learner = learner_of(row)
    if expected.get("work") != "training" or learner is None:
        raise refuse("value_invalid", "expected a case of a course, got another")
    course, version = str(expected["course"]), str(expected["course_version"])
    now = asking.rooms.clock.now()
    item = collected.assessment(asking.who, case, course, version, learner, body.passed, now)
    request = replace(item, note=body.note)
    return await tell(asking, await asking.rooms.desk.assess(asking.who, asking.key, request))


@router.post("/cases/{case}/work/result-file", operation_id="show_result_file", status_code=201)
async def show_result_file(case: IdInPath, body: FileShown, asking: Works) -> Recorded:
    """Show a provider's result by a file that its key signed, and say that the course is done."""
    row, expected = await planned(asking, case)
    if expected.get("work") != "training":
        raise refuse("value_invalid", "expected a case of a course, got another")
    item = await signed_result(asking.rooms, asking.who, case, body.source, body.file)
    text = None if row["action_by"] is not None else str(expected["course"])
    request = ReportWork(case, (item,), text, row["outcome_seq"] is None)
    return await tell(asking, await asking.rooms.desk.report_work(asking.who, asking.key, request))


class CheckWaiting(Told):
    """A check that waits for the caller's yes. `binds` is what a yes to it has to name."""

    case: str
    member: str
    task: str
    place: str
    due_at: str
    failed: bool
    binds: str


class ChecksWaiting(Told):
    """The checks that wait for the caller's yes, the oldest first."""

    items: list[CheckWaiting]


class CheckBound(Asked):
    """A check, as it was shown."""

    case: Id
    binds: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ChecksRecognised(Asked):
    """Checks to recognise at once, each with so many tokens."""

    items: Annotated[list[CheckBound], Field(min_length=1, max_length=BUNDLE_MAX)]
    amount_tokens: Tokens = 0
    budget: Id | None = None
    message: Text | None = None


class CheckRefused(Told):
    """A check that was not recognised, and why."""

    case: str
    code: str
    detail: str


class BundleTold(Told):
    """What came of it: case -> decision, and what was refused."""

    decided: dict[str, str]
    refused: list[CheckRefused]


@router.get("/checks/waiting", operation_id="list_waiting_checks")
async def list_waiting_checks(visit: Annotated[Visit, need("case.decide")]) -> ChecksWaiting:
    """List the checks that wait for the caller's yes, judged one by one."""
    staff = await staff_of(visit.rooms.rows, visit.rooms.clock.now())
    found = await waiting(visit.rooms, staff, visit.caller.who)
    names = ("member", "task", "place", "due_at", "failed", "binds")
    return ChecksWaiting(
        items=[
            CheckWaiting(case=one.dossier.id, **{name: getattr(one, name) for name in names}) for one in found
        ]
    )


@router.post("/checks/recognise", operation_id="recognise_checks", status_code=201)
async def recognise_checks(
    body: ChecksRecognised, asking: Annotated[Asking, need_to_write("case.decide")]
) -> BundleTold:
    """Recognise checks at once. Each gets a decision of its own; one that changed since it was shown is named."""
    made = await decide(
        asking.rooms,
        asking.who,
        asking.key,
        [(one.case, one.binds) for one in body.items],
        amount_tokens=body.amount_tokens,
        budget=body.budget,
        message=body.message,
    )
    return BundleTold(
        decided=dict(made.done),
        refused=[
            CheckRefused(case=case, code=refusal.code, detail=str(refusal.detail))
            for case, refusal in made.refused.items()
        ],
    )


@router.post("/cases/{case}/work/done", operation_id="report_work", status_code=201)
async def report_work(case: IdInPath, body: WorkDone, asking: Works) -> Recorded:
    """Say that the work is done, with what was attached before as its evidence; it can be judged then."""
    row = await asking.rooms.rows.need("case", tables.case_file, case=case)
    text = body.text if row["action_by"] is None else None
    request = ReportWork(case, (), text, True)
    return await tell(asking, await asking.rooms.desk.report_work(asking.who, asking.key, request))
