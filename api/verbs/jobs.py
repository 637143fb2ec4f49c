"""Verbs about work that was given up: job list, job run."""

from __future__ import annotations

from typing import Annotated

import typer

from api.verbs.console import tell, tell_rows
from api.verbs.people import ask

job = typer.Typer(help="Work that was given up after its last try.", no_args_is_help=True)


@job.command("list")
def job_list() -> None:
    """List what was given up, and why."""
    rows = ask("GET", "/api/v1/jobs/dead")["items"]
    tell_rows("given up", ["job", "cause_seq", "due", "attempts", "why"], rows)


@job.command("run")
def job_run(name: Annotated[str, typer.Argument(metavar="JOB", help="As `job list` names it.")]) -> None:
    """Have one done again, once what stood in its way is gone."""
    done = ask("POST", f"/api/v1/jobs/{name}/run")
    tell([f"{name} is due now"], done)
