"""Who may take each step of a case now; where nobody may, the sentence that says what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter

from api.bodies import Door
from api.identity import Visit, need
from api.problems import PROBLEM_RESPONSES
from api.routes.cases import need_case
from api.routes.shapes import IdInPath, Told
from api.scope import Row, Scoped
from casework import authority, cases, tables
from casework.staffing import STEPS, Stand, who_may
from ledger.codec import loads
from ledger.entries import SYSTEM
from ledger.overlay import Overlay
from ledger.store.tables import shapes

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["cases"], responses=PROBLEM_RESPONSES)


class StepTold(Told):
    """One step: the members who may take it; none: `sentence` says why and what to do."""

    step: str
    members: list[str]
    sentence: str | None


class StepsTold(Told):
    """Every step of a case, in the order of the story."""

    items: list[StepTold]


@router.get("/cases/{case}/steps", operation_id="read_steps")
async def read_steps(case: IdInPath, visit: Annotated[Visit, need("case.read")]) -> StepsTold:
    """Tell who may take each step now, by the rules that decide inside the writer."""
    rows = visit.rooms.rows
    row = await need_case(visit, case)
    members = await rows.find(tables.member)
    view = Overlay(shapes())
    wanted: dict[str, dict[int, set[tuple[object, ...]]]] = {"member": {0: {()}}, "authority": {0: {()}}}
    authorities = await rows.find(tables.authority)
    view.admit(wanted, {"member": _values("member", members), "authority": _values("authority", authorities)})
    stand = await _stand(rows, row)
    active = [one["member"] for one in members if one["active"]]
    now = visit.rooms.clock.now()
    told = []
    for step in STEPS:
        answer = who_may(view, active, step, stand, now)
        told.append(StepTold(step=step, members=list(answer.members), sentence=answer.sentence))
    return StepsTold(items=told)


def _values(table: str, rows: Sequence[Row]) -> list[tuple[object, ...]]:
    columns = shapes()[table].columns
    return [tuple(row[name] for name in columns) for row in rows]


async def _stand(rows: Scoped, row: Row) -> Stand:
    """Return where a case stands; what has not happened yet is taken as its owner's to do."""
    proposal = None if row["proposal"] is None else await rows.one(tables.proposal, proposal=row["proposal"])
    items = cases.live(await rows.find(tables.evidence, {"case": row["case"]}))
    policy = None if row["policy"] is None else await rows.one(tables.policy, policy=row["policy"])
    award = None if row["award"] is None else await rows.one(tables.award, award=row["award"])
    owner = row["owner"] or SYSTEM
    acted = row["action_by"] or owner
    return Stand(
        owner=owner,
        maker=proposal["maker"] if proposal else SYSTEM,
        acted=acted,
        submitters=tuple(sorted(authority.submitters(items))) or (acted,),
        beneficiaries=(acted,),
        playbook=row["playbook"],
        award_kind=row["award_kind"],
        tokens=loads(policy["content"])["terms"]["tokens"] if policy else 0,
        budget_set_by=None,
        held_by=award["held_by"] if award else None,
    )
