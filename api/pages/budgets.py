"""Budgets on pages: tokens that one person names and a second one sets aside. Nobody gives out tokens alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.dossiers import Staff
from api.pages.cards import People
from api.pages.doors import Acting, PageDoor, act
from api.pages.words import Words
from api.rooms import Rooms
from casework import tables
from casework.requests import ApproveBudget
from ledger.book import budget as budget_account
from ledger.store.tables import account

router = APIRouter(route_class=PageDoor, include_in_schema=False)

TOKENS_MAX = 1_000_000
BudgetId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]


@dataclass(frozen=True, slots=True)
class BudgetSeen:
    """One budget. `left` None: it waits for its second person; `mine`: the reader may be that."""

    id: str
    amount: int
    purpose: str
    who: str
    left: int | None
    mine: bool


async def budgets_of(
    rooms: Rooms, staff: Staff, member: str, people: People, words: Words
) -> list[BudgetSeen]:
    """Return every budget, those that wait first."""
    rows = await rooms.rows.find(tables.budget)
    purposes = await rooms.rows.open_all(row["purpose_item"] for row in rows if row["purpose_item"])
    names = [budget_account(row["budget"]) for row in rows]
    held = {
        row["account"]: row["balance_tokens"] for row in await rooms.rows.find(account, {"account": names})
    }
    told = [
        BudgetSeen(
            id=row["budget"],
            amount=row["amount_tokens"],
            purpose=str(purposes.get(row["purpose_item"]) or ""),
            who=people.name(row["set_by"], words),
            left=None if row["approved_by"] is None else int(held.get(budget_account(row["budget"]), 0)),
            mine=row["approved_by"] is None and staff.may_be_second(member, row["set_by"]),
        )
        for row in sorted(rows, key=lambda row: -int(row["seq"]))
    ]
    return sorted(told, key=lambda one: one.left is not None)


@router.post("/budgets/{budget}/approve")
async def approve(
    budget: BudgetId, acting: Annotated[Acting, act("budget.approve", here="decisions")]
) -> Response:
    """Be the second person: exactly the amount that was shown is set aside."""
    amount = acting.form.whole("amount_tokens", 1, TOKENS_MAX)
    await acting.rooms.office.approve_budget(acting.who, acting.key, ApproveBudget(budget, amount or 0))
    return _to("/decisions?said=budget-set")


def _to(path: str) -> Response:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
