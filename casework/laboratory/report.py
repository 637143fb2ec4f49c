"""What came of a year: figures with intervals, a table by kind of people, and sentences for an owner.

Shares are whole numbers of a thousand; intervals are Wilson's at 95 %, rounded outwards. An interval says how far
chance alone could move a share in the modelled house; it says nothing about how well the model fits a real one.
"""

from __future__ import annotations

import math
from collections import Counter as Tallied
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from casework.laboratory.agents import DONE, GAMED, HONEST, KINDS, LATE, MISTAKEN
from casework.laboratory.year import CAUGHT, DECLINED, REFUSED, REVERSED, SETTLED, Fate, Year

Z = 1.959964
"""The normal quantile of a two-sided 95 % interval."""
GAMED_AIM_PERMILLE, REFUSALS_AIM_PERMILLE = 10, 5
"""What a rule should reach: under 1 % gamed, under 0.5 % of honest work refused."""
REASONS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Share:
    """`permille` of `total`, and the interval of it."""

    permille: int
    low: int
    high: int
    total: int

    def said(self) -> str:
        """Return it in per cent, e.g. `1.2 % (0.9 to 1.6)`."""
        if not self.total:
            return "nothing to count"
        return f"{percent(self.permille)} % ({percent(self.low)} to {percent(self.high)})"


@dataclass(frozen=True, slots=True)
class KindFigures:
    """How one kind of people fared. `minutes_per_token` is None where no token settled."""

    kind: str
    people: int
    asked: int
    passed: int
    settled: int
    tokens: int
    gamed_tokens: int
    capped: int
    minutes: float

    @property
    def tokens_per_person(self) -> float:
        """Return settled tokens for each of them."""
        return self.tokens / self.people if self.people else 0.0

    @property
    def minutes_per_token(self) -> float | None:
        """Return the effort behind one settled token, what was refused included."""
        return self.minutes / self.tokens if self.tokens else None


@dataclass(frozen=True, slots=True)
class Figures:
    """The report as data."""

    kinds: tuple[KindFigures, ...]
    gamed: Share
    honest_refusals: Share
    caught_by_draw: Share
    mistaken: Share
    refusals: tuple[tuple[str, int], ...]
    gamed_ways: tuple[tuple[str, int], ...]
    reversed: int
    came_out_late: int


def percent(permille: int) -> str:
    """Return per mille as per cent with one digit."""
    return f"{permille // 10}.{permille % 10}"


def share(part: float, total: float, trials: int) -> Share:
    """Return `part` of `total` with Wilson's interval over that many trials (Wilson 1927, formula 10).

    Tokens of one award stand and fall together, so a share of tokens has as many trials as there are awards.
    """
    if not total or not trials:
        return Share(0, 0, 0, 0)
    p, square = part / total, Z * Z / trials
    middle = (p + square / 2) / (1 + square)
    half = Z / (1 + square) * math.sqrt(p * (1 - p) / trials + square / (4 * trials))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    # a hair against the rounding of the last bits: at p = 0 the lower end is 0, at p = 1 the upper is 1
    return Share(round(1000 * p), math.floor(1000 * low + 1e-9), math.ceil(1000 * high - 1e-9), trials)


def figures(year: Year) -> Figures:
    """Count a year."""
    fates = year.fates
    paid = [one for one in fates if one.settled_tokens]
    tokens = sum(one.tokens for one in paid)
    honest = [one for one in fates if one.kind == HONEST and one.truth == DONE]
    refused = [one for one in honest if one.state != SETTLED]
    granted_gamed = [one for one in fates if one.truth == GAMED and one.state not in (REFUSED, DECLINED)]
    return Figures(
        kinds=tuple(_kind(year, kind) for kind in KINDS if year.people.get(kind)),
        gamed=share(_tokens(paid, GAMED), tokens, len(paid)),
        honest_refusals=share(len(refused), len(honest), len(honest)),
        caught_by_draw=_of(granted_gamed, CAUGHT),
        mistaken=share(_tokens(paid, MISTAKEN, LATE), tokens, len(paid)),
        refusals=_most(one.reason for one in refused),
        gamed_ways=_most(one.way for one in paid if one.truth == GAMED),
        reversed=sum(one.state == REVERSED for one in fates),
        came_out_late=sum(one.came_out_late for one in fates),
    )


def _tokens(fates: Sequence[Fate], *truths: str) -> int:
    return sum(one.tokens for one in fates if one.truth in truths)


def _of(fates: Sequence[Fate], state: str) -> Share:
    return share(sum(one.state == state for one in fates), len(fates), len(fates))


def _most(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """Return the commonest first; of equals by name, so that the report is the same each time."""
    counted = sorted(Tallied(names).items(), key=lambda one: (-one[1], one[0]))
    return tuple(counted[:REASONS_SHOWN_MAX])


def _kind(year: Year, kind: str) -> KindFigures:
    mine = [one for one in year.fates if one.kind == kind]
    settled = [one for one in mine if one.state == SETTLED]
    return KindFigures(
        kind=kind,
        people=year.people[kind],
        asked=len(mine),
        passed=sum(one.state != REFUSED for one in mine),
        settled=len(settled),
        tokens=sum(one.tokens for one in settled),
        gamed_tokens=_tokens(settled, GAMED),
        capped=sum(one.capped for one in settled),
        minutes=sum(one.minutes for one in mine),
    )


# --------------------------------------------------------------------------------------------------- for people
COLUMNS = ("who", "asked", "passed", "settled", "tokens", "each", "gamed", "effort")
CAPTION = (
    "each: tokens a person; gamed: tokens for work not truly done; effort: minutes behind a settled token"
)


def rows(found: Figures) -> list[dict[str, str]]:
    """Return the table by kind of people."""
    return [dict(zip(COLUMNS, _row(one), strict=True)) for one in found.kinds]


def _row(one: KindFigures) -> tuple[str, ...]:
    effort = one.minutes_per_token
    return (
        f"{one.people} {one.kind.replace('_', '-')}",
        str(one.asked),
        str(one.passed),
        str(one.settled),
        str(one.tokens),
        f"{one.tokens_per_person:.0f}",
        str(one.gamed_tokens),
        "-" if effort is None else f"{effort:.1f}",
    )


def sentences(year: Year, found: Figures) -> list[str]:
    """Return the report in sentences, the warning first."""
    people = sum(year.people.values())
    lines = [
        f"A model, and no gate: {people} made-up people play {year.policy.id} version {year.policy.version} "
        f"for a year; seed {year.seed}, approver {year.rules.approver.name}.",
        "What it assumes decides what comes out; docs/incentives.md names each assumption and what the model does "
        "not know.",
        "",
        f"Settled tokens for work not truly done: {found.gamed.said()}{_aim(found.gamed, GAMED_AIM_PERMILLE)}",
        *[f"  awards by {_words(way)}: {count}" for way, count in found.gamed_ways],
        f"Honest work without an award: {found.honest_refusals.said()}"
        f"{_aim(found.honest_refusals, REFUSALS_AIM_PERMILLE)}",
        *[f"  {reason}: {count}" for reason, count in found.refusals],
        f"Settled tokens for honest work that was late or did not hold: {found.mistaken.said()}",
        f"Gamed awards that the draw ended: {found.caught_by_draw.said()}",
        f"Awards beyond the cap, so without tokens or with fewer: {sum(one.capped for one in found.kinds)}",
        f"Awards that the window took back: {found.reversed}; what came out only after settling: {found.came_out_late}",
    ]
    return lines + [f"Counter-metric, {one.name}: {_counter(one.figure, one.unit)}" for one in year.counters]


def _aim(found: Share, aim_permille: int) -> str:
    if not found.total:
        return ""
    word = "reached" if found.permille < aim_permille else "missed"
    return f"; aim: under {percent(aim_permille)} %, {word}"


def _counter(figure: float, unit: str) -> str:
    return f"{percent(round(figure))} %" if unit == "permille" else f"{figure:.1f} {unit}"


def _words(way: str) -> str:
    return way.replace("_", " ")


def document(year: Year, found: Figures) -> dict[str, Any]:
    """Return the report as one JSON document."""
    return {
        "model": True,
        "policy": {"id": year.policy.id, "version": year.policy.version, "digest": year.policy.digest},
        "seed": year.seed,
        "people": dict(year.people),
        "approver": year.rules.approver.name,
        "gamed": _share_json(found.gamed),
        "honest_refusals": _share_json(found.honest_refusals),
        "late_or_mistaken": _share_json(found.mistaken),
        "gamed_awards_ended_by_draw": _share_json(found.caught_by_draw),
        "refusal_reasons": dict(found.refusals),
        "gamed_ways": dict(found.gamed_ways),
        "reversed": found.reversed,
        "came_out_after_settling": found.came_out_late,
        "kinds": {one.kind: _kind_json(one) for one in found.kinds},
        "counter_metrics": [
            {"name": one.name, "figure": round(one.figure, 1), "unit": one.unit} for one in year.counters
        ],
    }


def _share_json(found: Share) -> dict[str, int]:
    return {
        "permille": found.permille,
        "low_permille": found.low,
        "high_permille": found.high,
        "of": found.total,
    }


def _kind_json(one: KindFigures) -> dict[str, Any]:
    effort = one.minutes_per_token
    return {
        "people": one.people,
        "asked": one.asked,
        "passed": one.passed,
        "settled": one.settled,
        "tokens": one.tokens,
        "gamed_tokens": one.gamed_tokens,
        "beyond_the_cap": one.capped,
        "minutes_per_token": None if effort is None else round(effort, 2),
    }
