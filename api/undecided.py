"""A recognition that waits too long for a yes or a no, or a question that nobody settles after the time to reply, goes
to a second approver and then to an owner. Who is next, and when, is casework/disputes.py; here is looked for what is
due. Waiting settles nothing, ends nothing and never lapses: who is asked changes, and nothing else.
"""

from __future__ import annotations

import structlog
from sqlalchemy import and_, or_

from api.rooms import Rooms
from api.scope import Row
from casework import cases, disputes, tables
from casework.requests import THE_SYSTEM, EscalateAward
from ledger.clock import unix_ms_of
from ledger.codec import loads
from ledger.errors import LedgerError, Refused, StoreError

LOOK_EVERY_SECONDS = 60
"""Of the log's time: what waits for days need not be looked for in every tick."""
LOOKED_AT_MAX = 500
"""In one look, those that wait longest first."""
log = structlog.get_logger("api.undecided")


class Undecided:
    """When this process looked last. Forgetting it costs one look."""

    def __init__(self) -> None:
        self._looked: dict[str, int] = {}

    async def climb(self, rooms: Rooms) -> int:
        """Pass on what is due; return how much that was."""
        now_ms = unix_ms_of(rooms.clock.now())
        last_ms = self._looked.get(rooms.log)
        if last_ms is not None and now_ms - last_ms < LOOK_EVERY_SECONDS * 1_000:
            return 0
        self._looked[rooms.log] = now_ms
        passed = 0
        for row in await _waiting(rooms):
            try:
                passed += await _pass_on(rooms, row)
            except StoreError:
                raise
            except LedgerError as error:
                log.error("award_not_passed_on", case=row["case"], error_type=type(error).__name__)
        return passed


async def _waiting(rooms: Rooms) -> list[Row]:
    """Return the cases whose recognition is due to go to somebody else; `disputes.due` says the same of each."""
    now = rooms.clock.now()
    setting = await rooms.rows.one(tables.setting, name=disputes.DECIDE_SETTING)
    days = disputes.DECIDE_DAYS_DEFAULT if setting is None else int(loads(setting["value"]))
    row = tables.case_file.c
    decided_on = and_(
        row.undecided_since <= cases.later(now, days=-days), row.award.is_(None), row.state == cases.RESOLVED
    )
    found = await rooms.rows.find(
        tables.case_file,
        also=(row.asked_rung < disputes.LAST_RESORT, or_(row.dispute.is_not(None), decided_on)),
        limit=LOOKED_AT_MAX,
    )
    asked = [one["dispute"] for one in found if one["dispute"] is not None]
    open_ones = await rooms.rows.find(tables.dispute, {"dispute": asked}) if asked else []
    by_id = {one["dispute"]: one for one in open_ones}
    due = ((disputes.due(one, by_id.get(one["dispute"]), days), one) for one in found)
    return [one for when, one in due if when is not None and when <= now]


async def _pass_on(rooms: Rooms, row: Row) -> int:
    request = EscalateAward(row["case"])
    try:
        done = await rooms.desk.escalate_award(
            THE_SYSTEM, f"undecided:{row['case']}:{row['changed_seq']}", request
        )
    except Refused as refusal:
        if refusal.code not in ("too_early", "transition"):
            raise
        return 0  # decided this very moment, or nobody is left to ask
    return 0 if done.outcome.replayed else 1
