"""Nobody recognises whoever recognised them just before, for the same kind of thing: the policy's `reciprocity_days`.

A pair that says yes to each other needs no third person for anything. What was declined or taken back does not count.
The writer finds what was said yes to by its rows; a page that names who may decide is given it (casework/staffing.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework import cases, people
from casework.errors import refuse
from casework.records import Records
from ledger.commands import Need, View
from ledger.errors import UndeclaredRead

TERM = "reciprocity_days"
REFUSED = "reciprocal"


@dataclass(frozen=True, slots=True)
class Yes:
    """`decider` said yes to an award of `member` for this kind, which waits or is settled; `at`: when it was granted.
    Both are the accounts that it was done by and for."""

    member: str
    kind: str
    decider: str
    at: str


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
        Refused: reciprocal; stale, when the approver was recognised a moment ago, after what was needed was read.
    """
    check_among(view, terms, kind, approver, named, at, _said_to(view, kind, approver))


def check_among(
    view: View,
    terms: Mapping[str, Any],
    kind: str,
    approver: str,
    named: Iterable[str],
    at: str,
    said: Iterable[Yes],
) -> None:
    """As `check`, among what was said yes to; all of it that concerns the approver has to be there.

    Raises:
        Refused: reciprocal.
    """
    since = cases.later(at, days=-int(terms[TERM]))
    persons = {people.person(view, member) for member in named}
    for yes in said:
        if yes.kind != kind or yes.at <= since or not people.same_person(view, yes.member, approver):
            continue
        if people.person(view, yes.decider) in persons:
            raise refuse(
                REFUSED,
                f"expected somebody whom they did not recognise for this within {terms[TERM]} days, got "
                f"{approver}, recognised at {yes.at}",
            )


def _said_to(view: View, kind: str, approver: str) -> Iterable[Yes]:
    for account in people.accounts(view, approver):
        for got in view.scan("recognised", (account,)):
            if got["kind"] != kind:
                continue  # its award was not needed
            try:
                award = view.get("award", (got["award"],))
                decision = None if award is None else view.get("decision", (award["case"], award["decision"]))
            except UndeclaredRead as error:
                raise refuse(
                    "stale", f"expected what {account} was recognised for, got more meanwhile"
                ) from error
            if decision is not None:
                yield Yes(account, kind, decision["decider"], got["granted_at"])
