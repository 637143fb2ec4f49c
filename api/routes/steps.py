"""Who may take each step of a case; where nobody may, the sentence that says what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter

from api.bodies import Door
from api.identity import Visit, need
from api.permissions import step_roles
from api.problems import PROBLEM_RESPONSES
from api.routes.cases import need_case
from api.routes.shapes import IdInPath, Told
from api.scope import Row, Scoped
from casework import authority, cases, decisions, proposals, tables
from casework.staffing import STEPS, Given, Item, Stand, who_may
from ledger.codec import loads
from ledger.entries import SYSTEM
from ledger.overlay import Overlay
from ledger.store.tables import shapes

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["cases"], responses=PROBLEM_RESPONSES)


class StepTold(Told):
    """One step: the members who may take it, in the order they joined; none: `sentence` says why and what to do."""

    step: str
    members: list[str]
    sentence: str | None


class StepsTold(Told):
    """Every step of a case, in the order of the story."""

    items: list[StepTold]


@router.get("/cases/{case}/steps", operation_id="read_steps")
async def read_steps(case: IdInPath, visit: Annotated[Visit, need("case.read")]) -> StepsTold:
    """Tell who may take each step, by the rules that decide inside the writer; the case's state says which is next."""
    rows = visit.rooms.rows
    row = await need_case(visit, case)
    members = await rows.find(tables.member)
    view = Overlay(shapes())
    wanted: dict[str, dict[int, set[tuple[object, ...]]]] = {"member": {0: {()}}, "authority": {0: {()}}}
    authorities = await rows.find(tables.authority)
    view.admit(wanted, {"member": _values("member", members), "authority": _values("authority", authorities)})
    stand = await _stand(rows, row)
    in_order = sorted(members, key=lambda one: int(one["seq"]))
    active = [one["member"] for one in in_order if one["active"]]
    now, roles = visit.rooms.clock.now(), step_roles()
    told = []
    for step in STEPS:
        answer = who_may(view, active, step, stand, roles, now)
        told.append(StepTold(step=step, members=list(answer.members), sentence=answer.sentence))
    return StepsTold(items=told)


def _values(table: str, rows: Sequence[Row]) -> list[tuple[object, ...]]:
    columns = shapes()[table].columns
    return [tuple(row[name] for name in columns) for row in rows]


async def _stand(rows: Scoped, row: Row) -> Stand:
    proposal = None if row["proposal"] is None else await rows.one(tables.proposal, proposal=row["proposal"])
    verdict = None if row["verdict"] is None else await rows.one(tables.verdict, verdict=row["verdict"])
    award = None if row["award"] is None else await rows.one(tables.award, award=row["award"])
    made = await rows.find(tables.decision, {"case": row["case"]})
    budgets = await rows.find(tables.budget, {"approved_by": None})
    return Stand(
        owner=row["owner"] or SYSTEM,
        maker=proposal["maker"] if proposal else SYSTEM,
        action_by=row["action_by"],
        items=_items(cases.live(await rows.find(tables.evidence, {"case": row["case"]})), verdict),
        judged=tuple(loads(verdict["beneficiaries"])) if verdict else (),
        playbook=row["playbook"],
        award_kind=row["award_kind"],
        value=proposals.value_of(proposal) if proposal else None,
        deciders=tuple(one["decider"] for one in decisions.taken_back_next(row, made)),
        award=None if award is None else await _given(rows, award),
        budgets_set_by=tuple(sorted({one["set_by"] for one in budgets})),
    )


def _items(live: list[Row], verdict: Row | None) -> tuple[Item, ...]:
    relied = {item["evidence"] for item in decisions.relied_on(live, verdict)}
    return tuple(
        Item(
            submitters=frozenset(authority.submitters([item])),
            reviewed=item["review"] is not None,
            relied_on=item["evidence"] in relied,
            by_customer=item["type"] == "customer_confirmation",
        )
        for item in live
    )


async def _given(rows: Scoped, award: Row) -> Given:
    shares = await rows.find(tables.award_share, {"award": award["award"]})
    return Given(
        state=award["state"],
        kind=award["kind"],
        tokens=award["amount_tokens"],
        beneficiaries=tuple(share["member"] for share in shares),
        held_by=award["held_by"],
    )
