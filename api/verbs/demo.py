"""The demo: make The Harbour House, and serve it at its own Friday 16:10."""

from __future__ import annotations

import socket
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from api.cast import RehearsalBroken
from api.installation import open_installation
from api.pages.words import Words
from api.remote import running_server
from api.settings import Settings
from api.venue.calendar import SMALL, WHOLE, ZONE
from api.venue.demo import SEED, Told, make_demo
from api.venue.files import CLOCK_FILE, DEMO_FILE, PROOF_NAME
from api.venue.hours import Moved, NotAhead, is_moment, move_on, next_moment_ms
from api.venue.making import PlaceTaken, making
from api.verbs.console import Misuse, complain, here, tell
from api.verbs.console import run as run_async
from api.verbs.serving import listen, serve, serve_with

DAY_MIN, DAY_MAX = date(2000, 1, 1), date(2199, 12, 31)
"""Room on both sides: the weeks before the day, the windows after it, and instants within 2^53 thousandths of a ms."""


def demo(
    at: Annotated[
        str | None,
        typer.Option(
            help='A date, e.g. 2026-11-20: the demo ends on the last Friday until then. Or a moment, e.g. "sat 19:30":'
            " a demo that is there already moves on to it, hour by hour."
        ),
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="A new folder for it; else the data folder.")] = None,
    seed: Annotated[str, typer.Option(help="What chances are drawn from.")] = SEED,
    small: Annotated[bool, typer.Option(help="Three weeks and few guests instead of eight weeks.")] = False,
) -> None:
    """Play eight weeks of a hotel with a restaurant through the real product, and keep the data folder."""
    where = folder or here().settings.data_dir
    if at is not None and is_moment(at):
        _move_on(where, at)
        return
    told = _make(where, _day(at), seed, small)
    lines = [*lines_of(told), f"data folder {where}; the proof of one recognition: {where / PROOF_NAME}"]
    tell(lines, orjson.loads((where / DEMO_FILE).read_bytes()))


def run(
    host: Annotated[
        str | None, typer.Option(help="Where to listen; loopback unless a proxy stands before it.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="Make the demo venue first if the data folder is empty, and serve it."),
    ] = False,
) -> None:
    """Serve the doors, with the worker inside unless TALLYSTICK_WORKER_INSIDE=false."""
    if not demo:
        serve(host, port)
        return
    changed = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = here().settings.model_copy(update=changed).in_one_folder()
    if not settings.on_loopback:
        raise Misuse(f"--demo: expected a loopback address, got {settings.host}")
    # Taken before the play, which is long: a port that is not free is known at once.
    with listen(settings) as listening:
        if not (settings.data_dir / DEMO_FILE).is_file():
            complain("Playing eight weeks at The Harbour House through the real product; this is done once.")
            _make(settings.data_dir, _day(None), SEED, small=False)
        _serve_demo(settings, listening)


def _serve_demo(settings: Settings, listening: socket.socket) -> None:
    told = orjson.loads((settings.data_dir / DEMO_FILE).read_bytes())
    now = full(told["now"])
    # how the exceptions ended was counted at the end of the play; moved on since then, the pages count
    counted = "" if told.get("moved_on") else _ended(told)
    serve_with(
        settings.model_copy(update={"clock_file": settings.data_dir / CLOCK_FILE}),
        listening,
        (
            "Ready.",
            f"{told['venue']}, {now}: {told['steps']:,} steps recorded, {told['people']} people{counted}.",
            "{url}",
            "Try first: open it; take one decision; then Search for Chidi and read why somebody was thanked; download "
            "the proof and check it with `.venv/bin/tallystick audit award.json`.",
        ),
    )


def _ended(told: dict[str, Any]) -> str:
    return f", {sum(told['exceptions'].values())} exceptions, {sum(told['awards'].values())} recognitions"


def _move_on(folder: Path, at: str) -> None:
    """Run the hours until a moment of the week, in a demo that nobody serves meanwhile."""
    if not (folder / DEMO_FILE).is_file():
        raise Misuse(
            f"--at {at}: expected a demo in {folder} to move on, got none; `tallystick demo` makes one"
        )
    if running_server(folder) is not None:
        raise Misuse(f"--at {at}: expected no server on {folder}, got one; its demo strip moves on too")
    told = orjson.loads((folder / DEMO_FILE).read_bytes())
    settings = Settings(data_dir=folder, clock_file=folder / CLOCK_FILE).in_one_folder()

    async def work() -> Moved:
        async with open_installation(settings) as installation:
            return await move_on(installation, told["log"], folder, next_moment_ms(told["now"], at))

    try:
        moved = run_async(work())
    except NotAhead as error:
        raise Misuse(f"--at {at}: {error}") from error
    line = f"{told['venue']}, from {full(moved.since)} to {full(moved.now)}: {moved.steps} steps recorded"
    tell([line], {"now": moved.now, "since": moved.since, "steps": moved.steps})


def full(instant: str) -> str:
    """Return an instant in the venue's zone, "Fri 20 Nov 16:10"."""
    return Words("en", ZONE, instant).full(instant)


def _day(at: str | None) -> date:
    if at is None:
        return datetime.now(ZONE).date()
    try:
        day = date.fromisoformat(at)
    except ValueError as error:
        raise Misuse(f"--at: expected a date like 2026-11-20 or a moment like sat 19:30, got {at}") from error
    if not DAY_MIN <= day <= DAY_MAX:
        raise Misuse(f"--at: expected a date from {DAY_MIN} to {DAY_MAX}, got {at}")
    return day


def _make(folder: Path, day: date, seed: str, small: bool) -> Told:
    """Play, and put it in place whole: an interrupted play leaves nothing that looks like a demo."""
    try:
        with making(folder) as beside:
            return make_demo(beside, day, seed, SMALL if small else WHOLE)
    except (RehearsalBroken, PlaceTaken) as broken:
        raise Misuse(str(broken)) from broken


def lines_of(told: Told) -> list[str]:
    """Return what the demo holds, for a person; nothing in it depends on how fast the machine was."""
    return [
        f"{told.venue}, {full(told.now)}; simulated time, made-up people",
        f"{told.people} people, {told.records:,} records, {told.steps:,} steps recorded",
        f"{len(told.watches)} watches fired: {_fired(told)}",
        f"{sum(told.exceptions.values())} exceptions: {_counts(told.exceptions)}",
        f"{sum(told.routine.values())} checks and hand-overs by plan: {_counts(told.routine)}",
        f"{sum(told.awards.values())} recognitions: {_counts(told.awards)}",
        f"{sum(told.refused.values())} of {told.attempts} attempts refused: {_counts(told.refused)}",
        f"refusals that left something behind: {told.left_behind}",
        f"log {told.log}",
        f"root {told.root}",
    ]


def _fired(told: Told) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {count}{' (on trial)' if name in told.on_trial else ''}"
        for name, count in told.watches.items()
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
