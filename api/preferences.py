"""How somebody likes to be spoken to: language, theme, keys, interruptions. Rows without entries: theirs alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api import tables
from api.rooms import Rooms
from casework.requests import Principal
from ledger.changes import Delete, Insert
from ledger.commands import Command, Decided, View

COLUMNS = ("language", "theme", "keys_off", "interruptions_max", "quiet_from", "quiet_until")


async def preferences(rooms: Rooms, member: str) -> dict[str, Any]:
    """Return column -> value; None where nothing was chosen."""
    row = await rooms.rows.one(tables.preference, member=member)
    return {name: row[name] if row else None for name in COLUMNS}


async def prefer(rooms: Rooms, who: Principal, chosen: Mapping[str, Any]) -> None:
    """Keep what somebody chose; what is not named stays as it was. Raises WayInEnded."""
    member = who.id
    row = {"member": member, **await preferences(rooms, member), **chosen}
    changes = (Delete("preference", (member,)), Insert("preference", row))
    key = f"preference:{rooms.entropy.token(16).hex()}"
    await rooms.intake.hand_in(who, key, "0" * 64, (), _rows, changes)


def _rows(view: View, command: Command, at: str) -> Decided:
    return Decided((), command.data)
