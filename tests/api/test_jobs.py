"""Work that was given up is seen by a person, and done again when they say so."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.jobs import why_of
from ledger.steps import ClaimJobs, ReleaseJob, Work
from tests.api.house import House, Team

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAILED = "ValueError: Mrs Silva's soup was cold"


async def gauge(at: House) -> str:
    lines = (await at.client.get("/metrics")).text.splitlines()
    return next(line.split()[1] for line in lines if line.startswith("tallystick_jobs_dead "))


async def given_up(at: House, ours: Team) -> str:
    """Let one job of ours fail for the last time, as a worker would note it; return its name."""
    staff = ours.keys["staff"]
    case = (await at.done("/api/v1/reports", staff, {"note": "The lift stops"}))["ids"]["case"]
    until = {"until": "2026-11-20T11:00:00Z"}
    await at.done(f"/api/v1/cases/{case}/acknowledge", ours.keys["manager"], until)
    at.wait(7200)
    now = at.app.state.installation.clock.now()

    def work() -> Work:
        leased = yield ClaimJobs("test", now, now, 32)
        job = next(row[1] for row in leased if row[1] == f"acknowledgement:{case}")
        yield ReleaseJob("test", ours.log, job, now, FAILED, True)
        return job

    name: str = await at.app.state.installation.writer.maintain(work())
    return name


async def test_a_dead_job_is_listed_counted_and_run_again(at: House, ours: Team, theirs: Team) -> None:
    owner = ours.keys["owner"]
    assert await gauge(at) == "0.0"
    job = await given_up(at, ours)
    answer = await at.ask("GET", "/api/v1/jobs/dead", owner)
    (told,) = answer.json()["items"]
    assert (told["job"], told["kind"], told["why"]) == (job, "acknowledgement", "ValueError")
    assert "Silva" not in answer.text  # what a handler choked on may be a person's words
    assert await gauge(at) == "1.0"
    assert (await at.ask("GET", "/api/v1/jobs/dead", theirs.keys["owner"])).json()["items"] == []
    assert (await at.ask("POST", f"/api/v1/jobs/{job}/run", theirs.keys["owner"])).status_code == 404
    before = (await at.ask("GET", "/api/v1/log", owner)).json()["size"]
    done = await at.done(f"/api/v1/jobs/{job}/run", owner, key="again")
    assert done["entries"]["count"] == 0
    assert (await at.ask("GET", "/api/v1/log", owner)).json()["size"] == before
    repeat = await at.ask("POST", f"/api/v1/jobs/{job}/run", owner, key="again")
    assert repeat.headers["idempotent-replay"] == "true"
    once = await at.ask("POST", f"/api/v1/jobs/{job}/run", owner)
    assert (once.status_code, once.json()["code"]) == (409, "transition")  # it is due, not given up
    await at.tick()
    assert (await at.ask("GET", "/api/v1/jobs/dead", owner)).json()["items"] == []
    assert await gauge(at) == "0.0"
    assert (await at.ask("GET", "/api/v1/log", owner)).json()["size"] > before  # it has escalated


WHY: list[tuple[str | None, str]] = [
    ("Refused: budget_short: expected at least 5 tokens", "Refused: budget_short"),
    ("Stopped: clock: the clock stepped", "Stopped: clock"),
    ("ValueError: a guest's words", "ValueError"),
    ("TimeoutError: ", "TimeoutError"),
    ("Refused: Mrs Silva", "Refused"),
    ("LookupError: job kind: expected one of", "LookupError"),
    ("", "unknown"),
    (None, "unknown"),
]


@pytest.mark.parametrize(("error", "why"), WHY)
async def test_why_names_no_value(error: Any, why: str) -> None:
    assert why_of(error) == why
