"""What rows the entries of hooks, trusted keys and accounts of sources leave; views.py holds the one list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledger.changes import Add, Change, Delete, Insert, Set
from ledger.entries import Entry

Opened = Mapping[str, Any] | None


def _hook_opened(entry: Entry, opened: Opened) -> list[Change]:
    row: dict[str, Any] = {name: entry.body[name] for name in ("hook", "source", "scheme")}
    row |= {"label_item": entry.private.get("label"), "active": 1, "received": 0, "seq": entry.seq}
    row |= {"opened_by": entry.actor.id, "opened_at": entry.at, "last_at": None, "reason_code": None}
    return [Insert("hook", row), _key(entry)]


def _key(entry: Entry) -> Change:
    row: dict[str, Any] = {name: entry.body[name] for name in ("hook", "key")}
    row |= {"shown_to": entry.actor.id, "since": entry.at, "until": None, "seq": entry.seq}
    return Insert("hook_key", row | {"secret_item": entry.private.get("secret")})


def _hook_key_issued(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    ends: list[Change] = [
        Set("hook_key", (body["hook"], old), {"until": body["old_until"]}) for old in body["old"]
    ]
    return [*ends, _key(entry)]


def _hook_ended(entry: Entry, opened: Opened) -> list[Change]:
    return [Set("hook", (entry.body["hook"],), {"active": 0, "reason_code": entry.body["reason_code"]})]


def _hook_received(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    changes: list[Change] = [
        Set("hook", (body["hook"],), {"last_at": entry.at}),
        Add("hook", (body["hook"],), "received", 1),
    ]
    for name in (body["delivery"], body["content"]):
        row = {"hook": body["hook"], "name": name, "content": body["content"]}
        changes += [
            Delete("hook_seen", (body["hook"], name)),
            Insert("hook_seen", row | {"received_at": entry.at, "seq": entry.seq}),
        ]
    return changes


def _source_key_trusted(entry: Entry, opened: Opened) -> list[Change]:
    key = (entry.body["source"], entry.body["key"])
    row = {name: entry.body[name] for name in ("source", "key", "public")}
    row |= {"active": 1, "reason_code": None, "seq": entry.seq}
    return [Delete("source_key", key), Insert("source_key", row)]


def _source_key_ended(entry: Entry, opened: Opened) -> list[Change]:
    values = {"active": 0, "reason_code": entry.body["reason_code"]}
    return [Set("source_key", (entry.body["source"], entry.body["key"]), values)]


def _account_linked(entry: Entry, opened: Opened) -> list[Change]:
    key = (entry.body["source"], entry.body["account"])
    row = {name: entry.body[name] for name in ("source", "account", "member")}
    row |= {"item": entry.private["name"], "linked_by": entry.actor.id, "seq": entry.seq}
    return [Delete("account_link", key), Insert("account_link", row)]


def _account_unlinked(entry: Entry, opened: Opened) -> list[Change]:
    return [Delete("account_link", (entry.body["source"], entry.body["account"]))]


KINDS: Mapping[str, Callable[[Entry, Opened], list[Change]]] = {
    "hook_opened": _hook_opened,
    "hook_key_issued": _hook_key_issued,
    "hook_ended": _hook_ended,
    "hook_received": _hook_received,
    "source_key_trusted": _source_key_trusted,
    "source_key_ended": _source_key_ended,
    "account_linked": _account_linked,
    "account_unlinked": _account_unlinked,
}
