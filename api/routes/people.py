"""Who is here, in which roles, with which powers and keys; budgets and settings. Names lie in the vault's
erasable rows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from api.bodies import Door
from api.caller import draw_key
from api.identity import Asking, Visit, need, need_to_write
from api.permissions import MATRIX, ROLES, role_for
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import plain, tell, whole_or_cut
from api.routes.shapes import (
    Asked,
    Code,
    Cursor,
    Id,
    IdInPath,
    Instant,
    LimitOrAll,
    Money,
    Name,
    Page,
    Recorded,
    Text,
    Tokens,
    Told,
)
from casework import charters, tables
from casework.requests import (
    ApproveBudget,
    ChangeSettings,
    EndApiKey,
    EndAuthority,
    GrantAuthority,
    IssueApiKey,
    JoinMember,
    MemberStep,
    RegisterAgent,
    SetBudget,
)

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["people"], responses=PROBLEM_RESPONSES)

Role = Annotated[str, Field(pattern="^(owner|manager|staff|auditor|outsider)$")]
Writes = Annotated[Asking, need_to_write("member.write")]


class MemberJoining(Asked):
    """A person who joins; `same_as`: this is a second account of that member."""

    name: Name
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(ROLES))]
    same_as: Id | None = None


class MemberLeaving(Asked):
    """Why a member leaves, and who takes over their open cases (null: the owner who joined first)."""

    reason_code: Code
    successor: Id | None = None


class RoleGiven(Asked):
    """One role."""

    role: Role


class CharterGiven(Asked):
    """Kinds of record it may read, actions it may propose ("*": all); what is not named is not allowed."""

    responsibility: Text | None = None
    may_read: Annotated[list[Name], Field(max_length=charters.NAMES_MAX)] = []
    may_propose: Annotated[list[Name], Field(max_length=charters.NAMES_MAX)] = []


class AgentJoining(Asked):
    """A digital employee: what it is responsible for, may read and may propose, and to whom it answers."""

    name: Name
    charter: CharterGiven
    answers_to: Id


class AuthorityGiven(Asked):
    """Who may decide what, up to which amount, until when, how surely signed in."""

    member: Id
    about: Annotated[str, Field(pattern="^(action|award)$")]
    scope: Annotated[list[Name], Field(min_length=1, max_length=100)] = ["*"]
    amount_max: Money | None = None
    tokens_max: Tokens | None = None
    until: Instant | None = None
    assurance_min: Annotated[str, Field(pattern="^(passkey|session|key|pin|link)$")] = "key"
    second_person: bool = False


class KeyWanted(Asked):
    """For whom a key is, and until when."""

    member: Id
    until: Instant | None = None


class KeyTold(Recorded):
    """A new key; `secret` is told once: a repeat of the request tells null."""

    secret: str | None


class BudgetNamed(Asked):
    """How many tokens, for what, until when; it holds nothing before a second person approves it."""

    amount_tokens: Tokens
    purpose: Text | None = None
    until: Instant | None = None


class BudgetApproved(Asked):
    """The same amount again: the second person says what they approve."""

    amount_tokens: Tokens


class SettingsGiven(Asked):
    """Settings by name; unknown ones are refused."""

    settings: Annotated[dict[str, Any], Field(min_length=1, max_length=50)]


class Me(Told):
    """Who holds this key, where, and what the roles may try."""

    log: str
    origin: str
    member: str
    name: str | None
    roles: list[str]
    permissions: list[str]


@router.get("/me", operation_id="read_me")
async def read_me(visit: Annotated[Visit, need("me.read")]) -> Me:
    """Tell who holds the key."""
    caller = visit.caller
    name = await visit.rooms.rows.one(tables.member_name, member=caller.member)
    return Me(
        log=caller.log,
        origin=visit.rooms.origin,
        member=caller.member,
        name=name["name"] if name else None,
        roles=list(caller.roles),
        permissions=[permission for permission in MATRIX if role_for(permission, caller.roles)],
    )


@router.get("/members", operation_id="list_members")
async def list_members(
    visit: Annotated[Visit, need("member.read")], cursor: Cursor = None, limit: LimitOrAll = None
) -> Page:
    """List members and agents with their names, agents with their responsibility."""
    names = {row["member"]: row["name"] for row in await visit.rooms.rows.find(tables.member_name)}
    rows, following = await whole_or_cut(visit.rooms.rows, tables.member, cursor, limit)
    words = await visit.rooms.rows.open_all(
        row["responsibility_item"] for row in rows if row["responsibility_item"]
    )
    items = [
        {
            **plain(row),
            "name": names.get(row["member"]),
            "responsibility": words.get(row["responsibility_item"]),
        }
        for row in rows
    ]
    return Page(items=items, next_cursor=following)


@router.post("/members", operation_id="join_member", status_code=201)
async def join_member(body: MemberJoining, asking: Writes) -> Recorded:
    """Let a person join."""
    request = JoinMember(body.name, tuple(body.roles), body.same_as)
    return await tell(asking, await asking.rooms.office.join_member(asking.who, asking.key, request))


@router.post("/members/{member}/leave", operation_id="leave_member")
async def leave_member(member: IdInPath, body: MemberLeaving, asking: Writes) -> Recorded:
    """End a membership: open cases are handed over; powers, delegations and keys end."""
    request = MemberStep(member, reason_code=body.reason_code, successor=body.successor)
    return await tell(asking, await asking.rooms.office.member_left(asking.who, asking.key, request))


@router.post("/members/{member}/roles", operation_id="grant_role", status_code=201)
async def grant_role(member: IdInPath, body: RoleGiven, asking: Writes) -> Recorded:
    """Give a member one more role."""
    request = MemberStep(member, role=body.role)
    return await tell(asking, await asking.rooms.office.grant_role(asking.who, asking.key, request))


@router.post("/members/{member}/roles/{role}/end", operation_id="end_role")
async def end_role(member: IdInPath, role: IdInPath, asking: Writes) -> Recorded:
    """End one role of a member."""
    request = MemberStep(member, role=role)
    return await tell(asking, await asking.rooms.office.end_role(asking.who, asking.key, request))


@router.post("/agents", operation_id="register_agent", status_code=201)
async def register_agent(body: AgentJoining, asking: Writes) -> Recorded:
    """Register a digital employee; it gets a key like a member and can never decide."""
    request = RegisterAgent(body.name, body.charter.model_dump(), body.answers_to)
    return await tell(asking, await asking.rooms.office.register_agent(asking.who, asking.key, request))


@router.post("/agents/{member}/stop", operation_id="stop_agent")
async def stop_agent(member: IdInPath, asking: Writes) -> Recorded:
    """The stop switch of a digital employee."""
    request = MemberStep(member)
    return await tell(asking, await asking.rooms.office.stop_agent(asking.who, asking.key, request))


@router.get("/authorities", operation_id="list_authorities")
async def list_authorities(
    visit: Annotated[Visit, need("authority.read")], cursor: Cursor = None, limit: LimitOrAll = None
) -> Page:
    """List who may decide what."""
    rows, following = await whole_or_cut(visit.rooms.rows, tables.authority, cursor, limit)
    return Page(items=[plain(row) for row in rows], next_cursor=following)


@router.post("/authorities", operation_id="grant_authority", status_code=201)
async def grant_authority(
    body: AuthorityGiven, asking: Annotated[Asking, need_to_write("authority.write")]
) -> Recorded:
    """Give a member the power to decide."""
    request = GrantAuthority(
        member=body.member,
        about=body.about,
        scope=tuple(body.scope),
        amount_max=body.amount_max.model_dump() if body.amount_max else None,
        tokens_max=body.tokens_max,
        until=body.until,
        assurance_min=body.assurance_min,
        second_person=body.second_person,
    )
    return await tell(asking, await asking.rooms.office.grant_authority(asking.who, asking.key, request))


@router.post("/members/{member}/authorities/{authority}/end", operation_id="end_authority")
async def end_authority(
    member: IdInPath, authority: IdInPath, asking: Annotated[Asking, need_to_write("authority.write")]
) -> Recorded:
    """End an authority now."""
    request = EndAuthority(member, authority)
    return await tell(asking, await asking.rooms.office.end_authority(asking.who, asking.key, request))


@router.get("/keys", operation_id="list_keys")
async def list_keys(
    visit: Annotated[Visit, need("key.read")], cursor: Cursor = None, limit: LimitOrAll = None
) -> Page:
    """List keys without their secrets and digests; the key of somebody who left is not active."""
    rows = visit.rooms.rows
    here = {row["member"] for row in await rows.find(tables.member, {"active": 1})}
    found, following = await whole_or_cut(rows, tables.api_key, cursor, limit)
    kept = [plain(row) for row in found]
    items = [{**key, "active": key["active"] and key["member"] in here} for key in kept]
    return Page(items=items, next_cursor=following)


@router.post("/keys", operation_id="issue_key", status_code=201)
async def issue_key(body: KeyWanted, asking: Annotated[Asking, need_to_write("key.write")]) -> KeyTold:
    """Issue a key; its secret is told in this answer and nowhere else, ever."""
    secret, digest = draw_key(asking.rooms.entropy)
    request = IssueApiKey(body.member, digest, body.until)
    done = await asking.rooms.office.issue_api_key(asking.who, asking.key, request)
    told = await tell(asking, done)
    return KeyTold(**told.model_dump(), secret=None if done.outcome.replayed else secret)


@router.post("/keys/{key}/end", operation_id="end_key")
async def end_key(key: IdInPath, asking: Annotated[Asking, need_to_write("key.write")]) -> Recorded:
    """A key stops working now."""
    return await tell(asking, await asking.rooms.office.end_api_key(asking.who, asking.key, EndApiKey(key)))


@router.get("/budgets", operation_id="list_budgets")
async def list_budgets(
    visit: Annotated[Visit, need("account.read")], cursor: Cursor = None, limit: LimitOrAll = None
) -> Page:
    """List budgets."""
    rows, following = await whole_or_cut(visit.rooms.rows, tables.budget, cursor, limit)
    return Page(items=[plain(row) for row in rows], next_cursor=following)


@router.post("/budgets", operation_id="set_budget", status_code=201)
async def set_budget(body: BudgetNamed, asking: Annotated[Asking, need_to_write("budget.write")]) -> Recorded:
    """Name a budget."""
    request = SetBudget(body.amount_tokens, body.purpose, body.until)
    return await tell(asking, await asking.rooms.office.set_budget(asking.who, asking.key, request))


@router.post("/budgets/{budget}/approve", operation_id="approve_budget")
async def approve_budget(
    budget: IdInPath, body: BudgetApproved, asking: Annotated[Asking, need_to_write("budget.approve")]
) -> Recorded:
    """Be the second person: the tokens are issued into the budget."""
    request = ApproveBudget(budget, body.amount_tokens)
    return await tell(asking, await asking.rooms.office.approve_budget(asking.who, asking.key, request))


@router.post("/clock/confirm", operation_id="confirm_clock")
async def confirm_clock(asking: Writes) -> Recorded:
    """Say that the time shown is right, after a clock step that stopped the log."""
    return await tell(asking, await asking.rooms.office.confirm_clock(asking.who, asking.key))


@router.get("/settings", operation_id="list_settings")
async def list_settings(visit: Annotated[Visit, need("watch.read")]) -> Page:
    """List this organisation's settings."""
    return Page(items=[plain(row) for row in await visit.rooms.rows.find(tables.setting)], next_cursor=None)


@router.post("/settings", operation_id="change_settings")
async def change_settings(body: SettingsGiven, asking: Writes) -> Recorded:
    """Change settings; never retroactive."""
    request = ChangeSettings(body.settings)
    return await tell(asking, await asking.rooms.office.change_settings(asking.who, asking.key, request))
