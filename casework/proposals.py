"""Proposals: what should be done, bound by a digest so that a yes is a yes to exactly these words and this value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from casework import authority, cases, charters, people
from casework.errors import refuse
from casework.requests import Asked, Private, Suggestion
from ledger.canonical import encode
from ledger.commands import Command, Decided, View
from ledger.entries import Draft

DOMAIN = b"tallystick/proposal/v1\x00"
FLAGS = ("money", "outbound", "people", "low_confidence")


def body(
    log: str,
    case: str,
    proposal: str,
    action: str,
    text: str,
    value: Mapping[str, Any] | None,
    flags: tuple[str, ...],
) -> dict[str, Any]:
    """Return the body of proposal_made. `text` is the commitment of the private text.

    digest = SHA-256("tallystick/proposal/v1" 0x00 canonical {v, log, case, proposal, action, text, value, flags}).

    Raises:
        Refused: value_invalid (an unknown flag, or money without a value).
    """
    unknown = sorted(set(flags) - set(FLAGS))
    if unknown or not action:
        raise refuse(
            "value_invalid", f"flags: expected of {', '.join(FLAGS)}, got {', '.join(unknown)}", "/flags"
        )
    if "money" in flags and value is None:
        raise refuse("value_invalid", "value: expected money where the flag money stands, got none", "/value")
    bound = {
        "v": 1,
        "log": log,
        "case": case,
        "proposal": proposal,
        "action": action,
        "text": text,
        "value": None if value is None else dict(value),
        "flags": sorted(set(flags)),
    }
    digest = hashlib.sha256(DOMAIN + encode(bound)).hexdigest()
    return {name: bound[name] for name in ("proposal", "action", "value", "flags")} | {"digest": digest}


def proposed(view: View, command: Command, at: str) -> Decided:
    """Rule of propose: members may, and agents within their charter; the system suggests at opening only.

    Raises:
        Refused: not_in_charter, unknown, transition, value_invalid.
    """
    asked: Asked = command.data
    request = asked.request
    people.acting(view, asked.who)
    row = cases.find(view, request.case)
    charters.check_proposal(view, asked.who, row, request.action)
    made = body(
        command.log,
        request.case,
        asked.ids["proposal"],
        request.action,
        asked.private.commitments["text"],
        request.value,
        request.flags,
    )
    draft = Draft("proposal_made", request.case, made, asked.private.commitments, asked.private.opened)
    cases.advance(row, draft)
    return Decided((draft,), asked.private.rows, {"case": request.case, "proposal": asked.ids["proposal"]})


def suggested(
    log: str, ids: Mapping[str, str], suggestion: Suggestion | None, private: Private, words: Private
) -> tuple[Draft | None, Private]:
    """Return the proposal made together with an opening, and the private values of both entries' rows."""
    if suggestion is None:
        return None, private
    case, proposal = ids["case"], ids["proposal"]
    made = body(
        log, case, proposal, suggestion.action, words.commitments["text"], suggestion.value, suggestion.flags
    )
    draft = Draft("proposal_made", case, made, words.commitments, words.opened)
    return draft, Private(private.commitments, private.opened, (*private.rows, *words.rows))


def taken(view: View, command: Command, at: str) -> Decided:
    """Rule of take_action: only what was approved, exactly as approved, by a person.

    Raises:
        Refused: unknown, not_decided, stale (the proposal is not the one approved last), already_acted, transition;
            not_owner (on a shared device).
    """
    asked: Asked = command.data
    request = asked.request
    people.human(view, asked.who)
    row = cases.find(view, request.case)
    people.own_work(asked.who, row["owner"])
    proposal = view.get("proposal", (request.case, request.proposal))
    if proposal is None:
        raise refuse("unknown", f"expected a proposal of this case, got {request.proposal}", "/proposal")
    approved = [
        decision
        for decision in view.scan("decision", (request.case,))
        if decision["about"] == authority.ACTION
        and decision["verb"] == "approved"
        and not decision["withdrawn"]
    ]
    last = max(approved, key=lambda decision: decision["seq"], default=None)
    if last is None:
        raise refuse("not_decided", "expected an approved action decision, got none")
    if last["proposal"] != proposal["proposal"] or last["proposal_digest"] != proposal["digest"]:
        raise refuse(
            "stale", f"expected the proposal approved last, {last['proposal']}, got {request.proposal}"
        )
    if last["effect_seq"] is not None:
        # Whoever took the action is recognised for it: somebody who says so later must not take their place.
        raise refuse(
            "already_acted", f"expected an approval not acted on yet, got entry {last['effect_seq']}"
        )
    draft = Draft(
        "action_taken",
        request.case,
        {"proposal": request.proposal, "decision": last["decision"]},
        asked.private.commitments,
        asked.private.opened,
    )
    cases.advance(row, draft)
    return Decided((draft,), asked.private.rows, {"case": request.case, "proposal": request.proposal})


def value_of(row: Mapping[str, Any]) -> Any:
    """Return the money of a proposal row, or None."""
    return None if row["value"] is None else json.loads(row["value"])
