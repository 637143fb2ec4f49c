"""One search for exceptions, people and awards. It finds nothing that the caller could not open by its own door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.bodies import Door
from api.identity import Visit, need
from api.permissions import role_for
from api.problems import PROBLEM_RESPONSES
from api.routes.shapes import Told
from api.scope import Row, Scoped
from casework import cases, tables
from casework.similar import holds
from ledger.codec import loads

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["search"], responses=PROBLEM_RESPONSES)

ROWS_READ_MAX = 200
"""Cases and awards that one search opens, the latest first: their words are sealed, so no index can hold them."""
FOUND_MAX = 10
ASKED_CHARS_MAX = 100


class CaseFound(Told):
    """An exception; `said` is the sentence it was opened with."""

    case: str
    said: str
    state: str
    opened_at: str
    ended: bool


class PersonFound(Told):
    """Somebody who is or was here."""

    member: str
    name: str
    roles: list[str]
    active: bool


class AwardFound(Told):
    """An award; `message` is the thank-you sentence."""

    award: str
    case: str
    message: str | None
    members: list[str]
    state: str
    granted_at: str


class Found(Told):
    """At most ten of each, the latest first; what the caller's role may not read is empty."""

    cases: list[CaseFound]
    people: list[PersonFound]
    awards: list[AwardFound]


@router.get("/search", operation_id="search")
async def search(
    visit: Annotated[Visit, need("case.read")],
    q: Annotated[str, Query(min_length=2, max_length=ASKED_CHARS_MAX)],
) -> Found:
    """Find exceptions by their words, people by their names, awards by sentence and name; beginnings of words do."""
    names = {row["member"]: row["name"] for row in await visit.rooms.rows.find(tables.member_name)}
    return Found(
        cases=await _cases(visit, q),
        people=await _people(visit, q, names) if _may(visit, "member.read") else [],
        awards=await _awards(visit, q, names) if _may(visit, "award.read") else [],
    )


def _may(visit: Visit, permission: str) -> bool:
    return role_for(permission, visit.caller.roles) is not None


async def _cases(visit: Visit, asked: str) -> list[CaseFound]:
    rows = visit.rooms.rows
    latest = await rows.find(tables.case_file, order="opened_seq", limit=ROWS_READ_MAX)
    shown = [row for row in latest if visit.caller.reads(row["subject_kind"])]
    texts = await _opened(rows, shown, ("note_item", "facts_item", "subject_item"))
    hits = [row for row in shown if row["case"] == asked or holds(_words(texts, row), asked)]
    return [
        CaseFound(
            case=row["case"],
            said=str(texts.get(row["note_item"]) or ""),
            state=row["state"],
            opened_at=row["opened_at"],
            ended=row["state"] in cases.ENDED,
        )
        for row in hits[:FOUND_MAX]
    ]


def _words(texts: Mapping[str, Any], row: Row) -> str:
    """Return what a case may be found by: its sentence, what was measured, the record it is about; never a customer,
    who stands there as a pseudonym only."""
    said = [str(texts.get(row["note_item"]) or "")]
    facts = texts.get(row["facts_item"])
    said += [str(value) for value in facts.values()] if isinstance(facts, dict) else []
    subject = texts.get(row["subject_item"])
    said += [str(subject.get("id"))] if isinstance(subject, dict) else []
    return " ".join(said)


async def _people(visit: Visit, asked: str, names: Mapping[str, str]) -> list[PersonFound]:
    members = sorted(await visit.rooms.rows.find(tables.member), key=lambda row: -int(row["seq"]))
    hits = [row for row in members if row["member"] in names and holds(names[row["member"]], asked)]
    return [
        PersonFound(
            member=row["member"],
            name=names[row["member"]],
            roles=loads(row["roles"]),
            active=bool(row["active"]),
        )
        for row in hits[:FOUND_MAX]
    ]


async def _awards(visit: Visit, asked: str, names: Mapping[str, str]) -> list[AwardFound]:
    """Awards of everybody for those who read the accounts; for others their own: nobody's total can be pieced together
    from a search."""
    rows = visit.rooms.rows
    latest = await rows.find(tables.award, order="seq", limit=ROWS_READ_MAX)
    ids = [row["award"] for row in latest]
    held: dict[str, list[str]] = {award: [] for award in ids}
    for share in await rows.find(tables.award_share, {"award": ids}) if ids else []:
        held[share["award"]].append(share["member"])
    if not _may(visit, "account.read"):
        latest = [row for row in latest if visit.caller.member in held[row["award"]]]
    texts = await _opened(rows, latest, ("message_item",))

    def words(row: Row) -> str:
        people = (names.get(member, "") for member in held[row["award"]])
        return " ".join((str(texts.get(row["message_item"]) or ""), *people))

    hits = [row for row in latest if row["award"] == asked or holds(words(row), asked)]
    return [
        AwardFound(
            award=row["award"],
            case=row["case"],
            message=texts.get(row["message_item"]),
            members=held[row["award"]],
            state=row["state"],
            granted_at=row["granted_at"],
        )
        for row in hits[:FOUND_MAX]
    ]


async def _opened(rows: Scoped, of: Iterable[Row], columns: tuple[str, ...]) -> dict[str, Any]:
    """Return commitment -> value of these columns; an erased one is None."""
    return await rows.open_all(row[column] for row in of for column in columns if row[column] is not None)
