"""What rows the entries of joining leave: invites, and shared devices.

How somebody signs in is no row of these: hashes come with the command and lie in the vault's table `sign_in`, so the
entry `sign_in_set` leaves nothing to project. A sibling of views.py, which holds the one list of projections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledger.changes import Change, Insert, Set
from ledger.entries import Entry

Opened = Mapping[str, Any] | None


def _invite_issued(entry: Entry, opened: Opened) -> list[Change]:
    row = {name: entry.body[name] for name in ("member", "invite", "token_digest", "until", "how")}
    row |= {"state": "issued", "issued_by": entry.actor.id, "issued_at": entry.at, "seq": entry.seq}
    return [Insert("invite", row)]


def _invite(state: str) -> Callable[[Entry, Opened], list[Change]]:
    def projection(entry: Entry, opened: Opened) -> list[Change]:
        return [Set("invite", (entry.body["member"], entry.body["invite"]), {"state": state})]

    return projection


def _device_shared(entry: Entry, opened: Opened) -> list[Change]:
    row = {name: entry.body[name] for name in ("device", "secret_digest", "until")}
    row |= {"label_item": entry.private.get("label"), "active": 1, "shared_by": entry.actor.id}
    return [Insert("device", row | {"seq": entry.seq})]


def _device_ended(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("device", (entry.body["device"],), {"active": 0})]


KINDS: Mapping[str, Callable[[Entry, Opened], list[Change]]] = {
    "invite_issued": _invite_issued,
    "invite_used": _invite("used"),
    "invite_ended": _invite("ended"),
    "device_shared": _device_shared,
    "device_ended": _device_ended,
}
