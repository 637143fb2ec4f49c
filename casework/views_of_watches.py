"""What rows the entries about what is watched leave; a sibling of views.py, which holds the one list of projections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from casework.purposes import RETIRED
from ledger.canonical import json_dumps
from ledger.changes import Change, Delete, Insert, Set
from ledger.entries import Entry

Opened = Mapping[str, Any] | None


def _text(value: Any) -> str:
    return json_dumps(value).decode()


def _kinds_published(entry: Entry, opened: Opened) -> list[Change]:
    row = {"digest": entry.body["digest"], "content": _text(entry.body["content"]), "seq": entry.seq}
    return [Delete("kind_set", (entry.body["digest"],)), Insert("kind_set", row)]


def _playbook_published(entry: Entry, opened: Opened) -> list[Change]:
    row = {name: entry.body[name] for name in ("playbook", "digest", "kinds", "mode", "policy")}
    row |= {"content": _text(entry.body["content"]), "seq": entry.seq}
    return [Delete("playbook", (entry.body["playbook"],)), Insert("playbook", row), *_ended_with(entry)]


def _mode_changed(entry: Entry, opened: Opened) -> list[Change]:
    values = {"mode": entry.body["mode"], "seq": entry.seq}
    return [Set("playbook", (entry.body["playbook"],), values), *_ended_with(entry)]


def _ended_with(entry: Entry) -> list[Change]:
    """What a watch was for ends with it."""
    return [Delete("watch_purpose", (entry.body["playbook"],))] if entry.body["mode"] == RETIRED else []


def _purpose_written(entry: Entry, opened: Opened) -> list[Change]:
    row = {"playbook": entry.body["playbook"], "purpose": entry.body["purpose"]}
    row |= {"item": entry.private.get("purpose"), "written_by": entry.actor.id}
    row |= {"at": entry.at, "seq": entry.seq}
    return [Delete("watch_purpose", (entry.body["playbook"],)), Insert("watch_purpose", row)]


KINDS: Mapping[str, Callable[[Entry, Opened], list[Change]]] = {
    "kinds_published": _kinds_published,
    "playbook_published": _playbook_published,
    "mode_changed": _mode_changed,
    "watch_purpose_written": _purpose_written,
}
