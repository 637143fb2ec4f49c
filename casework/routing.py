"""Whom a case goes to: the first rung of its playbook's route that names somebody who is here, and who is asked next
when that one does not answer.

Rungs name a role, a field of the record or the organisation's owner, who is always the last resort. Somebody who was
invited and never came is not here: nobody would look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casework import joining_rules, people
from casework.errors import refuse
from casework.records import Records
from ledger.changes import Row
from playbooks.calendars import DAY_MS, Span
from playbooks.playbook import Playbook, Route


async def route(records: Records, playbook: Playbook, values: Mapping[str, Any]) -> str:
    """Return who owns a new case; `values` are the fields of its record.

    Raises:
        Refused: owner_unknown.
    """
    here = await people_here(records)
    for rung in (*(line.to for line in playbook.route), people.OWNER):
        found = _on(rung, here, values)
        if found is not None:
            return found
    raise refuse("owner_unknown", "expected an active person to own the case, got none")


async def people_here(records: Records) -> list[Row]:
    """Return the rows of the active people who have come, in the order in which they joined."""
    rows = sorted(await records.scan("member", ()), key=lambda row: int(row["seq"]))
    active = [row for row in rows if row["active"] and people.AGENT not in people.roles(row)]
    return [row for row in active if await _has_come(records, str(row["member"]))]


async def _has_come(records: Records, member: str) -> bool:
    invites = await records.scan("invite", (member,))
    if not invites or any(row["state"] == "used" for row in invites):
        return True
    if any(joining_rules.signs_in(row) for row in await records.scan("sign_in", (member,))):
        return True
    return any(row["member"] == member and row["active"] for row in await records.scan("api_key", ()))


def _on(rung: str, here: Sequence[Row], values: Mapping[str, Any]) -> str | None:
    kind, _, name = rung.partition(":")
    for row in here:
        by_field = kind == "field" and row["member"] == values.get(name)
        by_role = (kind == "role" and name in people.roles(row)) or (
            kind == people.OWNER and people.OWNER in people.roles(row)
        )
        if by_field or by_role:
            return str(row["member"])
    return None


def ladder(playbook: Playbook, here: Sequence[Row]) -> list[tuple[str | None, Route]]:
    """Return whom each rung names, but for what a record says: None there, and where nobody is."""
    return [(_on(line.to, here, {}), line) for line in playbook.route]


def asked_next(playbook: Playbook, here: Sequence[Row], owner: str) -> tuple[Span, list[str]] | None:
    """Return how long the owner has to answer and who may be asked after that, in order; None: no time is set.

    An owner whom no rung names (a record's field, or a colleague it was passed to) has the time of the first rung.
    """
    rungs = ladder(playbook, here)
    place = next((number for number, (member, _) in enumerate(rungs) if member == owner), 0)
    span = rungs[place][1].ack_within
    following = [member for member, _ in rungs[place + 1 :] if member is not None and member != owner]
    return None if span is None else (span, list(dict.fromkeys(following)))


def span_ms(span: Span) -> int:
    """Return a span as elapsed time: somebody who waits for an answer counts by the clock."""
    return span.days * DAY_MS if span.in_days else span.ms
