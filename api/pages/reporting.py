"""Report: something is wrong, told with a photo or a sentence, in three taps.

With a script the page sends through a queue on the phone (web/static/js/report.js) to the API's doors. Without one this
form does the same in one request, and what may be handled already is offered before anything is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.identity import Asking, Visit
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show
from api.pages.names import people_of
from api.pages.troubles import Trouble, trouble_of
from api.pages.words import Words, mark
from api.problems import BadRequest, NotAllowed, NotFound, of_error
from api.routes.photos import CaptureAsked, check_member, photo_item
from api.routes.reports import Alike, alike_to, join, notes_of, opening
from api.routes.shapes import TEXT_CHARS_MAX
from casework import reports, tables
from casework.absence import in_for
from casework.intake import Done
from casework.similar import beginnings
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.report", here="report")]
Sends = Annotated[Acting, act("case.report", here="report", large_body=True)]

ID_CHARS_MAX = 64
STARTS_MAX = 3
STARTS_READ_MAX = 100
"""The latest reports: what a place talks about changes with it."""
STARTS = (mark("Equipment"), mark("Guest unhappy"), mark("Running low"))
"""What a sentence may begin with, until this place has beginnings of its own."""
URGENCIES = (
    (reports.CAN_WAIT, mark("Can wait")),
    (reports.TODAY, mark("Today")),
    (reports.NOW, mark("Now")),
)
SAID = {
    "sent": mark("Sent."),
    "photo": mark("Your photo was added."),
    "words": mark("Your words were added."),
}


@dataclass(frozen=True, slots=True)
class Offered:
    """Something open that may be the same, and who handles it, in words."""

    case: str
    said: str
    who: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of the form before: a line with the way to it."""

    lead: str
    rest: str
    path: str


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody filled in, shown again."""

    note: str = ""
    urgency: str = reports.TODAY


@router.get("/report")
async def report(seen: Sees, said: str = "", of: str = "") -> Response:
    """Ask what is wrong."""
    return await page(seen, told=await _told(seen, said, of))


async def page(
    seen: Seen, given: Given = Given(), *, status: int = 200, trouble: Trouble | None = None, **more: Any
) -> Response:
    """Return the page, with what was filled in before."""
    words = seen.frame.words
    shown = {"told": None, "alike": (), "lost_photo": False, "key": seen.fresh_key(), **more}
    return await show(
        seen.frame,
        "report.html",
        status=status,
        given=given,
        trouble=trouble,
        starts=await _starts(seen, words),
        asked=await _asked(seen, words),
        urgencies=[(value, words.gettext(name)) for value, name in URGENCIES],
        **shown,
    )


async def _asked(seen: Seen, words: Words) -> str:
    """Return who will be asked to look at what is told here."""
    records, member = seen.rooms.intake.records, seen.caller.member
    lead = await in_for(records, await reports.lead(records, member), seen.rooms.clock.now())
    if lead == member:
        return words.gettext("You will have it yourself.")
    return words.gettext("It goes to %(name)s.", name=(await people_of(seen.rooms.rows)).name(lead, words))


async def _starts(seen: Seen, words: Words) -> list[str]:
    rows = seen.rooms.rows
    found = await rows.find(tables.case_file, {"origin": "report"}, order="opened_seq", limit=STARTS_READ_MAX)
    said = await notes_of(rows, (row for row in found if seen.caller.reads(row["subject_kind"])))
    usual = [words.gettext(one) for one in STARTS]
    return list(dict.fromkeys((*beginnings(said.values(), STARTS_MAX), *usual)))[:STARTS_MAX]


async def _told(seen: Seen, said: str, of: str) -> Sent | None:
    row = await seen.rooms.rows.one(tables.case_file, case=of[:ID_CHARS_MAX]) if said in SAID and of else None
    if row is None or not seen.caller.reads(row["subject_kind"]):
        return None
    words, people = seen.frame.words, await people_of(seen.rooms.rows)
    rest = words.gettext("You have it yourself.")
    if row["owner"] != seen.caller.member:
        rest = words.gettext("%(name)s is asked to look at it.", name=people.name(row["owner"], words))
    return Sent(words.gettext(SAID[said]), rest, f"/exceptions/{row['case']}")


@router.post("/report")
async def send(acting: Sends) -> Response:
    """Record a report, or add it to what is open already; offer that first."""
    given = Given()
    try:
        check_sender(acting)
        note = acting.form.text("note", chars_max=TEXT_CHARS_MAX)
        given = Given(note)
        given = Given(note, acting.form.one_of("urgency", reports.URGENCIES))
        photo = acting.form.file("photo")
        if not note and photo is None:
            raise BadRequest("report_empty", "expected a photo or a sentence, got neither", field="/note")
        if alike := await _alike(acting, note):
            return await page(acting, given, alike=alike, lost_photo=photo is not None, key=_key(acting))
        done, said = await _record(acting, given)
    except (BadRequest, NotAllowed, NotFound, Refused) as error:
        return await _refused(acting, given, error)
    where = f"/report?said={said}&of={done.ids['case']}"
    return RedirectResponse(where, status_code=303, headers={"Cache-Control": "no-store"})


def check_sender(acting: Acting) -> None:
    """Refuse a form that somebody else filled in before this person signed in. Raises NotAllowed."""
    member = acting.form.maybe("member", chars_max=ID_CHARS_MAX)
    check_member(asking_of(acting), CaptureAsked(member=member))


def asking_of(acting: Acting) -> Asking:
    """Return a page's form as the doors of the API take a request."""
    return Asking(acting.caller, acting.rooms, acting.key, Response())


def _key(acting: Acting) -> str:
    """Return the key the form came with: what was only asked back is the same form when it comes again."""
    return acting.form.text("key") or acting.fresh_key()


async def _alike(acting: Acting, note: str) -> list[Offered]:
    form = acting.form
    if not note or form.text("sure") or form.text("join"):
        return []
    if await acting.rooms.desk.was_taken(acting.who, acting.key):
        return []  # sent twice: what it would find is itself
    found = await alike_to(Visit(acting.caller, acting.rooms), note)
    return [Offered(one.case, one.said, _whose(acting, one)) for one in found]


def _whose(acting: Acting, one: Alike) -> str:
    words = acting.frame.words
    if one.owner == acting.caller.member:
        return words.gettext("You are handling this already.")
    if one.owner_name is None:
        return words.gettext("Nobody has taken this on yet.")
    return words.gettext("It is with %(name)s already.", name=one.owner_name)


async def _record(acting: Acting, given: Given) -> tuple[Done, str]:
    """Record it, and return what is said afterwards."""
    asking, photo, told = asking_of(acting), acting.form.file("photo"), CaptureAsked()
    desk = acting.rooms.desk
    same = acting.form.maybe("join", chars_max=ID_CHARS_MAX)
    if same is not None:
        done = await join(asking, same, given.note or None, photo, told)
        return done, "words" if photo is None else "photo"
    note = given.note or acting.frame.words.gettext("See the photo.")
    request = await opening(asking, note, given.urgency)
    if photo is not None:
        request = replace(request, shows=await photo_item(asking, "", photo, told))
    return await desk.open_case(asking.who, asking.key, request), "sent"


async def _refused(acting: Acting, given: Given, error: Exception) -> Response:
    """Show the form again with what was written, and a note that says why it was not taken."""
    body, _ = of_error(error)
    await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
    trouble = trouble_of(acting.frame.words, body)
    return await page(
        acting,
        given,
        status=body["status"],
        trouble=trouble,
        lost_photo=acting.form.file("photo") is not None,
    )
