"""Rules of shared devices: who sets one up, and one act on it for a first name and a PIN.

What may be done there is short (KINDS): report, note, evidence, taking on and doing what is one's own. Nobody's
recognition and no decision; an entry made there says `device` as the door it came through, evidence included.
Tries of a PIN are counted inside the writer, right ones too, so that many guesses at once are no way around the count.
"""

from __future__ import annotations

from collections.abc import Mapping

from casework import people
from casework.errors import refuse
from casework.joining_requests import EndDevice, ShareDevice, TryPin
from casework.requests import Asked
from ledger.changes import Change, Delete, Insert
from ledger.commands import Command, Decided, View
from ledger.entries import Draft

DEVICE_ROLES = (people.OWNER, people.MANAGER)
HERE_ROLES = frozenset({people.OWNER, people.MANAGER, "staff"})
"""Whose names a shared device shows."""
KINDS = frozenset({
    "case_opened", "owner_assigned", "note_added", "evidence_attached", "point_tapped", "acknowledged", "action_taken",
})  # fmt: skip
"""What may be written from a shared device; an owner is assigned there only by the opening itself."""
PIN_TRIES_MAX = 5
PIN_LOCK_MINUTES = 15
RIGHT, WRONG, LOCKED = "right", "wrong", "locked"


def device_shared(view: View, command: Command, at: str) -> Decided:
    """Rule of share_device: an owner or a manager. `known`: secret_digest.

    Raises:
        Refused: role_missing, value_invalid (until).
    """
    asked: Asked = command.data
    request: ShareDevice = asked.request
    check_lead(view, asked)
    if request.until is not None and request.until <= at:
        raise refuse("value_invalid", f"until: expected after {at}, got {request.until}", "/until")
    device = asked.ids["device"]
    body = {"device": device, "secret_digest": asked.known["secret_digest"], "until": request.until}
    draft = Draft("device_shared", None, body, asked.private.commitments, asked.private.opened)
    return Decided((draft,), asked.private.rows, {"device": device})


def device_ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_device: an owner or a manager. Raises Refused: role_missing, device_ended."""
    asked: Asked = command.data
    request: EndDevice = asked.request
    check_lead(view, asked)
    row = view.get("device", (request.device,))
    if row is None or not row["active"]:
        raise refuse("device_ended", f"expected a shared device, got {request.device}")
    return Decided((Draft("device_ended", None, {"device": request.device}),), (), {"device": request.device})


def check_lead(view: View, asked: Asked) -> None:
    """Check that an owner or a manager acts. Raises Refused: role_missing, and as people.human."""
    people.human(view, asked.who)
    if asked.who.role not in DEVICE_ROLES:
        raise refuse("role_missing", f"expected the role owner or manager, got {asked.who.role}")


def pin_tried(view: View, command: Command, at: str) -> Decided:
    """Rule of try_pin: no entry. A right PIN grants one act, the fifth wrong one in a row locks it for a while.

    `known`: locked_until (15 minutes from now), act {act, digest, until}. The result says `pin`: right, wrong or
    locked; while it is locked a right one counts for nothing.

    Raises:
        Refused: device_ended, member_inactive.
    """
    asked: Asked = command.data
    request: TryPin = asked.request
    device, member = view.get("device", (request.device,)), view.get("member", (request.member,))
    if device is None or not device["active"] or (device["until"] is not None and device["until"] <= at):
        raise refuse("device_ended", "expected a device that is shared")
    if member is None or not member["active"]:
        raise refuse("member_inactive", f"expected an active member, got {request.member}")
    tries = view.get("pin_tries", (request.member,))
    locked_until = None if tries is None else tries["locked_until"]
    if locked_until is not None and locked_until > at:
        return Decided((), (), {"pin": LOCKED})
    forget = Delete("pin_tries", (request.member,))
    kept = view.get("sign_in", (request.member,))
    if request.right and kept is not None and kept["pin_hash"] == request.pin_hash:
        act = {"member": request.member, "device": request.device, **asked.known["act"]}
        granted: tuple[Change, ...] = (Delete("act", (request.member,)), Insert("act", act))
        return Decided((), (forget, *granted), {"pin": RIGHT})
    wrong = 1 + (0 if tries is None or locked_until is not None else tries["wrong"])
    until = asked.known["locked_until"] if wrong >= PIN_TRIES_MAX else None
    row = {"member": request.member, "wrong": wrong, "locked_until": until}
    return Decided((), (forget, Insert("pin_tries", row)), {"pin": LOCKED if until is not None else WRONG})


def shown_names(names: Mapping[str, str]) -> dict[str, str]:
    """Return what a shared device calls people: first names; where two are the same, as much more as tells them
    apart. Member id -> name."""
    shown = {member: _short(name, 0) for member, name in names.items()}
    longest = max((len(name) for name in names.values()), default=0)
    for size in range(1, longest + 1):
        said = [name.rstrip(".") for name in shown.values()]
        shown |= {
            member: _short(names[member], size)
            for member, name in shown.items()
            if said.count(name.rstrip(".")) > 1
        }
    return shown


def _short(name: str, size: int) -> str:
    """Return the first name and `size` letters of the last."""
    first, *rest = name.split() or [name]
    last = rest[-1] if rest and size else ""
    return f"{first} {last[:size]}{'.' if len(last) > size else ''}" if last else first
