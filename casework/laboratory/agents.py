"""Who plays: kinds of staff, how each chooses, and who approves. Every rate says why it is what it is.

Rates are per mille, efforts are minutes. Where no source is named a rate is an assumption of ours: change it, and see
what it does. Lines of gaming: the project's research on recognition, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

HONEST, GAMER, CHERRY_PICKER, COLLUDER = "honest", "gamer", "cherry_picker", "colluder"
KINDS = (HONEST, GAMER, CHERRY_PICKER, COLLUDER)
DONE, LATE, MISTAKEN, GAMED = "done", "late", "mistaken", "gamed"
"""What a claim truly is: done; done after its time; done in good faith and without lasting effect; not done."""

EXPLORES_PERMILLE = 50
"""Who games tries another way than their best one in twenty: enough to notice that a rule has gone."""
SHIFTS_PERMILLE = 714
"""Five days in seven."""
ALL_PERMILLE = 1_000


def happens(chance: Random, permille: int) -> bool:
    """Draw once; 0 is never, 1000 always."""
    return chance.random() * ALL_PERMILLE < permille


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
            found += [kind] * (max(1, round(people * permille / ALL_PERMILLE)) if permille else 0)
        found = found[: max(0, people - 1)]
        return [HONEST] * (people - len(found)) + found


ONLY_HONEST = Mix(0, 0, 0)


@dataclass(slots=True)
class Tally:
    """What somebody who games has learnt: tokens and minutes by way of working."""

    tokens: dict[str, int] = field(default_factory=dict)
    minutes: dict[str, float] = field(default_factory=dict)

    def choose(self, ways: Sequence[str], chance: Random) -> str:
        """Return a way not tried yet, else the one that paid best for a minute; now and then any."""
        new = [way for way in ways if way not in self.minutes]
        if new:
            return new[0]
        if happens(chance, EXPLORES_PERMILLE):
            return chance.choice(ways)
        return max(ways, key=lambda way: self.tokens[way] / self.minutes[way])

    def learn(self, way: str, tokens: int, minutes: float) -> None:
        """Note what one claim brought."""
        self.tokens[way] = self.tokens.get(way, 0) + tokens
        self.minutes[way] = self.minutes.get(way, 0.0) + minutes


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


def on_shift(people: Sequence[Person], chance: Random) -> list[Person]:
    """Return who works today, in the order in which they come to the work."""
    found = [one for one in people if happens(chance, SHIFTS_PERMILLE)]
    chance.shuffle(found)
    return found


@dataclass(frozen=True, slots=True)
class Approver:
    """Who decides about what passed. `sees`: by way of gaming, how often they notice and decline."""

    name: str
    sees: Mapping[str, int]
    wrongs_permille: int

    def declines(self, truth: str, way: str, chance: Random) -> bool:
        """Say whether they decline this claim."""
        drawn = chance.random() * ALL_PERMILLE
        return drawn < (self.sees.get(way, 0) if truth == GAMED else self.wrongs_permille)


CAREFUL = Approver(
    "careful",
    {
        "office": 50,  # a list of numbers looks the same wherever it was written
        "printed": 50,  # as above: the code on paper is always at hand
        "office_recheck": 100,  # the same two names beside each other, week after week, can be seen in a bundle
        "lent_phone": 20,  # nothing in the record is odd
        "not_looked": 20,  # nothing in the record is odd
        "hidden_failure": 20,  # nothing in the record is odd
        "closed_early": 150,  # a closing minutes after opening invites a question
        "own_card": 200,  # answered within minutes of being handed over
        "invented": 250,  # no booking, bill or table belongs to that guest
        "invented_by_partner": 200,  # the same, and two colleagues are involved
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
    "lent_phone": 200,  # two people are asked apart, and one of them was there
    "not_looked": 100,  # they were there; only the number is made up
    "hidden_failure": 300,  # goods, alarms and the next reading may tell
    "closed_early": 800,  # the guest is called
    "own_card": 800,  # the guest is called
    "invented": 900,  # there is no guest to call
    "invented_by_partner": 900,  # there is no guest to call
}
"""How often a second look at a drawn award shows that it was gamed."""
LOOK_WRONGS_PERMILLE = 2
"""How often a second look ends an honest award: a guest who does not remember."""
