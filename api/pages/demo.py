"""One award of the demo told as a story, and its proof to take along. No script, no key.

It stands at /demo/story when the data folder holds `demo.json` (left by `tallystick demo`), the log's origin ends in
`.invalid`, the server listens on loopback and is asked for by a loopback name; elsewhere it is unknown (SETTLED 29).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from api.pages.frame import environment
from api.pages.story import (
    STATES,
    Note,
    Refusal,
    Result,
    StoryPage,
    Telling,
    damaged,
    stood_behind,
    tell_steps,
)
from api.pages.strip import PROOF_NAME, demo_of
from api.pages.words import Words, mark, zone_of
from api.problems import NotFound
from api.rooms import Rooms
from casework import tables
from ledger.book import MOVES, Book, postings_of, settled
from ledger.codec import dumps, loads
from ledger.entries import Entry
from ledger.export import export_award
from ledger.merkle import leaf_hash
from ledger.reader import EntryDamaged
from ledger.sealed import SealBroken, read_sealed
from ledger.vault import VaultDamaged

JOURNAL_FILE = "refusals.jsonl"
JOURNAL_LINES_MAX = 100_000
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Demo:
    """Which award of which log the front page tells."""

    log: str
    venue: str
    case: str
    award: str
    rooms: Rooms


@router.get("/demo/story", response_class=HTMLResponse)
async def front(request: Request) -> Response:
    """Tell the demo's award as a story."""
    demo = await _demo(request)
    page = await _page(request, demo)
    html = await asyncio.to_thread(environment("en").get_template("story.html").render, page=page)
    return HTMLResponse(html, headers={**SECURITY_HEADERS, "Cache-Control": "no-store"})


@router.get(f"/demo/{PROOF_NAME}")
async def proof(request: Request) -> Response:
    """Give that award in one file that anybody can check."""
    demo = await _demo(request)
    rooms = demo.rooms
    latest = await rooms.reader.latest_checkpoint()
    if latest is None:
        raise NotFound("proof", PROOF_NAME)
    data = await export_award(rooms.reader, demo.case, demo.award, latest[1], rooms.vault)
    headers = {**SECURITY_HEADERS, "Content-Disposition": f"attachment; filename={PROOF_NAME}"}
    return Response(data, media_type="application/json", headers=headers)


async def _demo(request: Request) -> Demo:
    """Return the demo that this server may show to this request.

    Raises:
        NotFound: there is none, or this is no loopback.
    """
    told = await demo_of(request)
    if told is None:
        raise NotFound("page", request.url.path)
    rooms = await request.app.state.installation.rooms(told.log)
    return Demo(told.log, told.venue, told.case, told.award, rooms)


# ---------------------------------------------------------------------------------------------- the view
PEOPLE = frozenset({"member_joined", "agent_registered"})


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page may tell: entries up to the first that is not what was sealed, and the values that open them.

    Nothing of it comes from derived rows: an edit of those shows nowhere but in an audit.
    """

    entries: tuple[Entry, ...]
    opened: Mapping[tuple[int, str], Any]
    sealed_size: int
    broken: SealBroken | None


async def _page(request: Request, demo: Demo) -> StoryPage:
    """Put the story together from what the record says now, as far as it is what was sealed."""
    rooms = demo.rooms
    shown = await _shown(rooms, demo.case)
    story = [entry for entry in shown.entries if entry.case == demo.case]
    people = [entry for entry in shown.entries if entry.kind in PEOPLE]
    tell = Telling(
        names={
            str(entry.body["member"]): str(shown.opened[entry.seq, "name"])
            for entry in people
            if shown.opened.get((entry.seq, "name"))
        },
        opened=shown.opened,
        words=Words("en", zone_of(await _zone(rooms)), rooms.clock.now()),
        evidence={e.body["evidence"]: e.body["type"] for e in story if e.kind == "evidence_attached"},
        actions={e.body["proposal"]: e.body["action"] for e in story if e.kind == "proposal_made"},
        helpers=frozenset(str(entry.body["member"]) for entry in people if entry.kind == "agent_registered"),
    )
    folder = request.app.state.installation.settings.data_dir
    refusals = await asyncio.to_thread(lambda: tuple(_refusals(folder / JOURNAL_FILE, demo)))
    if shown.broken is not None:
        until = story[-1].at if story else ""
        refusals = tuple(refusal for refusal in refusals if refusal.at <= until)
    digests = {entry.seq: leaf_hash(dumps(entry.to_json())).hex() for entry in story}
    result = None if shown.broken is not None else _result(demo, tell, shown, story, len(refusals))
    return StoryPage(
        venue=demo.venue,
        now_text=tell.time(rooms.clock.now()),
        headline=f"{result.people} covered a table that nobody on shift could have looked after"
        if result
        else f"One recognition at {demo.venue}",
        record=_record_note(shown, story, tell.words),
        steps=tell_steps(story, digests, refusals, tell),
        result=result,
    )


async def _shown(rooms: Rooms, case: str) -> Shown:
    """1. what is sealed  2. what came after, not sealed yet  3. private values, each held against its commitment"""
    head, latest = await rooms.reader.head(), await rooms.reader.latest_checkpoint()
    size = latest[0] if latest else 0
    entries: list[Entry] = []
    broken: SealBroken | None = None

    def want(entry: Entry) -> bool:
        return entry.case == case or entry.kind in PEOPLE or entry.kind in MOVES

    try:
        if latest is not None:
            entries += await read_sealed(rooms.reader, latest[1], want)
        async for entry in rooms.reader.read_entries(size, head.size):
            if want(entry):
                entries.append(entry)
    except SealBroken as error:
        entries, broken = list(error.before), error
    except EntryDamaged as error:
        broken = SealBroken(str(error), error.seq)
    try:
        opened = await _open(rooms, entries)
    except VaultDamaged:
        opened = {}
        for at, entry in enumerate(entries):
            try:
                opened |= await _open(rooms, [entry])
            except VaultDamaged as error:
                entries, broken = entries[:at], SealBroken(str(error), entry.seq)
                break
    return Shown(tuple(entries), opened, size, broken)


async def _open(rooms: Rooms, entries: list[Entry]) -> dict[tuple[int, str], Any]:
    wanted = {
        (entry.seq, path): commitment for entry in entries for path, commitment in entry.private.items()
    }
    values = await rooms.rows.open_all(wanted.values())
    return {place: values[commitment] for place, commitment in wanted.items()}


async def _zone(rooms: Rooms) -> str | None:
    found = await rooms.rows.find(tables.kind_set, order="seq", limit=1)
    return str(loads(found[0]["content"])["zone"]) if found else None


def _refusals(path: Path, demo: Demo) -> Iterator[Refusal]:
    """Yield the refusals of the story's case: from the journal, since a refusal writes nothing into the record.

    A line that is none of ours (cut off by a crash, say) is passed over: those after it were refused all the same.
    """
    try:
        with path.open("rb") as lines:
            for line in islice(lines, JOURNAL_LINES_MAX):
                try:
                    said = orjson.loads(line)
                    if (said["case"], said["log"]) == (demo.case, demo.log):
                        yield Refusal(str(said["at"]), f"member:{said['member']}", str(said["code"]))
                except (ValueError, KeyError, TypeError):
                    continue
    except OSError:
        return


def _record_note(shown: Shown, story: list[Entry], words: Words) -> Note:
    """Say whether what follows may be relied on."""
    if shown.broken is not None:
        return damaged(shown.broken.seq, words)
    counts = {"steps": words.number(len(story)), "all": words.number(shown.sealed_size)}
    if any(entry.seq >= shown.sealed_size for entry in story):
        rest = mark(
            "All %(steps)s steps of this story stand in the record of %(all)s sealed steps, "
            "but for those of the last minutes."
        )
        return Note(words.gettext("Not sealed yet."), words.gettext(rest, **counts), "wait")
    rest = mark(
        "All %(steps)s steps of this story stand in the record of %(all)s steps, "
        "and none can be changed without it showing."
    )
    return Note(words.gettext("Complete and sealed."), words.gettext(rest, **counts), "done")


def _result(demo: Demo, tell: Telling, shown: Shown, story: list[Entry], refused: int) -> Result:
    words = tell.words
    of_award = [entry for entry in story if entry.body.get("award") == demo.award]
    granted = next(entry for entry in of_award if entry.kind == "award_granted")
    last = next(entry.kind for entry in reversed(of_award) if entry.kind in STATES)
    title, tone = STATES[last]
    shares = granted.body["shares"]
    people = words.listed(tell.name(share["member"]) for share in shares)
    decided = [e for e in story if e.kind == "decision_made" and e.body["verb"] == "approved"]
    book = Book()
    for entry in shown.entries:
        if entry.kind in MOVES:
            book.post(postings_of(entry.kind, entry.seq, entry.body))
    held = book.balances.get(settled(shares[0]["member"]), 0)
    faked = words.gettext("Fewer could not have faked it together.")
    return Result(
        people=people,
        state_words=words.gettext(title, day=words.day(granted.body["settle_not_before"])),
        state_tone=tone,
        tokens_text=words.ngettext("%(num)s token", "%(num)s tokens", granted.body["amount_tokens"]),
        thanks=str(tell.secret(granted, "message") or _message(tell, decided) or words.gettext("Thank you.")),
        forgery_text=f"{stood_behind(int(granted.body['k']), words)} {faked}",
        refused_text=words.ngettext(
            "%(num)s attempt; nothing was left behind.", "%(num)s attempts; nothing was left behind.", refused
        ),
        balance_text=words.ngettext(
            "%(people)s has %(num)s that is theirs for good.",
            "%(people)s has %(num)s that are theirs for good.",
            held,
            people=people,
        ),
        proof_url=f"/demo/{PROOF_NAME}",
        proof_name=PROOF_NAME,
    )


def _message(tell: Telling, decided: list[Entry]) -> str | None:
    said = [tell.secret(entry, "message") for entry in decided]
    return next((str(message) for message in said if message), None)
