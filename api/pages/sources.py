"""Where data comes from: one row per source, when it was last heard of, how often it is expected, what was
not understood.

Of rows that were refused only their number is kept; the reasons were told to whoever sent the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from api.pages import watch_words
from api.pages.doors import PageDoor, Seen, see
from api.pages.frame import show
from api.pages.sheets import sheet
from api.pages.words import Words, mark
from api.permissions import role_for
from api.published import latest_kinds
from api.scope import Row
from api.watches import Heard, heard, library, silent, watched
from casework import tables
from ledger.codec import loads
from playbooks.calendars import Span, before, parse_span

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("watch.read", here="sources")]
HEAD = (
    mark("Source"), mark("State"), mark("Last heard"), mark("Expected"), mark("Rows we could not read"), mark("Brings"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One source in words."""

    name: str
    chip: str
    tone: str
    last: str
    expected: str
    refused: str
    kinds: str


@router.get("/sources")
async def sources(seen: Sees) -> Response:
    """Show every source."""
    words, now = seen.frame.words, seen.rooms.clock.now()
    rows = await seen.rooms.rows.find(tables.source)
    came = await heard(seen.rooms.rows)
    wanted, looked_at = await _wanted(seen, now), await _looked_at(seen, now)
    zone = (await latest_kinds(seen.rooms.rows) or library()[0]).zone
    lines = []
    for row in rows:
        came_from = came.get(row["source"], Heard())
        span = parse_span(row["fresh_within"]) if row["fresh_within"] else wanted.get(row["source"])
        quiet = span is not None and silent(came_from.last, span, zone, now)
        used = not looked_at.isdisjoint(loads(row["kinds"]))
        lines.append(line_of(row, came_from, span, quiet, words, used))
    if seen.request.query_params.get("as") == "csv":
        cells = [(one.name, one.chip, one.last, one.expected, one.refused, one.kinds) for one in lines]
        return sheet("where-data-comes-from", [words.gettext(one) for one in HEAD], cells)
    return await show(
        seen.frame,
        "sources.html",
        lines=lines,
        may_add=role_for("record.write", seen.caller.roles) is not None,
        refused=sum(came[row["source"]].refused for row in rows if row["source"] in came),
        checked=words.clock(now),
    )


async def _wanted(seen: Seen, now: str) -> dict[str, Span]:
    """Return source -> how fresh the most demanding watch that runs here needs it. A watch may also look at what a
    source brings and set no time; then it is not among these."""
    needed: dict[str, Span] = {}
    for watch in await watched(seen.rooms.rows, now):
        if watch.status not in ("on", "trial"):
            continue
        for source, span in watch.playbook.sources.items():
            if source not in needed or _ago(span, seen) > _ago(needed[source], seen):
                needed[source] = span
    return needed


async def _looked_at(seen: Seen, now: str) -> set[str]:
    """Return the kinds that a watch which runs here is about."""
    running = [one for one in await watched(seen.rooms.rows, now) if one.status in ("on", "trial")]
    return {one.playbook.subject for one in running}


def _ago(span: Span, seen: Seen) -> int:
    return before(seen.rooms.clock.unix_ms(), span, seen.frame.words.zone)


def line_of(row: Row, came: Heard, span: Span | None, quiet: bool, words: Words, used: bool) -> Line:
    """Return the row of a source."""
    if came.last is None:
        chip, tone = words.gettext("Never heard of"), "attention"
    elif quiet:
        chip, tone = words.gettext("Silent"), "late"
    else:
        chip, tone = words.gettext("Heard of"), "done"
    expected = words.gettext("whenever it comes") if used else words.gettext("nothing runs on it")
    if span is not None:
        expected = words.gettext("at least every %(span)s", span=watch_words.span_words(span, words))
    return Line(
        watch_words.plain(row["source"]),
        chip,
        tone,
        words.moment(came.last) if came.last else words.gettext("never"),
        expected,
        words.number(came.refused),
        words.listed(watch_words.kinds_words(kind, words) for kind in loads(row["kinds"])),
    )
