"""Who may decide: an authority in force that covers it, and the separation of duties. DESIGN section 6.

The decider is not the maker of the proposal, not a submitter of evidence relied on, not a beneficiary, nor any second
account of theirs; maker and beneficiary may be one. Agents never come this far (people.human).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from casework import people
from casework.errors import refuse
from casework.records import Records
from casework.requests import Principal
from ledger.changes import Row
from ledger.commands import Need, View
from verifiers import controllers

ACTION, AWARD = "action", "award"
ASSURANCE_RANK = {"passkey": 4, "session": 3, "key": 3, "pin": 2, "link": 1}
"""passkey > session = key > pin > link (SETTLED 14)."""
EVERYTHING = "*"


@dataclass(frozen=True, slots=True)
class Matter:
    """What is to be decided: `scope` is the playbook (action; None: a report) or the award kind."""

    about: str
    scope: str | None
    value: Mapping[str, Any] | None = None  # money at stake, about action
    tokens: int | None = None  # about award


def choose(view: View, member: str, assurance: str, matter: Matter, at: str, involved: Iterable[str]) -> Row:
    """Return the authority of `member` that covers the matter at `at`: the first that the sign-in satisfies, by id,
    their own before one that was lent to them.

    `involved` are those outside whom a decider stands: whoever lent a power must stand outside them too.

    Raises:
        Refused: no_authority, giver_involved when only powers lent by somebody involved would do, or
            assurance_too_low when only stronger sign-ins would do.
    """
    reaching = [row for row in view.scan("authority", (member,)) if covers(row, matter, at)]
    persons = {people.person(view, one) for one in involved}
    covering = [row for row in reaching if row["giver_person"] not in persons]
    covering.sort(key=lambda row: row["delegation"] is not None)
    if reaching and not covering:
        raise refuse("giver_involved", "expected a matter that whoever is away could decide, got their own")
    if not covering:
        raise refuse(
            "no_authority",
            f"expected an authority about {matter.about} of {_asked(matter)}, got none in force",
        )
    rank = ASSURANCE_RANK.get(assurance, 0)
    for row in covering:
        if rank >= ASSURANCE_RANK[row["assurance_min"]]:
            return row
    least = min((row["assurance_min"] for row in covering), key=lambda name: ASSURANCE_RANK[name])
    raise refuse("assurance_too_low", f"expected at least {least}, got {assurance}")


def covers(row: Row, matter: Matter, at: str) -> bool:
    """Say whether an authority row is in force at `at` and reaches this far; limits include their own amount."""
    if row["about"] != matter.about or not is_in_force(row, at):
        return False
    scope = json.loads(row["scope"])
    if EVERYTHING not in scope and matter.scope not in scope:
        return False
    if matter.about == AWARD:
        return row["tokens_max"] is None or (matter.tokens or 0) <= row["tokens_max"]
    if row["amount_max"] is None or matter.value is None:
        return True
    limit = json.loads(row["amount_max"])
    # No exchange rates: an amount in another currency is beyond every limit.
    return bool(
        matter.value["currency"] == limit["currency"]
        and abs(matter.value["amount_minor"]) <= limit["amount_minor"]
    )


def check_lent(view: View, row: Row, matter: Matter, at: str, involved: Iterable[str]) -> None:
    """Check that what a stand-in decided under a lent authority, its giver could have decided then. For the audit;
    the rules that end an authority end what was lent of it, so the desk need not look.

    Raises:
        Refused: no_authority, giver_involved.
    """
    if row["delegation"] is None:
        return
    own = view.get("authority", (row["giver"], row["delegated_from"]))
    giver = view.get("member", (row["giver"],))
    if own is None or giver is None or not giver["active"] or not covers(own, matter, at):
        raise refuse(
            "no_authority", f"expected an authority that {row['giver']} still holds and that covers it"
        )
    if row["giver_person"] in {people.person(view, one) for one in involved}:
        raise refuse("giver_involved", "expected a giver outside what is decided")


def separate(
    view: View, decider: str, maker: str, submitters: Iterable[str], beneficiaries: Iterable[str]
) -> None:
    """Check that the decider stands outside what is decided. All are member ids (or `system`).

    Raises:
        Refused: decider_is_maker, decider_is_submitter, decider_is_beneficiary.
    """
    if people.same_person(view, decider, maker):
        raise refuse("decider_is_maker", "expected another person than the maker of the proposal")
    if any(people.same_person(view, decider, one) for one in submitters):
        raise refuse("decider_is_submitter", "expected another person than a submitter of evidence relied on")
    if any(people.same_person(view, decider, one) for one in beneficiaries):
        raise refuse("decider_is_beneficiary", "expected another person than a beneficiary")


def submitters(items: Iterable[Row]) -> set[str]:
    """Return the member ids that submitted or attached these items, or held the link that a customer's answer came by:
    whoever handed it over could have answered it (SETTLED 26)."""
    found = set()
    for item in items:
        found |= {item["attached_by"], people.member_of(item["submitter"])}
        if item["type"] == "customer_confirmation":
            formula = controllers.stored_formula(json.loads(item["controllers"]))
            found |= {people.member_of(party) for party in controllers.parties(formula)}
    return {member for member in found if member is not None}


async def involved(records: Records, case: str) -> list[Need]:
    """Need the rows of who submitted evidence or acted: those from whom duties are separated."""
    row = await records.get("case_file", (case,))
    items = await records.scan("evidence", (case,))
    return people.rows([*submitters(items), None if row is None else row["action_by"]])


def is_second_person(view: View, member: str, at: str) -> bool:
    """Say whether the member holds a second_person authority in force."""
    return holds_second_person(view.scan("authority", (member,)), at)


def is_in_force(row: Row, at: str) -> bool:
    """Say whether a power has begun and not ended."""
    begun, over = row["since"] is None or row["since"] <= at, row["until"] is not None and row["until"] <= at
    return bool(row["active"]) and begun and not over


def holds_second_person(rows: Iterable[Row], at: str) -> bool:
    """Say whether one of these authorities is a second_person one in force at `at`."""
    return any(row["second_person"] and is_in_force(row, at) for row in rows)


def check_second(view: View, who: Principal, set_by: str, at: str) -> None:
    """Check that somebody may be the second person of a budget. Raises Refused: second_person_needed, no_authority."""
    if people.same_person(view, who.id, set_by):
        raise refuse("second_person_needed", "expected another person than who set the budget")
    if who.role != people.OWNER and not is_second_person(view, who.id, at):
        raise refuse("no_authority", "expected an owner or a holder of a second_person authority")


def _asked(matter: Matter) -> str:
    if matter.about == AWARD:
        return f"{matter.scope} over {matter.tokens or 0} tokens"
    worth = f" over {matter.value['amount_minor']} {matter.value['currency']} (minor)" if matter.value else ""
    return f"{matter.scope or 'a report'}{worth}"
