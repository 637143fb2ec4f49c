"""How many decisions wait for whoever looks, for the number beside "Decisions" on every page.

Worked out anew only when the log went on, or after KEPT_SECONDS: a power that ends by its date writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from api.dossiers import staff_of
from api.pages.inbox import inbox
from api.rooms import Rooms

KEPT_SECONDS = 60
KEPT_MAX = 2_000
"""People whose number is kept; where there are more, all are worked out again."""


@dataclass(slots=True)
class Counts:
    """What this process counted last: forgetting it costs one look."""

    _kept: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)

    async def of(self, rooms: Rooms, member: str) -> int:
        """Return how many decisions wait for this member now."""
        size, _ = await rooms.rows.head()
        now_ms = rooms.clock.unix_ms()
        known = self._kept.get((rooms.log, member))
        if known is not None and known[0] == size and now_ms - known[1] < KEPT_SECONDS * 1_000:
            return known[2]
        now = rooms.clock.now()
        count = len(await inbox(rooms.rows, await staff_of(rooms.rows, now), member, now))
        if len(self._kept) >= KEPT_MAX:
            self._kept.clear()
        self._kept[rooms.log, member] = (size, now_ms, count)
        return count
