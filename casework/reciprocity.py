"""Nobody recognises whoever recognised them just before, for the same kind of thing: the policy's `reciprocity_days`.

A pair that says yes to each other needs no third person for anything. What was declined or taken back does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from casework import cases, people
from casework.errors import refuse
from casework.records import Records
from ledger.commands import Need, View

TERM = "reciprocity_days"


async def needs(records: Records, kind: str, accounts: Iterable[str]) -> list[Need]:
    """Need what the approver, by any of these accounts of theirs, was recognised for, and who said yes to it."""
    found = []
    for account in accounts:
        found.append(Need("recognised", (account,)))
        for got in await records.scan("recognised", (account,)):
            award = await records.get("award", (got["award"],)) if got["kind"] == kind else None
            if award is not None:
                found += [
                    Need("award", (award["award"],)),
                    Need("decision", (award["case"], award["decision"])),
                ]
    return found


def check(
    view: View, terms: Mapping[str, Any], kind: str, approver: str, named: Iterable[str], at: str
) -> None:
    """Check that none of `named` said yes to the approver, for this kind and within the days of these terms.

    Raises:
        Refused: reciprocal.
    """
    since = cases.later(at, days=-int(terms[TERM]))
    persons = {people.person(view, member) for member in named}
    for account in people.accounts(view, approver):
        for got in view.scan("recognised", (account,)):
            if got["kind"] != kind or got["granted_at"] <= since:
                continue
            award = view.get("award", (got["award"],))
            decision = None if award is None else view.get("decision", (award["case"], award["decision"]))
            # A row that was not needed was made a moment ago by another command: the grant looks again.
            if decision is not None and people.person(view, decision["decider"]) in persons:
                raise refuse(
                    "reciprocal",
                    f"expected somebody whom they did not recognise for this within {terms[TERM]} days, got "
                    f"{approver}, recognised at {got['granted_at']}",
                )
