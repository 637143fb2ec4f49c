"""A world of operational checks: cold rooms near and far, true temperatures, people at the place or in the office.

The plan asks the role, not a person: whoever comes first takes a check. What nobody takes is a miss.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from casework.laboratory.agents import (
    CHERRY_PICKER,
    COLLUDER,
    DONE,
    GAMED,
    GAMER,
    HONEST,
    LATE,
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

LOW, HIGH = 0, 50
"""Tenths of a degree: what the plan calls in range."""
EARLIER = 10
"""How many earlier checks of the same place a judge may be shown."""
EARLY_LATE_SECONDS = 1_800
FIRST_HOUR, HOURS = 6, 16
OFFICE, PRINTED, OFFICE_RECHECK, LENT_PHONE, SECOND, VISIT = (
    "office",
    "printed",
    "office_recheck",
    "lent_phone",
    "second_account",
    "visit",
)
NOT_LOOKED, HIDDEN, TRUE = "not_looked", "hidden_failure", "true"
WITHOUT_WALKING = (OFFICE, PRINTED, OFFICE_RECHECK, SECOND)
WAYS = {
    GAMER: (OFFICE, PRINTED, SECOND, VISIT),
    COLLUDER: (OFFICE_RECHECK, SECOND, LENT_PHONE, OFFICE, VISIT),
}
"""What who games may try; the lines of gaming of the research, section 2.5, a phone lent to a colleague, and a second
account that nobody knows of. Photos are not played: no shipped policy of checks asks for one."""
NFC, PRINTED_CODE = "nfc", "printed"


@dataclass(frozen=True, slots=True)
class World:
    """The house. Assumptions of ours unless a source is named; the last word of a name is its unit."""

    due_per_person: int = 2
    """Checks per person on shift and day: a small kitchen's round at opening and at closing."""
    shift_seconds: int = 660
    """What a shift leaves for checks: one far and two near ones, or four near ones, but never two far ones."""
    takes_sitting_max: int = 3
    """What one person writes up in a shift without walking: it costs nothing, and more would be noticed."""
    near_places: int = 3
    """Places beside the work, as a bar or a kitchen has them ..."""
    far_places: int = 3
    """... and as many that somebody has to walk to: a cellar, a store, a cold room outside."""
    near_seconds: int = 60
    """There and back, to a near place."""
    far_seconds: int = 300
    """There and back, to a far one: what makes a check worth not doing."""
    read_seconds: int = 60
    """Opening the door, waiting for the display, reading it."""
    write_seconds: int = 20
    """Typing one number into a phone."""
    handle_seconds: int = 1_200
    """What a failure costs whoever tells it: move the goods, call somebody, write it down."""
    mean_hundredths: int = 340
    """Of a degree: the middle of what the plan calls in range, a little above."""
    spread_hundredths: int = 50
    """Of a degree: doors are opened, so good readings differ by about half a degree."""
    fails_permille: int = 20
    """A refrigerator that is too warm when it is checked: one in fifty, so that a year has enough to count."""
    failing_hundredths: int = 900
    """Of a degree: a door left open, well out of range, so that nobody could call it doubtful."""
    noise_hundredths: int = 10
    """Of a degree: two readings of one display within an hour differ by about a tenth."""
    forgets_permille: int = 15
    """Honest people forget a check altogether: not done, so not claimed."""
    late_permille: int = 10
    """Honest people come after the time that the plan gives: done, but not in time."""
    no_tap_permille: int = 10
    """Honest people forget to tap, or the tag is dead ..."""
    no_network_permille: int = 10
    """... or a phone has no network at a far place, and what it kept shows no time of the server ..."""
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
    found_daily_permille: int = 250
    """... a quarter of those still open each day, so after three days on average."""


@dataclass(frozen=True, slots=True)
class Due:
    """One check that the plan asks for, with what is true there."""

    number: int
    place: str
    due_ms: int
    walk_seconds: int
    true: int

    @property
    def failing(self) -> bool:
        """Say whether the reading would be out of range."""
        return not LOW <= self.true <= HIGH


@dataclass(frozen=True, slots=True)
class Done:
    """How one check was done: what was written, whether a tap shows presence, who read again (one or more)."""

    way: str
    truth: str
    seconds: int
    value: int
    method: str | None = NFC
    late: bool = False
    linked: bool = True
    offline: bool = False
    again: tuple[tuple[str, int], ...] = ()


class Checks:
    """The world of `operational_check`."""

    def __init__(
        self,
        seed: str,
        pays_failures: bool = True,
        parameters: Mapping[str, Any] | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world or World()
        self.chance = Chance(f"{seed}/checks")
        self.pays_failures = pays_failures
        self.number = 0
        self.failures = self.missed = self.due = self.untaken = 0
        self.earlier: dict[str, deque[tuple[int, Json]]] = {}
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
            seen = any(not LOW <= value <= HIGH for _, value in done.again)
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
            number = chance.below(world.near_places + world.far_places)
            near = number < world.near_places
            failing = chance.happens(world.fails_permille)
            middle = world.failing_hundredths if failing else world.mean_hundredths
            true = _tenths(chance.around(middle, world.spread_hundredths))
            true = max(HIGH + 1, true) if failing else min(HIGH, max(LOW, true))
            at = day * MS_PER_DAY + FIRST_HOUR * MS_PER_HOUR + index * HOURS * MS_PER_HOUR // count
            seconds = world.near_seconds if near else world.far_seconds
            found.append(Due(self.number, f"{'near' if near else 'far'}-{number}", at, seconds, true))
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
        """Who walks takes any that there is time for, while there is; who picks takes what is near, and no far one."""
        world = self.world
        near = world.near_seconds
        wanted = [one for one in pool if person.kind != CHERRY_PICKER or one.walk_seconds <= near]
        self.chance.shuffle(wanted)
        picked = wanted[: world.takes_sitting_max]
        if way not in WITHOUT_WALKING:
            left, picked = world.shift_seconds, []
            for due in wanted:
                seconds = due.walk_seconds + world.read_seconds + world.write_seconds
                if seconds <= left:
                    picked.append(due)
                    left -= seconds
        for due in picked:
            pool.remove(due)
        return picked

    # --------------------------------------------------------------------------------------------- how it is done
    def _do(self, due: Due, person: Person, way: str, here: Sequence[Person]) -> Done | None:
        if way != VISIT:
            return self._rechecked(due, person, here, self._gamed(due, person, way))
        games = person.kind in WAYS
        if not games and self.chance.happens(self.world.forgets_permille):
            return None
        done = self._visited_by_gamer(due) if games else self._visited(due, person, here)
        return self._rechecked(due, person, here, done)

    def _gamed(self, due: Due, person: Person, way: str) -> Done:
        """Write a number without having been there; a partner vouches, or carries the phone along."""
        world = self.world
        value = self._made_up(due)
        seconds = world.write_seconds
        if way == OFFICE_RECHECK and person.partner is not None:
            return Done(way, GAMED, 2 * seconds, value, None, again=((person.partner, value),))
        if way == SECOND:
            vouch = (second_of(person.id), *(() if person.partner is None else (person.partner,)))
            again = tuple((one, value) for one in vouch)
            return Done(way, GAMED, (1 + len(again)) * seconds, value, None, again=again)
        if way == LENT_PHONE:
            # the partner walks for both, each for the other in turn: half the way each
            return Done(way, GAMED, seconds + due.walk_seconds // 2, value)
        return Done(way, GAMED, seconds, value, PRINTED_CODE if way == PRINTED else None)

    def _visited_by_gamer(self, due: Due) -> Done:
        world, chance = self.world, self.chance
        seconds = due.walk_seconds + world.write_seconds
        if not chance.happens(world.looks_permille):
            return Done(NOT_LOOKED, GAMED, seconds, self._made_up(due))
        seconds += world.read_seconds
        if due.failing and chance.happens(world.hides_permille):
            return Done(HIDDEN, GAMED, seconds, self._made_up(due))
        return Done(TRUE, DONE, seconds + due.failing * world.handle_seconds, self._read(due))

    def _visited(self, due: Due, person: Person, here: Sequence[Person]) -> Done:
        world, chance = self.world, self.chance
        seconds = due.walk_seconds + world.read_seconds + world.write_seconds
        hides = world.hides_honest_permille if self.pays_failures else world.hides_unpaid_permille
        if due.failing and chance.happens(hides):
            return Done(HIDDEN, GAMED, seconds, self._made_up(due))
        seconds += due.failing * world.handle_seconds
        value = self._read(due)
        late = chance.happens(world.late_permille)
        tapped = not chance.happens(world.no_tap_permille)
        offline = due.walk_seconds > world.near_seconds and chance.happens(world.no_network_permille)
        linked = not (due.failing and chance.happens(world.not_linked_permille))
        again: tuple[tuple[str, int], ...] = ()
        if (offline or not tapped) and chance.happens(world.mends_permille):
            again = self._again(due, person, here)
        return Done(TRUE, DONE, seconds, value, NFC if tapped else None, late, linked, offline, again)

    def _rechecked(self, due: Due, person: Person, here: Sequence[Person], done: Done) -> Done:
        """A lead has some read again by somebody who does not play along, beside whoever has vouched already."""
        if not self.chance.happens(self.world.recheck_permille):
            return done
        again = self._again(due, person, here)
        taken = {name for name, _ in again}
        return replace(done, again=again + tuple(one for one in done.again if one[0] not in taken))

    def _again(self, due: Due, person: Person, here: Sequence[Person]) -> tuple[tuple[str, int], ...]:
        others = [one.id for one in here if one.kind == HONEST and one.id != person.id]
        return ((self.chance.one_of(others), self._read(due)),) if others else ()

    def _read(self, due: Due) -> int:
        value = _tenths(self.chance.around(10 * due.true, self.world.noise_hundredths))
        return max(HIGH + 1, value) if due.failing else min(HIGH, max(LOW, value))

    def _made_up(self, due: Due) -> int:
        """Copy the last number of that place, changed a little so that it does not stand out."""
        usual = _tenths(self.world.mean_hundredths)
        value = self.last_value.get(due.place, usual) + self.chance.one_of((-2, -1, 1, 2))
        return min(HIGH, max(LOW, value))

    # ------------------------------------------------------------------------------------------ what is written
    def _claim(self, day: int, due: Due, person: Person, way: str, done: Done, missed: bool) -> Claim:
        at_ms = self._when(due, person, done)
        found = None
        if missed and self.chance.happens(self.world.found_permille):
            days = self.chance.days(self.world.found_daily_permille)
            found = None if days is None else at_ms + days * MS_PER_DAY + self.chance.below(MS_PER_DAY)
        return Claim(
            person=person,
            at_ms=at_ms,
            approved_at_ms=(day // 7 + 1) * 7 * MS_PER_DAY + 9 * MS_PER_HOUR,  # the week's bundle, on Monday
            way=done.way,
            learnt_as=way,
            truth=LATE if done.late and done.truth == DONE else done.truth,
            seconds=done.seconds,
            value=self._input(due, person, done, at_ms),
            found_at_ms=found if done.truth == GAMED else None,
            good_news=LOW <= done.value <= HIGH,
        )

    def _when(self, due: Due, person: Person, done: Done) -> int:
        if done.late:
            return due.due_ms + self.chance.between(31, 120) * MS_PER_MINUTE
        at_ms = due.due_ms + self.chance.between(-20, 20) * MS_PER_MINUTE
        last = self.before.get(person.id)
        if last is None:
            return at_ms
        walked_ms = last[1] + due.walk_seconds * MS_PER_SECOND
        return max(at_ms, min(walked_ms, due.due_ms + 29 * MS_PER_MINUTE))

    def _input(self, due: Due, person: Person, done: Done, at_ms: int) -> Json:
        evidence = []
        if done.method is not None:
            evidence.append(self._tap(due, person, done, at_ms))
        told = None if LOW <= done.value <= HIGH or not done.linked else f"failure-{due.number}"
        mine = self._reading(f"read-{due.number}", due, person.id, done.value, at_ms, told)
        evidence.append(mine)
        later_ms = at_ms + 20 * MS_PER_MINUTE
        for number, (other, value) in enumerate(done.again):
            name = f"again-{due.number}-{number}"
            evidence.append(self._reading(name, due, other, value, later_ms, None))
        shown = self._earlier(due, done.value)
        people = [one["evidence"][0]["facts"]["member"] for one in shown]
        people += [other for other, _ in done.again]
        opened_ms = due.due_ms - EARLY_LATE_SECONDS * 1000
        earlier = {"case": f"check-{due.number}", "opened_at": instant(opened_ms), "evidence": [mine]}
        self.earlier[due.place].appendleft((done.value, earlier))
        usual = _tenths(self.world.mean_hundredths)
        self.last_value[due.place] = done.value if LOW <= done.value <= HIGH else usual
        facts = _facts(due, person.id, opened_ms, at_ms)
        prior: Json = {"awards": [], "reopened": [], "earlier": shown}
        return verdict_input(2, f"check-{due.number}", facts, at_ms, person.id, evidence, people, prior)

    def _earlier(self, due: Due, value: int) -> list[Json]:
        """Return the earlier checks up to the first with another number: the judge looks no further."""
        shown = []
        for number, one in self.earlier.setdefault(due.place, deque(maxlen=EARLIER)):
            shown.append(one)
            if number != value:
                break
        return shown

    def _tap(self, due: Due, person: Person, done: Done, at_ms: int) -> Json:
        before = self.before.get(person.id)
        # a late one comes after those that are played next
        if at_ms <= due.due_ms + EARLY_LATE_SECONDS * 1000:
            self.before[person.id] = (due.place, at_ms)
        point, signs = f"tag-{due.place}", done.method == NFC
        facts = {
            "place": due.place,
            "point": point,
            "method": done.method,
            "counter": due.number if signs else None,
            "nonce_issued_at": None,
            "at": instant(at_ms),
            "offline": done.offline,
            "member": person.id,
            "before": None if before is None else {"place": before[0], "at": instant(before[1])},
        }
        controllers = {"party": f"system:point:{point}"} if signs else member(person.id)
        # what waited on a phone is worth what a file is: the server saw no time
        grade = "E4" if signs and not done.offline else "E1"
        return item(
            f"tap-{due.number}", "check_in", grade, 14, at_ms, f"member:{person.id}", controllers, facts
        )

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


def second_of(name: str) -> str:
    """Return the second account of somebody, which nobody declared."""
    return f"{name}-too"


def _tenths(hundredths: int) -> int:
    return (hundredths + 5) // 10


def _facts(due: Due, by: str, opened_ms: int, at_ms: int) -> Json:
    expected = {
        "task": "cold",
        "place": due.place,
        "due_at": instant(due.due_ms),
        "early_seconds": EARLY_LATE_SECONDS,
        "late_seconds": EARLY_LATE_SECONDS,
    }
    subject = {"kind": "check", "id": f"cold@{due.place}", "customer": None}
    return routine_facts("schedule", subject, expected, opened_ms, "system", by, at_ms)
