"""The path of a case, in the order of the story: claim (reports: reports.py), own, propose, decide, act, show, judge,
close."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from api.bodies import Door
from api.dossiers import PARTS, dossiers, sees_recognition
from api.earlier_records import earlier_records
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES, BadRequest, NotFound
from api.routes.answers import page, plain, tell
from api.routes.shapes import (
    PAGE_ITEMS_DEFAULT,
    Asked,
    Code,
    Cursor,
    Id,
    IdInPath,
    Ids,
    Instant,
    Limit,
    Money,
    Name,
    Page,
    PasskeyAnswer,
    Recorded,
    Text,
    Token,
    Tokens,
    Told,
)
from api.scope import Row, read_cursor
from casework import authority, tables
from casework.collectors import upload
from casework.decisions import open_token
from casework.requests import (
    Acknowledge,
    AddNote,
    AssignOwner,
    CaseStep,
    Decide,
    IssueLink,
    Judge,
    OpenCase,
    PasskeySigned,
    Propose,
    RecordOutcome,
    ReviewEvidence,
    Suggestion,
    TakeAction,
    WithdrawDecision,
    WithdrawEvidence,
)

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["cases"], responses=PROBLEM_RESPONSES)

STATES = (
    "^(DETECTED|SUPPRESSED|UNKNOWN|ASSIGNED|ACKNOWLEDGED|AWAITING_DECISION|"
    "IN_ACTION|AWAITING_REVIEW|RESOLVED|CLEARED|EXPIRED|REOPENED|CLOSED)$"
)
CONTENT_CHARS_MAX = 35_000_000  # base64 of the vault's 25 MiB
About = Annotated[str, Field(pattern="^(action|award)$")]
Flag = Annotated[str, Field(pattern="^(money|outbound|people|low_confidence)$")]
Works = Annotated[Asking, need_to_write("case.work")]


class SuggestionMade(Asked):
    """What should be done."""

    action: Code
    text: Text
    value: Money | None = None
    flags: Annotated[list[Flag], Field(max_length=4)] = []

    def to_suggestion(self) -> Suggestion:
        """Return it as the desk takes it."""
        return Suggestion(self.action, self.text, money_of(self.value), tuple(self.flags))


class SubjectNamed(Asked):
    """What it is about: a kind of record and its id there. A customer named in words is kept as a pseudonym."""

    kind: Code
    id: Name
    customer: Name | None = None


class Claim(Asked):
    """Something was resolved that no watch saw; it may be recognised under `policy`."""

    note: Text
    award_kind: Code
    policy: Id
    subject: SubjectNamed
    suggestion: SuggestionMade
    onset: Instant | None = None
    owner: Id | None = None
    value: Money | None = None


class OwnerNamed(Asked):
    """Who owns it from now on, and why."""

    owner: Id
    reason_code: Code


class Acknowledged(Asked):
    """Until when the owner keeps it in hand."""

    until: Instant


class NoteWritten(Asked):
    """A remark."""

    note: Text


class DecisionMeant(Asked):
    """A yes or a no to exactly what `token` was issued for."""

    token: Token
    verb: Annotated[str, Field(pattern="^(approved|declined)$")]
    beneficiaries: Ids = []
    amount_tokens: Tokens | None = None
    budget: Id | None = None
    reason_code: Code | None = None
    reason: Text | None = None
    message: Text | None = None


class DecisionMade(DecisionMeant):
    """The same, recorded; with `passkey` it is signed (`/decisions/prepare` comes first)."""

    passkey: PasskeyAnswer | None = None


class ActionTaken(Asked):
    """Which proposal was carried out."""

    proposal: Id
    note: Text | None = None


class RecordShown(Asked):
    """A record of a source, as it is in the vault now."""

    kind: Code
    record: Name


class EarlierRecordTold(Told):
    """A record that knew the customer before; `since` is when its source first had it."""

    kind: str
    record: str
    source: str
    since: str


class EarlierRecords(Told):
    """At most three, the best to bring first."""

    items: list[EarlierRecordTold]


class FileShown(Asked):
    """A file, base64; it counts as an uploaded file (E1)."""

    content: Annotated[str, Field(min_length=1, max_length=CONTENT_CHARS_MAX)]
    media_type: Annotated[str, Field(pattern="^[a-z]+/[a-z0-9.+-]+$", max_length=60)]


class StatementMade(Asked):
    """A person's word, for what it is worth (E0)."""

    statement: Text


class ReasonGiven(Asked):
    """A coded reason."""

    reason_code: Code


class ReviewMade(Asked):
    """What somebody other than the submitter found."""

    result: Annotated[str, Field(pattern="^(accepted|refused)$")]
    reason_code: Code | None = None


class LinkWanted(Asked):
    """Who shall confirm (a pseudonym, or a name that is kept as one), until when. The caller is told the link, so it
    is handed over, whatever address is kept."""

    customer: Id
    until: Instant
    address: Name | None = None
    handed_over: bool = True
    address_known_before: bool = False


class LinkTold(Recorded):
    """A one-time link; `path` is told once: a repeat of the request tells null."""

    path: str | None


class OutcomeMade(Asked):
    """What came of it."""

    resolution: Annotated[str, Field(pattern="^(fixed|accepted_risk|false_alarm|duplicate)$")]
    impact: Annotated[str, Field(pattern="^(harm|none|unknown)$")]
    note: Text | None = None


class VerdictWanted(Asked):
    """For whom; null: whoever took the action."""

    beneficiaries: Annotated[list[Id], Field(min_length=1, max_length=100)] | None = None


class CaseTold(Told):
    """A case with everything that belongs to it. `texts` are private values by commitment; an erased one is null."""

    case: dict[str, Any]
    proposals: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    verdicts: list[dict[str, Any]]
    links: list[dict[str, Any]]
    awards: list[dict[str, Any]]
    disputes: list[dict[str, Any]]
    texts: dict[str, Any]


class Card(Told):
    """One decision to make: what it would rest on, and the token that binds a yes to exactly that."""

    basis: dict[str, Any]
    token: str
    expires: str


def subject_of(asking: Asking, named: SubjectNamed) -> dict[str, Any]:
    customer = None if named.customer is None else asking.rooms.customer(named.customer)
    return {**named.model_dump(), "customer": customer}


def money_of(money: Money | None) -> dict[str, Any] | None:
    return money.model_dump() if money else None


# ---------------------------------------------------------------------------------------------- reading
@router.get("/cases", operation_id="list_cases")
async def list_cases(
    visit: Annotated[Visit, need("case.read")],
    state: Annotated[str | None, Query(pattern=STATES)] = None,
    owner: Annotated[str | None, Query(max_length=200)] = None,
    playbook: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page:
    """List cases, the latest opened first."""
    given = {"state": state, "owner": owner, "playbook": playbook}
    where: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    charter = visit.caller.charter
    if charter is not None and not charter.reads_all:
        where["subject_kind"] = list(charter.may_read)
    below = read_cursor(cursor)
    return await page(visit.rooms.rows, tables.case_file, where, order="opened_seq", below=below, limit=limit)


async def need_case(visit: Visit, case: str) -> Row:
    """Return the row of a case that the caller may read. Raises NotFound: none, or beyond an agent's charter."""
    row = await visit.rooms.rows.need("case", tables.case_file, case=case)
    if not visit.caller.reads(row["subject_kind"]):
        raise NotFound("case", case)
    return row


@router.get("/cases/{case}", operation_id="read_case")
async def read_case(
    case: IdInPath, visit: Annotated[Visit, need("case.read")], response: Response
) -> CaseTold:
    """Tell one case, its steps and its texts; a thank-you only to who may read the recognition."""
    rows = visit.rooms.rows
    row = await need_case(visit, case)
    response.headers["ETag"] = f'"{row["changed_seq"]}"'
    (dossier,) = await dossiers(rows, [row], with_texts=False)
    told = {
        name: [plain(part, table) for part in getattr(dossier, name)] for name, (table, _) in PARTS.items()
    }
    parted = sees_recognition(dossier, visit.caller.member, visit.caller.roles)
    if not parted:  # nobody's tokens can be pieced together from cases
        told["awards"] = told["disputes"] = []
        told["decisions"] = [one for one in told["decisions"] if one["about"] != authority.AWARD]
    items = {
        value
        for part in ([dict(row)], *told.values())
        for member in part
        for name, value in member.items()
        if name in TEXT_ITEMS and value is not None
    }
    return CaseTold(case=plain(row, tables.case_file), texts=await rows.open_all(items), **told)


TEXT_ITEMS = frozenset(
    {"subject_item", "facts_item", "note_item", "text_item", "reason_item", "message_item"}
)
"""Opened on a case; evidence contents, addresses and verdict inputs are not."""


@router.get("/cases/{case}/card", operation_id="read_card")
async def read_card(
    case: IdInPath,
    visit: Annotated[Visit, need("case.decide")],
    response: Response,
    about: Annotated[str, Query(pattern="^(action|award)$")],
) -> Card:
    """Tell what a decision would rest on now; its ETag goes into If-Match of the decision."""
    shown = await visit.rooms.desk.show(visit.caller.who, case, about)
    response.headers["ETag"] = basis_tag(shown.token)
    return Card(basis=dict(shown.basis), token=shown.token, expires=shown.expires)


def basis_tag(token: str) -> str:
    """Return the ETag of a card: it stands for the token, which binds everything that was shown."""
    return f'"{hashlib.sha256(token.encode("ascii", "replace")).hexdigest()[:32]}"'


# ---------------------------------------------------------------------------------------------- something happened
@router.post("/claims", operation_id="claim_case", status_code=201)
async def claim_case(body: Claim, asking: Annotated[Asking, need_to_write("case.claim")]) -> Recorded:
    """Claim that something was resolved; the claim proves nothing by itself."""
    now = asking.rooms.clock.now()
    request = OpenCase(
        origin="claim",
        owner=body.owner or asking.caller.member,
        fingerprint=("claim", body.award_kind, body.subject.kind, body.subject.id),
        onset=body.onset or now,
        detected_at=now,
        award_kind=body.award_kind,
        policy=body.policy,
        subject=subject_of(asking, body.subject),
        note=body.note,
        value=money_of(body.value),
        concerns=(asking.caller.member,),
        suggestion=body.suggestion.to_suggestion(),
    )
    return await tell(asking, await asking.rooms.desk.open_case(asking.who, asking.key, request))


@router.post("/cases/{case}/owner", operation_id="assign_owner")
async def assign_owner(case: IdInPath, body: OwnerNamed, asking: Works) -> Recorded:
    """Give the case to somebody else."""
    request = AssignOwner(case, body.owner, body.reason_code)
    return await tell(asking, await asking.rooms.desk.assign_owner(asking.who, asking.key, request))


@router.post("/cases/{case}/acknowledge", operation_id="acknowledge_case")
async def acknowledge_case(case: IdInPath, body: Acknowledged, asking: Works) -> Recorded:
    """Say that the owner has seen it."""
    request = Acknowledge(case, body.until)
    return await tell(asking, await asking.rooms.desk.acknowledge(asking.who, asking.key, request))


@router.post("/cases/{case}/notes", operation_id="add_note", status_code=201)
async def add_note(case: IdInPath, body: NoteWritten, asking: Works) -> Recorded:
    """Add a remark."""
    return await tell(
        asking, await asking.rooms.desk.add_note(asking.who, asking.key, AddNote(case, body.note))
    )


# ---------------------------------------------------------------------------------------------- what should be done
@router.post("/cases/{case}/proposals", operation_id="propose", status_code=201)
async def propose(
    case: IdInPath, body: SuggestionMade, asking: Annotated[Asking, need_to_write("case.propose")]
) -> Recorded:
    """Say what should be done; a later proposal replaces an earlier one."""
    request = Propose(case, body.action, body.text, money_of(body.value), tuple(body.flags))
    return await tell(asking, await asking.rooms.desk.propose(asking.who, asking.key, request))


@router.post(
    "/cases/{case}/decisions", operation_id="decide", status_code=201, responses={412: PROBLEM_RESPONSES[409]}
)
async def decide(
    case: IdInPath,
    body: DecisionMade,
    asking: Annotated[Asking, need_to_write("case.decide")],
    if_match: Annotated[str | None, Header(max_length=200, description="The ETag of the card.")] = None,
) -> Recorded:
    """Decide over exactly what the card showed; anything changed since needs a new card."""
    if if_match is None:
        raise BadRequest(
            "if_match_missing", "expected If-Match with the ETag of the card, got none", status=428
        )
    if if_match != basis_tag(body.token):
        raise BadRequest("if_match_differs", "expected the ETag of the card whose token is given", status=412)
    signed = None if body.passkey is None else PasskeySigned(**body.passkey.model_dump())
    request = replace(meant(case, body, asking), passkey=signed)
    return await tell(asking, await asking.rooms.desk.decide(asking.who, asking.key, request))


def meant(case: str, body: DecisionMeant, asking: Asking) -> Decide:
    """Return a decision as the desk takes it. Raises BadRequest, TokenInvalid: the token is not one of this case."""
    if open_token(asking.rooms.keys.decision_token, body.token)["case"] != case:
        raise BadRequest("token_of_another_case", f"expected the token of a card of {case}", field="/token")
    return Decide(
        token=body.token,
        verb=body.verb,
        beneficiaries=tuple(body.beneficiaries),
        amount_tokens=body.amount_tokens,
        budget=body.budget,
        reason_code=body.reason_code,
        reason=body.reason,
        message=body.message,
    )


@router.post("/cases/{case}/decisions/{decision}/withdraw", operation_id="withdraw_decision")
async def withdraw_decision(
    case: IdInPath, decision: IdInPath, asking: Annotated[Asking, need_to_write("case.decide")]
) -> Recorded:
    """Undo, by the decider, while nothing followed from it."""
    request = WithdrawDecision(case, decision)
    return await tell(asking, await asking.rooms.desk.withdraw_decision(asking.who, asking.key, request))


@router.post("/cases/{case}/actions", operation_id="take_action", status_code=201)
async def take_action(case: IdInPath, body: ActionTaken, asking: Works) -> Recorded:
    """Say that the approved proposal was carried out by you."""
    request = TakeAction(case, body.proposal, body.note)
    return await tell(asking, await asking.rooms.desk.take_action(asking.who, asking.key, request))


# ---------------------------------------------------------------------------------------------- what shows it
@router.get("/cases/{case}/earlier-records", operation_id="earlier_records")
async def read_earlier_records(
    case: IdInPath, visit: Annotated[Visit, need("case.evidence")]
) -> EarlierRecords:
    """Tell which records knew the customer before the case, for something else: bring one, and it takes one more to
    fake."""
    row = await need_case(visit, case)
    found = await earlier_records(visit.rooms.rows, row)
    return EarlierRecords(
        items=[EarlierRecordTold(**asdict(one)) for one in found if visit.caller.reads(one.kind)]
    )


@router.post("/cases/{case}/evidence/record", operation_id="attach_record", status_code=201)
async def attach_record(
    case: IdInPath, body: RecordShown, asking: Annotated[Asking, need_to_write("case.evidence")]
) -> Recorded:
    """Attach a record of a source, as it is in the vault now."""
    request = await asking.rooms.watching.record_as_evidence(asking.who, case, body.kind, body.record)
    return await tell(asking, await asking.rooms.desk.attach_evidence(asking.who, asking.key, request))


@router.post("/cases/{case}/evidence/file", operation_id="attach_file", status_code=201)
async def attach_file(
    case: IdInPath,
    body: FileShown,
    asking: Annotated[Asking, need_to_write("case.evidence", large_body=True)],
) -> Recorded:
    """Attach a file."""
    try:
        content = base64.b64decode(body.content, validate=True)
    except ValueError as error:
        raise BadRequest("invalid_base64", f"expected base64, got {error}", field="/content") from error
    await asking.rooms.pictures.check_document(content, body.media_type)
    request = upload.file(asking.who, case, content, body.media_type, asking.rooms.clock.now())
    return await tell(asking, await asking.rooms.desk.attach_evidence(asking.who, asking.key, request))


@router.post("/cases/{case}/evidence/statement", operation_id="attach_statement", status_code=201)
async def attach_statement(
    case: IdInPath, body: StatementMade, asking: Annotated[Asking, need_to_write("case.evidence")]
) -> Recorded:
    """Attach a person's word."""
    item = upload.statement(asking.who, case, asking.rooms.clock.now())
    request = replace(item, note=body.statement)  # the words are a note of the case
    return await tell(asking, await asking.rooms.desk.attach_evidence(asking.who, asking.key, request))


@router.post("/cases/{case}/evidence/{evidence}/withdraw", operation_id="withdraw_evidence")
async def withdraw_evidence(
    case: IdInPath,
    evidence: IdInPath,
    body: ReasonGiven,
    asking: Annotated[Asking, need_to_write("case.evidence")],
) -> Recorded:
    """Take back what you submitted; it stays visible."""
    request = WithdrawEvidence(case, evidence, body.reason_code)
    return await tell(asking, await asking.rooms.desk.withdraw_evidence(asking.who, asking.key, request))


@router.post("/cases/{case}/evidence/{evidence}/review", operation_id="review_evidence")
async def review_evidence(
    case: IdInPath,
    evidence: IdInPath,
    body: ReviewMade,
    asking: Annotated[Asking, need_to_write("case.review")],
) -> Recorded:
    """Accept or refuse what somebody else submitted."""
    request = ReviewEvidence(case, evidence, body.result, body.reason_code)
    return await tell(asking, await asking.rooms.desk.review_evidence(asking.who, asking.key, request))


@router.post("/cases/{case}/links", operation_id="issue_link", status_code=201)
async def issue_link(
    case: IdInPath, body: LinkWanted, asking: Annotated[Asking, need_to_write("case.evidence")]
) -> LinkTold:
    """Issue a one-time link by which the customer confirms."""
    if not body.handed_over:  # SETTLED 26: nothing here sends a link, and who sees the token could answer
        expected = "expected true: whoever asks for a link is told it and passes it on, got false"
        raise BadRequest("link_not_sent", f"handed_over: {expected}", field="/handed_over")
    customer = asking.rooms.customer(body.customer)
    request = IssueLink(case, customer, body.until, body.address, body.handed_over, body.address_known_before)
    done = await asking.rooms.desk.issue_link(asking.who, asking.key, request)
    told = await tell(asking, done)
    token = done.secrets.get("token")
    return LinkTold(**told.model_dump(), path=None if token is None else f"/l/{token}")


@router.post("/cases/{case}/outcome", operation_id="record_outcome", status_code=201)
async def record_outcome(case: IdInPath, body: OutcomeMade, asking: Works) -> Recorded:
    """Say what came of it."""
    request = RecordOutcome(case, body.resolution, body.impact, body.note)
    return await tell(asking, await asking.rooms.desk.record_outcome(asking.who, asking.key, request))


# ---------------------------------------------------------------------------------------------- how it ends
@router.post("/cases/{case}/verdicts", operation_id="judge_case", status_code=201)
async def judge_case(case: IdInPath, body: VerdictWanted, asking: Works) -> Recorded:
    """Run the policy's verifier over what is on record now."""
    request = Judge(case, None if body.beneficiaries is None else tuple(body.beneficiaries))
    return await tell(asking, await asking.rooms.desk.judge(asking.who, asking.key, request))


@router.post("/cases/{case}/clear", operation_id="clear_case")
async def clear_case(
    case: IdInPath, body: ReasonGiven, asking: Annotated[Asking, need_to_write("case.close")]
) -> Recorded:
    """Say that the condition went away by itself; nobody is credited."""
    request = CaseStep(case, body.reason_code)
    return await tell(asking, await asking.rooms.desk.clear(asking.who, asking.key, request))


@router.post("/cases/{case}/reopen", operation_id="reopen_case")
async def reopen_case(case: IdInPath, body: ReasonGiven, asking: Works) -> Recorded:
    """Say that it is back; a live award is held."""
    request = CaseStep(case, body.reason_code)
    return await tell(asking, await asking.rooms.desk.reopen(asking.who, asking.key, request))


@router.post("/cases/{case}/close", operation_id="close_case")
async def close_case(
    case: IdInPath, body: ReasonGiven, asking: Annotated[Asking, need_to_write("case.close")]
) -> Recorded:
    """Say that nothing is left to do."""
    request = CaseStep(case, body.reason_code)
    return await tell(asking, await asking.rooms.desk.close(asking.who, asking.key, request))
