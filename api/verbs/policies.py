"""Verbs about policies: play one for a simulated year before it is published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.published import read_policy_text
from api.verbs.console import Misuse, here, tell, tell_rows
from casework.laboratory.agents import APPROVERS
from casework.laboratory.report import CAPTION, COLUMNS, document, figures, rows, sentences
from casework.laboratory.year import PEOPLE_DEFAULT, PEOPLE_MAX, NoPlay, Rules, play_year

POLICY_BYTES_MAX = 262_144
SEED_MAX = 2**32 - 1

policy = typer.Typer(help="Policies: what suffices, and what it is worth.", no_args_is_help=True)


@policy.callback()
def policies() -> None:
    """Policies: what suffices, and what it is worth."""


@policy.command("try")
def policy_try(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy file.")],
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="What all chance is drawn from.")] = 1,
    people: Annotated[
        int, typer.Option(min=4, max=PEOPLE_MAX, help="How many people work there.")
    ] = PEOPLE_DEFAULT,
    approver: Annotated[
        str, typer.Option(help="careful or lazy: who decides about what passed.")
    ] = "careful",
) -> None:
    """Let made-up people, honest and not, play a policy for a year, and say what it rewarded. A model, no gate."""
    if approver not in APPROVERS:
        raise Misuse(f"--approver: expected one of {', '.join(APPROVERS)}, got {approver}")
    request = read_policy_text(_text(file), file.name)
    try:
        year = play_year(request.content, seed, people, Rules(APPROVERS[approver]))
    except NoPlay as error:
        raise Misuse(str(error)) from error
    found = figures(year)
    if here().as_json:
        tell((), document(year, found))
        return
    told = sentences(year, found)
    tell(told[:2], None)
    tell_rows(CAPTION, COLUMNS, rows(found))
    tell(told[2:], None)


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        data = opened.read(POLICY_BYTES_MAX + 1)
    if len(data) > POLICY_BYTES_MAX:
        raise Misuse(f"{file}: expected at most {POLICY_BYTES_MAX} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Misuse(f"{file}: expected text in UTF-8, got other bytes at {error.start}") from error
