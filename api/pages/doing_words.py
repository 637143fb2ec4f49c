"""The forms of an exception's page in words: what each step offers. Pure; doing.py takes what was filled in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from api.dossiers import Dossier
from api.earlier_records import EarlierRecord
from api.pages.cards import REOPENINGS, People, act_words, tile_of
from api.pages.possible import NOTE, REFERRAL, approved, close_reasons, is_asked_for, own_items, resolutions
from api.pages.words import Words, mark
from api.scope import Row
from casework import cases
from casework.staffing import Answer
from ledger.codec import loads

Options = tuple[tuple[str, str], ...]
"""(value, words) of a choice."""

OTHER_ACT = "something_else"
KINDS_MAX = 40

SAID: Mapping[str, str] = {
    "in-hand": mark("Noted: you have it in hand."),
    "suggested": mark("Suggested. Somebody who may decide sees it now."),
    "done": mark("Written down: you did it."),
    "checked-in": mark("You are checked in. Now write down what you find."),
    "handed-over": mark("Handed over. The next shift reads it and says what they understood."),
    "read-back": mark("Read back. It is checked next."),
    "result-here": mark("The result is here. It is checked next."),
    "assessed": mark("Written down: what you saw."),
    "work-done": mark("Written down: it is done. It is checked next."),
    "written-down": mark("Written down. It is looked at next."),
    "evidence": mark("The evidence is with it now."),
    "withdrawn": mark("Taken back. It stays visible, and does not count."),
    "result": mark("The result is written down. It is checked next."),
    "passed": mark("Passed on."),
    "no-problem": mark("Closed as not a problem. The watch learns from it."),
    "closed": mark("Closed."),
    "reopened": mark("Open again, with whoever had it."),
    "noted": mark("The remark is with it now."),
}
"""What the toast says after a form of this page."""

UNTIL: tuple[tuple[str, str], ...] = (
    ("1h", mark("in one hour")),
    ("4h", mark("in four hours")),
    ("tomorrow", mark("tomorrow at noon")),
    ("3d", mark("in three days")),
)
PASS_REASONS: tuple[tuple[str, str], ...] = (
    ("handed_over", mark("I hand it over")),
    ("absent", mark("Whoever has it is away")),
)
WITHDRAW_REASONS: tuple[tuple[str, str], ...] = (
    ("mistaken", mark("It was a mistake")),
    ("not_mine", mark("It belongs to something else")),
    ("private", mark("It shows something private")),
    ("replaced", mark("There is a better one")),
)
CLOSINGS: Mapping[str, str] = {
    "done": mark("It is done"),
    "not_recognised": mark("It is done, without a recognition"),
    "duplicate": mark("It is the same as another one"),
    "accepted_risk": mark("We leave it as it is"),
    "self_cleared": mark("It sorted itself out"),
}
RESOLUTIONS: Mapping[str, str] = {
    "fixed": mark("It is solved"),
    "accepted_risk": mark("We leave it as it is"),
    "false_alarm": mark("It was not a problem"),
    "duplicate": mark("It is the same as another one"),
}
IMPACTS: tuple[tuple[str, str], ...] = (
    ("none", mark("Nobody was harmed")),
    ("harm", mark("It did harm")),
    ("unknown", mark("We do not know yet")),
)
LINK_DAYS: tuple[tuple[str, str], ...] = (
    ("1", mark("one day")),
    ("3", mark("three days")),
    ("7", mark("seven days")),
)
KINDS: Mapping[str, str] = {
    "booking": mark("the booking"),
    "complaint": mark("the complaint"),
    "quote": mark("the quote"),
    "lead": mark("the inquiry"),
    "contract": mark("the contract"),
    "shift": mark("the shift"),
    "stock": mark("the stock count"),
    "service": mark("the service"),
}
"""Kinds of the shipped vocabulary; another one is shown as its own name says it."""


@dataclass(frozen=True, slots=True)
class Forms:
    """What the forms show: `can` are the steps of possible.py; the rest are their options."""

    can: frozenset[str]
    key: str
    seen: str
    acts: Options
    currency: str
    until: Options
    people: Options
    pass_reasons: Options
    own: Options
    withdraw_reasons: Options
    closings: Options
    resolutions: Options
    impacts: Options
    reopenings: Options
    link_days: Options
    kinds: Options
    subject: tuple[str, str, str] | None
    """Kind, id and words of the record that this is about."""
    earlier: tuple[tuple[str, str, str], ...]
    """Kind, id and words of records that knew the guest before."""
    brought: bool
    """It is somebody who was brought, whose yes is asked for."""
    guest: bool
    """The record says which guest it is."""
    to_do: str
    """What was approved and is to be done."""
    opened: str
    """The step whose form is shown open."""
    later: str
    """What happens when nobody answers, where it waits for a decision."""

    @property
    def offers(self) -> bool:
        """Say whether there is a step beside a remark."""
        return bool(self.can - {NOTE})


def kind_words(kind: str, words: Words) -> str:
    """Return a kind of record in words: "the booking"."""
    known = KINDS.get(kind)
    return words.gettext(known) if known else kind.replace("_", " ")


def said(options: Sequence[tuple[str, str]], words: Words) -> Options:
    """Return the options in the reader's language."""
    return tuple((value, words.gettext(text)) for value, text in options)


def until_of(code: str, words: Words, now: str) -> str | None:
    """Return the instant that a choice of UNTIL means, RFC 3339 UTC; None: it is none of them."""
    at = datetime.fromisoformat(now)
    if code == "tomorrow":
        local = (at.astimezone(words.zone) + timedelta(days=1)).replace(
            hour=12, minute=0, second=0, microsecond=0
        )
        at = local.astimezone(UTC)
    elif code in ("1h", "4h"):
        at += timedelta(hours=int(code[0]))
    elif code == "3d":
        at += timedelta(days=3)
    else:
        return None
    return f"{at.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def forms_of(
    dossier: Dossier,
    steps: Sequence[str],
    answers: Mapping[str, Answer],
    people: People,
    words: Words,
    watch: Mapping[str, Any],
    kinds: Sequence[Row],
    member: str,
    key: str,
    opened: str = "",
    earlier: Sequence[EarlierRecord] = (),
) -> Forms:
    """Return the forms of the steps that this member may take."""
    row = dossier.case
    subject = dossier.text(row, "subject_item") or {}
    about = None
    if subject.get("kind") and subject.get("id") and not is_asked_for(dossier):
        about = (str(subject["kind"]), str(subject["id"]), kind_words(str(subject["kind"]), words))
    names = loads(kinds[0]["content"]).get("kinds", {}) if kinds else {}
    named = sorted((kind_words(name, words), name) for name in list(names)[:KINDS_MAX])
    others = [(one, people.name(one, words)) for one in answers["take_action"].members if one != row["owner"]]
    tiles = ((item, tile_of(dossier, item, people, words)) for item in own_items(dossier, member))
    return Forms(
        can=frozenset(steps),
        key=key,
        seen=str(row["changed_seq"]),
        acts=_acts(watch, words),
        currency=words.currency,
        until=said(UNTIL, words),
        people=tuple(sorted(others, key=lambda one: one[1].casefold())),
        pass_reasons=said(PASS_REASONS, words),
        own=tuple((str(item["evidence"]), f"{tile.what}, {tile.whence}") for item, tile in tiles),
        withdraw_reasons=said(WITHDRAW_REASONS, words),
        closings=said([(code, CLOSINGS[code]) for code in close_reasons(dossier)], words),
        resolutions=said([(code, RESOLUTIONS[code]) for code in resolutions(dossier)], words),
        impacts=said(IMPACTS, words),
        reopenings=said(REOPENINGS, words),
        link_days=said(LINK_DAYS, words),
        kinds=tuple((name, text) for text, name in named),
        subject=about,
        earlier=tuple((one.kind, one.record, kind_words(one.kind, words)) for one in earlier),
        brought=row["award_kind"] == REFERRAL,
        guest=bool(subject.get("customer")),
        to_do=_to_do(dossier, words),
        opened=opened,
        later=_later(dossier, people, words),
    )


def _acts(watch: Mapping[str, Any], words: Words) -> Options:
    decision = watch.get("decision") or {}
    acts = [decision["action"], *decision.get("options", ())] if decision else []
    listed = [(act, act_words(act, words)) for act in dict.fromkeys(acts) if act != OTHER_ACT]
    return (*listed, (OTHER_ACT, words.gettext("Something else, in my own words")))


def _to_do(dossier: Dossier, words: Words) -> str:
    found = approved(dossier)
    if found is None:
        return ""
    asked = next((one for one in dossier.proposals if one["proposal"] == found["proposal"]), None)
    return act_words(asked["action"], words) if asked is not None else ""


def _later(dossier: Dossier, people: People, words: Words) -> str:
    if dossier.case["state"] != cases.AWAITING_DECISION:
        return ""
    return words.gettext(
        "It stays in Decisions until somebody who may decide has answered: silence is never a yes. It belongs to "
        "%(who)s, and goes one step up if nobody does anything with it. A remark is enough to say that it is seen.",
        who=people.name(dossier.case["owner"], words),
    )
