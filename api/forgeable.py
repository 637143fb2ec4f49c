"""Live awards, the easiest to fake first: fewest who would have had to lie, then most tokens. For who checks them.

`needed` is what the newest policy of that kind asks of the evidence today; an award was at or above what was asked when
it was granted, and may be below it since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from api.scope import Row, Scoped
from casework import awards, tables
from ledger.codec import loads

LIVE = (awards.PROVISIONAL, awards.SETTLED)


@dataclass(frozen=True, slots=True)
class Floor:
    """What a policy asks of the evidence: `low` up to `limit_tokens`, `high` above."""

    limit_tokens: int
    low: int
    high: int

    def needed(self, amount_tokens: int) -> int:
        """Return the least k_evidence of an award of so many tokens."""
        return self.high if amount_tokens > self.limit_tokens else self.low


@dataclass(frozen=True, slots=True)
class Weighed:
    """A page of awards. `rows` are the awards' with k_evidence and witnessing (JSON text); `beyond`: more come."""

    rows: tuple[Row, ...]
    beyond: bool


async def floors(rows: Scoped) -> dict[str, Floor]:
    """Return kind of award -> what its newest policy asks."""
    found: dict[str, Floor] = {}
    for row in sorted(await rows.find(tables.policy), key=lambda one: int(one["seq"])):
        content = loads(row["content"])
        found[str(content["award_kind"])] = floor_of(content)
    return found


def floor_of(policy: Mapping[str, Any]) -> Floor:
    """Return what the content of a policy asks."""
    terms, sets = policy["terms"], policy["parameters"]["evidence_sets"]
    # An approver who is no party of the evidence adds one, so it has to bring the rest (docs/spec/verdict.md).
    least = min(int(one["k_evidence_min"]) for one in sets)
    low, high = (max(least, int(terms[name]) - 1) for name in ("k_min", "k_min_above"))
    return Floor(int(terms["tokens_limit"]), low, high)


async def cheapest(
    rows: Scoped,
    limits: Mapping[str, Floor],
    *,
    kind: str | None = None,
    below: bool = False,
    skip: int = 0,
    limit: int,
) -> Weighed:
    """Return live awards, the easiest to fake first, of one kind or all; `below`: only those under today's floor."""
    also: list[ColumnElement[bool]] = [tables.award.c.state.in_(LIVE)]
    if kind is not None:
        also.append(tables.award.c.kind == kind)
    if below and not limits:
        return Weighed((), False)
    if below:
        also.append(or_(*(_under(name, floor) for name, floor in sorted(limits.items()))))
    found = await rows.awards_by_forgery(also, skip=skip, limit=limit + 1)
    return Weighed(tuple(found[:limit]), len(found) > limit)


def _under(kind: str, floor: Floor) -> ColumnElement[bool]:
    k, amount = tables.verdict.c.k_evidence, tables.award.c.amount_tokens
    return and_(
        tables.award.c.kind == kind,
        or_(k < floor.low, and_(amount > floor.limit_tokens, k < floor.high)),
    )
