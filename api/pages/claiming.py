"""What somebody asks to be recognised for by themselves: a course they did, and somebody they brought.

Both are written down before anything is shown; what comes after stands on the page of that claim (routine.py). Which
courses there are, the policy's catalogue says; where no policy is published, the page says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.dossiers import Dossier, dossiers
from api.pages import assessors
from api.pages.assessors import assessors_of, course_words, named_for
from api.pages.cards import STATES, title_of
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import show, with_toast
from api.pages.mending import Mended, to_mend
from api.pages.names import people_of
from api.pages.planned_words import BROUGHT
from api.pages.reporting import asking_of
from api.pages.routine_words import ASSESSMENT, REFERRAL, TRAINING, assesses
from api.pages.words import Words, mark
from api.problems import BadRequest
from api.rooms import Rooms
from api.routes.work import CourseClaimed, ReferralLodged, claim_training, lodge_referral
from casework import cases, tables
from ledger.codec import loads
from ledger.errors import Refused

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.claim", here="recognition")]
Claims = Annotated[Acting, act("case.claim", here="recognition")]
Names = Annotated[Acting, act("assessor.write", here="recognition")]
MINE_MAX, LOOKED_MAX = 20, 100
APART = "@"
"""Between a course and its version in the one field that chooses both."""
WRONG: Mapping[str, tuple[str, str]] = {
    "course": ("course", mark("Choose one of the courses.")),
    "referred": (
        "referred",
        mark("A mail address, or the number by which our records know them; at most 200 signs."),
    ),
    "kind": ("kind", mark("Choose one of the two.")),
    "already_open": ("referred", mark("You have told us of them already, and it is open still.")),
}
NAMING_WRONG: Mapping[str, tuple[str, str]] = {
    "course": ("course", mark("Choose one of the courses.")),
    "member": ("member", mark("Choose somebody who works here.")),
    "ground": ("ground", mark("Choose one of the reasons.")),
}
SAID = {
    "named": mark("Named. What they say of this course counts from now on."),
    "ended": mark("Ended. What they said before stays."),
}
COURSE_WRONG = {**WRONG, "already_open": ("course", mark("You have told us of this course already."))}


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: its address, what it is, how it stands, since when."""

    path: str
    title: str
    chip: str
    tone: str
    when: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A course that somebody else took and that whoever is named for it may say something about."""

    path: str
    who: str
    title: str


async def policy_of(rooms: Rooms, verifier: str) -> tuple[str, dict[str, Any]] | None:
    """Return the policy published last whose judge is this one, and its parameters; None: there is none."""
    found = [
        (row["policy"], content)
        for row in await rooms.rows.find(tables.policy)
        if (content := loads(row["content"]))["verifier"] == verifier
    ]
    found.sort(key=lambda one: (int(one[1]["version"]), one[0]))
    return (str(found[-1][0]), dict(found[-1][1]["parameters"])) if found else None


async def claims_of(seen: Seen, kind: str) -> list[Claim]:
    """Return the reader's own claims of a kind, the latest first."""
    where = {"origin": "claim", "award_kind": kind, "opened_by": seen.caller.member}
    rows, words = seen.rooms.rows, seen.frame.words
    found = await rooms_cases(seen, where, MINE_MAX)
    return [_claim(one, words) for one in await dossiers(rows, found)]


async def rooms_cases(seen: Seen, where: Mapping[str, Any], most: int) -> list[Any]:
    """Return cases, the latest first."""
    return await seen.rooms.rows.find(tables.case_file, dict(where), order="opened_seq", limit=most)


def _claim(one: Dossier, words: Words) -> Claim:
    chip, tone, *_ = STATES[one.case["state"]]
    if one.case["award"] is not None:
        chip, tone = mark("Recognised"), "done"
    when = words.moment(str(one.case["opened_at"]))
    return Claim(f"/exceptions/{one.id}", title_of(one, words), words.gettext(chip), tone, when)


# ---------------------------------------------------------------------------------------------- courses
@router.get("/courses")
async def courses(seen: Sees, said: str = "") -> Response:
    """Show the courses that count here, one's own, who may say that somebody can do it, and what one is asked about."""
    frame = with_toast(seen.frame, seen.frame.words.gettext(SAID[said])) if said in SAID else seen.frame
    return await _courses(replace(seen, frame=frame))


async def _courses(
    seen: Seen, again: Mended | None = None, status: int = 200, naming: Mended | None = None
) -> Response:
    """`again`: the refused form of one's own course; `naming`: that of an assessor."""
    found = await policy_of(seen.rooms, TRAINING)
    return await show(
        seen.frame,
        "courses.html",
        status=status,
        options=_options(found[1], seen.frame.words) if found else (),
        mine=await claims_of(seen, TRAINING),
        asked=await _asked(seen),
        assessors=await assessors_of(seen, found[1]["catalogue"]) if found else None,
        again=again,
        naming=naming,
        key=seen.fresh_key(),
    )


def _options(parameters: Mapping[str, Any], words: Words) -> list[tuple[str, str]]:
    told = []
    for name, course in sorted(parameters["catalogue"].items()):
        for version in course["versions"]:
            said = words.gettext(
                "%(course)s, version %(version)s", course=course_words(name), version=version
            )
            if course["assessed"]:
                said += ", " + words.gettext("somebody has to have seen it")
            told.append((f"{name}{APART}{version}", said))
    return told


async def _asked(seen: Seen) -> list[Asked]:
    """Return the courses of others that wait for somebody who saw it, where the reader may say so."""
    words, rows = seen.frame.words, seen.rooms.rows
    states = [state for state in cases.STATES if state not in cases.ENDED]
    where = {"award_kind": TRAINING, "award": None, "state": states}
    named = await named_for(rows, seen.caller.member)
    if not named:
        return []
    people = await people_of(rows)
    told = []
    for one in await dossiers(rows, await rooms_cases(seen, where, LOOKED_MAX)):
        seen_already = any(item["type"] == ASSESSMENT for item in one.live)
        if not seen_already and assesses(one, seen.caller.member, named):
            who = people.name(str(one.case["opened_by"]), words)
            told.append(Asked(f"/exceptions/{one.id}?do=assess#assess", who, title_of(one, words)))
    return told


@router.post("/courses")
async def claim_course(acting: Claims) -> Response:
    """Say that one does a course, or has done it."""
    try:
        found = await policy_of(acting.rooms, TRAINING)
        offered = [value for value, _ in _options(found[1], acting.frame.words)] if found else []
        name, _, version = acting.form.one_of("course", offered).partition(APART)
        given = CourseClaimed(policy=found[0] if found else "", course=name, course_version=version)
        done = await claim_training(given, asking_of(acting))
    except (BadRequest, Refused) as refusal:
        again = await to_mend(acting, refusal, COURSE_WRONG)
        if again is None:
            raise
        return await _courses(acting, again, 422)
    return _to(done.ids["case"])


@router.post("/courses/assessors")
async def name_assessor(acting: Names) -> Response:
    """Name somebody who may say that others can do what a course teaches."""
    try:
        found = await policy_of(acting.rooms, TRAINING)
        await assessors.name(acting, found[1]["catalogue"] if found else ())
    except (BadRequest, Refused) as refusal:
        naming = await to_mend(acting, refusal, NAMING_WRONG)
        if naming is None:
            raise
        return await _courses(acting, status=422, naming=naming)
    return _courses_again("named")


@router.post("/courses/assessors/end")
async def end_assessor(acting: Names) -> Response:
    """Let somebody say it no more."""
    await assessors.end(acting)
    return _courses_again("ended")


def _courses_again(said: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"/courses?said={said}#assessors", status_code=303, headers=headers)


# ---------------------------------------------------------------------------------------------- referrals
@router.get("/referrals")
async def referrals(seen: Sees) -> Response:
    """Show whom one brought, and the form for the next."""
    return await _referrals(seen)


async def _referrals(seen: Seen, again: Mended | None = None, status: int = 200) -> Response:
    words = seen.frame.words
    return await show(
        seen.frame,
        "referrals.html",
        status=status,
        published=await policy_of(seen.rooms, REFERRAL) is not None,
        kinds=[(code, words.gettext(said)) for code, said in BROUGHT.items()],
        mine=await claims_of(seen, REFERRAL),
        again=again,
        key=seen.fresh_key(),
    )


@router.post("/referrals")
async def lodge(acting: Claims) -> Response:
    """Write down somebody whom one brings, before anybody here is in touch."""
    form = acting.form
    try:
        found = await policy_of(acting.rooms, REFERRAL)
        kind = form.one_of("kind", BROUGHT)
        referred = _known_by(form.need("referred", 200))
        note = form.maybe("note", 1_000) or acting.frame.words.gettext("Somebody I brought")
        if found is None:
            raise BadRequest("no_policy", "expected a published policy for referrals, got none", status=409)
        given = ReferralLodged(policy=found[0], kind=kind, referred=referred, note=note)
        done = await lodge_referral(given, asking_of(acting))
    except (BadRequest, Refused) as refusal:
        again = await to_mend(acting, refusal, WRONG)
        if again is None:
            raise
        return await _referrals(acting, again, 422)
    return _to(done.ids["case"])


def _known_by(typed: str) -> str:
    """Return by what our records know somebody: one line. Raises BadRequest."""
    if "\n" in typed or "\t" in typed:
        raise BadRequest("value_invalid", "referred: expected one line, got more", field="/referred")
    return typed


def _to(case: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    return RedirectResponse(f"/exceptions/{case}", status_code=303, headers=headers)
