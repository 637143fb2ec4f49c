"""Step 13 of the audit of meaning (casework/audit.py): the right of reply.

Who may ask, who is asked, until when, and who is asked next when nobody decides, are not believed but worked out
again over the rows as they stood. That ends waited for the reply is checked with the ends (audit_awards.py,
audit_cases.py). What is not found: that something should have gone to somebody else and did not; a worker that stood
still forges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework import cases, disputes
from casework.audit_standing import Check, Standing, expect, find_case, wrong
from casework.requests import Principal
from ledger.entries import Entry


def _who(entry: Entry) -> Principal:
    return Principal(entry.actor.id, entry.actor.role, entry.actor.via, "key")


def _same(entry: Entry, expected: Mapping[str, Any]) -> None:
    other = sorted(name for name in expected if expected[name] != entry.body[name])
    if other:
        wrong(f"expected {', '.join(other)} as worked out again")


def check_disputed(standing: Standing, entry: Entry) -> None:
    """By somebody who may ask this, about what there is, one at a time, of everybody concerned, for the days set."""
    body = entry.body
    row = find_case(standing, entry)
    expected = disputes.asking(standing.view, _who(entry), row, body["about"], body["reason_code"], entry.at)
    _same(entry, expected)


def check_answered(standing: Standing, entry: Entry) -> None:
    """Of an open dispute, by one of those asked, for themselves, once."""
    row = find_case(standing, entry)
    disputes.check_answer(standing.view, _who(entry), row, entry.body["dispute"], entry.body["member"])
    expect("reply" in entry.private, "value_invalid", "expected an answer in words")


def check_closed(standing: Standing, entry: Entry) -> None:
    """By whoever asked, or a lead outside; the window gets no shorter."""
    body, row = entry.body, find_case(standing, entry)
    _same(
        entry,
        disputes.closing(standing.view, _who(entry), row, body["dispute"], body["reason_code"], entry.at),
    )


def check_escalated(standing: Standing, entry: Entry) -> None:
    """Not before its time, and to whoever is next."""
    row = cases.find(standing.view, str(entry.case))
    _same(entry, disputes.escalation(standing.view, row, entry.at))


CHECKS: Mapping[str, Check] = {
    "award_disputed": check_disputed,
    "dispute_answered": check_answered,
    "dispute_closed": check_closed,
    "award_escalated": check_escalated,
}
