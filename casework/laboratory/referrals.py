"""A world of referrals: people somebody here knows, who come as customers or apply, and what became of it months later.

Who games refers their own household, whom a colleague is about to write down, or says yes in somebody's name; two who
play along find each other's candidates fitting. Referrals are few, so those who game tell each other what paid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

from casework.laboratory.agents import (
    CHERRY_PICKER,
    COLLUDER,
    DONE,
    GAMED,
    GAMER,
    MISTAKEN,
    Person,
    Tally,
    on_shift,
)
from casework.laboratory.case_inputs import (
    LEAD,
    MS_PER_DAY,
    MS_PER_HOUR,
    Json,
    instant,
    item,
    routine_facts,
    undeclared,
    verdict_input,
)
from casework.laboratory.chance import Chance
from casework.laboratory.claims import Claim, Counter

REFER, HOUSEHOLD, OVERHEARD, OWN_YES, PARTNER_FINDS = (
    "refer",
    "own_household",
    "overheard",
    "own_yes",
    "found_by_partner",
)
WAYS = {
    GAMER: (HOUSEHOLD, OVERHEARD, OWN_YES, REFER),
    COLLUDER: (PARTNER_FINDS, OVERHEARD, HOUSEHOLD, REFER),
}
"""What who games may try; the lines of gaming of the research, section 2.3. A purchase that is undone after the tokens
are theirs is part of each."""
CUSTOMER, CANDIDATE = "customer", "candidate"
CAME_ANYWAY = (HOUSEHOLD, OVERHEARD)


@dataclass(frozen=True, slots=True)
class World:
    """The house. Assumptions of ours unless a source is named; the last word of a name is its unit."""

    lodges_permille: int = 20
    """Referrals of one person on a day at work: five in a year."""
    candidate_permille: int = 300
    """Of them for an open post; the others are customers."""
    talk_seconds: int = 900
    """Talking with somebody, and writing it down ..."""
    talk_candidate_seconds: int = 1_800
    """... and with somebody who looks for work."""
    typing_seconds: int = 180
    """Typing a name, and answering in somebody's place."""
    wins_permille: int = 300
    """Customers who were truly referred and who pay ..."""
    wins_candidate_permille: int = 200
    """... and candidates who begin."""
    wins_household_permille: int = 900
    """A household that would have come anyway comes ..."""
    households_per_year_max: int = 2
    """... and nobody has more of them."""
    wins_partner_permille: int = 500
    """Candidates who are let through by a partner, and stay for as long as it takes."""
    wins_own_yes_permille: int = 200
    """People whom somebody lodged without their knowing, and who pay all the same."""
    days_to_contact: int = 3
    """From lodging to the first contact, and from there ..."""
    days_to_win: int = 14
    """... to the payment or the first day at work."""
    known_permille: int = 50
    """Whom honest people refer in good faith, and who had been in touch already."""
    answers_permille: int = 850
    """Who was referred and came, and answers the question whether they agree, one reminder included."""
    mails_permille: int = 150
    """Of those who answer: by a mail that their domain signed."""
    nobody_named_permille: int = 15
    """Records in which nobody wrote down who found them fitting."""
    gone_permille: int = 40
    """Who was truly referred, and leaves or is refunded within half a year after that ..."""
    gone_gamed_permille: int = 300
    """... and of those who were not."""
    gone_daily_permille: int = 15
    """Each day one or two of a hundred of those who go."""
    minds_permille: int = 200
    """Colleagues who see that the one they spoke with was lodged minutes before, and say so before it is approved."""


class Referrals:
    """The world of `referral`."""

    def __init__(
        self,
        seed: str,
        pays_failures: bool = True,
        parameters: Mapping[str, Any] | None = None,
        world: World | None = None,
    ) -> None:
        self.world = world or World()
        self.chance = Chance(f"{seed}/referrals")
        self.records: Mapping[str, Any] = (parameters or {}).get("records", {})
        self.seed, self.number = seed, 0
        self.waiting: list[tuple[int, int, Claim]] = []
        self.tallies: dict[str, Tally] = {}
        self.households: dict[str, int] = {}
        self.granted = self.gone = self.anyway = 0

    def day(self, day: int, people: Sequence[Person]) -> Iterator[Claim]:
        """Play one day: some are lodged, and what was lodged long ago and has held is claimed."""
        for person in on_shift(people, self.chance):
            if person.kind in WAYS:
                person.tally = self.tallies.setdefault(person.kind, Tally())
            if self.chance.happens(self.world.lodges_permille):
                self._lodge(day, person)
        while self.waiting and self.waiting[0][0] <= day:
            yield heappop(self.waiting)[2]

    def told(self, claim: Claim, granted: bool) -> None:
        """Count what was recognised, and what of it did not last or would have come anyway."""
        self.granted += granted
        self.gone += granted and claim.found_at_ms is not None
        self.anyway += granted and claim.way in CAME_ANYWAY

    def counters(self) -> tuple[Counter, ...]:
        """Return who was recognised for somebody who left, and for somebody who would have come anyway."""
        return (
            Counter("recognised referrals that did not last", self.gone, self.granted),
            Counter("recognised ones who would have come anyway", self.anyway, self.granted),
        )

    # ------------------------------------------------------------------------------------------- what happens
    def _lodge(self, day: int, person: Person) -> None:
        world, chance = self.world, self.chance
        self.number += 1
        kind = CANDIDATE if chance.happens(world.candidate_permille) else CUSTOMER
        if person.kind == CHERRY_PICKER:
            kind = CUSTOMER
        way = self._way(person)
        kind = {HOUSEHOLD: CUSTOMER, OWN_YES: CUSTOMER, PARTNER_FINDS: CANDIDATE}.get(way, kind)
        usual = world.wins_permille if kind == CUSTOMER else world.wins_candidate_permille
        wins = {
            HOUSEHOLD: world.wins_household_permille,
            OWN_YES: world.wins_own_yes_permille,
            PARTNER_FINDS: world.wins_partner_permille,
        }
        talk = world.talk_seconds if kind == CUSTOMER else world.talk_candidate_seconds
        seconds = talk if way == REFER else world.typing_seconds
        if not chance.happens(wins.get(way, usual)):
            person.tally.learn(way, 0, seconds)  # it came to nothing, and cost its time
            return
        held_days = world.days_to_contact + world.days_to_win + self.records[kind]["days_min"]
        claimed = day + held_days + 1
        heappush(self.waiting, (claimed, self.number, self._claim(day, claimed, person, kind, way, seconds)))

    def _way(self, person: Person) -> str:
        ways: tuple[str, ...] = WAYS.get(person.kind, ())
        if not ways:
            return REFER
        if self.households.get(person.id, 0) >= self.world.households_per_year_max:
            ways = tuple(way for way in ways if way != HOUSEHOLD)
        way = person.tally.choose(ways, self.chance)
        self.households[person.id] = self.households.get(person.id, 0) + (way == HOUSEHOLD)
        return way

    def _claim(self, day: int, claimed: int, person: Person, kind: str, way: str, seconds: int) -> Claim:
        world, chance = self.world, self.chance
        known = way == REFER and chance.happens(world.known_permille)
        at_ms = claimed * MS_PER_DAY + 12 * MS_PER_HOUR
        approved_ms = at_ms + 2 * MS_PER_DAY
        found = None
        if chance.happens(world.gone_permille if way == REFER else world.gone_gamed_permille):
            days = chance.days(world.gone_daily_permille)
            found = None if days is None else approved_ms + days * MS_PER_DAY + 1
        truth = GAMED if way != REFER else MISTAKEN if known or found is not None else DONE
        if way == OVERHEARD and chance.happens(world.minds_permille):
            found = at_ms
        return Claim(
            person=person,
            at_ms=at_ms,
            approved_at_ms=approved_ms,
            way=way,
            learnt_as=way,
            truth=truth,
            seconds=seconds,
            value=self._input(day, person, kind, way, known, at_ms),
            found_at_ms=found,
        )

    # ------------------------------------------------------------------------------------------ what is written
    def _input(self, day: int, person: Person, kind: str, way: str, known: bool, at_ms: int) -> Json:
        world, chance, shown = self.world, self.chance, self.records[kind]
        case = f"referral-{self.number}"
        whom = hashlib.sha256(f"{self.seed}/{self.number}".encode()).hexdigest()
        lodged_ms = day * MS_PER_DAY + 9 * MS_PER_HOUR
        first_ms = lodged_ms + world.days_to_contact * MS_PER_DAY
        if known:
            first_ms = lodged_ms - 20 * MS_PER_DAY
        won_ms = lodged_ms + (world.days_to_contact + world.days_to_win) * MS_PER_DAY
        finder: str | None = LEAD
        if way == PARTNER_FINDS and person.partner is not None:
            finder = person.partner
        elif way == REFER and chance.happens(world.nobody_named_permille):
            finder = None
        fields = {name: values[0] for name, values in shown["won"].items()}
        record = {
            "kind": shown["kind"],
            "id": f"record-{self.number}",
            "version": 3,
            "event_time": instant(won_ms),
            "first_event_at": instant(first_ms),
            "customer": whom,
            "source": "crm",
            "fields": fields if finder is None else {**fields, shown["by_field"]: finder},
        }
        by = f"member:{person.id}"
        crm = undeclared("crm", person.id)
        evidence = [item("record", "system_record", "E3", 15, at_ms, by, crm, record, LEAD)]
        answers = way != REFER or chance.happens(world.answers_permille)
        if answers and way == REFER and chance.happens(world.mails_permille):
            evidence.append(_mail(case, whom, lodged_ms + MS_PER_HOUR, by))
        elif answers:
            bearer = person.id if way == OWN_YES else finder or LEAD
            evidence.append(_consent(case, whom, bearer, lodged_ms))
        subject = {"kind": "referral", "id": whom, "customer": whom}
        expected = {"kind": kind, "referred": whom}
        facts = routine_facts("claim", subject, expected, lodged_ms, person.id, person.id, at_ms)
        prior: Json = {"awards": [], "reopened": [], "earlier": []}
        people = [LEAD] if finder is None else [LEAD, finder]
        return verdict_input(2, case, facts, at_ms, person.id, evidence, people, prior)


def _consent(case: str, whom: str, bearer: str, lodged_ms: int) -> Json:
    at_ms = lodged_ms + 2 * MS_PER_HOUR
    facts = {
        "link": f"link-{case}",
        "case": case,
        "customer": whom,
        "issued_at": instant(lodged_ms + MS_PER_HOUR),
        "handed_over_by": bearer,
        "address_known_before_case": False,
        "answered_at": instant(at_ms),
        "answer": "resolved",
    }
    controllers = {"any": [{"party": f"customer:{whom}"}, {"party": f"member:{bearer}"}]}
    return item("yes", "customer_confirmation", "E3", 16, at_ms, f"customer:{whom}", controllers, facts)


def _mail(case: str, whom: str, at_ms: int, by: str) -> Json:
    facts: Json = {
        "domain": "example.org",
        "selector": "s1",
        "algorithm": "ed25519-sha256",
        "key": "v=DKIM1; k=ed25519; p=AAAA",
        "key_seen_at": instant(at_ms),
        "signed_at": None,
        "expires_at": None,
        "sent_at": instant(at_ms),
        "from": whom,
        "to": [],
        "message": "b" * 64,
        "reference": True,
        "case": case,
        "size_bytes": 900,
    }
    controllers = {"any": [{"party": f"customer:{whom}"}, {"party": "system:mail:example.org"}]}
    return item("mail", "signed_mail", "E4", 17, at_ms, by, controllers, facts, LEAD)
