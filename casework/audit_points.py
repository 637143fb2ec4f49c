"""Step 11 of the audit of meaning (casework/audit.py): check-in points, and what a check-in there is worth.

A tap's MAC is not checked again: its key is nobody's to see, and the tap itself is not kept. So the audit says that
counters only rise, and that grade and controllers are those of the point as it stood; whether the tag signed, the
desk alone has seen. Facts that are erased are not blamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework import audit_cases, audit_routine, cases, device_rules, people, point_rules
from casework.audit_standing import Check, Owing, Standing, expect, wrong
from casework.collectors import check_in
from casework.point_requests import NFC, SCREEN, SCREEN_SECONDS
from casework.views_of_points import DOUBTED
from ledger.changes import Row
from ledger.entries import Entry
from ledger.errors import Refused


# ------------------------------------------------------------------------------------------------ points
def check_registered(standing: Standing, entry: Entry) -> None:
    """By an owner or a manager, once; of no tag and no place that another point in use has."""
    _check_lead(entry)
    body = entry.body
    point_rules.check_shape(body["place"], body["method"], body["uid"])
    known = standing.view.get("point", (body["point"],))
    expect(known is None, "value_invalid", f"expected a point registered once, got {body['point']} again")
    there = standing.view.scan("point", ())
    for row in point_rules.clashing(there, body["place"], body["method"], body["uid"]):
        wrong(f"expected {row['point']}, of the same tag or place, to end before")


def check_ended(standing: Standing, entry: Entry) -> None:
    """By an owner or a manager; one that is in use."""
    _check_lead(entry)
    _point(standing, entry.body["point"])


def check_doubted(standing: Standing, entry: Entry) -> None:
    """Of one that is in use; that a person says so is checked with the actor."""
    _point(standing, entry.body["point"])


def _check_lead(entry: Entry) -> None:
    role = entry.actor.role
    expect(
        role in device_rules.DEVICE_ROLES, "role_missing", f"expected the role owner or manager, got {role}"
    )


def _point(standing: Standing, point: str) -> Row:
    return point_rules.in_use(standing.view.get("point", (point,)), point)


# ------------------------------------------------------------------------------------------------ check-ins
def check_attached(standing: Standing, entry: Entry) -> Any:
    """As every item; a check-in also at a point that was in use, worth what it was worth then. Returns its facts."""
    facts = audit_cases.check_attached(standing, entry)
    if entry.body["type"] == audit_routine.ASSESSMENT:
        audit_routine.check_assessment(standing, entry)
    if entry.body["type"] == check_in.TYPE:
        _check_shown(standing, entry, facts)
    return facts


def _check_shown(standing: Standing, entry: Entry, facts: Any) -> None:
    member = people.member_of(entry.body["submitter"])
    expect(member is not None, "agent_may_not", "expected a person to check in")
    named = _named(entry, facts)
    if named is None:  # on paper, and its facts are gone
        expect(
            (entry.body["grade"], entry.body["controllers"]) == ("E1", {"party": entry.body["submitter"]}),
            "not_as_recorded", "expected a check-in without a point to be worth E1, by the member alone",
        )  # fmt: skip
        return
    row = _point(standing, named)
    if row["method"] == NFC:  # before anything is blamed: its tap is looked at by itself
        standing.checked_in = (entry.cmd, named, entry.actor.id, facts)
        standing.owing.append(Owing(entry.seq, entry.kind, entry.cmd, "point_tapped", entry.case))
    point_rules.check_own_device(row, entry.actor.via)
    _check_worth(row, entry, facts)


def _named(entry: Entry, facts: Any) -> str | None:
    """Return the point that a check-in names: in its controllers, or (on paper) in its facts."""
    formula = entry.body["controllers"]
    for part in formula.get("any", [formula]):
        party = str(part.get("party")) if isinstance(part, dict) else ""
        if party.startswith(check_in.POINT_PARTY):
            return party.removeprefix(check_in.POINT_PARTY)
    return None if facts is None else str(facts["point"])


def _check_worth(row: Row, entry: Entry, facts: Any) -> None:
    """Grade and controllers follow from the point, and from whether it waited, which only the facts say."""
    body, actor = entry.body, entry.actor
    if facts is not None:
        _check_facts(row, entry, facts)
    told = (body["grade"], body["controllers"])
    ways: tuple[str, ...] = check_in.WAITED
    if facts is not None:
        ways = (check_in.waited(facts["at"] if facts["offline"] else None, body["received_at"]),)
    worth = [check_in.worth(row, actor.id, how_long) for how_long in ways]
    if told not in worth:
        state = "doubted " if row["state"] == DOUBTED else ""
        wrong(
            f"expected grade and controllers of a {state}{row['method']} point: {worth[0][0]}, got {told[0]}"
        )


def _check_facts(row: Row, entry: Entry, facts: Mapping[str, Any]) -> None:
    """What the facts say is what the point was, who asked, and a time that could be."""
    received_at = entry.body["received_at"]
    stood = {name: row[name] for name in ("point", "place", "method")} | {"member": entry.actor.id}
    other = sorted(name for name, value in stood.items() if facts[name] != value)
    if (facts["counter"] is None) == (row["method"] == NFC):
        other.append("counter")
    if (facts["nonce_issued_at"] is None) == (row["method"] == SCREEN):
        other.append("nonce_issued_at")
    if not facts["offline"] and facts["at"] != received_at:
        other.append("at")
    if other:
        wrong(f"facts: expected those of the point and the member, got another {', '.join(other)}")
    if facts["offline"]:
        check_in.check_waited(row["method"], facts["at"], received_at)
    if row["method"] == SCREEN:
        until = cases.later(facts["nonce_issued_at"], seconds=SCREEN_SECONDS)
        expect(
            received_at <= until, "code_expired", f"expected a code until {until}, got it at {received_at}"
        )


def check_tapped(standing: Standing, entry: Entry) -> None:
    """With its check-in, by the same member, with a counter above that of every tap of this tag before."""
    body = entry.body
    seen, standing.checked_in = standing.checked_in, None
    if seen is None or seen[:3] != (entry.cmd, body["point"], entry.actor.id):
        raise Refused("not_as_recorded", "expected a check-in at this point before it, in the same command")
    row, facts = _point(standing, body["point"]), seen[3]
    same_tag = [one for one in standing.view.scan("point", ()) if one["uid"] == row["uid"]]
    point_rules.check_counter(body["counter"], same_tag)
    if facts is not None and facts["counter"] not in (None, body["counter"]):
        wrong(f"counter: expected {facts['counter']}, of the check-in, got {body['counter']}")


CHECKS: Mapping[str, Check] = {
    "point_registered": check_registered,
    "point_ended": check_ended,
    "point_doubted": check_doubted,
    "point_tapped": check_tapped,
}
