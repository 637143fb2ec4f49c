"""Is the record complete and unchanged, as far as a page can say? And what only a whole audit can.

Up to CHECKED_STEPS_MAX steps the page reads every one of them and holds them against the last seal; a longer record is
held against its own tiles and last step (api/installation.py), and the page says that this is less.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.pages.story import Note, damaged
from api.pages.words import Words
from api.rooms import Rooms
from api.scope import Row
from ledger.errors import LedgerError
from ledger.sealed import SealBroken, read_sealed
from ledger.store.tables import checkpoint

CHECKED_STEPS_MAX = 20_000
"""Read in about a second; more would make whoever opens the page wait."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Complete? Unchanged? Earned? `size` steps are in the record, `sealed` of them under the last seal."""

    complete: Note
    unchanged: Note
    earned: Note
    size: int
    sealed: int
    sealed_at: str | None
    seal: str


async def answers_of(rooms: Rooms, words: Words) -> Answers:
    """Ask the record as it is now."""
    head = await rooms.reader.head()
    last = await last_seal(rooms)
    size, sealed = head.size, int(last["size"]) if last else 0
    note = str(last["note"]) if last else ""
    complete, unchanged = await _held(rooms, words, size, sealed, note, str(last["at"]) if last else "")
    return Answers(complete, unchanged, _earned(words), size, sealed, str(last["at"]) if last else None, note)


async def last_seal(rooms: Rooms) -> Row | None:
    """Return the row of the largest published seal, None before the first."""
    found = await rooms.rows.find(checkpoint, order="size", limit=1)
    return found[0] if found else None


async def _held(rooms: Rooms, words: Words, size: int, sealed: int, note: str, at: str) -> tuple[Note, Note]:
    if not sealed:
        none = words.gettext("Nothing is sealed yet.")
        return (
            Note(none, words.gettext("The first seal comes within minutes of the first step."), "wait"),
            Note(none, words.gettext("Until then nothing can be said about it."), "wait"),
        )
    if sealed > CHECKED_STEPS_MAX:
        return await _quick(rooms, words, size)
    try:
        await read_sealed(rooms.reader, note.encode(), lambda entry: False)
    except SealBroken as broken:
        found = damaged(broken.seq, words)
        lead = words.gettext("This cannot be said any more.")
        rest = words.gettext("What was sealed is not what is stored; see below.")
        return Note(lead, rest, "late"), found
    return _complete(words, size, sealed), Note(
        words.gettext("Unchanged."),
        words.gettext(
            "Read just now, every one of %(steps)s steps: each is what was sealed at %(time)s.",
            steps=words.number(sealed),
            time=words.moment(at),
        ),
        "done",
    )


def _complete(words: Words, size: int, sealed: int) -> Note:
    newer = words.ngettext(
        "%(num)s newer step waits for the next seal.",
        "%(num)s newer steps wait for the next seal.",
        size - sealed,
    )
    all_there = words.gettext(
        "All %(steps)s steps up to the last seal are there.", steps=words.number(sealed)
    )
    rest = f"{all_there} {newer}" if size > sealed else all_there
    return Note(words.gettext("Complete."), rest, "done")


async def _quick(rooms: Rooms, words: Words, size: int) -> tuple[Note, Note]:
    """Hold a long record against its own tiles: an edit of a step in the middle would not show here."""
    try:
        sound = await rooms.reader.root(size) == (await rooms.reader.head()).root
    except LedgerError:
        sound = False
    if not sound:
        lead = words.gettext("This cannot be said any more.")
        rest = words.gettext("Head and steps do not fit together. Run the check below, and delete nothing.")
        return Note(lead, rest, "late"), Note(lead, rest, "late")
    steps = words.number(size)
    return (
        Note(
            words.gettext("Nothing is missing at the end."),
            words.gettext("%(steps)s steps fit to the last seal.", steps=steps),
            "done",
        ),
        Note(
            words.gettext("Not read on this page."),
            words.gettext(
                "The record is too long to read it all while you wait; run the check below, it reads every step."
            ),
            "wait",
        ),
    )


def _earned(words: Words) -> Note:
    return Note(
        words.gettext("Not judged on this page."),
        words.gettext(
            "Every recognition here stands on a yes and on checks that passed, and the database refuses any other. "
            "Whether each was earned is judged again by the check below, which does not need to trust this server."
        ),
        "wait",
    )
