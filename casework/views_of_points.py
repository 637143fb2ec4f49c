"""What rows the entries of check-in points leave; a sibling of views.py, which holds the one list of projections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledger.changes import Change, Insert, Set
from ledger.entries import Entry

Opened = Mapping[str, Any] | None
ACTIVE, DOUBTED, ENDED = "active", "doubted", "ended"


def _point_registered(entry: Entry, opened: Opened) -> list[Change]:
    row = {name: entry.body[name] for name in ("point", "place", "method", "uid")}
    row |= dict.fromkeys(("last_counter", "doubt_item", "doubted_by", "reason_code"))
    row |= {
        "state": ACTIVE,
        "label_item": entry.private.get("label"),
        "secret_item": entry.private.get("secret"),
        "registered_by": entry.actor.id,
        "registered_at": entry.at,
        "seq": entry.seq,
    }
    return [Insert("point", row)]


def _point_ended(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("point", (entry.body["point"],), {"state": ENDED, "reason_code": entry.body["reason_code"]})]


def _point_doubted(entry: Entry, opened: Opened) -> list[Change]:
    values = {"state": DOUBTED, "doubted_by": entry.actor.id, "doubt_item": entry.private.get("note")}
    return [Set("point", (entry.body["point"],), values)]


def _point_tapped(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("point", (entry.body["point"],), {"last_counter": entry.body["counter"]})]


KINDS: Mapping[str, Callable[[Entry, Opened], list[Change]]] = {
    "point_registered": _point_registered,
    "point_ended": _point_ended,
    "point_doubted": _point_doubted,
    "point_tapped": _point_tapped,
}
