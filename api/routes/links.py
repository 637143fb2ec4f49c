"""The customer's door: a one-time link, a plain form, no script, no key. Whoever holds the token answers once."""

from __future__ import annotations

from html import escape
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import HTMLResponse, Response

from api.bodies import Door
from api.problems import PROBLEM_RESPONSES, NotFound
from api.rooms import Rooms
from api.scope import Row
from casework import tables
from casework.desk import link_digest
from casework.requests import AnswerLink
from ledger.errors import Refused

router = APIRouter(route_class=Door, tags=["customer links"], responses=PROBLEM_RESPONSES)

TOKEN_CHARS_MAX = 200
NOTE_CHARS_MAX = 1_000
LinkToken = Annotated[str, Path(min_length=16, max_length=TOKEN_CHARS_MAX, pattern=r"^[A-Za-z0-9_-]+$")]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title></head><body><main><h1>{title}</h1>{body}</main></body></html>"""

REFERRAL = "referral"
ASKED = {
    False: (
        ("Is it solved?", "You told us about a problem. Is it solved?"),
        "Yes, it is solved",
        "No, it is not solved",
    ),
    True: (
        (
            "Is that all right?",
            "Somebody here told us about you. May we be in touch, and may they be thanked for it?",
        ),
        "Yes, that is all right",
        "No, please not",
    ),
}
"""Whether a yes of somebody who was brought is asked for -> title and question, yes, no; where there are no pages."""

_FORM = """<p>{asked}</p>
<form method="post">
<p><label><input type="radio" name="answer" value="resolved" required> {yes}</label></p>
<p><label><input type="radio" name="answer" value="not_resolved"> {no}</label></p>
<p><label for="note">Anything you want to add</label><br>
<textarea id="note" name="note" rows="4" cols="40" maxlength="{note_chars}"></textarea></p>
<p><button type="submit">Send the answer</button></p>
<p>You can answer once. Your answer is kept as proof; your words can be erased if you ask for it.</p>
</form>"""


async def _open(request: Request, token: str) -> tuple[Rooms, Row]:
    """Return the rooms of the organisation that issued a link, and its row.

    Raises:
        NotFound: no such link, here or anywhere; an expired one reads the same.
    """
    installation = request.app.state.installation
    row = await installation.holders.link(link_digest(token))
    if row is None or row["until"] <= installation.clock.now():
        raise NotFound("link", "(not repeated)")
    return await installation.rooms(row["log"]), row


@router.get("/l/{token}", operation_id="show_link", response_class=HTMLResponse)
async def show_link(token: LinkToken, request: Request) -> Response:
    """Show the question."""
    rooms, row = await _open(request, token)
    if row["state"] != "issued":
        raise NotFound("link", "(not repeated)")
    return await _told(request, rooms, row, answered=False)


@router.post("/l/{token}", operation_id="answer_link", response_class=HTMLResponse)
async def answer_link(
    token: LinkToken,
    request: Request,
    answer: Annotated[str, Form(pattern="^(resolved|not_resolved)$")],
    note: Annotated[
        str, Form(max_length=NOTE_CHARS_MAX, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")
    ] = "",
) -> Response:
    """Take the answer; the same answer again shows the same thanks, another one is refused."""
    rooms, row = await _open(request, token)
    try:
        # the link's id is the key: a page that is sent twice answers once and says thanks twice
        await rooms.desk.answer_link(
            f"answer:{row['link']}", row["link"], AnswerLink(token, answer, note or None)
        )
    except Refused as refusal:
        if refusal.code not in ("link_closed", "idempotency_mismatch"):
            raise
        raise NotFound("link", "(not repeated)") from refusal
    return await _told(request, rooms, row, answered=True)


async def _told(request: Request, rooms: Rooms, row: Row, answered: bool) -> Response:
    """Return the page in the product's look and the guest's language; where there are no pages, in plain words."""
    case = await rooms.rows.need("case", tables.case_file, case=row["case"])
    consent = case["award_kind"] == REFERRAL
    guest_page = getattr(request.app.state, "guest_page", None)
    if guest_page is not None:
        page: Response = await guest_page(request, rooms, consent, answered, NOTE_CHARS_MAX)
        return page
    if answered:
        return _page("Thank you", f"<p>{escape('Your answer was recorded.')}</p>")
    asked, yes, no = ASKED[consent]
    return _page(asked[0], _FORM.format(asked=asked[1], yes=yes, no=no, note_chars=NOTE_CHARS_MAX))


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), body=body))
