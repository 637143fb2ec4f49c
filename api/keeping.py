"""What is kept for a stated time goes when that time is over: the looks at people's pages. With the data of somebody
go the looks at them, and what they chose about being shown.

Looked after once an hour of the installation's clock and log, and with the first tick of a process: nothing depends on
it being on time.
"""

from __future__ import annotations

from api.rooms import Rooms
from casework import looks, tables
from ledger.clock import instant_of, unix_ms_of
from playbooks.calendars import DAY_MS

HOUR_CHARS = len("2026-11-27T10")


class Keeping:
    """What this process has looked after. Forgetting it costs one read."""

    def __init__(self) -> None:
        self._hour: dict[str, str] = {}

    async def sweep(self, rooms: Rooms) -> int:
        """Let go what was kept long enough, and what is about somebody whose data were erased; return how much."""
        now = rooms.clock.now()
        if self._hour.get(rooms.log) == now[:HOUR_CHARS]:
            return 0
        gone = await _over(rooms, now)
        swept = await looks.sweep(rooms.intake, gone, now)
        if len(gone) < looks.SWEPT_MAX:
            self._hour[rooms.log] = now[:HOUR_CHARS]  # else there may be more: the next tick goes on
        return swept


async def _over(rooms: Rooms, now: str) -> list[looks.Gone]:
    """Return at most SWEPT_MAX rows that go."""
    rows, at = rooms.rows, tables.look.c.at
    before = instant_of(unix_ms_of(now) - looks.KEPT_DAYS * DAY_MS)
    found = await rows.find(tables.look, also=(at < before,), limit=looks.SWEPT_MAX)
    named = {row["member"] for row in await rows.find(tables.member_name)}
    erased = [row["member"] for row in await rows.find(tables.member) if row["member"] not in named]
    gone: list[looks.Gone] = [("look", looks.key_of(row)) for row in found]
    if erased:
        found = await rows.find(tables.look, {"member": erased}, also=(at >= before,), limit=looks.SWEPT_MAX)
        gone += [("look", looks.key_of(row)) for row in found]
        chosen = await rows.find(tables.announcing, {"member": erased}, limit=looks.SWEPT_MAX)
        gone += [("announcing", (row["member"], row["award"])) for row in chosen]
    return gone[: looks.SWEPT_MAX]
