"""Routine work on its own page in words: the note of a shift and how it is read back, a course and who saw it, somebody
who was brought. Pure: what was looked up goes in, forms come out; routine.py takes what was filled in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.dossiers import Dossier
from api.pages.cards import People, was_found_lacking
from api.pages.planned_words import FIRST, instant
from api.pages.words import Words, mark
from casework import cases
from casework.work import is_routine_origin, learner_of

HANDOVER, TRAINING, REFERRAL = "handover", "training", "referral"
NOTE, BACK, ASSESSMENT, RESULT = "handover_note", "read_back", "assessment", "training_result"
AFTER = (cases.IN_ACTION, cases.AWAITING_REVIEW)
"""States in which what was reported is still looked at, and more may come."""
OVER = cases.ENDED - {cases.RESOLVED}
"""States in which nothing more is to come."""
TAKEN_HOURS = 8
"""Until when an open thing is handed on unless another time is typed: the length of a shift."""
EXTRA_KIND, EXTRA_ID = "task", "1"
"""What is handed over beside what this record knows to be open."""

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class OpenThing:
    """Something open that a note has to name. `key` names its fields in the form; the rest is what stood there last."""

    key: str
    id: str
    title: str
    owner: str
    due: str
    says: str


@dataclass(frozen=True, slots=True)
class NoteForm:
    """The form of a note. `typed`: what was typed before a refusal; `extra` what is handed over beside the rest."""

    shift: str
    things: tuple[OpenThing, ...]
    extra: OpenThing
    people: Options
    typed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Handed:
    """One open point of a note as the next shift reads it; `taken`: "" unanswered, else yes or no as typed."""

    key: str
    kind: str
    id: str
    title: str
    who: str
    due: str
    says: str
    path: str
    taken: str = ""


@dataclass(frozen=True, slots=True)
class NoteShown:
    """A note as it is read. `evidence`: its id; `by`, `at`: who wrote it and when."""

    evidence: str
    by: str
    at: str
    status: str
    actions: str
    contingencies: str
    things: tuple[Handed, ...]


@dataclass(frozen=True, slots=True)
class BackForm:
    """The form of whoever takes over. `shown`: the token of when the note was first shown to them."""

    shown: str
    text: str
    next_one: str
    """Whom the rota has next, "" where no record says."""
    unknown_name: str = ""
    """What the rota calls whoever is next, where nobody said who that is."""


@dataclass(frozen=True, slots=True)
class ResultForm:
    """The provider's results under an account of the reader, of which one is brought; the latest first."""

    results: Options
    typed: str


@dataclass(frozen=True, slots=True)
class Routine:
    """What stands on the page of routine work beside the rest. `key` begins the keys of its forms; `opened` is the form
    that stands open; `done`: it may be said that it is done; `said`: lead, rest and tone of how it stands."""

    key: str
    opened: str
    said: tuple[str, str, str] | None = None
    note_form: NoteForm | None = None
    note: NoteShown | None = None
    back_form: BackForm | None = None
    result_form: ResultForm | None = None
    assess: str = ""
    done: bool = False

    @property
    def can(self) -> frozenset[str]:
        """Return the steps of missing_words.py that stand on the page for this reader."""
        there = {
            "handover": self.note_form,
            "read-back": self.back_form,
            "course": self.result_form,
            "assess": self.assess,
            "work-done": self.done,
        }
        return frozenset(name for name, form in there.items() if form)


def work_of(dossier: Dossier) -> str:
    """Return which routine work a case is of: check, handover, training, referral; "" where it is none."""
    return str(dossier.facts().get("work") or "") if is_routine_origin(dossier.case["origin"]) else ""


# ---------------------------------------------------------------------------------------------- hand-over
def note_of(dossier: Dossier, people: People, titles: Mapping[str, str], words: Words) -> NoteShown | None:
    """Return the latest note that counts, None: there is none, or it was erased."""
    items = [item for item in dossier.live if item["type"] == NOTE]
    facts = dossier.text(items[-1], "facts_item") if items else None
    if facts is None:
        return None
    things = []
    for number, one in enumerate(facts["items"]):
        is_case = one["kind"] == "case"
        title = titles.get(one["id"], "") if is_case else ""
        things.append(
            Handed(
                key=str(number),
                kind=one["kind"],
                id=one["id"],
                title=title or words.gettext("Something else that is open"),
                who=people.name(one["owner"], words),
                due=words.moment(one["due_at"]) if one["due_at"] else "",
                says=one["says"],
                path=f"/exceptions/{one['id']}" if is_case else "",
            )
        )
    return NoteShown(
        evidence=str(items[-1]["evidence"]),
        by=people.name(str(facts["member"]), words),
        at=words.moment(str(facts["at"])),
        status=facts["status"],
        actions=facts["actions"],
        contingencies=facts["contingencies"],
        things=tuple(things),
    )


def writes_note(dossier: Dossier, member: str) -> bool:
    """Say whether this member may write the note now: nobody did, or it is their own that was not read yet."""
    row = dossier.case
    return row["state"] in FIRST and row["action_by"] is None


def reads_back(dossier: Dossier, member: str) -> bool:
    """Say whether this member may say what they understood: there is a note, and it is not theirs."""
    row = dossier.case
    there = any(item["type"] == NOTE for item in dossier.live)
    return there and row["state"] in AFTER and row["action_by"] != member and row["award"] is None


def note_form(
    dossier: Dossier,
    open_now: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    options: Options,
    typed: Mapping[str, str],
    words: Words,
) -> NoteForm:
    """Return the form of a note, with everything that is open at this moment."""
    facts = dossier.facts()
    starts = str(facts.get("next_starts_at") or words.now)
    until = local_of(instant(datetime.fromisoformat(starts) + timedelta(hours=TAKEN_HOURS)), words.zone)
    things = [
        OpenThing(
            key=one["id"],
            id=one["id"],
            title=titles.get(one["id"], ""),
            owner=typed.get(f"owner-{one['id']}") or str(one["fields"]["owner"] or ""),
            due=typed.get(f"due-{one['id']}") or until,
            says=typed.get(f"says-{one['id']}", ""),
        )
        for one in open_now
    ]
    extra = OpenThing(
        "extra",
        EXTRA_ID,
        "",
        typed.get("owner-extra", ""),
        typed.get("due-extra") or until,
        typed.get("says-extra", ""),
    )
    return NoteForm(str(facts.get("shift", "")), tuple(things), extra, options, typed)


def local_of(instant_text: str, zone: ZoneInfo) -> str:
    """Return an instant as a field of date and time shows it, in the venue's zone: 2026-11-20T22:00."""
    return datetime.fromisoformat(instant_text).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def instant_of_local(typed: str, zone: ZoneInfo) -> str | None:
    """Return what a field of date and time says as an instant, None: it says none."""
    try:
        moment = datetime.strptime(typed, "%Y-%m-%dT%H:%M").replace(tzinfo=zone)
    except ValueError:
        return None
    return instant(moment.astimezone(UTC))


def handed_said(
    dossier: Dossier, member: str, people: People, next_one: str, words: Words
) -> tuple[str, str, str] | None:
    """Return how a hand-over stands, once it is written: lead, rest, tone."""
    row = dossier.case
    if row["action_by"] is None or row["award"] is not None or row["state"] in OVER:
        return None
    backs = [item for item in dossier.live if item["type"] == BACK]
    if not backs:
        wanted = next_one or words.gettext("somebody of the next shift")
        lead = words.gettext("Handed over.")
        if row["action_by"] != member:
            return (
                words.gettext("Handed over to the next shift."),
                words.gettext("It is not read back yet."),
                "wait",
            )
        return lead, words.gettext("Now %(who)s reads it and says what they understood.", who=wanted), "wait"
    facts = dossier.text(backs[-1], "facts_item") or {}
    who = people.name(str(facts.get("member") or backs[-1]["attached_by"]), words)
    lead = words.gettext("Read back by %(who)s.", who=who)
    if was_found_lacking(dossier):
        return lead, words.gettext("Something is still missing; it stands above."), "wait"
    if row["state"] == cases.RESOLVED:
        return lead, words.gettext("Everything fits. It waits for the recognition."), "done"
    return lead, words.gettext("It is being checked."), "wait"


# ---------------------------------------------------------------------------------------------- courses, referrals
def brings_result(dossier: Dossier, member: str) -> bool:
    """Say whether this member may bring the provider's result: it is their course, and it is not recognised."""
    row = dossier.case
    return row["state"] in (*FIRST, *AFTER) and learner_of(row) == member and row["award"] is None


def says_done(dossier: Dossier, member: str) -> bool:
    """Say whether this member may say that it is done: their own claim, that nobody said it of yet."""
    row = dossier.case
    return row["origin"] == "claim" and row["state"] in FIRST and row["opened_by"] == member


def has_result(dossier: Dossier) -> bool:
    """Say whether a provider's result of a course is there already."""
    return any(item["type"] == RESULT for item in dossier.live)


def assesses(dossier: Dossier, member: str, named: Collection[str]) -> bool:
    """Say whether this member may be asked what they saw, by the courses for which they are named; the desk decides, by
    all their accounts."""
    row = dossier.case
    open_ = row["state"] in (*FIRST, *AFTER, cases.RESOLVED) and row["award"] is None
    return open_ and learner_of(row) != member and dossier.facts().get("course") in named


COURSE_SAID: Mapping[str, tuple[str, str]] = {
    "none": (
        mark("Noted that you do this course."),
        mark("Bring the provider's result when you have it; a certificate as a file counts for little."),
    ),
    "brought": (
        mark("The result was brought for you."),
        mark("Say below that the course is done; then it is checked."),
    ),
    "seen": (
        mark("The result is here."),
        mark("Somebody who is named for this course and saw that you can do it says so on this page."),
    ),
}
REFERRAL_SAID: Mapping[str, tuple[str, str]] = {
    "lodged": (
        mark("Written down before anybody here was in touch."),
        mark(
            "Next: ask them for their yes with a link. Then somebody else here looks after them, and the record of "
            "them shows what came of it."
        ),
    ),
    "agreed": (
        mark("They said yes."),
        mark(
            "It has to last a while before it counts. Bring the record of them once they have paid, or begun, and "
            "say that it is done."
        ),
    ),
    "no": (
        mark("They said no."),
        mark("It goes no further, and nothing about them is kept here but a code."),
    ),
}


def course_said(dossier: Dossier, words: Words) -> tuple[str, str, str] | None:
    """Return how a course stands for whoever takes it."""
    if dossier.case["award"] is not None or dossier.case["state"] in OVER:
        return None
    there = {item["type"] for item in dossier.live}
    if RESULT not in there:
        lead, rest = COURSE_SAID["none"]
    elif says_done(dossier, str(learner_of(dossier.case))):
        lead, rest = COURSE_SAID["brought"]
    elif ASSESSMENT not in there and dossier.case["state"] != cases.RESOLVED:
        lead, rest = COURSE_SAID["seen"]
    else:
        return None
    return words.gettext(lead), words.gettext(rest), "wait"


def referral_said(dossier: Dossier, words: Words) -> tuple[str, str, str] | None:
    """Return how a referral stands, and what comes next."""
    if dossier.case["award"] is not None or dossier.case["state"] in OVER:
        return None
    answers = [
        dossier.text(item, "facts_item") or {}
        for item in dossier.live
        if item["type"] == "customer_confirmation"
    ]
    code = "lodged"
    if answers:
        code = "agreed" if all(one.get("answer") == "resolved" for one in answers) else "no"
    lead, rest = REFERRAL_SAID[code]
    return words.gettext(lead), words.gettext(rest), "attention" if code == "no" else "wait"
