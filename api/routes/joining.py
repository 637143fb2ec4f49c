"""Joining by invite, and how one signs in. A door without a key is the invite's own: its token is the key, once.

A token stands in the answer that made it and in the path of its own door, nowhere else: journal and log know the
route's template only.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import Field

from api import tables as own
from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.joining import (
    JOIN_PATH,
    Typed,
    check_current,
    find_invite,
    invitation,
    set_sign_in,
    use_invite,
)
from api.permissions import MANAGER, STAFF
from api.problems import PROBLEM_RESPONSES
from api.roster import CSV_CHARS_MAX, read_roster
from api.routes.answers import plain, tell
from api.routes.people import Role
from api.routes.shapes import Asked, Code, Entries, Id, IdInPath, Name, Page, Recorded, Told
from api.tries import PER_INVITE
from casework import chosen, people, tables
from casework.joining import token_digest
from casework.joining_requests import EndInvite, Invite, InviteAll

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["joining"], responses=PROBLEM_RESPONSES)

TOKEN_CHARS = 64
How = Annotated[str, Field(pattern="^(link|slip)$")]
InviteToken = Annotated[str, Path(pattern=r"^[0-9a-f]+$", min_length=TOKEN_CHARS, max_length=TOKEN_CHARS)]
SecretText = str
"""Not bounded here but by the rule, whose refusal never repeats what was typed; the body itself is bounded."""
Writes = Annotated[Asking, need_to_write("invite.write")]


class InviteWanted(Asked):
    """Who is invited: somebody who joined (`member`), or somebody who joins with it (`name`, `roles`)."""

    member: Id | None = None
    name: Name | None = None
    roles: Annotated[list[Role], Field(max_length=len(people.ROLES))] = []
    how: How = "link"


class InviteTold(Recorded):
    """An invite; `token` and `path` are told once: a repeat of the request tells null."""

    token: str | None
    path: str | None
    until: str | None


class InviteEnded(Asked):
    """Why an invite is taken back."""

    reason_code: Code = "withdrawn"


class SignInChosen(Asked):
    """How somebody signs in from now on: a name, and a password or a PIN of six digits or both."""

    name: Annotated[str, Field(max_length=200)]
    password: SecretText | None = None
    pin: SecretText | None = None


class InvitationTold(Told):
    """What an invite shows: who invites to which organisation, and what is known of the invited."""

    organisation: str
    invited_by: str | None
    name: str | None
    roles: list[str]
    sign_in: str | None
    until: str
    how: str
    passkeys: int
    password_chars_min: int = chosen.PASSWORD_CHARS_MIN
    password_chars_advised: int = chosen.PASSWORD_CHARS_ADVISED
    pin_digits: int = chosen.PIN_DIGITS


class Joined(Told):
    """Somebody has joined, or chosen anew how to sign in."""

    entries: Entries
    member: str


class RosterGiven(Asked):
    """A staff list: CSV with a head row and the columns name, role and perhaps sign_in."""

    csv: Annotated[str, Field(min_length=1, max_length=CSV_CHARS_MAX)]
    how: How = "slip"


class HandTold(Told):
    """One person of the list, with the token of the invite, for a slip."""

    name: str
    role: str
    sign_in: str | None
    member: str
    invite: str
    token: str
    path: str


class RosterTold(Recorded):
    """Everybody of the list, in its order; a repeat of the request tells nobody, because tokens are told once."""

    until: str | None
    people: list[HandTold]


class SignInChanged(Asked):
    """What changes; `current` is the password in force, where there is one."""

    name: Annotated[str, Field(max_length=200)] | None = None
    password: SecretText | None = None
    pin: SecretText | None = None
    current: SecretText | None = None


class SignInTold(Told):
    """How somebody signs in: what is set, never what it is."""

    name: str | None
    password: bool
    pin: bool
    changed_at: str | None


class PinGiven(Asked):
    """A PIN that an owner sets for somebody."""

    pin: SecretText


# ---------------------------------------------------------------------------------------------- invites
@router.get("/invites", operation_id="list_invites")
async def list_invites(visit: Annotated[Visit, need("invite.read")]) -> Page:
    """List invites without their tokens, the latest first."""
    rows = await visit.rooms.rows.find(tables.invite)
    items = [plain(row) for row in sorted(rows, key=lambda row: int(row["seq"]), reverse=True)]
    return Page(items=items, next_cursor=None)


@router.post("/invites", operation_id="invite", status_code=201)
async def invite(body: InviteWanted, asking: Writes) -> InviteTold:
    """Invite somebody, for three days and one use; an earlier invite of theirs ends."""
    request = Invite(body.member, body.name, tuple(body.roles), body.how)
    done = await asking.rooms.joining.invite(asking.who, asking.key, request)
    told, token = await tell(asking, done), done.secrets.get("token")
    path = None if token is None else JOIN_PATH + token
    return InviteTold(**told.model_dump(), token=token, path=path, until=done.secrets.get("until"))


@router.post("/invites/{invite}/end", operation_id="end_invite")
async def end_invite(invite: IdInPath, body: InviteEnded, asking: Writes) -> Recorded:
    """Take an invite back."""
    row = await asking.rooms.rows.need("invite", tables.invite, invite=invite)
    request = EndInvite(row["member"], invite, body.reason_code)
    return await tell(asking, await asking.rooms.joining.end_invite(asking.who, asking.key, request))


@router.post("/members/import", operation_id="import_members", status_code=201)
async def import_members(
    body: RosterGiven, asking: Annotated[Asking, need_to_write("invite.write", large_body=True)]
) -> RosterTold:
    """Let a whole staff list join and invite everybody on it: all of it, or none with every fault by its row."""
    rooms = asking.rooms
    # what a repeat was granted must not be refused now, because its own people have their names
    repeat = await rooms.intake.is_repeat(asking.who, asking.key)
    taken = [] if repeat else [row["name"] for row in await rooms.rows.find(own.sign_in)]
    roles = (STAFF,) if asking.who.role == MANAGER else people.ROLES
    hands = read_roster(body.csv, roles, taken)
    done = await rooms.joining.invite_all(asking.who, asking.key, InviteAll(hands, body.how))
    told, secrets = await tell(asking, done), done.secrets
    listed = [
        HandTold(
            **asdict(hand),
            member=secrets[f"member{n}"],
            invite=secrets[f"invite{n}"],
            token=secrets[f"token{n}"],
            path=JOIN_PATH + secrets[f"token{n}"],
        )
        for n, hand in enumerate(hands)
        if f"token{n}" in secrets
    ]
    return RosterTold(**told.model_dump(), until=secrets.get("until"), people=listed)


# ---------------------------------------------------------------------------------------------- the invite's own door
async def _knock(request: Request, token: str) -> None:
    tries = request.app.state.installation.tries
    await tries.need_from(request)
    await tries.need(PER_INVITE, "invite", token_digest(token))


@router.get("/invites/{token}", operation_id="show_invite")
async def show_invite(token: InviteToken, request: Request) -> InvitationTold:
    """Show who invites to what."""
    await _knock(request, token)
    rooms, row = await find_invite(request.app.state.installation, token)
    return InvitationTold(**asdict(await invitation(rooms, row)))


@router.post("/invites/{token}", operation_id="use_invite", status_code=201)
async def accept_invite(token: InviteToken, body: SignInChosen, request: Request) -> Joined:
    """Choose how to sign in, once; what was set before is replaced and every session of the member ends."""
    await _knock(request, token)
    installation = request.app.state.installation
    rooms, row = await find_invite(installation, token)
    done = await use_invite(installation, rooms, row, Typed(body.name, body.password, body.pin))
    outcome = done.outcome
    entries = Entries(first_seq=outcome.first_seq, count=outcome.count, at=outcome.at)
    return Joined(entries=entries, member=row["member"])


# ---------------------------------------------------------------------------------------------- signing in
@router.get("/me/sign-in", operation_id="read_sign_in")
async def read_sign_in(visit: Annotated[Visit, need("sign_in.read")]) -> SignInTold:
    """Tell how whoever asks signs in."""
    row = await visit.rooms.rows.one(own.sign_in, member=visit.caller.member) or dict[str, Any]()
    return SignInTold(
        name=row.get("name"),
        password=row.get("password_hash") is not None,
        pin=row.get("pin_hash") is not None,
        changed_at=row.get("changed_at"),
    )


@router.post("/me/sign-in", operation_id="change_sign_in")
async def change_sign_in(
    body: SignInChanged, request: Request, asking: Annotated[Asking, need_to_write("sign_in.write")]
) -> Recorded:
    """Change how whoever asks signs in; the password in force is asked for where there is one. No key does this."""
    installation, member = request.app.state.installation, asking.caller.member
    people.signed_in(asking.who)  # before any password is tried by a key
    if not await asking.rooms.intake.is_repeat(asking.who, asking.key):
        await check_current(installation, asking.rooms, member, body.current)
    typed = Typed(body.name, body.password, body.pin)
    done = await set_sign_in(installation, asking.rooms, asking.who, asking.key, member, typed)
    return await tell(asking, done)


@router.post("/members/{member}/pin", operation_id="set_pin")
async def set_pin(
    member: IdInPath,
    body: PinGiven,
    request: Request,
    asking: Annotated[Asking, need_to_write("member.write")],
) -> Recorded:
    """Set somebody's PIN, by an owner; it ends a lock."""
    typed = Typed(pin=body.pin)
    installation = request.app.state.installation
    done = await set_sign_in(installation, asking.rooms, asking.who, asking.key, member, typed)
    return await tell(asking, done)
