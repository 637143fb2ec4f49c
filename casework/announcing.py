"""Whether a recognition may be shown to the others here: each person's own choice, off until they say yes.

The choice changes nothing in who may do what or what counts, so it leaves no entry: it is a row of the vault, gone at
once when it is taken back, and nobody can find in the record who did not want to be shown. A choice about one
recognition goes before the choice for all of them. What several share is shown when all of them agree: its sentence
may name each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from casework import people
from casework.errors import refuse
from casework.intake import Intake
from casework.requests import Asked, Principal
from ledger.changes import Change, Delete, Insert, Row
from ledger.commands import Command, Decided, Need, View

ALL = "*"
"""In the place of an award: the choice for all of one's recognitions."""


@dataclass(frozen=True, slots=True)
class Choose:
    """May it be shown? `award` None: for all; `may` None: as for all (about one), or not (about all)."""

    award: str | None
    may: bool | None


async def choose(intake: Intake, who: Principal, key: str, request: Choose) -> None:
    """Keep what somebody chose about their own recognition.

    Raises:
        Refused: agent_may_not, own_device_needed, unknown (no recognition of theirs). WayInEnded, StoreError.
    """
    needs = [Need("announcing", (who.id, request.award or ALL))]
    if request.award is not None:
        needs.append(Need("award_share", (request.award, who.id)))
    await intake.submit(who, key, request, chosen, needs)


def chosen(view: View, command: Command, at: str) -> Decided:
    """Rule of choose: of the person alone. Nobody says yes for another."""
    asked: Asked = command.data
    request: Choose = asked.request
    people.human(view, asked.who)
    people.own_device(asked.who)
    member, award = asked.who.id, request.award or ALL
    if request.award is not None and view.get("award_share", (request.award, member)) is None:
        raise refuse("unknown", f"expected a recognition of one's own, got {request.award}", "/award")
    changes: list[Change] = [Delete("announcing", (member, award))]
    if request.may is not None:
        changes.append(
            Insert("announcing", {"member": member, "award": award, "may": int(request.may), "at": at})
        )
    return Decided((), tuple(changes))


def may_show(award: str, members: Iterable[str], choices: Mapping[tuple[str, str], Row]) -> bool:
    """Say whether everybody who shares an award wants it shown; `choices`: (member, award or ALL) -> row."""
    found = [choices.get((member, award)) or choices.get((member, ALL)) for member in members]
    return bool(found) and all(row is not None and row["may"] == 1 for row in found)
