"""An exception at its own address: the card, the story so far, remarks, what was decided earlier, the exact record, and
the steps that this reader may take now, as forms in the order of the story.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from api.dossiers import Dossier, Staff, dossiers, sees_recognition, staff_of
from api.earlier_records import earlier_records
from api.matters import STEP_OF, waiting_of
from api.pages.cards import Card, People, card_of
from api.pages.decisions import Bar, bar_of
from api.pages.doing_words import SAID, Forms, forms_of
from api.pages.doors import PageDoor, Seen, see
from api.pages.earlier import similar_of
from api.pages.frame import Frame, show, with_toast
from api.pages.inbox import Matter, matter_of
from api.pages.names import people_of, watches_of
from api.pages.planned_words import check_of
from api.pages.points import ways_there
from api.pages.possible import ASKED, EVIDENCE, SERVICE_ISSUE, possible_steps
from api.pages.qr import Code
from api.pages.routine_forms import lacking, routine_of, steps_of
from api.pages.staffed import why_not
from api.pages.telling import story_of
from api.pages.troubles import Trouble
from api.pages.words import Words
from api.problems import NotFound
from api.scope import Row
from casework import tables
from casework.staffing import Answer

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("case.read", here="")]
NOTHING: Mapping[str, str] = {}
CaseId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]


@dataclass(frozen=True, slots=True)
class Issued:
    """A link that was just made: shown once, never kept. None: the same form was sent again."""

    url: str | None
    until: str
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Matters:
    """What the exception waits for from somebody: the bar where this reader decides, else why not and who can."""

    bar: Bar | None = None
    matter: Matter | None = None
    why_not: tuple[str, str] | None = None


async def case_row(seen: Seen, case: str) -> Row:
    """Return the row of a case that the reader may read. Raises NotFound: none, or beyond an agent's charter."""
    row = await seen.rooms.rows.need("case", tables.case_file, case=case)
    if not seen.caller.reads(row["subject_kind"]):
        raise NotFound("case", case)
    return row


@router.get("/exceptions/{case}")
async def exception(case: CaseId, seen: Sees, said: str = "", do: str = "") -> Response:
    """Show one exception; `do` is the step whose form stands open."""
    frame = seen.frame
    if said in SAID:
        frame = with_toast(frame, frame.words.gettext(SAID[said]))
    return await page(seen, case, frame, opened=do)


async def page(
    seen: Seen,
    case: str,
    frame: Frame,
    *,
    trouble: Trouble | None = None,
    status: int = 200,
    issued: Issued | None = None,
    opened: str = "",
    typed: Mapping[str, str] = NOTHING,
) -> Response:
    """Return the page of a case as it stands now. Its ETag is the last step of the case. `typed`: into a form that was
    refused."""
    rows, words, now = seen.rooms.rows, frame.words, seen.rooms.clock.now()
    (dossier,) = await dossiers(rows, [await case_row(seen, case)])
    staff, people = await staff_of(rows, now), await people_of(rows)
    watches = await watches_of(rows, {str(dossier.case["playbook"])})
    watch = watches.get(str(dossier.case["playbook"]), {})
    matters = await _matters(seen, dossier, staff, people, words)
    answers = {step: staff.answer(step, dossier) for step in ASKED}
    forms = await _forms(seen, dossier, answers, people, words, watch, opened)
    if matters.bar is None:
        forms = replace(forms, later="")  # whoever does not decide need not decide later
    card = card_of(dossier, people, words, watch, matters.matter)
    check = routine = None
    if EVIDENCE in forms.can:
        there = await ways_there(seen.rooms, str(dossier.facts().get("place") or ""), words)
        check = check_of(dossier, seen.caller.member, words, seen.fresh_key(), opened, there)
        routine = await routine_of(seen, dossier, people, seen.fresh_key(), opened, typed)
    can = steps_of(forms.can) | (routine.can if routine else frozenset()) | ({"check"} if check else set())
    answer = await show(
        replace(frame, here=_here(seen)),
        "exception.html",
        status=status,
        card=card,
        bar=matters.bar,
        why_not=matters.why_not,
        forms=forms,
        story=await story_of(seen, dossier, people),
        similar=await similar_of(rows, dossier, words),
        award=dossier.case["award"]
        if sees_recognition(dossier, seen.caller.member, seen.caller.roles)
        else None,
        exact_pairs=_exact(dossier, words),
        fresh=_fresh(dossier, card, words, now),
        issued=issued,
        trouble=trouble,
        check=check,
        routine=routine,
        lacking=await lacking(seen, dossier, can),
    )
    answer.headers["ETag"] = f'"{dossier.case["changed_seq"]}"'
    return answer


def _here(seen: Seen) -> str:
    """Return the entry of the navigation that this page belongs to: where this reader's exceptions are listed."""
    keys = [entry.key for entry in seen.frame.tabs]
    return next((key for key in ("decisions", "work") if key in keys), "")


async def _matters(seen: Seen, dossier: Dossier, staff: Staff, people: People, words: Words) -> Matters:
    kind = waiting_of(dossier)
    if kind is None:
        return Matters()
    matter = matter_of(dossier, kind, seen.rooms.clock.now())
    answer = staff.answer(STEP_OF[kind], dossier)
    member = seen.caller.member
    if member in answer.members:
        return Matters(await bar_of(seen, matter, people, words), matter)
    return Matters(None, matter, why_not(dossier, kind, member, answer, people, words))


async def _forms(
    seen: Seen,
    dossier: Dossier,
    answers: Mapping[str, Answer],
    people: People,
    words: Words,
    watch: Mapping[str, Any],
    opened: str,
) -> Forms:
    steps = possible_steps(dossier, seen.caller.member, answers)
    kinds = await seen.rooms.rows.find(tables.kind_set, order="seq", limit=1)
    member, key = seen.caller.member, seen.fresh_key()
    asked_for = EVIDENCE in steps and dossier.case["award_kind"] == SERVICE_ISSUE
    earlier = await earlier_records(seen.rooms.rows, dossier.case) if asked_for else ()
    return forms_of(dossier, steps, answers, people, words, watch, kinds, member, key, opened, earlier)


def _exact(dossier: Dossier, words: Words) -> tuple[tuple[str, str], ...]:
    row = dossier.case
    last = dossier.decisions[-1] if dossier.decisions else None
    pairs = [
        (words.gettext("Number"), dossier.id),
        (words.gettext("State"), row["state"]),
        (words.gettext("Watch"), row["playbook"]),
        (words.gettext("First and last step of the record"), f"{row['opened_seq']} … {row['changed_seq']}"),
        (words.gettext("Fingerprint"), row["fingerprint"]),
        (words.gettext("Suggestion"), dossier.proposal["digest"] if dossier.proposal else None),
        (words.gettext("Last decision"), last["digest"] if last else None),
    ]
    return tuple((name, str(value)) for name, value in pairs if value)


def _fresh(dossier: Dossier, card: Card, words: Words, now: str) -> str:
    return words.gettext("Owned by %(who)s · as it stands at %(time)s", who=card.owner, time=words.clock(now))
