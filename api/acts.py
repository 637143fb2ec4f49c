"""Shared devices: who is shown there, and one act for a first name and a PIN. Doors of the API and pages call these.

What the act may be is permissions.DEVICE_ACTS; how it is used up stands in docs/adr/0009.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api import tables as own
from api.installation import Installation
from api.problems import NotAllowed, NotSignedIn
from api.rooms import Rooms
from api.scope import Row
from api.tries import PER_DEVICE
from casework import device_rules, people, tables
from casework.joining_requests import TryPin

DEVICE_COOKIE = "__Host-device"
DEVICE_DAYS = 400
"""The longest that browsers keep a cookie (RFC 6265bis)."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act, granted until then; `token` is told here and never again."""

    token: str
    until: str
    member: str
    name: str


async def find_device(installation: Installation, token: str | None) -> tuple[Rooms, Row]:
    """Return the rooms of the organisation that shared a device, and its row while it is shared.

    Raises:
        NotSignedIn: no token, or one of no device that is shared now.
    """
    row = None
    if token is not None:
        row = await installation.holders.device(token, installation.clock.now())
    if row is None:
        raise NotSignedIn("expected the token of a device that is shared, got none or another")
    return await installation.rooms(row["log"]), row


async def people_here(rooms: Rooms) -> dict[str, str]:
    """Return member id -> what a shared device calls them: people who work here and have a PIN, by name."""
    with_pin = {row["member"] for row in await rooms.rows.find(own.sign_in) if row["pin_hash"] is not None}
    rows = await rooms.rows.find(tables.member, {"active": 1})
    here = {row["member"] for row in rows if device_rules.HERE_ROLES & set(people.roles(row))} & with_pin
    names = await rooms.rows.find(tables.member_name)
    shown = device_rules.shown_names({row["member"]: row["name"] for row in names if row["member"] in here})
    return dict(sorted(shown.items(), key=lambda one: (one[1].casefold(), one[0])))


async def grant(installation: Installation, rooms: Rooms, device: Row, member: str, pin: str) -> Act:
    """Grant one act for a PIN.

    Raises:
        NotAllowed: `pin_wrong`, or `pin_locked` until some minutes have passed or a new PIN is set. Somebody who is not
            shown reads as a wrong PIN. TooManyTries: too many from this device.
    """
    await installation.tries.need(PER_DEVICE, "device", device["device"])
    shown = await people_here(rooms)
    row = await rooms.rows.one(own.sign_in, member=member) if member in shown else None
    right = await installation.passwords.check(pin, None if row is None else row["pin_hash"])
    if row is None:
        raise _refused(device_rules.WRONG)
    key = f"pin:{installation.entropy.token(16).hex()}"
    done = await rooms.joining.try_pin(key, TryPin(device["device"], member, right, row["pin_hash"]))
    told: Mapping[str, Any] = done.outcome.result
    if told["pin"] != device_rules.RIGHT:
        raise _refused(told["pin"])
    return Act(done.secrets["token"], done.secrets["until"], member, shown[member])


def _refused(said: str) -> NotAllowed:
    if said == device_rules.LOCKED:
        minutes = device_rules.PIN_LOCK_MINUTES
        return NotAllowed(
            "pin_locked", f"too many wrong PINs; it works again in {minutes} minutes, or with a new PIN"
        )
    return NotAllowed("pin_wrong", "expected the PIN of this person, got another")
