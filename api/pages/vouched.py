"""What a page may vouch for: one award told from sealed entries alone, up to the first that is not what was sealed.

Nothing of it comes from derived rows: an edit of those shows nowhere but in an audit. A private value is told only if
it is the one its entry commits to. Refusals come from the journal, since a refusal writes nothing into the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.pages.refusals import JOURNAL_FILE, refusals_of
from api.pages.shipped import title_words
from api.pages.story import Note, Step, Telling, damaged, stood_behind, tell_steps
from api.pages.thanks import STATE_OF_KIND, state_chip, tokens_words
from api.pages.words import Words, mark
from api.problems import NotFound
from api.rooms import Rooms
from ledger.book import MOVES, Book, postings_of, settled
from ledger.codec import dumps
from ledger.entries import SYSTEM, Entry
from ledger.merkle import leaf_hash
from ledger.reader import EntryDamaged
from ledger.sealed import SealBroken, read_sealed
from ledger.vault import VaultDamaged

PEOPLE = frozenset({"member_joined", "agent_registered"})


@dataclass(frozen=True, slots=True)
class Shown:
    """Entries up to the first that is not what was sealed, and the values that open them."""

    entries: tuple[Entry, ...]
    opened: Mapping[tuple[int, str], Any]
    sealed_size: int
    broken: SealBroken | None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: their member id, whether they are told what others were refused, whether they check the record."""

    member: str
    sees_refusals: bool
    audits: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it, and what it rests on. `behind`: what somebody did for it, and who. `ready`: a proof can be
    taken along, since a seal covers it."""

    people: str
    recognised: tuple[str, ...]
    state: str
    held: bool
    chip: str
    tone: str
    tokens: str
    thanks: str
    thanked_by: str
    stood: str
    yes: str
    behind: tuple[tuple[str, str], ...]
    refused: str
    balance: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Told:
    """Everything the page prints. No result: the record is damaged, and nothing beyond the damage is told."""

    headline: str
    record: Note
    steps: tuple[Step, ...]
    result: Result | None


async def tell_award(rooms: Rooms, words: Words, folder: Path, case: str, award: str, reader: Reader) -> Told:
    """Put the story of an award together from what the record says now, as far as it is what was sealed.

    Raises:
        NotFound: the record is sound, and holds no such award.
    """
    shown = await read_shown(rooms, case)
    story = [entry for entry in shown.entries if entry.case == case]
    tell = _telling(shown, story, words)
    refusals = await asyncio.to_thread(refusals_of, folder / JOURNAL_FILE, rooms.log, case)
    if shown.broken is not None:
        until = story[-1].at if story else ""
        refusals = tuple(refusal for refusal in refusals if refusal.at <= until)
    mine = f"member:{reader.member}"
    own = reader.member in {
        share["member"] for entry in _granted(story, award) for share in entry.body["shares"]
    }
    if not own and not reader.sees_refusals:
        refusals = tuple(refusal for refusal in refusals if refusal.actor == mine)
    digests = {entry.seq: leaf_hash(dumps(entry.to_json())).hex() for entry in story}
    result = None if shown.broken is not None else _result(award, tell, shown, story, len(refusals), reader)
    return Told(
        headline=_headline(tell, story, result, reader),
        record=_record_note(shown, story, words),
        steps=tell_steps(story, digests, refusals, tell),
        result=result,
    )


def _telling(shown: Shown, story: list[Entry], words: Words) -> Telling:
    people = [entry for entry in shown.entries if entry.kind in PEOPLE]
    judged = [entry for entry in story if entry.kind == "verdict_given"]
    decided = [e.seq for e in story if e.kind == "decision_made" and e.body["about"] == "award"]
    replies = {str(m): decided[0] for e in judged for m in e.body["beneficiaries"]} if decided else {}
    return Telling(
        names={
            str(entry.body["member"]): str(shown.opened[entry.seq, "name"])
            for entry in people
            if shown.opened.get((entry.seq, "name"))
        },
        opened=shown.opened,
        words=words,
        evidence={e.body["evidence"]: e.body["type"] for e in story if e.kind == "evidence_attached"},
        actions={e.body["proposal"]: e.body["action"] for e in story if e.kind == "proposal_made"},
        helpers=frozenset(str(entry.body["member"]) for entry in people if entry.kind == "agent_registered"),
        replies_after=replies,
    )


# ---------------------------------------------------------------------------------------------- what is sealed
async def read_shown(rooms: Rooms, case: str) -> Shown:
    """1. what is sealed  2. what came after, not sealed yet  3. private values, each held against its commitment"""
    head, latest = await rooms.reader.head(), await rooms.reader.latest_checkpoint()
    size = latest[0] if latest else 0
    entries: list[Entry] = []
    broken: SealBroken | None = None

    def want(entry: Entry) -> bool:
        return entry.case == case or entry.kind in PEOPLE or entry.kind in MOVES

    try:
        if latest is not None:
            entries += await read_sealed(rooms.reader, latest[1], want)
        async for entry in rooms.reader.read_entries(size, head.size):
            if want(entry):
                entries.append(entry)
    except SealBroken as error:
        entries, broken = list(error.before), error
    except EntryDamaged as error:
        broken = SealBroken(str(error), error.seq)
    try:
        opened = await _open(rooms, entries)
    except VaultDamaged:
        opened = {}
        for at, entry in enumerate(entries):
            try:
                opened |= await _open(rooms, [entry])
            except VaultDamaged as error:
                entries, broken = entries[:at], SealBroken(str(error), entry.seq)
                break
    return Shown(tuple(entries), opened, size, broken)


async def _open(rooms: Rooms, entries: list[Entry]) -> dict[tuple[int, str], Any]:
    wanted = {
        (entry.seq, path): commitment for entry in entries for path, commitment in entry.private.items()
    }
    values = await rooms.rows.open_all(wanted.values())
    return {place: values[commitment] for place, commitment in wanted.items()}


# ---------------------------------------------------------------------------------------------- what it says
def _record_note(shown: Shown, story: list[Entry], words: Words) -> Note:
    """Say whether what follows may be relied on."""
    if shown.broken is not None:
        return damaged(shown.broken.seq, words)
    counts = {"steps": words.number(len(story)), "all": words.number(shown.sealed_size)}
    if any(entry.seq >= shown.sealed_size for entry in story):
        rest = mark(
            "All %(steps)s steps of this story stand in the record of %(all)s sealed steps, "
            "but for those of the last minutes."
        )
        return Note(words.gettext("Not sealed yet."), words.gettext(rest, **counts), "wait")
    rest = mark(
        "All %(steps)s steps of this story stand in the record of %(all)s steps, "
        "and none can be changed without it showing."
    )
    return Note(words.gettext("Complete and sealed."), words.gettext(rest, **counts), "done")


def _headline(tell: Telling, story: list[Entry], result: Result | None, reader: Reader) -> str:
    """Return the page's first sentence: who was thanked, for what."""
    opened = next((entry for entry in story if entry.kind == "case_opened"), None)
    said = tell.secret(opened, "note") if opened is not None else None
    title = str(said or tell.say(mark("something outside the expected pattern"))).partition("\n")[0]
    title = title_words(title, tell.words)
    if result is None:
        return tell.say(mark("A recognition for this: %(title)s"), title=title)
    if result.recognised == (reader.member,):
        return tell.say(mark("You were thanked for this: %(title)s"), title=title)
    return tell.words.ngettext(
        "%(people)s was thanked for this: %(title)s",
        "%(people)s were thanked for this: %(title)s",
        len(result.recognised),
        people=result.people,
        title=title,
    )


def _granted(story: list[Entry], award: str) -> list[Entry]:
    return [e for e in story if e.kind == "award_granted" and e.body["award"] == award]


def _result(
    award: str, tell: Telling, shown: Shown, story: list[Entry], refused: int, reader: Reader
) -> Result:
    words = tell.words
    of_award = [entry for entry in story if entry.body.get("award") == award]
    granted = next(iter(_granted(story, award)), None)
    if granted is None:
        raise NotFound("award", award)
    state = next(STATE_OF_KIND[e.kind] for e in reversed(of_award) if e.kind in STATE_OF_KIND)
    question = [entry.kind for entry in of_award if entry.kind in ("award_held", "award_released")]
    held = bool(question) and question[-1] == "award_held"
    recognised = tuple(str(share["member"]) for share in granted.body["shares"])
    own = reader.member in recognised
    chip, tone = state_chip(state, held, granted.body["settle_not_before"], own, words)
    decision = next((e for e in story if e.body.get("decision") == granted.body["decision"]), granted)
    message = tell.secret(granted, "message") or tell.secret(decision, "message")
    return Result(
        people=words.listed(tell.name(member) for member in recognised),
        recognised=recognised,
        state=state,
        held=held,
        chip=chip,
        tone=tone,
        tokens=tokens_words(granted.body["amount_tokens"], words),
        thanks=str(message or words.gettext("Thank you.")),
        thanked_by=tell.name(decision.actor.id),
        stood=_stood(_evidence_k(story, granted), reader, words),
        yes=_with_the_yes(int(granted.body["k"]), reader, words),
        behind=_behind(story, tell),
        refused=words.ngettext(
            "%(num)s attempt; nothing was left behind.", "%(num)s attempts; nothing was left behind.", refused
        )
        if refused
        else words.gettext("Nothing"),
        balance=_balance(shown, reader, words) if own else "",
        ready=granted.seq < shown.sealed_size,
    )


def _stood(k: int, reader: Reader, words: Words) -> str:
    if not reader.audits:
        return stood_behind(k, words)
    return words.ngettext(
        "At least one person would have had to act to fake it.",
        "At least %(num)s people would have had to act together to fake it.",
        k,
    )


def _evidence_k(story: list[Entry], granted: Entry) -> int:
    """Return how many would have had to lie, the yes aside: an honest approver sees the evidence and nothing else."""
    judged = [entry for entry in story if entry.body.get("verdict") == granted.body["verdict"]]
    return next((int(e.body["k_evidence"]) for e in judged if e.kind == "verdict_given"), 0)


def _with_the_yes(k: int, reader: Reader, words: Words) -> str:
    if not reader.audits:
        return words.gettext("Somebody with the authority said yes as well.")
    return words.gettext("Somebody with the authority said yes as well. With the yes: %(num)s.", num=k)


BEHIND: tuple[tuple[str, str, str], ...] = (
    ("proposal_made", "", mark("Suggested it")),
    ("decision_made", "action", mark("Approved it")),
    ("evidence_attached", "", mark("Brought evidence")),
    ("link_answered", "", mark("Confirmed it")),
    ("evidence_reviewed", "", mark("Checked the evidence")),
    ("decision_made", "award", mark("Gave thanks for it")),
)
"""Kind, about -> what somebody did for this recognition."""


def _behind(story: list[Entry], tell: Telling) -> tuple[tuple[str, str], ...]:
    withdrawn = {e.body["decision"] for e in story if e.kind == "decision_withdrawn"}
    counted = [e for e in story if e.body.get("decision") not in withdrawn and _is_yes(e)]
    gone = {e.body["evidence"] for e in story if e.kind == "evidence_withdrawn"}
    gone |= {e.body["replaces"] for e in story if e.kind == "evidence_attached"}
    granted = next((e.seq for e in story if e.kind == "award_granted"), None)
    counted = [e for e in counted if e.kind != "evidence_attached" or _is_brought(e, gone, granted)]
    approved = {e.body["proposal"] for e in counted if e.kind == "decision_made"}
    counted = [e for e in counted if e.kind != "proposal_made" or e.body["proposal"] in approved]
    told = []
    for kind, about, said in BEHIND:
        fitting = [e for e in counted if e.kind == kind and e.body.get("about", "") == about]
        names = list(dict.fromkeys(_doer(entry, tell) for entry in fitting))
        if names:
            told.append((tell.say(said), tell.words.listed(names)))
    return tuple(told)


def _is_brought(entry: Entry, gone: Collection[str], granted: int | None) -> bool:
    """Say whether a member brought this item for the recognition: what the guest answered is told as their answer."""
    early = granted is None or entry.seq < granted
    by_member = str(entry.body["submitter"]).startswith("member:")
    return early and by_member and entry.body["evidence"] not in gone


def _is_yes(entry: Entry) -> bool:
    said = {"verb": "approved", "result": "accepted", "answer": "resolved"}
    return all(entry.body.get(name, yes) == yes for name, yes in said.items())


def _doer(entry: Entry, tell: Telling) -> str:
    if entry.kind == "link_answered":
        return tell.say(mark("the guest"))
    return tell.say(mark("the watch")) if entry.actor.id == SYSTEM else tell.name(entry.actor.id)


def _balance(shown: Shown, reader: Reader, words: Words) -> str:
    """Say how many tokens are the reader's own: nobody is told of another person's."""
    book = Book()
    for entry in shown.entries:
        if entry.kind in MOVES:
            book.post(postings_of(entry.kind, entry.seq, entry.body))
    held = book.balances.get(settled(reader.member), 0)
    return words.ngettext(
        "You have %(num)s token that is yours for good.",
        "You have %(num)s tokens that are yours for good.",
        held,
    )
