"""The right of reply: ask whoever is recognised first, answer, close the question. Rules: casework/disputes.py."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from api.bodies import Door
from api.dossiers import Dossier, dossiers, sees_recognition
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES, NotFound
from api.routes.answers import plain, tell
from api.routes.shapes import Asked, Code, Id, IdInPath, Recorded, Text, Told
from api.scope import Row, Scoped
from casework import tables
from casework.requests import AnswerDispute, CloseDispute, Dispute
from ledger.codec import loads

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["awards"], responses=PROBLEM_RESPONSES)

About = Annotated[str, Field(pattern="^(question|decline|revoke)$")]


class DisputeMade(Asked):
    """A question about a recognition, or an end that is planned, for a coded reason and in words."""

    about: About
    reason_code: Code
    note: Text | None = None


class ReplyMade(Asked):
    """What somebody says who was asked; `member`: whom of those asked it is from, the caller when left out."""

    reply: Text
    member: Id | None = None


class Closing(Asked):
    """Why nothing is taken."""

    reason_code: Code


class DisputesTold(Told):
    """The disputes of one case, in order, each with its words and replies (null: none, or erased)."""

    items: list[dict[str, Any]]


def is_asked(row: Row, member: str) -> bool:
    """Say whether a dispute asks this member."""
    return member in loads(row["members"])


async def seen(visit: Visit, case: str) -> tuple[Dossier, list[Row]]:
    """Return a case and its disputes, for who may see its recognition or was asked.

    Raises:
        NotFound: for everybody else.
    """
    rows, caller = visit.rooms.rows, visit.caller
    found = await rows.need("case", tables.case_file, case=case)
    (dossier,) = await dossiers(rows, [found], with_texts=False)
    asked = sorted(await rows.find(tables.dispute, {"case": case}), key=lambda row: int(row["seq"]))
    mine = any(is_asked(row, caller.member) for row in asked)
    if not mine and not sees_recognition(dossier, caller.member, caller.roles):
        raise NotFound("case", case)
    return dossier, asked


async def told(rows: Scoped, asked: list[Row]) -> list[dict[str, Any]]:
    """Return disputes as data: the row, the words of whoever asked, and what was answered."""
    ids = [row["dispute"] for row in asked]
    answers = await rows.find(tables.dispute_answer, {"dispute": ids}) if ids else []
    items = [row["note_item"] for row in asked] + [row["reply_item"] for row in answers]
    texts = await rows.open_all(item for item in items if item is not None)
    return [
        {
            **plain(row, tables.dispute),
            "members": loads(row["members"]),
            "note": texts.get(row["note_item"] or ""),
            "answers": [
                {"member": one["member"], "at": one["at"], "reply": texts.get(one["reply_item"] or "")}
                for one in sorted(answers, key=lambda one: int(one["seq"]))
                if one["dispute"] == row["dispute"]
            ],
        }
        for row in asked
    ]


@router.get("/cases/{case}/disputes", operation_id="list_disputes")
async def list_disputes(case: IdInPath, visit: Annotated[Visit, need("award.read")]) -> DisputesTold:
    """List what was asked about the recognition of a case, and what was answered."""
    _, asked = await seen(visit, case)
    return DisputesTold(items=await told(visit.rooms.rows, asked))


@router.post("/cases/{case}/disputes", operation_id="dispute_award")
async def dispute_award(
    case: IdInPath, body: DisputeMade, asking: Annotated[Asking, need_to_write("award.dispute")]
) -> Recorded:
    """Ask whoever is recognised about it first: a question, a planned no, a planned end."""
    await asking.rooms.rows.need("case", tables.case_file, case=case)
    request = Dispute(case, body.about, body.reason_code, body.note)
    return await tell(asking, await asking.rooms.desk.dispute(asking.who, asking.key, request))


@router.post("/cases/{case}/disputes/{dispute}/answers", operation_id="answer_dispute")
async def answer_dispute(
    case: IdInPath,
    dispute: IdInPath,
    body: ReplyMade,
    asking: Annotated[Asking, need_to_write("award.dispute")],
) -> Recorded:
    """Answer, as one of those asked; once, and not changed afterwards."""
    await asking.rooms.rows.need("dispute", tables.dispute, case=case, dispute=dispute)
    request = AnswerDispute(case, dispute, body.member or asking.who.id, body.reply)
    return await tell(asking, await asking.rooms.desk.answer_dispute(asking.who, asking.key, request))


@router.post("/cases/{case}/disputes/{dispute}/close", operation_id="close_dispute")
async def close_dispute(
    case: IdInPath,
    dispute: IdInPath,
    body: Closing,
    asking: Annotated[Asking, need_to_write("award.dispute")],
) -> Recorded:
    """Close it: nothing is taken, and what waited goes on."""
    await asking.rooms.rows.need("dispute", tables.dispute, case=case, dispute=dispute)
    request = CloseDispute(case, dispute, body.reason_code)
    return await tell(asking, await asking.rooms.desk.close_dispute(asking.who, asking.key, request))
