"""What was asked about a recognition, and what was answered: the same box on every page that shows it.

Whoever is asked sees it first, on their own page: what is planned or asked, by whom, why, until when, and a form to
answer once. Whoever decides sees the answer before they can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import or_

from api.dossiers import Dossier, Staff, dossiers
from api.pages.cards import People, title_of
from api.pages.thanks import ENDED, NOT_GIVEN, PLANNED_NO, QUESTIONS, reason
from api.pages.words import Words, mark
from api.scope import Row, Scoped
from casework import cases, disputes, replies, tables
from ledger.codec import loads

SHOWN_MAX = 50
"""Cases looked through for questions on the page of decisions, the latest first."""
LEAD: Mapping[str, tuple[str, str]] = {
    replies.QUESTION: (mark("There is a question about this."), mark("There is a question about this.")),
    replies.DECLINE: (
        mark("Somebody means to end this recognition."),
        mark("Somebody means not to recognise this."),
    ),
    replies.REVOKE: (mark("Somebody asks to take this back."), mark("Somebody asks to take this back.")),
}
"""About -> what it says first: with an award, and before there is one."""
CLOSED: Mapping[str, str] = {
    "answered": mark("Closed: the question was answered."),
    "no_ground": mark("Closed: there was no ground for it."),
    "mistaken": mark("Closed: it was asked by mistake."),
    "withdrawn": mark("Taken back by whoever asked."),
}
CLOSING: Mapping[str, str] = {
    "answered": mark("The question was answered"),
    "no_ground": mark("There was no ground for it"),
    "mistaken": mark("It was asked by mistake"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """One answer."""

    who: str
    when: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """One dispute in words. `waits` says for whom and until when; `mine`: the reader is asked and has not answered."""

    case: str
    dispute: str
    lead: str
    why: str
    asked: str
    note: str
    waits: str
    answers: tuple[Said, ...]
    open: bool
    ready: bool
    """Whether everybody answered or the time is over: then what was planned may be done."""
    about: str
    reason_code: str
    mine: bool
    member: str
    closes: tuple[tuple[str, str], ...] = ()
    """Why the reader may close it, as buttons; none where they may not."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Who reads it, by all their accounts, and how: everything that the words depend on."""

    rows: Scoped
    member: str
    people: People
    words: Words
    now: str
    staff: Staff | None = None
    """Who may do what; without it nothing is offered but to answer."""


async def questions_of(dossier: Dossier, looking: Looking) -> list[Question]:
    """Return what was asked about the recognition of a case, the open one first, then the latest first."""
    if not dossier.disputes:
        return []
    rows = looking.rows
    found = await rows.find(tables.dispute_answer, {"case": dossier.id})
    items = [one["note_item"] for one in dossier.disputes] + [one["reply_item"] for one in found]
    texts = await rows.open_all(item for item in items if item is not None)
    members = await rows.find(tables.member)
    here = {str(one["same_as"] or one["member"]) for one in members if one["active"]}
    known = _Known(
        found, texts, {str(one["member"]): str(one["same_as"] or one["member"]) for one in members}, here
    )
    told = [
        _question(one, dossier, known, looking)
        for one in sorted(dossier.disputes, key=lambda one: -int(one["seq"]))
    ]
    return sorted(told, key=lambda one: not one.open)


@dataclass(frozen=True, slots=True)
class _Known:
    """The answers and texts of one case; account -> first account of the person; the persons who are here."""

    answers: list[Row]
    texts: Mapping[str, object]
    persons: Mapping[str, str]
    here: set[str]

    def text(self, item: str | None) -> str:
        return str(self.texts.get(item or "") or "")


def _question(row: Row, dossier: Dossier, known: _Known, looking: Looking) -> Question:
    words, people = looking.words, looking.people
    given = [one for one in known.answers if one["dispute"] == row["dispute"]]
    answered = {str(one["member"]) for one in given}
    named = [str(one) for one in loads(row["members"])]
    missing = [one for one in named if one not in answered and known.persons.get(one) in known.here]
    is_open, over = dossier.case["dispute"] == row["dispute"], looking.now >= row["reply_until"]
    reader = known.persons.get(looking.member)
    of_me = [one for one in missing if known.persons.get(one) == reader]
    who = people.name(str(row["asked_by"]), words)
    lead = LEAD[row["about"]][row["award"] is None]
    return Question(
        case=dossier.id,
        dispute=str(row["dispute"]),
        lead=words.gettext(lead),
        why=why_words(row["about"], row["reason_code"], row["award"] is None, words),
        asked=words.gettext("Asked by %(who)s, %(time)s", who=who, time=words.moment(str(row["asked_at"]))),
        note=known.text(row["note_item"]),
        waits=_waits(row, missing, bool(given), is_open, over, bool(of_me), people, words),
        answers=tuple(
            Said(
                people.name(str(one["member"]), words),
                words.moment(str(one["at"])),
                known.text(one["reply_item"]) or words.gettext("(The words were erased.)"),
            )
            for one in sorted(given, key=lambda one: int(one["seq"]))
        ),
        open=is_open,
        ready=is_open and (over or not missing),
        about=str(row["about"]),
        reason_code=str(row["reason_code"]),
        mine=is_open and bool(of_me),
        member=of_me[0] if of_me else "",
        closes=_closes(row, dossier, known, looking) if is_open else (),
    )


def _closes(row: Row, dossier: Dossier, known: _Known, looking: Looking) -> tuple[tuple[str, str], ...]:
    words = looking.words
    if not _may_close(dossier, looking):
        return ()
    if known.persons.get(str(row["asked_by"])) == known.persons.get(looking.member):
        return ((disputes.WITHDRAWN, words.gettext("I take it back")),)
    return tuple((code, words.gettext(said)) for code, said in CLOSING.items())


def why_words(about: str, code: str, is_before: bool, words: Words) -> str:
    """Return the reason of a question, or of the end that is planned."""
    if about == replies.QUESTION:
        return reason(QUESTIONS, code, words)
    return reason((PLANNED_NO if code in PLANNED_NO else NOT_GIVEN) if is_before else ENDED, code, words)


def _waits(
    row: Row,
    missing: list[str],
    answered: bool,
    is_open: bool,
    over: bool,
    own: bool,
    people: People,
    words: Words,
) -> str:
    if not is_open:
        closed = CLOSED.get(str(row["close_reason"]))
        return words.gettext("It is over.") if closed is None else words.gettext(closed)
    until = words.moment(str(row["reply_until"]))
    if over and missing:
        return words.gettext(
            "The time to answer was over on %(time)s. Whoever decides may decide now.", time=until
        )
    if not missing and not answered:  # whoever was recognised asked it themselves
        return words.gettext("It waits for a decision, and nothing goes on until then.")
    if not missing:
        return words.gettext("Answered. It waits for a decision, and nothing goes on until then.")
    names = words.listed(people.name(one, words) for one in missing)
    if row["award"] is None and own:
        return words.gettext(
            "It is decided only after you have answered; you have until %(time)s.", time=until
        )
    if row["award"] is None:
        return words.gettext(
            "It is decided only after %(names)s answered, or from %(time)s on.", names=names, time=until
        )
    if own:
        return words.gettext(
            "Nothing is taken back before you have answered; you have until %(time)s.", time=until
        )
    return words.gettext(
        "Nothing is taken back before %(names)s answered, or until %(time)s.", names=names, time=until
    )


async def asked_of(rows: Scoped, member: str) -> list[str]:
    """Return the cases in which this person, by any account, is asked something that is open, the latest first."""
    members = {
        str(one["member"]): str(one["same_as"] or one["member"]) for one in await rows.find(tables.member)
    }
    mine = {one for one, person in members.items() if person == members.get(member)}
    found = await rows.find(tables.case_file, also=[tables.case_file.c.dispute.is_not(None)])
    named = [str(row["dispute"]) for row in found]
    open_ones = await rows.find(tables.dispute, {"dispute": named}, order="seq") if named else []
    return [str(row["case"]) for row in open_ones if mine & set(loads(row["members"]))]


def question_reasons(words: Words) -> tuple[tuple[str, str], ...]:
    """Return the reasons of a question, as buttons."""
    return tuple((code, words.gettext(QUESTIONS[code])) for code in disputes.QUESTION_REASONS)


async def waiting_questions(looking: Looking, but: frozenset[str]) -> list[tuple[str, str, str]]:
    """Return (address, title, how it stands) of what is asked about recognition and this reader may close or decide,
    and of what waited too long for a yes or a no and came to them; `but`: cases whose card says it already."""
    rows, words, asked = looking.rows, looking.words, tables.case_file.c
    wanted = or_(asked.dispute.is_not(None), asked.asked_to == looking.member)
    files = await rows.find(tables.case_file, order="opened_seq", limit=SHOWN_MAX, also=[wanted])
    told = []
    for dossier in await dossiers(rows, files):
        to_me = dossier.case["asked_to"] == looking.member
        path, said = (
            f"/decisions?open={dossier.id}",
            words.gettext("Nobody decided in time; you are asked now."),
        )
        if dossier.dispute is None:
            if to_me and dossier.case["state"] == cases.RESOLVED:
                told.append((path, title_of(dossier, words), said))
        elif to_me or (dossier.id not in but and _may_close(dossier, looking)):
            (one, *_) = await questions_of(dossier, looking)
            award = dossier.dispute["award"]
            path = path if award is None else f"/recognition/{award}"
            told.append((path, title_of(dossier, words), f"{said if to_me else one.lead} {one.waits}"))
    return told


def _may_close(dossier: Dossier, looking: Looking) -> bool:
    return looking.staff is not None and looking.staff.may(looking.member, "close_dispute", dossier)
