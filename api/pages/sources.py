"""Where data comes from: one row per source, when it was last heard of, how often it is expected, what was
not understood.

Of rows that were refused only their number is kept; the reasons were told to whoever sent the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.pages import watch_words
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.names import people_of
from api.pages.sheets import sheet
from api.pages.words import Words, mark
from api.pages.writers import declared_by, writers_asked
from api.permissions import OWNER, role_for
from api.published import latest_kinds
from api.scope import Row
from api.watches import Heard, heard, library, silent, watched
from api.whose import person_fields
from casework import tables
from casework.requests import RegisterSource
from ledger.codec import loads
from playbooks.calendars import Span, before, parse_span
from verifiers.controllers import parties, stored_formula

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("watch.read", here="sources")]
Declares = Annotated[Acting, act("watch.write", here="sources")]
SAID: Mapping[str, str] = {
    "declared": mark("Noted. It holds for what is shown as evidence from now on."),
    "unknown": mark("Noted that it is not known. Nobody is recognised on what comes from there alone."),
}
HEAD = (
    mark("Source"), mark("State"), mark("Last heard"), mark("Expected"), mark("Rows we could not read"), mark("Brings"),
    mark("Who can write there alone"),
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
    writes: str
    id: str
    declared: bool
    names_people: bool
    """Whether its records name people, and the reader may say who is meant."""


@router.get("/sources")
async def sources(seen: Sees, said: str = "") -> Response:
    """Show every source."""
    frame = seen.frame
    if said in SAID:
        frame = with_toast(frame, frame.words.gettext(SAID[said]))
    return await page(seen, frame)


@router.post("/sources/writer")
async def declare(acting: Declares) -> Response:
    """Say who can change what stands in a source: nobody here alone, these people, or that it is not known."""
    source = acting.form.text("source")
    row = await acting.rooms.rows.need("source", tables.source, source=source)
    declared = await declared_by(acting, acting.form, source)
    if declared != loads(row["controllers"]):
        request = RegisterSource(source, tuple(loads(row["kinds"])), declared, row["fresh_within"])
        await acting.rooms.office.register_source(acting.who, acting.key, request)
    said = "declared" if declared else "unknown"
    return RedirectResponse(f"/sources?said={said}", status_code=303)


async def page(seen: Seen, frame: Frame) -> Response:
    """Return the page of every source."""
    words, now = seen.frame.words, seen.rooms.clock.now()
    rows = await seen.rooms.rows.find(tables.source)
    came = await heard(seen.rooms.rows)
    wanted, looked_at = await _wanted(seen, now), await _looked_at(seen, now)
    zone = (await latest_kinds(seen.rooms.rows) or library()[0]).zone
    lines, names = [], (await people_of(seen.rooms.rows)).names
    may_say = role_for("account.link", seen.caller.roles) is not None
    naming = set(await person_fields(seen.rooms.rows)) if may_say else set()
    for row in rows:
        came_from = came.get(row["source"], Heard())
        span = parse_span(row["fresh_within"]) if row["fresh_within"] else wanted.get(row["source"])
        quiet = span is not None and silent(came_from.last, span, zone, now)
        used = not looked_at.isdisjoint(loads(row["kinds"]))
        named = not naming.isdisjoint(loads(row["kinds"]))
        lines.append(line_of(row, came_from, span, quiet, words, used, names, named))
    if seen.request.query_params.get("as") == "csv":
        cells = [
            (one.name, one.chip, one.last, one.expected, one.refused, one.kinds, one.writes) for one in lines
        ]
        return sheet("where-data-comes-from", [words.gettext(one) for one in HEAD], cells)
    declares = OWNER in seen.caller.roles
    return await show(
        frame,
        "sources.html",
        lines=lines,
        writers=await writers_asked(seen) if declares else None,
        open=[(one.id, one.name) for one in sorted(lines, key=lambda one: one.declared)],
        declare=seen.fresh_key() if declares else "",
        undeclared=sum(not line.declared for line in lines),
        may_let=role_for("hook.read", seen.caller.roles) is not None,
        may_add=role_for("record.write", seen.caller.roles) is not None,
        refused=sum(came[row["source"]].refused for row in rows if row["source"] in came),
        checked=words.clock(now),
    )


def _writes(row: Row, names: Mapping[str, str], words: Words) -> str:
    declared = loads(row["controllers"])
    if not declared:
        return words.gettext("not said")
    members = sorted(
        party.removeprefix("member:")
        for party in parties(stored_formula(declared))
        if party.startswith("member:")
    )
    if not members:
        return words.gettext("nobody who works here")
    return words.listed(names.get(one, words.gettext("somebody")) for one in members)


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


def line_of(
    row: Row,
    came: Heard,
    span: Span | None,
    quiet: bool,
    words: Words,
    used: bool,
    names: Mapping[str, str],
    names_people: bool = False,
) -> Line:
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
        _writes(row, names, words),
        str(row["source"]),
        bool(loads(row["controllers"])),
        names_people,
    )
