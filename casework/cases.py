"""A case is the rows its entries leave; this is the one table that says which entry may follow in which state.

The rules here check it before an entry is written, views.py writes the state it leads to, and the audit replays both.
States: DETECTED SUPPRESSED UNKNOWN ASSIGNED ACKNOWLEDGED AWAITING_DECISION IN_ACTION AWAITING_REVIEW RESOLVED CLEARED
EXPIRED REOPENED CLOSED. UNKNOWN is entered by the kinds of stale sources, which come later. Silence never approves:
no entry of the system leads from AWAITING_DECISION to IN_ACTION.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from casework import people
from casework.errors import refuse
from casework.requests import Asked, CaseStep, OpenCase, RecordOutcome
from ledger.canonical import json_dumps
from ledger.changes import Change, Delete, Insert, Row
from ledger.commands import Command, Decided, Need, View
from ledger.entries import SYSTEM, Draft, Entry

NOTHING = ""  # the state before case_opened
DETECTED, SUPPRESSED, UNKNOWN = "DETECTED", "SUPPRESSED", "UNKNOWN"
ASSIGNED, ACKNOWLEDGED, AWAITING_DECISION = "ASSIGNED", "ACKNOWLEDGED", "AWAITING_DECISION"
IN_ACTION, AWAITING_REVIEW, RESOLVED = "IN_ACTION", "AWAITING_REVIEW", "RESOLVED"
CLEARED, EXPIRED, REOPENED, CLOSED = "CLEARED", "EXPIRED", "REOPENED", "CLOSED"
STATES = (
    DETECTED, SUPPRESSED, UNKNOWN, ASSIGNED, ACKNOWLEDGED, AWAITING_DECISION, IN_ACTION, AWAITING_REVIEW, RESOLVED,
    CLEARED, EXPIRED, REOPENED, CLOSED,
)  # fmt: skip
ENDED = frozenset((RESOLVED, CLEARED, EXPIRED, CLOSED))

_WAITING = (DETECTED, SUPPRESSED, UNKNOWN, ASSIGNED, ACKNOWLEDGED, AWAITING_DECISION, REOPENED)
_OWNED = (ASSIGNED, ACKNOWLEDGED, AWAITING_DECISION, IN_ACTION, AWAITING_REVIEW)
_JUDGED = (AWAITING_REVIEW, RESOLVED)
_AWARDED = (RESOLVED, CLOSED, REOPENED, ASSIGNED, ACKNOWLEDGED, AWAITING_DECISION, IN_ACTION, AWAITING_REVIEW)


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states a step may be taken, and the state it leads to (None: it stays as it is)."""

    allowed: frozenset[str]
    to: str | None


def _from(*allowed: str, to: str | None = None) -> Transition:
    return Transition(frozenset(allowed), to)


TRANSITIONS: Mapping[str, Transition] = {
    "case_opened": _from(NOTHING, to=DETECTED),
    "case_suppressed": _from(DETECTED, to=SUPPRESSED),
    "owner_assigned": _from(DETECTED, SUPPRESSED, UNKNOWN, ASSIGNED, ACKNOWLEDGED, REOPENED, to=ASSIGNED),
    "acknowledged": _from(ASSIGNED, ACKNOWLEDGED, to=ACKNOWLEDGED),
    "escalated": _from(AWAITING_DECISION, IN_ACTION, AWAITING_REVIEW),
    "note_added": _from(*STATES),
    "proposal_made": _from(ASSIGNED, ACKNOWLEDGED, AWAITING_DECISION, IN_ACTION, to=AWAITING_DECISION),
    "decision_made:action:approved": _from(AWAITING_DECISION, to=IN_ACTION),
    "decision_made:action:declined": _from(AWAITING_DECISION, to=ACKNOWLEDGED),
    "decision_made:award:approved": _from(RESOLVED),
    "decision_made:award:declined": _from(*_JUDGED),
    "decision_withdrawn:action": _from(IN_ACTION, ACKNOWLEDGED, to=AWAITING_DECISION),
    "decision_withdrawn:award": _from(*_JUDGED),
    "action_taken": _from(IN_ACTION),
    "work_reported": _from(AWAITING_DECISION, to=IN_ACTION),
    "evidence_attached": _from(*_OWNED, RESOLVED),
    "point_tapped": _from(*_OWNED, RESOLVED),
    "evidence_withdrawn": _from(*_OWNED, RESOLVED),
    "evidence_reviewed": _from(*_OWNED, RESOLVED),
    "link_issued": _from(*_OWNED),
    "link_answered": _from(*_OWNED, RESOLVED),
    "link_expired": _from(*STATES),
    "outcome_recorded": _from(IN_ACTION, AWAITING_REVIEW, to=AWAITING_REVIEW),
    "verdict_given:pass": _from(*_JUDGED, to=RESOLVED),
    "verdict_given:other": _from(*_JUDGED, to=AWAITING_REVIEW),
    "award_granted": _from(RESOLVED),
    # Once granted, an award has a life of its own: it can be stopped or ended whatever became of the case.
    "draw_made": _from(*_AWARDED),
    "award_held": _from(*_AWARDED),
    "award_released": _from(*_AWARDED),
    "award_settled": _from(RESOLVED, CLOSED),
    "credential_issued": _from(*_AWARDED),
    "recall_answered": _from(*_AWARDED),
    "award_declined": _from(*_AWARDED),
    "award_revoked": _from(*_AWARDED),
    "award_disputed:before": _from(*_JUDGED),
    "award_disputed:after": _from(*_AWARDED),
    "dispute_answered": _from(*STATES),
    "dispute_closed": _from(*STATES),
    "award_escalated": _from(*STATES),
    "case_cleared": _from(*_WAITING, to=CLEARED),
    "case_expired": _from(*_WAITING, IN_ACTION, AWAITING_REVIEW, to=EXPIRED),
    "case_reopened": _from(RESOLVED, CLEARED, EXPIRED, CLOSED, to=REOPENED),
    "case_closed": _from(*(state for state in STATES if state != CLOSED), to=CLOSED),
}


def step_of(kind: str, body: Mapping[str, Any]) -> str:
    """Return the name under which an entry stands in TRANSITIONS."""
    match kind:
        case "decision_made":
            return f"decision_made:{body['about']}:{body['verb']}"
        case "decision_withdrawn":
            return f"decision_withdrawn:{body['about']}"
        case "verdict_given":
            return "verdict_given:pass" if body["result"] == "pass" else "verdict_given:other"
        case "award_disputed":
            return "award_disputed:before" if body["award"] is None else "award_disputed:after"
    return kind


def target(kind: str, body: Mapping[str, Any]) -> str | None:
    """Return the state an entry leads to, None when it leaves the state alone."""
    return TRANSITIONS[step_of(kind, body)].to


def move(state: str, kind: str, body: Mapping[str, Any]) -> str:
    """Return the state after an entry.

    Raises:
        Refused: transition.
    """
    step = step_of(kind, body)
    found = TRANSITIONS.get(step)
    if found is None or state not in found.allowed:
        expected = sorted(found.allowed) if found else "a step of a case"
        raise refuse("transition", f"{step}: expected one of {expected}, got {state or 'no case'}")
    return found.to or state


def advance(row: Row, *drafts: Draft) -> None:
    """Check that these entries may follow one another from the case's present state. Raises Refused: transition."""
    state = row["state"]
    for draft in drafts:
        state = move(state, draft.kind, draft.body)


def find(view: View, case: str) -> Row:
    """Return the case's row, or refuse `unknown`."""
    row = view.get("case_file", (case,))
    if row is None:
        raise refuse("unknown", f"expected a case of this organisation, got {case}")
    return row


def rows(case: str) -> list[Need]:
    """Need everything the case itself holds."""
    return [
        Need("case_file", (case,)),
        *(Need(table, (case,)) for table in ("proposal", "evidence", "decision", "verdict")),
    ]


def live(items: Iterable[Row]) -> list[Row]:
    """Return the evidence that is neither withdrawn nor replaced, by (seq, id)."""
    there = (item for item in items if not item["withdrawn"])
    return sorted(there, key=lambda item: (item["seq"], item["evidence"]))


def without_award(row: Row) -> None:
    """Check that no award rests on this case: while one does, neither its verdict nor its evidence is touched.

    A doubt is a hold, and a mistake ends the award; then the case can be judged anew. Raises Refused: already_awarded.
    """
    if row["award"] is not None:
        raise refuse(
            "already_awarded",
            f"expected a case without a live award, got {row['award']}; hold or end it first",
        )


def waiting(row: Row, made: Iterable[Row]) -> str | None:
    """Return the approved award decision that waits for its effect; one over an earlier verdict never gets any."""
    for one in made:
        stands = one["verb"] == "approved" and not one["withdrawn"] and one["effect_seq"] is None
        if one["about"] == "award" and stands and one["verdict"] == row["verdict"]:
            return str(one["decision"])
    return None


def none_waits(row: Row, made: Iterable[Row]) -> None:
    """Check that no approval waits for its award: nothing would be granted any more, and nobody told.

    Raises Refused: already_awarded.
    """
    first = waiting(row, made) if row["state"] == RESOLVED else None
    if first is not None:
        raise refuse(
            "already_awarded",
            f"expected no approval that waits for its award, got {first}; it comes or is withdrawn",
        )


def decided_first(row: Row) -> None:
    """Check that a case is not closed instead of saying no: over a planned one that may still be answered, or over a
    passing verdict that nobody said yes or no to.

    Raises Refused: dispute_open, undecided.
    """
    if row["award"] is None and row["dispute"] is not None:
        raise refuse("dispute_open", f"expected no planned no, got {row['dispute']}; say it or drop it first")
    if row["award"] is None and row["state"] == RESOLVED and row["undecided_since"] is not None:
        since = row["undecided_since"]
        raise refuse("undecided", f"expected a yes or a no to the recognition, got none since {since}")


def later(instant: str, *, seconds: int = 0, days: int = 0) -> str:
    """Return an instant that many elapsed seconds and 24-hour days later."""
    moved = datetime.fromisoformat(instant) + timedelta(seconds=seconds, days=days)
    return f"{moved.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def setting(view: View, name: str, default: Any) -> Any:
    """Return a setting of the organisation; the command's needs must name it."""
    row = view.get("setting", (name,))
    return default if row is None else json.loads(row["value"])


# ---------------------------------------------------------------------------------------------- rules
ORIGINS = ("signal", "report", "claim", "schedule")
CLOSE_REASONS = ("done", "not_recognised", "false_alarm", "duplicate", "accepted_risk", "self_cleared")
REOPEN_REASONS = ("signal_again", "customer_disputes", "not_fixed", "closed_in_error")
EXPIRE_REASONS = ("until_passed", "not_answered")
ASSIGN_REASONS = (
    "route",
    "handed_over",
    "ack_expired",
    "absent",
    "last_resort",
    "reopened",
    "reporter",
    "left",
)
HAND_REASONS = ("handed_over", "absent")
"""Why a person gives a case to somebody; the rest the system says, or a step that a case changes hands with."""
SYSTEM_REASONS = ("ack_expired",)
FIRST_REASONS = {"case_opened": ("reporter", "route", "absent"), "case_reopened": ("reopened", "last_resort")}
"""Why a case goes to its owner in the very command that opens it or brings it back, once."""
ACK_DAYS_MAX = 31
"""How long a case may be in hand before it is asked for again."""
RESOLUTIONS = ("fixed", "accepted_risk", "false_alarm", "duplicate")
IMPACTS = ("harm", "none", "unknown")


def one_of(value: str | None, allowed: tuple[str, ...], field: str) -> str:
    """Return a coded value. Raises Refused: reason_missing, reason_unknown."""
    if value is None:
        raise refuse("reason_missing", f"expected one of {', '.join(allowed)}, got none", f"/{field}")
    if value not in allowed:
        raise refuse("reason_unknown", f"expected one of {', '.join(allowed)}, got {value}", f"/{field}")
    return value


def opened(view: View, command: Command, at: str) -> Decided:
    """Rule of open_case. `known`: fingerprint (hex), groups (hex), last_case (the case last seen under it, None: none),
    suggestion (the draft of the proposal made along with it, or None), owner (whom it goes to: the stand-in of the
    owner that was asked for, while that one is away).

    Raises:
        Refused: already_open, stale, owner_unknown, unknown (policy), value_invalid.
    """
    asked: Asked = command.data
    request: OpenCase = asked.request
    people.acting(view, asked.who)
    if request.origin not in ORIGINS or (request.origin in ("signal", "schedule")) != (
        asked.who.id == SYSTEM
    ):
        raise refuse(
            "value_invalid",
            f"origin: expected what {asked.who.role} may open, got {request.origin}",
            "/origin",
        )
    if not request.onset <= request.detected_at <= at:
        raise refuse("value_invalid", f"onset, detected_at: expected in this order before {at}", "/onset")
    owner = asked.known["owner"]
    people.employed(view, owner, "owner_unknown", "/owner")
    _check_fingerprint(view, asked.known)
    if request.policy is not None:
        recognises(view, request.policy, request.award_kind)
    case = asked.ids["case"]
    first = Draft(
        "case_opened",
        case,
        {
            "origin": request.origin,
            "playbook": request.playbook,
            "award_kind": request.award_kind,
            "policy": request.policy,
            "subject_kind": None if request.subject is None else str(request.subject["kind"]),
            "fingerprint": asked.known["fingerprint"],
            "groups": list(asked.known["groups"]),
            "onset": request.onset,
            "detected_at": request.detected_at,
            "value": None if request.value is None else dict(request.value),
            "records": [{"item": item} for item in request.records],
        },
        asked.private.commitments,
        asked.private.opened,
    )
    reason = "absent" if owner != request.owner else "route" if asked.who.id == SYSTEM else "reporter"
    drafts = [first, Draft("owner_assigned", case, {"owner": owner, "reason_code": reason})]
    result = {"case": case}
    if asked.known["suggestion"] is not None:
        drafts.append(asked.known["suggestion"])
        result["proposal"] = asked.ids["proposal"]
    advance({"state": NOTHING}, *drafts)
    return Decided(tuple(drafts), asked.private.rows, result)


def recognises(view: View, policy: str, award_kind: str | None) -> None:
    """Check that a published policy is one for this kind of award: under another's, limits, powers and the look for
    earlier awards of the same matter would be those of the wrong kind.

    Raises:
        Refused: unknown, value_invalid.
    """
    row = view.get("policy", (policy,))
    if row is None:
        raise refuse("unknown", f"policy: expected a published one, got {policy}", "/policy")
    kind = json.loads(row["content"])["award_kind"]
    if award_kind not in (None, kind):
        raise refuse(
            "value_invalid", f"award_kind: expected {kind}, as {policy} says, got {award_kind}", "/award_kind"
        )


def _check_fingerprint(view: View, known: Mapping[str, Any]) -> None:
    seen = view.scan("fingerprint", (known["fingerprint"],))
    last = max(seen, key=lambda row: row["seq"])["case"] if seen else None
    if last != known["last_case"]:
        raise refuse("stale", "another case for the same thing was opened meanwhile; look again")
    if last is not None and find(view, last)["state"] not in ENDED:
        raise refuse("already_open", f"expected no open case for the same thing, got {last}")


def assigned(view: View, command: Command, at: str) -> Decided:
    """Rule of assign_owner: back to ASSIGNED before a proposal, an escalation after it.

    Raises:
        Refused: owner_unknown, reason_unknown, transition.
    """
    asked: Asked = command.data
    request = asked.request
    people.no_agent(view, asked.who)
    row = find(view, request.case)
    people.employed(view, request.owner, "owner_unknown", "/owner")
    reasons = SYSTEM_REASONS if asked.who.id == SYSTEM else HAND_REASONS
    one_of(request.reason_code, reasons, "reason_code")
    if row["state"] in TRANSITIONS["escalated"].allowed:
        draft = Draft("escalated", request.case, {"to": request.owner, "reason_code": request.reason_code})
    else:
        draft = Draft(
            "owner_assigned", request.case, {"owner": request.owner, "reason_code": request.reason_code}
        )
    advance(row, draft)
    return Decided((draft,), (), {"case": request.case})


def acknowledged(view: View, command: Command, at: str) -> Decided:
    """Rule of acknowledge: the owner only, and it ends in the future and within ACK_DAYS_MAX.

    Raises:
        Refused: not_owner, value_invalid, transition.
    """
    asked: Asked = command.data
    request = asked.request
    people.human(view, asked.who)
    row = find(view, request.case)
    draft = Draft("acknowledged", request.case, {"until": request.until})
    advance(row, draft)
    if row["owner"] != asked.who.id:
        raise refuse("not_owner", f"expected the owner {row['owner']}, got {asked.who.id}")
    if request.until <= at:
        raise refuse("value_invalid", f"until: expected after {at}, got {request.until}", "/until")
    check_in_hand(request.until, at)
    return Decided((draft,), (), {"case": request.case})


def check_in_hand(until: str, at: str) -> None:
    """Check that a case is asked for again within ACK_DAYS_MAX: "I know" does not make it vanish.

    Raises:
        Refused: value_invalid.
    """
    last = later(at, days=ACK_DAYS_MAX)
    if until > last:
        raise refuse("value_invalid", f"until: expected {last} at the latest, got {until}", "/until")


def noted(view: View, command: Command, at: str) -> Decided:
    """Rule of add_note."""
    asked: Asked = command.data
    people.no_agent(view, asked.who)
    draft = Draft("note_added", asked.request.case, {}, asked.private.commitments, asked.private.opened)
    advance(find(view, asked.request.case), draft)
    return Decided((draft,), asked.private.rows, {"case": asked.request.case})


def came_out(view: View, command: Command, at: str) -> Decided:
    """Rule of record_outcome. `fixed` needs an action and the playbook's required evidence.

    Raises:
        Refused: not_decided, evidence_missing, reason_unknown, transition.
    """
    asked: Asked = command.data
    request: RecordOutcome = asked.request
    people.human(view, asked.who)
    row = find(view, request.case)
    body = {
        "resolution": one_of(request.resolution, RESOLUTIONS, "resolution"),
        "impact": one_of(request.impact, IMPACTS, "impact"),
    }
    draft = Draft("outcome_recorded", request.case, body, asked.private.commitments, asked.private.opened)
    advance(row, draft)
    if request.resolution == "fixed":
        if row["action_seq"] is None:
            raise refuse("not_decided", "fixed: expected an action taken before, got none")
        _check_required(view, row)
    return Decided((draft,), asked.private.rows, {"case": request.case})


def _check_required(view: View, row: Row) -> None:
    """Refuse `evidence_missing` when a type the playbook asks for is not attached; its grade is judged later."""
    playbook = None if row["playbook"] is None else view.get("playbook", (row["playbook"],))
    wanted = [] if playbook is None else json.loads(playbook["content"]).get("evidence") or []
    there = {item["type"] for item in view.scan("evidence", (row["case"],)) if not item["withdrawn"]}
    missing = sorted({item["type"] for item in wanted if isinstance(item, dict) and "type" in item} - there)
    if missing:
        raise refuse("evidence_missing", f"expected evidence of type {', '.join(missing)}, got none")


def ended(kind: str, reasons: tuple[str, ...]) -> Any:
    """Return the rule of expire or close: one entry with a coded reason."""

    def rule(view: View, command: Command, at: str) -> Decided:
        asked: Asked = command.data
        request: CaseStep = asked.request
        people.no_agent(view, asked.who)
        row = find(view, request.case)
        draft = Draft(
            kind, request.case, {"reason_code": one_of(request.reason_code, reasons, "reason_code")}
        )
        advance(row, draft)
        if kind == "case_expired" and asked.who.id != SYSTEM:
            raise refuse("agent_may_not", "expected the system's own job: a miss is told by time alone")
        if kind == "case_closed":
            people.human(view, asked.who)
            _check_closing(view, row, draft.body["reason_code"])
        return Decided((draft,), (), {"case": request.case})

    return rule


def _check_closing(view: View, row: Row, reason: str) -> None:
    if reason == "not_recognised":
        without_award(row)
    none_waits(row, view.scan("decision", (row["case"],)))
    decided_first(row)
    # "done" is earned: by a passing verdict, or, where nothing is judged, by an outcome whose evidence was accepted.
    if reason != "done" or row["state"] == RESOLVED:
        return
    if row["state"] != AWAITING_REVIEW or row["policy"] is not None:
        raise refuse("transition", f"case_closed, done: expected a resolved case, got {row['state']}")
    _check_required(view, row)
    if any(
        item["review"] != "accepted"
        for item in view.scan("evidence", (row["case"],))
        if not item["withdrawn"]
    ):
        raise refuse(
            "evidence_missing", "done: expected every item accepted by somebody else than its submitter"
        )


def cleared(view: View, command: Command, at: str) -> Decided:
    """Rule of clear: the watch saw the condition go away before anybody decided."""
    asked: Asked = command.data
    people.no_agent(view, asked.who)
    draft = Draft(
        "case_cleared", asked.request.case, {"records": [{"item": item} for item in asked.request.records]}
    )
    advance(find(view, asked.request.case), draft)
    return Decided((draft,), (), {"case": asked.request.case})


def check_owner_again(view: View, row: Row, owner: str) -> str:
    """Check who owns a case that comes back, and return why: its owner, and where that one has left an owner of the
    organisation. The needs name both members.

    Raises:
        Refused: owner_unknown.
    """
    if owner == row["owner"]:
        return "reopened"
    before, after = view.get("member", (row["owner"],)), view.get("member", (owner,))
    left = before is None or not before["active"]
    if not left or after is None or people.OWNER not in people.roles(after):
        raise refuse("owner_unknown", f"expected {row['owner']} as before, or an owner where they have left")
    return "last_resort"


def reopened(view: View, command: Command, at: str) -> Decided:
    """Rule of reopen: back to its owner, and a live award is held in the same command. `known`: award, was (its
    owner as it was read), owner (another one, where that one has left).

    Raises:
        Refused: stale, owner_unknown, reason_missing, reason_unknown, transition.
    """
    asked: Asked = command.data
    request: CaseStep = asked.request
    people.no_agent(view, asked.who)
    row = find(view, request.case)
    if row["award"] != asked.known["award"]:
        raise refuse("stale", "the case was recognised or un-recognised meanwhile; look again")
    if row["owner"] != asked.known["was"]:
        raise refuse("stale", "the case went to somebody else meanwhile; look again")
    reason = one_of(request.reason_code, REOPEN_REASONS, "reason_code")
    people.employed(view, asked.known["owner"], "owner_unknown")
    why = check_owner_again(view, row, asked.known["owner"])
    drafts = [
        Draft("case_reopened", request.case, {"reason_code": reason}),
        Draft("owner_assigned", request.case, {"owner": asked.known["owner"], "reason_code": why}),
    ]
    award = None if row["award"] is None else view.get("award", (row["award"],))
    if award is not None and award["held_by"] is None:
        drafts.append(
            Draft("award_held", request.case, {"award": award["award"], "reason_code": "case_reopened"})
        )
    advance(row, *drafts)
    return Decided(tuple(drafts), (), {"case": request.case})


# ---------------------------------------------------------------------------------------------- the work it causes
def job(kind: str, cause: str, due: str, entry: Entry, payload: Mapping[str, Any]) -> list[Change]:
    """Return a row of work, caused by this entry. `kind:cause` names it, so the same cause never makes two."""
    name = f"{kind}:{cause}"
    row = {
        "job": name,
        "kind": kind,
        "due": due,
        "payload": json_dumps(payload).decode(),
        "cause_seq": entry.seq,
        "attempt": 0,
        "lease_until": None,
        "leased_by": None,
        "dead": 0,
        "error": None,
    }
    return [Delete("job", (name,)), Insert("job", row)]


def done(kind: str, cause: str) -> Change:
    """Return the end of a row of work, or of none."""
    return Delete("job", (f"{kind}:{cause}",))


def settle(entry: Entry, due: str) -> list[Change]:
    """Return the work of settling the award that the entry names."""
    return job("settle", entry.body["award"], due, entry, {"award": entry.body["award"]})
