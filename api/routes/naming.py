"""What people are called in the records of other systems: whose name it is, and which names nobody is known by."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import tell
from api.routes.shapes import Asked, Id, IdInPath, Name, Page, Recorded, Told
from api.whose import known, unknown
from casework import tables
from casework.requests import LinkAccount

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["people"], responses=PROBLEM_RESPONSES)


class AccountNamed(Asked):
    """A source's name for a person, letter by letter as its records have it, and who that is; null: nobody here any
    more."""

    source: Id
    account: Name
    member: Id | None


class NamesTold(Told):
    """The names of people in a source's records: `known` are somebody's, `unknown` nobody's yet."""

    known: list[dict[str, Any]]
    unknown: list[dict[str, Any]]


@router.post("/accounts", operation_id="link_account", status_code=201)
async def link_account(
    body: AccountNamed, asking: Annotated[Asking, need_to_write("account.link")]
) -> Recorded:
    """Say whom a source means by a name; never where it is, was or would be one's own."""
    request = LinkAccount(body.source, body.account, body.member)
    return await tell(asking, await asking.rooms.office.link_account(asking.who, asking.key, request))


@router.get("/sources/{source}/names", operation_id="list_names")
async def list_names(source: IdInPath, visit: Annotated[Visit, need("account.link")]) -> NamesTold:
    """List whose names are known, and which stand in the latest 1,000 records and are nobody's yet, with how often."""
    row = await visit.rooms.rows.need("source", tables.source, source=source)
    there = await known(visit.rooms.rows, source=source)
    others = await unknown(visit.rooms, row)
    return NamesTold(known=[one.told() for one in there], unknown=[one.told() for one in others])


@router.get("/me/names", operation_id="read_my_names")
async def read_my_names(visit: Annotated[Visit, need("me.read")]) -> Page:
    """List what the caller is called in the records of other systems, and who said so."""
    found = await known(visit.rooms.rows, member=visit.caller.member)
    return Page(items=[{"source": one.source, **one.told()} for one in found], next_cursor=None)
