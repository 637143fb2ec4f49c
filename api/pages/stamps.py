"""Public stamps: how far the record is in somebody else's hands, where that can be looked up, and for an owner what is
the matter with a place and what to do. Says nothing at all as long as there is no place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from eth_hash.auto import keccak
from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.anchor_settings import ANCHOR_GAS, link_of, read_patterns
from api.anchor_sights import Sight, ask, asked_sizes, sights_of
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show, with_toast
from api.pages.stamp_words import REASONS, RETRIES, STOPPED, TROUBLES, place_words
from api.pages.story import Note
from api.pages.words import Words, mark
from api.permissions import role_for
from api.scope import Row
from api.settings import Settings
from casework import tables
from casework.errors import refuse
from casework.views_of_anchors import OPEN
from ledger.anchors.evm_receipt import EvmReceipt, check_receipt
from ledger.anchors.fees import parse_gwei
from ledger.anchors.policy import ENTRIES_MAX, UNCOUNTED
from ledger.anchors.protocol import DOUBLE, EVM
from ledger.clock import instant_of
from ledger.codec import loads
from ledger.errors import ProofError

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("anchor.read", here="record")]
Acts = Annotated[Acting, act("anchor.write", here="record")]
AnchorId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]
SAID = {"asked": mark("Asked. What is sealed now is stamped at the next look, in a minute or two.")}


@dataclass(frozen=True, slots=True)
class Stamp:
    """The last stamp of one place: up to which step, in the words of the page, and where it can be looked up."""

    where: str
    step: int
    time: str
    instant: str
    block: str
    link: str | None
    real: bool
    """False: a stand-in, which proves nothing."""


@dataclass(frozen=True, slots=True)
class PlaceSeen:
    """One place, as an owner sees it."""

    id: str
    where: str
    open: bool
    ended: str
    stamp: Stamp | None
    told: tuple[str, ...]
    """What came since, what is under way, for how much there is money, and when it was looked at."""
    asked: bool
    troubles: tuple[Note, ...]
    exact: tuple[tuple[str, str], ...]


async def stamps_of(seen: Seen) -> list[Stamp]:
    """Return the last stamp of every place that holds one and is open, the furthest first."""
    rows = await seen.rooms.rows.find(tables.anchor, {"state": OPEN})
    found = [one for row in rows if (one := await _last_of(seen, row)) is not None]
    return sorted(found, key=lambda one: (not one.real, -one.step))


async def first_stamp_over(seen: Seen, seq: int) -> Stamp | None:
    """Return the earliest stamp of a real place that covers a step, None while there is none."""
    anchors = {str(row["anchor"]): row for row in await seen.rooms.rows.find(tables.anchor)}
    found: list[Row] = []
    for name, row in anchors.items():
        if row["type"] != DOUBLE:  # in the order of their keys: the smallest size first
            over = (tables.anchored.c.size > seq,)
            found += await seen.rooms.rows.find(tables.anchored, {"anchor": name}, also=over, limit=1)
    first = min(found, key=lambda row: int(row["seq"]), default=None)
    return None if first is None else _stamp(seen, anchors[str(first["anchor"])], first)


async def _last_of(seen: Seen, row: Row) -> Stamp | None:
    held = await seen.rooms.rows.one(tables.anchored, anchor=row["anchor"], size=row["size"])
    return None if held is None else _stamp(seen, row, held)


def _stamp(seen: Seen, row: Row, held: Row) -> Stamp:
    words, settings = seen.frame.words, seen.request.app.state.installation.settings
    receipt, at, block, link = loads(held["receipt"]), str(held["at"]), "", None
    if row["type"] == EVM:
        proven = _proven(receipt)
        if proven is not None:
            at = instant_of(proven.block_time_seconds * 1000)
        block = words.number(int(receipt["block_number"]))
        patterns = read_patterns(settings.anchor_explorer)
        link = link_of(
            patterns, int(receipt["chain_id"]), str(receipt["tx_hash"]), int(receipt["block_number"])
        )
    return Stamp(
        where=place_words(row["type"], loads(row["place"]), words),
        step=int(held["size"]) - 1,
        time=words.full(at),
        instant=at,
        block=block,
        link=link,
        real=row["type"] != DOUBLE,
    )


def _proven(receipt: Mapping[str, Any]) -> EvmReceipt | None:
    try:
        return check_receipt(receipt, keccak)
    except ProofError:
        return None  # the audit says what is wrong with it


# ---------------------------------------------------------------------------------------------- the owner's page
@router.get("/record/stamps")
async def stamps(seen: Sees, said: str = "") -> Response:
    """Show every place: how far it is, and what is the matter."""
    words, rooms = seen.frame.words, seen.rooms
    rows = await rooms.rows.find(tables.anchor)
    sights, asked = await sights_of(rooms), await asked_sizes(rooms)
    size = (await rooms.reader.head()).size
    places = [
        await _place(seen, row, sights.get(str(row["anchor"])), asked.get(str(row["anchor"]), 0), size)
        for row in sorted(rows, key=lambda one: (one["state"] != OPEN, -int(one["seq"])))
    ]
    frame = with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame
    return await show(
        frame,
        "stamps.html",
        places=places,
        may_ask=role_for("anchor.write", seen.caller.roles) is not None,
        key=seen.fresh_key(),
        checked=words.clock(rooms.clock.now()),
    )


@router.post("/record/stamps/{anchor}/now")
async def stamp_now(anchor: AnchorId, acting: Acts) -> Response:
    """Let what is in the record now be stamped at the next look."""
    row = await acting.rooms.rows.need("anchor", tables.anchor, anchor=anchor)
    if row["state"] != OPEN:
        raise refuse("anchor_over", f"expected an open anchor, got one that is {row['state']}: {anchor}")
    await ask(acting.rooms, acting.who, [anchor])
    return RedirectResponse(
        "/record/stamps?said=asked", status_code=303, headers={"Cache-Control": "no-store"}
    )


async def _place(seen: Seen, row: Row, sight: Sight | None, asked: int, size: int) -> PlaceSeen:
    words, place, is_open = seen.frame.words, loads(row["place"]), row["state"] == OPEN
    held, ended = int(row["size"]), ""
    newer = await seen.rooms.rows.entries_since(held, size, UNCOUNTED, ENTRIES_MAX)
    if not is_open:
        said = words.gettext(REASONS.get(str(row["reason"]), REASONS["not_wanted"]))
        ended = words.gettext("Given up %(time)s: %(why)s", time=words.full(str(row["ended_at"])), why=said)
    sight = sight if is_open else None
    since = words.ngettext("%(num)s step since then", "%(num)s steps since then", newer) if held else ""
    looked = words.gettext("Last look %(time)s", time=words.full(sight.looked_at)) if sight else ""
    money = _money(sight, seen.request.app.state.installation.settings, words)
    stopped = sight is not None and any(one.stops for one in sight.troubles)
    return PlaceSeen(
        id=str(row["anchor"]),
        where=place_words(row["type"], place, words),
        open=is_open,
        ended=ended,
        stamp=await _last_of(seen, row),
        told=tuple(one for one in (since, _pending(sight, words), money, looked) if one and is_open),
        asked=is_open and asked > held and not stopped,
        troubles=()
        if sight is None
        else tuple(trouble_note(one.code, one.stops, words) for one in sight.troubles),
        exact=_exact(place, sight),
    )


def _exact(place: Mapping[str, Any], sight: Sight | None) -> tuple[tuple[str, str], ...]:
    """Return name and value of everything about a place as it is, and what is said of its troubles."""
    troubles = () if sight is None else tuple((one.code, one.detail) for one in sight.troubles)
    return (*troubles, *((name, str(value)) for name, value in sorted(place.items())))


def _money(sight: Sight | None, settings: Settings, words: Words) -> str:
    """Return for how many stamps the paying key holds enough; empty where it is not known."""
    wei = sight.facts.get("payer_wei") if sight else None
    if wei is None:
        return ""
    each = parse_gwei(settings.anchor_fee_ceiling_gwei) * ANCHOR_GAS
    return words.ngettext(
        "Money for %(num)s stamp at the highest cost that was set",
        "Money for %(num)s stamps at the highest cost that was set",
        int(str(wei)) // each,
    )


def _pending(sight: Sight | None, words: Words) -> str:
    if sight is None or sight.pending_size is None:
        return ""
    return words.gettext(
        "A stamp up to step %(step)s is under way.", step=words.number(sight.pending_size - 1)
    )


def trouble_note(code: str, stops: bool, words: Words) -> Note:
    """Return what is the matter and what to do."""
    lead, what = TROUBLES.get(
        code, (mark("Something is wrong with this place."), mark("See what it says below."))
    )
    more = STOPPED if stops else RETRIES
    return Note(
        words.gettext(lead), f"{words.gettext(more)} {words.gettext(what)}", "late" if stops else "attention"
    )
