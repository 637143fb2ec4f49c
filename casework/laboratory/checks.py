"""A world of operational checks: cold rooms near and far, true temperatures, people at the place or in the office.

The plan asks the role, not a person: whoever comes first takes a check. What nobody takes is a miss.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from casework.laboratory.agents import (
    CHERRY_PICKER,
    COLLUDER,
    DONE,
    GAMED,
    GAMER,
    HONEST,
    LATE,
    Person,
    happens,
    on_shift,
)
from casework.laboratory.case_inputs import (
    MS_PER_DAY,
    MS_PER_HOUR,
    MS_PER_MINUTE,
    Json,
    instant,
    item,
    member,
    verdict_input,
)
from casework.laboratory.claims import Claim, Counter

LOW, HIGH = 0, 50
"""Tenths of a degree: what the plan calls in range."""
EARLIER = 6
"""How many earlier checks of the same place are shown to the judge."""
EARLY_LATE_SECONDS = 1_800
FIRST_HOUR, HOURS = 6, 16
OFFICE, PRINTED, OFFICE_RECHECK, LENT_PHONE, VISIT = (
    "office",
    "printed",
    "office_recheck",
    "lent_phone",
    "visit",
)
NOT_LOOKED, HIDDEN, TRUE = "not_looked", "hidden_failure", "true"
WITHOUT_WALKING = (OFFICE, PRINTED, OFFICE_RECHECK)
WAYS = {GAMER: (OFFICE, PRINTED, VISIT), COLLUDER: (OFFICE_RECHECK, LENT_PHONE, OFFICE, VISIT)}
"""What who games may try; the lines of gaming of the research, section 2.5, and a phone lent to a colleague."""


@dataclass(frozen=True, slots=True)
class World:
    """The house. Assumptions of ours unless a source is named; the last word of a name is its unit."""

    due_per_person: int = 2
    """Checks per person on shift and day: a small kitchen's round at opening and at closing."""
    takes_max: int = 3
    """What one person walks to in a shift, a colleague's check included."""
    takes_sitting_max: int = 5
    """What one person writes up in a shift without walking: it costs nothing, so they take more."""
    near_places: int = 3
    """Places beside the work, as a bar or a kitchen has them ..."""
    far_places: int = 3
    """... and as many that somebody has to walk to: a cellar, a store, a cold room outside."""
    near_minutes: float = 1.0
    """There and back, to a near place."""
    far_minutes: float = 5.0
    """There and back, to a far one: what makes a check worth not doing."""
    read_minutes: float = 1.0
    """Opening the door, waiting for the display, reading it."""
    write_minutes: float = 0.3
    """Typing one number into a phone."""
    handle_minutes: float = 20.0
    """What a failure costs whoever tells it: move the goods, call somebody, write it down."""
    mean: int = 34
    """Tenths of a degree: the middle of what the plan calls in range, a little above."""
    spread: float = 5.0
    """Tenths of a degree: doors are opened, so good readings differ by about half a degree."""
    fails_permille: int = 20
    """A refrigerator that is too warm when it is checked: one in fifty, so that a year has enough to count."""
    failing_mean: int = 90
    """Tenths of a degree: a door left open, well out of range, so that nobody could call it doubtful."""
    noise: float = 1.0
    """Two readings of one display within an hour differ by about a tenth of a degree."""
    forgets_permille: int = 15
    """Honest people forget a check altogether: not done, so not claimed."""
    late_permille: int = 10
    """Honest people come after the time that the plan gives: done, but not in time."""
    no_tap_permille: int = 10
    """Honest people forget to tap, or the tag is dead ..."""
    mends_permille: int = 700
    """... and most see that the check-in is missing and ask a colleague to read again within the hour."""
    not_linked_permille: int = 30
    """Honest people who see a failure and do not report it in the app, which asks for it."""
    recheck_permille: int = 50
    """Checks that a lead has somebody else read again within the hour."""
    looks_permille: int = 900
    """Who games and had to walk there mostly reads what is there: it takes seconds."""
    hides_permille: int = 700
    """Who games and sees a failure mostly writes a good number: telling costs 20 minutes."""
    hides_honest_permille: int = 0
    """Honest people hide nothing where telling costs no token."""
    hides_unpaid_permille: int = 100
    """What honest people hide when only good readings pay: rewards at a threshold made even good workers game it
    (Gubler, Larkin, Pierce 2016); the size is ours."""
    found_permille: int = 600
    """Failures that checks missed which an inspector, a guest or the next shift finds ..."""
    found_days_mean: float = 3.0
    """... after so many days on average."""


@dataclass(frozen=True, slots=True)
class Due:
    """One check that the plan asks for, with what is true there."""

    number: int
    place: str
    due_ms: int
    minutes: float
    true: int

    @property
    def failing(self) -> bool:
        """Say whether the reading would be out of range."""
        return not LOW <= self.true <= HIGH


@dataclass(frozen=True, slots=True)
class Done:
    """How one check was done: what was written, whether a tap shows presence, who read again."""

    way: str
    truth: str
    minutes: float
    value: int
    method: str | None = "nfc"
    late: bool = False
    linked: bool = True
    again: tuple[str, int] | None = None


class Checks:
    """The world of `operational_check`."""

    def __init__(self, seed: str, pays_failures: bool = True, world: World | None = None) -> None:
        self.world = world or World()
        self.chance = Random(f"{seed}/checks")
        self.pays_failures = pays_failures
        self.number = 0
        self.failures = self.missed = self.due = self.untaken = 0
        self.earlier: dict[str, deque[Json]] = {}
        self.last_value: dict[str, int] = {}
        self.before: dict[str, tuple[str, int]] = {}

    def day(self, day: int, people: Sequence[Person]) -> Iterator[Claim]:
        """Play one day: who is there takes checks; what nobody takes stays undone."""
        here = on_shift(people, self.chance)
        pool = self._due(day, len(here))
        taken: list[tuple[Due, Person, str]] = []
        for person in here:
            way = self._way(person, {one.id for one in here})
            taken += [(due, person, way) for due in self._take(person, way, pool)]
        self.untaken += len(pool)
        for due in pool:
            self.missed += due.failing
        for due, person, way in sorted(taken, key=lambda one: one[0].due_ms):
            done = self._do(due, person, way, here)
            if done is None:
                self.missed += due.failing
                continue
            told = done.linked and not LOW <= done.value <= HIGH
            seen = done.again is not None and not LOW <= done.again[1] <= HIGH
            missed = due.failing and not told and not seen
            self.missed += missed
            yield self._claim(day, due, person, way, done, missed)

    def told(self, claim: Claim, granted: bool) -> None:
        """Nothing here depends on what became of a claim."""

    def counters(self) -> tuple[Counter, ...]:
        """Return failures that checks missed, and checks that nobody did."""
        return (
            Counter("failures that checks missed", self.missed, self.failures),
            Counter("checks that nobody took", self.untaken, self.due),
        )

    # ------------------------------------------------------------------------------------------------ what is due
    def _due(self, day: int, here: int) -> list[Due]:
        world, chance = self.world, self.chance
        count = here * world.due_per_person
        found = []
        for index in range(count):
            self.number += 1
            number = chance.randrange(world.near_places + world.far_places)
            near = number < world.near_places
            failing = happens(chance, world.fails_permille)
            true = round(chance.gauss(world.failing_mean if failing else world.mean, world.spread))
            true = max(HIGH + 1, true) if failing else min(HIGH, max(LOW, true))
            at = day * MS_PER_DAY + FIRST_HOUR * MS_PER_HOUR + index * HOURS * MS_PER_HOUR // count
            minutes = world.near_minutes if near else world.far_minutes
            found.append(Due(self.number, f"{'near' if near else 'far'}-{number}", at, minutes, true))
            self.failures += failing
        self.due += count
        return found

    def _way(self, person: Person, here: set[str]) -> str:
        ways: tuple[str, ...] = WAYS.get(person.kind, ())
        if not ways:
            return VISIT
        if person.partner is not None and person.partner not in here:
            ways = (OFFICE, VISIT)
        return person.tally.choose(ways, self.chance)

    def _take(self, person: Person, way: str, pool: list[Due]) -> list[Due]:
        world = self.world
        most = world.takes_sitting_max if way in WITHOUT_WALKING else world.takes_max
        wanted = [due for due in pool if person.kind != CHERRY_PICKER or due.minutes <= world.near_minutes]
        picked = self.chance.sample(wanted, min(most, len(wanted)))
        for due in picked:
            pool.remove(due)
        return picked

    # --------------------------------------------------------------------------------------------- how it is done
    def _do(self, due: Due, person: Person, way: str, here: Sequence[Person]) -> Done | None:
        if way != VISIT:
            return self._rechecked(due, person, here, self._gamed(due, person, way))
        games = person.kind in WAYS
        if not games and happens(self.chance, self.world.forgets_permille):
            return None
        done = self._visited_by_gamer(due) if games else self._visited(due, person, here)
        return self._rechecked(due, person, here, done)

    def _gamed(self, due: Due, person: Person, way: str) -> Done:
        """Write a number without having been there; a partner vouches, or carries the phone along."""
        world = self.world
        value = self._made_up(due)
        minutes = world.write_minutes
        if way == OFFICE_RECHECK and person.partner is not None:
            return Done(way, GAMED, 2 * minutes, value, None, again=(person.partner, value))
        if way == LENT_PHONE:
            # the partner walks for both, each for the other in turn: half the way each
            return Done(way, GAMED, minutes + due.minutes / 2, value)
        return Done(way, GAMED, minutes, value, "printed" if way == PRINTED else None)

    def _visited_by_gamer(self, due: Due) -> Done:
        world, chance = self.world, self.chance
        minutes = due.minutes + world.write_minutes
        if not happens(chance, world.looks_permille):
            return Done(NOT_LOOKED, GAMED, minutes, self._made_up(due))
        minutes += world.read_minutes
        if due.failing and happens(chance, world.hides_permille):
            return Done(HIDDEN, GAMED, minutes, self._made_up(due))
        return Done(TRUE, DONE, minutes + due.failing * world.handle_minutes, self._read(due))

    def _visited(self, due: Due, person: Person, here: Sequence[Person]) -> Done:
        world, chance = self.world, self.chance
        minutes = due.minutes + world.read_minutes + world.write_minutes
        hides = world.hides_honest_permille if self.pays_failures else world.hides_unpaid_permille
        if due.failing and happens(chance, hides):
            return Done(HIDDEN, GAMED, minutes, self._made_up(due))
        minutes += due.failing * world.handle_minutes
        value = self._read(due)
        late = happens(chance, world.late_permille)
        tapped = not happens(chance, world.no_tap_permille)
        linked = not (due.failing and happens(chance, world.not_linked_permille))
        again = None
        if not tapped and happens(chance, world.mends_permille):
            again = self._again(due, person, here)
        return Done(TRUE, DONE, minutes, value, "nfc" if tapped else None, late, linked, again)

    def _rechecked(self, due: Due, person: Person, here: Sequence[Person], done: Done) -> Done:
        """A lead has some read again by somebody who does not play along; that reading prevails over a vouching one."""
        if not happens(self.chance, self.world.recheck_permille):
            return done
        again = self._again(due, person, here)
        if again is None:
            return done
        return Done(
            done.way, done.truth, done.minutes, done.value, done.method, done.late, done.linked, again
        )

    def _again(self, due: Due, person: Person, here: Sequence[Person]) -> tuple[str, int] | None:
        others = [one for one in here if one.kind == HONEST and one.id != person.id]
        return (self.chance.choice(others).id, self._read(due)) if others else None

    def _read(self, due: Due) -> int:
        value = round(self.chance.gauss(due.true, self.world.noise))
        return max(HIGH + 1, value) if due.failing else min(HIGH, max(LOW, value))

    def _made_up(self, due: Due) -> int:
        """Copy the last number of that place, changed a little so that it does not stand out."""
        value = self.last_value.get(due.place, self.world.mean) + self.chance.choice((-2, -1, 1, 2))
        return min(HIGH, max(LOW, value))

    # ------------------------------------------------------------------------------------------ what is written
    def _claim(self, day: int, due: Due, person: Person, way: str, done: Done, missed: bool) -> Claim:
        at_ms = self._when(due, person, done)
        found = None
        if missed and happens(self.chance, self.world.found_permille):
            found = at_ms + round(self.chance.expovariate(1 / self.world.found_days_mean) * MS_PER_DAY)
        return Claim(
            person=person,
            at_ms=at_ms,
            approved_at_ms=(day // 7 + 1) * 7 * MS_PER_DAY + 9 * MS_PER_HOUR,  # the week's bundle, on Monday
            way=done.way,
            learnt_as=way,
            truth=LATE if done.late and done.truth == DONE else done.truth,
            minutes=done.minutes,
            value=self._input(due, person, done, at_ms),
            found_at_ms=found if done.truth == GAMED else None,
            good_news=LOW <= done.value <= HIGH,
        )

    def _when(self, due: Due, person: Person, done: Done) -> int:
        if done.late:
            return due.due_ms + self.chance.randint(31, 120) * MS_PER_MINUTE
        at_ms = due.due_ms + self.chance.randint(-20, 20) * MS_PER_MINUTE
        walked_ms = round(due.minutes * MS_PER_MINUTE)
        last = self.before.get(person.id)
        return (
            at_ms if last is None else max(at_ms, min(last[1] + walked_ms, due.due_ms + 29 * MS_PER_MINUTE))
        )

    def _input(self, due: Due, person: Person, done: Done, at_ms: int) -> Json:
        evidence = []
        if done.method is not None:
            evidence.append(self._tap(due, person, done.method, at_ms))
        told = None if LOW <= done.value <= HIGH or not done.linked else f"failure-{due.number}"
        mine = self._reading(f"read-{due.number}", due, person.id, done.value, at_ms, told)
        evidence.append(mine)
        if done.again is not None:
            other, value = done.again
            later_ms = at_ms + 20 * MS_PER_MINUTE
            evidence.append(self._reading(f"again-{due.number}", due, other, value, later_ms, None))
        earlier = self.earlier.setdefault(due.place, deque(maxlen=EARLIER))
        shown = list(earlier)
        people = [one["evidence"][0]["facts"]["member"] for one in shown]
        people += [] if done.again is None else [done.again[0]]
        opened_ms = due.due_ms - EARLY_LATE_SECONDS * 1000
        earlier.append({"case": f"check-{due.number}", "opened_at": instant(opened_ms), "evidence": [mine]})
        self.last_value[due.place] = done.value if LOW <= done.value <= HIGH else self.world.mean
        facts = _facts(due, person.id, opened_ms, at_ms)
        prior: Json = {"awards": [], "reopened": [], "earlier": shown}
        return verdict_input(2, f"check-{due.number}", facts, at_ms, person.id, evidence, people, prior)

    def _tap(self, due: Due, person: Person, method: str, at_ms: int) -> Json:
        before = self.before.get(person.id)
        if (
            at_ms <= due.due_ms + EARLY_LATE_SECONDS * 1000
        ):  # a late one comes after those that are played next
            self.before[person.id] = (due.place, at_ms)
        point = f"tag-{due.place}"
        facts = {
            "place": due.place,
            "point": point,
            "method": method,
            "counter": due.number if method == "nfc" else None,
            "nonce_issued_at": None,
            "at": instant(at_ms),
            "offline": False,
            "member": person.id,
            "before": None if before is None else {"place": before[0], "at": instant(before[1])},
        }
        grade, controllers = ("E4", {"party": f"system:point:{point}"}) if method == "nfc" else ("E1", None)
        name = f"tap-{due.number}"
        party = f"member:{person.id}"
        return item(name, "check_in", grade, 14, at_ms, party, controllers or member(person.id), facts)

    def _reading(self, name: str, due: Due, by: str, value: int, at_ms: int, exception: str | None) -> Json:
        facts = {
            "task": "cold",
            "place": due.place,
            "value": value,
            "scale": 1,
            "unit": "C",
            "low": LOW,
            "high": HIGH,
            "at": instant(at_ms),
            "member": by,
            "exception": exception,
        }
        grade = "E3" if name.startswith("again") else "E0"
        return item(name, "reading", grade, 15, at_ms, f"member:{by}", member(by), facts)


def _facts(due: Due, by: str, opened_ms: int, at_ms: int) -> Json:
    return {
        "origin": "schedule",
        "onset": instant(opened_ms),
        "opened_at": instant(opened_ms),
        "opened_seq": 10,
        "opened_by": "system",
        "subject": {"kind": "check", "id": f"cold@{due.place}", "customer": None},
        "playbook": None,
        "owner": by,
        "proposal": None,
        "action_decision": None,
        "action_taken": {"seq": 21, "at": instant(at_ms), "by": by},
        "expected": {
            "task": "cold",
            "place": due.place,
            "due_at": instant(due.due_ms),
            "early_seconds": EARLY_LATE_SECONDS,
            "late_seconds": EARLY_LATE_SECONDS,
        },
    }
