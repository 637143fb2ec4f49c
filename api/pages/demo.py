"""The front page of the demo: one award told as a story, and its proof to take along. No script, no key.

It is served when the data folder holds `demo.json` (left by `tallystick demo`), the log's origin ends in `.invalid`,
the server listens on loopback and is asked for by a loopback name; everywhere else the address is unknown (SETTLED 29).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import orjson
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from api.pages.story import Refusal, StoryPage, Telling, day, moment, tell_steps
from api.problems import NotFound
from api.rooms import Rooms
from api.settings import LOOPBACK
from casework import tables
from ledger.book import settled
from ledger.clock import SIMULATED_SUFFIX
from ledger.codec import dumps, loads
from ledger.entries import Entry
from ledger.export import export_award
from ledger.merkle import leaf_hash
from ledger.store.tables import account

WEB = Path(__file__).resolve().parents[2] / "web"
CLOCK_FILE = "clock"
DEMO_FILE = "demo.json"
JOURNAL_FILE = "refusals.jsonl"
JOURNAL_LINES_MAX = 100_000
PROOF_NAME = "award.json"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

router = APIRouter(include_in_schema=False)
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(WEB / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Demo:
    """Which award of which log the front page tells."""

    log: str
    venue: str
    case: str
    award: str
    rooms: Rooms


class Files(StaticFiles):
    """Stylesheets and marks, with the headers of a page."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one file."""

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await super().__call__(scope, receive, guarded)


def add_pages(app: FastAPI) -> None:
    """Put the pages beside the API's doors: the `extend` of api.app.create_app."""
    app.include_router(router)
    app.mount("/static", Files(directory=WEB / "static"), name="static")


@router.get("/", response_class=HTMLResponse)
async def front(request: Request) -> Response:
    """Tell the demo's award as a story."""
    demo = await _demo(request)
    page = await _page(request, demo)
    html = await asyncio.to_thread(_templates.get_template("story.html").render, page=page)
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
    installation = request.app.state.installation
    settings = installation.settings
    asked_for = (request.url.hostname or "").strip("[]")
    if not settings.on_loopback or asked_for not in LOOPBACK:
        raise NotFound("page", request.url.path)
    try:
        told = orjson.loads(await asyncio.to_thread((settings.data_dir / DEMO_FILE).read_bytes))
        log, case, award, venue = (str(told[name]) for name in ("log", "story_case", "story_award", "venue"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFound("page", request.url.path) from error
    if not log.endswith(SIMULATED_SUFFIX) or log not in await installation.logs():
        raise NotFound("page", request.url.path)
    return Demo(log, venue, case, award, await installation.rooms(log))


# ---------------------------------------------------------------------------------------------- the view
async def _page(request: Request, demo: Demo) -> StoryPage:
    """Put the story together from what the record says now."""
    rooms = demo.rooms
    head, latest = await rooms.reader.head(), await rooms.reader.latest_checkpoint()
    entries = [
        entry
        for entry in await rooms.reader.case_entries(demo.case, (), head.size)
        if entry.case == demo.case
    ]
    names = {row["member"]: row["name"] for row in await rooms.rows.find(tables.member_name)}
    opened = await _open(rooms, entries)
    zone = await _zone(rooms)
    kinds = {
        entry.body["evidence"]: entry.body["type"] for entry in entries if entry.kind == "evidence_attached"
    }
    tell = Telling(names, opened, zone, kinds)
    folder = request.app.state.installation.settings.data_dir
    refusals = await asyncio.to_thread(lambda: tuple(_refusals(folder / JOURNAL_FILE, demo)))
    digests = {entry.seq: leaf_hash(dumps(entry.to_json())).hex() for entry in entries}
    return await _told(
        demo, tell, tell_steps(entries, digests, refusals, tell), entries, latest, len(refusals)
    )


async def _open(rooms: Rooms, entries: list[Entry]) -> dict[tuple[int, str], Any]:
    wanted = {
        (entry.seq, path): commitment for entry in entries for path, commitment in entry.private.items()
    }
    values = await rooms.rows.open_all(wanted.values())
    return {place: values[commitment] for place, commitment in wanted.items()}


async def _zone(rooms: Rooms) -> ZoneInfo:
    found = await rooms.rows.find(tables.kind_set, order="seq", limit=1)
    return ZoneInfo(loads(found[0]["content"])["zone"] if found else "UTC")


def _refusals(path: Path, demo: Demo) -> Iterator[Refusal]:
    """Yield the refusals of the story's case: from the journal, since a refusal writes nothing into the record."""
    try:
        with path.open(encoding="utf-8") as lines:
            for _, line in zip(range(JOURNAL_LINES_MAX), lines, strict=False):
                said = orjson.loads(line)
                if said.get("case") == demo.case and said.get("log") == demo.log:
                    yield Refusal(said["at"], f"member:{said['member']}", said["code"])
    except (OSError, ValueError, KeyError):
        return


async def _told(
    demo: Demo,
    tell: Telling,
    steps: Any,
    entries: list[Entry],
    latest: tuple[int, bytes] | None,
    refused: int,
) -> StoryPage:
    rooms, last = demo.rooms, {entry.kind: entry for entry in entries}
    granted = last["award_granted"]
    award = await rooms.rows.need("award", tables.award, award=demo.award)
    shares = granted.body["shares"]
    people = ", ".join(tell.name(share["member"]) for share in shares)
    balance = await rooms.rows.one(account, account=settled(shares[0]["member"]))
    sealed = latest[0] if latest else 0
    held = [checked for checked in entries if checked.seq >= sealed]
    title, tone = STATES[award["state"]]
    decided = [
        entry for entry in entries if entry.kind == "decision_made" and entry.body["verb"] == "approved"
    ]
    k = int(granted.body["k"])
    return StoryPage(
        venue=demo.venue,
        now_text=moment(rooms.clock.now(), tell.zone),
        headline=f"{people} covered a table that nobody on shift could have looked after",
        record_lead="Complete and sealed." if not held else "Not sealed yet.",
        record_rest=f"All {len(entries)} steps of this story stand in the record of {sealed} steps, and none can be "
        "changed without it showing.",
        record_tone="done" if not held else "wait",
        steps=steps,
        state_words=title.format(day=day(award["settle_not_before"], tell.zone)),
        state_tone=tone,
        tokens_text=f"{award['amount_tokens']} tokens",
        thanks=str(tell.secret(granted, "message") or _message(tell, decided) or "Thank you."),
        forgery_text=f"{NUMBERS.get(k, str(k))} people stood behind this: fewer could not have faked it together.",
        refused_text=f"{NUMBERS.get(refused, str(refused))} attempts; each left nothing behind.",
        balance_text=f"{people} has {balance['balance_tokens'] if balance else 0} that are theirs for good.",
        proof_url=f"/demo/{PROOF_NAME}",
        proof_name=PROOF_NAME,
    )


def _message(tell: Telling, decided: list[Entry]) -> str | None:
    said = [tell.secret(entry, "message") for entry in decided]
    return next((str(message) for message in said if message), None)


NUMBERS = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six"}
STATES: Mapping[str, tuple[str, str]] = {
    "provisional": ("Waiting until {day}", "wait"),
    "settled": ("Yours for good", "done"),
    "declined": ("Ended while waiting", "quiet"),
    "revoked": ("Taken back", "quiet"),
}
