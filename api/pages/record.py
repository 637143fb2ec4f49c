"""The record, for whoever checks it: three answers in words, the last seal to hand to an outsider, every recognition,
every step, and how to check it all without trusting this server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.anchor_sights import open_anchors, sights_of
from api.pages.cards import People
from api.pages.doors import PageDoor, Seen, see
from api.pages.frame import HEADERS, show
from api.pages.kinds import kind_words
from api.pages.names import people_of
from api.pages.qr import code_of
from api.pages.sealing import answers_of, last_seal
from api.pages.sheets import sheet
from api.pages.stamps import stamps_of
from api.pages.thanks import state_chip, tokens_words
from api.pages.words import Words, mark
from api.permissions import role_for
from api.problems import NotFound
from api.scope import Row
from casework import tables
from ledger.codec import dumps, loads
from ledger.entries import Entry
from ledger.errors import CanonicalError, EntryInvalid
from ledger.merkle import leaf_hash
from ledger.reading import read_entry
from ledger.store.tables import entry as entries

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("log.read", here="record")]
SeesAwards = Annotated[Seen, see("log.read", here="awards")]
Below = Annotated[int | None, Query(ge=0, le=2**53 - 1)]

AWARDS_SHOWN_MAX = 25
STEPS_SHOWN_MAX = 50
SHEET_ROWS_MAX = 10_000
SEAL_NAME = "seal.txt"


@dataclass(frozen=True, slots=True)
class AwardLine:
    """One recognition in the list."""

    path: str
    award: str
    people: str
    tokens: str
    chip: str
    tone: str
    by: str
    given: str
    instant: str
    seq: int


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of the record. `exact` are name and value pairs; `path` leads to the exception it belongs to."""

    seq: int
    instant: str
    time: str
    who: str
    said: str
    path: str
    exact: tuple[tuple[str, str], ...]


@router.get("/record")
async def record(seen: Sees) -> Response:
    """Show the three answers, and what can be taken along."""
    words = seen.frame.words
    found = await answers_of(seen.rooms, words)
    lines, _ = await award_lines(seen, None, 5)
    sights = await sights_of(seen.rooms)
    return await show(
        seen.frame,
        "record.html",
        answers=found,
        sealed_at=words.full(found.sealed_at) if found.sealed_at else "",
        code=code_of(found.seal) if found.seal else None,
        stamps=await stamps_of(seen),
        troubled=any(
            sights[str(row["anchor"])].troubles
            for row in await open_anchors(seen.rooms)
            if row["anchor"] in sights
        ),
        log=seen.rooms.log,
        lines=lines,
        weighs=_weighs(seen),
        steps=await step_lines(seen, None, 5),
        tool=".venv/bin/tallystick" if seen.frame.strip else "tallystick",
        checked=words.clock(seen.rooms.clock.now()),
    )


def _weighs(seen: Seen) -> bool:
    """Say whether the reader may see which recognitions are the easiest to fake."""
    return role_for("award.weigh", seen.caller.roles) is not None


@router.get("/record/seal.txt")
async def seal(seen: Sees) -> Response:
    """Give the last seal as a file, to be kept by somebody outside."""
    row = await last_seal(seen.rooms)
    if row is None:
        raise NotFound("seal", SEAL_NAME)
    headers = {**HEADERS, "Content-Disposition": f"attachment; filename={SEAL_NAME}"}
    return Response(str(row["note"]), media_type="text/plain; charset=utf-8", headers=headers)


# ---------------------------------------------------------------------------------------------- recognitions
@router.get("/record/awards")
async def awards_page(seen: SeesAwards, below: Below = None) -> Response:
    """List every recognition, the latest first."""
    if seen.request.query_params.get("as") == "csv":
        lines, _ = await award_lines(seen, None, SHEET_ROWS_MAX)
        head = [seen.frame.words.gettext(one) for one in AWARD_COLUMNS]
        rows = [
            (one.instant, one.people, one.tokens, one.chip, one.by, str(one.seq), one.award) for one in lines
        ]
        return sheet("recognitions", head, rows)
    lines, beyond = await award_lines(seen, below, AWARDS_SHOWN_MAX)
    return await show(
        seen.frame,
        "awards.html",
        lines=lines,
        weighs=_weighs(seen),
        older=lines[-1].seq if beyond else None,
        first=below is None,
        all=await seen.rooms.rows.count(tables.award),
        checked=seen.frame.words.clock(seen.rooms.clock.now()),
    )


AWARD_COLUMNS = (
    mark("Given"), mark("Who"), mark("Tokens"), mark("How it stands"), mark("Decided by"), mark("Step"), mark("Number"),
)  # fmt: skip


async def award_lines(seen: Seen, below: int | None, most: int) -> tuple[list[AwardLine], bool]:
    """Return at most `most` recognitions below a step, the latest first, and whether there are more."""
    rows, words = seen.rooms.rows, seen.frame.words
    found = await rows.find(tables.award, order="seq", below=below, limit=most + 1)
    shown = found[:most]
    ids = [str(row["award"]) for row in shown]
    shares = await rows.find(tables.award_share, {"award": ids}) if ids else []
    cases = sorted({str(row["case"]) for row in shown})
    decisions = await rows.find(tables.decision, {"case": cases, "about": "award"}) if cases else []
    people = await people_of(rows)
    deciders = {str(one["decision"]): str(one["decider"]) for one in decisions}
    return [_award_line(row, shares, deciders, people, words) for row in shown], len(found) > most


def _award_line(
    row: Row, shares: Sequence[Row], deciders: dict[str, str], people: People, words: Words
) -> AwardLine:
    named = [people.name(str(one["member"]), words) for one in shares if one["award"] == row["award"]]
    held = row["held_by"] is not None
    chip, tone = state_chip(row["state"], held, str(row["settle_not_before"]), False, words)
    return AwardLine(
        path=f"/recognition/{row['award']}",
        award=str(row["award"]),
        people=words.listed(sorted(named)),
        tokens=tokens_words(int(row["amount_tokens"]), words),
        chip=chip,
        tone=tone,
        by=people.name(deciders.get(str(row["decision"])), words),
        given=words.full(str(row["granted_at"])),
        instant=str(row["granted_at"]),
        seq=int(row["seq"]),
    )


# ---------------------------------------------------------------------------------------------- steps
@router.get("/record/steps")
async def steps_page(seen: Sees, below: Below = None) -> Response:
    """List every step, the latest first."""
    if seen.request.query_params.get("as") == "csv":
        head = [seen.frame.words.gettext(one) for one in STEP_COLUMNS]
        lines = await step_lines(seen, below, SHEET_ROWS_MAX)
        return sheet("steps", head, ((str(one.seq), one.instant, one.who, one.said) for one in lines))
    lines = await step_lines(seen, below, STEPS_SHOWN_MAX)
    return await show(
        seen.frame,
        "steps.html",
        lines=lines,
        older=lines[-1].seq if lines and lines[-1].seq else None,
        first=below is None,
        size=(await seen.rooms.reader.head()).size,
        checked=seen.frame.words.clock(seen.rooms.clock.now()),
    )


STEP_COLUMNS = (mark("Step"), mark("When"), mark("Who"), mark("What"))


async def step_lines(seen: Seen, below: int | None, most: int) -> list[StepLine]:
    """Return at most `most` steps below a step, the latest first."""
    found = await seen.rooms.rows.find(entries, order="seq", below=below, limit=most)
    people = await people_of(seen.rooms.rows)
    return [_step_line(row, people, seen.frame.words) for row in found]


def _step_line(row: Row, people: People, words: Words) -> StepLine:
    data = bytes(row["canon"])
    digest = leaf_hash(data).hex()
    try:
        told: Entry = read_entry(data, loads, dumps)
    except (CanonicalError, EntryInvalid):
        said = words.gettext("This step cannot be read any more. Do not delete anything.")
        kept = ((words.gettext("Step of the record"), str(row["seq"])), (words.gettext("Digest"), digest))
        return StepLine(int(row["seq"]), str(row["at"]), words.full(str(row["at"])), "", said, "", kept)
    exact = (
        (words.gettext("Step of the record"), str(told.seq)),
        (words.gettext("Kind"), told.kind),
        (words.gettext("Exact time"), told.at),
        (words.gettext("Digest"), digest),
    )
    return StepLine(
        seq=told.seq,
        instant=told.at,
        time=words.full(told.at),
        who=_who(told, people, words),
        said=kind_words(told.kind, words),
        path=f"/exceptions/{told.case}" if told.case else "",
        exact=exact,
    )


def _who(told: Entry, people: People, words: Words) -> str:
    if told.actor.id == "system":
        return words.gettext("the system")
    if told.actor.role == "customer":
        return words.gettext("the guest")
    name = people.name(told.actor.id, words)
    if told.actor.id in people.helpers:
        return words.gettext("%(name)s (digital employee)", name=name)
    return name
