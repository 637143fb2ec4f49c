"""Nothing is taken from somebody before they could answer: whom a dispute asks, and what an end rests on.

A dispute asks everybody who is, or was judged to be, recognised: a question, a planned no, a planned end. An end waits
until each of them has answered or `reply_until` has passed, and is for the reason that was asked about. Whoever has
left, by every account, cannot be asked and holds nothing up: that is the only exception. docs/spec/disputes.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from casework import people
from casework.errors import refuse
from ledger.changes import Row
from ledger.commands import Need, View

QUESTION, DECLINE, REVOKE = "question", "decline", "revoke"
ABOUTS = (QUESTION, DECLINE, REVOKE)


def needs(case: str) -> list[Need]:
    """Need the disputes of a case, their answers, and who is still here."""
    return [Need("dispute", (case,)), Need("dispute_answer", (case,)), Need("member", ())]


def concerned(view: View, row: Row) -> list[str]:
    """Return whom the recognition of a case is about: who was recognised, else who was judged, else who acted."""
    if row["award"] is not None:
        return [share["member"] for share in view.scan("award_share", (row["award"],))]
    verdict = None if row["verdict"] is None else view.get("verdict", (row["case"], row["verdict"]))
    if verdict is not None:
        return sorted(json.loads(verdict["beneficiaries"]))
    return [] if row["action_by"] is None else [str(row["action_by"])]


def here(view: View, named: Iterable[str]) -> list[str]:
    """Return those of `named` who can still answer, by whatever account of theirs."""
    members = {one["member"]: one for one in view.scan("member", ())}
    return [
        one
        for one in named
        if any(members[account]["active"] for account in people.accounts(view, one) if account in members)
    ]


def awaited(view: View, dispute: Row, at: str) -> list[str]:
    """Return whose answer to this dispute is still waited for at `at`."""
    if at >= dispute["reply_until"]:
        return []
    answers = view.scan("dispute_answer", (dispute["case"], dispute["dispute"]))
    answered = {one["member"] for one in answers}
    return [one for one in here(view, json.loads(dispute["members"])) if one not in answered]


def open_of(view: View, row: Row) -> Row | None:
    """Return the open dispute of a case, or None."""
    return None if row["dispute"] is None else view.get("dispute", (row["case"], row["dispute"]))


def asked_for(view: View, row: Row, about: str, reason: str) -> Row | None:
    """Return the last dispute that planned this very end, over what stands now, and that nobody dropped."""
    found = [
        one
        for one in view.scan("dispute", (row["case"],))
        if not one["dropped"]
        and (one["about"], one["reason_code"], one["award"]) == (about, reason, row["award"])
        and (row["award"] is not None or one["verdict"] == row["verdict"])
    ]
    return max(found, key=lambda one: int(one["seq"]), default=None)


def check_replied(view: View, row: Row, about: str, reason: str, at: str) -> None:
    """Check that everybody whom this end concerns was asked about it and could answer. `row`: the case.

    Raises:
        Refused: not_asked_first, reply_awaited.
    """
    if not here(view, concerned(view, row)):
        return  # there is nobody left who could answer
    dispute = asked_for(view, row, about, reason)
    if dispute is None:
        raise refuse("not_asked_first", f"expected that they were asked about {about}, {reason}, got nothing")
    waiting = awaited(view, dispute, at)
    if waiting:
        until = dispute["reply_until"]
        raise refuse("reply_awaited", f"expected an answer of {', '.join(waiting)}, or {until} or later")
