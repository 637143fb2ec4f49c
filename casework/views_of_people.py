"""Rows of who stands in for whom, and of when work was last given to somebody; part of casework/views.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledger.canonical import json_dumps
from ledger.changes import Change, Delete, Insert, Set
from ledger.entries import Entry

LENT_COLUMNS = ("since", "delegation", "giver", "giver_person", "delegated_from")
"""Columns of an authority that only a stand-in's has."""


def _text(value: Any) -> str:
    return json_dumps(value).decode()


def _maybe(value: Any) -> str | None:
    return None if value is None else _text(value)


def _delegation_given(entry: Entry, opened: Any) -> list[Change]:
    body = entry.body
    names = ("delegation", "giver", "stand_in", "tokens_max", "since", "until")
    row: dict[str, Any] = {name: body[name] for name in names}
    row |= {
        "authorities": _text([one["authority"] for one in body["authorities"]]),
        "amount_max": _maybe(body["amount_max"]),
        "active": 1,
        "ended_reason": None,
        "given_by": entry.actor.id,
        "seq": entry.seq,
    }
    return [Insert("delegation", row), *(_lent(entry, one) for one in body["authorities"])]


def _lent(entry: Entry, one: Mapping[str, Any]) -> Change:
    body = entry.body
    row = {name: one[name] for name in ("authority", "about", "tokens_max", "until", "assurance_min")}
    row |= {
        "member": body["stand_in"],
        "scope": _text(one["scope"]),
        "amount_max": _maybe(one["amount_max"]),
        "second_person": 0,
        "active": 1,
        "granted_by": entry.actor.id,
        "since": body["since"],
        "delegation": body["delegation"],
        "giver": body["giver"],
        "giver_person": body["person"],
        "delegated_from": one["of"],
        "seq": entry.seq,
    }
    return Insert("authority", row)


def _delegation_ended(entry: Entry, opened: Any) -> list[Change]:
    body = entry.body
    over = {"active": 0, "ended_reason": body["reason_code"]}
    return [
        Set("delegation", (body["giver"], body["delegation"]), over),
        *(Set("authority", (body["stand_in"], one), {"active": 0}) for one in body["authorities"]),
    ]


def _given_to(field: str) -> Callable[[Entry, Any], list[Change]]:
    def projection(entry: Entry, opened: Any) -> list[Change]:
        member = entry.body[field]
        return [
            Delete("assignment", (member,)),
            Insert("assignment", {"member": member, "seq": entry.seq}),
        ]

    return projection


KINDS: Mapping[str, Callable[[Entry, Any], list[Change]]] = {
    "delegation_given": _delegation_given,
    "delegation_ended": _delegation_ended,
    "owner_assigned": _given_to("owner"),
    "escalated": _given_to("to"),
}
