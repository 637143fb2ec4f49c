"""The operator's door: new organisations, and owners who are locked out. The operator is whoever can read the data
folder (api/remote.py)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request

from api.bodies import Door
from api.joining import JOIN_PATH, find_owner
from api.permissions import OPERATOR
from api.problems import NotFound, NotSignedIn
from api.routes.shapes import ID_CHARS_MAX, Asked, Name, Told
from casework import tables
from casework.joining import THE_OPERATOR
from casework.joining_requests import Invite, RecoverOwner

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["operator"], include_in_schema=False)


LogInPath = Annotated[str, Path(max_length=ID_CHARS_MAX, pattern=r"^[a-z0-9.-]+$")]


class OrganisationWanted(Asked):
    """A new organisation and its owner. `simulated`: a demo whose origin ends in `.invalid`. `invite`: the owner gets
    an invite too, to sign in to the pages."""

    name: Name
    owner_name: Name
    simulated: bool = False
    invite: bool = False


class OrganisationTold(Told):
    """The new log, its owner, the owner's key and the path of the invite, told here and never again."""

    log: str
    member: str
    key: str
    invite: str | None = None


class OwnerLocked(Asked):
    """Which owner is let in again, by id or name; None: whoever became an owner first."""

    member: Name | None = None


class OwnerRecovered(Told):
    """The owner, and the path of the invite, told here and never again."""

    member: str
    invite: str
    until: str


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
    path = None
    if body.invite:
        rooms = await request.app.state.installation.rooms(opened.log)
        first = Invite(opened.member, how="first_run")
        done = await rooms.joining.invite(THE_OPERATOR, "first-invite", first)
        path = JOIN_PATH + done.secrets["token"]
    return OrganisationTold(log=opened.log, member=opened.member, key=opened.key, invite=path)


@router.post("/organisations/{log}/owners/recover", status_code=201, dependencies=[operator])
async def recover_owner(log: LogInPath, body: OwnerLocked, request: Request) -> OwnerRecovered:
    """Let an owner in again: an invite for an hour, on record. Sessions end now, the sign-in when it is used."""
    installation = request.app.state.installation
    if log not in await installation.logs():
        raise NotFound("organisation", log)
    rooms = await installation.rooms(log)
    member = await find_owner(rooms, body.member)
    asked = RecoverOwner(member)
    done = await rooms.joining.recover(f"recover:{installation.entropy.token(16).hex()}", asked)
    return OwnerRecovered(
        member=member, invite=JOIN_PATH + done.secrets["token"], until=done.secrets["until"]
    )


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
