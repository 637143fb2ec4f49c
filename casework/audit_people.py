"""Step 9 of the audit of meaning (casework/audit.py): who stands in for whom, and who has left.

What a stand-in decides is held against both the lent authority and the giver's own in steps 3 and 7.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from casework import absence, cases, leaving, people
from casework.audit_standing import Check, Owing, Standing, expect, wrong
from ledger.changes import Row
from ledger.entries import SYSTEM, Entry
from ledger.errors import Refused


def check_given(standing: Standing, entry: Entry) -> None:
    """By the giver or an owner, to one other person at a time; each lent authority is the lesser of both, lent once."""
    body, view = entry.body, standing.view
    _check_by(entry, body["giver"])
    absence.check_persons(view, body["giver"], body["stand_in"])
    absence.check_times(body["since"], body["until"], entry.at)
    other = absence.overlapping(view, body["giver"], body["since"], body["until"])
    expect(other is None, "already_away", "expected no other stand-in at that time")
    person = people.person(view, body["giver"])
    if body["person"] != person:
        wrong(f"person: expected {person}, the giver's first account, got {body['person']}")
    named = [one["of"] for one in body["authorities"]]
    expect(len(set(named)) == len(named), "delegation_chained", "expected each power lent once")
    for one in body["authorities"]:
        _check_lent(standing, body, one)


def _check_lent(standing: Standing, body: Mapping[str, Any], one: Mapping[str, Any]) -> None:
    own = standing.view.get("authority", (body["giver"], one["of"]))
    if own is None or not own["active"]:
        raise Refused("no_authority", f"expected a power in force of the giver, got {one['of']}")
    expect(own["delegation"] is None, "delegation_chained", "expected a power of the giver's own")
    expect(absence.lendable(own, body["since"]), "no_authority", "expected a power that is not over by then")
    expected = absence.lent(own, one["authority"], body)
    if expected != one:
        other = sorted(name for name in expected.keys() | one.keys() if expected.get(name) != one.get(name))
        wrong(f"authorities: expected {', '.join(other)} of {one['of']} as computed again")


def check_ended(standing: Standing, entry: Entry) -> None:
    """By the giver, the stand-in or an owner; it ends exactly what it made."""
    body = entry.body
    row = standing.view.get("delegation", (body["giver"], body["delegation"]))
    if row is None or not row["active"]:
        raise Refused("unknown", "expected a delegation that has not ended")
    _check_by(entry, row["giver"], row["stand_in"])
    stood = (row["stand_in"], json.loads(row["authorities"]))
    if stood != (body["stand_in"], body["authorities"]):
        wrong("expected the stand-in and the authorities of the delegation")


def _check_by(entry: Entry, *may: str) -> None:
    actor = entry.actor
    expect(actor.role == people.OWNER or actor.id in may, "role_missing", f"expected an owner or {may[0]}")


def check_left(standing: Standing, entry: Entry) -> None:
    """Of somebody who was here and not the last owner; whatever they held was handed over or had ended before."""
    view, member = standing.view, entry.body["member"]
    row = view.get("member", (member,))
    if row is None or not row["active"]:
        raise Refused("unknown", f"expected an active member, got {member}")
    last = people.OWNER in people.roles(row) and len(people.owners(view)) < 2
    expect(not last, "second_person_needed", "expected another owner before the last one leaves")
    kept = leaving.remains(view, member, entry.at)
    if kept is not None:
        wrong(f"expected everything handed over or ended, got {kept}")


def _check_owner(field: str) -> Check:
    """To somebody who is here, for a reason that whoever says it may have: people hand over; as a case opens or comes
    back it goes to its owner, once; as somebody leaves theirs go to a successor; the system says that time ran out."""

    def check(standing: Standing, entry: Entry) -> None:
        reason, owner = entry.body["reason_code"], entry.body[field]
        people.employed(standing.view, owner, "owner_unknown")
        row = cases.find(standing.view, str(entry.case))
        opened, standing.opened = standing.opened, None
        if opened is not None and opened[:2] == (entry.cmd, entry.case):
            _check_first(standing, entry, row, opened[2], owner)
        elif reason == leaving.HANDED_OVER:
            expect(entry.actor.role == people.OWNER, "reason_unknown", "expected an owner to let somebody go")
            standing.owing.append(Owing(entry.seq, entry.kind, entry.cmd, "member_left", row["owner"]))
        else:
            said = cases.SYSTEM_REASONS if entry.actor.id == SYSTEM else cases.HAND_REASONS
            who = "the system" if reason not in cases.HAND_REASONS else "a person"
            expect(
                reason in said, "reason_unknown", f"expected {who} to say {reason}, got {entry.actor.role}"
            )

    return check


def _check_first(standing: Standing, entry: Entry, row: Row, reasons: tuple[str, ...], owner: str) -> None:
    """The owner of a case that has just opened or come back."""
    reason = entry.body["reason_code"]
    expect(reason in reasons, "reason_unknown", f"expected one of {', '.join(reasons)}, got {reason}")
    if reason in ("reopened", "last_resort"):
        expected = cases.check_owner_again(standing.view, row, owner)
        expect(reason == expected, "reason_unknown", f"expected {expected}, got {reason}")
        return
    by_system = entry.actor.id == SYSTEM
    fits = reason == "absent" or by_system == (reason == "route")
    expect(fits, "reason_unknown", f"expected the system to say route and people reporter, got {reason}")
    if reason == "absent":
        stands_in = any(
            one["stand_in"] == owner and absence.in_force((one,), entry.at) is not None
            for one in standing.view.scan("delegation", ())
        )
        expect(stands_in, "reason_unknown", "expected somebody who stands in at that time")


def meet(standing: Standing, entry: Entry) -> None:
    """Take off what an entry brings that an earlier one of its command promised."""
    about = entry.body.get("member") if entry.kind == "member_left" else entry.case
    met = (entry.cmd, entry.kind, about)
    standing.owing = [one for one in standing.owing if (one.cmd, one.wants, one.about) != met]


def settle(standing: Standing, cmd: str | None) -> list[tuple[Owing, str]]:
    """Return what commands before `cmd` (None: the end) promised and do not hold, with a sentence each."""
    broken = [one for one in standing.owing if one.cmd != cmd]
    standing.owing = [one for one in standing.owing if one.cmd == cmd]
    return [(one, f"not_as_recorded: expected {one.wants} in the same command, got none") for one in broken]


CHECKS: Mapping[str, Check] = {
    "delegation_given": check_given,
    "delegation_ended": check_ended,
    "member_left": check_left,
    "owner_assigned": _check_owner("owner"),
    "escalated": _check_owner("to"),
}
