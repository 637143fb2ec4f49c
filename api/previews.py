"""What a watch would have shown on the last 90 days: the real engine over the records there are, with a moving clock.

    preview = await last_ninety(rooms, playbook)     read, never written; nobody is told
    preview.count, preview.every_days                how many, about one every so many days
    preview.examples                                 the three latest, by title, record and instant
    gone, come = compared(before, after)             what a changed number takes away and adds

Everything known up to now is played, so that what began earlier is known; only onsets of the last 90 days count.
Bounded in record versions and seconds: beyond them the answer is a `trouble`, never a number that may be wrong. An
answer is kept until the watch, the vocabulary, the record or the hour is another one.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from api.published import latest_kinds
from api.rooms import Rooms
from ledger.clock import instant_of
from playbooks.backtest import Clockwork
from playbooks.calendars import DAY_MS, HOUR_MS
from playbooks.engine import Engine
from playbooks.errors import DocumentInvalid, RecordConflict, WorldIncomplete
from playbooks.kinds import Kinds
from playbooks.messages import Messages
from playbooks.playbook import Playbook, compile_playbook
from playbooks.records import history, kinds_of
from playbooks.world import Broken, Money, RecordChange, Signal

DAYS = 90
VERSIONS_MAX = 30_000
"""Record versions played whole; beyond it only those known in the last 90 days are, and of them as many."""
SECONDS_MAX = 8.0
EXAMPLES_MAX = 3
TOO_MANY, TOO_LONG, NOT_FITTING, NO_RECORDS = "too_many", "too_long", "not_fitting", "no_records"


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing the watch would have shown: the record it is about, when it began, when it would have been said."""

    kind: str
    record: str
    title: str
    onset_ms: int
    detected_ms: int
    value: Money | None

    @property
    def onset(self) -> str:
        """Return when it began, RFC 3339 UTC."""
        return instant_of(self.onset_ms)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a watch would have shown. `trouble` is empty, or why nobody can say: then `shown` is empty too.

    `days` is how many of the last 90 the records cover; `whole` is False where records older than 90 days were left
    out; `broken` counts records on which the watch could not be worked out; `detail` is for the exact record.
    """

    playbook: str
    days: int = DAYS
    versions: int = 0
    whole: bool = True
    trouble: str = ""
    detail: str = ""
    broken: int = 0
    shown: tuple[Shown, ...] = ()
    earlier: tuple[str, ...] = ()
    """Records shown before the 90 days: not counted, but no news either when a changed number moves them into these."""

    @property
    def count(self) -> int:
        """Return how many things it would have shown."""
        return len(self.shown)

    @property
    def every_days(self) -> int:
        """Return about one every how many days; 0: none, or more than one a day."""
        return round(self.days / self.count) if self.count else 0

    @property
    def examples(self) -> tuple[Shown, ...]:
        """Return the latest few, each about another record, the newest first."""
        latest: dict[str, Shown] = {}
        for one in reversed(self.shown):
            latest.setdefault(one.record, one)
        return tuple(latest.values())[:EXAMPLES_MAX]


async def last_ninety(rooms: Rooms, playbook: Playbook, kinds: Kinds | None = None) -> Preview:
    """Return what a playbook, published or not, would have shown here on the last 90 days.

    `kinds` is the vocabulary to read it by; None: the one published last.
    """
    kinds = kinds or await latest_kinds(rooms.rows)
    if kinds is None:
        return Preview(playbook.id, trouble=NO_RECORDS)
    vocabulary, now_ms = kinds, rooms.clock.unix_ms()
    size, root = await rooms.rows.head()
    rests_on = (playbook.digest, kinds.digest, size, root, now_ms // HOUR_MS)
    return await rooms.previews.get(rests_on, lambda: _worked_out(rooms, vocabulary, playbook, now_ms))


async def _worked_out(rooms: Rooms, kinds: Kinds, playbook: Playbook, now_ms: int) -> Preview:
    since_ms = now_ms - DAYS * DAY_MS
    looked_at = {kind for kind in kinds_of(playbook) if kinds.kind(kind) is not None}
    whole = True
    try:
        changes = await history(rooms.rows, looked_at, VERSIONS_MAX)
    except WorldIncomplete:
        whole = False
        try:
            changes = await history(rooms.rows, looked_at, VERSIONS_MAX, since_ms)
        except WorldIncomplete as error:
            return Preview(playbook.id, trouble=TOO_MANY, whole=False, detail=str(error))
    if not changes:
        return Preview(playbook.id, trouble=NO_RECORDS)
    return await asyncio.to_thread(played, kinds, playbook, changes, now_ms, whole)


def played(
    kinds: Kinds, playbook: Playbook, changes: Sequence[RecordChange], now_ms: int, whole: bool = True
) -> Preview:
    """Play changes, sorted by known time, up to now and return what was shown in the last 90 days.

    Slow, so a thread's work. The vocabulary is compiled anew: compiled
    messages are not shared between threads.
    """
    since_ms = now_ms - DAYS * DAY_MS
    try:
        messages = Messages(kinds)
        clock = Clockwork(Engine(messages, [compile_playbook(playbook, messages)]))
        clock.play(_in_time(changes, now_ms))
        clock.tick_until(now_ms)
    except _TooLong:
        return Preview(playbook.id, trouble=TOO_LONG, versions=len(changes), whole=whole)
    except (DocumentInvalid, RecordConflict) as error:
        return Preview(playbook.id, trouble=NOT_FITTING, detail=str(error), versions=len(changes))
    first_ms = max(changes[0].known_ms, since_ms)
    found: dict[tuple[str, int], Shown] = {}
    for said in clock.said:
        if isinstance(said, Signal) and said.onset_ms <= now_ms:
            one = Shown(
                said.subject_kind, said.subject, said.title, said.onset_ms, said.detected_ms, said.value
            )
            found.setdefault((one.record, one.onset_ms), one)
    ordered = sorted(found.values(), key=lambda one: (one.onset_ms, one.record))
    return Preview(
        playbook.id,
        days=min(DAYS, max(1, -(-(now_ms - first_ms) // DAY_MS))),
        versions=len(changes),
        whole=whole,
        broken=sum(isinstance(said, Broken) for said in clock.said),
        shown=tuple(one for one in ordered if one.onset_ms >= since_ms),
        earlier=tuple(one.record for one in ordered if one.onset_ms < since_ms),
    )


class _TooLong(Exception):
    """It takes longer than somebody waits for a page."""


def _in_time(changes: Iterable[RecordChange], now_ms: int) -> Iterator[RecordChange]:
    """Yield what is known by now, as long as there is time. Raises _TooLong."""
    until = time.monotonic() + SECONDS_MAX
    for change in changes:
        if change.known_ms > now_ms:
            return
        if time.monotonic() > until:
            raise _TooLong
        yield change


def compared(before: Preview, after: Preview) -> tuple[tuple[Shown, ...], tuple[Shown, ...]]:
    """Return (what vanishes, what appears) when one watch takes the place of another.

    A changed span moves when things begin, so they are told apart by their record: the same record shown as often as
    before neither vanishes nor appears.
    """
    return _beyond(before, after), _beyond(after, before)


def _beyond(these: Preview, those: Preview) -> tuple[Shown, ...]:
    left = Counter((*those.earlier, *(one.record for one in those.shown)))
    found = []
    for one in these.shown:
        left[one.record] -= 1
        if left[one.record] < 0:
            found.append(one)
    return tuple(found)
