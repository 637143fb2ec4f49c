"""Try to cheat: five attempts through the real desk, each shown with what was tried, why it was refused, and what it
left behind: nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from api.pages.cards import People
from api.pages.demo_doors import ActsInDemo, SeesDemo
from api.pages.doors import PageDoor, Seen
from api.pages.frame import show
from api.pages.names import people_of
from api.pages.story import Note, Step
from api.pages.trouble_words import SAID
from api.pages.words import Words, mark
from api.problems import of_error
from api.venue.attempts import AFTER_YES, AGAIN, HELPER, OWN, TWICE, NotPlayable, Played, Tried, play
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

TRIED: Mapping[str, str] = {
    OWN: mark("%(who)s says yes to their own suggestion."),
    AGAIN: mark("%(who)s brings evidence that was used for another recognition."),
    TWICE: mark("%(who)s presses Approve twice, and once more in another window."),
    AFTER_YES: mark("%(who)s changes the suggestion after the yes, and does the other thing."),
    HELPER: mark("%(who)s, a digital employee, says yes."),
}
WHY: Mapping[str, str] = {
    OWN: mark("Whoever suggests something does not decide it."),
    AGAIN: mark("It was used as evidence before, and counts once."),
    TWICE: mark("The yes counts once; the same form sent again has no second effect."),
    AFTER_YES: mark("The yes covered exactly the first suggestion. The other one needs a yes of its own."),
}
"""Where the usual words of a refusal speak to whoever tried, or say too little."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the page shows after the attempts."""

    note: Note
    steps: tuple[Step, ...]
    figures: tuple[tuple[str, str, str], ...]
    made: str
    path: str


@router.get("/demo/cheat")
async def ask(at: SeesDemo) -> Response:
    """Say what will be tried."""
    return await _page(at.seen, None, None)


@router.post("/demo/cheat")
async def cheat(at: ActsInDemo) -> Response:
    """Try it, and show what came of it."""
    acting = at.acting
    try:
        async with at.busy:
            played = await play(acting.rooms, at.demo.case, acting.then)
    except (NotPlayable, Refused):
        words = acting.frame.words
        lead = words.gettext("This could not be tried as the venue stands now.")
        rest = words.gettext(
            "Somebody who is needed is not here any more, or this was sent before. Try it once more."
        )
        return await _page(acting, None, Note(lead, rest, "wait"), 409)
    people = await people_of(acting.rooms.rows)
    _journal(acting, played)
    return await _page(acting, outcome_of(played, people, acting.frame.words), None)


async def _page(seen: Seen, outcome: Outcome | None, note: Note | None, status: int = 200) -> Response:
    return await show(
        seen.frame, "demo_cheat.html", status=status, outcome=outcome, note=note, key=seen.fresh_key()
    )


def _journal(seen: Seen, played: Played) -> None:
    """Note the refusals where those of everybody stand: beside the exception they are shown as steps of its story."""
    for one in played.tried:
        if one.code:
            body, _ = of_error(Refused(one.code, "tried in the demo"))
            line = {
                "at": seen.rooms.clock.now(), "log": seen.rooms.log, "member": one.who, "via": "demo", "method": "POST",
                "route": "/demo/cheat", "case": played.case, "status": body["status"], "code": one.code,
            }  # fmt: skip
            seen.request.app.state.journal.write(line)


def outcome_of(played: Played, people: People, words: Words) -> Outcome:
    """Return the attempts as steps of a story, and the figures before and after."""
    nothing_left = all(one.left_nothing for one in played.tried)
    refused = sum(1 for one in played.tried if one.code)
    lead = words.ngettext("%(num)s attempt was refused.", "%(num)s attempts were refused.", refused)
    if nothing_left:
        note = Note(lead, words.gettext("None of them left anything behind."), "done")
    else:
        note = Note(lead, words.gettext("The record grew meanwhile; see the steps below."), "attention")
    before, after = words.number(played.tokens_before), words.number(played.tokens_after)
    figures = (
        (words.gettext("Tokens people hold"), after, words.gettext("%(num)s before", num=before)),
        (
            words.gettext("Steps of the record"),
            words.number(played.steps_after),
            words.gettext("%(num)s before", num=words.number(played.steps_before)),
        ),
        (
            words.gettext("Left behind by them"),
            words.number(sum(one.steps_after - one.steps_before for one in played.tried)),
            words.gettext("steps"),
        ),
    )
    made = words.ngettext(
        "%(num)s step was written on purpose: an exception made for this look, with a suggestion and one true yes, and"
        " closed again.",
        "%(num)s steps were written on purpose: an exception made for this look, with a suggestion and one true yes,"
        " and closed again.",
        played.setup_steps,
    )
    steps = tuple(_step(one, people, words) for one in played.tried)
    return Outcome(note, steps, figures, made, f"/exceptions/{played.case}")


def _step(one: Tried, people: People, words: Words) -> Step:
    why = words.gettext(WHY.get(one.what) or SAID[one.code][0]) if one.code else ""
    left = (
        words.gettext("Nothing was changed.")
        if one.left_nothing
        else words.gettext("This left something behind.")
    )
    exact = (
        (words.gettext("refused because"), one.code or "-"),
        (words.gettext("steps before"), str(one.steps_before)),
        (words.gettext("steps after"), str(one.steps_after)),
        (words.gettext("tokens before"), str(one.tokens_before)),
        (words.gettext("tokens after"), str(one.tokens_after)),
    )
    who = people.name(one.who, words)
    return Step(
        instant=words.now,
        time_text=words.clock(words.now),
        sentence=words.gettext(TRIED[one.what], who=who),
        detail=f"{why} {left}".strip(),
        mark="refused" if one.code else "",
        exact=exact,
    )
