"""What rows the entries of anchors leave; views.py holds the one list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledger.canonical import json_dumps
from ledger.changes import Change, Insert, Set
from ledger.entries import Entry

OPEN, SUPERSEDED, CLOSED = "open", "superseded", "closed"

Opened = Mapping[str, Any] | None


def _opened(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {"anchor": body["anchor"], "type": body["type"], "place": json_dumps(body["place"]).decode()}
    row |= {"state": OPEN, "size": 0, "opened_by": entry.actor.id, "opened_at": entry.at, "seq": entry.seq}
    return [Insert("anchor", row | dict.fromkeys(("anchored_at", "superseded_by", "reason", "ended_at")))]


def _anchored(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {name: body[name] for name in ("anchor", "size", "root")}
    row |= {"receipt": json_dumps(body["receipt"]).decode(), "at": entry.at, "seq": entry.seq}
    last = {"size": body["size"], "anchored_at": entry.at}
    return [Insert("anchored", row), Set("anchor", (body["anchor"],), last)]


def _superseded(entry: Entry, opened: Opened) -> list[Change]:
    return _ended(entry, {"state": SUPERSEDED, "superseded_by": entry.body["by"]})


def _closed(entry: Entry, opened: Opened) -> list[Change]:
    return _ended(entry, {"state": CLOSED})


def _ended(entry: Entry, values: dict[str, Any]) -> list[Change]:
    body = entry.body
    return [Set("anchor", (body["anchor"],), values | {"reason": body["reason"], "ended_at": entry.at})]


KINDS: Mapping[str, Callable[[Entry, Opened], list[Change]]] = {
    "anchor_opened": _opened,
    "checkpoint_anchored": _anchored,
    "anchor_superseded": _superseded,
    "anchor_closed": _closed,
}
