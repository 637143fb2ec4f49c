"""A policy played by several houses, as an owner sees it beside the policy: who works there, and what came of it.

The rows of shipped policies are played when the product is built (tools/incentives.py, played.json); those of a policy
that somebody has just changed are played on demand, for a shorter time, so that nobody waits long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from casework.laboratory.agents import CAREFUL, LAZY, ONLY_HONEST, Approver, Mix
from casework.laboratory.report import Figures, Share, figures
from casework.laboratory.year import PEOPLE_DEFAULT, WEEKS, Rules, play_year

Json = dict[str, Any]
GAMED_TOLD_MAX = 3
"""So many ways of gaming are named, the commonest first."""
PEOPLE: Mapping[str, int] = {"training": 60, "referral": 60}
"""Where one person asks for few awards in a year, a larger house plays, so that there is something to count."""
QUICK_WEEKS: Mapping[str, int] = {"operational_check": 13, "service_issue": 26, "handover": 26}
"""How long a policy is played that somebody waits for: shorter where a house asks for thousands of awards."""


@dataclass(frozen=True, slots=True)
class House:
    """Who works there, and who says yes."""

    mix: Mix
    approver: Approver = CAREFUL


HOUSES: Mapping[str, House] = {
    "honest": House(ONLY_HONEST),
    "picking": House(Mix(0, 330, 0)),
    "alone": House(Mix(100, 0, 0)),
    "pair": House(Mix(0, 0, 100)),
    "all": House(Mix()),
    "yes": House(Mix(), LAZY),
}
"""Key -> house: everybody honest; one in three picks what is easy; one in ten games alone; a pair plays together (in a
larger house one in ten); all of them; all of them, with an approver who says yes to everything."""


def people_of(verifier: str) -> int:
    """Return how many work in the house that plays a policy of this verifier."""
    return PEOPLE.get(verifier, PEOPLE_DEFAULT)


def tried(content: Any, verifier: str, seed: int = 1) -> Json:
    """Play a policy's content in every house for as long as somebody may wait, and return what came of it.

    Raises:
        PolicyInvalid: it is no policy.
        NoPlay: no world for its verifier.
    """
    weeks, people = QUICK_WEEKS.get(verifier, WEEKS), people_of(verifier)
    rows = {}
    for key, house in HOUSES.items():
        year = play_year(content, seed, people, Rules(house.approver), house.mix, weeks=weeks)
        rows[key] = row(figures(year))
    return {"people": people, "weeks": weeks, "years": 1, "houses": rows}


def row(found: Figures) -> Json:
    """Return what is shown of one house."""
    return {
        "gamed": _share(found.gamed),
        "refused": _share(found.honest_refusals),
        "ways": [way for way, _ in found.gamed_ways[:GAMED_TOLD_MAX]],
        "counters": [{"name": one.name, "permille": one.permille, "of": one.total} for one in found.counters],
    }


def _share(one: Share) -> Json:
    return {"permille": one.permille, "low": one.low, "high": one.high, "of": one.total}
