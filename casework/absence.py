"""Away: somebody stands in, under the giver's own powers, never beyond them nor beyond the delegation's limit and end.

    delegation_given   makes one authority of the stand-in for each one lent: the lesser amount, the earlier end
    delegation_ended   ends those; so does whatever ends the giver's authority, or lets either of the two leave

A lent authority has an id of its own, so `decision_made.authority` names the delegation it came by. All checks of an
authority hold for it; on top, its giver must stand outside what is decided as well: a stand-in may not decide what the
giver may not. It is not lent on, and the voice of a second person is not lent at all. Who is away gets no new cases:
they open with the stand-in (reason `absent`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casework import cases, people
from casework.authority import ACTION, AWARD
from casework.errors import refuse
from casework.records import Records
from casework.requests import Asked, Money
from ledger.changes import Row
from ledger.commands import Command, Decided, Need, Rule, View
from ledger.entries import Draft

AWAY_DAYS_MAX = 366
LENT_MAX = 100
"""Authorities in one delegation."""
LENT = "lent-"
"""Names of the ids drawn for the authorities of the stand-in."""
END_REASONS = ("back", "handed_back", "ended_by_owner", "left")
"""Coded reasons of delegation_ended; `left` is written when one of the two leaves."""
NEEDS = (Need("member", ()), Need("delegation", ()))


@dataclass(frozen=True, slots=True)
class GoAway:
    """`giver` is away; `stand_in` takes over. `authorities` None: all that can be lent; `since` None: from now on."""

    giver: str
    stand_in: str
    until: str
    since: str | None = None
    authorities: tuple[str, ...] | None = None
    amount_max: Money | None = None
    tokens_max: int | None = None


@dataclass(frozen=True, slots=True)
class EndAway:
    """A delegation ends before its time."""

    giver: str
    delegation: str
    reason_code: str


# ---------------------------------------------------------------------------------------------- what is lent
def lendable(row: Row, since: str) -> bool:
    """Say whether an authority can be lent from `since` on: the giver's own, in force, not over by then."""
    own = row["delegation"] is None
    return bool(row["active"]) and own and (row["until"] is None or since < row["until"])


def lent(row: Row, authority: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is lent of an authority under a delegation's limits: never more than the giver's, never longer.

    `body` holds amount_max, tokens_max and until.

    Raises:
        Refused: value_invalid (a limit in another currency than the authority's own).
    """
    own = None if row["amount_max"] is None else json.loads(row["amount_max"])
    about_action = row["about"] == ACTION
    return {
        "authority": authority,
        "of": row["authority"],
        "about": row["about"],
        "scope": json.loads(row["scope"]),
        "amount_max": _lesser_money(own, body["amount_max"]) if about_action else None,
        "tokens_max": _lesser(row["tokens_max"], body["tokens_max"]) if row["about"] == AWARD else None,
        "until": body["until"] if row["until"] is None else min(row["until"], body["until"]),
        "assurance_min": row["assurance_min"],
    }


def _lesser(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _lesser_money(own: Money | None, limit: Money | None) -> dict[str, Any] | None:
    if own is None or limit is None:
        one = own or limit
        return None if one is None else dict(one)
    if own["currency"] != limit["currency"]:
        expected = f"expected {own['currency']}, the currency of the authority, got {limit['currency']}"
        raise refuse("value_invalid", f"amount_max: {expected}", "/amount_max")
    return dict(min(own, limit, key=lambda money: int(money["amount_minor"])))


def overlapping(view: View, giver: str, since: str, until: str) -> Row | None:
    """Return a delegation of the giver that is in force at some time between: one person has one stand-in."""
    for row in view.scan("delegation", (giver,)):
        if row["active"] and row["since"] < until and since < row["until"]:
            return row
    return None


def check_persons(view: View, giver: str, stand_in: str) -> None:
    """Check that two different people who are here take part; agents neither lend nor stand in.

    Raises:
        Refused: unknown (the giver), stand_in_invalid.
    """
    people.employed(view, giver, "unknown", "/giver")
    people.employed(view, stand_in, "stand_in_invalid", "/stand_in")
    if people.same_person(view, giver, stand_in):
        raise refuse("stand_in_invalid", "expected another person than who is away", "/stand_in")


def check_times(since: str, until: str, at: str) -> None:
    """Check at <= since < until, and not for ever. Raises Refused: value_invalid."""
    if since < at:
        raise refuse("value_invalid", f"since: expected {at} or later, got {since}", "/since")
    most = cases.later(since, days=AWAY_DAYS_MAX)
    if not since < until <= most:
        raise refuse("value_invalid", f"until: expected after {since} and by {most}, got {until}", "/until")


# ---------------------------------------------------------------------------------------------- rules
def given(view: View, command: Command, at: str) -> Decided:
    """Rule of give_delegation: by the giver or an owner. `ids`: delegation and lent-0 ... for as many as may be lent.

    Raises:
        Refused: role_missing, unknown, stand_in_invalid, value_invalid, already_away, delegation_chained, stale.
    """
    # 1. who may   2. two people   3. when   4. one stand-in at a time   5. what is lent
    asked: Asked = command.data
    request: GoAway = asked.request
    people.human(view, asked.who)
    if asked.who.role != people.OWNER and asked.who.id != request.giver:  # 1
        raise refuse("role_missing", "expected an owner or whoever is away")
    check_persons(view, request.giver, request.stand_in)  # 2
    since = request.since or at
    check_times(since, request.until, at)  # 3
    other = overlapping(view, request.giver, since, request.until)
    if other is not None:  # 4
        raise refuse("already_away", f"expected no other stand-in then, got one until {other['until']}")
    _check_limits(request)
    body: dict[str, Any] = {
        "delegation": asked.ids["delegation"],
        "giver": request.giver,
        "person": people.person(view, request.giver),
        "stand_in": request.stand_in,
        "amount_max": None if request.amount_max is None else dict(request.amount_max),
        "tokens_max": request.tokens_max,
        "since": since,
        "until": request.until,
    }
    chosen = _chosen(view, request, since)  # 5
    drawn = [asked.ids[name] for name in sorted(asked.ids) if name.startswith(LENT)]
    if len(chosen) > len(drawn):
        raise refuse("stale", "the powers that could be lent have grown meanwhile; look again")
    body["authorities"] = [lent(row, name, body) for row, name in zip(chosen, drawn, strict=False)]
    ids = {"delegation": body["delegation"], "giver": request.giver}
    return Decided((Draft("delegation_given", None, body),), (), ids)


def _check_limits(request: GoAway) -> None:
    amount = None if request.amount_max is None else request.amount_max["amount_minor"]
    for limit, field in ((amount, "amount_max"), (request.tokens_max, "tokens_max")):
        if limit is not None and limit < 0:
            raise refuse("value_invalid", f"{field}: expected 0 or more, got {limit}", f"/{field}")


def _chosen(view: View, request: GoAway, since: str) -> list[Row]:
    held = view.scan("authority", (request.giver,))
    if request.authorities is None:
        return [row for row in held if lendable(row, since)]
    found = {row["authority"]: row for row in held}
    chosen = []
    for name in sorted(set(request.authorities)):
        row = found.get(name)
        if row is not None and row["delegation"] is not None:
            raise refuse("delegation_chained", f"expected a power of their own, got {name}", "/authorities")
        if row is None or not lendable(row, since):
            raise refuse("unknown", f"expected a power in force of {request.giver}, got {name}")
        chosen.append(row)
    return chosen


def ended(view: View, command: Command, at: str) -> Decided:
    """Rule of end_delegation: by the giver, the stand-in or an owner.

    Raises:
        Refused: unknown, role_missing, reason_missing, reason_unknown.
    """
    asked: Asked = command.data
    request: EndAway = asked.request
    people.human(view, asked.who)
    row = view.get("delegation", (request.giver, request.delegation))
    if row is None or not row["active"] or row["until"] <= at:
        raise refuse("unknown", f"expected a delegation in force or to come, got {request.delegation}")
    if asked.who.role != people.OWNER and asked.who.id not in (row["giver"], row["stand_in"]):
        raise refuse("role_missing", "expected an owner, whoever is away, or the stand-in")
    reason = cases.one_of(request.reason_code, END_REASONS, "reason_code")
    return Decided((ending(row, reason),), (), {"delegation": row["delegation"], "giver": row["giver"]})


def ending(row: Row, reason: str) -> Draft:
    """Return delegation_ended for a delegation's row; it names the authorities that end with it."""
    body = {
        "delegation": row["delegation"],
        "giver": row["giver"],
        "stand_in": row["stand_in"],
        "authorities": json.loads(row["authorities"]),
        "reason_code": reason,
    }
    return Draft("delegation_ended", None, body)


def lent_of(rows: Sequence[Row], member: str, authority: str) -> list[Row]:
    """Return the authorities in force that were lent of this one: they end with it. `rows`: all authorities."""
    return [
        row for row in rows if row["active"] and row["delegated_from"] == authority and row["giver"] == member
    ]


# ---------------------------------------------------------------------------------------------- who is there instead
def in_force(rows: Sequence[Row], at: str) -> Row | None:
    """Return the delegation among a giver's that is in force at `at`, or None: they are here."""
    return next((row for row in rows if row["active"] and row["since"] <= at < row["until"]), None)


def while_standing_in(rule: Rule, owner: str) -> Rule:
    """Return the rule for a case that goes to a stand-in: who is away was looked up before, and may be back by now.

    Raises:
        Refused: stale. The caller looks again.
    """

    def checked(view: View, command: Command, at: str) -> Decided:
        rows = view.scan("delegation", ())
        if not any(row["stand_in"] == owner and in_force((row,), at) is not None for row in rows):
            raise refuse("stale", "whoever was away is back; look again")
        return rule(view, command, at)

    return checked


async def in_for(records: Records, member: str, at: str) -> str:
    """Return to whom new work of this member goes at `at`: themselves, or their stand-in, or that one's.

    Where everybody in the row is away it stays with the member.
    """
    here, seen = member, {member}
    while (row := in_force(await records.scan("delegation", (here,)), at)) is not None:
        here = row["stand_in"]
        if here in seen:
            return member
        seen.add(here)
    return here


async def first_owner(records: Records, without: str | None = None) -> str | None:
    """Return the active owner who joined first, other than `without`; None: there is none."""
    rows = sorted(await records.scan("member", ()), key=lambda row: int(row["seq"]))
    owners = (row for row in rows if row["active"] and people.OWNER in people.roles(row))
    return next((str(row["member"]) for row in owners if row["member"] != without), None)
