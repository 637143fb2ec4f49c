"""The house while it is played: its doors, its own systems, and how its people spend the time between two acts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from api.cast import Door, Steps, Tally
from api.stage import Stage
from api.venue.calendar import HOUR_MS, Span, awake_ms
from api.venue.people import PEOPLE, Person
from api.venue.records import SOURCE_OF, Planned
from ledger.clock import instant_of

BATCH_RECORDS_MAX = 500


class Systems:
    """The venue's till, rota, booking book: what each record says now. Changes go through the record door."""

    def __init__(self, carrier: Door) -> None:
        self._carrier = carrier
        self._values: dict[tuple[str, str], dict[str, Any]] = {}
        self._last: dict[tuple[str, str], tuple[int, int]] = {}
        self._customers: dict[tuple[str, str], str] = {}
        self.sent = 0

    def send(self, changes: Sequence[Planned]) -> None:
        """Send changes, merged into what the records said before, in batches by source."""
        by_source: dict[str, list[dict[str, Any]]] = {}
        for change in changes:
            by_source.setdefault(SOURCE_OF[change.kind], []).append(self._merged(change))
        for source, records in by_source.items():
            for at in range(0, len(records), BATCH_RECORDS_MAX):
                chunk = records[at : at + BATCH_RECORDS_MAX]
                self._carrier.do(f"/sources/{source}/records:batch", {"records": chunk})
                self.sent += len(chunk)

    def call_in(self, sources: Collection[str], at_ms: int) -> None:
        """Let each of these systems tell its oldest record once more, so that it is heard of."""
        oldest: dict[str, tuple[str, str]] = {}
        for kind, record in self._values:
            oldest.setdefault(SOURCE_OF[kind], (kind, record))
        self.send([Planned(at_ms, *oldest[source], {}) for source in sources if source in oldest])

    def _merged(self, change: Planned) -> dict[str, Any]:
        key = (change.kind, change.id)
        values = {**self._values.get(key, {}), **change.changes}
        last_ms, last_order = self._last.get(key, (change.at_ms - 1, 0))
        order = last_order + 1 if last_ms == change.at_ms else 0
        self._values[key], self._last[key] = values, (change.at_ms, order)
        if change.customer is not None:
            self._customers[key] = change.customer
        at = instant_of(change.at_ms)
        return {
            "kind": change.kind, "id": change.id, "event_at": at, "known_at": at, "order": order, "values": values,
            "subject": self._customers.get(key),
        }  # fmt: skip

    def says(self, kind: str, record: str) -> Mapping[str, Any]:
        """Return what a record says now."""
        return self._values[kind, record]


@dataclass(slots=True)
class House:
    """Everybody at The Harbour House with their doors, on the stage."""

    play: Stage
    span: Span
    log: str
    random: Random
    tally: Tally
    doors: Mapping[str, Door]
    helpers: Mapping[str, Door]
    systems: Systems
    owner_key: str
    budget: str = ""
    story_case: str = ""
    busy: dict[str, int] = field(default_factory=dict)
    """How often each person has looked after something: work goes to who has had the least of it."""

    def door(self, name: str) -> Door:
        """Return somebody's door."""
        return self.doors[name]

    def person_of(self, member: str) -> str:
        """Return a member's name."""
        return next(name for name, door in self.doors.items() if door.member == member)

    def free(self, names: Sequence[str]) -> Door:
        """Return whoever of these has had the least to look after."""
        name = min(names, key=lambda one: (self.busy.get(one, 0), names.index(one)))
        self.busy[name] = self.busy.get(name, 0) + 1
        return self.doors[name]

    def write(self, kind: str, record: str, changes: Mapping[str, Any]) -> None:
        """Let one of the venue's systems record a change now."""
        self.systems.send([Planned(self.play.now_ms, kind, record, changes)])
        self.play.work()

    def stage(self, steps: Steps, after_hours: float = 0.0) -> None:
        """Let somebody go about something, at hours when people are awake."""
        self.play.play(self._paced(steps), self._wait(after_hours))

    def _paced(self, steps: Steps) -> Steps:
        for hours in steps:
            yield self._wait(hours)

    def _wait(self, hours: float) -> float:
        now = self.play.now_ms
        return (awake_ms(now + int(hours * HOUR_MS)) - now) / HOUR_MS

    def hours_until(self, instant: str) -> float:
        """Return the hours from now to an instant, at least a quarter."""
        moment = _ms(instant)
        return max(0.25, (moment - self.play.now_ms) / HOUR_MS)


def _ms(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp() * 1000)


def person(name: str) -> Person:
    """Return a person by name."""
    return next(one for one in PEOPLE if one.name == name)
