"""A world of hand-overs: two shifts a day in each part of a house, what is open at their end, and who reads it back.

Systems hold most of what is open; some of it only a person knows. The form is filled from the systems beforehand, so a
note that says nothing of its own is written in seconds, and that is what who games writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casework.laboratory.agents import (
    CHERRY_PICKER,
    COLLUDER,
    DONE,
    GAMED,
    GAMER,
    HONEST,
    LATE,
    MISTAKEN,
    Person,
    on_shift,
)
from casework.laboratory.case_inputs import (
    MS_PER_DAY,
    MS_PER_HOUR,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    Json,
    instant,
    item,
    member,
    routine_facts,
    verdict_input,
)
from casework.laboratory.chance import Chance
from casework.laboratory.claims import Claim, Counter

WHOLE, PHRASES, HIDDEN, WAVED = "whole", "phrases", "hidden_point", "waved_through"
WAYS = {GAMER: (PHRASES, HIDDEN, WHOLE), COLLUDER: (WAVED, PHRASES, WHOLE)}
"""What who games may try; the lines of gaming of the research, section 2.1. Trivial points made up to look thorough are
not played: only what a system holds counts, and more of it brings nothing."""
ENDS_HOURS = (15, 23)
"""When the early shift and the late one end; the next begins then, or at seven."""
NEXT_HOURS = (15, 24 + 7)
NOTE_OF_PHRASES = "As always, nothing special. All as on the list. Ask me if anything is unclear."
NOTE_OF_ONE_S_OWN = (
    "Full house until nine. Stock moved and counted. If the cooler rises again, move the fish and ring."
)
READ_BACK = (
    "I take over what is open, begin with the oldest, and call the lead when one of them slips past its time"
)


@dataclass(frozen=True, slots=True)
class World:
    """The house. Assumptions of ours unless a source is named; the last word of a name is its unit."""

    parts: int = 2
    """Parts of the house that hand over by themselves: kitchen and front."""
    busy_permille: int = 400
    """Shifts that end with much open: three to six points; the others with none to two."""
    own_point_permille: int = 300
    """Shifts at whose end somebody knows of something that stands in no system: a promise, a near miss."""
    note_seconds: int = 240
    """Writing a note in one's own words ..."""
    point_seconds: int = 60
    """... and this for each point that is open."""
    own_point_seconds: int = 600
    """Telling what only they know: it has to be explained, and often set right before they go."""
    phrases_seconds: int = 40
    """Signing the form as it is filled beforehand, with the usual sentences."""
    forgets_permille: int = 8
    """A point of the list that honest people strike out by mistake, for each point."""
    forgets_own_permille: int = 50
    """What only they know, and honest people forget to write."""
    late_permille: int = 15
    """Notes that honest people write after the shift has ended."""
    no_read_back_permille: int = 5
    """Honest readers who never read back ..."""
    busy_reader_permille: int = 30
    """... or are needed at once, and do it when there is time ..."""
    busy_minutes_max: int = 120
    """... within two hours of their start ..."""
    hasty_permille: int = 10
    """... who press through in less time than reading takes ..."""
    copies_permille: int = 15
    """... who copy the note or write three words ..."""
    disputes_permille: int = 10
    """... or who do not take over a point that was handed over rightly."""
    disputes_phrases_permille: int = 250
    """Honest readers who do not accept a note that says nothing."""
    lost_permille: int = 300
    """Points that a note of phrases hands over in name only, and that nobody sees to in time ..."""
    lost_untold_permille: int = 500
    """... and points of a shift without any note: half are told in passing."""
    surfaces_permille: int = 600
    """Lost points that a guest, a lead or the next shift comes upon ..."""
    surfaces_daily_permille: int = 400
    """... mostly within two or three days."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of shift in one part of the house."""

    number: int
    ends_ms: int
    next_ms: int
    points: int
    own_point: bool
    reader: Person


class Handovers:
    """The world of `handover`."""

    def __init__(
        self,
        seed: str,
        pays_failures: bool = True,
        parameters: Mapping[str, Any] | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world or World()
        self.chance = Chance(f"{seed}/handovers")
        given = parameters or {}
        self.person_field = str(given.get("person_field", "person"))
        self.dwell_seconds = int(given.get("dwell_seconds_min", 30))
        self.number = self.points = self.lost = self.untold = 0
        self.tomorrow: list[Person] = []

    def day(self, day: int, people: Sequence[Person]) -> Iterator[Claim]:
        """Play one day: at the end of each shift whoever leaves writes, and whoever comes reads."""
        here = self.tomorrow or self._crew(people)
        self.tomorrow = self._crew(people)
        parts = self.world.parts
        crews = here[:parts], here[parts : 2 * parts], self.tomorrow[:parts]
        for shift in (0, 1):
            for person, reader in zip(crews[shift], crews[shift + 1], strict=False):
                if person.id == reader.id:  # a late shift and the early one after it
                    continue
                claim = self._hands_over(person, self._change(day, shift, reader))
                if claim is not None:
                    yield claim

    def told(self, claim: Claim, granted: bool) -> None:
        """Nothing here depends on what became of a claim."""

    def counters(self) -> tuple[Counter, ...]:
        """Return what fell between two shifts, and shifts that wrote nothing."""
        return (
            Counter("open points that fell between two shifts", self.lost, self.points),
            Counter("changes of shift without a note", self.untold, self.number),
        )

    # ------------------------------------------------------------------------------------------- what happens
    def _crew(self, people: Sequence[Person]) -> list[Person]:
        here = on_shift(people, self.chance)
        self.chance.shuffle(here)  # who picks what is easy does not choose the shift
        return here

    def _change(self, day: int, shift: int, reader: Person) -> Change:
        world, chance = self.world, self.chance
        self.number += 1
        points = chance.between(3, 6) if chance.happens(world.busy_permille) else chance.below(3)
        own = chance.happens(world.own_point_permille)
        self.points += points + own
        start = day * MS_PER_DAY
        ends, next_ = (start + hours[shift] * MS_PER_HOUR for hours in (ENDS_HOURS, NEXT_HOURS))
        return Change(self.number, ends, next_, points, own, reader)

    def _hands_over(self, person: Person, change: Change) -> Claim | None:
        way = self._way(person, change)
        if person.kind == CHERRY_PICKER and change.points + change.own_point > 2:
            self.untold += 1
            self._lose(change.points + change.own_point, self.world.lost_untold_permille)
            return None
        if way in (PHRASES, WAVED):
            return self._phrases(person, change, way)
        return self._whole(person, change, way)

    def _way(self, person: Person, change: Change) -> str:
        ways: tuple[str, ...] = WAYS.get(person.kind, ())
        if not ways:
            return WHOLE
        if person.partner != change.reader.id:
            ways = tuple(way for way in ways if way != WAVED)
        return person.tally.choose(ways, self.chance)

    def _lose(self, points: int, permille: int) -> int:
        lost = sum(self.chance.happens(permille) for _ in range(points))
        self.lost += lost
        return lost

    def _phrases(self, person: Person, change: Change, way: str) -> Claim:
        lost = self._lose(change.points, self.world.lost_permille) + change.own_point
        self.lost += change.own_point
        seconds = self.world.phrases_seconds
        return self._claim(person, change, way, way, GAMED, seconds, change.points, lost, NOTE_OF_PHRASES)

    def _whole(self, person: Person, change: Change, way: str) -> Claim:
        world, chance = self.world, self.chance
        honest = person.kind not in WAYS
        seconds = world.note_seconds + change.points * world.point_seconds
        named = change.points
        if honest:
            named -= sum(chance.happens(world.forgets_permille) for _ in range(change.points))
        hides = change.own_point and way == HIDDEN
        forgets = change.own_point and not hides and honest and chance.happens(world.forgets_own_permille)
        if change.own_point and not hides:
            seconds += world.own_point_seconds
        lost = change.points - named + (hides or forgets)
        self.lost += lost
        truth = GAMED if hides else MISTAKEN if lost else DONE
        done = HIDDEN if hides else WHOLE
        return self._claim(person, change, done, way, truth, seconds, named, lost, NOTE_OF_ONE_S_OWN)

    # ------------------------------------------------------------------------------------------ what is written
    def _claim(
        self,
        person: Person,
        change: Change,
        way: str,
        learnt_as: str,
        truth: str,
        seconds: int,
        named: int,
        lost: int,
        text: str,
    ) -> Claim:
        world, chance = self.world, self.chance
        late = person.kind == HONEST and chance.happens(world.late_permille)
        written_ms = change.ends_ms + (7 if late else -10) * MS_PER_MINUTE
        found = None
        if lost and chance.happens(world.surfaces_permille):
            days = chance.days(world.surfaces_daily_permille)
            found = None if days is None else change.next_ms + days * MS_PER_DAY + chance.below(MS_PER_DAY)
        return Claim(
            person=person,
            at_ms=change.next_ms + world.busy_minutes_max * MS_PER_MINUTE,
            approved_at_ms=change.next_ms + MS_PER_DAY,
            way=way,
            learnt_as=learnt_as,
            truth=LATE if late and truth == DONE else truth,
            seconds=seconds,
            value=self._input(person, change, way, named, text, written_ms),
            found_at_ms=found,
        )

    def _input(
        self, person: Person, change: Change, way: str, named: int, text: str, written_ms: int
    ) -> Json:
        number, reader = change.number, change.reader
        shift, following = f"shift-{number}", f"shift-{number}-next"
        points = [f"point-{number}-{place}" for place in range(change.points)]
        note_facts = {
            "shift": shift,
            "member": person.id,
            "at": instant(written_ms),
            "status": text,
            "actions": text,
            "contingencies": text,
            "items": [_point(name, reader.id, change.next_ms) for name in points[:named]],
            "stated": [],
        }
        held = [{"kind": "case", "id": name, "fields": {"state": "ASSIGNED"}} for name in points]
        snapshot = {"shift": shift, "at": instant(written_ms), "open": held}
        rota = {
            "kind": "shift",
            "id": following,
            "version": 1,
            "event_time": instant(change.ends_ms - MS_PER_DAY),
            "first_event_at": instant(change.ends_ms - MS_PER_DAY),
            "customer": None,
            "source": "rota",
            "fields": {self.person_field: reader.id},
        }
        by, theirs = f"member:{person.id}", f"member:{reader.id}"
        at_ms = change.next_ms + self.world.busy_minutes_max * MS_PER_MINUTE
        evidence = [
            item("note", "handover_note", "E1", 14, written_ms, by, member(person.id), note_facts),
            item("held", "snapshot", "E3", 15, written_ms, by, {"party": "server"}, snapshot),
            item("rota", "system_record", "E3", 17, at_ms, theirs, {"party": "source:rota"}, rota),
        ]
        back = self._read_back(change, way, points[:named], text)
        if back is not None:
            evidence.append(item("back", "read_back", "E3", 16, at_ms, theirs, member(reader.id), back))
        expected = {
            "shift": shift,
            "site": "house",
            "ends_at": instant(change.ends_ms),
            "next_shift": following,
            "next_starts_at": instant(change.next_ms),
        }
        subject = {"kind": "handover", "id": shift, "customer": None}
        opened_ms = change.ends_ms - MS_PER_HOUR
        facts = routine_facts("schedule", subject, expected, opened_ms, "system", person.id, written_ms)
        prior: Json = {"awards": [], "reopened": [], "earlier": []}
        return verdict_input(2, f"handover-{number}", facts, at_ms, person.id, evidence, [reader.id], prior)

    def _read_back(self, change: Change, way: str, points: Sequence[str], text: str) -> Json | None:
        """Return what the next shift understood. A partner leaves the note open for as long as it takes, and agrees."""
        world, chance = self.world, self.chance
        said, took_seconds, taken, after_minutes = READ_BACK, 4 * self.dwell_seconds, True, 10
        if way == WAVED:
            took_seconds = self.dwell_seconds
        else:
            if chance.happens(world.no_read_back_permille):
                return None
            if chance.happens(world.busy_reader_permille):
                after_minutes = chance.between(10, world.busy_minutes_max)
            if chance.happens(world.hasty_permille):
                took_seconds = self.dwell_seconds // 3
            if chance.happens(world.copies_permille):
                said = text
            taken = not chance.happens(
                world.disputes_phrases_permille if way == PHRASES else world.disputes_permille
            )
        answered_ms = change.next_ms + after_minutes * MS_PER_MINUTE
        return {
            "note": "note",
            "member": change.reader.id,
            "opened_at": instant(answered_ms - took_seconds * MS_PER_SECOND),
            "at": instant(answered_ms),
            "text": said,
            "items": [{"kind": "case", "id": name, "accepted": taken} for name in points],
        }


def _point(name: str, owner: str, next_ms: int) -> Json:
    due = instant(next_ms + 4 * MS_PER_HOUR)
    return {"kind": "case", "id": name, "owner": owner, "due_at": due, "says": "to be seen to"}
