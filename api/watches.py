"""What is watched, as it stands: every watch with its mode, since when, what it cannot see, and its last 30 days.

A watch is published (it has a row), or comes with the product and is not used yet. A source that has not been heard of
for longer than the watch needs makes it blind: no news is then no good news.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_

from api.published import latest_kinds, playbook_of
from api.scope import Row, Scoped
from casework import tables
from ledger.clock import instant_of, unix_ms_of
from ledger.codec import loads
from ledger.store.tables import entry
from playbooks.calendars import DAY_MS, Span, before
from playbooks.kinds import Kinds
from playbooks.playbook import Playbook, load_library
from playbooks.tables import import_file, noticed

ON, TRIAL, OFF, UNUSED = "on", "trial", "off", "unused"
MODE_OF = {"live": ON, "shadow": TRIAL}
RECENT_DAYS = 30
TRIAL_DAYS = 14
MODE_ENTRIES_MAX = 1_000
"""Changes of mode looked through, the latest first; what changed before stands as the oldest of them."""
FALSE_ALARM = "false_alarm"


@dataclass(frozen=True, slots=True)
class Heard:
    """What came from one source: the last instant, how many imports, how many of their rows were not understood."""

    last: str | None = None
    imports: int = 0
    refused: int = 0
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """A source that a watch needs, and since when it said nothing; None: it was never heard of."""

    source: str
    since: str | None


@dataclass(frozen=True, slots=True)
class Watched:
    """One watch. `status` is on, trial, off or unused; `since` is when that began (None: unused).

    `noticed` counts since the beginning; `recent` and `false_alarms` are what people were shown in the last RECENT_DAYS
    days; `was_live` says whether it told anybody before its present mode.
    """

    playbook: Playbook
    row: Row | None
    status: str
    since: str | None
    was_live: bool
    silent: tuple[Silence, ...]
    noticed: int
    recent: int
    false_alarms: int

    @property
    def blind(self) -> bool:
        """Return whether it runs and cannot see."""
        return self.status in (ON, TRIAL) and bool(self.silent)

    def trial_days_left(self, now: str) -> int:
        """Return how many days of its trial are left, at least 0; a trial ends when somebody says so."""
        if self.since is None:
            return TRIAL_DAYS
        gone_ms = unix_ms_of(now) - unix_ms_of(self.since)
        return max(0, -(-(TRIAL_DAYS * DAY_MS - gone_ms) // DAY_MS))


@lru_cache(maxsize=1)
def library() -> tuple[Kinds, Mapping[str, Playbook]]:
    """Return the shipped vocabulary and the shipped watches by id. Slow at first: it reads their files."""
    kinds, playbooks = load_library()
    return kinds, {one.id: one for one in playbooks}


async def heard(rows: Scoped) -> dict[str, Heard]:
    """Return source -> what came from it; one that never sent anything is not in it."""
    columns = import_file.c
    found = await rows.grouped(
        import_file,
        "source",
        last=func.max(columns.finished_at),
        imports=func.count(),
        refused=func.sum(columns.refused),
        taken=func.sum(columns.count),
    )
    told = {
        source: Heard(row["last"], int(row["imports"]), int(row["refused"]), int(row["taken"]))
        for source, row in found.items()
    }
    # a system that sends what is here already is not silent
    for hook in await rows.find(tables.hook):
        before = told.get(hook["source"], Heard())
        if hook["last_at"] is not None and (before.last is None or before.last < hook["last_at"]):
            told[hook["source"]] = replace(before, last=hook["last_at"])
    return told


def silent(last: str | None, within: Span, zone: ZoneInfo, now: str) -> bool:
    """Return whether a source was silent for longer than `within`."""
    return last is None or unix_ms_of(last) < before(unix_ms_of(now), within, zone)


async def watched(rows: Scoped, now: str, only: str | None = None) -> list[Watched]:
    """Return every watch, published ones first, each group by id; with `only` that one, if there is one."""
    shipped_kinds, shipped = await asyncio.to_thread(library)
    published = {row["playbook"]: row for row in await rows.find(tables.playbook)}
    ids = [*sorted(published), *sorted(shipped.keys() - published.keys())]
    if only is not None:
        ids = [one for one in ids if one == only]
    zone = (await latest_kinds(rows) or shipped_kinds).zone
    last = {source: one.last for source, one in (await heard(rows)).items()}
    runs = await _modes(rows)
    counts = {row["playbook"]: int(row["count"]) for row in await rows.find(noticed)}
    recent, false_alarms = await _recent(rows, now)
    found = []
    for name in ids:
        row = published.get(name)
        playbook = shipped[name] if row is None else playbook_of(loads(row["content"]), name)
        since, was_live = runs.get(name, (None, False))
        quiet = tuple(
            Silence(source, last.get(source))
            for source, within in playbook.sources.items()
            if silent(last.get(source), within, zone, now)
        )
        found.append(
            Watched(
                playbook=playbook,
                row=row,
                status=UNUSED if row is None else MODE_OF.get(row["mode"], OFF),
                since=since,
                was_live=was_live,
                silent=quiet,
                noticed=counts.get(name, 0),
                recent=recent.get(name, 0),
                false_alarms=false_alarms.get(name, 0),
            )
        )
    return found


async def _modes(rows: Scoped) -> dict[str, tuple[str, bool]]:
    """Return watch -> (since when its mode is what it is, whether it was live before)."""
    kinds = ["playbook_published", "mode_changed"]
    found = await rows.find(entry, {"kind": kinds}, order="seq", limit=MODE_ENTRIES_MAX)
    told: dict[str, list[tuple[str, str]]] = {}
    for row in found:
        body = loads(row["canon"])["body"]
        told.setdefault(body["playbook"], []).append((body["mode"], row["at"]))
    return {name: _run(changes) for name, changes in told.items()}


def _run(changes: Iterable[tuple[str, str]]) -> tuple[str, bool]:
    """Return (the instant the latest mode began, whether an earlier one was live); changes come newest first."""
    given = list(changes)
    now, since = given[0]
    for place, (mode, at) in enumerate(given):
        if mode != now:
            return since, any(earlier == "live" for earlier, _ in given[place:])
        since = at
    return since, False


async def _recent(rows: Scoped, now: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return watch -> exceptions of the last RECENT_DAYS days, and how many of them were no problem."""
    columns = tables.case_file.c
    late = columns.detected_at >= instant_of(unix_ms_of(now) - RECENT_DAYS * DAY_MS)
    wrong = or_(columns.reason_code == FALSE_ALARM, columns.resolution == FALSE_ALARM)
    by = (tables.case_file, "playbook")
    every = await rows.grouped(*by, (columns.playbook.is_not(None), late), count=func.count())
    false = await rows.grouped(*by, (columns.playbook.is_not(None), late, wrong), count=func.count())
    return (
        {name: int(row["count"]) for name, row in every.items()},
        {name: int(row["count"]) for name, row in false.items()},
    )
