"""Work that was given up after its last try: what a person must see, and how to have it done again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from api.bodies import Door
from api.identity import Asking, Visit, need, need_to_write
from api.problems import PROBLEM_RESPONSES
from api.routes.answers import tell
from api.routes.shapes import IdInPath, Recorded, Told
from casework.requests import RunJob
from ledger.jobs import why_of
from ledger.store.tables import job as job_table

router = APIRouter(route_class=Door, prefix="/api/v1", tags=["jobs"], responses=PROBLEM_RESPONSES)


class DeadJob(Told):
    """One piece of work that was given up: what it was for (ids only), which entry caused it (-1: none), after how
    many tries, and with which error or refusal the last one ended."""

    job: str
    kind: str
    cause_seq: int
    due: str
    attempts: int
    why: str


class DeadJobs(Told):
    """What was given up, the longest due first."""

    items: list[DeadJob]


@router.get("/jobs/dead", operation_id="list_dead_jobs")
async def list_dead_jobs(visit: Annotated[Visit, need("job.read")]) -> DeadJobs:
    """List work that was given up; nobody tries it again before a person asks for it."""
    rows = await visit.rooms.rows.find(job_table, {"dead": 1})
    told = [
        DeadJob(
            job=row["job"],
            kind=row["kind"],
            cause_seq=row["cause_seq"],
            due=row["due"],
            attempts=row["attempt"],
            why=why_of(row["error"]),
        )
        for row in rows
    ]
    return DeadJobs(items=sorted(told, key=lambda one: (one.due, one.job)))


@router.post("/jobs/{job}/run", operation_id="run_job")
async def run_job(job: IdInPath, asking: Annotated[Asking, need_to_write("job.write")]) -> Recorded:
    """Have work done again that was given up: it is due now, with all its tries. Leaves no entry; its effect will."""
    return await tell(asking, await asking.rooms.office.run_job(asking.who, asking.key, RunJob(job)))
