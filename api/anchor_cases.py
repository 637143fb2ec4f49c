"""What goes wrong with an anchor becomes a case for an owner: one for each anchor and kind of trouble, not one a look.

A trouble that stops the anchor opens it at once, another one when it lasted. When the trouble is over, a case that
nobody acted on is cleared by itself; one that somebody closed while the trouble goes on is not opened again for a day.
"""

from __future__ import annotations

from api.anchor_sights import Sight, Standing
from api.rooms import Rooms
from api.scope import first_owner
from casework import cases, tables
from casework.requests import THE_SYSTEM, CaseStep, OpenCase
from ledger.changes import Row
from ledger.clock import unix_ms_of
from ledger.errors import Refused

LASTS_SECONDS = 15 * 60
"""A trouble that mends itself is no case before that."""
AGAIN_SECONDS = 24 * 3_600
MEANWHILE = frozenset({"already_open", "stale", "idempotency_mismatch", "transition"})
"""Refusals that say: another worker was quicker, or somebody acted this very moment."""

SAID = {
    "rpc_unreachable": "the public register does not answer",
    "rpc_disagree": "the addresses of the public register contradict each other",
    "final_undone": "the public register took back what it had called final",
    "wrong_chain": "another public register answers than the one that was set up",
    "code_differs": "what stood in the public register is not there, or is something else",
    "key_used_elsewhere": "the paying key was used by somebody else",
    "balance_low": "the paying key runs out of money",
    "nonce_stuck": "a stamp is stuck",
    "fee_ceiling": "a stamp costs more than the most that was set",
    "contract_refuses": "the public register refuses the stamp",
    "log_differs": "what is stamped there is not what this record says",
    "signer_missing": "a key or its password is missing on the server",
    "other_side_refuses": "the other side refuses to stamp",
}
"""Code of docs/spec/anchoring.md section 4 -> what the case says of it."""


class Cases:
    """Follows the troubles of anchors. What it keeps in memory only saves reads."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], frozenset[str]] = {}

    async def follow(self, rooms: Rooms, row: Row, sight: Sight) -> None:
        """Open and clear cases as the troubles of one anchor come and go."""
        anchor, name = str(row["anchor"]), (rooms.log, str(row["anchor"]))
        bad = {one.code: one for one in sight.troubles if _is_case(one, sight.looked_at)}
        for one in bad.values():
            await _open(rooms, anchor, one, sight.looked_at)
        still = {one.code for one in sight.troubles}
        for code in self._told.get(name, frozenset(SAID)) - still:
            await _clear(rooms, anchor, code, sight.looked_at)
        self._told[name] = frozenset(still)


def _is_case(one: Standing, now: str) -> bool:
    return one.stops or unix_ms_of(now) - unix_ms_of(one.since) >= LASTS_SECONDS * 1000


async def _last_case(rooms: Rooms, anchor: str, code: str) -> Row | None:
    hashed = rooms.vault.fingerprint("fingerprint", "anchor", anchor, code)
    seen = await rooms.rows.scan("fingerprint", (hashed,))
    if not seen:
        return None
    last = max(seen, key=lambda one: int(one["seq"]))
    return await rooms.rows.one(tables.case_file, case=last["case"])


async def _open(rooms: Rooms, anchor: str, one: Standing, now: str) -> None:
    last = await _last_case(rooms, anchor, one.code)
    if last is not None and last["state"] not in cases.ENDED:
        return
    if last is not None and unix_ms_of(now) - unix_ms_of(str(last["opened_at"])) < AGAIN_SECONDS * 1000:
        return
    said = SAID.get(one.code, one.code)
    request = OpenCase(
        origin="signal",
        owner=await first_owner(rooms.rows),
        fingerprint=("anchor", anchor, one.code),
        onset=min(one.since, now),
        detected_at=now,
        note=f"The record is not publicly stamped any more: {said}. The record, Public stamps, says what to do",
    )
    try:
        await rooms.desk.open_case(THE_SYSTEM, f"anchor-case:{anchor}:{one.code}:{now}", request)
    except Refused as refusal:
        if refusal.code not in MEANWHILE:
            raise


async def _clear(rooms: Rooms, anchor: str, code: str, now: str) -> None:
    last = await _last_case(rooms, anchor, code)
    if last is None or last["state"] not in cases.TRANSITIONS["case_cleared"].allowed:
        return
    try:
        await rooms.desk.clear(THE_SYSTEM, f"anchor-clear:{last['case']}", CaseStep(last["case"]))
    except Refused as refusal:
        if refusal.code not in MEANWHILE:
            raise
