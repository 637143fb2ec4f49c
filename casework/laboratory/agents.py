"""Who plays: kinds of staff, how each chooses, and who approves. Every rate says why it is what it is.

Rates are per mille, efforts are seconds, all of them whole numbers. Where no source is named a rate is an assumption of
ours: change it, and see what it does. Lines of gaming: the project's research on recognition, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from casework.laboratory.chance import ALL_PERMILLE, Chance

HONEST, GAMER, CHERRY_PICKER, COLLUDER = "honest", "gamer", "cherry_picker", "colluder"
KINDS = (HONEST, GAMER, CHERRY_PICKER, COLLUDER)
DONE, LATE, MISTAKEN, GAMED = "done", "late", "mistaken", "gamed"
"""What a claim truly is: done; done after its time; done in good faith and without lasting effect; not done."""

EXPLORES_PERMILLE = 50
"""Who games tries another way than their best one in twenty: enough to notice that a rule has gone."""
SHIFTS_PERMILLE = 714
"""Five days in seven."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Mix:
    """How many of a thousand people are of each kind, honest ones being the rest.

    Nobody knows the true shares. These are high on purpose, so that each rule has something to stop: in a house with
    fewer who game, the gamed share is lower in about that proportion. Figures per kind of people stand beside it.
    """

    gamer: int = 100
    cherry_picker: int = 100
    colluder: int = 100

    def kinds(self, people: int) -> list[str]:
        """Return a kind per person; colluders come in pairs, and somebody is always honest."""
        pairs = people * self.colluder // (2 * ALL_PERMILLE)
        if self.colluder and people >= 4:
            pairs = max(1, pairs)
        found = [COLLUDER] * (2 * pairs)
        for kind, permille in ((GAMER, self.gamer), (CHERRY_PICKER, self.cherry_picker)):
            found += [kind] * (
                max(1, (2 * people * permille + ALL_PERMILLE) // (2 * ALL_PERMILLE)) if permille else 0
            )
        found = found[: max(0, people - 1)]
        return [HONEST] * (people - len(found)) + found


ONLY_HONEST = Mix(0, 0, 0)


@dataclass(slots=True)
class Tally:
    """What somebody who games has learnt: tokens and seconds by way of working."""

    tokens: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, int] = field(default_factory=dict)

    def choose(self, ways: Sequence[str], chance: Chance) -> str:
        """Return a way not tried yet, else the one that paid best for its time; now and then any."""
        new = [way for way in ways if way not in self.seconds]
        if new:
            return new[0]
        if chance.happens(EXPLORES_PERMILLE):
            return chance.one_of(ways)
        return max(ways, key=self._pays)

    def _pays(self, way: str) -> int:
        return self.tokens[way] * MILLION // max(1, self.seconds[way])

    def learn(self, way: str, tokens: int, seconds: int) -> None:
        """Note what one claim brought."""
        self.tokens[way] = self.tokens.get(way, 0) + tokens
        self.seconds[way] = self.seconds.get(way, 0) + seconds


@dataclass(slots=True)
class Person:
    """One of the staff. A colluder has a partner, who does the same for them."""

    id: str
    kind: str
    partner: str | None = None
    tally: Tally = field(default_factory=Tally)


def staff(people: int, mix: Mix) -> list[Person]:
    """Return the people of a house: p01, p02 ..."""
    found = [Person(f"p{number:02d}", kind) for number, kind in enumerate(mix.kinds(people), 1)]
    pairs = [one for one in found if one.kind == COLLUDER]
    for left, right in zip(pairs[::2], pairs[1::2], strict=True):
        left.partner, right.partner = right.id, left.id
    return found


def on_shift(people: Sequence[Person], chance: Chance) -> list[Person]:
    """Return who works today, in the order in which they come to the work: who picks what is easy comes first, because
    later it is gone."""
    found = [one for one in people if chance.happens(SHIFTS_PERMILLE)]
    chance.shuffle(found)
    return sorted(found, key=lambda one: one.kind != CHERRY_PICKER)


@dataclass(frozen=True, slots=True)
class Approver:
    """Who decides about what passed. `sees`: by way of gaming, how often they notice and decline."""

    name: str
    sees: Mapping[str, int]
    wrongs_permille: int

    def declines(self, truth: str, way: str, chance: Chance) -> bool:
        """Say whether they decline this claim."""
        return chance.happens(self.sees.get(way, 0) if truth == GAMED else self.wrongs_permille)


CAREFUL = Approver(
    "careful",
    {
        "office": 50,  # a list of numbers looks the same wherever it was written
        "printed": 50,  # as above: the code on paper is always at hand
        "office_recheck": 100,  # the same two names beside each other, week after week, can be seen in a bundle
        "second_account": 150,  # as above, and one of the two names is never seen at work
        "lent_phone": 20,  # nothing in the record is odd
        "not_looked": 20,  # nothing in the record is odd
        "hidden_failure": 20,  # nothing in the record is odd
        "closed_early": 150,  # a closing minutes after opening invites a question
        "own_card": 200,  # answered within minutes of being handed over
        "partner_card": 150,  # answered within minutes, and the same two names again
        "invented": 250,  # no booking, bill or table belongs to that guest
        "invented_by_partner": 200,  # the same, and two colleagues are involved
        "phrases": 100,  # the same sentences each time, if somebody reads them
        "hidden_point": 10,  # nobody else knows of it
        "waved_through": 50,  # the read-back says nothing that the note does not say
        "left_running": 20,  # the provider reports hours, and nothing else
        "certificate": 300,  # it is a file, not the provider's word
        "sat_by_partner": 30,  # somebody may remember who sat there
        "seen_by_partner": 50,  # the assessor's name is known as a friend's
        "own_household": 150,  # an address or a name may be known
        "overheard": 100,  # a colleague may say that they were theirs
        "own_yes": 100,  # answered within minutes of being lodged
        "found_by_partner": 80,  # the same two names again
    },
    1,  # one in a thousand is declined by mistake
)
LAZY = Approver("lazy", {}, 0)
"""Approves everything that passed: what rules alone are worth."""
APPROVERS = {one.name: one for one in (CAREFUL, LAZY)}

LOOK_SHOWS: Mapping[str, int] = {
    "office": 400,  # whoever looks asks where they were, and compares with the rota and the till
    "printed": 400,  # as above
    "office_recheck": 400,  # two people are asked apart
    "second_account": 600,  # the second name has no shifts
    "lent_phone": 200,  # two people are asked apart, and one of them was there
    "not_looked": 100,  # they were there; only the number is made up
    "hidden_failure": 300,  # goods, alarms and the next reading may tell
    "closed_early": 800,  # the guest is called
    "own_card": 800,  # the guest is called
    "partner_card": 800,  # the guest is called
    "invented": 900,  # there is no guest to call
    "invented_by_partner": 900,  # there is no guest to call
    "phrases": 400,  # read beside the last ten, it is the same note
    "hidden_point": 200,  # whoever left it open is asked
    "waved_through": 300,  # the reader is asked what was open
    "left_running": 400,  # three questions on the matter show it
    "certificate": 900,  # the provider is asked
    "sat_by_partner": 500,  # three questions on the matter show it
    "seen_by_partner": 500,  # they are asked to show it
    "own_household": 500,  # the one referred is called
    "overheard": 400,  # whoever spoke with them first is asked
    "own_yes": 700,  # the one referred is called and knows of nothing
    "found_by_partner": 400,  # two people are asked apart
}
"""How often a second look at a drawn award shows that it was gamed."""
LOOK_WRONGS_PERMILLE = 2
"""How often a second look ends an honest award: a guest who does not remember."""
