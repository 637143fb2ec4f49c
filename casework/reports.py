"""Something is wrong, in one sentence: who gets it, how soon it is due, and the photo that comes along in one command.

A report names no playbook, so nothing says who is to be asked. Whoever leads gets it: the reporter, if that is one of
them, else the manager who came first, else the owner as the last resort; somebody who was invited and never came is
not asked. It can be handed on like any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from casework import cases, evidence, people, routing
from casework.errors import refuse
from casework.records import Records
from casework.requests import Asked
from ledger.changes import Row
from ledger.commands import Command, Decided, View
from ledger.entries import SYSTEM

CAN_WAIT, TODAY, NOW = "can_wait", "today", "now"
URGENCIES = (CAN_WAIT, TODAY, NOW)
NOW_MINUTES = 15
"""Until when somebody has to take on what cannot wait."""


def opened_with_item(view: View, command: Command, at: str) -> Decided:
    """Rule of open_case with `shows`: the case, its owner and its first item of evidence, all or nothing. `known`: as
    `cases.opened`, and shown (the Asked of the item).

    Raises:
        Refused: as `cases.opened` and `evidence.attached`.
    """
    asked: Asked = command.data
    people.no_agent(view, asked.who)
    opened = cases.opened(view, command, at)
    shown: Asked = asked.known["shown"]
    drafts = (*opened.drafts, evidence.item_draft(view, shown, shown.request, at))
    cases.advance({"state": cases.NOTHING}, *drafts)
    rows = (*opened.rows, *shown.private.rows, *evidence.once(view, shown))
    return Decided(drafts, rows, {**opened.result, "evidence": shown.ids["evidence"]})


async def lead(records: Records, reporter: str) -> str:
    """Return who gets a report of this member, of those who have come.

    Raises:
        Refused: owner_unknown (nobody is left who could own it).
    """
    return lead_of(await routing.people_here(records), reporter)


def lead_of(members: Iterable[Row], reporter: str) -> str:
    """Return who of these members gets a report of this one.

    Raises:
        Refused: owner_unknown (nobody is left who could own it).
    """
    active = sorted((row for row in members if row["active"]), key=lambda row: int(row["seq"]))
    leads = {
        role: [str(row["member"]) for row in active if role in people.roles(row)]
        for role in (people.MANAGER, people.OWNER)
    }
    ordered = [*leads[people.MANAGER], *leads[people.OWNER]]
    if reporter != SYSTEM and reporter in ordered:
        return reporter
    if not ordered:
        raise refuse("owner_unknown", "expected an active manager or owner, got none")
    return ordered[0]


def facts_of(urgency: str, at: str, zone: ZoneInfo) -> dict[str, Any]:
    """Return the facts of a report: how urgent, and until when somebody takes it on (null: it can wait).

    `today` ends with the day in the organisation's zone.
    """
    cases.one_of(urgency, URGENCIES, "urgency")
    due = None
    if urgency == NOW:
        due = cases.later(at, seconds=NOW_MINUTES * 60)
    elif urgency == TODAY:
        local = datetime.fromisoformat(at).astimezone(zone)
        midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), zone)
        due = cases.later(at, seconds=int(midnight.timestamp() - local.timestamp()))
    return {"urgency": urgency, "due": due}
