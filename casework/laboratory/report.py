"""What came of a year: figures with intervals, a table by kind of people, and sentences for an owner.

Shares are whole numbers of a thousand; intervals are Wilson's at 95 %, rounded outwards. An interval says how far
chance alone could move a share in the modelled house; it says nothing about how well the model fits a real one.
"""

from __future__ import annotations

import math
from collections import Counter as Tallied
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from casework.laboratory.agents import DONE, GAMED, HONEST, KINDS, LATE, MISTAKEN
from casework.laboratory.claims import Counter
from casework.laboratory.year import CAUGHT, DECLINED, REFUSED, REVERSED, SETTLED, Fate, Year

Z_SQUARE_MILLIONTHS = 3_841_459
"""The square of the normal quantile of a two-sided 95 % interval."""
ROOT_SCALE = 10**9
GAMED_AIM_PERMILLE, REFUSALS_AIM_PERMILLE = 10, 5
"""What a rule should reach: under 1 % gamed, under 0.5 % of honest work refused."""
REASONS_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole` in per mille, and the interval of it; `total`: out of how many that stand and fall alone."""

    permille: int
    low: int
    high: int
    total: int
    part: int
    whole: int

    def said(self) -> str:
        """Return it in per cent, e.g. `1.2 % (0.9 to 1.6)`."""
        if not self.total:
            return "nothing to count"
        return f"{percent(self.permille)} % ({percent(self.low)} to {percent(self.high)})"


@dataclass(frozen=True, slots=True)
class KindFigures:
    """How one kind of people fared."""

    kind: str
    people: int
    asked: int
    passed: int
    settled: int
    tokens: int
    gamed_tokens: int
    capped: int
    seconds: int

    @property
    def tokens_each(self) -> int:
        """Return settled tokens for each of them, rounded."""
        return rounded(self.tokens, self.people) if self.people else 0

    @property
    def tenths_of_minutes(self) -> int | None:
        """Return the effort behind one settled token, what was refused included; None where no token settled."""
        return rounded(self.seconds, 6 * self.tokens) if self.tokens else None


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
    counters: tuple[Counter, ...]


def rounded(count: int, of: int) -> int:
    """Return count / of, rounded half up; both are 0 or more, `of` at least 1."""
    return (2 * count + of) // (2 * of)


def tenths(value: int) -> str:
    """Return tenths as a number with one digit."""
    return f"{value // 10}.{value % 10}"


def percent(permille: int) -> str:
    """Return per mille as per cent with one digit."""
    return tenths(permille)


def share(part: int, whole: int, trials: int) -> Share:
    """Return `part` of `whole` with Wilson's interval over that many trials (Wilson 1927, formula 10).

    Tokens of one award stand and fall together, so a share of tokens has as many trials as there are awards. Whole
    numbers all the way, the root rounded up, so that the ends are the same on every machine and never too near.
    """
    if not whole or not trials:
        return Share(0, 0, 0, 0, 0, 0)
    p, square = Fraction(part, whole), Fraction(Z_SQUARE_MILLIONTHS, 1_000_000)
    middle = trials * p + square / 2
    under = square * (trials * p * (1 - p) + square / 4) * ROOT_SCALE**2
    root = math.isqrt(math.floor(under))
    half = Fraction(root if root * root == under else root + 1, ROOT_SCALE)
    low = max(Fraction(0), (middle - half) / (trials + square))
    high = min(Fraction(1), (middle + half) / (trials + square))
    return Share(
        rounded(1000 * part, whole), math.floor(1000 * low), math.ceil(1000 * high), trials, part, whole
    )


def pooled(years: Sequence[Figures]) -> Figures:
    """Return several years of one policy and one house as one; at least one is expected."""
    kinds = [one.kind for one in years[0].kinds]
    return Figures(
        kinds=tuple(
            _together([one for year in years for one in year.kinds if one.kind == kind]) for kind in kinds
        ),
        gamed=_joined([one.gamed for one in years]),
        honest_refusals=_joined([one.honest_refusals for one in years]),
        caught_by_draw=_joined([one.caught_by_draw for one in years]),
        mistaken=_joined([one.mistaken for one in years]),
        refusals=_most_of(one.refusals for one in years),
        gamed_ways=_most_of(one.gamed_ways for one in years),
        reversed=sum(one.reversed for one in years),
        came_out_late=sum(one.came_out_late for one in years),
        counters=tuple(
            Counter(same[0].name, sum(one.count for one in same), sum(one.total for one in same))
            for same in zip(*(one.counters for one in years), strict=True)
        ),
    )


def _joined(shares: Sequence[Share]) -> Share:
    part, whole, total = (sum(getattr(one, name) for one in shares) for name in ("part", "whole", "total"))
    return share(part, whole, total)


def _together(same: Sequence[KindFigures]) -> KindFigures:
    names = [name for name in KindFigures.__slots__ if name != "kind"]
    return KindFigures(same[0].kind, **{name: sum(getattr(one, name) for one in same) for name in names})


def _most_of(counted: Iterable[Sequence[tuple[str, int]]]) -> tuple[tuple[str, int], ...]:
    total: Tallied[str] = Tallied()
    for one in counted:
        total.update(dict(one))
    return _ordered(total)


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
        counters=year.counters,
    )


def _tokens(fates: Sequence[Fate], *truths: str) -> int:
    return sum(one.tokens for one in fates if one.truth in truths)


def _of(fates: Sequence[Fate], state: str) -> Share:
    return share(sum(one.state == state for one in fates), len(fates), len(fates))


def _most(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return _ordered(Tallied(names))


def _ordered(counted: Tallied[str]) -> tuple[tuple[str, int], ...]:
    """Return the commonest first; of equals by name, so that the report is the same each time."""
    return tuple(sorted(counted.items(), key=lambda one: (-one[1], one[0])))


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
        seconds=sum(one.seconds for one in mine),
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
    effort = one.tenths_of_minutes
    return (
        f"{one.people} {one.kind.replace('_', '-')}",
        str(one.asked),
        str(one.passed),
        str(one.settled),
        str(one.tokens),
        str(one.tokens_each),
        str(one.gamed_tokens),
        "-" if effort is None else tenths(effort),
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
        *[f"  awards by {_words(way)}: {count}" for way, count in found.gamed_ways[:REASONS_SHOWN_MAX]],
        f"Honest work without an award: {found.honest_refusals.said()}"
        f"{_aim(found.honest_refusals, REFUSALS_AIM_PERMILLE)}",
        *[f"  {reason}: {count}" for reason, count in found.refusals[:REASONS_SHOWN_MAX]],
        f"Settled tokens for honest work that was late or did not hold: {found.mistaken.said()}",
        f"Gamed awards that the draw ended: {found.caught_by_draw.said()}",
        f"Awards beyond the cap, so without tokens or with fewer: {sum(one.capped for one in found.kinds)}",
        f"Awards that the window took back: {found.reversed}; what came out only after settling: {found.came_out_late}",
    ]
    return lines + [f"Counter-metric, {one.name}: {percent(one.permille)} %" for one in year.counters]


def _aim(found: Share, aim_permille: int) -> str:
    if not found.total:
        return ""
    word = "reached" if found.permille < aim_permille else "missed"
    return f"; aim: under {percent(aim_permille)} %, {word}"


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
            {"name": one.name, "permille": one.permille, "of": one.total} for one in year.counters
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
    effort = one.tenths_of_minutes
    return {
        "people": one.people,
        "asked": one.asked,
        "passed": one.passed,
        "settled": one.settled,
        "tokens": one.tokens,
        "gamed_tokens": one.gamed_tokens,
        "beyond_the_cap": one.capped,
        "tenths_of_minutes_per_token": effort,
    }
