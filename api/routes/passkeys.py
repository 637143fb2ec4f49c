"""Passkeys: enrol one's own, confirm another person's, end one; have a decision prepared for signing."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api import passkeys as doors
from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import tell
from api.routes.cases import DecisionMeant, meant
from api.routes.shapes import Asked, Code, IdInPath, Page, Recorded, Token, Told
from api.scope import Row, Scoped
from casework import authority, passkeys, people, tables, tokens
from casework.errors import refuse
from casework.passkey_rules import LEADS
from casework.requests import PasskeyStep
from ledger.codec import loads

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["passkeys"], responses=PROBLEM_RESPONSES)

HOUSE = "Tallystick"
FINGERPRINT_CHARS = 16
Enrols = Annotated[Asking, need_to_write("passkey.write")]


class OptionsTold(Told):
    """What the browser is given (PublicKeyCredential.parseCreationOptionsFromJSON), and the token to answer with."""

    options: dict[str, Any]
    token: str
    expires: str


class PasskeyMade(Asked):
    """The browser's answer: `credential` is PublicKeyCredential.toJSON()."""

    token: Token
    credential: dict[str, Any]


class PasskeyEnding(Asked):
    """Why it ends: lost, replaced, not_needed, not_theirs, ended_by_owner."""

    reason_code: Code


class DecisionPrepared(Told):
    """`options` for PublicKeyCredential.parseRequestOptionsFromJSON; `prepared` goes back with what was signed.

    `digest` (hex) is the challenge: SHA-256 of the decision record.
    """

    options: dict[str, Any]
    prepared: str
    digest: str
    expires: str


# ---------------------------------------------------------------------------------------------- one's own
@router.post("/me/passkeys/options", operation_id="passkey_options")
async def passkey_options(request: Request, asking: Enrols) -> OptionsTold:
    """Begin an enrolment; nothing is stored, no key does it. 409 `address_differs` but on the final address."""
    people.signed_in(asking.who)
    address = doors.check_address(request.app.state.installation.settings, request.headers.get("host"))
    rows, member = asking.rooms.rows, asking.caller.member
    named = await rows.one(tables.member_name, member=member)
    house = await rows.one(tables.setting, name="name")
    offered = doors.enrol_options(
        asking.rooms,
        address,
        member,
        named["name"] if named else member,
        str(loads(house["value"])) if house else HOUSE,
        await rows.find(tables.passkey, {"member": member}),
    )
    return OptionsTold(options=offered.options, token=offered.token, expires=offered.expires)


@router.post("/me/passkeys", operation_id="enrol_passkey", status_code=201)
async def enrol_passkey(body: PasskeyMade, request: Request, asking: Enrols) -> Recorded:
    """Enrol a passkey; it signs in at once, and signs decisions once a second person confirmed it."""
    address = doors.check_address(request.app.state.installation.settings, request.headers.get("host"))
    again = await asking.rooms.intake.is_repeat(asking.who, asking.key)
    made = doors.read_enrolment(
        asking.rooms, address, asking.caller.member, body.token, body.credential, again=again
    )
    return await tell(asking, await asking.rooms.office.enrol_passkey(asking.who, asking.key, made))


@router.get("/me/passkeys", operation_id="list_own_passkeys")
async def list_own_passkeys(visit: Annotated[Visit, need("passkey.read")]) -> Page:
    """List the caller's own passkeys, ended ones too."""
    rows = visit.rooms.rows
    return Page(
        items=await _told(rows, await rows.find(tables.passkey, {"member": visit.caller.member})),
        next_cursor=None,
    )


# ---------------------------------------------------------------------------------------------- everybody's
@router.get("/passkeys", operation_id="list_passkeys")
async def list_passkeys(
    visit: Annotated[Visit, need("passkey.read")],
    waiting: Annotated[bool, Query(description="Only those that the caller may confirm.")] = False,
) -> Page:
    """List passkeys for those who may confirm them. Before confirming, compare the fingerprint with its holder."""
    rows, caller = visit.rooms.rows, visit.caller
    members = {row["member"]: row for row in await rows.find(tables.member)}
    powers = await rows.find(tables.authority, {"member": caller.member})
    if caller.role not in LEADS and not authority.holds_second_person(powers, visit.rooms.clock.now()):
        raise refuse("no_authority", "expected an owner, a manager or a holder of a second_person authority")
    found = await rows.find(tables.passkey)
    if waiting:
        mine = _person(members, caller.member)
        found = [
            row
            for row in found
            if row["state"] == passkeys.WAITING
            and members[row["member"]]["active"]
            and _person(members, row["member"]) != mine
        ]
    return Page(items=await _told(rows, found), next_cursor=None)


@router.post("/passkeys/{passkey}/confirm", operation_id="confirm_passkey")
async def confirm_passkey(
    passkey: IdInPath, asking: Annotated[Asking, need_to_write("passkey.confirm")]
) -> Recorded:
    """Be the second person: say that this passkey is its holder's."""
    request = PasskeyStep(passkey)
    return await tell(asking, await asking.rooms.office.confirm_passkey(asking.who, asking.key, request))


@router.post("/passkeys/{passkey}/end", operation_id="end_passkey")
async def end_passkey(passkey: IdInPath, body: PasskeyEnding, asking: Enrols) -> Recorded:
    """End a passkey: one's own, or as an owner anybody's. What it signed stays signed."""
    request = PasskeyStep(passkey, body.reason_code)
    return await tell(asking, await asking.rooms.office.end_passkey(asking.who, asking.key, request))


# ---------------------------------------------------------------------------------------------- deciding
@router.post("/cases/{case}/decisions/prepare", operation_id="prepare_decision")
async def prepare_decision(
    case: IdInPath,
    body: DecisionMeant,
    request: Request,
    asking: Annotated[Asking, need_to_write("case.decide")],
) -> DecisionPrepared:
    """Derive the decision as it would be recorded, for a passkey to sign; nothing is recorded."""
    address = doors.check_address(request.app.state.installation.settings, request.headers.get("host"))
    made = await asking.rooms.desk.prepare(asking.who, meant(case, body, asking))
    held = [row for row in made.keys if row["rp_id"] == address.rp_id]
    if not held:
        raise refuse(
            "passkey_missing", f"expected a confirmed passkey for {address.rp_id}, got one of another address"
        )
    return DecisionPrepared(
        options=doors.decision_options(address, made.digest, held),
        prepared=made.token,
        digest=made.digest,
        expires=made.expires,
    )


def _person(members: dict[str, Row], member: str) -> str:
    return str(members[member]["same_as"] or member)


async def _told(rows: Scoped, found: list[Row]) -> list[dict[str, Any]]:
    names = {row["member"]: row["name"] for row in await rows.find(tables.member_name)}
    shown = (
        "passkey",
        "member",
        "credential",
        "alg",
        "rp_id",
        "state",
        "enrolled_at",
        "confirmed_by",
        "reason_code",
    )
    return [
        {
            **{name: row[name] for name in shown},
            "name": names.get(row["member"]),
            "fingerprint": fingerprint(row["spki"]),
        }
        for row in found
    ]


def fingerprint(spki: str) -> str:
    """Return what two people compare before one confirms: 16 hex digits of SHA-256 of the public key, in fours."""
    digits = hashlib.sha256(tokens.to_bytes(spki)).hexdigest()[:FINGERPRINT_CHARS]
    return " ".join(digits[at : at + 4] for at in range(0, FINGERPRINT_CHARS, 4))
