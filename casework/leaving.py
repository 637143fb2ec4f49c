"""Leaves: everything somebody holds is handed over or ends, in one command; `member_left` is its last entry.

    1. open cases: to a named successor, or the owner who joined first    owner_assigned | escalated, `left`
    2. delegations in force or to come, given or taken                    delegation_ended, `left`
    3. authorities of their own                                           authority_ended
    4. keys                                                               api_key_ended
    5. the account                                                        member_left

Awards are left alone: a provisional one of somebody who has left settles, and can be held, as any other. Sessions end
because they look the member up at every request. What else a member may hold joins `ENDS`.
"""

from __future__ import annotations

from collections.abc import Callable

from casework import absence, cases, passkeys, people
from casework.errors import refuse
from casework.requests import Asked, MemberStep
from ledger.changes import Delete, Row
from ledger.commands import Command, Decided, Need, View
from ledger.entries import Draft

LEAVE_REASONS = ("left", "ended_by_owner", "joined_in_error")
HANDED_OVER = "left"
"""Reason code of what is handed over or ends because somebody leaves."""
CASES_MAX = 500
"""Open cases handed over in one command; who owns more gives some to somebody else first."""
TRIES_MAX = 3
"""How often a list that somebody added to meanwhile is read again before the request is refused `stale`."""
NEEDS = (
    Need("member", ()),
    Need("delegation", ()),
    Need("authority", ()),
    Need("api_key", ()),
    Need("passkey", ()),
)
OVER = frozenset((cases.CLEARED, cases.EXPIRED, cases.CLOSED))
"""States out of which only a reopening leads, which asks for an owner anew. A resolved case may be judged again."""


def left(view: View, command: Command, at: str) -> Decided:
    """Rule of member_left. `known`: size (of the log when the list was read), owned (case ids), successor.

    Raises:
        Refused: unknown, second_person_needed (the last owner), reason_unknown, successor_invalid, too_many_cases,
            stale.
    """
    asked: Asked = command.data
    request: MemberStep = asked.request
    people.owner(view, asked.who)
    row = view.get("member", (request.member,))
    if row is None or not row["active"]:
        raise refuse("unknown", f"expected an active member, got {request.member}", "/member")
    if people.OWNER in people.roles(row) and len(people.owners(view)) < 2:
        raise refuse("second_person_needed", "expected another owner before the last one leaves")
    if request.reason_code not in LEAVE_REASONS:
        raise refuse(
            "reason_unknown", f"expected one of {', '.join(LEAVE_REASONS)}, got {request.reason_code}"
        )
    drafts = [*_handed_over(view, asked), *(draft for end in ENDS for draft in end(view, request.member, at))]
    body = {"member": request.member, "reason_code": request.reason_code}
    drafts.append(Draft("member_left", None, body))
    # where they were last is nobody's business any more
    return Decided(tuple(drafts), (Delete("presence", (request.member,)),), {"member": request.member})


def _handed_over(view: View, asked: Asked) -> list[Draft]:
    """Step 1. Refused `stale` when a case may have come that the list does not name."""
    leaver = asked.request.member
    last = view.get("assignment", (leaver,))
    if last is not None and last["seq"] >= asked.known["size"]:
        raise refuse("stale", "another case was given to whoever leaves meanwhile; look again")
    if asked.request.successor is not None:
        check_successor(view, leaver, asked.request.successor)
    open_cases = [
        row
        for case in asked.known["owned"]
        if (row := cases.find(view, case))["owner"] == leaver and row["state"] not in cases.ENDED
    ]
    if len(open_cases) > CASES_MAX:
        raise refuse("too_many_cases", f"expected at most {CASES_MAX} open cases, got {len(open_cases)}")
    if open_cases:
        check_successor(view, leaver, str(asked.known["successor"]))
    return [handing_over(row, str(asked.known["successor"]), HANDED_OVER) for row in open_cases]


def check_successor(view: View, leaver: str, successor: str) -> None:
    """Check that an active person other than the leaver takes over. Raises Refused: successor_invalid."""
    people.employed(view, successor, "successor_invalid", "/successor")
    if people.same_person(view, leaver, successor):
        raise refuse("successor_invalid", "expected another person than who leaves", "/successor")


def handing_over(row: Row, to: str, reason: str) -> Draft:
    """Return the entry that gives an open case to somebody else: assigned anew, or escalated once work has begun."""
    if row["state"] in cases.TRANSITIONS["escalated"].allowed:
        return Draft("escalated", row["case"], {"to": to, "reason_code": reason})
    return Draft("owner_assigned", row["case"], {"owner": to, "reason_code": reason})


# ---------------------------------------------------------------------------------------------- what ends
def _delegations(view: View, member: str, at: str) -> list[Draft]:
    found = [
        row
        for row in view.scan("delegation", ())
        if row["active"] and at < row["until"] and member in (row["giver"], row["stand_in"])
    ]
    return [absence.ending(row, HANDED_OVER) for row in found]


def _authorities(view: View, member: str, at: str) -> list[Draft]:
    held = [row for row in view.scan("authority", (member,)) if row["active"] and row["delegation"] is None]
    return [Draft("authority_ended", None, {"member": member, "authority": row["authority"]}) for row in held]


def _keys(view: View, member: str, at: str) -> list[Draft]:
    held = [row for row in view.scan("api_key", ()) if row["active"] and row["member"] == member]
    return [Draft("api_key_ended", None, {"key": row["key"]}) for row in held]


def _passkeys(view: View, member: str, at: str) -> list[Draft]:
    held = [
        row for row in view.scan("passkey", ()) if row["member"] == member and row["state"] != passkeys.ENDED
    ]
    return [
        Draft("passkey_ended", None, {"passkey": row["passkey"], "reason_code": HANDED_OVER}) for row in held
    ]


Ends = Callable[[View, str, str], list[Draft]]
"""(rows, who leaves, at) -> the entries that end what they hold. Its rows must be in NEEDS."""
ENDS: tuple[Ends, ...] = (_delegations, _authorities, _keys, _passkeys)


def remains(view: View, member: str, at: str) -> str | None:
    """Return what somebody still holds that a leaving would have ended, in words; None: nothing. For the audit."""
    for row in view.scan("case_file", ()):
        if row["owner"] == member and row["state"] not in cases.ENDED:
            return f"the open case {row['case']}"
    drafts = [draft for end in ENDS for draft in end(view, member, at)]
    return f"what {drafts[0].kind} would have ended" if drafts else None
