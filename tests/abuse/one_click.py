"""The usual product, as small as it can be and honest about itself: self-claim plus one click.

Accounts with roles, a budget, claims with a text and optional files. A member claims; another account with the role
`approver` clicks yes, and may change the number of tokens up to its limit; an account with the role `admin` opens
budgets and roles, and corrects balances alone. A claim is credited once; nobody clicks yes on a claim of the same
account; a disabled account does nothing; no more is given out than the budget holds. Nothing looks at what a text or a
file says. Modelled on what vendors of such products write in their own help pages; it is no product, and nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

MEMBER, APPROVER, ADMIN = "member", "approver", "admin"
BUDGET_TOKENS = 500
HOUSE = {
    "owner": (MEMBER, APPROVER, ADMIN), "manager": (MEMBER, APPROVER), "outsider": (MEMBER,), "staff": (MEMBER,),
    "second": (MEMBER,), "twin": (MEMBER,), "agent": (MEMBER,),
}  # fmt: skip
"""Account -> roles: the people of the suite. That `twin` is a second account of staff, the product does not know."""


@dataclass
class Account:
    roles: set[str]
    limit_tokens: int | None = None
    enabled: bool = True
    balance_tokens: int = 0


@dataclass
class Claim:
    by: str
    tokens: int
    text: str
    files: list[str]
    credited: bool = False


@dataclass
class Books:
    """What the product holds."""

    left_tokens: int = BUDGET_TOKENS
    accounts: dict[str, Account] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)


class Claimed(BaseModel):
    text: str
    tokens: int
    files: list[str] = []


class Yes(BaseModel):
    tokens: int | None = None


class Correction(BaseModel):
    account: str
    tokens: int


class Budget(BaseModel):
    tokens: int


class Roles(BaseModel):
    account: str
    roles: list[str] = []
    limit_tokens: int | None = None
    enabled: bool = True


def books_of(request: Request) -> Books:
    """Return what the product holds."""
    books: Books = request.app.state.books
    return books


def caller_of(request: Request) -> str:
    """Return whose account asks."""
    name = request.headers.get("x-account", "")
    known = books_of(request).accounts.get(name)
    if known is None or not known.enabled:
        raise HTTPException(401, "expected an account that is enabled")
    return name


Held = Annotated[Books, Depends(books_of)]
Caller = Annotated[str, Depends(caller_of)]
router = APIRouter()


def one_click() -> FastAPI:
    """Return the product, with the house in it."""
    app = FastAPI()
    app.state.books = Books(accounts={name: Account(set(roles)) for name, roles in HOUSE.items()})
    app.include_router(router)
    return app


@router.post("/claims", status_code=201)
async def claim(body: Claimed, who: Caller, books: Held) -> dict[str, int]:
    """Claim something of oneself."""
    books.claims.append(Claim(who, body.tokens, body.text, body.files))
    return {"claim": len(books.claims) - 1}


@router.post("/claims/{number}/yes")
async def say_yes(number: int, body: Yes, who: Caller, books: Held) -> dict[str, int]:
    """Click yes on a claim."""
    _must_be(books, who, APPROVER)
    asked, limit = books.claims[number], books.accounts[who].limit_tokens
    tokens = asked.tokens if body.tokens is None else body.tokens
    if asked.by == who:
        raise HTTPException(403, "expected somebody else's claim, got one's own")
    if asked.credited:
        raise HTTPException(409, "expected a claim that waits, got one that is credited")
    if limit is not None and tokens > limit:
        raise HTTPException(403, f"expected at most {limit} tokens of this account, got {tokens}")
    _pay(books, asked.by, tokens)
    asked.credited = True
    return {"tokens": tokens}


@router.post("/corrections")
async def correct(body: Correction, who: Caller, books: Held) -> dict[str, int]:
    """Add to a balance, or take from it."""
    _must_be(books, who, ADMIN)
    _pay(books, body.account, body.tokens)
    return {"balance": books.accounts[body.account].balance_tokens}


@router.post("/budget")
async def set_budget(body: Budget, who: Caller, books: Held) -> dict[str, int]:
    """Say how much there is to give."""
    _must_be(books, who, ADMIN)
    books.left_tokens = body.tokens
    return {"left": books.left_tokens}


@router.post("/roles")
async def set_roles(body: Roles, who: Caller, books: Held) -> dict[str, str]:
    """Say what an account may do."""
    _must_be(books, who, ADMIN)
    known = books.accounts[body.account]
    known.roles, known.limit_tokens, known.enabled = set(body.roles), body.limit_tokens, body.enabled
    return {"account": body.account}


@router.get("/balances")
async def balances(books: Held) -> dict[str, int]:
    """Say what each account holds."""
    return {name: one.balance_tokens for name, one in books.accounts.items() if one.balance_tokens}


def _must_be(books: Books, name: str, role: str) -> None:
    if role not in books.accounts[name].roles:
        raise HTTPException(403, f"expected the role {role}, got {sorted(books.accounts[name].roles)}")


def _pay(books: Books, name: str, tokens: int) -> None:
    if tokens > books.left_tokens:
        raise HTTPException(422, f"expected at most {books.left_tokens} tokens, got {tokens}")
    books.left_tokens -= tokens
    books.accounts[name].balance_tokens += tokens


# ---------------------------------------------------------------------------------------------- what is tried there
@dataclass(frozen=True, slots=True)
class Step:
    """One request of somebody. `claim` of a body that clicks: which of the claims so far, the first is 0."""

    by: str
    path: str
    body: Mapping[str, object] = field(default_factory=dict)


Intent = tuple[Step, ...]


def claims(by: str, clicks: str = "manager", times: int = 1, tokens: int | None = None) -> Intent:
    """Somebody claims so often, and each time another account clicks yes: what most abuses are there."""
    made = [Step(by, "/claims")] * times
    given: Mapping[str, object] = {} if tokens is None else {"tokens": tokens}
    return (*made, *(Step(clicks, f"/claims/{number}/yes", given) for number in range(times)))


def claims_of(*by: str, clicks: str = "manager") -> Intent:
    """Several claim once each, and one account clicks yes to all."""
    made = [Step(one, "/claims") for one in by]
    return (*made, *(Step(clicks, f"/claims/{number}/yes") for number in range(len(made))))


def correction(account: str, tokens: int) -> Step:
    """The owner, who administers it, corrects a balance."""
    return Step("owner", "/corrections", {"account": account, "tokens": tokens})


def changed(account: str, *roles: str, enabled: bool = True, limit_tokens: int | None = None) -> Step:
    """The owner changes what an account may do."""
    body = {"account": account, "roles": list(roles), "limit_tokens": limit_tokens, "enabled": enabled}
    return Step("owner", "/roles", body)


def made_approver(account: str, limit_tokens: int | None = None) -> Step:
    """The owner lets an account click yes."""
    return changed(account, MEMBER, APPROVER, limit_tokens=limit_tokens)


def usual(coalition: Sequence[str], deserved: dict[str, int]) -> Intent:
    """Return the intent of an abuse that says no other: who is named first claims it, once more than they deserve."""
    by = coalition[0]
    return claims(by, "owner" if by == "manager" else "manager", times=2 if by in deserved else 1)


async def credited(intent: Intent, name: str, tokens: int, deserved: dict[str, int]) -> int:
    """Play an intent against the product over ASGI; return the tokens credited beyond what was deserved."""
    transport = httpx.ASGITransport(app=one_click())
    async with httpx.AsyncClient(transport=transport, base_url="http://one-click") as client:
        for step in intent:
            said = {"text": name, "tokens": tokens, "files": ["photo.jpg"]} if step.path == "/claims" else {}
            answer = await client.post(step.path, json={**said, **step.body}, headers={"X-Account": step.by})
            assert answer.status_code in (200, 201, 401, 403, 409, 422), answer.text
        found: dict[str, int] = (await client.get("/balances")).json()
    return sum(max(0, amount - deserved.get(role, 0)) for role, amount in found.items())
