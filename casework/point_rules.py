"""Rules of check-in points: who sets one up and ends it, who may doubt it, and what a check-in leaves.

A point has one of three states. `active`: it counts. `doubted`: somebody says that it is not where it belongs; what is
shown there is worth E1 until an owner or a manager registers it anew or ends it. `ended`: nobody checks in there. A
tag's counter goes on through all points with its UID, so that registering it anew revives no old tap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from casework import cases, device_rules, evidence, people
from casework.errors import refuse
from casework.point_requests import (
    END_REASONS,
    METHODS,
    NFC,
    PRINTED,
    REPLACED,
    DoubtPoint,
    EndPoint,
    RegisterPoint,
)
from casework.requests import Asked, AttachEvidence
from casework.views_of_points import DOUBTED, ENDED
from ledger.changes import Change, Delete, Insert, Row
from ledger.commands import Command, Decided, View
from ledger.entries import Draft

POINTS_MAX = 500
"""Points of an organisation that are not ended."""
PLACE_CHARS_MAX = 200
KEPT_GRADES = ("E3", "E4")
"""Of check-ins that a person's next one is compared with."""
UID_CHARS = 14
KEY_CHARS = 32
HEX = "0123456789abcdef"


# ------------------------------------------------------------------------------------------------ points
def registered(view: View, command: Command, at: str) -> Decided:
    """Rule of register_point: an owner or a manager. A doubted point of the same tag or place ends in this command.

    Raises:
        Refused: role_missing, reason_unknown (method), value_invalid (place, uid, keys, one that is there already).
    """
    asked: Asked = command.data
    request: RegisterPoint = asked.request
    device_rules.check_lead(view, asked)
    people.own_device(asked.who)
    check_shape(request.place, request.method, request.uid)
    _check_keys(request)
    there = [row for row in view.scan("point", ()) if row["state"] != ENDED]
    if len(there) >= POINTS_MAX:
        raise refuse("value_invalid", f"expected at most {POINTS_MAX} points, got one more")
    drafts = []
    for row in clashing(there, request.place, request.method, request.uid):
        check_gives_way(row)
        body = {"point": row["point"], "reason_code": REPLACED}
        drafts.append(Draft("point_ended", None, body))
    point = asked.ids["point"]
    told = {"point": point, "place": request.place, "method": request.method, "uid": request.uid}
    drafts.append(Draft("point_registered", None, told, asked.private.commitments, asked.private.opened))
    return Decided(tuple(drafts), asked.private.rows, {"point": point})


def check_shape(place: str, method: str, uid: str | None) -> None:
    """Check what a point says of itself. Raises Refused: reason_unknown, value_invalid."""
    cases.one_of(method, METHODS, "method")
    if not 0 < len(place) <= PLACE_CHARS_MAX:
        raise refuse(
            "value_invalid", f"place: expected 1 to {PLACE_CHARS_MAX} characters, got {len(place)}", "/place"
        )
    if method == NFC and not _is_hex(uid, UID_CHARS):
        got = "none" if uid is None else uid
        raise refuse("value_invalid", f"uid: expected {UID_CHARS} lower-case hex digits, got {got}", "/uid")
    if method != NFC and uid is not None:
        raise refuse("value_invalid", f"uid: expected none for {method}, got one", "/uid")


def _check_keys(request: RegisterPoint) -> None:
    for name, key in (("meta_key", request.meta_key), ("file_key", request.file_key)):
        if request.method == NFC and not _is_hex(key, KEY_CHARS):
            raise refuse(
                "value_invalid", f"{name}: expected {KEY_CHARS} lower-case hex digits, got others", f"/{name}"
            )
        if request.method != NFC and key is not None:
            raise refuse("value_invalid", f"{name}: expected none for {request.method}, got one", f"/{name}")


def _is_hex(value: str | None, size: int) -> bool:
    return value is not None and len(value) == size and not value.strip(HEX)


def clashing(there: Iterable[Row], place: str, method: str, uid: str | None) -> list[Row]:
    """Return the points, of those not ended, that are the same tag or the same place and method."""
    return [
        row
        for row in there
        if row["state"] != ENDED
        and ((uid is not None and row["uid"] == uid) or (row["place"], row["method"]) == (place, method))
    ]


def check_gives_way(row: Row) -> None:
    """Check that a point may be registered anew: one that counts ends first. Raises Refused: value_invalid."""
    if row["state"] != DOUBTED:
        field = "/place" if row["uid"] is None else "/uid"
        raise refuse(
            "value_invalid",
            f"expected a tag, and a place and method, of no other point, got those of {row['point']}; end it first",
            field,
        )


def ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_point: an owner or a manager. Raises Refused: role_missing, point_unknown, reason_unknown."""
    asked: Asked = command.data
    request: EndPoint = asked.request
    device_rules.check_lead(view, asked)
    people.own_device(asked.who)
    in_use(view.get("point", (request.point,)), request.point)
    reason = cases.one_of(request.reason_code, END_REASONS, "reason_code")
    body = {"point": request.point, "reason_code": reason}
    return Decided((Draft("point_ended", None, body),), (), {"point": request.point})


def doubted(view: View, command: Command, at: str) -> Decided:
    """Rule of doubt_point: any person; more than one may say so. Raises Refused: agent_may_not, point_unknown."""
    asked: Asked = command.data
    request: DoubtPoint = asked.request
    people.human(view, asked.who)
    people.own_device(asked.who)
    in_use(view.get("point", (request.point,)), request.point)
    body = {"point": request.point}
    draft = Draft("point_doubted", None, body, asked.private.commitments, asked.private.opened)
    return Decided((draft,), asked.private.rows, {"point": request.point})


def in_use(row: Row | None, point: str) -> Row:
    """Return the row of a point that is not ended. Raises Refused: point_unknown."""
    if row is None or row["state"] == ENDED:
        got = "one that has ended" if row is not None else "none"
        raise refuse("point_unknown", f"expected a check-in point in use, got {got}: {point}", "/point")
    return row


# ------------------------------------------------------------------------------------------------ check-ins
def checked_in(view: View, command: Command, at: str) -> Decided:
    """Rule of check_in: evidence, and of a tag the counter it has reached. `known`: item (AttachEvidence), point (the
    row as it was read), before (last_of the person's row), person (first account), same_tag (points with this UID),
    reuse.

    Raises:
        Refused: point_unknown, tap_replayed, stale (the point or the last check-in changed meanwhile),
            own_device_needed, and as evidence.attached.
    """
    asked: Asked = command.data
    item: AttachEvidence = asked.known["item"]
    people.human(view, asked.who)
    point = str(asked.known["point"]["point"])
    row = in_use(view.get("point", (point,)), point)
    before = view.get("presence", (asked.known["person"],))
    if row["state"] != asked.known["point"]["state"] or last_of(before) != asked.known["before"]:
        raise refuse("stale", "the point was doubted, or you checked in elsewhere, meanwhile; look again")
    check_own_device(row, asked.who.via)
    shown = replace(asked, request=item)
    drafts = [evidence.item_draft(view, shown, item, at)]
    if row["method"] == NFC:
        counter = item.facts["counter"]
        tags = (view.get("point", (one,)) for one in asked.known["same_tag"])
        check_counter(counter, (one for one in tags if one is not None))
        drafts.append(Draft("point_tapped", item.case, {"point": point, "counter": counter}))
    cases.advance(cases.find(view, item.case), *drafts)
    rows = (*asked.private.rows, *evidence.once(view, shown), *_kept(asked, before))
    return Decided(tuple(drafts), rows, {"case": item.case, "evidence": asked.ids["evidence"]})


def last_of(row: Row | None) -> tuple[str, str] | None:
    """Return place and time of a person's last check-in, None where there is none."""
    return None if row is None else (row["place"], row["at"])


def check_own_device(point: Row, via: str) -> None:
    """Check that nobody stands in for anybody by a code on paper at a shared device. Raises Refused: own_device_needed.

    A tag or a screen shows at least that somebody is there now.
    """
    if point["method"] == PRINTED and via == people.DEVICE:
        raise refuse(
            "own_device_needed", "a code on paper: expected the person's own device, got a shared one"
        )


def check_counter(counter: int, same_tag: Iterable[Row]) -> None:
    """Check that a tap is newer than every tap of this tag that counted. Raises Refused: tap_replayed."""
    last = max((row["last_counter"] for row in same_tag if row["last_counter"] is not None), default=-1)
    if counter <= last:
        raise refuse("tap_replayed", f"tap: expected a counter above {last}, got {counter}; tap once more")


def _kept(asked: Asked, before: Row | None) -> tuple[Change, ...]:
    """Return what the next check-in of this person is compared with.

    One that comes in late replaces no newer one, and one that shows little replaces none: a photo of a code on paper
    would else wipe out where somebody was. A phone's clock that is ahead counts as ours.
    """
    item: AttachEvidence = asked.known["item"]
    at = min(item.facts["at"], item.received_at)
    if item.grade not in KEPT_GRADES or (before is not None and before["at"] > at):
        return ()
    row = {"member": asked.known["person"], "place": item.facts["place"], "at": at}
    return (Delete("presence", (row["member"],)), Insert("presence", row))
