"""What is known of anchors beside their entries: what the worker saw last, and what somebody asked for.

Rows without entries (api/tables.py): the worker writes what it saw, an owner's wish waits there for the worker, and
pages read both, whichever process serves them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api import tables as own
from api.rooms import Rooms
from casework import tables
from casework.requests import THE_SYSTEM, Principal
from casework.views_of_anchors import OPEN
from ledger.changes import Change, Delete, Insert, Row
from ledger.checkpoints import parse_text
from ledger.codec import dumps, loads
from ledger.commands import Command, Decided, View
from ledger.notes import parse_note


@dataclass(frozen=True, slots=True)
class Standing:
    """A trouble that goes on: as ledger.anchors.protocol.Trouble, and since when."""

    code: str
    detail: str
    stops: bool
    since: str


@dataclass(frozen=True, slots=True)
class Sight:
    """What the worker saw of one anchor, and when."""

    looked_at: str
    pending_size: int | None = None
    troubles: tuple[Standing, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


async def open_anchors(rooms: Rooms) -> list[Row]:
    """Return the rows of the anchors that are open, in the order of their ids, which is that of their opening."""
    return await rooms.rows.find(tables.anchor, {"state": OPEN})


async def sights_of(rooms: Rooms) -> dict[str, Sight]:
    """Return anchor -> what was seen of it last."""
    return {str(row["anchor"]): _sight(row) for row in await rooms.rows.find(own.anchor_sight)}


def _sight(row: Row) -> Sight:
    troubles = tuple(Standing(**one) for one in loads(row["troubles"]))
    return Sight(str(row["looked_at"]), row["pending_size"], troubles, loads(row["facts"]))


async def saw(rooms: Rooms, anchor: str, sight: Sight) -> None:
    """Keep what the worker saw."""
    told = [
        {"code": one.code, "detail": one.detail, "stops": one.stops, "since": one.since}
        for one in sight.troubles
    ]
    row = {"anchor": anchor, "looked_at": sight.looked_at, "pending_size": sight.pending_size}
    row |= {"troubles": dumps(told).decode(), "facts": dumps(dict(sight.facts)).decode()}
    await _keep(rooms, THE_SYSTEM, (Delete("anchor_sight", (anchor,)), Insert("anchor_sight", row)))


async def ask(rooms: Rooms, who: Principal, anchors: Sequence[str]) -> int:
    """Publish a checkpoint and let it be anchored at the worker's next look; return its size. What is entered meanwhile
    is of the next one.

    Raises:
        WayInEnded, and as Publisher.publish.
    """
    size = parse_text(parse_note(await rooms.publisher.publish()).text).size
    changes: list[Change] = []
    for anchor in anchors:
        changes += [
            Delete("anchor_asked", (anchor,)),
            Insert("anchor_asked", {"anchor": anchor, "size": size}),
        ]
    await _keep(rooms, who, tuple(changes))
    return size


async def asked_sizes(rooms: Rooms) -> dict[str, int]:
    """Return anchor -> the size up to which somebody asked."""
    return {str(row["anchor"]): int(row["size"]) for row in await rooms.rows.find(own.anchor_asked)}


async def _keep(rooms: Rooms, who: Principal, changes: tuple[Change, ...]) -> None:
    key = f"anchor-sight:{rooms.entropy.token(16).hex()}"
    await rooms.intake.hand_in(who, key, "0" * 64, (), _rows, changes)


def _rows(view: View, command: Command, at: str) -> Decided:
    return Decided((), command.data)
