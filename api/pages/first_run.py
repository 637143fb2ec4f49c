"""The first run: six questions, one to a screen, until there is a real card or an honest empty place.

    1 what is it called?   2 who decides with you?   3 what costs you most?   4 where would we see it?
    5 this is what it would have shown   6 trial or on?

Each answer is recorded as if it had been given on its own page later; nothing is lost by stopping in between. What was
chosen so far travels in the address, so the way back is the browser's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated

from babel.core import get_global
from babel.numbers import get_territory_currencies, list_currencies
from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.joining import JOIN_PATH
from api.pages import watch_words
from api.pages.asked import asked_lines
from api.pages.doors import Acting, Form, PageDoor, Seen, act, see
from api.pages.fault_words import why_not
from api.pages.frame import show
from api.pages.names import people_of
from api.pages.places_of_data import let_bring
from api.pages.qr import code_of
from api.pages.settings import check_zone, currencies, zones
from api.pages.shipped import title_words
from api.pages.trouble_words import SAID as TROUBLES
from api.pages.watch import need_watch, preview_of
from api.pages.words import ACCEPTED_MAX, Words, mark
from api.pages.writers import declared_by, writers_asked_of
from api.problems import BadRequest
from api.published import latest_kinds
from api.rooms import Rooms
from api.switching import switch, vocabulary_for
from api.uploads import (
    FILE_BYTES_MAX,
    NotATable,
    OnlyTheSample,
    is_sample,
    mapping_for,
    sample,
    text_of,
)
from api.watches import library
from api.watching import Imported
from casework import people, tables
from casework.intake import RequestKey
from casework.joining_requests import Invite
from casework.requests import ChangeSettings, GrantAuthority, Principal, PublishKinds
from ledger.codec import loads
from playbooks.errors import ImportRefused, PlaybookError
from playbooks.kinds import Kinds
from playbooks.playbook import Playbook

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("watch.write", here="")]
Answers = Annotated[Acting, act("watch.write", here="", large_body=True)]

STEPS = 6
NAME_CHARS_MAX = 80
EXAMPLES_MAX = 3
REAL, NOT_REAL = "real", "not"
"""What an owner may say to an example of question 5; it travels in the address and is kept nowhere."""
CHOICES: Mapping[str, tuple[str, str]] = {
    "complaint_to_escalate": (
        mark("Unanswered complaints"),
        mark("A guest complained at nine; at eleven nobody had called back."),
    ),
    "special_request_without_cover": (
        mark("Special requests nobody is briefed for"),
        mark("Table 12 needs a step-free seat tonight, and nobody on shift knows."),
    ),
    "low_stock_before_service": (
        mark("Low stock before a busy service"),
        mark("70 booked for Saturday, and cream for 30."),
    ),
    "quote_not_followed_up": (
        mark("Quotes nobody followed up"),
        mark("A wedding for 8,000 was offered on Monday; on Friday nobody had asked."),
    ),
    "supplier_renewal": (
        mark("Contracts that renew by themselves"),
        mark("The laundry contract renewed for a year, because the date had passed."),
    ),
    "warm_lead_silent": (
        mark("Inquiries nobody answered"),
        mark("Somebody asked for a room with a cot, and heard nothing."),
    ),
}
"""Watch -> what it is called here, and one example."""


@router.get("/start")
async def start(seen: Sees, step: int = 1, watch: str = "complaint_to_escalate") -> Response:
    """Ask one of the six questions."""
    given = seen.request.query_params
    marks = [given[name] for name in (f"example{n}" for n in range(EXAMPLES_MAX)) if name in given]
    return await ask(seen, min(max(step, 1), STEPS), _chosen(watch), marks=marks)


async def ask(
    seen: Seen,
    step: int,
    watch: str,
    status: int = 200,
    problem: tuple[str, str] | None = None,
    link: str = "",
    done: Imported | None = None,
    marks: Sequence[str] = (),
    form: Form | None = None,
) -> Response:
    """Show one screen. `form`: what was filled in, where a question is asked again."""
    rooms, words = seen.rooms, seen.frame.words
    held = {row["name"]: loads(row["value"]) for row in await rooms.rows.find(tables.setting)}
    preview = await preview_of(rooms, await need_watch(rooms, watch)) if step in (5, 6) else None
    playbook = library()[1][watch]
    kind = library()[0].kind(playbook.subject)
    guess = guessed(seen.request.headers.get("accept-language", ""))
    zone = held.get("zone") or (guess or str(words.zone))
    return await show(
        seen.frame,
        "first_run.html",
        status=status,
        step=step,
        steps=STEPS,
        watch=watch,
        chosen=words.gettext(CHOICES[watch][0]),
        choices=[(one, words.gettext(said), words.gettext(like)) for one, (said, like) in CHOICES.items()],
        held={
            "name": held.get("name") or people.readable(rooms.log),
            "zone": zone,
            "currency": held.get("currency") or currency_of(zone),
        },
        guess="zone" not in held,
        address=seen.request.app.state.installation.settings.public_address,
        zones=[(one, currency_of(one)) for one in zones()],
        currencies=currencies(words),
        alone=await rooms.rows.count(tables.member, active=1) < 2,
        link=link,
        code=code_of(link) if link else None,
        sample=sample(kind, words.now[:10]) if kind else "",
        kind=watch_words.kinds_words(playbook.subject, words),
        writers=await writers_asked_of(seen, source_of(playbook), form) if step == 4 else None,
        problem=problem,
        done=done,
        previewed=watch_words.preview_words(preview, words) if preview else (),
        examples=[
            (title_words(one.title, words), words.moment(one.onset))
            for one in preview.examples[:EXAMPLES_MAX]
        ]
        if preview
        else [],
        marked=_marked(marks, words),
        not_real=sum(one == NOT_REAL for one in marks) > sum(one == REAL for one in marks),
        asked=await asked_lines(rooms, playbook, await people_of(rooms.rows), words) if step == 6 else (),
        key=seen.fresh_key(),
    )


def _marked(marks: Sequence[str], words: Words) -> str:
    """Return what the owner said of the examples, in words; nothing where they said nothing."""
    said = [one for one in marks if one in (REAL, NOT_REAL)]
    if not said:
        return ""
    real = sum(one == REAL for one in said)
    return words.ngettext(
        "You called %(real)s of %(num)s example a real one.",
        "You called %(real)s of %(num)s examples real ones.",
        len(said),
        real=words.number(real),
    )


def guessed(accept_language: str) -> str | None:
    """Return the zone of the first region that a browser names and that has only one; None: nothing is likely."""
    for part in accept_language.split(",")[:ACCEPTED_MAX]:
        region = part.partition(";")[0].strip().rpartition("-")[2].upper()
        lying = get_global("territory_zones").get(region, [])
        if len(lying) == 1 and lying[0] in zones():
            return str(lying[0])
    return None


@lru_cache(maxsize=1_000)
def currency_of(zone: str) -> str:
    """Return the currency that is used where a zone lies; the euro where that is nobody's."""
    region = get_global("zone_territories").get(zone)
    found = get_territory_currencies(region) if region else []
    return found[0] if found else "EUR"


def _chosen(watch: str) -> str:
    return watch if watch in CHOICES else next(iter(CHOICES))


def _on(step: int, watch: str = "") -> Response:
    query = f"step={step}" + (f"&watch={watch}" if watch else "")
    return RedirectResponse(f"/start?{query}", status_code=303, headers={"Cache-Control": "no-store"})


# ---------------------------------------------------------------------------------------------- the answers
@router.post("/start/place")
async def place(acting: Answers) -> Response:
    """1. Name, zone and currency; the owner may decide from now on."""
    form = acting.form
    zone, currency = form.need("zone", chars_max=60), form.need("currency", chars_max=3)
    check_zone(zone)
    if currency not in list_currencies():
        raise BadRequest(
            "value_invalid", f"currency: expected a code like EUR, got {currency}", field="/currency"
        )
    chosen = {"name": form.need("name", chars_max=NAME_CHARS_MAX), "zone": zone, "currency": currency}
    await acting.rooms.office.change_settings(acting.who, acting.then("place"), ChangeSettings(chosen))
    await _empower(acting.rooms, acting.who, acting, acting.caller.member, second=False)
    return _on(2)


async def _empower(rooms: Rooms, who: Principal, acting: Acting, member: str, second: bool) -> None:
    """Let somebody decide what is done and what is recognised, unless they may already."""
    held = {row["about"] for row in await rooms.rows.find(tables.authority, {"member": member, "active": 1})}
    for about in ("action", "award"):
        if about not in held:
            power = GrantAuthority(member, about, assurance_min="session", second_person=second)
            await rooms.office.grant_authority(who, acting.then(f"{member}:{about}"), power)


@router.post("/start/second")
async def second(acting: Answers) -> Response:
    """2. One more person, because nobody can give out tokens alone; their invitation is shown once."""
    name = acting.form.maybe("name", chars_max=NAME_CHARS_MAX)
    if name is None:
        return _on(3)
    role = acting.form.one_of("role", ("manager", "outsider"))
    done = await acting.rooms.joining.invite(
        acting.who, acting.then("invite"), Invite(name=name, roles=(role,), how="slip")
    )
    await _empower(acting.rooms, acting.who, acting, done.ids["member"], second=True)
    token = done.secrets.get("token")
    if token is None:  # sent twice: the invitation was shown the first time, and is shown once only
        return _on(3)
    address = acting.request.app.state.installation.settings.public_address
    return await ask(acting, 2, _chosen(""), link=f"{address}{JOIN_PATH}{token}")


@router.post("/start/data")
async def data(acting: Answers) -> Response:
    """4. A spreadsheet, or later."""
    watch = _chosen(acting.form.text("watch"))
    file = acting.form.file("file")
    if file is None:
        return _on(5, watch)
    rooms, words = acting.rooms, acting.frame.words
    playbook = library()[1][watch]
    source = source_of(playbook)
    try:
        declared = await declared_by(acting, acting.form, source)
    except BadRequest as error:
        if error.code not in TROUBLES:
            raise
        lead, rest, _ = TROUBLES[error.code]
        asked_again = words.gettext(lead), words.gettext(rest)
        return await ask(acting, 4, watch, status=422, problem=asked_again, form=acting.form)
    try:
        kinds = await _kinds_for(rooms, acting.who, acting.then("kinds"), watch)
        kind = kinds.kind(playbook.subject)
        assert kind is not None  # the vocabulary was made for this very watch
        await let_bring(acting, source, playbook.subject, declared)
        name = (file.filename or "")[-NAME_CHARS_MAX:]
        text = text_of(await file.read(FILE_BYTES_MAX + 1), name)
        if is_sample(text):
            raise OnlyTheSample("expected rows of this place, got the sample itself")
        mapping = mapping_for(text, source, kinds, kind)
        done = await rooms.watching.import_file(
            acting.who, acting.then("file"), source, (mapping, "columns"), text, name
        )
    except (NotATable, ImportRefused, PlaybookError) as error:
        problem = (words.gettext("This file was not taken, and nothing was changed."), why_not(error, words))
        return await ask(acting, 4, watch, status=422, problem=problem, form=acting.form)
    if done.refused:  # what could not be read is said now or never
        return await ask(acting, 4, watch, done=done)
    return _on(5, watch)


@router.post("/start/by-hand")
async def by_hand(acting: Answers) -> Response:
    """4. No spreadsheet: records are typed in, one by one."""
    watch = _chosen(acting.form.text("watch"))
    playbook = library()[1][watch]
    source = source_of(playbook)
    await _kinds_for(acting.rooms, acting.who, acting.then("kinds"), watch)
    await let_bring(acting, source, playbook.subject)
    return RedirectResponse(
        f"/sources/type?into={source}/{playbook.subject}&first={watch}",
        status_code=303,
        headers={"Cache-Control": "no-store"},
    )


def source_of(playbook: Playbook) -> str:
    """Return the source that brings what a watch is about."""
    return next(iter(playbook.sources), playbook.subject)


async def _kinds_for(rooms: Rooms, who: Principal, key: RequestKey, watch: str) -> Kinds:
    """Return a published vocabulary in which the watch's records can be read; publish it where there is none yet."""
    before = await latest_kinds(rooms.rows)
    settings = {row["name"]: loads(row["value"]) for row in await rooms.rows.find(tables.setting)}
    kinds = vocabulary_for(library()[1][watch], before, library()[0], settings)
    if before is None or before.digest != kinds.digest:
        await rooms.office.publish_kinds(who, key, PublishKinds(kinds.digest, kinds.content))
    return kinds


@router.post("/start/on")
async def on(acting: Answers) -> Response:
    """6. On trial (it counts and tells nobody), on, or not now."""
    watch = _chosen(acting.form.text("watch"))
    mode = acting.form.one_of("mode", ("shadow", "live", "later"))
    if mode != "later":
        await switch(acting.rooms, acting.who, acting.then, watch, mode)
    return RedirectResponse("/decisions", status_code=303, headers={"Cache-Control": "no-store"})
