"""What we watch: one row per watch; and one watch: five questions answered, a preview, on, trial and off.

Everybody may read what is watched. An owner switches it; the record says who, and the engine then runs over the records
there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.pages import watch_words
from api.pages.asked import asked_lines
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.names import people_of
from api.pages.sheets import sheet
from api.pages.shipped import title_words
from api.pages.troubles import Trouble, trouble_of
from api.pages.words import Words, mark
from api.permissions import role_for
from api.previews import NO_RECORDS, Preview, Shown, last_ninety
from api.problems import NotFound, of_error
from api.published import latest_kinds
from api.rooms import Rooms
from api.switching import switch, vocabulary_for
from api.tuning import dials
from api.watched_people import on_person, purpose_of
from api.watches import OFF, ON, TRIAL, UNUSED, Watched, library, watched
from casework import tables
from casework.purposes import PURPOSE_CHARS_MAX, PURPOSE_CHARS_MIN
from casework.requests import WritePurpose
from ledger.codec import loads
from ledger.errors import Refused
from playbooks.errors import PlaybookError

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("watch.read", here="watch")]
Switches = Annotated[Acting, act("watch.write", here="watch")]
WatchId = Annotated[str, Path(max_length=60, pattern=r"^[a-z0-9_-]+$")]

MODES: Mapping[str, str] = {TRIAL: "shadow", ON: "live", OFF: "retired"}
SAID: Mapping[str, str] = {
    "trial": mark("On trial. It counts what it sees and tells nobody."),
    "on": mark("Switched on. Whoever is asked is told from now on."),
    "off": mark("Switched off. What it showed so far stays."),
    "purpose": mark("Written down. Everybody here can read it from now on."),
    "changed": mark("Changed. It runs with the new numbers from now on."),
}
BUTTONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    ON: ((OFF, mark("Switch off")), (TRIAL, mark("Back to a trial"))),
    TRIAL: ((ON, mark("Switch on")), (OFF, mark("Switch off"))),
    OFF: ((TRIAL, mark("Start a trial")), (ON, mark("Switch on"))),
    UNUSED: ((TRIAL, mark("Start a trial")), (ON, mark("Switch on"))),
}
"""What a watch may be switched to, the likeliest first."""
ORDER = (ON, TRIAL, OFF, UNUSED)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the list."""

    id: str
    name: str
    chip: str
    tone: str
    detail: str
    recent: str
    false_alarms: str
    asked: str


def line_of(watch: Watched, words: Words) -> Line:
    """Return the row of a watch."""
    chip, tone = watch_words.state_of(watch, words)
    detail = watch_words.blind_words(watch, words)
    recent = words.number(watch.recent)
    if watch.status == UNUSED:
        detail, recent = words.gettext("Look at it"), "–"
    elif watch.status == TRIAL:
        left = watch.trial_days_left(words.now)
        trial = words.gettext("trial is over")
        if left:
            trial = words.ngettext("trial, %(num)s day left", "trial, %(num)s days left", left)
        detail = f"{detail} · {trial}" if detail else trial
        recent = words.gettext("tells nobody")
        if not watch.was_live:
            recent = words.gettext("%(num)s, nobody was told", num=words.number(watch.noticed))
    shown = watch.status == ON or watch.recent
    return Line(
        watch.playbook.id,
        watch_words.name_of(watch.playbook, words),
        chip,
        tone,
        detail,
        recent,
        words.number(watch.false_alarms) if shown else "–",
        watch_words.asked_words(watch.playbook, words),
    )


@router.get("/watch")
async def watches(seen: Sees) -> Response:
    """Show everything that is watched, and what could be."""
    words, now = seen.frame.words, seen.rooms.clock.now()
    found = await watched(seen.rooms.rows, now)
    found.sort(key=lambda one: ORDER.index(one.status))  # stable: within a group by id
    lines = [line_of(one, words) for one in found]
    if seen.request.query_params.get("as") == "csv":
        head = [words.gettext(one) for one in HEAD]
        return sheet(
            "what-we-watch",
            head,
            [(one.name, one.chip, one.detail, one.recent, one.false_alarms, one.asked) for one in lines],
        )
    return await show(
        seen.frame,
        "watch.html",
        used=[line for line, one in zip(lines, found, strict=True) if one.status != UNUSED],
        unused=[line for line, one in zip(lines, found, strict=True) if one.status == UNUSED],
        blind=sum(one.blind for one in found),
        running=sum(one.status in (ON, TRIAL) for one in found),
        checked=words.clock(now),
    )


HEAD = (
    mark("What"), mark("State"), mark("In detail"), mark("Last 30 days"), mark("No problem"), mark("Who is asked"),
)  # fmt: skip


# ---------------------------------------------------------------------------------------------- one watch
@router.get("/watch/{playbook}")
async def one_watch(playbook: WatchId, seen: Sees, said: str = "") -> Response:
    """Show one watch."""
    frame = seen.frame
    if said in SAID:
        frame = with_toast(frame, frame.words.gettext(SAID[said]))
    return await page(seen, playbook, frame)


async def need_watch(rooms: Rooms, playbook: str) -> Watched:
    """Return a watch, published here or shipped. Raises NotFound."""
    found = await watched(rooms.rows, rooms.clock.now(), only=playbook)
    if not found:
        raise NotFound("watch", playbook)
    return found[0]


async def is_on_person(rooms: Rooms, watch: Watched) -> bool:
    """Say whether a watch is on a person, by the kinds it runs under or would bring along."""
    shipped, _ = await asyncio.to_thread(library)
    return await on_person(rooms.rows, watch.row, shipped.content, watch.playbook.content)


async def asks_first(rooms: Rooms, watch: Watched) -> bool:
    """Say whether it has to be written first what a watch is for: looking back at people is watching them too."""
    return await is_on_person(rooms, watch) and await purpose_of(rooms.rows, watch.playbook.id) is None


async def preview_of(rooms: Rooms, watch: Watched) -> Preview:
    """Return what a watch would have shown; one that is not used yet is read by the words it would bring along."""
    if watch.row is not None:
        return await last_ninety(rooms, watch.playbook)
    before = await latest_kinds(rooms.rows)
    settings = {row["name"]: loads(row["value"]) for row in await rooms.rows.find(tables.setting)}
    try:
        kinds = vocabulary_for(watch.playbook, before, library()[0], settings)
    except PlaybookError as error:
        return Preview(watch.playbook.id, trouble="not_fitting", detail=str(error))
    return await last_ninety(rooms, watch.playbook, kinds)


async def page(
    seen: Seen,
    playbook: str,
    frame: Frame,
    trouble: Trouble | None = None,
    status: int = 200,
    typed_purpose: str = "",
) -> Response:
    """Return the page of one watch as it stands now. `typed_purpose`: what was refused, to be mended."""
    words = frame.words
    watch = await need_watch(seen.rooms, playbook)
    chip, tone = watch_words.state_of(watch, words)
    may_write = role_for("watch.write", seen.caller.roles) is not None
    row = watch.row
    rows = seen.rooms.rows
    on_person_too = await is_on_person(seen.rooms, watch)
    purpose = await purpose_of(rows, playbook) if on_person_too else None
    asked_first = await asks_first(seen.rooms, watch)
    unseen = Preview(playbook, trouble=NO_RECORDS) if asked_first else None
    preview = unseen or await preview_of(seen.rooms, watch)
    names = await people_of(rows)
    return await show(
        frame,
        "one_watch.html",
        status=status,
        watch=watch,
        name=watch_words.name_of(watch.playbook, words),
        chip_words=chip,
        tone=tone,
        blind=watch_words.blind_words(watch, words),
        trial=watch_words.trial_words(watch, words) if watch.status == TRIAL else None,
        looks_for=watch_words.looks_for(watch.playbook, words),
        matters=watch_words.matters(watch.playbook, words),
        evidence=watch_words.evidence(watch.playbook, words),
        approves=watch_words.approves(watch.playbook, words),
        asked=await asked_lines(seen.rooms, watch.playbook, names, words),
        helps=watch_words.helps(watch, words),
        previewed=[words.gettext("Nothing is looked up about people before it is written down what for.")]
        if asked_first
        else watch_words.preview_words(preview, words),
        examples=examples_of(preview.examples, words) if seen.caller.reads(watch.playbook.subject) else (),
        buttons=[
            (to, words.gettext(text))
            for to, text in BUTTONS[watch.status]
            if may_write and (to == OFF or not asked_first)
        ],
        on_person=on_person_too,
        purpose=purpose,
        purpose_by=names.name(purpose.by, words) if purpose is not None else "",
        may_write=may_write,
        purpose_chars=(PURPOSE_CHARS_MIN, PURPOSE_CHARS_MAX),
        typed_purpose=typed_purpose,
        dials=dial_fields(watch, words) if may_write and row is not None and not asked_first else (),
        key=seen.fresh_key(),
        exact=exact_of(watch, preview),
        file=file_of(watch.playbook.content),
        trouble=trouble,
    )


@dataclass(frozen=True, slots=True)
class Example:
    """One thing it would have shown, in words."""

    title: str
    when: str
    onset: str
    at_stake: str


def examples_of(shown: tuple[Shown, ...], words: Words) -> tuple[Example, ...]:
    """Return what it would have shown, in words."""
    return tuple(
        Example(
            title_words(one.title, words),
            words.moment(one.onset),
            one.onset,
            words.money({"amount_minor": one.value.amount_minor, "currency": one.value.currency})
            if one.value is not None and one.value.amount_minor
            else "",
        )
        for one in shown
    )


@dataclass(frozen=True, slots=True)
class DialField:
    """One number as a form field: a count, and a unit where it is a length of time."""

    place: int
    label: str
    count: int
    unit: str
    units: tuple[tuple[str, str], ...]


def dial_fields(watch: Watched, words: Words) -> tuple[DialField, ...]:
    """Return the fields of the numbers that can be changed."""
    return tuple(
        DialField(
            place,
            watch_words.dial_words(dial, words),
            dial.count,
            dial.unit,
            tuple((unit, words.gettext(watch_words.UNITS[unit])) for unit in dial.units),
        )
        for place, dial in enumerate(dials(watch.playbook.content))
    )


def exact_of(watch: Watched, preview: Preview) -> list[tuple[str, str]]:
    """Return what stands under "Exact record"."""
    row = watch.row
    told = [("id", watch.playbook.id), ("digest", watch.playbook.digest)]
    if row is not None:
        told += [("kinds", row["kinds"]), ("mode", row["mode"]), ("step", str(row["seq"]))]
    told.append(("record versions looked at", str(preview.versions)))
    return [*told, ("trouble", preview.detail)] if preview.detail else told


def file_of(content: object, depth: int = 0) -> str:
    """Return a watch's content as the file it came from, comments and quotes apart."""
    pad = "  " * depth
    if isinstance(content, Mapping):
        lines = []
        for name, value in content.items():
            nested = isinstance(value, Mapping | list)
            lines.append(f"{pad}{name}:" + (f"\n{file_of(value, depth + 1)}" if nested else f" {value}"))
        return "\n".join(lines)
    if isinstance(content, list):
        return "\n".join(
            f"{pad}- {file_of(value, depth + 1).strip() if isinstance(value, Mapping) else value}"
            for value in content
        )
    return f"{pad}{content}"


# ---------------------------------------------------------------------------------------------- on, trial, off
@router.post("/watch/{playbook}/switch")
async def switch_watch(playbook: WatchId, acting: Switches) -> Response:
    """Switch a watch on, off or to a trial."""
    await need_watch(acting.rooms, playbook)
    to = acting.form.need("to", chars_max=10)
    try:
        await switch(acting.rooms, acting.who, acting.then, playbook, MODES.get(to, to))
    except (Refused, PlaybookError) as refusal:
        return await refused(acting, playbook, refusal)
    return after(playbook, to)


@router.post("/watch/{playbook}/purpose")
async def write_purpose(playbook: WatchId, acting: Switches) -> Response:
    """Write down what a watch on a person is for."""
    await need_watch(acting.rooms, playbook)
    said = acting.form.text("purpose", chars_max=PURPOSE_CHARS_MAX)
    try:
        await acting.rooms.office.write_purpose(acting.who, acting.key, WritePurpose(playbook, said))
    except Refused as refusal:
        return await refused(acting, playbook, refusal, said)
    return after(playbook, "purpose")


async def refused(acting: Acting, playbook: str, refusal: Exception, typed_purpose: str = "") -> Response:
    """Show the watch as it stands, with a note that says why nothing was changed."""
    body, _ = of_error(refusal)
    await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
    trouble = trouble_of(acting.frame.words, body)
    return await page(acting, playbook, acting.frame, trouble, body["status"], typed_purpose)


def after(playbook: str, said: str) -> Response:
    """Go back to the watch, with one sentence about what was done."""
    return RedirectResponse(
        f"/watch/{playbook}?said={said}", status_code=303, headers={"Cache-Control": "no-store"}
    )
