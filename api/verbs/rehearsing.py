"""Verbs that play: simulate a business on real records."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cast import RehearsalBroken
from api.simulate import DAYS_MAX, Report
from api.simulate import simulate as play
from api.verbs.console import FAILED, Misuse, tell
from ledger.findings import Exit

REFUSED_SHARE_MIN = 0.1
"""A rehearsal that hardly anybody tries to cheat shows nothing."""


def simulate(
    example: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="A folder with kinds, mapping, playbooks, policies."
        ),
    ],
    data: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file of history, plain or .gz.")
    ],
    days: Annotated[int, typer.Option(min=1, max=DAYS_MAX, help="How many days to play.")] = 60,
    first_day: Annotated[
        str | None, typer.Option("--from", help="The first day, e.g. 2015-07-01; else the first arrival.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="A new folder for the data; else it is thrown away.")
    ] = None,
    seed: Annotated[str, typer.Option(help="What the cast's chances are drawn from.")] = "1",
) -> None:
    """Play a business on real records with a moving clock, through the real server, then audit what it left."""
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise Misuse(f"--keep {keep}: expected a new or empty folder, got one with files in it")
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tallystick-")))
        try:
            report = play(example, data, days, folder, first_day, seed)
        except RehearsalBroken as broken:
            raise Misuse(str(broken)) from broken
    tell(_lines(report), _json(report))
    if report.left_behind or not _sound(report) or report.refused_count < REFUSED_SHARE_MIN * report.attempts:
        raise typer.Exit(FAILED)


def _sound(report: Report) -> bool:
    # Nobody outside has seen this log, so the best both audits can say is that it agrees with itself.
    return report.audited is not None and report.audited.exit in (Exit.INTACT, Exit.CONSISTENT_ONLY)


def _lines(report: Report) -> list[str]:
    share = 100 * report.refused_count // max(1, report.attempts)
    lines = [
        f"{report.days} days from {report.first_day}, simulated time; {report.records} records; {report.log}",
        "",
        *_block("opened", report.opened),
        *_block("decided", report.decided),
        *_block("awarded", report.awards),
        *_block(f"refused ({report.refused_count} of {report.attempts} attempts, {share} %)", report.refused),
        *_block("of them scripted, by what was tried", report.cheats),
        *_block("tokens", report.tokens),
        *_block("cases", report.states),
        f"repeats answered as the first time: {report.replays}",
        f"refusals that left something behind: {len(report.left_behind)}",
        f"entries {report.entries}",
        f"root {report.root}",
        f"took {report.seconds:.0f} s",
        "",
    ]
    return lines + (report.audited.sentences() if report.audited else [])


def _block(title: str, counts: Mapping[str, int]) -> list[str]:
    width = max((len(name) for name in counts), default=0)
    return [
        f"{title}: {sum(counts.values())}",
        *(f"  {name:<{width}} {counts[name]:>8}" for name in sorted(counts)),
    ]


def _json(report: Report) -> dict[str, Any]:
    return {
        "log": report.log,
        "days": report.days,
        "from": report.first_day,
        "records": report.records,
        "opened": dict(report.opened),
        "decided": dict(report.decided),
        "awards": dict(report.awards),
        "attempts": report.attempts,
        "replays": report.replays,
        "refused": dict(report.refused),
        "cheats": dict(report.cheats),
        "left_behind": report.left_behind,
        "tokens": report.tokens,
        "cases": dict(report.states),
        "entries": report.entries,
        "root": report.root,
        "audits": report.audited.sentences() if report.audited else [],
    }
