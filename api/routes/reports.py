"""Something is wrong: told in a sentence, with a photo if there is one;
and what is open about the same thing already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, UploadFile
from pydantic import Field
from starlette.datastructures import UploadFile as Uploaded

from api.bodies import FORM_LIMITS, Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES, BadRequest
from api.routes.answers import tell
from api.routes.cases import SubjectNamed, money_of, subject_of
from api.routes.photos import CaptureAsked, check_member, photo_item
from api.routes.shapes import TEXT_CHARS_MAX, Asked, Id, IdInPath, Instant, Money, Recorded, Text, Told
from api.scope import Row, Scoped
from casework import cases, reports, similar, tables
from casework.intake import Done
from casework.requests import AddNote, OpenCase
from ledger.codec import loads
from playbooks.calendars import zone_named

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["reports"], responses=PROBLEM_RESPONSES)

OPEN_CASES_READ_MAX = 200
"""The latest open ones: what was opened long before is no double of what somebody sees now."""
SIMILAR_MAX = 3
ZONE_DEFAULT = "UTC"
OPEN_STATES = [state for state in cases.STATES if state not in cases.ENDED]
Urgency = Annotated[str, Field(pattern="^(can_wait|today|now)$")]


class Report(Asked):
    """Something is wrong."""

    note: Text
    subject: SubjectNamed | None = None
    onset: Instant | None = None
    owner: Id | None = None
    value: Money | None = None
    urgency: Urgency | None = None


class ReportSent(CaptureAsked):
    """Something is wrong, as the Report page sends it: a sentence, how urgent, and a photo if there is one."""

    note: Text
    urgency: Urgency = reports.TODAY
    onset: Instant | None = None
    photo: UploadFile | None = None


class JoinSent(CaptureAsked):
    """Me too: a sentence, a photo, or both."""

    note: Text | None = None
    photo: UploadFile | None = None


class Alike(Told):
    """An open case about the same thing, and who handles it."""

    case: str
    said: str
    state: str
    opened_at: str
    owner: str | None
    owner_name: str | None


class AlikeTold(Told):
    """Open cases about the same thing, the most alike first."""

    items: list[Alike]


@router.post("/reports", operation_id="report_case", status_code=201)
async def report_case(body: Report, asking: Annotated[Asking, need_to_write("case.report")]) -> Recorded:
    """Report that something is wrong."""
    subject = subject_of(asking, body.subject) if body.subject else None
    request = await opening(asking, body.note, body.urgency, body.onset, body.owner)
    about = asking.key if subject is None else f"{subject['kind']}:{subject['id']}"
    request = replace(
        request,
        fingerprint=("report", asking.caller.member, about),
        subject=subject,
        value=money_of(body.value),
    )
    return await tell(asking, await asking.rooms.desk.open_case(asking.who, asking.key, request))


@router.post("/reports/form", operation_id="send_report", status_code=201, form_limits=FORM_LIMITS)
async def send_report(
    form: Annotated[ReportSent, Form(media_type="multipart/form-data")],
    asking: Annotated[Asking, need_to_write("case.report", form=True)],
) -> Recorded:
    """Report with a photo: the case and its first evidence are recorded together or not at all.

    The Idempotency-Key is the report's own id, drawn where it was written: sent again after a lost answer it is one
    report.
    """
    check_member(asking, form)
    request = await opening(asking, form.note, form.urgency, form.onset, None)
    if form.photo is not None:
        request = replace(request, shows=await photo_item(asking, "", form.photo, form))
    return await tell(asking, await asking.rooms.desk.open_case(asking.who, asking.key, request))


async def opening(
    asking: Asking, note: str, urgency: str | None, onset: str | None = None, owner: str | None = None
) -> OpenCase:
    """Return the opening of a report's case: who gets it, and until when somebody takes it on."""
    rows, now = asking.rooms.rows, asking.rooms.clock.now()
    lead = owner or await reports.lead(asking.rooms.intake.records, asking.caller.member)
    return OpenCase(
        origin="report",
        owner=lead,
        fingerprint=("report", asking.caller.member, asking.key),
        onset=onset or now,
        detected_at=now,
        facts=None if urgency is None else reports.facts_of(urgency, now, await zone_of(rows)),
        note=note,
        concerns=(asking.caller.member,),
    )


async def zone_of(rows: Scoped) -> ZoneInfo:
    """Return the organisation's zone; UTC where none is set, or one that is none."""
    kept = await rows.one(tables.setting, name="zone")
    try:
        return zone_named(ZONE_DEFAULT if kept is None else str(loads(kept["value"])))
    except ValueError:
        return zone_named(ZONE_DEFAULT)


@router.get("/reports/similar", operation_id="find_similar")
async def find_similar(
    visit: Annotated[Visit, need("case.report")],
    text: Annotated[str, Query(min_length=1, max_length=TEXT_CHARS_MAX)],
) -> AlikeTold:
    """Find what is open about the same thing already, before a report is sent: at most three."""
    return AlikeTold(items=await alike_to(visit, text))


async def alike_to(visit: Visit, text: str) -> list[Alike]:
    """Return the open cases about the same thing that the caller may read, the most alike first."""
    rows = visit.rooms.rows
    found = await rows.find(
        tables.case_file, {"state": OPEN_STATES}, order="opened_seq", limit=OPEN_CASES_READ_MAX
    )
    open_cases = {str(row["case"]): row for row in found if visit.caller.reads(row["subject_kind"])}
    said = await notes_of(rows, open_cases.values())
    alike = similar.most_alike(text, said, SIMILAR_MAX)
    names = {row["member"]: row["name"] for row in await rows.find(tables.member_name)} if alike else {}
    return [_alike(open_cases[case], said[case], names) for case, _ in alike]


def _alike(row: Row, said: str, names: Mapping[str, str]) -> Alike:
    return Alike(
        case=row["case"],
        said=said,
        state=row["state"],
        opened_at=row["opened_at"],
        owner=row["owner"],
        owner_name=names.get(row["owner"]),
    )


async def notes_of(rows: Scoped, of: Iterable[Row]) -> dict[str, str]:
    """Return case -> the sentence it was opened with; erased ones are left out."""
    noted = [row for row in of if row["note_item"] is not None]
    opened: dict[str, Any] = await rows.open_all(row["note_item"] for row in noted)
    return {
        str(row["case"]): str(opened[row["note_item"]])
        for row in noted
        if opened[row["note_item"]] is not None
    }


@router.post("/cases/{case}/join", operation_id="join_case", status_code=201, form_limits=FORM_LIMITS)
async def join_case(
    case: IdInPath,
    form: Annotated[JoinSent, Form(media_type="multipart/form-data")],
    asking: Annotated[Asking, need_to_write("case.evidence", form=True)],
) -> Recorded:
    """Say "me too" to what is open already: the sentence becomes a note, the photo evidence of that case."""
    check_member(asking, form)
    return await tell(asking, await join(asking, case, form.note, form.photo, form))


async def join(
    asking: Asking, case: str, note: str | None, sent: Uploaded | None, told: CaptureAsked
) -> Done:
    """Add a sentence, a photo, or both to an open case. Raises BadRequest: neither."""
    desk = asking.rooms.desk
    if sent is not None:
        item = replace(await photo_item(asking, case, sent, told), note=note)
        return await desk.attach_evidence(asking.who, asking.key, item)
    if note is None:
        raise BadRequest("invalid_request", "expected a sentence or a photo, got neither", field="/note")
    return await desk.add_note(asking.who, asking.key, AddNote(case, note))
