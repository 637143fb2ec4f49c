"""Looks: who looked whose page up, once per day and page, told to the person looked at and to nobody else.

A look leaves no entry: it changes nothing in the organisation, and the record is for ever. Its row commits by a
command without entries, is kept for KEPT_DAYS, and goes with the person it is about. What lists everybody (people,
recognitions, accounts, the whole record) is no look at one of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from casework import people
from casework.errors import refuse
from casework.intake import Intake
from casework.requests import THE_SYSTEM, Asked, Principal
from ledger.changes import Delete, Insert, Row
from ledger.codec import dumps
from ledger.commands import Command, Decided, Need, View
from ledger.entries import SYSTEM

MEMBER, TAKE_AWAY, AWARDS, PROOF, ACCOUNT = "member", "take_away", "awards", "proof", "account"
"""What somebody looked at: a person's page, the files of everything about them, their recognition, its proof as a file,
the postings of their account."""
KEPT_DAYS = 365
SWEPT_MAX = 500
"""Rows that go in one command."""

Key = tuple[str, ...]
Gone = tuple[str, Key]
"""Table and key of a row."""


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody looked at a page about `members` on `day` (YYYY-MM-DD, UTC)."""

    members: tuple[str, ...]
    what: str
    day: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """Rows that go."""

    gone: tuple[Gone, ...]


async def note(intake: Intake, who: Principal, members: Collection[str], what: str, at: str) -> None:
    """Note that `who` looks at something about other members at `at`. Looking at oneself is nobody's business: who is
    one of them reads what is their own.

    Called before anything is shown: what cannot be noted is not shown.

    Raises:
        Refused, Stopped, StoreError: as the writer does.
    """
    if who.id in members:
        return
    day = at[:10]
    named = sorted(set(members))
    found = [await intake.records.get("look", (member, who.id, day, what)) for member in named]
    left = tuple(member for member, row in zip(named, found, strict=True) if row is None)
    if left:
        look = Look(left, what, day)
        needs = [Need("look", (member, who.id, day, what)) for member in left]
        await intake.submit(who, f"look:{day}:{what}:{':'.join(left)}", look, noted, needs)


def noted(view: View, command: Command, at: str) -> Decided:
    """Rule of note: one row per person, looker, page and day."""
    asked: Asked = command.data
    look: Look = asked.request
    people.acting(view, asked.who)
    rows = []
    for member in look.members:
        if view.get("look", (member, asked.who.id, look.day, look.what)) is None:
            row = {"member": member, "by": asked.who.id, "day": look.day, "what": look.what}
            rows.append(Insert("look", row | {"role": asked.who.role, "at": at}))
    return Decided((), tuple(rows))


# ---------------------------------------------------------------------------------------------- what goes again
def key_of(row: Row) -> Key:
    """Return the key of a look without log."""
    return (row["member"], row["by"], row["day"], row["what"])


async def sweep(intake: Intake, gone: Iterable[Gone], at: str) -> int:
    """Let at most SWEPT_MAX rows go that are past their time at `at`, or about somebody whose data were erased; return
    how many went."""
    first = tuple(gone)[:SWEPT_MAX]
    if first:
        name = hashlib.sha256(dumps([[table, *key] for table, key in first])).hexdigest()
        await intake.submit(THE_SYSTEM, f"swept:{at}:{name}", Sweep(first), swept, ())
    return len(first)


def swept(view: View, command: Command, at: str) -> Decided:
    """Rule of sweep: the system's alone, so that nobody can make their own look unseen."""
    asked: Asked = command.data
    if asked.who.id != SYSTEM:
        raise refuse("role_missing", f"expected the system, got {asked.who.role}")
    request: Sweep = asked.request
    return Decided((), tuple(Delete(table, key) for table, key in request.gone))
