"""Recognition and hours, for owners: by team and part of the day, a quarter at a time, never per person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.hours import Quarter, quarters
from api.pages.doors import PageDoor, Seen, see
from api.pages.frame import show
from api.pages.watch_words import plain
from api.pages.words import Words, mark
from casework.fairness import EVENING, GROUP_MIN, MIDDAY, MORNING, NIGHT, NO_SHIFT, Shown

router = APIRouter(route_class=PageDoor, include_in_schema=False)

PARTS: Mapping[str, str] = {
    MORNING: mark("mornings"),
    MIDDAY: mark("middays"),
    EVENING: mark("evenings"),
    NIGHT: mark("nights"),
}
WIDTH, HEIGHT, EDGE = 320, 120, 24
"""Of the line, in its own units."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row: who, hours, recognitions, recognitions per 100 hours."""

    who: str
    hours: str
    recognised: str
    rate: str


@dataclass(frozen=True, slots=True)
class Block:
    """One quarter. `known`: there are hours."""

    title: str
    known: bool
    lines: tuple[Line, ...]
    total: Line | None
    hidden: int


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the line, with what stands at it."""

    x: int
    y: int
    value: str
    under: str


@router.get("/hours")
async def hours(seen: Annotated[Seen, see("fairness.read", here="hours")]) -> Response:
    """Show the quarters that are over."""
    words = seen.frame.words
    found = await quarters(seen.rooms, words.zone)
    return await show(
        seen.frame,
        "hours.html",
        blocks=[_block(one, words) for one in reversed(found)],
        points=_points(found, words),
        size=(WIDTH, HEIGHT),
        known=any(one.table is not None for one in found),
        least=GROUP_MIN,
    )


def _block(one: Quarter, words: Words) -> Block:
    title = _title(one.quarter, words)
    if one.table is None:
        return Block(title, False, (), None, 0)
    lines = tuple(_line(_who(row, words), row, words) for row in one.table.rows)
    total = one.table.total
    told = None if total is None else _line(words.gettext("Everybody together"), total, words)
    return Block(title, True, lines, told, one.table.hidden)


def _title(quarter: tuple[int, int], words: Words) -> str:
    year, number = quarter
    return words.gettext("Quarter %(number)s of %(year)s", number=number, year=year)


def _who(row: Shown, words: Words) -> str:
    team, part = row.key
    if row.key == NO_SHIFT:
        return words.gettext("Without a known shift")
    said = PARTS[part]
    return words.gettext(
        "%(team)s, %(part)s", team=plain(team) or words.gettext("no team named"), part=words.gettext(said)
    )


def _line(who: str, row: Shown, words: Words) -> Line:
    return Line(who, words.number(row.hours), words.number(row.recognised), _rate(row, words))


def _rate(row: Shown, words: Words) -> str:
    tenths = row.per_hundred_tenths
    return "–" if tenths is None else words.tenths(tenths)


def _points(found: Sequence[Quarter], words: Words) -> tuple[Point, ...]:
    """Return the line of everybody together; fewer than two quarters make none."""
    rates = [
        (one.quarter, one.table.total.per_hundred_tenths)
        for one in found
        if one.table is not None and one.table.total is not None
    ]
    known = [(quarter, tenths) for quarter, tenths in rates if tenths is not None]
    if len(known) < 2:
        return ()
    most = max(max(tenths for _, tenths in known), 1)
    step = (WIDTH - 2 * EDGE) // (len(known) - 1)
    return tuple(
        Point(
            x=EDGE + place * step,
            y=HEIGHT - EDGE - tenths * (HEIGHT - 3 * EDGE) // most,
            value=words.tenths(tenths),
            under=f"{quarter[1]}/{quarter[0]}",
        )
        for place, (quarter, tenths) in enumerate(known)
    )
