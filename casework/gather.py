"""Which rows a rule may read: every command names them before it enters the writer.

What is read here may be old by the time the rule runs. That is safe: ids found in rows that never change (who made a
proposal, who submitted an item) stay right, and where a set has grown meanwhile the rule refuses `stale` before it
would look at somebody not named here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from casework import evidence, people
from casework.intake import Records
from casework.requests import Decide, Principal
from ledger import book
from ledger.changes import Row
from ledger.commands import Need
from ledger.entries import SYSTEM
from verifiers import controllers


def case_rows(case: str) -> list[Need]:
    """Everything the case itself holds."""
    return [
        Need("case_file", (case,)),
        *(Need(table, (case,)) for table in ("proposal", "evidence", "decision", "verdict")),
    ]


def members(named: Iterable[str | None]) -> list[Need]:
    """The rows of these members; `system` has none."""
    return [Need("member", (member,)) for member in sorted({one for one in named if one and one != SYSTEM})]


async def involved(records: Records, case: str) -> list[Need]:
    """Who submitted evidence or acted, for the separation of duties."""
    row = await records.get("case_file", (case,))
    items = await records.scan("evidence", (case,))
    return members([*evidence.submitters(items), None if row is None else row["action_by"]])


async def about_decision(
    records: Records, who: Principal, request: Decide, shown: Mapping[str, Any]
) -> list[Need]:
    """What a decision may look at: the case, everybody it concerns, the decider's authorities, policy and budget."""
    case = shown["case"]
    proposal = await records.get("proposal", (case, shown["proposal"]["id"]))
    verdict = None if shown["verdict"] is None else await records.get("verdict", (case, shown["verdict"]))
    row = await records.get("case_file", (case,))
    return [
        *case_rows(case),
        *await involved(records, case),
        *members(
            [None if proposal is None else proposal["maker"], *request.beneficiaries, *_judged(verdict)]
        ),
        Need("decision_nonce", (shown["nonce"],)),
        Need("setting", ("undo_seconds",)),
        Need("authority", (who.id,)),
        *_terms(row, verdict),
        *_budget(request.budget),
    ]


async def about_award(records: Records, case: str, decision: str) -> list[Need]:
    """What granting looks at."""
    decided = await records.get("decision", (case, decision))
    row = await records.get("case_file", (case,))
    if decided is None or row is None:
        return case_rows(case)
    verdict = None if decided["verdict"] is None else await records.get("verdict", (case, decided["verdict"]))
    return [
        *case_rows(case),
        *await involved(records, case),
        *members([decided["decider"], *json.loads(decided["beneficiaries"]), *_judged(verdict)]),
        *_terms(row, verdict),
        *_budget(decided["budget"]),
    ]


async def award_row(records: Records, who: Principal, award: str) -> tuple[Row | None, list[Need]]:
    """An award, its shares and their accounts, its case, and the authorities of who wants to end it."""
    row = await records.get("award", (award,))
    needs = [Need("award", (award,)), Need("award_share", (award,)), Need("authority", (who.id,))]
    if row is None:
        return None, needs
    shares = await records.scan("award_share", (award,))
    for share in shares:
        needs += [
            Need("account", (book.owed(share["member"]),)),
            Need("account", (book.settled(share["member"]),)),
        ]
    named = [share["member"] for share in shares]
    return row, [*needs, *case_rows(row["case"]), *members([*named, row["held_by"]])]


def _judged(verdict: Row | None) -> set[str]:
    """Members named by a verdict: its beneficiaries and whoever stands in its controllers formula."""
    if verdict is None:
        return set()
    named = set(json.loads(verdict["beneficiaries"]))
    if verdict["controllers"] is not None:
        named |= formula_members(json.loads(verdict["controllers"]))
    return named


def formula_members(formula: Mapping[str, Any]) -> set[str]:
    """Return the member ids that stand in a controllers formula."""
    parties = controllers.parties(controllers.parse_formula(formula))
    return {member for party in parties if (member := people.member_of(party)) is not None}


def _terms(row: Row | None, verdict: Row | None) -> list[Need]:
    needs = [] if row is None or row["policy"] is None else [Need("policy", (row["policy"],))]
    return needs + ([] if verdict is None else [Need("policy_content", (verdict["policy_digest"],))])


def _budget(budget: str | None) -> list[Need]:
    return [] if budget is None else [Need("budget", (budget,)), Need("account", (book.budget(budget),))]
