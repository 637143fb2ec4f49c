"""Damage the record (a copy): one step backdated in a copy of the database, and what checking that copy says."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.pages.demo_doors import ActsInDemo, SeesDemo
from api.pages.doors import PageDoor, Seen
from api.pages.frame import show
from api.pages.story import Note
from api.pages.words import Words
from api.venue.damage import NotDamaged, Shown, damage_copies

router = APIRouter(route_class=PageDoor, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the page shows: what was done to the copies, what was found, and that the record itself is as it was."""

    changed: str
    found: Note
    rebuilt: Note
    untouched: Note
    exact: tuple[tuple[str, str], ...]


@router.get("/demo/damage")
async def ask(at: SeesDemo) -> Response:
    """Say what will be damaged, and where."""
    return await _page(at.seen, None, None)


@router.post("/demo/damage")
async def damage(at: ActsInDemo, request: Request) -> Response:
    """Copy, change, check, remove; and show it."""
    acting = at.acting
    words = acting.frame.words
    database = request.app.state.installation.settings.sqlite_path
    try:
        if database is None:
            raise NotDamaged("expected the demo in one file, got a database server")
        async with at.busy:
            shown = await damage_copies(acting.rooms, database, at.demo.case)
    except NotDamaged:
        lead = words.gettext("There is no copy that could be damaged here.")
        rest = words.gettext("It is too large, or nothing of its story was sealed yet. Nothing was changed.")
        return await _page(acting, None, Note(lead, rest, "wait"), 409)
    return await _page(acting, outcome_of(shown, words), None)


async def _page(seen: Seen, outcome: Outcome | None, note: Note | None, status: int = 200) -> Response:
    return await show(
        seen.frame, "demo_damage.html", status=status, outcome=outcome, note=note, key=seen.fresh_key()
    )


def outcome_of(shown: Shown, words: Words) -> Outcome:
    """Return what the audits said, in words."""
    number = words.number
    changed = words.gettext(
        "In the copy, step %(step)s is dated %(became)s instead of %(was)s.",
        step=number(shown.seq), became=words.full(shown.became), was=words.full(shown.was),
    )  # fmt: skip
    return Outcome(
        changed=changed,
        found=_found(shown, words),
        rebuilt=_rebuilt(shown, words),
        untouched=_untouched(shown, words),
        exact=(
            (words.gettext("real record before"), shown.root_before),
            (words.gettext("real record after"), shown.root_after),
            (words.gettext("sealed steps"), str(shown.sealed_size)),
        ),
    )


def _found(shown: Shown, words: Words) -> Note:
    if shown.found_seq is None:
        return Note(
            words.gettext("Nothing was found."), words.gettext("That should not be: please tell us."), "late"
        )
    lead = words.gettext("Step %(step)s was changed.", step=words.number(shown.found_seq))
    sound = words.gettext("Up to %(step)s is sound.", step=words.number(shown.found_seq - 1))
    return Note(lead, sound, "late")


def _rebuilt(shown: Shown, words: Words) -> Note:
    sealed = words.full(shown.sealed_at)
    if not shown.contradicted:
        return Note(
            words.gettext("Nothing was found."), words.gettext("That should not be: please tell us."), "late"
        )
    lead = words.gettext("It does not match what was sealed %(when)s.", when=sealed)
    if shown.looks_whole:
        return Note(
            lead,
            words.gettext("Looked at alone, this copy seems whole: every step follows the one before."),
            "late",
        )
    return Note(lead, words.gettext("Looked at alone, it does not hold together either."), "late")


def _untouched(shown: Shown, words: Words) -> Note:
    if shown.root_before != shown.root_after:
        return Note(
            words.gettext("The real record is not as it was."),
            words.gettext("Stop, and check the record."),
            "late",
        )
    return Note(
        words.gettext("The real record is untouched."),
        words.ngettext(
            "Its %(num)s step has the same seal before and after. Both copies are gone.",
            "All %(num)s steps have the same seal before and after. Both copies are gone.",
            shown.steps,
        ),
        "done",
    )
