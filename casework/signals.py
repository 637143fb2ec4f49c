"""From the watch to the desk: a signal becomes a case with an owner, in one command; what went away clears it.

Deduplicated by fingerprint: an open case takes no second signal; one that was resolved or closed within the reopen
window is reopened instead, because then it was not solved; otherwise a new case opens. The playbook's action is
suggested along with it by the system, so that a business of one person can decide it (SETTLED: maker is not decider).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework import cases
from casework.desk import Desk
from casework.intake import Done, Intake
from casework.requests import THE_SYSTEM, CaseStep, OpenCase, Suggestion
from casework.routing import route
from ledger.changes import Row
from ledger.clock import instant_of
from ledger.errors import Refused
from playbooks.playbook import Playbook
from playbooks.world import Cleared, Signal

WINDOW_OVER = "window_over"
"""Why a standing signal ended, in playbooks.shapes.Clear: its `until` passed and it was still so."""
REOPEN_WINDOW_DAYS = 14
"""A signal for the same thing within that many days of a resolved case says that it was not solved."""


class Signals:
    """What the watch says, for one organisation."""

    def __init__(self, intake: Intake, desk: Desk) -> None:
        self._in = intake
        self._desk = desk

    async def noticed(
        self, signal: Signal, playbook: Playbook, values: Mapping[str, Any], customer: str | None = None
    ) -> Done | None:
        """Open a case for a signal, or reopen the one it disproves; None: a case for it is open already.

        `values` are the subject record's fields (the route may name one), `customer` the pseudonymous id of the
        customer it concerns.

        Raises:
            Refused: owner_unknown (nobody is left), and as Desk.open_case.
        """
        last = await self._last_case(signal.fingerprint)
        key = (
            f"signal:{self._in.vault.fingerprint(signal.fingerprint)}:{signal.onset_ms}:{signal.detected_ms}"
        )
        if last is not None and last["state"] not in cases.ENDED:
            return None
        if last is not None and self._disproved(last, signal):
            return await self._desk.reopen(THE_SYSTEM, key, CaseStep(last["case"], "signal_again"))
        owner = await route(self._in.records, playbook, values)
        request = opening(signal, playbook, owner, customer)
        try:
            return await self._desk.open_case(THE_SYSTEM, key, request)
        except Refused as refusal:
            if refusal.code == "already_open":  # another worker was quicker
                return None
            raise

    async def went_away(self, cleared: Cleared) -> Done | None:
        """Clear the case of a condition that went away; None: there is none, or somebody has acted already.

        A window that ended while the condition still stood is no relief but a miss: the case expires.
        """
        last = await self._last_case(cleared.fingerprint)
        if last is None or last["state"] not in cases.TRANSITIONS["case_cleared"].allowed:
            return None
        records = tuple(cite.item for cite in cleared.records if cite.item is not None)
        key = f"cleared:{last['case']}:{cleared.at_ms}"
        if cleared.reason == WINDOW_OVER:
            return await self._desk.expire(THE_SYSTEM, key, CaseStep(last["case"], "until_passed"))
        return await self._desk.clear(THE_SYSTEM, key, CaseStep(last["case"], records=records))

    async def _last_case(self, fingerprint: str) -> Row | None:
        hashed = self._in.vault.fingerprint("fingerprint", fingerprint)
        seen = await self._in.records.scan("fingerprint", (hashed,))
        if not seen:
            return None
        last = max(seen, key=lambda row: int(row["seq"]))
        return await self._in.records.get("case_file", (last["case"],))

    def _disproved(self, last: Row, signal: Signal) -> bool:
        if last["state"] not in (cases.RESOLVED, cases.CLOSED) or last["resolution"] != "fixed":
            return False
        until = cases.later(str(last["outcome_at"]), days=REOPEN_WINDOW_DAYS)
        return instant_of(signal.detected_ms) < until


def opening(signal: Signal, playbook: Playbook, owner: str, customer: str | None) -> OpenCase:
    """Return the case a signal asks for."""
    value = None
    if signal.value is not None:
        value = {"amount_minor": signal.value.amount_minor, "currency": signal.value.currency}
    award = playbook.award
    return OpenCase(
        origin="signal",
        owner=owner,
        fingerprint=(signal.fingerprint,),
        onset=instant_of(signal.onset_ms),
        detected_at=instant_of(signal.detected_ms),
        playbook=signal.playbook,
        award_kind=None if award is None else award.kind,
        policy=None if award is None else award.policy,
        subject={"kind": signal.subject_kind, "id": signal.subject, "customer": customer},
        facts={fact.field: fact.value for fact in signal.facts},
        note=signal.title,
        value=value,
        records=tuple(cite.item for cite in signal.records if cite.item is not None),
        concerns=() if customer is None else (customer,),
        suggestion=Suggestion(playbook.decision.action, playbook.why, value),
    )
