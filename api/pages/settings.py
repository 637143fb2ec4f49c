"""Settings of the place: its name, zone and currency, the undo time, the windows, and the budgets of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel.numbers import get_currency_name, list_currencies
from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.dossiers import staff_of
from api.pages.budgets import TOKENS_MAX, budgets_of
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.mending import Mended, to_mend
from api.pages.names import people_of
from api.pages.recognised import lines, policies
from api.pages.words import Words, mark
from api.problems import BadRequest
from casework import tables
from casework.office_rules import SETTINGS
from casework.presets import load as load_presets
from casework.requests import ChangeSettings, SetBudget
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

SAID = {
    "saved": mark("Saved. It counts from now on, for nothing that was decided before."),
    "budget-named": mark("Named. It holds tokens once a second person sets it aside."),
}
NUMBERS = (
    (
        "undo_seconds",
        mark("Seconds in which a decision can be undone"),
        mark("What leaves the place waits that long."),
    ),
    (
        "issue_window_days",
        mark("Days a thank-you for something solved waits"),
        mark("Until then the guest may still answer; only then the tokens are theirs."),
    ),
    (
        "reply_days",
        mark("Days to answer before a recognition may be ended"),
        mark("Whoever is recognised is asked first. What is asked already keeps its time."),
    ),
    (
        "decide_days",
        mark("Days after which a recognition nobody decided on goes to somebody else"),
        mark("First to a second person who may decide, then to an owner. It never runs out."),
    ),
    (
        "interruptions_per_day_max",
        mark("At most this many interruptions a day for each person"),
        mark("The rest waits in Decisions and My work."),
    ),
)
PURPOSE_CHARS_MAX = 200
BUDGET_WRONG: Mapping[str, tuple[str, str]] = {
    "purpose": ("purpose", mark("A few words, at most %(chars)s characters.")),
    "amount_tokens": ("amount_tokens", mark("A whole number from 1 to %(most)s.")),
}
"""See api.pages.mending."""
ZONES_SHOWN = ("Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian")


@dataclass(frozen=True, slots=True)
class Number:
    """One whole number that an owner may set."""

    name: str
    label: str
    hint: str
    value: int
    least: int
    most: int


@router.get("/settings")
async def settings(seen: Annotated[Seen, see("key.read", here="settings")], said: str = "") -> Response:
    """Show what holds for everybody here."""
    frame = with_toast(seen.frame, seen.frame.words.gettext(SAID[said])) if said in SAID else seen.frame
    return await page(seen, frame)


async def page(seen: Seen, frame: Frame, budget_again: Mended | None = None, status: int = 200) -> Response:
    """Return the page. `budget_again`: the refused form of a budget."""
    rooms, words = seen.rooms, seen.frame.words
    held = {row["name"]: loads(row["value"]) for row in await rooms.rows.find(tables.setting)}
    usual: dict[str, Any] = {**load_presets().settings, **held}
    people = await people_of(rooms.rows)
    staff = await staff_of(rooms.rows, words.now)
    return await show(
        frame,
        "settings.html",
        status=status,
        held={
            "name": held.get("name", ""),
            "zone": held.get("zone", str(words.zone)),
            "currency": words.currency,
        },
        zones=zones(),
        currencies=currencies(words),
        numbers=[
            Number(name, words.gettext(label), words.gettext(hint), int(usual.get(name, least)), least, most)
            for name, label, hint in NUMBERS
            for least, most in [SETTINGS[name]]
        ],
        budgets=await budgets_of(rooms, staff, seen.caller.member, people, words),
        budget_again=budget_again,
        alone=len(staff.active) < 2,
        recognised=lines(await policies(rooms), words),
        key=seen.fresh_key(),
    )


@router.post("/settings")
async def change(acting: Annotated[Acting, act("member.write", here="settings")]) -> Response:
    """Change what holds for everybody here."""
    form = acting.form
    zone = form.need("zone", chars_max=60)
    check_zone(zone)
    currency = form.need("currency", chars_max=3)
    if currency not in list_currencies():
        raise BadRequest(
            "value_invalid", f"currency: expected a code like EUR, got {currency}", field="/currency"
        )
    chosen: dict[str, Any] = {"name": form.need("name", chars_max=80), "zone": zone, "currency": currency}
    for name, _, _ in NUMBERS:
        given = form.whole(name, *SETTINGS[name])
        if given is not None:
            chosen[name] = given
    await acting.rooms.office.change_settings(acting.who, acting.key, ChangeSettings(chosen))
    return RedirectResponse("/settings?said=saved", status_code=303, headers={"Cache-Control": "no-store"})


@router.post("/budgets")
async def set_budget(acting: Annotated[Acting, act("budget.write", here="settings")]) -> Response:
    """Name a budget; it holds nothing until a second person sets it aside."""
    form = acting.form
    try:
        purpose = form.need("purpose", chars_max=PURPOSE_CHARS_MAX)
        amount = form.whole("amount_tokens", 1, TOKENS_MAX)
        if amount is None:
            raise BadRequest(
                "missing", "amount_tokens: expected a number, got nothing", field="/amount_tokens"
            )
        await acting.rooms.office.set_budget(acting.who, acting.key, SetBudget(amount, purpose))
    except (BadRequest, Refused) as refusal:
        most = {"most": acting.frame.words.number(TOKENS_MAX), "chars": str(PURPOSE_CHARS_MAX)}
        mended = await to_mend(acting, refusal, BUDGET_WRONG, **most)
        if mended is None:
            raise
        return await page(acting, acting.frame, mended, 422)
    return RedirectResponse(
        "/settings?said=budget-named#budgets", status_code=303, headers={"Cache-Control": "no-store"}
    )


def zones() -> list[str]:
    """Return the names of zones to choose from: places, no abbreviations."""
    return ["UTC", *sorted(one for one in available_timezones() if one.partition("/")[0] in ZONES_SHOWN)]


def currencies(words: Words) -> list[tuple[str, str]]:
    """Return (code, name) of every currency, in the reader's language."""
    return [(one, get_currency_name(one, locale=words.language)) for one in sorted(list_currencies())]


def check_zone(name: str) -> None:
    """Check that a zone exists. Raises BadRequest."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadRequest(
            "value_invalid", f"zone: expected a name like Europe/Dublin, got {name[:60]}", field="/zone"
        ) from error
