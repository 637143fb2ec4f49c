"""What lies between a door and the use cases of joining: what was typed is checked and hashed, what is secret is keyed.

Doors of the API and pages alike call these. A password never reaches a command: its slow hash does. The digest that
tells a retry from another request is an HMAC under the vault's key, because the plain one of a body with a PIN in it
could be turned back by trying a million.
"""

from __future__ import annotations

from dataclasses import dataclass

from api import tables as own
from api.installation import Installation
from api.problems import BadRequest, NotFound
from api.rooms import Rooms
from api.scope import Row, first_owner
from api.tries import PER_ACCOUNT
from casework import chosen, people, tables
from casework.intake import Done, RequestKey
from casework.joining_requests import Chosen, SetSignIn, UseInvite
from casework.joining_rules import ISSUED
from casework.passkeys import ENDED
from casework.requests import Principal
from ledger.codec import loads

JOIN_PATH = "/join/"
"""Where the page of an invite lies; its token follows."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed to sign in with from now on; None: not given."""

    name: str | None = None
    password: str | None = None
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an open invite shows to whoever holds it: no ids, no addresses, nothing of anybody else."""

    organisation: str
    invited_by: str | None
    name: str | None
    roles: list[str]
    sign_in: str | None
    until: str
    how: str
    passkeys: int  # that end with its use


async def find_invite(installation: Installation, token: str) -> tuple[Rooms, Row]:
    """Return the rooms of the organisation that gave an invite, and its row while it waits.

    Raises:
        NotFound: none, used, ended, expired, or one that its giver could not give today: all read the same.
    """
    row = await installation.holders.invite(token)
    if row is None or row["state"] != ISSUED or row["until"] <= installation.clock.now():
        raise NotFound("invite", "(not repeated)")
    rooms = await installation.rooms(row["log"])
    if not await rooms.joining.is_worth_something(row):
        raise NotFound("invite", "(not repeated)")
    return rooms, row


async def invitation(rooms: Rooms, row: Row) -> Invitation:
    """Return what an invite shows."""
    rows = rooms.rows
    member = await rows.need("invite", tables.member, member=row["member"])
    names = await rows.find(tables.member_name, {"member": [row["member"], row["issued_by"]]})
    named = {one["member"]: one["name"] for one in names}
    kept = await rows.one(own.sign_in, member=row["member"])
    held = await rows.find(tables.passkey, {"member": row["member"]})
    return Invitation(
        organisation=await organisation_name(rooms),
        invited_by=named.get(row["issued_by"]),
        name=named.get(row["member"]),
        roles=list(people.roles(member)),
        sign_in=None if kept is None else str(kept["name"]),
        until=row["until"],
        how=row["how"],
        passkeys=sum(one["state"] != ENDED for one in held),
    )


async def organisation_name(rooms: Rooms) -> str:
    """Return what the organisation calls itself (setting `name`), or the readable part of its log's origin."""
    row = await rooms.rows.one(tables.setting, name="name")
    if row is not None:
        return str(loads(row["value"]))
    return people.readable(rooms.log)


async def use_invite(installation: Installation, rooms: Rooms, row: Row, typed: Typed) -> Done:
    """Join by an invite; every session of the member ends.

    Raises:
        Refused: invite_closed, name_taken, value_invalid, and as chosen.py says.
    """
    name = await _check(rooms, row["member"], typed)
    request = UseInvite(row["member"], row["invite"], Chosen(name, *await _hashed(installation, typed)))
    secret = rooms.vault.fingerprint("request", name or "", typed.password or "", typed.pin or "")
    return await rooms.joining.use_invite(RequestKey.of(f"invite:{row['invite']}", secret), request)


async def set_sign_in(
    installation: Installation, rooms: Rooms, who: Principal, key: RequestKey, member: str, typed: Typed
) -> Done:
    """Change how a member signs in. Raises Refused: as Joining.set_sign_in and chosen.py say."""
    name = await _check(rooms, member, typed)
    request = SetSignIn(member, Chosen(name, *await _hashed(installation, typed)))
    return await rooms.joining.set_sign_in(who, keyed(rooms, key), request)


async def check_current(installation: Installation, rooms: Rooms, member: str, current: str | None) -> None:
    """Check the password that is in force before it may be changed, where there is one.

    Raises:
        BadRequest: it is another one, or none was given. TooManyTries.
    """
    row = await rooms.rows.one(own.sign_in, member=member)
    if row is None or row["password_hash"] is None:
        return
    await installation.tries.need(PER_ACCOUNT, "current", rooms.log, member)
    if current is None or not await installation.passwords.check(current, row["password_hash"]):
        raise BadRequest(
            "password_wrong", "expected the password in force, got another or none", field="/current", status=403
        )  # fmt: skip


def keyed(rooms: Rooms, key: RequestKey) -> RequestKey:
    """Return an idempotency key whose digest nobody can try passwords against without the vault's key."""
    return RequestKey.of(str(key), rooms.vault.fingerprint("request", key.digest))


async def find_owner(rooms: Rooms, named: str | None) -> str:
    """Return the one active owner of this id or name; of None the one who joined first.

    Raises:
        NotFound: none. BadRequest: several owners have this name.
    """
    if named is None:
        return await first_owner(rooms.rows)
    rows = await rooms.rows.find(tables.member, {"active": 1})
    owners = {row["member"] for row in rows if people.OWNER in people.roles(row)}
    names = await rooms.rows.find(tables.member_name)
    found = {row["member"] for row in names if row["name"].casefold() == named.casefold()} & owners
    found |= {named} & owners
    if len(found) > 1:
        raise BadRequest("ambiguous_name", f"expected one owner of this name, got {', '.join(sorted(found))}")
    if not found:
        raise NotFound("owner", named)
    return str(found.pop())


async def _check(rooms: Rooms, member: str, typed: Typed) -> str | None:
    """Check what was typed and return the name as it is kept. Raises Refused: value_invalid."""
    name = None if typed.name is None else chosen.sign_in_name(typed.name)
    if typed.password is not None:
        known = await rooms.rows.one(tables.member_name, member=member)
        kept = await rooms.rows.one(own.sign_in, member=member)
        at_hand = (
            name,
            None if known is None else str(known["name"]),
            None if kept is None else str(kept["name"]),
            await organisation_name(rooms),
        )
        chosen.check_password(typed.password, at_hand)
    if typed.pin is not None:
        chosen.check_pin(typed.pin)
    return name


async def _hashed(installation: Installation, typed: Typed) -> tuple[str | None, str | None]:
    passwords = installation.passwords
    password = None if typed.password is None else await passwords.hash(typed.password)
    return password, None if typed.pin is None else await passwords.hash(typed.pin)
