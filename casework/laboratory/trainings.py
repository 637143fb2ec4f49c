"""A world of courses: what the policy's catalogue asks of everybody in a year, and how it is sat through.

Each course is assigned to each person once. Who games lets it run, lets somebody else sit it, or brings a paper.
Courses are few for one person, so those who game tell each other what paid.
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
    MISTAKEN,
    Person,
    Tally,
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
    routine_facts,
    verdict_input,
)
from casework.laboratory.chance import Chance
from casework.laboratory.claims import Claim, Counter
from verifiers.errors import PolicyInvalid
from verifiers.reading import Reader
from verifiers.recall import Question, count_right, drawn, read_recall

LEARN, RUNNING, CERTIFICATE, SAT, SEEN = (
    "learn",
    "left_running",
    "certificate",
    "sat_by_partner",
    "seen_by_partner",
)
WAYS = {GAMER: (RUNNING, CERTIFICATE, LEARN), COLLUDER: (SAT, SEEN, RUNNING, LEARN)}
"""What who games may try; the lines of gaming of the research, section 2.2. The same course over and over is not
played: the judge knows the earlier award."""
LAST_DAY = 335
"""Courses are assigned until then, so that each can settle within the year."""


@dataclass(frozen=True, slots=True)
class World:
    """The house. Assumptions of ours unless a source is named; the last word of a name is its unit."""

    easy_minutes: int = 60
    """Who picks what is easy takes no course that asks for more than this, and none where somebody has to watch."""
    more_permille: int = 200
    """Learning takes honest people a fifth more than the catalogue asks at least."""
    clicking_seconds: int = 240
    """Starting a course, coming back to click on, guessing at the end."""
    paper_seconds: int = 300
    """Making a certificate, or finding somebody else's."""
    watching_seconds: int = 900
    """Showing it to whoever has to have seen it."""
    fails_permille: int = 150
    """Tests that honest people fail, each time; most pass when they try again."""
    guesses_permille: int = 500
    """Tests that somebody who learnt nothing fails, each time: questions with four answers, seen before."""
    unmapped_permille: int = 20
    """Accounts at the provider that were never joined with the person here, after half of them were mended."""
    unsent_permille: int = 10
    """Results that the provider never sent."""
    unseen_permille: int = 20
    """Honest people who find nobody to watch them in time."""
    unable_permille: int = 50
    """Honest people who passed the test and cannot do it yet, as whoever watches sees."""
    unable_gamed_permille: int = 800
    """The same of who learnt nothing."""
    knows_later_permille: int = 900
    """Questions asked weeks later that who learnt it answers rightly ..."""
    guesses_later_permille: int = 600
    """... and who learnt nothing: a phone is at hand, and colleagues were asked the same."""
    answers_again_max: int = 2
    """Who does not answer well is asked again, and after so many more times leaves it."""
    errs_daily_permille: int = 10
    """Who cannot do it is found out at work, on one day in a hundred."""


class Trainings:
    """The world of `training`."""

    def __init__(
        self,
        seed: str,
        pays_failures: bool = True,
        parameters: Mapping[str, Any] | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world or World()
        self.chance = Chance(f"{seed}/trainings")
        given = parameters or {}
        self.catalogue: Mapping[str, Any] = given.get("catalogue", {})
        self.attempts_max = int(given.get("attempts_max", 1))
        self.number = self.assigned = self.untaken = self.holders = self.unable = 0
        self.due: dict[str, list[tuple[int, str]]] = {}
        self.tallies: dict[str, Tally] = {}

    def day(self, day: int, people: Sequence[Person]) -> Iterator[Claim]:
        """Play one day: whoever is there and has a course due sits it."""
        if not self.due:
            self._assign(people)
        here = on_shift(people, self.chance)
        for person in here:
            mine = self.due[person.id]
            for due in [one for one in mine if one[0] <= day]:
                mine.remove(due)
                claim = self._sit(day, person, due[1], here)
                if claim is not None:
                    yield claim

    def told(self, claim: Claim, granted: bool) -> None:
        """Whoever got it holds the course, whether they can do it or not."""
        self.holders += granted
        self.unable += granted and claim.truth != DONE

    def counters(self) -> tuple[Counter, ...]:
        """Return who holds a course and cannot do it, and courses that nobody took."""
        return (
            Counter("people who hold a course and cannot do it", self.unable, self.holders),
            Counter("assigned courses that were not taken", self.untaken, self.assigned),
        )

    # ------------------------------------------------------------------------------------------- what happens
    def _assign(self, people: Sequence[Person]) -> None:
        for person in people:
            if person.kind in WAYS:
                person.tally = self.tallies.setdefault(person.kind, Tally())
            self.due[person.id] = [(self.chance.below(LAST_DAY), name) for name in sorted(self.catalogue)]
            self.assigned += len(self.catalogue)

    def _sit(self, day: int, person: Person, name: str, here: Sequence[Person]) -> Claim | None:
        course, world = self.catalogue[name], self.world
        hard = course["assessed"] or course["minutes_min"] > world.easy_minutes
        if person.kind == CHERRY_PICKER and hard:
            self.untaken += 1
            return None
        ways: tuple[str, ...] = WAYS.get(person.kind, (LEARN,))
        if not course["assessed"]:
            ways = tuple(way for way in ways if way != SEEN)
        way = person.tally.choose(ways, self.chance) if person.kind in WAYS else LEARN
        minutes = course["minutes_min"] * 60
        seconds = {
            LEARN: minutes * (1_000 + world.more_permille) // 1_000,
            RUNNING: world.clicking_seconds,
            CERTIFICATE: world.paper_seconds,
            SAT: minutes // 2,  # each sits for the other in turn: half the time each
            SEEN: world.clicking_seconds,
        }[way]
        knows = way in (LEARN, SAT)
        fails = world.fails_permille if knows else world.guesses_permille
        attempts = 1 + next((n for n in range(self.attempts_max) if not self.chance.happens(fails)), -1)
        if attempts == 0 and way != CERTIFICATE:
            self.untaken += way == LEARN
            return None  # never passed, so nothing is claimed
        seen, doubts = self._watched(person, course, way, here)
        truth = GAMED if way != LEARN else MISTAKEN if doubts else DONE
        found = None
        if truth != DONE:
            days = self.chance.days(world.errs_daily_permille)
            found = None if days is None else day * MS_PER_DAY + (days + 1) * MS_PER_DAY
        if course["assessed"]:
            seconds += world.watching_seconds
        at_ms = day * MS_PER_DAY + 16 * MS_PER_HOUR
        self.number += 1
        return Claim(
            person=person,
            at_ms=at_ms,
            approved_at_ms=at_ms + 2 * MS_PER_DAY,
            way=way,
            learnt_as=way,
            truth=truth,
            seconds=seconds,
            value=self._input(person, name, way, max(1, attempts), seen, doubts, at_ms),
            found_at_ms=found,
            settles=self._answers(course.get("recall"), way),
        )

    def _answers(self, asked: Any, way: str) -> bool:
        """Say whether the questions some weeks later are answered well; drawn and counted as the product does."""
        if asked is None:
            return True
        recall = read_recall(Reader(asked, "recall", PolicyInvalid))
        world = self.world
        right_permille = world.knows_later_permille if way == LEARN else world.guesses_later_permille
        for attempt in range(1, 2 + world.answers_again_max):
            questions = drawn(recall, f"award-{self.number}", attempt)
            answers = [self._answer(recall.questions[one], right_permille) for one in questions]
            if count_right(recall, questions, answers) >= recall.right_min:
                return True
        return False

    def _answer(self, question: Question, right_permille: int) -> int:
        if self.chance.happens(right_permille):
            return question.right
        others = [place for place in range(len(question.answers)) if place != question.right]
        return self.chance.one_of(others)

    def _watched(
        self, person: Person, course: Mapping[str, Any], way: str, here: Sequence[Person]
    ) -> tuple[str | None, bool]:
        """Return who watched, and whether they doubt it. A partner never does."""
        world, chance = self.world, self.chance
        if not course["assessed"]:
            return None, False
        if way == SEEN and person.partner is not None:
            return person.partner, False
        others = [one.id for one in here if one.kind == HONEST and one.id != person.id]
        if not others or chance.happens(world.unseen_permille):
            return None, False
        unable = world.unable_permille if way == LEARN else world.unable_gamed_permille
        return chance.one_of(others), chance.happens(unable)

    # ------------------------------------------------------------------------------------------ what is written
    def _input(
        self, person: Person, name: str, way: str, attempts: int, seen: str | None, doubts: bool, at_ms: int
    ) -> Json:
        course, world, chance = self.catalogue[name], self.world, self.chance
        version = course["versions"][-1]
        by = f"member:{person.id}"
        ended_ms = at_ms - MS_PER_HOUR
        evidence = []
        mapped = not chance.happens(world.unmapped_permille)
        if way == CERTIFICATE:
            paper = {"media_type": "application/pdf", "size_bytes": 90_000}
            evidence.append(item("paper", "file", "E1", 14, at_ms, by, member(person.id), paper))
        elif not chance.happens(world.unsent_permille):
            said = {
                "provider": "lms",
                "registration": f"r-{self.number}",
                "account": f"account-of-{person.id}",
                "member": person.id if mapped else None,
                "course": name,
                "course_version": version,
                "result": "passed",
                "score": chance.between(course["pass_score"], 10_000),
                "attempts": attempts,
                "duration_seconds": course["minutes_min"] * 60 + 60 * chance.below(30),
                "completed_at": instant(ended_ms),
                "expires_at": None,
                "channel": "webhook",
            }
            controllers = {"party": "source:lms"}
            evidence.append(item("result", "training_result", "E3", 15, ended_ms, by, controllers, said))
        if seen is not None:
            saw = {
                "course": name,
                "course_version": version,
                "member": person.id,
                "assessor": seen,
                "at": instant(ended_ms + 20 * MS_PER_MINUTE),
                "passed": not doubts,
            }
            evidence.append(
                item("seen", "assessment", "E3", 16, ended_ms, f"member:{seen}", member(seen), saw)
            )
        expected = {"course": name, "course_version": version}
        subject = {"kind": "training", "id": f"{name}@{version}", "customer": None}
        opened_ms = ended_ms - MS_PER_DAY
        facts = routine_facts("claim", subject, expected, opened_ms, person.id, person.id, at_ms)
        prior: Json = {"awards": [], "reopened": [], "earlier": []}
        people = [] if seen is None else [seen]
        return verdict_input(2, f"course-{self.number}", facts, at_ms, person.id, evidence, people, prior)
