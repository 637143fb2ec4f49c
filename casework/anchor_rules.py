"""Rules of anchors: an owner opens, supersedes and closes them; what they hold only the system writes down.

    open -> open            checkpoint_anchored, of a size above the last one
    open -> superseded      by another anchor that is open
    open -> closed

Nothing follows the end of an anchor. An entry says what was shown to the server; that a receipt holds, and that the
record at that size has that root, is for the audit to find again (casework/audit_anchors.py, ledger/audit_anchored.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework import cases, people
from casework.anchor_requests import REASONS, CloseAnchor, OpenAnchor, RecordAnchored, SupersedeAnchor
from casework.errors import refuse
from casework.requests import Asked
from casework.views_of_anchors import OPEN
from ledger.anchors.places import check_place, check_receipt_shape, same_place
from ledger.anchors.protocol import EVM, TYPES
from ledger.changes import Row
from ledger.commands import Command, Decided, View
from ledger.entries import SYSTEM, Draft
from ledger.errors import EntryInvalid

ANCHORS_MAX = 8
"""Anchors of an organisation that are open at once."""
ID_CHARS = 36
"""Of a UUID's text."""


def opened(view: View, command: Command, at: str) -> Decided:
    """Rule of open_anchor: an owner, on their own device. The needs name all anchors.

    Raises:
        Refused: role_missing, own_device_needed, reason_unknown (type), value_invalid (place, id, too many),
            anchor_known.
    """
    asked: Asked = command.data
    request: OpenAnchor = asked.request
    people.owner(view, asked.who)
    people.own_device(asked.who)
    anchor = asked.ids["anchor"] if request.anchor is None else request.anchor
    check_opening(view, anchor, request.type, request.place)
    body = {"anchor": anchor, "type": request.type, "place": dict(request.place)}
    return Decided((Draft("anchor_opened", None, body),), (), {"anchor": anchor})


def check_opening(view: View, anchor: str, type_: str, place: Mapping[str, Any]) -> None:
    """Check that this anchor may be opened now.

    Raises:
        Refused: reason_unknown, value_invalid, anchor_known.
    """
    cases.one_of(type_, TYPES, "type")
    if len(anchor) != ID_CHARS or not anchor.isascii():
        raise refuse("value_invalid", f"anchor: expected a UUID, got {anchor[:60]!r}", "/anchor")
    try:
        check_place(type_, place)
    except EntryInvalid as error:
        raise refuse("value_invalid", str(error), "/place") from error
    there = view.scan("anchor", ())
    if any(row["anchor"] == anchor for row in there):
        raise refuse("anchor_known", f"anchor: expected a new one, got {anchor}", "/anchor")
    if sum(1 for row in there if row["state"] == OPEN) >= ANCHORS_MAX:
        raise refuse("value_invalid", f"expected at most {ANCHORS_MAX} open anchors, got one more")
    for row in there:
        # on a chain a log that was given up is not taken up again; elsewhere the same place may be opened anew
        counts = row["state"] == OPEN or type_ == EVM
        if row["type"] == type_ and counts and same_place(type_, place, json.loads(row["place"])):
            raise refuse(
                "anchor_known", f"place: expected one of no other anchor, got that of {row['anchor']}"
            )


def in_use(view: View, anchor: str, field: str = "/anchor") -> Row:
    """Return the row of an anchor that is open.

    Raises:
        Refused: unknown, anchor_over.
    """
    row = view.get("anchor", (anchor,))
    if row is None:
        raise refuse("unknown", f"expected an anchor of this organisation, got {anchor[:60]}", field)
    if row["state"] != OPEN:
        raise refuse(
            "anchor_over", f"expected an open anchor, got one that is {row['state']}: {anchor}", field
        )
    return row


def recorded(view: View, command: Command, at: str) -> Decided:
    """Rule of record_anchored: the system alone. `known`: root, that of the record at the size, hex.

    Raises:
        Refused: agent_may_not, unknown, anchor_over, anchor_not_newer, value_invalid (receipt, root).
    """
    asked: Asked = command.data
    request: RecordAnchored = asked.request
    if asked.who.id != SYSTEM:
        raise refuse("agent_may_not", f"expected the system's own work, got {asked.who.role}")
    check_recorded(view, request.anchor, request.size, request.root, request.receipt, asked.known["root"])
    body: dict[str, Any] = {"anchor": request.anchor, "size": request.size, "root": request.root}
    body["receipt"] = dict(request.receipt)
    return Decided((Draft("checkpoint_anchored", None, body),), (), {"anchor": request.anchor})


def check_recorded(
    view: View, anchor: str, size: int, root: str, receipt: Mapping[str, Any], known_root: str | None
) -> None:
    """Check that this checkpoint may be written down as anchored here. `known_root`: None where no such size is.

    Raises:
        Refused: unknown, anchor_over, anchor_not_newer, value_invalid.
    """
    row = in_use(view, anchor)
    if size <= row["size"]:
        raise refuse("anchor_not_newer", f"size: expected more than {row['size']}, got {size}", "/size")
    if root != known_root:
        got = known_root or "no such size"
        raise refuse(
            "value_invalid", f"root: expected that of the record at {size} ({got}), got {root}", "/root"
        )
    try:
        check_receipt_shape(row["type"], receipt)
    except EntryInvalid as error:
        raise refuse("value_invalid", str(error), "/receipt") from error


def superseded(view: View, command: Command, at: str) -> Decided:
    """Rule of supersede_anchor: an owner, on their own device.

    Raises:
        Refused: role_missing, own_device_needed, unknown, anchor_over, value_invalid (by itself, receipt),
            reason_unknown.
    """
    asked: Asked = command.data
    request: SupersedeAnchor = asked.request
    people.owner(view, asked.who)
    people.own_device(asked.who)
    cases.one_of(request.reason, REASONS, "reason")
    check_superseding(view, request.anchor, request.by, request.receipt)
    body: dict[str, Any] = {"anchor": request.anchor, "by": request.by, "reason": request.reason}
    body["receipt"] = dict(request.receipt)
    return Decided((Draft("anchor_superseded", None, body),), (), {"anchor": request.anchor})


def check_superseding(view: View, anchor: str, by: str, receipt: Mapping[str, Any]) -> None:
    """Check that one open anchor may go on in place of another.

    Raises:
        Refused: unknown, anchor_over, value_invalid.
    """
    row = in_use(view, anchor)
    if anchor == by:
        raise refuse("value_invalid", "by: expected another anchor, got the same one", "/by")
    in_use(view, by, "/by")
    if not receipt:
        return
    if row["type"] != EVM:
        raise refuse("value_invalid", f"receipt: expected none of a {row['type']}, got one", "/receipt")
    try:
        check_receipt_shape(EVM, receipt)
    except EntryInvalid as error:
        raise refuse("value_invalid", str(error), "/receipt") from error


def closed(view: View, command: Command, at: str) -> Decided:
    """Rule of close_anchor: an owner, on their own device.

    Raises:
        Refused: role_missing, own_device_needed, unknown, anchor_over, reason_unknown.
    """
    asked: Asked = command.data
    request: CloseAnchor = asked.request
    people.owner(view, asked.who)
    people.own_device(asked.who)
    cases.one_of(request.reason, REASONS, "reason")
    in_use(view, request.anchor)
    body = {"anchor": request.anchor, "reason": request.reason}
    return Decided((Draft("anchor_closed", None, body),), (), {"anchor": request.anchor})
