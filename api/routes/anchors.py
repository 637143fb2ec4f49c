"""Anchors: a checkpoint in somebody else's hands (docs/anchoring.md). What stands on a chain is made by the operator's
door (api/routes/anchor_chain.py); here an owner writes down that it counts, and anybody who checks the record reads it.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints

from api.anchor_sights import ask, asked_sizes, sights_of
from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import tell
from api.routes.shapes import Asked, Code, Id, IdInPath, Page, Recorded, Told
from casework import tables
from casework.anchor_requests import CloseAnchor, OpenAnchor, SupersedeAnchor
from casework.errors import refuse
from casework.views_of_anchors import OPEN
from ledger.codec import loads

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["anchors"], responses=PROBLEM_RESPONSES)

Reads = Annotated[Visit, need("anchor.read")]
Writes = Annotated[Asking, need_to_write("anchor.write")]
Type = Annotated[str, StringConstraints(pattern="^(evm|witness|timestamp|double)$")]

PLACE_MEMBERS_MAX = 10
RECEIPT_MEMBERS_MAX = 20
CHECKPOINTS_MAX = 200


class AnchorWanted(Asked):
    """An anchor and its place, as docs/spec/anchoring.md section 2 says for its type. `anchor`: its id, where the place
    had to know it before."""

    type: Type
    place: Annotated[dict[str, Any], Field(max_length=PLACE_MEMBERS_MAX)]
    anchor: Id | None = None


class SuccessorNamed(Asked):
    """Which open anchor goes on in its place, why, and the receipt of a chain that was told so."""

    by: Id
    reason: Code
    receipt: Annotated[dict[str, Any], Field(max_length=RECEIPT_MEMBERS_MAX)] = {}


class AnchorEnded(Asked):
    """Why nothing is anchored there any more."""

    reason: Code


class AskedTold(Told):
    """Up to which size the worker anchors at its next look."""

    size: int


@router.get("/anchors", operation_id="list_anchors")
async def list_anchors(visit: Reads) -> Page:
    """List anchors, ended ones too, each with what it holds and what the worker saw of it last."""
    rooms = visit.rooms
    sights, asked = await sights_of(rooms), await asked_sizes(rooms)
    items = []
    for row in await rooms.rows.find(tables.anchor):
        anchor, sight = str(row["anchor"]), sights.get(str(row["anchor"]))
        told: dict[str, Any] = {name: value for name, value in row.items() if name not in ("log", "place")}
        told |= {"place": loads(row["place"]), "asked_size": asked.get(anchor, 0)}
        told |= {"looked_at": None, "pending_size": None, "troubles": [], "facts": {}}
        if sight is not None:
            told |= {"looked_at": sight.looked_at, "pending_size": sight.pending_size}
            told["facts"] = dict(sight.facts)
            told["troubles"] = [
                {"code": one.code, "detail": one.detail, "stops": one.stops, "since": one.since}
                for one in sight.troubles
            ]
        items.append(told)
    return Page(items=items, next_cursor=None)


@router.get("/anchors/{anchor}/checkpoints", operation_id="list_anchored")
async def list_anchored(
    anchor: IdInPath, visit: Reads, limit: Annotated[int, Query(ge=1, le=CHECKPOINTS_MAX)] = 50
) -> Page:
    """List the checkpoints that an anchor holds, the latest first, each with its receipt."""
    await visit.rooms.rows.need("anchor", tables.anchor, anchor=anchor)
    rows = await visit.rooms.rows.find(tables.anchored, {"anchor": anchor}, order="size", limit=limit)
    items = [
        {
            "size": row["size"],
            "root": row["root"],
            "at": row["at"],
            "seq": row["seq"],
            "receipt": loads(row["receipt"]),
        }
        for row in rows
    ]
    return Page(items=items, next_cursor=None)


@router.post("/anchors", operation_id="open_anchor", status_code=201)
async def open_anchor(body: AnchorWanted, asking: Writes) -> Recorded:
    """Let checkpoints go to a place from now on."""
    request = OpenAnchor(body.type, body.place, body.anchor)
    return await tell(asking, await asking.rooms.anchoring.open(asking.who, asking.key, request))


@router.post("/anchors/{anchor}/now", operation_id="anchor_now")
async def anchor_now(anchor: IdInPath, asking: Writes) -> AskedTold:
    """Publish a checkpoint and let the worker anchor it at its next look, whatever the times say."""
    rooms = asking.rooms
    row = await rooms.rows.need("anchor", tables.anchor, anchor=anchor)
    if row["state"] != OPEN:
        raise refuse("anchor_over", f"expected an open anchor, got one that is {row['state']}: {anchor}")
    return AskedTold(size=await ask(rooms, asking.who, [anchor]))


@router.post("/anchors/{anchor}/supersede", operation_id="supersede_anchor")
async def supersede_anchor(anchor: IdInPath, body: SuccessorNamed, asking: Writes) -> Recorded:
    """Let another open anchor go on in place of this one."""
    request = SupersedeAnchor(anchor, body.by, body.reason, body.receipt)
    return await tell(asking, await asking.rooms.anchoring.supersede(asking.who, asking.key, request))


@router.post("/anchors/{anchor}/close", operation_id="close_anchor")
async def close_anchor(anchor: IdInPath, body: AnchorEnded, asking: Writes) -> Recorded:
    """Nothing is anchored there any more."""
    request = CloseAnchor(anchor, body.reason)
    return await tell(asking, await asking.rooms.anchoring.close(asking.who, asking.key, request))
