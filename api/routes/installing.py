"""The operator's door: new organisations. The operator is whoever can read the data folder (api/remote.py)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from api.bodies import Door
from api.permissions import OPERATOR
from api.problems import NotSignedIn
from api.routes.shapes import Asked, Name, Told
from casework import tables

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["operator"], include_in_schema=False)


class OrganisationWanted(Asked):
    """A new organisation and its owner. `simulated`: a demo whose origin ends in `.invalid`."""

    name: Name
    owner_name: Name
    simulated: bool = False


class OrganisationTold(Told):
    """The new log, its owner, and the owner's key, told here and never again."""

    log: str
    member: str
    key: str


class Operator:
    """Lets only whoever holds this process's operator token through."""

    permission = OPERATOR

    async def __call__(
        self,
        request: Request,
        token: Annotated[str | None, Header(alias="X-Operator-Token", max_length=200)] = None,
    ) -> None:
        if not request.app.state.is_operator(token):
            raise NotSignedIn("expected the X-Operator-Token of this data folder, got another or none")


operator = Depends(Operator())


@router.post("/organisations", status_code=201, dependencies=[operator])
async def open_organisation(body: OrganisationWanted, request: Request) -> OrganisationTold:
    """Open a new organisation."""
    opened = await request.app.state.installation.open_organisation(
        body.name, body.owner_name, body.simulated
    )
    return OrganisationTold(log=opened.log, member=opened.member, key=opened.key)


@router.get("/organisations", dependencies=[operator])
async def list_organisations(request: Request) -> list[dict[str, str | int]]:
    """List the organisations of this installation with their size in entries and members."""
    installation = request.app.state.installation
    found: list[dict[str, str | int]] = []
    for log in await installation.logs():
        rooms = await installation.rooms(log)
        size = (await rooms.reader.head()).size
        found.append({"log": log, "entries": size, "members": await rooms.rows.count(tables.member)})
    return found
