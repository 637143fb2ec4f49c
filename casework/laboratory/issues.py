"""A world of service issues: complaints that come, fixes that hold or do not, guests who answer or stay silent.

Complaints wait in one queue. Whoever games may close without fixing, answer the guest's link themselves, or invent a
guest: a booking system shows what was typed into it, so the record alone proves little.
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
    MISTAKEN,
    Person,
    on_shift,
)
from casework.laboratory.case_inputs import (
    BOOKS,
    DESK,
    DIGEST,
    LEAD,
    MS_PER_DAY,
    MS_PER_HOUR,
    MS_PER_MINUTE,
    Json,
    instant,
    item,
    undeclared,
    verdict_input,
)
from casework.laboratory.chance import Chance
from casework.laboratory.claims import Claim, Counter

FIX, CLOSE, OWN_CARD, PARTNER_CARD, INVENT, INVENT_FOR = (
    "fix",
    "closed_early",
    "own_card",
    "partner_card",
    "invented",
    "invented_by_partner",
)
INVENTS = (INVENT, INVENT_FOR)
WAYS = {GAMER: (CLOSE, OWN_CARD, INVENT, FIX), COLLUDER: (PARTNER_CARD, INVENT_FOR, CLOSE, FIX)}
"""What who games may try; the lines of gaming of the research, section 2.4, and an invented guest. Splitting one matter
in two is not played: the second opening is a return of the first, so one of both lapses whatever else is true."""
FIRST_HOUR = 9
DONE_BY = "done_by_field"
"""The parameter that version 2 of the judge has, and version 1 has not."""


@dataclass(frozen=True, slots=True)
class World:
    """The house. Assumptions of ours unless a source is named."""

    per_person_permille: int = 880
    """Complaints per person on shift and day: over four a week, a little more than the shifts leave time for, so that
    what one leaves another cannot always take."""
    hard_permille: int = 300
    """Complaints that take more than a word and a voucher; enough of them that picking easy ones pays."""
    easy_seconds: int = 1_500
    """Listening, putting it right, writing it down."""
    hard_seconds: int = 3_600
    """The same with a second person, a supplier or a room to be changed."""
    shift_seconds: int = 1_800
    """What a shift leaves for complaints; one that is harder takes the time of later shifts."""
    takes_max: int = 2
    """Who closes without fixing could take every complaint of the day; that would be noticed."""
    closing_seconds: int = 180
    """Setting a status and writing a line, without having done anything."""
    inventing_seconds: int = 360
    """Making up a guest and a matter, typing both, and answering the card."""
    invents_per_week_max: int = 2
    """More guests that nobody has seen would be talked about."""
    known_address_permille: int = 600
    """Guests whose address was known before: of their booking, which is a record of before; the others get a card
    handed over by the desk."""
    answers_permille: int = 700
    """Guests who answer the link after a true fix, one reminder included; the figure that decides most here."""
    second_source_permille: int = 250
    """Fixes that a second system shows too: a refund in the till, a part in the stock book."""
    answers_unfixed_permille: int = 500
    """Guests of an unfixed complaint who answer the link ..."""
    polite_permille: int = 50
    """... and those of them who say yes all the same."""
    fix_fails_permille: int = 30
    """True fixes that do not hold."""
    returns_permille: int = 600
    """Guests with an unfixed complaint who come back about it ..."""
    returns_daily_permille: int = 170
    """... each day one in six of those who have not yet, so after five days on average."""
    tells_days: int = 1
    """From the fix to the guest's answer, and from there to the approval."""
    waits_days: int = 2
    """A complaint that nobody took for so long is left lying, and goes to the lead."""


@dataclass(slots=True)
class Complaint:
    """One matter of one guest."""

    number: int
    customer: str
    at_ms: int
    hard: bool
    known_address: bool
    by_hand_of: str | None = None
    """Who typed an invented one."""


class Issues:
    """The world of `service_issue`."""

    def __init__(
        self,
        seed: str,
        pays_failures: bool = True,
        parameters: Mapping[str, Any] | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world or World()
        self.chance = Chance(f"{seed}/issues")
        self.version = 2 if DONE_BY in (parameters or {}) else 1
        self.done_by = (parameters or {}).get(DONE_BY, {}).get("complaint")
        self.number = 0
        self.queue: list[Complaint] = []
        self.left: dict[str, int] = {}
        self.invented: dict[tuple[str, int], int] = {}
        self.closed = self.returned = self.came = self.lying = self.hard = self.hard_lying = 0

    def day(self, day: int, people: Sequence[Person]) -> Iterator[Claim]:
        """Play one day: complaints come, who is there takes what they like best, guests answer the next day."""
        here = on_shift(people, self.chance)
        self._arrive(day, len(here))
        for person in here:
            budget = self.left.get(person.id, 0) + self.world.shift_seconds
            budget = min(budget, 2 * self.world.shift_seconds)
            for _ in range(self.world.takes_max):
                claim = self._work(day, person) if budget > 0 else None
                if claim is None:
                    break
                budget -= claim.seconds
                yield claim
            self.left[person.id] = budget
        waits_ms = self.world.waits_days * MS_PER_DAY
        old = [one for one in self.queue if (day + 1) * MS_PER_DAY - one.at_ms > waits_ms]
        self.lying += len(old)
        self.hard_lying += sum(one.hard for one in old)
        # what lies so long goes to the lead, who sees to it without recognition
        self.queue = [one for one in self.queue if one not in old]

    def told(self, claim: Claim, granted: bool) -> None:
        """Nothing here depends on what became of a claim: each guest has one matter."""

    def counters(self) -> tuple[Counter, ...]:
        """Return guests who came back, and complaints that were left lying, the hard ones apart."""
        return (
            Counter("guests who came back about the same matter", self.returned, self.closed),
            Counter("complaints left lying for the lead", self.lying, self.came),
            Counter("hard ones left lying", self.hard_lying, self.hard),
        )

    # ---------------------------------------------------------------------------------------------- what comes
    def _arrive(self, day: int, here: int) -> None:
        for _ in range(here):
            if self.chance.happens(self.world.per_person_permille):
                self.queue.append(self._complaint(day, None))
                self.came += 1
                self.hard += self.queue[-1].hard

    def _complaint(self, day: int, by_hand_of: str | None) -> Complaint:
        self.number += 1
        minute = self.chance.below(60)
        at_ms = day * MS_PER_DAY + FIRST_HOUR * MS_PER_HOUR + minute * MS_PER_MINUTE
        hard = by_hand_of is None and self.chance.happens(self.world.hard_permille)
        known = by_hand_of is None and self.chance.happens(self.world.known_address_permille)
        return Complaint(self.number, f"guest-{self.number}", at_ms, hard, known, by_hand_of)

    def _work(self, day: int, person: Person) -> Claim | None:
        way = self._way(day, person)
        if way in INVENTS:
            author = person.partner if way == INVENT_FOR and person.partner else person.id
            self.invented[person.id, day // 7] = self.invented.get((person.id, day // 7), 0) + 1
            return self._claim(day, person, self._complaint(day, author), way)
        wanted = [one for one in self.queue if person.kind != CHERRY_PICKER or not one.hard]
        if not wanted:
            return None
        matter = wanted[0]
        self.queue.remove(matter)
        return self._claim(day, person, matter, way)

    def _way(self, day: int, person: Person) -> str:
        ways: tuple[str, ...] = WAYS.get(person.kind, ())
        if not ways:
            return FIX
        if self.invented.get((person.id, day // 7), 0) >= self.world.invents_per_week_max:
            ways = tuple(way for way in ways if way not in INVENTS)
        return person.tally.choose(ways, self.chance)

    # ------------------------------------------------------------------------------------------ what is written
    def _claim(self, day: int, person: Person, matter: Complaint, way: str) -> Claim:
        world, chance = self.world, self.chance
        truth, seconds = GAMED, world.inventing_seconds if way in INVENTS else world.closing_seconds
        if way == FIX:
            truth = MISTAKEN if chance.happens(world.fix_fails_permille) else DONE
            seconds = world.hard_seconds if matter.hard else world.easy_seconds
        acted_ms = day * MS_PER_DAY + 11 * MS_PER_HOUR
        said_ms = (day + world.tells_days) * MS_PER_DAY + 12 * MS_PER_HOUR
        found = None
        if way not in INVENTS:
            self.closed += 1
            if truth != DONE and chance.happens(world.returns_permille):
                self.returned += 1
                days = chance.days(world.returns_daily_permille)
                found = None if days is None else acted_ms + days * MS_PER_DAY + chance.below(MS_PER_DAY)
        evidence = self._evidence(person, matter, way, acted_ms, said_ms)
        return Claim(
            person=person,
            at_ms=said_ms,
            approved_at_ms=said_ms + world.tells_days * MS_PER_DAY,
            way=way,
            learnt_as=way,
            truth=truth,
            seconds=seconds,
            value=self._input(person, matter, acted_ms, said_ms, evidence),
            found_at_ms=found,
        )

    def _evidence(
        self, person: Person, matter: Complaint, way: str, acted_ms: int, said_ms: int
    ) -> list[Json]:
        found = [self._record("rec", "pms", person, matter, acted_ms)]
        if way == FIX and self.chance.happens(self.world.second_source_permille):
            found.append(self._record("rec2", "till", person, matter, acted_ms))
        if self.version > 1 and matter.known_address:
            found.append(_booking(person, matter, acted_ms))
        answer = self._answer(matter, way)
        if answer is not None:
            bearer = self._bearer(person, matter, way)
            found.append(_confirmation(matter, bearer, answer, acted_ms, said_ms))
        return found

    def _answer(self, matter: Complaint, way: str) -> str | None:
        world, chance = self.world, self.chance
        if way == CLOSE:
            # only a mail asks by itself; whoever closes without fixing hands no card over
            if not matter.known_address or not chance.happens(world.answers_unfixed_permille):
                return None
            return "resolved" if chance.happens(world.polite_permille) else "not_resolved"
        if way == FIX:
            return "resolved" if chance.happens(world.answers_permille) else None
        return "resolved"

    def _bearer(self, person: Person, matter: Complaint, way: str) -> str | None:
        if way == INVENT_FOR:
            return matter.by_hand_of
        if way in (OWN_CARD, INVENT):
            return person.id
        if way == PARTNER_CARD:
            return person.partner
        # the page says that a card counts only from somebody else's hand
        return None if matter.known_address else DESK

    def _input(
        self, person: Person, matter: Complaint, acted_ms: int, said_ms: int, evidence: list[Json]
    ) -> Json:
        facts: Json = {
            "origin": "signal",
            "onset": instant(matter.at_ms),
            "opened_at": instant(matter.at_ms),
            "opened_seq": 10,
            "opened_by": "system",
            "subject": {"kind": "complaint", "id": str(matter.number), "customer": matter.customer},
            "playbook": {"id": "complaint-to-escalate", "digest": DIGEST},
            "owner": person.id,
            "proposal": {"id": f"prop-{matter.number}", "digest": DIGEST, "maker": person.id, "seq": 12},
            "action_decision": {
                "seq": 14,
                "at": instant(acted_ms - 30 * MS_PER_MINUTE),
                "approver": LEAD,
                "verb": "approved",
                "proposal_digest": DIGEST,
            },
            "action_taken": {"seq": 15, "at": instant(acted_ms), "by": person.id},
        }
        people = [LEAD, BOOKS, DESK, *(one for one in (matter.by_hand_of, person.partner) if one)]
        prior: Json = {"awards": [], "reopened": []}
        if self.version > 1:
            facts["expected"] = {}
            prior["earlier"] = []
        case = f"issue-{matter.number}"
        return verdict_input(self.version, case, facts, said_ms, person.id, evidence, people, prior)

    def _record(self, name: str, source: str, person: Person, matter: Complaint, acted_ms: int) -> Json:
        """Return the complaint as a system has it after it was closed there, by whom where the policy asks for that;
        what was typed there looks like the rest."""
        named = {} if self.done_by is None else {self.done_by: person.id}
        facts = {
            "kind": "complaint",
            "id": str(matter.number),
            "version": 2,
            "event_time": instant(acted_ms + MS_PER_MINUTE),
            "first_event_at": instant(matter.at_ms),
            "customer": matter.customer,
            "source": source,
            "fields": {"status": "closed", **named},
        }
        return _shown(name, person, facts, acted_ms)


def _booking(person: Person, matter: Complaint, acted_ms: int) -> Json:
    """Return the booking of a guest who was known: a record of before."""
    booked = instant(matter.at_ms - MS_PER_DAY)
    facts = {
        "kind": "booking",
        "id": f"b-{matter.number}",
        "version": 1,
        "event_time": booked,
        "first_event_at": booked,
        "customer": matter.customer,
        "source": "pms",
        "fields": {},
    }
    return _shown("booking", person, facts, acted_ms)


def _shown(name: str, person: Person, facts: Json, acted_ms: int) -> Json:
    controllers = undeclared(facts["source"], person.id)
    at_ms = acted_ms + 2 * MS_PER_MINUTE
    return item(name, "system_record", "E3", 16, at_ms, f"member:{person.id}", controllers, facts, LEAD)


def _confirmation(matter: Complaint, bearer: str | None, answer: str, acted_ms: int, said_ms: int) -> Json:
    facts = {
        "link": f"link-{matter.number}",
        "case": f"issue-{matter.number}",
        "customer": matter.customer,
        "issued_at": instant(acted_ms + 5 * MS_PER_MINUTE),
        "handed_over_by": bearer,
        "address_known_before_case": bearer is None,
        "answered_at": instant(said_ms - 30 * MS_PER_MINUTE),
        "answer": answer,
    }
    other = "system:mail" if bearer is None else f"member:{bearer}"
    controllers = {"any": [{"party": f"customer:{matter.customer}"}, {"party": other}]}
    at_ms = said_ms - 30 * MS_PER_MINUTE
    party = f"customer:{matter.customer}"
    return item("yes", "customer_confirmation", "E3", 17, at_ms, party, controllers, facts, LEAD)
