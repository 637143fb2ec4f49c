"""Recognition and its accounts. Granting and settling are the worker's; here it is read, held, released, ended."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.bodies import Door
from api.dossiers import dossiers, sees_recognition
from api.forgeable import cheapest, floors
from api.identity import Asking, Visit, need, need_to_write
from api.permissions import MATRIX
from api.problems import PROBLEM_RESPONSES, NotFound
from api.routes.answers import page, plain, tell
from api.routes.shapes import (
    PAGE_ITEMS_DEFAULT,
    Asked,
    Code,
    Cursor,
    IdInPath,
    Limit,
    Page,
    Recorded,
    Told,
)
from api.scope import read_cursor, write_cursor
from casework import looks, tables
from casework.requests import AwardStep
from ledger.codec import loads
from ledger.store.tables import account, posting

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["awards"], responses=PROBLEM_RESPONSES)


class AwardReason(Asked):
    """A coded reason."""

    reason_code: Code


class AwardTold(Told):
    """One award, its shares and the thank-you sentence (null: none, or erased)."""

    award: dict[str, Any]
    shares: list[dict[str, Any]]
    message: str | None


class AccountsTold(Told):
    """Balances in tokens; their sum is zero."""

    items: list[dict[str, Any]]
    sum_tokens: int


@router.get("/awards", operation_id="list_awards")
async def list_awards(
    visit: Annotated[Visit, need("award.read")],
    state: Annotated[str | None, Query(pattern="^(provisional|settled|declined|revoked)$")] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page:
    """List awards, the latest first: all for who leads or audits, for others those they received or decided on."""
    rows, member = visit.rooms.rows, visit.caller.member
    where: dict[str, Any] = {} if state is None else {"state": state}
    if not MATRIX["log.read"] & set(visit.caller.roles):
        received = [share["award"] for share in await rows.find(tables.award_share, {"member": member})]
        decided = [one["decision"] for one in await rows.find(tables.decision, {"decider": member})]
        granted = await rows.find(tables.award, {"decision": decided}) if decided else []
        where["award"] = sorted({*received, *(row["award"] for row in granted)})
        if not where["award"]:
            return Page(items=[], next_cursor=None)
    return await page(rows, tables.award, where, order="seq", below=read_cursor(cursor), limit=limit)


class Forgeable(Told):
    """A live award by how easily it could have been faked. `k_evidence`: how many must have lied for it to be false;
    `witnessing`: the least such set, as parties (docs/spec/verdict.md; members are ids, never names); `with_the_yes`:
    k with whoever approved; `needed_today`: what the newest policy of its kind asks, null: none does."""

    award: str
    case: str
    kind: str
    state: str
    amount_tokens: int
    k_evidence: int
    witnessing: list[str]
    with_the_yes: int
    needed_today: int | None
    granted_at: str


class ForgeablePage(Told):
    """One page, the easiest to fake first."""

    items: list[Forgeable]
    next_cursor: str | None


@router.get("/awards/cheapest-to-forge", operation_id="list_cheapest_to_forge")
async def list_cheapest_to_forge(
    visit: Annotated[Visit, need("award.weigh")],
    kind: Annotated[Code | None, Query()] = None,
    below: Annotated[bool, Query()] = False,
    cursor: Cursor = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> ForgeablePage:
    """List provisional and settled awards, the fewest who could have faked it first, then the most tokens.

    `below`: only those under what the newest policy of their kind asks today.
    """
    rows, skip = visit.rooms.rows, read_cursor(cursor) or 0
    limits = await floors(rows)
    found = await cheapest(rows, limits, kind=kind, below=below, skip=skip, limit=limit)
    items = [
        Forgeable(
            award=row["award"],
            case=row["case"],
            kind=row["kind"],
            state=row["state"],
            amount_tokens=row["amount_tokens"],
            k_evidence=row["k_evidence"],
            witnessing=loads(row["witnessing"]),
            with_the_yes=row["k"],
            needed_today=None
            if row["kind"] not in limits
            else limits[row["kind"]].needed(row["amount_tokens"]),
            granted_at=row["granted_at"],
        )
        for row in found.rows
    ]
    return ForgeablePage(items=items, next_cursor=write_cursor(skip + limit) if found.beyond else None)


@router.get("/awards/{award}", operation_id="read_award")
async def read_award(award: IdInPath, visit: Annotated[Visit, need("award.read")]) -> AwardTold:
    """Tell one award to who leads or audits, or has a part in it; for others it is not there. Whose it is sees who
    looked."""
    rows, caller = visit.rooms.rows, visit.caller
    row = await rows.need("award", tables.award, award=award)
    case = await rows.need("award", tables.case_file, case=row["case"])
    (dossier,) = await dossiers(rows, [case], with_texts=False)
    if not sees_recognition(dossier, caller.member, caller.roles):
        raise NotFound("award", award)
    shares = await rows.find(tables.award_share, {"award": award})
    named = [share["member"] for share in shares]
    await looks.note(visit.rooms.intake, caller.who, named, looks.AWARDS, visit.rooms.clock.now())
    message = await rows.open(row["message_item"]) if row["message_item"] else None
    return AwardTold(
        award=plain(row, tables.award), shares=[plain(share) for share in shares], message=message
    )


@router.post("/awards/{award}/hold", operation_id="hold_award")
async def hold_award(
    award: IdInPath, body: AwardReason, asking: Annotated[Asking, need_to_write("award.hold")]
) -> Recorded:
    """Stop it from settling until somebody releases it."""
    request = AwardStep(award, body.reason_code)
    return await tell(asking, await asking.rooms.desk.hold(asking.who, asking.key, request))


@router.post("/awards/{award}/release", operation_id="release_award")
async def release_award(
    award: IdInPath, body: AwardReason, asking: Annotated[Asking, need_to_write("award.hold")]
) -> Recorded:
    """End a hold."""
    request = AwardStep(award, body.reason_code)
    return await tell(asking, await asking.rooms.desk.release(asking.who, asking.key, request))


@router.post("/awards/{award}/decline", operation_id="decline_award")
async def decline_award(
    award: IdInPath, body: AwardReason, asking: Annotated[Asking, need_to_write("award.decide")]
) -> Recorded:
    """End a provisional award; the tokens go back to the budget."""
    request = AwardStep(award, body.reason_code)
    return await tell(asking, await asking.rooms.desk.decline_award(asking.who, asking.key, request))


@router.post("/awards/{award}/revoke", operation_id="revoke_award")
async def revoke_award(
    award: IdInPath, body: AwardReason, asking: Annotated[Asking, need_to_write("award.decide")]
) -> Recorded:
    """End a settled award that another person holds already: two people, never one."""
    request = AwardStep(award, body.reason_code)
    return await tell(asking, await asking.rooms.desk.revoke(asking.who, asking.key, request))


@router.get("/accounts", operation_id="list_accounts")
async def list_accounts(visit: Annotated[Visit, need("account.read")]) -> AccountsTold:
    """List all accounts with their balances."""
    items = [plain(row) for row in await visit.rooms.rows.find(account)]
    return AccountsTold(items=items, sum_tokens=sum(row["balance_tokens"] for row in items))


@router.get("/me/account", operation_id="read_my_account")
async def read_my_account(visit: Annotated[Visit, need("me.read")]) -> AccountsTold:
    """List the caller's own accounts."""
    prefix = f"member/{visit.caller.member}/"
    rows = await visit.rooms.rows.find(
        account, {"account": [prefix + part for part in ("provisional", "settled", "owed")]}
    )
    items = [plain(row) for row in rows]
    return AccountsTold(items=items, sum_tokens=sum(row["balance_tokens"] for row in items))


@router.get("/postings", operation_id="list_postings")
async def list_postings(
    visit: Annotated[Visit, need("account.read")],
    account_name: Annotated[str | None, Query(alias="account", max_length=300)] = None,
    cursor: Cursor = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page:
    """List postings, the latest first, each with the seq of the entry that caused it.

    The pages cut between entries, never inside one. Whose account it is sees who looked.
    """
    where = {} if account_name is None else {"account": account_name}
    whose = _whose(account_name or "")
    if whose is not None and await visit.rooms.rows.one(tables.member, member=whose) is not None:
        await looks.note(
            visit.rooms.intake, visit.caller.who, (whose,), looks.ACCOUNT, visit.rooms.clock.now()
        )
    below = read_cursor(cursor)
    return await page(visit.rooms.rows, posting, where, order="seq", below=below, limit=limit)


def _whose(name: str) -> str | None:
    """Return the member whose account is called so, None for any other account."""
    first, _, rest = name.partition("/")
    return rest.partition("/")[0] if first == "member" else None
