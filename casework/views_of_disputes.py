"""What rows disputes leave, and what else says whether the recognition of a case waits for somebody. See views.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from casework.cases import done, settle
from ledger.canonical import json_dumps
from ledger.changes import Change, Insert, Set
from ledger.entries import Entry

Opened = Mapping[str, Any] | None

ASKED_NOBODY: Mapping[str, Any] = {"asked_to": None, "asked_rung": 0}
DECIDED: Mapping[str, Any] = {"dispute": None, "undecided_since": None, **ASKED_NOBODY}
"""A yes took effect or something ended: nothing about the recognition waits."""


def judged(entry: Entry) -> Mapping[str, Any]:
    """Judged anew, what was planned before is about something else: it lapses and has to be asked again."""
    return {**DECIDED, "undecided_since": entry.at if entry.body["result"] == "pass" else None}


def _disputed(entry: Entry, opened: Opened) -> list[Change]:
    body = entry.body
    row = {
        name: body[name] for name in ("dispute", "award", "verdict", "about", "reason_code", "reply_until")
    }
    row |= {"members": json_dumps(body["members"]).decode(), "note_item": entry.private.get("note")}
    row |= {"case": entry.case, "asked_by": entry.actor.id, "asked_at": entry.at}
    row |= {"dropped": 0, "close_reason": None, "seq": entry.seq}
    asked = {"member": entry.actor.id, "dispute": body["dispute"], "case": entry.case, "about": body["about"]}
    changes: list[Change] = [Insert("dispute", row)]
    changes.append(Insert("asked_by", asked | {"at": entry.at, "seq": entry.seq}))
    # While it is open nothing settles, and the end of it makes the job anew.
    return changes + ([] if body["award"] is None else [done("settle", body["award"])])


def _answered(entry: Entry, opened: Opened) -> list[Change]:
    row = {"case": entry.case, "dispute": entry.body["dispute"], "member": entry.body["member"]}
    row |= {"reply_item": entry.private.get("reply"), "at": entry.at, "seq": entry.seq}
    return [Insert("dispute_answer", row)]


def _closed(entry: Entry, opened: Opened) -> list[Change]:
    values = {"dropped": 1, "close_reason": entry.body["reason_code"]}
    due = entry.body["settle_not_before"]
    goes_on = [] if due is None else settle(entry, due)
    return [Set("dispute", (entry.case, entry.body["dispute"]), values), *goes_on]


KINDS: Mapping[str, Callable[[Entry, Opened], list[Change]]] = {
    "award_disputed": _disputed,
    "dispute_answered": _answered,
    "dispute_closed": _closed,
}


CASE_COLUMNS: Mapping[str, Callable[[Entry], Mapping[str, Any]]] = {
    "award_disputed": lambda entry: {"dispute": entry.body["dispute"], **ASKED_NOBODY},
    "dispute_closed": lambda entry: {"dispute": None, **ASKED_NOBODY},
    "award_escalated": lambda entry: {"asked_to": entry.body["to"], "asked_rung": entry.body["rung"]},
}
