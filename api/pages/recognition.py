"""Recognition: what the reader was thanked for, in the words of whoever thanked them; what waits, what ended, and what
was not recognised, with the reason and the right of reply. One's own only: nobody is told of another's tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.announced import choices_of
from api.dossiers import Dossier, dossiers
from api.pages.cards import People, title_of
from api.pages.doors import Acting, PageDoor, Seen, act, see
from api.pages.frame import Frame, show, with_toast
from api.pages.names import people_of
from api.pages.questions import Looking, Question, asked_of, questions_of
from api.pages.sheets import sheet
from api.pages.thanks import ASKED, ENDED, LIVE, NOT_GIVEN, reason, state_chip, tokens_words
from api.pages.troubles import Trouble, trouble_of
from api.pages.why import may
from api.pages.words import Words, mark
from api.problems import NotFound, of_error
from api.rooms import Rooms
from api.scope import Row
from casework import awards, tables
from casework.announcing import ALL, may_show
from casework.requests import AddNote, AnswerDispute
from ledger.book import provisional, settled
from ledger.codec import dumps, loads
from ledger.entries import Entry
from ledger.errors import Refused
from ledger.reading import read_entry
from ledger.store.tables import account
from ledger.store.tables import entry as entries

router = APIRouter(route_class=PageDoor, include_in_schema=False)

Sees = Annotated[Seen, see("award.read", here="recognition")]
Replies = Annotated[Acting, act("case.work", here="recognition")]
Answers = Annotated[Acting, act("award.dispute", here="recognition")]
CaseId = Annotated[str, Path(max_length=64, pattern=r"^[0-9a-f-]+$")]

SHOWN_MAX = 50
LOOKED_AT_MAX = 300
"""Judgements about one person looked through for what was not recognised, the latest first."""
SAID: Mapping[str, str] = {
    "replied": mark("Your answer stands beside it."),
    "shared": mark("The others here can see it. You can change your mind at any time."),
    "unshared": mark("Nobody else sees it now."),
}

COLUMNS = (mark("Given"), mark("For"), mark("Said"), mark("By"), mark("Tokens"), mark("How it stands"))


@dataclass(frozen=True, slots=True)
class Thanks:
    """One recognition of the reader. `about` says what it is for; `note` why it ended or what the question is."""

    path: str
    said: str
    by: str
    given: str
    instant: str
    about: str
    tokens: str
    chip: str
    tone: str
    lead: str
    note: str
    answered: bool
    takes: bool
    """Whether there is a file to take along."""
    award: str = ""
    shared: bool | None = None
    """Whether the others see it, as far as the reader chose; None: it is not final."""
    key: str = ""


@dataclass(frozen=True, slots=True)
class NotGiven:
    """One thing of the reader's that was not recognised. `words` are the decider's own, `replies` the reader's."""

    case: str
    about: str
    by: str
    decided: str
    instant: str
    why: str
    words: str
    replies: tuple[str, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Mine:
    """Everything of one person."""

    figures: tuple[tuple[str, str, str], ...]
    thanks: tuple[Thanks, ...]
    beyond: int
    not_given: tuple[NotGiven, ...]
    always: bool
    """Whether the others see all that is final, unless the reader chose otherwise about one."""


@router.get("/recognition")
async def recognition(seen: Sees, said: str = "") -> Response:
    """Show the reader's own recognition."""
    if seen.request.query_params.get("as") == "csv":
        return await _sheet(seen)
    words = seen.frame.words
    frame = with_toast(seen.frame, words.gettext(SAID[said])) if said in SAID else seen.frame
    return await page(seen, frame)


async def page(seen: Seen, frame: Frame, trouble: Trouble | None = None, status: int = 200) -> Response:
    """Return the page."""
    mine = await mine_of(seen)
    return await show(
        frame,
        "recognition.html",
        status=status,
        mine=mine,
        asked=await _asked(seen),
        key=seen.fresh_key(),
        may_reply=may(seen, "case.work"),
        sees_shared=may(seen, "announced.read"),
        own_key=seen.fresh_key(),
        may_claim=may(seen, "case.claim"),
        checked=frame.words.clock(seen.rooms.clock.now()),
        trouble=trouble,
    )


# ---------------------------------------------------------------------------------------------- reading
async def _asked(seen: Seen) -> list[tuple[str, Question]]:
    """Return what is asked about the reader's recognition, or is planned about it, with what it is for."""
    rows, words, member = seen.rooms.rows, seen.frame.words, seen.caller.member
    named = await asked_of(rows, member)
    files = await rows.find(tables.case_file, {"case": named}) if named else []
    people = await people_of(rows)
    looking = Looking(rows, member, people, words, seen.rooms.clock.now())
    return [
        (title_of(dossier, words), one)
        for dossier in await dossiers(rows, files)
        for one in await questions_of(dossier, looking)
        if one.open
    ]


async def mine_of(seen: Seen) -> Mine:
    """Return what was recognised of the reader, and what was not."""
    rooms, words, member = seen.rooms, seen.frame.words, seen.caller.member
    shares = await rooms.rows.find(tables.award_share, {"member": member})
    named = {str(share["award"]): int(share["amount"]) for share in shares}
    found = await rooms.rows.find(tables.award, {"award": sorted(named)}, order="seq") if named else []
    judged = await rooms.rows.find(
        tables.verdict,
        {"result": "pass"},
        order="seq",
        limit=LOOKED_AT_MAX,
        also=[tables.verdict.c.beneficiaries.contains(f'"{member}"')],
    )
    shown = found[:SHOWN_MAX]
    cases = {str(row["case"]) for row in (*shown, *judged)}
    files = await rooms.rows.find(tables.case_file, {"case": sorted(cases)}) if cases else []
    by_case = {one.id: one for one in await dossiers(rooms.rows, files)}
    people = await people_of(rooms.rows)
    told = await _told_of(rooms, sorted(cases))
    choices = await choices_of(rooms.rows, member=member)
    along = {str(row["award"]) for row in await rooms.rows.find(tables.credential, {"member": member})}
    thanks = tuple(
        replace(
            _thanks(row, named[str(row["award"])], by_case[str(row["case"])], told, people, member, words),
            takes=str(row["award"]) in along and row["state"] == awards.SETTLED,
            award=str(row["award"]),
            shared=may_show(str(row["award"]), [member], choices) if row["state"] == awards.SETTLED else None,
            key=seen.fresh_key(),
        )
        for row in shown
    )
    declined = _declined(judged, by_case, member)
    replies = await _replies(rooms, told, member)
    not_given = tuple(
        NotGiven(
            case=dossier.id,
            about=title_of(dossier, words),
            by=people.name(str(row["decider"]), words),
            decided=words.moment(str(row["decided_at"])),
            instant=str(row["decided_at"]),
            why=reason(NOT_GIVEN, row["reason_code"], words),
            words=str(dossier.text(row, "reason_item") or ""),
            replies=tuple(text for seq, text in replies.get(dossier.id, ()) if seq > int(row["seq"])),
            key=seen.fresh_key(),
        )
        for dossier, row in declined
    )
    asked = {str(one.dispute["award"]) for one in by_case.values() if one.dispute is not None}
    figures = await _figures(rooms, found, asked, member, words)
    return Mine(figures, thanks, len(found) - len(shown), not_given, may_show(ALL, [member], choices))


async def _figures(
    rooms: Rooms, found: Sequence[Row], asked: set[str], member: str, words: Words
) -> tuple[tuple[str, str, str], ...]:
    held = {
        str(row["account"]): int(row["balance_tokens"])
        for row in await rooms.rows.find(account, {"account": [settled(member), provisional(member)]})
    }
    waiting = [row for row in found if row["state"] == awards.PROVISIONAL]
    going = [row for row in waiting if row["held_by"] is None and str(row["award"]) not in asked]
    next_day = min((str(row["settle_not_before"]) for row in going), default=None)
    until = words.gettext("tokens, the next on %(day)s", day=words.day(next_day)) if next_day else ""
    live = sum(row["state"] in LIVE for row in found)
    return (
        (
            words.gettext("Yours"),
            words.number(held.get(settled(member), 0)),
            words.gettext("tokens, for good"),
        ),
        (
            words.gettext("Waiting"),
            words.number(held.get(provisional(member), 0)),
            until or words.gettext("tokens"),
        ),
        (words.gettext("Thank-yous"), words.number(live), words.gettext("since you are here")),
        (
            words.gettext("Ended or taken back"),
            words.number(len(found) - live),
            words.gettext("why stands below") if len(found) > live else "",
        ),
    )


async def _told_of(rooms: Rooms, cases: list[str]) -> list[Entry]:
    """Return the entries that say who ended an award and who answered: no row keeps them."""
    if not cases:
        return []
    kinds = ["note_added", "award_declined", "award_revoked", "award_held", "dispute_answered"]
    found = await rooms.rows.find(
        entries, {"case_id": cases, "kind": kinds}, order="seq", limit=LOOKED_AT_MAX
    )
    return [read_entry(row["canon"], loads, dumps) for row in found]


def _thanks(
    row: Row, amount: int, dossier: Dossier, told: list[Entry], people: People, member: str, words: Words
) -> Thanks:
    decision = next((one for one in dossier.decisions if one["decision"] == row["decision"]), None)
    message = dossier.text(row, "message_item") or dossier.text(decision, "message_item")
    asked = dossier.dispute is not None and dossier.dispute["award"] == row["award"]
    held = row["held_by"] is not None or asked
    chip, tone = state_chip(row["state"], held, str(row["settle_not_before"]), True, words)
    lead, note = _ending(row, told, people, words)
    return Thanks(
        path=f"/recognition/{row['award']}",
        said=str(message or words.gettext("Thank you.")),
        by=people.name(str(decision["decider"]) if decision else None, words),
        given=words.moment(str(row["granted_at"])),
        instant=str(row["granted_at"]),
        about=title_of(dossier, words),
        tokens=tokens_words(amount, words),
        chip=chip,
        tone=tone,
        lead=lead,
        note=note,
        answered=any(
            one.kind in ("note_added", "dispute_answered") and one.case == row["case"] and one.actor.id == member
            and one.seq > int(row["seq"]) for one in told
        ),
        takes=False,
    )  # fmt: skip


def _ending(row: Row, told: list[Entry], people: People, words: Words) -> tuple[str, str]:
    """Return first words and the rest about a recognition that ended, or that there is a question about."""
    of_award = [one for one in told if one.body.get("award") == row["award"]]
    if row["state"] in LIVE:
        if row["held_by"] is None:
            return "", ""
        who = people.name(str(row["held_by"]), words)
        asked = words.gettext("Asked by %(who)s. You can answer; your answer stands beside it.", who=who)
        return words.gettext(
            "There is a question about this."
        ), f"{reason(ASKED, row['hold_reason'], words)} {asked}"
    ended = next((one for one in of_award if one.kind in ("award_declined", "award_revoked")), None)
    deciders = [
        one.actor.id for one in of_award if one.kind == "award_held" and ended and one.seq < ended.seq
    ][:1]
    if ended is None:
        return "", reason(ENDED, row["ended_reason"], words)
    who = words.listed(people.name(one, words) for one in dict.fromkeys((ended.actor.id, *deciders)))
    day = words.day(ended.at)
    if row["state"] == awards.REVOKED:
        lead = words.gettext("Taken back on %(day)s.", day=day)
    else:
        lead = words.gettext("Ended on %(day)s, while it was waiting.", day=day)
    by = words.gettext("Decided by %(who)s. You can answer; your answer stands beside it.", who=who)
    return lead, f"{reason(ENDED, row['ended_reason'], words)} {by}"


def _declined(
    judged: Sequence[Row], by_case: Mapping[str, Dossier], member: str
) -> list[tuple[Dossier, Row]]:
    """Return the decisions that did not recognise what this member did, the latest first."""
    mine = {str(row["verdict"]) for row in judged}
    found = [
        (dossier, one)
        for dossier in by_case.values()
        for one in dossier.decisions
        if one["about"] == "award" and one["verb"] == "declined" and not one["withdrawn"]
        and str(one["verdict"]) in mine
    ]  # fmt: skip
    return sorted(found, key=lambda pair: -int(pair[1]["seq"]))[:SHOWN_MAX]


async def _replies(rooms: Rooms, told: list[Entry], member: str) -> dict[str, list[tuple[int, str]]]:
    """Return case -> (step, text) of the member's own remarks, in order."""
    notes = [one for one in told if one.kind == "note_added" and one.actor.id == member]
    texts = await rooms.rows.open_all(one.private["note"] for one in notes if "note" in one.private)
    found: dict[str, list[tuple[int, str]]] = {}
    for one in sorted(notes, key=lambda note: note.seq):
        text = texts.get(one.private.get("note", ""))
        if text:
            found.setdefault(str(one.case), []).append((one.seq, str(text)))
    return found


async def _sheet(seen: Seen) -> Response:
    mine, words = await mine_of(seen), seen.frame.words
    head = [words.gettext(one) for one in COLUMNS]
    rows: list[list[str]] = [
        [one.instant, one.about, one.said, one.by, one.tokens, one.chip] for one in mine.thanks
    ]
    return sheet("recognition", head, rows)


# ---------------------------------------------------------------------------------------------- the right of reply
@router.post("/recognition/of/{case}/reply")
async def reply(case: CaseId, acting: Replies) -> Response:
    """Let somebody answer a decision that did not recognise what they did."""
    member = acting.caller.member
    verdicts = await acting.rooms.rows.find(tables.verdict, {"case": case, "result": "pass"})
    if all(member not in loads(row["beneficiaries"]) for row in verdicts):
        raise NotFound("recognition", case)
    try:
        request = AddNote(case, acting.form.need("reply"))
        await acting.rooms.desk.add_note(acting.who, acting.key, request)
    except Refused as refusal:
        return await _refused(acting, refusal)
    return RedirectResponse(
        "/recognition?said=replied", status_code=303, headers={"Cache-Control": "no-store"}
    )


@router.post("/recognition/of/{case}/disputes/{dispute}/answer")
async def answer(case: CaseId, dispute: CaseId, acting: Answers) -> Response:
    """Let somebody who was asked answer, once; whoever decides reads it first."""
    await acting.rooms.rows.need("dispute", tables.dispute, case=case, dispute=dispute)
    member = acting.form.maybe("member") or acting.caller.member
    try:
        request = AnswerDispute(case, dispute, member, acting.form.need("reply"))
        await acting.rooms.desk.answer_dispute(acting.who, acting.key, request)
    except Refused as refusal:
        return await _refused(acting, refusal)
    return RedirectResponse(
        "/recognition?said=replied", status_code=303, headers={"Cache-Control": "no-store"}
    )


async def _refused(acting: Acting, refusal: Refused) -> Response:
    """Show the page as it stands now, with a note that says why nothing was done."""
    body, _ = of_error(refusal)
    await acting.request.app.state.journal.refused(acting.request, body["status"], body["code"])
    return await page(acting, acting.frame, trouble_of(acting.frame.words, body), body["status"])
