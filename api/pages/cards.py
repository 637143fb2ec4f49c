"""A case as a card: what happened, why it matters, what is suggested, what evidence supports it, then the buttons.

Pure: a dossier, names and words in; sentences out. The card is the same on every page that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.dossiers import Dossier
from api.matters import ACTION, AWARD, REVIEW
from api.pages.inbox import Matter
from api.pages.planned_words import planned_facts
from api.pages.possible import is_asked_for
from api.pages.shipped import VALUES, field_name, title_words
from api.pages.words import Words, mark
from api.scope import Row
from casework import cases, mail_worth
from casework.work import RECOGNISE
from ledger.codec import loads
from ledger.entries import SYSTEM

TITLE_CHARS_MAX = 200
_WORD = re.compile(r"[a-z]+(_[a-z]+)+")
"""A value that a system spells as one word: `wine_pairing`."""
FACTS_SHOWN_MAX = 8


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that was so: its name, its value in words, the page of the record it comes from."""

    name: str
    value: str
    source: str | None


@dataclass(frozen=True, slots=True)
class Tile:
    """One item of evidence. `missing`: it is still needed, and `what` says how the page asks for it."""

    what: str
    whence: str
    check: str
    icon: str
    missing: bool = False
    evidence: str = ""
    picture: bool = False
    withdrawn: bool = False
    do: str = "bring"
    """Of a missing one: the part of the page that brings it."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What somebody or something suggests. `helper`: a digital employee or the watch speaks."""

    who: str
    text: str
    act: str
    helper: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One exception as everybody sees it."""

    case: str
    path: str
    title: str
    chip: str
    tone: str
    at_stake: str
    done: int
    now: int
    failed: bool
    happened: str
    claims: tuple[Claim, ...]
    why: str
    owner: str
    suggested: Suggested | None
    tiles: tuple[Tile, ...]
    ago: str


@dataclass(frozen=True, slots=True)
class People:
    """Names by member id, and which members are digital employees."""

    names: Mapping[str, str]
    helpers: frozenset[str]

    def name(self, member: str | None, words: Words) -> str:
        """Return how somebody is called on a page."""
        if member == SYSTEM:
            return words.gettext("the watch")
        if member is None:
            return words.gettext("nobody")
        return self.names.get(member) or words.gettext("somebody who left")


ACTS: Mapping[str, str] = {
    "change-the-rota": mark("Change the rota"),
    "agree-something-else-with-the-guest": mark("Agree something else with the guest"),
    "contact-the-guest": mark("Contact the guest"),
    "offer-compensation": mark("Offer compensation"),
    "order-or-borrow": mark("Order or borrow"),
    "change-the-menu": mark("Change the menu"),
    "send-follow-up": mark("Send a follow-up"),
    "mark-as-lost": mark("Mark it as lost"),
    "wait-a-week": mark("Wait a week"),
    "finish-the-recovery": mark("Finish putting it right"),
    "apologise-and-close": mark("Apologise and close"),
    "renegotiate": mark("Renegotiate"),
    "renew": mark("Renew"),
    "give-notice": mark("Give notice"),
    "contact-the-lead": mark("Contact them"),
    "close-the-lead": mark("Close it"),
    "do-nothing": mark("Do nothing"),
    "something_else": mark("Something else"),
}
"""Actions of the shipped watches; another one is shown as its own name says it."""

EVIDENCE: Mapping[str, tuple[str, str]] = {
    "system_record": (mark("A record of the system"), "file"),
    "customer_confirmation": (mark("The guest's own answer"), "speech"),
    "photo": (mark("A photo"), "camera"),
    "file": (mark("A file"), "file"),
    "statement": (mark("Somebody's word"), "speech"),
    "check_in": (mark("A check-in at the place"), "check"),
    "reading": (mark("A reading"), "file"),
    "handover_note": (mark("A hand-over note"), "file"),
    "read_back": (mark("What the next shift understood"), "speech"),
    "snapshot": (mark("What was open at that moment"), "file"),
    "assessment": (mark("What somebody saw them do"), "eye"),
    "webhook": (mark("What a system said"), "file"),
    "training_result": (mark("A result of a course"), "file"),
    "signed_mail": (mark("A signed mail"), "speech"),
    "time_stamp": (mark("A time stamp"), "file"),
}
"""Type -> what it is, icon."""

GRADES: Mapping[str, str] = {
    "E0": mark("only said so"),
    "E1": mark("an uploaded file"),
    "E2": mark("taken here"),
    "E3": mark("held against an independent record"),
    "E4": mark("signed by a third party"),
}
REVIEWS: Mapping[str, str] = {
    "accepted": mark("looked at: it holds"),
    "refused": mark("looked at: it does not hold"),
}

STATES: Mapping[str, tuple[str, str, int, int]] = {
    cases.DETECTED: (mark("Noticed"), "attention", 1, 2),
    cases.SUPPRESSED: (mark("Hidden for now"), "quiet", 1, 0),
    cases.UNKNOWN: (mark("Cannot see"), "quiet", 1, 2),
    cases.ASSIGNED: (mark("Somebody owns it"), "wait", 1, 2),
    cases.ACKNOWLEDGED: (mark("In hand"), "wait", 1, 2),
    cases.AWAITING_DECISION: (mark("To decide"), "attention", 2, 3),
    cases.IN_ACTION: (mark("Being done"), "wait", 3, 4),
    cases.AWAITING_REVIEW: (mark("Being checked"), "wait", 3, 4),
    cases.RESOLVED: (mark("Solved"), "done", 4, 5),
    cases.CLEARED: (mark("Sorted itself out"), "quiet", 5, 0),
    cases.EXPIRED: (mark("We missed this"), "late", 1, 2),
    cases.REOPENED: (mark("It came back"), "attention", 1, 2),
    cases.CLOSED: (mark("Closed"), "quiet", 5, 0),
}
"""State -> chip, tone, notches done, notch that is now (0: none)."""

BACK_STATES = (cases.REOPENED, cases.ASSIGNED, cases.ACKNOWLEDGED)
"""A case that came back is in these until somebody suggests something again."""

PLANNED = mark("It is part of the plan here: done in time, it keeps small things small.")
WORTH_THANKS = mark("What somebody learns, or whom they bring, is worth a thank-you once others can see it.")
WORTH_TELLING = mark("Somebody here thought it worth telling.")


FOUND_LACKING = mark("What was found missing when it was checked")
MISSING_PART = "missing"

REOPENINGS: tuple[tuple[str, str], ...] = (
    ("not_fixed", mark("It was not solved after all")),
    ("signal_again", mark("The same thing came back")),
    ("customer_disputes", mark("The guest sees it otherwise")),
    ("closed_in_error", mark("It was closed by mistake")),
)
"""Reason -> why something came back."""
SIGNAL_AGAIN = "signal_again"
TRIED = mark("It came back. Done before:")
SAID_BEFORE = mark("It came back. Suggested before:")


KIND_NAMES = (
    mark("Booking"), mark("Shift"), mark("Stock"), mark("Service"), mark("Complaint"), mark("Quote"), mark("Lead"),
    mark("Contract"),
)  # fmt: skip
"""What the facts of another record than the case's own begin with; looked up by name in `field_words`."""


def act_words(action: str, words: Words) -> str:
    """Return an action in words: "Change the rota"."""
    known = ACTS.get(action) or ACTS.get(action.replace("_", "-"))
    if known is not None:
        return words.gettext(known)
    plain = action.replace("-", " ").replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]


def title_of(dossier: Dossier, words: Words) -> str:
    """Return the sentence a case is known by: what the watch said, or the reporter's own words."""
    said = dossier.text(dossier.case, "note_item")
    if not said:
        return words.gettext("Something outside the expected pattern")
    first = title_words(str(said).partition("\n")[0], words)
    return first if len(first) <= TITLE_CHARS_MAX else first[: TITLE_CHARS_MAX - 1] + "…"


def came_back(row: Row) -> bool:
    """Say whether a case was open before, and nothing new was suggested since."""
    return row["reason_code"] in cases.REOPEN_REASONS and row["state"] in BACK_STATES


def card_of(
    dossier: Dossier, people: People, words: Words, wanted: Mapping[str, Any], matter: Matter | None = None
) -> Card:
    """Return the card of a case. `wanted` is the content of its watch, {} where it has none; `matter` is what it
    waits for from the reader."""
    row = dossier.case
    chip, tone, done, now = STATES[row["state"]]
    why = str(wanted.get("why") or WORTH_TELLING)
    if is_asked_for(dossier):
        why = PLANNED if row["origin"] == "schedule" else WORTH_THANKS
    if came_back(row):
        chip, tone, *_ = STATES[cases.REOPENED]
    chip, tone = _chip(matter, words) or (words.gettext(chip), tone)
    if row["award"] is not None:
        done, now = 5, 0
    return Card(
        case=dossier.id,
        path=f"/exceptions/{dossier.id}",
        title=title_of(dossier, words),
        chip=chip,
        tone=tone,
        at_stake=_at_stake(dossier, matter, words),
        done=done,
        now=now,
        failed=row["state"] == cases.EXPIRED,
        happened=_happened(dossier, people, words),
        claims=_claims(dossier, words),
        why=words.gettext(why),
        owner=people.name(row["owner"], words),
        suggested=_suggested(dossier, people, words),
        tiles=(*_tiles(dossier, people, words), *_missing(dossier, wanted, words)),
        ago=words.moment(str(row["detected_at"])),
    )


def _chip(matter: Matter | None, words: Words) -> tuple[str, str] | None:
    if matter is None:
        return None
    if matter.due is not None and matter.kind == ACTION:
        return words.gettext("Decide by %(time)s", time=words.moment(matter.due)), "attention"
    return {
        ACTION: (words.gettext("To decide"), "attention"),
        REVIEW: (words.gettext("Look at the evidence"), "attention"),
        AWARD: (words.gettext("To recognise"), "attention"),
    }[matter.kind]


def _at_stake(dossier: Dossier, matter: Matter | None, words: Words) -> str:
    value = loads(dossier.case["value"]) if dossier.case["value"] else None
    if value is None:
        value = matter.value if matter else None
    if value is None or value["amount_minor"] <= 0:
        return ""
    return words.gettext("about %(money)s at stake", money=words.money(value))


def _happened(dossier: Dossier, people: People, words: Words) -> str:
    first = _at_first(dossier, people, words)
    reason = dossier.case["reason_code"]
    if reason not in cases.REOPEN_REASONS or dossier.back_at is None:
        return first
    again = words.gettext("It came back: %(time)s.", time=words.moment(dossier.back_at))
    if reason != SIGNAL_AGAIN:
        why = dict(REOPENINGS)[reason]
        again += f" {words.gettext(why)}."
    return f"{again} {first}"


def _at_first(dossier: Dossier, people: People, words: Words) -> str:
    row = dossier.case
    since = words.moment(str(row["onset"]))
    if row["origin"] == "signal":
        return words.gettext("A watch noticed it: %(time)s. It has been so since %(since)s.",
            time=words.moment(str(row["opened_at"])), since=since)  # fmt: skip
    if row["origin"] == "schedule":
        due = str(dossier.facts().get("due_at") or row["onset"])
        return words.gettext("It is due at %(time)s, as planned.", time=words.moment(due))
    who = people.name(row["opened_by"], words)
    if row["origin"] == "claim":
        return words.gettext("%(who)s asked for this to be recognised: %(time)s.",
            who=who, time=words.moment(str(row["opened_at"])))  # fmt: skip
    return words.gettext("%(who)s told us: %(time)s.", who=who, time=words.moment(str(row["opened_at"])))


def _claims(dossier: Dossier, words: Words) -> tuple[Claim, ...]:
    subject = dossier.text(dossier.case, "subject_item") or {}
    kind, record = subject.get("kind"), subject.get("id")
    source = f"/exceptions/{dossier.id}/source" if kind and record else None
    if is_asked_for(dossier):
        return tuple(Claim(label, said, None) for label, said in planned_facts(dossier.facts(), words))
    told = []
    for name, value in list(dossier.facts().items())[:FACTS_SHOWN_MAX]:
        said = value_words(value, words)
        if said:
            of = str(name).rpartition(".")[0]
            own, label = of in ("", kind), field_words(str(name), words)
            if not own:  # of the record beside it: the shift's start is not the booking's
                label = f"{field_words(of, words)}: {label}"
            told.append(Claim(label, said, source if own else None))
    return tuple(told)


def field_words(name: str, words: Words) -> str:
    """Return a field in words: `booking.starts_at` is "Starts at"."""
    return words.gettext(field_name(name))


def value_words(value: Any, words: Words) -> str:
    """Return a fact's value in words."""
    if value is None or value in ("", []):
        return ""
    if isinstance(value, bool):
        return words.gettext("yes") if value else words.gettext("no")
    if isinstance(value, int):
        return words.number(value)
    if isinstance(value, Mapping):
        return words.money(value) if "amount_minor" in value else ", ".join(map(str, value.values()))
    if isinstance(value, (list, tuple)):
        shown = dict.fromkeys(value_words(one, words) for one in value)
        return ", ".join(one for one in list(shown)[:FACTS_SHOWN_MAX] if one)
    text = str(value)
    if len(text) in (20, 24) and text[10] == "T" and text.endswith("Z"):
        return words.moment(text)
    if len(text) == 10 and text[4] == text[7] == "-" and text[:4].isdigit():
        return words.date(text)
    known = VALUES.get(text)
    if known is not None:
        return words.gettext(known)
    return text.replace("_", " ") if _WORD.fullmatch(text) else text


def _suggested(dossier: Dossier, people: People, words: Words) -> Suggested | None:
    proposal = dossier.proposal
    if proposal is None or proposal["action"] == RECOGNISE:
        return None  # of routine work: what was done is told, and there was nothing to agree to
    maker = str(proposal["maker"])
    who = words.gettext("Suggested by %(who)s", who=people.name(maker, words))
    if maker in people.helpers:
        who = words.gettext("Suggested by %(who)s (digital employee)", who=people.name(maker, words))
    act = act_words(proposal["action"], words)
    if came_back(dossier.case):  # what did not hold is no suggestion any more
        said = TRIED if dossier.case["action_by"] is not None else SAID_BEFORE
        return Suggested(words.gettext(said), "", act, False)
    text = "" if maker == SYSTEM else str(dossier.text(proposal, "text_item") or "")
    return Suggested(who, text, act, maker == SYSTEM or maker in people.helpers)


def _tiles(dossier: Dossier, people: People, words: Words) -> tuple[Tile, ...]:
    return tuple(tile_of(dossier, item, people, words) for item in sorted(dossier.evidence, key=_when))


def _when(item: Row) -> int:
    return int(item["seq"])


def brought_at(item: Row) -> str:
    """Return when an item was brought. A record was received when its source sent it, and is brought later."""
    return str(item["attached_at"] if item["type"] == "system_record" else item["received_at"])


def tile_of(dossier: Dossier, item: Row, people: People, words: Words) -> Tile:
    """Return the tile of one item of evidence, withdrawn ones too: they stay visible."""
    what, icon = EVIDENCE.get(item["type"], (item["type"].replace("_", " "), "file"))
    when = words.moment(brought_at(item))
    kind, _, who = str(item["submitter"]).partition(":")
    if kind == "customer":
        whence = words.gettext("through a link that works once, %(time)s", time=when)
    elif kind == "member":
        whence = words.gettext("brought by %(who)s, %(time)s", who=people.name(who, words), time=when)
    else:
        whence = words.gettext("from the system, %(time)s", time=when)
    check = words.gettext(GRADES.get(item["grade"], item["grade"]))
    if item["withdrawn"]:
        check = words.gettext("taken back; it does not count")
    elif (dossier.text(item, "facts_item") or {}).get("alike"):
        again = words.gettext("looks like an earlier photo")
        check = f"{check} · {again}"
    elif (signed := _signed_beside(dossier, item)) is not None:
        check = words.gettext("signed by %(domain)s, not by the sender's own domain", domain=signed)
    if item["review"] is not None and not item["withdrawn"]:
        check = f"{check} · {words.gettext(REVIEWS.get(item['review'], item['review']))}"
    return Tile(
        what=words.gettext(what),
        whence=whence,
        check=check,
        icon=icon,
        evidence=str(item["evidence"]),
        picture=item["type"] == "photo" and item["content_item"] is not None,
        withdrawn=bool(item["withdrawn"]),
    )


def _signed_beside(dossier: Dossier, item: Row) -> str | None:
    """Return the domain that signed a mail where it is not the sender's (casework/mail_worth.py)."""
    facts = dossier.text(item, "facts_item") if item["type"] == mail_worth.TYPE else None
    return None if facts is None or facts.get("aligned", True) else str(facts["domain"])


def was_found_lacking(dossier: Dossier) -> bool:
    """Say whether the last check found something missing, and nothing came since."""
    verdict = dossier.verdict
    if verdict is None or verdict["result"] != "insufficient":
        return False
    return all(int(item["seq"]) < int(verdict["seq"]) for item in dossier.live)


def _missing(dossier: Dossier, wanted: Mapping[str, Any], words: Words) -> tuple[Tile, ...]:
    """Return what a recognition still needs; once it is recognised, or nothing is done any more, nothing is missing."""
    row = dossier.case
    if row["award"] is not None or row["state"] in (cases.CLEARED, cases.EXPIRED, cases.CLOSED):
        return ()
    there = {item["type"] for item in dossier.live}
    told = []
    if was_found_lacking(dossier):
        what, still = words.gettext(FOUND_LACKING), words.gettext("Still needed")
        told.append(Tile(what, still, "", "file", missing=True, do=MISSING_PART))
    for asked in wanted.get("evidence") or ():
        if asked["type"] not in there:
            _, icon = EVIDENCE.get(asked["type"], ("", "file"))
            told.append(
                Tile(
                    words.gettext(str(asked["says"])),
                    words.gettext("Still needed"),
                    "",
                    icon,
                    missing=True,
                    evidence=asked["type"],
                )
            )
    return tuple(told)
