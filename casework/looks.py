"""Looks: who looked whose page up, once per day and page, told to the person looked at and to nobody else.

A look leaves no entry: it changes nothing in the organisation, and the record is for ever. Its row commits by a command
without entries.
"""

from __future__ import annotations

from dataclasses import dataclass

from casework import people
from casework.intake import Intake
from casework.requests import Asked, Principal
from ledger.changes import Insert
from ledger.commands import Command, Decided, Need, View

MEMBER, TAKE_AWAY, AWARDS = "member", "take_away", "awards"
"""What somebody looked at: a person's page, their take-away file, their awards."""


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looked at a page about `member` on `day` (YYYY-MM-DD, UTC)."""

    member: str
    what: str
    day: str


async def note(intake: Intake, who: Principal, member: str, what: str, at: str) -> None:
    """Note that `who` looks at something about another member at `at`. Looking at oneself is nobody's business.

    Called before anything is shown: what cannot be noted is not shown.

    Raises:
        Refused, Stopped, StoreError: as the writer does.
    """
    look = Look(member, what, at[:10])
    key = (member, who.id, look.day, what)
    if who.id == member or await intake.records.get("look", key) is not None:
        return
    await intake.submit(who, f"look:{look.day}:{what}:{member}", look, noted, [Need("look", key)])


def noted(view: View, command: Command, at: str) -> Decided:
    """Rule of note: one row per person, page and day."""
    asked: Asked = command.data
    look: Look = asked.request
    people.acting(view, asked.who)
    key = (look.member, asked.who.id, look.day, look.what)
    if view.get("look", key) is not None:
        return Decided(())
    row = {"member": look.member, "by": asked.who.id, "day": look.day, "what": look.what, "at": at}
    return Decided((), (Insert("look", row),))
