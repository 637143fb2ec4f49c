"""Who is on shift now, as the shift records say; known only where such records come in (kind `shift` of the shipped
vocabulary), by the names of people here or those that a rota has for them. Who leads is not in them, so no page says
it."""

from __future__ import annotations

from dataclasses import dataclass

from api.scope import Scoped
from api.whose import Whose
from playbooks.tables import record

SHIFTS_MAX = 400
"""Shifts looked through, those planned last first: several days of a large house."""
OTHERS_MAX = 12
KIND, CONFIRMED = "shift", "confirmed"


@dataclass(frozen=True, slots=True)
class Shift:
    """Until when somebody is on shift, and who else is; `beyond` are more than a page names."""

    until: str
    others: tuple[str, ...]
    beyond: int


async def shift_of(rows: Scoped, known: Whose, name: str, now: str) -> Shift | None:
    """Return the shift that somebody of this name is on now; None: no record says that they are."""
    found = await rows.find(record, {"kind": KIND}, order="event_at", limit=SHIFTS_MAX)
    if not found or not name:
        return None
    opened = await rows.open_all(row["item"] for row in found)
    on = []
    for one in opened.values():
        values = (one or {}).get("values") or {}
        if values.get("status") == CONFIRMED and str(values.get("starts_at")) <= now < str(
            values.get("ends_at")
        ):
            who = known.called(str((one or {}).get("source")), values.get("person"))
            on.append((who, str(values.get("ends_at"))))
    mine = [until for person, until in on if person == name]
    if not mine:
        return None
    others = sorted({person for person, _ in on if person != name})
    return Shift(max(mine), tuple(others[:OTHERS_MAX]), max(0, len(others) - OTHERS_MAX))
