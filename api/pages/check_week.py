"""Checks of some days on one page: who did which, whether a failure was told, and one yes to all that are ticked.

Each was judged one by one before it stands here. The form carries what was shown of each, so that one that changed
since is left out and named; the rest is recognised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.check_bundle import BUNDLE_MAX, Waiting, decide, waiting
from api.dossiers import staff_of
from api.pages.decisions import open_budgets
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.names import people_of
from api.pages.troubles import Trouble, trouble_of
from api.pages.words import Words
from api.problems import BadRequest, of_error
from casework import tables
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.decide", here="decisions")]
Decides = Annotated[Acting, act("case.decide", here="decisions")]
TOKENS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """One check: its address, what and when, whether a failure was told, and what a yes to it carries."""

    path: str
    title: str
    when: str
    failed: bool
    value: str


@dataclass(frozen=True, slots=True)
class Group:
    """The checks of one person."""

    who: str
    lines: tuple[Line, ...]


@router.get("/decisions/checks")
async def checks(seen: Sees, done: int = 0, left: int = 0) -> Response:
    """Show the checks that wait for this person's yes."""
    frame, words = seen.frame, seen.frame.words
    if 0 < done <= BUNDLE_MAX:
        said = words.ngettext("%(num)s check recognised.", "%(num)s checks recognised.", done)
        more = words.ngettext(
            "%(num)s was not: it changed since.", "%(num)s were not: they changed since.", left
        )
        frame = with_toast(frame, f"{said} {more}" if left else said)
    return await page(seen, frame)


async def page(seen: Seen, frame: Frame, trouble: Trouble | None = None, status: int = 200) -> Response:
    """Return the page as it stands now."""
    rooms, words, now = seen.rooms, frame.words, seen.rooms.clock.now()
    people = await people_of(rooms.rows)
    found = await waiting(rooms, await staff_of(rooms.rows, now), seen.who)
    groups: dict[str, list[Line]] = {}
    for one in found:
        groups.setdefault(people.name(one.member, words), []).append(_line(one, words))
    policies = {str(one.dossier.case["policy"]) for one in found}
    budgets = await open_budgets(rooms, words)
    most = [
        int(loads(row["content"])["terms"]["tokens"])
        for row in await rooms.rows.find(tables.policy, {"policy": sorted(policies)})
    ]
    return await show(
        frame,
        "checks.html",
        status=status,
        groups=[Group(who, tuple(lines)) for who, lines in sorted(groups.items())],
        count=len(found),
        failed=sum(one.failed for one in found),
        budgets=budgets,
        tokens=min(most, default=0) if budgets else 0,
        trouble=trouble,
        key=seen.fresh_key(),
        checked=words.clock(now),
    )


def _line(one: Waiting, words: Words) -> Line:
    title = str(one.dossier.text(one.dossier.case, "note_item") or one.task)
    value = f"{one.dossier.id}.{one.binds}"
    return Line(f"/exceptions/{one.dossier.id}", title, words.moment(one.due_at), one.failed, value)


@router.post("/decisions/checks")
async def recognise(acting: Decides) -> Response:
    """Recognise all that are ticked."""
    form = acting.form
    try:
        tokens = form.whole("tokens", 0, TOKENS_MAX) or 0
        made = await decide(
            acting.rooms,
            acting.who,
            acting.key,
            _ticked(form.all("check")),
            amount_tokens=tokens,
            budget=form.maybe("budget") if tokens else None,
            message=form.maybe("message"),
        )
        if not made.done:
            raise next(iter(made.refused.values()))
    except (Refused, BadRequest) as error:
        body, _ = of_error(error)
        await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
        trouble = trouble_of(acting.frame.words, body, "POST")
        return await page(acting, acting.frame, trouble, body["status"])
    where = f"/decisions/checks?done={len(made.done)}&left={len(made.refused)}"
    return RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})


def _ticked(values: Sequence[str]) -> list[tuple[str, str]]:
    """Return (case, what was bound) of each tick. Raises BadRequest: none is ticked."""
    if not values:
        raise BadRequest("missing", "check: expected at least one that is ticked, got none", field="/check")
    return [(case, binds) for case, _, binds in (value.partition(".") for value in values)]
